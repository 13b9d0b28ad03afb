"""A file of results is loaded whole or refused in one sentence, whatever is in it; nothing in it is run."""

import copy
import io
import json
import pickle
import re
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest

from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.archive import read_archive, take, write_archive
from pararnn_ts.results.persistence import load


def saved(results, **options):
    file = io.BytesIO()
    results.save(file, **options)
    return file.getvalue()


def attempt(content):
    """Results, or None when they were refused in one sentence; nothing else may happen."""
    try:
        return load(io.BytesIO(content))
    except ValueError as error:
        assert re.fullmatch(r"path [^\n]*\.", str(error)), str(error)
        return None


@pytest.fixture(scope="module", params=[False, True], ids=["with data", "without data"])
def content(request):
    index = pd.date_range("2001-01-01", periods=60, freq="D", tz="Europe/Berlin")
    x = pd.Series(np.random.default_rng(0).standard_normal(60), index, name="x")
    data = pd.DataFrame({"x": x, "y": np.sin(np.arange(60.0)) + 0.1 * x})
    data.loc[index[57:], "y"] = np.nan
    model = ParaRNN.from_formula("y ~ center(x) + lag(x, 2)", data, units=(1,), trend="ct", seasonal=True)
    return saved(model.fit(n_starts=2), remove_data=request.param)


def test_members_written_are_members_read():
    arrays = {"a": np.arange(6.0).reshape(2, 3), "empty": np.empty((0, 4)), "number": np.array(2.0)}
    file = io.BytesIO()
    write_archive(file, {"format": "f", "n": [1, None]}, arrays)
    header, found = read_archive(file)
    assert header == {"format": "f", "n": [1, None]}
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)
    with pytest.raises(ValueError, match=r"array 'a' has shape \(2, 3\), where the model needs \(3, 'any'\)"):
        take(found, "a", 3, None)
    with pytest.raises(ValueError, match="without the array 'b'"):
        take(found, "b")


def test_truncated_files_are_refused(content):
    for end in np.unique(np.linspace(0, len(content) - 1, 100).astype(int)):
        assert attempt(content[:end]) is None


def test_a_file_with_a_changed_byte_is_refused_or_says_the_same(content):
    rng, params = np.random.default_rng(0), load(io.BytesIO(content)).params
    for place in rng.choice(len(content), 300, replace=False):
        changed = bytearray(content)
        changed[place] ^= 1 << rng.integers(8)
        results = attempt(bytes(changed))
        assert results is None or results.params.equals(params)


def leaves(value, place=()):
    """Places of all values in a JSON document, inner ones included."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in children:
        yield (*place, key)
        yield from leaves(item, (*place, key))


HOSTILE = [None, -1, 0, 10**12, 1e308, float("nan"), "", "os.system", [], {}, {"tuple": [10**9]}, [[[]]], True]


def test_a_header_with_a_changed_value_is_refused_or_harmless(content):
    """Whatever one value of the JSON becomes: refused in one sentence, or results that answer or refuse to."""
    header, arrays = read_archive(io.BytesIO(content))
    rng, loaded = np.random.default_rng(1), 0
    places = list(leaves(header))
    assert len(places) > 100
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for place in places:
            changed = copy.deepcopy(header)
            inner = changed
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = HOSTILE[rng.integers(len(HOSTILE))]
            file = io.BytesIO()
            write_archive(file, changed, arrays)
            results = attempt(file.getvalue())
            if results is not None:
                loaded += 1
                try:
                    results.forecast(2, exog=np.ones((2, 2)))
                except (ValueError, TypeError, KeyError, RuntimeError):
                    pass
    assert loaded < len(places)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (7, 7), (1, 2, 3)])
def test_arrays_of_another_shape_are_refused(content, shape):
    header, arrays = read_archive(io.BytesIO(content))
    for name in arrays:
        if np.shape(arrays[name]) == shape or (name.endswith("shocks") and shape == (3,)):
            continue
        if name == "precision" and header["removed"] is not None:
            continue
        file = io.BytesIO()
        write_archive(file, header, {**arrays, name: np.ones(shape)})
        assert attempt(file.getvalue()) is None, name


def archive(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name, data)
    return file.getvalue()


def npy(values, shape=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, values)
    data = file.getvalue()
    return data if shape is None else data.replace(str(values.shape).encode(), shape.encode())


def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused():
    bomb = archive({"header.npy": npy(np.frombuffer(b"{}", np.uint8)), "params.npy": b"\0" * 2**27})
    assert len(bomb) < 2**18
    with pytest.raises(ValueError, match="would unpack to 128 MiB, more than 200 times its size"):
        load(io.BytesIO(bomb))


def test_an_array_larger_than_its_member_is_refused():
    header = npy(np.frombuffer(b"{}", np.uint8))
    for shape in ("(99999999999,)", "(-1,)", "(2,-1)"):
        assert attempt(archive({"header.npy": header, "params.npy": npy(np.ones(3), shape)})) is None


def test_labels_without_number_are_refused(content):
    header, arrays = read_archive(io.BytesIO(content))
    header["model"]["index"] = {"kind": "range", "name": None, "start": 0, "stop": 10**15, "step": 1}
    file = io.BytesIO()
    write_archive(file, header, arrays)
    assert attempt(file.getvalue()) is None


class Trap:
    """An object whose pickle raises when it is loaded."""

    def __reduce__(self):
        return exec, ("raise SystemExit('pickle was run')",)


@pytest.mark.parametrize("path", [1, True, None, b"model.npz"])
def test_what_is_neither_path_nor_file_is_refused(path):
    """open() would take 1 for the standard output, and close it."""
    sentence = f"path must be a path or a binary file, not {type(path).__name__}."
    for call in (lambda: write_archive(path, {}, {}), lambda: read_archive(path)):
        with pytest.raises(TypeError, match=re.escape(sentence)):
            call()


@pytest.mark.parametrize("name", ["header.npy", "params.npy"])
def test_pickles_are_not_opened(name):
    objects = io.BytesIO()
    np.save(objects, np.array([Trap()], dtype=object), allow_pickle=True)
    members = {"header.npy": npy(np.frombuffer(b"{}", np.uint8)), name: objects.getvalue()}
    assert attempt(archive(members)) is None
    assert attempt(pickle.dumps(Trap())) is None


def test_json_without_end_is_refused():
    deep = b"[" * 100_000 + b"]" * 100_000
    for text in (deep, b"{" * 9, b"\xff\xfe", b"", b"[]", b'{"format": "pararnn_ts.results"}', b"9" * 10_000):
        assert attempt(archive({"header.npy": npy(np.frombuffer(text, np.uint8))})) is None


# ------------------------------------------------------------------------------------------------------ formulas


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    index = pd.period_range("2001-01", periods=90, freq="M")
    data = pd.DataFrame(
        {"x": rng.uniform(1, 2, 90), "group": list("abc") * 30, "my size": rng.uniform(1, 2, 90)}, index
    )
    return data.assign(y=np.log(data["x"]) + 0.3 * rng.standard_normal(90))


@pytest.mark.parametrize("remove_data", [False, True])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x", "y ~ np.log(x) - 1", "np.log(y + 9) ~ center(x) + scale(x)", "y ~ C(group)", "y ~ group:x",
        "y ~ C(group, contr.sum) + x", "y ~ bs(x, df=4)", "y ~ poly(x, 2)", "y ~ lag(x, 2) + lag(lag(x))",
        "y ~ np.log(`my size`) + `my size`", "y ~ x ** 2 + I(x ** 2)", "y ~ I(factor * x)",
    ],
)  # fmt: skip
def test_a_loaded_formula_takes_raw_data(table, formula, remove_data):
    factor = 2.0  # noqa: F841  the formula sees it
    results = ParaRNN.from_formula(formula, table[:80], units=(1,)).fit(n_starts=1, penalty=1.0)
    expected = results.forecast(4, exog=table[80:84])
    # one group only, of which the sample had three
    only = table[80:83].assign(group="b")
    expected_only = results.forecast(3, exog=only)
    later = results.extend(table[80:86])
    loaded = load(io.BytesIO(saved(results, remove_data=remove_data)))
    pd.testing.assert_series_equal(loaded.forecast(4, exog=table[80:84]), expected)
    pd.testing.assert_series_equal(loaded.forecast(3, exog=only), expected_only)
    pd.testing.assert_series_equal(loaded.extend(table[80:86]).fittedvalues, later.fittedvalues)
    if not remove_data:
        appended, theirs = loaded.append(table[80:86]), results.append(table[80:86])
        pd.testing.assert_series_equal(appended.fittedvalues, theirs.fittedvalues)
        pd.testing.assert_series_equal(appended.forecast(2, exog=table[86:]), theirs.forecast(2, exog=table[86:]))
        pd.testing.assert_series_equal(loaded.apply(table[40:]).fittedvalues, results.apply(table[40:]).fittedvalues)


def test_a_formula_with_functions_of_the_user_is_loaded_with_its_columns(table):
    def squared(x):
        return x**2

    results = ParaRNN.from_formula("y ~ squared(x)", table[:80], units=()).fit(penalty=1.0)
    loaded = load(io.BytesIO(saved(results)))
    table = table.drop(columns="group")
    columns = pd.DataFrame({"squared(x)": table["x"][80:84] ** 2})
    pd.testing.assert_series_equal(loaded.forecast(4, exog=columns), results.forecast(4, exog=table[80:84]))
    with pytest.raises(ValueError, match=r"exog lacks the columns 'squared\(x\)'"):
        loaded.forecast(4, exog=table[80:84])


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')", "np.load('x', allow_pickle=True)", "x.shift(1)", "(lambda: 1)()",
        "[i for i in x]", "9 ** 9 ** 9", "np.lib.format", "x[0]", "log.__class__", "10000000", "((", "lag(x, 1e9)",
        "x if x else x", "(y := x)", "bs(x, df=10000000)", "np.core.multiarray.scalar(x)", "contr.x.y", "eval(1)",
    ],
)  # fmt: skip
def test_a_formula_that_does_more_than_arithmetic_is_refused(table, expression):
    results = ParaRNN.from_formula("y ~ I(x)", table[:80], units=()).fit(penalty=1.0)
    header, arrays = read_archive(io.BytesIO(saved(results)))
    text = json.dumps(header)
    assert '"I(x)", "python"' in text
    header = json.loads(text.replace('"I(x)", "python"', json.dumps(expression) + ', "python"'))
    file = io.BytesIO()
    write_archive(file, header, arrays)
    with pytest.raises(ValueError, match="may do more than arithmetic; do not trust it"):
        load(io.BytesIO(file.getvalue()))


def test_modules_in_a_formula_survive_pickle(table):
    import scipy.special as sp

    results = ParaRNN.from_formula("y ~ sp.expit(x)", table[:80], units=()).fit(penalty=1.0)
    assert sp.expit(0.0) == 0.5
    for again in (pickle.loads(pickle.dumps(results)), copy.deepcopy(results)):
        pd.testing.assert_series_equal(again.forecast(4, exog=table[80:]), results.forecast(4, exog=table[80:]))


# -------------------------------------------------------------------------------------------------------- size


LABELS = {
    "none": lambda n: None,
    "counter": lambda n: pd.RangeIndex(5, 5 + 3 * n, 3),
    "hours": lambda n: pd.date_range("2001-01-01", periods=n, freq="h"),
    "days in Berlin": lambda n: pd.date_range("1950-01-01", periods=n, freq="D", tz="Europe/Berlin"),
    "business days": lambda n: pd.bdate_range("1900-01-01", periods=n),
    "months": lambda n: pd.period_range("1000-01", periods=n, freq="M"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_without_data_a_few_kilobytes_are_left_whatever_the_length(kind):
    sizes = []
    for n in (400, 20_000):
        y, labels = np.random.default_rng(0).standard_normal(n), LABELS[kind](n)
        results = ParaRNN(y if labels is None else pd.Series(y, labels), units=(1,)).fit(n_starts=1)
        expected, text = results.forecast(5), results.summary().as_text()
        results.remove_data()
        for again in (results, pickle.loads(pickle.dumps(results)), copy.deepcopy(results)):
            np.testing.assert_array_equal(again.forecast(5), expected)
            assert not hasattr(expected, "index") or again.forecast(5).index.equals(expected.index)
            assert again.summary().as_text() == text
        sizes.append((len(pickle.dumps(results)), len(saved(results))))
    assert max(map(max, sizes)) < 12_000
    assert abs(sizes[1][0] - sizes[0][0]) < 1_000


def test_the_history_of_a_formula_is_as_long_as_it_looks_back():
    data = pd.DataFrame({"y": np.random.default_rng(0).standard_normal(9000), "x": 1.0 * (np.arange(9000) % 7)})
    results = ParaRNN.from_formula("y ~ lag(x, 3)", data, units=()).fit()
    results.remove_data()
    assert len(pickle.dumps(results)) < 15_000
