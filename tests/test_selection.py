"""Order selection: what is searched, how it is ranked, what is chosen."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

import pararnn_ts as prt
from pararnn_ts import search, selection
from pararnn_ts.models.pararnn import ParaRNN

SMALL = {"max_lags": 1, "max_linear_lags": 3, "max_units": 1, "n_starts": 4}


def autoregression(n, seed):
    rng = np.random.default_rng(seed)
    y, e = np.zeros(n + 50), rng.standard_normal(n + 50)
    for t in range(2, n + 50):
        y[t] = 1.1 * y[t - 1] - 0.5 * y[t - 2] + e[t]
    return pd.Series(y[50:], pd.RangeIndex(n), name="y")


def threshold(n, seed):
    rng = np.random.default_rng(seed)
    y, e = np.zeros(n + 50), rng.standard_normal(n + 50)
    for t in range(1, n + 50):
        y[t] = 1.0 - 0.9 * abs(y[t - 1]) + 0.5 * e[t]
    return pd.Series(y[50:], pd.RangeIndex(n), name="y")


@pytest.fixture(scope="module")
def linear():
    return prt.select_order(autoregression(300, 0), **SMALL)


@pytest.fixture(scope="module")
def nonlinear():
    return prt.select_order(threshold(400, 1), **SMALL)


def test_linear_models_of_every_order_are_candidates(linear):
    without = linear.table[[not units for units in linear.table["units"]]]
    assert sorted(without["linear_lags"]) == [(), (1,), (1, 2), (1, 2, 3)]


def test_no_units_for_a_linear_series(linear):
    assert linear.best.units == ()
    assert linear.best.linear_lags[:2] == (1, 2)
    assert linear.model.units == ()


def test_units_for_a_threshold_series(nonlinear):
    assert nonlinear.best.units != ()
    bare = nonlinear.table[[not units for units in nonlinear.table["units"]]]
    assert nonlinear.table["log_evidence"].iloc[0] > bare["log_evidence"].max() + 10


def test_rows_are_ordered_and_one_is_chosen(nonlinear):
    table = nonlinear.table
    assert table["log_evidence"].is_monotonic_decreasing
    assert table["chosen"].sum() == 1
    chosen = table[table["chosen"]].iloc[0]
    assert (chosen["linear_lags"], chosen["lags"], chosen["units"]) == (
        nonlinear.best.linear_lags,
        nonlinear.best.lags,
        nonlinear.best.units,
    )


def test_the_chosen_candidate_has_nearly_the_largest_weight_in_the_average(nonlinear, linear):
    for chosen in (nonlinear, linear):
        weights = chosen.average().weights
        assert weights[chosen.best.label] >= np.exp(-selection.PLAUSIBLE) * weights.max()


def test_all_candidates_are_compared_on_the_same_rows(nonlinear):
    counts = {int(one.model.used.sum()) for one in nonlinear._fitted.values()}
    assert counts == {400 - 3}


def test_the_results_are_those_of_the_chosen_candidate(nonlinear):
    results = nonlinear.results
    assert results.converged
    assert results.model.units == nonlinear.best.units
    row = nonlinear.table[nonlinear.table["chosen"]].iloc[0]
    assert results.log_evidence == pytest.approx(row["log_evidence"], abs=1.0)
    assert nonlinear.model.hold_back == 3


def test_the_chosen_candidate_is_fitted_until_it_has_converged():
    # Student's law and weights take turns, and come to rest after some 300 evaluations
    results = prt.select_order(prt.datasets.load_sunspots(), rng=0).results
    assert results.model.errors == "t"
    assert results.converged


def test_threads_do_not_matter(monkeypatch):
    y = threshold(150, 2)
    tables = []
    for count in (1, 2):
        monkeypatch.setattr(search, "n_threads", lambda count=count: count)
        tables.append(prt.select_order(y, **SMALL).table)
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_a_single_number_stands_for_itself():
    y = autoregression(80, 7)
    one = prt.select_order(y, seasonal_lags=6, unit_dims=2, **SMALL).table
    listed = prt.select_order(y, seasonal_lags=[6], unit_dims=[2], **SMALL).table
    pd.testing.assert_frame_equal(one, listed)
    assert all(6 in lags for lags in one["linear_lags"]) and set(one["units"]) == {(), (2,)}


def test_seasonal_lags_are_in_every_candidate():
    y = autoregression(120, 3)
    sel = prt.select_order(y, seasonal_lags=(12,), **SMALL)
    assert all(12 in lags for lags in sel.table["linear_lags"])
    assert any(12 in lags for lags in sel.table["lags"])


@pytest.mark.parametrize(("criterion", "rising"), [("aic", True), ("bic", True), ("cv", True), ("evidence", False)])
def test_criteria_order_the_table(criterion, rising):
    sel = prt.select_order(threshold(150, 4), criterion=criterion, **SMALL)
    column = sel.table["log_evidence" if criterion == "evidence" else criterion]
    assert column.is_monotonic_increasing if rising else column.is_monotonic_decreasing


def test_information_criteria_are_those_of_the_results():
    y = autoregression(200, 5)
    sel = prt.select_order(y, max_lags=1, max_linear_lags=2, max_units=0)
    for candidate, one in sel._fitted.items():
        results = one.model.fit(start_params=one.found.params)
        row = sel.table[[lags == candidate.linear_lags for lags in sel.table["linear_lags"]]].iloc[0]
        assert row["aic"] == pytest.approx(results.aic, abs=1e-3)
        assert row["bic"] == pytest.approx(results.bic, abs=1e-3)


def test_exogenous_values_and_labels_reach_the_model():
    rng = np.random.default_rng(6)
    index = pd.period_range("2001-01", periods=120, freq="M")
    x = pd.DataFrame({"price": rng.standard_normal(120)}, index)
    y = 2.0 * x["price"] + pd.Series(rng.standard_normal(120), index)
    sel = prt.select_order(y.rename("sales"), x, **SMALL)
    assert "linear.price" in sel.results.params.index
    assert sel.results.params["linear.price"] == pytest.approx(2.0, abs=0.5)


def test_dates_of_an_array_are_those_of_a_series():
    y, dates = autoregression(80, seed=0).to_numpy(), pd.period_range("2001-01", periods=80, freq="M")
    found, labelled = prt.select_order(y, dates=dates, **SMALL), prt.select_order(pd.Series(y, dates), **SMALL)
    pd.testing.assert_series_equal(found.results.forecast(3), labelled.results.forecast(3))
    pd.testing.assert_series_equal(found.average().forecast(3), labelled.average().forecast(3))


def test_gaps_are_handled():
    y = threshold(150, 7)
    y.iloc[[20, 21, 90]] = np.nan
    sel = prt.select_order(y, max_lags=1, max_linear_lags=1, max_units=1, n_starts=2)
    assert np.isfinite(sel.table["log_evidence"]).all()
    assert np.isfinite(sel.results.forecast(3)).all()


def test_short_series_get_fewer_lags():
    sel = prt.select_order(autoregression(30, 8), max_units=1, n_starts=2)
    assert max(len(lags) for lags in sel.table["linear_lags"]) == 5
    assert "30 observations allow no more than 5 lags" in sel.notes


def test_a_candidate_describes_itself():
    candidate = search.Candidate((1, 2, 12), (1,), (1, 2))
    assert candidate.label == "linear lags 1-2,12; units 1,2 on lags 1"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"criterion": "r2"}, ValueError, "criterion must be one of 'evidence', 'aic', 'bic', 'cv', but is 'r2'"),
        ({"criterion": np.array(["aic", "bic"])}, ValueError, r"criterion must be .* but is array\(\['aic', 'bic'\]"),
        ({"errors": 5}, ValueError, "errors must be one or more of 'normal', 't', but is 5"),
        ({"errors": [["t"]]}, ValueError, r"errors must be one or more of 'normal', 't', but is \[\['t'\]\]"),
        ({"device": np.array(["cpu", "cuda"])}, ValueError, "device must be one of .* but is of type ndarray"),
        ({"device": pd.Series(["cpu", "cuda"])}, ValueError, "device must be one of .* but is of type Series"),
        ({"lags": 2}, TypeError, "select_order chooses lags itself; leave it out, or pass max_lags"),
        (
            {"units": (1,)},
            TypeError,
            "select_order chooses units itself; leave it out, or pass max_units and unit_dims",
        ),
        ({"n_starts": 10**9}, ValueError, "n_starts must be at most 1,000,000"),
        ({"progress": "no"}, TypeError, "progress must be True or False"),
        ({"hold_back": -1}, ValueError, "hold_back must be an integer of 0 or more"),
        ({"hold_back": 95}, ValueError, "need at least 105; choose a smaller hold_back than 95"),
        ({"max_lags": [1, 2]}, TypeError, "max_lags must be an integer of 0 or more"),
        ({"max_units": -1}, ValueError, "max_units must be an integer of 0 or more"),
        ({"n_starts": 0}, ValueError, "n_starts must be a positive integer"),
        ({"rng": "a"}, TypeError, "rng must be None, an integer of 0 or more or a numpy Generator"),
        ({"unit_dims": 1.5}, TypeError, "unit_dims must be"),
        ({"unit_dims": (2, 2)}, ValueError, "unit_dims must be"),
        ({"seasonal_lags": (0,)}, ValueError, "seasonal_lags must be a positive integer .* but is \\(0,\\)"),
        ({"seasonal_lags": (95,)}, ValueError, "leave out the longest of seasonal_lags"),
        ({"trnd": "ct"}, TypeError, "trnd"),
    ],
)
def test_bad_arguments_get_a_sentence(options, error, words):
    with pytest.raises(error, match=words):
        prt.select_order(autoregression(100, 9), **options)


def test_options_of_the_model_are_kept():
    sel = prt.select_order(autoregression(100, 10).cumsum(), diff=1, trend="n", max_units=0, max_linear_lags=2)
    assert isinstance(sel.model, ParaRNN)
    assert (sel.model.diff, sel.model.trend) == (1, "n")


def test_a_series_too_short_for_the_candidates_is_said_to_be_short():
    with pytest.raises(ValueError, match=r"8 observations, but the candidates need at least .* longer series\.$"):
        prt.select_order(np.random.default_rng(0).standard_normal(8))


def test_candidates_are_the_models_that_the_constructor_makes():
    y = autoregression(120, 9)
    y = pd.Series(y.to_numpy(), pd.period_range("2001-01", periods=120, freq="M"), name="y")
    exog = pd.DataFrame({"x": np.random.default_rng(1).normal(size=120)}, y.index)
    y.iloc[[40, 41]] = np.nan
    sel = prt.select_order(y, exog, trend="ct", errors=("normal", "t"), max_lags=2, max_linear_lags=2, max_units=1,
                           n_starts=2)  # fmt: skip
    for candidate, one in sel._fitted.items():
        made = prt.ParaRNN(y, exog, lags=list(candidate.lags), units=candidate.units, errors=candidate.errors,
                           linear_lags=list(candidate.linear_lags), hold_back=2, trend="ct")  # fmt: skip
        assert one.model._get_init_kwds() == made._get_init_kwds()
        assert one.model.data.param_names == made.param_names == one.model.param_names
        ours, theirs = (model.evaluate(one.found.params) for model in (one.model, made))
        pd.testing.assert_series_equal(ours.fittedvalues, theirs.fittedvalues)
        pd.testing.assert_frame_equal(ours.cov_params(), theirs.cov_params())


@pytest.mark.parametrize(("dof", "count", "law"), [(np.inf, search.PARTY, "normal"), (4.0, 13, "t")])
def test_students_law_is_tried_on_as_long_as_it_is_better_for_some(monkeypatch, dof, count, law):
    rng = np.random.default_rng(3)
    shocks = rng.standard_normal(200) if np.isinf(dof) else rng.standard_t(dof, 200)
    # every candidate is promising: the rule alone decides
    monkeypatch.setattr(search, "student_gain", lambda resid: 10.0)
    tried = []
    monkeypatch.setattr(
        search, "estimate_student", lambda *given, fit=search.estimate_student: tried.append(0) or fit(*given)
    )
    sel = prt.select_order(shocks, max_units=0, max_linear_lags=12)
    assert len(sel.table) == 13
    assert len(tried) == count
    assert set(sel.table["errors"]) == {law}


def test_rows_that_are_held_back_are_predicted_by_no_candidate():
    y = autoregression(100, 11)
    sel = prt.select_order(y, hold_back=30, **SMALL)
    assert {int(one.model.used.sum()) for one in sel._fitted.values()} == {70}
    assert sel.model.hold_back == 30 and sel.results.fittedvalues.isna().sum() == 30
    # no more than the lags need where that is more
    assert prt.select_order(y, hold_back=1, **SMALL).model.hold_back == 3


@pytest.mark.parametrize("seed", [100, 109, 110])
def test_counts_are_predicted_by_their_mean_and_not_by_the_most_frequent(seed):
    """Under Student's law most zeros are as likely as one likes, in the limit of a spread of zero around them."""
    counts = pd.Series(np.random.default_rng(seed).poisson(0.3, 150).astype(float))
    results = prt.select_order(counts, max_lags=1, max_linear_lags=2, max_units=1).results
    assert results.details.law.dof > search.HEAVIEST
    assert abs(results.forecast(5).iloc[-1] - counts.mean()) < 0.1 * counts.mean()


@pytest.mark.parametrize("seed", range(3))
def test_shocks_without_a_variance_are_no_reason_for_units(seed):
    """Under the normal law units would be spent on a few large shocks, which nothing predicts."""
    shocks = np.random.default_rng(seed).standard_t(2.0, 220)
    y = lfilter([1.0], [1.0, -1.2, 0.5], shocks)[100:]
    sel = prt.select_order(y, max_lags=2, max_linear_lags=4, max_units=1, n_starts=4)
    assert sel.best.units == () and sel.best.errors == "t"
    # one step ahead the most that could be known is known up to a part of a typical shock
    known = sel.results.fittedvalues[4:] - (1.2 * y[3:-1] - 0.5 * y[2:-2])
    assert np.median(np.abs(known)) < 0.4 * np.median(np.abs(shocks))


def test_information_criteria_have_the_likelihood_of_the_law_whatever_it_is():
    sel = prt.select_order(autoregression(200, 5), max_lags=1, max_linear_lags=2, max_units=0, errors="t")
    for (_, one), aic, bic in zip(sel._fitted.items(), sel.table["aic"], sel.table["bic"], strict=True):
        llf, k = one.model.loglike(one.found.params), one.found.curvature.effective + 2.0
        assert (aic, bic) == pytest.approx((2.0 * (k - llf), np.log(one.model.used.sum()) * k - 2.0 * llf), abs=1e-6)


@pytest.mark.parametrize("criterion", ["aic", "bic"])
def test_information_criteria_choose_the_law_by_its_own_likelihood(criterion):
    rng = np.random.default_rng(4)
    for shocks, law in ((rng.standard_t(4, 400), "t"), (rng.standard_normal(400), "normal")):
        sel = prt.select_order(shocks, criterion=criterion, max_lags=1, max_linear_lags=1, max_units=0)
        assert sel.best.errors == law


# -------------------------------------------------------------------------------------------------- differences


def drifting(n, seed):
    return pd.Series(np.cumsum(0.5 + np.random.default_rng(seed).standard_normal(n)), pd.RangeIndex(n), name="y")


def test_candidates_of_the_differences_of_a_random_walk_join_those_in_levels():
    found = prt.select_order(drifting(200, 0), **SMALL)
    table = found.table
    assert set(table["diff"]) == {0, 1} and table["diff"].iloc[0] == 1
    # on the same rows, so that a difference takes the place of a direct lag
    longest = table.groupby("diff")["linear_lags"].agg(lambda lags: max(map(len, lags)))
    assert longest.to_dict() == {0: 3, 1: 2}
    assert len({int(one.model.used.sum()) for one in found._fitted.values()}) == 1
    # forecasts go on with the drift for ever, those of a stationary model do not
    far = found.average().forecast(60)
    assert 0.2 < (far.iloc[-1] - far.iloc[29]) / 30 < 0.8


@pytest.mark.parametrize("criterion", ["evidence", "bic", "cv"])
def test_the_best_candidate_in_differences_is_the_model_that_differences(criterion):
    y = drifting(150, 1)
    found = prt.select_order(y, criterion=criterion, max_lags=1, max_linear_lags=2, max_units=0)
    best = next(one for one in found._fitted if one.diff)
    alone = prt.ParaRNN(y, units=(), lags=0, linear_lags=list(best.linear_lags) or 0, diff=1, hold_back=2).fit()
    np.testing.assert_allclose(found._fitted[best].found.params, alone.params, rtol=1e-6, atol=1e-8)
    assert found._fitted[best].found.log_evidence == pytest.approx(alone.log_evidence, abs=1e-6)


def test_a_stationary_series_is_searched_in_levels_as_if_there_were_no_differences():
    y = autoregression(150, 3)
    table, expected = (prt.select_order(y, **SMALL, max_diff=most).table for most in (1, 0))
    pd.testing.assert_frame_equal(table, expected)
    assert not table["diff"].any()


def test_differences_are_tried_only_where_nobody_has_settled_them():
    y = drifting(120, 2)
    assert not prt.select_order(y, **SMALL, max_diff=0).table["diff"].any()
    assert set(prt.select_order(y, **SMALL, diff=1).table["diff"]) == {1}
    # a regression of differences would be another regression
    exog = pd.DataFrame({"x": np.random.default_rng(0).standard_normal(120)})
    assert not prt.select_order(y, exog, **SMALL).table["diff"].any()
    with pytest.raises(ValueError, match="max_diff"):
        prt.select_order(y, max_diff=-1)
    # the differences of a straight line have nothing to be modelled
    line = prt.select_order(np.arange(40.0), max_lags=1, max_linear_lags=2, max_units=0)
    np.testing.assert_allclose(line.results.forecast(2), [40.0, 41.0])


def test_a_warning_about_the_series_is_given_once_however_many_orders_are_tried():
    y = drifting(60, 4).set_axis(pd.date_range("2000-01-31", periods=61, freq="ME").delete(5))
    with pytest.warns(UserWarning, match="absent") as heard:
        found = prt.select_order(y, max_lags=1, max_linear_lags=1, max_units=0)
    assert len(heard) == 1 and 1 in set(found.table["diff"])
