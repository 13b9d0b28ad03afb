"""Which starts of a race go on: the rules of :func:`levenberg_marquardt.minimize`, for one series at a time."""

import numpy as np

from pararnn_ts.estimation.damped_steps import CONVERGED, EVIDENCE, OBJECTIVE, RETIRED, RUNNING, STATUS
from pararnn_ts.estimation.levenberg_marquardt import FEWEST, LEAD

__all__ = ["review_series"]


def better(table, row, sign, a, b):
    """Whether start `a` is better than `b`; of equals, and of those without a number, the first."""
    x, y = sign * table[row, a], sign * table[row, b]
    if x > y:
        return True
    if x < y:
        return False
    if np.isnan(x) != np.isnan(y):
        return bool(np.isnan(y))
    return a < b


def review_series(table, begin, end, audition, evidence):
    """
    Retire starts of one series.

    Parameters
    ----------
    table : ndarray, (N_FIELDS, C)
        State of the starts.
    begin, end : int
        Starts of the series.
    audition : bool
        Whether the weaker half of many starts is to go.
    evidence : bool
        Whether starts are compared by their evidence.

    Returns
    -------
    int
        Starts that go on.
    """
    row, sign = (EVIDENCE, 1.0) if evidence else (OBJECTIVE, -1.0)
    keep = max(FEWEST, (end - begin) // 2)
    if audition and end - begin > FEWEST:
        for c in range(begin, end):
            # those that go are marked by a negative number until all have been compared
            if table[STATUS, c] == RUNNING:
                rank = 0
                for other in range(begin, end):
                    runs = table[STATUS, other] == RUNNING or table[STATUS, other] == -RETIRED
                    if runs and better(table, row, sign, other, c):
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
            leader = max(leader, sign * table[row, c])
    if running > 0 and converged >= max(3, running):
        for c in range(begin, end):
            ahead = sign * table[row, c] > leader + (LEAD if evidence else 0.0)
            if table[STATUS, c] == RUNNING and not ahead:
                table[STATUS, c] = RETIRED
                running -= 1
    return running
