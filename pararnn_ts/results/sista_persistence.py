"""Results of sequential sparse models in a file and back, in the same kind of file as those of other models."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.estimation.sequences import Panel
from pararnn_ts.estimation.sista import PARAMETERS, SISTAParams
from pararnn_ts.estimation.training import Budget
from pararnn_ts.kernels.sparse_network import Network
from pararnn_ts.models.index_code import decode_index, encode_index
from pararnn_ts.models.panels import PanelFrame
from pararnn_ts.models.sista_training import Plan, Training
from pararnn_ts.results.archive import write_archive
from pararnn_ts.results.encoding import decode, encode

if TYPE_CHECKING:
    from pararnn_ts.results.sista import SISTAResults

__all__ = ["FORMAT", "VERSION", "save", "unpack"]

FORMAT, VERSION = "pararnn_ts.sista", 1
_PLAIN = ("n_layers", "alpha", "lam1", "lam2", "missing")
_TRAINING = ("forecast", "learning_rate", "status", "updates", "best_update", "train_mse", "valid_mse")


def save(results: SISTAResults, path: Any) -> None:
    """
    Write the results to a file, which `pararnn_ts.load` reads.

    Parameters
    ----------
    path : str, path or binary file
        Where to write.

    Notes
    -----
    The file is an npz archive of arrays and a JSON header: it holds no code, and loading runs none.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> results = prt.SISTARNN(np.random.default_rng(0).standard_normal((30, 16)), lam1=0.1, lam2=0.1).fit()
    >>> file = io.BytesIO()
    >>> results.save(file)
    >>> _ = file.seek(0)
    >>> bool((prt.load(file).forecast(3) == results.forecast(3)).all(axis=None))
    True
    """
    from pararnn_ts import __version__

    model = results.model
    arrays: dict[str, np.ndarray] = {}
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "package": __version__,
        "options": {name: encode(getattr(model, name), name) for name in _PLAIN},
        "measured": model.measurement is not None,
        "dictionary": model.dictionary if isinstance(model.dictionary, str) else None,
        "signals": encode_index(model.signal_names),
        "atoms": encode_index(model.atom_names),
        "tol": results.tol,
        "maxiter": results.maxiter,
        "training": None if results.training is None else _pack_training(results.training, arrays),
        "frame": _pack_frame(model.frame, "model", arrays),
        "own": None if results.frame is model.frame else _pack_frame(results.frame, "own", arrays),
    }
    _pack_params(SISTAParams(model._A, model._D, model._F, *_constants(model), model._h0), "initial", arrays)
    _pack_params(results.values, "values", arrays)
    if results.free is not None:
        arrays.update({f"free.{name}": value for name, value in results.free._asdict().items()})
    for name, value in (("target", results._target), ("states", results.states)):
        if value is not None:
            arrays[name] = value
    write_archive(path, header, arrays)


def _constants(model: Any) -> tuple[float, float, float]:
    start = model.start_params
    return start.alpha, start.lam1, start.lam2


def unpack(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> SISTAResults:
    """Results of a header and arrays that :func:`save` wrote."""
    from pararnn_ts.models.sista import SISTARNN
    from pararnn_ts.results.sista import SISTAResults

    frame = _unpack_frame(header["frame"], "model", arrays)
    initial = _unpack_params("initial", arrays)
    signals, atoms = decode_index(header["signals"]), decode_index(header["atoms"])
    model = SISTARNN(
        frame.frame(frame.panel.x),
        measurement=pd.DataFrame(initial.A, frame.columns, signals) if header["measured"] else None,
        dictionary=header["dictionary"] or pd.DataFrame(initial.D, signals, atoms),
        transition=initial.F,
        h0=initial.h0,
        **{name: decode(value) for name, value in header["options"].items()},
    )
    model.frame = replace(model.frame, notes=frame.notes)
    # found once, not to be searched for again
    model.__dict__["start_params"] = initial
    network = None
    if "free.output" in arrays:
        network = Network(**{name: arrays[f"free.{name}"] for name in Network._fields})
    own = None if header["own"] is None else _unpack_frame(header["own"], "own", arrays)
    return SISTAResults(
        model, _unpack_params("values", arrays), tol=header["tol"], maxiter=header["maxiter"],
        training=None if header["training"] is None else _unpack_training(header["training"], arrays), network=network,
        target=arrays.get("target"), frame=own, states=arrays.get("states"),
    )  # fmt: skip


def _pack_params(params: SISTAParams, name: str, arrays: dict[str, np.ndarray]) -> None:
    arrays.update({f"{name}.{part}": np.asarray(getattr(params, part)) for part in PARAMETERS})


def _unpack_params(name: str, arrays: dict[str, np.ndarray]) -> SISTAParams:
    found: dict[str, Any] = {part: arrays[f"{name}.{part}"] for part in PARAMETERS}
    for constant in ("alpha", "lam1", "lam2"):
        found[constant] = float(found[constant])
    return SISTAParams(**found)


def _pack_frame(frame: PanelFrame, name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Labels of a panel; times that several sequences share are written once."""
    arrays[f"{name}.x"], arrays[f"{name}.offsets"] = frame.panel.x, frame.panel.offsets
    distinct: list[pd.Index] = []
    which = []
    for time in frame.times:
        if not distinct or not time.equals(distinct[-1]):
            distinct.append(time)
        which.append(len(distinct) - 1)
    return {
        "columns": encode_index(frame.columns),
        "times": [encode_index(time) for time in distinct],
        "which": which,
        "keys": None if frame.keys is None else encode_index(frame.keys),
        "names": [encode(label, "index") for label in frame.names],
        "notes": list(frame.notes),
    }


def _unpack_frame(code: dict[str, Any], name: str, arrays: dict[str, np.ndarray]) -> PanelFrame:
    distinct = [decode_index(time) for time in code["times"]]
    times = tuple(distinct[k] for k in code["which"])
    keys = None if code["keys"] is None else decode_index(code["keys"])
    panel = Panel(arrays[f"{name}.offsets"].astype(np.int64), arrays[f"{name}.x"])
    return PanelFrame(
        panel, decode_index(code["columns"]), times, keys, tuple(map(decode, code["names"])), tuple(code["notes"])
    )


def _pack_training(training: Training, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    _pack_params(training.start, "start", arrays)
    arrays["tried"] = training.tried.to_numpy(dtype=float)
    arrays["history"] = training.history.reset_index().to_numpy(dtype=float)
    plan = training.plan
    return {
        **{name: encode(getattr(training, name), name) for name in _TRAINING},
        "plan": [list(plan.train), plan.tied, list(plan.budget), list(plan.rates), plan.valid_fraction],
    }


def _unpack_training(code: dict[str, Any], arrays: dict[str, np.ndarray]) -> Training:
    names, tied, budget, rates, fraction = code["plan"]
    history = pd.DataFrame(arrays["history"], columns=["update", "learning_rate", "train_mse", "valid_mse"])
    tried = pd.DataFrame(arrays["tried"], columns=["learning_rate", "valid_mse", "updates"])
    return Training(
        plan=Plan(tuple(names), tied, Budget(*budget), tuple(rates), fraction),
        tried=tried.astype({"updates": int}),
        history=history.astype({"update": int}).set_index("update"),
        start=_unpack_params("start", arrays),
        **{name: decode(code[name]) for name in _TRAINING},
    )
