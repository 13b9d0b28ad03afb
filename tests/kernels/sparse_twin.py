"""Stacked soft-threshold networks and sequential sparse coding in plain numpy, formula by formula."""

import numpy as np


def soft(z, threshold):
    return np.sign(z) * np.maximum(np.abs(z) - threshold, 0.0)


def network_codes(network, wiring, x, state=None):
    """Codes (T, K, H) of one sequence, NaN where an input is absent."""
    n_layers, h = network.threshold.shape
    before = network.state if state is None else state
    absent = np.isnan(x)
    codes = np.empty((len(x), n_layers, h))
    for t in range(len(x)):
        for k in range(n_layers):
            w, s, v = wiring.recurrent[k], wiring.stacked[k], wiring.input[k]
            z = network.scale[w] * network.recurrent[w] @ before[wiring.source[w]]
            if v >= 0:
                z = z + network.input[v] @ np.where(absent[t], 0.0, x[t])
            if s >= 0:
                z = z + network.stacked[s] @ codes[t, k - 1]
            if len(network.sensing):
                warm = wiring.warm[0]
                start = network.recurrent[warm] @ before[wiring.source[warm]] if k == 0 else codes[t, k - 1]
                G = network.sensing[absent[t]]
                z = z + network.step[0] * G.T @ (G @ start)
            codes[t, k] = soft(z, network.threshold[k])
        before = codes[t]
    return codes


def objective(p, x, h, before):
    """Penalised objective of one observation."""
    seen = ~np.isnan(x)
    misfit = (p.A @ p.D @ h - x)[seen]
    moved = p.D @ h - p.F @ p.D @ before
    return 0.5 * misfit @ misfit + p.lam1 * np.abs(h).sum() + 0.5 * p.lam2 * moved @ moved


def sequential_codes(p, x, steps, before=None):
    """Codes (T, H) of one sequence by the iteration as it is defined."""
    before = p.h0 if before is None else before
    codes = []
    for row in x:
        seen = ~np.isnan(row)
        h = p.D.T @ p.F @ p.D @ before
        for _ in range(steps):
            misfit = np.where(seen, p.A @ p.D @ h - np.where(seen, row, 0.0), 0.0)
            slope = p.D.T @ (p.A.T @ misfit + p.lam2 * (p.D @ h - p.F @ p.D @ before))
            h = soft(h - slope / p.alpha, p.lam1 / p.alpha)
        codes.append(h)
        before = h
    return np.array(codes)
