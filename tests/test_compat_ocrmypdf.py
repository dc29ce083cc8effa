"""typecase as the engine of the real OCRmyPDF, on PDFs of scans: as they are, on their side, sloping."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ocrmypdf
import pikepdf
import pytest
from ocrmypdf.exceptions import InputFileError
from PIL import Image

from conftest import REPOSITORY
from document_fixtures import telling_document
from scan_fixtures import drawn_scan, likeness
from test_writers_pdf import copied, drawn
from typecase import __version__
from typecase.compat import ocrmypdf as plugin
from typecase.compat.ocrmypdf import TypecaseEngine, add_engine_name, get_ocr_engine, page_element
from typecase.compat.ocrmypdf_entry import get_ocr_engine as engine_by_name

PLUGIN = "typecase.compat.ocrmypdf"


def pdf_of(image: Image.Image, path: Path) -> Path:
    image.save(path, resolution=150)
    return path


def ocred(source: Path, *options: str, timeout: int = 170) -> subprocess.CompletedProcess[str]:
    """Runs the command as users do; its output is only the PDF."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "ocrmypdf",
            "--output-type",
            "pdf",
            "-O0",
            "-q",
            *options,
            source,
            source.with_suffix(".out.pdf"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_a_scan_becomes_searchable(tmp_path: Path) -> None:
    source = pdf_of(drawn_scan(), tmp_path / "a.pdf")
    sidecar = tmp_path / "a.txt"
    done = ocred(source, "--plugin", PLUGIN, "--sidecar", str(sidecar))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    content = source.with_suffix(".out.pdf").read_bytes()
    assert likeness(copied(content)) > 0.9
    assert likeness(sidecar.read_text()) > 0.9
    assert abs(drawn(content, 1) - drawn(source.read_bytes(), 1)).mean() < 1
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert f"typecase {__version__}" in str(pdf.docinfo["/Creator"])


def test_pages_are_turned_and_straightened(tmp_path: Path) -> None:
    upright, side, slope = drawn_scan(), drawn_scan().rotate(-90, expand=True), drawn_scan()
    slope = slope.rotate(3, Image.Resampling.BICUBIC, fillcolor=255)
    path = tmp_path / "three.pdf"
    upright.save(path, resolution=150, save_all=True, append_images=[side, slope])
    # By its name, the engine is found where typecase is installed.
    done = ocred(path, "--ocr-engine", "typecase", "--rotate-pages", "--deskew", "-j", "1")
    assert done.returncode == 0, done.stderr
    content = path.with_suffix(".out.pdf").read_bytes()
    for place in range(3):
        assert likeness(copied(content, place)) > 0.9
        height, width = drawn(content, 1, place).shape[:2]
        assert width > height


def test_which_engine_is_chosen() -> None:
    by_plugin = [
        get_ocr_engine(SimpleNamespace(ocr_engine=name)) is not None for name in ("auto", "typecase", "tesseract")
    ]
    by_entry = [
        engine_by_name(SimpleNamespace(ocr_engine=name)) is not None for name in ("auto", "typecase", "tesseract")
    ]
    assert (by_plugin, by_entry) == ([True, True, False], [False, True, False])
    parser: Any = ocrmypdf.cli.get_parser()  # type: ignore[no-untyped-call]
    add_engine_name(parser)
    add_engine_name(parser)
    [action] = [action for action in parser._actions if "--ocr-engine" in action.option_strings]
    assert list(action.choices or ()).count("typecase") == 1


@pytest.fixture(scope="module")
def options() -> SimpleNamespace:
    return SimpleNamespace(languages=["eng"])


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("scans")

    def stored(name: str, **changes: float) -> Path:
        image = drawn_scan()
        image = image.rotate(changes.get("slope", 0), Image.Resampling.BICUBIC, fillcolor=255)
        image.rotate(changes.get("turn", 0), expand=True).save(folder / name, dpi=(150, 150))
        return folder / name

    return stored


def test_what_the_engine_tells(scan: Callable[..., Path], options: SimpleNamespace, tmp_path: Path) -> None:
    engine = TypecaseEngine
    assert engine.version() == __version__
    assert str(engine()) == engine.creator_tag(options) == f"typecase {__version__}"
    assert {"eng", "deu", "fra"} <= engine.languages(options)
    assert engine.supports_generate_ocr()
    element, text = engine.generate_ocr(scan("a.png"), options, 4)
    assert (element.ocr_class, element.page_number) == ("ocr_page", 4)
    assert element.dpi == pytest.approx(150, abs=0.1)
    assert likeness(text) > 0.9
    words = element.words
    assert [word.text for word in words] == text.split()
    assert all(0 <= (word.confidence or -1) <= 1 and word.bbox is not None for word in words)
    orientation = engine.get_orientation(scan("a.png"), options)
    assert (orientation.angle, orientation.confidence > 5) == (0, True)
    assert abs(engine.get_deskew(scan("a.png"), options)) < 0.5
    engine.generate_hocr(scan("a.png"), tmp_path / "a.hocr", tmp_path / "a.txt", options)
    assert "ocrx_word" in (tmp_path / "a.hocr").read_text()
    engine.generate_pdf(scan("a.png"), tmp_path / "a.pdf", tmp_path / "b.txt", options)
    assert copied((tmp_path / "a.pdf").read_bytes()).split() == text.split()
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "b.txt").read_text() == text


def test_orientation_and_slope(scan: Callable[..., Path], options: SimpleNamespace) -> None:
    # Pillow turns counter-clockwise, and OCRmyPDF asks how far the page was turned clockwise.
    orientation = TypecaseEngine.get_orientation(scan("turned.png", turn=90), options)
    assert orientation.angle == 270
    assert orientation.confidence > 2
    assert TypecaseEngine.get_deskew(scan("sloping.png", slope=3), options) == pytest.approx(-3, abs=0.3)


def test_a_damaged_picture_is_told_in_the_words_of_ocrmypdf(tmp_path: Path, options: SimpleNamespace) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(InputFileError, match="not a picture"):
        TypecaseEngine.generate_ocr(tmp_path / "a.png", options)


def test_trees_of_every_kind_of_line() -> None:
    straight, turned, sloping = (page_element(page) for page in telling_document().pages)
    assert len(straight.words) == len(list(telling_document().pages[0].words))
    [line] = turned.iter_by_class("ocr_line")
    assert line.baseline is None
    assert line.textangle == pytest.approx(90)
    [line] = sloping.iter_by_class("ocr_line")
    assert line.textangle is None
    assert line.baseline is not None
    assert line.baseline.slope == pytest.approx(0.1317, abs=1e-3)
    directions = {word.text: word.direction for word in straight.words}
    assert (directions["שלום"], directions["123"]) == ("rtl", "ltr")
    json.dumps([word.text for word in straight.words])


def test_the_reader_is_opened_ahead_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_open_ahead", "_reader"):
        monkeypatch.setattr(plugin, name, cache(getattr(plugin, name).__wrapped__))
    options = SimpleNamespace(ocr_engine="auto", languages=["deu"])
    other = SimpleNamespace(ocr_engine="tesseract", languages=["deu"])
    assert get_ocr_engine(other) is None
    assert not [one for one in threading.enumerate() if one.name == "open-typecase"]
    assert isinstance(get_ocr_engine(options), TypecaseEngine)
    assert isinstance(get_ocr_engine(options), TypecaseEngine)
    for one in threading.enumerate():
        if one.name == "open-typecase":
            one.join()
    assert plugin._open_ahead.cache_info().misses == 1
    assert plugin._reader.cache_info().currsize == 1
    assert plugin._opened(*plugin._settings(options)).languages == ("de",)
    assert plugin._reader.cache_info().misses == 1


def test_worker_processes_compute_with_a_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_open_ahead", cache(plugin._open_ahead.__wrapped__))
    alone = SimpleNamespace(languages=["eng"], use_threads=False)
    assert plugin._settings(alone) == ((), 1)
    assert isinstance(get_ocr_engine(alone), TypecaseEngine)
    assert plugin._open_ahead.cache_info().misses == 0
    assert plugin._settings(SimpleNamespace(languages=["deu", "eng"], use_threads=True)) == (("de", "en"), None)
