"""
Gradients through a cell by running backwards in time, for as many weights as there may be.

A QUNN that streams is undone on the way back and needs no more memory than its state; other cells keep theirs.
"""

import numpy as np

from pararnn_ts.kernels.cells import advance, pull_back, read_inputs, work_size
from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.recursion import linear_value

__all__ = ["sequence_gradient", "series_gradient"]


@jit
def sequence_gradient(kind, w, c, shape, numbers, x, dt, state, output, norms, grad):
    """
    Derivatives of ``output'h`` after a sequence of inputs.

    Parameters
    ----------
    kind, w, c, shape, numbers
        See `cells.advance`.
    x : ndarray, (T, m)
        Inputs.
    dt : float
        Length of every step.
    state : ndarray, (N,)
        State before the sequence; overwritten by that after it.
    output : ndarray, (N,)
        Weights of the last state.
    norms : ndarray, (T + 1,)
        Receives the norm of the derivative with respect to each state, that before the sequence first.
    grad : ndarray
        The derivative with respect to the weights is added to this.
    """
    n, m = x.shape
    work, x_bar = np.empty(work_size(kind, shape)), np.zeros(m)
    streams = kind == 2
    states = np.empty((1 if streams else n + 1, state.shape[0]))
    states[0] = state
    for t in range(n):
        advance(kind, w, c, shape, numbers, x[t], dt, state, work)
        if not streams:
            states[t + 1] = state
    bar, again = output.copy(), state.copy()
    norms[n] = np.sqrt(np.sum(bar * bar))
    for t in range(n - 1, -1, -1):
        if not streams:
            again[:] = states[t]
            advance(kind, w, c, shape, numbers, x[t], dt, again, work)
        pull_back(kind, w, c, shape, numbers, x[t], dt, again, work, bar, x_bar, grad)
        norms[t] = np.sqrt(np.sum(bar * bar))


@jit
def series_gradient(weights, kind, shape, numbers, center, lags, linear_lags, difference, deterministic, exog, dt, y,
                    weight, first, hold_back, state, grad):  # fmt: skip
    """
    Half the weighted sum of squared one-step errors along a series, and its gradient.

    Parameters
    ----------
    weights : ndarray, (P,)
        Coefficients of the linear path, weights of the cell and output weights.
    y : ndarray, (n,)
        The series in levels; missing values after `hold_back` are overwritten by predictions.
    weight : ndarray, (n,)
        Square roots of the observation weights.
    grad : ndarray, (P,)
        Receives the gradient; what follows from filled values is accounted for.

    Returns
    -------
    float

    Notes
    -----
    The other arguments are those of `cells.run_cell`, on whatever scale.
    """
    n, d, m_lags, m = y.shape[0], shape[0], lags.shape[0], center.shape[0]
    k, l, e = deterministic.shape[1], linear_lags.shape[0], exog.shape[1]
    q = k + l + e
    output = weights.shape[0] - d
    x, one, work = np.zeros(m), np.ones(m), np.empty(work_size(kind, shape))
    states, error, filled = np.empty((n + 1, state.shape[0])), np.zeros(n), np.zeros(n, np.bool_)
    total = 0.0
    states[first] = state
    for t in range(first, n):
        read_inputs(y, t, lags, difference, exog, center, one, x)
        advance(kind, weights, q, shape, numbers, x, dt[t], state, work)
        states[t + 1] = state
        if t < hold_back:
            continue
        value = linear_value(weights, linear_lags, difference, deterministic, exog, y, t)
        for a in range(d):
            value += weights[output + a] * state[a]
        if np.isnan(y[t]):
            y[t] = value
            filled[t] = True
        else:
            error[t] = weight[t] ** 2 * (value - y[t])
            total += 0.5 * weight[t] ** 2 * (value - y[t]) ** 2
    # adjoints of the filled values of the series
    y_bar = np.zeros(n)
    bar, x_bar = np.zeros(state.shape[0]), np.zeros(m)
    grad[:] = 0.0
    for t in range(n - 1, first - 1, -1):
        slope = error[t]
        if filled[t]:
            slope += y_bar[t]
        if t >= hold_back and slope != 0.0:
            for j in range(k):
                grad[j] += slope * deterministic[t, j]
            for j in range(l):
                for i in range(difference.shape[0]):
                    at = t - linear_lags[j] - i
                    grad[k + j] += slope * difference[i] * y[at]
                    y_bar[at] += slope * weights[k + j] * difference[i]
            for j in range(e):
                grad[k + l + j] += slope * exog[t, j]
            for i in range(1, difference.shape[0]):
                y_bar[t - i] -= slope * difference[i]
            for a in range(d):
                grad[output + a] += slope * states[t + 1, a]
                bar[a] += slope * weights[output + a]
        read_inputs(y, t, lags, difference, exog, center, one, x)
        state[:] = states[t]
        advance(kind, weights, q, shape, numbers, x, dt[t], state, work)
        x_bar[:] = 0.0
        pull_back(kind, weights, q, shape, numbers, x, dt[t], state, work, bar, x_bar, grad)
        for j in range(m_lags):
            for i in range(difference.shape[0]):
                y_bar[t - lags[j] - i] += x_bar[j] * difference[i]
    return total
