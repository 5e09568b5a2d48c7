"""The job of `refnms emg`: files in, a folder of envelopes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from refnms.emg import Settings, make_envelopes
from refnms.envelope import Filters, causal, envelope
from refnms.errors import InputError
from refnms.io.files import MARKER
from refnms.io.storage import read_storage, write_storage

RATE, NAMES = 1000.0, ("sol", "gas")


def raw(seed: int, scale: float = 1e-3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    burst = np.sin(np.linspace(0.0, np.pi, 1500)) ** 2
    return scale * np.column_stack([burst, 0.4 * burst[::-1]]) * rng.standard_normal((1500, 2))


def write(folder: Path, name: str, values: np.ndarray, names: tuple[str, ...] = NAMES) -> Path:
    path = folder / f"{name}.sto"
    write_storage(path, 3.0 + np.arange(len(values)) / RATE, names, values, "raw")
    return path


@pytest.fixture
def trials(tmp_path: Path) -> list[Path]:
    return [write(tmp_path, "walk", raw(1)), write(tmp_path, "run", raw(2))]


def test_each_channel_is_divided_by_its_maximum_over_all_files(trials, tmp_path):
    mvc = write(tmp_path, "mvc", raw(3, 2.5e-3))
    summary = make_envelopes(trials, tmp_path / "out", None, [mvc])
    maxima = envelope(raw(3, 2.5e-3), RATE).max(axis=0)
    for seed, name in ((1, "walk"), (2, "run")):
        found = read_storage(tmp_path / "out" / f"{name}.sto")
        assert found.names == NAMES and found.time[0] == 3.0
        np.testing.assert_allclose(found.data, envelope(raw(seed), RATE) / maxima, rtol=1e-12)
    assert not (tmp_path / "out" / "mvc.sto").exists()
    assert {m["trial"] for m in summary["maxima"].values()} == {"mvc"}
    assert json.loads((tmp_path / "out" / MARKER).read_text()) == summary


def test_without_maximal_contractions_the_largest_trial_reaches_one(trials, tmp_path):
    summary = make_envelopes(trials, tmp_path / "out")
    for name in NAMES:
        peaks = [trial["peak"][name] for trial in summary["trials"].values()]
        assert max(peaks) == 1.0 > min(peaks)


def test_settings_are_followed(trials, tmp_path):
    filters = Filters((30.0, 200.0), 3.0, 1)
    settings = Settings(filters, causal=True, channels=("gas=med_gas",), rate=100.0)
    summary = make_envelopes(trials[:1], tmp_path / "out", settings)
    found = read_storage(tmp_path / "out" / "walk.sto")
    assert found.names == ("med_gas",) and len(found.time) == 150
    expected = causal(raw(1)[:, 1:], RATE, filters)
    expected = np.interp(
        found.time, 3.0 + np.arange(1500) / RATE, (expected / expected.max())[:, 0]
    )
    np.testing.assert_allclose(found.data[:, 0], expected, atol=1e-9)
    assert summary["filters"] == {"band": [30.0, 200.0], "low": 3.0, "order": 1, "causal": True}


def test_clipping_is_counted(trials, tmp_path):
    low = np.clip(raw(1), -4e-4, 4e-4)
    low[700:703, 0] = 4e-4
    path = write(tmp_path, "low", low)
    clipped = make_envelopes([path], tmp_path / "out")["trials"]["low"]["clipped"]
    assert clipped["sol"] >= 3 / 1500 and clipped["gas"] < clipped["sol"]


def test_all_problems_of_all_files_come_at_once_and_nothing_is_written(trials, tmp_path):
    flat = raw(4)
    flat[:, 1] = 0.25
    bad = [write(tmp_path, "flat", flat), write(tmp_path, "short", raw(5)[:100])]
    bad.append(write(tmp_path, "other", raw(6), ("sol", "tib")))
    with pytest.raises(InputError) as caught:
        make_envelopes([*trials, *bad], tmp_path / "out")
    told = str(caught.value)
    for part in ("flat.sto, column 'gas': is flat: every sample is 0.25", "short.sto: 100 samples",
                 "other.sto, column 'gas': no column of this name"):  # fmt: skip
        assert part in told
    assert not (tmp_path / "out").exists()


def test_two_trials_of_one_name_are_refused(trials, tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="walk: more than once among the trials"):
        make_envelopes([trials[0], write(tmp_path / "b", "walk", raw(1))], tmp_path / "out")


def test_a_folder_with_other_files_is_not_replaced(trials, tmp_path):
    with pytest.raises(InputError, match="choose another --out"):
        make_envelopes(trials, tmp_path)


def test_a_figure_is_drawn_where_matplotlib_is(trials, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    make_envelopes(trials, tmp_path / "out")
    assert (tmp_path / "out" / "walk.png").stat().st_size > 10_000
