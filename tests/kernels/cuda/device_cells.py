"""Cells stepped forwards and back by CUDA threads; as a script: in the simulator, written to the file it is given."""

import sys

import cell_twin
import numpy as np
from numba import cuda

from pararnn_ts.kernels.cells import CELLS, advance, pull_back, work_size
from pararnn_ts.kernels.cuda.target import on_device


def build():
    """Kernel whose thread i steps through the inputs x[i] and takes the last step back."""
    built = {}
    forwards, back = on_device(advance, built=built), on_device(pull_back, built=built)

    def there_and_back(kind, w, shape, numbers, x, dt, state, work, bar, x_bar, grad):
        i = cuda.grid(1)
        if i < x.shape[0]:
            last = x.shape[1] - 1
            for t in range(last + 1):
                forwards(kind, w[i], 0, shape, numbers, x[i, t], dt, state[i], work[i])
            back(kind, w[i], 0, shape, numbers, x[i, last], dt, state[i], work[i], bar[i], x_bar[i], grad[i])

    return there_and_back


def arguments(kind, cells=3, steps=4, m=2):
    """Arguments of the kernel, each time the same; the last five are written to."""
    rng = np.random.default_rng(0)
    cell = cell_twin.CELLS[kind](m)
    w = np.array([cell.weights(0.7 * rng.normal(size=len(cell.groups))) for _ in range(cells)])
    state = cell.initial_state + 0.3 * rng.normal(size=(cells, len(cell.initial_state)))
    work = np.zeros((cells, work_size(CELLS[cell.kind], cell.shape)))
    return (CELLS[cell.kind], w, cell.shape, cell.numbers, rng.normal(size=(cells, steps, m)), 0.3, state, work,
            rng.normal(size=state.shape), np.zeros((cells, m)), np.zeros(w.shape))  # fmt: skip


if __name__ == "__main__":
    kernel, found = cuda.jit(build()), {}
    for kind in cell_twin.CELLS:
        given = arguments(kind)
        kernel[2, 2](*given)  # one thread more than there are cells
        found |= {f"{kind}|{i}": array for i, array in enumerate(given[6:])}
    np.savez(sys.argv[1], **found)
