"""What every test may ask for: the shared data, a seeded generator, a repeatable hypothesis."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

CHECKOUT = Path(__file__).resolve().parents[1]
SHARED = CHECKOUT.parent / "shared"
MISSING_DATA = "missing data"

WITHOUT_JIT = os.environ.get("NUMBA_DISABLE_JIT") == "1"  # kernels run as Python: a hundredth

EXAMPLES = int(os.environ.get("REFNMS_EXAMPLES") or (6 if WITHOUT_JIT else 40))

# Looking for the simplest example that fails takes minutes where kernels run as Python.
PHASES = [p for p in Phase if not (WITHOUT_JIT and p in (Phase.shrink, Phase.explain))]

# deadline=None: the first call of a kernel compiles it.
settings.register_profile(
    "refnms",
    derandomize=True,
    deadline=None,
    print_blob=True,
    max_examples=EXAMPLES,
    phases=PHASES,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("refnms")


def pytest_configure(config: pytest.Config) -> None:
    """Without the JIT, loops warn of what compiled ones compute in silence: lanes not in use."""
    if WITHOUT_JIT:
        config.addinivalue_line("filterwarnings", "ignore::RuntimeWarning:refnms")


def pytest_sessionstart(session: pytest.Session) -> None:
    """On the first run ever, compile beside the first tests what later ones need."""
    from refnms.jit import COMPILES, cache_directory

    directory = cache_directory() if COMPILES else None
    if directory is None or any(directory.iterdir()) or (os.cpu_count() or 1) < 2:
        return
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("beside.py")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what it fails in, a test compiles and tells
    )
    session.config.add_cleanup(process.wait)
    session.config.add_cleanup(process.kill)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measured and reference data, which lies beside the checkout."""
    data = SHARED / "data"
    if not data.is_dir():
        pytest.skip(f"{MISSING_DATA}: {data} is not there")
    return data


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a small person and three trials; see `project`."""
    from project import write_project

    return write_project(tmp_path_factory.mktemp("master") / "project")


@pytest.fixture
def project(master: Path, tmp_path: Path) -> Path:
    """A copy of `master` for one test alone."""
    return Path(shutil.copytree(master, tmp_path / "project"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Set the number of threads; even a small run is worth them."""
    from refnms.physics import compiled

    def forget() -> None:
        compiled._threads.cache_clear()
        compiled._pool.cache_clear()
        compiled._planned.cache_clear()

    def use(number: int) -> None:
        monkeypatch.setenv("REFNMS_THREADS", str(number))
        forget()
        assert (compiled._pool() is None) == (number == 1)

    monkeypatch.setattr(compiled, "WORTHWHILE", 0)
    yield use
    monkeypatch.undo()
    forget()


def skipped_for_missing_data(reporter: pytest.TerminalReporter) -> int:
    return sum(MISSING_DATA in str(report.longrepr) for report in reporter.stats.get("skipped", []))


def must_have_data() -> bool:
    return os.environ.get("CI") == "true" and SHARED.is_dir()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = skipped_for_missing_data(terminalreporter)
    terminalreporter.write_line(f"skipped for missing data: {skipped}")
    if skipped and must_have_data():
        terminalreporter.write_line(f"the run fails: the data lie in {SHARED}", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where the data must be there, a test skipped for want of it is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if must_have_data() and skipped_for_missing_data(reporter) and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
