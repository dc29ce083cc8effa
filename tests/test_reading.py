"""Whole documents: pages, regions, the text that is there already, pages that fail; every option changes a result."""

from __future__ import annotations

import io
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from line_fixtures import line_picture, write_line_model
from pdf_fixtures import pdf_of
from row_fixtures import MARGIN, PITCH, RowReader, divided_page, page_picture, row_reader
from typecase.charset import ClassSet
from typecase.decoding.constraints import Leaning
from typecase.decoding.decoder import SHIPPED_LANGUAGE_MODEL
from typecase.document import Box, Document
from typecase.errors import InputError, ModelError, PasswordError, TooLargeError, UsageError
from typecase.files import sha256_of
from typecase.languages import LANGUAGES, letters_of
from typecase.reader import Reader
from typecase.reading import Request, region_of

SECRET = "key to it"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_line_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="module")
def reader(model: Path) -> Reader:
    reader = Reader(model=model, threads=1)
    row_reader(reader)
    return reader


@pytest.fixture
def rows(reader: Reader) -> RowReader:
    """What reads the pages, and knows which pictures it has seen."""
    return row_reader(reader)


def scan(*lines: str, **options: Any) -> dict[str, Any]:
    """A page of a PDF that is a picture of lines, at 72 dots per inch."""
    image = page_picture(lines, height=400)
    return {"image": image, "size": image.size, **options}


def tiff(*pages: tuple[str, ...]) -> bytes:
    first, *others = [page_picture(lines, height=400) for lines in pages]
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=others)
    return buffer.getvalue()


def test_a_page_is_the_usual_mode(reader: Reader) -> None:
    document = reader.read(page_picture(["AB OE", "", "I A"]))
    assert document.text == "AB OE\n\nI A"
    assert document.provenance["detector"]["sha256"]
    assert Document.from_json(document.to_json()) == document


def test_a_block_is_one(reader: Reader) -> None:
    picture = page_picture(["AB", "OE"])
    assert len(reader.read(picture).pages[0].blocks) == 2
    [block] = reader.read(picture, "block").pages[0].blocks
    assert block.text == "AB\nOE"


@pytest.mark.parametrize("as_pdf", [True, False])
def test_pages_of_a_document(reader: Reader, as_pdf: bool) -> None:
    content = pdf_of([scan("A"), scan("B", "O"), scan("E")]) if as_pdf else tiff(("A",), ("B", "O"), ("E",))
    document = reader.read(content, name="x")
    assert [page.text for page in document.pages] == ["A", "B\n\nO", "E"]
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert reader.read(content, pages="end,1").text == "A\n\f\nE"
    assert reader.read(content, pages=2).pages[0].number == 2
    assert [page.text for page in reader.read_pages(content)] == ["A", "B\n\nO", "E"]


def test_pages_come_as_they_are_read(reader: Reader, rows: RowReader) -> None:
    pages = reader.read_pages(pdf_of([scan("A"), scan("B"), scan("E")]))
    assert next(pages).text == "A"
    assert len(rows.seen) == 1
    pages.close()  # type: ignore[attr-defined]


def test_lines_in_many_pictures_go_through_the_net_together(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    usual = reader.recognizer.read

    def counted(pictures: Any, *options: Any, **more: Any) -> Any:
        pictures = list(pictures)
        counts.append(len(pictures))
        return usual(pictures, *options, **more)

    monkeypatch.setattr(reader.recognizer, "read", counted)
    found = list(reader.read_many([line_picture(text) for text in "ABOE"], "line"))
    assert [one.text for one in found if isinstance(one, Document)] == list("ABOE")
    assert counts == [4]


def test_resolution(reader: Reader) -> None:
    content = pdf_of([scan("A")])
    assert reader.read(content).pages[0].dpi == 72
    fine = reader.read(content, dpi=144).pages[0]
    assert (fine.width, fine.height, fine.dpi) == (640, 800, 144)
    assert reader.read(page_picture(["A"]), dpi=150).pages[0].dpi == 150


def test_password(reader: Reader) -> None:
    content = pdf_of([scan("A")], password=SECRET)
    with pytest.raises(PasswordError):
        reader.read(content)
    document = reader.read(content, password=SECRET)
    assert document.text == "A"
    assert SECRET not in document.to_json()


def test_existing_text(reader: Reader, rows: RowReader) -> None:
    place = "1 0 0 1 16 40"
    content = pdf_of([scan("A", "B", text=["Own text"], matrix=place), scan("OE", text=["xx"], invisible=True)])
    skipped = reader.read(content)
    assert [page.text for page in skipped.pages] == ["Own text", "xx"]
    assert not rows.seen
    # At the resolution at which what reads these pages can find its rows.
    forced = reader.read(content, existing_text="force", dpi=72)
    # The own text is read as the picture that it is, and what reads these pages sees bars in it.
    assert [page.text.split("\n\n")[:2] for page in forced.pages] == [["A", "B"], ["OE"]]
    assert "Own" not in forced.text
    redone = reader.read(content, existing_text="redo", dpi=72)
    assert [page.text.replace("\n\n", "\n") for page in redone.pages] == ["A\nB\nOwn text", "OE"]


def test_a_pdf_of_what_was_redone_says_nothing_twice(reader: Reader) -> None:
    from typecase.sources.pdf import PdfFile
    from typecase.writers import FORMATS

    content = pdf_of([scan("A", "B", text=["Own text"], matrix="1 0 0 1 16 40")])
    file = io.BytesIO()
    with (
        reader.open(content, existing_text="redo", dpi=72) as reading,
        FORMATS["pdf"].open(file, reading.head) as writer,
    ):
        for page, origin in reading:
            writer.page(page, origin)
    with PdfFile(file.getvalue(), "x.pdf") as pdf:
        made = pdf.page(1)
        made.set_resolution(72)
        words = [word.text for word in made.as_read(made.text_layer()).words]
    assert sorted(words) == ["A", "B", "Own", "text"]


def test_region(reader: Reader) -> None:
    picture = page_picture(["A", "B", "O"])
    whole = list(reader.read(picture).words)
    part = list(reader.read(picture, region=(0, MARGIN + PITCH - 8, 320, PITCH)).words)
    assert [word.text for word in part] == ["B"]
    assert part[0].box == whole[1].box
    # Of a line, a region is what is cut out.
    line = line_picture("AB OE")
    first, second = reader.read(line, "line").words
    [word] = reader.read(line, "line", region=Box(second.box.x - 6, 0, 60, 32)).words
    assert (word.text, word.box) == ("OE", second.box)
    assert word.characters[0].box == second.characters[0].box
    assert first.box.right < word.box.x


def test_divided_words_are_joined_on_request(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RowReader, "read", divided_page)
    assert reader.read(page_picture(["A"])).text == "A divi-\nded word"
    joined = reader.read(page_picture(["A"]), join_hyphens=True)
    assert joined.text == "A divided\nword"
    assert joined.provenance["options"]["join_hyphens"]


def test_a_region_of_existing_text(reader: Reader) -> None:
    content = pdf_of([{"text": ["Upper left", "Lower right"], "leading": 200}])
    whole = reader.read(content)
    lower = list(whole.words)[2].box
    part = reader.read(content, region=(lower.x - 5, lower.y - 5, lower.width + 10, lower.height + 10))
    assert part.text == "Lower"
    assert next(part.words).box == lower


def test_a_region_beside_the_picture(reader: Reader) -> None:
    with pytest.raises(InputError, match=r"The region 900,0,10,10 lies outside of page 1, which has 320 x 96 pixels"):
        reader.read(page_picture(["A"]), region=(900, 0, 10, 10))
    for wrong in ((0, 0, 0, 5), (1, 2, 3), "a,b,c,d", (0, 0, float("nan"), 1)):
        with pytest.raises(UsageError, match="cannot be understood"):
            region_of(wrong)


def test_least_confidence(reader: Reader) -> None:
    picture = page_picture(["AB OE", "I"])
    words = list(reader.read(picture).words)
    sure = max(word.confidence for word in words)
    kept = list(reader.read(picture, min_confidence=sure).words)
    assert kept == [word for word in words if word.confidence >= sure]
    assert reader.read(picture, min_confidence=1.0).pages[0].blocks == () or sure == 1.0
    assert len(kept) < len(words)
    with pytest.raises(UsageError, match="from 0 to 1"):
        reader.read(picture, min_confidence=2)


def test_most_pixels(reader: Reader) -> None:
    with pytest.raises(TooLargeError):
        reader.read(page_picture(["A"]), max_pixels=1000)
    assert reader.read(page_picture(["A"]), max_pixels=None).text == "A"


def test_options_reach_the_lines_of_a_page(reader: Reader) -> None:
    picture = page_picture(["OI A"])
    assert reader.read(picture).text == "OI A"
    assert reader.read(picture, allow="01A").text == "01 A"
    assert reader.read(picture, words=["01"]).text == "01 A"
    assert reader.read(picture, pattern=r"\d\d").text == "01 A"
    assert reader.read(picture, pattern=r"\d\d", bias=0).text == "OI A"
    count = {
        number: max(
            len(one.alternatives) for word in reader.read(picture, alternatives=number).words for one in word.characters
        )
        for number in (0, 1, 3)
    }
    assert count[0] == 0 < count[1] <= count[3]


def test_a_broken_page_does_not_lose_the_others(reader: Reader) -> None:
    broken = {"image": b"no JPEG" * 99, "declared": (320, 400), "size": (320, 400)}
    content = pdf_of([scan("A"), broken, scan("B")])
    document = reader.read(content, name="x.pdf")
    assert [page.text for page in document.pages] == ["A", "", "B"]
    assert document.pages[1].error.startswith("x.pdf, page 2, holds a picture that is damaged")
    assert (document.pages[1].width, document.pages[1].height) == (320, 400)
    assert Document.from_json(document.to_json()) == document
    with pytest.raises(InputError, match=r"x\.pdf, page 1, holds a picture that is damaged"):
        reader.read(pdf_of([broken]), name="x.pdf")
    with pytest.raises(InputError, match=r"x\.pdf, page 1, holds a picture that is damaged"):
        reader.read(pdf_of([broken, broken]), name="x.pdf")


def test_what_writers_need(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(pdf_of([scan("A"), scan("", text=["Own"])]))
    with reader.open(path) as reading:
        assert (reading.head.source, reading.head.pdf, reading.head.page_count) == (str(path), path, 2)
        told = []
        for read in reading:
            picture = read.origin.drawn()
            assert picture is not None
            told.append((read.page.text, read.origin.existing_text, picture.size))
    first, second = told
    assert first == ("A", "none", (320, 400))
    assert second == ("Own", "skip", (889, 1111))
    png = tmp_path / "x.png"
    page_picture(["A"]).save(png)
    with reader.open(png) as reading:
        [read] = reading
    assert (read.origin.file, read.origin.frame, reading.head.pdf) == (png, 0, None)


def test_many_documents(reader: Reader, tmp_path: Path) -> None:
    sources: list[Any] = [page_picture(["A"]), tmp_path / "missing.png", pdf_of([scan("B"), scan("O")]), b"no picture"]
    found = list(reader.read_many(sources))
    assert [one.text if isinstance(one, Document) else type(one) for one in found] == [
        "A",
        InputError,
        "B\n\f\nO",
        InputError,
    ]


def test_threads_share_a_reader(reader: Reader) -> None:
    content = pdf_of([scan("A"), scan("B O"), scan("E")])
    texts: list[Any] = []

    def work() -> None:
        try:
            texts.append(reader.read(content).text)
        except Exception as error:
            texts.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["A\n\f\nB O\n\f\nE"] * 4


def test_wrong_options_are_said_before_anything_is_opened(reader: Reader) -> None:
    for options in (
        {"pages": "x"},
        {"dpi": -1},
        {"existing_text": "keep"},
        {"region": (1,)},
        {"min_confidence": -1},
        {"patern": "x"},
        {"mode": "lime"},
    ):
        with pytest.raises(UsageError):
            reader.open("missing.pdf", **options)


def test_settings_are_told() -> None:
    request = Request.of(
        mode="page", pages=[1, 2], region=region_of("1,2,3,4"), min_confidence=0.5, password=SECRET, dpi=100
    )
    told = request.to_dict()
    assert told["pages"] == "1,2"
    assert told["region"] == [1, 2, 3, 4]
    assert (told["min_confidence"], told["dpi"], told["existing_text"], told["mode"]) == (0.5, 100, "skip", "page")
    assert SECRET not in str(told)


def test_a_detector_that_is_none(model: Path) -> None:
    with pytest.raises(ModelError, match="not a detector"):
        Reader(model=model, detector=model).read(page_picture(["A"]))
    # Lines can be read without any.
    assert Reader(model=model, detector="missing.onnx").read(line_picture("A"), "line").text == "A"


def test_copies_have_the_same_settings(model: Path) -> None:
    reader = Reader("eng+deu", threads=1, model=model, detector=model)
    copy = pickle.loads(pickle.dumps(reader))
    assert (copy.languages, copy.recognizer.path) == (("en", "de"), model)
    assert copy._detector == str(model)


def test_languages_weigh() -> None:
    classes = ClassSet.of("aeéèñß1€ ")
    none = Leaning.of(classes, ())
    assert none is None

    def read(languages: tuple[str, ...], **shares: float) -> str:
        leaning = Leaning.of(classes, languages)
        frames = np.full((1, len(classes) + 1), 1e-6, np.float32)
        for name, share in shares.items():
            frames[0, classes.index(name) + 1] = share
        if leaning is not None:
            leaning.apply(frames)
        assert frames.sum() == pytest.approx(1, abs=1e-4)
        return classes.names[int(frames[0].argmax()) - 1]

    near, plain = {"ñ": 0.6, "a": 0.4}, {"ñ": 0.999, "a": 0.001}
    assert read((), **near) == "ñ"
    assert read(("de",), **near) == "a"
    assert read(("de", "es"), **near) == "ñ"
    assert read(("de",), **plain) == "ñ"
    assert read(("de",), ß=0.6, a=0.4) == "ß"


def test_languages_reach_the_decoder(model: Path) -> None:
    request = Reader("deu", model=model, threads=1)._request(mode="line")
    assert request.options.languages == ("de",)
    assert request.to_dict()["languages"] == ["de"]
    assert Reader(model=model, threads=1)._request(mode="line", languages="fra").options.languages == ("fr",)
    with pytest.raises(UsageError, match="'rus' cannot be read"):
        Reader(model=model, threads=1)._request(mode="line", languages="rus")


def test_the_language_model_is_told(model: Path) -> None:
    reader = Reader(model=model, threads=1)
    usual, without = (
        reader._provenance(reader._request(mode="line", **options)) for options in ({}, {"language_model": "none"})
    )
    assert usual["language_model"] == {"name": "language", "sha256": sha256_of(SHIPPED_LANGUAGE_MODEL)}
    assert usual["options"]["language_model"] == "shipped"
    assert "language_model" not in without
    assert without["options"]["language_model"] is None


def test_letters_of_languages() -> None:
    assert letters_of(["de"]) == set("äöüßéÄÖÜẞÉ")
    assert letters_of(["tr"]) >= set("ıİğĞ")
    assert letters_of([]) == frozenset()
    for code in LANGUAGES:
        assert all(letter.isalpha() and len(letter) == 1 and not letter.isascii() for letter in letters_of([code]))


def test_pictures_in_palettes_and_one_bit(reader: Reader) -> None:
    for mode in ("1", "P", "RGB", "LA"):
        assert reader.read(page_picture(["AB"]).convert(mode)).text == "AB"


def test_a_blank_page(reader: Reader) -> None:
    document = reader.read(Image.new("L", (300, 400), 255))
    assert (document.text, len(document.pages)) == ("", 1)
