"""Every kind of error that an input can have: its code, what it means, and the mend.

A code never changes its meaning and is never used again; a new kind gets a new number. The code of
a message is found by the phrase that only its kind contains. `docs/errors.md` is `page()`, and a
test holds every message in the source against this table, so neither can fall behind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

UNKNOWN = "RN000"


@dataclass(frozen=True)
class Entry:
    code: str
    title: str
    phrases: tuple[str, ...]  # regular expressions
    why: str
    mend: str


AREAS = {
    "1": "Files and text",
    "2": "Tables (.sto, .mot, .csv)",
    "3": "CEINMS's XML files",
    "4": "Trials: signals that do not suit the model",
    "5": "Calibrations and runs",
    "6": "Models",
    "7": "OpenSim models and motions",
    "8": "EMG",
    "9": "Writing",
}
CATALOGUE = (
    Entry(
        "RN101",
        "A file cannot be read",
        (r"^cannot be read: ", r"^is empty$"),
        "It is not there, is a folder, is empty, or may not be opened.",
        "Check the path in the file that names it: paths are relative to that file. On Linux and "
        "macOS capital letters count.",
    ),
    Entry(
        "RN102",
        "A file is not UTF-8 text",
        (
            r"^is UTF-16",
            r"not UTF-8",
            r"^is not text",
            r"declares the encoding",
            r"^is neither UTF-8",
        ),
        "Numbers and names are read from UTF-8 text; of other encodings only windows-1252 and "
        "Latin-1 are read, in XML files.",
        "Open the file in an editor and save it as UTF-8.",
    ),
    Entry(
        "RN103",
        "An XML file is too large or too deep",
        (r"^is larger than \S+ MB", r"nested deeper than"),
        "No model or set-up of the field comes near 16 MB or 256 levels; such a file is another "
        "kind of file, or made to harm.",
        "Check that the right file is named.",
    ),
    Entry(
        "RN104",
        "An XML file declares a document type",
        (r"document type declarations are refused",),
        "Such declarations can make a reader fetch files or expand without end. No file of the "
        "field needs one.",
        "Remove the line `<!DOCTYPE ...>`.",
    ),
    Entry(
        "RN105",
        "An XML file is not well-formed",
        (r"^not well-formed XML",),
        "A tag is not closed, or the file was cut.",
        "Look at the line and column that are named; export the file again if its end is missing.",
    ),
    Entry(
        "RN106",
        "A file of another kind",
        (
            r"^expected .*found",
            r"^this is a file of CEINMS-RT",
            r"^cannot tell what this file is",
        ),
        "Another file was expected here, such as a subject in place of a set-up.",
        "Name the file that the message asks for. Subjects of CEINMS-RT and OpenSim models become "
        "CEINMS's with `refnms convert`.",
    ),
    Entry(
        "RN107",
        "A named file is not there",
        (r"but there is no file",),
        "An XML file names another file that does not exist.",
        "Correct the name; it is relative to the folder of the file that holds it, and `/` and "
        "`\\` both separate.",
    ),
    Entry(
        "RN201",
        "A table may be cut",
        (
            r"^does not end with a newline",
            r"header declares X? ?.*rows, the file has",
            r"^no labels after `endheader`",
            r"^no rows below the labels",
            r"^holds no samples",
        ),
        "A copy or an export that stopped half-way looks like this, and its last number may have "
        "lost digits. So nothing of it is used.",
        "Export the file again. If the last row is complete, add a line end, or correct the count "
        "in the header.",
    ),
    Entry(
        "RN202",
        "The labels of a table are wrong",
        (
            r"^the first label is",
            r"^label .* is empty",
            r"^CEINMS labels this file wrongly",
            r"columns have this name",
            r"^no line `endheader`",
            r"^has no column of time",
        ),
        "The row of labels must begin with `time` and name every column once; a .sto or .mot "
        "file has a line `endheader` above it.",
        "Correct the labels, or export the file again.",
    ),
    Entry(
        "RN203",
        "A cell is not a number",
        (
            r"^empty cell",
            r"is not a finite number",
            r"has a decimal comma",
            r"has a Fortran exponent",
            r"is not a plain decimal number",
            r"^the number is too large",
        ),
        "A cell is empty, NaN, infinite or not written as a plain decimal number. Other programs "
        "read such cells as zeros or shift the rest of the row.",
        "Fill gaps where the data come from; export with decimal points.",
    ),
    Entry(
        "RN204",
        "A row does not fit the labels",
        (r"^expected \S+ cells as the labels say", r"^and \S+ more columns"),
        "It has more or fewer cells than there are labels.",
        "Look at the line that is named; export the file again if it is the last one.",
    ),
    Entry(
        "RN205",
        "A column is missing",
        (r"^no column of this name", r"lacks the signals"),
        "A muscle, signal or moment that the model needs has no column of its name. Moments are "
        "called `<dof>_moment`.",
        "Rename the column or the muscle; the message lists the nearest names.",
    ),
    Entry(
        "RN206",
        "Time does not go forward evenly",
        (
            r"^time goes back",
            r"expected seconds without gaps",
            r"^has one frame",
            r"^has one sample",
            r"two or more rising time stamps",
            r"^samples are not evenly spaced",
        ),
        "Time stamps must rise, in seconds, without gaps; filters need them evenly spaced.",
        "Sort or split the file; convert milliseconds or frame numbers to seconds.",
    ),
    Entry(
        "RN301",
        "An XML element or attribute is missing",
        (
            r" lacks <",
            r" lacks the attribute",
            r"^mtuDefault lacks the curve",
            r"^has no excitation for",
            r"^names no moment arm file for",
        ),
        "The file does not say something that cannot be guessed.",
        "Add it; docs/files.md tells what each file holds.",
    ),
    Entry(
        "RN302",
        "Something stands twice",
        (
            r"more than once",
            r"stands twice",
            r"^a second moment-arm file",
            r"^a second trial called",
            r"is named twice",
            r"is freed twice",
            r"^holds both <online> and <offline>",
            r"^two motions have the same name",
        ),
        "Which of the two counts would be a guess.",
        "Remove one.",
    ),
    Entry(
        "RN303",
        "An XML element holds what does not belong there",
        (r"cannot hold the text", r"is a plain value; <"),
        "Text stands where elements belong, or elements where a value belongs; often a tag that "
        "was closed too early or too late.",
        "Look at the line that is named.",
    ),
    Entry(
        "RN304",
        "A value has the wrong form",
        (
            r": expected (a|one|two|numbers|\S+ or)",
            r"^tolerance must be above 0",
            r"^X: X$",
        ),
        "A number, a range or a choice was expected, and something else stands there.",
        "Write plain decimal numbers (`0.5`, not `0,5` or `1/2`), ranges with the lower end first.",
    ),
    Entry(
        "RN305",
        "A name that nothing has",
        (
            r"names .*, which is no mtu",
            r"names .*, no muscle",
            r"is not among the inputSignals",
            r"^<dofs> names",
            r"no muscle is called",
            r"^no degree of freedom is called",
            r"^no parameter is called",
            r"^no method is called",
            r"has no muscle ",
            r"^has the muscles",
        ),
        "Files name muscles, signals and degrees of freedom by text that must agree to the letter.",
        "Correct the spelling; the message gives the nearest known name.",
    ),
    Entry(
        "RN306",
        "A value cannot be in SI units",
        (r" is .*; expected (0|-1|a force|a number|1;|0 or)",),
        "The value lies outside anything seen in 14,270 muscles of public models: millimetres for "
        "metres, or degrees for radians.",
        'Convert it; a pennation angle in degrees is `<pennationAngle unit="deg">`.',
    ),
    Entry(
        "RN307",
        "A curve of points is not usable",
        (
            r"expected 2 or more of each",
            r"xPoints must increase",
            r"too close together for a spline",
            r"has \S+ xPoints and \S+ yPoints",
            r"^the curve .* has a point beyond",
        ),
        "A spline runs through the points, so x must rise and both lists have the same length.",
        "Correct the points; docs/how-it-works.md has CEINMS's own.",
    ),
    Entry(
        "RN401",
        "Musculotendon lengths that cannot be",
        (
            r"^a length must be positive",
            r"^longer than .*mm, expected m",
            r"^far shorter than the muscle",
            r": (a length must be positive|longer than|far shorter)",
        ),
        "Lengths are metres from origin to insertion. Moment arms, millimetres or another "
        "muscle's column look like this.",
        "Name the right file; convert to metres.",
    ),
    Entry(
        "RN402",
        "Moment arms that cannot be",
        (
            r"beyond .* m; this looks like mm or like lengths",
            r"^holds the numbers of .*: lengths, not moment arms",
            r"are two swapped",
        ),
        "Moment arms are metres per radian about one degree of freedom.",
        "Check which file stands under which `dofName`.",
    ),
    Entry(
        "RN403",
        "Moments that cannot be",
        (r"beyond .* N\.m; this looks like N\.mm",),
        "Moments are newton metres; no joint reaches 2,000.",
        "Convert them.",
    ),
    Entry(
        "RN404",
        "EMG that is no normalised envelope",
        (r"this looks like percent or volts",),
        "EMG must be an envelope divided by its maximum, so about 0 to 1.",
        "Make envelopes of raw EMG with `refnms emg`, or divide percent by 100.",
    ),
    Entry(
        "RN405",
        "EMG does not cover the trial",
        (
            r"less the electromechanical delay",
            r"^the EMG starts after",
            r"^the EMG ends before",
            r"^the EMG is slower",
            r"delays all EMG by",
        ),
        "A muscle at time t is driven by EMG at t minus the electromechanical delay, so EMG must "
        "start that much before the first frame.",
        "Export EMG from earlier on, or cut the first frames of the other files.",
    ),
    Entry(
        "RN406",
        "Files of a trial cover different times",
        (
            r"does not cover the length frames",
            r"pairs them by row, so the counts must agree",
            r"holds none of",
            r"trial .* does not cover",
        ),
        "Lengths are the clock of a trial; moments, arms and the window to score must cover it.",
        "Export all files over the same time; check that none was shifted to start at 0.",
    ),
    Entry(
        "RN501",
        "Something that is not available",
        (
            r"<integrationElastic> is not supported",
            r"^hybrid execution is not available",
            r"calibration steps; one is possible",
            r"has no derivative; calibrate it with",
            r"has no strain in .*",
        ),
        "The file asks for what refnms does not do, or not with this profile.",
        "The message says what to use instead.",
    ),
    Entry(
        "RN502",
        "Nothing to calibrate on",
        (
            r"has no measured moments",
            r"does not vary",
            r"^no trial given",
            r"^no parameter is free",
            r"takes two( trials)?$",
        ),
        "A calibration needs free parameters and trials with moments that change.",
        "Give the trials an `<externalTorquesFile>`, and the step parameters.",
    ),
    Entry(
        "RN503",
        "Bounds that no subject may hold",
        (r"the bound .* is not", r"no room between bounds", r"^at a bound,"),
        "A calibration that ends on such a bound could not be written, or not be read again.",
        "Narrow the range; if it is relative, look at the value that it multiplies.",
    ),
    Entry(
        "RN504",
        "A parameter that all muscles must share",
        (r"percentageChange is one value for all", r"can hold one percentageChange"),
        "CEINMS's subject has one percentageChange.",
        "Make it `<global/>`, in a step whose `<dofs>` all muscles span.",
    ),
    Entry(
        "RN505",
        "A run that cannot be resumed",
        (r"cannot be resumed, since", r"^no run to resume", r"^is no history of a run"),
        "Resuming gives the bits of the uninterrupted run, so files and settings must be the same.",
        "Calibrate anew, without `--resume`.",
    ),
    Entry(
        "RN506",
        "A method that does not fit the task",
        (r"the method `strengths`",),
        "`strengths` fits strength coefficients alone, exactly.",
        "Choose another `--method`.",
    ),
    Entry(
        "RN601",
        "A parameter that no muscle can have",
        (
            r"must be above",
            r"must not be below",
            r"must not exceed",
            r"must be 0 \(a rigid tendon\)",
            r"must be below a right angle",
            r"the piecewise activation takes",
        ),
        "The physics has no meaning there.",
        "Correct the value in the subject.",
    ),
    Entry(
        "RN602",
        "Arrays that do not fit together",
        (r"has shape .*, expected", r"is not finite, first at index", r"^trial X: X$"),
        "Only Python callers see this: an array has the wrong shape or a NaN in it.",
        "The message has both shapes; time comes first, then muscles, then degrees of freedom.",
    ),
    Entry(
        "RN701",
        "An OpenSim model without usable muscles",
        (
            r"^has no muscles that could be",
            r"has a blank in its name",
            r"no muscle crosses",
        ),
        "Muscles are elements whose class ends in `Muscle`, with a name of one word, and they must "
        "cross a joint that moves.",
        "Open the model in OpenSim and save it again; rename muscles; name other `--dof`s.",
    ),
    Entry(
        "RN702",
        "A coordinate that is not there",
        (r"^has no coordinate", r"^has no column for the coordinate"),
        "The model or the motion lacks a coordinate that was asked for.",
        "Take the names of the model; the nearest is given.",
    ),
    Entry(
        "RN703",
        "A motion in the wrong unit",
        (r"these look like degrees", r"are they angles\?$"),
        "OpenSim takes radians unless the header says `inDegrees=yes`.",
        "Correct the header of the motion; name a file of moments for `--moments`.",
    ),
    Entry(
        "RN704",
        "OpenSim refused",
        (r"^OpenSim cannot load it", r"^OpenSim's inverse dynamics failed"),
        "OpenSim itself reports an error.",
        "Try the same files in OpenSim; external loads name their data file relative to "
        "themselves.",
    ),
    Entry(
        "RN801",
        "EMG that the filters cannot take",
        (
            r"the band ends at",
            r"^is sampled at",
            r"samples are too few for",
            r"says no rate",
            r"holds no analog",
        ),
        "A band-pass needs samples at more than twice its upper end; a filter that runs both ways "
        "needs some length.",
        "Lower the upper end with `--band`; check the sampling rate.",
    ),
    Entry(
        "RN802",
        "A channel without signal",
        (r"is flat: ", r"never rises above 0"),
        "A channel that never changes cannot be normalised: an electrode that was not connected.",
        "Leave it out with `--channel`, and out of the excitation generator.",
    ),
    Entry(
        "RN901",
        "A place that may not be overwritten",
        (
            r"choose another --out",
            r"^the output subject is",
            r"or give --out$",
            r"would be replaced as a whole",
        ),
        "A result replaces its folder as a whole, so the folder must be new or an earlier result "
        "(with `refnms.json` in it), and must hold nothing that is read.",
        "Choose another `--out`.",
    ),
    Entry(
        "RN902",
        "A value or name that cannot be written",
        (r"cannot be written as a label or title", r"^the value in row .* is not finite"),
        "A file with it could not be read again.",
        "Rename the column; a value that is not finite is a sign of a diverged computation.",
    ),
    Entry(
        "RN903",
        "An extra is not installed",
        (r"install the extra",),
        "OpenSim, C3D files and figures need packages that refnms does not bring by itself.",
        "Install what the message names.",
    ),
)
BY_CODE = {entry.code: entry for entry in CATALOGUE}


def code_of(message: str) -> str:
    """The code of a message; `RN000` for one that the table does not know."""
    return next((entry.code for entry in CATALOGUE if matches(entry, message)), UNKNOWN)


def matches(entry: Entry, message: str) -> bool:
    return any(re.search(phrase, message) for phrase in entry.phrases)


def explanation(entry: Entry) -> str:
    return f"{entry.code}: {entry.title}\n\n{entry.why}\n\n{entry.mend}"


def page() -> str:
    """The text of docs/errors.md."""
    parts = [
        "# Errors\n\n"
        "Every error of an input ends with a code, as in `[RN203]`. Codes keep their meaning from "
        "version to\nversion. `refnms explain RN203` prints the same without this page.\n"
    ]
    for digit, area in AREAS.items():
        parts.append(f"\n## {area}\n")
        parts += [
            f"\n### {entry.code}: {entry.title}\n\n{entry.why}\n\n{entry.mend}\n"
            for entry in CATALOGUE
            if entry.code[2] == digit
        ]
    return "".join(parts)
