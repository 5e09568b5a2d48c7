from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from refnms import jit

pytestmark = pytest.mark.skipif(not jit.HAVE_NUMBA, reason="Numba is not installed")

CURVES = """
from refnms.jit import pure

@pure
def curve(x):
    return {factor} * x
"""
KERNELS = """
from refnms.jit import kernel
from refnms.physics.curves import curve

@kernel
def twice(x):
    return curve(x) + curve(x)
"""
MAIN = """
import sys
{prelude}
from refnms import jit
from refnms.physics.kernels import twice
hits = sum(twice.stats.cache_hits.values()) if twice(1.0) and hasattr(twice, "stats") else None
print(twice(1.0), jit.HAVE_NUMBA, hits)
"""


@pytest.fixture
def house(tmp_path):
    """A package with our `jit` and a physics of two lines, and a home for its cache."""
    physics = tmp_path / "refnms" / "physics"
    physics.mkdir(parents=True)
    shutil.copytree(Path(jit.__file__).parent, tmp_path / "refnms" / "jit")
    for package in (physics, physics.parent):
        (package / "__init__.py").touch()
    (physics / "kernels.py").write_text(KERNELS)
    (physics / "curves").mkdir()  # a folder, since no depth may hide an edit
    (physics / "curves" / "__init__.py").write_text(CURVES.format(factor=1.5))
    (tmp_path / "home").mkdir()
    return tmp_path


def run(house: Path, prelude: str = "", **variables: str) -> tuple[str, str]:
    """What the little house prints in a new process, and its warnings."""
    main = house / "main.py"
    main.write_text(MAIN.format(prelude=prelude))
    dropped = re.compile("NUMBA_|REFNMS_|XDG_CACHE_HOME|PYTHONSAFEPATH|PYTHONPATH|PYTHONWARNINGS")
    home = str(house / "home")
    environment = {key: value for key, value in os.environ.items() if not dropped.match(key)}
    environment |= {"HOME": home, "USERPROFILE": home, "LOCALAPPDATA": home, **variables}
    done = subprocess.run(
        [sys.executable, str(main)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def entries(folder: Path, suffix: str) -> list[Path]:
    return list(folder.rglob(f"*{suffix}"))


def test_an_edited_formula_is_never_served_from_the_cache(house):
    assert run(house) == ("3.0 True 0", "")
    assert run(house) == ("3.0 True 1", "")
    curves = house / "refnms" / "physics" / "curves" / "__init__.py"
    curves.write_text(CURVES.format(factor=2.5))
    assert run(house) == ("5.0 True 0", "")


@pytest.mark.parametrize("room", ["jit", "physics", "optimize", "assistance"])
def test_an_edit_in_any_room_with_kernels_is_noticed(house, room):
    run(house)
    folder = house / "refnms" / room / "deep"
    folder.mkdir(parents=True)
    (folder / "formula.py").touch()
    assert run(house) == ("3.0 True 0", "")


DAMAGES = [  # to what kind of file, and what becomes of its bytes
    (".nbi", lambda index: index[: len(index) // 2]),
    (".nbc", lambda code: b""),
    (".nbc", lambda code: code[:2000] + bytes([code[2000] ^ 255]) + code[2001:]),
]


def test_a_damaged_entry_is_compiled_again(house):
    run(house)
    for suffix, damage in DAMAGES:
        (entry,) = entries(house / "home", suffix)
        entry.write_bytes(damage(entry.read_bytes()))
        assert run(house) == ("3.0 True 0", "")
    assert run(house) == ("3.0 True 1", "")


def test_without_a_writable_home_it_runs_with_one_warning(house):
    shutil.rmtree(house / "home")
    (house / "home").touch()
    printed, warned = run(house)
    assert printed == "3.0 True 0"
    assert warned.count("RuntimeWarning") == 1
    assert "NUMBA_CACHE_DIR" in warned


def test_the_cache_can_be_switched_off(house):
    assert run(house, REFNMS_CACHE="off") == ("3.0 True 0", "")
    assert entries(house, ".nbi") == []


def test_a_cache_folder_that_the_user_chose_is_used(house):
    run(house, NUMBA_CACHE_DIR=str(house / "chosen"))
    assert len(entries(house / "chosen", ".nbi")) == len(entries(house, ".nbi")) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_owner_may_write_to_the_cache(house):
    run(house)
    (folder,) = house.rglob("kernels-*")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)
    printed, warned = run(house)
    assert printed == "3.0 True 0"
    assert "others" in warned


def test_without_numba_the_same_numbers_come_from_python(house):
    assert run(house, prelude="sys.modules['numba'] = None") == ("3.0 False None", "")


def test_with_the_compiler_disabled_the_same_numbers_come_from_python(house):
    assert run(house, NUMBA_DISABLE_JIT="1") == ("3.0 True None", "")
