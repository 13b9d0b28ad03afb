"""What each command does, and the texts of --help."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pararnn_ts.cli.fitting import Options

__all__ = ["app"]

app = typer.Typer(
    help="Interpretable recurrent models of a time series, from a csv file.",
    epilog="Example: pararnn-ts compare sunspots.csv --column value --index year --out results",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

OUT = Path("pararnn_output")
SAVED = (
    "--model has lags, units and all that belongs to a model already; leave out options that name them, or leave out "
    "--model to fit another one."
)
EXAMPLES = {
    "fit": "Example: pararnn-ts fit sales.csv --column sales --index month --units 2 --units 1 --lags 2 --out results",
    "forecast": "Examples: pararnn-ts forecast sales.csv --column sales --index month --steps 12 --out results, then "
    "pararnn-ts forecast since.csv --model results/model.npz --steps 12",
    "compare": "Example: pararnn-ts compare sales.csv --column sales --index month --holdout 2020-01 --horizon 3",
    "panel": "Examples: pararnn-ts panel sales.csv --id shop --time month --target sales --steps 12 --level 90, then "
    "pararnn-ts panel since.csv --model pararnn_output/panel.npz --steps 12",
    "report": "Example: pararnn-ts report sales.csv --column sales --index month --holdout 0.2 --out results",
}

Csv = Annotated[
    Path,
    typer.Argument(
        metavar="DATA.CSV", help="A csv file with a header line; - for the standard input.", show_default=False
    ),
]
CsvSince = Annotated[
    Path | None,
    typer.Argument(
        metavar="DATA.CSV",
        help="A csv file with a header line; - for the standard input. With --model, the observations since, or "
        "nothing.",
        show_default=False,
    ),
]
Model = Annotated[
    Path | None,
    typer.Option("--model", "-m", help="What an earlier run has saved; nothing is estimated then.", show_default=False),
]
Column = Annotated[
    str | None, typer.Option("--column", "-c", help="Column of the series; not needed where there is only one.")
]
Index = Annotated[
    str | None,
    typer.Option(
        "--index", "-i", help="Column of dates, periods (2001Q3, 2001-07), years or integers; else rows count."
    ),
]
Exog = Annotated[
    list[str] | None,
    typer.Option(
        "--exog",
        "-x",
        help="Exogenous column; give the option again for more. Rows at the end of the file where the series is empty "
        "and these columns are not are the future.",
    ),
]
Freq = Annotated[str | None, typer.Option(help="Frequency of dates, such as D or MS; inferred when not given.")]
Out = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        help="Folder for the results, made if it is not there. Files of the same names from earlier runs are replaced.",
    ),
]
Units = Annotated[
    list[str] | None,
    typer.Option(
        "--units", "-u", help="Dimensions of the units: 2 for one, 2,1 or the option again for more. 0: a linear model."
    ),
]
Lags = Annotated[str | None, typer.Option(help="Lags that feed the units: 3 for 1 to 3, or a list such as 1,2,12.")]
LinearLags = Annotated[str | None, typer.Option(help="Lags that enter linearly, written as --lags; 0: none.")]
Activation = Annotated[str, typer.Option(help="Activation of the units: tanh, relu, logistic or identity.")]
Trend = Annotated[str, typer.Option(help="Deterministic trend: n, c, t, ct or ctt, as in statsmodels.")]
Seasonal = Annotated[bool, typer.Option("--seasonal", help="Add seasonal dummies; a selection may choose them itself.")]
Period = Annotated[
    int | None,
    typer.Option(help="Length of the season in rows, where dates do not tell it.", min=2, show_default=False),
]
Diff = Annotated[
    int, typer.Option(help="Order of differencing, undone in forecasts; a selection may choose 1 where it is 0.")
]
Select = Annotated[
    bool | None,
    typer.Option(
        "--select/--no-select",
        help="Choose lags and units by evidence; the default unless --units, --lags or --linear-lags name them.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of random starts and simulated paths.")]
Steps = Annotated[
    int | None, typer.Option(help="Periods to forecast; by default a fifth of the sample, at most 24.", min=1)
]
Alpha = Annotated[float, typer.Option(help="One less the coverage of the intervals.", min=0.0, max=1.0)]
Holdout = Annotated[
    str,
    typer.Option(help="What is forecast and not fitted: so many last rows, their share, or the label where it begins."),
]
Horizon = Annotated[int, typer.Option(help="Steps ahead.", min=1)]
RefitEvery = Annotated[int | None, typer.Option(help="Estimate parameters anew after so many rows.", min=1)]


def _say_version(wanted: bool) -> None:
    if wanted:
        from pararnn_ts import __version__

        typer.echo(f"pararnn-ts {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    pass


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command whose errors are one sentence on the standard error, and whose warnings are notes there."""
    # lines as long as the terminal has room for, not as those of the source
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)

    @app.command(help=text, epilog=EXAMPLES[function.__name__])
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                function(*args, **kwargs)
            except (ValueError, TypeError, KeyError, ImportError, OSError) as error:
                said = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
                typer.echo(f"Error: {' '.join(said.split())}", err=True)
                raise typer.Exit(2) from None
        for note in dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, UserWarning)):
            typer.echo(f"Note: {' '.join(note.split())}", err=True)

    return run


@_command
def fit(
    data: Csv,
    column: Column = None,
    index: Index = None,
    exog: Exog = None,
    freq: Freq = None,
    units: Units = None,
    lags: Lags = None,
    linear_lags: LinearLags = None,
    activation: Activation = "tanh",
    trend: Trend = "c",
    seasonal: Seasonal = False,
    period: Period = None,
    diff: Diff = 0,
    select: Select = None,
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """
    Fit a ParaRNN and say what it found.

    Prints the summary and writes it with parameters, components, recurrence features, the table of the search, figures
    and the model (model.npz, for prt.load). summary.txt and model.npz are those of the last fit or forecast into the
    folder; name another one to keep two models.
    """
    from pararnn_ts.cli.fitting import fit_model
    from pararnn_ts.cli.reading import read_data
    from pararnn_ts.cli.writing import Folder

    folder = Folder(out)
    options = Options(units, lags, linear_lags, activation, trend, seasonal, period, diff, select, seed)
    results, search = fit_model(read_data(data, column, index, exog or (), freq), options)
    folder.fitted(results)
    if search is not None:
        folder.table("selection.csv", search, index=False)
    typer.echo(results.summary().as_text())
    typer.echo(folder.said())


@_command
def forecast(
    data: CsvSince = None,
    model: Model = None,
    column: Column = None,
    index: Index = None,
    exog: Exog = None,
    freq: Freq = None,
    steps: Steps = None,
    alpha: Alpha = 0.05,
    units: Units = None,
    lags: Lags = None,
    linear_lags: LinearLags = None,
    activation: Activation = "tanh",
    trend: Trend = "c",
    seasonal: Seasonal = False,
    period: Period = None,
    diff: Diff = 0,
    select: Select = None,
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """
    Fit a ParaRNN and forecast with it, or with --model forecast with one that was saved.

    With --model, DATA.CSV holds what was observed since: rows that the model knows already are passed over, the others
    must follow them, and columns are those of the fit unless they are named. Parameters stay as they are.

    Prints forecasts with intervals from simulated paths, and writes them with the summary, a figure and the model
    (model.npz), from which the next run may go on. summary.txt and model.npz are those of the last fit or forecast into
    the folder; name another one to keep two models.
    """
    from pararnn_ts.cli.fitting import fit_model
    from pararnn_ts.cli.reading import count_steps, read_data
    from pararnn_ts.cli.saved import continue_results, load_saved
    from pararnn_ts.cli.writing import Folder
    from pararnn_ts.models.arguments import check_alpha
    from pararnn_ts.models.pararnn import ParaRNN
    from pararnn_ts.results.base import RecurrentResults

    folder, alpha = Folder(out), check_alpha(alpha)
    options = Options(units, lags, linear_lags, activation, trend, seasonal, period, diff, select, seed)
    results: Any = None
    series = future = None
    if model is not None:
        options.require_none(SAVED)
        results = load_saved(model, RecurrentResults)
        if data is not None:
            results, future = continue_results(results, data, column, index, exog or (), freq)
        n, exogenous = results.model.nobs, bool(results.model.exog_labels)
    else:
        series = read_data(_required(data), column, index, exog or (), freq)
        future = series.future_exog
        n, exogenous = len(series.endog), series.exog is not None
    known = 0 if future is None else len(future)
    ahead = count_steps(steps, max(1, min(24, n // 5)), known if exogenous else None)
    future = None if future is None else future.iloc[:ahead]
    if series is not None:
        if exogenous:  # what is wrong with the future is said before the fit
            ParaRNN(series.endog, series.exog).future_exog(future, ahead)
        results, _ = fit_model(series, options)
    frame = results.get_forecast(ahead, exog=future, rng=seed).summary_frame(alpha=alpha)
    folder.text("summary.txt", results.summary().as_text())
    folder.table("forecast.csv", frame)
    results.save(folder.file("model.npz"))
    if not results.data_removed:  # without observations there is nothing to draw the forecasts beside
        n = results.model.nobs
        first = max(n - 4 * ahead, 0)
        folder.figure("forecast.png", results.plot_predict(first, n + ahead - 1, exog=future, alpha=alpha, rng=seed))
    typer.echo(frame.to_string(float_format=lambda value: f"{value:.6g}"))
    typer.echo(folder.said())


@_command
def panel(
    data: CsvSince = None,
    model: Model = None,
    id_col: Annotated[
        str | None, typer.Option("--id", help="Column with the name of the series; unique_id by default.")
    ] = None,
    time_col: Annotated[
        str | None, typer.Option("--time", help="Column of dates, periods or integers; ds by default.")
    ] = None,
    target_col: Annotated[str | None, typer.Option("--target", help="Column of the values; y by default.")] = None,
    exog: Annotated[
        list[str] | None,
        typer.Option(
            "--exog",
            "-x",
            help="Exogenous column; give the option again for more. Rows after the last value of a series are its "
            "future.",
        ),
    ] = None,
    freq: Freq = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Periods to forecast; by default 12, with exogenous columns as many as they are known for.", min=1
        ),
    ] = None,
    level: Annotated[
        list[float] | None, typer.Option(help="Coverage of intervals in per cent; give the option again for more.")
    ] = None,
    units: Units = None,
    lags: Lags = None,
    linear_lags: LinearLags = None,
    activation: Activation = "tanh",
    trend: Trend = "c",
    seasonal: Seasonal = False,
    period: Period = None,
    diff: Diff = 0,
    select: Annotated[
        bool, typer.Option("--select", help="Choose differences, season, lags and units of each series by evidence.")
    ] = False,
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """
    Fit and forecast many series, one row of the file for each series and time, or with --model go on with saved ones.

    With --model, DATA.CSV holds what was observed since: rows that the panel knows already are passed over, the others
    must follow their series, and columns are those of the panel unless they are named. Parameters stay as they are. Of
    a panel with exogenous columns it may hold the future alone, rows in which the value is empty.

    Prints the summary of the panel and writes it with the table of the series, forecasts and the panel (panel.npz, for
    prt.load).
    """
    import pandas as pd

    import pararnn_ts as prt
    from pararnn_ts.cli.fitting import panel_options
    from pararnn_ts.cli.reading import count_steps, known_ahead, read_panel, split_panel
    from pararnn_ts.cli.saved import continue_panel, load_saved
    from pararnn_ts.cli.writing import Folder
    from pararnn_ts.panel.forecasts import check_levels, future_values
    from pararnn_ts.panel.frame import read_long
    from pararnn_ts.panel.panel import Panel

    # what is wrong with these is said before many series are fitted
    folder, levels = Folder(out), check_levels(level or None)
    options = Options(units, lags, linear_lags, activation, trend, seasonal, period, diff, select or None, seed)
    future = None
    if model is not None:
        options.require_none(SAVED)
        fitted = load_saved(model, Panel)
        if data is not None:
            fitted, future = continue_panel(fitted, data, id_col, time_col, target_col, exog or (), freq)
        ids, named, exogenous = fitted.fitted_ids, fitted.ids.name, bool(fitted._frame.columns.exog)
    else:
        names = id_col or "unique_id", time_col or "ds", target_col or "y"
        sample, exogenous, named = read_panel(_required(data), *names, exog or (), freq), bool(exog), names[0]
        if exogenous:
            sample, future = split_panel(sample, *names)
        ids = pd.Index(sample.loc[sample[names[2]].notna(), named].unique())
        if not len(ids):
            raise ValueError(f"Column {names[2]!r} of {data} has no values; name another with --target.")
    ahead = count_steps(steps, 12, *(known_ahead(future, named, ids) if exogenous else (None,)))
    if model is None:
        if exogenous:
            future_values(read_long(sample, *names, exog, freq), ids, future, ahead)
        fitted = prt.fit_panel(
            sample, id_col=names[0], time_col=names[1], target_col=names[2], exog_cols=exog, freq=freq, rng=seed,
            **panel_options(options),
        )  # fmt: skip
    summary = fitted.summary().as_text()
    folder.text("summary.txt", summary)
    folder.table("series.csv", fitted.table)
    fitted.save(folder.file("panel.npz"))
    folder.table("forecast.csv", fitted.forecast(ahead, exog=future, level=levels, rng=seed), index=False)
    typer.echo(summary)
    typer.echo(folder.said())


@_command
def compare(
    data: Csv,
    column: Column = None,
    index: Index = None,
    exog: Exog = None,
    freq: Freq = None,
    holdout: Holdout = "0.2",
    horizon: Horizon = 1,
    refit_every: RefitEvery = None,
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """
    Compare a ParaRNN with ARMA, AR, an Elman network and naive forecasts.

    Orders are selected before the holdout, which is forecast from a rolling origin. Prints the comparison and writes it
    with all forecasts and a figure.
    """
    from pararnn_ts.cli.writing import Folder

    folder = Folder(out)
    comparison = _compared(data, column, index, exog, freq, holdout, horizon, refit_every, seed)
    folder.text("comparison.txt", str(comparison))
    folder.table("comparison.csv", comparison.table.rename_axis("model"))
    folder.table("comparison_forecasts.csv", comparison.forecasts, index=False)
    folder.figure("comparison.png", comparison.plot())
    typer.echo(str(comparison))
    typer.echo(folder.said())


@_command
def report(
    data: Csv,
    column: Column = None,
    index: Index = None,
    exog: Exog = None,
    freq: Freq = None,
    holdout: Annotated[str | None, typer.Option(help="Report a comparison on this holdout, as of compare.")] = None,
    horizon: Horizon = 1,
    refit_every: RefitEvery = None,
    units: Units = None,
    lags: Lags = None,
    linear_lags: LinearLags = None,
    activation: Activation = "tanh",
    trend: Trend = "c",
    seasonal: Seasonal = False,
    period: Period = None,
    diff: Diff = 0,
    select: Select = None,
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """
    Write a fitted ParaRNN, or with --holdout a comparison, as one HTML file.

    The file holds tables and figures and needs nothing else.
    """
    from pararnn_ts.cli.fitting import fit_model
    from pararnn_ts.cli.reading import read_data
    from pararnn_ts.cli.writing import Folder
    from pararnn_ts.reporting import report as write

    folder = Folder(out)
    options = Options(units, lags, linear_lags, activation, trend, seasonal, period, diff, select, seed)
    subject: Any
    if holdout is None:
        if horizon != 1 or refit_every is not None:
            raise ValueError("--horizon and --refit-every belong to a comparison; give --holdout, too, or neither.")
        subject, _ = fit_model(read_data(data, column, index, exog or (), freq), options)
    else:
        options.require_none("--holdout compares models that it chooses itself; leave out options that name one.")
        subject = _compared(data, column, index, exog, freq, holdout, horizon, refit_every, seed)
    write(subject, folder.file("report.html"))
    typer.echo(folder.said())


def _required(data: Path | None) -> Path:
    if data is None:
        raise ValueError("DATA.CSV is needed to fit a model; give a csv file, or --model with one that was saved.")
    return data


def _compared(
    data: Path,
    column: str | None,
    index: str | None,
    exog: list[str] | None,
    freq: str | None,
    holdout: str,
    horizon: int,
    refit_every: int | None,
    seed: int,
) -> Any:
    from pararnn_ts.cli.fitting import parse_holdout
    from pararnn_ts.cli.reading import read_data
    from pararnn_ts.comparison import compare as function

    series = read_data(data, column, index, exog or (), freq)
    chosen = parse_holdout(holdout, len(series.endog))
    return function(series.endog, series.exog, holdout=chosen, horizon=horizon, refit_every=refit_every, rng=seed)
