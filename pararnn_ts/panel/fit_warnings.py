"""What went wrong with the series of a panel, said once where its table says it in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from statsmodels.tools.sm_exceptions import ModelWarning

from pararnn_ts._compat import warn_user
from pararnn_ts.models.values import shown
from pararnn_ts.panel.task import UNFITTED, Fitted

if TYPE_CHECKING:
    from pararnn_ts.panel.panel import Panel

__all__ = ["n_inserted", "warn_of_fits"]


def n_inserted(panel: Panel) -> np.ndarray:
    """Number of times of each series that were absent and inserted as missing."""
    frame = panel._frame
    missing = np.concatenate([[0], np.cumsum(np.isnan(frame.y))])
    return panel.table["n_missing"].to_numpy(int) - np.diff(missing[frame.offsets])


def warn_of_fits(panel: Panel, fitted: np.ndarray, inserted: np.ndarray) -> None:
    """
    Say how many series could not be fitted, did not converge or had times inserted, and which is the first of them.

    Parameters
    ----------
    panel : Panel
        The panel.
    fitted : ndarray of bool
        Series that were just fitted.
    inserted : ndarray of bool
        Series that just had times inserted.
    """
    table, n = panel.table, len(panel)
    failures = fitted & (table["status"] == UNFITTED).to_numpy()
    loose = fitted & ~failures & (table["message"] != "").to_numpy()
    stayed = fitted & [isinstance(one, Fitted) and one.device != panel._task.device for one in panel._outcomes]
    parts = []
    if failures.any():
        first, why = table.index[failures][0], str(table["message"].to_numpy()[failures][0])
        parts.append(f"{failures.sum()} could not be fitted, the first {shown(first)} ({why.rstrip('.')})")
    if loose.any():
        parts.append(f"{loose.sum()} did not converge, the first {shown(table.index[loose][0])}")
    if inserted.any():
        parts.append(f"{inserted.sum()} had times inserted as missing, the first {shown(table.index[inserted][0])}")
    if stayed.any():
        first = table.index[stayed][0]
        what = "with missing values were fitted on the processor"
        parts.append(
            f"{stayed.sum()} {what}, which device={panel._task.device!r} does not fit, the first {shown(first)}"
        )
    if parts:
        warn_user(f"Of {n} series {'; '.join(parts)}. panel.table has status and message of each.", ModelWarning)
