"""The compiler settings kernels are built with."""

import hashlib
from collections.abc import Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from numba import njit

from pararnn_ts._compat import keep_compiled

__all__ = ["SOURCES", "inlined", "jit", "stamp_of"]


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
    return _compile(function)


def inlined(function: Callable) -> Callable:
    """
    Compile a small function that becomes part of every kernel that calls it.

    The values of the lanes then pass in registers, and what waits for nothing can be done meanwhile; the compiler,
    left to itself, calls a function of this kind.

    Parameters
    ----------
    function : callable
        As in :func:`jit`.

    Returns
    -------
    callable
        The compiled function.
    """
    return _compile(function, forceinline=True)


def _compile(function: Callable, **options: Any) -> Callable:
    # nobody calls a kernel from C, and what that takes would be compiled for every one of them
    options["no_cfunc_wrapper"] = True
    return keep_compiled(njit(nogil=True, error_model="numpy", **options)(function), SOURCES)
