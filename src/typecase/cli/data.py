"""`typecase data`: the data sets that are known, fetched, decoded and looked at."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from typecase.cli import output
from typecase.errors import OutputError
from typecase.files import atomic_write

if TYPE_CHECKING:
    from typecase.datasets.decoded import DecodedSet
    from typecase.datasets.layouts import Layout

app = typer.Typer(rich_markup_mode="rich", add_completion=False, no_args_is_help=True)

_SKIPPED_SHOWN = 20


@app.callback()
def data() -> None:
    """List, download and prepare data sets."""


@app.command("list")
def list_kinds(
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """List the kinds of data that can be read, and which of them can be downloaded."""
    from typecase.datasets.download import ORIGINALS
    from typecase.datasets.layouts import LAYOUTS

    kinds = [
        {
            "kind": kind,
            "title": layout.title,
            "holds": layout.description,
            "groups": layout.groups or None,
            "example": layout.example,
            "licence": layout.licence,
            "url": ORIGINALS[kind].url if kind in ORIGINALS else None,
        }
        for kind, layout in LAYOUTS.items()
    ]
    if as_json:
        output.print_json(kinds)
        return
    width = max(len(kind) for kind in LAYOUTS) + 2
    for one in kinds:
        lines = [
            one["title"],
            one["holds"],
            f"licence: {one['licence']}",
            f"can be divided by {one['groups']}" if one["groups"] else "",
            f"typecase data download {one['kind']}" if one["url"] else "",
        ]
        output.print_result(f"{one['kind']:<{width}}" + f"\n{'':<{width}}".join(line for line in lines if line) + "\n")
    output.print_result("Give data as PATH, or as KIND:PATH where the kind cannot be told from what is there.")


@app.command(
    epilog="[bold]Examples[/bold]\n\n  typecase data download fnt img --to data\n\n"
    "  typecase data download fnt --url https://example.org/mirror/EnglishFnt.tgz",
)
def download(
    kinds: Annotated[list[str], typer.Argument(help="fnt, img, hnd or lists.", metavar="KIND...")],
    to: Annotated[Path, typer.Option("--to", help="The folder to put them in.", file_okay=False)] = Path("data"),
    sha256: Annotated[
        str | None, typer.Option(help="What the file's SHA-256 must be (with a single KIND).", metavar="HEX")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Fetch it from here instead (with a single KIND).")] = None,
) -> None:
    """Fetch original data sets from their makers' site; a download that broke off goes on."""
    from typecase.datasets.download import ORIGINALS
    from typecase.datasets.download import download as fetch

    if len(kinds) > 1 and (sha256 or url):
        raise typer.BadParameter("--sha256 and --url are about one file; name a single KIND with them.")
    for kind in kinds:
        with _byte_progress() as bar:
            task = bar.add_task(ORIGINALS[kind].file_name if kind in ORIGINALS else kind, total=None)

            def tell(done: int, total: int | None, bar: Any = bar, task: Any = task) -> None:
                bar.update(task, completed=done, total=total)

            path = fetch(kind, to, url=url, sha256=sha256, progress=tell)
        output.print_result(str(path))


def _byte_progress() -> Any:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = output.messages()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or console.quiet,
    )


@app.command(
    epilog="[bold]Examples[/bold]\n\n  typecase data prepare EnglishFnt.tgz\n\n"
    "  typecase data prepare my-letters/ --sheet letters.png",
)
def prepare(
    path: Annotated[str, typer.Argument(help="An archive, a folder, or KIND:PATH.", metavar="PATH")],
    size: Annotated[int, typer.Option(min=1, max=1024, help="Side of the canvas in pixels.")] = 48,
    channels: Annotated[int, typer.Option(min=1, max=3, help="1 for grey, 3 for RGB.")] = 1,
    fit: Annotated[Literal["pad", "stretch"], typer.Option(help="Pad to a square, or stretch.")] = "pad",
    polarity: Annotated[
        Literal["dark-on-light", "keep"], typer.Option(help="Turn light characters dark, or do not look.")
    ] = "dark-on-light",
    max_bad: Annotated[float, typer.Option(min=0, max=1, help="Share of pictures that may be unreadable.")] = 0.01,
    sheet: Annotated[Path | None, typer.Option(help="Write samples of every class to this picture.")] = None,
    cache: Annotated[bool, typer.Option(help="Keep the decoded pictures for training.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Decode a data set, keep it ready for training, and say what it holds."""
    from typecase.datasets import decoded, layouts
    from typecase.preprocess import CharacterPreprocess

    if channels == 2:
        raise typer.BadParameter("A picture has 1 or 3 channels.", param_hint="--channels")
    kind, root = layouts.split_kind(path)
    if kind == "auto":
        kind = layouts.detect(root)
    root = layouts.inside(kind, root)
    layout = layouts.layout_for(kind, root)
    preprocess = CharacterPreprocess(size=size, channels=3 if channels == 3 else 1, fit=fit, polarity=polarity)
    start = time.monotonic()
    with output.progress() as bar:
        task = bar.add_task(f"Decoding {root.name}", total=None)
        found = decoded.load(
            layout, root, preprocess, cache=cache, progress=lambda done: bar.update(task, completed=done)
        )
    facts = _Facts.of(layout, root, found, time.monotonic() - start)
    # What was skipped is shown in full before too much of it is an error.
    if as_json:
        output.print_json(facts.to_dict())
    else:
        output.print_result(facts.to_text())
    found.check_bad(max_bad, str(root))
    if sheet is not None:
        _write_sheet(sheet, found)


def _write_sheet(path: Path, found: DecodedSet) -> None:
    from typecase.datasets.sheet import contact_sheet

    drawn = contact_sheet(found.pictures, found.labels, found.classes)
    with atomic_write(path) as temporary:
        try:
            drawn.save(temporary)
        except ValueError:
            raise OutputError(f"{path} has no suffix of a picture format; call it something like sheet.png.") from None
    output.messages().print(f"Wrote {path}.")


@dataclass(frozen=True)
class _Facts:
    """What `prepare` says of a data set."""

    layout: Layout
    path: Path
    found: DecodedSet
    seconds: float

    @classmethod
    def of(cls, layout: Layout, path: Path, found: DecodedSet, seconds: float) -> _Facts:
        return cls(layout, path, found, seconds)

    def to_dict(self) -> dict[str, Any]:
        found = self.found
        counts = Counter(found.labels.tolist())
        return {
            "path": str(self.path),
            "kind": self.layout.kind,
            "title": self.layout.title,
            "licence": self.layout.licence,
            "pictures": len(found),
            "shape": list(found.pictures.shape[1:]),
            "classes": {name: counts[label] for label, name in enumerate(found.classes.names)},
            "groups": len(set(found.groups)) if self.layout.groups else None,
            "duplicates": {kind: _duplicates(found, kind) for kind in ("pixels", "files")},
            "skipped": [{"name": name, "reason": reason} for name, reason in found.skipped],
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        facts = self.to_dict()
        counts: dict[str, int] = facts["classes"]
        filled = {name: count for name, count in counts.items() if count}
        lines = [
            f"{facts['title']} ({facts['kind']}) in {self.path}",
            f"licence     {facts['licence']}",
            f"pictures    {facts['pictures']:,}, ready as {' x '.join(map(str, facts['shape']))} bytes "
            f"in {facts['seconds']:.2f} s",
        ]
        if filled:
            fewest, most = min(filled, key=filled.__getitem__), max(filled, key=filled.__getitem__)
            lines.append(
                f"classes     {len(filled):,}, with {filled[fewest]:,} ({fewest}) to {filled[most]:,} ({most}) "
                "pictures each"
            )
        empty = [name for name, count in counts.items() if not count]
        if empty:
            lines.append(f"empty       {len(empty):,} classes without a picture: {_some(empty)}")
        single = [name for name, count in counts.items() if count == 1]
        if single:
            lines.append(f"single      {len(single):,} classes with one picture, which trains: {_some(single)}")
        if facts["groups"] is not None:
            lines.append(f"groups      {facts['groups']:,}, each a {self.layout.groups}")
        twice = facts["duplicates"]
        lines.append(
            f"duplicates  {twice['pixels']:,} pictures have the pixels of another, {twice['files']:,} of them "
            "its whole file"
        )
        lines.append(f"skipped     {len(facts['skipped']):,}")
        lines += [f"  {one['name']}: {one['reason']}" for one in facts["skipped"][:_SKIPPED_SHOWN]]
        if len(facts["skipped"]) > _SKIPPED_SHOWN:
            lines.append(f"  and {len(facts['skipped']) - _SKIPPED_SHOWN:,} more (--json names them all)")
        return "\n".join(lines)


def _duplicates(found: DecodedSet, kind: str) -> int:
    originals = found.contents(kind)[found.variants == 0]
    return len(originals) - len(set(originals.tolist()))


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
