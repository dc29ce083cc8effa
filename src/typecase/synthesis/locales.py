"""How people, firms, places, dates and sums of money are written in the countries of the Latin alphabet.

Faker knows the names, Babel the dates and amounts. Faker's part is drawn once for each country and kind, from fixed
seeds, and sampled from then on; what it gives is the same everywhere for equal versions of the two libraries.
"""

from __future__ import annotations

import datetime
import logging
import zlib
from functools import cache

import numpy as np
from babel import Locale
from babel.dates import format_date, format_time, get_day_names, get_month_names
from babel.numbers import format_currency, format_decimal, get_territory_currencies
from faker import Faker

from typecase.synthesis.draws import Choice, chance, pick, whole

POOL_SIZE = 150
"""Entries that are drawn once for each country and kind."""

LOCALES = Choice(
    {
        **dict.fromkeys(("en_US", "en_GB"), 6.0),
        **dict.fromkeys(("de_DE", "fr_FR", "es_ES", "pt_PT", "pt_BR", "nl_NL", "tr_TR", "it_IT"), 2.5),
        **dict.fromkeys(("pl_PL", "cs_CZ", "sv_SE", "da_DK", "fi_FI", "hu_HU", "ro_RO", "no_NO", "en_IN"), 1.3),
        **dict.fromkeys(("sk_SK", "hr_HR", "sl_SI", "lv_LV", "lt_LT", "et_EE", "is_IS", "id_ID"), 0.7),
        **dict.fromkeys(("fr_CH", "de_AT", "de_CH", "nl_BE", "es_MX", "fr_CA", "ga_IE", "az_AZ"), 0.5),
    }
)
"""Countries with how often each is taken, English a little more than a quarter of the time."""

# Faker falls back to English where a country lacks a kind; these come out in the country's own letters.
_FAKER_KINDS = {
    "name": "name",
    "company": "company",
    "street": "street_address",
    "postcode": "postcode",
    "city": "city",
    "country": "country",
    "email": "email",
    "url": "url",
    "phone": "phone_number",
    "iban": "iban",
    "bic": "swift",
    "word": "word",
    "job": "job",
    "plate": "license_plate",
}


@cache
def pool(locale: str, kind: str) -> tuple[str, ...]:
    """What people, firms or places of a country are called.

    Args:
        locale: One of `LOCALES`, such as `de_DE`.
        kind: `name`, `company`, `street`, `postcode`, `city`, `country`, `email`, `url`, `phone`, `iban`, `bic`,
            `word`, `job` or `plate`.

    Returns:
        `POOL_SIZE` entries in a fixed order, some of them twice.
    """
    maker = _faker(locale)
    maker.seed_instance(zlib.crc32(f"{locale} {kind}".encode()))
    draw = getattr(maker, _FAKER_KINDS[kind])
    return tuple(" ".join(str(draw()).split()) for _ in range(POOL_SIZE))


def draw_from_pool(generator: np.random.Generator, kind: str, locale: str | None = None) -> str:
    """One entry of a country's pool, of any country where none is given."""
    return pick(generator, pool(locale or LOCALES.draw(generator), kind))


def local_date(generator: np.random.Generator, locale: str) -> str:
    """A day between 1950 and 2035 as a country writes it: in figures, or with the month's name, or the weekday's."""
    return format_date(a_day(generator), _LENGTHS.draw(generator), _babel(locale))


def local_time(generator: np.random.Generator, locale: str) -> str:
    """A time of day as a country writes it."""
    length = "short" if chance(generator, 0.7) else "medium"
    return format_time(datetime.time(*_clock(generator)), length, locale=_babel(locale))


def month_name(generator: np.random.Generator, locale: str) -> str:
    """A month's name, whole or shortened."""
    names = get_month_names("wide" if chance(generator, 0.6) else "abbreviated", locale=_babel(locale))
    return str(names[whole(generator, 1, 12)])


def weekday_name(generator: np.random.Generator, locale: str) -> str:
    """A weekday's name, whole or shortened."""
    names = get_day_names("wide" if chance(generator, 0.6) else "abbreviated", locale=_babel(locale))
    return str(names[whole(generator, 0, 6)])


def local_currency(generator: np.random.Generator, locale: str, value: float) -> str:
    """A sum in the country's currency, or sometimes in one of the world's, as the country writes it."""
    code = _currency(locale) if chance(generator, 0.7) else pick(generator, _WORLD_CURRENCIES)
    return format_currency(value, code, locale=_babel(locale))


def local_number(locale: str, value: float) -> str:
    """A number as a country writes it, three decimal places at most."""
    return format_decimal(value, locale=_babel(locale))


def a_day(generator: np.random.Generator) -> datetime.date:
    """A day between 1950 and 2035, most of them near the present."""
    first = 2005 if chance(generator, 0.75) else 1950
    return datetime.date(first, 1, 1) + datetime.timedelta(days=whole(generator, 0, 365 * (2035 - first)))


def _clock(generator: np.random.Generator) -> tuple[int, int, int]:
    return whole(generator, 0, 23), whole(generator, 0, 59), whole(generator, 0, 59)


_LENGTHS = Choice({"short": 0.35, "medium": 0.3, "long": 0.25, "full": 0.1})
_WORLD_CURRENCIES = ("EUR", "USD", "GBP", "JPY", "INR", "CHF", "CNY", "TRY", "RUB", "KRW", "UAH", "ILS", "VND", "PHP")


@cache
def _babel(locale: str) -> Locale:
    # Faker names the country, Babel which of its two languages.
    return Locale.parse({"no_NO": "nb_NO"}.get(locale, locale))


@cache
def _currency(locale: str) -> str:
    return get_territory_currencies(locale.partition("_")[2])[0]


@cache
def _faker(locale: str) -> Faker:
    # It tells at every level which of its parts it loads.
    logging.getLogger("faker").setLevel(logging.WARNING)
    maker = Faker(locale)
    for provider in maker.providers:
        # Italy's cities come out of a set, in another order in every process.
        if isinstance(getattr(provider, "cities", None), list):
            provider.cities = sorted(provider.cities)
    return maker
