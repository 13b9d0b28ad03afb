"""Components inside the sample and beyond it: sums, labels, and what is uncertain about them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

import pararnn_ts as prt
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.component_bands import _by_differences, component_paths, parameter_errors
from pararnn_ts.results.components import sample_parts
from pararnn_ts.results.trajectory import model_exog
from pararnn_ts.results.uncertainty import covariance_root, simulate_bundles


def case(request, name):
    found = request.getfixturevalue(name)
    return found if isinstance(found, tuple) else (found, None)


def part(table, column):
    return table.xs(column, axis=1, level=1)


everyone = pytest.mark.parametrize("name", ["fitted", "gappy", "differenced", "linear"])


@everyone
def test_in_the_sample_they_are_the_components(request, name):
    results, _ = case(request, name)
    means = part(results.get_components(), "mean")
    assert list(means) == list(results.components)
    np.testing.assert_array_equal(means, results.components)


@everyone
def test_they_add_up_to_predictions_and_continue_the_index(request, name):
    results, x = case(request, name)
    table = results.get_components(100, 127, exog=None if x is None else x[:8], n_sims=20, rng=0)
    expected = results.predict(100, 127, exog=None if x is None else x[:8])
    np.testing.assert_allclose(part(table, "mean").sum(axis=1), np.asarray(expected), rtol=1e-12, atol=1e-12)
    if isinstance(expected, pd.Series):
        assert table.index.equals(expected.index) and table.index.freq == expected.index.freq
    values = table.to_numpy()
    assert np.isfinite(values).all() and (part(table, "mean_se").to_numpy() >= 0).all()


def test_labels_are_read_as_in_forecasts(fitted):
    by_label = fitted.get_components("2010-11", "2011-03", rng=0, n_sims=20)
    pd.testing.assert_frame_equal(by_label, fitted.get_components(118, 122, rng=0, n_sims=20))
    assert part(by_label, "mean").sum(axis=1).iloc[2:].to_list() == pytest.approx(fitted.forecast("2011-03").to_list())


def test_rows_of_a_forecast_do_not_depend_on_where_the_table_begins(fitted):
    whole, late = (fitted.get_components(start, 126, rng=0, n_sims=50) for start in (110, 123))
    pd.testing.assert_frame_equal(whole.iloc[13:], late)


# ------------------------------------------------------------------------------------------------ bands in the sample


def test_the_bands_of_a_linear_model_are_those_of_regression(linear, sales):
    """The linear path is x'b: its variance x'Vx, for rows of the sample and the one after it."""
    y = sales.to_numpy()[:120]
    X = np.column_stack([np.ones(118), y[1:-1], y[:-2]])
    V, rows = OLS(y[2:], X).fit().cov_params(), np.vstack([X, [1.0, y[-1], y[-2]]])[:, 1:]
    table = linear.get_components(2, 120, alpha=0.1)["linear"]
    np.testing.assert_allclose(table["mean_se"], np.sqrt(np.sum((rows @ V[1:, 1:]) * rows, axis=1)), rtol=1e-6)
    half = stats.norm.ppf(0.95) * table["mean_se"]
    np.testing.assert_allclose(table["mean_ci_upper"], table["mean"] + half)
    np.testing.assert_allclose(table["mean_ci_lower"], table["mean"] - half)
    np.testing.assert_allclose(linear.get_components(2, 120)["const"]["mean_se"], np.sqrt(V[0, 0]), rtol=1e-6)


MODELS = {
    "units": lambda y, x: ParaRNN(y, x, lags=2, units=(2, 1), trend="ct"),
    "seasons and differences": lambda y, x: ParaRNN(y, x, units=(1,), diff=1, seasonal=True),
    "linear": lambda y, x: ParaRNN(y, x, units=()),
    "ODERNN": lambda y, x: prt.ODERNN(y, x, hidden=2),
    "LSTM": lambda y, x: prt.LSTM(y, x, hidden=1),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_exact_jacobian_is_that_of_differences(sales, name):
    x = pd.DataFrame({"price": np.sin(np.arange(132.0))}, sales.index)
    raw = MODELS[name](sales[:120], x[:120]).fit(penalty=1.0, n_starts=2)._results
    errors, shifts = parameter_errors(raw, 121, x[120:121].to_numpy())
    det = np.concatenate([raw.model._det, raw.model.future_deterministic(1)])
    root = covariance_root(raw)
    y = np.append(raw.model._y, np.nan)
    expected, moved = _by_differences(raw, root, y, x[:121].to_numpy(), det)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(errors, expected, rtol=1e-5, atol=1e-7 * scale)
    np.testing.assert_allclose(shifts, moved, rtol=1e-5, atol=1e-7 * scale)


@pytest.mark.parametrize("units", [(), (1,)])
def test_across_gaps_the_errors_are_those_of_the_jacobian_of_the_predictions(sales, units):
    """Where one component is all there is, but for its own mean, its derivative is that of the prediction."""
    y = sales[:100].copy()
    y.iloc[[40, 41, 42, 60]] = np.nan
    linear_lags = 0 if units else 2
    raw = ParaRNN(y, units=units, linear_lags=linear_lags, trend="n").fit(penalty=1.0, n_starts=2)._results
    errors, shifts = parameter_errors(raw, 100)
    slopes = raw.model.jacobian(raw.params) @ covariance_root(raw)
    used = raw.used
    own = errors[used][:, -1]
    np.testing.assert_allclose(own, np.linalg.norm(slopes - shifts.sum(axis=0), axis=1), rtol=1e-5)
    # before the first gap nothing is missing
    whole = raw.apply(y[:40])._results
    before = whole.model.jacobian(raw.params) @ covariance_root(raw)
    np.testing.assert_allclose(own[: len(before)], np.linalg.norm(before - shifts.sum(axis=0), axis=1), rtol=1e-5)


def test_inside_a_gap_shocks_that_were_not_observed_count(sales):
    """In an autoregression the linear path is the prediction: its variance is that without the shock of the row."""
    y = sales[:100].copy()
    y.iloc[40:45] = np.nan
    results = ParaRNN(y, units=(), linear_lags=1, trend="n").fit(penalty=0)
    ours = results.get_components(38, 48, param_uncertainty=False)["linear"]["mean_se"]
    theirs = results.get_prediction(38, 48, method="exact").se_mean
    np.testing.assert_allclose(ours**2 + results.scale, theirs**2)
    assert (ours.iloc[[0, 1, 2]] == 0).all() and (ours.iloc[3:8] > 0).all()


# ------------------------------------------------------------------------------------------------ bands beyond it


@pytest.mark.parametrize("uncertain", [False, True])
@everyone
def test_in_every_path_components_and_a_shock_add_up_to_the_forecast(request, name, uncertain):
    results, x = case(request, name)
    raw, future = results._results, None if x is None else x[:6].to_numpy()
    options = {"n_sims": 40, "rng": 3, "param_uncertainty": uncertain}
    paths = np.asarray(results.get_forecast(6, x[:6] if x is not None else None, **options).simulations).T
    origin = raw.tail.standpoint.row
    found = simulate_bundles(raw, origin, 126, future, "bootstrap", 40, np.random.default_rng(3), uncertain)
    shifts = parameter_errors(raw, 120, future)[1] if uncertain else None
    drawn = component_paths(raw, found, origin, future, sample_parts(raw)[1], shifts).sum(axis=2)
    shocks = (paths - drawn[:, -6:]).ravel()
    assert len(model_exog(raw.model)) == 120
    nearest = np.abs(shocks[:, None] - raw.shocks).min(axis=1)
    assert nearest.max() < 1e-6 * np.sqrt(raw.scale)


def test_the_band_of_all_there_is_and_a_shock_make_the_forecast_interval(sales):
    results = ParaRNN(sales[:100], units=(), linear_lags=2, trend="n").fit(penalty=0)
    options = {"n_sims": 20_000, "rng": 0, "method": "gaussian"}
    ours = results.get_components(100, 107, **options)["linear"]
    theirs = results.get_forecast(8, param_uncertainty=True, **options)
    np.testing.assert_allclose(ours["mean_se"] ** 2 + results.scale, theirs.se_mean**2, rtol=0.03)
    np.testing.assert_allclose(ours["mean"], theirs.predicted_mean)


def test_bands_are_quantiles_that_widen_with_coverage_and_repeat_with_the_seed(fitted):
    narrow, wide = (fitted.get_components(120, 125, alpha=alpha, n_sims=200, rng=0) for alpha in (0.5, 0.05))
    for name in ("linear", "unit1"):
        assert (wide[name]["mean_ci_lower"] < narrow[name]["mean_ci_lower"]).all()
        assert (wide[name]["mean_ci_upper"] > narrow[name]["mean_ci_upper"]).all()
    pd.testing.assert_frame_equal(wide, fitted.get_components(120, 125, n_sims=200, rng=0))


def test_without_uncertain_parameters_only_shocks_to_come_matter(fitted):
    table = part(fitted.get_components(100, 123, param_uncertainty=False, n_sims=200, rng=0), "mean_se")
    assert (table.iloc[:21] == 0).all(axis=None)
    assert (table[["linear", "unit1"]].iloc[21:] > 0).all(axis=None) and (table["const"] < 1e-9).all()


def test_the_level_of_a_differenced_series_is_carried_by_its_forecasts(sales):
    results = ParaRNN(sales.cumsum()[:120], units=(1,), diff=1).fit(n_starts=2)
    table = results.get_components(119, 125, n_sims=200, rng=0)
    carried = [*sales.cumsum()[118:120], *results.forecast(5)]
    np.testing.assert_allclose(table["level"]["mean"], carried)
    assert (table["level"]["mean_se"].iloc[:2] == 0).all() and (table["level"]["mean_se"].iloc[2:] > 0).all()


def test_a_model_without_parameters_has_no_components(sales):
    results = ParaRNN(sales[:60], units=(), linear_lags=0, trend="n").fit()
    assert results.get_components(55, 62).shape == (8, 0)


def test_terms_of_time_have_the_same_band_before_and_after_the_sample(sales):
    """Their variance is d'Vd for deterministic terms d; beyond the first step it is that of the draws."""
    results = ParaRNN(sales[:100], units=(), trend="ct").fit(penalty=0)
    table = results.get_components(95, 110, n_sims=20_000, rng=0)["trend"]
    np.testing.assert_allclose(table["mean_se"], results.bse["trend"] * np.arange(96, 112), rtol=0.02)
    np.testing.assert_allclose(table["mean_se"].iloc[:6], results.bse["trend"] * np.arange(96, 102), rtol=1e-9)


# ------------------------------------------------------------------------------------------------ refusals


def test_what_forecasts_refuse_is_refused_alike(gappy, fitted):
    results, x = gappy
    for call in (lambda: results.get_components(end=125), lambda: results.get_forecast(6)):
        with pytest.raises(ValueError, match="exog is needed; pass the columns price of the model"):
            call()
    with pytest.raises(ValueError, match="exog lacks 3 of the 6 periods"):
        results.get_components(end=125, exog=x[:3])
    with pytest.raises(ValueError, match="method must be one of 'bootstrap', 'gaussian', 'simulated', but is 'exact'"):
        fitted.get_components(method="exact")
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        fitted.get_components(alpha=2)


def test_bands_for_parameters_need_their_covariance_and_the_whole_sample(sales, fitted):
    quantum = prt.QUNN(sales[:60], memory=3, qubits=2).fit(n_starts=2, penalty=1.0)
    with pytest.raises(ValueError, match="pass param_uncertainty=False"):
        quantum.get_components()
    table = quantum.get_components(50, 63, param_uncertainty=False, n_sims=20, rng=0)
    np.testing.assert_allclose(part(table, "mean").sum(axis=1), quantum.predict(50, 63))
    longer = fitted.extend(sales[120:])
    with pytest.raises(ValueError, match="param_uncertainty=True needs the sample from its beginning; use append"):
        longer.get_components()
    known = part(longer.get_components(end=13, param_uncertainty=False, n_sims=20, rng=0), "mean")
    np.testing.assert_array_equal(known[:12], longer.components)
    np.testing.assert_allclose(known.sum(axis=1), longer.predict(end=13))


def test_they_need_the_data(sales):
    results = ParaRNN(sales[:60], units=(1,)).fit(n_starts=2)
    results.remove_data()
    with pytest.raises(RuntimeError, match="data of these results were removed"):
        results.get_components(60, 62)
