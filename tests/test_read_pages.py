"""`typecase read` with the shipped models on pages that nobody would wish for; each gives a clear result."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from conftest import REPOSITORY
from typecase.document import Document

Run = Callable[..., "subprocess.CompletedProcess[Any]"]

LIMIT = 1_500_000_000
"""Bytes that reading 12,000 x 9,000 pixels may take at most."""


def written(size: tuple[int, int], *texts: tuple[tuple[int, int], str, int]) -> Image.Image:
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    for place, text, height in texts:
        draw.text(place, text, 0, ImageFont.load_default(height))
    return image


@pytest.fixture(scope="module")
def results(run_typecase: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Document], Any]:
    """What a folder of such pages gives, in one run."""
    folder = tmp_path_factory.mktemp("pages")
    chance = np.random.default_rng(0)
    rows, columns = np.mgrid[0:300, 0:400]
    hills = (np.sin(columns / 60) + np.cos(rows / 50) + 2) * 55 + chance.normal(0, 4, rows.shape)
    pages = {
        "1 blank": Image.new("L", (800, 1000), 255),
        "2 noise": Image.fromarray(chance.integers(0, 256, (200, 300), np.uint8)),
        "3 photo": Image.fromarray(hills.clip(0, 255).astype(np.uint8)),
        "4 giant": written((1200, 1600), ((200, 0), "A", 1300)),
        "5 tiny": written((3000, 2000), ((1400, 900), "Hello", 40)),
        "6 Prüfung – à côté": written((700, 200), ((20, 20), "Hello world", 40), ((20, 100), "second line", 40)),
    }
    for name, image in pages.items():
        image.save(folder / f"{name}.png")
    Image.new("L", (1, 1)).save(folder / "7 point.png")
    (folder / "8 truncated.png").write_bytes((folder / "2 noise.png").read_bytes()[:3000])
    out = tmp_path_factory.mktemp("out")
    done = run_typecase("read", folder, "-o", out, "--format", "json", "-j", "1", timeout=170)
    found = {path.stem: Document.from_json(path.read_bytes()) for path in out.iterdir()}
    return found, done


def test_what_cannot_be_read_is_named_and_the_others_are_done(results: tuple[dict[str, Document], Any]) -> None:
    found, done = results
    assert done.returncode == 5
    assert len(found) == 6
    lines = done.stderr.splitlines()
    assert "7 point.png is only 1 x 1 pixels" in lines[0]
    assert "8 truncated.png is damaged or incomplete" in lines[1]
    assert lines[2].startswith("Error: 2 of 8 documents could not be read (")
    assert len(lines) == 3


def test_pages_without_text(results: tuple[dict[str, Document], Any]) -> None:
    found, _ = results
    assert found["1 blank"].text == ""
    for name in ("2 noise", "3 photo"):
        confident = [word.text for word in found[name].words if word.confidence > 0.8 and len(word.text) > 2]
        assert not confident, name


def test_letters_of_every_size(results: tuple[dict[str, Document], Any]) -> None:
    found, _ = results
    assert len(found["4 giant"].text) <= 8
    assert "ello" in found["5 tiny"].text
    lines = [line.text for line in found["6 Prüfung – à côté"].lines]
    assert lines == ["Hello world", "second line"]
    made_by = found["1 blank"].provenance
    assert made_by["detector"]["sha256"] != made_by["recognizer"]["sha256"]


def test_a_picture_of_a_hundred_megapixels(tmp_path: Path) -> None:
    image = Image.new("1", (12_000, 9_000), 1)
    ImageDraw.Draw(image).text((1000, 3000), "Hello large page", 0, ImageFont.load_default(150))
    image.save(tmp_path / "large.png")
    code = (
        "import resource, sys; from typecase.reader import Reader\n"
        "text = Reader(threads=1).read(sys.argv[1]).text\n"
        "import json; print(json.dumps([text, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "large.png")],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    text, peak = json.loads(done.stdout)
    assert "large" in text
    # What a process inherits of its parent's peak is not its own.
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak * 1024 < LIMIT or peak <= inherited


def test_check(run_typecase: Run) -> None:
    done = run_typecase("check", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts["reading"]["passed"]
    assert facts["reading"]["text"][0].startswith("typecase")
    assert facts["runtime"]["precision"] in ("f32", "bf16")
    assert {"lines", "pages", "characters"} <= {model["name"] for model in facts["models"]}
    assert all(len(model["sha256"]) == 64 for model in facts["models"])
    assert set(facts["extras"]) == {"train", "serve", "heic", "ocrmypdf"}
    assert facts["pictures"]["PNG"]
    assert facts["processor"]["name"]
