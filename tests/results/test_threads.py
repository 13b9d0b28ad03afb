"""Threads may share results, models and data: nobody keeps anything where another would find it."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from pararnn_ts.models.pararnn import ParaRNN


@pytest.fixture
def hasty():
    """Threads that take turns as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def in_threads(function, arguments, n_threads=4):
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, arguments))


def same(a, b):
    return a.equals(b) if hasattr(a, "equals") else np.array_equal(a, b)


def test_four_threads_ask_one_object_for_forecasts_of_different_lengths(fitted, hasty):
    """With statsmodels' shared `predict_dates`, one answer in eight had the length of another question."""
    expected = {steps: fitted.forecast(steps) for steps in range(1, 8)}

    def ask(steps):
        forecast = fitted.forecast(steps)
        return forecast.index.equals(expected[steps].index) and (forecast == expected[steps]).all()

    assert all(in_threads(ask, [1 + i % 7 for i in range(1200)]))


def test_intervals_and_predictions_do_not_mix(fitted, hasty):
    def answer(i):
        frame = fitted.get_forecast(1 + i % 5, n_sims=20, rng=i).summary_frame()
        inside = fitted.predict(100 + i % 3, 110 + i % 4)
        return frame, inside, fitted.simulate(3, anchor=50 + i % 7, rng=i), fitted.impulse_responses(i % 6)

    together, alone = in_threads(answer, range(80)), [answer(i) for i in range(80)]
    for ours, theirs in zip(together, alone, strict=True):
        pd.testing.assert_frame_equal(ours[0], theirs[0])
        for a, b in zip(ours[1:], theirs[1:], strict=True):
            pd.testing.assert_series_equal(a, b)


def test_what_is_computed_when_first_asked_for_is_the_same_for_all(sales, hasty):
    fresh = ParaRNN(sales[:120], lags=2, units=(2, 1)).fit(n_starts=2)
    known = ParaRNN(sales[:120], lags=2, units=(2, 1)).fit(n_starts=2)
    names = ["fittedvalues", "resid", "bse", "components", "recurrence_features", "llf", "shocks", "nobs"] * 6
    for name, value in zip(names, in_threads(lambda name: getattr(fresh, name), names), strict=True):
        assert value == getattr(known, name) if np.isscalar(value) else same(value, getattr(known, name)), name
    frames = in_threads(lambda _: fresh.get_forecast(3, method="conformal").summary_frame(0.2), range(8))
    for frame in frames:
        pd.testing.assert_frame_equal(frame, known.get_forecast(3, method="conformal").summary_frame(0.2))


def test_fits_side_by_side_are_fits_one_after_the_other(sales, hasty):
    models = [ParaRNN(sales[:100], lags=lags, units=units) for lags in (1, 2) for units in ((1,), (2,), ())]
    shared = ParaRNN(sales[:100], units=(1,))

    def fit(i):
        return (shared if i % 2 else models[i // 2 % len(models)]).fit(n_starts=3, rng=i % 4).params

    jobs = range(24)
    for together, alone in zip(in_threads(fit, jobs), map(fit, jobs), strict=True):
        pd.testing.assert_series_equal(together, alone, check_exact=True)


def test_appending_and_extending_side_by_side_leaves_the_results_alone(fitted, sales, hasty):
    before = fitted.fittedvalues.copy(), fitted.summary().as_text()

    def update(i):
        new = sales[120 : 122 + i % 9]
        return (fitted.append if i % 2 else fitted.extend)(new).forecast(2)

    for i, forecast in enumerate(in_threads(update, range(60))):
        pd.testing.assert_series_equal(forecast, update(i))
    pd.testing.assert_series_equal(fitted.fittedvalues, before[0])
    assert fitted.summary().as_text() == before[1]
