"""Indices as plain values: the rule that makes their labels where there is one, the labels otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts._compat import to_offset

__all__ = ["MOST_LABELS", "LabelRule", "decode_freq", "decode_index", "encode_freq", "encode_index", "n_labels"]

# a rule of a few words could ask for any number of labels
MOST_LABELS = 2**27
# frequencies with holidays of their own, which their alias does not tell
_WITH_HOLIDAYS = ("CustomBusinessDay", "CustomBusinessMonthBegin", "CustomBusinessMonthEnd")


def encode_index(index: pd.Index) -> dict[str, Any]:
    """
    Kind and parameters of an index, or its labels where there is no rule for them.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.index_code import decode_index, encode_index
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
        code = {"kind": "date", "name": name, "unit": index.unit, "tz": tz, "freq": encode_freq(index.freq)}
        first = int(index.asi8[0])
        return _with_rule(index, {**code, "first": first}, {**code, "freq": None, "labels": index.asi8.tolist()})
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


def encode_freq(freq: Any) -> Any:
    """
    Alias of a frequency, or what makes it where its alias does not tell.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.index_code import decode_freq, encode_freq
    >>> encode_freq(pd.offsets.MonthBegin(2)), decode_freq(encode_freq(pd.DateOffset(months=2)))
    ('2MS', <DateOffset: months=2>)
    """
    if freq is None:
        return None
    kind, options = type(freq).__name__, freq.kwds
    code = {"offset": kind, "n": freq.n, "normalize": freq.normalize}
    if kind == "DateOffset" and options and all(isinstance(value, int) for value in options.values()):
        return {**code, "options": options}
    if kind in _WITH_HOLIDAYS and not options["offset"]:
        days = np.array(options["holidays"], dtype="datetime64[D]").astype(int).tolist()
        week = options["weekmask"]
        week = week if isinstance(week, str) else "".join("01"[bool(day)] for day in week)
        return {**code, "weekmask": week, "holidays": days}
    try:
        to_offset(freq.freqstr)
    except ValueError as error:
        raise TypeError(
            f"The index of the series has the frequency {freq.freqstr}, which cannot be saved; keep the results with "
            "pickle."
        ) from error
    return freq.freqstr


def decode_freq(code: Any) -> Any:
    """Turn what :func:`encode_freq` made into a frequency."""
    if code is None or isinstance(code, str):
        return code
    kind, n, normalize = code["offset"], int(code["n"]), bool(code["normalize"])
    if kind == "DateOffset":
        return pd.DateOffset(n=n, normalize=normalize, **{name: int(value) for name, value in code["options"].items()})
    if kind not in _WITH_HOLIDAYS:
        raise ValueError(f"path has a frequency of the unknown kind {kind!r}; load it with the version that wrote it.")
    holidays = np.array(code["holidays"], dtype=np.int64).astype("datetime64[D]").tolist()
    return getattr(pd.offsets, kind)(n, normalize, weekmask=code["weekmask"], holidays=holidays)


def decode_index(code: dict[str, Any]) -> pd.Index:
    """
    Turn what :func:`encode_index` made back into an index.

    Raises
    ------
    ValueError
        The code is of an unknown kind or stands for too many labels.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.index_code import decode_index, encode_index
    >>> decode_index(encode_index(pd.period_range("2001-01", periods=2, freq="M")))
    PeriodIndex(['2001-01', '2001-02'], dtype='period[M]')
    """
    kind, name = code["kind"], code["name"]
    if n_labels(code) > MOST_LABELS:
        raise ValueError(f"path has an index of {n_labels(code)} labels, more than the {MOST_LABELS} that are read.")
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
        # before there were dates beyond those of nanoseconds, "start" was in these
        moment, unit = (code["first"], code["unit"]) if "first" in code else (code["start"], "ns")
        start = pd.DatetimeIndex(np.array([moment], dtype=f"datetime64[{unit}]"))[0]
        if code["tz"] is not None:
            start = start.tz_localize("UTC").tz_convert(code["tz"])
        freq = decode_freq(code["freq"])
        return pd.date_range(start, periods=code["periods"], freq=freq, name=name, unit=code["unit"])
    if kind == "labels":
        return pd.Index(code["labels"], dtype=code["dtype"], name=name)
    raise ValueError(f"path has an index of the unknown kind {kind!r}; load it with the version that wrote it.")


def n_labels(code: dict[str, Any]) -> int:
    """
    Length of the index that a code stands for, without making it.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.index_code import encode_index, n_labels
    >>> n_labels(encode_index(pd.RangeIndex(5)))
    5
    """
    if code["kind"] == "range":
        return len(range(code["start"], code["stop"], code["step"]))
    return len(code["labels"]) if "labels" in code else int(code["periods"])


class LabelRule:
    """
    An index that goes into a pickle as the rule that makes its labels, and comes out as an index.

    Parameters
    ----------
    index : Index
        The index.

    Examples
    --------
    >>> import pickle, pandas as pd
    >>> from pararnn_ts.models.index_code import LabelRule
    >>> days = pd.date_range("2001-01-01", periods=10_000)
    >>> code = pickle.dumps(LabelRule(days))
    >>> len(code) < 300, pickle.loads(code).equals(days)
    (True, True)
    """

    def __init__(self, index: pd.Index):
        self.index = index

    def __reduce__(self) -> tuple[Any, ...]:
        try:
            return decode_index, (encode_index(self.index),)
        except TypeError:  # a frequency that only pandas can keep
            return pd.Index, (self.index,)
