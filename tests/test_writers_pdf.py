"""Searchable PDFs: what is copied, selected and found in them is what was read, and what they show is the original."""

from __future__ import annotations

import contextlib
import io
import shutil
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pikepdf
import pypdfium2  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from document_fixtures import PROVENANCE, block_of, line_at, sloping_line, telling_document
from typecase.document import Block, Box, Document, Page
from typecase.errors import InputError, OutputError
from typecase.writers import FORMATS, Head, Origin
from typecase.writers import pdf as pdf_writer
from typecase.writers.pdf import text_only_page
from typecase.writers.xml import safe

SENTENCES = (
    "The quick brown fox jumps over the lazy dog",
    "on an even sea some men saw we were near",
    "Total: 1,234.50 EUR (19 % VAT) - paid, thanks!",
    'naïve "Grüße" façade; x = y / z',
)


def page_of_text(width: int = 900, height: int = 600, **changes: Any) -> Page:
    lines = [line_at(text, 40, 50 + 40 * number, 20, 14) for number, text in enumerate(SENTENCES)]
    return msgspec.structs.replace(Page(width, height, (block_of(lines[:2]), block_of(lines[2:]))), **changes)


def picture_of(page: Page, mode: str = "L") -> Image.Image:
    """A picture with a bar where each word is."""
    image = Image.new(mode, (page.width, page.height), "white")
    draw = ImageDraw.Draw(image)
    for word in page.words:
        draw.rectangle((word.box.x, word.box.y, word.box.right - 1, word.box.bottom - 1), fill="black")
    return image


def rendered(document: Document, origins: Sequence[Origin], head: Head | None = None) -> bytes:
    return FORMATS["pdf"].render(document, origins=origins, head=head)


def with_picture(page: Page) -> bytes:
    return rendered(Document((page,)), [Origin(picture_of(page))])


@contextlib.contextmanager
def opened(content: bytes, password: str | None = None) -> Iterator[Any]:
    document = pypdfium2.PdfDocument(content, password=password)
    try:
        yield document
    finally:
        document.close()


def copied(content: bytes, place: int = 0) -> str:
    """What a viewer that is built on PDFium copies from a page."""
    with opened(content) as document:
        text = document[place].get_textpage().get_text_range()
    assert isinstance(text, str)
    return text


def printed(content: bytes, *options: str) -> str:
    """What pdftotext gives."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed; install poppler-utils")
    done = subprocess.run(["pdftotext", *options, "-", "-"], input=content, capture_output=True, check=True)
    # It marks which way text runs.
    return done.stdout.decode().translate(dict.fromkeys([0x202A, 0x202B, 0x202C, 0x200E, 0x200F]))


def drawn(content: bytes, scale: float, place: int = 0) -> np.ndarray[Any, Any]:
    with opened(content) as document:
        values: np.ndarray[Any, Any] = document[place].render(scale=scale).to_numpy()[..., :3].astype(int)
    return values


def selected_boxes(content: bytes, page: Page, place: int = 0) -> list[tuple[str, Box]]:
    """Each word with the box that a viewer marks when it is selected, in pixels of the page's picture."""
    found = []
    with opened(content) as document:
        shown = document[place]
        size = shown.get_size()
        turn = shown.get_rotation()
        shown.set_rotation(0)
        left, lower, right, upper = shown.get_bbox()
        text_page = shown.get_textpage()
        text = text_page.get_text_range()
        start = 0
        for part in text.split():
            start = text.index(part, start)
            boxes = [text_page.get_charbox(index) for index in range(start, start + len(part))]
            start += len(part)
            x0, y0 = min(box[0] for box in boxes) - left, min(box[1] for box in boxes) - lower
            x1, y1 = max(box[2] for box in boxes) - left, max(box[3] for box in boxes) - lower
            wide, high = right - left, upper - lower
            x0, y0, x1, y1 = {
                0: (x0, high - y1, x1, high - y0),
                90: (y0, x0, y1, x1),
                180: (wide - x1, y0, wide - x0, y1),
                270: (high - y1, wide - x1, high - y0, wide - x0),
            }[turn]
            across, down = page.width / size[0], page.height / size[1]
            found.append((part, Box(x0 * across, y0 * down, (x1 - x0) * across, (y1 - y0) * down)))
    return found


def distances(content: bytes, page: Page, place: int = 0) -> list[float]:
    """How far each edge of each selected word is from the word, in pixels."""
    found = selected_boxes(content, page, place)
    words = list(page.words)
    assert [text for text, _ in found] == [word.text for word in words]
    pairs = [(box, word.box) for (_, box), word in zip(found, words, strict=True)]
    return [
        abs(one - other)
        for box, meant in pairs
        for one, other in zip((*box[:2], box.right, box.bottom), (*meant[:2], meant.right, meant.bottom), strict=True)
    ]


def test_what_is_copied_is_what_was_read() -> None:
    page = page_of_text()
    content = with_picture(page)
    assert copied(content).split() == page.text.split()
    assert printed(content).split() == page.text.split()
    assert printed(content, "-layout").split() == page.text.split()
    assert [line for line in printed(content).splitlines() if line.strip("\f")] == [line.text for line in page.lines]


@settings(max_examples=15)
@given(st.lists(st.lists(st.text("abgjpyABÉß0189.,:-/'", min_size=1, max_size=8), min_size=1, max_size=6), max_size=6))
def test_words_of_every_shape(lines: list[list[str]]) -> None:
    found = [line_at(" ".join(words), 30, 40 + 40 * number, 20, 12) for number, words in enumerate(lines)]
    page = Page(900, 500, (block_of(found),) if found else ())
    assert copied(with_picture(page)).split() == page.text.split()


def test_hyphens_at_the_end_of_lines_stay() -> None:
    page = Page(
        600, 300, (block_of([line_at("a docu-", 20, 20), line_at("ment of re-", 20, 60), line_at("ason", 20, 100)]),)
    )
    content = with_picture(page)
    assert copied(content).split() == ["a", "docu-", "ment", "of", "re-", "ason"]
    assert printed(content).split() == ["a", "docu-", "ment", "of", "re-", "ason"]


def test_lines_that_were_found_too_high_stay_lines_of_their_own() -> None:
    high = line_at("Inv No.: 7806", 100, 40)
    high = msgspec.structs.replace(high, box=Box(high.box.x, 30, high.box.width, 40))
    page = Page(600, 300, (block_of([high]), block_of([line_at("Date: 06/08/2017", 115, 56)])))
    assert printed(with_picture(page)).split() == page.text.split()


def test_lines_that_touch_in_one_row_keep_their_words_apart() -> None:
    lines = [line_at("ENTERPRIS", 100, 40), line_at("ESETIA", 189.5, 41), line_at("below", 100, 80)]
    page = Page(600, 300, (block_of(lines),))
    content = with_picture(page)
    assert copied(content).split() == page.text.split()
    assert printed(content).split() == page.text.split()
    assert statistics.median(distances(content, page)) < 1


def test_every_script_and_what_no_text_may_hold() -> None:
    texts = ["Ελληνικά", "Кириллица", "日本語", "שלום", "مرحبا", "𝒳😀", "e\u0301te\u0301", "a\x00b\ufffe"]
    lines = [line_at(text, 40, 40 + 50 * number, 30, 30) for number, text in enumerate(texts)]
    page = Page(600, 600, (block_of(lines),))
    content = with_picture(page)
    assert copied(content).split() == [safe(text) for text in texts]
    assert printed(content).split() == [safe(text) for text in texts]


@pytest.mark.parametrize("dpi", [None, 72.0, 150.0, 300.0, 0.5])
def test_selection_lies_on_the_words(dpi: float | None) -> None:
    page = page_of_text(dpi=dpi)
    found = distances(with_picture(page), page)
    assert statistics.median(found) < 0.5
    assert max(found) < 2.0


@pytest.mark.parametrize("angle", [-4.0, 3.0, 90.0, 180.0, -90.0, 45.0])
def test_turned_and_sloping_lines(angle: float) -> None:
    # Lines follow one another across the way they run.
    x, y, right, down = {
        90.0: (700, 60, -60, 0),
        180.0: (900, 800, 0, -60),
        -90.0: (60, 900, 60, 0),
        45.0: (200, 60, -40, 40),
    }.get(angle, (60, 200, 0, 60))
    texts = enumerate(("one line of words", "another line of it"))
    lines = [sloping_line(text, x + right * number, y + down * number, angle, 24, 12) for number, text in texts]
    page = Page(1000, 1000, (block_of(lines),))
    content = with_picture(page)
    assert sorted(copied(content).split()) == sorted(page.text.split())
    assert sorted(printed(content).split()) == sorted(page.text.split())
    found = dict(selected_boxes(content, page))
    for word in page.words:
        if word.text in ("one", "another"):
            assert found[word.text].x == pytest.approx(word.box.x, abs=3)
            assert found[word.text].bottom == pytest.approx(word.box.bottom, abs=3)


def original(rotation: int = 0, *, pages: int = 1, crop: bool = True, inherited: bool = False) -> bytes:
    """A PDF with a drawing, a box that is cut and a page that may be turned."""
    with pikepdf.new() as pdf:
        for number in range(pages):
            page = pdf.add_blank_page(page_size=(400, 300))
            if crop:
                page.obj.CropBox = pikepdf.Array([20, 30, 380, 270])
            page.obj.Rotate = rotation
            drawing = f"0.9 0.2 {number / 10} rg 100 100 60 {40 + number} re f q 2 0 0 2 0 0 cm"
            page.obj.Contents = pdf.make_stream(drawing.encode())
            page.obj.Resources = pikepdf.Dictionary()
        if inherited:
            root = pdf.Root.Pages
            root.Rotate, root.Resources = rotation, pikepdf.Dictionary(Font=pikepdf.Dictionary())
            for page in pdf.pages:
                del page.obj["/Rotate"], page.obj["/Resources"]
        pdf.docinfo["/Title"] = "kept"
        file = io.BytesIO()
        pdf.save(file)
    return file.getvalue()


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("inherited", [False, True])
def test_text_lies_right_on_pages_of_every_turn(rotation: int, inherited: bool) -> None:
    source = original(rotation, inherited=inherited)
    scale = 150 / 72
    with opened(source) as document:
        width, height = (round(side * scale) for side in document[0].get_size())
    page = page_of_text(width, height)
    page = msgspec.structs.replace(
        page, blocks=(block_of([line_at("short line", 40, 50), line_at("of words, gap", 40, 200)]),)
    )
    content = rendered(Document((page,)), [Origin()], Head("a.pdf", PROVENANCE, source))
    assert sorted(copied(content).split()) == sorted(page.text.split())
    words = {word.text: word.box for word in page.words}
    for text, box in selected_boxes(content, page):
        assert box.x == pytest.approx(words[text].x, abs=2)
        assert box.y == pytest.approx(words[text].y, abs=2)
        assert box.bottom == pytest.approx(words[text].bottom, abs=2)
    assert (drawn(content, scale) == drawn(source, scale)).all()


def test_the_original_stays() -> None:
    source = original(pages=5)
    page = page_of_text(750, 500, number=3)
    content = rendered(Document((page,)), [Origin()], Head("a.pdf", PROVENANCE, source))
    for place in range(5):
        assert (drawn(content, 1, place) == drawn(source, 1, place)).all()
        assert copied(content, place).split() == (page.text.split() if place == 2 else [])
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert str(pdf.docinfo["/Title"]) == "kept"
        assert str(pdf.docinfo["/Typecase"]) == "typecase 0.1.0"
        assert msgspec.json.decode(str(pdf.docinfo["/TypecaseProvenance"])) == PROVENANCE
        assert not pdf.check_pdf_syntax()


def test_pages_with_text_of_their_own() -> None:
    page = page_of_text(750, 500)
    first = rendered(Document((page,)), [Origin()], Head("a.pdf", {}, original()))
    other = msgspec.structs.replace(page, blocks=(block_of([line_at("read anew", 40, 50)]),))
    kept = rendered(Document((other,)), [Origin(existing_text="skip")], Head("a.pdf", {}, first))
    assert copied(kept).split() == page.text.split()
    redone = rendered(Document((other,)), [Origin(existing_text="redo")], Head("a.pdf", {}, first))
    assert copied(redone).split() == ["read", "anew"]
    assert (drawn(redone, 1) == drawn(first, 1)).all()


def test_visible_text_survives_a_redo() -> None:
    with pikepdf.open(io.BytesIO(with_picture(page_of_text()))) as pdf:
        content = pdf.pages[0].Contents
        parts = (
            [part.read_bytes() for part in content] if isinstance(content, pikepdf.Array) else [content.read_bytes()]
        )
        shown = b"\n".join(parts).replace(b"3 Tr", b"0 Tr")
        form = pdf.make_stream(b"BT 3 Tr /TC-8x0 1 Tf 10 0 0 10 9 9 Tm <0001> Tj ET")
        form.Type, form.Subtype, form.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, pikepdf.Array([0, 0, 99, 99])
        pdf.pages[0].obj.Resources.XObject["/Hidden"] = form
        pdf.pages[0].obj.Contents = pdf.make_stream(shown + b" q /Hidden Do Q")
        file = io.BytesIO()
        pdf.save(file)
    other = Page(900, 600, (block_of([line_at("anew", 40, 400)]),))
    redone = rendered(Document((other,)), [Origin(existing_text="redo")], Head("a.pdf", {}, file.getvalue()))
    assert sorted(copied(redone).split()) == sorted([*page_of_text().text.split(), "anew"])
    with pikepdf.open(io.BytesIO(redone)) as pdf:
        assert b"Tj" not in pdf.pages[0].Resources.XObject["/Hidden"].read_bytes()


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_forced_page_becomes_its_picture(rotation: int) -> None:
    source = original(rotation, pages=2)
    scale = 150 / 72
    before = drawn(source, scale, 1)
    picture = Image.fromarray(before.astype(np.uint8)[..., ::-1])
    page = page_of_text(*picture.size, number=2)
    page = msgspec.structs.replace(page, blocks=(block_of([line_at("forced words", 40, 50)]),))
    content = rendered(Document((page,)), [Origin(picture, existing_text="force")], Head("a.pdf", {}, source))
    assert copied(content, 1).split() == ["forced", "words"]
    assert np.abs(drawn(content, scale, 1) - before).mean() < 2
    box = dict(selected_boxes(content, page, 1))["forced"]
    assert box.x == pytest.approx(40, abs=2)
    assert box.y == pytest.approx(50, abs=2)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert b" re f" not in pdf.pages[1].Contents.read_bytes()


def stored(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def streams_of(content: bytes) -> list[bytes]:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return [one.read_raw_bytes() for one in pdf.objects if isinstance(one, pikepdf.Stream)]


def photo(mode: str = "RGB") -> Image.Image:
    down, across = np.mgrid[0:120, 0:160]
    values = np.stack([across, down * 2, 255 - across], axis=-1)
    return Image.fromarray(values.astype(np.uint8)).convert(mode)


@pytest.mark.parametrize(
    ("kind", "mode", "options", "untouched"),
    [
        ("JPEG", "RGB", {"quality": 80}, True),
        ("JPEG", "L", {"quality": 80}, True),
        ("JPEG", "CMYK", {"quality": 90}, True),
        ("JPEG2000", "RGB", {}, True),
        ("PNG", "RGB", {}, False),
        ("PNG", "RGBA", {}, False),
        ("PNG", "P", {}, False),
        ("PNG", "1", {}, False),
        ("GIF", "P", {}, False),
        ("BMP", "RGB", {}, False),
        ("TIFF", "1", {"compression": "group4"}, False),
        ("TIFF", "RGB", {"compression": "jpeg", "quality": 80}, False),
        ("WEBP", "RGB", {"quality": 80}, False),
    ],
)
def test_pictures_show_as_they_are_and_do_not_swell(
    kind: str, mode: str, options: dict[str, Any], untouched: bool
) -> None:
    image = photo(mode)
    file = stored(image, kind, **options)
    page = Page(*image.size, (block_of([line_at("word", 20, 20)]),), dpi=72.0)
    content = rendered(Document((page,)), [Origin(image.convert("RGB"), file)])
    assert copied(content).split() == ["word"]
    assert (file in streams_of(content)) == untouched
    assert len(content) < len(file) + 20_000
    with Image.open(io.BytesIO(file)) as opened_again:
        again: Image.Image = opened_again
        if again.has_transparency_data:
            again = Image.alpha_composite(Image.new("RGBA", again.size, "white"), again.convert("RGBA"))
        meant = np.asarray(again.convert("RGB")).astype(int)
    found = drawn(content, 1)[..., ::-1]
    # Colours of CMYK differ from one program to the next.
    assert np.abs(found - meant).mean() < (60 if mode == "CMYK" else 4)


def test_a_photograph_that_lies_on_its_side() -> None:
    image = photo()
    exif = Image.Exif()
    exif[0x0112] = 6
    file = stored(image, "JPEG", exif=exif, quality=90)
    upright = image.rotate(-90, expand=True)
    page = Page(*upright.size, (block_of([line_at("word", 10, 30)]),), dpi=72.0)
    content = rendered(Document((page,)), [Origin(upright, file)])
    assert file in streams_of(content)
    assert np.abs(drawn(content, 1)[..., ::-1] - np.asarray(upright).astype(int)).mean() < 6
    [(text, box)] = selected_boxes(content, page)
    assert (text, round(box.x), round(box.y)) == ("word", 10, 30)


def test_pictures_of_a_file_with_several(tmp_path: Path) -> None:
    frames = [photo("1"), photo("L"), photo("RGB").rotate(180)]
    path = tmp_path / "several.tif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    pages = tuple(Page(*frame.size, number=place + 1, dpi=72.0) for place, frame in enumerate(frames))
    content = rendered(Document(pages), [Origin(None, path, place) for place in range(3)])
    for place, frame in enumerate(frames):
        shown = drawn(content, 1, place)[..., ::-1]
        assert np.abs(shown - np.asarray(frame.convert("RGB")).astype(int)).mean() < 1


def test_growth_of_a_dense_page() -> None:
    words = " ".join(f"{chr(97 + number % 26)}{number * 7919 % 99991}" for number in range(14))
    lines = [line_at(words, 60, 40 + 34 * number, 24 + number % 3, 11) for number in range(60)]
    page = Page(1700, 2200, (block_of(lines),), dpi=200.0)
    assert len(list(page.words)) == 840
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (2200, 1700), np.uint8))
    file = stored(picture, "JPEG", quality=30)
    content = rendered(Document((page,)), [Origin(None, file)])
    assert len(content) - len(file) < max(20_000, 0.15 * len(file))
    assert len(content) - len(file) < 25_000


def test_pages_leave_memory_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_writer, "_BYTES_AT_ONCE", 1)
    monkeypatch.setattr(pdf_writer, "_FILES_AT_ONCE", 3)
    pages = tuple(Page(300, 200, (block_of([line_at(f"page {number}", 20, 20)]),), number) for number in range(1, 9))
    content = rendered(Document(pages), [Origin(picture_of(page)) for page in pages])
    assert [copied(content, place).split() for place in range(8)] == [["page", str(number)] for number in range(1, 9)]


def test_protected_originals_stay_protected() -> None:
    with pikepdf.open(io.BytesIO(original())) as pdf:
        file = io.BytesIO()
        pdf.save(file, encryption=pikepdf.Encryption(owner="owner", user="user"))
    page = page_of_text(750, 500)
    head = Head("a.pdf", {}, file.getvalue(), "user")
    content = rendered(Document((page,)), [Origin()], head)
    with opened(content, "user") as document:
        assert document[0].get_textpage().get_text_range().split() == page.text.split()
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(io.BytesIO(content))
    for password in (None, "wrong"):
        with pytest.raises(InputError, match="password"):
            rendered(Document((page,)), [Origin()], Head("a.pdf", {}, file.getvalue(), password))


def test_what_cannot_be_written() -> None:
    page = page_of_text()
    with pytest.raises(OutputError, match="picture of each page"):
        FORMATS["pdf"].render(Document((page,)))
    with pytest.raises(InputError, match=r"a\.pdf cannot be opened as a PDF"):
        rendered(Document((page,)), [Origin()], Head("a.pdf", {}, b"%PDF-1.4 nothing"))
    with pytest.raises(InputError, match="no page 9"):
        rendered(Document((page_of_text(number=9),)), [Origin()], Head("a.pdf", {}, original()))
    with pytest.raises(InputError, match="cannot be read any more"):
        rendered(Document((page,)), [Origin(None, Path("gone.png"))])


def test_pages_that_could_not_be_read_keep_their_place() -> None:
    broken = Page(0, 0, number=1, error="it is damaged")
    page = page_of_text(750, 500, number=2)
    content = rendered(Document((broken, page)), [Origin(), Origin(picture_of(page))])
    assert copied(content, 1).split() == page.text.split()
    content = rendered(Document((broken, page)), [Origin(), Origin()], Head("a.pdf", {}, original(pages=2)))
    assert copied(content, 0) == ""
    assert (drawn(content, 1, 0) == drawn(original(pages=2), 1, 0)).all()


def test_text_alone() -> None:
    page = page_of_text(dpi=100.0)
    content = text_only_page(page)
    assert copied(content).split() == page.text.split()
    assert (drawn(content, 1) == 255).all()
    with opened(content) as document:
        assert document[0].get_size() == pytest.approx((648, 432))


def test_an_empty_page_and_words_without_extent() -> None:
    empty = Page(100, 100, (Block(Box(0, 0, 0, 0)),))
    assert copied(with_picture(empty)) == ""
    [line] = telling_document().pages[2].lines
    flat = msgspec.structs.replace(
        line, words=tuple(msgspec.structs.replace(word, box=Box(5, 5, 0, 0), polygon=()) for word in line.words)
    )
    page = Page(100, 100, (Block(flat.box, (flat,)),))
    content = rendered(Document((page,)), [Origin(Image.new("L", (100, 100)))])
    assert sorted("".join(copied(content).split())) == sorted("askewedline")
