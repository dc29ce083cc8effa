"""How many lines one core draws in a second, with their effects and ground truth.

    TYPECASE_DATA=../shared/data python benchmarks/render.py

Expected output: a line for the machine, then a Markdown table with a row for each domain of lines, one for the mixture
that the recogniser learns from, whose goal is 400, and one for the mixture brought to the net's 32 rows as training
takes it. Lines a second of processor time, so that other work on the machine does little to them; the widths are those
of the pictures.

Time: about a minute. `--lines 200` is a quick look.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common
from typecase.errors import UsageError

if TYPE_CHECKING:
    from typecase.synthesis.ground_truth import DrawnLine
    from typecase.synthesis.line_domains import LineWorkshop

GOAL = 400.0
_WARM = 0.5


def rate(
    workshop: LineWorkshop, lines: int, then: Callable[[DrawnLine], object] = lambda line: None
) -> tuple[float, float]:
    """Draws lines with all caches warm.

    Args:
        workshop: What draws.
        lines: How many are timed.
        then: What is done with each.

    Returns:
        Lines a second of processor time, and the mean width in pixels.
    """
    warm = int(_WARM * lines)
    for index in range(warm):
        then(workshop.draw(index))
    widths = []
    started = time.process_time()
    for index in range(warm, warm + lines):
        line = workshop.draw(index)
        then(line)
        widths.append(line.pixels.shape[1])
    return lines / (time.process_time() - started), statistics.mean(widths)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("--lines", type=int, default=2000, metavar="N", help="lines of each row")
    parser.add_argument("--fonts", type=Path, metavar="PATH", help="other fonts than fonts.tar.xz of the data")
    parser.add_argument("--texts", type=Path, metavar="DIR", help="other sentences than text/ of the data")
    options = parser.parse_args(arguments)
    if options.lines < 1:
        raise UsageError("--lines is at least 1.")
    import cv2

    from typecase.preprocess import LinePreprocess
    from typecase.synthesis.fonts import FontCollection
    from typecase.synthesis.line_domains import DOMAINS, MIXTURE, LineWorkshop
    from typecase.synthesis.text import open_texts

    # One core is what is asked for; OpenCV would take all.
    cv2.setNumThreads(1)
    fonts = FontCollection.open(options.fonts or _common.data_file("fonts.tar.xz", options.data)).training_families()
    texts = open_texts(options.texts or _common.data_file("text", options.data))
    preprocess = LinePreprocess()
    rows: dict[str, tuple[float, float]] = {}
    for name in DOMAINS:
        rows[name] = rate(LineWorkshop(fonts, texts, domains={name: 1.0}), options.lines)
    workshop = LineWorkshop(fonts, texts)
    rows["mixture"] = rate(workshop, options.lines)
    rows["mixture, as the net takes it"] = rate(workshop, options.lines, lambda line: preprocess.canvas(line.image))
    _report(options, rows, {"mixture": MIXTURE}, len(fonts))


def _report(options: Any, rows: dict[str, tuple[float, float]], more: dict[str, Any], fonts: int) -> None:
    facts = _common.machine("1 process, 1 thread")
    _common.print_head(facts)
    print(f"{options.lines:,} lines a row after {int(_WARM * options.lines):,} to warm up, {fonts:,} fonts.\n")
    _common.print_table(
        ("domain", "lines/s", "mean width", "goal"),
        [
            (name, f"{speed:,.0f}", f"{width:,.0f}", f"{GOAL:,.0f}" if name == "mixture" else "")
            for name, (speed, width) in rows.items()
        ],
    )
    results = {name: {"lines_a_second": speed, "mean_width": width} for name, (speed, width) in rows.items()}
    _common.write_json(options.json, "render", facts, results, fonts=fonts, **more)


if __name__ == "__main__":
    _common.run(main)
