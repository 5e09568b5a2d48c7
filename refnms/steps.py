"""The steps of a calibration, one after the other, each from where the last one ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from refnms.calibration import Calibration, Callback, calibrate
from refnms.errors import InputError, Problem
from refnms.io.execution import Annealing
from refnms.io.history import NAME as HISTORY
from refnms.io.history import read_history, write_history
from refnms.methods import method_named
from refnms.optimize import Budget, CoranaAnnealing, History, ResumeError, Status
from refnms.resampling import PriorChoice, choose_prior, with_prior
from refnms.task import Task, terms_of

ENDED_EARLY = (Status.INTERRUPTED, Status.BUDGET)


@dataclass(frozen=True)
class Settings:
    """How to calibrate."""

    profile: str = "native"
    method: str = "lm"  # see `methods`
    starts: int = 1
    seed: int = 0  # of starts and of annealing
    random: str = "glibc"  # whose random numbers CEINMS's annealing takes
    budget: Budget = field(default_factory=Budget)  # of all steps together
    prior: float | None = 0.0  # weight; None: chosen by leaving trials out
    uncertainty: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        if self.method == "corana" and (self.uncertainty or self.prior != 0.0):
            raise InputError(
                "`corana` minimises CEINMS's own objective, which has no derivatives and no prior: "
                "take another --method for --uncertainty and --prior"
            )


@dataclass(frozen=True, eq=False)
class Stepped:
    """A step, and what it found."""

    task: Task
    done: Calibration
    choice: PriorChoice | None  # how the weight of its prior was chosen, if it was


def run_steps(
    task: Task, settings: Settings, callback: Callback | None, folder: Path
) -> list[Stepped]:
    """Calibrate step by step, until the last one or one that ended early.

    With `settings.resume`, histories in `folder` are continued.
    """
    steps: list[Stepped] = []
    following: Task | None = task
    while following is not None:
        past = _past(folder, len(steps)) if settings.resume else None
        left = _left(settings.budget, steps)
        if left is None:
            break
        steps.append(_step(following, replace(settings, budget=left), callback, past, folder))
        done = steps[-1].done
        if done.result.status in (*ENDED_EARLY, Status.DIVERGED):
            break
        following = following.following(done.model)
    return steps


def write_histories(folder: Path, steps: Sequence[Stepped]) -> None:
    """Keep what it takes to continue, where a step ended early."""
    if steps[-1].done.result.status in ENDED_EARLY:
        for n, step in enumerate(steps):
            write_history(folder / _history(n), step.done.result.history)


def _history(step: int) -> str:
    return HISTORY if step == 0 else f"{Path(HISTORY).stem}-{step + 1}{Path(HISTORY).suffix}"


def _past(folder: Path, step: int) -> History | None:
    """The history of a step; only the first one must have one."""
    path = folder / _history(step)
    return read_history(path) if step == 0 or path.is_file() else None


def _left(budget: Budget, steps: Sequence[Stepped]) -> Budget | None:
    """What the steps have left of a budget; None: nothing."""
    results = [step.done.result for step in steps]
    evaluations, seconds = budget.evaluations, budget.seconds
    if evaluations is not None:
        evaluations -= sum(result.evaluations for result in results)
    if seconds is not None:
        seconds -= sum(result.seconds for result in results)
    used_up = (evaluations is not None and evaluations < 1) or (
        seconds is not None and seconds <= 0.0
    )
    return None if used_up else Budget(evaluations, seconds)


def annealing_of(file: Annealing, random: str) -> CoranaAnnealing:
    """CEINMS's annealing as a file sets it."""
    return CoranaAnnealing(
        rt=file.rt,
        temperature=file.t,
        ns=file.ns,
        nt=file.nt,
        no_epsilon=file.no_epsilon,
        epsilon=file.epsilon,
        max_evaluations=file.max_no_eval,
        random=random,
    )


def _step(
    task: Task, settings: Settings, callback: Callback | None, past: History | None, folder: Path
) -> Stepped:
    annealing = annealing_of(task.file.annealing, settings.random)
    starts, seed = settings.starts, settings.seed
    method = method_named(settings.method, task.packing, starts, seed, annealing)
    by_values = isinstance(method, CoranaAnnealing)
    terms, choice, weight = terms_of(task.step, by_values), None, settings.prior
    problem = task.packing, method, task.profile
    trials, dofs = task.recordings("calibration"), task.dofs
    if weight is None:
        choice = choose_prior(task.model, trials, task.packing, None, task.profile, terms, dofs)
        weight = choice.best
    terms = terms if by_values else with_prior(terms, weight)
    try:
        done = calibrate(
            task.model, trials, *problem, terms, dofs, callback, settings.budget, past=past
        )
    except ResumeError as error:
        message = f"cannot be resumed, since {error}; with other files or settings, calibrate anew"
        raise InputError(Problem(message, folder / HISTORY)) from error
    return Stepped(task, done, choice)
