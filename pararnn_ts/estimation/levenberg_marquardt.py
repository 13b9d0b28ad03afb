"""
Levenberg-Marquardt with the evidence penalty, a vector of starts at a time.

The objective of a start is F = (beta SSE + sum_g alpha_g |theta_g|^2) / 2. With Hessian H = beta J'J + diag(alpha) and
gradient beta J'r - alpha theta, a step solves the damped system; Nielsen's rule moves the damping. After an accepted
step the precisions are re-estimated (MacKay 1992, "Bayesian interpolation", Neural Computation 4):

    gamma_g = n_g - alpha_g tr_g(H^-1),  alpha_g = (gamma_g + 2 a) / (|theta_g|^2 + 2 b),  beta = (T - gamma) / SSE.

The first step moves only the parameters that enter linearly, which is exact and gives any choice of recurrent weights
its best output weights. At every trial point the linear path is put at its optimum given the units (variable
projection, Golub and Pereyra 1973), which costs no evaluation and lets steps be long along the valleys where units and
linear path cancel. The objective falls all the way, but the evidence, which also counts how sharp the optimum is, need
not rise: a start whose evidence has fallen returns to where it was largest, at once where its objective has come to
rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma, log, pi

import numpy as np

from pararnn_ts.estimation.threads import run_all
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.reviews import review_series
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
    OBJECTIVE,
    PEAK,
    PEAKED,
    RETIRED,
    RUNNING,
    SSE,
    STALLED,
    STATUS,
    STOPPED,
    part_ends,
)

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

# rows, times evaluations, times squared parameters, of all blocks together that take several times as long as a thread
# takes to start, about a millisecond
SHARED = 3e6

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
    review_every : int
        Evaluations between reviews of the starts; the first review retires the weaker half of them.
    """

    penalty: float | None = None
    maxiter: int = 200
    tol: float = 1e-8
    prior: tuple[tuple[float, float], ...] = PRIOR
    patience: int = 4
    review_every: int = 16


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
    """Everything a start carries from one evaluation to the next; starts are columns, in parts of one array."""

    def __init__(self, starts: np.ndarray, options: Options, problem, warm: bool):
        n_starts, n = starts.shape
        ends = part_ends(n, len(options.prior))
        self.whole = np.zeros((ends[-1], n_starts))
        self.theta, self.trial, _, self.alpha, self.table, self.best = np.split(self.whole, ends[1:-1])
        self.theta[:] = self.trial[:] = starts.T
        self.alpha[:] = 1.0 if options.penalty is None else options.penalty
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
        self.table[OBJECTIVE] = np.inf
        self.table[BETA] = 1.0 if options.penalty is not None else 1.0 / problem.variance

    def return_to_peaks(self) -> None:
        """Put starts whose evidence fell on the way back to where it was largest."""
        n, n_groups = len(self.theta), len(self.alpha)
        status, worth = self.table[STATUS], self.table[EVIDENCE] - self.table[DECREMENT]
        rests = (status == CONVERGED) | (status == STOPPED) | (status == STALLED)
        fell = rests & (self.table[PEAK] > worth + LEAD)
        if not fell.any():
            return
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


def minimize(problem, starts: np.ndarray, options: Options, threads: int = 1, warm: bool = False) -> Solutions:
    """
    Minimise the penalised sum of squares from many starts side by side.

    Parameters
    ----------
    problem : object
        Has `group` (int array: prior group of each parameter, -1 for none), `linear` (bool array: parameters that enter
        linearly), `n_projected` (leading parameters of which the Jacobian is independent), `n_obs`, `variance` (of the
        values that are predicted), and ``advance``, see :meth:`pararnn_ts.estimation.problem.Problem.advance`.
    starts : ndarray, (n_starts, n_params)
        Start values.
    options : Options
        Settings.
    threads : int
        Blocks of `LANES` starts run on this many threads. The result does not depend on it.
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

    def run(columns: np.ndarray) -> None:
        problem.advance(options.review_every, state.whole, columns, prior, settings)

    first = True
    while len(running := np.flatnonzero(state.table[STATUS] == RUNNING)):
        blocks = [running[i : i + LANES] for i in range(0, len(running), LANES)]
        if threads > 1 and problem.n_obs * options.review_every * n * n * len(blocks) > SHARED:
            run_all(run, blocks, threads)
        else:
            run(running)
        review_series(state.table, 0, n_starts, first, evidence)
        first = False
    return state.solutions(evidence)


def log_gamma_prior(pairs: Sequence[tuple[float, float]]) -> np.ndarray:
    """
    Shape, rate and log constant of gamma densities of log alpha, including the constant of Laplace's method.

    Parameters
    ----------
    pairs : sequence of (shape, rate)
        A gamma density for each group.

    Returns
    -------
    ndarray, (n_groups, 3)

    Examples
    --------
    >>> from pararnn_ts.estimation.levenberg_marquardt import log_gamma_prior
    >>> log_gamma_prior([(1.0, 1.0)]).round(3)
    array([[1.   , 1.   , 0.919]])
    """
    return np.array([[a, b, a * log(b) - lgamma(a) + 0.5 * log(2.0 * pi)] for a, b in pairs])
