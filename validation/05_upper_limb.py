"""Does the calibration find what predicts, whoever the person?

Several synthetic participants: true parameters, co-contraction and noise are drawn anew for each.
The error is that of the moments in unseen trials to the moments without noise, in percent of their
standard deviation, for each degree of freedom. To pass, none exceeds 5 %. Needs no data.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from common import figure, options, table, verdict

from refnms.demo import run

SEEDS = range(5)
BAR = 5.0  # [%]


def main() -> int:
    chosen = options(__doc__, needs_data=False)
    with tempfile.TemporaryDirectory() as scratch:
        results = [run(seed, Path(scratch) / str(seed), say=lambda line: None) for seed in SEEDS]
    dofs = list(results[0].held_out_error)
    before, after = (
        100.0 * np.array([[getattr(r.held_out_error[d], when) for d in dofs] for r in results])
        for when in ("before", "after")
    )
    rows = [
        [
            f"{r.seed}",
            *(f"{old:.0f} -> {new:.1f}" for old, new in zip(*pair, strict=True)),
            r.evaluations,
            f"{r.seconds:.1f}",
        ]
        for r, *pair in zip(results, before, after, strict=True)
    ]
    table(["participant", *(f"{d} [%]" for d in dofs), "gradients", "seconds"], rows)

    def draw(page) -> None:
        axes = page.subplots(1, len(dofs), sharey=True)
        for d, (panel, dof) in enumerate(zip(axes, dofs, strict=True)):
            panel.plot([0, 1], [before[:, d], after[:, d]], "o-", color="#0072b2", ms=4, lw=0.8)
            panel.axhline(BAR, color="#8a8a8a", lw=0.8, ls="--")
            panel.set(yscale="log", xlim=(-0.3, 1.3), title=dof.replace("_", " "))
            panel.set_xticks([0, 1], ["published", "calibrated"])
            panel.set_yticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
            panel.minorticks_off()
        axes[0].set_ylabel("error in unseen trials [% of SD]")

    figure(chosen, "05_participants.png", draw, figsize=(7.0, 3.0))
    return verdict(
        bool(after.max() <= BAR),
        f"{len(results)} participants: largest error in unseen trials {after.max():.1f} % of the "
        "standard deviation",
    )


if __name__ == "__main__":
    sys.exit(main())
