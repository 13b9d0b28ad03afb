"""
Forecasts of simulated series with a season, and without one, beside AutoARIMA and AutoETS of statsforecast.

Eight realisations of each process, of 90 and 180 observations by turns; the next twelve are forecast by models that are
chosen and estimated on those before. All are told the length of the season. "without" is the average of `select_order`
with ``find_season=False``: the search that looks for no season. Ratios are those of mean absolute errors over the
realisations to those of AutoARIMA, one step ahead and over all twelve; means are geometric.

    python benchmarks/seasons.py [--jobs N] [--fresh] [--out FILE]
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pieces import compute, markdown, versions
from scipy.signal import lfilter

import pararnn_ts as prt

STEPS, BURN, REPETITIONS = 12, 120, 8
LENGTHS = (90, 180)
PEERS = ("AutoARIMA", "AutoETS")
OURS = ("average", "selected", "without")


def sarima(s: int, ma: float, seasonal_ma: float, diff: int, seasonal_diff: int) -> Callable:
    """ARIMA(0, d, 1)(0, D, 1) of season s."""
    moving = np.convolve([1.0, ma], np.r_[1.0, np.zeros(s - 1), seasonal_ma])

    def make(noise: np.ndarray) -> np.ndarray:
        y = lfilter(moving, [1.0], noise)
        for order, step in ((diff, [1.0, -1.0]), (seasonal_diff, np.r_[1.0, np.zeros(s - 1), -1.0])):
            for _ in range(order):
                y = lfilter([1.0], step, y)
        return y

    return make


def fixed(s: int, size: float, trend: float = 0.0) -> Callable:
    """A fixed seasonal pattern, a trend and an autoregression."""
    pattern = size * np.random.default_rng(s).standard_normal(s)

    def make(noise: np.ndarray) -> np.ndarray:
        time = np.arange(len(noise))
        return pattern[time % s] + trend * time + lfilter([1.0], [1.0, -0.6], noise)

    return make


def autoregressive(s: int, seasonal: float) -> Callable:
    """AR(1) with a seasonal autoregression of order one."""
    return lambda noise: lfilter([1.0], np.convolve([1.0, -0.5], np.r_[1.0, np.zeros(s - 1), -seasonal]), noise)


PROCESSES: dict[str, tuple[Callable, int]] = {
    "airline, 12": (sarima(12, -0.4, -0.6, 1, 1), 12),
    "airline, 4": (sarima(4, -0.4, -0.6, 1, 1), 4),
    "airline with a slow season, 12": (sarima(12, -0.5, -0.9, 1, 1), 12),
    "seasonal random walk, 12": (sarima(12, 0.5, 0.0, 0, 1), 12),
    "seasonal random walk, 7": (sarima(7, 0.3, -0.3, 0, 1), 7),
    "fixed season, 12": (fixed(12, 1.5), 12),
    "fixed season, 7": (fixed(7, 1.5), 7),
    "fixed season and trend, 4": (fixed(4, 2.0, 0.05), 4),
    "weak fixed season, 12": (fixed(12, 0.5), 12),
    "growing season, 12": (lambda noise: np.exp(fixed(12, 0.2, 0.006)(0.1 * noise)), 12),
    "seasonal autoregression, 12": (autoregressive(12, 0.6), 12),
    "seasonal autoregression, 4": (autoregressive(4, 0.4), 4),
    "no season: noise, 12": (lambda noise: noise, 12),
    "no season: AR(2), 12": (lambda noise: lfilter([1.0], [1.0, -1.3, 0.6], noise), 12),
    "no season: random walk, 4": (np.cumsum, 4),
}


def of_peer(name: str, train: np.ndarray, season: int) -> np.ndarray:
    """Forecasts of a model of statsforecast."""
    from statsforecast import models

    return getattr(models, name)(season_length=season).fit(train).predict(STEPS)["mean"]


def piece(name: str, repetition: int) -> dict[str, list]:
    """Absolute errors of all forecasts, and what was chosen."""
    make, season = PROCESSES[name]
    rng = np.random.default_rng([repetition, *name.encode()])
    n = LENGTHS[repetition % len(LENGTHS)]
    y = make(rng.standard_normal(BURN + n + STEPS))[BURN:]
    train, future = y[:n], y[n:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forecasts = {peer: of_peer(peer, train, season) for peer in PEERS}
        found = prt.select_order(train, period=season)
        forecasts["average"], forecasts["selected"] = found.average().forecast(STEPS), found.results.forecast(STEPS)
        forecasts["without"] = prt.select_order(train, find_season=False).average().forecast(STEPS)
    errors = {label: np.abs(np.asarray(values) - future).tolist() for label, values in forecasts.items()}
    return {**errors, "chosen": [found.best.label]}


def report(jobs: int, fresh: bool) -> str:
    """The study as Markdown."""
    keys = [(name, repetition) for name in PROCESSES for repetition in range(REPETITIONS)]
    pieces = compute("seasons", keys, piece, jobs=jobs, fresh=fresh)
    labels = (*PEERS, *OURS)
    rows, ratios = [], []
    for name in PROCESSES:
        errors = np.array([[pieces[name, r][label] for r in range(REPETITIONS)] for label in labels])
        found = np.array([errors[:, :, 0].mean(axis=1), errors.mean(axis=(1, 2))])
        found /= found[:, :1]
        ratios.append(found)
        numbers = {
            label: f"{one:.2f}, {all_steps:.2f}" for label, (one, all_steps) in zip(labels, found.T, strict=True)
        }
        rows.append({"process": name, **{label: numbers[label] for label in labels[1:]}})
    table = np.array(ratios)
    summary = [
        {"model": label, "one step": f"{one:.3f}", "twelve steps": f"{every:.3f}"}
        for label, (one, every) in zip(labels, np.exp(np.log(table).mean(axis=0)).T, strict=True)
    ]
    lines = [
        "# Series with a season",
        "",
        "Mean absolute errors one step and one to twelve steps ahead, over those of AutoARIMA.",
        "",
        *markdown(rows),
        "",
        *markdown(summary),
        "",
        f"{versions()}; command: `python benchmarks/seasons.py`.",
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
