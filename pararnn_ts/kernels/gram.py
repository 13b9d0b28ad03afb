"""Products of the columns of a Jacobian block, a vector of starts at a time, in register tiles."""

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
def _add_row(gram, at, count, s0, s1, s2, s3):
    """Add the first `count` of four neighbouring entries."""
    _add(gram, at, s0)
    if count > 1:
        _add(gram, at + 1, s1)
    if count > 2:
        _add(gram, at + 2, s2)
    if count > 3:
        _add(gram, at + 3, s3)


@jit
def _tile(jacobian, i, j, count, rows, size, q, gram):
    """
    Products of the two columns from `i` with the four columns from `j`, which lie to the left of them.

    Eight sums keep both multipliers of a processor busy, and with their factors fit into the sixteen registers of AVX2.
    """
    a00, a01, a02, a03 = fill(0.0), fill(0.0), fill(0.0), fill(0.0)
    a10, a11, a12, a13 = fill(0.0), fill(0.0), fill(0.0), fill(0.0)
    i0, j0 = i * STRIDE, j * STRIDE
    i1, j1, j2, j3 = i0 + STRIDE, j0 + STRIDE, j0 + 2 * STRIDE, j0 + 3 * STRIDE
    for t in range(rows):
        x0, x1 = load(jacobian, i0 + t), load(jacobian, i1 + t)
        y = load(jacobian, j0 + t)
        a00, a10 = a00 + x0 * y, a10 + x1 * y
        y = load(jacobian, j1 + t)
        a01, a11 = a01 + x0 * y, a11 + x1 * y
        y = load(jacobian, j2 + t)
        a02, a12 = a02 + x0 * y, a12 + x1 * y
        y = load(jacobian, j3 + t)
        a03, a13 = a03 + x0 * y, a13 + x1 * y
    at = (q + i) * size + q + j
    _add_row(gram, at, 4, a00, a01, a02, a03)
    if i + 1 < count:
        _add_row(gram, at + size, 4, a10, a11, a12, a13)


@jit
def _corner(jacobian, i, count, rows, size, q, gram):
    """Products of the four columns from `i` with each other."""
    zero = fill(0.0)
    a00, a10, a11, a20, a21, a22, a30, a31, a32, a33 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    i0 = i * STRIDE
    i1, i2, i3 = i0 + STRIDE, i0 + 2 * STRIDE, i0 + 3 * STRIDE
    for t in range(rows):
        x0, x1, x2, x3 = load(jacobian, i0 + t), load(jacobian, i1 + t), load(jacobian, i2 + t), load(jacobian, i3 + t)
        a00 = a00 + x0 * x0
        a10, a11 = a10 + x1 * x0, a11 + x1 * x1
        a20, a21, a22 = a20 + x2 * x0, a21 + x2 * x1, a22 + x2 * x2
        a30, a31, a32, a33 = a30 + x3 * x0, a31 + x3 * x1, a32 + x3 * x2, a33 + x3 * x3
    at = (q + i) * size + q + i
    _add_row(gram, at, 1, a00, zero, zero, zero)
    if i + 1 < count:
        _add_row(gram, at + size, 2, a10, a11, zero, zero)
    if i + 2 < count:
        _add_row(gram, at + 2 * size, 3, a20, a21, a22, zero)
    if i + 3 < count:
        _add_row(gram, at + 3 * size, 4, a30, a31, a32, a33)


@jit
def _cross(jacobian, columns, count, linear, size, gram):
    """Products of the block's columns with the linear columns, four by two."""
    rows, q = linear.shape
    for i in range(0, q, 2):
        second = min(i + 1, q - 1)
        for j in range(0, columns, 4):
            a0, a1, a2, a3 = fill(0.0), fill(0.0), fill(0.0), fill(0.0)
            b0, b1, b2, b3 = fill(0.0), fill(0.0), fill(0.0), fill(0.0)
            c0 = j * STRIDE
            c1, c2, c3 = c0 + STRIDE, c0 + 2 * STRIDE, c0 + 3 * STRIDE
            for t in range(rows):
                y, z = fill(linear[t, i]), fill(linear[t, second])
                x = load(jacobian, c0 + t)
                a0, b0 = a0 + x * y, b0 + x * z
                x = load(jacobian, c1 + t)
                a1, b1 = a1 + x * y, b1 + x * z
                x = load(jacobian, c2 + t)
                a2, b2 = a2 + x * y, b2 + x * z
                x = load(jacobian, c3 + t)
                a3, b3 = a3 + x * y, b3 + x * z
            at, pair = (q + j) * size + i, second - i + 1
            _add_row(gram, at, pair, a0, b0, a0, a0)
            if j + 1 < count:
                _add_row(gram, at + size, pair, a1, b1, a1, a1)
            if j + 2 < count:
                _add_row(gram, at + 2 * size, pair, a2, b2, a2, a2)
            if j + 3 < count:
                _add_row(gram, at + 3 * size, pair, a3, b3, a3, a3)


@jit
def add_products(jacobian, columns, count, linear, weight, size, gram):
    """
    Add one block of rows to the lower triangle of the products of all columns.

    Parameters
    ----------
    jacobian : ndarray
        Block of `columns` columns (a multiple of four), `STRIDE` items apart, already weighted; the first `count`
        are in use and the others are zero. Weighted once more on return.
    linear : ndarray, (rows, q)
        Columns shared by all starts, not weighted, in the rows of the block.
    weight : ndarray, (rows,)
        Square roots of the observation weights.
    size : int
        Order of the matrix of products, ``q + count``.
    gram : ndarray
        The matrix added to, by rows, the linear columns first.
    """
    rows, q = linear.shape
    for i in range(0, count, 4):
        for j in range(0, i, 4):
            _tile(jacobian, i, j, count, rows, size, q, gram)
            if i + 2 < count:
                _tile(jacobian, i + 2, j, count, rows, size, q, gram)
        _corner(jacobian, i, count, rows, size, q, gram)
    for t in range(rows):
        # a weight for the row of the linear columns, too
        if weight[t] != 1.0:
            for j in range(count):
                store(jacobian, j * STRIDE + t, load(jacobian, j * STRIDE + t) * weight[t])
    _cross(jacobian, columns, count, linear, size, gram)
