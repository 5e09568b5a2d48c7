"""Loops of the activation dynamics: excitation rows to the activation of frames, and back."""

from __future__ import annotations

from refnms.jit import kernel, pure
from refnms.physics import activation as act
from refnms.physics.kernels.lanes import place
from refnms.physics.types import Array, FilterStart, Integers, Muscles, System


@pure
def past_values(
    start: FilterStart, excitation: Array, neural: Array, r: int, first: int, m: int
) -> tuple[float, float]:
    """u[r-1] and u[r-2] of the recursion, whose first row is `first`."""
    k = r - first
    if k == start.restart:
        mean = 0.5 * (excitation[r - 1, m] + excitation[r - 2, m])
        return mean, mean
    rest = start.rest * excitation[first, m]
    u1 = neural[r - 1, m] if k > 0 else rest
    if k > 0 and k == start.restart + 1:
        return u1, 0.5 * (excitation[r - 2, m] + excitation[r - 3, m])
    return u1, neural[r - 2, m] if k > 1 else rest


@pure
def past_values_vjp(
    start: FilterStart,
    u1_bar: float,
    u2_bar: float,
    excitation_bar: Array,
    neural_bar: Array,
    r: int,
    first: int,
    m: int,
) -> None:
    """Cotangents of what `past_values` read."""
    k = r - first
    if k == start.restart:
        excitation_bar[r - 1, m] += 0.5 * (u1_bar + u2_bar)
        excitation_bar[r - 2, m] += 0.5 * (u1_bar + u2_bar)
        return
    if k > 0:
        neural_bar[r - 1, m] += u1_bar
    else:
        excitation_bar[first, m] += start.rest * u1_bar
    if k > 0 and k == start.restart + 1:
        excitation_bar[r - 2, m] += 0.5 * u2_bar
        excitation_bar[r - 3, m] += 0.5 * u2_bar
    elif k > 1:
        neural_bar[r - 2, m] += u2_bar
    else:
        excitation_bar[first, m] += start.rest * u2_bar


@kernel
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
    for lane in lanes:
        m, first, stop, offset = place(system.timeline, lane, muscles.c1.size)
        row = system.timeline.rows[lane // muscles.c1.size]
        alpha, beta1, beta2 = act.filter_gains(muscles.c1[m], muscles.c2[m])
        for r in range(
            row if begin == 0 else first + begin + offset, min(stop, first + end) + offset
        ):
            u1, u2 = past_values(system.start, excitation, neural, r, row, m)
            neural[r, m] = alpha * excitation[r, m] - beta1 * u1 - beta2 * u2


@kernel
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
    """Adjoint of `neural_activation`; `neural_bar` is used up."""
    for lane in lanes:
        m, _, stop, offset = place(system.timeline, lane, muscles.c1.size)
        row = system.timeline.rows[lane // muscles.c1.size]
        alpha, beta1, beta2 = act.filter_gains(muscles.c1[m], muscles.c2[m])
        alpha_bar = beta1_bar = beta2_bar = 0.0
        for r in range(stop + offset - 1, row - 1, -1):
            u1, u2 = past_values(system.start, excitation, neural, r, row, m)
            bar = neural_bar[r, m]
            alpha_bar += bar * excitation[r, m]
            beta1_bar -= bar * u1
            beta2_bar -= bar * u2
            excitation_bar[r, m] += alpha * bar
            past_values_vjp(
                system.start, -beta1 * bar, -beta2 * bar, excitation_bar, neural_bar, r, row, m
            )
        c1_bar, c2_bar = act.filter_gains_vjp(
            muscles.c1[m], muscles.c2[m], alpha_bar, beta1_bar, beta2_bar
        )
        muscles_bar.c1[m] += c1_bar
        muscles_bar.c2[m] += c2_bar


@kernel
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
    for lane in lanes:
        m, first, stop, offset = place(system.timeline, lane, muscles.c1.size)
        for t in range(first + begin, min(stop, first + end)):
            activation[t, m] = act.exponential(neural[t + offset, m], muscles.shape_factor[m])


@kernel
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
    for lane in lanes:
        m, first, stop, offset = place(system.timeline, lane, muscles.c1.size)
        for t in range(first, stop):
            by_u, by_shape = act.exponential_partials(
                neural[t + offset, m], muscles.shape_factor[m]
            )
            neural_bar[t + offset, m] += activation_bar[t, m] * by_u
            muscles_bar.shape_factor[m] += activation_bar[t, m] * by_shape


@kernel
def piecewise_activation(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    neural: Array,
    activation: Array,
) -> None:
    """Activation of each frame, piecewise shape, its node found to the tolerance of the system."""
    for lane in lanes:
        m, first, stop, offset = place(system.timeline, lane, muscles.c1.size)
        shape = muscles.shape_factor[m]
        node = act.piecewise_node(shape, act.solve_node(shape, system.node_tolerance))
        for t in range(first + begin, min(stop, first + end)):
            activation[t, m] = act.piecewise(neural[t + offset, m], node)


@kernel
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
    for lane in lanes:
        m, first, stop, offset = place(system.timeline, lane, muscles.c1.size)
        shape = muscles.shape_factor[m]
        node = act.piecewise_node(shape, act.solve_node(shape, system.node_tolerance))
        for t in range(first, stop):
            by_u, by_shape = act.piecewise_partials(neural[t + offset, m], shape, node)
            neural_bar[t + offset, m] += activation_bar[t, m] * by_u
            muscles_bar.shape_factor[m] += activation_bar[t, m] * by_shape
