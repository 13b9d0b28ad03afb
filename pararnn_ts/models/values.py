"""Numbers out of whatever holds them: checked float64 arrays from pandas, numpy, lists and array-likes."""

from __future__ import annotations

import numbers
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from pararnn_ts.models.frames import with_labels

__all__ = ["as_column", "column_names", "first_infinite", "flat_name", "float_values", "shown"]

_FAST_OBJECTS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"}


def as_column(data: Any, what: str) -> tuple[np.ndarray, pd.Index | None, str | None]:
    """
    Take one column of numbers apart into a new float64 array, its labels and its name.

    Parameters
    ----------
    data : Series, DataFrame with one column, or 1-d array_like
        Missing values may be NaN, None, null or pandas' NA.
    what : str
        Name of the argument in error messages.

    Returns
    -------
    values : ndarray
        1-d, C order, writable; missing values are NaN.
    labels : Index or None
        Labels of a pandas object; rows of polars and Arrow have none.
    name : str or None
        Name of the Series or of the column.

    Examples
    --------
    >>> from pararnn_ts.models.values import as_column
    >>> as_column([1, None, 3], "endog")
    (array([ 1., nan,  3.]), None, None)
    """
    data, labels = with_labels(data, what)
    if isinstance(data, pd.DataFrame):
        if data.shape[1] != 1:
            raise ValueError(f"{what} must be a single series, but has {data.shape[1]} columns; select one of them.")
        column: Any = data.iloc[:, 0]
        name = column.name
    elif isinstance(data, (pd.Series, pd.Index)):
        column, name = data, data.name
    elif isinstance(data, pd.api.extensions.ExtensionArray):
        column, name = pd.Series(data), None
    else:
        column, name = _as_array(data, what), getattr(data, "name", None)
        if column.ndim == 2 and column.shape[1] == 1:
            names = column_names(data)
            column, name = column[:, 0], name if names is None else names[0]
        if column.ndim != 1:
            raise ValueError(
                f"{what} must be a single series, but has shape {column.shape}; pass a one-dimensional array or select "
                "one column."
            )
    if len(column) == 0:
        raise ValueError(f"{what} is empty; pass at least one observation.")
    return float_values(column, what), labels, None if name is None or name == "" or callable(name) else flat_name(name)


def float_values(column: Any, what: str) -> np.ndarray:
    """
    Copy a Series or 1-d array into float64 with NaN for missing values; refuse what is not a number.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.values import float_values
    >>> float_values(pd.Series([1, None, 3], dtype="Int64"), "endog")
    array([ 1., nan,  3.])
    """
    if isinstance(column, np.ma.MaskedArray):
        kept = float_values(np.asarray(column.data), what)
        kept[np.ma.getmaskarray(column)] = np.nan
        return kept
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "fiub":
        return np.array(column, dtype=np.float64, order="C")
    if isinstance(dtype, np.dtype) and dtype.names:
        raise TypeError(
            f"{what} must hold numbers, but has records of {', '.join(dtype.names)}; select one with "
            f"{what}[{dtype.names[0]!r}]."
        )
    if types.is_complex_dtype(dtype):
        raise TypeError(f"{what} must be real, but has dtype {dtype}; pass its real part or its modulus.")
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _from_objects(column, what)
    if isinstance(dtype, pd.SparseDtype):
        return np.array(np.asarray(column), dtype=np.float64)
    if isinstance(dtype, pd.CategoricalDtype) or not (types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype)):
        raise TypeError(
            f"{what} must be numeric, but has dtype {dtype}{_example(column)}; convert it to numbers first."
        )
    return np.array(pd.Series(column).to_numpy(dtype=np.float64, na_value=np.nan), order="C")


def column_names(table: Any) -> list[str] | None:
    """Names of the columns of a table that is read as an array; None where there are none."""
    names = getattr(table, "column_names", getattr(table, "columns", None))
    return None if names is None or callable(names) else [str(name) for name in names]


def flat_name(name: Any) -> str:
    """
    Name of a column as text; the levels of a name that has several are joined.

    Examples
    --------
    >>> from pararnn_ts.models.values import flat_name
    >>> flat_name("sales"), flat_name(("sales", 2024))
    ('sales', 'sales_2024')
    """
    return "_".join(map(str, name)) if isinstance(name, tuple) else str(name)


def shown(name: Any) -> str:
    """
    Name of a series or time as it is written in Python, where numpy would write its own type around it.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.values import shown
    >>> shown(np.int64(7)), shown("shop")
    ('7', "'shop'")
    """
    return repr(name.item() if isinstance(name, np.generic) else name)


def first_infinite(values: np.ndarray) -> int | None:
    """
    Position of the first infinite value; None when there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.values import first_infinite
    >>> first_infinite(np.array([1.0, np.nan, -np.inf])), first_infinite(np.ones(2))
    (2, None)
    """
    infinite = np.isinf(values)
    return int(infinite.argmax()) if infinite.any() else None


def _as_array(data: Any, what: str) -> np.ndarray:
    scalar = data is None or isinstance(data, (str, bytes, dict, set, numbers.Number))
    try:
        array = None if scalar else np.asanyarray(data) if isinstance(data, np.ma.MaskedArray) else np.asarray(data)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{what} must be a single series, but its rows have different lengths.") from error
    if array is None or array.ndim == 0:
        kind = "a single number" if isinstance(data, np.ndarray) and data.dtype.kind in "fiub" else type(data).__name__
        raise TypeError(f"{what} must be a Series, a DataFrame with one column or a one-dimensional array, not {kind}.")
    return array


def _from_objects(column: Any, what: str) -> np.ndarray:
    values = np.asarray(column, dtype=object)
    if types.infer_dtype(values, skipna=True) not in _FAST_OBJECTS:
        for value in values:
            if isinstance(value, complex):
                raise TypeError(f"{what} must be real, but holds {value!r}; pass its real part or its modulus.")
            if not (isinstance(value, (numbers.Real, Decimal, np.bool_)) or value is None or pd.isna(value) is True):
                raise TypeError(f"{what} must be numeric, but holds {value!r}; convert it to numbers first.")
    try:
        return np.array(pd.Series(values, dtype=object).to_numpy(dtype=np.float64, na_value=np.nan), order="C")
    except OverflowError as error:
        raise ValueError(f"{what} holds integers beyond the range of floating-point numbers; rescale it.") from error


def _example(column: Any) -> str:
    return f" (first value {str(pd.Series(column).iloc[0])!r})" if len(column) else ""
