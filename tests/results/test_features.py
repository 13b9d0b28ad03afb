"""Recurrence features: what they are for linear units, and that the standard errors are those of the delta method."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from pararnn_ts.models.arma_bridge import units_from_arma
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results import features
from pararnn_ts.results.covariance import root_of
from pararnn_ts.results.features import (
    averaged_jacobian,
    lag_response,
    lag_response_errors,
    recurrence_features,
)
from pararnn_ts.specification import UnitWeights

NUMBERS = ["modulus", "frequency", "period", "half_life", "gain", "share"]


def series(n=120, seed=0):
    """A nonlinear autoregression with a cycle of about eight steps."""
    rng = np.random.default_rng(seed)
    y = np.zeros(n + 20)
    for t in range(2, len(y)):
        y[t] = 1.2 * y[t - 1] - 0.7 * y[t - 2] + 0.5 * np.tanh(y[t - 1]) + 0.5 * rng.normal()
    return pd.Series(y[20:], index=pd.period_range("2001-01", periods=n, freq="M"), name="y")


def params_of(model, *units, linear=None):
    spec = model.specification
    linear = np.full(spec.n_linear, 0.1) if linear is None else linear
    return spec.join(linear, [UnitWeights(*(np.array(part, dtype=float) for part in unit)) for unit in units])


CYCLE = ([[0.5, -0.6], [0.5, 0.4]], [[0.8], [0.1]], [0.1, -0.2], [0.7, -0.3])
DECAY = ([[0.6]], [[0.5]], [0.1], [0.4])


def standing_for(model, params, cov):
    """What features read of results."""
    known = {"details": SimpleNamespace(to_data=np.eye(len(params))), "covariance": SimpleNamespace(root=root_of(cov))}
    return SimpleNamespace(model=model, params=params, cov_params=lambda: cov, require_data=lambda: None, **known)


def with_cov(model, params, scale=1e-8, seed=0):
    """Results at given parameters with a covariance small enough for the features to be linear in them."""
    root = np.random.default_rng(seed).normal(size=(len(params), len(params)))
    cov = scale * root @ root.T / len(params)
    return standing_for(model, params, cov)


@pytest.mark.parametrize(
    ("ar", "ma", "units"),
    [([0.5, 0.2], [0.6, 0.25], (2,)), ([0.9], [-0.5], (1,)), ([0.9, 0.05], [-0.1, -0.3], (1, 1))],
)
def test_identity_units_have_the_ma_roots(ar, ma, units):
    model = ParaRNN(series(), units=units, linear_lags=0, activation="identity", trend="n")
    linear, _ = units_from_arma(ar, ma)
    params = params_of(model, *((u.W, u.U, np.zeros(len(u.v)), u.v) for u in linear))
    features = recurrence_features(model.evaluate(params))
    roots = np.roots([1, *ma])
    roots = sorted(roots[roots.imag >= 0], key=abs, reverse=True)
    np.testing.assert_allclose(features["modulus"], np.abs(roots), rtol=1e-12)
    np.testing.assert_allclose(features["frequency"], np.angle(roots) / (2 * np.pi), atol=1e-14)
    np.testing.assert_allclose(features["half_life"], np.log(0.5) / np.log(np.abs(roots)), rtol=1e-12)
    kinds = ["cyclical" if r.imag else "regular" if r.real > 0 else "alternating" for r in roots]
    assert list(features["kind"]) == kinds
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(features["period"], 1 / features["frequency"].to_numpy())


@pytest.mark.parametrize("gap", [False, True])
def test_standard_errors_are_the_spread_over_sigma_points(gap):
    y = series(60)
    if gap:
        y.iloc[[25, 26, 40]] = np.nan
    model = ParaRNN(y, units=(2, 1))
    params = params_of(model, CYCLE, DECAY)
    results = with_cov(model, params)
    root = np.linalg.cholesky(results.cov_params())
    moved = [[SimpleNamespace(**{**vars(results), "params": params + s * c}) for s in (1, -1)] for c in root.T]

    def spread(measure):
        return np.sqrt(sum((measure(up) - measure(down)) ** 2 / 4 for up, down in moved))

    features = recurrence_features(results, sampling=False)
    expected = spread(lambda at: recurrence_features(at, sampling=False)[NUMBERS].replace(np.inf, 0.0).to_numpy())
    actual = features[[f"{name}_se" for name in NUMBERS]].to_numpy()
    # a decaying unit has no cycle
    assert np.isnan(actual[1, 1:3]).all() and (features["note"] == "").all()
    np.testing.assert_allclose(np.nan_to_num(actual), expected, rtol=1e-3)
    np.testing.assert_allclose(
        lag_response_errors(results, 4, sampling=False), spread(lambda at: lag_response(at, 4).to_numpy()), rtol=1e-3
    )


def test_lag_response_is_labelled_and_averages_the_local_one():
    y = series()
    exog = pd.DataFrame({"x": np.sin(np.arange(len(y)))}, index=y.index)
    model = ParaRNN(y, exog, lags=2, units=(1, 2))
    results = with_cov(model, np.random.default_rng(3).normal(scale=0.5, size=model.specification.n_params))
    response, local = lag_response(results, 6), lag_response(results, 6, local=True)
    assert response.index.name == "lag" and len(response) == 7
    assert list(response.columns[:3]) == [("unit1", "y.L1"), ("unit1", "y.L2"), ("unit1", "x")]
    assert local.columns.names == ["unit", "input", "lag"]
    pd.testing.assert_index_equal(local.index, y.index[2:])
    for unit, name in response.columns:
        own = [column for column in local if column[:2] == (unit, name)]
        np.testing.assert_allclose(local[own].mean(), response[unit, name], rtol=1e-12)
    with pytest.raises(ValueError, match="max_lag must lie between 0 and"):
        lag_response(results, 1000)


def test_gain_sums_the_responses_of_series_and_exog_apart():
    y = series()
    exog = pd.DataFrame({"x": np.sin(np.arange(len(y)))}, index=y.index)
    model = ParaRNN(y, exog, lags=2, units=(1,))
    params = params_of(model, ([[0.5]], [[0.3, 0.2, -0.7]], [0.0], [0.6]))
    results = with_cov(model, params)
    features, response = recurrence_features(results), lag_response(results, 50).abs().sum()
    assert features["gain"].iloc[0] == pytest.approx(response["unit1", "y.L1"] + response["unit1", "y.L2"])
    assert features["gain[x]"].iloc[0] == pytest.approx(response["unit1", "x"])


def test_shares_are_those_of_the_differenced_prediction():
    model = ParaRNN(series().cumsum(), units=(1,), diff=1)
    params = params_of(model, DECAY)
    path = model.path(params)
    fitted = (path.fitted[2:] - path.filled[1:-1])[:]
    share = recurrence_features(with_cov(model, params))["share"].iloc[0]
    linear = fitted - path.components[2:, 0]
    assert share == pytest.approx(1 - np.cov(linear, fitted)[0, 1] / np.var(fitted, ddof=1))


def test_edges_have_notes_and_no_standard_errors():
    model = ParaRNN(series(), units=(1, 2, 2), activation="identity")
    idle = ([[0.6]], [[0.5]], [0.1], [0.0])
    # equal eigenvalues: between a pair of real ones and a complex pair
    double = ([[0.5, 0.0], [0.2, 0.5]], [[0.8], [0.1]], [0.0, 0.0], [0.7, -0.3])
    forgetful = (np.zeros((2, 2)), [[0.8], [0.1]], [0.1, -0.2], [0.7, -0.3])
    features = recurrence_features(with_cov(model, params_of(model, idle, double, forgetful)))
    assert features["note"].iloc[0] == "contributes nothing, its memory is not identified"
    assert features.loc["unit1", [f"{name}_se" for name in NUMBERS]].isna().all()
    assert features["note"].iloc[1] == "real and complex eigenvalues both within two standard errors"
    assert np.isnan(features["modulus_se"].iloc[1]) and np.isfinite(features["gain_se"].iloc[1])
    assert features["kind"].iloc[2] == "none" and np.isnan(features["period"].iloc[2])
    assert features["note"].iloc[2] == "no memory beyond one step"


def test_explosive_unit_has_no_half_life():
    model = ParaRNN(series(), units=(1,), activation="identity")
    results = with_cov(model, params_of(model, ([[1.01]], [[0.5]], [0.1], [0.4])))
    row = recurrence_features(results).iloc[0]
    assert row["half_life"] == np.inf and np.isnan(row["half_life_se"])
    assert "does not decay" in row["note"] and "gain is the sum up to lag" in row["note"]


def test_missing_covariance_is_noted():
    model = ParaRNN(series(), units=(2,))
    params = params_of(model, CYCLE)
    nothing = np.full((len(params), len(params)), np.nan)
    row = recurrence_features(standing_for(model, params, nothing)).iloc[0]
    assert row["note"] == "no standard errors: the covariance of the parameters is not available"
    assert np.isfinite(row["modulus"])


def test_eigenvalue_table():
    model = ParaRNN(series(), units=(1, 2))
    table = averaged_jacobian(with_cov(model, params_of(model, DECAY, CYCLE)))
    assert list(table.index) == [("unit1", 1), ("unit2", 1), ("unit2", 2)]
    assert table.loc[("unit2", 1), "imag"] == -table.loc[("unit2", 2), "imag"] > 0
    np.testing.assert_allclose(np.hypot(table["real"], table["imag"]), table["modulus"])


def test_models_without_units_have_empty_tables():
    model = ParaRNN(series(), units=())
    results = with_cov(model, params_of(model))
    table = recurrence_features(results)
    assert table.shape == (0, 14)
    one = ParaRNN(series(), units=(1,))
    joined = pd.concat([table, recurrence_features(with_cov(one, params_of(one, DECAY)))])
    assert set(joined.drop(columns=["kind", "note"]).dtypes) == {np.dtype(float)}
    assert lag_response(results, 3).shape == (4, 0)
    assert lag_response(results, 3, local=True).shape == (119, 0)
    assert averaged_jacobian(results).empty and lag_response_errors(results, 3).shape == (4, 0)


def test_other_models_are_refused():
    with pytest.raises(TypeError, match="Recurrence features belong to models with recurrent units"):
        recurrence_features(SimpleNamespace(model=object()))


def test_standard_errors_are_the_spread_over_draws_of_the_parameters():
    units = [(*CYCLE[:3], [1.4, -1.2]), DECAY]
    model = ParaRNN(series(150), units=(2, 1))
    params = params_of(model, *units)
    root = np.random.default_rng(1).standard_normal((len(params), len(params)))
    cov = 4e-5 * (np.eye(len(params)) + root @ root.T / len(params))
    draws = np.random.default_rng(0).multivariate_normal(params, cov, size=80)
    nothing = np.zeros_like(cov)
    drawn = (standing_for(model, draw, nothing) for draw in draws)
    found = [recurrence_features(one, sampling=False)[NUMBERS].replace(np.inf, 0.0).to_numpy() for one in drawn]
    spread = np.std(found, axis=0)
    at = standing_for(model, params, cov)
    features = recurrence_features(at, sampling=False)
    errors = features[[f"{name}_se" for name in NUMBERS]].fillna(0.0).to_numpy()
    # the standard error of a standard deviation over 80 draws is 8 %
    np.testing.assert_allclose(errors, spread, rtol=0.3, atol=1e-12)


def test_sampling_errors_are_those_of_a_mean():
    """Without memory the slopes are independent, and the modulus of a unit of dimension 1 is |W| times their mean."""
    x = np.random.default_rng(0).standard_normal((4000, 1))
    model = ParaRNN(np.zeros(4000), x, lags=0, units=(1,))
    weight = 0.02
    params = params_of(model, ([[weight]], [[1.0]], [0.3], [1.0]))
    nothing = np.zeros((len(params), len(params)))
    features = recurrence_features(standing_for(model, params, nothing))
    slopes = 1.0 - model.path(params).states ** 2
    theory = weight * slopes.std() / np.sqrt(len(slopes))
    # a variance from 25 blocks has 24 degrees of freedom
    low, high = chi2.interval(0.999, 24)
    assert low < 24 * (features["modulus_se"].iloc[0] / theory) ** 2 < high


def test_slopes_of_the_identity_do_not_vary_between_samples():
    model = ParaRNN(series(200), units=(2,), activation="identity")
    results = with_cov(model, params_of(model, CYCLE))
    memory = [f"{name}_se" for name in NUMBERS if name != "share"]
    with_it, without = (recurrence_features(results, sampling=flag) for flag in (True, False))
    np.testing.assert_allclose(with_it[memory], without[memory], rtol=1e-9)
    assert (with_it["share_se"] > without["share_se"]).all()


def test_standard_errors_take_two_paths_for_each_parameter_of_all_features_together(monkeypatch):
    model = ParaRNN(series(), units=(2, 1))
    results = with_cov(model, params_of(model, CYCLE, DECAY))
    paths, run = [], features.run_model
    monkeypatch.setattr(features, "run_model", lambda at: paths.append(at) or run(at))
    recurrence_features(results)
    assert len(paths) == 1 + 2 * model.specification.n_params
