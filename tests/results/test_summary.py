"""The summary says what is true, in all its forms."""

import csv
import io
import re
import warnings
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt
from pararnn_ts.models.pararnn import ParaRNN


def test_header(fitted):
    text = fitted.summary().as_text()
    for label, value in {
        "Dep. Variable": "sales",
        "Sample": "2001-01",
        "No. Observations": "118",
        "Missing": "0",
        "Log Likelihood": f"{fitted.llf:.3f}",
        "AIC": f"{fitted.aic:.3f}",
        "BIC": f"{fitted.bic:.3f}",
        "HQIC": f"{fitted.hqic:.3f}",
        "Log Evidence": f"{fitted.log_evidence:.3f}",
        "Effective Params": f"{fitted.df_model:.2f} of {len(fitted.params)}",
        "Penalty": "evidence",
        "Covariance Type": "laplace",
    }.items():
        assert re.search(rf"{re.escape(label)}:?\s+{re.escape(value)}", text), label
    assert "- 2010-12" in text and "ParaRNN(2, 1), tanh" in text


def test_every_parameter_and_unit_is_there(fitted):
    lines = fitted.summary().as_text().splitlines()
    for name, value in fitted.params.items():
        row = next(line for line in lines if line.startswith(f"{name} "))
        assert float(row.split()[1]) == pytest.approx(value, abs=1e-4)
    for unit, row in fitted.recurrence_features.iterrows():
        assert any(line.split()[:2] == [unit, row["kind"]] for line in lines)


def test_tables_are_equally_wide(fitted):
    rules = [line for line in fitted.summary().as_text().splitlines() if line.startswith("===")]
    assert len({len(line) for line in rules}) == 1


def test_level_of_the_intervals(fitted):
    assert "[0.05" in fitted.summary(alpha=0.1).as_text()
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        fitted.summary(alpha=95)


def test_csv_has_one_field_for_each_cell(fitted):
    named = {row[0]: row for row in _rows(fitted.summary())}
    assert len(named["unit1.W[1,2]"]) == 7
    assert float(named["unit1.W[1,2]"][1]) == pytest.approx(fitted.params["unit1.W[1,2]"], abs=1e-4)


def test_special_characters(sales):
    results = ParaRNN(sales.rename("log_gdp_%"), units=(1,)).fit(n_starts=2)
    latex = results.summary().as_latex()
    assert r"linear.log\_gdp\_\%.L1" in latex
    assert not re.search(r"(?<!\\)_", latex)
    assert "linear.log_gdp_%.L1" in results.summary().as_html()


def test_names_with_markup_and_line_breaks_are_safe_in_every_form(sales):
    name = "A\\B {x} ~^2 <i> $5\n| \u2028tab\t&"
    summary = ParaRNN(sales.rename(name), units=(1,)).fit(n_starts=2).summary()
    # in the notes, too
    summary.add_extra_txt([f"{name} is the series.", "The end."])
    lines = summary.as_text().splitlines()
    rules = [k for k, line in enumerate(lines) if set(line) == {"="}]
    assert {len(line) for line in lines[rules[0] : rules[-1] + 1]} == {len(lines[rules[0]])}
    assert lines[-1] == "The end."
    named = {row[0]: row for row in _rows(summary)}
    assert named["Dep. Variable:"][1] == r"A\B {x} ~^2 <i> $5 |  tab &"
    latex = summary.as_latex()
    wanted = r"A\textbackslash{}B \{x\} \textasciitilde{}\textasciicircum{}2 \textless{}i"
    assert latex.count(wanted) >= 3 and "<" not in latex and "\n|" not in latex
    # an even number of dollars between the tables' own: none of the name opens mathematics
    assert len(re.findall(r"(?<!\\)\$", latex)) % 2 == 0
    html = summary.as_html()
    assert "<i>" not in html and html.count("A\\B {x} ~^2 &lt;i&gt; $5 | ") >= 3


def _rows(summary):
    return [row for row in csv.reader(io.StringIO(summary.as_csv())) if row]


def test_html_is_well_formed(fitted):
    html = fitted.summary().as_html()
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        ElementTree.fromstring(table)
    assert fitted.summary()._repr_html_() == html


def test_notes(gappy):
    results, _ = gappy
    text = " ".join(results.summary().as_text().split())
    assert "6 of 120 observations missing." in text
    assert "The first observation is given: nothing is predicted there." in text


def test_unidentified_directions_are_named(sales):
    results = ParaRNN(sales, units=(1,), activation="identity").fit(penalty=0, n_starts=2)
    lost = len(results.params) - results.covariance.rank
    text = " ".join(results.summary().as_text().split())
    assert lost == 2 and "2 of 6 directions of the parameter space are not identified" in text


def test_a_level_that_hides_the_variation_is_named(sales):
    shifted = " ".join(str(ParaRNN(sales + 3e12 * sales.std(), units=()).fit().summary()).split())
    assert "sales is 3e+12 times as large as it varies" in shifted and "subtract a constant" in shifted
    exog = 1e13 + np.arange(len(sales)) % 7
    driven = " ".join(str(ParaRNN(sales, exog, units=()).fit().summary()).split())
    assert "x1 is 5e+12 times as large as it varies" in driven
    known = str(ParaRNN(sales + 1e8 * sales.std(), 1e8 + np.arange(len(sales)) % 7, units=()).fit().summary())
    assert "as large as it varies" not in known and "not identified" not in known


@pytest.mark.parametrize(
    ("options", "named"),
    [({}, True), *((part, False) for part in ({"diff": 1}, {"trend": "ct"}, {"units": ()}, {"activation": "relu"}))],
)
def test_a_trend_that_units_cannot_follow_is_named(options, named):
    y = np.arange(60.0) + np.random.default_rng(0).normal(size=60)
    results = ParaRNN(y, **{"units": (1,)} | options).fit(n_starts=2)
    text = " ".join(results.summary().as_text().split())
    assert ("y trends: a straight line explains 100% of its variance" in text) == named
    if named:
        # as it says: the trend would rise by ten
        assert np.ptp(results.forecast(2000)[-11:]) < 1.0


def test_a_series_that_only_wanders_has_no_trend(sales):
    assert "trends:" not in ParaRNN(sales, units=(1,)).fit(n_starts=2).summary().as_text()


def test_a_fit_that_did_not_converge_is_named(sales):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = ParaRNN(sales, units=(2,)).fit(n_starts=2, maxiter=3)
    assert not results.converged
    assert "The optimiser did not converge" in results.summary().as_text()


def test_evaluated_and_linear_models(sales):
    linear = ParaRNN(sales, units=())
    results = linear.evaluate([0.1, 0.5])
    text = results.summary().as_text()
    assert "The parameters were given, not estimated." in text
    assert "unit1" not in text and "ParaRNN, linear" in text


def test_no_parameters_and_tiny_samples(sales):
    results = ParaRNN(sales, units=(1,)).fit(n_starts=2)
    text = results.extend(sales.to_numpy()[:2]).summary().as_text()
    assert re.search(r"Jarque-Bera \(JB\):\s+-", text)
    assert str(results.summary()) == results.summary().as_text()
    assert np.isfinite(results.extend(sales.to_numpy()[:2]).llf)


def test_nearly_singular_information_is_named(sales):
    # two exogenous columns that are nearly the same
    x = np.sin(np.arange(len(sales)))
    noise = np.random.default_rng(0).standard_normal(len(sales))
    results = ParaRNN(sales, np.column_stack([x, x + 1e-5 * noise]), units=()).fit(penalty=0)
    assert results.covariance.rank == len(results.params)
    assert "The information matrix is nearly singular" in results.summary().as_text()


def test_small_numbers_keep_their_digits(sales):
    results = ParaRNN(3e3 * sales, units=(1,)).fit(n_starts=2)
    place = results.model.param_names.index("unit1.U[sales.L1]")
    (shown,) = [line.split() for line in str(results.summary()).splitlines() if line.startswith("unit1.U[sales.L1]")]
    exact = [results.params.iloc[place], results.bse.iloc[place], *results.conf_int().iloc[place]]
    assert max(map(abs, exact)) < 1e-3
    for text, value in zip([shown[1], shown[2], *shown[-2:]], exact, strict=True):
        assert float(text) == pytest.approx(value, rel=5e-3)


@pytest.mark.filterwarnings("ignore:The best start did not converge")
@pytest.mark.parametrize("model", [prt.LSTM, prt.ODERNN, prt.QUNN])
def test_a_trend_is_a_note_of_units_and_no_trouble_to_cells(model):
    results = model(np.arange(60.0) + np.sin(np.arange(60.0))).fit(n_starts=1, penalty=1.0, maxiter=5)
    assert "units saturate" not in results.summary().as_text()


def test_what_holds_for_several_units_is_said_once():
    noise = np.random.default_rng(0).standard_normal(100)
    results = ParaRNN(noise, units=(1,) * 4).fit(n_starts=2)
    silent = results.identification["note"] == "its component is zero"
    assert silent.sum() > 2
    notes = " ".join(str(results.summary()).split())
    assert notes.count("its component is zero") == 1 and notes.count("contributes nothing") == 1
    first, last = results.identification.index[silent][[0, -1]]
    assert f"{first} to {last} are not identified, each: its component is zero." in notes


@pytest.mark.parametrize("make", [lambda y: prt.LSTM(y, hidden=1), lambda y: prt.ODERNN(y, hidden=1)])
def test_criteria_that_do_not_exist_are_dashes_and_one_weight_is_one(sales, make):
    text = str(make(sales).fit(penalty="early stopping", n_starts=1, maxiter=2).summary())
    assert "nan" not in text and re.search(r"AIC +-\n", text) and re.search(r"\b1\s+output weight[.;]", text)


def test_titles_of_a_comparison_are_in_its_latex(sales):
    models = {"a_b": ParaRNN(sales, units=(1,)), "linear": ParaRNN(sales, units=())}
    summary = prt.compare(sales, holdout=12, models=models).summary()
    latex = summary.as_latex()
    for table in summary.tables:
        assert rf"\textbf{{{table.title}}} \\" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == len(summary.tables)
    assert (
        latex.count(r"\begin{center}") == latex.count(r"\end{center}") == 1 and "Notes:" in latex.split("center}")[-1]
    )


def test_a_summary_without_notes_ends_with_its_table():
    index = range(12)
    table = prt.fit_panel(_long({"a": np.sin(index), "b": np.cos(index)}), units=(), lags=1).summary()
    assert str(table).splitlines()[-1].startswith("=")


def _long(series):
    parts = [pd.DataFrame({"unique_id": name, "ds": range(len(y)), "y": y}) for name, y in series.items()]
    return pd.concat(parts)


def test_the_summary_says_of_which_differences_its_coefficients_are():
    y = np.random.default_rng(0).normal(size=60).cumsum()
    plain = {"units": (), "lags": 0, "linear_lags": 1}
    assert "difference" not in str(ParaRNN(y, **plain).fit().summary())
    text = " ".join(str(ParaRNN(y, diff=1, seasonal_diff=1, period=4, **plain).fit().summary()).split())
    assert "of the series after 1 difference and 1 seasonal difference of period 4." in text
