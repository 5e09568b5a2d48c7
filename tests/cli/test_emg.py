"""`refnms emg` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import refnms

from refnms.io.storage import read_storage, write_storage


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    rng = np.random.default_rng(6)
    values = np.clip(1e-3 * rng.standard_normal((1500, 2)), -2e-3, None)
    values[100:104, 0] = -2e-3
    time = np.arange(1500) / 1000.0
    write_storage(tmp_path / "walk.sto", time, ["sol", "tib"], values, "raw")
    return tmp_path / "walk.sto"


def test_envelopes_are_written_and_maxima_and_clipping_told(raw, tmp_path, capsys):
    assert refnms("emg", raw, "--out", tmp_path / "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["channel", "maximum", "where"]
    assert lines[1].split()[0] == "sol" and "walk at" in lines[1]
    assert any("clipped" in line and "of sol in walk" in line for line in lines)
    assert lines[-1] == f"written to {tmp_path / 'out'}"
    assert read_storage(tmp_path / "out" / "walk.sto").data.max(axis=0).tolist() == [1.0, 1.0]


def test_options_reach_the_filters(raw, tmp_path, capsys):
    options = ("--band", "30", "200", "--low", "4", "--order", "1", "--causal", "--rate", "100")
    more = ("--channel", "tib=tib_ant", "--max", raw, "--out", tmp_path / "out", "--json")
    assert refnms("emg", raw, *options, *more) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["filters"] == {"band": [30.0, 200.0], "low": 4.0, "order": 1, "causal": True}
    assert list(told["maxima"]) == ["tib_ant"] and told["trials"]["walk"]["rate"] == 100.0


def test_a_band_the_wrong_way_round_is_usage(raw, tmp_path, capsys):
    with pytest.raises(SystemExit):
        refnms("emg", raw, "--band", "450", "20", "--out", tmp_path / "out")
    assert "the lower end comes first" in capsys.readouterr().err


def test_what_cannot_be_filtered_is_bad_input(raw, tmp_path, capsys):
    assert refnms("emg", raw, "--band", "20", "600", "--out", tmp_path / "out") == 3
    told = capsys.readouterr().err
    assert "lower it with --band 20 450" in told and "[RN801]" in told
