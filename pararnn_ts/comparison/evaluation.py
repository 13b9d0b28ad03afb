"""How well models fit and forecast, on rows and targets that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts.comparison.candidates import Candidate
from pararnn_ts.scores import diebold_mariano, interval_coverage, mae, mase, rmse

__all__ = ["criteria", "one_step_errors", "scores"]


def one_step_errors(results: Any, endog: pd.Series) -> np.ndarray:
    """
    One-step prediction errors in the sample, NaN in rows that are missing, held back or part of a diffuse start.

    Parameters
    ----------
    results : results object
        Its `fittedvalues` may lack rows at the start.
    endog : Series
        The sample.

    Returns
    -------
    ndarray
        An error for each row of the sample.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from statsmodels.tsa.ar_model import AutoReg
    >>> from pararnn_ts.comparison.evaluation import one_step_errors
    >>> y = pd.Series(np.random.default_rng(0).standard_normal(50))
    >>> errors = one_step_errors(AutoReg(y, 3).fit(), y)
    >>> len(errors), int(np.isnan(errors).sum())
    (50, 3)
    """
    fitted = np.asarray(results.fittedvalues, dtype=float)
    errors = np.full(len(endog), np.nan)
    errors[len(endog) - len(fitted) :] = endog.to_numpy()[len(endog) - len(fitted) :] - fitted
    errors[: int(getattr(results, "loglikelihood_burn", 0) or 0)] = np.nan
    return errors


def criteria(candidates: Mapping[str, Candidate], endog: pd.Series) -> pd.DataFrame:
    """
    Fit in the sample, of all models on the same observations.

    Parameters
    ----------
    candidates : mapping
        Fitted models.
    endog : Series
        The sample they were fitted to.

    Returns
    -------
    DataFrame
        A row for each model: nobs, k (effective number of parameters, the variance included), llf, aic, bic and
        log_evidence.

    Notes
    -----
    llf is the Gaussian log likelihood of the one-step errors, its variance concentrated out, over the observations for
    which all models have a prediction. Where that is the model's own sample, llf, aic and bic are those that least
    squares and conditional likelihood report; an exact likelihood differs slightly.
    """
    errors = pd.DataFrame(
        {name: one_step_errors(c.results, endog) for name, c in candidates.items()}, index=endog.index
    )
    used = np.isfinite(errors.to_numpy()).all(axis=1)
    nobs = int(used.sum())
    if nobs < 2:
        raise ValueError("models have no observations that all of them predict in the sample; give them fewer lags.")
    rows = {}
    for name, candidate in candidates.items():
        k = n_parameters(candidate)
        sse = float(np.sum(errors.loc[used, name] ** 2))
        llf = -0.5 * nobs * (np.log(2 * np.pi * max(sse, 1e-300) / nobs) + 1)
        rows[name] = {
            "nobs": nobs,
            "k": k,
            "llf": llf,
            "aic": -2 * llf + 2 * k,
            "bic": -2 * llf + np.log(nobs) * k,
            "log_evidence": float(getattr(candidate.results, "log_evidence", np.nan)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def n_parameters(candidate: Candidate) -> float:
    """Effective number of estimated parameters, the variance of the shocks included; NaN where it is not known."""
    if not candidate.estimated:
        return 1.0
    df_model = getattr(candidate.results, "df_model", None)
    if df_model is None:
        return float("nan")
    # statsmodels' state space models count the variance among their parameters
    return float(df_model) + (0.0 if hasattr(candidate.results, "filter_results") else 1.0)


def scores(forecasts: pd.DataFrame, step: int, train: pd.Series, period: int | None, reference: str) -> pd.DataFrame:
    """
    Accuracy of forecasts so many steps ahead, of all models for the same observations.

    Parameters
    ----------
    forecasts : DataFrame
        Those of all models, one below the other; see `Comparison.forecasts`.
    step : int
        Steps ahead.
    train : Series
        The sample models were fitted to, which scales the mean absolute scaled error.
    period : int or None
        Length of the season of the naive forecast in that scale; None: the last value.
    reference : str
        Model that the others are tested against.

    Returns
    -------
    DataFrame
        A row for each model: n_forecasts, rmse, mae, mase, crps, coverage and dm_pvalue. Observations that are missing,
        or for which a model has no forecast, are left out for all.
    """
    chosen = forecasts[forecasts["step"] == step]
    wide = chosen.pivot(index="target", columns="model", values="mean")[chosen["model"].unique()]
    actual = chosen.drop_duplicates("target").set_index("target")["actual"].loc[wide.index]
    scored = wide.notna().all(axis=1) & actual.notna()
    if not scored.any():
        raise ValueError(
            f"The holdout has no observation that all models forecast {step} steps ahead; hold out more, or choose a "
            "smaller horizon."
        )
    y = actual[scored].to_numpy()
    errors = {name: y - wide[name][scored].to_numpy() for name in wide}
    rows = {}
    for name in wide:
        own = chosen[chosen["model"] == name].set_index("target").loc[wide.index[scored]]
        mean = own["mean"].to_numpy()
        lower, upper = own["lower"].to_numpy(), own["upper"].to_numpy()
        rows[name] = {
            "n_forecasts": len(y),
            "rmse": rmse(y, mean),
            "mae": mae(y, mean),
            "mase": mase(y, mean, train, period or 1),
            "crps": float(own["crps"].mean()),
            "coverage": interval_coverage(y, lower, upper) if np.isfinite(lower + upper).any() else np.nan,
            "dm_pvalue": np.nan,
        }
        if name != reference and len(y) > max(step, 2):
            rows[name]["dm_pvalue"] = diebold_mariano(errors[name], errors[reference], horizon=step).pvalue
    return pd.DataFrame.from_dict(rows, orient="index")
