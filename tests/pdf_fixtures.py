"""Small PDFs of all kinds, made for the tests of what opens them."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from typing import Any

import pikepdf
from PIL import Image

A4 = (595.2, 841.92)
"""Points."""


def pdf_of(pages: Sequence[dict[str, Any]], *, password: str | None = None) -> bytes:
    """Makes a PDF; each page is given by the arguments of `add_page`."""
    pdf = pikepdf.new()
    for page in pages:
        add_page(pdf, **page)
    buffer = io.BytesIO()
    encryption: Any = False if password is None else pikepdf.Encryption(owner=f"{password} of owner", user=password)
    pdf.save(buffer, encryption=encryption)
    return buffer.getvalue()


def add_page(
    pdf: pikepdf.Pdf,
    *,
    text: Sequence[str] = (),
    image: bytes | Image.Image | None = None,
    size: tuple[float, float] = A4,
    rotate: int = 0,
    invisible: bool = False,
    matrix: str = "1 0 0 1 72 700",
    font_size: float = 12,
    leading: float = 16,
    image_box: tuple[float, float, float, float] | None = None,
    declared: tuple[int, int] | None = None,
) -> None:
    """Adds a page.

    Args:
        pdf: To what.
        text: Lines of text, in Helvetica.
        image: A picture, or the bytes of a JPEG, that fills the page.
        size: Of the page in points.
        rotate: The page's own rotation.
        invisible: Whether the text is not drawn.
        matrix: Where the text begins, and how it runs.
        font_size: Of the text in points.
        leading: From line to line, in points.
        image_box: Where the picture lies, in points from the lower left: x, y, width, height.
        declared: The picture's size as the PDF tells it, in pixels.
    """
    content = b""
    resources = pikepdf.Dictionary()
    if image is not None:
        resources["/XObject"] = pikepdf.Dictionary(Im0=pdf.make_indirect(_image(pdf, image, declared)))
        x, y, width, height = image_box or (0, 0, *size)
        content += f"q {width} 0 0 {height} {x} {y} cm /Im0 Do Q\n".encode()
    if text:
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font,
            Subtype=pikepdf.Name.Type1,
            BaseFont=pikepdf.Name.Helvetica,
            Encoding=pikepdf.Name.WinAnsiEncoding,
        )
        resources["/Font"] = pikepdf.Dictionary(F1=font)
        shown = " T* ".join(f"({line}) Tj" for line in text)
        mode = 3 if invisible else 0
        content += f"BT /F1 {font_size} Tf {mode} Tr {matrix} Tm {leading} TL {shown} ET".encode("cp1252")
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page,
        MediaBox=[0, 0, *size],
        Rotate=rotate,
        Resources=resources,
        Contents=pdf.make_stream(content),
    )
    pdf.pages.append(pikepdf.Page(page))


def _image(pdf: pikepdf.Pdf, image: bytes | Image.Image, declared: tuple[int, int] | None) -> pikepdf.Stream:
    if isinstance(image, Image.Image):
        grey = image.convert("L")
        stream = pikepdf.Stream(pdf, zlib.compress(grey.tobytes()))
        size, filters = grey.size, pikepdf.Name.FlateDecode
    else:
        stream = pikepdf.Stream(pdf, image)
        size, filters = declared or (100, 100), pikepdf.Name.DCTDecode
    stream["/Type"], stream["/Subtype"] = pikepdf.Name.XObject, pikepdf.Name.Image
    stream["/Width"], stream["/Height"] = declared or size
    stream["/ColorSpace"], stream["/BitsPerComponent"] = pikepdf.Name.DeviceGray, 8
    stream["/Filter"] = filters
    return stream


def bomb(side: int = 40_000) -> bytes:
    """A PDF of a few kilobytes whose only page holds a picture of `side` x `side` pixels."""
    packer = zlib.compressobj(9)
    row = bytes(side // 8)
    data = b"".join([*(packer.compress(row) for _ in range(side // 100)), packer.flush()])
    pdf = pikepdf.new()
    image = pikepdf.Stream(pdf, data)
    image["/Type"], image["/Subtype"] = pikepdf.Name.XObject, pikepdf.Name.Image
    image["/Width"], image["/Height"] = side, side
    image["/ColorSpace"], image["/BitsPerComponent"] = pikepdf.Name.DeviceGray, 1
    image["/Filter"] = pikepdf.Name.FlateDecode
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page,
        MediaBox=[0, 0, *A4],
        Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=pdf.make_indirect(image))),
        Contents=pdf.make_stream(f"q {A4[0]} 0 0 {A4[1]} 0 0 cm /Im0 Do Q".encode()),
    )
    pdf.pages.append(pikepdf.Page(page))
    buffer = io.BytesIO()
    pdf.save(buffer)
    return buffer.getvalue()


def many_pages(count: int) -> bytes:
    """A PDF of so many pages that say their number, written by hand, for pikepdf takes its time over thousands."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(count))),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number in range(1, count + 1):
        text = b"BT /F1 12 Tf 20 50 Td (Page %d) Tj ET" % number
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
            % (3 + 2 * number)
        )
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(text), text))
    parts, offsets, place = [b"%PDF-1.4\n"], [], 9
    for number, content in enumerate(objects, 1):
        offsets.append(place)
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        place += len(parts[-1])
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    parts += [b"%010d 00000 n \n" % offset for offset in offsets]
    parts.append(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, place))
    return b"".join(parts)
