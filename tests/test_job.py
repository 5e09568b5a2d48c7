"""The main jobs on a small project: what the files ask for, what comes out, what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import (
    CALIBRATION_SETUP,
    EXECUTION,
    PERSON,
    STEP,
    STRENGTH,
    calibration,
    subject,
    write_project,
)

from refnms import job
from refnms.errors import InputError, InputWarning
from refnms.fit import fit
from refnms.io.files import MARKER
from refnms.io.storage import read_storage
from refnms.io.subject import read_model
from refnms.job import calibrate_setup, profile_named, read_task, run
from refnms.objective import FiberLengthRange, Objective
from refnms.optimize import AdamW
from refnms.physics.profiles import CEINMS_0_9_TOLERANCE, NATIVE, ceinms_0_9
from refnms.physics.types import Flag, Muscles
from refnms.simulation import simulate

SHORT = AdamW(steps=3)


@pytest.fixture(scope="module")
def master(tmp_path_factory: Any) -> Path:
    return write_project(tmp_path_factory.mktemp("master") / "project")


@pytest.fixture
def project(master: Path, tmp_path: Path) -> Path:
    """A folder of its own to every test."""
    return Path(shutil.copytree(master, tmp_path / "project"))


def model_of(project: Path) -> Any:
    return read_model(project / "subject.xml", project / "excitationGenerator.xml")


# ---- run ----


def test_a_run_writes_the_signals_of_the_simulation(project):
    done = run(project / "run.xml", out=project / "out")
    simulation = simulate(model_of(project), job.read_trial(project / "walk/trial.xml", PERSON))
    for name, wanted in {
        "Torques": simulation.moment,
        "MuscleForces": simulation.tendon_force,
        "Activations": simulation.activation,
        "FiberLenghts": simulation.fiber_length,
        "FiberVelocities": simulation.fiber_velocity,
    }.items():
        np.testing.assert_array_equal(read_storage(project / "out" / f"{name}.sto").data, wanted)
    assert done.folder == project / "out" and done.failure is None


def test_a_run_is_summarised_by_trial_and_degree_of_freedom(project):
    done = run(project / "run.xml", out=project / "out")
    assert set(done.summary) == {"profile", "trials", "flags", "version"}
    assert done.summary["profile"] == "native"
    assert done.summary["trials"]["walk"]["role"] == "run"
    measured = read_storage(project / "walk/id.sto").data
    predicted = read_storage(project / "out/Torques.sto").data
    for d, dof in enumerate(("knee", "ankle")):
        wanted = fit(measured[:, d], predicted[:, d])
        assert done.summary["trials"]["walk"]["dofs"][dof] == wanted.__dict__
    assert json.loads((project / "out" / MARKER).read_text()) == done.summary


def test_without_a_place_to_write_the_setup_says_where(project):
    done = run(project / "run.xml")
    assert done.folder == project / "results" / "walk"
    assert (done.folder / "Torques.sto").exists()


def test_execution_chooses_tendon_activation_velocity_and_tolerance(project, monkeypatch):
    seen = []
    monkeypatch.setattr(
        job, "simulate_all", lambda *a: seen.append(a) or [simulate(a[0], a[1][0], a[2])]
    )
    run(project / "run.xml", "ceinms-0.9", project / "out")
    stiff = EXECUTION.replace("<offline/>", "<online/>").replace("exponential", "piecewise")
    stiff = stiff.replace(
        "<equilibriumElastic><tolerance>1e-9</tolerance></equilibriumElastic>", "<stiff/>"
    )
    (project / "execution.xml").write_text(stiff)
    person = PERSON.muscles._replace(shape_factor=np.full(3, 0.05))
    (project / "subject.xml").write_text(subject(replace(PERSON, muscles=person)))
    run(project / "run.xml", "ceinms-0.9", project / "out")
    assert [type(model.tendon).__name__ for model, _, _ in seen] == ["ElasticTendon", "RigidTendon"]
    shapes = [type(model.activation).__name__ for model, _, _ in seen]
    assert shapes == ["ExponentialActivation", "PiecewiseActivation"]
    assert seen[0][2] == ceinms_0_9(online=False, tolerance=1e-9)
    assert seen[1][2] == ceinms_0_9(online=True)


def test_a_profile_is_found_by_its_name():
    assert profile_named("native") is NATIVE
    assert profile_named("native", online=True, tolerance=1e-9) is NATIVE
    assert profile_named("ceinms-0.9") == ceinms_0_9(tolerance=CEINMS_0_9_TOLERANCE)
    assert profile_named("ceinms-0.9", True, 1e-9) == ceinms_0_9(True, 1e-9)


def test_a_run_that_could_not_be_solved_is_written_and_told(project, monkeypatch):
    def failing(*arguments: Any) -> list[Any]:
        found = simulate(*arguments[:1], arguments[1][0], arguments[2])
        flags = found.flags.copy()
        flags[3:5, 1] |= Flag.FAILED
        return [replace(found, flags=flags)]

    monkeypatch.setattr(job, "simulate_all", failing)
    done = run(project / "run.xml", out=project / "out")
    assert done.failure == "no fiber equilibrium was found (samples by muscle): {'muscle_1': 2}"
    assert json.loads((project / "out" / MARKER).read_text())["flags"]["FAILED"] == {"muscle_1": 2}


HYBRID = """<hybrid><alpha>1</alpha><beta>5</beta><gamma>10</gamma><dofSet>knee</dofSet>
<synthMTUs>muscle_0</synthMTUs><adjustMTUs/><algorithm><simulatedAnnealing><noEpsilon>4</noEpsilon>
<rt>.3</rt><T>2</T><NS>15</NS><NT>5</NT><epsilon>1.E-5</epsilon><maxNoEval>20</maxNoEval>
</simulatedAnnealing></algorithm></hybrid>"""


def test_hybrid_execution_is_refused_by_name(project):
    (project / "execution.xml").write_text(EXECUTION.replace("<openLoop/>", HYBRID))
    with pytest.raises(InputError, match=r"execution\.xml: hybrid execution is not available"):
        run(project / "run.xml", out=project / "out")
    assert not (project / "out").exists()


def test_a_moment_that_does_not_vary_has_no_r2(project):
    header, _, rows = (project / "walk/id.sto").read_text().partition("endheader\n")
    labels, *lines = rows.splitlines()
    lines = ["\t".join([line.split("\t")[0], "0", "0"]) for line in lines]
    (project / "walk/id.sto").write_text("\n".join([f"{header}endheader", labels, *lines, ""]))
    done = run(project / "run.xml", out=project / "out")
    for dof in done.summary["trials"]["walk"]["dofs"].values():
        assert dof["r2"] is None and dof["nrmse"] is None and dof["rmse"] > 0.0
    assert '"r2": null' in (project / "out" / MARKER).read_text()


def test_a_trial_without_measured_moments_runs(project):
    text = (project / "walk/trial.xml").read_text()
    text = text.replace("<externalTorquesFile>id.sto</externalTorquesFile>\n", "")
    (project / "walk/trial.xml").write_text(text)
    done = run(project / "run.xml", out=project / "out")
    assert done.summary["trials"] == {"walk": {"role": "run", "dofs": {}}}


def test_frames_outside_the_window_are_run_and_not_scored(project):
    text = (project / "walk/trial.xml").read_text()
    time = read_storage(project / "walk/lmt.sto").time
    window = f"<startStopTime>{time[10]:.17g} {time[30]:.17g}</startStopTime></inputData>"
    (project / "walk/trial.xml").write_text(text.replace("</inputData>", window))
    done = run(project / "run.xml", out=project / "out")
    predicted = read_storage(project / "out/Torques.sto")
    assert len(predicted.time) == 40
    measured = read_storage(project / "walk/id.sto").data
    wanted = fit(measured[10:31, 1], predicted.data[10:31, 1])
    assert done.summary["trials"]["walk"]["dofs"]["ankle"] == wanted.__dict__


# ---- what a calibration file asks for ----


def task_of(project: Path, parameters: str, dofs: str = "knee ankle", **options: Any) -> Any:
    step = STEP.replace(STRENGTH, parameters).replace("knee ankle", dofs)
    (project / "calibration.xml").write_text(calibration(step))
    return read_task(project / "calibrate.xml", "native", **options)


def parameter(name: str, scope: str, bounds: str) -> str:
    return f"<parameter><name>{name}</name>{scope}{bounds}</parameter>"


ABSOLUTE = "<absolute><range>-0.9 -0.1</range></absolute>"
RELATIVE = "<relativeToSubjectValue><range>0.9 1.2</range></relativeToSubjectValue>"


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("<single/>", ["c1 of muscle_0", "c1 of muscle_1", "c1 of muscle_2"]),
        ("<single>muscle_2 muscle_0</single>", ["c1 of muscle_2", "c1 of muscle_0"]),
        ("<global/>", ["c1 of muscle_0 and 2 more"]),
        (
            "<muscleGroups><muscles>muscle_0 muscle_2</muscles><muscles>muscle_1</muscles>"
            "</muscleGroups>",
            ["c1 of muscle_0 and 1 more", "c1 of muscle_1"],
        ),
    ],
)
def test_parameters_are_free_per_muscle_per_group_or_shared(project, scope, names):
    task = task_of(project, parameter("c1", scope, ABSOLUTE))
    assert task.packing.names == names
    assert set(task.packing.lower) == {-0.9} and set(task.packing.upper) == {-0.1}


def test_relative_bounds_are_multiples_of_the_subject_s_value(project):
    task = task_of(project, parameter("tendonSlackLength", "<single/>", RELATIVE))
    lts = PERSON.muscles.tendon_slack_length
    np.testing.assert_allclose(task.packing.lower, 0.9 * lts, rtol=1e-15)
    np.testing.assert_allclose(task.packing.upper, 1.2 * lts, rtol=1e-15)


@pytest.mark.parametrize("scope", ["<single/>", "<global/>"])
def test_only_muscles_that_span_the_step_s_degrees_of_freedom_are_free(project, scope):
    task = task_of(project, parameter("c1", scope, ABSOLUTE), dofs="ankle")
    free = (task.packing.index >= 0).any(axis=0)
    np.testing.assert_array_equal(free, [False, True, True])  # muscle_0 crosses the knee alone


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("c2", "c2"),
        ("shapeFactor", "shape_factor"),
        ("optimalFibreLength", "optimal_fiber_length"),
        ("pennationAngle", "pennation_angle_at_optimal"),
        ("maxIsometricForce", "max_isometric_force"),
        ("maxContractionVelocity", "max_contraction_velocity"),
        ("emDelay", "electromechanical_delay"),
        ("damping", "fiber_damping"),
    ],
)
def test_every_parameter_of_ceinms_can_be_free(project, name, field):
    bounds = "<relativeToSubjectValue><range>0.9 1.1</range></relativeToSubjectValue>"
    task = task_of(project, parameter(name, "<single>muscle_1</single>", bounds))
    assert task.packing.frees(field)
    assert (task.packing.index >= 0).sum() == 1


def test_percentage_change_is_free_for_all_muscles_or_none(project):
    bounds = "<absolute><range>0.0 0.3</range></absolute>"
    task = task_of(project, parameter("percentageChange", "<global/>", bounds))
    assert (task.packing.index[Muscles._fields.index("percentage_change")] == 0).all()
    for scope in ("<single/>", "<single>muscle_1</single>"):
        with pytest.raises(InputError, match=r"calibration\.xml: percentageChange is one value"):
            task_of(project, parameter("percentageChange", scope, bounds))


def test_trials_have_their_roles(project):
    task = read_task(project / "calibrate.xml", "native", [project / "jump/trial.xml"])
    roles = {name: role for name, (role, _) in task.trials.items()}
    assert roles == {"walk": "calibration", "run": "calibration", "jump": "test"}
    assert [t.name for t in task.recordings("test")] == ["jump"]


def test_several_steps_are_refused(project):
    (project / "calibration.xml").write_text(calibration(STEP, STEP))
    with pytest.raises(InputError, match=r"calibration\.xml: has 2 calibration steps; one is"):
        read_task(project / "calibrate.xml", "native")


def test_two_trials_of_one_name_are_refused(project):
    (project / "again").mkdir()
    shutil.copytree(project / "walk", project / "again" / "walk")
    with pytest.raises(InputError, match="a second trial called 'walk'"):
        read_task(project / "calibrate.xml", "native", [project / "again/walk/trial.xml"])


def test_problems_of_all_trials_are_told_at_once(project):
    for name in ("walk", "run"):
        (project / name / "emg.sto").unlink()
    with pytest.raises(InputError) as caught:
        read_task(project / "calibrate.xml", "native", [project / "nobody.xml"])
    files = {str(problem).partition(":")[0].partition(",")[0] for problem in caught.value.problems}
    assert files == {str(project / p) for p in ("walk/trial.xml", "run/trial.xml", "nobody.xml")}


NORMALISED = """<torqueErrorNormalised><targets>all</targets><weight>1</weight>
<exponent>1</exponent></torqueErrorNormalised><penalty><targets>all</targets><targetsType>normalisedFibreLength
</targetsType><weight>100</weight><exponent>2</exponent><range>0.7 1.3</range></penalty>"""


def test_the_range_of_a_newer_calibration_file_is_used_and_its_weights_are_not(project):
    step = STEP.replace("<minimizeTorqueError/>", NORMALISED)
    (project / "calibration.xml").write_text(calibration(step))
    task = read_task(project / "calibrate.xml", "native")
    with pytest.warns(InputWarning, match=r"formula of CEINMS 0\.21's objective is not public"):
        done = calibrate_setup(project / "calibrate.xml", method=SHORT, out=project / "out")
    trials = task.recordings("calibration")
    default = Objective(task.packing, trials)
    terms = [
        t if not isinstance(t, FiberLengthRange) else FiberLengthRange(0.7, 1.3)
        for t in default.terms
    ]
    wanted = Objective(task.packing, trials, terms=terms).value(task.packing.start)
    assert done.summary["objective"]["initial"] == pytest.approx(wanted, rel=1e-12)
    assert wanted > default.value(task.packing.start)


# ---- calibrate ----


def test_a_calibration_finds_what_was_changed(project):
    done = calibrate_setup(project / "calibrate.xml", method=AdamW(steps=150), out=project / "out")
    assert done.summary["objective"]["final"] < 1e-3 * done.summary["objective"]["initial"]
    again = read_model(project / "out/calibrated.xml", project / "excitationGenerator.xml")
    np.testing.assert_allclose(again.muscles.strength_coefficient, 1.4, rtol=0.02)


def test_only_the_step_s_degrees_of_freedom_are_followed(project):
    step = STEP.replace("knee ankle", "ankle")
    (project / "calibration.xml").write_text(calibration(step))
    done = calibrate_setup(project / "calibrate.xml", method=SHORT, out=project / "out")
    task = read_task(project / "calibrate.xml", "native")
    wanted = Objective(task.packing, task.recordings("calibration"), dofs=["ankle"])
    assert done.summary["objective"]["initial"] == wanted.value(task.packing.start)


def test_without_a_place_to_write_the_subject_goes_where_the_setup_says(project):
    done = calibrate_setup(
        project / "calibrate.xml", method=SHORT, tests=[project / "jump/trial.xml"]
    )
    assert (project / "results" / "calibrated.xml").exists()
    assert done.folder == project / "results" / "calibrated_results"
    assert {"walk", "run", "jump", MARKER} <= {p.name for p in done.folder.iterdir()}
    both = [
        p.read_text() for p in (project / "results", done.folder) for p in [p / "calibrated.xml"]
    ]
    assert both[0].count("<mtu>") == both[1].count("<mtu>") > 0


def test_written_and_returned_summaries_agree(project):
    done = calibrate_setup(project / "calibrate.xml", method=SHORT, out=project / "out")
    assert json.loads((project / "out" / MARKER).read_text()) == done.summary
    assert not done.interrupted and done.failure is None
    assert done.summary["status"] == "budget of steps used up"
    assert done.summary["evaluations"] == 4


def test_the_figure_shows_before_and_after_where_matplotlib_is(project, monkeypatch):
    shown: list[Any] = []
    monkeypatch.setattr(
        job, "moment_figure", lambda path, dofs, tracking: shown.append((path.name, tracking))
    )
    calibrate_setup(
        project / "calibrate.xml",
        method=SHORT,
        tests=[project / "jump/trial.xml"],
        out=project / "o",
    )
    ((name, tracking),) = shown
    assert name == "moments.png"
    roles = [(trial.name, trial.held_out) for trial in tracking]
    assert roles == [("walk", False), ("run", False), ("jump", True)]
    assert not np.array_equal(tracking[0].before, tracking[0].after)


def test_without_matplotlib_there_is_no_figure_and_no_complaint(project, monkeypatch):
    def missing(*_: Any) -> None:
        raise ImportError("No module named 'matplotlib'")

    monkeypatch.setattr(job, "moment_figure", missing)
    calibrate_setup(project / "calibrate.xml", method=SHORT, out=project / "out")
    assert not (project / "out" / "moments.png").exists()
    assert (project / "out" / MARKER).exists()


def test_where_ceinms_refuses_a_trial_there_is_no_score_in_its_terms(project):
    """Its pairing needs an EMG row for every frame; interpolation does not."""
    for name in ("walk", "run"):
        path = project / name / "emg.sto"
        header, _, rows = path.read_text().partition("endheader\n")
        labels, *lines = rows.splitlines()
        kept = lines[::5]
        header = header.replace(f"nRows={len(lines)}", f"nRows={len(kept)}")
        path.write_text("\n".join([f"{header}endheader", labels, *kept, ""]))
    with pytest.warns(InputWarning, match=r"no score in CEINMS's terms: .*slower than the frames"):
        done = calibrate_setup(project / "calibrate.xml", method=SHORT, out=project / "out")
    scores = [done.summary["objective"][k] for k in ("ceinms", "ceinms_moment", "ceinms_penalty")]
    assert scores == [None, None, None]
    assert '"ceinms": null' in (project / "out" / MARKER).read_text()


def test_a_diverged_calibration_is_written_and_told(project, monkeypatch):
    plain, calls = Objective.__call__, iter(range(100))

    def diverging(self: Any, x: Any, progress: float = 1.0) -> Any:
        value, gradient = plain(self, x, progress)
        return (np.nan if next(calls) == 6 else value), gradient

    monkeypatch.setattr(Objective, "__call__", diverging)
    done = calibrate_setup(project / "calibrate.xml", method=AdamW(steps=20), out=project / "out")
    told = "no longer finite after 6 evaluations; the best point before was written"
    assert done.failure is not None and told in done.failure
    summary = json.loads((project / "out" / MARKER).read_text())
    assert summary["status"] == "diverged"
    assert summary["objective"]["final"] < summary["objective"]["initial"]
    assert (project / "out" / "calibrated.xml").exists()


def test_a_foreign_folder_is_refused_before_the_work(project, monkeypatch):
    (project / "out").mkdir()
    (project / "out" / "thesis.docx").write_text("three years")
    monkeypatch.setattr(job, "calibrate", lambda *a: pytest.fail("calibrated in vain"))
    for command, setup in ((calibrate_setup, "calibrate.xml"), (run, "run.xml")):
        with pytest.raises(InputError, match="holds files that are no refnms result"):
            command(project / setup, out=project / "out")
    assert [p.name for p in (project / "out").iterdir()] == ["thesis.docx"]


def test_the_setup_s_subject_may_lie_anywhere(project):
    text = CALIBRATION_SETUP.replace("results/calibrated.xml", "../elsewhere/mine.xml")
    (project / "calibrate.xml").write_text(text)
    done = calibrate_setup(project / "calibrate.xml", method=SHORT)
    assert (project.parent / "elsewhere" / "mine.xml").exists()
    assert done.folder.name == "mine_results"
