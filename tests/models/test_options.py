"""What a class of models says of its options: each of the signature is described, once, where it belongs."""

import inspect
import re

import pytest

import pararnn_ts as prt
from pararnn_ts.models.options import OptionBearer


@pytest.mark.parametrize("model", [prt.ParaRNN, prt.ElmanRNN, prt.ODERNN, prt.QUNN, prt.LSTM], ids=lambda m: m.__name__)
def test_the_docstring_describes_every_argument_once(model):
    section = re.search(r"Parameters\n-+\n(.*?)\n\n\w", model.__doc__, re.DOTALL)[1]
    described = [name for names in re.findall(r"^(\w.*?) : ", section, re.MULTILINE) for name in names.split(", ")]
    assert sorted(described) == sorted(inspect.signature(model).parameters)


def test_own_words_come_before_those_of_the_bases():
    class Base(OptionBearer):
        """
        A base.

        Parameters
        ----------
        a, b : int
            Both.
        c : float
            Of the base.
        """

        def __init__(self, *, a=1, b=2, c=3.0):
            self.a, self.b, self.c = a, b, c

    class Model(Base):
        """
        A model.

        Parameters
        ----------
        d : str
            Its own.
        c : float
            Told anew.

        Notes
        -----
        The end.
        """

        def __init__(self, *, d="", c=4.0, **rest):
            super().__init__(c=c, **rest)
            self.d = d

    own = "d : str\n    Its own.\nc : float\n    Told anew."
    assert Model.__doc__ == (
        f"A model.\n\nParameters\n----------\n{own}\na, b : int\n    Both.\n\nNotes\n-----\nThe end."
    )


def test_a_class_without_a_docstring_has_none():
    class Model(OptionBearer):
        def __init__(self, *, a=1):
            self.a = a

    class Further(Model):
        def __init__(self, *, b=2, **rest):
            super().__init__(**rest)
            self.b = b

    assert Further.__doc__ is None and str(inspect.signature(Further)) == "(*, b=2, a=1)"
