"""Who and where: names, firms, addresses, e-mail, web pages, and the words between."""

from __future__ import annotations

import re
import string

import numpy as np

from typecase.synthesis.draws import Choice, chance, fill, pick, redigit, whole
from typecase.synthesis.locales import LOCALES, draw_from_pool

# Shops of Malaysia and Singapore, whose receipts are so common in the world's data, are not among Faker's countries.
_ASIAN_SYLLABLES = (
    "TAN LIM LEE WONG CHAN NG ONG GOH CHUA KOH TEO ANG YEO SIM HO LAU TAY LOW CHIN FOO KEE BOON HENG SENG HUAT "
    "LONG FATT WAH MEI HOCK SOON KIM YONG CHEONG GUAN LEONG SANG HING PENG AIK THYE MOHD AHMAD BIN BINTI SRI MAJU "
    "JAYA INDAH"
).split()
_ASIAN_KINDS = (
    "SDN BHD|SDN. BHD.|(M) SDN BHD|ENTERPRISE|TRADING|HARDWARE|RESTAURANT|RESTORAN|SUPERMARKET|& SONS|MARKETING|"
    "ELECTRICAL|MINI MARKET|PHARMACY|CAFE|STATIONERY|BOOK STORE|PTE LTD|KOPITIAM"
).split("|")
_ASIAN_PLACES = ("JALAN|JLN|TAMAN|LORONG|KAMPUNG|KG|BANDAR|PERSIARAN|SEKSYEN|LEBUH|PUSAT BANDAR|SS").split("|")
_ASIAN_TOWNS = (
    "KUALA LUMPUR|SHAH ALAM|PETALING JAYA|JOHOR BAHRU|SELANGOR|JOHOR|PENANG|IPOH|KLANG|SUBANG|PUCHONG|MELAKA|"
    "SEREMBAN|CHERAS|KEPONG|SINGAPORE|PULAU PINANG|SELANGOR DARUL EHSAN|MALAYSIA"
).split("|")

_TITLES = ("Mr", "Mrs.", "Ms", "Dr.", "Prof.", "Herr", "Frau", "M.", "Mme", "Sr.", "Sra.", "Dhr.")


def name(generator: np.random.Generator) -> str:
    """A person's name, with a title, in capitals, the other way round or shortened at times."""
    if chance(generator, 0.06):
        return " ".join(pick(generator, _ASIAN_SYLLABLES) for _ in range(whole(generator, 2, 3)))
    text = draw_from_pool(generator, "name")
    draw = generator.random()
    if draw < 0.15:
        return text.upper()
    parts = text.split()
    if draw < 0.23:
        return f"{parts[-1]}, {' '.join(parts[:-1]) or parts[0][0]}"
    if draw < 0.31:
        return f"{parts[0][0]}. {parts[-1]}"
    if draw < 0.36:
        return f"{pick(generator, _TITLES)} {text}"
    return text


def company(generator: np.random.Generator) -> str:
    """A firm's name."""
    if chance(generator, 0.25):
        words = [pick(generator, _ASIAN_SYLLABLES) for _ in range(whole(generator, 1, 3))]
        return " ".join([*words, pick(generator, _ASIAN_KINDS)])
    text = draw_from_pool(generator, "company")
    return text.upper() if chance(generator, 0.3) else text


def address(generator: np.random.Generator) -> str:
    """An address, or one of its lines."""
    if chance(generator, 0.25):
        return _asian_address(generator)
    locale = LOCALES.draw(generator)
    street = redigit(generator, draw_from_pool(generator, "street", locale))
    town = draw_from_pool(generator, "city", locale)
    postcode = redigit(generator, draw_from_pool(generator, "postcode", locale))
    draw = generator.random()
    if draw < 0.4:
        text = street
    elif draw < 0.75:
        text = f"{town}, {postcode}" if locale.startswith("en") else f"{postcode} {town}"
    elif draw < 0.85:
        text = f"{street}, {postcode} {town}"
    elif draw < 0.95:
        text = f"{town}, {draw_from_pool(generator, 'country', locale)}"
    else:
        text = f"P.O. Box {fill(generator, '####')}, {town}"
    return text.upper() if chance(generator, 0.2) else text


def _asian_address(generator: np.random.Generator) -> str:
    draw = generator.random()
    house = pick(
        generator, ("NO ##,", "NO. ##,", "LOT ###,", "NO.##-#,", "##,", "#-#-#,", "LOT ##-?,", "NO ## & ##,", "G-##,")
    )
    number = pick(generator, ("", "#", "#/#", "##", "#/##?"))
    place = f"{pick(generator, _ASIAN_PLACES)} {pick(generator, _ASIAN_SYLLABLES)} {number}"
    town = f"##### {pick(generator, _ASIAN_TOWNS)}"
    if draw < 0.4:
        pattern = f"{house} {place.strip()},"
    elif draw < 0.6:
        pattern = f"{place.strip()},"
    elif draw < 0.9:
        pattern = f"{town}{pick(generator, (',', '.', '', ', ' + pick(generator, _ASIAN_TOWNS)))}"
    else:
        pattern = f"{house} {place.strip()}, {town}"
    # The pattern's own question marks stand for letters; names hold none.
    return fill(generator, pattern)


def email(generator: np.random.Generator) -> str:
    """An e-mail address, with the word before it at times."""
    draw = generator.random()
    text = draw_from_pool(generator, "email")
    if draw < 0.35:
        box = pick(
            generator,
            ("info", "sales", "office", "support", "contact", "kontakt", "service", "no-reply", "admin", "hr"),
        )
        text = f"{box}@{_host(generator)}"
    elif draw < 0.5:
        text = f"{fill(generator, pick(generator, ('~.', '~~_', '~~~-', '~#')))}{text}"
    if chance(generator, 0.06):
        text = text.upper()
    return (
        f"{pick(generator, ('E-mail:', 'Email', 'EMAIL:', 'e-mail', 'Mail:', 'E:'))} {text}"
        if chance(generator, 0.25)
        else text
    )


_ENDINGS = Choice(
    {".com": 6.0}
    | dict.fromkeys((".de", ".org", ".net", ".fr", ".es", ".com.my", ".co.uk", ".nl", ".it"), 1.2)
    | dict.fromkeys((".pt", ".com.tr", ".eu", ".io", ".gov", ".edu", ".info", ".pl", ".ch", ".be"), 0.6)
)


def _host(generator: np.random.Generator) -> str:
    plain = [one for one in (_ascii(draw_from_pool(generator, "company")) for _ in range(2)) if one]
    stem = pick(generator, ("-", "", ".")).join(plain[: whole(generator, 1, 2)]) or "mail"
    return stem + _ENDINGS.draw(generator)


def _ascii(text: str) -> str:
    first = text.split()[0].lower()
    return "".join(one for one in first if one.isascii() and one.isalnum())


def url(generator: np.random.Generator) -> str:
    """A web address, whole or as people print it."""
    draw = generator.random()
    if draw < 0.3:
        return draw_from_pool(generator, "url")
    text = _host(generator)
    if draw < 0.75:
        text = f"www.{text}"
    elif draw < 0.85:
        text = f"https://{text}"
    if chance(generator, 0.35):
        path = pick(
            generator,
            ("/", "/~~~~", "/~~~/~~~~", "/~~~~~.html", "/?id=####", "/~~~~?~=##&~~=~~", "/~~-~~~~-~~~", "/~~/20##/##"),
        )
        # A question mark of an address is not one of the pattern's.
        text += "?".join(fill(generator, part) for part in path.split("?"))
    return text.upper() if chance(generator, 0.08) else text


_ROOTS = ("C:\\", "D:\\", "\\\\server\\", "/home/", "/", "~/", "./", "../", "")
_EXTENSIONS = ".txt .doc .xls .pdf .jpg .tif .com .exe .csv .docx .zip .html .1st .dat .py".split()


def file_path(generator: np.random.Generator) -> str:
    """Where a file lies, as offices print it at the foot of a page and screens show it."""
    root = pick(generator, _ROOTS)
    if root[1:] == ":\\":
        root = pick(generator, "CDFKNXckn") + root[1:]
    between = "/" if "/" in root or (not root and chance(generator, 0.5)) else "\\"
    names = [
        fill(generator, pick(generator, ("~~~~~", "~~~", "~~~~~~~~", "~~##", "####", "~###~~")))
        if chance(generator, 0.5)
        else _ascii(draw_from_pool(generator, pick(generator, ("word", "name", "company")))) or "data"
        for _ in range(whole(generator, 2, 4))
    ]
    text = root + between.join(names) + (pick(generator, _EXTENSIONS) if chance(generator, 0.7) else "")
    return text.upper() if chance(generator, 0.3) else text


_TYPED_WORDS = (
    "apt cat chmod config data debug dpkg echo exit false file filter float grep group host index init install "
    "int kill lib list local ls mail main make mode mount null out path pkg print ps read root run script set "
    "shell size sort start status stop string sudo sync sys tar test tmp true type update user util value var vi "
    "void with write xml"
).split()
# {} is a name, # a digit, § a letter.
_TYPED = (
    "{}(#)|{}(§)|{}-{}|{}_{}|{}_{}_{}|{}.{}|.{}|--{}|--{}-{}|--{}={}|-§|-§§|-§ {}|{} -§|{} --{}|{} -§ {}.{}|/{}/{}|"
    "~/.{}|/{}/{}/{}.{}|*.{}|{}*|{}[#]|{}[{}]|<{}>|<{}-{}>|${}|${{}}|@{}|{}@{}|{}::{}|{}->{}|{} -> {}|{} => {}|{}={}|"
    "{}=#|{} = {}|{} == #|{}!|{}?|{};|{}/#.#|{}-#.#|{}-#.##.#-#|lib{}#|lib{}-{}|{}d|-rw-r--r--|drwxr-xr-x|{} | {}|"
    '"{}"|`{}`|{}: {}|{}+{}|{}~|{}/|{}//{}|0x####|\\{}|{}.{}.{}|{}.{}()|{}()|{}({}, {})|[{}]|({})|{{}}|%{}|&{}|Ctrl-§'
).split("|")
_TYPED_PARTS = re.compile(r"\{\}|#|§")


def command(generator: np.random.Generator) -> str:
    """What is typed to a computer or stands in its files: commands with their options, names, patterns."""

    def part(match: re.Match[str]) -> str:
        if match[0] == "#":
            return str(whole(generator, 0, 9))
        if match[0] == "§":
            return pick(generator, string.ascii_letters)
        if chance(generator, 0.6):
            return pick(generator, _TYPED_WORDS)
        return _ascii(draw_from_pool(generator, pick(generator, ("word", "name", "company")))) or "data"

    text = _TYPED_PARTS.sub(part, pick(generator, _TYPED))
    return text.upper() if chance(generator, 0.1) else text


def word(generator: np.random.Generator) -> str:
    """A single word of any of the languages, in the cases that print uses."""
    kind = pick(generator, ("word", "word", "word", "city", "name", "job", "country"))
    text = pick(generator, draw_from_pool(generator, kind).split())
    draw = generator.random()
    if draw < 0.3:
        text = text.upper()
    elif draw < 0.5:
        text = text.capitalize()
    if chance(generator, 0.12):
        text += pick(generator, ",.:;!?-)")
    elif chance(generator, 0.05):
        text = pick(
            generator, ("({})", '"{}"', "“{}”", "«{}»", "„{}“", "‘{}’", "[{}]", "‹{}›", "{}…", "*{}*", "/{}/", "{}/")
        ).format(text)
    return text


def caps_line(generator: np.random.Generator) -> str:
    """A line in capitals of a few words: headings, notices, titles."""
    kinds = [pick(generator, ("word", "word", "job", "city", "company")) for _ in range(whole(generator, 1, 4))]
    locale = LOCALES.draw(generator)
    return " ".join(draw_from_pool(generator, kind, locale) for kind in kinds).upper()
