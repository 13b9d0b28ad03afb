"""
Time series models that you can read: sums of small recurrent units, with the statistics of a statsmodels ARMA model.

Names are imported when they are first used, so that importing the package costs little more than importing statsmodels.
"""

import warnings
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pararnn_ts import datasets
    from pararnn_ts.comparison import compare, rolling_forecast
    from pararnn_ts.models.elman import ElmanRNN
    from pararnn_ts.models.lstm import LSTM
    from pararnn_ts.models.odernn import ODERNN
    from pararnn_ts.models.pararnn import ParaRNN
    from pararnn_ts.models.qunn import QUNN
    from pararnn_ts.models.sista import SISTARNN
    from pararnn_ts.panel import fit_panel
    from pararnn_ts.reporting import report
    from pararnn_ts.results.persistence import load
    from pararnn_ts.selection import select_order
    from pararnn_ts.warming import warmup

try:
    __version__ = version("pararnn-ts")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "unknown"

_HOMES = {
    "LSTM": "pararnn_ts.models.lstm",
    "ODERNN": "pararnn_ts.models.odernn",
    "QUNN": "pararnn_ts.models.qunn",
    "ElmanRNN": "pararnn_ts.models.elman",
    "ParaRNN": "pararnn_ts.models.pararnn",
    "SISTARNN": "pararnn_ts.models.sista",
    "compare": "pararnn_ts.comparison",
    "fit_panel": "pararnn_ts.panel",
    "load": "pararnn_ts.results.persistence",
    "report": "pararnn_ts.reporting",
    "rolling_forecast": "pararnn_ts.comparison",
    "select_order": "pararnn_ts.selection",
    "warmup": "pararnn_ts.warming",
}

__all__ = [
    "LSTM",
    "ODERNN",
    "QUNN",
    "SISTARNN",
    "ElmanRNN",
    "ParaRNN",
    "__version__",
    "compare",
    "datasets",
    "fit_panel",
    "load",
    "report",
    "rolling_forecast",
    "select_order",
    "warmup",
]


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("pararnn_ts.datasets")
    if name in _HOMES:
        chosen = list(warnings.filters)
        home = import_module(_HOMES[name])
        # statsmodels, imported only now, asks that its warnings be shown: what was chosen before counts more
        added = [one for one in warnings.filters if one not in chosen]
        if added:
            warnings.filters = [*chosen, *added]
        return getattr(home, name)
    raise AttributeError(f"module 'pararnn_ts' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
