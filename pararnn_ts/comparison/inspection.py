"""Facts about models and results of this package, of statsmodels or of others, found from their attributes alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts.models.differencing import differences_in_words
from pararnn_ts.specification import lags_in_words

__all__ = ["describe", "exog_columns", "kind", "numbered", "sample_size", "shock_variance", "simulates", "takes"]

_TRENDS = {"c": ", constant", "t": ", trend", "ct": ", constant and trend", "ctt": ", quadratic trend"}


def takes(function: Callable | None, name: str) -> bool:
    """
    Whether a function has a parameter of this name.

    Examples
    --------
    >>> from pararnn_ts.comparison.inspection import takes
    >>> takes(lambda steps, exog=None: None, "exog"), takes(None, "exog")
    (True, False)
    """
    return function is not None and name in inspect.signature(function).parameters


def kind(value: Any) -> str:
    """
    Name of the class of a value, that of the results inside a wrapper.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from pararnn_ts.comparison.inspection import kind
    >>> kind(prt.ParaRNN(prt.datasets.load_nile(), units=()).fit()), kind(1.0)
    ('RecurrentResults', 'float')
    """
    inside = getattr(value, "_results", value)
    # what models call so is a method
    return type(value if callable(inside) else inside).__name__


def sample_size(results: Any) -> int | None:
    """Rows of the sample, missing ones included; None where the results have no model."""
    endog = getattr(getattr(results, "model", None), "endog", None)
    return None if endog is None else len(endog)


def numbered(results: Any, refit: bool = False) -> Any:
    """
    Results of an AutoReg with an integer index that does not count from 0, moved to one that does; others as they are.

    statsmodels takes such labels for positions: fitted values and forecasts then fail or have wrong labels.

    Examples
    --------
    >>> import pandas as pd
    >>> from statsmodels.tsa.ar_model import AutoReg
    >>> from pararnn_ts.comparison.inspection import numbered
    >>> numbered(AutoReg(pd.Series([1.0, 2, 1, 3, 2], range(7, 12)), 1).fit()).fittedvalues.index
    RangeIndex(start=1, stop=5, step=1)
    """
    model: Any = getattr(results, "model", None)
    if type(model).__name__ != "AutoReg":
        return results
    labels = model.data.row_labels
    if not isinstance(labels, pd.RangeIndex) or (labels.start, labels.step) == (0, 1):
        return results
    exog = None if model.exog is None else pd.DataFrame(model.data.orig_exog).reset_index(drop=True)
    return results.apply(pd.Series(np.asarray(model.endog).ravel(), name=model.endog_names), exog, refit=refit)


def shock_variance(results: Any) -> float:
    """
    Factor of all prediction variances that statsmodels takes anew from each sample, also without refitting; else one.

    It is the variance of the shocks of an AutoReg, and of a state space model that concentrates it out.

    Examples
    --------
    >>> import numpy as np
    >>> from statsmodels.tsa.ar_model import AutoReg
    >>> from pararnn_ts.comparison.inspection import shock_variance
    >>> results = AutoReg(np.array([1.0, -1, 1, -1, 1, -2]), 0).fit()
    >>> longer = results.append(np.array([100.0]))
    >>> bool(longer.params[0] == results.params[0]), bool(shock_variance(longer) > shock_variance(results))
    (True, True)
    """
    if type(getattr(results, "model", None)).__name__ == "AutoReg":
        return float(results.sigma2)
    return float(results.scale) if hasattr(results, "filter_results") else 1.0


def simulates(results: Any) -> bool:
    """Whether predictions inside the sample may be dynamic and are then simulated, as in this package."""
    return takes(getattr(results, "get_prediction", None), "n_sims")


def exog_columns(model: Any, exog: pd.DataFrame | None) -> list[str]:
    """
    Columns of `exog` that a model uses: those it names, else all if it has exogenous values.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from statsmodels.tsa.arima.model import ARIMA
    >>> from pararnn_ts.comparison.inspection import exog_columns
    >>> y, x = np.zeros(9), pd.DataFrame({"a": range(9), "b": range(9)})
    >>> exog_columns(ARIMA(y, x[["b"]]), x), exog_columns(ARIMA(y), x)
    (['b'], [])
    """
    if exog is None:
        return []
    columns = list(exog.columns)
    if hasattr(model, "exog_labels"):
        named, uses = list(model.exog_labels), bool(model.exog_labels)
    else:
        count = getattr(model, "k_exog", None)
        uses = bool(count) if count is not None else getattr(model, "exog", None) is not None
        named = list(getattr(model, "exog_names", None) or [])[-(count or 0) :]
    if not uses:
        return []
    known = [name for name in named if name in columns]
    return known or columns


def describe(results: Any) -> str:
    """
    Model behind results in a few words.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from statsmodels.tsa.ar_model import AutoReg
    >>> from pararnn_ts.comparison.inspection import describe
    >>> describe(AutoReg(prt.datasets.load_nile(), 2).fit())
    'AR(2), constant'
    """
    model = getattr(results, "model", None)
    if model is None:
        return kind(results)
    if hasattr(results, "members"):
        count = len(results.members)
        return f"average of {count} model{'s' if count > 1 else ''}" + (", with exog" if model.exog_labels else "")
    name, trend = type(model).__name__, _TRENDS.get(str(getattr(model, "trend", "")), "")
    if hasattr(model, "exog_labels"):
        with_exog = bool(model.exog_labels)
    else:
        with_exog = bool(getattr(model, "k_exog", 0)) or (name == "AutoReg" and model.exog is not None)
    if hasattr(model, "linear_lags"):
        units = (
            f"hidden {model.hidden}" if hasattr(model, "hidden") else f"units {tuple(model.units)}".replace(",)", ")")
        )
        units = getattr(model, "label", units)
        parts = [units, f"lags {lags_in_words(model.lags)}"] if model.units else ["no units"]
        name = ", ".join([*parts, f"linear lags {lags_in_words(model.linear_lags)}"])
        name += ", t errors" if getattr(model, "errors", "normal") == "t" else ""
        name += _surroundings(model)
    elif name == "AutoReg":
        name = f"AR({_order(model.ar_lags or [])})"
        trend += ", seasonal dummies" if model.seasonal else ""
    elif name in ("ARIMA", "SARIMAX"):
        (p, d, q), (*seasonal, period) = model.order, model.seasonal_order
        difference = f"{d}," if d or any(seasonal) else ""
        name = f"{'ARIMA' if difference else 'ARMA'}({_order(p)},{difference}{_order(q)})"
        if any(seasonal):
            name += f"({','.join(str(k) for k in seasonal)})[{period}]"
        trend = ", drift" if d == 1 and trend == ", trend" else trend
    else:
        trend = ""
    return name + ("" if hasattr(model, "linear_lags") else trend) + (", with exog" if with_exog else "")


def _surroundings(model: Any) -> str:
    """What a model of this package has around its recursion, the usual constant apart."""
    text = "".join(f", {difference}" for difference in differences_in_words(model.diff, model.seasonal_diff))
    if model.deterministic is not None:
        text += ", own deterministic terms"
    elif model.trend != "c":
        text += _TRENDS.get(model.trend, ", no constant")
    return text + (", seasonal dummies" if model.seasonal else "")


def _order(order: Any) -> str:
    """An order: its number when it is one or lags run from 1 without a gap, else the list."""
    if isinstance(order, int):
        return str(order)
    lags = list(order)
    return str(len(lags)) if lags == list(range(1, len(lags) + 1)) else f"[{lags_in_words(lags)}]"
