r"""
Stability of a recurrent step along the fitted path, from several sides that must not be taken for one another.

The *frozen-time* statements look at one step at a time: the eigenvalues z of dt times the Jacobian of the vector field
against the region |R(z)| <= 1 of the integrator. They are no proof for a driven system: the Jacobian changes from step
to step, and a product of matrices none of which has an eigenvalue beyond one can still grow. What holds for products
are the norms of the steps, and what does happen along this path is the largest Lyapunov exponent and the profile of the
gradients. The bounds on the step are sufficient conditions, derived here and not quoted from a paper:

- Euler with K = S - gamma I, S antisymmetric, without damping: dt <= 2 gamma / (gamma^2 + |S|^2) keeps every frozen
  eigenvalue inside the disc, for slopes of the activation between zero and one;
- Euler of order one with damping beta: dt <= 2 (beta - c) / (|K| + beta)^2 with c = |S| / 2 for an antisymmetric K = S
  and c = |K| for any K, if positive, makes the norm of every step at most one.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from statsmodels.iolib.table import SimpleTable

from pararnn_ts.cells import Cell, CellSpecification, ODECell, QUNNCell
from pararnn_ts.kernels.cells import CELLS, linearise, pull_back, read_inputs, work_size
from pararnn_ts.results.responses import slopes
from pararnn_ts.results.trajectory import model_exog
from pararnn_ts.specification import Specification

__all__ = ["IntegratorStability", "integrator_stability", "stability_function", "step_bound"]

# rows at which eigenvalues are taken, and the last rows along which perturbations and gradients are followed
SAMPLED, FOLLOWED = 200, 5000
# distance from one within which a modulus is one
TOLERANCE = 1e-9


def stability_function(stages: int, z: np.ndarray) -> np.ndarray:
    """
    Factor R(z) by which one explicit Runge-Kutta step with 1 to 4 stages multiplies a mode, z = dt lambda.

    Examples
    --------
    >>> from pararnn_ts.results.integrator_stability import stability_function
    >>> [round(abs(stability_function(n, 0.5j)), 4) for n in (1, 2, 3, 4)]
    [1.118, 1.0078, 0.9976, 0.9999]
    """
    total, term = 1.0 + 0.0 * z, 1.0 + 0.0 * z
    for j in range(1, stages + 1):
        term = term * z / j
        total = total + term
    return total


class StepBound(NamedTuple):
    """A sufficient condition on the step: what it gives, the largest step, and whether all steps meet it."""

    gives: str
    largest: float
    met: bool


def step_bound(cell: Cell, own: np.ndarray, longest: float | None = None) -> StepBound | None:
    """
    Sufficient bound on the step of an Euler cell of order one, see the head of this module; None for other cells.

    Parameters
    ----------
    cell : Cell
        The cell.
    own : ndarray
        Its parameters.
    longest : float, optional
        Longest step that is taken, where steps differ; by default the step of the cell.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.cells import ODECell
    >>> from pararnn_ts.results.integrator_stability import step_bound
    >>> cell = ODECell(2, 1, step=0.1, damping=(0.0,), antisymmetric=True, diffusion=0.5)
    >>> round(step_bound(cell, np.array([2.0, 1.0, 1.0, 0.0, 0.0])).largest, 4)
    0.2353
    """
    if not isinstance(cell, ODECell) or cell.order > 1 or cell.stages > 1 or cell.symplectic:
        return None
    step = cell.step if longest is None else longest
    d, (beta,) = cell.hidden, cell.damping
    k = cell.weights(own)[: d * d].reshape(d, d)
    if cell.antisymmetric and beta == 0.0:
        size = float(np.linalg.norm(k + cell.diffusion * np.eye(d), 2))
        gamma = cell.diffusion
        largest = 2.0 * gamma / (gamma**2 + size**2) if gamma > 0.0 else 0.0
        return StepBound("frozen eigenvalues inside the disc", largest, 0.0 < step <= largest)
    size = float(np.linalg.norm(k, 2))
    margin = beta - (0.5 * size if cell.antisymmetric and cell.diffusion == 0.0 else size)
    largest = 2.0 * margin / (size + beta) ** 2 if margin > 0.0 else 0.0
    return StepBound("norm of every step at most one", largest, 0.0 < step <= largest)


@dataclass(frozen=True, repr=False)
class IntegratorStability:
    """
    What is known of the stability of a recurrent step along a fitted path.

    Parameters
    ----------
    label : str
        The model.
    eigenvalues : ndarray of complex, (rows, N)
        z = dt times the eigenvalues of the Jacobian of the vector field, at up to 200 rows spread over the path; those
        of the step less one where the step is no Runge-Kutta step.
    factors : ndarray, (rows, N)
        Moduli by which the step multiplies these modes: |R(z)|, or moduli of the eigenvalues of the step.
    stages : int or None
        Stages of the explicit Runge-Kutta method; None where the step is something else.
    step_norm : float
        Largest spectral norm of the Jacobian of a step at those rows.
    log_norm : float
        Largest logarithmic norm (mu_2) of the vector field at those rows, the rate at which a change can grow.
    bound : StepBound or None
        Sufficient condition on the step, where there is one.
    lyapunov : float
        Largest Lyapunov exponent per step of the state driven by the observed inputs, over the last 5,000 rows.
    gradients : ndarray
        Norm of the derivative of the last prediction with respect to the state so many steps before, over that with
        respect to the last state.
    norm_drift, reversal_error : float
        For networks of rotations: largest distance of the length of the state from one, and distance from its start of
        a state that ran through the inputs and back. NaN for others.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ODERNN(prt.datasets.load_nile(), hidden=2).fit(n_starts=2)
    >>> print(results.stability())  # doctest: +ELLIPSIS
                  Stability of ODERNN(2), order 1, stages 1
    ...
    """

    label: str
    eigenvalues: np.ndarray
    factors: np.ndarray
    stages: int | None
    step_norm: float
    log_norm: float
    bound: StepBound | None
    lyapunov: float
    gradients: np.ndarray
    norm_drift: float = float("nan")
    reversal_error: float = float("nan")

    @property
    def amplification(self) -> float:
        """Largest factor of a frozen step."""
        return float(self.factors.max())

    @property
    def share_inside(self) -> float:
        """Share of the factors that are at most one."""
        return float(np.mean(self.factors <= 1.0 + TOLERANCE))

    @property
    def verdict(self) -> str:
        """One of "norm-preserving", "contractive", "frozen-stable", "frozen-unstable" and "unstable"."""
        if np.isfinite(self.norm_drift):
            return "norm-preserving"
        if self.step_norm <= 1.0 + TOLERANCE:
            return "contractive"
        if self.amplification <= 1.0 + TOLERANCE:
            return "frozen-stable"
        return "unstable" if self.lyapunov > 0.0 else "frozen-unstable"

    @property
    def explanation(self) -> str:
        """What the verdict means, in a sentence."""
        grows = self.lyapunov > 0.0
        percent = 100.0 * abs(np.expm1(self.lyapunov))
        path = f"along this path changes {'grow' if grows else 'die out'} by {percent:.2g} % a step"
        if abs(self.lyapunov) < TOLERANCE:
            path = "along this path changes keep their size"
        return {
            "norm-preserving": "Every step is a rotation: changes of the state keep their size, by construction.",
            "contractive": f"No step at the rows looked at enlarges any change; {path}.",
            "frozen-stable": (
                "No eigenvalue of a step is beyond one, but norms are: products of steps may grow although no step "
                f"frozen in time is unstable. This is no proof of stability; {path}."
            ),
            "frozen-unstable": f"Some step, frozen in time, enlarges a change, but {path}.",
            "unstable": f"Some step, frozen in time, enlarges a change, and {path}.",
        }[self.verdict]

    def summary_frame(self) -> dict[str, Any]:
        """Numbers of the report by name."""
        found = {
            "amplification": self.amplification,
            "share_inside": self.share_inside,
            "step_norm": self.step_norm,
            "log_norm": self.log_norm,
            "lyapunov": self.lyapunov,
            "gradient_ratio": float(self.gradients[-1]),
            "gradient_steps": len(self.gradients) - 1,
        }
        if self.bound is not None:
            found |= {"largest_step": self.bound.largest, "meets_bound": self.bound.met}
        if np.isfinite(self.norm_drift):
            found |= {"norm_drift": self.norm_drift, "reversal_error": self.reversal_error}
        return found

    def __str__(self) -> str:
        steps = len(self.gradients) - 1
        rows = [
            ("Largest factor of a frozen step", f"{self.amplification:.6g}"),
            ("Share of factors up to one", f"{self.share_inside:.3f}"),
            ("Largest norm of a step", f"{self.step_norm:.6g}"),
            ("Largest logarithmic norm", f"{self.log_norm:.4g}" if np.isfinite(self.log_norm) else "-"),
            ("Largest Lyapunov exponent per step", f"{self.lyapunov if abs(self.lyapunov) > TOLERANCE else 0.0:.4g}"),
            (f"Gradient ratio over {steps} steps", f"{self.gradients[-1]:.4g}"),
        ]
        if self.bound is not None:
            rows.append((f"Sufficient bound on the step ({self.bound.gives})", f"{self.bound.largest:.4g}"))
            rows.append(("Step meets it", "yes" if self.bound.met else "no"))
        if np.isfinite(self.norm_drift):
            rows.append(("Drift of the length of the state", f"{self.norm_drift:.2g}"))
            rows.append(("Error of running there and back", f"{self.reversal_error:.2g}"))
        table = SimpleTable([[value] for _, value in rows], stubs=[name for name, _ in rows],
                            title=f"Stability of {self.label}")  # fmt: skip
        verdict = textwrap.fill(f"Verdict: {self.verdict}. {self.explanation}", 79)
        return f"{table.as_text()}\n{verdict}"

    __repr__ = __str__


class _Steps(NamedTuple):
    """Steps along a path: Jacobians, at some rows eigenvalues and logarithmic norms of the field, and largest size."""

    matrices: np.ndarray
    eigenvalues: np.ndarray
    factors: np.ndarray
    log_norm: float
    stages: int | None
    sampled: np.ndarray
    longest: float = 1.0


def integrator_stability(results: Any) -> IntegratorStability:
    """
    Look at the stability of the recurrent step of a fitted model.

    Parameters
    ----------
    results : RecurrentResults or RecurrentResultsWrapper
        Results of any recurrent model of the package.

    Returns
    -------
    IntegratorStability

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from pararnn_ts.results.integrator_stability import integrator_stability
    >>> results = prt.ElmanRNN(prt.datasets.load_nile(), hidden=2).fit(n_starts=2)
    >>> integrator_stability(results).stages
    1
    """
    raw = getattr(results, "_results", results)
    raw.require_data()
    spec = raw.model.specification
    label = getattr(raw.model, "label", type(raw.model).__name__)
    if isinstance(spec, CellSpecification):
        if isinstance(spec.cell, QUNNCell):
            return _rotations(raw, spec, label)
        steps = _cell_steps(raw, spec)
        bound = step_bound(spec.cell, raw.params[spec.cell_slice], steps.longest)
        v = raw.params[spec.n_params - spec.cell.n_outputs :]
    elif spec.units:
        steps, bound = _unit_steps(raw, spec), None
        v = np.concatenate([unit.v for unit in spec.unit_weights(raw.params)])
    else:
        raise ValueError("A linear model has no recurrent step; its stability is that of its autoregression.")
    return IntegratorStability(
        label=label,
        eigenvalues=steps.eigenvalues,
        factors=steps.factors,
        stages=steps.stages,
        step_norm=float(max(np.linalg.norm(steps.matrices[row], 2) for row in steps.sampled)),
        log_norm=steps.log_norm,
        bound=bound,
        lyapunov=_lyapunov(steps.matrices),
        gradients=_gradients(steps.matrices, v),
    )


def _spread(n: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(SAMPLED, n)).astype(int))


def _first_row(raw: Any) -> int:
    """First row whose state and predecessor are known."""
    first = 1 if raw.past is not None else raw.model.specification.first_state + 1
    return max(first, raw.model.nobs - FOLLOWED)


def _inputs(raw: Any, spec: CellSpecification) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of the cell and lengths of its steps, for each row from the first with a known state on."""
    model, first = raw.model, _first_row(raw)
    exog, dt = model._split_exog(model_exog(model), model.nobs)
    levels, ahead = raw.path.filled, 0
    if raw.past is not None:
        levels, ahead = np.concatenate([raw.past.levels, levels]), len(raw.past.levels)
        exog = np.concatenate([np.zeros((ahead, exog.shape[1])), exog])
    _, _, _, location, lags, _, difference = model._layout()
    x = np.empty((model.nobs - first, spec.n_inputs))
    for row, target in zip(range(first, model.nobs), x, strict=True):
        read_inputs(levels, row + ahead, lags, difference, exog, location, np.ones(spec.n_inputs), target)
    return x, dt[first:]


def _cell_steps(raw: Any, spec: CellSpecification) -> _Steps:
    cell, own = spec.cell, raw.params[spec.cell_slice]
    weights, kind, shape, numbers = cell.weights(own), CELLS[cell.kind], cell.shape, cell.numbers
    x, dt = _inputs(raw, spec)
    first, size = _first_row(raw), len(cell.initial_state)
    before = raw.path.states[first - 1 : -1]
    matrices = np.empty((len(x), size, size))
    b, g, work = np.zeros((size, spec.n_inputs)), np.zeros((size, len(weights))), np.zeros(work_size(kind, shape))
    for row in range(len(x)):
        linearise(kind, weights, 0, shape, numbers, x[row], dt[row], before[row].copy(), work, matrices[row], b, g)
    sampled = _spread(len(x))
    if not isinstance(cell, ODECell):
        roots = np.linalg.eigvals(matrices[sampled])
        return _Steps(matrices, roots - 1.0, np.abs(roots), float("nan"), None, sampled)
    d, t, m = cell.hidden, cell.order, spec.n_inputs
    k, u, bias = np.split(weights, np.cumsum([t * d * d, d * m]))
    k = k.reshape(t, d, d).transpose(1, 0, 2).reshape(d, t * d)
    eigenvalues, log_norms = [], []
    for row in sampled:
        argument = k @ before[row] + u.reshape(d, m) @ x[row] + bias
        field = cell.field_jacobian(own, _slopes_at(cell.activation, argument))
        eigenvalues.append(dt[row] * np.linalg.eigvals(field).astype(complex))
        log_norms.append(float(np.linalg.eigvalsh(0.5 * (field + field.T))[-1]))
    z = np.array(eigenvalues)
    if cell.symplectic:
        roots = np.linalg.eigvals(matrices[sampled])
        return _Steps(matrices, roots - 1.0, np.abs(roots), max(log_norms), None, sampled)
    factors = np.abs(stability_function(cell.stages, z))
    return _Steps(matrices, z, factors, max(log_norms), cell.stages, sampled, float(dt.max()))


def _slopes_at(activation: str, argument: np.ndarray) -> np.ndarray:
    """Slopes of an activation at given arguments."""
    if activation == "tanh":
        return slopes(activation, np.tanh(argument))
    if activation == "logistic":
        return slopes(activation, 0.5 + 0.5 * np.tanh(0.5 * argument))
    return slopes(activation, argument)


def _unit_steps(raw: Any, spec: Specification) -> _Steps:
    """Steps of recurrent units, Euler steps of length one of h' = act(W h + U x + b) - h."""
    first, size = _first_row(raw), sum(spec.units)
    slope = slopes(spec.activation, raw.path.states[first:])
    recurrent = np.zeros((size, size))
    at = 0
    for unit in spec.unit_weights(raw.params):
        d = len(unit.v)
        recurrent[at : at + d, at : at + d] = unit.W
        at += d
    matrices = slope[:, :, None] * recurrent
    sampled = _spread(len(matrices))
    roots = np.linalg.eigvals(matrices[sampled]).astype(complex)
    symmetric = 0.5 * (matrices[sampled] + matrices[sampled].transpose(0, 2, 1))
    log_norm = float(np.linalg.eigvalsh(symmetric)[:, -1].max()) - 1.0
    return _Steps(matrices, roots - 1.0, np.abs(roots), log_norm, 1, sampled)


def _lyapunov(matrices: np.ndarray) -> float:
    """Average growth of the log of a small change that is pushed through the steps."""
    change = np.ones(matrices.shape[1]) / np.sqrt(matrices.shape[1])
    total = 0.0
    for matrix in matrices:
        change = matrix @ change
        size = float(np.linalg.norm(change))
        if size == 0.0:
            return -np.inf
        total += np.log(size)
        change /= size
    return total / len(matrices)


def _gradients(matrices: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Norms of the derivative of the last prediction with respect to earlier states, over that of the last state."""
    bar = np.zeros(matrices.shape[1])
    bar[: len(v)] = v
    norms = [np.linalg.norm(bar)]
    for matrix in matrices[::-1]:
        bar = matrix.T @ bar
        norms.append(np.linalg.norm(bar))
    profile = np.array(norms)
    return profile / profile[0] if profile[0] > 0.0 else np.full(len(profile), np.nan)


def _rotations(raw: Any, spec: CellSpecification, label: str) -> IntegratorStability:
    """Stability of a network of rotations, checked by running through its inputs and back."""
    cell = spec.cell
    assert isinstance(cell, QUNNCell)
    d, m = cell.n_outputs, spec.n_inputs
    weights = cell.weights(raw.params[spec.cell_slice])
    x, _ = _inputs(raw, spec)
    if cell.mode == "lag":
        # the last window, as a stream in which every step has its own angles
        x = raw.path.states[-1, d:].reshape(cell.memory, m)
    blocks = weights.reshape(cell.blocks, -1)
    layers = cell.layers if cell.mode == "shared" else 1
    shape = np.array([d, m, cell.qubits, layers])
    own = [blocks[row] if cell.mode == "lag" else weights for row in range(len(x))]
    kind, work = CELLS["qunn shared"], np.zeros(d)
    state = np.full(d, 1.0 / np.sqrt(d))
    start, b, matrices = state.copy(), np.zeros((d, m)), np.empty((len(x), d, d))
    drift = 0.0
    for row, w in enumerate(own):
        linearise(kind, w, 0, shape, np.zeros(1), x[row], 1.0, state, work, matrices[row], b, np.zeros((d, len(w))))
        drift = max(drift, abs(float(np.linalg.norm(state)) - 1.0))
    # the inverse of a rotation is its transpose; running back through the kernel is the sharper test of the two
    back = state.copy()
    for row in range(len(x) - 1, -1, -1):
        pull_back(kind, own[row], 0, shape, np.zeros(1), x[row], 1.0, state, back, np.zeros(d), np.zeros(m),
                  np.zeros(len(own[row])))  # fmt: skip
    sampled = _spread(len(matrices))
    roots = np.linalg.eigvals(matrices[sampled]).astype(complex)
    return IntegratorStability(
        label=label,
        eigenvalues=roots - 1.0,
        factors=np.abs(roots),
        stages=None,
        step_norm=float(max(np.linalg.norm(matrices[row], 2) for row in sampled)),
        log_norm=float("nan"),
        bound=None,
        lyapunov=_lyapunov(matrices),
        gradients=_gradients(matrices, raw.params[spec.n_params - d :]),
        norm_drift=drift,
        reversal_error=float(np.linalg.norm(back - start)),
    )
