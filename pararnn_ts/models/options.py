"""Options of models: one signature over all base classes, values remembered by name, unknown names refused."""

from __future__ import annotations

import difflib
import inspect
import re
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from statsmodels.tsa.deterministic import DeterministicProcess

__all__ = ["OptionBearer", "SeriesOptions"]

# statsmodels hands these on when it makes a model itself; nothing here depends on them
_STATSMODELS_KEYS = {"hasconst", "missing_idx", "model_spec", "formula"}
_OWN_KEYS = {"_like", "_design"}
_DATA = ("dates", "freq")


class SeriesOptions(TypedDict, total=False):
    """Options that every model has; annotate ``**series: Unpack[SeriesOptions]`` in the constructor of a subclass."""

    trend: str
    seasonal: bool
    period: int | None
    deterministic: DeterministicProcess | None
    diff: int
    seasonal_diff: int
    dates: Any
    freq: Any
    missing: str


def _entries(doc: str) -> tuple[str, list[str], str]:
    """A docstring up to its parameters, the entry of each, and what follows."""
    head, mark, rest = inspect.cleandoc(doc).partition("Parameters\n----------\n")
    section, end, after = re.split(r"(\n\n|\Z)", rest, maxsplit=1)
    return head + mark, re.split(r"\n(?=\S)", section), end + after


def _completed(doc: str | None, bases: list[str | None], wanted: set[str]) -> str | None:
    """A docstring whose parameters are completed by those of base classes that are wanted and not yet there."""
    # there are no docstrings under python -OO
    if not doc or "Parameters\n" not in doc:
        return doc
    head, entries, after = _entries(doc)
    missing = wanted - {name for entry in entries for name in _names(entry)}
    for base in bases:
        for entry in _entries(base or "")[1]:
            if missing.intersection(_names(entry)):
                entries.append(entry)
                missing -= set(_names(entry))
    return head + "\n".join(entries) + after


def _names(entry: str) -> list[str]:
    """Names of the parameters that an entry describes."""
    return entry.partition(" : ")[0].split(", ")


class OptionBearer:
    """
    A class whose options are the keyword-only parameters of its own constructor and of those of its bases.

    Each option is kept in an attribute of its name. A constructor that ends in ``**kwargs`` and hands them to its base
    shows the options of the base in its signature, too, and its docstring describes them.

    Examples
    --------
    >>> import inspect
    >>> from pararnn_ts.models.options import OptionBearer
    >>> class Base(OptionBearer):
    ...     def __init__(self, endog, *, trend="c"):
    ...         self.trend = trend
    >>> class Model(Base):
    ...     def __init__(self, endog, *, lags=1, **kwargs):
    ...         super().__init__(endog, **kwargs)
    ...         self.lags = lags
    >>> inspect.signature(Model)
    <Signature (endog, *, lags=1, trend='c')>
    >>> Model([1.0], lags=2).option_values()
    {'lags': 2, 'trend': 'c'}
    """

    option_names: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        own = list(inspect.signature(cls.__init__).parameters.values())[1:]
        merged = [p for p in own if p.kind is not p.VAR_KEYWORD]
        if len(merged) < len(own) and "__init__" in cls.__dict__:
            names = {p.name for p in merged}
            for base in cls.__mro__[1:]:
                known = getattr(base, "__signature__", None)
                if isinstance(known, inspect.Signature):
                    shared = known.parameters.values()
                    merged += [p for p in shared if p.kind is p.KEYWORD_ONLY and p.name not in names]
                    break
            bases = [base for base in cls.__mro__[1:-1] if issubclass(base, OptionBearer)]
            cls.__doc__ = _completed(cls.__doc__, [base.__doc__ for base in bases], {p.name for p in merged})
        elif "__init__" not in cls.__dict__:
            return  # the signature of the base holds
        cls.__signature__ = inspect.Signature(merged)  # type: ignore[attr-defined]
        cls.option_names = tuple(p.name for p in merged if p.kind is p.KEYWORD_ONLY and p.name not in _DATA)

    def option_values(self) -> dict[str, Any]:
        """Options with which an equal object can be made."""
        return {name: getattr(self, name) for name in self.option_names}

    def _refuse_unknown(self, names: Any) -> None:
        """Raise a TypeError for a name that is no option, with the nearest one that is."""
        for name in names:
            if name in _STATSMODELS_KEYS or name in _OWN_KEYS:
                continue
            near = difflib.get_close_matches(name, [*self.option_names, "endog", "exog", *_DATA], n=1)
            known = ", ".join([*self.option_names, *_DATA])
            hint = f"did you mean {near[0]!r}?" if near else f"its options are {known}."
            raise TypeError(f"{type(self).__name__} has no argument {name!r}; {hint}")
