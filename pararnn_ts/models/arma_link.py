"""From fitted statsmodels ARMA models to ParaRNN results, and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.arima.model import ARIMA

from pararnn_ts.models.arguments import given
from pararnn_ts.models.arma_bridge import LinearUnit, arma_from_units, units_from_arma
from pararnn_ts.results.refusals import NotOfTheModel
from pararnn_ts.specification import Specification, UnitWeights

__all__ = ["arma_from_pararnn", "pararnn_from_arma"]

# largest state of a tanh image: the relative error of tanh there is a third of its square
_SMALL_SIGNAL = 1e-3


class _Arma(NamedTuple):
    """
    AR and MA coefficients, and the options of the ParaRNN that go with them.

    The level is in the mean of the (differenced) series, or in a constant beside its lags.
    """

    ar: np.ndarray
    ma: np.ndarray
    options: dict[str, Any]
    mean: float = 0.0
    constant: float = 0.0


def _describe(arma_results: Any) -> _Arma:
    model = getattr(arma_results, "model", None)
    params = np.asarray(getattr(arma_results, "params", ()), dtype=float)
    if isinstance(model, ARIMA):
        d, seasonal = model.order[1], model.seasonal_order
        trend = model.trend or "n"
        constant = "c" if d + seasonal[1] == 0 else "t" if d + seasonal[1] == 1 else "n"
        # the regressors of an ARIMA are its deterministic terms and its exogenous values
        n_regressors = len(model.exog_names or [])
        if trend not in ("n", constant) or n_regressors > len(trend.strip("n")):
            raise ValueError(
                f"arma_results must have no exogenous values and no trend but a constant, but has trend={trend!r} and "
                f"{n_regressors} regressors; fit the ParaRNN directly instead."
            )
        names = list(model.param_names)
        mean = 0.0 if trend == "n" else float(params[names.index("const" if trend == "c" else "x1")])
        if trend == "t" and seasonal[1]:
            mean *= seasonal[3]
        options: dict[str, Any] = {"trend": "n" if trend == "n" else "c", "diff": d, "seasonal_diff": seasonal[1]}
        if seasonal[1]:
            options["period"] = seasonal[3]
        return _Arma(-arma_results.polynomial_reduced_ar[1:], arma_results.polynomial_reduced_ma[1:], options, mean)
    if isinstance(model, AutoReg):
        if model.trend not in ("n", "c") or len(params) != len(model.ar_lags or []) + len(model.trend.strip("n")):
            raise ValueError(
                f"arma_results must have no exogenous values and no trend but a constant, but has "
                f"trend={model.trend!r} and {len(params)} parameters; fit the ParaRNN directly instead."
            )
        ar = np.zeros(max(model.ar_lags or [0]))
        offset = int(model.trend == "c")
        for place, lag in enumerate(model.ar_lags or []):
            ar[lag - 1] = params[offset + place]
        # not a mean, which there is none of with a unit root
        level = float(params[0]) if offset else 0.0
        return _Arma(ar, np.zeros(0), {"trend": model.trend}, constant=level)
    raise TypeError(
        "arma_results must be the results of a statsmodels ARIMA or AutoReg model, but is "
        f"{type(arma_results).__name__}."
    )


def pararnn_from_arma(cls: Any, arma_results: Any, activation: str) -> Any:
    """
    Results of a ParaRNN at the image of a fitted ARMA; see `ParaRNN.from_arma`.

    Parameters
    ----------
    cls : type
        ParaRNN or a subclass.
    arma_results : ARIMAResults or AutoRegResults
        The fitted model.
    activation : {"identity", "tanh"}
        Activation of the units.

    Returns
    -------
    RecurrentResultsWrapper
        Results, not refitted.
    """
    if not isinstance(activation, str) or activation not in ("identity", "tanh"):
        raise ValueError(
            f"activation must be 'identity' or 'tanh', the ones that are linear near zero, but is {given(activation)}."
        )
    ar, ma, options, mean, constant = _describe(arma_results)
    linear_units, direct = units_from_arma(ar, ma)
    model = cls(
        arma_results.model.data.orig_endog,
        lags=1 if linear_units else 0,
        units=tuple(len(u.W) for u in linear_units),
        linear_lags=list(range(1, len(direct) + 1)),
        activation=activation,
        **options,
    )
    units = [UnitWeights(u.W, u.U, -u.U[:, 0] * mean, u.v) for u in linear_units]
    constant += mean * (1.0 - float(np.sum(direct)))
    linear = [*([constant] if options["trend"] == "c" else []), *direct]
    params = model.specification.join(np.array(linear), units)
    if activation == "identity" or not units:
        return model.evaluate(params)
    linear_model = model.clone_with(arma_results.model.data.orig_endog, activation="identity")
    states = np.abs(linear_model.path(params).states)
    first, shrunk = 0, []
    for unit in units:
        last = first + len(unit.v)
        size = _SMALL_SIGNAL / max(float(np.nanmax(states[:, first:last])), 1e-300)
        shrunk.append(UnitWeights(unit.W, unit.U * size, unit.b * size, unit.v / size))
        first = last
    return model.evaluate(model.specification.join(np.array(linear), shrunk))


def arma_from_pararnn(results: Any) -> Any:
    """
    Find the ARMA that a linear ParaRNN is, as statsmodels results at the corresponding parameters.

    Parameters
    ----------
    results : RecurrentResults
        Results of a model with identity activation or without units, and without exogenous values.

    Returns
    -------
    ARIMAResults
        Smoothed, not fitted. Its likelihood is the exact one, so it differs a little from the conditional likelihood of
        `results`; its parameters describe the same predictor.
    """
    model = results.model
    spec = model.specification
    if not isinstance(spec, Specification):
        raise NotOfTheModel(
            f"to_arma belongs to models with recurrent units (ParaRNN, ElmanRNN), not to {type(model).__name__}."
        )
    if spec.units and spec.activation != "identity":
        raise ValueError(
            f"activation must be 'identity' for an ARMA to exist, but is {spec.activation!r}; fit the model with "
            "activation='identity'."
        )
    if spec.exog_names or spec.deterministic_names not in ((), ("const",)):
        raise ValueError(
            "to_arma needs a model without exogenous values and with no deterministic terms but a constant, but this "
            f"one has {', '.join([*spec.deterministic_names, *spec.exog_names])}; fit such a model first."
        )
    params = np.asarray(results.params, dtype=float)
    units = spec.unit_weights(params)
    coefficients = params[spec.n_deterministic : spec.n_linear]
    direct = np.zeros(max([0, *spec.linear_lags]))
    direct[np.array(spec.linear_lags, dtype=int) - 1] = coefficients
    ar, ma = arma_from_units([LinearUnit(u.W, u.U, u.v) for u in units], direct, input_lags=spec.lags or (1,))
    mean = _mean(units, params[0] if spec.n_deterministic else 0.0, float(direct.sum()))
    period = model.period or 0
    constant = spec.n_deterministic or any(np.any(unit.b) for unit in units)
    integrated = model.diff + model.seasonal_diff
    if constant and integrated > 1:
        raise ValueError(
            f"to_arma cannot express the constant of a model that is differenced {integrated} times; use trend='n' "
            "and hold the b of units at zero with fix_params."
        )
    trend = "n" if not constant else "c" if integrated == 0 else "t"
    if trend == "t" and model.seasonal_diff:
        mean /= period
    arma = ARIMA(
        model.data.orig_endog,
        order=(len(ar), model.diff, len(ma)),
        seasonal_order=(0, model.seasonal_diff, 0, period if model.seasonal_diff else 0),
        trend=trend,
        enforce_stationarity=False,
        enforce_invertibility=False,
    )
    sigma2 = float(np.nanmean((model._y - model.path(params).fitted)[model.used] ** 2))
    return arma.smooth(np.concatenate([[mean] if constant else [], ar, ma, [sigma2]]))


def _mean(units: list[UnitWeights], constant: float, slope: float) -> float:
    """
    Value of the (differenced) series at which a linear model stays: it predicts itself, and the states with it.

    States and value are found together. Units whose own root is one have no state of rest for other values, but an MA
    root of one is no obstacle; where the AR polynomial has one, every value will do, or none.
    """
    d = sum(len(unit.v) for unit in units)
    system, known, first = np.eye(d + 1), np.zeros(d + 1), 0
    for unit in units:
        own, inputs = slice(first, first + len(unit.v)), unit.U.sum(axis=1)
        # states in units in which input and output weights are alike, whatever the unit of the series
        size = float(np.sqrt(np.linalg.norm(inputs) / np.fmax(np.linalg.norm(unit.v), 1e-300))) or 1.0
        system[own, own] -= unit.W
        system[own, d] = -inputs / size
        system[d, own] = -unit.v * size
        known[own] = unit.b / size
        first = own.stop
    system[d, d], known[d] = 1.0 - slope, constant
    found, _, rank, _ = np.linalg.lstsq(system, known)
    if rank <= d and not np.allclose(system @ found, known, rtol=1e-8, atol=1e-8 * np.abs(known).max()):
        raise ValueError(
            "to_arma needs a model with a mean, but the AR polynomial of this one has the root one and its constant "
            "makes the series drift; fit a model of the differences with diff=1."
        )
    return float(found[d])
