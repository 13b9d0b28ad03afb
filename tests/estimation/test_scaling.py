"""The linear map between the data's units and the standardised scale."""

import tracemalloc

import numpy as np
import pytest
import twin
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import make, nonlinear_series

from pararnn_ts.estimation.scaling import standardise

specifications = st.builds(
    twin.specification,
    units=st.lists(st.integers(1, 3), max_size=3).map(tuple),
    activation=st.sampled_from(list(twin.ACTIVATIONS)),
    lags=st.sampled_from([(1,), (1, 2), (3,)]),
    linear_lags=st.sampled_from([(), (1,), (2, 5), (1, 2, 3)]),
    k=st.integers(0, 1),
    e=st.integers(0, 2),
    difference=st.sampled_from([(1.0,), (1.0, -1.0), (1.0, 0.0, 0.0, -1.0)]),
)


def drawn(spec, seed):
    rng = np.random.default_rng(seed)
    y = 100.0 + 7.0 * np.cumsum(rng.normal(size=60))
    return make(spec, y, 50.0 + 3.0 * rng.normal(size=(60, len(spec.exog_names)))), twin.random_params(spec, rng)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(spec=specifications, seed=st.integers(0, 1000))
def test_the_map_to_the_data_and_its_inverse_cancel(spec, seed):
    problem, params = drawn(spec, seed)
    scaling = problem.scaling
    np.testing.assert_allclose(scaling.to_standard(scaling.to_data(params)), params, rtol=1e-9, atol=1e-9)
    many = np.array([params, 2.0 * params])
    np.testing.assert_allclose(scaling.to_data(many)[1], scaling.to_data(2.0 * params), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scaling.to_standard(scaling.to_data(many)), many, rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(spec=specifications, seed=st.integers(0, 1000))
def test_both_scales_make_the_same_predictions(spec, seed):
    problem, params = drawn(spec, seed)
    sample, scaling = problem.sample, problem.scaling
    standard = twin.run(
        spec, params + scaling.prior_mean, sample.y, sample.exog, sample.deterministic / scaling.deterministic_scale,
        center=scaling.center, scale=scaling.scale, ranks=spec.linear_lag_ranks,
    )  # fmt: skip
    data = twin.run(spec, scaling.to_data(params), sample.y, sample.exog, sample.deterministic)
    np.testing.assert_allclose(data.fitted, standard.fitted, rtol=1e-9)
    np.testing.assert_allclose(data.states, standard.states, rtol=1e-9, atol=1e-9)


def test_target_and_inputs_are_standardised_where_there_is_a_constant():
    spec = twin.specification((1,), "tanh", (1,), (1,), 1, 1)
    problem = make(spec, nonlinear_series(80), np.linspace(5.0, 9.0, 80)[:, None])
    assert problem.target.mean() == pytest.approx(0.0, abs=1e-12) and problem.target.std() == pytest.approx(1.0)
    x = (problem.sample.exog[:, 0] - problem.scaling.center[2]) / problem.scaling.scale[2]
    assert x.mean() == pytest.approx(0.0, abs=1e-12) and x.std() == pytest.approx(1.0)


def test_nothing_is_centred_where_no_constant_could_take_it_up():
    problem = make(twin.specification((1,), "tanh", (1,), (1,), 0), nonlinear_series(80))
    assert (problem.scaling.center == 0.0).all()
    assert np.mean(problem.target**2) == pytest.approx(1.0)


def test_seasonal_dummies_take_up_a_location_as_a_constant_does():
    rng = np.random.default_rng(1)
    spec = twin.specification((1,), "tanh", (1,), (1,), 4)
    y, dummies = 40.0 + rng.normal(size=60), np.eye(4)[np.arange(60) % 4]
    scaling = standardise(spec, y, np.zeros((60, 0)), dummies, np.ones(4))
    params = twin.random_params(spec, rng)
    standard = twin.run(spec, params, y, np.zeros((60, 0)), dummies, center=scaling.center, scale=scaling.scale)
    data = twin.run(spec, scaling.to_data(params), y, np.zeros((60, 0)), dummies)
    np.testing.assert_allclose(data.fitted, standard.fitted, rtol=1e-10)


@pytest.mark.parametrize("level", [0.0, 7.0, 1e6, 0.1])
def test_a_column_that_does_not_vary_is_not_divided_by_rounding_error(level):
    spec = twin.specification((1,), "tanh", (1,), (1,), 1, 1)
    problem = make(spec, nonlinear_series(80), np.full((80, 1), level))
    assert problem.scaling.scale[2] >= 0.1 * max(level, 1.0)


def test_missing_values_have_no_say():
    y = nonlinear_series(80)
    spec = twin.specification((1,), "tanh", (1,), (1,), 1)
    gapped = np.append(y, np.nan)
    np.testing.assert_array_equal(make(spec, gapped).scaling.center, make(spec, y).scaling.center)
    np.testing.assert_array_equal(make(spec, gapped).scaling.scale, make(spec, y).scaling.scale)


@pytest.mark.parametrize(
    ("y", "lags", "mean"),
    [
        (np.arange(20.0), (1, 2), 1.0),
        (np.arange(20.0), (2, 3), 0.0),
        ((-1.0) ** np.arange(20), (1, 2), 0.0),
        # every other value is missing: no difference tells
        (np.where(np.arange(20) % 2, np.nan, np.arange(20.0)), (1, 2), 0.0),
        (np.sin(np.arange(200) * np.pi / 3.1), (1,), 1.0),  # first autocorrelation cos(pi / 3.1), above one half
        (np.sin(np.arange(200) * np.pi / 2.9), (1,), 0.0),
    ],
)
def test_only_the_first_direct_lag_of_a_persistent_series_has_a_prior_mean(y, lags, mean):
    spec = twin.specification((1,), "tanh", (1,), lags, 1)
    expected = np.zeros(spec.n_params)
    expected[1] = mean
    scaling = standardise(spec, y, np.zeros((len(y), 0)), np.ones((len(y), 1)), np.ones(1), persistent=True)
    np.testing.assert_array_equal(scaling.prior_mean, expected)
    without = standardise(spec, y, np.zeros((len(y), 0)), np.ones((len(y), 1)), np.ones(1))
    np.testing.assert_array_equal(without.prior_mean, 0.0)


def test_a_long_series_is_not_copied():
    y = np.cumsum(np.random.default_rng(0).normal(size=2_000_000))
    spec, none, one = twin.specification((1,), "tanh", (1,), (1,), 1), np.zeros((len(y), 0)), np.ones((len(y), 1))
    tracemalloc.start()
    scaling = standardise(spec, y, none, one, np.ones(1), persistent=True)
    extra = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert scaling.prior_mean[1] == 1.0
    # beside masks of a byte a row, some stretches of it
    assert extra < 3 * len(y)
