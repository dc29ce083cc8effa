"""Pages to look at: slides, posters and signs; and pages with next to nothing, or nothing, to read."""

from __future__ import annotations

import numpy as np

from typecase.synthesis.draws import pick
from typecase.synthesis.fonts import Category
from typecase.synthesis.page_desk import Desk
from typecase.synthesis.page_marks import (
    draw_bar_code,
    draw_chart,
    draw_logo,
    draw_noise,
    draw_photograph,
    draw_scribble,
    draw_square_code,
    draw_stamp,
    photograph,
    some_colour,
)
from typecase.synthesis.page_tables import draw_table
from typecase.synthesis.page_type import Colour

_SLIDE_FACES = {Category.SANS_SERIF: 0.8, Category.SERIF: 0.14, Category.DISPLAY: 0.06}
_SIGN_FACES = {
    Category.DISPLAY: 0.36,
    Category.SANS_SERIF: 0.36,
    Category.SERIF: 0.17,
    Category.HANDWRITING: 0.08,
    Category.MONOSPACE: 0.03,
}
_LUMA = np.array([0.299, 0.587, 0.114])


def _against(desk: Desk, ground: Colour, least: float = 80.0) -> Colour:
    """A colour that can be read on a ground."""
    light = float(np.array(ground) @ _LUMA)
    for _ in range(12):
        colour = some_colour(desk.generator, 0, 255)
        if abs(float(np.array(colour) @ _LUMA) - light) >= least:
            return colour
    return (255.0, 255.0, 255.0) if light < 128 else (0.0, 0.0, 0.0)


def draw_slide(desk: Desk) -> None:
    """Lays out a slide: title, points in two levels, pictures, charts, a table, a footer."""
    sheet = desk.sheet
    ground: Colour = (255.0, 255.0, 255.0) if desk.chance(0.5) else some_colour(desk.generator, 0, 255)
    sheet.fill(0, 0, desk.width, desk.height, ground)
    ink = _against(desk, ground, 110)
    title = desk.type(_SLIDE_FACES, desk.between(26, 46), heavy=desk.chance(0.5)).coloured(ink)
    kind = desk.type(_SLIDE_FACES, desk.between(13, 26)).coloured(ink)
    left, right = desk.width * desk.between(0.04, 0.1), desk.width * desk.between(0.9, 0.96)
    y, bottom = desk.height * desk.between(0.05, 0.12), desk.height * 0.9
    if desk.chance(0.25):
        band = some_colour(desk.generator, 0, 255)
        sheet.fill(0, 0, desk.width, y + 1.8 * title.em, band)
        title = title.coloured(_against(desk, band, 110))
    if desk.chance(0.15):
        y = desk.height * desk.between(0.3, 0.45)
        y = desk.paragraph(
            title.sized(1.2),
            desk.phrase(title, 8).split(" "),
            left,
            y,
            right - left,
            align=pick(desk.generator, ("left", "centre")),
        )
        desk.paragraph(kind, desk.phrase(kind, 9).split(" "), left, y + kind.em, right - left)
        return
    y = desk.paragraph(
        title,
        desk.phrase(title, 7).split(" "),
        left,
        y,
        right - left,
        leading=1.1,
        align=pick(desk.generator, ("left", "left", "centre")),
    )
    y += desk.between(0.4, 1.2) * title.em
    width = right - left
    draw = desk.generator.random()
    if draw < 0.4:
        share = desk.between(0.35, 0.55)
        x = left + (1 - share) * width
        (draw_chart if desk.chance(0.5) else draw_photograph)(
            sheet, desk.generator, x, y, share * width, max(20.0, min(bottom - y, 0.8 * share * width))
        )
        width *= 1 - share - 0.04
    elif draw < 0.55:
        draw_table(desk, kind.sized(0.8), left, y, width, bottom, rows=desk.whole(2, 7))
        y = bottom
    mark = pick(desk.generator, ("•", "–", "▪", "■", "-", ""))
    while y < bottom - 1.5 * kind.em:
        inset = 0.0
        if mark and not set(mark) - set(kind.allowed):
            desk.new_block()
            inset = 1.2 * kind.em
            desk.put(kind, mark, left, y + kind.above)
            y = desk.paragraph(
                kind,
                desk.words(kind, desk.whole(10, 90)),
                left + inset,
                y,
                width - inset,
                bottom=bottom,
                new_block=False,
            )
        else:
            y = desk.paragraph(kind, desk.words(kind, desk.whole(20, 160)), left, y, width, bottom=bottom)
        y += desk.between(0.2, 1) * kind.em
        if desk.chance(0.25):
            small = kind.sized(0.8)
            y = desk.paragraph(
                small,
                desk.words(small, desk.whole(10, 60)),
                left + 2.4 * kind.em,
                y,
                width - 2.4 * kind.em,
                bottom=bottom,
            )
        if desk.chance(0.12):
            break
    if desk.chance(0.5):
        small = kind.sized(0.55)
        desk.new_block()
        desk.put(small, desk.string(small, "company", "date", "url", most=30), left, desk.height * 0.965)
        desk.put(small, str(desk.whole(1, 90)), right, desk.height * 0.965, align="right", column=1)


def draw_poster(desk: Desk) -> None:
    """Lays out a poster or sign: large display type on a colour or a picture, some of it slanted, with small print."""
    sheet = desk.sheet
    ground = some_colour(desk.generator, 0, 255)
    sheet.fill(0, 0, desk.width, desk.height, ground)
    if desk.chance(0.4):
        picture = photograph(desk.generator, sheet.width, sheet.height, sheet.channels)
        # A picture below type keeps to a range of tones against which type can be read.
        base = np.array(sheet.ink(ground), np.float32)
        sheet.paste(np.clip(base + 0.35 * (picture.astype(np.float32) - 128), 0, 255).astype(np.uint8), 0, 0)
    for _ in range(desk.whole(0, 2)):
        x, y = desk.between(-0.1, 0.8) * desk.width, desk.between(-0.1, 0.9) * desk.height
        size = desk.between(0.1, 0.4) * min(desk.width, desk.height)
        draw_logo(sheet, desk.generator, x, y, size, some_colour(desk.generator, 0, 255))
    y = desk.height * desk.between(0.03, 0.3)
    margin = desk.width * desk.between(0.03, 0.12)
    room = desk.width - 2 * margin
    ink = _against(desk, ground, 75)
    align = pick(desk.generator, ("centre", "centre", "left"))
    for number in range(desk.whole(1, 5)):
        size = desk.between(14, 72) * (1.9 if number == 0 else 1)
        kind = desk.type(_SIGN_FACES, size, heavy=desk.chance(0.6), everyday=0.05).coloured(
            ink if desk.chance(0.7) else _against(desk, ground, 75)
        )
        if desk.chance(0.2):
            kind = kind.styled(letter_spacing=desk.between(0.02, 0.3))
        text = (
            desk.string(
                kind, "scene-word", "caps-line", "heading", "word", "company", "phone", "url", "date", "amount", most=26
            )
            if desk.chance(0.7)
            else desk.phrase(kind, 4, 30)
        )
        wide = kind.width(kind.without_missing(text))
        if wide > room:
            kind = kind.sized(room / wide * 0.97)
        if y + kind.above + kind.below > desk.height * 0.97:
            break
        if desk.chance(0.12):
            plate = some_colour(desk.generator, 0, 255)
            sheet.fill(
                margin * 0.7, y - 0.15 * kind.em, room + 0.6 * margin, kind.above + kind.below + 0.3 * kind.em, plate
            )
            kind = kind.coloured(_against(desk, plate, 80))
        desk.new_block()
        place = desk.width / 2 if align == "centre" else margin
        angle = desk.between(-14, 14) if desk.chance(0.12) else 0.0
        if angle:
            y += abs(np.sin(np.deg2rad(angle))) * min(wide, room) / 2
        desk.put(kind, text, place, y + kind.above, align=align, angle=angle, room=room)
        y += kind.above + kind.below + desk.between(0.05, 0.8) * kind.em
        if angle:
            y += abs(np.sin(np.deg2rad(angle))) * min(wide, room) / 2
    if desk.chance(0.3) and y < desk.height * 0.85:
        small = desk.type(_SLIDE_FACES, desk.between(12, 22)).coloured(_against(desk, ground, 90))
        desk.paragraph(
            small, desk.words(small, desk.whole(30, 260)), margin, y, room, align=align, bottom=desk.height * 0.97
        )


def draw_sparse(desk: Desk) -> None:
    """Lays out a page with next to nothing to read: a word, a line or two, perhaps beside things that are no text."""
    _clutter(desk, 0.4)
    for _ in range(desk.whole(1, 3)):
        size = float(np.exp(desk.between(np.log(6), np.log(72))))
        kind = desk.type(_SIGN_FACES, size)
        text = desk.string(kind, "word", "heading", "number", "date", "short-token", "code", "address", most=40)
        room = 0.9 * desk.width
        if kind.width(kind.without_missing(text)) > room:
            kind = kind.sized(room / kind.width(kind.without_missing(text)))
        x = desk.between(0.03, max(0.04, 0.95 - kind.width(kind.without_missing(text)) / desk.width)) * desk.width
        y = desk.between(0.05, 0.95) * desk.height
        top, foot = y - kind.above - 0.3 * kind.em, y + kind.below + 0.3 * kind.em
        if any(
            top < text.matrix[1, 2] + text.below and foot > text.matrix[1, 2] - text.above for text in desk.sheet.texts
        ):
            continue
        desk.new_block()
        # Nothing lies below the text but the sheet.
        desk.sheet.fill(
            x - 0.2 * kind.em,
            top,
            kind.width(text) + 0.4 * kind.em if not set(text) - set(kind.allowed) else kind.em,
            foot - top,
            (255.0, 255.0, 255.0),
        )
        desk.put(kind, text, x, y, room=room)


def draw_empty(desk: Desk) -> None:
    """Leaves a page without anything to read: blank, or with pictures, scribbles, rules and noise only."""
    if desk.chance(0.6):
        _clutter(desk, 1.0)


def _clutter(desk: Desk, share: float) -> None:
    """Things that are no text, here and there."""
    if not desk.chance(share):
        return
    sheet, generator = desk.sheet, desk.generator
    for _ in range(desk.whole(1, 5)):
        width, height = desk.between(0.05, 0.6) * desk.width, desk.between(0.03, 0.4) * desk.height
        x, y = desk.between(0, 0.9) * desk.width, desk.between(0, 0.9) * desk.height
        colour = some_colour(generator, 0, 150)
        kind = desk.whole(0, 9)
        if kind == 0:
            draw_photograph(sheet, generator, x, y, width, height)
        elif kind == 1:
            draw_logo(sheet, generator, x, y, min(width, height), colour)
        elif kind == 2:
            draw_bar_code(sheet, generator, x, y, width, 0.4 * height, colour)
        elif kind == 3:
            draw_square_code(sheet, generator, x, y, min(width, height))
        elif kind == 4:
            draw_stamp(sheet, generator, x, y, min(width, height), colour)
        elif kind == 5:
            draw_chart(sheet, generator, x, y, width, height)
        elif kind == 6:
            draw_noise(sheet, generator, x, y, width, height)
        elif kind == 7:
            for level in np.arange(y, y + height, max(4.0, 0.02 * desk.height)):
                sheet.rule((x, float(level)), (x + width, float(level)), max(1.0, 0.001 * desk.height), colour)
        elif kind == 8:
            sheet.frame(x, y, width, height, max(1.0, 0.003 * desk.width), colour)
        else:
            draw_scribble(sheet, generator, x, y, width, height * 0.4, colour)
