"""Simulated paths continue the recursion; responses of linear models are their moving-average coefficients."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.arima_process import arma2ma

from pararnn_ts.models.pararnn import ParaRNN


@pytest.mark.parametrize("name", ["fitted", "differenced", "linear"])
def test_without_shocks_a_simulation_is_the_forecast(request, name):
    results = request.getfixturevalue(name)
    path = results.simulate(6, anchor="end", random_errors=np.zeros(6))
    np.testing.assert_array_equal(path, results.forecast(6))


@pytest.mark.parametrize("name", ["fitted", "differenced", "gappy"])
def test_shocks_equal_to_the_residuals_return_the_series(request, name):
    results = request.getfixturevalue(name)
    results = results[0] if isinstance(results, tuple) else results
    resid = results.resid.dropna()
    first = len(results.resid) - len(results.resid.loc[resid.index[0] :])
    steps = 20
    path = results.simulate(steps, anchor=first, random_errors=results.resid.iloc[first : first + steps].to_numpy())
    observed = results.model.endog[first : first + steps]
    np.testing.assert_allclose(path, observed, atol=1e-9)
    pd.testing.assert_series_equal(path, results.simulate(steps, random_errors=resid.iloc[:steps].to_numpy()))


def test_paths_have_labels_and_columns(fitted):
    paths = fitted.simulate(4, 3, anchor="2010-11", rng=0)
    assert list(map(str, paths.index)) == ["2010-11", "2010-12", "2011-01", "2011-02"]
    assert paths.shape == (4, 3)
    assert fitted.simulate(4, rng=0).index[0] == fitted.fittedvalues.first_valid_index()


@pytest.mark.parametrize("errors", [None, "bootstrap", stats.t(5)])
def test_same_rng_same_paths(fitted, errors):
    first, second = (fitted.simulate(5, 2, anchor="end", random_errors=errors, rng=7) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_shocks_have_the_variance_of_the_model(fitted):
    for errors in (None, "bootstrap"):
        first = fitted.simulate(1, 4000, anchor="end", random_errors=errors, rng=0).iloc[0]
        assert first.std() == pytest.approx(np.sqrt(fitted.scale), rel=0.05)


@pytest.mark.parametrize("order", [(1, 0, 1), (2, 0, 0), (2, 0, 1)])
def test_response_of_an_arma_is_its_moving_average(sales, order):
    arma = ARIMA(sales, order=order, trend="n").fit()
    results = ParaRNN.from_arma(arma)
    expected = arma2ma(np.r_[1, -arma.arparams], np.r_[1, arma.maparams], lags=13)
    for impulse in (1.0, -2.5):
        np.testing.assert_allclose(results.impulse_responses(12, impulse), expected, atol=1e-10)
    np.testing.assert_allclose(results.impulse_responses(12, history="average"), expected, atol=1e-10)
    np.testing.assert_allclose(results.impulse_responses(12, cumulative=True), np.cumsum(expected), atol=1e-10)


def test_response_of_a_differenced_model_lasts(sales):
    results = ParaRNN(sales.cumsum(), units=(), diff=1, trend="n").evaluate([0.5])
    np.testing.assert_allclose(results.impulse_responses(3), [1, 1.5, 1.75, 1.875])


def test_response_of_a_nonlinear_model_depends_on_size_and_history(sales):
    results = ParaRNN(sales, units=(1,)).evaluate([0.0, -0.3, 0.4, 1.0, 0.1, 1.2])
    small, large = (results.impulse_responses(6, size) for size in (0.01, 3.0))
    assert small[0] == pytest.approx(1.0) and large[0] == pytest.approx(1.0)
    assert abs(small - large).max() > 1e-3
    assert abs(small - results.impulse_responses(6, 0.01, history="2005-01")).max() > 1e-6
    in_units = results.impulse_responses(6, 3.0, per_unit=False)
    np.testing.assert_allclose(in_units, large * 3.0 * np.sqrt(results.scale))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"nsimulations": 0}, "nsimulations must be a positive integer"),
        ({"repetitions": 1.5}, "repetitions must be a positive integer"),
        ({"anchor": 1}, "anchor=1 is row 1, but paths can begin at rows 2"),
        ({"anchor": "2012-06"}, "paths can begin at rows 2 .* to 120"),
        ({"random_errors": "normal"}, "random_errors must be 'bootstrap'"),
        ({"random_errors": np.zeros(3)}, r"shape \(nsimulations, repetitions\) = \(4, 1\)"),
    ],
)
def test_errors_name_the_argument(fitted, kwargs, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fitted.simulate(**{"nsimulations": 4, **kwargs})


def test_impulse_must_not_be_zero(fitted):
    with pytest.raises(ValueError, match="impulse must be a finite number other than zero"):
        fitted.impulse_responses(3, 0.0)
