"""Lengths and moment arms of muscles at joint angles, one pose after the other (see `Paths`).

The products of a muscle's functions, one of each joint, are made joint by joint: the list that
stands there is replaced by all its members times all functions of the next joint.
"""

from __future__ import annotations

from refnms.jit import kernel, pure
from refnms.physics.types import Array, Paths


@pure
def room(paths: Paths) -> tuple[int, int]:
    """Rows and columns of the working memory that `path_lengths` needs."""
    most, products = 1, 1
    for b in range(paths.bases.shape[0]):
        most = max(most, paths.bases[b, 1])
    for m in range(paths.basis_of.shape[0]):
        own = 1
        for d in range(paths.basis_of.shape[1]):
            if paths.basis_of[m, d] >= 0:
                own *= paths.bases[paths.basis_of[m, d], 1]
        products = max(products, own)
    rows = 2 * paths.bases.shape[0] + 2 + paths.basis_of.shape[1]
    return rows, max(most + 1, products)


@kernel
def path_lengths(paths: Paths, angle: Array, length: Array, arm: Array, memory: Array) -> None:
    """Lengths `(N, M)` and moment arms `(N, M, D)` at angles `(N, D)`; memory as `room` says."""
    for t in range(angle.shape[0]):
        pose(paths, angle, length, arm, t, memory)


@pure
def pose(paths: Paths, angle: Array, length: Array, arm: Array, t: int, memory: Array) -> None:
    """One pose."""
    for b in range(paths.bases.shape[0]):
        local(paths, b, angle[t, paths.bases[b, 0]], memory)
    for m in range(paths.basis_of.shape[0]):
        muscle(paths, m, length, arm, t, memory)


@pure
def local(paths: Paths, b: int, q: float, memory: Array) -> None:
    """The functions of basis b at q: values in row 2b, slopes in row 2b + 1, which ones before."""
    functions, count = paths.bases[b, 1], paths.bases[b, 2]
    edge, piece = paths.bases[b, 3], paths.bases[b, 4]
    i = 0
    while i + 1 < count and q > paths.edges[edge + i + 1]:
        i += 1
    base = piece + i * (1 + functions * functions)
    d = q - paths.pieces[base]
    memory[2 * b, 0] = min(max(i - 1, 0), count - 3)
    for f in range(functions):
        value, slope = 0.0, 0.0
        for k in range(functions):
            slope = slope * d + value
            value = value * d + paths.pieces[base + 1 + f * functions + k]
        memory[2 * b, 1 + f], memory[2 * b + 1, 1 + f] = value, slope


@pure
def muscle(paths: Paths, m: int, length: Array, arm: Array, t: int, memory: Array) -> None:
    """Length and arms of muscle m from the functions at this pose."""
    joints, places = paths.basis_of.shape[1], 2 * paths.bases.shape[0]
    products = places + 1  # and after it, of each joint, those with its slope
    count = 1
    memory[places, 0], memory[products, 0] = 0.0, 1.0
    for d in range(joints):
        b = paths.basis_of[m, d]
        if b >= 0:
            functions, first = paths.bases[b, 1], memory[2 * b, 0]
            size = functions + paths.bases[b, 2] - 3
            for k in range(count - 1, -1, -1):
                place, product = memory[places, k], memory[products, k]
                for f in range(functions - 1, -1, -1):
                    at, value = k * functions + f, memory[2 * b, 1 + f]
                    memory[places, at] = place * size + first + f
                    memory[products, at] = product * value
                    memory[products + 1 + d, at] = product * memory[2 * b + 1, 1 + f]
            for e in range(d):
                for k in range(count - 1, -1, -1):
                    product = memory[products + 1 + e, k]
                    for f in range(functions - 1, -1, -1):
                        value = memory[2 * b, 1 + f]
                        memory[products + 1 + e, k * functions + f] = product * value
            count *= functions
    start = paths.starts[m]
    total = 0.0
    for k in range(count):
        total += paths.coefficients[start + int(memory[places, k])] * memory[products, k]
    length[t, m] = total
    for d in range(joints):
        total = 0.0
        if paths.basis_of[m, d] >= 0:
            row = products + 1 + d
            for k in range(count):
                total += paths.coefficients[start + int(memory[places, k])] * memory[row, k]
        arm[t, m, d] = -total
