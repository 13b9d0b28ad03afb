"""Pieces of `speed.py` that time the way to an equal loss: this package, JAX and torch."""

import json
import time
import warnings

from equal_loss import (
    MODELS,
    N_STARTS,
    SEEDS,
    SERIES,
    STATES,
    UNITS,
    own_record,
    own_seconds,
    own_starts,
    task,
    times_to_reach,
    usual_starts,
)
from speed import file_of

SHAPES = {"ParaRNN": UNITS, "ElmanRNN": (STATES,)}
STARTS = {"usual": usual_starts, "own": own_starts}
# models of this package whose losses are goals of a network, and seconds after which it gives up
GOALS = {"ParaRNN": ("ParaRNN",), "ElmanRNN": ("ParaRNN", "ElmanRNN"), "nn.RNN": ("ParaRNN", "ElmanRNN"),
         "nn.LSTM": ("ParaRNN", "LSTM"), "sum of nn.RNN": ("ParaRNN",)}  # fmt: skip
CAP = {"ParaRNN": 12.0, "ElmanRNN": 12.0, "nn.RNN": 25.0, "nn.LSTM": 12.0, "sum of nn.RNN": 25.0}


def own(series: str, kind: str) -> dict:
    """Goals of a model of this package, and its seconds to reach them."""
    y = SERIES[series]()
    record = own_record(kind, y)
    repeats = 5 if kind == "ParaRNN" else 1
    return {**record, "seconds": own_seconds(kind, y, record["evaluations"], repeats)}


def _records(series: str, kind: str) -> tuple[dict[str, float], list]:
    """Goals of a network, and the evaluations that `ParaRNN` needs to reach its own."""
    found = {name: file_of(f"goal {series} {name}") for name in GOALS[kind]}
    records = {name: json.loads(file.read_text()) for name, file in found.items() if file.exists()}
    goals = {goal: value for record in records.values() for goal, value in record["goals"].items()}
    return goals, records["ParaRNN"]["evaluations"]


def jax(series: str, kind: str, variant: str, starts: str) -> dict:
    """
    One optimiser in JAX, sixteen starts, three seeds; and `ParaRNN` measured beside it.

    Parameters
    ----------
    series, kind, variant, starts : str
        Series, model, optimiser, and whether its starts are the usual ones of networks or those of this package.
    """
    import peers_jax

    y = SERIES[series]()
    model = MODELS[kind](y)
    goals, evaluations = _records(series, kind)
    began = time.perf_counter()
    run = peers_jax.compiled(variant, task(model), SHAPES[kind], N_STARTS)
    compilation = time.perf_counter() - began
    runs = [times_to_reach(run(STARTS[starts](model, seed)), goals, CAP[kind]) for seed in SEEDS]
    return {"compile": compilation, "runs": runs, "own": own_seconds("ParaRNN", y, evaluations, 3)}


def torch(series: str, kind: str, rate: float) -> dict:
    """Adam in torch from one start by seed; and `ParaRNN` measured beside it."""
    import peers_torch

    y = SERIES[series]()
    work = task(MODELS["ParaRNN"](y))
    goals, evaluations = _records(series, kind)
    next(peers_torch.adam(kind, work, rate, 0))
    runs = [times_to_reach(peers_torch.adam(kind, work, rate, seed), goals, CAP[kind]) for seed in SEEDS]
    return {"runs": runs, "own": own_seconds("ParaRNN", y, evaluations, 3)}


warnings.simplefilter("ignore")
