from __future__ import annotations

import numpy as np
import pytest
from streams import person

from refnms.physics.kernels.struct import ABI, WORDS
from refnms.physics.packed import no_paths, pack
from refnms.physics.profiles import NATIVE, ceinms_0_9


@pytest.mark.parametrize("profile", [NATIVE, ceinms_0_9(online=True)], ids=["native", "online"])
def test_words_are_numbers_or_the_addresses_of_arrays_that_are_kept(profile):
    model = person().true
    own = pack(
        model.table(), model.emg_to_muscle, 3, model.curves, profile,
        rigid=False, piecewise=True, emg_samples=7, longest_gap=0.5,
    )  # fmt: skip
    word = dict(zip(WORDS, own.words.tolist(), strict=True))
    assert all(word[name] == array.ctypes.data for name, array in own.arrays.items())
    assert word["abi"] == ABI and word["dofs"] == 3 and word["emg_samples"] == 7
    assert word["rigid"] == 0 and word["piecewise"] == 1 and word["joints"] == 0
    assert word["solver_points"] == profile.solver_points
    assert word["interpolates_emg"] == profile.interpolates_emg
    assert word["active_count"] == len(model.curves.active_force_length.pieces)
    assert np.array_equal(own.arrays["parameters"], model.table())
    assert own.arrays["parameters"] is not model.muscles
    assert own.arrays["basis_of"].shape == no_paths(16).basis_of.shape
