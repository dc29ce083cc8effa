"""Arranging what was read on a page: pieces into lines, lines into blocks, all in the order of reading."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import shared_data
from typecase.document import Block, Box, Character, Line, Point, Word, union
from typecase.stages.arrange import arrange, dehyphenate
from typecase.stages.rows import cut_pieces
from typecase.stages.separators import separators_of

HEIGHT = 20.0
CHARACTER = 10.0
PITCH = 26.0


def piece(text: str, x: float, y: float, height: float = HEIGHT, *, confidence: float = 0.9) -> Line:
    """A piece of a line in a typeface of one width: half as wide as it is high, words one character apart."""
    width = height / 2
    words = []
    at = x
    for word in text.split(" "):
        # More spaces make a wide gap inside of a piece, as where a detector overlooks one.
        if word:
            words.append(Word(word, Box(at, y, width * len(word), height), confidence))
        at += width * (len(word) + 1)
    return Line(union(word.box for word in words), confidence, tuple(words))


def column(lines: Iterable[str], x: float, y: float, height: float = HEIGHT, pitch: float = PITCH) -> list[Line]:
    return [piece(text, x, y + number * pitch, height) for number, text in enumerate(lines)]


def arranged(lines: Sequence[Line], seed: int = 0) -> tuple[Block, ...]:
    shuffled = list(lines)
    random.Random(seed).shuffle(shuffled)
    return arrange(shuffled, 1000, 1400)


def texts(blocks: Iterable[Block]) -> list[str]:
    return [line.text for block in blocks for line in block.lines]


def prose(name: str, count: int, width: int = 34) -> list[str]:
    """Lines of running text, each of its own, the last one short."""
    lines = [f"{name}{number} lorem ipsum dolor sit amet consetetur elitr"[:width].rstrip() for number in range(count)]
    return [*lines[:-1], lines[-1][:12].rstrip()]


def test_nothing_and_one_line() -> None:
    assert arrange([], 100, 100) == ()
    line = piece("alone", 10, 10)
    assert arrange([line], 100, 100) == (Block(line.box, (line,)),)
    # A line that is whole comes back as it came, whatever else it carries.
    assert arrange([line], 100, 100)[0].lines[0] is line


def test_a_line_without_words_is_kept() -> None:
    lines = [piece("above", 10, 10), Line(Box(10, 50, 80, 20), 0.2), piece("below", 10, 90)]
    assert texts(arranged(lines)) == ["above", "", "below"]


def test_pieces_of_a_row_become_one_line() -> None:
    first, second = piece("Total", 10, 100, confidence=0.9), piece("12.50", 700, 102, confidence=0.8)
    [block] = arranged([first, second])
    [line] = block.lines
    assert line.text == "Total 12.50"
    assert line.confidence == pytest.approx(0.72)
    assert line.box == union([first.box, second.box])
    assert line.words == (*first.words, *second.words)
    assert line.polygon == ()


def test_joining_keeps_what_words_carry() -> None:
    corners = (Point(0, 0), Point(9, 0), Point(9, 9), Point(0, 9))
    word = Word("7", Box(700, 100, 10, 20), 0.5, (Character("7", Box(700, 100, 10, 20), 0.5),), corners)
    blocks = arranged([piece("Qty", 10, 100), Line(word.box, 0.5, (word,), corners)])
    assert blocks[0].lines[0].words[1] is word


def test_a_receipt_is_read_row_by_row() -> None:
    items = [("1 NASI LEMAK", "5.50"), ("2 TEH TARIK", "3.60"), ("1 ROTI CANAI", "1.80"), ("1 AIR SUAM", "0.30")]
    lines = [piece("KEDAI KOPI MAJU", 130, 20, 30), piece("(TAX INVOICE)", 160, 60)]
    for number, (name, price) in enumerate(items):
        lines += [piece(name, 20, 120 + number * 30), piece(price, 380, 122 + number * 30)]
    lines += [piece("TOTAL", 20, 260), piece("11.20", 360, 258, 26), piece("THANK YOU", 160, 310)]
    assert texts(arranged(lines)) == [
        "KEDAI KOPI MAJU",
        "(TAX INVOICE)",
        *(f"{name} {price}" for name, price in items),
        "TOTAL 11.20",
        "THANK YOU",
    ]


@pytest.mark.parametrize("offset", [0.0, 9.0])
@pytest.mark.parametrize("count", [2, 3])
def test_columns_are_read_one_after_the_other(count: int, offset: float) -> None:
    columns = [prose(name, 9) for name in "abc"[:count]]
    lines = [one for place, rows in enumerate(columns) for one in column(rows, 20 + 400 * place, 100 + offset * place)]
    blocks = arranged(lines)
    assert texts(blocks) == [text for rows in columns for text in rows]
    assert len(blocks) == count


def test_a_heading_above_columns_comes_first_and_a_page_number_last() -> None:
    lines = [piece("A heading over both columns", 120, 20, 40)]
    lines += column(prose("a", 8), 20, 120) + column(prose("b", 8), 420, 120)
    lines += [piece("17", 385, 500)]
    read = texts(arranged(lines))
    assert read == ["A heading over both columns", *prose("a", 8), *prose("b", 8), "17"]


def test_columns_go_on_below_a_heading_that_parts_them() -> None:
    lines = column(prose("a", 6), 20, 100) + column(prose("b", 6), 420, 100)
    lines += [piece("A second heading across all of it", 20, 300, 36)]
    lines += column(prose("c", 6), 20, 380) + column(prose("d", 6), 420, 380)
    read = texts(arranged(lines))
    assert read == [
        *prose("a", 6),
        *prose("b", 6),
        "A second heading across all of it",
        *prose("c", 6),
        *prose("d", 6),
    ]


def test_paragraphs_that_end_side_by_side_do_not_cut_columns() -> None:
    left = column(prose("a", 5), 20, 100) + column(prose("b", 5), 20, 100 + 6.5 * PITCH)
    right = column(prose("c", 5), 420, 100) + column(prose("d", 5), 420, 100 + 6.5 * PITCH)
    blocks = arranged(left + right)
    assert texts(blocks) == [*prose("a", 5), *prose("b", 5), *prose("c", 5), *prose("d", 5)]
    assert [len(block.lines) for block in blocks] == [5, 5, 5, 5]


def test_a_right_column_beside_a_picture_belongs_to_the_columns() -> None:
    left = column(prose("a", 6), 20, 100 + 8 * PITCH)
    right = column(prose("b", 14), 420, 100)
    assert texts(arranged(left + right)) == [*prose("a", 6), *prose("b", 14)]


def test_columns_around_a_quotation_are_read_one_after_the_other_in_spite_of_dirt() -> None:
    # Two columns, narrower above, where a quotation stands between them; dirt at the edge makes a gutter of its own.
    above = [prose(name, 8, 24) for name in "ab"]
    below = [prose(name, 9, 34) for name in "cd"]
    quotation = [f"{number} remarkable words of a friend" for number in range(6)]
    lines = column(above[0], 20, 100) + column(above[1], 650, 110) + column(quotation, 300, 118)
    lines += column(below[0], 20, 100 + 8 * PITCH) + column(below[1], 400, 110 + 8 * PITCH)
    read = [text.removesuffix(" :") for text in texts(arranged([*lines, piece(":", 940, 300)]))]
    assert [text for text in read if text not in quotation] == [*above[0], *below[0], *above[1], *below[1]]
    assert [text for text in read if text in quotation] == quotation


def test_an_advertisement_below_two_of_three_columns_beside_a_cut_page_does_not_make_rows_of_them() -> None:
    columns = [prose("a", 8, 28), prose("b", 8, 28), prose("c", 16, 28)]
    lines = [one for place, rows in enumerate(columns) for one in column(rows, 20 + 300 * place, 100)]
    notice = [f"{number} all that you ever wished for and much more" for number in range(7)]
    lines += column(notice, 60, 104 + 8.5 * PITCH)
    # One line was found right across a gutter; and the ends of lines of the page beside it are on the same sheet.
    over, lines = [line for line in lines if line.text in (columns[1][5], columns[2][5])], lines
    lines = [line for line in lines if line not in over] + column(["of"] * 14, 960, 100)
    lines.append(Line(union(line.box for line in over), 0.9, over[0].words + over[1].words))
    read = [text.removesuffix(" of") for text in texts(arranged(lines))]
    assert read == [*columns[0], *columns[1], *notice, *columns[2]]


def test_separators_are_looked_for_among_so_many_pieces_and_no_more() -> None:
    for count, found in ((40, 1), (990, 1), (1010, 0), (4, 0)):
        lines = column(prose("a", count), 20, 100) + column(prose("b", count), 400, 100)
        pieces = cut_pieces(lines)
        assert len(separators_of(pieces, np.arange(len(pieces)))) == found


def test_a_few_fields_of_a_form_side_by_side_are_still_rows() -> None:
    rows = [(f"Name of the applicant {number}", f"Place of birth and date {number}") for number in range(4)]
    lines = [
        piece(text, x, 100 + number * 40)
        for number, row in enumerate(rows)
        for text, x in zip(row, (20, 420), strict=True)
    ]
    lines.append(piece("to be filled in by the office and no one else, in full and in capitals", 20, 300))
    assert texts(arranged(lines)) == [*(f"{one} {other}" for one, other in rows), lines[-1].text]


def test_a_detector_that_joins_columns_is_put_right() -> None:
    left, right = prose("a", 6), prose("b", 6)
    # Words that stand 80 pixels apart in one piece, as where the gutter was overlooked.
    across = 20 + 34 * CHARACTER
    lines = []
    for number in range(6):
        y = 100 + number * PITCH
        one, two = piece(left[number], 20, y), piece(right[number], across + 60, y)
        merged = Line(union([one.box, two.box]), 0.9, one.words + two.words)
        lines += [merged] if number in (1, 3) else [one, two]
    assert texts(arranged(lines)) == [*left, *right]


def test_a_table_is_read_by_rows() -> None:
    head = ["Article", "Number", "Price", "Sum"]
    rows = [
        [f"Part {letter}", str(3 * number), f"{number}.50", f"{number}9.00"] for number, letter in enumerate("uvwxyz")
    ]
    lines = []
    for number, cells in enumerate([head, *rows]):
        for place, cell in enumerate(cells):
            lines.append(piece(cell, 40 + 220 * place + number % 3, 200 + 36 * number + place % 2))
    blocks = arranged(lines)
    assert texts(blocks) == [" ".join(cells) for cells in [head, *rows]]
    assert len(blocks) == 1


def test_long_cells_of_a_table_do_not_make_columns() -> None:
    lines = []
    for number in range(4):
        y = 100 + 120 * number
        lines += column(prose(f"a{number}", 4), 20, y) + column(prose(f"b{number}", 3), 420, y)
        lines.append(piece(f"{number}4.10", 900, y))
    read = texts(arranged(lines))
    assert read[0] == f"{prose('a0', 4)[0]} {prose('b0', 3)[0]} 04.10"
    # Nothing of the second row comes before all of the first.
    first = [place for place, text in enumerate(read) if "a0" in text or "b0" in text or text == prose("a0", 4)[-1]]
    second = [place for place, text in enumerate(read) if "a1" in text or "b1" in text]
    assert max(first[:-1]) < min(second)


def test_labels_stay_with_what_was_filled_in() -> None:
    pairs = [
        ("Name:", "John Smith"),
        ("Street:", "Long Road 12"),
        ("Town:", "Springfield"),
        ("Country:", "Nowhere Land"),
    ]
    lines = [
        one
        for n, (label, value) in enumerate(pairs)
        for one in (piece(label, 20, 50 + 40 * n), piece(value, 250, 51 + 40 * n))
    ]
    assert texts(arranged(lines)) == [f"{label} {value}" for label, value in pairs]


def test_fields_of_a_form_in_two_columns_are_read_across() -> None:
    left = ["Order", "Number of the delivery", "Delivered upon", "Account of the customer"]
    right = ["Receipt of payment", "Date", "Place of the signature", "Town"]
    lines = []
    for row, names in enumerate(zip(left, right, strict=True)):
        for place, name in enumerate(names):
            # What is filled in follows its label wherever that ends.
            start, y = 20 + 500 * place, 100 + 28 * row
            lines += [piece(name, start, y), piece("Marie Wolf", start + CHARACTER * (len(name) + 4), y)]
    read = texts(arranged(lines))
    assert read == [f"{one} Marie Wolf {two} Marie Wolf" for one, two in zip(left, right, strict=True)]


def test_addresses_side_by_side_are_read_one_after_the_other() -> None:
    left = ["Sender and Sons Limited", "Harbour Street Nine", "Port Elizabeth"]
    right = ["Receiver Incorporated", "Mountain Avenue Two", "Upper Village"]
    assert texts(arranged(column(left, 20, 100) + column(right, 600, 100))) == left + right


def test_an_address_beside_a_list_is_read_by_itself() -> None:
    left = ["Sender and Sons Limited", "Harbour Street Nine", "Port Elizabeth"]
    labels, values = ["Invoice:", "Date:", "Customer:"], ["A-17", "1 May 2024", "K 99"]
    lines = column(left, 20, 100) + column(labels, 560, 101) + column(values, 760, 101)
    assert texts(arranged(lines)) == [*left, *(f"{one} {two}" for one, two in zip(labels, values, strict=True))]


def test_a_sidebar_is_read_apart() -> None:
    body = prose("body", 12, 44)
    side = ["Notes on the", "margin that", "say more in", "smaller type"]
    lines = column(body, 300, 100) + column(side, 20, 180, 14, 19)
    assert texts(arranged(lines)) == [*side, *body]


def test_large_text_beside_small_is_no_row_of_it() -> None:
    small = ["Harbour Street Nine", "Port Elizabeth", "Telephone number", "and so on"]
    lines = [piece("ACME", 20, 105, 60), *column(small, 500, 100)]
    assert texts(arranged(lines)) == ["ACME", *small]


def test_a_raised_number_stays_with_its_word() -> None:
    lines = [piece("A claim", 20, 100, 30), piece("3", 128, 98, 14), piece("that goes on", 145, 100, 30)]
    assert texts(arranged(lines)) == ["A claim 3 that goes on"]


def test_footnotes_and_headings_are_blocks_of_their_own() -> None:
    lines = [
        piece("Heading", 20, 40, 36),
        *column(prose("a", 6, 60), 20, 110),
        *column(prose("foot", 2), 20, 330, 13, 17),
    ]
    blocks = arranged(lines)
    assert [len(block.lines) for block in blocks] == [1, 6, 2]
    assert blocks[1].box == union(line.box for line in blocks[1].lines)


def test_paragraphs_part_at_gaps_and_at_indents() -> None:
    rows = prose("a", 4, 60) + prose("b", 4, 60)
    spaced = column(rows[:4], 20, 100) + column(rows[4:], 20, 100 + 5 * PITCH)
    assert [len(block.lines) for block in arranged(spaced)] == [4, 4]
    indented = column(rows, 20, 100)
    indented[4] = piece(rows[4], 50, 100 + 4 * PITCH)
    assert [len(block.lines) for block in arranged(indented)] == [4, 4]


def test_lines_on_a_slope_are_still_rows() -> None:
    rows = [(f"article number {n}", f"{n}.75") for n in range(8)]
    lines = [
        one
        for n, (name, price) in enumerate(rows)
        for one in (piece(name, 20, 50 + 30 * n), piece(price, 600, 57 + 30 * n))
    ]
    assert texts(arranged(lines)) == [f"{name} {price}" for name, price in rows]


def test_text_that_runs_up_comes_last() -> None:
    upward = Line(Box(2, 50, 18, 300), 0.9, (Word("sideways", Box(2, 50, 18, 300), 0.9),))
    assert texts(arranged([upward, *column(prose("a", 6), 60, 100)])) == [*prose("a", 6), "sideways"]


_boxes = st.tuples(
    st.floats(0, 800), st.floats(0, 1200), st.floats(2, 400), st.sampled_from([8.0, 14.0, 15.0, 20.0, 60.0])
)
_texts = st.lists(st.text("abcXYZ019:.-", min_size=1, max_size=9), min_size=0, max_size=4)


@st.composite
def _pages(draw: st.DrawFn) -> list[Line]:
    lines = []
    for x, y, width, height in draw(st.lists(_boxes, max_size=14)):
        found = draw(_texts)
        step = width / max(1, len(found))
        words = tuple(Word(text, Box(x + n * step, y, 0.7 * step, height), 0.5) for n, text in enumerate(found))
        lines.append(Line(Box(x, y, width, height), 0.5, words))
    return lines


@settings(deadline=None)
@given(_pages(), st.randoms(use_true_random=False))
def test_every_word_comes_once_in_whatever_order_the_pieces_come(lines: list[Line], chance: random.Random) -> None:
    blocks = arrange(lines, 1000, 1400)
    assert sorted((word.text, word.box) for block in blocks for line in block.lines for word in line.words) == sorted(
        (word.text, word.box) for line in lines for word in line.words
    )
    assert sum(not line.words for block in blocks for line in block.lines) <= sum(not line.words for line in lines)
    shuffled = list(lines)
    chance.shuffle(shuffled)
    assert arrange(shuffled, 1000, 1400) == blocks


@settings(deadline=None)
@given(_pages(), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_neither_size_nor_place_of_a_page_matters(lines: list[Line], scale: float) -> None:
    def changed(box: Box) -> Box:
        return Box(*(scale * side for side in box))

    larger = [
        Line(changed(line.box), line.confidence, tuple(Word(w.text, changed(w.box), w.confidence) for w in line.words))
        for line in lines
    ]
    # Powers of two change no comparison.
    expected = texts(arrange(lines, 1000, 1400))
    assert texts(arrange(larger, scale * 1000, scale * 1400)) == expected


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32))
def test_shaking_boxes_changes_nothing(seed: int) -> None:
    chance = random.Random(seed)
    lines = [piece("A heading over both columns", 120, 20, 40)]
    lines += column(prose("a", 8), 20, 120) + column(prose("b", 8), 440, 131)
    lines += [
        one for n in range(4) for one in (piece(f"item {n}", 20, 420 + 30 * n), piece(f"{n}.25", 600, 420 + 30 * n))
    ]
    shaken = []
    for line in lines:
        left, up, right, down = (chance.uniform(-2, 2) for _ in range(4))
        box = Box(line.box.x + left, line.box.y + up, line.box.width + right - left, line.box.height + down - up)
        shaken.append(Line(box, line.confidence, line.words))
    assert texts(arrange(shaken, 1000, 1400)) == texts(arrange(lines, 1000, 1400))


def test_words_divided_at_the_ends_of_lines_are_joined_on_request() -> None:
    lines = column(["a divi-", "ded word, and a well-", "Known one, ex-", "ample"], 20, 100)
    blocks = arrange(lines, 1000, 1400)
    joined = dehyphenate(blocks)
    assert texts(joined) == ["a divided", "word, and a well-", "Known one, example"]
    [first] = [word for block in joined for line in block.lines for word in line.words if word.text == "divided"]
    assert first.confidence == pytest.approx(0.81)
    assert first.box == blocks[0].lines[0].words[1].box
    # What holds no divided word is given back as it is.
    assert dehyphenate(joined) == joined


def test_a_divided_word_goes_on_in_the_next_block() -> None:
    last = Word("inter-", Box(0, 0, 60, 20), 0.5, tuple(Character(c, Box(0, 0, 5, 20), 0.9) for c in "inter-"))
    next_one = Word("val", Box(0, 0, 30, 20), 0.5, tuple(Character(c, Box(0, 0, 5, 20), 0.9) for c in "val"))
    blocks = [Block(word.box, (Line(word.box, 0.5, (word,)),)) for word in (last, next_one)]
    [block] = dehyphenate(blocks)
    [word] = block.lines[0].words
    assert word.text == "interval"
    assert "".join(character.text for character in word.characters) == "interval"


def test_rows_of_real_receipts_are_joined_as_people_see_them() -> None:
    """Two boxes of a receipt whose middles are level, with nothing between them, are one line."""
    folder = shared_data("sroie") / "box"
    together = apart = 0
    for path in sorted(folder.glob("*.csv"))[1:300:10]:
        lines = []
        for row in path.read_text(encoding="utf-8-sig").splitlines():
            *corners, text = row.split(",", 8)
            x, y = [float(one) for one in corners[::2]], [float(one) for one in corners[1::2]]
            box = Box(min(x), min(y), max(x) - min(x), max(y) - min(y))
            # Every box counts as one word, so that where it lies tells it.
            lines.append(Line(box, 1.0, (Word(text, box, 1.0),)))
        found = {
            word.box: place
            for place, line in enumerate(line for block in arranged(lines) for line in block.lines)
            for word in line.words
        }
        for one in lines:
            level = [
                other
                for other in lines
                if other.box.x > one.box.right
                and abs(_middle(other) - _middle(one)) < 0.2 * min(one.box.height, other.box.height)
                and max(one.box.height, other.box.height) < 1.3 * min(one.box.height, other.box.height)
            ]
            if level:
                same = found[min(level, key=lambda other: other.box.x).box] == found[one.box]
                together, apart = together + same, apart + (not same)
    assert together > 500
    assert apart <= 0.01 * together


def _middle(line: Line) -> float:
    return line.box.y + line.box.height / 2
