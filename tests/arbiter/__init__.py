"""The arbiter of the golden files: the model once more, in many digits, with no refnms in it.

Written from the papers' formulas and from what CEINMS computes, as plainly as they are printed: the
unknown of the equilibrium is the fiber length, pennation an angle, velocity the slope of a spline
fitted anew at every frame. Every derivative is a difference quotient (`precise.slope`), so none of
refnms's hand-derived slopes, partials and adjoints has a twin here.
"""
