"""Training a recogniser of lines: settings and data in, a saved and calibrated model out."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from torch import Tensor, nn

import typecase
from typecase import config, nets
from typecase.charset import LATIN_CHARACTERS, ClassSet
from typecase.cores import usable_cores
from typecase.datasets.decoded import Progress
from typecase.datasets.drawn_lines import BLOCK, DrawnLines, LineOrder
from typecase.datasets.line_sample import kept_apart
from typecase.datasets.lines import LineList, LineSource, SroieLines, detect
from typecase.datasets.packed import PackedLines
from typecase.decoding.decoder import Decoder
from typecase.decoding.options import ReadOptions
from typecase.errors import DataError, UsageError
from typecase.modelcard import RECOGNIZER, ModelCard
from typecase.modelfile import load_matching, save_model
from typecase.pictures import save_picture
from typecase.preprocess import PixelArray
from typecase.stages.recognize import Scan, lines_of
from typecase.training import plots
from typecase.training.augment_lines import augment_line
from typecase.training.ctc import FRAMES, LineCodec
from typecase.training.line_calibration import fit_confidence_maps
from typecase.training.line_evaluation import ReadLine
from typecase.training.line_sheet import line_sheet
from typecase.training.logs import LOG_NAME, RunLog, append_validation
from typecase.training.loop import CHECKPOINT_NAME, Fitted, Score, fit, load_resumable, make_fabric, mixed_seed
from typecase.training.settings import CONFIG_NAME, LineDataSettings, TrainRecognizerSettings

MODEL_NAME = "model.safetensors"
VALIDATION_NAME = "validation.csv"
_VALIDATION_COLUMNS = ("epoch", "source", "character-error-rate", "line-accuracy", "lines")
SAMPLES_NAME = "samples.png"

DRAWN_VALIDATION = 600
"""Drawn lines, in typefaces and sentences that no training sees, that each source of drawn lines validates with."""

_POOL = 64
_VALIDATION_BATCH = 32
_SHOWN = 24


@dataclass(frozen=True)
class TrainedRecognizer:
    """What `train_recognizer` leaves.

    Attributes:
        model: The saved weights with their card.
        fitted: The log and the last epoch.
        folder: Where everything lies.
        main: Whether this is the first of the processes that trained; only that one has something to say.
    """

    model: Path
    fitted: Fitted
    folder: Path
    main: bool = True


@dataclass(frozen=True)
class _Lines:
    """Some lines of a packed source."""

    packed: PackedLines
    indices: Sequence[int]


class _Source:
    """One source of lines: what an epoch takes of it, and what it validates with."""

    def __init__(self, name: str, settings: LineDataSettings, *, licence: str, title: str) -> None:
        self.name = name
        self.settings = settings
        self.licence = licence
        self.title = title
        self.validation: list[_Lines] = []
        self.left_out = 0

    def taken(self, epoch: int, count: int, seed: int) -> list[tuple[PackedLines, int]]:
        """Gives the lines of an epoch; the same arguments give the same ones."""
        raise NotImplementedError

    def share(self, rank: int, processes: int) -> None:
        """Is told which of several processes this is."""

    def prepare(self, epoch: int, count: int) -> None:
        """Is told which epoch comes next."""

    @property
    def size(self) -> int | None:
        """Number of lines to train on; None when there is no end of them."""
        return None

    @property
    def identity(self) -> str:
        raise NotImplementedError


class _ListedSource(_Source):
    def __init__(self, *arguments: Any, parts: list[_Lines], identity: str, **facts: Any) -> None:
        super().__init__(*arguments, **facts)
        self._all = [(part.packed, index) for part in parts for index in part.indices]
        self._identity = identity
        if not self._all:
            raise DataError(f"The source {self.name} has no lines to train on; give more, or validate with fewer.")

    @property
    def size(self) -> int:
        return len(self._all)

    @property
    def identity(self) -> str:
        return self._identity

    def taken(self, epoch: int, count: int, seed: int) -> list[tuple[PackedLines, int]]:
        # One pass after the other, each in its own order, wherever epochs begin and end.
        start = epoch * count
        chosen: list[tuple[PackedLines, int]] = []
        while len(chosen) < count:
            number, offset = divmod(start + len(chosen), len(self._all))
            order = np.random.default_rng(mixed_seed(seed, number, 7)).permutation(len(self._all))
            chosen += [self._all[index] for index in order[offset : offset + count - len(chosen)]]
        return chosen


class _DrawnSource(_Source):
    def __init__(self, *arguments: Any, drawn: DrawnLines, usable: _Usable, **facts: Any) -> None:
        super().__init__(*arguments, **facts)
        self._drawn = drawn
        self._usable = usable

    @property
    def identity(self) -> str:
        return self._drawn.identity

    def _blocks(self, epoch: int, count: int) -> range:
        # A twentieth more than is asked for: some lines are too wide to train on.
        each = -(-(count + count // 20) // BLOCK)
        first = epoch // self.settings.repeat * each
        return range(first, first + each)

    def share(self, rank: int, processes: int) -> None:
        self._drawn.share(rank, processes)

    def prepare(self, epoch: int, count: int) -> None:
        self._drawn.prepare(self._blocks(epoch, count))

    def taken(self, epoch: int, count: int, seed: int) -> list[tuple[PackedLines, int]]:
        lines = [
            (packed, index)
            for packed in map(self._drawn.block, self._blocks(epoch, count))
            for index in self._usable(packed)
        ]
        # Two epochs back, so that no other process of this training still looks for them.
        if epoch >= 2:
            self._drawn.drop(sorted(set(self._blocks(epoch - 2, count)) - set(self._blocks(epoch - 1, count))))
        if not lines:
            raise DataError(f"None of the lines that {self.name} draws can be trained on; allow --set longest=2048.")
        order = np.random.default_rng(mixed_seed(seed, epoch, 8)).permutation(len(lines))
        return [lines[order[number % len(lines)]] for number in range(count)]


class _Usable:
    """Which lines of a packed source can be trained on: not too wide, known characters, enough frames."""

    def __init__(self, codec: LineCodec, longest: int) -> None:
        self._codec = codec
        self._longest = longest

    def __call__(self, packed: PackedLines) -> list[int]:
        return [
            index
            for index, (text, width) in enumerate(zip(packed.texts, packed.widths.tolist(), strict=True))
            if text and width <= self._longest and width >= 2 * len(text) and not self._codec.unknown(text)
        ]


class LineTask:
    """The recogniser's side of the training loop: batches, loss, validation.

    Attributes:
        figures: Character error rate and line accuracy of the last validation by source.
        stride: Pixels of width for each frame.
    """

    def __init__(
        self, sources: list[_Source], codec: LineCodec, settings: TrainRecognizerSettings, stride: int
    ) -> None:
        self.settings = settings
        self.codec = codec
        self.preprocess = settings.preprocess.to_preprocess()
        self.sources = sources
        self.folder: Path | None = None
        self.figures: dict[str, dict[str, float]] = {}
        self.stride = stride
        total = sum(source.settings.weight for source in sources)
        self.counts = [max(1, round(settings.epoch_lines * source.settings.weight / total)) for source in sources]
        self._order_epoch = -1
        self._batches: list[list[tuple[PackedLines, int]]] = []
        # Batch normalisation wants two lines for each process.
        if settings.loop.batch_size < 2 * settings.loop.devices * settings.loop.nodes:
            raise UsageError(f"A batch of {settings.loop.batch_size} is too small; a step takes at least 2 a process.")
        if not self.steps:
            raise UsageError(
                f"An epoch of {sum(self.counts)} lines has no batch of {settings.loop.batch_size}; "
                "raise epoch-lines or lower --batch-size."
            )

    @property
    def steps(self) -> int:
        """Steps of an epoch; a last batch that is not full is left out."""
        return sum(self.counts) // self.settings.loop.batch_size

    def prepare(self, epoch: int) -> None:
        """Has an epoch's lines drawn in the background."""
        if epoch < self.settings.loop.epochs:
            for source, count in zip(self.sources, self.counts, strict=True):
                source.prepare(epoch, count)

    def _ordered(self, epoch: int) -> list[list[tuple[PackedLines, int]]]:
        if epoch != self._order_epoch:
            self.prepare(epoch)
            self.prepare(epoch + 1)
            seed = self.settings.loop.seed
            lines = [
                line
                for source, count in zip(self.sources, self.counts, strict=True)
                for line in source.taken(epoch, count, seed)
            ]
            generator = np.random.default_rng(mixed_seed(seed, epoch, 9))
            lines = [lines[index] for index in generator.permutation(len(lines))]
            size = self.settings.loop.batch_size
            batches = []
            # Sorted by width within a pool, so that little of a batch is padding and yet no two epochs are alike.
            for start in range(0, len(lines), _POOL * size):
                pool = sorted(lines[start : start + _POOL * size], key=lambda line: int(line[0].widths[line[1]]))
                batches += [pool[i : i + size] for i in range(0, len(pool) - size + 1, size)]
            self._batches = [batches[index] for index in generator.permutation(len(batches))]
            self._order_epoch = epoch
        return self._batches

    def batch(self, epoch: int, step: int, rank: int, processes: int) -> tuple[Tensor, Tensor]:
        """Gives lines [n, 1, height, width] and rows of targets of one process, equally many to each."""
        batches = self._ordered(epoch)
        together = batches[step % len(batches)]
        chosen = together[: len(together) // processes * processes][rank::processes]
        generator = np.random.default_rng(mixed_seed(self.settings.loop.seed, epoch, step, rank, 2))
        canvases = [
            augment_line(packed.picture(index), self.settings.augmentation, generator) for packed, index in chosen
        ]
        return self._tensors(canvases, chosen)

    def _tensors(
        self, canvases: Sequence[PixelArray], lines: Sequence[tuple[PackedLines, int]]
    ) -> tuple[Tensor, Tensor]:
        width = self.preprocess.padded_width(max(canvas.shape[1] for canvas in canvases))
        inputs = torch.from_numpy(self.preprocess.padded(canvases, width))
        # Stretching can make a line narrower than its letters: it may use its padding then.
        texts = [packed.texts[index] for packed, index in lines]
        frames = [
            min(width // self.stride, max(-(-canvas.shape[1] // self.stride), 2 * len(text) + 1))
            for canvas, text in zip(canvases, texts, strict=True)
        ]
        targets = self.codec.targets(texts, [bool(packed.folded[index]) for packed, index in lines], frames)
        return inputs.contiguous(memory_format=torch.channels_last), targets

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Connectionist temporal classification, in nats a character."""
        return self.codec.loss(outputs, targets, self.settings.hopeless)

    def correct(self, outputs: Tensor, targets: Tensor) -> int:
        """Counts lines that are read without an error."""
        return sum(truth == read for truth, read in self.codec.read(outputs, targets))

    def validate(self, module: nn.Module, rank: int, processes: int) -> Score:
        """Loss and line accuracy on one process's share of the validation lines.

        The first process also writes down the error rates of its share and shows some lines with what it reads.
        """
        score = Score()
        shown: list[tuple[PixelArray, str, str]] = []
        rows = []
        for source in self.sources:
            edits = length = correct = count = 0
            for lines, outputs, targets in self.outputs(module, source, rank, processes):
                loss = float(self.loss(outputs, targets)) * len(lines)
                pairs = self.codec.read(outputs, targets)
                right = sum(truth == read for truth, read in pairs)
                score += Score(loss, right, len(lines))
                edits += sum(Levenshtein.distance(truth, read) for truth, read in pairs)
                length += sum(len(truth) for truth, _ in pairs)
                correct, count = correct + right, count + len(lines)
                wrong = [i for i, (truth, read) in enumerate(pairs) if truth != read]
                shown += [(lines[i][0].picture(lines[i][1]), *pairs[i]) for i in wrong[:2]]
            if count:
                self.figures[source.name] = {
                    "character-error-rate": round(edits / max(1, length), 5),
                    "line-accuracy": round(correct / count, 4),
                    "lines": count,
                }
                rows.append([self._order_epoch + 1, source.name, *self.figures[source.name].values()])
        if rank == 0 and self.folder is not None and rows:
            append_validation(self.folder / VALIDATION_NAME, _VALIDATION_COLUMNS, rows)
            if shown:
                some = np.random.default_rng(0).permutation(len(shown))[:_SHOWN]
                save_picture(line_sheet([shown[i] for i in sorted(some)]), self.folder / SAMPLES_NAME)
        return score

    def outputs(
        self, module: nn.Module, source: _Source, rank: int = 0, processes: int = 1
    ) -> Iterator[tuple[list[tuple[PackedLines, int]], Tensor, Tensor]]:
        """Runs a network in evaluation mode over a source's validation lines; logits are float32 on the CPU."""
        lines = [(part.packed, index) for part in source.validation for index in part.indices][rank::processes]
        lines.sort(key=lambda line: int(line[0].widths[line[1]]))
        device = next(module.parameters()).device
        for start in range(0, len(lines), _VALIDATION_BATCH):
            some = lines[start : start + _VALIDATION_BATCH]
            inputs, targets = self._tensors([packed.picture(index) for packed, index in some], some)
            yield some, module(inputs.to(device)).float().cpu(), targets


def train_recognizer(
    settings: TrainRecognizerSettings,
    folder: Path,
    *,
    resume: bool = False,
    console: Console | None = None,
    progress: Progress | None = None,
) -> TrainedRecognizer:
    """Trains, calibrates and saves a recogniser of lines.

    The folder gets `model.safetensors`, `checkpoint.safetensors`, `config.yaml`, `log.csv`, `validation.csv` (error
    rates by source), `samples.png` (lines that are read wrongly), `curves.png` and TensorBoard's events.

    Args:
        settings: Everything that decides the outcome.
        folder: Where results go; created if missing.
        resume: Go on from the folder's checkpoint.
        console: Where to tell how it goes; None is silent.
        progress: Hears how far the decoding of pictures is.

    Returns:
        The model and the log; `fitted.finished` is False after Ctrl-C.

    Raises:
        UsageError: The settings do not fit each other, the folder holds a training already, there is nothing to
            resume, or the loss grew beyond numbers.
        DataError: The data cannot be used.
        ModelError: The weights to start from, or the checkpoint, cannot be used.
        OutputError: The folder cannot be written.
    """
    # One width of a batch, one set of compiled kernels: more of them than oneDNN keeps unless told.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")
    nets.check_task(settings.network.name, RECOGNIZER)
    preprocess = settings.preprocess.to_preprocess()
    fabric, choice = make_fabric(settings.loop)
    if not resume and any((folder / name).exists() for name in (MODEL_NAME, CHECKPOINT_NAME)):
        raise UsageError(f"{folder} holds a training already; name another folder with --out, or use --resume.")
    codec = LineCodec(ClassSet.of(settings.characters or LATIN_CHARACTERS))
    torch.manual_seed(settings.loop.seed)
    module = nets.build(
        settings.network.name,
        classes=len(codec.classes),
        channels=preprocess.channels,
        size=preprocess.height,
        options=settings.network.options,
    )
    with contextlib.ExitStack() as resources:
        with contextlib.ExitStack() as waiting:
            if console is not None and progress is None:
                status = waiting.enter_context(console.status("Reading lines"))
                progress = lambda done: status.update(f"Reading lines: {done:,}")  # noqa: E731
            sources = _opened(settings, codec, resources, progress)
        task = LineTask(sources, codec, settings, _stride(module, preprocess.height))
        fingerprint = _fingerprint(settings, sources)
        fresh: list[str] = []
        if resume:
            load_resumable(folder, fingerprint)
        elif settings.start_from is not None:
            fresh = load_matching(module, settings.start_from)
        fabric.launch()
        for source in sources:
            source.share(fabric.global_rank, fabric.world_size)
        console = console or Console(quiet=True)
        if fabric.is_global_zero:
            _introduce(console, choice, task, module, fresh)
            task.folder = folder
        if fabric.is_global_zero and not resume:
            config.save(settings, folder / CONFIG_NAME)
        with contextlib.ExitStack() as logging:
            log = None
            if fabric.is_global_zero:
                log = logging.enter_context(RunLog(folder, settings.loop.epochs, console))
            fitted = fit(
                module,
                task,
                fabric=fabric,
                loop=settings.loop,
                optimizer_settings=settings.optimizer,
                schedule=settings.schedule,
                folder=folder,
                fingerprint=fingerprint,
                resume=resume,
                listener=log,
            )
        path = folder / MODEL_NAME
        if fabric.is_global_zero:
            module = module.to("cpu")
            module.load_state_dict(fitted.weights)
            save_model(module.state_dict(), _card(settings, task, module.eval(), fitted), path)
            if fitted.history:
                plots.curves(folder / LOG_NAME, folder / "curves.png")
        fabric.barrier()
    return TrainedRecognizer(path, fitted, folder, main=fabric.is_global_zero)


def _stride(module: nn.Module, height: int) -> int:
    """Pixels of width for each frame, found out by trying."""
    width = 4 * height
    with torch.inference_mode():
        frames = module.eval()(torch.zeros(1, 1, height, width)).shape[1]
    module.train()
    return width // int(frames)


def _opened(
    settings: TrainRecognizerSettings,
    codec: LineCodec,
    resources: contextlib.ExitStack,
    progress: Progress | None,
) -> list[_Source]:
    if not settings.data:
        raise UsageError("There is nothing to train on; name a labels.jsonl, a folder, or fonts with --data.")
    usable = _Usable(codec, settings.longest)
    sources: list[_Source] = []
    for number, (name, data) in enumerate(settings.data.items()):
        kind = data.kind if data.kind != "auto" else _kind_of(data.path)
        if kind == "drawn":
            sources.append(_drawn_source(name, data, settings, usable, resources, seed=number))
        else:
            sources.append(_listed_source(name, data, kind, settings, usable, progress))
    return sources


def _kind_of(path: Path) -> str:
    try:
        kind = detect(path)
    except DataError:
        if not path.exists():
            raise
        # What holds no lines is taken for fonts, and is told if it holds none of these either.
        return "drawn"
    if kind == "funsd":
        raise UsageError(
            f"{path} holds the forms of FUNSD, which may be measured on but not trained on; leave them out."
        )
    return kind


def _listed_source(
    name: str,
    data: LineDataSettings,
    kind: str,
    settings: TrainRecognizerSettings,
    usable: _Usable,
    progress: Progress | None,
) -> _Source:
    opened: list[LineSource] = (
        [SroieLines(data.path, "train", margin=margin) for margin in data.margins]
        if kind == "sroie"
        else [LineList(data.path, folded=data.folded, max_bad=settings.max_bad)]
    )
    parts, validation, left_out = [], [], 0
    for place, source in enumerate(opened):
        packed = PackedLines.of(
            source, settings.preprocess.to_preprocess(), max_bad=settings.max_bad, progress=progress
        )
        fine = usable(packed)
        left_out += len(packed) - len(fine)
        apart = {index for index in fine if kept_apart(packed.names[index], data.validation)}
        parts.append(_Lines(packed, [index for index in fine if index not in apart]))
        if place == 0:
            validation = [_Lines(packed, sorted(apart))]
    result = _ListedSource(
        name,
        data,
        parts=parts,
        identity=" ".join(source.identity for source in opened),
        licence="CC BY 4.0, as stated by its mirror" if kind == "sroie" else "its owner's",
        title="SROIE receipts, training part (ids not divisible by 10)" if kind == "sroie" else "a list of lines",
    )
    result.validation = validation
    result.left_out = left_out
    return result


def _drawn_source(
    name: str,
    data: LineDataSettings,
    settings: TrainRecognizerSettings,
    usable: _Usable,
    resources: contextlib.ExitStack,
    *,
    seed: int,
) -> _Source:
    preprocess = settings.preprocess.to_preprocess()
    order = LineOrder(
        fonts=data.path,
        texts=data.texts,
        characters=settings.characters or LATIN_CHARACTERS,
        domains=data.domains,
        seed=mixed_seed(settings.loop.seed, seed) % 2**31,
    )
    processes = settings.drawing or max(1, usable_cores() // 2 // settings.loop.devices)
    drawn = resources.enter_context(DrawnLines(order, preprocess, processes=processes))
    source = _DrawnSource(
        name,
        data,
        drawn=drawn,
        usable=usable,
        licence="fonts: OFL, Apache 2.0 or UFL for each family; sentences: as their files say",
        title="lines drawn from fonts and texts",
    )
    if data.validation:
        kept_back = LineOrder(order.fonts, order.texts, order.characters, order.domains, order.seed, held_back=True)
        with DrawnLines(kept_back, preprocess, processes=0) as apart:
            packed = apart.block(0)
        source.validation = [_Lines(packed, usable(packed)[:DRAWN_VALIDATION])]
    return source


def _introduce(console: Console, choice: str, task: LineTask, module: nn.Module, fresh: list[str]) -> None:
    """Says what is about to be trained, and on what."""
    lines = [choice]
    for source, count in zip(task.sources, task.counts, strict=True):
        size = "drawn while it trains" if source.size is None else f"of {source.size:,}"
        left_out = f"; {source.left_out:,} cannot be used (too wide, or characters it does not know)"
        lines.append(f"{source.name}: {count:,} lines an epoch, {size}{left_out if source.left_out else ''}.")
    parameters = sum(parameter.numel() for parameter in module.parameters())
    lines.append(f"{len(task.codec.classes)} characters, {parameters:,} parameters, {task.steps:,} steps an epoch.")
    if fresh:
        lines.append(f"Starts fresh: {', '.join(fresh)}.")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _fingerprint(settings: TrainRecognizerSettings, sources: list[_Source]) -> str:
    plain = config.to_plain(settings)
    # How many processes draw changes no line.
    plain.pop("drawing", None)
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode())
    for source in sources:
        digest.update(f"\0{source.name}\0{source.identity}".encode())
    return digest.hexdigest()


def _without_folders(settings: dict[str, Any]) -> dict[str, Any]:
    """Keeps of each path its last part: weights go to strangers, whom nobody's folders concern."""

    def last(path: Any) -> Any:
        return Path(path).name if path else path

    data = {
        name: {**source, "path": last(source["path"]), "texts": last(source.get("texts"))}
        for name, source in settings["data"].items()
    }
    return {**settings, "data": data, "start-from": last(settings.get("start-from"))}


def _confidence_maps(task: LineTask, module: nn.Module) -> dict[str, tuple[float, ...]]:
    """Makes the model's confidences trustworthy, on its validation lines; nothing when there are too few."""
    decoder = Decoder(task.codec.classes, ReadOptions(alternatives=0))
    read: list[ReadLine] = []
    for source in task.sources:
        for lines, outputs, targets in task.outputs(module, source):
            pictures = [packed.picture(index) for packed, index in lines]
            frames = targets[:, FRAMES].tolist()
            scans = [
                Scan(picture, logits[:count].numpy(), task.stride)
                for picture, logits, count in zip(pictures, outputs, frames, strict=True)
            ]
            found = lines_of([(one.shape[1], one.shape[0]) for one in pictures], scans, decoder, task.codec.classes)
            read += [
                ReadLine(packed.names[index], source.name, packed.texts[index], line, bool(packed.folded[index]))
                for (packed, index), line in zip(lines, found, strict=True)
            ]
    return fit_confidence_maps(read)


def _card(settings: TrainRecognizerSettings, task: LineTask, module: nn.Module, fitted: Fitted) -> ModelCard:
    figures: dict[str, Any] = {
        "epoch": fitted.best_epoch,
        "seconds": round(fitted.seconds),
        "lines-seen": fitted.best_epoch * task.steps * settings.loop.batch_size,
        "validation": task.figures,
    }
    data = tuple(
        {"name": source.name, "title": source.title, "licence": source.licence, "lines-an-epoch": count}
        | ({} if source.size is None else {"lines": source.size})
        for source, count in zip(task.sources, task.counts, strict=True)
    )
    with torch.inference_mode():
        maps = _confidence_maps(task, module)
    return ModelCard(
        task=RECOGNIZER,
        network_name=settings.network.name,
        network_options=settings.network.options,
        classes=task.codec.classes,
        preprocess=task.preprocess,
        confidence_maps=maps,
        data=data,
        training=_without_folders(config.to_plain(settings)),
        figures=figures,
        licence=settings.licence,
        created=datetime.date.today().isoformat(),
        version=typecase.__version__,
    )
