"""
What attributes of results raise when there is nothing to return.

Each is the error that says what is wrong, and an AttributeError beside it: `hasattr` and `inspect.getmembers`, with
which editors and documentation tools look at an object, pass over the attribute then.
"""

__all__ = ["DataRemoved", "NotOfTheModel", "NotOfTheSample"]


class NotOfTheModel(TypeError, AttributeError):
    """
    Models of this class do not have it.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.LSTM(prt.datasets.load_nile(), hidden=1).fit(n_starts=2)
    >>> hasattr(results, "recurrence_features")
    False
    """


class NotOfTheSample(ValueError, AttributeError):
    """These results do not have it, because of their sample or the way they were made."""


class DataRemoved(RuntimeError, AttributeError):
    """The data that it is made of were removed."""
