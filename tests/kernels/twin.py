"""
The model as a textbook writes it, in plain numpy and one step after the other; the kernels are held against it.

Parameters may be complex, so that derivatives follow from an imaginary step, exact to rounding.
"""

from typing import NamedTuple

import numpy as np

from pararnn_ts.specification import Specification

ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda z: np.where(z.real > 0.0, z, 0.0),
    "logistic": lambda z: 1.0 / (1.0 + np.exp(-z)),
    "identity": lambda z: z,
}


class Run(NamedTuple):
    fitted: np.ndarray
    components: np.ndarray
    states: np.ndarray
    end_state: np.ndarray
    filled: np.ndarray
    smallest: float  # least distance of a unit's argument from zero, where relu has its kink


def weights_of(params, units, m, q):
    """Coefficients of the q linear columns, then (W, U, b, v) of each unit."""
    linear, rest, found = params[:q], params[q:], []
    for d in units:
        sizes = np.cumsum([d * d, d * m, d, d])
        W, U, b, v = np.split(rest[: sizes[-1]], sizes[:-1])
        found.append((W.reshape(d, d), U.reshape(d, m), b, v))
        rest = rest[sizes[-1] :]
    assert len(rest) == 0
    return linear, found


def additive(params, units, activation, x, linear):
    """Predictions from ready-made columns: `x` feeds the units, `linear` enters as it is."""
    act = ACTIVATIONS[activation]
    coefficients, found = weights_of(params, units, x.shape[1], linear.shape[1])
    total = linear @ coefficients + 0.0 * params.sum()
    for W, U, b, v in found:
        h = np.zeros(len(v), dtype=params.dtype)
        for t in range(len(x)):
            h = act(W @ h + U @ x[t] + b)
            total[t] += v @ h
    return total


def run(spec, params, y, exog, deterministic, shocks=None, state=None, first=None, center=None, scale=None, ranks=None):
    """
    The whole model in levels; a missing value is replaced by its prediction, plus a shock if there are any.

    With `center` and `scale` (of the differenced series as target, of its lags, of the exogenous values) and `ranks`
    (by which linear lags are divided in addition) the parameters are those of the standardised columns.
    """
    m = len(spec.lags) + exog.shape[1]
    center = np.zeros(1 + m) if center is None else center
    scale = np.ones(1 + m) if scale is None else scale
    ranks = np.ones(len(spec.linear_lags)) if ranks is None else ranks
    act, c = ACTIVATIONS[spec.activation], np.array(spec.difference)
    n, k, lags = len(y), len(spec.deterministic_names), len(spec.linear_lags)
    linear, found = weights_of(params, spec.units, m, k + lags + exog.shape[1])
    y = np.array(y, dtype=params.dtype)
    fitted = np.full(n, np.nan, dtype=params.dtype)
    components = np.full((n, len(found)), np.nan, dtype=params.dtype)
    states = np.full((n, sum(spec.units)), np.nan, dtype=params.dtype)
    h = np.zeros(sum(spec.units), dtype=params.dtype) if state is None else np.array(state, dtype=params.dtype)
    smallest = np.inf
    first = max([0, *spec.lags]) + len(c) - 1 if first is None else first
    hold_back = max(first, spec.hold_back)

    def w(t):  # the differenced series
        return sum(c[i] * y[t - i] for i in range(len(c)))

    for t in range(first, n):
        x = (np.array([*(w(t - lag) for lag in spec.lags), *exog[t]]) - center[1:]) / scale[1:]
        new = []
        for unit, (W, U, b, v) in enumerate(found):
            s = sum(spec.units[:unit])
            z = W @ h[s : s + len(v)] + U @ x + b
            smallest = min(smallest, np.min(np.abs(z)))
            new.append(act(z))
            components[t, unit] = v @ new[-1]
        h = np.concatenate(new) if new else h
        states[t] = h
        if t < hold_back:
            continue
        value = deterministic[t] @ linear[:k]
        for j, lag in enumerate(spec.linear_lags):
            value += linear[k + j] * (w(t - lag) - center[0]) / (scale[0] * ranks[j])
        value += x[len(spec.lags) :] @ linear[k + lags :]
        fitted[t] = (
            center[0] + scale[0] * (value + components[t].sum()) - sum(c[i] * y[t - i] for i in range(1, len(c)))
        )
        if np.isnan(y[t]):
            y[t] = fitted[t] + (0.0 if shocks is None else shocks[t])
    return Run(fitted, components, states, h, y, float(smallest))


def imaginary_step(function, params, size=1e-40):
    """Jacobian of a function that is analytic (relu: on either side of its kink), exact to rounding."""
    slopes = np.zeros((len(function(params)), len(params)))
    for i in range(len(params)):
        moved = params.astype(complex)
        moved[i] += 1j * size
        slopes[:, i] = function(moved).imag / size
    return slopes


def central_differences(function, params, size=1e-6):
    slopes = np.zeros((len(function(params)), len(params)))
    for i in range(len(params)):
        step = np.zeros(len(params))
        step[i] = size
        slopes[:, i] = (function(params + step) - function(params - step)) / (2.0 * size)
    return slopes


def random_params(spec, rng, size=0.5):
    """Parameters of a stable, busy model: contracting recurrent weights, everything else of order one."""
    linear, found = weights_of(
        rng.normal(size=spec.n_params), spec.units, spec.n_inputs, spec.n_params - sum(
            d * d + d * spec.n_inputs + 2 * d for d in spec.units
        ),
    )  # fmt: skip
    units = []
    for W, U, b, v in found:
        radius = max(np.max(np.abs(np.linalg.eigvals(W))), 1e-3)
        units.append((0.8 * W / radius, U, b, size * v))
    return np.concatenate([0.3 * linear, *(a.ravel() for unit in units for a in unit)])


def specification(units=(2,), activation="tanh", lags=(1,), linear_lags=(1,), k=1, e=0, difference=(1.0,), extra=0):
    """A specification whose names do not matter; `extra` rows are held back beyond the necessary ones."""
    reach = max([0, *lags, *linear_lags]) + len(difference) - 1
    return Specification(
        "y", tuple(lags), tuple(linear_lags), tuple(units), activation, tuple(f"d{i}" for i in range(k)),
        tuple(f"x{i}" for i in range(e)), tuple(difference), reach + extra,
    )  # fmt: skip
