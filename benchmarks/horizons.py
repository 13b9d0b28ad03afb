"""
Forecasts of the next twelve observations beside AutoARIMA, AutoETS and AutoTheta of statsforecast.

The last 400 observations of each series, shipped, of statsmodels or simulated, among them those of other_series.py that
have at least fifty. Six origins are spread evenly from the middle of a series to twelve before its end; models are
chosen and estimated anew at each. `select_order` has default settings and is told the length of the season. Ratios are
those of mean absolute errors over all origins to those of AutoARIMA, which knows the season where it is at most twelve;
means are geometric. Coverage is the share of observations inside intervals of 95 %.

    python benchmarks/horizons.py [--jobs N] [--fresh] [--out FILE]
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from other_series import cases
from pieces import compute, markdown, versions
from scipy.signal import lfilter
from statsmodels import datasets

import pararnn_ts as prt

STEPS, ORIGINS, FEWEST, LAST = 12, 6, 50, 400
# rows before the first origin, at least
FIRST = 38
LONGEST_SEASON = 12
STEPS_OF = {"all steps": slice(None), "steps 1 to 4": slice(4), "steps 9 to 12": slice(8, None)}
PEERS = ("AutoARIMA", "AutoETS", "AutoTheta")
OURS = ("selected", "average", "default fit")


def observed() -> dict[str, tuple[pd.Series, int]]:
    """Shipped series and one of statsmodels, each with the length of its season."""
    data = prt.datasets
    co2 = datasets.co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    return {
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


def simulated() -> dict[str, tuple[np.ndarray, int]]:
    """Linear processes, random walks, and trends with a season."""
    rng, n = np.random.default_rng(5), 300
    months = np.arange(240)
    season = np.sin(2.0 * np.pi * months / 12.0)

    def shocks(size: int) -> np.ndarray:
        return rng.standard_normal(size)

    return {
        "AR(2), 300 rows": (lfilter([1.0], [1.0, -1.3, 0.6], shocks(n)), 1),
        "ARMA(1,1), 300 rows": (lfilter([1.0, -0.5], [1.0, -0.9], shocks(n)), 1),
        "random walk, 300 rows": (np.cumsum(shocks(n)), 1),
        "random walk with drift, 300 rows": (np.cumsum(0.3 + shocks(n)), 1),
        "trend and season": (0.05 * months + 2.0 * season + 0.5 * lfilter([1.0], [1.0, -0.6], shocks(240)), 12),
        "growing season, 240 rows": (
            np.exp(3.0 + 0.005 * months + 0.2 * season + 0.05 * lfilter([1.0], [1.0, -0.6], shocks(240))), 12
        ),
    }  # fmt: skip


def short() -> dict[str, tuple[pd.Series, int]]:
    """Series of other_series.py; the macroeconomic ones are quarterly."""
    quarterly = ("US ", "Denmark", "German")
    return {
        case.name: (case.y, 4 if case.name.startswith(quarterly) else 1) for case in cases() if len(case.y) >= FEWEST
    }


def series() -> dict[str, tuple[np.ndarray, int]]:
    """All series, numbered."""
    every = observed() | simulated() | short()
    return {name: (np.asarray(values, dtype=float)[-LAST:], season) for name, (values, season) in every.items()}


def of_peer(name: str, train: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts and intervals of a model of statsforecast."""
    from statsforecast import models

    found = getattr(models, name)(season_length=season).fit(train).predict(STEPS, level=[95])
    return found["mean"], np.column_stack([found["lo-95"], found["hi-95"]])


def piece(name: str, origin: int) -> dict[str, list]:
    """Absolute errors of all forecasts from one origin, and which observations lie inside the intervals."""
    y, season = series()[name]
    end = int(np.linspace(max(FIRST, len(y) // 2), len(y) - STEPS, ORIGINS)[origin])
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


def _ratios(errors: dict[str, np.ndarray], label: str, steps: slice) -> np.ndarray:
    """Mean absolute errors of a model over those of AutoARIMA, for each series."""
    own, peer = (errors[one][:, :, steps].mean(axis=(1, 2)) for one in (label, "AutoARIMA"))
    return own / peer


def report(jobs: int, fresh: bool) -> str:
    """The study as Markdown."""
    keys = [(name, origin) for name in series() for origin in range(ORIGINS)]
    pieces = compute("horizons", keys, piece, jobs=jobs, fresh=fresh)
    labels = (*PEERS, *OURS)
    errors = {
        label: np.array([[pieces[name, origin][label][0] for origin in range(ORIGINS)] for name in series()])
        for label in labels
    }
    rows = [
        {"series": name, **{label: f"{ratio:.2f}" for label, ratio in zip(labels[1:], ratios, strict=True)}}
        for name, ratios in zip(
            series(),
            np.column_stack([_ratios(errors, label, STEPS_OF["all steps"]) for label in labels[1:]]),
            strict=True,
        )
    ]
    summary = []
    for label in labels:
        means = {when: np.exp(np.log(_ratios(errors, label, at)).mean()) for when, at in STEPS_OF.items()}
        every = _ratios(errors, label, STEPS_OF["all steps"])
        inside = np.mean([one[label][1] for one in pieces.values()])
        summary.append(
            {
                "model": label,
                **{when: f"{mean:.3f}" for when, mean in means.items()},
                "median": f"{np.median(every):.3f}",
                "better than AutoARIMA": f"{(every < 1.0).sum()} of {len(every)}",
                "coverage of 95 %": f"{100 * inside:.0f} %",
            }
        )
    lines = [
        "# One to twelve steps ahead",
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
