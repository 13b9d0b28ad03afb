"""Predictions inside the sample and forecasts beyond it, as points and with simulated intervals."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import linalg, stats
from statsmodels.tools.sm_exceptions import OutputWarning

from pararnn_ts._compat import PredictionResults, ValueWarning, warn_user
from pararnn_ts.results.trajectory import continue_path, refit_states, standpoint

if TYPE_CHECKING:
    from pararnn_ts.models.window import PredictionWindow
    from pararnn_ts.results.base import RecurrentResults

__all__ = [
    "RecurrentPrediction",
    "forecast",
    "future_exog",
    "get_forecast",
    "get_prediction",
    "is_explosive",
    "predict",
]

METHODS = ("bootstrap", "gaussian")
# paths further from the observations than this many times their range have left the data behind
EXPLOSIVE = 1000.0


class RecurrentPrediction(PredictionResults):
    """
    Predictions with standard errors and intervals.

    Parameters
    ----------
    mean, se : ndarray, (n,)
        Predictions and their standard errors.
    labels : Index or None
        Labels of the rows.
    method : {"bootstrap", "gaussian"}
        Where intervals come from.
    pool : ndarray
        Shocks behind the intervals of one-step predictions by bootstrap.
    paths : ndarray, (n_sims, k)
        Simulated paths of the last k rows.
    exact : int
        Leading rows whose Gaussian intervals need no simulation.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = np.random.default_rng(0).standard_normal(60)
    >>> res = prt.ParaRNN(y, units=(1,)).fit(n_starts=2)
    >>> frame = res.get_forecast(3, n_sims=200, rng=0).summary_frame()
    >>> frame.columns.tolist()
    ['mean', 'mean_se', 'mean_ci_lower', 'mean_ci_upper']
    """

    def __init__(
        self,
        mean: np.ndarray,
        se: np.ndarray,
        labels: pd.Index | None,
        method: str,
        pool: np.ndarray,
        paths: np.ndarray,
        exact: int,
    ):
        super().__init__(mean, se**2, row_labels=labels)
        self.method = method
        self._pool, self._paths, self._exact = pool, paths, exact

    @property
    def simulations(self) -> pd.DataFrame | np.ndarray:
        """Simulated paths, one in each column; no rows where none were needed."""
        values = self._paths.T.copy()
        if self._row_labels is None:
            return values
        return pd.DataFrame(values, index=self._row_labels[len(self._row_labels) - len(values) :])

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame | np.ndarray:
        """
        Prediction intervals.

        Parameters
        ----------
        alpha : float
            One less the coverage.

        Returns
        -------
        DataFrame or ndarray
            Columns "lower" and "upper". Quantiles of the simulated paths where there are any; otherwise Gaussian
            quantiles, or those of the residuals by bootstrap, around the prediction.
        """
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1, but is {alpha!r}.")
        levels = np.array([alpha / 2, 1 - alpha / 2])
        mean, se = self._predicted_mean, np.sqrt(self._var_pred_mean)
        if self.method == "gaussian":
            bounds = mean[:, None] + se[:, None] * stats.norm.ppf(levels)
        else:
            bounds = mean[:, None] + np.quantile(self._pool, levels)
        n_paths = self._paths.shape[1]
        first = max(len(mean) - n_paths, self._exact)
        if first < len(mean):
            bounds[first:] = _quantiles(self._paths[:, first - len(mean) + n_paths :], levels)
        return self._wrap_pandas(bounds, columns=["lower", "upper"])

    def summary_frame(self, alpha: float = 0.05) -> pd.DataFrame:
        """
        Predictions, standard errors and interval bounds in one table.

        Parameters
        ----------
        alpha : float
            One less the coverage.

        Returns
        -------
        DataFrame
            Columns mean, mean_se, mean_ci_lower and mean_ci_upper.
        """
        return super().summary_frame(alpha)


def _quantiles(paths: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles over paths, (rows, levels); paths that are not finite are left out."""
    if np.isfinite(paths).all():
        return np.quantile(paths, levels, axis=0).T
    rows = (column[np.isfinite(column)] for column in paths.T)
    return np.array([np.quantile(row, levels) if len(row) else np.full(len(levels), np.nan) for row in rows])


def predict(
    results: RecurrentResults,
    start: Any = None,
    end: Any = None,
    dynamic: Any = False,
    exog: Any = None,
    index: Any = None,
) -> pd.Series | np.ndarray:
    """
    Predictions inside the sample and beyond.

    Parameters
    ----------
    start, end : int, str or label, optional
        First and last row, both included. Integers are positions, anything else is a label. By default the sample.
    dynamic : bool, int, str or label
        From where on predictions use earlier predictions in place of observations: nowhere, from `start`, so many
        rows after it, or from a label.
    exog : Series, DataFrame or array_like, optional
        Exogenous values of the rows after the sample, matched by label and column name.
    index : Index, optional
        Labels of the predictions, where the index of the series cannot be extended.

    Returns
    -------
    Series or ndarray
        One-step predictions inside the sample, NaN in rows held back; after it, the recursion without shocks.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> res = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=2)
    >>> res.predict("1969", "1972").index
    PeriodIndex(['1969', '1970', '1971', '1972'], dtype='period[Y-DEC]', name='year')
    """
    window = results.model.prediction_window(start, end, dynamic, index)
    values = _points(results, window, future_exog(results, window, exog, index))
    first = max(_first_unobserved(results, window), window.start)
    if first < window.stop:
        _warn_explosive(results, values[None, first - window.start :], "it leaves")
    return results._labelled(values, window.index, "predicted_mean")


def forecast(results: RecurrentResults, steps: Any = 1, exog: Any = None, index: Any = None) -> pd.Series | np.ndarray:
    """
    Forecasts after the end of the sample.

    Parameters
    ----------
    steps : int, str or label
        Number of steps, or the last label to forecast.
    exog : Series, DataFrame or array_like, optional
        Exogenous values of the steps, matched by label and column name.
    index : Index, optional
        Labels of the steps, where the index of the series cannot be extended.

    Returns
    -------
    Series or ndarray
        The recursion without shocks. Beyond the first step it is not the mean of a nonlinear model; that is the mean of
        ``get_forecast(steps).simulations``.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> res = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=2)
    >>> len(res.forecast(3)), len(res.forecast("1976"))
    (3, 6)
    """
    start, end = _forecast_range(results, steps)
    return predict(results, start, end, exog=exog, index=index)


def get_prediction(
    results: RecurrentResults,
    start: Any = None,
    end: Any = None,
    dynamic: Any = False,
    exog: Any = None,
    index: Any = None,
    *,
    method: str = "bootstrap",
    n_sims: int = 1000,
    rng: Any = None,
    param_uncertainty: bool = False,
) -> RecurrentPrediction:
    """
    Predictions inside the sample and beyond, with intervals.

    Parameters
    ----------
    start, end, dynamic, exog, index
        As in `predict`.
    method : {"bootstrap", "gaussian"}
        Shocks of the simulated paths: residuals drawn with replacement (centred, with variance `scale`), or normal
        ones.
    n_sims : int
        Number of paths.
    rng : None, int or Generator
        Source of randomness; the same integer gives the same numbers.
    param_uncertainty : bool
        Whether each path has its own parameters, drawn from their normal distribution.

    Returns
    -------
    RecurrentPrediction
        With `predicted_mean`, `se_mean`, `conf_int(alpha)`, `summary_frame(alpha)` and `simulations`. Rows that use
        the observations before them have the standard error sqrt(scale). The others (dynamic predictions and
        forecasts) are simulated: their intervals are quantiles and their standard errors standard deviations of
        the paths, save for the first step of method "gaussian", which is exact.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = np.random.default_rng(0).standard_normal(60)
    >>> res = prt.ParaRNN(y, units=(1,)).fit(n_starts=2)
    >>> pred = res.get_prediction(58, 61, method="gaussian", n_sims=100, rng=0)
    >>> pred.conf_int().shape, pred.simulations.shape
    ((4, 2), (2, 100))
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))}, but is {method!r}.")
    if isinstance(n_sims, bool) or not isinstance(n_sims, Integral) or n_sims < 2:
        raise ValueError(f"n_sims must be an integer of 2 or more, but is {n_sims!r}.")
    window = results.model.prediction_window(start, end, dynamic, index)
    future = future_exog(results, window, exog, index)
    mean = _points(results, window, future)
    se = np.where(np.isfinite(mean), np.sqrt(results.scale), np.nan)
    first = max(_first_unobserved(results, window), window.start)
    paths, exact = np.empty((n_sims, 0)), len(mean)
    if first < window.stop:
        generator = np.random.default_rng(rng)
        origin = _last_observed(results, _first_unobserved(results, window))
        full = _simulate(results, origin, window.stop, future, method, int(n_sims), generator, param_uncertainty)
        paths = full[:, first - origin :]
        _warn_explosive(results, paths, "{} of {} simulated paths leave")
        exact = first - window.start
        with np.errstate(all="ignore"):
            se[exact:] = _spread(paths)
        if method == "gaussian" and first == origin and not param_uncertainty:
            se[exact] = np.sqrt(results.scale)
            exact += 1
    return RecurrentPrediction(mean, se, window.index, method, results.shocks, paths, exact)


def get_forecast(
    results: RecurrentResults,
    steps: Any = 1,
    exog: Any = None,
    index: Any = None,
    *,
    method: str = "bootstrap",
    n_sims: int = 1000,
    rng: Any = None,
    param_uncertainty: bool = False,
) -> RecurrentPrediction:
    """
    Forecasts after the end of the sample, with intervals.

    Parameters
    ----------
    steps, exog, index
        As in `forecast`.
    method, n_sims, rng, param_uncertainty
        As in `get_prediction`.

    Returns
    -------
    RecurrentPrediction
        See `get_prediction`.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = np.random.default_rng(0).standard_normal(60)
    >>> res = prt.ParaRNN(y, units=(1,)).fit(n_starts=2)
    >>> narrow, wide = (res.get_forecast(2, n_sims=200, rng=0).conf_int(alpha) for alpha in (0.5, 0.1))
    >>> bool((wide[:, 1] > narrow[:, 1]).all())
    True
    """
    start, end = _forecast_range(results, steps)
    return get_prediction(
        results, start, end, exog=exog, index=index, method=method, n_sims=n_sims, rng=rng,
        param_uncertainty=param_uncertainty,
    )  # fmt: skip


def is_explosive(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Which paths (last axis: time) are not finite or far outside the range of the observations."""
    far = EXPLOSIVE * max(high - low, np.finfo(float).tiny)
    with np.errstate(invalid="ignore"):
        return np.asarray(~(np.abs(values - 0.5 * (low + high)) <= far).all(axis=-1))


def _forecast_range(results: RecurrentResults, steps: Any) -> tuple[int, Any]:
    n = results.model.nobs
    if isinstance(steps, Integral) and not isinstance(steps, bool):
        if steps < 1:
            raise ValueError(f"steps must be at least 1, but is {steps}.")
        return n, n + int(steps) - 1
    if isinstance(steps, (bool, Real)):
        raise TypeError(f"steps must be a positive integer or the last label to forecast, not {steps!r}.")
    return n, steps


def future_exog(results: RecurrentResults, window: PredictionWindow, exog: Any, index: Any) -> np.ndarray | None:
    """Exogenous values of the rows of a window after the sample; `index` are the labels the user gave."""
    beyond = window.out_of_sample
    if beyond == 0:
        if exog is not None:
            warn_user("exog is not used: the prediction ends inside the sample.", ValueWarning)
        return None
    labels = None if index is None or window.start > results.model.nobs else window.index
    return results.model.future_exog(exog, beyond, None if labels is None else labels[-beyond:])


def _first_unobserved(results: RecurrentResults, window: PredictionWindow) -> int:
    """Row from which on observations are not used."""
    n = results.model.nobs
    return n if window.dynamic_start is None else max(min(window.dynamic_start, n), results.first_row)


def _last_observed(results: RecurrentResults, row: int) -> int:
    """Row after the last observation before `row`: where simulated paths must begin."""
    if results.data_removed:
        return results.tail.standpoint.row
    observed = np.flatnonzero(np.isfinite(results.model._y[:row]))
    return max(int(observed[-1]) + 1 if len(observed) else 0, results.first_row)


def _points(results: RecurrentResults, window: PredictionWindow, future: np.ndarray | None) -> np.ndarray:
    """Predictions of the rows of a window."""
    values = np.full(len(window), np.nan)
    begin = _first_unobserved(results, window)
    known = min(begin, window.stop)
    if window.start < known:
        values[: known - window.start] = results.fittedvalues[window.start : known]
    if begin < window.stop:
        path = continue_path(results, standpoint(results, begin), window.stop - begin, future)[0]
        first = max(begin, window.start)
        values[first - window.start :] = path[first - begin :]
    return values


def _simulate(
    results: RecurrentResults,
    origin: int,
    stop: int,
    future: np.ndarray | None,
    method: str,
    n_sims: int,
    rng: np.random.Generator,
    param_uncertainty: bool,
) -> np.ndarray:
    """Paths from row `origin` to row `stop`."""
    shape = (n_sims, stop - origin)
    params = states = None
    if param_uncertainty:
        covariance = np.asarray(results.cov_params())
        if not np.isfinite(covariance).all():
            raise ValueError(
                "param_uncertainty=True needs the covariance of the parameters, which these results do not have; "
                "rescale endog, or pass param_uncertainty=False."
            )
        values, vectors = linalg.eigh(covariance, driver="ev")
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        params = results.params + rng.standard_normal((n_sims, len(results.params))) @ root.T
        states = refit_states(results, origin, params)
    if method == "bootstrap":
        shocks = rng.choice(results.shocks, size=shape)
    else:
        shocks = np.sqrt(results.scale) * rng.standard_normal(shape)
    return continue_path(results, standpoint(results, origin), shape[1], future, shocks, params, states)


def _spread(paths: np.ndarray) -> np.ndarray:
    """Standard deviation over paths; those that are not finite are left out."""
    if np.isfinite(paths).all():
        return paths.std(axis=0, ddof=1)
    finite = np.where(np.isfinite(paths), paths, np.nan)
    count = np.isfinite(finite).sum(axis=0)
    mean = np.nansum(finite, axis=0) / np.maximum(count, 1)
    return np.sqrt(np.nansum((finite - mean) ** 2, axis=0) / np.maximum(count - 1, 0))


def _warn_explosive(results: RecurrentResults, paths: np.ndarray, what: str) -> None:
    """Warn of paths that leave the range of the observations, and of those that only end before they do."""
    wild = int(is_explosive(paths, results.tail.low, results.tail.high).sum())
    if wild:
        said = f"{what.format(wild, len(paths))} the range of the observations within {paths.shape[1]} steps"
    elif results.explosive:
        said = "without shocks it leaves the range of the observations when it goes on"
    else:
        return
    warn_user(
        f"The forecast is explosive: {said}; fit with a penalty or with fewer units, and look at results.stability().",
        OutputWarning,
    )
