"""Models that add up deterministic terms, a linear path and something recurrent: data in, results out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Unpack

import numpy as np
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from pararnn_ts._compat import warn_user
from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.errors import ErrorLaw, likely_law
from pararnn_ts.estimation.estimate import (
    STATUS_WORDS,
    Curvature,
    Estimate,
    curvature,
    estimate,
    n_threads,
)
from pararnn_ts.estimation.levenberg_marquardt import Options
from pararnn_ts.estimation.parallel_in_time import ParallelInTimeProblem, in_parallel
from pararnn_ts.estimation.problem import Problem, Sample
from pararnn_ts.estimation.restriction import RestrictedProblem
from pararnn_ts.kernels.cuda.target import check_device
from pararnn_ts.models import fixed_params, likelihood
from pararnn_ts.models.arguments import (
    MOST_DRAWS,
    check_choice,
    check_count,
    check_disp,
    check_generator,
    check_lags,
    check_params,
    optimiser_options,
)
from pararnn_ts.models.checks import SMALLEST, require_different, require_representable
from pararnn_ts.models.convergence import has_settled, not_converged
from pararnn_ts.models.options import SeriesOptions
from pararnn_ts.models.series import SeriesModel
from pararnn_ts.results.covariance import check_covariance
from pararnn_ts.results.details import FitDetails

__all__ = ["ERRORS", "Path", "RecurrentModel"]

# laws of the shocks
ERRORS = ("normal", "t")
# parameters of a fit by Levenberg-Marquardt, where every start has a matrix of their squared number
MOST_PARAMS = 10_000


class Path(NamedTuple):
    """
    The model run along a series.

    Attributes
    ----------
    fitted : ndarray, (n,)
        One-step predictions in levels, NaN in the rows held back.
    linear : ndarray, (n,)
        Their linear part, level terms of differencing included.
    components : ndarray, (n, K)
        Contribution v'h of each unit, NaN before the recursion starts.
    states : ndarray, (n, sum of dimensions)
        States of all units, NaN before the recursion starts.
    end_state : ndarray, (sum of dimensions,)
        States after the last row.
    filled : ndarray, (n,)
        The series with missing values replaced by predictions.
    """

    fitted: np.ndarray
    linear: np.ndarray
    components: np.ndarray
    states: np.ndarray
    end_state: np.ndarray
    filled: np.ndarray


class RecurrentModel(SeriesModel):
    """
    Base of the recurrent models: data in, results out. What recurs is said by subclasses.

    A subclass describes itself in `_describe` and supplies the recursion: `path`, `simulate_paths`, `jacobian`, the
    least-squares problem and start values (`_problem`, `_starts`).

    Parameters
    ----------
    endog : Series or array_like
        The series.
    exog : DataFrame or array_like, optional
        Exogenous values; those of time t feed the recurrent part and enter linearly.
    lags : int or list of int
        Lags of the series that feed the recurrent part.
    linear_lags : int or list of int, optional
        Lags that enter linearly; None: the same as `lags`.
    hold_back : int, optional
        Rows at the start that are not predicted, at least as many as lags and differencing need.
    errors : {"normal", "t"}
        Distribution of the shocks: normal, or Student's t with estimated degrees of freedom, for series with outliers.
    """

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        *,
        lags: int | Sequence[int] = 1,
        linear_lags: int | Sequence[int] | None = None,
        hold_back: int | None = None,
        errors: str = "normal",
        **series: Unpack[SeriesOptions],
    ):
        super().__init__(endog, exog, **series)
        self._held: dict[int, float] = {}
        if self._x is None:
            self._exog = np.zeros((len(self._y), 0))
        else:
            self._exog = np.ascontiguousarray(self._x)
        self._data_attr += ["_exog"]
        self._take_structure(lags, linear_lags, hold_back, errors)

    def _take_structure(
        self, lags: int | Sequence[int], linear_lags: int | Sequence[int] | None, hold_back: int | None, errors: str
    ) -> None:
        self.lags = check_lags(lags, "lags")
        self.linear_lags = self.lags if linear_lags is None else check_lags(linear_lags, "linear_lags")
        self.errors = check_choice(errors, "errors", ERRORS)
        self.hold_back = hold_back
        spec = self._describe()
        if hold_back is None:
            rows = spec.least_hold_back
        else:
            rows = check_count(hold_back, "hold_back", 0)
            if rows < spec.least_hold_back:
                raise ValueError(
                    f"hold_back must be at least {spec.least_hold_back}, the reach of lags and differencing, but is "
                    f"{hold_back!r}."
                )
        self.specification = replace(spec, hold_back=rows)
        require_different(self.specification.param_names, self.exog_labels)
        self.data.param_names = list(self.specification.param_names)

    def _describe(self) -> Any:
        """Return the specification, rows held back apart."""
        raise NotImplementedError

    def path(
        self,
        params: np.ndarray,
        y: np.ndarray | None = None,
        exog: np.ndarray | None = None,
        deterministic: np.ndarray | None = None,
        state: np.ndarray | None = None,
    ) -> Path:
        """Run the model along a series; see :meth:`UnitModel.path`."""
        raise NotImplementedError

    def _problem(self, evidence: bool = True) -> Problem:
        """Return the standardised least-squares problem of the sample; `evidence`: its penalty is that of a prior."""
        raise NotImplementedError

    def _starts(self, problem: Problem, count: int, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
        """Start values on the standardised scale, one row each, and where they come from."""
        raise NotImplementedError

    def _many_starts(
        self, problems: Sequence[Problem], count: int, seed: int | None
    ) -> list[tuple[np.ndarray, list[str]]]:
        """Start values for several series of this specification, those of each as if it were alone."""
        return [self._starts(problem, count, check_generator(seed)) for problem in problems]

    def _of_values(self, y: np.ndarray, exog: np.ndarray | None):
        """
        Make the same model of as many other values at next to no cost, for what fits need of a model.

        Nothing may be missing, no term may depend on dates, and labels and what statsmodels keeps are not known to it.
        """
        other = object.__new__(type(self))
        other.__dict__.update({**self.__dict__, "constant_weights": self.constant_weights, "_y": y, "data": None})
        if exog is not None:
            other._x, other._exog = exog, np.ascontiguousarray(exog)
        return other

    def _sample(self) -> Sample:
        """Arrays of the sample as estimation reads them."""
        complete = np.isfinite(self._y[: self.specification.hold_back]).all()
        y = self._y if complete else self._with_history(self._y)
        return Sample(y, self._exog, self._det, self.used)

    @property
    def param_names(self) -> list[str]:
        """Names of the parameters."""
        return list(self.specification.param_names)

    @property
    def exog_names(self) -> list[str]:
        """Names of the parameters, under which statsmodels' tests of terms look for them, as those of an AutoReg."""
        return self.param_names

    @property
    def used(self) -> np.ndarray:
        """Which rows enter the objective: predicted and observed."""
        self.require_data()
        used = np.isfinite(self._y)
        used[: self.specification.hold_back] = False
        return used

    def require_representable(self, smallest: float = SMALLEST) -> None:
        """Raise for values that cannot be computed with, see `checks.require_representable`."""
        require_representable(self._y, "endog", smallest)
        for name, column in zip(self.exog_labels, self._exog.T, strict=True):
            require_representable(column, f"exog column {name!r}", smallest)

    def _check_sample(self) -> None:
        self.require_data()
        spec = self.specification
        self.require_representable()
        self.require_sample(spec.hold_back + spec.n_deterministic + 2)
        if int(self.used.sum()) < spec.n_deterministic + 2:
            raise ValueError(
                f"endog has only {int(self.used.sum())} observations after the first {spec.hold_back} rows, which lags "
                "and differencing use up; pass a longer series or choose fewer lags."
            )

    def _with_history(self, y: np.ndarray) -> np.ndarray:
        """Copy of the series with gaps in the first rows, which no prediction can fill, interpolated."""
        self.require_data()
        y = np.array(y, dtype=float)
        head = y[: self.specification.hold_back]
        gaps = np.isnan(head)
        if gaps.any():
            seen = np.flatnonzero(np.isfinite(y))
            head[gaps] = np.interp(np.flatnonzero(gaps), seen, y[seen])
        return y

    def fit(
        self,
        start_params: Any = None,
        *,
        penalty: str | float = "evidence",
        n_starts: int = 16,
        rng: int | np.random.Generator | None = 0,
        maxiter: int = 200,
        tol: float = 1e-8,
        cov_type: str | None = None,
        cov_kwds: dict[str, Any] | None = None,
        device: str = "cpu",
        disp: bool = False,
    ):
        """
        Estimate the parameters by Levenberg-Marquardt from many starting values.

        Parameters
        ----------
        start_params : array_like, (P,), optional
            Starting values in the order of `param_names`; they are then the only start.
        penalty : "evidence" or float
            "evidence": a ridge penalty whose strength on each group of weights is chosen by maximising the evidence
            (MacKay 1992). It shrinks weights towards zero, but the first direct lag of a persistent series towards one,
            a random walk. A number is a fixed ridge on the standardised scale; zero is conditional Gaussian maximum
            likelihood.
        n_starts : int
            Number of starts: some are images of fitted ARMA models, the others are random.
        rng : None, int or numpy.random.Generator
            Source of the random starts; the same integer gives the same result to the last bit.
        maxiter : int
            Largest number of evaluations for each start.
        tol : float
            Convergence tolerance, in log-likelihood units per observation.
        cov_type : str, optional
            Covariance of the parameters: "laplace" (the default with a penalty), "nonrobust" (without), "oim" or
            "approx", "opg", "robust", "robust_oim" or "robust_approx", "HC0", "HAC", "bootstrap" or "none".
        cov_kwds : dict, optional
            Options of the covariance estimator: ``{"maxlags": 4}`` for "HAC", ``{"n_boot": 200, "rng": 0}`` for
            "bootstrap".
        device : {"cpu", "cuda", "cuda:float32"}
            Where to run the starts. On a CUDA device each start has a thread of its own, which pays off for many series
            or starts at once; "cuda:float32" passes over the data in single precision. With "cuda", one long series
            without gaps is run in parallel over time.
        disp : bool
            Whether to print how the optimisation went.

        Returns
        -------
        RecurrentResultsWrapper
            Results.

        Warns
        -----
        ConvergenceWarning
            The best start ran out of evaluations or went astray. A start that returned to the peak of its evidence,
            close to the penalised optimum, has ended as it should; there is no warning, only a note in the summary.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> results = prt.ParaRNN(prt.datasets.load_sunspots(), lags=2, units=(1,)).fit()
        >>> results.converged
        True
        """
        self._check_device(device)
        say = check_disp(disp)
        options = self._fit_options(penalty, maxiter, tol)
        usual = "nonrobust" if options.penalty == 0.0 else "laplace"
        check_covariance(usual if cov_type is None else cov_type, cov_kwds)
        warm = start_params is not None
        with one_blas_thread():
            problem = self._problem(options.penalty is None)
            if device == "cuda":
                problem = in_parallel(problem)
            if warm:
                given = check_params(start_params, self.param_names, "start_params")
                starts, origin = problem.scaling.to_standard(given)[None, :], ["given"]
            else:
                count = check_count(n_starts, "n_starts", most=MOST_DRAWS)
                starts, origin = self._starts(problem, count, check_generator(rng))
            starts = np.delete(starts, list(self._held), axis=1)
            restricted = RestrictedProblem(problem, self._held) if self._held else problem
            found = estimate(restricted, starts, options, n_threads(), warm, self.errors, device)
        # to the last bit
        for position, value in self._held.items():
            found.params[position] = value
        details = self._details(found, origin, penalty, cov_type, cov_kwds)
        if isinstance(problem, ParallelInTimeProblem):
            details = replace(details, mle_retvals={**details.mle_retvals, **problem.record.retvals()})
        if say:
            retvals = details.mle_retvals
            print(
                f"{len(starts)} starts, {retvals['n_best']} reached the best optimum; "
                f"{retvals['status']} after {retvals['iterations']} evaluations."
            )
        if not has_settled(details.mle_retvals):
            warn_user(not_converged(details.mle_retvals), ConvergenceWarning)
        return self._results(found.params, details)

    def _check_device(self, device: Any) -> None:
        check_device(device)

    def _fit_options(self, penalty: Any, maxiter: Any, tol: Any) -> Options:
        """Settings of the optimiser, once the sample is known to be one that they can fit."""
        options = optimiser_options(penalty, maxiter, tol, len(self.specification.group_names))
        self._check_sample()
        n_used, n_params = int(self.used.sum()), self.specification.n_params
        if n_params > MOST_PARAMS:
            raise ValueError(
                f"The model has {n_params:,} parameters, and the products of its Jacobian have room for "
                f"{MOST_PARAMS:,} of them; choose fewer units, states, lags or seasons."
            )
        if options.penalty == 0.0 and n_used <= n_params:
            raise ValueError(
                f"endog has {n_used} observations to be predicted, but the model has {n_params} parameters, too many "
                "without a penalty; leave penalty at 'evidence', choose fewer units or states, or pass a longer series."
            )
        return options

    def evaluate(self, params: Any, *, cov_type: str | None = None, cov_kwds: dict[str, Any] | None = None):
        """
        Make results at given parameters, without estimating anything.

        Parameters
        ----------
        params : array_like, (P,)
            Parameters in the order of `param_names`.
        cov_type, cov_kwds
            As in `fit`.

        Returns
        -------
        RecurrentResultsWrapper
            Results.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(), trend="n").evaluate([1.0])
        >>> bool(results.forecast(1).iloc[0] == 740.0)  # the last value
        True
        """
        params = check_params(params, self.param_names, "params")
        check_covariance("nonrobust" if cov_type is None else cov_type, cov_kwds)
        self._check_sample()
        problem = self._problem()
        standard, no_prior = problem.scaling.to_standard(params), np.zeros(len(self.specification.group_names))
        found = curvature(problem, standard, problem.products(standard), no_prior, None)
        law = ErrorLaw(np.sqrt(found.scale))
        if self.errors == "t":
            law = likely_law((self._y - self.path(params).fitted)[self.used])
        return self._results(params, _given_details(found, law, cov_type, cov_kwds))

    loglike = likelihood.loglike
    score = likelihood.score
    hessian = likelihood.hessian

    fix_params = fixed_params.fix_params
    fit_constrained = fixed_params.fit_constrained

    def predict(self, params: np.ndarray, start: Any = None, end: Any = None, dynamic: Any = False, exog: Any = None):
        """
        One-step, dynamic or out-of-sample predictions at given parameters.

        Parameters
        ----------
        params : array_like, (P,)
            Parameters in the order of `param_names`.
        start, end, dynamic, exog
            As in ``results.predict``.

        Returns
        -------
        Series or ndarray
            Predictions.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> model = prt.ParaRNN(prt.datasets.load_nile(), units=())
        >>> model.param_names
        ['const', 'linear.flow.L1']
        >>> model.predict([450.0, 0.5], "1971", "1972").tolist()
        [820.0, 860.0]
        """
        return self.evaluate(params).predict(start, end, dynamic, exog)

    def _results(self, params: np.ndarray, details: FitDetails, **origin: Any):
        """Results of this model; `origin` are the keyword-only parameters of `RecurrentResults`."""
        from pararnn_ts.results.base import RecurrentResults, RecurrentResultsWrapper

        return RecurrentResultsWrapper(RecurrentResults(self, params, details, **origin))

    def _details(
        self,
        found: Estimate,
        origin: list[str],
        penalty: Any,
        cov_type: str | None = None,
        cov_kwds: dict[str, Any] | None = None,
    ) -> FitDetails:
        s, best = found.starts, found.best
        words = [STATUS_WORDS[int(code)] for code in s.status]
        columns = {
            "origin": origin,
            "status": words,
            "iterations": s.iterations,
            "sse": s.sse,
            "log_evidence": s.log_evidence + (found.log_evidence - s.log_evidence[best]),
            "effective": s.gamma,
            "decrement": s.decrement,
            "best": np.arange(len(s.sse)) == best,
        }
        retvals = {
            "converged": found.converged,
            "status": words[best],
            "iterations": int(s.iterations[best]),
            "warnflag": 0 if found.converged else int(s.status[best]),
            "n_starts": len(s.sse),
            "n_best": found.n_best,
            "decrement": float(s.decrement[best]),
        }
        return FitDetails(
            penalty=penalty if isinstance(penalty, str) else float(penalty),
            precision=found.curvature.precision,
            to_data=found.curvature.to_data,
            scale=found.curvature.scale,
            effective=found.curvature.effective,
            log_evidence=found.log_evidence,
            alpha=found.alpha,
            law=found.law,
            held=tuple(sorted(self._held)),
            start_columns=columns,
            mle_retvals=retvals,
            cov_type=cov_type,
            cov_kwds=cov_kwds or {},
        )


def _given_details(
    found: Curvature, law: ErrorLaw, cov_type: str | None, cov_kwds: dict[str, Any] | None
) -> FitDetails:
    retvals = {"converged": True, "status": "evaluated", "iterations": 0, "warnflag": 0, "n_starts": 0, "n_best": 0}
    return FitDetails(
        penalty=None,
        precision=found.precision,
        to_data=found.to_data,
        scale=found.scale,
        effective=found.effective,
        law=law,
        mle_retvals=retvals,
        cov_type=cov_type,
        cov_kwds=cov_kwds or {},
    )
