"""Letters and invoices: letterheads, addresses, facts, items, sums, paragraphs and signatures."""

from __future__ import annotations

from typecase.synthesis.draws import pick
from typecase.synthesis.page_desk import Desk
from typecase.synthesis.page_marks import (
    draw_bar_code,
    draw_logo,
    draw_scribble,
    draw_square_code,
    draw_stamp,
    some_colour,
)
from typecase.synthesis.page_tables import ITEM_CELLS, PRINT_FACES, draw_table
from typecase.synthesis.page_type import BLACK, PageType


def _address_block(
    desk: Desk, kind: PageType, x: float, y: float, room: float, lines: int, align: str = "left"
) -> float:
    desk.new_block()
    for number in range(lines):
        if number:
            desk.new_row()
        kinds = (
            ("company", "name")
            if number == 0
            else ("address",)
            if number < lines - 1 or desk.chance(0.5)
            else ("phone", "email", "url", "tax-number")
        )
        desk.put(kind, desk.string(kind, *kinds, most=42), x, y + kind.above, align=align, room=room)
        y += kind.em * 1.25
    return y


def draw_invoice(desk: Desk) -> None:
    """Lays out an invoice: sender and logo, facts and address, items, sums, terms."""
    kind = desk.type(PRINT_FACES, desk.between(7.5, 11), everyday=0.45)
    left = desk.width * desk.between(0.06, 0.12)
    right = desk.width - left
    y = desk.height * desk.between(0.03, 0.08)
    accent = some_colour(desk.generator, 0, 130) if desk.chance(0.4) else BLACK
    if desk.chance(0.15):
        desk.sheet.fill(0, 0, desk.width, 0.6 * y, accent)
    side = right - desk.between(0.3, 0.45) * (right - left)
    logo = 0.0
    if desk.chance(0.55):
        size = desk.between(2.5, 6) * kind.em
        draw_logo(desk.sheet, desk.generator, left, y, size, accent)
        logo = size + 0.6 * kind.em
    end = _address_block(desk, kind, left, y + logo, 0.45 * (right - left), desk.whole(2, 5))
    title = desk.bold(kind, desk.between(1.6, 3.2)).coloured(accent)
    desk.new_block()
    name = pick(
        desk.generator,
        (
            "INVOICE",
            "Invoice",
            "TAX INVOICE",
            "Rechnung",
            "FACTURE",
            "Factura",
            "Quote",
            "Purchase Order",
            "Delivery Note",
            "Statement",
            "Fattura",
            "Factuur",
        ),
    )
    desk.put(title, name, right, y + title.above, align="right", room=right - side)
    at = y + 1.5 * title.em
    desk.new_block()
    label = desk.bold(kind) if desk.chance(0.4) else kind
    for number in range(desk.whole(2, 6)):
        if number:
            desk.new_row()
        name = pick(
            desk.generator,
            (
                "Invoice No",
                "Date",
                "Due date",
                "Customer ID",
                "Order No.",
                "Page",
                "Terms",
                "Reference",
                "VAT No",
                "Your ref.",
            ),
        )
        desk.put(label, f"{name}:", side, at + kind.above, room=0.5 * (right - side))
        value = desk.string(kind, "date" if "ate" in name else "code", most=18)
        desk.put(kind, value, right, at + kind.above, align="right", column=1, room=0.45 * (right - side))
        at += kind.em * desk.between(1.25, 1.5)
    y = max(end, at) + desk.between(1, 3) * kind.em
    for x in (left, left + 0.5 * (right - left))[: desk.whole(1, 2)]:
        desk.new_block()
        desk.put(
            label,
            pick(
                desk.generator, ("Bill to:", "Ship to", "Customer", "To:", "Rechnungsadresse", "Client", "Deliver to")
            ),
            x,
            y + kind.above,
        )
        end = _address_block(desk, kind, x, y + 1.3 * kind.em, 0.42 * (right - left), desk.whole(2, 5))
    y = end + desk.between(1, 3) * kind.em
    bottom = desk.height * 0.9
    cells = ITEM_CELLS[desk.whole(0, 1) :] if desk.chance(0.7) else None
    y = draw_table(desk, kind, left, y, right - left, bottom - 8 * kind.em, rows=desk.whole(2, 22), cells=cells)
    y += desk.between(0.5, 1.5) * kind.em
    desk.new_block()
    start = right - desk.between(0.3, 0.5) * (right - left)
    for name in ("Subtotal", "Discount", "VAT 20%", "Shipping", "Total")[desk.whole(0, 2) :]:
        face = desk.bold(kind, desk.between(1, 1.4)) if name == "Total" else kind
        if y > bottom:
            break
        desk.new_row()
        desk.put(face, name, start, y + kind.above)
        desk.put(
            face,
            desk.string(kind, "amount", most=14),
            right,
            y + kind.above,
            align="right",
            column=1,
            room=0.6 * (right - start),
        )
        y += face.em * desk.between(1.25, 1.6)
    y += desk.between(0.5, 2.5) * kind.em
    small = kind.sized(desk.between(0.7, 1.0))
    if desk.chance(0.7) and y < bottom - 2 * kind.em:
        y = desk.paragraph(
            small, desk.words(small, desk.whole(60, 400)), left, y, (right - left) * desk.between(0.5, 1), bottom=bottom
        )
    if desk.chance(0.2) and y < bottom - 6 * kind.em:
        side_length = 5 * kind.em
        if desk.chance(0.5):
            draw_square_code(desk.sheet, desk.generator, left, y + kind.em, side_length)
        else:
            draw_bar_code(desk.sheet, desk.generator, left, y + kind.em, 3 * side_length, 0.6 * side_length)
    if desk.chance(0.15):
        draw_stamp(
            desk.sheet,
            desk.generator,
            desk.between(0.3, 0.7) * desk.width,
            desk.between(0.5, 0.8) * desk.height,
            desk.between(0.12, 0.25) * desk.width,
            some_colour(desk.generator, 40, 150),
        )
    _footer(desk, small, left, right)


def _footer(desk: Desk, small: PageType, left: float, right: float) -> None:
    if desk.chance(0.35):
        return
    y = desk.height * desk.between(0.93, 0.955)
    if desk.chance(0.5):
        desk.sheet.rule((left, y - 0.5 * small.em), (right, y - 0.5 * small.em), max(1.0, 0.06 * small.em))
    if desk.chance(0.5):
        columns = desk.whole(2, 4)
        width = (right - left) / columns
        for column in range(columns):
            desk.new_block()
            for number in range(desk.whole(1, 3)):
                if number:
                    desk.new_row()
                text = desk.string(small, "phone", "email", "url", "bank", "address", "tax-number", "company", most=30)
                desk.put(
                    small, text, left + column * width, y + small.above + 1.2 * number * small.em, room=0.92 * width
                )
    else:
        desk.new_block()
        desk.put(
            small,
            desk.string(small, "company", "address", "url", most=50),
            desk.width / 2,
            y + small.above,
            align="centre",
            room=right - left,
        )


def draw_letter(desk: Desk) -> None:
    """Lays out a letter: letterhead, address, date, subject, paragraphs, signature."""
    kind = desk.type(PRINT_FACES, desk.between(9, 12.5), everyday=0.5)
    left = desk.width * desk.between(0.08, 0.15)
    right = desk.width * desk.between(0.86, 0.93)
    y = desk.height * desk.between(0.03, 0.08)
    head = desk.bold(desk.type(PRINT_FACES, desk.between(12, 24)))
    accent = some_colour(desk.generator, 0, 130) if desk.chance(0.3) else BLACK
    side = pick(desk.generator, ("left", "centre", "right"))
    place = {"left": left, "centre": desk.width / 2, "right": right}[side]
    if desk.chance(0.8):
        if desk.chance(0.5):
            size = desk.between(2, 4) * kind.em
            x = {"left": left, "centre": (desk.width - size) / 2, "right": right - size}[side]
            draw_logo(desk.sheet, desk.generator, x, y, size, accent)
            y += size + 0.3 * kind.em
        desk.new_block()
        desk.put(
            head.coloured(accent),
            desk.string(head, "company", most=34),
            place,
            y + head.above,
            align=side,
            room=right - left,
        )
        y += 1.3 * head.em
        small = kind.sized(desk.between(0.65, 0.9))
        for _ in range(desk.whole(0, 3)):
            desk.new_row()
            desk.put(
                small,
                desk.string(small, "address", "phone", "url", "email", most=60),
                place,
                y + small.above,
                align=side,
                room=right - left,
            )
            y += 1.25 * small.em
        if desk.chance(0.4):
            desk.sheet.rule((left, y + 0.3 * kind.em), (right, y + 0.3 * kind.em), max(1.0, 0.08 * kind.em), accent)
    y += desk.between(1, 4) * kind.em
    if desk.chance(0.35):
        desk.new_block()
        desk.put(kind, desk.string(kind, "date", most=30), right, y + kind.above, align="right")
        y += 1.5 * kind.em
    y = _address_block(desk, kind, left, y, 0.5 * (right - left), desk.whole(2, 5)) + desk.between(1, 3) * kind.em
    if desk.chance(0.6):
        desk.new_block()
        subject = desk.bold(kind)
        desk.put(
            subject,
            pick(desk.generator, ("", "Re: ", "Subject: ", "Betreff: ", "Objet : ")) + desk.phrase(subject, 8),
            left,
            y + kind.above,
            room=right - left,
            underlined=desk.chance(0.2),
        )
        y += 2 * kind.em
    leading, align = desk.between(1.05, 1.7), pick(desk.generator, ("left", "left", "justify"))
    bottom = desk.height * 0.9
    indent = desk.between(1, 3) * kind.em if desk.chance(0.2) else 0.0
    gap = desk.between(0.2, 1.2) * kind.em
    for _ in range(desk.whole(2, 7)):
        if y > bottom - 3 * kind.em:
            break
        y = desk.paragraph(
            kind,
            desk.words(kind, desk.whole(60, 700)),
            left,
            y,
            right - left,
            leading=leading,
            align=align,
            indent=indent,
            bottom=bottom,
            hyphens=0.2 if align == "justify" else 0.0,
        )
        y += gap
    if y < bottom - 5 * kind.em:
        y += kind.em
        desk.new_block()
        desk.put(
            kind,
            pick(
                desk.generator,
                (
                    "Sincerely,",
                    "Yours faithfully",
                    "Kind regards,",
                    "Mit freundlichen Grüßen",
                    "Cordialement",
                    "Atentamente,",
                ),
            ),
            left,
            y + kind.above,
        )
        y += desk.between(2, 4) * kind.em
        if desk.chance(0.8):
            draw_scribble(
                desk.sheet,
                desk.generator,
                left,
                y - 2 * kind.em,
                desk.between(6, 14) * kind.em,
                2.2 * kind.em,
                some_colour(desk.generator, 0, 110),
            )
        desk.new_block()
        desk.put(kind, desk.string(kind, "name", most=30), left, y + kind.above)
    _footer(desk, kind.sized(0.75), left, right)
