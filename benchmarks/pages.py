"""Reading whole pages: typecase beside RapidOCR and Tesseract, on the very same files in one run.

    TYPECASE_DATA=../shared/data python benchmarks/pages.py

Expected output: a line for the machine, one for each file of weights with its SHA-256, the versions of the peers; then
for each set of pages a Markdown table with a line for each reader (word F1 with its 95 % interval, words lost and made
up, and where the truth is in the order of reading the character error rate of the whole page); what turning the pages
costs; seconds a receipt and for a dense A4 page, measured in turns; a whole process cold; the most memory of a process;
and last each goal with whether it is met. Scores are the same on every machine to within a word or two; times are not.

Time: five minutes on two cores of a server processor, half of it for the times. The first run takes fifteen minutes
more: it makes the peers' environment (`--set-up` does that alone), draws pages, and has the peers read everything;
their answers are kept in the cache folder (`--anew` throws them away).

The sets: receipts of SROIE whose number is divisible by ten (case-folded), all forms of FUNSD, and pages drawn in
typefaces, of sentences and in layouts that no training sees. Peers run as they come: Tesseract finds the page's parts
by itself and is told the language; RapidOCR finds, turns and reads lines by itself. Nothing of ours is chosen by
looking at these sets. `--losses` tells where words were lost and `--sheets DIR` draws it.

RapidOCR needs the network once (its packages hold its models). Tesseract comes from the system; see
benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common
from peers.page_goals import OURS, READERS, goals
from peers.page_scores import Result, scored
from typecase.errors import InputError, TypecaseError, UsageError

if TYPE_CHECKING:
    from peers.page_losses import Loss
    from peers.page_readers import KeptPages, PageAnswer, PageReader
    from peers.page_sets import PageSet, TruePage

SETS = ("sroie", "funsd", "drawn")
PARTS = ("quality", "turned", "speed", "start", "memory", "endurance")
ANGLES = (90, 180, 270)
WORST = 10
"""Pages that `--sheets` draws of each set and reader."""


def print_scores(results: Mapping[str, Result]) -> None:
    """Prints the table of one set."""
    rows = []
    for reader, result in results.items():
        low, high = result.interval
        row = [
            reader,
            f"{result.f1:.4f}",
            f"{low:.4f} to {high:.4f}",
            f"{result.true - result.matched:,}",
            f"{result.read - result.matched:,}",
        ]
        rows.append([*row, f"{result.characters.value:.4f}" if result.characters else "-"])
    _common.print_table(("reader", "word F1", "95 % interval", "words lost", "in excess", "CER of pages"), rows)


def print_losses(losses: Mapping[str, Sequence[Loss]], true: int, folded: bool) -> None:
    """Prints where words were lost, by reader."""
    from peers.page_losses import MEANINGS, frequent_confusions

    counts = {reader: Counter(loss.kind for loss in found) for reader, found in losses.items()}
    rows = [
        [kind, meaning, *(f"{count[kind]:,} ({100 * count[kind] / max(1, true):.1f} %)" for count in counts.values())]
        for kind, meaning in MEANINGS.items()
    ]
    print()
    _common.print_table(("lost words", "why", *losses), rows)
    for reader, found in losses.items():
        told = ", ".join(
            f"{one or 'nothing'} as {other or 'nothing'} {number}"
            for one, other, number in frequent_confusions(found, folded)
        )
        print(f"- {reader}, characters in misread words: {told or 'none'}")


def write_sheets(
    folder: Path, name: str, pages: Sequence[TruePage], losses: Sequence[Sequence[Loss]], f1: Sequence[float]
) -> None:
    """Draws the pages that lost most words, or read most in excess."""
    from peers.page_losses import losses_picture
    from typecase.pictures import save_picture

    order = sorted(range(len(pages)), key=lambda place: (-len(losses[place]), place))[:WORST]
    for rank, place in enumerate(order, start=1):
        if losses[place]:
            stem = pages[place].picture.path.stem
            title = f"{stem}: word F1 {f1[place]:.3f}"
            save_picture(losses_picture(pages[place], losses[place], title), folder / f"{name}-{rank:02}-{stem}.png")


def print_speeds(title: str, measured: Mapping[str, Sequence[float]]) -> None:
    """Prints seconds a page, and how many times as long as ours each takes."""
    print(f"\n{title}:\n")
    ours = statistics.median(measured[OURS]) if OURS in measured else None
    rows = [
        (
            name,
            f"{statistics.median(values):.3f}",
            f"{min(values):.3f} to {max(values):.3f}",
            f"{statistics.median(values) / ours:.1f}" if ours else "-",
        )
        for name, values in measured.items()
    ]
    _common.print_table(("reader", "s a page, median", "extremes", "times ours"), rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("--only", nargs="+", metavar="SET", help=f"sets to read, by default all: {', '.join(SETS)}")
    parser.add_argument(
        "--readers", nargs="+", metavar="READER", help=f"who reads, by default all: {', '.join(READERS)}"
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        metavar="PART",
        help=f"what is measured, of {', '.join(PARTS)}; by default all but endurance",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="the first N pages of each set alone")
    parser.add_argument("--model", type=Path, metavar="FILE", help="another recogniser than the shipped one")
    parser.add_argument("--detector", type=Path, metavar="FILE", help="likewise of what finds lines")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads of each reader (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds of measuring times (default: 3)")
    parser.add_argument("--pages", type=int, default=12, metavar="N", help="receipts of a round (default: 12)")
    parser.add_argument(
        "--endurance-pages", type=int, default=2000, metavar="N", help="pages that endurance reads (default: 2000)"
    )
    parser.add_argument("--losses", action="store_true", help="tell where words were lost")
    parser.add_argument("--sheets", type=Path, metavar="DIR", help=f"draw what was lost on the {WORST} worst pages")
    parser.add_argument("--anew", action="store_true", help="draw the pages and ask the peers again")
    parser.add_argument("--set-up", action="store_true", help="make the peers' environment, and leave")
    options = parser.parse_args(arguments)
    if min(options.threads, options.rounds, options.pages, options.endurance_pages, options.limit or 1) < 1:
        raise UsageError("--threads, --rounds, --pages, --limit and --endurance-pages are at least 1.")
    if options.set_up:
        from peers import environment

        environment.print_set_up()
        return
    parts = _common.chosen(options.parts or PARTS[:-1], PARTS, "part")
    _measure(
        options, parts, _common.chosen(options.only, SETS, "set"), _common.chosen(options.readers, READERS, "reader")
    )


def _readers(wanted: Sequence[str], options: argparse.Namespace) -> tuple[dict[str, PageReader], list[TypecaseError]]:
    from peers.ours_pages import OurPages
    from peers.page_readers import RapidOcrPages, TesseractPages

    kinds: dict[str, Callable[[int], PageReader]] = {
        OURS: OurPages,
        "rapidocr": RapidOcrPages,
        "tesseract": TesseractPages,
    }
    readers: dict[str, PageReader] = {}
    failed: list[TypecaseError] = []
    for name in wanted:
        # A peer that is missing must not keep the others from being measured.
        try:
            readers[name] = kinds[name](options.threads)
        except InputError as error:
            failed.append(error)
            print(f"{name}: {error}\n", file=sys.stderr, flush=True)
    return readers, failed


def _measure(options: argparse.Namespace, parts: Sequence[str], names: Sequence[str], wanted: Sequence[str]) -> None:
    from peers import page_sets
    from peers.page_costs import growth, peak_memory, speeds
    from peers.page_readers import KeptPages

    started = time.monotonic()
    readers, failed = _readers(wanted, options)
    weights = {name: _common.weights_facts(reader.weights) for name, reader in readers.items()}
    facts = _common.machine("bfloat16 where the processor has it, else float32 (OpenVINO)")
    _common.print_head(facts, [one for found in weights.values() for one in found])
    for name, reader in readers.items():
        size = sum(one["bytes"] for one in weights[name])
        told = ", ".join(f"{key} {value}" for key, value in reader.facts.items())
        print(f"- {reader.name}: {told}, {size / 1e6:.1f} MB of weights", flush=True)
    kept = {name: KeptPages(reader, anew=options.anew) for name, reader in readers.items() if name != OURS}
    measured: dict[str, Any] = {
        "scores": {},
        "turned": {},
        "speed": {},
        "dense": {},
        "start": [],
        "memory": {},
        "growth": None,
        "weights": sum(one["bytes"] for one in weights.get(OURS, [])),
    }
    results: dict[str, Any] = {}
    if "quality" in parts:
        for name in names:
            pages = _limited(page_sets.open_set(name, options.data, anew=options.anew), options.limit)
            measured["scores"][name], results[name] = _quality(name, pages, readers, kept, options)
    root = _common.data_file("sroie", options.data).parent
    receipts = _limited(page_sets.open_set("sroie", options.data), options.limit)
    if "turned" in parts and OURS in readers:
        measured["turned"] = _turned(readers[OURS], receipts)
    if "speed" in parts:
        taken = receipts.pages[:: max(1, len(receipts.pages) // options.pages)][: options.pages]
        measured["speed"] = speeds(readers, taken, options.rounds)
        title = f"Seconds a receipt, warm, {options.threads} threads, {len(taken)} receipts"
        print_speeds(title, measured["speed"])
        dense = page_sets.dense_page(root)
        measured["dense"] = speeds(readers, [dense], options.rounds)
        words = len(dense.text.split())
        print_speeds(f"Seconds for a dense A4 page at 300 dpi ({words:,} words), warm", measured["dense"])
    if "start" in parts:
        measured["start"] = _started(readers, receipts.pages[0], options.rounds)
    if "memory" in parts:
        measured["memory"] = {name: peak_memory(reader, page_sets.dense_page(root)) for name, reader in readers.items()}
        print("\nMost memory of a process that reads a dense A4 page at 300 dpi:\n")
        rows = [(name, f"{held / 1e6:.0f} MB") for name, held in measured["memory"].items()]
        _common.print_table(("reader", "memory"), rows)
    if "endurance" in parts and OURS in readers:
        held = growth(receipts.pages, options.endurance_pages, options.threads)
        # Fewer pages than twice the first mark tell nothing about growth.
        measured["growth"] = held[-1][1] / held[0][1] if len(held) > 1 else None
        print(f"\nMemory of one process: {held[0][1] / 1e6:.0f} MB after {held[0][0]:,} pages, ", end="")
        print(f"{held[-1][1] / 1e6:.0f} MB after {held[-1][0]:,}")
    asked = goals(measured)
    _common.print_goals(asked)
    del measured["scores"]
    _common.write_json(
        options.json,
        "pages",
        facts,
        results,
        weights=weights,
        peers={name: dict(reader.facts) for name, reader in readers.items() if name != OURS},
        measured=measured,
        goals=[vars(goal) for goal in asked],
        seconds=round(time.monotonic() - started, 1),
    )
    if failed:
        raise SystemExit(int(failed[0].exit_code))


def _limited(pages: PageSet, limit: int | None) -> PageSet:
    return replace(pages, pages=pages.pages[:limit])


def _quality(
    name: str,
    pages: PageSet,
    readers: Mapping[str, PageReader],
    kept: Mapping[str, KeptPages],
    options: argparse.Namespace,
) -> tuple[dict[str, Result], dict[str, Any]]:
    from peers.page_losses import page_losses

    pictures = [page.picture for page in pages.pages]
    scores: dict[str, Result] = {}
    losses: dict[str, list[list[Loss]]] = {}
    for reader, one in readers.items():
        answers: list[PageAnswer] = kept[reader].read(pictures, name) if reader in kept else one.read(pictures)
        texts = [answer.text for answer in answers]
        scores[reader] = scored(pages.pages, texts, pages.folded, pages.ordered)
        if options.losses or options.sheets is not None:
            losses[reader] = [
                page_losses(page, answer, pages.folded) for page, answer in zip(pages.pages, answers, strict=True)
            ]
    print(f"\n{pages.title}: {len(pages.pages):,} pages, digest {pages.digest}\n")
    print_scores(scores)
    together = {reader: [loss for page in found for loss in page] for reader, found in losses.items()}
    if options.losses:
        print_losses(together, next(iter(scores.values())).true, pages.folded)
    if options.sheets is not None:
        for reader, found in losses.items():
            write_sheets(options.sheets, f"{name}-{reader}", pages.pages, found, scores[reader].pages)
    told = {
        reader: {
            **result.to_dict(),
            "pages": {page.picture.path.stem: f1 for page, f1 in zip(pages.pages, result.pages, strict=True)},
            "losses": dict(Counter(loss.kind for loss in together.get(reader, ()))),
        }
        for reader, result in scores.items()
    }
    return scores, {"title": pages.title, "pages": len(pages.pages), "digest": pages.digest, "readers": told}


def _turned(ours: PageReader, pages: PageSet) -> dict[int, float]:
    from peers.page_sets import turned

    def f1(shown: Sequence[TruePage]) -> float:
        answers = ours.read([page.picture for page in shown])
        return scored(shown, [answer.text for answer in answers], pages.folded, ordered=False).f1

    upright = f1(pages.pages)
    lost = {}
    for degrees in ANGLES:
        with tempfile.TemporaryDirectory(prefix="typecase-turned-") as folder:
            lost[degrees] = upright - f1(turned(pages.pages, degrees, Path(folder)))
    print(f"\n{pages.title}, turned: word F1 {upright:.4f} upright; lost ", end="")
    print(", ".join(f"{100 * value:.2f} points by {degrees} degrees" for degrees, value in lost.items()), flush=True)
    return lost


def _started(readers: Mapping[str, PageReader], page: TruePage, rounds: int) -> list[float]:
    from peers.page_costs import whole_process

    rows = []
    found: list[float] = []
    for name, reader in readers.items():
        if reader.command(page.picture)[1]:
            continue
        for cold in (False, True):
            values = whole_process(reader, page, rounds, cold=cold)
            state = "cold" if cold else "files in the system's cache"
            rows.append(
                (f"{name}, {state}", f"{statistics.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}")
            )
            if cold and name == OURS:
                found = values
    print("\nA receipt by a whole process, from its start to its end:\n")
    _common.print_table(("process", "s, median", "extremes"), rows)
    return found


if __name__ == "__main__":
    _common.run(main)
