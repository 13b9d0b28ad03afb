"""Independent pieces of work on several threads."""

import threading
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


class InterruptedOnce:
    """A thousand items; while the main thread asks for its second one, the user interrupts."""

    def __init__(self):
        self.asked, self.given = 0, 0

    def __len__(self):
        return 1000

    def __iter__(self):
        return self

    def __next__(self):
        if threading.current_thread() is threading.main_thread():
            self.asked += 1
            if self.asked == 2:
                raise KeyboardInterrupt
        if self.given == len(self):
            raise StopIteration
        self.given += 1
        return self.given


def test_an_interrupt_between_two_items_stops_the_other_threads_too():
    items, pause = InterruptedOnce(), Event()
    with pytest.raises(KeyboardInterrupt):
        run_all(lambda _: pause.wait(0.005), items, threads=3)
    begun = items.given
    pause.wait(0.1)
    assert items.given == begun < 100
