"""Combined forecasts of many candidate models, with weights that are updated as observations arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.iolib.summary import Summary
from statsmodels.iolib.table import SimpleTable
from statsmodels.iolib.tableformatting import fmt_params

from pararnn_ts._compat import warnings_once
from pararnn_ts.average_persistence import save
from pararnn_ts.models.arguments import MOST_DRAWS, check_count, check_generator, check_paths
from pararnn_ts.models.window import PredictionWindow
from pararnn_ts.results.intervals import SIMULATED, RecurrentPrediction, check_method
from pararnn_ts.results.prediction import predict_points, predict_window
from pararnn_ts.results.summary import RecurrentSummary
from pararnn_ts.results.uncertainty import spread

__all__ = ["SMALLEST_SHARE", "Average", "log_weights", "multiplicity", "sequential_weights", "temperature"]

# in units of the square root of the number of observations, see `temperature`
NOISE = 0.5
# share of the log weights carried from one observation to the next (Raftery, Karny and Ettler 2010)
MEMORY = 0.98
# degrees of freedom of the predictive density that updates the weights: an outlier must not decide between candidates
FREEDOM = 4.0
# simulated paths of a forecast
N_SIMS = 1000
# candidates with less than this share of the largest weight are left out
SMALLEST_SHARE = 1e-4


def temperature(n_obs: int) -> float:
    """
    Nats by which the log evidence of two candidates may differ by chance.

    The candidates are close relatives and none is true. The difference of their log likelihoods then has a standard
    deviation that grows like the square root of the number of observations (Vuong 1989, "Likelihood ratio tests for
    model selection and non-nested hypotheses", Econometrica 57), and the plain posterior, which takes every nat for
    certain, would put nearly all weight on one of them.

    Examples
    --------
    >>> from pararnn_ts.averaging import temperature
    >>> temperature(400)
    10.0
    """
    return max(NOISE * float(np.sqrt(n_obs)), 1.0)


def multiplicity(sizes: Sequence[int]) -> np.ndarray:
    """
    Log prior of candidates that gives each size the same share, however many candidates there are of it.

    Candidates with many units are many, and would win by their number alone (Scott and Berger 2010, "Bayes and
    empirical-Bayes multiplicity adjustment in the variable-selection problem", Annals of Statistics 38).

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.averaging import multiplicity
    >>> np.exp(multiplicity([0, 1, 1])).round(2)
    array([0.5 , 0.25, 0.25])
    """
    known, place, count = np.unique(np.asarray(sizes, dtype=int), return_inverse=True, return_counts=True)
    return -np.log(len(known) * count[place])


def sequential_weights(
    log_prior: np.ndarray, predictions: np.ndarray, observed: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """
    Weights of competing predictions before each observation.

    Parameters
    ----------
    log_prior : ndarray, (C,)
        Log weights before the first observation.
    predictions : ndarray, (C, n)
        One-step predictions.
    observed : ndarray, (n,)
        Observations, NaN where missing.
    scale : ndarray, (C,)
        Standard deviation of each candidate's shocks.

    Returns
    -------
    ndarray, (C, n + 1)
        Weights that add up to one in each column; column t uses the observations before row t.

    Notes
    -----
    Dynamic model averaging (Raftery, Karny and Ettler 2010, "Online prediction under model uncertainty", Technometrics
    52): log w_t = c log w_{t-1} + log p(y_t | candidate) + constant, here with a Student-t density.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.averaging import sequential_weights
    >>> weights = sequential_weights(np.zeros(2), np.array([[0.0, 0.0], [3.0, 3.0]]), np.zeros(2), np.ones(2))
    >>> weights.round(3)
    array([[0.5  , 0.95 , 0.997],
           [0.5  , 0.05 , 0.003]])
    """
    log_weight = np.asarray(log_prior, dtype=float) - np.max(log_prior)
    weights = np.empty((len(log_weight), len(observed) + 1))
    weights[:, 0] = np.exp(log_weight)
    for t, value in enumerate(observed):
        if np.isfinite(value):
            ratio = (value - predictions[:, t]) / scale
            density = -0.5 * (FREEDOM + 1.0) * np.log1p(ratio**2 / FREEDOM) - np.log(scale)
            log_weight = MEMORY * log_weight + np.where(np.isfinite(density), density, -np.inf)
            log_weight -= log_weight.max()
        weights[:, t + 1] = np.exp(log_weight)
    return weights / weights.sum(axis=0)


def log_weights(log_evidence: np.ndarray, log_prior: np.ndarray, n_obs: int) -> np.ndarray:
    """
    Log weights of candidates relative to the largest: log evidence over its `temperature`, plus log prior.

    Parameters
    ----------
    log_evidence, log_prior : ndarray, (C,)
        Log evidence (without weight where it is not finite) and log prior of each candidate.
    n_obs : int
        Number of observations behind the evidence.

    Returns
    -------
    ndarray, (C,)
        The largest is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.averaging import log_weights
    >>> log_weights(np.array([-100.0, -120.0, np.nan]), np.zeros(3), 400)
    array([  0.,  -2., -inf])
    """
    score = np.where(np.isfinite(log_evidence), log_evidence, -np.inf) / temperature(n_obs) + log_prior
    return score - score.max()


class Average:
    """
    Weighted combination of the candidates of a selection, used like the results of one model.

    Parameters
    ----------
    members : sequence of RecurrentResultsWrapper
        Candidates fitted to the same sample.
    labels : sequence of str
        Their names.
    log_evidence : array_like
        Their log evidence, or another score on the scale of a log likelihood.
    n_fitted : int, optional
        Number of rows to which the candidates were fitted; by default the whole sample. Over these rows the weights are
        those of the evidence; each later observation updates them.
    log_prior : array_like, optional
        Log prior weights of the candidates; by default all the same.

    Attributes
    ----------
    members : list
        Candidates whose weight is not negligible.
    weights : Series
        Current weight of each.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> sunspots = prt.datasets.load_sunspots()
    >>> sel = prt.select_order(sunspots[:-9], max_lags=1, max_linear_lags=2, max_units=1, n_starts=2)
    >>> average = sel.average()
    >>> len(average.append(sunspots[-9:]).forecast(4))
    4
    """

    def __init__(
        self,
        members: Sequence[Any],
        labels: Sequence[str],
        log_evidence: Any,
        n_fitted: int | None = None,
        log_prior: Any = None,
    ):
        evidence = np.asarray(log_evidence, dtype=float)
        if not len(evidence) or not np.isfinite(evidence).any():
            raise ValueError("log_evidence must have at least one finite entry for the candidates to be combined.")
        prior = np.zeros(len(evidence)) if log_prior is None else np.asarray(log_prior, dtype=float)
        rows = members[0].model.nobs if n_fitted is None else n_fitted
        seen = np.asarray(members[0].resid, dtype=float)[:rows]
        score = log_weights(evidence, prior, int(np.isfinite(seen).sum()))
        kept = np.flatnonzero(score > np.log(SMALLEST_SHARE)).tolist()
        self.members = [members[i] for i in kept]
        self._labels = [labels[i] for i in kept]
        self._log_evidence, self._log_prior = evidence[kept], prior[kept]
        self.model = self.members[0].model
        self._n_fitted = rows
        predictions = np.array([np.asarray(member.fittedvalues, dtype=float) for member in self.members])
        scale = np.sqrt([max(member.scale, 1e-300) for member in self.members])
        n = self._n_fitted
        observed = self.model._y
        weights = sequential_weights(score[kept], predictions[:, n:], observed[n:], scale)
        combined = np.concatenate(
            [weights[:, 0] @ predictions[:, :n], np.sum(weights[:, :-1] * predictions[:, n:], axis=0)]
        )
        self._all_weights, self._weights = weights, weights[:, -1]
        self._fitted = combined

    @property
    def nobs(self) -> int:
        """Observed rows of the sample that are predicted."""
        return int(np.isfinite(self.model._y - self._fitted).sum())

    @property
    def weights(self) -> pd.Series:
        """Current weights, largest first."""
        weights = pd.Series(self._weights, index=pd.Index(self._labels, name="candidate"), name="weight")
        return weights.sort_values(ascending=False, kind="stable")

    @property
    def fittedvalues(self) -> Any:
        """One-step predictions of the whole sample; each row after the fitted sample uses the weights before it."""
        return self._labelled(self._fitted, None)

    @property
    def resid(self) -> Any:
        """Observations minus `fittedvalues`."""
        return self._labelled(self.model._y - self._fitted, None)

    @warnings_once()
    def append(self, endog: Any, exog: Any = None, refit: bool = False) -> Average:
        """
        Add new observations at the end of the sample.

        Parameters
        ----------
        endog : Series or array_like
            New observations.
        exog : DataFrame or array_like, optional
            Their exogenous values.
        refit : bool
            Whether to fit the candidates anew. Otherwise their parameters stay, and the new observations update the
            weights.

        Returns
        -------
        Average
            The combination on the longer sample; the last rows of its `fittedvalues` are one-step forecasts of the new
            observations.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> nile = prt.datasets.load_nile()
        >>> average = prt.select_order(nile[:"1960"], max_lags=1, max_linear_lags=1, max_units=1, n_starts=2).average()
        >>> longer = average.append(nile["1961":])
        >>> len(longer.fittedvalues), float(longer.weights.sum().round(9))
        (100, 1.0)
        """
        members = [member.append(endog, exog, refit=refit) for member in self.members]
        if refit:
            evidence = [member.log_evidence for member in members]
            return Average(members, self._labels, evidence, log_prior=self._log_prior)
        return Average(members, self._labels, self._log_evidence, self._n_fitted, self._log_prior)

    @warnings_once()
    def forecast(self, steps: Any = 1, exog: Any = None, index: Any = None) -> Any:
        """
        Weighted mean of the candidates' forecasts.

        Parameters
        ----------
        steps : int, str or label
            Number of steps, or the last label to forecast.
        exog : DataFrame or array_like, optional
            Exogenous values of the steps.
        index : Index, optional
            Labels of the steps, where the index of the series cannot be extended.

        Returns
        -------
        Series or ndarray
            Forecasts.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> nile = prt.datasets.load_nile()
        >>> average = prt.select_order(nile, max_lags=1, max_linear_lags=1, max_units=1, n_starts=2).average()
        >>> average.forecast(2).index.tolist()
        [Period('1971', 'Y-DEC'), Period('1972', 'Y-DEC')]
        """
        single = [member.forecast(steps, exog, index) for member in self.members]
        combined = self._weights @ np.array([np.asarray(values, dtype=float) for values in single])
        labels = single[0].index if isinstance(single[0], pd.Series) else None
        return combined if labels is None else pd.Series(combined, index=labels, name="predicted_mean")

    @warnings_once()
    def get_forecast(
        self,
        steps: Any = 1,
        exog: Any = None,
        index: Any = None,
        *,
        method: str = "bootstrap",
        n_sims: int = N_SIMS,
        rng: Any = None,
        param_uncertainty: bool = False,
    ) -> RecurrentPrediction:
        """
        Forecasts with intervals, from the mixture of the candidates' simulated paths.

        Parameters
        ----------
        steps, exog, index
            As in `forecast`.
        method : {"bootstrap", "gaussian", "simulated"}
            Shocks of the paths: residuals; normal; or from the distribution of each candidate, normal or Student's t.
        n_sims : int
            Number of paths, divided among the candidates in proportion to their weights.
        rng : None, int or Generator
            Source of randomness.
        param_uncertainty : bool
            Whether each path has its own parameters, drawn from their distribution.

        Returns
        -------
        RecurrentPrediction
            With `predicted_mean`, `se_mean`, `conf_int(alpha)`, `summary_frame(alpha)` and `simulations`.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> nile = prt.datasets.load_nile()
        >>> average = prt.select_order(nile, max_lags=1, max_linear_lags=1, max_units=1, n_starts=2).average()
        >>> average.get_forecast(3, n_sims=500, rng=0).simulations.shape
        (3, 500)
        """
        check_method(method, SIMULATED)
        n_sims, generator = check_count(n_sims, "n_sims", 2, MOST_DRAWS), check_generator(rng)
        mean = self.forecast(steps, exog, index)
        check_paths(n_sims, len(mean), "n_sims")

        def simulated(member: Any, count: int) -> RecurrentPrediction:
            return member.get_forecast(
                steps, exog, index, method=method, n_sims=count, rng=generator, param_uncertainty=param_uncertainty
            )

        mixture = self._mixture(self._weights, n_sims, generator, simulated)
        labels = mean.index if isinstance(mean, pd.Series) else None
        return RecurrentPrediction(np.asarray(mean, dtype=float), spread(mixture), labels, method, paths=mixture)

    def forecast_from(self, row: int, steps: int, rng: Any = None) -> RecurrentPrediction:
        """
        Forecasts from a row of the sample, as `get_forecast` made them when the sample ended before it.

        Parameters
        ----------
        row : int
            First row that is forecast, after the fitted sample.
        steps : int
            Number of steps, inside the sample.
        rng : None, int or Generator
            Source of randomness.

        Returns
        -------
        RecurrentPrediction
            Without labels.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> sunspots = prt.datasets.load_sunspots()
        >>> sel = prt.select_order(sunspots[:-9], max_lags=1, max_linear_lags=2, max_units=1, n_starts=2)
        >>> average = sel.average()
        >>> longer, n = average.append(sunspots[-9:]), len(sunspots) - 9
        >>> bool(abs(longer.forecast_from(n, 4).predicted_mean - average.forecast(4)).max() < 1e-9)
        True
        """
        n, generator = self.model.nobs, check_generator(rng)
        row, steps = check_count(row, "row", 0), check_count(steps, "steps", 0)
        if not self._n_fitted <= row < row + steps <= n:
            raise ValueError(
                f"row={row!r} with steps={steps!r} must lie between rows {self._n_fitted}, the first after the fitted "
                f"sample, and {n}, its end; append the observations first."
            )
        window, weights = PredictionWindow.ahead(row, steps), self._all_weights[:, row - self._n_fitted]
        mean = weights @ np.array([predict_points(member._results, window) for member in self.members])

        def simulated(member: Any, count: int) -> RecurrentPrediction:
            return predict_window(member._results, window, n_sims=count, rng=generator)

        mixture = self._mixture(weights, N_SIMS, generator, simulated)
        return RecurrentPrediction(mean, spread(mixture), None, "bootstrap", paths=mixture)

    def _mixture(
        self,
        weights: np.ndarray,
        n_sims: int,
        rng: np.random.Generator,
        simulated: Callable[[Any, int], RecurrentPrediction],
    ) -> np.ndarray:
        """Paths of the candidates, as many of each as its weight says."""
        # systematic sampling: each candidate gets its share up to one path
        places = (np.arange(n_sims) + rng.random()) / n_sims
        counts = np.bincount(np.searchsorted(np.cumsum(weights), places, side="right").clip(max=len(self.members) - 1))
        paths = [
            np.asarray(simulated(member, max(int(count), 2)).simulations, dtype=float).T[:count]
            for member, count in zip(self.members, counts, strict=False)
            if count
        ]
        return np.concatenate(paths)

    save = save

    def summary(self, largest: int = 10) -> Summary:
        """
        Table of the candidates with the largest weights.

        Parameters
        ----------
        largest : int
            Number of candidates to show.

        Returns
        -------
        Summary
            With `as_text`, `as_html` and `as_latex`.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> nile = prt.datasets.load_nile()
        >>> average = prt.select_order(nile, max_lags=1, max_linear_lags=1, max_units=1, n_starts=2).average()
        >>> print(average.summary(largest=2))  # doctest: +ELLIPSIS
        Average of ... models of flow...
        """
        weights = self.weights
        shown = weights.head(check_count(largest, "largest"))
        summary = RecurrentSummary()
        effective = 1.0 / float(np.sum(self._weights**2))
        summary.tables.append(
            SimpleTable(
                [[f"{weight:.4f}"] for weight in shown],
                headers=["weight"],
                stubs=list(shown.index),
                title=f"Average of {self._count} of {self.model.endog_name}",
                txt_fmt=fmt_params,
            )
        )
        note = f"The weights are spread as over {effective:.1f} equally weighted candidates."
        if len(weights) > len(shown):
            note += f" Not shown: {len(weights) - len(shown)} with smaller weights."
        summary.add_extra_txt([note])
        return summary

    def __repr__(self) -> str:
        return f"<Average of {self._count} of {self.model.endog_name}>"

    @property
    def _count(self) -> str:
        return f"{len(self.members)} model{'s' if len(self.members) > 1 else ''}"

    def _labelled(self, values: np.ndarray, name: str | None) -> Any:
        return pd.Series(values, index=self.model.index, name=name) if self.model.is_pandas else values
