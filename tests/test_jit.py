from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
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
    shutil.copy(Path(jit.__file__), tmp_path / "refnms")
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


@pytest.mark.parametrize("room", ["physics", "optimize"])
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


@jit.pure
def reciprocal(x):
    return 1.0 / x


@jit.kernel
def reciprocal_kernel(x):
    return reciprocal(x)


@jit.kernel
def where_kernel(condition, a, b):
    return jit.where(condition, a, b)


@jit.outlined
def power_series(x, terms):
    total, term = 0.0, 1.0
    for k in range(1, terms):
        total += term
        term *= x / k
    return total


@jit.kernel
def power_series_kernel(x, terms):
    return power_series(x, terms)


class Plain(NamedTuple):
    number: float


class Double(NamedTuple):
    number: float


def weight(record, factor):
    """In Python of any record; compiled code has one for each kind."""
    return (2.0 if isinstance(record, Double) else 1.0) * record.number * factor


def _weight_of_plain(record, factor):
    return record.number * factor


def _weight_of_double(record, factor):
    return 2.0 * record.number * factor


def _weight_of_number(record, factor):
    return -record * factor


TWINS = {Plain: _weight_of_plain, Double: _weight_of_double, None: _weight_of_number}
jit.choose(weight, TWINS.get)


@jit.kernel
def weights_kernel(plain, double, number):
    return weight(plain, 3.0), weight(double, 3.0), weight(number, 3.0)


class Inner(NamedTuple):
    values: object
    negate: bool


class Outer(NamedTuple):
    factor: float
    inner: Inner
    last: object


@jit.outlined
def scale(outer, i):
    scaled = outer.factor * outer.inner.values[i, i + 1]
    outer.last[i] = -scaled if outer.inner.negate else scaled


@jit.kernel
def scale_kernel(outer):
    reference = jit.by_reference(outer)
    for i in range(outer.last.size):
        scale(reference, i)


@jit.section
def add_neighbors(x, y, out):
    for i in range(out.size):
        out[i] = x[i] + y[i + 1]


@jit.kernel
def section_kernel(x, y, out):
    add_neighbors(x, y, out)
    add_neighbors(y, x, out[1:])


@jit.kernel
def sum_kernel(x):
    total = 0.0
    for i in range(x.size):
        total += x[i]
    return total


def test_a_pure_function_runs_as_it_stands():
    assert reciprocal(2.0) == 0.5
    assert reciprocal(1.0 + 1.0j) == 0.5 - 0.5j
    np.testing.assert_array_equal(reciprocal(np.array([1.0, 4.0])), [1.0, 0.25])


def test_a_pure_function_runs_inside_a_kernel():
    assert reciprocal_kernel(4.0) == 0.25
    assert reciprocal_kernel(1.0 + 1.0j) == 0.5 - 0.5j


def test_a_pure_function_runs_inside_the_code_that_a_user_compiles():
    numba = pytest.importorskip("numba")
    theirs = numba.njit(lambda x: 3.0 * reciprocal(x))
    assert theirs(2.0) == 1.5


def test_an_outlined_function_gives_the_same_numbers_in_a_kernel():
    assert power_series_kernel(0.5, 20) == power_series(0.5, 20)
    assert power_series_kernel(0.5, 20) == pytest.approx(np.exp(0.5), rel=1e-15)


def test_a_stand_in_is_chosen_by_the_kind_of_the_first_argument():
    if not hasattr(weights_kernel, "stats"):
        pytest.skip("the compiler is disabled")
    assert weights_kernel(Plain(5.0), Double(5.0), 5.0) == (15.0, 30.0, -15.0)
    assert weight(Plain(5.0), 3.0) == 15.0


@pytest.mark.parametrize("negate", [True, False])
def test_a_reference_is_read_as_the_struct_itself(negate):
    values, last, expected = np.arange(6.0).reshape(2, 3), np.zeros(2), np.zeros(2)
    scale_kernel(Outer(2.5, Inner(values, negate), last))
    for i in range(2):
        scale(jit.by_reference(Outer(2.5, Inner(values, negate), expected)), i)
    assert last.tolist() == expected.tolist() == [2.5 - 5.0 * negate, 12.5 - 25.0 * negate]


def test_a_section_is_a_part_of_a_kernel():
    x, y = np.arange(20.0), 100.0 * np.arange(20.0)
    out = np.zeros(19)
    section_kernel(x, y, out)
    first, then = x[:-1] + y[1:], (y[:-1] + x[1:])[:-1]
    np.testing.assert_array_equal(out, [first[0], *then])


def test_a_division_by_zero_is_infinite_as_in_numpy():
    if not hasattr(reciprocal_kernel, "stats"):
        pytest.skip("the compiler is disabled")
    assert reciprocal_kernel(0.0) == np.inf


def test_nan_stays_nan_and_sums_keep_their_order():
    assert np.isnan(sum_kernel(np.array([1.0, np.nan])))
    values = np.array([1e16, 1.0, -1e16, 1.0] * 8)
    assert sum_kernel(values) == sum(values.tolist())


def test_where_chooses_between_arrays():
    x = np.array([-1.0, 2.0])
    np.testing.assert_array_equal(jit.where(x > 0.0, x, 0.0), [0.0, 2.0])


@pytest.mark.parametrize("condition", [True, False])
@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (1, 2.5), (1.0j, 2.0)])
def test_where_chooses_the_same_number_in_a_kernel(condition, a, b):
    assert where_kernel(condition, a, b) == jit.where(condition, a, b) == (a if condition else b)
