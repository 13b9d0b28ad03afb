"""The base of the additive recurrent models: arguments, paths, Jacobians, fits."""

import warnings

import numpy as np
import pandas as pd
import pytest
import twin
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.tools.sm_exceptions import ConvergenceWarning

import pararnn_ts as prt
from pararnn_ts.models.arguments import check_lags
from pararnn_ts.models.units import check_units


def series(n=120, seed=0, gaps=()):
    rng = np.random.default_rng(seed)
    y = np.zeros(n + 50)
    for t in range(2, n + 50):
        y[t] = 1.5 * np.tanh(y[t - 1]) - 0.7 * y[t - 2] + rng.normal()
    y = 3.0 + y[50:]
    y[list(gaps)] = np.nan
    return pd.Series(y, pd.period_range("2000-01", periods=n, freq="M"), name="y")


def exogenous(y, columns=("rain", "sun")):
    return pd.DataFrame(np.random.default_rng(1).normal(size=(len(y), len(columns))), y.index, list(columns))


MODELS = {
    "plain": {"units": (2,)},
    "two inputs, exog": {"units": (1, 2), "lags": 2, "exog": True},
    "long linear lags": {"units": (1,), "lags": [1, 3], "linear_lags": [1, 2, 12], "trend": "ct"},
    "differenced": {"units": (2,), "lags": 2, "diff": 1, "linear_lags": 0},
    "seasonally differenced": {"units": (1,), "diff": 1, "seasonal_diff": 1, "trend": "n"},
    "dummies": {"units": (3,), "seasonal": True, "activation": "logistic", "exog": True},
    "held back": {"units": (1,), "activation": "relu", "hold_back": 20},
    "linear": {"units": (), "linear_lags": 3, "exog": True},
}


def build(name, gaps=()):
    options = dict(MODELS[name])
    y = series(gaps=gaps)
    if options.get("diff"):
        y = (y - 3.0).fillna(0.0).cumsum().where(y.notna())
    exog = exogenous(y) if options.pop("exog", False) else None
    return prt.ParaRNN(y, exog, **options)


def drawn(model, seed=0):
    return twin.random_params(model.specification, np.random.default_rng(seed))


def by_the_book(model, params, y=None):
    y = model._y if y is None else y
    return twin.run(model.specification, params, y, model._exog, model._det)


# -------------------------------------------------------------------------------------------- paths and Jacobians


@pytest.mark.parametrize("gaps", [(), (40, 41, 42, 70, 119)], ids=["whole", "gaps"])
@pytest.mark.parametrize("name", MODELS)
def test_the_path_is_that_of_the_textbook(name, gaps):
    model = build(name, gaps)
    params = drawn(model)
    path, expected = model.path(params), by_the_book(model, params)
    size = max(1.0, np.nanmax(np.abs(expected.fitted)))
    assert_allclose(path.fitted / size, expected.fitted / size, rtol=0, atol=1e-11)
    assert_allclose(path.components, expected.components, rtol=0, atol=1e-10 * size)
    assert_allclose(path.end_state, expected.end_state, rtol=0, atol=1e-10 * size)
    assert_allclose(path.filled, expected.filled, rtol=0, atol=1e-11 * size)
    assert_allclose(path.linear + path.components.sum(axis=1), path.fitted)
    assert not np.isnan(path.filled).any()


@pytest.mark.parametrize("gaps", [(), (40, 41, 42, 70, 119)], ids=["whole", "gaps"])
@pytest.mark.parametrize("name", MODELS)
def test_the_jacobian_is_that_of_the_textbook(name, gaps):
    model = build(name, gaps)
    params = drawn(model)
    expected = twin.imaginary_step(lambda p: by_the_book(model, p).fitted[model.used], params)
    ours = model.jacobian(params)
    assert ours.shape == (model.used.sum(), len(model.param_names))
    size = np.maximum(np.abs(expected).max(axis=0), 1.0)
    assert_allclose(ours / size, expected / size, rtol=0, atol=1e-10)


def test_missing_values_at_the_end_are_forecast():
    model = build("two inputs, exog")
    params = drawn(model)
    cut = model._y.copy()
    cut[100:] = np.nan
    ours, expected = model.path(params, y=cut), by_the_book(model, params, cut)
    assert_allclose(ours.filled, expected.filled, rtol=1e-10)
    assert_allclose(ours.filled[100:], ours.fitted[100:])


def test_simulated_paths_without_shocks_are_the_forecast():
    model = build("differenced")
    params, spec = drawn(model), model.specification
    steps = 15
    path = model.path(params)
    whole = np.append(model._y, np.full(steps, np.nan))
    exog, deterministic = np.zeros((135, 0)), np.ones((135, 1))
    forecast = model.path(params, y=whole, exog=exog, deterministic=deterministic).filled[120:]
    rows = slice(120 - spec.reach, 135)
    for many in (params, np.tile(params, (3, 1))):
        ours = model.simulate_paths(many, whole[120 - spec.reach : 120], deterministic[rows], exog[rows],
                                    np.zeros((3, steps)), path.end_state)  # fmt: skip
        assert_allclose(ours, np.tile(forecast, (3, 1)), rtol=1e-10)


def test_rows_that_no_prediction_can_fill_do_not_spoil_the_rest():
    y = (series() - 3.0).cumsum()
    y.iloc[:4] = np.nan
    model = prt.ParaRNN(y, lags=2, units=(1,), diff=1)
    results = model.fit(n_starts=2)
    assert np.isfinite(results.params).all()
    assert np.isfinite(results.fittedvalues.iloc[model.specification.hold_back :]).all()
    assert not model.used[:4].any() and model.used[4:].all()


def test_the_sample_is_not_changed():
    y = series(gaps=(40, 41))
    before = y.copy()
    model = prt.ParaRNN(y, units=(1,))
    model.path(model.fit(n_starts=2).params)
    pd.testing.assert_series_equal(y, before)
    assert np.isnan(model._y[[40, 41]]).all()


def test_log_likelihood_is_that_of_gaussian_shocks():
    from scipy.stats import norm

    model = build("plain", (40, 41))
    params = drawn(model)
    error = (model._y - by_the_book(model, params).fitted)[model.used]
    assert model.loglike(params) == pytest.approx(norm.logpdf(error, scale=np.sqrt(np.mean(error**2))).sum())
    assert model.evaluate(params).llf == pytest.approx(model.loglike(params))


# ----------------------------------------------------------------------------------------------------------- fits


@pytest.mark.filterwarnings("ignore:The best start did not converge")  # relu has kinks
@pytest.mark.parametrize("name", MODELS)
def test_a_fit_is_as_good_as_it_says(name):
    model = build(name)
    results = model.fit(n_starts=4, maxiter=400)
    expected = by_the_book(model, np.asarray(results.params))
    assert_allclose(results.fittedvalues, expected.fitted, rtol=0, atol=1e-8)
    error = (model._y - expected.fitted)[model.used]
    assert results.sse == pytest.approx(error @ error)
    assert results.scale == pytest.approx(error @ error / (len(error) - results.df_model), rel=1e-6)
    assert list(results.params.index) == model.param_names
    assert np.isfinite(results.params).all() and np.isfinite(results.bse).all()


def test_the_same_number_gives_the_same_fit_and_a_generator_is_advanced():
    model = build("plain")
    first, again = model.fit(rng=3), model.fit(rng=3)
    assert_array_equal(first.params, again.params)
    pd.testing.assert_frame_equal(first.starts, again.starts)
    generator = np.random.default_rng(3)
    assert_array_equal(model.fit(rng=generator).params, first.params)
    assert not model.fit(rng=generator).starts["sse"].equals(first.starts["sse"])


@pytest.mark.parametrize("penalty", ["evidence", 0.0])
def test_the_number_of_threads_changes_no_bit(penalty):
    import numba

    model, before = build("two inputs, exog"), numba.get_num_threads()
    try:
        found = []
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                found.append(model.fit(penalty=penalty, n_starts=24, maxiter=60))
    finally:
        numba.set_num_threads(before)
    assert_array_equal(found[0].params, found[1].params)
    pd.testing.assert_frame_equal(found[0].starts, found[1].starts)


def test_start_values_given_are_the_only_start():
    model = build("plain")
    first = model.fit(penalty=0.1, n_starts=8)
    again = model.fit(start_params=first.params, penalty=0.1)
    assert list(again.starts["origin"]) == ["given"] and again.converged
    assert again.mle_retvals["iterations"] < 10
    assert_allclose(again.fittedvalues, first.fittedvalues, rtol=0, atol=1e-3)


def test_starts_come_from_fitted_armas_and_at_random():
    starts = build("plain").fit(n_starts=6).starts
    assert len(starts) == 6 and set(starts["origin"]) == {"arma", "random"}
    assert starts["best"].sum() == 1
    assert len(build("linear").fit(n_starts=6).starts) == 1


def test_a_fit_that_ran_out_of_evaluations_warns_and_says_what_to_do():
    with pytest.warns(
        ConvergenceWarning, match=r"did not converge \(stopped at maxiter after 2 evaluations\); try a larger"
    ):
        results = build("plain").fit(maxiter=2)
    assert not results.converged and not results.mle_retvals["converged"]
    assert results.mle_retvals["warnflag"] != 0
    assert results.mle_retvals["status"] == "stopped at maxiter" and results.mle_retvals["iterations"] == 2
    assert np.isfinite(results.params).all()


def test_a_fit_that_converged_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = build("plain").fit()
    assert results.converged and results.mle_retvals["warnflag"] == 0
    best = results.starts[results.starts["best"]].iloc[0]
    assert best["status"] == "converged" and best["decrement"] < 1e-8 * results.nobs
    assert best["log_evidence"] == pytest.approx(results.log_evidence)


def test_the_optimiser_reports_when_asked(capsys):
    build("plain").fit(n_starts=4, disp=True)
    printed = capsys.readouterr().out
    assert "4 starts" in printed and "converged after" in printed
    build("plain").fit(n_starts=4)
    assert capsys.readouterr().out == ""


def test_results_at_given_parameters_are_not_fitted():
    model = build("plain", (40, 41))
    params = drawn(model)
    results = model.evaluate(params)
    assert_array_equal(results.params, params)
    assert results.details.penalty is None and results.mle_retvals["status"] == "evaluated"
    error = (model._y - by_the_book(model, params).fitted)[model.used]
    assert results.sse == pytest.approx(error @ error)
    assert_allclose(model.predict(params, 5, 10), results.fittedvalues.iloc[5:11])


def test_an_even_larger_penalty_leaves_the_mean():
    results = build("plain").fit(penalty=1e9, n_starts=4)
    y = series()
    assert_allclose(results.fittedvalues.iloc[1:], y.iloc[1:].mean(), rtol=0, atol=1e-4)
    assert results.df_model == pytest.approx(1.0, abs=1e-3)


def test_a_longer_hold_back_compares_models_on_the_same_rows():
    short, long = (prt.ParaRNN(series(), lags=1, units=(), linear_lags=k, hold_back=12).fit(penalty=0) for k in (1, 12))
    assert short.nobs == long.nobs == 108
    assert long.sse <= short.sse


@pytest.mark.filterwarnings("ignore:The best start did not converge")  # relu has kinks
@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic", "identity"])
def test_every_activation_can_be_fitted(activation):
    results = prt.ParaRNN(series(), lags=2, units=(1,), activation=activation).fit(n_starts=8)
    linear = prt.ParaRNN(series(), lags=2, units=()).fit()
    assert np.isfinite(results.params).all() and results.sse < 1.05 * linear.sse


# ------------------------------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0, ()), (1, (1,)), (3, (1, 2, 3)), (np.int64(2), (1, 2)), ([], ()), ([12, 1], (1, 12)), ((2,), (2,)),
     (np.array([3, 1]), (1, 3)), (range(1, 4), (1, 2, 3))],
)  # fmt: skip
def test_lags_as_statsmodels_writes_them(given, expected):
    assert check_lags(given, "lags") == expected


@pytest.mark.parametrize("given", [-1, [0], [1, 1], [-2, 1], 1.5, [1.5], "2", True, None, {"a": 1}, [[1, 2]]], ids=repr)
def test_bad_lags_are_named(given):
    with pytest.raises((TypeError, ValueError), match=r"^linear_lags must be a non-negative integer or a list .*\.$"):
        check_lags(given, "linear_lags")


@pytest.mark.parametrize(
    ("given", "expected"), [(0, ()), (2, (2, 2)), ((), ()), ((1, 2), (1, 2)), ([3], (3,)), (np.array([1, 1]), (1, 1))]
)
def test_units_by_number_or_by_dimension(given, expected):
    assert check_units(given) == expected


@pytest.mark.parametrize("given", [-1, (0,), (-1, 2), 1.5, (1.5,), "2", True, None, [[1]]], ids=repr)
def test_bad_units_are_named(given):
    with pytest.raises((TypeError, ValueError), match=r"^units must be a non-negative integer or a sequence .*\.$"):
        check_units(given)


def test_linear_lags_default_to_lags_and_can_be_left_out():
    y = series()
    assert prt.ParaRNN(y, lags=[1, 3]).linear_lags == (1, 3)
    assert prt.ParaRNN(y, lags=[1, 3], linear_lags=0).linear_lags == ()
    assert prt.ParaRNN(y, lags=1, linear_lags=2).linear_lags == (1, 2)


def test_exogenous_values_alone_may_feed_the_units():
    y = series()
    x = exogenous(y, ("x",))
    model = prt.ParaRNN(y, x, lags=0, units=(1,))
    assert model.param_names == ["const", "linear.x", "unit1.W", "unit1.U[x]", "unit1.b", "unit1.v"]
    results = model.fit(n_starts=4)
    assert results.nobs == 120 and np.isfinite(results.fittedvalues).all()


def test_a_copy_with_other_options_keeps_the_rest():
    model = build("two inputs, exog")
    copy = model.clone_with(series(), exogenous(series()), units=(1,))
    assert copy.units == (1,) and copy.lags == (1, 2) and copy.exog_labels == ["rain", "sun"]
