"""Searchable PDF: the original pages or pictures, untouched, and what was read as invisible text in them.

A PDF stays the file it was, with text added before the content of its pages: what they show, outlines, links, forms and
metadata stay. Pictures become pages. Memory does not grow with them: finished pages go to a temporary folder.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typecase.document import Page
from typecase.errors import InputError, OutputError
from typecase.writers import made_by
from typecase.writers.base import Origin, Writer
from typecase.writers.pdf_font import InvisibleFonts
from typecase.writers.pdf_layer import pixels_to_page, text_layer
from typecase.writers.pdf_pictures import dots_per_inch, picture_page
from typecase.writers.pdf_strip import strip_invisible_text

if TYPE_CHECKING:
    import pikepdf

_BYTES_AT_ONCE = 32 << 20
"""So many bytes of pictures are held in memory before they go to a file."""

_FILES_AT_ONCE = 200
"""So many files are open when they are joined; where there are more, some are joined before."""

_EMPTY_PAGE = (612.0, 792.0)


class PdfWriter(Writer):
    """One PDF."""

    def begin(self) -> None:
        """Opens the original, where there is one.

        Raises:
            InputError: The original cannot be opened.
        """
        self._closing = contextlib.ExitStack()
        folder = tempfile.TemporaryDirectory(prefix="typecase-")
        self._pictures = _Pages(Path(self._closing.enter_context(folder)), self._closing)
        self._original: pikepdf.Pdf | None = None
        # Pages of the original that give way to pictures, by their place; the value is the picture's place.
        self._replaced: dict[int, int] = {}
        self._added = False
        if self.head.pdf is not None:
            self._original = self._closing.enter_context(_opened(self.head.pdf, self.head.password, self.head.source))
            self._fonts = InvisibleFonts(self._original)

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Adds a page, or its text to that of the original."""
        origin = origin if origin is not None else Origin()
        if self._original is None:
            self._pictures.add(page, origin)
        elif page.number > len(self._original.pages):
            raise InputError(f"{self.head.source or 'The PDF'} has no page {page.number}; it was changed meanwhile.")
        elif origin.existing_text == "force" and not page.error:
            self._replaced[page.number - 1] = len(self._pictures)
            self._pictures.add(page, origin)
        elif origin.existing_text != "skip" and not page.error:
            own = self._original.pages[page.number - 1]
            if origin.existing_text == "redo":
                strip_invisible_text(self._original, own)
            if origin.own is not None:
                page = _without(page, origin.own)
            self._added |= add_text(self._original, own, page, self._fonts)

    def end(self) -> None:
        """Writes the file."""
        pictures = self._pictures.joined()
        if self._original is None:
            pdf = pictures
        else:
            pdf = self._original
            self._fonts.finish()
            for place, picture in self._replaced.items():
                _replace(pdf, place, pictures.pages[picture])
        if self._original is None or self._added or self._replaced:
            self._describe(pdf)
        self._save(pdf)

    def close(self) -> None:
        """Closes the original and removes what lies in the temporary folder."""
        self._closing.close()

    def _describe(self, pdf: pikepdf.Pdf) -> None:
        """Says what made the text, and leaves whatever the original says of itself.

        It is said in the dictionary of information alone: PDF/A allows own names there, and none in XMP.
        """
        if self._original is None:
            pdf.docinfo["/Creator"] = made_by.program(self.head)
        pdf.docinfo["/Typecase"] = made_by.program(self.head)
        pdf.docinfo["/TypecaseProvenance"] = made_by.settings(self.head)

    def _save(self, pdf: pikepdf.Pdf) -> None:
        # Streams of objects halve what small objects take; a file of an age that does not know them stays without.
        from pikepdf import ObjectStreamMode

        old = self._original is not None and pdf.pdf_version < "1.5"
        mode = ObjectStreamMode.preserve if old else ObjectStreamMode.generate
        with contextlib.ExitStack() as stack:
            whole = self._file if self._file.seekable() else stack.enter_context(tempfile.TemporaryFile())
            pdf.save(whole, object_stream_mode=mode, encryption=pdf.is_encrypted, fix_metadata_version=False)
            if whole is not self._file:
                whole.seek(0)
                while part := whole.read(1 << 20):
                    self._file.write(part)


def _without(page: Page, own: Page) -> Page:
    """What was read, without the words that the PDF shows as text anyway."""
    from typecase.reading import with_words

    present = {(word.text, word.box) for word in own.words}
    return with_words(page, lambda word: (word.text, word.box) not in present)


def add_text(pdf: pikepdf.Pdf, own: pikepdf.Page, page: Page, fonts: InvisibleFonts) -> bool:
    """Adds what was read to a page; returns whether there was anything.

    The text comes before what the page draws: there the state is that of an empty page, whatever the content leaves.
    """
    import pikepdf

    resources = _own_resources(own)
    if "/Font" not in resources:
        resources["/Font"] = _dictionary()
    # A page that went through here before has fonts of the same names.
    free = (f"TC{number}-" for number in itertools.chain([""], map(str, itertools.count(1))))
    taken = [name for name, _ in resources["/Font"].items()]
    prefix = next(one for one in free if not any(name.startswith(f"/{one}") for name in taken))
    content, used = text_layer(page, pixels_to_page(own, page.width, page.height), fonts, prefix)
    if not content:
        return False
    for name, font in used.items():
        resources["/Font"][name] = font
    # All pages' text is held until the file is written, and is a fifth as large so.
    own.contents_add(pdf.make_stream(zlib.compress(content), Filter=pikepdf.Name.FlateDecode), prepend=True)
    return True


def text_only_page(page: Page) -> bytes:
    """A PDF of one page with nothing but the invisible text, in the size of the picture."""
    import pikepdf

    with pikepdf.new() as pdf:
        dpi = dots_per_inch(page)
        pdf.add_blank_page(page_size=(page.width * 72 / dpi, page.height * 72 / dpi))
        fonts = InvisibleFonts(pdf)
        add_text(pdf, pdf.pages[0], page, fonts)
        fonts.finish()
        file = io.BytesIO()
        pdf.save(file)
        return file.getvalue()


class _Pages:
    """Pages made of pictures, in files of a folder once they are many."""

    def __init__(self, folder: Path, closing: contextlib.ExitStack) -> None:
        self._folder = folder
        self._closing = closing
        self._files: list[Path] = []
        self._names = 0
        self._count = 0
        self._begin()

    def __len__(self) -> int:
        return self._count

    def add(self, page: Page, origin: Origin) -> None:
        """Adds a page.

        Raises:
            InputError: Its picture cannot be read.
            OutputError: Its picture is not known.
        """
        import pikepdf

        content = picture_page(page, origin) if not page.error or origin.file or origin.picture else None
        if content is not None:
            with pikepdf.open(io.BytesIO(content)) as made:
                self._pdf.pages.append(made.pages[0])
        elif page.error:
            # The page keeps its place, though there is nothing to show.
            dpi = dots_per_inch(page)
            size = (page.width * 72 / dpi, page.height * 72 / dpi) if page.width and page.height else _EMPTY_PAGE
            self._pdf.add_blank_page(page_size=size)
        else:
            raise OutputError(
                "A searchable PDF shows the picture of each page, and it is not known; read the picture again, or "
                "choose another format."
            )
        add_text(self._pdf, self._pdf.pages[-1], page, self._fonts)
        self._count += 1
        self._held += len(content or b"")
        if self._held > _BYTES_AT_ONCE:
            self._flush()

    def joined(self) -> pikepdf.Pdf:
        """All pages in one PDF, which reads from the folder until it is closed."""
        if not self._files:
            self._fonts.finish()
            return self._pdf
        self._flush()
        return _merged(self._files, self._closing)

    def _begin(self) -> None:
        import pikepdf

        self._pdf = self._closing.enter_context(pikepdf.new())
        self._fonts = InvisibleFonts(self._pdf)
        self._held = 0

    def _flush(self) -> None:
        if len(self._pdf.pages):
            self._fonts.finish()
            self._files.append(self._stored(self._pdf))
        self._pdf.close()
        if len(self._files) >= _FILES_AT_ONCE:
            with contextlib.ExitStack() as closing:
                whole = self._stored(_merged(self._files, closing))
            for path in self._files:
                path.unlink()
            self._files = [whole]
        self._begin()

    def _stored(self, pdf: pikepdf.Pdf) -> Path:
        self._names += 1
        path = self._folder / f"{self._names}.pdf"
        pdf.save(path)
        return path


def _merged(files: list[Path], closing: contextlib.ExitStack) -> pikepdf.Pdf:
    import pikepdf

    whole = closing.enter_context(pikepdf.new())
    for path in files:
        whole.pages.extend(closing.enter_context(pikepdf.open(path)).pages)
    return whole


def _opened(source: Path | bytes, password: str | None, name: str) -> pikepdf.Pdf:
    import pikepdf

    called = name or "The PDF"
    try:
        return pikepdf.open(io.BytesIO(source) if isinstance(source, bytes) else source, password=password or "")
    except pikepdf.PasswordError:
        raise InputError(f"{called} does not open with this password; give the right one (--password).") from None
    except (pikepdf.PdfError, OSError) as error:
        raise InputError(f"{called} cannot be opened as a PDF ({error}); get a fresh copy of it.") from None


def _replace(pdf: pikepdf.Pdf, place: int, picture: pikepdf.Page) -> None:
    """Lets a page show a picture instead of what it showed, and keeps its size, its turn and its links."""
    own = pdf.pages[place]
    form = pdf.copy_foreign(picture.as_form_xobject())
    width, height = (float(edge) for edge in list(picture.mediabox)[2:])
    turn = pixels_to_page(own, 1, 1)
    # The form fills its own box; a unit square with its origin at the lower left is turned as the page is shown.
    a, b, c, d = turn.a / width, turn.b / width, -turn.c / height, -turn.d / height
    e, f = turn.e + turn.c, turn.f + turn.d
    resources = _dictionary()
    resources["/XObject"] = _dictionary()
    resources["/XObject"]["/Picture"] = form
    own.obj["/Resources"] = resources
    numbers = " ".join(f"{value:.6f}" for value in (a, b, c, d, e, f))
    own.obj["/Contents"] = pdf.make_stream(f"q {numbers} cm /Picture Do Q\n".encode())


def _own_resources(page: pikepdf.Page) -> Any:
    """A page's resources, with those that it takes from the tree it hangs in."""
    node: Any = page.obj
    for _ in range(64):
        if "/Resources" in node:
            found = node["/Resources"]
            break
        if "/Parent" not in node:
            found = _dictionary()
            break
        node = node["/Parent"]
    else:
        found = _dictionary()
    # Pages may share their resources, and what is added to one is not for all.
    own = _dictionary()
    for name, value in found.items():
        own[name] = value
    if "/Font" in own:
        fonts = _dictionary()
        for name, value in own["/Font"].items():
            fonts[name] = value
        own["/Font"] = fonts
    page.obj["/Resources"] = own
    return own


def _dictionary() -> Any:
    from pikepdf import Dictionary

    return Dictionary()
