"""Tables are found where there are some, with their rows and columns, and nowhere else."""

from __future__ import annotations

import csv
import io
import math
import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from document_fixtures import block_of, line_at, telling_document, whole_word
from typecase.document import Block, Box, Document, Line, Page, Point, Word, union
from typecase.errors import MissingExtraError
from typecase.tables import Table, find_tables
from typecase.upright_words import Upright

ROWS = [
    ["Item", "Qty", "Price"],
    ["Pears, ripe", "3", "1.20"],
    ["Coffee", "12", "104.00"],
    ["Bread and butter", "1", "2.95"],
]


def table_lines(
    rows: list[list[str]], x: float = 60, y: float = 100, step: float = 200, leading: float = 34
) -> list[Line]:
    """A line for each row, the first column at its left edge, the others ending in line."""
    found = []
    for number, row in enumerate(rows):
        words: list[Word] = []
        for column, text in enumerate(row):
            if text:
                left = x if column == 0 else x + step * (column + 1) - 10 * len(text)
                words += line_at(text, left, y + leading * number).words
        found.append(Line(union(word.box for word in words), 0.9, tuple(words)))
    return found


def page_with(*lines: Line, width: int = 900, height: int = 800) -> Page:
    return Page(width, height, (block_of(lines),))


def rows_found(page: Page, picture: Image.Image | None = None) -> list[list[list[str]]]:
    return [table.rows for table in find_tables(page, picture)]


def test_a_table_of_aligned_words() -> None:
    above = line_at("An invoice with a heading that runs over all of it, wide", 60, 30)
    below = line_at("Thank you for what you bought and come again soon", 60, 300)
    page = page_with(above, *table_lines(ROWS), below)
    [table] = find_tables(page)
    assert table.rows == ROWS
    assert (table.columns, table.ruled, table.page) == (3, False, 1)
    assert table.cells[1][0].text == "Pears, ripe"
    assert table.cells[1][0].box == Box(60, 134, 110, 20)
    assert table.box.x == 60
    assert [word.text for word in table.cells[3][0].words] == ["Bread", "and", "butter"]


def test_a_table_whose_columns_are_blocks() -> None:
    lines = table_lines(ROWS)
    columns = [
        block_of(Line(word.box, 0.9, (word,)) for line in lines for word in line.words if low <= word.box.x < high)
        for low, high in ((0, 270), (270, 480), (480, 900))
    ]
    assert rows_found(Page(900, 800, tuple(columns))) == [ROWS]


def test_empty_cells_stay_empty() -> None:
    rows = [["Item", "Qty", "Price"], ["Pears", "", "1.20"], ["", "12", "104.00"], ["Bread", "1", ""]]
    assert rows_found(page_with(*table_lines(rows))) == [rows]


def test_two_tables() -> None:
    other = [["a", "b"], ["c", "d"], ["e", "f"]]
    page = page_with(*table_lines(ROWS), *table_lines(other, y=500))
    assert rows_found(page) == [ROWS, other]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_page(rotation: int) -> None:
    upright = page_with(*table_lines(ROWS))
    back = Upright(msgspec.structs.replace(upright, rotation=(360 - rotation) % 360))

    def turned(line: Line) -> Line:
        words = tuple(msgspec.structs.replace(word, box=back.box(word.box)) for word in line.words)
        return Line(union(word.box for word in words), 0.9, words)

    lines = tuple(turned(line) for line in upright.lines)
    page = Page(*back.size, (block_of(lines),), rotation=rotation)  # type: ignore[arg-type]
    assert rows_found(page) == [ROWS]


def test_a_skewed_page() -> None:
    angle = 6.0
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))

    def sloped(word: Word) -> Word:
        x, y = word.box.x + word.box.width / 2 - 450, word.box.y + 10 - 400
        middle = Point(450 + x * cosine - y * sine, 400 + x * sine + y * cosine)
        return Word(word.text, Box(middle.x - word.box.width / 2, middle.y - 10, word.box.width, 20), 0.9)

    lines = [Line(line.box, 0.9, tuple(map(sloped, line.words))) for line in table_lines(ROWS)]
    assert rows_found(msgspec.structs.replace(page_with(*lines), skew=angle)) == [ROWS]
    assert rows_found(page_with(*lines)) != [ROWS]


PROSE = "when it was over they went home and nobody spoke of it again until".split()


def test_running_text_is_no_table() -> None:
    lines = [line_at(" ".join(PROSE[number % 3 :][:9]), 60, 40 + 30 * number) for number in range(12)]
    assert find_tables(page_with(*lines)) == []


def test_columns_of_running_text_are_no_table() -> None:
    lines = []
    for number in range(12):
        for x in (60, 480):
            words = PROSE[(number + x) % 4 :][:8]
            lines.append(line_at(" ".join(words), x, 40 + 30 * number, step=8))
    assert find_tables(page_with(*lines)) == []


def test_the_telling_document_has_none() -> None:
    document = telling_document()
    assert document.tables == []


def ruled_picture(page: Page, rows: list[int], columns: list[int], colour: int = 0, paper: int = 255) -> Image.Image:
    image = Image.new("L", (page.width, page.height), paper)
    draw = ImageDraw.Draw(image)
    for y in rows:
        draw.line((columns[0], y, columns[-1], y), colour, 2)
    for x in columns:
        draw.line((x, rows[0], x, rows[-1]), colour, 2)
    for word in page.words:
        draw.rectangle((word.box.x, word.box.y + 4, word.box.right, word.box.bottom), fill=colour)
    return image


@pytest.mark.parametrize(("colour", "paper"), [(0, 255), (150, 235), (255, 20)])
def test_a_ruled_table_with_cells_of_several_lines(colour: int, paper: int) -> None:
    # Without its rules this is no table: the cells are near one another and hold lines of their own.
    texts = [["One two", "three four"], ["five", "seven"]]
    lines = [
        line_at("One", 110, 110),
        line_at("three", 190, 110),
        line_at("two", 110, 140),
        line_at("four", 190, 140),
        line_at("five", 110, 210),
        line_at("seven", 190, 210),
    ]
    page = page_with(*lines, width=500, height=400)
    picture = ruled_picture(page, [100, 200, 260], [100, 180, 300], colour, paper)
    [table] = find_tables(page, picture)
    assert (table.rows, table.ruled) == (texts, True)
    large = picture.resize((2000, 1600))
    bigger = page_with(
        *(
            Line(
                line.box,
                0.9,
                tuple(whole_word(word.text, Box(*(4 * side for side in word.box))) for word in line.words),
            )
            for line in lines
        ),
        width=2000,
        height=1600,
    )
    assert rows_found(bigger, large) == [texts]


def test_rules_on_a_turned_page() -> None:
    upright = page_with(*table_lines([["a", "b"], ["c", "d"]], x=120, y=110, step=60), width=500, height=400)
    picture = ruled_picture(upright, [100, 138, 180], [100, 180, 300])
    back = Upright(msgspec.structs.replace(upright, rotation=270))
    lines = tuple(
        Line(line.box, 0.9, tuple(msgspec.structs.replace(word, box=back.box(word.box)) for word in line.words))
        for line in upright.lines
    )
    page = Page(*back.size, (Block(Box(0, 0, 1, 1), lines),), rotation=90)
    assert rows_found(page, picture.transpose(Image.Transpose.ROTATE_90)) == [[["a", "b"], ["c", "d"]]]


def test_a_box_around_a_page_is_no_table() -> None:
    page = page_with(line_at("only one line", 60, 100))
    assert find_tables(page, ruled_picture(page, [20, 700], [20, 800])) == []


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(st.text("abc123 .,", min_size=1, max_size=6).map(str.strip).filter(bool), min_size=3, max_size=3),
        min_size=3,
        max_size=6,
    )
)
def test_any_grid_comes_back(rows: list[list[str]]) -> None:
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    found = rows_found(page_with(*table_lines(rows)))
    assert found == [rows]


def test_forms_of_a_table() -> None:
    [table] = find_tables(page_with(*table_lines(ROWS)))
    assert list(csv.reader(io.StringIO(table.to_csv(), newline=""))) == ROWS
    frame = table.to_dataframe()
    assert list(frame.columns) == ROWS[0]
    assert frame.to_numpy().tolist() == ROWS[1:]
    assert table.to_dataframe(header=False).to_numpy().tolist() == ROWS
    document = Document((page_with(*table_lines(ROWS)), page_with()))
    assert [one.rows for one in document.tables] == [ROWS]


def test_pandas_is_asked_for_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="data frame"):
        Table(((),), Box(0, 0, 0, 0)).to_dataframe()
