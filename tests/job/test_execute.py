"""`run` on a small project: what its files ask for, and what comes out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import EXECUTION, PERSON, execute_so, hybrid, subject

from refnms import job
from refnms.assistance import Assistance, assist
from refnms.catalogue import code_of
from refnms.errors import DivergedError, InputError
from refnms.fit import fit
from refnms.io import read_trial
from refnms.io.files import MARKER
from refnms.io.storage import read_storage
from refnms.io.subject import read_model
from refnms.job import run
from refnms.physics.profiles import NATIVE, ceinms_0_9
from refnms.simulation import simulate


def model_of(project: Path) -> Any:
    return read_model(project / "subject.xml", project / "excitationGenerator.xml")


def test_a_run_writes_the_signals_of_the_simulation(project):
    done = run(project / "run.xml", out=project / "out")
    simulation = simulate(model_of(project), read_trial(project / "walk/trial.xml", PERSON))
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
        job.done, "simulate_all", lambda *a: seen.append(a) or [simulate(a[0], a[1][0], a[2])]
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


@pytest.mark.parametrize(
    ("profile", "exponent", "assistance"),
    [
        ("native", 2, Assistance(("muscle_2",), ("muscle_0",), 1.0, 5.0, 9.0, ("knee",))),
        ("ceinms-0.9", 1, Assistance(("muscle_2",), ("muscle_0",), 1.0, 5.0, 9.0)),
    ],
)
def test_a_hybrid_run_writes_what_follows_the_moments(project, profile, exponent, assistance):
    execute_so(project, hybrid(dofs=" ".join(assistance.dofs)))
    done = run(project / "run.xml", profile, project / "out")
    chosen = NATIVE if profile == "native" else ceinms_0_9(online=True, tolerance=1e-9)
    assert chosen.tracking_exponent == exponent
    model = model_of(project)
    wanted = assist(
        model, read_trial(project / "walk/trial.xml", model, chosen), assistance, chosen
    )
    emgs = read_storage(project / "out" / "AdjustedEmgs.sto")
    np.testing.assert_array_equal(emgs.data, wanted.simulation.excitation)
    torques = read_storage(project / "out" / "Torques.sto")
    np.testing.assert_array_equal(torques.data, wanted.simulation.moment)
    found = done.summary["assistance"]
    assert found["cost"] == pytest.approx(wanted.cost.mean())
    assert found["unsettled"] == 0 and found["steps"] > 0.0
    frames = wanted.simulation.time
    if profile == "native":
        np.testing.assert_array_equal(torques.time, frames)
    else:  # the first delayed EMG row not before the frame
        delay = model.muscles.electromechanical_delay[0]
        stamps = read_storage(project / "walk/emg.sto").time + delay
        expected = stamps[np.searchsorted(stamps, frames - 1e-4)]
        np.testing.assert_allclose(torques.time, expected, atol=1e-12)


def test_static_optimization_is_a_hybrid_that_synthesizes_all(project):
    execute_so(project, hybrid("muscle_0 muscle_1 muscle_2", "", weights="1 0.001 0"))
    before = run(project / "run.xml", out=project / "out")
    execute_so(project, "<openLoop/>")
    emg = run(project / "run.xml", out=project / "emg")
    for dof in ("knee", "ankle"):
        error = [r.summary["trials"]["walk"]["dofs"][dof]["rmse"] for r in (before, emg)]
        assert error[0] < 0.5 * error[1]


def test_digits_are_as_many_as_asked_for(project):
    run(project / "run.xml", out=project / "out", digits=6)
    rows = (project / "out/Torques.sto").read_text().split("endheader\n")[1].splitlines()[1:]
    cells = [cell for row in rows for cell in row.split()]
    assert all(cell == f"{float(cell):.6g}" for cell in cells)


def test_all_that_a_hybrid_execution_names_wrongly_is_told_at_once(project):
    execute_so(project, hybrid("psoas muscle_1", "muscle_1 soleus", "hip", "1 5 9"))
    with pytest.raises(InputError) as caught:
        run(project / "run.xml", out=project / "out")
    told = [str(problem) for problem in caught.value.problems]
    assert all(line.startswith(f"{project / 'execution.xml'}, line ") for line in told)
    for part in ("soleus", "psoas", "hip; there are knee, ankle", "not both"):
        assert sum(part in line for line in told) == 1
    assert {code_of(problem.message) for problem in caught.value.problems} == {"RN305", "RN507"}
    assert not (project / "out").exists()


def test_a_hybrid_needs_measured_moments_and_a_velocity_of_the_past(project):
    execute_so(project, hybrid(), "<offline/>")
    with pytest.raises(InputError, match=r"execution\.xml: ceinms-0\.9 offline takes the velocity"):
        run(project / "run.xml", "ceinms-0.9", project / "out")
    text = (project / "walk/trial.xml").read_text()
    text = text.replace("<externalTorquesFile>id.sto</externalTorquesFile>\n", "")
    (project / "walk/trial.xml").write_text(text)
    with pytest.raises(InputError, match=r"trial\.xml: names no externalTorquesFile"):
        run(project / "run.xml", out=project / "out")


def test_a_force_that_is_not_finite_ends_a_hybrid_run_too(project, monkeypatch):
    def overflowing(*arguments: Any) -> Any:
        done = assist(*arguments)
        done.simulation.tendon_force[3:, 1] = np.inf
        return done

    execute_so(project, hybrid())
    monkeypatch.setattr(job.execute, "assist", overflowing)
    with pytest.raises(DivergedError, match="not finite: muscle_1 from"):
        run(project / "run.xml", out=project / "out")


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
