"""
Levenberg-Marquardt with the evidence penalty, eight starts at a time.

The objective of a start is F = (beta SSE + sum_g alpha_g |theta_g|^2) / 2. With Hessian H = beta J'J + diag(alpha) and
gradient beta J'r - alpha theta, a step solves the damped system; Nielsen's rule moves the damping. After an accepted
step the precisions are re-estimated (MacKay 1992, "Bayesian interpolation", Neural Computation 4):

    gamma_g = n_g - alpha_g tr_g(H^-1),  alpha_g = (gamma_g + 2 a) / (|theta_g|^2 + 2 b),  beta = (T - gamma) / SSE.

The first step moves only the parameters that enter linearly, which is exact and gives any choice of recurrent weights
its best output weights. At every trial point the linear path is put at its optimum given the units (variable
projection, Golub and Pereyra 1973), which costs no evaluation and lets steps be long along the valleys where units and
linear path cancel. The objective falls all the way, but the evidence, which also counts how sharp the optimum is, need
not rise: a start whose evidence has fallen returns to where it was largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import lgamma, log, pi

import numpy as np

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import LANES, fill, load, positive, store
from pararnn_ts.kernels.linalg import cholesky, inverse_diagonal, solve_lower, solve_upper

__all__ = [
    "CONVERGED",
    "FAILED",
    "PEAKED",
    "PRIOR",
    "RELEVANCE",
    "RETIRED",
    "RUNNING",
    "STALLED",
    "STOPPED",
    "Options",
    "Solutions",
    "State",
    "log_gamma_prior",
    "minimize",
]

# status of a start
RUNNING, CONVERGED, STOPPED, STALLED, FAILED, RETIRED, PEAKED = range(7)

# rows of the table kept per lane
STATUS, ITERATIONS, DAMPING, GROWTH, PREDICTED, PEAK = range(6)
OBJECTIVE, EVIDENCE, DECREMENT, GAMMA, SSE, BETA = range(6, 12)
N_FIELDS = 12

# number of the prior group of output weights, and the relative change above which a step goes along a line
OUTPUT = 2
LARGEST_BEND = 0.7
LARGEST_DAMPING = 1e12
SMALLEST_PROJECTED = 1e-10
# nats that make a difference: a straggler that leads by more is waited for, a start whose evidence fell by more goes
# back to its peak
LEAD = 1.0
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
def _remember(theta, alpha, n, n_groups, table, best, lane):
    """Keep a lane's point if its evidence, less what the objective may still change, is the largest so far."""
    worth = table[EVIDENCE * LANES + lane] - table[DECREMENT * LANES + lane]
    if worth > table[PEAK * LANES + lane]:
        table[PEAK * LANES + lane] = worth
        for i in range(n):
            best[i * LANES + lane] = theta[i * LANES + lane]
        for g in range(n_groups):
            best[(n + g) * LANES + lane] = alpha[g * LANES + lane]
        for row in range(OBJECTIVE, N_FIELDS):
            best[(n + n_groups + row - OBJECTIVE) * LANES + lane] = table[row * LANES + lane]


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
    n_groups = prior.shape[0]
    evidence, tolerance, maxiter, patience, q = settings
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
        _assemble(theta, gram, alpha, group, n, table, hessian, gradient)
        cholesky(hessian, n, SMALLEST_PIVOT)
        solve_lower(hessian, n, gradient)
        inverse_diagonal(hessian, n, column, diagonal)
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
                _remember(theta, alpha, n, n_groups, table, best, lane)
            if _nats(table, lane, n_obs, evidence) < tolerance * n_obs and settled:
                table[STATUS * LANES + lane] = CONVERGED
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


# Gamma priors (shape, rate) of the precisions of recurrent, input, output and linear weights. Output weights have the
# scale of the series: without that, units drift towards ever smaller states with ever larger output weights, and
# nothing changes along the way. Chosen among twelve settings on simulated series and on held-out ends of training
# parts.
PRIOR = ((2.0, 0.5), (1.0, 0.1), (3.0, 3.0), (1.0, 0.1))
# That of each further group of a model: free to vanish, so that the evidence finds which of many groups matter
# (automatic relevance determination, MacKay 1994, and Neal 1996, "Bayesian learning for neural networks").
RELEVANCE = (1.0, 0.0001)


@dataclass(frozen=True)
class Options:
    """
    Settings of :func:`minimize`.

    Parameters
    ----------
    penalty : float or None
        None: precisions by evidence; otherwise a fixed ridge (zero: least squares).
    maxiter : int
        Most evaluations of a start.
    tol : float
        A start has converged when half its squared Newton decrement falls below `tol` nats per observation.
    prior : tuple of (shape, rate)
        Gamma prior of each group's precision.
    patience : int
        Evaluations before the precisions are first updated.
    audition : int
        Evaluations after which the weaker half of many starts is retired; from then on the others are reviewed as
        often.
    """

    penalty: float | None = None
    maxiter: int = 200
    tol: float = 1e-8
    prior: tuple[tuple[float, float], ...] = PRIOR
    patience: int = 4
    audition: int = 16


@dataclass(frozen=True)
class Solutions:
    """End points of all starts: one row of `params` and one entry of each other array per start."""

    params: np.ndarray
    status: np.ndarray
    iterations: np.ndarray
    objective: np.ndarray
    sse: np.ndarray
    log_evidence: np.ndarray
    decrement: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    alpha: np.ndarray


class State:
    """Everything a start carries from one evaluation to the next; starts are columns."""

    def __init__(self, starts: np.ndarray, options: Options, problem, warm: bool):
        n_starts, n = starts.shape
        size = n + 1
        self.theta = starts.T.copy()
        self.trial = starts.T.copy()
        self.gram = np.zeros((size * size, n_starts))
        precision = 1.0 if options.penalty is None else options.penalty
        self.alpha = np.full((len(options.prior), n_starts), precision)
        self.table = np.zeros((N_FIELDS, n_starts))
        # a linear model is solved at one stroke
        self.table[DAMPING] = 1e-10 if problem.linear.all() else 1e-2
        if warm and options.penalty is None:
            self.table[DAMPING] = 1e-4
            for g, (shape, rate) in enumerate(options.prior):
                inside = problem.group == g
                square = np.sum(starts[:, inside] ** 2, axis=1)
                self.alpha[g] = (np.count_nonzero(inside) + 2.0 * shape) / (square + 2.0 * rate)
        self.table[GROWTH] = 2.0
        self.table[EVIDENCE] = -np.inf
        self.table[PEAK] = -np.inf
        self.best = np.zeros((n + len(options.prior) + N_FIELDS - OBJECTIVE, n_starts))
        self.table[OBJECTIVE] = np.inf
        self.table[BETA] = 1.0 if options.penalty is not None else 1.0 / problem.variance

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All that is carried; :func:`advance` says what each array holds."""
        return self.theta, self.trial, self.gram, self.alpha, self.table, self.best

    def return_to_peaks(self) -> None:
        """Put starts whose evidence fell on the way back to where it was largest."""
        n, n_groups = len(self.theta), len(self.alpha)
        status, worth = self.table[STATUS], self.table[EVIDENCE] - self.table[DECREMENT]
        fell = np.isin(status, (CONVERGED, STOPPED, STALLED)) & (self.table[PEAK] > worth + LEAD)
        self.theta[:, fell] = self.best[:n, fell]
        self.alpha[:, fell] = self.best[n : n + n_groups, fell]
        self.table[OBJECTIVE:, fell] = self.best[n + n_groups :, fell]
        status[fell] = PEAKED

    def solutions(self, evidence: bool) -> Solutions:
        """Where the starts have ended; with the evidence penalty, those past their peak at the peak."""
        if evidence:
            self.return_to_peaks()
        table = self.table
        return Solutions(
            params=self.theta.T.copy(),
            status=table[STATUS].astype(int),
            iterations=table[ITERATIONS].astype(int),
            objective=table[OBJECTIVE].copy(),
            sse=table[SSE].copy(),
            log_evidence=table[EVIDENCE].copy(),
            decrement=table[DECREMENT].copy(),
            gamma=table[GAMMA].copy(),
            beta=table[BETA].copy(),
            alpha=self.alpha.T.copy(),
        )

    def take(self, columns: np.ndarray) -> list[np.ndarray]:
        """Flat arrays of up to `LANES` starts, filled up with copies of the last that do not run."""
        index = np.concatenate([columns, np.repeat(columns[-1:], LANES - len(columns))])
        parts = [a[:, index].ravel() for a in self.arrays()]
        parts[4][STATUS * LANES + len(columns) : (STATUS + 1) * LANES] = FAILED
        return parts

    def put(self, columns: np.ndarray, parts: list[np.ndarray]) -> None:
        """Store what :meth:`take` handed out."""
        for a, part in zip(self.arrays(), parts, strict=True):
            a[:, columns] = part.reshape(-1, LANES)[:, : len(columns)]


def minimize(problem, starts: np.ndarray, options: Options, threads: int = 1, warm: bool = False) -> Solutions:
    """
    Minimise the penalised sum of squares from many starts side by side.

    Parameters
    ----------
    problem : object
        Has `group` (int array: prior group of each parameter, -1 for none), `linear` (bool array: parameters that enter
        linearly), `n_projected` (leading parameters of which the Jacobian is independent), `n_obs`, and `evaluator()`,
        which returns a function ``(theta, gram)`` that fills `gram` with the normal equations at eight parameter
        vectors, and owns its scratch space.
    starts : ndarray, (n_starts, n_params)
        Start values.
    options : Options
        Settings.
    threads : int
        Blocks of eight starts run on this many threads. The result does not depend on it.
    warm : bool
        Whether the starts are estimates already, so that precisions and damping begin as they end.

    Returns
    -------
    Solutions
        One entry per start.
    """
    starts = np.ascontiguousarray(starts, dtype=float)
    n_starts, n = starts.shape
    evidence = options.penalty is None
    prior = log_gamma_prior(options.prior) if evidence else np.zeros((len(options.prior), 3))
    settings = (
        evidence,
        float(options.tol),
        int(options.maxiter),
        0 if warm else int(options.patience),
        problem.n_projected,
    )
    state = State(starts, options, problem, warm)

    def run(columns: np.ndarray, rounds: int) -> None:
        theta, trial, gram, alpha, table, best = parts = state.take(columns)
        trial_gram = np.empty_like(gram)
        work = np.empty((n * n + 3 * n + 1) * LANES)
        evaluate = problem.evaluator()
        for _ in range(rounds):
            evaluate(trial, trial_gram)
            if not advance(theta, trial, gram, trial_gram, alpha, problem.group, prior, problem.linear,
                           float(problem.n_obs), table, best, settings, work):  # fmt: skip
                break
        state.put(columns, parts)

    audition = n_starts > LANES
    pool = ThreadPoolExecutor(threads) if threads > 1 and n_starts > LANES else None
    try:
        while True:
            running = np.flatnonzero(state.table[STATUS] == RUNNING)
            if not len(running):
                break
            blocks = [running[i : i + LANES] for i in range(0, len(running), LANES)]
            if pool is None or len(blocks) == 1:
                for block in blocks:
                    run(block, options.audition)
            else:
                list(pool.map(lambda block: run(block, options.audition), blocks))
            if audition:
                audition = False
                _retire(state.table, evidence)
            _finish(state.table, evidence)
    finally:
        if pool is not None:
            pool.shutdown()
    return state.solutions(evidence)


def _finish(table: np.ndarray, evidence: bool) -> None:
    """Stop the stragglers once half of the starts in the race have converged and none of the others is ahead."""
    score = table[EVIDENCE] if evidence else -table[OBJECTIVE]
    running, converged = table[STATUS] == RUNNING, table[STATUS] == CONVERGED
    if running.any() and int(np.count_nonzero(converged)) >= max(3, int(np.count_nonzero(running))):
        ahead = score > score[converged].max() + (LEAD if evidence else 0.0)
        table[STATUS, running & ~ahead] = RETIRED


def log_gamma_prior(pairs: Sequence[tuple[float, float]]) -> np.ndarray:
    """Shape, rate and log constant of gamma densities of log alpha, the constant of Laplace's method included."""
    return np.array([[a, b, a * log(b) - lgamma(a) + 0.5 * log(2.0 * pi)] for a, b in pairs])


def _retire(table: np.ndarray, evidence: bool) -> None:
    """Stop the weaker half of the starts that still run, keeping at least one block of lanes."""
    score = table[EVIDENCE] if evidence else -table[OBJECTIVE]
    running = np.flatnonzero(table[STATUS] == RUNNING)
    keep = max(LANES, len(table[0]) // 2)
    if len(running) > keep:
        order = running[np.argsort(-score[running], kind="stable")]
        table[STATUS, order[keep:]] = RETIRED
