"""The command line: fit, forecast, compare and report from a csv file."""

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; the console script ``pararnn-ts`` and ``python -m pararnn_ts`` are this function."""
    try:
        from pararnn_ts.cli.commands import app
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        print('Error: the command line needs typer; run pip install "pararnn-ts[cli]".', file=sys.stderr)
        raise SystemExit(2) from None
    os.environ.setdefault("MPLBACKEND", "Agg")  # figures go to files, also where there is no display
    app(prog_name="pararnn-ts")
