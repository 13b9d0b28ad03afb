"""Simulated paths from any point of the sample, and responses to a shock."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.models.arguments import (
    MOST_AHEAD,
    MOST_DRAWS,
    check_count,
    check_flag,
    check_generator,
    check_paths,
    given,
)
from pararnn_ts.results.prediction import future_exog
from pararnn_ts.results.trajectory import continue_path, response, standpoint
from pararnn_ts.results.uncertainty import draw_shocks

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = ["impulse_responses", "simulate"]

# rows over which a response is averaged
MOST_HISTORIES = 200


def simulate(
    results: RecurrentResults,
    nsimulations: int,
    repetitions: int = 1,
    anchor: Any = None,
    random_errors: Any = None,
    exog: Any = None,
    index: Any = None,
    rng: Any = None,
) -> pd.Series | pd.DataFrame | np.ndarray:
    """
    Simulate the series from a row of the sample or from its end.

    Parameters
    ----------
    nsimulations : int
        Length of the paths.
    repetitions : int
        Number of paths.
    anchor : "start", "end", int, str or label, optional
        First row that is simulated, given the observations before it. "start", the default, is the first row that the
        model predicts and "end" the first after the sample; integers are positions, anything else is a label.
    random_errors : "bootstrap", array_like or frozen scipy distribution, optional
        Shocks: of the fitted law (the default), residuals drawn with replacement, given ones of shape
        (nsimulations, repetitions), or draws of a distribution such as ``scipy.stats.t(5)``.
    exog : Series, DataFrame or array_like, optional
        Exogenous values of the rows after the sample.
    index : Index, optional
        Labels of the paths, where the index of the series cannot be extended.
    rng : None, int or Generator
        Source of randomness; the same integer gives the same numbers.

    Returns
    -------
    Series, DataFrame or ndarray
        One column for each path where there is more than one.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = np.random.default_rng(0).standard_normal(60)
    >>> res = prt.ParaRNN(y, units=(1,)).fit(n_starts=2)
    >>> np.allclose(res.simulate(4, anchor="end", random_errors=np.zeros(4)), res.forecast(4))
    True
    """
    steps = check_count(nsimulations, "nsimulations", most=MOST_AHEAD)
    paths = check_count(repetitions, "repetitions", most=MOST_DRAWS)
    check_paths(paths, steps, "repetitions")
    row = _anchor_row(results, anchor)
    window = results.model.prediction_window(row, row + steps - 1, index=index)
    future = future_exog(results, window, exog, index)
    shocks = _shocks(results, random_errors, steps, paths, check_generator(rng))
    values = continue_path(results, standpoint(results, row), steps, future, shocks).T
    if repetitions == 1:
        return results._labelled(values[:, 0], window.index, results.model.endog_name)
    return values if window.index is None else pd.DataFrame(values, index=window.index)


def impulse_responses(
    results: RecurrentResults,
    steps: int = 1,
    impulse: float = 1.0,
    *,
    history: Any = "end",
    per_unit: bool = True,
    cumulative: bool = False,
) -> pd.Series:
    """
    Response of the series to a shock: the path with the shock less the path without it.

    Parameters
    ----------
    steps : int
        Steps after the shock.
    impulse : float
        Size and sign of the shock, in standard deviations of the shocks.
    history : "end", "average", int, str or label
        Observations before the shock: all of them, those before a row (integers are positions), or the average over
        rows spread evenly over the sample. The response of a nonlinear model depends on them.
    per_unit : bool
        Whether to divide by the shock; a linear model then gives its moving-average coefficients, whatever the
        impulse. Otherwise the response is in units of the series.
    cumulative : bool
        Whether to add the responses up.

    Returns
    -------
    Series
        Response after 0, 1, ..., `steps` steps. No further shocks arrive, and exogenous values stay as they were in
        the last row.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> from statsmodels.tsa.arima.model import ARIMA
    >>> y = np.random.default_rng(0).standard_normal(200)
    >>> arma = ARIMA(y, order=(1, 0, 1)).fit()
    >>> res = prt.ParaRNN.from_arma(arma)
    >>> np.allclose(res.impulse_responses(8), arma.impulse_responses(8))
    True
    """
    steps = check_count(steps, "steps", 0, MOST_AHEAD)
    per_unit, cumulative = check_flag(per_unit, "per_unit"), check_flag(cumulative, "cumulative")
    if not isinstance(impulse, Real) or not np.isfinite(impulse) or impulse == 0.0:
        raise ValueError(f"impulse must be a finite number other than zero, but is {given(impulse)}.")
    size = float(impulse) * float(np.sqrt(results.scale))
    if isinstance(history, str) and history == "average":
        results.require_data()
        first, n = results.first_row, results.model.nobs
        rows = np.unique(np.linspace(first, n, min(MOST_HISTORIES, n - first + 1)).astype(int))
    else:
        rows = np.array([_anchor_row(results, history, "history")])
    values = np.mean([_response(results, int(row), steps, size) for row in rows], axis=0)
    if per_unit:
        values = values / size
    if cumulative:
        values = np.cumsum(values)
    return pd.Series(values, index=pd.RangeIndex(steps + 1, name="step"), name="impulse_response")


def _response(results: RecurrentResults, row: int, steps: int, size: float) -> np.ndarray:
    """Response to a shock, the exogenous values beyond the sample as they were in its last row."""
    beyond = max(row + steps + 1 - results.model.nobs, 0)
    future = np.repeat(results.tail.last_exog, beyond, axis=0) if beyond else None
    return response(results, row, steps + 1, size, future)


def _anchor_row(results: RecurrentResults, anchor: Any, name: str = "anchor") -> int:
    n = results.model.nobs
    if anchor is None or (isinstance(anchor, str) and anchor == "start"):
        return results.first_row
    if isinstance(anchor, str) and anchor == "end":
        return n
    row = results.model.row_of(anchor, name)
    if not results.first_row <= row <= n:
        raise ValueError(
            f"{name}={anchor!r} is row {row}, but paths can begin at rows {results.first_row} (the first that is "
            f"predicted) to {n} (the first after the sample); choose one of them."
        )
    return row


def _shocks(
    results: RecurrentResults, random_errors: Any, steps: int, paths: int, rng: np.random.Generator
) -> np.ndarray:
    """Shocks, (paths, steps)."""
    if random_errors is None:
        return draw_shocks(results, "simulated", rng.random((paths, steps)))
    if isinstance(random_errors, str):
        if random_errors != "bootstrap":
            raise ValueError(
                "random_errors must be 'bootstrap', an array, a frozen scipy distribution or None, but is "
                f"{given(random_errors)}."
            )
        return draw_shocks(results, "bootstrap", rng.random((paths, steps)))
    if hasattr(random_errors, "rvs"):
        return np.asarray(random_errors.rvs(size=(paths, steps), random_state=rng), dtype=float)
    shape = f"shape (nsimulations, repetitions) = ({steps}, {paths})"
    try:
        shocks = np.asarray(random_errors)
        shocks = shocks.astype(float, casting="unsafe" if shocks.dtype.kind == "O" else "same_kind")
    except (TypeError, ValueError):
        raise TypeError(f"random_errors must hold numbers and have {shape}, but is {given(random_errors)}.") from None
    if shocks.ndim == 1 and paths == 1:
        shocks = shocks[:, None]
    if shocks.shape != (steps, paths):
        raise ValueError(f"random_errors must have {shape}, but has shape {shocks.shape}.")
    if not np.isfinite(shocks).all():
        raise ValueError("random_errors must be finite numbers, but holds infinite or missing ones; replace them.")
    return shocks.T
