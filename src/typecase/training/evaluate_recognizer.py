"""Evaluating a recogniser's file on sources of lines: opens both, reads every line as a user would, and scores it."""

from __future__ import annotations

import contextlib
import json
import platform
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from PIL import Image

import typecase
from typecase import config
from typecase.config import Meta, Settings
from typecase.datasets.decoded import Skipped, check_skipped
from typecase.datasets.lines import LineSample, LineSource, detect, open_lines
from typecase.decoding.options import SHIPPED, ReadOptions
from typecase.errors import DataError, ModelError, TypecaseError, UsageError
from typecase.files import sha256_of
from typecase.modelcard import RECOGNIZER
from typecase.stages.recognize import LineRecognizer
from typecase.training.line_evaluation import WORST_KEPT, ReadLine, RecognizerEvaluation
from typecase.training.report import Provenance
from typecase.training.settings import CONFIG_NAME, Share

Progress = Callable[[int], None]
"""Told how many lines have been read."""

AT_ONCE = 128
"""Lines that are opened and read together."""


class LineEvaluationSettings(Settings, rename="kebab"):
    """One source of lines to measure on."""

    path: Annotated[Path, Meta(description="A labels.jsonl, a folder of such, or a folder of receipts or forms.")]
    kind: Annotated[
        Literal["auto", "lines", "sroie", "funsd"],
        Meta(description="A labels.jsonl, the receipts of SROIE, or the forms of FUNSD."),
    ] = "auto"
    part: Annotated[
        Literal["development", "train", "all"], Meta(description="Of the receipts: which of them are measured.")
    ] = "development"
    folded: Annotated[
        bool,
        Meta(description="Whether case is left out of account; with receipts, whose truth has none, it always is."),
    ] = False


class EvaluateRecognizerSettings(Settings, rename="kebab"):
    """Everything that decides what `typecase evaluate recognizer` measures."""

    model: Annotated[Path, Meta(description="The model: *.onnx from `typecase export`, or *.safetensors.")]
    data: Annotated[dict[str, LineEvaluationSettings], Meta(description="Sources of lines, each under a name.")] = {}
    mode: Annotated[Literal["line", "word", "char"], Meta(description="What the pictures show.")] = "line"
    decoder: Annotated[Literal["greedy", "beam"], Meta(description="How text is found in the net's answers.")] = (
        "greedy"
    )
    language_model: Annotated[
        str, Meta(description="What is likely to be written: `shipped`, a file of `train language-model`, or `none`.")
    ] = SHIPPED
    precision: Annotated[
        Literal["auto", "f32", "bf16"], Meta(description="Of the arithmetic; auto is bfloat16 where it is fast.")
    ] = "auto"
    threads: Annotated[int, Meta(ge=0, description="Threads that compute; 0 is the library's own choice.")] = 0
    max_bad: Annotated[Share, Meta(description="Share of lines that may be unreadable.")] = 0.01
    worst: Annotated[int, Meta(ge=0, le=1000, description="How many of the worst lines are shown.")] = WORST_KEPT


@dataclass(frozen=True)
class EvaluatedRecognizer:
    """What `evaluate_recognizer` found.

    Attributes:
        evaluation: The figures.
        provenance: Where they come from; its notes say what to beware of.
        title: A heading for them.
    """

    evaluation: RecognizerEvaluation
    provenance: Provenance
    title: str


def evaluate_recognizer(
    settings: EvaluateRecognizerSettings, *, command: Sequence[str] = (), progress: Progress | None = None
) -> EvaluatedRecognizer:
    """Measures a model.

    Args:
        settings: What to measure and how.
        command: The command line, for the provenance.
        progress: Hears how many lines have been read.

    Raises:
        UsageError: The settings do not fit each other.
        ModelError: The model cannot be used.
        DataError: The data cannot be used.
    """
    if not settings.data:
        raise UsageError("There is nothing to measure on; name a labels.jsonl or a folder of lines with --data.")
    sources = {name: _opened(one, settings.max_bad) for name, one in settings.data.items()}
    with _onnx_of(settings.model) as path:
        recognizer = LineRecognizer(path, settings.threads or None, settings.precision)
    options = ReadOptions(
        mode=settings.mode, decoder=settings.decoder, language_model=settings.language_model, alternatives=0
    )
    reader = _Reader(recognizer, options, progress)
    lines: list[ReadLine] = []
    facts: list[dict[str, Any]] = []
    for name, (kind, source) in sources.items():
        data = settings.data[name]
        skipped: list[Skipped] = []
        found = list(reader.lines(name, source, data.folded, skipped))
        check_skipped(len(found), skipped, settings.max_bad, str(data.path), "lines")
        if not found:
            raise DataError(f"{data.path} gives no lines to measure on; check the path.")
        lines += found
        facts.append(
            {
                "name": name,
                "kind": kind,
                "path": str(data.path),
                "part": data.part if kind == "sroie" else "all",
                "lines": len(found),
                "case": "left out of account" if found[0].folded else "counts",
                "skipped": [f"{one.name}: {one.reason}" for one in (*source.skipped, *skipped)],
            }
        )
    evaluation = RecognizerEvaluation.of(lines, recognizer.classes, seconds=reader.seconds, worst=settings.worst)
    card = recognizer.card
    provenance = Provenance(
        command=shlex.join(command),
        version=typecase.__version__,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        model=str(settings.model),
        model_sha256=sha256_of(settings.model),
        runtime=reader.runtime,
        card=json.loads(card.to_json()),
        data=facts,
        settings=config.to_plain(settings),
        notes=list(_notes(facts, evaluation)),
    )
    return EvaluatedRecognizer(evaluation, provenance, f"{card.network_name} on {', '.join(sources)}")


def write_evaluation(found: EvaluatedRecognizer, settings: EvaluateRecognizerSettings, folder: Path) -> list[Path]:
    """Writes the settings, the figures, the pictures and the page into a folder.

    Raises:
        OutputError: A file cannot be written.
    """
    from typecase.training import line_report

    config.save(settings, folder / CONFIG_NAME)
    return [
        folder / CONFIG_NAME,
        *line_report.write(folder, found.evaluation, found.provenance, title=found.title),
    ]


class _Reader:
    """Opens and reads lines, and takes the time of reading alone."""

    def __init__(self, recognizer: LineRecognizer, options: ReadOptions, progress: Progress | None) -> None:
        self.seconds = 0.0
        self._recognizer = recognizer
        self._options = options
        self._progress = progress
        self._done = 0

    @property
    def runtime(self) -> str:
        from typecase.runtime.openvino import import_openvino

        return f"OpenVINO {str(import_openvino().__version__).partition('-')[0]}, {self._recognizer.precision}"

    def lines(self, name: str, source: LineSource, folded: bool, skipped: list[Skipped]) -> Iterator[ReadLine]:
        """Reads a source; what cannot be opened goes to `skipped`."""
        samples = iter(source)
        while some := list(islice(samples, AT_ONCE)):
            opened: list[tuple[LineSample, Image.Image]] = []
            for sample in some:
                try:
                    opened.append((sample, sample.load()))
                except TypecaseError as error:
                    skipped.append(Skipped(sample.name, str(error)))
            begun = time.perf_counter()
            read = self._recognizer.read([picture for _, picture in opened], self._options)
            self.seconds += time.perf_counter() - begun
            for (sample, _), line in zip(opened, read, strict=True):
                yield ReadLine(
                    sample.name, name, sample.text, line, sample.folded or folded, sample.characters, sample.load
                )
            self._done += len(some)
            if self._progress is not None:
                self._progress(self._done)


def _opened(data: LineEvaluationSettings, max_bad: float) -> tuple[str, LineSource]:
    kind = detect(data.path) if data.kind == "auto" else data.kind
    options: dict[str, dict[str, Any]] = {"lines": {"max_bad": max_bad}, "sroie": {"part": data.part}}
    return kind, open_lines(data.path, kind, **options.get(kind, {}))


@contextlib.contextmanager
def _onnx_of(path: Path) -> Iterator[Path]:
    """The model as an ONNX file: itself, or an export that lives as long as the context."""
    if path.suffix.lower() != ".safetensors":
        yield path
        return
    from typecase.modelfile import load_model
    from typecase.training.export import export_onnx

    module, card = load_model(path)
    if card.task != RECOGNIZER:
        raise ModelError(f"{path} is a model for the task {card.task!r}; choose one that reads lines.")
    with tempfile.TemporaryDirectory(prefix="typecase-") as folder:
        exported = Path(folder) / "model.onnx"
        export_onnx(module, card, exported, half=False)
        yield exported


def _notes(facts: Sequence[dict[str, Any]], evaluation: RecognizerEvaluation) -> Iterator[str]:
    for source in facts:
        if source["part"] == "train" or (source["part"] == "all" and source["kind"] == "sroie"):
            yield (
                f"The lines of {source['name']} are of receipts that recognisers are trained on, so their figures may "
                "say how well the model remembers, not how well it reads."
            )
    if evaluation.unknown:
        shown = " ".join(character for character, _ in evaluation.unknown[:20])
        count = sum(count for _, count in evaluation.unknown)
        yield f"The model does not know some characters of the truths ({shown}; {count:,} in all): they are all wrong."
