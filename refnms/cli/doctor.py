"""`refnms doctor`: versions, compiled code, threads and writable places of an installation."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refnms import __version__
from refnms.cli.codes import DONE, INPUT_OUTPUT
from refnms.cli.options import add_json
from refnms.cli.show import show_lines

if TYPE_CHECKING:
    from refnms.cli.options import Commands

CORE = ("numpy", "scipy", "numba", "pandas")
EXTRAS = {  # distribution -> the extra that brings it
    "matplotlib": "report",
    "jinja2": "report",
    "tqdm": "report",
    "ezc3d": "c3d",
    "opensim": "opensim",
    "mujoco": "mujoco",
    "torch": "torch",
    "jax": "jax",
}


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "doctor",
        help="versions, compiled code, threads and writable places of this installation",
        description="Tell versions, where compiled code is kept, threads, and whether results "
        "can be written here. Ends with 5 where something needs mending.",
    )
    add_json(parser)
    parser.set_defaults(command=_doctor)


def environment() -> str:
    """One line of versions, for `--verbose`."""
    python = ".".join(map(str, sys.version_info[:3]))
    named = ", ".join(f"{name} {_version(name) or 'missing'}" for name in CORE)
    return f"refnms {__version__}, Python {python}, {named}; {_threads()} threads"


def _doctor(options: argparse.Namespace) -> int:
    found = _found()
    show_lines(_lines(found), found, options)
    return INPUT_OUTPUT if found["problems"] else DONE


def _found() -> dict[str, Any]:
    import platform
    import tempfile

    from refnms.jit import COMPILES, cache_directory

    cache = cache_directory()
    kernels = [p for p in cache.iterdir() if p.suffix == ".nbc"] if cache else []
    places = {"here": Path.cwd(), "temporary files": Path(tempfile.gettempdir())}
    writable = {name: _is_writable(path) for name, path in places.items()}
    problems = [f"cannot write {name}: {places[name]}" for name, w in writable.items() if not w]
    problems += [f"{name} is missing" for name in CORE if not _version(name) and name != "numba"]
    if not _threads().isdecimal():
        problems.append(f"REFNMS_THREADS is {_threads()!r}; expected a number of threads")
    return {
        "refnms": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in CORE},
        "extras": {name: _version(name) for name in EXTRAS},
        "engine": "numba" if COMPILES else "numpy",
        "threads": _threads(),
        "processors": os.cpu_count(),
        "cache": None if cache is None else str(cache),
        "kernels": len(kernels),
        "kernel_bytes": sum(path.stat().st_size for path in kernels),
        "writable": {name: {"path": str(places[name]), "ok": ok} for name, ok in writable.items()},
        "problems": problems,
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    where = f"Python {found['python']} ({sys.executable}), {found['platform']}"
    yield f"refnms {found['refnms']}, {where}"
    yield "packages    " + ", ".join(f"{n} {v or 'missing'}" for n, v in found["packages"].items())
    for name, version in found["extras"].items():
        hint = version or f"not installed (extra `{EXTRAS[name]}`)"
        yield f"extra       {name} {hint}"
    slower = "" if found["engine"] == "numba" else " (some 20 times slower: install numba)"
    yield f"engine      {found['engine']}{slower}"
    yield f"threads     {found['threads']} of {found['processors']} processors"
    if found["cache"] is None:
        yield "cache       none: every process compiles anew (REFNMS_CACHE, or no private folder)"
    else:
        size = found["kernel_bytes"] / 2**20
        yield f"cache       {found['cache']}: {found['kernels']} kernels, {size:.1f} MB"
    for name, place in found["writable"].items():
        yield f"writable    {name} {place['path']}: {'yes' if place['ok'] else 'no'}"
    for problem in found["problems"]:
        yield f"mend        {problem}"


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # a third of the time of --help

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _threads() -> str:
    return os.environ.get("REFNMS_THREADS") or str(os.cpu_count() or 1)


def _is_writable(folder: Path) -> bool:
    import tempfile

    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
