"""Recordings played to a stepper, sample by sample."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from refnms.model import Model, Trial
from refnms.physics.profiles import NATIVE, Profile, ceinms_0_9
from refnms.stream import Stepper
from refnms.synthetic import Participant, participant

PROFILES: dict[str, Profile] = {"native": NATIVE, "online": ceinms_0_9(online=True)}


@cache
def person() -> Participant:
    return participant(0)


def short(trial: Trial, frames: int = 60) -> Trial:
    """The beginning of a recording."""
    time = trial.time[:frames]
    kept = trial.emg_time <= time[-1] + 1e-9
    return Trial(
        trial.name,
        time,
        trial.musculotendon_length[:frames],
        trial.moment_arm[:frames],
        trial.emg_time[kept],
        trial.emg[kept],
    )


def few(model: Model, muscles: int = 3) -> Model:
    """The same person with the first muscles alone."""
    return replace(
        model,
        muscle_names=model.muscle_names[:muscles],
        muscles=type(model.muscles)(*(p[:muscles] for p in model.muscles)),
        emg_to_muscle=model.emg_to_muscle[:muscles],
        crosses=model.crosses[:muscles],
    )


class Player:
    """Gives a stepper the EMG that has come, then the frame."""

    def __init__(self, stepper: Stepper, trial: Trial) -> None:
        self.stepper, self.trial, self.sample = stepper, trial, 0

    def frame(self, i: int) -> np.ndarray:
        trial, time = self.trial, self.trial.time[i]
        while self.sample < len(trial.emg_time) and trial.emg_time[self.sample] <= time + 1e-9:
            self.stepper.push(trial.emg_time[self.sample], trial.emg[self.sample])
            self.sample += 1
        return self.stepper.step(
            time, None, trial.musculotendon_length[i], trial.moment_arm[i]
        ).copy()

    def all(self) -> np.ndarray:
        return np.array([self.frame(i) for i in range(len(self.trial.time))])


def played(model: Model, trial: Trial, profile: Profile = NATIVE) -> np.ndarray:
    """Moments `(T, D)` of a recording streamed."""
    return Player(Stepper(model, profile), trial).all()
