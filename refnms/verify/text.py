"""A certificate in a few lines: the verdict first, then how far off, then what was left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from refnms.verify.certificate import Certificate
from refnms.verify.kinks import Kink
from refnms.verify.records import Check

FEW = 3  # places told of a check that failed
ENGINES = {"numba": "compiled engine", "numpy": "NumPy engine"}


def summary(certificate: Certificate) -> str:
    """What a biomechanist wants to know, with a line break after each thing."""
    return "\n".join([*_verdict(certificate), *_figures(certificate), *_left_out(certificate)])


def _verdict(c: Certificate) -> Iterator[str]:
    if c.passed:
        yield "PASSED: the derivatives and equilibria of this model are right on these trials"
    else:
        count = f"{len(c.failed)} of {len(c.checks)} checks"
        yield f"FAILED: {count}; the first is nearest to the fault"
        first, *others = c.failed
        yield f"  {first.name}: off by {_told(first)}"
        yield from (f"    {place}" for place in first.wrong[:FEW])
        if len(first.wrong) > FEW:
            yield f"    and {len(first.wrong) - FEW} quantities more"
        yield from (f"  {check.name}: {_number(check.error)}" for check in others)
    yield (
        f"profile {c.profile}, {ENGINES[c.engine]}; {len(c.muscles)} muscles, trials "
        f"{', '.join(c.trials)}: {c.samples} samples; {len(c.checks)} checks of "
        f"{sum(check.compared for check in c.checks):,} numbers"
    )


def _figures(c: Certificate) -> Iterator[str]:
    if c.worst is not None and c.worst.worst is not None:
        yield f"worst derivative on these trials: {_told(c.worst)}"
        yield f"  {replace(c.worst.worst, at=())}"
    beyond = c.worst_drawn
    if beyond is not None:
        yield f"beyond them, to the corners of physiology: {_told(beyond)}"
    for start, told in (
        ("differences", "central differences agree"),
        ("equilibrium, recorded", "worst residual of a fiber equilibrium, of the strongest force"),
        ("work", "work of passive fibers and tendons over a closed loop"),
    ):
        check = next(check for check in c.checks if check.name.startswith(start))
        yield f"{told}: {_told(check)}"
    undecided = [name for check in c.checks for name in check.undecided]
    if undecided:
        yield f"differences could not tell: {len(undecided)}, first {undecided[0]}"


def _left_out(c: Certificate) -> Iterator[str]:
    doubtful = c.samples - c.determinate
    if doubtful:
        share = 100.0 * doubtful / c.samples
        told = f"{doubtful} samples ({share:.1f} %)"
        yield f"gradient doubtful in {told}, which no error above counts:"
    else:
        yield "no sample with a doubtful gradient"
    on = [kink for kink in c.kinks if kink.on]
    yield from _kinds([(kink, kink.on) for kink in on])
    beyond = [(kink, kink.samples - kink.on) for kink in c.kinks if kink.samples > kink.on]
    if beyond:
        yield "kinks and limits whose derivative is exact by a rule, counted with the others:"
        yield from _kinds(beyond)


def _kinds(counted: list[tuple[Kink, int]]) -> Iterator[str]:
    """A line for each kind: how many samples of which muscle."""
    by_kind: dict[str, list[tuple[str, int]]] = {}
    for kink, count in counted:
        kind = kink.kind if kink.curve is None else f"{kink.kind} ({kink.curve})"
        by_kind.setdefault(kind, []).append((kink.muscle, count))
    for kind, muscles in by_kind.items():
        counts = {count for _, count in muscles}
        if len(muscles) > FEW and len(counts) == 1:
            yield f"  {kind}: {counts.pop()} of each of {len(muscles)} muscles"
        else:
            yield f"  {kind}: {', '.join(f'{muscle} {count}' for muscle, count in muscles)}"


def _told(check: Check) -> str:
    return f"{_number(check.error)} (allowed {check.tolerance:.0e})"


def _number(error: float) -> str:
    return f"{error:.1e}"
