"""
Plane rotations of the QUNN: its evolution, exact and reversible, and the reverse of it.

The state h of q sites is a vector of d = 2^q real amplitudes of length one. Each generator A has A^2 = -1, so that
exp(phi A) = cos(phi) + sin(phi) A turns pairs of amplitudes whose indices differ in one bit, the *target*; where the
generator has a *control* bit, the sense of the turn depends on it. Generators, in the order in which they act: one for
each site (-iY_j = ((0, -1), (1, 0)) on bit j - 1), one for each site and its right neighbour (-iY_j Z_{j+1}), one for
each right neighbour and its site (-iY_{j+1} Z_j), 3q - 2 in all. A rotation by -phi undoes a rotation by phi:
gradients need no stored states.

The update is our construction with the published properties of the QUNN (reversible, preserves norms, parameters linear
in the temporal memory; Niu, Horesh and Chuang 2019, arXiv 1904.12933); the paper's own formula was not available to us.

Weights of each layer or memory step, by generator: a, then B (m numbers); the angle is phi = a + B'x. `shape` is
(d, m, q, number of layers or memory steps); the arrays are those of `cells.advance`.
"""

import math

from pararnn_ts.kernels.jit import jit

__all__ = ["n_generators", "shared_pull_back", "shared_step", "turn", "window_pull_back", "window_step"]


@jit
def n_generators(q):
    """Generators of a chain of `q` sites."""
    return 3 * q - 2


@jit
def _bits(g, q):
    """Target and control bit of a generator; the control is -1 where there is none."""
    if g < q:
        return g, -1
    if g < 2 * q - 1:
        return g - q, g - q + 1
    return g - 2 * q + 2, g - 2 * q + 1


@jit
def turn(h, first, d, q, g, cosine, sine):
    """Rotate the amplitudes h[first : first + d] by exp(phi A_g), given cosine and sine of phi."""
    target, control = _bits(g, q)
    bit = 1 << target
    for u in range(d):
        if u & bit:
            continue
        s = sine
        if control >= 0 and (u >> control) & 1:
            s = -sine
        low, high = h[first + u], h[first + (u | bit)]
        h[first + u] = cosine * low - s * high
        h[first + (u | bit)] = s * low + cosine * high


@jit
def _slope(h, first, bar, at, d, q, g):
    """Derivative with respect to the angle of a generator that has just acted: bar' A_g h."""
    target, control = _bits(g, q)
    bit = 1 << target
    total = 0.0
    for u in range(d):
        if u & bit:
            continue
        v = u | bit
        value = h[first + u] * bar[at + v] - h[first + v] * bar[at + u]
        if control >= 0 and (u >> control) & 1:
            total -= value
        else:
            total += value
    return total


@jit
def _evolve(w, c, d, m, q, x, at, h, first):
    """Let all generators of one layer act, one after the other."""
    last, cosine, sine = 0.0, 1.0, 0.0
    for g in range(n_generators(q)):
        phi = w[c]
        for j in range(m):
            phi += w[c + 1 + j] * x[at + j]
        if phi != last:  # uniform couplings repeat the angle
            last, cosine, sine = phi, math.cos(phi), math.sin(phi)
        turn(h, first, d, q, g, cosine, sine)
        c += 1 + m


@jit
def _undo(w, c, d, m, q, x, at, h, first, bar, x_bar, to, grad):
    """Undo one layer, and carry the adjoint `bar` of its result back with it."""
    last, cosine, sine = 0.0, 1.0, 0.0
    for g in range(n_generators(q) - 1, -1, -1):
        p = c + g * (1 + m)
        slope = _slope(h, first, bar, 0, d, q, g)
        phi = w[p]
        grad[p] += slope
        for j in range(m):
            phi += w[p + 1 + j] * x[at + j]
            grad[p + 1 + j] += slope * x[at + j]
            x_bar[to + j] += slope * w[p + 1 + j]
        if phi != last:
            last, cosine, sine = phi, math.cos(phi), math.sin(phi)
        turn(h, first, d, q, g, cosine, -sine)
        turn(bar, 0, d, q, g, cosine, -sine)


@jit
def shared_step(w, c, shape, x, state, work):
    """Advance the amplitudes by all layers; `work` keeps the new ones."""
    d, m, q, layers = shape[0], shape[1], shape[2], shape[3]
    for layer in range(layers):
        _evolve(w, c + layer * n_generators(q) * (1 + m), d, m, q, x, 0, state, 0)
    for a in range(d):
        work[a] = state[a]


@jit
def shared_pull_back(w, c, shape, x, work, bar, x_bar, grad):
    """Reverse of the step that left its amplitudes in `work`, which become those before it."""
    d, m, q, layers = shape[0], shape[1], shape[2], shape[3]
    for layer in range(layers - 1, -1, -1):
        _undo(w, c + layer * n_generators(q) * (1 + m), d, m, q, x, 0, work, 0, bar, x_bar, 0, grad)


@jit
def window_step(w, c, shape, x, state, work):
    """
    Take in an input and evolve the amplitudes anew through the last `memory` inputs, the oldest first.

    The state is the amplitudes, then the inputs, the oldest first. `work` keeps the amplitudes.
    """
    d, m, q, memory = shape[0], shape[1], shape[2], shape[3]
    for i in range(d, d + (memory - 1) * m):
        state[i] = state[i + m]
    for j in range(m):
        state[d + (memory - 1) * m + j] = x[j]
    start = 1.0 / math.sqrt(d)
    for a in range(d):
        state[a] = start
    size = n_generators(q) * (1 + m)
    for k in range(memory):
        _evolve(w, c + k * size, d, m, q, state, d + k * m, state, 0)
    for a in range(d):
        work[a] = state[a]


@jit
def window_pull_back(w, c, shape, inputs, at, work, bar, x_bar, to, grad):
    """
    Reverse of the evolution through a window that left its amplitudes in `work`.

    Parameters
    ----------
    inputs : ndarray
        Inputs of the window from item `at` on, the oldest first.
    bar : ndarray, (d,)
        Adjoint of the amplitudes; overwritten.
    x_bar : ndarray
        Adjoints of the inputs are added from item `to` on.
    grad : ndarray
        Derivatives with respect to the weights are added to this.
    """
    d, m, q, memory = shape[0], shape[1], shape[2], shape[3]
    size = n_generators(q) * (1 + m)
    for k in range(memory - 1, -1, -1):
        _undo(w, c + k * size, d, m, q, inputs, at + k * m, work, 0, bar, x_bar, to + k * m, grad)
