"""What stands on pages and is no text: logos, pictures, stamps, bar codes, scribbles, charts, spots of noise.

Each is drawn on a sheet and gives no ground truth; that is the point of it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from typecase.synthesis.degrade import Pixels, texture
from typecase.synthesis.draws import chance, pick, whole
from typecase.synthesis.page_sheet import Sheet
from typecase.synthesis.page_type import BLACK, Colour


def some_colour(generator: np.random.Generator, darkest: float = 0.0, lightest: float = 200.0) -> Colour:
    """A colour whose brightness lies about between two."""
    tone = float(generator.uniform(darkest, lightest))
    hue = generator.uniform(-1, 1, 3) * float(pick(generator, (0.0, 30.0, 90.0)))
    red, green, blue = (float(np.clip(tone + value - 0.6 * hue.mean(), 0, 255)) for value in hue)
    return red, green, blue


def photograph(generator: np.random.Generator, width: int, height: int, channels: int = 1) -> Pixels:
    """Something like a photograph: light and shade, shapes with and without edges, and grain."""
    # Worked out small and enlarged, as most of it is smooth.
    factor = max(1.0, (width * height / 90_000) ** 0.5)
    small = (max(8, round(width / factor)), max(8, round(height / factor)))
    planes = []
    base = texture((small[1], small[0]), generator, float(generator.uniform(0.5, 1)))
    shapes = _shapes(generator, small)
    for _ in range(channels):
        level, depth = float(generator.uniform(50, 205)), float(generator.uniform(15, 55))
        plane = level + depth * base
        for mask, strength in shapes:
            plane += mask * (strength + float(generator.uniform(-25, 25)))
        planes.append(plane)
    picture = np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)
    picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    grain = float(generator.uniform(0, 9))
    if grain > 2:
        fine = grain * texture((height, width), generator, 0.0)
        layer = np.asarray(np.clip(fine + 128, 0, 255), np.uint8)
        if channels == 3:
            layer = np.asarray(cv2.merge((layer, layer, layer)), np.uint8)
        picture = np.asarray(cv2.addWeighted(picture.reshape(layer.shape), 1, layer, 1, -128), np.uint8)
    return picture.reshape(height, width) if channels == 1 else picture


def table_top(generator: np.random.Generator, width: int, height: int, channels: int = 1) -> Pixels:
    """What papers lie on when they are photographed: wood, stone, cloth, boards, maybe with things on it."""
    if chance(generator, 0.2):
        return photograph(generator, width, height, channels)
    small = (max(8, -(-width // 3)), max(8, -(-height // 3)))
    kind = whole(generator, 0, 3)
    if kind == 0:
        # Wood: fibres and boards along one direction.
        along = chance(generator, 0.5)
        shape = (small[1], max(4, small[0] // 14)) if along else (max(4, small[1] // 14), small[0])
        surface = texture(shape, generator, float(generator.uniform(0, 0.4)))
        surface = np.asarray(cv2.resize(surface, small, interpolation=cv2.INTER_LINEAR), np.float32)
        depth = float(generator.uniform(4, 22))
    elif kind == 1:
        surface = texture((small[1], small[0]), generator, float(generator.uniform(0, 1)))
        depth = float(generator.uniform(2, 20))
    elif kind == 2:
        # Cloth: threads that cross.
        pitch = float(generator.uniform(2.2, 7))
        x, y = np.arange(small[0], dtype=np.float32), np.arange(small[1], dtype=np.float32)[:, np.newaxis]
        surface = np.sin(x * np.float32(2 * np.pi / pitch)) + np.sin(y * np.float32(2 * np.pi / pitch))
        depth = float(generator.uniform(2, 14))
    else:
        surface = np.zeros((small[1], small[0]), np.float32)
        depth = 0.0
    base = some_colour(generator, 15, 215)
    tones = np.array(base, np.float32) if channels == 3 else np.array([np.dot(base, (0.299, 0.587, 0.114))], np.float32)
    picture = np.clip(tones + depth * surface[..., np.newaxis], 0, 255).astype(np.uint8)
    for mask, strength in _shapes(generator, small)[: whole(generator, 0, 3) if chance(generator, 0.4) else 0]:
        shifted = picture + (strength * mask)[..., np.newaxis]
        picture = np.clip(shifted, 0, 255).astype(np.uint8)
    picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return picture.reshape(height, width) if channels == 1 else picture


def _shapes(generator: np.random.Generator, size: tuple[int, int]) -> list[tuple[npt.NDArray[np.float32], float]]:
    shapes = []
    for _ in range(whole(generator, 0, 9)):
        mask = np.zeros((size[1], size[0]), np.float32)
        centre = (float(generator.uniform(0, size[0])), float(generator.uniform(0, size[1])))
        sides = tuple(float(generator.uniform(0.05, 0.9)) * side for side in size)
        shape = (centre, sides, float(generator.uniform(0, 180)))
        if chance(generator, 0.5):
            cv2.ellipse(mask, shape, 1.0, cv2.FILLED)
        else:
            cv2.fillPoly(mask, [cv2.boxPoints(shape).astype(np.int32)], 1.0)
        if chance(generator, 0.5):
            mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), float(generator.uniform(0.5, 0.12 * min(size)))))
        shapes.append((mask, float(generator.uniform(-90, 90))))
    return shapes


def draw_photograph(
    sheet: Sheet, generator: np.random.Generator, x: float, y: float, width: float, height: float
) -> None:
    """Sets a photograph on the sheet, at times with a frame."""
    size = max(4, round(width)), max(4, round(height))
    sheet.paste(photograph(generator, *size, sheet.channels), round(x), round(y))
    if chance(generator, 0.3):
        sheet.frame(x, y, width, height, max(1.0, 0.004 * width))


def draw_logo(
    sheet: Sheet, generator: np.random.Generator, x: float, y: float, size: float, colour: Colour = BLACK
) -> float:
    """Draws a trade mark of simple shapes, without letters.

    Returns:
        Its width.
    """
    kind = whole(generator, 0, 5)
    width = size * float(generator.uniform(0.8, 2.0) if kind in (2, 4) else 1.0)
    mask = np.zeros((max(8, round(size)), max(8, round(width))), np.uint8)
    rows, columns = mask.shape
    centre, radius = (columns // 2, rows // 2), max(2, rows // 2 - 1)
    thick = max(1, round(rows * float(generator.uniform(0.04, 0.16))))
    if kind == 0:
        cv2.circle(mask, centre, radius, 255, cv2.FILLED, cv2.LINE_AA)
        cv2.circle(mask, (centre[0] + radius // 3, centre[1] - radius // 4), round(radius * 0.55), 0, -1, cv2.LINE_AA)
    elif kind == 1:
        for turn in range(whole(generator, 3, 8)):
            angle = 2 * np.pi * turn / 6
            tip = (centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle))
            cv2.line(mask, centre, (round(tip[0]), round(tip[1])), 255, thick, cv2.LINE_AA)
    elif kind == 2:
        for bar in range(whole(generator, 2, 6)):
            level = round(rows * (0.1 + 0.8 * bar / 6))
            cv2.line(mask, (0, level), (columns, round(level - 0.2 * rows)), 255, thick, cv2.LINE_AA)
    elif kind == 3:
        points = generator.uniform(0, rows - 1, (whole(generator, 3, 6), 2))
        cv2.fillPoly(mask, [cv2.convexHull(points.astype(np.int32))], 255, cv2.LINE_AA)
        cv2.circle(mask, centre, max(1, radius // 3), 0, cv2.FILLED, cv2.LINE_AA)
    elif kind == 4:
        cv2.ellipse(mask, centre, (columns // 2 - thick, rows // 2 - thick), 0, 0, 360, 255, thick, cv2.LINE_AA)
        cv2.ellipse(mask, centre, (columns // 4, rows // 4), 0, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)
    else:
        cv2.rectangle(mask, (0, 0), (columns - 1, rows - 1), 255, cv2.FILLED)
        cv2.circle(mask, centre, round(radius * 0.7), 0, thick, cv2.LINE_AA)
        cv2.line(mask, (0, rows), (columns, 0), 0, thick, cv2.LINE_AA)
    sheet.lay(mask, round(x), round(y), colour)
    return float(columns)


def draw_bar_code(
    sheet: Sheet,
    generator: np.random.Generator,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: Colour = BLACK,
) -> None:
    """Draws the bars of a bar code."""
    unit = max(1.0, width / whole(generator, 60, 130))
    runs = generator.choice((1, 2, 3, 4), round(width / unit), p=(0.5, 0.27, 0.15, 0.08))
    ends = np.cumsum(runs) * unit
    starts = np.append(0, ends[:-1])
    for start, end in zip(starts[::2], ends[::2], strict=False):
        if end > width:
            break
        sheet.fill(x + start, y, end - start, height, colour)


def draw_square_code(sheet: Sheet, generator: np.random.Generator, x: float, y: float, side: float) -> None:
    """Draws a square of light and dark modules with corners to find it by."""
    count = int(generator.choice((21, 25, 29, 33, 41)))
    modules = (generator.random((count, count)) < 0.5).astype(np.uint8)
    for row, column in ((0, 0), (0, count - 7), (count - 7, 0)):
        modules[max(0, row - 1) : row + 8, max(0, column - 1) : column + 8] = 0
        modules[row : row + 7, column : column + 7] = 1
        modules[row + 1 : row + 6, column + 1 : column + 6] = 0
        modules[row + 2 : row + 5, column + 2 : column + 5] = 1
    size = max(count, round(side))
    cover = np.asarray(cv2.resize(modules * 255, (size, size), interpolation=cv2.INTER_NEAREST), np.uint8)
    sheet.lay(cover, round(x), round(y))


def draw_scribble(
    sheet: Sheet,
    generator: np.random.Generator,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: Colour = BLACK,
) -> None:
    """Draws a stroke of a pen like a signature or a note that nobody can read."""
    count = whole(generator, 7, 26)
    along = np.linspace(0, width, count) + generator.normal(0, 1.2 * width / count, count)
    across = height / 2 + generator.normal(0, height / 4, count)
    knots = np.stack([along, np.clip(across, -0.3 * height, 1.3 * height)], axis=1)
    points = _smooth(knots, 10 * count)
    points += (x, y)
    thickness = max(1, round(height * float(generator.uniform(0.01, 0.05))))
    cv2.polylines(
        sheet.tones, [np.rint(points * 16).astype(np.int32)], False, sheet.scalar(colour), thickness, cv2.LINE_AA, 4
    )


def _smooth(knots: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """A curve through or near some points (Catmull and Rom's), as so many points."""
    padded = np.concatenate([knots[:1], knots, knots[-1:]])
    places = np.linspace(0, len(knots) - 1 - 1e-6, count)
    whole_part = places.astype(int)
    share = (places - whole_part)[:, np.newaxis]
    before, start, end, after = (padded[whole_part + step] for step in range(4))
    return np.asarray(
        0.5
        * (
            2 * start
            + (end - before) * share
            + (2 * before - 5 * start + 4 * end - after) * share**2
            + (3 * start - before - 3 * end + after) * share**3
        ),
        np.float64,
    )


def draw_stamp(
    sheet: Sheet, generator: np.random.Generator, x: float, y: float, size: float, colour: Colour = BLACK
) -> None:
    """Draws a rubber stamp's rings or frames with marks that are no letters; it lets what is below show through."""
    side = max(12, round(size))
    mask = np.zeros((side, side), np.uint8)
    centre = (side // 2, side // 2)
    thick = max(1, round(side * float(generator.uniform(0.015, 0.04))))
    if chance(generator, 0.6):
        for share in (0.48, 0.33):
            cv2.circle(mask, centre, max(2, round(share * side) - thick), 255, thick, cv2.LINE_AA)
        for place in np.arange(0, 2 * np.pi, 0.3):
            spot = (centre[0] + 0.4 * side * np.cos(place), centre[1] + 0.4 * side * np.sin(place))
            cv2.circle(mask, (round(spot[0]), round(spot[1])), max(1, round(0.02 * side)), 255, -1, cv2.LINE_AA)
    else:
        shape = (
            (float(centre[0]), float(centre[1])),
            (0.85 * side, 0.4 * side),
            float(generator.uniform(-25, 25)),
        )
        corners = cv2.boxPoints(shape)
        cv2.polylines(mask, [corners.astype(np.int32)], True, 255, thick, cv2.LINE_AA)
        inner = np.asarray(centre) + 0.8 * (corners - np.asarray(centre))
        cv2.polylines(mask, [inner.astype(np.int32)], True, 255, thick, cv2.LINE_AA)
    worn = np.clip(0.75 - 0.45 * texture(mask.shape, generator, 0.3), 0, 1)
    sheet.lay((mask * worn).astype(np.uint8), round(x), round(y), colour)


def draw_chart(sheet: Sheet, generator: np.random.Generator, x: float, y: float, width: float, height: float) -> None:
    """Draws the bars, the curve or the pie of a chart, without its words."""
    thin = max(1.0, 0.004 * width)
    kind = whole(generator, 0, 2)
    if kind == 2:
        radius, start = max(3, round(0.48 * min(width, height))), 0.0
        for share in generator.dirichlet(np.ones(whole(generator, 3, 6))):
            centre = (round(x + width / 2), round(y + height / 2))
            end = start + 360 * float(share)
            tone = sheet.scalar(some_colour(generator, 30, 220))
            cv2.ellipse(sheet.tones, centre, (radius, radius), 0, start, end, tone, cv2.FILLED, cv2.LINE_AA)
            start = end
        return
    sheet.rule((x, y + height), (x + width, y + height), thin)
    sheet.rule((x, y), (x, y + height), thin)
    count = whole(generator, 4, 12)
    step = width / count
    levels = generator.uniform(0.1, 0.95, count)
    if kind == 0:
        colour = some_colour(generator, 30, 190)
        for place, level in enumerate(levels):
            sheet.fill(x + (place + 0.2) * step, y + height * (1 - level), 0.6 * step, height * level, colour)
        return
    for start, end in zip(range(count - 1), range(1, count), strict=True):
        sheet.rule(
            (x + (start + 0.5) * step, y + height * (1 - levels[start])),
            (x + (end + 0.5) * step, y + height * (1 - levels[end])),
            2 * thin,
            some_colour(generator, 0, 140),
        )


def draw_noise(sheet: Sheet, generator: np.random.Generator, x: float, y: float, width: float, height: float) -> None:
    """Fills a field with noise, hatching or a screen of dots, which is no text however much it looks like it."""
    rows, columns = max(4, round(height)), max(4, round(width))
    kind = whole(generator, 0, 3)
    if kind == 0:
        surface = texture((rows, columns), generator, float(generator.uniform(0, 0.4)))
        mask = np.where(surface > float(generator.uniform(0.2, 1.5)), np.uint8(255), np.uint8(0))
    elif kind == 1:
        mask = np.where(generator.random((rows, columns), np.float32) < 0.2, np.uint8(255), np.uint8(0))
    else:
        mask = np.zeros((rows, columns), np.uint8)
        step = max(3, round(float(generator.uniform(0.01, 0.06)) * max(rows, columns)))
        if kind == 2:
            for start in range(-rows, columns, step):
                cv2.line(mask, (start, rows), (start + rows, 0), 255, 1, cv2.LINE_AA)
        else:
            mask[step // 2 :: step, step // 2 :: step] = 255
            mask = np.asarray(cv2.dilate(mask, np.ones((2, 2), np.uint8)), np.uint8)
    sheet.lay(mask, round(x), round(y), some_colour(generator, 0, 150))
