"""Sums over residuals that follow Student's t, for searches of its spread and its degrees of freedom."""

from math import exp, lgamma, log, pi, sqrt

from pararnn_ts.kernels.jit import jit

__all__ = ["improved_spread", "log_constant", "log_likelihood", "settled_spread"]

# a product of so many is added to a sum of logarithms before it can overflow
_LARGE = 1e150
# largest change of the logarithm of the spread in one of Newton's steps
_STEP = 0.1


@jit
def log_constant(dof):
    """Log of the constant of Student's density of spread one."""
    return lgamma(0.5 * (dof + 1.0)) - lgamma(0.5 * dof) - 0.5 * log(dof * pi)


@jit
def log_likelihood(square, spread, dof):
    """
    Log likelihood of residuals.

    Parameters
    ----------
    square : ndarray, (n,)
        Their squares.
    spread, dof : float
        Scale and degrees of freedom.

    Returns
    -------
    float
    """
    total, product, unit = 0.0, 1.0, spread * spread * dof
    for one in square:
        # one logarithm for many factors
        product *= 1.0 + one / unit
        if product > _LARGE:
            total += log(product)
            product = 1.0
    total += log(product)
    return len(square) * (log_constant(dof) - log(spread)) - 0.5 * (dof + 1.0) * total


@jit
def improved_spread(square, room, spread, dof, sweeps, least):
    """
    Spread at given degrees of freedom, by conditional maximisation: the mean square with the weights of the one before.

    Parameters
    ----------
    square : ndarray, (n,)
        Squares of the residuals.
    room : float
        By what their weighted sum is divided.
    spread, dof : float
        Where to start, and the degrees of freedom.
    sweeps : int
        Repetitions.
    least : float
        Smallest spread.

    Returns
    -------
    float
    """
    for _ in range(sweeps):
        total, unit = 0.0, spread * spread
        for one in square:
            total += (dof + 1.0) / (dof + one / unit) * one
        spread = max(sqrt(total / room), least)
    return spread


@jit
def settled_spread(square, spread, dof, steps):
    """
    Spread at which residuals are most likely, by Newton's steps in its logarithm from a spread near it.

    Parameters
    ----------
    square : ndarray, (n,)
        Squares of the residuals.
    spread, dof : float
        Where to start, and the degrees of freedom.
    steps : int
        Repetitions.

    Returns
    -------
    float
    """
    for _ in range(steps):
        slope, bend = 0.0, 0.0
        for one in square:
            ratio = one / (spread * spread)
            weight = (dof + 1.0) / (dof + ratio)
            slope += weight * ratio - 1.0
            bend += 2.0 * dof * weight * ratio / (dof + ratio)
        if bend > 0.0:
            spread *= exp(min(max(slope / bend, -_STEP), _STEP))
    return spread
