"""Mistakes for the C example of docs/, and the program that finds them with the golden files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)

LENGTH = {"fiber_length fiber_length"}
# Mistakes in muscle.h and spline.h: what stood there, what stands there, columns to be named.
MISTAKES = {
    "2 for 3 in the slope of a cubic": (
        "t * 3 * k->d[i]",
        "t * 2 * k->d[i]",
        {"curves slope", "force by_fiber_length"},
    ),
    "a spline with natural ends": ("h * h * third(x, y)", "0", {"curves value", "curves slope"}),
    "a length that forgets the activation": (
        "m->change * (1 - a) + 1",
        "m->change + 1",
        {"force tendon_force", "force by_percentage_change"} | LENGTH,
    ),
    "an angle for its sine": (
        "m->lo * sin(m->angle)",
        "m->lo * m->angle",
        {"force tendon_force"} | LENGTH,
    ),
    "a velocity limit that is not kept": (
        "if (!inside) vn = vn > 0 ? 1 : -1;",
        "",
        {"force tendon_force", "force by_fiber_damping"},
    ),
    "a thousandth in one partial derivative": (
        "by[6] = -by_v",
        "by[6] = -1.001 * by_v",
        {"force by_max_contraction_velocity"},
    ),
    "a thousandth in another": (
        "by[8] = strong",
        "by[8] = 1.001 * strong",
        {"force by_fiber_damping"},
    ),
    "pennation that does not answer the fiber length": (
        "by_x / m->lo + by_cosine * height * height / (l * l * l * cosine)",
        "by_x / m->lo",
        {"force by_fiber_length"},
    ),
    "strain of the tendon over its length": ("/ m->lts, &slope", "/ (lmt - along), &slope", LENGTH),
}  # fmt: skip


def checked(folder: Path, golden: Path, old: str = "", new: str = "") -> tuple[int, str]:
    """Exit code and output of check.c with a change in its headers."""
    headers = {name: (EXAMPLES / name).read_text("utf-8") for name in ("muscle.h", "spline.h")}
    assert not old or any(old in text for text in headers.values())
    for name, text in headers.items():
        (folder / name).write_text(text.replace(old, new) if old else text, "utf-8")
    shutil.copy(EXAMPLES / "check.c", folder)
    strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic"]

    command = [COMPILER, *strict, "-O1", "-o", "check", "check.c", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    ended = subprocess.run([folder / "check", golden], cwd=folder, capture_output=True, text=True)
    return ended.returncode, ended.stdout
