from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import ours
import pytest
from streams import PROFILES, person, short

from refnms.errors import InputError
from refnms.golden import compare, text
from refnms.interop.c import export, export_c, write_model, write_trial
from refnms.interop.c.objects import ENTRIES
from refnms.jit import HAVE_NUMBA
from refnms.physics.profiles import ceinms_0_9
from refnms.physics.types import Muscles
from refnms.simulation import simulate
from refnms.stream import Stepper, packed

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
@pytest.mark.parametrize("profile", ["native", "online"])
def test_steps_with_partials_and_trajectories_with_derivatives_have_the_bits_of_python(
    library, profile, rng
):
    model, trial = person().true, short(person().held_out[0])
    bars, dots = rng.normal(size=(2, 6, 60, 16)), rng.normal(size=(60, 16, 3))
    ours, theirs = (
        run_all(call, model, trial, PROFILES[profile], bars, dots)
        for call in (from_c(library), from_python)
    )
    assert ours.keys() == theirs.keys() and len(ours) == 8
    for name, found in ours.items():
        assert found.any() and np.array_equal(found, theirs[name]), name


def run_all(call, model, trial, profile, bars, dots):
    """Steps with their partials, and a trajectory with both derivatives, by `call`."""
    stepper, e = Stepper(model, profile), simulate(model, trial, profile).excitation
    sample, partials = 0, []
    for i, time in enumerate(trial.time):
        while sample < len(trial.emg_time) and trial.emg_time[sample] <= time + 1e-9:
            stepper.push(trial.emg_time[sample], trial.emg[sample])
            sample += 1
        stepper._length[...], stepper._arm[...] = trial.musculotendon_length[i], trial.moment_arm[i]
        stepper._poses.numbers[3] = time
        call("step", stepper._poses.address)
        partials.append(np.zeros(stepper.partials().shape))
        call("partials", stepper._packed[0].address, stepper._state, partials[-1])
    own = packed(model, profile, None, 2000.0, 0.1)
    (t, m), d = e.shape, trial.moment_arm.shape[2]
    given = own.address, t, trial.time, e, trial.musculotendon_length, trial.moment_arm
    memory = np.zeros(call("trial_size", own.address, t))
    moments, signals, flags = np.zeros((t, d)), np.zeros((5, t, m)), np.zeros((t, m), np.int64)
    call("forward", *given, moments, signals, flags, memory)
    shapes = {"parameters": (12, m), "excitation": (t, m), "lengths": (t, m), "arms": (t, m, d)}
    pulled = {f"{name}_bar": np.zeros(shape) for name, shape in shapes.items()}
    moments_bar, signals_bar = np.ascontiguousarray(dots[:, 0]), bars[0, :5].copy()
    call("vjp", *given, signals, flags, moments_bar, signals_bar, *pulled.values(), memory)
    moved = bars[1, 5, :12].copy(), bars[1, 0].copy(), 1e-3 * bars[1, 1], 1e-3 * dots
    dot = np.zeros((t, d)), np.zeros((5, t, m))
    call("jvp", *given, signals, flags, *moved, *dot, memory)
    found = {"partials": np.array(partials), "moments": moments, "moments_dot": dot[0]}
    return found | pulled | {"signals_dot": dot[1]}


def at(argument):
    return argument.ctypes.data if isinstance(argument, np.ndarray) else int(argument)


def from_c(library):
    code = ctypes.CDLL(str(library / "librefnms.so"))

    def call(name, *arguments):
        function = getattr(code, f"refnms_{name}")
        function.restype = ctypes.c_int64
        return function(*(ctypes.c_int64(at(argument)) for argument in arguments))

    return call


def from_python(name, *arguments):
    kernel = ENTRIES[f"refnms_{name}"][0]
    return kernel(*map(at, arguments))


@needs_compiler
def test_the_library_answers_the_golden_trajectories_right(library, tmp_path):
    """Those of the native profile: signals and gradients, against 120 digits."""
    call, curves, answers = from_c(library), ours.golden_curves(), []
    for golden in json.loads(text("trajectories.json"))["trajectories"]:
        if golden["profile"] == "native":
            outputs = golden_answer(call, *ours.recording(curves, golden), golden)
            answers.append({"entry": golden["entry"], "outputs": outputs})
    (tmp_path / "c.json").write_text(json.dumps({"schema": 1, "trajectories": answers}))
    result = compare(tmp_path / "c.json")
    assert len(answers) == 7 and result.wrong == () and result.worst <= 1e-12


def golden_answer(call, model, trial, golden):
    own = packed(model, PROFILES["native"], None, 2000.0, 1e9)
    e, target = (
        np.array(golden["outputs"]["excitation"]),
        np.array(golden["inputs"]["target_moment"]),
    )
    (t, m), d = e.shape, target.shape[1]
    given = own.address, t, trial.time, e, trial.musculotendon_length, trial.moment_arm
    memory = np.zeros(call("trial_size", own.address, t))
    moment, signals, flags = np.zeros((t, d)), np.zeros((5, t, m)), np.zeros((t, m), np.int64)
    call("forward", *given, moment, signals, flags, memory)
    bar, bars = 2.0 * (moment - target) / moment.size, [np.zeros((12, m)), *np.zeros((2, t, m))]
    call("vjp", *given, signals, flags, bar, 0, *bars, np.zeros((t, m, d)), memory)
    names = ("neural_activation", "activation", "fiber_length", "fiber_velocity", "tendon_force")
    found = {"moment": moment, **dict(zip(names, signals, strict=True))}
    by = {f"loss_by_{name}": row for name, row in zip(Muscles._fields, bars[0], strict=True)}
    by.pop("loss_by_electromechanical_delay")  # it is in the excitations
    by |= {"loss_by_excitation": bars[1], "loss_by_musculotendon_length": bars[2]}
    return {name: array.tolist() for name, array in (found | by).items()} | {
        "loss": float(np.mean((moment - target) ** 2))
    }


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
@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
def test_another_copy_in_the_working_folder_is_not_compiled(tmp_path, monkeypatch):
    (tmp_path / "refnms").mkdir()
    (tmp_path / "refnms" / "__init__.py").write_text("raise RuntimeError('another copy')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="abacus") as raised:  # LLVM has no such processor
        export._compile(tmp_path / "library.o", "abacus")
    assert "another copy" not in str(raised.value)


def test_without_a_compiler_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(InputError, match="no-such-compiler is not on the path"):
        export_c(tmp_path / "out")
    assert not (tmp_path / "out").exists()
