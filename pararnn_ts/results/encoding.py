"""Tables and options of models as plain values that JSON can hold, and back."""

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

from pararnn_ts.models.index_code import decode_index, encode_index

__all__ = ["decode", "encode"]

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
        return {"mapping": [[encode(key, what), encode(item, what)] for key, item in value.items()]}
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
        return {decode(key): decode(item) for key, item in content}
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
