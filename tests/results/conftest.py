"""Series and fitted models that the tests of results share."""

import numpy as np
import pandas as pd
import pytest

from pararnn_ts.models.pararnn import ParaRNN


def simulate(n, seed=0):
    """A nonlinear autoregression of order two with a cycle."""
    rng = np.random.default_rng(seed)
    y = np.zeros(n + 50)
    for t in range(2, n + 50):
        y[t] = 1.5 * np.tanh(y[t - 1]) - 0.7 * y[t - 2] + rng.standard_normal()
    return y[50:]


@pytest.fixture(scope="session")
def tanh_series():
    return simulate


@pytest.fixture(scope="session")
def sales():
    return pd.Series(simulate(132), pd.period_range("2001-01", periods=132, freq="M"), name="sales")


@pytest.fixture(scope="session")
def fitted(sales):
    """Two units, on the first ten years."""
    return ParaRNN(sales[:120], lags=2, units=(2, 1)).fit(n_starts=4)


@pytest.fixture(scope="session")
def gappy(sales):
    """Missing values at the beginning, inside and at the end, with an exogenous variable and a trend."""
    y = sales[:120].copy()
    y.iloc[[0, 40, 41, 42, 118, 119]] = np.nan
    x = pd.DataFrame({"price": np.sin(np.arange(132.0))}, sales.index)
    results = ParaRNN(y, x[:120], units=(1,), trend="ct").fit(n_starts=2)
    return results, x[120:]


@pytest.fixture(scope="session")
def differenced(sales):
    return ParaRNN(sales.cumsum()[:120], units=(1,), diff=1, seasonal_diff=1).fit(n_starts=2)


@pytest.fixture(scope="session")
def linear(sales):
    """A linear model by least squares, from an array."""
    return ParaRNN(sales.to_numpy()[:120], lags=2, units=()).fit(penalty=0, tol=1e-18)
