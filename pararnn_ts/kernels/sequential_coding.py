"""
Sequential sparse coding by iterative soft thresholding, one observation after the other.

At time t, with the code before it held fixed, the iteration descends

    1/2 |x_t - G h|^2 + lam1 |h|_1 + lam2/2 |D h - F D h_{t-1}|^2,    G = A D,

from the predicted code D'F D h_{t-1}; absent entries of x_t do not count (Wisdom et al. 2016, arXiv 1611.07252).
"""

import numpy as np

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.sparse_vectors import add_product, clear, find_active, soft

__all__ = ["code_sequences"]


@jit
def code_sequences(G, G_t, C, E, P_t, x, absent, offsets, states, constants, tol, maxiter, codes, iterations,
                   objective):  # fmt: skip
    """
    Codes of all sequences.

    Parameters
    ----------
    G, G_t : ndarray, (M, H) and (H, M)
        Dictionary as seen by the sensors, and its transpose; M and H are multiples of `LANES`.
    C, E : ndarray, (H, H)
        D'D and (F D)'(F D).
    P_t : ndarray, (H, H)
        Transpose of D'F D.
    x, absent : ndarray, (rows, M)
        Observations, zero where absent, and where that is.
    offsets : ndarray of int, (n + 1,)
        Row at which each sequence starts, and the end.
    states : ndarray, (n or 1, H)
        Codes before the first observation of each sequence, or of all.
    constants : ndarray, (3,)
        alpha, lam1, lam2.
    tol : float
        Relative decrease of the objective at which the iteration of an observation ends; 0: not before `maxiter`.
    maxiter : int
        Iterations for each observation.
    codes : ndarray, (rows, H)
        Receives the codes.
    iterations : ndarray of int, (rows,)
        Receives the number of iterations.
    objective : ndarray, (rows,)
        Receives the objective at the codes.
    """
    m, h = G.shape
    n, n_m = h // LANES, m // LANES
    flat_G, flat_G_t, flat_P_t = G.reshape(-1), G_t.reshape(-1), P_t.reshape(-1)
    flat_C, flat_E = C.reshape(-1), E.reshape(-1)
    step, lam1, lam2 = 1.0 / constants[0], constants[1], constants[2]
    threshold = np.full(h, lam1 * step)
    code, before, start, bent, slope, z = np.empty(h), np.empty(h), np.empty(h), np.empty(h), np.empty(h), np.empty(h)
    off, active, all_m = np.empty(m), np.empty(h, dtype=np.int64), np.arange(m)
    for sequence in range(offsets.shape[0] - 1):
        state = states[sequence if states.shape[0] > 1 else 0]
        for i in range(h):
            before[i] = state[i]
        for t in range(offsets[sequence], offsets[sequence + 1]):
            count = find_active(before, 0, h, active, 0)
            clear(start, 0, n)
            add_product(start, 0, before, 0, active, 0, count, flat_P_t, 0, n)
            clear(bent, 0, n)
            add_product(bent, 0, before, 0, active, 0, count, flat_E, 0, n)
            predicted = 0.0
            for i in range(h):
                predicted += before[i] * bent[i]
                code[i] = start[i]
            last = np.inf
            k = 0
            while True:
                count = find_active(code, 0, h, active, 0)
                clear(off, 0, n_m)
                add_product(off, 0, code, 0, active, 0, count, flat_G_t, 0, n_m)
                clear(bent, 0, n)
                add_product(bent, 0, code, 0, active, 0, count, flat_C, 0, n)
                value = 0.0
                for i in range(m):
                    off[i] = 0.0 if absent[t, i] else off[i] - x[t, i]
                    value += 0.5 * off[i] * off[i]
                for a in range(count):
                    i = active[a]
                    value += lam1 * abs(code[i]) + 0.5 * lam2 * code[i] * (bent[i] - 2.0 * start[i])
                value += 0.5 * lam2 * predicted
                if k == maxiter or (tol > 0.0 and last - value < tol * abs(last) and last < np.inf):
                    break
                last = value
                clear(slope, 0, n)
                add_product(slope, 0, off, 0, all_m, 0, m, flat_G, 0, n)
                for i in range(h):
                    z[i] = code[i] - step * (slope[i] + lam2 * (bent[i] - start[i]))
                soft(z, threshold, 0, code, 0, n)
                k += 1
            iterations[t] = k
            objective[t] = value
            for i in range(h):
                before[i] = code[i]
                codes[t, i] = code[i]
