"""Compare models of one series: fit each once, forecast a holdout from a rolling origin, and score the forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.comparison.candidates import Candidate, caught_warnings, default_makers, fit_candidates, user_makers
from pararnn_ts.comparison.evaluation import criteria, scores
from pararnn_ts.comparison.inspection import exog_columns
from pararnn_ts.comparison.rolling import rolling_forecast
from pararnn_ts.comparison.sample import Sample, split_sample
from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.models.arguments import check_count, check_flag, check_generator
from pararnn_ts.progress import progress_bar
from pararnn_ts.results.graphics import PlotMethod

if TYPE_CHECKING:
    from statsmodels.iolib.summary import Summary

__all__ = ["Comparison", "compare"]

# one less the nominal coverage of all intervals
ALPHA = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """
    Models of one series side by side, from `compare`.

    Parameters
    ----------
    table : DataFrame
        A row for each model. On the observations of the sample that all models predict: `nobs`, `k` (effective number
        of parameters, including the variance), `llf`, `aic` and `bic`; `log_evidence`, where a model has one, is for
        all observations that the model predicts. On the holdout, `horizon` steps ahead: `n_forecasts`, `rmse`, `mae`,
        `mase`, `crps`, `coverage` of the 95 % intervals, and `dm_pvalue`, the p-value of the Diebold-Mariano test of
        equal squared errors against the reference. `fit_time` is in seconds and includes the choice of orders.
    forecasts : DataFrame
        A row for each model, origin and step, with the columns of `rolling_forecast` and the name of the model.
    results : dict
        Fitted results of each model on the sample before the holdout.
    specifications : dict
        Each model in a few words.
    endog : Series
        The whole series on its complete index.
    n_train : int
        Rows before the holdout.
    horizon : int
        Number of steps ahead for which `table` has scores.
    refit_every : int or None
        Number of observations after which parameters were estimated anew.
    reference : str
        Model against which the others are tested.
    period : int or None
        Length of the season: `mase` is relative to the value one season back, or with None to the last value.
    warnings : dict
        Warnings that each model gave while it was fitted or forecast.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> from statsmodels.tsa.ar_model import AutoReg
    >>> lynx = np.log10(prt.datasets.load_lynx())
    >>> models = {"AR": AutoReg(lynx, 2), "one unit": prt.ParaRNN(lynx, lags=2, units=(1,))}
    >>> comparison = prt.compare(lynx, holdout=14, models=models)
    >>> comparison.table[["nobs", "n_forecasts"]]
              nobs  n_forecasts
    AR          98           14
    one unit    98           14
    """

    table: pd.DataFrame
    forecasts: pd.DataFrame
    results: dict[str, Any]
    specifications: dict[str, str]
    endog: pd.Series
    n_train: int
    horizon: int
    refit_every: int | None
    reference: str
    period: int | None
    warnings: dict[str, tuple[str, ...]]

    @cached_property
    def by_step(self) -> pd.DataFrame:
        """
        Scores at every step up to the horizon.

        Returns
        -------
        DataFrame
            A row for each step and model, with those columns of `table` that concern the holdout.
        """
        steps = range(1, self.horizon + 1)
        found = {step: self._scores(step) for step in steps}
        return pd.concat(found, names=["step", "model"])

    def _scores(self, step: int) -> pd.DataFrame:
        train = self.endog.iloc[: self.n_train]
        return scores(self.forecasts, step, train, self.period, self.reference)

    def summary(self) -> Summary:
        """
        Summary of the comparison.

        Returns
        -------
        Summary
            What was compared, how the models fit, how they forecast, and what follows from it in plain words. It prints
            as text and has `as_text`, `as_html` and `as_latex`.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> nile = prt.datasets.load_nile()
        >>> models = {"linear": prt.ParaRNN(nile, units=()), "one unit": prt.ParaRNN(nile, units=(1,))}
        >>> print(prt.compare(nile, holdout=20, models=models).summary().as_text().splitlines()[0].strip())
        Forecast comparison: flow
        """
        from pararnn_ts.comparison.summary import make_summary

        return make_summary(self)

    plot = PlotMethod("plot_comparison")

    def __repr__(self) -> str:
        models = ", ".join(self.table.index)
        return f"<Comparison of {models} on the last {len(self.endog) - self.n_train} rows of {self.endog.name}>"

    def __str__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()


def compare(
    endog: Any,
    exog: Any = None,
    *,
    holdout: Any,
    models: Mapping[str, Any] | None = None,
    horizon: int = 1,
    refit_every: int | None = None,
    dates: Any = None,
    freq: Any = None,
    rng: int | np.random.Generator | None = 0,
    progress: bool = False,
) -> Comparison:
    """
    Compare models of one series, in the sample and on a holdout.

    Parameters
    ----------
    endog : Series or array_like
        The series; NaN where missing.
    exog : DataFrame or array_like, optional
        Exogenous values, matched by label. Those of the periods to be forecast are taken as known.
    holdout : int, float or label
        Observations to be forecast and not fitted: the number of the last ones, their share, or the label of the first.
    models : dict, optional
        Maps the name of each model to

        - a model of this package or of statsmodels, not fitted; it is made again for the sample before the holdout, so
          it does not matter which data it holds; or
        - a function of endog and exog that returns fitted results with `append`, `forecast` and `fittedvalues`.

        The first is the reference. By default: a ParaRNN whose order is selected by evidence; an Elman network with as
        many hidden states and the same differences and seasonal dummies; the ARIMA model of smallest AIC, which is the
        reference; the autoregression of smallest BIC; the last value; and, where the index suggests a season, the value
        one season back. A season longer than 12 is among the lags of the ParaRNN and of the autoregression; the ARIMA
        model has no seasonal terms.
    horizon : int
        Number of steps to forecast ahead.
    refit_every : int, optional
        Number of observations after which the parameters, but not the orders, are estimated anew; by default never.
    dates : array_like of dates, optional
        Labels of the observations, in place of the index of `endog`.
    freq : str or offset, optional
        Frequency of the dates; inferred when not given.
    rng : None, int or numpy.random.Generator
        Source of randomness for starting values and simulated forecasts.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Comparison
        With `table`, `forecasts`, `results`, `summary()` and `plot()`.

    Notes
    -----
    All models are judged on the same observations, in the sample and on the holdout. Observations that are missing, or
    for which one of the models has no forecast, are left out for all of them; the summary says how many.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> from statsmodels.tsa.arima.model import ARIMA
    >>> lynx = np.log10(prt.datasets.load_lynx())
    >>> comparison = prt.compare(
    ...     lynx,
    ...     holdout="1921",
    ...     models={"AR(2)": ARIMA(lynx, order=(2, 0, 0)), "two units": prt.ParaRNN(lynx, lags=2, units=(1, 1))},
    ... )
    >>> comparison.table.columns.tolist()[:6]
    ['nobs', 'k', 'llf', 'aic', 'bic', 'log_evidence']
    >>> comparison.forecasts[["model", "origin", "step", "target"]].head(2)
       model origin  step target
    0  AR(2)   1920     1   1921
    1  AR(2)   1921     1   1922
    """
    sample = split_sample(endog, exog, holdout, dates, freq)
    horizon = check_count(horizon, "horizon")
    every = None if refit_every is None else check_count(refit_every, "refit_every")
    check_generator(rng)
    progress = check_flag(progress, "progress")
    if horizon > len(sample.endog) - sample.n_train:
        raise ValueError(
            f"horizon={horizon} is longer than the holdout of {len(sample.endog) - sample.n_train} observations; "
            "choose a smaller one or hold out more."
        )
    makers = default_makers(sample.period, rng) if models is None else user_makers(models)
    candidates: dict[str, Candidate] = {}
    forecasts: dict[str, pd.DataFrame] = {}
    said: dict[str, tuple[str, ...]] = {}
    with one_blas_thread(), progress_bar(len(makers), "models", progress) as done:
        for name, candidate in fit_candidates(makers, *sample.train):
            candidates[name] = candidate
            forecasts[name], said[name] = _forecast(name, candidate, sample, horizon, every, rng)
            done(1)
    everything = pd.concat([frame.assign(model=name) for name, frame in forecasts.items()], ignore_index=True)
    everything = everything[["model", *everything.columns.drop("model")]]
    reference = "ARMA" if models is None else next(iter(candidates))
    train, period = sample.train[0], sample.period
    table = criteria(candidates, train).join(scores(everything, horizon, train, period, reference))
    table["fit_time"] = [candidate.seconds for candidate in candidates.values()]
    return Comparison(
        table=table,
        forecasts=everything,
        results={name: candidate.results for name, candidate in candidates.items()},
        specifications={name: candidate.specification for name, candidate in candidates.items()},
        endog=sample.endog,
        n_train=sample.n_train,
        horizon=horizon,
        refit_every=every,
        reference=reference,
        period=period,
        warnings={name: tuple(dict.fromkeys((*candidates[name].warnings, *said[name]))) for name in candidates},
    )


def _forecast(
    name: str, candidate: Candidate, sample: Sample, horizon: int, every: int | None, rng: Any
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Forecasts of one model, and what it warned of."""
    endog, exog = sample.holdout
    if exog is not None and hasattr(candidate.results, "model"):
        columns = exog_columns(candidate.results.model, exog)
        exog = exog[columns] if columns else None
    refit = every if every is not None and candidate.estimated else False
    with caught_warnings() as said:
        try:
            found = rolling_forecast(candidate.results, endog, exog, h=horizon, refit=refit, alpha=ALPHA, rng=rng)
        except Exception as error:
            raise ValueError(f"Model {name!r} could not forecast ({error}); repair it or leave it out.") from error
    return found, tuple(said)
