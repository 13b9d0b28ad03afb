"""Orthonormal dictionaries: periodic wavelets of Daubechies and the discrete cosine transform."""

from __future__ import annotations

from math import comb

import numpy as np
from scipy import fft

__all__ = ["DICTIONARIES", "cosines", "scaling_filter", "wavelet_levels", "wavelets"]

# number of vanishing moments of the wavelets that have a name; a filter has twice as many taps
MOMENTS = {"haar": 1, "db4": 4}
DICTIONARIES = (*MOMENTS, "dct")


def scaling_filter(moments: int) -> np.ndarray:
    """
    Scaling filter of the Daubechies wavelet with so many vanishing moments, of unit norm.

    Parameters
    ----------
    moments : int
        Vanishing moments; the filter has twice as many taps.

    Returns
    -------
    ndarray, (2 * moments,)

    Notes
    -----
    The extremal-phase filter of Daubechies (1992), Ten Lectures on Wavelets, section 6.1: with y = (2 - z - 1/z) / 4,
    the roots in z of sum_k C(p - 1 + k, k) y^k that lie inside the unit circle, times (1 + z)^p.

    Examples
    --------
    >>> from pararnn_ts.estimation.dictionaries import scaling_filter
    >>> scaling_filter(1).round(4)
    array([0.7071, 0.7071])
    """
    in_y = np.array([comb(moments - 1 + k, k) for k in range(moments)], dtype=float)
    roots_of_filter = [-1.0] * moments
    for y in np.roots(in_y[::-1]):
        # z + 1/z = 2 - 4 y
        pair = np.roots([1.0, 4.0 * y - 2.0, 1.0])
        roots_of_filter.append(pair[np.argmin(np.abs(pair))])
    taps = np.real(np.poly(roots_of_filter))
    return taps * np.sqrt(2.0) / taps.sum()


def wavelet_levels(n: int, name: str) -> int:
    """
    Levels of a periodic wavelet transform: as many as leave no more than the length of the filter, and whole numbers.

    Examples
    --------
    >>> from pararnn_ts.estimation.dictionaries import wavelet_levels
    >>> wavelet_levels(64, "db4"), wavelet_levels(20, "db4"), wavelet_levels(64, "haar")
    (3, 1, 5)
    """
    levels = 0
    while n % 2 ** (levels + 1) == 0 and n // 2 ** (levels + 1) >= 2 * MOMENTS[name]:
        levels += 1
    return levels


def wavelets(n: int, name: str = "db4", levels: int | None = None) -> np.ndarray:
    """
    Orthonormal basis of periodic wavelets, one atom in each column.

    Parameters
    ----------
    n : int
        Length of the signal, a multiple of ``2**levels``.
    name : {"db4", "haar"}
        "db4" has four vanishing moments and eight taps.
    levels : int, optional
        Levels of the transform; by default those of :func:`wavelet_levels`.

    Returns
    -------
    ndarray, (n, n)
        Scaling atoms first, then wavelets from the coarsest to the finest. A shift of the signal by ``2**levels``
        permutes the atoms.

    Raises
    ------
    ValueError
        The length does not allow a single level, or not so many.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.dictionaries import wavelets
    >>> D = wavelets(32)
    >>> bool(np.allclose(D.T @ D, np.eye(32)))
    True
    """
    if levels is None:
        levels = wavelet_levels(n, name)
        if levels == 0:
            raise ValueError(
                f"dictionary={name!r} needs a number of signals that is even and at least {4 * MOMENTS[name]}, but "
                f"there are {n}; use dictionary='dct' or pass a matrix."
            )
    if not 1 <= levels or n % 2**levels:
        raise ValueError(f"levels must be at least 1 and n={n} a multiple of 2**levels, but levels is {levels!r}.")
    low = scaling_filter(MOMENTS[name])
    high = low[::-1] * (-1.0) ** np.arange(len(low))
    # coarser and coarser scaling functions on the original grid, one in each column
    scaling, details = np.eye(n), []
    for _ in range(levels):
        half = scaling.shape[1] // 2
        combine = np.zeros((2, 2 * half, half))
        for k in range(half):
            for tap in range(len(low)):
                combine[:, (2 * k + tap) % (2 * half), k] += low[tap], high[tap]
        details.append(scaling @ combine[1])
        scaling = scaling @ combine[0]
    return np.hstack([scaling, *details[::-1]])


def cosines(n: int) -> np.ndarray:
    """
    Orthonormal basis of the discrete cosine transform (type II), one atom in each column.

    Examples
    --------
    >>> from pararnn_ts.estimation.dictionaries import cosines
    >>> cosines(2).round(4)
    array([[ 0.7071,  0.7071],
           [ 0.7071, -0.7071]])
    """
    return fft.idct(np.eye(n), axis=0, norm="ortho")
