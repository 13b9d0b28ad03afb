"""The summary: what was fitted and how well, the parameters, what each unit remembers, and what to be wary of."""

from __future__ import annotations

import copy
import csv
import io
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from statsmodels.iolib.summary import Summary, summary_params
from statsmodels.iolib.table import SimpleTable
from statsmodels.iolib.tableformatting import fmt_2cols, fmt_params

from pararnn_ts._compat import unheard_warnings
from pararnn_ts.models.arguments import check_alpha
from pararnn_ts.models.convergence import PAST_ITS_PEAK, has_settled, is_past_its_peak
from pararnn_ts.models.differencing import differences_in_words
from pararnn_ts.results.covariance import smallest_eigenvalue
from pararnn_ts.results.stability import HORIZON
from pararnn_ts.specification import Specification, runs

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = [
    "RecurrentSummary",
    "align_tables",
    "listed",
    "make_facts",
    "make_summary",
    "short_label",
    "units_in_words",
]

# smallest eigenvalue of the precision on a diagonal of ones below which a note warns
NEARLY_SINGULAR = 1e-9
# characters that mean something else in a form, and what stands for them there
_BREAKS = dict.fromkeys("\t\n\v\f\r\x85\u2028\u2029", " ")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}",
}  # fmt: skip
# statsmodels sees to these in tables
_LATEX_OF_STATSMODELS = {
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    ">": r"\textgreater{}",
    "|": r"$|$",
}
# times its standard deviation, above which the level of a series leaves four digits of its variation or fewer
HIGH_LEVEL = 1e12
# below it three decimals say nothing about a number
SMALL = 1e-3
# share of the variance of a series that a straight line explains, from which on it counts as a trend
TRENDING = 0.8
# observations without which nothing is said about residuals and units
FEWEST = 10


class RecurrentSummary(Summary):
    """A statsmodels summary whose names and notes are safe in every form."""

    def add_extra_txt(self, etext: list[str]) -> None:
        """
        Add notes below the tables.

        Parameters
        ----------
        etext : list of str
            The notes, one in each line.
        """
        super().add_extra_txt([_replaced(note, _BREAKS) for note in etext])

    def as_text(self) -> str:
        """
        Return the summary as text.

        Returns
        -------
        str
            Tables and notes, these broken into lines as long as the tables are wide.
        """
        wrapped = self._rewritten({}, {})
        width = max(79, *map(_width, wrapped.tables))
        lines = (self.extra_txt or "").splitlines()
        if lines:
            wrapped.add_extra_txt([textwrap.fill(line, width, subsequent_indent="    ") for line in lines])
        return wrapped.as_text()

    def as_csv(self) -> str:
        """
        Return the summary as comma-separated values.

        Returns
        -------
        str
            Rows of the tables, then the notes, one in each line.
        """
        file = io.StringIO()
        rows = csv.writer(file, lineterminator="\n")
        for table in self._rewritten({}, {}).tables:
            if table.title:
                rows.writerow([table.title])
            rows.writerows([str(cell.data).strip() for cell in row] for row in table)
        rows.writerows([note] for note in (self.extra_txt or "").splitlines())
        return file.getvalue()

    def as_latex(self) -> str:
        """
        Return the summary as LaTeX.

        Returns
        -------
        str
            Tables and notes. Where several tables have titles, these stand above them; that of a single one is a
            comment, as in statsmodels.
        """
        rewritten = self._rewritten(_LATEX, {**_LATEX, **_LATEX_OF_STATSMODELS})
        if not any(table.title for table in rewritten.tables[1:]):
            return rewritten.as_latex()
        parts = [_titled_tabular(table) for table in rewritten.tables]
        notes = [] if rewritten.extra_txt is None else [rewritten.extra_txt.replace("\n", " \\newline\n ")]
        return "\n\n".join([r"\begin{center}", *parts, r"\end{center}", *notes])

    def as_html(self) -> str:
        """
        Return the summary as HTML.

        Returns
        -------
        str
            Tables and notes.
        """
        return self._rewritten(_HTML, _HTML).as_html()

    def _rewritten(self, in_tables: dict[str, str], in_notes: dict[str, str]) -> Summary:
        """Copy with other characters in tables and notes, and no name that breaks a line of a table."""
        rewritten = Summary()
        rewritten.tables = copy.deepcopy(self.tables)
        for table in rewritten.tables:
            if table.title:
                table.title = _replaced(table.title, {**_BREAKS, **in_tables})
            for cell in (cell for row in table for cell in row):
                cell.data = _replaced(str(cell.data), {**_BREAKS, **in_tables})
        if in_notes and self.extra_txt is not None:
            rewritten.extra_txt = _replaced(self.extra_txt, in_notes)
        return rewritten


def _titled_tabular(table: SimpleTable) -> str:
    """LaTeX of a table below its title, of which statsmodels makes a comment."""
    lines = [line for line in table.as_latex_tabular(center=False).splitlines() if not line.startswith("%")]
    title = _replaced(table.title, _LATEX_OF_STATSMODELS) if table.title else ""
    return "\n".join([rf"\textbf{{{title}}} \\"] * bool(title) + lines)


def _replaced(text: str, characters: dict[str, str]) -> str:
    return "".join(characters.get(character, character) for character in text)


def make_facts(results: RecurrentResults) -> dict[str, Any]:
    """Collect what the summary says about the data, so that it can be printed when they are gone."""
    model = results.model
    index = model.index
    return {
        "sample": [str(short_label(index[0])), str(short_label(index[-1]))]
        if model.is_pandas
        else ["0", str(len(index) - 1)],
        "missing": int(np.isnan(model._y).sum()),
        "tests": _tests(results),
        "features": _unit_table(results, "recurrence_features"),
        "identified": _identified(results),
        "notes": _notes(results),
    }


def make_summary(results: RecurrentResults, alpha: float = 0.05) -> RecurrentSummary:
    """Lay out the summary, see `RecurrentResults.summary`."""
    alpha = check_alpha(alpha)
    facts, names = results.summary_facts, list(results.model.param_names)
    summary = RecurrentSummary()
    summary.add_table_2cols(
        results, title=f"{type(results.model).__name__} Results", gleft=_left(results, facts), gright=_right(results)
    )
    spec = results.model.specification
    parts = [slice(0, spec.n_linear), *spec.unit_slices] if hasattr(spec, "unit_slices") else [slice(0, len(names))]
    shown = [True, *facts["identified"]] if facts["identified"] else [True] * len(parts)
    tables = [
        _parameter_table(results, part, alpha, bool(tested))
        for part, tested in zip(parts, shown, strict=True)
        if part.stop > part.start
    ]
    if facts["features"] is not None and len(facts["features"]):
        tables.insert(1 if parts[0].stop > 0 else 0, _feature_table(facts["features"]))
    summary.tables += [*tables, _test_table(facts["tests"])]
    align_tables(summary.tables)
    notes = [results._covariance_note, *facts["notes"]]
    summary.add_extra_txt(["Notes:", *(f"[{i}] {note}" for i, note in enumerate(notes, start=1))])
    return summary


def short_label(label: Any) -> Any:
    """A label as short as it can be said: dates without the time of day when that is midnight."""
    if isinstance(label, pd.Timestamp) and label == label.normalize():
        return label.date()
    return label


def _left(results: RecurrentResults, facts: dict[str, Any]) -> list[tuple[str, list[str]]]:
    model, details = results.model, results.details
    penalty = "none" if not details.penalty else f"{details.penalty}"
    first, last = facts["sample"]
    law = [] if details.law.is_normal else [("Errors:", [f"Student t, {details.law.dof:.2f} df"])]
    return [
        ("Dep. Variable:", [str(model.endog_name)]),
        ("Model:", [_model_name(model)]),
        ("Sample:", [first]),
        ("", [f"- {last}"]),
        ("No. Observations:", [f"{results.nobs}"]),
        ("Missing:", [f"{facts['missing']}"]),
        ("Penalty:", [penalty]),
        ("Covariance Type:", [results.cov_type]),
        *law,
    ]


def _right(results: RecurrentResults) -> list[tuple[str, list[str]]]:
    retvals = results.mle_retvals
    starts = f"{retvals.get('n_starts', 0)}"
    if retvals.get("n_starts", 0) > 1:
        starts += f" ({retvals.get('n_best', 1)} at the optimum)"
    return [
        ("Log Likelihood", [_decimals(results.llf)]),
        ("AIC", [_decimals(results.aic)]),
        ("BIC", [_decimals(results.bic)]),
        ("HQIC", [_decimals(results.hqic)]),
        ("Log Evidence", [_decimals(results.log_evidence)]),
        ("Effective Params", [f"{_decimals(results.df_model, 2)} of {len(results.params)}"]),
        ("Scale", [f"{results.scale:.5g}"]),
        ("Starts", [starts]),
    ]


def _decimals(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "-"


def _model_name(model: Any) -> str:
    name, spec = type(model).__name__, model.specification
    if hasattr(model, "label"):
        return model.label
    units = getattr(spec, "units", ())
    if not units:
        return f"{name}, linear"
    alike = len(set(units)) == 1 and len(units) > 1
    return f"{name}({f'{len(units)} x {units[0]}' if alike else ', '.join(map(str, units))}), {spec.activation}"


def _parameter_table(results: RecurrentResults, part: slice, alpha: float, tested: bool) -> SimpleTable:
    """Parameters with their inference; blanks where a number would mean nothing."""
    held = set(results.details.held)
    names = [f"{name} (fixed)" if place in held else name for place, name in enumerate(results.model.param_names)][part]
    interval = np.where(results.bse[:, None] > 0, results.conf_int(alpha), np.nan)
    known = [
        np.where(results.bse > 0, values, np.nan)[part] for values in (results.bse, results.tvalues, results.pvalues)
    ]
    if not tested:
        known[1:], interval = [np.full_like(known[0], np.nan)] * 2, np.full_like(interval, np.nan)
    columns = (results, results.params[part], *known, interval[part])
    table = summary_params(columns, xname=names, alpha=alpha, use_t=False)
    for cell in (cell for row in table[1:] for cell in row[1:]):
        if str(cell.data).strip() == "nan":
            cell.data = ""
    shown = {1: (results.params, 4), 2: (results.bse, 3), 5: (interval[:, 0], 3), 6: (interval[:, 1], 3)}
    for column, (values, digits) in shown.items():
        for row, value, error in zip(table[1:], values[part], results.bse[part], strict=True):
            # input weights are as small as the series is large
            if 0.0 < abs(value) < SMALL and not error >= SMALL and row[column].data:
                row[column].data = f"{value:.{digits}g}"
    return table


def _number(value: float) -> str:
    if np.isnan(value):
        return "-"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.3f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.2e}"


def _feature_table(features: pd.DataFrame) -> SimpleTable:
    """Features in one row and their standard errors, in parentheses, in the next."""
    shown = ["modulus", "period", "half_life", "gain", "share"]
    rows, stubs = [], []
    for unit, row in features.iterrows():
        errors = [float(row[f"{name}_se"]) for name in shown]
        rows += [
            [str(row["kind"]), *(_number(float(row[name])) for name in shown)],
            ["", *(f"({_number(error)})" if np.isfinite(error) else "" for error in errors)],
        ]
        stubs += [str(unit), ""]
    headers = ["memory", *(name.replace("_", "-") for name in shown)]
    return SimpleTable(rows, headers, stubs, txt_fmt={**fmt_params, "data_fmts": ["%s"] * 6, "data_aligns": "r" * 6})


def align_tables(tables: list[SimpleTable]) -> None:
    """Pad the first column of each table, so that all are equally wide as text."""
    widths = [_width(table) for table in tables]
    for table, width in zip(tables, widths, strict=True):
        first = max(table, key=lambda row: len(str(row[0].data)))[0]
        while width < max(widths):
            first.data = str(first.data).ljust(len(str(first.data)) + max(widths) - width)
            width = _width(table)


def _width(table: SimpleTable) -> int:
    """Width of a table as text; a table remembers it once it was printed, so a copy is."""
    return len(copy.deepcopy(table).as_text().splitlines()[-1])


def _test_table(tests: dict[str, float]) -> SimpleTable:
    left = ["Ljung-Box (L1) (Q):", "Prob(Q):", "Heteroskedasticity (H):", "Prob(H) (two-sided):"]
    right = ["Jarque-Bera (JB):", "Prob(JB):", "Skew:", "Kurtosis:"]
    keys = ["q", "q_pvalue", "h", "h_pvalue"], ["jb", "jb_pvalue", "skew", "kurtosis"]
    values = [[f"{tests[key]:.2f}" if np.isfinite(tests[key]) else "-" for key in column] for column in keys]
    table = SimpleTable([[v] for v in values[0]], stubs=left, txt_fmt=fmt_2cols)
    names = [f"  {name:<19}" for name in right]
    table.extend_right(SimpleTable([[v] for v in values[1]], stubs=names, txt_fmt=fmt_2cols))
    return table


def _tests(results: RecurrentResults) -> dict[str, float]:
    """Diagnostics of the residuals; NaN where there are too few."""
    found = dict.fromkeys(("q", "q_pvalue", "h", "h_pvalue", "jb", "jb_pvalue", "skew", "kurtosis"), float("nan"))
    if results.nobs < FEWEST or results.sse == 0.0:
        return found
    with unheard_warnings(), np.errstate(all="ignore"):
        q = results.test_serial_correlation(lags=1)[0, :, 0]
        h = results.test_heteroskedasticity()[0]
        jb = results.test_normality()[0]
    return dict(zip(found, (float(value) for value in (*q, *h, *jb)), strict=True))


def _unit_table(results: RecurrentResults, name: str) -> pd.DataFrame | None:
    """Table with a row for each unit, where there are units and enough observations to speak of them."""
    if not getattr(results.model.specification, "units", ()) or results.nobs < FEWEST:
        return None
    if name == "identification" and results.inherited is not None:
        return None
    try:
        return getattr(results, name)
    except TypeError:
        # a model whose units have no recurrence of this kind
        return None


def _notes(results: RecurrentResults) -> list[str]:
    """Sentences on what was filled in, on the fit and on what to be wary of."""
    model = results.model
    notes = [_sentence(note) for note in getattr(model, "summary_notes", [])]
    if differences := " and ".join(differences_in_words(model.diff, model.seasonal_diff)):
        differences += f" of period {model.period}" if model.seasonal_diff else ""
        notes.append(f"Lags, units and deterministic terms are those of the series after {differences}.")
    if held_back := results.first_row:
        given = "observation is" if held_back == 1 else f"{held_back} observations are"
        notes.append(f"The first {given} given: nothing is predicted there.")
    retvals = results.mle_retvals
    if has_settled(retvals):
        notes += [PAST_ITS_PEAK] * is_past_its_peak(retvals)
    else:
        status = retvals.get("status", "unknown")
        notes.append(f"The optimiser did not converge ({status}); see mle_retvals and starts.")
    if retvals.get("n_starts", 0) > 1 and retvals.get("n_best", 2) == 1:
        notes.append("Only one start reached the best optimum; more starts (n_starts) may find a better one.")
    held = list(results.details.held)
    lost = len(results.params) - len(held) - results.covariance.rank
    if lost > 0:
        notes.append(
            f"{lost} of {len(results.params)} directions of the parameter space {'is' if lost == 1 else 'are'} not "
            "identified by the data; parameters that move along have no standard errors."
        )
    elif (smallest := smallest_eigenvalue(results.details.precision)) < NEARLY_SINGULAR:
        notes.append(
            f"The information matrix is nearly singular (smallest eigenvalue {smallest:.2g} on a diagonal of ones); "
            "standard errors may be unstable."
        )
    name, level = _highest_level(model)
    if level > HIGH_LEVEL:
        notes.append(
            f"{name} is {level:.1g} times as large as it varies, which leaves few digits of its variation; subtract a "
            "constant from it before it is rounded."
        )
    notes += _unit_notes(results)
    if results.explosive:
        notes.append(
            f"Forecasts are explosive: without shocks they leave the range of the data within {HORIZON} steps."
        )
    notes += _trend_notes(model)
    if results.details.penalty is None:
        notes.append("The parameters were given, not estimated.")
    return notes


def _trend_notes(model: Any) -> list[str]:
    """A sentence where units that saturate are to follow a trend."""
    # cells have activations of their own
    spec = model.specification
    bounded = isinstance(spec, Specification) and spec.units and spec.activation in ("tanh", "logistic")
    if not bounded or model.diff or model.seasonal_diff or "t" in model.trend:
        return []
    seen = np.flatnonzero(np.isfinite(model._y))
    y = model._y[seen]
    if len(y) < FEWEST or not np.std(y) > 0.0:
        return []
    share = float(np.corrcoef(seen, y)[0, 1] ** 2)
    if share < TRENDING:
        return []
    return [
        f"{model.endog_name} trends: a straight line explains {share:.0%} of its variance. Beyond the range of the "
        "sample units saturate and forecasts fall behind the trend; with diff=1 or trend='ct' they follow it."
    ]


def _highest_level(model: Any) -> tuple[str, float]:
    """The series or exogenous column with the largest absolute mean in units of its standard deviation."""
    columns = {} if model.diff or model.seasonal_diff else {str(model.endog_name): model._y}
    if model._x is not None:
        columns |= dict(zip(model.exog_labels, model._x.T, strict=True))
    seen = {name: x[np.isfinite(x)] for name, x in columns.items()}
    # a column that does not vary, as one in a sample of a single row, has no variation to lose digits of
    varying = {name: x for name, x in seen.items() if len(x) and np.ptp(x) > 0.0}
    levels = {name: abs(float(x.mean())) / max(float(x.std()), 1e-300) for name, x in varying.items()}
    return max(levels.items(), key=lambda item: item[1], default=("", 0.0))


def _identified(results: RecurrentResults) -> list[bool]:
    """Which units are identified; empty where nothing is known of them."""
    table = _unit_table(results, "identification")
    return [] if table is None else table["identified"].tolist()


def _unit_notes(results: RecurrentResults) -> list[str]:
    """Sentences on units that the data say too little about; one for all units of which the same is to be said."""
    notes = []
    known = _unit_table(results, "identification")
    if known is not None:
        for names, note in _said_alike(known[~known["identified"].astype(bool)]):
            whose = "Its" if len(names) == 1 else "Their"
            verb = " is not identified" if len(names) == 1 else " are not identified, each"
            notes.append(f"{units_in_words(names)}{verb}: {note}. {whose} z statistics would mean nothing.")
    features = _unit_table(results, "recurrence_features")
    if features is not None:
        for names, note in _said_alike(features):
            notes.append(f"{units_in_words(names)}{', each' * (len(names) > 1)}: {note}.")
    return notes


def _said_alike(table: pd.DataFrame) -> list[tuple[list[str], str]]:
    """Units of which the same is said, with what it is, in the order of the first of each; silent ones left out."""
    said: dict[str, list[str]] = {}
    for unit, note in table["note"].items():
        if note:
            said.setdefault(str(note), []).append(str(unit))
    return [(names, note) for note, names in said.items()]


def units_in_words(names: list[str]) -> str:
    """
    Names of units in a sentence, runs of three or more written as ranges.

    Examples
    --------
    >>> from pararnn_ts.results.summary import units_in_words
    >>> units_in_words(["unit1", "unit3", "unit4", "unit5"]), units_in_words(["unit1", "unit2"])
    ('unit1 and unit3 to unit5', 'unit1 and unit2')
    """
    words: list[str] = []
    for run in runs([int(name.removeprefix("unit")) for name in names]):
        words += [f"unit{run[0]} to unit{run[-1]}"] if len(run) > 2 else [f"unit{number}" for number in run]
    return listed(words)


def listed(words: list[str]) -> str:
    """
    Words in a sentence.

    Examples
    --------
    >>> from pararnn_ts.results.summary import listed
    >>> listed(["alpha"]), listed(["alpha", "lam1", "lam2"])
    ('alpha', 'alpha, lam1 and lam2')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
