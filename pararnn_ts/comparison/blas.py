"""Linear algebra on one thread, for models whose matrices are too small to share."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

__all__ = ["one_blas_thread"]


def one_blas_thread() -> AbstractContextManager:
    """
    Hold the linear algebra libraries to one thread inside the block, where threadpoolctl is installed.

    State space models solve many systems of some dozen unknowns. Threads that wait for one another there cost several
    times what they save, the more so on a busy machine, and would make times of models incomparable.

    Examples
    --------
    >>> from pararnn_ts.comparison.blas import one_blas_thread
    >>> with one_blas_thread():
    ...     pass
    """
    try:
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError:
        return nullcontext()
    return threadpool_limits(1, "blas")
