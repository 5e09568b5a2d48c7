"""One muscle's answer to its excitation, against the chain and against its complex step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import PROFILES, person, recording
from slackening import SLACKENS, slackening

from refnms.assistance import Assistance
from refnms.assistance.excitations import task_of
from refnms.assistance.frame import DRIVE, LENGTH, REST, U1, U2, past_of
from refnms.assistance.march import begin_frame, begin_row
from refnms.assistance.response import SHORT, SHORTEST, Response, bend, respond, side_of
from refnms.model import Model, Trial
from refnms.physics.curves import spline_curve
from refnms.simulation import Signals, chain, join

STEP = 1e-30


class Frame:
    """Frame t of a recording, each excitation row before it as recorded."""

    def __init__(self, model: Model, trial: Trial, profile: str, t: int) -> None:
        every = Assistance(synthesized=model.muscle_names)
        self.task, self.t = task_of(model, trial, every, PROFILES[profile]), t
        rows = self.task.given.recorded
        self.r = t + len(rows) - len(trial.time)
        self.signals = chain_at(model, trial, profile, self.r)
        muscles = self.task.memory.muscles
        for k in range(self.r + 1):  # the filter's past, by its own recursion
            begin_row(self.task, rows, k)
            if k < self.r:
                rest = self.task.system.start.rest * rows[0]
                muscles[U2] = rest if k == 0 else muscles[U1]
                muscles[U1] = muscles[DRIVE] * rows[k] + muscles[REST]
        begin_frame(self.task, self.signals.fiber_length.real.copy(), t)

    def at(self, m: int, e: float, enough: float = SHORT) -> Response:
        """The response of muscle m to an excitation."""
        guess = self.task.memory.muscles[LENGTH, m]
        with np.errstate(all="ignore"):  # compiled, it does not warn either
            past, pieces = past_of(self.task, self.t, m), self.task.memory.pieces
            return respond(self.task.system, self.task.who, m, past, e, guess, pieces, enough)

    def bend(self, m: int, e: float) -> float:
        past, pieces = past_of(self.task, self.t, m), self.task.memory.pieces
        found = self.at(m, e)
        with np.errstate(all="ignore"):
            return bend(self.task.system, self.task.who, m, past, e, found, pieces)


def chain_at(model: Model, trial: Trial, profile: str, r: int) -> Signals:
    """The signals of the chain, with a complex step of the excitations of row r."""
    joined = join(model, [trial], PROFILES[profile])
    bent = joined.excitation(model.table()).astype(complex)
    bent[r] += 1j * STEP
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    return chain(joined, model.table(), flags, bent)


@pytest.mark.parametrize("t", [0, 1, 2, 9])
@pytest.mark.parametrize("profile", ["native", "online"])
@pytest.mark.parametrize(
    ("rigid", "piecewise"), [(False, False), (True, False), (False, True)], ids=str
)
def test_the_answer_is_that_of_the_chain(profile, rigid, piecewise, t):
    for seed in (1, 2):
        model = person(seed, rigid=rigid, piecewise=piecewise)
        frame = Frame(model, recording(seed, model), profile, t)
        e = frame.task.given.recorded[frame.r]
        found = np.array([frame.at(m, e[m])[:4] for m in range(3)]).T
        force, length = frame.signals.tendon_force[t], frame.signals.fiber_length[t]
        expected = [force.real, force.imag / STEP, length.real, length.imag / STEP]
        scale = np.maximum(np.abs(expected).max(axis=1, keepdims=True), 1e-6)
        np.testing.assert_allclose(found / scale, expected / scale, rtol=0.0, atol=2e-8)


@pytest.mark.parametrize("t", [1, 9])
def test_where_curves_bear_nothing_out_the_search_finds_the_same_answer(t):
    model = person(1)
    frame = Frame(model, recording(1, model), "online", t)
    system = frame.task.system
    assert system.plain
    quick = np.array([frame.at(m, 0.4, SHORTEST) for m in range(3)])
    frame.task = frame.task._replace(system=system._replace(plain=False))
    searched = np.array([frame.at(m, 0.4, SHORTEST) for m in range(3)])
    np.testing.assert_allclose(searched, quick, rtol=1e-9)


@pytest.mark.parametrize("profile", ["native", "online"])
@pytest.mark.parametrize(
    ("rigid", "piecewise"), [(False, False), (True, False), (False, True)], ids=str
)
def test_the_bend_is_how_the_slope_changes(profile, rigid, piecewise):
    """By differences of the slope, where it has no kink: to their accuracy."""
    held = 0
    for seed in (1, 2):
        model = person(seed, rigid=rigid, piecewise=piecewise)
        frame = Frame(model, recording(seed, model), profile, 9)
        for m in range(3):
            for e in (0.2, 0.45, 0.8):
                around = [frame.at(m, e + d) for d in (-2e-4, -1e-4, 1e-4, 2e-4)]
                if len({found.side for found in around}) > 1:
                    continue
                s = [found.slope for found in around]
                difference = (s[0] - 8.0 * s[1] + 8.0 * s[2] - s[3]) / 12e-4
                scale = max(abs(difference), abs(s[0]), 1.0)
                assert abs(frame.bend(m, e) - difference) <= 2e-5 * scale
                held += 1
    assert held > 12


def test_the_limits_of_the_velocity_have_sides_of_their_own():
    last = np.ones((4, 1), np.int64)
    sides = {side_of(SLACKENS.curves, last, 0, v, False) for v in (-1.0, -0.9999, 0.9999, 1.0)}
    assert len(sides) == 3


def test_the_velocity_of_the_force_has_such_sides_too():
    """On a curve that goes on beyond them."""
    model = person(1, rigid=True)
    far = spline_curve([-9.0, 9.0], [0.5, 1.5])
    model = replace(model, curves=model.curves._replace(force_velocity=far))
    frame = Frame(model, recording(1, model), "native", 9)
    task, past = frame.task, past_of(frame.task, 9, 0)
    speed = 1.0 / task.who.unit.per_speed[0]
    sides = set()
    for v in (-1.001, -0.9999, 0.9999, 1.001):
        moved = past._replace(force_newest=0.0, force_past=v * speed)
        pieces = task.memory.pieces
        found = respond(task.system, task.who, 0, moved, 0.4, past.previous, pieces, SHORT)
        sides.add(found.side)
    assert len(sides) == 3


def test_the_side_changes_where_the_slope_jumps_and_only_there():
    """A tendon that slackens, where its curve ends with a slope."""
    trial, jumps = slackening(2.0), 0
    frame = Frame(SLACKENS, trial, "native", 5)
    for m in range(3):
        path = [frame.at(m, e) for e in np.linspace(0.0, 1.0, 401)]
        slopes, sides = (np.array([getattr(one, n) for one in path]) for n in ("slope", "side"))
        changed, steps = np.diff(sides) != 0.0, np.abs(np.diff(slopes))
        jumps += np.count_nonzero(changed)
        assert steps[~changed].max() < 0.02 * np.abs(slopes).max()
        assert not changed.any() or steps[changed].max() > 0.5 * np.abs(slopes).max()
    assert jumps == 1
