"""Formulas: a series and its exogenous columns out of a data frame, and the same columns for later rows of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from pararnn_ts._compat import raised_warnings
from pararnn_ts.models.expressions import look_back
from pararnn_ts.models.frames import as_pandas
from pararnn_ts.models.values import float_values

if TYPE_CHECKING:
    from formulaic import ModelSpec

__all__ = ["FormulaDesign", "ParsedFormula", "parse_formula", "rows_before"]

_TERMINAL = re.compile(r"\x1b\[[0-9;]*m|[⧛⧚]")


@dataclass(frozen=True)
class FormulaDesign:
    """
    A formula that was evaluated once, with all it needs to be evaluated again on other rows.

    Parameters
    ----------
    formula : str
        The formula.
    response, regressors : ModelSpec
        Its two sides as formulaic keeps them, with the state of transforms such as `center`; `regressors` is None when
        the right-hand side has no column but the intercept.
    columns : tuple of str
        Columns of the right-hand side, without the intercept.
    variables : tuple of str
        Columns of the data that the right-hand side uses.
    context : mapping
        Functions of the user that the formula calls.
    reach : int or None
        Rows that the right-hand side looks back; None where it cannot be told (functions of the user).
    history : DataFrame or None
        The last rows seen so far of the variables on the right, for formulas that look back; all of them where `reach`
        is not known.
    """

    formula: str
    response: ModelSpec
    regressors: ModelSpec | None
    columns: tuple[str, ...]
    variables: tuple[str, ...]
    context: Mapping[str, Any] = field(repr=False)
    reach: int | None = 0
    history: pd.DataFrame | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """State for pickle, which refuses modules: they go by name."""
        modules = {name: value.__name__ for name, value in self.context.items() if isinstance(value, ModuleType)}
        kept = {name: value for name, value in self.context.items() if name not in modules}
        return {**self.__dict__, "context": kept, "modules": modules}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Import the modules again."""
        modules = {name: import_module(path) for name, path in state.pop("modules").items()}
        self.__dict__.update(state, context={**state["context"], **modules})

    def raw(self, exog: Any) -> pd.DataFrame | None:
        """Exogenous values as raw data for the formula; None when they are the columns that it makes, or neither."""
        exog = as_pandas(exog, "exog")
        if self.regressors is None or not isinstance(exog, (pd.Series, pd.DataFrame, Mapping)):
            return None
        frame = exog.to_frame() if isinstance(exog, pd.Series) else _as_frame(exog)
        names = {str(name) for name in frame.columns}
        return frame if set(self.variables) <= names and not set(self.columns) <= names else None

    def transform(self, data: pd.DataFrame) -> pd.DataFrame:
        """
        Exogenous columns for new rows of data, which follow the rows seen so far.

        Examples
        --------
        >>> import pandas as pd
        >>> from pararnn_ts.models.formula import parse_formula
        >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0], "x": [0.0, 1.0, 2.0]})
        >>> design = parse_formula("y ~ x + x:x + np.exp(x)", data).design
        >>> design.transform(pd.DataFrame({"x": [0.0]}))
            x  np.exp(x)
        0 0.0        1.0
        """
        assert self.regressors is not None
        rows = data[list(self.variables)]
        both = rows if self.history is None else pd.concat([self.history, rows])
        from formulaic.errors import DataMismatchWarning

        # formulaic would take an unknown category for the one that has no column
        with _one_sentence(self.formula), raised_warnings(DataMismatchWarning):
            made = self.regressors.get_model_matrix(both, context=self.context)
        return pd.DataFrame(made)[list(self.columns)].iloc[len(both) - len(rows) :].set_axis(rows.index)

    def series(self, data: pd.DataFrame) -> pd.Series:
        """Left-hand side of the formula for new rows of data."""
        with _one_sentence(self.formula):
            return pd.DataFrame(self.response.get_model_matrix(data, context=self.context)).iloc[:, 0]

    def seen(self, data: pd.DataFrame | None, steps: int) -> FormulaDesign:
        """Return the same design after `steps` more rows, with these data; None where only the columns are known."""
        if self.history is None:
            return self
        if data is None:  # missing, so that a look back at them is refused and not answered with older rows
            past = self.history.reset_index(drop=True)
            return self.remembering(past.reindex(range(len(past) + steps)))
        return self.remembering(pd.concat([self.history, data[list(self.variables)]]))

    def remembering(self, rows: pd.DataFrame) -> FormulaDesign:
        """Return the same design after these rows of its variables, of which it keeps as many as it looks back."""
        if self.reach == 0:
            return replace(self, history=None)
        return replace(self, history=rows if self.reach is None else rows.iloc[-self.reach :])

    def restarted(self, data: pd.DataFrame) -> tuple[FormulaDesign, pd.DataFrame, int]:
        """Design for other data, their exogenous columns, and how many rows at the start lack a past."""
        fresh = replace(self, history=None)
        made = fresh.transform(data)
        if self.history is None:
            return self, made, 0
        rows = data[list(self.variables)]
        skip = _undefined_start(made, rows)
        return self.remembering(rows), made.iloc[skip:], skip


@dataclass(frozen=True)
class ParsedFormula:
    """
    What a formula says about a data frame.

    Parameters
    ----------
    endog : Series
        Left-hand side.
    exog : DataFrame or None
        Right-hand side without the intercept.
    trend : {"c", "n"}
        Whether there was an intercept.
    design : FormulaDesign
        To evaluate the formula on other rows.
    notes : tuple of str
        Rows at the start that were left out since the formula looks back beyond them.
    """

    endog: pd.Series
    exog: pd.DataFrame | None
    trend: str
    design: FormulaDesign
    notes: tuple[str, ...] = ()


def parse_formula(
    formula: str, data: Any, context: Mapping[str, Any] | None = None, drop_cols: Any = None
) -> ParsedFormula:
    """
    Evaluate a formula, keeping rows with missing values and the frequency of the index.

    Parameters
    ----------
    formula : str
        For example "y ~ x + np.log(z)". The intercept, which is there unless "0 +" or "- 1" removes it, becomes the
        constant of the model.
    data : DataFrame or mapping of columns
        The variables.
    context : mapping, optional
        Names that the formula may use beside the columns of `data`.
    drop_cols : str or sequence of str, optional
        Columns of the right-hand side to leave out.

    Returns
    -------
    ParsedFormula

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.formula import parse_formula
    >>> data = pd.DataFrame({"y": [1.0, None, 4.0], "x": [0.0, 1.0, 2.0]})
    >>> parsed = parse_formula("y ~ x", data)
    >>> parsed.trend, parsed.endog.to_list(), list(parsed.exog)
    ('c', [1.0, nan, 4.0], ['x'])
    """
    from formulaic import ModelMatrices, model_matrix

    data = as_pandas(data, "data")
    if not isinstance(data, (pd.DataFrame, Mapping)):
        kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
        how = "; pass data.to_pandas()" if hasattr(data, "to_pandas") else ""
        raise TypeError(f"data must be a DataFrame or a mapping of columns, but is a {kind}{how}.")
    data = _as_frame(data)
    context = {} if context is None else context
    with _one_sentence(formula):
        matrices = model_matrix(formula, data, na_action="ignore", context=context)
    if not isinstance(matrices, ModelMatrices) or not hasattr(matrices, "lhs"):
        raise ValueError(f"formula {formula!r} must name the series on its left, for example 'y ~ x'.")
    if isinstance(matrices.rhs, tuple) or not hasattr(matrices.rhs, "model_spec"):
        raise ValueError(f"formula {formula!r} must have one right-hand side; join its parts with '+'.")
    left, right = matrices.lhs, matrices.rhs
    if left.shape[1] != 1:
        raise ValueError(
            f"formula {formula!r} must have one numeric series on its left, but it makes {left.shape[1]} columns."
        )
    dropped = {drop_cols} if isinstance(drop_cols, str) else set(drop_cols or ())
    unknown = dropped - set(map(str, right.columns))
    if unknown:
        raise ValueError(
            f"drop_cols holds {sorted(unknown)[0]!r}, which formula {formula!r} does not make; its columns are "
            f"{', '.join(map(str, right.columns))}."
        )
    columns = tuple(c for c in map(str, right.columns) if c != "Intercept" and c not in dropped)
    spec = right.model_spec if columns else None
    names = set(map(str, left.model_spec.variables)) | (set() if spec is None else set(map(str, spec.variables)))
    # of "stats.zscore" the context has "stats"; numpy is known to every formula
    roots = {name.split(".")[0] for name in names} - set(map(str, data.columns)) - {"np"}
    used = {name: context[name] for name in roots if name in context}
    endog = pd.DataFrame(left).iloc[:, 0]
    exog = pd.DataFrame(right)[list(columns)] if columns else None
    variables = () if spec is None else tuple(sorted(map(str, spec.required_variables)))
    design = FormulaDesign(formula, left.model_spec, spec, columns, variables, used, rows_before(spec))
    notes: tuple[str, ...] = ()
    if exog is not None and design.reach != 0:
        raw = data[list(design.variables)]
        skip = _undefined_start(exog, raw)
        design = design.remembering(raw)
        if skip:
            notes = (f"first {skip} row{'s'[: skip > 1]} left out, where the formula has no past to look back to",)
            endog, exog = endog.iloc[skip:], exog.iloc[skip:]
    return ParsedFormula(endog, exog, "c" if "Intercept" in right.columns else "n", design, notes)


def _as_frame(columns: pd.DataFrame | Mapping[str, Any]) -> pd.DataFrame:
    """Variables as a data frame, in types that formulaic knows."""
    try:
        frame = pd.DataFrame(columns)
    except ValueError as error:
        raise ValueError("data must have columns of one length, with a value for each row.") from error
    changed: dict[int, Any] = {j: _known_type(column) for j, (_, column) in enumerate(frame.items())}
    frame = frame.copy(deep=False)
    for j, column in changed.items():
        if column is not None:
            frame.isetitem(j, column)
    return frame


def _known_type(column: pd.Series) -> pd.Series | None:
    """Decimals as numbers and text of Arrow as text, which formulaic takes for categories and numbers; else None."""
    kind = None
    if column.dtype.kind in "OU" and not isinstance(column.dtype, pd.CategoricalDtype) and column.dtype != "str":
        kind = infer_dtype(column, skipna=True)
    if kind == "decimal":
        return pd.Series(float_values(column, f"data column {column.name!r}"), column.index)
    return column.astype(object) if kind == "string" and column.dtype != object else None


def rows_before(spec: ModelSpec | None) -> int | None:
    """Rows that a side of a formula looks back; None where it cannot be told."""
    factors = () if spec is None else {factor for term in spec.formula for factor in term.factors}
    rows = [look_back(factor.expr) for factor in factors if factor.eval_method.value == "python"]
    return None if None in rows else max([0, *(row for row in rows if row is not None)])


def _undefined_start(exog: pd.DataFrame, raw: pd.DataFrame) -> int:
    """Rows at the start that are missing though the data are there: a lag has nothing to show yet."""
    made = exog.isna().any(axis=1).to_numpy() & raw.notna().all(axis=1).to_numpy()
    return len(made) if made.all() else int(np.argmin(made))


class _one_sentence:
    """Turn what formulaic raises into one sentence."""

    def __init__(self, formula: str):
        self.formula = formula

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        from formulaic.errors import DataMismatchWarning, FormulaicError

        if isinstance(error, DataMismatchWarning):
            unknown = re.search(r"\{.*\}", str(error))
            raise ValueError(
                f"exog has categories that the sample does not have, {unknown[0] if unknown else error}, so formula "
                f"{self.formula!r} has no column for them; give it categories of the sample."
            ) from error
        if isinstance(error, (FormulaicError, NameError, SyntaxError, KeyError, TypeError, ValueError)):
            said = " ".join(_TERMINAL.sub("", str(error)).split()).rstrip(". ")
            raise ValueError(f"formula {self.formula!r} could not be evaluated: {said}.") from error
