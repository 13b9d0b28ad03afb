"""What every model promises for every kind of index; a new model is one more line in MODELS."""

import io
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from index_kinds import BEYOND, KINDS, LENGTH, REFUSED, N
from numpy.testing import assert_allclose, assert_array_equal

import pararnn_ts as prt

MODELS = {
    "ParaRNN": lambda y, x=None, **options: prt.ParaRNN(y, x, units=(1,), lags=2, **options),
    "ElmanRNN": lambda y, x=None, **options: prt.ElmanRNN(y, x, hidden=2, **options),
    "ODERNN": lambda y, x=None, **options: prt.ODERNN(
        y, x, hidden=1, order=2, stages=2, step=0.5, damping=(1.0, 1.5), **options
    ),
    "QUNN": lambda y, x=None, **options: prt.QUNN(y, x, memory=3, qubits=2, **options),
    "LSTM": lambda y, x=None, **options: prt.LSTM(y, x, hidden=1, **options),
}

rng = np.random.default_rng(0)
VALUES = np.zeros(LENGTH)
for t in range(1, LENGTH):
    VALUES[t] = 0.9 * np.tanh(1.5 * VALUES[t - 1]) + 0.5 * rng.normal()
VALUES += 10.0
RAIN = rng.normal(size=LENGTH)

everything = [
    pytest.mark.parametrize("kind", KINDS),
    pytest.mark.parametrize("name", MODELS),
]


def contract(test):
    for mark in everything:
        test = mark(test)
    return test


def build(name, kind, exog=False, **options):
    with warnings.catch_warnings():
        # gaps in the index are filled with a warning
        warnings.filterwarnings("ignore", message=".*inserted")
        sample = KINDS[kind].sample(VALUES)
        return MODELS[name](
            sample, future_rain(kind, 0, LENGTH if KINDS[kind].absent else N) if exog else None, **options
        )


def future_rain(kind, start, stop):
    """Exogenous values of some rows, complete even where the series has gaps."""
    grid = KINDS[kind].grid
    if grid is None:
        return RAIN[start:stop, None]
    return pd.DataFrame({"rain": RAIN[start:stop]}, KINDS[kind].given(grid[start:stop]))


@cache
def fitted(name, kind, exog=False):
    return build(name, kind, exog).fit(n_starts=4, penalty=1.0)


def labels_of(kind, start, stop):
    grid = KINDS[kind].grid
    return None if grid is None else grid[start:stop]


def assert_labelled(ours, kind, start, stop):
    expected = labels_of(kind, start, stop)
    if expected is None:
        assert isinstance(ours, np.ndarray)
        return
    assert isinstance(ours.index, type(expected))
    assert ours.index.equals(expected) and len(ours) == stop - start
    assert getattr(ours.index, "freq", None) == getattr(expected, "freq", None)


@contract
def test_the_fit_is_labelled_as_the_series_is(name, kind):
    results = fitted(name, kind)
    assert results.converged
    for values in (results.fittedvalues, results.resid):
        assert_labelled(values, kind, 0, N)
        assert len(values) == N
    assert np.isfinite(np.asarray(results.params)).all()


@contract
def test_a_fit_does_not_depend_on_the_index(name, kind):
    if KINDS[kind].absent:
        pytest.skip("other data")
    assert_array_equal(np.asarray(fitted(name, kind).params), np.asarray(fitted(name, "array").params))
    assert_array_equal(np.asarray(fitted(name, kind).forecast(4)), fitted(name, "array").forecast(4))


@contract
def test_absent_labels_are_missing_values(name, kind):
    results, absent = fitted(name, kind), list(KINDS[kind].absent)
    missing = np.flatnonzero(np.isnan(np.asarray(results.resid)))
    first = results.model.specification.hold_back
    assert missing.tolist() == [*range(first), *absent]
    assert results.nobs == N - first - len(absent)


@contract
def test_forecasts_continue_the_index(name, kind):
    results = fitted(name, kind)
    for steps in (1, 3, BEYOND):
        forecast = results.forecast(steps)
        assert_labelled(forecast, kind, N, N + steps)
        assert np.isfinite(forecast).all()


@contract
def test_a_forecast_with_its_distribution_is_labelled_alike(name, kind):
    forecast = fitted(name, kind).get_forecast(3, n_sims=50, rng=0)
    assert_labelled(forecast.predicted_mean, kind, N, N + 3)
    frame = forecast.summary_frame()
    assert np.isfinite(frame.to_numpy(dtype=float)).all()
    if KINDS[kind].grid is not None:
        assert frame.index.equals(labels_of(kind, N, N + 3))


@contract
def test_predictions_reach_across_the_end_of_the_sample(name, kind):
    results = fitted(name, kind)
    whole = results.predict(N - 3, N + 2)
    assert_labelled(whole, kind, N - 3, N + 3)
    expected = np.concatenate([np.asarray(results.fittedvalues)[-3:], np.asarray(results.forecast(3))])
    assert_allclose(np.asarray(whole), expected, rtol=1e-12)
    assert_allclose(np.asarray(results.predict()), np.asarray(results.fittedvalues), rtol=1e-12)


@contract
def test_predictions_can_be_asked_for_by_label(name, kind):
    grid, results = KINDS[kind].grid, fitted(name, kind)
    if grid is None:
        pytest.skip("no labels")
    integers = isinstance(grid, pd.RangeIndex)
    start, end = (N - 3, N + 2) if integers else (grid[N - 3], grid[N + 2])
    found = results.predict(start, end)
    assert found.index.equals(grid[N - 3 : N + 3])
    if not integers:
        assert_allclose(results.predict(str(start), str(end)), found)


@contract
def test_dynamic_predictions_from_the_end_are_forecasts(name, kind):
    results = fitted(name, kind)
    dynamic = np.asarray(results.predict(N - 5, N + 2, dynamic=True))
    static = np.asarray(results.fittedvalues)
    assert dynamic[0] == pytest.approx(static[N - 5], rel=1e-12)
    assert not np.allclose(dynamic[1:5], static[N - 4 :])


@contract
def test_new_observations_are_appended(name, kind):
    results = fitted(name, kind)
    new = KINDS[kind].rows(VALUES, N, N + 3)
    longer = results.append(new)
    assert_labelled(longer.fittedvalues, kind, 0, N + 3)
    assert_array_equal(np.asarray(longer.params), np.asarray(results.params))
    assert_allclose(np.asarray(longer.fittedvalues)[:N], np.asarray(results.fittedvalues), rtol=1e-12)
    assert_allclose(np.asarray(longer.fittedvalues)[N], np.asarray(results.forecast(1))[0], rtol=1e-12)
    assert_labelled(longer.forecast(2), kind, N + 3, N + 5)
    # without labels they follow the sample
    assert_allclose(np.asarray(results.append(np.asarray(new)).forecast(2)), np.asarray(longer.forecast(2)))


@contract
def test_extended_results_know_only_what_is_new(name, kind):
    results = fitted(name, kind)
    new = KINDS[kind].rows(VALUES, N, N + 3)
    tail, longer = results.extend(new), results.append(new)
    assert_labelled(tail.fittedvalues, kind, N, N + 3)
    assert_allclose(np.asarray(tail.fittedvalues), np.asarray(longer.fittedvalues)[N:], rtol=1e-10)
    assert_allclose(np.asarray(tail.forecast(2)), np.asarray(longer.forecast(2)), rtol=1e-10)
    assert_labelled(tail.forecast(2), kind, N + 3, N + 5)


@contract
def test_results_are_applied_to_the_same_data(name, kind):
    results = fitted(name, kind)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*inserted")
        again = results.apply(KINDS[kind].sample(VALUES))
    assert_allclose(np.asarray(again.fittedvalues), np.asarray(results.fittedvalues), rtol=1e-12)
    assert_labelled(again.forecast(2), kind, N, N + 2)


@contract
def test_exogenous_values_follow_their_labels(name, kind):
    results = fitted(name, kind, exog=True)
    future = future_rain(kind, N, N + 4)
    forecast = results.forecast(4, exog=future)
    assert_labelled(forecast, kind, N, N + 4)
    if KINDS[kind].grid is None:
        return
    assert_array_equal(forecast, results.forecast(4, exog=future[::-1]))
    longer = results.append(KINDS[kind].rows(VALUES, N, N + 2), future_rain(kind, N, N + 2))
    assert_labelled(longer.forecast(2, exog=future[2:]), kind, N + 2, N + 4)


@contract
def test_simulations_continue_the_index(name, kind):
    paths = fitted(name, kind).simulate(4, repetitions=3, anchor="end", rng=0)
    assert np.isfinite(np.asarray(paths)).all()
    if KINDS[kind].grid is not None:
        assert paths.index.equals(labels_of(kind, N, N + 4))


@contract
def test_components_add_up(name, kind):
    results = fitted(name, kind)
    parts = results.components
    total = np.asarray(parts.sum(axis=1, skipna=False))
    assert_allclose(total, np.asarray(results.fittedvalues), rtol=1e-10)
    if KINDS[kind].grid is not None:
        assert parts.index.equals(labels_of(kind, 0, N))


@contract
def test_components_go_on_beyond_the_sample_and_add_up_to_the_forecast(name, kind):
    results = fitted(name, kind)
    # a QUNN has no standard errors
    table = results.get_components(N - 2, N + 2, n_sims=10, rng=0, param_uncertainty=name != "QUNN")
    parts = table.xs("mean", axis=1, level=1)
    assert_allclose(np.asarray(parts.sum(axis=1)), np.asarray(results.predict(N - 2, N + 2)), rtol=1e-10)
    assert np.isfinite(table.to_numpy()).all()
    if KINDS[kind].grid is not None:
        assert_labelled(parts["unit1"], kind, N - 2, N + 3)


@contract
def test_differences_are_undone(name, kind):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(inserted|did not converge)")
        results = build(name, kind, diff=1).fit(n_starts=4, penalty=10.0)
    assert_labelled(results.forecast(3), kind, N, N + 3)
    assert np.abs(np.asarray(results.forecast(3)) - VALUES[N - 1]).max() < 5.0


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", REFUSED)
def test_labels_without_equal_spacing_are_refused_in_a_sentence(name, kind):
    labels, word = REFUSED[kind]
    with pytest.raises(ValueError, match=rf"^endog .*{word}.*\.$"):
        MODELS[name](pd.Series(VALUES[:N], labels))


@pytest.mark.parametrize("name", MODELS)
def test_a_gap_in_the_index_is_filled_with_one_warning(name):
    for kind in ("days with a gap", "monthly periods with a gap"):
        with pytest.warns(UserWarning, match="inserted") as caught:
            MODELS[name](KINDS[kind].sample(VALUES))
        assert len(caught) == 1 and caught[0].filename == __file__


@pytest.mark.parametrize("name", MODELS)
def test_a_frequency_that_can_be_inferred_needs_no_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (
            "dates without a frequency",
            "dates as text",
            "days across a change of clocks, without a frequency",
        ):
            MODELS[name](KINDS[kind].sample(VALUES)).fit(n_starts=4, penalty=1.0).forecast(2)


@pytest.mark.parametrize("name", MODELS)
def test_results_say_what_they_are_and_are_the_same_in_a_file(name):
    results, file = fitted(name, "monthly periods"), io.BytesIO()
    text = results.summary().as_text()
    assert f"{name} Results" in text and str(results.nobs) in text
    results.save(file)
    file.seek(0)
    loaded = prt.load(file)
    assert type(loaded.model) is type(results.model) and loaded.summary().as_text() == text
    assert_array_equal(loaded.forecast(3), results.forecast(3))


@pytest.mark.parametrize("name", MODELS)
def test_every_option_survives_a_copy(name):
    y = KINDS["monthly periods"].sample(VALUES)
    own = {"activation": "logistic"} if "activation" in MODELS[name](y).option_names else {}
    model = MODELS[name](y, linear_lags=[1, 2], trend="ct", diff=1, hold_back=9, **own)
    copy = model.clone_with(y)
    assert copy.specification == model.specification and copy.option_values() == model.option_values()
    with pytest.raises(TypeError, match=f"{name} has no argument 'lagz'; did you mean 'lags'"):
        MODELS[name](y, lagz=2)
