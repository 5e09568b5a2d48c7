"""The walls of the house, as tables; each file's own imports are held against them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = CHECKOUT / "refnms"
LONGEST_FILE = 450  # lines: what a reader can still hold

# Room -> the rooms it may import, besides its own folder and `errors`.
WALLS = {
    "errors": "",
    "catalogue": "",
    "envelope": "",
    "jit": "",
    "autodiff": "",
    "optimize": "jit",
    "physics": "jit",
    "display": "physics",
    "model": "display physics",
    "primitives": "autodiff physics",
    "parameters": "display model physics",
    "simulation": "display model primitives physics",
    "fit": "display model simulation physics",
    "figures": "fit model simulation physics",
    "score": "model simulation physics",
    "terms": "parameters simulation autodiff physics",
    "sensitivity": "model parameters simulation physics",
    "gauss_newton": "sensitivity terms optimize autodiff physics",
    "objective": "gauss_newton sensitivity terms model parameters simulation optimize autodiff "
    "physics",
    "ceinms_terms": "terms simulation physics",
    "incremental": "objective simulation physics",
    "calibration": "display figures fit incremental objective terms model parameters simulation "
    "optimize physics",
    "golden": "",
    "noise": "physics",
    "uncertainty": "calibration display noise objective sensitivity terms model parameters "
    "optimize physics",
    "resampling": "calibration objective terms parameters model optimize physics",
    "networks": "calibration objective terms parameters simulation model optimize autodiff physics",
    "assistance": "display simulation model optimize physics jit",
    "verify": "display objective terms parameters simulation model autodiff physics",
    "geometry": "display physics autodiff optimize",
    "stream": "display model physics geometry",
    "synthetic": "model simulation geometry physics",
    "io": "model parameters geometry optimize physics",
}
# These may import every room above.
UPPER_ROOMS = ("report", "interop", "cohort")
# And these everything; as a user does, they may also take the public names from `refnms` itself.
TOP_ROOMS = (
    *("task", "methods", "steps", "summary", "record", "provenance", "comparison", "ahead"),
    *("job", "demo", "example", "cli"),
    *("convert", "convert_motion", "emg", "lint", "certification", "__init__", "__main__"),
)
ROOMS = {*WALLS, *UPPER_ROOMS, *TOP_ROOMS}

# Library -> the rooms that may import it.
LIBRARIES = {
    "numba": "jit",
    "llvmlite": "jit interop",
    "pandas": "io display",
    "xml": "io",
    "pyexpat": "io",
    "matplotlib": "figures report",
    "jinja2": "report",
    "ezc3d": "io",
    "opensim": "interop",
    "mujoco": "interop",
    "torch": "interop",
    "jax": "interop",
}
# SciPy is slow to import: only inside the function that needs it, but for the NumPy engine.
IMPORTS_SCIPY_AT_ONCE = "physics/reference/"

# Modules that need no test file of their own.
UNTESTED = {"__init__.py", "__main__.py", "types.py"}


def allowed(room: str) -> set[str]:
    if room in TOP_ROOMS:
        return ROOMS
    if room in UPPER_ROOMS:
        return {*WALLS, room}
    return {*WALLS[room].split(), room, "errors"}


def imports(source: str, path: str) -> Iterator[tuple[str, bool]]:
    """Every name a file imports, absolute, and whether importing the file imports it at once."""
    package = ["refnms", *Path(path).parts[:-1]]

    def visit(node: ast.AST, at_once: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            start = ".".join([*base, *filter(None, [node.module])])
            yield from ((f"{start}.{alias.name}", at_once) for alias in node.names)
        deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        )
        for child in ast.iter_child_nodes(node):
            yield from visit(child, at_once and not deferred)

    return visit(ast.parse(source), True)


def breaches(source: str, path: str) -> list[str]:
    """What the file at `path`, relative to the package, imports through a wall."""
    room = Path(path).parts[0].removesuffix(".py")
    found = []
    for name, at_once in imports(source, path):
        library, _, inner = name.partition(".")
        if library == "refnms" and inner != "__version__":
            entered = inner.partition(".")[0]
            if (entered if entered in ROOMS else "__init__") not in allowed(room):
                found.append(f"{path}: {room} must not import {name}")
        elif room not in LIBRARIES.get(library, room).split():
            found.append(f"{path}: only {LIBRARIES[library]} may import {name}")
        elif library == "scipy" and at_once and not path.startswith(IMPORTS_SCIPY_AT_ONCE):
            found.append(f"{path}: {name} must be imported inside a function")
    return found


def modules() -> list[str]:
    return sorted(p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py"))


def test_no_import_goes_through_a_wall():
    assert [
        b for path in modules() for b in breaches((PACKAGE / path).read_text("utf-8"), path)
    ] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("physics/muscle.py", "from refnms.autodiff.tape import Var"),
        ("physics/muscle.py", "from refnms import model"),
        ("physics/muscle.py", "import refnms.model"),
        ("physics/muscle.py", "import refnms"),
        ("physics/muscle.py", "from refnms import calibrate"),
        ("physics/muscle.py", "from ..model import Model"),
        ("physics/muscle.py", "from .. import model"),
        ("physics/__init__.py", "from ..model import Model"),
        ("physics/muscle.py", "def f():\n    from refnms.model import Model"),
        ("physics/muscle.py", "if TYPE_CHECKING:\n    from refnms.model import Model"),
        ("model.py", "from .optimize import AdamW"),
        ("optimize/adamw.py", "from refnms.physics.types import Array"),
        ("report/page.py", "from refnms.demo import main"),
        ("physics/kernels.py", "import numba"),
        ("physics/kernels.py", "try:\n    from numba.extending import overload\nexcept: pass"),
        ("model.py", "import pandas as pd"),
        ("calibration.py", "def f():\n    import xml.etree.ElementTree as tree"),
        ("demo.py", "def f():\n    import matplotlib.pyplot as plt"),
        ("physics/muscle.py", "from scipy.linalg import solve_banded"),
        ("physics/muscle.py", "class A:\n    import scipy"),
    ],
)
def test_a_forbidden_import_is_found(path, source):
    assert len(breaches(source, path)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("physics/muscle.py", "from refnms.physics.types import Array\nfrom .types import Curve"),
        ("physics/muscle.py", "from refnms.errors import InputError\nfrom ..jit import pure"),
        ("physics/reference/bands.py", "from scipy.linalg import solve_banded"),
        ("objective.py", "def f():\n    from scipy.optimize import least_squares"),
        ("io/storage.py", "import pandas as pd\nfrom xml.parsers import expat"),
        ("demo.py", "from refnms import __version__\nfrom refnms.report import page"),
        ("cli/run.py", "def f():\n    from refnms import calibrate"),
    ],
)
def test_an_import_by_the_door_passes(path, source):
    assert breaches(source, path) == []


def test_every_room_stands_in_the_table():
    rooms = {Path(path).parts[0].removesuffix(".py") for path in modules()}
    assert rooms <= ROOMS


def test_the_walls_leave_no_way_round():
    """The table stands from the ground up: no room may enter one that comes after it."""
    rooms = list(WALLS)
    for i, room in enumerate(rooms):
        assert set(WALLS[room].split()) <= set(rooms[:i])


def test_every_folder_is_a_package():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(f) for f in folders if not (f / "__init__.py").exists()] == []


def test_every_module_has_its_test_file():
    wanted = [Path(path) for path in modules() if Path(path).name not in UNTESTED]
    missing = [
        path.as_posix()
        for path in wanted
        if not (CHECKOUT / "tests" / path.with_name(f"test_{path.name}")).exists()
    ]
    assert missing == []


def test_no_file_needs_scrolling_for_minutes():
    files = [*PACKAGE.rglob("*.py"), *(CHECKOUT / "tests").rglob("*.py")]
    lengths = {str(path): len(path.read_text("utf-8").splitlines()) for path in files}
    assert {path: n for path, n in lengths.items() if n > LONGEST_FILE} == {}


def test_the_british_fiber_stays_in_the_files_that_spell_it_so():
    spelled = [path for path in modules() if "fibre" in (PACKAGE / path).read_text("utf-8").lower()]
    assert [path for path in spelled if not path.startswith("io/")] == []
