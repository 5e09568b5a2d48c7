from __future__ import annotations

from pathlib import Path

import pytest

from refnms.errors import InputError
from refnms.io.execution import (
    Annealing,
    Hybrid,
    OpenLoop,
    Velocity,
    read_execution,
)
from refnms.model import ElasticTendon, ExponentialActivation, PiecewiseActivation, RigidTendon


def test_an_execution_says_how_to_run(folder: Path, version: str) -> None:
    execution = read_execution(folder / "execution.xml")
    model = execution.muscle_model
    if version == "0.9":
        assert execution.mode == OpenLoop()
        assert execution.velocity == Velocity.OFFLINE
        assert (model.tendon, model.tolerance) == (ElasticTendon(), 1e-9)
        assert model.activation == ExponentialActivation()
    else:
        annealing = Annealing(4, 0.3, 200000.0, 15, 5, 1e-5, 200001)
        assert execution.mode == Hybrid(1.0, 5.0, 10.0, ("ankle",), ("psoas",), (), annealing)
        assert execution.velocity is None
        assert (model.tendon, model.tolerance) == (RigidTendon(), None)
        assert model.activation == PiecewiseActivation()


BASE = (
    "<execution><NMSmodel><type><openLoop/></type><tendon><equilibriumElastic/></tendon>"
    "<activation><exponential/></activation></NMSmodel>\n<online/></execution>"
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("equilibriumElastic", "integrationElastic", "not supported; use <equilibriumElastic>"),
        ("<equilibriumElastic/>", "", "lacks <stiff> or <equilibriumElastic>"),
        ("<online/>", "<online/><offline/>", "line 2: holds both"),
        ("<openLoop/>", "<realTime/>", "CEINMS-RT"),
        ("<openLoop/>", "", "lacks <openLoop> or <hybrid>"),
        ("<online/>", "<ConsumerPlugin/>", "CEINMS-RT"),
        (
            "<equilibriumElastic/>",
            "<equilibriumElastic><tolerance>0</tolerance></equilibriumElastic>",
            "above 0 m",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "execution.xml"
    path.write_text(BASE)
    assert read_execution(path).velocity == Velocity.ONLINE
    path.write_text(BASE.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_execution(path)
