"""Documents of every kind, page by page."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pdf_fixtures import many_pages, pdf_of
from row_fixtures import page_picture
from typecase.errors import InputError, MissingExtraError, PasswordError, TooLargeError, UsageError
from typecase.sources.documents import DocumentOptions, SourcePage, open_document


def shade(level: int, size: tuple[int, int] = (20, 10)) -> Image.Image:
    return Image.new("L", size, level)


def several(kind: str, levels: list[int], **options: Any) -> bytes:
    buffer = io.BytesIO()
    first, *others = [shade(level) for level in levels]
    first.save(buffer, kind, save_all=True, append_images=others, **options)
    return buffer.getvalue()


def levels_of(source: Any, **options: Any) -> list[tuple[int, int]]:
    """Number and grey level of every page."""
    with open_document(source, **options) as document:
        found = []
        for page in document:
            picture = page.picture().convert("L")
            found.append((page.number, int(np.asarray(picture)[5, 5])))
        return found


def pages_of(source: Any, **options: Any) -> list[SourcePage]:
    with open_document(source, **options) as document:
        return list(document)


def test_the_pictures_of_a_tiff_are_pages(tmp_path: Path) -> None:
    content = several("TIFF", [10, 20, 30, 40], compression="tiff_deflate")
    path = tmp_path / "fax.tif"
    path.write_bytes(content)
    expected = [(1, 10), (2, 20), (3, 30), (4, 40)]
    for source in (path, str(path), content, io.BytesIO(content)):
        assert levels_of(source) == expected
    assert levels_of(path, pages="2,4-end") == [(2, 20), (4, 40)]
    with open_document(path, pages="1-2") as document:
        assert (document.count, document.name, document.pdf) == (2, str(path), None)
        assert [(page.origin.file, page.origin.frame) for page in document] == [(path, 0), (path, 1)]


def test_a_tiff_with_a_damaged_page() -> None:
    content = bytearray(several("TIFF", [10, 20, 30], compression="tiff_deflate"))
    opened = Image.open(io.BytesIO(bytes(content)))
    opened.seek(1)
    [offset] = opened.tag_v2[273]  # type: ignore[attr-defined]
    content[offset : offset + 8] = b"\xff" * 8
    found = pages_of(bytes(content))
    assert [page.error is None for page in found] == [True, False, True]
    assert str(found[1].error).startswith("<bytes>, page 2, is damaged or incomplete (")
    with pytest.raises(InputError, match="page 2"):
        found[1].picture()


def test_smaller_copies_in_a_tiff_are_no_pages() -> None:
    from PIL import TiffImagePlugin

    buffer = io.BytesIO()
    info = TiffImagePlugin.ImageFileDirectory_v2()
    with TiffImagePlugin.AppendingTiffWriter(buffer) as writer:
        shade(10).save(writer, "TIFF")
        writer.newFrame()
        info[254] = 1
        shade(20, (10, 5)).save(writer, "TIFF", tiffinfo=info)
        writer.newFrame()
        shade(30).save(writer, "TIFF")
        writer.newFrame()
    assert levels_of(buffer.getvalue()) == [(1, 10), (3, 30)]


@pytest.mark.parametrize(("kind", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("AVIF", {"quality": 100})])
def test_of_an_animation_the_first_frame_unless_pages_are_named(kind: str, options: dict[str, Any]) -> None:
    content = several(kind, [0, 100, 200], duration=100, **options)
    [(number, level)] = levels_of(content)
    assert number == 1
    assert level == pytest.approx(0, abs=4)
    every = levels_of(content, pages="1-end")
    assert [number for number, _ in every] == [1, 2, 3]
    assert [level for _, level in every] == pytest.approx([0, 100, 200], abs=4)


def test_heic() -> None:
    import pillow_heif

    image = Image.linear_gradient("L").resize((64, 48)).convert("RGB")
    file = pillow_heif.from_pillow(image)
    buffer = io.BytesIO()
    file.save(buffer, quality=95)
    [page] = pages_of(buffer.getvalue())
    difference = np.abs(np.asarray(page.picture()).astype(int) - np.asarray(image).astype(int))
    assert difference.mean() < 5
    with pytest.raises(TooLargeError, match="64 x 48"):
        pages_of(buffer.getvalue(), max_pixels=100)[0].picture()


def test_heic_without_its_plug_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r"^x\.heic is a HEIC picture, .*pip install 'typecase\[heic\]'$"):
        open_document(b"\0\0\0\x18ftypheic" + bytes(100), name="x.heic")


def test_pictures_in_memory() -> None:
    image = shade(77)
    image.info["dpi"] = (300, 300)
    for source in (image, np.asarray(image)):
        assert levels_of(source) == [(1, 77)]
    assert pages_of(image)[0].dpi == 300
    with pytest.raises(InputError, match="has 1 page, and none"):
        open_document(image, pages="2")


def test_the_resolution_of_pictures() -> None:
    def dpi(**options: Any) -> float | None:
        buffer = io.BytesIO()
        shade(1).save(buffer, "PNG", **options)
        return pages_of(buffer.getvalue())[0].dpi

    assert dpi(dpi=(300, 300)) == pytest.approx(300, abs=0.1)
    # What programs write where nobody measured.
    assert [dpi(), dpi(dpi=(72, 72)), dpi(dpi=(1, 1))] == [None, None, None]
    buffer = io.BytesIO()
    shade(1).save(buffer, "PNG", dpi=(300, 300))
    assert pages_of(buffer.getvalue(), dpi=150)[0].dpi == 150


def test_a_pdf_in_every_way(tmp_path: Path) -> None:
    content = pdf_of([{"text": ["One"]}, {"text": ["Two"]}, {"text": ["Three"]}])
    path = tmp_path / "x.pdf"
    path.write_bytes(content)
    for source in (path, str(path), content, memoryview(content), io.BytesIO(content), b"\n\n" + content):
        found = pages_of(source)
        assert [page.own.text for page in found if page.own] == ["One", "Two", "Three"]
        assert [page.number for page in found] == [1, 2, 3]
    with path.open("rb") as stream, open_document(stream, pages="2-") as document:
        assert (document.count, document.pdf) == (2, content)
        assert document.head({}).page_count == 2
    with open_document(path) as document:
        assert document.head({"a": 1}).pdf == path


def test_existing_text() -> None:
    content = pdf_of(
        [
            {"image": page_picture(["A"])},
            {"text": ["Seen"], "image": page_picture(["A"])},
            {"text": ["Unseen"], "invisible": True, "image": page_picture(["A"])},
        ]
    )

    def found(existing_text: str) -> list[tuple[bool, str | None, str]]:
        return [
            (page.to_read, page.own.text if page.own else None, page.origin.existing_text)
            for page in pages_of(content, existing_text=existing_text)
        ]

    assert found("skip") == [(True, None, "none"), (False, "Seen", "skip"), (False, "Unseen", "skip")]
    assert found("redo") == [(True, None, "none"), (True, "Seen", "redo"), (True, None, "redo")]
    assert found("force") == [(True, None, "none"), (True, None, "force"), (True, None, "force")]


def test_encrypted_with_its_password() -> None:
    content = pdf_of([{"text": ["Secret"]}], password="key")
    with open_document(content, password="key") as document:
        assert [page.own.text for page in document if page.own] == ["Secret"]
        assert document.head({}).password == "key"
    with pytest.raises(PasswordError):
        open_document(content)
    assert "key" not in repr(DocumentOptions(password="key"))
    assert "key" not in str(DocumentOptions(password="key").to_dict())


def test_a_broken_picture_in_a_good_pdf() -> None:
    content = pdf_of(
        [
            {"image": page_picture(["A"])},
            {"image": b"no JPEG" * 99, "declared": (90, 90)},
            {"image": page_picture(["B"])},
        ]
    )
    with open_document(content, name="x.pdf") as document:
        pictures: list[tuple[int, int] | str] = []
        for page in document:
            try:
                pictures.append(page.picture().size)
            except InputError as error:
                pictures.append(str(error))
    assert pictures[1] == (
        "x.pdf, page 2, holds a picture that is damaged, and nothing can be read there; get a fresh copy of the file."
    )
    assert all(isinstance(one, tuple) for one in (pictures[0], pictures[2]))


def test_pages_too_large_are_told_and_the_others_follow() -> None:
    content = pdf_of([{"image": page_picture(["A"])}, {"image": Image.new("1", (900, 900))}, {"text": ["C"]}])
    found = pages_of(content, max_pixels=600_000)
    assert [page.error is None for page in found] == [True, False, True]
    assert isinstance(found[1].error, TooLargeError)


def test_ten_thousand_pages_are_opened_and_asked_for_without_waiting() -> None:
    with open_document(many_pages(10_000), pages="1,5000,end") as document:
        assert [page.number for page in document] == [1, 5000, 10_000]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dpi": 0}, "resolution must be from"),
        ({"dpi": 1e9}, "resolution must be from"),
        ({"existing_text": "keep"}, "'keep' is not known"),
        ({"pages": "x"}, "cannot be understood"),
        ({"max_pixels": 0}, "must be 1 or more"),
    ],
)
def test_impossible_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        open_document(shade(1), **options)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (b"", "is empty"),
        (b"no picture", "not a picture of a kind that is read"),
        ("missing.pdf", "does not exist"),
        (3, "of the type int"),
        (io.StringIO("text"), "opened as text"),
    ],
)
def test_what_is_no_document(source: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        open_document(source)
