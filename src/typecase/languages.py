"""Which languages can be read, by the codes that people know them by (ISO 639, two letters or three)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache

from typecase.errors import UsageError

# Two letters, then three: the terminological code and, where there is one, the bibliographic.
_CODES = """
af afr|az aze|bs bos|ca cat|cs ces cze|cy cym wel|da dan|de deu ger|en eng|eo epo|es spa|et est|eu eus baq|fi fin|
fo fao|fr fra fre|fy fry|ga gle|gd gla|gl glg|hr hrv|hu hun|id ind|is isl ice|it ita|la lat|lb ltz|lt lit|lv lav|
ms msa may|mt mlt|nb nob|nl nld dut|nn nno|no nor|oc oci|pl pol|pt por|rm roh|ro ron rum|se sme|sk slk slo|sl slv|
sq sqi alb|sv swe|sw swa|tr tur
"""
_TWO_LETTERS = {code: codes.split()[0] for codes in _CODES.split("|") for code in codes.split()}

CODES = frozenset(_TWO_LETTERS)
"""All codes that are understood, of two and of three letters."""

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


# The letters of each language beyond A to Z, in lower case; those of words that it borrowed and keeps writing so, too.
_LETTERS = {
    code: letters
    for code, _, letters in (
        line.partition(" ")
        for line in """
af áéíóúèêëîïôöûü|az çəğıöşü|bs čćđšž|ca àçèéíïòóúü|cs áčďéěíňóřšťúůýž|cy àáâäèéêëìíîïòóôöùúûüẁẃŵẅỳýŷÿ|da åæøáéíóúýǿ|
de äöüßé|en çèéêïñ|eo ĉĝĥĵŝŭ|es áéíñóúü|et äõöüšž|eu çñü|fi åäöšž|fo áðíóúýæø|fr àâæçéèêëîïôœùûüÿ|fy âéêëíïôöûúü|
ga áéíóú|gd àáèéìíòóù|gl áçéíïñóúü|hr čćđšž|hu áéíóöőúüű|id é|is áðéíóúýþæö|it àèéìíîòóùú|la æëïœāēīōūȳ|lb äâèéêëîïôöûü|
lt ąčęėįšųūž|lv āčēģīķļņōŗšūž|ms é|mt àċèġħìòùż|nb åæøàâéèêóòôü|nl áàéèëêíïóöúüûĳ|nn åæøàâéèêóòôü|no åæøàâéèêóòôü|
oc àáçèéíïòóúü|pl ąćęłńóśźż|pt àáâãçéêíóôõúü|rm àâèéêìîòôöùûü|ro ăâîșşțţ|se áčđŋšŧž|sk áäčďéíĺľňóôŕšťúýž|sl čšž|sq çë|
sv åäöàáéü|sw |tr âçğıîöşûü
""".replace("\n", "").split("|")
    )
}


def letters_of(languages: Collection[str]) -> frozenset[str]:
    """The letters beyond A to Z, small and capital, that some languages are written with.

    Args:
        languages: Two-letter codes, as `languages_of` gives them.
    """
    return frozenset().union(*(_letters(code) for code in languages))


@cache
def _letters(code: str) -> frozenset[str]:
    small = _LETTERS[code]
    capitals = {"ß": "ẞ", "ı": "İ"}
    return frozenset(small) | {capitals.get(letter, letter.upper()) for letter in small}
