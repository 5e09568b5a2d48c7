"""The compiled engine against the NumPy engine: two sets of loops over one physics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refnms.physics import reference
from refnms.verify.parameters import NAMES, Derivatives, pulled, tangents
from refnms.verify.records import EVERYWHERE, Check, Worst, relative


def engine_check(d: Derivatives) -> Check:
    """Tangents and every cotangent of both engines, at the lengths that the first has found."""
    run, rng = d.run, np.random.default_rng(19)
    other = replace(run, engine=reference)
    worst = Worst(
        "two engines",
        "the compiled and the NumPy engine differentiate alike, sample by sample",
        EVERYWHERE,
    )
    theirs = tangents(other, d.by_delay)
    for signal in NAMES:
        for field, label in enumerate(d.by):
            ours, wanted = (getattr(s, signal)[:, field] for s in (d.tangents, theirs))
            error = relative(ours, wanted, d.floor(signal, field))
            worst.add(error, lambda i, q=f"{signal} by {label}": run.place(q, *i), run.determinate)
    bars = {
        name: np.where(run.determinate, rng.uniform(-1.0, 1.0, run.flags.shape), 0.0)
        for name in NAMES
    }
    for name, bar in bars.items():
        mine, other_bars = (pulled(of, {name: bar}) for of in (run, other))
        for field, label in enumerate(d.by):
            size = np.sum(np.abs(bar * getattr(theirs, name)[:, field]), axis=0)
            scale = np.maximum(size, d.floor(name, field))
            error = np.abs(mine[0][field] - other_bars[0][field]) / scale
            worst.add(error, lambda i, q=f"{name} by {label}": run.place(q, None, *i))
        for k, label in ((1, "excitation"), (2, "musculotendon_length")):
            error = relative(mine[k], other_bars[k], 0.0)
            worst.add(error, lambda i, q=f"{name} by {label}": run.place(q, None, i[1]))
    return worst.check()
