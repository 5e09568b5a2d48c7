"""Is an error of 0.1 % in any constant, product or quotient of the formulas found by a test?

Each is planted in turn, by the syntax tree, in a copy of the project; then the tests nearest to
its file run until one fails, the quick ones first. Before, they all have to pass with nothing
planted. Compiled code runs as plain Python (NUMBA_DISABLE_JIT), so that the loops of the kernels
are reached too; hypothesis then draws few examples, and what few do not find meets more. Errors
that change no value are not planted but argued (`unchanged.py`).

By default every 40th is planted; with the names of files all of theirs; with --full all, which
takes some hours. `planted_errors.csv` has each of these with the test that found it.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from unchanged import reason

os.environ["NUMBA_DISABLE_JIT"] = "1"

CHECKOUT = Path(__file__).resolve().parents[1]
FACTOR = 1.001
EVERY = 40
PATIENCE = 1800  # s for the tests of one planted error: more than all of a kernel's take
MORE = 60  # examples of hypothesis for what few have not found
QUICK = 0.5  # s of a test that need not wait for a quicker one: what tests share is set up once
FATES = FOUND, ARGUED, SURVIVED, HUNG, BROKEN = (
    "found", "argued", "SURVIVED", "HUNG", "DID NOT START"
)  # fmt: skip

# Room or file -> the tests nearest to it, quick ones first; {} is the file's own name.
NEAREST = {
    "physics/curves.py": "physics/test_curves.py physics/test_published.py",
    "physics/families.py": "physics/test_families.py",
    "physics/activation.py": "physics/test_activation.py physics/test_published.py",
    "physics/muscle.py": "physics/test_muscle.py physics/test_solve.py physics/test_published.py",
    "physics/solve.py": "physics/test_solve.py physics/test_solved_lengths.py"
    " physics/test_implicit.py physics/test_published.py",
    "physics/implicit.py": "physics/test_implicit.py",
    "physics/elementary.py": "physics/test_elementary.py",
    "physics/excitation.py": "physics/test_excitation.py test_primitives.py",
    "physics/held.py": "physics/test_held.py",
    "physics/stencils.py": "physics/test_stencils.py",
    "physics/flags.py": "physics/test_flags.py",
    "physics/jets.py": "physics/test_jets.py",
    "physics/frame.py": "physics/test_frame.py",
    "physics/kernels/block.py": "physics/kernels/test_block.py physics/test_compiled.py",
    "physics/kernels/equilibrium.py": "physics/kernels/test_equilibrium.py"
    " physics/kernels/test_forward.py physics/test_compiled.py",
    "physics/kernels/forward.py": "physics/kernels/test_forward.py physics/test_compiled.py",
    "physics/kernels": "physics/kernels/test_{}.py",
    "physics/reference/trajectory.py": "physics/reference/test_trajectory.py"
    " physics/reference/test_tangents.py",
    "physics/reference": "physics/reference/test_{}.py test_primitives.py",
    "assistance/response.py": "assistance/test_response.py",
    "assistance/frame.py": "assistance/test_frame.py",
    "autodiff/rules.py": "autodiff/test_rules.py",
    "autodiff/implicit.py": "autodiff/test_implicit.py",
    "autodiff/second.py": "autodiff/test_second.py",
    "ceinms_terms.py": "test_ceinms_terms.py",
    "terms.py": "test_terms.py test_objective.py test_gauss_newton.py",
    "objective.py": "test_objective.py",
    "gauss_newton.py": "test_gauss_newton.py",
    "sensitivity.py": "test_sensitivity.py test_gauss_newton.py",
    "fit.py": "test_fit.py",
    "score.py": "test_score.py",
    "networks.py": "test_networks.py",
}

# Whose products are addresses and sizes: no formulas.
PLUMBING = {"physics/kernels/entry.py", "physics/kernels/struct.py"}


Row: TypeAlias = tuple[str, int, str, str, str]  # file, line, code, fate, test or reason


@dataclass(frozen=True)
class Site:
    """Where an error is planted: a stretch of one line or more of a file."""

    file: str  # in refnms/
    line: int
    begin: int  # offsets in the text
    end: int
    code: str
    context: str  # the line


def sites(file: str) -> Iterator[Site]:
    """Every number with a point, product, quotient, summand and cotangent of a rule in a file."""
    text = (CHECKOUT / "refnms" / file).read_text("utf-8")
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = text.splitlines()

    def site(node: ast.expr) -> Site:
        assert node.end_lineno is not None and node.end_col_offset is not None
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        return Site(file, node.lineno, begin, end, text[begin:end], lines[node.lineno - 1].strip())

    def visit(node: ast.AST, depth: int) -> Iterator[Site]:
        if isinstance(node, ast.Subscript):  # an index is no number of the formulas
            yield from visit(node.value, depth)
            return
        if isinstance(node, ast.Lambda) and isinstance(node.body, ast.Tuple):
            bars = [bar for bar in node.body.elts if not isinstance(bar, ast.Starred)]
            known = [bar for bar in bars if ast.unparse(bar) != "None"]
            yield from map(site, known)  # the cotangents of a rule
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value:
            yield site(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            yield site(node)
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            if not isinstance(node.value, ast.Constant | ast.BinOp | ast.UnaryOp):
                yield site(node.value)
        inner = depth + isinstance(node, ast.FunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inner)

    assert all(line.isascii() for line in lines), file  # offsets count bytes
    yield from visit(ast.parse(text), 0)


def files() -> list[str]:
    """The files that have formulas."""
    package = CHECKOUT / "refnms"
    found = []
    for name in NEAREST:
        path = package / name
        found += sorted(path.glob("[!_]*.py")) if path.is_dir() else [path]
    names = [path.relative_to(package).as_posix() for path in dict.fromkeys(found)]
    return [name for name in names if name not in PLUMBING]


def tests_of(file: str) -> list[str]:
    """Those that are there, in the order in which they run."""
    name = next(name for name in NEAREST if file == name or file.startswith(f"{name}/"))
    wanted = NEAREST[name].format(Path(file).stem).split()
    return [f"tests/{test}" for test in wanted if (CHECKOUT / "tests" / test).exists()]


def copy_of_the_project(place: Path, project: Path = CHECKOUT) -> Path:
    copy = place / "main"
    copy.mkdir(parents=True)
    wanted = ("refnms", "tests", "docs", "validation", "README.md", "pyproject.toml")
    for name in wanted:
        source = project / name
        if source.is_dir():
            shutil.copytree(source, copy / name)
        else:
            shutil.copy(source, copy / name)
    shared = CHECKOUT.parent / "shared"
    if shared.is_dir():
        (place / "shared").symlink_to(shared)
    return copy


class Watch:
    """For pytest: the order of the tests, how long each takes, and the first that fails."""

    def __init__(self, told: Path, costs: dict[str, float], before: Collection[str]) -> None:
        self.told, self.costs, self.before, self.taken = told, costs, before, dict[str, float]()

    def pytest_collection_modifyitems(self, items: list) -> None:
        """Those that found another error in the file come first, then the quick ones."""
        names = {item: item.nodeid for item in items}
        items.sort(key=lambda i: (names[i] not in self.before, self.costs.get(names[i], QUICK)))

    def pytest_runtest_logreport(self, report) -> None:
        if report.when == "call":
            self.taken[report.nodeid] = max(report.duration, QUICK)
        if report.failed:
            self.told.write_text(report.nodeid, "utf-8")


def run_tests(
    copy: Path,
    tests: list[str],
    costs: dict[str, float],
    before: Collection[str] = (),
    examples: int = 0,
) -> int:
    """A process that runs tests in a copy until one fails.

    It shares what this one has imported, so it starts in no time.
    """
    told, took = copy / "told.txt", copy / "took.json"
    told.unlink(missing_ok=True)
    child = os.fork()
    if child:
        return child
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    if examples:
        os.environ["REFNMS_EXAMPLES"] = str(examples)
    if costs:  # an error is planted, and must not stay in a cache
        sys.dont_write_bytecode = True
    signal.alarm(PATIENCE if costs else 0)
    code, watch = 1, Watch(told, costs, before)
    try:
        import pytest

        code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", *tests], plugins=[watch])
        took.write_text(json.dumps(watch.taken))
    finally:
        os._exit(code)


def costs_of(tests: list[str], copy: Path) -> dict[str, float]:
    """Seconds that each test takes where nothing is planted: there they all have to pass."""
    _, status = os.waitpid(run_tests(copy, tests, {}), 0)
    if status:
        first = (copy / "told.txt").read_text() if (copy / "told.txt").exists() else "no test ran"
        raise SystemExit(f"with nothing planted: {first}")
    costs: dict[str, float] = json.loads((copy / "took.json").read_text())
    return costs


def plant(site: Site, copy: Path) -> None:
    target = copy / "refnms" / site.file
    text = target.read_text("utf-8")
    wrong = f"({FACTOR} * ({site.code}))"
    target.write_text(text[: site.begin] + wrong + text[site.end :], "utf-8")


def fate(status: int, copy: Path) -> tuple[str, str]:
    """What became of the error planted in a copy, and the test that found it."""
    told = copy / "told.txt"
    first = told.read_text("utf-8") if told.exists() else ""
    if os.WIFSIGNALED(status):
        return HUNG, first
    if os.WEXITSTATUS(status) == 0:
        return SURVIVED, ""
    return (FOUND, first) if first else (BROKEN, "")


def planted(
    some: list[Site], copies: list[Path], costs: dict[str, float]
) -> Iterator[tuple[Site, str, str]]:
    """Each place with its fate and the test that found it; as many at a time as copies."""
    waiting, running = [(site, 0) for site in reversed(some)], {}
    finders: dict[str, set[str]] = {site.file: set() for site in some}
    while waiting or running:
        while waiting and copies:
            (site, examples), copy = waiting.pop(), copies.pop()
            plant(site, copy)
            child = run_tests(copy, tests_of(site.file), costs, finders[site.file], examples)
            running[child] = site, examples, copy
        child, status = os.wait()
        site, examples, copy = running.pop(child)
        shutil.copy(CHECKOUT / "refnms" / site.file, copy / "refnms" / site.file)
        copies.append(copy)
        what, by = fate(status, copy)
        if what == SURVIVED and not examples:
            waiting.append((site, MORE))
            continue
        if what == FOUND:
            finders[site.file].add(by)
        yield site, what, by


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="not used: there is no figure")
    parser.add_argument("--full", action="store_true", help="takes_full=True: needs_data=False")
    parser.add_argument("files", nargs="*", help="of refnms/, such as physics/curves.py")
    chosen = parser.parse_args()
    import numba  # noqa: F401  imported once for all
    import pytest  # noqa: F401
    import scipy.linalg  # noqa: F401

    every = [site for file in files() for site in sites(file)]
    some = every if chosen.full else every[::EVERY]
    if chosen.files:
        some = [site for site in every if site.file in chosen.files]
    why = {site: reason(site.file, site.context, site.code) for site in some}
    rows = [row_of(site, ARGUED, why[site]) for site in some if why[site]]
    some = [site for site in some if not why[site]]
    if not some:
        return told(rows, len(every))
    with tempfile.TemporaryDirectory() as place:
        homes = [Path(place) / str(k) for k in range(len(os.sched_getaffinity(0)))]
        first = copy_of_the_project(homes[0])
        tests = {test: None for site in some for test in tests_of(site.file)}
        costs = costs_of(list(tests), first)  # and all is compiled to bytecode
        copies = [first, *(copy_of_the_project(home, first) for home in homes[1:])]
        for site, what, by in planted(some, copies, costs):
            rows.append(row_of(site, what, by))
            if what != FOUND:
                print(f"{what}: {site.file}:{site.line}: {site.code}", flush=True)
            if chosen.full or chosen.files:
                write(rows)
    return told(rows, len(every))


def told(rows: list[Row], places: int) -> int:
    """Print what became of them, file by file."""
    fates = Counter((row[0], row[3]) for row in rows)
    for file in dict.fromkeys(row[0] for row in rows):
        counts = [f"{fates[file, fate]} {fate}" for fate in FATES if fates[file, fate]]
        print(f"{file}: {', '.join(counts)}")
    total = Counter(row[3] for row in rows)
    silent = len(rows) - total[FOUND] - total[ARGUED]
    from common import verdict  # it imports refnms, which every copy imports by itself

    return verdict(
        silent == 0,
        f"errors of 0.1 % in {len(rows)} of {places} places: tests found {total[FOUND]}, "
        f"{total[ARGUED]} are argued to change nothing, {silent} were not found",
    )


def row_of(site: Site, fate: str, test_or_reason: str) -> Row:
    return site.file, site.line, site.code, fate, test_or_reason


def write(rows: list[Row]) -> None:
    """These rows in place of all that `planted_errors.csv` has of their files."""
    path = Path(__file__).parent / "planted_errors.csv"
    head, again = ("file", "line", "code", "fate", "test or reason"), {row[0] for row in rows}
    kept = []
    if path.exists():
        with path.open(newline="") as file:
            earlier = [(f, int(line), *rest) for f, line, *rest in list(csv.reader(file))[1:]]
        kept = [row for row in earlier if row[0] not in again]
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *sorted([*kept, *rows])])


if __name__ == "__main__":
    sys.exit(main())
