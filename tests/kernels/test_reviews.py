"""Which starts go on: the rules, stated once more with sorted arrays and along whole paths."""

import numpy as np
import pytest

from pararnn_ts.kernels.damped_steps import PAST, remember
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.reviews import FEWEST, review_series
from pararnn_ts.kernels.start_state import (
    CONVERGED,
    DECREMENT,
    EVIDENCE,
    FAILED,
    LEAD,
    N_FIELDS,
    OBJECTIVE,
    PEAK,
    RETIRED,
    RUNNING,
    STALLED,
    STATUS,
    STOPPED,
)


def expected_status(table, halve, evidence):
    """Status of each start after a review: first the weaker half goes, then the stragglers."""
    status = table[STATUS].copy()
    score = table[EVIDENCE] if evidence else -table[OBJECTIVE]
    running = np.flatnonzero(status == RUNNING)
    if halve:
        keep = max(FEWEST, len(status) // 2)
        order = running[np.argsort(-score[running], kind="stable")]
        status[order[keep:]] = RETIRED
    running, converged = status == RUNNING, status == CONVERGED
    if running.any() and converged.sum() >= max(3, running.sum()):
        ahead = score > score[converged].max() + (LEAD if evidence else 0.0)
        status[running & ~ahead] = RETIRED
    return status


@pytest.mark.parametrize("evidence", [True, False])
@pytest.mark.parametrize("numberless", [0.0, 0.1])
def test_the_weaker_half_goes_and_stragglers_that_are_not_ahead(evidence, numberless):
    rng = np.random.default_rng(0)
    met = set()
    for trial in range(300):
        n, halve = int(rng.integers(1, 30)), bool(trial % 2)
        table = np.zeros((N_FIELDS, n))
        table[STATUS] = rng.choice([RUNNING, CONVERGED, FAILED, STALLED], n, p=[0.5, 0.4, 0.05, 0.05])
        # rounded, so that starts are equal
        table[EVIDENCE], table[OBJECTIVE] = rng.normal(size=(2, n)).round(1)
        table[EVIDENCE, rng.random(n) < numberless] = np.nan
        table[OBJECTIVE, rng.random(n) < numberless] = np.nan
        before, expected = table.copy(), expected_status(table, halve, evidence)
        assert review_series(table, 0, n, halve, evidence) == np.sum(expected == RUNNING)
        np.testing.assert_array_equal(table[STATUS], expected)
        np.testing.assert_array_equal(np.delete(table, STATUS, axis=0), np.delete(before, STATUS, axis=0))
        met |= {int(status) for status in expected}
    assert {RUNNING, RETIRED, CONVERGED} <= met


def test_reviews_leave_other_series_alone():
    table = np.zeros((N_FIELDS, 30))
    table[EVIDENCE] = np.arange(30.0)
    assert review_series(table, 10, 30, True, True) == 10
    assert (table[STATUS, :10] == RUNNING).all()
    np.testing.assert_array_equal(np.flatnonzero(table[STATUS] == RETIRED), np.arange(10, 20))


def test_halving_leaves_enough():
    for n in (FEWEST - 1, FEWEST, FEWEST + 1, 2 * FEWEST):
        table = np.zeros((N_FIELDS, n))
        assert review_series(table, 0, n, True, True) == min(n, FEWEST)


def last_step(evidence, decrement):
    """First step that is PAST or more after the peak so far and lower by LEAD, with hardly anything left to gain."""
    worth = evidence - decrement
    for step in range(len(worth)):
        peak = int(np.argmax(worth[: step + 1]))
        if step - peak >= PAST and worth[step] < worth[peak] - LEAD and decrement[step] < LEAD:
            return step
    return len(worth)


def test_a_start_long_past_its_peak_stops_where_its_objective_has_come_to_rest():
    rng = np.random.default_rng(1)
    steps, met = 60, set()
    for _ in range(40):
        # up and down like evidences on the way, some of them with an objective that still falls
        evidence = np.cumsum(rng.normal(rng.choice([-0.2, 0.0, 0.3], LANES), 0.5, (steps, LANES)), axis=0)
        decrement = np.exp(rng.normal(rng.choice([-2.0, 0.0, 2.0], LANES), 0.5, (steps, LANES)))
        table = np.zeros((N_FIELDS, LANES))
        table[PEAK] = -np.inf
        stopped, best = np.full(LANES, steps), np.zeros((2 + N_FIELDS - OBJECTIVE) * LANES)
        for step in range(steps):
            table[EVIDENCE], table[DECREMENT] = evidence[step], decrement[step]
            for lane in range(LANES):
                if table[STATUS, lane] == RUNNING:
                    remember(evidence[step], evidence[step], 1, 1, table.reshape(-1), best, lane)
                    if table[STATUS, lane] == STOPPED:
                        stopped[lane] = step
        for lane in range(LANES):
            expected = last_step(evidence[:, lane], decrement[:, lane])
            assert stopped[lane] == expected
            met.add(expected == steps)
            # and what is kept is the point of the peak
            worth = (evidence - decrement)[: expected + 1, lane]
            assert table[PEAK, lane] == worth.max()
            assert best[lane] == evidence[np.argmax(worth), lane]
    assert met == {True, False}
