"""Reviews: which of many starts of the same fit go on, and which are not worth any more evaluations."""

import numpy as np

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.start_state import CONVERGED, EVIDENCE, LEAD, OBJECTIVE, RETIRED, RUNNING, STATUS

__all__ = ["FEWEST", "review_series"]

# the least number of starts that a halving leaves: fewer miss the best optimum too often
FEWEST = 8


@jit
def _better(table, row, sign, a, b):
    """Whether start `a` is better than `b`; of equals, and of those without a number, the first."""
    x, y = sign * table[row, a], sign * table[row, b]
    if x > y:
        return True
    if x < y:
        return False
    if np.isnan(x) != np.isnan(y):
        return bool(np.isnan(y))
    return a < b


@jit
def review_series(table, begin, end, halve, evidence):
    """
    Retire starts of one series: stragglers that are not ahead of those that have converged, on request half of all.

    Parameters
    ----------
    table : ndarray, (N_FIELDS, C)
        State of the starts.
    begin, end : int
        Starts of the series.
    halve : bool
        Whether to retire the weaker half of the starts, too; at least `FEWEST` stay.
    evidence : bool
        Whether starts are compared by their evidence.

    Returns
    -------
    int
        Starts that go on.
    """
    row, sign = (EVIDENCE, 1.0) if evidence else (OBJECTIVE, -1.0)
    keep = max(FEWEST, (end - begin) // 2)
    if halve and end - begin > FEWEST:
        for c in range(begin, end):
            # those that go are marked by a negative number until all have been compared
            if table[STATUS, c] == RUNNING:
                rank = 0
                for other in range(begin, end):
                    runs = table[STATUS, other] == RUNNING or table[STATUS, other] == -RETIRED
                    if runs and _better(table, row, sign, other, c):
                        rank += 1
                if rank >= keep:
                    table[STATUS, c] = -RETIRED
        for c in range(begin, end):
            table[STATUS, c] = abs(table[STATUS, c])
    running, converged, leader = 0, 0, -np.inf
    for c in range(begin, end):
        if table[STATUS, c] == RUNNING:
            running += 1
        elif table[STATUS, c] == CONVERGED:
            converged += 1
            score = sign * table[row, c]
            # nothing is ahead of what is no number
            if score > leader or np.isnan(score):
                leader = score
    if running > 0 and converged >= max(3, running):
        for c in range(begin, end):
            ahead = sign * table[row, c] > leader + (LEAD if evidence else 0.0)
            if table[STATUS, c] == RUNNING and not ahead:
                table[STATUS, c] = RETIRED
                running -= 1
    return running
