from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from streams import person, short

from refnms.errors import InputError
from refnms.interop.c import export_c, write_model, write_trial
from refnms.jit import HAVE_NUMBA
from refnms.physics.profiles import ceinms_0_9
from refnms.simulation import simulate

TOOLS = HAVE_NUMBA and shutil.which("cc") and shutil.which("c++") and shutil.which("readelf")
needs_compiler = pytest.mark.skipif(
    not (TOOLS and os.environ.get("REFNMS_BUILD_C")),
    reason="compiles for minutes, with Numba and a C++ compiler: set REFNMS_BUILD_C=1",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The library for the oldest processor, whatever this one is."""
    folder = tmp_path_factory.mktemp("c") / "library"
    export_c(folder, "x86-64" if os.uname().machine == "x86_64" else None)
    return folder


def run(*command, folder):
    ended = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@needs_compiler
@pytest.mark.parametrize("profile", ["native", "online"])
def test_a_program_without_python_has_the_bits_of_python(library, profile):
    """As a stream and as a whole, with a library built for a processor that is not this one."""
    model, trial = person().true, short(person().held_out[0])
    chosen = ceinms_0_9(online=True) if profile == "online" else None
    if chosen is not None:  # a whole trajectory has no rows ahead of its frames to charge a filter
        delay = model.muscles.electromechanical_delay[0]
        first = int(np.searchsorted(trial.emg_time + delay, trial.time[0] - 1e-4))
        trial = replace(trial, emg_time=trial.emg_time[first:], emg=trial.emg[first:])
    given = () if chosen is None else (chosen,)
    write_model(library / "subject.h", model, *given)
    moment = simulate(model, trial, *given).moment
    write_trial(library / "trial.bin", trial, moment)
    name = f"example-{profile}"
    run("c++", "-std=c++20", "-O1", "-o", name, "example.cpp", "librefnms.a", "-lm", folder=library)
    told = run(f"./{name}", "trial.bin", folder=library)
    others = [int(n) for n in re.findall(r"(\d+) of \d+ moments have other bits", told)]
    assert len(others) == 2 and max(others) <= moment.shape[1]  # the last frame: see `Stepper`
    slope = float(re.findall(r"first muscle: (\S+)", told)[0])
    assert slope == pytest.approx(by_strength(model, trial, given), rel=1e-10)


def by_strength(model, trial, given):
    """Moments are linear in a strength that acts on no fiber length."""
    table = model.table()
    table[8, 0] = 1.5 * table[8, 0]
    stronger = simulate(model.with_table(table), trial, *given).moment
    weaker = simulate(model, trial, *given).moment
    return np.sum(stronger - weaker) / (table[8, 0] / 3.0)


@needs_compiler
def test_the_library_needs_libm_and_libc_alone(library):
    told = run("readelf", "-d", "librefnms.so", folder=library)
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", told))
    assert needed <= {"libm.so.6", "libc.so.6"}
    names = run("nm", "-D", "--defined-only", "librefnms.so", folder=library)
    public = {line.split()[-1] for line in names.splitlines()}
    header = (library / "refnms.h").read_text()
    assert {name for name in public if name.startswith("refnms")} == set(
        re.findall(r"^(?:void|int64_t) (refnms_\w+)\(", header, re.M)
    )
    assert not [name for name in public if "numba" in name or "Py" in name]


def test_the_header_describes_the_model_that_is_written():
    from refnms.interop.c import export
    from refnms.physics.kernels.entry import CALL
    from refnms.physics.kernels.struct import ABI, WORDS

    header = (export.HERE / "refnms.h").read_text()
    plain = re.sub(r"/\*.*?\*/", "", header, flags=re.S)

    def members(name):
        body = re.search(rf"typedef struct {name} \{{(.*?)\}} {name};", plain, re.S)[1]
        return tuple(
            re.findall(r"\w+", part)[-1] for line in body.split(";") for part in line.split(",")
            if part.strip()
        )  # fmt: skip

    assert members("refnms_model") == WORDS
    assert members("refnms_call") == CALL
    assert f"#define REFNMS_ABI {ABI}\n" in header


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
def test_without_a_compiler_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(InputError, match="no-such-compiler is not on the path"):
        export_c(tmp_path / "out")
    assert not (tmp_path / "out").exists()
