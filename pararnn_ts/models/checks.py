"""Whether a sample can be used, and fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pararnn_ts.estimation.problem import difference_series
from pararnn_ts.estimation.scaling import largest
from pararnn_ts.models.arguments import check_choice

__all__ = [
    "SMALLEST",
    "check_missing",
    "require_continuation",
    "require_different",
    "require_fittable",
    "require_history",
    "require_no_second_constant",
    "require_representable",
]

# squares of numbers between these, and sums of many of them, are ordinary numbers
SMALLEST, _LARGEST = 1e-140, 1e140


def require_fittable(y: np.ndarray, min_rows: int = 1, difference: np.ndarray | None = None) -> None:
    """
    Raise for a series without observations, with too few of them, or without variation.

    Parameters
    ----------
    y : ndarray
        The series, NaN where missing.
    min_rows : int
        Number of observations that the model needs, missing ones not counted.
    difference : ndarray, optional
        Coefficients of the differencing polynomial.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.checks import require_fittable
    >>> require_fittable(np.ones(20))
    Traceback (most recent call last):
    ValueError: endog is constant (all values are 1); there is nothing to model.
    """
    n = int(np.isfinite(y).sum())
    if n == 0:
        raise ValueError(f"endog has no observations: all of its {len(y)} values are missing.")
    if n < min_rows:
        missing = "" if n == len(y) else f" ({len(y) - n} more are missing)"
        raise ValueError(
            f"endog has {n} observations{missing}, but this model needs at least {min_rows}; pass a longer series or "
            "choose fewer lags or units."
        )
    looks = [(y, "")]
    if difference is not None and len(difference) > 1:
        looks.append((difference_series(y, difference), " after differencing"))
    for values, how in looks:
        # they pass over missing values
        low, high = np.fmin.reduce(values, initial=np.nan), np.fmax.reduce(values, initial=np.nan)
        if high - low <= 4 * np.finfo(float).eps * max(abs(low), abs(high)):
            raise ValueError(f"endog is constant{how} (all values are {high:.6g}); there is nothing to model.")


def require_history(y: np.ndarray, rows: int) -> None:
    """
    Raise for a series that a model with known parameters cannot begin with: `rows` of it are given before the first.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.checks import require_history
    >>> require_history(np.ones(3), 4)
    Traceback (most recent call last):
    ValueError: endog has 3 rows, but the model needs 4 before the first that it predicts; pass a longer series.
    """
    if len(y) < rows:
        raise ValueError(
            f"endog has {len(y)} rows, but the model needs {rows} before the first that it predicts; pass a longer "
            "series."
        )
    if rows and not np.isfinite(y).any():
        raise ValueError(f"endog has no observations: all of its {len(y)} values are missing.")


def require_representable(values: np.ndarray, what: str, smallest: float = SMALLEST) -> None:
    """
    Raise for values so large or so small that their squares are no ordinary numbers.

    Parameters
    ----------
    values : ndarray
        The values, NaN where missing.
    what : str
        Name of the argument in error messages.
    smallest : float
        What the largest of them must reach, unless all are zero.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.checks import require_representable
    >>> require_representable(np.array([1e200, 0.0]), "endog")
    Traceback (most recent call last):
    ValueError: endog has values up to 1e+200, whose squares cannot be computed with; rescale it.
    """
    size = largest(values)
    if size > _LARGEST or 0.0 < size < smallest:
        raise ValueError(f"{what} has values up to {size:.6g}, whose squares cannot be computed with; rescale it.")


def require_no_second_constant(x: np.ndarray, names: Sequence[str]) -> None:
    """
    Raise for an exogenous column that is constant, where the deterministic terms have a constant already.

    Parameters
    ----------
    x : ndarray, (n, e)
        Exogenous values.
    names : sequence of str
        Names of the columns.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.checks import require_no_second_constant
    >>> require_no_second_constant(np.array([[0.0], [1.0]]), ["price"])
    """
    for name, column in zip(names, x.T, strict=True):
        if column[0] != 0 and (column == column[0]).all():
            raise ValueError(
                f"exog column {name!r} is constant, and the deterministic terms have a constant already; leave the "
                "column out, or pass trend='n'."
            )


def require_different(param_names: Sequence[str], exog: Sequence[str]) -> None:
    """
    Raise for an exogenous column with the name of a lag of the series: two parameters would have the same name.

    Examples
    --------
    >>> from pararnn_ts.models.checks import require_different
    >>> require_different(["const", "linear.y.L1", "linear.price"], ["price"])
    """
    known: set[str] = set()
    for name in param_names:
        if name in known:
            column = next(label for label in exog if label in name)
            raise ValueError(f"exog column {column!r} has the name of a lag of endog; rename it.")
        known.add(name)


def require_continuation(wanted: pd.Index, found: pd.Index) -> None:
    """
    Raise unless the labels found are those that follow the sample; the message names the first that differs.

    Parameters
    ----------
    wanted, found : Index
        Labels that follow the sample, and those of the new observations, as many.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.checks import require_continuation
    >>> require_continuation(pd.RangeIndex(10, 12), pd.RangeIndex(11, 13))
    Traceback (most recent call last):
    ValueError: endog must continue the sample at 10, but begins at 11; pass the observations that follow the sample, \
or an array to have them follow it.
    """
    if wanted.equals(found):
        return
    row = next((row for row, (label, own) in enumerate(zip(wanted, found, strict=True)) if label != own), 0)
    where = f"begins at {found[0]}" if row == 0 else f"goes on from {found[row - 1]} to {found[row]}"
    step, own_step = (getattr(labels, "freqstr", None) for labels in (wanted, found))
    differ = bool(step and own_step and step != own_step)
    frequency = f" with frequency {own_step} where the sample has {step}" if differ else ""
    raise ValueError(
        f"endog must continue the sample at {wanted[row]}, but {where}{frequency}; pass the observations that follow "
        "the sample, or an array to have them follow it."
    )


def check_missing(missing: str, y: np.ndarray, index: pd.Index) -> None:
    """Raise for an unknown way to treat missing observations, for "drop", and for "raise" when some are missing."""
    if isinstance(missing, str) and missing == "drop":
        raise ValueError(
            "missing='drop' would break the time axis; leave missing out: missing observations are handled by the "
            "model and do not enter the fit."
        )
    check_choice(missing, "missing", ("none", "raise"))
    absent = np.isnan(y)
    if missing == "raise" and absent.any():
        raise ValueError(
            f"endog has {int(absent.sum())} missing values, the first at {index[int(absent.argmax())]}, and "
            "missing='raise'; leave missing out to have them handled by the model."
        )
