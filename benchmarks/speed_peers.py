"""Pieces of `speed.py` that time the way to an equal loss: this package, JAX and torch."""

import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from equal_loss import (
    EASY,
    MODELS,
    N_STARTS,
    SEEDS,
    SERIES,
    STATES,
    UNITS,
    fewest,
    fit,
    loss,
    own_record,
    own_seconds,
    own_starts,
    task,
    times_to_reach,
    together_by_goal,
    usual_starts,
)
from speed import file_of

SHAPES = {"ParaRNN": UNITS, "ElmanRNN": (STATES,)}
STARTS = {"usual": usual_starts, "own": own_starts}
# models of this package whose losses are goals of a network
GOALS = {"ParaRNN": ("ParaRNN",), "ElmanRNN": ("ParaRNN", "ElmanRNN"), "nn.RNN": ("ParaRNN", "ElmanRNN"),
         "nn.LSTM": ("ParaRNN", "LSTM"), "sum of nn.RNN": ("ParaRNN",)}  # fmt: skip
# seconds after which a network gives up
CAP = {"ParaRNN": 8.0, "ElmanRNN": 12.0, "nn.RNN": 25.0, "nn.LSTM": 25.0, "sum of nn.RNN": 20.0}
# who goes on until this is so many times what `ElmanRNN` takes to come within a per cent of its own loss, and seconds
# above which nobody does: optimisers that come nearest to that loss
BOUND = {("ElmanRNN", "L-BFGS of scipy"): 22.0, ("nn.RNN", 0.1): 215.0, ("nn.RNN", 0.03): 215.0}
LONGEST = 110.0
# models of this package that take turns with the network, and repeats of their fits
BESIDE = {"ElmanRNN": 1, "ParaRNN": 3}


def own(series: str, kind: str) -> dict:
    """Goals of a model of this package, and its seconds to reach them."""
    y = SERIES[series]()
    record = own_record(kind, y)
    repeats = 5 if kind == "ParaRNN" else 1
    found = [own_seconds(kind, y, seed, n, repeats) for seed, n in zip(SEEDS, record["evaluations"], strict=True)]
    return {**record, "seconds": together_by_goal(found)}


def coupled(series: str, n_starts: int) -> dict:
    """`ElmanRNN` of this package on its way to the loss of `ParaRNN`, and `ParaRNN` measured beside it."""
    y = SERIES[series]()
    records = _records(series, "ParaRNN")
    goals = _goals(records)
    runs, beside = [], []
    for seed, limits in zip(SEEDS, records["ParaRNN"]["evaluations"], strict=True):
        needed = fewest("ElmanRNN", y, seed, goals, EASY, n_starts)
        seconds = own_seconds("ElmanRNN", y, seed, needed, 5, n_starts)
        value = loss(fit("ElmanRNN", y, seed, n_starts=n_starts))
        runs.append({"seconds": seconds, "spent": seconds["whole"], "steps": 200, "loss": value})
        beside.append(own_seconds("ParaRNN", y, seed, limits, 5))
    return {"runs": runs, "own": together_by_goal(beside)}


def _records(series: str, kind: str) -> dict[str, dict]:
    """What models of this package have set as goals of a network, by model."""
    found = {name: file_of(f"goal {series} {name}") for name in GOALS[kind]}
    return {name: json.loads(file.read_text()) for name, file in found.items() if file.exists()}


def _goals(records: dict[str, dict]) -> dict[str, float]:
    return {goal: value for record in records.values() for goal, value in record["goals"].items()}


def _cap(records: dict[str, dict], kind: str, variant: str | float) -> float:
    """Seconds after which a network gives up."""
    if "ElmanRNN" not in records or (kind, variant) not in BOUND:
        return CAP[kind]
    seconds = records["ElmanRNN"]["seconds"]["ElmanRNN 0.01"]
    own = statistics.median(np.inf if value is None else value for value in seconds)
    return max(CAP[kind], min(LONGEST, BOUND[kind, variant] * own))


def _by_turns(series: str, kind: str, variant: str | float, chunks: Callable[[int], Iterator[np.ndarray]]) -> dict:
    """Seconds of a peer to each goal, and those of the models of this package, one seed after the other."""
    y = SERIES[series]()
    records = _records(series, kind)
    goals, cap, runs, beside = _goals(records), _cap(records, kind, variant), [], []
    for number, seed in enumerate(SEEDS):
        runs.append(times_to_reach(chunks(seed), goals, cap))
        own = {}
        for name, repeats in BESIDE.items():
            if name in records:
                own |= own_seconds(name, y, seed, records[name]["evaluations"][number], repeats)
        beside.append(own)
    return {"runs": runs, "own": together_by_goal(beside)}


def jax(series: str, kind: str, variant: str, starts: str) -> dict:
    """
    One optimiser in JAX, sixteen starts, three seeds; and `ParaRNN` measured beside it.

    Parameters
    ----------
    series, kind, variant, starts : str
        Series, model, optimiser, and whether its starts are the usual ones of networks or those of this package.
    """
    import peers_jax

    model = MODELS[kind](SERIES[series]())
    began = time.perf_counter()
    run = peers_jax.compiled(variant, task(model), SHAPES[kind], N_STARTS)
    compilation = time.perf_counter() - began
    return {"compile": compilation, **_by_turns(series, kind, variant, lambda seed: run(STARTS[starts](model, seed)))}


def torch(series: str, kind: str, rate: float) -> dict:
    """Adam in torch from one start by seed; and `ParaRNN` measured beside it."""
    import peers_torch

    work = task(MODELS["ParaRNN"](SERIES[series]()))
    next(peers_torch.adam(kind, work, rate, 0))
    return _by_turns(series, kind, rate, lambda seed: peers_torch.adam(kind, work, rate, seed))


warnings.simplefilter("ignore")
