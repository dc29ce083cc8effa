"""What documents count with: amounts, dates and times, and the numbers of phones, taxes, banks, cards and goods."""

from __future__ import annotations

import numpy as np

from typecase.synthesis.draws import Choice, chance, digits, fill, pick, redigit, whole
from typecase.synthesis.locales import (
    LOCALES,
    a_day,
    draw_from_pool,
    local_currency,
    local_date,
    local_number,
    local_time,
    month_name,
    weekday_name,
)

_SIZES = Choice({1: 3.0, 2: 5.0, 3: 4.0, 4: 2.0, 5: 1.5, 6: 1.0, 7: 0.5})
# Digits before the decimal mark, then the mark between thousands and the decimal mark.
_MARKS = Choice({(",", "."): 10.0, (".", ","): 4.0, (" ", ","): 2.0, ("", "."): 6.0, ("", ","): 3.0, ("'", "."): 0.7})
_SYMBOLS = ("$|£|€|RM|RM |$ |€ |EUR |USD |Rs. |R$ |CHF |US$|S$|A$|₹|¥").split("|")
_BEHIND = (" €", "€", " EUR", " kr", " Kč", " zł", " Ft", " TL", " ₺", " lei", " USD", " RM", ",-", " CHF", " ₽")
_TAX_MARKS = (" S", " SR", " Z", " T", " A", " B", "*", " *", " E", " G", "-", " N", " CR", " DR", " TX", " ZRL")


def plain_amount(generator: np.random.Generator, places: int | None = None) -> str:
    """A sum without a currency, in one of the world's conventions of thousands and decimals."""
    thousands, decimal = _MARKS.draw(generator)
    whole_part = _grouped(str(int(generator.random() * 10 ** _SIZES.draw(generator))), thousands)
    if places is None:
        places = pick(generator, (2, 2, 2, 2, 2, 2, 2, 2, 0, 3, 1))
    if not places:
        return whole_part
    # Prices end in a nought more often than chance would have it.
    cents = f"{whole(generator, 0, 9)}0" if places == 2 and chance(generator, 0.5) else digits(generator, places)
    return f"{whole_part}{decimal}{cents}"


def _grouped(whole_part: str, thousands: str) -> str:
    head = len(whole_part) % 3 or 3
    return thousands.join([whole_part[:head], *(whole_part[at : at + 3] for at in range(head, len(whole_part), 3))])


def amount(generator: np.random.Generator) -> str:
    """A sum with or without its currency, its sign and the mark of its tax."""
    draw = generator.random()
    if draw < 0.2:
        return local_currency(generator, LOCALES.draw(generator), float(plain_number(generator)))
    text = plain_amount(generator)
    if draw < 0.45:
        text = pick(generator, _SYMBOLS) + text
    elif draw < 0.58:
        text = text + pick(generator, _BEHIND)
    if chance(generator, 0.08):
        text = pick(generator, ("-{}", "({})", "- {}", "+{}", "−{}", "{}-", "±{}", "[{}]", "*{}", "={}")).format(text)
    elif chance(generator, 0.08):
        text += pick(generator, _TAX_MARKS)
    return text


def plain_number(generator: np.random.Generator) -> str:
    """A number with two decimal places after a point and nothing else."""
    return f"{int(generator.random() * 10 ** _SIZES.draw(generator))}.{digits(generator, 2)}"


def number(generator: np.random.Generator) -> str:
    """A count, a share, a fraction or a measure."""
    draw = generator.random()
    if draw < 0.23:
        return str(int(generator.random() * 10 ** _SIZES.draw(generator)))
    if draw < 0.31:
        return _grouped(str(whole(generator, 1000, 10 ** whole(generator, 4, 7))), _MARKS.draw(generator)[0])
    if draw < 0.35:
        # Tables of measurements leave out the nought before the point.
        return f".{digits(generator, whole(generator, 1, 4))}"
    if draw < 0.5:
        return local_number(LOCALES.draw(generator), whole(generator, 0, 10**7) / pick(generator, (1, 10, 100, 1000)))
    if draw < 0.65:
        share = pick(generator, (str(whole(generator, 0, 100)), plain_amount(generator, 1), plain_amount(generator, 2)))
        return share + pick(generator, ("%", "%", " %", "‰"))
    if draw < 0.75:
        return f"{whole(generator, 1, 40)}/{whole(generator, 1, 40)}"
    if draw < 0.82:
        return pick(generator, ("#", "No. ", "Nr. ", "N° ", "№ ", "nº ", "§ ", "§§ ", "¶ ")) + str(
            whole(generator, 1, 999)
        )
    return measure(generator)


_UNITS = (
    "mm cm m km m² m³ cm² in ft yd mi g kg mg t lb oz l ml cl L V kV A mA W kW kWh Hz kHz MHz GHz Ω kΩ °C °F K Pa "
    "hPa bar psi N Nm J kJ kcal h min s ms µs µm nm MB GB TB kB/s Mbit/s dpi px pt rpm km/h m/s ppm dB lm lx mol "
    "pcs PCS PC EA UNIT KG G ML LTR BTL PKT BOX CTN SET ROLL PAIR"
).split()


def measure(generator: np.random.Generator) -> str:
    """A quantity with its unit."""
    value = plain_amount(generator, pick(generator, (0, 0, 0, 1, 2)))
    draw = generator.random()
    if draw < 0.1:
        value = f"{value}{pick(generator, (' x ', 'x', ' X ', ' × ', '×', '*'))}{plain_amount(generator, 0)}"
    elif draw < 0.2:
        value = f"{pick(generator, ('±', '≤', '≥', '<', '>', '~', '≈', 'ca. '))}{value}"
    elif draw < 0.25:
        value = f"{whole(generator, 0, 9)}{pick(generator, '½¼¾⅓⅔⅛')}"
    elif draw < 0.3:
        value = f"{value} ± {plain_amount(generator, 1)}"
    elif draw < 0.33:
        return f"{value} {pick(generator, ('10', 'm', 's', 'cm', 'x'))}{pick(generator, '²³⁻⁴⁵⁶⁹')}"
    return f"{value}{'' if chance(generator, 0.4) else ' '}{pick(generator, _UNITS)}"


_DATE_FORMATS = (
    "{0:%d/%m/%Y}",
    "{0:%d/%m/%Y}",
    "{0:%d/%m/%y}",
    "{0:%d-%m-%Y}",
    "{0:%d-%m-%y}",
    "{0:%d.%m.%Y}",
    "{0:%d.%m.%y}",
    "{0:%Y-%m-%d}",
    "{0:%Y/%m/%d}",
    "{0:%m/%d/%Y}",
    "{0:%m/%d/%y}",
    "{0.day}/{0.month}/{0.year}",
    "{0.day}.{0.month}.{0.year}",
    "{0.month}/{0.day}/{0:%y}",
    "{0.day}-{1}-{0.year}",
    "{0:%d} {1} {0.year}",
    "{0:%d} {1}, {0.year}",
    "{1} {0.day}, {0.year}",
    "{1} {0.year}",
    "{1}-{0:%y}",
    "{0:%d}{1}{0.year}",
    "{0:%Y%m%d}",
    "{0:%d%m%y}",
    "{0.day}th {1} {0.year}",
    "{2}, {0.day} {1} {0.year}",
    "{2} {0:%d/%m/%Y}",
    "{0.year}",
    "{0:%m/%Y}",
    "{0.year}-{3}",
    "{0.year}/{3}",
    "© {0.year}",
    "Q{4} {0.year}",
)


def date(generator: np.random.Generator) -> str:
    """A day, or a month, or a span of years, as countries, offices and cash registers write it."""
    locale = LOCALES.draw(generator)
    if chance(generator, 0.3):
        return local_date(generator, locale)
    day = a_day(generator)
    month, weekday = month_name(generator, locale), weekday_name(generator, locale)
    if chance(generator, 0.3):
        month, weekday = month.upper(), weekday.upper()
    text = pick(generator, _DATE_FORMATS).format(day, month, weekday, day.year + 1, whole(generator, 1, 4))
    if chance(generator, 0.12):
        return f"{text} {time(generator)}"
    return text


def short_date(generator: np.random.Generator) -> str:
    """A day as people write it by hand: figures mostly without zeros ahead, the year by its last two."""
    day = a_day(generator)
    first, second = (day.month, day.day) if chance(generator, 0.6) else (day.day, day.month)
    mark = pick(generator, "///-.")
    year = str(day.year) if chance(generator, 0.2) else f"{day:%y}"
    pattern = pick(generator, ("{0}{3}{1}{3}{2}", "{0}{3}{1}{3}{2}", "{0:02}{3}{1:02}{3}{2}", "{0}{3}{2}", "{0}{3}{1}"))
    return pattern.format(first, second, year, mark)


def time(generator: np.random.Generator) -> str:
    """A time of day or a span of it."""
    if chance(generator, 0.25):
        return local_time(generator, LOCALES.draw(generator))
    hour, minute, second = whole(generator, 0, 23), whole(generator, 0, 59), whole(generator, 0, 59)
    half = pick(generator, ("AM", "PM", "am", "pm", "a.m.", "p.m."))
    pattern = pick(
        generator,
        (
            "{0:02}:{1:02}",
            "{0:02}:{1:02}:{2:02}",
            "{0}:{1:02}",
            "{0}.{1:02}",
            "{3}:{1:02} {4}",
            "{3}:{1:02}{4}",
            "{3:02}:{1:02}:{2:02} {4}",
            "{3} {4}",
            "{0:02}h{1:02}",
            "{0} Uhr",
            "{0:02}:{1:02} - {5:02}:{1:02}",
            "{0:02}:{1:02}–{5:02}:00",
            "{3}{4} - {3}{4}",
            "{0:02}:{1:02} h",
        ),
    )
    return pattern.format(hour, minute, second, hour % 12 or 12, half, whole(generator, 0, 23))


_PHONE_WORDS = (
    "Tel|Tel.|TEL|Tel:|TEL:|Phone:|Fax|FAX:|Fax.|Mobile|Mob.|T|F|T:|TEL NO:|Tel/Fax:|TEL :|H/P:|Hotline|Call|"
    "Telefon|Tél.|Tlf.|Ph."
).split("|")
_PHONES = (
    "0#-### ####|0#-#######|03-#### ####|(###) ###-####|###-###-####|###.###.####|1-800-###-###|+## ## ### ## ##|"
    "+### ### ### ###|0### ######|0### / ## ## ##|00## ### #######|+##(0)###-####|01#-### ####|## ## ## ## ##|"
    "### ### ###|+1 ### ### ####|0## ########|03 - ########|1300 ## ####"
).split("|")


def phone(generator: np.random.Generator) -> str:
    """A telephone number, with or without the word before it."""
    if chance(generator, 0.4):
        text = redigit(generator, draw_from_pool(generator, "phone"))
    else:
        text = fill(generator, pick(generator, _PHONES))
    if chance(generator, 0.35):
        text = f"{pick(generator, _PHONE_WORDS)} {text}"
    if chance(generator, 0.06):
        text += pick(generator, (" ext. ##", " x###", " / ##", "-##", " (24h)"))
        text = fill(generator, text)
    return text


_TAX_NUMBERS = (
    "DE#########|ATU########|FR ## #########|IT###########|ES?########|GB ### #### ##|PL##########|NL#########B##|"
    "PT#########|CHE-###.###.###|###-##-####|##-#######|### ### ###|### #### ####|############|#######-?|"
    "(######-?)|(CO. NO: ######-?)|##/###/#####|##.###.###/####-##|###.###.###-##|##?????####?#?#|TR##########|"
    "?##-#######-#|00#########|#### #### ####"
).split("|")
_TAX_WORDS = (
    "GST REG NO:|GST ID:|GST NO :|GST Reg. No.|GST ID NO :|VAT No.|VAT Reg No:|VAT ID:|USt-IdNr.:|UID:|Steuernr.|"
    "TVA|N° TVA|SIRET|NIF:|CIF|P.IVA|C.F.|NIP:|IČO:|DIČ:|CNPJ:|CPF:|BTW nr.|KvK|Org.nr|Vergi No:|V.D.|EIN|SSN|"
    "Tax ID|ROC NO.|CO. REG. NO:|REG NO :|ABN"
).split("|")


def tax_number(generator: np.random.Generator) -> str:
    """A number under which a tax office or a register of firms knows somebody."""
    text = fill(generator, pick(generator, _TAX_NUMBERS))
    return f"{pick(generator, _TAX_WORDS)} {text}" if chance(generator, 0.5) else text


def bank(generator: np.random.Generator) -> str:
    """An account: IBAN in groups or not, BIC, sort code, national numbers."""
    draw = generator.random()
    if draw < 0.5:
        text = redigit(generator, draw_from_pool(generator, "iban"))
        if chance(generator, 0.75):
            text = " ".join(text[at : at + 4] for at in range(0, len(text), 4))
        word = pick(generator, ("IBAN", "IBAN:", "Account:", "Konto:", "Compte", "A/C NO:"))
    elif draw < 0.72:
        text, word = (
            draw_from_pool(generator, "bic"),
            pick(generator, ("BIC", "BIC:", "SWIFT:", "BIC/SWIFT", "Swift code")),
        )
    else:
        text = fill(
            generator,
            pick(generator, ("##-##-##", "########", "### ### ##", "#####-#", "####-####-##-#", "#-######-#")),
        )
        word = pick(generator, ("Sort code", "BLZ", "Kto.", "Acct", "A/C", "Routing", "ACC NO.", "Konto-Nr."))
    return f"{word} {text}" if chance(generator, 0.4) else text


_CARDS = ("#### #### #### ####", "####-####-####-####", "################", "#### ###### #####")
_MASKED = (
    "XXXX XXXX XXXX ####|XXXXXXXXXXXX####|************####|**** **** **** ####|####XXXXXXXX####|"
    "xxxx-xxxx-xxxx-####|#### **** **** ####|######******####|•••• ####|**** ####|...####"
).split("|")


def card(generator: np.random.Generator) -> str:
    """A card's number, whole or masked as receipts print it, sometimes with its kind."""
    text = fill(generator, pick(generator, _MASKED if chance(generator, 0.55) else _CARDS))
    draw = generator.random()
    if draw < 0.25:
        word = pick(
            generator, ("VISA", "MASTERCARD", "Mastercard", "Visa", "AMEX", "MAESTRO", "CARD NO:", "Card", "MYDEBIT")
        )
        return f"{word} {text}"
    return f"{text} {fill(generator, '##/##')}" if draw < 0.32 else text


_CODES = (
    "??######|??########|?###|?-####|??-####|??##-##|???/####/##|#####-###|####/##|##-####|#############|"
    "############|########|######|*****|******|********|***-***|****-****-****|??########??|?#?#?#|#*#*#*#|?????|"
    "??.###.##|V#.#.#|v#.##|rev. ?|###.###.#.#|####-?##|~~~###|~##-~##|?~#?~#|~*~*~*~|?~~?~~##|~?#~?#~?|0x########|"
    "#O0##|I1l#|B8#S5#|Z2#G6|??#### ???|ISBN ###-#-###-#####-#|ISSN ####-####|DOI:10.####/~~~.####|"
    "EN ISO ####:20##|DIN ###|PO#######|INV-#####|INV#######|REF: #########|SN: **********|S/N ###?##??|LOT ####?|"
    "??-##-?#|(##) ##### #####|<###>|[?##]|{##}|@##|#_##|??_##_??|###*###|##+##|~~_~~~_##.~~~"
).split("|")


def code(generator: np.random.Generator) -> str:
    """A number or name by which things are kept apart: articles, invoices, versions, plates; both cases mixed."""
    draw = generator.random()
    if draw < 0.08:
        return draw_from_pool(generator, "plate")
    if draw < 0.2:
        # No pattern at all: nothing but the shape tells O from 0 and l from 1.
        return "".join(pick(generator, _MIXED) for _ in range(whole(generator, 4, 14)))
    text = fill(generator, pick(generator, _CODES))
    if chance(generator, 0.15):
        text = text.lower()
    return (
        f"{pick(generator, ('#', 'No.', 'NO:', 'Ref', 'ID', 'Art.', 'SKU'))} {text}" if chance(generator, 0.1) else text
    )


_MIXED = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def number_row(generator: np.random.Generator) -> str:
    """A row of a table of figures."""
    kind = pick(generator, (plain_amount, number, amount, plain_number))
    cells = [kind(generator) for _ in range(whole(generator, 2, 6))]
    if chance(generator, 0.2):
        cells[whole(generator, 0, len(cells) - 1)] = pick(generator, ("-", "–", "—", "n/a", "*", "0", "N/A", "…"))
    return " ".join(cells)
