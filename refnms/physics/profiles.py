"""Which discretisation, pairing and start a run follows: versions are records, not branches.

`NATIVE` is refnms's own definition. `ceinms_0_9` follows CEINMS 0.9 to the printed digit, and
`ceinms_0_21` what is known of CEINMS 0.21. docs/ceinms.md has both, quirk by quirk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from refnms.physics.types import FilterStart, Root


@dataclass(frozen=True)
class Profile:
    """One definition of the chain from recordings to moments."""

    name: str
    solver_points: int  # of the stencil that gives the velocity inside the equilibrium
    force_points: (
        int | None
    )  # of the stencil that gives the velocity of the force; None: whole trial
    start: FilterStart
    root: Root
    node_tolerance: float  # of the node of the piecewise activation; 0: to rounding
    least_force: float  # [N] of a muscle; -inf: fibers may push
    interpolates_emg: bool  # else the first EMG row not before the frame is taken
    prepares_by_row: bool  # the velocity of a whole trial comes from a pass of its own: `held`
    pairs_by_row: bool  # moment arms and moments belong to length rows by index, not by time
    tracking_exponent: int  # of the distance from recorded excitations, where they are adjusted
    excitation_bounds: tuple[float, float]  # of adjusted and synthesized ones
    follows_all_dofs: bool  # whatever the execution file's dofSet says
    crops: bool  # a recording begins and ends with its startStopTime; else that says what counts
    crops_arms: bool  # moment arms, too; else they are out of step with the lengths

    def for_gradients(self) -> Profile:
        """The same with every root found to rounding, which a derivative needs."""
        return replace(self, root=self.root._replace(tolerance=0.0), node_tolerance=0.0)


NATIVE = Profile(
    name="native",
    solver_points=2,
    force_points=2,
    start=FilterStart(rest=1.0, restart=-1),
    root=Root(lower=0.0, upper=0.0, tolerance=0.0),
    node_tolerance=0.0,
    least_force=-math.inf,
    interpolates_emg=True,
    prepares_by_row=False,
    pairs_by_row=False,
    tracking_exponent=2,
    excitation_bounds=(0.0, 1.0),
    follows_all_dofs=False,
    crops=False,
    crops_arms=True,
)

CEINMS_TOLERANCE = 1e-6  # [m] of CEINMS's Brent search when the file states none


def ceinms_0_9(online: bool = False, tolerance: float = CEINMS_TOLERANCE) -> Profile:
    """CEINMS 0.9, with its Brent path of the given tolerance [m].

    `tolerance=0` keeps everything but the path: safeguarded Newton, as gradients need.
    `online` takes the velocity of the force from the last 15 samples, else from the whole trial.
    """
    return Profile(
        name="ceinms-0.9",
        solver_points=4,
        force_points=15 if online else None,
        start=FilterStart(rest=0.0, restart=2),
        root=Root(lower=0.2, upper=2.0, tolerance=tolerance),
        node_tolerance=1e-4 if tolerance > 0.0 else 0.0,
        least_force=-math.inf,
        interpolates_emg=False,
        prepares_by_row=not online,
        pairs_by_row=True,
        tracking_exponent=1,
        excitation_bounds=(0.0, 1.0),
        follows_all_dofs=True,
        crops=False,
        crops_arms=True,
    )


def ceinms_0_21(tolerance: float = CEINMS_TOLERANCE, uncropped_arms: bool = False) -> Profile:
    """CEINMS 0.21, as far as its outputs show it: online.

    `uncropped_arms` follows it where a startStopTime begins after the recording: lengths and EMG
    are cropped, moment arms are not, and each frame takes those of an earlier one.
    """
    return replace(
        ceinms_0_9(online=True, tolerance=tolerance),
        name="ceinms-0.21-uncropped-arms" if uncropped_arms else "ceinms-0.21",
        solver_points=5,
        least_force=0.0,
        pairs_by_row=False,
        tracking_exponent=2,
        excitation_bounds=(0.001, 0.999),
        follows_all_dofs=False,
        crops=True,
        crops_arms=not uncropped_arms,
    )
