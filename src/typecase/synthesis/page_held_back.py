"""Layouts that no training draws unless asked for by name, so that they can measure: other structures than the rest.

A business page with a sidebar, an event's programme, a notice in two languages side by side, and a ticket.
"""

from __future__ import annotations

from typecase.synthesis.draws import fill, pick
from typecase.synthesis.fonts import Category
from typecase.synthesis.page_desk import Desk
from typecase.synthesis.page_marks import draw_bar_code, draw_logo, draw_photograph, draw_square_code, some_colour
from typecase.synthesis.page_tables import PRINT_FACES, draw_table
from typecase.synthesis.page_type import WHITE, PageType


def draw_sidebar(desk: Desk) -> None:
    """Lays out a business page: a sidebar light on dark, a headline, figures in tiles, paragraphs and a table."""
    sheet = desk.sheet
    kind = desk.type(PRINT_FACES, desk.between(8, 10.5), everyday=0.3)
    on_left = desk.chance(0.6)
    bar = desk.width * desk.between(0.24, 0.33)
    start = 0.0 if on_left else desk.width - bar
    shade = some_colour(desk.generator, 10, 110)
    sheet.fill(start, 0, bar, desk.height, shade)
    pad = 0.09 * bar
    if on_left:
        _sidebar(desk, kind.coloured(WHITE), start + pad, bar - 2 * pad)
    left = bar + desk.width * 0.04 if on_left else desk.width * 0.06
    right = desk.width * 0.95 if on_left else desk.width - bar - desk.width * 0.03
    y, bottom = desk.height * desk.between(0.04, 0.08), desk.height * 0.96
    title = desk.bold(kind, desk.between(2, 3.2))
    y = desk.paragraph(title, desk.phrase(title, 7).split(" "), left, y, right - left, leading=1.1) + 0.4 * title.em
    if desk.chance(0.7):
        y = desk.paragraph(desk.italic(kind, 1.15), desk.words(kind, 120), left, y, right - left) + kind.em
    if desk.chance(0.7):
        y = _tiles(desk, kind, left, right, y) + 1.2 * kind.em
    while y < bottom - 6 * kind.em:
        heading = desk.bold(kind, 1.25)
        desk.new_block()
        desk.put(heading, desk.phrase(heading, 5), left, y + heading.above, room=right - left)
        y += 1.6 * heading.em
        if desk.chance(0.4):
            y = draw_table(desk, kind.sized(0.9), left, y, right - left, bottom, rows=desk.whole(3, 9))
        else:
            y = desk.paragraph(kind, desk.words(kind, desk.whole(150, 600)), left, y, right - left, bottom=bottom)
        y += 1.2 * kind.em
    if not on_left:
        _sidebar(desk, kind.coloured(WHITE), start + pad, bar - 2 * pad)


def _sidebar(desk: Desk, kind: PageType, left: float, width: float) -> None:
    y = desk.height * 0.05
    if desk.chance(0.6):
        draw_photograph(desk.sheet, desk.generator, left + 0.15 * width, y, 0.7 * width, 0.8 * width)
        y += 0.9 * width
    while y < desk.height * 0.85:
        heading = desk.bold(kind, 1.15)
        desk.new_block()
        text = desk.phrase(heading, 2, 20)
        desk.put(heading, heading.without_missing(text.upper()) or text, left, y + heading.above, room=width)
        y += 1.5 * heading.em
        for number in range(desk.whole(2, 5)):
            if number:
                desk.new_row()
            text = desk.string(kind, "phone", "email", "url", "address", "word", "date", "company", "number", most=40)
            desk.put(kind, text, left, y + kind.above, room=width)
            y += 1.35 * kind.em
        y += desk.between(0.8, 2.5) * kind.em
        if desk.chance(0.15):
            break


def _tiles(desk: Desk, kind: PageType, left: float, right: float, y: float) -> float:
    """Large figures with a word below each, in shaded fields side by side."""
    count = desk.whole(2, 4)
    gap = 0.8 * kind.em
    width = (right - left - (count - 1) * gap) / count
    large, tone = desk.bold(kind, 2.0), desk.between(215, 245)
    tall = large.em * 1.3 + kind.em * 2.0
    for column in range(count):
        x = left + column * (width + gap)
        desk.sheet.fill(x, y, width, tall, (tone, tone, tone))
        desk.new_block()
        desk.put(
            large, desk.string(large, "amount", "number", most=9), x + width / 2, y + 1.2 * large.em, align="centre",
            room=0.92 * width, apart=True,
        )  # fmt: skip
        desk.new_row()
        desk.put(
            kind, desk.phrase(kind, 3, 24), x + width / 2, y + tall - 0.7 * kind.em, align="centre", room=0.92 * width,
            apart=True,
        )  # fmt: skip
    return y + tall


def draw_programme(desk: Desk) -> None:
    """Lays out an event's programme or a menu: days, times or prices at the edge, titles, names, places."""
    kind = desk.type(PRINT_FACES, desk.between(9, 12), everyday=0.2)
    left, right = desk.width * desk.between(0.1, 0.16), desk.width * desk.between(0.84, 0.9)
    y, bottom = desk.height * desk.between(0.05, 0.1), desk.height * 0.94
    title = desk.type({Category.DISPLAY: 0.4, Category.SERIF: 0.3, Category.SANS_SERIF: 0.3}, desk.between(24, 44))
    words = desk.phrase(title, 4, 34).split(" ")
    y = desk.paragraph(title, words, left, y, right - left, leading=1.1, align="centre")
    desk.new_block()
    desk.put(
        kind, f"{desk.string(kind, 'date', most=24)}, {desk.string(kind, 'address', most=34)}", (left + right) / 2,
        y + kind.above, align="centre", room=right - left,
    )  # fmt: skip
    y += 3 * kind.em
    is_menu = desk.chance(0.4)
    at = left + desk.between(6, 9) * kind.em
    strong, slanted = desk.bold(kind), desk.italic(kind)
    while y < bottom - 5 * kind.em:
        day = desk.bold(kind, 1.4)
        desk.new_block()
        text = desk.phrase(day, 2, 24) if is_menu else desk.string(day, "date", most=24)
        place, how = ((left + right) / 2, "centre") if is_menu else (left, "left")
        desk.put(day, text, place, y + day.above, align=how, room=right - left)
        y += 1.5 * day.em
        if not is_menu:
            desk.sheet.rule((left, y - 0.3 * kind.em), (right, y - 0.3 * kind.em), max(1.0, 0.08 * kind.em))
        for _ in range(desk.whole(2, 6)):
            if y > bottom - 3 * kind.em:
                break
            y = (_dish if is_menu else _talk)(desk, kind, strong, slanted, left, right, at, y)
        y += kind.em


def _talk(
    desk: Desk, kind: PageType, strong: PageType, slanted: PageType, left: float, right: float, at: float, y: float
) -> float:
    desk.new_block()
    hour, minute = desk.whole(8, 21), pick(desk.generator, ("00", "15", "30", "45"))
    desk.put(kind, f"{hour}:{minute} – {hour + 1}:{minute}", left, y + kind.above, room=at - left - 0.8 * kind.em)
    room = right - at - 5 * kind.em
    desk.put(strong, desk.phrase(strong, 7), at, y + kind.above, column=1, room=room)
    if desk.chance(0.6):
        desk.put(
            kind,
            f"{pick(desk.generator, ('Room', 'Saal', 'Salle', 'Hall'))} {desk.whole(1, 12)}",
            right,
            y + kind.above,
            align="right",
            column=2,
        )
    y += 1.3 * kind.em
    if desk.chance(0.8):
        desk.new_row()
        desk.put(slanted, desk.string(slanted, "name", most=30), at, y + kind.above, column=1, room=room)
        y += 1.3 * kind.em
    if desk.chance(0.35):
        y = desk.paragraph(kind.sized(0.9), desk.words(kind, desk.whole(60, 200)), at, y, right - at, new_block=True)
    return y + 0.5 * kind.em


def _dish(
    desk: Desk, kind: PageType, strong: PageType, slanted: PageType, left: float, right: float, at: float, y: float
) -> float:
    desk.new_block()
    price = f"{desk.whole(2, 60)}.{pick(desk.generator, ('00', '50', '90', '80'))}"
    name = desk.put(strong, desk.phrase(strong, 4, 34), left, y + kind.above, room=0.7 * (right - left))
    wide = desk.put(kind, price, right, y + kind.above, align="right", column=1)
    # Leaders are dots that nobody reads.
    x = left + name + 0.6 * kind.em
    while x < right - wide - 0.6 * kind.em:
        dot = max(1.0, 0.09 * kind.em)
        desk.sheet.fill(x, y + kind.above - dot, dot, dot, kind.colour)
        x += 0.42 * kind.em
    y += 1.3 * kind.em
    if desk.chance(0.6):
        desk.new_row()
        desk.put(slanted, desk.phrase(slanted, 8, 50), left, y + kind.above, room=0.75 * (right - left))
        y += 1.3 * kind.em
    return y + 0.4 * kind.em


def draw_notice(desk: Desk) -> None:
    """Lays out a notice in two languages side by side, its points numbered alike, with a rule between them."""
    kind = desk.type(PRINT_FACES, desk.between(8.5, 11.5), everyday=0.4)
    left, right = desk.width * desk.between(0.06, 0.1), desk.width * desk.between(0.9, 0.94)
    y, bottom = desk.height * desk.between(0.04, 0.08), desk.height * 0.93
    size = desk.between(3, 6) * kind.em
    draw_logo(desk.sheet, desk.generator, (desk.width - size) / 2, y, size)
    y += size + kind.em
    gutter = desk.between(2, 4) * kind.em
    width = (right - left - gutter) / 2
    others = [language for language in desk.languages() if language != desk.language]
    tongues = (desk.language, pick(desk.generator, others) if others else desk.language)
    title = desk.bold(kind, desk.between(1.4, 2.2))
    before = len(desk.sheet.texts)
    ends = []
    for tongue, x in zip(tongues, (left, left + width + gutter), strict=True):
        words = desk.words(title, 20, tongue)[: desk.whole(2, 6)]
        ends.append(desk.paragraph(title, words, x, y, width, leading=1.1, align="centre"))
    y = max(ends) + kind.em
    top, number = y, 1
    while y < bottom - 4 * kind.em:
        ends = []
        for tongue, x in zip(tongues, (left, left + width + gutter), strict=True):
            words = [f"{number}.", *desk.words(kind, desk.whole(80, 400), tongue)]
            ends.append(desk.paragraph(kind, words, x, y, width, leading=1.2, align="justify", bottom=bottom))
        y = max(ends) + 0.8 * kind.em
        number += 1
        if desk.chance(0.1):
            break
    # Who reads a notice reads one language of it.
    desk.read_by_columns(before, left + width + gutter / 2)
    desk.sheet.rule((left + width + gutter / 2, top), (left + width + gutter / 2, y), max(1.0, 0.06 * kind.em))
    desk.new_block()
    desk.put(
        kind, desk.string(kind, "company", "address", most=50), desk.width / 2, desk.height * 0.965, align="centre"
    )


def draw_ticket(desk: Desk) -> None:
    """Lays out a ticket or pass: fields scattered over a card, large codes, bars, a stub with text up its side."""
    sheet = desk.sheet
    kind = desk.type({Category.SANS_SERIF: 0.7, Category.MONOSPACE: 0.3}, desk.between(13, 19), everyday=0.4)
    tone = desk.between(200, 255)
    sheet.fill(0, 0, desk.width, desk.height, (tone, tone, tone))
    band = desk.height * desk.between(0.14, 0.22)
    shade = some_colour(desk.generator, 10, 120)
    sheet.fill(0, 0, desk.width, band, shade)
    head = desk.bold(kind, 1.5).coloured(WHITE)
    pad = 0.04 * desk.width
    desk.new_block()
    desk.put(head, desk.string(head, "company", most=24), pad, band / 2 + 0.35 * head.em, room=0.5 * desk.width)
    desk.put(
        head,
        desk.phrase(head, 2, 16),
        desk.width - 2.5 * pad,
        band / 2 + 0.35 * head.em,
        align="right",
        column=1,
        room=0.3 * desk.width,
    )
    stub = desk.width * desk.between(0.74, 0.82)
    small, large = kind.sized(0.75), desk.bold(kind, desk.between(1.2, 1.8))
    y = band + 0.6 * kind.em
    columns = desk.whole(2, 3)
    width = (stub - 2 * pad) / columns
    while y < desk.height * 0.78 - 1.4 * (small.em + large.em):
        for column in range(columns):
            x = pad + column * width
            desk.new_block()
            desk.put(small, desk.string(small, "form-label", most=16), x, y + small.above, room=0.9 * width)
            desk.new_row()
            text = desk.string(large, "name", "date", "time", "code", "number", "short-token", "word", most=18)
            desk.put(large, text, x, y + 1.25 * small.em + large.above, room=0.9 * width)
        y += 1.4 * (small.em + large.em)
    draw_bar_code(sheet, desk.generator, pad, y, 0.55 * stub, max(8.0, desk.height * 0.94 - y))
    for level in range(round(band), round(desk.height), 12):
        sheet.fill(stub, level, 2, 6)
    desk.new_block()
    turned = desk.bold(kind, 1.2)
    desk.put(turned, fill(desk.generator, "??## ######"), stub + 2.2 * turned.em, desk.height * 0.94, angle=-90.0)
    side = min(desk.width - stub - 3.6 * turned.em, 0.4 * desk.height)
    if side > 30:
        draw_square_code(sheet, desk.generator, desk.width - side - 0.5 * turned.em, desk.height * 0.5, side)
