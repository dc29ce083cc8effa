"""Training a classifier of single characters: settings and data in, a saved and calibrated model out."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from torch import Tensor, nn

import typecase
from typecase import config, nets
from typecase.charset import ClassSet
from typecase.datasets import CharacterDataset, DrawnCharacters, open_dataset
from typecase.datasets.decoded import Progress
from typecase.errors import DataError, UsageError
from typecase.files import atomic_write
from typecase.modelcard import CLASSIFIER, ModelCard
from typecase.modelfile import load_matching, save_model
from typecase.preprocess import CharacterPreprocess
from typecase.training import plots
from typecase.training.augment import augment, flipped
from typecase.training.logs import LOG_NAME, RunLog
from typecase.training.loop import CHECKPOINT_NAME, Fitted, Score, fit, load_resumable, make_fabric, mixed_seed
from typecase.training.metrics import fit_temperature
from typecase.training.settings import CONFIG_NAME, LIGHT_AUGMENTATION, DataSettings, TrainClassifierSettings
from typecase.training.targets import balanced_weights, cross_entropy, one_hot

MODEL_NAME = "model.safetensors"
SPLITS_NAME = "splits.json"

_VALIDATION_BATCH = 500


@dataclass(frozen=True)
class TrainedClassifier:
    """What `train_classifier` leaves.

    Attributes:
        model: The saved weights with their card.
        fitted: The log and the best epoch.
        folder: Where everything lies.
        main: Whether this is the first of the processes that trained; only that one has something to say.
    """

    model: Path
    fitted: Fitted
    folder: Path
    main: bool = True


@dataclass(frozen=True)
class _Source:
    name: str
    settings: DataSettings
    train: list[CharacterDataset | DrawnCharacters]
    validation: CharacterDataset | DrawnCharacters | None


class CharacterTask:
    """The classifier's side of the training loop: batches, loss, validation.

    Attributes:
        epoch_size: Pictures that an epoch draws from.
        pictures: Those to train on, bytes of shape [N, C, S, S].
        targets: Their class indices, [N].
        validation_pictures: Those to validate with; None when there are none.
        validation_targets: Their class indices.

    Raises:
        DataError: There are too few pictures to train on.
        UsageError: The batch is too small.
    """

    def __init__(self, sources: list[_Source], classes: ClassSet, settings: TrainClassifierSettings) -> None:
        self.settings = settings
        self.classes = len(classes)
        self.preprocess = settings.preprocess.to_preprocess()
        parts = [(source, part) for source in sources for part in source.train]
        # Kept as convolutions on a CPU want them, channels last, so that no batch has to be turned.
        self.pictures = torch.cat([_bytes_of(part) for _, part in parts]).contiguous(memory_format=torch.channels_last)
        self.targets = torch.cat([_targets_of(part) for _, part in parts])
        # Which of the variations each picture gets; 0 is none.
        self._variations = (settings.augmentation, LIGHT_AUGMENTATION)
        number_of = {"settings": 1, "light": 2, "none": 0}
        self._varying = torch.cat(
            [torch.full((len(part),), number_of[source.settings.augmentation]) for source, part in parts]
        )
        # One range of pictures for each source: an epoch draws from each by its own measure.
        sizes = [(sum(len(part) for part in source.train), source.settings.repeat) for source in sources]
        starts = np.cumsum([0, *(size for size, _ in sizes[:-1])])
        self._ranges = [(int(start), size, repeat) for start, (size, repeat) in zip(starts, sizes, strict=True)]
        validation = [source.validation for source in sources if source.validation is not None]
        self.validation_pictures = torch.cat([_bytes_of(part) for part in validation]) if validation else None
        self.validation_targets = (
            torch.cat([_targets_of(part) for part in validation]) if validation else torch.empty(0, dtype=torch.long)
        )
        self._class_weights = None
        if settings.loss.class_weights == "balanced":
            shown = torch.cat([torch.full((size,), repeat) for size, repeat in sizes])
            counts = torch.bincount(self.targets, weights=shown, minlength=self.classes)
            self._class_weights = balanced_weights(counts)
        self._order_epoch = -1
        self._order = torch.empty(0, dtype=torch.long)
        self.epoch_size = len(self.order(0))
        # Batch normalisation cannot take a single picture.
        self._fewest = 2 * settings.loop.devices * settings.loop.nodes
        if self.epoch_size < self._fewest:
            raise DataError(
                f"There is too little to train on: the pictures an epoch shows are {self.epoch_size}, and a step takes "
                "at least 2 a process; give more pictures, or another split.fractions."
            )
        if settings.loop.batch_size < self._fewest:
            raise UsageError(
                f"A batch of {settings.loop.batch_size} is too small; a step takes at least 2 pictures a process, so "
                f"give --batch-size {self._fewest} or more."
            )

    @property
    def steps(self) -> int:
        """Steps of an epoch; a last batch that is too small for one is left out."""
        whole, rest = divmod(self.epoch_size, self.settings.loop.batch_size)
        return whole + (rest >= self._fewest)

    def order(self, epoch: int) -> Tensor:
        """The pictures of an epoch in their order, as indices of shape [n]."""
        if epoch != self._order_epoch:
            generator = _generator(self.settings.loop.seed, epoch)
            drawn = [start + _repeated(size, repeat, generator) for start, size, repeat in self._ranges]
            order = torch.cat(drawn)
            self._order = order[torch.randperm(len(order), generator=generator)]
            self._order_epoch = epoch
        return self._order

    def batch(self, epoch: int, step: int, rank: int, processes: int) -> tuple[Tensor, Tensor]:
        """Gives normalised pictures [n, C, S, S] and one-hot targets [n, K] of one process, equally many to each."""
        size = self.settings.loop.batch_size
        together = self.order(epoch)[step * size : (step + 1) * size]
        chosen = together[: len(together) // processes * processes][rank::processes]
        generator = _generator(self.settings.loop.seed, epoch, step, rank)
        pictures = self._taken(chosen).float().div_(255)
        varying = self._varying[chosen]
        for number, settings in enumerate(self._variations, start=1):
            some = (varying == number).nonzero().squeeze(1)
            if len(some) == len(chosen):
                pictures = augment(pictures, settings, generator)
            elif len(some):
                pictures[some] = augment(pictures[some], settings, generator)
        rows = one_hot(self.targets[chosen], self.classes, self.settings.loss.label_smoothing)
        return self._normalised(pictures), rows

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy against the one-hot rows."""
        weights = self._class_weights.to(outputs.device) if self._class_weights is not None else None
        return cross_entropy(outputs, targets, weights)

    def correct(self, outputs: Tensor, targets: Tensor) -> int:
        """Counts rows whose largest logit is the target's."""
        return int((outputs.argmax(dim=1) == targets.argmax(dim=1)).sum())

    def validate(self, module: nn.Module, rank: int, processes: int) -> Score:
        """Plain cross entropy and accuracy on one process's share of the validation part."""
        if self.validation_pictures is None:
            return Score()
        targets = self.validation_targets[rank::processes]
        logits = self.logits(module, self.validation_pictures[rank::processes])
        loss = nn.functional.cross_entropy(logits, targets, reduction="sum")
        return Score(float(loss), int((logits.argmax(dim=1) == targets).sum()), len(targets))

    def logits(self, module: nn.Module, pictures: Tensor) -> Tensor:
        """Runs a network in evaluation mode over bytes [N, C, S, S]; float32 logits [N, K] on the CPU."""
        if not len(pictures):
            return torch.empty(0, self.classes)
        device = next(module.parameters()).device
        rows = []
        for number, some in enumerate(torch.split(pictures, _VALIDATION_BATCH)):
            inputs = some.float().div_(255)
            if self.settings.augmentation.flip_in_testing:
                generator = _generator(self.settings.loop.seed, 2**31, number)
                inputs = flipped(inputs, self.settings.augmentation.flip_left_right, generator)
            rows.append(module(self._normalised(inputs).to(device)).float().cpu())
        return torch.cat(rows)

    def _taken(self, chosen: Tensor) -> Tensor:
        """Some pictures' bytes, channels last in memory; whole rows are copied, which plain indexing would not do."""
        return self.pictures.permute(0, 2, 3, 1)[chosen].permute(0, 3, 1, 2)

    def _normalised(self, pictures: Tensor) -> Tensor:
        """Scales floats in 0..1, which are changed."""
        pictures = pictures.sub_(self.preprocess.mean).div_(self.preprocess.deviation)
        return pictures.contiguous(memory_format=torch.channels_last)


def train_classifier(
    settings: TrainClassifierSettings,
    folder: Path,
    *,
    resume: bool = False,
    console: Console | None = None,
    progress: Progress | None = None,
) -> TrainedClassifier:
    """Trains, calibrates and saves a classifier.

    The folder gets `model.safetensors`, `checkpoint.safetensors`, `config.yaml`, `splits.json`, `log.csv`,
    `curves.png` and TensorBoard's events.

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
    nets.check_task(settings.network.name, CLASSIFIER)
    preprocess = settings.preprocess.to_preprocess()
    fabric, choice = make_fabric(settings.loop)
    # What can be wrong with settings and data is found out before there are several processes to say so.
    if not resume and any((folder / name).exists() for name in (MODEL_NAME, CHECKPOINT_NAME)):
        raise UsageError(f"{folder} holds a training already; name another folder with --out, or use --resume.")
    with contextlib.ExitStack() as waiting:
        if console is not None and progress is None:
            status = waiting.enter_context(console.status("Reading pictures"))
            progress = lambda done: status.update(f"Reading pictures: {done:,}")  # noqa: E731
        sources, classes = _opened(settings, preprocess, progress)
    task = CharacterTask(sources, classes, settings)
    torch.manual_seed(settings.loop.seed)
    module = nets.build(
        settings.network.name,
        classes=len(classes),
        channels=preprocess.channels,
        size=preprocess.size,
        options=settings.network.options,
    )
    fingerprint = _fingerprint(settings, task)
    fresh: list[str] = []
    if resume:
        load_resumable(folder, fingerprint)
    elif settings.start_from is not None:
        fresh = load_matching(module, settings.start_from)
    fabric.launch()
    console = console or Console(quiet=True)
    if fabric.is_global_zero:
        _introduce(console, choice, sources, classes, task, fresh)
    # Saved first, so that even a training that fails tells what it was to do.
    if fabric.is_global_zero and not resume:
        config.save(settings, folder / CONFIG_NAME)
        _save_splits(sources, folder / SPLITS_NAME)
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
        save_model(module.state_dict(), _card(settings, sources, classes, task, module.eval(), fitted), path)
        if fitted.history:
            plots.curves(folder / LOG_NAME, folder / "curves.png")
    fabric.barrier()
    return TrainedClassifier(path, fitted, folder, main=fabric.is_global_zero)


def _introduce(
    console: Console, choice: str, sources: list[_Source], classes: ClassSet, task: CharacterTask, fresh: list[str]
) -> None:
    """Says what is about to be trained, on what, and what of the data cannot be used."""
    lines = [choice]
    for source in sources:
        skipped = source.train[0].skipped
        lines += [f"Skipped {one.name}: {one.reason}" for one in skipped]
        if skipped:
            lines.append(f"Pictures of {source.name} that cannot be read and are left out: {len(skipped):,}.")
    lines.append(
        f"{len(classes)} classes, {task.epoch_size:,} pictures an epoch, {len(task.validation_targets):,} to validate."
    )
    if fresh:
        lines.append(f"Starts fresh: {', '.join(fresh)}.")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _opened(
    settings: TrainClassifierSettings, preprocess: CharacterPreprocess, progress: Progress | None
) -> tuple[list[_Source], ClassSet]:
    if not settings.data:
        raise UsageError("There is nothing to train on; name an archive or a folder with --data.")

    def part(data: DataSettings, split: str) -> CharacterDataset | DrawnCharacters:
        division = data.split or settings.split
        arguments: dict[str, Any] = {
            "split_by": division.by,
            "fractions": division.fractions,
            "seed": division.seed,
            "test_groups": data.test_groups or None,
            "max_bad": settings.max_bad,
            "progress": progress,
        }
        fixed = {"split": split, "preprocess": preprocess}
        return open_dataset(data.kind, data.path, **{**arguments, **data.options, **fixed})

    sources = []
    for name, data in settings.data.items():
        judged = data.validate and "validation" not in data.parts
        validation = part(data, "validation") if judged else None
        if validation is not None and not len(validation):
            validation = None
        sources.append(_Source(name, data, [part(data, split) for split in data.parts], validation))
    found = dict.fromkeys(name for source in sources for name in source.train[0].classes.names)
    classes = ClassSet.of(settings.classes or found)
    sources = [
        _Source(
            source.name,
            source.settings,
            [dataset.with_classes(classes) for dataset in source.train],
            source.validation.with_classes(classes) if source.validation is not None else None,
        )
        for source in sources
    ]
    if not any(len(dataset) for source in sources for dataset in source.train):
        raise DataError("The training part is empty; give more pictures, or another split.fractions.")
    return sources, classes


def _bytes_of(dataset: CharacterDataset | DrawnCharacters) -> Tensor:
    return torch.from_numpy(np.array(dataset.pictures, dtype=np.uint8))


def _targets_of(dataset: CharacterDataset | DrawnCharacters) -> Tensor:
    return torch.as_tensor(np.asarray(dataset.targets)).long()


def _repeated(count: int, times: float, generator: torch.Generator) -> Tensor:
    """Indices 0..count-1, each as often as the whole part of `times`; for the rest a random share of them once more."""
    whole = int(times)
    more = torch.randperm(count, generator=generator)[: round((times - whole) * count)]
    return torch.cat([torch.arange(count).repeat(whole), more])


def _generator(*numbers: int) -> torch.Generator:
    return torch.Generator().manual_seed(mixed_seed(*numbers))


def _fingerprint(settings: TrainClassifierSettings, task: CharacterTask) -> str:
    digest = hashlib.sha256(json.dumps(config.to_plain(settings), sort_keys=True, default=str).encode())
    digest.update(task.targets.numpy().tobytes())
    # A sample of the pixels notices other pictures without reading gigabytes.
    every = max(1, len(task.pictures) // 1000)
    digest.update(task.pictures[::every].numpy().tobytes())
    return digest.hexdigest()


def _save_splits(sources: list[_Source], path: Path) -> None:
    records = {source.name: _record(source) for source in sources}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(records, indent=1), encoding="utf-8")


def _without_folders(settings: dict[str, Any]) -> dict[str, Any]:
    """Keeps of each path its last part: weights go to strangers, whom nobody's folders concern."""
    data = {name: {**source, "path": Path(source["path"]).name} for name, source in settings["data"].items()}
    start = settings.get("start-from")
    return {**settings, "data": data, "start-from": Path(start).name if start else start}


def _record(source: _Source) -> dict[str, Any] | None:
    record = source.train[0].split_record
    return record.to_dict() if record is not None else None


def _card(
    settings: TrainClassifierSettings,
    sources: list[_Source],
    classes: ClassSet,
    task: CharacterTask,
    module: nn.Module,
    fitted: Fitted,
) -> ModelCard:
    temperature = 1.0
    figures: dict[str, Any] = {"epoch": fitted.best_epoch, "seconds": round(fitted.seconds)}
    if task.validation_pictures is not None:
        with torch.inference_mode():
            logits: npt.NDArray[np.float32] = task.logits(module, task.validation_pictures).numpy()
        targets = task.validation_targets.numpy()
        temperature = fit_temperature(logits, targets)
        figures["validation-accuracy"] = round(float((logits.argmax(axis=1) == targets).mean()), 4)
        figures["validation-pictures"] = len(targets)
    data = tuple(
        {
            "name": source.name,
            "kind": source.train[0].kind,
            "title": source.train[0].title,
            "licence": source.train[0].licence,
            "pictures": sum(len(part) for part in source.train),
            "parts": list(source.settings.parts),
            "split": _record(source),
        }
        for source in sources
    )
    return ModelCard(
        network_name=settings.network.name,
        network_options=settings.network.options,
        classes=classes,
        preprocess=task.preprocess,
        temperature=temperature,
        data=data,
        training=_without_folders(config.to_plain(settings)),
        figures=figures,
        licence=settings.licence,
        created=datetime.date.today().isoformat(),
        version=typecase.__version__,
    )
