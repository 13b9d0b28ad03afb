"""A constant added to a series or to exogenous values changes its own coefficient, and no inference about others."""

import io

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.ar_model import AutoReg

import pararnn_ts as prt
from pararnn_ts.results.covariance import ESTIMATORS, estimable, root_of

N, LEVELS = 200, (1e6, 1e8)
MODELS = {
    "linear": {"units": (), "lags": 0, "linear_lags": 2},
    "units": {"units": (1,)},
    "exog": {"units": (), "lags": 0, "linear_lags": 2},
    "exog and units": {"units": (1,)},
    "Student-t errors": {"units": (), "lags": 0, "linear_lags": 2, "errors": "t"},
    "held": {"units": (1,), "linear_lags": 2},
}
HELD = {"linear.y.L2": 0.2, "unit1.W": 0.3}


@pytest.fixture(scope="module")
def data():
    """A nonlinear autoregression of unit variance of the shocks, and a column that drives it."""
    rng = np.random.default_rng(0)
    x, shocks, y = rng.standard_normal(N), rng.standard_normal(N), np.zeros(N)
    for t in range(2, N):
        y[t] = 0.5 * y[t - 1] + 0.2 * y[t - 2] + 0.8 * np.tanh(2.0 * y[t - 1]) + 0.4 * x[t] + shocks[t]
    return pd.Series(y, name="y"), pd.DataFrame({"x": x})


def fitted(data, name, level, **options):
    y, x = data
    model = prt.ParaRNN(y + level, x + level if "exog" in name else None, **MODELS[name])
    penalty = 0.5 if model.units else 0.0
    with model.fix_params(HELD if name == "held" else {}):
        # to within sqrt(2 N tol) = 2e-8 standard errors of the optimum, less than what is compared
        return model.fit(penalty=penalty, tol=1e-18, n_starts=2, **options)


def movable(results):
    """Parameters that a level moves: constants and biases."""
    return [name for name in results.params.index if name == "const" or name.endswith(".b")]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", MODELS)
def test_standard_errors_tests_and_forecasts_do_not_depend_on_the_level(data, name, level):
    here, there = fitted(data, name, 0.0), fitted(data, name, level)
    assert here.covariance.unidentified == there.covariance.unidentified
    assert here.covariance.rank == there.covariance.rank
    np.testing.assert_allclose(there.bse.drop(movable(there)), here.bse.drop(movable(here)), rtol=1e-7)
    # a unit without weights is the same one at every level
    for term in ("linear", "unit1") if there.model.units else ("linear",):
        rows = [r for r, own in zip(np.eye(len(here.params)), here.params.index, strict=True) if own.startswith(term)]
        rows = [r for r in rows if not r[list(here.details.held)].any()]
        statistics = [float(one.wald_test(np.array(rows), scalar=True).statistic) for one in (here, there)]
        assert statistics[1] == pytest.approx(statistics[0], rel=1e-6)
    future = [None, None] if here.model.exog is None else [np.ones((4, 1)), np.ones((4, 1)) + level]
    for method, rtol in (("exact", 1e-7), ("bootstrap", 1e-6 if level < 1e7 else 1e-4)):
        steps = 1 if method == "exact" else 4
        errors = [
            one.get_forecast(
                steps, None if x is None else x[:steps], method=method, param_uncertainty=True, rng=0, **simulated
            ).se_mean
            for one, x in zip((here, there), future, strict=True)
            for simulated in [{"n_sims": 50} if method == "bootstrap" else {}]
        ]
        np.testing.assert_allclose(errors[1], errors[0], rtol=rtol)


@pytest.mark.parametrize("cov_type", [name for name in ESTIMATORS if name not in ("bootstrap", "none")])
@pytest.mark.parametrize("name", ["linear", "units"])
def test_every_covariance_is_free_of_the_level(data, name, cov_type):
    here, there = (fitted(data, name, level, cov_type=cov_type) for level in (0.0, 1e6))
    np.testing.assert_allclose(there.bse.drop(movable(there)), here.bse.drop(movable(here)), rtol=1e-5)


@pytest.mark.parametrize("level", LEVELS)
def test_the_bootstrap_is_free_of_the_level(data, level):
    options = {"cov_type": "bootstrap", "cov_kwds": {"n_boot": 10}}
    here, there = fitted(data, "linear", 0.0, **options), fitted(data, "linear", level, **options)
    np.testing.assert_allclose(there.bse.drop(movable(there)), here.bse.drop(movable(here)), rtol=1e-6)


def test_what_units_remember_is_free_of_the_level(data):
    here, there = fitted(data, "units", 0.0), fitted(data, "units", 1e6)
    for table in ("recurrence_features", "identification"):
        one, other = (getattr(found, table).select_dtypes("number") for found in (here, there))
        pd.testing.assert_frame_equal(other, one, rtol=1e-5)
    one, other = (found.stability(n_paths=8, rng=0) for found in (here, there))
    assert other.sensitive_share == one.sensitive_share
    assert other.lyapunov == pytest.approx(one.lyapunov, rel=1e-5)
    bands = [found.get_components(5, 50)["unit1"]["mean_se"] for found in (here, there)]
    np.testing.assert_allclose(bands[1], bands[0], rtol=1e-6)


@pytest.mark.parametrize("level", [0.0, 1e4, 1e6])
def test_lags_have_the_standard_errors_of_autoregression(data, level):
    y = np.asarray(data[0]) + level
    ours, theirs = prt.ParaRNN(y, units=(), lags=0, linear_lags=2).fit(penalty=0.0, tol=1e-15), AutoReg(y, 2).fit()
    # theirs divides by the number of observations
    factor = np.sqrt((N - 2) / (N - 5))
    np.testing.assert_allclose(np.asarray(ours.bse)[1:], factor * theirs.bse[1:], rtol=1e-6)


def test_in_a_panel_as_alone(data):
    y = data[0].to_numpy()
    long = pd.concat([pd.DataFrame({"unique_id": k, "ds": range(N), "y": y + k}) for k in (0.0, 1e6)])
    panel = prt.fit_panel(long, units=(1,), n_starts=2, penalty=0.5, tol=1e-15)
    here, there = panel[0.0], panel[1e6]
    np.testing.assert_allclose(there.bse.drop(movable(there)), here.bse.drop(movable(here)), rtol=1e-5)


@pytest.mark.parametrize("remove_data", [False, True])
def test_files_keep_the_digits(data, remove_data):
    results, file = fitted(data, "held", 1e8), io.BytesIO()
    results.save(file, remove_data)
    file.seek(0)
    loaded = prt.load(file)
    np.testing.assert_array_equal(loaded.bse, results.bse)
    np.testing.assert_array_equal(loaded.covariance.root, results.covariance.root)
    rows = np.eye(len(results.params))[[1, 4, 5, 6]]
    statistics = [one.wald_test(rows, scalar=True).statistic for one in (results, loaded)]
    assert statistics[0] == statistics[1]


def test_a_parameter_that_is_not_identified_is_not_hidden_by_large_ones():
    precision = np.diag([1.0, 0.0])
    assert estimable(precision, np.array([[1.0, 0.0], [1e9, 1.0], [0.0, 0.0]])).tolist() == [True, False, False]


def test_a_root_has_no_directions_of_rounding_errors():
    flat = np.array([[1.0, 1.0], [1.0, 1.0]]) + np.diag([3e-16, 0.0])
    assert np.abs(root_of(flat) @ [1.0, -1.0]).max() < 1e-15


def test_the_root_of_a_covariance_is_not_left_to_rounding_errors():
    # two equal variances beside others: any turn of their plane is as good as another to an eigenvector
    rng = np.random.default_rng(0)
    size = np.array([1.0, 1e-3, 1e4, 2.0])
    axes = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    covariance = (axes * [2.0, 2.0, 1.0, 0.5]) @ axes.T * np.outer(size, size)
    root = root_of(covariance)
    np.testing.assert_allclose(root @ root.T, covariance, rtol=1e-12)
    rounded = covariance * (1.0 + 1e-15 * rng.choice([-1.0, 1.0], size=(4, 4)))
    again = root_of(np.tril(rounded) + np.tril(rounded, -1).T)
    np.testing.assert_allclose(again / size[:, None], root / size[:, None], atol=1e-13)
    order, sign = rng.permutation(4), np.array([1.0, -1.0, -1.0, 1.0])
    moved = root_of(covariance[np.ix_(order, order)] * np.outer(sign, sign))
    np.testing.assert_allclose(moved, root[np.ix_(order, order)] * np.outer(sign, sign), rtol=1e-9)


def test_forecasts_and_units_are_known_without_the_data(data):
    """What is left of the fit has no precision, and its sample need not be there."""
    results = fitted(data, "units", 0.0)
    later = pd.Series(np.sin(np.arange(30.0)), index=range(N, N + 30), name="y")
    before, exact = results.extend(later), {"method": "exact", "param_uncertainty": False}
    errors, features = before.get_forecast(1, **exact).se_mean, before.recurrence_features
    results.remove_data()
    after = results.extend(later)
    np.testing.assert_array_equal(after.get_forecast(1, **exact).se_mean, errors)
    known = [table.select_dtypes("number") for table in (after.recurrence_features, features)]
    pd.testing.assert_frame_equal(*known, rtol=1e-6)
    assert after.wald_test(np.eye(6)[:3], scalar=True).statistic > 0.0


@pytest.mark.parametrize("level", [0.0, *LEVELS])
def test_the_mean_at_a_value_is_a_contrast_of_large_parameters(data, level):
    """Where the last values were one above the level: const + (1 + level) (a1 + a2), less what the level is."""
    here, there = fitted(data, "linear", 0.0), fitted(data, "linear", level)
    tests = [one.t_test((np.array([[1.0, 1.0 + at, 1.0 + at]]), [at])) for one, at in ((here, 0.0), (there, level))]
    np.testing.assert_allclose(tests[1].sd, tests[0].sd, rtol=1e-6)
    np.testing.assert_allclose(tests[1].statistic, tests[0].statistic, rtol=1e-6)
