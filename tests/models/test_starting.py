"""Start values of many series are those of each alone."""

import numpy as np
import pytest

import pararnn_ts as prt


def series(seed, n=120):
    rng = np.random.default_rng(seed)
    shocks, y = rng.standard_normal(n), np.zeros(n)
    ar, ma = rng.uniform(-0.8, 0.8, 2), rng.uniform(-0.9, 0.9, 2)
    for t in range(2, n):
        y[t] = ar[0] * y[t - 1] + 0.3 * ar[1] * y[t - 2] + shocks[t] + ma @ [shocks[t - 1], 0.5 * shocks[t - 2]]
    return y


# images of an ARMA model fill one unit of two states, leave units over, do not fit in, or do not exist
@pytest.mark.parametrize("options", [
    {"units": (2,)}, {"units": (2, 2, 1)}, {"units": (1, 1)}, {"units": (3,)}, {"units": (2, 2, 2)},
    {"units": (2,), "lags": [2]}, {"units": (), "linear_lags": 2},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("count", [3, 8])
def test_start_values_of_many_series_are_those_of_each(options, count):
    models = [prt.ParaRNN(series(seed), **options) for seed in range(12)]
    problems = [model._problem() for model in models]
    together = models[0]._many_starts(problems, count, 5)
    for model, problem, (starts, origin) in zip(models, problems, together, strict=True):
        expected, expected_origin = model._starts(problem, count, np.random.default_rng(5))
        np.testing.assert_array_equal(starts, expected)
        assert origin == expected_origin


def test_without_a_seed_each_series_has_starts_of_its_own():
    model = prt.ParaRNN(series(0))
    (first, _), (second, _) = model._many_starts([model._problem()] * 2, 3, None)
    assert not np.array_equal(first, second)
