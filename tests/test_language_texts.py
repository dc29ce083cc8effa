"""What a language model is made of, and the command that makes it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from typecase.charset import ClassSet
from typecase.decoding.language_model import CharacterModel
from typecase.errors import DataError, ExitCode, UsageError
from typecase.synthesis.text import open_texts
from typecase.training.language_texts import (
    MOST_WORDS,
    LanguageSources,
    receipt_lines,
    sentence_lines,
    string_lines,
    train_language_model,
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


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
    assert all(1 <= len(line.split()) <= MOST_WORDS for line in lines)
    words = [word for line in lines if not line.isupper() for word in line.split()]
    assert " ".join(words) == " ".join(
        f"sentence n{number} of a long day in the hall" for number in range(30) if number % 10
    )
    assert any(line.isupper() for line in lines)
    assert all(line.isascii() for line in lines)


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
    with pytest.raises(UsageError, match="nothing to make a language model of"):
        train_language_model(LanguageSources(strings=0), classes)
    with pytest.raises(DataError, match="no\\.txt"):
        train_language_model(LanguageSources((texts / "no.txt",)), classes)


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
    wrong = run_typecase(*arguments, tmp_path / "mine.bin")
    assert (wrong.returncode, wrong.stdout) == (ExitCode.OUTPUT, "")
    assert "must end in .npz" in wrong.stderr
