"""CEINMS 0.9's hybrid mode, frame after frame, on the kernels of refnms.

Every frame is annealed anew, by an older form of CEINMS's annealing: the reach of a step begins at
0.5; it grows threefold where every try was accepted, else it shrinks to a third. Compiled together
with the cost, of which an evaluation solves one muscle anew; `refnms.optimize.CoranaAnnealing`,
which would call it ten million times from Python, takes the same way (`same_way`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numba
import numpy as np

import refnms
from refnms.assistance import frame, march
from refnms.assistance.excitations import task_of
from refnms.assistance.response import SHORT
from refnms.io.execution import Annealing
from refnms.optimize.ceinms_annealing import HYBRID
from refnms.physics.profiles import Profile
from refnms.steps import annealing_of

RAND_MAX = 2147483647  # of glibc


@dataclass(frozen=True)
class Annealed:
    """What the annealing found in a trial."""

    path: np.ndarray  # (K, M) excitations
    cost: np.ndarray  # (T,)
    evaluations: np.ndarray  # (T,)
    seconds: np.ndarray  # (T,) of the processor


def seeded() -> np.ndarray:
    """The 31 numbers behind glibc's `rand` after srand(1), and which is next."""
    r = [1]
    for _ in range(30):
        r.append(16807 * r[-1] % 2147483647)
    r += r[:3]
    for i in range(34, 344):
        r.append((r[i - 3] + r[i - 31]) & 0xFFFFFFFF)
    return np.array([*r[-31:], 0], np.int64)


@numba.njit
def rand(state):
    i = state[31]
    state[i] = (state[i] + state[(i + 28) % 31]) & 0xFFFFFFFF
    state[31] = (i + 1) % 31
    return (state[i] >> 1) / RAND_MAX


@numba.njit
def begin(task, path, fiber_length, r, t):
    march.begin_row(task, path, r)
    if t >= 0:
        march.begin_frame(task, fiber_length, t)
        for m in range(task.memory.muscles.shape[1]):
            task.memory.muscles[frame.E, m] = task.given.recorded[r, m]
            frame.answer(task, t, m, frame.E, SHORT)


@numba.njit
def evaluate(task, r, t, x):
    rows = task.memory.muscles
    for k in range(x.size):
        m = task.given.moving[k]
        if rows[frame.E, m] != x[k]:
            rows[frame.TRIED, m] = x[k]
            frame.answer(task, t, m, frame.TRIED, SHORT)
            for a in range(frame.ANSWERS):
                rows[frame.E + a, m] = rows[frame.TRIED + a, m]
    return frame.value_at(task, r, t, frame.E)


@numba.njit
def anneal(task, r, t, state, settings, x, best):
    """The best excitations into `best (n,)`; their cost, and the number of evaluations."""
    cost = task.cost
    rt, temperature, ns, nt, no_epsilon, epsilon, most = settings
    n = x.size
    reach, accepted, tried = np.full(n, 0.5), np.zeros(n), x.copy()
    value = lowest = 1.7976931348623157e308
    last = np.full(int(no_epsilon), value)
    count = 0
    while count < most:
        for _ in range(nt):
            accepted[:] = 0
            for _ in range(ns):
                for k in range(n):
                    tried[:] = x
                    tried[k] = x[k] + reach[k] * (2.0 * rand(state) - 1.0)
                    if tried[k] < cost.lower or tried[k] > cost.upper:
                        tried[k] = cost.lower + (cost.upper - cost.lower) * rand(state)
                    new = evaluate(task, r, t, tried)
                    count += 1
                    if not new > value:
                        if not new > lowest:
                            lowest = new
                            best[:] = tried
                    elif temperature == 0.0 or rand(state) >= np.exp((value - new) / temperature):
                        continue
                    value = new
                    x[:] = tried
                    accepted[k] += 1
            for k in range(n):  # CEINMS divides whole numbers: a share is 1 or 0
                reach[k] = min(reach[k] * 3.0 if accepted[k] == ns else reach[k] / 3.0, 1.0)
        last[0] = value
        if np.abs(last - lowest).max() <= epsilon:
            break
        temperature *= rt
        last[1:] = last[:-1].copy()
        value = lowest
        x[:] = best
    return lowest, count


@numba.njit
def end(task, path, r, t, fiber_length):
    march.end_row(task, path, r, t, fiber_length)


def annealed(
    model: refnms.Model,
    trial: refnms.Trial,
    assistance: refnms.Assistance,
    profile: Profile,
    settings: Annealing,
) -> Annealed:
    """Anneal every frame of a trial, with the random numbers of CEINMS on Linux."""
    task = task_of(model, trial, assistance, profile)
    given, recorded = task.given, task.given.recorded
    fiber_length = np.zeros(trial.musculotendon_length.shape)
    s = settings
    numbers = (s.rt, s.t, s.ns, s.nt, s.no_epsilon, s.epsilon, s.max_no_eval)
    path, costs, counts, seconds = recorded.copy(), [], [], []
    best = np.zeros(given.moving.size)
    for r in range(len(recorded)):
        t = r - len(recorded) + len(trial.time)
        begin(task, path, fiber_length, r, t)
        if t >= 0:
            before = path[r - 1] if r else np.zeros(recorded.shape[1])
            start = np.where(given.adjusted > 0.0, recorded[r, given.moving], before[given.moving])
            began = time.process_time()
            value, count = anneal(task, r, t, seeded(), numbers, start, best)
            seconds.append(time.process_time() - began)
            path[r, given.moving] = best
            costs.append(value)
            counts.append(count)
        end(task, path, r, t, fiber_length)
    return Annealed(path, np.array(costs), np.array(counts), np.array(seconds))


def same_way(
    model: refnms.Model,
    trial: refnms.Trial,
    assistance: refnms.Assistance,
    profile: Profile,
    settings: Annealing,
) -> bool:
    """Whether `anneal` finds what the annealing of refnms finds in the first frame, to the bit."""
    task = task_of(model, trial, assistance, profile)
    recorded, moving = task.given.recorded, task.given.moving
    r, fiber_length = len(recorded) - len(trial.time), np.zeros(trial.musculotendon_length.shape)
    for row in range(r + 1):
        begin(task, recorded, fiber_length, row, row - r)
        if row < r:
            end(task, recorded, row, row - r, fiber_length)
    start = np.where(task.given.adjusted > 0.0, recorded[r, moving], 0.0)
    s, best = settings, np.zeros(moving.size)
    numbers = (s.rt, s.t, s.ns, s.nt, s.no_epsilon, s.epsilon, s.max_no_eval)
    lowest, count = anneal(task, r, 0, seeded(), numbers, start.copy(), best)
    begin(task, recorded, fiber_length, r, 0)  # roots are looked for from where the last ones were
    method = replace(annealing_of(settings, "glibc"), rules=HYBRID)
    bounds = np.full(moving.size, task.cost.lower), np.full(moving.size, task.cost.upper)
    x, value, evaluations = method.anneal(lambda x: evaluate(task, r, 0, x), *bounds, start)
    return (lowest, count) == (value, evaluations) and bool((x == best).all())
