"""The tree of what was read: its text, its JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_fixtures import boxes, documents
from typecase.document import Block, Box, Document, Line, Page, Word, union
from typecase.errors import InputError


def line(*texts: str) -> Line:
    return Line(Box(0, 0, 10, 10), 0.5, tuple(Word(text, Box(0, 0, 1, 1), 0.5) for text in texts))


def test_text_of_every_level() -> None:
    block = Block(Box(0, 0, 9, 9), (line("one", "two"), line("three")))
    page = Page(9, 9, (block, Block(Box(0, 0, 9, 9), (line("four"),))))
    document = Document((page, Page(5, 5)))
    assert line().text == ""
    assert block.text == "one two\nthree"
    assert page.text == "one two\nthree\n\nfour"
    assert document.text == "one two\nthree\n\nfour\n\f\n"
    assert [one.text for one in document.lines] == ["one two", "three", "four"]
    assert [word.text for word in document.words] == ["one", "two", "three", "four"]


@given(documents)
def test_json_and_back(document: Document) -> None:
    assert Document.from_json(document.to_json()) == document
    assert Document.from_dict(document.to_dict()) == document


@given(documents)
def test_json_is_plain_and_carries_each_lines_text(document: Document) -> None:
    values = json.loads(document.to_json())
    assert values["provenance"] == document.provenance
    found = [one["text"] for page in values["pages"] for block in page["blocks"] for one in block["lines"]]
    assert found == [one.text for one in document.lines]
    for page in values["pages"]:
        assert all(isinstance(block["box"], list) and len(block["box"]) == 4 for block in page["blocks"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("box",), [0, 0, -1, 5]),
        (("box",), [0, 0, 5]),
        (("confidence",), 1.5),
        (("confidence",), "much"),
        (("words", 0, "text"), None),
        (("words", 0, "confidence"), -0.1),
    ],
)
def test_impossible_values_are_refused(path: tuple[Any, ...], value: Any) -> None:
    values = Document((Page(9, 9, (Block(Box(0, 0, 9, 9), (line("a"),)),)),)).to_dict()
    inner = values["pages"][0]["blocks"][0]["lines"][0]
    for key in path[:-1]:
        inner = inner[key]
    assert inner[path[-1]] != value
    inner[path[-1]] = value
    with pytest.raises(InputError, match="no document of typecase"):
        Document.from_dict(values)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pages": 3}', '{"pages": [{"width": 1}]}', b"\xff"])
def test_other_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(InputError, match="no document of typecase"):
        Document.from_json(text)


def test_unknown_keys_are_passed_over() -> None:
    values = Document((Page(9, 9),), "x").to_dict()
    assert Document.from_dict({**values, "later": 1}) == Document((Page(9, 9),), "x")


@given(st.lists(boxes, max_size=5))
def test_union_holds_every_box_and_touches_its_sides(some: list[Box]) -> None:
    whole = union(some)
    kept = [box for box in some if box.width > 0 and box.height > 0]
    if not kept:
        assert whole == Box(0, 0, 0, 0)
        return
    assert whole.x == min(box.x for box in kept)
    assert whole.y == min(box.y for box in kept)
    assert whole.right == pytest.approx(max(box.right for box in kept))
    assert whole.bottom == pytest.approx(max(box.bottom for box in kept))
