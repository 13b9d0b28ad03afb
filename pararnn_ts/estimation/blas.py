"""Linear algebra on one thread, where matrices are too small to share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

__all__ = ["one_blas_thread"]


class _Limit:
    """The libraries' number of threads is one for the process: the first to ask lowers it, the last restores it."""

    def __init__(self) -> None:
        # imported here: it looks through all loaded libraries
        from threadpoolctl import ThreadpoolController

        self._libraries = ThreadpoolController().select(user_api="blas")
        self._lock, self._users = Lock(), 0

    def acquire(self) -> None:
        with self._lock:
            if self._users == 0:
                self._change = self._libraries.limit(limits=1)
            self._users += 1

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._change.restore_original_limits()


@cache
def _limit() -> _Limit:
    return _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """
    Hold the linear algebra libraries to one thread inside the block, which may be nested and entered by many threads.

    Systems of some dozen unknowns are solved by the thousand in a search of models. Threads that wait for one another
    there cost several times what they save, the more so beside threads of our own.

    Examples
    --------
    >>> from pararnn_ts.estimation.blas import one_blas_thread
    >>> with one_blas_thread():
    ...     pass
    """
    limit = _limit()
    limit.acquire()
    try:
        yield
    finally:
        limit.release()
