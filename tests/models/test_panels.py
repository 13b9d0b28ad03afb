"""Tables of many variables, of one sequence or many, become arrays with complete labels."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from pararnn_ts.models.panels import as_matrix, read_panel, read_rows

DAYS = pd.date_range("2024-01-01", periods=10)


def stacked(*tables):
    return pd.concat(dict(tables), names=["site", "day"])


def table(rows=10, start=0, columns=("a", "b")):
    rng = np.random.default_rng(rows + start)
    return pd.DataFrame(rng.normal(size=(rows, len(columns))), DAYS[start : start + rows], list(columns))


def test_sequences_may_have_different_lengths_and_gaps():
    first, second = table(8), table(10).drop(DAYS[3])
    with pytest.warns(UserWarning, match="sequence 'south': 1 label was absent .* inserted"):
        frame = read_panel(stacked(("north", first), ("south", second)))
    assert frame.panel.lengths.tolist() == [8, 10] and list(frame.keys) == ["north", "south"]
    assert np.isnan(frame.panel.x[11]).all() and np.isfinite(np.delete(frame.panel.x, 11, axis=0)).all()
    assert frame.index.names == ["site", "day"] and frame.index[11] == ("south", DAYS[3])
    assert [str(time[0].date()) for time in frame.future(1)] == ["2024-01-09", "2024-01-11"]


def test_an_array_of_three_dimensions_is_many_sequences():
    values = np.arange(24.0).reshape(2, 4, 3)
    frame = read_panel(values)
    assert_array_equal(frame.panel.x, values.reshape(8, 3))
    assert frame.panel.offsets.tolist() == [0, 4, 8] and list(frame.keys) == [0, 1]


def test_a_mapping_of_tables_is_many_sequences():
    tables = {"north": table(8), "south": table(10)}
    frame, same = read_panel(tables), read_panel(stacked(*tables.items()))
    assert_array_equal(frame.panel.x, same.panel.x)
    assert frame.index.equals(same.index) and frame.index.names == ["sequence", "time"]
    signals = {name: part[["a"]] for name, part in reversed(tables.items())}
    assert_array_equal(read_rows(signals, "target", frame, pd.Index(["a"])), same.panel.x[:, :1])


def test_the_only_level_of_an_index_is_the_index():
    wrapped = table().set_axis(pd.MultiIndex.from_arrays([DAYS]))
    assert read_panel(wrapped).index.equals(read_panel(table()).index)


def test_columns_are_matched_by_name():
    frame = read_panel(table())
    swapped = read_panel(table()[["b", "a"]], "new_endog", frame)
    assert_array_equal(swapped.panel.x, frame.panel.x)


def test_rows_of_a_target_of_many_sequences_are_matched_to_dates_that_were_text():
    text = table(10).set_axis(DAYS[:10].strftime("%Y-%m-%d"))
    both = pd.concat({"u": text, "v": 2.0 * text})
    frame = read_panel(both)
    assert_array_equal(read_rows(both[::-1], "target", frame, frame.columns), frame.panel.x)


def test_rows_of_a_target_are_matched_by_label():
    frame = read_panel(table(5))
    target = table(10, columns=("s",)).iloc[::-1]
    assert_array_equal(read_rows(target, "target", frame, pd.Index(["s"])), target.loc[DAYS[:5]].to_numpy())
    part = read_rows(target.loc[DAYS[[7, 2]]], "target", frame, pd.Index(["s"]))
    assert np.flatnonzero(np.isfinite(part[:, 0])).tolist() == [2]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (table(0), "is empty"),
        (table().assign(c=np.inf), "infinite values, the first at .* 'c'"),
        (table().set_axis(["a", "a"], axis=1), "more than one column 'a'"),
        (pd.concat([table(), table()]), "duplicate"),
        (stacked(("n", table()), ("s", table()), ).iloc[[0, 1, 12, 13, 2, 3]], "apart from each other"),
        (stacked(("n", table().iloc[::-1])), "not increasing"),
        (pd.concat({"x": stacked(("n", table()))}), "3 levels"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_used_are_refused_in_a_sentence(data, word):
    with pytest.raises(ValueError, match=rf"^endog .*{word}.*\.$"):
        read_panel(data)


@pytest.mark.parametrize("data", [None, "text", 3.0, [1.0, 2.0], np.zeros((2, 2, 2, 2)), {"a": [1]}])
def test_what_is_no_table_is_a_type_error(data):
    with pytest.raises(TypeError, match=r"^endog must be a DataFrame .*\.$"):
        read_panel(data)


def test_text_in_a_column_is_a_type_error():
    with pytest.raises(TypeError, match=r"^endog must be numeric"):
        read_panel(table().assign(c="x"))


def test_unknown_and_absent_columns_are_named():
    frame = read_panel(table())
    with pytest.raises(ValueError, match="new_endog lacks column 'b'"):
        read_panel(table()[["a"]], "new_endog", frame)
    with pytest.raises(ValueError, match="new_endog has an unknown column 'c'"):
        read_panel(table().assign(c=1.0), "new_endog", frame)
    with pytest.raises(ValueError, match="no row label in common"):
        read_rows(table(5).set_axis(DAYS[:5] + pd.DateOffset(years=9)), "target", frame, frame.columns)
    with pytest.raises(ValueError, match=r"target must have 10 rows and 2 columns, but has shape \(3, 2\)"):
        read_rows(np.zeros((3, 2)), "target", frame, frame.columns)


def test_matrices_have_the_shape_they_must_have():
    assert as_matrix([[1, 2]], "A", (None, 2)).shape == (1, 2)
    for value, error, word in (
        ([[1.0, 2.0]], ValueError, r"shape \(2, any\), but has shape \(1, 2\)"),
        ([[1.0], [np.nan]], ValueError, "not finite"),
        ("text", TypeError, "matrix of numbers"),
    ):
        with pytest.raises(error, match=rf"^A .*{word}"):
            as_matrix(value, "A", (2, None))
