"""
Representatives of parameter vectors that describe the same model, and units that are modes of their own.

What they are for is said in :mod:`pararnn_ts.estimation.identification`.
"""

import numpy as np

from pararnn_ts.kernels.jit import jit

__all__ = ["distinct_components", "representatives"]


@jit
def _rank(values, at):
    """How many of the values are larger than one of them, or equal and before it; what is no number is the smallest."""
    own = -np.inf if np.isnan(values[at]) else values[at]
    rank = 0
    for other in range(len(values)):
        value = -np.inf if np.isnan(values[other]) else values[other]
        if value > own or (value == own and other < at):
            rank += 1
    return rank


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
    at = n_linear
    for k in range(len(units)):
        begin[k] = at
        at += units[k] * (units[k] + m + 2)
    for s in range(len(params)):
        for i in range(n_linear):
            order[s, i], sign[s, i] = i, 1.0
        for source in range(len(units)):
            d = units[source]
            same = np.flatnonzero(units == d)
            # the place of the unit is that of the one of its dimension whose turn it is
            target = begin[same[_rank(size[s][same], np.searchsorted(same, source))]]
            first = begin[source]
            output = params[s, first + d * (d + m + 1) : first + d * (d + m + 2)]
            large = np.abs(output)
            state, flip = np.empty(d, np.int64), np.ones(d)
            for old in range(d):
                new = _rank(large, old)
                state[new] = old
                if odd and output[old] < 0.0:
                    flip[new] = -1.0
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
    column = left[at].copy()
    for i in range(len(left)):
        share = column[i] / column[at]
        for j in range(len(left)):
            left[i, j] -= share * column[j]


@jit
def distinct_components(units, n_linear, m, params, products, precision, least, rounding, distinct):
    """
    Tell which components are more than others can take over, see :func:`estimation.identification.distinct_units`.

    Parameters
    ----------
    units : ndarray of int, (K,)
        Dimension of each unit.
    n_linear, m : int
        Number of leading parameters, and of inputs.
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
    first = np.arange(count)
    last = first + 1
    at = n_linear
    for k in range(len(units)):
        at += units[k] * (units[k] + m + 2)
        first[n_linear + k], last[n_linear + k] = at - units[k], at
    for s in range(len(params)):
        left = np.zeros((count, count))
        for i in range(count):
            for j in range(i + 1):
                for a in range(first[i], last[i]):
                    for b in range(first[j], last[j]):
                        scale = (1.0 if i < n_linear else params[s, a]) * (1.0 if j < n_linear else params[s, b])
                        left[i, j] += scale * products[s, a, b]
                left[j, i] = left[i, j]
        whole = np.diag(left).copy()
        for i in range(n_linear):
            if left[i, i] > rounding * whole[i]:
                _leave(left, i)
        for turn in range(len(units)):
            for k in range(len(units)):
                if _rank(whole[n_linear:], k) == turn:
                    own = left[n_linear + k, n_linear + k]
                    distinct[s, k] = 0.5 * precision[s] * own > least and own > rounding * whole[n_linear + k]
                    if distinct[s, k]:
                        _leave(left, n_linear + k)
