"""How a caller wants something read: the options of `typecase read`, as query parameters."""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import asdict, dataclass, field
from functools import wraps
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query

from typecase.decoding.options import Mode
from typecase.errors import UsageError
from typecase.languages import languages_of
from typecase.reading import Request, region_of
from typecase.sources.documents import ExistingText

_MOST_WORDS = 5000
_LONGEST_WORD = 100


@dataclass(frozen=True)
class ReadQuery:
    """The options of one request or job; see `typecase.reader.Reader.read`.

    Attributes:
        mode: What the picture shows.
        pages: Which pages of a document, such as `1,3-5`; None for all.
        dpi: At how many dots per inch a PDF is drawn; None leaves it to the reader.
        existing_text: What becomes of text that a PDF's page carries itself.
        region: The part of each page to read, `[x, y, width, height]` in pixels.
        min_confidence: Words with less confidence are left out.
        languages: What the text is likely in.
        allow: The only characters that may be read.
        words: What is likely to stand there.
        pattern: A regular expression for what is likely to stand there.
        alternatives: How many other characters to give for each.
        decoder: `greedy` or `beam`.
        language_model: `shipped` or `none`.
        password: What opens an encrypted PDF; it comes with the file and never in an address, which is logged.
    """

    mode: Mode = "page"
    pages: str | None = None
    dpi: float | None = None
    existing_text: ExistingText = "skip"
    region: tuple[float, ...] | None = None
    min_confidence: float = 0.0
    languages: tuple[str, ...] = ()
    allow: str | None = None
    words: tuple[str, ...] = ()
    pattern: str | None = None
    alternatives: int = 3
    decoder: Literal["greedy", "beam"] = "greedy"
    language_model: Literal["shipped", "none"] = "shipped"
    password: str | None = field(default=None, repr=False)

    @property
    def of_document(self) -> dict[str, Any]:
        """Those of the options that say how a document is opened, its pages not among them."""
        return {"dpi": self.dpi, "existing_text": self.existing_text, "password": self.password}

    @property
    def of_reader(self) -> dict[str, Any]:
        """The options as a reader takes them, without the pages."""
        values = asdict(self)
        del values["pages"]
        if not self.languages:
            # What the service was started with counts.
            del values["languages"]
        return values

    def to_dict(self) -> dict[str, Any]:
        """The options as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ReadQuery:
        """Brings options back from plain JSON values."""
        return msgspec.convert(values, cls)


def read_query(
    mode: Annotated[Mode, Query(description="What the picture shows.")] = "page",
    language: Annotated[
        str | None, Query(max_length=200, description="What the text is likely in.", examples=["eng+deu"])
    ] = None,
    pages: Annotated[
        str | None, Query(max_length=200, description="Pages of a document.", examples=["1,3-5,end"])
    ] = None,
    dpi: Annotated[float | None, Query(description="Dots per inch at which a PDF is drawn.", examples=[300])] = None,
    existing_text: Annotated[
        ExistingText,
        Query(description="Text that a PDF's page carries: take it (skip), read the rest (redo), read all (force)."),
    ] = "skip",
    region: Annotated[
        str | None,
        Query(max_length=100, description="Read only there: x,y,width,height in pixels.", examples=["0,0,400,120"]),
    ] = None,
    min_confidence: Annotated[float, Query(ge=0, le=1, description="Leave out words that are less sure.")] = 0.0,
    allow: Annotated[
        str | None, Query(max_length=2000, description="Read nothing but these characters.", examples=["0123456789"])
    ] = None,
    words: Annotated[
        list[str] | None, Query(max_length=_MOST_WORDS, description="Words that are likely; may stand several times.")
    ] = None,
    pattern: Annotated[
        str | None,
        Query(max_length=500, description="A regular expression of what is likely.", examples=["[A-Z]+-[0-9]{4}"]),
    ] = None,
    alternatives: Annotated[int, Query(ge=0, le=20, description="Other characters to give for each.")] = 3,
    decoder: Annotated[
        Literal["greedy", "beam"], Query(description="beam follows several readings at once, and is slower.")
    ] = "greedy",
    language_model: Annotated[
        Literal["shipped", "none"],
        Query(description="Where the net is unsure, what is likely to be written decides; none leaves it to the net."),
    ] = "shipped",
) -> ReadQuery:
    """What stands in the query, checked as far as it can be without the picture.

    Raises:
        UsageError: A value is impossible.
    """
    kept = tuple(dict.fromkeys(unicodedata.normalize("NFC", word).strip() for word in words or ()))
    if any(len(word) > _LONGEST_WORD for word in kept):
        raise UsageError(f"A likely word is longer than {_LONGEST_WORD} characters; leave it out.")
    query = ReadQuery(
        mode=mode,
        pages=pages,
        dpi=dpi,
        existing_text=existing_text,
        region=None if region is None else tuple(region_of(region)),
        min_confidence=min_confidence,
        languages=() if language is None else languages_of(language),
        allow=allow,
        words=tuple(word for word in kept if word),
        pattern=pattern,
        alternatives=alternatives,
        decoder=decoder,
        language_model=language_model,
    )
    Request.of(**query.of_reader, pages=pages)
    return query


@wraps(read_query)
async def query_of(**values: Any) -> ReadQuery:
    """`read_query` as FastAPI calls it.

    It is called in the loop's own thread, for another one costs three times what the check does; but a pattern and
    many words may take long to be checked.
    """
    if values["pattern"] is not None or values["words"]:
        return await asyncio.to_thread(read_query, **values)
    return read_query(**values)
