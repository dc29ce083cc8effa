"""Reading lines: typecase beside RapidOCR and Tesseract, on the same pictures in one run.

    TYPECASE_DATA=../shared/data python benchmarks/lines.py

Expected output: a line for the machine, one for each file of weights with its SHA-256, the versions of the peers;
then for each set of lines a Markdown table with a line for each reader (character and word error rate and line
accuracy with their 95 % intervals); for typecase how well its boxes and its confidence fit; the lines that each reader
reads in a second, measured in turns; and last each goal with whether it is met. Error rates are the same on every
machine, to within a line or two of rounding; speeds are not.

Time: a minute on two cores of a server processor and three more for the speeds (`--speed none` leaves them out). The
first run takes ten minutes more: it makes the peers' environment (`--set-up` does that alone), cuts and draws the
sets, and has the peers read them; their answers are kept in the cache folder (`--anew` throws them away).

The sets: receipts of SROIE whose number is divisible by ten, and all forms of FUNSD, none of which is trained on;
clean lines and words on signs, drawn once in families and of sentences that no training sees. Peers are run to
their advantage: Tesseract is told each line's language and given the border that it asks for, RapidOCR is given colour
and reads line by line, as it reads best. Nothing of ours is chosen by looking at these sets.

RapidOCR needs the network once (its packages hold its models). Tesseract comes from the system, as do the typefaces of
one width that are drawn: on Debian `apt-get install tesseract-ocr tesseract-ocr-deu tesseract-ocr-fra
tesseract-ocr-nld tesseract-ocr-por tesseract-ocr-spa fonts-hack fonts-jetbrains-mono fonts-freefont-ttf`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common
from _common import Goal
from typecase.errors import InputError, TypecaseError, UsageError

if TYPE_CHECKING:
    from peers.line_sets import LineSet
    from peers.readers import LineReader
    from typecase.text_score import LineScore, Rate, SetScore

OURS = "typecase"
READERS = (OURS, "rapidocr", "tesseract")
SETS = ("sroie", "funsd", "clean", "scene")
BATCHES = (1, 6, 16, 32)
"""Lines that RapidOCR is given at once where speed is measured."""

WORST = 40
SPEEDUP = 5.0
WEIGHTS_BYTES = 9_000_000


@dataclass(frozen=True)
class Result:
    """What a reader made of a set.

    Attributes:
        score: The figures; the interval of each rate takes pages as independent, not lines.
        lines: The score of each line.
        texts: What was read for each line.
    """

    score: SetScore
    lines: tuple[LineScore, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """How well what typecase says besides the text fits.

    Attributes:
        box_overlap: Mean intersection over union of the boxes of characters that were read right; None where the
            set tells no boxes.
        boxes: How many such characters there are.
        calibration_error: Expected calibration error of the confidence of words.
        words: How many words were read.
        line_calibration_error: Expected calibration error of the confidence of lines.
        line_confidence: The mean confidence of lines, to be compared with the share that is right.
    """

    box_overlap: float | None
    boxes: int
    calibration_error: float
    words: int
    line_calibration_error: float
    line_confidence: float


def scored(lines: LineSet, texts: Sequence[str]) -> Result:
    """Scores what was read."""
    from typecase.text_score import Rate, SetScore, score_line

    if lines.words:
        texts = ["".join(text.split()) for text in texts]
    scores = [score_line(line.text, text, lines.folded) for line, text in zip(lines.lines, texts, strict=True)]
    pages: dict[str, list[LineScore]] = defaultdict(list)
    for line, score in zip(lines.lines, scores, strict=True):
        pages[line.page].append(score)

    def rate(errors: Callable[[LineScore], int], length: Callable[[LineScore], int]) -> Rate:
        grouped = pages.values()
        return Rate.of([sum(map(errors, page)) for page in grouped], [sum(map(length, page)) for page in grouped])

    # Lines of one page share paper, printer and typeface, so it is pages that are drawn independently.
    total = replace(
        SetScore.of(scores),
        characters=rate(lambda one: one.edits, lambda one: one.length),
        words=rate(lambda one: one.word_edits, lambda one: one.words),
    )
    return Result(total, tuple(scores), tuple(texts))


def fit(lines: LineSet, read: Sequence[Any], result: Result) -> Fit:
    """Measures boxes and confidence.

    Args:
        lines: The set.
        read: The `typecase.document.Line` that was read for each of its lines.
        result: How right they are.
    """
    import numpy as np

    from typecase.text_score import matches, normalize
    from typecase.training.metrics import calibration

    overlaps: list[float] = []
    confidences: list[float] = []
    right: list[bool] = []
    for line, found in zip(lines.lines, read, strict=True):
        true = normalize(line.text, lines.folded).split()
        seen = [(normalize(word.text, lines.folded), word.confidence) for word in found.words]
        matched = {place for _, place in matches(true, [text for text, _ in seen])}
        confidences += [confidence for _, confidence in seen]
        right += [place in matched for place in range(len(seen))]
        letters = [one for one in line.characters if not one.text.isspace()]
        characters = [one for word in found.words for one in word.characters]
        pairs = matches([one.text for one in letters], [one.text for one in characters])
        overlaps += [_overlap(letters[first].box, characters[second].box) for first, second in pairs]
    error = calibration(np.array(confidences), np.array(right, dtype=np.bool_)).error
    sure = np.array([found.confidence for found in read])
    whole = calibration(sure, np.array([score.right for score in result.lines], dtype=np.bool_)).error
    overlap = statistics.fmean(overlaps) if overlaps else None
    return Fit(overlap, len(overlaps), error, len(right), whole, float(sure.mean()))


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes [x, y, width, height]."""
    sides = [max(0.0, min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i])) for i in (0, 1)]
    common = sides[0] * sides[1]
    union = one[2] * one[3] + other[2] * other[3] - common
    return common / union if union > 0 else 0.0


def worst(lines: LineSet, result: Result, count: int = WORST) -> list[int]:
    """The places of the lines that were read worst: by share of errors, among equal ones the longer first."""
    wrong = [place for place, score in enumerate(result.lines) if score.edits]
    scores = result.lines
    return sorted(wrong, key=lambda i: (-scores[i].edits / max(1, scores[i].length), -scores[i].edits, i))[:count]


def write_sheet(path: Path, lines: LineSet, result: Result) -> None:
    """Draws the worst lines of a reader, if any was read wrong."""
    from PIL import Image

    from typecase.pictures import save_picture
    from typecase.training.line_sheet import line_sheet

    def shown(text: str) -> str:
        return text.upper() if lines.folded else text

    rows = []
    for place in worst(lines, result):
        line = lines.lines[place]
        with Image.open(line.picture.path) as image:
            rows.append((image.convert("RGB"), shown(line.text), shown(result.texts[place])))
    if rows:
        save_picture(line_sheet(rows), path)


def speeds(
    readers: Sequence[LineReader], lines: LineSet, pages: int, rounds: int
) -> tuple[dict[str, list[float]], int]:
    """Measures lines a second, each reader in turn, so that what else the machine does befalls all alike.

    Args:
        readers: The readers.
        lines: A set of many pages.
        pages: How many of them are read, taken evenly.
        rounds: How often.

    Returns:
        For each reader's name the lines a second of each round; and how many lines a round has.
    """
    every = lines.pages
    taken = [[line.picture for line in page] for page in every[:: max(1, len(every) // pages)][:pages]]
    count = sum(map(len, taken))
    found: dict[str, list[float]] = {reader.name: [] for reader in readers}
    for number in range(rounds):
        for reader in readers:
            print(f"speed, round {number + 1} of {rounds}: {reader.name}", file=sys.stderr, flush=True)
            found[reader.name].append(count / reader.seconds(taken))
    return found, count


def _figure(rate: Rate) -> tuple[str, str]:
    low, high = rate.interval
    return f"{rate.value:.4f}", f"{low:.4f} to {high:.4f}"


def print_scores(results: Mapping[str, Result]) -> None:
    """Prints the table of one set."""
    rows = []
    for reader, result in results.items():
        score = result.score
        low, high = score.lines.interval
        rows.append(
            (
                reader,
                *_figure(score.characters),
                *_figure(score.words),
                f"{score.lines.value:.4f}",
                f"{low:.4f} to {high:.4f}",
                f"{score.without_spaces.value:.4f}",
            )
        )
    _common.print_table(
        (
            "reader",
            "CER",
            "95 % interval",
            "WER",
            "95 % interval",
            "line accuracy",
            "95 % interval",
            "CER without spaces",
        ),
        rows,
    )


def by_language(lines: LineSet, result: Result) -> dict[str, float]:
    """The character error rate of each language."""
    errors: dict[str, int] = defaultdict(int)
    lengths: dict[str, int] = defaultdict(int)
    for line, score in zip(lines.lines, result.lines, strict=True):
        errors[line.picture.language] += score.edits
        lengths[line.picture.language] += score.length
    return {language: errors[language] / max(1, lengths[language]) for language in lengths}


def goals(
    scores: Mapping[str, Mapping[str, Result]],
    fits: Mapping[str, Fit],
    measured: Mapping[str, Sequence[float]],
    weights_bytes: int,
) -> list[Goal]:
    """Compares what was measured with what was asked; figures that were not measured are left out."""
    found = []

    def peers_best(name: str) -> float | None:
        rates = [result.score.characters.value for reader, result in scores[name].items() if reader != OURS]
        return min(rates) if len(rates) == len(READERS) - 1 else None

    for name, limit in (("sroie", 0.013), ("clean", 0.004)):
        if OURS in scores.get(name, {}):
            value = scores[name][OURS].score.characters.value
            found.append(Goal(f"CER, {name}", f"{value:.4f}", f"at most {limit}", value <= limit))
    if OURS in scores.get("sroie", {}):
        value = scores["sroie"][OURS].score.lines.value
        found.append(Goal("line accuracy, sroie", f"{value:.4f}", "at least 0.91", value >= 0.91))
    for name in ("funsd", "clean"):
        best = peers_best(name) if OURS in scores.get(name, {}) else None
        if best is not None:
            value = scores[name][OURS].score.characters.value
            found.append(Goal(f"CER, {name}", f"{value:.4f}", f"below both peers ({best:.4f})", value < best))
    if {OURS, "tesseract"} <= set(scores.get("scene", {})):
        value, theirs = (scores["scene"][reader].score.lines.value for reader in (OURS, "tesseract"))
        found.append(Goal("word accuracy, scene", f"{value:.4f}", f"above Tesseract ({theirs:.4f})", value > theirs))
    if "clean" in fits and fits["clean"].box_overlap is not None:
        value = fits["clean"].box_overlap
        found.append(Goal("overlap of character boxes, clean", f"{value:.3f}", "at least 0.6", value >= 0.6))
    if "sroie" in fits:
        value = fits["sroie"].calibration_error
        found.append(Goal("calibration error of words, sroie", f"{value:.4f}", "at most 0.03", value <= 0.03))
    rapid = [statistics.median(values) for name, values in measured.items() if name.startswith("RapidOCR")]
    if rapid and OURS in measured:
        value = statistics.median(measured[OURS]) / max(rapid)
        asked = f"at least {SPEEDUP:g} times RapidOCR's best"
        found.append(Goal("lines a second", f"{value:.1f} times", asked, value >= SPEEDUP))
    if weights_bytes:
        reached = f"{weights_bytes / 1e6:.2f} MB"
        found.append(Goal("weights", reached, "at most 9 MB", weights_bytes <= WEIGHTS_BYTES))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"sets to read, by default all: {', '.join(SETS)}")
    parser.add_argument(
        "--readers", nargs="+", metavar="READER", help=f"who reads, by default all: {', '.join(READERS)}"
    )
    parser.add_argument("--model", type=Path, metavar="FILE", help="another model than the shipped one")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads of each reader (default: 2)")
    parser.add_argument(
        "--speed",
        choices=("all", "ours", "none"),
        default="all",
        help="whose lines a second are measured: all readers', or ours, or none",
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds of measuring speed (default: 3)")
    parser.add_argument("--pages", type=int, default=12, metavar="N", help="receipts of a round (default: 12)")
    parser.add_argument("--sheets", type=Path, metavar="DIR", help=f"write the {WORST} worst lines as pictures")
    parser.add_argument("--anew", action="store_true", help="make the sets and ask the peers again")
    parser.add_argument("--set-up", action="store_true", help="make the peers' environment, and leave")
    options = parser.parse_args(arguments)
    if min(options.threads, options.rounds, options.pages) < 1:
        raise UsageError("--threads, --rounds and --pages are at least 1.")
    if options.set_up:
        from peers import environment

        environment.print_set_up()
        return
    _measure(
        options,
        _common.chosen(options.sets, SETS, "set"),
        _common.chosen(options.readers, READERS, "reader"),
    )


def _measure(options: argparse.Namespace, names: Sequence[str], wanted: Sequence[str]) -> None:
    from peers import line_sets
    from peers.ours import OurLines
    from peers.readers import KeptAnswers, RapidOcrLines, TesseractLines

    started = time.monotonic()
    ours = OurLines(options.model, options.threads) if OURS in wanted else None
    peers: dict[str, LineReader] = {}
    failed: list[TypecaseError] = []
    for name in wanted:
        # A peer that is missing must not keep the others from being measured.
        try:
            if name == "rapidocr":
                peers[name] = RapidOcrLines(options.threads)
            elif name == "tesseract":
                peers[name] = TesseractLines(options.threads)
        except InputError as error:
            failed.append(error)
            print(f"{name}: {error}\n", file=sys.stderr, flush=True)
    files = [*(ours.weights if ours else []), *(path for peer in peers.values() for path in peer.weights)]
    weights = _common.weights_facts(files)
    facts = _common.machine(f"{ours.precision} (OpenVINO)" if ours else "float32")
    _common.print_head(facts, weights)
    for peer in peers.values():
        print(f"- {peer.name}: {', '.join(f'{key} {value}' for key, value in peer.facts.items())}", flush=True)
    kept = {name: KeptAnswers(peer, anew=options.anew) for name, peer in peers.items()}
    scores: dict[str, dict[str, Result]] = {}
    fits: dict[str, Fit] = {}
    results: dict[str, Any] = {}
    sets: dict[str, LineSet] = {}
    for name in names:
        lines = sets[name] = line_sets.open_set(name, options.data, anew=options.anew)
        pictures = [line.picture for line in lines.lines]
        scores[name] = {}
        if ours is not None:
            read = ours.lines(pictures)
            scores[name][OURS] = scored(lines, [line.text for line in read])
            fits[name] = fit(lines, read, scores[name][OURS])
        for reader, answers in kept.items():
            texts = [answer.text for answer in answers.read(pictures, name)]
            scores[name][reader] = scored(lines, texts)
        title = line_sets.KINDS[name].title
        print(f"\n{title}: {len(lines.lines):,} lines, digest {lines.digest}\n")
        print_scores(scores[name])
        results[name] = {"title": title, "lines": len(lines.lines), "digest": lines.digest, "readers": {}}
        for reader, result in scores[name].items():
            languages = by_language(lines, result)
            results[name]["readers"][reader] = {
                **result.score.to_dict(),
                "by_language": languages,
                "worst": [
                    {
                        "picture": str(lines.lines[place].picture.path.name),
                        "truth": lines.lines[place].text,
                        **{one: scores[name][one].texts[place] for one in scores[name]},
                    }
                    for place in worst(lines, result)
                ],
            }
            if len(languages) > 1:
                told = ", ".join(f"{language} {rate:.4f}" for language, rate in sorted(languages.items()))
                print(f"- {reader}, CER by language: {told}")
            if options.sheets is not None:
                write_sheet(options.sheets / f"{name}-{reader}.png", lines, result)
        if name in fits:
            one = fits[name]
            results[name]["fit"] = vars(one)
            print(f"- {OURS}, expected calibration error of {one.words:,} words: {one.calibration_error:.4f}")
            print(
                f"- {OURS}, expected calibration error of lines: {one.line_calibration_error:.4f}; mean confidence "
                f"{one.line_confidence:.4f}, right {scores[name][OURS].score.lines.value:.4f}"
            )
            if one.box_overlap is not None:
                print(f"- {OURS}, mean overlap of the boxes of {one.boxes:,} characters: {one.box_overlap:.3f}")
    measured: dict[str, list[float]] = {}
    if options.speed != "none":
        timed: list[LineReader] = [ours] if ours else []
        if options.speed == "all":
            timed += [RapidOcrLines(options.threads, batch) for batch in BATCHES if "rapidocr" in peers]
            timed += [peers["tesseract"]] if "tesseract" in peers else []
        lines = sets.get("sroie") or line_sets.open_set("sroie", options.data)
        measured, count = speeds(timed, lines, options.pages, options.rounds)
        print(f"\nLines a second, {options.threads} threads, {options.pages} receipts of {count} lines in all:\n")
        rows = [
            (name, f"{statistics.median(values):.1f}", f"{min(values):.1f} to {max(values):.1f}")
            for name, values in measured.items()
        ]
        _common.print_table(("reader", "lines/s, median", f"extremes of {options.rounds}"), rows)
    asked = goals(scores, fits, measured, sum(path.stat().st_size for path in ours.weights) if ours else 0)
    _common.print_goals(asked)
    _common.write_json(
        options.json,
        "lines",
        facts,
        results,
        weights=weights,
        peers={name: dict(peer.facts) for name, peer in peers.items()},
        lines_per_second=measured,
        goals=[vars(goal) for goal in asked],
        seconds=round(time.monotonic() - started, 1),
    )
    if failed:
        raise SystemExit(int(failed[0].exit_code))


if __name__ == "__main__":
    _common.run(main)
