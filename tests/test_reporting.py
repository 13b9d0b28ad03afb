"""The HTML report: one file with every table and figure in it."""

import base64
import sys
from html.parser import HTMLParser

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt
from pararnn_ts.comparison.comparison import compare
from pararnn_ts.reporting import report

pytest.importorskip("jinja2", reason="jinja2 comes with the report extra")

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Headings, pictures and addresses of a page; refuses tags that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.pictures, self.addresses = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.pictures.append(attrs["src"])
        self.addresses += [value for key, value in attrs.items() if key in ("src", "href")]

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        # statsmodels does not write </tr> of an empty row, and HTML does not ask for it
        while self.open[-1] != tag and self.open[-1] in ("tr", "td", "th", "tbody", "p"):
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def fitted(units=(1,), **options):
    y = pd.Series(np.random.default_rng(0).normal(size=60).cumsum(), name="sales")
    return prt.ParaRNN(y, units=units, lags=1 if units else 0, linear_lags=1, **options).fit(n_starts=2, maxiter=30)


def test_report_of_results_is_complete_and_self_contained(tmp_path):
    before = plt.get_fignums()
    path = report(fitted(), tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.headings == [
        "Summary", "Forecasts", "Components", "Recurrence", "Lag responses over time", "Diagnostics",
    ]  # fmt: skip
    assert len(page.pictures) == 5
    for picture in page.pictures:
        head, data = picture.split(",")
        assert head == "data:image/png;base64" and base64.b64decode(data)[:8] == b"\x89PNG\r\n\x1a\n"
    # nothing is fetched from elsewhere
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert "<title>ParaRNN of sales</title>" in text
    assert "half-life" in text and plt.get_fignums() == before


def test_title_and_linear_model(tmp_path):
    text = report(fitted(units=()), str(tmp_path / "linear.html"), title="A <& B", steps=3).read_text(encoding="utf-8")
    page = Page(text)
    assert page.headings == ["Summary", "Forecasts", "Diagnostics"]
    assert "<h1>A &lt;&amp; B</h1>" in text and "forecasts of the next 3," in text


def test_models_with_exog_are_shown_in_the_sample(tmp_path):
    y = pd.Series(np.random.default_rng(0).normal(size=60), name="y")
    exog = pd.DataFrame({"x": np.arange(60.0) % 7})
    results = prt.ParaRNN(y, exog, units=(1,)).fit(n_starts=2, maxiter=30)
    page = Page(report(results, tmp_path / "exog.html").read_text(encoding="utf-8"))
    assert page.headings[1] == "Predictions"


def test_report_of_a_comparison(tmp_path):
    from statsmodels.tsa.ar_model import AutoReg

    y = pd.Series(np.random.default_rng(0).normal(size=60).cumsum(), name="<script>sales</script>")
    compared = compare(y, holdout=10, models={"AR(1)": AutoReg(y, 1), "AR(2)": AutoReg(y, 2)})
    text = report(compared, tmp_path / "comparison.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.headings == ["Summary", "Forecasts and scores"] and len(page.pictures) == 1
    assert "Forecasts of &lt;script&gt;sales&lt;/script&gt; compared" in text and "AR(2)" in text
    assert "<caption>Forecast comparison: &lt;script&gt;sales&lt;/script&gt;</caption>" in text


def test_report_of_a_sparse_network(tmp_path):
    results = prt.SISTARNN(np.random.default_rng(0).standard_normal((30, 16)), lam1=1.0, lam2=0.1).fit()
    page = Page(report(results, tmp_path / "sista.html").read_text(encoding="utf-8"))
    assert page.headings == ["Summary", "Reconstruction", "Codes", "Dictionary", "Transition"]
    assert len(page.pictures) == 4


def test_other_objects_are_refused(tmp_path):
    with pytest.raises(
        TypeError, match=r"results_or_comparison must be results of a model or a comparison, but is a dict"
    ):
        report({}, tmp_path / "no.html")


def test_what_cannot_be_reported_is_told_in_one_sentence(tmp_path):
    results = fitted()
    with pytest.raises(ValueError, match="steps must be an integer of 0 or more, but is -1"):
        report(results, tmp_path / "no.html", steps=-1)
    from statsmodels.tsa.ar_model import AutoReg

    with pytest.raises(TypeError, match="results of a model or a comparison, but is a AutoRegResultsWrapper"):
        report(AutoReg(np.arange(20.0) % 7, 1).fit(), tmp_path / "no.html")
    results.remove_data()
    with pytest.raises(RuntimeError, match="The data of these results were removed"):
        report(results, tmp_path / "no.html")
    assert not (tmp_path / "no.html").exists()


def test_missing_jinja2_is_explained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match=r'pip install "pararnn-ts\[report\]"'):
        report(fitted(), tmp_path / "no.html")
