"""The outlines of glyphs, read once in the font's own units, and how outlines become pixels: FreeType's part.

A glyph is kept as its curves and not as a bitmap: one copy serves every size, slant and weight, what touches is drawn
without seams, and where ink lies is known to a fraction of a pixel and alike on every machine.
"""

from __future__ import annotations

import ctypes
import io
from dataclasses import dataclass
from pathlib import Path

import freetype  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
from freetype import raw

from typecase.errors import DataError

# Width of C's long, in which FreeType counts: 4 bytes on Windows, 8 elsewhere.
_LONG = np.dtype(ctypes.c_long)
_VECTORS = ctypes.POINTER(raw.FT_Vector)
_BYTES = ctypes.POINTER(ctypes.c_ubyte)
_SHORTS = ctypes.POINTER(ctypes.c_short)
# FreeType's raster keeps what it has at hand in 16 KB and halves the outline when that overflows, going through all of
# it again: about four glyphs at a time are fastest (measured: 2, 4, 6 and 30 take 405, 295, 397 and 928 us a line).
_GLYPHS_AT_ONCE = 4
# An outline counts its points in 16 bits with a sign.
_POINTS_AT_ONCE = 32_000
# The raster's coordinates have 16 bits for whole pixels.
LONGEST_SIDE = 32_000
# The header of FreeType names this value; its binding for Python does not.
_ORIENTATION_POSTSCRIPT = 1
_LOAD = freetype.FT_LOAD_NO_SCALE | freetype.FT_LOAD_NO_BITMAP | freetype.FT_LOAD_IGNORE_TRANSFORM


@dataclass(frozen=True, slots=True)
class Outline:
    """The curves of a glyph in font units, y upwards.

    Attributes:
        points: On-curve and control points, [n, 2].
        tags: FreeType's kind of each point, n bytes.
        ends: Index of each contour's last point, int16.
        box: Left, bottom, right, top of its ink; all zero without ink.
    """

    points: npt.NDArray[np.float64]
    tags: bytes
    ends: npt.NDArray[np.int16]
    box: tuple[float, float, float, float]


def written(outline: Outline, size: float, width: float, lean: float) -> Outline:
    """A glyph as a hand writes it once: larger or smaller about its place on the baseline, and leaning.

    Args:
        outline: The glyph.
        size: Logarithm of how many times as large it is.
        width: Logarithm of how many times as wide it is besides.
        lean: How far it is moved to the right for each unit of height.
    """
    if not outline.tags:
        return outline
    x, y = outline.points.T * [[np.exp(size + width)], [np.exp(size)]]
    # About the middle of its ink, or all that leans would also be moved.
    x += lean * (y - (y.min() + y.max()) / 2)
    points = np.stack([x, y], axis=1)
    return Outline(points, outline.tags, outline.ends, (x.min(), y.min(), x.max(), y.max()))


class Wobble:
    """A smooth field of small shifts along a line; what touches before does so after."""

    def __init__(self, amount: float, generator: np.random.Generator) -> None:
        """Draws a field.

        Args:
            amount: Standard deviation of the shifts, in ems, either way.
            generator: Source of chance.
        """
        # A few waves of about a letter's width, whose sum has no pattern that the eye would find.
        directions, phases = generator.uniform(0, 2 * np.pi, (2, 2, _WAVES))
        lengths = generator.uniform(_SHORTEST_WAVE, _LONGEST_WAVE, (2, _WAVES))
        self._waves = 2 * np.pi / lengths * np.stack([np.cos(directions), np.sin(directions)])
        self._phases = phases
        self._amount = amount * np.sqrt(2 / _WAVES)

    def at(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The shifts of places, both [n, 2] in ems."""
        angles = np.einsum("ni,iaw->naw", places, self._waves) + self._phases
        return np.asarray(self._amount * np.sin(angles).sum(axis=-1))


def bent(outline: Outline, field: Wobble, scale: npt.NDArray[np.float64], pen: npt.NDArray[np.float64]) -> Outline:
    """A glyph whose strokes give way, as those of a hand do.

    Args:
        outline: The glyph.
        field: Which way, place by place.
        scale: Ems for a font unit, across and upwards.
        pen: Where the glyph's origin lies in the line, in ems.
    """
    if not outline.tags:
        return outline
    points = outline.points + field.at(outline.points * scale + pen) / scale
    (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
    return Outline(points, outline.tags, outline.ends, (left, bottom, right, top))


_WAVES = 5
# In ems.
_SHORTEST_WAVE, _LONGEST_WAVE = 0.5, 2.0
_EMPTY = Outline(np.zeros((0, 2)), b"", np.zeros(0, np.int16), (0.0, 0.0, 0.0, 0.0))


class Outlines:
    """The glyphs of a font by their number.

    Not to be shared between threads: FreeType's faces are not made for it.

    Attributes:
        units: Font units per em.
        underline: Middle of the underline above the baseline (so, negative) and its thickness, in font units.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        """Opens a font.

        Args:
            path: Its name, for messages.
            content: The whole file.

        Raises:
            DataError: It is no font, or one without outlines.
        """
        try:
            self._face = freetype.Face(io.BytesIO(content))
        except freetype.FT_Exception as error:
            raise DataError(f"The font {path} is damaged ({error}); repair or remove it.") from error
        if not self._face.is_scalable or not self._face.units_per_EM:
            raise DataError(f"The font {path} holds bitmaps and no outlines; choose a TrueType or OpenType font.")
        self._path = path
        self._kept: dict[int, Outline] = {}
        self.units = int(self._face.units_per_EM)
        thickness = float(self._face.underline_thickness)
        # Carelessly made fonts say nothing here, or nonsense.
        if 0.01 * self.units <= thickness <= 0.15 * self.units:
            self.underline = (float(self._face.underline_position), thickness)
        else:
            self.underline = (-0.1 * self.units, 0.05 * self.units)

    def __getitem__(self, glyph: int) -> Outline:
        """Gives a glyph.

        Raises:
            DataError: The font is damaged at this glyph.
        """
        outline = self._kept.get(glyph)
        if outline is None:
            outline = self._kept[glyph] = self._read(glyph)
        return outline

    def _read(self, glyph: int) -> Outline:
        if raw.FT_Load_Glyph(self._face._FT_Face, glyph, _LOAD):
            raise DataError(f"The font {self._path} is damaged at glyph {glyph}; repair or remove it.")
        outline = self._face._FT_Face.contents.glyph.contents.outline
        count = outline.n_points
        if count <= 0:
            return _EMPTY
        longs = np.ctypeslib.as_array(ctypes.cast(outline.points, ctypes.POINTER(ctypes.c_long)), (count, 2))
        points = longs.astype(np.float64)
        ends = np.ctypeslib.as_array(outline.contours, (outline.n_contours,)).astype(np.int16)
        box = freetype.FT_BBox()
        raw.FT_Outline_Get_BBox(ctypes.byref(outline), ctypes.byref(box))
        tags = ctypes.string_at(outline.tags, count)
        if raw.FT_Outline_Get_Orientation(ctypes.byref(outline)) == _ORIENTATION_POSTSCRIPT:
            points, tags = _reversed(points, tags, ends)
        return Outline(points, tags, ends, (float(box.xMin), float(box.yMin), float(box.xMax), float(box.yMax)))


def rasterise(
    canvas: npt.NDArray[np.uint8],
    outlines: list[Outline],
    scales: npt.NDArray[np.float64],
    pens: npt.NDArray[np.float64],
    *,
    slant: float = 0.0,
    bold: float = 0.0,
) -> None:
    """Draws glyphs onto a canvas, at exact fractions of a pixel and without hinting.

    Args:
        canvas: Coverage 0..255 of shape [height, width], contiguous; the darker of old and new ink stays.
        outlines: The glyphs, in font units.
        scales: Pixels for a font unit, for each glyph across and upwards, [n, 2].
        pens: Where the origin of each glyph lies in pixels from the canvas' lower left corner, y upwards, [n, 2].
        slant: How far each glyph leans to the right: the shift for each unit of height.
        bold: By how many pixels strokes grow (or shrink, below zero).

    Raises:
        DataError: FreeType refuses an outline.
    """
    places = [place for place, outline in enumerate(outlines) if outline.tags]
    if not places:
        return
    outlines = [outlines[place] for place in places]
    sizes = [len(outline.tags) for outline in outlines]
    contours = [len(outline.ends) for outline in outlines]
    points = np.concatenate([outline.points for outline in outlines])
    if slant:
        points[:, 0] += slant * points[:, 1]
    points *= np.repeat(scales[places], sizes, axis=0)
    # Emboldening keeps the lower left edge where it was; half of it is taken back so that a stroke grows on both sides.
    points += np.repeat(pens[places] - bold / 2, sizes, axis=0)
    # FreeType counts 64ths of a pixel.
    vectors = np.rint(points * 64).astype(_LONG)
    tags = np.frombuffer(b"".join([outline.tags for outline in outlines]), np.uint8)
    groups = _groups(sizes)
    # The ends count from the first point of their group.
    before = [sum(sizes[first:place]) for first, last in groups for place in range(first, last)]
    ends = np.concatenate([outline.ends for outline in outlines]) + np.repeat(np.array(before, np.int16), contours)
    # Groups take turns on two canvases: FreeType overwrites what it meets, and neighbours may touch.
    layers = (canvas, np.zeros_like(canvas))
    bitmaps = [ctypes.byref(_bitmap(layer)) for layer in layers]
    library = freetype.get_handle()
    points_at, tags_at, ends_at = vectors.ctypes.data, tags.ctypes.data, ends.ctypes.data
    for turn, (first, last) in enumerate(groups):
        size, count = sum(sizes[first:last]), sum(contours[first:last])
        outline = raw.FT_Outline(
            count,
            size,
            ctypes.cast(points_at, _VECTORS),
            ctypes.cast(tags_at, _BYTES),
            ctypes.cast(ends_at, _SHORTS),
            0,
        )
        if bold:
            raw.FT_Outline_EmboldenXY(ctypes.byref(outline), round(bold * 64), round(bold * 64))
        code = raw.FT_Outline_Get_Bitmap(library, ctypes.byref(outline), bitmaps[turn % 2])
        if code:
            raise DataError(
                f"FreeType cannot draw an outline (its error {code}); choose another font or a smaller size."
            )
        points_at += size * 2 * _LONG.itemsize
        tags_at += size
        ends_at += count * ends.itemsize
    np.maximum(canvas, layers[1], out=canvas)


def _groups(sizes: list[int]) -> list[tuple[int, int]]:
    """Cuts glyphs of so many points each into groups that are drawn in one go."""
    groups = []
    first, size = 0, 0
    for place, points in enumerate(sizes):
        if place == first + _GLYPHS_AT_ONCE or (place > first and size + points > _POINTS_AT_ONCE):
            groups.append((first, place))
            first, size = place, 0
        size += points
    return [*groups, (first, len(sizes))]


def _bitmap(canvas: npt.NDArray[np.uint8]) -> raw.FT_Bitmap:
    height, width = canvas.shape
    buffer = ctypes.cast(canvas.ctypes.data, _BYTES)
    return raw.FT_Bitmap(height, width, width, buffer, 256, freetype.FT_PIXEL_MODE_GRAY, 0, None)


def _reversed(
    points: npt.NDArray[np.float64], tags: bytes, ends: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.float64], bytes]:
    """Turns contours round, so that in all glyphs ink lies on the same side and overlaps never cancel each other."""
    order = []
    start = 0
    for end in ends.tolist():
        # The first point stays the first: a contour may not begin with a control point of a cubic curve.
        order += [start, *range(end, start, -1)]
        start = end + 1
    return points[order], bytes(tags[place] for place in order)
