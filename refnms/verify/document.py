"""A certificate as one JSON document; `docs/verify.md` describes its keys."""

from __future__ import annotations

import math
from typing import Any

from refnms import __version__
from refnms.verify.certificate import Certificate
from refnms.verify.kinks import Kink
from refnms.verify.records import TOLERANCES, Check, Place

SCHEMA = "refnms-certificate"
SCHEMA_VERSION = 1  # raised when a key changes its meaning or goes; new keys do not raise it


def document(certificate: Certificate) -> dict[str, Any]:
    """Plain numbers, texts, lists and tables; what is undefined is None, never NaN."""
    worst = certificate.worst
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "profile": certificate.profile,
        "engine": certificate.engine,
        "passed": certificate.passed,
        "failed": [check.name for check in certificate.failed],
        "worst": None if worst is None else {"check": worst.name, **_error(worst)},
        "tolerances": TOLERANCES,
        "muscles": list(certificate.muscles),
        "trials": list(certificate.trials),
        "samples": certificate.samples,
        "determinate": certificate.determinate,
        "domain": {
            where: {name: list(ends) for name, ends in ranges.items()}
            for where, ranges in certificate.domain.items()
        },
        "checks": [_check(check) for check in certificate.checks],
        "kinks": [_kink(kink) for kink in certificate.kinks],
        "indeterminate": list(certificate.indeterminate),
    }


def _error(check: Check) -> dict[str, Any]:
    return {
        "error": check.error if math.isfinite(check.error) else None,
        "tolerance": check.tolerance,
        "place": _place(check.worst),
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "claim": check.claim,
        "passed": check.passed,
        **_error(check),
        "compared": check.compared,
        "wrong": [_place(place) for place in check.wrong],
        "undecided": list(check.undecided),
        "note": check.note,
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "quantity": place.quantity,
        "muscle": place.muscle,
        "trial": place.trial,
        "frame": place.frame,
        "time": place.time,
        "curve": place.curve,
        "at": dict(place.at),
    }


def _kink(kink: Kink) -> dict[str, Any]:
    return {
        "kind": kink.kind,
        "rule": kink.rule,
        "muscle": kink.muscle,
        "samples": kink.samples,
        "on": kink.on,
        "curve": kink.curve,
        "slope_jump": kink.jump,
        "first": _place(kink.first),
    }
