"""The same parameters on more, new or other data, as statsmodels' state space results have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from pararnn_ts.models.arguments import check_flag
from pararnn_ts.models.checks import require_history
from pararnn_ts.results.trajectory import gap_at_end, place_in_time, standpoint

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults, RecurrentResultsWrapper

__all__ = ["append", "apply", "extend"]


def append(
    results: RecurrentResults,
    endog: Any,
    exog: Any = None,
    refit: bool = False,
    fit_kwargs: Mapping[str, Any] | None = None,
) -> RecurrentResultsWrapper:
    """
    Results of the sample with new observations at its end.

    Parameters
    ----------
    endog : Series or array_like
        New observations. A Series must begin where the sample ends; an array is taken to.
    exog : Series, DataFrame or array_like, optional
        Their exogenous values, matched by label and column name.
    refit : bool
        Whether to estimate the parameters anew, beginning at the present ones.
    fit_kwargs : mapping, optional
        Options of `fit` when refitting.

    Returns
    -------
    RecurrentResultsWrapper
        Without refitting, parameters, their covariance and `scale` stay; the last rows of `fittedvalues` are then
        one-step forecasts of the new observations.

    See Also
    --------
    extend : Results of the new observations only, at a cost that does not depend on the sample.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = np.random.default_rng(0).standard_normal(80)
    >>> res = prt.ParaRNN(y[:60], units=(1,)).fit(n_starts=2)
    >>> longer = res.append(y[60:])
    >>> longer.nobs - res.nobs, bool((longer.params == res.params).all())
    (20, True)
    """
    results.require_data()
    model = results.model.appended(endog, exog)
    model.require_representable(smallest=0.0)
    if results.past is None:
        return _same_or_refit(results, model, refit, fit_kwargs)
    if refit:
        raise ValueError(
            "refit=True needs the sample from its beginning, which extended results do not have; use append on the "
            "results that were extended."
        )
    return results._renewed(model, past=results.past, gap=results.gap)


def extend(results: RecurrentResults, endog: Any, exog: Any = None) -> RecurrentResultsWrapper:
    """
    Results of new observations that follow the sample, without the sample.

    Parameters
    ----------
    endog, exog
        As in `append`.

    Returns
    -------
    RecurrentResultsWrapper
        Parameters, their covariance and `scale` stay; the recursion goes on from the state at the end of the sample.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = np.random.default_rng(0).standard_normal(80)
    >>> res = prt.ParaRNN(y[:60], units=(1,)).fit(n_starts=2)
    >>> np.allclose(res.extend(y[60:]).fittedvalues, res.append(y[60:]).fittedvalues[60:])
    True
    """
    model = results.model
    found = model.continuation(endog, exog)
    y, x = found.y, found.x
    if model.is_pandas:
        y = pd.Series(y, found.index, name=model.endog_name)
        x = None if x is None else pd.DataFrame(x, found.index, columns=model.exog_labels)
    new = model.clone_with(y, x)
    new.require_representable(smallest=0.0)
    # an array has no labels to say where on the time axis its deterministic terms are
    place_in_time(new, model._base_index, model._origin + model.nobs)
    new._design = model.design_after(endog, exog, found.index)
    return results._renewed(new, past=standpoint(results, model.nobs), gap=gap_at_end(results))


def apply(
    results: RecurrentResults,
    endog: Any,
    exog: Any = None,
    refit: bool = False,
    fit_kwargs: Mapping[str, Any] | None = None,
) -> RecurrentResultsWrapper:
    """
    Results of the same parameters on another sample.

    Parameters
    ----------
    endog : Series or array_like
        The other sample.
    exog : Series, DataFrame or array_like, optional
        Its exogenous values.
    refit, fit_kwargs
        As in `append`.

    Returns
    -------
    RecurrentResultsWrapper
        Results; without refitting, parameters, their covariance and `scale` stay.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = np.random.default_rng(0).standard_normal(80)
    >>> res = prt.ParaRNN(y[:60], units=(1,)).fit(n_starts=2)
    >>> np.allclose(res.apply(y).fittedvalues, res.append(y[60:]).fittedvalues, equal_nan=True)
    True
    """
    model = results.model.clone_with(endog, exog)
    model.require_representable(smallest=0.0)
    require_history(model._y, model.specification.hold_back)
    return _same_or_refit(results, model, refit, fit_kwargs)


def _same_or_refit(
    results: RecurrentResults, model: Any, refit: bool, fit_kwargs: Mapping[str, Any] | None
) -> RecurrentResultsWrapper:
    if not check_flag(refit, "refit"):
        if fit_kwargs:
            raise ValueError("fit_kwargs are options of refit=True; pass both, or neither.")
        return results._renewed(model)
    options: dict[str, Any] = {"cov_type": results.details.cov_type, "cov_kwds": dict(results.details.cov_kwds)}
    if results.details.penalty is not None:
        options["penalty"] = results.details.penalty
    options["start_params"] = results.params
    held = {model.param_names[i]: results.params[i] for i in results.details.held}
    with model.fix_params(held):
        return model.fit(**{**options, **(fit_kwargs or {})})
