"""Linear algebra on one thread, where matrices are too small to share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

__all__ = ["one_blas_thread"]


class _Limit:
    """The libraries' number of threads is one for the process: the first to ask lowers it, the last restores it."""

    def __init__(self) -> None:
        self._lock, self._users = Lock(), 0
        self._libraries: Any = None

    def acquire(self) -> None:
        with self._lock:
            if self._libraries is None:
                # only now, and once: it looks through all loaded libraries
                from threadpoolctl import ThreadpoolController

                self._libraries = ThreadpoolController().select(user_api="blas")
            if self._users == 0:
                self._leave_to_any_thread()
                self._change = self._libraries.limit(limits=1)
            self._users += 1

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._leave_to_any_thread()
                self._change.restore_original_limits()
                self._leave_to_any_thread()

    def _leave_to_any_thread(self) -> None:
        """Undo that the thread that came first has OpenBLAS to itself while it lives, in threadpoolctl from 3.8 on."""
        for library in self._libraries.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


# one for the process, as the limit is; of several that threads made at once, the last would keep the limit of another
_LIMIT = _Limit()


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
    _LIMIT.acquire()
    try:
        yield
    finally:
        _LIMIT.release()
