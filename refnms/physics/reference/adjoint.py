"""Cotangents of parameters and inputs from those of the signals.

At each frame the fiber length l[t] depends on earlier ones through the velocity in its equilibrium,
with the slope l_v. With l_bar the cotangents given, those that count are the solution of

    bar[t] - sum over k > 0 of W[t+k, k] l_v[t+k] bar[t+k] = l_bar[t],

one transposed banded system. Everything else is a sum over the local slopes.
"""

from __future__ import annotations

import numpy as np

from refnms.physics import muscle
from refnms.physics.reference.bands import solve_transposed
from refnms.physics.reference.fiber import length_slopes
from refnms.physics.reference.filter import filtered_vjp
from refnms.physics.reference.shape import shaped_partials
from refnms.physics.reference.trials import Trial, trials
from refnms.physics.reference.velocity import velocity_transposed
from refnms.physics.types import Array, Integers, Muscles, MuscleSignals, System


def adjoint(
    system: System,
    table: Array,
    excitation: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    bars: MuscleSignals,
    wanted: tuple[bool, bool] = (True, True),
) -> tuple[Array, Array | None, Array | None]:
    """Cotangents of the table, of excitation and of musculotendon length, at what `forward` found.

    A cotangent in `bars` that is None is zero. The last two are None unless `wanted`. The delay
    moves nothing here: it acts on the excitation.
    """
    kind = np.result_type(table, excitation, musculotendon_length)
    muscles, table_bar = Muscles(*table), np.zeros(table.shape, kind)
    shapes = (excitation.shape, *4 * (musculotendon_length.shape,))
    full = [np.zeros(s, kind) if b is None else b for b, s in zip(bars, shapes, strict=True)]
    excitation_bar, length_bar = (np.zeros(shape, kind) for shape in shapes[:2])
    for trial in trials(system):
        frames, rows = trial.frames, trial.rows
        own = MuscleSignals(signals[0][rows], *(s[frames] for s in signals[1:]))
        own_bars = MuscleSignals(full[0][rows], *(s[frames] for s in full[1:]))
        inputs = excitation[rows], musculotendon_length[frames]
        found = _pull(system, trial, muscles, *inputs, own, flags[frames], own_bars)
        table_bar += found[0]
        excitation_bar[rows], length_bar[frames] = found[1:]
    return table_bar, excitation_bar if wanted[0] else None, length_bar if wanted[1] else None


def _pull(
    system: System,
    trial: Trial,
    muscles: Muscles,
    e: Array,
    lmt: Array,
    signals: MuscleSignals,
    flags: Integers,
    bars: MuscleSignals,
) -> tuple[Array, Array, Array]:
    u, a, length, v, _ = signals
    none = np.zeros(e.shape[1], bars.tendon_force.dtype)
    unit, sums = muscle.unit(muscles), {name: none.copy() for name in Muscles._fields}
    of_force = muscle.tendon_force_partials(system.curves, unit, a, length, v)
    force_bar = bars.tendon_force
    v_bar = bars.fiber_velocity + of_force.fiber_velocity * force_bar
    l_bar = (
        bars.fiber_length + of_force.fiber_length * force_bar + velocity_transposed(trial, v_bar)
    )
    of_length, rigid = length_slopes(system, trial, muscles, a, lmt, length, flags)
    l_bar = solve_transposed(trial.solver_weights, -of_length.past_velocity, l_bar)
    lmt_bar = (of_length.musculotendon_length + rigid.musculotendon_length) * l_bar
    a_bar = bars.activation + of_force.activation * force_bar + of_length.activation * l_bar
    for slopes, bar in ((of_force, force_bar), (of_length, l_bar), (rigid, l_bar)):
        for name in set(slopes._fields) & set(Muscles._fields):
            sums[name] += np.sum(getattr(slopes, name) * bar, axis=0)
    frames = slice(len(u) - trial.size, None)
    by_u, by_shape = shaped_partials(system, muscles, u[frames], a)
    sums["shape_factor"] += np.sum(by_shape * a_bar, axis=0)
    u_bar = bars.neural_activation.copy()
    u_bar[frames] += by_u * a_bar
    found = filtered_vjp(system.start, muscles.c1, muscles.c2, e, u, u_bar)
    sums["c1"], sums["c2"] = found[:2]
    return np.array(list(sums.values())), found[2], lmt_bar
