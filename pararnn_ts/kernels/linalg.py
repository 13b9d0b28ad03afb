"""
Small symmetric systems, eight at a time.

Matrices are flat, by rows, of order `n`; only the lower triangle is read. A pivot that vanishes in relation to its
diagonal entry marks a direction the data do not determine. It is replaced by a very large one, so that the solution has
no component there.
"""

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import fill, load, positive, square_root, store

__all__ = ["HUGE", "cholesky", "inverse_diagonal", "solve_lower", "solve_upper"]

# stands for an undetermined direction; its square and products with data stay finite
HUGE = 1e60


@jit
def cholesky(a, n, smallest):
    """
    Overwrite the lower triangle of `a` with its Cholesky factor, the reciprocal of the diagonal in place of it.

    A pivot at or below `smallest` times the diagonal entry it came from counts as zero.
    """
    for j in range(n):
        row_j = j * n
        entry = load(a, row_j + j)
        pivot = entry
        for k in range(j):
            x = load(a, row_j + k)
            pivot = pivot - x * x
        found = positive(pivot - smallest * entry)
        inverse = found / square_root(found * pivot + (1.0 - found)) + (1.0 - found) * (1.0 / HUGE)
        store(a, row_j + j, inverse)
        i = j + 1
        while i + 3 < n:
            r0, r1, r2, r3 = i * n, (i + 1) * n, (i + 2) * n, (i + 3) * n
            s0, s1, s2, s3 = load(a, r0 + j), load(a, r1 + j), load(a, r2 + j), load(a, r3 + j)
            for k in range(j):
                x = load(a, row_j + k)
                s0 = s0 - load(a, r0 + k) * x
                s1 = s1 - load(a, r1 + k) * x
                s2 = s2 - load(a, r2 + k) * x
                s3 = s3 - load(a, r3 + k) * x
            store(a, r0 + j, s0 * inverse)
            store(a, r1 + j, s1 * inverse)
            store(a, r2 + j, s2 * inverse)
            store(a, r3 + j, s3 * inverse)
            i += 4
        while i < n:
            row_i = i * n
            s = load(a, row_i + j)
            for k in range(j):
                s = s - load(a, row_i + k) * load(a, row_j + k)
            store(a, row_i + j, s * inverse)
            i += 1


@jit
def solve_lower(a, n, b):
    """Overwrite `b` with L^-1 b."""
    for i in range(n):
        s = load(b, i)
        for k in range(i):
            s = s - load(a, i * n + k) * load(b, k)
        store(b, i, s * load(a, i * n + i))


@jit
def solve_upper(a, n, b):
    """Overwrite `b` with L'^-1 b."""
    for i in range(n - 1, -1, -1):
        s = load(b, i)
        for k in range(i + 1, n):
            s = s - load(a, k * n + i) * load(b, k)
        store(b, i, s * load(a, i * n + i))


@jit
def inverse_diagonal(a, n, column, out):
    """
    Diagonal of (L L')^-1.

    Parameters
    ----------
    a : ndarray
        Factor from :func:`cholesky`.
    n : int
        Order.
    column : ndarray, (n * LANES,)
        Scratch space.
    out : ndarray, (n * LANES,)
        Receives the diagonal.
    """
    for j in range(n):
        # column j of L^-1; its squared length is the j-th diagonal entry of L'^-1 L^-1
        first = load(a, j * n + j)
        store(column, j, first)
        total = first * first
        for i in range(j + 1, n):
            s = fill(0.0)
            for k in range(j, i):
                s = s - load(a, i * n + k) * load(column, k)
            s = s * load(a, i * n + i)
            store(column, i, s)
            total = total + s * s
        store(out, j, total)
