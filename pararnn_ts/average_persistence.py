"""Averages in a file and back: one npz archive of arrays and a JSON header, without pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pararnn_ts.results.archive import check_version, one_sentence, take, write_archive
from pararnn_ts.results.persistence import pack
from pararnn_ts.results.persistence import unpack as unpack_results

if TYPE_CHECKING:
    from pararnn_ts.averaging import Average

__all__ = ["save", "unpack"]

FORMAT, VERSION = "pararnn_ts.average", 1
# the sample, which all candidates have in common
_SAMPLE = ("y", "x")


def save(average: Average, path: Any) -> None:
    """
    Write the average to a file that `pararnn_ts.load` reads.

    Parameters
    ----------
    path : str, path or binary file
        Where to write.

    Notes
    -----
    The file has each candidate as `results.save` writes it, and what their weights are made from; it holds no code, and
    loading runs none.

    Examples
    --------
    >>> import io, pararnn_ts as prt
    >>> nile = prt.datasets.load_nile()
    >>> average = prt.select_order(nile, max_lags=1, max_linear_lags=1, max_units=1, n_starts=2).average()
    >>> file = io.BytesIO()
    >>> average.save(file)
    >>> _ = file.seek(0)
    >>> prt.load(file).forecast(3).equals(average.forecast(3))
    True
    """
    from pararnn_ts import __version__

    arrays = {"log_evidence": average._log_evidence, "log_prior": average._log_prior}
    members = []
    for number, member in enumerate(average.members):
        header, own = pack(member._results)
        shared = {name: own.pop(name) for name in _SAMPLE if name in own}
        arrays |= shared | {f"{number}.{name}": values for name, values in own.items()}
        members.append(header)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "package": __version__,
        "labels": average._labels,
        "n_fitted": int(average._n_fitted),
        "members": members,
    }
    write_archive(path, header, arrays)


def unpack(header: dict[str, Any], arrays: dict[str, np.ndarray], path: Any) -> Average:
    """
    Average of what a file holds.

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
    Average
    """
    from pararnn_ts.averaging import Average

    check_version(header, "an average", VERSION)
    with one_sentence(path):
        codes, labels, n_fitted = header["members"], [str(label) for label in header["labels"]], int(header["n_fitted"])
        evidence, prior = (take(arrays, name, len(codes)) for name in ("log_evidence", "log_prior"))
        sample = {name: arrays.pop(name) for name in _SAMPLE if name in arrays}
        members = []
        for number, code in enumerate(codes):
            start = f"{number}."
            own = {name.removeprefix(start): arrays.pop(name) for name in list(arrays) if name.startswith(start)}
            members.append(unpack_results(code, own | sample))
        if arrays or len(labels) != len(codes) or not 0 <= n_fitted <= members[0].model.nobs:
            raise ValueError("sizes differ")
        return Average(members, labels, evidence, n_fitted, prior)
