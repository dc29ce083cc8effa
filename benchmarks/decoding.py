"""What decoding adds to the net: the language model, beam search, a list of words.

    TYPECASE_DATA=../shared/data python benchmarks/decoding.py

Expected output: a line for the machine and one for each file of weights; then for each set of lines a Markdown table
with a row for each way to decode the same answers of the net: character error rate and line accuracy with their 95 %
intervals, by how much the errors are fewer than the net's alone, the share of lines that differ from those, and the
milliseconds of the processor's time that decoding a line takes; above the table, those that the net takes for it.

Time: twenty minutes on one core. `--lines 200` is a quick look, `--without-beam` leaves out what takes longest.

The sets: `validation`, receipts of SROIE that are kept apart in training, by which the settings here were chosen;
`receipts`, those whose number is divisible by ten; `forms` of FUNSD, which nothing is trained on; `clean`, `document`
and `drawn receipts`, drawn in families and of sentences that no training sees, nor the language model. Its strings and
those of the drawn sets come from the same generators, so what it gains there is more than on other people's documents.
The list of words is that of all true words of the set, which is what a user's own list would be at its best.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common
from typecase.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

    from typecase.datasets.lines import LineSample
    from typecase.decoding.options import ReadOptions
    from typecase.stages.recognize import LineRecognizer

NET = "the net alone"
"""What all ways are compared with: greedy decoding without a language model."""

PAGE = 50
"""Lines that are decoded at once."""


@dataclass(frozen=True)
class Lines:
    """Lines whose text is known.

    Attributes:
        pictures: Their pictures.
        truths: What they say.
        folded: Whether case is left out of account.
    """

    pictures: Sequence[Image.Image]
    truths: Sequence[str]
    folded: bool


def receipts(root: Path | None, count: int, *, validation: bool = False) -> Lines:
    """Lines of receipts, evenly spread: of those that nothing is trained on, or of those that validate."""
    from typecase.datasets.line_sample import kept_apart
    from typecase.datasets.lines import SroieLines

    folder = _common.data_file("sroie", root)
    if validation:
        samples = [sample for sample in SroieLines(folder, "train") if kept_apart(sample.name, 0.1)]
    else:
        samples = list(SroieLines(folder, "development"))
    return _spread(samples, count, folded=True)


def forms(root: Path | None, count: int) -> Lines:
    """Lines of forms, evenly spread."""
    from typecase.datasets.lines import FunsdLines

    return _spread(list(FunsdLines(_common.data_file("funsd", root))), count, folded=False)


def drawn(root: Path | None, count: int, domain: str) -> Lines:
    """Drawn lines in families and of sentences that no training sees."""
    from typecase.synthesis.fonts import FontCollection
    from typecase.synthesis.line_domains import LineWorkshop
    from typecase.synthesis.text import open_texts

    fonts = FontCollection.open(_common.data_file("fonts.tar.xz", root)).held_back_families()
    texts = open_texts(_common.data_file("text", root))
    workshop = LineWorkshop(fonts, texts, domains={domain: 1.0}, part="held-back")
    found = [workshop.draw(index) for index in range(count)]
    return Lines([line.image for line in found], [line.text for line in found], False)


def _spread(samples: Sequence[LineSample], count: int, *, folded: bool) -> Lines:
    chosen = samples[:: max(1, len(samples) // count)][:count]
    return Lines([sample.load() for sample in chosen], [sample.text for sample in chosen], folded)


SETS: Mapping[str, Callable[[Path | None, int], Lines]] = {
    "validation": lambda root, count: receipts(root, count, validation=True),
    "receipts": receipts,
    "forms": forms,
    "clean": lambda root, count: drawn(root, count, "clean"),
    "document": lambda root, count: drawn(root, count, "document"),
    "drawn receipts": lambda root, count: drawn(root, count, "receipt"),
}
"""What is measured on."""


def measured(
    recognizer: LineRecognizer, lines: Lines, ways: dict[str, ReadOptions]
) -> tuple[dict[str, tuple[list[str], float]], float]:
    """Decodes the net's answers in every way.

    Returns:
        For each way what was read in each line, and the seconds of the processor that decoding a line took; and those
        that the net took.
    """
    from typecase.decoding.decoder import Decoder

    begun = time.process_time()
    logits = list(recognizer.logits(lines.pictures))
    net = (time.process_time() - begun) / len(logits)
    found = {}
    for name, options in ways.items():
        decoder = Decoder(recognizer.classes, options, recognizer.card.temperature)
        # As many at once as a page has.
        parts = [logits[start : start + PAGE] for start in range(0, len(logits), PAGE)]
        begun = time.process_time()
        decoded = [decoder(part) for part in parts]
        seconds = (time.process_time() - begun) / len(logits)
        names = ("", *recognizer.classes.names)
        texts = [
            "".join(names[label] for label in one.runs.classes[a:b])
            for one in decoded
            for a, b in itertools.pairwise(one.runs.offsets.tolist())
        ]
        found[name] = (texts, seconds)
    return found, net


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("--lines", type=int, default=1000, metavar="N", help="lines of each set")
    parser.add_argument("--model", type=Path, metavar="FILE", help="another recogniser than the shipped one")
    parser.add_argument(
        "--language-model", default="shipped", metavar="FILE", help="another language model than the shipped one"
    )
    parser.add_argument("--set", action="append", metavar="NAME", help=f"one of {', '.join(SETS)}; may be repeated")
    parser.add_argument("--without-beam", action="store_true", help="leave out beam search")
    options = parser.parse_args(arguments)
    if options.lines < 1:
        raise UsageError("--lines is at least 1.")
    names = _common.chosen(options.set, list(SETS), "set")
    from typecase.decoding.decoder import language_model_for
    from typecase.decoding.options import ReadOptions
    from typecase.stages.recognize import LineRecognizer

    recognizer = LineRecognizer(options.model, 1)
    usual = ReadOptions(language_model=options.language_model)
    model = language_model_for(recognizer.classes, usual)
    if model is None:
        raise UsageError("The language model does not know this recogniser's characters; name another one.")
    facts = _common.machine(f"{recognizer.precision} (OpenVINO), 1 thread")
    weights = _common.weights_facts([recognizer.path, model])
    _common.print_head(facts, weights)
    results: dict[str, Any] = {}
    for name in names:
        lines = SETS[name](options.data, options.lines)
        known = set(recognizer.classes.names)
        words = sorted({word for truth in lines.truths for word in truth.split() if known.issuperset(word)})
        by_net = usual.changed(language_model=None)
        ways = {
            NET: by_net,
            "language model": usual,
            f"language model, {len(words):,} words": usual.changed(words=tuple(words)),
        }
        if not options.without_beam:
            ways["beam"] = by_net.changed(decoder="beam")
            ways["beam, language model"] = usual.changed(decoder="beam")
        results[name] = _report(name, lines, *measured(recognizer, lines, ways))
    _common.write_json(options.json, "decoding", facts, results, weights=weights)


def _report(name: str, lines: Lines, found: dict[str, tuple[list[str], float]], net: float) -> dict[str, Any]:
    from typecase.text_score import SetScore, score_line

    by_net = found[NET][0]
    print(f"{name}, {len(lines.truths):,} lines, {1000 * net:.2f} ms a line of the net\n")
    rows, results = [], {}
    errors = 0.0
    for way, (texts, seconds) in found.items():
        score = SetScore.of(
            [score_line(truth, text, lines.folded) for truth, text in zip(lines.truths, texts, strict=True)]
        )
        if way == NET:
            errors = score.characters.value
        fewer = 1 - score.characters.value / errors if errors else 0.0
        changed = sum(text != other for text, other in zip(texts, by_net, strict=True)) / len(texts)
        rates = (score.characters, score.lines)
        shown = [f"{rate.value:.4f} ({rate.interval[0]:.4f} to {rate.interval[1]:.4f})" for rate in rates]
        rows.append((way, *shown, f"{100 * fewer:.1f} %", f"{100 * changed:.1f} %", f"{1000 * seconds:.2f}"))
        results[way] = {**score.to_dict(), "fewer": fewer, "changed": changed, "milliseconds_a_line": 1000 * seconds}
    columns = ("decoding", "character error rate", "line accuracy", "fewer errors", "changed", "ms a line")
    _common.print_table(columns, rows)
    print(flush=True)
    return {"net_milliseconds_a_line": 1000 * net, "ways": results}


if __name__ == "__main__":
    _common.run(main)
