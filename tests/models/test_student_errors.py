"""Models with Student-t errors: inference, criteria, forecasts, files."""

import copy
import io

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.tools.sm_exceptions import ConvergenceWarning

import pararnn_ts as prt
from pararnn_ts.estimation.errors import ErrorLaw


def heavy(n, seed=0, dof=4.0):
    rng = np.random.default_rng(seed)
    e, y = rng.standard_t(dof, n + 50), np.zeros(n + 50)
    for t in range(1, n + 50):
        y[t] = 0.6 * y[t - 1] + e[t]
    return pd.Series(y[50:], pd.period_range("1990-01", periods=n, freq="M"), name="y")


@pytest.fixture(scope="module")
def fits():
    y = heavy(600)
    return {
        (errors, penalty): prt.ParaRNN(y, units=(), errors=errors).fit(penalty=penalty)
        for errors in ("normal", "t")
        for penalty in ("evidence", 0.0)
    }


def test_law_and_coefficients_are_found(fits):
    res = fits["t", 0.0]
    assert 2.8 < res.details.law.dof < 6.5
    assert res.params["linear.y.L1"] == pytest.approx(0.6, abs=4 * res.bse["linear.y.L1"])
    assert res.bse["linear.y.L1"] < fits["normal", 0.0].bse["linear.y.L1"]


def test_the_likelihood_is_that_of_scipy(fits):
    res = fits["t", 0.0]
    resid = res.resid.dropna()
    dof, _, spread = stats.t.fit(resid, floc=0.0)
    assert res.llf == pytest.approx(stats.t.logpdf(resid, dof, scale=spread).sum(), abs=1e-4)
    assert res.aic == pytest.approx(-2 * res.llf + 2 * (2 + 2))
    assert res.llf > fits["normal", 0.0].llf + 10


@pytest.mark.parametrize("penalty", [0.0, "evidence"])
def test_the_likelihood_of_results_is_that_of_their_model(fits, penalty):
    res = fits["t", penalty]
    assert res.llf == pytest.approx(res.model.loglike(res.params), abs=1e-6)
    assert res.llf == pytest.approx(res.model.evaluate(res.params).llf, abs=1e-6)


def test_the_evidence_tells_the_laws_apart(fits):
    assert fits["t", "evidence"].log_evidence > fits["normal", "evidence"].log_evidence + 10


def test_standard_errors_are_those_of_the_expected_information(fits):
    res = fits["t", 0.0]
    y = res.model.endog
    x = np.column_stack([np.ones(599), y[:-1]])
    expected = np.linalg.inv(x.T @ x) / res.details.law.information
    np.testing.assert_allclose(res.cov_params(), expected, rtol=1e-6)


@pytest.mark.parametrize("cov_type", ["oim", "opg", "robust", "HC0", "HAC"])
def test_other_covariances_agree_when_the_law_is_right(fits, cov_type):
    y = heavy(4000, seed=2)
    res = prt.ParaRNN(y, units=(), errors="t").fit(penalty=0.0, cov_type=cov_type)
    plain = prt.ParaRNN(y, units=(), errors="t").fit(penalty=0.0)
    np.testing.assert_allclose(res.bse, plain.bse, rtol=0.15)


def test_intervals_of_one_step_are_quantiles_of_the_law(fits):
    res = fits["t", "evidence"]
    for method in ("exact", "simulated"):
        pred = res.get_prediction("2030-01", "2030-01", method=method)
        law = res.details.law
        expected = res.predict("2030-01", "2030-01").iloc[0] + law.quantiles(np.array([0.005, 0.995]))
        np.testing.assert_allclose(pred.conf_int(0.01).to_numpy()[0], expected, rtol=1e-9)
    with pytest.raises(ValueError, match="Student-t"):
        res.get_forecast(2, method="exact")


def test_simulated_shocks_have_the_law(fits):
    res = fits["t", "evidence"]
    paths = res.get_forecast(1, method="simulated", n_sims=4000, rng=0).simulations.to_numpy()[0]
    shocks = paths - res.forecast(1).iloc[0]
    assert stats.kstest(shocks, res.details.law.distribution().cdf).pvalue > 0.01
    drawn = res.simulate(4000, anchor="start", rng=1)
    assert np.isfinite(drawn).all()


def test_the_summary_names_the_law(fits):
    assert "Student t" in fits["t", "evidence"].summary().as_text()
    assert "Student t" not in fits["normal", "evidence"].summary().as_text()


@pytest.mark.parametrize("remove_data", [False, True])
def test_the_law_survives_files_and_copies(fits, remove_data):
    res, file = fits["t", "evidence"], io.BytesIO()
    res.save(file, remove_data=remove_data)
    file.seek(0)
    for again in (prt.load(file), copy.deepcopy(res)):
        assert again.details.law == res.details.law
        assert again.llf == pytest.approx(res.llf, rel=1e-12)
        np.testing.assert_array_equal(
            again.get_forecast(3, method="simulated", rng=0).conf_int(),
            res.get_forecast(3, method="simulated", rng=0).conf_int(),
        )


def test_results_at_given_parameters_estimate_the_law(fits):
    res = fits["t", 0.0]
    given = res.model.evaluate(res.params)
    assert given.details.law.dof == pytest.approx(res.details.law.dof, rel=0.05)


def test_a_refit_keeps_the_law(fits):
    res = fits["t", "evidence"]
    longer = res.append(heavy(612).iloc[600:], refit=True)
    assert not longer.details.law.is_normal
    assert longer.params["linear.y.L1"] == pytest.approx(res.params["linear.y.L1"], abs=0.05)


def test_an_outlier_moves_the_fit_less():
    y = heavy(200, dof=30.0)
    spoiled = y.copy()
    spoiled.iloc[100] += 60.0
    moved = {}
    for errors in ("normal", "t"):
        pair = [prt.ParaRNN(s, units=(1,), errors=errors).fit(n_starts=4) for s in (y, spoiled)]
        fitted = [np.asarray(res.fittedvalues)[110:] for res in pair]
        moved[errors] = np.abs(fitted[1] - fitted[0]).mean()
    assert moved["t"] < 0.5 * moved["normal"]


def test_a_slip_of_the_pen_does_not_move_forecasts():
    y = heavy(200, dof=30.0)
    usual = prt.ParaRNN(y, units=(), errors="t").fit()
    forecasts = []
    for size in (1e5, 1e7):
        wrong = y.copy()
        wrong.iloc[100] = size
        forecasts.append(np.asarray(prt.ParaRNN(wrong, units=(), errors="t").fit().forecast(5)))
    np.testing.assert_allclose(forecasts[0], forecasts[1], atol=0.01)
    # the mean of the series would be 500 and 50,000
    assert np.abs(forecasts[0] - usual.forecast(5)).max() < 3.0 * np.sqrt(usual.scale)


def test_the_table_of_starts_has_one_evidence_under_the_law():
    res = prt.ParaRNN(heavy(300), units=(1,), errors="t").fit(n_starts=8)
    assert res.starts["log_evidence"].notna().sum() == 1
    assert res.starts.loc[res.starts["best"], "log_evidence"].item() == pytest.approx(res.log_evidence)
    assert 1 <= res.mle_retvals["n_best"] <= 8


def test_an_unknown_law_is_refused():
    with pytest.raises(ValueError, match=r"errors must be 'normal' or 't', but is 'cauchy'"):
        prt.ParaRNN(heavy(50), errors="cauchy")


def test_the_better_law_of_each_candidate_is_kept():
    sel = prt.select_order(heavy(300, dof=3.5), max_lags=1, max_linear_lags=3, max_units=1, n_starts=2)
    table = sel.table
    assert set(table["errors"].iloc[:3]) == {"t"}
    assert not table.duplicated(["linear_lags", "lags", "units"]).any()
    normal = prt.select_order(
        heavy(300, dof=3.5), max_lags=1, max_linear_lags=3, max_units=1, n_starts=2, errors="normal"
    )
    assert set(normal.table["errors"]) == {"normal"}
    assert sel.table["log_evidence"].max() > normal.table["log_evidence"].max()


def test_without_outliers_no_candidate_has_them():
    rng = np.random.default_rng(3)
    sel = prt.select_order(rng.standard_normal(200), max_lags=1, max_linear_lags=2, max_units=0)
    assert set(sel.table["errors"]) == {"normal"}


def test_the_law_of_details_is_normal_by_default():
    res = prt.ParaRNN(heavy(80), units=()).fit()
    assert res.details.law == ErrorLaw(np.sqrt(res.scale))


def test_a_fit_stops_at_maxiter_and_not_before_when_it_has_not_converged():
    """The advice to try a larger maxiter is then of use: in these counts the tails grow for a long time."""
    counts = np.random.default_rng(0).poisson(0.3, 150).astype(float)
    with pytest.warns(ConvergenceWarning, match="stopped at maxiter"):
        stopped = prt.ParaRNN(counts, units=(), errors="t").fit()
    assert stopped.mle_retvals["iterations"] >= 200
    assert prt.ParaRNN(counts, units=(), errors="t").fit(maxiter=2000).converged
