from __future__ import annotations

import pytest
from commands import refnms

from refnms.jit import HAVE_NUMBA


def test_the_command_asks_for_what_belongs_together(tmp_path, capsys):
    for given in (["--trial", "trial.xml"], ["--subject", "subject.xml"]):
        with pytest.raises(SystemExit) as raised:
            refnms("export-c", tmp_path / "out", *given)
        assert raised.value.code == 2 and "--subject" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
def test_bad_files_are_refused_before_anything_is_compiled(project, tmp_path, capsys):
    given = ("--subject", project / "no.xml", "--generator", project / "generator.xml")
    assert refnms("export-c", tmp_path / "out", *given) == 3
    assert "no.xml" in capsys.readouterr().err and not (tmp_path / "out").exists()
