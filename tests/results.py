"""A folder of results of any size and with any names, as a calibration would have left it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from refnms.io.details import FOLDER, RECORD
from refnms.io.storage import write_storage

FIELDS = ("c1", "shape_factor", "tendon_slack_length")


def write_result(
    folder: Path,
    muscles: Sequence[str] = ("soleus", "tib_ant"),
    dofs: Sequence[str] = ("ankle_angle_r",),
    trials: Sequence[str] = ("walk", "run"),
    frames: int = 60,
) -> Path:
    """The last trial is held out."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    time = np.linspace(0.0, 2.0, frames)
    roles = dict.fromkeys(trials, "calibration") | {trials[-1]: "test"}
    fit = {"rmse": 1.5, "nrmse": 0.1, "r2": 0.9}
    for trial in trials:
        moment = 30.0 * np.sin(4.0 * time[:, None] + np.arange(len(dofs)))
        wave = 0.5 + 0.4 * np.sin(5.0 * time[:, None] + np.arange(len(muscles)))
        noise = rng.normal(0.0, 0.02, wave.shape)
        for where, name, columns, data in (
            (folder / trial, "Torques", dofs, moment + 1.0),
            (folder / trial, "Activations", muscles, wave),
            (folder / trial, "NormFiberLengths", muscles, wave + 0.4),
            (folder / FOLDER / trial, "MeasuredTorques", dofs, moment),
            (folder / FOLDER / trial, "UncalibratedTorques", dofs, 3.0 * moment),
            (folder / FOLDER / trial, "Excitations", muscles, np.clip(wave + noise, 0.0, 1.0)),
            (folder / FOLDER / trial, "UncalibratedNormFiberLengths", muscles, wave + 0.2),
        ):
            where.mkdir(parents=True, exist_ok=True)
            write_storage(where / f"{name}.sto", time, columns, data, name)
    parameters = [
        parameter(field, muscle, m) for field in FIELDS for m, muscle in enumerate(muscles)
    ]
    summary = {
        "method": "lm",
        "profile": "native",
        "status": "converged",
        "seconds": 2.5,
        "evaluations": 59,
        "starts": [],
        "objective": {"initial": 37.0, "final": 0.154, "ceinms": None},
        "trials": {
            name: {"role": roles[name], "dofs": dict.fromkeys(dofs, fit)} for name in trials
        },
        "bound_hits": [p["name"] for p in parameters if p["on_bound"]],
        "flags": {"SLACK": dict.fromkeys(muscles, 7)},
        "uncertainty": {
            "parameters": {
                p["name"]: {"value": p["after"], "deviation": 0.01, "low": p["lower"], "high": 0.3}
                for p in parameters
            },
            "trade_offs": [f"c1 and c2 of {muscles[0]} trade off at -1.00"],
            "undetermined": [parameters[0]["name"]],
            "noise": dict.fromkeys(dofs, 1.25),
        },
        "version": "0.1.0",
    }
    (folder / "refnms.json").write_text(json.dumps(summary))
    (folder / FOLDER / RECORD).write_text(json.dumps(record(muscles, dofs, trials, parameters)))
    return folder


def parameter(field: str, muscle: str, m: int) -> dict[str, Any]:
    return {
        "name": f"{field} of {muscle}",
        "field": field,
        "muscles": [muscle],
        "before": 0.2,
        "after": 0.1 if m == 0 else 0.25,
        "lower": 0.1,
        "upper": 0.3,
        "on_bound": "lower" if m == 0 else None,
    }


def record(
    muscles: Sequence[str], dofs: Sequence[str], trials: Sequence[str], parameters: list[Any]
) -> dict[str, Any]:
    before = {"rmse": 45.25, "nrmse": 0.9, "r2": -3.5}
    return {
        "schema": "refnms-record",
        "schema_version": 1,
        "settings": {"method": "lm", "seed": 0},
        "windows": {name: [0.0, 2.0] for name in trials},
        "fits_before": {name: dict.fromkeys(dofs, before) for name in trials},
        "parameters": parameters,
        "fiber_length_range": [0.5005, 1.2],
        "terms": [{"name": "moment error", "weight": 1.0, "before": 37.0, "after": 0.154}],
        "runs": [
            {"evaluations": [1, 2, 59], "seconds": [0.1, 0.2, 2.5], "objective": [37, 2, 0.1]}
        ],
        "provenance": {
            "command": "refnms calibrate setup.xml",
            "finished": "2026-01-01T00:00:00+00:00",
            "versions": {"refnms": "0.1.0", "numpy": "2.4"},
            "engine": "numba",
            "machine": {"system": "Linux", "processor": "x", "processors": 2},
            "inputs": [{"file": f"{m}.xml", "bytes": 3, "sha256": "ab" * 32} for m in muscles],
        },
    }
