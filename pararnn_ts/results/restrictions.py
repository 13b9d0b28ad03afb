"""Linear hypotheses written with the names of the parameters, whatever characters these contain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from formulaic.utils.constraints import LinearConstraints

__all__ = ["parse_restrictions"]


def parse_restrictions(restrictions: Any, names: Sequence[str]) -> Any:
    """
    Turn hypotheses in words into a matrix and values; a matrix that fits the parameters is returned as it is.

    Parameters
    ----------
    restrictions : str, list of str, or anything that is not text
        Such as ``"unit1.W = 0.5"`` or ``"linear.y.L1 = linear.y.L2, const = 0"``. A name alone is set to zero.
    names : sequence of str
        Names of the parameters.

    Returns
    -------
    tuple of ndarray or object
        Matrix R and values q of ``R params = q``.

    Examples
    --------
    >>> from pararnn_ts.results.restrictions import parse_restrictions
    >>> parse_restrictions("unit1.W[1,2] = 2 * const", ["const", "unit1.W[1,2]"])
    (array([[-2.,  1.]]), array([0]))
    """
    if isinstance(restrictions, str):
        text = restrictions
    elif isinstance(restrictions, list) and restrictions and all(isinstance(part, str) for part in restrictions):
        text = ", ".join(restrictions)
    else:
        _require_columns(restrictions, names)
        return restrictions
    # the longest names first, so that none is read as the beginning of another
    order = sorted(range(len(names)), key=lambda i: -len(names[i]))
    pattern = "|".join(re.escape(names[i]) for i in order)
    alias = {name: f"p{i}" for i, name in enumerate(names)}
    safe = re.sub(rf"(?<![\w.\]])(?:{pattern})(?![\w.\[])", lambda match: alias[match.group()], text)
    try:
        if not text.strip():
            raise ValueError("no hypothesis")
        constraints = LinearConstraints.from_spec(safe, variable_names=list(alias.values()))
    except Exception as error:
        raise ValueError(
            f"r_matrix={text!r} is not a linear hypothesis about the parameters; write one such as "
            f"'{names[0]} = 0' with names from params.index."
        ) from error
    return np.asarray(constraints.constraint_matrix), np.atleast_1d(constraints.constraint_values)


def _require_columns(restrictions: Any, names: Sequence[str]) -> None:
    """Raise for a matrix, alone or with values, that has no column for each parameter."""
    if restrictions is not None and not isinstance(restrictions, (np.ndarray, pd.DataFrame, list, tuple)):
        return  # what statsmodels knows beside matrices
    matrix: Any = restrictions
    if isinstance(restrictions, tuple) and len(restrictions) == 2:
        matrix = restrictions[0]
    try:
        shape = np.shape(matrix)
    except ValueError:  # rows of different lengths
        shape = ()
    if len(shape) not in (1, 2) or shape[-1] != len(names):
        raise ValueError(
            f"r_matrix must be text or a matrix with {len(names)} columns, one for each of params, but "
            f"{'has shape ' + str(shape) if shape else 'is ' + repr(restrictions)}; write for example '{names[0]} = 0'."
        )
