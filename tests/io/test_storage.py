"""Storage files: every dialect reads, every fault is refused, and no number is invented."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refnms.errors import InputError, InputWarning
from refnms.io.storage import CEINMS, OPENSIM, Layout, Table, read_storage, write_storage

ROWS = "time\tsoleus_r\tmed_gas_r\n0.01\t0.25\t-1e-3\n0.02\t0.26\t2.5\n0.03\t.27\t+3.\n"
EXPECTED = np.array([[0.01, 0.25, -1e-3], [0.02, 0.26, 2.5], [0.03, 0.27, 3.0]])
CLASSIC = "run 1\nversion=1\nnRows=3\nnColumns=3\ninDegrees=no\n\nfree text, 2 lines\nendheader\n"

DIALECTS = {
    "classic": CLASSIC + ROWS,
    "without version": "run 1\nnRows=3\nnColumns=3\n \nendheader\n" + ROWS,
    "other key order": "inDegrees=no\nnColumns=3\nnRows=3\nDataType=double\nendheader\n" + ROWS,
    "SIMM inside classic": "run 1\nnRows=3\nnColumns=3\n\nname run 1\ndatacolumns 3\ndatarows 3\n"
    "otherdata 1\nrange 0.01 0.03\nendheader\n" + ROWS,
    "SIMM": "name f.mot\t\t\ndatacolumns 3\t\t\ndatarows 3\t\t\nrange 0 1\t\t\nendheader\t\t\n"
    + ROWS,
    "CEINMS output": "CEINMS output\ndatacolumns 3\ndatarows 3\nendheader\n"
    + ROWS.replace("\n", "\t\n"),
    "OpenSim 4": "\nDataType=double\nversion=3\nOpenSimVersion=4.1-2020-03-21-b3b1\nendheader\n"
    + ROWS,
    "Moco": "inDegrees=no\nnum_iterations=98\nobjective=1.5\nstatus=Solve_Succeeded\nsuccess=true\n"
    "nColumns=3\nnRows=3\nDataType=double\nversion=3\nendheader\n" + ROWS,
    "spreadsheet": '"run 1"\t\t\n"Nrows=3"\t\t\n"Ncolumns=3"\t\t\n"endheader"\t\t\n' + ROWS,
    "data by spaces": CLASSIC + ROWS.splitlines()[0] + "\n   0.01 0.25  -1e-3\n"
    " 0.02   0.26 2.5 \n0.03\t.27 +3.\n",
    "labels by spaces": CLASSIC + ROWS.replace("time\tsoleus_r\t", "time soleus_r  "),
    "padded": CLASSIC + "\n\n" + ROWS.replace("\t", "\t   ").replace("\n", "\t\n"),
    "windows": "\ufeff" + (CLASSIC + ROWS).replace("\n", "\r\n"),
    "old mac": (CLASSIC + ROWS).replace("\n", "\r"),
    "blank lines between": CLASSIC + ROWS.replace("\n0.02", "\n\n \t\n0.02") + "\n",
}


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "f.sto"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def problems(folder: Path, content: str | bytes) -> list[tuple[int | None, object, str]]:
    with pytest.raises(InputError) as caught:
        read_storage(written(folder, content))
    return [(p.line, p.column, p.message) for p in caught.value.problems]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_table(dialect: str, tmp_path: Path) -> None:
    table = read_storage(written(tmp_path, DIALECTS[dialect]))
    assert table.names == ("soleus_r", "med_gas_r")
    assert np.array_equal(np.column_stack((table.time, table.data)), EXPECTED)


def test_the_header_is_kept_for_information(tmp_path: Path) -> None:
    table = read_storage(written(tmp_path, DIALECTS["classic"]))
    assert (table.title, table.in_degrees, table.metadata["version"]) == ("run 1", False, "1")
    assert read_storage(written(tmp_path, DIALECTS["windows"])).title == "run 1"
    table = read_storage(written(tmp_path, DIALECTS["SIMM"]))
    assert (table.title, table.in_degrees, table.metadata["range"]) == ("f.mot", None, "0 1")
    table = read_storage(written(tmp_path, DIALECTS["Moco"].replace("=no", "=yes")))
    assert (table.title, table.in_degrees, table.metadata["objective"]) == ("", True, "1.5")


def test_each_row_knows_its_line(tmp_path: Path) -> None:
    assert list(read_storage(written(tmp_path, DIALECTS["classic"])).lines) == [10, 11, 12]
    assert list(read_storage(written(tmp_path, DIALECTS["windows"])).lines) == [10, 11, 12]


VECTORS = (
    "DataType=Vec3\nnColumns=3\nendheader\ntime\tknee\thip\n0.1\t1,2,3\t4,5,6\n0.2\t1,2,3\t7,8,9\n"
)


def test_vector_cells_become_numbered_columns(tmp_path: Path) -> None:
    table = read_storage(written(tmp_path, VECTORS))
    assert table.names == ("knee_1", "knee_2", "knee_3", "hip_1", "hip_2", "hip_3")
    assert np.array_equal(table.data, [[1, 2, 3, 4, 5, 6], [1, 2, 3, 7, 8, 9]])


@pytest.mark.parametrize("row", ["0.2\t1,2\t7,8,9,9", "0.2\t1,,3\t7,8,9", "0,2\t1,2,3\t7,8,9"])
def test_incomplete_vectors_are_refused(row: str, tmp_path: Path) -> None:
    content = VECTORS.replace("0.2\t1,2,3\t7,8,9", row)
    assert problems(tmp_path, content)[0][0] == 6


def test_vectors_under_a_scalar_header_are_refused(tmp_path: Path) -> None:
    assert "plain decimal" in problems(tmp_path, VECTORS.replace("Vec3", "double"))[0][2]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("nan", "not a finite number"),
        ("NaN", "not a finite number"),
        ("-inf", "not a finite number"),
        ("Infinity", "not a finite number"),
        ("-1.#IND", "not a finite number"),
        ("1.#QNAN", "not a finite number"),
        ("3,5", "decimal comma"),
        ("1D2", "Fortran"),
        ("1e999", "too large"),
        ("0x1F", "plain decimal"),
        ("1_000", "plain decimal"),
        ("1.2.3", "plain decimal"),
        ("1e", "plain decimal"),
        ("--1", "plain decimal"),
        ("1-2", "plain decimal"),
        (".", "plain decimal"),
        ("true", "plain decimal"),
        ('"0.26"', "plain decimal"),
        ("\u0663", "plain decimal"),  # an Arabic digit, which float() takes
        ("0.26\u00a0", "plain decimal"),  # no-break space
        ("0.26\x0b", "plain decimal"),
        ("", "empty cell"),
    ],
)
def test_cells_that_are_no_plain_numbers_are_refused(
    cell: str, reason: str, tmp_path: Path
) -> None:
    found = problems(tmp_path, DIALECTS["classic"].replace("\t0.26\t", f"\t{cell}\t"))
    assert [(line, column) for line, column, _ in found] == [(11, "soleus_r")]
    assert reason in found[0][2]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("0.02\t0.26\t2.5", "0.02\t0.26", 11, "expected 3 cells"),
        ("0.02\t0.26\t2.5", "0.02\t0.26\t2.5\t7", 11, "expected 3 cells"),
        ("0.02\t0.26\t2.5", "0.02\t\t0.26\t2.5", 11, "expected 3 cells"),
        ("0.02\t0.26\t2.5", "\t0.02\t0.26\t2.5", 11, "expected 3 cells"),
        ("0.02\t0.26\t2.5", "\t0.26\t2.5", 11, "empty cell"),
        ("0.03\t.27\t+3.\n", "0.03\t.27\n", 12, "expected 3 cells"),
        ("0.03\t.27\t+3.\n", "0.03\t.27\t+3.", 12, "newline"),
        ("0.03\t.27\t+3.\n", "0.03\t.27\t+3.\n  ", 13, "newline"),
        ("0.03\t.27\t+3.\n", "", None, "was it cut"),
        ("nRows=3", "nRows=1000000000000", None, "was it cut"),
        ("0.02\t", "0.2\t", 12, "time goes back"),
        ("0.02\t", "nan\t", 11, "finite"),
        ("0.02\t", "1e999\t", 11, "too large"),
        ("time\t", "0.01\t", 9, "first label"),
        ("time\t", "\t", 9, "first label"),
        ("soleus_r", " ", 9, "label 2 is empty"),
        ("\tmed_gas_r", "", 10, "expected 2 cells as the labels say, found 3 (and 2 more rows)"),
        ("med_gas_r", "med_gas_r\ttib_ant_r", 10, "expected 4 cells"),
        ("endheader", "endhaeder", None, "endheader"),
        ("run 1", "run\0", 1, "no text"),
    ],
)
def test_faults_of_the_table_are_refused(
    old: str, new: str, line: int | None, reason: str, tmp_path: Path
) -> None:
    assert old in DIALECTS["classic"]
    found = problems(tmp_path, DIALECTS["classic"].replace(old, new, 1))
    assert len(found) == 1
    assert found[0][0] == line
    assert reason in found[0][2]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-be", "latin-1"])
def test_other_encodings_are_refused(encoding: str, tmp_path: Path) -> None:
    found = problems(tmp_path, DIALECTS["classic"].replace("free", "été").encode(encoding))
    assert "UTF-8" in found[0][2]


def test_labels_may_be_of_any_language(tmp_path: Path) -> None:
    table = read_storage(written(tmp_path, DIALECTS["classic"].replace("soleus_r", "wadenmüskel")))
    assert table.names[0] == "wadenmüskel"


@pytest.mark.parametrize(
    "content", ["", "\n", "endheader\n", "endheader\ntime\ta\n", "x" * 300_000]
)
def test_a_file_without_rows_is_refused(content: str, tmp_path: Path) -> None:
    assert len(problems(tmp_path, content)) == 1


def test_a_missing_file_or_a_folder_is_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.sto", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_storage(path)


def test_all_faulty_columns_are_told_at_once(tmp_path: Path) -> None:
    content = DIALECTS["classic"].replace("0.26", "nan").replace(".27", "nan").replace("2.5", "2,5")
    found = problems(tmp_path, content)
    assert [(line, column) for line, column, _ in found] == [(11, "soleus_r"), (11, "med_gas_r")]
    assert "and 1 more rows" in found[0][2]


def test_a_file_full_of_faults_is_told_briefly(tmp_path: Path) -> None:
    names, cells = ("\t".join(f"{letter}{k}" for k in range(100)) for letter in ("m", "x"))
    found = problems(tmp_path, f"endheader\ntime\t{names}\n0\t{cells}\n")
    assert len(found) == 21
    assert "80 more columns" in found[-1][2]


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("nRows=3", "nRows=2", "declares 2 rows; all 3"),
        ("nColumns=3", "nColumns=5", "declares 5 columns; all 3"),
        ("nRows=3", "nRows=three", "make no sense"),
        ("free text", "datarows 2", "make no sense"),
    ],
)
def test_a_header_that_disagrees_is_warned_of(
    old: str, new: str, warning: str, tmp_path: Path
) -> None:
    content = re.sub(old + ".*", new, DIALECTS["classic"])
    with pytest.warns(InputWarning, match=warning):
        assert len(read_storage(written(tmp_path, content)).time) == 3


def test_of_repeated_times_the_last_row_counts(tmp_path: Path) -> None:
    content = CLASSIC.replace("nRows=3", "nRows=6") + (
        "time\ta\tb\n0\t1\t1\n0\t2\t2\n0.0\t3\t3\n1\t4\t4\n2\t5\t5\n2\t6\t6\n"
    )
    with pytest.warns(InputWarning, match="3 rows repeat"):
        table = read_storage(written(tmp_path, content))
    assert list(table.time) == [0, 1, 2]
    assert list(table.data[:, 0]) == [3, 4, 6]
    assert list(table.lines) == [12, 13, 15]


def test_the_mislabeled_file_of_ceinms_is_known_by_name(tmp_path: Path) -> None:
    path = tmp_path / "ObjectiveFunctionComponentsAndWeightings.sto"
    path.write_text("CEINMS output\ndatacolumns 94\ndatarows 1\nendheader\ntime\ta\tb\n1\t2\n")
    with pytest.raises(InputError, match="alpha, beta, gamma"):
        read_storage(path)


def test_columns_are_picked_by_name_in_any_order(tmp_path: Path) -> None:
    table = read_storage(written(tmp_path, DIALECTS["classic"]))
    assert np.array_equal(table.columns(["med_gas_r", "soleus_r"]), EXPECTED[:, [2, 1]])
    assert table.columns([]).shape == (3, 0)


def test_all_missing_columns_are_told_with_the_nearest_names(tmp_path: Path) -> None:
    table = read_storage(written(tmp_path, DIALECTS["classic"].replace("free", "été")))
    with pytest.raises(InputError) as caught:
        table.columns(["soleus_l", "soleus_r", "tib_ant_r"])
    assert [(p.line, p.column) for p in caught.value.problems] == [
        (9, "soleus_l"),
        (9, "tib_ant_r"),
    ]
    assert "nearest are soleus_r" in caught.value.problems[0].message


def test_repeated_labels_matter_only_when_asked_for(tmp_path: Path) -> None:
    content = "endheader\ntime\ta\tb\ta\n0\t1\t2\t3\n"
    table = read_storage(written(tmp_path, content))
    assert table.columns(["b"]) == [[2.0]]
    with pytest.raises(InputError, match="2 columns"):
        table.columns(["a"])


# Writing.

finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, list[str], np.ndarray]:
    names = draw(st.lists(st.from_regex(r"[a-zA-Z_][\w .=/|-]*[\w|]", fullmatch=True), max_size=4))
    time = np.array(sorted(draw(st.sets(finite, min_size=1, max_size=5))))
    cells = st.lists(finite, min_size=len(time) * len(names), max_size=len(time) * len(names))
    return time, names, np.array(draw(cells)).reshape(len(time), len(names))


@pytest.mark.parametrize("layout", [OPENSIM, CEINMS])
@given(written_table=tables())
def test_reading_gives_back_what_was_written(
    layout: Layout,
    written_table: tuple[np.ndarray, list[str], np.ndarray],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    time, names, values = written_table
    path = tmp_path_factory.getbasetemp() / "f.sto"
    write_storage(path, time, names, values, "a title", layout)
    table = read_storage(path)
    assert table.names == tuple(names)
    assert table.title == "a title"
    assert np.array_equal(table.time, time)
    assert np.array_equal(table.data, values)
    assert np.array_equal(np.signbit(table.data), np.signbit(values))


def test_the_layouts_are_those_of_opensim_and_ceinms(tmp_path: Path) -> None:
    path, time, data = tmp_path / "f.sto", np.array([0.1, 0.2]), np.array([[1.0], [1 / 3]])
    write_storage(path, time, ["a"], data, "run 1")
    assert path.read_text() == (
        "run 1\nversion=1\nnRows=2\nnColumns=2\ninDegrees=no\nendheader\n"
        "time\ta\n0.1\t1.0\n0.2\t0.3333333333333333\n"
    )
    write_storage(path, time, ["a"], data, "CEINMS output", CEINMS)
    assert path.read_text() == (
        "CEINMS output\ndatacolumns 2\ndatarows 2\nendheader\n"
        "time\ta\t\n0.1\t1.0\t\n0.2\t0.3333333333333333\t\n"
    )


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    path, time = tmp_path / "f.sto", np.array([0.0, 1.0])
    for name in ("", "a\tb", "a\nb", " a", '"a"'):
        with pytest.raises(InputError, match="label"):
            write_storage(path, time, [name], np.ones((2, 1)), "t")
    with pytest.raises(InputError, match="row 2 is not finite") as caught:
        write_storage(path, time, ["a", "b"], np.array([[1, 1], [1, np.nan]]), "t")
    assert caught.value.problems[0].column == "b"
    with pytest.raises(ValueError, match="columns"):
        write_storage(path, time, ["a", "b"], np.ones((2, 1)), "t")
    assert not path.exists()


# Real files, and damaged ones.


def cells_of_rows(content: bytes, table: Table) -> list[list[float]]:
    """The numbers in the lines that the rows of a table claim to stand in."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return [[float(c) for c in re.split(rb"[\s,]+", lines[k - 1].strip())] for k in table.lines]


def test_every_shared_file_reads_without_a_warning(shared: Path) -> None:
    paths = [p for p in sorted(shared.rglob("*")) if p.suffix in (".sto", ".mot")]
    assert len(paths) == 699
    for path in paths:
        table = read_storage(path)
        rows = path.read_bytes().lower().partition(b"endheader")[2].split(b"\n")[2:-1]
        assert list(table.lines) == list(
            range(table.label_line + 1, table.label_line + 1 + len(rows))
        )
        assert [float(row.split()[-1]) for row in rows] == table.data[:, -1].tolist()
        assert [float(row.split()[0]) for row in rows] == table.time.tolist()


TOKENS = ["nan", "inf", "-1.#IND", "1e999", "1,5", "1D2", "0x10", "", "-", "7", "time", "endheader"]
SEEDS = [DIALECTS[d].encode() for d in ("classic", "SIMM", "CEINMS output", "OpenSim 4", "padded")]
SEEDS.append(VECTORS.encode())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid file after one to three accidents."""
    content = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(content)))
        lines = content.split(b"\n")
        row = draw(st.integers(0, len(lines) - 1))
        cells = lines[row].split(b"\t")
        cell = draw(st.integers(0, len(cells) - 1))
        match draw(st.integers(0, 11)):
            case 0:
                content = content[:at]
            case 1:
                content = content[:at] + bytes([draw(st.integers(0, 255))]) + content[at + 1 :]
            case 2:
                content = content[:at] + draw(st.binary(max_size=3)) + content[at:]
            case 3:
                content = content[:at] + content[at + draw(st.integers(1, 20)) :]
            case 4:
                cells[cell] = draw(st.sampled_from(TOKENS)).encode()
            case 5:
                del cells[cell]
            case 6:
                cells.insert(cell, cells[cell])
            case 7:
                other = draw(st.integers(0, len(lines) - 1))
                lines[row], lines[other] = lines[other], lines[row]
                content = b"\n".join(lines)
                continue
            case 8:
                lines.insert(row, lines[row])
                content = b"\n".join(lines)
                continue
            case 9:
                content = re.sub(rb"(=|datarows )3", rb"\g<1>%d" % at, content)
            case 10:
                content = content.replace(b"\n", draw(st.sampled_from([b"\r\n", b"\r", b"\n\r"])))
            case 11:
                encoding = draw(st.sampled_from(["utf-16", "utf-8-sig", "utf-32", "utf-7"]))
                content = content.decode("latin-1").encode(encoding)
        if cells != lines[row].split(b"\t"):
            lines[row] = b"\t".join(cells)
            content = b"\n".join(lines)
    return content


@settings(max_examples=1500)
@given(content=damaged())
def test_no_damage_gives_a_traceback_or_a_number_that_is_not_in_the_file(content: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        patch.setattr(Path, "read_bytes", lambda path: content)
        try:
            table = read_storage("f.sto")
        except InputError as error:
            assert error.problems
            return
    rows = np.column_stack((table.time, table.data))
    assert rows.shape == (len(table.lines), 1 + len(table.names))
    assert rows.tolist() == cells_of_rows(content.removeprefix(b"\xef\xbb\xbf"), table)
    assert np.isfinite(rows).all()
    assert (np.diff(table.time) > 0).all()


@pytest.mark.parametrize("dialect", ["classic", "CEINMS output", "SIMM"])
def test_a_file_with_row_counts_cut_anywhere_is_refused(dialect: str) -> None:
    content = DIALECTS[dialect].encode()
    for cut in range(len(content)):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(InputError):
            patch.setattr(Path, "read_bytes", lambda path, cut=cut: content[:cut])
            read_storage("f.sto")


def test_a_table_becomes_a_data_frame(tmp_path):
    write_storage(tmp_path / "a.sto", np.array([0.0, 0.1]), ["m", "n"], np.eye(2), "a")
    frame = read_storage(tmp_path / "a.sto").to_frame()
    assert list(frame.columns) == ["m", "n"]
    assert frame.loc[0.1, "n"] == 1.0
    assert frame.index.name == "time"
