"""`typecase read`: the text in pictures.

Only what every call needs is imported at the top; the picture of a line is to be read in half a second, start included.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from typecase.cli import output
from typecase.cli.picture_arguments import StandardInput, counted, leave, picture_sources, pixel_limit, printable
from typecase.errors import InputError, UsageError

if TYPE_CHECKING:
    from typecase.document import Document

app = typer.Typer(rich_markup_mode="rich", add_completion=False)

_LOGGER = logging.getLogger("typecase.read")

# What Tesseract's users know the modes by.
_MODE_OF_NUMBER = {"3": "page", "6": "block", "7": "line", "8": "word", "10": "char"}

_EXAMPLES = """
[bold]Examples[/bold]

  typecase read line.png --mode line

  typecase read crops/ --mode line --format text,json -o out/

  typecase read meter.png --mode word --allow 0123456789

  typecase read label.png --mode line --pattern "[A-Z]{2}-\\d{4}"

Without -o the text goes to standard output, one line of it for each picture of a line; JSON goes there as one line for
each picture. The code on leaving is 0, or 5 if some pictures could not be read, or 3 if none could.
"""


@app.command(epilog=_EXAMPLES)
def read(
    files: Annotated[
        list[str], typer.Argument(metavar="FILES", help="Pictures, folders of them, or - for standard input.")
    ],
    mode: Annotated[
        str,
        typer.Option("--mode", "--psm", metavar="page|block|line|word|char", help="What each picture shows."),
    ] = "page",
    language: Annotated[
        str | None, typer.Option("-l", "--language", metavar="LANG", help="Languages, such as eng+deu; all at once.")
    ] = None,
    format: Annotated[str, typer.Option(metavar="text,json", help="What to write, apart by commas.")] = "text",
    folder: Annotated[
        str | None, typer.Option("-o", "--output", metavar="DIR", help="Write NAME.txt, NAME.json ... there.")
    ] = None,
    allow: Annotated[
        str | None, typer.Option(metavar="CHARACTERS", help="Read nothing but these; spaces between words stay.")
    ] = None,
    words: Annotated[
        str | None, typer.Option(metavar="FILE", help="Words that are likely, one a line: names, part numbers.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(metavar="REGEX", help="What a line, or each word, is likely to look like.")
    ] = None,
    alternatives: Annotated[
        int, typer.Option(min=0, max=20, help="How many other characters to give for each, in JSON.")
    ] = 3,
    decoder: Annotated[
        Literal["greedy", "beam"], typer.Option(help="beam follows several readings at once, and is slower.")
    ] = "greedy",
    language_model: Annotated[
        str | None, typer.Option(metavar="FILE", help="What is likely to be written, for the beam.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="FILE", help="A model from `typecase export`, in place of the shipped one.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads that compute; by default the processors, at most 4.")
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(min=1, help="The most pixels a picture may have; by default 200 million.")
    ] = None,
) -> None:
    """Read the text in pictures of lines, words or single characters."""
    from typecase.decoding.options import read_words
    from typecase.reader import Reader
    from typecase.writers import formats_of

    formats = formats_of(format)
    if folder is None and len(formats) > 1:
        raise UsageError("Several formats do not go to standard output at once; name a folder for them (-o DIR).")
    limit = pixel_limit(max_pixels)
    options: dict[str, Any] = {
        "allow": allow,
        "pattern": pattern,
        "alternatives": alternatives,
        "decoder": decoder,
        "language_model": language_model,
        "words": read_words(words) if words is not None else (),
    }
    sources = list(picture_sources(files, "read"))
    names = [_stem(source) for source in sources]
    if folder is not None:
        _check_names(names)
    reader = Reader(language, threads=threads, model=model)
    documents = reader.read_many(sources, _MODE_OF_NUMBER.get(mode, mode), max_pixels=limit, **options)  # type: ignore[arg-type]
    failed = []
    for name, document in zip(names, counted(documents, len(sources)), strict=True):
        if isinstance(document, InputError):
            failed.append(str(document))
            if len(sources) > 1:
                _LOGGER.error(printable(str(document)))
        elif folder is None:
            output.print_result(_written(document, formats[0]))
        else:
            _write(document, Path(folder), name, formats)
    leave(failed, len(sources))


def _stem(source: Path | StandardInput) -> str:
    return "stdin" if isinstance(source, StandardInput) else source.stem


def _check_names(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(
                f"Two pictures are called {printable(name)}, and one result would overwrite the other's; "
                "rename one, or read them into different folders."
            )
        seen.add(name)


def _written(document: Document, format: str) -> str:
    import msgspec

    from typecase.writers import FORMATS, WriteOptions

    document = msgspec.structs.replace(document, source=printable(document.source))
    return FORMATS[format].render(document, WriteOptions(characters=True)).decode()


def _write(document: Document, folder: Path, name: str, formats: Sequence[str]) -> None:
    from typecase.files import atomic_write
    from typecase.writers import FORMATS

    for format in formats:
        with atomic_write(folder / f"{name}{FORMATS[format].suffix}") as temporary:
            temporary.write_text(_written(document, format), encoding="utf-8")
