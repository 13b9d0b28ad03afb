"""The one compiler setting every kernel is built with."""

import hashlib
from collections.abc import Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from numba import njit

from pararnn_ts._compat import keep_compiled

__all__ = ["SOURCES", "jit", "stamp_of"]


def stamp_of(folder: Traversable) -> str:
    """Return what changes with the text of any Python file of the folder."""
    stamp = hashlib.sha256()
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            stamp.update(file.name.encode() + b"\0" + file.read_bytes())
    return stamp.hexdigest()


# a compiled function contains the machine code of those it calls: functions of its own file and of this folder
SOURCES = stamp_of(files("pararnn_ts.kernels"))


def jit(function: Callable) -> Callable:
    """
    Compile a kernel without the interpreter lock, cached on disk where that is possible.

    Parameters
    ----------
    function : callable
        A plain Python function of arrays and numbers.

    Returns
    -------
    callable
        The compiled function; its plain form stays available as ``.py_func``.

    Notes
    -----
    What is on disk is used as long as no kernel has changed. numba by itself looks at the file of the function only,
    and would go on with the old code of the functions it calls after an upgrade of the package.

    Where no cache directory can be written (a read-only install without a home directory) or read, the kernel is
    compiled anew in each process.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    return keep_compiled(njit(**options)(function), SOURCES)
