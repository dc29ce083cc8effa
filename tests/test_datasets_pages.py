"""Pages with their outlines: receipts, drawn pages, and lines split at wide gaps."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector_fixtures import write_receipts
from typecase.datasets.pages import WIDE_GAP, SroiePages, drawn_sample, split_at_gaps
from typecase.errors import DataError
from typecase.preprocess import FloatArray
from typecase.synthesis.page_truth import DrawnPage, PageLine


def box(left: float, right: float, top: float = 100.0, height: float = 20.0) -> FloatArray:
    return np.array([[left, top], [right, top], [right, top + height], [left, top + height]], np.float32)


@given(st.lists(st.tuples(st.floats(5, 60), st.floats(0, 60)), min_size=1, max_size=8), st.integers(2, 5))
def test_a_line_is_split_exactly_at_wide_gaps(words: list[tuple[float, float]], half: int) -> None:
    """Whatever the gaps, the pieces cover every word, and no gap within a piece is wide."""
    spans, x = [], 10.0
    for length, gap in words:
        spans.append((x, x + length))
        x += length + gap
    left, right = spans[0][0], spans[-1][1]
    places = np.linspace(left, right, half)
    upper, lower = (np.stack([places, np.full(half, y)], axis=1) for y in (100.0, 120.0))
    outline = np.concatenate([upper, lower[::-1]]).astype(np.float32)
    pieces = split_at_gaps(outline, [box(*span) for span in spans])
    gaps = [start - stop for (_, stop), (start, _) in pairwise(spans)]
    if any(abs(gap - WIDE_GAP * 20) < 0.01 for gap in gaps):
        return
    assert len(pieces) == 1 + sum(gap > WIDE_GAP * 20 for gap in gaps)
    edges = [(float(piece[:, 0].min()), float(piece[:, 0].max())) for piece in pieces]
    assert edges == sorted(edges)
    for start, stop in spans:
        assert sum(a - 0.1 <= start and stop <= b + 0.1 for a, b in edges) == 1
    for piece in pieces:
        assert (piece[:, 1].min(), piece[:, 1].max()) == (100.0, 120.0)


def test_a_slanting_line_is_split_along_itself() -> None:
    turn = np.array([[0.96, 0.28], [-0.28, 0.96]])
    words = [np.asarray(box(*span) @ turn, np.float32) for span in ((0, 80), (120, 200))]
    outline = np.asarray(box(0, 200) @ turn, np.float32)
    first, second = split_at_gaps(outline, words)
    assert np.abs(first - words[0]).max() < 0.01
    assert np.abs(second - words[1]).max() < 0.01


def test_a_drawn_page_keeps_what_nobody_can_read_apart() -> None:
    lines = (
        PageLine("a b", box(0, 200), (("a", box(0, 80)), ("b", box(120, 200))), 0, 0, 0, 8.0, True),
        PageLine("c", box(0, 50, 150), (("c", box(0, 50, 150)),), 1, 1, 0, 8.0, False),
    )
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[..., 0] = 90
    sample = drawn_sample(DrawnPage(pixels, lines, 0, {}), "7")
    assert sample.name == "7"
    assert sample.ignored == (False, False, True)
    assert len(sample.outlines) == 3
    assert sample.load().shape == (200, 300)
    assert sample.load().dtype == np.uint8
    assert int(sample.load()[0, 0]) == 30


def test_receipts_come_with_their_lines(tmp_path: Path) -> None:
    root = write_receipts(tmp_path / "sroie", count=3)
    (root / "img" / "020.png").write_bytes((root / "img" / "001.png").read_bytes())
    (root / "box" / "020.csv").write_bytes((root / "box" / "001.csv").read_bytes())
    train, development, everything = (SroiePages(root, part) for part in ("train", "development", "all"))
    # Receipts whose number is divisible by ten are not among those to train on.
    assert [page.name for page in train] == ["001", "002", "003"]
    assert [page.name for page in development] == ["020"]
    assert len(everything) == 4
    for page in train:
        grey = page.load()
        assert grey.shape == (224, 160)
        assert page.ignored == (False,) * len(page.outlines)
        for outline in page.outlines:
            (left, top), (right, bottom) = outline.min(axis=0).astype(int), outline.max(axis=0).astype(int)
            assert (grey[top:bottom, left:right] == 40).all()
            assert (grey[top - 1, left:right] == 235).all()


def test_a_folder_without_receipts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="receipts"):
        SroiePages(tmp_path)
