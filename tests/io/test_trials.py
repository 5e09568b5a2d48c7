"""A trial is read whole and consistent, or refused with every reason at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recordings import DOFS, MODEL, MUSCLES

from refnms.errors import InputError, InputWarning
from refnms.io.trials import TrialFiles, read_trial
from refnms.physics.profiles import NATIVE, ceinms_0_9

CEINMS = ceinms_0_9()
any_number = st.floats(allow_nan=False, allow_infinity=False) | st.floats(0.0, 3.0)


@pytest.mark.parametrize("profile", [NATIVE, CEINMS], ids=lambda p: p.name)
def test_columns_are_put_where_the_model_wants_them(profile, recording, tmp_path):
    trial = recording.read(tmp_path, profile)
    column = recording.column
    assert trial.name == "trial"
    assert np.array_equal(trial.time, recording.time)
    expected = np.column_stack([column("lengths", name) for name in MUSCLES])
    assert np.array_equal(trial.musculotendon_length, expected)
    assert trial.moment_arm.shape == (len(recording.time), 3, 2)
    for d, dof in enumerate(DOFS):
        for m, muscle in enumerate(MUSCLES):
            arm = column(f"ma_{dof}", muscle) if MODEL.crosses[m, d] else 0.0
            assert np.all(trial.moment_arm[:, m, d] == arm)
    assert np.array_equal(trial.emg_time, recording.files["emg"][0])
    assert np.array_equal(trial.emg, np.column_stack([column("emg", n) for n in MODEL.emg_names]))
    assert trial.moment is not None
    assert np.array_equal(trial.moment[:, 0], column("id", "ankle_moment"))
    assert np.array_equal(trial.moment[:, 1], column("id", "knee_moment"))
    assert trial.scored is None


def test_moments_may_be_absent(recording, tmp_path):
    del recording.files["id"]
    assert recording.read(tmp_path).moment is None


@pytest.mark.parametrize(
    ("file", "column"),
    [("lengths", "soleus"), ("ma_ankle", "gastrocnemius"), ("emg", "calf"), ("id", "knee_moment")],
)
def test_every_missing_column_is_told_by_file(file, column, recording, tmp_path):
    columns = recording.files[file][1]
    columns[f"{column}s"] = columns.pop(column)
    ((name, missing, message),) = recording.problems(tmp_path)
    assert (name, missing) == (f"{file}.sto", column)
    assert f"nearest are {column}s" in message


def test_the_column_of_a_muscle_that_does_not_cross_may_be_missing(recording, tmp_path):
    assert "soleus" not in recording.files["ma_knee"][1]
    assert np.all(recording.read(tmp_path).moment_arm[:, 0, 1] == 0.0)


def test_a_missing_moment_arm_file_is_told_with_the_xml(recording, tmp_path):
    del recording.files["ma_knee"]
    ((name, _, message),) = recording.problems(tmp_path)
    assert name == "trial.xml"
    assert "'knee'" in message


def test_moment_arms_of_an_unknown_degree_of_freedom_are_warned_of(recording, tmp_path):
    files = recording.write(tmp_path)
    files = replace(files, moment_arms={**files.moment_arms, "hip": tmp_path / "absent.sto"})
    with pytest.warns(InputWarning, match="no hip"):
        read_trial(files, MODEL, NATIVE)


@pytest.mark.parametrize(
    ("file", "column", "factor", "reason"),
    [
        ("lengths", "soleus", 1000.0, "looks like mm"),
        ("lengths", "soleus", 100.0, "looks like mm"),
        ("lengths", "soleus", -1.0, "must be positive"),
        ("lengths", "soleus", 0.15, "moment arms"),
        ("ma_ankle", "soleus", 1000.0, "looks like mm"),
        ("ma_ankle", "soleus", 100.0, "looks like mm"),
        ("id", "ankle_moment", 1000.0, "looks like N.mm"),
    ],
)
def test_impossible_units_are_refused(file, column, factor, reason, recording, tmp_path):
    recording.column(file, column)[:] *= factor
    ((name, where, message),) = recording.problems(tmp_path)
    assert (name, where) == (f"{file}.sto", column)
    assert reason in message


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_emg_in_percent_is_refused(recording, tmp_path):
    recording.column("emg", "calf")[:] *= 100.0
    ((_, column, message),) = recording.problems(tmp_path)
    assert column == "calf"
    assert "percent" in message


def test_a_fault_of_units_tells_its_first_line(recording, tmp_path):
    recording.column("id", "ankle_moment")[[30, 40]] = 1e6
    with pytest.raises(InputError) as caught:
        recording.read(tmp_path)
    (problem,) = caught.value.problems
    lines = (tmp_path / "id.sto").read_text().splitlines()
    assert problem.line is not None
    assert "1000000" in lines[problem.line - 1]
    assert "1000000" not in lines[problem.line - 2]
    assert "2 of 101 rows" in problem.message


def test_emg_outside_0_to_1_is_warned_of_once(recording, tmp_path):
    recording.column("emg", "calf")[:3] = [-0.005, 1.4, 1.2]
    with pytest.warns(InputWarning) as caught:
        trial = recording.read(tmp_path)
    assert len(caught) == 1
    assert "3 of 2202" in str(caught[0].message)
    assert list(trial.emg[:3, 0]) == [-0.005, 1.4, 1.2]


@pytest.mark.parametrize("file", ["lengths", "ma_knee", "id"])
def test_degrees_in_a_header_are_warned_of(file, recording, tmp_path):
    files = recording.write(tmp_path)
    path = tmp_path / f"{file}.sto"
    path.write_text(path.read_text().replace("inDegrees=no", "inDegrees=yes"))
    with pytest.warns(InputWarning, match=f"{file}.sto: says inDegrees=yes"):
        read_trial(files, MODEL, NATIVE)


def test_swapped_moment_arm_files_are_seen_by_their_names(recording, tmp_path):
    for dof in DOFS:
        recording.files[f"ma_{dof}"][1].update(
            {m: np.full_like(recording.time, 0.04) for m in MUSCLES}
        )
    files = recording.write(tmp_path)
    ankle, knee = files.moment_arms["ankle"], files.moment_arms["knee"]
    swapped = replace(files, moment_arms={"ankle": knee, "knee": ankle})
    with pytest.raises(InputError) as caught:
        read_trial(swapped, MODEL, NATIVE)
    assert [p.file for p in caught.value.problems] == [knee, ankle]
    assert "swapped" in str(caught.value)
    plain = [path.rename(path.with_name(f"{k}.sto")) for k, path in enumerate((ankle, knee))]
    read_trial(replace(files, moment_arms=dict(zip(DOFS, plain, strict=True))), MODEL, NATIVE)
    plain[0].write_text(plain[0].read_text().replace("run 1", "MomentArm_knee"))
    with pytest.raises(InputError, match="swapped"):
        read_trial(replace(files, moment_arms=dict(zip(DOFS, plain, strict=True))), MODEL, NATIVE)


def test_a_length_file_given_as_moment_arms_is_refused(recording, tmp_path):
    del recording.files["lengths"][1]["other"]
    for column in recording.files["lengths"][1].values():
        column[:] = 0.28
    files = recording.write(tmp_path)
    wrong = replace(files, moment_arms={**files.moment_arms, "knee": files.lengths})
    with pytest.raises(InputError, match="lengths, not moment arms"):
        read_trial(wrong, MODEL, NATIVE)


def test_moment_arms_given_as_lengths_are_refused(recording, tmp_path):
    recording.column("ma_ankle", "vastus")[:] = 0.03
    files = recording.write(tmp_path)
    with pytest.raises(InputError, match="moment arms"):
        read_trial(replace(files, lengths=files.moment_arms["ankle"]), MODEL, NATIVE)


def test_moment_arms_that_are_all_zero_are_warned_of(recording, tmp_path):
    recording.column("ma_ankle", "soleus")[:] = 0.0
    with pytest.warns(InputWarning, match="'ankle' are all zero: soleus"):
        recording.read(tmp_path)


# Clocks.


@pytest.mark.parametrize("file", ["lengths", "ma_knee", "emg", "id"])
@pytest.mark.parametrize("factor", [100.0, 1000.0, 1e308])
def test_time_that_is_not_in_seconds_is_refused(file, factor, recording, tmp_path):
    time = recording.files[file][0]
    step = time[1] - time[0]
    recording.retime(file, np.array([0.0, step, 2.0 * step]) * factor * (0.01 / step))
    with pytest.raises(InputError, match="expected seconds") as caught:
        recording.read(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == (tmp_path / f"{file}.sto", 9, "time")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.data())
@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_no_damage_to_the_numbers_gives_a_traceback(damage, recording, tmp_path):
    recording.start_stop = damage.draw(st.none() | st.tuples(any_number, any_number))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        files = recording.write(tmp_path)
    for _ in range(damage.draw(st.integers(1, 3))):
        path = damage.draw(st.sampled_from(sorted(tmp_path.iterdir())))
        head, labels, body = path.read_text().partition("endheader\n")
        rows = body.splitlines()
        if damage.draw(st.booleans()):
            start = damage.draw(st.integers(1, len(rows)))
            del rows[start : start + damage.draw(st.integers(0, 200))]
        else:
            row = damage.draw(st.integers(1, len(rows) - 1))
            cells = rows[row].split("\t")
            column = damage.draw(st.integers(0, len(cells) - 1))
            cells[column] = repr(damage.draw(any_number))
            rows[row] = "\t".join(cells)
        path.write_text(head.replace("nRows", "was") + labels + "\n".join([*rows, ""]))
    for profile in (NATIVE, CEINMS):
        try:
            trial = read_trial(files, MODEL, profile)
        except InputError as error:
            assert all(problem.file for problem in error.problems)
            continue
        for values in (trial.musculotendon_length, trial.moment_arm, trial.moment, trial.emg):
            assert values is not None
            assert np.isfinite(values).all()


@pytest.mark.parametrize("file", ["ma_knee", "id"])
def test_rows_are_matched_by_time(file, recording, tmp_path):
    """A file that starts earlier and goes on longer gives the rows of equal times."""
    expected = recording.read(tmp_path)
    time, columns = recording.files[file]
    padded = np.concatenate((time[:3] - 0.03, time, time[-2:] + 0.02))
    longer = {name: np.concatenate(([8e-3] * 3, x, [8e-3] * 2)) for name, x in columns.items()}
    recording.files[file] = (padded + 9e-5, longer)
    trial = recording.read(tmp_path)
    assert np.array_equal(trial.moment_arm, expected.moment_arm)
    assert np.array_equal(trial.moment, expected.moment)


@pytest.mark.parametrize("file", ["ma_knee", "id"])
def test_other_time_stamps_are_interpolated_with_a_warning(file, recording, tmp_path):
    def line(time: np.ndarray) -> np.ndarray:
        return 0.01 * time + 0.02

    time = np.arange(0.99, 2.02, 0.004)
    recording.files[file] = (time, dict.fromkeys(recording.files[file][1], line(time)))
    with pytest.warns(InputWarning, match=rf"{file}.sto: its times.*steps of up to 0.004 s"):
        trial = recording.read(tmp_path)
    values = trial.moment if file == "id" else trial.moment_arm[:, 1:, 1]
    assert values is not None
    expected = np.column_stack([line(recording.time)] * 2)
    np.testing.assert_allclose(values, expected, rtol=1e-13)


@pytest.mark.parametrize("file", ["ma_knee", "id"])
@pytest.mark.parametrize("shift", [-0.005, 0.005])
def test_times_that_do_not_cover_the_frames_name_both_files(file, shift, recording, tmp_path):
    recording.retime(file, recording.time + shift)
    ((name, _, message),) = recording.problems(tmp_path)
    assert name == f"{file}.sto"
    assert "lengths.sto, 1 to 2 s" in message
    assert f"{1 + shift:g} to {2 + shift:g} s" in message


@pytest.mark.parametrize("file", ["ma_knee", "id"])
def test_ceinms_pairs_rows_whatever_their_times(file, recording, tmp_path):
    expected = recording.read(tmp_path, CEINMS)
    recording.retime(file, recording.time + 0.5)
    with pytest.warns(InputWarning, match=r"by up to 0.5 s; ceinms-0.9 pairs rows"):
        trial = recording.read(tmp_path, CEINMS)
    assert np.array_equal(trial.moment_arm, expected.moment_arm)
    assert np.array_equal(trial.moment, expected.moment)
    recording.retime(file, recording.time[:-1])
    ((name, _, message),) = recording.problems(tmp_path, CEINMS)
    assert name == f"{file}.sto"
    assert "has 100 rows" in message
    assert "lengths.sto has 101" in message


def test_the_window_says_which_frames_count(recording, tmp_path):
    recording.start_stop = (1.2 + 9e-5, 1.5 - 9e-5)
    scored = recording.read(tmp_path).scored
    assert scored is not None
    assert list(np.flatnonzero(scored)) == list(range(20, 51))


def test_a_window_beyond_the_frames_is_warned_of(recording, tmp_path):
    recording.start_stop = (0.995, 2.005)
    scored = recording.read(tmp_path).scored
    assert scored is not None
    assert scored.all()
    for recording.start_stop in ((0.98, 2.0), (1.0, 2.02)):
        with pytest.warns(InputWarning, match="reaches beyond"):
            recording.read(tmp_path)


def test_a_window_around_a_single_frame_is_told_as_that(recording, tmp_path):
    recording.start_stop = (0.0, 9.0)
    recording.retime("lengths", np.array([1.0]))
    messages = [message for _, _, message in recording.problems(tmp_path)]
    assert "has one frame; a trial needs two or more" in messages


@pytest.mark.parametrize("window", [(3.0, 4.0), (1.5, 1.2)])
def test_a_window_without_frames_is_refused(window, recording, tmp_path):
    recording.start_stop = window
    ((name, _, message),) = recording.problems(tmp_path)
    assert name == "trial.xml"
    assert "holds none" in message


def test_ceinms_ignores_the_window(recording, tmp_path):
    recording.start_stop = (1.2, 1.5)
    with pytest.warns(InputWarning, match="startStopTime is ignored"):
        assert recording.read(tmp_path, CEINMS).scored is None


@pytest.mark.parametrize(
    ("start", "stop", "covers"),
    [
        (0.951, 1.999, True),  # one sample of 0.001 s held at either end
        (0.953, 2.0, False),  # frames from 1.0 s, delay 0.05 s
        (0.9, 1.997, False),
    ],
)
def test_native_emg_must_cover_the_delayed_frames(start, stop, covers, recording, tmp_path):
    recording.retime("emg", np.arange(start, stop + 5e-4, 0.001))
    if covers:
        recording.read(tmp_path)
        return
    ((name, _, message),) = recording.problems(tmp_path)
    assert name == "emg.sto"
    assert "does not cover 0.95 to 2 s" in message
    assert "lengths.sto" in message


@pytest.mark.parametrize(
    ("start", "stop", "step", "reasons"),
    [
        (0.95, 1.95, 0.01, []),  # the first muscle's delay of 0.05 s counts for all
        (0.952, 1.96, 0.001, ["starts after the first frame"]),
        (0.9, 1.948, 0.001, ["ends before the last frame"]),
        (0.95, 2.0, 0.02, ["slower than the frames"]),
    ],
)
def test_ceinms_needs_a_new_emg_row_for_each_frame(start, stop, step, reasons, recording, tmp_path):
    recording.retime("emg", np.arange(start, stop + step / 2, step))
    if not reasons:
        recording.read(tmp_path, CEINMS)
        return
    found = recording.problems(tmp_path, CEINMS)
    assert len(found) == len(reasons)
    for (name, _, message), reason in zip(found, reasons, strict=True):
        assert name == "emg.sto"
        assert reason in message
        assert "lengths.sto from 1 to 2 s" in message


@pytest.mark.parametrize("file", ["lengths", "emg"])
def test_a_single_row_is_no_trial(file, recording, tmp_path):
    recording.retime(file, recording.files[file][0][:1])
    assert any("two or more" in message for _, _, message in recording.problems(tmp_path))


def test_all_problems_of_all_files_are_told_at_once(recording, tmp_path):
    recording.column("lengths", "soleus")[:] *= 1000.0
    recording.column("id", "knee_moment")[:] *= 1000.0
    recording.retime("ma_knee", recording.time + 0.3)
    recording.retime("emg", recording.files["emg"][0] + 0.5)
    del recording.files["ma_ankle"][1]["soleus"]
    files = {name for name, _, _ in recording.problems(tmp_path)}
    assert files == {"lengths.sto", "id.sto", "ma_knee.sto", "emg.sto", "ma_ankle.sto"}
    (tmp_path / "lengths.sto").write_text("nothing")
    (tmp_path / "id.sto").unlink()
    files_given = TrialFiles(
        "t", tmp_path / "lengths.sto", {"ankle": tmp_path / "ma_ankle.sto"}, tmp_path / "emg.sto",
        tmp_path / "id.sto", None, tmp_path / "trial.xml",
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        read_trial(files_given, MODEL, NATIVE)
    names = [Path(str(p.file)).name for p in caught.value.problems]
    assert names == ["lengths.sto", "ma_ankle.sto", "trial.xml", "id.sto"]
