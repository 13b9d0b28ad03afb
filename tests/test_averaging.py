"""Combined candidates: weights that learn, forecasts that mix."""

import io

import numpy as np
import pandas as pd
import pytest
from statsmodels.tools.sm_exceptions import OutputWarning

import pararnn_ts as prt
from pararnn_ts.averaging import MEMORY, Average, multiplicity, sequential_weights, temperature
from pararnn_ts.results.archive import read_archive, write_archive


def series(n, seed=0):
    rng = np.random.default_rng(seed)
    y, e = np.zeros(n + 50), rng.standard_normal(n + 50)
    for t in range(2, n + 50):
        y[t] = 1.5 * np.tanh(y[t - 1]) - 0.5 * y[t - 2] + e[t]
    return pd.Series(y[50:], pd.period_range("2001-01", periods=n, freq="M"), name="y")


@pytest.fixture(scope="module")
def y():
    return series(220)


@pytest.fixture(scope="module")
def average(y):
    return prt.select_order(y[:200], max_lags=1, max_linear_lags=2, max_units=1, n_starts=2).average()


def test_weights_add_up_and_follow_the_tempered_evidence(y):
    sel = prt.select_order(y[:100], max_lags=1, max_linear_lags=2, max_units=0)
    weights = sel.average().weights
    evidence = sel.table["log_evidence"].to_numpy()[: len(weights)]
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(
        np.log(weights.to_numpy() / weights.to_numpy()[0]), (evidence - evidence[0]) / temperature(98), atol=1e-12
    )


def test_no_number_of_units_wins_by_the_number_of_its_candidates():
    sizes = [0] * 3 + [1] * 40 + [2] * 200
    share = np.exp(multiplicity(sizes))
    for size in (0, 1, 2):
        assert share[np.array(sizes) == size].sum() == pytest.approx(1.0 / 3.0)


def test_evidence_is_believed_as_far_as_its_sampling_error_goes():
    # the difference of two log likelihoods has a standard deviation that grows like the root of the sample
    assert temperature(4 * 900) == pytest.approx(2 * temperature(900))
    assert temperature(1) == 1.0


def test_equal_predictions_leave_the_weights_to_the_prior():
    rng = np.random.default_rng(0)
    same = np.tile(rng.standard_normal(30), (2, 1))
    weights = sequential_weights(np.array([0.0, 1.0]), same, rng.standard_normal(30), np.ones(2))
    odds = np.log(weights[1] / weights[0])
    np.testing.assert_allclose(odds, MEMORY ** np.arange(31), rtol=1e-10)


def test_the_better_predictions_win():
    rng = np.random.default_rng(1)
    observed = rng.standard_normal(200)
    predictions = np.array([np.zeros(200), np.full(200, 1.5)])
    weights = sequential_weights(np.zeros(2), predictions, observed, np.ones(2))
    assert weights[0, -1] > 0.99
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)


def test_a_missing_observation_changes_nothing():
    observed = np.array([0.1, np.nan, 0.3])
    weights = sequential_weights(np.zeros(2), np.array([[0.0] * 3, [1.0] * 3]), observed, np.ones(2))
    np.testing.assert_array_equal(weights[:, 1], weights[:, 2])


def test_weights_before_an_observation_do_not_know_it():
    rng = np.random.default_rng(2)
    observed, predictions = rng.standard_normal(20), rng.standard_normal((3, 20))
    changed = observed.copy()
    changed[10] = 50.0
    before, after = (sequential_weights(np.zeros(3), predictions, o, np.ones(3)) for o in (observed, changed))
    np.testing.assert_array_equal(before[:, :11], after[:, :11])
    assert (before[:, 11] != after[:, 11]).all()


def test_fitted_values_are_weighted_means(average):
    expected = sum(
        weight * member.fittedvalues for weight, member in zip(average._weights, average.members, strict=True)
    )
    pd.testing.assert_series_equal(average.fittedvalues, expected, check_names=False, rtol=1e-12)
    np.testing.assert_allclose(average.resid.dropna(), (average.model._y - average.fittedvalues).dropna(), atol=1e-14)
    assert average.nobs == average.fittedvalues.notna().sum()


def test_appending_in_pieces_is_appending_at_once(average, y):
    at_once = average.append(y[200:])
    in_pieces = average.append(y[200:207]).append(y[207:])
    pd.testing.assert_series_equal(at_once.fittedvalues, in_pieces.fittedvalues)
    pd.testing.assert_series_equal(at_once.weights, in_pieces.weights)


def test_appended_rows_are_one_step_forecasts(average, y):
    longer = average.append(y[200:])
    assert longer.fittedvalues.iloc[200] == pytest.approx(average.forecast(1).iloc[0], rel=1e-12)
    shorter = average.append(y[200:210])
    assert longer.fittedvalues.iloc[210] == pytest.approx(shorter.forecast(1).iloc[0], rel=1e-12)
    assert longer.fittedvalues.index.equals(y.index)


def test_forecast_is_the_weighted_mean_of_the_members(average):
    expected = sum(w * member.forecast(4) for w, member in zip(average._weights, average.members, strict=True))
    pd.testing.assert_series_equal(average.forecast(4), expected, check_names=False)


def test_intervals_come_from_the_mixture(average):
    forecast = average.get_forecast(3, n_sims=500, rng=0)
    paths = forecast.simulations
    assert paths.shape == (3, 500)
    frame = forecast.summary_frame(0.1)
    np.testing.assert_allclose(frame["mean_ci_lower"], paths.quantile(0.05, axis=1))
    np.testing.assert_allclose(frame["mean"], average.forecast(3))
    again = average.get_forecast(3, n_sims=500, rng=0).simulations
    pd.testing.assert_frame_equal(paths, again)


def test_uncertain_parameters_widen_the_mixture(average):
    plain, wide = (average.get_forecast(3, rng=0, param_uncertainty=flag).se_mean for flag in (False, True))
    assert wide.mean() > plain.mean()


def test_forecasts_from_a_row_are_those_of_the_sample_before_it(average, y):
    """Also across a gap; the weights are those of that time."""
    y = y.copy()
    y.iloc[203:205] = np.nan
    longer = average.append(y[200:])
    for row in (200, 201, 205, 214):
        found = longer.forecast_from(row, 5, rng=row)
        before = average.append(y[200:row]) if row > 200 else average
        expected = before.get_forecast(5, rng=row)
        np.testing.assert_allclose(found.predicted_mean, expected.predicted_mean, rtol=1e-10)
        np.testing.assert_allclose(found.simulations, expected.simulations, rtol=1e-8, atol=1e-10)
    rolling = prt.rolling_forecast(average, y[200:], h=5, step=20, rng=3)
    expected = average.get_forecast(5, rng=3).summary_frame()
    np.testing.assert_allclose(rolling[["mean", "se", "lower", "upper"]], expected, rtol=1e-8)
    for row, steps in ((199, 2), (218, 3), (200, 0)):
        with pytest.raises(ValueError, match=rf"row={row} with steps={steps} must lie between rows 200"):
            longer.forecast_from(row, steps)


def test_what_many_candidates_warn_of_is_said_once():
    growing = 1.1 ** np.arange(60) + np.random.default_rng(0).standard_normal(60)
    average = prt.select_order(growing, max_lags=1, max_linear_lags=2, max_units=1, n_starts=1).average()
    assert len(average.members) > 1
    for ask in (average.forecast, average.get_forecast):
        with pytest.warns(OutputWarning, match="The forecast is explosive") as caught:
            ask(12)
        assert len(caught) == 1 and caught[0].filename == __file__


def test_refitting_uses_the_longer_sample(average, y):
    refitted = average.append(y[200:], refit=True)
    assert len(refitted.fittedvalues) == 220
    assert refitted.members[0].model.nobs == 220
    assert refitted._n_fitted == 220


def test_summary_names_the_largest(average):
    text = average.summary(largest=2).as_text()
    assert average.weights.index[0] in text
    assert f"Not shown: {len(average.members) - 2} with smaller weights." in " ".join(text.split())
    names = [line for line in text.splitlines() if line.startswith(average.weights.index[0])]
    assert len(names) == 1 and float(names[0].split()[-1]) == pytest.approx(average.weights.iloc[0], abs=5e-5)
    assert "Not shown" not in average.summary(largest=len(average.members)).as_text()


def test_no_evidence_is_refused(average):
    with pytest.raises(ValueError, match="log_evidence must have at least one finite entry"):
        Average(average.members, average.weights.index, [np.nan] * len(average.members))


def test_arrays_stay_arrays():
    y = series(120).to_numpy()
    average = prt.select_order(y, max_lags=1, max_linear_lags=1, max_units=1, n_starts=2).average()
    assert isinstance(average.forecast(2), np.ndarray)
    assert isinstance(average.get_forecast(2, rng=0).conf_int(), np.ndarray)


@pytest.mark.parametrize("n_sims", [0, 1, 2.5])
def test_too_few_paths_are_refused_as_those_of_one_model_are(n_sims):
    y = pd.Series(np.random.default_rng(0).standard_normal(60))
    average = prt.select_order(y, max_lags=1, max_linear_lags=1, max_units=1, n_starts=2).average()
    for results in (average, average.members[0]):
        with pytest.raises((ValueError, TypeError), match="n_sims must be an integer of 2 or more"):
            results.get_forecast(2, n_sims=n_sims)


def test_wrong_numbers_get_a_sentence(average):
    with pytest.raises(ValueError, match="largest must be a positive integer, but is 0"):
        average.summary(largest=0)
    with pytest.raises(TypeError, match="row must be an integer of 0 or more, but is '1960'"):
        average.forecast_from("1960", 2)


def again(average):
    file = io.BytesIO()
    average.save(file)
    file.seek(0)
    return prt.load(file)


@pytest.mark.parametrize("refit", [None, False, True])
def test_a_saved_average_forecasts_learns_and_prints_as_it_did(average, y, refit):
    saved = average if refit is None else average.append(y[200:210], refit=refit)
    loaded = again(saved)
    np.testing.assert_array_equal(loaded.weights, saved.weights)
    np.testing.assert_array_equal(loaded.fittedvalues, saved.fittedvalues)
    pd.testing.assert_series_equal(loaded.forecast(4), saved.forecast(4), check_exact=True)
    paths = [one.get_forecast(4, n_sims=200, rng=1).simulations for one in (loaded, saved)]
    np.testing.assert_array_equal(*paths)
    assert str(loaded.summary()) == str(saved.summary())
    since = y[len(saved.fittedvalues) :]
    np.testing.assert_array_equal(loaded.append(since).weights, saved.append(since).weights)
    np.testing.assert_array_equal(again(loaded).forecast(4), saved.forecast(4))


def test_a_saved_average_keeps_exogenous_columns_and_arrays():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((83, 1))
    y = x[:80, 0] + 0.3 * rng.standard_normal(80)
    y[40] = np.nan
    average = prt.select_order(y, x[:80], max_lags=1, max_linear_lags=2, max_units=1, n_starts=2).average()
    np.testing.assert_array_equal(again(average).forecast(3, x[80:]), average.forecast(3, x[80:]))


def damaged(average, change):
    """What loading says of a file of which something was changed."""
    file = io.BytesIO()
    average.save(file)
    file.seek(0)
    header, arrays = read_archive(file)
    change(header, arrays)
    changed = io.BytesIO()
    write_archive(changed, header, arrays)
    changed.seek(0)
    with pytest.raises(ValueError, match="^path ") as error:
        prt.load(changed)
    return str(error.value)


def test_files_that_are_no_averages_are_refused(average):
    newer = damaged(average, lambda header, arrays: header.update(version=2))
    assert "average of format version 2, but this version of pararnn_ts reads version 1" in newer
    for change in (
        lambda header, arrays: header["members"].pop(),
        lambda header, arrays: header["labels"].pop(),
        lambda header, arrays: header.update(members=[], labels=[]),
        lambda header, arrays: header.update(n_fitted=10**9),
        lambda header, arrays: header.update(n_fitted=-1),
        lambda header, arrays: header.pop("labels"),
        lambda header, arrays: arrays.update({"y": arrays["y"][1:]}),
        lambda header, arrays: arrays.update({"0.params": arrays["0.params"][1:]}),
        lambda header, arrays: arrays.update({"more": np.zeros(1)}),
        lambda header, arrays: arrays.update({"log_evidence": arrays["log_evidence"][1:]}),
        lambda header, arrays: arrays.update({"log_evidence": np.full_like(arrays["log_evidence"], np.nan)}),
    ):
        damaged(average, change)
