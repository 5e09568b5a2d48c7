from __future__ import annotations

from refnms.physics.profiles import NATIVE, ceinms_0_9


def test_the_native_profile_is_the_one_the_documents_define():
    assert (NATIVE.solver_points, NATIVE.force_points) == (2, 2)  # backward difference in both
    assert NATIVE.start == (1.0, -1)  # at rest for the first excitation, never restarted
    assert NATIVE.root == (0.0, 0.0, 0.0)
    assert NATIVE.interpolates_emg and not NATIVE.pairs_by_row


def test_ceinms_is_a_record_of_values():
    profile = ceinms_0_9()
    assert (profile.solver_points, profile.force_points) == (4, None)
    assert profile.start == (0.0, 2)  # the mean of two excitations before the third sample
    assert profile.root == (0.2, 2.0, 1e-6)
    assert profile.node_tolerance == 1e-4
    assert not profile.interpolates_emg and profile.pairs_by_row
    assert ceinms_0_9(online=True).force_points == 15


def test_without_a_tolerance_every_root_is_found_to_rounding():
    profile = ceinms_0_9(tolerance=0.0)
    assert profile.root.tolerance == profile.node_tolerance == 0.0
