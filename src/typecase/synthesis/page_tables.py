"""Tables, and pages that are little else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from typecase.synthesis.draws import digits, pick
from typecase.synthesis.fonts import Category
from typecase.synthesis.page_desk import Desk
from typecase.synthesis.page_type import WHITE, PageType
from typecase.synthesis.string_numbers import plain_amount, plain_number

PRINT_FACES = {Category.SERIF: 0.42, Category.SANS_SERIF: 0.5, Category.MONOSPACE: 0.06, Category.DISPLAY: 0.02}
_ITEM_HEADS = (
    "Description|Item|Qty|Quantity|Unit|Unit price|Price|Amount|Total|Discount|VAT|Tax|No.|Code|SKU|Pos.|Date|Ref|"
    "Bezeichnung|Menge|Einzelpreis|Désignation|Quantité|Prix|Montant|Descripción|Cantidad|Importe|Omschrijving|Aantal|"
    "Year|Name|Region|Q1|Q2|Q3|Q4|Change|%|Share|Rank|Score|Notes|Status|Model|Weight|Size|Country|Population"
).split("|")
Cell = Callable[[Desk, PageType], str]


def _words(desk: Desk, kind: PageType) -> str:
    return desk.phrase(kind, 4, 34)


def _item(desk: Desk, kind: PageType) -> str:
    return desk.string(kind, "item", "name", "company", "word", most=30)


def _long(desk: Desk, kind: PageType) -> str:
    return " ".join(desk.words(kind, desk.whole(20, 90)))


def _sum(desk: Desk, kind: PageType) -> str:
    return desk.string(kind, "amount", most=14)


def _figure(desk: Desk, kind: PageType) -> str:
    generator = desk.generator
    return kind.without_missing(pick(generator, (plain_amount, plain_number))(generator)) or "0"


def _count(desk: Desk, kind: PageType) -> str:
    return str(desk.whole(1, 400))


def _share(desk: Desk, kind: PageType) -> str:
    return kind.without_missing(f"{desk.between(0, 100):.1f}%")


def _date(desk: Desk, kind: PageType) -> str:
    return desk.string(kind, "date", most=12)


def _code(desk: Desk, kind: PageType) -> str:
    return kind.without_missing(digits(desk.generator, desk.whole(3, 8)))


_TEXT_CELLS: tuple[Cell, ...] = (_words, _item, _item, _long, _code, _date)
_NUMBER_CELLS: tuple[Cell, ...] = (_sum, _figure, _figure, _count, _share)


def draw_table(
    desk: Desk,
    kind: PageType,
    x: float,
    top: float,
    width: float,
    bottom: float,
    *,
    rows: int,
    heads: Sequence[str] | None = None,
    cells: Sequence[Cell] | None = None,
    tight: bool = False,
) -> float:
    """Draws a table, with or without rules, shading and a head.

    Args:
        desk: The desk.
        kind: Type of its cells.
        x: Left edge.
        top: Upper edge.
        width: Of the whole table.
        bottom: Height below which nothing is drawn.
        rows: The most rows.
        heads: Of its columns; None draws some.
        cells: What stands in each column; None draws some.
        tight: Whether rules may touch what stands between them, as where a typewriter fills in a printed table.

    Returns:
        The table's lower edge.
    """
    sheet, generator = desk.sheet, desk.generator
    if cells is None:
        count = desk.whole(2, 7)
        texts = desk.whole(1, max(1, min(3, count - 1)))
        cells = [pick(generator, _TEXT_CELLS if number < texts else _NUMBER_CELLS) for number in range(count)]
    heads = heads or [pick(generator, _ITEM_HEADS) for _ in cells]
    is_number = [cell in _NUMBER_CELLS for cell in cells]
    shares = [
        desk.between(0.7, 1.2) * (2.6 if cell is _long else 1.7 if not number else 1.0)
        for cell, number in zip(cells, is_number, strict=True)
    ]
    edges = [x]
    for share in shares:
        edges.append(edges[-1] + width * share / sum(shares))
    padding = desk.between(0.05 if tight else 0.25, 0.8) * kind.em
    line = kind.em * desk.between(1.05, 1.35)
    air = kind.em * (desk.between(-0.2, 0.3) if tight else desk.between(0.1, 1.0))
    thin = max(1.0, desk.between(0.04, 0.1) * kind.em)
    style = pick(generator, ("grid", "grid", "rows", "ends", "ends", "none", "bands", "columns"))
    upright = style in ("grid", "columns")
    head = desk.bold(kind) if desk.chance(0.65) else kind
    dark_head = desk.chance(0.2)
    head_sides = [
        pick(generator, ("left", "centre")) if desk.chance(0.3) else ("right" if n else "left") for n in is_number
    ]
    desk.new_block()
    y = top
    tops = [y]

    def row(texts: Sequence[str], face: PageType, sides: Sequence[str], colour_row: bool, is_head: bool) -> bool:
        nonlocal y
        pieces: list[list[str]] = []
        for text, start, end in zip(texts, edges, edges[1:], strict=False):
            room = end - start - 2 * padding
            if room < 1.2 * face.em:
                pieces.append([])
                continue
            text = face.without_missing(text)
            pieces.append([line for line in face.broken(text.split(" "), room) if line][:4] if text else [])
        tall = max([1, *map(len, pieces)]) * line + air
        if y + tall > bottom:
            return False
        if colour_row:
            shade = desk.between(40, 110) if is_head and dark_head else desk.between(205, 240)
            sheet.fill(x, y, width, tall, (shade, shade, shade))
        colour = WHITE if is_head and dark_head and colour_row else None
        first = y + air / 2 + face.above + (line - face.above - face.below) / 2
        for number in range(max(map(len, pieces), default=0)):
            desk.new_row()
            for column, (lines, start, end, side) in enumerate(zip(pieces, edges, edges[1:], sides, strict=False)):
                if number >= len(lines):
                    continue
                place = {"left": start + padding, "right": end - padding, "centre": (start + end) / 2}[side]
                desk.put(
                    face, lines[number], place, first + number * line, align=side, column=column, apart=upright,
                    room=end - start - padding, colour=colour,
                )  # fmt: skip
        y += tall
        tops.append(y)
        return True

    if desk.chance(0.9):
        row(heads, head, head_sides, dark_head or desk.chance(0.25), True)
    body_sides = ["right" if number else "left" for number in is_number]
    if desk.chance(0.12):
        body_sides = ["centre"] * len(body_sides)
    for number in range(rows):
        if not row([cell(desk, kind) for cell in cells], kind, body_sides, style == "bands" and number % 2 == 0, False):
            break
    if len(tops) > 2 and desk.chance(0.3):
        row(
            ["Total", *("" if not n else _figure(desk, kind) for n in is_number[1:])],
            desk.bold(kind),
            body_sides,
            False,
            False,
        )
    ink = kind.colour
    if style in ("grid", "rows"):
        for level in tops:
            sheet.rule((x, level), (x + width, level), thin, ink)
    elif style in ("ends", "columns"):
        for level in {tops[0], tops[min(1, len(tops) - 1)], tops[-1]}:
            sheet.rule((x, level), (x + width, level), thin * (1.6 if level != tops[0] else 1.0), ink)
    if upright:
        for edge in edges if style == "grid" or desk.chance(0.5) else edges[1:-1]:
            sheet.rule((edge, tops[0]), (edge, tops[-1]), thin, ink)
    return y


def draw_ruled_figures(
    desk: Desk, label: PageType, kind: PageType, left: float, right: float, top: float, bottom: float
) -> float:
    """Draws rows of a label and figures, each figure on a short rule that often touches or cuts it.

    Args:
        desk: The desk.
        label: Type of labels.
        kind: Type of figures.
        left: Left edge.
        right: Right edge.
        top: Upper edge.
        bottom: Height below which nothing is drawn.

    Returns:
        Where what comes next may begin.
    """
    generator = desk.generator
    count = desk.whole(1, 6)
    at = left + desk.between(0.2, 0.45) * (right - left)
    step = (right - at) / count
    wide = min(step * desk.between(0.5, 0.98), desk.between(3, 9) * kind.em)
    pitch = max(label.em, kind.em) * desk.between(0.95, 1.7)
    thin = max(1.0, desk.between(0.05, 0.14) * kind.em)
    drop = desk.between(-0.05, 0.22) * kind.em
    cell = pick(generator, _NUMBER_CELLS)
    side = pick(generator, ("centre", "centre", "right", "left"))
    brackets = desk.chance(0.2)
    desk.new_block()
    baseline = top + max(label.above, kind.above)
    for _ in range(desk.whole(2, 12)):
        if baseline + drop > bottom:
            break
        desk.put(label, desk.string(label, "form-label", "word", "name", most=24), left, baseline, room=at - left)
        for column in range(count):
            start = at + column * step
            if desk.chance(0.85):
                text = cell(desk, kind)
                text = f"({text})" if brackets else text
                place = {"left": start + 0.2 * kind.em, "right": start + wide, "centre": start + wide / 2}[side]
                desk.put(kind, text, place, baseline, align=side, column=column + 1, room=wide, apart=True)
            desk.sheet.rule((start, baseline + drop), (start + wide, baseline + drop), thin, kind.colour)
        desk.new_row()
        baseline += pitch
        # Groups of rows stand apart.
        if desk.chance(0.15):
            baseline += pitch
    return baseline + drop


ITEM_CELLS: tuple[Cell, ...] = (_code, _item, _count, _figure, _figure)
"""Number, name, quantity, price and sum, as invoices list them."""


def draw_table_page(desk: Desk) -> None:
    """Lays out a page of one or more tables with headings and remarks."""
    kind = desk.type(PRINT_FACES, desk.between(6.5, 11), everyday=0.4)
    left = desk.width * desk.between(0.05, 0.13)
    width = desk.width - 2 * left
    y = desk.height * desk.between(0.04, 0.1)
    bottom = desk.height * desk.between(0.9, 0.97)
    if desk.chance(0.8):
        title = desk.bold(kind, desk.between(1.2, 2.4))
        desk.new_block()
        place, how = (desk.width / 2, "centre") if desk.chance(0.4) else (left, "left")
        desk.put(title, desk.phrase(title, 6), place, y + title.above, align=how, room=width)
        y += 1.6 * title.em
    while y < bottom - 6 * kind.em:
        if desk.chance(0.5):
            y = desk.paragraph(
                kind,
                desk.words(kind, desk.whole(60, 300)),
                left,
                y,
                width,
                leading=desk.between(1.1, 1.5),
                bottom=bottom,
            )
            y += desk.between(0.6, 1.6) * kind.em
        if desk.chance(0.5):
            caption = desk.bold(kind)
            desk.new_block()
            name = pick(desk.generator, ("Table", "Tab.", "Tabelle", "Tableau", "Tabla"))
            text = f"{name} {desk.whole(1, 12)}: {desk.phrase(caption, 6)}"
            desk.put(caption, text, left, y + kind.above, room=width)
            y += 1.6 * kind.em
        y = draw_table(desk, kind, left, y, width, bottom, rows=desk.whole(3, 28), tight=desk.chance(0.25))
        y += desk.between(1.2, 3) * kind.em
