"""A bar that says how far a long piece of work has come, where it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(total: int, what: str, shown: bool) -> Iterator[Callable[[int], object]]:
    """
    Show how many pieces of work are done.

    Parameters
    ----------
    total : int
        Number of pieces.
    what : str
        What they are, shown before the bar.
    shown : bool
        Whether there is a bar. Without one tqdm is not touched: it would start a thread that watches over bars, also
        over those that it does not show.

    Yields
    ------
    callable
        Called with the number of pieces that have been done since the last call.

    Examples
    --------
    >>> from pararnn_ts.progress import progress_bar
    >>> with progress_bar(3, "series", False) as done:
    ...     done(2)
    """
    if not shown:
        yield lambda pieces: None
        return
    from tqdm import tqdm

    with tqdm(total=total, desc=what) as bar:
        yield bar.update
