"""Tests of residuals agree with statsmodels where nothing is missing; the linearity test has size and power."""

import warnings

import numpy as np
import pytest
from scipy.signal import lfilter
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.stats.stattools import jarque_bera
from statsmodels.tsa.stattools import breakvar_heteroskedasticity_test

from pararnn_ts.models.pararnn import ParaRNN


def test_they_are_those_of_statsmodels(fitted):
    resid = fitted.resid.dropna()
    np.testing.assert_allclose(fitted.test_normality()[0], jarque_bera(resid))
    theirs = acorr_ljungbox(resid, lags=8, boxpierce=True)
    np.testing.assert_allclose(fitted.test_serial_correlation(lags=8)[0], theirs[["lb_stat", "lb_pvalue"]].T)
    box_pierce = fitted.test_serial_correlation("boxpierce", lags=8)[0]
    np.testing.assert_allclose(box_pierce, theirs[["bp_stat", "bp_pvalue"]].T)
    theirs = breakvar_heteroskedasticity_test(resid.to_numpy(), subset_length=round(len(resid) / 3))
    np.testing.assert_allclose(fitted.test_heteroskedasticity()[0], [float(np.squeeze(part)) for part in theirs])


def test_lags_may_be_a_list_and_default_to_ten(fitted):
    assert fitted.test_serial_correlation().shape == (1, 2, 10)
    some = fitted.test_serial_correlation(lags=[2, 5])
    np.testing.assert_allclose(some, fitted.test_serial_correlation(lags=5)[:, :, [1, 4]])


def test_degrees_of_freedom_may_be_adjusted(fitted):
    plain, adjusted = (fitted.test_serial_correlation(df_adjust=flag, lags=30)[0, 1] for flag in (False, True))
    few = np.arange(1, 31) <= fitted.df_model
    assert np.isnan(adjusted[few]).all()
    assert (adjusted[~few] < plain[~few]).all()


def test_missing_values_do_not_matter_much(gappy):
    results, _ = gappy
    for found in (results.test_normality(), results.test_serial_correlation(), results.test_heteroskedasticity()):
        assert np.isfinite(found).all()
    resid = results.resid.iloc[1:]
    assert results.test_normality()[0, 0] == pytest.approx(jarque_bera(resid.dropna())[0])


@pytest.mark.parametrize("method", ["terasvirta", "white"])
def test_linearity_test_has_its_size(method):
    rng = np.random.default_rng(0)
    pvalues = []
    for seed in range(60):
        y = lfilter([1, 0.5], [1, -0.7], rng.standard_normal(250))[50:]
        results = ParaRNN(y, units=()).evaluate([0.0, 0.7])
        pvalues.append(results.test_nonlinearity(method, rng=seed).f_pvalue)
    assert np.mean(np.array(pvalues) < 0.1) < 0.2


@pytest.mark.parametrize("method", ["terasvirta", "white"])
def test_linearity_test_has_power(tanh_series, method):
    found = [
        ParaRNN(tanh_series(400, seed), units=()).evaluate([0.0, 0.5]).test_nonlinearity(method) for seed in range(10)
    ]
    assert np.median([test.f_pvalue for test in found]) < 0.01
    assert found[0].pvalue == pytest.approx(found[0].f_pvalue, abs=0.01)


def test_linearity_test_with_gaps_exogenous_values_and_differences(gappy, differenced):
    for results in (gappy[0], differenced):
        test = results.test_nonlinearity()
        assert 0 <= test.pvalue <= 1 and test.df_num >= 2
        assert {1, *results.model.lags} <= set(test.lags)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.test_normality("shapiro"), "method must be one of 'jarquebera' or None"),
        (lambda r: r.test_serial_correlation(lags=500), "lags must lie between 1 and 117"),
        (lambda r: r.test_nonlinearity("keenan"), "method must be one of 'terasvirta', 'white' or None"),
        (lambda r: r.test_nonlinearity(lags=[0]), "lags must be positive integers"),
        (lambda r: r.apply(r.fittedvalues[2:10].to_numpy()).test_nonlinearity(), "needs more data"),
    ],
)
def test_errors_name_the_argument(fitted, call, message):
    with pytest.raises(ValueError, match=message):
        call(fitted)


@pytest.mark.parametrize("y", [np.tile(np.arange(4.0), 20) + np.arange(80.0), np.tile([0.0, 1.0], 40)])
def test_a_series_that_a_linear_model_fits_exactly_shows_no_nonlinearity(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        results = ParaRNN(y, units=(), linear_lags=5).fit(penalty=0.0)
        found = results.test_nonlinearity()
        assert found.pvalue > 0.99 and found.f_pvalue > 0.99
        for test in (results.test_serial_correlation, results.test_heteroskedasticity, results.test_normality):
            test()


@pytest.mark.parametrize("factor", [1e-100, 1e100])
def test_tests_on_the_residuals_do_not_depend_on_units(factor):
    y = np.random.default_rng(0).standard_normal(80)
    one, other = (ParaRNN(values, units=()).fit() for values in (y, factor * y))
    for name in ("test_normality", "test_serial_correlation", "test_heteroskedasticity"):
        np.testing.assert_allclose(getattr(one, name)(), getattr(other, name)(), rtol=1e-6)
    assert one.test_nonlinearity().pvalue == pytest.approx(other.test_nonlinearity().pvalue, rel=1e-6)


def test_a_short_series_is_said_to_be_short():
    results = ParaRNN(np.random.default_rng(0).standard_normal(9), lags=4, units=(1,)).fit(n_starts=2, maxiter=30)
    with pytest.raises(ValueError, match="needs more data"):
        results.test_nonlinearity()
