"""Hypotheses in words."""

import numpy as np
import pytest

from pararnn_ts.results.restrictions import parse_restrictions

NAMES = ["const", "s(2,12)", "linear.y.L1", "linear.y.L12", "unit1.W[1,2]", "unit1.U[1,log(x + 1)]"]


@pytest.mark.parametrize(
    ("text", "rows", "values"),
    [
        ("linear.y.L1 = 0.5", [{2: 1}], [0.5]),
        ("linear.y.L12", [{3: 1}], [0]),
        ("unit1.W[1,2] = 0, s(2,12) = const", [{4: 1}, {1: 1, 0: -1}], [0, 0]),
        (["unit1.U[1,log(x + 1)] = 1", "const = 2"], [{5: 1}, {0: 1}], [1, 2]),
        ("2 * const - linear.y.L1 / 4 = 3", [{0: 2, 2: -0.25}], [3]),
    ],
)
def test_words_become_matrices(text, rows, values):
    expected = np.zeros((len(rows), len(NAMES)))
    for i, row in enumerate(rows):
        expected[i, list(row)] = list(row.values())
    matrix, right = parse_restrictions(text, NAMES)
    np.testing.assert_array_equal(matrix, expected)
    np.testing.assert_array_equal(right, values)


def test_matrices_pass_through():
    matrix = np.eye(6)
    assert parse_restrictions(matrix, NAMES) is matrix


@pytest.mark.parametrize(
    ("matrix", "given"),
    [
        (np.eye(5), r"shape \(5, 5\)"),
        ((np.eye(5), np.zeros(5)), r"shape \(5, 5\)"),
        ([[1, 2], [3]], "is "),
        ([], r"shape \(0,\)"),
        (None, "is None"),
    ],
)
def test_a_matrix_without_a_column_for_each_parameter_is_refused(matrix, given):
    with pytest.raises(ValueError, match=f"r_matrix must be text or a matrix with 6 columns, .* but (has )?{given}"):
        parse_restrictions(matrix, NAMES)


@pytest.mark.parametrize("text", ["constant = 0", "const * const = 0", "const = = 1", " "])
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError, match="not a linear hypothesis about the parameters"):
        parse_restrictions(text, NAMES)
