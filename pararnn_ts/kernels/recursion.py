"""
The model run along a path of the series, in levels, one value after the other.

Differenced inputs are formed on the way from the level values, so that a missing observation is simply replaced by its
own prediction (plus a shock, when paths are simulated) and everything after it follows. In-sample prediction with gaps,
dynamic prediction, forecasts and simulation are all this one recursion.
"""

import numpy as np

from pararnn_ts.kernels.activations import activate
from pararnn_ts.kernels.jit import jit

__all__ = ["differenced", "linear_value", "run_path", "run_paths"]


@jit
def differenced(y, t, difference):
    """Value at row `t` of the series after differencing."""
    total = 0.0
    for i in range(difference.shape[0]):
        total += difference[i] * y[t - i]
    return total


@jit
def linear_value(params, linear_lags, difference, deterministic, exog, y, t):
    """Linear part of the prediction at row `t` in levels: the first parameters are its coefficients."""
    k, l, e = deterministic.shape[1], linear_lags.shape[0], exog.shape[1]
    value = 0.0
    for j in range(k):
        value += params[j] * deterministic[t, j]
    for j in range(l):
        value += params[k + j] * differenced(y, t - linear_lags[j], difference)
    for j in range(e):
        value += params[k + l + j] * exog[t, j]
    for i in range(1, difference.shape[0]):
        value -= difference[i] * y[t - i]
    return value


@jit
def run_path(params, units, activation, lags, linear_lags, difference, deterministic, exog, y, shocks, first, hold_back,
             state, states, linear, components):  # fmt: skip
    """
    One-step predictions along a path; missing values of the series are filled on the way.

    Parameters
    ----------
    params : ndarray, (P,)
        Parameters in the order of `Specification`.
    units : ndarray of int, (K,)
        Dimension of each unit.
    activation : int
        See `activations.ACTIVATIONS`.
    lags, linear_lags : ndarray of int
        Lags that feed the units and lags that enter linearly.
    difference : ndarray
        Coefficients of the differencing polynomial.
    deterministic : ndarray, (n, k)
        Deterministic terms.
    exog : ndarray, (n, e)
        Exogenous values.
    y : ndarray, (n,)
        The series in levels; missing values are overwritten by prediction plus shock.
    shocks : ndarray, (n,)
        Added to the predictions that fill missing values.
    first : int
        Row at which the recursion starts.
    hold_back : int
        First row that is predicted.
    state : ndarray, (sum of units,)
        State before row `first`; overwritten by the state after the last row.
    states : ndarray, (n, sum of units)
        Receives the state after each row.
    linear : ndarray, (n,)
        Receives the linear part of the prediction, level terms of differencing included.
    components : ndarray, (n, K)
        Receives each unit's contribution v'h.
    """
    n, m_lags, k, e = y.shape[0], lags.shape[0], deterministic.shape[1], exog.shape[1]
    m = m_lags + e
    q = k + linear_lags.shape[0] + e
    x = np.empty(m)
    largest = 0
    for d in units:
        largest = max(largest, d)
    new = np.empty(largest)
    for t in range(first, n):
        for j in range(m_lags):
            x[j] = differenced(y, t - lags[j], difference)
        for j in range(e):
            x[m_lags + j] = exog[t, j]
        p, s, total = q, 0, 0.0
        for unit in range(units.shape[0]):
            d = units[unit]
            p_u = p + d * d
            p_b = p_u + d * m
            value = 0.0
            for i in range(d):
                z = params[p_b + i]
                for j in range(d):
                    z += params[p + i * d + j] * state[s + j]
                for j in range(m):
                    z += params[p_u + i * m + j] * x[j]
                new[i], _ = activate(activation, z)
                value += params[p_b + d + i] * new[i]
            for i in range(d):
                state[s + i] = new[i]
                states[t, s + i] = new[i]
            components[t, unit] = value
            total += value
            s += d
            p = p_b + 2 * d
        if t < hold_back:
            continue
        value = linear_value(params, linear_lags, difference, deterministic, exog, y, t)
        linear[t] = value
        if np.isnan(y[t]):
            y[t] = value + total + shocks[t]


@jit
def run_paths(params, units, activation, lags, linear_lags, difference, deterministic, exog, history, shocks, state,
              paths):  # fmt: skip
    """
    Simulated continuations of a series.

    Parameters
    ----------
    params : ndarray, (S, P) or (1, P)
        One parameter vector for each path, or one for all.
    history : ndarray, (r,)
        The last values of the series, as many as a prediction reaches back.
    deterministic, exog : ndarray, (r + h, k) and (r + h, e)
        Rows of history (not read) and future.
    shocks : ndarray, (S, h)
        Shocks of each path.
    state : ndarray, (S, sum of units) or (1, sum of units)
        State at the end of the history.
    paths : ndarray, (S, h)
        Receives the simulated values.

    Notes
    -----
    The other arguments are those of :func:`run_path`.
    """
    n_paths, steps = shocks.shape
    r = history.shape[0]
    y = np.empty(r + steps)
    shock = np.zeros(r + steps)
    linear = np.empty(r + steps)
    components = np.empty((r + steps, units.shape[0]))
    states = np.empty((r + steps, state.shape[1]))
    for path in range(n_paths):
        # item by item: for parts of arrays numba compiles the message that lengths differ, too, which takes longer
        for t in range(r):
            y[t] = history[t]
        for t in range(steps):
            y[r + t], shock[r + t] = np.nan, shocks[path, t]
        own = state[path if state.shape[0] > 1 else 0].copy()
        run_path(params[path if params.shape[0] > 1 else 0], units, activation, lags, linear_lags, difference,
                 deterministic, exog, y, shock, r, r, own, states, linear,
                 components)  # fmt: skip
        for t in range(steps):
            paths[path, t] = y[r + t]
