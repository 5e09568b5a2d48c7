"""What does a step cost in other people's loops, and are its numbers those of the whole run?

Called from Python: the time of a step of 16 and of 90 muscles, beside that of a compiled call that
does nothing, alternated. Its inputs are in the processor's cache, as a simulator that has just
computed them leaves them; beside it, what it takes when they come from memory. A machine that is
shared runs at two speeds, so the median is that of the quiet rounds: where the empty call took at
most a fifth more than its least. Then one hour at 1 kHz, whose last minute must repeat the second
one. As a C library, built for the oldest x86-64 and for this processor: a C++ program streams a
measured recording (12 muscles, knee and ankle, native profile) and computes it as a whole; how many
of its moments have other bits than Python's, what a step takes (the median of the quietest of ten
runs), and what the library needs. To pass, a step takes at most 3 and 6 microseconds (median), from
C 150 ns a muscle; the hour's moments drift by less than 1e-9; no bit differs; libm and libc are all
that is needed. Takes some minutes.
"""

from __future__ import annotations

import itertools
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import folder, options, table, verdict

import refnms
from refnms.interop.c import export_c
from refnms.jit import host_processor, kernel
from refnms.stream import Stepper
from refnms.synthetic import participant

AT_MOST = {16: 3.0, 90: 6.0}  # [us]
PER_MUSCLE, DRIFT = 150.0, 1e-9  # [ns]; relative
STEPS, SECONDS = 20, 20.0  # rounds so short that few are interrupted, for so long
QUIET, RUNS = 1.2, 10
RATE, HOUR, MINUTE = 1000.0, 3_600_000, 60_000
PERIOD = 2000  # frames
NEAR = slice(500, 510)  # of them: so few stay in the cache


@kernel
def nothing(address: int) -> int:
    return address


def wide(count: int) -> tuple[refnms.Model, refnms.Trial]:
    """The invented participant with its muscles repeated until there are so many."""
    person = participant(0)
    model, trial = person.true, person.held_out[0]
    at = np.arange(count) % len(model.muscle_names)
    model = replace(
        model,
        muscle_names=tuple(f"{model.muscle_names[i]}_{n}" for n, i in enumerate(at)),
        muscles=type(model.muscles)(*(p[at] for p in model.muscles)),
        emg_to_muscle=model.emg_to_muscle[at],
        crosses=model.crosses[at],
    )
    trial = replace(
        trial,
        musculotendon_length=trial.musculotendon_length[:, at],
        moment_arm=trial.moment_arm[:, at],
    )
    return model, trial


def inputs(trial: refnms.Trial) -> list[tuple[np.ndarray, ...]]:
    """Frames at 1 kHz, to and fro over a second of the trial."""
    at = np.concatenate([np.arange(0.0, 1.0, 1e-3), np.arange(1.0, 0.0, -1e-3)])
    frame = at * 100.0
    low = frame.astype(int)
    part = frame - low

    def between(rows):
        shape = (-1,) + (1,) * (rows.ndim - 1)
        weight = part.reshape(shape)
        return rows[low] * (1.0 - weight) + rows[low + 1] * weight

    emg = trial.emg[(at * 200.0).astype(int)]
    poses = between(trial.musculotendon_length), between(trial.moment_arm)
    return list(zip(emg, *poses, strict=True))


def microseconds(call, count: int = STEPS) -> float:
    began = time.perf_counter()
    for _ in range(count):
        call()
    return 1e6 * (time.perf_counter() - began) / count


def from_python() -> tuple[list[list[str]], bool]:
    rows, good = [], True
    for muscles, most in AT_MOST.items():
        model, trial = wide(muscles)
        frames = inputs(trial)
        near, far = (stepping(model, some) for some in (to_and_fro(frames[NEAR]), frames))
        idle = idling(to_and_fro(frames[NEAR]))
        taken = alternated(near, idle)
        quiet = taken[:, 1] <= QUIET * taken[:, 1].min()
        own, empty = np.median(taken[quiet], axis=0)
        beside = alternated(far, idle)
        from_memory = np.median(beside[beside[:, 1] <= QUIET * taken[:, 1].min(), 0])
        cells = (own, taken[:, 0].min(), np.median(taken[:, 0]), from_memory, empty)
        rows.append(
            [
                f"{muscles} muscles",
                *(f"{cell:.2f}" for cell in cells),
                f"{quiet.mean():.0%} of {len(quiet):,}",
                f"{most:g}",
            ]
        )
        good &= own <= most
    return rows, good


def alternated(step, idle) -> np.ndarray:
    """Microseconds `(rounds, 2)` of both, in turns."""
    step(), idle()
    taken, began = [], time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        taken.append((microseconds(step), microseconds(idle)))
    return np.array(taken)


def to_and_fro(frames: list) -> list:
    return frames + frames[::-1]


def stepping(model: refnms.Model, frames: list):
    """A call that steps on, over these frames again and again."""
    stepper, clock, count = Stepper(model), itertools.count(), len(frames)

    def step() -> None:
        i = next(clock)
        stepper.step(1e-3 * i, *frames[i % count])

    return step


def idling(frames: list):
    """The same with a compiled call that does nothing."""
    clock, count = itertools.count(), len(frames)

    def idle() -> None:
        i = next(clock)
        nothing(i)
        frames[i % count]

    return idle


def an_hour() -> tuple[float, float, float]:
    """Drift, growth of memory [MB] and how many times faster than real time."""
    model, trial = wide(16)
    stepper, frames = Stepper(model), inputs(trial)
    early, late = [], []
    began = time.perf_counter()
    for i in range(HOUR):
        moment = stepper.step(i / RATE, *frames[i % PERIOD])
        if MINUTE <= i < MINUTE + PERIOD:
            early.append(moment.copy())
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        elif i >= HOUR - PERIOD:
            late.append(moment.copy())
    took = time.perf_counter() - began
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024.0
    early, late = np.array(early), np.array(late)
    return float(np.abs(early - late).max() / np.abs(early).max()), growth, HOUR / RATE / took


def from_c(data: Path, scratch: Path, processor: str) -> tuple[list[str], bool]:
    target = scratch / processor
    subject = (data / "subject.xml", data / "excitationGenerator.xml")
    export_c(target, processor, subject, data / "walk45_b" / "trial.xml")
    build = ("c++", "-std=c++20", "-O2", "-o", "example", "example.cpp", "librefnms.a", "-lm")
    subprocess.run(build, cwd=target, check=True)
    told = [
        subprocess.run(
            ("./example", "trial.bin"), cwd=target, capture_output=True, text=True
        ).stdout
        for _ in range(RUNS)
    ]
    print(told[0].rstrip())
    others = sum(int(n) for n in re.findall(r"(\d+) of \d+ moments have", "".join(told)))
    timed = re.findall(r"(\d+) ns a muscle .median., (\d+)", "".join(told))
    a_muscle, least = (min(map(float, times)) for times in zip(*timed, strict=True))
    linked = subprocess.run(
        ("readelf", "-d", "librefnms.so"), cwd=target, capture_output=True, text=True
    )
    needed = re.findall(r"NEEDED.*\[(.*)\]", linked.stdout)
    row = [processor, str(others), f"{a_muscle:.0f}", f"{least:.0f}", " ".join(needed)]
    good = others == 0 and a_muscle <= PER_MUSCLE and {*needed} <= {"libm.so.6", "libc.so.6"}
    return row, good


def main() -> int:
    chosen = options(__doc__)
    data = folder(chosen, "s06_calibration")
    rows, fast = from_python()
    head = "a step from Python [us];median;least;all rounds;from memory;empty call;quiet;at most"
    table(head.split(";"), rows)
    drift, growth, speed = an_hour()
    print(f"\none hour at 1 kHz: drift {drift:.1e}, memory +{growth:.1f} MB, {speed:.0f} times "
          "faster than real time\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        built = [from_c(data, Path(scratch), name) for name in ("x86-64", host_processor())]
    print()
    table(
        ["C library for", "other bits", "ns a muscle and step", "least", "needs"],
        [b[0] for b in built],
    )
    print()
    steady = drift < DRIFT and growth < 1.0
    return verdict(
        fast and steady and all(good for _, good in built),
        f"a step takes {rows[0][1]} us for 16 muscles, {rows[1][1]} us for 90; an hour drifts "
        f"{drift:.1e}; from C {built[-1][0][2]} ns a muscle, {built[0][0][1]} other bits",
    )


if __name__ == "__main__":
    sys.exit(main())
