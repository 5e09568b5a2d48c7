from __future__ import annotations

import numpy as np
import pytest

from refnms.errors import InputError
from refnms.io import read_poses, write_storage


def write(folder, angles=5, unit="yes"):
    time, rng = np.arange(5.0), np.random.default_rng(1)
    write_storage(folder / "length.sto", time, ["a", "b"], rng.uniform(0.1, 0.2, (5, 2)), "lengths")
    write_storage(folder / "arm.sto", time, ["b", "a"], rng.uniform(0.01, 0.02, (5, 2)), "arms")
    path = folder / "q.sto"
    write_storage(path, time[:angles], ["knee"], rng.uniform(0, 90, (5, 1))[:angles], "angles")
    path.write_text(path.read_text().replace("inDegrees=no", f"inDegrees={unit}"))
    return path, folder / "length.sto", {"knee": folder / "arm.sto"}


def test_columns_are_found_by_name_and_degrees_become_radians(tmp_path):
    files = write(tmp_path)
    poses = read_poses(*files)
    assert poses.muscle_names == ("a", "b") and poses.dof_names == ("knee",)
    assert 0.2 < poses.angle.max() < np.pi / 2
    assert poses.moment_arm.shape == (5, 2, 1)
    from refnms.io import read_storage

    assert np.array_equal(poses.moment_arm[:, 0, 0], read_storage(files[2]["knee"]).data[:, 1])


def test_what_does_not_fit_together_is_told_at_once(tmp_path):
    angles, lengths, arms = write(tmp_path, angles=4)
    with pytest.raises(InputError, match=r"q.sto: its rows are not those of .*length.sto"):
        read_poses(angles, lengths, arms)
    with pytest.raises(InputError, match="'ankle'"):
        read_poses(write(tmp_path)[0], lengths, {"ankle": arms["knee"]})
