"""Time stamps -> weights: every velocity is a fixed linear function of the fiber lengths.

The velocity at frame t is the slope at the last knot of the Forsythe-Malcolm-Moler spline (see
`curves`) through the last `points` lengths: 2 points are the backward difference, 4 points on a
uniform grid BDF3 (11/6, -3, 3/2, -1/3). The first frame of a trial has velocity zero. CEINMS's
"offline" velocity is the slope of the spline through all lengths of the trial: one symmetric
tridiagonal solve, factored here once for each trial.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refnms.physics.curves import eliminate, end_curvature, knot_slopes
from refnms.physics.profiles import Profile
from refnms.physics.types import Array, SplineFactors, Timeline


def trailing_weights(time: Array, points: int) -> Array:
    """Weights `(T, points)` of the lengths at t, t-1, ... in the velocity at times `(T,)`."""
    weights = np.zeros((len(time), points))
    for t in range(1, min(points - 1, len(time))):
        weights[t, : t + 1] = _last_slope(time[: t + 1, None])[0]
    if 0 < points <= len(time):
        windows = np.lib.stride_tricks.sliding_window_view(time, points).T  # (points, windows)
        weights[points - 1 :] = _last_slope(windows)
    return weights


def _last_slope(x: Array) -> Array:
    """Weights `(B, n)`, newest first, of the slope at the last of knots x `(n, B)`."""
    unit = np.eye(len(x))[:, None, :]  # one spline for each knot's own value
    return knot_slopes(x[:, :, None], unit)[-1, :, ::-1]


def spline_factors(times: Sequence[Array]) -> SplineFactors:
    """The factored splines through all frames of each trial."""
    steps, pivots, ends = [], [], []
    for time in times:
        h = np.diff(time)
        steps.append(np.append(h, 0.0))
        pivots.append(eliminate(h) if len(time) > 2 else np.ones(len(time)))
        unit = np.eye(4)
        ends.append(
            [end_curvature(time[:4, None], unit)[0], end_curvature(time[-4:, None], unit)[1]]
            if len(time) > 3
            else np.zeros((2, 4))
        )
    first, last = np.array(ends).swapaxes(0, 1).copy()
    return SplineFactors(np.concatenate(steps), np.concatenate(pivots), first, last)


def timeline(times: Sequence[Array], leads: Sequence[int], profile: Profile) -> Timeline:
    """Trials with frame times `(T_i,)`, each led by so many excitation rows, under a profile."""
    counts = np.array([len(time) for time in times])
    force_points = profile.force_points
    weights = [
        np.concatenate([trailing_weights(time, points) for time in times])
        for points in (profile.solver_points, force_points or 0)
    ]
    return Timeline(
        frames=np.concatenate([[0], np.cumsum(counts)]),
        rows=np.concatenate([[0], np.cumsum(counts + np.array(leads))]),
        solver_weights=weights[0],
        force_weights=weights[1],
        one_velocity=force_points == profile.solver_points == 2,
        spline=spline_factors(times),
    )
