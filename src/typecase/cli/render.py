"""`typecase render`: pictures of text with their ground truth, to train with, to test with and to look at."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from typecase.cli import output
from typecase.errors import UsageError

if TYPE_CHECKING:
    from typecase.synthesis.render import RenderSettings


class _TextFirst(TyperGroup):
    """Takes whatever is no verb for text: `typecase render "Some text"` is `typecase render text "Some text"`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Sets the verb in place where there is none."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["text", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_TextFirst, rich_markup_mode="rich", add_completion=False, no_args_is_help=True)


@app.callback(
    epilog="[bold]Examples[/bold]\n\n"
    '  typecase render "Total: 12.50" --font OpenSans-Bold.ttf --style thermal --out total.png\n\n'
    "  typecase render lines --count 10000 --fonts fonts/ --text sentences/ --out drawn/\n\n"
    "  typecase render sheet --fonts fonts/ --style photo --out signs.png",
)
def render() -> None:
    """Draw text with its ground truth."""


_Fonts = Annotated[
    list[str] | None,
    typer.Option(
        "--fonts",
        metavar="PATH",
        help="Folder or archive of font families, or a font file; may be given several times. Without it, the "
        "installed fonts.",
        show_default=False,
    ),
]
_Family = Annotated[
    list[str] | None,
    typer.Option("--family", metavar="NAME", help="Only this family; may be repeated.", show_default=False),
]
_Category = Annotated[
    list[str] | None,
    typer.Option(
        "--category",
        metavar="serif|sans-serif|monospace|display|handwriting",
        help="Only typefaces of this kind; may be repeated.",
        show_default=False,
    ),
]
_Slope = Annotated[Literal["normal", "italic"] | None, typer.Option(help="Only such fonts.", show_default=False)]
_Weights = Annotated[str, typer.Option("--weight", metavar="LEAST-MOST", help="Only fonts of these weights.")]
_Text = Annotated[
    list[str] | None,
    typer.Option(
        "--text",
        metavar="PATH|KIND[=WEIGHT]",
        help="A text file or a folder of them; or a kind of string such as amount or address (see --kinds); or "
        "mixture, what documents hold. May be repeated. Without it, strings as documents have them.",
        show_default=False,
    ),
]
_Language = Annotated[
    list[str] | None,
    typer.Option("--language", metavar="NAME", help="Only texts of files of this name.", show_default=False),
]
_WholeLines = Annotated[bool, typer.Option("--whole-lines", help="Draw lines of texts as they stand, not in pieces.")]
_Style = Annotated[
    list[str] | None,
    typer.Option(
        "--style",
        metavar="NAME[=WEIGHT]",
        help="How it looks, such as scan, thermal or photo (see --kinds); may be repeated.",
        show_default=False,
    ),
]
_Domain = Annotated[
    list[str] | None,
    typer.Option(
        "--domain",
        metavar="NAME[=WEIGHT]",
        help="What kind of paper it is from, such as receipt or form (see --kinds); may be repeated.",
        show_default=False,
    ),
]
_Characters = Annotated[
    str,
    typer.Option(
        metavar="latin|all|STRING",
        help="What may be drawn: the recogniser's characters, all that the fonts have, or these.",
    ),
]
_Missing = Annotated[
    Literal["skip", "refuse"], typer.Option(help="What to do about characters that no font has: leave out, or stop.")
]
_Part = Annotated[
    Literal["train", "held-back", "all"],
    typer.Option(help="Fonts and sentences to train with, those kept back to measure with, or all."),
]
_Colour = Annotated[bool, typer.Option("--colour/--grey", "--color", help="RGB pictures, or grey ones.")]
_Seed = Annotated[int, typer.Option(min=0, help="Decides everything that chance decides.")]


def _say_kinds(value: bool) -> None:
    if not value:
        return
    from typecase.synthesis.line_domains import DOMAINS
    from typecase.synthesis.line_looks import LOOKS
    from typecase.synthesis.strings import STRINGS

    for title, names in (("--text", ["mixture", "sentences", *STRINGS]), ("--style", LOOKS), ("--domain", DOMAINS)):
        output.print_result(f"{title}\n  " + "\n  ".join(names))
    raise typer.Exit()


_Kinds = Annotated[
    bool,
    typer.Option(
        "--kinds", callback=_say_kinds, is_eager=True, help="List what --text, --style and --domain take, and leave."
    ),
]


@app.command(
    epilog="[bold]Examples[/bold]\n\n"
    '  typecase render "Total: 12.50" --font OpenSans-Bold.ttf --style thermal --out total.png\n\n'
    '  typecase render "Größe 42" --font "Open Sans" --fonts fonts/ --small-caps --out size.png --labels size.jsonl'
)
def text(
    words: Annotated[str, typer.Argument(metavar="TEXT", help="What to draw; - reads it from standard input.")],
    font: Annotated[str, typer.Option(metavar="NAME|FILE", help="A font file, or a family or font among --fonts.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="PICTURE", help="The picture to write.")],
    fonts: _Fonts = None,
    weight: Annotated[int, typer.Option(min=1, max=1000, help="Of a family, the font nearest to it.")] = 400,
    slope: Annotated[Literal["normal", "italic"], typer.Option(help="Of a family, such a font.")] = "normal",
    style: Annotated[str, typer.Option(metavar="NAME", help="How it looks (see --kinds).")] = "clean",
    height: Annotated[int, typer.Option(min=8, max=1024, help="Rows of the picture.")] = 64,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE", help="Write the ground truth as a labels.jsonl.", show_default=False),
    ] = None,
    letter_spacing: Annotated[float, typer.Option(help="Added after each character, in ems.")] = 0.0,
    word_spacing: Annotated[float, typer.Option(help="Added to each space, in ems.")] = 0.0,
    stretch: Annotated[float, typer.Option(help="Width against the font's own.")] = 1.0,
    slant: Annotated[float, typer.Option(help="Lean, as shift for each unit of height.")] = 0.0,
    bold: Annotated[float, typer.Option(help="Growth of the strokes, in ems.")] = 0.0,
    small_caps: Annotated[bool, typer.Option("--small-caps", help="Small letters as small capitals.")] = False,
    underline: Annotated[bool, typer.Option("--underline", help="A rule under the line.")] = False,
    strike_through: Annotated[bool, typer.Option("--strike-through", help="A rule through the line.")] = False,
    superscript: Annotated[
        list[str] | None,
        typer.Option(metavar="START-END", help="Raise these characters, counted from 0.", show_default=False),
    ] = None,
    subscript: Annotated[
        list[str] | None, typer.Option(metavar="START-END", help="Lower these characters.", show_default=False)
    ] = None,
    kerning: Annotated[bool, typer.Option(help="Kern pairs as the font says.")] = True,
    ligatures: Annotated[bool, typer.Option(help="Take the font's usual ligatures.")] = True,
    feature: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="An OpenType feature, such as onum.", show_default=False)
    ] = None,
    missing: _Missing = "refuse",
    colour: _Colour = True,
    seed: _Seed = 0,
    kinds: _Kinds = False,
) -> None:
    """Draw one line of text; `typecase render TEXT` is enough."""
    from typecase.pictures import check_plot_path, save_picture
    from typecase.synthesis.line_style import LineStyle
    from typecase.synthesis.render import draw_text, label_row, pick_font

    check_plot_path(out)
    if words == "-":
        words = sys.stdin.read()
    how = LineStyle(
        letter_spacing=letter_spacing,
        word_spacing=word_spacing,
        stretch=stretch,
        slant=slant,
        bold=bold,
        small_caps=small_caps,
        underline=underline,
        strike_through=strike_through,
        superscript=_spans(superscript, "--superscript"),
        subscript=_spans(subscript, "--subscript"),
        kerning=kerning,
        ligatures=ligatures,
        features=tuple(feature or ()),
    )
    chosen = pick_font(font, _sources(fonts), weight=weight, slope=slope, text=words)
    line = draw_text(chosen, words, look=style, style=how, height=height, colour=colour, seed=seed, missing=missing)
    save_picture(line.image, out)
    if labels is not None:
        _write_labels(labels, label_row(line, _relative(out, labels.parent)))


@app.command(
    epilog="[bold]Examples[/bold]\n\n"
    "  typecase render lines --count 10000 --fonts fonts/ --text sentences/ --out drawn/\n\n"
    "  typecase render lines --count 1000000 --fonts fonts/ --domain receipt --format webdataset --out shards/"
)
def lines(
    count: Annotated[int, typer.Option(min=1, help="How many; more than are there adds to them.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where they go.", file_okay=False)],
    fonts: _Fonts = None,
    family: _Family = None,
    category: _Category = None,
    slope: _Slope = None,
    weight: _Weights = "1-1000",
    text: _Text = None,
    language: _Language = None,
    whole_lines: _WholeLines = False,
    style: _Style = None,
    domain: _Domain = None,
    characters: _Characters = "latin",
    missing: _Missing = "skip",
    part: _Part = "all",
    colour: _Colour = False,
    seed: _Seed = 0,
    form: Annotated[
        Literal["folder", "webdataset"],
        typer.Option("--format", help="Pictures with a labels.jsonl, or tar files of both."),
    ] = "folder",
    block: Annotated[int, typer.Option("--block", min=1, help="Lines in a folder or tar file.")] = 1000,
    processes: Annotated[
        int | None, typer.Option("--processes", "-j", min=1, help="How many draw; one a core.", show_default=False)
    ] = None,
    kinds: _Kinds = False,
) -> None:
    """Draw many lines with their labels; run again, it goes on where it stopped."""
    from typecase.synthesis.render_set import write_lines

    settings = _settings(
        fonts, family, category, slope, weight, text, language, whole_lines, style, domain, characters, missing, part,
        colour, seed,
    )  # fmt: skip
    start = time.monotonic()
    with output.progress() as bar:
        task = bar.add_task("Lines", total=count)
        done = write_lines(
            settings,
            count,
            out,
            form=form,
            block=block,
            processes=processes,
            progress=lambda there: bar.update(task, completed=there),
        )
    seconds = time.monotonic() - start
    speed = f" ({done.drawn / seconds:,.0f} lines/s)" if done.drawn else ""
    output.messages().print(f"{done.count:,} lines in {out}, {done.drawn:,} of them new{speed}.")


@app.command(
    epilog="[bold]Examples[/bold]\n\n"
    "  typecase render sheet --fonts fonts/ --out sheet.png\n\n"
    "  typecase render sheet --fonts fonts/ --text amount --text date --style thermal --boxes --out amounts.png"
)
def sheet(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="PICTURE", help="The picture to write.")],
    count: Annotated[int, typer.Option(min=1, max=2000, help="Lines on it.")] = 60,
    columns: Annotated[int, typer.Option(min=1, max=20, help="Lines side by side.")] = 3,
    width: Annotated[int, typer.Option(min=100, max=10000, help="Of the sheet in pixels.")] = 1500,
    captions: Annotated[bool, typer.Option(help="Set what a line says below it.")] = True,
    boxes: Annotated[bool, typer.Option("--boxes", help="Frame words and characters.")] = False,
    first: Annotated[int, typer.Option(min=0, help="Number of the first line.")] = 0,
    fonts: _Fonts = None,
    family: _Family = None,
    category: _Category = None,
    slope: _Slope = None,
    weight: _Weights = "1-1000",
    text: _Text = None,
    language: _Language = None,
    whole_lines: _WholeLines = False,
    style: _Style = None,
    domain: _Domain = None,
    characters: _Characters = "latin",
    missing: _Missing = "skip",
    part: _Part = "all",
    colour: _Colour = True,
    seed: _Seed = 0,
    kinds: _Kinds = False,
) -> None:
    """Draw a sheet of the lines that `typecase render lines` would write, to look at them."""
    from typecase.pictures import check_plot_path, save_picture
    from typecase.synthesis.render import sheet_of_lines

    check_plot_path(out)
    settings = _settings(
        fonts, family, category, slope, weight, text, language, whole_lines, style, domain, characters, missing, part,
        colour, seed,
    )  # fmt: skip
    workshop = settings.open()
    with output.progress() as bar:
        task = bar.add_task("Lines", total=count)
        drawn = []
        for number in range(first, first + count):
            drawn.append(workshop.draw(number))
            bar.advance(task)
    save_picture(sheet_of_lines(drawn, columns=columns, width=width, captions=captions, boxes=boxes), out)


def _settings(
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
    from typecase.charset import LATIN_CHARACTERS
    from typecase.synthesis.render import RenderSettings

    paths, kinds = _texts(text or [])
    return RenderSettings(
        fonts=_sources(fonts),
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


def _sources(fonts: list[str] | None) -> tuple[str, ...]:
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


def _spans(values: list[str] | None, option: str) -> tuple[tuple[int, int], ...]:
    return tuple(_span(value, option) for value in values or ())


def _relative(picture: Path, folder: Path) -> str:
    try:
        return picture.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        raise UsageError(f"{picture} does not lie below {folder or '.'}; write --labels beside or above it.") from None


def _write_labels(path: Path, row: dict[str, Any]) -> None:
    from typecase.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
