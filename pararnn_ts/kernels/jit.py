"""The one compiler setting every kernel is built with."""

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["jit"]


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
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        return njit(**options)(function)
