"""Training of a cell on sequences of equal length by Adam, gradients backwards in time; for the studies beside it."""

from collections.abc import Callable

import numba
import numpy as np

from pararnn_ts.cells import Cell, LSTMCell, ODECell, QUNNCell
from pararnn_ts.estimation.adam import AdamOptions, Descent, adam
from pararnn_ts.kernels.cell_gradient import sequence_gradient
from pararnn_ts.kernels.cells import CELLS, run_inputs

__all__ = ["descend", "draw", "draw_long", "squared_error"]


@numba.njit(cache=True)
def _predictions(kind, w, shape, numbers, x, dt, start, v, level, fitted):
    states = np.empty((x.shape[1], start.shape[0]))
    for i in range(x.shape[0]):
        run_inputs(kind, w, 0, shape, numbers, x[i], dt, start.copy(), states)
        fitted[i] = level + np.sum(v * states[-1, : v.shape[0]])


@numba.njit(cache=True)
def _gradient(kind, w, shape, numbers, x, target, dt, start, v, level, grad, v_grad):
    """Mean squared error of a batch; gradients of half of it, and the norm ratio of its first sequence."""
    n, d = x.shape[0], v.shape[0]
    output, norms, own = np.zeros(start.shape[0]), np.empty(x.shape[1] + 1), np.empty_like(grad)
    output[:d] = v
    total, level_grad, ratio = 0.0, 0.0, 0.0
    for i in range(n):
        state = start.copy()
        own[:] = 0.0
        sequence_gradient(kind, w, 0, shape, numbers, x[i], dt, state, output, norms, own)
        if i == 0:
            ratio = norms[0] / norms[-1]
        error = level + np.sum(v * state[:d]) - target[i]
        total += error * error / n
        level_grad += error / n
        for j in range(grad.shape[0]):
            grad[j] += error * own[j] / n
        for j in range(d):
            v_grad[j] += error * state[j] / n
    return total, level_grad, ratio


def draw(cell: Cell, level: float, rng: np.random.Generator) -> np.ndarray:
    """Start values: parameters of the cell, output weights, level."""
    n, d = len(cell.groups), cell.n_outputs
    own = rng.standard_normal(n)
    if isinstance(cell, QUNNCell):
        own *= 0.1
    else:
        recurrent = cell.groups == 0
        own[recurrent] /= np.sqrt(d)
        own[~recurrent] /= np.sqrt(cell.n_inputs)
        own[n - (4 if isinstance(cell, LSTMCell) else 1) * d :] = 0.0
        if isinstance(cell, LSTMCell):
            own[n - 3 * d : n - 2 * d] = 1.0
    return np.concatenate([own, rng.standard_normal(d) / np.sqrt(d), [level]])


def draw_long(cell: Cell, level: float, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Start values for sequences like `x`, (n, T, m), whose first inputs should still count at the end.

    Orthogonal recurrent weights for a vanilla RNN (Saxe, McClelland and Ganguli 2014); forget gates that keep for one
    to T steps for an LSTM (Tallec and Ollivier 2018); a tenth of the recurrent weights for an antisymmetric system,
    which then turns that much less during a sequence; for a QUNN constants, and weights of each input, with which all
    rotations of a sequence add up to about one radian.
    """
    params, (_, steps, m), d = draw(cell, level, rng), x.shape, cell.n_outputs
    if isinstance(cell, LSTMCell):
        bias = params[len(cell.groups) - 4 * d :]
        bias[d : 2 * d] = np.log(rng.uniform(1.0, steps - 1.0, d))
        bias[:d] = -bias[d : 2 * d]
    elif isinstance(cell, QUNNCell):
        first = np.array([at for at, _ in cell.input_blocks])
        own = rng.standard_normal(len(cell.groups)) / np.sqrt(len(first))
        for j in range(m):
            own[first + j] /= np.sqrt(steps * np.mean(x[:, :, j] ** 2))
        own[first - 1] /= steps
        params[: len(own)] = own
    elif isinstance(cell, ODECell) and cell.antisymmetric:
        params[: len(cell.groups)][cell.groups == 0] *= 0.1
    else:
        params[: d * d] = np.linalg.qr(rng.standard_normal((d, d)))[0].ravel()
    return params


def _constants(cell: Cell) -> tuple:
    return CELLS[cell.kind], cell.shape, cell.numbers


def squared_error(cell: Cell, params: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Mean squared error of the predictions after sequences `x`, (n, T, m)."""
    kind, shape, numbers = _constants(cell)
    n, fitted = len(cell.groups), np.empty(len(y))
    _predictions(kind, cell.weights(params[:n]), shape, numbers, np.ascontiguousarray(x), getattr(cell, "step", 1.0),
                 cell.initial_state, params[n:-1], params[-1], fitted)  # fmt: skip
    return float(np.mean((fitted - y) ** 2))


def descend(
    cell: Cell,
    start: np.ndarray,
    batch: Callable[[], tuple[np.ndarray, np.ndarray]],
    held: tuple[np.ndarray, np.ndarray],
    rate: float,
    updates: int,
    looks: int = 20,
    clip_norm: float = 1.0,
    warmup: int = 0,
) -> tuple[Descent, np.ndarray]:
    """Train from `start` on the batches that `batch` returns; also the gradient ratios of the updates."""
    kind, shape, numbers = _constants(cell)
    source, sign, _ = cell.expansion
    n, d, ratios = len(cell.groups), cell.n_outputs, []

    def gradient(params: np.ndarray, examples: tuple[np.ndarray, np.ndarray]) -> tuple[float, np.ndarray]:
        x, y = examples
        grad, v_grad = np.zeros(len(source)), np.zeros(d)
        mse, level, ratio = _gradient(kind, cell.weights(params[:n]), shape, numbers, np.ascontiguousarray(x), y,
                                      getattr(cell, "step", 1.0), cell.initial_state, params[n:-1], params[-1], grad,
                                      v_grad)  # fmt: skip
        ratios.append(ratio)
        return mse, np.concatenate([np.bincount(source, sign * grad, n), v_grad, [level]])

    def batches():
        while True:
            yield batch()

    options = AdamOptions(rate, updates, clip_norm, warmup, max(updates // looks, 1))
    found = adam(start, gradient, batches(), options, score=lambda params: squared_error(cell, params, *held))
    return found, np.array(ratios)
