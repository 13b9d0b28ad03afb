"""What the commands leave in the folder of results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Folder"]


class Folder:
    """
    A folder for results that remembers what was written into it.

    Parameters
    ----------
    path : Path
        The folder; made when the first file is written.

    Raises
    ------
    ValueError
        It could not be written to. Whoever makes this object before a long computation loses none.
    """

    def __init__(self, path: Path):
        there = next(part for part in (path, *path.absolute().parents) if part.exists())
        if not (there.is_dir() and os.access(there, os.W_OK)):
            raise ValueError(f"--out {path}: {there} is no folder that can be written to; name another.")
        self.path = path
        self.files: list[Path] = []

    def file(self, name: str) -> Path:
        """Path of a file that is about to be written."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.files.append(self.path / name)
        return self.files[-1]

    def said(self) -> str:
        """Say what was written."""
        return f"Wrote to {self.path}: {', '.join(file.name for file in self.files)}"

    def text(self, name: str, text: str) -> None:
        """Write a text."""
        self.file(name).write_text(text.rstrip() + "\n", encoding="utf-8")

    def table(self, name: str, frame: pd.DataFrame, *, index: bool = True) -> None:
        """Write a table as csv."""
        frame.to_csv(self.file(name), index=index)

    def figure(self, name: str, figure: Any) -> None:
        """Write a figure as PNG and close it."""
        import matplotlib.pyplot as plt

        figure.savefig(self.file(name), dpi=150)
        plt.close(figure)

    def fitted(self, results: Any) -> None:
        """Write all there is to know of fitted results."""
        self.text("summary.txt", results.summary().as_text())
        interval = np.asarray(results.conf_int())
        params = pd.DataFrame(
            {
                "coef": results.params,
                "std_err": results.bse,
                "z": results.tvalues,
                "pvalue": results.pvalues,
                "lower": interval[:, 0],
                "upper": interval[:, 1],
            },
            index=pd.Index(results.model.param_names, name="parameter"),
        )
        self.table("params.csv", params)
        parts = results.components.assign(fitted=results.fittedvalues, observed=results.model.endog)
        self.table("components.csv", parts)
        results.save(self.file("model.npz"))
        self.figure("components.png", results.plot_components())
        self.figure("diagnostics.png", results.plot_diagnostics())
        if results.model.units:
            self.table("recurrence_features.csv", results.recurrence_features.rename_axis("unit"))
            self.figure("recurrence.png", results.plot_recurrence())
