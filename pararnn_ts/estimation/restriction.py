"""A least-squares problem in which some parameters are held at given values, in the units of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pararnn_ts.estimation.problem import Problem
from pararnn_ts.kernels.lanes import LANES

__all__ = ["RestrictedProblem"]


class RestrictedProblem(Problem):
    """
    The problem of the free parameters, given the others.

    Values are given in the units of the data, where a constant and the biases of the units also carry the locations of
    the inputs. On the standardised scale the held parameters are therefore linear functions of the free ones,
    ``theta = T z + t``, and the normal equations of z follow from those of theta.

    Parameters
    ----------
    problem : Problem
        The problem of all parameters.
    held : mapping of int to float
        Position and value, in the data's units, of each parameter that is held.
    """

    def __init__(self, problem: Problem, held: Mapping[int, float]):
        self.whole, self.held = problem, dict(held)
        self.specification, self.sample, self.scaling = problem.specification, problem.sample, problem.scaling
        self.n_obs, self.variance, self.target = problem.n_obs, problem.variance, problem.target
        n = self.specification.n_params
        positions = np.array(sorted(held), dtype=int)
        self.free = np.setdiff1d(np.arange(n), positions)
        self.group, self.linear = problem.group[self.free], problem.linear[self.free]
        values = np.array([held[i] for i in positions], dtype=float)
        to_data, shift = self.scaling.jacobian(), self.scaling.shift()
        own = np.linalg.inv(to_data[np.ix_(positions, positions)])
        self._map = np.zeros((n, len(self.free)))
        self._map[self.free, np.arange(len(self.free))] = 1.0
        self._map[positions] = -own @ to_data[np.ix_(positions, self.free)]
        self._origin = np.zeros(n)
        self._origin[positions] = own @ (values - shift[positions])

    @property
    def n_projected(self) -> int:
        """See :meth:`Problem.n_projected`."""
        return int(np.count_nonzero(self.free < self.whole.n_projected))

    def expand(self, free: np.ndarray) -> np.ndarray:
        """All parameters from the free ones, of one vector or of rows of them."""
        return free @ self._map.T + self._origin

    def canonical(self, params: np.ndarray, products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :meth:`Problem.canonical`: units stay where a parameter of them is held."""
        return params, self.products(params)

    def n_expansive(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`Problem.n_expansive`."""
        return self.whole.n_expansive(self.expand(params))

    def log_symmetry(self, alive: Sequence[bool]) -> float:
        """See :meth:`Problem.log_symmetry`: values that are held leave no mirror images."""
        return 0.0

    def derivative(self) -> np.ndarray:
        """See :meth:`Problem.derivative`; parameters that are held stay where they are."""
        derivative = self.scaling.jacobian() @ self._map
        derivative[list(self.held)] = 0.0
        return derivative

    def whole_products(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`Problem.whole_products`."""
        return self.whole.products(self.expand(params))

    def with_mean(self, params: np.ndarray, mean: float) -> np.ndarray:
        """See :meth:`Problem.with_mean`; the constant stays where it is held."""
        before = self.expand(params)
        moved = self.whole.with_mean(before, mean)
        held = list(self.held)
        return moved[self.free] if np.array_equal(moved[held], before[held]) else np.array(params)

    def evaluator(self) -> Callable[[np.ndarray, np.ndarray], None]:
        """See :meth:`Problem.evaluator`."""
        evaluate_all = self.whole.evaluator()
        n, f = self._map.shape
        augmented = np.zeros((n + 1, f + 1))
        augmented[:n, :f], augmented[n, f] = self._map, 1.0
        products = np.empty((n + 1) ** 2 * LANES)

        def evaluate(theta: np.ndarray, gram: np.ndarray) -> None:
            whole = self._map @ theta.reshape(f, LANES) + self._origin[:, None]
            evaluate_all(np.ascontiguousarray(whole).ravel(), products)
            lower = products.reshape(n + 1, n + 1, LANES)
            target = gram.reshape(f + 1, f + 1, LANES)
            for lane in range(LANES):
                half = np.tril(lower[:, :, lane])
                target[:, :, lane] = augmented.T @ (half + np.tril(half, -1).T) @ augmented

        return evaluate

    def head(self, rows: int) -> Problem:
        """See :meth:`Problem.head`."""
        return RestrictedProblem(self.whole.head(rows), self.held)

    def reweighted(self, weights: np.ndarray) -> Problem:
        """See :meth:`Problem.reweighted`."""
        return RestrictedProblem(self.whole.reweighted(weights), self.held)

    def residuals(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`Problem.residuals`; `params` are the free ones."""
        return self.whole.residuals(self.expand(params))

    def linear_design(self) -> np.ndarray | None:
        """See :meth:`Problem.linear_design`."""
        return self.whole.linear_design()
