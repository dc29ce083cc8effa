"""The measurement of searchable PDFs: what counts as copied, near and grown."""

from __future__ import annotations

import os
import shutil

import pytest

from conftest import REPOSITORY
from document_fixtures import block_of, line_at
from test_writers_pdf import picture_of
from typecase.document import Box, Document, Page, Word
from typecase.errors import DataError, UsageError
from typecase.writers import FORMATS, Origin

with pytest.MonkeyPatch.context() as _patch:
    # The scripts lengthen the module path and the environment of what they start; this process keeps its own.
    _patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    _patch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    import documents as benchmark


def page() -> Page:
    return Page(600, 300, (block_of([line_at("what is read", 40, 40), line_at("is copied", 40, 90)]),), dpi=150.0)


def test_distances_are_those_of_the_nearest_like() -> None:
    words = [Word("a", Box(0, 0, 10, 10), 1.0), Word("a", Box(100, 0, 10, 10), 1.0), Word("b", Box(0, 0, 1, 1), 1.0)]
    others = [("a", Box(102, 2, 10, 10)), ("a", Box(1, 1, 10, 10)), ("c", Box(0, 0, 1, 1))]
    assert benchmark.distances(words, others, 0.5) == [0.5, 1.0]


def test_growth_beyond_what_is_allowed() -> None:
    found = benchmark.Found(growth=[(19_000, 1), (200_000, 1_000_000)])
    assert found.excess == 50_000
    assert benchmark.Found(growth=[(100, 10)]).excess < 0


def test_a_pdf_is_seen_as_other_programs_see_it() -> None:
    document = Document((page(),))
    content = FORMATS["pdf"].render(document, origins=[Origin(picture_of(page()))])
    for copy in benchmark.COPIES.values():
        assert copy(content).split() == document.text.split()
    marked = list(benchmark.selected(content, page()))
    assert [word.text for word in marked] == document.text.split()
    near = benchmark.distances(marked, [(word.text, word.box) for word in page().words], 1.0)
    assert max(near) < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["receipts"], "no set"), (["--limit", "0"], "at least 1"), (["--jobs", "0"], "at least 1")],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        benchmark.main(arguments)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(DataError, match="pdftotext is not installed"):
        benchmark.main([])
