"""
Results say what those of the whole sample say, however they came about.

A walk appends, extends, saves, pickles and copies in random order. After each step everything is compared with the
parameters applied to the whole sample as an array: labels, files and the order in which observations arrived must not
matter. The walks are the same in every run of the tests; ``PARARNN_TS_WALKS=100`` takes so many of each model.
"""

import copy
import io
import os
import pickle
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import pararnn_ts as prt

WALKS = int(os.environ.get("PARARNN_TS_WALKS", "2"))
START, END, STEPS, AHEAD = 50, 90, 7, 4
MODELS = {
    "units": (prt.ParaRNN, {"units": (2, 1), "lags": [1, 3], "diff": 1}),
    "linear": (prt.ParaRNN, {"units": (), "lags": 2, "seasonal": True, "period": 4}),
    "Student": (prt.ParaRNN, {"units": (1,), "errors": "t"}),
    "Elman": (prt.ElmanRNN, {"hidden": 2, "hold_back": 9}),
    "ODE": (prt.ODERNN, {"hidden": 1, "order": 2, "seasonal_diff": 1, "period": 4}),
    "QUNN": (prt.QUNN, {"memory": 2, "qubits": 2}),
    "LSTM": (prt.LSTM, {"hidden": 1}),
}
GRIDS = {
    "array": None,
    "years": pd.RangeIndex(1900, 1900 + END + AHEAD),
    "months": pd.period_range("2000-01", periods=END + AHEAD, freq="M", name="month"),
    "business days": pd.bdate_range("2000-01-03", periods=END + AHEAD),
    "days": pd.date_range("2020-02-20", periods=END + AHEAD, freq="D", tz="Europe/Berlin", name="day"),
}

_rng = np.random.default_rng(3)
Y = 5.0 + np.sin(np.arange(END + AHEAD) / 2.0) + 0.4 * _rng.standard_normal(END + AHEAD)
Y[[20, 21, 48, 49, 55, 63, 64, 65, 66, 80]] = np.nan
X = _rng.standard_normal((END + AHEAD, 2))


@cache
def fitted(name, grid):
    """Results of the first rows; parameters do not depend on the labels."""
    make, options = MODELS[name]
    return make(*rows(grid, 0, START), trend="ct", **options).fit(n_starts=1, maxiter=30, penalty=1.0)


def rows(grid, first, stop, rng=None):
    """Series and exogenous values of some rows; with a generator, columns and rows of the latter in any order."""
    y, x, labels = Y[first:stop].copy(), X[first:stop].copy(), GRIDS[grid]
    if labels is None:
        return y, x
    frame = pd.DataFrame(x, labels[first:stop], columns=["price", "rain"])
    if rng is not None:
        frame = frame.assign(note="text")[rng.permutation(["rain", "note", "price"])].sample(frac=1.0, random_state=rng)
    return pd.Series(y, labels[first:stop], name="sales"), frame


def in_a_file(results):
    file = io.BytesIO()
    results.save(file)
    file.seek(0)
    return prt.load(file)


def bare(results):
    # the data are those of the model, which other results share
    own = copy.deepcopy(results)
    own.remove_data()
    return pickle.loads(pickle.dumps(own))


KEEPS = {"file": in_a_file, "pickle": lambda one: pickle.loads(pickle.dumps(one)), "copy": copy.deepcopy}


def close(found, expected):
    if isinstance(found, (pd.Series, pd.DataFrame)):
        found = found.to_numpy()
        assert found.dtype == float
    assert_allclose(found, np.asarray(expected), rtol=1e-7, atol=1e-9)


def check(results, grid, first, stop, whole, rng):
    """Compare results of the rows from `first` to `stop` with those of all rows up to `stop`, an array."""
    n, labels = stop - first, GRIDS[grid]
    future, known = rows(grid, stop, stop + AHEAD, rng)[1], X[stop : stop + AHEAD]
    close(results.fittedvalues, np.asarray(whole.fittedvalues)[first:])
    close(results.fittedvalues + results.resid, np.where(np.isnan(results.fittedvalues), np.nan, Y[first:stop]))
    close(results.components.sum(axis=1, skipna=False), results.fittedvalues)
    close(results.bse, whole.bse)
    forecast = results.forecast(AHEAD, future)
    close(forecast, whole.forecast(AHEAD, known))
    if labels is not None:
        ahead = labels[stop : stop + AHEAD]
        for found, expected in ((results.fittedvalues.index, labels[first:stop]), (forecast.index, ahead)):
            assert found.equals(expected) and found.name == expected.name
            assert getattr(found, "freq", None) == getattr(expected, "freq", None)
        assert results.model.endog_name == "sales"
    close(results.predict(n - 1, n + AHEAD - 1, exog=future), [np.asarray(results.fittedvalues)[-1], *forecast])
    close(results.simulate(AHEAD, anchor="end", random_errors=np.zeros(AHEAD), exog=future), forecast)
    for start in (results.first_row, n - 1, n):
        last = n if start < n else n + AHEAD - 1
        options = {"n_sims": 20, "rng": 1, "method": "gaussian"}
        mine = results.get_prediction(start, last, exog=future[: last - n + 1] if labels is None else future, **options)
        theirs = whole.get_prediction(first + start, first + last, exog=known[: last - n + 1], **options)
        close(mine.summary_frame(0.2), theirs.summary_frame(0.2))
    for update in (results.append, results.extend):
        # forecasts of forecasts are forecasts, and so are those after values that are missing
        for values in (forecast[:2], np.nan * forecast[:2]):
            later = update(values, rows(grid, stop, stop + 2)[1])
            close(later.forecast(AHEAD - 2, rows(grid, stop + 2, stop + AHEAD)[1]), forecast[2:])


@pytest.mark.filterwarnings("ignore:The best start did not converge", "ignore:The forecast is explosive")
@pytest.mark.filterwarnings("ignore:The fit is explosive")
@pytest.mark.parametrize("seed", range(WALKS))
@pytest.mark.parametrize("name", MODELS)
def test_results_are_those_of_the_whole_sample_however_they_came_about(name, seed):
    rng = np.random.default_rng([seed, len(name)])
    grid = str(rng.choice(list(GRIDS)))
    results, origin = fitted(name, grid), fitted(name, "array")
    np.testing.assert_array_equal(np.asarray(results.params), origin.params)
    first, stop, steps = 0, START, []
    for _ in range(STEPS):
        step = str(rng.choice(["append", "extend", "extend bare", *KEEPS]))
        steps.append(step)
        if step in KEEPS:
            results = KEEPS[step](results)
        else:
            last = stop + int(rng.choice([1, 2, 5]))
            y, x = rows(grid, stop, last, rng)
            if rng.random() < 0.3:
                y = np.asarray(y)
            given = copy.deepcopy((y, x))
            if step == "append":
                results = results.append(y, x)
            else:
                results, first = (bare(results) if step == "extend bare" else results).extend(y, x), stop
            stop = last
            for before, after in zip(given, (y, x), strict=True):
                assert before.equals(after) if hasattr(before, "equals") else np.array_equal(before, after, True)
        try:
            check(results, grid, first, stop, origin.apply(Y[:stop], X[:stop]), rng)
        except AssertionError as error:
            raise AssertionError(f"{grid}, rows {first} to {stop}, after {', '.join(steps)}: {error}") from error
