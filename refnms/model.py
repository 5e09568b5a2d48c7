"""What a person is and what was recorded: records only, validated here once and trusted after.

Shapes: T frames, M muscles, D degrees of freedom, E EMG channels, N EMG samples. SI units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refnms.display import by_name, count, listed, page
from refnms.errors import InputError, Problem
from refnms.physics.curves import value as height
from refnms.physics.types import Array, Curves, Muscles

if TYPE_CHECKING:
    from refnms.display import DataFrame


@dataclass(frozen=True)
class RigidTendon:
    """A tendon of constant length (CEINMS: `stiff`)."""


@dataclass(frozen=True)
class ElasticTendon:
    """A tendon in force equilibrium with its fibers (CEINMS: `equilibriumElastic`)."""


@dataclass(frozen=True)
class ExponentialActivation:
    """a = (exp(A u) - 1) / (exp(A) - 1) (Lloyd and Besier 2003, equation 4)."""


@dataclass(frozen=True)
class PiecewiseActivation:
    """Logarithm below a node, straight line above (Manal and Buchanan 2003)."""


# Sizes far beyond any muscle's. Within them no sum or square of the chain overflows, and the
# recursion of the activation (c1, c2) does not grow.
LARGEST = {
    "c1": 1.0,
    "c2": 1.0,
    "shape_factor": 100.0,
    "optimal_fiber_length": 10.0,
    "tendon_slack_length": 10.0,
    "max_isometric_force": 1e6,
    "max_contraction_velocity": 1e3,
    "strength_coefficient": 1e3,
    "electromechanical_delay": 10.0,
    "fiber_damping": 1e3,
    "percentage_change": 10.0,
}
LARGEST_POINT = 1e6  # of a curve, in either direction
SHORTEST = 1e-6  # [m] of fibers and tendons
PIECEWISE = (1e-6, 0.43)  # shape factors for which the piecewise curve has its node


@dataclass(frozen=True, eq=False)
class Model:
    """A person: muscles, the degrees of freedom they cross, and how EMG reaches them.

    Raises InputError naming every muscle and parameter that cannot be.
    """

    muscle_names: tuple[str, ...]
    dof_names: tuple[str, ...]
    emg_names: tuple[str, ...]
    muscles: Muscles  # each (M,)
    curves: Curves
    emg_to_muscle: Array  # (M, E) weights
    crosses: NDArray[np.bool_]  # (M, D) which muscle spans which degree of freedom
    tendon: RigidTendon | ElasticTendon = field(default_factory=ElasticTendon)
    activation: ExponentialActivation | PiecewiseActivation = field(
        default_factory=ExponentialActivation
    )

    def __post_init__(self) -> None:
        m, d, e = len(self.muscle_names), len(self.dof_names), len(self.emg_names)
        _set(self, "muscles", Muscles(*[_floats(p) for p in self.muscles]))
        _set(self, "emg_to_muscle", _floats(self.emg_to_muscle))
        _set(self, "crosses", np.ascontiguousarray(self.crosses, dtype=bool))
        problems = [
            *_repeated("muscle", self.muscle_names),
            *_repeated("degree of freedom", self.dof_names),
            *_repeated("EMG channel", self.emg_names),
            *_misshapen("emg_to_muscle", self.emg_to_muscle, (m, e)),
            *_misshapen("crosses", self.crosses, (m, d)),
        ]
        for name, values in zip(Muscles._fields, self.muscles, strict=True):
            problems += _misshapen(name, values, (m,))
        problems += _wild(self.curves)
        _raise(problems)
        problems = list(_impossible(self.muscle_names, self.muscles))
        if isinstance(self.activation, PiecewiseActivation):
            problems += _shapeless(self.muscle_names, self.muscles.shape_factor)
        _raise(problems)

    def wanted(self, dofs: Sequence[str] | None) -> NDArray[np.bool_]:
        """Which degrees of freedom `(D,)` are among `dofs`; None: all.

        Raises InputError for names that are not the model's, or none at all.
        """
        unknown = [name for name in dofs or () if name not in self.dof_names]
        if unknown or (dofs is not None and not dofs):
            known, unheard = ", ".join(self.dof_names), ", ".join(unknown)
            raise InputError(f"no degree of freedom is called {unheard}; there are {known}")
        return np.array([dofs is None or name in dofs for name in self.dof_names])

    def value(self, field_name: str, muscle: str) -> float:
        """One parameter of one muscle."""
        return float(getattr(self.muscles, field_name)[self.muscle_names.index(muscle)])

    def to_frame(self) -> DataFrame:
        """The parameters as a pandas DataFrame: a row for each muscle, SI units."""
        return by_name("muscle", self.muscle_names, self.muscles._asdict())

    def __repr__(self) -> str:
        tendon, activation = (
            type(part).__name__.removesuffix(kind).lower()
            for part, kind in ((self.tendon, "Tendon"), (self.activation, "Activation"))
        )
        return (
            f"<Model: {count(len(self.muscle_names), 'muscle')}, "
            f"{count(len(self.dof_names), 'degree of freedom')} ({listed(self.dof_names)}), "
            f"{count(len(self.emg_names), 'EMG channel')}, "
            f"{tendon} tendon, {activation} activation>"
        )

    def _repr_html_(self) -> str:
        return page(repr(self), self.to_frame())

    def table(self) -> Array:
        """The parameters of the muscles as `(12, M)`, in the order of `Muscles`."""
        return np.array(self.muscles)

    def with_table(self, table: Array) -> Model:
        """The same person with the parameters of a `(12, M)` table."""
        return replace(self, muscles=Muscles(*np.array(table)))

    def at_frame_rate(self, calibrated: float, wanted: float) -> Model:
        """The same person for frames at another rate than the calibrated one [Hz].

        The filter from excitation to neural activation has the poles -c1 and -c2, each the decay of
        one frame; its time constants stay. Raises InputError for c1 or c2 above 0: poles that
        alternate from frame to frame have no twin at another rate.
        """
        both = self.muscles.c1, self.muscles.c2
        above = [name for name, *c in zip(self.muscle_names, *both, strict=True) if max(c) > 0.0]
        if above:
            raise InputError(
                f"c1 or c2 above 0 are right at one frame rate alone: {', '.join(above)}"
            )
        c1, c2 = (-((-c) ** (calibrated / wanted)) for c in both)
        return replace(self, muscles=self.muscles._replace(c1=c1, c2=c2))


@dataclass(frozen=True, eq=False)
class Trial:
    """One recording. The length frames are the clock; EMG keeps its own time stamps.

    Raises InputError naming every signal that is misshapen, not finite or not in order of time.
    """

    name: str
    time: Array  # (T,) of the length frames [s]
    musculotendon_length: Array  # (T, M) [m]
    moment_arm: Array  # (T, M, D) [m]
    emg_time: Array  # (N,) [s]
    emg: Array  # (N, E) normalised envelopes
    moment: Array | None = None  # (T, D) measured [N.m]
    scored: NDArray[np.bool_] | None = None  # (T,) frames that count; None: all

    def __post_init__(self) -> None:
        for name in ("time", "musculotendon_length", "moment_arm", "emg_time", "emg"):
            _set(self, name, _floats(getattr(self, name)))
        if self.moment is not None:
            _set(self, "moment", _floats(self.moment))
        if self.scored is not None:
            _set(self, "scored", np.asarray(self.scored, dtype=bool))
        t, n = self.time.shape[0], self.emg_time.shape[0]
        muscles, dofs = self.moment_arm.shape[1:] if self.moment_arm.ndim == 3 else (0, 0)
        problems = [
            *_misshapen("musculotendon_length", self.musculotendon_length, (t, muscles)),
            *_misshapen("moment_arm", self.moment_arm, (t, muscles, dofs)),
            *_misshapen("emg", self.emg, (n, self.emg.shape[-1])),
        ]
        if self.moment is not None:
            problems += _misshapen("moment", self.moment, (t, dofs))
        if self.scored is not None:
            problems += _misshapen("scored", self.scored, (t,))
        for name, stamps in (("time", self.time), ("emg_time", self.emg_time)):
            if stamps.ndim != 1 or stamps.size < 2 or not (np.diff(stamps) > 0.0).all():
                problems.append(Problem(f"{name} must be two or more rising time stamps"))
        _raise([Problem(f"trial {self.name!r}: {p.message}") for p in problems])

    def __repr__(self) -> str:
        t, m, d = self.moment_arm.shape
        counted = t if self.scored is None else int(self.scored.sum())
        scored = "" if counted == t else f", {counted} of them scored"
        moments = "no moments" if self.moment is None else "measured moments"
        return (
            f"<Trial {self.name!r}: {count(t, 'frame')} from {self.time[0]:g} to "
            f"{self.time[-1]:g} s at {_rate(self.time):.4g} Hz{scored}; {count(m, 'muscle')}, "
            f"{count(d, 'degree of freedom')}, {count(self.emg.shape[1], 'EMG channel')} at "
            f"{_rate(self.emg_time):.4g} Hz, {moments}>"
        )

    def check(self, model: Model) -> None:
        """Raise InputError unless this recording has the muscles, DOFs and channels of `model`."""
        t, n = len(self.time), len(self.emg_time)
        m, d, e = len(model.muscle_names), len(model.dof_names), len(model.emg_names)
        problems = [
            *_misshapen("musculotendon_length", self.musculotendon_length, (t, m)),
            *_misshapen("moment_arm", self.moment_arm, (t, m, d)),
            *_misshapen("emg", self.emg, (n, e)),
        ]
        _raise([Problem(f"trial {self.name!r}: {p.message}") for p in problems])


def _rate(time: Array) -> float:
    """Samples in a second, commonly."""
    return float(1.0 / np.median(np.diff(time)))


def _set(record: Any, name: str, value: Any) -> None:
    object.__setattr__(record, name, value)  # the records are frozen once they are made


def _floats(values: Any) -> Array:
    """A C-ordered float64 array: the one kind that kernels are compiled for."""
    return np.array(values, dtype=np.float64, order="C")


def _raise(problems: Sequence[Problem]) -> None:
    if problems:
        raise InputError(problems)


def _repeated(what: str, names: Sequence[str]) -> list[Problem]:
    return [
        Problem(f"{what} {name!r} is named twice") for name in {*names} if names.count(name) > 1
    ]


def _misshapen(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> list[Problem]:
    if values.shape != shape:
        return [Problem(f"{name} has shape {values.shape}, expected {shape}")]
    if not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        return [Problem(f"{name} is not finite, first at index {where}")]
    return []


def _wild(curves: Curves) -> list[Problem]:
    """Curves that would overflow."""
    return [
        Problem(f"the curve {name} has a point beyond {LARGEST_POINT:g}")
        for name, curve in curves._asdict().items()
        if not (np.abs(curve.knots) <= LARGEST_POINT).all()
        or not (np.abs(height(curve, curve.knots)) <= LARGEST_POINT).all()
    ]


def _impossible(names: Sequence[str], muscles: Muscles) -> Iterator[Problem]:
    """Parameters outside the domain of the physics."""
    must_exceed = {
        "optimal_fiber_length": SHORTEST,
        "max_isometric_force": 0.0,
        "max_contraction_velocity": 0.0,
        "strength_coefficient": 0.0,
        "percentage_change": -1.0,
    }
    at_least = {"tendon_slack_length": 0.0, "pennation_angle_at_optimal": 0.0, "fiber_damping": 0.0}
    for m, muscle in enumerate(names):
        for field_name, bound in must_exceed.items():
            value = getattr(muscles, field_name)[m]
            if not value > bound:
                yield Problem(f"{muscle}: {field_name} is {value:g}, must be above {bound:g}")
        for field_name, bound in at_least.items():
            value = getattr(muscles, field_name)[m]
            if not value >= bound:
                yield Problem(f"{muscle}: {field_name} is {value:g}, must not be below {bound:g}")
        for field_name, bound in LARGEST.items():
            value = getattr(muscles, field_name)[m]
            if not abs(value) <= bound:
                yield Problem(
                    f"{muscle}: {field_name} is {value:g}, must not exceed {bound:g} in size"
                )
        if 0.0 < muscles.tendon_slack_length[m] < SHORTEST:
            yield Problem(
                f"{muscle}: tendon_slack_length is {muscles.tendon_slack_length[m]:g}, must be 0 "
                f"(a rigid tendon) or at least {SHORTEST:g}"
            )
        if not muscles.pennation_angle_at_optimal[m] < 0.5 * np.pi:
            yield Problem(f"{muscle}: pennation_angle_at_optimal must be below a right angle [rad]")


def _shapeless(names: Sequence[str], shape_factor: Array) -> Iterator[Problem]:
    low, high = PIECEWISE
    for muscle, value in zip(names, shape_factor, strict=True):
        if not low <= value <= high:
            yield Problem(
                f"{muscle}: shape_factor is {value:g}; the piecewise activation takes {low:g} to "
                f"{high:g}, negative ones belong to the exponential activation"
            )
