"""Products, Jacobian rows and paths of a few models, written to the file that the command line names."""

import sys

import cell_twin
import numpy as np
import twin
from test_cells import rows_of as cell_rows_of
from test_recursion import along, sample
from test_sensitivity import rows_of
from test_sparse_network import measurements, network_of
from test_sparse_network import params as sista_params
from test_units import problem, products

from pararnn_ts.estimation.coding import code
from pararnn_ts.estimation.estimate import make_problem
from pararnn_ts.estimation.levenberg_marquardt import Options, minimize
from pararnn_ts.estimation.problem import Sample
from pararnn_ts.estimation.sequences import SequenceLoss
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.kernels import parallel_in_time
from pararnn_ts.kernels.activations import ACTIVATIONS


def everything():
    rng = np.random.default_rng(0)
    found = {}
    for number, (units, activation) in enumerate(
        [((2,), "tanh"), ((1, 3), "logistic"), ((1,), "relu"), ((2,), "identity")]
    ):
        found[f"products{number}"] = products(*problem(units, activation, 35, 2, 2, rng))
    theta, units, activation, *columns = problem((2, 1), "tanh", 35, 2, 2, rng)
    found["parallel_products"], outcome = parallel_in_time.products(
        theta[0], units, ACTIVATIONS[activation], *columns, chunk=4
    )
    found["parallel_iterations"] = outcome.iterations.astype(float)
    found["parallel_states"], _ = parallel_in_time.states(
        theta[0], units, ACTIVATIONS[activation], columns[0], 2, chunk=4, limit=1
    )
    spec = twin.specification((2, 1), "tanh", (1, 2), (1,), 1, 1, (1.0, -1.0))
    params = twin.random_params(spec, rng)
    y, exog, deterministic = sample(spec, 30, rng, 0.2)
    one = np.ones(1 + spec.n_inputs)
    found["rows"] = rows_of(spec, params, y, exog, deterministic, np.ones(30), 0.0 * one, one)
    run = along(spec, params, y, exog, deterministic)
    found.update(fitted=run.fitted, states=run.states)
    for kind in ("order 2, 4 stages", "symplectic", "lstm", "qunn", "qunn, shared, site"):
        spec = cell_twin.specification(kind, (1,), (1,), 1, 1)
        params = cell_twin.random_params(spec, rng)
        y, exog, deterministic = sample(spec, 16, rng, 0.2)
        one = np.ones(1 + spec.n_inputs)
        found[kind] = cell_rows_of(spec, params, y, exog, deterministic, np.full(16, 0.4), np.zeros(spec.n_inputs),
                                   np.ones(16), 0.0 * one, one, np.ones(1))  # fmt: skip
    spec = twin.specification((1,), "tanh", (1,), (1,), 1, 0)
    y, exog, _ = sample(spec, 40, rng)
    weight = np.ones(40)
    weight[0] = 0.0
    small = make_problem(spec, Sample(y, exog, np.ones((40, 1)), weight), np.ones(1))
    solutions = minimize(small, random_starts(spec, 3, rng), Options(maxiter=3))
    found.update(params=solutions.params, log_evidence=solutions.log_evidence, alpha=solutions.alpha)
    panel = measurements(4, rng, 0.2)
    y = rng.normal(size=(len(panel.x), 6))
    for kind in ("tied", "generic"):
        network, wiring = network_of(kind, 4, 6, 9, 2, rng)
        loss, gradient = SequenceLoss(panel, y).gradient(network, wiring, np.arange(3))
        found[f"{kind}_loss"] = np.array(loss)
        found.update({f"{kind}_{name}": value for name, value in gradient._asdict().items() if value.size})
    found["codes"] = code(sista_params(4, 6, 9, rng), panel, 0.0, 4).codes
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **everything())
