"""What the tests of the physics draw and share: muscles, recordings, and the check of an adjoint.

Hypothesis draws a seed; everything else follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from refnms.physics import engine, kernels, reference
from refnms.physics.curves import ceinms_default
from refnms.physics.profiles import NATIVE, Profile, ceinms_0_9
from refnms.physics.stencils import timeline
from refnms.physics.types import Array, Integers, Muscles, System

CURVES = ceinms_default()
STEP = 1e-30  # of complex steps
ADJOINT = 1e-9  # a vjp against the complex step, relative to the terms of its sum
ADJOINTS_AGREE = 1e-10  # kernels against reference, relative to the largest of a column
ENGINES = 1e-12  # kernels against reference, relative to a signal's peak

seeds = st.integers(0, 2**32 - 1)
PROFILES = {
    "native": NATIVE,
    "online": ceinms_0_9(online=True, tolerance=0.0),
    "offline": ceinms_0_9(tolerance=0.0),
}

INPUTS = {  # of every signal of the chain
    "neural_activation": ("excitation",),
    "exponential_activation": ("neural_activation",),
    "piecewise_activation": ("neural_activation",),
    "rigid_fiber_length": ("musculotendon_length",),
    "elastic_fiber_length": ("activation", "musculotendon_length"),
    "trailing_velocity": ("fiber_length",),
    "whole_trial_velocity": ("fiber_length",),
    "tendon_force": ("activation", "fiber_length", "fiber_velocity"),
}


def draw_muscles(rng: np.random.Generator, count: int) -> Muscles:
    """Muscles within physiological bounds; the first is not pennate."""
    muscles = Muscles(
        c1=rng.uniform(-0.95, -0.05, count),
        c2=rng.uniform(-0.95, -0.05, count),
        shape_factor=rng.uniform(-2.999, -0.001, count),
        optimal_fiber_length=rng.uniform(0.02, 0.15, count),
        pennation_angle_at_optimal=rng.uniform(0.0, 0.5, count),
        tendon_slack_length=rng.uniform(0.02, 0.4, count),
        max_isometric_force=rng.uniform(100.0, 3000.0, count),
        max_contraction_velocity=rng.uniform(5.0, 15.0, count),
        strength_coefficient=rng.uniform(0.5, 2.0, count),
        electromechanical_delay=rng.uniform(0.0, 0.1, count),
        fiber_damping=rng.uniform(0.01, 0.2, count),
        percentage_change=rng.uniform(0.0, 0.2, count),
    )
    muscles.pennation_angle_at_optimal[0] = 0.0
    return muscles


@st.composite
def units(draw: st.DrawFn) -> Muscles:
    """One muscle, its parameters complex numbers' real parts."""
    rng = np.random.default_rng(draw(seeds))
    muscles = draw_muscles(rng, 2)
    return Muscles(*(p[draw(st.sampled_from([0, 1, 1]))] for p in muscles))


class Case(NamedTuple):
    """A system and one value of every signal."""

    system: System
    muscles: Muscles
    signals: dict[str, Array]
    flags: Integers

    @property
    def lanes(self) -> Integers:
        return np.arange((len(self.system.timeline.frames) - 1) * self.muscles.c1.size)

    def shape(self, name: str) -> tuple[int, int]:
        timeline = self.system.timeline
        rows = timeline.rows if name == "neural_activation" else timeline.frames
        return int(rows[-1]), self.muscles.c1.size


def times(rng: np.random.Generator, count: int) -> Array:
    """Time stamps about 10 ms apart, not uniform."""
    return np.cumsum(rng.uniform(0.008, 0.012, count))


def draw_case(
    seed: int,
    profile: Profile,
    rigid: bool = False,
    shape: str = "exponential_activation",
    corners: bool = False,
) -> Case:
    """Three muscles in two trials, whose lengths stretch and here and there slacken the tendons.

    With `corners` some are too long for CEINMS's bracket, too short for their tendon, or passive.
    """
    rng = np.random.default_rng(seed)
    clocks = [times(rng, int(n)) for n in (rng.integers(15, 25), rng.integers(1, 8))]
    leads = rng.integers(0, 4, 2)
    muscles = draw_muscles(rng, 3)
    system = System(
        CURVES,
        timeline(clocks, leads, profile),
        profile.start,
        profile.root,
        profile.node_tolerance,
    )
    if rng.random() < 0.1:
        muscles.tendon_slack_length[1] = 0.0
    if shape == "piecewise_activation":
        muscles.shape_factor[:] = rng.uniform(0.01, 0.12, 3)
    lo, lts = muscles.optimal_fiber_length, muscles.tendon_slack_length
    time = np.concatenate(clocks)[:, None]
    reach = np.where(rng.random(3) < 0.3, 0.6, 0.3)  # a long reach slackens the tendon
    phase, rate = rng.uniform(0.0, 6.0, 3), rng.uniform(3.0, 12.0, 3)
    fiber = 0.95 + reach * np.sin(rate * time + phase)
    rows = int(system.timeline.rows[-1])
    wave = np.sin(np.arange(rows)[:, None] * rng.uniform(0.05, 0.3, 3) + phase)
    drive = 0.4 * np.ones(3)
    if corners:
        corner = rng.integers(0, 4, 3)
        fiber += np.array([0.0, 1.3, -0.9, -0.2])[corner]
        drive[corner == 3] = 0.0
    signals = {
        "excitation": np.clip(drive * (1.0 + wave + rng.normal(0.0, 0.1, (rows, 3))), 0.0, 1.0),
        "musculotendon_length": 1.02 * lts + lo * fiber,
    }
    case = Case(system, muscles, signals, np.zeros((len(time), 3), np.int64))
    signals["neural_activation"] = run(engine.pick(), "neural_activation", case)
    signals["activation"] = run(engine.pick(), shape, case)
    kind = "rigid_fiber_length" if rigid else "elastic_fiber_length"
    signals["fiber_length"] = run(engine.pick(), kind, case)
    signals["fiber_velocity"] = run(engine.pick(), velocity_of(case), case)
    return case


def velocity_of(case: Case) -> str:
    trailing = case.system.timeline.force_weights.shape[1] > 0
    return "trailing_velocity" if trailing else "whole_trial_velocity"


def run(
    of: ModuleType,
    name: str,
    case: Case,
    muscles: Muscles | None = None,
    lanes: Integers | None = None,
    frames: tuple[int, int] = (0, 10**6),
    output: Array | None = None,
    **replaced: Array,
) -> Array:
    """One signal by one engine, with some of the case's signals replaced."""
    inputs = [{**case.signals, **replaced}[key] for key in INPUTS[name]]
    muscles = case.muscles if muscles is None else muscles
    lanes = case.lanes if lanes is None else lanes
    if output is None:
        output = np.zeros(case.shape(name), np.result_type(*inputs, *muscles))
    flags = [case.flags] if name == "elastic_fiber_length" else []
    getattr(of, name)(case.system, muscles, lanes, *frames, *inputs, output, *flags)
    return output


def pull_back(
    of: ModuleType, name: str, case: Case, output_bar: Array, lanes: Integers | None = None
) -> tuple[Muscles, list[Array]]:
    """Cotangents of the muscles and of the inputs of one signal, by one engine."""
    inputs = [case.signals[key] for key in INPUTS[name]]
    output = run(of, name, case)
    muscles_bar = Muscles(*(np.zeros_like(p) for p in case.muscles))
    inputs_bar = [np.zeros_like(x) for x in inputs]
    flags = [case.flags] if name == "elastic_fiber_length" else []
    getattr(of, f"{name}_vjp")(
        case.system,
        case.muscles,
        case.lanes if lanes is None else lanes,
        *inputs,
        output,
        *flags,
        output_bar.copy(),
        muscles_bar,
        *inputs_bar,
    )
    return muscles_bar, inputs_bar


def adjoint_errors(
    of: ModuleType, oracle: ModuleType, name: str, case: Case, rng: np.random.Generator
) -> Iterator[tuple[str, float]]:
    """Largest error of each cotangent, against complex steps of `oracle`, muscle by muscle."""
    output_bar = rng.normal(size=case.shape(name))
    muscles_bar, inputs_bar = pull_back(of, name, case, output_bar)

    def error(adjoint: Array, stepped: Array) -> float:
        terms = output_bar * stepped.imag / STEP
        scale = np.sum(np.abs(terms), axis=0) + np.abs(adjoint)
        difference = np.abs(np.sum(terms, axis=0) - adjoint)
        return float(np.max(difference / np.where(scale > 0.0, scale, 1.0)))

    for field, p in case.muscles._asdict().items():
        stepped = case.muscles._replace(**{field: p + 1j * STEP * np.ones_like(p)})
        yield field, error(getattr(muscles_bar, field), run(oracle, name, case, muscles=stepped))
    for key, bar in zip(INPUTS[name], inputs_bar, strict=True):
        direction = rng.normal(size=bar.shape)
        stepped_input = case.signals[key] + 1j * STEP * direction
        stepped_output = run(oracle, name, case, **{key: stepped_input})
        yield key, error(np.sum(bar * direction, axis=0), stepped_output)


def check_kernel(name: str, case: Case, seed: int, in_pieces: bool = True) -> None:
    """All that a kernel promises, one signal of one case at a time."""
    rng = np.random.default_rng(seed)
    whole = run(kernels, name, case)
    flags = case.flags.copy()
    assert peak_error(run(reference, name, case), whole) <= ENGINES
    np.testing.assert_array_equal(case.flags, flags)
    if in_pieces:
        check_one_step_at_a_time(name, case, whole)
    check_a_subset_of_lanes(name, case, whole, rng)
    for what, error in adjoint_errors(kernels, reference, name, case, rng):
        assert error <= ADJOINT, f"{name}: {what}"
    check_adjoints_agree(name, case, rng)


def check_one_step_at_a_time(name: str, case: Case, whole: Array) -> None:
    """Frame by frame, a kernel gives the same bits."""
    stepped = np.full_like(whole, np.nan)
    for t in range(int(np.diff(case.system.timeline.frames).max())):
        run(kernels, name, case, frames=(t, t + 1), output=stepped)
    np.testing.assert_array_equal(stepped, whole)


def check_a_subset_of_lanes(name: str, case: Case, whole: Array, rng: np.random.Generator) -> None:
    """The lanes asked for have the same bits as before, and nothing else is touched."""
    lanes = rng.permutation(case.lanes)[:3]
    timeline = case.system.timeline
    bounds = timeline.rows if name == "neural_activation" else timeline.frames
    asked = np.zeros(whole.shape, dtype=bool)
    for lane in lanes:
        trial, m = divmod(int(lane), whole.shape[1])
        asked[bounds[trial] : bounds[trial + 1], m] = True
    found = np.full_like(whole, np.nan)
    run(kernels, name, case, lanes=lanes, output=found)
    np.testing.assert_array_equal(found, np.where(asked, whole, np.nan))
    output_bar = rng.normal(size=whole.shape)
    all_lanes = pull_back(kernels, name, case, output_bar * asked)[1]
    some_lanes = pull_back(kernels, name, case, output_bar, lanes)[1]
    for every, some in zip(all_lanes, some_lanes, strict=True):
        np.testing.assert_array_equal(some, every)


def check_adjoints_agree(name: str, case: Case, rng: np.random.Generator) -> None:
    """Both engines pull back alike, muscle by muscle and sample by sample."""
    output_bar = rng.normal(size=case.shape(name))
    (p, x), (q, y) = (pull_back(of, name, case, output_bar) for of in (kernels, reference))
    for first, second in zip([*p, *x], [*q, *y], strict=True):
        scale = np.max(np.abs(second), axis=0)
        assert (np.abs(first - second) <= ADJOINTS_AGREE * scale).all()


def peak_error(x: Array, y: Array) -> float:
    """Largest difference of two signals, each column relative to its peak."""
    peak = np.max(np.abs(y), axis=0)
    return float(np.max(np.abs(x - y) / np.where(peak > 0.0, peak, 1.0)))
