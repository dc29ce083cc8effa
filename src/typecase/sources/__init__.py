"""Opens what people have: pictures of every kind, PDFs, folders, addresses, pipes; page by page, within limits."""

from typecase.sources.finding import (
    DOCUMENT_SUFFIXES,
    PICTURE_SUFFIXES,
    find_documents,
    find_pictures,
    listed_files,
    natural_key,
)
from typecase.sources.pictures import (
    FORMATS,
    MAX_PIXELS,
    MAX_STREAM_BYTES,
    MIN_SIDE,
    Frame,
    PictureFile,
    PictureFormat,
    PictureSource,
    open_picture,
    source_name,
)

__all__ = [
    "DOCUMENT_SUFFIXES",
    "FORMATS",
    "MAX_PIXELS",
    "MAX_STREAM_BYTES",
    "MIN_SIDE",
    "PICTURE_SUFFIXES",
    "Frame",
    "PictureFile",
    "PictureFormat",
    "PictureSource",
    "find_documents",
    "find_pictures",
    "listed_files",
    "natural_key",
    "open_picture",
    "source_name",
]
