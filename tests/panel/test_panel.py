"""A panel holds for each series what a fit of this series alone gives, and says what it could not fit."""

import warnings

import numba
import numpy as np
import pandas as pd
import pytest
from panels import QUICK, long, one, price, values
from statsmodels.tools.sm_exceptions import ModelWarning

import pararnn_ts as prt

LENGTHS = {"a": 60, "b": 45, "c": 80}


@pytest.fixture(scope="module")
def df():
    return long(LENGTHS)


@pytest.fixture(scope="module")
def panel(df):
    return prt.fit_panel(df, **QUICK)


def same(first, second):
    """Results of two fits that are equal to the last bit."""
    np.testing.assert_array_equal(first.params, second.params)
    np.testing.assert_array_equal(first.details.precision, second.details.precision)
    figures = ("llf", "log_evidence", "scale", "df_model")
    np.testing.assert_array_equal(*([getattr(r, name) for name in figures] for r in (first, second)))
    pd.testing.assert_frame_equal(first.starts, second.starts)


def test_each_fit_is_that_of_the_series_alone(df, panel):
    for name in panel:
        alone = prt.ParaRNN(one(df, name), units=(1,)).fit(n_starts=2)
        same(panel[name], alone)
        assert str(panel[name].summary()) == str(alone.summary())
        row = panel.table.loc[name]
        assert (row["nobs"], row["llf"], row["aic"], row["bic"]) == (alone.nobs, alone.llf, alone.aic, alone.bic)
        assert (row["scale"], row["converged"], row["df_model"]) == (alone.scale, alone.converged, alone.df_model)


@pytest.mark.parametrize("seed", [3, np.int64(3)])
def test_the_seed_is_that_of_the_single_fit(df, seed):
    found = prt.fit_panel(df, rng=seed, units=(2,), n_starts=5)
    same(found["b"], prt.ParaRNN(one(df, "b")).fit(rng=3, n_starts=5))


def test_a_generator_gives_one_seed_to_all(df):
    options = {"units": (1,), "n_starts": 3, "maxiter": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second, other = (prt.fit_panel(df, rng=np.random.default_rng(k), **options) for k in (1, 1, 2))
    assert first.table.equals(second.table)
    assert not first.table.equals(other.table)


def test_neither_order_of_rows_nor_other_series_matter(df, panel):
    shuffled = prt.fit_panel(df.sample(frac=1.0, random_state=1), **QUICK)
    pd.testing.assert_frame_equal(shuffled.table, panel.table)
    pd.testing.assert_frame_equal(shuffled.forecast(3, level=80), panel.forecast(3, level=80))
    single = prt.fit_panel(df[df["unique_id"] == "b"], **QUICK)
    same(single["b"], panel["b"])


def test_the_number_of_threads_does_not_matter(df, panel):
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        pd.testing.assert_frame_equal(prt.fit_panel(df, **QUICK).table, panel.table)
    finally:
        numba.set_num_threads(before)


def test_a_series_too_short_to_tell_its_frequency_is_fitted_as_alone():
    df = long({"long": 40, "short": 6})
    panel = prt.fit_panel(df, **QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = prt.ParaRNN(one(df, "short"), units=(1,)).fit(n_starts=2)
    np.testing.assert_array_equal(panel["short"].params, alone.params)
    assert panel["short"].forecast(1).index[0] == pd.Timestamp("2015-07-01")


def test_a_fit_leaves_the_number_of_threads_and_the_filters_of_warnings_as_they_were(df):
    before, filters = numba.get_num_threads(), list(warnings.filters)
    prt.fit_panel(df, **QUICK).forecast(2)
    assert numba.get_num_threads() == before
    assert warnings.filters == filters


OPTIONS = {
    "seasonal": {"seasonal": True, "trend": "ct"},
    "difference": {"diff": 1, "lags": 2, "linear_lags": [1, 3]},
    "student": {"errors": "t"},
    "ridge": {"penalty": 1.0, "cov_type": "HAC", "cov_kwds": {"maxlags": 2}},
    "identity": {"activation": "identity", "hold_back": 4},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.filterwarnings("ignore:.*did not converge")
def test_options_are_those_of_the_model_and_its_fit(df, options):
    fit = {name: options[name] for name in ("penalty", "cov_type", "cov_kwds") if name in options}
    own = {name: value for name, value in options.items() if name not in fit}
    found = prt.fit_panel(df, **QUICK, **options)
    alone = prt.ParaRNN(one(df, "a"), units=(1,), **own).fit(n_starts=2, **fit)
    same(found["a"], alone)
    np.testing.assert_array_equal(found["a"].bse, alone.bse)


@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize("model", [prt.ElmanRNN, prt.ODERNN, prt.LSTM])
def test_other_models_take_part(df, model):
    options = {"hidden": 2, "n_starts": 2, "maxiter": 5}
    found = prt.fit_panel(df, model=model, **options)
    alone = model(one(df, "b"), hidden=2).fit(n_starts=2, maxiter=5)
    same(found["b"], alone)
    assert model.__name__ in found.forecast(1)


@pytest.mark.filterwarnings("ignore:.*did not converge")
def test_selection_chooses_for_each_series_what_it_would_choose_alone():
    df = long({"a": 50, "b": 40})
    options = {"max_lags": 1, "max_linear_lags": 1, "max_units": 1, "unit_dims": (1,), "n_starts": 2}
    panel = prt.fit_panel(df, select=True, trend="n", **options)
    for name in panel:
        alone = prt.select_order(one(df, name), trend="n", **options)
        same(panel[name], alone.results)
        assert panel[name].model.units == alone.best.units == panel.table.at[name, "units"]
        pd.testing.assert_series_equal(panel[name].forecast(2), alone.results.forecast(2))


def test_exogenous_columns_are_those_named():
    df = long(LENGTHS, price=price, other=lambda n, seed: ["text"] * n)
    panel = prt.fit_panel(df, exog_cols=["price"], **QUICK)
    rows = df[df["unique_id"] == "c"].set_index("ds")
    same(panel["c"], prt.ParaRNN(rows["y"], rows[["price"]], units=(1,)).fit(n_starts=2))
    assert prt.fit_panel(df, **QUICK)["c"].model.exog_labels == []


def test_gaps_are_missing_values_and_said_once(df):
    gone = df.drop(df.index[(df["unique_id"] == "a") & df["ds"].isin(pd.to_datetime(["2016-02-01", "2016-03-01"]))])
    with pytest.warns(ModelWarning, match="Of 3 series 1 had times inserted as missing, the first 'a'") as caught:
        panel = prt.fit_panel(gone, **QUICK)
    assert len(caught) == 1
    assert panel.table["n_missing"].tolist() == [2, 0, 0]
    with pytest.warns(match="2 labels were absent"):
        alone = prt.ParaRNN(one(gone, "a"), units=(1,)).fit(n_starts=2)
    same(panel["a"], alone)
    assert panel["a"].model.summary_notes == alone.model.summary_notes


@pytest.fixture(scope="module")
def broken(df):
    parts = {
        "constant": np.full(50, 7.0),
        "infinite": np.where(np.arange(50) == 9, np.inf, values(50, 1)),
        "missing": np.full(50, np.nan),
        "short": values(2, 0),
    }
    dates = pd.date_range("2015-01-01", periods=50, freq="MS")
    more = [pd.DataFrame({"unique_id": name, "ds": dates[: len(y)], "y": y}) for name, y in parts.items()]
    with pytest.warns(ModelWarning, match="Of 7 series 4 could not be fitted, the first 'constant'") as caught:
        panel = prt.fit_panel(pd.concat([df, *more]), **QUICK)
    assert len(caught) == 1
    return panel


def test_series_that_cannot_be_fitted_do_not_touch_the_others(broken, panel):
    pd.testing.assert_frame_equal(broken.table.loc[list("abc")], panel.table)
    failed = broken.table[broken.table["status"] == "not fitted"]
    assert failed.index.tolist() == ["constant", "infinite", "missing", "short"]
    assert failed["nobs"].isna().all() and not failed["converged"].any()
    for name, words in {
        "constant": "'y' is constant",
        "infinite": "'y' has 1 infinite values",
        "missing": "'y' has no observations",
        "short": "'y' has 2 observations",
    }.items():
        assert words in failed.at[name, "message"]
        with pytest.raises(ValueError, match=f"Series '{name}' could not be fitted: {words}"):
            broken[name]
    assert broken.fitted_ids.tolist() == ["a", "b", "c"]
    assert len(broken) == 7 and "short" in broken


def test_a_panel_of_which_nothing_can_be_fitted_is_an_error():
    df = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 10), "ds": np.tile(range(10), 2), "y": 1.0})
    with pytest.raises(ValueError, match="None of the 2 series could be fitted; the first, 'a': 'y' is constant"):
        prt.fit_panel(df)


def test_series_that_did_not_converge_are_counted(df):
    with pytest.warns(ModelWarning, match="Of 3 series 3 did not converge, the first 'a'"):
        panel = prt.fit_panel(df, units=(2,), n_starts=1, maxiter=2)
    assert set(panel.table["status"]) == {"stopped at maxiter"}
    assert panel.table["message"].str.contains("try a larger maxiter").all()


def test_params_and_features_are_those_of_the_single_results(df, panel):
    for name in panel:
        np.testing.assert_array_equal(panel.params.loc[name], panel[name].params)
        pd.testing.assert_frame_equal(panel.recurrence_features.loc[name], panel[name].recurrence_features)
    assert panel.params.columns.tolist() == panel["a"].model.param_names


def test_names_may_be_tuples():
    plain = long({"a": 40, "b": 40})
    pairs = plain.assign(unique_id=[(1, name) for name in plain["unique_id"]])
    panel, named = prt.fit_panel(pairs, **QUICK), prt.fit_panel(plain, **QUICK)
    features = panel.recurrence_features
    assert features.index.tolist() == [((1, "a"), "unit1"), ((1, "b"), "unit1")]
    assert features.index.names == ["unique_id", "unit"]
    np.testing.assert_array_equal(features["gain"], named.recurrence_features["gain"])
    np.testing.assert_array_equal(panel.params, named.params)
    assert (1, "b") in panel and panel[1, "b"].llf == named["b"].llf
    assert panel.forecast(1)["unique_id"].tolist() == [(1, "a"), (1, "b")]


def test_parameters_of_short_series_of_several_frequencies_need_no_words_on_their_labels():
    df = pd.concat([long({"a": 7}), long({"b": 7}, freq="D"), long({"c": 5}, freq="W")])
    panel = prt.fit_panel(df, units=(), lags=0, linear_lags=0, n_starts=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert panel.params.shape == (3, 1)


@pytest.mark.filterwarnings("ignore:Of 4 series")
def test_fitted_values_are_those_of_the_single_results(df):
    panel = prt.fit_panel(pd.concat([df.drop(index=7), long({"few": 2})]), **QUICK)
    table = panel.fittedvalues
    assert table.columns.tolist() == ["unique_id", "ds", "y", "ParaRNN"]
    assert table["unique_id"].unique().tolist() == ["a", "b", "c"]
    for name, rows in table.set_index("ds").groupby("unique_id"):
        expected = panel[name].fittedvalues
        pd.testing.assert_series_equal(rows["ParaRNN"], expected, check_names=False, check_freq=False)
        np.testing.assert_array_equal(rows["y"] - rows["ParaRNN"], panel[name].resid)


def test_the_summary_counts(broken):
    text = str(broken.summary())
    assert "Panel of ParaRNN models" in text
    for label, count in {"Series:": 7, "Fitted:": 3, "Not fitted:": 4}.items():
        line = next(line for line in text.splitlines() if line.startswith(label))
        assert line.split()[len(label.split())] == str(count)
    assert "[1] 'constant': 'y' is constant" in text
    assert repr(broken) == "<Panel of 7 series, 3 fitted with ParaRNN>"


def test_an_unknown_name_is_met_with_the_nearest(panel):
    with pytest.raises(KeyError, match=r"no series 'aa'; did you mean 'a'\?"):
        panel["aa"]
    with pytest.raises(KeyError, match="no series 99; its 3 series begin with 'a'"):
        panel[99]
    with pytest.raises(TypeError, match=r"takes the name of one series, not \['a', 'b'\]"):
        panel[["a", "b"]]
    assert ["a"] not in panel


MISTAKES = {
    "unknown": ({"lag": 2}, TypeError, r"no argument 'lag'; did you mean 'lags'\?"),
    "far": ({"colour": 2}, TypeError, "no argument 'colour'; ParaRNN has lags, units"),
    "start_params": ({"start_params": [1.0]}, TypeError, "parameters of its own for each series"),
    "dates": ({"dates": []}, TypeError, "those in time_col"),
    "formula": ({"formula": "y ~ x"}, TypeError, "which exog_cols names"),
    "n_jobs": ({"n_jobs": -1}, TypeError, "numba.set_num_threads says"),
    "units": ({"units": "x"}, TypeError, "units must be"),
    "lags": ({"lags": -1}, ValueError, "lags must be"),
    "trend": ({"trend": "q"}, ValueError, "trend must be one of"),
    "missing": ({"missing": "drop"}, ValueError, "missing='drop' would break"),
    "penalty": ({"penalty": -1}, ValueError, "penalty must be"),
    "maxiter": ({"maxiter": 0}, ValueError, "maxiter must be a positive integer"),
    "tol": ({"tol": 0}, ValueError, "tol must be a positive number"),
    "n_starts": ({"n_starts": 0}, ValueError, "n_starts must be a positive integer"),
    "cov_type": ({"cov_type": "x"}, ValueError, "cov_type must be one of"),
    "cov_kwds": ({"cov_kwds": {"lags": 2}, "cov_type": "HAC"}, ValueError, "cov_kwds has 'lags'"),
    "rng": ({"rng": "x"}, TypeError, "rng must be None"),
    "negative": ({"rng": -1}, ValueError, "rng must be None"),
    "model": ({"model": int}, TypeError, "model must be a class of models"),
    "instance": ({"model": prt.SISTARNN}, TypeError, "model must be a class of models"),
    "select": ({"select": "yes"}, TypeError, "select must be True or False"),
    "chosen": ({"select": True, "units": 2}, TypeError, "with select=True, which chooses it"),
    "searched": ({"select": True, "model": prt.LSTM}, ValueError, "chooses lags and units of a ParaRNN"),
    "criterion": ({"select": True, "criterion": "x"}, ValueError, "criterion must be one of"),
    "max_lags": ({"select": True, "max_lags": [1]}, TypeError, "max_lags must be an integer of 0 or more"),
    "starts of a search": ({"select": True, "n_starts": 0}, ValueError, "n_starts must be"),
    "device": ({"device": "tpu"}, ValueError, "device must be one of"),
    "device of a cell": ({"model": prt.LSTM, "device": "cuda"}, ValueError, "device must be 'cpu' for LSTM"),
    "engine": ({"engine": 4}, TypeError, "the number of threads is numba's"),
    "deterministic": ({"deterministic": "x"}, TypeError, "deterministic must be a statsmodels DeterministicProcess"),
    "freq": ({"freq": "fortnight"}, ValueError, "freq='fortnight' is not a frequency that pandas knows"),
}


@pytest.mark.parametrize(("options", "kind", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_an_option_is_met_before_any_fit(df, options, kind, words, monkeypatch):
    monkeypatch.setattr("pararnn_ts.panel.panel.fit_all", lambda *a: pytest.fail("a series was fitted"))
    with pytest.raises(kind, match=words):
        prt.fit_panel(df, **options)


def test_a_season_that_no_index_tells_is_met_before_any_fit():
    df = pd.DataFrame({"unique_id": "a", "ds": range(30), "y": values(30, 0)})
    with pytest.raises(ValueError, match="seasonal=True needs the length of the season"):
        prt.fit_panel(df, seasonal=True)
