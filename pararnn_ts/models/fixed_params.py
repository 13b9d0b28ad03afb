"""Parameters held at given values while a recurrent model is fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from pararnn_ts.models.arguments import given

if TYPE_CHECKING:
    from pararnn_ts.models.recurrent import RecurrentModel

__all__ = ["fit_constrained", "fix_params"]


@contextmanager
def fix_params(model: RecurrentModel, params: Mapping[str, float]) -> Iterator[None]:
    """
    Hold parameters at given values in all fits inside a ``with`` block.

    Parameters
    ----------
    params : mapping of str to float
        Values in the units of the data, by names as in `param_names`.

    Raises
    ------
    TypeError, ValueError
        `params` is not a mapping of known names to finite numbers, or leaves no parameter to be estimated.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> model = prt.ParaRNN(prt.datasets.load_nile(), units=(1,))
    >>> with model.fix_params({"linear.flow.L1": 0.5}):
    ...     results = model.fit(n_starts=2)
    >>> float(results.params["linear.flow.L1"])
    0.5
    """
    before, model._held = model._held, _checked_values(model, params)
    try:
        yield
    finally:
        model._held = before


def fit_constrained(model: RecurrentModel, constraints: Mapping[str, float], **options: Any):
    """
    Estimate the parameters while some of them are held at given values; see `fix_params` and `fit`.

    Parameters
    ----------
    constraints : mapping of str to float
        Values of the parameters that are held, by name.
    **options
        Arguments of `fit`.

    Returns
    -------
    RecurrentResultsWrapper
        Results.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=()).fit_constrained({"linear.flow.L1": 0.5})
    >>> float(results.params["linear.flow.L1"])
    0.5
    """
    with model.fix_params(constraints):
        return model.fit(**options)


def _checked_values(model: RecurrentModel, params: Any) -> dict[int, float]:
    if not isinstance(params, Mapping):
        raise TypeError(
            f"params must map names of parameters to values, but is {given(params)}; pass for example "
            f"{{{model.param_names[0]!r}: 0.0}}."
        )
    known, held = model.param_names, {}
    for name, value in params.items():
        if name not in known:
            raise ValueError(f"params holds {name!r}, which is no parameter; they are {', '.join(known)}.")
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
            raise ValueError(f"params must hold finite numbers, but holds {given(value)} for {name!r}.")
        held[known.index(name)] = float(value)
    if len(held) == len(known):
        raise ValueError("params holds every parameter, which leaves nothing to fit; use model.evaluate instead.")
    return held
