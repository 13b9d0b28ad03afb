"""
Representatives of parameter vectors that describe the same model, and units that are modes of their own.

What they are for is said in :mod:`pararnn_ts.estimation.identification`.
"""

import numpy as np

from pararnn_ts.kernels.jit import jit

__all__ = ["distinct_components", "representatives"]


@jit
def _comes_first(values, a, b):
    """Whether value `a` is larger than value `b`; of equals the first, and what is no number is the smallest."""
    x, y = values[a], values[b]
    if np.isnan(x) or np.isnan(y):
        return np.isnan(y) and (not np.isnan(x) or a < b)
    return x > y or (x == y and a < b)


@jit
def representatives(units, n_linear, m, odd, params, size, order, sign):
    """
    Order and signs of the parameters of several series, see :func:`estimation.identification.canonical_order`.

    Parameters
    ----------
    units : ndarray of int, (K,)
        Dimension of each unit.
    n_linear, m : int
        Number of leading parameters, which stay where they are, and of inputs.
    odd : bool
        Whether states may change sign.
    params : ndarray, (S, P)
        Parameters of each series.
    size : ndarray, (S, K)
        Variance of each unit's component.
    order : ndarray of int, (S, P)
        Filled with the place from which each parameter comes.
    sign : ndarray, (S, P)
        Filled with its sign.
    """
    begin = np.empty(len(units), np.int64)
    at, largest = n_linear, 0
    for k in range(len(units)):
        begin[k] = at
        at += units[k] * (units[k] + m + 2)
        largest = max(largest, units[k])
    state, large, flip = np.empty(largest, np.int64), np.empty(largest), np.empty(largest)
    for s in range(len(params)):
        for i in range(n_linear):
            order[s, i], sign[s, i] = i, 1.0
        for source in range(len(units)):
            d = units[source]
            first, target, turn = begin[source], 0, 0
            for other in range(len(units)):
                if units[other] == d and _comes_first(size[s], other, source):
                    turn += 1
            # the unit goes to the place of the one of its dimension whose turn it is
            for other in range(len(units)):
                if units[other] == d:
                    if turn == 0:
                        target = begin[other]
                    turn -= 1
            v = first + d * (d + m + 1)
            for i in range(d):
                large[i] = abs(params[s, v + i])
            for old in range(d):
                new = 0
                for other in range(d):
                    if _comes_first(large, other, old):
                        new += 1
                state[new] = old
                flip[new] = -1.0 if odd and params[s, v + old] < 0.0 else 1.0
            for i in range(d):
                for j in range(d):
                    order[s, target + i * d + j] = first + state[i] * d + state[j]
                    sign[s, target + i * d + j] = flip[i] * flip[j]
                for j in range(m):
                    order[s, target + d * d + i * m + j] = first + d * d + state[i] * m + j
                    sign[s, target + d * d + i * m + j] = flip[i]
                for part in (d * (d + m), d * (d + m + 1)):
                    order[s, target + part + i] = first + part + state[i]
                    sign[s, target + part + i] = flip[i]


@jit
def _leave(left, at):
    """Leave the part of all columns that is at right angles to one of them, whose products these are."""
    pivot = left[at, at]
    for i in range(len(left)):
        share = left[i, at] / pivot
        if i != at:
            for j in range(len(left)):
                left[i, j] -= share * left[at, j]
    for j in range(len(left)):
        left[at, j] = 0.0


@jit
def distinct_components(units, ends, n_linear, params, products, precision, least, rounding, distinct):
    """
    Tell which components are more than others can take over, see :func:`estimation.identification.distinct_units`.

    Parameters
    ----------
    units : ndarray of int, (K,)
        Dimension of each unit: the number of its output weights, which are the last of its parameters.
    ends : ndarray of int, (K,)
        Position behind the last parameter of each unit, whatever there are of them before its output weights.
    n_linear : int
        Number of leading parameters.
    params : ndarray, (S, P)
        Parameters of each series.
    products : ndarray, (S, P + 1, P + 1)
        Products M'M of M = [Jacobian, residual].
    precision : ndarray, (S,)
        One over the variance of the shocks.
    least : float
        Nats that a component must explain.
    rounding : float
        Share of the square of a column that may be left of it by rounding.
    distinct : ndarray of bool, (S, K)
        Filled.
    """
    count = n_linear + len(units)
    # a column for each coefficient of the linear path and for each component: parameters first to last, times weights
    first, last = np.empty(count, np.int64), np.empty(count, np.int64)
    for i in range(n_linear):
        first[i], last[i] = i, i + 1
    for k in range(len(units)):
        first[n_linear + k], last[n_linear + k] = ends[k] - units[k], ends[k]
    left, whole = np.empty((count, count)), np.empty(count)
    for s in range(len(params)):
        for i in range(count):
            for j in range(i + 1):
                left[i, j] = 0.0
                for a in range(first[i], last[i]):
                    for b in range(first[j], last[j]):
                        scale = (1.0 if i < n_linear else params[s, a]) * (1.0 if j < n_linear else params[s, b])
                        left[i, j] += scale * products[s, a, b]
                left[j, i] = left[i, j]
            whole[i] = left[i, i]
        for i in range(n_linear):
            if left[i, i] > rounding * whole[i]:
                _leave(left, i)
        for turn in range(len(units)):
            for k in range(len(units)):
                place = 0
                for other in range(len(units)):
                    if _comes_first(whole, n_linear + other, n_linear + k):
                        place += 1
                if place == turn:
                    own = left[n_linear + k, n_linear + k]
                    distinct[s, k] = 0.5 * precision[s] * own > least and own > rounding * whole[n_linear + k]
                    if distinct[s, k]:
                        _leave(left, n_linear + k)
