"""
Cells as a textbook writes them, in plain numpy; the kernels are held against it.

Parameters may be complex, so that derivatives follow from an imaginary step, exact to rounding.
"""

import numpy as np
from twin import ACTIVATIONS, Run

from pararnn_ts.cells import CellSpecification, LSTMCell, ODECell, QUNNCell, runge_kutta

Y = np.array([[0.0, -1.0], [1.0, 0.0]])  # iY
Z = np.diag([1.0, -1.0])


def generators(q):
    """Matrices of the QUNN's generators; bit j of an index is site j."""

    def on(**sites):
        total = np.eye(1)
        for j in range(q):
            total = np.kron(sites.get(f"s{j}", np.eye(2)), total)
        return total

    fields = [on(**{f"s{j}": Y}) for j in range(q)]
    right = [on(**{f"s{j}": Y, f"s{j + 1}": Z}) for j in range(q - 1)]
    left = [on(**{f"s{j + 1}": Y, f"s{j}": Z}) for j in range(q - 1)]
    return fields + right + left


def exponential(phi, a):
    """exp(phi A) of a generator, by A^2 = -1."""
    return np.cos(phi) * np.eye(len(a)) + np.sin(phi) * a


def ode_field(cell, k, u, b, s, x):
    """Derivative of the state, an array of shape (t, d)."""
    drive = ACTIVATIONS[cell.activation](np.einsum("jab,jb->a", k, s) + u @ x + b)
    return np.concatenate([s[1:], [drive - np.array(cell.damping) @ s]])


def ode_step(cell, own, s, x, dt):
    d, m, t = cell.hidden, cell.n_inputs, cell.order
    if cell.antisymmetric:
        n = d * (d - 1) // 2
        k = np.zeros((t, d, d), dtype=own.dtype)
        for j in range(t):
            k[j][np.triu_indices(d, 1)] = own[j * n : (j + 1) * n]
            k[j] = k[j] - k[j].T - cell.diffusion * np.eye(d)
        rest = own[t * n :]
    else:
        k, rest = own[: t * d * d].reshape(t, d, d), own[t * d * d :]
    u, b = rest[: d * m].reshape(d, m), rest[d * m :]
    s = s.reshape(t, d)
    if cell.symplectic:
        s = np.array(s, dtype=np.result_type(own, s, x))
        s[-1] = s[-1] + dt * ode_field(cell, k, u, b, s, x)[-1]
        for j in range(t - 2, -1, -1):
            s[j] = s[j] + dt * s[j + 1]
        return s.ravel()
    tableau, weights = runge_kutta(cell.stages)
    stages = []
    for i in range(cell.stages):
        y = s + dt * sum((tableau[i, j] * stages[j] for j in range(i)), 0.0 * s)
        stages.append(ode_field(cell, k, u, b, y, x))
    return (s + dt * sum(w * stage for w, stage in zip(weights, stages, strict=True))).ravel()


def lstm_step(cell, own, s, x):
    d, m = cell.hidden, cell.n_inputs
    w, u, b = np.split(own, np.cumsum([4 * d * d, 4 * d * m]))
    z = w.reshape(4 * d, d) @ s[:d] + u.reshape(4 * d, m) @ x + b
    i, f, o = (ACTIVATIONS["logistic"](part) for part in np.split(z[: 3 * d], 3))
    c = f * s[d:] + i * np.tanh(z[3 * d :])
    return np.concatenate([o * np.tanh(c), c])


def qunn_angles(cell, own):
    """Constants (blocks, generators) and input weights (blocks, generators, m)."""
    kinds, source = cell.families
    n, m, blocks = len(kinds), cell.n_inputs, cell.blocks
    if cell.tie:
        a, b = np.tile(own[:n], (blocks, 1)), own[n:].reshape(blocks, n, m)
    else:
        each = own.reshape(blocks, n, 1 + m)
        a, b = each[:, :, 0], each[:, :, 1:]
    return a[:, source], b[:, source]


def qunn_step(cell, own, s, x):
    a, b = qunn_angles(cell, own)
    d, known = cell.n_outputs, generators(cell.qubits)

    def turned(h, block, x):
        for g, matrix in enumerate(known):
            h = exponential(a[block, g] + b[block, g] @ x, matrix) @ h
        return h

    h = s[:d]
    if cell.mode == "shared":
        for layer in range(cell.layers):
            h = turned(h, layer, x)
        return h
    window = np.concatenate([s[d + cell.n_inputs :], x])
    h = np.full(d, 1.0 / np.sqrt(d))
    for block, inputs in enumerate(window.reshape(cell.memory, -1)):
        h = turned(h, block, inputs)
    return np.concatenate([h, window])


def step(cell, own, s, x, dt):
    if isinstance(cell, ODECell):
        return ode_step(cell, own, s, x, dt)
    return lstm_step(cell, own, s, x) if isinstance(cell, LSTMCell) else qunn_step(cell, own, s, x)


def run(spec, params, y, exog, deterministic, dt, location, shocks=None, center=None, scale=None, ranks=None):
    """
    The whole model in levels; a missing value is replaced by its prediction, plus a shock if there are any.

    With `center`, `scale` and `ranks` the parameters are those of standardised columns, see `twin.run`; inputs of the
    cell are measured from `location`.
    """
    m, q, d = spec.n_inputs, spec.n_linear, spec.cell.n_outputs
    center = np.zeros(1 + m) if center is None else center
    scale = np.ones(1 + m) if scale is None else scale
    ranks = np.ones(len(spec.linear_lags)) if ranks is None else ranks
    own, v, linear = params[q : len(params) - d], params[len(params) - d :], params[:q]
    c, n, k = np.array(spec.difference), len(y), len(spec.deterministic_names)
    y = np.array(y, dtype=params.dtype)
    fitted = np.full(n, np.nan, dtype=params.dtype)
    components = np.full((n, 1), np.nan, dtype=params.dtype)
    s = np.array(spec.initial_state, dtype=params.dtype)
    states = np.full((n, len(s)), np.nan, dtype=params.dtype)

    def w(t):
        return sum(c[i] * y[t - i] for i in range(len(c)))

    for t in range(spec.first_state, n):
        raw = np.array([*(w(t - lag) for lag in spec.lags), *exog[t]])
        s = step(spec.cell, own, s, (raw - location) / scale[1:], dt[t])
        states[t], components[t, 0] = s, v @ s[:d]
        if t < spec.hold_back:
            continue
        value = deterministic[t] @ linear[:k] + components[t, 0]
        for j, lag in enumerate(spec.linear_lags):
            value += linear[k + j] * (w(t - lag) - center[0]) / (scale[0] * ranks[j])
        columns = (exog[t] - center[1 + len(spec.lags) :]) / scale[1 + len(spec.lags) :]
        value += columns @ linear[k + len(spec.linear_lags) :]
        fitted[t] = center[0] + scale[0] * value - sum(c[i] * y[t - i] for i in range(1, len(c)))
        if np.isnan(y[t]):
            y[t] = fitted[t] + (0.0 if shocks is None else shocks[t])
    return Run(fitted, components, states, s, y, np.nan)


CELLS = {
    "vanilla": lambda m: ODECell(2, m),
    "order 2, 4 stages": lambda m: ODECell(2, m, 2, 4, 0.5, (0.3, 0.8)),
    "order 3, 3 stages": lambda m: ODECell(1, m, 3, 3, 0.4, (0.1, 0.6, 1.2), "logistic"),
    "order 2, 2 stages": lambda m: ODECell(2, m, 2, 2, 0.7, (0.5, 1.0), "identity"),
    "antisymmetric": lambda m: ODECell(3, m, 1, 1, 0.2, (0.0,), "tanh", True, 0.1),
    "antisymmetric, order 2": lambda m: ODECell(3, m, 2, 2, 0.3, (0.2, 0.9), "tanh", True, 0.1),
    "one antisymmetric state": lambda m: ODECell(1, m, 1, 4, 0.3, (0.0,), "tanh", True, 0.5),
    "symplectic": lambda m: ODECell(2, m, 2, 1, 0.3, (1.0, 0.8), symplectic=True),
    "symplectic, order 3": lambda m: ODECell(2, m, 3, 1, 0.3, (0.4, 1.0, 0.8), symplectic=True),
    "lstm": lambda m: LSTMCell(2, m),
    "qunn": lambda m: QUNNCell(2, m, 3),
    "qunn, tied": lambda m: QUNNCell(3, m, 2, tie=True),
    "qunn, site": lambda m: QUNNCell(2, m, 2, "site"),
    "qunn, one site": lambda m: QUNNCell(1, m, 3, "site", True),
    "qunn, shared": lambda m: QUNNCell(3, m, mode="shared"),
    "qunn, shared, site": lambda m: QUNNCell(2, m, 1, "site", False, "shared", 2),
}


def specification(kind, lags=(1,), linear_lags=(1,), k=1, e=0, difference=(1.0,), extra=0):
    """A specification whose names do not matter; `extra` rows are held back beyond the necessary ones."""
    cell = CELLS[kind](len(lags) + e)
    known = {"deterministic_names": tuple(f"d{i}" for i in range(k)), "exog_names": tuple(f"x{i}" for i in range(e))}
    spec = CellSpecification("y", tuple(lags), tuple(linear_lags), cell, difference=tuple(difference), **known)
    return CellSpecification("y", tuple(lags), tuple(linear_lags), cell, difference=tuple(difference), **known,
                             hold_back=spec.least_hold_back + extra)  # fmt: skip


def random_params(spec, rng):
    """Parameters of a busy model that stays bounded."""
    params = 0.3 * rng.normal(size=spec.n_params)
    params[spec.cell_slice] = 0.5 * rng.normal(size=len(spec.cell.groups))
    return params
