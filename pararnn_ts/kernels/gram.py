"""Products of the columns of a Jacobian block, eight starts at a time, in register tiles."""

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import fill, load, store

__all__ = ["ROWS", "STRIDE", "add_products"]

# rows of a block, and items from one column to the next (odd: columns must not share cache sets)
ROWS = 32
STRIDE = ROWS + 1


@jit
def _add(gram, at, value):
    store(gram, at, load(gram, at) + value)


@jit
def _add_row(gram, at, i, j, count, low, high):
    """Add the two entries (i, j) and (i, j + 1) that lie in the lower triangle of the first `count` rows."""
    if i < count:
        if j <= i:
            _add(gram, at, low)
        if j + 1 <= i:
            _add(gram, at + 1, high)


@jit
def _square(jacobian, columns, count, rows, size, q, gram):
    """Products of the block's columns with each other, in tiles of four by two."""
    for i in range(0, columns, 4):
        for j in range(0, min(i + 4, count), 2):
            a00, a01, a10, a11 = fill(0.0), fill(0.0), fill(0.0), fill(0.0)
            a20, a21, a30, a31 = fill(0.0), fill(0.0), fill(0.0), fill(0.0)
            ci, cj = i * STRIDE, j * STRIDE
            for t in range(rows):
                y0, y1 = load(jacobian, cj + t), load(jacobian, cj + STRIDE + t)
                x0, x1 = load(jacobian, ci + t), load(jacobian, ci + STRIDE + t)
                a00 = a00 + x0 * y0
                a01 = a01 + x0 * y1
                a10 = a10 + x1 * y0
                a11 = a11 + x1 * y1
                x0, x1 = load(jacobian, ci + 2 * STRIDE + t), load(jacobian, ci + 3 * STRIDE + t)
                a20 = a20 + x0 * y0
                a21 = a21 + x0 * y1
                a30 = a30 + x1 * y0
                a31 = a31 + x1 * y1
            at = (q + i) * size + q + j
            _add_row(gram, at, i, j, count, a00, a01)
            _add_row(gram, at + size, i + 1, j, count, a10, a11)
            _add_row(gram, at + 2 * size, i + 2, j, count, a20, a21)
            _add_row(gram, at + 3 * size, i + 3, j, count, a30, a31)


@jit
def _cross(jacobian, columns, count, linear, weight, first, rows, size, gram):
    """Products of the block's columns with the linear columns, four by one."""
    q = linear.shape[1]
    for i in range(q):
        for j in range(0, columns, 4):
            a0, a1, a2, a3 = fill(0.0), fill(0.0), fill(0.0), fill(0.0)
            cj = j * STRIDE
            for t in range(rows):
                z = fill(linear[first + t, i] * weight[first + t])
                a0 = a0 + z * load(jacobian, cj + t)
                a1 = a1 + z * load(jacobian, cj + STRIDE + t)
                a2 = a2 + z * load(jacobian, cj + 2 * STRIDE + t)
                a3 = a3 + z * load(jacobian, cj + 3 * STRIDE + t)
            at = (q + j) * size + i
            _add(gram, at, a0)
            if j + 1 < count:
                _add(gram, at + size, a1)
            if j + 2 < count:
                _add(gram, at + 2 * size, a2)
            if j + 3 < count:
                _add(gram, at + 3 * size, a3)


@jit
def add_products(jacobian, columns, count, linear, weight, first, rows, size, gram):
    """
    Add one block of rows to the lower triangle of the products of all columns.

    Parameters
    ----------
    jacobian : ndarray
        Block of `columns` columns (a multiple of four), `STRIDE` items apart, already weighted; the first `count`
        are in use and the others are zero.
    linear : ndarray, (T, q)
        Columns shared by all starts, not weighted; rows `first` onward belong to the block.
    weight : ndarray, (T,)
        Square roots of the observation weights.
    rows : int
        Rows of the block in use.
    size : int
        Order of the matrix of products, ``q + count``.
    gram : ndarray
        The matrix added to, by rows, the linear columns first.
    """
    _square(jacobian, columns, count, rows, size, linear.shape[1], gram)
    _cross(jacobian, columns, count, linear, weight, first, rows, size, gram)
