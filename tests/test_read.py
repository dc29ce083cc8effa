"""`typecase read` as a user calls it."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import REPOSITORY
from line_fixtures import line_picture, write_line_model
from pdf_fixtures import pdf_of
from typecase.cli import main
from typecase.cli.read_job import Job, JobRunner
from typecase.cli.read_results import Results
from typecase.document import Document
from typecase.errors import ModelError
from typecase.writers import WriteOptions

Run = Callable[..., "subprocess.CompletedProcess[Any]"]

NOT_IN_THE_LIGHT_INSTALL = (
    "torch",
    "matplotlib",
    "onnx",
    "safetensors",
    "tensorboard",
    "fontTools",
    "rapidfuzz",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_line_model(tmp_path_factory.mktemp("model") / "lines.onnx")


@pytest.fixture(scope="module")
def read(run_typecase: Run, model: Path) -> Run:
    def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[Any]:
        return run_typecase("read", "--model", model, *arguments, **options)

    return run


def write_lines(folder: Path, *texts: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"line{number}.png" for number in range(1, len(texts) + 1)]
    for path, text in zip(paths, texts, strict=True):
        line_picture(text).save(path)
    return paths


def test_the_text_of_lines(read: Run, tmp_path: Path) -> None:
    write_lines(tmp_path / "lines", "AB OE", "I", "OI A")
    done = read(tmp_path / "lines", "--mode", "line", blocked=NOT_IN_THE_LIGHT_INSTALL)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "AB OE\nI\nOI A\n")


def test_files_of_every_format(read: Run, tmp_path: Path) -> None:
    [path] = write_lines(tmp_path, "AB OE")
    done = read(path, "--psm", "7", "--format", "text,json", "-o", tmp_path / "out" / "deep")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    folder = tmp_path / "out" / "deep"
    assert sorted(one.name for one in folder.iterdir()) == ["line1.json", "line1.txt"]
    assert (folder / "line1.txt").read_text() == "AB OE\n"
    document = Document.from_json((folder / "line1.json").read_bytes())
    assert (document.text, document.source) == ("AB OE", str(path))


def test_json_is_a_line_for_each_picture(read: Run, tmp_path: Path) -> None:
    write_lines(tmp_path, "AB", "OE")
    done = read(tmp_path, "--mode", "word", "--format", "json", "--alternatives", "1")
    values = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["pages"][0]["blocks"][0]["lines"][0]["text"] for one in values] == ["AB", "OE"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "OI A"),
        (["--allow", "01A"], "01 A"),
        (["--words", "WORDS"], "01 A"),
        (["--pattern", r"\d{2}"], "01 A"),
        (["--mode", "word", "--allow", "01"], "01"),
        (["--language-model", "none"], "OI A"),
        (["--decoder", "beam"], "OI A"),
    ],
)
def test_options_reach_the_decoder(read: Run, tmp_path: Path, options: list[str], expected: str) -> None:
    [path] = write_lines(tmp_path, "OI A")
    (tmp_path / "words.txt").write_text("01\n")
    options = [str(tmp_path / "words.txt") if option == "WORDS" else option for option in options]
    done = read(path, "--mode", "line", *options)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{expected}\n")


def test_standard_input(read: Run, tmp_path: Path) -> None:
    [path] = write_lines(tmp_path, "AB")
    done = read("-", "--mode", "line", "-o", tmp_path / "out", input=path.read_bytes(), text=False)
    assert done.returncode == 0
    assert (tmp_path / "out" / "stdin.txt").read_text() == "AB\n"


def test_some_failed(read: Run, tmp_path: Path) -> None:
    paths = write_lines(tmp_path, "AB", "OE")
    (tmp_path / "line1.png").write_text("no picture")
    done = read(*paths, "--mode", "line")
    assert (done.returncode, done.stdout) == (5, "OE\n")
    assert "line1.png is not a picture" in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"Error: 1 of 2 documents could not be read ({paths[0]}); the others were done."
    )
    one = read(paths[0], "--mode", "line")
    assert (one.returncode, one.stderr.count("\n")) == (3, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mode", "lines"], "'lines' is not known"),
        (["--mode", "line", "--format", "docx"], "'docx' is not known"),
        (["--mode", "line", "--format", "text,json"], "name a folder for them"),
        (["--mode", "line", "--allow", "ж"], "does not know 'ж'"),
        (["--mode", "line", "--pattern", "("], "no regular expression"),
        (["--mode", "line", "--words", "missing.txt"], "missing.txt cannot be read"),
        (["--mode", "line", "-l", "rus"], "'rus' cannot be read"),
        (["--mode", "line", "--decoder", "best"], "--decoder"),
    ],
)
def test_wrong_usage(
    model: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [path] = write_lines(tmp_path, "A")
    monkeypatch.setattr(sys, "argv", ["typecase", "read", str(path), "--model", str(model), *arguments])
    with pytest.raises(SystemExit) as left:
        main.main()
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("\n") == 1


def test_results_do_not_overwrite_each_other(read: Run, tmp_path: Path) -> None:
    one, other = write_lines(tmp_path / "a", "A"), write_lines(tmp_path / "b", "B")
    done = read(*one, *other, "--mode", "line", "-o", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Two documents are called line1" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(read: Run, tmp_path: Path) -> None:
    [path] = write_lines(tmp_path, "A")
    done = read(path, "--mode", "line", "-o", path)
    assert (done.returncode, done.stdout) == (6, "")
    assert "not a folder" in done.stderr


def test_several_processes_give_the_same(read: Run, tmp_path: Path) -> None:
    texts = ["AB OE", "I", "OI A", "E", "BA"]
    write_lines(tmp_path / "in", *texts)
    (tmp_path / "in" / "line3.png").write_text("no picture")
    done = read(tmp_path / "in", "--mode", "line", "-j", "2")
    assert (done.returncode, done.stdout) == (5, "AB OE\nI\nE\nBA\n")
    assert done.stderr.count("line3.png") == 2
    into = read(tmp_path / "in", "--mode", "line", "-j", "2", "-o", tmp_path / "out")
    assert (into.returncode, into.stdout) == (5, "")
    assert [(tmp_path / "out" / f"line{n}.txt").read_text() for n in (1, 2, 4, 5)] == ["AB OE\n", "I\n", "E\n", "BA\n"]


def test_several_processes_at_the_pages_of_one_document(read: Run, tmp_path: Path) -> None:
    texts = ["AB", "OE", "I", "E", "OI A"]
    images = [line_picture(text) for text in texts]
    path = tmp_path / "x.pdf"
    path.write_bytes(pdf_of([{"image": image, "size": image.size} for image in images]))
    for jobs in ("1", "2"):
        done = read(path, "--mode", "line", "-j", jobs, "--pages", "2-")
        assert (done.returncode, done.stderr, done.stdout) == (0, "", "OE\n\f\nI\n\f\nE\n\f\nOI A\n")


def started(model: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "typecase", "read", "--model", model, "--mode", "line", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    return subprocess.Popen(
        [os.fspath(one) for one in command],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_two_runs_into_one_folder(model: Path, tmp_path: Path) -> None:
    texts = ["A", "B", "O", "E"] * 6
    write_lines(tmp_path / "in", *texts)
    both = [started(model, tmp_path / "in", "-o", tmp_path / "out", "--resume", "-j", "1") for _ in range(2)]
    for one in both:
        assert one.communicate(timeout=170) == ("", "")
        assert one.returncode == 0
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert found == {f"line{number}.txt": f"{text}\n" for number, text in enumerate(texts, 1)}


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither named pipes nor these signals")
def test_an_interruption_keeps_what_was_done(model: Path, tmp_path: Path) -> None:
    write_lines(tmp_path / "in", "A")
    stuck = tmp_path / "in" / "stuck.png"
    # Opening it waits for somebody who writes to it, and nobody does.
    os.mkfifo(stuck)
    out = tmp_path / "out"
    process = started(model, tmp_path / "in" / "line1.png", stuck, "-o", out, "-j", "2")
    end = time.monotonic() + 150
    while not (out / "line1.txt").exists() and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)
    assert (process.returncode, said[0]) == (130, "")
    # The file may be there a moment before the first process has heard of it.
    assert re.fullmatch(r"Interrupted; [01] of 2 documents are done\. --resume goes on\.\n", said[1])
    assert [path.name for path in out.iterdir()] == ["line1.txt"]


def test_garbage_is_collected_again_once_the_reader_is_open_or_cannot_be(model: Path, tmp_path: Path) -> None:
    results = Results(("text",), None, False, False, False, WriteOptions())
    for path in (model, tmp_path / "none.onnx"):
        try:
            assert JobRunner(Job(results, {"model": path}, "line", {}, None, 0)).reader.recognizer.path == path
        except ModelError:
            assert path != model
        assert gc.isenabled()
    gc.unfreeze()


def test_a_reader_of_ours_that_goes_away(model: Path, tmp_path: Path) -> None:
    write_lines(tmp_path / "in", *["AB OE"] * 3)
    process = started(model, *[tmp_path / "in"], "--format", "json", "-j", "1")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 141
    process.stderr.close()
