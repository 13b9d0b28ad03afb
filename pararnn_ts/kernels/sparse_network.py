"""
Stacked recurrent networks with soft-threshold units, forward and back through time.

Layer k of K at time t, with soft(z, b) = sign(z) max(|z| - b, 0), is

    z_t^k = scale_w W_w s_w + S_k h_t^(k-1) + V_k x_t,        h_t^k = soft(z_t^k, threshold_k),

where s_w is the state at t-1 of the layer that feeds W_w: the top layer in the unfolded sequential sparse coding
(Wisdom et al. 2016, arXiv 1611.07252), the layer itself in the usual stacked network. The output is R h_t^K + c. Layers
may share matrices (:class:`Wiring`), whose products are then formed once.

Codes are sparse: a product with a code, and every derivative that has passed a threshold, visits the active atoms only.
Products with the inputs are formed for all times at once. Where sensors are absent, the gradient step of the
iteration leaves them out: with G the dictionary as seen by the sensors and b the step, the layer adds
b sum_i G_i (G_i h) over the absent sensors i, h being what the layer starts from.

A :class:`Network` holds weights; its gradient is a `Network`, too.
"""

from typing import NamedTuple

import numpy as np

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.lanes import LANES, load, store
from pararnn_ts.kernels.sparse_vectors import add_outer, add_product, add_scaled, clear, dot, find_active, soft

__all__ = [
    "Network",
    "Sequences",
    "Wiring",
    "run_network",
    "sum_gradients",
]


class Network(NamedTuple):
    """
    Weights of a network with H units in each of K layers, M inputs and Q outputs; or derivatives by them.

    Attributes
    ----------
    recurrent : ndarray, (w, H, H)
        Distinct matrices W.
    scale : ndarray, (w,)
        Their factors.
    stacked : ndarray, (s, H, H)
        Distinct matrices S.
    input : ndarray, (v, H, M)
        Distinct matrices V.
    threshold : ndarray, (K, H)
        Thresholds; a negative one expands.
    output : ndarray, (Q, H)
        R.
    bias : ndarray, (Q,)
        c.
    state : ndarray, (K, H)
        States before the first observation.
    sensing : ndarray, (M, H)
        G; without rows where absent inputs count as zero.
    step : ndarray, (1,)
        b.
    """

    recurrent: np.ndarray
    scale: np.ndarray
    stacked: np.ndarray
    input: np.ndarray
    threshold: np.ndarray
    output: np.ndarray
    bias: np.ndarray
    state: np.ndarray
    sensing: np.ndarray
    step: np.ndarray


class Wiring(NamedTuple):
    """
    Which matrix serves which layer.

    Attributes
    ----------
    recurrent, stacked, input : ndarray of int, (K,)
        Matrix of each layer; -1: none.
    source : ndarray of int, (w,)
        Layer whose state at t-1 feeds each recurrent matrix.
    warm : ndarray of int, (1,)
        Recurrent matrix whose unscaled product the first layer starts from, for the correction of absent sensors.
    """

    recurrent: np.ndarray
    stacked: np.ndarray
    input: np.ndarray
    source: np.ndarray
    warm: np.ndarray


class Sequences(NamedTuple):
    """
    Observed sequences, one after the other.

    Attributes
    ----------
    offsets : ndarray of int, (n + 1,)
        Row at which each sequence starts, and the end.
    x : ndarray, (rows, M)
        Inputs, zero where absent.
    absent : ndarray of bool, (rows, M)
        Absent inputs.
    gaps : ndarray of int, (rows,)
        Number of absent inputs in each row.
    y : ndarray, (rows, Q)
        What the output is held against.
    weight : ndarray, (rows, Q)
        Weight of each squared error.
    """

    offsets: np.ndarray
    x: np.ndarray
    absent: np.ndarray
    gaps: np.ndarray
    y: np.ndarray
    weight: np.ndarray


@jit
def _forward(network, recurrent_t, stacked_t, wiring, projected, absent, gaps, first, rows, codes, products, active,
             counts, z):  # fmt: skip
    """
    Codes of one sequence of `rows` observations, the first of which is row `first` of the data.

    All arrays of numbers are flat. Row 0 of `codes` (rows + 1, K, H), `active` and `counts` holds the states before the
    sequence; `projected` (v, rows, H) the products with its inputs. Fills the other rows and `products` (rows, w, H),
    those of the recurrent matrices.
    """
    n_layers, h = network.threshold.shape
    n, n_recurrent, n_sensors = h // LANES, network.recurrent.shape[0], network.sensing.shape[0]
    lane = np.empty(LANES)
    threshold, sensing = network.threshold.reshape(-1), network.sensing.reshape(-1)
    for t in range(rows):
        before = t * n_layers
        now = before + n_layers
        for w in range(n_recurrent):
            at, s = (t * n_recurrent + w) * h, before + wiring.source[w]
            clear(products, at // LANES, n)
            add_product(products, at // LANES, codes, s * h, active, s * h, counts[s], recurrent_t, w * h * n, n)
        for k in range(n_layers):
            w, v, s = wiring.recurrent[k], wiring.input[k], wiring.stacked[k]
            clear(z, 0, n)
            add_scaled(z, 0, network.scale[w], products, (t * n_recurrent + w) * n, n)
            if v >= 0:
                add_scaled(z, 0, 1.0, projected, (v * rows + t) * n, n)
            below = (now + k - 1) * h
            if s >= 0:
                add_product(z, 0, codes, below, active, below, counts[now + k - 1], stacked_t, s * h * n, n)
            if n_sensors > 0 and gaps[first + t] > 0:
                at = (t * n_recurrent + wiring.warm[0]) * h
                for m in range(n_sensors):
                    if absent[first + t, m]:
                        seen = (
                            dot(sensing, m * n, products, at // LANES, n, lane)
                            if k == 0
                            else dot(sensing, m * n, codes, below // LANES, n, lane)
                        )
                        add_scaled(z, 0, network.step[0] * seen, sensing, m * n, n)
            here = (now + k) * h
            soft(z, threshold, k * n, codes, here // LANES, n)
            counts[now + k] = find_active(codes, here, h, active, here)


@jit
def _project(network, x, rows, projected):
    """Products of the input matrices with the inputs of one sequence."""
    h = network.threshold.shape[1]
    for v in range(network.input.shape[0]):
        projected[v * rows * h : (v + 1) * rows * h] = np.dot(x, network.input[v].T).reshape(-1)


@jit
def _begin(state, codes, active, counts):
    """Write the states before a sequence."""
    n_layers, h = state.shape
    for k in range(n_layers):
        for i in range(h):
            codes[k * h + i] = state[k, i]
        counts[k] = find_active(codes, k * h, h, active, k * h)


@jit
def run_network(network, recurrent_t, stacked_t, wiring, offsets, x, absent, gaps, first, last, states, codes):
    """
    Codes of the top layer.

    Parameters
    ----------
    network : Network
        Weights; H is a multiple of `LANES`.
    recurrent_t, stacked_t : ndarray
        Its recurrent and stacked matrices, transposed and flat.
    wiring : Wiring
        Which matrix serves which layer.
    offsets, x, absent, gaps
        See :class:`Sequences`.
    first, last : int
        Sequences to run.
    states : ndarray, (n or 1, K, H)
        States before the first observation of each sequence, or of all.
    codes : ndarray, (rows, H)
        Receives the codes.
    """
    n_layers, h = network.threshold.shape
    n_recurrent, n_input = network.recurrent.shape[0], network.input.shape[0]
    longest = 0
    for n in range(first, last):
        longest = max(longest, offsets[n + 1] - offsets[n])
    own = np.empty((longest + 1) * n_layers * h)
    active = np.empty((longest + 1) * n_layers * h, dtype=np.int64)
    counts = np.empty((longest + 1) * n_layers, dtype=np.int64)
    products = np.empty(longest * n_recurrent * h)
    projected = np.empty(longest * n_input * h)
    z = np.empty(h)
    for n in range(first, last):
        begin, end = offsets[n], offsets[n + 1]
        _begin(states[n if states.shape[0] > 1 else 0], own, active, counts)
        _project(network, x[begin:end], end - begin, projected)
        _forward(network, recurrent_t, stacked_t, wiring, projected, absent, gaps, begin, end - begin, own, products,
                 active, counts, z)  # fmt: skip
        for t in range(end - begin):
            at = ((t + 2) * n_layers - 1) * h
            codes[begin + t] = own[at : at + h]


@jit
def _sum_errors(network, output_t, y, weight, begin, rows, codes, active, counts, errors, losses, by_bias, by_output):
    """
    Add the weighted squared errors of one sequence to `losses`, and their derivatives to those by bias and output.

    Fills `errors` (rows, Q) with the derivatives by the outputs. The first row of the sequence is row `begin` of the
    data; its codes are those of :func:`_forward`.
    """
    n_layers, h = network.threshold.shape
    n_q = network.output.shape[0] // LANES
    for t in range(rows):
        at, top = t * n_q, (t + 2) * n_layers - 1
        clear(errors, at, n_q)
        add_scaled(errors, at, 1.0, network.bias, 0, n_q)
        add_product(errors, at, codes, top * h, active, top * h, counts[top], output_t, 0, n_q)
        for q in range(n_q):
            off = load(errors, at + q) - load(y, (begin + t) * n_q + q)
            weighted = load(weight, (begin + t) * n_q + q) * off
            store(losses, 0, load(losses, 0) + weighted * off)
            store(errors, at + q, 2.0 * weighted)
        add_scaled(by_bias, 0, 1.0, errors, at, n_q)
        add_outer(by_output, 0, codes, top * h, active, top * h, counts[top], errors, at, n_q)


@jit
def sum_gradients(network, recurrent_t, stacked_t, output_t, wiring, sequences, chosen, gradient):
    """
    Sum of weighted squared errors over chosen sequences, and its derivatives.

    Parameters
    ----------
    network : Network
        Weights; H is a multiple of `LANES`, and so is the number of rows of the output matrix, those beyond Q zero.
    recurrent_t, stacked_t, output_t : ndarray
        Its recurrent, stacked and output matrices, transposed and flat.
    wiring : Wiring
        Which matrix serves which layer.
    sequences : Sequences
        Data.
    chosen : ndarray of int
        Sequences to sum over.
    gradient : Network
        The derivatives are added to what it holds.

    Returns
    -------
    float
        Sum of squared errors.
    """
    n_layers, h = network.threshold.shape
    n_recurrent, n_input, n_sensors = network.recurrent.shape[0], network.input.shape[0], network.sensing.shape[0]
    n_out, n, step, warm = network.output.shape[0], h // LANES, network.step[0], wiring.warm[0]
    n_q = n_out // LANES
    recurrent, stacked = network.recurrent.reshape(-1), network.stacked.reshape(-1)
    sensing = network.sensing.reshape(-1)
    by_recurrent, by_stacked = gradient.recurrent.reshape(-1), gradient.stacked.reshape(-1)
    by_threshold, by_sensing = gradient.threshold.reshape(-1), gradient.sensing.reshape(-1)
    y, weight = sequences.y.reshape(-1), sequences.weight.reshape(-1)
    longest = 0
    for s in chosen:
        longest = max(longest, sequences.offsets[s + 1] - sequences.offsets[s])
    codes = np.empty((longest + 1) * n_layers * h)
    active = np.empty((longest + 1) * n_layers * h, dtype=np.int64)
    counts = np.empty((longest + 1) * n_layers, dtype=np.int64)
    products = np.empty(longest * n_recurrent * h)
    projected = np.empty(longest * n_input * h)
    returned = np.empty(longest * n_input * h)
    errors = np.empty(longest * n_out)
    by_output = np.zeros(h * n_out)
    into = np.empty(n_layers * h)  # derivatives by the states, from the future
    through = np.empty(n_recurrent * h)  # by the scaled products of the recurrent matrices
    start, z, d = np.empty(h), np.empty(h), np.empty(2 * h)
    some = np.empty(h, dtype=np.int64)
    losses, lane = np.zeros(LANES), np.empty(LANES)
    for sequence in chosen:
        begin = sequences.offsets[sequence]
        rows = sequences.offsets[sequence + 1] - begin
        x = sequences.x[begin : begin + rows]
        _begin(network.state, codes, active, counts)
        _project(network, x, rows, projected)
        _forward(network, recurrent_t, stacked_t, wiring, projected, sequences.absent, sequences.gaps, begin, rows,
                 codes, products, active, counts, z)  # fmt: skip
        _sum_errors(network, output_t, y, weight, begin, rows, codes, active, counts, errors, losses, gradient.bias,
                    by_output)  # fmt: skip
        clear(returned, 0, rows * n_input * n)
        clear(into, 0, n_layers * n)
        # back through time
        for t in range(rows - 1, -1, -1):
            missing = n_sensors > 0 and sequences.gaps[begin + t] > 0
            clear(through, 0, n_recurrent * n)
            clear(start, 0, n)
            now, other = 0, h
            # derivatives pass where the code is not zero
            top = (t + 2) * n_layers - 1
            for a in range(top * h, top * h + counts[top]):
                d[other + active[a]] = dot(errors, t * n_q, output_t, active[a] * n_q, n_q, lane)
            for k in range(n_layers - 1, -1, -1):
                w, v, s = wiring.recurrent[k] * h, wiring.input[k], wiring.stacked[k]
                row = (t + 1) * n_layers + k
                here, below, count = row * h, (row - 1) * h, counts[row]
                clear(d, now // LANES, n)
                for a in range(here, here + count):
                    i = active[a]
                    slope = d[other + i] + into[k * h + i]
                    d[now + i] = slope
                    through[w + i] += slope
                    by_threshold[k * h + i] -= slope if codes[here + i] > 0.0 else -slope
                    if v >= 0:
                        returned[(v * rows + t) * h + i] += slope
                clear(d, other // LANES, n)
                if s >= 0:
                    add_outer(by_stacked, s * h * n, d, now, active, here, count, codes, below // LANES, n)
                    add_product(d, other // LANES, d, now, active, here, count, stacked, s * h * n, n)
                if missing:
                    # an absent input is replaced by what the warm start says of it, or the layer below
                    before, at = (products, t * n_recurrent + warm) if k == 0 else (codes, row - 1)
                    to, place = (start, 0) if k == 0 else (d, other // LANES)
                    for m in range(n_sensors):
                        if sequences.absent[begin + t, m]:
                            back = dot(sensing, m * n, d, now // LANES, n, lane)
                            seen = dot(sensing, m * n, before, at * n, n, lane)
                            add_scaled(by_sensing, m * n, step * back, before, at * n, n)
                            add_scaled(to, place, step * back, sensing, m * n, n)
                            add_scaled(by_sensing, m * n, step * seen, d, now // LANES, n)
                            gradient.step[0] += seen * back
            clear(into, 0, n_layers * n)
            for w in range(n_recurrent):
                at, source = (t * n_recurrent + w) * h, t * n_layers + wiring.source[w]
                count = find_active(through, w * h, h, some, 0)
                for a in range(count):
                    gradient.scale[w] += through[w * h + some[a]] * products[at + some[a]]
                    through[w * h + some[a]] *= network.scale[w]
                if missing and w == warm:
                    add_scaled(through, w * n, 1.0, start, 0, n)
                    count = find_active(through, w * h, h, some, 0)
                add_outer(by_recurrent, w * h * n, through, w * h, some, 0, count, codes, source * n, n)
                add_product(into, wiring.source[w] * n, through, w * h, some, 0, count, recurrent, w * h * n, n)
        for k in range(n_layers):
            for i in range(h):
                gradient.state[k, i] += into[k * h + i]
        for v in range(n_input):
            back_t = np.ascontiguousarray(returned[v * rows * h : (v + 1) * rows * h].reshape(rows, h).T)
            gradient.input[v] += np.dot(back_t, x)
    for q in range(n_out):
        for i in range(h):
            gradient.output[q, i] += by_output[i * n_out + q]
    return losses.sum()
