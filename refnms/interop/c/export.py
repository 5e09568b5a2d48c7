"""Write the C library: static and shared, with its header and an example."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from os import PathLike
from pathlib import Path

from refnms.errors import InputError, Problem
from refnms.interop.c.subject import write_model, write_trial
from refnms.io import read_geometry, read_model, read_trial
from refnms.jit import HAVE_NUMBA, host_processor
from refnms.physics.profiles import NATIVE, ceinms_0_9
from refnms.simulation import simulate

HERE = Path(__file__).parent
COPIED = ("refnms.h", "example.cpp", "CMakeLists.txt")


def export_c(
    directory: str | PathLike[str],
    processor: str | None = None,
    subject: tuple[Path, Path] | None = None,
    trial: Path | None = None,
    profile: str = "native",
    geometry: Path | None = None,
) -> list[Path]:
    """Write `librefnms.a`, `librefnms.so`, `refnms.h` and an example; returns the paths.

    `processor` is LLVM's name of the oldest one that is to run it ("x86-64", "x86-64-v3",
    "znver4", ...; None: this machine's). Nothing in the kernels is contracted or reassociated, so
    the numbers do not depend on it. `subject` are the files of a CEINMS subject and its excitation
    generator, for `subject.h`; `trial` an inputData file, for `trial.bin`;
    `geometry` a file of `refnms geometry`, for steps by joint angles. Takes a minute or two.

    Raises InputError for bad files, without Numba, a C compiler or `ar`, and for a processor that
    LLVM does not know; nothing is written then.
    """
    _require_tools()
    target = Path(directory)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        own = [] if subject is None else _write_subject(work, subject, trial, profile, geometry)
        _compile(work / "refnms.o", processor)
        _run("ar", "rcs", work / "librefnms.a", work / "refnms.o")
        shared = work / "librefnms.so"
        _run(_compiler(), "-shared", "-Wl,-z,defs", "-o", shared, work / "refnms.o", "-lm")
        for name in COPIED:
            shutil.copyfile(HERE / name, work / name)
        target.mkdir(parents=True, exist_ok=True)
        written = ["librefnms.a", "librefnms.so", *COPIED, *own]
        for name in written:
            shutil.copyfile(work / name, target / name)
    return [target / name for name in written]


def _write_subject(
    folder: Path,
    files: tuple[Path, Path],
    trial_file: Path | None,
    name: str,
    geometry: Path | None,
) -> list[str]:
    profile = NATIVE if name == "native" else ceinms_0_9(online=True)
    model = read_model(*files)
    paths = None if geometry is None else read_geometry(geometry)
    write_model(folder / "subject.h", model, profile, paths)
    if trial_file is None:
        return ["subject.h"]
    trial = read_trial(trial_file, model, profile)
    write_trial(folder / "trial.bin", trial, simulate(model, trial, profile).moment)
    return ["subject.h", "trial.bin"]


def _compiler() -> str:
    return os.environ.get("CC") or "cc"


def _require_tools() -> None:
    problems = []
    if not HAVE_NUMBA:
        problems.append(Problem("Numba compiles the library, and is not installed"))
    for tool in (_compiler(), "ar"):
        if shutil.which(tool.split()[0]) is None:
            problems.append(Problem(f"{tool} is not on the path; install a C compiler"))
    if problems:
        raise InputError(problems)


def _compile(target: Path, processor: str | None) -> None:
    """Numba compiles for one processor in a process, so this is another."""
    name = processor or host_processor()
    environment = os.environ | {
        "NUMBA_CPU_NAME": name,
        "NUMBA_CPU_FEATURES": "",
        "REFNMS_CACHE": "off",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    # -P: of this copy of the package, not of one in the folder where it is called.
    command = [sys.executable, "-P", "-m", "refnms.interop.c.objects", name, str(target)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ended.returncode != 0 or "is not a recognized processor" in ended.stderr:
        last = ended.stderr.strip().splitlines()[-1:] or ["no message"]
        raise InputError(f"LLVM could not compile for {name!r}: {last[0]}")


def _run(*command: str | Path) -> None:
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if ended.returncode != 0:
        raise InputError(f"{command[0]} failed: {ended.stderr.strip()}")
