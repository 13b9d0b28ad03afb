"""Activation functions and their slopes, for one number or for eight lanes."""

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import bound, positive

__all__ = ["ACTIVATIONS", "activate", "tanh"]

# the integer by which kernels know each activation
ACTIVATIONS = {"tanh": 0, "relu": 1, "logistic": 2, "identity": 3}


@jit
def tanh(z):
    """
    Hyperbolic tangent without branches, to 4e-16.

    The argument is limited to +-20, quartered, put through the ninth convergent of Lambert's continued fraction
    tanh(u) = u / (1 + u^2 / (3 + u^2 / (5 + ...))), and doubled twice with tanh(2u) = 2 tanh(u) / (1 + tanh(u)^2);
    carrying numerator and denominator apart leaves a single division.
    """
    u = bound(z, 20.0) * 0.25
    s = u * u
    n = u * (s * (s * (s * (s + 990.0) + 135135.0) + 4729725.0) + 34459425.0)
    d = s * (s * (s * (s * 45.0 + 13860.0) + 945945.0) + 16216200.0) + 34459425.0
    # the common scale keeps the fourth powers below far from overflow; it cancels in the quotient
    n = n * 1e-8
    d = d * 1e-8
    n2 = 2.0 * n * d
    d2 = d * d + n * n
    return 2.0 * n2 * d2 / (d2 * d2 + n2 * n2)


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
