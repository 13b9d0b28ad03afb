"""Tables of the pages in docs/ that quote a study say what its committed results say."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def rows(path):
    """Cells of the rows of all tables of a page."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def numbers(row):
    return [float(x) for cell in row for x in re.findall(r"\d+(?:\.\d+)?", cell)]


def test_the_readme_quotes_the_accuracy_of_forecasts():
    quoted = {name: cells for name, *cells in (row for row in rows(ROOT / "README.md") if len(row) == 2)}

    def said(beginning):
        """Numbers of the row whose name begins like this."""
        ((cell,),) = [cells for name, cells in quoted.items() if name.startswith(beginning)]
        return re.findall(r"[\d.]+", cell)

    def means(study):
        """Geometric means, selected and average, below the table of a study."""
        return re.search(r"selected ([\d.]+), average ([\d.]+);", (RESULTS / study).read_text()).groups()

    assert [f"{float(mean):.2f}" for mean in means("accuracy.md")] == [
        *said("relative MSE, selected model"),
        *said("relative MSE, average"),
    ]
    assert list(means("other_series.md")) == said("relative MSE on 50 short series")
    horizons = {row[0]: row for row in rows(RESULTS / "horizons.md") if row[-1].endswith("%")}
    peers = ("AutoETS", "selected", "average")
    assert [horizons[name][1] for name in peers] == said("mean absolute error 1 to 12 steps ahead, 66 series")
    assert [horizons[name][3] for name in peers] == said("the same, 9 to 12 steps ahead")
    seasons = {row[0]: row for row in rows(RESULTS / "seasons.md") if len(row) == 3}
    assert [seasons[name][2] for name in ("AutoETS", "average", "without")] == said("the same, 1 to 12 steps ahead, 15")


def test_forecasts_quote_the_coverage_in_short_samples():
    found = {tuple(row[:3]): row[6] for row in rows(RESULTS / "small_samples.md")}
    head, *quoted = [row for row in rows(ROOT / "docs" / "forecasts.md") if len(row) == 6 and "---" not in row]
    assert len(quoted) == 6
    for name, *cells in quoted:
        process, size = name.rsplit(", ", 1)
        assert cells == [found.get((process, size, method), "too short") for method in head[1:]], name


def test_inference_quotes_how_often_units_are_identified():
    found = [row for row in rows(RESULTS / "identification.md") if row[1].isdigit()]
    quoted = [row for row in rows(ROOT / "docs" / "inference.md") if len(row) == 4 and row[1] in ("1", "2")]
    assert len(quoted) == 4
    # with the penalty and without it
    assert [numbers(row[2:]) for row in quoted] == [
        [float(one[3]), float(other[3])] for one, other in zip(found[::2], found[1::2], strict=True)
    ]


def test_inference_quotes_the_linearity_test():
    found = {(row[0], row[2], row[1]): row for row in rows(RESULTS / "nonlinearity_test.md")}
    quoted = [
        row for row in rows(ROOT / "docs" / "inference.md") if row[2:3] and row[2] in ("units", "terasvirta", "white")
    ]
    assert len(quoted) == 30
    for process, excess, method, *cells in quoted:
        for size, cell in zip(("200", "1000"), cells, strict=True):
            *_, part, asymptotic, bootstrap = found[process, method, size]
            assert cell in (f"{asymptotic}, {bootstrap}", f"{asymptotic}, -") and excess == f"{part} %", (process, size)


def test_inference_quotes_the_test_of_a_unit():
    found = {tuple(row[:2]): row[2:] for row in rows(RESULTS / "unit_test.md")}
    quoted = [row for row in rows(ROOT / "docs" / "inference.md") if tuple(row[:2]) in found and "%" in row[-1]]
    assert len(quoted) == 4
    for process, penalty, *cells in quoted:
        assert cells == [f"{value} %" for value in found[process, penalty]]


def test_the_page_on_sparse_recovery_quotes_its_studies():
    known = [row for name in ("sista_field.md", "sista_speed.md") for row in rows(RESULTS / name)]
    quoted = [row for row in rows(ROOT / "docs" / "sista.md") if len(numbers(row)) > 3]
    assert len(quoted) >= 11
    for row in quoted:
        assert row in known, row
