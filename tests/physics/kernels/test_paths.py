from __future__ import annotations

import numpy as np
from geometry.people import fitted, grid

from refnms.physics import compiled, reference


def test_lengths_and_arms_are_those_of_the_reference(rng):
    paths = fitted().geometry.paths
    low, high = grid().min(axis=0), grid().max(axis=0)
    angle = np.concatenate([grid()[::11], rng.uniform(low - 0.5, high + 0.5, (40, 3))])
    ours, theirs = (engine.path_lengths(paths, angle) for engine in (compiled, reference))
    assert np.abs(ours[0] - theirs[0]).max() < 1e-13
    assert np.abs(ours[1] - theirs[1]).max() < 1e-13


def test_a_pose_does_not_depend_on_its_neighbors():
    paths, angle = fitted().geometry.paths, grid()[::5]
    length, arm = compiled.path_lengths(paths, angle)
    alone = [compiled.path_lengths(paths, row[None]) for row in angle]
    assert all(np.array_equal(a[0], length[i]) for i, (a, _) in enumerate(alone))
    assert all(np.array_equal(b[0], arm[i]) for i, (_, b) in enumerate(alone))
