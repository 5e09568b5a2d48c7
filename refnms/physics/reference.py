"""The NumPy engine: the functions of `kernels`, vectorised over the muscles of a trial.

This is the engine to study, and it takes complex numbers: a complex step through its forward
functions differentiates the whole chain. It solves an elastic trial at once. With the unknown
w (see `muscle`) at all frames, l = l_o x(w), dl/dw = l_o w/x, velocities v[t] = sum_k W[t,k] l[t-k]
and G the slope of g[t] in w[t] alone, Newton's step is one lower-banded system in dl,

    dl[t] + h[t] sum_{k>0} W[t,k] dl[t-k] = -(l_o w/x) g[t] / G[t],      h = (l_o w/x) g_v / G,

and dw[t] = -(g[t] + g_v sum_{k>0} W[t,k] dl[t-k]) / G[t]. The adjoint is the transposed system with
the same h: bar[t] + sum_{k>0} W[t+k,k] h[t+k] bar[t+k] = given bar[t].

A sample that Newton's method does not plainly settle is solved alone, as the kernels solve it,
and so is the rest of its lane; Brent's path is one sample after the other by nature. The flag
HELPED therefore stands only on samples that were solved alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from refnms.physics import activation as act
from refnms.physics import muscle, solve
from refnms.physics.types import (
    SLOPE_FLOOR,
    Array,
    Curves,
    FilterStart,
    Flag,
    Integers,
    Muscles,
    Root,
    SplineFactors,
    System,
)

NEWTON_ROUNDS = 40
NEAR = 1e-3  # a sample whose last step of w was no longer is near its root
LEAST_DAMPING = 0.3  # far from the root: no less than this, whatever the velocity
FLAT = 1e-4  # of |G|: no step can be told from so small a slope
LONGEST_STEP = 0.2  # of w, in optimal fiber lengths
SETTLED_STEP = 1e-12
COMPLEX_ROUNDS = 2  # the first finds the derivative, the second its rounding error

ON_RIGID_LENGTH = int(Flag.FELL_BACK | Flag.TAUT)
AT_FLOOR = int(Flag.FLOOR)


class Part(NamedTuple):
    """Some muscles of one trial and the frames asked for."""

    trial: int
    columns: Integers  # (m,) muscles
    unit: Muscles  # each (m,)
    first: int  # frame of the trial
    start: int  # frame asked for
    stop: int  # frame past the last one asked for
    offset: int  # from a frame to its excitation row

    @property
    def asked(self) -> tuple[slice, Integers]:
        """Index of the part in frames."""
        return slice(self.start, self.stop), self.columns

    @property
    def asked_rows(self) -> tuple[slice, Integers]:
        """Index of the part in excitation rows, one for each frame."""
        return slice(self.start + self.offset, self.stop + self.offset), self.columns


def parts(
    system: System, muscles: Muscles, lanes: Integers, begin: int = 0, end: int | None = None
) -> Iterator[Part]:
    """The requested lanes, trial by trial, with frames [begin, end) of each."""
    timeline = system.timeline
    trials, columns = np.divmod(lanes, muscles.c1.size)
    for trial in np.unique(trials):
        first, stop = int(timeline.frames[trial]), int(timeline.frames[trial + 1])
        offset = int(timeline.rows[trial + 1]) - stop
        stop = stop if end is None else min(stop, first + end)
        chosen = columns[trials == trial]
        if first + begin < stop:
            unit = Muscles(*(p[chosen] for p in muscles))
            yield Part(int(trial), chosen, unit, first, first + begin, stop, offset)


def _add(part: Part, bar: Array, parameter_bar: Array) -> None:
    """Add cotangents `(n, m)` of one parameter."""
    parameter_bar[part.columns] += np.sum(bar, axis=0)


def _add_all(part: Part, bar: Array, partials: Any, muscles_bar: Muscles) -> None:
    """Add bar times each of the partials that are named after a parameter."""
    for name in set(partials._fields) & set(Muscles._fields):
        _add(part, bar * getattr(partials, name), getattr(muscles_bar, name))


# Activation dynamics


def filter_pieces(
    start: FilterStart, excitation: Array
) -> list[tuple[int, int, list[tuple[int, float]]]]:
    """Pieces [from, to) of the rows, and the row -> factor of what both past values begin with."""
    rows = len(excitation)
    if not 0 < start.restart < rows:
        return [(0, rows, [(0, start.rest)])]
    before = [(start.restart - 1, 0.5), (start.restart - 2, 0.5)]
    return [(0, start.restart, [(0, start.rest)]), (start.restart, rows, before)]


def neural_activation(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    excitation: Array,
    neural: Array,
) -> None:
    """The recursion. Rows before the first frame belong to frame 0."""
    for part in parts(system, muscles, lanes, begin, end):
        row, m = int(system.timeline.rows[part.trial]), part.columns
        e = excitation[row : part.stop + part.offset, m]
        u = neural[row : part.stop + part.offset, m]
        asked = 0 if begin == 0 else part.start + part.offset - row
        alpha, beta1, beta2 = act.filter_gains(part.unit.c1, part.unit.c2)
        for piece, until, past in filter_pieces(system.start, e):
            rest = sum(factor * e[k] for k, factor in past)
            for k in range(max(piece, asked), until):
                u1 = u[k - 1] if k > piece else rest
                u2 = u[k - 2] if k > piece + 1 else rest
                u[k] = alpha * e[k] - beta1 * u1 - beta2 * u2
        neural[row + asked : part.stop + part.offset, m] = u[asked:]


def neural_activation_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    excitation: Array,
    neural: Array,
    neural_bar: Array,
    muscles_bar: Muscles,
    excitation_bar: Array,
) -> None:
    """Adjoint of `neural_activation`: the filter run backwards."""
    for part in parts(system, muscles, lanes):
        rows = slice(int(system.timeline.rows[part.trial]), part.stop + part.offset)
        m, unit = part.columns, part.unit
        e, u, bar = excitation[rows, m], neural[rows, m], neural_bar[rows, m]
        e_bar = np.zeros_like(e)
        alpha, beta1, beta2 = act.filter_gains(unit.c1, unit.c2)
        alpha_bar, beta1_bar, beta2_bar = np.zeros((3, m.size))
        for piece, until, past in filter_pieces(system.start, e):
            rest = sum(factor * e[k] for k, factor in past) * np.ones((2, 1))
            u_past = np.concatenate([rest, u[piece:until]])  # two rows ahead of u
            total = np.concatenate([bar[piece:until], np.zeros((2, m.size))])
            for k in range(until - piece - 1, -1, -1):
                total[k] -= beta1 * total[k + 1] + beta2 * total[k + 2]
            rest_bar = -(beta1 + beta2) * total[0] - beta2 * total[1]
            total = total[:-2]
            alpha_bar += np.sum(total * e[piece:until], axis=0)
            beta1_bar -= np.sum(total * u_past[1:-1], axis=0)
            beta2_bar -= np.sum(total * u_past[:-2], axis=0)
            e_bar[piece:until] += alpha * total
            for k, factor in past:
                e_bar[k] += factor * rest_bar
        excitation_bar[rows, m] += e_bar
        c1_bar, c2_bar = act.filter_gains_vjp(unit.c1, unit.c2, alpha_bar, beta1_bar, beta2_bar)
        muscles_bar.c1[m] += c1_bar
        muscles_bar.c2[m] += c2_bar


def exponential_activation(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    neural: Array,
    activation: Array,
) -> None:
    """Activation of each frame, exponential shape."""
    for part in parts(system, muscles, lanes, begin, end):
        u = neural[part.asked_rows]
        activation[part.asked] = act.exponential(u, part.unit.shape_factor)


def exponential_activation_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    neural: Array,
    activation: Array,
    activation_bar: Array,
    muscles_bar: Muscles,
    neural_bar: Array,
) -> None:
    """Adjoint of `exponential_activation`."""
    for part in parts(system, muscles, lanes):
        u, shape = neural[part.asked_rows], part.unit.shape_factor
        by_u, by_shape = act.exponential_partials(u, shape)
        neural_bar[part.asked_rows] += activation_bar[part.asked] * by_u
        _add(part, activation_bar[part.asked] * by_shape, muscles_bar.shape_factor)


def _node(shape_factor: Array, tolerance: float) -> act.Node:
    p = np.array([act.solve_node(shape, tolerance) for shape in shape_factor])
    node: act.Node = act.piecewise_node(shape_factor, p)
    return node


def piecewise_activation(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    neural: Array,
    activation: Array,
) -> None:
    """Activation of each frame, piecewise shape, its node found as the system has it."""
    for part in parts(system, muscles, lanes, begin, end):
        node = _node(part.unit.shape_factor, system.node_tolerance)
        activation[part.asked] = act.piecewise(neural[part.asked_rows], node)


def piecewise_activation_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    neural: Array,
    activation: Array,
    activation_bar: Array,
    muscles_bar: Muscles,
    neural_bar: Array,
) -> None:
    """Adjoint of `piecewise_activation`."""
    for part in parts(system, muscles, lanes):
        u, shape = neural[part.asked_rows], part.unit.shape_factor
        node = _node(shape, system.node_tolerance)
        by_u, by_shape = act.piecewise_partials(u, shape, node)
        neural_bar[part.asked_rows] += activation_bar[part.asked] * by_u
        _add(part, activation_bar[part.asked] * by_shape, muscles_bar.shape_factor)


# Fiber length under a rigid tendon


def rigid_fiber_length(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    musculotendon_length: Array,
    fiber_length: Array,
) -> None:
    """Fiber length under a rigid tendon."""
    for part in parts(system, muscles, lanes, begin, end):
        at = part.asked
        fiber_length[at] = muscle.rigid_fiber_length(part.unit, musculotendon_length[at])


def rigid_fiber_length_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    musculotendon_length: Array,
    fiber_length: Array,
    fiber_length_bar: Array,
    muscles_bar: Muscles,
    musculotendon_length_bar: Array,
) -> None:
    """Adjoint of `rigid_fiber_length`."""
    for part in parts(system, muscles, lanes):
        at = part.asked
        partials = muscle.rigid_fiber_length_partials(part.unit, musculotendon_length[at])
        _add_all(part, fiber_length_bar[at], partials, muscles_bar)
        musculotendon_length_bar[at] += fiber_length_bar[at] * partials.musculotendon_length


# Fiber length in equilibrium with an elastic tendon


class Window(NamedTuple):
    """The frames of a part that are solved together."""

    curves: Curves
    unit: Muscles  # each (m,)
    weights: Array  # (n, K)
    past: Array  # (n, m) velocity from fiber lengths before the window [m/s]
    activation: Array  # (n, m)
    musculotendon_length: Array  # (n, m)


class Signals(NamedTuple):
    """What the equilibrium links, each `(T, M)`."""

    activation: Array
    musculotendon_length: Array
    fiber_length: Array


class Linear(NamedTuple):
    """The equilibrium at all frames of a window, linearised."""

    residual: Array  # (n, m), as the others
    by_velocity: Array  # g_v
    slope: Array  # G
    along: Array  # dl/dw
    velocity: Array


def stencil(weights: Array, length: Array) -> Array:
    """Velocities sum_k weights[t, k] length[t - k] of lengths `(n, m)`."""
    past = np.zeros_like(length)
    for k in range(1, min(weights.shape[1], len(length))):
        past[k:] += weights[k:, k : k + 1] * length[:-k]
    return np.asarray(weights[:, :1] * length + past)


def stencil_transposed(weights: Array, velocity_bar: Array) -> Array:
    """Cotangents of the lengths of `stencil`."""
    length_bar = weights[:, :1] * velocity_bar
    for k in range(1, min(weights.shape[1], len(velocity_bar))):
        length_bar[:-k] += weights[k:, k : k + 1] * velocity_bar[k:]
    return np.asarray(length_bar)


def _bands(weights: Array, h: Array) -> Array:
    """Rows k of `(K, lanes * frames)`: weights[t, k] h[t], and 1 for k = 0; lane after lane."""
    bands = weights.T[:, None, :] * h.T
    bands[0] = 1.0
    for k in range(len(bands)):
        bands[k, :, :k] = 0.0
    return bands.reshape(len(bands), -1)


def _solve_forward(weights: Array, h: Array, right: Array) -> Array:
    from scipy.linalg import solve_banded

    bands = _bands(weights, h)
    bands = np.array([np.roll(band, -k) for k, band in enumerate(bands)])
    x = solve_banded((len(bands) - 1, 0), bands, right.T.ravel(), check_finite=False)
    return np.asarray(x.reshape(right.T.shape).T)


def _solve_transposed(weights: Array, h: Array, right: Array) -> Array:
    from scipy.linalg import solve_banded

    bands = _bands(weights, h)[::-1]
    x = solve_banded((0, len(bands) - 1), bands, right.T.ravel(), check_finite=False)
    return np.asarray(x.reshape(right.T.shape).T)


def _length(unit: Muscles, w: Array) -> Array:
    s = np.sin(unit.pennation_angle_at_optimal)
    return np.asarray(unit.optimal_fiber_length * np.sqrt(w * w + s * s))


def _linear(window: Window, w: Array, length: Array) -> Linear:
    unit, newest = window.unit, window.weights[:, :1]
    velocity = stencil(window.weights, length) + window.past
    g = muscle.equilibrium_partials(
        window.curves, unit, w, window.activation, velocity, window.musculotendon_length
    )
    along = unit.optimal_fiber_length * unit.optimal_fiber_length * w / _length(unit, w)
    slope = solve.total_slope(unit, g, w, newest)
    return Linear(g.residual, g.fiber_velocity, slope, along, velocity)


def _newton_step(window: Window, at: Linear) -> Array:
    """dw of every sample."""
    h = at.along * at.by_velocity / at.slope
    dl = _solve_forward(window.weights, h, -at.along * at.residual / at.slope)
    others = stencil(window.weights, dl) - window.weights[:, :1] * dl
    return np.asarray(-(at.residual + at.by_velocity * others) / at.slope)


def _window(system: System, part: Part, signals: Signals) -> Window:
    trial, asked = slice(part.first, part.stop), slice(part.start, part.stop)
    weights = system.timeline.solver_weights
    known = signals.fiber_length[trial, part.columns]
    known[part.start - part.first :] = 0.0
    return Window(
        system.curves,
        part.unit,
        weights[asked],
        stencil(weights[trial], known)[part.start - part.first :],
        signals.activation[asked, part.columns],
        signals.musculotendon_length[asked, part.columns],
    )


def _solve_window(window: Window, root: Root, previous: Array) -> tuple[Array, Any]:
    """Fiber lengths `(n, m)` and which of them are plainly settled; `previous` w, `(m,)`."""
    unit = window.unit
    taut = (window.musculotendon_length - unit.tendon_slack_length) / unit.optimal_fiber_length
    lower, upper = np.full_like(taut, solve.FLOOR), np.full_like(taut, np.inf)
    if root.upper > 0.0:
        s = np.sin(unit.pennation_angle_at_optimal)
        lower[:], upper[:] = (
            np.sqrt(np.maximum(end * end - s * s, 0.0)) for end in (root.lower, root.upper)
        )
    w = _static(window, lower, np.minimum(upper, np.maximum(taut, 1.0)))
    step = np.full_like(w, np.inf)
    for _ in range(NEWTON_ROUNDS):
        length = _length(unit, w)
        at = _linear(window, w, length)
        step = _newton_step(window, _tamed(window, at, far=np.abs(step) > NEAR))
        w = np.clip(w + np.clip(step, -LONGEST_STEP, LONGEST_STEP), lower, upper)
        settled = (np.abs(step) <= SETTLED_STEP) & (at.slope <= -FLAT)
        if settled.all():
            break
    settled &= np.abs(at.residual) <= solve.RESIDUAL
    if root.upper > 0.0:
        return _length(unit, w), settled & _bracketed(window, root, at, length)
    before = np.maximum(np.concatenate([previous[None], w[:-1]]), taut)
    inside = (w > lower * (1.0 + solve.RESIDUAL)) & (w < before + solve.MARGIN)
    return _length(unit, w), settled & inside


def _tamed(window: Window, at: Linear, far: Any) -> Linear:
    """Slopes for the next step: where `far` from the root, those of a well damped muscle.

    A residual that rises with w would let errors grow from frame to frame, and at its limits the
    velocity would not answer at all.
    """
    unit, newest = window.unit, window.weights[:, :1]
    per_velocity = at.along / (unit.optimal_fiber_length**2 * unit.max_contraction_velocity)
    damped = np.minimum(at.by_velocity, -LEAST_DAMPING * per_velocity)
    by_velocity = np.where(far, damped, at.by_velocity)
    own = at.slope - at.by_velocity * newest * at.along
    slope = np.where(far, np.minimum(own, 0.0), own) + by_velocity * newest * at.along
    return at._replace(by_velocity=by_velocity, slope=np.where(slope > -FLAT, -1.0, slope))


def _static(window: Window, lower: Array, upper: Array) -> Array:
    """A first guess of w: where the fibers would rest, by bisection."""
    for _ in range(12):
        w = 0.5 * (lower + upper)
        g = muscle.equilibrium(
            window.curves, window.unit, w, window.activation, 0.0, window.musculotendon_length
        )
        lower, upper = np.where(g > 0.0, w, lower), np.where(g > 0.0, upper, w)
    return w


def _bracketed(window: Window, root: Root, at: Linear, length: Array) -> Any:
    """Whether CEINMS's bracket encloses a sign change, the residual falling."""
    newest = window.weights[:, :1]
    past = at.velocity - newest * length
    shortest = root.lower * window.unit.optimal_fiber_length
    longest = root.upper * window.unit.optimal_fiber_length
    g_short, g_long = (
        muscle.equilibrium_of_length(
            window.curves,
            window.unit,
            end,
            window.activation,
            newest * end + past,
            window.musculotendon_length,
        )
        for end in (shortest, longest)
    )
    return (g_short > 0.0) & (g_long < 0.0)


def elastic_fiber_length(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    activation: Array,
    musculotendon_length: Array,
    fiber_length: Array,
    flags: Integers,
) -> None:
    """Fiber length in equilibrium with an elastic tendon, and a flag for each solve.

    With complex numbers the derivative is that of the equilibrium, whatever path found its root.
    """
    rigid = muscles.tendon_slack_length[lanes % muscles.c1.size] == 0.0
    rigid_fiber_length(
        system, muscles, lanes[rigid], begin, end, musculotendon_length, fiber_length
    )
    for part in parts(system, muscles, lanes[rigid], begin, end):
        flags[part.start : part.stop, part.columns] = solve.NOTHING
    signals = Signals(activation, musculotendon_length, fiber_length)
    for part in parts(system, muscles, lanes[~rigid], begin, end):
        if not np.iscomplexobj(fiber_length):
            _solve_part(system, part, signals, flags)
            continue
        unit = Muscles(*(p.real for p in part.unit))
        real = Signals(*(signal.real.copy() for signal in signals))
        _solve_part(system, part._replace(unit=unit), real, flags)
        asked, window = part.asked, _window(system, part, signals)
        fiber_length[asked] = _complex_newton(window, real.fiber_length[asked], flags[asked])


def _solve_part(system: System, part: Part, signals: Signals, flags: Integers) -> None:
    root, length = system.root, signals.fiber_length
    alone = np.full(part.columns.size, part.start)  # frame from which a lane is solved alone
    if root.upper == 0.0 and part.start == part.first:
        _solve_alone(system, part._replace(stop=part.start + 1), alone, signals, flags)
        part = part._replace(start=part.start + 1)
    if root.tolerance == 0.0 and part.start < part.stop:
        previous = np.zeros(part.columns.size)
        if part.start > part.first:
            x, cosine = muscle.projection(part.unit, length[part.start - 1, part.columns])
            previous = x * cosine
        window = _window(system, part, signals)
        length[part.asked], settled = _solve_window(window, root, previous)
        flags[part.asked] = solve.NOTHING
        end = np.zeros((1, part.columns.size), dtype=bool)
        alone = part.start + np.argmin(np.concatenate([settled, end]), axis=0)
    _solve_alone(system, part, alone, signals, flags)


def _solve_alone(
    system: System, part: Part, start: Integers, signals: Signals, flags: Integers
) -> None:
    """Each lane of the part from its own frame `start`, `(m,)`, sample by sample."""
    weights, length = system.timeline.solver_weights, signals.fiber_length
    for lane, m in enumerate(part.columns):
        unit = Muscles(*(p[lane] for p in part.unit))
        for t in range(max(start[lane], part.start), part.stop):
            length[t, m], flags[t, m] = solve.fiber_length(
                system.curves,
                unit,
                system.root,
                signals.activation[t, m],
                signals.musculotendon_length[t, m],
                weights[t, 0],
                solve.past_velocity(weights, length, t, m, t - part.first),
                length[t - 1, m] if t > part.first else 0.0,
            )


def _complex_newton(window: Window, length: Array, flags: Integers) -> Array:
    """Carry the imaginary parts through equilibria whose real lengths `(n, m)` are known."""
    unit = window.unit
    on_rigid, at_floor = flags & ON_RIGID_LENGTH != 0, flags & AT_FLOOR != 0
    rigid = muscle.rigid_fiber_length(unit, window.musculotendon_length)
    x, cosine = muscle.projection(Muscles(*(p.real for p in unit)), length)
    w = np.where(on_rigid, 1.0, np.where(at_floor, solve.FLOOR, x * cosine)).astype(complex)
    for _ in range(COMPLEX_ROUNDS):
        at = _linear(window, w, np.where(on_rigid, rigid, _length(unit, w)))
        free = ~on_rigid & ~at_floor & (np.abs(at.slope) >= SLOPE_FLOOR)
        held = Linear(*(np.where(free, value, 0.0) for value in at))
        w = w + _newton_step(window, held._replace(slope=np.where(free, at.slope, 1.0)))
    return np.where(on_rigid, rigid, _length(unit, w))


def elastic_fiber_length_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    activation: Array,
    musculotendon_length: Array,
    fiber_length: Array,
    flags: Integers,
    fiber_length_bar: Array,
    muscles_bar: Muscles,
    activation_bar: Array,
    musculotendon_length_bar: Array,
) -> None:
    """Adjoint of `elastic_fiber_length`.

    A sample whose slope is below `SLOPE_FLOOR` has no derivative; none is passed on through it.
    """
    rigid = muscles.tendon_slack_length[lanes % muscles.c1.size] == 0.0
    rigid_fiber_length_vjp(
        system,
        muscles,
        lanes[rigid],
        musculotendon_length,
        fiber_length,
        fiber_length_bar,
        muscles_bar,
        musculotendon_length_bar,
    )
    signals = Signals(activation, musculotendon_length, fiber_length)
    for part in parts(system, muscles, lanes[~rigid]):
        window, at = _window(system, part, signals), part.asked
        a_bar, l_mt_bar = _elastic_vjp(
            part, window, fiber_length[at], flags[at], fiber_length_bar[at], muscles_bar
        )
        activation_bar[at] += a_bar
        musculotendon_length_bar[at] += l_mt_bar


def _elastic_vjp(
    part: Part, window: Window, length: Array, flags: Integers, bar: Array, muscles_bar: Muscles
) -> tuple[Array, Array]:
    """Cotangents of activation and musculotendon length; adds those of the muscles."""
    unit, weights = part.unit, window.weights
    lo, angle = unit.optimal_fiber_length, unit.pennation_angle_at_optimal
    on_rigid = flags & ON_RIGID_LENGTH != 0
    x, cosine = muscle.projection(unit, length)
    w = np.where(on_rigid, 1.0, x * cosine)
    g = muscle.equilibrium_partials(
        window.curves,
        unit,
        w,
        window.activation,
        stencil(weights, length),
        window.musculotendon_length,
    )
    slope = solve.total_slope(unit, g, w, weights[:, :1])
    free = ~on_rigid & (flags & AT_FLOOR == 0) & (np.abs(slope) >= SLOPE_FLOOR)
    per_bar = np.where(free, -lo * cosine / np.where(free, slope, 1.0), 0.0)
    total = _solve_transposed(weights, -per_bar * g.fiber_velocity, bar)
    ratio = total * per_bar
    rigid_bar = np.where(on_rigid, total, 0.0)
    of_rigid = muscle.rigid_fiber_length_partials(unit, window.musculotendon_length)
    # What scales l = l_o x at a fixed w: the length itself and the velocity that follows it.
    scale_bar = np.where(on_rigid, 0.0, total) + ratio * g.fiber_velocity * weights[:, :1]
    sine_bar = scale_bar * lo * np.sin(angle) / x + ratio * g.pennation_sine
    _add_all(part, ratio, g, muscles_bar)
    _add_all(part, rigid_bar, of_rigid, muscles_bar)
    _add(part, scale_bar * x, muscles_bar.optimal_fiber_length)
    _add(part, sine_bar * np.cos(angle), muscles_bar.pennation_angle_at_optimal)
    l_mt_bar = ratio * g.musculotendon_length + rigid_bar * of_rigid.musculotendon_length
    return ratio * g.activation, l_mt_bar


# Fiber velocity in the force


def trailing_velocity(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    fiber_length: Array,
    fiber_velocity: Array,
) -> None:
    """Fiber velocity of the force from the last few lengths."""
    for part in parts(system, muscles, lanes, begin, end):
        trial = slice(part.first, part.stop)
        velocity = stencil(system.timeline.force_weights[trial], fiber_length[trial, part.columns])
        asked = velocity[part.start - part.first :]
        fiber_velocity[part.start : part.stop, part.columns] = asked


def trailing_velocity_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    fiber_length: Array,
    fiber_velocity: Array,
    fiber_velocity_bar: Array,
    muscles_bar: Muscles,
    fiber_length_bar: Array,
) -> None:
    """Adjoint of `trailing_velocity`."""
    for part in parts(system, muscles, lanes):
        at = part.asked
        weights = system.timeline.force_weights[at[0]]
        fiber_length_bar[at] += stencil_transposed(weights, fiber_velocity_bar[at])


def _solve_spline(h: Array, right: Array) -> Array:
    """Solution of the spline's symmetric system (see `curves`) for steps `(n - 1, 1)`."""
    from scipy.linalg import solve_banded

    bands = np.zeros((3, len(right)))
    bands[0, 1:] = bands[2, :-1] = h[:, 0]
    bands[1] = np.concatenate([-h[:1, 0], 2.0 * (h[1:, 0] + h[:-1, 0]), -h[-1:, 0]])
    return np.asarray(solve_banded((1, 1), bands, right, check_finite=False))


def _end_weights(spline: SplineFactors, trial: int, frames: int) -> tuple[Array, Array]:
    count = 4 if frames > 3 else 0  # fewer frames have no third derivative
    return spline.first[trial, :count, None], spline.last[trial, :count, None]


def whole_trial_velocity(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    fiber_length: Array,
    fiber_velocity: Array,
) -> None:
    """Fiber velocity of the force from the spline through all lengths of the trial.

    It knows no part of a trial: `begin` and `end` are not looked at.
    """
    for part in parts(system, muscles, lanes):
        at = part.asked
        length, h = fiber_length[at], system.timeline.spline.steps[part.start : part.stop - 1, None]
        frames = len(length)
        if frames == 1:
            fiber_velocity[at] = 0.0
            continue
        chord = np.diff(length, axis=0) / h
        s = np.zeros_like(length)
        if frames > 2:
            first, last = _end_weights(system.timeline.spline, part.trial, frames)
            s[0] = np.sum(first * length[: len(first)], axis=0)
            s[-1] = np.sum(last * length[frames - len(last) :], axis=0)
            s[1:-1] = np.diff(chord, axis=0)
            s = _solve_spline(h, s)
        fiber_velocity[part.start : part.stop - 1, part.columns] = chord - h * (
            s[1:] + 2.0 * s[:-1]
        )
        fiber_velocity[part.stop - 1, part.columns] = chord[-1] + h[-1] * (s[-2] + 2.0 * s[-1])


def whole_trial_velocity_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    fiber_length: Array,
    fiber_velocity: Array,
    fiber_velocity_bar: Array,
    muscles_bar: Muscles,
    fiber_length_bar: Array,
) -> None:
    """Adjoint of `whole_trial_velocity`; the spline's system is symmetric."""
    for part in parts(system, muscles, lanes):
        at = part.asked
        bar, h = (
            fiber_velocity_bar[at],
            system.timeline.spline.steps[part.start : part.stop - 1, None],
        )
        frames = len(bar)
        if frames == 1:
            continue
        chord_bar = bar[:-1].copy()
        chord_bar[-1] += bar[-1]
        r_bar = np.zeros_like(bar)
        r_bar[1:] -= h * bar[:-1]
        r_bar[:-1] -= 2.0 * h * bar[:-1]
        r_bar[-2] += h[-1] * bar[-1]
        r_bar[-1] += 2.0 * h[-1] * bar[-1]
        length_bar = np.zeros_like(bar)
        if frames > 2:
            r_bar = _solve_spline(h, r_bar)
            first, last = _end_weights(system.timeline.spline, part.trial, frames)
            length_bar[: len(first)] += first * r_bar[0]
            length_bar[frames - len(last) :] += last * r_bar[-1]
            chord_bar[1:] += r_bar[1:-1]
            chord_bar[:-1] -= r_bar[1:-1]
        length_bar[1:] += chord_bar / h
        length_bar[:-1] -= chord_bar / h
        fiber_length_bar[at] += length_bar


# Force


def tendon_force(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    activation: Array,
    fiber_length: Array,
    fiber_velocity: Array,
    force: Array,
) -> None:
    """Force of each sample along the tendon."""
    for part in parts(system, muscles, lanes, begin, end):
        at = part.asked
        force[at] = muscle.tendon_force(
            system.curves, part.unit, activation[at], fiber_length[at], fiber_velocity[at]
        )


def tendon_force_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    activation: Array,
    fiber_length: Array,
    fiber_velocity: Array,
    force: Array,
    force_bar: Array,
    muscles_bar: Muscles,
    activation_bar: Array,
    fiber_length_bar: Array,
    fiber_velocity_bar: Array,
) -> None:
    """Adjoint of `tendon_force`."""
    for part in parts(system, muscles, lanes):
        at = part.asked
        bar = force_bar[at]
        d = muscle.tendon_force_partials(
            system.curves, part.unit, activation[at], fiber_length[at], fiber_velocity[at]
        )
        activation_bar[at] += bar * d.activation
        fiber_length_bar[at] += bar * d.fiber_length
        fiber_velocity_bar[at] += bar * d.fiber_velocity
        _add_all(part, bar, d, muscles_bar)
