"""Dictionaries are orthonormal, wavelets vanish on polynomials, shifts permute them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pararnn_ts.estimation.dictionaries import cosines, scaling_filter, wavelet_levels, wavelets


@pytest.mark.parametrize("name", ["haar", "db4"])
@pytest.mark.parametrize("n", [16, 20, 48, 64])
def test_wavelets_are_an_orthonormal_basis(name, n):
    for levels in range(1, wavelet_levels(n, name) + 1):
        D = wavelets(n, name, levels)
        assert_allclose(D.T @ D, np.eye(n), atol=1e-13)


def test_cosines_are_an_orthonormal_basis():
    for n in (1, 5, 16):
        assert_allclose(cosines(n).T @ cosines(n), np.eye(n), atol=1e-14)


def test_the_scaling_filter_has_the_published_taps():
    # Daubechies (1992), table 6.1, four vanishing moments
    taps = [0.230377813309, 0.714846570553, 0.630880767930, -0.027983769417, -0.187034811719, 0.030841381836,
            0.032883011667, -0.010597401785]  # fmt: skip
    assert_allclose(scaling_filter(4), taps, atol=1e-11)
    assert_allclose(scaling_filter(2) * 4 * np.sqrt(2), 1 + np.sqrt(3) * np.array([1, 0, 0, -1]) + [0, 2, 2, 0] + (
        np.sqrt(3) * np.array([0, 1, -1, 0])), atol=1e-12)  # fmt: skip


def test_wavelets_do_not_see_polynomials_of_degree_three():
    n = 64
    D = wavelets(n, "db4", 1)
    signal = (np.arange(n) / n) ** 3
    details = D[:, n // 2 :].T @ signal
    # those that reach across the ends see the jump there
    assert_allclose(details[:-4], 0.0, atol=1e-10)
    assert np.abs(details[-4:]).max() > 0.1


def test_a_shift_by_two_to_the_levels_permutes_the_atoms():
    for n, levels in ((64, 3), (32, 2)):
        D = wavelets(n, "db4", levels)
        P = D.T @ np.roll(D, 2**levels, axis=0)
        assert_allclose(np.sort(np.abs(P), axis=0)[-1], 1.0, atol=1e-12)
        assert_allclose(P.T @ P, np.eye(n), atol=1e-12)


@pytest.mark.parametrize(("n", "name"), [(7, "haar"), (8, "db4"), (15, "db4"), (1, "haar")])
def test_a_length_without_a_level_is_refused_in_a_sentence(n, name):
    with pytest.raises(ValueError, match=rf"^dictionary='{name}' needs .* there are {n}; .*\.$"):
        wavelets(n, name)


def test_levels_that_do_not_divide_the_length_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"^levels must be at least 1 and n=20 a multiple of 2\*\*levels, .* is 3\.$"):
        wavelets(20, "haar", 3)
