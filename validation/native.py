"""The native profile's model once more, written in the frameworks' own functions: see script 15.

The formulas are written once, for `jax.numpy` and `torch` alike; the loop over time is each one's
own. A fiber length is found by Newton's steps, held between two ends that have the root between
them, and differentiated as an implicit function: one more step, of which the residual alone moves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

SWEEPS, SETTLED = 80, 1e-13  # a slack tendon leaves some to halving


class Problem(NamedTuple):
    """Arrays of a framework; curves are the edges and pieces of `refnms.physics.types.Curve`."""

    curves: Any
    rates: Any  # (T,) 1 / time step, 0 for the first frame
    excitation: Any  # (T, M)
    length: Any  # (T, M)
    arm: Any  # (T, M, D)
    target: Any  # (T, D)


def problem(model: Any, trial: Any, excitation: np.ndarray, array: Any) -> Problem:
    """A recording for a framework, whose arrays `array` makes."""
    curves = [(array(curve.edges), array(curve.pieces)) for curve in model.curves]
    rates = np.append(0.0, 1.0 / np.diff(trial.time))
    own = (rates, excitation, trial.musculotendon_length, trial.moment_arm, trial.moment)
    return Problem(curves, *map(array, own))


def curve(xp: Any, table: Any, x: Any) -> tuple[Any, Any]:
    """Value and slope."""
    edges, pieces = table
    piece = pieces[xp.searchsorted(edges, x) - 1]
    origin, c0, c1, c2, c3 = (piece[..., k] for k in range(5))
    d = x - origin
    return c0 + d * (c1 + d * (c2 + d * c3)), c1 + d * (2.0 * c2 + 3.0 * c3 * d)


def fiber(xp: Any, curves: Any, p: Any, a: Any, length: Any, velocity: Any, newest: Any) -> Any:
    """Force of the fiber along the tendon over the isometric one, its slope by the length, and how
    long the fiber is along the tendon.
    """
    lo, speed = p[3], p[3] * p[7]
    height = lo * xp.sin(p[4])
    along = xp.sqrt(length * length - height * height)
    optimal = lo * (1.0 + p[11] * (1.0 - a))
    v = xp.clip(velocity / speed, -1.0, 1.0)
    by_v = xp.where(xp.abs(velocity) < speed, newest / speed, 0.0)
    active, active_slope = curve(xp, curves[0], length / optimal)
    passive, passive_slope = curve(xp, curves[1], length / lo)
    fast, fast_slope = curve(xp, curves[2], v)
    force = a * active * fast + passive + p[10] * v
    slope = a * (active_slope / optimal * fast + active * fast_slope * by_v)
    slope = slope + passive_slope / lo + p[10] * by_v
    cosine = along / length
    by_cosine = height * height / (along * length * length)
    return force * cosine, slope * cosine + force * by_cosine, along


def residual(xp: Any, curves: Any, p: Any, a: Any, lmt: Any, newest: Any, past: Any, length: Any):
    """Tendon force minus fiber force, over the isometric one, and its slope by the length."""
    force, slope, along = fiber(xp, curves, p, a, length, newest * length + past, newest)
    tendon, tendon_slope = curve(xp, curves[3], (lmt - along - p[5]) / p[5])
    return tendon - force, -tendon_slope * length / (along * p[5]) - slope


def newton(xp: Any, state: Any, given: Any) -> Any:
    """One step of `(length, lower, upper, last step)`; the residual falls with the length."""
    length, lower, upper, _ = state
    g, slope = residual(xp, *given, length)
    lower, upper = xp.where(g > 0.0, length, lower), xp.where(g > 0.0, upper, length)
    wanted = length - g / slope
    inside = (wanted > lower) & (wanted < upper) & (slope < 0.0)
    found = xp.where(inside, wanted, 0.5 * (lower + upper))
    return found, lower, upper, xp.abs(found - length)


def activation(xp: Any, p: Any, u: Any) -> Any:
    return xp.expm1(p[2] * u) / xp.expm1(p[2])


def gains(p: Any) -> tuple[Any, Any, Any]:
    """Of the filter u = alpha e - beta1 u1 - beta2 u2."""
    beta1, beta2 = p[0] + p[1], p[0] * p[1]
    return 1.0 + beta1 + beta2, beta1, beta2


def start(p: Any, previous: Any) -> Any:
    """The fiber length to begin with, and the ends that have the root between them."""
    return previous, 0.3 * p[3], 2.0 * p[3], previous + 1.0


def loss_of(moments: Any, target: Any) -> Any:
    return ((moments - target) ** 2).mean()


def in_jax(own: Problem) -> Any:
    """`(table) -> (loss, gradient)`, compiled."""
    import jax
    import jax.numpy as jnp

    def frame(past: Any, now: Any) -> Any:
        (u1, u2, previous), (e, lmt, arm, rate, p) = past, now
        alpha, beta1, beta2 = gains(p)
        u = alpha * e - beta1 * u1 - beta2 * u2
        a = activation(jnp, p, u)
        given = own.curves, p, a, lmt, rate, -rate * previous
        still = jax.lax.stop_gradient(given)

        def open_(state: Any) -> Any:
            return (jnp.max(state[0][3]) > SETTLED) & (state[1] < SWEEPS)

        def step(state: Any) -> Any:
            return newton(jnp, state[0], still), state[1] + 1

        begin = jax.lax.stop_gradient((start(p, previous), 0))
        found = jax.lax.stop_gradient(jax.lax.while_loop(open_, step, begin)[0][0])
        g, slope = residual(jnp, *given, found)
        length = found - g / jax.lax.stop_gradient(slope)
        force = fiber(jnp, own.curves, p, a, length, rate * (length - previous), rate)[0]
        return (u, u1, length), jnp.einsum("m,md->d", p[6] * p[8] * force, arm)

    def loss(table: Any) -> Any:
        def step(past: Any, now: Any) -> Any:
            return frame(past, (*now, table))

        e = own.excitation
        past = (e[0], e[0], table[3])
        moments = jax.lax.scan(step, past, (e, own.length, own.arm, own.rates))[1]
        return loss_of(moments, own.target)

    return jax.jit(jax.value_and_grad(loss))


def in_torch(own: Problem) -> Any:
    """`(table) -> (loss, gradient)`, in a loop over time."""
    import torch

    def length_of(given: Any, p: Any, previous: Any) -> Any:
        with torch.no_grad():
            state = start(p, previous)
            for _ in range(SWEEPS):
                if float(state[3].max()) <= SETTLED:
                    break
                state = newton(torch, state, given)
        found = state[0].detach()
        g, slope = residual(torch, *given, found)
        return found - g / slope.detach()

    def loss(p: Any) -> Any:
        alpha, beta1, beta2 = gains(p)
        u1 = u2 = own.excitation[0]
        previous, moments = p[3], []
        for e, lmt, arm, rate in zip(own.excitation, own.length, own.arm, own.rates, strict=True):
            u = alpha * e - beta1 * u1 - beta2 * u2
            a = activation(torch, p, u)
            length = length_of((own.curves, p, a, lmt, rate, -rate * previous), p, previous)
            force = fiber(torch, own.curves, p, a, length, rate * (length - previous), rate)[0]
            moments.append((p[6] * p[8] * force) @ arm)
            u1, u2, previous = u, u1, length
        return loss_of(torch.stack(moments), own.target)

    def both(table: Any) -> Any:
        table = table.detach().clone().requires_grad_()
        value = loss(table)
        return value.detach(), torch.autograd.grad(value, table)[0]

    return both
