"""`refnms convert`: models and subjects, from one program's files to another's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from refnms.cli.codes import DONE
from refnms.cli.options import add_json, add_progress, positive
from refnms.cli.progress import counting
from refnms.cli.show import show_lines

if TYPE_CHECKING:
    from refnms.cli.options import Commands
    from refnms.convert import Converted

FEW = 8  # names on a line
DESCRIPTION = """\
What FILE is decides what is done:

  an .osim model            -> a folder with a CEINMS subject and an excitation generator;
                               with --motion and --emg everything that a calibration needs,
                               lengths, moment arms and moments by OpenSim
  a subject of CEINMS-RT    -> a folder with a CEINMS subject and an excitation generator
  a subject of CEINMS       -> with --generator, a subject of CEINMS-RT;
                               with --into MODEL.osim, that model with the subject's parameters
"""


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "convert",
        help="OpenSim models and subjects of CEINMS-RT to CEINMS, and back",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help=".osim model, or subject of CEINMS or CEINMS-RT")
    add("--out", type=Path, required=True, metavar="PATH", help="new folder, or new file")
    add(
        "--dof",
        action="append",
        metavar="NAME",
        help="a coordinate of the model to keep, with the muscles that cross it; may be repeated "
        "(default: all that muscles cross)",
    )
    _add_motion(parser)
    add(
        "--generator",
        type=Path,
        metavar="FILE.xml",
        help="excitation generator that goes with the subject or model",
    )
    add("--into", type=Path, metavar="MODEL.osim", help="the model that the subject came from")
    add_progress(parser)
    add_json(parser)
    parser.set_defaults(command=_convert, parser=parser)


def _add_motion(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    repeated = "; may be repeated, in the order of the motions"
    for name, metavar, help in (
        ("--emg", "FILE.sto", "envelopes: their names, and the EMG of a motion"),
        ("--motion", "FILE.mot", "coordinates over time (extra `opensim`); may be repeated"),
        ("--loads", "FILE.xml", "external loads of a motion, for inverse dynamics"),
        ("--moments", "FILE.sto", "moments of a motion, in place of inverse dynamics"),
    ):
        add(
            name,
            type=Path,
            action="append",
            default=[],
            metavar=metavar,
            help=help + (repeated if name != "--motion" else ""),
        )
    add(
        "--cutoff",
        type=positive,
        default=6.0,
        metavar="HZ",
        help="low-pass filter of the coordinates, for inverse dynamics (default: 6)",
    )


def _convert(options: argparse.Namespace) -> int:
    done = _converted(options)
    summary = {
        "written": [str(path) for path in done.written],
        "muscles": done.muscles,
        "dofs": list(done.dofs),
        "unmapped": list(done.unmapped),
        "changed": done.changed,
    }
    show_lines(_lines(done), summary, options)
    return DONE


def _converted(options: argparse.Namespace) -> Converted:
    from refnms import convert
    from refnms.errors import InputError, Problem
    from refnms.io.ceinms import ROOTS
    from refnms.io.osim import ROOT
    from refnms.io.real_time import is_real_time_subject
    from refnms.io.xml import read_xml

    root = read_xml(options.file)
    if root.tag == ROOT or root.tag.endswith("Model"):
        _refuse(options, "an OpenSim model", "into")
        return _from_osim(options)
    if root.tag != "subject":
        what = f"found <{root.tag[:60]}>: {ROOTS.get(root.tag, 'another kind of file')}"
        message = f"expected an OpenSim model, or a subject of CEINMS or CEINMS-RT, {what}"
        raise InputError(Problem(message, options.file, root.line))
    _refuse(options, "a subject", "dof", "emg", "motion", "loads", "moments")
    if is_real_time_subject(root):
        _refuse(options, "a subject of CEINMS-RT", "generator", "into")
        return convert.write_person(convert.from_realtime(options.file), options.out)
    if (options.generator is None) == (options.into is None):
        options.parser.error("a CEINMS subject needs --generator (to CEINMS-RT) or --into (.osim)")
    if options.into is not None:
        return convert.into_osim(options.file, options.into, options.out)
    return convert.to_realtime(options.file, options.generator, options.out)


def _from_osim(options: argparse.Namespace) -> Converted:
    from refnms import convert

    if not options.motion:
        _refuse(options, "a model without --motion", "loads", "moments")
        emg = options.emg[0] if options.emg else None
        person = convert.from_osim(options.file, options.dof, emg, options.generator)
        return convert.write_person(person, options.out)
    from refnms.convert_motion import Recording, set_up

    count = len(options.motion)
    for name in ("emg", "loads", "moments"):
        given = len(getattr(options, name))
        if given != count and (given or name == "emg"):
            options.parser.error(f"{count} --motion and {given} --{name}; give one for each motion")
    nothing = [None] * count
    rows = zip(
        options.motion,
        options.emg,
        options.moments or nothing,
        options.loads or nothing,
        strict=True,
    )
    recordings = [Recording(*row) for row in rows]
    chosen = options.dof, options.generator, options.cutoff
    with counting("pose", options.progress) as callback:
        return set_up(options.file, recordings, options.out, *chosen, callback)


def _refuse(options: argparse.Namespace, what: str, *names: str) -> None:
    for name in names:
        if getattr(options, name):
            options.parser.error(f"--{name} does not go with {what}")


def _lines(done: Converted) -> list[str]:
    lines = [f"{done.muscles} muscles, {len(done.dofs)} DOFs: {', '.join(done.dofs)}"]
    if done.changed is not None:
        lines.append(f"{done.changed} numbers of the model changed; the rest is as it was")
    if done.unmapped:
        more = f" and {len(done.unmapped) - FEW} more" if len(done.unmapped) > FEW else ""
        names = ", ".join(done.unmapped[:FEW]) + more
        lines.append(f"no EMG reaches {names}: see the excitation generator")
    return [*lines, *(f"written {path}" for path in done.written)]
