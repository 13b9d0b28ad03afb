"""Forecast scores, checked through the identities that define them."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from pararnn_ts import scores
from pararnn_ts._compat import diebold_mariano_test


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ------------------------------------------------------------------------------------------------ point forecasts


def test_point_scores_by_hand():
    y, f = [1.0, 2.0, 3.0], [1.0, 4.0, 2.0]
    assert scores.mse(y, f) == pytest.approx(5 / 3)
    assert scores.rmse(y, f) == pytest.approx(np.sqrt(5 / 3))
    assert scores.mae(y, f) == pytest.approx(1.0)
    assert isinstance(scores.mse(y, f), float)


def test_mase_of_the_naive_forecast_is_one(rng):
    y = np.cumsum(rng.standard_normal(60))
    assert scores.mase(y[1:], y[:-1], train=y) == pytest.approx(1.0)
    assert scores.mase(y[12:], y[:-12], train=y, period=12) == pytest.approx(1.0)


def test_mase_leaves_out_missing_training_values():
    assert scores.mase([1.0], [0.0], train=[1.0, 3.0, np.nan, 5.0, 7.0]) == 0.5


def test_mase_of_a_constant_training_sample():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scores.mase([1.0], [0.0], train=[2.0, 2.0, 2.0]) == np.inf
        assert np.isnan(scores.mase([1.0], [1.0], train=[2.0, 2.0, 2.0]))


@pytest.mark.parametrize("period", [0, -1, 3])
def test_mase_period_is_checked(period):
    with pytest.raises(ValueError, match="period must"):
        scores.mase([1.0], [1.0], train=[1.0, 2.0, 3.0], period=period)


# ----------------------------------------------------------------------------------------- quantiles and intervals


def test_pinball_at_one_half_is_half_the_absolute_error(rng):
    y, q = rng.standard_normal((2, 50))
    assert scores.pinball(y, q, 0.5) == pytest.approx(scores.mae(y, q) / 2)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.95])
def test_pinball_is_least_at_the_quantile(rng, level):
    y = rng.standard_normal(100_001)
    candidates = np.linspace(-3, 3, 121)
    losses = [scores.pinball(y, np.full(y.size, q), level) for q in candidates]
    assert candidates[np.argmin(losses)] == pytest.approx(stats.norm.ppf(level), abs=0.05)


def test_integral_of_pinball_is_half_the_crps():
    y, mean, scale = 0.7, -0.2, 1.3
    integral, _ = integrate.quad(lambda p: scores.pinball([y], [stats.norm.ppf(p, mean, scale)], p), 0, 1)
    assert 2 * integral == pytest.approx(scores.crps_gaussian([y], [mean], scale), rel=1e-6)


def test_winkler_is_the_pinball_loss_of_its_bounds(rng):
    y, lower = rng.standard_normal((2, 100))
    upper, alpha = lower + 1.5, 0.1
    expected = scores.pinball(y, lower, alpha / 2) + scores.pinball(y, upper, 1 - alpha / 2)
    assert scores.winkler(y, lower, upper, alpha) == pytest.approx(2 / alpha * expected)


def test_coverage_of_exact_quantiles(rng):
    y = rng.standard_normal(20_000)
    bound = np.full(y.size, stats.norm.ppf(0.9))
    assert scores.interval_coverage(y, -bound, bound) == pytest.approx(0.8, abs=0.01)


def test_coverage_counts_the_bounds_and_skips_missing():
    assert scores.interval_coverage([0.0, 1.0, 2.0, np.nan], [0.0] * 4, [1.0] * 4) == pytest.approx(2 / 3)


# ---------------------------------------------------------------------------------------------------- distributions


@pytest.mark.parametrize("fair", [True, False])
def test_crps_of_a_point_mass_is_the_absolute_error(rng, fair):
    y, f = rng.standard_normal((2, 30))
    assert scores.crps_sample(y, np.repeat(f[:, None], 7, axis=1), fair=fair) == pytest.approx(scores.mae(y, f))
    assert scores.crps_gaussian(y, f, 0.0) == pytest.approx(scores.mae(y, f))
    assert scores.crps_gaussian(y, f, 1e-12) == pytest.approx(scores.mae(y, f))


def test_crps_of_one_draw():
    assert scores.crps_sample([1.0], [[3.0]], fair=False) == 2.0
    with pytest.raises(ValueError, match="too few"):
        scores.crps_sample([1.0], [[3.0]])


@pytest.mark.parametrize("fair", [True, False])
def test_crps_sample_by_the_double_sum(rng, fair):
    y, samples = rng.standard_normal(4), rng.standard_normal((4, 9))
    pairs = np.abs(samples[:, :, None] - samples[:, None, :]).sum(axis=(1, 2))
    expected = np.abs(samples - y[:, None]).mean(axis=1) - pairs / (2 * (9 * 8 if fair else 81))
    np.testing.assert_allclose(scores.crps_sample(y, samples, fair=fair, average=False), expected)


def test_crps_plug_in_is_the_integral_of_the_brier_score(rng):
    y, samples = 0.3, np.sort(rng.standard_normal(5))
    knots = np.sort(np.r_[samples, y])
    middles = (knots[1:] + knots[:-1]) / 2
    heights = ((samples <= middles[:, None]).mean(axis=1) - (y <= middles)) ** 2
    assert scores.crps_sample(y, samples, fair=False) == pytest.approx(heights @ np.diff(knots))


def test_crps_gaussian_is_the_integral_of_the_brier_score():
    y, mean, scale = 1.2, 0.4, 0.7
    below = integrate.quad(lambda x: stats.norm.cdf(x, mean, scale) ** 2, -np.inf, y)[0]
    above = integrate.quad(lambda x: stats.norm.sf(x, mean, scale) ** 2, y, np.inf)[0]
    assert scores.crps_gaussian([y], [mean], [scale]) == pytest.approx(below + above)


def test_crps_gaussian_at_the_mean_and_far_from_it():
    assert scores.crps_gaussian([3.0], [3.0], 2.0) == pytest.approx(2.0 * (np.sqrt(2) - 1) / np.sqrt(np.pi), rel=1e-14)
    far = scores.crps_gaussian([1e3, -1e3], [0.0, 0.0], 1.0, average=False)
    np.testing.assert_allclose(far, 1e3 - 1 / np.sqrt(np.pi), rtol=1e-14)


@pytest.mark.parametrize("unit", [1e-9, 1.0, -4.0, 1e9])
def test_scores_have_the_unit_of_the_observations_and_no_origin(rng, unit):
    y, mean, scale = rng.standard_normal((3, 40))
    scale, draws = np.abs(scale) + 0.1, mean[:, None] + rng.standard_normal((40, 30))
    other = unit * y + 7.0
    score = scores.crps_gaussian(other, unit * mean + 7.0, abs(unit) * scale)
    assert score == pytest.approx(abs(unit) * scores.crps_gaussian(y, mean, scale), rel=1e-6)
    assert scores.crps_sample(other, unit * draws + 7.0) == pytest.approx(
        abs(unit) * scores.crps_sample(y, draws), rel=1e-6
    )
    low, high = np.sort([unit * (mean - scale) + 7.0, unit * (mean + scale) + 7.0], axis=0)
    assert scores.winkler(other, low, high) == pytest.approx(
        abs(unit) * scores.winkler(y, mean - scale, mean + scale), rel=1e-6
    )


def test_crps_sample_tends_to_the_gaussian_one(rng):
    y = np.array([-1.0, 0.0, 2.5])
    samples = 0.5 + 2.0 * rng.standard_normal((3, 100_000))
    expected = scores.crps_gaussian(y, np.full(3, 0.5), 2.0, average=False)
    for fair in (True, False):
        np.testing.assert_allclose(scores.crps_sample(y, samples, fair=fair, average=False), expected, atol=0.02)


def test_fair_crps_is_unbiased_with_few_draws(rng):
    y, samples = np.full(40_000, 0.5), rng.standard_normal((40_000, 3))
    expected = scores.crps_gaussian([0.5], [0.0], 1.0)
    assert scores.crps_sample(y, samples) == pytest.approx(expected, abs=0.01)
    assert scores.crps_sample(y, samples, fair=False) > expected + 0.1


def test_crps_sample_on_a_large_common_level(rng):
    y, samples = rng.standard_normal(5), rng.standard_normal((5, 50))
    assert scores.crps_sample(y + 2**30, samples + 2**30) == pytest.approx(scores.crps_sample(y, samples), abs=1e-6)


def test_crps_sample_with_common_draws(rng):
    y, draws = rng.standard_normal(5), rng.standard_normal(50)
    assert scores.crps_sample(y, draws) == scores.crps_sample(y, np.tile(draws, (5, 1)))


def test_diverged_draws_are_not_taken_for_missing_ones():
    score = scores.crps_sample([0.0, 0.0, 0.0], [[1.0, np.inf], [1.0, np.nan], [1.0, 1.0]], average=False)
    np.testing.assert_array_equal(score, [np.inf, np.nan, 1.0])


def test_forecasts_that_ran_off_to_infinity_cost_infinitely_much_and_are_not_left_out():
    lost, fine = [np.inf, -1.0], [np.inf, 1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scores.winkler([0.0, 0.0], lost, fine) == np.inf
        assert scores.crps_gaussian([0.0, 0.0], [np.inf, 0.0], [np.inf, 1.0]) == np.inf
        assert scores.crps_sample([0.0], [[1e308, -1e308, 1e308]]) == np.inf
        assert np.isnan(scores.diebold_mariano([np.inf, 1.0, 2.0, 3.0], [1.0, 2.0, 1.0, 2.0])[:2]).all()
    np.testing.assert_array_equal(scores.winkler([0.0, np.nan], lost, fine, average=False), [np.inf, np.nan])


def test_crps_inputs_are_checked():
    with pytest.raises(ValueError, match="one more axis"):
        scores.crps_sample([1.0, 2.0], np.ones((3, 4)))
    with pytest.raises(ValueError, match="negative"):
        scores.crps_gaussian([1.0], [0.0], -1.0)


# ---------------------------------------------------------------------------------------------------- every score


SCORES = {
    "mse": lambda y, f: scores.mse(y, f),
    "rmse": lambda y, f: scores.rmse(y, f),
    "mae": lambda y, f: scores.mae(y, f),
    "mase": lambda y, f: scores.mase(y, f, train=[1.0, 2.0]),
    "pinball": lambda y, f: scores.pinball(y, f, 0.3),
    "coverage": lambda y, f: scores.interval_coverage(y, f - 1, f + 1),
    "winkler": lambda y, f: scores.winkler(y, f - 1, f + 1),
    "crps_gaussian": lambda y, f: scores.crps_gaussian(y, f, 2.0),
    "crps_sample": lambda y, f: scores.crps_sample(y, np.stack([f, f + 1], axis=-1)),
}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_pairs_with_a_missing_part_are_left_out(rng, score):
    y, f = rng.standard_normal((2, 20))
    complete = score(y[4:], f[4:])
    y[:2], f[1:4] = np.nan, np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert score(y, f) == pytest.approx(complete)


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("y", [[np.nan, np.nan], []], ids=["all missing", "empty"])
def test_no_complete_pair_raises(score, y):
    with pytest.raises(ValueError, match="no pair"):
        score(np.array(y), np.ones(len(y)))


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_masked_values_are_missing(score):
    y, f, gone = np.array([1.0, 2.0, 99.0, 4.0]), np.array([1.5, 1.0, 3.0, 4.5]), np.array([0, 0, 1, 0], dtype=bool)
    assert score(np.ma.masked_array(y, gone), f) == score(np.where(gone, np.nan, y), f)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: scores.rmse(["a"], [1.0]), TypeError, "y must be an array of numbers; convert it first."),
        (lambda: scores.rmse([1.0, 2.0], [1.0]), ValueError, "y and f must have the same shape, but have (2,), (1,)."),
        (lambda: scores.mase([1.0], [1.0], train=[[1.0]]), ValueError, "train must be one-dimensional, but has shape"),
        (lambda: scores.diebold_mariano([1.0], [2.0], horizon=[1]), TypeError, "horizon must be a positive integer"),
        (lambda: scores.diebold_mariano([1.0, 2.0], [2.0, 1.0], lags=1.5), TypeError, "lags must be an integer of 0"),
        (lambda: scores.diebold_mariano([1.0], [2.0], loss=np.array(["a", "b"])), ValueError, "loss must be 'squared'"),
        (lambda: scores.pinball([1.0], [2.0], np.array([0.1, 0.9])), ValueError, "level must lie between 0 and 1"),
        (lambda: scores.winkler([1.0], [0.0], [2.0], np.array([0.1, 0.9])), ValueError, "alpha must lie between 0 and"),
        (lambda: scores.mase([1.0], [1.0], [1.0, 2.0], period=1.0), TypeError, "period must be a positive integer"),
        (lambda: scores.diebold_mariano([1.0], [2.0]), ValueError, "e1 and e2 have 1 pairs, too few to compare"),
    ],
)
def test_what_cannot_be_scored_is_told_in_one_sentence(call, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)) as caught:
        call()
    assert re.fullmatch(r"[^\n]+[.]", str(caught.value))


@pytest.mark.parametrize("name", ["pinball", "winkler", "crps_gaussian", "crps_sample"])
def test_scores_of_every_observation(rng, name):
    y = rng.standard_normal(6)
    y[2] = np.nan
    inputs = {
        "pinball": (np.zeros(6), 0.2),
        "winkler": (-np.ones(6), np.ones(6)),
        "crps_gaussian": (np.zeros(6), 1.0),
        "crps_sample": (rng.standard_normal((6, 5)),),
    }[name]
    function = getattr(scores, name)
    each = function(y, *inputs, average=False)
    assert each.shape == (6,)
    assert np.isnan(each).tolist() == np.isnan(y).tolist()
    assert np.nanmean(each) == pytest.approx(function(y, *inputs))


def test_shapes_and_indexes_must_agree():
    index = pd.date_range("2020-01-01", periods=3)
    y, f = pd.Series([1.0, 2.0, 3.0], index), pd.Series([1.0, 2.0, 4.0], index)
    assert scores.mae(y, f) == pytest.approx(1 / 3)
    assert scores.mae(y, f.to_numpy()) == pytest.approx(1 / 3)
    draws = pd.DataFrame(np.ones((3, 2)), index)
    assert scores.crps_sample(y, draws) == 1.0
    with pytest.raises(ValueError, match="y and f have different indexes"):
        scores.mae(y, f.shift(freq="D"))
    with pytest.raises(ValueError, match="different indexes"):
        scores.crps_sample(y, draws.shift(freq="D"))
    with pytest.raises(ValueError, match="same shape"):
        scores.mae([1.0, 2.0], [1.0])


@pytest.mark.parametrize("level", [0, 1, -0.5, np.nan])
def test_levels_are_checked(level):
    with pytest.raises(ValueError, match="level must"):
        scores.pinball([1.0], [1.0], level)
    with pytest.raises(ValueError, match="alpha must"):
        scores.winkler([1.0], [1.0], [1.0], level)


# -------------------------------------------------------------------------------------------------- Diebold-Mariano


def test_identical_errors_cannot_be_told_apart(rng):
    errors = rng.standard_normal(50)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scores.diebold_mariano(errors, errors)[:2] == (0.0, 1.0)
        assert scores.diebold_mariano(errors, -errors)[:2] == (0.0, 1.0)
        assert scores.diebold_mariano(np.zeros(50), np.ones(50))[:2] == (-np.inf, 0.0)


@pytest.mark.parametrize("horizon", [1, 3])
def test_test_has_its_size(rng, horizon):
    nobs, rejections, repetitions = 200, 0, 1000
    for _ in range(repetitions):
        e = rng.standard_normal((2, nobs + horizon - 1))
        # Moving averages, as the errors of forecasts several steps ahead are.
        e1, e2 = (np.convolve(row, np.ones(horizon), mode="valid") for row in e)
        rejections += scores.diebold_mariano(e1, e2, horizon).pvalue < 0.05
    assert 0.03 < rejections / repetitions < 0.09


def test_test_sees_the_better_forecast(rng):
    good, bad = rng.standard_normal(300), 1.5 * rng.standard_normal(300)
    test = scores.diebold_mariano(good, bad)
    assert test.statistic < -3
    assert test.pvalue < 0.01
    swapped = scores.diebold_mariano(bad, good)
    assert swapped.statistic == pytest.approx(-test.statistic)
    assert swapped.pvalue == pytest.approx(test.pvalue)


@pytest.mark.parametrize(
    "loss", ["squared", "absolute", lambda e: np.exp(e) - e - 1], ids=["squared", "absolute", "linex"]
)
@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize("lags", [None, 0, 2])
def test_own_implementation_agrees_with_statsmodels(rng, monkeypatch, loss, horizon, lags):
    if diebold_mariano_test is None:
        pytest.skip("needs statsmodels 0.15")
    e1, e2 = rng.standard_normal((2, 80))
    expected = scores.diebold_mariano(e1, e2, horizon, loss, lags=lags)
    monkeypatch.setattr(scores, "diebold_mariano_test", None)
    own = scores.diebold_mariano(e1, e2, horizon, loss, lags=lags)
    np.testing.assert_allclose(own, expected)


def test_without_lags_it_is_the_paired_t_test(rng):
    """One step ahead and with no lags, the corrected statistic is that of the paired t test of the losses."""
    e1, e2 = rng.standard_normal((2, 30))
    test, reference = scores.diebold_mariano(e1, e2, lags=0), stats.ttest_rel(e1**2, e2**2)
    assert test.statistic == pytest.approx(reference.statistic)
    assert test.pvalue == pytest.approx(reference.pvalue)


def test_missing_errors_are_left_out(rng):
    e1, e2 = rng.standard_normal((2, 60))
    expected = scores.diebold_mariano(e1[5:], e2[5:])
    e1[:5] = np.nan
    assert scores.diebold_mariano(e1, e2) == expected
    assert expected.nobs == 55
    with pytest.raises(ValueError, match="no pair"):
        scores.diebold_mariano([np.nan], [1.0])


def test_diebold_mariano_inputs_are_checked(rng):
    e1, e2 = rng.standard_normal((2, 10))
    with pytest.raises(ValueError, match="loss must"):
        scores.diebold_mariano(e1, e2, loss="cubic")
    with pytest.raises(ValueError, match="horizon must"):
        scores.diebold_mariano(e1, e2, horizon=0)
    with pytest.raises(ValueError, match="too few"):
        scores.diebold_mariano(e1, e2, horizon=10)
    with pytest.raises(ValueError, match="one-dimensional"):
        scores.diebold_mariano([e1], [e2])
