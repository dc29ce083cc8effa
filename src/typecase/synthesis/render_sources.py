"""What drawing begins with, as plain values: which fonts, which texts, which characters, and whose part of them.

Commands fill these settings in; each process opens them anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, get_args

from typecase.charset import LATIN_CHARACTERS
from typecase.errors import DataError, UsageError
from typecase.files import sha256_of
from typecase.synthesis.fonts import Category, FontCollection
from typecase.synthesis.text import Part, TextFile, open_texts, plain

logger = logging.getLogger(__name__)

Missing = Literal["skip", "refuse"]

ALL_CHARACTERS = "all"
"""Instead of a set of characters: whatever the fonts can draw."""

_NAMED = 20


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """Fonts and texts to draw with; all are plain values, which another process can be given.

    Attributes:
        fonts: Folders, archives and font files, or `system`.
        families: Only these; empty takes all, as for the next two.
        categories: Only these kinds of typefaces.
        slopes: `normal`, `italic`.
        weights: Least and greatest weight.
        texts: Text files and folders of them.
        languages: Only texts of these names; empty takes all.
        characters: What may be drawn; `all` is whatever the fonts have.
        missing: What to do about characters of the texts that no font has: `skip` leaves them out, `refuse` is an
            error.
        part: Fonts and sentences for training, held back from it, or all.
        colour: RGB pictures instead of grey ones.
        seed: Decides the rest.
    """

    what: ClassVar[str] = "pictures"
    """What comes of it, in messages and file names."""

    worth_a_process: ClassVar[int] = 100
    """Below so many pictures, starting processes takes longer than they save."""

    fonts: tuple[str, ...]
    families: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    slopes: tuple[str, ...] = ()
    weights: tuple[int, int] = (1, 1000)
    texts: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    characters: str = LATIN_CHARACTERS
    missing: Missing = "skip"
    part: Part = "all"
    colour: bool = False
    seed: int = 0

    def open_sources(self) -> tuple[FontCollection, tuple[TextFile, ...], str]:
        """Opens fonts and texts.

        Returns:
            Fonts, texts, and in a fixed order the characters that may be drawn.

        Raises:
            UsageError: A setting is unknown.
            DataError: Fonts or texts cannot be used, or are lacking characters that may not be left out.
        """
        self.check()
        fonts = self.open_fonts()
        texts = open_texts(self.texts, languages=self.languages or None) if self.texts else ()
        known = set().union(*(font.characters for font in fonts))
        allowed = known if self.characters == ALL_CHARACTERS else known & set(self.characters)
        if not any(map(str.strip, allowed)):
            raise DataError(f"None of the {len(fonts)} fonts draws any of the characters asked for; give other fonts.")
        _tell_missing(texts, allowed, self.missing)
        # In a fixed order, for chance may go through it.
        return fonts, texts, "".join(sorted(allowed))

    def open_fonts(self) -> FontCollection:
        """Opens the fonts and takes those that are asked for.

        Raises:
            DataError: They cannot be used, or none is left.
        """
        collection = FontCollection.gather(self.fonts)
        fonts = collection
        if self.families:
            fonts = fonts.select(families={font.family for name in self.families for font in collection.find(name)})
        fonts = fonts.select(
            categories=[Category(name) for name in self.categories] or None,
            styles=self.slopes or None,
            weights=self.weights,
        )
        if self.part != "all":
            fonts = fonts.training_families() if self.part == "train" else fonts.held_back_families()
        if not len(fonts):
            raise DataError(
                f"None of the {len(collection)} fonts is of the families, categories, slopes, weights and part that "
                "are asked for; ask for more."
            )
        return fonts

    def facts(self) -> dict[str, Any]:
        """The settings as JSON values, with what the fonts and texts are, so that the same facts draw the same lines.

        Raises:
            DataError: Fonts or texts cannot be used.
        """
        texts = open_texts(self.texts, languages=self.languages or None) if self.texts else ()
        return {
            **{name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()},
            "fonts": FontCollection.gather(self.fonts).identity,
            "texts": [[file.language, sha256_of(file.path)] for file in texts],
        }

    def check(self) -> None:
        """Looks whether all settings are known.

        Raises:
            UsageError: One is not.
        """
        for what, (given, names) in self.known().items():
            for name in given:
                if name not in names:
                    raise UsageError(f"There is no {what} {name!r}; choose from {', '.join(map(str, names))}.")

    def known(self) -> Mapping[str, tuple[Iterable[object], Sequence[object]]]:
        """What is chosen by name, and the names that there are."""
        return {
            "category": (self.categories, [category.value for category in Category]),
            "slope": (self.slopes, ["normal", "italic"]),
            "part": ([self.part], list(get_args(Part))),
            "way with missing characters": ([self.missing], list(get_args(Missing))),
        }


def _tell_missing(texts: Sequence[TextFile], allowed: set[str], missing: Missing) -> None:
    used = {character for file in texts for _, line in file.lines for character in plain(line)}
    lacking = sorted(used - allowed)
    if not lacking:
        return
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    names = f"{' '.join(lacking[:_NAMED])}{more}"
    if missing == "refuse":
        raise DataError(f"No font draws {names}, which the texts have; give other fonts, or leave them out.")
    logger.warning("Words with these characters are left out, for they cannot be drawn: %s.", names)
