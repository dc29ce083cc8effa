"""The marks of books in what is drawn."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from typecase.charset import LATIN_CHARACTERS
from typecase.synthesis.prose import as_prose

SENTENCE = "the mine of information which lies in the journals of both houses"


def drawn(text: str = SENTENCE, count: int = 2000, seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    return [as_prose(generator, text) for _ in range(count)]


def test_each_mark_of_books_is_drawn_and_the_words_stay() -> None:
    texts = drawn()
    found = Counter(
        name
        for text in texts
        for name, pattern in {
            "dash between words": r"\w—\w",
            "dash with spaces": r"\w — \w",
            "dash at the end": r"\w[.,;]?—$",
            "speech that begins": r"(^| )[“„«‘\"»]\s?\w",
            "speech that ends": r"\w[.,!?]?[”“»’\"«]",
            "note": r"\w[¹²³⁴⁵⁶⁷⁸⁹]",
            "initials": r"[A-Z]\. ?[A-Z]\.",
            "title": r"(Mr|Mrs|Dr|St|Prof)\.",
            "volume": r"(vol\.|pp?\.|ch\.) (\d+|[IVX]+)",
            "space before a mark": r"\w [;:!?]",
            "omission": r"…|\.\.\.|\. \. \.",
            "broken word": r"\w-$",
            "compound": r"\w-\w",
        }.items()
        if re.search(pattern, text)
    )
    assert len(found) == 13
    assert min(found.values()) >= 10
    # The most frequent in books is the most frequent here.
    assert found["dash between words"] > 150
    words = re.findall(r"\w+", SENTENCE)
    for text in texts:
        left = [word for word in re.findall(r"[a-z]+", text) if word in words]
        assert len(left) >= len(words) - 1


@given(st.text(alphabet="ab é", min_size=1).map(lambda text: " ".join(text.split())).filter(bool), st.integers(0, 99))
def test_any_text_stays_a_line_that_can_be_drawn(text: str, seed: int) -> None:
    for line in drawn(text, 20, seed):
        assert line
        assert set(line) <= set(LATIN_CHARACTERS)


def test_the_same_seed_gives_the_same_marks() -> None:
    assert drawn(seed=7, count=50) == drawn(seed=7, count=50) != drawn(seed=8, count=50)
