"""Products of lags are those of the rows without a missing value."""

import numpy as np
import pytest

from pararnn_ts.kernels.lag_products import arma_products, lag_products


def plain(function):
    """The same source without the compiler."""
    return getattr(function, "py_func", function)


def series(n, gaps, seed=0):
    rng = np.random.default_rng(seed)
    y = np.convolve(rng.standard_normal(n + 3), [1.0, 0.7, -0.4, 0.2], mode="valid")
    y[gaps] = np.nan
    return y


def lags(y, count):
    """Columns y_t, y_(t-1), ..., missing before the sample."""
    return np.column_stack([np.r_[np.full(j, np.nan), y[: len(y) - j]] for j in range(count + 1)])


GAPS = {
    "none": [],
    "at the ends": [0, 1, 79],
    "runs too short": [3, 7, 30, 31, 60],
    "everywhere": list(range(0, 80, 2)),
}


@pytest.mark.parametrize("gaps", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("order", [0, 1, 5])
@pytest.mark.parametrize("compiled", [True, False])
def test_only_complete_rows_count(gaps, order, compiled):
    y = series(80, gaps)
    columns = lags(y, order)
    complete = np.isfinite(columns).all(axis=1)
    products, rows = (lag_products if compiled else plain(lag_products))(y, order)
    assert rows == complete.sum()
    np.testing.assert_allclose(products, columns[complete].T @ columns[complete], rtol=0, atol=1e-11)


@pytest.mark.parametrize("gaps", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize(("p", "q"), [(2, 2), (0, 1), (3, 1)])
@pytest.mark.parametrize("compiled", [True, False])
def test_residuals_exist_where_all_their_lags_do(gaps, p, q, compiled):
    y, coefs = series(80, gaps), np.array([0.5, -0.2, 0.1, 0.3])
    resid = lags(y, 4) @ np.r_[1.0, -coefs]
    columns = np.column_stack([lags(y, p), lags(resid, q)[:, 1:]])
    complete = np.isfinite(columns).all(axis=1)
    products, rows = (arma_products if compiled else plain(arma_products))(y, coefs, p, q)
    assert rows == complete.sum()
    np.testing.assert_allclose(products, columns[complete].T @ columns[complete], rtol=0, atol=1e-11)


def test_a_series_shorter_than_the_lags_has_no_rows():
    products, rows = lag_products(np.ones(3), 5)
    assert rows == 0 and not products.any()
