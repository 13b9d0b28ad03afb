"""Models with one recurrent cell beside a linear path: the recursion, its Jacobian, start values."""

from __future__ import annotations

from typing import Any

import numpy as np

from pararnn_ts.cells import Cell, CellSpecification
from pararnn_ts.estimation.cell_problem import CellProblem, CellSample
from pararnn_ts.estimation.cell_starts import cell_starts
from pararnn_ts.estimation.descent import stop_early
from pararnn_ts.estimation.estimate import on_own_scale
from pararnn_ts.estimation.problem import Problem
from pararnn_ts.kernels.cell_sensitivity import cell_rows
from pararnn_ts.kernels.cells import CELLS, run_cell, run_cells
from pararnn_ts.models.arguments import MOST_DRAWS, check_count, check_disp, check_generator, check_params, given
from pararnn_ts.models.recurrent import Path, RecurrentModel
from pararnn_ts.results.covariance import check_covariance
from pararnn_ts.results.details import FitDetails

__all__ = ["CellModel", "output_weights"]

EARLY_STOPPING = "early stopping"
# updates of a descent for each evaluation that `maxiter` grants, and observations without which nothing can be held out
UPDATES, FEWEST = 10, 20


def output_weights(count: int) -> str:
    """
    Say how many output weights there are.

    Examples
    --------
    >>> from pararnn_ts.models.cell_model import output_weights
    >>> output_weights(1), output_weights(2)
    ('1 output weight', '2 output weights')
    """
    return f"{count} output weight{'s' * (count != 1)}"


class CellModel(RecurrentModel):
    """
    Base of the models with one recurrent cell.

    The prediction is a linear path plus v'h, where h are the first states of a cell that an input moves at each row.
    A subclass says which cell in `_make_cell`.

    Parameters
    ----------
    endog : Series or array_like
        The series.
    exog : DataFrame or array_like, optional
        Exogenous values; those of time t feed the cell and enter linearly.
    """

    specification: CellSpecification

    def _make_cell(self, n_inputs: int) -> Cell:
        """Return the cell for this number of inputs."""
        raise NotImplementedError

    def _exog_inputs(self) -> list[str]:
        """Names of the exogenous columns that feed the cell."""
        return list(self.exog_labels)

    def _split_exog(self, exog: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Exogenous inputs of the cell and lengths of its step in `n` rows; without columns `exog` may be shorter."""
        return np.ascontiguousarray(exog, dtype=float), np.ones(n)

    def _input_location(self) -> np.ndarray | None:
        """Fixed location of the inputs, where constants of the cell do not take it up."""
        return None

    @property
    def label(self) -> str:
        """The model in a few words."""
        return f"{type(self).__name__}({self.specification.cell.n_outputs})"

    @property
    def summary_notes(self) -> list[str]:
        """Sentences for the foot of a summary: those of every series, and what the parameters are."""
        return [*super().summary_notes, self._parameter_note()]

    def _parameter_note(self) -> str:
        """Count of the parameters and what they are, for a summary that would take up pages with their names."""
        cell = self.specification.cell
        return f"the network has {len(cell.groups)} parameters and {output_weights(cell.n_outputs)}"

    @property
    def units(self) -> tuple[int, ...]:
        """Number of states that enter the prediction."""
        return self.specification.units

    def _describe(self) -> CellSpecification:
        names = self._exog_inputs()
        if not self.lags and not names:
            raise ValueError("lags=0 leaves the cell without input; choose lags of 1 or more, or pass exog.")
        return CellSpecification(
            endog_name=str(self.endog_name),
            lags=self.lags,
            linear_lags=self.linear_lags,
            cell=self._make_cell(len(self.lags) + len(names)),
            deterministic_names=tuple(self.deterministic_names),
            exog_names=tuple(names),
            difference=tuple(float(c) for c in self.difference),
        )

    def _problem(self, evidence: bool = True) -> Problem:
        exog, dt = self._split_exog(self._exog, len(self._y))
        sample = CellSample(
            self._with_history(self._y), exog, self._det, self.used.astype(float), dt, self._input_location()
        )
        return on_own_scale(CellProblem, self.specification, sample, self.constant_weights, evidence)

    def _starts(self, problem: Problem, count: int, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
        return cell_starts(self.specification, count, rng), ["random"] * count

    def _results(self, params: np.ndarray, details: FitDetails, **origin: Any):
        from pararnn_ts.results.cells import CellResults, CellResultsWrapper

        return CellResultsWrapper(CellResults(self, params, details, **origin))

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
        Estimate the parameters by Levenberg-Marquardt with the exact Jacobian, or by gradient descent.

        Parameters
        ----------
        start_params, n_starts, rng, tol, cov_type, cov_kwds, device, disp
            As in `ParaRNN.fit`, but all starts are random.
        penalty : "evidence", float or "early stopping"
            "evidence" or a number: as in `ParaRNN.fit`. The cost of an evaluation grows with the square of the number
            of parameters, so from about 500 on "early stopping" is to be preferred: Adam with backpropagation through
            time on the first four fifths of the sample, which keeps the parameters that predict the last fifth best.
            The starts cycle through the learning rates 0.01, 0.03 and 0.003, and the last fifth chooses among these,
            too. `scale` is then the mean squared error on that fifth, and there are no standard errors and information
            criteria. Early stopping needs normal errors and cannot hold parameters fixed.
        maxiter : int
            Largest number of evaluations for each start; early stopping makes ten updates for each of them.

        Returns
        -------
        CellResultsWrapper
            Results.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> results = prt.LSTM(prt.datasets.load_nile(), hidden=4).fit(penalty="early stopping", n_starts=3)
        >>> len(results.forecast(3))
        3
        """
        if isinstance(penalty, str) and penalty == EARLY_STOPPING:
            if cov_type is not None:
                raise ValueError("cov_type is of no use with early stopping, which has no covariance; leave it out.")
            check_covariance("none", cov_kwds)
            if self.errors != "normal":
                raise ValueError(
                    f"errors={self.errors!r} cannot be fitted by early stopping, which minimises squared errors; make "
                    "the model with errors='normal', or leave penalty at 'evidence'."
                )
            if self._held:
                first = self.param_names[min(self._held)]
                raise ValueError(
                    f"{first} cannot be held at a value by early stopping, which moves all parameters; leave penalty "
                    "at 'evidence', or hold none."
                )
            return self._stop_early(start_params, n_starts, rng, maxiter, device, disp)
        return super().fit(
            start_params, penalty=penalty, n_starts=n_starts, rng=rng, maxiter=maxiter, tol=tol, cov_type=cov_type,
            cov_kwds=cov_kwds, device=device, disp=disp,
        )  # fmt: skip

    def _check_device(self, device: Any) -> None:
        if not isinstance(device, str) or device != "cpu":
            raise ValueError(f"device must be 'cpu' for {type(self).__name__}, but is {given(device)}.")

    def _stop_early(self, start_params: Any, n_starts: Any, rng: Any, maxiter: Any, device: str, disp: bool):
        """Fit by descent, see :meth:`fit`."""
        self._check_device(device)
        self._check_sample()
        if self.used.sum() < FEWEST:
            raise ValueError(
                f"endog has {int(self.used.sum())} observations to be predicted, too few to hold a fifth of them out; "
                f"leave penalty at 'evidence', or pass at least {FEWEST}."
            )
        problem = self._problem(evidence=False)
        assert isinstance(problem, CellProblem)
        if start_params is not None:
            params = check_params(start_params, self.param_names, "start_params")
            starts, origin = problem.scaling.to_standard(params)[None, :], ["given"]
        else:
            count = check_count(n_starts, "n_starts", most=MOST_DRAWS)
            starts, origin = self._starts(problem, count, check_generator(rng))
        updates = UPDATES * check_count(maxiter, "maxiter")
        found = stop_early(problem, starts, updates, check_disp(disp))
        best, n = found.descents[found.best], len(found.params)
        columns = {
            "origin": origin,
            "status": [descent.status for descent in found.descents],
            "learning_rate": found.rates,
            "iterations": [descent.updates for descent in found.descents],
            "best_iteration": [descent.best for descent in found.descents],
            "held_out_mse": [descent.score * found.scale / best.score for descent in found.descents],
            "best": np.arange(len(starts)) == found.best,
        }
        retvals = {
            "converged": best.converged,
            "status": best.status,
            "iterations": best.updates,
            "best_iteration": best.best,
            "warnflag": 0 if best.converged else 1,
            "n_starts": len(starts),
        }
        details = FitDetails(
            penalty=EARLY_STOPPING,
            precision=np.full((n, n), np.nan),
            scale=found.scale,
            effective=float("nan"),
            start_columns=columns,
            mle_retvals=retvals,
        )
        return self._results(found.params, details)

    def _layout(self) -> tuple:
        """Return the arguments with which every recursion begins, after the weights."""
        spec, cell = self.specification, self.specification.cell
        location = self._input_location()
        integers = (np.array(a, dtype=np.int64) for a in (spec.lags, spec.linear_lags))
        return (
            CELLS[cell.kind],
            cell.shape,
            cell.numbers,
            np.zeros(spec.n_inputs) if location is None else location,
            *integers,
            np.array(spec.difference),
        )

    def path(
        self,
        params: np.ndarray,
        y: np.ndarray | None = None,
        exog: np.ndarray | None = None,
        deterministic: np.ndarray | None = None,
        state: np.ndarray | None = None,
    ) -> Path:
        """
        Run the model along a series; missing values are filled by its own predictions on the way.

        Parameters
        ----------
        params : ndarray, (P,)
            Parameters.
        y, exog, deterministic
            As in `UnitModel.path`.
        state : ndarray, (N,), optional
            State of the cell to go on from; the first `specification.reach` rows are then the history.

        Returns
        -------
        Path
            Predictions, the contribution of the cell as the only component, and its states.
        """
        spec = self.specification
        y = self._y if y is None else y
        y = self._with_history(y) if state is None else np.array(y, dtype=float)
        n = len(y)
        if state is None:
            first, predicted, end = spec.first_state, spec.hold_back, spec.initial_state
        else:
            first, predicted, end = spec.reach, spec.reach, np.array(state, dtype=float)
        linear, component = np.full(n, np.nan), np.full(n, np.nan)
        states = np.full((n, len(end)), np.nan)
        inputs, dt = self._split_exog(self._exog if exog is None else exog, n)
        run_cell(
            spec.expand(params), *self._layout(), self._det if deterministic is None else deterministic, inputs, dt, y,
            np.zeros(n), first, predicted, end, states, linear, component,
        )  # fmt: skip
        return Path(linear + component, linear, component[:, None], states, end, y)

    def simulate_paths(
        self,
        params: np.ndarray,
        history: np.ndarray,
        deterministic: np.ndarray,
        exog: np.ndarray | None,
        shocks: np.ndarray,
        state: np.ndarray,
    ) -> np.ndarray:
        """
        Continue a series along many paths; the arguments are those of `UnitModel.simulate_paths`.

        Returns
        -------
        ndarray, (S, h)
            Paths in levels.
        """
        n, shocks = len(deterministic), np.ascontiguousarray(shocks, dtype=float)
        paths = np.empty_like(shocks)
        inputs, dt = self._split_exog(np.zeros((n, 0)) if exog is None else exog, n)
        run_cells(
            self.specification.expand(np.atleast_2d(params)), *self._layout(), np.ascontiguousarray(deterministic),
            inputs, dt, np.ascontiguousarray(history), shocks, np.ascontiguousarray(np.atleast_2d(state)), paths,
        )  # fmt: skip
        return paths

    def jacobian(
        self,
        params: np.ndarray,
        y: np.ndarray | None = None,
        exog: np.ndarray | None = None,
        deterministic: np.ndarray | None = None,
        missing: bool = False,
    ) -> np.ndarray:
        """
        Exact derivative of the one-step predictions with respect to the parameters.

        Parameters
        ----------
        params : ndarray, (P,)
            Parameters.
        y, exog, deterministic, missing
            As in `UnitModel.jacobian`.

        Returns
        -------
        ndarray, (n_used, P), or (n - hold_back, P) with `missing`
            A row for each observation in the objective; gaps and what follows from them are accounted for.
        """
        spec, y = self.specification, self._with_history(self._y if y is None else y)
        used, weights = np.isfinite(y) | missing, spec.expand(params)
        rows = np.empty((len(y) - spec.hold_back, len(weights) + 1))
        one = np.ones(1 + spec.n_inputs)
        inputs, dt = self._split_exog(self._exog if exog is None else exog, len(y))
        cell_rows(
            weights, *self._layout(), self._det if deterministic is None else deterministic, inputs, dt, y,
            used.astype(float), spec.first_state, spec.hold_back, spec.initial_state, 0.0 * one, one,
            np.ones(len(spec.linear_lags)), rows,
        )  # fmt: skip
        return spec.collapse(rows[used[spec.hold_back :], :-1])
