"""Panels fitted in the CUDA simulator, written to the file that the command line names; small, because it is slow."""

import sys
import warnings

import numpy as np
import pandas as pd
from panels import values

import pararnn_ts as prt
from pararnn_ts.panel import engines
from pararnn_ts.panel.task import Fitted


def frame():
    """Series of two lengths, among them a constant one and one with a gap."""
    parts = {"a": values(30, 0), "b": values(24, 1), "c": np.ones(20), "d": values(25, 2), "e": values(30, 3)}
    parts["d"][11] = np.nan
    return pd.concat([pd.DataFrame({"unique_id": name, "ds": range(len(y)), "y": y}) for name, y in parts.items()])


def fit(device, errors):
    return prt.fit_panel(frame(), units=(1,), n_starts=2, maxiter=40, errors=errors, device=device)


def figures(device):
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for errors in ("normal", "t"):
            panel = fit(device, errors)
            found[f"{errors}.table"] = panel.table[["nobs", "llf", "log_evidence", "scale"]].to_numpy(float)
            found[f"{errors}.params"] = panel.params.to_numpy()
    return found


if __name__ == "__main__":
    handed = []
    original = engines.estimate_on_device

    def counted(problems, *args):
        handed.append(len(problems))
        return original(problems, *args)

    engines.estimate_on_device = counted
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        panel = fit("cuda", "normal")
    devices = [one.device if isinstance(one, Fitted) else "-" for one in panel._outcomes]
    text = " ".join(str(warning.message) for warning in said)
    counts = list(handed)
    np.savez(sys.argv[1], **figures("cuda"), handed=counts, devices=devices, said=text)
