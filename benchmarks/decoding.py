"""What decoding adds to the net: beam search, a language model, a list of words.

    TYPECASE_DATA=../shared/data python benchmarks/decoding.py

Expected output: a line for the machine, one for the weights and one for the language model; then for each set of lines
a Markdown table with a row for each way to decode the same answers of the net: character error rate and line accuracy
with their 95 % intervals, the share of lines that differ from greedy's, and the milliseconds that decoding a line
takes. A way that does not lower the error rate by more than the intervals is not worth its time, and stays off.

Time: ten minutes on one core. `--lines 200` is a quick look.

The sets: receipts of SROIE whose number is divisible by ten, and clean lines drawn in families and of sentences that no
training sees. The language model counts the other sentences, as they are and in capitals. The list of words is that
of all true words of the set, which is what a user's own list would be at its best.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import _common
from typecase.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

    from typecase.charset import ClassSet
    from typecase.decoding.language_model import CharacterModel
    from typecase.decoding.options import ReadOptions
    from typecase.stages.recognize import LineRecognizer


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


def receipts(root: Path | None, count: int) -> Lines:
    """Lines of the receipts that nothing is trained on, evenly spread."""
    from typecase.datasets.lines import SroieLines

    samples = list(SroieLines(_common.data_file("sroie", root), "development"))
    samples = samples[:: max(1, len(samples) // count)][:count]
    return Lines([sample.load() for sample in samples], [sample.text for sample in samples], True)


def clean(root: Path | None, count: int) -> Lines:
    """Drawn lines in families and of sentences that no training sees."""
    from typecase.synthesis.fonts import FontCollection
    from typecase.synthesis.line_domains import LineWorkshop
    from typecase.synthesis.text import open_texts

    fonts = FontCollection.open(_common.data_file("fonts.tar.xz", root)).held_back_families()
    texts = open_texts(_common.data_file("text", root))
    workshop = LineWorkshop(fonts, texts, domains={"clean": 1.0}, part="held-back")
    drawn = [workshop.draw(index) for index in range(count)]
    return Lines([line.image for line in drawn], [line.text for line in drawn], False)


def language_model(root: Path | None, classes: ClassSet) -> CharacterModel:
    """Counts the sentences that are drawn for training."""
    from typecase.decoding.language_model import CharacterModel
    from typecase.synthesis.text import open_texts

    texts = [
        text
        for file in open_texts(_common.data_file("text", root))
        for number, text in file.lines
        if number % 10 and any(character in classes for character in text)
    ]
    return CharacterModel.train((form for text in texts for form in (text, text.upper())), classes)


def measured(
    recognizer: LineRecognizer, lines: Lines, ways: dict[str, ReadOptions]
) -> dict[str, tuple[list[str], float]]:
    """Decodes the net's answers in every way.

    Returns:
        For each way what was read in each line, and the seconds that decoding a line took.
    """
    from typecase.decoding.decoder import Decoder

    logits = list(recognizer.logits(lines.pictures))
    found = {}
    for name, options in ways.items():
        decoder = Decoder(recognizer.classes, options, recognizer.card.temperature)
        begun = time.process_time()
        decoded = decoder(logits)
        seconds = (time.process_time() - begun) / len(logits)
        names = ("", *recognizer.classes.names)
        texts = ["".join(names[label] for label in decoded.runs.classes[a:b]) for a, b in _spans(decoded.runs.offsets)]
        found[name] = (texts, seconds)
    return found


def _spans(offsets: Any) -> list[tuple[int, int]]:
    return list(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("--lines", type=int, default=1000, metavar="N", help="lines of each set")
    parser.add_argument("--model", type=Path, metavar="FILE", help="another recogniser than the shipped one")
    options = parser.parse_args(arguments)
    if options.lines < 1:
        raise UsageError("--lines is at least 1.")
    from typecase.decoding.options import ReadOptions
    from typecase.stages.recognize import LineRecognizer

    sets = {"receipts": receipts(options.data, options.lines), "clean": clean(options.data, options.lines)}
    recognizer = LineRecognizer(options.model, 1)
    model = language_model(options.data, recognizer.classes)
    facts = _common.machine(f"{recognizer.precision} (OpenVINO), 1 thread")
    weights = _common.weights_facts([recognizer.path])
    _common.print_head(facts, weights)
    results: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "language-model.npz"
        model.save(path)
        print(f"- language model: {len(model):,} counts, {path.stat().st_size:,} bytes\n")
        for name, lines in sets.items():
            known = set(recognizer.classes.names)
            words = sorted({word for truth in lines.truths for word in truth.split() if known.issuperset(word)})
            ways = {
                "greedy": ReadOptions(),
                "beam": ReadOptions(decoder="beam"),
                "beam, language model": ReadOptions(decoder="beam", language_model=path),
                f"greedy, {len(words):,} words": ReadOptions(words=tuple(words)),
            }
            results[name] = _report(name, lines, measured(recognizer, lines, ways))
    _common.write_json(options.json, "decoding", facts, results, weights=weights)


def _report(name: str, lines: Lines, found: dict[str, tuple[list[str], float]]) -> dict[str, Any]:
    from typecase.text_score import SetScore, score_line

    greedy = found["greedy"][0]
    print(f"{name}, {len(lines.truths):,} lines\n")
    rows, results = [], {}
    for way, (texts, seconds) in found.items():
        score = SetScore.of(
            [score_line(truth, text, lines.folded) for truth, text in zip(lines.truths, texts, strict=True)]
        )
        changed = sum(text != other for text, other in zip(texts, greedy, strict=True)) / len(texts)
        rates = (score.characters, score.lines)
        shown = [f"{rate.value:.4f} ({rate.interval[0]:.4f} to {rate.interval[1]:.4f})" for rate in rates]
        rows.append((way, *shown, f"{100 * changed:.1f} %", f"{1000 * seconds:.2f}"))
        results[way] = {**score.to_dict(), "changed": changed, "milliseconds_a_line": 1000 * seconds}
    _common.print_table(("decoding", "character error rate", "line accuracy", "changed", "ms a line"), rows)
    print(flush=True)
    return results


if __name__ == "__main__":
    _common.run(main)
