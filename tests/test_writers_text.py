"""Plain text that keeps its columns, Markdown, and the tables as CSV."""

from __future__ import annotations

import csv
import io

from markdown_it import MarkdownIt
from PIL import Image

from document_fixtures import PROVENANCE, block_of, line_at, telling_document
from test_tables import ROWS, ruled_picture, table_lines
from typecase.document import Document, Page
from typecase.writers import FORMATS, Origin, WriteOptions


def written(page: Page, name: str, options: WriteOptions | None = None) -> str:
    return FORMATS[name].render(Document((page,), "a.png", PROVENANCE), options or WriteOptions()).decode()


def test_layout_keeps_columns() -> None:
    left = block_of([line_at("left column", 100, 100), line_at("goes on", 100, 130)])
    right = block_of([line_at("right column", 500, 100), line_at("there", 500, 130), line_at("far below", 500, 400)])
    page = Page(900, 600, (left, right))
    assert written(page, "text") == page.text + "\n"
    assert written(page, "text", WriteOptions(layout=True)).split("\n") == [
        f"{'left column':40}right column",
        f"{'goes on':40}there",
        "",
        "",
        f"{'':40}far below",
        "",
    ]


def test_layout_of_a_table_and_of_pages() -> None:
    page = Page(900, 800, (block_of(table_lines(ROWS)),))
    text = FORMATS["text"].render(Document((page, Page(9, 9), page)), WriteOptions(layout=True)).decode()
    first, empty, second = text.split("\n\f\n")
    assert (first + "\n", empty) == (second, "")
    ends = [line.rindex(row[-1]) + len(row[-1]) for line, row in zip(first.split("\n"), ROWS, strict=True)]
    assert len(set(ends)) == 1
    assert all(line.split() == " ".join(row).split() for line, row in zip(first.split("\n"), ROWS, strict=True))


def test_layout_loses_no_word() -> None:
    for page in telling_document().pages:
        assert sorted(written(page, "text", WriteOptions(layout=True)).split()) == sorted(page.text.split())


def markdown_page() -> Page:
    heading = line_at("A large heading", 60, 30, 44, 22)
    smaller = line_at("Smaller one", 60, 110, 34, 18)
    prose = [
        line_at("It was a text of several lines, broken as the pa-", 60, 170),
        line_at("per wanted. 3 * 4 < 15 and [x] stay as_they_are.", 60, 195),
    ]
    items = [
        line_at("• first of them", 60, 260),
        line_at("goes on here", 80, 285),
        line_at("• second", 60, 310),
        line_at("2) third", 60, 335),
    ]
    return Page(
        1000,
        900,
        (block_of([heading]), block_of([smaller, *prose]), block_of(items), block_of(table_lines(ROWS, y=450))),
    )


def test_markdown_reads_as_what_it_is() -> None:
    text = written(markdown_page(), "md")
    body, comment = text.split("\n<!-- ")
    assert body == (
        "# A large heading\n\n"
        "## Smaller one\n\n"
        r"It was a text of several lines, broken as the paper wanted. 3 \* 4 \< 15 and \[x\] stay as\_they\_are."
        "\n\n"
        "- first of them goes on here\n- second\n2. third\n\n"
        "| Item | Qty | Price |\n| --- | --- | --- |\n| Pears, ripe | 3 | 1.20 |\n| Coffee | 12 | 104.00 |\n"
        "| Bread and butter | 1 | 2.95 |\n"
    )
    assert comment.startswith("typecase 0.1.0 {")
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    for part in ("<h1>A large heading</h1>", "<h2>", "<li>second</li>", "<td>104.00</td>", "3 * 4 &lt; 15 and [x]"):
        assert part in html


def test_markdown_means_no_more_than_what_was_read() -> None:
    texts = ["# no heading", "- - -", "> said", "1986. A year", "<b>bold</b> `code` **x**", "====", "+ plus", "a | b"]
    lines = [line_at(text, 60, 40 + 60 * number) for number, text in enumerate(texts)]
    page = Page(800, 800, tuple(block_of([line]) for line in lines))
    html = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(written(page, "md").split("\n<!--")[0])
    for unwanted in ("<h1", "<h2", "<b>", "<code", "<strong", "<blockquote", "<hr", "<table"):
        assert unwanted not in html


def test_markdown_of_pages_and_of_nothing() -> None:
    page = Page(400, 400, (block_of([line_at("one", 20, 20)]),))
    text = FORMATS["md"].render(Document((page, page))).decode()
    assert text.startswith("one\n\n---\n\none\n")
    assert FORMATS["md"].render(Document()).decode().startswith("\n<!-- typecase")


def test_tables_as_csv() -> None:
    other = [["a;", 'b"'], ["c,", "d"], ["e", "f"]]
    page = Page(900, 900, (block_of(table_lines(ROWS)), block_of(table_lines(other, y=500))))
    text = FORMATS["csv"].render(Document((page,))).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == [*ROWS, [], *other]
    assert FORMATS["csv"].render(telling_document()) == b""


def test_csv_sees_rules_in_the_picture() -> None:
    lines = [line_at("a", 110, 110), line_at("b", 190, 110), line_at("c", 110, 210), line_at("d", 190, 210)]
    page = Page(500, 400, (block_of(lines),))
    picture: Image.Image = ruled_picture(page, [100, 200, 260], [100, 180, 300])
    assert FORMATS["csv"].render(Document((page,)), origins=[Origin(picture)]) == b"a,b\r\nc,d\r\n"
    assert FORMATS["csv"].render(Document((page,))) == b""
