"""Many sequences as one set of arrays, and losses of networks that are summed over them."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np

from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.sparse_network import Network, Sequences, Wiring, run_network, sum_gradients

__all__ = ["Panel", "SequenceLoss", "padded", "run"]

# rows that are worth a thread of their own, and blocks of sequences at most; sums do not depend on the threads
ROWS_PER_BLOCK, MOST_BLOCKS = 500, 16


class Panel(NamedTuple):
    """
    Sequences of vectors, one after the other.

    Parameters
    ----------
    offsets : ndarray of int, (n + 1,)
        Row at which each sequence starts, and the number of rows.
    x : ndarray, (rows, M)
        Observations, NaN where absent.
    """

    offsets: np.ndarray
    x: np.ndarray

    @property
    def n_sequences(self) -> int:
        """Number of sequences."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Rows of each sequence."""
        return np.diff(self.offsets)

    def take(self, chosen: np.ndarray | range) -> tuple[Panel, np.ndarray]:
        """Panel of some sequences, and the rows it takes from this one."""
        spans = [np.arange(self.offsets[n], self.offsets[n + 1]) for n in chosen]
        rows = np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum([len(span) for span in spans])]).astype(np.int64)
        return Panel(offsets, self.x[rows]), rows


def padded(values: np.ndarray, *sizes: int) -> np.ndarray:
    """
    Array enlarged by zeros at the end of its last axes, to these sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.sequences import padded
    >>> padded(np.ones((1, 2)), 3)
    array([[1., 1., 0.]])
    """
    wide = np.zeros((*values.shape[: values.ndim - len(sizes)], *sizes))
    wide[tuple(map(slice, values.shape))] = values
    return wide


def _round_up(size: int) -> int:
    return -(-size // LANES) * LANES


def _widened(network: Network) -> Network:
    """The network with the numbers of units and of outputs raised to whole vectors; those added stay at zero."""
    h, q = _round_up(network.threshold.shape[1]), _round_up(len(network.bias))
    return Network(
        recurrent=padded(network.recurrent, h, h),
        scale=np.ascontiguousarray(network.scale, dtype=float),
        stacked=padded(network.stacked, h, h),
        input=padded(network.input, h, network.input.shape[2]),
        threshold=padded(network.threshold, h),
        output=padded(network.output, q, h),
        bias=padded(network.bias, q),
        state=padded(network.state, h),
        sensing=padded(network.sensing, h),
        step=np.ascontiguousarray(network.step, dtype=float),
    )


def _narrowed(gradient: Network, like: Network) -> Network:
    return Network(*(wide[tuple(map(slice, own.shape))] for wide, own in zip(gradient, like, strict=True)))


def _transposed(matrices: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.swapaxes(matrices, -1, -2)).reshape(-1)


def run(network: Network, wiring: Wiring, panel: Panel, states: np.ndarray | None = None) -> np.ndarray:
    """
    Codes of the top layer at every row of a panel.

    Parameters
    ----------
    network, wiring : Network, Wiring
        The network.
    panel : Panel
        Its inputs.
    states : ndarray, (n, K, H), optional
        States before each sequence; by default those of the network.

    Returns
    -------
    ndarray, (rows, H)
    """
    wide = _widened(network)
    absent = np.isnan(panel.x)
    x = np.ascontiguousarray(np.where(absent, 0.0, panel.x))
    before = wide.state[None] if states is None else padded(states, wide.state.shape[1])
    codes = np.empty((len(x), wide.state.shape[1]))
    run_network(
        wide, _transposed(wide.recurrent), _transposed(wide.stacked), wiring, panel.offsets, x, absent,
        absent.sum(axis=1), 0, panel.n_sequences, before, codes,
    )  # fmt: skip
    return codes[:, : network.threshold.shape[1]]


class SequenceLoss:
    """
    Mean squared error of a network over sequences, with its gradient.

    Parameters
    ----------
    panel : Panel
        Inputs.
    y : ndarray, (rows, Q)
        What the output is held against, NaN where nothing is known.
    seen : ndarray of bool, (rows,), optional
        Rows whose error counts.
    pool : Executor, optional
        Threads that help with the blocks of sequences; results do not depend on them.
    """

    def __init__(self, panel: Panel, y: np.ndarray, seen: np.ndarray | None = None, pool: Executor | None = None):
        absent = np.isnan(panel.x)
        weight = np.isfinite(y) if seen is None else np.isfinite(y) & seen[:, None]
        width = _round_up(y.shape[1])
        self.panel, self.pool = panel, pool
        self.y, self.weight = y, weight
        self.data = Sequences(
            np.ascontiguousarray(panel.offsets),
            np.ascontiguousarray(np.where(absent, 0.0, panel.x)),
            absent,
            absent.sum(axis=1),
            padded(np.where(weight, y, 0.0), width),
            padded(weight.astype(float), width),
        )
        totals = np.concatenate([[0.0], np.cumsum(weight.sum(axis=1, dtype=float))])
        self.totals = totals[panel.offsets[1:]] - totals[panel.offsets[:-1]]

    @property
    def n_sequences(self) -> int:
        """Number of sequences."""
        return self.panel.n_sequences

    def gradient(self, network: Network, wiring: Wiring, batch: np.ndarray) -> tuple[float, Network]:
        """Mean squared error over a batch of sequences and its derivatives by the weights of the network."""
        wide = _widened(network)
        recurrent, stacked, output = (_transposed(part) for part in (wide.recurrent, wide.stacked, wide.output))

        def block(chosen: np.ndarray) -> tuple[float, Network]:
            own = Network(*map(np.zeros_like, wide))
            return sum_gradients(wide, recurrent, stacked, output, wiring, self.data, chosen, own), own

        rows = int(self.panel.lengths[batch].sum())
        n_blocks = min(len(batch), MOST_BLOCKS, max(1, rows // ROWS_PER_BLOCK))
        blocks = np.array_split(np.ascontiguousarray(batch, dtype=np.int64), n_blocks)
        parts: list[Any] = [None] * n_blocks
        waiting = deque(range(n_blocks))

        def work() -> None:
            while True:
                try:
                    place = waiting.popleft()
                except IndexError:
                    return
                parts[place] = block(blocks[place])

        # this thread takes its share: waking another one costs as much as a tenth of a block
        helpers = [] if self.pool is None else [self.pool.submit(work) for _ in range(n_blocks - 1)]
        work()
        for helper in helpers:
            helper.result()
        total = max(float(self.totals[batch].sum()), 1.0)
        mean = parts[0][1]
        for _, own in parts[1:]:
            for whole, part in zip(mean, own, strict=True):
                whole += part
        for whole in mean:
            whole /= total
        return sum(loss for loss, _ in parts) / total, _narrowed(mean, network)

    def error(self, network: Network, wiring: Wiring) -> float:
        """Mean squared error over all sequences."""
        out = run(network, wiring, self.panel) @ network.output.T + network.bias
        return float(np.sum(np.where(self.weight, out - self.y, 0.0) ** 2) / max(self.totals.sum(), 1.0))
