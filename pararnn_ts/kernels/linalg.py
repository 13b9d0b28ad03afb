"""
Small symmetric systems, a vector of them at a time.

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
def inverse_diagonal(a, n, out):
    """
    Diagonal of (L L')^-1.

    Parameters
    ----------
    a : ndarray
        Factor from :func:`cholesky`. Its upper triangle, which nothing else uses, receives L^-1, transposed.
    n : int
        Order.
    out : ndarray, (n * LANES,)
        Receives the diagonal.
    """
    # column j of L^-1 is row j of the upper triangle; four columns at a time, so that sums do not wait for each other
    for j in range(0, n, 4):
        end = min(j + 4, n)
        for c in range(j, end):
            for i in range(c + 1, end):
                s = fill(0.0)
                for k in range(c, i):
                    s = s - load(a, i * n + k) * load(a, c * n + k)
                store(a, c * n + i, s * load(a, i * n + i))
        c0, c1, c2, c3 = j * n, (j + 1) * n, (j + 2) * n, (j + 3) * n
        for i in range(j + 4, n):
            x0, x1, x2 = load(a, i * n + j), load(a, i * n + j + 1), load(a, i * n + j + 2)
            s0 = fill(0.0) - x0 * load(a, c0 + j) - x1 * load(a, c0 + j + 1) - x2 * load(a, c0 + j + 2)
            s1 = fill(0.0) - x1 * load(a, c1 + j + 1) - x2 * load(a, c1 + j + 2)
            s2 = fill(0.0) - x2 * load(a, c2 + j + 2)
            s3 = fill(0.0)
            for k in range(j + 3, i):
                x = load(a, i * n + k)
                s0 = s0 - x * load(a, c0 + k)
                s1 = s1 - x * load(a, c1 + k)
                s2 = s2 - x * load(a, c2 + k)
                s3 = s3 - x * load(a, c3 + k)
            x = load(a, i * n + i)
            store(a, c0 + i, s0 * x)
            store(a, c1 + i, s1 * x)
            store(a, c2 + i, s2 * x)
            store(a, c3 + i, s3 * x)
    # the squared length of a column is an entry of the diagonal of L'^-1 L^-1
    for j in range(n):
        total = fill(0.0)
        for i in range(j, n):
            x = load(a, j * n + i)
            total = total + x * x
        store(out, j, total)
