"""
The recurrence of a unit in parallel over time: Newton's method on the states at the ends of chunks.

A series is cut into chunks of a fixed number of rows. Let s_c be the state before chunk c and F_c(s) the state after
it. The chunks can run side by side once all s_c are known, and these solve s_(c+1) = F_c(s_c), s_0 = 0. With A_c the
derivative of F_c, a product of the unit's d x d Jacobians diag(g_t) W, Newton's method gives

    delta_(c+1) = A_c delta_c + (F_c(s_c) - s_(c+1)),   delta_0 = 0,       new s_(c+1) = F_c(s_c) + A_c delta_c.

An affine recurrence is solved in parallel, too: its maps compose associatively (Blelloch 1990, "Prefix sums and their
applications"), and :func:`affine_scan` does so in three phases: within groups, over the groups, within groups again.
Chunks and groups do not depend on the number of threads, so that the bits of the result do not either.

With chunks of one row this is Newton's method on the whole trajectory (DEER: Lim et al. 2024, arXiv 2309.12252;
Danieli et al. 2025, arXiv 2510.21450). Longer chunks are multiple shooting (Chartier and Philippe 1993, "A parallel
shooting technique for solving dissipative ODE's"; Gander and Vandewalle 2007, "Analysis of the parareal time-parallel
time-integration method"): the recurrence is exact inside a chunk, nothing is stored for each row, and where the unit
forgets within a chunk A_c vanishes, so that one or two iterations are enough. After k iterations the first k chunks are
exact in any case. Linear units need one iteration. A unit that still has not converged after `LIMIT` iterations,
because it never forgets which of several states it once fell into, is run sequentially.

Sensitivities obey affine recurrences with the same A_c: a scan each, no iteration.
"""

from typing import NamedTuple

import numpy as np

from pararnn_ts.kernels.activations import activate
from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.units import unit_size

__all__ = [
    "CHUNK",
    "GROUPS",
    "LIMIT",
    "TOLERANCE",
    "Outcome",
    "add_sensitivity",
    "affine_scan",
    "is_finite",
    "n_chunks",
    "products",
    "push",
    "state_weights",
    "states",
    "step",
    "times",
]

# rows of a chunk: long enough that most units forget within it, short enough for thousands of chunks
CHUNK = 256
# groups of a scan: the threads of a block on a device
GROUPS = 128
# most Newton iterations; in that many passes a device has long beaten a sequential run
LIMIT = 32
# largest mismatch between neighbouring chunks, in relation to the state where that is larger than one
TOLERANCE = 1e-12


class Outcome(NamedTuple):
    """
    How the states of each unit were found.

    Attributes
    ----------
    iterations : ndarray of int, (K,)
        Newton iterations, the pass that only confirms the result not counted.
    converged : ndarray of bool, (K,)
        Whether Newton's method converged; the other units were run sequentially.
    """

    iterations: np.ndarray
    converged: np.ndarray


@jit
def n_chunks(n_rows, chunk):
    """Number of chunks of a series; the last one may be shorter."""
    return (n_rows + chunk - 1) // chunk


@jit
def state_weights(d, m):
    """Number of weights that act through the state: W, U and b."""
    return d * d + d * m + d


@jit
def is_finite(a):
    """Whether `a` is a finite number."""
    return abs(a) < np.inf


@jit
def times(a, b):
    """Product in which zero is stronger than infinity: a correction of zero stays zero whatever the slope."""
    return 0.0 if b == 0.0 else a * b


@jit
def step(weights, p, d, m, activation, x, at, state, new, slope):
    """New state and slopes of the unit whose weights begin at item `p`; inputs are column `at` of `x`."""
    for i in range(d):
        z = weights[p + d * d + d * m + i]
        for j in range(d):
            z += weights[p + i * d + j] * state[j]
        for j in range(m):
            z += weights[p + d * d + i * m + j] * x[j, at]
        new[i], slope[i] = activate(activation, z)


@jit
def push(weights, p, d, slope, vectors, at, scratch):
    """Multiply the d numbers from item `at` of `vectors` by the Jacobian diag(slope) W."""
    for i in range(d):
        total = 0.0
        for j in range(d):
            total += weights[p + i * d + j] * vectors[at + j]
        scratch[i] = slope[i] * total
    for i in range(d):
        vectors[at + i] = scratch[i]


@jit
def add_sensitivity(weights, p, d, m, slope, state, x, at, vectors, scratch):
    """Advance the sensitivities of the state to all weights W, U and b; `state` is the one before the step."""
    for weight in range(state_weights(d, m)):
        push(weights, p, d, slope, vectors, weight * d, scratch)
    for i in range(d):
        for j in range(d):
            vectors[(i * d + j) * d + i] += slope[i] * state[j]
        for j in range(m):
            vectors[(d * d + i * m + j) * d + i] += slope[i] * x[j, at]
        vectors[(d * d + d * m + i) * d + i] += slope[i]


@jit
def affine_scan(slopes, offsets, values):
    """
    Solve values[c + 1] = slopes[c] values[c] + offsets[c], in an order that a parallel machine can follow.

    Parameters
    ----------
    slopes : ndarray, (C, d * d)
        Matrices, by rows.
    offsets : ndarray, (C, d)
        Vectors.
    values : ndarray, (C, d)
        The first row is given; receives the others. The last slope and offset are not used.
    """
    n, d = offsets.shape
    size = n_chunks(n, GROUPS)
    groups = n_chunks(n, size)
    slope, offset, scratch = np.empty((groups, d * d)), np.zeros((groups, d)), np.empty((d, d + 1))
    for g in range(groups):
        for i in range(d):
            for j in range(d):
                slope[g, i * d + j] = 1.0 if i == j else 0.0
        for c in range(g * size, min((g + 1) * size, n)):
            for i in range(d):
                for j in range(d):
                    total = 0.0
                    for k in range(d):
                        total += times(slopes[c, i * d + k], slope[g, k * d + j])
                    scratch[i, j] = total
                total = offsets[c, i]
                for k in range(d):
                    total += times(slopes[c, i * d + k], offset[g, k])
                scratch[i, d] = total
            for i in range(d):
                for j in range(d):
                    slope[g, i * d + j] = scratch[i, j]
                offset[g, i] = scratch[i, d]
    for g in range(1, groups):
        for i in range(d):
            total = offset[g - 1, i]
            for k in range(d):
                total += times(slope[g - 1, i * d + k], values[(g - 1) * size, k])
            values[g * size, i] = total
    for g in range(groups):
        for c in range(g * size, min((g + 1) * size, n) - 1):
            for i in range(d):
                total = offsets[c, i]
                for k in range(d):
                    total += times(slopes[c, i * d + k], values[c, k])
                values[c + 1, i] = total


@jit
def _shoot(weights, p, activation, x, chunk, starts, ends, slopes):
    """Run all chunks from their starts: states after them, and derivatives of these."""
    (m, n), (chunks, d) = x.shape, starts.shape
    state, new, slope, scratch = np.empty(d), np.empty(d), np.empty(d), np.empty(d)
    # columns one after the other; `slopes` holds matrices by rows
    columns = np.empty(d * d)
    for c in range(chunks):
        state[:] = starts[c]
        for i in range(d * d):
            columns[i] = 1.0 if i % (d + 1) == 0 else 0.0
        for t in range(c * chunk, min((c + 1) * chunk, n)):
            step(weights, p, d, m, activation, x, t, state, new, slope)
            for j in range(d):
                push(weights, p, d, slope, columns, j * d, scratch)
            state[:] = new
        ends[c] = state
        for i in range(d):
            for j in range(d):
                slopes[c, i * d + j] = columns[j * d + i]


@jit
def _correct(starts, ends, slopes, offsets, values):
    """Newton correction of all starts; returns the largest mismatch before it."""
    chunks, d = starts.shape
    worst = 0.0
    for c in range(chunks - 1):
        for i in range(d):
            gap = ends[c, i] - starts[c + 1, i]
            size = abs(gap) / max(1.0, abs(ends[c, i]))
            # what is not a number is the largest mismatch of all
            worst = max(worst, size) if is_finite(size) else np.inf
            offsets[c, i] = gap if is_finite(gap) else 0.0
    offsets[chunks - 1] = 0.0
    values[0] = 0.0
    affine_scan(slopes, offsets, values)
    for c in range(chunks - 1):
        for i in range(d):
            total = ends[c, i]
            for k in range(d):
                total += times(slopes[c, i * d + k], values[c, k])
            if not is_finite(total):
                # no use as a correction: begin from the end of the chunk before, or from anywhere
                total = ends[c, i] if is_finite(ends[c, i]) else 0.0
            starts[c + 1, i] = total
    return worst


@jit
def _run_sequentially(weights, p, activation, x, chunk, starts):
    """States before all chunks, one chunk after the other."""
    (m, n), (chunks, d) = x.shape, starts.shape
    state, new, slope = np.zeros(d), np.empty(d), np.empty(d)
    for c in range(chunks):
        starts[c] = state
        for t in range(c * chunk, min((c + 1) * chunk, n)):
            step(weights, p, d, m, activation, x, t, state, new, slope)
            state[:] = new


@jit
def _find_starts(weights, p, activation, x, chunk, limit, starts):
    """Overwrite guesses of the states before all chunks with the states; iterations, and whether they converged."""
    chunks, d = starts.shape
    ends, slopes = np.empty((chunks, d)), np.empty((chunks, d * d))
    offsets, values = np.empty((chunks, d)), np.empty((chunks, d))
    for iteration in range(limit + 1):
        _shoot(weights, p, activation, x, chunk, starts, ends, slopes)
        if _correct(starts, ends, slopes, offsets, values) <= TOLERANCE:
            return iteration, True
    _run_sequentially(weights, p, activation, x, chunk, starts)
    return limit, False


@jit
def _fill_states(weights, p, activation, x, chunk, starts, out):
    """States after every row, from those before the chunks."""
    (m, n), (chunks, d) = x.shape, starts.shape
    state, new, slope = np.empty(d), np.empty(d), np.empty(d)
    for c in range(chunks):
        state[:] = starts[c]
        for t in range(c * chunk, min((c + 1) * chunk, n)):
            step(weights, p, d, m, activation, x, t, state, new, slope)
            state[:] = new
            out[t] = new


@jit
def _find_sensitivities(weights, p, activation, x, chunk, starts, before):
    """Sensitivities of the states before all chunks to the weights W, U and b."""
    (m, n), (chunks, d) = x.shape, starts.shape
    count = state_weights(d, m)
    state, new, slope, scratch = np.empty(d), np.empty(d), np.empty(d), np.empty(d)
    # the derivative by the state before the chunk follows those by the weights
    vectors = np.empty((count + d) * d)
    slopes, offsets = np.empty((chunks, d * d)), np.empty((count, chunks, d))
    for c in range(chunks):
        state[:] = starts[c]
        vectors[:] = 0.0
        for i in range(d):
            vectors[(count + i) * d + i] = 1.0
        for t in range(c * chunk, min((c + 1) * chunk, n)):
            step(weights, p, d, m, activation, x, t, state, new, slope)
            add_sensitivity(weights, p, d, m, slope, state, x, t, vectors, scratch)
            for j in range(d):
                push(weights, p, d, slope, vectors, (count + j) * d, scratch)
            state[:] = new
        for i in range(d):
            for j in range(d):
                slopes[c, i * d + j] = vectors[(count + j) * d + i]
            for weight in range(count):
                offsets[weight, c, i] = vectors[weight * d + i]
    before[:, 0] = 0.0
    for weight in range(count):
        affine_scan(slopes, offsets[weight], before[weight])


@jit
def _fill_columns(weights, p, activation, x, chunk, c, start, before, columns, fitted):
    """Rows of one chunk: derivatives of the component v'h by all weights of the unit, and the component itself."""
    (m, n), d = x.shape, start.shape[0]
    count = state_weights(d, m)
    state, new, slope, scratch = start.copy(), np.empty(d), np.empty(d), np.empty(d)
    vectors = before.copy().ravel()
    first = c * chunk
    for t in range(first, min(first + chunk, n)):
        step(weights, p, d, m, activation, x, t, state, new, slope)
        add_sensitivity(weights, p, d, m, slope, state, x, t, vectors, scratch)
        for weight in range(count):
            total = 0.0
            for i in range(d):
                total += weights[p + count + i] * vectors[weight * d + i]
            columns[weight, t - first] = total
        for i in range(d):
            state[i] = new[i]
            columns[count + i, t - first] = new[i]
            fitted[t - first] += weights[p + count + i] * new[i]


def _all_starts(theta, q, units, activation, x, chunk, limit):
    """States before all chunks, for each unit, and how they were found."""
    starts, iterations, converged, p = [], [], [], q
    for d in units:
        guess = np.zeros((n_chunks(x.shape[1], chunk), d))
        found = _find_starts(theta, p, activation, x, chunk, limit, guess)
        starts.append(guess)
        iterations.append(found[0])
        converged.append(found[1])
        p += unit_size(d, x.shape[0])
    return starts, Outcome(np.array(iterations, dtype=np.int64), np.array(converged, dtype=bool))


def states(theta, units, activation, x, q=0, chunk=CHUNK, limit=LIMIT):
    """
    States of all units after every row, in parallel over time.

    Parameters
    ----------
    theta : ndarray, (P,)
        Parameters: `q` coefficients that are not used, then the weights of each unit; see `units`.
    units : sequence of int, (K,)
        Dimension of each unit.
    activation : int
        See `activations.ACTIVATIONS`.
    x : ndarray, (T, m)
        Inputs of the units.
    q : int
        Number of coefficients before the weights of units.
    chunk : int
        Rows of a chunk.
    limit : int
        Most Newton iterations.

    Returns
    -------
    states : ndarray, (T, sum of units)
        States, unit by unit.
    outcome : Outcome
        How they were found.

    Examples
    --------
    A linear unit needs one iteration, however long the series is:

    >>> import numpy as np
    >>> from pararnn_ts.kernels.activations import ACTIVATIONS
    >>> from pararnn_ts.kernels.parallel_in_time import states
    >>> theta = np.array([0.5, 1.0, 0.0, 1.0])
    >>> h, outcome = states(theta, (1,), ACTIVATIONS["identity"], np.ones((10000, 1)), chunk=16)
    >>> h[:3, 0], outcome.iterations, outcome.converged
    (array([1.  , 1.5 , 1.75]), array([1]), array([ True]))
    """
    columns = np.ascontiguousarray(x.T)
    starts, outcome = _all_starts(theta, q, units, activation, columns, chunk, limit)
    found, p, s = np.empty((len(x), sum(units))), q, 0
    for d, before in zip(units, starts):
        part = np.empty((len(x), d))
        _fill_states(theta, p, activation, columns, chunk, before, part)
        found[:, s : s + d] = part
        p += unit_size(d, x.shape[1])
        s += d
    return found, outcome


def products(theta, units, activation, x, linear, target, weight, chunk=CHUNK, limit=LIMIT):
    """
    Normal equations of the additive model at one parameter vector, in parallel over time.

    Parameters
    ----------
    theta : ndarray, (P,)
        Parameters: coefficients of `linear`, then the weights of each unit.
    units, activation, x, chunk, limit
        As in :func:`states`.
    linear : ndarray, (T, q)
        Columns that enter linearly.
    target : ndarray, (T,)
        Values to be predicted.
    weight : ndarray, (T,)
        Square roots of the observation weights; zero leaves a row out.

    Returns
    -------
    products : ndarray, (P + 1, P + 1)
        M'M of M = [Jacobian, residual].
    outcome : Outcome
        How the states were found.
    """
    (n, m), q = x.shape, linear.shape[1]
    columns = np.ascontiguousarray(x.T)
    starts, outcome = _all_starts(theta, q, units, activation, columns, chunk, limit)
    before, p = [], q
    for d, start in zip(units, starts):
        found = np.empty((state_weights(d, m), len(start), d))
        _find_sensitivities(theta, p, activation, columns, chunk, start, found)
        before.append(found)
        p += unit_size(d, m)
    gram = np.zeros((len(theta) + 1, len(theta) + 1))
    # a path that explodes gives infinite products
    with np.errstate(over="ignore", invalid="ignore"):
        for c in range(n_chunks(n, chunk)):
            rows = slice(c * chunk, min((c + 1) * chunk, n))
            block = np.empty((len(theta) + 1, rows.stop - rows.start))
            block[:q] = linear[rows].T
            fitted = linear[rows] @ theta[:q]
            p = q
            for d, start, slopes in zip(units, starts, before):
                size = unit_size(d, m)
                _fill_columns(
                    theta, p, activation, columns, chunk, c, start[c], slopes[:, c], block[p : p + size], fitted
                )
                p += size
            block[-1] = target[rows] - fitted
            block *= weight[rows]
            block[:, weight[rows] == 0.0] = 0.0
            gram += block @ block.T
    return gram, outcome
