"""Results of models with a recurrent cell: what every model has, and the stability of the integrator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import statsmodels.base.wrapper as wrap

from pararnn_ts.results.base import RecurrentResults, RecurrentResultsWrapper
from pararnn_ts.results.covariance import Covariance
from pararnn_ts.results.details import FitDetails
from pararnn_ts.results.graphics import PlotMethod

if TYPE_CHECKING:
    from pararnn_ts.results.integrator_stability import IntegratorStability

__all__ = ["CellResults", "CellResultsWrapper"]

NONE = "not available, the descent was stopped before an optimum."


class CellResults(RecurrentResults):
    """
    Results of a model with a recurrent cell; see `RecurrentResults` for its parameters.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ODERNN(prt.datasets.load_nile(), hidden=2).fit(n_starts=2)
    >>> results.components.columns.tolist()
    ['const', 'linear', 'unit1']
    """

    def __init__(self, model: Any, params: np.ndarray, details: FitDetails, **origin: Any):
        super().__init__(model, params, details, **origin)
        if details.penalty == "early stopping":
            self.cov_type = "none"

    @cached_property
    def covariance(self) -> Covariance:
        """Covariance of the parameters; NaN for those that have no standard errors."""
        if self.inherited is not None:
            return self.inherited.covariance
        if self.details.penalty == "early stopping":
            unknown = self.details.precision
            return Covariance(unknown, unknown, len(self.params), NONE)
        found, spec = super().covariance, self.model.specification
        if spec.cell.has_standard_errors:
            return found
        matrix, root = found.matrix.copy(), found.root.copy()
        matrix[spec.n_linear :] = np.nan
        matrix[:, spec.n_linear :] = np.nan
        # what enters linearly keeps its rows, with which it is tested
        root[spec.n_linear :] = np.nan
        return replace(found, matrix=matrix, root=root)

    def stability(self) -> IntegratorStability:  # type: ignore[override]
        """
        How the state answers to small changes along the fitted path: forgets them, keeps them or lets them grow.

        Returns
        -------
        IntegratorStability
            Prints as a table with a verdict in words; see there.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> results = prt.QUNN(prt.datasets.load_nile(), memory=4).fit(n_starts=2)
        >>> results.stability().verdict
        'norm-preserving'
        """
        from pararnn_ts.results.integrator_stability import integrator_stability

        return integrator_stability(self)

    plot_stability = PlotMethod()


class CellResultsWrapper(RecurrentResultsWrapper):
    """Results whose arrays have labels; everything else is that of `CellResults`."""

    _wrap_attrs = RecurrentResultsWrapper._wrap_attrs
    _wrap_methods: Mapping[str, str] = RecurrentResultsWrapper._wrap_methods


wrap.populate_wrapper(CellResultsWrapper, CellResults)
