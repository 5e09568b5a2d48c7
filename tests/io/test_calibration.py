from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from refnms.errors import InputError
from refnms.io.calibration import (
    Global,
    Groups,
    LengthPenalty,
    NormalizedTorqueError,
    ParameterChoice,
    Single,
    TorqueError,
    read_calibration,
)
from refnms.io.execution import Annealing
from refnms.model import ElasticTendon, ExponentialActivation


def test_a_calibration_file_becomes_records(folder: Path, version: str) -> None:
    calibration = read_calibration(folder / "calibration.xml")
    assert calibration.annealing == Annealing(4, 0.3, 200000.0, 15, 5, 1e-5, 200001)
    model = calibration.muscle_model
    assert (model.tendon, model.tolerance) == (ElasticTendon(), 1e-9)
    assert model.activation == ExponentialActivation()
    assert calibration.trials == (folder / "walk" / "trial.xml", folder / "run.xml")
    (step,) = calibration.steps
    assert step.dofs == ("ankle", "knee")
    if version == "0.9":
        assert step.objective == TorqueError()
        assert step.penalties == ()
    else:
        assert step.objective == NormalizedTorqueError(("all",), 1.5, 1.0)
        assert step.penalties == (LengthPenalty(("all",), 100.0, 2.0, (0.6, 1.4)),)
    assert step.parameters == (
        ParameterChoice("c1", "c1", Single(), (-0.95, -0.05), False),
        ParameterChoice("emDelay", "electromechanical_delay", Global(), (0.01, 0.12), False),
        ParameterChoice(
            "optimalFibreLength", "optimal_fiber_length", Single(("soleus",)), (0.85, 1.15), True
        ),
        ParameterChoice(
            "strengthCoefficient",
            "strength_coefficient",
            Groups((("soleus", "gastroc"), ("tibant",))),
            (0.5, 2.5),
            False,
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<name>c1</name>", "<name>c3</name>", "expected c1 or c2 .* found 'c3'"),
        ("<name>emDelay</name>", "<name>c1</name>", "'c1' stands twice in a step"),
        ("<single/>", "", "parameter 'c1' lacks <single> or <global> or <muscleGroups>"),
        ("<single/>", "<single/><global/>", "more than once"),
        ("-0.95 -0.05", "-0.05 -0.95", "the lower first, found '-0.05 -0.95'"),
        ("run.xml", "ran.xml tun.xml", "names 'ran.xml'.*\n.*names 'tun.xml'"),
        ("run.xml", ".\\walk\\trial.xml", "more than once"),
        ("<openLoop/>", "<hybrid/>", "lacks <openLoop>"),
    ],
)
def test_faults_are_refused(folder: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    path = copy / "calibration.xml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_calibration(path)


def test_the_calibration_of_s06_reads(shared: Path) -> None:
    calibration = read_calibration(shared / "s06_calibration" / "calibrationCfg.xml")
    assert [p.name for p in calibration.steps[0].parameters] == [
        "c1",
        "c2",
        "shapeFactor",
        "tendonSlackLength",
        "optimalFibreLength",
        "strengthCoefficient",
    ]
    assert all(p.scope == Single() for p in calibration.steps[0].parameters)
    assert [p.parent.name for p in calibration.trials] == ["walk36_a", "walk45_a", "run81_a"]
