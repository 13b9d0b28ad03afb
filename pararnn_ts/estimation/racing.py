"""Which of many starts go on: on long samples the best of them on more and more rows, the others retired early."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import fields, replace

import numpy as np

from pararnn_ts.estimation.levenberg_marquardt import FAILED, RETIRED, Options, Solutions
from pararnn_ts.estimation.problem import Problem
from pararnn_ts.kernels.reviews import FEWEST

__all__ = ["is_raced", "passed_over", "race", "resumed", "scores", "with_odds"]

# log prior odds against each unit that can expand, where Laplace's approximation is void; simulated series and parts of
# the shipped ones held out of their training parts chose it among 0, 5, 10, 20, 50 and infinity
EXPANSION_ODDS = 10.0
# rows on which the starts of a long sample are tried first: so many, or so many for each parameter if that is more
FIRST_ROWS = 8192
ROWS_PER_PARAMETER = 100
# a sample is long when it has so many times the first rows; each stage has so many times the rows of the one before
LONG, GROWTH = 2, 4


def with_odds(problem: Problem, solutions: Solutions, options: Options) -> Solutions:
    """
    Subtract from the log evidence of each start the prior odds against units that can expand.

    Starts are compared by the result. To be called once, on what :func:`levenberg_marquardt.minimize` returns.

    Parameters
    ----------
    problem : Problem
        The problem that was minimised.
    solutions : Solutions
        Its solutions.
    options : Options
        With a fixed penalty there is no evidence, and the solutions are returned as they are.

    Returns
    -------
    Solutions
    """
    if options.penalty is not None:
        return solutions
    odds = EXPANSION_ODDS * problem.n_expansive(solutions.params)
    return replace(solutions, log_evidence=solutions.log_evidence - odds)


def scores(solutions: Solutions, options: Options) -> np.ndarray:
    """
    By how much one start is better than another.

    Parameters
    ----------
    solutions : Solutions
        End points of the starts, see :func:`with_odds`.
    options : Options
        With a fixed penalty the objective decides, otherwise the evidence.

    Returns
    -------
    ndarray, (n_starts,)
        Minus infinity for those that did not reach an optimum.
    """
    score = solutions.log_evidence if options.penalty is None else -solutions.objective
    # the evidence of a start that was retired on its way is that of no optimum
    lost = (solutions.status == FAILED) | (solutions.status == RETIRED) | ~np.isfinite(score)
    return np.where(lost, -np.inf, score)


# what a race asks for: a problem, starts of it, and whether they are estimates already
Stage = tuple[Problem, np.ndarray, bool]


def _first_rows(problem: Problem, starts: np.ndarray) -> int:
    """Rows on which the starts are tried first."""
    return max(FIRST_ROWS, ROWS_PER_PARAMETER * starts.shape[1]) + problem.specification.hold_back


def is_raced(problem: Problem, starts: np.ndarray) -> bool:
    """
    Whether a sample is so long that its starts are tried on a part of it first, see :func:`race`.

    Parameters
    ----------
    problem : Problem
        The problem of the sample.
    starts : ndarray, (n_starts, F)
        Start values; a single one is not raced.
    """
    return len(starts) > 1 and LONG * _first_rows(problem, starts) <= len(problem.sample.y)


def race(
    problem: Problem, starts: np.ndarray, options: Options, warm: bool = False
) -> Generator[Stage, Solutions, Solutions]:
    """
    Run the starts; on a long sample first on its beginning, then the best of them on more and more of it.

    The optima of thousands of rows are close to those of millions. So only the best `FEWEST` starts have to see all
    rows, and they begin close to where they end. Starts that were retired too early go on at the end, see
    :func:`passed_over`.

    Parameters
    ----------
    problem : Problem
        The whole sample.
    starts : ndarray, (n_starts, F)
        Start values.
    options : Options
        Penalty and stopping rules.
    warm : bool
        Whether the starts are estimates already.

    Yields
    ------
    tuple
        Problem, starts, and whether they are estimates. The caller minimises it and sends back the solutions, see
        :func:`with_odds`; so it decides where the starts run.

    Returns
    -------
    Solutions
        End points of all starts.
    """
    rows, raced = _first_rows(problem, starts), is_raced(problem, starts)
    solutions, kept = None, np.arange(len(starts))
    while raced and LONG * rows <= len(problem.sample.y):
        part = problem.head(rows)
        rows *= GROWTH
        if part.n_obs < part.specification.n_params:
            continue
        begin = starts[kept] if solutions is None else solutions.params[kept]
        found = yield part, begin, solutions is not None
        score = scores(found, options)
        order = np.argsort(-score, kind="stable")[:FEWEST]
        order = order[np.isfinite(score[order])]
        solutions = found if solutions is None else _merged(solutions, found, kept)
        if not len(order):
            return (yield problem, starts, False)
        kept = kept[order]
    if solutions is None:
        solutions = yield problem, starts, warm
    else:
        solutions = _merged(solutions, (yield problem, solutions.params[kept], True), kept)
    again = passed_over(problem, solutions, options)
    if len(again):
        solutions = resumed(solutions, (yield problem, solutions.params[again], False), again)
    return solutions


def passed_over(problem: Problem, solutions: Solutions, options: Options) -> np.ndarray:
    """
    Starts that were retired with fewer units that can expand than the best start has.

    While starts run they are compared by their evidence alone, without the odds against units that can expand; in
    `solutions` these odds count, see :func:`with_odds`.

    Parameters
    ----------
    problem : Problem
        The problem that was minimised.
    solutions : Solutions
        End points of all starts.
    options : Options
        With a fixed penalty no start is passed over.

    Returns
    -------
    ndarray of int
        Starts that should go on.
    """
    if options.penalty is not None or not (solutions.status == RETIRED).any():
        return np.empty(0, dtype=int)
    expansive = problem.n_expansive(solutions.params)
    best = np.argmax(scores(solutions, options))
    # those of an earlier stage have no evidence: they were far from the best on rows where all began
    retired = (solutions.status == RETIRED) & np.isfinite(solutions.log_evidence)
    return np.flatnonzero(retired & (expansive < expansive[best]))


def resumed(before: Solutions, found: Solutions, again: np.ndarray) -> Solutions:
    """
    Replace solutions by those of starts that went on.

    Parameters
    ----------
    before : Solutions
        Solutions of all starts.
    found : Solutions
        New solutions of some of them; evaluations are added to those before.
    again : ndarray of int
        Which starts these are.

    Returns
    -------
    Solutions
        Of all starts.
    """
    joined = {}
    for field in fields(Solutions):
        values, new = getattr(before, field.name).copy(), getattr(found, field.name)
        values[again] = new + values[again] if field.name == "iterations" else new
        joined[field.name] = values
    return Solutions(**joined)


def _merged(before: Solutions, found: Solutions, kept: np.ndarray) -> Solutions:
    """Solutions of all starts after those in `kept` went on; what the others were worth cannot be compared."""
    known = ("params", "status", "iterations")
    unknown = {
        field.name: np.full_like(getattr(before, field.name), np.nan)
        for field in fields(Solutions)
        if field.name not in known
    }
    status = np.where(before.status == FAILED, FAILED, RETIRED)
    return resumed(replace(before, status=status, **unknown), found, kept)
