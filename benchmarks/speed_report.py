"""Tables and figure of what `speed.py` has measured."""

import json
import statistics
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from pieces import markdown
from scipy.optimize import nnls

RESULTS = Path(__file__).parent / "results"
GAPS = ("0.01", "0.001")
# how peers of the time to equal loss are called, by the beginnings of the names of their pieces
PEERS = {
    "JAX, same model, usual starts": "peer JAX {}, ParaRNN, usual starts, ",
    "JAX, same model, our starts": "peer JAX {}, ParaRNN, own starts, ",
    "torch, sum of nn.RNN": "peer torch {}, sum of nn.RNN, ",
    "JAX, Elman RNN": "peer JAX {}, ElmanRNN, usual starts, ",
    "torch nn.RNN": "peer torch {}, nn.RNN, ",
    "torch nn.LSTM": "peer torch {}, nn.LSTM, ",
    "this package, ElmanRNN": "peer own {}, ElmanRNN, ",
}
# which of them a bar was set for
ASKED_PEERS = (
    ("JAX, same model, L-BFGS, 16 starts vmapped", "peer JAX {}, ParaRNN, usual starts, L-BFGS, ", 20),
    ("JAX, same model, the best of all optimisers", "peer JAX {}, ParaRNN, usual starts, ", 20),
    ("torch, same model, Adam", "peer torch {}, sum of nn.RNN, ", 200),
    ("torch nn.RNN of as many states, Adam", "peer torch {}, nn.RNN, ", 200),
)
# bars for networks as coupled as ElmanRNN on the way to its own loss
ASKED_COUPLED = {"JAX, Elman RNN": 20, "torch nn.RNN": 200}
# what else has a goal of its own: peers, and the model of this package whose loss it is
COUPLED = {
    "ElmanRNN": ("JAX, Elman RNN", "torch nn.RNN"),
    "LSTM": ("torch nn.LSTM",),
}


def _middle(values: Iterable[float | None]) -> float:
    """Median, where None stands for never."""
    return statistics.median(np.inf if value is None else value for value in values)


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 0.1 else f"{1e3 * value:.3g} ms"


ALL = """
All optimisers. JAX runs sixteen starts, side by side but for scipy's, which come one after the other until one has
reached the goal; torch runs one start. Each side has one core, and seconds are those of its processor. Medians over
three seeds, for each of which this package and the peer take turns. The same model has the same 42 parameters and the
same loss. An Elman RNN or an LSTM of eight states has more parameters and a lower smallest loss, so that the loss of
ParaRNN is an easy goal for them, for `ElmanRNN` of this package, too. A loss that is lower by a tenth of a per cent is
half a nat of log likelihood at T = 1,000.
""".strip()


class Reached:
    """
    Median time of one way to a goal over the seeds, beside `ParaRNN` or another model of this package.

    Parameters
    ----------
    piece : dict
        What was measured.
    goal : str
        The goal.
    """

    def __init__(self, piece: dict, goal: str):
        self.seconds = _middle(run["seconds"][goal] for run in piece["runs"])
        self.spent = min(run["spent"] for run in piece["runs"])
        self.losses = [run["loss"] for run in piece["runs"]]
        self.compile = piece.get("compile")
        self.piece = piece

    @property
    def never(self) -> bool:
        """Whether most seeds gave up."""
        return not np.isfinite(self.seconds)

    def ratio(self, own: float) -> str:
        """How many times longer than `own` seconds it took; where it gave up, more than this."""
        return f"> {self.spent / own:.0f}" if self.never else f"{self.seconds / own:.3g}"


def best(store: dict, prefix: str, goal: str) -> tuple[str, Reached] | None:
    """Quickest of the pieces whose names begin so, or if none reaches the goal, the one that came nearest."""
    found = {
        name.removeprefix(prefix): Reached(piece, goal)
        for name, piece in store.items()
        if name.startswith(prefix) and goal in piece["runs"][0]["seconds"]
    }
    if not found:
        return None
    return min(found.items(), key=lambda item: (item[1].seconds, statistics.median(item[1].losses)))


def equal_loss_rows(store: dict, series: str) -> list[dict]:
    """Time of each peer to the loss of `ParaRNN`."""
    rows = []
    for label, pattern in PEERS.items():
        row: dict[str, str] = {"to the loss of ParaRNN": label}
        for gap in GAPS:
            goal = f"ParaRNN {gap}"
            found = best(store, pattern.format(series), goal)
            if found is None:
                break
            variant, reached = found
            own = _middle(reached.piece["own"][goal])
            row[f"within {100 * float(gap):g} %"] = (
                f"{'never' if reached.never else _seconds(reached.seconds)}, {variant}"
            )
            row[f"ParaRNN, {100 * float(gap):g} %"] = _seconds(own)
            row[f"ratio, {100 * float(gap):g} %"] = reached.ratio(own)
        else:
            rows.append(row)
    return rows


def variant_rows(store: dict, series: str) -> list[dict]:
    """Every optimiser that was tried on the way to the loss of `ParaRNN`."""
    rows = []
    for label, pattern in PEERS.items():
        prefix = pattern.format(series)
        for name, piece in store.items():
            if not name.startswith(prefix):
                continue
            row = {"network": label, "optimiser": name.removeprefix(prefix)}
            for gap in GAPS:
                reached, own = Reached(piece, f"ParaRNN {gap}"), _middle(piece["own"][f"ParaRNN {gap}"])
                row[f"to {100 * float(gap):g} %"] = "never" if reached.never else _seconds(reached.seconds)
                row[f"ratio, {100 * float(gap):g} %"] = reached.ratio(own)
            row["a step"] = _seconds(statistics.median(run["spent"] / run["steps"] for run in piece["runs"]))
            row["lowest loss"] = f"{statistics.median(reached.losses):.5f}"
            row["compilation"] = "" if reached.compile is None else _seconds(reached.compile)
            rows.append(row)
    return rows


def coupled_rows(store: dict, series: str) -> list[dict]:
    """Time of the coupled networks of this package and of their peers to the loss of the former."""
    rows = []
    for kind, peers in COUPLED.items():
        own_piece = store.get(f"goal {series} {kind}")
        if own_piece is None:
            continue
        for gap in GAPS:
            goal = f"{kind} {gap}"
            for label in peers:
                if found := best(store, PEERS[label].format(series), goal):
                    own = _middle(found[1].piece["own"].get(goal, own_piece["seconds"][goal]))
                    time = "never" if found[1].never else _seconds(found[1].seconds)
                    rows.append({
                        "to the loss of": f"{kind}, within {100 * float(gap):g} %", "this package": _seconds(own),
                        "peer": label, "its time": f"{time}, {found[0]}", "ratio": found[1].ratio(own),
                    })  # fmt: skip
    return rows


def doublings(seconds: dict[str, float]) -> list[float]:
    """Ratio of each time to the one before, as for twice the size."""
    sizes, values = [np.log2(float(size)) for size in seconds], np.log2(list(seconds.values()))
    return list(2.0 ** (np.diff(values) / np.diff(sizes)))


def quadratic(seconds: dict[str, float]) -> tuple[float, float, float]:
    """Constant, linear and quadratic part of a pass by number of units, none negative, fitted to relative errors."""
    k, value = np.array([float(name) for name in seconds]), np.array(list(seconds.values()))
    design = np.column_stack([k**0, k, k**2]) / value[:, None]
    return tuple(float(part) for part in nnls(design, np.ones(len(k)))[0])


def _list(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def asked_rows(store: dict) -> list[dict]:
    """Each figure that was asked for."""
    rows: list[dict] = []

    def add(figure: str, measured: str, asked: str) -> None:
        rows.append({"figure": figure, "measured": measured, "asked": asked})

    if kernel := store.get("own kernel"):
        add(
            "one pass of a (2,) unit with normal equations beside numpy's tanh, one step of one start",
            f"{kernel['pass']:.1f} ns and {kernel['tanh']:.1f} ns: **{kernel['pass'] / kernel['tanh']:.2f}**",
            "at most 4",
        )
    for n, bar in ((1_000, 0.1), (100_000, 0.15)):
        if fits := store.get(f"own fits {n}"):
            quickest = min(("innovations_mle", "statespace"), key=fits.get)
            add(
                f"default fit, 16 starts, T = {n:,}, beside the faster ARIMA(1,0,1) ({quickest})",
                f"{_seconds(fits['fit'])} and {_seconds(fits[quickest])}: **{fits['fit'] / fits[quickest]:.3f}**",
                f"at most {bar}",
            )
    for series in ("simulated", "laser"):
        for label, pattern, bar in ASKED_PEERS:
            ratios = []
            for gap in GAPS:
                if found := best(store, pattern.format(series), f"ParaRNN {gap}"):
                    own = _middle(found[1].piece["own"][f"ParaRNN {gap}"])
                    ratios.append(f"**{found[1].ratio(own)}** ({100 * float(gap):g} %)")
            if ratios:
                add(f"time to equal loss, {series} series, {label}, over ours", ", ".join(ratios), f"at least {bar}")
        for row in coupled_rows(store, series):
            if bar := ASKED_COUPLED.get(row["peer"]):
                add(
                    f"time to the loss of {row['to the loss of']}, {series} series, {row['peer']}, over ours",
                    f"**{row['ratio']}** ({row['this package']})",
                    f"at least {bar}",
                )
    if selection := store.get("own selection"):
        add(
            f"`select_order`, 300 points, {selection['candidates']} candidates",
            f"**{_seconds(selection['select_order'])}**",
            "under 1 s",
        )
    if passes := store.get("own passes"):
        add("twice the length, 10^4 to 6.4 x 10^5, a pass costs", _list(doublings(passes["lengths"])), "1.9 to 2.2")
    if long_fits := store.get("own long fits"):
        add("twice the length, to 10^6, the default fit costs", _list(doublings(long_fits)), "1.9 to 2.2")
    if passes:
        add("twice the units, 1 to 16, a pass costs", _list(doublings(passes["units"])), "at most 2.3")
    for name, seconds in store.get("own threads", {}).items():
        faster = f"**{seconds['1'] / seconds['2']:.2f}** times as fast"
        if name == "control":
            add("two threads, numpy's tanh: what the machine gave at the time", faster, "")
        else:
            add(f"two threads, 16 starts, units {name}", faster, "1.8")
    for n in (1_000_000, 10_000_000):
        if memory := store.get(f"own memory {n}"):
            rest = [(memory[kind] - memory["lags"]) / 2**20 for kind in ("resident", "traced")]
            add(
                f"memory of a fit beyond input and lags, T = {n:,}",
                f"**{rest[0]:.0f} MB** (resident), {rest[1]:.0f} MB (arrays)",
                "at most 64 MB",
            )
    return rows


def _origins(measured: dict[str, str]) -> list[str]:
    """Machines and versions, each with the pieces it made."""
    groups: dict[str, list[str]] = {}
    for name, origin in measured.items():
        groups.setdefault(origin, []).append(name)
    if len(groups) == 1:
        return [f"{origin}." for origin in groups]
    return [f"- {origin}: {_span(names)}." for origin, names in groups.items()]


def _span(names: list[str]) -> str:
    """Names of pieces by what they begin with, so many of each kind."""
    kinds = Counter(" ".join(name.split()[:2]).rstrip(",") for name in names)
    return ", ".join(kind if count == 1 else f"{kind} ({count})" for kind, count in kinds.items())


def text(store: dict, measured: dict[str, str]) -> str:
    """The report as Markdown."""
    lines = ["# Speed", ""]
    lines += markdown(asked_rows(store))
    lines += ["", "![Seconds by length of the series](speed.png)", ""]
    for series in ("simulated", "laser"):
        if rows := equal_loss_rows(store, series):
            lines += [f"## Time to equal loss, {series} series of 1,000 observations", "", *markdown(rows), ""]
            lines += [ALL, "", *markdown(variant_rows(store, series)), ""]
        if rows := coupled_rows(store, series):
            lines += [*markdown(rows), ""]
    lines += _details(store)
    lines += [
        "Command: `make bench`, or `python benchmarks/speed.py` where the packages are installed. Medians of repeated "
        "warm calls by turns; compilation is not counted. Times to an equal loss are those of the processor on one "
        "core, all others those of the clock. What is compared was measured on one machine in one run:",
        "",
        *_origins(measured),
        "",
    ]
    return "\n".join(lines)


def _details(store: dict) -> list[str]:
    lines: list[str] = []
    if passes := store.get("own passes"):
        constant, linear, square = quadratic(passes["units"])
        if linear > 0.0 and square > 0.0:
            lines += [
                "## Where the square of the number of units bites",
                "",
                f"A pass over T = 4,000 takes {1e3 * constant:.2f} + {1e3 * linear:.2f} K + {1e3 * square:.3f} K^2 ms "
                f"with K units of dimension 2: the products of the Jacobian, which grow with the square, overtake what "
                f"grows with K at {linear / square:.0f} units.",
                "",
            ]
    if cold := store.get("own cold start"):
        lines += [
            "## A fresh process",
            "",
            "The package imports its parts when they are first used: with the first fit.",
            "",
        ]
        lines += markdown([
            {"": name, **{step: _seconds(steps[step]) if step in steps else "" for step in cold["empty cache"]}}
            for name, steps in cold.items()
        ])  # fmt: skip
        lines.append("")
    if rows := curve_rows(store):
        lines += ["## Seconds of a fit by length of the series", "", *markdown(rows), ""]
    return lines


def curve(store: dict) -> dict[str, dict[int, float]]:
    """Seconds by length of the series, for each kind of fit."""
    found: dict[str, dict[int, float]] = {}
    labels = {"fit": "ParaRNN, default fit", "innovations_mle": "ARIMA(1,0,1), innovations_mle",
              "statespace": "ARIMA(1,0,1), statespace", "AutoARIMA": "AutoARIMA"}  # fmt: skip
    for prefix in ("own fits ", "peer AutoARIMA "):
        for name, piece in store.items():
            if name.startswith(prefix):
                for call, seconds in piece.items():
                    found.setdefault(labels[call], {}).setdefault(int(name.removeprefix(prefix)), seconds)
    return found


def equal_loss_curve(store: dict) -> dict[str, dict[int, float]]:
    """Seconds to a loss within a tenth of a per cent of that of ParaRNN, simulated series, by length."""
    goal = "ParaRNN 0.001"
    labels = ("JAX, same model, usual starts", "torch nn.RNN")
    found: dict[str, dict[int, float]] = {name: {} for name in ("ParaRNN, four units", *labels)}
    for n, series in ((300, "simulated 300"), (1_000, "simulated"), (3_000, "simulated 3000")):
        if own := store.get(f"goal {series} ParaRNN"):
            found["ParaRNN, four units"][n] = _middle(own["seconds"][goal])
        for label in labels:
            reached = best(store, PEERS[label].format(series), goal)
            if reached and not reached[1].never:
                found[label][n] = reached[1].seconds
    return found


def curve_rows(store: dict) -> list[dict]:
    """Rows of the curves."""
    return [
        {"T": f"{n:,}", **{label: _seconds(values[n]) if n in values else "" for label, values in curve(store).items()}}
        for n in sorted({n for values in curve(store).values() for n in values})
    ]


def draw(store: dict, path: Path) -> None:
    """Log-log plots of seconds against T: fits, and ways to an equal loss."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True, layout="constrained")
    titles = ("A default fit", "To a loss within 0.1 % of ParaRNN's, 8 states")
    for axis, title, lines in zip(axes, titles, (curve(store), equal_loss_curve(store)), strict=True):
        for number, (label, values) in enumerate(lines.items()):
            sizes = sorted(values)
            if not sizes:
                continue
            axis.loglog(sizes, [values[n] for n in sizes], marker="osD^v"[number % 5], label=label, lw=1.5)
        axis.set(title=title, xlabel="observations T")
        axis.set_xlim(200, 150_000)
        axis.grid(which="major", alpha=0.3)
        if lines:
            axis.legend(frameon=False, fontsize=8)
    axes[0].set_ylabel("seconds, warm")
    axes[1].set_ylabel("seconds of the processor, one core")
    figure.savefig(path, dpi=140)
    plt.close(figure)


def write(record: dict) -> None:
    """Write the tables, the figure and the numbers behind them."""
    (RESULTS / "speed.json").write_text(json.dumps({"pieces": record}, indent=1) + "\n", encoding="utf-8")
    measured = {name: piece["measured"] for name, piece in record.items()}
    store = {name: {key: piece[key] for key in piece if key != "measured"} for name, piece in record.items()}
    (RESULTS / "speed.md").write_text(text(store, measured), encoding="utf-8")
    draw(store, RESULTS / "speed.png")
