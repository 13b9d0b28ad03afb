"""From options to a fitted model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from pararnn_ts.cli.reading import Data

__all__ = ["Options", "fit_model", "panel_options", "parse_holdout", "parse_lags"]


@dataclass(frozen=True)
class Options:
    """What to fit, as the command line says it; None: not said."""

    units: list[str] | None = None
    lags: str | None = None
    linear_lags: str | None = None
    activation: str = "tanh"
    trend: str = "c"
    seasonal: bool = False
    period: int | None = None
    diff: int = 0
    select: bool | None = None
    seed: int = 0

    def require_none(self, why: str) -> None:
        """Raise, saying why, where a model is named."""
        if self != Options(seed=self.seed):
            raise ValueError(why)


def fit_model(data: Data, options: Options) -> tuple[Any, pd.DataFrame | None]:
    """Fit the model that the options name, or the one of largest evidence; then with the table of the search."""
    import pararnn_ts as prt

    shared = _shared(options)
    if options.select or (options.select is None and not _names_a_model(options)):
        selection = prt.select_order(data.endog, data.exog, rng=options.seed, **shared)
        return selection.results, selection.table
    model = prt.ParaRNN(data.endog, data.exog, **_named(options), **shared)
    return model.fit(rng=options.seed), None


def panel_options(options: Options) -> dict[str, Any]:
    """
    Arguments of `fit_panel` that the options stand for.

    Examples
    --------
    >>> from pararnn_ts.cli.fitting import Options, panel_options
    >>> panel_options(Options(select=True))["select"], panel_options(Options(lags="2"))["lags"]
    (True, 2)
    """
    shared = _shared(options)
    return {"select": True, **shared} if options.select else {**_named(options), **shared}


def _shared(options: Options) -> dict[str, Any]:
    """Options of every model; raises where a selection is asked for beside what it would choose."""
    if options.select and _names_a_model(options):
        raise ValueError("--select chooses --units, --lags and --linear-lags itself; give either it or them.")
    return {
        "activation": options.activation,
        "trend": options.trend,
        "seasonal": options.seasonal,
        "period": options.period,
        "diff": options.diff,
    }


def _names_a_model(options: Options) -> bool:
    return options.units is not None or options.lags is not None or options.linear_lags is not None


def _named(options: Options) -> dict[str, Any]:
    """Lags and units as the options name them."""
    given = ["2"] if options.units is None else options.units
    return {
        "units": [dim for text in given for dim in _whole_numbers(text, "--units") if dim != 0],
        "lags": 1 if options.lags is None else parse_lags(options.lags, "--lags"),
        "linear_lags": None if options.linear_lags is None else parse_lags(options.linear_lags, "--linear-lags"),
    }


def parse_lags(text: str, option: str) -> int | list[int]:
    """
    Lags from a number or a list.

    Examples
    --------
    >>> from pararnn_ts.cli.fitting import parse_lags
    >>> parse_lags("3", "--lags"), parse_lags("1,2,12", "--lags")
    (3, [1, 2, 12])
    """
    numbers = _whole_numbers(text, option)
    return numbers[0] if "," not in text else numbers


def _whole_numbers(text: str, option: str) -> list[int]:
    if not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*", text):
        raise ValueError(f"{option} {text}: give a number such as 3, or a list such as 1,2,12.")
    return [int(part) for part in text.split(",")]


def parse_holdout(text: str, n: int) -> int | float | str:
    """
    Number, share or label, as `compare` takes them; a number as large as the sample is a label, such as a year.

    Examples
    --------
    >>> from pararnn_ts.cli.fitting import parse_holdout
    >>> parse_holdout("50", 300), parse_holdout("0.2", 300), parse_holdout("1950", 300)
    (50, 0.2, '1950')
    """
    if re.fullmatch(r"\d+", text):
        return int(text) if int(text) < n else text
    return float(text) if re.fullmatch(r"0?\.\d+", text) else text
