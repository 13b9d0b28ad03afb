"""Panels in a file and back: one npz archive of arrays and a JSON header, without pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts._compat import to_offset
from pararnn_ts.models.index_code import decode_freq, decode_index, encode_freq, encode_index
from pararnn_ts.models.values import shown
from pararnn_ts.panel.calendars import as_numbers, make_calendar
from pararnn_ts.panel.frame import Columns, LongFrame
from pararnn_ts.panel.task import Fitted, Outcome, Task, Unfitted
from pararnn_ts.results.archive import check_version, one_sentence, take, write_archive
from pararnn_ts.results.encoding import decode, encode
from pararnn_ts.results.persistence import check_options, find_model, pack_details, unpack_details

if TYPE_CHECKING:
    from pararnn_ts.panel.panel import Panel

__all__ = ["save", "unpack"]

# version 1 has all rows of a series among those on which its parameters were estimated, and versions 1 and 2 have the
# precision in the data's units
FORMAT, VERSION = "pararnn_ts.panel", 3
# times are integers too large for a float64: they are kept in two parts
PART = 2**32


def save(panel: Panel, path: Any) -> None:
    """
    Write the panel to a file that `pararnn_ts.load` reads.

    Parameters
    ----------
    path : str, path or binary file
        Where to write.

    Notes
    -----
    The file has the data and, for each series, what was found; it holds no code, and loading runs none.

    Examples
    --------
    >>> import io, numpy as np, pandas as pd, pararnn_ts as prt
    >>> y = np.random.default_rng(0).normal(size=60)
    >>> panel = prt.fit_panel(pd.DataFrame({"unique_id": "a", "ds": range(60), "y": y}), units=(1,), n_starts=2)
    >>> file = io.BytesIO()
    >>> panel.save(file)
    >>> _ = file.seek(0)
    >>> prt.load(file).forecast(3).equals(panel.forecast(3))
    True
    """
    from pararnn_ts import __version__

    frame, task = panel._frame, panel._task
    fits = [outcome for outcome in panel._outcomes if isinstance(outcome, Fitted)]
    freq = frame.freq if isinstance(frame.freq, str) else encode_freq(to_offset(frame.freq))
    header = {
        "format": FORMAT,
        "version": VERSION,
        "package": __version__,
        "columns": encode(tuple(frame.columns), "columns"),
        "ids": _names(frame.ids),
        "times": _kind(frame.times),
        "freq": freq,
        "task": {
            "model": task.model.__name__,
            "options": encode(dict(task.options), "options"),
            "fit": encode(dict(task.fit), "options"),
            "select": task.select,
            "seed": task.seed,
            "device": task.device,
        },
        "outcomes": [_pack(outcome) for outcome in panel._outcomes],
    }
    high, low = np.divmod(as_numbers(frame.times), PART)
    arrays = {"offsets": frame.offsets, "times.high": high, "times.low": low, "y": frame.y}
    if frame.x is not None:
        arrays["x"] = frame.x
    arrays["estimated"] = panel._estimated
    arrays["params"] = np.concatenate([np.zeros(0), *(fit.params for fit in fits)])
    arrays["precision"] = np.concatenate([np.zeros(0), *(fit.details.precision.ravel() for fit in fits)])
    arrays["to_data"] = np.concatenate([np.zeros(0), *(fit.details.to_data.ravel() for fit in fits)])
    write_archive(path, header, arrays)


def unpack(header: dict[str, Any], arrays: dict[str, np.ndarray], path: Any) -> Panel:
    """
    Panel of what a file holds.

    Parameters
    ----------
    header : dict
        What the JSON of the file says.
    arrays : dict of ndarray
        Its arrays.
    path : object
        The file, for messages.

    Returns
    -------
    Panel
    """
    from pararnn_ts.panel.panel import Panel

    check_version(header, "a panel", VERSION)
    with one_sentence(path):
        frame = _unpack_frame(header, arrays)
        estimated = frame.lengths
        if header["version"] > 1:
            estimated = take(arrays, "estimated", len(frame)).astype(np.int64)
            if (estimated < 1).any() or (estimated > frame.lengths).any():
                raise ValueError("estimated")
        code = header["task"]
        task = Task(
            find_model(code["model"]), decode(code["options"]), decode(code["fit"]), bool(code["select"]),
            int(code["seed"]), str(code["device"]),
        )  # fmt: skip
        params, precision = take(arrays, "params", None), take(arrays, "precision", None)
        derivatives = take(arrays, "to_data", None) if header["version"] > 2 else None
        outcomes: list[Outcome] = []
        at = square = oblong = 0
        for entry in header["outcomes"]:
            n, m = (int(entry.get(name, 0)) for name in ("n_params", "n_precision"))
            matrix = precision[square : square + m * m].reshape(m, m)
            # versions without derivatives have no parameters that are held
            to_data = np.eye(n) if derivatives is None else derivatives[oblong : oblong + n * m].reshape(n, m)
            outcomes.append(_unpack(entry, params[at : at + n], matrix, to_data))
            at, square, oblong = at + n, square + m * m, oblong + n * m
            if isinstance(outcomes[-1], Fitted):
                check_options({**task.options, **(outcomes[-1].chosen or {})}, n)
        if derivatives is not None and oblong != len(derivatives):
            raise ValueError("sizes differ")
        if len(outcomes) != len(frame) or at != len(params) or square != len(precision) or arrays:
            raise ValueError("sizes differ")
        return Panel(frame, task, outcomes, estimated)


def _names(ids: pd.Index) -> dict[str, Any]:
    """Names of the series; raises for those that a file cannot hold."""
    try:
        return encode_index(ids)
    except TypeError:
        raise TypeError(
            f"The panel has series with names that are neither text, numbers nor dates, the first {shown(ids[0])}, "
            "which cannot be saved; fit it with names that are, or keep it with pickle."
        ) from None


def _kind(times: Any) -> dict[str, Any]:
    """What else is to be known of times that are kept as numbers."""
    name = None if times.name is None else str(times.name)
    if isinstance(times, pd.PeriodIndex):
        return {"kind": "period", "name": name, "freq": times.freqstr}
    if isinstance(times, pd.DatetimeIndex):
        return {"kind": "date", "name": name, "unit": times.unit, "tz": None if times.tz is None else str(times.tz)}
    return {"kind": "integer", "name": name}


def _unpack_frame(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> LongFrame:
    ids, columns, freq = decode_index(header["ids"]), Columns(*decode(header["columns"])), decode_freq(header["freq"])
    high, low = (take(arrays, f"times.{part}", None).astype(np.int64) for part in ("high", "low"))
    numbers, code = high * PART + low, header["times"]
    periods: Any = pd.PeriodIndex
    times: Any = pd.Index(numbers, name=code["name"])
    if code["kind"] == "period":
        times = periods.from_ordinals(numbers, freq=code["freq"], name=code["name"])
    elif code["kind"] == "date":
        times = pd.DatetimeIndex(numbers.view(f"datetime64[{code['unit']}]"), name=code["name"])
        times = times if code["tz"] is None else times.tz_localize("UTC").tz_convert(code["tz"])
    offsets = take(arrays, "offsets", len(ids) + 1).astype(np.int64)
    rows = len(numbers)
    if offsets[0] != 0 or offsets[-1] != rows or (np.diff(offsets) < 1).any():
        raise ValueError("offsets")
    y = take(arrays, "y", rows)
    x = take(arrays, "x", rows, len(columns.exog)) if columns.exog else None
    return LongFrame(columns, ids, offsets, times, y, x, freq, make_calendar(times, freq))


def _pack(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Unfitted):
        return {"message": outcome.message, "n_missing": outcome.n_missing}
    return {
        "n_params": len(outcome.params),
        "n_precision": len(outcome.details.precision),
        "details": pack_details(outcome.details),
        "chosen": encode(outcome.chosen, "options"),
        "figures": encode(outcome.figures, "figures"),
        "device": outcome.device,
    }


def _unpack(entry: dict[str, Any], params: np.ndarray, precision: np.ndarray, to_data: np.ndarray) -> Outcome:
    if "details" not in entry:
        return Unfitted(str(entry["message"]), int(entry["n_missing"]))
    details = unpack_details(entry["details"], precision, to_data)
    return Fitted(params, details, decode(entry["chosen"]), decode(entry["figures"]), str(entry["device"]))
