"""New observations of the series of a panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pararnn_ts.estimation.estimate import n_threads
from pararnn_ts.models.values import shown
from pararnn_ts.panel.engines import on_threads
from pararnn_ts.panel.fit_warnings import n_inserted, warn_of_fits
from pararnn_ts.panel.frame import read_long
from pararnn_ts.panel.task import UNFIT, Fitted, Outcome, figures, unfitted

if TYPE_CHECKING:
    from pararnn_ts.panel.panel import Panel

__all__ = ["append"]


def append(panel: Panel, df: Any, refit: bool = False, fit_kwargs: Mapping[str, Any] | None = None) -> Panel:
    """
    Panel with new observations at the end of some or all of its series.

    Parameters
    ----------
    df : DataFrame
        New rows, with the columns of the panel. They follow the sample of their series; a time that is absent is a
        missing value.
    refit : bool
        Whether to estimate the parameters of the series that have new rows anew, beginning at the present ones. Series
        that could not be fitted before are tried again.
    fit_kwargs : mapping, optional
        Options of `fit` when refitting.

    Returns
    -------
    Panel
        ``panel.append(df)["a"]`` equals ``panel["a"].append(new_a)``: without refitting, parameters, their covariance
        and `scale` stay, and forecasts go on from the last observation. Series without new rows are as they were.

    Raises
    ------
    TypeError, ValueError
        Mistakes in `df`: a series that the panel does not have, times that do not follow a sample. Nothing is appended
        then.

    Warns
    -----
    ModelWarning
        Once, when times were absent from the new rows and inserted as missing, or series that were fitted anew could
        not be fitted or did not converge; `table` says which and why.

    Examples
    --------
    >>> import numpy as np, pandas as pd, pararnn_ts as prt
    >>> df = pd.DataFrame({"unique_id": "a", "ds": range(60), "y": np.random.default_rng(0).normal(size=60)})
    >>> panel = prt.fit_panel(df[:50], units=(1,), n_starts=2).append(df[50:])
    >>> panel["a"].nobs, panel.forecast(1)["ds"].tolist()
    (59, [60])
    """
    if fit_kwargs and not refit:
        raise ValueError("fit_kwargs are options of refit=True; pass both, or neither.")
    columns = panel._frame.columns
    new = read_long(df, columns.ids, columns.time, columns.target, columns.exog or None, panel._frame.freq)
    frame = panel._frame.joined(new)
    longer = type(panel)(frame, panel._task, panel._outcomes, panel._estimated)
    options = {name: value for name, value in panel._task.fit.items() if name in ("maxiter", "tol")}
    options |= fit_kwargs or {}

    def one(k: int) -> Outcome:
        outcome = panel._outcomes[k]
        if not isinstance(outcome, Fitted):
            return panel._task.run(frame, k) if refit else unfitted(frame, k, ValueError(outcome.message))
        try:
            if not refit:
                return outcome._replace(figures=figures(longer._results(k)._results))
            results = longer._results(k, refit=True, fit_kwargs=options)._results
            return Fitted(results.params, results.details, outcome.chosen, figures(results))
        except UNFIT as error:
            if refit:
                return unfitted(frame, k, error)
            text = str(error).replace("endog", repr(columns.target))
            raise ValueError(f"Series {shown(panel.ids[k])} cannot be continued: {text}") from error

    changed = np.flatnonzero(frame.lengths > panel._frame.lengths)
    found = on_threads(lambda i: one(int(changed[i])), len(changed), n_threads(), lambda _: None)
    outcomes, estimated = list(panel._outcomes), panel._estimated.copy()
    for k, outcome in zip(changed, found, strict=True):
        outcomes[k] = outcome
        if refit:
            estimated[k] = frame.lengths[k]
    longer = type(panel)(frame, panel._task, outcomes, estimated)
    fitted = np.isin(np.arange(len(panel)), changed) & refit
    warn_of_fits(longer, fitted, n_inserted(longer) > n_inserted(panel))
    return longer
