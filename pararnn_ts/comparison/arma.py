"""The linear competitors: an ARMA model chosen by AIC and an autoregression chosen by BIC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.stattools import kpss

from pararnn_ts._compat import unheard_warnings
from pararnn_ts.estimation.blas import one_blas_thread

__all__ = ["order_of_integration", "select_ar", "select_arma"]

MAX_ORDER = 5
MAX_DIFF = 2
MAX_LAG = 12
# inverse roots further out than this leave no room for inference, as in the search of Hyndman and Khandakar
MAX_ROOT = 1 / 1.01


def order_of_integration(endog: pd.Series, exog: pd.DataFrame | None = None, *, max_diff: int = MAX_DIFF) -> int:
    """
    Differences after which the KPSS test does not reject that the series is stationary, at 5 %.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from pararnn_ts.comparison.arma import order_of_integration
    >>> shocks = pd.Series(np.random.default_rng(0).standard_normal(300))
    >>> order_of_integration(shocks), order_of_integration(shocks.cumsum())
    (0, 1)
    """
    y = endog.to_numpy(float)
    if exog is not None:
        rows = np.isfinite(y)
        design = np.column_stack([np.ones(len(y)), exog.to_numpy(float)])
        y = y - design @ np.linalg.lstsq(design[rows], y[rows], rcond=None)[0]
    for order in range(max_diff):
        seen = y[np.isfinite(y)]
        if len(seen) < 10 or np.ptp(seen) == 0:
            return order
        with unheard_warnings():  # p-values beyond the printed table
            if kpss(seen, regression="c", nlags="auto")[1] > 0.05:
                return order
        y = np.diff(y)
    return max_diff


@one_blas_thread()
def select_arma(endog: pd.Series, exog: pd.DataFrame | None = None, *, max_order: int = MAX_ORDER) -> Any:
    """
    ARIMA model with the smallest AIC found by the stepwise search of Hyndman and Khandakar (2008).

    Parameters
    ----------
    endog : Series
        The series; NaN where missing.
    exog : DataFrame, optional
        Regressors: with them it is a regression with ARMA errors.
    max_order : int
        Largest autoregressive and moving-average order.

    Returns
    -------
    ARIMAResults
        Exact maximum likelihood. The order of differencing is that of the KPSS test; the constant (without
        differencing) or drift (with one difference) is kept if it lowers the AIC.

    References
    ----------
    Hyndman and Khandakar (2008), "Automatic time series forecasting: the forecast package for R", Journal of
    Statistical Software 27 (3).

    Examples
    --------
    >>> from pararnn_ts.comparison.arma import select_arma
    >>> from pararnn_ts.datasets import load_nile
    >>> select_arma(load_nile()).model.order
    (1, 1, 1)
    """
    d = order_of_integration(endog, exog)
    level = ("c", "t", "n")[d]
    tried: dict[tuple[int, int, str], Any] = {}

    def fitted(p: int, q: int, trend: str) -> Any:
        key = (p, q, trend)
        if key not in tried:
            tried[key] = _fit(endog, exog, (p, d, q), trend)
        return tried[key]

    def aic(key: tuple[int, int, str]) -> float:
        results = fitted(*key)
        return np.inf if results is None else float(results.aic)

    best = min([(2, 2, level), (0, 0, level), (1, 0, level), (0, 1, level)], key=aic)
    while True:
        p, q, trend = best
        steps = [(p + i, q + j, trend) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
        steps = [key for key in steps if 0 <= key[0] <= max_order and 0 <= key[1] <= max_order]
        if level != "n":
            steps.append((p, q, "n" if trend == level else level))
        better = min(steps, key=aic)
        if not aic(better) < aic(best):
            break
        best = better
    results = fitted(*best)
    if results is None:
        raise ValueError("No ARMA model could be fitted to endog; look at its plot, and pass models to choose others.")
    if results.mle_retvals["converged"]:
        return results
    # the search is content with 50 iterations, the winner is not
    return _fit(endog, exog, (best[0], d, best[1]), best[2], results.params, {"maxiter": 1000}) or results


def _fit(
    endog: pd.Series,
    exog: pd.DataFrame | None,
    order: tuple[int, int, int],
    trend: str,
    start_params: Any = None,
    method_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Fit one model; None when it cannot be fitted or has a root at the unit circle."""
    with unheard_warnings():  # poor start values and slow convergence of orders that will not be chosen
        try:
            results = ARIMA(endog, exog, order=order, trend=trend).fit(start_params, method_kwargs=method_kwargs)
        except (np.linalg.LinAlgError, ValueError):
            return None
    roots = np.concatenate([np.abs(1 / results.arroots), np.abs(1 / results.maroots)])
    return results if np.isfinite(results.llf) and (roots <= MAX_ROOT).all() else None


def select_ar(
    endog: pd.Series,
    exog: pd.DataFrame | None = None,
    *,
    max_lag: int = MAX_LAG,
    seasonal_lags: Sequence[int] = (),
    hold_back: int = 0,
) -> Any:
    """
    Autoregression with the smallest BIC, all orders judged on the same observations.

    Parameters
    ----------
    endog : Series
        The series; NaN where missing.
    exog : DataFrame, optional
        Regressors.
    max_lag : int
        Largest order.
    seasonal_lags : sequence of int
        Further lags; every order is tried with and without them.
    hold_back : int
        Rows at the start that are not predicted, where more than the lags need.

    Returns
    -------
    AutoRegResults or ARIMAResults
        Least squares; where observations are missing, exact maximum likelihood without seasonal lags.

    Examples
    --------
    >>> from pararnn_ts.comparison.arma import select_ar
    >>> from pararnn_ts.datasets import load_lynx
    >>> select_ar(load_lynx()).model.ar_lags
    [1, 2]
    """
    orders = range(min(max_lag, len(endog) // 10) + 1)
    if endog.isna().any():
        found = (_fit(endog, exog, (p, 0, 0), "c") for p in orders)
        return min((results for results in found if results is not None), key=lambda results: results.bic)
    hold_back = max([hold_back, orders[-1], *seasonal_lags])
    choices = [
        sorted({*range(1, p + 1), *extra}) for p in orders for extra in dict.fromkeys([(), tuple(seasonal_lags)])
    ]
    fits = (AutoReg(endog, lags or 0, exog=exog, hold_back=hold_back).fit() for lags in choices)
    return min(fits, key=lambda results: results.bic)
