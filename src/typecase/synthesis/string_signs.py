"""Short and odd strings: signs and shop fronts, lone characters, much punctuation, characters by chance."""

from __future__ import annotations

import string
import unicodedata

import numpy as np

from typecase.charset import LATIN_CHARACTERS
from typecase.synthesis.draws import Choice, chance, fill, pick, whole
from typecase.synthesis.locales import LOCALES, draw_from_pool
from typecase.synthesis.string_numbers import amount, code, date, number, time
from typecase.synthesis.string_people import name, word

_INK = tuple(one for one in LATIN_CHARACTERS if one != " ")
_RARE = tuple(one for one in _INK if not one.isascii())
_ASCII = string.ascii_letters + string.digits + string.punctuation
_ALPHABETS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.ascii_letters, _ASCII)


def _marked() -> dict[str, str]:
    """For each letter of ASCII, the letters that are the same with a mark, or stand for it in some language."""
    found = dict(zip("dDhHlLtTiIoOsSaAeEgGnNcCmu", "đĐħĦłŁŧŦıİøØßẞæÆəƏǥǤŋŊœŒʒµ", strict=True))
    for one in _RARE:
        base = unicodedata.normalize("NFD", one)[0]
        if base != one and base in string.ascii_letters:
            found[base] = found.get(base, "") + one
    return found


_MARKED = _marked()

_SIGN_WORDS = (
    "STOP EXIT OPEN CLOSED SALE HOTEL CAFE BAR TAXI BUS PARKING PRIVATE PUSH PULL NO SMOKING ENTRANCE WAY ONE "
    "STREET ROAD AVENUE LANE BANK SHOP STORE MARKET FOOD PIZZA COFFEE FRESH FREE NEW HOT OFF SCHOOL CENTER PARK "
    "HALL LIBRARY MUSEUM THEATRE CINEMA HOSPITAL PHARMACY POLICE FIRE EXIT DANGER CAUTION WARNING KEEP OUT NORTH "
    "SOUTH EAST WEST SPEED LIMIT SLOW YIELD TOILET WC LIFT STAIRS PLATFORM GATE TICKETS INFORMATION WELCOME THANK "
    "YOU LIVE MUSIC DANCE CLUB WORLD THE AND OF FOR YOUR HOME HOUSE CITY ROYAL GOLDEN STAR SUN MOON KING QUEEN BIG "
    "BEST GRAND SUPER PLUS SPORT FASHION STYLE BEAUTY HAIR NAILS SALON BOOKS TOYS PHONE REPAIR AUTO CAR WASH TYRES "
    "RENT SOLD BACKEREI BÄCKEREI APOTHEKE AUSGANG EINGANG GESCHLOSSEN STRASSE STRAẞE RUE BOULANGERIE SORTIE OUVERT "
    "FERMÉ CALLE SALIDA FARMACIA ABIERTO CERRADO PRAÇA SAÍDA PADARIA UITGANG APOTEKA VIA USCITA GELATERIA ULICA "
    "WYJŚCIE SKLEP ÇIKIŞ ECZANE LOKANTA UTCA KIJÁRAT IEȘIRE STRADA"
).split()
_PRICES = (
    "##%",
    "-##%",
    "##% OFF",
    "$#.##",
    "€ #,##",
    "#.## €",
    "£##",
    "#99",
    "##,-",
    "##¢",
    "2 FOR 1",
    "#+1",
    "##/7",
    "24H",
    "No.#",
    "N°#",
    "#km",
    "## m",
)


def scene_word(generator: np.random.Generator) -> str:
    """What stands on signs, shop fronts, labels and vehicles: a word or two, often capitals or figures."""
    draw = generator.random()
    if draw < 0.3:
        text = pick(generator, _SIGN_WORDS)
    elif draw < 0.62:
        text = word(generator)
    elif draw < 0.7:
        text = _brand(generator)
    elif draw < 0.76:
        text = fill(generator, pick(generator, _PRICES))
    elif draw < 0.82:
        text = str(whole(generator, 0, 10 ** whole(generator, 1, 4)))
    elif draw < 0.86:
        text = draw_from_pool(generator, "plate")
    elif draw < 0.9:
        text = pick(generator, (amount, code, date, time, number))(generator)
    elif draw < 0.96:
        text = " ".join(pick(generator, _SIGN_WORDS) for _ in range(2))
    else:
        text = pick(generator, (f"{name(generator).split()[-1]}'s", f"{word(generator)} & {word(generator)}"))
    case = generator.random()
    if case < 0.45:
        return text.upper()
    return text.title() if case < 0.62 else text.lower() if case < 0.75 else text


_SYLLABLES = (
    "ba be bi bo bu ca ce co da de di do fa fi fo ga go ka ke ki ko la le li lo lu ma me mi mo na ne ni no pa pe "
    "po ra re ri ro sa se si so ta te ti to va ve vi vo xa xo za ze zi zo"
).split()


def _brand(generator: np.random.Generator) -> str:
    stem = "".join(pick(generator, _SYLLABLES) for _ in range(whole(generator, 2, 3)))
    stem += pick(generator, ("", "", "n", "x", "s", "r", "tech", "lux", "fit"))
    stem = pick(generator, (stem.capitalize(), stem.upper(), stem))
    return stem + pick(generator, ("", "", "", "", "®", "™", "©", "!", "+", ".", "24", "-X", "&Co"))


def single_character(generator: np.random.Generator) -> str:
    """One character: mostly a letter or digit, else any of the recogniser's, all equally often."""
    if chance(generator, 0.6):
        return pick(generator, string.digits + string.ascii_letters)
    return pick(generator, _INK)


def short_token(generator: np.random.Generator) -> str:
    """Two to four characters that make no word: table cells, marks, units, initials."""
    draw = generator.random()
    if draw < 0.5:
        return fill(
            generator,
            pick(
                generator,
                (
                    "??",
                    "???",
                    "##",
                    "###",
                    "?#",
                    "#?",
                    "##?",
                    "?##",
                    "?/?",
                    "#/#",
                    "~~",
                    "#~",
                    "~#",
                    "?~",
                    "(#)",
                    "(~)",
                    "#.",
                    "~)",
                    "?.",
                    "?.?.",
                    "#-#",
                    "#:#",
                    "$#",
                    "#%",
                    "#°",
                    "#x",
                    "x#",
                    "&?",
                    "#.#",
                    "#,#",
                    "?&?",
                    "*?*",
                ),
            ),
        )
    if draw < 0.8:
        return "".join(pick(generator, string.ascii_letters + string.digits) for _ in range(whole(generator, 2, 4)))
    return "".join(pick(generator, _ASCII) for _ in range(whole(generator, 2, 3)))


_JOINTS = Choice(
    dict.fromkeys(
        (
            "-",
            "/",
            "(",
            ")",
            ":",
            ";",
            ",",
            ".",
            "'",
            '"',
            "&",
            "+",
            "=",
            "*",
            "#",
            "@",
            "_",
            "|",
            "~",
            "<",
            ">",
            "[",
            "]",
            "{",
            "}",
            "\\",
            "^",
            "`",
            "!",
            "?",
            "$",
            "%",
        ),
        1.0,
    )
    | dict.fromkeys(
        (
            "–",
            "—",
            "…",
            "•",
            "·",
            "“",
            "”",
            "‘",
            "’",
            "„",
            "«",
            "»",
            "×",
            "→",
            "°",
            "§",
            "©",
            "®",
            "™",
            "¡",
            "¿",
            "±",
            "€",
            "£",
            "†",
            "¶",
            "‚",
            "‹",
            "›",
        ),
        0.5,
    )
)


def punctuation_heavy(generator: np.random.Generator) -> str:
    """Words and figures with signs between and around them, as code, citations and formulas have."""
    parts = []
    for _ in range(whole(generator, 2, 5)):
        parts.append(word(generator) if chance(generator, 0.6) else number(generator))
        parts.append(
            _JOINTS.draw(generator) if chance(generator, 0.8) else f"{_JOINTS.draw(generator)}{_JOINTS.draw(generator)}"
        )
        if chance(generator, 0.35):
            parts.append(" ")
    if chance(generator, 0.3):
        parts.insert(0, _JOINTS.draw(generator))
    return "".join(parts)


def random_characters(generator: np.random.Generator) -> str:
    """Groups of characters by chance, so that rare ones are seen as often as others.

    One to three of a string's characters are from all that are not ASCII, the second and third neighbours of the
    first: of characters from anywhere hardly a font has all.
    """
    groups = []
    for _ in range(whole(generator, 1, 3)):
        alphabet = pick(generator, _ALPHABETS)
        groups.append([pick(generator, alphabet) for _ in range(whole(generator, 1, 7))])
    place = whole(generator, 0, len(_RARE) - 1)
    for _ in range(whole(generator, 1, 3)):
        group = pick(generator, groups)
        group.insert(whole(generator, 0, len(group)), _RARE[place])
        place = min(max(place + whole(generator, -12, 12), 0), len(_RARE) - 1)
    return " ".join("".join(group) for group in groups)


def accented_words(generator: np.random.Generator) -> str:
    """Words with letters that English lacks, among the neighbours that such letters have.

    Either of one of the other languages, or of any, with a letter or two turned into a marked one; languages that
    Faker does not know come to their letters so.
    """
    locale = LOCALES.draw(generator)
    kinds = ("name", "city", "street", "job", "country", "word")
    words = [draw_from_pool(generator, pick(generator, kinds), locale) for _ in range(whole(generator, 1, 2))]
    text = " ".join(words)
    if locale.startswith("en") or chance(generator, 0.4):
        letters = list(text)
        for _ in range(whole(generator, 1, 3)):
            place = whole(generator, 0, len(letters) - 1)
            letters[place] = pick(generator, _MARKED.get(letters[place], letters[place]))
        text = "".join(letters)
    draw = generator.random()
    return text.upper() if draw < 0.25 else text.lower() if draw < 0.35 else text
