"""Activation functions and their slopes, for one number or for a vector of lanes."""

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import bound, positive

__all__ = ["ACTIVATIONS", "activate", "tanh"]

# the integer by which kernels know each activation
ACTIVATIONS = {"tanh": 0, "relu": 1, "logistic": 2, "identity": 3}


@jit
def tanh(z):
    """
    Hyperbolic tangent without branches, to 4e-16.

    The argument is limited to +-20, quartered, put through the ninth convergent n / d of Lambert's continued fraction
    tanh(u) = u / (1 + u^2 / (3 + u^2 / (5 + ...))), and doubled twice with tanh(2u) = 2 tanh(u) / (1 + tanh(u)^2);
    carrying numerator and denominator apart leaves a single division.  Recurrent units wait for this function, so that
    the polynomials are written for a short chain of dependent operations (Estrin's scheme).
    """
    u = bound(z, 20.0) * 0.25
    s = u * u
    r = s * s
    n = u * (r * (r + (s * 990.0 + 135135.0)) + (s * 4729725.0 + 34459425.0))
    d = r * (r * 45.0 + (s * 13860.0 + 945945.0)) + (s * 16216200.0 + 34459425.0)
    # the fourth powers stay below 1e38
    p = n * d
    p4 = 4.0 * p
    q = d * d + n * n
    return p4 * q / (q * q + p4 * p)


@jit
def activate(activation, z):
    """Value and slope of the activation with the given number (see `ACTIVATIONS`) at `z`."""
    if activation == 0:
        h = tanh(z)
        return h, 1.0 - h * h
    if activation == 1:
        slope = positive(z)
        return z * slope, slope
    if activation == 2:
        h = 0.5 + 0.5 * tanh(0.5 * z)
        return h, h * (1.0 - h)
    return z, 0.0 * z + 1.0
