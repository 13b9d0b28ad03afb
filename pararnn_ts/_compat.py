"""Everything that pandas, statsmodels and numba do not promise to keep, in one place."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from threading import Lock, local
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import statsmodels
from numba.core.caching import FunctionCache
from numba.core.registry import cpu_target
from pandas.tseries.frequencies import to_offset
from statsmodels.tools.sm_exceptions import ValueWarning
from statsmodels.tsa.base.prediction import PredictionResults
from statsmodels.tsa.base.tsa_model import TimeSeriesModel, TimeSeriesModelResults, TimeSeriesResultsWrapper
from statsmodels.tsa.tsatools import freq_to_period

try:  # pandas 3.1 deprecates the string that the public infer_freq returns; the class behind it has no such quarrel
    from pandas.tseries.frequencies import _FrequencyInferer  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover
    _FrequencyInferer = None

try:  # new in statsmodels 0.15
    from statsmodels.tsa.stattools import diebold_mariano_test
except ImportError:  # pragma: no cover
    diebold_mariano_test = None

if TYPE_CHECKING:
    from pandas.tseries.offsets import BaseOffset

__all__ = [
    "PredictionResults",
    "TimeSeriesModel",
    "TimeSeriesModelResults",
    "TimeSeriesResultsWrapper",
    "ValueWarning",
    "compiling_for",
    "date_range",
    "diebold_mariano_test",
    "forget_values",
    "freq_to_period",
    "has_wide_registers",
    "heard_warnings",
    "infer_offset",
    "keep_compiled",
    "raised_warnings",
    "relayed_warnings",
    "statsmodels_index",
    "to_offset",
    "unheard_warnings",
    "user_frame",
    "warn_user",
    "warnings_once",
]

_LIBRARY_FILES = (
    os.path.dirname(os.path.abspath(__file__)) + os.sep,
    os.path.dirname(os.path.abspath(statsmodels.__file__)) + os.sep,
    functools.__file__,
    contextlib.__file__,
)


def user_frame(depth: int = 1):
    """Return the innermost stack frame outside this package and statsmodels, and its distance from the caller."""
    frame, level = sys._getframe(depth), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_LIBRARY_FILES):
        frame, level = frame.f_back, level + 1
    return frame, level


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning that points at the line of the user, however deep inside the package it arises."""
    warnings.warn(message, category, stacklevel=user_frame(2)[1] + 1)


class _Block(NamedTuple):
    """A block of code, what it hears of, and what is done with what it hears."""

    category: type[Warning]
    hear: Callable[[Warning], Any]


class _Hearing:
    """
    Who hears the warnings of which thread.

    Filters of warnings, and what shows those that pass, belong to the process. `warnings.catch_warnings` takes no heed
    of threads: where blocks of two threads overlap, one hears what the other warns of, and the filters of the first
    stay for good once the second has put back what it found. Here the first block of all threads adds one filter, which
    is for threads inside a block only, and the last one takes it away.
    """

    def __init__(self) -> None:
        self._lock, self._users, self._of_thread = Lock(), 0, local()
        self._say, self._show = self._hear, warnings.showwarning

    @property
    def blocks(self) -> list[_Block]:
        """Blocks that the present thread is in, the innermost last."""
        return self._of_thread.__dict__.setdefault("blocks", [])

    def enter(self, block: _Block) -> None:
        with self._lock:
            self._users += 1
            if warnings.showwarning is not self._say:
                self._show, warnings.showwarning = warnings.showwarning, self._say
            # anew in each block: what was warned of before is forgotten, and heard again
            warnings.simplefilter("always", _Heard)
        self.blocks.append(block)

    def leave(self) -> None:
        self.blocks.pop()
        with self._lock:
            self._users -= 1
            if self._users == 0:
                warnings.filters = [kept for kept in warnings.filters if kept[2] is not _Heard]
                if warnings.showwarning is self._say:
                    warnings.showwarning = self._show

    def _hear(self, message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        """Stand in for `warnings.showwarning`."""
        for block in reversed(self.blocks):
            if issubclass(category, block.category):
                block.hear(message)
                return
        self._show(message, category, *place, **more)


# one for the process, as the filters are; made by the import, which only one thread does
_HEARING = _Hearing()


class _OfTheBlocks(type):
    def __subclasscheck__(cls, category: type) -> bool:
        return any(issubclass(category, block.category) for block in _HEARING.blocks)


class _Heard(Warning, metaclass=_OfTheBlocks):
    """Stands in a filter for the categories that blocks of the present thread hear."""


@contextlib.contextmanager
def _heard_by(hear: Callable[[Warning], Any], category: type[Warning] = Warning) -> Iterator[None]:
    _HEARING.enter(_Block(category, hear))
    try:
        yield
    finally:
        _HEARING.leave()


@contextlib.contextmanager
def heard_warnings() -> Iterator[list[Warning]]:
    """
    Collect what this thread warns of inside the block instead of showing it.

    Examples
    --------
    >>> import warnings
    >>> from pararnn_ts._compat import heard_warnings
    >>> with heard_warnings() as heard:
    ...     warnings.warn("The sample is short.")
    >>> heard
    [UserWarning('The sample is short.')]
    """
    heard: list[Warning] = []
    with _heard_by(heard.append):
        yield heard


def unheard_warnings(category: type[Warning] = Warning) -> contextlib.AbstractContextManager[None]:
    """Let nobody hear what this thread warns of inside the block."""
    return _heard_by(lambda _: None, category)


def raised_warnings(category: type[Warning]) -> contextlib.AbstractContextManager[None]:
    """Raise warnings of a category that this thread gives inside the block."""

    def refuse(warning: Warning) -> None:
        raise warning

    return _heard_by(refuse, category)


@contextlib.contextmanager
def relayed_warnings() -> Iterator[None]:
    """Let what statsmodels warns of inside the block point at the line of the user; silence what pandas says there."""
    with heard_warnings() as heard:
        yield
    for warning in heard:
        if isinstance(warning, ValueWarning):
            warn_user(str(warning), type(warning))


@contextlib.contextmanager
def warnings_once() -> Iterator[None]:
    """Let many forecasts inside the block, or of a function decorated with it, give one warning of each kind."""
    with heard_warnings() as heard:
        yield
    others = " There were others like it."
    for category in dict.fromkeys(map(type, heard)):
        said = list(dict.fromkeys(str(warning) for warning in heard if type(warning) is category))
        warn_user(said[0] if len(said) == 1 else said[0].removesuffix(others) + others, category)


def infer_offset(index: pd.DatetimeIndex) -> BaseOffset | None:
    """Frequency of a regular, increasing DatetimeIndex of three labels or more; None when it is not regular."""
    if len(index) < 3:
        return None
    alias = pd.infer_freq(index) if _FrequencyInferer is None else _FrequencyInferer(index).get_freq()
    return None if alias is None else to_offset(alias)


def date_range(
    start: Any, end: Any = None, *, periods: Any = None, freq: Any, name: Any = None, unit: Any
) -> pd.DatetimeIndex:
    """Dates of a frequency as pandas makes them, and one sentence where the clocks of a zone skip or repeat one."""
    make: Any = pd.date_range  # its stubs know no optional end
    try:
        return make(start, end, periods=periods, freq=freq, name=name, unit=unit)
    except Exception as error:  # of pandas or of pytz
        if start.tz is None:
            raise
        last = None if end is None else end.tz_localize(None)
        clock = make(start.tz_localize(None), last, periods=periods, freq=freq, unit=unit)
        lost = clock[clock.tz_localize(start.tz, ambiguous="NaT", nonexistent="NaT").isna()]
        if not len(lost):
            raise
        raise ValueError(
            f"There is no one date {lost[0]} in {start.tz}, where clocks are put forward or back at that time; leave "
            "the time zone out, with endog.tz_localize(None)."
        ) from error


def statsmodels_index(model: TimeSeriesModel) -> tuple[pd.Index, bool]:
    """Index that statsmodels settled on, and whether it knows how to extend it."""
    return model._index, not model._index_generated


@contextlib.contextmanager
def compiling_for(capability: tuple[int, int]) -> Iterator[None]:
    """
    Let numba compile CUDA device functions inside the block for a compute capability, with or without such a device.

    A kernel can be compiled for a device that is absent; the functions it calls ask for the one that is present.
    """
    from numba.cuda import dispatcher

    asked = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        yield
    finally:
        dispatcher.get_current_device = asked


def has_wide_registers() -> bool:
    """
    Whether numba compiles for registers of eight float64 numbers (AVX-512).

    It reads what numba files its cached machine code under, so that code made for one width never meets arrays of
    another, in whatever way the processor is chosen (``NUMBA_CPU_NAME``, ``NUMBA_CPU_FEATURES``, ``NUMBA_ENABLE_AVX``).
    """
    return "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2].split(",")


class _KernelCache(FunctionCache):
    """
    Machine code on disk that is stale when the sources of the functions called have changed too.

    Parameters
    ----------
    function : callable
        The plain function.
    sources : str
        Changes with those sources.
    """

    def __init__(self, function: Callable, sources: str):
        super().__init__(function)
        self._cache_file._source_stamp = (self._cache_file._source_stamp, sources)

    @contextlib.contextmanager
    def _guard_against_spurious_io_errors(self) -> Iterator[None]:
        # a full disk, a folder that has gone, half a file: none of them a reason not to compute
        with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
            yield


def keep_compiled(function: Any, sources: str) -> Any:
    """
    Let a function of numba keep its machine code on disk, if a folder for it can be written.

    Parameters
    ----------
    function : callable
        What ``numba.njit`` returned.
    sources : str
        Something that changes when any function that it calls is written differently.

    Returns
    -------
    callable
        The same function.
    """
    # with NUMBA_DISABLE_JIT it is the plain function; without a folder numba refuses
    if hasattr(function, "py_func"):
        with contextlib.suppress(RuntimeError):
            function._cache = _KernelCache(function.py_func, sources)
    return function


def forget_values(index: Any) -> None:
    """
    Let go of the numbers of a range that somebody has had written out.

    statsmodels looks at every index as an array, and pandas keeps the array: eight bytes a row for as long as the index
    lives, which is longer than any fit.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts._compat import forget_values
    >>> index = pd.RangeIndex(3)
    >>> forget_values(index)
    """
    if isinstance(index, pd.RangeIndex):
        index._cache.pop("_data", None)  # type: ignore[attr-defined]
