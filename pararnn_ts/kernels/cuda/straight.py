"""
The pass over the data as straight-line code for one model, with every intermediate number in a register.

A GPU thread has registers, not caches: a loop over the weights of a unit that reads and writes an array costs it more
than the arithmetic. :func:`units.accumulate` is therefore *traced*: its own source runs once on symbols, with the
units, inputs and columns of one model as plain numbers, and what it does to one row is written down as assignments
without loops, branches or arrays. What it keeps from row to row, states, sensitivities and sums of products, becomes
variables of a loop over the rows. Where there are more sums than registers, the rows are passed several times, each
time for some of the sums and with no more of the recursion than they need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pararnn_ts.kernels.cuda.target import rebuild
from pararnn_ts.kernels.scalar import bound, positive, square_root
from pararnn_ts.kernels.units import accumulate, unit_size

__all__ = ["Pass", "straight_pass"]

# rows after which sums are added to the products, so that single sums lose little
CHUNK = 256
# sums that fit into the registers of a thread beside the recursion
PART = 96
# products beyond which compilation would take too long: some seconds for each part
MOST_PRODUCTS = 700


class Pass(NamedTuple):
    """
    A pass over the data for one model.

    Attributes
    ----------
    function : callable
        Plain Python function ``(theta, x, linear, target, weight, first, last, linear_gram, sums, gram)``: rows `first`
        to `last` of the data, the other arguments as in :func:`units.accumulate`.
    scratch : int
        Length of `sums`, scratch space.
    source : str
        What was written down.
    """

    function: Callable
    scratch: int
    source: str


class _Number:
    """A number that is known by the name of a variable."""

    def __init__(self, trace: _Trace, name: str):
        self.trace, self.name = trace, name

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.trace.emit("{} + {}", self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.trace.emit("{} - {}", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.trace.emit("{} - {}", other, self)

    def __mul__(self, other: Any) -> Any:
        if _is(other, 0.0):
            return 0.0
        return self if _is(other, 1.0) else self.trace.emit("{} * {}", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.trace.emit("{} / {}", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.trace.emit("{} / {}", other, self)

    # of a number that is not known yet, nothing special is assumed
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def _is(value: Any, number: float) -> bool:
    return not isinstance(value, _Number) and value == number


class _Trace:
    """Assignments in the order in which they were met."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, tuple[str, ...]]] = []

    def emit(self, form: str, *operands: Any) -> _Number:
        name = f"v{len(self.lines)}"
        needs = tuple(o.name for o in operands if isinstance(o, _Number))
        self.lines.append(
            (name, form.format(*(o.name if isinstance(o, _Number) else repr(o) for o in operands)), needs)
        )
        return _Number(self, name)

    def needed(self, wanted: set[str]) -> list[tuple[str, str]]:
        """Names and expressions that these names depend on."""
        wanted, kept = set(wanted), []
        for name, expression, needs in reversed(self.lines):
            if name in wanted:
                wanted.update(needs)
                kept.append((name, expression))
        return kept[::-1]


class _Column:
    """An array that the pass only reads; its items are read where they are first met."""

    def __init__(self, trace: _Trace, form: str, shape: tuple[int, ...]):
        self.trace, self.form, self.shape = trace, form, shape
        self.seen: dict[Any, Any] = {}

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            # the one row there is
            return self
        if at not in self.seen:
            self.seen[at] = self.trace.emit(self.form.format(*(at if isinstance(at, tuple) else (at,))))
        return self.seen[at]


class _Items:
    """
    A flat array of the pass that is cleared before the rows and changed by them, or a slice of it.

    An item that is read before it is written holds what the rows before have left there: it is carried.
    """

    def __init__(self, trace: _Trace, form: str, constant: frozenset[int] = frozenset()):
        self.trace, self.form, self.first, self.constant = trace, form, 0, constant
        self.values: dict[int, Any] = {}
        self.carried: set[int] = set()

    def __getitem__(self, at: slice) -> _Items:
        part = object.__new__(_Items)
        part.__dict__.update(self.__dict__, first=self.first + (at.start or 0))
        return part

    def __setitem__(self, at: slice, value: float) -> None:
        if value != 0.0 or self.values:
            raise TypeError("arrays can only be cleared, and before the first row, while a pass is traced.")

    def load(self, i: int) -> Any:
        i += self.first
        if i in self.constant:
            return 0.0
        if i not in self.values:
            self.carried.add(i)
            self.values[i] = self.trace.emit(self.form.format(i))
        return self.values[i]

    def store(self, i: int, value: Any) -> None:
        self.values[i + self.first] = value


def _store(a: _Items, i: int, value: Any) -> None:
    a.store(i, value)


def _call(function: Callable) -> Callable:
    def emit(z: Any, *limit: float) -> Any:
        form = f"{function.__name__}({', '.join(['{}'] * (1 + len(limit)))})"
        return z.trace.emit(form, z, *limit) if isinstance(z, _Number) else function(z, *limit)

    return emit


class _Row(NamedTuple):
    """What a pass does with one row: assignments, new values of state and sums, products given beforehand."""

    trace: _Trace
    state: dict[str, str]
    sums: dict[int, str]
    given: dict[int, str]

    def part(self, sums: Sequence[int]) -> tuple[list[tuple[str, str]], list[str]]:
        """Assignments that some of the sums need, and the states among them."""
        wanted = {self.sums[i] for i in sums}
        states: set[str] = set()
        while True:
            lines = self.trace.needed(wanted)
            found = {right for _, right in lines if right in self.state}
            if found == states:
                return lines, [s for s in self.state if s in states]
            states = found
            wanted |= {self.state[s] for s in states}


def _trace_row(units: tuple[int, ...], activation: int, m: int, q: int) -> _Row:
    substitutes = {
        "LANES": 1, "ROWS": 1, "STRIDE": 1, "load": lambda a, i: a.load(i), "store": _store, "fill": lambda x: x,
        "bound": _call(bound), "positive": _call(positive), "square_root": _call(square_root),
    }  # fmt: skip
    kernel = rebuild(accumulate, substitutes)
    # items of the scratch space that are cleared and never written are found by a first run
    untouched: frozenset[int] = frozenset()
    for _ in range(2):
        trace = _Trace()
        work, gram = _Items(trace, "s{}", untouched), _Items(trace, "g{}")
        given = _Column(trace, "linear_gram[{}, {}]", (q, q))
        kernel(
            _Items(trace, "p{}"), units, activation, _Column(trace, "x[t, {1}]", (1, m)),
            _Column(trace, "linear[t, {1}]", (1, q)), _Column(trace, "target[t]", (1,)),
            _Column(trace, "weight[t]", (1,)), given, work, gram,
        )  # fmt: skip
        read = {name: expression for name, expression, _ in trace.lines}
        untouched = frozenset(i for i in work.carried if read.get(_name(work.values[i])) == f"s{i}")
    state = {i: work.values[i] for i in sorted(work.carried - untouched)}
    sums = {i: gram.values[i] for i in sorted(gram.carried)}
    return _Row(
        trace,
        {f"s{i}": _name(v) for i, v in state.items()},
        {i: _name(v) for i, v in sums.items()},
        {i: read[_name(v)] for i, v in gram.values.items() if i not in gram.carried},
    )


def _part(row: _Row, indices: Sequence[int]) -> list[str]:
    """Loop over all rows for some of the sums."""
    lines, states = row.part(indices)
    place = {f"g{i}": f"sums[{k}]" for k, i in enumerate(indices)}
    text = [f"    {s} = 0.0" for s in states]
    text += [f"    for begin in range(first, last, {CHUNK}):"]
    text += [f"        for i in range({len(place)}):", "            sums[i] = 0.0"]
    text += [f"        for t in range(begin, min(begin + {CHUNK}, last)):"]
    text += [f"            {left} = {place.get(right, right)}" for left, right in lines]
    text += [f"            {place[f'g{i}']} = {row.sums[i]}" for i in indices]
    text += [f"            {s} = {row.state[s]}" for s in states]
    text += [f"        gram[{i}] += {place[f'g{i}']}" for i in indices]
    return text


def _name(value: Any) -> str:
    return value.name if isinstance(value, _Number) else repr(value)


def straight_pass(units: Sequence[int], activation: int, m: int, q: int, number: type = float) -> Pass | None:
    """
    Write the pass over the data for one model as straight-line code.

    Parameters
    ----------
    units : sequence of int
        Dimension of each unit.
    activation : int
        See `activations.ACTIVATIONS`.
    m, q : int
        Inputs of the units and columns that enter linearly.
    number : type
        ``numpy.float32`` makes the parameters single before they meet the data.

    Returns
    -------
    Pass or None
        None for a model so large that its code would be too long.

    Examples
    --------
    >>> from pararnn_ts.kernels.cuda.straight import straight_pass
    >>> straight_pass((2,), 0, 1, 2).scratch
    88
    """
    units = tuple(int(d) for d in units)
    size = 1 + q + sum(unit_size(d, m) for d in units)
    if size * (size + 1) // 2 > MOST_PRODUCTS:
        return None
    row = _trace_row(units, activation, m, q)
    text = ["def straight(theta, x, linear, target, weight, first, last, linear_gram, sums, gram):"]
    text += [f"    p{i} = number(theta[{i}])" for i in range(size - 1)]
    text += [f"    gram[{i}] = 0.0" for i in row.sums]
    text += [f"    gram[{i}] = {value}" for i, value in row.given.items()]
    indices = list(row.sums)
    n_parts = -(-len(indices) // PART)
    for k in range(n_parts):
        part = indices[k * len(indices) // n_parts : (k + 1) * len(indices) // n_parts]
        text += _part(row, part)
    if not indices:
        text.append("    return")
    source = "\n".join(text) + "\n"
    names: dict[str, Any] = {
        "__name__": __name__, "number": number, "bound": bound, "positive": positive, "square_root": square_root,
    }  # fmt: skip
    exec(compile(source, f"<pass of units {units}>", "exec"), names)
    return Pass(names["straight"], max(1, min(PART, len(indices))), source)
