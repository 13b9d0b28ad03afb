"""Peers evaluate the same loss as this package at the same parameters."""

import equal_loss
import numpy as np
import pytest
from equal_loss import MODELS, PENALTY, SERIES, UNITS, own_starts, task, times_to_reach, usual_starts

jax = pytest.importorskip("jax")
torch = pytest.importorskip("torch")
import peers_jax  # noqa: E402
import peers_torch  # noqa: E402

SHAPES = {"ParaRNN": (UNITS, "sum of nn.RNN"), "ElmanRNN": ((equal_loss.STATES,), "nn.RNN")}


@pytest.fixture(params=SHAPES)
def setting(request):
    model = MODELS[request.param](SERIES["simulated"]())
    theta = usual_starts(model, 7)[0]
    theta[: model.specification.n_linear] = [0.3, -0.2]
    return model, theta, SHAPES[request.param]


def own_value_and_gradient(model, theta):
    problem = model._problem()
    products, penalised = problem.products(theta), problem.group >= 0
    # the last row of the products is J'r, with r the residual and J the derivative of the prediction
    value = products[-1, -1] + PENALTY * np.sum(theta[penalised] ** 2)
    gradient = -2.0 * products[-1, :-1] + 2.0 * PENALTY * penalised * theta
    return value / problem.n_obs, gradient / problem.n_obs


def test_jax_has_the_loss_and_gradient_of_this_package(setting):
    model, theta, (units, _) = setting
    work = task(model)
    stacked = peers_jax.stacked_residuals(work, units)
    value, gradient = jax.value_and_grad(lambda t: (stacked(t) ** 2).sum() / len(work.y))(theta)
    expected = own_value_and_gradient(model, theta)
    assert float(value) == pytest.approx(expected[0], rel=1e-6)
    np.testing.assert_allclose(np.asarray(gradient), expected[1], rtol=1e-6, atol=1e-9)


def test_torch_has_the_loss_and_gradient_of_this_package(setting):
    model, theta, (_, kind) = setting
    work = task(model)
    network = peers_torch.Network(kind, work).double()
    network.load(theta)
    value = peers_torch.objective(network, work, torch.float64)()
    value.backward()
    expected = own_value_and_gradient(model, theta)
    assert value.item() == pytest.approx(expected[0], rel=1e-6)
    np.testing.assert_allclose(network.coefficients.grad.numpy(), expected[1][:2], rtol=1e-6)


def test_the_loss_of_a_fit_is_what_its_optimiser_minimised():
    y = SERIES["laser"]()
    results = equal_loss.fit("ParaRNN", y, 0, 30)
    stacked = peers_jax.stacked_residuals(task(results.model), UNITS)
    theta = results.model._problem().scaling.to_standard(results.params.to_numpy())
    assert equal_loss.loss(results) == pytest.approx(float((stacked(theta) ** 2).sum()) / (len(y) - 1), rel=1e-6)


@pytest.mark.parametrize(
    "variant", ["Adam, rate 0.03", "L-BFGS, backtracking", "L-BFGS of scipy", "Levenberg-Marquardt"]
)
def test_every_optimiser_of_jax_lowers_the_loss(variant):
    model = MODELS["ParaRNN"](SERIES["simulated"]())
    chunks = peers_jax.compiled(variant, task(model), UNITS, 2)(own_starts(model, 0)[:2])
    first = next(chunks)
    assert first[-1] < first[0]
    assert next(chunks)[-1] < first[0]


def test_a_goal_counts_when_the_smallest_loss_so_far_is_below_it():
    chunks = iter([np.array([4.0, 2.0]), np.array([3.0, 1.0]), np.array([0.5])])
    found = times_to_reach(chunks, {"easy": 2.5, "hard": 1.0, "out of reach": 0.1}, 60.0)
    assert found["seconds"]["easy"] <= found["seconds"]["hard"] <= found["spent"]
    assert found["seconds"]["out of reach"] is None
    assert (found["loss"], found["steps"]) == (0.5, 5)
