"""
Many series of one model at a time: their problems, and the statistics at their optima.

Where a device fits thousands of series in a second, what is done for each of them one after the other would take
longer than the fits. Here arrays have the series as their first axis. The problems are those of single series to the
bit, the statistics to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pararnn_ts.estimation.curvature import statistics
from pararnn_ts.estimation.errors import ErrorLaw
from pararnn_ts.estimation.estimate import ALL_DIVERGED, NEARLY, Estimate, best_of, make_problem
from pararnn_ts.estimation.identification import canonical_form, distinct_units, log_unit_information
from pararnn_ts.estimation.levenberg_marquardt import CONVERGED, FAILED, PEAKED, RETIRED, Options, Solutions
from pararnn_ts.estimation.problem import Problem, Sample, UnitProblem, difference_series
from pararnn_ts.estimation.racing import is_raced, passed_over, race, resumed, with_odds
from pararnn_ts.estimation.scaling import STRETCH, jacobians, standardise_many
from pararnn_ts.estimation.threads import run_all
from pararnn_ts.specification import Specification

__all__ = ["TOGETHER", "estimate_on_device", "make_problems", "with_passed_over"]

# series that are treated at once: their arrays stay in the cache
TOGETHER = 128


def make_problems(
    specification: Specification,
    samples: Sequence[Sample],
    constant: np.ndarray | None,
    threads: int = 1,
    evidence: bool = True,
) -> list[Problem]:
    """
    Standardise samples of one model and state the least-squares problem for each.

    Parameters
    ----------
    specification : Specification
        The model.
    samples : sequence of Sample
        Those of equal length and without gaps are treated together, the others and long ones one by one.
    constant : ndarray or None
        As in :func:`estimate.make_problem`.
    threads : int
        Threads over the series.
    evidence : bool
        As in :func:`estimate.make_problem`.

    Returns
    -------
    list of Problem
        What :func:`estimate.make_problem` returns for each sample.
    """
    found: list[Problem] = [None] * len(samples)  # type: ignore[list-item]
    alike: dict[int, list[int]] = {}
    for i, sample in enumerate(samples):
        if len(sample.y) <= STRETCH and np.isfinite(sample.y).all():
            alike.setdefault(len(sample.y), []).append(i)
        else:
            found[i] = make_problem(specification, sample, constant, evidence)

    def state(places: list[int]) -> None:
        parts = [samples[i] for i in places]
        y, exog = np.array([s.y for s in parts], dtype=float), np.array([s.exog for s in parts], dtype=float)
        deterministic = np.array([s.deterministic for s in parts], dtype=float)
        scalings = standardise_many(
            specification, difference_series(y, specification.difference)[:, specification.order_of_difference :],
            exog, deterministic, constant, evidence,
        )  # fmt: skip
        for i, problem in zip(places, UnitProblem.many(specification, parts, scalings), strict=True):
            found[i] = problem

    run_all(state, [part for places in alike.values() for part in _parts(places)], threads)
    return found


def _parts(places: list[int]) -> list[list[int]]:
    return [places[i : i + TOGETHER] for i in range(0, len(places), TOGETHER)]


def estimate_on_device(
    problems: Sequence[Problem], starts: Sequence[np.ndarray], options: Options, threads: int, device: str
) -> list[Estimate | ValueError]:
    """
    Fit many series on a CUDA device; see :func:`estimate.estimate_many` for the parameters.

    Statistics at the optima are computed on the processor, from normal equations of the device where all rows have been
    seen by all starts.

    Returns
    -------
    list of Estimate or ValueError
        The error that :func:`estimate.estimate` would raise for a series that cannot be fitted; the others do not
        suffer from it.
    """
    from pararnn_ts.estimation.cuda import on_tiles

    found: list[Estimate | ValueError] = [None] * len(problems)  # type: ignore[list-item]
    long = [i for i, (problem, own) in enumerate(zip(problems, starts, strict=True)) if is_raced(problem, own)]
    for i, solutions in zip(long, _race_all([(problems[i], starts[i]) for i in long], options, device), strict=True):
        try:
            found[i] = best_of(problems[i], solutions, options)
        except ValueError as error:
            found[i] = error
    short = np.setdiff1d(np.arange(len(problems)), long)
    chosen, begin = [problems[i] for i in short], [starts[i] for i in short]
    for tile, fits in on_tiles(chosen, begin, options, device):
        solved = [with_odds(problem, one, options) for problem, one in zip(chosen[tile], fits.minimize(), strict=True)]
        solved = with_passed_over(chosen[tile], solved, options, device)
        ends = estimates(chosen[tile], solved, fits.products, options, threads)
        for i, end in zip(short[tile], ends, strict=True):
            found[i] = end
    return found


def with_passed_over(
    problems: Sequence[Problem], solutions: list[Solutions], options: Options, device: str
) -> list[Solutions]:
    """Let starts that were retired too early go on, see :func:`estimate.passed_over`."""
    from pararnn_ts.estimation.cuda import minimize_many

    again = [passed_over(problem, one, options) for problem, one in zip(problems, solutions, strict=True)]
    places = [i for i, starts in enumerate(again) if len(starts)]
    starts = [solutions[i].params[again[i]] for i in places]
    for i, found in zip(places, minimize_many([problems[i] for i in places], starts, options, device), strict=True):
        solutions[i] = resumed(solutions[i], with_odds(problems[i], found, options), again[i])
    return solutions


def _race_all(entries: list[tuple[Problem, np.ndarray]], options: Options, device: str) -> list[Solutions]:
    """Run the races of several long series stage by stage, those of all series at once."""
    from pararnn_ts.estimation.cuda import minimize_many

    races = [race(problem, starts, options) for problem, starts in entries]
    stages = {i: next(running) for i, running in enumerate(races)}
    ended: list[Solutions] = [None] * len(races)  # type: ignore[list-item]
    while stages:
        now, stages = stages, {}
        for warm in (False, True):
            places = [i for i, stage in now.items() if stage[2] == warm]
            found = minimize_many([now[i][0] for i in places], [now[i][1] for i in places], options, device, warm)
            for i, solutions in zip(places, found, strict=True):
                try:
                    stages[i] = races[i].send(with_odds(now[i][0], solutions, options))
                except StopIteration as end:
                    ended[i] = end.value
    return ended


def estimates(
    problems: Sequence[Problem],
    solutions: Sequence[Solutions],
    products: Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]],
    options: Options,
    threads: int = 1,
) -> list[Estimate | ValueError]:
    """
    Report the best start of each of many series.

    Parameters
    ----------
    problems : sequence of UnitProblem
        Series of any models.
    solutions : sequence of Solutions
        The outcome of their starts, see :func:`estimate.with_odds`.
    products : callable
        Returns the products M'M, M = [Jacobian, residual], at one parameter vector of each problem.
    options : Options
        Of the fits.
    threads : int
        Threads over the series.

    Returns
    -------
    list of Estimate or ValueError
        What :func:`estimate.estimate` reports of each, or the error that it would raise.
    """
    alike: dict[Specification, list[int]] = {}
    for i, problem in enumerate(problems):
        alike.setdefault(problem.specification, []).append(i)
    parts = [part for places in alike.values() for part in _parts(places)]
    best, near = np.empty(len(problems), dtype=int), np.empty(len(problems), dtype=int)
    found: list[Estimate | ValueError] = [ValueError(ALL_DIVERGED) for _ in problems]

    def choose(places: list[int]) -> None:
        best[places], near[places] = _best([problems[i] for i in places], [solutions[i] for i in places], options)

    run_all(choose, parts, threads)
    grams = products([one.params[k] for one, k in zip(solutions, best, strict=True)])

    def report(places: list[int]) -> None:
        places = [i for i in places if near[i]]
        if not places:
            return
        try:
            ends = _reports(
                [problems[i] for i in places], [solutions[i] for i in places], best[places], near[places],
                np.array([grams[i] for i in places]), options,
            )  # fmt: skip
        except ValueError as error:
            if len(places) == 1:
                found[places[0]] = error
            else:
                # it is of one of them only
                for i in places:
                    report([i])
            return
        for i, end in zip(places, ends, strict=True):
            found[i] = end

    run_all(report, parts, threads)
    return found


def _best(
    problems: Sequence[Problem], solutions: Sequence[Solutions], options: Options
) -> tuple[np.ndarray, np.ndarray]:
    """
    Best start of each series, and how many are as good; see `_best` and `_n_near` of :mod:`estimate`.

    Where all starts of a series are lost, none is as good as the best.
    """
    counts = np.array([len(one.status) for one in solutions])
    series, place = np.repeat(np.arange(len(counts)), counts), np.concatenate([np.arange(n) for n in counts])

    def side_by_side(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name) for one in solutions])

    def by_series(values: np.ndarray) -> np.ndarray:
        rows = np.full((len(counts), counts.max()), -np.inf)
        rows[series, place] = values
        return rows

    if options.penalty is None:
        worth = score = side_by_side("log_evidence")
    else:
        worth = score = -side_by_side("objective")
    lost = np.isin(side_by_side("status"), (FAILED, RETIRED)) | ~np.isfinite(score)
    score = by_series(np.where(lost, -np.inf, score))
    best, every = np.argmax(score, axis=1), np.arange(len(counts))
    if options.penalty is not None:
        sse = by_series(side_by_side("sse"))[every, best]
        with np.errstate(over="ignore"):
            worth = worth / np.maximum(sse, 1e-300)[series] * np.array([p.n_obs for p in problems])[series]
    worth = by_series(np.where(np.isfinite(worth), worth, -np.inf))
    near = np.count_nonzero(worth > worth[every, best][:, None] - NEARLY, axis=1)
    return best, np.where(np.isfinite(score[every, best]), near, 0)


def _reports(
    problems: Sequence[Problem],
    solutions: Sequence[Solutions],
    best: np.ndarray,
    near: np.ndarray,
    products: np.ndarray,
    options: Options,
) -> list[Estimate]:
    """Canonical form of optima of one model and their statistics; see `_report` of :mod:`estimate`."""
    spec, evidence = problems[0].specification, options.penalty is None

    def of_best(name: str) -> np.ndarray:
        return np.array([getattr(one, name)[k] for one, k in zip(solutions, best, strict=True)])

    params, alpha, beta, status = of_best("params"), of_best("alpha"), of_best("beta"), of_best("status")
    n_obs, scalings = np.array([problem.n_obs for problem in problems]), [problem.scaling for problem in problems]
    scale = np.array([scaling.scale[0] for scaling in scalings])
    free, products = canonical_form(spec, params, products)
    to_data = jacobians(spec, scalings)
    spread = beta**-0.5
    found = statistics(
        products, problems[0].group, alpha, 1.0 / spread**2 if evidence else None, n_obs, to_data, scale, free
    )  # fmt: skip
    log_evidence = np.full(len(problems), np.nan)
    if evidence:
        patterns, which = np.unique(distinct_units(spec, free, products, beta), axis=0, return_inverse=True)
        symmetry = np.array([problems[0].log_symmetry(list(pattern)) for pattern in patterns])[which.ravel()]
        information = log_unit_information(products, problems[0].group, n_obs)
        log_evidence = of_best("log_evidence") - n_obs * np.log(scale) + symmetry + information
    mean, location = np.array([s.prior_mean for s in scalings]), np.array([s.location() for s in scalings])
    values = np.einsum("sij,sj->si", to_data, free + mean) + location
    converged = (status == CONVERGED) | ((status == PEAKED) & (of_best("decrement") < NEARLY))
    names = [(g, name) for g, name in enumerate(spec.group_names) if g in problems[0].group]
    return [
        Estimate(
            params=values[s], curvature=found[s], log_evidence=float(log_evidence[s]),
            alpha={name: float(alpha[s, g]) for g, name in names}, law=ErrorLaw(np.sqrt(found[s].scale)),
            starts=solutions[s],
            best=int(best[s]), n_best=int(near[s]), converged=bool(converged[s]),
        )
        for s in range(len(problems))
    ]  # fmt: skip
