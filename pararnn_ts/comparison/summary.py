"""The summary of a comparison: what was compared, how the models fit and forecast, and what follows in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.iolib.summary import Summary
from statsmodels.iolib.table import SimpleTable
from statsmodels.iolib.tableformatting import fmt_params

from pararnn_ts.comparison.evaluation import one_step_errors
from pararnn_ts.results.summary import RecurrentSummary, short_label

if TYPE_CHECKING:
    from pararnn_ts.comparison.comparison import Comparison

__all__ = ["findings", "make_summary"]

# what is called significant, and how sure one must be that intervals do not cover as they promise
LEVEL = 0.05
NOMINAL = 0.95
# scores that differ by such a share, and criteria that differ by so much, are those of models that are the same
SAME_SCORE = 1e-5
SAME_CRITERION = 1e-3
# as wide as the notes are at least
MIN_WIDTH = 79

# header and format of each column; None: as many decimals as its smallest figure needs
_Columns = dict[str, tuple[str, str | None]]
_MODELS: _Columns = {"specification": ("", "{}"), "k": ("k", "{:.1f}"), "fit_time": ("fit (s)", "{:.2f}")}
_SAMPLE: _Columns = {
    "nobs": ("nobs", "{:.0f}"),
    "llf": ("log likelihood", "{:.2f}"),
    "aic": ("AIC", "{:.2f}"),
    "bic": ("BIC", "{:.2f}"),
    "log_evidence": ("log evidence", "{:.2f}"),
}
_HOLDOUT: _Columns = {
    "rmse": ("RMSE", None),
    "mae": ("MAE", None),
    "mase": ("MASE", "{:.3f}"),
    "crps": ("CRPS", None),
    "coverage": ("95% int.", "{:.1%}"),
    "dm_pvalue": ("DM p", "{:.3f}"),
}
_FORMAT = {
    **fmt_params, "data_fmts": ["%s"], "data_aligns": "r", "header_align": "r", "colsep": "  ", "colwidths": None,
}  # fmt: skip


def make_summary(comparison: Comparison) -> Summary:
    """Lay out the summary, see `Comparison.summary`."""
    models = comparison.table.assign(specification=pd.Series(comparison.specifications))
    horizon = _count(comparison.horizon, "step")
    parts = [
        (_header_cells(comparison), None, None, f"Forecast comparison: {comparison.endog.name}", "lllr"),
        (*_cells(models, _MODELS), "Models", "lrr"),
        (*_cells(comparison.table, _SAMPLE), "In the sample", "r"),
        (*_cells(comparison.table, _HOLDOUT), f"On the holdout, {horizon} ahead", "r"),
    ]
    width = max(MIN_WIDTH, *(_width(_table(*part)) for part in parts))
    summary = RecurrentSummary()
    summary.tables = [_table(*part, width=width) for part in parts]
    notes = [*findings(comparison), *_explanations(comparison)]
    summary.add_extra_txt(["Notes:", *(f"[{i}] {note}" for i, note in enumerate(notes, start=1))])
    return summary


def findings(comparison: Comparison) -> list[str]:
    """
    State in plain words what the scores say.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    list of str
        Sentences.
    """
    table, reference = comparison.table, comparison.reference
    leaders = _smallest(table["rmse"])
    best = leaders[0]
    found = []
    if len(table) == 1:
        return _coverage(table, comparison.horizon)
    if reference in leaders:
        found.append(f"No model has a smaller RMSE than {reference}, the reference.")
    else:
        share = 1 - table["rmse"][best] / table["rmse"][reference]
        pvalue = table["dm_pvalue"][best]
        if np.isnan(pvalue):
            judged = "there are too few forecasts for a test"
        elif pvalue < LEVEL:
            judged = f"the forecasts differ significantly (Diebold-Mariano p {_pvalue(pvalue)})"
        else:
            judged = f"the difference may be chance (Diebold-Mariano p {_pvalue(pvalue)})"
        leading = f"{_listed(leaders)} {'has' if len(leaders) == 1 else 'have'}"
        found.append(f"{leading} the smallest RMSE, {share:.1%} below that of {reference}; {judged}.")
    worse = table.index[(table["dm_pvalue"] < LEVEL) & (table["rmse"] > table.loc[reference, "rmse"])]
    if len(worse):
        found.append(f"Significantly less accurate than {reference}: {', '.join(worse)}.")
    sharpest = _smallest(table["crps"])
    if sharpest and not set(sharpest) & set(leaders):
        verb = "is" if len(sharpest) == 1 else "are"
        found.append(f"By CRPS, which judges the whole forecast distribution, {_listed(sharpest)} {verb} best.")
    found += _coverage(table, comparison.horizon)
    counted = table["aic"].notna().sum()
    if counted < 2:
        return found
    by_aic, by_bic = (_smallest(table[name]) for name in ("aic", "bic"))
    in_sample = f"AIC and BIC prefer {_listed(by_aic)}"
    if by_aic != by_bic:
        in_sample = f"AIC prefers {_listed(by_aic)}, BIC {_listed(by_bic)}"
    if counted < len(table):
        in_sample += " among the models whose parameters are counted"
    known = table["log_evidence"].dropna()
    if len(known) > 1 and str(known.idxmax()) not in by_aic + by_bic and _evidence_compares(comparison):
        in_sample += f"; of the log evidences that of {known.idxmax()} is the largest"
    found.append(f"In the sample, {in_sample}.")
    return found


def _smallest(column: pd.Series) -> list[str]:
    """Models of the smallest figure, and of one that differs from it by no more than an optimiser leaves undone."""
    known = column.dropna()
    least = known.min()
    within = SAME_CRITERION if column.name in ("aic", "bic") else SAME_SCORE * least
    return [str(name) for name in known.index[known <= least + within]]


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _evidence_compares(comparison: Comparison) -> bool:
    """Whether the log evidences are of the same observations: each model has that of all rows it predicts."""
    train = comparison.endog.iloc[: comparison.n_train]
    names = comparison.table["log_evidence"].dropna().index
    rows = [np.isfinite(one_step_errors(comparison.results[name], train)) for name in names]
    return all(np.array_equal(rows[0], own) for own in rows[1:])


def _coverage(table: pd.DataFrame, horizon: int) -> list[str]:
    """Sentences on intervals that cover too few or too many observations to be put down to chance."""
    found = []
    # forecasts several steps ahead share their shocks: only about one in `horizon` says something new
    n = max(int(table["n_forecasts"].iloc[0]) // horizon, 1)
    low, high = stats.binom.interval(1 - LEVEL, n, NOMINAL)
    for word, off in (("few", table["coverage"] * n < low), ("many", table["coverage"] * n > high)):
        names = [f"{name} ({table.loc[name, 'coverage']:.1%})" for name in table.index[off]]
        if names:
            found.append(f"The {NOMINAL:.0%} intervals cover too {word} observations: {', '.join(names)}.")
    return found


def _explanations(comparison: Comparison) -> list[str]:
    """How the figures were computed, what was left out, and what the models warned of."""
    table, period = comparison.table, comparison.period
    nobs, scored = int(table["nobs"].iloc[0]), int(table["n_forecasts"].iloc[0])
    evidence = "Log evidences compare only with one another."
    if not _evidence_compares(comparison):
        names = table["log_evidence"].dropna().index
        counts = ", ".join(f"{name} {int(comparison.results[name].nobs)}" for name in names)
        evidence = (
            f"Log evidences are of the observations that each model predicts ({counts}) and do not compare where these "
            "differ; pass models with the same hold_back."
        )
    notes = [
        f"In the sample: one-step errors of the same {nobs} observations, Gaussian likelihood; k counts the variance. "
        f"The time includes the choice of orders. {evidence}"
    ]
    targets = comparison.forecasts.query("step == @comparison.horizon").drop_duplicates("target")
    missing = int(targets["actual"].isna().sum())
    kept = (
        "with parameters of the sample"
        if comparison.refit_every is None
        else f"parameters estimated anew every {comparison.refit_every} observations"
    )
    notes.append(
        f"On the holdout: {_count(scored, 'forecast')} from a rolling origin, {kept}; MASE is relative to the "
        + ("last value" if period is None else f"value {period} back")
        + " in the sample."
    )
    if missing:
        verb = "is" if missing == 1 else "are"
        notes.append(f"Left out for all models: {_count(missing, 'observation')} of the holdout that {verb} missing.")
    if unforecast := len(targets) - missing - scored:
        notes.append(f"Left out for all models: {_count(unforecast, 'observation')} that some do not forecast.")
    if any("with exog" in text for text in comparison.specifications.values()):
        notes.append("Exogenous values of the periods that are forecast are taken as known.")
    if period is not None and comparison.specifications[comparison.reference].endswith("chosen by AIC"):
        notes.append(f"{comparison.reference} has no seasonal terms; pass models to give it some.")
    for name, said in comparison.warnings.items():
        notes += [f"{name}: {' '.join(text.split())}" for text in said]
    return notes


def _header_cells(comparison: Comparison) -> list[list[str]]:
    index, n = comparison.endog.index, len(comparison.endog)
    first = comparison.n_train
    missing = int(comparison.endog.isna().sum())
    left = [
        ("Sample:", f"{short_label(index[0])} - {short_label(index[first - 1])}"),
        ("Holdout:", f"{short_label(index[first])} - {short_label(index[-1])}"),
        ("Horizon:", _count(comparison.horizon, "step")),
        ("Refit:", "never" if comparison.refit_every is None else f"every {comparison.refit_every}"),
    ]
    right = [
        ("Observations:", f"{n}" + (f", {missing} missing" if missing else "")),
        ("Held out:", f"{n - first}"),
        ("Reference:", comparison.reference),
        ("Season:", "none" if comparison.period is None else f"{comparison.period}"),
    ]
    return [[*a, *b] for a, b in zip(left, right, strict=True)]


def _cells(table: pd.DataFrame, columns: _Columns) -> tuple[list[list[str]], list[str], list[str]]:
    """Cells, headers and row names of some columns of the table."""
    cells = []
    for name, (_, form) in columns.items():
        form = form or _decimals(table[name])
        cells.append(["" if pd.isna(value) else form.format(value) for value in table[name]])
    headers = [header for header, _ in columns.values()]
    return [list(row) for row in zip(*cells, strict=True)], headers, [str(name) for name in table.index]


def _decimals(values: pd.Series) -> str:
    """Format that shows four significant digits of the smallest value."""
    smallest = np.abs(values[values != 0]).min()
    digits = 3 - int(np.floor(np.log10(smallest))) if np.isfinite(smallest) else 3
    return f"{{:.{max(digits, 0)}f}}" if digits <= 8 else "{:.3e}"


def _table(
    cells: list[list[str]],
    headers: list[str] | None,
    names: list[str] | None,
    title: str,
    aligns: str,
    width: int = 0,
) -> SimpleTable:
    """Lay out a table; the column before the last ones is as wide as it takes to make all of it `width` wide."""
    form = {**_FORMAT, "data_aligns": aligns, "header_align": "r"}
    if not width:
        return SimpleTable(cells, headers, names, title=title, txt_fmt=form)
    narrow = _table(cells, headers, names, title, aligns)
    widths = narrow.get_colwidths("txt")
    columns = range(1, len(widths)) if aligns == "r" else [1]
    spare, rest = divmod(width - _width(narrow), len(columns))
    for column in columns:
        widths[column] += spare
    widths[0 if len(columns) > 1 else 1] += rest
    return SimpleTable(cells, headers, names, title=title, txt_fmt={**form, "colwidths": widths})


def _width(table: SimpleTable) -> int:
    """Characters in a line of the table, its title apart."""
    return max(len(line) for line in table.as_text().splitlines()[1:])


def _pvalue(value: float) -> str:
    return f"= {value:.3f}" if value >= 0.0005 else "< 0.001"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
