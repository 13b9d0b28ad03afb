"""What the expressions of a formula do: whether they are plain arithmetic, and how many rows they look back."""

from __future__ import annotations

import ast
import re

__all__ = ["look_back"]

_QUOTED = re.compile(r"`[^`]*`")
# functions of numpy that look at one row at a time
_ELEMENTWISE = frozenset(
    "abs arctan arctanh cbrt ceil clip cos cosh exp exp2 expm1 fabs floor log log10 log1p log2 maximum minimum "
    "power rint sign sin sinh sqrt square tan tanh trunc where".split()
)
# transforms of formulaic that do so too, once their state is known
_TRANSFORMS = frozenset("log log10 log2 exp exp10 exp2 bs cc cr cs center scale standardize poly C I Q".split())
_ARITHMETIC = (
    ast.Expression, ast.Load, ast.BinOp, ast.UnaryOp, ast.Compare, ast.operator, ast.unaryop, ast.cmpop,
    ast.keyword, ast.List, ast.Tuple, ast.Name,
)  # fmt: skip
# numbers in a formula are at most this large, so that none makes a transform run out of memory
_LARGEST = 1e6


def look_back(expression: str) -> int | None:
    """
    How many rows before its own an expression needs.

    Parameters
    ----------
    expression : str
        One factor of a formula, such as ``np.log(x)`` or ``lag(x, 2)``.

    Returns
    -------
    int or None
        None when it cannot be told: there is more than arithmetic, functions of numpy that look at one row at a
        time, and the transforms of formulaic. Evaluating one that can be told has no effect but its value.

    Examples
    --------
    >>> from pararnn_ts.models.expressions import look_back
    >>> look_back("np.log(x) + 1"), look_back("lag(x, 2) * lag(z)"), look_back("np.cumsum(x)"), look_back("x.shift(1)")
    (0, 3, None, None)
    """
    try:
        tree = ast.parse(_QUOTED.sub("quoted", expression).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    rows = 0
    # names of functions, which are judged with the call
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            steps = _steps(node)
            if steps is None:
                return None
            rows += steps
        elif isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else None
            if not (owner == "contr" or (owner == "np" and id(node) in called)):
                return None
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, (int, float)) and not abs(node.value) <= _LARGEST:
                return None
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            # a power of numbers alone may have any number of digits
            if not any(isinstance(part, ast.Name) for part in ast.walk(node.left)):
                return None
        elif not isinstance(node, _ARITHMETIC):
            return None
    return rows


def _steps(call: ast.Call) -> int | None:
    """Rows that a call looks back; None where the function is not known."""
    function = call.func
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else None
        return 0 if owner == "contr" or (owner == "np" and function.attr in _ELEMENTWISE) else None
    if not isinstance(function, ast.Name):
        return None
    if function.id != "lag":
        return 0 if function.id in _TRANSFORMS else None
    given = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "k")]
    try:
        steps = ast.literal_eval(given[0]) if given else 1
    except ValueError:
        return None
    return abs(steps) if isinstance(steps, int) else None
