"""The compiler settings kernels are built with."""

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["inlined", "jit"]


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
    numba refuses to cache when no cache directory can be written (a read-only install without a
    home directory); the kernel is then compiled anew in each process instead of failing at import.
    """
    return _compile(function)


def inlined(function: Callable) -> Callable:
    """
    Compile a small function that becomes part of every kernel that calls it.

    The values of eight lanes then pass in registers, and what waits for nothing can be done meanwhile; the compiler,
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
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        return njit(**options)(function)
