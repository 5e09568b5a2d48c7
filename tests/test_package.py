from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import refnms
from refnms.jit import HAVE_NUMBA

CHECKOUT = Path(__file__).resolve().parents[1]
SLOW = {"numba", "llvmlite", "scipy", "pandas", "matplotlib"}
PUBLIC = {
    "NATIVE",
    "Profile",
    "ceinms_0_21",
    "ceinms_0_9",
    "AdamW",
    "Assistance",
    "Assisted",
    "Budget",
    "Calibration",
    "Free",
    "Geometry",
    "InputError",
    "InputWarning",
    "LevenbergMarquardt",
    "Model",
    "MultiStart",
    "Packing",
    "Poses",
    "Simulation",
    "Stepper",
    "Trial",
    "Uncertainty",
    "__version__",
    "assist",
    "calibrate",
    "certify",
    "Certificate",
    "choose_prior",
    "fit_geometry",
    "io",
    "simulate",
    "stream",
    "uncertainty_of",
}


def libraries_imported_by(*arguments: str) -> set[str]:
    """The top-level names that `python ARGUMENTS` imports, in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONSAFEPATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return set(re.findall(r"^import time:.*\| +(\w+)", run.stderr, flags=re.MULTILINE))


@pytest.mark.parametrize("arguments", [("-c", "import refnms"), ("-m", "refnms", "--help")])
def test_a_quick_start_imports_nothing_slow(arguments):
    imported = libraries_imported_by(*arguments)
    assert "refnms" in imported
    assert imported & SLOW == set()


def test_the_watch_on_imports_sees_an_import():
    assert "scipy" in libraries_imported_by("-c", "import refnms, scipy")


def test_numba_is_used_where_it_is_installed():
    assert HAVE_NUMBA == (importlib.util.find_spec("numba") is not None)


def test_the_public_names_are_those_listed():
    assert set(dir(refnms)) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_resolves(name):
    assert getattr(refnms, name) is not None


def test_type_checkers_see_the_same_names():
    """The names under TYPE_CHECKING and the table of lazy ones are two lists of one thing."""
    source = Path(refnms.__file__).read_text("utf-8")
    assert {*re.findall(r"import \w+ as (\w+)", source), "__version__"} == PUBLIC


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="calibrat0r"):
        refnms.calibrat0r  # noqa: B018


def test_the_installed_version_is_the_one_in_the_source():
    try:
        installed = importlib.metadata.version("refnms")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("refnms runs from its source here, and is not installed")
    assert installed == refnms.__version__


def test_the_citation_names_this_version():
    assert f"\nversion: {refnms.__version__}\n" in (CHECKOUT / "CITATION.cff").read_text("utf-8")
