"""
The operations of :mod:`lanes` for one number at a time: what a kernel is compiled with where a thread is a lane.

Kernels written with `load`, `store` and ordinary arithmetic mean the same with either set of operations.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy import uint64

__all__ = ["LANES", "bound", "fill", "load", "positive", "square_root", "store"]

LANES = 1


def load(a: np.ndarray, i: int):
    """Item `i` of the flat array `a`; an index without a sign needs no look whether it counts from the end."""
    return a[uint64(i)]


def store(a: np.ndarray, i: int, value) -> None:
    """Write a number to item `i` of the flat array `a`."""
    a[uint64(i)] = value


def fill(x: float):
    """Return the number `x`."""
    return x


def bound(z, limit: float):
    """`z` limited to the interval from ``-limit`` to ``limit``; NaN stays NaN."""
    if z < -limit:
        return -limit
    if z > limit:
        return limit
    return z


def positive(z):
    """One where `z` is positive, otherwise zero."""
    return 1.0 if z > 0.0 else 0.0


def square_root(z):
    """Square root."""
    return sqrt(z)
