"""Gradients of programs written with NumPy, and tools to check any derivative.

slope = grad(lambda x: np.sum(np.exp(-x * x)))(np.array([0.0, 1.0]))
check_vjp(simulate_moment, activation, musculotendon_length).require()
"""

from refnms.autodiff import rules as rules  # importing it fills the table of the tape
from refnms.autodiff.check import Estimate as Estimate
from refnms.autodiff.check import GradientCheck as GradientCheck
from refnms.autodiff.check import GradientError as GradientError
from refnms.autodiff.check import check_jacobian as check_jacobian
from refnms.autodiff.check import check_vjp as check_vjp
from refnms.autodiff.check import complex_step as complex_step
from refnms.autodiff.check import difference_sweep as difference_sweep
from refnms.autodiff.checkpoint import checkpoint as checkpoint
from refnms.autodiff.checkpoint import recursion as recursion
from refnms.autodiff.implicit import implicit as implicit
from refnms.autodiff.second import hessian_vector as hessian_vector
from refnms.autodiff.second import jvp as jvp
from refnms.autodiff.tape import Primitive as Primitive
from refnms.autodiff.tape import Var as Var
from refnms.autodiff.tape import grad as grad
from refnms.autodiff.tape import jacobian as jacobian
from refnms.autodiff.tape import primitive as primitive
from refnms.autodiff.tape import value_and_grad as value_and_grad
from refnms.autodiff.tape import vjp as vjp

__all__ = [
    "Estimate",
    "GradientCheck",
    "GradientError",
    "Primitive",
    "Var",
    "check_jacobian",
    "check_vjp",
    "checkpoint",
    "complex_step",
    "difference_sweep",
    "grad",
    "hessian_vector",
    "implicit",
    "jacobian",
    "jvp",
    "primitive",
    "recursion",
    "rules",
    "value_and_grad",
    "vjp",
]
