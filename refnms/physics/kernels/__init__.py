"""The Numba engine's loops over trials, frames and muscles: indices and buffers, no formula.

Each works on some blocks of one or more trials (see `block`), allocates nothing and writes into
the arrays it is given. A block is `trial * (M / LANES) + group`, M a whole number of LANES.
Shapes: rows `(K, M)` for excitation and neural activation, frames `(T, M)` for everything else.
"""
