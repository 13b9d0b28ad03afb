"""Results in a file and back: one npz archive of arrays and a JSON header, without pickle."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.estimation.errors import ErrorLaw, gaussian_loglike
from pararnn_ts.models.arguments import MOST_STEPS, check_flag
from pararnn_ts.models.index_code import decode_index, encode_index, n_labels
from pararnn_ts.results import sista_persistence
from pararnn_ts.results.archive import NOT_ONE, check_version, one_sentence, read_archive, take, write_archive
from pararnn_ts.results.covariance import Covariance, root_of
from pararnn_ts.results.design_code import decode_design, encode_design
from pararnn_ts.results.details import FitDetails
from pararnn_ts.results.encoding import decode, encode
from pararnn_ts.results.inference import Inherited
from pararnn_ts.results.trajectory import Gap, Standpoint, Tail, place_in_time

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults, RecurrentResultsWrapper

__all__ = ["check_options", "find_model", "load", "pack", "pack_details", "save", "unpack", "unpack_details"]

# version 1 had no formulas, and up to version 2 the precision was in the data's units
FORMAT, VERSION = "pararnn_ts.results", 3
# what is read by rooms above this one, which only a file can ask for
_ELSEWHERE = {
    "pararnn_ts.average": "pararnn_ts.average_persistence",
    "pararnn_ts.panel": "pararnn_ts.panel.persistence",
}
# the version from which on there is a derivative beside the precision
DERIVATIVE = 3
_HEADER = {"format", "version", "package", "model", "details", "past", "inherited", "removed"}
_MODEL = {
    "class",
    "options",
    "endog_name",
    "exog_names",
    "labelled",
    "index",
    "base_index",
    "origin",
    "notes",
    "formula",
}
_DETAILS = (
    "penalty", "scale", "effective", "log_evidence", "alpha", "held", "starts", "mle_retvals", "cov_type", "cov_kwds",
)  # fmt: skip
# what files of the first version do not have
_LATER = {"held", "law"}
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
    The file is an npz archive of arrays and a JSON header, described in docs/persistence.md: it holds no code, and
    loading runs none. Formulas of arithmetic, functions of numpy and transforms are kept; a model whose formula calls
    functions of the user is loaded as one with the columns of the formula.

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
    write_archive(path, *pack(results, remove_data))


def pack(results: RecurrentResults, remove_data: bool = False) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file of results."""
    from pararnn_ts import __version__

    arrays: dict[str, np.ndarray] = {"params": results.params, "precision": results.details.precision}
    arrays["to_data"] = results.details.to_data
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION, "package": __version__}
    header["model"] = _pack_model(results.model)
    header["details"] = pack_details(results.details)
    header["past"] = _pack_past(results, arrays)
    header["inherited"] = _pack_inherited(results, arrays)
    if check_flag(remove_data, "remove_data") or results.data_removed:
        header["removed"] = _pack_removed(results, arrays)
    else:
        header["removed"] = None
        arrays["y"] = results.model._y
        if results.model._x is not None:
            arrays["x"] = results.model._x
    return header, arrays


def load(path: Any) -> RecurrentResultsWrapper | Any:
    """
    Read results from a file written by `save`.

    Parameters
    ----------
    path : str, path or binary file
        Where to read.

    Returns
    -------
    RecurrentResultsWrapper, SISTAResults, Average or Panel
        Results that forecast, summarise and append as those that were saved.

    Raises
    ------
    ValueError
        If the file is not one of results, is damaged, or was written by another version in a way that this one does not
        know.

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
    header, arrays = read_archive(path)
    elsewhere = _ELSEWHERE.get(str(header.get("format")))
    if elsewhere is not None:
        return import_module(elsewhere).unpack(header, arrays, path)
    many = header.get("format") == sista_persistence.FORMAT
    if header.get("format") != FORMAT and not many:
        raise ValueError(NOT_ONE.format(path))
    check_version(header, "results", sista_persistence.VERSION if many else VERSION)
    with one_sentence(path):
        return sista_persistence.unpack(header, arrays) if many else unpack(header, arrays)


def unpack(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> RecurrentResultsWrapper:
    """Results of what :func:`pack` made; every array must have the shape that the model needs, and none be left."""
    _expect(set(header), _HEADER, "header")
    _expect({*header["model"], "formula"}, _MODEL, "model")
    removed = header["removed"]
    model = _unpack_model(header["model"], arrays, removed)
    if header["past"] is None and model.nobs < model.specification.hold_back:
        raise ValueError(f"path holds {model.nobs} observations, but lags of the model need more.")
    n = model.specification.n_params
    params = take(arrays, "params", n)
    held = decode(header["details"].get("held", ()))
    _expect_positions(held, n)
    free = np.delete(np.arange(n), held)
    precision, to_data = take(arrays, "precision", None, None), np.empty((0, 0))
    # the precision is needed to work the covariance out, which results of a sample without data bring with them
    brought = removed is not None or header["inherited"] is not None
    gone = brought and precision.shape == (0, 0)
    if header["version"] >= DERIVATIVE:
        to_data = take(arrays, "to_data", 0, 0) if gone else take(arrays, "to_data", n, len(free))
    elif precision.shape == (n, n):
        precision, to_data = precision[np.ix_(free, free)], np.eye(n)[:, free]
    if precision.shape != (len(free), len(free)) and not gone:
        raise ValueError(f"path holds results whose precision is {precision.shape}, of {len(free)} parameters.")
    details = unpack_details(header["details"], precision, to_data)
    past, gap = (None, None) if header["past"] is None else _unpack_past(header["past"], arrays, model)
    inherited = None
    if header["inherited"] is not None:
        covariance = _unpack_covariance(header["inherited"], "inherited", arrays, n)
        inherited = Inherited(covariance, _take_shocks(arrays, "inherited.shocks"), decode(header["inherited"]["span"]))
    results = model._results(params, details, past=past, gap=gap, inherited=inherited)
    if removed is None:
        model.constant_weights  # noqa: B018  known to every model that was fitted
    else:
        results._results._forget(_unpack_removed(removed, arrays, model))
    _expect(set(arrays), set(), "arrays")
    return results


def pack_details(details: FitDetails) -> dict[str, Any]:
    """How parameters were estimated, their precision apart, as values that JSON can hold."""
    return {**{name: encode(getattr(details, name), name) for name in _DETAILS}, "law": _pack_law(details.law)}


def unpack_details(stored: dict[str, Any], precision: np.ndarray, to_data: np.ndarray) -> FitDetails:
    """Turn what :func:`pack_details` made, the precision and its derivative into details again."""
    _expect({*stored, *_LATER}, {*_DETAILS, "law"}, "details")
    kept = {name: decode(stored[name]) for name in _DETAILS if name in stored}
    starts = kept.pop("starts")
    kept["start_columns"] = {name: starts[name].to_numpy() for name in starts.columns}
    if "law" in stored:
        kept["law"] = _unpack_law(stored["law"])
    return FitDetails(precision=precision, to_data=to_data, **kept)


def _expect(found: set[str], known: set[str], where: str) -> None:
    if found != known:
        odd = sorted(found ^ known)
        raise ValueError(
            f"path holds results whose {where} do not fit ({', '.join(map(repr, odd))} unknown or absent); load it "
            "with the version of pararnn_ts that wrote it."
        )


def _expect_positions(positions: Any, n: int) -> None:
    if any(not 0 <= position < n for position in positions):
        raise ValueError("path holds results with a position of a parameter that the model does not have.")


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
        "formula": encode_design(model._design),
    }


def _unpack_model(code: dict[str, Any], arrays: dict[str, np.ndarray], removed: Any) -> Any:
    n, names = n_labels(code["index"]), code["exog_names"]
    if removed is None:
        # before the labels are made: there must be one for each observation
        y, x = take(arrays, "y", n), take(arrays, "x", n, len(names)) if names else None
    index = decode_index(code["index"])
    if removed is not None:
        # nothing reads these; they give the model its size
        y, x = np.zeros(n), np.zeros((n, len(names))) if names else None
    endog: Any = y
    exog: Any = x
    if code["labelled"]:
        endog = pd.Series(y, index=index, name=code["endog_name"])
        exog = None if x is None else pd.DataFrame(x, index, columns=names)
    options = {name: decode(value) for name, value in code["options"].items()}
    check_options(options, len(arrays["params"]))
    model = find_model(code["class"])(endog, exog, _design=decode_design(code.get("formula")), **options)
    base_index = decode_index(code["base_index"])
    if code["origin"] or not base_index.equals(model._base_index):
        place_in_time(model, base_index, code["origin"])
    model._notes = tuple(code["notes"])
    return model


def check_options(options: dict[str, Any], n_params: int) -> None:
    """Refuse options that would make a model far larger than its parameters in the file."""
    for name, value in options.items():
        numbers = [item for item in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(item, int)]
        if name == "hold_back":  # makes nothing larger
            continue
        # a unit of dimension d has d^2 recurrent weights
        most = n_params**0.5 if name in ("units", "hidden") else MOST_STEPS
        if any(abs(number) > most for number in numbers):
            raise ValueError(f"path holds a model with {name}={value!r}, which does not fit its parameters.")


def find_model(name: str) -> type:
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


def _pack_law(law: ErrorLaw) -> dict[str, float | None]:
    return {"spread": float(law.spread), "dof": None if law.is_normal else float(law.dof)}


def _unpack_law(code: dict[str, Any]) -> ErrorLaw:
    spread, dof = float(code["spread"]), code["dof"]
    return ErrorLaw(spread) if dof is None else ErrorLaw(spread, float(dof))


def _pack_standpoint(point: Standpoint, name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    arrays[f"{name}.levels"], arrays[f"{name}.state"] = point.levels, point.state
    return {"row": int(point.row)}


def _unpack_standpoint(code: dict[str, Any], name: str, arrays: dict[str, np.ndarray], model: Any) -> Standpoint:
    levels, n_states = model.specification.reach, len(model.specification.initial_state)
    return Standpoint(int(code["row"]), take(arrays, f"{name}.levels", levels), take(arrays, f"{name}.state", n_states))


def _pack_past(results: RecurrentResults, arrays: dict[str, np.ndarray]) -> dict[str, Any] | None:
    """What is known before the sample of results that extend others."""
    if results.past is None:
        return None
    code, gap = _pack_standpoint(results.past, "past", arrays), results.gap
    if gap is None:
        return code
    arrays["gap.deterministic"], arrays["gap.exog"] = gap.deterministic, gap.exog
    return {**code, "gap": _pack_standpoint(gap.standpoint, "gap", arrays)}


def _unpack_past(code: dict[str, Any], arrays: dict[str, np.ndarray], model: Any) -> tuple[Standpoint, Gap | None]:
    past, spec = _unpack_standpoint(code, "past", arrays, model), model.specification
    if "gap" not in code:
        return past, None
    last = _unpack_standpoint(code["gap"], "gap", arrays, model)
    rows = -last.row
    if rows < 1:
        raise ValueError(f"path holds results whose gap before the sample has {rows} rows.")
    det, exog = (
        take(arrays, "gap.deterministic", rows, spec.n_deterministic),
        take(arrays, "gap.exog", rows, len(model.exog_labels)),
    )
    return past, Gap(last, det, exog)


def _pack_covariance(covariance: Covariance, name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    arrays[f"{name}.covariance"], arrays[f"{name}.root"] = covariance.matrix, covariance.root
    code = {"rank": int(covariance.rank), "description": covariance.description}
    return {**code, "unidentified": [int(position) for position in covariance.unidentified]}


def _unpack_covariance(code: dict[str, Any], name: str, arrays: dict[str, np.ndarray], n: int) -> Covariance:
    unidentified = tuple(int(position) for position in code.get("unidentified", ()))
    _expect_positions(unidentified, n)
    matrix = take(arrays, f"{name}.covariance", n, n)
    root = take(arrays, f"{name}.root", n, None) if f"{name}.root" in arrays else root_of(matrix)
    return Covariance(matrix, root, int(code["rank"]), str(code["description"]), unidentified)


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
        "llf": float(results.llf),
    }


def _take_shocks(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    shocks = take(arrays, name, None)
    if not len(shocks):
        raise ValueError("path holds results without shocks to draw from; save them again.")
    return shocks


def _unpack_removed(code: dict[str, Any], arrays: dict[str, np.ndarray], model: Any) -> dict[str, Any]:
    """Attributes of results whose data were removed."""
    low, high = code["range"]
    last, end = (_unpack_standpoint(code[name], name, arrays, model) for name in ("tail", "end"))
    spec = model.specification
    n_exog, ahead = len(model.exog_labels), model.nobs - last.row
    det, exog = (
        take(arrays, "tail.deterministic", ahead, spec.n_deterministic),
        take(arrays, "tail.exog", ahead, n_exog),
    )
    last_exog, shocks = take(arrays, "tail.last_exog", 1, n_exog), _take_shocks(arrays, "tail.shocks")
    return {
        "tail": Tail(last, det, exog, end, last_exog, shocks, float(low), float(high)),
        "covariance": _unpack_covariance(code["covariance"], "removed", arrays, spec.n_params),
        "summary_facts": decode(code["facts"]),
        "nobs": int(code["nobs"]),
        "sse": float(code["sse"]),
        # files of the first version have normal errors only
        "llf": float(code["llf"]) if "llf" in code else gaussian_loglike(float(code["sse"]), int(code["nobs"])),
    }
