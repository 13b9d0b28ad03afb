"""
One step of a long short-term memory cell and its reverse.

    i = logistic(.), f = logistic(.), o = logistic(.), g = tanh(.)   with arguments W h + U x + b,
    c+ = f c + i g,   h+ = o tanh(c+)

(Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000). The state is (h, c), d
numbers each. Weights, in order: W (4 d x d, by rows; gates i, f, o, g), U (4 d x m, by rows), b (4 d).
`shape` is (d, m); the arrays are those of `cells.advance`.
"""

from pararnn_ts.kernels.activations import activate
from pararnn_ts.kernels.jit import jit

__all__ = ["lstm_pull_back", "lstm_step"]

_LOGISTIC, _TANH = 2, 0


@jit
def lstm_step(w, p, shape, x, state, work):
    """Advance the state in place; `work` keeps the old state, values and slopes of gates, tanh(c+) and its slope."""
    d, m = shape[0], shape[1]
    p_u = p + 4 * d * d
    p_b = p_u + 4 * d * m
    gates, last = 2 * d, 10 * d
    for a in range(2 * d):
        work[a] = state[a]
    for row in range(4 * d):
        z = w[p_b + row]
        for b in range(d):
            z += w[p + row * d + b] * work[b]
        for j in range(m):
            z += w[p_u + row * m + j] * x[j]
        work[gates + row], work[gates + 4 * d + row] = activate(_LOGISTIC if row < 3 * d else _TANH, z)
    for a in range(d):
        c = work[gates + d + a] * work[d + a] + work[gates + a] * work[gates + 3 * d + a]
        value, slope = activate(_TANH, c)
        work[last + a], work[last + d + a] = value, slope
        state[a] = work[gates + 2 * d + a] * value
        state[d + a] = c


@jit
def lstm_pull_back(w, p, shape, x, work, bar, x_bar, grad):
    """Reverse of the step that left its values in `work`; arguments as in `ode.ode_pull_back`."""
    d, m = shape[0], shape[1]
    p_u = p + 4 * d * d
    p_b = p_u + 4 * d * m
    gates, slopes, last, free = 2 * d, 6 * d, 10 * d, 12 * d
    for a in range(d):
        h_bar = bar[a]
        o, g = work[gates + 2 * d + a], work[gates + 3 * d + a]
        c_bar = bar[d + a] + h_bar * o * work[last + d + a]
        work[free + a] = c_bar * g * work[slopes + a]
        work[free + d + a] = c_bar * work[d + a] * work[slopes + d + a]
        work[free + 2 * d + a] = h_bar * work[last + a] * work[slopes + 2 * d + a]
        work[free + 3 * d + a] = c_bar * work[gates + a] * work[slopes + 3 * d + a]
        bar[d + a] = c_bar * work[gates + d + a]
        bar[a] = 0.0
    for row in range(4 * d):
        u = work[free + row]
        if u == 0.0:
            continue
        for b in range(d):
            grad[p + row * d + b] += u * work[b]
            bar[b] += u * w[p + row * d + b]
        for j in range(m):
            grad[p_u + row * m + j] += u * x[j]
            x_bar[j] += u * w[p_u + row * m + j]
        grad[p_b + row] += u
