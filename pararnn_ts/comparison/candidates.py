"""The models of a comparison, fitted: those everybody should be compared with, and whatever a user brings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from statsmodels.base.model import Model

from pararnn_ts._compat import heard_warnings
from pararnn_ts.comparison.arma import MAX_LAG, select_ar, select_arma
from pararnn_ts.comparison.inspection import describe, exog_columns, numbered, takes
from pararnn_ts.models.arguments import given
from pararnn_ts.models.elman import ElmanRNN
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.models.series import SeriesModel

__all__ = ["Candidate", "caught_warnings", "default_makers", "fit_candidates", "user_makers"]

Maker = Callable[[pd.Series, "pd.DataFrame | None"], "Candidate"]

# hidden states of the Elman network where the selected model has no unit to count
DEFAULT_HIDDEN = 2


@dataclass(frozen=True)
class Candidate:
    """
    A fitted model of a comparison.

    Parameters
    ----------
    results : results object
        What the fit returned.
    specification : str
        The model in a few words.
    estimated : bool
        Whether it has parameters that a refit would change.
    seconds : float
        How long choosing and fitting it took.
    warnings : tuple of str
        What it warned of.
    """

    results: Any
    specification: str
    estimated: bool = True
    seconds: float = float("nan")
    warnings: tuple[str, ...] = ()


@contextmanager
def caught_warnings() -> Iterator[list[str]]:
    """
    Collect the warnings for users that are given inside the block, each message once.

    Yields
    ------
    list of str
        Filled when the block ends.

    Examples
    --------
    >>> import warnings
    >>> from pararnn_ts.comparison.candidates import caught_warnings
    >>> with caught_warnings() as said:
    ...     warnings.warn("The sample is short.", UserWarning)
    >>> said
    ['The sample is short.']
    """
    said: list[str] = []
    with heard_warnings() as heard:
        yield said
    said += dict.fromkeys(str(warning) for warning in heard if isinstance(warning, UserWarning))


def fit_candidates(
    makers: Mapping[str, Maker], endog: pd.Series, exog: pd.DataFrame | None
) -> Iterator[tuple[str, Candidate]]:
    """
    Fit one model after the other to the same data.

    Parameters
    ----------
    makers : mapping
        Name of each model and the function that fits it.
    endog, exog : Series, DataFrame or None
        The sample.

    Yields
    ------
    tuple of str and Candidate
        Name and fitted model, with the time that it took and its warnings.

    Raises
    ------
    ValueError
        A model cannot be fitted.
    """
    for name, make in makers.items():
        with caught_warnings() as said:
            began = time.perf_counter()
            try:
                candidate = make(endog, exog)
            except Exception as error:
                reason = str(error).rstrip(".") or type(error).__name__
                raise ValueError(
                    f"Model {name!r} could not be fitted ({reason}); repair it or leave it out."
                ) from error
            seconds = time.perf_counter() - began
        yield name, replace(candidate, seconds=seconds, warnings=tuple(said))


def default_makers(period: int | None, rng: Any) -> dict[str, Maker]:
    """
    Models that are compared when none are given.

    Parameters
    ----------
    period : int or None
        Length of the season, where one is known.
    rng : None, int or Generator
        Source of the random starts.

    Returns
    -------
    dict
        Name of each model and the function that chooses and fits it.

    Examples
    --------
    >>> from pararnn_ts.comparison.candidates import default_makers
    >>> list(default_makers(12, 0))
    ['ParaRNN', 'Elman RNN', 'ARMA', 'AR', 'naive', 'seasonal naive']
    """
    chosen: dict[str, Any] = {}
    # a shorter season is among the lags that are tried anyway
    seasonal = () if period is None or period <= MAX_LAG else (period,)

    def pararnn(endog: pd.Series, exog: pd.DataFrame | None) -> Candidate:
        from pararnn_ts.selection import select_order

        chosen["results"] = select_order(endog, exog, seasonal_lags=seasonal, period=period, rng=rng).results
        return Candidate(chosen["results"], describe(chosen["results"]) + ", chosen by evidence")

    def elman(endog: pd.Series, exog: pd.DataFrame | None) -> Candidate:
        best = chosen["results"].model
        model = ElmanRNN(
            endog,
            exog,
            lags=best.lags or 1,
            hidden=sum(best.units) or DEFAULT_HIDDEN,
            linear_lags=best.linear_lags,
            seasonal=best.seasonal,
            period=best.period,
            diff=best.diff,
            seasonal_diff=best.seasonal_diff,
            hold_back=best.specification.hold_back or None,
        )
        results = model.fit(rng=rng)
        return Candidate(results, describe(results))

    def arma(endog: pd.Series, exog: pd.DataFrame | None) -> Candidate:
        results = select_arma(endog, exog)
        return Candidate(results, describe(results) + ", chosen by AIC")

    def ar(endog: pd.Series, exog: pd.DataFrame | None) -> Candidate:
        held = chosen["results"].model.specification.hold_back
        results = numbered(select_ar(endog, exog, seasonal_lags=seasonal, hold_back=held), refit=True)
        return Candidate(results, describe(results) + ", chosen by BIC")

    def naive(lag: int) -> Maker:
        def make(endog: pd.Series, exog: pd.DataFrame | None) -> Candidate:
            model = ParaRNN(endog, units=(), lags=0, linear_lags=[lag], trend="n")
            return Candidate(model.evaluate([1.0]), f"the value {lag} back" if lag > 1 else "the last value", False)

        return make

    makers = {"ParaRNN": pararnn, "Elman RNN": elman, "ARMA": arma, "AR": ar, "naive": naive(1)}
    return makers if period is None else {**makers, "seasonal naive": naive(period)}


def user_makers(models: Any) -> dict[str, Maker]:
    """
    Functions that fit what a user gave as `models`, see `compare`.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> from pararnn_ts.comparison.candidates import user_makers
    >>> makers = user_makers({"one unit": prt.ParaRNN(np.random.default_rng(0).standard_normal(60), units=(1,))})
    >>> makers["one unit"](prt.datasets.load_nile(), None).specification
    'units (1), lags 1, linear lags 1'
    """
    if not isinstance(models, Mapping) or not models:
        raise TypeError(
            f"models must be a dict of names and models, but is {given(models)}; pass for example "
            '{"one unit": prt.ParaRNN(endog, units=(1,))}.'
        )
    return {str(name): _user_maker(str(name), model) for name, model in models.items()}


def _user_maker(name: str, model: Any) -> Maker:
    if isinstance(model, Model):
        return lambda endog, exog: _checked(_remade(model, endog, exog))
    if callable(model):
        return lambda endog, exog: _checked(model(endog, exog))
    raise TypeError(
        f"models[{name!r}] must be a model that is not fitted yet, or a function of endog and exog that returns "
        f"results, but is of type {type(model).__name__}."
    )


def _remade(model: Any, endog: pd.Series, exog: pd.DataFrame | None) -> Any:
    """Fit the same model to other data."""
    columns = exog_columns(model, exog)
    exog = exog[columns] if exog is not None and columns else None
    if isinstance(model, SeriesModel):
        return model.clone_with(endog, exog).fit()
    quiet = {"disp": False} if takes(model.fit, "disp") else {}
    if hasattr(model, "clone"):
        with suppress(NotImplementedError):
            return model.clone(endog, exog=exog).fit(**quiet)
    fitted = model.fit(**quiet)
    if not hasattr(fitted, "apply"):
        raise TypeError(f"{type(model).__name__} cannot be applied to other data; pass a function of endog and exog")
    return fitted.apply(endog, exog, refit=True)


def _checked(results: Any) -> Candidate:
    results = numbered(results, refit=True)
    for needed in ("append", "forecast", "fittedvalues"):
        if not hasattr(results, needed):
            raise TypeError(f"its results are a {type(results).__name__} and have no {needed}")
    # parameters that were given stay as they are
    estimated = getattr(getattr(results, "details", None), "penalty", 0.0) is not None
    return Candidate(results, describe(results), estimated)
