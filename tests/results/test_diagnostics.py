"""Tests of residuals agree with statsmodels where nothing is missing."""

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.stats.stattools import jarque_bera
from statsmodels.tsa.statespace.sarimax import SARIMAX
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


@pytest.mark.parametrize(
    ("test", "options"),
    [
        ("normality", {"method": "jarquebera"}),
        ("serial_correlation", {"method": "ljungbox"}),
        ("serial_correlation", {"method": "boxpierce", "lags": 5}),
        ("serial_correlation", {"method": "ljungbox", "lags": [1, 4]}),
        ("heteroskedasticity", {"method": "breakvar"}),
        ("heteroskedasticity", {"method": "breakvar", "alternative": "increasing", "use_f": False}),
    ],
)
def test_they_are_those_of_a_state_space_model_with_the_same_residuals(fitted, test, options):
    resid = fitted.resid.dropna().to_numpy()
    noise = SARIMAX(resid, order=(0, 0, 0), trend="n").smooth([np.mean(resid**2)])
    ours, theirs = (np.asarray(getattr(results, f"test_{test}")(**options)) for results in (fitted, noise))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_lags_may_be_a_list_and_default_to_ten(fitted):
    assert fitted.test_serial_correlation().shape == (1, 2, 10)
    some = fitted.test_serial_correlation(lags=[2, 5])
    np.testing.assert_allclose(some, fitted.test_serial_correlation(lags=5)[:, :, [1, 4]])


def test_degrees_of_freedom_may_be_adjusted(fitted):
    plain, adjusted = (fitted.test_serial_correlation(df_adjust=flag, lags=30)[0, 1] for flag in (False, True))
    # all parameters but the constant, which shocks do not pass through
    few = np.arange(1, 31) <= fitted.df_model - 1.0
    assert np.isnan(adjusted[few]).all()
    assert (adjusted[~few] < plain[~few]).all()


@pytest.mark.parametrize("penalty", [0, 2.0])
@pytest.mark.parametrize("options", [{}, {"trend": "ct"}, {"seasonal": True, "period": 12}, {"exog": 2}], ids=str)
def test_only_what_shocks_pass_through_costs_degrees_of_freedom(options, penalty):
    rng = np.random.default_rng(1)
    exog = rng.standard_normal((150, options["exog"])) if "exog" in options else None
    options = {name: value for name, value in options.items() if name != "exog"}
    model = ParaRNN(rng.standard_normal(150), exog, units=(), lags=0, linear_lags=2, **options)
    results = model.fit(penalty=penalty)
    statistic, pvalue = results.test_serial_correlation(df_adjust=True, lags=[20])[0, :, 0]
    # the ridge leaves each of the two lags its share of a parameter
    parts = results._results.ingredients
    lags = [place for place, name in enumerate(model.param_names) if name.startswith("linear.y.L")]
    shares = np.diag(np.linalg.solve(parts.precision, parts.information()))[lags]
    assert len(shares) == 2
    assert shares.sum() == pytest.approx(2.0) if penalty == 0 else shares.sum() < 2.0
    assert pvalue == pytest.approx(stats.chi2.sf(statistic, 20 - shares.sum()))


def test_the_adjusted_statistic_has_the_mean_of_its_distribution():
    rng, lags, sample = np.random.default_rng(2), 20, []
    for _ in range(300):
        y = lfilter([1.0], [1.0, -0.5, 0.3], rng.standard_normal(400))
        results = ParaRNN(y, units=(), lags=0, linear_lags=2, seasonal=True, period=12).fit(penalty=0)
        sample.append(results.test_serial_correlation(lags=[lags])[0, 0, 0])
    # the expectation of a chi-squared variable is its degrees of freedom, and its variance twice as large
    assert np.mean(sample) == pytest.approx(lags - 2, abs=3.0 * np.sqrt(2.0 * lags / len(sample)))


@pytest.mark.parametrize("method", ["ljungbox", "boxpierce"])
def test_the_statistic_has_its_mean_whatever_is_missing(method):
    rng, lags, sample = np.random.default_rng(3), 8, []
    model = ParaRNN(rng.standard_normal(300), units=(), lags=0, linear_lags=0)
    for _ in range(300):
        y = rng.standard_normal(300)
        y[rng.random(300) < 0.4] = np.nan
        sample.append(model.clone_with(y).fit(penalty=0).test_serial_correlation(method, lags=[lags])[0, 0, 0])
    assert np.mean(sample) == pytest.approx(lags, abs=3.0 * np.sqrt(2.0 * lags / len(sample)))


def test_missing_values_do_not_matter_much(gappy):
    results, _ = gappy
    for found in (results.test_normality(), results.test_serial_correlation(), results.test_heteroskedasticity()):
        assert np.isfinite(found).all()
    resid = results.resid.iloc[1:]
    assert results.test_normality()[0, 0] == pytest.approx(jarque_bera(resid.dropna())[0])


@pytest.mark.parametrize("alternative", ["two-sided", "increasing", "decreasing"])
def test_variances_are_compared_whatever_is_missing(gappy, alternative):
    results, _ = gappy
    resid = results.resid.iloc[1:].to_numpy()
    third = round(len(resid) / 3)
    first, last = (part[np.isfinite(part)] for part in (resid[:third], resid[-third:]))
    assert len(first) != len(last)
    ratio, degrees = np.mean(last**2) / np.mean(first**2), (len(last), len(first))
    if alternative == "decreasing":
        ratio, degrees = 1.0 / ratio, degrees[::-1]
    upper, lower = stats.f.sf(ratio, *degrees), stats.f.cdf(ratio, *degrees)
    pvalue = 2.0 * min(upper, lower) if alternative == "two-sided" else upper
    np.testing.assert_allclose(results.test_heteroskedasticity(alternative=alternative)[0], [ratio, pvalue])
    # the limit of the F distribution where the variance in the denominator is known
    chi = stats.f(degrees[0], 1e9)
    pvalue = 2.0 * min(chi.sf(ratio), chi.cdf(ratio)) if alternative == "two-sided" else chi.sf(ratio)
    found = results.test_heteroskedasticity(alternative=alternative, use_f=False)[0]
    np.testing.assert_allclose(found, [ratio, pvalue], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.test_normality("shapiro"), "method must be one of 'jarquebera' or None"),
        (lambda r: r.test_heteroskedasticity(alternative="up"), "alternative must be one of 'two-sided', 'increasing'"),
        (lambda r: r.test_serial_correlation(lags=500), "lags must lie between 1 and 117"),
        (lambda r: r.test_serial_correlation(lags=0), "lags must lie between 1 and 117"),
        (lambda r: r.test_serial_correlation(lags=[1, -1]), "lags must be a non-negative integer or a list"),
    ],
)
def test_errors_name_the_argument(fitted, call, message):
    with pytest.raises(ValueError, match=message):
        call(fitted)


@pytest.mark.parametrize("factor", [1e-100, 1e100])
def test_tests_on_the_residuals_do_not_depend_on_units(factor):
    y = np.random.default_rng(0).standard_normal(80)
    one, other = (ParaRNN(values, units=()).fit() for values in (y, factor * y))
    for name in ("test_normality", "test_serial_correlation", "test_heteroskedasticity"):
        np.testing.assert_allclose(getattr(one, name)(), getattr(other, name)(), rtol=1e-6)


def test_a_single_residual_is_correlated_with_nothing(fitted, sales):
    for results in (fitted.extend(sales[120:121]), fitted.apply(sales[:2])):
        assert np.isnan(results.test_serial_correlation()).all()
        assert results.test_serial_correlation(lags=3).shape == (1, 2, 3)
