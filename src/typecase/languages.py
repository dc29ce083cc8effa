"""Which languages can be read, by the codes that people know them by (ISO 639, two letters or three)."""

from __future__ import annotations

from collections.abc import Iterable

from typecase.errors import UsageError

# Two letters, then three: the terminological code and, where there is one, the bibliographic.
_CODES = """
af afr|az aze|bs bos|ca cat|cs ces cze|cy cym wel|da dan|de deu ger|en eng|eo epo|es spa|et est|eu eus baq|fi fin|
fo fao|fr fra fre|fy fry|ga gle|gd gla|gl glg|hr hrv|hu hun|id ind|is isl ice|it ita|la lat|lb ltz|lt lit|lv lav|
ms msa may|mt mlt|nb nob|nl nld dut|nn nno|no nor|oc oci|pl pol|pt por|rm roh|ro ron rum|se sme|sk slk slo|sl slv|
sq sqi alb|sv swe|sw swa|tr tur
"""
_TWO_LETTERS = {code: codes.split()[0] for codes in _CODES.split("|") for code in codes.split()}

LANGUAGES = tuple(sorted(set(_TWO_LETTERS.values())))
"""Two-letter codes of the languages whose every letter the shipped recogniser knows."""


def languages_of(names: str | Iterable[str]) -> tuple[str, ...]:
    """Reads codes of languages.

    Args:
        names: Codes of two or three letters, in a list or joined by `+` (`eng+deu`).

    Returns:
        Their two-letter codes, each once.

    Raises:
        UsageError: One of them cannot be read, or there is none.
    """
    asked = names.split("+") if isinstance(names, str) else list(names)
    found = [_TWO_LETTERS.get(name.strip().lower()) for name in asked]
    unknown = [name for name, code in zip(asked, found, strict=True) if code is None]
    if unknown or not asked:
        raise UsageError(
            f"The language {unknown[0] if unknown else ''!r} cannot be read; choose one or several of "
            f"{', '.join(LANGUAGES)}, joined by +."
        )
    return tuple(dict.fromkeys(code for code in found if code is not None))
