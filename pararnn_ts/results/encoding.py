"""Indices, tables and options of models as plain values that JSON can hold, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.tsa.deterministic import (
    CalendarFourier,
    CalendarSeasonality,
    CalendarTimeTrend,
    DeterministicProcess,
    Fourier,
    Seasonality,
    TimeTrend,
)

__all__ = ["decode", "decode_index", "encode", "encode_index"]

# what each deterministic term is made of
_TERMS: dict[str, tuple[type, tuple[str, ...]]] = {
    "TimeTrend": (TimeTrend, ("constant", "order")),
    "Seasonality": (Seasonality, ("period", "initial_period")),
    "Fourier": (Fourier, ("period", "order")),
    "CalendarTimeTrend": (CalendarTimeTrend, ("freq", "constant", "order")),
    "CalendarSeasonality": (CalendarSeasonality, ("freq", "period")),
    "CalendarFourier": (CalendarFourier, ("freq", "order")),
}


def encode(value: Any, what: str = "value") -> Any:
    """
    Plain values for numbers, text, sequences, mappings, tables, indices and deterministic terms.

    Examples
    --------
    >>> from pararnn_ts.results.encoding import decode, encode
    >>> decode(encode({"lags": (1, 2), "scale": 0.5}))
    {'lags': (1, 2), 'scale': 0.5}
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return encode(value.item(), what)
    if isinstance(value, tuple):
        return {"tuple": [encode(item, what) for item in value]}
    if isinstance(value, list):
        return [encode(item, what) for item in value]
    if isinstance(value, Mapping):
        return {"mapping": [[str(key), encode(item, what)] for key, item in value.items()]}
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return {"array": [encode(item, what) for item in value.tolist()]}
    if isinstance(value, pd.Index):
        return {"index": encode_index(value)}
    if isinstance(value, pd.DataFrame):
        columns = [[str(name), str(column.dtype), encode(column.tolist(), what)] for name, column in value.items()]
        return {"frame": {"index": encode_index(value.index), "columns": columns}}
    if isinstance(value, DeterministicProcess):
        return {"process": _encode_process(value)}
    raise TypeError(
        f"{what} holds a {type(value).__name__}, which cannot be saved; use numbers, text, lists, or a "
        "DeterministicProcess."
    )


def decode(value: Any) -> Any:
    """Turn what :func:`encode` made into what it was made of."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise ValueError("path is not a file of results as this version writes them; save the results again.")
    ((kind, content),) = value.items()
    if kind == "tuple":
        return tuple(decode(item) for item in content)
    if kind == "mapping":
        return {key: decode(item) for key, item in content}
    if kind == "array":
        return np.array([decode(item) for item in content])
    if kind == "index":
        return decode_index(content)
    if kind == "frame":
        data = {name: pd.Series(decode(items), dtype=dtype) for name, dtype, items in content["columns"]}
        return pd.DataFrame(data).set_axis(decode_index(content["index"]), axis=0)
    if kind == "process":
        return _decode_process(content)
    raise ValueError(f"path has a value of the unknown kind {kind!r}; load it with the version that wrote it.")


def encode_index(index: pd.Index) -> dict[str, Any]:
    """
    Kind and parameters of an index, or its labels where there is no rule for them.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.results.encoding import decode_index, encode_index
    >>> code = encode_index(pd.period_range("2001-01", periods=3, freq="M"))
    >>> sorted(code)
    ['freq', 'kind', 'name', 'periods', 'start']
    >>> decode_index(code)
    PeriodIndex(['2001-01', '2001-02', '2001-03'], dtype='period[M]')
    """
    name = None if index.name is None else str(index.name)
    if isinstance(index, pd.RangeIndex):
        return {"kind": "range", "name": name, "start": index.start, "stop": index.stop, "step": index.step}
    if isinstance(index, pd.PeriodIndex):
        code = {"kind": "period", "name": name, "freq": index.freqstr}
        return _with_rule(index, {**code, "start": int(index[0].ordinal)}, {**code, "labels": index.asi8.tolist()})
    if isinstance(index, pd.DatetimeIndex):
        tz = None if index.tz is None else str(index.tz)
        code = {"kind": "date", "name": name, "unit": index.unit, "tz": tz, "freq": index.freqstr}
        start = int(index[0].as_unit("ns").value)
        return _with_rule(index, {**code, "start": start}, {**code, "freq": None, "labels": index.asi8.tolist()})
    labels = index.tolist()
    if not all(isinstance(label, (str, int, float)) for label in labels):
        raise TypeError("The index of the series has labels that are not dates, numbers or text; it cannot be saved.")
    return {"kind": "labels", "name": name, "labels": labels, "dtype": str(index.dtype)}


def _with_rule(index: pd.Index, rule: dict[str, Any], labels: dict[str, Any]) -> dict[str, Any]:
    """Return the rule if it makes the index, the labels otherwise."""
    rule["periods"] = len(index)
    if rule["freq"] is not None:
        try:
            if decode_index(rule).equals(index):
                return rule
        except (ValueError, TypeError):
            pass
    return labels


def decode_index(code: dict[str, Any]) -> pd.Index:
    """Turn what :func:`encode_index` made into an index."""
    kind, name = code["kind"], code["name"]
    if kind == "range":
        return pd.RangeIndex(code["start"], code["stop"], code["step"], name=name)
    if kind == "period":
        if "labels" in code:
            periods = [pd.Period(ordinal=label, freq=code["freq"]) for label in code["labels"]]
            return pd.PeriodIndex(periods, name=name)
        first = pd.Period(ordinal=code["start"], freq=code["freq"])
        return pd.period_range(first, periods=code["periods"], freq=code["freq"], name=name)
    if kind == "date":
        if "labels" in code:
            dates = pd.DatetimeIndex(np.array(code["labels"], dtype=f"datetime64[{code['unit']}]"), name=name)
            return dates if code["tz"] is None else dates.tz_localize("UTC").tz_convert(code["tz"])
        start = pd.Timestamp(code["start"], unit="ns", tz=code["tz"])
        return pd.date_range(start, periods=code["periods"], freq=code["freq"], name=name, unit=code["unit"])
    if kind == "labels":
        return pd.Index(code["labels"], dtype=code["dtype"], name=name)
    raise ValueError(f"path has an index of the unknown kind {kind!r}; load it with the version that wrote it.")


def _encode_process(process: DeterministicProcess) -> dict[str, Any]:
    terms = []
    for term in process.terms:
        kind = type(term).__name__
        if kind not in _TERMS:
            raise TypeError(
                f"deterministic has a {kind} term, which cannot be saved; only the terms of statsmodels can "
                f"({', '.join(_TERMS)})."
            )
        terms.append([kind, {name: encode(getattr(term, name), "deterministic") for name in _TERMS[kind][1]}])
    return {"index": encode_index(process.index), "terms": terms, "drop": bool(process._drop)}


def _decode_process(code: dict[str, Any]) -> DeterministicProcess:
    terms = [_TERMS[kind][0](**options) for kind, options in code["terms"]]
    return DeterministicProcess(decode_index(code["index"]), additional_terms=terms, drop=code["drop"])
