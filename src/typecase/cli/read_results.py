"""The files that `typecase read` writes: their names, what they must not overwrite, and writing them page by page."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from typecase.cli.picture_arguments import in_one_line
from typecase.cli.read_inputs import Input
from typecase.errors import ExistsError, OutputError
from typecase.files import atomic_write
from typecase.reading import ReadPage
from typecase.writers import FORMATS, Format, Head, WriteOptions, Writer


@dataclass(frozen=True)
class Results:
    """What is to be written, and where.

    Attributes:
        formats: Names of the formats.
        folder: Where the files go; None is standard output.
        boxes: Whether a picture of each page is drawn, with what was read over it.
        overwrite: Whether files that are there already are replaced.
        resume: Whether documents whose files are all there are skipped.
        options: How to write.
    """

    formats: tuple[str, ...] = ("text",)
    folder: Path | None = None
    boxes: bool = False
    overwrite: bool = False
    resume: bool = False
    options: WriteOptions = field(default_factory=WriteOptions)

    def files_of(self, document: Input) -> dict[str, Path]:
        """The files that a document becomes, by format; of those that are one a page, the first."""
        files = {}
        if self.folder is not None:
            files = {name: self._path(document, FORMATS[name].suffix) for name in self.formats}
        if self.boxes:
            files["boxes"] = self.boxes_of(document, 1)
        return files

    def boxes_of(self, document: Input, place: int) -> Path:
        """The picture of a page, by its place in the document, from 1."""
        return self._path(document, ".boxes.png" if place == 1 else f".boxes-{place}.png")

    def page_file_of(self, document: Input, kind: Format, place: int) -> Path:
        """The file of a page in a format that has one for each."""
        return self._path(document, kind.suffix_of(place))

    def is_done(self, document: Input) -> bool:
        """Whether all of a document's files are there; they appear whole or not at all."""
        files = self.files_of(document)
        return bool(files) and all(os.path.lexists(path) for path in files.values())

    def check(self, documents: Iterable[Input]) -> None:
        """Looks before the work whether anything would be overwritten.

        Raises:
            ExistsError: A result is there already, and may not be overwritten.
            OutputError: A result would take the place of what is read.
        """
        present: list[Path] = []
        for document in documents:
            for path in self.files_of(document).values():
                if not os.path.lexists(path):
                    continue
                if document.path is not None and _is_same(path, document.path):
                    raise OutputError(
                        f"{in_one_line(str(path))} is read, and would be overwritten by its own result; write into "
                        "another folder (-o DIR)."
                    )
                present.append(path)
        if present and not self.overwrite and not self.resume:
            others = f", like {len(present) - 1} more" if len(present) > 1 else ""
            raise ExistsError(
                f"{in_one_line(str(present[0]))} is there already{others}; go on with what is missing (--resume), "
                "overwrite (--overwrite), or choose another folder."
            )

    def _path(self, document: Input, suffix: str) -> Path:
        if self.folder is not None:
            return self.folder / f"{document.stem}{suffix}"
        # Pictures that go nowhere else lie beside what they were read from.
        beside = document.path.parent if document.path is not None else Path()
        return beside / f"{Path(document.stem).name}{suffix}"


class ResultFiles:
    """The files of one document, which appear when it is finished, whole or not at all.

    A document that is one file for each page has them renamed one by one, the first page's last of all, so that where
    that one is there, all of them are.
    """

    def __init__(self, results: Results, document: Input, head: Head, stream: BinaryIO | None = None) -> None:
        """Names what will be written.

        Args:
            results: What and where.
            document: What is read.
            head: What writers are told before the first page.
            stream: Where to write instead of a folder.
        """
        self._results, self._document, self._head = results, document, head
        self._stream = stream
        self._stack = ExitStack()
        self._writers: list[Writer] = []
        self._page_kinds: list[Format] = []
        self._boxes = results.boxes
        self._place = 0

    def __enter__(self) -> Self:
        results = self._results
        try:
            if results.folder is None:
                assert self._stream is not None
                for name in results.formats:
                    self._open(FORMATS[name], self._stream)
                return self
            for name in results.formats:
                kind = FORMATS[name]
                path = results.files_of(self._document)[name]
                if results.resume and not results.overwrite and os.path.lexists(path):
                    continue
                if kind.page_a_file:
                    self._page_kinds.append(kind)
                    continue
                self._open(kind, self._stack.enter_context(self._new_file(path)))
        except BaseException:
            self._stack.close()
            raise
        return self

    def page(self, read: ReadPage) -> None:
        """Writes the next page into every file.

        Raises:
            OutputError: It cannot be written.
        """
        self._place += 1
        for writer in self._writers:
            writer.page(*read)
        for kind in self._page_kinds:
            path = self._results.page_file_of(self._document, kind, self._place)
            with self._page_file(path) as file, kind.open(file, self._head, self._results.options) as writer:
                writer.page(*read)
        if self._boxes and not read.page.error:
            self._draw(read)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, at)

    def _open(self, kind: Format, file: BinaryIO) -> None:
        self._writers.append(self._stack.enter_context(kind.open(file, self._head, self._results.options)))

    def _new_file(self, path: Path) -> _NewFile:
        return _NewFile(path, overwrite=self._results.overwrite)

    def _page_file(self, path: Path) -> _NewFile | _Kept:
        if self._place == 1:
            return _Kept(self._stack.enter_context(self._new_file(path)))
        # What an interrupted run left of later pages was not finished.
        return _NewFile(path, overwrite=self._results.overwrite or self._results.resume)

    def _draw(self, read: ReadPage) -> None:
        from typecase.overlay import draw_page

        picture = read.origin.drawn()
        if picture is None:
            return
        path = self._results.boxes_of(self._document, self._place)
        if self._place == 1 and self._results.resume and not self._results.overwrite and os.path.lexists(path):
            self._boxes = False
            return
        with self._page_file(path) as file:
            draw_page(read.page, picture).save(file, "PNG")


class _NewFile:
    """A file that takes its name when its writing has ended well; see `atomic_write`."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path, self._overwrite = path, overwrite
        self._stack = ExitStack()

    def __enter__(self) -> BinaryIO:
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_write(self._path, overwrite=self._overwrite))
            file = stack.enter_context(temporary.open("wb"))
            self._stack = stack.pop_all()
        return file

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, at)


class _Kept:
    """A file whose end is somebody else's business."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> BinaryIO:
        return self._file

    def __exit__(self, *_: object) -> None:
        pass


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
