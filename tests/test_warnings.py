"""Who hears a warning: blocks of threads that overlap neither mix nor leave anything behind."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import numpy as np
import pytest

import pararnn_ts as prt
from pararnn_ts._compat import heard_warnings, raised_warnings, unheard_warnings
from pararnn_ts.panel.engines import on_threads


@pytest.fixture
def shown():
    """Warnings that a user sees, who has chosen to see each place once."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.resetwarnings()
        warnings.simplefilter("default")
        yield seen


def texts(warned):
    return [str(getattr(warning, "message", warning)) for warning in warned]


def in_thread(function):
    thread = Thread(target=function)
    thread.start()
    thread.join(30)


def state():
    return list(warnings.filters), warnings.showwarning, warnings._showwarnmsg_impl


def test_blocks_that_overlap_hear_their_own_thread_and_leave_everything_as_it_was(shown):
    before, inside, gone, heard = state(), Event(), Event(), {}

    def long():
        with heard_warnings() as heard["long"]:
            warnings.warn("of the long block", stacklevel=1)
            inside.set()
            assert gone.wait(30)

    thread = Thread(target=long)
    with heard_warnings() as heard["short"]:
        thread.start()
        assert inside.wait(30)
        warnings.warn("of the short block", stacklevel=1)
    gone.set()
    thread.join(30)
    assert {name: texts(of) for name, of in heard.items()} == {
        "short": ["of the short block"],
        "long": ["of the long block"],
    }
    assert state() == before and not shown


def test_filters_of_other_threads_hold_meanwhile(shown):
    warnings.filterwarnings("ignore", message="unwanted")

    def other():
        for text in ("unwanted", "wanted", "wanted"):
            warnings.warn(text, stacklevel=1)

    with heard_warnings() as heard:
        in_thread(other)
    assert not heard and texts(shown) == ["wanted"]


def test_the_innermost_block_of_a_category_hears():
    with heard_warnings() as outer, unheard_warnings(RuntimeWarning):
        with heard_warnings() as inner:
            warnings.warn("near", stacklevel=1)
        warnings.warn("far", stacklevel=1)
        warnings.warn("nobody's", RuntimeWarning, stacklevel=1)
    assert texts(inner) == ["near"] and texts(outer) == ["far"]


def test_what_a_category_raises_is_the_warning_and_others_pass(shown):
    with pytest.raises(RuntimeWarning, match="refused"), raised_warnings(RuntimeWarning):
        warnings.warn("passes", stacklevel=1)
        warnings.warn("refused", RuntimeWarning, stacklevel=1)
    assert texts(shown) == ["passes"]


def test_every_block_hears_what_was_warned_of_before(shown):
    for _ in range(3):
        with heard_warnings() as heard:
            warnings.warn("again", stacklevel=1)
        assert texts(heard) == ["again"]


def test_after_forecasts_of_an_average_by_many_threads_warnings_are_shown_as_before(shown):
    """One thread used to leave its own record for that of the process: nothing was ever shown again."""
    y = np.random.default_rng(0).standard_normal(60)
    average = prt.select_order(y, max_lags=1, max_linear_lags=1, max_units=1, unit_dims=(1,), n_starts=2).average()
    before = state()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: average.forecast(2), range(200)))
    assert state() == before


def test_a_panel_silences_only_its_own_threads(shown):
    def work(k):
        warnings.warn(f"of series {k}", stacklevel=1)
        in_thread(lambda: warnings.warn("of the user", stacklevel=1))

    on_threads(work, 4, 2, lambda _: None)
    assert set(texts(shown)) == {"of the user"}
