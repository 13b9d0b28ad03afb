"""Categories of a formula are compared two by two as statsmodels compares them."""

import io

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

import pararnn_ts as prt

PAIRS = ["b-a", "c-a", "c-b"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": list("abc") * 30, "x": rng.standard_normal(90)}, pd.period_range("2001", periods=90))
    return frame.assign(y=frame["g"].map({"a": 0.0, "b": 0.3, "c": 1.0}) + frame["x"] + rng.standard_normal(90))


def fit(formula, data, **options):
    return prt.ParaRNN.from_formula(formula, data, units=(), linear_lags=0, **options).fit(penalty=0)


@pytest.mark.parametrize("term", ["C(g)", "g", "C(g, contr.sum)", "C(g, contr.treatment('b'))"])
@pytest.mark.parametrize("loaded", [False, True])
def test_differences_do_not_depend_on_the_coding_and_are_those_of_least_squares(data, term, loaded):
    results = fit(f"y ~ {term} + x", data)
    if loaded:
        file = io.BytesIO()
        results.save(file)
        file.seek(0)
        results = prt.load(file)
    found = results.t_test_pairwise(term, method=["bonferroni", "hs"]).result_frame
    expected = smf.ols("y ~ C(g) + x", data).fit(use_t=False)
    theirs = expected.t_test_pairwise("C(g)", method=["bonferroni", "hs"]).result_frame
    assert found.index.tolist() == theirs.index.tolist() == PAIRS
    assert found.columns.tolist() == theirs.columns.tolist()
    assert_allclose(found.drop(columns=["reject-bonferroni", "reject-hs"]).to_numpy(float),
                    theirs.drop(columns=["reject-bonferroni", "reject-hs"]).to_numpy(float), rtol=1e-6)  # fmt: skip
    assert (found["reject-hs"] == theirs["reject-hs"]).all()


def test_a_full_set_of_columns_has_the_same_differences(data):
    found = fit("y ~ 0 + g", data).t_test_pairwise("g")
    assert_allclose(found.result_frame["coef"], fit("y ~ g", data).t_test_pairwise("g").result_frame["coef"])
    assert found.contrasts.shape == (3, 3) and (found.contrasts.sum(axis=1) == 0).all()


def test_pairs_are_the_hypotheses_in_words(data):
    results = prt.ParaRNN.from_formula("y ~ C(g)", data, units=(1,)).fit(n_starts=2)
    frame = results.t_test_pairwise("C(g)", factor_labels=["low", "middle", "high"]).result_frame
    assert frame.index.tolist() == ["middle-low", "high-low", "high-middle"]
    by_hand = results.t_test("linear.C(g)[T.c] = linear.C(g)[T.b]")
    assert frame.loc["high-middle", "P>|z|"] == pytest.approx(float(by_hand.pvalue))


def test_what_cannot_be_compared_is_told_in_one_sentence(data):
    results = fit("y ~ C(g) + x + x:C(g)", data)
    with pytest.raises(ValueError, match=r"'x' is no categorical main effect .* they are C\(g\)"):
        results.t_test_pairwise("x")
    with pytest.raises(ValueError, match=r"factor_labels has 2 names, but C\(g\) has the 3 categories a, b, c"):
        results.t_test_pairwise("C(g)", factor_labels=["a", "b"])
    with pytest.raises(ValueError, match="was not made from one"):
        prt.ParaRNN(data["y"], units=()).fit().t_test_pairwise("C(g)")
    with pytest.raises(ValueError, match="it has none"):
        fit("y ~ x", data).t_test_pairwise("C(g)")
    for formula, dropped in (("y ~ C(g)", "C(g)[T.c]"), ("y ~ C(x > 0)", None)):
        with pytest.raises(ValueError, match="does not say which of the columns"):
            fit(formula, data, drop_cols=dropped).t_test_pairwise(formula[4:])
