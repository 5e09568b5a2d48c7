"""Fiber length of one trial, in equilibrium with an elastic tendon or under a rigid one.

The equilibrium is solved for the whole trajectory (see `trajectory`). A sample that this does not
plainly settle is solved alone, as the kernels solve it, and so is the rest of its lane; Brent's
path is one sample after the other by nature.
"""

from __future__ import annotations

import numpy as np

from refnms.physics import implicit, muscle, solve
from refnms.physics.reference.bands import stencil
from refnms.physics.reference.trajectory import Window, complex_newton, solve_window
from refnms.physics.reference.trials import Trial
from refnms.physics.types import Array, Flag, Integers, Muscles, System, Unit

ON_RIGID_LENGTH, AT_FLOOR = int(Flag.FELL_BACK | Flag.TAUT), int(Flag.FLOOR)


def fiber_length(
    system: System, trial: Trial, muscles: Muscles, a: Array, lmt: Array
) -> tuple[Array, Integers]:
    """Lengths `(n, M)` and the flag of each solve, of activation a and musculotendon length lmt.

    With complex numbers the derivative is that of the equilibrium, whatever path found its root.
    """
    unit = muscle.unit(muscles)
    length, flags = muscle.rigid_fiber_length(unit, lmt), np.zeros(lmt.shape, np.int64)
    searched = system.root.tolerance > 0.0  # CEINMS's search knows no rigid tendon
    elastic = np.flatnonzero((unit.per_tendon.real != 0.0) | searched)
    if system.rigid or elastic.size == 0:
        return np.asarray(length), flags
    length = np.array(length, np.result_type(length, a))
    unit, a, lmt = Unit(*(p[elastic] for p in unit)), a[:, elastic], lmt[:, elastic]
    real = Unit(*(p.real for p in unit))
    found, flag = _solve(system, trial.solver_weights, real, a.real, lmt.real)
    if np.iscomplexobj(length):
        past = np.zeros_like(length[:, elastic])
        window = Window(system.curves, unit, trial.solver_weights, past, a, lmt)
        found = complex_newton(window, found, flag)
    length[:, elastic], flags[:, elastic] = found, flag
    return length, flags


def _solve(
    system: System, weights: Array, unit: Unit, a: Array, lmt: Array
) -> tuple[Array, Integers]:
    length, flags = np.zeros(lmt.shape), np.zeros(lmt.shape, np.int64)
    root, start = system.root, 0
    alone = np.zeros(lmt.shape[1], int)  # frame from which a lane is solved alone
    if root.upper == 0.0:
        _solve_alone(system, weights[:1], unit, a[:1], lmt[:1], alone, length, flags)
        start = 1
    if root.tolerance == 0.0 and start < len(lmt):
        rest = slice(start, None)
        past = stencil(weights, length)[rest]
        window = Window(system.curves, unit, weights[rest], past, a[rest], lmt[rest])
        before = np.concatenate([np.zeros((2 - start, lmt.shape[1])), length[:start]])
        length[rest], flags[rest], settled = solve_window(window, root, before)
        end = np.zeros((1, lmt.shape[1]), dtype=bool)
        alone = start + np.argmin(np.concatenate([settled, end]), axis=0)
    else:
        alone[:] = start
    _solve_alone(system, weights, unit, a, lmt, alone, length, flags)
    return length, flags


def _solve_alone(
    system: System,
    weights: Array,
    unit: Unit,
    a: Array,
    lmt: Array,
    start: Integers,
    length: Array,
    flags: Integers,
) -> None:
    """Each lane from its own frame `start (m,)` on, sample by sample."""
    for lane, begin in enumerate(start):
        own = Unit(*(p[lane] for p in unit))
        for t in range(begin, len(lmt)):
            length[t, lane], flags[t, lane] = solve.at_frame(
                system.curves, system.root, weights, own, a, lmt, length, t, lane, 0
            )


def length_slopes(
    system: System,
    trial: Trial,
    muscles: Muscles,
    a: Array,
    lmt: Array,
    length: Array,
    flags: Integers,
) -> tuple[implicit.LengthSlopes, muscle.RigidPartials]:
    """Slopes `(n, M)` of the lengths that solve their equilibrium, and of the rigid ones.

    Each is zero where the length is of the other kind.
    """
    unit, newest = muscle.unit(muscles), trial.solver_weights[:, :1]
    on_rigid = (flags & ON_RIGID_LENGTH != 0) | (muscles.tendon_slack_length == 0.0) | system.rigid
    x, cosine = muscle.of_length(unit, length)
    velocity = stencil(trial.solver_weights, length)
    v = muscle.norm_velocity(unit, velocity)
    sample = solve.Sample(unit, a, lmt, newest, velocity - newest * length)
    at_floor = flags & AT_FLOOR != 0
    elastic = implicit.length_slopes(system.curves, sample, x, cosine, v, on_rigid, at_floor)
    rigid = muscle.rigid_fiber_length_partials(unit, lmt)
    return elastic, muscle.RigidPartials(*(np.where(on_rigid, p, 0.0) for p in rigid))
