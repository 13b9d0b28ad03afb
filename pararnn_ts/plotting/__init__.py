"""Figures of results and comparisons; matplotlib is imported when the first one is drawn."""

from pararnn_ts.plotting.comparison import plot_comparison
from pararnn_ts.plotting.components import plot_components
from pararnn_ts.plotting.diagnostics import plot_diagnostics
from pararnn_ts.plotting.prediction import plot_predict
from pararnn_ts.plotting.recurrence import plot_lag_response, plot_recurrence
from pararnn_ts.plotting.sista import plot_codes, plot_dictionary, plot_reconstruction, plot_transition
from pararnn_ts.plotting.stability import plot_stability

__all__ = [
    "plot_codes",
    "plot_comparison",
    "plot_components",
    "plot_diagnostics",
    "plot_dictionary",
    "plot_lag_response",
    "plot_predict",
    "plot_reconstruction",
    "plot_recurrence",
    "plot_stability",
    "plot_transition",
]
