"""Many series, each with a model of its own: fit, table, forecasts."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts._compat import unheard_warnings
from pararnn_ts.estimation.estimate import n_threads
from pararnn_ts.models.arguments import given
from pararnn_ts.models.values import shown
from pararnn_ts.panel.engines import find_engine, fit_all, on_threads
from pararnn_ts.panel.fit_warnings import n_inserted, warn_of_fits
from pararnn_ts.panel.forecasts import fitted_frame, forecast_frame
from pararnn_ts.panel.frame import LongFrame, read_long
from pararnn_ts.panel.persistence import save
from pararnn_ts.panel.rolling import rolling_forecast
from pararnn_ts.panel.summary import make_summary
from pararnn_ts.panel.task import CHOSEN, FORM, UNFITTED, Fitted, Outcome, Task, make_task
from pararnn_ts.panel.updating import append

if TYPE_CHECKING:
    from statsmodels.iolib.summary import Summary

__all__ = ["Panel", "fit_panel"]

_FIGURES: dict[str, Any] = {
    "nobs": "Int64", "n_missing": "Int64", "n_params": "Int64", "df_model": float, "llf": float, "aic": float,
    "bic": float, "log_evidence": float, "scale": float, "n_best": "Int64", "converged": bool, "status": str,
    "message": str,
}  # fmt: skip


class Panel:
    """
    Many series, each fitted by itself; made by :func:`fit_panel`.

    ``panel[name]`` are the results of one series, ``len(panel)``, ``name in panel`` and iteration go over the names of
    all series, those included that could not be fitted.

    Attributes
    ----------
    ids : Index
        Names of the series, sorted.
    model : type
        Class of the models.
    table : DataFrame
        A row for each series: nobs, n_missing, n_params, df_model (effective parameters), llf, aic, bic, log_evidence,
        scale (variance of the shocks), n_best (starts that reached the best optimum), converged, status and message;
        after a selection also what was chosen. A series that could not be fitted has the status "not fitted", and its
        message says why.

    Examples
    --------
    >>> import numpy as np, pandas as pd, pararnn_ts as prt
    >>> rng = np.random.default_rng(0)
    >>> df = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 60), "ds": np.tile(range(60), 2)})
    >>> df["y"] = rng.normal(size=120)
    >>> panel = prt.fit_panel(df, units=(1,), n_starts=2)
    >>> len(panel), "a" in panel, list(panel), panel["a"].nobs
    (2, True, ['a', 'b'], 59)
    """

    def __init__(self, frame: LongFrame, task: Task, outcomes: Sequence[Outcome], estimated: np.ndarray | None = None):
        self._frame, self._task, self._outcomes = frame, task, list(outcomes)
        # rows of each series on which its parameters were estimated; what follows was appended
        self._estimated = frame.lengths if estimated is None else estimated
        self.table = _table(frame, self._outcomes, task.select)

    @property
    def ids(self) -> pd.Index:
        """Names of the series, sorted."""
        return self._frame.ids

    @property
    def model(self) -> type:
        """Class of the models."""
        return self._task.model

    @property
    def fitted_ids(self) -> pd.Index:
        """Names of the series that were fitted."""
        return self.ids[[isinstance(outcome, Fitted) for outcome in self._outcomes]]

    def __len__(self) -> int:
        return len(self._frame)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.ids)

    def __contains__(self, series_id: Any) -> bool:
        return isinstance(series_id, Hashable) and series_id in self.ids

    def __getitem__(self, series_id: Any) -> Any:
        """
        Results of one series, made anew each time: keep them to use them often.

        Raises
        ------
        KeyError
            There is no such series.
        ValueError
            It could not be fitted.
        """
        k = self._position(series_id)
        outcome = self._outcomes[k]
        if not isinstance(outcome, Fitted):
            raise ValueError(f"Series {series_id!r} could not be fitted: {outcome.message}")
        return self._results(k)

    def _position(self, series_id: Any) -> int:
        if not isinstance(series_id, Hashable):
            raise TypeError(
                f"panel[...] takes the name of one series, not {given(series_id)}; select rows of its tables, or take "
                "one series after the other."
            )
        if series_id not in self.ids:
            near = difflib.get_close_matches(str(series_id), [str(name) for name in self.ids], n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"its {len(self)} series begin with {shown(self.ids[0])}."
            raise KeyError(f"The panel has no series {series_id!r}; {hint}")
        return int(self.ids.get_indexer(pd.Index([series_id]))[0])

    def _results(self, k: int, **refit: Any) -> Any:
        """Results of a series; `refit` are options of their `append`, where rows were appended."""
        outcome, rows = self._outcomes[k], int(self._estimated[k])
        assert isinstance(outcome, Fitted)
        whole = rows == self._frame.lengths[k]
        series = self._frame.series(k) if whole else self._frame.head(k, rows).series(0)
        model = self._task.make(series, outcome.chosen)
        spec = model.specification
        # kernels do not look where they read, and a panel may come from a file
        if len(outcome.params) != spec.n_params or model.nobs < spec.hold_back:
            raise ValueError(
                f"Series {shown(self.ids[k])} has {len(outcome.params)} parameters and {model.nobs} rows, but its "
                f"model needs {spec.n_params} and {spec.hold_back}; the file that it was loaded from is damaged."
            )
        results = model._results(outcome.params, outcome.details)
        return results if whole else results.append(*self._frame.since(k, rows, model.index), **refit)

    @property
    def params(self) -> pd.DataFrame:
        """Parameters, a row for each series; NaN for those that the model of a series does not have."""
        rows = {}
        # what there is to say of their labels was said when they were fitted
        with unheard_warnings():
            for k, outcome in enumerate(self._outcomes):
                if isinstance(outcome, Fitted):
                    names = self._task.make(self._frame.series(k), outcome.chosen).param_names
                    rows[k] = dict(zip(names, outcome.params, strict=True))
        table = pd.DataFrame.from_dict(rows, orient="index").reindex(range(len(self)))
        return table.set_axis(self.ids, axis=0)

    @property
    def fittedvalues(self) -> Any:
        """
        One-step predictions inside the samples of the series that were fitted, beside the observations.

        A long data frame of the library that the data came in; predictions are NaN in the rows that lags use up,
        observations where they are missing.
        """
        return fitted_frame(self)

    @property
    def recurrence_features(self) -> pd.DataFrame:
        """What the units of each series remember, see the results' attribute; a row for each series and unit."""
        known = [k for k, outcome in enumerate(self._outcomes) if isinstance(outcome, Fitted)]
        tables = on_threads(
            lambda i: self._results(known[i]).recurrence_features, len(known), n_threads(), lambda _: None
        )
        table = pd.concat(tables, keys=known, names=[self.ids.name])
        # names that are tuples would be levels of their own as keys
        return table.set_axis(table.index.set_levels([self.ids[known], table.index.levels[1]]))

    def forecast(
        self,
        h: int = 1,
        exog: Any = None,
        level: Any = None,
        *,
        method: str = "bootstrap",
        n_sims: int = 1000,
        rng: Any = 0,
    ) -> Any:
        """
        Forecasts after the end of each series.

        Parameters
        ----------
        h : int
            Number of steps.
        exog : DataFrame, optional
            Exogenous values of the steps, for series with them: a long data frame with the columns of the panel, of
            pandas or of another library that narwhals knows.
        level : number or sequence of numbers, optional
            Coverage of intervals in per cent, for example ``[80, 95]``.
        method : {"bootstrap", "gaussian", "simulated", "exact", "conformal"}
            Where intervals come from, see `get_forecast` of the results.
        n_sims : int
            Number of simulated paths behind intervals.
        rng : None, int or Generator
            Source of randomness of intervals.

        Returns
        -------
        DataFrame
            A row for each series and step, with the columns of names and times, a column with the name of the model,
            and for each level two more, such as "ParaRNN-lo-95" and "ParaRNN-hi-95". A series that could not be fitted
            or whose forecast leaves the range of numbers has NaN; a warning says so. It is a data frame of the library
            that the data came in; that of a panel from a file is one of pandas.

        Examples
        --------
        >>> import numpy as np, pandas as pd, pararnn_ts as prt
        >>> rng = np.random.default_rng(0)
        >>> df = pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2020-01-01", periods=60, freq="MS")})
        >>> panel = prt.fit_panel(df.assign(y=rng.normal(size=60)), units=(1,), n_starts=2)
        >>> panel.forecast(2, level=90).columns.tolist()
        ['unique_id', 'ds', 'ParaRNN', 'ParaRNN-lo-90', 'ParaRNN-hi-90']
        """
        return forecast_frame(self, h, exog, level, method, n_sims, rng)

    def summary(self) -> Summary:
        """
        Summary of the panel: how many series were fitted, the spread of their figures, and what went wrong.

        Returns
        -------
        Summary
            Prints as text; has `as_text`, `as_html`, `as_latex` and `as_csv`.

        Examples
        --------
        >>> import numpy as np, pandas as pd, pararnn_ts as prt
        >>> y = np.random.default_rng(0).normal(size=60)
        >>> panel = prt.fit_panel(pd.DataFrame({"unique_id": "a", "ds": range(60), "y": y}), units=(1,), n_starts=2)
        >>> print(panel.summary().as_text().splitlines()[0].strip())
        Panel of ParaRNN models
        """
        return make_summary(self)

    append = append
    rolling_forecast = rolling_forecast
    save = save

    def __repr__(self) -> str:
        return f"<Panel of {len(self)} series, {len(self.fitted_ids)} fitted with {self.model.__name__}>"


def fit_panel(
    df: Any,
    *,
    id_col: Any = "unique_id",
    time_col: Any = "ds",
    target_col: Any = "y",
    exog_cols: Any = None,
    freq: Any = None,
    model: Any = None,
    select: bool = False,
    rng: Any = 0,
    engine: Any = None,
    device: str = "cpu",
    progress: bool = False,
    **options: Any,
) -> Panel:
    """
    Fit a model to each of many series.

    Parameters
    ----------
    df : DataFrame
        A row for each series and time, in any order, of pandas or of another library that narwhals knows (polars,
        pyarrow); lazy frames are collected first. Forecasts and other long data frames that the panel gives are of the
        same library, with null in place of NaN. Times are dates, periods or integers; a time that is absent is a
        missing value. Series may differ in length, begin and frequency.
    id_col, time_col, target_col : str
        Columns with the name of the series, the time and the value.
    exog_cols : str or sequence of str, optional
        Columns with exogenous values; other columns are not used.
    freq : str or offset, optional
        Frequency of the dates; by default each series says its own, and one with fewer than eight rows that are not
        equally far apart has that of the others.
    model : type, optional
        Class of the models, ParaRNN by default.
    select : bool
        Whether differences, season, lags, direct lags and units of each series are chosen by `select_order`.
    rng : None, int or Generator
        Source of the random starts: each series is fitted with the same seed, the number given or one drawn from the
        generator, and by itself, so that nothing depends on the other series.
    engine : Executor, str or engine of fugue, optional
        Who does the work: by default threads of this process, as many as numba may use. An Executor of
        `concurrent.futures`, such as ``ProcessPoolExecutor()`` or that of ``dask.distributed.Client.get_executor()``;
        or whatever fugue takes for an engine ("dask", "ray", "spark", a session or a client), which needs
        ``pararnn-ts[distributed]``. Results do not depend on it.
    device : {"cpu", "cuda", "cuda:float32"}
        Where starts run, see `ParaRNN.fit`. A CUDA device fits all series of the same form at once; those with missing
        values are fitted on the processor, which is said.
    progress : bool
        Whether to show a progress bar.
    **options
        Options of the model (`lags`, `units`, `activation`, `linear_lags`, `trend`, `seasonal`, `diff`, ...) and of its
        fit (`penalty`, `n_starts`, `maxiter`, `tol`, `cov_type`, `cov_kwds`); with `select` those of `select_order`
        (`max_lags`, `max_units`, ...). Names that neither has are refused.

    Returns
    -------
    Panel
        With `table`, `forecast(h)`, `params`, `summary()`, and the results of each series as ``panel[name]``.

    Raises
    ------
    TypeError, ValueError
        Mistakes in the data frame or in an option, before anything is fitted; or no series could be fitted.

    Warns
    -----
    ModelWarning
        Once, when series could not be fitted, did not converge or had times inserted; `table` says which and why.

    Notes
    -----
    ``panel["a"]`` equals ``ParaRNN(series_a, ...).fit(rng=rng)`` to the last bit, whatever the number of threads, the
    engine, the order of the rows and the other series.

    Examples
    --------
    >>> import pandas as pd, pararnn_ts as prt
    >>> lynx, nile = prt.datasets.load_lynx(), prt.datasets.load_nile()
    >>> df = pd.concat([
    ...     pd.DataFrame({"unique_id": name, "ds": series.index, "y": series.to_numpy()})
    ...     for name, series in {"lynx": lynx, "nile": nile}.items()
    ... ])
    >>> panel = prt.fit_panel(df, units=(1,), n_starts=2)
    >>> panel.table[["nobs", "status"]]
               nobs     status
    unique_id
    lynx        113  converged
    nile         99  converged
    >>> panel.forecast(2)[["unique_id", "ds"]]
      unique_id    ds
    0      lynx  1935
    1      lynx  1936
    2      nile  1971
    3      nile  1972
    """
    frame = read_long(df, id_col, time_col, target_col, exog_cols, freq)
    engine = find_engine(engine)
    task = make_task(frame, model, select, rng, device, options, elsewhere=engine is not None)
    panel = Panel(frame, task, fit_all(task, frame, engine, bool(progress)))
    if not len(panel.fitted_ids):
        why = panel.table["message"].iloc[0]
        raise ValueError(f"None of the {len(panel)} series could be fitted; the first, {shown(panel.ids[0])}: {why}")
    warn_of_fits(panel, np.ones(len(panel), dtype=bool), n_inserted(panel) > 0)
    return panel


def _table(frame: LongFrame, outcomes: Sequence[Outcome], select: bool) -> pd.DataFrame:
    failed = {"converged": False, "status": UNFITTED}
    rows = [
        outcome.figures if isinstance(outcome, Fitted)
        else {**failed, "n_missing": outcome.n_missing, "message": outcome.message}
        for outcome in outcomes
    ]  # fmt: skip
    table = pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in _FIGURES.items()}
    ).set_axis(frame.ids, axis=0)
    if select:
        for name in (*CHOSEN[:4], *FORM):
            # panels of earlier versions do not say what is the same for all of their series
            values = [one.chosen.get(name) if isinstance(one, Fitted) and one.chosen else None for one in outcomes]
            table[name] = pd.Series(
                [tuple(v) if isinstance(v, list) else v for v in values], index=table.index, dtype=object
            )
    return table
