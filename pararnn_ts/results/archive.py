"""Archives of arrays with a JSON header, with no way for a file to run code or to fill the memory."""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

__all__ = ["NOT_ONE", "check_version", "one_sentence", "read_archive", "take", "write_archive"]

HEADER = "header"
NOT_ONE = "path must be a file written by results.save, but {!r} is not one, or is damaged."
# an archive may unpack to this many bytes, or to this many for each byte of the file
MOST_BYTES, MOST_EXPANSION = 2**26, 200
_KINDS = {"<f8": np.float64, "|u1": np.uint8}


def write_archive(path: Any, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """
    Write a header and arrays of float64 to an npz file.

    Examples
    --------
    >>> import io, numpy as np
    >>> from pararnn_ts.results.archive import read_archive, write_archive
    >>> file = io.BytesIO()
    >>> write_archive(file, {"version": 1}, {"params": np.ones(2)})
    >>> read_archive(file)
    ({'version': 1}, {'params': array([1., 1.])})
    """
    _require_path(path, "write")
    packed = {name: np.asarray(values, dtype="<f8", order="C") for name, values in arrays.items()}
    packed[HEADER] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with nullcontext(path) if hasattr(path, "write") else open(path, "wb") as file:
        np.savez_compressed(file, **packed)  # type: ignore[arg-type]


def _require_path(path: Any, method: str) -> None:
    """Raise for what is neither a path nor a file; a number would be taken for a file that is open."""
    if not hasattr(path, method) and not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a path or a binary file, not {type(path).__name__}.")


def read_archive(path: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """
    Header and arrays of a file.

    The arrays are read here and not by numpy, which would make room for whatever shape the file names and, if asked to,
    call pickle.

    Parameters
    ----------
    path : str, path or binary file
        Where to read.

    Returns
    -------
    header : dict
        What the JSON says.
    arrays : dict of ndarray
        All other members.

    Raises
    ------
    ValueError
        If the file is not an archive of this kind, or unpacks to suspiciously much.
    """
    _require_path(path, "read")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
                raise _Unreadable("compression")
            size = sum(member.file_size for member in members)
            if size > max(MOST_BYTES, MOST_EXPANSION * sum(member.compress_size for member in members)):
                raise ValueError(
                    f"path would unpack to {size / 2**20:.0f} MiB, more than {MOST_EXPANSION} times its size, which no "
                    "file of results does; do not trust it."
                )
            found = {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}
        header = _header(found.pop(HEADER).tobytes())
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, OverflowError, _Unreadable) as error:
        raise ValueError(NOT_ONE.format(path)) from error
    return header, found


def take(arrays: dict[str, np.ndarray], name: str, *shape: int | None) -> np.ndarray:
    """
    Take an array out of those of a file, which must have this shape; None stands for any length.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.archive import take
    >>> take({"W": np.eye(2)}, "W", 2, None).shape
    (2, 2)
    """
    if name not in arrays:
        raise ValueError(f"path holds results without the array {name!r}; save them again.")
    values = arrays.pop(name)
    if (
        values.dtype != np.float64
        or len(values.shape) != len(shape)
        or any(wanted not in (None, length) for wanted, length in zip(shape, values.shape, strict=True))
    ):
        wanted = tuple("any" if length is None else length for length in shape)
        raise ValueError(
            f"path holds results whose array {name!r} has shape {values.shape}, where the model needs {wanted}; save "
            "them again."
        )
    return values


def check_version(header: Mapping[str, Any], what: str, known: int) -> None:
    """
    Raise for a file of a format version that is not read.

    Parameters
    ----------
    header : mapping
        What the JSON of the file says.
    what : str
        What the file holds.
    known : int
        The present version; it and all before it are read.

    Examples
    --------
    >>> from pararnn_ts.results.archive import check_version
    >>> check_version({"version": 1}, "a panel", 2)
    """
    if header.get("version") not in range(1, known + 1):
        raise ValueError(
            f"path holds {what} of format version {header.get('version')!r}, but this version of pararnn_ts reads "
            f"version {known}; load it with pararnn_ts {header.get('package')}."
        )


@contextmanager
def one_sentence(path: Any) -> Iterator[None]:
    """Say in one sentence whatever goes wrong while what a file holds is put together: it is wrong with the file."""
    try:
        yield
    except Exception as error:
        if isinstance(error, ValueError) and str(error).startswith("path "):
            raise
        raise ValueError(NOT_ONE.format(path)) from error


class _Unreadable(ValueError):
    """A member that is not an array as `write_archive` writes it."""


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except ValueError as error:
        raise _Unreadable(str(error)) from error
    if not isinstance(header, dict):
        raise _Unreadable("header")
    return header


def _array(data: bytes) -> np.ndarray:
    """Array of the bytes of an npy file, version 1.0, of floats or bytes in C order."""
    file = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise _Unreadable("version")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        kind = _KINDS.get(dtype.str)
        if kind is None or fortran or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
            raise _Unreadable("contents")
        return np.frombuffer(data, dtype=kind, offset=file.tell()).reshape(shape).copy()
    except ValueError as error:
        raise _Unreadable(str(error)) from error
