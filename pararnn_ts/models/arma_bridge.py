r"""
The exact map between ARMA models and sums of linear recurrent units.

Write an ARMA(p, q) (mean removed) as :math:`\phi(L) y_t = \theta(L) e_t` with
:math:`\phi(L) = 1 - \sum_i \phi_i L^i` and :math:`\theta(L) = 1 + \sum_j \theta_j L^j`. With every pre-sample value
set to zero, its one-step predictor is a rational filter of the previous observation,

.. math::

    \hat y_t = \frac{\theta(L) - \phi(L)}{\theta(L)}\, y_t
             = \frac{\sum_{j \ge 1} (\phi_j + \theta_j) L^{j-1}}{\prod_k (1 - \lambda_k L)}\, y_{t-1},

and its partial fractions are recurrent units :math:`h_t = W h_{t-1} + U y_{t-1}`, one for each real inverse root
:math:`\lambda_k` of the MA polynomial and one for each complex pair, plus ``p - q`` direct lags of the series.

This module is arithmetic on arrays; it knows neither data containers nor model classes.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from pararnn_ts.kernels.lag_products import arma_products, lag_products
from pararnn_ts.models.arguments import given

__all__ = ["LinearUnit", "arma_from_units", "hannan_rissanen", "units_from_arma"]

# The smallest input weight a unit is given. A unit that contributes nothing (its MA root is cancelled by an AR root)
# would get U = v = 0 from an even split of its gain, a point where its gradient vanishes.
_SMALLEST_INPUT = 1e-3
# share of the largest pivot of a Cholesky factor below which normal equations are solved by the singular values
_SMALLEST_PIVOT = 1e-6


class LinearUnit(NamedTuple):
    """
    A linear recurrent unit, ``h_t = W h_{t-1} + U x_t`` with ``h_0 = 0``, that adds ``v' h_t`` to the prediction.

    Attributes
    ----------
    W : ndarray
        Recurrent weights, shape (d, d).
    U : ndarray
        Input weights, shape (d, m); m = 1 and x_t = y_{t-1} in the units made from an ARMA.
    v : ndarray
        Output weights, shape (d,).
    """

    W: np.ndarray
    U: np.ndarray
    v: np.ndarray


def units_from_arma(ar, ma, *, max_gain=1e4):
    r"""
    Write the one-step predictor of an ARMA(p, q) as a sum of linear recurrent units and direct lags.

    Parameters
    ----------
    ar : array_like
        :math:`\phi_1, \dots, \phi_p` of
        :math:`y_t = \sum_i \phi_i y_{t-i} + e_t + \sum_j \theta_j e_{t-j}`, the mean removed.
    ma : array_like
        :math:`\theta_1, \dots, \theta_q`. Trailing zeros, here and in `ar`, do not count towards the order.
    max_gain : float, optional
        How many times larger than the predictor itself (the largest of its weights on past observations) the
        contribution of one unit may be. Beyond it the unit cancels against a neighbour, and the two are merged.

    Returns
    -------
    units : list of LinearUnit
        Sorted by falling modulus of their (largest) root. A real inverse MA root gives a unit of dimension 1, a
        complex pair :math:`\gamma e^{\pm i \omega}` one of dimension 2 with
        :math:`W = \gamma [[\cos\omega, -\sin\omega], [\sin\omega, \cos\omega]]`, :math:`0 < \omega < \pi`, and
        :math:`U = (u, 0)'`, :math:`u > 0`. Merged roots share one unit: see Notes.
    direct : ndarray
        Coefficients of :math:`y_{t-1}, \dots, y_{t-(p-q)}`; empty when p <= q.

    Notes
    -----
    :math:`\hat y_t = \sum_k v_k' h_{k,t} + \sum_i \text{direct}_i y_{t-i}` holds for every t and any series that is
    zero before the sample; invertibility is not needed. The gain of a unit is split evenly, :math:`|U| = |v|`.

    The partial fractions of roots a distance :math:`\delta` apart are of order :math:`1/\delta` and of opposite
    sign, and do not exist at :math:`\delta = 0`. (Nearly) repeated roots therefore share one unit, whose dimension
    is the sum of their multiplicities and whose W is a cascade: a block lower triangular matrix with the roots (as
    scalars, or as 2 x 2 blocks with diagonal entries Re :math:`\lambda`) on the diagonal, the last state of each block
    feeding the first state of the next one with weight :math:`1 - |\lambda|` (at least 0.05), which gives all the
    states a similar scale. For a root of exact multiplicity this is a Jordan block. A complex pair next to the real
    axis is a nearly repeated real root, and has off-diagonal entries of unequal size. The direct lags are a pole of
    multiplicity p - q at zero: should MA roots close to zero be merged with it, the unit takes over the direct lags
    and `direct` is empty.

    See Also
    --------
    arma_from_units : The way back.

    Examples
    --------
    >>> from pararnn_ts.models.arma_bridge import units_from_arma
    >>> units, direct = units_from_arma([0.9], [-0.5])
    >>> unit = units[0]
    >>> print(unit.W.round(6), (unit.U[:, 0] * unit.v).round(6), direct)
    [[0.5]] [0.4] []

    A complex pair of MA roots, and one direct lag because p - q = 1:

    >>> units, direct = units_from_arma([0.5, 0.2, 0.1], [0.6, 0.25])
    >>> print([unit.W.shape for unit in units], direct.round(6))
    [(2, 2)] [0.4]
    """
    ar, ma = _polynomial(ar, "ar"), _polynomial(ma, "ma")
    order = max(ar.size, ma.size)
    if order == 0:
        return [], np.empty(0)
    # The weights of the predictor on y_{t-1}, ..., y_{t-order}: with the roots, they determine it.
    target = _predictor_weights(ar, ma, order)
    roots = _inverse_roots(ma)
    roots = roots[roots != 0]
    # Pairs are exactly conjugate: the upper one speaks for both. Each group of roots makes one block.
    groups = [[root] for root in sorted(roots[roots.imag >= 0], key=abs, reverse=True)]
    # Lags of the series itself are a filter whose roots are all zero.
    if order > roots.size:
        groups.append([0j] * (order - roots.size))
    loose = [group[0] == 0 for group in groups]
    while True:
        blocks = [_cascade(group, is_loose) for group, is_loose in zip(groups, loose, strict=True)]
        impulses = [_impulse(W, U, order) for W, U in blocks]
        outputs, gains = _output_weights(impulses, target)
        # Nothing is left to merge once there is one group and it is not a rotation.
        if len(groups) == 1 and (loose[0] or groups[0][0].imag == 0):
            break
        if gains.max() <= max_gain:
            break
        _merge(groups, loose, gains)
    units, direct = [], np.empty(0)
    for group, (W, U), v in zip(groups, blocks, outputs, strict=True):
        if not any(group):
            direct = v
        else:
            scale = max((v @ v) ** 0.25, _SMALLEST_INPUT)
            units.append(LinearUnit(W, scale * U[:, None], v / scale))
    return units, direct


def arma_from_units(units, direct=(), *, input_lags=(1,), tol=1e-9):
    r"""
    Find the ARMA whose one-step predictor is a given sum of linear units and direct lags.

    Parameters
    ----------
    units : sequence of LinearUnit or of tuples (W, U, v)
        Units with identity activation, of any dimension. Column i of U is the weight of the input
        ``y_{t - input_lags[i]}``; a one-dimensional U is taken as a single column.
    direct : array_like, optional
        Coefficients of :math:`y_{t-1}, y_{t-2}, \dots` in the prediction.
    input_lags : sequence of int, optional
        The lags, each at least 1, that the columns of U stand for.
    tol : float, optional
        Common factors of the AR and MA polynomials are cancelled, and trailing coefficients dropped, when this moves
        no weight of the predictor on a past observation by more than `tol` times the largest of them (or 1).

    Returns
    -------
    ar : ndarray
        :math:`\phi_1, \dots, \phi_p` of the model of smallest orders.
    ma : ndarray
        :math:`\theta_1, \dots, \theta_q`. Its inverse roots are the eigenvalues of the recurrent weights, save those
        cancelled; they are not reflected into the invertible region.

    Notes
    -----
    With :math:`\theta(L) = \prod_k \det(I - W_k L)` and :math:`\pi(L) y_t` the prediction,
    :math:`\phi(L) = \theta(L) (1 - \pi(L))`. Cofactors of the greatest common divisor of the two polynomials are read
    off the null vector of their (sub)resultant matrix, which needs no matching of roots and so copes with
    repeated ones.

    See Also
    --------
    units_from_arma : The way there.

    Examples
    --------
    >>> from pararnn_ts.models.arma_bridge import arma_from_units, units_from_arma
    >>> ar, ma = arma_from_units(*units_from_arma([0.5, 0.2, 0.1], [0.6, 0.25]))
    >>> print(ar.round(6), ma.round(6))
    [0.5 0.2 0.1] [0.6  0.25]
    """
    direct = np.atleast_1d(np.asarray(direct, dtype=float))
    input_lags = [int(lag) for lag in input_lags]
    if not input_lags or min(input_lags) < 1:
        raise ValueError(
            f"input_lags must be one or more positive integers, but is {input_lags}; pass for example (1,)."
        )
    units = [_checked_unit(unit, len(input_lags)) for unit in units]
    n_states = sum(unit.v.size for unit in units)
    degree = max(n_states + max(input_lags) - 1, n_states + direct.size) if units else direct.size
    # Two filters of this many poles and zeros that agree over n_weights steps agree for good.
    n_weights = 2 * degree + 20
    weights = np.zeros(n_weights)
    weights[: direct.size] = direct
    denominator = np.ones(1)
    for W, U, v in units:
        denominator = np.convolve(denominator, np.poly(np.linalg.eigvals(W)).real)
        for lag, column in zip(input_lags, U.T, strict=True):
            weights[lag - 1 :] += v @ _impulse(W, column, n_weights - lag + 1)
    phi = np.convolve(denominator, np.r_[1.0, -weights[:degree]])[: degree + 1]
    bound = tol * max(1.0, np.abs(weights).max())
    return _reduce(phi, denominator, weights, bound)


def hannan_rissanen(y, p, q, *, max_modulus=0.98):
    r"""
    Estimate an ARMA(p, q) by two least-squares regressions, as a start value for an exact method.

    Parameters
    ----------
    y : array_like
        The series, one-dimensional. Its mean is removed. Missing values are NaN; a row of a regression that touches
        one is left out.
    p, q : int
        Orders.
    max_modulus : float, optional
        Bound on the modulus of the inverse MA roots. Roots outside the unit circle are reflected first.

    Returns
    -------
    ar : ndarray
        :math:`\phi_1, \dots, \phi_p`. Not forced to be stationary.
    ma : ndarray
        :math:`\theta_1, \dots, \theta_q`, invertible.

    Notes
    -----
    The first two steps of Hannan and Rissanen [1]_: residuals of a long autoregression, then a regression of the series
    on its own p lags and on q lags of the residuals. The order of the long autoregression is
    :math:`\max(10 \log_{10} T, 2 \max(p, q))`, halved, down to p + q, for as long as a short sample or missing values
    leave fewer than ten rows for each of its coefficients.

    References
    ----------
    .. [1] Hannan, E. J., and J. Rissanen. "Recursive estimation of mixed autoregressive-moving average order."
       Biometrika 69, no. 1 (1982): 81-94.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.arma_bridge import hannan_rissanen
    >>> e = np.random.default_rng(0).standard_normal(5001)
    >>> ar, ma = hannan_rissanen(e[1:] + 0.5 * e[:-1], 0, 1)
    >>> print(ar, ma.round(1))
    [] [0.5]
    """
    y = np.asarray(y, dtype=float)
    if y.ndim != 1:
        raise ValueError(f"y must be one-dimensional, but has shape {y.shape}; pass one series.")
    p, q = int(p), int(q)
    if min(p, q) < 0:
        raise ValueError(f"p and q must be 0 or more, but are {p} and {q}.")
    observed = np.isfinite(y)
    nobs = int(observed.sum())
    if nobs < p + q + 2:
        raise ValueError(
            f"y has {nobs} observations, too few for an ARMA({p}, {q}); pass a longer series or lower orders."
        )
    y = np.where(observed, y - y[observed].mean(), np.nan)
    if p + q == 0:
        return np.empty(0), np.empty(0)
    if q == 0:
        return _solve_moments(lag_products(y, p)[0]), np.empty(0)
    order = max(int(10 * np.log10(nobs)), 2 * max(p, q))
    while True:
        products, rows = lag_products(y, order)
        # Residuals of an autoregression shorter than p + q are nearly collinear with the lags of the series.
        if rows >= 10 * order or order <= p + q:
            break
        order = max(order // 2, p + q)
    products, rows = arma_products(y, _solve_moments(products), p, q)
    if rows < p + q:
        raise ValueError(
            f"y has missing values that leave {rows} complete rows, too few for an ARMA({p}, {q}); pass lower orders."
        )
    coefs = _solve_moments(products)
    return coefs[:p], _invertible(coefs[p:], max_modulus)


def _polynomial(coefs, name):
    """Return the coefficients as a float vector without trailing zeros, or what rounding makes of zeros."""
    coefs = np.atleast_1d(np.asarray(coefs, dtype=float))
    if coefs.ndim != 1 or not np.isfinite(coefs).all():
        raise ValueError(f"{name} must be a one-dimensional sequence of finite numbers, but is {given(coefs)}.")
    keep = np.flatnonzero(np.abs(coefs) > np.finfo(float).eps)
    return coefs[: keep[-1] + 1] if keep.size else coefs[:0]


def _predictor_weights(ar, ma, n_weights):
    """Return the weights of the one-step predictor on y_{t-1}, ..., y_{t-n_weights}."""
    weights = np.zeros(n_weights)
    weights[: min(ar.size, n_weights)] += ar[:n_weights]
    weights[: min(ma.size, n_weights)] += ma[:n_weights]
    for i in range(1, n_weights):
        lags = min(i, ma.size)
        weights[i] -= ma[:lags] @ weights[i - lags : i][::-1]
    return weights


def _cascade(group, is_loose):
    """
    Return (W, U) whose characteristic roots are those in `group` and their conjugates, excited at the first state.

    A root with a positive imaginary part stands for a pair. A single pair that is not `is_loose` gives a scaled
    rotation; otherwise the second state of a pair is rescaled, so that it stays of order one as the pair approaches
    the real axis (a rotation would let it vanish).
    """
    dims = [2 if root.imag > 0 else 1 for root in group]
    W = np.zeros((sum(dims), sum(dims)))
    i = 0
    for root, dim in zip(group, dims, strict=True):
        coupling = max(1 - abs(root), 0.05)
        if i > 0:
            W[i, i - 1] = coupling
        W[i, i] = root.real
        if dim == 2:
            forward = max(root.imag, coupling) if is_loose else root.imag
            W[i + 1, i + 1] = root.real
            W[i + 1, i] = forward
            W[i, i + 1] = -root.imag * (root.imag / forward)
        i += dim
    U = np.zeros(W.shape[0])
    U[0] = 1.0
    return W, U


def _impulse(W, U, n_steps):
    """Return the matrix with columns U, W U, W^2 U, ..., shape (d, n_steps)."""
    states = np.empty((U.size, n_steps))
    state = U
    for j in range(n_steps):
        states[:, j] = state
        state = W @ state
    return states


def _output_weights(impulses, target):
    """
    Solve for the output weights that give the predictor's first weights; return them with the gain of each block.

    Repeated roots in different blocks make the system singular: all gains are then infinite.
    """
    try:
        v = np.linalg.solve(np.vstack(impulses).T, target)
    except np.linalg.LinAlgError:
        return None, np.full(len(impulses), np.inf)
    outputs, sizes, first = [], [], 0
    for states in impulses:
        output = v[first : first + len(states)]
        outputs.append(output)
        sizes.append(math.sqrt(output @ output) * math.sqrt(np.max(np.sum(states * states, axis=0))))
        first += len(states)
    # An identically zero predictor has zero sizes, and needs no merging.
    return outputs, np.array(sizes) / max(np.abs(target).max(), np.finfo(float).tiny)


def _merge(groups, loose, gains):
    """
    Merge, in place, the group of largest gain with the group that lies closest to it.

    Where gains tie (all are infinite in a singular system), the closest pair is taken. A complex pair may lie closest
    to its own conjugate: it is then loosened.
    """

    def distance(i, j):
        if i == j:
            # A real root, or a pair already loosened, has nothing to gain from itself.
            return np.inf if loose[i] or groups[i][0].imag == 0 else 2 * groups[i][0].imag
        return min(abs(a - b) for a in groups[i] for b in groups[j])

    pairs = [(i, j) for i in np.flatnonzero(gains == gains.max()) for j in range(len(groups))]
    i, j = min(pairs, key=lambda pair: distance(*pair))
    loose[i] = True
    if i != j:
        groups[i] = sorted(groups[i] + groups[j], key=abs, reverse=True)
        del groups[j], loose[j]


def _checked_unit(unit, n_inputs):
    """Return the unit as float arrays of consistent shapes."""
    W, U, v = (np.asarray(part, dtype=float) for part in unit)
    if U.ndim == 1:
        U = U[:, None]
    if v.ndim != 1 or W.shape != (v.size, v.size) or U.shape != (v.size, n_inputs):
        raise ValueError(
            "units must have W of shape (d, d), U of shape (d, number of input lags) and v of shape (d,), but one has "
            f"{W.shape}, {U.shape} and {v.shape}, and the number of input lags is {n_inputs}."
        )
    return LinearUnit(W, U, v)


def _trim(coefs, bound):
    """Drop the trailing coefficients that are at most `bound` in size; the leading one stays."""
    keep = np.flatnonzero(np.abs(coefs) > bound)
    return coefs[: keep[-1] + 1] if keep.size else coefs[:1]


def _reduce(phi, theta, weights, bound):
    """Return the (ar, ma) of lowest orders with the predictor `weights`, cancelling factors common to phi and theta."""

    def error(ar, ma):
        return np.abs(_predictor_weights(ar, ma, weights.size) - weights).max()

    def shorten(ar, ma):
        while ar.size and error(ar[:-1], ma) <= bound:
            ar = ar[:-1]
        while ma.size and error(ar, ma[:-1]) <= bound:
            ma = ma[:-1]
        return ar, ma

    # Crowded roots near the unit circle may lose more than `bound` to rounding before anything is left out.
    bound = max(bound, 2 * error(-phi[1:], theta[1:]))
    ar, ma = shorten(-phi[1:], theta[1:])
    phi, theta = np.r_[1.0, -ar], np.r_[1.0, ma]
    p, q = ar.size, ma.size
    for common in range(min(p, q), 0, -1):
        # phi(L) b(L) = theta(L) a(L) has a solution of degrees p - common, q - common if the common factor has
        # degree `common`: the null vector of the subresultant matrix.
        columns = [np.r_[np.zeros(j), phi, np.zeros(q - common - j)] for j in range(q - common + 1)]
        columns += [np.r_[np.zeros(j), -theta, np.zeros(p - common - j)] for j in range(p - common + 1)]
        null = np.linalg.svd(np.column_stack(columns))[2][-1]
        b, a = null[: q - common + 1], null[q - common + 1 :]
        if min(abs(a[0]), abs(b[0])) <= 1e-12:
            continue
        reduced = -a[1:] / a[0], b[1:] / b[0]
        if error(*reduced) <= bound:
            return shorten(*reduced)
    return ar, ma


def _solve_moments(products):
    """Least-squares coefficients of the first column on the others, from the products of all columns."""
    square, product = products[1:, 1:], products[1:, 0]
    factor, failed = lapack.dpotrf(square, lower=1)
    pivots = np.diag(factor)
    if failed or pivots.min() < _SMALLEST_PIVOT * pivots.max():
        # a deterministic series has collinear lags
        return np.linalg.lstsq(square, product, rcond=None)[0]
    return lapack.dpotrs(factor, product, lower=1)[0]


def _inverse_roots(coefs):
    """Inverse roots of the polynomial 1 + c_1 L + c_2 L^2 + ..., without the zeros of trailing zero coefficients."""
    if coefs.size != 2 or coefs[1] == 0:
        return np.roots(np.r_[1.0, coefs])
    # the usual case, many times quicker than eigenvalues of a companion matrix
    half, product = -0.5 * coefs[0], coefs[1]
    square = half * half - product
    if square < 0:
        height = 1j * math.sqrt(-square)
        return np.array([half + height, half - height])
    larger = half + math.copysign(math.sqrt(square), half)
    return np.array([larger, product / larger])


def _invertible(ma, max_modulus):
    """Reflect the inverse MA roots into the unit circle and bound their modulus."""
    roots = _inverse_roots(ma)
    modulus = np.abs(roots)
    if not (modulus > max_modulus).any():
        return ma
    outside = modulus > 1
    roots[outside] = 1 / roots[outside].conj()
    modulus = np.abs(roots)
    roots *= np.minimum(1.0, max_modulus / np.maximum(modulus, np.finfo(float).tiny))
    # the zero roots of trailing zero coefficients are not among them
    return np.r_[np.poly(roots).real[1:], np.zeros(ma.size - roots.size)]
