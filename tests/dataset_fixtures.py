"""Small data sets for tests, made on the spot."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def png(seed: int, size: tuple[int, int] = (12, 16), mode: str = "L") -> bytes:
    """A picture of noise: other seeds, other pixels."""
    channels = {"L": (), "RGB": (3,)}[mode]
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, *channels), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write_tar(path: Path, files: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    """An archive of these files, in this order."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """The same as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    """The same as a folder."""
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def fnt(classes: Iterable[int] = range(1, 4), count: int = 40) -> dict[str, bytes]:
    """Files as EnglishFnt has them, all different."""
    return {
        f"English/Fnt/Sample{label:03}/img{label:03}-{number:05}.png": png(1000 * label + number)
        for label in classes
        for number in range(1, count + 1)
    }
