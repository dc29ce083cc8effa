"""Training a classifier of single characters: settings and data in, a saved and calibrated model out."""

from __future__ import annotations

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
from typecase.modelcard import ModelCard
from typecase.modelfile import load_matching, save_model
from typecase.preprocess import CharacterPreprocess
from typecase.training import plots
from typecase.training.augment import augment, flipped
from typecase.training.logs import RunLog, Silence
from typecase.training.loop import Fitted, Score, fit, make_fabric
from typecase.training.metrics import fit_temperature
from typecase.training.settings import CONFIG_NAME, DataSettings, SplitSettings, TrainClassifierSettings
from typecase.training.targets import balanced_weights, cross_entropy, one_hot

MODEL_NAME = "model.safetensors"

_VALIDATION_BATCH = 500


@dataclass(frozen=True)
class TrainedClassifier:
    """What `train_classifier` leaves.

    Attributes:
        model: The saved weights with their card.
        fitted: The log and the best epoch.
        folder: Where everything lies.
    """

    model: Path
    fitted: Fitted
    folder: Path


@dataclass(frozen=True)
class _Source:
    name: str
    settings: DataSettings
    train: list[CharacterDataset | DrawnCharacters]
    validation: CharacterDataset | DrawnCharacters | None


class CharacterTask:
    """The classifier's side of the training loop: batches, loss, validation."""

    def __init__(self, sources: list[_Source], classes: ClassSet, settings: TrainClassifierSettings) -> None:
        self.settings = settings
        self.classes = len(classes)
        self.preprocess = settings.preprocess.to_preprocess()
        parts = [(source, part) for source in sources for part in source.train]
        self.pictures = torch.cat([_bytes_of(part) for _, part in parts])
        self.targets = torch.cat([torch.as_tensor(np.asarray(part.targets)).long() for _, part in parts])
        self.augmented = torch.cat(
            [torch.full((len(part),), source.settings.augmentation == "settings") for source, part in parts]
        )
        # One range of pictures for each source: an epoch draws from each by its own measure.
        sizes = [(sum(len(part) for part in source.train), source.settings.repeat) for source in sources]
        starts = np.cumsum([0] + [size for size, _ in sizes])
        self._ranges = [(int(start), size, repeat) for start, (size, repeat) in zip(starts, sizes, strict=False)]
        validation = [source.validation for source in sources if source.validation is not None]
        self.validation_pictures = torch.cat([_bytes_of(part) for part in validation]) if validation else None
        self.validation_targets = (
            torch.cat([torch.as_tensor(np.asarray(part.targets)).long() for part in validation])
            if validation
            else torch.empty(0, dtype=torch.long)
        )
        weights = None
        if settings.loss.class_weights == "balanced":
            weights = balanced_weights(torch.bincount(self.targets, minlength=self.classes))
        self._class_weights = weights
        self._order_epoch = -1
        self._order = torch.empty(0, dtype=torch.long)
        self._epoch_size = len(self.order(0))

    @property
    def steps(self) -> int:
        """Steps of an epoch; a last batch of a single picture is left out, for batch norm cannot take it."""
        whole, rest = divmod(self._epoch_size, self.settings.loop.batch_size)
        fewest = 2 * self.settings.loop.devices * self.settings.loop.nodes
        return max(1, whole + (rest >= fewest))

    def order(self, epoch: int) -> Tensor:
        """The pictures of an epoch in their order, as indices of shape [n]."""
        if epoch != self._order_epoch:
            generator = _generator(self.settings.loop.seed, epoch)
            drawn = []
            for start, size, repeat in self._ranges:
                whole, part = int(repeat), repeat - int(repeat)
                drawn += [torch.arange(size)] * whole
                drawn.append(torch.randperm(size, generator=generator)[: round(part * size)])
                drawn[-whole - 1 :] = [indices + start for indices in drawn[-whole - 1 :]]
            order = torch.cat(drawn)
            self._order = order[torch.randperm(len(order), generator=generator)]
            self._order_epoch = epoch
        return self._order

    def batch(self, epoch: int, step: int, rank: int, processes: int) -> tuple[Tensor, Tensor]:
        """Gives normalised pictures [n, C, S, S] and one-hot targets [n, K] of one process."""
        size = self.settings.loop.batch_size
        chosen = self.order(epoch)[step * size : (step + 1) * size][rank::processes]
        generator = _generator(self.settings.loop.seed, epoch, step, rank)
        pictures = self.pictures[chosen].float().div_(255)
        varied = augment(pictures, self.settings.augmentation, generator)
        mask = self.augmented[chosen]
        if not bool(mask.all()):
            varied = torch.where(mask[:, None, None, None], varied, pictures)
        rows = one_hot(self.targets[chosen], self.classes, self.settings.loss.label_smoothing)
        return self._normalised(varied), rows

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
        device = next(module.parameters()).device
        rows = []
        for number, some in enumerate(pictures.split(_VALIDATION_BATCH)):
            inputs = some.float().div_(255)
            if self.settings.augmentation.flip_in_testing:
                generator = _generator(self.settings.loop.seed, 2**31, number)
                inputs = flipped(inputs, self.settings.augmentation.flip_left_right, generator)
            rows.append(module(self._normalised(inputs).to(device)).float().cpu())
        return torch.cat(rows) if rows else torch.empty(0, self.classes)

    def _normalised(self, pictures: Tensor) -> Tensor:
        pictures = (pictures - self.preprocess.mean) / self.preprocess.deviation
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
        UsageError: The settings do not fit each other, or there is nothing to resume.
        DataError: The data cannot be used.
        OutputError: The folder cannot be written.
    """
    preprocess = settings.preprocess.to_preprocess()
    fabric, choice = make_fabric(settings.loop)
    fabric.launch()
    speaks = console is not None and fabric.is_global_zero
    if (folder / MODEL_NAME).exists() and not resume and fabric.is_global_zero:
        raise UsageError(f"{folder} holds a trained model already; name another folder with --out, or use --resume.")
    sources, classes = _opened(settings, preprocess, progress)
    task = CharacterTask(sources, classes, settings)
    if speaks:
        assert console is not None
        console.print(choice, highlight=False)
        for source in sources:
            for skipped in source.train[0].skipped:
                console.print(f"Skipped {skipped.name}: {skipped.reason}", highlight=False, markup=False)
        validating = len(task.validation_targets)
        console.print(
            f"{len(classes)} classes, {task._epoch_size:,} pictures an epoch, {validating:,} to validate.",
            highlight=False,
        )
    torch.manual_seed(settings.loop.seed)
    module = nets.build(
        settings.network.name,
        classes=len(classes),
        channels=preprocess.channels,
        size=preprocess.size,
        options=settings.network.options,
    )
    if settings.start_from is not None:
        fresh = load_matching(module, settings.start_from)
        if speaks and fresh and console is not None:
            console.print(f"Starts fresh: {', '.join(fresh)}", highlight=False)
    # The tree of the settings is saved first, so that even a training that fails tells what it was to do.
    if fabric.is_global_zero:
        config.save(settings, folder / CONFIG_NAME)
        _save_splits(sources, folder / "splits.json")
    arguments: dict[str, Any] = {
        "fabric": fabric,
        "loop": settings.loop,
        "optimizer_settings": settings.optimizer,
        "schedule": settings.schedule,
        "folder": folder,
        "fingerprint": _fingerprint(settings, task),
        "resume": resume,
    }
    if speaks and console is not None:
        with RunLog(folder, settings.loop.epochs, console) as log:
            fitted = fit(module, task, listener=log, **arguments)
    else:
        fitted = fit(module, task, listener=Silence(), **arguments)
    path = folder / MODEL_NAME
    if fabric.is_global_zero:
        module = module.to("cpu")
        module.load_state_dict(fitted.weights)
        save_model(module.state_dict(), _card(settings, sources, classes, task, module.eval(), fitted), path)
        if fitted.history:
            plots.curves(folder / "log.csv", folder / "curves.png")
    fabric.barrier()
    return TrainedClassifier(path, fitted, folder)


def _opened(
    settings: TrainClassifierSettings, preprocess: CharacterPreprocess, progress: Progress | None
) -> tuple[list[_Source], ClassSet]:
    if not settings.data:
        raise UsageError("There is nothing to train on; name an archive or a folder with --data.")
    sources = []
    for name, data in settings.data.items():
        division = data.split or settings.split

        def part(name: str, data: DataSettings = data, division: SplitSettings = division) -> CharacterDataset | DrawnCharacters:
            return open_dataset(
                data.kind,
                data.path,
                split=name,
                preprocess=preprocess,
                split_by=division.by,
                fractions=division.fractions,
                test_groups=data.test_groups or None,
                max_bad=settings.max_bad,
                progress=progress,
                **{"seed": division.seed, **data.options},
            )

        judged = data.validate and "validation" not in data.parts
        validation = part("validation") if judged else None
        if validation is not None and not len(validation):
            validation = None
        sources.append(_Source(name, data, [part(split) for split in data.parts], validation))
    names: dict[str, None] = dict.fromkeys(settings.classes)
    if not names:
        for source in sources:
            names |= dict.fromkeys(source.train[0].classes.names)
    classes = ClassSet.of(names)
    for source in sources:
        for number, dataset in enumerate(source.train):
            source.train[number] = dataset.with_classes(classes)
    sources = [
        _Source(s.name, s.settings, s.train, s.validation.with_classes(classes) if s.validation is not None else None)
        for s in sources
    ]
    if not sum(len(part) for source in sources for part in source.train):
        raise DataError("The training part is empty; give more pictures or other --fractions.")
    return sources, classes


def _bytes_of(dataset: CharacterDataset | DrawnCharacters) -> Tensor:
    return torch.from_numpy(np.array(dataset.pictures, dtype=np.uint8))


def _generator(*numbers: int) -> torch.Generator:
    # One seed out of several numbers, by NumPy's mixing: neighbouring steps must not give related streams.
    seed = np.random.SeedSequence(numbers).generate_state(1, dtype=np.uint64)[0]
    return torch.Generator().manual_seed(int(seed >> np.uint64(1)))


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
        training=config.to_plain(settings),
        figures=figures,
        licence=settings.licence,
        created=datetime.date.today().isoformat(),
        version=typecase.__version__,
    )
