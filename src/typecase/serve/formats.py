"""Which form an answer takes: what the caller names, or what it accepts."""

from __future__ import annotations

from starlette.datastructures import Headers

from typecase.serve.problems import Problem
from typecase.writers import FORMATS, formats_of

_WORDS = {
    "text": "Text",
    "json": "JSON",
    "hocr": "hOCR",
    "alto": "ALTO XML",
    "page": "PAGE XML",
    "tsv": "TSV",
    "md": "Markdown",
    "markdown": "Markdown",
    "pdf": "Searchable PDF",
    "csv": "CSV of tables",
}


def format_in_words(name: str) -> str:
    """What a person calls a format."""
    return _WORDS.get(name, name)


def chosen_format(named: str | None, headers: Headers) -> str:
    """The format of an answer.

    Args:
        named: What the query names, if anything.
        headers: The request's, whose `Accept` counts where nothing is named.

    Raises:
        UsageError: The named format is not known.
        Problem: Nothing that is accepted can be written (406).
    """
    if named is not None:
        return formats_of(named)[0]
    accepted = headers.get("accept", "").strip() or "*/*"
    for wanted in _by_preference(accepted):
        found = _format_of(wanted)
        if found is not None:
            return found
    kinds = ", ".join(dict.fromkeys(_bare(form.media_type) for form in FORMATS.values()))
    raise Problem(406, "not-acceptable", f"Nothing that is accepted can be written; accept one of {kinds}.")


def _format_of(wanted: str) -> str | None:
    if wanted in ("*/*", "application/*"):
        return "json"
    kind, _, detail = wanted.partition("/")
    for name, form in FORMATS.items():
        media_type = _bare(form.media_type)
        if media_type == wanted or (detail == "*" and media_type.startswith(f"{kind}/")):
            return name
    return None


def _by_preference(accepted: str) -> list[str]:
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        if quality > 0:
            wanted.append((-quality, place, kind))
    return [kind for _, _, kind in sorted(wanted)]


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip()
