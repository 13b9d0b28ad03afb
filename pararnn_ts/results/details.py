"""What a fit hands over to the results: everything that is not a function of model and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts.estimation.errors import ErrorLaw

__all__ = ["FitDetails"]


@dataclass(frozen=True)
class FitDetails:
    """
    Outcome of an estimation, parameters apart.

    Parameters
    ----------
    penalty : "evidence", float or None
        How the parameters were penalised; zero for least squares, None when they were evaluated and not fitted.
    precision : ndarray, (F, F)
        Posterior precision of the estimated parameters on the standardised scale: ``J'J`` over the variance of the
        shocks, plus the precisions of the prior.
    scale : float
        Variance of the shocks, the sum of squared residuals over `nobs` less the effective number of parameters.
    effective : float
        Effective number of parameters, those without a penalty included.
    log_evidence : float
        Log evidence of the model; NaN where the penalty was not chosen by evidence.
    alpha : mapping
        Prior precision of each group of parameters on the standardised scale.
    law : ErrorLaw
        Law of the shocks; by default normal with variance `scale`.
    held : tuple of int
        Positions of the parameters that were held at given values.
    start_columns : mapping of str to sequence
        Columns of the table of the optimiser's starts.
    mle_retvals : mapping
        What the optimiser returned: `converged`, `iterations`, `warnflag` and more.
    cov_type : str or None
        Name of the covariance estimator; None for "laplace" with a penalty and "nonrobust" without.
    cov_kwds : mapping
        Options of the covariance estimator.
    to_data : ndarray, (P, F), optional
        Derivative of the parameters in the data's units by those of `precision`, zero for the ones that are held; by
        default `precision` is that of all parameters in the data's units.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.details import FitDetails
    >>> details = FitDetails(penalty=0.0, precision=np.eye(2), scale=1.5, effective=2.0)
    >>> details.penalised, details.covariance_name
    (False, 'nonrobust')
    """

    penalty: str | float | None
    precision: np.ndarray
    scale: float
    effective: float
    log_evidence: float = float("nan")
    alpha: Mapping[str, float] = field(default_factory=dict)
    law: ErrorLaw = None  # type: ignore[assignment]
    held: tuple[int, ...] = ()
    start_columns: Mapping[str, Any] = field(default_factory=dict)
    mle_retvals: Mapping[str, Any] = field(default_factory=dict)
    cov_type: str | None = None
    cov_kwds: Mapping[str, Any] = field(default_factory=dict)
    to_data: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.to_data is None:
            object.__setattr__(self, "to_data", np.eye(len(self.precision)))
        if self.law is None:
            object.__setattr__(self, "law", ErrorLaw(float(np.sqrt(self.scale))))
        # plain numbers take less room in a file than numpy's
        object.__setattr__(self, "law", ErrorLaw(float(self.law.spread), float(self.law.dof)))

    @cached_property
    def starts(self) -> pd.DataFrame:
        """Table of the optimiser's starts, a row each; most fits are never asked for it."""
        table = pd.DataFrame(dict(self.start_columns))
        table.index.name = "start"
        return table

    @property
    def penalised(self) -> bool:
        """Whether a penalty held the parameters back."""
        return bool(self.penalty)

    @property
    def covariance_name(self) -> str:
        """Name of the covariance estimator in use."""
        return self.cov_type or ("laplace" if self.penalised else "nonrobust")
