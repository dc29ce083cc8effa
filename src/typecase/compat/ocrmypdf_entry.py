"""What OCRmyPDF finds by itself where typecase is installed: an engine that is used when it is asked for by name.

It lies apart from the plug-in that is named with `--plugin`, for OCRmyPDF takes a module only once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocrmypdf import hookimpl

from typecase.compat.ocrmypdf import NAME, add_engine_name, engine_ahead

if TYPE_CHECKING:
    from ocrmypdf.pluginspec import OcrEngine


@hookimpl
def get_ocr_engine(options: Any) -> OcrEngine | None:
    """Gives the engine where it was asked for (`--ocr-engine typecase`)."""
    return engine_ahead(options) if getattr(options, "ocr_engine", None) == NAME else None


@hookimpl
def add_options(parser: Any) -> None:
    """Makes the engine known by its name."""
    add_engine_name(parser)
