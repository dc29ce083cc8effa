from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from typecase.errors import InputError
from typecase.sources import FORMATS, PICTURE_SUFFIXES, find_pictures, natural_key, open_picture, source_name


def ramp(width: int = 12, height: int = 7) -> Image.Image:
    """Grey levels that are all different along both sides, so that any turn or flip shows."""
    values = np.arange(width * height, dtype=np.uint8).reshape(height, width) * 3
    return Image.fromarray(values)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(image: Image.Image) -> Any:
    return np.asarray(image)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("GIF", {}),
        ("TIFF", {}),
        ("BMP", {}),
        ("PPM", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG2000", {"irreversible": False}),
    ],
)
def test_lossless_formats_give_their_pixels(kind: str, options: dict[str, Any]) -> None:
    opened = open_picture(encoded(ramp(), kind, **options))
    assert opened.mode in ("L", "RGB")
    assert np.array_equal(pixels(opened.convert("L")), pixels(ramp()))


@pytest.mark.parametrize("kind", ["JPEG", "AVIF", "ICO"])
def test_lossy_formats_give_nearly_their_pixels(kind: str) -> None:
    image = Image.linear_gradient("L").resize((32, 32))
    opened = open_picture(encoded(image, kind, **({"sizes": [(32, 32)]} if kind == "ICO" else {})))
    assert np.abs(pixels(opened.convert("L")).astype(int) - pixels(image)).mean() < 4


def test_the_format_is_told_by_the_content_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "really-a-bmp.png"
    path.write_bytes(encoded(ramp(), "BMP"))
    assert np.array_equal(pixels(open_picture(path)), pixels(ramp()))


def test_no_format_runs_another_program() -> None:
    # Pillow reads EPS by calling Ghostscript.
    with pytest.raises(InputError, match="not a picture of a kind that is read"):
        open_picture(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    assert "EPS" not in {known.name for known in FORMATS}


def test_every_kind_of_source_gives_the_same_picture(tmp_path: Path) -> None:
    content = encoded(ramp(), "PNG")
    path = tmp_path / "ramp.png"
    path.write_bytes(content)
    behind_a_header = io.BytesIO(b"header" + content)
    behind_a_header.seek(6)
    with path.open("rb") as file:
        sources: list[Any] = [path, str(path), content, bytearray(content), memoryview(content), file]
        sources += [io.BytesIO(content), behind_a_header, ramp(), pixels(ramp())]
        for source in sources:
            assert np.array_equal(pixels(open_picture(source)), pixels(ramp())), source


def test_a_pipe_is_read_though_it_cannot_be_rewound() -> None:
    reading, writing = os.pipe()
    os.write(writing, encoded(ramp(), "PNG"))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert np.array_equal(pixels(open_picture(pipe)), pixels(ramp()))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_obeyed(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(ramp(), "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    assert np.array_equal(pixels(open_picture(content)), pixels(expected))
    # A picture of Pillow's own is turned as well, and stays what it was.
    given = Image.open(io.BytesIO(content))
    assert np.array_equal(pixels(open_picture(given)), pixels(expected))
    assert given.size == ramp().size


def test_rubbish_in_exif_does_not_lose_the_picture() -> None:
    content = encoded(ramp(), "PNG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff rubbish")
    assert np.array_equal(pixels(open_picture(content)), pixels(ramp()))


def test_transparency_is_laid_on_white() -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((1, 1), (0, 0, 0, 255))
    image.putpixel((2, 2), (0, 0, 0, 128))
    opened = open_picture(encoded(image, "PNG"))
    assert opened.mode == "RGB"
    assert [opened.getpixel(at) for at in ((0, 0), (1, 1))] == [(255, 255, 255), (0, 0, 0)]
    half = opened.getpixel((2, 2))
    assert isinstance(half, tuple)
    assert half[0] == pytest.approx(127, abs=1)


def test_palette_with_alpha() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([200, 0, 0, 0, 0, 0])
    image.putpixel((1, 1), 1)
    opened = open_picture(encoded(image, "PNG", transparency=0))
    assert opened.getpixel((0, 0)) == (255, 255, 255)
    assert opened.getpixel((1, 1)) == (0, 0, 0)


def test_grey_with_one_transparent_level() -> None:
    image = Image.new("L", (4, 4), 7)
    image.putpixel((1, 1), 90)
    opened = open_picture(encoded(image, "PNG", transparency=7))
    assert opened.getpixel((0, 0)) == (255, 255, 255)
    assert opened.getpixel((1, 1)) == (90, 90, 90)


def test_cmyk_jpeg() -> None:
    opened = open_picture(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    red, green, blue = np.asarray(opened).reshape(-1, 3).mean(axis=0)
    assert opened.mode == "RGB"
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(kind: str) -> None:
    deep = np.array([[0, 257, 32896, 65535]] * 4, np.uint16)
    opened = open_picture(encoded(Image.fromarray(deep), kind))
    assert opened.mode == "L"
    assert pixels(opened)[0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 128, 255], [0, 128, 255]), ([0, 32768, 65535], [0, 128, 255]), ([-5, 510_000, 1_020_000], [0, 128, 255])],
)
def test_integers_of_unknown_range(values: list[int], expected: list[int]) -> None:
    image = Image.fromarray(np.array([values] * 3, np.int32))
    assert image.mode == "I"
    assert pixels(open_picture(image))[0].tolist() == expected


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_float_tiff(top: float) -> None:
    image = Image.fromarray(np.array([[0.0, top / 2, top]] * 3, np.float32))
    assert pixels(open_picture(encoded(image, "TIFF")))[0].tolist() == [0, 128, 255]


def test_float_picture_with_a_hole() -> None:
    image = Image.fromarray(np.array([[0.0, np.nan, 1.0]] * 3, np.float32))
    with pytest.raises(InputError, match="<picture> holds grey levels that are not finite"):
        open_picture(image)


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("L", (8, 8), level) for level in (10, 200, 90)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert Image.open(io.BytesIO(content)).n_frames == 3  # type: ignore[attr-defined]
    assert set(pixels(open_picture(content).convert("L")).ravel().tolist()) == {10}


def test_one_bit() -> None:
    image = Image.new("1", (9, 9), 1)
    image.putpixel((4, 4), 0)
    opened = open_picture(encoded(image, "PNG"))
    assert opened.mode == "L"
    assert (opened.getpixel((4, 4)), opened.getpixel((0, 0))) == (0, 255)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 128, 255]] * 3, np.uint8), [0, 128, 255]),
        (np.array([[0, 32896, 65535]] * 3, np.uint16), [0, 128, 255]),
        (np.array([[0, 32896, 65535]] * 3, ">u2"), [0, 128, 255]),
        (np.array([[False, True, True]] * 3), [0, 255, 255]),
        (np.array([[0.0, 0.5, 1.0]] * 3, np.float64), [0, 128, 255]),
        (np.array([[0.0, 0.5, 1.0]] * 3, np.float16), [0, 128, 255]),
        (np.array([[[0], [128], [255]]] * 3, np.uint8), [0, 128, 255]),
        (np.repeat(np.array([[[0], [128], [255]]] * 3, np.uint8), 3, axis=2), [0, 128, 255]),
        (np.array([[0, 1, 128, 2, 255, 3]] * 3, np.uint8)[:, ::2], [0, 128, 255]),
    ],
)
def test_arrays(array: Any, expected: list[int]) -> None:
    opened = open_picture(array)
    assert pixels(opened.convert("L"))[0].tolist() == expected


def test_array_with_alpha_and_with_sixteen_bit_colour() -> None:
    clear = np.zeros((3, 3, 4), np.uint8)
    assert open_picture(clear).getpixel((0, 0)) == (255, 255, 255)
    deep = np.full((3, 3, 3), 65535, np.uint16)
    assert open_picture(deep).getpixel((0, 0)) == (255, 255, 255)


def test_the_picture_shares_no_memory_with_its_source() -> None:
    array = np.zeros((4, 4), np.uint8)
    opened = open_picture(array)
    array[:] = 255
    assert opened.getpixel((0, 0)) == 0
    image = ramp()
    opened = open_picture(image)
    image.putpixel((0, 0), 99)
    assert opened.getpixel((0, 0)) == 0


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(9, np.uint8), "has the shape 9"),
        (np.zeros((2, 2, 2), np.uint8), "has the shape 2 x 2 x 2"),
        (np.zeros((1, 4, 4, 3), np.uint8), "has the shape 1 x 4 x 4 x 3"),
        (np.zeros((0, 5), np.uint8), "is empty"),
        (np.zeros((4, 4), np.int64), "is of type int64"),
        (np.zeros((4, 4), np.complex64), "is of type complex64"),
        (np.array([["a"] * 4] * 4), "is of type <U1"),
        (np.full((4, 4), 2.0), "holds floats outside 0..1"),
        (np.full((4, 4), -0.1), "holds floats outside 0..1"),
        (np.full((4, 4), np.nan), "or not a number"),
        (np.array([[0.5, np.nan, 0.5]] * 3), "or not a number"),
    ],
)
def test_arrays_that_are_no_picture(array: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        open_picture(array)
    assert str(caught.value).startswith("<array>")


def test_a_source_of_another_kind() -> None:
    with pytest.raises(InputError, match="A picture cannot be a int"):
        open_picture(5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="opened as text"):
        open_picture(io.StringIO("text"))  # type: ignore[arg-type]


def test_names() -> None:
    assert source_name("a/b.png") == "a/b.png"
    assert source_name(Path("a/b.png")) == "a/b.png"
    assert source_name(b"") == "<bytes>"
    assert source_name(np.zeros(1)) == "<array>"
    assert source_name(ramp()) == "<picture>"
    with pytest.raises(InputError, match=r"^the third picture is empty"):
        open_picture(b"", name="the third picture")


def test_the_limit_of_the_size_is_the_callers() -> None:
    content = encoded(ramp(20, 10), "PNG")
    assert open_picture(content, max_pixels=200).size == (20, 10)
    assert open_picture(content, max_pixels=None).size == (20, 10)
    with pytest.raises(InputError, match=r"20 x 10 = 200 pixels, and at most 199 are read.*--max-pixels 200"):
        open_picture(content, max_pixels=199)
    for source in (pixels(ramp(20, 10)), ramp(20, 10)):
        with pytest.raises(InputError, match="at most 199"):
            open_picture(source, max_pixels=199)


def test_pillows_own_limit_is_neither_used_nor_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    contents = [encoded(ramp(), kind) for kind in ("PNG", "BMP", "JPEG")] * 20
    with ThreadPoolExecutor(4) as pool:
        assert all(one.size == (12, 7) for one in pool.map(open_picture, contents))
    assert Image.MAX_IMAGE_PIXELS == 10
    # A few decoders look at it by themselves, and then the sentence says so.
    with pytest.raises(InputError, match="exceeds Pillow's own limit of 10 pixels"):
        open_picture(encoded(ramp(), "WEBP"))


def test_small_pictures() -> None:
    # A single stroke cut out tightly is a picture; a point is not.
    assert open_picture(np.zeros((9, 1), np.uint8)).size == (1, 9)
    for side in (1, 2):
        with pytest.raises(InputError, match=f"is only {side} x {side} pixels"):
            open_picture(np.zeros((side, side), np.uint8))


def test_damage_at_every_place_gives_a_picture_or_a_sentence() -> None:
    generator = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM", "JPEG2000", "ICO"):
        content = encoded(ramp(32, 32), kind)
        for number in range(60):
            damaged = bytearray(content)
            if number % 2:
                del damaged[int(generator.integers(1, len(damaged))) :]
            else:
                for position in generator.integers(0, len(damaged), 4):
                    damaged[position] = int(generator.integers(256))
            try:
                outcome = open_picture(bytes(damaged), max_pixels=10_000_000).mode
            except InputError as error:
                outcome = str(error).split()[0]
            assert outcome in ("L", "RGB", "<bytes>")


def test_pictures_of_a_folder_come_in_natural_order(tmp_path: Path) -> None:
    names = ["img2.png", "img10.png", "IMG1.PNG", "b/img1.jpg", "b/10/x.tif", "b/9/x.tif", "a.bmp"]
    others = ["notes.txt", ".hidden.png", ".git/x.png", "b/.x/y.png", "weights.onnx"]
    for name in names + others:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = [path.relative_to(tmp_path).as_posix() for path in find_pictures([tmp_path])]
    assert found == ["IMG1.PNG", "a.bmp", "b/9/x.tif", "b/10/x.tif", "b/img1.jpg", "img2.png", "img10.png"]


def test_what_is_no_folder_of_pictures_is_kept(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    named = [tmp_path / "missing.png", tmp_path / "text.txt", empty]
    assert find_pictures(named) == named
    with pytest.raises(InputError, match="is a folder in which no picture can be found"):
        open_picture(empty)
    (empty / "one.png").touch()
    with pytest.raises(InputError, match="is a folder of pictures"):
        open_picture(empty)


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The superuser, as whom tests often run, may read everything; so the refusal is acted.
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match="may not be read"):
        open_picture(tmp_path / "secret.png")


def test_natural_key_mixes_numbers_and_words() -> None:
    names = ["a", "1", "a1b", "a01b", "", "10", "9x"]
    assert sorted(names, key=lambda name: natural_key(Path(name))) == ["", "1", "9x", "10", "a", "a01b", "a1b"]


def test_every_listed_suffix_belongs_to_a_format() -> None:
    registered = Image.registered_extensions()
    kinds = {registered[suffix] for suffix in PICTURE_SUFFIXES if suffix in registered}
    assert kinds <= {"PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "DIB", "PPM", "JPEG2000", "AVIF", "HEIF", "ICO"}
