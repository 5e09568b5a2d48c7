from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from geometry.people import CHOSEN, fitted, grid, poses

from refnms.errors import InputError
from refnms.geometry import Poses, fit_geometry
from refnms.io import read_poses


def test_a_smooth_geometry_is_found_between_the_poses(rng):
    low, high = grid().min(axis=0), grid().max(axis=0)
    unseen = poses(rng.uniform(low, high, (300, 3)))
    geometry = fitted().geometry
    assert np.abs(geometry.length(unseen.angle) - unseen.length).max() < 2e-5
    assert np.abs(geometry.moment_arm(unseen.angle) - unseen.moment_arm).max() < 2e-4


def test_the_errors_reported_are_those_of_poses_held_out():
    fit = fitted()
    assert (fit.length_error > 0.0).all() and (fit.length_error < 2e-5).all()
    assert fit.arm_error.max() < 2e-4 and fit.consistency.max() < 5e-4
    assert fit.inconsistent() == []


def test_a_muscle_has_no_arm_about_a_joint_that_it_does_not_cross():
    arm = fitted().geometry.moment_arm(grid()[::7])
    assert not arm[:, CHOSEN.index("BRA"), :2].any()
    assert not arm[:, CHOSEN.index("DELT1"), 2].any()


def test_no_basis_has_more_functions_along_a_joint_than_the_poses_have_angles():
    paths = fitted().geometry.paths
    for joint, functions, pieces, *_ in paths.bases:
        assert functions - 1 + pieces - 2 <= (6, 5, 7)[joint]


def test_arms_that_are_not_the_slopes_of_their_lengths_are_found_and_named():
    given = poses(grid())
    arm = given.moment_arm.copy()
    arm[:, CHOSEN.index("TRIlong"), 0] += 5e-3
    fit = fit_geometry(replace(given, moment_arm=arm))
    assert fit.inconsistent() == ["TRIlong"]
    assert fit.consistency[CHOSEN.index("TRIlong"), 0] == pytest.approx(5e-3, rel=0.1)


def test_scattered_poses_do_as_well(rng):
    low, high = grid().min(axis=0), grid().max(axis=0)
    given = poses(rng.uniform(low, high, (200, 3)))
    fit = fit_geometry(given)
    assert fit.length_error.max() < 1e-4 and fit.arm_error.max() < 5e-4


def test_a_joint_that_stands_still_is_refused_by_name():
    still = grid((6, 5, 2))
    still[:, 2] = 1.0
    with pytest.raises(InputError, match="TRIlong has a moment arm about elbow_flexion"):
        fit_geometry(poses(still))


def test_all_faults_of_poses_are_named_at_once():
    with pytest.raises(InputError) as raised:
        Poses(("a",), ("q",), np.zeros((5, 1)), np.full((5, 1), np.nan), np.zeros((5, 1, 2)))
    assert [p.message.split()[0] for p in raised.value.problems] == ["length", "moment_arm"]


def test_the_measured_grid_meets_its_bars(shared):
    folder = shared / "upper_limb" / "grid"
    dofs = ("shoulder_elv", "shoulder_rot", "elbow_flexion")
    arms = {dof: folder / f"ma_{dof}.sto" for dof in dofs}
    every = read_poses(folder / "q.sto", folder / "mtu_length.sto", arms)
    names = ("INFSP", "PECM2", "BRD", "TRIlat")
    at = [every.muscle_names.index(name) for name in names]
    fit = fit_geometry(
        Poses(names, dofs, every.angle, every.length[:, at], every.moment_arm[:, at])
    )
    assert fit.inconsistent() == ["PECM2"]
    consistent = [0, 2, 3]
    assert fit.length_error[consistent].max() < 0.5e-3
    assert fit.arm_error[consistent].max() < 2e-3
