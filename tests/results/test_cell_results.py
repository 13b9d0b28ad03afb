"""Results of models with a cell: saving, intervals, gaps, differences, figures."""

import io
import warnings

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt
from pararnn_ts.results.cells import CellResults

MODELS = {
    "ODERNN": lambda y, x=None, **o: prt.ODERNN(y, x, hidden=2, order=2, stages=2, step=0.5, damping=(1.0, 1.5), **o),
    "antisymmetric": lambda y, x=None, **o: prt.ODERNN.antisymmetric_rnn(y, x, hidden=3, **o),
    "coRNN": lambda y, x=None, **o: prt.ODERNN.cornn(y, x, hidden=2, step=0.4, **o),
    "QUNN": lambda y, x=None, **o: prt.QUNN(y, x, memory=4, qubits=2, **o),
    "QUNN, shared": lambda y, x=None, **o: prt.QUNN(y, x, mode="shared", qubits=2, layers=2, **o),
    "LSTM": lambda y, x=None, **o: prt.LSTM(y, x, hidden=1, **o),
}
every = pytest.mark.parametrize("name", MODELS)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.zeros(150)
    for t in range(2, 150):
        y[t] = 1.4 * np.tanh(y[t - 1]) - 0.6 * y[t - 2] + rng.standard_normal()
    index = pd.period_range("2001-01", periods=150, freq="M")
    return pd.Series(10.0 + y, index, name="sales"), pd.DataFrame({"price": np.sin(np.arange(150.0))}, index)


@pytest.fixture(scope="module")
def fits(data):
    y, x = data
    gappy = y[:120].copy()
    gappy.iloc[[30, 31, 70, 119]] = np.nan
    return {name: make(gappy, x[:120], trend="ct").fit(n_starts=2, penalty=1.0) for name, make in MODELS.items()}


@every
def test_saved_results_are_the_same_results(name, fits, data):
    results, x = fits[name], data[1][120:123]
    for remove in (False, True):
        file = io.BytesIO()
        results.save(file, remove_data=remove)
        file.seek(0)
        again = prt.load(file)
        assert isinstance(again._results, CellResults)
        pd.testing.assert_series_equal(again.forecast(3, exog=x), results.forecast(3, exog=x))
        assert again.summary().as_text() == results.summary().as_text()
    assert prt.load(io.BytesIO(file.getvalue())).model.option_values() == results.model.option_values()


@every
def test_intervals_contain_what_paths_do(name, fits, data):
    forecast = fits[name].get_forecast(6, exog=data[1][120:126], n_sims=400, rng=0)
    frame = forecast.summary_frame(alpha=0.2)
    assert (frame["mean_ci_lower"] < frame["mean_ci_upper"]).all()
    simulated = np.asarray(forecast.simulations)[-6:]
    inside = (simulated >= frame[["mean_ci_lower"]].to_numpy()) & (simulated <= frame[["mean_ci_upper"]].to_numpy())
    assert np.all(np.abs(inside.mean(axis=1) - 0.8) < 0.03)


@every
def test_a_simulation_without_shocks_is_the_forecast(name, fits, data):
    results, x = fits[name], data[1][120:126]
    paths = results.simulate(6, anchor="end", random_errors=np.zeros(6), exog=x)
    np.testing.assert_allclose(paths, results.forecast(6, exog=x), rtol=1e-12)


@every
def test_differences_are_undone_and_gaps_filled_by_predictions(name, data):
    y, _ = data
    level = y.cumsum()[:100].copy()
    level.iloc[50] = np.nan
    results = MODELS[name](level, diff=1).fit(n_starts=2, penalty=1.0)
    assert results.nobs == int(np.isfinite(results.resid).sum())
    assert np.isfinite(results.fittedvalues.iloc[50])
    assert abs(results.forecast(1).iloc[0] - level.iloc[-1]) < 20.0
    total = results.components.sum(axis=1, skipna=False)
    np.testing.assert_allclose(total.iloc[20:], results.fittedvalues.iloc[20:], rtol=1e-9)


@pytest.mark.parametrize("name", [n for n in MODELS if not n.startswith("QUNN")])
def test_standard_errors_come_from_the_exact_jacobian(name, data):
    results = MODELS[name](data[0][:120]).fit(n_starts=4, penalty=10.0)
    assert results.converged
    slopes = results.model.jacobian(np.asarray(results.params))
    problem = results.model._problem()
    weighted = problem.scaling.inverse().T @ np.diag((problem.group >= 0).astype(float)) @ problem.scaling.inverse()
    # the ridge is in units of the noise precision on the standardised scale
    precision = slopes.T @ slopes / results.scale
    precision += 10.0 * weighted * problem.scaling.scale[0] ** 2 / results.scale
    np.testing.assert_allclose(results.bse**2, np.diag(np.linalg.inv(precision)), rtol=1e-6)
    robust = results.model.fit(n_starts=4, penalty=10.0, cov_type="robust")
    assert np.isfinite(robust.bse).all() and not np.allclose(robust.bse, results.bse)


@every
def test_figures_are_drawn(name, fits):
    results = fits[name]
    for draw in (results.plot_diagnostics, results.plot_components, results.plot_stability):
        figure = draw()
        assert all(ax.get_title(loc="left") and (ax.get_ylabel() or figure.get_supylabel()) for ax in figure.axes)
        plt.close(figure)
    left, right = results.plot_stability().axes
    plt.close("all")
    found = results.stability()
    drawn = np.concatenate([line.get_xdata() for line in left.get_lines() if line.get_marker() == "o"])
    np.testing.assert_allclose(np.sort(drawn), np.sort(found.eigenvalues.real.ravel()))
    np.testing.assert_allclose(right.get_lines()[0].get_ydata(), found.gradients[found.gradients > 0.0])


@every
def test_features_of_units_are_refused_in_a_sentence(name, fits):
    with pytest.raises(TypeError, match=r"^Recurrence features belong to models with recurrent units .*\.$"):
        _ = fits[name].recurrence_features


@every
def test_the_arma_of_a_cell_is_refused_in_a_sentence(name, fits):
    with pytest.raises(TypeError, match=r"^to_arma belongs to models with recurrent units .* not to \w+\.$"):
        fits[name].to_arma()


@pytest.mark.parametrize("name", ["QUNN", "QUNN, shared"])
def test_linear_terms_of_a_qunn_are_tested_although_angles_have_no_standard_errors(name, fits):
    results = fits[name]
    n = results.model.specification.n_linear
    linear, both = np.eye(len(results.params))[:n], np.ones((1, len(results.params)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alone, joint = results.t_test(linear), results.wald_test(linear, scalar=True)
    np.testing.assert_allclose(alone.sd.ravel(), results.bse[:n], rtol=1e-8)
    block, beta = results.cov_params().to_numpy()[:n, :n], results.params.to_numpy()[:n]
    np.testing.assert_allclose(joint.statistic, beta @ np.linalg.solve(block, beta), rtol=1e-6)
    np.testing.assert_allclose(results.cov_params(r_matrix=linear[:2]), block[:2, :2], rtol=1e-6)
    # an angle or an output weight in it leaves no test, but one with a covariance of the user's own
    for test in (results.t_test, results.wald_test, results.f_test):
        with pytest.warns(UserWarning, match=r"^The hypothesis is about \S+, which has no standard error, .*\.$"):
            assert np.isnan(test(both).pvalue).all()
        assert np.isfinite(test(both, cov_p=np.eye(len(results.params))).pvalue).all()


def test_what_needs_standard_errors_names_the_first_parameter_without_one(fits):
    with pytest.raises(ValueError, match=r"that of \d+ is not known, the first M4\.a\[field\]; pass"):
        fits["QUNN"].get_forecast(1, exog=np.zeros((1, 1)), param_uncertainty=True)


def test_a_fit_that_was_stopped_early_has_no_tests_but_with_a_covariance_given(data):
    results = prt.LSTM(data[0][:80], hidden=1).fit(n_starts=1, maxiter=5, penalty="early stopping")
    first = f"{results.params.index[1]} = 0"
    for test in (results.t_test, results.wald_test):
        with pytest.warns(UserWarning, match="which has no standard error"):
            assert np.isnan(test(first).pvalue).all()
        assert np.isfinite(test(first, cov_p=np.eye(len(results.params))).pvalue).all()


@every
def test_the_same_seed_gives_the_same_bits(name, data):
    first, second = (MODELS[name](data[0][:80]).fit(n_starts=2, maxiter=20, penalty=1.0, rng=3) for _ in range(2))
    np.testing.assert_array_equal(first.params, second.params)


def test_the_report_has_a_section_on_stability(fits, tmp_path):
    page = prt.report(fits["coRNN"], tmp_path / "cornn.html").read_text(encoding="utf-8")
    assert "Stability of ODERNN(2), order 2, symplectic" in page and fits["coRNN"].stability().verdict in page
    assert "Recurrence features" not in page
