"""Independent pieces of work on several threads."""

from threading import Event

import pytest

from pararnn_ts.estimation.threads import run_all


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_item_is_done_once(threads):
    done = []
    run_all(done.append, range(50), threads)
    assert sorted(done) == list(range(50))


def test_the_first_of_the_failing_items_is_reported_though_another_failed_before():
    second_has_failed = Event()

    def fail(item):
        if item == 0:
            assert second_has_failed.wait(10)
        else:
            second_has_failed.set()
        raise ValueError(item)

    with pytest.raises(ValueError, match="^0$"):
        run_all(fail, [0, 1], threads=2)


def test_nothing_is_begun_after_a_failure():
    begun = []

    def fail(item):
        begun.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match="^0$"):
        run_all(fail, range(10), threads=1)
    assert begun == [0]
