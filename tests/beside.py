"""Compiles what later tests need, in a second process while the first tests run.

Numba compiles one function at a time in a process; what is kept on disk both can use. `conftest`
starts it where nothing is kept yet.
"""

from __future__ import annotations

import numpy as np
from people import person, recording

from refnms import ahead
from refnms.objective import Objective
from refnms.parameters import Free, Packing
from refnms.stream import Stepper


def main() -> None:
    model = person(2)
    trial = recording(2, model, 40)
    stepper = Stepper(model)
    stepper.step(0.0, trial.emg[0], trial.musculotendon_length[0], trial.moment_arm[0])
    stepper.partials()
    free = Packing(model, [Free("strength_coefficient", (0.5, 2.0))])
    with np.errstate(all="ignore"):
        Objective(free, [trial]).gradient(free.start)
    ahead.compile_tangents()


if __name__ == "__main__":
    main()
