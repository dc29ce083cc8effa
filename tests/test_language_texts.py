"""What a language model is made of, and the command that makes it."""

from __future__ import annotations

import math
import re
import string
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from typecase.charset import ClassSet
from typecase.decoding.language_model import CharacterModel
from typecase.errors import DataError, ExitCode, MissingExtraError, UsageError
from typecase.synthesis.text import open_texts
from typecase.training.language_texts import (
    MOST_WORDS,
    WORDS,
    LanguageSources,
    dictionary_of,
    receipt_lines,
    sentence_lines,
    string_lines,
    train_language_model,
    word_lines,
    words_of,
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


DASHES = frozenset("—–")


def words_in(line: str) -> list[str]:
    """The words of a line, whatever marks stand between them."""
    return re.findall(r"\w+", line)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "en.txt").write_text("".join(f"sentence n{number} of a long day in the hall\n" for number in range(30)))
    (folder / "ru.txt").write_text("все что угодно\nещё одна строка\n")
    return folder


def test_sentences_are_cut_into_lines_and_held_back_ones_left_out(texts: Path) -> None:
    files = open_texts(texts)
    lines = list(sentence_lines(files))
    assert lines == list(sentence_lines(files))
    assert lines != list(sentence_lines(files, seed=1))
    assert all(1 <= len(words_in(line)) <= MOST_WORDS for line in lines)
    words = [word for line in lines if not line.isupper() for word in words_in(line)]
    assert " ".join(words) == " ".join(
        f"sentence n{number} of a long day in the hall" for number in range(30) if number % 10
    )
    assert any(line.isupper() for line in lines)
    assert all(line.isascii() for line in lines if not DASHES.intersection(line))


def test_some_lines_have_a_dash_between_words_as_books_have_it(
    texts: Path, frequencies: dict[str, dict[str, float]], tmp_path: Path
) -> None:
    (tmp_path / "en.txt").write_text("one line of words that goes on and on until its end\n" * 2000)
    for lines, share in ((list(sentence_lines(open_texts(tmp_path))), 0.05), (list(word_lines("de", 9000)), 0.03)):
        dashed = [line for line in lines if DASHES.intersection(line) or "--" in line]
        assert len(dashed) / len(lines) == pytest.approx(share, rel=0.4)
        assert any(re.search(r"\w—\w", line) for line in dashed)
    # Where it may not be written no word is lost for it.
    plain = list(sentence_lines(open_texts(texts), characters=string.ascii_letters + string.digits + " "))
    assert not any(DASHES.intersection(line) or "-" in line for line in plain)
    assert sum(len(line.split()) for line in plain if not line.isupper()) == 27 * 9


def test_languages_count_by_the_square_root_of_their_size(tmp_path: Path) -> None:
    sizes = {"en": 360, "de": 40, "fr": 170, "nl": 5}
    for language, size in sizes.items():
        # Every tenth line is left out of the sentences, so that nine of ten count.
        text = "".join(f"{language} one two three four five six seven eight nine ten\n" for _ in range(size))
        (tmp_path / f"{language}.txt").write_text(text)
    lines = [line for line in sentence_lines(open_texts(tmp_path)) if not line.isupper()]
    words = [word for line in lines for word in words_in(line)]
    kept = {language: size - math.ceil(size / 10) for language, size in sizes.items()}
    times = {language: words.count(language) / size for language, size in kept.items()}
    assert times == {"en": 1, "de": 3, "fr": 1, "nl": 9}
    # Each time where else they are cut is left to chance.
    assert len({line for line in lines if line.startswith("nl")}) > 5


@pytest.fixture
def frequencies(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, float]]:
    """Words of two languages in the place of wordfreq's."""
    known = {
        "de": {"der": 0.6, "haus": 0.2, "über": 0.1, "00": 0.05, "w3": 0.02, "жук": 0.02, "\N{OK HAND SIGN}": 0.01},
        "tr": {"ilk": 1.0},
    }
    stub = SimpleNamespace(available_languages=lambda: known, get_frequency_dict=lambda code, wordlist: known[code])
    monkeypatch.setitem(sys.modules, "wordfreq", stub)
    return known


def test_words_are_drawn_by_their_frequency(frequencies: dict[str, dict[str, float]]) -> None:
    lines = list(word_lines("de", 5000))
    assert lines == list(word_lines("de", 5000))
    assert lines != list(word_lines("de", 5000, seed=1))
    assert {len(words_in(line)) for line in lines} == set(range(1, MOST_WORDS + 1))
    words = [word for line in lines for word in words_in(line)]
    assert len(words) == 5000
    assert {word.lower() for word in words} == {"der", "haus", "über"}
    assert sum(word.lower() == "der" for word in words) / len(words) == pytest.approx(2 / 3, abs=0.03)
    assert sum(line.isupper() for line in lines) / len(lines) == pytest.approx(0.12, abs=0.05)
    mixed = [word for line in lines if not line.isupper() for word in words_in(line)]
    assert set(mixed) == {"der", "Der", "haus", "Haus", "über", "Über"}
    assert sum(word.istitle() for word in mixed) / len(mixed) == pytest.approx(0.5, abs=0.04)
    assert {word for line in word_lines("tr", 100) for word in words_in(line)} == {"ilk", "İlk", "İLK"}
    assert {line.lower() for line in word_lines("de", 50, characters="dernas ")} <= {
        "der " * n + "der" for n in range(12)
    }


def test_the_dictionary_is_of_words_and_texts(frequencies: dict[str, dict[str, float]], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("\n" + "Straße DER Tobecco's 12b der\n" * 2 + "Once in a while\n")
    dictionary = dictionary_of(LanguageSources(texts=(tmp_path,), words={"de": 100, "tr": 10}, strings=50))
    expected = {"der", "haus", "über", "ilk", "straße", "tobecco"}
    assert len(dictionary) == len(expected)
    assert all(word in dictionary for word in expected)
    # A language counts as much as the words that would be drawn of it.
    one = math.exp(-dictionary.cost("ilk")) / 10
    assert math.exp(-dictionary.cost("haus")) / one == pytest.approx(100 * 0.2 / 0.9, rel=0.3)
    assert math.exp(-dictionary.cost("tobecco")) / one == pytest.approx(2, rel=0.3)
    assert math.exp(-dictionary.cost("der")) / one == pytest.approx(4 + 100 * 0.6 / 0.9, rel=0.3)
    assert not dictionary_of(LanguageSources(strings=50))
    assert set(dictionary_of(LanguageSources(words={"de": 9}), "derhaus")._words) == {b"der", b"haus"}


def test_words_that_cannot_be_drawn(frequencies: dict[str, dict[str, float]], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no words of the language 'xx'"):
        next(word_lines("xx", 5))
    with pytest.raises(DataError, match="No word of 'tr' can be written"):
        next(word_lines("tr", 5, characters="abc"))
    monkeypatch.setitem(sys.modules, "wordfreq", None)
    with pytest.raises(MissingExtraError, match=r"words by their frequency needs .*pip install 'typecase\[train\]'$"):
        next(word_lines("de", 5))


def test_languages_of_words() -> None:
    assert words_of("all") == dict(WORDS)
    assert words_of("lv+de") == {"lv": WORDS["lv"], "de": WORDS["de"]}
    with pytest.raises(UsageError, match="No words can be drawn of the language 'ru'; choose one or several of en, de"):
        words_of("de+ru")


def test_wordfreq_has_words_of_all_these_languages() -> None:
    import wordfreq

    assert set(WORDS) <= set(wordfreq.available_languages())
    lines = list(word_lines("lv", 300))
    assert sum(len(line.split()) for line in lines) == 300
    assert any(word in ("un", "ir") for line in lines for word in line.split())


def test_strings_are_what_documents_are_made_of() -> None:
    lines = list(string_lines(200, seed=3))
    assert lines == list(string_lines(200, seed=3))
    assert len(lines) == 200
    assert len(set(lines)) > 150


def test_receipts_that_measure_or_validate_are_left_out(tmp_path: Path) -> None:
    for folder in ("img", "box"):
        (tmp_path / folder).mkdir()
    for number in range(1, 41):
        (tmp_path / "img" / f"{number:03d}.jpg").touch()
        (tmp_path / "box" / f"{number:03d}.csv").write_text(f"0,0,200,0,200,20,0,20,TOTAL R{number:03d}\n")
    lines = list(receipt_lines(tmp_path))
    found = {int(line[-3:]) for line in lines}
    assert not {number for number in found if number % 10 == 0}
    assert 25 < len(found) < 36
    assert {line[0] for line in lines} == {"T", "t"}
    assert {line[1] for line in lines} == {"O", "o"}


def test_a_model_of_all_of_it(texts: Path) -> None:
    classes = ClassSet.of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")
    sources = LanguageSources((texts,), strings=50, seed=1)
    model = train_language_model(sources, classes, order=4, least_gain=0.5)
    assert model.log_probability("a long day") > model.log_probability("a lonq day") + 2
    assert model.about["texts"] == ["en.txt", "ru.txt"]
    assert model.about["strings"] == 50
    assert model.about["words"] == {}
    with pytest.raises(UsageError, match="nothing to make a language model of"):
        train_language_model(LanguageSources(strings=0), classes)
    with pytest.raises(DataError, match="no\\.txt"):
        train_language_model(LanguageSources((texts / "no.txt",)), classes)


def test_words_change_a_model(frequencies: dict[str, dict[str, float]]) -> None:
    classes = ClassSet.of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    model = train_language_model(LanguageSources(strings=0, words={"de": 300}), classes, order=4)
    assert model.about["words"] == {"de": 300}
    assert model.log_probability("haus") > model.log_probability("hans") + 2


def test_the_command(run_typecase: Run, texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.npz"
    arguments = ("train", "language-model", "--texts", texts, "--strings", "0", "--order", "3", "--out")
    done = run_typecase(*arguments, out)
    assert (done.returncode, done.stdout) == (0, f"{out}\n")
    assert "runs of up to 3 characters" in done.stderr
    assert CharacterModel.load(out).order == 3
    again = tmp_path / "again.npz"
    assert run_typecase(*arguments, again).returncode == 0
    assert again.read_bytes() == out.read_bytes()
    worded = tmp_path / "worded.npz"
    done = run_typecase(*arguments, worded, "--words", "lv")
    assert (done.returncode, done.stdout) == (0, f"{worded}\n")
    assert CharacterModel.load(worded).about["words"] == {"lv": WORDS["lv"]}
    assert len(CharacterModel.load(worded)) > 2 * len(CharacterModel.load(out))
    unknown = run_typecase(*arguments, worded, "--words", "lv+xx")
    assert (unknown.returncode, unknown.stdout) == (ExitCode.USAGE, "")
    assert "No words can be drawn of the language 'xx'" in unknown.stderr
    wrong = run_typecase(*arguments, tmp_path / "mine.bin")
    assert (wrong.returncode, wrong.stdout) == (ExitCode.OUTPUT, "")
    assert "must end in .npz" in wrong.stderr
