"""Inference, criteria, components and life of a results object."""

import pickle

import numpy as np
import pandas as pd
import pytest
from statsmodels.tools._testing import check_fitted, check_ftest_pvalues, check_ttest_tvalues
from statsmodels.tsa.ar_model import AutoReg

from pararnn_ts.models.elman import ElmanRNN
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.base import RecurrentResults


@pytest.mark.parametrize("cov_type", ["laplace", "nonrobust", "opg", "robust", "HC0", "HAC"])
def test_statsmodels_own_checks(sales, cov_type):
    results = ParaRNN(sales, units=(1,)).fit(n_starts=2, cov_type=cov_type)
    check_ttest_tvalues(results)
    check_ftest_pvalues(results)
    check_fitted(results)


def test_criteria_are_those_of_an_autoregression(sales, linear):
    theirs = AutoReg(sales.to_numpy()[:120], 2).fit()
    for name in ("llf", "aic", "bic", "hqic"):
        assert getattr(linear, name) == pytest.approx(getattr(theirs, name), abs=1e-6), name
    assert (linear.nobs, linear.df_model, linear.df_resid) == (118, 3, 115)
    assert linear.scale == pytest.approx(linear.sse / 115)
    k, n = 4, 118
    assert linear.aicc == pytest.approx(linear.aic + 2 * k * (k + 1) / (n - k - 1))


def test_nobs_counts_what_is_predicted_and_observed(gappy):
    results, _ = gappy
    assert results.nobs == 120 - 6
    assert len(results.fittedvalues) == len(results.resid) == 120
    assert np.isnan(results.resid.iloc[[0, 40, 118]]).all()
    assert np.isfinite(results.fittedvalues.iloc[1:]).all()


def test_labels(fitted, sales):
    names = fitted.model.param_names
    for part in (fitted.params, fitted.bse, fitted.tvalues, fitted.pvalues, fitted.conf_int(), fitted.cov_params()):
        assert list(part.index) == names
    assert list(fitted.cov_params().columns) == names
    assert fitted.fittedvalues.index.equals(sales.index[:120])


def test_the_covariance_of_some_parameters_or_of_their_combinations_is_part_of_the_whole(fitted):
    whole, names = fitted.cov_params(), list(fitted.params.index)
    assert list(whole.index) == list(whole.columns) == names
    R = np.random.default_rng(0).standard_normal((3, len(names)))
    np.testing.assert_allclose(fitted.cov_params(r_matrix=R), R @ whole.to_numpy() @ R.T)
    np.testing.assert_array_equal(fitted.cov_params(column=[1, 3]), whole.iloc[[1, 3], [1, 3]])
    assert fitted.cov_params(column=2) == whole.iloc[2, 2]


def test_tests_by_name(fitted):
    by_name = fitted.t_test("unit1.W[1,2] = 0.25")
    position = fitted.model.param_names.index("unit1.W[1,2]")
    assert by_name.tvalue.item() == pytest.approx((fitted.params.iloc[position] - 0.25) / fitted.bse.iloc[position])
    joint = fitted.f_test("linear.sales.L1 = 0, linear.sales.L2 = 0")
    rows = np.eye(len(fitted.params))[1:3]
    assert joint.fvalue == pytest.approx(fitted.f_test(rows).fvalue)


@pytest.mark.parametrize("name", ["fitted", "gappy", "differenced", "linear"])
def test_components_add_up(request, name):
    results = request.getfixturevalue(name)
    results = results[0] if isinstance(results, tuple) else results
    parts = results.components
    np.testing.assert_allclose(parts.sum(axis=1, skipna=False), results.fittedvalues, atol=1e-12)
    units = parts.filter(like="unit").dropna()
    np.testing.assert_allclose(units.mean(), 0.0, atol=1e-12)
    assert ("level" in parts) == (name == "differenced")


def test_components_are_what_their_names_say(sales):
    results = ParaRNN(sales, units=(1,), linear_lags=[1, 3], trend="ct", seasonal=True).fit(n_starts=2)
    assert list(results.components) == ["const", "trend", "seasonal", "linear", "unit1"]
    lagged = sum(results.params[f"linear.sales.L{lag}"] * sales.shift(lag) for lag in (1, 3))
    np.testing.assert_allclose(results.components["linear"].iloc[3:], lagged.iloc[3:], atol=1e-12)
    trend = results.params["trend"] * np.arange(1, len(sales) + 1)
    np.testing.assert_allclose(results.components["trend"].iloc[3:], trend[3:], atol=1e-12)


def test_caches_belong_to_the_instance(sales):
    model = ParaRNN(sales, units=(1,))
    first, second = model.fit(n_starts=2), model.fit(n_starts=2, penalty=10.0)
    assert not np.allclose(first.bse, second.bse)
    robust = model.fit(n_starts=2, cov_type="robust")
    assert not np.allclose(first.bse, robust.bse)
    assert first.llf == robust.llf


def test_remove_data_leaves_forecasts_and_summary(sales, gappy):
    results = ParaRNN(sales[:120], units=(1,)).fit(n_starts=2)
    size = len(pickle.dumps(results))
    expected = results.forecast(6), results.get_forecast(6, rng=0).summary_frame(), results.summary().as_text()
    results.remove_data()
    assert len(pickle.dumps(results)) < size
    again = pickle.loads(pickle.dumps(results))
    for removed in (results, again):
        pd.testing.assert_series_equal(removed.forecast(6), expected[0])
        pd.testing.assert_frame_equal(removed.get_forecast(6, rng=0).summary_frame(), expected[1])
        assert removed.summary().as_text() == expected[2]
        with pytest.raises(RuntimeError, match="data of these results were removed"):
            _ = removed.resid
        with pytest.raises(RuntimeError, match="data of these results were removed"):
            removed.predict("2005-01", "2005-03", dynamic=True)


def test_a_model_whose_data_were_removed_with_those_of_its_results_says_so(sales):
    model = ParaRNN(sales[:120], units=(1,))
    results, other = (model.fit(n_starts=2) for _ in range(2))
    other.remove_data()
    with pytest.raises(RuntimeError, match="data of these results were removed"):
        results.summary()
    for call in (model.fit, lambda: model.evaluate(results.params), lambda: model.loglike(results.params),
                 lambda: model.jacobian(results.params), lambda: model.appended([1.0])):  # fmt: skip
        with pytest.raises(RuntimeError, match="data of this model were removed .* make the model again"):
            call()
    same = model.clone_with(sales[:120]).fit(n_starts=2)
    pd.testing.assert_series_equal(same.params, results.params)


def test_removed_results_simulate_and_respond(sales):
    results = ParaRNN(sales[:120], units=(1,)).fit(n_starts=2)
    paths, response = results.simulate(5, 3, anchor="end", rng=0), results.impulse_responses(5)
    results.remove_data()
    pd.testing.assert_frame_equal(results.simulate(5, 3, anchor="end", rng=0), paths)
    pd.testing.assert_series_equal(results.impulse_responses(5), response)


def test_many_shocks_are_thinned_to_quantiles():
    y = np.random.default_rng(0).standard_normal(2000)
    results = ParaRNN(y, units=()).fit(penalty=0)
    before = results.get_forecast(1, rng=0, n_sims=4000).conf_int()
    results.remove_data()
    assert len(results.shocks) == 120
    assert np.mean(results.shocks**2) == pytest.approx(results.scale)
    np.testing.assert_allclose(results.get_forecast(1, rng=0, n_sims=4000).conf_int(), before, atol=0.1)


def test_creation_is_lazy(fitted):
    raw = fitted._results
    fresh = RecurrentResults(raw.model, raw.params, raw.details)
    assert not {"path", "resid", "covariance", "bse", "llf"} & set(vars(fresh))


def test_elman_results_have_the_same_face(sales):
    results = ElmanRNN(sales, hidden=3).fit(n_starts=2)
    assert list(results.components) == ["const", "linear", "unit1"]
    assert len(results.forecast(3)) == 3 and "unit1.W[3,3]" in results.summary().as_text()
