"""The base of every model: a statsmodels time-series model that knows its grid, its exogenous and its fixed terms."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import is_scalar

from pararnn_ts._compat import TimeSeriesModel, forget_values, relayed_warnings, statsmodels_index, user_frame
from pararnn_ts.models.arguments import check_count, check_flag
from pararnn_ts.models.checks import (
    check_missing,
    require_continuation,
    require_fittable,
    require_no_second_constant,
)
from pararnn_ts.models.deterministics import Deterministics, check_period, constant_representation, infer_period
from pararnn_ts.models.differencing import MOST_DIFFERENCES, difference_polynomial
from pararnn_ts.models.exogenous import align_exog, align_future_exog
from pararnn_ts.models.formula import FormulaDesign, parse_formula
from pararnn_ts.models.frames import as_pandas, with_labels
from pararnn_ts.models.grid import Grid, complete_grid
from pararnn_ts.models.index_code import LabelRule
from pararnn_ts.models.labels import extend_index, grid_offset, labels_like, lengthen_index
from pararnn_ts.models.options import OptionBearer
from pararnn_ts.models.window import PredictionWindow, locate, resolve_window

if TYPE_CHECKING:
    from statsmodels.tsa.deterministic import DeterministicProcess

__all__ = ["Continuation", "SeriesModel"]


@dataclass(frozen=True)
class Continuation:
    """New observations that follow a sample: values (NaN where missing), exogenous values or None, labels."""

    y: np.ndarray
    x: np.ndarray | None
    index: pd.Index


class SeriesModel(OptionBearer, TimeSeriesModel):
    """
    Everything between a user's series and clean arrays; the base of all models, without any numerics.

    A subclass gives its own options as keyword-only parameters, keeps each in an attribute of the same name (in a form
    that its constructor accepts again), and passes the rest on::

        class MyModel(SeriesModel):
            def __init__(self, endog, exog=None, *, lags=1, **series: Unpack[SeriesOptions]):
                super().__init__(endog, exog, **series)
                self.lags = lags

    Its signature is completed with the parameters below, and `clone_with` and statsmodels know its options.

    Parameters
    ----------
    endog : Series, DataFrame with one column, or 1-d array_like
        The series; NaN or null where missing. Dates that are absent from a regular index are inserted as missing. A
        series of polars, pyarrow or another library that narwhals supports has no index; give its dates as `dates`.
    exog : Series, DataFrame or array_like, optional
        Exogenous values, matched to `endog` by label when both have an index.
    trend : {"n", "c", "t", "ct", "ctt"}
        Deterministic trend, as in statsmodels: none, a constant, linear, both, or both and a quadratic trend.
    seasonal : bool
        Whether to include seasonal dummies.
    period : int, optional
        Length of the season in steps; inferred from the frequency of the index when needed.
    deterministic : DeterministicProcess, optional
        Deterministic terms in place of `trend` and `seasonal`.
    diff, seasonal_diff : int
        Orders of ordinary and seasonal differencing. Forecasts are transformed back to levels.
    dates : array_like of dates, optional
        Labels of the observations, in place of the index of `endog`.
    freq : str or offset, optional
        Frequency of the dates; inferred when not given.
    missing : {"none", "raise"}
        Whether to keep missing observations or to refuse them.

    Attributes
    ----------
    index : Index
        Labels of the observations; a RangeIndex for arrays.
    is_pandas : bool
        Whether results are labelled.
    difference : ndarray
        Coefficients of the differencing polynomial, the first of them 1.
    endog_name, exog_labels, deterministic_names : str and lists of str
        Names of the series and of the columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.series import SeriesModel
    >>> sales = pd.Series(range(24), index=pd.period_range("2001-01", periods=24, freq="M"), name="sales")
    >>> model = SeriesModel(sales, trend="ct", seasonal_diff=1)
    >>> model.period, model.deterministic_names, model.future_index(2)
    (12, ['const', 'trend'], PeriodIndex(['2003-01', '2003-02'], dtype='period[M]'))
    """

    index: pd.Index
    exog_labels: list[str]
    deterministic_names: list[str]
    _terms: Deterministics
    _origin: int

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        *,
        trend: str = "c",
        seasonal: bool = False,
        period: int | None = None,
        deterministic: DeterministicProcess | None = None,
        diff: int = 0,
        seasonal_diff: int = 0,
        dates: Any = None,
        freq: Any = None,
        missing: str = "none",
        **kwargs: Any,
    ):
        self._refuse_unknown(kwargs)
        like: SeriesModel | None = kwargs.get("_like")
        grid = complete_grid(endog, exog, dates, freq, like=None if like is None else like.index)
        self._y = grid.y
        check_missing(missing, grid.y, grid.index)
        self._x, self.exog_labels = _in_sample_exog(exog, grid, None if like is None else like.exog_labels)
        self.endog_name, self.is_pandas = grid.name, grid.is_pandas
        held: tuple[Any, Any] = (self._y, self._x)
        if grid.is_pandas:
            frame = None if self._x is None else pd.DataFrame(self._x, grid.index, self.exog_labels, copy=False)
            held = pd.Series(self._y, index=grid.index, name=grid.name, copy=False), frame
        with relayed_warnings() if grid.deferred else nullcontext():
            super().__init__(*held, missing="none", hasconst=None if self._x is None else False)
        for index in (self.data.row_labels, self._index):
            forget_values(index)
        self.index, self._extendable = statsmodels_index(self) if grid.deferred else (grid.index, True)
        if not self._extendable:
            self.index = grid.index
        self._notes = grid.notes
        self.trend, self.deterministic, self.missing = trend, deterministic, missing
        advice = "; give the length of the season as period"
        self.seasonal = check_flag(seasonal, "seasonal", advice)
        self.diff = check_count(diff, "diff", 0, MOST_DIFFERENCES)
        self.seasonal_diff = check_count(seasonal_diff, "seasonal_diff", 0, MOST_DIFFERENCES)
        self.period = None if period is None else check_period(period)
        if self.period is None and (self.seasonal or self.seasonal_diff):
            self.period = infer_period(self.index)
        self.difference = difference_polynomial(self.diff, self.seasonal_diff, self.period)
        self._place_in_time(like)
        self._det = self._terms.rows(self._origin, self._origin + len(self._y))
        self._design: FormulaDesign | None = kwargs.get("_design") or (None if like is None else like._design)
        if self._design is not None:
            self.formula = self._design.formula
        self.nobs, self._init_keys = len(self._y), list(self.option_names)
        self._data_attr += ["_y", "_x", "_det"]

    def initialize(self) -> None:
        """Nothing to prepare; statsmodels calls this before the sample is complete."""

    @classmethod
    def from_formula(cls, formula: str, data: Any, subset: Any = None, drop_cols: Any = None, **options: Any):
        """
        Make a model from a formula and a data frame.

        Parameters
        ----------
        formula : str
            For example "y ~ x + np.log(z)". Its intercept becomes ``trend="c"``, and "0 +" ``trend="n"``, unless
            `trend` is given.
        data : DataFrame or mapping of columns
            The variables, in a data frame of pandas or of another library that narwhals supports. Rows in which the
            series is missing are kept.
        subset : array_like, optional
            Labels or a mask of the rows to use.
        drop_cols : str or sequence of str, optional
            Columns of the right-hand side to leave out.
        **options
            Passed to the constructor.

        Returns
        -------
        model
            Its results forecast from exogenous values given as columns of the formula or as raw variables.

        Examples
        --------
        >>> import pandas as pd
        >>> from pararnn_ts.models.series import SeriesModel
        >>> data = pd.DataFrame({"y": range(10), "x": range(10)}, index=range(2001, 2011))
        >>> SeriesModel.from_formula("y ~ np.sqrt(x) - 1", data).exog_labels
        ['np.sqrt(x)']
        """
        if subset is not None:
            data = pd.DataFrame(as_pandas(data, "data")).loc[as_pandas(subset, "subset")]
        frame, _ = user_frame()
        parsed = parse_formula(formula, data, {**frame.f_globals, **frame.f_locals}, drop_cols)
        if options.get("deterministic") is None:
            options.setdefault("trend", parsed.trend)
        model = cls(parsed.endog, parsed.exog, _design=parsed.design, **options)
        model._notes = (*model._notes, *parsed.notes)
        return model

    def clone_with(self, endog: Any, exog: Any = None, **changes: Any):
        """
        Make the same model for other data.

        Deterministic terms continue in time where the labels of the new data say so, and start anew otherwise.

        Parameters
        ----------
        endog, exog
            As in the constructor; `exog` may have more columns than the model needs, in any order. For a model made
            from a formula also raw data: all of it as `endog`, or the variables on the right as `exog`.
        **changes
            Options to change.

        Returns
        -------
        model

        Examples
        --------
        >>> import pandas as pd
        >>> from pararnn_ts.models.series import SeriesModel
        >>> y = pd.Series(range(12), index=pd.period_range("2001-01", periods=12, freq="M"))
        >>> SeriesModel(y[:9], trend="t").clone_with(y[9:])._det
        array([[10.],
               [11.],
               [12.]])
        """
        design = self._design
        if design is not None:
            endog, exog = self._split_data(endog, exog)
            raw = design.raw(exog)
            if raw is not None:
                design, made, skip = design.restarted(raw)
                # rows of a frame without labels go with those of endog
                labelled = isinstance(exog, Mapping) or with_labels(exog, "exog")[1] is not None
                exog = made if labelled else made.to_numpy()
                if skip and len(endog) == len(raw):
                    endog = endog.iloc[skip:] if isinstance(endog, pd.Series) else endog[skip:]
        self._expect_exog(exog)
        return type(self)(endog, exog, **{**self._get_init_kwds(), **changes, "_like": self, "_design": design})

    def appended(self, endog: Any, exog: Any = None, **changes: Any):
        """
        Make the same model for the sample with new observations added at its end.

        Parameters
        ----------
        endog, exog
            As in `continuation`.
        **changes
            Options to change.

        Returns
        -------
        model

        Examples
        --------
        >>> import numpy as np
        >>> from pararnn_ts.models.series import SeriesModel
        >>> SeriesModel(np.arange(10.0)).appended([10.0, 11.0]).nobs
        12
        """
        model = self.clone_with(*self.joined(endog, exog), **changes)
        model._notes = (*self._notes, *model._notes)
        model._design = self.design_after(endog, exog, model.index[self.nobs :])
        return model

    def prediction_window(
        self, start: Any = None, end: Any = None, dynamic: Any = False, index: Any = None
    ) -> PredictionWindow:
        """
        Find the rows that a prediction covers from `start`, `end` and `dynamic`, as statsmodels understands them.

        Parameters
        ----------
        start, end : int, str or label, optional
            First and last row; by default the whole sample. Integers are positions, negative ones from the end;
            anything else is a label. A string may be part of a date, such as a year, and then stands for all its rows
            within the sample and for its first label after it.
        dynamic : bool, int, str or label
            Where predictions stop using observations and use earlier predictions instead: nowhere, from the first row
            on, after so many rows, or from a label on.
        index : Index, optional
            Labels of the rows, where the index of the series cannot be extended.

        Returns
        -------
        PredictionWindow

        Examples
        --------
        >>> import pandas as pd
        >>> from pararnn_ts.models.series import SeriesModel
        >>> y = pd.Series(range(24), index=pd.period_range("2001-01", periods=24, freq="M"))
        >>> window = SeriesModel(y).prediction_window("2002", "2003-02")
        >>> window.start, window.end, window.out_of_sample, str(window.index[-1])
        (12, 23, 2, '2003-02')
        """
        return resolve_window(self.index, self._extendable, self.is_pandas, start, end, dynamic, index)

    def row_of(self, key: Any, what: str, *, last: bool = False) -> int:
        """
        Position of a key, in the sample or after it.

        Parameters
        ----------
        key : int, str or label
            Integers are positions, negative ones from the end; anything else is a label.
        what : str
            Name of the argument in error messages.
        last : bool
            Whether a part of a date stands for its last row, or its first.

        Examples
        --------
        >>> import pandas as pd
        >>> from pararnn_ts.models.series import SeriesModel
        >>> SeriesModel(pd.Series(range(9), index=range(2001, 2010))).row_of(-2, "start")
        7
        """
        return locate(key, self.index, self._extendable, what, last=last)

    def future_index(self, steps: int) -> pd.Index:
        """
        Labels of the periods that follow the sample.

        Parameters
        ----------
        steps : int
            Number of periods.

        Returns
        -------
        Index

        Raises
        ------
        ValueError
            The index has no regular steps, so that it cannot be extended.

        Examples
        --------
        >>> import numpy as np
        >>> from pararnn_ts.models.series import SeriesModel
        >>> SeriesModel(np.arange(10.0)).future_index(3)
        RangeIndex(start=10, stop=13, step=1)
        """
        if not self._extendable:
            raise ValueError(
                "No supported index is available: the labels of endog cannot be extended; pass index with the labels "
                "of the forecasts."
            )
        return extend_index(self.index, steps)

    def future_deterministic(self, steps: int) -> np.ndarray:
        """
        Deterministic terms of the periods that follow the sample.

        Parameters
        ----------
        steps : int
            Number of periods.

        Returns
        -------
        ndarray, (steps, k)

        Examples
        --------
        >>> import numpy as np
        >>> from pararnn_ts.models.series import SeriesModel
        >>> SeriesModel(np.arange(10.0), trend="t").future_deterministic(2)
        array([[11.],
               [12.]])
        """
        after = self._origin + self.nobs
        return self._terms.rows(after, after + steps)

    def future_exog(self, exog: Any, steps: int, index: pd.Index | None = None) -> np.ndarray | None:
        """
        Exogenous values of the periods that follow the sample, matched by label and by column name.

        Parameters
        ----------
        exog : Series, DataFrame or array_like
            For a model made from a formula, columns of the formula or raw data.
        steps : int
            Number of periods.
        index : Index, optional
            Their labels, where the index of the series cannot be extended.

        Returns
        -------
        ndarray or None
            None for a model without exogenous values.

        Examples
        --------
        >>> import numpy as np
        >>> from pararnn_ts.models.series import SeriesModel
        >>> SeriesModel(np.arange(10.0), np.arange(10.0)).future_exog([10.0, 11.0], 2)
        array([[10.],
               [11.]])
        """
        self._expect_exog(exog)
        if not self.exog_labels:
            return None
        by_label = self.is_pandas and (self._extendable or index is not None)
        if index is None:
            index = self.future_index(steps) if self._extendable else pd.RangeIndex(steps)
        raw = self._raw_rows(exog, index, by_label)
        if self._design is not None and raw is not None:
            exog = self._design.transform(raw)
        return align_future_exog(exog, index, self.exog_labels, match_labels=by_label)

    def continuation(self, endog: Any, exog: Any = None) -> Continuation:
        """
        Check that new observations follow the sample, and complete their index.

        Parameters
        ----------
        endog : Series, array_like or float
            New observations. A Series must begin where the sample ends; anything else is assumed to.
        exog : Series, DataFrame or array_like, optional
            Their exogenous values.

        Returns
        -------
        Continuation

        Examples
        --------
        >>> import numpy as np
        >>> from pararnn_ts.models.series import SeriesModel
        >>> SeriesModel(np.arange(10.0)).continuation([10.0, 11.0]).index
        RangeIndex(start=10, stop=12, step=1)
        """
        endog, labels = with_labels(endog, "endog")
        if self._design is not None:
            endog, exog = self._split_data(endog, exog)
        if endog is not None and (is_scalar(endog) or (isinstance(endog, np.ndarray) and endog.ndim == 0)):
            endog = [endog]
        if labels is not None and self.is_pandas:
            known = endog.set_axis(labels_like(endog.index, self.index))
            grid = complete_grid(known, like=self.index if self._extendable else None)
            index = grid.index
            if self._extendable:
                index = self.future_index(len(grid.y))
                require_continuation(index, grid.index)
        else:
            grid = complete_grid(endog.to_numpy() if isinstance(endog, (pd.Series, pd.DataFrame)) else endog)
            index = self.future_index(len(grid.y))
        return Continuation(grid.y, self.future_exog(exog, len(grid.y), index), index)

    def joined(self, endog: Any, exog: Any = None) -> tuple[Any, Any]:
        """
        Add new observations at the end of the sample; return it in the form that `clone_with` takes.

        Parameters
        ----------
        endog, exog
            As in `continuation`.

        Returns
        -------
        endog : Series or ndarray
            Labelled, with the frequency of the index kept, where the series has an index.
        exog : DataFrame, ndarray or None
            Exogenous values, with the columns of the model.

        Examples
        --------
        >>> import pandas as pd
        >>> from pararnn_ts.models.series import SeriesModel
        >>> y = pd.Series(range(9), index=pd.date_range("2001-01-01", periods=9, freq="MS"))
        >>> SeriesModel(y).joined([9.0])[0].index.freqstr
        'MS'
        """
        self.require_data()
        new = self.continuation(endog, exog)
        y = np.append(self._y, new.y)
        x = None if self._x is None or new.x is None else np.concatenate([self._x, new.x])
        if not self.is_pandas:
            return y, x
        index = lengthen_index(self.index, len(new.y)) if self._extendable else self.index.append(new.index)
        frame = None if x is None else pd.DataFrame(x, index, columns=self.exog_labels)
        return pd.Series(y, index, name=self.endog_name), frame

    def design_after(self, endog: Any, exog: Any, index: pd.Index) -> FormulaDesign | None:
        """Formula of the model once it has seen new rows, given as in `continuation`; None without one."""
        if self._design is None:
            return None
        return self._design.seen(self._raw_rows(self._split_data(endog, exog)[1], index, self.is_pandas), len(index))

    def _raw_rows(self, exog: Any, index: pd.Index, by_label: bool) -> pd.DataFrame | None:
        """Exogenous values as raw data for the formula, those rows that are wanted; None when they are not raw."""
        raw = None if self._design is None else self._design.raw(exog)
        if raw is None:
            return None
        known = labels_like(raw.index, index)
        if by_label and index.isin(known).all() and known.is_unique:
            return raw.iloc[known.get_indexer(index)]
        return raw

    def require_data(self) -> None:
        """Raise when the data were removed with those of results, see `remove_data` there."""
        if self._y is None:
            raise RuntimeError(
                "The data of this model were removed with those of its results; make the model again with "
                "model.clone_with(endog, exog)."
            )

    def require_sample(self, min_rows: int = 1) -> None:
        """Raise unless the sample can be fitted and has `min_rows` observations; for the beginning of fit."""
        require_fittable(self._y, min_rows, self.difference)
        if self._x is not None and self.constant_weights is not None:
            require_no_second_constant(self._x, self.exog_labels)

    @cached_property
    def constant_weights(self) -> np.ndarray | None:
        """How the deterministic terms express a constant: weights w with D w = 1; None when they do not."""
        return constant_representation(self._terms.rows(self._origin, self._origin + self.nobs))

    @property
    def summary_notes(self) -> list[str]:
        """
        What was inferred about the series or filled in, as sentences for the foot of a summary.

        Examples
        --------
        >>> import pandas as pd
        >>> from pararnn_ts.models.series import SeriesModel
        >>> days = pd.DatetimeIndex([f"2024-01-{d:02d}" for d in range(1, 13)])
        >>> SeriesModel(pd.Series([1.0, None] * 6, index=days)).summary_notes
        ['frequency D inferred from the index', '6 of 12 observations missing']
        """
        notes = list(self._notes)
        n_missing = int(np.isnan(self._y).sum()) if self._y is not None else 0
        if n_missing:
            notes.append(f"{n_missing} of {self.nobs} observations missing")
        return notes

    def __getstate__(self) -> dict[str, Any]:
        """State for pickle and copies; once the data were removed, labels go as the rule that makes them."""
        state = dict(self.__dict__)
        if self._y is not None:
            return state
        data = copy(self.data)
        data._cache = dict(data._cache)
        rules: dict[int, LabelRule] = {}
        for holder in (state, data.__dict__, data._cache):
            for name, value in holder.items():
                if isinstance(value, (pd.DatetimeIndex, pd.PeriodIndex)):
                    # one rule for one index, which is then one index again
                    holder[name] = rules.setdefault(id(value), LabelRule(value))
        return {**state, "data": data}

    def _get_init_kwds(self) -> dict[str, Any]:
        """Options with which the model can be made again; statsmodels calls this, too."""
        return self.option_values()

    def _place_in_time(self, like: SeriesModel | None) -> None:
        """Find the deterministic terms, and the position of the first observation on their time axis."""
        options = (self.trend, self.seasonal, self.period, self.deterministic)
        self._origin, self._base_index = 0, self.index
        if like is not None:
            self._base_index = like._base_index
            self._origin = like._origin + (grid_offset(like.index, self.index) or 0)
            if options == (like.trend, like.seasonal, like.period, like.deterministic):
                self._terms = like._terms
                self.deterministic_names = list(like.deterministic_names)
                return
        self._terms = Deterministics(*options, index=self._base_index)
        self.deterministic_names = list(self._terms.names)

    def _split_data(self, endog: Any, exog: Any) -> tuple[Any, Any]:
        """Series and variables out of a data frame that has both, for a model made from a formula."""
        design = self._design
        assert design is not None
        table = as_pandas(endog, "endog")
        if exog is None and isinstance(table, pd.DataFrame) and (table.shape[1] > 1 or design.regressors is None):
            return design.series(table), None if design.regressors is None else table
        return endog, exog

    def _expect_exog(self, exog: Any) -> None:
        if exog is None and self.exog_labels:
            raise ValueError(f"exog is needed; pass the columns {', '.join(self.exog_labels)} of the model.")
        if exog is not None and not self.exog_labels:
            raise ValueError("exog was given, but the model has no exogenous columns; leave it out.")


def _in_sample_exog(exog: Any, grid: Grid, names: list[str] | None) -> tuple[np.ndarray | None, list[str]]:
    if exog is None:
        return None, []
    values, found = align_exog(exog, grid, names)
    return (values, found) if found else (None, [])
