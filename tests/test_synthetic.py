"""The embedded participant: consistent geometry, arms of published size, a truth that is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnms import synthetic
from refnms.physics.types import Flag
from refnms.simulation import simulate
from refnms.synthetic import DOFS, MUSCLES, moment_arm, musculotendon_length, participant

ABDUCTION, ROTATION, ELBOW = DOFS
STEP = 1e-30

# Published moment arms over the working range, rounded outwards [mm]; internal rotation positive.
# Means of specimens differ by half and more between studies, hence the width.
#
# Abduction: Otis 1994 (J Bone Joint Surg 76A:667), Kuechle 1997 (J Shoulder Elbow Surg 6:429),
#   Ackland 2008 (J Anat 213:383); the review of Hik and Ackland 2019 (J Anat 234:1).
#   Biceps and long triceps: Bassett 1990 (J Biomech 23:405), Holzbaur 2005 (Ann Biomed Eng 33:829).
# Rotation: Otis 1994, Kuechle 2000 (Clin Biomech 15:322), Ackland and Pandy 2011 (J Orthop Res
#   29:658: subscapularis to 27, infraspinatus to -28, teres minor to -27).
# Elbow: Murray 1995 (J Biomech 28:513) and 2002 (J Biomech 35:19), Ramsay 2009 (J Biomech 42:463),
#   Sugisaki 2010 (J Biomech 43:2844: triceps 17 to 24).
BANDS = {
    ABDUCTION: {
        "DELT1": (0, 45), "DELT2": (5, 45), "DELT3": (-30, 20), "SUPSP": (2, 32),
        "INFSP": (-5, 20), "SUBSC": (-15, 20), "TMIN": (-25, 10), "TMAJ": (-55, -5),
        "PECM1": (-40, 20), "LAT1": (-55, -3), "TRIlong": (-40, -3), "BIClong": (0, 30),
        "BICshort": (-35, 0),
    },
    ROTATION: {
        "DELT1": (-5, 20), "DELT2": (-8, 10), "DELT3": (-20, 5), "SUPSP": (-15, 10),
        "INFSP": (-32, -8), "SUBSC": (8, 30), "TMIN": (-30, -5), "TMAJ": (2, 20),
        "PECM1": (2, 30), "LAT1": (2, 20), "TRIlong": (-12, 6), "BIClong": (-10, 10),
        "BICshort": (-2, 12),
    },
    ELBOW: {
        "TRIlong": (-32, -12), "TRIlat": (-32, -12), "BIClong": (12, 55), "BICshort": (12, 55),
        "BRA": (8, 32), "BRD": (12, 90),
    },
}  # fmt: skip

pose = st.tuples(st.floats(0.0, 2.1), st.floats(-0.9, 1.1), st.floats(0.0, 2.4)).map(np.array)


@pytest.fixture(scope="module")
def poses():
    """Every pose of every movement `(K, 3)`."""
    moved = synthetic.CALIBRATION + synthetic.HELD_OUT
    return np.concatenate([synthetic.joint_angle(m, np.arange(0, 5, 0.02)) for m in moved])


@pytest.fixture(scope="module")
def person():
    return participant(0)


@given(angle=pose)
def test_every_moment_arm_is_minus_the_slope_of_the_length(angle):
    steps = angle + 1j * STEP * np.eye(3)
    slopes = musculotendon_length(steps).imag / STEP  # (D, M)
    np.testing.assert_allclose(moment_arm(angle), -slopes.T, rtol=0, atol=1e-16)


@pytest.mark.parametrize("dof", DOFS)
def test_every_moment_arm_lies_within_the_published_band(dof, poses):
    arms = 1e3 * moment_arm(poses)[..., DOFS.index(dof)]
    for muscle, arm in zip(MUSCLES, arms.T, strict=True):
        low, high = BANDS[dof].get(muscle, (0, 0))
        assert low <= arm.min() and arm.max() <= high, (muscle, arm.min(), arm.max())


def test_a_muscle_has_an_arm_exactly_where_it_crosses(person):
    crosses = np.array([[muscle in BANDS[dof] for dof in DOFS] for muscle in MUSCLES])
    assert np.array_equal(person.true.crosses, crosses)


@pytest.mark.parametrize(
    ("dof", "folder"),
    [(ABDUCTION, "shoulder_elv"), (ROTATION, "shoulder_rot"), (ELBOW, "elbow_flexion")],
)
def test_the_arms_compare_with_a_real_anatomy(dof, folder, shared):
    """Same sign and size wherever the real arm is large; only a comparison, nothing was fitted."""
    _, pose = _table(shared / "upper_limb" / "grid" / "q.sto")
    names, real = _table(shared / "upper_limb" / "grid" / f"ma_{folder}.sto")
    abduction, rotation, elbow = np.radians(pose.T)
    working = (abduction < 1.7) & (abduction > 0.1) & (np.abs(rotation) < 0.9) & (elbow < 2.2)
    ours = moment_arm(np.column_stack([abduction, rotation, elbow])[working])[..., DOFS.index(dof)]
    compared = 0
    for i, muscle in enumerate(MUSCLES):
        theirs = np.median(real[working, names.index(muscle)])
        if abs(theirs) > 5e-3:
            assert 0.4 < np.median(ours[:, i]) / theirs < 2.5, (muscle, theirs)
            compared += 1
    assert compared >= 6


def _table(path):
    lines = path.read_text("utf-8").splitlines()
    start = lines.index("endheader") + 1
    rows = [line.split() for line in lines[start + 1 :] if line.strip()]
    return lines[start].split()[1:], np.array(rows, dtype=float)[:, 1:]


def test_published_lengths_give_plausible_fibers_in_every_pose(poses):
    unit = synthetic.generic_model().muscles
    height = unit.optimal_fiber_length * np.sin(unit.pennation_angle_at_optimal)
    along = musculotendon_length(poses) - unit.tendon_slack_length
    norm_fiber = np.hypot(along, height) / unit.optimal_fiber_length
    assert norm_fiber.min() > 0.5 and norm_fiber.max() < 1.4
    assert (np.ptp(norm_fiber, axis=0) > 0.05).all()


def test_a_movement_rests_at_every_pose():
    movement = synthetic.HELD_OUT[0]
    at = np.array(movement.time)
    poses = np.radians([movement.abduction, movement.rotation, movement.elbow]).T
    np.testing.assert_allclose(synthetic.joint_angle(movement, at), poses, atol=1e-14)
    before, after = (synthetic.joint_angle(movement, at + d) for d in (-1e-4, 1e-4))
    assert np.abs(after - before).max() < 1e-9


def test_the_same_seed_gives_the_same_participant(person):
    again = participant(0)
    for one, other in zip(person.trials, again.trials, strict=True):
        assert np.array_equal(one.emg, other.emg) and np.array_equal(one.moment, other.moment)


def test_another_seed_gives_another_truth(person):
    other = participant(1)
    assert not np.allclose(person.true.muscles.c1, other.true.muscles.c1)
    assert not np.allclose(person.trials[0].emg, other.trials[0].emg)


def test_the_generic_model_is_as_published(person):
    assert np.array_equal(person.generic.muscles.strength_coefficient, np.ones(16))
    biceps = MUSCLES.index("BIClong")
    assert person.generic.muscles.max_isometric_force[biceps] == 525.1
    assert person.generic.muscles.tendon_slack_length[biceps] == 0.2723


def test_the_truth_is_within_reach_of_a_calibration(person):
    true, generic = person.true.muscles, person.generic.muscles
    assert np.all(np.abs(true.optimal_fiber_length / generic.optimal_fiber_length - 1.0) <= 0.15)
    assert np.all(np.abs(true.tendon_slack_length / generic.tendon_slack_length - 1.0) <= 0.05)
    assert np.all((true.strength_coefficient >= 0.7) & (true.strength_coefficient <= 1.5))
    assert np.all((true.c1 > -0.95) & (true.c1 < true.c2) & (true.c2 < -0.05))
    assert np.all((true.shape_factor > -3.0) & (true.shape_factor < 0.0))
    assert 0.0 < true.electromechanical_delay.max() < synthetic.EMG_LEAD


@pytest.mark.parametrize("seed", range(3))
def test_the_truth_solves_without_help_and_stays_physiological(seed):
    person = participant(seed)
    optimal = person.true.muscles.optimal_fiber_length
    for trial in person.trials:
        truth = simulate(person.true, trial)
        assert not (truth.flags & (Flag.FAILED | Flag.FELL_BACK | Flag.NEGATIVE_FORCE)).any()
        assert np.abs(truth.fiber_length / optimal - 1.0).max() < 0.5  # beyond it CEINMS punishes
        assert truth.excitation.max() < 1.0


def test_measured_moments_are_the_true_ones_with_noise_of_the_stated_size(person):
    for trial in person.trials:
        noise = (trial.moment - person.moment[trial.name]).std(0) / person.moment[trial.name].std(0)
        assert np.all(
            (0.4 * synthetic.MOMENT_NOISE < noise) & (noise < 1.7 * synthetic.MOMENT_NOISE)
        )


def test_the_recorded_emg_gives_nearly_the_true_moments(person):
    """The noise of the EMG costs the true model a few percent, not nothing."""
    for trial in person.trials:
        true = person.moment[trial.name]
        error = (simulate(person.true, trial).moment - true).std(0) / true.std(0)
        assert np.all((0.001 < error) & (error < 0.05)), error


def test_a_muscle_without_an_electrode_borrows_from_its_neighbors(person):
    weights = dict(zip(MUSCLES, person.true.emg_to_muscle, strict=True))
    assert all(row.sum() > 0.0 for row in weights.values())
    lent = {"SUPSP", "SUBSC", "TMIN", "TMAJ", "BRA"}
    for muscle in lent:
        assert any(weights[other][weights[muscle] > 0].any() for other in set(MUSCLES) - lent)


def test_the_laboratory_records_ten_channels_before_and_during_every_frame(person):
    assert len(person.generic.emg_names) == 10
    for trial in person.trials:
        assert trial.emg_time[0] == pytest.approx(-synthetic.EMG_LEAD)
        assert trial.emg_time[-1] == pytest.approx(trial.time[-1])
        assert trial.emg.min() >= 0.0 and trial.emg.max() <= 1.0
