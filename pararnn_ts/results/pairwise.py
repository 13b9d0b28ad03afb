"""Categories of a term of a formula, compared two by two, as statsmodels compares them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from statsmodels.stats.contrast import MultiCompResult, t_test_multi

from pararnn_ts.models.arguments import check_alpha

if TYPE_CHECKING:
    from pararnn_ts.models.formula import FormulaDesign
    from pararnn_ts.results.base import RecurrentResults

__all__ = ["t_test_pairwise"]


def t_test_pairwise(
    results: RecurrentResults,
    term_name: str,
    method: str | list[str] = "hs",
    alpha: float = 0.05,
    factor_labels: Sequence[str] | None = None,
) -> MultiCompResult:
    """
    Compare the categories of a term of the formula two by two, with p-values corrected for the number of comparisons.

    Parameters
    ----------
    term_name : str
        A categorical main effect as the formula has it, for example ``"C(day)"``.
    method : str or list of str
        Corrections, see `statsmodels.stats.multitest.multipletests`.
    alpha : float
        Level of the decisions and one less the coverage of the intervals.
    factor_labels : sequence of str, optional
        Names of the categories in the table, in their order.

    Returns
    -------
    MultiCompResult
        `result_frame` has a row for each pair, `contrasts` the differences of parameters that were tested.

    Notes
    -----
    Direct effects are compared: with units, whose inputs the columns of the term are as well, categories also act
    through the units, and no difference of parameters is the whole effect.

    Examples
    --------
    >>> import numpy as np, pandas as pd, pararnn_ts as prt
    >>> data = pd.DataFrame({"y": np.random.default_rng(0).standard_normal(60), "part": list("abc") * 20})
    >>> results = prt.ParaRNN.from_formula("y ~ C(part)", data, units=()).fit()
    >>> results.t_test_pairwise("C(part)").result_frame.index.tolist()
    ['b-a', 'c-a', 'c-b']
    """
    design = results.model._design
    if design is None:
        raise ValueError(
            "t_test_pairwise compares categories of a formula, but the model was not made from one; pass the "
            "differences of parameters to t_test."
        )
    levels, encoding = _encoding(design, term_name)
    if factor_labels is not None and len(factor_labels) != len(levels):
        raise ValueError(
            f"factor_labels has {len(factor_labels)} names, but {term_name} has the {len(levels)} categories "
            f"{', '.join(map(str, levels))}; pass one for each."
        )
    names = list(map(str, levels if factor_labels is None else factor_labels))
    pairs = list(combinations(range(len(levels)), 2))
    labels = [f"{names[j]}-{names[i]}" for i, j in pairs]
    contrasts = np.zeros((len(pairs), len(results.params)))
    places = [results.model.param_names.index(f"linear.{column}") for column in encoding.columns]
    codes = encoding.to_numpy(float)
    for row, (i, j) in enumerate(pairs):
        contrasts[row, places] = codes[j] - codes[i]
    frame = t_test_multi(results, contrasts, method, check_alpha(alpha), contrast_names=labels)
    return MultiCompResult(frame, contrasts, term_name, labels, codes)


def _encoding(design: FormulaDesign, term_name: str) -> tuple[list[Any], pd.DataFrame]:
    """Categories of a term, and the columns of the formula that stand for it at each of them."""
    from formulaic import Formula, model_matrix
    from formulaic.errors import FormulaicError

    spec = design.regressors
    terms = [] if spec is None else [str(term) for term in spec.formula if len(term.factors) == 1]
    known = [name for name in terms if "categories" in spec.encoder_state.get(name, (None, {}))[1]]  # type: ignore[union-attr]
    if term_name not in known:
        listed = f"they are {', '.join(known)}" if known else "it has none"
        raise ValueError(
            f"term_name={term_name!r} is no categorical main effect of the formula {design.formula!r}; {listed}."
        )
    levels = list(spec.encoder_state[term_name][1]["categories"])  # type: ignore[union-attr]
    # each category once, as the data would have it
    variables = sorted(map(str, Formula(term_name).required_variables))
    data = pd.DataFrame({name: pd.Categorical(levels, categories=levels) for name in variables})
    for intercept in ("1", "0"):
        with contextlib.suppress(FormulaicError):  # categories that the term computes from numbers
            made = pd.DataFrame(model_matrix(f"{intercept} + {term_name}", data, context=design.context))
            made = made.drop(columns="Intercept", errors="ignore")
            if set(made.columns) <= set(design.columns):
                return levels, made
    raise ValueError(
        f"term_name={term_name!r} does not say which of the columns {', '.join(design.columns)} belong to which "
        "category; pass differences of parameters to t_test."
    )
