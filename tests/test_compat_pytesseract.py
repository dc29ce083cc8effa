"""Every call that pytesseract's README shows, made to the look-alike."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from conftest import REPOSITORY
from scan_fixtures import TEXTS, drawn_scan, likeness
from test_writers_pdf import copied
from test_writers_xml import check_hocr, schema
from typecase.compat import pytesseract
from typecase.compat.pytesseract import Output, TesseractError
from typecase.compat.tesseract_config import parsed
from typecase.writers.tsv import COLUMNS

PAGE = TEXTS[:3]
ALIKE = 0.9


@pytest.fixture(scope="module")
def image() -> Image.Image:
    return drawn_scan(PAGE, (900, 400))


@pytest.fixture(scope="module")
def path(image: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "test.png"
    image.save(path)
    return path


def agrees(text: str, texts: tuple[str, ...] = PAGE) -> bool:
    return likeness(text, texts) >= ALIKE


def test_the_quickstart(image: Image.Image, path: Path, tmp_path: Path) -> None:
    pytesseract.pytesseract.tesseract_cmd = r"<full_path_to_your_tesseract_executable>"
    text = pytesseract.image_to_string(image)
    assert agrees(text)
    assert text.endswith("\n\f")
    assert agrees(pytesseract.image_to_string(Image.open(path), lang="fra"))
    assert pytesseract.image_to_string(str(path)) == text
    listed = tmp_path / "images.txt"
    listed.write_text(f"{path}\n{path}\n")
    assert pytesseract.image_to_string(str(listed)) == text * 2


def test_orders_of_opencv(image: Image.Image, path: Path) -> None:
    image_of_opencv = cv2.imread(str(path))
    assert image_of_opencv is not None
    in_order = cv2.cvtColor(image_of_opencv, cv2.COLOR_BGR2RGB)
    assert agrees(pytesseract.image_to_string(in_order))
    height, width = image_of_opencv.shape[:2]
    assert agrees(
        pytesseract.image_to_string(Image.frombytes("RGB", (width, height), image_of_opencv, "raw", "BGR", 0, 0))
    )


def test_kinds_of_text(image: Image.Image) -> None:
    text = pytesseract.image_to_string(image)
    assert pytesseract.image_to_string(image, output_type=Output.BYTES) == text.encode()
    assert pytesseract.image_to_string(image, output_type=Output.DICT) == {"text": text}
    assert pytesseract.run_and_get_output(image, "txt", "eng") == text
    assert pytesseract.run_and_get_output(image, return_bytes=True) == text.encode()
    with pytest.raises(KeyError):
        pytesseract.image_to_string(image, output_type="neither")


def test_boxes(image: Image.Image) -> None:
    text = pytesseract.image_to_boxes(image)
    first = text.split("\n")[0]
    assert re.fullmatch(r"I \d+ \d+ \d+ \d+ 0", first)
    values = pytesseract.image_to_boxes(image, output_type=Output.DICT)
    assert list(values) == ["char", "left", "bottom", "right", "top", "page"]
    assert agrees("".join(values["char"]), ("".join("".join(PAGE).split()),))
    # From the lower left corner: the first line is the highest.
    assert 250 < values["bottom"][0] < values["top"][0] < 320
    assert values["left"][0] < values["right"][0]
    assert pytesseract.image_to_boxes(image, output_type=Output.BYTES) == text.encode()


def test_data(image: Image.Image) -> None:
    text = pytesseract.image_to_data(image)
    assert text.split("\n")[0] == "\t".join(COLUMNS)
    values = pytesseract.image_to_data(image, output_type=Output.DICT)
    assert list(values) == list(COLUMNS)
    assert agrees(" ".join(values["text"]))
    assert all(isinstance(value, int) for name in COLUMNS[:-1] for value in values[name])
    words = [place for place, level in enumerate(values["level"]) if level == 5]
    assert all(0 <= values["conf"][place] <= 100 for place in words)
    assert {values["conf"][place] for place in range(len(values["conf"])) if place not in words} == {-1}
    assert (values["width"][0], values["height"][0]) == image.size
    assert pytesseract.image_to_data(image, output_type=Output.BYTES) == text.encode()
    frame = pytesseract.image_to_data(image, output_type=Output.DATAFRAME)
    assert list(frame.columns) == list(COLUMNS)
    assert list(frame[frame.level == 5].text) == [values["text"][place] for place in words]
    shorter = pytesseract.image_to_data(image, output_type=Output.DATAFRAME, pandas_config={"nrows": 2})
    assert len(shorter) == 2


def test_a_data_frame_without_pandas(image: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(pytesseract.PandasNotSupported):
        pytesseract.image_to_data(image, output_type=Output.DATAFRAME)


def test_orientation(image: Image.Image) -> None:
    text = pytesseract.image_to_osd(image)
    assert text.startswith("Page number: 0\nOrientation in degrees: 0\nRotate: 0\nOrientation confidence: ")
    turned = pytesseract.image_to_osd(image.rotate(90, expand=True), output_type=Output.DICT)
    assert (turned["page_num"], turned["orientation"], turned["rotate"], turned["script"]) == (0, 270, 90, "Latin")
    assert turned["orientation_conf"] > 2
    with pytest.raises(TesseractError, match="Too few characters"):
        pytesseract.image_to_osd(Image.new("L", (200, 100), 255))


def test_files(image: Image.Image, path: Path) -> None:
    pdf = pytesseract.image_to_pdf_or_hocr(str(path), extension="pdf")
    assert agrees(copied(pdf))
    assert agrees(copied(pytesseract.image_to_pdf_or_hocr(image)))
    hocr = pytesseract.image_to_pdf_or_hocr(str(path), extension="hocr")
    check_hocr(hocr)
    assert b"ocrx_cinfo" in pytesseract.image_to_pdf_or_hocr(image, extension="hocr", config="-c hocr_char_boxes=1")
    with pytest.raises(ValueError, match="Unsupported extension: docx"):
        pytesseract.image_to_pdf_or_hocr(image, extension="docx")
    from lxml import etree

    schema("alto-4-4.xsd").assertValid(etree.fromstring(pytesseract.image_to_alto_xml(str(path))))


def test_several_outputs_at_once(image: Image.Image) -> None:
    text, boxes, pdf, hocr, table = pytesseract.run_and_get_multiple_output(image, ["txt", "box", "pdf", "hocr", "tsv"])
    assert isinstance(text, str)
    assert agrees(text)
    assert boxes == pytesseract.image_to_boxes(image)
    assert isinstance(pdf, bytes)
    assert isinstance(hocr, bytes)
    assert table == pytesseract.image_to_data(image)


def test_configurations(image: Image.Image) -> None:
    assert agrees(pytesseract.image_to_string(image, config=r"--oem 3 --psm 6"))
    assert agrees(
        pytesseract.image_to_string(image, config=r'--tessdata-dir "C:\Program Files\Tesseract-OCR\tessdata"')
    )
    line = image.crop((100, 90, 700, 150))
    assert agrees(pytesseract.image_to_string(line, config="--psm 7"), PAGE[:1])
    digits = pytesseract.image_to_string(line, config="--psm 7 -c tessedit_char_whitelist=0123456789")
    assert set("".join(digits.split())) <= set("0123456789")
    assert "4711" in digits
    without = pytesseract.image_to_string(line, config="--psm 7 -c tessedit_char_blacklist=e")
    assert "e" not in without


def test_what_configurations_mean() -> None:
    found = parsed("--psm 6 --dpi 200 -l deu+eng -c preserve_interword_spaces=1 -c x=y=z digits")
    assert (found.mode, found.language, found.layout, found.files) == ("block", "deu+eng", True, ("digits",))
    assert found.variables["x"] == "y=z"
    assert found.options("0123456789-.ab") == {"allow": "0123456789-.", "dpi": 200.0}
    assert parsed("").options("ab") == {}
    assert [parsed(f"--psm {number}").mode for number in (3, 6, 7, 8, 10, 11, 13)] == [
        "page",
        "block",
        "line",
        "word",
        "char",
        "page",
        "line",
    ]
    assert parsed("-c tessedit_char_blacklist=a").options("abc ") == {"allow": "bc"}
    assert parsed("--psm=8").psm == 8
    for wrong in ("--psm 99", "--psm", "--psm six", "--unheard-of 1"):
        with pytest.raises(ValueError, match=r"mode|value|known"):
            parsed(wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": "--psm 99"}, "page segmentation mode"),
        ({"lang": "chi_sim"}, "'chi_sim' cannot be read"),
        ({"config": "--user-words missing.txt"}, r"missing\.txt cannot be read"),
    ],
)
def test_wrong_usage(image: Image.Image, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TesseractError, match=message) as told:
        pytesseract.image_to_string(image, **arguments)
    assert (told.value.status, told.value.args) == (1, (1, told.value.message))


def test_pictures_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TesseractError, match="does not exist"):
        pytesseract.image_to_string(str(tmp_path / "missing.png"))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    with pytest.raises(TesseractError, match="damaged"):
        pytesseract.image_to_string(str(tmp_path / "broken.png"))
    with pytest.raises(TypeError, match="Unsupported image object"):
        pytesseract.image_to_string(42)


@pytest.fixture
def slow_reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def slow(*_: Any) -> Any:
        time.sleep(0.5)
        raise AssertionError

    monkeypatch.setattr(pytesseract, "_read", slow)
    yield
    # The work that nobody waits for any more ends before the next test.
    time.sleep(0.5)


def test_a_timeout(image: Image.Image, slow_reading: None) -> None:
    with pytest.raises(RuntimeError, match="timeout"):
        pytesseract.image_to_string(image, timeout=0.05)


def test_a_timeout_that_suffices(image: Image.Image) -> None:
    assert agrees(pytesseract.image_to_string(image, timeout=120))


def test_what_there_is() -> None:
    assert {"eng", "deu", "fra", "osd"} <= set(pytesseract.get_languages(config=""))
    version = pytesseract.get_tesseract_version()
    assert (version.major, version.minor) == (5, 3)
    assert str(version.local).startswith("typecase")
    assert issubclass(pytesseract.TesseractNotFoundError, EnvironmentError)


def test_on_the_command_line(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "typecase.compat.pytesseract", "-l", "eng", str(path)],
        env={"PYTHONPATH": str(REPOSITORY / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert agrees(done.stdout)


def test_arrays_of_any_kind(image: Image.Image) -> None:
    assert agrees(pytesseract.image_to_string(np.asarray(image)))
    assert agrees(pytesseract.image_to_string(np.asarray(image.convert("RGBA"))))
