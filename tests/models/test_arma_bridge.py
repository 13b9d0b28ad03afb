"""The map between ARMA models and linear recurrent units, checked against the recursion that defines the model."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from statsmodels.tsa.arima_process import ArmaProcess, arma2ma

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.models.arma_bridge import (
    LinearUnit,
    _inverse_roots,
    arma_from_units,
    hannan_rissanen,
    units_from_arma,
)


def coefficients(*roots):
    """Return c_1, c_2, ... of prod (1 - root L) = 1 + c_1 L + c_2 L^2 + ..."""
    return np.atleast_1d(np.poly(roots)).real[1:]


def arma_predictions(ar, ma, y):
    """Return the one-step predictions by the definition of the model, everything before the sample being zero."""
    resid, predicted = np.zeros(len(y)), np.zeros(len(y))
    for t in range(len(y)):
        predicted[t] = sum(phi * y[t - i] for i, phi in enumerate(ar, 1) if t >= i)
        predicted[t] += sum(theta * resid[t - j] for j, theta in enumerate(ma, 1) if t >= j)
        resid[t] = y[t] - predicted[t]
    return predicted


def unit_predictions(units, direct, y, input_lags=(1,)):
    """Run the units over the series."""
    predicted = np.zeros(len(y))
    for i, coef in enumerate(direct, 1):
        predicted[i:] += coef * y[:-i]
    for W, U, v in units:
        h = np.zeros(len(v))
        for t in range(len(y)):
            h = W @ h + U @ np.array([y[t - lag] if t >= lag else 0.0 for lag in input_lags])
            predicted[t] += v @ h
    return predicted


def dims(units):
    return [unit.v.size for unit in units]


@pytest.fixture(scope="module")
def series():
    return np.random.default_rng(0).standard_normal(200)


PAIR = (0.6 + 0.5j, 0.6 - 0.5j)
CASES = {
    "(1,1)": ([0.9], [-0.5], [1], 0),
    "(2,1)": ([0.5, 0.3], [0.4], [1], 1),
    "(1,2) real": ([0.7], coefficients(0.8, -0.3), [1, 1], 0),
    "(1,2) complex": ([0.7], coefficients(*PAIR), [2], 0),
    "(2,2) real": ([0.5, 0.2], coefficients(0.9, 0.4), [1, 1], 0),
    "(2,2) complex": ([1.2, -0.5], coefficients(*PAIR), [2], 0),
    "(3,1)": ([0.5, 0.2, -0.1], [0.6], [1], 2),
    "(0,2) real": ([], coefficients(0.7, -0.7), [1, 1], 0),
    "(0,2) complex": ([], coefficients(0.9j, -0.9j), [2], 0),
    "(5,3) real": ([0.4, 0.1, 0.1, -0.2, 0.1], coefficients(0.9, 0.5, -0.7), [1, 1, 1], 2),
    "(5,3) complex": ([0.4, 0.1, 0.1, -0.2, 0.1], coefficients(-0.5, *PAIR), [2, 1], 2),
    "(2,0)": ([0.5, 0.3], [], [], 2),
    "(0,0)": ([], [], [], 0),
    "(3,0) by trailing zeros": ([0.5, 0.3, 0.1, 0.0], [0.0, 0.0], [], 3),
    "(1,1) by trailing zeros": ([0.5, 0.0], [0.3, 0.0, 0.0], [1], 0),
    "(1,13) multiplicative seasonal": ([0.7], np.convolve([1, 0.4], [1] + 11 * [0] + [0.6])[1:], 6 * [2] + [1], 0),
    "(1,1) by trailing rounding errors": ([0.5, 1e-17], [0.3, 0.0, 1e-18], [1], 0),
    "(1,2) not invertible": ([0.5], coefficients(1.05, -1.02), [1, 1], 0),
}


@pytest.mark.parametrize(("ar", "ma", "unit_dims", "n_direct"), CASES.values(), ids=CASES)
def test_units_reproduce_the_arma_predictions(ar, ma, unit_dims, n_direct, series):
    units, direct = units_from_arma(ar, ma)
    assert dims(units) == unit_dims
    assert direct.shape == (n_direct,)
    expected = arma_predictions(ar, ma, series)
    tolerance = 1e-10 * max(1, np.abs(expected).max())
    np.testing.assert_allclose(unit_predictions(units, direct, series), expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize(("ar", "ma", "unit_dims", "n_direct"), CASES.values(), ids=CASES)
def test_units_lead_back_to_the_arma_that_they_came_from(ar, ma, unit_dims, n_direct):
    ar_back, ma_back = arma_from_units(*units_from_arma(ar, ma))
    for back, coefs in ((ar_back, ar), (ma_back, ma)):
        order = np.flatnonzero(np.abs(coefs) > 1e-15).max(initial=-1) + 1
        np.testing.assert_allclose(back, coefs[:order], atol=1e-10)


def test_arma11_in_closed_form():
    (unit,), direct = units_from_arma([0.9], [-0.5])
    np.testing.assert_allclose(unit.W, [[0.5]])
    np.testing.assert_allclose(unit.U[:, 0] * unit.v, [0.9 - 0.5])
    assert direct.size == 0


def test_units_are_ordered_by_modulus_and_inputs_are_balanced_with_outputs():
    units, _ = units_from_arma([0.3], coefficients(-0.4, 0.95, *PAIR))
    moduli = [np.abs(np.linalg.eigvals(unit.W)).max() for unit in units]
    np.testing.assert_allclose(moduli, [0.95, abs(PAIR[0]), 0.4])
    rotation = units[1]
    np.testing.assert_allclose(rotation.W, [[0.6, -0.5], [0.5, 0.6]])
    for W, U, v in units:
        assert W.shape == (v.size, v.size)
        assert U.shape == (v.size, 1)
        assert U[0, 0] > 0
        np.testing.assert_allclose(U[1:], 0)
        np.testing.assert_allclose(np.linalg.norm(U), np.linalg.norm(v))


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4, 1e-6, 1e-9, 0])
@pytest.mark.parametrize("ar", [[], [0.5, 0.2], [0.3, 0.2, 0.1, 0.1]], ids=len)
@pytest.mark.parametrize(
    "roots",
    [
        lambda d: (0.9, 0.9 - d),
        lambda d: (0.5, 0.5 - d, -0.8),
        lambda d: (0.7 + 1j * d, 0.7 - 1j * d),
        lambda d: (0.7 + 1j * d, 0.7 - 1j * d, 0.7, -0.2),
        lambda d: (*PAIR, PAIR[0] + d, PAIR[1] + d),
        lambda d: (-0.6, -0.6 + d, -0.6 + 2 * d),
    ],
    ids=["real", "real and another", "near-real pair", "near-real pair and a real root", "pairs", "triple"],
)
def test_units_of_repeated_and_nearly_repeated_roots_predict_like_the_arma(roots, ar, distance, series):
    ma = coefficients(*roots(distance))
    units, direct = units_from_arma(ar, ma)
    assert sum(dims(units)) + direct.size == max(len(ma), len(ar))
    expected = arma_predictions(ar, ma, series)
    np.testing.assert_allclose(unit_predictions(units, direct, series), expected, atol=1e-9, rtol=0)
    for unit in units:
        assert np.linalg.norm(unit.U) * np.linalg.norm(unit.v) < 2e4
    if distance <= 1e-6:
        assert max(dims(units)) >= 2
    ar_back, ma_back = arma_from_units(units, direct)
    np.testing.assert_allclose(ma_back, ma, atol=1e-9)
    np.testing.assert_allclose(ar_back, ar, atol=1e-9)


def test_exactly_repeated_root_is_a_jordan_block():
    (unit,), _ = units_from_arma([0.3], [-1.0, 0.25])
    np.testing.assert_allclose(unit.W, [[0.5, 0.0], [0.5, 0.5]], atol=1e-7)


def test_unrelated_roots_are_not_merged_with_repeated_ones():
    units, _ = units_from_arma([0.3], coefficients(0.95, 0.5, 0.5, -0.7))
    assert sorted(dims(units)) == [1, 1, 2]


def test_small_ma_root_takes_over_the_direct_lags(series):
    ar, ma = [0.5, 0.3, 0.2], [1e-8]
    units, direct = units_from_arma(ar, ma)
    assert dims(units) == [3]
    assert direct.size == 0
    np.testing.assert_allclose(unit_predictions(units, direct, series), arma_predictions(ar, ma, series), atol=1e-12)


def test_max_gain_trades_merging_for_size():
    ma = coefficients(0.8, 0.79)
    assert dims(units_from_arma([0.3], ma)[0]) == [1, 1]
    assert dims(units_from_arma([0.3], ma, max_gain=10)[0]) == [2]


@pytest.mark.parametrize(("ar", "ma"), [([0.5, 0.3], [0.4, 0.2]), ([0.9], [0.4, 0.3, 0.1]), ([0.2, 0.1, 0.3], [0.5])])
def test_weights_agree_with_statsmodels(ar, ma):
    """The predictor's weights are the coefficients of the AR(infinity) form, which statsmodels computes."""
    units, direct = units_from_arma(ar, ma)
    impulse = np.r_[1.0, np.zeros(40)]
    weights = unit_predictions(units, direct, impulse)[1:]
    ar_poly, ma_poly = np.r_[1, -np.array(ar)], np.r_[1, ma]
    np.testing.assert_allclose(weights, -ArmaProcess(ar_poly, ma_poly).arma2ar(41)[1:], atol=1e-12)
    # The impulse response of y to e, by feeding y's predictions back.
    y = impulse.copy()
    for t in range(1, len(y)):
        y[t] = unit_predictions(units, direct, y[: t + 1])[t]
    np.testing.assert_allclose(y, arma2ma(ar_poly, ma_poly, 41), atol=1e-12)
    np.testing.assert_allclose(y, ArmaProcess(ar_poly, ma_poly).impulse_response(41), atol=1e-12)


# Inverse roots of random polynomials: real ones, and complex pairs in polar form.
modulus = st.floats(0.0, 0.97)
real_roots = st.lists(st.floats(-0.97, 0.97), max_size=3)
pairs = st.lists(st.tuples(modulus, st.floats(0.0, np.pi)), max_size=2)


def all_roots(real, pairs):
    upper = [r * np.exp(1j * w) for r, w in pairs]
    return [*real, *upper, *np.conj(upper)]


@settings(max_examples=150, deadline=None)
@given(real_roots, pairs, real_roots, pairs)
def test_units_of_any_stable_polynomials_have_their_impulse_response(ar_real, ar_pairs, ma_real, ma_pairs):
    ar = -coefficients(*all_roots(ar_real, ar_pairs))
    ma = coefficients(*all_roots(ma_real, ma_pairs))
    units, direct = units_from_arma(ar, ma)
    impulse = np.r_[1.0, np.zeros(60)]
    expected = lfilter(np.r_[1, -ar], np.r_[1, ma], impulse)
    # Up to seven roots may crowd near 0.97, where the filter itself loses this much to rounding.
    sensitivity = np.abs(lfilter([1.0], np.r_[1, ma], impulse)).max() * np.abs(np.r_[1, ma]).max()
    # Units may be max_gain times larger than their sum, which costs four digits more.
    tolerance = 1e-10 * max(1, sensitivity) * max(1, np.abs(expected).max())
    np.testing.assert_allclose(impulse - unit_predictions(units, direct, impulse), expected, atol=tolerance, rtol=0)
    ar_back, ma_back = arma_from_units(units, direct)
    assert len(ar_back) <= len(ar)
    assert len(ma_back) <= len(ma)
    expected_back = lfilter(np.r_[1, -ar_back], np.r_[1, ma_back], impulse)
    scale = max(1, np.abs(expected).max())
    np.testing.assert_allclose(expected_back, expected, atol=1e-8 * scale + 10 * tolerance, rtol=0)


def random_unit(rng, dim, n_inputs=1):
    W = rng.standard_normal((dim, dim))
    W *= rng.uniform(0.5, 0.9) / np.abs(np.linalg.eigvals(W)).max()
    return LinearUnit(W, rng.standard_normal((dim, n_inputs)), rng.standard_normal(dim))


@pytest.mark.parametrize("unit_dims", [[1], [2], [3, 1], [4], [2, 2, 1]], ids=str)
@pytest.mark.parametrize("n_direct", [0, 1, 3])
def test_any_linear_units_are_an_arma_that_predicts_alike(unit_dims, n_direct, series):
    rng = np.random.default_rng(1)
    units = [random_unit(rng, dim) for dim in unit_dims]
    direct = rng.standard_normal(n_direct)
    ar, ma = arma_from_units(units, direct)
    assert len(ma) == sum(unit_dims)
    assert len(ar) == sum(unit_dims) + n_direct
    np.testing.assert_allclose(
        arma_predictions(ar, ma, series), unit_predictions(units, direct, series), atol=1e-10, rtol=0
    )


@pytest.mark.parametrize("input_lags", [(1, 2), (3,), (1, 12)])
def test_units_on_several_lags_are_an_arma_that_predicts_alike(input_lags, series):
    rng = np.random.default_rng(2)
    units = [random_unit(rng, dim, len(input_lags)) for dim in (2, 1)]
    ar, ma = arma_from_units(units, [0.3], input_lags=input_lags)
    np.testing.assert_allclose(
        arma_predictions(ar, ma, series), unit_predictions(units, [0.3], series, input_lags), atol=1e-10, rtol=0
    )


def test_common_factors_cancel():
    # An AR root equal to an MA root; twice the same; all of them.
    for ar_roots, ma_roots, left_ar, left_ma in [
        ((0.5, 0.3), (0.5, 0.7), (0.3,), (0.7,)),
        ((0.9, 0.9, 0.2), (0.9, 0.9, 0.5), (0.2,), (0.5,)),
        ((*PAIR, 0.2), (*PAIR,), (0.2,), ()),
        ((0.5, -0.3), (0.5, -0.3), (), ()),
    ]:
        units, direct = units_from_arma(-coefficients(*ar_roots), coefficients(*ma_roots))
        ar, ma = arma_from_units(units, direct)
        np.testing.assert_allclose(ar, -coefficients(*left_ar), atol=1e-9)
        np.testing.assert_allclose(ma, coefficients(*left_ma), atol=1e-9)


def test_unused_unit_is_cancelled():
    used = LinearUnit(np.array([[0.5]]), np.array([[1.0]]), np.array([0.4]))
    for idle in (
        LinearUnit(np.array([[0.8]]), np.array([[0.0]]), np.array([1.0])),
        LinearUnit(np.array([[0.8]]), np.array([[1.0]]), np.array([0.0])),
    ):
        ar, ma = arma_from_units([used, idle])
        np.testing.assert_allclose(ar, [0.9])
        np.testing.assert_allclose(ma, [-0.5])


def test_roots_that_differ_by_less_than_the_tolerance_cancel():
    units, direct = units_from_arma(-coefficients(0.5, 0.3), coefficients(0.5 + 1e-6, 0.7))
    assert len(arma_from_units(units, direct)[0]) == 2
    ar, ma = arma_from_units(units, direct, tol=1e-4)
    np.testing.assert_allclose(ar, [0.3], atol=1e-4)
    np.testing.assert_allclose(ma, [-0.7], atol=1e-4)


def test_idle_units_keep_an_input():
    """A cancelled root must not put a fit at U = v = 0, from which no gradient leads away."""
    (unit,), _ = units_from_arma([-0.5], [0.5])
    assert unit.U[0, 0] > 0
    np.testing.assert_allclose(unit.v, 0)


def test_plain_tuples_and_one_dimensional_input_weights():
    ar, ma = arma_from_units([([[0.5]], [1.0], [0.4])])
    np.testing.assert_allclose(ar, [0.9])
    np.testing.assert_allclose(ma, [-0.5])


def test_without_units_direct_lags_are_the_autoregression():
    ar, ma = arma_from_units([], [0.5, 0.2])
    np.testing.assert_allclose(ar, [0.5, 0.2])
    assert ma.size == 0
    ar, ma = arma_from_units([])
    assert ar.size == ma.size == 0


def test_coefficients_units_and_lags_of_a_wrong_form_are_refused():
    with pytest.raises(ValueError, match="ma must be"):
        units_from_arma([0.5], [np.nan])
    with pytest.raises(ValueError, match="ar must be"):
        units_from_arma([[0.5]], [])
    with pytest.raises(ValueError, match="units must have W of shape"):
        arma_from_units([([[0.5]], [[1.0, 2.0]], [0.4])])
    with pytest.raises(ValueError, match="input_lags"):
        arma_from_units([], input_lags=(0,))


def simulated(ar, ma, nobs, seed=0):
    e = np.random.default_rng(seed).standard_normal(nobs + 200)
    return lfilter(np.r_[1, ma], np.r_[1, -np.asarray(ar)], e)[200:]


@pytest.mark.parametrize(
    ("ar", "ma"), [([0.8], [0.5]), ([0.6, -0.3], []), ([], [0.6, 0.3]), ([0.9], [-0.4]), ([0.5, 0.2], [0.3, 0.4])]
)
def test_hannan_rissanen_finds_the_parameters(ar, ma):
    y = 3.0 + simulated(ar, ma, 20_000)
    ar_hat, ma_hat = hannan_rissanen(y, len(ar), len(ma))
    np.testing.assert_allclose(ar_hat, ar, atol=0.1)
    np.testing.assert_allclose(ma_hat, ma, atol=0.1)


def test_hannan_rissanen_close_to_statsmodels():
    from statsmodels.tsa.arima.estimators.hannan_rissanen import hannan_rissanen as reference

    y = simulated([0.7], [0.4], 2000)
    params, _ = reference(y, ar_order=1, ma_order=1, unbiased=False)
    ar, ma = hannan_rissanen(y, 1, 1)
    np.testing.assert_allclose(np.r_[ar, ma], params.params[:2], atol=0.02)


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_hannan_rissanen_with_missing_values(share):
    y = simulated([0.8], [0.5], 5000)
    y[np.random.default_rng(1).random(y.size) < share] = np.nan
    ar, ma = hannan_rissanen(y, 1, 1)
    np.testing.assert_allclose([*ar, *ma], [0.8, 0.5], atol=0.15)


def test_hannan_rissanen_is_invertible():
    rng = np.random.default_rng(3)
    for _ in range(50):
        # Over-differenced noise has a unit MA root; short samples give wild estimates.
        y = np.diff(rng.standard_normal(40))
        _, ma = hannan_rissanen(y, 1, 3)
        assert ma.shape == (3,)
        assert np.abs(np.roots(np.r_[1, ma])).max() <= 0.98 + 1e-9


def test_hannan_rissanen_gives_numbers_on_degenerate_series():
    assert np.isfinite(np.concatenate(hannan_rissanen(np.sin(np.arange(100.0)), 2, 1))).all()
    np.testing.assert_array_equal(np.concatenate(hannan_rissanen(np.ones(50), 2, 1)), 0)
    assert [part.size for part in hannan_rissanen(np.arange(10.0), 0, 0)] == [0, 0]


def test_hannan_rissanen_refuses_short_gapped_and_wide_series_and_negative_orders():
    with pytest.raises(ValueError, match="too few"):
        hannan_rissanen([1.0, 2.0, 3.0], 1, 1)
    with pytest.raises(ValueError, match="complete rows"):
        hannan_rissanen(np.where(np.arange(40) % 2, np.nan, np.arange(40.0)), 1, 1)
    with pytest.raises(ValueError, match="one-dimensional"):
        hannan_rissanen(np.ones((10, 2)), 1, 1)
    with pytest.raises(ValueError, match="p and q must be 0 or more"):
        hannan_rissanen(np.ones(10), -1, 1)


def test_hannan_rissanen_is_fast():
    y = simulated([0.5, 0.2], [0.3, 0.4], 1000)
    timings = []
    # as fits call it; time of this thread, so that what else the machine does hardly counts
    with one_blas_thread():
        for _ in range(30):
            start = time.thread_time()
            hannan_rissanen(y, 2, 2)
            timings.append(time.thread_time() - start)
    # usually 0.2 ms
    assert min(timings) < 5e-3


@pytest.mark.parametrize(
    "coefs", [(0.6, 0.25), (-1.7, 0.71), (0.0, 0.5), (0.0, -0.5), (1e-9, -0.3), (2.0, 1.0), (-3.0, 1e-12)]
)
def test_roots_of_two_coefficients_are_those_of_the_companion_matrix(coefs):
    ours = np.sort_complex(_inverse_roots(np.array(coefs)))
    np.testing.assert_allclose(ours, np.sort_complex(np.roots([1.0, *coefs])), rtol=0, atol=3e-8)
    # both are roots to rounding error, and their product and sum are the coefficients
    np.testing.assert_allclose([-ours.sum(), ours.prod()], coefs, rtol=1e-12, atol=1e-15)
