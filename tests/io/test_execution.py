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


HYBRID = """<hybrid>
<alpha>1</alpha><beta>2</beta>
<gamma>{gamma}</gamma><dofSet>knee</dofSet>
<synthMTUs>a b</synthMTUs>
<adjustMTUs>c</adjustMTUs>
<algorithm><simulatedAnnealing><noEpsilon>4</noEpsilon><rt>.3</rt><T>20</T><NS>15</NS><NT>{nt}</NT>
<epsilon>1.E-3</epsilon><maxNoEval>2000</maxNoEval></simulatedAnnealing></algorithm></hybrid>"""


def test_a_hybrid_execution_knows_on_which_line_each_thing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "execution.xml"
    path.write_text(BASE.replace("<openLoop/>", HYBRID.format(gamma=3, nt=5)))
    mode = read_execution(path).mode
    assert isinstance(mode, Hybrid)
    wanted = {"alpha": 2, "beta": 2, "gamma": 3, "dofs": 3, "synthesized": 4, "adjusted": 5}
    assert mode.lines == wanted


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("equilibriumElastic", "integrationElastic", "not supported; use <equilibriumElastic>"),
        ("<equilibriumElastic/>", "", "lacks <stiff> or <equilibriumElastic>"),
        ("<online/>", "<online/><offline/>", "line 2: holds both"),
        ("<openLoop/>", "<realTime/>", "CEINMS-RT"),
        ("<openLoop/>", "", "lacks <openLoop> or <hybrid>"),
        ("<online/>", "<ConsumerPlugin/>", "CEINMS-RT"),
        ("<openLoop/>", HYBRID.format(gamma=-3, nt=5), "line 3: .*gamma: expected a number of 0"),
        (
            "<openLoop/>",
            HYBRID.format(gamma=3, nt=0),
            "line 6: .*simulatedAnnealing/NT: expected a whole number of 1 or more, found '0'",
        ),
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
