"""The series of a comparison on its complete index, cut into the part that is fitted and the part that is forecast."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts.models.arguments import given
from pararnn_ts.models.deterministics import infer_period
from pararnn_ts.models.exogenous import align_exog
from pararnn_ts.models.grid import complete_grid
from pararnn_ts.models.window import resolve_window

__all__ = ["Sample", "aligned", "split_sample"]

MIN_TRAIN = 20


@dataclass(frozen=True)
class Sample:
    """
    A series with its exogenous values, and where its holdout begins.

    Parameters
    ----------
    endog : Series
        The series on its complete index; NaN where missing.
    exog : DataFrame or None
        Exogenous values of the same rows.
    n_train : int
        Number of rows before the holdout.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.comparison.sample import split_sample
    >>> sample = split_sample(np.arange(40.0), None, 0.25)
    >>> sample.n_train, len(sample.holdout[0]), sample.period
    (30, 10, None)
    """

    endog: pd.Series
    exog: pd.DataFrame | None
    n_train: int

    @property
    def train(self) -> tuple[pd.Series, pd.DataFrame | None]:
        """Part that models are fitted to."""
        return self.endog.iloc[: self.n_train], None if self.exog is None else self.exog.iloc[: self.n_train]

    @property
    def holdout(self) -> tuple[pd.Series, pd.DataFrame | None]:
        """Part that is forecast."""
        return self.endog.iloc[self.n_train :], None if self.exog is None else self.exog.iloc[self.n_train :]

    @property
    def period(self) -> int | None:
        """Length of the season that the index suggests, where the first part has three seasons of it or more."""
        period = infer_period(self.endog.index)
        return None if period is None or 3 * period > self.n_train else period


def aligned(endog: Any, exog: Any = None, dates: Any = None, freq: Any = None) -> tuple[pd.Series, pd.DataFrame | None]:
    """
    Series on its complete index, and exogenous values matched to it by label.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.comparison.sample import aligned
    >>> y = pd.Series(range(8), index=range(2000, 2008))
    >>> aligned(y, pd.Series(range(9), index=range(2008, 1999, -1), name="x"))[1].iloc[0]
    x    8.0
    Name: 2000, dtype: float64
    """
    grid = complete_grid(endog, exog, dates, freq)
    series = pd.Series(grid.y, index=grid.index, name=grid.name)
    if exog is None:
        return series, None
    values, names = align_exog(exog, grid)
    return series, pd.DataFrame(values, index=grid.index, columns=names)


def split_sample(endog: Any, exog: Any, holdout: Any, dates: Any = None, freq: Any = None) -> Sample:
    """
    Complete the index of a series, align its exogenous values, and find the first row of the holdout.

    Parameters
    ----------
    endog : Series or array_like
        The series.
    exog : DataFrame or array_like, optional
        Exogenous values.
    holdout : int, float or label
        Number of last observations, their share, or the label at which they begin.
    dates, freq
        Labels of the observations in place of the index, and their frequency, as models take them.

    Returns
    -------
    Sample

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.comparison.sample import split_sample
    >>> y = pd.Series(range(60), index=pd.period_range("2001-01", periods=60, freq="M"))
    >>> split_sample(y, None, "2005").n_train, split_sample(y, None, 6).n_train
    (48, 54)
    """
    series, frame = aligned(endog, exog, dates, freq)
    first = _first_row(holdout, series.index)
    seen, held = series.iloc[:first].notna().sum(), series.iloc[first:].notna().sum()
    if seen < MIN_TRAIN:
        raise ValueError(
            f"holdout={holdout!r} leaves {seen} observations to fit models to, but at least {MIN_TRAIN} are needed; "
            "hold out fewer."
        )
    if not held:
        raise ValueError(f"holdout={holdout!r} has no observation that is not missing; hold out more.")
    return Sample(series, frame, first)


def _first_row(holdout: Any, index: pd.Index) -> int:
    """Row at which the holdout begins."""
    n = len(index)
    wanted = "holdout must be a number of observations, a share between 0 and 1, or the label at which it begins"
    if isinstance(holdout, (bool, np.bool_)) or holdout is None:
        raise TypeError(f"{wanted}, but is {given(holdout)}.")
    if isinstance(holdout, Integral):
        holdout = int(holdout)
        if not 0 < holdout < n:
            raise ValueError(f"{wanted}, but is {holdout} with {n} observations; pass for example {max(n // 5, 1)}.")
        return n - holdout
    if isinstance(holdout, Real):
        holdout = float(holdout)
        if not 0 < holdout < 1:
            raise ValueError(f"{wanted}, but is {holdout!r}; pass for example 0.2.")
        return n - max(round(holdout * n), 1)
    try:
        first = resolve_window(index, True, True, holdout, None).start
    except (KeyError, TypeError, ValueError):
        first = n
    if not 0 < first < n:
        raise ValueError(
            f"{wanted}, but is {given(holdout)}, which does not lie in the index, {index[0]} to {index[-1]}; pass a "
            "label between them."
        )
    return first
