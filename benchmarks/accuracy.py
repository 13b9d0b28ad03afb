"""
One-step accuracy of `select_order`, with default settings, on the shipped series.

Parameters are estimated on the training part and stay fixed; the errors are those of one-step forecasts of the test
part. The bar is an autoregression whose order (1 to 12, plus the seasonal lags) minimises BIC, with the exogenous
values where there are any. A ratio below one means that the ParaRNN did better. Means are geometric, with ratios below
one half counted as one half, so that no single series carries them.

    python benchmarks/accuracy.py [--only NAME ...] [--out FILE]
"""

import argparse
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pieces import markdown, versions

import pararnn_ts as prt

FLOOR = 0.5
MAX_ORDER = 12


@dataclass(frozen=True)
class Case:
    """A transformed series, the length of its training part, its seasonal lags and its exogenous values."""

    name: str
    y: pd.Series
    n_train: int
    seasonal_lags: tuple[int, ...] = ()
    exog: pd.DataFrame | None = None


def lagged(x: pd.Series, lags: range) -> pd.DataFrame:
    """Columns of a series shifted by each lag."""
    return pd.concat({f"{x.name}.L{k}": x.shift(k) for k in lags}, axis=1)


def cases() -> list[Case]:
    """All cases; splits are those of the literature on the series where there are any."""
    data = prt.datasets
    sunspots = data.load_sunspots()[:288]
    nino = data.load_nino()
    months = np.arange(len(nino)) % 12
    normal = nino[:588].groupby(months[:588]).mean().to_numpy()
    macro, furnace = data.load_macro(), data.load_gas_furnace()
    growth = (100 * np.log(macro["realgdp"]).diff()).rename("growth")
    unemployment = macro["unemp"].diff()
    raw = [
        Case("lynx, log10", np.log10(data.load_lynx()), 100),
        Case("sunspots, yearly", sunspots, 221),
        Case("sunspots, yearly, root", 2 * (np.sqrt(1 + sunspots) - 1), 221),
        Case("sunspots, monthly, root", np.sqrt(data.load_sunspots_monthly()), 2256),
        Case("Nino sea surface, anomaly", nino - normal[months], 588),
        Case("CO2, weekly differences", data.load_co2().interpolate().diff()[1:], 1827, (52, 53)),
        Case("Nile", data.load_nile(), 80),
        Case("US GDP growth", growth[1:], 152),
        Case("US unemployment given GDP", unemployment[1:], 152, exog=lagged(growth, range(1, 3))[1:]),
        Case("US unemployment, monthly", data.load_unemployment().diff()[1:], 583),
        Case("S&P 500 log volatility", data.load_sp500_volatility(), 3500),
        Case("Santa Fe laser", data.load_laser()[:1100], 1000),
        Case("UK electricity demand", data.load_uk_demand() / 1000, 2688, (48, 49, 336, 337)),
        Case("US gasoline, log growth", 100 * np.log(data.load_gasoline()).diff()[1:], 1262, (52,)),
        Case("US births", data.load_births() / 1000, 5844, (14, 21, 28, 364, 371)),
        Case("gas furnace", furnace["co2_pct"], 200, exog=lagged(furnace["gas_rate"], range(1, 8))),
    ]
    return [plain(case) for case in raw]


def plain(case: Case) -> Case:
    """Number the observations and cut off the first rows, where lagged exogenous values are missing."""
    index = pd.RangeIndex(len(case.y))
    y = case.y.set_axis(index)
    if case.exog is None:
        return Case(case.name, y, case.n_train, case.seasonal_lags)
    x = case.exog.set_axis(index)
    first = int(x.notna().all(axis=1).idxmax())
    return Case(case.name, y[first:], case.n_train - first, case.seasonal_lags, x[first:])


def autoregression(case: Case) -> tuple[float, list[int]]:
    """Squared test error and lags of the autoregression, its order by BIC and at most a fifth of the observations."""
    y, n = case.y.to_numpy(float), case.n_train
    longest = min(MAX_ORDER, n // 5)
    start = max(longest, *case.seasonal_lags, 0)
    best: tuple[float, float, list[int]] = (np.inf, np.inf, [])
    for order in range(1, longest + 1):
        lags = sorted({*range(1, order + 1), *case.seasonal_lags})
        columns = [np.ones(len(y) - start), *(y[start - k : len(y) - k] for k in lags)]
        if case.exog is not None:
            columns += list(case.exog.to_numpy(float)[start:].T)
        design, target = np.column_stack(columns), y[start:]
        train = n - start
        beta = np.linalg.lstsq(design[:train], target[:train], rcond=None)[0]
        error = target - design @ beta
        bic = train * np.log(np.mean(error[:train] ** 2)) + design.shape[1] * np.log(train)
        best = min(best, (bic, float(np.mean(error[train:] ** 2)), lags))
    return best[1], best[2]


def evaluate(case: Case) -> dict[str, float | str]:
    """Ratios of squared test errors for the selected model and for the average."""
    n = case.n_train
    exog = (None, None) if case.exog is None else (case.exog.iloc[:n], case.exog.iloc[n:])
    bar = autoregression(case)[0]
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        selection = prt.select_order(case.y.iloc[:n], exog[0], seasonal_lags=case.seasonal_lags, rng=0)
        took = time.perf_counter() - began
        row: dict[str, float | str] = {"series": case.name, "test": len(case.y) - n, "AR(X)": bar}
        for name, results in (("selected", selection.results), ("average", selection.average())):
            error = results.append(case.y.iloc[n:], exog[1]).resid.iloc[n:]
            row[name] = float(np.mean(error**2)) / bar
    return {**row, "model": selection.best.label, "seconds": took}


def run(every: list[Case], title: str, command: str, description: str | None) -> None:
    """Run a study and print, or write, its table."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="names of series")
    parser.add_argument("--out", help="file for the table, as Markdown")
    args = parser.parse_args()
    rows = []
    for case in every:
        if not args.only or case.name in args.only:
            rows.append(evaluate(case))
            print(
                "{series:28s} {AR(X):10.4g} {selected:7.3f} {average:7.3f} {seconds:6.1f} s".format(**rows[-1]),
                flush=True,
            )
    table = pd.DataFrame(rows)
    ratios = table[["selected", "average"]].clip(lower=FLOOR)
    means = np.exp(np.log(ratios).mean())
    worst = table[["selected", "average"]].max()
    lines = [
        *markdown([
            {"series": r["series"], "test rows": r["test"], "MSE of AR(X)": f"{r['AR(X)']:.4g}",
             "selected": f"{r['selected']:.3f}", "average": f"{r['average']:.3f}", "selected model": r["model"]}
            for r in rows
        ]),
        "",
        f"Winsorised geometric mean: selected {means['selected']:.3f}, average {means['average']:.3f}; "
        f"median {table['selected'].median():.3f} and {table['average'].median():.3f}; "
        f"worst {worst['selected']:.3f} and {worst['average']:.3f}.",
        "",
        f"{versions()}; command: `{command}`.",
    ]  # fmt: skip
    text = "\n".join(lines)
    print("\n" + text)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(f"# {title}\n\n{text}\n")


if __name__ == "__main__":
    run(cases(), "One-step accuracy on the shipped series", "python benchmarks/accuracy.py", __doc__)
