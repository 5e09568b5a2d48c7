from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streams import PROFILES, Player, person, short

from refnms.jit import HAVE_NUMBA
from refnms.model import RigidTendon
from refnms.physics import activation as act
from refnms.physics import muscle, solve
from refnms.physics.profiles import ceinms_0_9
from refnms.physics.stencils import trailing_weights
from refnms.physics.types import Muscles
from refnms.stream import Stepper

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

FRAMES = 24
SMOOTH = {"native": PROFILES["native"], "online": ceinms_0_9(online=True, tolerance=0.0)}


class OneStep:
    """One step in plain functions of complex numbers; Newton from the root that is known."""

    def __init__(self, model, profile, trial, lengths, real):
        self.model, self.real, self.past = model, real, lengths[-2::-1]
        self.rigid = isinstance(model.tendon, RigidTendon)
        self.solver, self.force = (
            trailing_weights(trial.time, points)[-1]
            for points in (profile.solver_points, profile.force_points)
        )

    def __call__(self, inputs):
        """Signals `(5, M)` of the inputs `(I, M)` of `Stepper.partial_inputs`."""
        e, lmt, u1, u2 = inputs[:4]
        own, past = Muscles(*inputs[4:16]), inputs[16:]
        alpha, beta1, beta2 = act.filter_gains(own.c1, own.c2)
        u = alpha * e - beta1 * u1 - beta2 * u2
        a = act.exponential(u, act.exponential_shape(own.shape_factor))
        unit = muscle.unit(own)
        if self.rigid:
            length = muscle.rigid_fiber_length(unit, lmt)
        else:
            earlier = sum(w * l for w, l in zip(self.solver[1:], past, strict=False))
            sample = solve.Sample(unit, a, lmt, self.solver[0], earlier)
            x, cosine = muscle.of_length(muscle.unit(self.model.muscles), self.real)
            w = (x * cosine).astype(complex)
            for _ in range(3):
                g, slope = solve.partials_at(self.model.curves, sample, w)
                w = w - g.residual / slope
            length = unit.optimal_fiber_length * muscle.of_projection(unit, w)[0]
        v = self.force[0] * length
        v = v + sum(w * l for w, l in zip(self.force[1:], past, strict=False))
        return np.array(
            [u, a, length, v, muscle.tendon_force(self.model.curves, unit, a, length, v)]
        )


@pytest.mark.parametrize("kind", ["elastic", "rigid"])
@pytest.mark.parametrize("profile", SMOOTH)
def test_partials_are_those_of_the_plain_functions_by_complex_steps(profile, kind):
    model, trial = person().true, short(person().held_out[0], FRAMES)
    if kind == "rigid":
        model = replace(model, tendon=RigidTendon())
    stepper = Stepper(model, SMOOTH[profile])
    player, neural, lengths = Player(stepper, trial), [], []
    for i in range(FRAMES):
        player.frame(i)
        neural.append(stepper.neural_activation.copy())
        lengths.append(stepper.fiber_length.copy())
    partials, names = stepper.partials(), stepper.partial_inputs
    past = lengths[-2 : -2 - (len(names) - 16) : -1]
    step = OneStep(model, SMOOTH[profile], trial, np.array(lengths), lengths[-1])
    inputs = np.array(
        [stepper.excitation, trial.musculotendon_length[-1], neural[-2], neural[-3], *model.table(),
         *past]
    )  # fmt: skip
    assert np.abs(step(inputs)[4].real - stepper.tendon_force).max() < 1e-6
    for i, name in enumerate(names):
        if name == "electromechanical_delay":
            continue  # it comes with the excitation: below
        size = np.maximum(np.abs(inputs[i]), 1e-3)
        want = step(inputs + 1e-30j * np.eye(len(inputs))[i][:, None] * size).imag / 1e-30
        ours = partials[:, i] * size
        scale = np.abs(want).max(axis=1, keepdims=True)
        assert (np.abs(ours - want) <= 1e-9 * np.abs(want) + 1e-11 * scale).all(), name
        moved = scale[:, 0] > 0.0
        assert (np.abs(ours[moved]).max(axis=1) > 0.0).all() and not ours[~moved].any(), name
    delay = names.index("electromechanical_delay")
    later = partials[:, 0] * slope_of_excitation(model, trial, stepper)
    assert np.abs(partials[:, delay] - later).max() <= 1e-12 * np.abs(later).max()


def slope_of_excitation(model, trial, stepper):
    """By the delay, as whole trials have it; zero where rows are matched."""
    from refnms.physics import excitation as emg

    if stepper.partial_inputs[-1] != "fiber_length_2":
        return np.zeros(16)
    mapped = emg.mapped(trial.emg, model.emg_to_muscle)
    return emg.interpolate_slope(
        trial.emg_time, mapped, trial.time, model.muscles.electromechanical_delay
    )[-1]


def test_at_the_first_frame_the_filter_starts_at_rest_for_its_excitation():
    trial = short(person().held_out[0], 2)
    stepper = Stepper(person().true)
    Player(stepper, trial).frame(0)
    by = stepper.partials()[0]
    names = stepper.partial_inputs
    assert np.allclose(by[0], 1.0, rtol=1e-12)
    assert not by[names.index("neural_activation_1")].any()
