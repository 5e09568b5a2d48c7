"""How the force of one muscle answers its excitation at one frame, all earlier frames given.

The chain of the frame is a function of the excitation e alone:

    u = drive e + rest,  a(u),  l(a) by the equilibrium,  v = newest l + past,  F(a, l, v).

`drive` and `rest` are the filter's, `newest` and `past` the stencils', one pair for the velocity in
the equilibrium and one for that of the force. So

    dF/de = (F_a + (F_l + F_v newest) dl/da) a_u drive.

The second derivative follows the same chain with the curvature of each number (`jets`): that of the
root w is what lets the curvature of the equilibrium vanish, w'' = -g''(w'' = 0) / g_w.

F has kinks: where a velocity reaches its limit, where a curve ends, where a force is held. Between
them it is smooth, on one side after another (`Response.side`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.jit import outlined, pure
from refnms.physics import activation as act
from refnms.physics import implicit, jets, muscle, solve
from refnms.physics.curves import near_segment, piece_numbered
from refnms.physics.types import (
    SLOPE_FLOOR,
    Array,
    Curve,
    Curves,
    Flag,
    Integers,
    Muscles,
    System,
    Unit,
)

SWEEPS = 15  # of plain Newton steps
LONGEST = 0.2  # step, in optimal fiber lengths
# The last step, in the same: it leaves an error of its square, but for where it passes a kink.
SHORT, SHORTEST = solve.NEWTON_STEP, 1e-14

ON_RIGID_LENGTH, AT_FLOOR = int(Flag.FELL_BACK | Flag.TAUT), int(Flag.FLOOR)


class People(NamedTuple):
    """The muscles of a model as the formulas want them."""

    unit: Unit  # each (M,)
    gains: Array  # (3, M) of the filter
    shape: Array  # (6, M) shape factor, then the numbers of its curve


class Past(NamedTuple):
    """What earlier frames leave of one muscle, and this frame's stencils and inputs."""

    drive: Any
    rest: Any
    musculotendon_length: Any  # [m]
    previous: Any  # fiber length of the last frame [m]; 0 for the first
    newest: Any  # [1/s]
    past: Any  # [m/s]
    force_newest: Any
    force_past: Any


class Response(NamedTuple):
    """Force [N] and fiber length [m] at an excitation, and their slopes by it."""

    force: Any
    slope: Any
    length: Any
    length_slope: Any
    side: Any  # of the kinks: a number that changes where the excitation passes one


def people(muscles: Muscles, piecewise: bool, node_tolerance: float) -> People:
    """The numbers of M muscles."""
    factor = muscles.shape_factor
    if piecewise:
        p = np.array([act.solve_node(one, node_tolerance) for one in factor])
        curve = np.array(act.piecewise_node(factor, p))
    else:
        curve = np.concatenate([act.exponential_shape(factor), np.zeros((1, len(factor)))])
    gains = np.array(act.filter_gains(muscles.c1, muscles.c2))
    unit = Unit(*(np.ascontiguousarray(number) for number in muscle.unit(muscles)))
    return People(unit, gains, np.vstack([factor, curve]))


@pure
def unit_of(units: Unit, m: Any) -> Unit:
    """The numbers of muscle m."""
    return Unit(
        units.optimal_fiber_length[m],
        units.per_length[m],
        units.pennation_sine[m],
        units.pennation_cosine[m],
        units.tendon_slack_length[m],
        units.per_tendon[m],
        units.per_velocity[m],
        units.per_speed[m],
        units.max_isometric_force[m],
        units.strength_coefficient[m],
        units.fiber_damping[m],
        units.percentage_change[m],
    )


@pure
def activation(piecewise: bool, shape: Array, m: int, u: Any) -> Any:
    """Activation of muscle m at neural activation u, and its slope."""
    if piecewise:
        node = act.Node(shape[1, m], shape[2, m], shape[3, m], shape[4, m], shape[5, m])
        return act.piecewise(u, node), act.piecewise_partials(u, shape[0, m], node)[0]
    curve = act.Shape(shape[1, m], shape[2, m], shape[3, m], shape[4, m])
    a = act.exponential(u, curve)
    return a, act.exponential_partials(u, a, curve)[0]


@outlined
def activation_jet(piecewise: bool, shape: Array, m: int, u: Any) -> Any:
    """The same along a path."""
    if piecewise:
        node = act.Node(shape[1, m], shape[2, m], shape[3, m], shape[4, m], shape[5, m])
        return jets.piecewise_jet(u, node)
    return jets.exponential_jet(u, act.Shape(shape[1, m], shape[2, m], shape[3, m], shape[4, m]))


@pure
def pieces_at(curves: Curves, asked: Curves, last: Integers, m: int) -> Curves:
    """The pieces that hold what is asked of the curves, looked for from the `last` ones on."""
    last[0, m] = near_segment(curves.active_force_length, asked.active_force_length, last[0, m])
    last[1, m] = near_segment(curves.passive_force_length, asked.passive_force_length, last[1, m])
    last[2, m] = near_segment(curves.force_velocity, asked.force_velocity, last[2, m])
    last[3, m] = near_segment(curves.tendon_force_strain, asked.tendon_force_strain, last[3, m])
    return Curves(
        piece_numbered(curves.active_force_length, last[0, m]),
        piece_numbered(curves.passive_force_length, last[1, m]),
        piece_numbered(curves.force_velocity, last[2, m]),
        piece_numbered(curves.tendon_force_strain, last[3, m]),
    )


@pure
def find_length(
    system: System,
    sample: solve.Sample,
    past: Past,
    guess: Any,
    last: Integers,
    m: int,
    enough: Any,
) -> Any:
    """Fiber length [m] of an elastic equilibrium, its slope by activation, and the side of kinks.

    Plain Newton steps from the guess until one is short `enough`; what these do not settle plainly,
    as the kernels do, is left to the search for one sample. Slope and side are those of the last
    step, so they go together.
    """
    unit, root, lmt = sample.unit, system.root, past.musculotendon_length
    x, cosine = muscle.of_length(unit, guess)
    w = x * cosine
    for _ in range(SWEEPS if past.previous > 0.0 and unit.tendon_slack_length > 0.0 else 0):
        x, cosine = muscle.of_projection(unit, w)
        v = muscle.norm_velocity(unit, past.newest * unit.optimal_fiber_length * x + past.past)
        asked = muscle.arguments(unit, x, cosine, sample.activation, v, lmt)
        pieces = pieces_at(system.curves, asked, last, m)
        g = muscle.equilibrium_partials(pieces, unit, x, cosine, sample.activation, v, lmt)
        slope = solve.total_slope(unit, g, cosine, past.newest)
        step = min(max(-g.residual / slope, -LONGEST), LONGEST)
        w += step
        if not (slope < -SLOPE_FLOOR and abs(step) <= enough):
            continue
        if root.upper > 0.0:
            sure = system.plain and solve.plainly_enclosed(pieces, root, sample, w)
        else:
            x_last, cosine_last = muscle.of_length(unit, past.previous)
            sure = solve.reaches(unit, x_last * cosine_last, lmt, w)
        if not sure:
            break
        length = unit.optimal_fiber_length * muscle.of_projection(unit, w)[0]
        by_a = -unit.optimal_fiber_length * cosine * g.activation / slope
        return length, by_a, side_of(system.curves, last, m, v, False)
    length, flag = solve.solve_sample(system.curves, root, sample, past.previous, guess)
    x, cosine = muscle.of_length(unit, length)
    v = muscle.norm_velocity(unit, past.newest * length + past.past)
    asked = muscle.arguments(unit, x, cosine, sample.activation, v, lmt)
    pieces = pieces_at(system.curves, asked, last, m)
    on_rigid = flag & ON_RIGID_LENGTH if unit.tendon_slack_length > 0.0 else 1
    slopes = implicit.length_slopes(pieces, sample, x, cosine, v, on_rigid, flag & AT_FLOOR)
    side = side_of(system.curves, last, m, v, slopes.activation == 0.0)
    return length, slopes.activation, side


@pure
def side_of(curves: Curves, last: Integers, m: int, v: Any, stands: Any) -> Any:
    """A number for the limits of a velocity, the ends of the curves, and a length that stands."""
    side = 2 if v >= 1.0 else 1 if v <= -1.0 else 0
    side = 3 * side + _end(curves.active_force_length, last[0, m])
    side = 3 * side + _end(curves.passive_force_length, last[1, m])
    side = 3 * side + _end(curves.force_velocity, last[2, m])
    side = 3 * side + _end(curves.tendon_force_strain, last[3, m])
    return 2 * side + (1 if stands else 0)


@pure
def _end(curve: Curve, i: Any) -> Any:
    return 1 if i == 0 else 2 if i == curve.pieces.shape[0] - 1 else 0


@pure
def respond(
    system: System,
    who: People,
    m: int,
    past: Past,
    e: Any,
    guess: Any,
    last: Integers,
    enough: Any,
) -> Response:
    """The response of muscle m at excitation e; its length is looked for from `guess` [m] on.

    `last (4, M)` are the pieces of the curves that were found last; `enough` see `find_length`.
    """
    unit = unit_of(who.unit, m)
    a, by_u = activation(system.piecewise, who.shape, m, past.drive * e + past.rest)
    if system.rigid:
        length, by_a, inner = muscle.rigid_fiber_length(unit, past.musculotendon_length), 0.0, 0
    else:
        sample = solve.Sample(unit, a, past.musculotendon_length, past.newest, past.past)
        length, by_a, inner = find_length(system, sample, past, guess, last, m, enough)
    x, cosine = muscle.of_length(unit, length)
    v = muscle.norm_velocity(unit, past.force_newest * length + past.force_past)
    asked = muscle.arguments(unit, x, cosine, a, v, past.musculotendon_length)
    f = muscle.force_slopes(pieces_at(system.curves, asked, last, m), unit, x, cosine, a, v)
    by_e = by_u * past.drive
    slope = (f.activation + (f.fiber_length + f.fiber_velocity * past.force_newest) * by_a) * by_e
    force = f.max_isometric_force * unit.max_isometric_force
    limits = 2 if v >= 1.0 else 1 if v <= -1.0 else 0
    side = 1.0 * (3 * (3 * inner + limits) + _end(system.curves.force_velocity, last[2, m]))
    return Response(force, slope, length, by_a * by_e, side)


@outlined
def bend(system: System, who: People, m: int, past: Past, e: Any, found: Any, last: Any) -> Any:
    """Second derivative [N] of the force of muscle m by its excitation, where e had this response.

    `found` is the response; `last` as in `respond`.
    """
    unit, lmt = unit_of(who.unit, m), past.musculotendon_length
    u = jets.Jet(past.drive * e + past.rest, past.drive, 0.0)
    a = activation_jet(system.piecewise, who.shape, m, u)
    x, cosine = muscle.of_length(unit, found.length)
    w = x * cosine
    x_jet, cosine_jet = jets.Jet(x, 0.0, 0.0), jets.Jet(cosine, 0.0, 0.0)
    if found.length_slope != 0.0:
        v = muscle.norm_velocity(unit, past.newest * found.length + past.past)
        asked = muscle.arguments(unit, x, cosine, a.value, v, lmt)
        pieces = pieces_at(system.curves, asked, last, m)
        g = muscle.equilibrium_partials(pieces, unit, x, cosine, a.value, v, lmt)
        by_w = solve.total_slope(unit, g, cosine, past.newest)
        along = jets.Jet(w, -g.activation * a.slope / by_w, 0.0)
        x_jet, cosine_jet = jets.projection_jets(unit, along)
        v_jet = jets.velocity_jet(unit, x_jet, past.newest, past.past)
        pull = jets.fiber_force_jet(pieces, unit, x_jet, cosine_jet, a, v_jet)
        tendon = jets.tendon_jet(pieces, unit, along, lmt)
        missing = pull.curvature - tendon.curvature
        x_jet, cosine_jet = jets.projection_jets(unit, jets.Jet(w, along.slope, missing / by_w))
    v_jet = jets.velocity_jet(unit, x_jet, past.force_newest, past.force_past)
    asked = muscle.arguments(unit, x, cosine, a.value, v_jet.value, lmt)
    pieces = pieces_at(system.curves, asked, last, m)
    strong = unit.max_isometric_force * unit.strength_coefficient
    return strong * jets.fiber_force_jet(pieces, unit, x_jet, cosine_jet, a, v_jet).curvature
