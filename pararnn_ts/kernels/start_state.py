"""
What a start of an optimisation carries from one evaluation to the next, and its way into vectors of starts and back.

The starts are columns of one array; :func:`to_lanes` copies as many of them as a vector has lanes to where a step works
on them, and :func:`from_lanes` copies them back.
"""

import numpy as np

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import LANES

__all__ = [
    "BETA",
    "CONVERGED",
    "DAMPING",
    "DECREMENT",
    "EVIDENCE",
    "FAILED",
    "GAMMA",
    "GROWTH",
    "ITERATIONS",
    "LEAD",
    "N_FIELDS",
    "OBJECTIVE",
    "PEAK",
    "PEAKED",
    "PREDICTED",
    "RETIRED",
    "RUNNING",
    "SINCE",
    "SSE",
    "STALLED",
    "STATUS",
    "STOPPED",
    "from_lanes",
    "part_ends",
    "to_lanes",
]

# status of a start
RUNNING, CONVERGED, STOPPED, STALLED, FAILED, RETIRED, PEAKED = range(7)

# rows of the table that says how each start fares
STATUS, ITERATIONS, DAMPING, GROWTH, PREDICTED, PEAK, SINCE = range(7)
OBJECTIVE, EVIDENCE, DECREMENT, GAMMA, SSE, BETA = range(7, 13)
N_FIELDS = 13

# nats that make a difference: a straggler that leads by more is waited for, a start whose evidence fell by more goes
# back to its peak
LEAD = 1.0


@jit
def part_ends(n, n_groups):
    """
    Where the parts of what a start carries along begin and end, in rows.

    The parts, arguments of :func:`pararnn_ts.kernels.damped_steps.advance`, are theta, trial, gram, alpha, table and
    best.
    """
    ends = np.zeros(7, np.int64)
    for i, rows in enumerate((n, n, (n + 1) ** 2, n_groups, N_FIELDS, n + n_groups + N_FIELDS - OBJECTIVE)):
        ends[i + 1] = ends[i] + rows
    return ends


@jit
def to_lanes(state, columns, first, n, n_groups, space):
    """
    Copy up to `LANES` starts into lanes.

    Parameters
    ----------
    state : ndarray, (rows, C)
        What all starts carry along, a column for each.
    columns : ndarray of int
        Starts that run.
    first : int
        The first that is wanted among `columns`. Where fewer than `LANES` are left, the other lanes are copies of the
        last, which do not run.
    n, n_groups : int
        Number of parameters and of prior groups.
    space : ndarray, (rows * LANES,)
        Where to.

    Returns
    -------
    tuple of ndarray
        The parts of `space`, see :func:`part_ends`.
    """
    last = min(first + LANES, len(columns)) - 1
    for i in range(state.shape[0]):
        for lane in range(LANES):
            space[i * LANES + lane] = state[i, columns[min(first + lane, last)]]
    ends = part_ends(n, n_groups) * LANES
    table = space[ends[4] : ends[5]]
    for lane in range(last + 1 - first, LANES):
        table[STATUS * LANES + lane] = FAILED
    theta, trial, gram = space[: ends[1]], space[ends[1] : ends[2]], space[ends[2] : ends[3]]
    return theta, trial, gram, space[ends[3] : ends[4]], table, space[ends[5] :]


@jit
def from_lanes(state, columns, first, space):
    """Copy lanes back to the starts from which :func:`to_lanes` filled them."""
    count = min(LANES, len(columns) - first)
    for i in range(state.shape[0]):
        for lane in range(count):
            state[i, columns[first + lane]] = space[i * LANES + lane]
