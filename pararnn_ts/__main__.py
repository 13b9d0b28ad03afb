"""Command line as ``python -m pararnn_ts``."""

from pararnn_ts.cli import main

if __name__ == "__main__":
    main()
