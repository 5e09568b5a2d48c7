"""`refnms doctor`: what it tells, and when it says that something needs mending."""

from __future__ import annotations

import json

from commands import refnms

from refnms import __version__
from refnms.cli import doctor


def test_versions_engine_threads_cache_and_places_are_told(capsys):
    assert refnms("doctor") == 0
    told = capsys.readouterr().out
    assert told.startswith(f"refnms {__version__}, Python 3")
    for word in ("numpy", "scipy", "engine", "threads", "cache", "writable", "(extra `", "extra"):
        assert word in told


def test_json_has_the_same(capsys, monkeypatch):
    monkeypatch.setenv("REFNMS_THREADS", "3")
    assert refnms("doctor", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["refnms"] == __version__ and told["threads"] == "3" and told["problems"] == []
    assert set(told["extras"]) == set(doctor.EXTRAS)
    assert told["writable"]["here"]["ok"] is True


def test_a_place_that_cannot_be_written_needs_mending(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_is_writable", lambda folder: False)
    assert refnms("doctor") == 5
    assert "mend        cannot write here: " in capsys.readouterr().out


def test_a_nonsensical_number_of_threads_needs_mending(capsys, monkeypatch):
    monkeypatch.setenv("REFNMS_THREADS", "many")
    assert refnms("doctor") == 5
    assert "REFNMS_THREADS is 'many'; expected a number of threads" in capsys.readouterr().out


def test_a_missing_package_is_told(capsys, monkeypatch):
    plain = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda n: None if n == "pandas" else plain(n))
    assert refnms("doctor") == 5
    assert "mend        pandas is missing" in capsys.readouterr().out


def test_the_environment_is_one_line():
    assert doctor.environment().startswith(f"refnms {__version__}, Python 3.")
    assert "\n" not in doctor.environment()
