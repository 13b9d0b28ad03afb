"""One long series on a CUDA device: states and normal equations of a few parameter vectors, in parallel over time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pararnn_ts.kernels.cuda.parallel_in_time import (
    EACH,
    TILE,
    compiled_product_kernels,
    compiled_scan_kernels,
    compiled_unit_kernels,
)
from pararnn_ts.kernels.cuda.target import cuda_module, quiet_launches, require_device
from pararnn_ts.kernels.parallel_in_time import (
    CHUNK,
    GROUPS,
    LIMIT,
    TOLERANCE,
    Outcome,
    n_chunks,
    state_weights,
)
from pararnn_ts.kernels.units import unit_size

__all__ = ["LongSeries"]

# threads of a block of chunks
THREADS = 128
# bytes of the rows of the Jacobian that are kept at a time for one parameter vector
BLOCK = 1 << 27
# blocks of threads that keep a device busy when they form products
BUSY = 1024
# positions below which products are not split further
LEAST = 256


class _Group(NamedTuple):
    """Units of one dimension: their numbers, and their first weights on the device."""

    d: int
    numbers: np.ndarray
    firsts: object


class LongSeries:
    """
    A series on the device; see :mod:`pararnn_ts.kernels.parallel_in_time`.

    Parameters
    ----------
    units : sequence of int, (K,)
        Dimension of each unit.
    activation : int
        See `activations.ACTIVATIONS`.
    x : ndarray, (T, m)
        Inputs of the units.
    linear : ndarray, (T, q)
        Columns that enter linearly.
    target : ndarray, (T,)
        Values to be predicted.
    weight : ndarray, (T,)
        Square roots of the observation weights; zero leaves a row out.
    chunk : int
        Rows of a chunk.
    limit : int
        Most Newton iterations.
    threads : int
        Threads of a block; the result does not depend on it.
    groups : int
        Groups of a scan, each a thread of one block.

    Raises
    ------
    NoDeviceError
        There is no device.
    """

    def __init__(
        self,
        units: Sequence[int] | np.ndarray,
        activation: int,
        x: np.ndarray,
        linear: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray,
        chunk: int = CHUNK,
        limit: int = LIMIT,
        threads: int = THREADS,
        groups: int = GROUPS,
    ):
        require_device()
        self._cuda = cuda_module()
        self.units, self.activation, self.limit = [int(d) for d in units], int(activation), limit
        (self.n, self.m), self.q = x.shape, linear.shape[1]
        self.chunk, self.chunks = chunk, int(n_chunks(self.n, chunk))
        # more would have nothing to do
        self.threads, self.groups = min(threads, self.chunks), min(groups, self.chunks)
        self.x, self.linear = self._by_chunk(x), self._by_chunk(linear)
        self.target, self.weight = self._by_chunk(target[:, None])[0], self._by_chunk(weight[:, None])[0]
        sizes = [int(unit_size(d, self.m)) for d in self.units]
        firsts = self.q + np.cumsum([0, *sizes])
        self.n_params = int(firsts[-1])
        self.kinds, outputs = [], [np.arange(0)]
        for d in sorted(set(self.units)):
            numbers = np.flatnonzero(np.array(self.units) == d)
            self.kinds.append(_Group(d, numbers, self._cuda.to_device(firsts[numbers])))
        for d, first, size in zip(self.units, firsts, sizes):
            outputs.append(np.arange(first + size - d, first + size))
        self.outputs = self._cuda.to_device(np.concatenate(outputs).astype(np.int64))

    def _by_chunk(self, columns: np.ndarray):
        """Columns of the series on the device, ordered by place in the chunk and then by chunk."""
        padded = np.zeros((columns.shape[1], self.chunks * self.chunk))
        padded[:, : self.n] = columns.T
        ordered = padded.reshape(-1, self.chunks, self.chunk).swapaxes(1, 2).reshape(padded.shape)
        return self._cuda.to_device(np.ascontiguousarray(ordered))

    def _grid(self, sequences: int) -> tuple:
        """Launch of a thread for each chunk of each sequence."""
        return ((self.chunks + self.threads - 1) // self.threads, sequences), self.threads

    def _empty(self, *shape: int):
        return self._cuda.device_array(shape, np.float64)

    def _find_starts(self, group: _Group, theta) -> tuple:
        """States before all chunks of a group of units at all parameter vectors, and how they were found."""
        d, sequences = group.d, len(group.numbers) * theta.shape[0]
        kernels, scans = compiled_unit_kernels(d, self.m, self.activation), compiled_scan_kernels(d, self.groups)
        starts, ends, slopes, offsets = (self._empty(sequences, k, self.chunks) for k in (d, d, d * d, d))
        running = np.ones(sequences, dtype=np.bool_)
        iterations = np.zeros(sequences, dtype=np.int64)
        grid = self._grid(sequences)
        for iteration in range(self.limit + 1):
            mismatch, active = self._cuda.to_device(np.zeros(sequences)), self._cuda.to_device(running)
            kernels.shoot[grid](
                theta, group.firsts, self.x, self.chunk, iteration, active, starts, ends, slopes, offsets, mismatch
            )
            scans.scan[(sequences, 1), self.groups](active, slopes, offsets)
            scans.correct[grid](active, ends, slopes, offsets, starts)
            iterations[running] = iteration
            running &= ~(mismatch.copy_to_host() <= TOLERANCE)
            if not running.any():
                break
        if running.any():
            kernels.run_sequentially[(sequences + self.threads - 1) // self.threads, self.threads](
                theta, group.firsts, self.x, self.chunk, self._cuda.to_device(running), starts
            )
        shape = (theta.shape[0], len(group.numbers))
        return starts, iterations.reshape(shape), ~running.reshape(shape)

    def _outcomes(self, found: list[tuple], lanes: int) -> list[Outcome]:
        """Join what was found for the groups of units, for each parameter vector."""
        iterations = np.zeros((lanes, len(self.units)), dtype=np.int64)
        converged = np.ones((lanes, len(self.units)), dtype=bool)
        for group, (_, taken, reached) in zip(self.kinds, found):
            iterations[:, group.numbers], converged[:, group.numbers] = taken, reached
        return [Outcome(iterations[lane], converged[lane]) for lane in range(lanes)]

    @quiet_launches()
    def device_states(self, theta: np.ndarray) -> tuple[list, Outcome]:
        """
        States of all units, left on the device.

        Parameters
        ----------
        theta : ndarray, (P,)
            Coefficients of the linear columns, which are not used, then the weights of each unit.

        Returns
        -------
        states : list of device arrays, (K_d, d, chunk * C)
            States of the units of each dimension d, smallest first; rows by place in the chunk, then by chunk.
        outcome : Outcome
            How they were found.
        """
        device_theta = self._cuda.to_device(np.ascontiguousarray(theta[None], dtype=np.float64))
        found, states = [], []
        for group in self.kinds:
            found.append(self._find_starts(group, device_theta))
            count = len(group.numbers)
            states.append(self._empty(count, group.d, self.chunks * self.chunk))
            compiled_unit_kernels(group.d, self.m, self.activation).fill_states[self._grid(count)](
                device_theta, group.firsts, self.x, self.chunk, found[-1][0], states[-1]
            )
        return states, self._outcomes(found, 1)[0]

    def states(self, theta: np.ndarray) -> tuple[np.ndarray, Outcome]:
        """
        States of all units after every row.

        Parameters
        ----------
        theta : ndarray, (P,)
            Coefficients of the linear columns, which are not used, then the weights of each unit.

        Returns
        -------
        states : ndarray, (T, sum of units)
            States, unit by unit.
        outcome : Outcome
            How they were found.
        """
        on_device, outcome = self.device_states(theta)
        states, columns = np.empty((self.n, sum(self.units))), np.cumsum([0, *self.units])
        for group, out in zip(self.kinds, on_device):
            rows = out.copy_to_host().reshape(len(group.numbers), group.d, self.chunk, self.chunks).swapaxes(2, 3)
            rows = rows.reshape(len(group.numbers), group.d, -1)[:, :, : self.n]
            for number, part in zip(group.numbers, rows):
                states[:, columns[number] : columns[number] + group.d] = part.T
        return states, outcome

    @quiet_launches()
    def products(self, theta: np.ndarray) -> tuple[np.ndarray, list[Outcome]]:
        """
        Normal equations at several parameter vectors.

        Parameters
        ----------
        theta : ndarray, (lanes, P)
            Coefficients of the linear columns, then the weights of each unit.

        Returns
        -------
        products : ndarray, (lanes, P + 1, P + 1)
            Lower triangle of M'M, M = [Jacobian, residual]; zero above.
        outcomes : list of Outcome
            How the states were found, for each parameter vector.
        """
        lanes, columns = len(theta), self.n_params + 1
        device_theta = self._cuda.to_device(np.ascontiguousarray(theta, dtype=np.float64))
        found, sensitivities = [], []
        for group in self.kinds:
            found.append(self._find_starts(group, device_theta))
            sensitivities.append(self._find_sensitivities(group, device_theta, found[-1][0]))
        gram = self._empty(lanes, columns, columns)
        steps = min(self.chunk, max(1, BLOCK // (8 * columns * self.chunks)))
        kernels = compiled_product_kernels()
        tiles = (columns + TILE - 1) // TILE
        tiles = tiles * (tiles + 1) // 2
        splits = max(1, min(BUSY // tiles, steps * self.chunks // LEAST))
        jacobian = self._empty(lanes, columns, steps * self.chunks)
        parts = self._empty(lanes, splits, columns, columns)
        side = TILE // EACH
        for first in range(0, self.chunk, steps):
            last = min(first + steps, self.chunk)
            if last - first < steps:
                jacobian = self._empty(lanes, columns, (last - first) * self.chunks)
            for group, (starts, *_), slopes in zip(self.kinds, found, sensitivities):
                units = compiled_unit_kernels(group.d, self.m, self.activation)
                units.fill_columns[self._grid(lanes * len(group.numbers))](
                    device_theta, group.firsts, self.x, first, last, starts, slopes, self.weight, jacobian
                )
            positions = (last - first) * self.chunks
            kernels.finish_rows[((positions + self.threads - 1) // self.threads, lanes), self.threads](
                device_theta, self.linear, self.outputs, self.target, self.weight, first * self.chunks, jacobian
            )
            kernels.multiply[(tiles, splits, lanes), (side, side)](jacobian, parts)
            kernels.collect[((columns * columns + self.threads - 1) // self.threads, lanes), self.threads](
                parts, first, gram
            )
        return np.tril(gram.copy_to_host()), self._outcomes(found, lanes)

    def _find_sensitivities(self, group: _Group, theta, starts):
        """Sensitivities of the states before all chunks to the weights that act through the state."""
        d, sequences = group.d, len(group.numbers) * theta.shape[0]
        count = int(state_weights(d, self.m))
        slopes, vectors = self._empty(sequences, d * d, self.chunks), self._empty(sequences, count * d, self.chunks)
        compiled_unit_kernels(d, self.m, self.activation).find_sensitivities[self._grid(sequences)](
            theta, group.firsts, self.x, self.chunk, starts, slopes, vectors
        )
        everyone = self._cuda.to_device(np.ones(sequences, dtype=np.bool_))
        compiled_scan_kernels(d, self.groups).scan[(sequences, count), self.groups](everyone, slopes, vectors)
        return vectors
