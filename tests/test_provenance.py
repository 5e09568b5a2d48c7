"""Where a result comes from can be told from its record."""

from __future__ import annotations

import hashlib
import sys
from datetime import datetime

import numpy

from refnms import __version__
from refnms.provenance import provenance


def test_files_are_told_by_hash_relative_to_the_root(tmp_path):
    (tmp_path / "a").mkdir()
    near, far = tmp_path / "a" / "near.xml", tmp_path / "far.sto"
    near.write_bytes(b"one")
    far.write_bytes(b"three")
    found = provenance([near, far, near], near.parent)["inputs"]
    assert [(f["file"], f["bytes"]) for f in found] == [("near.xml", 3), ("../far.sto", 5)]
    assert [f["sha256"] for f in found] == [
        hashlib.sha256(t).hexdigest() for t in (b"one", b"three")
    ]


def test_versions_machine_and_time_are_told(tmp_path):
    found = provenance([], tmp_path)
    assert found["versions"]["refnms"] == __version__
    assert found["versions"]["numpy"] == numpy.__version__
    assert found["machine"]["processor"] and found["engine"] in ("numba", "numpy")
    assert datetime.fromisoformat(found["finished"]).utcoffset() is not None


def test_the_command_can_be_typed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/x/refnms/__main__.py", "calibrate", "my set-up.xml"])
    assert provenance([], tmp_path)["command"] == "refnms calibrate 'my set-up.xml'"
    monkeypatch.setattr(sys, "argv", ["/home/me/fit.py"])
    assert provenance([], tmp_path)["command"] == "fit.py"
