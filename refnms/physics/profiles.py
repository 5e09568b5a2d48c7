"""Which discretisation, pairing and start a run follows: versions are records, not branches.

`NATIVE` is refnms's own definition. `ceinms_0_9` follows CEINMS 0.9 to the printed digit.
"""

from __future__ import annotations

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
    interpolates_emg: bool  # else the first EMG row not before the frame is taken
    pairs_by_row: bool  # moment arms and moments belong to length rows by index, not by time
    tracking_exponent: int  # of the distance from recorded excitations, where they are adjusted
    excitation_bounds: tuple[float, float]  # of adjusted and synthesized ones
    follows_all_dofs: bool  # whatever the execution file's dofSet says

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
    interpolates_emg=True,
    pairs_by_row=False,
    tracking_exponent=2,
    excitation_bounds=(0.0, 1.0),
    follows_all_dofs=False,
)

CEINMS_0_9_TOLERANCE = 1e-6  # [m] of CEINMS's Brent search when the file states none


def ceinms_0_9(online: bool = False, tolerance: float = CEINMS_0_9_TOLERANCE) -> Profile:
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
        interpolates_emg=False,
        pairs_by_row=True,
        tracking_exponent=1,
        excitation_bounds=(0.0, 1.0),
        follows_all_dofs=True,
    )
