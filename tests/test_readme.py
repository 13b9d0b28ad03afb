"""Python blocks of README.md and docs/panel.md print what stands below them; run as a script, this writes it there."""

import contextlib
import io
import os
import re
import textwrap
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
PAGES = (README, README.parent / "docs" / "panel.md")
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
NUMBERS = re.compile(r"[-(]*\d[-\d\s.,e+%()#]*")


def printed(text):
    """Run the blocks one after the other and yield what each prints, beside what is claimed."""
    names = {}
    for block in BLOCK.finditer(text):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(block[1], "README.md", "exec"), names)
        yield output.getvalue(), block[2]


def words(text):
    """The words of a text down to its notes, which depend on the last digits, as numbers do."""
    return " ".join(re.sub(r"[=-]{3,}", "", NUMBERS.sub("# ", text.split("Notes:")[0])).split())


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_print_what_stands_below_them(page, monkeypatch, tmp_path):
    text = page.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = list(printed(text))
    assert len(found) >= 4
    for output, claimed in found:
        assert words(output) == words(claimed or ""), output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_point_to_files_that_are_there(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


CALL = re.compile(r"^(\w+ = )?(prt|results|model)\.", re.MULTILINE)


def calls(text):
    """Indented blocks of a page that call the package."""
    blocks = re.findall(r"(?:^|\n\n)((?:    .*\n)+)", text)
    return [block for block in map(textwrap.dedent, blocks) if CALL.search(block)]


@pytest.mark.parametrize("page", sorted((README.parent / "docs").glob("*.md")), ids=lambda page: page.name)
def test_calls_can_be_copied(page):
    """What is said of a call stands behind a hash."""
    for block in calls(page.read_text(encoding="utf-8")):
        compile(block, page.name, "exec")


def rewrite():
    """Write into each page what its blocks print."""
    for page in PAGES:
        rewrite_page(page)


def rewrite_page(page):
    text = page.read_text(encoding="utf-8")
    outputs = iter([output for output, _ in printed(text)])

    def block(match):
        output = "\n".join(line.rstrip() for line in next(outputs).rstrip().splitlines())
        return f"```python\n{match[1]}```" + (f"\n\n```text\n{output}\n```" if output else "")

    page.write_text(BLOCK.sub(block, text), encoding="utf-8")


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])
    rewrite()
