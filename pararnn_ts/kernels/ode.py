r"""
One step of an ODE-integrator cell and its reverse.

The state s = (s_1, ..., s_t) of order t holds h = s_1 and its time derivatives, d numbers each. With the input x held
over the step,

    s_i' = s_{i+1}, i < t;    s_t' = act(sum_j K_j s_j + U x + b) - sum_j beta_j s_j,

and one observation is one step of an explicit Runge-Kutta method (order t and stages n: Niu, Horesh and Chuang 2019,
arXiv 1904.12933; the equations are our reading), or of the semi-implicit Euler method of coRNN (Rusch and Mishra 2021),
which moves the highest derivative first and the others with what it has become.

Weights, in order: K_1 to K_t (d x d, by rows), U (d x m, by rows), b (d).
`shape` is (d, m, t, n, activation, semi-implicit), `numbers` is (beta_1 .. beta_t, A by rows, b) with the Runge-Kutta
tableau (A, b). These arrays and `work` are those of `cells.advance`.
"""

from pararnn_ts.kernels.activations import activate
from pararnn_ts.kernels.jit import jit

__all__ = ["ode_pull_back", "ode_step"]


@jit
def _drive(w, c, shape, x, y, i, z, out):
    """Argument of the activation for the state `y` at stage `i`; value and slope go to `out`, `out + d`."""
    d, m, t, activation = shape[0], shape[1], shape[2], shape[4]
    c_u = c + t * d * d
    for a in range(d):
        total = w[c_u + d * m + a]
        for j in range(t):
            for b in range(d):
                total += w[c + (j * d + a) * d + b] * y[i + j * d + b]
        for j in range(m):
            total += w[c_u + a * m + j] * x[j]
        z[out + a], z[out + d + a] = activate(activation, total)


@jit
def ode_step(w, c, shape, numbers, x, dt, state, work):
    """
    Advance the state in place.

    `work` keeps, for each stage, the stage value (t d numbers), its derivative (t d), activations and slopes (d each).
    """
    d, t, stages, semi = shape[0], shape[2], shape[3], shape[5]
    size = t * d
    block = 2 * size + 2 * d
    if semi:
        for a in range(size):
            work[a] = state[a]
        _drive(w, c, shape, x, work, 0, work, 2 * size)
        for a in range(d):
            rate = work[2 * size + a]
            for j in range(t):
                rate -= numbers[j] * work[j * d + a]
            state[size - d + a] += dt * rate
            for j in range(t - 2, -1, -1):
                state[j * d + a] += dt * state[(j + 1) * d + a]
        return
    for i in range(stages):
        y = i * block
        k = y + size
        for a in range(size):
            value = state[a]
            for j in range(i):
                weight = numbers[t + i * stages + j]
                if weight != 0.0:
                    value += dt * weight * work[j * block + size + a]
            work[y + a] = value
        _drive(w, c, shape, x, work, y, work, k + size)
        for a in range(d):
            for j in range(t - 1):
                work[k + j * d + a] = work[y + (j + 1) * d + a]
            rate = work[k + size + a]
            for j in range(t):
                rate -= numbers[j] * work[y + j * d + a]
            work[k + size - d + a] = rate
    for a in range(size):
        for i in range(stages):
            state[a] += dt * numbers[t + stages * stages + i] * work[i * block + size + a]


@jit
def _pull_drive(w, c, shape, x, work, y, slope, rate, bar, to, x_bar, grad):
    """Spread the adjoints work[rate:] of the activations of one stage over its state, the input and the weights."""
    d, m, t = shape[0], shape[1], shape[2]
    c_u = c + t * d * d
    for a in range(d):
        u = work[rate + a] * work[slope + a]
        if u == 0.0:
            continue
        for j in range(t):
            for b in range(d):
                at = c + (j * d + a) * d + b
                grad[at] += u * work[y + j * d + b]
                bar[to + j * d + b] += u * w[at]
        for j in range(m):
            grad[c_u + a * m + j] += u * x[j]
            x_bar[j] += u * w[c_u + a * m + j]
        grad[c_u + d * m + a] += u


@jit
def ode_pull_back(w, c, shape, numbers, x, dt, work, bar, x_bar, grad):
    """
    Reverse of the step that left its stages in `work`.

    Parameters
    ----------
    bar : ndarray
        Derivative of something with respect to the state after the step; overwritten by that before the step.
    x_bar, grad : ndarray
        Derivatives with respect to input and weights are added to these.
    """
    d, t, stages, semi = shape[0], shape[2], shape[3], shape[5]
    size = t * d
    block = 2 * size + 2 * d
    free = stages * block
    if semi:
        for a in range(d):
            for j in range(t - 1):
                bar[(j + 1) * d + a] += dt * bar[j * d + a]
            rate = dt * bar[size - d + a]
            work[free + a] = rate
            for j in range(t):
                bar[j * d + a] -= numbers[j] * rate
        _pull_drive(w, c, shape, x, work, 0, 2 * size + d, free, bar, 0, x_bar, grad)
        return
    # adjoints of the stage values, stage after stage, then those of the derivatives of one stage
    rate = free + stages * size
    for i in range(stages * size):
        work[free + i] = 0.0
    for i in range(stages - 1, -1, -1):
        y = i * block
        own = free + i * size
        for a in range(size):
            value = numbers[t + stages * stages + i] * bar[a]
            for j in range(i + 1, stages):
                weight = numbers[t + j * stages + i]
                if weight != 0.0:
                    value += weight * work[free + j * size + a]
            work[rate + a] = dt * value
        for a in range(d):
            for j in range(t - 1):
                work[own + (j + 1) * d + a] += work[rate + j * d + a]
            for j in range(t):
                work[own + j * d + a] -= numbers[j] * work[rate + size - d + a]
        _pull_drive(w, c, shape, x, work, y, y + 2 * size + d, rate + size - d, work, own, x_bar, grad)
    for a in range(size):
        for i in range(stages):
            bar[a] += work[free + i * size + a]
