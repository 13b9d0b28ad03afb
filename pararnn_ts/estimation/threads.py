"""Independent pieces of work on several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import Any

__all__ = ["run_all"]


def run_all(function: Callable[[Any], None], items: Sequence[Any], threads: int) -> None:
    """
    Call a function with every item, the items shared out among threads.

    The calling thread works too, so that two threads cost the start of one: a fit of a thousand rows takes only a few
    times as long as starting a thread.

    Parameters
    ----------
    function : callable
        Called with one item; compiled work without the interpreter lock inside it runs side by side.
    items : sequence
        The items.
    threads : int
        Most threads to use.

    Raises
    ------
    Exception
        What the call with the first of the failing items raised, after all threads have ended.

    Examples
    --------
    >>> from pararnn_ts.estimation.threads import run_all
    >>> squares = {}
    >>> run_all(lambda k: squares.update({k: k * k}), [1, 2, 3], threads=2)
    >>> sorted(squares.values())
    [1, 4, 9]
    """
    left, lock = enumerate(items), Lock()
    # items are begun in order, so that the first of those that fail is always among these, however threads run
    failures: dict[int, BaseException] = {}

    def work() -> None:
        while not failures:
            with lock:
                following = next(left, None)
            if following is None:
                return
            place, item = following
            try:
                function(item)
            except BaseException as failure:
                failures[place] = failure

    others = [Thread(target=work) for _ in range(min(threads, len(items)) - 1)]
    for thread in others:
        thread.start()
    try:
        work()
    except BaseException as interrupt:  # that came between two items
        failures[-1] = interrupt
    for thread in others:
        thread.join()
    if failures:
        raise failures[min(failures)]
