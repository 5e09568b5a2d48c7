"""Run every script of this folder and write RESULTS.md, from which the README quotes.

    python validation/run_all.py [--full] [--data DIR]

It takes about a quarter of an hour on two cores; with --full, hours. Figures go to `figures/`. What
takes long by itself is run with --full alone; else its section stays as it was last written.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import scipy
from common import NO_DATA, SHARED

import refnms

HERE = Path(__file__).resolve().parent
RESULTS, FIGURES = HERE / "RESULTS.md", HERE / "figures"
LONG = ("08", "09", "10", "12", "14", "15", "17")  # scripts of many minutes


def processor() -> str:
    """Its name, where the system tells."""
    told = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", told.read_text("utf-8")) if told.exists() else []
    return f"{len(names)} cores, {names[0]}" if names else platform.processor()


def section(script: Path, arguments: list[str]) -> tuple[str, int]:
    """What a script found, for RESULTS.md, and its exit code."""
    text = script.read_text("utf-8")
    given = [a for a in arguments if a != "--full" or "takes_full=True" in text]
    if "needs_data=False" in text:
        given = [a for a in given if a == "--full"]
    began = time.perf_counter()
    command = [sys.executable, script, *given, "--out", FIGURES]
    ended = subprocess.run(command, capture_output=True, text=True)
    took = time.perf_counter() - began
    lines = [line for line in ended.stdout.splitlines() if not line.startswith("figure: ")]
    print(f"{script.name}: {lines[-1] if lines else 'no output'} ({took:.0f} s)", flush=True)
    question = text.split('"""')[1].splitlines()[0]
    figures = sorted(FIGURES.glob(f"{script.stem[:2]}_*.png"))
    shown = "\n".join(f"![{figure.stem}](figures/{figure.name})\n" for figure in figures)
    body = "\n".join(lines) + (f"\n{ended.stderr}" if ended.returncode not in (0, 1, 2) else "")
    page = (
        f"## {script.name}\n\n{question}\n\n```text\n{body}\n```\n\n{shown}\nTook {took:.0f} s.\n"
    )
    return page, ended.returncode


def written() -> dict[str, str]:
    """The sections of the last run, by script."""
    text = RESULTS.read_text("utf-8") if RESULTS.exists() else ""
    pages = re.split(r"^(?=## )", text, flags=re.M)[1:]
    return {page.split()[1]: page.rstrip("\n") + "\n" for page in pages}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--full", action="store_true", help="take the time it takes")
    chosen = parser.parse_args()
    arguments = ["--data", str(chosen.data), *(["--full"] if chosen.full else [])]
    kept, found = written(), []
    for script in sorted(HERE.glob("[0-9]*.py")):
        if chosen.full or not script.name.startswith(LONG):
            found.append(section(script, arguments))
        elif script.name in kept:
            found.append((kept[script.name], 0))
    versions = f"NumPy {np.__version__}, SciPy {scipy.__version__}, Numba {numba.__version__}"
    head = (
        "# Results\n\n"
        f"Written by `validation/run_all.py{' --full' if chosen.full else ''}`, "
        f"refnms {refnms.__version__}, Python {platform.python_version()}, {versions}; "
        f"{processor()}.\n"
    )
    RESULTS.write_text("\n".join([head, *(page for page, _ in found)]), "utf-8")
    print(f"written: {RESULTS.relative_to(HERE.parent)}")
    codes = [code for _, code in found if code != NO_DATA]
    return max(codes, default=NO_DATA)


if __name__ == "__main__":
    sys.exit(main())
