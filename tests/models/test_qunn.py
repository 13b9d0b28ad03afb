"""QUNN: rotations, reversal, gradients that keep their size, counts of parameters, the face of a series model."""

from itertools import combinations

import cell_twin
import numpy as np
import pandas as pd
import pytest
from scipy.linalg import expm

import pararnn_ts as prt
from pararnn_ts.cells import QUNNCell
from pararnn_ts.kernels.cell_gradient import sequence_gradient
from pararnn_ts.kernels.cells import CELLS, pull_back, run_inputs


def series(n=120, seed=0):
    rng = np.random.default_rng(seed)
    y = np.zeros(n)
    for t in range(2, n):
        y[t] = 1.2 * np.tanh(y[t - 1]) - 0.5 * y[t - 2] + 0.5 * rng.normal()
    return y


def streaming(qubits=4, layers=1, couplings="site", seed=0, size=0.3):
    cell = QUNNCell(qubits, 1, couplings=couplings, mode="shared", layers=layers)
    rng = np.random.default_rng(seed)
    return cell, size * rng.normal(size=len(cell.groups)), rng


@pytest.mark.parametrize("q", [1, 2, 3])
def test_generators_are_antisymmetric_square_to_minus_one_and_make_plane_rotations(q):
    for a in cell_twin.generators(q):
        np.testing.assert_array_equal(a, -a.T)
        np.testing.assert_array_equal(a @ a, -np.eye(2**q))
        np.testing.assert_allclose(expm(0.7 * a), cell_twin.exponential(0.7, a), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "options",
    [
        {"memory": 3},
        {"memory": 2, "couplings": "site", "tie": True},
        {"mode": "shared", "layers": 2, "couplings": "site"},
    ],
)
def test_predictions_are_those_of_the_published_formula_with_paulis_matrices(options):
    y, q = 4.0 + series(60), 3
    results = prt.QUNN(y, qubits=q, **options).fit(penalty=1.0, n_starts=1, maxiter=5)
    model, own = results.model, dict(zip(results.model.param_names, results.params, strict=True))
    assert max(abs(value) for name, value in own.items() if "B[" in name) > 0.01
    pauli = {"1": np.eye(2), "Y": np.array([[0.0, -1.0j], [1.0j, 0.0]]), "Z": np.diag([1.0, -1.0])}

    def chain(**sites):
        """A product of matrices of sites; site 1 is the lowest bit, the last factor."""
        total = np.eye(1)
        for j in range(q, 0, -1):
            total = np.kron(total, pauli[sites.get(f"at{j}", "1")])
        return (-1.0j * total).real

    generators = {f"field{j}": chain(**{f"at{j}": "Y"}) for j in range(1, q + 1)}
    generators |= {f"right{j}": chain(**{f"at{j}": "Y", f"at{j + 1}": "Z"}) for j in range(1, q)}
    generators |= {f"left{j}": chain(**{f"at{j + 1}": "Y", f"at{j}": "Z"}) for j in range(1, q)}

    def turned(h, block, x):
        for name, matrix in generators.items():
            angle = name if model.couplings == "site" else name[:-1]
            constant = own[f"a[{angle}]" if model.tie else f"{block}.a[{angle}]"]
            h = expm((constant + own[f"{block}.B[{angle},y.L1]"] * (x - model.input_location[0])) * matrix) @ h
        return h

    start = np.full(2**q, 2.0 ** (-q / 2))
    state, predicted = start, np.full(60, np.nan)
    first = model.specification.hold_back
    for t in range(1, 60):
        if model.mode == "lag":
            state = start
            for lag in range(min(model.memory, t), 0, -1):
                state = turned(state, f"M{lag}", y[t - lag])
        else:
            for layer in (1, 2):
                state = turned(state, f"layer{layer}", y[t - 1])
        if t >= first:
            weights = np.array([own[f"v[{i}]"] for i in range(1, 2**q + 1)])
            predicted[t] = own["const"] + own["linear.y.L1"] * y[t - 1] + weights @ state
    np.testing.assert_allclose(results.fittedvalues, predicted, rtol=1e-10)


def lie_dimension(matrices):
    """Dimension of the Lie algebra that matrices generate."""
    d = len(matrices[0])
    basis, queue = np.zeros((0, d * d)), list(matrices)

    def grown(basis, matrix):
        v = matrix.ravel() - basis.T @ (basis @ matrix.ravel())
        v = v - basis.T @ (basis @ v)
        size = np.linalg.norm(v)
        new = size > 1e-9 * max(np.linalg.norm(matrix), 1.0)
        return (np.vstack([basis, v / size]) if new else basis), new

    members = []
    while queue:
        basis, new = grown(basis, queue[0] / np.linalg.norm(queue[0]))
        matrix = queue.pop(0)
        if new:
            matrix = basis[-1].reshape(d, d)
            queue += [matrix @ other - other @ matrix for other in members]
            members.append(matrix)
            queue = [m for m in queue if np.linalg.norm(m) > 1e-9]
    return len(basis)


@pytest.mark.parametrize(("q", "site", "uniform"), [(2, 6, 6), (3, 28, 16)])
def test_uniform_couplings_of_three_sites_do_not_reach_every_rotation(q, site, uniform):
    """All rotations of d amplitudes have dimension d (d - 1) / 2, reached by uniform couplings of two sites."""
    known = cell_twin.generators(q)
    families = [sum(known[:q]), sum(known[q : 2 * q - 1]), sum(known[2 * q - 1 :])]
    d = 2**q
    assert (lie_dimension(known), lie_dimension(families)) == (site, uniform) and site == d * (d - 1) // 2


@pytest.mark.parametrize("couplings", ["uniform", "site"])
def test_length_is_kept_and_the_past_recovered(couplings):
    cell, own, rng = streaming(couplings=couplings)
    w, kind, d = cell.weights(own), CELLS[cell.kind], cell.n_outputs
    x, states = rng.normal(size=(1000, 1)), np.empty((1000, d))
    run_inputs(kind, w, 0, cell.shape, cell.numbers, x, 1.0, cell.initial_state, states)
    np.testing.assert_allclose(np.linalg.norm(states, axis=1), 1.0, rtol=0, atol=1e-12)
    back = states[-1].copy()
    for row in x[::-1]:
        pull_back(kind, w, 0, cell.shape, cell.numbers, row, 1.0, states[-1], back, np.zeros(d), np.zeros(1),
                  np.zeros(len(w)))  # fmt: skip
    np.testing.assert_allclose(back, cell.initial_state, rtol=0, atol=1e-10)


@pytest.mark.parametrize("length", [10, 100, 1000, 5000])
def test_gradients_keep_their_size_over_any_length(length):
    cell, own, rng = streaming()
    w, norms = cell.weights(own), np.empty(length + 1)
    sequence_gradient(CELLS[cell.kind], w, 0, cell.shape, cell.numbers, rng.normal(size=(length, 1)), 1.0,
                      cell.initial_state, rng.normal(size=cell.n_outputs), norms, np.zeros(len(w)))  # fmt: skip
    np.testing.assert_allclose(norms / norms[-1], 1.0, rtol=0, atol=1e-9)


@pytest.mark.parametrize("t", [1, 10, 40])
@pytest.mark.parametrize("m", [1, 2])
def test_the_number_of_parameters_is_linear_in_the_memory(t, m):
    y, x = series(), np.random.default_rng(1).normal(size=(120, 1)) if m == 2 else None

    def count(**options):
        names = prt.QUNN(y, x, memory=t, linear_lags=0, trend="c", **options).param_names
        assert len(set(names)) == len(names)
        return len(names) - (m == 2)  # an exogenous column also enters linearly

    for q in (2, 3, 4):
        d, site = 2**q, 3 * q - 2
        assert count(qubits=q) == t * 3 * (1 + m) + d + 1
        assert count(qubits=q, couplings="site") == t * site * (1 + m) + d + 1
        assert count(qubits=q, tie=True) == 3 * (1 + t * m) + d + 1
        assert count(qubits=q, mode="shared", layers=2) == 2 * 3 * (1 + m) + d + 1
        assert count(qubits=q, mode="shared", couplings="site") == site * (1 + m) + d + 1
    assert count(qubits=1) == t * (1 + m) + 2 + 1


def test_the_summary_prints_the_count_and_says_why_angles_have_no_standard_errors():
    results = prt.QUNN(series(), memory=3, qubits=2).fit(n_starts=2)
    text = " ".join(results.summary().as_text().split())
    assert "QUNN(2 qubits), memory 3, uniform" in text
    assert "22 parameters: 3 x 3 x (1 + 1) of the angles (3 memory steps) and 4 output weights" in text
    assert "no standard errors" in text
    known = np.isfinite(results.bse)
    assert known.tolist() == [True, True] + [False] * 22
    with pytest.raises(ValueError, match="covariance"):
        results.get_forecast(2, param_uncertainty=True)


def test_one_site_and_one_memory_step_are_written_in_the_singular():
    text = str(prt.QUNN(series(40), qubits=1, memory=1).fit(penalty=1.0, n_starts=1, maxiter=2).summary())
    assert "QUNN(1 qubit)," in text and "(1 memory step)" in " ".join(text.split())


def test_a_prediction_sees_the_memory_and_nothing_before_it():
    y = series()
    model = prt.QUNN(y, memory=4, linear_lags=0)
    params = 0.4 * np.random.default_rng(0).normal(size=len(model.param_names))
    before = model.path(params).fitted
    changed = y.copy()
    changed[50] += 1.0
    after = model.path(params, changed).fitted
    assert np.flatnonzero(~np.isclose(before, after, rtol=0, atol=1e-12, equal_nan=True)).tolist() == [51, 52, 53, 54]
    assert np.flatnonzero(np.isfinite(before))[0] == model.specification.hold_back == 4


def test_angles_are_measured_from_where_they_were_fitted():
    y = pd.Series(series(), index=pd.period_range("2001-01", periods=120, freq="M"))
    results = prt.QUNN(y[:100], memory=3).fit(n_starts=2)
    other = results.apply(5.0 + y[100:])
    assert other.model.input_location == results.model.input_location == (float(y[:100].mean()),)
    longer = results.append(y[100:])
    np.testing.assert_allclose(longer.fittedvalues.iloc[:100], results.fittedvalues, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"tie": True}, {"mode": "shared"}], ids=str)
def test_fits_do_not_depend_on_units_of_measurement(options):
    y = series()
    plain = prt.QUNN(y, memory=3, qubits=2, **options).fit(n_starts=3, penalty=1.0)
    moved = prt.QUNN(100.0 - 7.0 * y, memory=3, qubits=2, **options).fit(n_starts=3, penalty=1.0)
    scaled = prt.QUNN(100.0 + 7.0 * y, memory=3, qubits=2, **options).fit(n_starts=3, penalty=1.0)
    np.testing.assert_allclose(scaled.fittedvalues, 100.0 + 7.0 * plain.fittedvalues, rtol=1e-5)
    assert len(moved.params) == len(plain.params)


@pytest.mark.slow
def test_it_predicts_a_nonlinear_echo_better_than_an_autoregression():
    """The series of `benchmarks/ode_family_memory.py` with an echo of ten steps."""
    rng = np.random.default_rng(0)
    x = np.zeros(4000)
    for k in range(10, len(x)):
        x[k] = 0.3 * x[k - 1] + 0.9 * np.tanh(1.5 * x[k - 10]) * np.cos(1.5 * x[k - 1]) + 0.3 * rng.normal()
    x = x[500:]
    qunn = prt.QUNN(x[:1500], memory=10, tie=True, linear_lags=0).fit(n_starts=4, maxiter=60)
    linear = prt.ParaRNN(x[:1500], units=(), lags=0, linear_lags=10).fit(penalty=0)
    errors = [np.mean(r.append(x[1500:]).resid[1500:] ** 2) for r in (qunn, linear)]
    assert errors[0] < 0.9 * errors[1] and errors[0] < 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": 0}, r"^memory must be a positive integer"),
        ({"qubits": 13}, r"^qubits must be at most 12"),
        ({"couplings": "dense"}, r"^couplings must be 'uniform' or 'site'"),
        ({"mode": "stream"}, r"^mode must be 'lag' or 'shared'"),
        ({"tie": "yes"}, r"^tie must be True or False"),
        ({"layers": 2}, r"^layers=2 belongs to mode='shared'"),
        ({"input_location": (1.0, 2.0)}, r"^input_location must be 1 finite numbers"),
        ({"hold_back": 3}, r"^hold_back must be at least 10"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_a_sentence(options, message):
    with pytest.raises((TypeError, ValueError), match=message + r".*\.$"):
        prt.QUNN(series(), **options)


def test_pairs_of_sites_are_neighbours():
    known = cell_twin.generators(3)
    fields, right, left = known[:3], known[3:5], known[5:]
    for a, b in combinations(fields, 2):
        np.testing.assert_array_equal(a @ b, b @ a)
    # the two couplings of a pair commute, those of pairs that share a site do not
    np.testing.assert_array_equal(right[0] @ left[0], left[0] @ right[0])
    assert not np.array_equal(right[0] @ right[1], right[1] @ right[0])
