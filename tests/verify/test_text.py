"""The summary that is read in ten seconds."""

from __future__ import annotations

from dataclasses import replace

from refnms.verify.records import Place
from refnms.verify.text import summary


def test_the_verdict_comes_first_and_what_is_left_out_last(certified):
    found = certified
    lines = summary(found).splitlines()
    assert lines[0].startswith("PASSED: ")
    assert "3 muscles, trials walk, jump: 144 samples" in lines[1]
    assert len(lines) < 20
    slack = next(line for line in lines if line.startswith("  slack tendon: "))
    counted = sum(int(part.rpartition(" ")[2]) for part in slack.partition(": ")[2].split(", "))
    assert counted == sum(k.samples for k in found.kinks if k.kind == "slack tendon")
    doubtful = next(line for line in lines if line.startswith("gradient doubtful in "))
    assert f" {found.samples - found.determinate} samples" in doubtful

    place = Place("tendon_force by c1", "soleus", "walk", 3, curve="force_velocity")
    wrong = replace(found.checks[0], error=1e-3, wrong=(place,) * 5)
    follows = replace(found.checks[1], error=2e-4, wrong=(place,))
    lines = summary(replace(found, checks=(wrong, follows, *found.checks[2:]))).splitlines()
    assert lines[0].startswith(f"FAILED: 2 of {len(found.checks)} checks")
    assert lines[1] == "  curve slopes: off by 1.0e-03 (allowed 1e-09)"
    assert lines[2] == "    tendon_force by c1, curve force_velocity, soleus, walk, frame 3"
    assert lines[5] == "    and 2 quantities more"
    assert lines[6] == "  curve joints: 2.0e-04"
