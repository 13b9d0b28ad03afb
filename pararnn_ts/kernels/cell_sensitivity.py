"""
Rows of the Jacobian of a model with a cell, exact also where missing observations are filled on the way.

Two ways, by what the cell remembers. A cell with a recurrent state carries the sensitivities of the state forward,

    dh_t/dp = A_t dh_{t-1}/dp + B_t dx_t/dp + G_t,

with A, B and G, the Jacobians of its step, from the reverse of the step. A cell that evolves anew through a window of
inputs gives each row by one reverse run, whatever the number of weights.
"""

import numpy as np

from pararnn_ts.kernels.cells import advance, linearise, read_inputs, work_size
from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.qunn import window_pull_back
from pararnn_ts.kernels.sensitivity import differenced_slope, finish_row, linear_row, ring_length

__all__ = ["cell_rows"]


@jit
def _recurrent_rows(weights, kind, shape, numbers, input_center, lags, linear_lags, difference, deterministic, exog, dt,
                    y, weight, first, hold_back, state, center, scale, ranks, rows):  # fmt: skip
    n, n_weights, n_state, d = y.shape[0], weights.shape[0], state.shape[0], shape[0]
    m_lags, m = lags.shape[0], lags.shape[0] + exog.shape[1]
    q = deterministic.shape[1] + linear_lags.shape[0] + exog.shape[1]
    output = n_weights - d
    ring = ring_length(lags, linear_lags, difference)
    slopes, slope, row = np.zeros((ring, n_weights)), np.zeros(n_weights), np.zeros(n_weights)
    sens, pushed = np.zeros((n_state, n_weights)), np.zeros((n_state, n_weights))
    a, b, g = np.zeros((n_state, n_state)), np.zeros((n_state, m)), np.zeros((n_state, n_weights))
    x, work = np.zeros(m), np.zeros(work_size(kind, shape))
    # without gaps the state depends on the weights of the cell only
    gaps = False
    for t in range(hold_back, n):
        gaps = gaps or np.isnan(y[t])
    low, high = (0, n_weights) if gaps else (q, output)
    last_filled = -ring
    for t in range(first, n):
        filled = t - last_filled < ring
        read_inputs(y, t, lags, difference, exog, input_center, scale[1:], x)
        linearise(kind, weights, q, shape, numbers, x, dt[t], state, work, a, b, g)
        for i in range(n_state):
            target = pushed[i]
            for c in range(low, high):
                target[c] = g[i, c]
            for j in range(n_state):
                factor = a[i, j]
                if factor != 0.0:
                    source = sens[j]
                    for c in range(low, high):
                        target[c] += factor * source[c]
        if filled:
            for j in range(m_lags):
                differenced_slope(slopes, t - lags[j], difference, scale[1 + j], slope)
                for i in range(n_state):
                    for c in range(n_weights):
                        pushed[i, c] += b[i, j] * slope[c]
        sens, pushed = pushed, sens
        slopes[t % ring] = 0.0
        if t < hold_back:
            continue
        row[:] = 0.0
        value = 0.0
        for i in range(d):
            v = weights[output + i]
            for c in range(low, high):
                row[c] += v * sens[i, c]
            row[output + i] += state[i]
            value += v * state[i]
        value += linear_row(weights, linear_lags, difference, deterministic, exog, y, t, center, scale, ranks, filled,
                            slopes, slope, row)  # fmt: skip
        if finish_row(value, row, y, t, difference, center, scale, weight, filled, slopes, rows[t - hold_back]):
            last_filled = t


@jit
def _window_rows(weights, kind, shape, numbers, input_center, lags, linear_lags, difference, deterministic, exog, dt, y,
                 weight, first, hold_back, state, center, scale, ranks, rows):  # fmt: skip
    n, n_weights, d, memory = y.shape[0], weights.shape[0], shape[0], shape[3]
    m_lags, m = lags.shape[0], lags.shape[0] + exog.shape[1]
    q = deterministic.shape[1] + linear_lags.shape[0] + exog.shape[1]
    output = n_weights - d
    ring = ring_length(lags, linear_lags, difference) + memory
    slopes, slope, row = np.zeros((ring, n_weights)), np.zeros(n_weights), np.zeros(n_weights)
    x, work = np.zeros(m), np.zeros(work_size(kind, shape))
    bar, x_bar = np.zeros(d), np.zeros(memory * m)
    last_filled = -ring
    for t in range(first, n):
        filled = t - last_filled < ring
        read_inputs(y, t, lags, difference, exog, input_center, scale[1:], x)
        if t < hold_back:
            # the window need only be filled
            for i in range(d, d + (memory - 1) * m):
                state[i] = state[i + m]
            for j in range(m):
                state[d + (memory - 1) * m + j] = x[j]
            continue
        advance(kind, weights, q, shape, numbers, x, dt[t], state, work)
        slopes[t % ring] = 0.0
        row[:] = 0.0
        x_bar[:] = 0.0
        value = 0.0
        for i in range(d):
            bar[i] = weights[output + i]
            row[output + i] = state[i]
            value += weights[output + i] * state[i]
        window_pull_back(weights, q, shape, state, d, work, bar, x_bar, 0, row)
        if filled:
            for step in range(memory):
                for j in range(m_lags):
                    differenced_slope(slopes, t - memory + 1 + step - lags[j], difference, scale[1 + j], slope)
                    for c in range(n_weights):
                        row[c] += x_bar[step * m + j] * slope[c]
        value += linear_row(weights, linear_lags, difference, deterministic, exog, y, t, center, scale, ranks, filled,
                            slopes, slope, row)  # fmt: skip
        if finish_row(value, row, y, t, difference, center, scale, weight, filled, slopes, rows[t - hold_back]):
            last_filled = t


@jit
def cell_rows(weights, kind, shape, numbers, input_center, lags, linear_lags, difference, deterministic, exog, dt, y,
              weight, first, hold_back, state, center, scale, ranks, rows):  # fmt: skip
    """
    Weighted Jacobian and residuals, in units of the target's scale.

    Parameters
    ----------
    weights : ndarray, (P,)
        Coefficients of the linear path, weights of the cell and output weights, on the scale set by `center` and
        `scale`.
    input_center : ndarray, (m,)
        Location that is subtracted from each input of the cell.
    dt : ndarray, (n,)
        Length of the step to each row.
    state : ndarray, (N,)
        State before row `first`; overwritten.
    rows : ndarray, (n - hold_back, P + 1)
        Receives the weighted Jacobian and, in the last column, the weighted residuals.

    Notes
    -----
    `kind`, `shape` and `numbers` are those of `cells.advance`, the other arguments those of
    `sensitivity.jacobian_rows`.
    """
    if kind == 3:
        _window_rows(weights, kind, shape, numbers, input_center, lags, linear_lags, difference, deterministic, exog,
                     dt, y, weight, first, hold_back, state, center, scale, ranks, rows)  # fmt: skip
    else:
        _recurrent_rows(weights, kind, shape, numbers, input_center, lags, linear_lags, difference, deterministic, exog,
                        dt, y, weight, first, hold_back, state, center, scale, ranks, rows)  # fmt: skip
