"""
Levenberg-Marquardt with the evidence penalty, the compiled part: a step of as many starts as a vector has lanes.

What a step is, and why, is said in :mod:`pararnn_ts.estimation.levenberg_marquardt`.
"""

import numpy as np

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import LANES, fill, load, positive, store
from pararnn_ts.kernels.linalg import cholesky, inverse_diagonal, solve_lower, solve_upper
from pararnn_ts.kernels.start_state import (
    BETA,
    CONVERGED,
    DAMPING,
    DECREMENT,
    EVIDENCE,
    FAILED,
    GAMMA,
    GROWTH,
    ITERATIONS,
    LEAD,
    N_FIELDS,
    OBJECTIVE,
    PEAK,
    PREDICTED,
    RUNNING,
    SINCE,
    SSE,
    STALLED,
    STATUS,
    STOPPED,
    from_lanes,
    to_lanes,
)
from pararnn_ts.kernels.units import accumulate

__all__ = ["PAST", "advance", "remember", "unit_rounds"]

# accepted steps since the peak of its evidence after which a start that has come down, and whose objective can hardly
# fall any more, does not go on
PAST = 8

# number of the prior group of output weights, and the relative change above which a step goes along a line
OUTPUT = 2
LARGEST_BEND = 0.7
LARGEST_DAMPING = 1e12
SMALLEST_PROJECTED = 1e-10
SMALLEST_PIVOT = 1e-11
# relative changes of the objective that are rounding
FLAT = 1e-13
# residual variance, in units of the variance of the series, below which a fit counts as perfect
SMALLEST_VARIANCE = 1e-14


@jit
def _penalty(theta, alpha, group, n, lane):
    total = 0.0
    for i in range(n):
        if group[i] >= 0:
            total += alpha[group[i] * LANES + lane] * theta[i * LANES + lane] ** 2
    return total


@jit
def _assemble(theta, gram, alpha, group, n, table, hessian, gradient):
    """Hessian and gradient of the objective at `theta`, for all lanes."""
    beta = load(table, BETA)
    size = n + 1
    for i in range(n):
        for j in range(i + 1):
            store(hessian, i * n + j, beta * load(gram, i * size + j))
        g = beta * load(gram, n * size + i)
        if group[i] >= 0:
            a = load(alpha, group[i])
            store(hessian, i * n + i, load(hessian, i * n + i) + a)
            g = g - a * load(theta, i)
        store(gradient, i, g)


@jit
def _nats(table, lane, n_obs, evidence):
    """Half the squared Newton decrement of a lane as a difference in log likelihood."""
    # without the evidence beta is one and the objective is in squared units
    scale = 1.0 if evidence else n_obs / max(table[SSE * LANES + lane], SMALLEST_VARIANCE * n_obs)
    return table[DECREMENT * LANES + lane] * scale


@jit
def _judge(theta, trial, gram, trial_gram, alpha, group, n, table, accepted, n_obs, tolerance, evidence):
    """Accept or reject the trial point of each running lane; return whether any was accepted."""
    last = (n + 1) * (n + 1) - 1
    found = False
    for lane in range(LANES):
        accepted[lane] = 0.0
        if table[STATUS * LANES + lane] != RUNNING:
            continue
        table[ITERATIONS * LANES + lane] += 1
        sse = trial_gram[last * LANES + lane]
        first = table[ITERATIONS * LANES + lane] == 1
        if first and not np.isfinite(sse):
            table[STATUS * LANES + lane] = FAILED
            continue
        objective = 0.5 * (table[BETA * LANES + lane] * sse + _penalty(trial, alpha, group, n, lane))
        before, predicted = table[OBJECTIVE * LANES + lane], table[PREDICTED * LANES + lane]
        # at the optimum a step cannot be told from rounding: it counts as accepted, so that the precisions move on
        flat = not first and max(predicted, objective - before) <= FLAT * abs(before)
        if first or flat or objective < before:
            accepted[lane] = 1.0
            found = True
            for i in range(n):
                theta[i * LANES + lane] = trial[i * LANES + lane]
            for i in range(last + 1):
                gram[i * LANES + lane] = trial_gram[i * LANES + lane]
            table[SSE * LANES + lane] = sse
            if not first and not flat:
                gain = (before - objective) / max(predicted, 1e-300)
                table[DAMPING * LANES + lane] *= max(1.0 / 3.0, 1.0 - (2.0 * min(gain, 1.0) - 1.0) ** 3)
                table[GROWTH * LANES + lane] = 2.0
        else:
            table[DAMPING * LANES + lane] *= table[GROWTH * LANES + lane]
            table[GROWTH * LANES + lane] *= 2.0
            if table[DAMPING * LANES + lane] > LARGEST_DAMPING:
                # no step of any length helps: the optimum to rounding error, or a place without a usable gradient
                small = _nats(table, lane, n_obs, evidence) < 100.0 * tolerance * n_obs
                table[STATUS * LANES + lane] = CONVERGED if small else STALLED
    return found


@jit
def _precisions(theta, alpha, group, n_groups, n, n_obs, table, diagonal, lane, prior, update):
    """Effective parameters of a lane and, where `update` is set, its new precisions."""
    n_free = 0
    gamma = 0.0
    for i in range(n):
        if group[i] < 0:
            n_free += 1
    for g in range(n_groups):
        count, trace, square = 0, 0.0, 0.0
        for i in range(n):
            if group[i] == g:
                count += 1
                trace += diagonal[i * LANES + lane]
                square += theta[i * LANES + lane] ** 2
        if count == 0:
            continue
        a = alpha[g * LANES + lane]
        gamma_g = min(max(count - a * trace, 0.0), float(count))
        gamma += gamma_g
        if update:
            alpha[g * LANES + lane] = (gamma_g + 2.0 * prior[g, 0]) / (square + 2.0 * prior[g, 1])
    table[GAMMA * LANES + lane] = gamma + n_free
    return max(n_obs - gamma - n_free, 1.0) / max(table[SSE * LANES + lane], SMALLEST_VARIANCE * n_obs)


@jit
def _log_evidence(theta, alpha, group, n, n_obs, table, factor, lane, prior):
    total = (
        n_obs * np.log(table[BETA * LANES + lane] / (2.0 * np.pi))
        - table[BETA * LANES + lane] * table[SSE * LANES + lane]
    )
    for i in range(n):
        # the factor holds reciprocals of the diagonal: log det H = -2 sum log
        total += 2.0 * np.log(factor[(i * n + i) * LANES + lane])
        if group[i] >= 0:
            total += np.log(alpha[group[i] * LANES + lane])
    total -= _penalty(theta, alpha, group, n, lane)
    for g in range(prior.shape[0]):
        count, square = 0, 0.0
        for i in range(n):
            if group[i] == g:
                count += 1
                square += theta[i * LANES + lane] ** 2
        if count > 0:
            a = alpha[g * LANES + lane]
            # log density of log alpha at its mode, times the width of the mode (Laplace's method once more)
            curvature = 0.5 * a * (square + 2.0 * prior[g, 1])
            total += 2.0 * (prior[g, 2] + prior[g, 0] * np.log(a) - prior[g, 1] * a) - np.log(curvature)
    return 0.5 * total


@jit
def _project(trial, gram, alpha, group, q, n, n_obs, table, matrix, shift):
    """
    Move the first `q` parameters of the trial points, the linear path's, to their optimum given the others.

    The Jacobian does not depend on them, so that the products change only where the residual enters, and exactly.
    """
    size = n + 1
    last = n * size
    beta = load(table, BETA)
    for i in range(q):
        for j in range(i + 1):
            store(matrix, i * q + j, beta * load(gram, i * size + j))
        g = beta * load(gram, last + i)
        if group[i] >= 0:
            a = load(alpha, group[i])
            store(matrix, i * q + i, load(matrix, i * q + i) + a)
            g = g - a * load(trial, i)
        store(shift, i, g)
    cholesky(matrix, q, SMALLEST_PIVOT)
    solve_lower(matrix, q, shift)
    solve_upper(matrix, q, shift)
    square = load(gram, last + n)
    # below this the difference of sums of squares is rounding error
    worthwhile = positive(square - SMALLEST_PROJECTED * n_obs)
    for i in range(q):
        d = load(shift, i) * worthwhile
        store(shift, i, d)
        store(trial, i, load(trial, i) + d)
        square = square - 2.0 * d * load(gram, last + i) + d * d * load(gram, i * size + i)
        for j in range(i):
            square = square + 2.0 * d * load(shift, j) * load(gram, i * size + j)
    store(gram, last + n, square)
    for j in range(n):
        total = load(gram, last + j)
        for i in range(q):
            total = total - load(shift, i) * load(gram, (max(i, j)) * size + min(i, j))
        store(gram, last + j, total)


@jit
def _bend(theta, step, trial, i):
    """
    Take a step in a weight of a unit along an exponential instead of a line, the same to first order.

    Scaling a state moves its input weights one way and its output weight the other and leaves small signals unchanged:
    such products stay on their hyperbola when the factors change by relative amounts.
    """
    for lane in range(LANES):
        at = i * LANES + lane
        ratio = step[at] / theta[at]
        if abs(ratio) < LARGEST_BEND:
            trial[at] = theta[at] * np.exp(ratio)


@jit
def remember(theta, alpha, n, n_groups, table, best, lane):
    """
    Keep a lane's point if its evidence, less what the objective may still change, is the largest so far.

    A lane that came down from there some time ago stops, unless its objective can still fall by much: then its evidence
    may rise once more.
    """
    worth = table[EVIDENCE * LANES + lane] - table[DECREMENT * LANES + lane]
    table[SINCE * LANES + lane] += 1
    if worth > table[PEAK * LANES + lane]:
        table[PEAK * LANES + lane] = worth
        table[SINCE * LANES + lane] = 0
        for i in range(n):
            best[i * LANES + lane] = theta[i * LANES + lane]
        for g in range(n_groups):
            best[(n + g) * LANES + lane] = alpha[g * LANES + lane]
        for row in range(OBJECTIVE, N_FIELDS):
            best[(n + n_groups + row - OBJECTIVE) * LANES + lane] = table[row * LANES + lane]
    elif table[SINCE * LANES + lane] >= PAST and table[DECREMENT * LANES + lane] < LEAD:
        if worth < table[PEAK * LANES + lane] - LEAD:
            table[STATUS * LANES + lane] = STOPPED


@jit
def _revise(theta, gram, alpha, group, prior, n_obs, table, best, accepted, settings, hessian, gradient, diagonal):
    """Update precisions, evidence and status of the lanes whose trial point was accepted."""
    n, n_groups = group.shape[0], prior.shape[0]
    evidence, tolerance, _maxiter, patience, _q = settings
    _assemble(theta, gram, alpha, group, n, table, hessian, gradient)
    cholesky(hessian, n, SMALLEST_PIVOT)
    solve_lower(hessian, n, gradient)
    inverse_diagonal(hessian, n, diagonal)
    for lane in range(LANES):
        if accepted[lane] == 0.0:
            continue
        update = evidence and table[ITERATIONS * LANES + lane] > patience
        beta = _precisions(theta, alpha, group, n_groups, n, n_obs, table, diagonal, lane, prior, update)
        if evidence:
            table[BETA * LANES + lane] = beta
        decrement = 0.0
        for i in range(n):
            decrement += 0.5 * gradient[i * LANES + lane] ** 2
        table[DECREMENT * LANES + lane] = decrement
        table[OBJECTIVE * LANES + lane] = 0.5 * (
            table[BETA * LANES + lane] * table[SSE * LANES + lane] + _penalty(theta, alpha, group, n, lane)
        )
    _assemble(theta, gram, alpha, group, n, table, hessian, gradient)
    cholesky(hessian, n, SMALLEST_PIVOT)
    for lane in range(LANES):
        if accepted[lane] == 0.0:
            continue
        before = table[EVIDENCE * LANES + lane]
        now = _log_evidence(theta, alpha, group, n, n_obs, table, hessian, lane, prior)
        table[EVIDENCE * LANES + lane] = now
        settled = not evidence or (
            table[ITERATIONS * LANES + lane] > patience + 1 and abs(now - before) < 100.0 * tolerance * n_obs
        )
        if evidence and table[ITERATIONS * LANES + lane] > patience + 1:
            remember(theta, alpha, n, n_groups, table, best, lane)
        if _nats(table, lane, n_obs, evidence) < tolerance * n_obs and settled:
            table[STATUS * LANES + lane] = CONVERGED


@jit
def _propose(theta, trial, gram, alpha, group, linear, table, first, hessian, gradient, diagonal, column):
    """Solve the damped system for the next trial points; the `first` step moves linear parameters only."""
    n = group.shape[0]
    _assemble(theta, gram, alpha, group, n, table, hessian, gradient)
    if first:
        for i in range(n):
            for j in range(i + 1):
                if i == j:
                    if not linear[i]:
                        store(hessian, i * n + i, fill(1.0))
                elif not (linear[i] and linear[j]):
                    store(hessian, i * n + j, fill(0.0))
            if not linear[i]:
                store(gradient, i, fill(0.0))
    damping = load(table, DAMPING)
    for i in range(n):
        scale = damping * load(hessian, i * n + i)
        store(diagonal, i, scale)
        store(hessian, i * n + i, load(hessian, i * n + i) + scale)
        store(column, i, load(gradient, i))
    cholesky(hessian, n, SMALLEST_PIVOT)
    solve_lower(hessian, n, column)
    solve_upper(hessian, n, column)
    predicted = fill(0.0)
    for i in range(n):
        step = load(column, i)
        predicted = predicted + 0.5 * step * (load(gradient, i) + load(diagonal, i) * step)
        store(trial, i, load(theta, i) + step)
        if not linear[i] or group[i] == OUTPUT:
            _bend(theta, column, trial, i)
    store(table, PREDICTED, predicted)


@jit
def advance(theta, trial, gram, trial_gram, alpha, group, prior, linear, n_obs, table, best, settings, work):
    """
    Use the normal equations at the trial points: accept or reject, update precisions, propose the next points.

    Parameters
    ----------
    theta, trial : ndarray, (n * LANES,)
        Current and trial parameters.
    gram, trial_gram : ndarray, ((n + 1)^2 * LANES,)
        Products of Jacobian and residual there.
    alpha : ndarray, (n_groups * LANES,)
        Prior precisions, updated.
    group : ndarray of int, (n,)
        Group of each parameter; -1: not penalised.
    prior : ndarray, (n_groups, 3)
        Shape a and rate b of the precisions' gamma prior, and the log of its constant and of the square root of 2 pi.
    linear : ndarray of bool, (n,)
        Parameters that enter linearly.
    n_obs : float
        Number of observations in the objective.
    table : ndarray, (N_FIELDS * LANES,)
        State of each lane.
    best : ndarray, ((n + n_groups + N_FIELDS - OBJECTIVE) * LANES,)
        Point of the largest evidence on the way: parameters, precisions and the last rows of `table`.
    settings : tuple
        evidence (bool), tolerance in nats per observation, largest number of iterations, iterations before the
        precisions are first updated, number of leading parameters that are linear whatever the others are.
    work : ndarray, ((n^2 + 3 n + 1) * LANES,)
        Scratch space.

    Returns
    -------
    int
        Lanes still running.
    """
    n = group.shape[0]
    evidence, tolerance, maxiter, _patience, q = settings
    hessian = work[: n * n * LANES]
    gradient = work[n * n * LANES : (n * n + n) * LANES]
    diagonal = work[(n * n + n) * LANES : (n * n + 2 * n) * LANES]
    column = work[(n * n + 2 * n) * LANES : (n * n + 3 * n) * LANES]
    accepted = work[(n * n + 3 * n) * LANES :]
    first = True
    for lane in range(LANES):
        first = first and table[ITERATIONS * LANES + lane] == 0.0
    if q > 0:
        _project(trial, trial_gram, alpha, group, q, n, n_obs, table, hessian, column)
    if _judge(theta, trial, gram, trial_gram, alpha, group, n, table, accepted, n_obs, tolerance, evidence):
        _revise(theta, gram, alpha, group, prior, n_obs, table, best, accepted, settings, hessian, gradient, diagonal)
    _propose(theta, trial, gram, alpha, group, linear, table, first, hessian, gradient, diagonal, column)
    running = 0
    for lane in range(LANES):
        if table[STATUS * LANES + lane] == RUNNING and table[ITERATIONS * LANES + lane] >= maxiter:
            table[STATUS * LANES + lane] = STOPPED
        if table[STATUS * LANES + lane] == RUNNING:
            running += 1
        else:
            for i in range(n):
                trial[i * LANES + lane] = theta[i * LANES + lane]
    return running


@jit
def unit_rounds(rounds, state, columns, prior, settings, group, linear, n_obs, space, trial_gram, work,
                units, activation, x, linear_columns, target, weight, linear_gram, scratch):  # fmt: skip
    """
    Take starts of a sum of units through up to `rounds` evaluations, without returning to the interpreter.

    The arguments up to `space` are those of :func:`pararnn_ts.kernels.start_state.to_lanes`, those up to `work` those
    of :func:`advance`, and from `units` on those of :func:`pararnn_ts.kernels.units.accumulate`.
    """
    for first in range(0, len(columns), LANES):
        theta, trial, gram, alpha, table, best = to_lanes(state, columns, first, len(group), len(prior), space)
        for _ in range(rounds):
            accumulate(trial, units, activation, x, linear_columns, target, weight, linear_gram, scratch, trial_gram)
            if not advance(theta, trial, gram, trial_gram, alpha, group, prior, linear, n_obs, table, best, settings,
                           work):  # fmt: skip
                break
        from_lanes(state, columns, first, space)
