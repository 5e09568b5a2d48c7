"""The numeric structs of the physics: NamedTuples, which NumPy, the tape and Numba all accept."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


class Muscles(NamedTuple):
    """Parameters of M musculotendon units, each `(M,)`.

    Names are OpenSim's property names, and CEINMS's for what only CEINMS has.
    The order is that of CEINMS's parameter vector (`c1` first, `percentage_change` last).
    """

    c1: Any  # first recursion coefficient of the activation filter, at the rate of the frames [-]
    c2: Any  # second recursion coefficient [-]
    shape_factor: Any  # of the excitation-activation curve [-]
    optimal_fiber_length: Any  # at full activation [m]
    pennation_angle_at_optimal: Any  # [rad]
    tendon_slack_length: Any  # [m]; 0 means a rigid tendon
    max_isometric_force: Any  # [N]
    max_contraction_velocity: Any  # [optimal fiber lengths / s]
    strength_coefficient: Any  # multiplies max_isometric_force [-]
    electromechanical_delay: Any  # [s]
    fiber_damping: Any  # [max_isometric_force at max_contraction_velocity]
    percentage_change: Any  # rise of the optimal fiber length at zero activation [-]


class Unit(NamedTuple):
    """The numbers of a muscle as its formulas want them; made by `muscle.unit`."""

    optimal_fiber_length: Any  # [m]
    per_length: Any  # 1 / optimal_fiber_length
    pennation_sine: Any  # at optimal fiber length
    pennation_cosine: Any
    tendon_slack_length: Any  # [m]
    per_tendon: Any  # 1 / tendon_slack_length; 0 for a rigid tendon, whose strain is 0
    per_velocity: Any  # 1 / max_contraction_velocity
    per_speed: Any  # 1 / (optimal_fiber_length max_contraction_velocity) [s/m]
    max_isometric_force: Any  # [N]
    strength_coefficient: Any
    fiber_damping: Any
    percentage_change: Any


class Curve(NamedTuple):
    """A C2 piecewise cubic: dimensionless in, dimensionless out.

    Piece i holds for edges[i] < x <= edges[i + 1]; with d = x - origin, (origin, c0, c1, c2, c3) =
    pieces[i], its value is ((c3 d + c2) d + c1) d + c0. The first and the last piece are the
    straight lines beyond the knots.
    """

    edges: Array  # (n + 2,) from -inf to inf
    pieces: Array  # (n + 1, 5)

    @property
    def knots(self) -> Array:
        """The n knots, strictly increasing."""
        return self.pieces[1:, 0]


class Piece(NamedTuple):
    """One piece of a curve, found beforehand: it stands for the curve wherever it holds."""

    lower: Any
    upper: Any
    origin: Any
    c0: Any
    c1: Any
    c2: Any
    c3: Any


class Curves(NamedTuple):
    """The four curves of a Hill-type muscle, each whole or the piece of it that is asked for."""

    active_force_length: Any  # of fiber length / activation-dependent optimal length
    passive_force_length: Any  # of fiber length / optimal_fiber_length
    force_velocity: Any  # of fiber velocity / max_contraction_velocity, shortening negative
    tendon_force_strain: Any  # of tendon strain


class SplineFactors(NamedTuple):
    """The elimination of the spline of each trial's own time stamps (see `curves`)."""

    steps: Array  # (T,) to the next frame; the last of a trial is not used
    pivots: Array  # (T,)
    first: Array  # (N, 4) end weights of each of N trials
    last: Array  # (N, 4)


class Timeline(NamedTuple):
    """Where N trials lie in arrays joined along time, and how their velocities are taken.

    Excitation rows of a trial may start before its first frame (CEINMS charges its filter so);
    its last row belongs to its last frame.
    """

    frames: Integers  # (N + 1,) trial i has frames [frames[i], frames[i + 1])
    rows: Integers  # (N + 1,) and excitation rows [rows[i], rows[i + 1])
    solver_weights: Array  # (T, K) v[t] = sum_k weights[t, k] l[t - k] inside the equilibrium
    force_weights: Array  # (T, K) the same in the force; K = 0: from the spline of the whole trial
    one_velocity: bool  # from two lengths, in the equilibrium and in the force
    spline: SplineFactors


class Paths(NamedTuple):
    """Lengths of M muscles as tensor products of piecewise polynomials of D joint angles.

    Along one joint a basis has F functions on each of its pieces. Piece i holds for
    edges[i] < q <= edges[i + 1]; with d = q - origin, function f is the polynomial of d whose F
    coefficients, the highest power first, stand in row f of the piece. The first and the last piece
    are the straight lines beyond the range of the joint. Ragged arrays lie end to end.
    """

    bases: Integers  # (B, 5) joint, functions F, pieces, start in `edges`, start in `pieces`
    edges: Array  # of each basis: pieces + 1, from -inf to inf
    pieces: Array  # of each piece: origin, then F rows of F
    basis_of: Integers  # (M, D) the basis of each joint, -1 where the muscle does not cross it
    starts: Integers  # (M,) in `coefficients`
    coefficients: Array  # [m], of each muscle a tensor with one axis for each joint it crosses


class FilterStart(NamedTuple):
    """How the recursion from excitation to neural activation begins."""

    rest: float  # past values of u before the first sample, as a multiple of the first excitation
    restart: int  # sample at which both become the mean of the two last excitations; -1 never


class Root(NamedTuple):
    """How the fiber equilibrium of one sample is solved."""

    lower: float  # bracket of the fiber length, in optimal fiber lengths; 0, 0: the bracket follows
    upper: float  # from the tendon; with a bracket, no sign change means the rigid-tendon length
    tolerance: float  # of Brent's path [m]; 0 means safeguarded Newton to rounding


class System(NamedTuple):
    """All that stays fixed while parameters and inputs vary."""

    curves: Curves
    timeline: Timeline
    start: FilterStart
    root: Root
    node_tolerance: float  # of the node of the piecewise activation; 0: to rounding
    rigid: bool  # tendon
    plain: bool  # curves, as `solve.plain_curves` means it
    piecewise: bool  # shape of the activation, else exponential


class MuscleSignals(NamedTuple):
    """What one run computes: rows `(K, M)`, then frames `(T, M)`."""

    neural_activation: Any
    activation: Any
    fiber_length: Any  # [m]
    fiber_velocity: Any  # of the force [m/s]
    tendon_force: Any  # [N]


class Flag(enum.IntFlag):
    """What a sample needed or sits on; 0 is an ordinary sample."""

    HELPED = 1  # Newton's steps were replaced by bisection
    FAILED = 2  # no root within the iterations allowed: the number is not an equilibrium
    FELL_BACK = 4  # no sign change in CEINMS's bracket: the rigid-tendon length, as CEINMS does
    TAUT = 8  # first frame without equilibrium: the fiber starts with its tendon just taut
    FLOOR = 16  # the fiber would vanish: held at its shortest
    SLACK = 32  # the tendon carries nothing
    VELOCITY_LIMIT = 64  # fiber velocity at or beyond the maximal one
    UPRIGHT = 128  # the fiber is no longer than its height: pennation limit
    CURVE_END = 256  # beyond the last knot of a curve
    NEGATIVE_FORCE = 512  # the fibers push
    ILL_POSED = 1024  # slope of the equilibrium below the floor: its derivative is indeterminate


#: Smallest slope |dg/dw| of an equilibrium that is differentiated.
SLOPE_FLOOR = 1e-6
