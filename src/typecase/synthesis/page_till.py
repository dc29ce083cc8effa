"""Receipts as tills print them: narrow, centred at the head, with sums at the right edge and gaps between."""

from __future__ import annotations

from dataclasses import dataclass

from typecase.synthesis.draws import digits, fill, pick
from typecase.synthesis.fonts import Category
from typecase.synthesis.page_desk import Desk
from typecase.synthesis.page_marks import (
    draw_bar_code,
    draw_logo,
    draw_scribble,
    draw_square_code,
    draw_stamp,
    some_colour,
)
from typecase.synthesis.page_type import PageType
from typecase.synthesis.string_papers import cased, price

_FACES = {Category.MONOSPACE: 0.56, Category.SANS_SERIF: 0.36, Category.SERIF: 0.06, Category.DISPLAY: 0.02}
_THANKS = (
    "THANK YOU|THANK YOU!|THANK YOU PLEASE COME AGAIN|PLEASE COME AGAIN|HAVE A NICE DAY|Thank you for your visit|"
    "GOODS SOLD ARE NOT RETURNABLE|Goods sold are not returnable or exchangeable|PLEASE KEEP THIS RECEIPT|"
    "*** THANK YOU ***|<<< THANK YOU >>>|THIS IS NOT A TAX INVOICE|CUSTOMER COPY|Vielen Dank für Ihren Einkauf|"
    "Merci de votre visite|Gracias por su compra|EXCHANGE WITHIN 7 DAYS WITH RECEIPT|NO REFUND NO EXCHANGE|"
    "Any enquiries please contact us|LIKE US ON FACEBOOK|THANK YOU FOR SHOPPING WITH US|Terima kasih|Dziękujemy"
).split("|")
_TITLES = (
    "TAX INVOICE|INVOICE|RECEIPT|CASH BILL|CASH RECEIPT|SIMPLIFIED TAX INVOICE|OFFICIAL RECEIPT|Tax Invoice|"
    "*** DUPLICATE ***|SALES RECEIPT|BILL|Rechnung|TICKET|FACTURE|-TAX INVOICE-|>>> TAX INVOICE <<<|Guest Check"
).split("|")
_FACTS = (
    "Date|Time|Invoice No|Receipt No|Receipt #|Bill No.|Cashier|Table|Order No|Trans|Terminal|POS No|Shift|Counter|"
    "Customer|Staff|Ref No|Doc No.|Pax|Member|Served by|Slip No|Till|GST ID|Document No"
).split("|")
_HEADS = (
    ("Description", "Qty", "Price", "Amount"),
    ("ITEM", "QTY", "PRICE", "TOTAL"),
    ("Item", "Qty", "U.Price", "Total(RM)"),
    ("Product", "Qty", "RM", "RM"),
    ("Qty", "Item", "Amt"),
    ("DESCRIPTION", "AMOUNT"),
    ("Code/Desc", "Price", "Disc", "Amount"),
    ("Description", "U.P", "Iss", "Exc", "D", "Sale", "Amt"),
    ("Item", "Price", "Qty", "Ret", "Net", "Total"),
)
_SUMS = (
    "Sub Total|SUBTOTAL|Total Excl. GST|GST 6%|Service Charge 10%|Discount|Rounding|Rounding Adj|Total Incl. GST|"
    "TOTAL|Total Sales|Tax|VAT 20%|Net Amount|Amount Due|Nett Total|MwSt 19%|TVA 20%|IVA 21%"
).split("|")
_PAID = ("CASH|Cash|CHANGE|Change|VISA|MASTER CARD|Tendered|Balance|Paid|DEBIT CARD|Rückgeld|Efectivo|Espèces").split(
    "|"
)


@dataclass
class _Roll:
    """A receipt while it grows."""

    desk: Desk
    kind: PageType
    left: float
    right: float
    step: float
    y: float
    sign: str
    figures: PageType

    @property
    def room(self) -> float:
        return self.right - self.left

    def centred(self, text: str, kind: PageType | None = None) -> None:
        used = kind or self.kind
        for line in used.broken(text.split(" "), self.room):
            self._down(used)
            self.desk.new_row()
            self.desk.put(used, line, (self.left + self.right) / 2, self.y, align="centre", room=self.room)

    def plain(self, text: str, indent: float = 0.0, kind: PageType | None = None) -> None:
        used = kind or self.kind
        for line in used.broken(text.split(" "), self.room - indent):
            self._down(used)
            self.desk.new_row()
            self.desk.put(used, line, self.left + indent, self.y, room=self.room - indent)

    def pair(self, label: str, value: str, kind: PageType | None = None, label_at: float = 0.0) -> None:
        """A label and a value at the right edge."""
        used = kind or self.kind
        self._down(used)
        self.desk.new_row()
        wide = self.desk.put(used, value, self.right, self.y, align="right", column=1, room=0.6 * self.room)
        # Set after the value, which decides how much room there is, but read before it.
        free = self.room - wide - 0.6 * used.em
        # A label that stands in is moved out rather than cut.
        label_at = min(label_at, max(0.0, free - 1.05 * used.width(used.without_missing(label))))
        room = free - label_at
        if room > 2 * used.em:
            self.desk.put(used, label, self.left + label_at, self.y, room=room)
            _swap_last(self.desk, wide > 0)

    def aligned(self, label: str, value: str, at: float) -> None:
        """A label and a value with a colon at a fixed place."""
        self._down(self.kind)
        self.desk.new_row()
        self.desk.put(self.kind, label, self.left, self.y, room=at - 0.3 * self.kind.em)
        self.desk.put(self.kind, f": {value}", self.left + at, self.y, column=1, room=self.room - at)

    def cells(self, texts: tuple[str, ...], places: list[float], kind: PageType | None = None) -> None:
        """Cells of a table: the first set to the left, the others to the right, of these places."""
        used = kind or self.kind
        self._down(used)
        self.desk.new_row()
        end = self.left
        for column, (text, place) in enumerate(zip(texts, places, strict=True)):
            if column == 0:
                room = (places[1] - places[0] - used.width(texts[1]) - 0.8 * used.em) if len(places) > 1 else self.room
                end = place + self.desk.put(used, text, place, self.y, room=room)
            elif place - used.width(text) > end + 0.3 * used.em:
                self.desk.put(used, text, place, self.y, align="right", column=column)
                end = place

    def gap(self, share: float = 0.5) -> None:
        self.y += share * self.step

    def separator(self) -> None:
        desk, sheet = self.desk, self.desk.sheet
        style = desk.whole(0, 6)
        if style == 6:
            self.gap(0.5)
            return
        self.y += 0.9 * self.step
        middle = self.y - 0.3 * self.kind.em
        if style == 0:
            sheet.rule((self.left, middle), (self.right, middle), max(1.0, 0.05 * self.kind.em), self.kind.colour)
            return
        character = pick(desk.generator, ("-", "-", "-", "=", "*", "_", "- ", ".", "~"))
        if set(character) - {" "} - set(self.kind.allowed):
            return
        count = max(3, int(self.room / max(1.0, self.kind.width(character))))
        # A row of signs is ink but no text.
        try:
            ink = self.kind.set((character * count).strip())
        except Exception:
            return
        sheet.lay(ink.coverage, round(self.left - ink.advances[0, 0]), round(self.y - ink.baseline), self.kind.colour)

    def _down(self, kind: PageType) -> None:
        self.y += self.step * max(1.0, kind.em / self.kind.em)


def _swap_last(desk: Desk, both: bool) -> None:
    texts = desk.sheet.texts
    if both and len(texts) > 1:
        texts[-1], texts[-2] = texts[-2], texts[-1]


def draw_receipt(desk: Desk) -> None:
    """Lays out a receipt from its head to its foot, and cuts the roll there."""
    characters = desk.between(26, 46)
    kind = desk.type(_FACES, 10, everyday=0.3)
    margin = desk.width * desk.between(0.02, 0.12)
    room = desk.width - 2 * margin
    stretch = desk.between(0.72, 1.15)
    kind = kind.styled(stretch=stretch, kerning=False, ligatures=False)
    if desk.chance(0.25):
        kind = kind.styled(bold=desk.between(-0.01, 0.05))
    average = kind.width("Total 12.50 AMOUNT ") / 19 / kind.em
    kind = kind.sized(room / characters / average / kind.em)
    step = kind.em * desk.between(0.98, 1.5)
    sign = pick(desk.generator, ("", "", "", "RM", "$", "RM ", "€", "£"))
    roll = _Roll(desk, kind, margin, desk.width - margin, step, desk.between(0.01, 0.12) * desk.width, sign, kind)
    _head(roll)
    roll.gap(desk.between(0.2, 1.5))
    _facts(roll)
    _items(roll)
    _sums(roll)
    _foot(roll)
    end = roll.y + desk.between(0.5, 6) * step
    desk.sheet.cut(min(end, desk.height))
    if desk.chance(0.2):
        for _ in range(desk.whole(1, 3)):
            _annotate(roll)


def _head(roll: _Roll) -> None:
    desk, kind = roll.desk, roll.kind
    desk.new_block()
    if desk.chance(0.25):
        size = desk.between(0.12, 0.3) * desk.width
        draw_logo(desk.sheet, desk.generator, (desk.width - size) / 2, roll.y, size * 0.7, kind.colour)
        roll.y += size * 0.75
    large = _large(roll, 2.0) if desk.chance(0.55) else kind
    if desk.chance(0.4):
        large = desk.bold(large)
    centred = desk.chance(0.78)
    say = roll.centred if centred else roll.plain
    name = desk.string(kind, "company", most=40)
    if desk.chance(0.7):
        name = name.upper()
    (roll.centred if centred else roll.plain)(kind.without_missing(name) or "SHOP", kind=large)
    if desk.chance(0.4):
        say(f"({desk.string(kind, 'tax-number', most=24)})")
    for _ in range(desk.whole(1, 3)):
        say(desk.string(kind, "address", most=70))
    if desk.chance(0.75):
        say(desk.string(kind, "phone", most=40))
    if desk.chance(0.5):
        say(
            pick(desk.generator, ("GST ID : ", "GST No.", "GST REG NO: ", "VAT No. ", "USt-IdNr. ", "TAX ID "))
            + digits(desk.generator, 12)
        )
    if desk.chance(0.2):
        say(desk.string(kind, "email", "url", most=40))
    if desk.chance(0.5):
        roll.gap(desk.between(0.2, 1.2))
        desk.new_block()
        title = desk.bold(kind, desk.between(1, 1.5)) if desk.chance(0.4) else kind
        roll.centred(pick(desk.generator, _TITLES), kind=title)


def _large(roll: _Roll, most: float) -> PageType:
    """Type for what matters: larger, bolder, of twice the height, or of another face altogether."""
    desk, kind = roll.desk, roll.kind
    draw = desk.generator.random()
    if draw < 0.3:
        # Printers double the height of their letters and leave the width.
        high = kind.sized(desk.between(1.5, most))
        return high.styled(stretch=max(0.35, kind.style.stretch * desk.between(0.48, 0.7)))
    if draw < 0.45:
        other = desk.type(_FACES, 10, everyday=0.5, heavy=desk.chance(0.7))
        return other.sized(kind.em / other.em * desk.between(0.9, most))
    if draw < 0.75:
        return desk.bold(kind, desk.between(1.0, most))
    return kind.sized(desk.between(1.0, most))


def _facts(roll: _Roll) -> None:
    desk, kind = roll.desk, roll.kind
    desk.new_block()
    if desk.chance(0.6):
        roll.separator()
    style = desk.whole(0, 3)
    at = desk.between(0.25, 0.45) * roll.room
    for _ in range(desk.whole(2, 6)):
        label = pick(desk.generator, _FACTS)
        if label in ("Date", "Time"):
            value = desk.string(kind, label.lower(), most=22)
        elif label in ("Cashier", "Customer", "Staff", "Served by"):
            value = desk.string(kind, "name", most=20)
        else:
            value = desk.string(kind, "code", "number", most=18)
        if style == 0:
            roll.aligned(label, value, at)
        elif style == 1:
            roll.plain(f"{label}: {value}")
        elif style == 2:
            roll.pair(f"{label}:", value)
        else:
            other = pick(desk.generator, _FACTS)
            roll.pair(f"{label}: {value}", f"{other}: {desk.string(kind, 'time', 'number', most=9)}")
    if desk.chance(0.25):
        large = _large(roll, 2.2)
        roll.plain(
            f"{pick(desk.generator, ('Table', 'TABLE', 'Order', 'Queue', 'No.'))} {desk.whole(1, 99)}", kind=large
        )


def _items(roll: _Roll) -> None:
    desk, kind = roll.desk, roll.kind
    desk.new_block()
    roll.separator()
    generator = desk.generator
    heads = pick(generator, _HEADS)
    columns = len(heads)
    widths = [
        roll.left,
        *(roll.right - (columns - 1 - n) * roll.room * desk.between(0.17, 0.22) for n in range(1, columns)),
    ]
    if heads[0] == "Qty":
        widths = [roll.left, roll.left + 0.5 * roll.room, roll.right]
    if columns > 4:
        widths = [roll.left, *(roll.right - (columns - 1 - n) * roll.room * 0.115 for n in range(1, columns))]
    is_shown = desk.chance(0.7)
    if is_shown:
        roll.cells(heads, widths)
        if desk.chance(0.7):
            roll.separator()
    style = 2 if columns > 4 else desk.whole(0, 4)
    mark = pick(generator, ("", "", "", " SR", " S", " Z", " *", " T"))
    for _ in range(desk.whole(1, 12) if desk.chance(0.85) else desk.whole(12, 30)):
        what = desk.string(kind, "item", most=30)
        count, sum_ = str(desk.whole(1, 12)), price(generator)
        if style == 0:
            roll.pair(what, f"{roll.sign}{sum_}{mark}")
        elif style == 1:
            roll.plain(what)
            cells = (digits(generator, 6), f"{count} x {price(generator)}", f"{sum_}{mark}")
            roll.cells(cells, [roll.left + desk.between(0, 0.08) * roll.room, roll.left + 0.66 * roll.room, roll.right])
        elif style == 2 and columns > 2 and heads[0] != "Qty":
            middle = [count, price(generator), price(generator)][: columns - 2]
            if columns > 4:
                middle = [price(generator), *(str(desk.whole(0, 30)) for _ in range(columns - 3))]
            roll.cells((what, *middle, f"{sum_}"), widths)
        elif style == 3:
            if desk.chance(0.5):
                roll.plain(digits(generator, 13))
            roll.pair(f"{count} {what}", f"{sum_}{mark}")
        else:
            roll.plain(what)
            roll.pair(
                f"{count} {pick(generator, ('@', 'x', 'X', 'PC @'))} {price(generator)}",
                f"{sum_}{mark}",
                label_at=desk.between(0.02, 0.2) * roll.room,
            )
        if desk.chance(0.06):
            roll.plain(desk.string(kind, "receipt-line", most=30), indent=0.05 * roll.room)
        if roll.y > desk.height * 0.75:
            break


def _sums(roll: _Roll) -> None:
    desk, kind = roll.desk, roll.kind
    desk.new_block()
    roll.separator()
    indent = desk.between(0.0, 0.45) * roll.room if desk.chance(0.5) else 0.0
    colon = pick(desk.generator, ("", "", ":", " :"))
    for _ in range(desk.whole(1, 5)):
        roll.pair(
            cased(desk.generator, pick(desk.generator, _SUMS)) + colon,
            roll.sign + price(desk.generator),
            label_at=indent,
        )
    if desk.chance(0.5):
        roll.separator()
    large = kind
    if desk.chance(0.5):
        large = _large(roll, 1.9)
    roll.pair(
        pick(
            desk.generator, ("TOTAL", "Total", "TOTAL:", "Grand Total", "Total (RM)", "TOTAL DUE", "Summe", "TOTAL TTC")
        ),
        roll.sign + price(desk.generator),
        kind=large,
        label_at=0.0 if large.em > 1.2 * kind.em else indent,
    )
    for _ in range(desk.whole(0, 3)):
        roll.pair(pick(desk.generator, _PAID) + colon, price(desk.generator), label_at=indent)
    if desk.chance(0.45):
        desk.new_block()
        roll.gap()
        roll.separator()
        places = [roll.left, roll.left + 0.62 * roll.room, roll.right]
        roll.cells(("GST Summary", "Amount(RM)", "Tax(RM)"), places)
        for _ in range(desk.whole(1, 2)):
            roll.cells(
                (
                    f"{pick(desk.generator, ('SR', 'ZR', 'S', 'Z'))} @ {desk.whole(0, 10)}%",
                    price(desk.generator),
                    price(desk.generator),
                ),
                places,
            )


def _foot(roll: _Roll) -> None:
    desk, kind = roll.desk, roll.kind
    desk.new_block()
    if desk.chance(0.6):
        roll.separator()
    roll.gap(desk.between(0.2, 1.5))
    for _ in range(desk.whole(0, 4)):
        draw = desk.generator.random()
        if draw < 0.6:
            text = pick(desk.generator, _THANKS)
        elif draw < 0.8:
            text = desk.string(kind, "receipt-line", "date", "url", "email", most=40)
        else:
            text = desk.phrase(kind, 9)
        roll.centred(text)
    if desk.chance(0.2):
        roll.gap(0.6)
        width, height = desk.between(0.4, 0.85) * roll.room, desk.between(1.5, 3.5) * roll.step
        draw_bar_code(desk.sheet, desk.generator, (desk.width - width) / 2, roll.y, width, height, kind.colour)
        roll.y += height
        if desk.chance(0.7):
            roll.centred(fill(desk.generator, pick(desk.generator, ("############", "*########*", "?####-####"))))
    elif desk.chance(0.1):
        side = desk.between(0.25, 0.5) * roll.room
        roll.gap(0.6)
        draw_square_code(desk.sheet, desk.generator, (desk.width - side) / 2, roll.y, side)
        roll.y += side + roll.step


def _annotate(roll: _Roll) -> None:
    """What a hand has left on it: notes, ticks, a stamp."""
    desk = roll.desk
    x, y = desk.between(0.05, 0.7) * desk.width, desk.between(0, 0.9) * desk.height
    colour = some_colour(desk.generator, 0, 110)
    if desk.chance(0.75):
        width = desk.between(0.05, 0.4) * desk.width
        draw_scribble(desk.sheet, desk.generator, x, y, width, width * desk.between(0.15, 0.5), colour)
    else:
        draw_stamp(desk.sheet, desk.generator, x, y, desk.between(0.15, 0.4) * desk.width, colour)
