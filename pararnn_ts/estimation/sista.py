"""
Parameters of the sequential sparse model, the network they unfold to, and derivatives by them.

Formulas and symbols: Wisdom, Powers, Pitton and Atlas (2016), arXiv 1611.07252. With G = A D, b = 1 / alpha,
rho = lam2 b and P = D'F D, the unfolded iteration has the weights

    V = b G',    S = I - b G'G - rho D'D,    W_1 = (S + rho I) P,    W_k = rho P for k > 1,    threshold lam1 b.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from pararnn_ts.estimation.sequences import SequenceLoss
from pararnn_ts.kernels.sparse_network import Network, Wiring

__all__ = ["PARAMETERS", "SISTALoss", "SISTAParams", "chain_rule", "lipschitz", "stacked_wiring", "unfold"]

PARAMETERS = ("A", "D", "F", "alpha", "lam1", "lam2", "h0")
_POSITIVE = ("alpha", "lam1", "lam2")
# share of the Lipschitz bound below which the inverse step may not fall; half of it is where the iteration expands
LEAST_STEP = 0.55


@dataclass(frozen=True)
class SISTAParams:
    """
    Parameters of the model.

    Parameters
    ----------
    A : ndarray, (M, N)
        Measurement of the signal.
    D : ndarray, (N, H)
        Dictionary.
    F : ndarray, (N, N)
        Transition of the signal.
    alpha, lam1, lam2 : float
        Inverse step, and penalties on the size of codes and on departures from the transition.
    h0 : ndarray, (H,)
        Code before the first observation.
    """

    A: np.ndarray
    D: np.ndarray
    F: np.ndarray
    alpha: float
    lam1: float
    lam2: float
    h0: np.ndarray


def _norm(matrix: np.ndarray) -> float:
    """Spectral norm; infinite where the matrix is not finite."""
    return float(np.linalg.norm(matrix, 2)) if np.isfinite(matrix).all() else np.inf


def lipschitz(params: SISTAParams) -> float:
    """
    Lipschitz constant of the gradient of the smooth part of the objective: the spectral norm of G'G + lam2 D'D.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.sista import SISTAParams, lipschitz
    >>> I = np.eye(2)
    >>> lipschitz(SISTAParams(I, I, I, alpha=1.0, lam1=0.5, lam2=0.2, h0=np.zeros(2)))
    1.2
    """
    G = params.A @ params.D
    return _norm(G.T @ G + params.lam2 * params.D.T @ params.D)


def unfold(params: SISTAParams, n_layers: int, forecast: bool = False) -> Network:
    """
    Weights of the network whose forward pass is the iteration.

    Parameters
    ----------
    params : SISTAParams
        Parameters.
    n_layers : int
        Iterations for each observation.
    forecast : bool
        Whether the output is the next measurement A F D h instead of the signal D h.

    Returns
    -------
    Network
        Its first recurrent matrix serves layer 1, its second one, P with factor rho, the others.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.sista import SISTAParams, unfold
    >>> I = np.eye(2)
    >>> network = unfold(SISTAParams(I, I, I, alpha=2.0, lam1=0.5, lam2=0.2, h0=np.zeros(2)), n_layers=3)
    >>> network.threshold[0], network.stacked[0].diagonal()
    (array([0.25, 0.25]), array([0.4, 0.4]))
    """
    A, D, F, b = params.A, params.D, params.F, 1.0 / params.alpha
    G, rho, h = A @ D, params.lam2 * b, D.shape[1]
    P = D.T @ (F @ D)
    S = np.eye(h) - b * (G.T @ G) - rho * (D.T @ D)
    state = np.zeros((n_layers, h))
    state[-1] = params.h0
    output = A @ (F @ D) if forecast else D
    return Network(
        recurrent=np.array([S @ P + rho * P, P]),
        scale=np.array([1.0, rho]),
        stacked=S[None],
        input=b * G.T[None],
        threshold=np.full((n_layers, h), params.lam1 * b),
        output=output,
        bias=np.zeros(len(output)),
        state=state,
        sensing=G,
        step=np.array([b]),
    )


def stacked_wiring(n_layers: int) -> Wiring:
    """Wiring of the unfolded iteration: every layer sees the input and the top layer's last state."""
    later = np.arange(n_layers) > 0
    top = np.full(2, n_layers - 1, dtype=np.int64)
    return Wiring(
        recurrent=later.astype(np.int64),
        stacked=np.where(later, 0, -1).astype(np.int64),
        input=np.zeros(n_layers, dtype=np.int64),
        source=top,
        warm=np.ones(1, dtype=np.int64),
    )


def chain_rule(params: SISTAParams, gradient: Network, forecast: bool = False) -> SISTAParams:
    """
    Derivatives by the parameters from those by the weights of the unfolded network.

    Parameters
    ----------
    params : SISTAParams
        Parameters.
    gradient : Network
        Derivatives by the weights.
    forecast : bool
        As in :func:`unfold`.

    Returns
    -------
    SISTAParams
        Derivatives, those of alpha, lam1 and lam2 by their logarithms.
    """
    A, D, F, b = params.A, params.D, params.F, 1.0 / params.alpha
    G, rho = A @ D, params.lam2 * b
    FD = F @ D
    P = D.T @ FD
    C, GG = D.T @ D, G.T @ G
    S = np.eye(len(C)) - b * GG - rho * C
    by_W, by_V = gradient.recurrent[0], gradient.input[0]
    by_S = gradient.stacked[0] + by_W @ P.T
    by_P = gradient.recurrent[1] + S.T @ by_W + rho * by_W
    by_rho = float(gradient.scale[1] + np.sum(by_W * P) - np.sum(by_S * C))
    by_b = float(gradient.step[0] + np.sum(by_V * G.T) - np.sum(by_S * GG))
    both = by_S + by_S.T
    by_G = gradient.sensing + b * by_V.T - b * G @ both
    by_A, by_F = by_G @ D.T, D @ by_P @ D.T
    by_D = A.T @ by_G - rho * D @ both + FD @ by_P.T + F.T @ D @ by_P
    if forecast:
        by_output = gradient.output
        by_A = by_A + by_output @ FD.T
        by_F = by_F + A.T @ by_output @ D.T
        by_D = by_D + F.T @ (A.T @ by_output)
    else:
        by_D = by_D + gradient.output
    by_threshold = float(gradient.threshold.sum())
    by_b += params.lam1 * by_threshold + params.lam2 * by_rho
    return SISTAParams(
        by_A, by_D, by_F, -b * by_b, params.lam1 * b * by_threshold, params.lam2 * b * by_rho, gradient.state[-1]
    )


class SISTALoss:
    """
    Loss of the unfolded network as a function of a vector of the parameters that are trained.

    Parameters
    ----------
    loss : SequenceLoss
        Data.
    start : SISTAParams
        Values of all parameters; those that are not trained stay there.
    train : sequence of str
        Names of the parameters to train; penalties of zero stay at zero.
    n_layers : int
        Iterations for each observation.
    forecast : bool
        As in :func:`unfold`.

    Notes
    -----
    The network is as deep as it has layers times observations, and explodes where its step is too long for its
    dictionary. So the vector holds, by its logarithm, the inverse step *relative* to the bound |A D|^2 + lam2 |D|^2 of
    the Lipschitz constant: a step that was admissible stays so when the dictionary grows, and the gradient knows it.
    Were alpha free and moved back to its bound after every update, the training loss would rise along the bound.
    """

    def __init__(
        self, loss: SequenceLoss, start: SISTAParams, train: Sequence[str], n_layers: int, forecast: bool = False
    ):
        self.loss, self.start, self.n_layers, self.forecast = loss, start, n_layers, forecast
        held = [name for name in _POSITIVE if _get(start, name) == 0.0]
        self.train = [name for name in PARAMETERS if name in train and name not in held]
        self.wiring = stacked_wiring(n_layers)

    def pack(self, params: SISTAParams) -> np.ndarray:
        """Vector of the parameters that are trained; constants enter by their logarithms."""
        if "alpha" in self.train:
            params = replace(params, alpha=params.alpha / _Bound.of(params).value)
        return self._pack(params)

    def unpack(self, theta: np.ndarray) -> SISTAParams:
        """Return parameters with those that are trained taken from a vector."""
        params = self._unpack(theta)
        return replace(params, alpha=params.alpha * _Bound.of(params).value) if "alpha" in self.train else params

    def _pack(self, params: SISTAParams) -> np.ndarray:
        parts = [np.log(_get(params, name)) if name in _POSITIVE else _get(params, name) for name in self.train]
        return np.concatenate([np.ravel(part) for part in parts]) if parts else np.zeros(0)

    def _unpack(self, theta: np.ndarray) -> SISTAParams:
        """Parameters of a vector, alpha relative to its bound where it is trained."""
        found: dict[str, Any] = {}
        at = 0
        for name in self.train:
            like = np.asarray(_get(self.start, name))
            part = theta[at : at + like.size]
            # a constant that overflows is one that diverged
            with np.errstate(over="ignore"):
                found[name] = float(np.exp(part[0])) if name in _POSITIVE else part.reshape(like.shape)
            at += like.size
        return replace(self.start, **found)

    def gradient(self, theta: np.ndarray, batch: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean squared error over a batch of sequences, and its gradient."""
        params, bound = self._unpack(theta), None
        if "alpha" in self.train:
            bound = _Bound.of(params)
            params = replace(params, alpha=params.alpha * bound.value)
        value, by_weights = self.loss.gradient(unfold(params, self.n_layers, self.forecast), self.wiring, batch)
        slopes = chain_rule(params, by_weights, self.forecast)
        if bound is not None:
            slopes = bound.held(params, slopes)
        return value, np.concatenate([np.ravel(_get(slopes, name)) for name in self.train])

    def error(self, theta: np.ndarray, other: SequenceLoss | None = None) -> float:
        """Mean squared error over all sequences, of these data or of others."""
        with np.errstate(over="ignore", invalid="ignore"):
            network = unfold(self.unpack(theta), self.n_layers, self.forecast)
            return (self.loss if other is None else other).error(network, self.wiring)

    def project(self, theta: np.ndarray) -> np.ndarray:
        """Return the nearest vector with a step that does not expand and a transition of norm one at most."""
        params = self._unpack(theta)
        if "F" in self.train:
            params = replace(params, F=params.F / max(1.0, _norm(params.F)))
        if "alpha" in self.train:
            params = replace(params, alpha=max(params.alpha, LEAST_STEP))
        return self._pack(params)


class _Bound(NamedTuple):
    """Bound |A D|^2 + lam2 |D|^2 of the Lipschitz constant, with its parts and their derivatives."""

    value: float
    size: float
    by_G: np.ndarray
    by_D: np.ndarray

    @classmethod
    def of(cls, params: SISTAParams) -> _Bound:
        """Return the bound at these parameters; infinite where they are not finite."""
        G, D = params.A @ params.D, params.D
        if not (np.isfinite(G).all() and np.isfinite(D).all() and np.isfinite(params.lam2)):
            return cls(np.inf, np.inf, np.full_like(G, np.nan), np.full_like(D, np.nan))
        measured, by_G = _norm_and_slope(G)
        size, by_D = _norm_and_slope(D)
        return cls(measured + params.lam2 * size, size, by_G, by_D)

    def held(self, params: SISTAParams, slopes: SISTAParams) -> SISTAParams:
        """Derivatives by the other parameters when not alpha but its ratio to the bound is held fixed."""
        A, D, lam2 = params.A, params.D, params.lam2
        weight = slopes.alpha / self.value
        return replace(
            slopes,
            A=slopes.A + weight * self.by_G @ D.T,
            D=slopes.D + weight * (A.T @ self.by_G + lam2 * self.by_D),
            lam2=slopes.lam2 + weight * lam2 * self.size,
        )


def _norm_and_slope(matrix: np.ndarray) -> tuple[float, np.ndarray]:
    """Squared spectral norm and its derivative."""
    wide = matrix.shape[0] <= matrix.shape[1]
    gram = matrix @ matrix.T if wide else matrix.T @ matrix
    last = len(gram) - 1
    # one eigenvector of the smaller product costs a fraction of all singular vectors
    value, vector = linalg.eigh(gram, subset_by_index=[last, last])
    slope = vector @ (vector.T @ matrix) if wide else (matrix @ vector) @ vector.T
    return float(value[0]), 2.0 * slope


def _get(params: SISTAParams, name: str) -> np.ndarray:
    return getattr(params, name)
