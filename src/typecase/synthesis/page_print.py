"""Pages of running text: articles in columns, pages of books, typescript."""

from __future__ import annotations

from dataclasses import replace

from typecase.synthesis.draws import pick
from typecase.synthesis.fonts import Category
from typecase.synthesis.page_desk import Desk
from typecase.synthesis.page_marks import draw_chart, draw_photograph
from typecase.synthesis.page_tables import PRINT_FACES, draw_table
from typecase.synthesis.page_type import PageType, widest

_BOOK_FACES = {Category.SERIF: 0.85, Category.SANS_SERIF: 0.15}


def draw_article(desk: Desk) -> None:
    """Lays out a page of a paper or magazine: a title, one to three columns, headings, pictures, notes."""
    kind = desk.type(PRINT_FACES, desk.between(7.5, 11.5), everyday=0.35)
    columns = int(pick(desk.generator, (1, 2, 2, 2, 3)))
    left = desk.width * desk.between(0.06, 0.13)
    right = desk.width - desk.width * desk.between(0.06, 0.13)
    top = desk.height * desk.between(0.05, 0.1)
    bottom = desk.height * desk.between(0.88, 0.95)
    small = kind.sized(0.82)
    _running_head(desk, small, left, right, top - 0.6 * kind.em)
    if desk.chance(0.6):
        top = _article_title(desk, kind, left, right, top)
    gutter = desk.between(1.2, 3) * kind.em
    width = (right - left - (columns - 1) * gutter) / columns
    for column in range(columns):
        x = left + column * (width + gutter)
        _column(desk, kind, x, top, width, bottom)
        if column and desk.chance(0.15):
            desk.sheet.rule((x - gutter / 2, top), (x - gutter / 2, bottom), max(1.0, 0.05 * kind.em))
    if desk.chance(0.6):
        desk.new_block()
        desk.put(small, str(desk.whole(1, 400)), desk.width / 2, bottom + 0.5 * (desk.height - bottom), align="centre")


def _running_head(desk: Desk, small: PageType, left: float, right: float, baseline: float) -> None:
    if desk.chance(0.5) or baseline < 1.2 * small.em:
        return
    desk.new_block()
    if desk.chance(0.5):
        desk.put(small, desk.phrase(small, 5), left, baseline, room=0.6 * (right - left))
        desk.put(small, str(desk.whole(1, 400)), right, baseline, align="right", column=1)
    else:
        desk.put(small, desk.phrase(small, 6), (left + right) / 2, baseline, align="centre", room=right - left)
    if desk.chance(0.4):
        level = baseline + 0.5 * small.em
        desk.sheet.rule((left, level), (right, level), max(1.0, 0.05 * small.em))


def _article_title(desk: Desk, kind: PageType, left: float, right: float, y: float) -> float:
    title = desk.bold(kind, desk.between(1.6, 4.0)) if desk.chance(0.7) else kind.sized(desk.between(1.8, 4))
    align = pick(desk.generator, ("left", "centre"))
    words = desk.phrase(title, 9, 80).split(" ")
    y = desk.paragraph(title, words, left, y, right - left, leading=desk.between(1.0, 1.2), align=align)
    y += 0.3 * title.em
    if desk.chance(0.6):
        desk.new_block()
        place = left if align == "left" else (left + right) / 2
        names = ", ".join(desk.string(kind, "name", most=24) for _ in range(desk.whole(1, 3)))
        desk.put(
            desk.italic(kind) if desk.chance(0.4) else kind,
            names,
            place,
            y + kind.above,
            align=align,
            room=right - left,
        )
        y += 1.6 * kind.em
    if desk.chance(0.4):
        inset = desk.between(0, 0.1) * (right - left)
        y = desk.paragraph(
            kind.sized(0.95),
            desk.words(kind, desk.whole(200, 700)),
            left + inset,
            y,
            right - left - 2 * inset,
            leading=desk.between(1.05, 1.3),
            align="justify",
            hyphens=0.3,
        )
    return y + desk.between(0.8, 2.0) * kind.em


def _column(desk: Desk, kind: PageType, x: float, y: float, width: float, bottom: float) -> None:
    leading = desk.between(1.02, 1.45)
    align = pick(desk.generator, ("justify", "justify", "left"))
    indent = desk.between(0.8, 2) * kind.em if desk.chance(0.5) else 0.0
    gap = desk.between(0, 0.3) * kind.em if indent else desk.between(0.3, 1.2) * kind.em
    heading = desk.bold(kind, desk.between(1.0, 1.5)) if desk.chance(0.7) else desk.italic(kind, 1.1)
    while y < bottom - 2 * kind.em:
        draw = desk.generator.random()
        if draw < 0.14:
            y += 0.5 * kind.em
            number = pick(desk.generator, ("", "", f"{desk.whole(1, 6)}. ", f"{desk.whole(1, 4)}.{desk.whole(1, 5)} "))
            y = (
                desk.paragraph(heading, (number + desk.phrase(heading, 5)).split(" "), x, y, width, bottom=bottom)
                + 0.3 * kind.em
            )
        elif draw < 0.2 and bottom - y > 12 * kind.em:
            tall = min(desk.between(0.4, 1.0) * width, bottom - y - 3 * kind.em)
            draw_it = draw_chart if desk.chance(0.35) else draw_photograph
            draw_it(desk.sheet, desk.generator, x, y, width, tall)
            y += tall + 0.4 * kind.em
            caption = desk.italic(kind, 0.85) if desk.chance(0.5) else kind.sized(0.85)
            if desk.chance(0.7):
                y = desk.paragraph(
                    caption, desk.words(caption, desk.whole(20, 140)), x, y, width, leading=1.15, bottom=bottom
                )
            y += kind.em
        elif draw < 0.32:
            y = _list(desk, kind, x, y, width, bottom, leading)
        elif draw < 0.36 and bottom - y > 10 * kind.em:
            y = draw_table(desk, kind.sized(0.85), x, y, width, bottom, rows=desk.whole(2, 7)) + kind.em
        else:
            y = desk.paragraph(
                kind,
                desk.words(kind, desk.whole(100, 800)),
                x,
                y,
                width,
                leading=leading,
                align=align,
                indent=indent,
                hyphens=0.35 if align == "justify" else 0.1,
                bottom=bottom,
            )
        y += gap


def _list(desk: Desk, kind: PageType, x: float, y: float, width: float, bottom: float, leading: float) -> float:
    mark = pick(desk.generator, ("•", "–", "—", "—", "-", "*", "1", "a", "■", "▪", "·", "○", "→"))
    inset = desk.between(0.6, 2.0) * kind.em
    for number in range(desk.whole(2, 6)):
        if y > bottom - 1.5 * kind.em:
            break
        sign = f"{number + 1}." if mark == "1" else f"{chr(97 + number)})" if mark == "a" else mark
        sign = kind.without_missing(sign)
        desk.new_block()
        wide = desk.put(kind, sign, x, y + kind.above) if sign else 0.0
        start = x + max(inset, wide + 0.3 * kind.em)
        y = desk.paragraph(
            kind,
            desk.words(kind, desk.whole(20, 140)),
            start,
            y,
            width - (start - x),
            leading=leading,
            bottom=bottom,
            new_block=False,
        )
        y += 0.2 * kind.em
    return y


def draw_book(desk: Desk) -> None:
    """Lays out a page of a book: running head, justified text in one column, now and then a chapter or a note."""
    kind = desk.type(_BOOK_FACES, desk.between(8.5, 12), everyday=0.3)
    left = desk.width * desk.between(0.08, 0.16)
    right = desk.width * desk.between(0.85, 0.93)
    top = desk.height * desk.between(0.07, 0.12)
    bottom = desk.height * desk.between(0.86, 0.94)
    leading = desk.between(1.08, 1.5)
    small = kind.sized(0.85)
    head = small.styled(letter_spacing=desk.between(0, 0.12)) if desk.chance(0.5) else small
    if desk.chance(0.7):
        desk.new_block()
        number = str(desk.whole(1, 600))
        text = desk.phrase(head, 5, 40)
        text = (head.without_missing(text.upper()) or text) if desk.chance(0.6) else text
        level = top - desk.between(0.9, 1.8) * kind.em
        draw = desk.generator.random()
        if draw < 0.4:
            desk.put(head, number, left, level)
            desk.put(head, text, (left + right) / 2, level, align="centre", column=1, room=0.7 * (right - left))
        elif draw < 0.8:
            desk.put(head, text, (left + right) / 2, level, align="centre", room=0.7 * (right - left))
            desk.put(head, number, right, level, align="right", column=1)
        else:
            desk.put(head, text, (left + right) / 2, level, align="centre", room=right - left)
    y = top
    if desk.chance(0.2):
        y += desk.between(2, 9) * kind.em
        title = kind.sized(desk.between(1.2, 2.4))
        if desk.chance(0.7):
            desk.new_block()
            numeral = pick(desk.generator, ("I", "II", "III", "IV", "V", "VII", "X", "XIV", "1", "2", "7", "12"))
            word = pick(desk.generator, ("CHAPTER", "Chapter", "CAPÍTULO", "Chapitre", "Kapitel", ""))
            text = f"{word} {numeral}".strip()
            desk.put(
                title,
                title.without_missing(text) or numeral,
                (left + right) / 2,
                y + title.above,
                align="centre",
                room=right - left,
            )
            y += 1.8 * title.em
        if desk.chance(0.6):
            y = (
                desk.paragraph(title, desk.phrase(title, 7).split(" "), left, y, right - left, align="centre")
                + title.em
            )
        y += kind.em
    notes = desk.chance(0.15)
    body_bottom = bottom - (desk.whole(2, 6) * 1.2 * small.em + kind.em if notes else 0)
    indent = desk.between(0.9, 2) * kind.em if desk.chance(0.85) else 0.0
    hyphens = desk.between(0.2, 0.7)
    is_verse = desk.chance(0.06)
    while y < body_bottom - kind.em:
        if is_verse:
            y = _verse(desk, kind, left, right, y, body_bottom, leading)
            continue
        before = y
        style = pick(desk.generator, (kind,) * 12 + (desk.italic(kind),))
        is_speech = desk.chance(0.25)
        words = desk.words(style, desk.whole(50, 400 if is_speech else 1300))
        if is_speech:
            mark = pick(desk.generator, ("—", "— ", "— ", "– ", "“", "«", "« ", "- ", "‘"))
            words[0] = kind.without_missing(mark + words[0]) or words[0]
        y = desk.paragraph(
            style,
            words,
            left,
            y,
            right - left,
            leading=leading,
            align="justify" if desk.chance(0.97) else "left",
            indent=indent,
            hyphens=hyphens,
            bottom=body_bottom,
        )
        if not indent:
            y += 0.5 * leading * kind.em
        if y <= before:
            break
        if desk.chance(0.04):
            y += leading * kind.em
    if notes:
        level = body_bottom + 0.3 * kind.em
        desk.sheet.rule(
            (left, level), (left + desk.between(0.15, 0.4) * (right - left), level), max(1.0, 0.05 * kind.em)
        )
        words = desk.words(small, 400)
        words[0] = small.without_missing(f"{desk.whole(1, 9)} {words[0]}")
        desk.paragraph(
            small,
            words,
            left,
            level + 0.4 * kind.em,
            right - left,
            leading=1.15,
            align="justify",
            hyphens=hyphens,
            bottom=bottom,
        )
    if desk.chance(0.35):
        desk.new_block()
        desk.put(
            small, str(desk.whole(1, 600)), (left + right) / 2, bottom + 0.55 * (desk.height - bottom), align="centre"
        )


def _verse(desk: Desk, kind: PageType, left: float, right: float, y: float, bottom: float, leading: float) -> float:
    desk.new_block()
    inset = desk.between(0.05, 0.25) * (right - left)
    for number in range(desk.whole(4, 10)):
        if y > bottom - kind.em:
            break
        if number:
            desk.new_row()
        step = 1.5 * kind.em if number % 2 and desk.chance(0.5) else 0.0
        desk.put(kind, desk.phrase(kind, 8, 50), left + inset + step, y + kind.above, room=right - left - inset - step)
        y += leading * kind.em
    return y + leading * kind.em


def draw_typescript(desk: Desk) -> None:
    """Lays out a typewriter's page: one size, even steps, uneven letters, headings in capitals."""
    kind = desk.type({Category.MONOSPACE: 1.0}, desk.between(9.5, 12.5), everyday=0.5)
    kind = replace(
        kind,
        style=replace(
            kind.style,
            unevenness=desk.between(0, 0.025),
            unevenness_seed=desk.whole(0, 1 << 30),
            kerning=False,
            ligatures=False,
            bold=desk.between(-0.01, 0.03),
        ),
    )
    left, right = desk.width * desk.between(0.09, 0.16), desk.width * desk.between(0.86, 0.93)
    y, bottom = desk.height * desk.between(0.05, 0.1), desk.height * desk.between(0.86, 0.95)
    leading = float(pick(desk.generator, (1.05, 1.15, 1.6, 2.1)))
    step = leading * kind.em
    if desk.chance(0.6):
        desk.new_block()
        names = ("TO:", "FROM:", "DATE:", "SUBJECT:", "RE:", "cc:", "ATTENTION:")[: desk.whole(3, 6)]
        at = widest(kind, names) + desk.between(1, 4) * kind.em
        for name in names:
            desk.new_row()
            desk.put(kind, name, left, y + kind.above)
            if desk.chance(0.9):
                text = desk.string(
                    kind, "date" if name == "DATE:" else "name" if name != "SUBJECT:" else "heading", most=44
                )
                desk.put(kind, text, left + at, y + kind.above, column=1, room=right - left - at)
            y += max(step, 1.3 * kind.em)
        y += step
    while y < bottom - 2 * kind.em:
        draw = desk.generator.random()
        if draw < 0.15:
            text = desk.phrase(kind, 6)
            desk.new_block()
            centre = desk.chance(0.4)
            desk.put(
                kind,
                kind.without_missing(text.upper()) or text,
                (left + right) / 2 if centre else left,
                y + kind.above,
                align="centre" if centre else "left",
                room=right - left,
                underlined=desk.chance(0.4),
            )
            y += 1.4 * step
        elif draw < 0.25:
            y = _list(desk, kind, left + desk.between(0, 3) * kind.em, y, 0.85 * (right - left), bottom, leading)
        else:
            indent = desk.between(2.5, 5) * kind.em if desk.chance(0.5) else 0.0
            y = desk.paragraph(
                kind,
                desk.words(kind, desk.whole(80, 700)),
                left,
                y,
                right - left,
                leading=leading,
                indent=indent,
                bottom=bottom,
            )
        y += desk.between(0.2, 1.0) * step
    if desk.chance(0.5):
        desk.new_block()
        desk.put(
            kind,
            pick(desk.generator, ("-{}-", "{}", "Page {}")).format(desk.whole(1, 60)),
            desk.width / 2,
            bottom + 0.5 * (desk.height - bottom),
            align="centre",
        )
