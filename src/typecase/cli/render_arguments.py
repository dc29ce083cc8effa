"""The options of `typecase render`, and how they become settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from typecase.cli import output
from typecase.errors import UsageError

if TYPE_CHECKING:
    from typecase.synthesis.page_render import PageSettings
    from typecase.synthesis.render import RenderSettings

Fonts = Annotated[
    list[str] | None,
    typer.Option(
        "--fonts",
        metavar="PATH",
        help="Folder or archive of font families, or a font file; may be given several times. Without it, the "
        "installed fonts.",
        show_default=False,
    ),
]
Family = Annotated[
    list[str] | None,
    typer.Option("--family", metavar="NAME", help="Only this family; may be repeated.", show_default=False),
]
Category = Annotated[
    list[str] | None,
    typer.Option(
        "--category",
        metavar="serif|sans-serif|monospace|display|handwriting",
        help="Only typefaces of this kind; may be repeated.",
        show_default=False,
    ),
]
Slope = Annotated[Literal["normal", "italic"] | None, typer.Option(help="Only such fonts.", show_default=False)]
Weights = Annotated[str, typer.Option("--weight", metavar="LEAST-MOST", help="Only fonts of these weights.")]
Text = Annotated[
    list[str] | None,
    typer.Option(
        "--text",
        metavar="PATH|KIND[=WEIGHT]",
        help="A text file or a folder of them; or a kind of string such as amount or address (see --kinds); or "
        "mixture, what documents hold. May be repeated. Without it, strings as documents have them.",
        show_default=False,
    ),
]
Language = Annotated[
    list[str] | None,
    typer.Option("--language", metavar="NAME", help="Only texts of files of this name.", show_default=False),
]
WholeLines = Annotated[bool, typer.Option("--whole-lines", help="Draw lines of texts as they stand, not in pieces.")]
Style = Annotated[
    list[str] | None,
    typer.Option(
        "--style",
        metavar="NAME[=WEIGHT]",
        help="How it looks, such as scan, thermal or photo (see --kinds); may be repeated.",
        show_default=False,
    ),
]
Domain = Annotated[
    list[str] | None,
    typer.Option(
        "--domain",
        metavar="NAME[=WEIGHT]",
        help="What kind of paper it is from, such as receipt or form (see --kinds); may be repeated.",
        show_default=False,
    ),
]
Layout = Annotated[
    list[str] | None,
    typer.Option(
        "--layout",
        metavar="NAME[=WEIGHT]",
        help="What kind of page, such as receipt or article (see --kinds); may be repeated.",
        show_default=False,
    ),
]
Rotation = Annotated[
    list[str] | None,
    typer.Option(
        "--rotation",
        metavar="0|90|180|270[=WEIGHT]",
        help="By how many degrees pages must be turned to be upright; may be repeated. Without it, most are upright.",
        show_default=False,
    ),
]
Characters = Annotated[
    str,
    typer.Option(
        metavar="latin|all|STRING",
        help="What may be drawn: the recogniser's characters, all that the fonts have, or these.",
    ),
]
Missing = Annotated[
    Literal["skip", "refuse"], typer.Option(help="What to do about characters that no font has: leave out, or stop.")
]
Part = Annotated[
    Literal["train", "held-back", "all"],
    typer.Option(help="Fonts and sentences to train with, those kept back to measure with, or all."),
]
Colour = Annotated[bool, typer.Option("--colour/--grey", "--color", help="RGB pictures, or grey ones.")]
Seed = Annotated[int, typer.Option(min=0, help="Decides everything that chance decides.")]


def _say_kinds(value: bool) -> None:
    if not value:
        return
    from typecase.synthesis.line_domains import DOMAINS
    from typecase.synthesis.line_looks import LOOKS
    from typecase.synthesis.page import LAYOUTS
    from typecase.synthesis.page_looks import PAGE_LOOKS
    from typecase.synthesis.strings import STRINGS

    for title, names in (
        ("--text", ["mixture", "sentences", *STRINGS]),
        ("--style of lines", LOOKS),
        ("--domain", DOMAINS),
        ("--layout", LAYOUTS),
        ("--style of pages", PAGE_LOOKS),
    ):
        output.print_result(f"{title}\n  " + "\n  ".join(names))
    raise typer.Exit()


Kinds = Annotated[
    bool,
    typer.Option(
        "--kinds", callback=_say_kinds, is_eager=True, help="List what --text, --style, --domain and --layout take."
    ),
]


def refuse_strangers(pages: bool, **options: object) -> None:
    """Refuses options that mean nothing for what is drawn.

    Raises:
        UsageError: One is given.
    """
    strange = ("whole_lines", "domain") if pages else ("layout", "rotation")
    for name in strange:
        if options[name]:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is for {'lines' if pages else 'pages (--pages)'}; leave it out.")


def page_settings(
    fonts: list[str] | None,
    family: list[str] | None,
    category: list[str] | None,
    slope: str | None,
    weight: str,
    text: list[str] | None,
    language: list[str] | None,
    layout: list[str] | None,
    style: list[str] | None,
    rotation: list[str] | None,
    characters: str,
    missing: Literal["skip", "refuse"],
    part: Literal["train", "held-back", "all"],
    colour: bool,
    seed: int,
) -> PageSettings:
    """Makes settings for pages of the options.

    Raises:
        UsageError: An option is wrong.
    """
    from typecase.charset import LATIN_CHARACTERS
    from typecase.synthesis.page import ROTATIONS
    from typecase.synthesis.page_render import PageSettings

    paths, kinds = _texts(text or [])
    if set(kinds) - {"sentences"}:
        raise UsageError("A page's layout says which strings stand on it; give --text files and folders of sentences.")
    turns = _weighted(rotation or [], "--rotation")
    for name in turns:
        if name not in map(str, ROTATIONS):
            raise UsageError(f"--rotation {name} is none of {', '.join(map(str, ROTATIONS))}.")
    return PageSettings(
        fonts=sources(fonts),
        families=tuple(family or ()),
        categories=tuple(category or ()),
        slopes=(slope,) if slope else (),
        weights=_span(weight, "--weight"),
        texts=paths,
        languages=tuple(language or ()),
        layouts=_weighted(layout or [], "--layout"),
        looks=_weighted(style or [], "--style"),
        rotations={int(name): weight for name, weight in turns.items()} or dict(ROTATIONS),
        characters=LATIN_CHARACTERS if characters == "latin" else characters,
        missing=missing,
        part=part,
        colour=colour,
        seed=seed,
    )


def line_settings(
    fonts: list[str] | None,
    family: list[str] | None,
    category: list[str] | None,
    slope: str | None,
    weight: str,
    text: list[str] | None,
    language: list[str] | None,
    whole_lines: bool,
    style: list[str] | None,
    domain: list[str] | None,
    characters: str,
    missing: Literal["skip", "refuse"],
    part: Literal["train", "held-back", "all"],
    colour: bool,
    seed: int,
) -> RenderSettings:
    """Makes settings for lines of the options.

    Raises:
        UsageError: An option is wrong.
    """
    from typecase.charset import LATIN_CHARACTERS
    from typecase.synthesis.render import RenderSettings

    paths, kinds = _texts(text or [])
    return RenderSettings(
        fonts=sources(fonts),
        families=tuple(family or ()),
        categories=tuple(category or ()),
        slopes=(slope,) if slope else (),
        weights=_span(weight, "--weight"),
        texts=paths,
        languages=tuple(language or ()),
        kinds=kinds,
        whole_lines=whole_lines,
        domains=_weighted(domain or [], "--domain"),
        looks=_weighted(style or [], "--style"),
        characters=LATIN_CHARACTERS if characters == "latin" else characters,
        missing=missing,
        part=part,
        colour=colour,
        seed=seed,
    )


def sources(fonts: list[str] | None) -> tuple[str, ...]:
    """The values of --fonts, or the installed fonts."""
    from typecase.synthesis.fonts import SYSTEM

    return tuple(fonts) if fonts else (SYSTEM,)


def _texts(arguments: Iterable[str]) -> tuple[tuple[str, ...], dict[str, float]]:
    """Divides the values of --text into paths and kinds with their weights."""
    from typecase.synthesis.strings import STRINGS
    from typecase.synthesis.text import SENTENCES

    paths: list[str] = []
    kinds: dict[str, float] = {}
    for argument in arguments:
        name = argument.partition("=")[0]
        if name in (SENTENCES, _MIXTURE) or name in STRINGS:
            kinds |= _weighted([argument], "--text")
        elif Path(argument).exists():
            paths.append(argument)
        else:
            raise UsageError(
                f"{argument} is neither a text file nor a kind of text; typecase render --kinds lists these."
            )
    if _MIXTURE in kinds:
        if len(kinds) > 1:
            raise UsageError("--text mixture is all that documents hold; give it without other kinds.")
        return tuple(paths), {}
    if paths:
        # Who names a text wants it drawn.
        kinds.setdefault(SENTENCES, 1.0)
    return tuple(paths), kinds


_MIXTURE = "mixture"


def _weighted(arguments: Collection[str], option: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for argument in arguments:
        name, equals, weight = argument.partition("=")
        try:
            value = float(weight) if equals else 1.0
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise UsageError(f"{option} {argument} has no number from 0 up behind the equals sign; give one.")
        weights[name] = value
    return weights


def _span(value: str, option: str) -> tuple[int, int]:
    first, dash, last = value.partition("-")
    try:
        return int(first), int(last if dash else first)
    except ValueError:
        raise UsageError(f"{option} {value} is no range of whole numbers; write it like 300-500.") from None


def spans(values: list[str] | None, option: str) -> tuple[tuple[int, int], ...]:
    """Spans such as 2-5, given by an option that may be repeated."""
    return tuple(_span(value, option) for value in values or ())
