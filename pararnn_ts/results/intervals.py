"""Predictions with standard errors and intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from pararnn_ts._compat import PredictionResults
from pararnn_ts.models.arguments import check_alpha, check_choice
from pararnn_ts.results.conformal import conformal_radius

__all__ = ["METHODS", "SIMULATED", "RecurrentPrediction", "check_method", "path_quantiles"]

# methods with paths, whose shocks are residuals, normal, or those of the model; and methods without
SIMULATED = ("bootstrap", "gaussian", "simulated")
METHODS = (*SIMULATED, "exact", "conformal")


def check_method(method: str, known: tuple[str, ...] = METHODS) -> str:
    """
    Name of a method, or a ValueError.

    Examples
    --------
    >>> from pararnn_ts.results.intervals import check_method
    >>> check_method("conformal")
    'conformal'
    """
    return check_choice(method, "method", known)


class RecurrentPrediction(PredictionResults):
    """
    Predictions with standard errors and intervals.

    Parameters
    ----------
    mean, se : ndarray, (n,)
        Predictions and their standard errors.
    labels : Index or None
        Labels of the rows.
    method : str
        Where intervals come from, see `results.get_prediction`.
    shape : callable, optional
        Quantiles of a distribution of variance one; times the standard error they bound the rows that are not
        simulated. The normal distribution when not given.
    paths : ndarray, (n_sims, k), optional
        Simulated paths of the last k rows.
    errors : ndarray, (n, m), optional
        Calibration errors of each row, NaN where there is none; the intervals are then conformal.

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
        *,
        shape: Callable[[np.ndarray], np.ndarray] = stats.norm.ppf,
        paths: np.ndarray | None = None,
        errors: np.ndarray | None = None,
    ):
        with np.errstate(over="ignore"):
            super().__init__(mean, se**2, row_labels=labels)
        self._se = se
        self.method = method
        self._shape, self._errors = shape, errors
        self._paths = np.empty((0, 0)) if paths is None else paths

    @property
    def se_mean(self) -> pd.Series | np.ndarray:
        """Standard errors, also where their squares are too large for a number."""
        return self._wrap_pandas(self._se, "mean_se")

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
            Columns "lower" and "upper". Rows that are simulated have the quantiles of `simulations`; the others
            quantiles of a distribution with the standard error `se_mean` around the prediction, or, by the method
            "conformal", the prediction plus and minus a quantile of the absolute errors in the calibration part.

        Raises
        ------
        ValueError
            If there are too few calibration errors for this coverage, or a bound is beyond every number.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> forecast = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=2).get_forecast(3, rng=0)
        >>> bounds = forecast.conf_int(alpha=0.1)
        >>> bounds.columns.tolist(), bool((bounds["lower"] < bounds["upper"]).all())
        (['lower', 'upper'], True)
        """
        alpha = check_alpha(alpha)
        mean, se = self._predicted_mean, self._se
        if self._errors is not None:
            bounds = mean[:, None] + conformal_radius(self._errors, alpha)[:, None] * np.array([-1.0, 1.0])
        else:
            levels = np.array([alpha / 2, 1 - alpha / 2])
            known = len(mean) - self._paths.shape[1]
            bounds = np.empty((len(mean), 2))
            if known:
                bounds[:known] = mean[:known, None] + se[:known, None] * self._shape(levels)
            if known < len(mean):
                bounds[known:] = path_quantiles(self._paths, levels)
        lost = ~np.isfinite(bounds).all(axis=1) & np.isfinite(mean)
        if lost.any():
            raise ValueError(
                f"The interval of row {int(np.argmax(lost))} has no bound, because the fit is explosive; predict fewer "
                "steps, choose a larger alpha, fit with a penalty, and look at results.stability()."
            )
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

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> forecast = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=2).get_forecast(3, rng=0)
        >>> forecast.summary_frame(alpha=0.1).shape
        (3, 4)
        """
        return super().summary_frame(alpha)


def path_quantiles(paths: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Lower and upper quantile over paths, (rows, 2); paths that have no number are beyond every number."""
    if np.isfinite(paths).all():
        return np.quantile(paths, levels, axis=0).T
    # a path that is no number has left on one side or the other
    lower, upper = (np.where(np.isnan(paths), side, paths) for side in (-np.inf, np.inf))
    return np.column_stack(
        [np.quantile(lower, levels[0], axis=0, method="lower"), np.quantile(upper, levels[1], axis=0, method="higher")]
    )
