from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from typecase.synthesis.ground_truth import InkLine, Pixels
from typecase.synthesis.line_view import (
    Framing,
    LineView,
    neighbouring_lines,
    neighbouring_remains,
    neighbouring_slivers,
    random_line_view,
)

BENT = Framing(skew=15, shear=0.2, perspective=0.2, arc=0.5, curl=0.5, stretch=0.2)
FLAT = Framing(stretch=0.0, skew=0.0, shear=0.0, neighbours=0.0)
INSIDE = replace(FLAT, margin=(0.1, 0.15, 0.3))


def bars(count: int = 8, em: float = 40.0) -> InkLine:
    """Full rectangles for characters, with a space in the middle: their boxes are known to the pixel."""
    width, height = 16, 24
    coverage = np.zeros((80, 24 * count + 40), np.uint8)
    boxes = np.zeros((count, 4), np.float32)
    for place in range(count):
        x, y = 20 + 24 * place, 26 + 3 * (place % 3)
        boxes[place] = (x, y, width, height)
        if place != count // 2:
            coverage[y : y + height, x : x + width] = 255
    text = "".join(" " if place == count // 2 else "x" for place in range(count))
    advances = np.stack([boxes[:, 0] - 4, boxes[:, 0] + width + 4], axis=1)
    return InkLine(coverage, text, boxes, advances, 55.0, em, 20.0, {})


def box_of(ink: Pixels) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(ink.max(axis=1) > 127), np.flatnonzero(ink.max(axis=0) > 127)
    return int(columns[0]), int(rows[0]), int(columns[-1] + 1), int(rows[-1] + 1)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), bent=st.booleans(), enlarged=st.floats(1.0, 3.0))
def test_each_characters_ink_stays_in_its_box(seed: int, bent: bool, enlarged: float) -> None:
    ink = bars()
    framing = replace(BENT if bent else FLAT, margin=(0.1, 0.15, 0.3))
    view = random_line_view(ink, framing, np.random.default_rng(seed), enlarged)
    boxes = view.boxes(ink.boxes)
    for place, character in enumerate(ink.text):
        if character == " ":
            continue
        x, y, width, height = (int(value) for value in ink.boxes[place])
        alone = np.zeros_like(ink.coverage)
        alone[y : y + height, x : x + width] = 255
        left, top, right, bottom = box_of(view.ink(alone))
        x, y, width, height = boxes[place]
        # Resampling blurs by about a pixel; ink never leaves its box by more.
        assert min(left - x, top - y, x + width - right, y + height - bottom) >= -1.2
        if not bent:
            assert (left, top, right, bottom) == pytest.approx((x, y, x + width, y + height), abs=0.8)


@given(seed=st.integers(0, 2**32 - 1))
def test_boxes_lie_in_the_picture_and_keep_their_order(seed: int) -> None:
    ink = bars()
    view = random_line_view(ink, BENT, np.random.default_rng(seed))
    boxes = view.boxes(ink.boxes)
    width, height = view.size
    assert (boxes >= 0).all()
    assert (boxes[:, 0] + boxes[:, 2] <= width + 1e-3).all()
    assert (boxes[:, 1] + boxes[:, 3] <= height + 1e-3).all()
    assert view.ink(ink.coverage).shape == (height, width)
    if view.arc == 0:
        assert (np.diff(boxes[:, 0]) > 0).all()


@given(seed=st.integers(0, 2**32 - 1))
def test_height_stays_in_its_range_and_letters_wide_enough(seed: int) -> None:
    framing = replace(FLAT, height=(24.0, 0.8), least=12, most=40)
    plain = bars()
    squeezed = replace(
        plain,
        coverage=plain.coverage[:, ::8].copy(),
        boxes=plain.boxes * np.array([0.125, 1, 0.125, 1], np.float32),
        advances=plain.advances * np.float32(0.125),
    )
    for ink in (plain, squeezed):
        width, height = random_line_view(ink, framing, np.random.default_rng(seed)).size
        assert 12 <= height <= 40
        assert width / height / len(ink.text) >= 0.2 - 1 / height


def test_margins_are_as_asked() -> None:
    ink = bars()
    for seed in range(40):
        view = random_line_view(ink, INSIDE, np.random.default_rng(seed))
        left, top, right, bottom = box_of(view.ink(ink.coverage))
        width, height = view.size
        line = bottom - top
        for gap in (left, width - right):
            assert 0.08 * line - 1 <= gap <= 0.75 * line + 2
        assert top >= 0.05 * line
        assert height - bottom >= 0.05 * line


def test_a_lone_dash_does_not_fill_the_picture() -> None:
    coverage = np.zeros((80, 60), np.uint8)
    coverage[44:48, 20:36] = 255
    box = np.array([[20, 44, 16, 4]], np.float32)
    dash = InkLine(coverage, "-", box, np.array([[16, 40]], np.float32), 55.0, 40.0, 20.0, {})
    for seed in range(30):
        view = random_line_view(dash, INSIDE, np.random.default_rng(seed))
        assert view.boxes(box)[0, 3] < 0.3 * view.size[1]


def test_long_lines_are_level_and_words_may_rise() -> None:
    steepest = {}
    for name, ink in (("word", bars(6)), ("line", bars(120))):
        slopes = []
        for seed in range(40):
            view = random_line_view(ink, Framing(skew=3, neighbours=0), np.random.default_rng(seed))
            start, end = view.points(np.array([[0.0, 50.0], [100.0, 50.0]]))
            slopes.append(abs(float(np.degrees(np.arctan2(end[1] - start[1], end[0] - start[0])))))
        steepest[name] = max(slopes)
    assert steepest["line"] < 0.5 * steepest["word"]
    assert 1 < steepest["word"] <= 3.5


def test_bending_goes_there_and_back() -> None:
    ink = bars()
    for arc, wave in ((0.004, (0.0, 1.0, 0.0)), (-0.004, (0.0, 1.0, 0.0)), (0.0, (5.0, 300.0, 1.0))):
        view = LineView(np.array([[1.0, 0, 20], [0, 1, 40], [0, 0, 1]]), (300, 180), (110.0, 40.0), arc, wave)
        dot = np.zeros_like(ink.coverage)
        dot[40:44, 60:64] = 255
        moved = view.ink(dot).astype(np.float64)
        rows, columns = np.indices(moved.shape)
        centre = [(columns * moved).sum() / moved.sum() + 0.5, (rows * moved).sum() / moved.sum() + 0.5]
        assert centre == pytest.approx(view.points(np.array([[62.0, 42.0]]))[0].tolist(), abs=1.2)


def test_a_smile_has_its_ends_up() -> None:
    view = LineView(np.eye(3), (300, 100), (110.0, 40.0), arc=0.004)
    ends, middle = view.points(np.array([[20.0, 40.0], [200.0, 40.0]])), view.points(np.array([[110.0, 40.0]]))
    assert (ends[:, 1] < middle[0, 1] - 5).all()


def test_remains_of_neighbours_leave_the_text_alone() -> None:
    ink = bars()
    framing = replace(FLAT, margin=(0.2, 0.3, 0.5))
    seen = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        view = random_line_view(ink, framing, generator)
        remains = neighbouring_remains(ink, view, generator)
        if remains is None:
            continue
        seen += bool(remains.max() > 127)
        text = view.ink(ink.coverage) > 127
        assert not (text & (remains > 127)).any()
        assert remains[view.size[1] // 2].max() == 0
    assert seen > 15


def test_slivers_of_what_stands_beside_a_line_keep_off_its_ink() -> None:
    ink = bars()
    framing = replace(FLAT, margin=(0.2, 0.3, 0.5))
    sides = []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        view = random_line_view(ink, framing, generator)
        slivers = neighbouring_slivers(ink, view, 0.7, generator)
        if slivers is None:
            continue
        text = view.ink(ink.coverage) > 127
        assert not (text & (slivers > 127)).any()
        columns = np.flatnonzero((slivers > 127).any(axis=0))
        inked = np.flatnonzero(text.any(axis=0))
        sides += [bool((columns < inked[0]).any()), bool((columns > inked[-1]).any())]
        assert ((columns < inked[0]) | (columns > inked[-1])).all()
    assert 0.4 < np.mean(sides) < 0.9
    assert neighbouring_slivers(ink, view, 0.0, generator) is None


def test_a_steep_line_crosses_its_cut_between_its_neighbours() -> None:
    ink = bars(60)
    framing = Framing(stretch=0.0, skew=0.3, shear=0.0, margin=(0.0, 0.01, 0.02), steep=1.0)
    rises, overlaps, seen = [], [], 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        view = random_line_view(ink, framing, generator)
        assert view.is_steep
        start, end = view.points(np.array([[0.0, ink.baseline], [ink.coverage.shape[1], ink.baseline]]))
        rises.append(abs(float(end[1] - start[1])) / (view.scale * ink.em))
        others = neighbouring_lines(ink, view, generator)
        assert others.shape == view.size[::-1]
        seen += bool((others > 127).sum() > 0.02 * (view.ink(ink.coverage) > 127).sum())
        overlaps.append(((view.ink(ink.coverage) > 127) & (others > 127)).mean())
    assert 0.4 < np.median(rises) < 1 < max(rises) < 2.2
    assert seen > 10
    # Lines set without lead touch, and no more.
    assert max(overlaps) < 0.02
    assert not random_line_view(ink, replace(framing, steep=0.0), np.random.default_rng(1)).is_steep


def test_a_view_is_the_same_for_a_seed() -> None:
    first, second = (random_line_view(bars(), BENT, np.random.default_rng(7)) for _ in range(2))
    assert (first.matrix == second.matrix).all()
    assert (first.size, first.arc, first.wave) == (second.size, second.arc, second.wave)
