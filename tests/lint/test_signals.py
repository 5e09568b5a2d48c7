"""Looks at signals: silent on a sound participant, and each planted fault is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from refnms.io.trials import TrialFiles
from refnms.lint.findings import Level
from refnms.lint.signals import looks
from refnms.model import Model, Trial
from refnms.synthetic import Participant, participant


@cache
def person() -> Participant:
    return participant(3)


def files(name: str) -> TrialFiles:
    paths = {key: Path(name, f"{key}.sto") for key in ("lmt", "emg", "id")}
    source = Path(name, "trial.xml")
    return TrialFiles(name, paths["lmt"], {}, paths["emg"], paths["id"], None, source)


def look(change: Callable[[Trial], Trial] = lambda t: t, model: Model | None = None) -> list[str]:
    """Warnings and notes for the participant's trials, each changed."""
    trials = [change(trial) for trial in person().calibration]
    recordings = [(files(trial.name), trial) for trial in trials]
    return [f"{lv.value}: {p}" for lv, p in looks(model or person().generic, recordings)]


def warned(found: list[str]) -> list[str]:
    return [line for line in found if line.startswith("warning")]


def test_a_sound_participant_gives_no_warning():
    assert warned(look()) == []


def test_the_lag_of_moments_behind_emg_is_told_for_each_degree_of_freedom():
    notes = [line for line in look() if line.startswith("note")]
    assert len(notes) == 3 and all("moments lag EMG by 0.0" in line for line in notes)


def emg(column: int, values: Callable[[np.ndarray], np.ndarray]) -> Callable[[Trial], Trial]:
    def change(trial: Trial) -> Trial:
        signals = trial.emg.copy()
        signals[:, column] = values(signals[:, column])
        return replace(trial, emg=signals)

    return change


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda e: 0.0 * e + 0.2, "the signal never changes"),
        (lambda e: 0.01 * e, "never exceeds 0.0"),
        (lambda e: 0.3 + 0.5 * e, "never falls below 0.3"),
        (lambda e: e / e.max(), "reaches exactly 1 in every trial"),
        (lambda e: e - 0.4, "is negative much of the time"),
    ],
)
def test_emg_that_is_wrongly_scaled_is_seen(values, message):
    found = warned(look(emg(1, values)))
    assert any(f"abduction/emg.sto, column 'deltoid_middle': {message}" in line for line in found)


def test_a_copied_channel_is_seen():
    def change(trial: Trial) -> Trial:
        return emg(2, lambda e: trial.emg[:, 0])(trial)

    (line,) = warned(look(change))
    assert "'deltoid_posterior': is the same signal as 'deltoid_anterior'" in line


def test_a_channel_that_no_muscle_uses_is_not_looked_at():
    weights = person().generic.emg_to_muscle.copy()
    weights[:, 1] = 0.0
    model = replace(person().generic, emg_to_muscle=weights)
    assert not any("deltoid_middle" in line for line in look(emg(1, lambda e: 0.0 * e), model))


def test_clocks_that_disagree_are_seen():
    late = warned(look(lambda t: replace(t, emg_time=t.emg_time - 0.26)))
    early = warned(look(lambda t: replace(t, emg_time=t.emg_time + 0.16)))
    for found in (late, early):
        assert any("elbow_flexion: moments lag EMG by" in line for line in found)
        assert all("do the clocks agree" in line for line in found)


def test_moments_of_the_opposite_sign_are_seen():
    found = warned(look(lambda t: replace(t, moment=-t.moment)))
    assert any("elbow_flexion: the moments have the opposite sign" in line for line in found)


def test_a_moment_that_never_changes_is_seen():
    found = warned(look(lambda t: replace(t, moment=0.0 * t.moment)))
    assert sum("the moment never changes" in line for line in found) == 9  # trials x DOFs
    assert "id.sto, column 'shoulder_abduction_moment'" in "".join(found)


@pytest.mark.parametrize("muscle", ["DELT2", "BIClong", "TRIlat", "BRA", "INFSP"])
def test_moment_arms_of_the_opposite_sign_are_seen(muscle):
    m = person().generic.muscle_names.index(muscle)

    def change(trial: Trial) -> Trial:
        arm = trial.moment_arm.copy()
        arm[:, m] = -arm[:, m]
        return replace(trial, moment_arm=arm)

    accused = [line for line in warned(look(change)) if "what its moment arms say" in line]
    assert any(f"lmt.sto, column '{muscle}'" in line for line in accused)


def test_swapped_columns_of_lengths_are_seen():
    names = person().generic.muscle_names
    pair = [names.index("BRA"), names.index("TRIlat")]

    def change(trial: Trial) -> Trial:
        lengths = trial.musculotendon_length.copy()
        lengths[:, pair] = lengths[:, pair[::-1]]
        return replace(trial, musculotendon_length=lengths)

    text = "".join(warned(look(change)))
    assert "column 'BRA': its length changes against" in text


def test_lengths_of_another_person_are_seen():
    found = warned(look(lambda t: replace(t, musculotendon_length=0.7 * t.musculotendon_length)))
    assert any("normalised fiber length" in line and "slack in" in line for line in found)


def test_muscles_that_span_nothing_are_seen():
    crosses = person().generic.crosses.copy()
    crosses[0] = False
    model = replace(person().generic, crosses=crosses)
    assert any(
        "span no degree of freedom" in line and "DELT1" in line for line in look(model=model)
    )


def test_trials_without_moments_and_no_trials_are_looked_at_too():
    assert not any("lag" in line for line in look(lambda t: replace(t, moment=None)))
    assert list(looks(person().generic, [])) == []
    assert {level for level in Level} == {Level.ERROR, Level.WARNING, Level.NOTE}
