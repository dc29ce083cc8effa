"""Data sets: what lies on disk, decoded once, divided reproducibly, ready for PyTorch.

Names are fetched from their modules when they are first used, so that listing and preparing data needs no PyTorch.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typecase.datasets.base import CharacterDataset as CharacterDataset
    from typecase.datasets.chars74k import EnglishFnt as EnglishFnt
    from typecase.datasets.chars74k import EnglishHnd as EnglishHnd
    from typecase.datasets.chars74k import EnglishImg as EnglishImg
    from typecase.datasets.chars74k import HandwrittenLetters as HandwrittenLetters
    from typecase.datasets.drawn import DrawnCharacters as DrawnCharacters
    from typecase.datasets.folder import ClassFolder as ClassFolder
    from typecase.datasets.layouts import detect as detect
    from typecase.datasets.splits import SplitRecord as SplitRecord

_HOME_OF = {
    "CharacterDataset": "base",
    "ClassFolder": "folder",
    "DrawnCharacters": "drawn",
    "EnglishFnt": "chars74k",
    "EnglishHnd": "chars74k",
    "EnglishImg": "chars74k",
    "HandwrittenLetters": "chars74k",
    "SplitRecord": "splits",
    "detect": "layouts",
}

DATASETS = {
    "fnt": "EnglishFnt",
    "img": "EnglishImg",
    "hnd": "EnglishHnd",
    "hnd-pictures": "EnglishHnd",
    "letters": "HandwrittenLetters",
    "folder": "ClassFolder",
}
"""The class for each kind of data set, by name."""

__all__ = ["DATASETS", *sorted(_HOME_OF), "open_dataset"]


def open_dataset(kind: str, path: str | os.PathLike[str], **arguments: Any) -> CharacterDataset | DrawnCharacters:
    """Opens a data set of a kind that is known by name, or found out.

    Args:
        kind: A key of `DATASETS`, or `auto`.
        path: As `CharacterDataset` takes it.
        arguments: As `CharacterDataset` takes them.

    Raises:
        UsageError: The kind or an argument is unknown.
        DataError: See `CharacterDataset`.
    """
    from pathlib import Path

    from typecase.datasets import layouts

    if kind == "drawn":
        from typecase.datasets.drawn import open_drawn

        return open_drawn(path, **arguments)
    if kind == "auto":
        kind = layouts.detect(Path(path))
    # Says what is wrong with an unknown kind.
    name = DATASETS.get(kind) or DATASETS[layouts.layout_for(kind, Path(path)).kind]
    dataset: CharacterDataset = __getattr__(name)(path, **arguments)
    return dataset


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'typecase.datasets' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"typecase.datasets.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value
