"""Forms with labels, rules, boxes to fill in and to tick, as offices print, fill in, copy and keep them."""

from __future__ import annotations

from itertools import pairwise

from typecase.synthesis.draws import Choice, pick
from typecase.synthesis.fonts import Category
from typecase.synthesis.page_desk import Desk
from typecase.synthesis.page_marks import draw_logo, draw_scribble, draw_stamp, some_colour
from typecase.synthesis.page_tables import draw_ruled_figures, draw_table
from typecase.synthesis.page_type import PageType

_FORM_FACES = {Category.SANS_SERIF: 0.5, Category.SERIF: 0.3, Category.MONOSPACE: 0.2}
_FILLED_FACES = {Category.MONOSPACE: 0.6, Category.SANS_SERIF: 0.22, Category.SERIF: 0.1, Category.HANDWRITING: 0.14}


def draw_form(desk: Desk) -> None:
    """Lays out a form: a title, then fields, boxes, tables and notes down the page, filled in by another machine."""
    label = desk.type(_FORM_FACES, desk.between(8, 11.5), everyday=0.7, heavy=desk.chance(0.25))
    if desk.chance(0.25):
        label = label.styled(bold=desk.between(0.0, 0.04))
    filled = desk.type(_FILLED_FACES, desk.between(9, 12), everyday=0.65) if desk.chance(0.7) else label
    left = desk.width * desk.between(0.05, 0.14)
    right = desk.width * desk.between(0.88, 0.96)
    y = desk.height * desk.between(0.03, 0.1)
    bottom = desk.height * desk.between(0.86, 0.97)
    y = _form_head(desk, label, left, right, y)
    framed_from = y if desk.chance(0.25) else None
    sections = Choice(_SECTIONS)
    while y < bottom - 3 * label.em:
        section = sections.draw(desk.generator)
        pad = 0.6 * label.em if framed_from is not None else 0.0
        y = section(desk, label, filled, left + pad, right - pad, y, bottom)
        y += desk.between(0.4, 2.4) * label.em
        if desk.chance(0.18):
            desk.sheet.rule((left, y), (right, y), max(1.0, desk.between(0.05, 0.25) * label.em))
            y += desk.between(0.3, 1.0) * label.em
    if framed_from is not None:
        thick = max(1.0, desk.between(0.06, 0.2) * label.em)
        desk.sheet.frame(
            left - 0.4 * label.em,
            framed_from - 0.5 * label.em,
            right - left + 0.8 * label.em,
            min(y, desk.height * 0.985) - framed_from + 0.5 * label.em,
            thick,
        )
    _page_marks(desk, label, left, right, bottom)


def _form_head(desk: Desk, label: PageType, left: float, right: float, y: float) -> float:
    if desk.chance(0.25):
        _telefax_line(desk, label)
    title = desk.bold(label, desk.between(1.0, 1.9)) if desk.chance(0.8) else label
    centred = desk.chance(0.7)
    low = y
    if desk.chance(0.2):
        size = desk.between(2, 4) * label.em
        draw_logo(desk.sheet, desk.generator, left, y, size)
        low = y + 1.2 * size
        if not centred:
            y = low
    desk.new_block()
    for number in range(desk.whole(1, 3)):
        used = title if number == 0 else title.sized(0.85)
        text = desk.string(used, "heading", "form-label", "company", "caps-line", most=50)
        if desk.chance(0.7):
            text = used.without_missing(text.upper()) or text
        if number:
            desk.new_row()
        place, how = ((left + right) / 2, "centre") if centred else (left, "left")
        desk.put(used, text, place, y + used.above, align=how, room=0.75 * (right - left), underlined=desk.chance(0.12))
        y += used.em * desk.between(1.1, 1.5)
    if desk.chance(0.4):
        desk.new_block()
        desk.put(
            label,
            desk.string(label, "date", "code", "key-value", most=24),
            right,
            y + label.above,
            align="right",
            room=0.5 * (right - left),
        )
        y += 1.3 * label.em
    if desk.chance(0.2):
        tone = desk.between(150, 225)
        band = desk.between(1.4, 2.4) * label.em
        desk.sheet.fill(left, y, right - left, band, (tone, tone, tone))
        desk.new_block()
        desk.put(
            desk.bold(label),
            desk.string(label, "caps-line", most=40),
            (left + right) / 2,
            y + band / 2 + 0.35 * label.em,
            align="centre",
            room=right - left,
        )
        y += band
    return max(y, low) + desk.between(0.5, 2.0) * label.em


def _telefax_line(desk: Desk, label: PageType) -> None:
    """The line that a sending machine sets at the very top: date, time, number, page."""
    small = label.sized(desk.between(0.7, 0.95))
    desk.new_block()
    baseline = desk.height * desk.between(0.012, 0.022) + small.above
    texts = (
        desk.string(small, "date", most=18),
        desk.string(small, "time", most=9),
        desk.string(small, "company", "phone", most=30),
        f"P.{desk.whole(1, 9)}/{desk.whole(9, 20)}",
    )
    x = desk.width * desk.between(0.02, 0.1)
    for column, text in enumerate(texts):
        x += desk.put(small, text.upper(), x, baseline, column=column) + desk.between(0.6, 5) * small.em


def _value(desk: Desk, filled: PageType, most: int) -> str:
    return desk.string(
        filled,
        "name",
        "company",
        "address",
        "date",
        "amount",
        "number",
        "code",
        "phone",
        "heading",
        "word",
        "measure",
        most=most,
    )


def _label(desk: Desk, label: PageType, most: int = 30) -> str:
    for _ in range(4):
        text = desk.string(label, "form-label", most=most)
        # Rules of underscores are drawn as rules here.
        if "_" not in text:
            return text
    return label.without_missing(text.replace("_", "")) or "No."


def _fields(desk: Desk, label: PageType, filled: PageType, left: float, right: float, y: float, bottom: float) -> float:
    """Labels with rules or leaders behind them, on which values stand."""
    columns = int(pick(desk.generator, (1, 1, 1, 2, 2, 3)))
    step = max(label.em, filled.em) * desk.between(1.35, 2.6)
    ruled = desk.chance(0.65)
    aligned = desk.chance(0.45)
    thin = max(1.0, desk.between(0.05, 0.12) * label.em)
    width = (right - left) / columns
    at = desk.between(0.22, 0.5) * width
    underlined = desk.chance(0.08)
    desk.new_block()
    for _ in range(desk.whole(2, 8)):
        if y + step > bottom:
            break
        baseline = y + 0.72 * step
        for column in range(columns):
            start = left + column * width
            end = start + width - (0.8 * label.em if columns > 1 else 0)
            text = _label(desk, label, 28 if columns == 1 else 16)
            wide = desk.put(label, text, start, baseline, column=2 * column, room=0.6 * width, underlined=underlined)
            begin = start + (max(at, wide + 0.4 * label.em) if aligned else wide + desk.between(0.4, 0.9) * label.em)
            if begin > end - 2 * label.em:
                continue
            if ruled:
                # A typewriter that was not set to the form's lines writes into its rules.
                level = baseline + desk.between(-0.1, 0.3) * label.em
                desk.sheet.rule((begin, level), (end, level), thin)
            if desk.chance(0.72):
                indent = desk.between(0.2, 2.0) * filled.em
                if end - begin - indent > 2 * filled.em:
                    desk.put(
                        filled,
                        _value(desk, filled, 40),
                        begin + indent,
                        baseline,
                        column=2 * column + 1,
                        room=end - begin - indent,
                    )
        desk.new_row()
        y += step
    return y


def _grid_of_fields(
    desk: Desk, label: PageType, filled: PageType, left: float, right: float, y: float, bottom: float
) -> float:
    """Boxes side by side, each with a small label at its upper left and a value below it."""
    small = label.sized(desk.between(0.65, 1.0))
    tall = small.em * 1.2 + filled.em * desk.between(1.3, 2.2)
    thin = max(1.0, desk.between(0.05, 0.15) * label.em)
    desk.new_block()
    for _ in range(desk.whole(1, 5)):
        if y + tall > bottom:
            break
        count = desk.whole(1, 4)
        cuts = sorted(desk.between(0.15, 0.85) for _ in range(count - 1))
        edges = [left, *(left + cut * (right - left) for cut in cuts), right]
        fields = [(start, end) for start, end in pairwise(edges) if end - start > 3 * label.em]
        for start, end in pairwise(edges):
            desk.sheet.frame(start, y, end - start, tall, thin)
        for column, (start, end) in enumerate(fields):
            desk.put(
                small,
                _label(desk, small, 26),
                start + 0.3 * small.em,
                y + 0.2 * small.em + small.above,
                column=column,
                room=end - start - 0.6 * small.em,
                apart=True,
            )
        desk.new_row()
        for column, (start, end) in enumerate(fields):
            if desk.chance(0.75):
                desk.put(
                    filled,
                    _value(desk, filled, 40),
                    start + desk.between(0.3, 1.2) * filled.em,
                    y + tall - 0.35 * filled.em,
                    column=column,
                    room=end - start - 1.6 * filled.em,
                    apart=True,
                )
        desk.new_row()
        y += tall
    return y


def _ticks(desk: Desk, label: PageType, filled: PageType, left: float, right: float, y: float, bottom: float) -> float:
    """Boxes to tick, with their labels."""
    side = desk.between(0.7, 1.4) * label.em
    step = max(side, label.em) * desk.between(1.2, 1.9)
    columns = desk.whole(1, 4)
    width = (right - left) / columns
    before = desk.chance(0.7)
    thin = max(1.0, desk.between(0.05, 0.12) * label.em)
    desk.new_block()
    if desk.chance(0.5):
        desk.put(label, _label(desk, label), left, y + label.above, room=right - left)
        y += 1.3 * label.em
        desk.new_row()
    for _ in range(desk.whole(1, 4)):
        if y + step > bottom:
            break
        baseline = y + side * 0.85
        for column in range(columns):
            if desk.chance(0.12):
                continue
            start = left + column * width
            text = desk.string(label, "form-label", "word", "short-token", "date", most=22)
            if before:
                box = start
                desk.put(label, text, start + 1.5 * side, baseline, column=column, room=width - 2 * side, apart=True)
            else:
                box = (
                    start
                    + desk.put(label, text, start, baseline, column=column, room=width - 2.5 * side, apart=True)
                    + 0.5 * side
                )
            desk.sheet.frame(box, y, side, side, thin)
            if desk.chance(0.3):
                _tick(desk, box, y, side)
        desk.new_row()
        y += step
    return y


def _tick(desk: Desk, x: float, y: float, side: float) -> None:
    """A cross or a hook by a pen: no text."""
    thick = max(1.0, 0.1 * side)
    if desk.chance(0.6):
        desk.sheet.rule((x + 0.15 * side, y + 0.1 * side), (x + 0.9 * side, y + 0.95 * side), thick)
        desk.sheet.rule((x + 0.9 * side, y + 0.05 * side), (x + 0.1 * side, y + 0.9 * side), thick)
    else:
        desk.sheet.rule((x + 0.1 * side, y + 0.5 * side), (x + 0.4 * side, y + 0.9 * side), thick)
        desk.sheet.rule((x + 0.4 * side, y + 0.9 * side), (x + 1.1 * side, y - 0.2 * side), thick)


def _notes(desk: Desk, label: PageType, filled: PageType, left: float, right: float, y: float, bottom: float) -> float:
    """Running text, by itself or on the rules of a field, after a label."""
    kind = pick(desk.generator, (label, label, filled))
    ruled = desk.chance(0.3)
    leading = desk.between(1.4, 2.0) if ruled else desk.between(1.05, 1.5)
    indent = desk.between(0, 0.25) * (right - left) if desk.chance(0.3) else 0.0
    if desk.chance(0.6):
        desk.new_block()
        face = desk.bold(label) if desk.chance(0.4) else label
        desk.put(face, _label(desk, label), left, y + label.above, room=right - left, underlined=desk.chance(0.2))
        y += desk.between(1.2, 1.7) * label.em
    words = desk.words(kind, desk.whole(40, 420))
    if desk.chance(0.25):
        words = [kind.without_missing(word.upper()) or word for word in words]
    end = desk.paragraph(
        kind,
        words,
        left + indent,
        y,
        right - left - indent,
        leading=leading,
        bottom=bottom,
        align=pick(desk.generator, ("left", "left", "left", "justify")),
    )
    if ruled:
        level = y + kind.above + desk.between(-0.05, 0.25) * kind.em
        last = min(bottom, end + desk.whole(0, 3) * leading * kind.em)
        while level < last:
            desk.sheet.rule((left, level), (right, level), max(1.0, 0.06 * label.em))
            level += leading * kind.em
        return last
    return end


def _form_table(
    desk: Desk, label: PageType, filled: PageType, left: float, right: float, y: float, bottom: float
) -> float:
    kind, tight = pick(desk.generator, (label, filled)), desk.chance(0.35)
    return draw_table(desk, kind, left, y, right - left, bottom, rows=desk.whole(2, 8), tight=tight)


def _names(desk: Desk, label: PageType, filled: PageType, left: float, right: float, y: float, bottom: float) -> float:
    """Names in columns, as under a carbon copy's cc."""
    columns, step = desk.whole(2, 4), label.em * desk.between(1.1, 1.5)
    desk.new_block()
    desk.put(
        label, pick(desk.generator, ("CC:", "cc:", "Distribution:", "COPIES TO:", "Attendees:")), left, y + label.above
    )
    y += step
    for _ in range(desk.whole(2, 6)):
        if y + step > bottom:
            break
        desk.new_row()
        for column in range(columns):
            if desk.chance(0.9):
                desk.put(
                    label,
                    desk.string(label, "name", most=20),
                    left + (column + 0.1) * (right - left) / columns,
                    y + label.above,
                    column=column,
                    room=0.85 * (right - left) / columns,
                )
        y += step
    return y


def _instructions(
    desk: Desk, label: PageType, filled: PageType, left: float, right: float, y: float, bottom: float
) -> float:
    """Numbered or lettered paragraphs with a hanging indent, or choices with brackets to tick."""
    style = desk.whole(0, 2)
    at = left + desk.between(2, 4.5) * label.em
    gap = desk.between(0.2, 1.2) * label.em
    leading = desk.between(1.05, 1.3)
    capitals = desk.chance(0.35)
    for number in range(desk.whole(2, 6)):
        if y > bottom - 1.5 * label.em:
            break
        mark = f"{number + 1}." if style == 0 else f"{chr(97 + number)})" if style == 1 else "(  )"
        desk.new_block()
        desk.put(label, mark, left, y + label.above)
        words = desk.words(label, desk.whole(20, 240))
        if capitals:
            words = [label.without_missing(word.upper()) or word for word in words]
        y = desk.paragraph(label, words, at, y, right - at, leading=leading, bottom=bottom, new_block=False) + gap
    return y


def _blank_rules(
    desk: Desk, label: PageType, filled: PageType, left: float, right: float, y: float, bottom: float
) -> float:
    """A label and empty rules to write on."""
    step = label.em * desk.between(1.5, 2.4)
    desk.new_block()
    wide = desk.put(label, _label(desk, label, 40), left, y + label.above, room=0.7 * (right - left))
    thin = max(1.0, desk.between(0.05, 0.12) * label.em)
    level = y + label.above + 0.15 * label.em
    start = left + wide + 0.3 * label.em if desk.chance(0.6) else left
    if start == left:
        level += step
    for _ in range(desk.whole(1, 6)):
        if level > bottom:
            break
        desk.sheet.rule((start, level), (right, level), thin)
        start, level = left, level + step
    return level - 0.5 * step


def _signatures(
    desk: Desk, label: PageType, filled: PageType, left: float, right: float, y: float, bottom: float
) -> float:
    """Rules to sign on, most of them signed."""
    tall = desk.between(2.5, 4.5) * label.em
    if y + tall + 1.5 * label.em > bottom:
        return y + label.em
    count = desk.whole(1, 3)
    width = (right - left) / count
    desk.new_block()
    for column in range(count):
        start = left + column * width
        end = start + width * desk.between(0.6, 0.92)
        desk.sheet.rule((start, y + tall), (end, y + tall), max(1.0, 0.06 * label.em))
        if desk.chance(0.6):
            draw_scribble(
                desk.sheet,
                desk.generator,
                start,
                y + 0.1 * tall,
                0.7 * (end - start),
                0.9 * tall,
                some_colour(desk.generator, 0, 90),
            )
        text = pick(
            desk.generator,
            ("Signature", "Date", "Approved by", "Name", "Authorized Signature", "Unterschrift", "Firma"),
        )
        desk.put(label, text, start, y + tall + 0.25 * label.em + label.above, column=column, room=width * 0.9)
    return y + tall + 1.5 * label.em


def _page_marks(desk: Desk, label: PageType, left: float, right: float, bottom: float) -> None:
    """What stands at the page's edges: its number, an archive's number up the side, stamps, notes of a pen."""
    small = label.sized(desk.between(0.7, 1.0))
    level = bottom + 0.4 * (desk.height - bottom) + small.above / 2
    if desk.chance(0.35):
        desk.new_block()
        text = pick(
            desk.generator,
            (
                f"Page {desk.whole(1, 9)}",
                f"PAGE {desk.whole(1, 4)} of {desk.whole(4, 9)}",
                str(desk.whole(1, 200)),
                f"- {desk.whole(1, 40)} -",
                f"Form {desk.whole(100, 9999)}",
            ),
        )
        place = pick(desk.generator, (("left", left), ("centre", desk.width / 2), ("right", right)))
        desk.put(small, text, place[1], level, align=place[0], room=0.5 * desk.width)
    if desk.chance(0.4):
        desk.new_block()
        bold = desk.bold(label, desk.between(1.0, 1.6))
        number = str(desk.whole(10_000_000, 99_999_999))
        if desk.chance(0.7):
            x = desk.width * desk.between(0.955, 0.985)
            y = desk.height * desk.between(0.6, 0.9)
            turn = 90.0 if desk.chance(0.8) else -90.0
            if turn == 90.0:
                x -= bold.above
            desk.put(bold, number, x, y, angle=turn)
        else:
            desk.put(bold, number, right, level, align="right")
    if desk.chance(0.2):
        x, y = desk.between(0.1, 0.8) * desk.width, desk.between(0, 0.9) * desk.height
        width = desk.between(0.08, 0.35) * desk.width
        draw_scribble(
            desk.sheet, desk.generator, x, y, width, width * desk.between(0.2, 0.5), some_colour(desk.generator, 0, 100)
        )
    if desk.chance(0.08):
        x, y = desk.between(0.1, 0.7) * desk.width, desk.between(0.02, 0.8) * desk.height
        draw_stamp(
            desk.sheet, desk.generator, x, y, desk.between(0.1, 0.25) * desk.width, some_colour(desk.generator, 40, 140)
        )


_SECTIONS = {
    _fields: 0.32,
    _grid_of_fields: 0.13,
    _ticks: 0.11,
    _notes: 0.13,
    _instructions: 0.08,
    _blank_rules: 0.06,
    _form_table: 0.1,
    draw_ruled_figures: 0.08,
    _names: 0.05,
    _signatures: 0.05,
}
