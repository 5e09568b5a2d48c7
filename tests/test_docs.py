"""The pages of docs/: what they tell to change is done here, and what they name is there."""

from __future__ import annotations

import importlib
import operator
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import refnms
import refnms.autodiff
from refnms import cli
from refnms.io.calibration import Global, read_calibration
from refnms.io.ceinms import PARAMETERS
from refnms.physics.types import Flag, Muscles

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = sorted((CHECKOUT / "docs").rglob("*.md"))
SECTIONS = ("Another family of curves", "Another term of the loss", "Another field of the muscle")
CHANGE = re.compile(
    r"^(?P<where>At the end of|In) `(?P<file>[\w/]+\.py)`"
    r"(?:, in place of the line that begins `(?P<line>[^`]+)`)?:\n\n```python\n(?P<code>.*?)^```",
    re.M | re.S,
)
USE = re.compile(r"^To use it:\n\n```python\n(.*?)^```", re.M | re.S)
# The compiled engine would compile anew in every copy.
WITHOUT_NUMBA = "import sys\nsys.modules['numba'] = None\n"


class Section(NamedTuple):
    """One change that the page tells, and the program that uses it."""

    change: re.Match[str] | None  # None: no file needs one
    use: str


def sections() -> dict[str, Section]:
    text = (CHECKOUT / "docs" / "extending.md").read_text("utf-8")
    parts = {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}
    return {
        title: Section(CHANGE.search(parts[title]), USE.search(parts[title])[1])
        for title in SECTIONS
    }


def apply(change: re.Match[str], root: Path) -> None:
    file = root / change["file"]
    text = file.read_text("utf-8")
    if change["line"] is None:
        text = f"{text}\n\n{change['code']}"
    else:
        found = re.findall(rf"^{re.escape(change['line'])}.*\n", text, re.M)
        assert len(found) == 1, f"{change['file']} has {len(found)} such lines"
        text = text.replace(found[0], change["code"])
    file.write_text(text, "utf-8")


def changed_files(one: Path, other: Path) -> list[str]:
    """Files that differ between two folders, or stand in one of them alone."""
    first, second = (
        {(file.relative_to(root).as_posix(), file.read_bytes()) for file in root.rglob("*.py")}
        for root in (one, other)
    )
    return sorted({name for name, _ in first ^ second})


def run_in(root: Path, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_NUMBA + program],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder that holds a copy of the package."""
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "refnms", tmp_path / "refnms", ignore=skipped)
    return tmp_path


@pytest.mark.parametrize("title", SECTIONS)
def test_a_change_of_the_page_touches_one_file_at_most_and_has_the_right_gradient(title, copy):
    change, use = sections()[title]
    if change is not None:
        apply(change, copy)
    expected = [] if change is None else [change["file"].removeprefix("refnms/")]
    assert changed_files(CHECKOUT / "refnms", copy / "refnms") == expected
    run = run_in(copy, use)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.startswith("passed")


def test_the_programs_about_autodiff_run(capsys):
    page = (CHECKOUT / "docs" / "autodiff.md").read_text("utf-8")
    programs = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    for program in programs:
        exec(compile(program, "autodiff.md", "exec"), {})
        assert capsys.readouterr().out.splitlines()[-1].startswith("passed")
    assert len(programs) == 2


def test_the_program_about_modes_of_execution_runs(capsys):
    page = (CHECKOUT / "docs" / "execution.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    exec(compile(program, "execution.md", "exec"), {})
    slope = float(capsys.readouterr().out.split()[-1])
    assert 0.0 <= slope <= 1e-6


def test_the_program_about_hybrid_networks_gains_on_unseen_trials(capsys):
    page = (CHECKOUT / "docs" / "hybrid-networks.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    exec(compile(program, "hybrid-networks.md", "exec"), {})
    told = capsys.readouterr().out.splitlines()[-1]
    physics, both = (int(share) for share in re.findall(r"(\d+)%", told))
    assert both < 0.9 * physics, told


def test_the_page_has_two_changes_of_a_file_and_one_of_none():
    changes = [section.change for section in sections().values()]
    files = [None if change is None else change["file"] for change in changes]
    assert files == ["refnms/physics/families.py", "refnms/terms.py", None]


def test_a_wrong_slope_in_the_changed_copy_would_be_found(copy):
    curves = copy / "refnms" / "physics" / "curves.py"
    text = curves.read_text("utf-8")
    assert text.count("(cubic + square) * d") == 1
    curves.write_text(text.replace("(cubic + square) * d", "1.001 * (cubic + square) * d"), "utf-8")
    run = run_in(copy, sections()["Another field of the muscle"].use)
    assert "GradientError" in run.stderr


def test_a_calibration_file_may_name_every_field(tmp_path):
    page = (CHECKOUT / "docs" / "extending.md").read_text("utf-8")
    block = re.search(r"^```xml\n(.*?)^```", page, re.M | re.S)[1]
    parameters = "".join(block.replace("damping", name) for name in PARAMETERS)
    (tmp_path / "trial.xml").write_text("<inputData/>", "utf-8")
    file = tmp_path / "calibration.xml"
    file.write_text(
        "<calibration><algorithm><simulatedAnnealing><noEpsilon>4</noEpsilon><rt>0.3</rt><T>20</T>"
        "<NS>15</NS><NT>5</NT><epsilon>1e-5</epsilon><maxNoEval>9</maxNoEval></simulatedAnnealing>"
        "</algorithm><NMSmodel><type><openLoop/></type><tendon><equilibriumElastic/></tendon>"
        "<activation><exponential/></activation></NMSmodel><calibrationSteps><step><dofs>knee</dofs>"
        "<objectiveFunction><minimizeTorqueError/></objectiveFunction>"
        f"<parameterSet>{parameters}</parameterSet></step></calibrationSteps>"
        "<trialSet>trial.xml</trialSet></calibration>\n",
        "utf-8",
    )
    (step,) = read_calibration(file).steps
    assert [choice.field for choice in step.parameters] == list(Muscles._fields)
    assert {choice.scope for choice in step.parameters} == {Global()}


@pytest.mark.parametrize("page", [CHECKOUT / "README.md", *PAGES], ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page):
    """Names with a slash are paths from the checkout, from the package, or from the page itself."""
    text = page.read_text("utf-8")
    named = set(re.findall(r"`((?:\w+/)+[\w.]*\w(?:\.\w+|/)?)`", text))
    named |= {link for link in re.findall(r"\]\(([^)#:]+)\)", text)}
    homes = (CHECKOUT, CHECKOUT / "refnms", page.parent)
    assert [n for n in named if not any((home / n).exists() for home in homes)] == []


def test_every_flag_is_told():
    page = (CHECKOUT / "docs" / "how-it-works.md").read_text("utf-8")
    assert [flag.name for flag in Flag if f"`{flag.name}`" not in page] == []


def test_the_readme_has_the_two_commands_and_no_other_fence():
    text = (CHECKOUT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    assert len(blocks) == 2
    assert all(block.count("\n") == 1 for block in blocks)
    assert blocks[0].endswith("refnms demo\n")
    assert blocks[1].endswith("-m pytest\n")


def test_the_python_of_the_readme_runs(shared, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    text = (CHECKOUT / "README.md").read_text("utf-8")
    blocks = re.findall(r"\n\n((?:(?: {4}.*)?\n)+)(?=\S)", text)
    (program,) = [re.sub(r"^ {4}", "", b, flags=re.M) for b in blocks if "import refnms" in b]
    short = program.replace("calibrate(model, trials, free)", "calibrate(model, trials, free, few)")
    assert short != program
    for name in ("subject.xml", "excitationGenerator.xml", "walk36_a", "walk36_b", "run81_a"):
        os.symlink(shared / "s06_calibration" / name, tmp_path / re.sub(r"\d+", "", name))
    monkeypatch.chdir(tmp_path)
    exec(compile(short, "README.md", "exec"), {"few": refnms.AdamW(steps=2)})
    told = capsys.readouterr().out
    assert told.startswith("<Calibration on walk36_a, run81_a: ") and "walk36_b" in told
    assert (tmp_path / "walk_b.png").stat().st_size > 0


# ---- pages that are made of what the code says ----


@pytest.fixture
def make(monkeypatch):
    monkeypatch.syspath_prepend(str(CHECKOUT / "docs"))
    monkeypatch.syspath_prepend(str(CHECKOUT / "docs" / "examples"))
    return importlib.import_module("make")


def in_words(page: str) -> list[str]:
    """A page without its numbers, which may differ in a digit from machine to machine."""
    return [" ".join(re.sub(r"[-\u2212]?\d[\d.,e+-]*", "#", x).split()) for x in page.splitlines()]


def test_the_tutorial_is_its_script_and_what_that_prints(make, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    page = (CHECKOUT / "docs" / "tutorial.md").read_text("utf-8")
    assert in_words(make.tutorial(tmp_path)) == in_words(page)
    assert [path.name for path in tmp_path.iterdir()] == ["tutorial_moments.png"]


def test_every_mistake_is_told_with_its_place_and_code(make):
    """The page is that of the messages; none is a traceback, and none goes unnoticed."""
    page = (CHECKOUT / "docs" / "mistakes.md").read_text("utf-8")
    assert in_words(make.mistakes()) == in_words(page)
    blocks = re.findall(r"\(exit code (\d)\)\n\n```text\n\$ .*\n((?:.*\n)*?)```", page)
    assert len(blocks) == page.count("exit code") > 80
    for code, told in blocks:
        errors = [line for line in told.splitlines() if line.startswith("error: ")]
        assert "Traceback" not in told and "RN000" not in told
        assert all(re.search(r" \[RN\d{3}\]$", line) for line in errors), errors
        assert (code == "3" and errors) or code == "2" or "warning: " in told, told


def test_the_example_of_the_file_formats_is_a_sound_set_up(tmp_path, monkeypatch, capsys):
    for page in (CHECKOUT / "docs" / "formats").glob("*.md"):
        files = re.findall(
            r'^```\w+ title="([^"]+)"\n(.*?)^```', page.read_text("utf-8"), re.M | re.S
        )
        for name, text in files:
            (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    for setup in ("calibrationSetup.xml", "run.xml"):
        assert cli.main(["check", setup]) == 0
        assert ": 0 errors, 0 warnings" in capsys.readouterr().out
    assert cli.main(["run", "run.xml"]) == 0


def test_every_public_name_stands_in_the_reference():
    page = (CHECKOUT / "docs" / "reference.md").read_text("utf-8")
    named = re.findall(r"^\.\. auto\w+:: refnms\.([\w.]+)$", page, re.M)
    assert all(operator.attrgetter(name)(refnms) is not None for name in named)
    public = set(dir(refnms)) - {"io", "stream", "__version__"}
    public |= {f"io.{name}" for name in dir(refnms.io)}
    assert public == {name for name in named if not name.startswith("autodiff.")}


def test_every_page_stands_in_the_site():
    index = (CHECKOUT / "docs" / "index.md").read_text("utf-8")
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", index, re.M | re.S)
    listed = [line for tree in trees for line in tree.splitlines() if line.endswith(".md")]
    docs = CHECKOUT / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    assert sorted([*listed, "index.md"]) == sorted(pages)


def test_the_site_builds_without_a_warning(tmp_path):
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package, reason="the extra `docs` is not installed")
    build = [sys.executable, "-m", "sphinx", "-W", "-q", "-d", str(tmp_path / "trees")]
    folders = [str(CHECKOUT / "docs"), str(tmp_path / "site")]
    run = subprocess.run([*build, *folders], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    pages = {p.relative_to(CHECKOUT / "docs") for p in (CHECKOUT / "docs").rglob("*.md")}
    assert [p for p in pages if not (tmp_path / "site" / p.with_suffix(".html")).exists()] == []
