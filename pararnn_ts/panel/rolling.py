"""Forecasts of new observations of the series of a panel, from an origin that moves through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from pararnn_ts.estimation.estimate import n_threads
from pararnn_ts.models.arguments import check_count, check_flag
from pararnn_ts.panel.engines import on_threads
from pararnn_ts.panel.forecasts import Ahead, check_intervals, fill_ahead, joined, warn_of
from pararnn_ts.panel.frame import read_long
from pararnn_ts.panel.task import UNFIT, UNFITTED, Fitted
from pararnn_ts.progress import progress_bar

if TYPE_CHECKING:
    from pararnn_ts.panel.panel import Panel

__all__ = ["rolling_forecast"]


class _Rolled(NamedTuple):
    """Forecasts of one series from all origins, the last times that they know, and the observations."""

    ahead: Ahead
    cutoffs: pd.Index
    actual: np.ndarray


class _Origins(NamedTuple):
    """New rows of a series, with the label before them, and how an origin moves through them."""

    labels: pd.Index
    y: np.ndarray
    steps: int
    stride: int

    def rows(self) -> list[tuple[int, int]]:
        """First row of each forecast and the row after its last."""
        n = len(self.y)
        return [(row, min(row + self.steps, n)) for row in range(0, n, self.stride)]

    @property
    def n_forecasts(self) -> int:
        """Number of forecasts of all origins."""
        return sum(last - first for first, last in self.rows())

    def rolled(self, values: np.ndarray, lost: str, explosive: bool = False) -> _Rolled:
        """Forecasts with their labels and observations."""
        target = np.concatenate([np.arange(*rows) for rows in self.rows()])
        origin = np.concatenate([np.repeat(first, last - first) for first, last in self.rows()])
        return _Rolled(Ahead(self.labels[target + 1], values, lost, explosive), self.labels[origin], self.y[target])


def rolling_forecast(
    panel: Panel,
    df: Any,
    h: int = 1,
    step: int = 1,
    *,
    refit: bool = False,
    level: Any = None,
    method: str = "bootstrap",
    n_sims: int = 1000,
    rng: Any = 0,
    progress: bool = False,
) -> Any:
    """
    Forecast new observations from an origin that moves through them, series by series.

    Parameters
    ----------
    df : DataFrame
        New rows, as for `append`. Exogenous values are taken as known at every origin.
    h : int
        Steps ahead that are forecast at each origin, as far as there are new rows.
    step : int
        Rows by which the origin moves; with ``step=h`` every row is forecast once.
    refit : bool
        Whether parameters are estimated anew at every origin after the first, beginning at the present ones; otherwise
        they stay and the recursion goes on. Lags, units and options of the models are kept.
    level, method, n_sims, rng
        As in `forecast`.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    DataFrame
        A row for each series, origin and step, with the columns of names and times, "cutoff" (the last time that the
        forecast knows), the observation, the forecast and the ends of intervals. What stands at a cutoff is what
        `forecast` says after `append` of the rows up to it. A series that could not be fitted has NaN, and a warning
        says so. Like that of `forecast` it is a data frame of the library that the data of the panel came in.

    See Also
    --------
    pararnn_ts.rolling_forecast : The same for a single series, with scores.

    Examples
    --------
    >>> import numpy as np, pandas as pd, pararnn_ts as prt
    >>> df = pd.DataFrame({"unique_id": "a", "ds": range(60), "y": np.random.default_rng(0).normal(size=60)})
    >>> test = df.groupby("unique_id").tail(4)
    >>> panel = prt.fit_panel(df.drop(test.index), units=(1,), n_starts=2)
    >>> panel.rolling_forecast(test, h=2, step=2)[["unique_id", "ds", "cutoff"]]
      unique_id  ds  cutoff
    0         a  56      55
    1         a  57      55
    2         a  58      57
    3         a  59      57
    """
    steps, stride, refit = check_count(h, "h"), check_count(step, "step"), check_flag(refit, "refit")
    wanted = check_intervals(level, method, n_sims, rng)
    frame, columns = panel._frame, panel._frame.columns
    if "cutoff" in columns[:3]:
        raise ValueError("The panel has a column 'cutoff', the name of the last times known; fit it with another.")
    new = read_long(df, columns.ids, columns.time, columns.target, columns.exog or None, frame.freq)
    longer = frame.joined(new)
    names = wanted.names(panel.model.__name__)
    options = {name: value for name, value in panel._task.fit.items() if name in ("maxiter", "tol")} if refit else None

    def one(i: int) -> _Rolled:
        k = int(changed[i])
        rows = int(frame.lengths[k])
        origins = _Origins(longer.labels(k)[rows - 1 :], longer.values(k)[0][rows:], steps, stride)
        values = np.full((origins.n_forecasts, len(names)), np.nan)
        lost, explosive = "" if isinstance(panel._outcomes[k], Fitted) else UNFITTED, False
        if lost:
            return origins.rolled(values, lost)
        try:
            results = panel._results(k)
            y, x = longer.since(k, rows, results.model.index)
            origins = _Origins(results.model.index[-1:].append(y.index), y.to_numpy(), steps, stride)
            values = np.full((origins.n_forecasts, len(names)), np.nan)
            at = 0
            for first, last in origins.rows():
                known, future = results, None if x is None else x.iloc[first:last]
                if first:
                    past = None if x is None else x.iloc[:first]
                    known = results.append(y.iloc[:first], past, refit=refit, fit_kwargs=options)
                explosive |= fill_ahead(values[at : at + last - first], known._results, future, None, wanted)[1]
                at += last - first
        except UNFIT as error:
            lost = str(error)
        return origins.rolled(values, lost, explosive)

    changed = np.flatnonzero(longer.lengths > frame.lengths)
    with progress_bar(len(changed), "series", progress) as done:
        found = on_threads(one, len(changed), n_threads(), done)
    ahead = [one.ahead for one in found]
    warn_of(panel.ids[changed], ahead)
    table = pd.DataFrame({
        columns.ids: panel.ids[np.repeat(changed, [len(one.actual) for one in found])],
        columns.time: joined([one.ahead.labels for one in found]),
        "cutoff": joined([one.cutoffs for one in found]),
        columns.target: np.concatenate([one.actual for one in found]),
        **dict(zip(names, np.concatenate([one.values for one in ahead]).T, strict=True)),
    })  # fmt: skip
    return frame.handed_out(table, [columns.time, "cutoff"])
