"""What people hand to the command by mistake: each thing gets an answer or one clear sentence, never a traceback."""

from __future__ import annotations

import io
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model_fixtures import bar, write_model
from typecase.classifier import Classifier
from typecase.errors import InputError
from typecase.sources import MAX_PIXELS, open_picture


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier(write_model(tmp_path_factory.mktemp("model") / "bars.onnx"), threads=1)


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def blank_png(side: int) -> bytes:
    """A white picture of one bit a pixel, made without ever holding its pixels."""
    packer = zlib.compressobj(1)
    row = b"\0" + b"\xff" * ((side + 7) // 8)
    rows = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])
    header = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.png", None, "does not exist; check the path."),
        ("empty.png", b"", "is empty; it holds no picture."),
        ("text.png", b"Dear Sir or Madam,\n", "is not a picture of a kind that is read (PNG, JPEG, GIF, TIFF"),
        ("truncated.png", png(noise())[:-900], "is damaged or incomplete ("),
        ("header-only.png", png(noise())[:20], "is damaged or incomplete ("),
        (
            "point.png",
            png(Image.new("L", (1, 1))),
            "is only 1 x 1 pixels; a character needs",
        ),
    ],
)
def test_pictures_that_cannot_be_read(
    bars: Classifier, tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        bars.classify(path)
    message = str(caught.value)
    assert message.startswith(f"{path} {sentence}")
    assert "\n" not in message
    assert message.endswith(".")


def test_twenty_thousand_pixels_square(bars: Classifier, tmp_path: Path) -> None:
    content = blank_png(20_000)
    path = tmp_path / "huge.png"
    path.write_bytes(content)
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"has 20000 x 20000 = 400,000,000 pixels, and at most 200,000,000 are read"):
        bars.classify(path)
    # Refused by its header: decoding takes a hundred times longer.
    assert time.perf_counter() - start < 0.2


def test_just_above_the_limit_and_lifted() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    content = blank_png(side)
    with pytest.raises(InputError, match=f"--max-pixels {side * side}"):
        open_picture(content)
    assert open_picture(content, max_pixels=None).size == (side, side)


def converted(mode: str) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.convert(mode)


def sixteen_bit(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image).astype(np.uint16) * 257)


def palette_with_alpha(image: Image.Image) -> Image.Image:
    # Ink and paper have the same black in the palette; only the transparency tells them apart.
    out = image.point(lambda level: 1 if level > 127 else 0).convert("P")
    out.putpalette([0, 0, 0] * 2)
    out.info["transparency"] = 1
    return out


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("PNG", converted("RGB")),
        ("PNG", converted("1")),
        ("PNG", sixteen_bit),
        ("TIFF", sixteen_bit),
        ("TIFF", converted("F")),
        ("PNG", palette_with_alpha),
        ("JPEG", converted("CMYK")),
        ("TIFF", converted("CMYK")),
        ("TIFF", converted("LAB")),
        ("JPEG", converted("YCbCr")),
        ("PNG", converted("LA")),
    ],
)
@pytest.mark.parametrize("label", ["/", "-"])
def test_odd_kinds_of_picture_are_read_all_the_same(
    bars: Classifier, kind: str, change: Callable[[Image.Image], Image.Image], label: str
) -> None:
    odd = change(bar(label).convert("RGB").convert("L"))
    buffer = io.BytesIO()
    odd.save(buffer, kind)
    answer, plain = bars.classify(buffer.getvalue()), bars.classify(bar(label))
    assert answer.label == label
    assert answer.confidence == pytest.approx(plain.confidence, abs=0.02)


def test_an_animation_is_judged_by_its_first_frame(bars: Classifier) -> None:
    buffer = io.BytesIO()
    bar("I").save(buffer, "GIF", save_all=True, append_images=[bar("-"), bar("/")], duration=40)
    assert bars.classify(buffer.getvalue()).label == "I"


@pytest.mark.parametrize(("orientation", "expected"), [(1, "I"), (3, "I"), (6, "-"), (8, "-")])
def test_a_photo_taken_sideways_is_turned(bars: Classifier, orientation: int, expected: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    bar("I").save(buffer, "JPEG", exif=exif)
    assert bars.classify(buffer.getvalue()).label == expected


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(5),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
        np.zeros((4, 4), np.int32),
        np.full((4, 4), np.nan),
        np.full((4, 4), 255.0),
        np.zeros((0, 0), np.uint8),
    ],
)
def test_arrays_that_are_no_pictures(bars: Classifier, array: Any) -> None:
    with pytest.raises(InputError, match=r"^<array> "):
        bars.classify(array)


@pytest.mark.parametrize("side", [3, 4, 9])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_and_tiny_pictures_get_an_answer(bars: Classifier, side: int, level: int) -> None:
    answer = bars.classify(np.full((side, side), level, np.uint8))
    assert answer.confidence is not None
    assert 0 <= answer.confidence <= 1


@pytest.mark.parametrize("shape", [(1, 30_000), (30_000, 1), (3, 3_000_000)])
def test_pictures_that_are_all_length_do_not_become_squares_of_it(bars: Classifier, shape: tuple[int, int]) -> None:
    assert bars.classify(np.zeros(shape, np.uint8)).error is None


def test_all_of_them_at_once_on_the_command_line(
    run_typecase: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    model = write_model(tmp_path / "bars.onnx")
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "1 huge.png").write_bytes(blank_png(20_000))
    (folder / "2 empty.png").touch()
    (folder / "3 text.png").write_text("no picture")
    (folder / "4 truncated.png").write_bytes(png(noise())[:500])
    (folder / "5 good.png").write_bytes(png(bar("/")))
    done = run_typecase("predict", folder, "--model", model)
    assert done.returncode == 5
    assert [line.split("\t")[:2] for line in done.stdout.splitlines()] == [[str(folder / "5 good.png"), "/"]]
    lines = done.stderr.splitlines()
    assert len(lines) == 5
    assert [name in line for name, line in zip(("1 huge", "2 empty", "3 text", "4 trunc"), lines, strict=False)] == [
        True
    ] * 4
    assert "Traceback" not in done.stderr
