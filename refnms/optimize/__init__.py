"""Methods of optimisation: they know vectors and callables, and nothing of muscles."""

from refnms.optimize.adamw import AdamW, Constant, Cosine, minimize
from refnms.optimize.result import History, Result, Status

__all__ = ["AdamW", "Constant", "Cosine", "History", "Result", "Status", "minimize"]
