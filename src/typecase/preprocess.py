"""How a picture of one character, or of one line, becomes the numbers that a net sees.

One function for training, evaluation and prediction. Its settings are facts of a model: they are stored in the
weights and come back with them, so that a model can never be fed differently from how it was trained.

The size and the place of the character on its canvas are kept, for they tell c from C and o from O: there is no
cropping to the ink. Only the polarity is turned, so that the net always sees dark ink on light paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.errors import ModelError

PixelArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

WIDTH_STEP = 32
"""Every width that a line is padded to is a multiple of so many pixels."""


def _stepped(length: int, least: int, largest: int) -> int:
    """The next of few lengths: a multiple of a step, which doubles up to the largest where over eight are needed."""
    step = least
    while step < largest and length > 8 * step:
        step *= 2
    return -(-length // step) * step


@dataclass(frozen=True)
class CharacterPreprocess:
    """Settings of the way from picture to net, and the way itself.

    Attributes:
        size: Side of the square canvas in pixels.
        channels: 1 for grey, 3 for RGB.
        fit: `pad` fills the shorter side with the paper's colour before resizing; `stretch` ignores the
            aspect ratio, as the founding journey did.
        polarity: `dark-on-light` turns light characters on a dark ground round; `keep` does not look.
        mean: Subtracted from pixel values in 0..1.
        deviation: Divisor after that; 0.5 and 0.5 scale to [-1, 1].
    """

    size: int = 48
    channels: Literal[1, 3] = 1
    fit: Literal["pad", "stretch"] = "pad"
    polarity: Literal["dark-on-light", "keep"] = "dark-on-light"
    mean: float = 0.5
    deviation: float = 0.5

    def canvas(self, image: Image.Image) -> PixelArray:
        """Brings a picture to the canvas, still as bytes; this is what datasets cache.

        Args:
            image: Any upright picture without transparency (`typecase.sources.open_picture` gives such).

        Returns:
            Bytes of shape [channels, size, size].
        """
        if self.channels == 3:
            image = image.convert("RGB")
        else:
            # Grey by the ITU-R BT.601 luma weights, which is what Pillow's "L" means.
            image = image.convert("L")
        # A huge picture is first brought near the target by whole-number box averaging: the result differs by
        # less than a grey level from resizing at once, and a 100-megapixel scan costs no more than a small one.
        image = _reduced(image, 4 * self.size, keep_aspect=self.fit == "pad")
        if self.polarity == "dark-on-light" and is_light_on_dark(np.asarray(image.convert("L"))):
            image = Image.eval(image, lambda value: 255 - value)
        if self.fit == "pad":
            image = _padded_to_square(image)
        if image.size != (self.size, self.size):
            # Pillow widens the filter when shrinking, so this is antialiased.
            image = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.uint8)
        return pixels[np.newaxis] if self.channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def normalise(self, canvas: PixelArray) -> FloatArray:
        """Scales bytes of any shape to the range that the net was trained on."""
        return ((canvas.astype(np.float32) / 255.0) - np.float32(self.mean)) / np.float32(self.deviation)

    def __call__(self, image: Image.Image) -> FloatArray:
        """The whole way: a picture to floats of shape [channels, size, size]."""
        return self.normalise(self.canvas(image))

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values, for a model's metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CharacterPreprocess:
        """Brings settings back from a model's metadata.

        Raises:
            ModelError: A setting is unknown, so a newer program wrote it, or a value is impossible.
        """
        _refuse_unknown(cls, values)
        preprocess = cls(**values)
        if (
            not isinstance(preprocess.size, int)
            or not 1 <= preprocess.size <= 1024
            or preprocess.channels not in (1, 3)
            or preprocess.fit not in ("pad", "stretch")
            or preprocess.polarity not in ("dark-on-light", "keep")
            or not preprocess.deviation > 0
        ):
            raise ModelError("The model's preprocessing facts are impossible; the file is damaged, fetch it again.")
        return preprocess


@dataclass(frozen=True)
class LinePreprocess:
    """Settings of the way from the picture of a line to the net, and the way itself.

    The line is brought to a fixed height and keeps its proportions; its width is whatever follows from that.

    Attributes:
        height: Height of the canvas in pixels.
        polarity: `dark-on-light` turns light text on a dark ground round; `keep` does not look.
        contrast: The least difference in grey levels between ink and paper that is stretched to the full range; what
            has less is stretched by as much and no more, so that an empty picture stays empty. 255 stretches nothing.
        widest: Largest width of the canvas in pixels; a longer line is read in pieces.
        mean: Subtracted from pixel values in 0..1.
        deviation: Divisor after that.
    """

    height: int = 32
    polarity: Literal["dark-on-light", "keep"] = "dark-on-light"
    contrast: int = 48
    widest: int = 2048
    mean: float = 0.5
    deviation: float = 0.5

    channels: ClassVar[int] = 1

    def canvas(self, image: Image.Image | PixelArray, stretch: float = 1.0) -> PixelArray:
        """Brings a line to the canvas, still as bytes; this is what datasets cache.

        Args:
            image: An upright picture of one line without transparency, or its grey levels [height, width].
            stretch: How many times wider it becomes than its shape would have it.

        Returns:
            Bytes of shape [height, width]; at least one pixel wide. `widest` is not looked at here.
        """
        if isinstance(image, np.ndarray):
            image = Image.fromarray(image)
        if image.mode != "L":
            # Grey by the ITU-R BT.601 luma weights, which is what Pillow's "L" means.
            image = image.convert("L")
        width = max(1, round(image.width * self.height / image.height * stretch))
        factors = (max(1, image.width // (4 * width)), max(1, image.height // (4 * self.height)))
        if factors != (1, 1):
            image = image.reduce(factors)
        if image.size != (width, self.height):
            # Pillow widens the filter when shrinking, so this is antialiased.
            image = image.resize((width, self.height), Image.Resampling.BILINEAR)
        return self.levelled(np.asarray(image, dtype=np.uint8))

    def levelled(self, grey: PixelArray) -> PixelArray:
        """Turns a line dark on light and stretches its contrast; bytes of any shape to bytes of that shape."""
        counts = np.bincount(grey.ravel(), minlength=256)
        shares = np.cumsum(counts) / grey.size
        darkest, middle, lightest = np.searchsorted(shares, (0.005, 0.5, 0.995)).tolist()
        levels = np.arange(256, dtype=np.float32)
        # Ink covers less than half of a line, so the middle level is the ground.
        if self.polarity == "dark-on-light" and lightest - middle > middle - darkest:
            levels = 255 - levels
            darkest, lightest = 255 - lightest, 255 - darkest
        span = max(lightest - darkest, self.contrast)
        # The lightest level becomes white: where there is no ink, nothing is invented.
        stretched = np.clip(255 - (lightest - levels) * (255.0 / span), 0, 255)
        levelled: PixelArray = np.round(stretched).astype(np.uint8).take(grey)
        return levelled

    def padded_width(self, width: int) -> int:
        """The width to which a canvas is filled up with paper: few different ones, for nets are compiled for each.

        Args:
            width: Of the canvas in pixels, at least 1.

        Returns:
            A multiple of 32, wider by less than that or a quarter.
        """
        return _stepped(width, WIDTH_STEP, 8 * WIDTH_STEP)

    def padded(self, canvases: Sequence[PixelArray], width: int) -> FloatArray:
        """Fills canvases up with paper on the right and scales them: one batch for the net.

        Args:
            canvases: Bytes of shape [height, up to `width`] each.
            width: Of the batch in pixels.

        Returns:
            Floats of shape [len(canvases), 1, height, width].
        """
        batch = np.full((len(canvases), 1, self.height, width), 255, np.uint8)
        for row, canvas in zip(batch, canvases, strict=True):
            row[0, :, : canvas.shape[1]] = canvas
        return self.normalise(batch)

    def normalise(self, canvas: PixelArray) -> FloatArray:
        """Scales bytes of any shape to the range that the net was trained on."""
        return ((canvas.astype(np.float32) / 255.0) - np.float32(self.mean)) / np.float32(self.deviation)

    def __call__(self, image: Image.Image | PixelArray) -> FloatArray:
        """The whole way: a picture to floats of shape [1, height, width]."""
        return self.normalise(self.canvas(image))[np.newaxis]

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values, for a model's metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LinePreprocess:
        """Brings settings back from a model's metadata.

        Raises:
            ModelError: A setting is unknown, so a newer program wrote it, or a value is impossible.
        """
        _refuse_unknown(cls, values)
        preprocess = cls(**values)
        if (
            not isinstance(preprocess.height, int)
            or not 8 <= preprocess.height <= 256
            or preprocess.polarity not in ("dark-on-light", "keep")
            or not isinstance(preprocess.contrast, int)
            or not 1 <= preprocess.contrast <= 255
            or not isinstance(preprocess.widest, int)
            or not 4 * preprocess.height <= preprocess.widest <= 1 << 16
            or not preprocess.deviation > 0
        ):
            raise ModelError("The model's preprocessing facts are impossible; the file is damaged, fetch it again.")
        return preprocess


@dataclass(frozen=True)
class PagePreprocess:
    """Settings of the way from the picture of a page to the net that finds its lines, and the way itself.

    Attributes:
        multiple: Both sides of the net's input are multiples of so many pixels.
        text_height: Height of a line, from ascender to descender, at which the net is at its best, in pixels of its
            input.
        least_height: The least height of a line at which it finds one at all.
        mean: Subtracted from pixel values in 0..1.
        deviation: Divisor after that.
    """

    multiple: int = 32
    text_height: float = 17.0
    least_height: float = 5.0
    mean: float = 0.5
    deviation: float = 0.5

    channels: ClassVar[int] = 1

    def scaled(self, grey: PixelArray, scale: float) -> PixelArray:
        """Brings a page to another size.

        Args:
            grey: Grey levels, [height, width].
            scale: Pixels of the result for each pixel of the page, above 0.

        Returns:
            Bytes of the scaled shape, at least one pixel each way.
        """
        import cv2

        whole = int(1 / scale)
        if whole > 1 and min(grey.shape) >= whole:
            # Over whole numbers of pixels averages are formed several times as fast. The last pixels that make up no
            # such number are left out: what is smaller than one pixel of the result holds no text.
            height, width = (side // whole for side in grey.shape)
            grey = np.asarray(
                cv2.resize(grey[: height * whole, : width * whole], (width, height), interpolation=cv2.INTER_AREA),
                np.uint8,
            )
            scale *= whole
        height, width = grey.shape
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if size == (width, height):
            return grey
        # Averaging over areas is the only way of OpenCV's to shrink without aliasing.
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(grey, size, interpolation=way), np.uint8)

    def padded_side(self, side: int) -> int:
        """The length to which a side of a page is filled up: few different ones, for nets prepare themselves for each.

        Args:
            side: In pixels, at least 1.

        Returns:
            A multiple of `multiple`, longer by less than four times that.
        """
        return _stepped(side, self.multiple, 4 * self.multiple)

    def padded(self, grey: PixelArray) -> FloatArray:
        """Fills a page up on the right and below by repeating its edge, and scales its values: one batch for the net.

        Args:
            grey: Grey levels, [height, width].

        Returns:
            Floats of shape [1, 1, height, width]; see `padded_side`.
        """
        below, right = (self.padded_side(side) - side for side in grey.shape)
        return self.normalise(np.pad(grey, ((0, below), (0, right)), mode="edge"))[np.newaxis, np.newaxis]

    def normalise(self, grey: PixelArray) -> FloatArray:
        """Scales bytes of any shape to the range that the net was trained on."""
        return ((grey.astype(np.float32) / 255.0) - np.float32(self.mean)) / np.float32(self.deviation)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values, for a model's metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PagePreprocess:
        """Brings settings back from a model's metadata.

        Raises:
            ModelError: A setting is unknown, so a newer program wrote it, or a value is impossible.
        """
        _refuse_unknown(cls, values)
        preprocess = cls(**values)
        if (
            not isinstance(preprocess.multiple, int)
            or not 1 <= preprocess.multiple <= 256
            or not all(isinstance(one, (int, float)) for one in (preprocess.text_height, preprocess.least_height))
            or not 1 <= preprocess.least_height <= preprocess.text_height <= 256
            or not preprocess.deviation > 0
        ):
            raise ModelError("The model's preprocessing facts are impossible; the file is damaged, fetch it again.")
        return preprocess


def _refuse_unknown(
    cls: type[CharacterPreprocess] | type[LinePreprocess] | type[PagePreprocess], values: dict[str, Any]
) -> None:
    unknown = sorted(set(values) - {field.name for field in fields(cls)})
    if unknown:
        raise ModelError(
            f"The model was prepared in a way this version does not know ({', '.join(unknown)}); update typecase."
        )


def is_light_on_dark(grey: PixelArray) -> bool:
    """Guesses whether a character is lighter than its ground.

    The grey levels are cut in two by Otsu's threshold (Otsu 1979). The frame of a picture shows mostly the ground,
    and so do its corners, which a centred character seldom reaches.

    Args:
        grey: Grey levels of shape [height, width].

    Returns:
        True when the ground is on the dark side of the threshold.
    """
    if min(grey.shape) < 3:
        return False
    threshold = _otsu(grey)
    bright = grey > threshold
    frame = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]]).mean()
    height, width = (max(1, side // 8) for side in bright.shape)
    corners = np.mean(
        [part.mean() for rows in (bright[:height], bright[-height:]) for part in (rows[:, :width], rows[:, -width:])]
    )
    return bool(0.5 * (frame + corners) < 0.5)


def _otsu(grey: PixelArray) -> float:
    histogram = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(histogram)
    above = below[-1] - below
    total_below = np.cumsum(histogram * np.arange(256))
    total_above = total_below[-1] - total_below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total_below / below - total_above / above) ** 2
    between = np.nan_to_num(between)
    best = np.flatnonzero(between == between.max())
    return float(best.mean())


def _reduced(image: Image.Image, side: int, keep_aspect: bool) -> Image.Image:
    longest = max(image.size)
    width, height = (longest, longest) if keep_aspect else image.size
    factors = (max(1, width // side), max(1, height // side))
    return image.reduce(factors) if factors != (1, 1) else image


def _padded_to_square(image: Image.Image) -> Image.Image:
    width, height = image.size
    if width == height:
        return image
    side = max(width, height)
    left, top = (side - width) // 2, (side - height) // 2
    square = Image.new(image.mode, (side, side), _paper(image))
    square.paste(image, (left, top))
    return square


def _paper(image: Image.Image) -> int | tuple[int, ...]:
    """The colour of the ground: the median of the frame's brighter half, for ink may touch the frame."""
    pixels = np.asarray(image)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    frame = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    luma = frame.mean(axis=1)
    paper = np.median(frame[luma >= np.median(luma)], axis=0)
    values = tuple(int(value) for value in paper)
    return values[0] if image.mode == "L" else values
