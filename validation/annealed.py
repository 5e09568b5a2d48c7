"""CEINMS 0.9's hybrid mode, frame after frame, on the kernels of refnms.

Every frame is annealed anew, by an older form of CEINMS's annealing: the reach of a step begins at
0.5; it grows threefold where every try was accepted, else it shrinks to a third. Compiled together
with the cost, of which an evaluation solves one muscle anew.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numba
import numpy as np

import refnms
from refnms.assistance import march as m
from refnms.assistance.excitations import cost_of, given_of
from refnms.assistance.response import people
from refnms.io.execution import Annealing
from refnms.physics.profiles import Profile
from refnms.simulation import join

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
def begin(system, who, given, path, found, r, t, memory):
    m.begin_row(system, who, path, r, memory.muscles)
    if t >= 0:
        m.begin_frame(system, found.fiber_length, t, memory.muscles)
        for i in range(memory.muscles.shape[1]):
            memory.muscles[m.E, i] = given.recorded[r, i]
            m.answer(system, who, given, t, i, m.E, memory)


@numba.njit
def evaluate(system, who, cost, given, r, t, x, memory):
    rows = memory.muscles
    for k in range(x.size):
        i = given.moving[k]
        if rows[m.E, i] != x[k]:
            rows[m.TRIED, i] = x[k]
            m.answer(system, who, given, t, i, m.TRIED, memory)
            for a in range(m.ANSWERS):
                rows[m.E + a, i] = rows[m.TRIED + a, i]
    return m.value_at(cost, given, r, t, m.E, memory)


@numba.njit
def anneal(system, who, cost, given, r, t, state, settings, x, best, memory):
    """The best excitations into `best (n,)`; their cost, and the number of evaluations."""
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
                    new = evaluate(system, who, cost, given, r, t, tried, memory)
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
def end(system, who, given, path, r, t, found, memory):
    m.end_row(system, who, given, path, r, t, found, memory)


def annealed(
    model: refnms.Model,
    trial: refnms.Trial,
    assistance: refnms.Assistance,
    profile: Profile,
    settings: Annealing,
) -> Annealed:
    """Anneal every frame of a trial, with the random numbers of CEINMS on Linux."""
    joined = join(model, [trial], profile.for_gradients())
    system, recorded = joined.system, joined.excitation(model.table())
    lead, frames = len(recorded) - len(trial.time), len(trial.time)
    who = people(model.muscles, system.piecewise, system.node_tolerance)
    cost = cost_of(assistance, profile)
    given = given_of(model, trial, assistance, recorded, joined.least_force)
    memory = m.memory(len(model.muscle_names), given.moving.size, given.moment.shape[1])
    found = m.Found(
        np.zeros(recorded.shape),
        np.zeros(trial.musculotendon_length.shape),
        *(np.zeros(frames) for _ in range(2)),
        np.zeros(frames, np.int64),
    )
    s = settings
    numbers = (s.rt, s.t, s.ns, s.nt, s.no_epsilon, s.epsilon, s.max_no_eval)
    path, costs, counts, seconds = recorded.copy(), [], [], []
    best = np.zeros(given.moving.size)
    for r in range(len(recorded)):
        t = r - lead
        begin(system, who, given, path, found, r, t, memory)
        if t >= 0:
            before = path[r - 1] if r else np.zeros(recorded.shape[1])
            start = np.where(given.adjusted > 0.0, recorded[r, given.moving], before[given.moving])
            began = time.process_time()
            problem = (system, who, cost, given, r, t)
            value, count = anneal(*problem, seeded(), numbers, start, best, memory)
            seconds.append(time.process_time() - began)
            path[r, given.moving] = best
            costs.append(value)
            counts.append(count)
        end(system, who, given, path, r, t, found, memory)
    return Annealed(path, np.array(costs), np.array(counts), np.array(seconds))
