from __future__ import annotations

import json
import subprocess
import sys

import pytest
from commands import files, refnms

from refnms.golden import names, text


def test_out_writes_the_files_as_they_are(tmp_path, capsys):
    assert refnms("golden", "--out", tmp_path / "new" / "g") == 0
    assert files(tmp_path / "new" / "g") == {name: text(name).encode() for name in names()}
    assert capsys.readouterr().out == f"wrote {len(names())} files to {tmp_path / 'new' / 'g'}\n"


def test_out_again_puts_back_what_was_changed(tmp_path):
    refnms("golden", "--out", tmp_path)
    (tmp_path / "force.csv").write_text("other")
    (tmp_path / "mine.csv").write_text("mine")
    assert refnms("golden", "--out", tmp_path) == 0
    assert (tmp_path / "force.csv").read_text() == text("force.csv")
    assert (tmp_path / "mine.csv").read_text() == "mine"


def test_right_numbers_are_told_and_end_with_0(tmp_path, capsys):
    refnms("golden", "--out", tmp_path)
    capsys.readouterr()
    assert refnms("golden", "--check", tmp_path / "force.csv", tmp_path / "curves.csv") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{tmp_path / 'force.csv'}: 880 numbers; all right, to 0.0e+00",
        f"{tmp_path / 'curves.csv'}: {2 * (text('curves.csv').count(chr(10)) - 1)} numbers; "
        "all right, to 0.0e+00",
    ]


def test_wrong_numbers_are_named_and_end_with_4(tmp_path, capsys):
    head, *rows = text("activation.csv").splitlines()
    at = head.split(",").index("by_shape_factor")
    cells = [row.split(",") for row in rows]
    wrong = [[*c[:at], repr(float(c[at]) * 1.001), *c[at + 1 :]] for c in cells]
    mine = tmp_path / "mine.csv"
    mine.write_text("\n".join([head, *map(",".join, wrong)]) + "\n")
    assert refnms("golden", "--check", mine) == 4
    first, column, *lines = capsys.readouterr().out.splitlines()
    assert first == f"{mine}: {3 * len(rows)} numbers; {len(rows)} wrong"
    assert column == f"  activation: by_shape_factor: {len(rows)} wrong, in {len(rows)} entries"
    assert len(lines) == 21
    assert all(line.startswith("  activation/") for line in lines[:-1])
    assert lines[-1] == f"  and {len(rows) - 20} more, less far off"


def test_what_is_left_out_is_told(tmp_path, capsys):
    mine = tmp_path / "mine.csv"
    mine.write_text("entry,value\ncurves/thelen-2003/force_velocity/10,0.0\n")
    refnms("golden", "--check", mine)
    assert "1 numbers, 685 left out" in capsys.readouterr().out


def test_the_same_as_json(tmp_path, capsys):
    mine = tmp_path / "mine.csv"
    mine.write_text("entry,value\ncurves/thelen-2003/force_velocity/10,nan\n")
    assert refnms("golden", "--check", mine, "--json") == 4
    (told,) = json.loads(capsys.readouterr().out)["files"]
    (wrong,) = told.pop("wrong")
    assert told["numbers"] == 1 and told["left_out"] == 685
    assert wrong["column"] == "value" and wrong["given"] is None and wrong["error"] is None
    assert refnms("golden", "--out", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["files"] == names()


def test_bad_input_ends_with_3_and_is_told_for_every_line(tmp_path, capsys):
    mine = tmp_path / "mine.csv"
    mine.write_text("entry,value\nx,1\ny,2\n")
    assert refnms("golden", "--check", mine) == 3
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(": ")[1] for error in errors] == [f"{mine}, line 2", f"{mine}, line 3"]
    assert all(error.endswith("]") and "RN000" not in error for error in errors)


@pytest.mark.parametrize("arguments", [(), ("--out", "a", "--check", "b")])
def test_one_thing_is_asked_for_at_a_time(arguments):
    with pytest.raises(SystemExit) as ended:
        refnms("golden", *arguments)
    assert ended.value.code == 2


def test_a_check_needs_nothing_but_python(tmp_path):
    """No NumPy, so that it starts at once."""
    refnms("golden", "--out", tmp_path)
    program = (
        "import sys; sys.modules |= dict.fromkeys(('numpy', 'numba', 'scipy', 'pandas'))\n"
        "from refnms.golden import compare\n"
        f"assert not compare({str(tmp_path / 'force.csv')!r}).wrong"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
