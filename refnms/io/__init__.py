"""Files in, core types out: the formats of OpenSim and CEINMS stop here.

Each name is imported when it is first used, so that reading a table compiles nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refnms.io.geometry import read_geometry as read_geometry
    from refnms.io.geometry import write_geometry as write_geometry
    from refnms.io.poses import read_poses as read_poses
    from refnms.io.recordings import read_trial as read_trial
    from refnms.io.recordings import write_trial as write_trial
    from refnms.io.results import write_ceinms_results as write_ceinms_results
    from refnms.io.storage import read_storage as read_storage
    from refnms.io.storage import write_storage as write_storage
    from refnms.io.subject import read_model as read_model
    from refnms.io.subject import write_subject as write_subject

_MODULE_OF = {
    "read_geometry": "geometry",
    "read_model": "subject",
    "read_poses": "poses",
    "read_storage": "storage",
    "read_trial": "recordings",
    "write_ceinms_results": "results",
    "write_geometry": "geometry",
    "write_storage": "storage",
    "write_subject": "subject",
    "write_trial": "recordings",
}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f"refnms.io.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'refnms.io' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(_MODULE_OF)
