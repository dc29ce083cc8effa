"""`make demo`: what a newcomer sees first is right, and needs neither PyTorch nor the shared data."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from conftest import REPOSITORY, RunTypecase
from typecase.text_score import word_counts, word_f1

PICTURES = REPOSITORY / "examples" / "pictures"


LINES = REPOSITORY / "examples" / "lines"
PAGES = REPOSITORY / "examples" / "pages"
HEAVY = ["torch", "torchvision", "matplotlib", "onnx", "onnxruntime", "safetensors", "lightning_fabric", "uharfbuzz"]


def demo_arguments(name: str) -> list[str]:
    """What the Makefile's demo calls the command with."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{name} := (.+)$", makefile, re.MULTILINE)
    assert found is not None
    assert f"bin/typecase $({name})" in makefile
    return shlex.split(found.group(1))


def answers(folder: Path) -> dict[str, str]:
    """What each picture of the demo shows, by file name, as written down by whoever made the picture."""
    known: dict[str, str] = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    assert len(known) >= 3
    assert set(known) == {path.name for path in folder.iterdir() if path.name != "answers.json"}
    return known


def test_demo_prints_the_right_characters_and_draws_them(
    tmp_path: Path, run_typecase: RunTypecase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TYPECASE_DATA", raising=False)
    arguments = demo_arguments("DEMO_ARGUMENTS")
    plot = tmp_path / "demo.png"
    arguments[arguments.index("--plot") + 1] = str(plot)
    done = run_typecase(
        *arguments,
        cwd=REPOSITORY,
        blocked=HEAVY,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    printed = {Path(fields[0]).name: fields[1] for fields in (line.split("\t") for line in done.stdout.splitlines())}
    assert printed == answers(PICTURES)
    with Image.open(plot) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 100
        grey = picture.convert("L").getextrema()
    assert grey[0] != grey[1]


def test_demo_reads_the_lines(run_typecase: RunTypecase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TYPECASE_DATA", raising=False)
    done = run_typecase(*demo_arguments("DEMO_LINES"), cwd=REPOSITORY, blocked=HEAVY)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    known = answers(LINES)
    assert done.stdout.splitlines() == [known[name] for name in sorted(known)]


def test_demo_reads_the_pages(tmp_path: Path, run_typecase: RunTypecase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TYPECASE_DATA", raising=False)
    arguments = demo_arguments("DEMO_PAGES")
    arguments[arguments.index("-o") + 1] = str(tmp_path)
    done = run_typecase(*arguments, cwd=REPOSITORY, blocked=HEAVY)
    assert done.returncode == 0, done.stderr
    known = answers(PAGES)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{Path(name).stem}{suffix}" for name in known for suffix in (".txt", ".pdf", ".boxes.png")
    }
    for name, truth in known.items():
        read = (tmp_path / f"{Path(name).stem}.txt").read_text(encoding="utf-8")
        matched, true, found = word_counts(truth, read)
        assert word_f1(matched, true, found) > 0.8, (name, read)
