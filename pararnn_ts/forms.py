"""Forms in which a series may be modelled: as it is, differenced, with direct lags of its season, or with dummies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from pararnn_ts._compat import unheard_warnings
from pararnn_ts.estimation.regression import log_predictive_density
from pararnn_ts.models.deterministics import infer_period
from pararnn_ts.models.options import SeriesOptions
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.search import Candidate, Search

__all__ = ["Form", "Grid", "other_forms", "worth_modelling"]

# longest season whose forms are tried: each of its dummies is a parameter
LONGEST_SEASON = 60
# kinds of differences and dummies that are searched
MOST_KINDS = 2
# log odds from which on one way of modelling the season is clearly better
CLEAR = float(np.log(20.0))
# rows at the end of a long series that decide about the season
MOST_ROWS = 10_000


class Form(NamedTuple):
    """
    What is done to a series before units see it.

    Parameters
    ----------
    diff, seasonal_diff : int
        Orders of differencing.
    seasonal : bool
        Whether there are seasonal dummies.
    season : tuple of int
        Direct lags of the season, which every candidate of this form has.

    Examples
    --------
    >>> from pararnn_ts.forms import Form
    >>> Form(diff=1).kind
    (1, 0, False)
    """

    diff: int = 0
    seasonal_diff: int = 0
    seasonal: bool = False
    season: tuple[int, ...] = ()

    @classmethod
    def of(cls, model: ParaRNN) -> Form:
        """Form in which a model takes the series."""
        return cls(model.diff, model.seasonal_diff, model.seasonal)

    @property
    def kind(self) -> tuple[int, int, bool]:
        """What the model needs to know; direct lags are those of the candidate."""
        return self[:3]


class Grid(NamedTuple):
    """
    How far a search goes.

    Parameters
    ----------
    diff : int
        Order of differencing that is given.
    n_linear, n_lags : int
        Most direct lags and most lags that feed the units.
    seasonal_lags : tuple of int
        Further direct lags of every candidate.

    Examples
    --------
    >>> from pararnn_ts.forms import Form, Grid
    >>> [candidate.linear_lags for candidate in Grid(0, 2, 1, ()).linear_models(Form(season=(4,)))]
    [(4,), (1, 4), (1, 2, 4)]
    """

    diff: int
    n_linear: int
    n_lags: int
    seasonal_lags: tuple[int, ...]

    def linear_models(self, form: Form) -> list[Candidate]:
        """Models without units, by their number of direct lags; a difference more than given is one of these."""
        most = max(self.n_linear - (form.diff - self.diff), 0)
        lags = [tuple(sorted({*range(1, p + 1), *self.seasonal_lags, *form.season})) for p in range(most + 1)]
        return [Candidate(direct, (), (), "normal", *form.kind) for direct in lags]

    def reach(self, form: Form, base: ParaRNN) -> int:
        """Rows before the first that all candidates of a form predict; `base`: a model with its differences."""
        longest = (lag for candidate in self.linear_models(form) for lag in candidate.linear_lags)
        return max([self.n_lags, *longest]) + len(base.difference) - 1

    def held(self, models: Mapping[Form, ParaRNN], least: int) -> int:
        """Rows before the first that all candidates of some forms predict, `least` of them or more."""
        return max([least, *(self.reach(form, model) for form, model in models.items())])


def other_forms(base: ParaRNN, n_differences: int, find_season: bool) -> Iterator[Form]:
    """
    Forms that nobody has settled, beside the one of `base`; simple ones first.

    Parameters
    ----------
    base : ParaRNN
        Model of the series as it is given.
    n_differences : int
        Most differences.
    find_season : bool
        Whether seasonal forms are among them.

    Yields
    ------
    Form
        Differences, where `base` has none; each with direct lags of the season, with dummies and with a seasonal
        difference, where the length of the season is known and `base` has none of these. A regression on exogenous
        values would be another one after such changes, and has no other forms.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from pararnn_ts.forms import other_forms
    >>> len(list(other_forms(prt.ParaRNN(prt.datasets.load_nile()), 1, True)))  # years have no season
    1
    >>> len(list(other_forms(prt.ParaRNN(prt.datasets.load_nino()), 1, True)))
    7
    """
    if base.exog_labels:
        return
    given = Form.of(base)
    diffs = range(n_differences + 1) if base.diff == 0 else [base.diff]
    seasons = [given]
    settled = base.seasonal or base.seasonal_diff or base.deterministic is not None
    period = _period(base)
    if find_season and not settled and period is not None and period <= LONGEST_SEASON:
        season = period, period + 1
        seasons += [Form(season=season), Form(seasonal=True), Form(seasonal_diff=1, season=season)]
    for form in seasons:
        yield from (one for diff in diffs if (one := form._replace(diff=diff)) != given)


def worth_modelling(
    base: ParaRNN, others: Iterable[Form], grid: Grid, hold_back: int, criterion: str, sample: tuple[Any, SeriesOptions]
) -> tuple[dict[Form, ParaRNN], Search | None]:
    """
    The forms whose models without units are best: one of each kind, two kinds, and none worse than the one given.

    Where one way of modelling the season predicts clearly better than the others, forms without it are left out before.

    Parameters
    ----------
    base : ParaRNN
        Model of the series as it is given.
    others : iterable of Form
        Forms that are tried where they leave at least half of the rows, and two for each deterministic term.
    grid : Grid
        How far the search goes.
    hold_back : int
        Rows at the start that no candidate of the form that is given predicts.
    criterion : str
        By which candidates are compared, on the same rows.
    sample : tuple
        The series and the options of its models.

    Returns
    -------
    tuple
        A model for each form, without units or lags, and the search in which models without units were compared.
    """
    given = Form.of(base)
    models = {given: base}
    rows = int(np.isfinite(base._y).sum()) - hold_back
    # of the series as it is given has been warned already
    with unheard_warnings():
        for form in others:
            model = _model(base, form, sample)
            if model is None:
                continue
            more = max(grid.reach(form, model) - hold_back, 0)
            if rows - more >= max(10, rows // 2, 2 * model.specification.n_deterministic):
                models[form] = model
    season = _clear_season(models, grid, hold_back)
    if season is not None:
        models = {form: model for form, model in models.items() if form[1:] == season}
    if len(models) == 1:
        return models, None
    bases = {form.kind: model for form, model in models.items()}
    # models without units have no random starts
    search = Search(bases, grid.held(models, hold_back), criterion, 1, np.random.default_rng(0))
    tried = {form: grid.linear_models(form) for form in models}
    search.stage([candidate for candidates in tried.values() for candidate in candidates], "forms of the series")
    score = {form: max(search.fitted[one].score for one in candidates) for form, candidates in tried.items()}
    best: dict[tuple[int, int, bool], Form] = {}
    # of equals the simpler ones come first
    for form in sorted(score, key=lambda form: -score[form]):
        best.setdefault(form.kind, form)
    kept = list(best.values())[:MOST_KINDS]
    if given in models:
        kept = kept[: list(best).index(given.kind) + 1]
    return {form: model for form, model in models.items() if form in kept}, search


def _clear_season(models: dict[Form, ParaRNN], grid: Grid, hold_back: int) -> tuple[int, bool, tuple[int, ...]] | None:
    """
    How the season is modelled, where one way predicts clearly better when each has learned from all rows that it can.

    A seasonal difference and direct lags of the season need a season or two of rows before the first that they predict.
    On the rows that all can predict they would be compared with dummies that have learned nothing from these. Half of
    the prior is on the season as it is given; the better way is clear from twenty to one on, and not where gaps leave
    few rows.
    """
    given = next(iter(models))[1:]
    seasons = dict.fromkeys((form[1:] for form in models), -np.inf)
    if len(seasons) == 1:
        return None
    regressions = {form: _regression(form, model, grid) for form, model in models.items()}
    known = [np.isfinite(design).all(axis=1) & np.isfinite(values) for design, values, _ in regressions.values()]
    later = np.all(known, axis=0)
    later[: grid.held(models, hold_back)] = False
    if later.sum() < max(10, len(later) // 4):
        return None
    for form, (design, values, choices) in regressions.items():
        density = float(log_predictive_density(design, values, later, choices).max())
        season, prior = form[1:], 0.0 if form[1:] == given else -np.log(len(seasons) - 1)
        seasons[season] = max(seasons[season], density + prior)
    best, second = sorted(seasons, key=lambda season: -seasons[season])[:2]
    return best if seasons[best] - seasons[second] > CLEAR else None


def _regression(form: Form, model: ParaRNN, grid: Grid) -> tuple[np.ndarray, np.ndarray, list[list[int]]]:
    """Deterministic terms and direct lags of a form, its values, and the columns of its models without units."""
    y, fixed, order = model._y[-MOST_ROWS:], model._det[-MOST_ROWS:], len(model.difference) - 1
    seen = y[np.isfinite(y)]
    spread = float(seen.std()) if len(seen) else 0.0
    values, k = np.full(len(y), np.nan), fixed.shape[1]
    values[order:] = np.convolve((y - seen.sum() / max(len(seen), 1)) / (spread or 1.0), model.difference, "valid")
    if k:
        values -= np.sum(values, where=np.isfinite(values)) / max(int(np.isfinite(values).sum()), 1)
    candidates = [one.linear_lags for one in grid.linear_models(form)]
    lags = sorted({lag for one in candidates for lag in one})
    columns = np.full((len(y), len(lags)), np.nan)
    for column, lag in enumerate(lags):
        columns[lag:, column] = values[:-lag]
    choices = [[*range(k), *(k + lags.index(lag) for lag in one)] for one in candidates]
    return np.hstack([fixed, columns]), values, choices


def _period(base: ParaRNN) -> int | None:
    """Length of the season, given or told by the index."""
    return base.period or infer_period(base.index)


def _model(base: ParaRNN, form: Form, sample: tuple[Any, SeriesOptions]) -> ParaRNN | None:
    """Model of a form without units or lags; none where nothing is left to be modelled."""
    endog, options = sample[0], sample[1].copy()
    options["diff"], options["seasonal_diff"], options["seasonal"] = form.kind
    options["period"] = _period(base)
    model = ParaRNN(endog, lags=0, units=(), activation=base.activation, linear_lags=0, **options)
    try:
        model.require_sample(8)
    except ValueError:
        return None
    return model
