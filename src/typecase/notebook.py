"""Documents as notebooks show them: the pages with what was read where, and the text beside them."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

from typecase.document import Document
from typecase.overlay import draw_page
from typecase.writers.originals import pictures

if TYPE_CHECKING:
    from PIL import Image

_MOST_PAGES = 3
_WIDEST = 1000
_PICTURE = "flex:1 1 50%;min-width:0;max-width:60%"
_TEXT = "flex:1 1 40%;min-width:0;white-space:pre-wrap"


def to_png(document: Document) -> bytes | None:
    """The first page with what was read on it, as a PNG; None where its picture is not at hand."""
    for page, picture in pictures(document, 1):
        return _stored(draw_page(page, picture), "PNG")
    return None


def to_html(document: Document) -> str:
    """The first pages beside their text, as a piece of HTML that needs nothing else."""
    shown = {page.number: draw_page(page, picture) for page, picture in pictures(document, _MOST_PAGES)}
    parts = [f"<p><b>{html.escape(document.source or 'document')}</b>, {_count(len(document.pages), 'page')}</p>"]
    for page in document.pages[:_MOST_PAGES]:
        picture = ""
        if page.number in shown:
            content = base64.b64encode(_stored(shown[page.number], "JPEG")).decode("ascii")
            picture = f'<img alt="" style="{_PICTURE}" src="data:image/jpeg;base64,{content}">'
        text = f'<pre style="{_TEXT}">{html.escape(page.error or page.text)}</pre>'
        parts.append(
            f"<div><p>Page {page.number}: {_count(sum(1 for _ in page.words), 'word')}</p>"
            f'<div style="display:flex;gap:1em;align-items:flex-start">{picture}{text}</div></div>'
        )
    more = len(document.pages) - _MOST_PAGES
    if more > 0:
        parts.append(f"<p>and {_count(more, 'more page')}</p>")
    return f"<div>{''.join(parts)}</div>"


def _stored(image: Image.Image, kind: str) -> bytes:
    image.thumbnail((_WIDEST, 2 * _WIDEST))
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
