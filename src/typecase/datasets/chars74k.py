"""The data sets of Chars74K English, and the 62 x 100 handwritten letters of the same classes."""

from __future__ import annotations

from typecase.datasets.base import CharacterDataset


class EnglishFnt(CharacterDataset):
    """Characters of computer fonts; groups are the 254 typefaces, named "0" to "253"."""

    kind = "fnt"


class EnglishImg(CharacterDataset):
    """Characters cut from photos, of the original's good and bad pictures or of the plain layout."""

    kind = "img"


class EnglishHnd(CharacterDataset):
    """Handwritten characters, from pen strokes (groups are the writers "0" to "39") or the original's pictures.

    Strokes take the options of `layouts.HndLayout`: `variants`, `bend`, `pen_seed`. Further variants are trained on
    only; the validation and the test part hold each form once.
    """

    kind = "hnd"


class HandwrittenLetters(CharacterDataset):
    """The 62 x 100 photographed handwritten letters."""

    kind = "letters"
