"""
A sum of recurrent units in JAX: lax.scan over time, jitted, starts side by side under vmap.

The parameters are packed as `pararnn_ts` packs them, so that both evaluate the same vector. A vanilla RNN is a single
unit. An optimiser is a pair of functions: the state with which it begins, and one step for all starts at once.
"""

from collections.abc import Callable, Iterator
from itertools import count

import jax
import jax.numpy as jnp
import numpy as np
import optax
from equal_loss import PENALTY, Task
from scipy.optimize import minimize

jax.config.update("jax_enable_x64", True)

# steps in one compiled call
STEPS = {"Adam": 50, "L-BFGS": 10, "Levenberg-Marquardt": 5}


def residuals(theta: jax.Array, units: tuple[int, ...], x: jax.Array, linear: jax.Array, y: jax.Array) -> jax.Array:
    """Residuals of the model; its units, all of the same dimension, advance together."""
    d, n_units, (m, q) = units[0], len(units), (x.shape[1], linear.shape[1])
    w, u, b, v = jnp.split(theta[q:].reshape(n_units, -1), np.cumsum([d * d, d * m, d]), axis=1)
    w, u = w.reshape(n_units, d, d), u.reshape(n_units, d, m)
    driven = jnp.einsum("kim,tm->tki", u, x) + b

    def step(h, z):
        h = jnp.tanh(jnp.sum(w * h[:, None, :], axis=2) + z)
        return h, jnp.sum(v * h)

    _, components = jax.lax.scan(step, jnp.zeros_like(b), driven)
    return y - linear @ theta[:q] - components


def stacked_residuals(task: Task, units: tuple[int, ...], dtype=jnp.float64) -> Callable[[jax.Array], jax.Array]:
    """Return the function of the parameters whose squares add up to T times the loss."""
    x, linear, y = (jnp.asarray(a, dtype) for a in (task.x, task.linear, task.y))
    root = jnp.asarray(np.sqrt(PENALTY) * task.penalised, dtype)
    return lambda theta: jnp.concatenate([residuals(theta, units, x, linear, y), root * theta])


def adam(loss: Callable, rate: float) -> tuple[Callable, Callable]:
    """Adam."""
    optimiser = optax.adam(rate)
    value_and_grad = jax.vmap(jax.value_and_grad(loss))

    def step(theta, state):
        values, gradient = value_and_grad(theta)
        updates, state = optimiser.update(gradient, state)
        return optax.apply_updates(theta, updates), state, values

    return optimiser.init, step


def lbfgs(loss: Callable, optimiser: optax.GradientTransformationExtraArgs) -> tuple[Callable, Callable]:
    """L-BFGS of optax; side by side, a step lasts until the slowest line search has ended."""
    value_and_grad = optax.value_and_grad_from_state(loss)

    def one(theta, state):
        value, gradient = value_and_grad(theta, state=state)
        updates, state = optimiser.update(gradient, state, theta, value=value, grad=gradient, value_fn=loss)
        return optax.apply_updates(theta, updates), state, value

    return jax.vmap(optimiser.init), jax.vmap(one)


def levenberg_marquardt(stacked: Callable, n_obs: int) -> tuple[Callable, Callable]:
    """Levenberg-Marquardt with the Jacobian of forward differentiation: the algorithm of this package in JAX."""
    jacobian = jax.jacfwd(stacked)

    def one(theta, state):
        damping, growth = state
        r, J = stacked(theta), jacobian(theta)
        square, gradient = J.T @ J, J.T @ r
        scale = damping * (jnp.diag(square) + 1e-12)
        move = -jax.scipy.linalg.solve(square + jnp.diag(scale), gradient, assume_a="pos")
        before, after = jnp.sum(r**2), jnp.sum(stacked(theta + move) ** 2)
        gain = (before - after) / jnp.maximum(move @ (scale * move - gradient), 1e-300)
        better = after < before
        shorter = damping * jnp.maximum(1.0 / 3.0, 1.0 - (2.0 * jnp.minimum(gain, 1.0) - 1.0) ** 3)
        state = jnp.where(better, shorter, damping * growth), jnp.where(better, 2.0, 2.0 * growth)
        return jnp.where(better, theta + move, theta), state, jnp.where(better, after, before) / n_obs

    def begin(starts):
        return jnp.full(len(starts), 1e-2), jnp.full(len(starts), 2.0)

    return begin, jax.vmap(one)


def side_by_side(begin: Callable, step: Callable, steps: int, example: jax.Array) -> Callable:
    """Compile some steps of an optimiser for starts of the shape of `example`; return a function of the starts."""

    def body(carry, _):
        theta, state, values = step(*carry)
        return (theta, state), jnp.nanmin(values)

    def chunk(carry):
        return jax.lax.scan(body, carry, length=steps)

    compiled = jax.jit(chunk).lower((example, begin(example))).compile()

    def run(starts: np.ndarray) -> Iterator[np.ndarray]:
        theta = jnp.asarray(starts, example.dtype)
        carry = theta, begin(theta)
        while True:
            carry, losses = compiled(carry)
            yield np.asarray(losses)

    return run


def one_by_one(loss: Callable, example: jax.Array) -> Callable:
    """
    L-BFGS-B of scipy on the jitted gradient, one start after the other: none waits for another's line search.

    After the last start it goes on with their mirror images, and after those with starts that are further away.
    """
    value_and_grad = jax.jit(jax.value_and_grad(loss)).lower(example[0]).compile()

    def run(starts: np.ndarray) -> Iterator[np.ndarray]:
        for number in count():
            start = starts[number % len(starts)] * (-1.1) ** (number // len(starts))
            values = []

            def function(theta, values=values):
                value, gradient = value_and_grad(theta)
                values.append(float(value))
                return values[-1], np.asarray(gradient)

            minimize(function, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
            yield np.array(values)

    return run


def compiled(variant: str, task: Task, units: tuple[int, ...], n_starts: int) -> Callable[[np.ndarray], Iterator]:
    """
    Compile an optimiser.

    Parameters
    ----------
    variant : str
        "Adam, rate 0.03" with any rate, "L-BFGS, zoom", "L-BFGS, backtracking", "L-BFGS of scipy" or
        "Levenberg-Marquardt". Adam runs in single precision, which makes it faster; the others need double.
    task : Task
        The data.
    units : tuple of int
        Dimensions of the units.
    n_starts : int
        Starts that run side by side.

    Returns
    -------
    callable
        Takes starts and gives the losses of chunks of steps.
    """
    kind = variant.split(",")[0]
    dtype = jnp.float32 if kind == "Adam" else jnp.float64
    stacked, n_obs = stacked_residuals(task, units, dtype), len(task.y)
    example = jnp.zeros((n_starts, len(task.penalised)), dtype)

    def loss(theta):
        return jnp.sum(stacked(theta) ** 2) / n_obs

    if variant == "L-BFGS of scipy":
        return one_by_one(loss, example)
    if kind == "Adam":
        optimiser = adam(loss, float(variant.split()[-1]))
    elif kind == "L-BFGS":
        search = optax.scale_by_backtracking_linesearch(max_backtracking_steps=10, store_grad=True)
        optimiser = lbfgs(loss, optax.lbfgs() if variant.endswith("zoom") else optax.lbfgs(linesearch=search))
    else:
        optimiser = levenberg_marquardt(stacked, n_obs)
    return side_by_side(*optimiser, STEPS[kind], example)
