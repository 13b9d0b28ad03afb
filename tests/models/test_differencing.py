"""The differencing polynomial against numpy's own differences."""

import numpy as np
import pytest

from pararnn_ts.estimation.problem import difference_series
from pararnn_ts.models.differencing import difference_polynomial
from pararnn_ts.models.series import SeriesModel

ORDERS = [(0, 0, None), (1, 0, None), (2, 0, None), (0, 1, 4), (1, 1, 12), (2, 2, 3)]


def by_hand(y, d, seasonal, period):
    for _ in range(d):
        y = np.diff(y)
    for _ in range(seasonal):
        y = y[period:] - y[:-period]
    return y


@pytest.mark.parametrize("orders", ORDERS)
def test_differences_are_those_of_numpy_after_missing_rows(orders):
    y = np.random.default_rng(0).normal(size=60).cumsum()
    c = difference_polynomial(*orders)
    w = difference_series(y, c)
    assert c[0] == 1 and len(w) == len(y)
    assert np.isnan(w[: len(c) - 1]).all()
    np.testing.assert_allclose(w[len(c) - 1 :], by_hand(y, *orders), atol=1e-12)


def test_a_missing_value_spreads_only_where_it_enters():
    y = np.arange(10.0)
    y[4] = np.nan
    w = difference_series(y, difference_polynomial(0, 1, 3))
    assert np.flatnonzero(np.isnan(w)).tolist() == [0, 1, 2, 4, 7]


def test_short_samples_have_no_differences():
    assert np.isnan(difference_series(np.ones(3), difference_polynomial(0, 1, 12))).all()


@pytest.mark.parametrize("bad", [-1, 0.5, True, "1", None])
def test_orders_are_counts(bad):
    for name in ("diff", "seasonal_diff"):
        with pytest.raises((TypeError, ValueError), match=f"^{name} must be an integer of 0 or more"):
            SeriesModel(np.arange(10.0), period=2, **{name: bad})


def test_a_season_needs_a_period():
    with pytest.raises(ValueError, match="pass period"):
        difference_polynomial(0, 1)
