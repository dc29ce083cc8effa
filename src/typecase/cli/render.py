"""`typecase render`: pictures of text with their ground truth, to train with, to test with and to look at."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from typecase.cli import output
from typecase.cli.render_arguments import (
    Category,
    Characters,
    Colour,
    Domain,
    Family,
    Fonts,
    Kinds,
    Language,
    Layout,
    Missing,
    Part,
    Rotation,
    Seed,
    Slope,
    Style,
    Text,
    Weights,
    WholeLines,
    line_settings,
    page_settings,
    refuse_strangers,
    sources,
    spans,
)
from typecase.errors import UsageError

if TYPE_CHECKING:
    from typecase.synthesis.page_render import PageSettings
    from typecase.synthesis.render import RenderSettings
    from typecase.synthesis.render_set import Written


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
    "  typecase render pages --count 1000 --fonts fonts/ --text sentences/ --out pages/\n\n"
    "  typecase render sheet --fonts fonts/ --style photo --out signs.png",
)
def render() -> None:
    """Draw text with its ground truth."""


@app.command(
    epilog="[bold]Examples[/bold]\n\n"
    '  typecase render "Total: 12.50" --font OpenSans-Bold.ttf --style thermal --out total.png\n\n'
    '  typecase render "Größe 42" --font "Open Sans" --fonts fonts/ --small-caps --out size.png --labels size.jsonl'
)
def text(
    words: Annotated[str, typer.Argument(metavar="TEXT", help="What to draw; - reads it from standard input.")],
    font: Annotated[str, typer.Option(metavar="NAME|FILE", help="A font file, or a family or font among --fonts.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="PICTURE", help="The picture to write.")],
    fonts: Fonts = None,
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
    missing: Missing = "refuse",
    colour: Colour = True,
    seed: Seed = 0,
    kinds: Kinds = False,
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
        superscript=spans(superscript, "--superscript"),
        subscript=spans(subscript, "--subscript"),
        kerning=kerning,
        ligatures=ligatures,
        features=tuple(feature or ()),
    )
    chosen = pick_font(font, sources(fonts), weight=weight, slope=slope, text=words)
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
    fonts: Fonts = None,
    family: Family = None,
    category: Category = None,
    slope: Slope = None,
    weight: Weights = "1-1000",
    text: Text = None,
    language: Language = None,
    whole_lines: WholeLines = False,
    style: Style = None,
    domain: Domain = None,
    characters: Characters = "latin",
    missing: Missing = "skip",
    part: Part = "all",
    colour: Colour = False,
    seed: Seed = 0,
    form: Annotated[
        Literal["folder", "webdataset"],
        typer.Option("--format", help="Pictures with a labels.jsonl, or tar files of both."),
    ] = "folder",
    block: Annotated[int, typer.Option("--block", min=1, help="Lines in a folder or tar file.")] = 1000,
    processes: Annotated[
        int | None, typer.Option("--processes", "-j", min=1, help="How many draw; one a core.", show_default=False)
    ] = None,
    kinds: Kinds = False,
) -> None:
    """Draw many lines with their labels; run again, it goes on where it stopped."""
    settings = line_settings(
        fonts, family, category, slope, weight, text, language, whole_lines, style, domain, characters, missing, part,
        colour, seed,
    )  # fmt: skip
    _write(settings, count, out, form, block, processes)


@app.command(
    epilog="[bold]Examples[/bold]\n\n"
    "  typecase render pages --count 1000 --fonts fonts/ --text sentences/ --out pages/\n\n"
    "  typecase render pages --count 50 --fonts fonts/ --layout receipt --style phone --rotation 0 --out receipts/"
)
def pages(
    count: Annotated[int, typer.Option(min=1, help="How many; more than are there adds to them.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where they go.", file_okay=False)],
    fonts: Fonts = None,
    family: Family = None,
    category: Category = None,
    slope: Slope = None,
    weight: Weights = "1-1000",
    text: Text = None,
    language: Language = None,
    layout: Layout = None,
    style: Style = None,
    rotation: Rotation = None,
    characters: Characters = "latin",
    missing: Missing = "skip",
    part: Part = "all",
    colour: Colour = False,
    seed: Seed = 0,
    form: Annotated[
        Literal["folder", "webdataset"],
        typer.Option("--format", help="Pictures with a labels.jsonl, or tar files of both."),
    ] = "folder",
    block: Annotated[int, typer.Option("--block", min=1, help="Pages in a folder or tar file.")] = 50,
    processes: Annotated[
        int | None, typer.Option("--processes", "-j", min=1, help="How many draw; one a core.", show_default=False)
    ] = None,
    kinds: Kinds = False,
) -> None:
    """Draw whole pages with the outlines of their lines and words; run again, it goes on where it stopped."""
    settings = page_settings(
        fonts, family, category, slope, weight, text, language, layout, style, rotation, characters, missing, part,
        colour, seed,
    )  # fmt: skip
    _write(settings, count, out, form, block, processes)


def _write(
    settings: RenderSettings | PageSettings,
    count: int,
    out: Path,
    form: Literal["folder", "webdataset"],
    block: int,
    processes: int | None,
) -> None:
    from typecase.synthesis.render_set import write_drawn

    start = time.monotonic()
    with output.progress() as bar:
        task = bar.add_task(settings.what.capitalize(), total=count)
        done: Written = write_drawn(
            settings,
            count,
            out,
            form=form,
            block=block,
            processes=processes,
            progress=lambda there: bar.update(task, completed=there),
        )
    seconds = time.monotonic() - start
    speed = f" ({done.drawn / seconds:,.1f} {settings.what}/s)" if done.drawn else ""
    output.messages().print(f"{done.count:,} {settings.what} in {out}, {done.drawn:,} of them new{speed}.")


@app.command(
    epilog="[bold]Examples[/bold]\n\n"
    "  typecase render sheet --fonts fonts/ --out sheet.png\n\n"
    "  typecase render sheet --fonts fonts/ --text amount --text date --style thermal --boxes --out amounts.png\n\n"
    "  typecase render sheet --pages --fonts fonts/ --text sentences/ --layout form --boxes --out forms.png"
)
def sheet(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="PICTURE", help="The picture to write.")],
    pages: Annotated[bool, typer.Option("--pages", help="Show whole pages instead of lines.")] = False,
    count: Annotated[
        int | None, typer.Option(min=1, max=2000, help="Lines on it, or pages; 60, or 12.", show_default=False)
    ] = None,
    columns: Annotated[int, typer.Option(min=1, max=20, help="Lines side by side.")] = 3,
    width: Annotated[int, typer.Option(min=100, max=10000, help="Of the sheet in pixels.")] = 1500,
    captions: Annotated[bool, typer.Option(help="Set what a line says below it.")] = True,
    boxes: Annotated[bool, typer.Option("--boxes", help="Frame words and characters, or lines and words.")] = False,
    first: Annotated[int, typer.Option(min=0, help="Number of the first line or page.")] = 0,
    fonts: Fonts = None,
    family: Family = None,
    category: Category = None,
    slope: Slope = None,
    weight: Weights = "1-1000",
    text: Text = None,
    language: Language = None,
    whole_lines: WholeLines = False,
    style: Style = None,
    domain: Domain = None,
    layout: Layout = None,
    rotation: Rotation = None,
    characters: Characters = "latin",
    missing: Missing = "skip",
    part: Part = "all",
    colour: Colour = True,
    seed: Seed = 0,
    kinds: Kinds = False,
) -> None:
    """Draw a sheet of what `typecase render lines` or `pages` would write, to look at it."""
    from typecase.pictures import check_plot_path, save_picture

    check_plot_path(out)
    refuse_strangers(pages, whole_lines=whole_lines, domain=domain, layout=layout, rotation=rotation)
    number = count or (12 if pages else 60)
    if pages:
        from typecase.synthesis.page_render import sheet_of_pages

        chosen = page_settings(
            fonts, family, category, slope, weight, text, language, layout, style, rotation, characters, missing, part,
            colour, seed,
        )  # fmt: skip
        drawn_pages = _drawn(chosen, first, number)
        save_picture(sheet_of_pages(drawn_pages, columns=columns, width=width, boxes=boxes), out)
        return
    from typecase.synthesis.render import sheet_of_lines

    settings = line_settings(
        fonts, family, category, slope, weight, text, language, whole_lines, style, domain, characters, missing, part,
        colour, seed,
    )  # fmt: skip
    drawn = _drawn(settings, first, number)
    save_picture(sheet_of_lines(drawn, columns=columns, width=width, captions=captions, boxes=boxes), out)


def _drawn(settings: RenderSettings | PageSettings, first: int, count: int) -> list[Any]:
    workshop = settings.open()
    drawn = []
    with output.progress() as bar:
        task = bar.add_task(settings.what.capitalize(), total=count)
        for number in range(first, first + count):
            drawn.append(workshop.draw(number))
            bar.advance(task)
    return drawn


def _relative(picture: Path, folder: Path) -> str:
    try:
        return picture.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        raise UsageError(f"{picture} does not lie below {folder or '.'}; write --labels beside or above it.") from None


def _write_labels(path: Path, row: dict[str, Any]) -> None:
    from typecase.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
