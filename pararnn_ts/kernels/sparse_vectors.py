"""
Arithmetic of sparse codes in flat arrays, a vector of numbers at a time.

Positions of numbers count from the start of an array; *items* are groups of `lanes.LANES` numbers. Vectors and rows of
matrices fill whole items. A sparse vector comes with the list of its entries that are not zero.
"""

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import LANES, fill, load, positive, store

__all__ = ["add_outer", "add_product", "add_scaled", "clear", "dot", "find_active", "soft"]


@jit
def add_product(out, o, code, c, active, a, count, rows, r, n):
    """
    Add the product of a sparse vector and a matrix given by rows.

    Adds the sum of code[c + j] times row j over the `count` active j to items o, ..., o + n - 1 of `out`; row j is
    items r + j n, ..., r + (j + 1) n - 1 of `rows`.
    """
    i = 0
    # a tile of the sum stays in registers while the active rows pass by
    while i + 4 <= n:
        s0, s1, s2, s3 = load(out, o + i), load(out, o + i + 1), load(out, o + i + 2), load(out, o + i + 3)
        for k in range(a, a + count):
            p, row = fill(code[c + active[k]]), r + active[k] * n + i
            s0 = s0 + p * load(rows, row)
            s1 = s1 + p * load(rows, row + 1)
            s2 = s2 + p * load(rows, row + 2)
            s3 = s3 + p * load(rows, row + 3)
        store(out, o + i, s0)
        store(out, o + i + 1, s1)
        store(out, o + i + 2, s2)
        store(out, o + i + 3, s3)
        i += 4
    while i < n:
        s0 = load(out, o + i)
        for k in range(a, a + count):
            s0 = s0 + fill(code[c + active[k]]) * load(rows, r + active[k] * n + i)
        store(out, o + i, s0)
        i += 1


@jit
def add_outer(rows, r, code, c, active, a, count, dense, d, n):
    """Add the outer product of a sparse vector and a dense one, items of `dense` from d on, to a matrix by rows."""
    i = 0
    while i + 4 <= n:
        d0, d1, d2, d3 = load(dense, d + i), load(dense, d + i + 1), load(dense, d + i + 2), load(dense, d + i + 3)
        for k in range(a, a + count):
            p, row = fill(code[c + active[k]]), r + active[k] * n + i
            store(rows, row, load(rows, row) + p * d0)
            store(rows, row + 1, load(rows, row + 1) + p * d1)
            store(rows, row + 2, load(rows, row + 2) + p * d2)
            store(rows, row + 3, load(rows, row + 3) + p * d3)
        i += 4
    while i < n:
        d0 = load(dense, d + i)
        for k in range(a, a + count):
            row = r + active[k] * n + i
            store(rows, row, load(rows, row) + fill(code[c + active[k]]) * d0)
        i += 1


@jit
def find_active(code, c, h, active, a):
    """List from position a on which of h numbers from position c on are not zero; return how many there are."""
    count = 0
    for i in range(h):
        active[a + count] = i
        count += code[c + i] != 0.0
    return count


@jit
def soft(z, threshold, b, code, c, n):
    """Fill items c, ..., c + n - 1 of a code with z soft-thresholded by `threshold` from item b on."""
    for i in range(n):
        v = load(z, i)
        sign = positive(v) - positive(0.0 - v)
        size = sign * v - load(threshold, b + i)
        # a NaN times zero is a NaN: what has diverged stays visible
        store(code, c + i, sign * size * positive(size))


@jit
def clear(out, o, n):
    """Write zeros to items o, ..., o + n - 1."""
    for i in range(n):
        store(out, o + i, fill(0.0))


@jit
def add_scaled(out, o, p, a, i, n):
    """Add p times items i, ..., i + n - 1 of `a` to those of `out` from o on."""
    for k in range(n):
        store(out, o + k, load(out, o + k) + p * load(a, i + k))


@jit
def dot(a, i, b, j, n, lane):
    """Sum of the products of n items of `a` from i on and of `b` from j on; `lane` is an array of one item to use."""
    total = load(a, i) * load(b, j)
    for k in range(1, n):
        total = total + load(a, i + k) * load(b, j + k)
    store(lane, 0, total)
    count = LANES // 2
    while count > 0:
        for k in range(count):
            lane[k] += lane[k + count]
        count //= 2
    return lane[0]
