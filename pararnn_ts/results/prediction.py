"""Predictions inside the sample and forecasts beyond it, as points and with simulated intervals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.tools.sm_exceptions import OutputWarning

from pararnn_ts._compat import ValueWarning, warn_user
from pararnn_ts.models.arguments import MOST_DRAWS, check_count, check_flag, check_generator
from pararnn_ts.models.window import steps_ahead
from pararnn_ts.results.conformal import calibration_errors
from pararnn_ts.results.intervals import RecurrentPrediction, check_method
from pararnn_ts.results.trajectory import continue_path, standpoint
from pararnn_ts.results.uncertainty import (
    gap_deviation,
    parameter_deviation,
    shock_deviation,
    simulate_bundles,
    spread,
)
from pararnn_ts.specification import Specification

if TYPE_CHECKING:
    from pararnn_ts.models.window import PredictionWindow
    from pararnn_ts.results.base import RecurrentResults

__all__ = [
    "forecast",
    "future_exog",
    "get_forecast",
    "get_prediction",
    "is_explosive",
    "last_observed",
    "last_origins",
    "predict",
    "predict_points",
    "predict_window",
    "require_finite",
    "warn_explosive",
]

# paths further from the observations than this many times their range have left the data behind
EXPLOSIVE = 1000.0


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

    Raises
    ------
    ValueError
        If the recursion leaves the range of floating-point numbers.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> res = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=2)
    >>> res.predict("1969", "1972").index
    PeriodIndex(['1969', '1970', '1971', '1972'], dtype='period[Y-DEC]', name='year')
    """
    window = results.model.prediction_window(start, end, dynamic, index)
    values = predict_points(results, window, future_exog(results, window, exog, index))
    return results._labelled(values, window.index, "predicted_mean")


def predict_points(results: RecurrentResults, window: PredictionWindow, future: np.ndarray | None = None) -> np.ndarray:
    """Predictions of the rows of a window; `future` are the exogenous values of those after the sample."""
    values = _points(results, window, future)
    require_finite(results, window, values)
    first = max(_first_unobserved(results, window), window.start)
    if first < window.stop:
        warn_explosive(results, values[None, first - window.start :], "it leaves")
    return values


def forecast(results: RecurrentResults, steps: Any = 1, exog: Any = None, index: Any = None) -> pd.Series | np.ndarray:
    """
    Forecasts after the end of the sample.

    Parameters
    ----------
    steps : int, str or label
        Number of steps, or the last label to forecast; a part of a date stands for the first label in it.
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
    method : {"bootstrap", "gaussian", "simulated", "exact", "conformal"}
        Where intervals come from:

        - "bootstrap": paths whose shocks are residuals drawn with replacement (centred, with variance `scale`);
        - "gaussian": paths with normal shocks;
        - "simulated": paths with shocks of the fitted law, the same where that is normal;
        - "exact": the law of the shocks with the variance in closed form, for one step after an observation, and for
          any number of steps where they are normal and the model is linear (no units, or activation "identity");
        - "conformal": quantiles of the absolute errors of forecasts as many steps ahead over the last third of the
          sample, with parameters estimated on the rest of it.
    n_sims : int
        Number of paths.
    rng : None, int or Generator
        Source of randomness; the same integer gives the same numbers, whatever the number of threads.
    param_uncertainty : bool
        Whether the parameters are uncertain, too, with their normal distribution: each path has its own draw of them
        and moves by its derivative, and rows that are not simulated have the variance by the delta method. Conformal
        intervals allow for it in any case, since the errors behind them do.

    Returns
    -------
    RecurrentPrediction
        With `predicted_mean`, `se_mean`, `conf_int(alpha)`, `summary_frame(alpha)` and `simulations`. Rows that use
        the observations before them have the standard error sqrt(scale); inside a gap it grows as in a model that is
        linear around the predictions. Rows after the last observation that is used (dynamic predictions and forecasts)
        are simulated by the first three methods: their intervals are quantiles of `simulations`, and their standard
        errors standard deviations. Standard errors of "conformal" are root mean squares of the errors.

    Raises
    ------
    ValueError
        If "exact" is asked for steps that have no closed form, the sample is too short for "conformal", or a prediction
        or its standard error leaves the range of floating-point numbers. Simulated paths may leave it: the standard
        error is then that of the others, intervals count them as beyond every number, and a warning says how many.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = np.random.default_rng(0).standard_normal(60)
    >>> res = prt.ParaRNN(y, units=(1,)).fit(n_starts=2)
    >>> pred = res.get_prediction(58, 61, method="gaussian", n_sims=100, rng=0)
    >>> pred.conf_int().shape, pred.simulations.shape
    ((4, 2), (2, 100))
    """
    check_method(method)
    n_sims = check_count(n_sims, "n_sims", 2, MOST_DRAWS)
    param_uncertainty = check_flag(param_uncertainty, "param_uncertainty")
    window = results.model.prediction_window(start, end, dynamic, index)
    future = future_exog(results, window, exog, index)
    return predict_window(results, window, future, method, n_sims, rng, param_uncertainty)


def predict_window(
    results: RecurrentResults,
    window: PredictionWindow,
    future: np.ndarray | None = None,
    method: str = "bootstrap",
    n_sims: int = 1000,
    rng: Any = None,
    param_uncertainty: bool = False,
) -> RecurrentPrediction:
    """
    Predictions of the rows of a window, with intervals.

    Parameters
    ----------
    results : RecurrentResults
        Fitted model.
    window : PredictionWindow
        The rows.
    future : ndarray, optional
        Exogenous values of those after the sample.
    method, n_sims, rng, param_uncertainty
        As in `get_prediction`.

    Returns
    -------
    RecurrentPrediction
        See `get_prediction`.
    """
    mean = _points(results, window, future)
    require_finite(results, window, mean)
    begin = _first_unobserved(results, window)
    origin = last_observed(results, begin)
    first = max(origin, window.start)
    if method == "conformal":
        steps = np.arange(window.start, window.stop) - last_origins(results, window, first, origin) + 1
        errors = calibration_errors(results._calibrated(), int(steps.max()))[steps - 1]
        with np.errstate(over="ignore"):
            size = np.hypot.reduce(np.where(np.isnan(errors), 0.0, errors), axis=1)
        se = np.where(np.isfinite(mean), size / np.sqrt((~np.isnan(errors)).sum(axis=1)), np.nan)
        require_finite(results, window, se)
        return RecurrentPrediction(mean, se, window.index, method, errors=errors)
    se = np.where(np.isfinite(mean), np.sqrt(results.scale), np.nan)
    known = min(first, window.stop) - window.start
    if known > 0:
        predicted = np.isfinite(mean[:known])
        origins = last_origins(results, window, first, origin)[:known]
        se[:known] = np.where(predicted, gap_deviation(results, origins, window.start), np.nan)
        _warn_wide_gaps(results, se[:known][predicted])
    paths = None
    if method == "exact" and first < window.stop:
        _require_closed_form(results, window.stop - origin)
        se[known:] = shock_deviation(results, origin, window.stop, future)[first - origin :]
    if param_uncertainty and (method == "exact" or known > 0):
        se = np.hypot(se, parameter_deviation(results, window.start, origin, window.stop, future))
    if method != "exact" and first < window.stop:
        generator = check_generator(rng)
        full = simulate_bundles(
            results, origin, window.stop, future, method, n_sims, generator, param_uncertainty
        ).paths
        paths = full[:, first - origin :]
        warn_explosive(results, paths, "{} of {} simulated paths leave")
        se[known:] = spread(paths)
    require_finite(results, window, se)
    return RecurrentPrediction(mean, se, window.index, method, shape=_shape(results, method), paths=paths)


def _shape(results: RecurrentResults, method: str) -> Callable[[np.ndarray], np.ndarray]:
    """Quantiles of the errors of one step, standardised."""
    law = results.details.law
    if method != "bootstrap" and (law.is_normal or method == "gaussian"):
        return stats.norm.ppf
    quantiles = partial(np.quantile, results.shocks) if method == "bootstrap" else law.quantiles
    return partial(_standardised, quantiles, np.sqrt(results.scale))


def _standardised(quantiles: Callable[[np.ndarray], np.ndarray], size: float, levels: np.ndarray) -> np.ndarray:
    return quantiles(levels) / size


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


def _require_closed_form(results: RecurrentResults, steps: int) -> None:
    spec = results.model.specification
    if steps > 1 and not results.details.law.is_normal:
        raise ValueError(
            f"method='exact' is for one step after the last observation, but {steps} steps are asked for and sums of "
            "Student-t shocks have no closed form; pass method='simulated', 'bootstrap' or 'conformal'."
        )
    # only sums of units can be linear; cells have gates or activations of their own
    linear = isinstance(spec, Specification) and (not spec.units or spec.activation == "identity")
    if steps > 1 and not linear:
        raise ValueError(
            f"method='exact' is for one step after the last observation, but {steps} steps are asked for and the model "
            "is not linear; pass method='simulated', 'bootstrap' or 'conformal'."
        )


def is_explosive(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Which paths (last axis: time) are not finite or far outside the range of the observations."""
    far = EXPLOSIVE * max(high - low, np.finfo(float).tiny)
    with np.errstate(invalid="ignore"):
        return np.asarray(~(np.abs(values - 0.5 * (low + high)) <= far).all(axis=-1))


def _forecast_range(results: RecurrentResults, steps: Any) -> tuple[int, int]:
    model = results.model
    return model.nobs, model.nobs + steps_ahead(steps, model.index, model._extendable) - 1


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


def last_observed(results: RecurrentResults, row: int) -> int:
    """Row after the last observation before `row`: where simulated paths must begin."""
    if results.data_removed:
        return results.tail.standpoint.row
    row, first, used = max(row, results.first_row), results.first_row, results.used
    while row > first and not used[row - 1]:
        row -= 1
    return row if row > first else results.first_origin


def last_origins(results: RecurrentResults, window: PredictionWindow, first: int, origin: int) -> np.ndarray:
    """For each row of a window, the row after the last observation that its prediction uses; `first`: where none is."""
    rows = np.arange(window.start, window.stop)
    origins = np.full(len(rows), origin)
    known = rows < first
    if known.any():
        observed = np.isfinite(results.model._y[: rows[known][-1] + 1])
        last = np.maximum.accumulate(np.where(observed, np.arange(len(observed)), -1))
        after = np.where(rows[known] > 0, last[rows[known] - 1], -1) + 1
        origins[known] = np.where(after > results.first_row, after, results.first_origin)
    return np.minimum(origins, rows)


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


def require_finite(results: RecurrentResults, window: PredictionWindow, values: np.ndarray) -> None:
    """Refuse predictions and standard errors that cannot be written as numbers, those of rows held back apart."""
    lost = ~np.isfinite(values) & (np.arange(window.start, window.stop) >= results.first_row)
    if lost.any():
        row = window.start + int(np.argmax(lost))
        ahead = row - results.model.nobs + 1
        where = f"step {ahead}" if ahead > 0 else f"row {row} of the sample"
        raise ValueError(
            f"The prediction is explosive and leaves the range of numbers at {where}; predict fewer steps, fit with a "
            "penalty or with fewer units or states, and look at results.stability()."
        )


def _warn_wide_gaps(results: RecurrentResults, se: np.ndarray) -> None:
    """Warn of gaps across which what is known of the series is lost, as no stable model loses it."""
    wide = int(np.count_nonzero(se > EXPLOSIVE * (results.tail.high - results.tail.low)))
    if wide:
        warn_user(
            f"The fit is explosive: after missing values the standard errors of {wide} rows are beyond {EXPLOSIVE:g} "
            "times the range of the observations; fit with a penalty or with fewer units or states, and look at "
            "results.stability().",
            OutputWarning,
        )


def warn_explosive(results: RecurrentResults, paths: np.ndarray, what: str) -> None:
    """Warn of paths that leave the range of the observations, and of those that only end before they do."""
    wild = int(is_explosive(paths, results.tail.low, results.tail.high).sum())
    if wild:
        said = f"{what.format(wild, len(paths))} the range of the observations within {paths.shape[1]} steps"
    elif results.explosive:
        said = "without shocks it leaves the range of the observations when it goes on"
    else:
        return
    warn_user(
        f"The forecast is explosive: {said}; fit with a penalty or with fewer units or states, and look at "
        "results.stability().",
        OutputWarning,
    )
