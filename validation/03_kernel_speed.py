"""How fast are the compiled loops: against C, against the forward pass, and as problems grow?

On the embedded participant: its three trials, or, where a problem grows, the first of them played
forward and backward as often as it takes, with its muscles repeated. What is compared is timed in
turns in one process, in processor time of one thread unless threads are the question; a ratio is
one of medians. To pass, the forward loop takes at most 1.3 times what `forward.c` takes, with its
adjoint at most 1.6 forward passes, with the derivatives of lengths and forces by six parameters of
every muscle at most 2.0; a muscle-frame costs the same within 35 % whatever the number of frames
and muscles; and forces agree with C, gradients with differences. Needs no data.
"""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import NO_DATA, figure, options, table, to_and_fro, verdict
from timing import in_turns, ratio, threads, told

from refnms import Model, Trial, primitives
from refnms.autodiff import difference_sweep
from refnms.demo import free_parameters
from refnms.jit import HAVE_NUMBA
from refnms.objective import Objective
from refnms.physics import apart, compiled, reference
from refnms.physics.curves import sampled_curve
from refnms.physics.profiles import NATIVE, Profile, ceinms_0_9
from refnms.physics.types import Array, Curves, Integers, Muscles, MuscleSignals
from refnms.sensitivity import OF_NEITHER
from refnms.simulation import Joined, join
from refnms.synthetic import participant

FRAMES, MUSCLES = 10_000, 16  # of an enlarged problem, where nothing else is said
MANY_FRAMES, MANY_MUSCLES = (1_000, 10_000, 100_000, 1_000_000), (16, 50, 100, 300)
MANY_TRIALS = (1, 3, 10)
ROUNDS, SOME_ROUNDS, FEW_ROUNDS = 240, 15, 5
LONG = 0.05  # [s] a timing of threads takes at least
SIX = (
    "c1",
    "c2",
    "shape_factor",
    "optimal_fiber_length",
    "tendon_slack_length",
    "strength_coefficient",
)
FORWARD, ADJOINT, JACOBIAN, IN_C = "forward", "+ adjoint", "+ Jacobian", "forward in C"
VALUE, GRADIENT, MODEL = "value", "gradient", "value and model"
PASSES = (FORWARD, ADJOINT, JACOBIAN)
BARS = {FORWARD: 1.3, ADJOINT: 1.6, JACOBIAN: 2.0}  # ratios: to C, and to forward
PLAIN = "native, points of CEINMS (the participant's)"
SMOOTH, CEINMS = "native, sampled curves of De Groote", "ceinms-0.9, points of CEINMS"
LABELS = {  # of ratios
    FORWARD: "forward over C",
    ADJOINT: "with adjoint over forward",
    JACOBIAN: "with Jacobian over forward",
    GRADIENT: "Objective: gradient over value",
    MODEL: "Objective: value and model over value",
    SMOOTH: "sampled curves over points of CEINMS",
    CEINMS: "ceinms-0.9 over native",
}
FLAT = 1.35  # largest over smallest
SAME_FORCE, SAME_GRADIENT = 1e-6, 1e-6

Growth = dict[str, list[float]]  # ns of a muscle-frame in each pass, at several sizes


# ---- problems ----


@dataclass(frozen=True, eq=False)
class Problem:
    """Joined trials, room for their signals, and cotangents of the forces, as moments have them."""

    joined: Joined
    table: Array
    excitation: Array
    signals: MuscleSignals
    flags: Integers
    bars: MuscleSignals

    @property
    def size(self) -> int:
        """Muscle-frames."""
        return self.joined.musculotendon_length.size

    def forward(self) -> None:
        lmt, found = self.joined.musculotendon_length, (self.signals, self.flags)
        compiled.forward(self.joined.system, self.table, self.excitation, lmt, *found)

    def adjoint(self) -> None:
        self.forward()
        lmt, found = self.joined.musculotendon_length, (self.signals, self.flags)
        given = (self.joined.system, self.table, self.excitation, lmt, *found)
        compiled.adjoint(*given, self.bars, (False, False))

    def jacobian(self) -> None:
        self.forward()
        lmt, found = self.joined.musculotendon_length, (self.signals, self.flags)
        given = (self.joined.system, self.table, self.excitation, None, lmt, *found)
        fields = np.array([Muscles._fields.index(name) for name in SIX])
        compiled.tangents(*given, fields, lambda *chunk: None, OF_NEITHER)

    def passes(self) -> dict[str, Callable[[], object]]:
        return dict(zip(PASSES, (self.forward, self.adjoint, self.jacobian), strict=True))


def problem_of(model: Model, trials: Sequence[Trial], profile: Profile = NATIVE) -> Problem:
    apart.keep_memory()  # as for a calibration
    joined = join(model, trials, profile)
    parameters = model.table()
    excitation = joined.excitation(parameters)
    rows, (frames, muscles) = len(excitation), joined.musculotendon_length.shape
    counts = enumerate((rows, *(frames,) * 4), apart.SIGNALS)
    signals = MuscleSignals(*(apart.zeros(k, (n, muscles)) for k, n in counts))
    bars = MuscleSignals(None, None, None, None, np.ones((frames, muscles)))
    flags = apart.zeros(apart.FLAGS, (frames, muscles), np.int64)
    return Problem(joined, parameters, excitation, signals, flags, bars)


def repeated(model: Model, muscles: int) -> Model:
    """The model with its muscles repeated up to so many."""
    of = np.arange(muscles) % len(model.muscle_names)
    return replace(
        model,
        muscle_names=tuple(f"{model.muscle_names[m]}_{k}" for k, m in enumerate(of)),
        muscles=Muscles(*(values[of] for values in model.muscles)),
        emg_to_muscle=model.emg_to_muscle[of],
        crosses=model.crosses[of],
    )


def prolonged(trial: Trial, frames: int, muscles: int) -> Trial:
    of = np.arange(muscles) % trial.musculotendon_length.shape[1]
    step, emg_step = trial.time[1] - trial.time[0], trial.emg_time[1] - trial.emg_time[0]
    rows = math.ceil((frames * step - trial.emg_time[0]) / emg_step) + 1
    return replace(
        trial,
        time=step * np.arange(frames),
        musculotendon_length=to_and_fro(trial.musculotendon_length[:, of], frames),
        moment_arm=to_and_fro(trial.moment_arm[:, of], frames),
        emg_time=trial.emg_time[0] + emg_step * np.arange(rows),
        emg=to_and_fro(trial.emg, rows),
        moment=to_and_fro(trial.moment, frames),
    )


def enlarged(frames: int, muscles: int, trials: int = 1) -> tuple[Model, list[Trial]]:
    """A model of so many muscles, and so many frames in trials of equal length."""
    person = participant()
    trial = prolonged(person.calibration[0], frames // trials, muscles)
    names = [f"{trial.name}_{k}" for k in range(trials)]
    return repeated(person.generic, muscles), [replace(trial, name=name) for name in names]


def de_groote_fregly() -> Curves:
    """The sampled curves of docs/extending.md (De Groote et al. 2016)."""
    gaussians = (
        (0.8150671134243542, 1.055033428970575, 0.162384573599574, 0.063303448465465),
        (0.433004984392647, 0.716775413397760, -0.029947116970696, 0.200356847296188),
        (0.1, 1.0, 0.353553390593274, 0.0),
    )
    shortest = np.exp(4.0 / 0.6 * (0.2 - 1.0))
    return Curves(
        sampled_curve(
            lambda x: sum(
                h * np.exp(-0.5 * ((x - m) / (w + k * x)) ** 2) for h, m, w, k in gaussians
            ),
            0.2,
            2.5,
        ),
        sampled_curve(
            lambda x: (np.exp(4.0 / 0.6 * (x - 1.0)) - shortest) / (np.exp(4.0) - shortest),
            0.2,
            1.8,
        ),
        sampled_curve(
            lambda v: 0.8825327733249912 - 0.3211346127989808 * np.arcsinh(-8.149 * v - 0.374),
            -1.0,
            1.0,
        ),
        sampled_curve(lambda e: 0.2 * np.exp(np.log(6.0) / 0.049 * e) - 0.2, -0.5, 0.1),
    )


# ---- timing ----


def ns(seconds: np.ndarray, size: int) -> float:
    """Nanoseconds of a muscle-frame."""
    return float(1e9 * np.median(seconds) / size)


@contextmanager
def numpy_engine() -> Iterator[None]:
    """The NumPy engine in the place of the compiled one."""
    kept, primitives.pick = primitives.pick, lambda *arrays: reference
    try:
        yield
    finally:
        primitives.pick = kept


# ---- C ----


class CurveInC(ctypes.Structure):
    _fields_ = (("edges", ctypes.c_void_p), ("pieces", ctypes.c_void_p), ("count", ctypes.c_long))


class SignalsInC(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in (*MuscleSignals._fields, "flags"))


def library_in_c(folder: Path) -> ctypes.CDLL | None:
    """`forward.c`, where there is a gcc that compiles it."""
    gcc, source = shutil.which("gcc"), Path(__file__).with_name("forward.c")
    if gcc is None:
        print("no comparison with C: gcc is missing")
        return None
    flags = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")
    # The library of mathematics has the exponential of several numbers at a time.
    command = [gcc, *flags, source, "-o", folder / "forward.so", "-lm"]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode != 0:
        print(f"no comparison with C: gcc refuses {source.name}\n{ended.stderr}")
        return None
    return ctypes.CDLL(str(folder / "forward.so"))


def function_in_c(library: ctypes.CDLL, p: Problem, signals: MuscleSignals) -> Callable[[], object]:
    """The forward pass of a problem in C, into these signals."""
    joined, timeline = p.joined, p.joined.system.timeline
    inputs = (p.table, timeline.solver_weights, p.excitation, joined.musculotendon_length)
    table_, *others = (np.ascontiguousarray(array) for array in inputs)
    starts, flags = timeline.frames.astype(ctypes.c_long), np.zeros(p.size, ctypes.c_long)
    curves = [
        CurveInC(curve.edges.ctypes.data, curve.pieces.ctypes.data, len(curve.pieces))
        for curve in joined.system.curves
    ]

    def forward() -> None:
        library.forward(
            ctypes.c_long(len(starts) - 1),
            ctypes.c_void_p(starts.ctypes.data),
            ctypes.c_long(table_.shape[1]),
            ctypes.c_void_p(table_.ctypes.data),
            (CurveInC * len(curves))(*curves),
            *(ctypes.c_void_p(array.ctypes.data) for array in others),
            SignalsInC(*(array.ctypes.data for array in (*signals, flags))),
        )

    return forward


# ---- the loops themselves, and the whole objective ----


def loops() -> tuple[dict[str, float], bool]:
    """Ratios of one problem, and whether C agrees."""
    person = participant()
    p = problem_of(person.generic, person.calibration)
    functions, same = p.passes(), True
    with tempfile.TemporaryDirectory() as scratch:
        library = library_in_c(Path(scratch))
        if library is not None:
            theirs = MuscleSignals(*np.full((5, *p.signals.tendon_force.shape), np.nan))
            functions[IN_C] = function_in_c(library, p, theirs)
        seconds = in_turns(functions, ROUNDS)
    bases = {FORWARD: IN_C, ADJOINT: FORWARD, JACOBIAN: FORWARD}
    bases = {name: base for name, base in bases.items() if base in seconds}
    rows = []
    for name, timed in seconds.items():
        cells = [name, f"{ns(timed, p.size):.1f}", "", ""]
        if name in bases:
            cells[2:] = f"{told(seconds, name, bases[name])} of {bases[name]}", str(BARS[name])
        rows.append(cells)
    table([f"{p.size:,} muscle-frames", "ns each", "ratio (quartiles)", "at most"], rows)
    if library is not None:
        force = p.signals.tendon_force
        apart = np.max(np.abs(theirs.tendon_force - force) / np.max(np.abs(force), axis=0))
        same = bool(apart <= SAME_FORCE)
        print(f"forces here and in C differ by {apart:.1e} of each muscle's peak at most")
    return {name: ratio(seconds, name, base) for name, base in bases.items()}, same


def whole_objective() -> tuple[dict[str, float], bool]:
    """Ratios of what a calibration asks for; whether the gradient agrees with differences."""
    person = participant()
    free = free_parameters(person.generic)
    objective = Objective(free, person.calibration)
    x = free.start + 0.1 * (0.5 * (free.lower + free.upper) - free.start)
    functions = {
        VALUE: lambda: objective.value(x),
        GRADIENT: lambda: objective.gradient(x),
        MODEL: lambda: (objective.value(x), objective.model(x)),
    }
    seconds = in_turns(functions, ROUNDS)
    value = 1e3 * float(np.median(seconds[VALUE]))
    rows = [[VALUE, f"{value:.2f}", "1"]]
    for name in (GRADIENT, MODEL):
        rows.append([name, f"{1e3 * np.median(seconds[name]):.2f}", told(seconds, name, VALUE)])
    rows.append(["central differences", f"{2 * x.size * value:.0f}", f"{2 * x.size}"])
    with numpy_engine():
        slow = in_turns({GRADIENT: functions[GRADIENT]}, FEW_ROUNDS)[GRADIENT]
    slow_ms = 1e3 * float(np.median(slow))
    rows.append(["gradient, NumPy engine", f"{slow_ms:.0f}", f"{slow_ms / value:.0f}"])
    table([f"Objective, {x.size} parameters", "ms", "values (quartiles)"], rows)
    error = error_of_gradient(objective, x)
    print(f"gradient and differences along three directions disagree by {error:.1e} at most")
    found = {name: ratio(seconds, name, VALUE) for name in (GRADIENT, MODEL)}
    return found, error <= SAME_GRADIENT


def error_of_gradient(objective: Objective, x: Array) -> float:
    """Worst relative disagreement with central differences along random directions."""
    rng = np.random.default_rng(0)
    free = objective.problem.packing
    _, gradient = objective.gradient(x)
    errors = []
    for _ in range(3):
        step = 1e-3 * rng.uniform(-1.0, 1.0, x.shape) * (free.upper - free.lower)
        slope = float(difference_sweep(objective.value, x, step).value)
        errors.append(abs(slope - gradient @ step) / np.sum(np.abs(gradient * step)))
    return float(max(errors))


# ---- growing problems ----


def growth(sizes: Sequence[tuple[int, int]]) -> Growth:
    """ns of a muscle-frame of each pass, at numbers of frames and muscles."""
    problems = [problem_of(*enlarged(*size)) for size in sizes]
    passes = {
        f"{name} {k}": function
        for k, p in enumerate(problems)
        for name, function in p.passes().items()
    }
    seconds = in_turns(passes, SOME_ROUNDS, shortest=LONG)
    return {
        name: [ns(seconds[f"{name} {k}"], p.size) for k, p in enumerate(problems)]
        for name in PASSES
    }


def show_growth(what: str, counts: Sequence[int], found: Growth) -> float:
    """Print it; the largest ratio of two costs of one pass."""
    spread = {name: max(costs) / min(costs) for name, costs in found.items()}
    rows = [[name, *(f"{c:.0f}" for c in costs), f"{spread[name]:.2f}"]
            for name, costs in found.items()]  # fmt: skip
    table([f"ns each, at so many {what}", *(f"{n:,}" for n in counts), "largest / least"], rows)
    return max(spread.values())


def by_trials_and_threads() -> None:
    """The same frames in several trials, shared out among threads; on the clock."""

    def on(count: int, function: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            with threads(count):
                function()

        return run

    problems = {n: problem_of(*enlarged(FRAMES, MUSCLES, n)) for n in MANY_TRIALS}
    functions = {
        f"{n} {name} {count}": on(count, function)
        for n, p in problems.items()
        for name, function in p.passes().items()
        for count in (1, 2)
    }
    seconds = in_turns(functions, SOME_ROUNDS, time.perf_counter)
    rows = []
    for n, p in problems.items():
        cells = []
        for name in PASSES:
            one, two = f"{n} {name} 1", f"{n} {name} 2"
            cells += [f"{ns(seconds[one], p.size):.0f}", f"{ratio(seconds, one, two):.2f}"]
        rows.append([n, *cells])
    heads = [head for name in PASSES for head in (name, "by 2 threads")]
    table([f"ns each on the clock; {FRAMES:,} frames in so many trials", *heads], rows)


def memory() -> None:
    """Peak of what NumPy allocates; the loops allocate nothing."""
    model, trials = enlarged(FRAMES, MUSCLES)
    free = free_parameters(model)
    rows = []
    for name in (VALUE, GRADIENT, MODEL):
        objective = Objective(free, trials)
        tracemalloc.start()
        if name == GRADIENT:
            objective.gradient(free.start)
        else:
            objective.value(free.start)
        if name == MODEL:
            objective.model(free.start)
        rows.append([name, f"{tracemalloc.get_traced_memory()[1] / (FRAMES * MUSCLES):.0f}"])
        tracemalloc.stop()
    table(["Objective, at its peak beside the inputs", "bytes a muscle-frame"], rows)


# ---- other curves, another profile ----


def variants() -> dict[str, float]:
    """The passes under other curves and the other profile: how the forward pass compares."""
    person = participant()
    smooth = replace(person.generic, curves=de_groote_fregly())
    problems = {
        PLAIN: problem_of(person.generic, person.calibration),
        SMOOTH: problem_of(smooth, person.calibration),
        CEINMS: problem_of(person.generic, person.calibration, ceinms_0_9().for_gradients()),
    }
    functions = {
        f"{variant} {name}": function
        for variant, p in problems.items()
        for name, function in p.passes().items()
    }
    seconds = in_turns(functions, SOME_ROUNDS)
    rows = []
    for variant, p in problems.items():
        cells = []
        for name in PASSES:
            key, base = f"{variant} {name}", f"{PLAIN} {name}"
            cells += [f"{ns(seconds[key], p.size):.0f}", told(seconds, key, base)]
        rows.append([variant, *cells])
    heads = [head for name in PASSES for head in (name, "over the first")]
    table(["ns each (quartiles)", *heads], rows)
    forward = f"{PLAIN} {FORWARD}"
    return {
        variant: ratio(seconds, f"{variant} {FORWARD}", forward) for variant in (SMOOTH, CEINMS)
    }


# ---- all of it ----


def draw(page: Any, ratios: dict[str, tuple[float, float | None]], grown: list[Any]) -> None:
    """`ratios` with what they may be at most; `grown`: label, counts, costs."""
    bars, *panels = page.subplots(1, 3, width_ratios=(1.3, 1.0, 1.0))
    for k, (value, most) in enumerate(ratios.values()):
        judged = {"color": "#8a8a8a"} if most is None else {"color": "#0072b2"}
        bars.barh(k, value, height=0.55, **judged)
        at = (max(value, most or 0.0), k)
        bars.annotate(f"{value:.2f}", at, (5, 0), textcoords="offset points", va="center")
        if most is not None:
            bars.plot([most, most], [k - 0.4, k + 0.4], color="#d55e00", lw=1.6)
    bars.plot([], [], color="#d55e00", lw=1.6, label="at most")
    bars.set_yticks(range(len(ratios)), list(ratios))
    bars.tick_params(axis="y", length=0)
    bars.invert_yaxis()
    bars.set(xlabel="ratio", xlim=(0.0, 1.2 * max(value for value, _ in ratios.values())))
    colors = ("#0072b2", "#009e73", "#cc79a7")
    for panel, (label, counts, costs) in zip(panels, grown, strict=True):
        for color, (name, cost) in zip(colors, costs.items(), strict=True):
            panel.plot(counts, cost, "o-", color=color, ms=3.5, lw=1.1, label=name)
        panel.set(xscale="log", xlabel=label)
        panel.set_xticks(counts, list(map(short, counts)))
        panel.minorticks_off()
        panel.grid(axis="y", lw=0.3)
    top = 1.15 * max(max(cost) for _, _, costs in grown for cost in costs.values())
    for panel in panels:
        panel.set_ylim(0.0, top)
    panels[0].set_ylabel("ns a muscle-frame")
    handles = [handle for ax in (bars, panels[0]) for handle in ax.get_legend_handles_labels()[0]]
    page.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)


def short(count: int) -> str:
    """1000 as 1k."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count // size}{letter}"
    return str(count)


def main() -> int:
    chosen = options(__doc__, needs_data=False)
    if not HAVE_NUMBA:
        print("nothing to measure: Numba is missing")
        return NO_DATA
    with threads(1):
        ratios, same_force = loops()
        print()
        whole, same_gradient = whole_objective()
        print()
        frames = growth([(n, MUSCLES) for n in MANY_FRAMES])
        uneven = {"frames": show_growth("frames", MANY_FRAMES, frames)}
        muscles = growth([(FRAMES, n) for n in MANY_MUSCLES])
        uneven["muscles"] = show_growth("muscles", MANY_MUSCLES, muscles)
        print()
        memory()
        print()
        others = variants()
    print()
    by_trials_and_threads()
    shown = {
        **{LABELS[name]: (value, BARS[name]) for name, value in ratios.items()},
        **{LABELS[name]: (value, None) for name, value in (whole | others).items()},
    }
    grown = [
        (f"frames, {MUSCLES} muscles", MANY_FRAMES, frames),
        (f"muscles, {short(FRAMES)} frames", MANY_MUSCLES, muscles),
    ]
    figure(chosen, "03_kernel_speed.png", lambda page: draw(page, shown, grown), figsize=(9.5, 3.4))
    missed = [LABELS[name] for name, value in ratios.items() if value > BARS[name]]
    missed += [f"flat over {what}" for what, spread in uneven.items() if spread > FLAT]
    missed += [] if same_force else ["the forces of C"]
    missed += [] if same_gradient else ["the gradient of differences"]
    measured = ", ".join(f"{LABELS[name]} {value:.2f}" for name, value in ratios.items())
    return verdict(not missed, f"{measured}; missed: {', '.join(missed) or 'nothing'}")


if __name__ == "__main__":
    sys.exit(main())
