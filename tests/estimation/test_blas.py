"""The libraries' number of threads is the user's again once all of our work has ended."""

import os
import subprocess
import sys

import pytest

BEGIN = """
import threading, time
import numpy, scipy.linalg, threadpoolctl
from pararnn_ts.estimation.blas import one_blas_thread

def limits():
    return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]

def in_threads(work, count):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

def once():
    with one_blas_thread():
        pass

before = limits()
"""
FOUR_AT_ONCE = """
if {known}:
    in_threads(once, 1)

class Slow(threadpoolctl.ThreadpoolController):
    def __init__(self):
        time.sleep(0.05)
        super().__init__()

plain, threadpoolctl.ThreadpoolController = threadpoolctl.ThreadpoolController, Slow
entered, inside, meeting = [], [], threading.Barrier(4, timeout=30)

def work():
    with one_blas_thread():
        place = len(entered)
        entered.append(place)
        meeting.wait()
        inside.append(limits())
        meeting.wait()
        time.sleep(0.02 * place)  # the first to come leaves first
    if {alive}:  # and lives as long as the others
        meeting.wait()

in_threads(work, 4)
threadpoolctl.ThreadpoolController = plain
assert inside == [[1] * len(before)] * 4, inside
assert limits() == before, (before, limits())
"""
USER = """
once()
found = []

def work():
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        found.append(limits())

in_threads(work, 1)
assert found == [[1] * len(before)], found
assert limits() == before
"""


def run(code):
    two = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code], env={**os.environ, **two}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("known", "alive"), [(False, False), (True, True)])
def test_threads_at_the_same_time_leave_the_libraries_as_they_were(known, alive):
    run(FOUR_AT_ONCE.format(known=known, alive=alive))


def test_a_thread_of_the_user_may_limit_the_libraries_after_us():
    run(USER)
