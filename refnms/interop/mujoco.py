"""Our muscles in MuJoCo's simulations, in place of its own (extra `mujoco`).

A muscle of MuJoCo has a rigid tendon and curves of its own. Here its actuator becomes a plain
source of force on its MuJoCo tendon, and the force is the stepper's, elastic tendon included:

    mj_step1    kinematics: lengths of the MuJoCo tendons, and their slopes dL/dq by the joints
    apply       Stepper.step(time, EMG, lengths, -dL/dq) -> tendon forces; ctrl = -force
    mj_step2    forces and motion, the tendon forces on every joint that the tendons cross

The forces are those of a whole run over the trajectory that comes out, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np

from refnms.errors import DivergedError, InputError, Problem
from refnms.io.schema import nearest, short
from refnms.model import Model
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array
from refnms.stream import Status, Stepper

EXTRA = "this needs MuJoCo: install the extra `mujoco`, as in `pip install refnms[mujoco]`"
SAME_STEP = 1e-9  # relative
UNIT = 2.0  # a path longer or shorter than its muscle by this factor is in another unit
EMG_RATE = 2000.0  # [Hz] no EMG comes faster than this and the steps
REFUSED = int(Status.SKIPPED | Status.LATE | Status.NO_EMG)
#: What makes an actuator a source of force: force = ctrl, no dynamics, no limits.
PLAIN = {
    "actuator_dyntype": 0,
    "actuator_actadr": -1,
    "actuator_actnum": 0,
    "actuator_gaintype": 0,
    "actuator_biastype": 0,
    "actuator_gainprm": (1.0, *(0.0,) * 9),
    "actuator_gear": (1.0, *(0.0,) * 5),
    "actuator_ctrllimited": 0,
    "actuator_forcelimited": 0,
}


def attach(
    mj_model: Any,
    mj_data: Any,
    model: Model,
    *,
    frame_rate: float,
    profile: Profile = NATIVE,
) -> Attached:
    """Replace the actuators that are named after the muscles of `model` by those muscles.

    Joints (hinges, rad) are named after its degrees of freedom. `frame_rate` [Hz] is that of the
    frames that c1 and c2 of the model are for, so it must be that of MuJoCo's steps; see
    `Model.at_frame_rate`. `mj_model` is changed until `detach`, or until the end of a `with` block.

    Raises InputError, with all problems at once, for names that do not match, another time step,
    lengths in another unit, and options of MuJoCo under which the forces would not arrive.
    """
    mujoco = _mujoco()
    _check(mujoco, mj_model, mj_data, model, frame_rate)
    stepper = Stepper(model, profile, emg_rate=max(EMG_RATE, 1.0 / mj_model.opt.timestep))
    return Attached(mujoco, mj_model, mj_data, stepper, model)


class Attached:
    """The muscles of a MuJoCo simulation; made by `attach`."""

    stepper: Stepper  # forces, fiber lengths, activations, status, ... of the last step
    musculotendon_length: Array  # (M,) of the last step [m]
    moment_arm: Array  # (M, D) [m/rad]

    def __init__(
        self, mujoco: Any, mj_model: Any, mj_data: Any, stepper: Stepper, model: Model
    ) -> None:
        self._mujoco, self._model, self._data, self.stepper = mujoco, mj_model, mj_data, stepper
        actuators = [_number(mujoco, mj_model, "ACTUATOR", name) for name in model.muscle_names]
        joints = [_number(mujoco, mj_model, "JOINT", name) for name in model.dof_names]
        self._option, self._timestep = mj_model.opt, mj_model.opt.timestep
        self._before = -np.inf
        self._actuators = np.array(actuators)
        self._own = np.array(actuators)[:, None] * mj_model.nv + mj_model.jnt_dofadr[joints]
        # Since MuJoCo 3.15 an actuator may have several controls, and so another address.
        addresses = getattr(mj_model, "actuator_ctrladr", np.arange(mj_model.nu))
        self._control = addresses[actuators].copy()
        self._lengths, self._controls = mj_data.actuator_length, mj_data.ctrl  # views that stay
        self._slopes, self._refresh = _slopes(mujoco, mj_model, mj_data)
        self._pull = np.zeros(len(actuators))
        self.musculotendon_length = np.zeros(len(actuators))
        self.moment_arm = np.zeros((len(actuators), len(joints)))
        self._kept = {name: getattr(mj_model, name)[actuators].copy() for name in PLAIN}
        for name, value in PLAIN.items():
            getattr(mj_model, name)[actuators] = value

    def push(self, time: float, emg: Any) -> None:
        """Take EMG `(E,)` of a time without a step: before the first, for the delay."""
        self.stepper.push(time, emg)

    def step(self, emg: Any) -> Array:
        """One step of MuJoCo, with EMG `(E,)` of its beginning, or None: no sample.

        Returns the moments `(D,)` [N.m] with which it was made, a view. Raises as `apply`.
        """
        self._mujoco.mj_step1(self._model, self._data)
        moment = self.apply(emg)
        self._mujoco.mj_step2(self._model, self._data)
        return moment

    def apply(self, emg: Any) -> Array:
        """What stands between `mj_step1` and `mj_step2`, for a loop that calls them itself.

        Raises InputError where time went back without `reset`, the time step was changed, or no
        EMG has come yet; DivergedError where MuJoCo's numbers are no longer finite.
        """
        time = self._data.time
        if not time > self._before or self._option.timestep != self._timestep:
            raise InputError(self._not_onward(time))
        self._refresh()
        # In this mode NumPy writes straight into `out`; all indices are within.
        self._lengths.take(self._actuators, None, self.musculotendon_length, "clip")
        self._slopes.take(self._own, None, self.moment_arm, "clip")
        np.negative(self.moment_arm, out=self.moment_arm)
        moment = self.stepper.step(time, emg, self.musculotendon_length, self.moment_arm)
        status = int(self.stepper.status)
        if status & REFUSED:
            self._refuse(status, time)
        self._before = time
        self._controls[self._control] = np.negative(self.stepper.tendon_force, out=self._pull)
        return moment

    def reset(self) -> None:
        """Forget everything, as after `mj_resetData`."""
        self.stepper.reset()
        self._before = -np.inf

    def detach(self) -> None:
        """Give the actuators back to MuJoCo, as they were; their controls become zero."""
        for name, values in self._kept.items():
            getattr(self._model, name)[self._actuators] = values
        self._data.ctrl[self._control] = 0.0

    def __enter__(self) -> Attached:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.detach()

    def _not_onward(self, time: float) -> str:
        if self._option.timestep != self._timestep:
            return (
                f"the time step was {self._timestep:g} s when the muscles were attached, and is "
                f"{self._option.timestep:g} s; attach them anew"
            )
        return (
            f"MuJoCo's time went back from {self._before:g} to {time:g} s, or stood still; after "
            "mj_resetData call reset"
        )

    def _refuse(self, status: int, time: float) -> None:
        if status & Status.NO_EMG:
            raise InputError("no EMG has come: give step a sample, or push one before")
        raise DivergedError(f"MuJoCo's lengths are not finite at {time:g} s: it has diverged")


def _mujoco() -> Any:
    try:
        import mujoco
    except ImportError as error:
        raise InputError(EXTRA) from error
    return mujoco


def _number(mujoco: Any, mj_model: Any, kind: str, name: str) -> int:
    """The number of a named thing; -1 if there is none."""
    return int(mujoco.mj_name2id(mj_model, getattr(mujoco.mjtObj, f"mjOBJ_{kind}"), name))


def _slopes(mujoco: Any, mj_model: Any, data: Any) -> tuple[Array, Callable[[], object]]:
    """Slopes `(actuators, joints)` of the lengths, and what brings them up to date.

    MuJoCo has them sparse; before version 3.1 they were dense.
    """
    if data.actuator_moment.ndim == 2:
        return data.actuator_moment, lambda: None
    dense = np.zeros((mj_model.nu, mj_model.nv))
    sparse = data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
    return dense, partial(mujoco.mju_sparse2dense, dense, *sparse)


# ---- what must agree ----


def _check(mujoco: Any, mj_model: Any, mj_data: Any, model: Model, frame_rate: float) -> None:
    problems = [*_of_options(mujoco, mj_model, frame_rate), *_of_joints(mujoco, mj_model, model)]
    mujoco.mj_fwdPosition(mj_model, mj_data)  # lengths of the present pose
    numbers = [_number(mujoco, mj_model, "ACTUATOR", name) for name in model.muscle_names]
    known = [mj_model.actuator(i).name for i in range(mj_model.nu)]
    fibers = model.muscles.optimal_fiber_length * np.cos(model.muscles.pennation_angle_at_optimal)
    expected = model.muscles.tendon_slack_length + fibers
    for name, number, own in zip(model.muscle_names, numbers, expected.tolist(), strict=True):
        if number < 0:
            hint = nearest(name, known)
            problems.append(Problem(f"MuJoCo's model has no actuator {short(name)}{hint}"))
        else:
            problems += _of_actuator(mujoco, mj_model, mj_data, number, own)
    if problems:
        raise InputError(problems)


def _of_options(mujoco: Any, mj_model: Any, frame_rate: float) -> list[Problem]:
    option, problems = mj_model.opt, []
    if option.integrator == mujoco.mjtIntegrator.mjINT_RK4:
        text = "MuJoCo's integrator is RK4, whose steps have no two halves; take implicitfast"
        problems.append(Problem(text))
    if option.disableflags & mujoco.mjtDisableBit.mjDSBL_ACTUATION:
        problems.append(Problem("MuJoCo's option `actuation` is disabled: no force would arrive"))
    if not abs(option.timestep * frame_rate - 1.0) <= SAME_STEP:
        steps = 1.0 / option.timestep
        text = (
            f"MuJoCo makes {steps:g} steps a second, and c1 and c2 of the model are for "
            f"{frame_rate:g} frames: set its timestep to {1.0 / frame_rate:g} s, or attach "
            f"model.at_frame_rate({frame_rate:g}, {steps:g}) with frame_rate={steps:g}"
        )
        problems.append(Problem(text))
    return problems


def _of_joints(mujoco: Any, mj_model: Any, model: Model) -> list[Problem]:
    known, problems = [mj_model.joint(i).name for i in range(mj_model.njnt)], []
    for name in model.dof_names:
        number = _number(mujoco, mj_model, "JOINT", name)
        if number < 0:
            hint = nearest(name, known)
            problems.append(Problem(f"MuJoCo's model has no joint {short(name)}{hint}"))
        elif mj_model.jnt_type[number] != mujoco.mjtJoint.mjJNT_HINGE:
            problems.append(Problem(f"the joint {name} of MuJoCo's model is no hinge"))
    return problems


def _of_actuator(
    mujoco: Any, mj_model: Any, mj_data: Any, number: int, expected: float
) -> list[Problem]:
    name = mj_model.actuator(number).name
    if mj_model.actuator_trntype[number] != mujoco.mjtTrn.mjTRN_TENDON:
        return [Problem(f"the actuator {name} of MuJoCo's model pulls on no tendon")]
    tendon, problems = mj_model.actuator_trnid[number, 0], []
    group = int(mj_model.actuator_group[number])
    limited = getattr(mj_model, "tendon_actfrclimited", np.zeros(mj_model.ntendon))[tendon]
    delayed = getattr(mj_model, "actuator_delay", np.zeros(mj_model.nu))[number] > 0.0
    disabled = int(mj_model.opt.disableactuator) >> group & 1
    for wrong, what in (
        (limited, "its tendon has an actuatorfrcrange"),
        (delayed, "it delays its control"),
        (disabled, f"its group {group} is disabled"),
    ):
        if wrong:
            problems.append(Problem(f"the actuator {name} would not pass on the force: {what}"))
    length = float(mj_data.ten_length[tendon])
    if not expected / UNIT < length < expected * UNIT:
        text = (
            f"the path of {name} is {length:g} long in MuJoCo's present pose, its muscle with the "
            f"tendon {expected:g} m: lengths must be in m, or the muscle is another one"
        )
        problems.append(Problem(text))
    return problems
