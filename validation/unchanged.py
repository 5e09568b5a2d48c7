"""Errors that `08_planted_errors.py` plants and that change no value a user could see, and why."""

from __future__ import annotations

DIVISOR = "a divisor whose quotient is not used"
SEARCH = "a step of a search, or where it begins or ends: what it finds is the same"
ROOM = "a bound with room on both sides"
BETWEEN = "between rounding and all that is real"
ZERO = "it is only told from zero"
PLACE = "the number of a row, cut to a whole one"

# File -> reason -> how the line begins -> what of it.
UNCHANGED = {
    "physics/families.py": {
        "rounded to whole knots": {"widest =": ["(upper - lower) / segments"]},
        "zero: all curves of Millard begin flat": {
            "y = np.concatenate([y[0] + corners": ["corners[0].slope * before"]
        },
    },
    "physics/activation.py": {
        "a bound of rounding errors": {"ROUNDING =": ["1e-14"]},
        "both formulas hold on both sides of it": {"NEARLY_STRAIGHT =": ["0.0625"]},
        DIVISOR: {
            "per_rise = where(": ["1.0"],
            "inside = where(defined": ["1.0"],
        },
    },
    "physics/muscle.py": {
        "any number beyond the ends of all curves": {"ENDLESS =": ["1e300"]},
        "the next line decides what is used": {"inside = where(squared": ["1.0"]},
        DIVISOR: {
            "per_tendon=where(": ["1.0"],
            "per_length = where(": ["1.0"],
            "tangent = where(upright": ["1.0"],
        },
    },
    "physics/solve.py": {
        ROOM: {
            "SHORTEST =": ["FLOOR * (1.0 + 1e-10)", "1.0", "1e-10"],
            "MARGIN =": ["0.05"],
            "longest = max(": ["x * cosine"],
            "low, high = x_low": ["x_high * cosine_high"],
            "NO_PULL, LITTLE, LONG_PULL =": ["1e-3", "0.1"],
            "cosine = np.sqrt(1.0 - 1.0 / root.upper**2)": ["1.0", "1.0 / root.upper**2"],
            "pull = value(curves": ["1.0"],
            "slack = np.max(": ["1.0"],
            "taut = np.min(": ["1.0"],
            "slowest, fastest = (float": ["1.0"],
            "and abs(slowest)": ["1e-9"],
            "and abs(fastest)": ["2.0"],
            "and active >=": ["0.1", "-0.1 * LITTLE"],
            "and short <=": ["0.5 * NO_PULL", "0.5"],
            "and (long - LITTLE)": ["(long - LITTLE) * cosine"],
        },
        SEARCH: {
            "START_STRAIN =": ["0.03"],
            "strained = taut": [
                "START_STRAIN * unit.tendon_slack_length * unit.per_length",
                "START_STRAIN * unit.tendon_slack_length",
            ],
            "w, flag = newton(curves, sample, FLOOR, longest": ["x * cosine"],
            "w, flag = newton(curves, sample, low, high": ["x * cosine"],
            "x, cosine = muscle.of_length(unit, guess if": ["0.5 * longest", "0.5"],
            "w, flag = 0.5": ["0.5 * (lower + upper)", "0.5"],
            "halved =": ["0.5 * max(last, before_last)", "0.5"],
            "NEWTON_STEP =": ["1e-10"],
            "RESIDUAL =": ["1e-10"],
            "if upper - lower <=": [
                "NEWTON_STEP * NEWTON_STEP",
                "4.0 * EPSILON * w",
                "4.0 * EPSILON",
                "4.0",
            ],
        },
        "its sign alone is asked": {
            "found, length, flag =": ["g_short * g_long"],
            "return not residual": [
                "residual(curves, sample, shortest) * residual(curves, sample, longest)"
            ],
        },
    },
    "physics/implicit.py": {
        DIVISOR: {"ratio = -along / where(": ["1.0"], "g_bar = where(moves": ["1.0"]},
    },
    "physics/elementary.py": {
        "both formulas hold on both sides of it": {"SERIES_BELOW =": ["0.5"]},
        "any number next to zero": {"TINY =": ["1e-300"]},
        "an argument whose result is not used": {"small, large =": ["1.0"]},
        "less than rounding where it is used": {
            "high = ((Q8": [
                "z * Q13",
                "z * Q15",
                "z2 * (Q14 + z * Q15)",
                "z4 * ((Q12 + z * Q13) + z2 * (Q14 + z * Q15))",
            ],
            "return low + z4 * (((S4": ["z * S7", "z4 * S8"],
            "return low + r4": ["r * Q11", "r2 * (Q10 + r * Q11)", "r4 * Q12"],
        },
    },
    "physics/excitation.py": {BETWEEN: {"AT_SAMPLE =": ["1e-9"]}},
    "physics/held.py": {"its sign alone is asked": {"since =": ["one[:, 0] * ~h.skipped"]}},
    "physics/flags.py": {BETWEEN: {"ROUNDING =": ["1e-12"]}},
    "physics/jets.py": {DIVISOR: {"per_u = where(": ["1.0"]}},
    "physics/kernels/block.py": {
        "of a lane that is not there": {"memory[row.SLOPE + j] =": ["1.0"]}
    },
    "physics/kernels/equilibrium.py": {
        SEARCH: {
            "SETTLED =": ["1e-10"],
            "LONGEST =": ["0.2"],
            "memory[row.LMT + j], memory[row.OPEN + j] =": ["1.0"],
            "change =": ["newer * memory[row.L + j]"],
            "memory[row.BY_A + j] *": ["memory[row.BY_A + j] * (a - memory[row.LAST_A + j])"],
            "+ memory[row.BY_LMT + j] *": ["memory[row.BY_LMT + j] * (lmt - memory[row.LMT + j])"],
            "+ memory[row.BY_V + j] *": ["memory[row.BY_V + j] * change"],
            "step = -drive": ["-drive / memory[row.SLOPE + j]"],
            "x = memory[row.X + j] +": ["memory[row.COSINE + j] * step"],
            "v = newest *": [
                "newest * (unit.optimal_fiber_length * x)",
                "unit.optimal_fiber_length * x",
            ],
            "active_force_length=x": ["x * muscle.per_optimal_length(unit, a)"],
            "is_open =": ["1.0"],
            "memory[row.NEAR + j], memory[row.W + j] =": ["is_open * step"],
            "v, w = muscle.norm_velocity(": ["x * cosine"],
        },
        "it divides zero": {"memory[row.SLOPE + j] =": ["1.0"]},
        ZERO: {
            "memory[row.AWAY + j] =": ["1.0"],
            "memory[row.OPEN + j], memory[row.AWAY + j] =": ["1.0"],
            "memory[row.DOUBT + j] =": ["1.0"],
            "left +=": ["0 if settled else 1"],
            "away +=": ["0 if held else 1"],
            "doubtful +=": ["0 if sure else 1"],
        },
    },
    "physics/kernels/forward.py": {
        ZERO: {"memory[row.AWAY + j] =": ["1.0"], "away +=": ["0 if held else 1"]}
    },
    "physics/kernels/linear.py": {
        ZERO: {
            "memory[row.AWAY + j] =": ["1.0"],
            "memory[row.ON_RIGID + j] =": ["1.0"],
            "memory[row.AT_FLOOR + j] =": ["1.0"],
            "memory[row.FLAGGED] =": ["1.0"],
            "floors +=": ["1 if at_floor else 0"],
            "straight +=": ["1 if shape.per_rise == 0.0 else 0"],
            "away +=": [
                "0 if held else 1",
                "take_velocity(signals.fiber_velocity, t, m, memory)",
            ],
        }
    },
    "physics/kernels/partials.py": {PLACE: {"i, behind =": ["p * row.LANES"]}},
    "physics/kernels/tangents.py": {
        PLACE: {
            "p = np.uint64(": ["fields[k] * row.LANES"],
            "p, weights =": ["fields[k] * row.LANES"],
        }
    },
    "physics/kernels/paths.py": {
        "an address, cut to the same integer": {"memory[places, at] =": ["place * size"]}
    },
    "physics/kernels/stream.py": {
        "a count, cut to an integer where it is read": {
            "stream.counters[PUSHED] =": ["1.0"],
            "counters[FRAMES], counters[FILTERED] =": ["1.0"],
        },
        ZERO: {
            "apart +=": ["0 if delay == delays[0] else 1"],
            "missing +=": ["0 if number - number == 0.0 else 1"],
        },
    },
    "physics/reference/fiber.py": {
        "the past is not asked where the velocity is given": {
            "sample = solve.Sample(": ["newest * length"]
        }
    },
    "physics/reference/trajectory.py": {
        SEARCH: {
            "NEAR =": ["1e-3"],
            "LEAST_DAMPING =": ["0.3"],
            "FLAT =": ["1e-4"],
            "LONGEST_STEP =": ["0.2"],
            "SETTLED_STEP =": ["1e-12"],
            "SAME_ROOT =": ["1e-9"],
            "lower[:], upper[:] =": ["end * unit.optimal_fiber_length"],
            "taut =": [
                "(window.musculotendon_length - unit.tendon_slack_length)"
                " / unit.optimal_fiber_length"
            ],
            "return x * cosine": ["x * cosine"],
            "w = _static(": ["1.0"],
            "previous, guess =": ["2.0 * lengths[1:-1]", "2.0"],
            "guess = np.where(guess": [
                "0.5 * root.upper * unit.optimal_fiber_length",
                "0.5 * root.upper",
                "0.5",
            ],
            "settled &= w > ": ["solve.FLOOR * (1.0 + solve.RESIDUAL)", "1.0"],
            "step = np.where(slope": [
                "-g.residual / np.where(slope < 0.0, slope, 1.0)",
                "1.0",
            ],
            "halved =": ["0.5 * np.maximum(last, before_last)", "0.5"],
            "w = np.where(open_": ["0.5 * (lower + upper)", "0.5"],
            "per_velocity =": [
                "at.along * unit.per_speed * unit.per_length",
                "at.along * unit.per_speed",
            ],
            "damped =": ["-LEAST_DAMPING * per_velocity"],
            "own =": ["at.by_velocity * newest * at.along", "at.by_velocity * newest"],
            "slope = np.where(far": ["by_velocity * newest * at.along", "by_velocity * newest"],
            "return at._replace(by_velocity": ["1.0"],
            "w = w + _newton_step(": ["1.0"],
            "w = 0.5": ["0.5 * (lower + upper)", "0.5"],
            "solve.residual(window.curves, sample": ["end * lo"],
            "w = np.where(on_rigid": ["1.0"],
        },
    },
    "assistance/response.py": {
        SEARCH: {
            "LONGEST =": ["0.2"],
            "SHORT, SHORTEST =": ["1e-14"],
            "w = x * cosine": ["x * cosine"],
            "step = min(": ["-g.residual / slope"],
            "w += step": ["step"],
        },
        ROOM: {"sure = solve.reaches(": ["x_last * cosine_last"]},
        "sides are only told apart": {
            "side = 3 *": ["3 * side"],
            "return 2 *": ["2 * side"],
            "side = 1.0": [
                "1.0 * (3 * (3 * inner + limits) + _end(system.curves.force_velocity, last[2, m]))",
                "1.0",
                "3 * (3 * inner + limits)",
                "3 * inner",
            ],
        },
    },
    "assistance/frame.py": {
        SEARCH: {
            "FAR =": ["0.1"],
            "way =": ["rows[LENGTH_SLOPE, m] * (e - rows[E, m])"],
            "guess =": ["FAR * length"],
        },
        "it is only told apart": {"NONE =": ["1.0"]},
    },
    "autodiff/rules.py": {
        "not used, or times zero": {
            "return g * b * a **": ["1.0"],
            "return np.where(a == 0.0, 0.0, g * y": ["1.0"],
        }
    },
    "autodiff/implicit.py": {
        BETWEEN: {"DIAGONAL =": ["1e-6"], "close =": ["DIAGONAL * np.absolute(x_bar)"]}
    },
    "gauss_newton.py": {
        "rounded to whole frames": {"enough =": ["ENOUGH_ROWS * len(problem.packing.start)"]},
        ZERO: {"return [(t, limit) for t, limit": ["1.0"]},
    },
    "objective.py": {
        ZERO: {"self.terms = tuple(": ["1.0"]},
        DIVISOR: {"variance = np.where(wanted": ["1.0"]},
    },
    "terms.py": {
        "a setting": {
            "lower: float =": ["0.5005"],
            "weight: float =": ["1e6"],
            "soft: float =": ["1e3"],
            "reach: float =": ["0.06"],
        }
    },
    "networks.py": {
        "a setting": {
            "BOUND =": ["2.0"],
            "METHOD =": ["0.002"],
            "RESTRAINTS =": ["0.1", "1.0"],
            "restraint: float =": ["1.0"],
        }
    },
    "autodiff/second.py": {"any step so small": {"STEP =": ["1e-30"]}},
}


def reason(file: str, line: str, code: str) -> str:
    """Why an error in this code of a line changes nothing; empty if nobody has said."""
    for why, places in UNCHANGED.get(file, {}).items():
        for begin, codes in places.items():
            if code in codes and line.startswith(begin):
                return why
    return ""
