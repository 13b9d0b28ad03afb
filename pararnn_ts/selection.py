"""Choice of the order of a ParaRNN: differencing, lags, direct lags, number and dimension of units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any, Unpack

import numpy as np
import pandas as pd

from pararnn_ts.averaging import SMALLEST_SHARE, Average, log_weights, multiplicity
from pararnn_ts.forms import Form, Grid, other_forms, worth_modelling
from pararnn_ts.kernels.cuda.target import check_device
from pararnn_ts.models.arguments import (
    MOST_DRAWS,
    MOST_STEPS,
    check_choice,
    check_count,
    check_flag,
    check_generator,
    given,
)
from pararnn_ts.models.differencing import MOST_DIFFERENCES
from pararnn_ts.models.options import SeriesOptions
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.models.recurrent import ERRORS
from pararnn_ts.search import Candidate, FittedCandidate, Search, information_criteria, is_better_law

__all__ = ["Candidate", "Selection", "select_order"]

CRITERIA = ("evidence", "aic", "bic", "cv")
# what the search decides, and the arguments that say how far it goes
DECIDED = {"lags": "max_lags", "linear_lags": "max_linear_lags", "units": "max_units and unit_dims"}
# numbers of direct lags tried with every choice of units; those between are tried with the best choices only
COARSE = (0, 2, 4, 8, 12)
# choices of units and lags that are refined
REFINED = 3
# candidates whose log weight in the average is less than the largest by no more than this are plausible
PLAUSIBLE = 0.5
# most evaluations of the chosen candidate, which has a single start
EVALUATIONS = 1000
# mean squared difference of fitted values, as a share of the variance of the shocks, that makes two candidates the same
SAME = 1e-3


class Selection:
    """
    Outcome of :func:`select_order`.

    Attributes
    ----------
    table : DataFrame
        A row for each candidate, best first: diff, seasonal_diff, seasonal, linear_lags, lags, units, errors,
        log_evidence, aic, bic, cv where it was asked for, effective number of parameters, scale (variance of the
        shocks), converged, chosen.
    criterion : str
        Criterion by which the rows are ordered.
    best : Candidate
        The chosen candidate. Often several candidates have about the same weight in `average` as the first; then the
        one whose fitted values are closest to those of `average` is chosen, the best single model for prediction
        (Barbieri and Berger 2004, "Optimal predictive model selection", Annals of Statistics 32). With criterion "cv"
        it is the first.
    model : ParaRNN
        The chosen candidate, not fitted, on the rows on which all were compared.
    results : RecurrentResultsWrapper
        The chosen candidate, fitted until it has converged.
    notes : list of str
        What was asked for but left out for lack of observations.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> selection = prt.select_order(prt.datasets.load_nile(), max_lags=1, max_linear_lags=1, max_units=1, n_starts=2)
    >>> int(selection.table["chosen"].sum()), selection.model.units == selection.results.model.units
    (1, True)
    """

    def __init__(self, fitted: dict[Candidate, FittedCandidate], criterion: str, notes: Sequence[str]):
        self.criterion = criterion
        self.notes = list(notes)
        self._fitted = dict(sorted(fitted.items(), key=lambda item: -item[1].score))
        self.best = _representative(self._fitted, criterion)
        self.table = _table(self._fitted, self.best, criterion)

    @cached_property
    def model(self) -> ParaRNN:
        """The chosen candidate, not fitted, on the rows on which the candidates were compared."""
        held = self._fitted[self.best].model
        return held.clone_with(*_sample_of(held))

    @cached_property
    def results(self) -> Any:
        """The chosen candidate, fitted from where the search left it until it has converged."""
        return self.model.fit(start_params=self._fitted[self.best].found.params, maxiter=EVALUATIONS)

    def average(self) -> Average:
        """
        Combine the candidates, each weighted by its evidence.

        Returns
        -------
        Average
            With `append`, `fittedvalues`, `forecast`, `get_forecast` and `save`. The evidence is tempered, and
            observations that are appended update the weights further.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> nile = prt.datasets.load_nile()
        >>> average = prt.select_order(nile, max_lags=1, max_linear_lags=1, max_units=1, n_starts=2).average()
        >>> len(average.fittedvalues), len(average.forecast(5))
        (100, 5)
        """
        members, labels, evidence, prior = [], [], [], []
        log_prior, score = _weights(self._fitted, [one.found.log_evidence for one in self._fitted.values()])
        for place, (candidate, one) in enumerate(self._fitted.items()):
            # the average would leave the others out
            if score[place] > np.log(SMALLEST_SHARE):
                origin = ["search"] * len(one.found.starts.sse)
                details = one.model._details(one.found, origin, "evidence")
                members.append(one.model._results(one.found.params, details))
                labels.append(candidate.label)
                evidence.append(one.found.log_evidence)
                prior.append(log_prior[place])
        return Average(members, labels, evidence, log_prior=prior)

    def __repr__(self) -> str:
        return f"<Selection by {self.criterion} from {len(self.table)} candidates: {self.best.label}>"


def select_order(
    endog: Any,
    exog: Any = None,
    *,
    max_lags: int = 3,
    max_linear_lags: int = 12,
    max_diff: int = 1,
    find_season: bool = True,
    seasonal_lags: int | Iterable[int] = (),
    max_units: int = 3,
    unit_dims: int | Sequence[int] = (1, 2),
    activation: str = "tanh",
    errors: str | Sequence[str] = ERRORS,
    criterion: str = "evidence",
    n_starts: int = 8,
    hold_back: int | None = None,
    rng: int | np.random.Generator | None = 0,
    device: str = "cpu",
    progress: bool = False,
    **series: Unpack[SeriesOptions],
) -> Selection:
    """
    Choose differencing, season, lags, direct lags and units of a ParaRNN.

    The linear model without units is always among the candidates.

    Parameters
    ----------
    endog, exog
        As in `ParaRNN`.
    max_lags : int
        Largest lag that feeds the units: lags 1 to m are tried for m up to this.
    max_linear_lags : int
        Largest number of direct lags, those that enter linearly.
    max_diff : int
        Highest order of differencing to try, where `diff` is zero and there are no exogenous values; 0: none.
    find_season : bool
        Whether to try direct lags of the season, seasonal dummies and a seasonal difference, where `period` is given or
        the index tells it (at most 60), neither `seasonal` nor `seasonal_diff` nor `deterministic` is given and there
        are no exogenous values.
    seasonal_lags : int or iterable of int
        Further direct lags of every candidate; some candidates feed them to the units, too.
    max_units : int
        Largest number of units.
    unit_dims : int or sequence of int
        Dimensions that units may have.
    activation : str
        Activation function of the units.
    errors : {"normal", "t"} or sequence of these
        Distributions of the shocks to try.
    criterion : {"evidence", "aic", "bic", "cv"}
        Log evidence; an information criterion with the effective number of parameters; or the squared one-step error
        over the last fifth of the sample, with parameters estimated on the first four fifths.
    n_starts : int
        Number of starts for each candidate.
    hold_back : int, optional
        Number of rows at the start that no candidate predicts, if more than lags and differencing need.
    rng : None, int or Generator
        Source of the random starts.
    device : {"cpu", "cuda", "cuda:float32"}
        Where to run the starts, see `ParaRNN.fit`; on a device, all candidates of a stage of the search at once.
    progress : bool
        Whether to show a progress bar.
    **series
        Further options of the model, such as `trend`, `diff`, `dates` or `freq`.

    Returns
    -------
    Selection
        With `table`, `model`, `results` and `average()`.

    Notes
    -----
    All candidates are compared on the same rows. Models without units decide whether the series is differenced and how
    its season is modelled: candidates of the best two kinds go on, none of them worse than the series as it is given.
    Where one way of modelling the season has clearly predicted best, having learned from all rows that it can, the
    others are left out before, and the rows are those that it can predict.
    Every choice of units and lags is fitted with 0, 2, 4, 8 and 12 direct lags and with the number that is best without
    units; then the best three choices with every number of direct lags. Where residuals have outliers, the most
    promising candidates are also fitted with Student-t errors. A difference counts as one of the direct lags. Given the
    past, a series and its differences have the same density, so that their evidences can be compared.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> sel = prt.select_order(prt.datasets.load_lynx(), max_lags=1, max_linear_lags=2, max_units=1, n_starts=2)
    >>> sel.table.shape[0], sel.results.converged
    (9, True)
    """
    for name in DECIDED.keys() & series.keys():
        raise TypeError(f"select_order chooses {name} itself; leave it out, or pass {DECIDED[name]}.")
    laws = _check_errors(errors)
    check_device(device)
    check_choice(criterion, "criterion", CRITERIA)
    progress, find_season = check_flag(progress, "progress"), check_flag(find_season, "find_season")
    seasonal, dims = _numbers(seasonal_lags, "seasonal_lags"), _numbers(unit_dims, "unit_dims")
    counts = {"max_lags": max_lags, "max_linear_lags": max_linear_lags, "max_units": max_units}
    n_lags, n_linear, n_units = (check_count(value, name, 0) for name, value in counts.items())
    n_starts = check_count(n_starts, "n_starts", most=MOST_DRAWS)
    n_differences = check_count(max_diff, "max_diff", 0, MOST_DIFFERENCES)
    least = 0 if hold_back is None else check_count(hold_back, "hold_back", 0)
    generator = check_generator(rng)
    base = ParaRNN(endog, exog, lags=0, units=(), activation=activation, linear_lags=0, **series)
    base.require_representable()
    base.require_sample(8)
    observed = int(np.isfinite(base._y).sum())
    notes = []
    longest = max(1, (observed - 10) // 4)
    if max(n_linear, n_lags) > longest:
        n_linear, n_lags = min(n_linear, longest), min(n_lags, longest)
        notes.append(f"{observed} observations allow no more than {longest} {'lag' if longest == 1 else 'lags'}")
    grid = Grid(base.diff, n_linear, n_lags, seasonal)
    reach = grid.reach(Form.of(base), base)
    held = max(reach, least)
    if observed - held < 10:
        tight = f"endog has {observed} observations, but the candidates need at least {held + 10}"
        advice = f"; leave out the longest of seasonal_lags={seasonal}." if seasonal else "; pass a longer series."
        raise ValueError(tight + (f"; choose a smaller hold_back than {held}." if least > reach else advice))
    sample = endog, series
    others = other_forms(base, n_differences, find_season)
    forms, compared = worth_modelling(base, others, grid, held, criterion, sample)
    held = grid.held(forms, held)
    known = compared.fitted if compared is not None and compared.hold_back == held else {}
    bases = {form.kind: model for form, model in forms.items()}
    search = Search(bases, held, criterion, n_starts, generator, device, progress, known)
    linear = {form.kind: grid.linear_models(form) for form in forms}
    search.stage([candidate for candidates in linear.values() for candidate in candidates], "linear models")
    fitted = search.fitted
    coarse = []
    for candidates in linear.values():
        favourite = max(candidates, key=lambda candidate: fitted[candidate].score)
        coarse += [candidates[p] for p in COARSE if p < len(candidates)] + [favourite]
    combinations = [c for n in range(1, n_units + 1) for c in combinations_with_replacement(dims, n)]
    feeds = [tuple(range(1, m + 1)) for m in range(0 if base.exog_labels and not n_lags else 1, n_lags + 1)]
    choices = [(lags, units) for lags in feeds for units in combinations]
    if seasonal:
        small = [units for units in combinations if len(units) == 1 or units == (1, 1)]
        choices += [(tuple(sorted({*lags, *seasonal})), units) for lags in feeds[:2] for units in small]
    search.stage([replace(one, lags=lags, units=units) for lags, units in choices for one in coarse], "units")
    ranked = sorted((c for c in fitted if c.units), key=lambda candidate: -fitted[candidate].score)
    best = list(dict.fromkeys((c.kind, c.lags, c.units) for c in ranked))[:REFINED]
    refined = [replace(one, lags=lags, units=units) for kind, lags, units in best for one in linear[kind]]
    search.stage(refined, "direct lags")
    if "t" in laws:
        search.with_outliers(all_of_them="normal" not in laws)
        fitted = _better_law(fitted, laws)
    return Selection(fitted, criterion, notes)


def _better_law(fitted: dict[Candidate, FittedCandidate], laws: Sequence[str]) -> dict[Candidate, FittedCandidate]:
    """Keep each choice of lags and units with the better of its laws."""
    kept: dict[Candidate, FittedCandidate] = {}
    for candidate, one in fitted.items():
        if candidate.errors not in laws:
            continue
        rival = replace(candidate, errors="normal")
        if rival not in kept:
            kept[candidate] = one
        elif is_better_law(one, kept[rival]):
            del kept[rival]
            kept[candidate] = one
    return kept


def _representative(ranked: dict[Candidate, FittedCandidate], criterion: str) -> Candidate:
    """Plausible candidate whose fitted values are closest to those of the average of all."""
    best = next(iter(ranked))
    if criterion == "cv":
        return best
    # information criteria are twice a log likelihood
    nats = np.array([one.score for one in ranked.values()]) * (1.0 if criterion == "evidence" else 0.5)
    nats -= nats[0]
    _, score = _weights(ranked, nats)
    # candidates that the average leaves out cannot represent it
    kept = np.flatnonzero(score > np.log(SMALLEST_SHARE))
    weight = np.exp(score)
    candidates = list(ranked)
    first = ranked[best].model.specification.hold_back
    runs = (ranked[candidates[i]] for i in kept)
    fitted = np.array([one.model.path(one.found.params).fitted[first:] for one in runs])
    average = weight[kept] @ fitted / weight[kept].sum()
    # by their weights and not by their evidence alone, or the many candidates with most units would win by their number
    plausible = score[kept] >= -PLAUSIBLE
    distance = np.where(plausible, np.mean((fitted - average) ** 2, axis=1), np.inf)
    # units at zero make copies of smaller models: the smallest will do
    copies = kept[distance <= distance.min() + SAME * ranked[best].found.curvature.scale]
    return min((candidates[i] for i in copies), key=lambda c: ranked[c].model.specification.n_params)


def _weights(ranked: dict[Candidate, FittedCandidate], nats: Any) -> tuple[np.ndarray, np.ndarray]:
    """Log prior of candidates, by which no number of units has an advantage, and log weights in their average."""
    log_prior = multiplicity([len(candidate.units) for candidate in ranked])
    n_obs = int(next(iter(ranked.values())).model.used.sum())
    return log_prior, log_weights(np.asarray(nats, dtype=float), log_prior, n_obs)


def _sample_of(model: ParaRNN) -> tuple[Any, Any]:
    """Series and exogenous values of a model, in the form that `clone_with` takes."""
    if not model.is_pandas:
        return model._y, model._x
    exog = None if model._x is None else pd.DataFrame(model._x, model.index, columns=model.exog_labels)
    return pd.Series(model._y, model.index, name=model.endog_name), exog


def _check_errors(errors: Any) -> tuple[str, ...]:
    laws = list(errors) if isinstance(errors, Iterable) and not isinstance(errors, str) else [errors]
    if not laws or not all(isinstance(law, str) and law in ERRORS for law in laws):
        raise ValueError(f"errors must be one or more of {', '.join(map(repr, ERRORS))}, but is {given(errors)}.")
    return tuple(laws)


def _numbers(values: Any, name: str) -> tuple[int, ...]:
    """Different positive integers in order, from some of them or from a single one."""
    several = isinstance(values, Iterable) and not isinstance(values, (str, bytes))
    try:
        numbers = [check_count(value, name, most=MOST_STEPS) for value in (values if several else [values])]
    except (TypeError, ValueError) as error:
        wanted = f"{name} must be a positive integer or different positive integers of at most {MOST_STEPS:,}"
        raise type(error)(f"{wanted}, but is {given(values)}.") from None
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name} must be different positive integers, but is {given(values)}.")
    return tuple(sorted(numbers))


def _table(fitted: dict[Candidate, FittedCandidate], chosen: Candidate, criterion: str) -> pd.DataFrame:
    rows = []
    for candidate, one in fitted.items():
        aic, bic = information_criteria(one.model, one.found)
        row = {
            "diff": candidate.diff,
            "seasonal_diff": candidate.seasonal_diff,
            "seasonal": candidate.seasonal,
            "linear_lags": candidate.linear_lags,
            "lags": candidate.lags,
            "units": candidate.units,
            "errors": candidate.errors,
            "log_evidence": one.found.log_evidence,
            "aic": aic,
            "bic": bic,
            "effective": one.found.curvature.effective,
            "scale": one.found.curvature.scale,
            "converged": one.found.converged,
        }
        row["chosen"] = candidate == chosen
        if criterion == "cv":
            row["cv"] = -one.score
        rows.append(row)
    return pd.DataFrame(rows)
