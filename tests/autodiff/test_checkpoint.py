"""Checkpoints: the same derivatives, to the bit, from fewer values kept."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from refnms.autodiff import checkpoint, grad, hessian_vector, recursion, vjp

X = np.array([0.5, -1.0, 2.0])


def step(state, drive, gain):
    """A filter with a saturation."""
    return np.tanh(gain * state + drive)


def plain(state, inputs, gain):
    for one in inputs:
        state = step(state, one, gain)
    return state


def drives(count):
    return np.random.default_rng(1).normal(0.0, 0.3, (count, 3))


def test_a_checkpoint_changes_no_bit():
    f = lambda x, y: np.sin(x * y) / (1.0 + y * y)
    for i in (0, 1):
        of = lambda p, i=i: grad(lambda x, y: np.sum(p(x, y) * x), i)(X, 2.0 * X)
        assert np.array_equal(of(f), of(checkpoint(f)))


@pytest.mark.parametrize("every", [None, 1, 7, 100])
@pytest.mark.parametrize("count", [1, 30, 37])
def test_a_recursion_has_the_derivatives_of_its_loop(count, every):
    args = (X, drives(count), np.array(0.9))
    y, pullback = vjp(plain, *args)
    z, other = vjp(lambda s, e, g: recursion(step, s, e, g, every=every), *args)
    assert np.array_equal(y, z)
    for bar, same in zip(pullback(X), other(X), strict=True):
        np.testing.assert_allclose(same, bar, rtol=1e-14, atol=1e-300)


def test_a_recursion_may_be_differentiated_twice():
    f = lambda x: np.sum(recursion(step, x, drives(9), 0.9))
    expected = hessian_vector(lambda x: np.sum(plain(x, drives(9), 0.9)), X, X)
    np.testing.assert_allclose(hessian_vector(f, X, X), expected, rtol=1e-14)
    twice = grad(lambda x: np.sum(grad(f)(x) * X))(X)
    np.testing.assert_allclose(twice, expected, rtol=1e-12)


def test_a_recursion_of_no_steps_is_its_start():
    assert np.array_equal(recursion(step, X, np.zeros((0, 3)), 0.9), X)


def test_a_long_recursion_keeps_far_fewer_values():
    state, inputs = np.full(2000, 0.5), np.zeros((400, 1))

    def peak(f):
        tracemalloc.start()
        grad(lambda x: np.sum(f(x)))(state)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    whole = peak(lambda x: plain(x, inputs, 0.9))
    assert whole > 400 * state.nbytes
    assert peak(lambda x: recursion(step, x, inputs, 0.9)) < whole / 5
