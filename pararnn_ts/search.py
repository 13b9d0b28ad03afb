"""The candidates of a selection and their fits, by threads or a stage at once on a device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.errors import concentrated_loglike, student_gain
from pararnn_ts.estimation.estimate import (
    Estimate,
    estimate,
    estimate_many,
    estimate_student,
    make_problem,
    n_threads,
)
from pararnn_ts.estimation.levenberg_marquardt import LEAD, Options
from pararnn_ts.estimation.problem import Problem, Sample
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.models.starting import arma_blocks, start_values
from pararnn_ts.progress import progress_bar
from pararnn_ts.specification import UnitWeights, lags_in_words

__all__ = ["Candidate", "FittedCandidate", "Search", "information_criteria", "is_better_law"]

# candidates that are fitted with Student-t errors, too, where residuals have outliers
STUDENTS = 40
# of these so many at a time, the most promising first, until none of so many is better for it
PARTY = 8
# degrees of freedom below which shocks have no third moment; of values that repeat the normal law is kept instead
HEAVIEST = 3.0
# values repeat where fewer of them are distinct, as a share
DISTINCT = 0.5
# a candidate needs to be compared, not polished; a linear one is polished at no cost
OPTIONS, SETTLED = Options(maxiter=60, tol=1e-7), Options()
# share of the sample that criterion "cv" predicts
HELD_OUT = 0.2


@dataclass(frozen=True)
class Candidate:
    """
    One model of the search.

    Parameters
    ----------
    linear_lags, lags : tuple of int
        Lags that enter linearly, and lags that feed the units.
    units : tuple of int
        Dimension of each unit; none for a linear model.
    errors : {"normal", "t"}
        Distribution of the shocks.
    diff, seasonal_diff : int
        Orders of differencing.
    seasonal : bool
        Whether there are seasonal dummies.
    """

    linear_lags: tuple[int, ...]
    lags: tuple[int, ...]
    units: tuple[int, ...]
    errors: str = "normal"
    diff: int = 0
    seasonal_diff: int = 0
    seasonal: bool = False

    @property
    def kind(self) -> tuple[int, int, bool]:
        """What is done to the series before lags are taken."""
        return self.diff, self.seasonal_diff, self.seasonal

    @property
    def label(self) -> str:
        """Short description."""
        units = "no units"
        if self.units:
            units = f"units {','.join(map(str, self.units))} on lags {lags_in_words(self.lags)}"
        linear = f"linear lags {lags_in_words(self.linear_lags)}"
        parts = [f"diff {self.diff}"] if self.diff else []
        parts += [f"seasonal diff {self.seasonal_diff}"] if self.seasonal_diff else []
        parts += ["seasonal dummies"] if self.seasonal else []
        return "; ".join([*parts, linear, units] + (["t errors"] if self.errors == "t" else []))


@dataclass(frozen=True)
class FittedCandidate:
    """
    A candidate after its fit.

    Parameters
    ----------
    model : ParaRNN
        The model.
    found : Estimate
        What the optimiser found.
    score : float
        Criterion, larger is better.
    starts : ndarray
        Start values.
    """

    model: ParaRNN
    found: Estimate
    score: float
    starts: np.ndarray


class _Prepared(NamedTuple):
    """A candidate that is ready to be fitted."""

    candidate: Candidate
    model: ParaRNN
    problem: Problem
    starts: np.ndarray


# a candidate, and the source of its random starts
_Job = tuple[Candidate, np.random.Generator]


@dataclass
class Search:
    """
    Fits candidates on the same rows, each of them once.

    Parameters
    ----------
    bases : dict of ParaRNN
        For each kind of candidate, a model of the series with the options that these candidates share.
    hold_back : int
        Rows at the start that no candidate predicts.
    criterion : str
        By which candidates are scored.
    n_starts : int
        Starts of each candidate with units.
    rng : Generator
        Source of the random starts.
    device : str
        Where the starts run; on a device those of all candidates of a stage at once.
    progress : bool
        Whether to show a progress bar.
    known : dict
        Fits of candidates on the same rows that need not be repeated.

    Attributes
    ----------
    fitted : dict
        What was found, by candidate.
    """

    bases: dict[tuple[int, int, bool], ParaRNN]
    hold_back: int
    criterion: str
    n_starts: int
    rng: np.random.Generator
    device: str = "cpu"
    progress: bool = False
    known: dict[Candidate, FittedCandidate] = field(default_factory=dict)
    fitted: dict[Candidate, FittedCandidate] = field(default_factory=dict)
    _images: dict[tuple, tuple[UnitWeights, ...]] = field(default_factory=dict)

    def stage(self, candidates: list[Candidate], what: str) -> None:
        """Fit those of the candidates that are not fitted yet; `what` they are is for the progress bar."""
        missing = [candidate for candidate in dict.fromkeys(candidates) if candidate not in self.fitted]
        # each has its own source of randomness, wherever it is fitted
        jobs = [job for job in zip(missing, self.rng.spawn(len(missing)), strict=True) if job[0] not in self.known]
        self.fitted |= {candidate: self.known[candidate] for candidate in missing if candidate in self.known}
        if self.device == "cpu":
            self._run(self._fit, [jobs], what, len(jobs))
        else:
            self._fit_on_device(jobs)

    def with_outliers(self, all_of_them: bool) -> None:
        """Fit candidates with Student-t errors, too: all of them, or those whose residuals have outliers."""
        what, known = "Student-t errors", list(self.fitted)
        if all_of_them:
            self._run(self._fit_robustly, [known], what, len(known))
        else:
            promising = _with_outliers(self.fitted)
            self._run(self._fit_robustly, self._parties(promising), what, len(promising))

    def _parties(self, promising: list[Candidate]) -> Iterator[list[Candidate]]:
        """A few candidates at a time, while Student's law is the better one for some of the last few."""
        for place in range(0, len(promising), PARTY):
            party = promising[place : place + PARTY]
            yield party
            if not any(is_better_law(self.fitted[_robust(one)], self.fitted[one]) for one in party):
                break

    def _run(self, work: Callable, parties: Iterable[list], what: str, total: int) -> None:
        bar = progress_bar(total, what, self.progress)
        with one_blas_thread(), ThreadPoolExecutor(n_threads()) as pool, bar as done:
            for party in parties:
                for candidate, one in pool.map(work, party):
                    self.fitted[candidate] = one
                    done(1)

    def _model(self, candidate: Candidate) -> ParaRNN:
        return self.bases[candidate.kind].restructured(
            units=candidate.units,
            lags=list(candidate.lags),
            linear_lags=list(candidate.linear_lags),
            hold_back=self.hold_back,
            errors=candidate.errors,
        )

    def _prepare(self, job: _Job) -> _Prepared:
        candidate, own = job
        model = self._model(candidate)
        problem = model._problem()
        kind = candidate.kind, candidate.lags[:1], sum(candidate.units)
        if kind not in self._images:
            self._images[kind] = arma_blocks(problem)
        starts, _ = start_values(problem, self.n_starts if candidate.units else 1, own, self._images[kind])
        return _Prepared(candidate, model, problem, starts)

    def _finish(self, one: _Prepared, found: Estimate, early: Estimate | None) -> tuple[Candidate, FittedCandidate]:
        score = _score(one.model, found, self.criterion, early)
        return one.candidate, FittedCandidate(one.model, found, score, one.starts)

    def _fit(self, job: _Job) -> tuple[Candidate, FittedCandidate]:
        one = self._prepare(job)
        options = _options(one.candidate)
        early = estimate(_before_held_out(one.model), one.starts, options) if self.criterion == "cv" else None
        return self._finish(one, estimate(one.problem, one.starts, options), early)

    def _fit_on_device(self, jobs: list[_Job]) -> None:
        with one_blas_thread():
            ready = [self._prepare(job) for job in jobs]
            starts = [one.starts for one in ready]
            # the candidates of a stage all have units, or none has
            options = _options(ready[0].candidate) if ready else OPTIONS
            found = estimate_many([one.problem for one in ready], starts, options, n_threads(), self.device)
            early: list[Any] = [None] * len(ready)
            if self.criterion == "cv":
                parts = [_before_held_out(one.model) for one in ready]
                early = list(estimate_many(parts, starts, options, n_threads(), self.device))
            self.fitted.update(map(self._finish, ready, found, early))

    def _fit_robustly(self, candidate: Candidate) -> tuple[Candidate, FittedCandidate]:
        before, candidate = self.fitted[candidate], _robust(candidate)
        model = self._model(candidate)
        problem = model._problem()
        prepared = _Prepared(candidate, model, problem, before.starts)
        early = None
        if self.criterion == "cv":
            early = estimate(_before_held_out(model), before.starts, OPTIONS, errors="t")
        found = estimate_student(problem, before.found.starts, before.found.best, OPTIONS)
        fitted = self._finish(prepared, found, early)
        if found.converged or not _values_repeat(model) or not is_better_law(fitted[1], before):
            return fitted
        # a law that has not settled may be on its way to tails that are too heavy
        settled = estimate_student(problem, before.found.starts, before.found.best, SETTLED)
        return self._finish(prepared, settled, early) if settled.law.dof <= HEAVIEST else fitted


def information_criteria(model: ParaRNN, found: Estimate) -> tuple[float, float]:
    """
    AIC and BIC of a fitted candidate, the same as those of its results.

    Parameters
    ----------
    model : ParaRNN
        The candidate.
    found : Estimate
        Its fit.

    Returns
    -------
    aic, bic : float
        With the effective number of parameters, plus those of the distribution of the shocks.
    """
    n = int(model.used.sum())
    if found.law.is_normal:
        variance = found.curvature.scale * max(n - found.curvature.effective, 1.0) / n
        minus_two_llf = n * (np.log(2.0 * np.pi * max(variance, 1e-300)) + 1.0)
        k = found.curvature.effective + 1.0
    else:
        resid = (model._y - model.path(found.params).fitted)[model.used]
        minus_two_llf = -2.0 * concentrated_loglike(resid, None, found.law)
        k = found.curvature.effective + 2.0
    return minus_two_llf + 2.0 * k, minus_two_llf + np.log(n) * k


def _held_out(model: ParaRNN) -> np.ndarray:
    """Rows that criterion "cv" predicts."""
    rows = np.flatnonzero(model.used)
    return rows[len(rows) - max(1, int(HELD_OUT * len(rows))) :]


def _before_held_out(model: ParaRNN) -> Problem:
    """Problem of the rows before those that criterion "cv" predicts."""
    weight = model.used.astype(float)
    weight[_held_out(model)] = 0.0
    sample = Sample(model._with_history(model._y), model._exog, model._det, weight)
    return make_problem(model.specification, sample, model.constant_weights)


def _score(model: ParaRNN, found: Estimate, criterion: str, early: Estimate | None) -> float:
    """Criterion, larger is better; `early`: the fit to the rows before those that "cv" predicts."""
    if criterion == "evidence":
        return found.log_evidence
    if early is None:
        return -information_criteria(model, found)[criterion == "bic"]
    return -float(np.mean((model._y - model.path(early.params).fitted)[_held_out(model)] ** 2))


def _options(candidate: Candidate) -> Options:
    return OPTIONS if candidate.units else SETTLED


def _robust(candidate: Candidate) -> Candidate:
    return replace(candidate, errors="t")


def is_better_law(robust: FittedCandidate, normal: FittedCandidate) -> bool:
    """
    Tell whether Student's law is to be kept for a candidate, and not the normal one.

    Where values repeat, as counts do, tails can seem heavy because the law has narrowed to the values that repeat.
    """
    if robust.found.law.dof <= HEAVIEST and _values_repeat(robust.model):
        return False
    return robust.score > normal.score


def _values_repeat(model: ParaRNN) -> bool:
    """Whether the series has few distinct values, so that it has no density."""
    values = model._y[np.isfinite(model._y)]
    return len(np.unique(values)) < DISTINCT * len(values)


def _with_outliers(fitted: dict[Candidate, FittedCandidate]) -> list[Candidate]:
    """Candidates worth a fit with Student-t errors: those whose evidence may come to be the largest."""
    promise = {}
    for candidate, one in fitted.items():
        resid = one.model._y - one.model.path(one.found.params).fitted
        gain = student_gain(resid[one.model.used])
        # without outliers Student's law costs more than it explains
        if gain > LEAD:
            promise[candidate] = one.found.log_evidence + gain
    return sorted(promise, key=lambda candidate: -promise[candidate])[:STUDENTS]
