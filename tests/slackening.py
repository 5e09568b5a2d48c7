"""Muscles whose tendons slacken and become taut, so that their forces have a kink."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from people import person, recording

from refnms.model import Model, Trial
from refnms.physics.curves import spline_curve

STRAIN = np.linspace(0.0, 0.1, 21)
_PERSON = person(8, tendon_slack_length=0.2, optimal_fiber_length=0.1)
# Its curve begins with a slope.
_CURVE = spline_curve(STRAIN, 20.0 * STRAIN + 200.0 * STRAIN**2)
SLACKENS: Model = replace(_PERSON, curves=_PERSON.curves._replace(tendon_force_strain=_CURVE))


def slackening(rate: float, frames: int = 12) -> Trial:
    """All muscles shorten at a rate [l_o/s] from a length at which fibers would be optimal.

    At 2 l_o/s muscle_1 is slack where it is little excited, at 5 muscle_2 in some frames.
    """
    trial = recording(8, SLACKENS, frames=frames)
    length = 0.2 + 0.1 * (1.0 - rate * (trial.time - trial.time[0]))
    return replace(trial, musculotendon_length=np.repeat(length[:, None], 3, axis=1))
