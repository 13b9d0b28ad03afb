"""Many series: each fitted by itself, by threads, a CUDA device, or other processes and machines."""

from pararnn_ts.panel.panel import Panel, fit_panel

__all__ = ["Panel", "fit_panel"]
