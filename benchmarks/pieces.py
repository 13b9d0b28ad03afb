"""Long studies in resumable pieces: each is computed once, kept in a file, and comes out the same if repeated."""

import argparse
import json
import os
import platform
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd
import statsmodels

FOLDER = Path(__file__).parent.parent / "build" / "studies"


def compute(
    study: str,
    keys: Iterable[tuple[Hashable, ...]],
    piece: Callable[..., Any],
    folder: Path = FOLDER,
    jobs: int = 1,
    fresh: bool = False,
) -> dict[tuple[Hashable, ...], Any]:
    """
    Results of ``piece(*key)`` for each key, from the file of the piece where there is one.

    Parameters
    ----------
    study : str
        Name of the study, the first part of the names of the files.
    keys : iterable of tuple
        Arguments of the pieces.
    piece : callable
        A function of a module, whose result can be written as JSON.
    folder : Path
        Where the pieces are.
    jobs : int
        Processes.
    fresh : bool
        Whether to compute all pieces again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = list(keys)
    files = {key: folder / f"{'_'.join([study, *map(str, key)]).replace(' ', '-')}.json" for key in keys}
    missing = [key for key in keys if fresh or not files[key].exists()]
    with ProcessPoolExecutor(jobs) as pool:
        for key, result in zip(missing, pool.map(piece, *zip(*missing, strict=True)) if missing else (), strict=True):
            part = files[key].with_suffix(".part")
            part.write_text(json.dumps(result))
            os.replace(part, files[key])
            print(study, *key, flush=True)
    return {key: json.loads(files[key].read_text()) for key in keys}


def versions() -> str:
    """What the figures were computed with."""
    return (
        f"Python {platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}, "
        f"pandas {pd.__version__}, statsmodels {statsmodels.__version__}"
    )


def markdown(rows: list[dict[str, Any]]) -> list[str]:
    """Lines of a Markdown table, one row for each dictionary; none without rows."""
    if not rows:
        return []
    head = list(rows[0])
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(str(row[name]) for name in head)} |" for row in rows),
    ]


def publish(report: Callable[[], str], about: str | None) -> None:
    """
    Read the command line of a study, make its report, print it, and write it to the file that ``--out`` names.

    Parameters
    ----------
    report : callable
        Returns the report; called once the command line is found to be in order.
    about : str
        What the study says of itself.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="Markdown file for the tables")
    out = parser.parse_args().out
    text = report()
    print(text)
    if out:
        out.write_text(text, encoding="utf-8")
