"""Parameters held at values during a fit, as statsmodels' `fix_params` and `fit_constrained` do."""

import io

import numpy as np
import pytest
from statsmodels.tsa.ar_model import AutoReg

import pararnn_ts as prt

HELD = {"linear.flow.L1": 0.3, "unit1.b": 0.2, "const": 400.0}


@pytest.fixture(scope="module")
def model():
    return prt.ParaRNN(prt.datasets.load_nile(), lags=1, units=(1,))


@pytest.fixture(scope="module")
def held(model):
    return model.fit_constrained(HELD, n_starts=4)


def test_values_are_kept_to_the_last_bit(held):
    for name, value in HELD.items():
        assert held.params[name] == value


def test_they_have_no_standard_errors_and_do_not_count(held, model):
    assert held.bse[list(HELD)].isna().all()
    assert (held.bse.drop(list(HELD)) > 0).all()
    assert held.df_model <= len(model.param_names) - len(HELD)
    assert (held.cov_params().loc[list(HELD)] == 0.0).all(axis=None)


@pytest.mark.parametrize("cov_type", ["nonrobust", "oim", "opg", "robust", "HC0", "HAC"])
def test_every_covariance_leaves_them_out(model, cov_type):
    res = model.fit_constrained({"linear.flow.L1": 0.3}, n_starts=4, penalty=0.1, cov_type=cov_type)
    assert np.isnan(res.bse["linear.flow.L1"])
    assert (res.cov_params().loc["linear.flow.L1"] == 0.0).all()


def test_the_model_is_free_again_afterwards(model):
    with model.fix_params({"linear.flow.L1": 0.3}):
        inside = model.fit(n_starts=4)
    outside = model.fit(n_starts=4)
    assert inside.params["linear.flow.L1"] == 0.3
    assert outside.params["linear.flow.L1"] != 0.3
    with pytest.raises(RuntimeError), model.fix_params({"const": 1.0}):
        raise RuntimeError
    assert model._held == {}


def test_least_squares_with_a_held_lag_is_that_of_the_difference():
    nile = prt.datasets.load_nile()
    res = prt.ParaRNN(nile, units=(), linear_lags=1).fit_constrained({"linear.flow.L1": 0.4}, penalty=0.0)
    partial = (nile - 0.4 * nile.shift()).dropna()
    assert res.params["const"] == pytest.approx(partial.mean(), rel=1e-10)
    assert res.scale == pytest.approx(partial.var(ddof=1), rel=1e-10)
    assert res.bse["const"] == pytest.approx(np.sqrt(partial.var(ddof=1) / len(partial)), rel=1e-8)


def test_holding_at_the_estimate_changes_nothing():
    nile = prt.datasets.load_nile()
    free = AutoReg(nile, 2).fit()
    held = prt.ParaRNN(nile, units=(), linear_lags=2).fit_constrained(
        {"linear.flow.L2": float(free.params.iloc[2])}, penalty=0.0
    )
    np.testing.assert_allclose(held.params, free.params, rtol=1e-8)


def test_the_summary_marks_them(held):
    text = held.summary().as_text()
    assert "linear.flow.L1 (fixed)" in text
    assert "unit1.W (fixed)" not in text


def test_a_refit_and_a_file_remember_them(held):
    nile = prt.datasets.load_nile()
    again = held.apply(nile.iloc[10:], refit=True)
    assert again.params["linear.flow.L1"] == HELD["linear.flow.L1"]
    file = io.BytesIO()
    held.save(file)
    file.seek(0)
    loaded = prt.load(file)
    np.testing.assert_array_equal(loaded.bse.isna(), held.bse.isna())


def test_student_errors_and_gaps_go_with_it():
    nile = prt.datasets.load_nile().astype(float)
    nile.iloc[[20, 21, 50]] = np.nan
    model = prt.ParaRNN(nile, units=(1,), errors="t")
    res = model.fit_constrained({"linear.flow.L1": 0.3}, n_starts=2)
    assert res.params["linear.flow.L1"] == 0.3
    assert np.isfinite(res.forecast(3)).all()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"nothing": 1.0}, ValueError, "holds 'nothing', which is no parameter"),
        ({"const": np.nan}, ValueError, "finite numbers, but holds nan for 'const'"),
        ({"const": "1"}, ValueError, "finite numbers, but holds '1'"),
        ([1.0], TypeError, "must map names"),
    ],
)
def test_what_cannot_be_held_is_refused(model, given, error, words):
    with pytest.raises(error, match=words), model.fix_params(given):
        pass


def test_holding_everything_leaves_nothing_to_fit(model):
    with pytest.raises(ValueError, match="leaves nothing to fit"):
        model.fit_constrained(dict.fromkeys(model.param_names, 0.5))
