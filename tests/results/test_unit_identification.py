"""What the data can tell about units: limits in which the answer is known, and what the summary makes of it."""

import warnings

import numpy as np
import pytest

from pararnn_ts._compat import ValueWarning
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.identification import effective_parameters
from pararnn_ts.specification import UnitWeights

UNIT = UnitWeights(np.array([[0.6]]), np.array([[1.0]]), np.array([0.3]), np.array([-1.5]))
CYCLE = UnitWeights(
    np.array([[0.7, -0.5], [0.5, 0.7]]), np.array([[1.0], [0.2]]), np.array([0.2, -0.1]), np.array([1.5, -1.0])
)


def series(units, n=3000, seed=0):
    """Series of a ParaRNN with one direct lag."""
    rng = np.random.default_rng(seed)
    y, states = np.zeros(n + 100), [np.zeros(len(u.v)) for u in units]
    for t in range(1, len(y)):
        states = [np.tanh(u.W @ h + u.U[:, 0] * y[t - 1] + u.b) for u, h in zip(units, states, strict=True)]
        y[t] = 0.5 * y[t - 1] + sum(u.v @ h for u, h in zip(units, states, strict=True)) + rng.standard_normal()
    return y[100:]


def evaluated(units, process=(UNIT, CYCLE)):
    """Results at given units, on a series of the process."""
    model = ParaRNN(series(process), units=tuple(len(u.v) for u in units))
    return model.evaluate(model.specification.join([0.0, 0.5], units))


def test_units_of_the_process_are_identified():
    table = evaluated([UNIT, CYCLE]).identification
    assert table["identified"].all() and (table["note"] == "").all()
    assert (table["deviance"] > 10).all()
    np.testing.assert_allclose(table["effective"], table["parameters"], rtol=1e-6)


def test_deviance_is_what_a_linear_regression_loses():
    results = evaluated([UNIT, CYCLE])
    rows = results.model.jacobian(results.params)
    spec = results.model.specification
    own, rest = rows[:, spec.unit_slices[0]], np.delete(rows, range(*spec.unit_slices[0].indices(rows.shape[1])), 1)
    component = own[:, -1] * results.params[spec.unit_slices[0].stop - 1]
    lost = component - rest @ np.linalg.lstsq(rest, component)[0]
    assert results.identification["deviance"].iloc[0] == pytest.approx(lost @ lost / results.scale, rel=1e-6)


@pytest.mark.parametrize("v", [0.0, 1e-3])
def test_a_unit_that_adds_nothing_is_not_identified(v):
    idle = UNIT._replace(v=np.array([v]))
    results = evaluated([idle, CYCLE])
    assert list(results.identification["identified"]) == [False, True]
    text = results.summary().as_text()
    assert "unit1 is not identified: its component" in text
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith("unit")}
    # name, coefficient and at most a standard error
    assert len(lines["unit1.W"]) <= 3 and len(lines["unit2.W[1,1]"]) == 7


def test_equal_units_are_twins_up_to_their_symmetries():
    sign = np.array([1.0, -1.0])
    mirrored = UnitWeights(
        CYCLE.W * np.outer(sign, sign), CYCLE.U * sign[:, None], CYCLE.b * sign, 0.5 * CYCLE.v * sign
    )
    nearly = CYCLE._replace(W=CYCLE.W + 1e-3, v=0.5 * CYCLE.v)
    table = evaluated([nearly, mirrored], [CYCLE]).identification
    assert list(table["twin"]) == ["unit2", "unit1"]
    assert not table["identified"].any()
    assert table["note"].iloc[0] == "it cannot be told from unit2, only the sum of their output weights counts"


def test_different_units_are_not_twins():
    other = CYCLE._replace(W=np.array([[-0.5, 0.0], [0.0, 0.2]]), U=np.array([[1.5], [-1.0]]))
    table = evaluated([CYCLE, other], [CYCLE, other]).identification
    assert (table["twin"] == "").all()


def test_parameters_along_flat_directions_have_no_standard_errors(sales):
    # with the identity only products of input and output weights count, but the memory is identified
    model = ParaRNN(sales, units=(1,), activation="identity", trend="n")
    unit = UnitWeights(np.array([[-0.4]]), np.array([[1.0]]), np.zeros(1), np.array([0.5]))
    results = model.evaluate(model.specification.join([0.3], [unit]))
    assert results.bse[["unit1.U[sales.L1]", "unit1.v"]].isna().all()
    assert np.isfinite(results.bse[["unit1.W", "linear.sales.L1"]]).all()
    assert results.recurrence_features["modulus_se"].iloc[0] == pytest.approx(results.bse["unit1.W"], rel=1e-3)
    assert "directions without information move" in results.identification["note"].iloc[0]


def test_effective_parameters_add_up_to_those_of_the_fit(fitted):
    counted = effective_parameters(fitted._results)
    assert ((counted >= 0) & (counted <= 1)).all()
    assert counted.sum() == pytest.approx(fitted.df_model, rel=0.05)


def test_the_penalty_removes_a_unit_that_is_not_there():
    y = series([], n=300, seed=3)
    row = ParaRNN(y, units=(1,)).fit(n_starts=4).identification.iloc[0]
    assert not row["identified"] and row["effective"] < 1.0


def test_the_summary_survives_the_data_and_the_table_does_not():
    results = evaluated([UNIT._replace(v=np.array([0.0])), CYCLE])
    text = results.summary().as_text()
    results.remove_data()
    assert results.summary().as_text() == text
    with pytest.raises(RuntimeError, match="data of these results were removed"):
        results.identification  # noqa: B018


def test_a_model_without_units_has_an_empty_table(sales):
    assert ParaRNN(sales, units=()).fit().identification.empty


def test_a_modulus_near_one_is_noted():
    # a random walk seen through an identity unit
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.standard_normal(80))
    model = ParaRNN(y, units=(1,), activation="identity", linear_lags=0, trend="n")
    unit = UnitWeights(np.array([[0.97]]), np.array([[0.2]]), np.zeros(1), np.array([0.5]))
    row = model.evaluate(model.specification.join([], [unit])).recurrence_features.iloc[0]
    assert "within two standard errors of one" in row["note"] and np.isnan(row["half_life_se"])


def test_hypotheses_about_what_is_not_identified_carry_a_warning():
    idle = UNIT._replace(v=np.array([0.0]))
    results = evaluated([idle, CYCLE])
    for test in (results.t_test, results.wald_test, results.f_test):
        with pytest.warns(ValueWarning, match="about unit1.v, which the data do not identify"):
            test("unit1.v = 0, linear.y.L1 = 0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results.wald_test("unit2.v[1] = 0, unit2.v[2] = 0")


def test_identification_belongs_to_the_sample_of_the_fit(fitted, sales):
    longer = fitted.append(sales[120:])
    with pytest.raises(ValueError, match="ask the results of the fit"):
        longer.identification  # noqa: B018
    assert "not identified" not in longer.summary().as_text()


def test_tests_of_flat_directions_are_nan_and_of_what_is_identified_are_not(sales):
    model = ParaRNN(sales, units=(1,), activation="identity", trend="n")
    unit = UnitWeights(np.array([[-0.4]]), np.array([[1.0]]), np.zeros(1), np.array([0.5]))
    results = model.evaluate(model.specification.join([0.3], [unit]))
    with pytest.warns(ValueWarning, match="do not identify"):
        each = results.t_test(np.eye(len(results.params)))
    np.testing.assert_allclose(each.tvalue, results.tvalues, rtol=1e-14)
    with pytest.warns(ValueWarning, match="do not identify"):
        assert np.isnan(results.wald_test("unit1.v = 0, unit1.W = 0").pvalue)
    # the product of input and output weights is identified: at (1, 0.5) it moves with 0.5 U + v
    contrast = np.zeros(len(results.params))
    contrast[[results.model.param_names.index("unit1.U[sales.L1]"), -1]] = 0.5, 1.0
    with pytest.warns(ValueWarning, match="do not identify"):
        assert np.isfinite(results.t_test(contrast).sd).all()


def test_hypotheses_can_be_tested_without_the_data(sales):
    results = ParaRNN(sales, units=(1,), activation="identity").fit(penalty=0, n_starts=2)
    with pytest.warns(ValueWarning, match="do not identify"):
        before = results.t_test(np.eye(len(results.params))).tvalue
    results.remove_data()
    with pytest.warns(ValueWarning, match="do not identify"):
        np.testing.assert_array_equal(results.t_test(np.eye(len(results.params))).tvalue, before)
