"""
Forecasts of the next twelve observations beside AutoARIMA, AutoETS and AutoTheta of statsforecast.

The last 400 observations of each series, shipped, of statsmodels or simulated. Six origins, six observations apart, the
last of them twelve before the end; models are chosen and estimated anew at each. `select_order` has default settings
and is told the length of the season. Ratios are those of mean absolute errors over all steps
and origins to those of AutoARIMA, which knows the season where it is at most twelve; means are geometric. Coverage is
the share of observations inside intervals of 95 %.

    python benchmarks/horizons.py [--jobs N] [--fresh] [--out FILE]
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from pieces import compute, markdown, versions
from scipy.signal import lfilter
from statsmodels import datasets

import pararnn_ts as prt

STEPS, ORIGINS, APART, LAST = 12, 6, 6, 400
LONGEST_SEASON = 12
PEERS = ("AutoARIMA", "AutoETS", "AutoTheta")
OURS = ("selected", "average", "default fit")


def observed() -> dict[str, tuple[pd.Series, int]]:
    """Shipped series and series of statsmodels, each with the length of its season."""
    data = prt.datasets
    co2 = datasets.co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    macro = datasets.macrodata.load_pandas().data
    found = {
        "lynx, log10": (np.log10(data.load_lynx()), 1),
        "sunspots, yearly": (data.load_sunspots(), 1),
        "sunspots, monthly": (data.load_sunspots_monthly(), 1),
        "Nile": (data.load_nile(), 1),
        "Nino sea surface": (data.load_nino(), 12),
        "CO2, monthly": (co2, 12),
        "US unemployment, monthly": (data.load_unemployment(), 12),
        "US gasoline": (data.load_gasoline(), 52),
        "US births": (data.load_births(), 7),
        "S&P 500 log volatility": (data.load_sp500_volatility(), 1),
        "gas furnace": (data.load_gas_furnace()["co2_pct"], 1),
    }
    names = ("realgdp", "realcons", "realinv", "cpi", "m1", "tbilrate", "unemp", "infl")
    return found | {f"US {name}": (macro[name], 4) for name in names}


def simulated() -> dict[str, tuple[np.ndarray, int]]:
    """Linear processes, random walks, and trends with a season."""
    rng, n = np.random.default_rng(5), 300
    months = np.arange(240)
    season = np.sin(2.0 * np.pi * months / 12.0)

    def shocks(size: int) -> np.ndarray:
        return rng.standard_normal(size)

    return {
        "AR(2)": (lfilter([1.0], [1.0, -1.3, 0.6], shocks(n)), 1),
        "ARMA(1,1)": (lfilter([1.0, -0.5], [1.0, -0.9], shocks(n)), 1),
        "random walk": (np.cumsum(shocks(n)), 1),
        "random walk with drift": (np.cumsum(0.3 + shocks(n)), 1),
        "trend and season": (0.05 * months + 2.0 * season + 0.5 * lfilter([1.0], [1.0, -0.6], shocks(240)), 12),
        "growing season": (
            np.exp(3.0 + 0.005 * months + 0.2 * season + 0.05 * lfilter([1.0], [1.0, -0.6], shocks(240))), 12
        ),
    }  # fmt: skip


def series() -> dict[str, tuple[np.ndarray, int]]:
    """All series, numbered."""
    every = observed() | simulated()
    return {name: (np.asarray(values, dtype=float)[-LAST:], season) for name, (values, season) in every.items()}


def of_peer(name: str, train: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts and intervals of a model of statsforecast."""
    from statsforecast import models

    found = getattr(models, name)(season_length=season).fit(train).predict(STEPS, level=[95])
    return found["mean"], np.column_stack([found["lo-95"], found["hi-95"]])


def piece(name: str, origin: int) -> dict[str, list]:
    """Absolute errors of all forecasts from one origin, and which observations lie inside the intervals."""
    y, season = series()[name]
    end = len(y) - STEPS - APART * origin
    train, future = y[:end], y[end : end + STEPS]
    found = {}

    def keep(label: str, mean: np.ndarray, interval: np.ndarray) -> None:
        inside = (interval[:, 0] <= future) & (future <= interval[:, 1])
        found[label] = [np.abs(np.asarray(mean) - future).tolist(), inside.tolist()]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for peer in PEERS:
            keep(peer, *of_peer(peer, train, season if season <= LONGEST_SEASON else 1))
        selection = prt.select_order(train, period=season if season > 1 else None)
        candidates = (selection.results, selection.average(), prt.ParaRNN(train).fit())
        for label, results in zip(OURS, candidates, strict=True):
            forecast = results.get_forecast(STEPS, rng=0)
            keep(label, results.forecast(STEPS), np.asarray(forecast.conf_int(0.05)))
    return found


def report(jobs: int, fresh: bool) -> str:
    """The study as Markdown."""
    keys = [(name, origin) for name in series() for origin in range(ORIGINS)]
    pieces = compute("horizons", keys, piece, jobs=jobs, fresh=fresh)
    labels = (*PEERS, *OURS)
    rows, ratios, covered = [], [], {label: [] for label in labels}
    for name in series():
        every = [pieces[name, origin] for origin in range(ORIGINS)]
        errors = {label: float(np.mean([one[label][0] for one in every])) for label in labels}
        ratios.append([errors[label] / errors["AutoARIMA"] for label in labels])
        numbers = dict(zip(labels, ratios[-1], strict=True))
        rows.append({"series": name, **{label: f"{numbers[label]:.2f}" for label in labels[1:]}})
        for label in labels:
            covered[label] += [inside for one in every for inside in one[label][1]]
    table = np.array(ratios)
    summary = [
        {
            "model": label,
            "geometric mean": f"{mean:.3f}",
            "median": f"{middle:.3f}",
            "better than AutoARIMA": f"{better} of {len(rows)}",
            "coverage of 95 %": f"{100 * np.mean(covered[label]):.0f} %",
        }
        for label, mean, middle, better in zip(
            labels, np.exp(np.log(table).mean(axis=0)), np.median(table, axis=0), (table < 1.0).sum(axis=0), strict=True
        )
    ]
    lines = [
        "# Twelve steps ahead",
        "",
        "Mean absolute errors of forecasts one to twelve steps ahead, over those of AutoARIMA.",
        "",
        *markdown(rows),
        "",
        *markdown(summary),
        "",
        f"{versions()}; command: `python benchmarks/horizons.py`.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    text = report(args.jobs, args.fresh)
    print(text)
    if args.out:
        args.out.write_text(text)
