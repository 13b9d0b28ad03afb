"""Linear algebra on one thread, where matrices are too small to share."""

from __future__ import annotations

from contextlib import AbstractContextManager

__all__ = ["one_blas_thread"]


def one_blas_thread() -> AbstractContextManager:
    """
    Hold the linear algebra libraries to one thread inside the block.

    Systems of some dozen unknowns are solved by the thousand in a search of models. Threads that wait for one another
    there cost several times what they save, the more so beside threads of our own.

    Examples
    --------
    >>> from pararnn_ts.estimation.blas import one_blas_thread
    >>> with one_blas_thread():
    ...     pass
    """
    # imported here: it looks through all loaded libraries
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")
