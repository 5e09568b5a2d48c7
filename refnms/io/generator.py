"""The excitation generator of CEINMS: how EMG signals reach muscles."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refnms.errors import InputError, InputWarning, Problem
from refnms.io.ceinms import EXCITATION_GENERATOR, read_document
from refnms.io.schema import Report, label, names, nearest, number, short
from refnms.io.xml import Element
from refnms.physics.types import Array


@dataclass(frozen=True, eq=False)
class ExcitationGenerator:
    """Weights of EMG signals, by muscle; a muscle without weights is never excited."""

    path: Path
    signals: tuple[str, ...]
    weights: dict[str, dict[str, float]]

    def matrix(self, muscle_names: Sequence[str]) -> Array:
        """Weights `(M, E)` of the signals for the given muscles, matched by name.

        Raises InputError naming every muscle for which there is no excitation.
        """
        lost = [
            f"{short(n)}{nearest(n, self.weights)}" for n in muscle_names if n not in self.weights
        ]
        if lost:
            raise InputError(
                Problem(f"has no excitation for {muscle}", self.path) for muscle in lost
            )
        strangers = [name for name in self.weights if name not in muscle_names]
        self._warn("ignores excitations of muscles that the subject lacks", strangers)
        silent = [name for name in muscle_names if not self.weights[name]]
        self._warn("gives these muscles no EMG, so they are never excited", silent)
        rows = [[self.weights[name].get(s, 0.0) for s in self.signals] for name in muscle_names]
        return np.array(rows, dtype=float)

    def _warn(self, message: str, muscles: Sequence[str]) -> None:
        if muscles:
            text = str(Problem(f"{message}: {', '.join(muscles)}", self.path))
            warnings.warn(text, InputWarning, stacklevel=4)


def read_excitation_generator(path: str | os.PathLike[str]) -> ExcitationGenerator:
    """Read a CEINMS excitation generator.

    Raises InputError: not an excitation generator, not valid, a signal that is not among its
    inputs, or one that stands twice in an excitation (CEINMS would add its weights).
    """
    root, report = read_document(Path(path), EXCITATION_GENERATOR)
    signals = root.value("inputSignals", names, ())
    weights: dict[str, dict[str, float]] = {}
    for excitation in root.at("mapping").all("excitation"):
        muscle = excitation.attribute("id")
        if muscle in weights:
            report.error(f"excitation {short(muscle)} stands twice", excitation.line)
        weights[muscle] = _weights(excitation, signals, report)
    report.close()
    return ExcitationGenerator(Path(path), signals, weights)


def _weights(excitation: Element, signals: Sequence[str], report: Report) -> dict[str, float]:
    weights: dict[str, float] = {}
    for source in excitation.all("input"):
        signal = source.text
        if signal not in signals:
            message = f"{short(signal)} is not among the inputSignals{nearest(signal, signals)}"
            report.error(message, source.line)
        if signal in weights:
            message = (
                f"{short(signal)} stands twice in {label(excitation)}; sum its weights yourself"
            )
            report.error(message, source.line)
        try:
            weights[signal] = number(source.attribute("weight"))
        except ValueError:
            continue  # reported by the schema
    return weights
