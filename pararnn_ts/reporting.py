"""A fitted model or a comparison as one HTML file that needs nothing else: tables, figures and what they mean."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from pararnn_ts._compat import unheard_warnings
from pararnn_ts.models.arguments import check_count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["report"]


class _Section(NamedTuple):
    """One part of the report: a heading, some sentences, a table and a figure."""

    title: str
    text: str = ""
    table: str = ""
    figure: str = ""


def report(results_or_comparison: Any, path: str | PathLike[str], *, title: str | None = None, steps: int = 0) -> Path:
    """
    Write results or a comparison to a self-contained HTML file.

    Parameters
    ----------
    results_or_comparison
        Results of a model of this package, or what :func:`pararnn_ts.compare` returns.
    path : str or path-like
        Where to write the file.
    title : str, optional
        Heading of the report.
    steps : int
        Forecasts of results to show; 0: a fifth of the sample, at most 24. Models with exogenous columns, whose future
        is not known, and SISTARNN are shown without forecasts.

    Returns
    -------
    Path
        The file.

    Notes
    -----
    Needs jinja2: ``pip install "pararnn-ts[report]"``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import pararnn_ts as prt
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = prt.report(results, pathlib.Path(folder) / "nile.html")
    ...     file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    True
    """
    template = _template()
    steps = check_count(steps, "steps", least=0)
    if hasattr(results_or_comparison, "forecasts") and hasattr(results_or_comparison, "table"):
        heading = title or f"Forecasts of {results_or_comparison.endog.name} compared"
        sections = _comparison_sections(results_or_comparison)
    elif hasattr(results_or_comparison, "get_prediction") and hasattr(results_or_comparison, "require_data"):
        results_or_comparison.require_data()
        model = results_or_comparison.model
        heading = title or f"{type(model).__name__} of {model.endog_name}"
        sections = _results_sections(results_or_comparison, steps)
    elif hasattr(results_or_comparison, "plot_codes"):
        heading = title or f"SISTARNN of {len(results_or_comparison.model.endog_names)} sensors"
        sections = _sparse_sections(results_or_comparison)
    else:
        raise TypeError(
            f"results_or_comparison must be results of a model or a comparison, but is a "
            f"{type(results_or_comparison).__name__}; pass what fit() or compare() returns."
        )
    with _agg():
        page = template.render(title=heading, sections=list(sections), version=_version(), time=datetime.now(UTC))
    path = Path(path)
    path.write_text(page, encoding="utf-8")
    return path


def _template() -> Any:
    try:
        from jinja2 import Environment
    except ModuleNotFoundError as error:
        raise ImportError(
            'report needs jinja2, which is not installed; run pip install "pararnn-ts[report]".'
        ) from error
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)


def _version() -> str:
    from pararnn_ts import __version__

    return __version__


@contextmanager
def _agg() -> Iterator[None]:
    """Draw without a window, and leave the user's figures alone."""
    import matplotlib.pyplot as plt

    before = set(plt.get_fignums())
    with plt.rc_context({"figure.max_open_warning": 0}):
        try:
            yield
        finally:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)


def _results_sections(results: Any, steps: int) -> Iterator[_Section]:
    from pararnn_ts import plotting

    model = results.model
    yield _Section("Summary", table=results.summary().as_html())
    n = len(model._y)
    ahead = steps or max(1, min(24, n // 5))
    if model._x is None:
        start = max(0, n - 4 * ahead)
        yield _Section(
            "Forecasts",
            f"One-step predictions of the last {n - start} observations and forecasts of the next {ahead}, with 95 % "
            "intervals from simulated paths.",
            figure=_image(lambda: plotting.plot_predict(results, start, n + ahead - 1, rng=0)),
        )
    else:
        yield _Section(
            "Predictions",
            "One-step predictions inside the sample. Forecasts need future values of the exogenous columns.",
            figure=_image(lambda: plotting.plot_predict(results)),
        )
    if getattr(getattr(model, "specification", None), "units", ()):
        yield from (_cell_sections if hasattr(results, "plot_stability") else _unit_sections)(results)
    yield _Section(
        "Diagnostics",
        "Residuals over their standard deviation. Those of a model that has taken in all there is to learn look like "
        "white noise.",
        figure=_image(lambda: plotting.plot_diagnostics(results)),
    )


def _unit_sections(results: Any) -> Iterator[_Section]:
    from pararnn_ts import plotting

    yield _Section(
        "Components",
        "The fitted values taken apart; the parts add up to them. Bands are pointwise 95 % intervals.",
        figure=_image(lambda: plotting.plot_components(results)),
    )
    yield _Section(
        "Recurrence",
        "What each unit remembers and for how long, with standard errors. The memory of a regular unit decays, that of "
        "an alternating one changes sign at every step, that of a cyclical one oscillates. Frequencies are cycles per "
        "step; periods and half-lives are steps.",
        _feature_html(results.recurrence_features),
        _image(lambda: plotting.plot_recurrence(results)),
    )
    yield _Section(
        "Lag responses over time",
        "How strongly each unit responds at each time to an input so many steps back. A linear unit responds alike at "
        "all times.",
        figure=_image(lambda: plotting.plot_lag_response(results)),
    )


def _cell_sections(results: Any) -> Iterator[_Section]:
    from pararnn_ts import plotting

    yield _Section(
        "Components",
        "The fitted values taken apart; the parts add up to them.",
        figure=_image(lambda: plotting.plot_components(results)),
    )
    yield _Section(
        "Stability",
        "Left: steps times eigenvalues of the vector field along the fitted path, one step at a time. Right: how the "
        "gradient of the last prediction travels back in time. Eigenvalues frozen in time prove nothing about products "
        "of steps.",
        f"<pre>{html.escape(str(results.stability()))}</pre>",
        _image(lambda: plotting.plot_stability(results)),
    )


def _sparse_sections(results: Any) -> Iterator[_Section]:
    yield _Section("Summary", table=results.summary().as_html())
    yield _Section(
        "Reconstruction",
        "The signals that were recovered, of the first sequence of a panel of many.",
        figure=_image(results.plot_reconstruction),
    )
    yield _Section(
        "Codes",
        "Weights of the atoms over time; a code of zero does not use its atom.",
        figure=_image(results.plot_codes),
    )
    yield _Section(
        "Dictionary",
        "The atoms that explain most. A grey line is the atom before training.",
        figure=_image(results.plot_dictionary),
    )
    yield _Section(
        "Transition",
        "Where a signal moves to within one step; eigenvalues within the unit circle decay.",
        figure=_image(results.plot_transition),
    )


def _comparison_sections(comparison: Any) -> Iterator[_Section]:
    from pararnn_ts import plotting

    yield _Section("Summary", table=comparison.summary().as_html())
    yield _Section(
        "Forecasts and scores",
        "The middle panel adds up the squared errors of each model over time, less those of the reference: a line "
        "falls where its model forecasts better.",
        figure=_image(lambda: plotting.plot_comparison(comparison)),
    )


def _feature_html(features: pd.DataFrame) -> str:
    """Recurrence features, a column for each unit and the standard errors in brackets."""
    rows = {}
    for name in features.columns:
        if name.endswith("_se") or (features[name] == "").all():
            continue
        error = features.get(f"{name}_se")
        rows[name.replace("_", "-")] = [
            _cell(value, None if error is None else error.iloc[number]) for number, value in enumerate(features[name])
        ]
    return _frame_html(pd.DataFrame(rows, index=features.index).T)


def _cell(value: Any, error: float | None = None) -> str:
    if not isinstance(value, (float, np.floating)):
        return str(value)
    if np.isnan(value):
        return ""
    text = "∞" if np.isinf(value) else f"{value:.4g}"
    return text if error is None or not np.isfinite(error) else f"{text} ({error:.2g})"


def _frame_html(frame: pd.DataFrame) -> str:
    frame = frame.rename_axis(index=None, columns=None)
    return frame.map(_cell).to_html(border=0, classes="plain", justify="right", na_rep="")


def _image(draw: Callable[[], Figure]) -> str:
    """PNG of a figure as a data address."""
    import matplotlib.pyplot as plt

    # what a forecast warns about stands in the notes of the summary
    with unheard_warnings():
        figure = draw()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    plt.close(figure)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid #ddd; padding-bottom: .25rem; }
nav { margin: 1rem 0 0; } nav a { margin-right: 1rem; } a { color: #0072b2; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; margin: .5rem 0; }
caption { font-weight: 600; text-align: left; padding: .25rem 0; }
th, td { padding: .15rem .7rem .15rem 0; text-align: right; white-space: nowrap; }
table.plain td { white-space: normal; max-width: 16rem; }
th { font-weight: 600; } th:first-child { text-align: left; }
tr { border-bottom: 1px solid #eee; }
img { width: 100%; height: auto; }
footer, .small { color: #666; font-size: .85rem; }
@media print { nav { display: none; } h2 { break-after: avoid; } img { break-inside: avoid; } }
</style>
</head>
<body>
<header>
<h1>{{ title }}</h1>
<div class="small">pararnn_ts {{ version }}, {{ time.strftime("%Y-%m-%d %H:%M") }} UTC</div>
<nav>
{% for section in sections %}
<a href="#section{{ loop.index }}">{{ section.title }}</a>
{% endfor %}
</nav>
</header>
<main>
{% for section in sections %}
<section id="section{{ loop.index }}">
<h2>{{ section.title }}</h2>
{% if section.text %}
<p>{{ section.text }}</p>
{% endif %}
{% if section.table %}
<div class="scroll">{{ section.table | safe }}</div>
{% endif %}
{% if section.figure %}
<img src="{{ section.figure }}" alt="{{ section.title }}">
{% endif %}
</section>
{% endfor %}
</main>
</body>
</html>
"""
