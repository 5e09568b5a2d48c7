"""From a setup file to its certificate."""

from __future__ import annotations

import json
import shutil

import pytest
from commands import files
from verified import DRAWS

from refnms.certification import certify_setup, json_of, read_subject
from refnms.errors import InputError
from refnms.model import RigidTendon
from refnms.verify import certificate


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    for name in DRAWS:
        monkeypatch.setattr(certificate, name, 30)


def test_a_calibration_brings_its_trials_parameters_and_objective(project):
    subject = read_subject(project / "calibrate.xml", "native")
    assert [trial.name for trial in subject.trials] == ["walk", "run"]
    assert subject.packing is not None and subject.dofs == ("knee", "ankle")
    assert {path.name for path in subject.files} >= {
        "subject.xml",
        "calibration.xml",
        "lmt.sto",
        "id.sto",
    }


def test_a_run_brings_its_trial_and_its_tendon(project):
    execution = project / "execution.xml"
    execution.write_text(
        execution.read_text().replace(
            "<equilibriumElastic><tolerance>1e-9</tolerance></equilibriumElastic>", "<stiff/>"
        )
    )
    subject = read_subject(project / "run.xml", "ceinms-0.9")
    assert [trial.name for trial in subject.trials] == ["walk"]
    assert isinstance(subject.model.tendon, RigidTendon) and subject.packing is None
    assert subject.profile.name == "ceinms-0.9" and subject.profile.force_points is None


def test_another_file_is_refused_by_what_it_is(project):
    with pytest.raises(InputError, match=r"expected the setup of a calibration.*found <subject>"):
        read_subject(project / "subject.xml", "native")


def test_nothing_is_written_unless_asked_and_then_the_document_and_its_summary(project):
    before = files(project)
    found = certify_setup(project / "run.xml")
    assert found.passed and files(project) == before
    certify_setup(project / "run.xml", out=project / "out")
    assert set(files(project / "out")) == {"refnms.json", "certificate.txt"}
    document = json.loads((project / "out" / "refnms.json").read_text())
    assert document == json.loads(json_of(found))
    assert (project / "out" / "certificate.txt").read_text().startswith("PASSED: ")


def test_a_folder_that_holds_an_input_is_refused_before_the_work(project):
    (project / "walk" / "refnms.json").write_text("{}")
    with pytest.raises(InputError, match=r"which is read"):
        certify_setup(project / "run.xml", out=project / "walk")
    shutil.rmtree(project / "walk")
    with pytest.raises(InputError):
        certify_setup(project / "run.xml")
