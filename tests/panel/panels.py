"""Small panels for the tests."""

import numpy as np
import pandas as pd

# cheap fits: what a panel does with them does not depend on how good they are
QUICK = {"units": (1,), "n_starts": 2}


def values(n, seed):
    """A nonlinear autoregression."""
    rng = np.random.default_rng(seed)
    y = np.zeros(n + 20)
    for t in range(2, n + 20):
        y[t] = 0.5 * y[t - 1] + np.tanh(1.5 * y[t - 2]) + 0.7 * rng.normal()
    return y[20:]


def long(lengths, start="2015-01-01", freq="MS", **columns):
    """A long data frame with a series of each length, named and dated."""
    parts = []
    for seed, (name, n) in enumerate(lengths.items()):
        part = pd.DataFrame({"unique_id": name, "ds": pd.date_range(start, periods=n, freq=freq), "y": values(n, seed)})
        parts.append(part.assign(**{key: make(n, seed) for key, make in columns.items()}))
    return pd.concat(parts, ignore_index=True)


def one(df, name):
    """One series of a long data frame, as a user takes it out."""
    return df[df["unique_id"] == name].sort_values("ds").set_index("ds")["y"]


def price(n, seed):
    return np.random.default_rng([seed, 1]).normal(size=n)
