"""What is known about the parameters: their covariance, standard errors, intervals and tests of linear hypotheses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg, stats

from pararnn_ts._compat import TimeSeriesModelResults
from pararnn_ts.models.arguments import check_alpha
from pararnn_ts.results import pairwise
from pararnn_ts.results.bootstrap import refit_estimates
from pararnn_ts.results.covariance import TOLERANCE, Covariance, Ingredients, check_covariance, estimate_covariance
from pararnn_ts.results.details import FitDetails
from pararnn_ts.results.identification import (
    contrasts_of,
    warn_of_unidentified,
    warn_of_unmeasured,
    without_unidentified,
)
from pararnn_ts.results.restrictions import parse_restrictions

__all__ = ["Inherited", "ParameterInference"]


@dataclass(frozen=True)
class Inherited:
    """
    What results without a fit of their own take from the sample on which the parameters were estimated.

    Parameters
    ----------
    covariance : Covariance
        Covariance of the parameters.
    shocks : ndarray
        Shocks to draw from.
    span : tuple of float
        Smallest and largest observation.
    """

    covariance: Covariance
    shocks: np.ndarray
    span: tuple[float, float]


class ParameterInference(TimeSeriesModelResults):
    """
    The part of `RecurrentResults` that is about parameters; it reads `resid`, `used` and `inherited` of the rest.

    Parameters
    ----------
    model : RecurrentModel
        The model.
    params : ndarray
        Its parameters.
    details : FitDetails
        How they were estimated.
    """

    def __init__(self, model: Any, params: np.ndarray, details: FitDetails):
        super().__init__(model, np.array(params, dtype=float), None, scale=float(details.scale))
        check_covariance(details.covariance_name, details.cov_kwds)
        # statsmodels sets this one on the instance, where it would hide the property
        del self.normalized_cov_params
        self.details = details
        self.cov_type = details.covariance_name

    @cached_property
    def covariance(self) -> Covariance:
        """Covariance of the parameters, with the number of directions that are identified."""
        if self.inherited is not None:
            return self.inherited.covariance
        return estimate_covariance(self.cov_type, self.ingredients, self.details.cov_kwds)

    @property
    def ingredients(self) -> Ingredients:
        """What covariance estimators are made of."""
        return Ingredients(
            precision=self.details.precision,
            to_data=self.details.to_data,
            jacobian=lambda: self.model.jacobian(self.params),
            resid=lambda: self.resid,
            law=self.details.law,
            score=self._score,
            refits=lambda count, rng: refit_estimates(self, count, rng),
        )

    def _score(self, move: np.ndarray) -> np.ndarray:
        """Derivative of the log likelihood by the estimated parameters, standardised, moved from the estimate."""
        params = self.params + self.details.to_data @ move
        resid = (self.model._y - self.model.path(params).fitted)[self.used]
        return (self.model.jacobian(params) @ self.details.to_data).T @ self.details.law.scores(resid)

    @property
    def cov_params_default(self) -> np.ndarray:
        """Covariance matrix of the parameters; statsmodels' `cov_params` and tests read this."""
        return self.covariance.matrix

    def cov_params(
        self, r_matrix: Any = None, column: Any = None, scale: Any = None, cov_p: Any = None, other: Any = None
    ) -> np.ndarray:
        """
        Covariance matrix of the parameters, of linear combinations or of some of them, as statsmodels has it.

        Parameters
        ----------
        r_matrix : array_like, (k, P), optional
            Linear combinations of the parameters, one in each row.
        column : int or array_like of int, optional
            Positions of the parameters that are wanted.
        scale : float, optional
            Factor of the matrix; by default one.
        cov_p : array_like, (P, P), optional
            Covariance matrix in place of that of the results.
        other : array_like, (l, P), optional
            With it, the covariances of the combinations in `r_matrix` with these.

        Returns
        -------
        DataFrame or ndarray
            The matrix; NaN for parameters without standard errors. Labelled when all of it is returned.

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
        >>> res.cov_params(r_matrix=np.eye(6)[:2]).shape
        (2, 2)
        """
        found = super().cov_params(r_matrix, column, scale, cov_p, other)
        if r_matrix is None or scale is not None or cov_p is not None or other is not None:
            return found
        contrasts = np.atleast_2d(np.asarray(r_matrix, dtype=float))
        if not self.covariance.unknown.any() and (np.count_nonzero(contrasts, axis=1) <= 1).all():
            return found
        # sums of the entries of the matrix may have no digits left, and those that are not known are in all of them
        spread = self.covariance.spread(contrasts)
        return np.reshape(spread @ spread.T, np.shape(found))

    @property
    def cov_kwds(self) -> dict[str, Any]:
        """Options of the covariance estimator and a description of it."""
        return {**self.details.cov_kwds, "description": self.covariance.description}

    @property
    def _covariance_note(self) -> str:
        """What the standard errors assume, in one sentence."""
        return f"Covariance of the parameters: {self.covariance.description}"

    @cached_property
    def normalized_cov_params(self) -> np.ndarray:
        """Covariance matrix of the parameters divided by `scale`."""
        return self.cov_params_default / self.scale

    @cached_property
    def bse(self) -> np.ndarray:
        """Standard errors of the parameters, NaN for those that the data do not identify."""
        errors = np.sqrt(np.maximum(np.diag(self.cov_params_default), 0.0))
        errors[list(self.covariance.unidentified)] = np.nan
        return errors

    def conf_int(self, alpha: float = 0.05) -> np.ndarray:
        """
        Intervals of the parameters, a row each.

        Parameters
        ----------
        alpha : float
            One less the coverage.

        Returns
        -------
        ndarray, (P, 2), or DataFrame
            Lower and upper ends; also for a model without parameters, where statsmodels forgets the columns.

        Examples
        --------
        >>> import numpy as np
        >>> import pararnn_ts as prt
        >>> y = np.random.default_rng(0).standard_normal(50)
        >>> prt.ParaRNN(y, units=(), linear_lags=0, trend="n").fit().conf_int().shape
        (0, 2)
        """
        return np.reshape(super().conf_int(check_alpha(alpha)), (-1, 2))

    @cached_property
    def tvalues(self) -> np.ndarray:
        """Parameters divided by their standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.params / self.bse

    @cached_property
    def pvalues(self) -> np.ndarray:
        """Two-sided p-values of the hypotheses that parameters are zero."""
        return 2.0 * stats.norm.sf(np.abs(self.tvalues))

    def t_test(self, r_matrix: Any, cov_p: Any = None, use_t: bool | None = None) -> Any:
        """
        Test linear hypotheses about the parameters one by one.

        Parameters
        ----------
        r_matrix : str, list of str, array_like or tuple
            Hypotheses in words such as ``"linear.y.L1 = 0.5, unit1.b = 0"``, a matrix R, or a pair (R, q).
        cov_p : array_like, optional
            Covariance matrix to use in place of that of the results.
        use_t : bool, optional
            Whether to use Student's distribution instead of the normal one.

        Returns
        -------
        ContrastResults

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
        >>> bool(res.t_test("linear.y.L1 = 0").pvalue == res.pvalues[1])
        True
        """
        restrictions = parse_restrictions(r_matrix, self.model.param_names)
        if cov_p is None:
            warn_of_unmeasured(self, restrictions)
        warn_of_unidentified(self, restrictions)
        return without_unidentified(self, restrictions, super().t_test(restrictions, cov_p, use_t))

    def wald_test(
        self,
        r_matrix: Any,
        cov_p: Any = None,
        invcov: Any = None,
        use_f: bool | None = None,
        df_constraints: int | None = None,
        scalar: bool = True,
    ) -> Any:
        """
        Test linear hypotheses about the parameters jointly; `f_test` is the same with the F distribution.

        Parameters
        ----------
        r_matrix, cov_p
            As in `t_test`.
        invcov : array_like, optional
            Inverse covariance matrix of the restrictions.
        use_f : bool, optional
            Whether to use the F distribution instead of the chi-squared one.
        df_constraints : int, optional
            Number of restrictions.
        scalar : bool
            Whether the statistic is a number.

        Returns
        -------
        ContrastResults

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
        >>> int(res.wald_test("linear.y.L1 = 0, const = 0").df_denom)
        2
        """
        restrictions = parse_restrictions(r_matrix, self.model.param_names)
        warn_of_unidentified(self, restrictions)
        tested = restrictions
        if cov_p is None and invcov is None:
            rows = contrasts_of(self, restrictions)
            if rows is not None and warn_of_unmeasured(self, restrictions):
                # with this in place of a covariance statsmodels returns NaN, as tests one by one do
                invcov = np.full((len(rows), len(rows)), np.nan)
            whitened = _whitened(self, restrictions)
            if whitened is not None:
                tested, invcov = whitened, np.eye(len(whitened[0]))
        found = super().wald_test(tested, cov_p, invcov, use_f, df_constraints, scalar=scalar)
        return without_unidentified(self, restrictions, found)

    t_test_pairwise = pairwise.t_test_pairwise


def _whitened(results: ParameterInference, restrictions: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """
    Restrictions in combinations that have the identity as covariance; None where they are not independent.

    The same hypothesis, tested without the inverse of a covariance matrix: where the level of a series is large, the
    entries of one differ by more digits than there are.
    """
    rows, covariance = contrasts_of(results, restrictions), results.covariance
    if rows is None or len(rows) > covariance.root.shape[1]:
        return None
    values = np.ravel(restrictions[1]) if isinstance(restrictions, tuple) else np.zeros(len(rows))
    spread = covariance.spread(rows)
    size = np.linalg.norm(spread, axis=1)
    if len(values) != len(rows) or not np.isfinite(size).all():
        return None
    triangle = linalg.qr(spread.T, mode="r")[0][: len(rows)]
    if (np.abs(np.diag(triangle)) <= TOLERANCE * size).any():
        return None
    solved = linalg.solve_triangular(triangle, np.column_stack([rows, values]), trans="T")
    return solved[:, :-1], solved[:, -1]
