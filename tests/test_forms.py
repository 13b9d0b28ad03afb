"""Forms of a series in a selection: seasons are found where there are some, and nowhere else."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from statsmodels.tsa.deterministic import DeterministicProcess

import pararnn_ts as prt
from pararnn_ts.forms import Form, Grid, other_forms, worth_modelling

SMALL = {"max_lags": 1, "max_linear_lags": 3, "max_units": 1, "unit_dims": 1, "n_starts": 2, "errors": "normal"}
PATTERN = np.array([0.0, 4.0, -1.0, 2.0])


def noise(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n)


def quarters(values: np.ndarray) -> pd.Series:
    return pd.Series(values, pd.period_range("1970Q1", periods=len(values), freq="Q"), name="y")


def seasonal_random_walk(n: int, seed: int) -> np.ndarray:
    """Quarterly series whose seasonal differences are noise."""
    return lfilter([1.0], [1.0, 0.0, 0.0, 0.0, -1.0], noise(n, seed))


def forms_of(y, **options) -> list[Form]:
    """Forms that are searched."""
    base = prt.ParaRNN(y, lags=0, units=(), linear_lags=0, **options)
    grid = Grid(base.diff, 3, 1, ())
    others = other_forms(base, 1, True)
    found, _ = worth_modelling(base, others, grid, grid.reach(Form.of(base), base), "evidence", (y, options))
    return list(found)


def test_a_fixed_season_is_modelled_by_dummies_and_forecast_for_ever():
    y = quarters(np.tile(PATTERN, 30) + lfilter([1.0], [1.0, -0.5], noise(120, 0)))
    found = prt.select_order(y, **SMALL)
    assert found.best.seasonal and found.best.label.startswith("seasonal dummies; linear lags")
    assert found.results.model.seasonal and found.results.model.period == 4
    # ten years ahead the season is what it was
    far = found.average().forecast(40).iloc[-4:]
    np.testing.assert_allclose(far - far.mean(), PATTERN - PATTERN.mean(), atol=0.5)


@pytest.mark.parametrize("seed", range(4))
def test_eight_years_are_enough_to_know_a_fixed_season_from_one_that_drifts(seed):
    """On the rows that a seasonal difference can predict, its first two years would be lost to the dummies."""
    pattern = 3.0 * np.random.default_rng(seed).standard_normal(12)
    y = np.tile(pattern, 8) + lfilter([1.0], [1.0, -0.5], noise(96, seed))
    found = prt.select_order(y, period=12, **SMALL)
    assert found.best.seasonal and found.best.seasonal_diff == 0
    # nothing is held back but what the direct lags need
    assert found.results.nobs == 96 - 3
    far = found.average().forecast(36).reshape(3, 12)[-1]
    assert np.sqrt(np.mean((far - pattern) ** 2)) < 0.6


def test_a_season_that_drifts_is_modelled_by_a_seasonal_difference():
    y = quarters(seasonal_random_walk(160, 1))
    found = prt.select_order(y, **SMALL)
    assert found.best.seasonal_diff == 1 and "seasonal diff 1" in found.best.label
    assert set(found.best.linear_lags) >= {4, 5}
    # the best guess of the next years is about the last one
    last = y.iloc[-4:].to_numpy()
    assert np.sqrt(np.mean((found.results.forecast(4).to_numpy() - last) ** 2)) < 1.0 < last.std()


def test_direct_lags_of_the_season_are_enough_for_a_stationary_one():
    y = lfilter([1.0], np.r_[1.0, np.zeros(11), -0.7], noise(400, 2))
    assert forms_of(y, period=12)[0] == Form(season=(12, 13))


@pytest.mark.parametrize("y", [noise(120, 3), lfilter([1.0], [1.0, -0.7], noise(120, 5))], ids=["noise", "AR(1)"])
def test_a_series_without_a_season_is_searched_as_if_nobody_had_looked_for_one(y):
    y = quarters(y)
    table, expected = (prt.select_order(y, **SMALL, find_season=find).table for find in (True, False))
    pd.testing.assert_frame_equal(table, expected)
    assert not table["seasonal"].any() and not table["seasonal_diff"].any()


def test_seasons_are_rarely_found_where_there_are_none():
    found = [forms_of(lfilter([1.0], [1.0, -0.5], noise(100, seed)), period=12) for seed in range(30)]
    assert sum(forms != [Form()] for forms in found) <= 5


def test_a_season_is_looked_for_only_where_it_is_known_and_nobody_has_settled_it():
    y = quarters(seasonal_random_walk(80, 5))

    def kinds(endog, exog=None, **options):
        return {form.kind[1:] for form in other_forms(prt.ParaRNN(endog, exog, **options), 1, True)}

    every = {(0, False), (0, True), (1, False)}
    assert kinds(y) == kinds(y.to_numpy(), period=4) == kinds(y, diff=1) == every
    assert kinds(y.to_numpy()) == {(0, False)}
    assert kinds(y, seasonal=True) == {(0, True)} and kinds(y, seasonal_diff=1) == {(1, False)}
    process = DeterministicProcess(y.index, constant=True, seasonal=True)
    assert kinds(y, deterministic=process) == {(0, False)}
    assert kinds(y, period=61) == {(0, False)}
    assert kinds(y, np.ones((80, 1)) * np.arange(80)[:, None]) == set()
    assert not any(form[1:] != Form()[1:] for form in other_forms(prt.ParaRNN(y), 1, False))


def test_two_kinds_are_searched_at_most_and_none_that_is_worse_than_the_one_given():
    y = quarters(np.cumsum(0.5 + noise(160, 6)) + np.tile(PATTERN, 40))
    forms = forms_of(y)
    assert [form.kind for form in forms] == [(0, 0, True), (1, 0, True)]
    assert forms_of(noise(160, 7), period=4) == [Form()]


def test_forms_that_would_cost_half_of_the_rows_are_not_tried():
    # a seasonal difference with direct lags of the season would leave 7 of 32 rows
    y = seasonal_random_walk(32, 8)
    assert all(form.seasonal_diff == 0 for form in forms_of(y, period=12))


@pytest.mark.parametrize("share", [0.02, 0.4])
def test_a_fixed_season_is_found_where_values_are_missing(share):
    y = quarters(np.tile(PATTERN, 40) + noise(160, 13))
    y[np.random.default_rng(0).random(160) < share] = np.nan
    assert forms_of(y)[0].seasonal


def test_a_season_of_which_nothing_was_observed_does_no_harm():
    y = quarters(np.tile(PATTERN, 30) + noise(120, 9))
    y[y.index.quarter == 3] = np.nan
    found = prt.select_order(y, **SMALL)
    assert np.isfinite(found.table["log_evidence"]).all()
    assert found.results.forecast(8).between(y.min(), y.max()).all()


def test_evidence_of_a_trend_is_that_of_a_prior_with_the_information_of_one_observation():
    y = noise(400, 10)
    options = {"units": (), "lags": 0, "linear_lags": 0}
    with_trend, without = (prt.ParaRNN(y, trend=trend, **options).fit().log_evidence for trend in ("ct", "c"))
    # marginal likelihood of the regression by integration; orthogonal to the constant, so that it goes by itself
    z = (y - y.mean()) / y.std()
    trend = np.arange(1.0, 401.0)
    column = trend - trend.mean()
    grid = np.linspace(-3.0, 3.0, 20_001) / trend.mean()
    information = np.mean(trend**2)
    exponent = grid * (column @ z) - 0.5 * grid**2 * (column @ column + information)
    exact = np.log(np.trapezoid(np.exp(exponent), grid) * np.sqrt(information / (2.0 * np.pi)))
    assert with_trend - without == pytest.approx(exact, abs=0.05)


def test_a_selection_with_seasonal_candidates_is_saved_and_read(tmp_path):
    y = quarters(np.tile(PATTERN, 30) + noise(120, 11))
    average = prt.select_order(y, **SMALL).average()
    average.save(tmp_path / "average")
    pd.testing.assert_series_equal(prt.load(tmp_path / "average").forecast(8), average.forecast(8))


def test_find_season_is_yes_or_no():
    with pytest.raises(TypeError, match="find_season"):
        prt.select_order(noise(50, 12), find_season=12)
