"""Forecasts from a rolling origin, for any results object that can take in new observations and forecast."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pararnn_ts._compat import warnings_once
from pararnn_ts.comparison.inspection import kind, numbered, sample_size, shock_variance, simulates, takes
from pararnn_ts.comparison.sample import aligned
from pararnn_ts.models.arguments import check_alpha, check_count, check_flag, check_generator, given
from pararnn_ts.models.series import SeriesModel
from pararnn_ts.models.window import PredictionWindow
from pararnn_ts.progress import progress_bar
from pararnn_ts.results.prediction import predict_window
from pararnn_ts.scores import crps_gaussian, crps_sample

__all__ = ["rolling_forecast"]

# residuals that stand for the distribution of a one-step forecast: at most this many of their quantiles
MAX_POOL = 1000


class _Forecast(NamedTuple):
    """Forecast distributions of some rows; NaN where the model gives no more than a point."""

    mean: np.ndarray
    se: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    crps: np.ndarray


@warnings_once()
def rolling_forecast(
    results: Any,
    endog: Any,
    exog: Any = None,
    *,
    h: int = 1,
    step: int = 1,
    refit: bool | int = False,
    alpha: float = 0.05,
    rng: int | np.random.Generator | None = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """
    Forecast new observations from a rolling origin.

    Parameters
    ----------
    results : results object or model
        Fitted model of this package or of statsmodels (ARIMA, SARIMAX, UnobservedComponents, AutoReg, ...), or any
        object with ``append(endog, exog)`` and ``forecast(steps, exog)``. A model is fitted first.
    endog : Series or array_like
        Observations that follow the sample of `results`; NaN where missing.
    exog : DataFrame or array_like, optional
        Their exogenous values, which are taken as known at every origin.
    h : int
        Number of steps to forecast at each origin.
    step : int
        Number of observations between one origin and the next.
    refit : bool or int
        False: parameters stay as they are, and only the state moves on. True: refit at every origin. A number: refit
        after so many new observations. Orders and options of the model are kept.
    alpha : float
        One minus the nominal coverage of the intervals.
    rng : None, int or numpy.random.Generator
        Source of randomness for simulated forecast distributions.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    DataFrame
        A row for each origin and step, with the columns

        - origin, step, target: label of the last observation used, number of steps ahead, label of the forecast;
        - actual: the observation;
        - mean, se, lower, upper: forecast, its standard error and the bounds of its interval, NaN where the model
          gives none;
        - crps: continuous ranked probability score, of the simulated distribution if the model simulates, otherwise of
          the normal distribution with this mean and standard error.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from statsmodels.tsa.arima.model import ARIMA
    >>> nile = prt.datasets.load_nile()
    >>> results = ARIMA(nile[:"1960"], order=(0, 1, 1)).fit()
    >>> forecasts = prt.rolling_forecast(results, nile["1961":], h=2)
    >>> forecasts[["origin", "step", "target", "actual"]].head(3)
      origin  step target  actual
    0   1960     1   1961  1020.0
    1   1960     2   1962   906.0
    2   1961     1   1962   906.0
    """
    h, step, alpha = check_count(h, "h"), check_count(step, "step"), check_alpha(alpha)
    progress = check_flag(progress, "progress")
    if not isinstance(refit, (bool, np.bool_)) and not (isinstance(refit, Integral) and refit > 0):
        raise ValueError(f"refit must be False, True or a positive number of observations, but is {given(refit)}.")
    if hasattr(results, "rolling_forecast"):
        raise TypeError(f"results is a {kind(results)}, which has a method rolling_forecast of its own; call that.")
    if not hasattr(results, "append") and callable(getattr(results, "fit", None)) and not isinstance(results, type):
        results = results.fit()
    for method in ("append", "forecast"):
        if not hasattr(results, method):
            raise TypeError(
                f"results must have the methods append and forecast, but {kind(results)} has no {method}; wrap it in "
                "an object that has."
            )
    results = numbered(results)
    new = _new_data(results, endog, exog)
    n = len(new.y)
    every = (step if refit else n) if isinstance(refit, (bool, np.bool_)) else int(refit)
    generator = check_generator(rng)
    origins = _origin_labels(results, new.y.index)
    found: list[tuple[int, _Forecast]] = []
    with progress_bar(len(range(0, n, step)), "rolling origin", progress) as done:
        for start in range(0, n, every):
            chosen = [row for row in range(0, n, step) if start <= row < start + every]
            if not chosen:
                continue
            current = results.append(*new.rows(0, start), refit=True) if start else results
            for forecast in _roll(current, new, start, chosen, h, alpha, generator):
                found.append(forecast)
                done(1)
    # one frame of all origins: a frame for each would take longer than its forecasts
    counts = [len(forecast.mean) for _, forecast in found]
    first = np.repeat([row for row, _ in found], counts)
    steps = np.concatenate([np.arange(count) for count in counts])
    frame = pd.DataFrame({"origin": [origins[row] for row in first], "step": steps + 1})
    frame["target"] = new.y.index[first + steps]
    frame["actual"] = new.y.to_numpy()[first + steps]
    parts = zip(*(forecast for _, forecast in found), strict=True)
    return frame.assign(**{name: np.concatenate(part) for name, part in zip(_Forecast._fields, parts, strict=True)})


class _New(NamedTuple):
    """New observations on their complete index, and the labels with which the results take them in."""

    y: pd.Series
    x: pd.DataFrame | None
    labels: pd.Index | None

    def rows(self, first: int, stop: int) -> tuple[Any, Any]:
        """Some of them, in the form that `append` takes."""
        y, x = self.y.iloc[first:stop], None if self.x is None else self.x.iloc[first:stop]
        if self.labels is None:
            return y.to_numpy(), None if x is None else x.to_numpy()
        labels = self.labels[first:stop]
        return y.set_axis(labels), None if x is None else x.set_axis(labels)


def _new_data(results: Any, endog: Any, exog: Any) -> _New:
    model, n = getattr(results, "model", None), sample_size(results) or 0
    if isinstance(model, SeriesModel) and model.is_pandas and not _renumbers(model, endog):
        found = model.continuation(endog, exog)
        x = None if found.x is None else pd.DataFrame(found.x, found.index, columns=model.exog_labels)
        return _New(pd.Series(found.y, found.index, name=model.endog_name), x, found.index)
    y, x = aligned(endog, exog)
    numbers = pd.RangeIndex(n, n + len(y))
    if not isinstance(endog, (pd.Series, pd.DataFrame)):
        return _New(y.set_axis(numbers), x, None)
    if isinstance(endog, pd.Series):
        y.name = endog.name  # statsmodels appends what has the name of the sample, or none as the sample
    counted = _counted(y.index) if _renumbers(model, y) else None
    return _New(y, x, y.index) if counted is None else _New(y.set_axis(counted), x, numbers)


def _renumbers(model: Any, endog: Any) -> bool:
    """Whether a sample that is numbered from 0 goes on with numbers, whatever integers label the new observations."""
    own: Any = getattr(getattr(model, "data", None), "row_labels", None)
    if not isinstance(own, pd.RangeIndex) or (own.start, own.step) != (0, 1):
        return False
    labels = endog.index if isinstance(endog, (pd.Series, pd.DataFrame)) else own[:0]
    return pd.api.types.is_integer_dtype(labels.dtype) and labels[:1].tolist() not in ([], [len(own)])


def _counted(labels: Any) -> pd.RangeIndex | None:
    """Equally spaced integers as a RangeIndex, which a few of them are not by themselves; None for others."""
    steps = np.unique(np.diff(labels)).tolist() or [1]
    if len(steps) > 1 or steps[0] < 1:
        return None
    return pd.RangeIndex(int(labels[0]), int(labels[-1]) + steps[0], steps[0])


def _origin_labels(results: Any, index: pd.Index) -> list[Any]:
    """Labels of the last observation before each row."""
    if isinstance(index, pd.RangeIndex):
        before: Any = index.start - index.step
    elif isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)) and index.freq is not None:
        before = index[0] - index.freq
    else:
        labels = getattr(getattr(getattr(results, "model", None), "data", None), "row_labels", None)
        before = None if labels is None else labels[-1]
    return [before, *index[:-1]]


def _roll(
    results: Any, new: _New, start: int, rows: list[int], h: int, alpha: float, rng: np.random.Generator
) -> Iterator[tuple[int, _Forecast]]:
    """Forecasts from the origins before `rows`, of results whose sample ends before row `start`."""
    n, actual = len(new.y), new.y.to_numpy()
    stop, variance = min(rows[-1] + h, n), shock_variance(results)
    if hasattr(results, "forecast_from"):
        seen, shift = results.append(*new.rows(start, stop)), (sample_size(results) or 0) - start
        for row in rows:
            end = min(row + h, n)
            prediction = seen.forecast_from(row + shift, end - row, rng)
            yield row, _distribution(prediction, seen, actual[row:end], alpha, variance)
        return
    if hasattr(results, "get_prediction") and (h == 1 or simulates(results) or hasattr(results, "filter_results")):
        random = {"rng": rng} if simulates(results) else {}
        seen, shift = results.append(*new.rows(start, stop)), (sample_size(results) or 0) - start
        if h == 1:
            first, last = rows[0], rows[-1]
            prediction = seen.get_prediction(first + shift, last + shift, **random)
            found = _distribution(prediction, seen, actual[first : last + 1], alpha, variance)
            for row in rows:
                yield row, _Forecast(*(part[row - first : row - first + 1] for part in found))
            return
        for row in rows:
            end = min(row + h, n)
            if simulates(results):
                # rows by position, without labels, which would take longer than the recursion
                prediction = predict_window(seen._results, PredictionWindow.ahead(row + shift, end - row), rng=rng)
            else:
                prediction = seen.get_prediction(row + shift, end - 1 + shift, dynamic=True)
            yield row, _distribution(prediction, seen, actual[row:end], alpha, variance)
        return
    for row in rows:
        if row > start:
            results = results.append(*new.rows(start, row))
            start = row
        end = min(row + h, n)
        prediction = _out_of_sample(results, end - row, new.rows(row, end)[1], rng)
        yield row, _distribution(prediction, results, actual[row:end], alpha, variance)


def _out_of_sample(results: Any, steps: int, exog: Any, rng: np.random.Generator) -> Any:
    """Whatever a results object has to say about the steps after its sample: distributions if it can, else points."""
    known = {} if exog is None else {"exog": exog}
    if hasattr(results, "get_forecast"):
        random = {"rng": rng} if takes(results.get_forecast, "rng") else {}
        return results.get_forecast(steps, **known, **random)
    n = sample_size(results)
    if n is not None and takes(getattr(results, "get_prediction", None), "exog_oos"):
        return results.get_prediction(n, n + steps - 1, exog_oos=exog)
    return results.forecast(steps, **known)


def _distribution(prediction: Any, results: Any, actual: np.ndarray, alpha: float, variance: float) -> _Forecast:
    """
    Mean, standard error, interval and score of a prediction of these observations.

    `variance` is the :func:`shock_variance` of the sample behind the parameters: that of `results` knows observations
    after the origin.
    """
    unknown = np.full(len(actual), np.nan)
    if not hasattr(prediction, "predicted_mean"):
        return _Forecast(np.asarray(prediction, dtype=float), unknown, unknown, unknown, unknown)
    mean = np.asarray(prediction.predicted_mean, dtype=float)
    se = np.asarray(prediction.se_mean, dtype=float) if hasattr(prediction, "se_mean") else unknown
    lower, upper = np.asarray(prediction.conf_int(alpha=alpha), dtype=float).T
    own = shock_variance(results)
    if own != variance and own > 0.0:
        width = float(np.sqrt(variance / own))
        se, lower, upper = width * se, mean - width * (mean - lower), mean + width * (upper - mean)
    return _Forecast(mean, se, lower, upper, _crps(prediction, results, actual, mean, se))


def _crps(prediction: Any, results: Any, actual: np.ndarray, mean: np.ndarray, se: np.ndarray) -> np.ndarray:
    """Score of each row, NaN where it is missing or the model gives no distribution."""
    score = np.full(len(actual), np.nan)
    scored = np.isfinite(actual) & np.isfinite(mean)
    if not scored.any():
        return score
    paths = np.asarray(getattr(prediction, "simulations", np.empty((0, 0))), dtype=float)
    if len(paths) == len(actual):
        score[scored] = crps_sample(actual[scored], paths[scored], average=False)
    elif getattr(prediction, "method", None) == "bootstrap":
        shocks = np.asarray(results.shocks, dtype=float)
        if len(shocks) > MAX_POOL:
            shocks = np.quantile(shocks, (np.arange(MAX_POOL) + 0.5) / MAX_POOL)
        score[scored] = crps_sample((actual - mean)[scored], shocks, fair=False, average=False)
    elif np.isfinite(se[scored]).any():
        score[scored] = crps_gaussian(actual[scored], mean[scored], se[scored], average=False)
    return score
