"""EMG-driven neuromusculoskeletal models, calibrated with exact gradients.

The public names stand below. Each is imported when it is first used: importing this package
compiles nothing, reads nothing and sets nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refnms import io as io
    from refnms import stream as stream
    from refnms.assistance import Assistance as Assistance
    from refnms.assistance import Assisted as Assisted
    from refnms.assistance import assist as assist
    from refnms.calibration import Calibration as Calibration
    from refnms.calibration import calibrate as calibrate
    from refnms.errors import InputError as InputError
    from refnms.errors import InputWarning as InputWarning
    from refnms.geometry import Geometry as Geometry
    from refnms.geometry import Poses as Poses
    from refnms.geometry import fit_geometry as fit_geometry
    from refnms.model import Model as Model
    from refnms.model import Trial as Trial
    from refnms.optimize import AdamW as AdamW
    from refnms.optimize import Budget as Budget
    from refnms.optimize import LevenbergMarquardt as LevenbergMarquardt
    from refnms.optimize import MultiStart as MultiStart
    from refnms.parameters import Free as Free
    from refnms.parameters import Packing as Packing
    from refnms.physics.profiles import NATIVE as NATIVE
    from refnms.physics.profiles import Profile as Profile
    from refnms.physics.profiles import ceinms_0_9 as ceinms_0_9
    from refnms.physics.profiles import ceinms_0_21 as ceinms_0_21
    from refnms.resampling import choose_prior as choose_prior
    from refnms.simulation import Simulation as Simulation
    from refnms.simulation import simulate as simulate
    from refnms.stream import Stepper as Stepper
    from refnms.uncertainty import Uncertainty as Uncertainty
    from refnms.uncertainty import uncertainty_of as uncertainty_of
    from refnms.verify import Certificate as Certificate
    from refnms.verify import certify as certify

__version__ = "0.1.0"

_MODULE_OF = {
    "AdamW": "optimize",
    "Assistance": "assistance",
    "Assisted": "assistance",
    "Budget": "optimize",
    "Calibration": "calibration",
    "Certificate": "verify",
    "Free": "parameters",
    "Geometry": "geometry",
    "InputError": "errors",
    "InputWarning": "errors",
    "LevenbergMarquardt": "optimize",
    "Model": "model",
    "MultiStart": "optimize",
    "NATIVE": "physics.profiles",
    "Packing": "parameters",
    "Poses": "geometry",
    "Profile": "physics.profiles",
    "Simulation": "simulation",
    "Stepper": "stream",
    "Trial": "model",
    "Uncertainty": "uncertainty",
    "assist": "assistance",
    "calibrate": "calibration",
    "ceinms_0_21": "physics.profiles",
    "ceinms_0_9": "physics.profiles",
    "certify": "verify",
    "choose_prior": "resampling",
    "fit_geometry": "geometry",
    "simulate": "simulation",
    "uncertainty_of": "uncertainty",
}
_SUBMODULES = ("io", "stream")


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f"refnms.{_MODULE_OF[name]}"), name)
    if name in _SUBMODULES:
        return import_module(f"refnms.{name}")
    raise AttributeError(f"module 'refnms' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*_MODULE_OF, *_SUBMODULES, "__version__"]
