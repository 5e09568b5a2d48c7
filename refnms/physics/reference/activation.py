"""Activation dynamics: excitation rows to the activation of frames, and back."""

from __future__ import annotations

import numpy as np

from refnms.physics import activation as act
from refnms.physics.reference.lanes import add, parts
from refnms.physics.types import Array, FilterStart, Integers, Muscles, System


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
        add(part, activation_bar[part.asked] * by_shape, muscles_bar.shape_factor)


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
        add(part, activation_bar[part.asked] * by_shape, muscles_bar.shape_factor)
