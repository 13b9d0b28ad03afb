"""What each command does, and the texts of --help."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from pararnn_ts.cli.writing import Folder

__all__ = ["app"]

app = typer.Typer(
    help="Interpretable recurrent models of a time series, from a csv file.",
    epilog="Example: pararnn-ts fit sunspots.csv --column value --index year --out results",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Csv = Annotated[Path, typer.Argument(help="The csv file, with a header line.", show_default=False)]
Column = Annotated[
    str | None, typer.Option("--column", "-c", help="Column of the series. Not needed where there is only one.")
]
Index = Annotated[
    str | None,
    typer.Option(
        "--index", "-i", help="Column of dates, periods (2001Q3, 2001-07), years or integers; else rows count."
    ),
]
Exog = Annotated[
    list[str] | None, typer.Option("--exog", "-x", help="Exogenous column; give the option again for more.")
]
Freq = Annotated[str | None, typer.Option(help="Frequency of dates, such as D or MS; inferred when not given.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made if it is not there.")]
Units = Annotated[
    list[int] | None,
    typer.Option(
        "--units", "-u", help="Dimension of a unit; give the option again for more. 0: no units, a linear model."
    ),
]
Lags = Annotated[str | None, typer.Option(help="Lags that feed the units: 3 for 1 to 3, or a list such as 1,2,12.")]
LinearLags = Annotated[str | None, typer.Option(help="Lags that enter linearly, written as --lags; 0: none.")]
Activation = Annotated[str, typer.Option(help="tanh, relu, logistic or identity.")]
Trend = Annotated[str, typer.Option(help="n, c, t, ct or ctt, as in statsmodels.")]
Seasonal = Annotated[bool, typer.Option("--seasonal", help="Add seasonal dummies.")]
Diff = Annotated[int, typer.Option(help="Order of differencing, undone in forecasts.")]
Select = Annotated[
    bool | None,
    typer.Option(
        "--select/--no-select",
        help="Choose lags and units by evidence. The default, unless --units, --lags or --linear-lags say what to fit.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of random starts and simulated paths.")]
Steps = Annotated[
    int | None, typer.Option(help="Periods to forecast.", show_default="a fifth of the sample, at most 24")
]
Holdout = Annotated[
    str,
    typer.Option(help="What is forecast and not fitted: so many last rows, their share, or the label where it begins."),
]
Horizon = Annotated[int, typer.Option(help="Steps ahead.")]
RefitEvery = Annotated[int | None, typer.Option(help="Estimate parameters anew after so many rows; else never.")]


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command whose errors are one sentence on the standard error, and whose warnings are notes there."""

    @app.command(epilog=_EXAMPLES[function.__name__])
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                import matplotlib

                matplotlib.use("Agg")
                function(*args, **kwargs)
            except (ValueError, TypeError, KeyError, ImportError, OSError) as error:
                text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
                typer.echo(f"Error: {' '.join(text.split())}", err=True)
                raise typer.Exit(2) from None
        for note in dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, UserWarning)):
            typer.echo(f"Note: {' '.join(note.split())}", err=True)

    return run


_EXAMPLES = {
    "fit": "Example: pararnn-ts fit sales.csv --column sales --index month --units 2 --units 1 --lags 2 --out results",
    "forecast": "Example: pararnn-ts forecast sales.csv --column sales --index month --steps 12 --out results",
    "compare": "Example: pararnn-ts compare sales.csv --column sales --index month --holdout 2020-01 --horizon 3",
    "report": "Example: pararnn-ts report sales.csv --column sales --index month --holdout 0.2 --out results",
}


@_command
def fit(
    data: Csv,
    column: Column = None,
    index: Index = None,
    exog: Exog = None,
    freq: Freq = None,
    out: Out = OUT,
    units: Units = None,
    lags: Lags = None,
    linear_lags: LinearLags = None,
    activation: Activation = "tanh",
    trend: Trend = "c",
    seasonal: Seasonal = False,
    diff: Diff = 0,
    select: Select = None,
    seed: Seed = 0,
) -> None:
    """
    Fit a ParaRNN and say what it found: summary, parameters, components, recurrence.

    Writes summary.txt, params.csv, components.csv, recurrence_features.csv, model.npz (for prt.load), selection.csv when
    the order was selected, and figures.
    """
    results, _, folder = _fitted(data, column, index, exog, freq, out, Options(**_chosen(locals())))
    typer.echo(results.summary().as_text())
    _say(folder)
