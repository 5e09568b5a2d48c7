"""Every mistake that a set-up is likely to hold, made in it, and what a user is told of it.

The lists have one mistake a line, however long.
"""
# ruff: noqa: E501

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from refnms import cli, example

FORMATS = Path(__file__).resolve().parents[1] / "formats"
EXAMPLE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.M | re.S)
TABLE, CALIBRATE, RUN = "check emg.sto", "check calibrationSetup.xml", "check run.xml"
HEAD = """\
# Every mistake with its message

Each message below was printed by the command above it, on a set-up with one mistake in it: the muscle of the pages on
[file formats](files.md), or the arm of `refnms demo --files person`. What a check says of that set-up anyway is left
out. The code at the end of an error has [a page](errors.md); warnings and notes are questions and let a job go on.
`python docs/make.py mistakes` makes this page anew.
"""


class Mistake(NamedTuple):
    what: str
    file: str
    change: Callable[[str], str | bytes | None]  # text -> text; None: the file is taken away
    command: str
    without: str = ""  # a package that is not there


def put(old: str, new: str) -> Callable[[str], str]:
    """The text with something else in one place."""

    def change(text: str) -> str:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        return text.replace(old, new)

    return change


def gone(_: str) -> None:
    return None


def scaled(
    factor: float, columns: slice = slice(1, None), add: float = 0.0
) -> Callable[[str], str]:
    """A table whose numbers are multiplied, and shifted."""

    def change(text: str) -> str:
        head, body = text.split("endheader\n")
        labels, *rows = body.splitlines()
        for r, row in enumerate(rows):
            cells = row.split("\t")
            cells[columns] = [f"{factor * float(cell) + add:.17g}" for cell in cells[columns]]
            rows[r] = "\t".join(cells)
        return "\n".join([f"{head}endheader", labels, *rows, ""])

    return change


def without_column(name: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        head, body = text.split("endheader\n")
        rows = [line.split("\t") for line in body.splitlines()]
        keep = [i for i, label in enumerate(rows[0]) if label != name]
        return "\n".join([f"{head}endheader", *("\t".join(r[i] for i in keep) for r in rows), ""])

    return change


def column(name: str, value: Callable[[list[str]], str]) -> Callable[[str], str]:
    """A table with one column computed from its row."""

    def change(text: str) -> str:
        head, body = text.split("endheader\n")
        rows = [line.split("\t") for line in body.splitlines()]
        i = rows[0].index(name)
        for row in rows[1:]:
            row[i] = value(row)
        return "\n".join([f"{head}endheader", *("\t".join(row) for row in rows), ""])

    return change


def later(rows: int) -> Callable[[str], str]:
    """A table whose numbers come so many rows later."""

    def change(text: str) -> str:
        head, body = text.split("endheader\n")
        labels, *lines = body.splitlines()
        times, cells = zip(*(line.split("\t", 1) for line in lines), strict=True)
        turned = cells[-rows:] + cells[:-rows]
        lines = ["\t".join(row) for row in zip(times, turned, strict=True)]
        return "\n".join([f"{head}endheader", labels, *lines, ""])

    return change


# fmt: off
CELL = "-0.04\t0.12"
TABLES = [
    Mistake("An empty cell", "person/reach/emg.sto", lambda text: re.sub(r"^(-0.1\t\S+\t)\S+", r"\1", text, flags=re.M), "check person/reach/emg.sto"),
    Mistake("A row that is too short", "emg.sto", put(CELL, "-0.04"), TABLE),
    Mistake("A row that is too long", "emg.sto", put(CELL, CELL + "\t0.3"), TABLE),
    Mistake("A header with the wrong number of columns", "lmt.sto", put("nColumns=2", "nColumns=5"), "check lmt.sto"),
    Mistake("A header with fewer rows than there are", "lmt.sto", put("nRows=4", "nRows=2"), "check lmt.sto"),
    Mistake("A header with more rows than there are", "lmt.sto", put("nRows=4", "nRows=9"), "check lmt.sto"),
    Mistake("NaN", "emg.sto", put(CELL, "-0.04\tnan"), TABLE),
    Mistake("Infinity", "emg.sto", put(CELL, "-0.04\tinf"), TABLE),
    Mistake("A word", "emg.sto", put(CELL, "-0.04\tmissing"), TABLE),
    Mistake("What a Microsoft program writes for NaN", "emg.sto", put(CELL, "-0.04\t-1.#IND"), TABLE),
    Mistake("The same, quiet", "emg.sto", put(CELL, "-0.04\t1.#QNAN"), TABLE),
    Mistake("A decimal comma", "emg.sto", put(CELL, "-0.04\t0,12"), TABLE),
    Mistake("An exponent of Fortran", "emg.sto", put(CELL, "-0.04\t1D2"), TABLE),
    Mistake("A number beyond all numbers", "emg.sto", put(CELL, "-0.04\t1e999"), TABLE),
    Mistake("A last row that was cut", "emg.sto", lambda text: text[: text.rindex("\t")] + "\n", TABLE),
    Mistake("Last digits that may have been cut", "emg.sto", lambda text: text.rstrip("\n"), TABLE),
    Mistake("Time that stands twice", "emg.sto", put("-0.03\t", "-0.04\t"), TABLE),
    Mistake("Time that goes back", "emg.sto", put("-0.03\t", "-0.05\t"), TABLE),
    Mistake("A header and nothing below", "emg.sto", lambda text: text.split("endheader")[0] + "endheader\n", TABLE),
    Mistake("No header", "emg.sto", lambda text: text.split("endheader\n")[1], TABLE),
    Mistake("UTF-16", "emg.sto", lambda text: text.encode("utf-16"), TABLE),
    Mistake("Raw EMG: no column of time", "raw.csv", put("time,", "sample,"), "emg raw.csv --out envelopes"),
    Mistake("Raw EMG: sampled too slowly for the band", "raw.csv", lambda text: text.replace("0.00", "0.0"), "emg raw.csv --out envelopes"),
]
NAMES = [
    Mistake("A file that is not there", "id.sto", gone, CALIBRATE),
    Mistake("A muscle that the tables call otherwise", "lmt.sto", put("soleus_r", "sol_r"), CALIBRATE),
    Mistake("A signal that the EMG file lacks", "emg.sto", put("time\tsoleus", "time\ttibialis"), CALIBRATE),
    Mistake("A column that stands twice", "emg.sto", lambda text: text.replace("time\tsoleus", "time\tsoleus\tsoleus").replace("\t0.", "\t0.1\t0."), CALIBRATE),
    Mistake("Moments without the right name", "id.sto", put("ankle_angle_r_moment", "ankle_moment"), CALIBRATE),
    Mistake("A muscle without an excitation", "excitationGenerator.xml", put('id="soleus_r"', 'id="soleus_l"'), CALIBRATE),
    Mistake("An input that is no signal", "excitationGenerator.xml", put(">soleus</input>", ">solues</input>"), CALIBRATE),
    Mistake("A muscle without moment arms", "trial.xml", lambda text: re.sub(r'    <momentArmsFile .*\n', '    <momentArmsFile dofName="knee">ma_ankle_angle_r.sto</momentArmsFile>\n', text), CALIBRATE),
    Mistake("A degree of freedom that the subject lacks", "calibration.xml", put("<dofs>ankle_angle_r", "<dofs>ankle"), CALIBRATE),
    Mistake("A muscle that spans nothing known", "subject.xml", put("<mtuNameSet>soleus_r", "<mtuNameSet>soleus_l"), CALIBRATE),
    Mistake("A parameter that nothing has", "calibration.xml", put("<name>strengthCoefficient", "<name>strenghtCoefficient"), CALIBRATE),
    Mistake("An element that nothing has", "subject.xml", put("<shapeFactor>-1</shapeFactor>", "<shapefactor>-1</shapefactor>"), CALIBRATE),
    Mistake("An element that is missing", "subject.xml", put("      <maxIsometricForce>3549</maxIsometricForce>\n", ""), CALIBRATE),
    Mistake("A subject without curves", "subject.xml", lambda text: re.sub(r"    <curve>.*</curve>\n", "", text, flags=re.S), CALIBRATE),
    Mistake("A tag that was not closed", "subject.xml", put("</dofSet>", ""), CALIBRATE),
    Mistake("A file of another kind", "calibrationSetup.xml", put("excitationGenerator.xml", "execution.xml"), CALIBRATE),
    Mistake("A hybrid execution that names an unknown degree of freedom", "execution.xml", put("<openLoop/>", "<hybrid><alpha>1</alpha><beta>1</beta><gamma>1</gamma><dofSet>knee</dofSet><synthMTUs>soleus_r</synthMTUs><adjustMTUs></adjustMTUs><algorithm><simulatedAnnealing><noEpsilon>4</noEpsilon><rt>0.3</rt><T>20</T><NS>15</NS><NT>5</NT><epsilon>1e-5</epsilon><maxNoEval>20</maxNoEval></simulatedAnnealing></algorithm></hybrid>"), RUN),
    Mistake("An execution that asks for what there is not", "execution.xml", put("equilibriumElastic", "integrationElastic"), RUN),
]
UNITS = [
    Mistake("Lengths in millimetres", "lmt.sto", scaled(1000.0), CALIBRATE),
    Mistake("Moment arms in millimetres", "ma_ankle_angle_r.sto", scaled(1000.0), CALIBRATE),
    Mistake("Moments in newton millimetres", "id.sto", scaled(1000.0), CALIBRATE),
    Mistake("EMG in percent", "emg.sto", scaled(100.0), CALIBRATE),
    Mistake("Time in milliseconds", "emg.sto", scaled(1000.0, slice(0, 1)), CALIBRATE),
    Mistake("Pennation in degrees without saying so", "subject.xml", put(' unit="deg"', ""), CALIBRATE),
    Mistake("A fiber length in millimetres", "subject.xml", put("0.05</optimalFibreLength>", "50</optimalFibreLength>"), CALIBRATE),
    Mistake("A decimal comma in XML", "subject.xml", put("0.25</tendon", "0,25</tendon"), CALIBRATE),
    Mistake("A range upside down", "calibration.xml", put("0.5 2.5", "2.5 0.5"), CALIBRATE),
    Mistake("Bounds that no subject may hold", "calibration.xml", put("0.95 1.05", "0.95 9"), CALIBRATE),
    Mistake("Lengths and moment arms exchanged", "trial.xml", lambda text: text.replace("lmt.sto", "x").replace("ma_ankle_angle_r.sto", "lmt.sto").replace("x</muscle", "ma_ankle_angle_r.sto</muscle"), CALIBRATE),
]
TIMES = [
    Mistake("EMG that starts with the frames, and not before", "emg.sto", lambda text: re.sub(r"^-0.*\n", "", text, flags=re.M), CALIBRATE),
    Mistake("The same for CEINMS 0.9: a trial shorter than the delay", "emg.sto", lambda text: re.sub(r"^-0.*\n", "", text, flags=re.M), CALIBRATE + " --profile ceinms-0.9"),
    Mistake("EMG slower than the lengths, for CEINMS 0.9", "emg.sto", lambda text: re.sub(r"^-?0\.0[135].*\n", "", text, flags=re.M), CALIBRATE + " --profile ceinms-0.9"),
    Mistake("Moments that do not cover the lengths", "id.sto", put("0.03\t-35.0\n", ""), CALIBRATE),
    Mistake("The same for CEINMS 0.9, which pairs rows", "id.sto", put("0.03\t-35.0\n", ""), CALIBRATE + " --profile ceinms-0.9"),
    Mistake("Moments at other times", "id.sto", scaled(1.0, slice(0, 1), add=-0.004), CALIBRATE),
    Mistake("A gap in time", "lmt.sto", put("0.03\t", "2.03\t"), CALIBRATE),
    Mistake("A window that holds no frame", "trial.xml", put("0 0.03", "5 6"), CALIBRATE),
    Mistake("A trial of one frame", "lmt.sto", lambda text: re.sub(r"^0\.0[123].*\n", "", text, flags=re.M).replace("nRows=4", "nRows=1"), CALIBRATE),
    Mistake("A trial without moments to calibrate on", "trial.xml", put("  <externalTorquesFile>id.sto</externalTorquesFile>\n", ""), CALIBRATE),
]
PERSON = "check person/run.xml"
SIGNALS = [
    Mistake("Moments with the other sign", "person/reach/id.sto", scaled(-1.0), PERSON),
    Mistake("Moment arms with the other sign", "person/reach/ma_elbow_flexion.sto", scaled(-1.0), PERSON),
    Mistake("Moment arms that are all zero", "person/reach/ma_elbow_flexion.sto", column("BRA", lambda _: "0"), PERSON),
    Mistake("Moments that come long after the EMG", "person/reach/id.sto", later(25), PERSON),
    Mistake("An electrode that was hardly amplified", "person/reach/emg.sto", column("biceps", lambda row: f"{0.001 * float(row[1])!r}"), PERSON),
    Mistake("An electrode that was not connected", "person/reach/emg.sto", column("biceps", lambda _: "0.2"), PERSON),
    Mistake("A channel that is a copy of another", "person/reach/emg.sto", column("biceps", lambda row: row[1]), PERSON),
    Mistake("Raw EMG in place of envelopes", "person/reach/emg.sto", scaled(1.0, add=-0.3), PERSON),
    Mistake("A muscle that no EMG reaches", "person/excitationGenerator.xml", lambda text: re.sub(r'(<excitation id="BRD">).*?(</excitation>)', r"\1\2", text, flags=re.S), PERSON),
    Mistake("Moment-arm files exchanged", "person/reach/trial.xml", lambda text: text.replace("ma_elbow_flexion", "x").replace("ma_shoulder_rotation", "ma_elbow_flexion").replace(">x", ">ma_shoulder_rotation"), PERSON),
    Mistake("Another muscle's length", "person/reach/lmt.sto", lambda text: text.replace("DELT1\t", "x\t").replace("BRD\n", "DELT1\n").replace("x\t", "BRD\t"), PERSON),
    Mistake("A tendon that does not suit the geometry", "person/subject.xml", lambda text: text.replace("0.2723<", "0.1<"), PERSON),
]
COMMANDS = [
    Mistake("A folder of results that holds other files", "results/notes.txt", lambda _: "mine\n", "run run.xml --out results"),
    Mistake("A report about nothing", "results/notes.txt", lambda _: "mine\n", "report results"),
    Mistake("A new set-up where files are already", "results/notes.txt", lambda _: "mine\n", "demo --files results"),
    Mistake("A run that cannot be resumed", "results/refnms.json", lambda _: "{}\n", "calibrate calibrationSetup.xml --out results --resume"),
    Mistake("A method that does not fit", "run.xml", lambda text: text, "calibrate calibrationSetup.xml --method corana --uncertainty --out results"),
    Mistake("Offline velocity of CEINMS 0.21", "execution.xml", put("online", "offline"), "run run.xml --profile ceinms-0.21 --out results"),
    Mistake("A set-up of the other command", "run.xml", lambda text: text, "calibrate run.xml --out results"),
    Mistake("A conversion of what is no model", "run.xml", lambda text: text, "convert run.xml --out results"),
    Mistake("A C3D file without ezc3d", "raw.csv", lambda text: text, "emg walk.c3d --out results", without="ezc3d"),
    Mistake("A report without its extra", "results/refnms.json", lambda _: '{"trials": {}}\n', "report results", without="matplotlib"),
    Mistake("A code that there is not", "run.xml", lambda text: text, "explain RN999"),
]
CHECKS = {mistake.command for mistake in [*TABLES, *NAMES, *UNITS, *TIMES, *SIGNALS] if mistake.command.startswith("check")}
# fmt: on
SECTIONS = {
    "Tables": TABLES,
    "Names, and files that do not belong together": NAMES,
    "Units": UNITS,
    "Times": TIMES,
    "Signals that are suspicious": SIGNALS,
    "Commands": COMMANDS,
}


def set_up(folder: Path) -> None:
    """The example of the pages on file formats, and the demo's participant."""
    for page in sorted(FORMATS.glob("*.md")):
        for name, text in EXAMPLE.findall(page.read_text("utf-8")):
            (folder / name).write_text(text, "utf-8")
    example.write(folder / "person")


def told(mistake: Mistake) -> tuple[int, str]:
    """Exit code and what the command prints, in the working directory, which is left as it was."""
    path = Path(mistake.file)
    before = path.read_text("utf-8") if path.exists() else None
    changed = mistake.change(before or "")
    if changed is None:
        path.unlink()
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    try:
        return printed(mistake.command, mistake.without)
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(before, "utf-8")


def printed(command: str, without: str = "") -> tuple[int, str]:
    """Exit code and what a command prints."""
    text = io.StringIO()
    hidden = mock.patch.dict(sys.modules, {without: None})
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        with hidden if without else contextlib.nullcontext():
            try:
                code = cli.main(shlex.split(command))
            except SystemExit as ended:  # wrong usage
                code = int(ended.code or 0)
    return code, text.getvalue().rstrip()


def messages() -> Iterator[tuple[str, Mistake, int, str]]:
    """Section, mistake, exit code, and the lines that are not printed without the mistake."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        Path("soleus").mkdir()
        os.chdir("soleus")
        set_up(Path())
        usual = {command: set(printed(command)[1].splitlines()) for command in CHECKS}
        for section, mistakes in SECTIONS.items():
            for mistake in mistakes:
                code, text = told(mistake)
                known = usual.get(mistake.command, set())
                lines = [line for line in text.splitlines() if line not in known]
                if mistake.command in CHECKS:
                    del lines[-1]  # how many files there are
                yield section, mistake, code, "\n".join(lines)


def page() -> str:
    parts, shown = [HEAD], ""
    for section, mistake, code, text in messages():
        if section != shown:
            shown = section
            parts.append(f"## {section}\n")
        parts.append(f"**{mistake.what}** (exit code {code})\n")
        parts.append(f"```text\n$ refnms {mistake.command}\n{text}\n```\n")
    return "\n".join(parts)
