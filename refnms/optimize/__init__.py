"""Methods of optimisation: they know vectors and callables, and nothing of muscles."""

from refnms.optimize.adamw import AdamW, Constant, Cosine
from refnms.optimize.ceinms_annealing import CoranaAnnealing
from refnms.optimize.dual_annealing import DualAnnealing
from refnms.optimize.lbfgsb import LBFGSB
from refnms.optimize.levenberg_marquardt import LevenbergMarquardt
from refnms.optimize.linear import Linear
from refnms.optimize.multistart import MultiStart
from refnms.optimize.problem import Hinges, Method, Quadratic
from refnms.optimize.result import History, Result, Status
from refnms.optimize.run import Budget, ResumeError, minimize

__all__ = [
    "LBFGSB",
    "AdamW",
    "Budget",
    "Constant",
    "CoranaAnnealing",
    "Cosine",
    "DualAnnealing",
    "Hinges",
    "History",
    "LevenbergMarquardt",
    "Linear",
    "Method",
    "MultiStart",
    "Quadratic",
    "Result",
    "ResumeError",
    "Status",
    "minimize",
]
