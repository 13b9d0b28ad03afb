"""Results in a file and back: one npz archive of arrays and a JSON header, without pickle."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.results import sista_persistence
from pararnn_ts.results.covariance import Covariance
from pararnn_ts.results.details import FitDetails
from pararnn_ts.results.encoding import decode, decode_index, encode, encode_index
from pararnn_ts.results.trajectory import Standpoint, Tail, place_in_time

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults, RecurrentResultsWrapper

__all__ = ["load", "save"]

FORMAT, VERSION = "pararnn_ts.results", 1
_HEADER = {"format", "version", "package", "model", "details", "past", "inherited", "removed"}
_MODEL = {"class", "options", "endog_name", "exog_names", "labelled", "index", "base_index", "origin", "notes"}
_DETAILS = ("penalty", "scale", "effective", "log_evidence", "alpha", "starts", "mle_retvals", "cov_type", "cov_kwds")
_TAIL = ("deterministic", "exog", "last_exog", "shocks")


def save(results: RecurrentResults, path: Any, remove_data: bool = False) -> None:
    """
    Write the results to a file.

    Parameters
    ----------
    path : str, path or binary file
        Where to write.
    remove_data : bool
        Whether to leave the data out; what is loaded can then forecast and print its summary, see `remove_data`.

    Notes
    -----
    The file is an npz archive of arrays and a JSON header: it holds no code, and loading runs none. A model made from a
    formula is loaded as one with the columns of the formula.

    Examples
    --------
    >>> import io, numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
    >>> file = io.BytesIO()
    >>> res.save(file)
    >>> _ = file.seek(0)
    >>> bool((prt.load(file).forecast(3) == res.forecast(3)).all())
    True
    """
    from pararnn_ts import __version__

    arrays: dict[str, np.ndarray] = {"params": results.params, "precision": results.details.precision}
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION, "package": __version__}
    header["model"] = _pack_model(results.model)
    header["details"] = {name: encode(getattr(results.details, name), name) for name in _DETAILS}
    header["past"] = None if results.past is None else _pack_standpoint(results.past, "past", arrays)
    header["inherited"] = _pack_inherited(results, arrays)
    if remove_data or results.data_removed:
        header["removed"] = _pack_removed(results, arrays)
    else:
        header["removed"] = None
        arrays["y"] = results.model._y
        if results.model._x is not None:
            arrays["x"] = results.model._x
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with nullcontext(path) if hasattr(path, "write") else open(path, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load(path: Any) -> RecurrentResultsWrapper | Any:
    """
    Read results from a file written by `save`.

    Parameters
    ----------
    path : str, path or binary file
        Where to read.

    Returns
    -------
    RecurrentResultsWrapper or SISTAResults
        Results that forecast, summarise and append as those that were saved.

    Examples
    --------
    >>> import os, tempfile, numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     res.save(os.path.join(folder, "results.npz"))
    ...     again = prt.load(os.path.join(folder, "results.npz"))
    >>> again.llf == res.llf, again.model.units
    (True, (1,))
    """
    from pararnn_ts.results.base import Inherited, RecurrentResults, RecurrentResultsWrapper

    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop("header").tobytes())
        if header["format"] not in (FORMAT, sista_persistence.FORMAT):
            raise KeyError("format")
    except (ValueError, KeyError, TypeError, EOFError, AttributeError) as error:
        raise ValueError(f"path must be a file written by results.save, but {path!r} is not one.") from error
    other = header["format"] == sista_persistence.FORMAT
    known = sista_persistence.VERSION if other else VERSION
    if header["version"] != known:
        raise ValueError(
            f"path holds results of format version {header['version']!r}, but this version of pararnn_ts reads version "
            f"{known}; load it with pararnn_ts {header.get('package')}."
        )
    if other:
        return sista_persistence.unpack(header, arrays)
    _expect(set(header), _HEADER, "header")
    _expect(set(header["model"]), _MODEL, "model")
    _expect(set(header["details"]), set(_DETAILS), "details")
    removed = header["removed"]
    model = _unpack_model(header["model"], arrays, removed)
    details = FitDetails(
        precision=arrays.pop("precision"), **{name: decode(header["details"][name]) for name in _DETAILS}
    )
    past = None if header["past"] is None else _unpack_standpoint(header["past"], "past", arrays)
    inherited = None
    if header["inherited"] is not None:
        covariance = _unpack_covariance(header["inherited"], "inherited", arrays)
        inherited = Inherited(covariance, arrays.pop("inherited.shocks"), decode(header["inherited"]["span"]))
    results = RecurrentResults(model, arrays.pop("params"), details, past=past, inherited=inherited)
    if removed is not None:
        results._forget(_unpack_removed(removed, arrays))
    _expect(set(arrays), set(), "arrays")
    return RecurrentResultsWrapper(results)


def _expect(found: set[str], known: set[str], where: str) -> None:
    if found != known:
        odd = sorted(found ^ known)
        raise ValueError(
            f"path holds results whose {where} do not fit ({', '.join(map(repr, odd))} unknown or absent); load it "
            "with the version of pararnn_ts that wrote it."
        )


def _pack_model(model: Any) -> dict[str, Any]:
    options = {name: encode(value, name) for name, value in model.option_values().items()}
    return {
        "class": type(model).__name__,
        "options": options,
        "endog_name": model.endog_name,
        "exog_names": list(model.exog_labels),
        "labelled": bool(model.is_pandas),
        "index": encode_index(model.index),
        "base_index": encode_index(model._base_index),
        "origin": int(model._origin),
        "notes": list(model._notes),
    }


def _unpack_model(code: dict[str, Any], arrays: dict[str, np.ndarray], removed: Any) -> Any:
    index = decode_index(code["index"])
    if removed is None:
        y, x = arrays.pop("y"), arrays.pop("x", None)
    else:
        # nothing reads these; they give the model its size
        y, x = np.zeros(len(index)), np.zeros((len(index), len(code["exog_names"]))) if code["exog_names"] else None
    endog: Any = y
    exog: Any = x
    if code["labelled"]:
        endog = pd.Series(y, index=index, name=code["endog_name"])
        exog = None if x is None else pd.DataFrame(x, index, columns=code["exog_names"])
    options = {name: decode(value) for name, value in code["options"].items()}
    model = _model_class(code["class"])(endog, exog, **options)
    base_index = decode_index(code["base_index"])
    if code["origin"] or not base_index.equals(model._base_index):
        place_in_time(model, base_index, code["origin"])
    model._notes = tuple(code["notes"])
    return model


def _model_class(name: str) -> type:
    """Model class of this name: one of the package, or a subclass that the user has defined."""
    import pararnn_ts
    from pararnn_ts.models.series import SeriesModel

    found = getattr(pararnn_ts, name, None) if name in pararnn_ts.__all__ else None
    if isinstance(found, type) and issubclass(found, SeriesModel):
        return found
    classes = [SeriesModel]
    for known in classes:
        if known.__name__ == name:
            return known
        classes += known.__subclasses__()
    raise ValueError(f"path holds results of an unknown model {name!r}; import the module that defines it first.")


def _pack_standpoint(point: Standpoint, name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    arrays[f"{name}.levels"], arrays[f"{name}.state"] = point.levels, point.state
    return {"row": int(point.row)}


def _unpack_standpoint(code: dict[str, Any], name: str, arrays: dict[str, np.ndarray]) -> Standpoint:
    return Standpoint(int(code["row"]), arrays.pop(f"{name}.levels"), arrays.pop(f"{name}.state"))


def _pack_covariance(covariance: Covariance, name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    arrays[f"{name}.covariance"] = covariance.matrix
    return {"rank": int(covariance.rank), "description": covariance.description}


def _unpack_covariance(code: dict[str, Any], name: str, arrays: dict[str, np.ndarray]) -> Covariance:
    return Covariance(arrays.pop(f"{name}.covariance"), int(code["rank"]), str(code["description"]))


def _pack_inherited(results: RecurrentResults, arrays: dict[str, np.ndarray]) -> dict[str, Any] | None:
    if results.inherited is None:
        return None
    arrays["inherited.shocks"] = results.inherited.shocks
    code = _pack_covariance(results.inherited.covariance, "inherited", arrays)
    return {**code, "span": encode(results.inherited.span)}


def _pack_removed(results: RecurrentResults, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    tail = results.tail.thinned()
    if "inherited.shocks" in arrays:
        arrays["inherited.shocks"] = tail.shocks
    for name in _TAIL:
        arrays[f"tail.{name}"] = getattr(tail, name)
    return {
        "tail": _pack_standpoint(tail.standpoint, "tail", arrays),
        "end": _pack_standpoint(tail.end, "end", arrays),
        "range": [tail.low, tail.high],
        "covariance": _pack_covariance(results.covariance, "removed", arrays),
        "facts": encode(results.summary_facts),
        "nobs": int(results.nobs),
        "sse": float(results.sse),
    }


def _unpack_removed(code: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Attributes of results whose data were removed."""
    low, high = code["range"]
    last, end = (_unpack_standpoint(code[name], name, arrays) for name in ("tail", "end"))
    det, exog, last_exog, shocks = (arrays.pop(f"tail.{name}") for name in _TAIL)
    return {
        "tail": Tail(last, end, det, exog, last_exog, shocks, low, high),
        "covariance": _unpack_covariance(code["covariance"], "removed", arrays),
        "summary_facts": decode(code["facts"]),
        "nobs": int(code["nobs"]),
        "sse": float(code["sse"]),
    }
