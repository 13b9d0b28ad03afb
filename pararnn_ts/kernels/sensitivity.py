"""
Rows of the Jacobian of one start, exact also where missing observations are filled on the way.

A filled value is a prediction and so depends on every parameter; through it the units see each other. This kernel
therefore carries the sensitivities of all states to all parameters. It is the general counterpart of
`pararnn_ts.kernels.units`, which needs complete data and is much faster.
"""

import numpy as np

from pararnn_ts.kernels.activations import activate
from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.recursion import differenced

__all__ = ["differenced_slope", "finish_row", "jacobian_rows", "linear_row", "ring_length"]


@jit
def differenced_slope(slopes, t, difference, scale, out):
    """Write the gradient of the differenced value at row `t`, divided by `scale`."""
    ring = slopes.shape[0]
    out[:] = 0.0
    for i in range(difference.shape[0]):
        c = difference[i] / scale
        row = slopes[(t - i) % ring]
        for p in range(out.shape[0]):
            out[p] += c * row[p]


@jit
def ring_length(lags, linear_lags, difference):
    """Rows whose slopes must be kept: those a prediction reaches back to, and itself."""
    ring = 1 + difference.shape[0]
    for lag in lags:
        ring = max(ring, lag + difference.shape[0])
    for lag in linear_lags:
        ring = max(ring, lag + difference.shape[0])
    return ring


@jit
def linear_row(params, linear_lags, difference, deterministic, exog, y, t, center, scale, ranks, filled, slopes, slope,
               row):  # fmt: skip
    """
    Add the linear path's part to the gradient `row` of the prediction at row `t`; return its standardised value.

    `slopes` holds the gradients of filled values in a ring, which matters where `filled` is set; `slope` is scratch
    space. The other arguments are those of :func:`jacobian_rows`.
    """
    k, l, e = deterministic.shape[1], linear_lags.shape[0], exog.shape[1]
    q, last = k + l + e, center.shape[0] - e
    value = 0.0
    for j in range(k):
        row[j] += deterministic[t, j]
        value += params[j] * deterministic[t, j]
    for j in range(l):
        z = (differenced(y, t - linear_lags[j], difference) - center[0]) / (scale[0] * ranks[j])
        row[k + j] += z
        value += params[k + j] * z
        if filled:
            differenced_slope(slopes, t - linear_lags[j], difference, scale[0] * ranks[j], slope)
            for c in range(row.shape[0]):
                row[c] += params[k + j] * slope[c]
    for j in range(e):
        z = (exog[t, j] - center[last + j]) / scale[last + j]
        row[q - e + j] += z
        value += params[q - e + j] * z
    return value


@jit
def finish_row(value, row, y, t, difference, center, scale, weight, filled, slopes, out):
    """
    Turn the standardised prediction `value` and its gradient into a weighted row; fill a missing value on the way.

    Returns whether the value was missing. Its gradient then is in `slopes`, and the residual is zero.
    """
    n_params = row.shape[0]
    fitted = center[0] + scale[0] * value
    for i in range(1, difference.shape[0]):
        fitted -= difference[i] * y[t - i]
        if filled:
            before = slopes[(t - i) % slopes.shape[0]]
            for c in range(n_params):
                row[c] -= difference[i] * before[c] / scale[0]
    if np.isnan(y[t]):
        y[t] = fitted
        own = slopes[t % slopes.shape[0]]
        for c in range(n_params):
            own[c] = scale[0] * row[c]
            # a gradient across a gap may be infinite, and zero times infinity no number
            out[c] = weight[t] * row[c] if weight[t] > 0.0 else 0.0
        out[n_params] = 0.0
        return True
    for c in range(n_params):
        out[c] = weight[t] * row[c]
    out[n_params] = weight[t] * (y[t] - fitted) / scale[0]
    return False


@jit
def _advance_unit(params, p, s, d, m, m_lags, activation, x, x_slopes, filled, state, new, sens, pushed, row, value):
    """
    Advance one unit and its sensitivities by a row; add its part to the gradient `row` and to the prediction `value`.

    Returns the new value. The unit has its weights from position `p` of `params` on, and its `d` states from position
    `s` on. `new` and `pushed` receive its states and their derivatives by all parameters; those of the row before are
    in `state` and `sens`. The other arguments are those of :func:`jacobian_rows`.
    """
    n_params = params.shape[0]
    p_u = p + d * d
    p_b = p_u + d * m
    p_v = p_b + d
    for i in range(d):
        z = params[p_b + i]
        for j in range(d):
            z += params[p + i * d + j] * state[s + j]
        for j in range(m):
            z += params[p_u + i * m + j] * x[j]
        new[s + i], steepness = activate(activation, z)
        target = pushed[s + i]
        target[:] = 0.0
        for j in range(d):
            w = params[p + i * d + j]
            for c in range(n_params):
                target[c] += w * sens[s + j, c]
        if filled:
            for j in range(m_lags):
                u = params[p_u + i * m + j]
                for c in range(n_params):
                    target[c] += u * x_slopes[j, c]
        for j in range(d):
            target[p + i * d + j] += state[s + j]
        for j in range(m):
            target[p_u + i * m + j] += x[j]
        target[p_b + i] += 1.0
        for c in range(n_params):
            target[c] *= steepness
    for i in range(d):
        v = params[p_v + i]
        for c in range(n_params):
            row[c] += v * pushed[s + i, c]
        row[p_v + i] += new[s + i]
        value += v * new[s + i]
    return value


@jit
def jacobian_rows(params, units, activation, lags, linear_lags, difference, deterministic, exog, y, weight, first,
                  hold_back, center, scale, ranks, rows):  # fmt: skip
    """
    Weighted Jacobian and residuals, in units of the target's scale.

    Parameters
    ----------
    params : ndarray, (P,)
        Parameters on the scale set by `center` and `scale`.
    units, activation, lags, linear_lags, difference, deterministic, exog, first, hold_back
        As in `recursion.run_path`.
    y : ndarray, (n,)
        The series in levels; missing values after `hold_back` are overwritten by predictions.
    weight : ndarray, (n,)
        Square roots of the observation weights; zero for rows that do not count. A missing value with a weight has the
        gradient of the prediction that fills it, and no residual.
    center, scale : ndarray, (1 + m_lags + e,)
        Location and scale of the differenced series as target, of its lags, and of the exogenous values.
    ranks : ndarray
        For each lag of the linear path, its scale in units of the target's.
    rows : ndarray, (n - hold_back, P + 1)
        Receives the weighted Jacobian and, in the last column, the weighted residuals.
    """
    n, n_params = y.shape[0], params.shape[0]
    m_lags, k, e, l = lags.shape[0], deterministic.shape[1], exog.shape[1], linear_lags.shape[0]
    m, q = m_lags + e, k + l + e
    n_state = 0
    for d in units:
        n_state += d
    ring = ring_length(lags, linear_lags, difference)
    slopes = np.zeros((ring, n_params))
    x_slopes = np.zeros((m, n_params))
    slope = np.zeros(n_params)
    state, new = np.zeros(n_state), np.zeros(n_state)
    sens, pushed = np.zeros((n_state, n_params)), np.zeros((n_state, n_params))
    x = np.zeros(m)
    row = np.zeros(n_params)
    last_filled = -ring
    for t in range(first, n):
        filled = t - last_filled < ring
        for j in range(m_lags):
            x[j] = (differenced(y, t - lags[j], difference) - center[1 + j]) / scale[1 + j]
            if filled:
                differenced_slope(slopes, t - lags[j], difference, scale[1 + j], x_slopes[j])
            else:
                x_slopes[j] = 0.0
        for j in range(m_lags, m):
            x[j] = (exog[t, j - m_lags] - center[1 + j]) / scale[1 + j]
        row[:] = 0.0
        value = 0.0
        p, s = q, 0
        for d in units:
            value = _advance_unit(params, p, s, d, m, m_lags, activation, x, x_slopes, filled, state, new, sens,
                                  pushed, row, value)  # fmt: skip
            s += d
            p += d * (d + m + 2)
        for i in range(n_state):
            state[i] = new[i]
        sens, pushed = pushed, sens
        slopes[t % ring] = 0.0
        if t < hold_back:
            continue
        value += linear_row(params, linear_lags, difference, deterministic, exog, y, t, center, scale, ranks, filled,
                            slopes, slope, row)  # fmt: skip
        if finish_row(value, row, y, t, difference, center, scale, weight, filled, slopes, rows[t - hold_back]):
            last_filled = t
