"""The summary of a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from statsmodels.iolib.summary import Summary
from statsmodels.iolib.table import SimpleTable
from statsmodels.iolib.tableformatting import fmt_2cols, fmt_params

from pararnn_ts.models.values import shown
from pararnn_ts.results.summary import RecurrentSummary, align_tables, short_label

if TYPE_CHECKING:
    from pararnn_ts.panel.panel import Panel

__all__ = ["make_summary"]

# series that could not be fitted and are named
NAMED = 5
_QUANTILES = {"min": 0.0, "25%": 0.25, "median": 0.5, "75%": 0.75, "max": 1.0}
_ROWS = {
    "nobs": "No. Observations",
    "df_model": "Effective Params",
    "scale": "Scale",
    "llf": "Log Likelihood",
    "bic": "BIC",
    "log_evidence": "Log Evidence",
    "n_best": "Starts at the optimum",
}


def make_summary(panel: Panel) -> Summary:
    """Lay out the summary, see `Panel.summary`."""
    table, frame = panel.table, panel._frame
    fitted = table[table["nobs"].notna()]
    peaked = int(((fitted["message"] == "") & ~fitted["converged"]).sum())
    times = frame.times
    lengths = frame.lengths
    left = [
        ("Series:", f"{len(panel)}"),
        ("Fitted:", f"{len(fitted)}"),
        ("Converged:", f"{int(table['converged'].sum())}" + (f" ({peaked} more past the peak)" if peaked else "")),
        ("Not fitted:", f"{len(panel) - len(fitted)}"),
    ]
    span = f"{lengths.min()}" if lengths.min() == lengths.max() else f"{lengths.min()} to {lengths.max()}"
    right = [
        ("Rows:", f"{len(times)} ({int(table['n_missing'].sum())} missing)"),
        ("Rows of a series:", span),
        ("Times:", f"{short_label(times.min())} - {short_label(times.max())}"),
        ("Seed:", f"{panel._task.seed}"),
    ]
    head = SimpleTable(
        [[value] for _, value in left], stubs=[name for name, _ in left],
        title=f"Panel of {panel.model.__name__} models", txt_fmt=fmt_2cols,
    )  # fmt: skip
    head.extend_right(SimpleTable([[v] for _, v in right], stubs=[f"  {n:<18}" for n, _ in right], txt_fmt=fmt_2cols))
    rows, names = [], []
    for column, name in _ROWS.items():
        values = fitted[column].to_numpy(float)
        if np.isfinite(values).any():
            names.append(name)
            rows.append([f"{np.nanquantile(values, q):.5g}" for q in _QUANTILES.values()])
    spread = SimpleTable(rows, headers=list(_QUANTILES), stubs=names, txt_fmt=fmt_params)
    summary = RecurrentSummary()
    summary.tables = [head, spread]
    align_tables(summary.tables)
    notes = [f"{shown(name)}: {why}" for name, why in table["message"][table["nobs"].isna()].head(NAMED).items()]
    loose = fitted["status"][fitted["message"] != ""].value_counts()
    notes += [f"{count} series did not converge ({status})." for status, count in loose.items()]
    if peaked:
        notes.append(
            f"{peaked} series went back to where their evidence was largest (past its peak); nothing has to be done, "
            "standard errors of the weights of units are approximate."
        )
    if notes:
        summary.add_extra_txt(["Notes:", *(f"[{i}] {note}" for i, note in enumerate(notes, start=1))])
    return summary
