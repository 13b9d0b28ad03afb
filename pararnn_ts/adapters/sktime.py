"""Forecasters for sktime: the models and results of this package behind its constructors and horizons."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.models.recurrent import ERRORS
from pararnn_ts.selection import select_order

try:
    from sktime.forecasting.base import BaseForecaster
except ModuleNotFoundError as error:
    raise ImportError(
        'pararnn_ts.adapters.sktime needs sktime, which is not installed; run pip install "pararnn-ts[sktime]".'
    ) from error

__all__ = ["AutoParaRNNForecaster", "ParaRNNForecaster", "SeriesForecaster"]

# coverage of an interval that has all but shrunk to the median
ALMOST_NONE = 1e-9


class SeriesForecaster(BaseForecaster):
    """
    Base of the forecasters: everything but their options and the way they are estimated.

    A forecaster of another model is a subclass with that model as `model_class` and a constructor that keeps its
    options in attributes, `random_state` among them. The other options are parameters of the model, of its `fit` and
    of `get_forecast`; those that the constructor does not offer have their defaults.

    Attributes
    ----------
    results_ : RecurrentResultsWrapper
        Results of the fit, with `summary()`, `components`, `recurrence_features` and all else.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from pararnn_ts.adapters.sktime import SeriesForecaster
    >>> class LSTMForecaster(SeriesForecaster):
    ...     model_class = prt.LSTM
    ...     def __init__(self, lags=1, hidden=8, n_starts=16, random_state=0):
    ...         self.lags, self.hidden, self.n_starts, self.random_state = lags, hidden, n_starts, random_state
    ...         super().__init__()
    >>> LSTMForecaster(hidden=2, n_starts=2).fit(prt.datasets.load_nile()).results_.model.label
    'LSTM(2)'
    """

    model_class: Any
    results_: Any

    _tags = {
        "y_inner_mtype": "pd.Series",
        "X_inner_mtype": "pd.DataFrame",
        "capability:multivariate": False,
        "capability:exogenous": True,
        "capability:categorical_in_X": False,
        # every step between the sample and a forecast needs its exogenous values
        "capability:non_contiguous_X": False,
        "capability:insample": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": True,
        "capability:missing_values": True,
        "capability:update": True,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "requires-fh-in-fit": False,
    }
    # the results have the data; sktime looks for its own copy all the same
    _config = {"remember_data": False}
    _y, _X = None, None

    def _estimate(self, y: pd.Series, X: pd.DataFrame | None) -> Any:
        """Fit a model and return its results."""
        model = self.model_class(y, X, **self._options_of(self.model_class))
        return model.fit(rng=self.random_state, **self._options_of(model.fit))

    def _options_of(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Options of this forecaster that are parameters of a function or class."""
        known = inspect.signature(function).parameters
        return {name: value for name, value in self.get_params(deep=False).items() if name in known}

    def _fit(self, y: pd.Series, X: pd.DataFrame | None, fh: Any) -> SeriesForecaster:
        self._name = y.name
        self.results_ = self._estimate(y, X)
        return self

    def _update(self, y: pd.Series, X: pd.DataFrame | None = None, update_params: bool = True) -> SeriesForecaster:
        results = self.results_
        new = y.index > results.model.index[-1]
        if new.any():
            X = X.loc[y.index[new]] if X is not None and results.model.exog_labels else None
            again = self._options_of(results.model.fit) if update_params else None
            self.results_ = results.append(y[new], X, refit=update_params, fit_kwargs=again)
        return self

    def _window(self, fh: Any, X: pd.DataFrame | None) -> tuple[np.ndarray, dict[str, Any]]:
        """Rows of a horizon, counted from the first of them that is asked for, and the arguments of a prediction."""
        model = self.results_.model
        # sktime counts integer labels one by one
        apart = getattr(model.index, "step", 1)
        steps, between = np.divmod(fh.to_relative(self.cutoff).to_numpy().astype(int), apart)
        if between.any():
            raise ValueError(
                f"fh must have labels that continue those of y, which are {apart} apart; pass for example fh=[{apart}]."
            )
        rows = model.nobs - 1 + steps
        start, end = int(rows.min()), int(rows.max())
        if start < 0:
            raise ValueError(
                f"fh reaches back beyond the first observation, by {-start}; begin it at {model.index[0]} or later."
            )
        beyond = end >= model.nobs
        return rows - start, {"start": start, "end": end, "exog": X if beyond and model.exog_labels else None}

    def _predict(self, fh: Any, X: pd.DataFrame | None) -> pd.Series:
        rows, window = self._window(fh, X)
        values = np.asarray(self.results_.predict(**window))[rows]
        return pd.Series(values, index=self._labels(fh), name=self._name)

    def _prediction(self, fh: Any, X: pd.DataFrame | None) -> tuple[np.ndarray, Any]:
        """Rows of a horizon in a prediction, and that prediction with its intervals."""
        rows, window = self._window(fh, X)
        options = self._options_of(self.results_.get_prediction)
        return rows, self.results_.get_prediction(**window, **options, rng=self.random_state)

    def _predict_interval(self, fh: Any, X: pd.DataFrame | None, coverage: Sequence[float]) -> pd.DataFrame:
        rows, prediction = self._prediction(fh, X)
        name, columns = self._get_varnames()[0], {}
        for level in coverage:
            bounds = np.asarray(prediction.conf_int(1.0 - level))[rows]
            columns[name, level, "lower"], columns[name, level, "upper"] = bounds.T
        return pd.DataFrame(columns, index=self._labels(fh))

    def _predict_quantiles(self, fh: Any, X: pd.DataFrame | None, alpha: Sequence[float]) -> pd.DataFrame:
        rows, prediction = self._prediction(fh, X)
        name, columns = self._get_varnames()[0], {}
        for level in alpha:
            outside = min(2.0 * min(level, 1.0 - level), 1.0 - ALMOST_NONE)
            bounds = np.asarray(prediction.conf_int(outside))[rows]
            # no interval ends at the median, but the smallest ones surround it
            columns[name, level] = bounds.mean(axis=1) if level == 0.5 else bounds[:, int(level > 0.5)]
        return pd.DataFrame(columns, index=self._labels(fh))

    def _predict_var(self, fh: Any, X: pd.DataFrame | None = None, cov: bool = False) -> pd.DataFrame:
        if cov:
            raise ValueError(
                "cov=True asks for covariances between steps, which this forecaster does not have; take them from "
                "results_.get_forecast(steps).simulations."
            )
        rows, prediction = self._prediction(fh, X)
        variance = np.asarray(prediction.se_mean)[rows] ** 2
        return pd.DataFrame({self._get_varnames()[0]: variance}, index=self._labels(fh))

    def _labels(self, fh: Any) -> pd.Index:
        return fh.to_absolute_index(self.cutoff)

    def _get_fitted_params(self) -> dict[str, Any]:
        results = self.results_
        criteria = ("aic", "aicc", "bic", "hqic", "log_evidence", "scale")
        return {**results.params.to_dict(), **{name: float(getattr(results, name)) for name in criteria}}


class ParaRNNForecaster(SeriesForecaster):
    """
    ParaRNN, a sum of small recurrent units beside a linear path, as a forecaster of sktime.

    The model is `pararnn_ts.ParaRNN`, where the equations are given; the fitted results, with summary, components and
    tests, are in `results_`.

    Parameters
    ----------
    lags : int or list of int
        Lags of the series that feed the units; an integer n means 1 to n.
    units : sequence of int, or int
        Dimension of each unit; an integer n means n units of dimension 2.
    activation : {"tanh", "relu", "logistic", "identity"}
        Activation of the units.
    linear_lags : int or list of int, optional
        Lags that enter linearly; None: the same as `lags`; 0: none.
    trend : {"n", "c", "t", "ct", "ctt"}
        Deterministic trend.
    seasonal : bool
        Whether to include seasonal dummies.
    period : int, optional
        Length of the season, `sp` elsewhere in sktime; inferred from the frequency of the index when needed.
    diff, seasonal_diff : int
        Orders of differencing, undone in forecasts.
    hold_back : int, optional
        Rows at the start that are not predicted, at least as many as lags and differencing need.
    errors : {"normal", "t"}
        Distribution of the shocks: normal, or Student's t with estimated degrees of freedom, for series with outliers.
    penalty : "evidence" or float
        "evidence": the strength of the ridge penalty is chosen by the evidence; a number: a fixed ridge.
    n_starts : int
        Number of starts of the optimiser, of which the best is kept.
    maxiter : int
        Largest number of evaluations for each start.
    tol : float
        Convergence tolerance, in log-likelihood units per observation.
    method : {"bootstrap", "gaussian", "simulated", "exact", "conformal"}
        How intervals are computed, see `get_forecast` of the results.
    n_sims : int
        Number of simulated paths from which intervals are computed.
    param_uncertainty : bool
        Whether intervals include the uncertainty of the parameters.
    random_state : None, int or numpy.random.Generator
        Source of random starts and of simulated paths.

    Attributes
    ----------
    results_ : RecurrentResultsWrapper
        Results of the fit, with `summary()`, `components`, `recurrence_features` and all else.

    Notes
    -----
    Predictions are those of ``results_.predict``: inside the sample one step ahead, and NaN in the rows that lags and
    differencing use up; after it the recursion without shocks. The model fills missing values as it runs; dates that
    are absent count as missing. `update` appends the observations after the sample and, unless
    ``update_params=False``, estimates the parameters anew, starting from the current ones.

    The series is kept in the results only (sktime's configuration ``remember_data=False``), so `predict_residuals` asks
    for it; in-sample residuals are ``results_.resid``.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from pararnn_ts.adapters.sktime import ParaRNNForecaster
    >>> forecaster = ParaRNNForecaster(lags=2, units=(1,)).fit(prt.datasets.load_sunspots())
    >>> forecaster.predict(fh=[1, 3]).index
    PeriodIndex(['2009', '2011'], dtype='period[Y-DEC]')
    >>> forecaster.predict_interval(fh=[1, 3], coverage=0.9).shape
    (2, 2)
    """

    model_class = ParaRNN

    def __init__(
        self,
        lags: int | Sequence[int] = 1,
        units: int | Sequence[int] = (2,),
        activation: str = "tanh",
        linear_lags: int | Sequence[int] | None = None,
        trend: str = "c",
        seasonal: bool = False,
        period: int | None = None,
        diff: int = 0,
        seasonal_diff: int = 0,
        hold_back: int | None = None,
        errors: str = "normal",
        penalty: str | float = "evidence",
        n_starts: int = 16,
        maxiter: int = 200,
        tol: float = 1e-8,
        method: str = "bootstrap",
        n_sims: int = 1000,
        param_uncertainty: bool = False,
        random_state: int | np.random.Generator | None = 0,
    ):
        self.lags = lags
        self.units = units
        self.activation = activation
        self.linear_lags = linear_lags
        self.trend = trend
        self.seasonal = seasonal
        self.period = period
        self.diff = diff
        self.seasonal_diff = seasonal_diff
        self.hold_back = hold_back
        self.errors = errors
        self.penalty = penalty
        self.n_starts = n_starts
        self.maxiter = maxiter
        self.tol = tol
        self.method = method
        self.n_sims = n_sims
        self.param_uncertainty = param_uncertainty
        self.random_state = random_state
        super().__init__()

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Options with which sktime tests the class."""
        quick = {"n_starts": 2, "maxiter": 20, "n_sims": 50}
        return [
            {"units": (1,), **quick},
            {"lags": 2, "linear_lags": 1, "trend": "ct", "method": "gaussian", "param_uncertainty": True, **quick},
        ]


class AutoParaRNNForecaster(SeriesForecaster):
    """
    ParaRNN whose differences, season, lags, units and law of the shocks are chosen, as a forecaster of sktime.

    The choice is that of `pararnn_ts.select_order`; the linear model without units is always a candidate. `update`
    keeps what was chosen.

    Parameters
    ----------
    max_lags : int
        Units are fed with lags 1 to at most this.
    max_linear_lags : int
        Most direct lags.
    max_diff : int
        Most differences; 0: `diff` is what is given.
    find_season : bool
        Whether seasonal dummies, a seasonal difference and direct lags of the season are tried.
    seasonal_lags : int or sequence of int
        Further direct lags of every candidate; some candidates feed them to the units, too.
    max_units : int
        Most units.
    unit_dims : int or sequence of int
        Dimensions of units.
    activation : str
        Activation of the units.
    errors : {"normal", "t"} or sequence of these
        Laws of the shocks that are tried.
    criterion : {"evidence", "aic", "bic", "cv"}
        By which candidates are compared.
    n_starts : int
        Starts of each candidate.
    trend, seasonal, period, diff, seasonal_diff
        As in `ParaRNNForecaster`.
    method, n_sims, param_uncertainty, random_state
        As in `ParaRNNForecaster`.

    Attributes
    ----------
    results_ : RecurrentResultsWrapper
        Results of the chosen model.
    selection_ : Selection
        The choice, with a table of the candidates and `average()`.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from pararnn_ts.adapters.sktime import AutoParaRNNForecaster
    >>> forecaster = AutoParaRNNForecaster(max_lags=1, max_linear_lags=2, max_units=1, n_starts=2)
    >>> len(forecaster.fit(prt.datasets.load_lynx()).selection_.table)
    9
    """

    selection_: Any

    def __init__(
        self,
        max_lags: int = 3,
        max_linear_lags: int = 12,
        max_diff: int = 1,
        find_season: bool = True,
        seasonal_lags: int | Sequence[int] = (),
        max_units: int = 3,
        unit_dims: int | Sequence[int] = (1, 2),
        activation: str = "tanh",
        errors: str | Sequence[str] = ERRORS,
        criterion: str = "evidence",
        n_starts: int = 8,
        trend: str = "c",
        seasonal: bool = False,
        period: int | None = None,
        diff: int = 0,
        seasonal_diff: int = 0,
        method: str = "bootstrap",
        n_sims: int = 1000,
        param_uncertainty: bool = False,
        random_state: int | np.random.Generator | None = 0,
    ):
        self.max_lags = max_lags
        self.max_linear_lags = max_linear_lags
        self.max_diff = max_diff
        self.find_season = find_season
        self.seasonal_lags = seasonal_lags
        self.max_units = max_units
        self.unit_dims = unit_dims
        self.activation = activation
        self.errors = errors
        self.criterion = criterion
        self.n_starts = n_starts
        self.trend = trend
        self.seasonal = seasonal
        self.period = period
        self.diff = diff
        self.seasonal_diff = seasonal_diff
        self.method = method
        self.n_sims = n_sims
        self.param_uncertainty = param_uncertainty
        self.random_state = random_state
        super().__init__()

    def _estimate(self, y: pd.Series, X: pd.DataFrame | None) -> Any:
        options = {**self._options_of(select_order), **self._options_of(ParaRNN)}
        self.selection_ = select_order(y, X, rng=self.random_state, **options)
        return self.selection_.results

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Options with which sktime tests the class."""
        quick = {"max_lags": 1, "max_linear_lags": 1, "max_units": 1, "n_starts": 2, "n_sims": 50}
        return [{"unit_dims": 1, "errors": "normal", **quick}, {"trend": "ct", "criterion": "bic", **quick}]
