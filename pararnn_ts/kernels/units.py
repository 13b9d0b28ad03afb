"""
One pass over the data: predictions, their exact Jacobian and the normal equations, a vector of starts at a time.

The units do not see each other, so the sensitivities of a unit's state with respect to its own weights follow from a
forward recursion (design of the method: Cai, Li, Huang and Li 2026, arXiv 2605.02692; forward sensitivities: Williams
and Zipser 1989). With z_t = W h_{t-1} + U x_t + b, h_t = act(z_t) and g_t = act'(z_t),

    dh_t/dp = diag(g_t) (W dh_{t-1}/dp + dz_t/dp),

where dz_t/dp is the entry of h_{t-1} or x_t, or one, that multiplies the weight p. Nothing is stored over time but a
block of `ROWS` rows of the Jacobian, which stays in the cache while its products are added up.

Weights of a unit of dimension d with m inputs, in order: W (d x d, by rows), U (d x m, by rows), b (d), v (d).
"""

from pararnn_ts.kernels.activations import activate
from pararnn_ts.kernels.gram import ROWS, STRIDE, add_products
from pararnn_ts.kernels.jit import inlined, jit
from pararnn_ts.kernels.lanes import LANES, fill, load, store

__all__ = ["accumulate", "add_rows", "begin", "n_columns", "n_states", "unit_size", "work_size"]


@jit
def unit_size(d, m):
    """Number of weights of a unit of dimension `d` with `m` inputs."""
    return d * d + d * m + 2 * d


@jit
def n_states(units, m):
    """Items the recursion carries from row to row: states and sensitivities of all units."""
    count = 0
    for d in units:
        count += d + d * (d * d + d * m + d)
    return count


@jit
def n_columns(units, m):
    """Columns of a Jacobian block: weights and the residual, padded to a multiple of four."""
    count = 1
    for d in units:
        count += unit_size(d, m)
    return 4 * ((count + 3) // 4)


@jit
def work_size(units, m):
    """Length of the flat work array of :func:`accumulate`."""
    largest = 0
    for d in units:
        largest = max(largest, d)
    return LANES * (n_states(units, m) + STRIDE * n_columns(units, m) + ROWS + largest * (largest + 6))


@inlined
def _advance_1(theta, p, m, x, activation, state, s, jacobian, c, fitted):
    """Advance a unit of dimension 1 with `m` inputs over the rows of `x`."""
    w, b, v = load(theta, p), load(theta, p + 1 + m), load(theta, p + 2 + m)
    h, s_w, s_b = load(state, s), load(state, s + 1), load(state, s + 2 + m)
    for row in range(x.shape[0]):
        # inputs first: everything after the old state is waited for
        z = b
        for j in range(m):
            z = z + load(theta, p + 1 + j) * x[row, j]
        z = z + w * h
        new, g = activate(activation, z)
        a = g * w
        s_w = g * h + a * s_w
        store(jacobian, c * STRIDE + row, v * s_w)
        for j in range(m):
            s_u = g * x[row, j] + a * load(state, s + 2 + j)
            store(state, s + 2 + j, s_u)
            store(jacobian, (c + 1 + j) * STRIDE + row, v * s_u)
        s_b = g + a * s_b
        store(jacobian, (c + 1 + m) * STRIDE + row, v * s_b)
        store(jacobian, (c + 2 + m) * STRIDE + row, new)
        h = new
        store(fitted, row, load(fitted, row) + v * h)
    store(state, s, h)
    store(state, s + 1, s_w)
    store(state, s + 2 + m, s_b)


@jit
def _unit_1_1(theta, p, x, activation, state, s, jacobian, c, fitted):
    """Advance a unit of dimension 1 with one input. The compiler knows the number, and no loop is left within a row."""
    _advance_1(theta, p, 1, x, activation, state, s, jacobian, c, fitted)


@jit
def _unit_1(theta, p, x, activation, state, s, jacobian, c, fitted):
    """Advance a unit of dimension 1 with any number of inputs."""
    _advance_1(theta, p, x.shape[1], x, activation, state, s, jacobian, c, fitted)


@inlined
def _next_2(theta, p, m, x, row, activation, h1, h2):
    """States and slopes of a unit of dimension 2 at a row after the states `h1` and `h2`."""
    # inputs first: everything after the old state is waited for
    z1, z2 = load(theta, p + 4 + 2 * m), load(theta, p + 5 + 2 * m)
    for j in range(m):
        z1 = z1 + load(theta, p + 4 + j) * x[row, j]
        z2 = z2 + load(theta, p + 4 + m + j) * x[row, j]
    z1 = z1 + load(theta, p) * h1 + load(theta, p + 1) * h2
    z2 = z2 + load(theta, p + 2) * h1 + load(theta, p + 3) * h2
    new1, g1 = activate(activation, z1)
    new2, g2 = activate(activation, z2)
    return new1, new2, g1, g2


@inlined
def _push_2(state, k, a11, a12, a21, a22, e1, e2, v1, v2):
    """Advance the two sensitivities of one weight; return the weight's entry of the Jacobian."""
    s1, s2 = load(state, k), load(state, k + 1)
    n1 = e1 + a11 * s1 + a12 * s2
    n2 = e2 + a21 * s1 + a22 * s2
    store(state, k, n1)
    store(state, k + 1, n2)
    return v1 * n1 + v2 * n2


@inlined
def _advance_2(theta, p, m, x, activation, state, s, jacobian, c, fitted):
    """Advance a unit of dimension 2 with `m` inputs over the rows of `x`."""
    rows = x.shape[0]
    w11, w12, w21, w22 = load(theta, p), load(theta, p + 1), load(theta, p + 2), load(theta, p + 3)
    v1, v2 = load(theta, p + 6 + 2 * m), load(theta, p + 7 + 2 * m)
    h1, h2 = load(state, s), load(state, s + 1)
    k = s + 2
    zero = fill(0.0)
    new1, new2, g1, g2 = _next_2(theta, p, m, x, 0, activation, h1, h2)
    for row in range(rows):
        # one row ahead: the states wait for each other, and the sensitivities fill the time
        coming = _next_2(theta, p, m, x, min(row + 1, rows - 1), activation, new1, new2)
        a11, a12, a21, a22 = g1 * w11, g1 * w12, g2 * w21, g2 * w22
        out = c * STRIDE + row
        store(jacobian, out, _push_2(state, k, a11, a12, a21, a22, g1 * h1, zero, v1, v2))
        store(jacobian, out + STRIDE, _push_2(state, k + 2, a11, a12, a21, a22, g1 * h2, zero, v1, v2))
        store(jacobian, out + 2 * STRIDE, _push_2(state, k + 4, a11, a12, a21, a22, zero, g2 * h1, v1, v2))
        store(jacobian, out + 3 * STRIDE, _push_2(state, k + 6, a11, a12, a21, a22, zero, g2 * h2, v1, v2))
        for j in range(m):
            i = 4 + j
            entry = _push_2(state, k + 2 * i, a11, a12, a21, a22, g1 * x[row, j], zero, v1, v2)
            store(jacobian, out + i * STRIDE, entry)
            i += m
            entry = _push_2(state, k + 2 * i, a11, a12, a21, a22, zero, g2 * x[row, j], v1, v2)
            store(jacobian, out + i * STRIDE, entry)
        i = 4 + 2 * m
        store(jacobian, out + i * STRIDE, _push_2(state, k + 2 * i, a11, a12, a21, a22, g1, zero, v1, v2))
        i += 1
        store(jacobian, out + i * STRIDE, _push_2(state, k + 2 * i, a11, a12, a21, a22, zero, g2, v1, v2))
        store(jacobian, out + (i + 1) * STRIDE, new1)
        store(jacobian, out + (i + 2) * STRIDE, new2)
        store(fitted, row, load(fitted, row) + v1 * new1 + v2 * new2)
        h1, h2 = new1, new2
        new1, new2, g1, g2 = coming
    store(state, s, h1)
    store(state, s + 1, h2)


@jit
def _unit_2_1(theta, p, x, activation, state, s, jacobian, c, fitted):
    """Advance a unit of dimension 2 with one input; see :func:`_unit_1_1`."""
    _advance_2(theta, p, 1, x, activation, state, s, jacobian, c, fitted)


@jit
def _unit_2(theta, p, x, activation, state, s, jacobian, c, fitted):
    """Advance a unit of dimension 2 with any number of inputs."""
    _advance_2(theta, p, x.shape[1], x, activation, state, s, jacobian, c, fitted)


@inlined
def _push_any(work, a, state, sens, d, n, pushed):
    """
    Multiply the sensitivities of `n` weights by the (d, d) matrix at `a` of `work`, four weights at a time.

    A number of the matrix that has been read serves four of them.
    """
    for first in range(0, n, 4):
        # the last weight more than once, where their number is no multiple of four
        at0, at1 = sens + first * d, sens + min(first + 1, n - 1) * d
        at2, at3 = sens + min(first + 2, n - 1) * d, sens + min(first + 3, n - 1) * d
        for i in range(d):
            t0, t1, t2, t3 = fill(0.0), fill(0.0), fill(0.0), fill(0.0)
            for j in range(d):
                w = load(work, a + i * d + j)
                t0, t1 = t0 + w * load(state, at0 + j), t1 + w * load(state, at1 + j)
                t2, t3 = t2 + w * load(state, at2 + j), t3 + w * load(state, at3 + j)
            store(work, pushed + i, t0)
            store(work, pushed + d + i, t1)
            store(work, pushed + 2 * d + i, t2)
            store(work, pushed + 3 * d + i, t3)
        for i in range(d):
            store(state, at0 + i, load(work, pushed + i))
            store(state, at1 + i, load(work, pushed + d + i))
            store(state, at2 + i, load(work, pushed + 2 * d + i))
            store(state, at3 + i, load(work, pushed + 3 * d + i))


@inlined
def _advance_any(theta, p, d, x, activation, state, s, jacobian, c, fitted, work):
    """Advance a unit of any dimension `d` over the rows of `x`; `work` holds d (d + 6) items."""
    m = x.shape[1]
    n = d * d + d * m + d  # weights that act through the state
    p_u, p_b, p_v = p + d * d, p + d * d + d * m, p + n
    sens = s + d
    new, g, a, pushed = 0, d, 2 * d, d * (d + 2)
    for row in range(x.shape[0]):
        for i in range(d):
            z = load(theta, p_b + i)
            for j in range(d):
                z = z + load(theta, p + i * d + j) * load(state, s + j)
            for j in range(m):
                z = z + load(theta, p_u + i * m + j) * x[row, j]
            value, slope = activate(activation, z)
            store(work, new + i, value)
            store(work, g + i, slope)
            for j in range(d):
                store(work, a + i * d + j, slope * load(theta, p + i * d + j))
        _push_any(work, a, state, sens, d, n, pushed)
        # what a weight adds to the sensitivity of its own state
        for i in range(d):
            slope, own = load(work, g + i), sens + i
            for j in range(d):
                at = own + (i * d + j) * d
                store(state, at, load(state, at) + slope * load(state, s + j))
            for j in range(m):
                at = own + (d * d + i * m + j) * d
                store(state, at, load(state, at) + slope * x[row, j])
            at = own + (d * d + d * m + i) * d
            store(state, at, load(state, at) + slope)
        for weight in range(n):
            entry = fill(0.0)
            for i in range(d):
                entry = entry + load(theta, p_v + i) * load(state, sens + weight * d + i)
            store(jacobian, (c + weight) * STRIDE + row, entry)
        total = load(fitted, row)
        for i in range(d):
            value = load(work, new + i)
            store(state, s + i, value)
            store(jacobian, (c + n + i) * STRIDE + row, value)
            total = total + load(theta, p_v + i) * value
        store(fitted, row, total)


@jit
def _unit_3(theta, p, x, activation, state, s, jacobian, c, fitted, work):
    """Advance a unit of dimension 3. The compiler knows the number, and nothing is left of the loops but arithmetic."""
    _advance_any(theta, p, 3, x, activation, state, s, jacobian, c, fitted, work)


@jit
def _unit_4(theta, p, x, activation, state, s, jacobian, c, fitted, work):
    """Advance a unit of dimension 4; see :func:`_unit_3`."""
    _advance_any(theta, p, 4, x, activation, state, s, jacobian, c, fitted, work)


@jit
def _unit_any(theta, p, d, x, activation, state, s, jacobian, c, fitted, work):
    """Advance a unit of any dimension."""
    _advance_any(theta, p, d, x, activation, state, s, jacobian, c, fitted, work)


@jit
def accumulate(theta, units, activation, x, linear, target, weight, linear_gram, work, gram):
    """
    Normal equations of the additive model at `LANES` parameter vectors.

    Parameters
    ----------
    theta : ndarray, (P * LANES,)
        Parameters, item by item: coefficients of `linear`, then the weights of each unit.
    units : ndarray of int, (K,)
        Dimension of each unit.
    activation : int
        See `activations.ACTIVATIONS`.
    x : ndarray, (T, m)
        Inputs of the units.
    linear : ndarray, (T, q)
        Columns that enter linearly: deterministic terms, direct lags, exogenous values.
    target : ndarray, (T,)
        Values to be predicted.
    weight : ndarray, (T,)
        Square roots of the observation weights; zero leaves a row out.
    linear_gram : ndarray, (q, q)
        ``(weight * linear).T @ (weight * linear)``, the same for every start.
    work : ndarray, (work_size(units, m),)
        Scratch space.
    gram : ndarray, (N * N * LANES,), N = P + 1
        Receives the lower triangle of M'M, M = [Jacobian, residual], by rows: J'J, then J'r and r'r in the last row.
    """
    begin(units, x.shape[1], linear_gram, work, gram)
    add_rows(theta, units, activation, x, linear, target, weight, x.shape[0], work, gram)


@jit
def begin(units, m, linear_gram, work, gram):
    """Set states, sensitivities and products to where they are before the first row, for :func:`add_rows`."""
    q = linear_gram.shape[0]
    size = 1 + q
    for d in units:
        size += unit_size(d, m)
    work[: LANES * (n_states(units, m) + STRIDE * n_columns(units, m))] = 0.0
    gram[:] = 0.0
    for i in range(q):
        for j in range(i + 1):
            store(gram, i * size + j, fill(linear_gram[i, j]))


@jit
def add_rows(theta, units, activation, x, linear, target, weight, n_rows, work, gram):
    """Go on with the next `n_rows` rows; states and sensitivities are in `work`, the products so far in `gram`."""
    m, q = x.shape[1], linear.shape[1]
    columns = n_columns(units, m)
    size = 1 + q
    for d in units:
        size += unit_size(d, m)
    states = LANES * n_states(units, m)
    jacobian_end = states + LANES * STRIDE * columns
    state, jacobian = work[:states], work[states:jacobian_end]
    fitted, scratch = work[jacobian_end : jacobian_end + LANES * ROWS], work[jacobian_end + LANES * ROWS :]
    residual = size - 1 - q
    for first in range(0, n_rows, ROWS):
        # parts of their own: rows counted from zero need no check for places counted from the end
        here = slice(first, min(first + ROWS, n_rows))
        inputs, columns_here, values, roots = x[here], linear[here], target[here], weight[here]
        rows = inputs.shape[0]
        for row in range(rows):
            value = fill(0.0)
            for i in range(q):
                value = value + load(theta, i) * columns_here[row, i]
            store(fitted, row, value)
        # a bare zero has a type of its own, for which all units would be compiled once more
        p, s, c = q, 0 * q, 0 * q
        for d in units:
            if d == 1 and m == 1:
                _unit_1_1(theta, p, inputs, activation, state, s, jacobian, c, fitted)
            elif d == 1:
                _unit_1(theta, p, inputs, activation, state, s, jacobian, c, fitted)
            elif d == 2 and m == 1:
                _unit_2_1(theta, p, inputs, activation, state, s, jacobian, c, fitted)
            elif d == 2:
                _unit_2(theta, p, inputs, activation, state, s, jacobian, c, fitted)
            elif d == 3:
                _unit_3(theta, p, inputs, activation, state, s, jacobian, c, fitted, scratch)
            elif d == 4:
                _unit_4(theta, p, inputs, activation, state, s, jacobian, c, fitted, scratch)
            else:
                _unit_any(theta, p, d, inputs, activation, state, s, jacobian, c, fitted, scratch)
            p += unit_size(d, m)
            c += unit_size(d, m)
            s += d + d * (d * d + d * m + d)
        for row in range(rows):
            store(jacobian, residual * STRIDE + row, values[row] - load(fitted, row))
            root = roots[row]
            if root != 1.0:
                for j in range(residual + 1):
                    at = j * STRIDE + row
                    if root == 0.0:
                        store(jacobian, at, fill(0.0))
                    else:
                        store(jacobian, at, load(jacobian, at) * root)
        add_products(jacobian, columns, residual + 1, columns_here, roots, size, gram)
