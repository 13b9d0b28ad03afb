"""
The kernels of :mod:`pararnn_ts.kernels.parallel_in_time` for CUDA: a thread is a chunk of one unit at one start.

A *sequence* is a unit at a start. Rows are stored by their place in the chunk, then by chunk: row t = c * chunk + j is
at position j * C + c, so that threads side by side, which are chunks side by side, read and write side by side. The
rows that fill up the last chunk have weight zero.
"""

# types of numba.cuda are those of the host
# mypy: disable-error-code="operator,var-annotated"

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from pararnn_ts.kernels.cuda.target import compiled_kernel, on_device
from pararnn_ts.kernels.parallel_in_time import GROUPS, add_sensitivity, is_finite, push, state_weights, step, times
from pararnn_ts.kernels.units import unit_size

__all__ = [
    "EACH",
    "TILE",
    "ProductKernels",
    "ScanKernels",
    "UnitKernels",
    "compiled_product_kernels",
    "compiled_scan_kernels",
    "compiled_unit_kernels",
    "product_kernels",
    "scan_kernels",
    "unit_kernels",
]

# order of the square of products that a block of threads forms, products in each direction for a thread, and positions
# that are in shared memory at a time
TILE = 32
EACH = 4
DEPTH = 16


class UnitKernels(NamedTuple):
    """Kernels of one kind of unit, see :func:`unit_kernels`."""

    shoot: Any
    run_sequentially: Any
    fill_states: Any
    find_sensitivities: Any
    fill_columns: Any


class ScanKernels(NamedTuple):
    """Kernels of the affine recurrence over chunks, see :func:`scan_kernels`."""

    scan: Any
    correct: Any


class ProductKernels(NamedTuple):
    """Kernels of the normal equations, see :func:`product_kernels`."""

    finish_rows: Any
    multiply: Any
    collect: Any


def _take_weights(theta, firsts, s, weights):
    """Copy the weights of a sequence's unit to where a thread keeps them."""
    lane, first = s // firsts.shape[0], firsts[s % firsts.shape[0]]
    for i in range(weights.shape[0]):
        weights[i] = theta[lane, first + i]


def unit_kernels(d: int, m: int, activation: int) -> UnitKernels:
    """
    Kernels of units of dimension `d` with `m` inputs, as plain functions.

    Sizes are constants of the source, so that loops are unrolled and what a thread keeps stays in registers.

    Notes
    -----
    Arguments: `theta` (lanes, P), `firsts` (K,) the first weight of each unit, `x` (m, chunk * C), `running` (S,) the
    sequences that take part, `starts`, `ends` (S, d, C), `slopes` (S, d * d, C), `offsets` (S, d, C) and
    `sensitivities` (S, count * d, C), with S = lanes * K sequences and count = d * d + d * m + d.
    """
    built: dict[Callable, Callable] = {}
    return UnitKernels(*_state_kernels(d, m, activation, built), *_sensitivity_kernels(d, m, activation, built))


def _state_kernels(d: int, m: int, activation: int, built: dict[Callable, Callable]) -> tuple[Callable, ...]:
    """Kernels that find the states: `shoot`, `run_sequentially` and `fill_states` of :func:`unit_kernels`."""
    advance, multiply = on_device(step, built=built), on_device(push, built=built)
    finite, take = on_device(is_finite, built=built), on_device(_take_weights, built=built)
    # shapes of local arrays are names, not expressions
    size, square = unit_size(d, m), d * d

    def shoot(theta, firsts, x, chunk, iteration, running, starts, ends, slopes, offsets, mismatch):
        c, s = cuda.grid(1), cuda.blockIdx.y
        chunks = starts.shape[2]
        if c >= chunks or not running[s]:
            return
        weights, columns = cuda.local.array(size, np.float64), cuda.local.array(square, np.float64)
        state, new = cuda.local.array(d, np.float64), cuda.local.array(d, np.float64)
        slope, scratch = cuda.local.array(d, np.float64), cuda.local.array(d, np.float64)
        take(theta, firsts, s, weights)
        # the first guess is zero everywhere
        for i in range(d):
            if iteration == 0:
                starts[s, i, c] = 0.0
                state[i] = 0.0
            else:
                state[i] = starts[s, i, c]
        for i in range(d * d):
            columns[i] = 1.0 if i % (d + 1) == 0 else 0.0
        for j in range(chunk):
            advance(weights, 0, d, m, activation, x, j * chunks + c, state, new, slope)
            for i in range(d):
                multiply(weights, 0, d, slope, columns, i * d, scratch)
            for i in range(d):
                state[i] = new[i]
        worst = 0.0
        for i in range(d):
            ends[s, i, c] = state[i]
            offset = 0.0
            if c + 1 < chunks:
                gap = state[i] - (starts[s, i, c + 1] if iteration > 0 else 0.0)
                ratio = abs(gap) / max(1.0, abs(state[i]))
                worst = max(worst, ratio) if finite(ratio) else np.inf
                offset = gap if finite(gap) else 0.0
            offsets[s, i, c] = offset
            for j in range(d):
                slopes[s, i * d + j, c] = columns[j * d + i]
        cuda.atomic.max(mismatch, s, worst)

    def run_sequentially(theta, firsts, x, chunk, running, starts):
        s = cuda.grid(1)
        chunks = starts.shape[2]
        if s >= starts.shape[0] or not running[s]:
            return
        weights = cuda.local.array(size, np.float64)
        state, new = cuda.local.array(d, np.float64), cuda.local.array(d, np.float64)
        slope = cuda.local.array(d, np.float64)
        take(theta, firsts, s, weights)
        for i in range(d):
            state[i] = 0.0
        for c in range(chunks):
            for i in range(d):
                starts[s, i, c] = state[i]
            for j in range(chunk):
                advance(weights, 0, d, m, activation, x, j * chunks + c, state, new, slope)
                for i in range(d):
                    state[i] = new[i]

    def fill_states(theta, firsts, x, chunk, starts, states):
        c, s = cuda.grid(1), cuda.blockIdx.y
        chunks = starts.shape[2]
        if c >= chunks:
            return
        weights = cuda.local.array(size, np.float64)
        state, new = cuda.local.array(d, np.float64), cuda.local.array(d, np.float64)
        slope = cuda.local.array(d, np.float64)
        take(theta, firsts, s, weights)
        for i in range(d):
            state[i] = starts[s, i, c]
        for j in range(chunk):
            advance(weights, 0, d, m, activation, x, j * chunks + c, state, new, slope)
            for i in range(d):
                state[i] = new[i]
                states[s, i, j * chunks + c] = new[i]

    return shoot, run_sequentially, fill_states


def _sensitivity_kernels(d: int, m: int, activation: int, built: dict[Callable, Callable]) -> tuple[Callable, ...]:
    """Kernels that find the Jacobian: `find_sensitivities` and `fill_columns` of :func:`unit_kernels`."""
    advance, multiply = on_device(step, built=built), on_device(push, built=built)
    sensitise, take = on_device(add_sensitivity, built=built), on_device(_take_weights, built=built)
    size, count = unit_size(d, m), state_weights(d, m)
    held = (count + d) * d

    def find_sensitivities(theta, firsts, x, chunk, starts, slopes, sensitivities):
        c, s = cuda.grid(1), cuda.blockIdx.y
        chunks = starts.shape[2]
        if c >= chunks:
            return
        weights, vectors = cuda.local.array(size, np.float64), cuda.local.array(held, np.float64)
        state, new = cuda.local.array(d, np.float64), cuda.local.array(d, np.float64)
        slope, scratch = cuda.local.array(d, np.float64), cuda.local.array(d, np.float64)
        take(theta, firsts, s, weights)
        for i in range(d):
            state[i] = starts[s, i, c]
        # the derivative by the state before the chunk follows those by the weights
        for i in range(held):
            vectors[i] = 1.0 if i >= count * d and (i - count * d) % (d + 1) == 0 else 0.0
        for j in range(chunk):
            advance(weights, 0, d, m, activation, x, j * chunks + c, state, new, slope)
            sensitise(weights, 0, d, m, slope, state, x, j * chunks + c, vectors, scratch)
            for i in range(d):
                multiply(weights, 0, d, slope, vectors, (count + i) * d, scratch)
            for i in range(d):
                state[i] = new[i]
        for i in range(count * d):
            sensitivities[s, i, c] = vectors[i]
        for i in range(d):
            for j in range(d):
                slopes[s, i * d + j, c] = vectors[(count + j) * d + i]

    def fill_columns(theta, firsts, x, first, last, states, sensitivities, weight, jacobian):
        c, s = cuda.grid(1), cuda.blockIdx.y
        chunks = states.shape[2]
        if c >= chunks:
            return
        weights, vectors = cuda.local.array(size, np.float64), cuda.local.array(held, np.float64)
        state, new = cuda.local.array(d, np.float64), cuda.local.array(d, np.float64)
        slope, scratch = cuda.local.array(d, np.float64), cuda.local.array(d, np.float64)
        lane, p = s // firsts.shape[0], firsts[s % firsts.shape[0]]
        take(theta, firsts, s, weights)
        for i in range(d):
            state[i] = states[s, i, c]
        for i in range(count * d):
            vectors[i] = sensitivities[s, i, c]
        for j in range(first, last):
            at = j * chunks + c
            advance(weights, 0, d, m, activation, x, at, state, new, slope)
            sensitise(weights, 0, d, m, slope, state, x, at, vectors, scratch)
            root, out = weight[at], at - first * chunks
            for k in range(count):
                total = 0.0
                for i in range(d):
                    total += weights[count + i] * vectors[k * d + i]
                # a row that does not count may hold anything
                jacobian[lane, p + k, out] = root * total if root != 0.0 else 0.0
            for i in range(d):
                state[i] = new[i]
                jacobian[lane, p + count + i, out] = root * new[i] if root != 0.0 else 0.0
        for i in range(d):
            states[s, i, c] = state[i]
        for i in range(count * d):
            sensitivities[s, i, c] = vectors[i]

    return find_sensitivities, fill_columns


def scan_kernels(d: int, groups: int = GROUPS) -> ScanKernels:
    """
    Kernels of the affine recurrence over chunks for vectors of length `d`, as plain functions.

    Notes
    -----
    `scan` solves value[c + 1] = slope[c] value[c] + offset[c], value[0] = 0, where `values` (S, V * d, C) holds offsets
    and receives values; a block of `groups` threads for each of the V vectors of a sequence. `correct` moves the starts
    of chunks by what the scan found.
    """
    built: dict[Callable, Callable] = {}
    square, held = d * d, (d + 1) * d
    product, finite = on_device(times, built=built), on_device(is_finite, built=built)

    def scan(running, slopes, values):
        s, v, g = cuda.blockIdx.x, cuda.blockIdx.y * d, cuda.threadIdx.x
        if not running[s]:
            return
        chunks = values.shape[2]
        size = (chunks + groups - 1) // groups
        first, last = g * size, min((g + 1) * size, chunks - 1)
        slope = cuda.shared.array((groups, square), np.float64)
        offset = cuda.shared.array((groups, d), np.float64)
        # what the group makes of a state: the columns of its matrix, and then its vector
        own, scratch = cuda.local.array(held, np.float64), cuda.local.array(d, np.float64)
        for i in range((d + 1) * d):
            own[i] = 1.0 if i < d * d and i % (d + 1) == 0 else 0.0
        for c in range(first, last):
            for j in range(d + 1):
                for i in range(d):
                    total = values[s, v + i, c] if j == d else 0.0
                    for k in range(d):
                        total += product(slopes[s, i * d + k, c], own[j * d + k])
                    scratch[i] = total
                for i in range(d):
                    own[j * d + i] = scratch[i]
        for i in range(d):
            offset[g, i] = own[d * d + i]
            for j in range(d):
                slope[g, i * d + j] = own[j * d + i]
        cuda.syncthreads()
        if g == 0:
            # the state before each group replaces its vector
            for i in range(d):
                own[i] = 0.0
            for group in range(groups):
                for i in range(d):
                    total = offset[group, i]
                    for k in range(d):
                        total += product(slope[group, i * d + k], own[k])
                    scratch[i] = total
                for i in range(d):
                    offset[group, i] = own[i]
                    own[i] = scratch[i]
        cuda.syncthreads()
        for i in range(d):
            own[i] = offset[g, i]
        for c in range(first, min((g + 1) * size, chunks)):
            for i in range(d):
                total = values[s, v + i, c]
                for k in range(d):
                    total += product(slopes[s, i * d + k, c], own[k])
                scratch[i] = total
            for i in range(d):
                values[s, v + i, c] = own[i]
                own[i] = scratch[i]

    def correct(running, ends, slopes, values, starts):
        c, s = cuda.grid(1), cuda.blockIdx.y
        if c + 1 >= starts.shape[2] or not running[s]:
            return
        for i in range(d):
            end = ends[s, i, c]
            total = end
            for k in range(d):
                total += product(slopes[s, i * d + k, c], values[s, k, c])
            if not finite(total):
                total = end if finite(end) else 0.0
            starts[s, i, c + 1] = total

    return ScanKernels(scan, correct)


def product_kernels() -> ProductKernels:
    """
    Kernels of the normal equations, as plain functions.

    Notes
    -----
    `finish_rows` fills the linear columns and the residual of a block of the Jacobian (lanes, P + 1, positions), whose
    columns `outputs` enter linearly, too. `multiply` forms its products in `parts` (lanes, splits, P + 1, P + 1), of
    which `collect` adds up the splits, beginning anew where `first`, the place of the block in the chunks, is zero.
    """
    wide, several = DEPTH + 1, EACH * EACH

    def finish_rows(theta, linear, outputs, target, weight, first, jacobian):
        at, lane = cuda.grid(1), cuda.blockIdx.y
        if at >= jacobian.shape[2]:
            return
        root = weight[first + at]
        total = 0.0
        for i in range(linear.shape[0]):
            value = root * linear[i, first + at] if root != 0.0 else 0.0
            jacobian[lane, i, at] = value
            total += theta[lane, i] * value
        for i in range(outputs.shape[0]):
            total += theta[lane, outputs[i]] * jacobian[lane, outputs[i], at]
        jacobian[lane, jacobian.shape[1] - 1, at] = root * target[first + at] - total if root != 0.0 else 0.0

    def multiply(jacobian, parts):
        columns, positions, splits = jacobian.shape[1], jacobian.shape[2], parts.shape[1]
        tile, split, lane = cuda.blockIdx.x, cuda.blockIdx.y, cuda.blockIdx.z
        # blocks are numbered along the rows of the lower triangle of tiles
        row = 0
        while (row + 1) * (row + 2) // 2 <= tile:
            row += 1
        low, high = (tile - row * (row + 1) // 2) * TILE, row * TILE
        share = (positions + splits - 1) // splits
        last = min((split + 1) * share, positions)
        x, y, side = cuda.threadIdx.x, cuda.threadIdx.y, TILE // EACH
        left = cuda.shared.array((TILE, wide), np.float64)
        right = cuda.shared.array((TILE, wide), np.float64)
        sums = cuda.local.array(several, np.float64)
        for i in range(EACH * EACH):
            sums[i] = 0.0
        for begin in range(split * share, last, DEPTH):
            for k in range(y * side + x, TILE * DEPTH, side * side):
                column, depth = k // DEPTH, k % DEPTH
                at = begin + depth
                left[column, depth] = (
                    jacobian[lane, high + column, at] if at < last and high + column < columns else 0.0
                )
                right[column, depth] = jacobian[lane, low + column, at] if at < last and low + column < columns else 0.0
            cuda.syncthreads()
            for depth in range(DEPTH):
                for i in range(EACH):
                    value = left[y + i * side, depth]
                    for j in range(EACH):
                        sums[i * EACH + j] += value * right[x + j * side, depth]
            cuda.syncthreads()
        for i in range(EACH):
            for j in range(EACH):
                if high + y + i * side < columns and low + x + j * side < columns:
                    parts[lane, split, high + y + i * side, low + x + j * side] = sums[i * EACH + j]

    def collect(parts, first, gram):
        at, lane = cuda.grid(1), cuda.blockIdx.y
        columns = gram.shape[1]
        i, j = at // columns, at % columns
        if i >= columns or j > i:
            return
        total = gram[lane, i, j] if first > 0 else 0.0
        for split in range(parts.shape[1]):
            total += parts[lane, split, i, j]
        gram[lane, i, j] = total

    return ProductKernels(finish_rows, multiply, collect)


@cache
def compiled_unit_kernels(d: int, m: int, activation: int) -> UnitKernels:
    """Kernels of :func:`unit_kernels` for the present device; those of one kind of unit are made once."""
    return UnitKernels(*(compiled_kernel(kernel) for kernel in unit_kernels(d, m, activation)))


@cache
def compiled_scan_kernels(d: int, groups: int) -> ScanKernels:
    """Kernels of :func:`scan_kernels` for the present device."""
    return ScanKernels(*(compiled_kernel(kernel) for kernel in scan_kernels(d, groups)))


@cache
def compiled_product_kernels() -> ProductKernels:
    """Kernels of :func:`product_kernels` for the present device."""
    return ProductKernels(*(compiled_kernel(kernel) for kernel in product_kernels()))
