"""From a saved model, and a file of what was observed since, to results that can forecast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts._compat import to_offset
from pararnn_ts.cli.reading import Columns, read_columns, read_panel, split_panel
from pararnn_ts.models.labels import labels_like
from pararnn_ts.models.values import shown
from pararnn_ts.panel.frame import read_long

__all__ = ["continue_panel", "continue_results", "load_saved"]


def load_saved(path: Path, kind: type) -> Any:
    """
    Read what a command has saved.

    Parameters
    ----------
    path : Path
        The file that --model names.
    kind : type
        What it must hold: `RecurrentResults` or `Panel`.

    Returns
    -------
    RecurrentResults or Panel
    """
    from pararnn_ts.results.base import RecurrentResultsWrapper
    from pararnn_ts.results.persistence import load

    if not path.is_file():
        raise ValueError(f"--model {path}: there is no such file; give one that fit, forecast or panel has written.")
    try:
        saved = load(str(path))
    except ValueError as error:
        raise ValueError(f"--model {path}: {error}") from error
    saved = saved._results if isinstance(saved, RecurrentResultsWrapper) else saved
    if not isinstance(saved, kind):
        raise ValueError(f"--model {path}: the file holds {_instead(saved)}.")
    return saved


def _instead(saved: Any) -> str:
    """What a file holds, and who can use it."""
    from pararnn_ts.panel.panel import Panel
    from pararnn_ts.results.base import RecurrentResults

    if isinstance(saved, Panel):
        return "a panel; forecast it with the command panel"
    if isinstance(saved, RecurrentResults):
        return "the model of one series; forecast it with the command forecast"
    return f"{type(saved).__name__}; read it with pararnn_ts.load in Python"


def continue_results(
    results: Any, path: Path, column: str | None, index: str | None, exog: Sequence[str], freq: str | None
) -> tuple[Any, pd.DataFrame | None]:
    """
    Results with the observations of a file at the end of their sample.

    Rows that the sample has already must agree with it and are passed over, so that the file may be the one of the fit
    with new rows at its end.

    Parameters
    ----------
    results : RecurrentResults
        What was saved.
    path : Path
        The csv file.
    column, index : str or None
        Columns of the series and of its labels; None: those that the model was fitted to. Without labels the rows
        follow the sample.
    exog : sequence of str
        Exogenous columns; empty: those of the model.
    freq : str or None
        Frequency of dates; None: that of the model.

    Returns
    -------
    results : RecurrentResults
        Parameters are those that were saved.
    future_exog : DataFrame or None
        Exogenous columns of the rows at the end of the file in which the series is empty.
    """
    model = results.model
    if model._design is not None:
        raise ValueError(
            f"The model was made from the formula {model.formula!r}, whose columns are not made here; read it with "
            "pararnn_ts.load in Python, and append the observations there."
        )
    index = model.index.name if index is None else index
    names = exog or model.exog_labels
    found = read_columns(path, column or model.endog_name, index, names, freq or getattr(model.index, "freqstr", None))
    if index is not None:
        found = _since(found.labelled(_labels_as_saved(found.endog.index, model.index)), results, path)
    y, x, future = found.split()
    if not len(y):
        return results, future
    new: tuple[Any, Any] = (y, x)
    if index is None:
        new = y.to_numpy(), None if x is None else x.to_numpy()
    # without the data of the sample the results of the new rows forecast alike
    return (results.extend(*new) if results.data_removed else results.append(*new))._results, future


def continue_panel(
    panel: Any,
    path: Path,
    id_col: str | None,
    time_col: str | None,
    target_col: str | None,
    exog: Sequence[str],
    freq: str | None,
) -> tuple[Any, pd.DataFrame | None]:
    """
    Panel with the observations of a file at the end of its series.

    As in :func:`continue_results` the file may be the one of the fit with new rows.

    Parameters
    ----------
    panel : Panel
        What was saved.
    path : Path
        The csv file.
    id_col, time_col, target_col : str or None
        Columns with the name of the series, the time and the value; None: those of the panel.
    exog : sequence of str
        Exogenous columns, in the order of those of the panel; empty: the same names.
    freq : str or None
        Frequency of dates; None: that of the panel.

    Returns
    -------
    panel : Panel
        Parameters are those that were saved.
    future : DataFrame or None
        Rows of a panel with exogenous columns that come after the last value of their series.
    """
    known = panel._frame.columns
    names = id_col or known.ids, time_col or known.time, target_col or known.target
    own = panel._frame.freq
    freq = freq or getattr(panel._frame.times, "freqstr", None) or (None if own is None else to_offset(own).freqstr)
    if exog and len(exog) != len(known.exog):
        have = f"has {', '.join(known.exog)}" if known.exog else "has none"
        raise ValueError(f"--exog names {len(exog)} columns, where the saved panel {have}; name as many, or none.")
    columns = [*known[:3], *known.exog]
    new = read_panel(path, *names, exog or known.exog, freq).set_axis(columns, axis=1)
    if panel.ids.dtype != new[known.ids].dtype:  # names that are numbers
        try:
            new[known.ids] = new[known.ids].astype(panel.ids.dtype)
        except (ValueError, TypeError):
            raise ValueError(
                f"--id {names[0]}: {path} has names such as {new[known.ids].iloc[0]!r}, where those of the saved panel "
                f"are like {shown(panel.ids[0])}; name another column."
            ) from None
    new[known.time] = _labels_as_saved(pd.Index(new[known.time]), panel._frame.times)
    new = _since_samples(new, panel, path)
    sample, future = split_panel(new, *known[:3], continued=True) if known.exog else (new, None)
    return panel.append(sample) if len(sample) else panel, future


def _labels_as_saved(labels: pd.Index, known: Any) -> pd.Index:
    """Labels in the terms of those that were saved; years, which a file has as periods, may have been integers."""
    if not pd.api.types.is_integer_dtype(known.dtype):
        return labels_like(labels, known)
    years = isinstance(labels, pd.PeriodIndex) and labels.freqstr.startswith("Y")
    return pd.Index(labels.year, name=labels.name) if years else labels  # type: ignore[attr-defined]


def _since_samples(new: pd.DataFrame, panel: Any, path: Path) -> pd.DataFrame:
    """Rows after the samples of their series; those in a sample must be as they were."""
    frame, columns = panel._frame, panel._frame.columns
    new = new.sort_values([columns.ids, columns.time], ignore_index=True)
    after, inside, row = frame.overlap(
        read_long(new, columns.ids, columns.time, columns.target, columns.exog, frame.freq)
    )
    names, there = [columns.target, *columns.exog], row >= 0
    given = new[names].to_numpy(float)
    known = np.full_like(given, np.nan)
    known[there] = np.column_stack([frame.y] if frame.x is None else [frame.y, frame.x])[row[there]]
    differ = ~np.isclose(given, known, atol=0.0, equal_nan=True) & inside[:, None]
    # exogenous values of times that the panel does not have say nothing against it
    differ[~there, 1:] = False
    if differ.any():
        k, j = np.argwhere(differ)[0]
        name, time = new[columns.ids].iloc[k], new[columns.time].iloc[k]
        raise ValueError(
            f"{path} has {given[k, j]:g} in column {names[j]!r} for {shown(name)} at {time}, where the saved panel has "
            f"{known[k, j]:g}; fit the panel anew, or leave the rows up to its end out of the file."
        )
    return new[after]


def _since(found: Columns, results: Any, path: Path) -> Columns:
    """Rows after the sample, which must follow it; those inside it must be as they were."""
    model = results.model
    labels, last = found.endog.index, model.index[-1]
    try:
        new = np.asarray(labels > last)
    except TypeError:
        raise ValueError(
            f"{path} begins at {labels[0]}, but the labels of the saved model are like {last}; name another column "
            "with --index."
        ) from None
    if not results.data_removed:
        rows = model.index.get_indexer(labels[~new])
        both, rows = np.flatnonzero(~new)[rows >= 0], rows[rows >= 0]
        given, known = found.endog.to_numpy()[both], model._y[rows]
        differ = ~np.isclose(given, known, atol=0.0, equal_nan=True)
        if differ.any():
            k = int(differ.argmax())
            raise ValueError(
                f"{path} has {given[k]:g} at {labels[both[k]]}, where the saved model has {known[k]:g}; fit the model "
                f"anew, or leave the rows up to {last} out of the file."
            )
    if new.any() and labels[new][0] != model.future_index(1)[0]:
        raise ValueError(
            f"{path} begins at {labels[new][0]}, but the saved model ends at {last}; give the rows from "
            f"{model.future_index(1)[0]} on, empty where nothing was observed."
        )
    return found.rows(new)
