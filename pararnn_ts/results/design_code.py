"""Formulas as plain values: what is saved of them, and what a file may bring back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pararnn_ts.models.expressions import look_back
from pararnn_ts.models.formula import FormulaDesign, rows_before
from pararnn_ts.results.encoding import decode, encode

if TYPE_CHECKING:
    from formulaic import ModelSpec

__all__ = ["decode_design", "encode_design"]


def encode_design(design: FormulaDesign | None) -> dict[str, Any] | None:
    """
    Plain values for a formula; None where it has parts that no file can hold, such as functions of the user.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.formula import parse_formula
    >>> from pararnn_ts.results.design_code import decode_design, encode_design
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0], "x": [0.0, 1.0, 2.0]})
    >>> design = decode_design(encode_design(parse_formula("y ~ center(x)", data).design))
    >>> design.transform(pd.DataFrame({"x": [7.0]}))
       center(x)
    0        6.0
    """
    if design is None or None in (design.reach, rows_before(design.response)):
        return None
    try:
        return {
            "formula": design.formula,
            "response": _encode_side(design.response),
            "regressors": None if design.regressors is None else _encode_side(design.regressors),
            "columns": list(design.columns),
            "variables": list(design.variables),
            "context": encode(dict(design.context)),
            "history": encode(design.history),
        }
    except TypeError:  # categories or numbers of a kind that JSON has not
        return None


def decode_design(code: dict[str, Any] | None) -> FormulaDesign | None:
    """Formula that :func:`encode_design` encoded; a file cannot bring in expressions that do more than arithmetic."""
    if code is None:
        return None
    response = _decode_side(code["response"])
    regressors = None if code["regressors"] is None else _decode_side(code["regressors"])
    columns, variables = (tuple(map(str, code[name])) for name in ("columns", "variables"))
    context = decode(code["context"])
    if not all(isinstance(value, (bool, int, float, str)) for value in context.values()):
        raise ValueError("path holds a formula with more than numbers and text; do not trust it.")
    return FormulaDesign(
        str(code["formula"]), response, regressors, columns, variables, context, rows_before(regressors),
        decode(code["history"]),
    )  # fmt: skip


def _encode_side(spec: ModelSpec) -> dict[str, Any]:
    """Terms of one side of a formula, and what its transforms and categories remember of the sample."""
    return {
        "terms": [[[factor.expr, factor.eval_method.value] for factor in term.factors] for term in spec.formula],
        "transforms": encode(spec.transform_state, "formula"),
        "categories": encode(
            {
                name: list(state["categories"])
                for name, (_, state) in spec.encoder_state.items()
                if "categories" in state
            },
            "formula",
        ),
    }


def _decode_side(code: dict[str, Any]) -> ModelSpec:
    from formulaic import ModelSpec
    from formulaic.formula import SimpleFormula
    from formulaic.parser.types import Factor, Term

    for term in code["terms"]:
        for expression, method in term:
            if method not in ("literal", "lookup", "python") or (method == "python" and look_back(expression) is None):
                raise ValueError(
                    f"path holds a formula with the expression {expression!r}, which may do more than arithmetic; do "
                    "not trust it."
                )
    terms = [Term([Factor(expression, eval_method=method) for expression, method in term]) for term in code["terms"]]
    categories = decode(code["categories"])
    return ModelSpec(
        formula=SimpleFormula(terms),
        materializer="pandas",
        na_action="ignore",
        output="pandas",
        transform_state=decode(code["transforms"]),
        encoder_state={name: (Factor.Kind.CATEGORICAL, {"categories": levels}) for name, levels in categories.items()},
    )
