"""`refnms explain`."""

from __future__ import annotations

import pytest
from commands import refnms

from refnms.catalogue import entries


@pytest.mark.parametrize("code", ["RN203", "rn203", "[RN203]"])
def test_a_code_is_explained(code, capsys):
    assert refnms("explain", code) == 0
    told = capsys.readouterr().out
    assert told == f"{entries()['RN203']}\n" and "A cell is not a number" in told


def test_without_a_code_all_are_listed(capsys):
    assert refnms("explain") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(entries())


def test_an_unknown_code_is_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        refnms("explain", "RN999")
    assert caught.value.code == 2 and "there is no code RN999" in capsys.readouterr().err
