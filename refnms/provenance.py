"""Where a result comes from: command, files by their hashes, versions, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from refnms import __version__
from refnms.jit import COMPILES

LIBRARIES = ("numpy", "scipy", "numba", "pandas")


def provenance(inputs: Iterable[Path], root: Path) -> dict[str, Any]:
    """What was run, when, with what, on what. Files are named relative to `root`."""
    return {
        "command": _command(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "refnms": __version__,
            "python": platform.python_version(),
            **{name: version for name in LIBRARIES if (version := _version(name))},
        },
        "engine": "numba" if COMPILES else "numpy",
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "processors": os.cpu_count(),
        },
        "inputs": [_file(path, root) for path in dict.fromkeys(inputs)],
    }


def _command() -> str:
    program, *arguments = sys.argv or [""]
    name = Path(program).name
    return shlex.join(["refnms" if name == "__main__.py" else name, *arguments])


def _file(path: Path, root: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "file": _named(path, root),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _named(path: Path, root: Path) -> str:
    with suppress(ValueError):  # on another drive
        return Path(os.path.relpath(path, root)).as_posix()
    return path.as_posix()


def _version(name: str) -> str | None:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    return None


def _processor() -> str:
    with suppress(OSError):  # only Linux has this file, and only it says no more by itself
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
