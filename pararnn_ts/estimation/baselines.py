"""
Networks and regressions that a sequential sparse model is held against.

Each loss is a function of one vector, with the methods `gradient(theta, batch)` and `error(theta, other)`, as
`sista.SISTALoss` has them; so all are trained by the same code with the same budget.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from pararnn_ts.estimation.sequences import Panel, SequenceLoss, run
from pararnn_ts.estimation.sista import SISTAParams, unfold
from pararnn_ts.kernels.sparse_network import Network, Wiring

__all__ = [
    "LSTMLoss",
    "StackedLoss",
    "free_wiring",
    "generic_network",
    "generic_wiring",
    "lagged_design",
    "lagged_ridge",
    "untied",
]

_TRAINED = ("recurrent", "stacked", "input", "threshold", "output", "bias", "state")


def generic_wiring(n_layers: int) -> Wiring:
    """Wiring of the usual stacked network: input into the first layer only, each layer fed by its own last state."""
    layers = np.arange(n_layers, dtype=np.int64)
    first = np.where(layers == 0, 0, -1).astype(np.int64)
    return Wiring(layers, layers - 1, first, layers, np.full(1, -1, dtype=np.int64))


def free_wiring(n_layers: int) -> Wiring:
    """Wiring of the unfolded iteration with matrices of its own for every layer."""
    layers = np.arange(n_layers, dtype=np.int64)
    top = np.full(n_layers, n_layers - 1, dtype=np.int64)
    return Wiring(layers, layers - 1, layers, top, np.full(1, -1, dtype=np.int64))


def generic_network(n_inputs: int, n_hidden: int, n_outputs: int, n_layers: int, rng: np.random.Generator) -> Network:
    """
    Start values of the usual stacked network: Gaussian weights of variance 2 / (rows columns), the rest zero.

    Notes
    -----
    The variance is that of the published code of Wisdom et al. (2016), smaller than the usual 2 / (rows + columns).
    """

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0.0, np.sqrt(2.0 / (shape[-1] * shape[-2])), shape)

    h = n_hidden
    return Network(
        recurrent=draw(n_layers, h, h),
        scale=np.ones(n_layers),
        stacked=draw(n_layers - 1, h, h),
        input=draw(1, h, n_inputs),
        threshold=np.zeros((n_layers, h)),
        output=draw(n_outputs, h),
        bias=np.zeros(n_outputs),
        state=np.zeros((n_layers, h)),
        sensing=np.zeros((0, h)),
        step=np.ones(1),
    )


def untied(params: SISTAParams, n_layers: int) -> Network:
    """
    Return the unfolded iteration as a network with matrices of its own for every layer.

    Absent inputs count as zero in it, while the iteration leaves them out.
    """
    one = unfold(params, n_layers)
    later = [one.scale[1] * one.recurrent[1]] * (n_layers - 1)
    return one._replace(
        recurrent=np.array([one.recurrent[0], *later]),
        scale=np.ones(n_layers),
        stacked=np.repeat(one.stacked, n_layers - 1, axis=0),
        input=np.repeat(one.input, n_layers, axis=0),
        sensing=np.zeros((0, one.threshold.shape[1])),
        step=np.ones(1),
    )


class StackedLoss:
    """
    Loss of a stacked network all of whose weights are free.

    Parameters
    ----------
    loss : SequenceLoss
        Data.
    start : Network
        Start values.
    wiring : Wiring
        Which matrix serves which layer.
    """

    def __init__(self, loss: SequenceLoss, start: Network, wiring: Wiring):
        self.loss, self.start, self.wiring = loss, start, wiring

    @property
    def n_params(self) -> int:
        """Number of weights; states that feed nothing do not count."""
        unused = len(self.start.state) - len(np.unique(self.wiring.source))
        return sum(getattr(self.start, name).size for name in _TRAINED) - unused * self.start.state.shape[1]

    def pack(self, network: Network) -> np.ndarray:
        """Vector of all weights."""
        return np.concatenate([getattr(network, name).ravel() for name in _TRAINED])

    def unpack(self, theta: np.ndarray) -> Network:
        """Return the network with the weights of a vector."""
        found, at = {}, 0
        for name in _TRAINED:
            like = getattr(self.start, name)
            found[name] = theta[at : at + like.size].reshape(like.shape)
            at += like.size
        return self.start._replace(**found)

    def gradient(self, theta: np.ndarray, batch: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean squared error over a batch of sequences, and its gradient."""
        value, slopes = self.loss.gradient(self.unpack(theta), self.wiring, batch)
        return value, self.pack(slopes)

    def error(self, theta: np.ndarray, other: SequenceLoss | None = None) -> float:
        """Mean squared error over all sequences, of these data or of others."""
        return (self.loss if other is None else other).error(self.unpack(theta), self.wiring)

    def outputs(self, theta: np.ndarray, other: SequenceLoss) -> np.ndarray:
        """Outputs at every row of other data."""
        network = self.unpack(theta)
        return run(network, self.wiring, other.panel) @ network.output.T + network.bias


class LSTMLoss:
    """
    Loss of one layer of long short-term memory and a linear output; absent inputs count as zero.

    Parameters
    ----------
    loss : SequenceLoss
        Data.
    n_hidden : int
        Units.
    dtype : dtype
        Precision of the arithmetic; parameters and gradients are of double precision.

    Notes
    -----
    Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000). Sequences of a batch are columns of
    one matrix product; shorter ones are padded and do not count.
    """

    def __init__(self, loss: SequenceLoss, n_hidden: int, dtype: Any = np.float64):
        self.loss, self.n_hidden, self.dtype = loss, n_hidden, dtype
        m, q, h = loss.panel.x.shape[1], loss.y.shape[1], n_hidden
        self.shapes = {"W": (m, 4 * h), "U": (h, 4 * h), "b": (4 * h,), "R": (h, q), "c": (q,)}

    @property
    def n_params(self) -> int:
        """Number of weights."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Uniform start values of scale 1 / sqrt(H), forget gates open."""
        h = self.n_hidden
        theta = rng.uniform(-1.0, 1.0, self.n_params) / np.sqrt(h)
        parts = self.unpack(theta)
        parts["b"][:], parts["c"][:] = 0.0, 0.0
        parts["b"][h : 2 * h] = 1.0
        return theta

    def unpack(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Views of the weights in a vector: gates in the order input, forget, output, candidate."""
        found, at = {}, 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape))
            found[name] = theta[at : at + size].reshape(shape)
            at += size
        return found

    def gradient(self, theta: np.ndarray, batch: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean squared error over a batch of sequences, and its gradient."""
        p, h = self.unpack(theta.astype(self.dtype)), self.n_hidden
        x, y, weight = [part.astype(self.dtype) for part in _stack(self.loss, batch)]
        steps, n = x.shape[:2]
        gates, cells, states, out = self._forward(p, x)
        total = max(float(weight.sum()), 1.0)
        off = weight * (out - y)
        error = 2.0 * off / total
        slope = np.zeros_like(theta)
        g = self.unpack(slope)
        flat = states[1:].reshape(-1, h)
        g["R"][:], g["c"][:] = flat.T @ error.reshape(-1, error.shape[-1]), error.sum(axis=(0, 1))
        sent = error @ p["R"].T
        back = np.empty((steps, n, 4 * h), self.dtype)
        into, carried = np.zeros((n, h), self.dtype), np.zeros((n, h), self.dtype)
        for t in range(steps - 1, -1, -1):
            i, f, o, a = (gates[t, :, k * h : (k + 1) * h] for k in range(4))
            d = sent[t] + into
            squashed = np.tanh(cells[t + 1])
            carried = carried + d * o * (1.0 - squashed**2)
            z = back[t]
            z[:, :h] = carried * a * i * (1.0 - i)
            z[:, h : 2 * h] = carried * cells[t] * f * (1.0 - f)
            z[:, 2 * h : 3 * h] = d * squashed * o * (1.0 - o)
            z[:, 3 * h :] = carried * i * (1.0 - a**2)
            carried = carried * f
            into = z @ p["U"].T
        rows = back.reshape(-1, 4 * h)
        g["W"][:] = x.reshape(len(rows), -1).T @ rows
        g["U"][:] = states[:-1].reshape(-1, h).T @ rows
        g["b"][:] = rows.sum(axis=0)
        return float(np.sum(off * (out - y))) / total, slope

    def error(self, theta: np.ndarray, other: SequenceLoss | None = None) -> float:
        """Mean squared error over all sequences, of these data or of others."""
        loss = self.loss if other is None else other
        x, y, weight = _stack(loss, np.arange(loss.n_sequences))
        out = self._forward(self.unpack(theta.astype(self.dtype)), x.astype(self.dtype))[3]
        return float(np.sum(weight * (out - y) ** 2) / max(weight.sum(), 1.0))

    def outputs(self, theta: np.ndarray, other: SequenceLoss) -> np.ndarray:
        """Outputs at every row of other data."""
        lengths, first = other.panel.lengths, other.panel.offsets[:-1]
        out = self._forward(self.unpack(theta), _stack(other, np.arange(other.n_sequences))[0])[3]
        sequence = np.repeat(np.arange(len(lengths)), lengths)
        return out[np.arange(lengths.sum()) - first[sequence], sequence]

    def _forward(self, p: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, ...]:
        steps, n, h = *x.shape[:2], self.n_hidden
        gates = x @ p["W"] + p["b"]
        cells, states = np.zeros((steps + 1, n, h), self.dtype), np.zeros((steps + 1, n, h), self.dtype)
        for t in range(steps):
            z = gates[t]
            z += states[t] @ p["U"]
            # the logistic function by the hyperbolic tangent, which does not overflow
            z[:, : 3 * h] = 0.5 * (1.0 + np.tanh(0.5 * z[:, : 3 * h]))
            z[:, 3 * h :] = np.tanh(z[:, 3 * h :])
            cells[t + 1] = z[:, h : 2 * h] * cells[t] + z[:, :h] * z[:, 3 * h :]
            states[t + 1] = z[:, 2 * h : 3 * h] * np.tanh(cells[t + 1])
        return gates, cells, states, states[1:] @ p["R"] + p["c"]


def _stack(loss: SequenceLoss, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, targets and weights of a batch, (steps, sequences, columns); what is beyond a sequence weighs nothing."""
    lengths, first = loss.panel.lengths[batch], loss.panel.offsets[:-1][batch]
    steps = np.arange(int(lengths.max()))
    inside = steps[:, None] < lengths
    rows = np.where(inside, first + steps[:, None], first)
    weight = loss.weight[rows] * inside[..., None]
    return loss.data.x[rows] * inside[..., None], np.where(weight, loss.y[rows], 0.0), weight.astype(float)


def lagged_design(panel: Panel, lags: int) -> np.ndarray:
    """
    Rows of present and past measurements and a constant, zero where absent or before the sequence.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.baselines import lagged_design
    >>> from pararnn_ts.estimation.sequences import Panel
    >>> lagged_design(Panel(np.array([0, 3]), np.array([[1.0], [2.0], [np.nan]])), lags=1)
    array([[1., 0., 1.],
           [2., 1., 1.],
           [0., 2., 1.]])
    """
    rows, m = panel.x.shape
    x = np.where(np.isnan(panel.x), 0.0, panel.x)
    design = np.ones((rows, m * (lags + 1) + 1))
    age = np.arange(rows) - np.repeat(panel.offsets[:-1], panel.lengths)
    for lag in range(lags + 1):
        moved = np.zeros_like(x)
        moved[lag:] = x[: rows - lag]
        design[:, lag * m : (lag + 1) * m] = np.where(age[:, None] >= lag, moved, 0.0)
    return design


def lagged_ridge(
    train: SequenceLoss, valid: SequenceLoss, lags: int, penalties: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """
    Ridge regression of the target on present and past measurements.

    Parameters
    ----------
    train, valid : SequenceLoss
        Data to fit, and data on which the penalty is chosen.
    lags : int
        Past measurements.
    penalties : ndarray
        Penalties to choose from, relative to the mean square of a regressor.

    Returns
    -------
    coefficients : ndarray, (columns, Q)
        Of :func:`lagged_design`.
    penalty, error : float
        The best penalty, and its mean squared error on `valid`.
    """
    # a target that is known in part is regressed on the rows where all of it is known
    kept = train.weight.all(axis=1)
    X, y = lagged_design(train.panel, lags)[kept], train.y[kept]
    if not len(X):
        raise ValueError("target has no row without missing values; the ridge baseline needs some.")
    gram, moments = X.T @ X, X.T @ y
    unit = np.trace(gram) / len(gram)
    held_out = lagged_design(valid.panel, lags)
    found = []
    for penalty in penalties:
        coefficients = linalg.solve(gram + penalty * unit * np.eye(len(gram)), moments, assume_a="pos")
        off = np.where(valid.weight, held_out @ coefficients - valid.y, 0.0)
        found.append((float(np.sum(off**2) / max(valid.totals.sum(), 1.0)), float(penalty), coefficients))
    error, penalty, coefficients = min(found, key=lambda item: item[0])
    return coefficients, penalty, error
