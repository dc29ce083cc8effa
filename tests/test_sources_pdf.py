"""PDFs: resolution, rotation, encryption, the text that pages carry, and everything that is wrong with some."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pdf_fixtures import A4, bomb, pdf_of
from typecase.errors import InputError, PasswordError, TooLargeError
from typecase.sources.pdf import MAX_DRAWN_PIXELS, REOPEN_AFTER, PdfFile, PdfPage


def opened(content: bytes, number: int = 1, **options: Any) -> PdfPage:
    page = PdfFile(content, "x.pdf").page(number)
    page.set_resolution(**options)
    return page


def scan(width: int, height: int) -> Image.Image:
    image = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 4, height // 8, width // 2, height // 6), fill=0)
    draw.text((width // 4, height // 2), "Text", 0, ImageFont.load_default(height // 20))
    return image


def levels(image: Image.Image) -> tuple[int, int]:
    """The darkest and the lightest grey level."""
    grey = np.asarray(image.convert("L"))
    return int(grey.min()), int(grey.max())


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("page", "size"),
    [
        ({"text": ["A"]}, (1653, 2339)),  # nothing but letters: 200 dots per inch
        ({"image": scan(1240, 1754)}, (1240, 1754)),  # a scan: its own
        ({"image": scan(200, 283)}, (595, 842)),  # a coarse one, not more coarsely than 72
        ({"image": scan(4960, 7016)}, (3307, 4677)),  # a fine one, not more finely than 400
        ({"image": scan(620, 877), "text": ["A"]}, (1653, 2339)),  # letters beside a coarse picture
        ({"image": scan(620, 877), "text": ["A"], "invisible": True}, (620, 877)),
        ({"image": scan(1000, 1000), "image_box": (10, 10, 72, 72)}, (1653, 2339)),  # a logo
        ({"image": scan(1240, 1754), "rotate": 90}, (1754, 1240)),
    ],
)
def test_a_page_is_drawn_as_finely_as_its_picture(page: dict[str, Any], size: tuple[int, int]) -> None:
    found = opened(pdf_of([page]))
    assert (found.width, found.height) == size


def test_the_resolution_can_be_chosen() -> None:
    content = pdf_of([{"image": scan(620, 877)}])
    assert opened(content, dpi=100).draw().size == (827, 1169)
    with pytest.raises(TooLargeError, match=r"--max-pixels"):
        opened(content, dpi=300, max_pixels=1_000_000)


def test_a_scan_gives_its_pixels() -> None:
    image = scan(1240, 1754)
    drawn = opened(pdf_of([{"image": image}])).draw()
    assert drawn.mode == "RGB"
    difference = np.abs(np.asarray(drawn.convert("L")).astype(int) - np.asarray(image).astype(int))
    assert difference.mean() < 0.5


def test_pages_are_turned_as_they_say() -> None:
    upright = np.asarray(opened(pdf_of([{"image": scan(310, 438)}]), dpi=37.5).draw().convert("L")).astype(int)
    turned = np.asarray(opened(pdf_of([{"image": scan(310, 438), "rotate": 90}]), dpi=37.5).draw().convert("L"))
    assert np.abs(np.rot90(turned, 1).astype(int) - upright).mean() < 2


def test_a_page_of_two_hundred_inches_is_drawn_coarsely() -> None:
    page = PdfFile(pdf_of([{"text": ["A"], "size": (14400, 14400)}]), "map.pdf").page(1)
    said = page.set_resolution()
    assert said == "map.pdf, page 1, measures 200 x 200 inches and is drawn at 40 dots per inch; --dpi draws it finer."
    assert page.width * page.height <= MAX_DRAWN_PIXELS
    with pytest.raises(TooLargeError, match=r"40000 x 40000 = 1,600,000,000 pixels"):
        page.set_resolution(dpi=200)


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    content = bomb()
    assert len(content) < 100_000
    with pytest.raises(TooLargeError, match=r"holds a picture of 40000 x 40000 = 1,600,000,000 pixels, and at most"):
        opened(content)


def test_encryption() -> None:
    content = pdf_of([{"text": ["A"]}], password="key")
    with pytest.raises(PasswordError, match=r"x\.pdf is encrypted; give its password \(--password\)\."):
        PdfFile(content, "x.pdf")
    with pytest.raises(PasswordError, match="does not open"):
        PdfFile(content, "x.pdf", password="wrong")
    assert PdfFile(content, "x.pdf", password="key").count == 1
    assert PdfFile(content, "x.pdf", password="key of owner").count == 1
    # A password that is not needed does no harm.
    assert PdfFile(pdf_of([{}]), "x.pdf", password="key").count == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (pdf_of([]), "is a PDF without pages; there is nothing to read."),
        (b"%PDF-1.7\nrubbish", "is a PDF that is damaged or incomplete; get a fresh copy of it."),
        (pdf_of([{"text": ["A"]}])[:200], "is a PDF that is damaged or incomplete; get a fresh copy of it."),
    ],
)
def test_pdfs_that_cannot_be_read(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(content)
    for source in (content, path):
        with pytest.raises(InputError) as caught:
            PdfFile(source, "x.pdf")
        assert str(caught.value) == f"x.pdf {sentence}"


def test_a_truncated_pdf_gives_the_pages_that_it_has_or_a_sentence() -> None:
    content = pdf_of([{"image": scan(300, 400)}, {"text": ["B"]}, {"text": ["C"]}])
    sentences = []
    for part in range(1, 10):
        try:
            with PdfFile(content[: len(content) * part // 10], "x.pdf") as file:
                for number in range(1, file.count + 1):
                    page = file.page(number)
                    page.set_resolution()
                    page.draw()
        except InputError as error:
            sentences.append(str(error))
    assert sentences
    assert all(sentence.startswith(("x.pdf is a PDF", "x.pdf, page ")) for sentence in sentences)


@pytest.mark.parametrize("image", [b"no JPEG at all" * 20, jpeg(scan(100, 100))[:300] + bytes(2000)])
def test_a_broken_picture_is_told(image: bytes) -> None:
    content = pdf_of([{"image": image, "declared": (100, 100)}, {"image": scan(100, 140)}])
    with pytest.raises(InputError, match=r"^x\.pdf, page 1, holds a picture that is damaged"):
        opened(content, 1).draw()
    assert levels(opened(content, 2).draw())[0] < 128


def test_an_empty_scan_is_not_broken() -> None:
    assert opened(pdf_of([{"image": Image.new("L", (100, 140), 255)}])).draw().getextrema() == ((255, 255),) * 3


def test_filled_in_fields_are_drawn() -> None:
    import pikepdf

    pdf = pikepdf.open(io.BytesIO(pdf_of([{}])))
    look = pdf.make_stream(b"0 0 0 rg 0 0 200 50 re f")
    look["/Type"], look["/Subtype"], look["/BBox"] = pikepdf.Name.XObject, pikepdf.Name.Form, [0, 0, 200, 50]
    field = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T="name",
            V="Ada",
            F=4,
            Rect=[100, 100, 300, 150],
            AP=pikepdf.Dictionary(N=look),
        )
    )
    pdf.pages[0]["/Annots"] = pikepdf.Array([field])
    pdf.Root["/AcroForm"] = pikepdf.Dictionary(Fields=pikepdf.Array([field]))
    buffer = io.BytesIO()
    pdf.save(buffer)
    assert levels(opened(buffer.getvalue()).draw())[0] < 50


def test_long_documents_are_opened_anew_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typecase.sources.pdf.REOPEN_AFTER", 2)
    assert REOPEN_AFTER > 2
    file = PdfFile(
        pdf_of([{"text": [f"Page {number}"]} for number in range(1, 8)], password="key"), "x", password="key"
    )
    texts = []
    for number in range(1, 8):
        page = file.page(number)
        page.set_resolution(dpi=50)
        texts.append(page.as_read(page.text_layer()).text)
        page.close()
    assert texts == [f"Page {number}" for number in range(1, 8)]


def test_threads_do_not_disturb_each_other() -> None:
    content = pdf_of([{"text": [f"Page {number}"]} for number in range(1, 5)])
    wrong: list[object] = []

    def work() -> None:
        try:
            with PdfFile(content, "x.pdf") as file:
                for number in range(1, 5):
                    page = file.page(number)
                    page.set_resolution(dpi=30)
                    page.draw()
                    if page.as_read(page.text_layer()).text != f"Page {number}":
                        wrong.append(number)
                    page.close()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a\udcffb\nc.pdf"
    path.write_bytes(pdf_of([{}]))
    with PdfFile(path, "x") as file:
        assert file.count == 1


class TestTextLayer:
    def page(self, **options: Any) -> Any:
        found = opened(pdf_of([{"text": ["Hello, world", "Second line"], **options}]))
        return found.as_read(found.text_layer())

    def test_lines_words_and_boxes(self) -> None:
        page = self.page()
        assert [[word.text for word in line.words] for line in page.lines] == [["Hello,", "world"], ["Second", "line"]]
        assert (page.width, page.height, page.dpi, page.rotation) == (1653, 2339, 200, 0)
        first = next(page.words)
        # The H stands at 72, 700 points, and a capital of Helvetica is 0.72 of its size high.
        assert first.box.x == pytest.approx(72 / 72 * 200, abs=4)
        assert first.box.y == pytest.approx((A4[1] - 700 - 0.72 * 12) / 72 * 200, abs=3)
        assert first.confidence == 1.0
        assert [one.text for one in first.characters] == list("Hello,")
        for line in page.lines:
            assert line.box.x <= min(word.box.x for word in line.words)

    def test_the_boxes_are_where_the_ink_is(self) -> None:
        for rotate in (0, 90, 180, 270):
            found = opened(pdf_of([{"text": ["Hello, world"], "rotate": rotate}]))
            ink = np.asarray(found.draw().convert("L")) < 128
            page = found.as_read(found.text_layer())
            inside = np.zeros_like(ink)
            for word in page.words:
                box = word.box
                inside[int(box.y) - 2 : int(box.bottom) + 3, int(box.x) - 2 : int(box.right) + 3] = True
            assert ink.any()
            assert not (ink & ~inside).any(), rotate

    @pytest.mark.parametrize(
        ("rotate", "matrix", "rotation"),
        [
            (0, "1 0 0 1 72 700", 0),
            (90, "1 0 0 1 72 700", 270),
            (0, "0 1 -1 0 300 100", 90),
            (180, "1 0 0 1 72 700", 180),
        ],
    )
    def test_turned_text(self, rotate: int, matrix: str, rotation: int) -> None:
        page = self.page(rotate=rotate, matrix=matrix)
        assert page.rotation == rotation
        assert page.text == "Hello, world\nSecond line"
        if rotation:
            polygon = next(page.lines).polygon
            # From the text's own top left, along its top.
            along = (polygon[1].x - polygon[0].x, polygon[1].y - polygon[0].y)
            expected = {90: (0, -1), 180: (-1, 0), 270: (0, 1)}[rotation]
            assert np.dot(along, expected) == pytest.approx(np.hypot(*along), rel=1e-6)

    def test_slanted_text_has_a_polygon(self) -> None:
        page = self.page(matrix="0.94 0.34 -0.34 0.94 100 300")
        polygon = next(page.lines).polygon
        angle = np.degrees(np.arctan2(polygon[1].y - polygon[0].y, polygon[1].x - polygon[0].x))
        assert angle == pytest.approx(-20, abs=1)

    def test_invisible_text_counts_or_not(self) -> None:
        found = opened(pdf_of([{"text": ["Seen"]}, {"text": ["Unseen"], "invisible": True}]), 2)
        layer = found.text_layer()
        assert layer.has_text
        assert not layer.has_visible_text
        assert found.as_read(layer).text == "Unseen"
        assert found.as_read(layer, invisible=False).text == ""

    def test_text_can_be_left_out_of_the_drawing(self) -> None:
        found = opened(pdf_of([{"text": ["Seen"], "image": scan(1240, 1754)}]))
        with_text, without = found.draw(), found.draw(without_text=True)
        again = found.draw()
        box = next(found.as_read(found.text_layer()).words).box
        place = (int(box.x), int(box.y), int(box.right), int(box.bottom))
        assert levels(with_text.crop(place))[0] < 128
        assert levels(without.crop(place))[0] > 200
        assert levels(without)[0] < 128
        assert np.array_equal(np.asarray(with_text), np.asarray(again))

    def test_a_page_without_text(self) -> None:
        found = opened(pdf_of([{"text": ["   "]}]))
        assert not found.text_layer().has_text
        assert found.as_read(found.text_layer()).blocks == ()

    def test_columns_are_read_one_after_the_other(self) -> None:
        import pikepdf

        pdf = pikepdf.open(io.BytesIO(pdf_of([{"text": ["x"]}])))
        left = [f"left line number {n} goes on" for n in range(12)]
        right = [f"right line number {n} goes on" for n in range(12)]
        # Row by row, as some programs write them.
        content = "BT /F1 10 Tf "
        for row, (one, other) in enumerate(zip(left, right, strict=True)):
            y = 700 - 14 * row
            content += f"1 0 0 1 60 {y} Tm ({one}) Tj 1 0 0 1 320 {y} Tm ({other}) Tj "
        pdf.pages[0]["/Contents"] = pdf.make_stream((content + "ET").encode())
        buffer = io.BytesIO()
        pdf.save(buffer)
        found = opened(buffer.getvalue())
        assert [line.text for line in found.as_read(found.text_layer()).lines] == left + right
