"""What a pass executes is what the mathematics asks for, and not much more."""

import platform

import pytest

pytest.importorskip("capstone")
if platform.system() != "Linux" or platform.machine() != "x86_64":
    pytest.skip("instructions are counted on Linux and x86-64", allow_module_level=True)

from instructions import VECTORS, evaluation, executed, predicted


@pytest.mark.parametrize("units", [(1,), (2,)], ids=str)
def test_a_pass_executes_the_arithmetic_that_was_predicted(units):
    _, m, q, _ = evaluation(units, 64)
    expected, found = predicted(units, m, q), executed(units)
    divisions = expected.pop("divisions")
    widest = max(VECTORS, key=lambda width: found[f"{width} arithmetic"])
    # half the width takes twice as many instructions
    share = {"zmm": 1, "ymm": 2}[widest]
    assert found[f"{widest} divisions"] == pytest.approx(share * divisions, rel=0.05)
    assert sum(expected.values()) <= found[f"{widest} arithmetic"] / share < 1.6 * sum(expected.values())
    assert found["scalar divisions"] == 0
