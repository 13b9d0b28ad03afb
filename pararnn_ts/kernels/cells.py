"""
Recurrent cells as numbers: one scalar step and its reverse for each kind, and what follows from them for all kinds.

A cell moves a state by an input. The first `d` items of its state are what a prediction reads. Every kind is two scalar
functions of flat arrays, without allocation, so that the same source compiles for other targets.
"""

import numpy as np

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lstm import lstm_pull_back, lstm_step
from pararnn_ts.kernels.ode import ode_pull_back, ode_step
from pararnn_ts.kernels.qunn import shared_pull_back, shared_step, window_pull_back, window_step
from pararnn_ts.kernels.recursion import differenced, linear_value

__all__ = [
    "CELLS",
    "advance",
    "linearise",
    "pull_back",
    "read_inputs",
    "run_cell",
    "run_cells",
    "run_inputs",
    "work_size",
]

# the integer by which kernels know each kind of cell
CELLS = {"ode": 0, "lstm": 1, "qunn shared": 2, "qunn lag": 3}


@jit
def work_size(kind, shape):
    """Length of the scratch space of a step and its reverse."""
    d = shape[0]
    if kind == 0:
        size = d * shape[2]
        return shape[3] * (3 * size + 2 * d) + size
    if kind == 1:
        return 16 * d
    return d


@jit
def advance(kind, w, c, shape, numbers, x, dt, state, work):
    """
    Advance a cell by one observation, in place.

    Parameters
    ----------
    kind : int
        See `CELLS`.
    w : ndarray
        Weights, those of the cell from item `c` on.
    shape : ndarray of int
        Dimensions, see the modules of the kinds; the first is the number `d` of states that predictions read.
    numbers : ndarray
        Constants, see the modules of the kinds.
    x : ndarray, (m,)
        Input.
    dt : float
        Length of the step; only ODE cells use it.
    state : ndarray, (N,)
        State.
    work : ndarray, (work_size(kind, shape),)
        Scratch space; holds what :func:`pull_back` needs.
    """
    if kind == 0:
        ode_step(w, c, shape, numbers, x, dt, state, work)
    elif kind == 1:
        lstm_step(w, c, shape, x, state, work)
    elif kind == 2:
        shared_step(w, c, shape, x, state, work)
    else:
        window_step(w, c, shape, x, state, work)


@jit
def pull_back(kind, w, c, shape, numbers, x, dt, state, work, bar, x_bar, grad):
    """
    Reverse of the step that has just been made.

    Parameters
    ----------
    kind, w, c, shape, numbers, x, dt, work
        As in :func:`advance`, which must have filled `work`; it may be called again with the same `work`, except for
        the kinds of QUNN, which run backwards in it.
    state : ndarray, (N,)
        State after the step.
    bar : ndarray, (N,)
        Derivative of something with respect to the state after the step; overwritten by that with respect to the state
        before it.
    x_bar : ndarray, (m,)
        The derivative with respect to the input is added to this.
    grad : ndarray
        The derivative with respect to the weights is added to this.
    """
    if kind == 0:
        ode_pull_back(w, c, shape, numbers, x, dt, work, bar, x_bar, grad)
    elif kind == 1:
        lstm_pull_back(w, c, shape, x, work, bar, x_bar, grad)
    elif kind == 2:
        shared_pull_back(w, c, shape, x, work, bar, x_bar, grad)
    else:
        d, m, memory = shape[0], shape[1], shape[3]
        window_pull_back(w, c, shape, state, d, work, bar, bar, d, grad)
        for a in range(d):
            bar[a] = 0.0
        newest = d + (memory - 1) * m
        for j in range(m):
            x_bar[j] += bar[newest + j]
        for i in range(newest - 1, d - 1, -1):
            bar[i + m] = bar[i]
        for j in range(m):
            bar[d + j] = 0.0


@jit
def linearise(kind, w, c, shape, numbers, x, dt, state, work, a, b, g):
    """
    Advance a cell and write the Jacobians of its new state.

    Parameters
    ----------
    a : ndarray, (N, N)
        Receives the Jacobian with respect to the old state.
    b : ndarray, (N, m)
        Receives that with respect to the input.
    g : ndarray, (N, len(w))
        Receives that with respect to the weights.
    """
    advance(kind, w, c, shape, numbers, x, dt, state, work)
    end = work[: shape[0]].copy()
    a[:] = 0.0
    b[:] = 0.0
    g[:] = 0.0
    for i in range(state.shape[0]):
        a[i, i] = 1.0
        if kind >= 2:
            work[: shape[0]] = end
        pull_back(kind, w, c, shape, numbers, x, dt, state, work, a[i], b[i], g[i])


@jit
def run_inputs(kind, w, c, shape, numbers, x, dt, state, states):
    """Advance a cell through the rows of `x`, all with a step of length `dt`; write the state after each."""
    work = np.empty(work_size(kind, shape))
    for t in range(x.shape[0]):
        advance(kind, w, c, shape, numbers, x[t], dt, state, work)
        states[t] = state


@jit
def read_inputs(y, t, lags, difference, exog, center, scale, x):
    """Write the inputs of row `t`: differenced lags of the series and exogenous values, standardised."""
    m_lags = lags.shape[0]
    for j in range(m_lags):
        x[j] = (differenced(y, t - lags[j], difference) - center[j]) / scale[j]
    for j in range(exog.shape[1]):
        x[m_lags + j] = (exog[t, j] - center[m_lags + j]) / scale[m_lags + j]


@jit
def run_cell(weights, kind, shape, numbers, center, lags, linear_lags, difference, deterministic, exog, dt, y, shocks,
             first, hold_back, state, states, linear, component):  # fmt: skip
    """
    One-step predictions along a path; missing values of the series are filled on the way.

    Parameters
    ----------
    weights : ndarray, (P,)
        Coefficients of the linear path, weights of the cell, output weights.
    kind, shape, numbers
        The cell, see :func:`advance`.
    center : ndarray, (m,)
        Location that is subtracted from each input.
    dt : ndarray, (n,)
        Length of the step to each row.
    component : ndarray, (n,)
        Receives the contribution of the cell.

    Notes
    -----
    The other arguments are those of `recursion.run_path`.
    """
    n, m, d = y.shape[0], lags.shape[0] + exog.shape[1], shape[0]
    q = deterministic.shape[1] + linear_lags.shape[0] + exog.shape[1]
    output = weights.shape[0] - d
    x, one = np.empty(m), np.ones(m)
    work = np.empty(work_size(kind, shape))
    for t in range(first, n):
        read_inputs(y, t, lags, difference, exog, center, one, x)
        advance(kind, weights, q, shape, numbers, x, dt[t], state, work)
        value = 0.0
        for a in range(d):
            value += weights[output + a] * state[a]
        states[t] = state
        component[t] = value
        if t < hold_back:
            continue
        linear[t] = linear_value(weights, linear_lags, difference, deterministic, exog, y, t)
        if np.isnan(y[t]):
            y[t] = linear[t] + value + shocks[t]


@jit
def run_cells(weights, kind, shape, numbers, center, lags, linear_lags, difference, deterministic, exog, dt, history,
              shocks, state, paths):  # fmt: skip
    """
    Simulated continuations of a series.

    Parameters
    ----------
    weights : ndarray, (S, P) or (1, P)
        One vector of weights for each path, or one for all.
    history : ndarray, (r,)
        The last values of the series, as many as a prediction reaches back.
    deterministic, exog, dt : ndarray, (r + h, k), (r + h, e) and (r + h,)
        Rows of history (not read) and future.
    shocks, paths : ndarray, (S, h)
        Shocks of each path; receives the simulated values.
    state : ndarray, (S, N) or (1, N)
        State at the end of the history.

    Notes
    -----
    The other arguments are those of :func:`run_cell`.
    """
    n_paths, steps = shocks.shape
    r = history.shape[0]
    y, shock = np.empty(r + steps), np.zeros(r + steps)
    linear, component = np.empty(r + steps), np.empty(r + steps)
    states = np.empty((r + steps, state.shape[1]))
    for path in range(n_paths):
        y[:r] = history
        y[r:] = np.nan
        shock[r:] = shocks[path]
        own = state[path if state.shape[0] > 1 else 0].copy()
        run_cell(weights[path if weights.shape[0] > 1 else 0], kind, shape, numbers, center, lags, linear_lags,
                 difference, deterministic, exog, dt, y, shock, r, r, own, states, linear, component)  # fmt: skip
        paths[path] = y[r:]
