"""Texts to draw: from files and mixtures, tidy whatever they come from, and the held-back tenth never among them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import shared_data
from typecase.charset import LATIN_CHARACTERS
from typecase.errors import DataError, UsageError
from typecase.synthesis.text import Part, Sentences, TextFile, TextMixture, open_texts, tidy, upper


def sentences_file(lines: list[str], language: str = "en") -> TextFile:
    return TextFile(Path(f"{language}.txt"), language, tuple(enumerate(lines)))


def samples(source: Sentences | TextMixture, count: int = 500, seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    return [source.sample(generator) for _ in range(count)]


@given(st.text())
def test_tidy_text_has_one_form(text: str) -> None:
    characters = frozenset(LATIN_CHARACTERS)
    done = tidy(text, characters)
    assert set(done) <= characters
    assert done == unicodedata.normalize("NFC", done) == " ".join(done.split(" ")).strip()
    assert "  " not in done
    assert tidy(done, characters) == done


def test_tidy_composes_letters_and_leaves_out_words_that_cannot_be_written() -> None:
    characters = frozenset(LATIN_CHARACTERS)
    assert tidy("cafe\u0301\u00a0au\u202flait", characters) == "café au lait"
    assert tidy("Мир and peace, \u4e2d", characters) == "and peace,"
    assert tidy("ab\u00adcd", characters) == "abcd"
    assert tidy("12 34", frozenset("0123456789")) == "12"


def test_a_text_file_is_read_with_its_line_numbers(tmp_path: Path) -> None:
    (tmp_path / "nl.txt").write_bytes("\ufeffEen zin.\r\n\r\nNog &#39;n zin &amp; meer.\u2028Zelfde regel.\n".encode())
    (tmp_path / "de.txt").write_text("Ein Satz.\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("no text\n", encoding="utf-8")
    german, dutch = open_texts(tmp_path)
    assert (german.language, german.lines) == ("de", ((0, "Ein Satz."),))
    assert dutch.lines == ((0, "Een zin."), (2, "Nog 'n zin & meer.\u2028Zelfde regel."))
    assert [one.language for one in open_texts(tmp_path, languages=["nl"])] == ["nl"]
    assert [one.language for one in open_texts([tmp_path / "nl.txt", tmp_path])] == ["nl", "de", "nl"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b" \n\t\n", "is empty"),
        ("latin.txt", "Größe".encode("latin-1"), r"is not UTF-8 text \(byte 2\); save it as UTF-8"),
        ("gone.txt", None, r"cannot be read \(no such file or directory\)"),
    ],
)
def test_a_bad_text_file_is_named_with_its_fault(
    tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence) as caught:
        open_texts(tmp_path / name)
    assert name in str(caught.value)


def test_a_folder_without_texts_or_without_the_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No text file \(\.txt\) lies in"):
        open_texts(tmp_path)
    (tmp_path / "de.txt").write_text("Ein Satz.\n", encoding="utf-8")
    with pytest.raises(DataError, match="No text of fr is there, only de"):
        open_texts(tmp_path, languages=["fr"])


def test_every_tenth_line_is_never_drawn_for_training() -> None:
    # A line's words carry its number, so that a piece betrays where it is from.
    files = [sentences_file([f"a{number}a b{number}b c{number}c" for number in range(100)])]

    def seen(part: Part) -> set[int]:
        words = " ".join(samples(Sentences(files, part, variants=False), 3000)).split()
        return {int(word[1:-1]) for word in words}

    assert seen("held-back") == set(range(0, 100, 10))
    assert seen("train") == set(range(100)) - seen("held-back")
    assert seen("all") == set(range(100))


def test_pieces_keep_to_their_limits() -> None:
    files = [sentences_file(["one two three four five six seven eight nine ten eleven twelve thirteen"] * 3)]
    texts = samples(Sentences(files, "all", max_words=4, max_characters=18, variants=False))
    assert {len(text.split()) for text in texts} == {1, 2, 3, 4}
    assert max(map(len, texts)) <= 18
    assert all(text in files[0].lines[0][1] for text in texts)
    assert max(map(len, samples(Sentences(files, "all", max_characters=15)))) <= 15
    long = Sentences([sentences_file(["Donaudampfschifffahrtsgesellschaft"])], "all", max_characters=9, variants=False)
    assert set(samples(long, 20)) == {"Donaudamp"}


def test_pieces_come_in_the_cases_and_with_the_marks_of_print() -> None:
    texts = samples(Sentences([sentences_file(["it's -- I say - a plain sentence..."] * 2)], "all"), 4000)
    assert 0.08 < np.mean([text.isupper() for text in texts]) < 0.25
    together = " ".join(texts)
    for mark in "“”«»„‘’–—…•²-":
        assert mark in together, mark
    plain = "it's -- I say - a plain sentence..."
    assert any('say "a plain' in text or "say - a... plain" in text for text in texts)
    assert {text[len(plain) :] for text in texts if text.startswith(plain)} >= {'"', "''", ").", "--"}


def test_pieces_have_the_marks_of_books_as_often_as_asked() -> None:
    file = sentences_file(["one line of words that goes on and on"] * 3)
    for share, least, most in ((0.0, 0, 0), (0.5, 35, 100), (1.0, 90, 180)):
        texts = samples(Sentences([file], "all", variants=False, prose=share))
        assert least <= sum("—" in text for text in texts) <= most


def test_whole_lines_are_drawn_as_they_stand() -> None:
    lines = ["A line -- as long as it is, with 'quotes' ... and so on and on and on and on and on and on.", "Part  7/B"]
    texts = set(samples(Sentences([sentences_file(lines)], "all", whole_lines=True, max_characters=5)))
    assert texts == {lines[0], "Part 7/B"}


def test_small_languages_are_met_more_often_than_their_size_says() -> None:
    files = [sentences_file(["uno due"] * 10_000, "it"), sentences_file(["bir iki"] * 100, "tr")]
    counts = Counter("b" in text or "i" in text for text in samples(Sentences(files, "all", variants=False), 1000))
    assert counts[True] > 50
    source = Sentences(files, "all", languages=["tr"], variants=False)
    assert source.languages == ("tr",)
    assert set(" ".join(samples(source, 50)).split()) == {"bir", "iki"}


def test_a_language_in_another_script_is_left_out_and_nothing_else_is_an_error() -> None:
    russian, english = sentences_file(["Привет мир."] * 5, "ru"), sentences_file(["Hello, world."] * 5, "en")
    assert Sentences([russian, english], "all").languages == ("en",)
    with pytest.raises(DataError, match=r"Nothing can be drawn of ru\.txt"):
        Sentences([russian], "all")
    with pytest.raises(DataError, match="Nothing can be drawn of en"):
        Sentences([english], "all", languages=["xx"])


def test_turkish_capitals_keep_their_dots() -> None:
    assert upper("ilkışı", "tr") == "İLKIŞI"
    assert upper("ilk", "en") == "ILK"


def test_a_mixture_draws_by_its_weights_and_says_the_kind() -> None:
    source = Sentences([sentences_file(["plain words here"] * 3)], "all", variants=False)
    mixture = TextMixture({"sentences": 3.0, "card": 1.0, "date": 0.0}, source)
    assert mixture.kinds == ("sentences", "card")
    generator = np.random.default_rng(5)
    drawn = [mixture.sample_with_kind(generator) for _ in range(1000)]
    assert 0.68 < np.mean([kind == "sentences" for kind, _ in drawn]) < 0.82
    assert all(("plain words here".find(text) >= 0) == (kind == "sentences") for kind, text in drawn)


def test_a_mixture_gives_the_same_texts_for_the_same_seed() -> None:
    mixture = TextMixture({"address": 1.0, "item-row": 1.0})
    assert samples(mixture) == samples(TextMixture({"address": 1.0, "item-row": 1.0}))
    assert samples(mixture) != samples(mixture, seed=1)


def test_a_mixture_keeps_to_characters_and_length() -> None:
    texts = samples(TextMixture({"amount": 1.0, "item-row": 1.0}, characters="0123456789., ", max_characters=12))
    assert set("".join(texts)) <= set("0123456789., ")
    assert max(map(len, texts)) <= 12


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ({"amuont": 1.0}, "no kind of text 'amuont'; choose from sentences, amount"),
        ({"amount": -1.0}, "weight of amount is -1.0"),
        ({"amount": float("nan")}, "weight of amount is nan"),
        ({"amount": 0.0}, "No kind of text has a weight"),
        ({}, "No kind of text has a weight"),
        ({"sentences": 1.0}, "no text files are given"),
    ],
)
def test_a_wrong_mixture_is_refused(weights: dict[str, float], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        TextMixture(weights)


def test_characters_that_leave_nothing_are_an_error_not_an_endless_search() -> None:
    with pytest.raises(DataError, match="allow more of them"):
        TextMixture({"card": 1.0}, characters="é").sample(np.random.default_rng(0))


def test_the_shared_sentences_give_tidy_lines_in_seven_languages() -> None:
    source = Sentences(open_texts(shared_data("text")), "train")
    assert set(source.languages) == {"de", "en", "es", "fr", "nl", "pt", "tr"}
    texts = samples(source, 2000)
    assert set("".join(texts)) <= set(LATIN_CHARACTERS)
    assert all(text == " ".join(text.split()) and 0 < len(text) <= 60 for text in texts)
