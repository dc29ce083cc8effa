"""Training a detector of lines: settings and pages in, a saved model out."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

import typecase
from typecase import config, nets
from typecase.charset import ClassSet
from typecase.cores import usable_cores
from typecase.datasets.pages import PageSample
from typecase.errors import DataError, UsageError
from typecase.modelcard import DETECTOR, ModelCard
from typecase.modelfile import load_matching, save_model
from typecase.preprocess import PagePreprocess
from typecase.stages.lines_of_maps import ACROSS, CORES, DOWN, UP, Piece, pieces_of_maps
from typecase.training import plots
from typecase.training.logs import LOG_NAME, RunLog, append_validation
from typecase.training.loop import CHECKPOINT_NAME, Fitted, Score, fit, load_resumable, make_fabric
from typecase.training.page_blocks import BLOCK, PageBlocks, PageSource, Windows, validation_pages
from typecase.training.page_match import Match, match
from typecase.training.page_windows import IGNORED, VALID
from typecase.training.settings import CONFIG_NAME, TrainDetectorSettings

MODEL_NAME = "model.safetensors"
VALIDATION_NAME = "validation.csv"
_VALIDATION_COLUMNS = ("epoch", "source", "lines", "recall", "precision", "height-error")

# What the validation looks at of a page, in pixels of the net's input.
_VALIDATION_SIDE = 1280


@dataclass(frozen=True)
class TrainedDetector:
    """What `train_detector` leaves.

    Attributes:
        model: The saved weights with their card.
        fitted: The log and the last epoch.
        folder: Where everything lies.
        main: Whether this is the first of the processes that trained; there is but one.
    """

    model: Path
    fitted: Fitted
    folder: Path
    main: bool = True


class PageTask:
    """The detector's side of the training loop: windows, loss, validation.

    Attributes:
        figures: Of the last validation by source.
        folder: Where the figures of each validation are written down; None nowhere.
    """

    def __init__(self, settings: TrainDetectorSettings, blocks: PageBlocks) -> None:
        self.settings = settings
        self.preprocess = PagePreprocess()
        self.figures: dict[str, dict[str, float]] = {}
        self.folder: Path | None = None
        self._blocks = blocks
        self._held: tuple[int, Windows] | None = None
        self._validation: list[tuple[str, PageSample]] | None = None
        self._epoch = 0
        if settings.loop.batch_size > BLOCK or BLOCK % settings.loop.batch_size:
            raise UsageError(f"The batch size must divide {BLOCK}, the windows that are cut at once.")
        if settings.loop.devices * settings.loop.nodes > 1:
            raise UsageError("A detector is trained by one process; choose --devices 1.")

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return max(1, self.settings.epoch_windows // self.settings.loop.batch_size)

    def batch(self, epoch: int, step: int, rank: int, processes: int) -> tuple[Tensor, Tensor]:
        """Gives windows [n, 1, side, side] and their target maps [n, 8, side / 4, side / 4]."""
        self._epoch = epoch
        size = self.settings.loop.batch_size
        block, place = divmod((epoch * self.steps + step) * size, BLOCK)
        if self._held is None or self._held[0] != block:
            last = (self.settings.loop.epochs * self.steps * size - 1) // BLOCK
            self._blocks.prepare([number for number in range(block, block + 4) if number <= last])
            self._held = block, self._blocks.block(block)
        windows = self._held[1]
        pixels = windows.pixels[place : place + size]
        inputs = torch.from_numpy(self.preprocess.normalise(pixels)).unsqueeze(1)
        maps = torch.from_numpy(windows.maps[place : place + size].astype(np.float32))
        return inputs.contiguous(memory_format=torch.channels_last), maps

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """How far maps are from what they should be; see `page_loss`."""
        return page_loss(outputs, targets)

    def correct(self, outputs: Tensor, targets: Tensor) -> int:
        """Counts windows whose cores overlap with the true ones by more than three quarters."""
        cores, truth = outputs[:, CORES] > 0, targets[:, CORES]
        seen = truth != IGNORED
        both = (cores & (truth > 0) & seen).sum(dim=(1, 2, 3))
        either = ((cores | (truth > 0)) & seen).sum(dim=(1, 2, 3))
        return int((both >= 0.75 * either).sum())

    def validate(self, module: nn.Module, rank: int, processes: int) -> Score:
        """Finds lines on the pages that are kept apart: a line found and no line too many is a right answer."""
        if self._validation is None:
            self._validation = [(name, _kept(page)) for name, page in validation_pages(self.settings)]
        sums: dict[str, Match] = {}
        for name, page in self._validation:
            found, scale = self._found(module, page)
            outlines = [outline * scale for outline in page.outlines]
            sums[name] = sums.get(name, Match()) + match(found, outlines, page.ignored)
        rows = []
        score = Score()
        for name, one in sums.items():
            self.figures[name] = {
                "lines": one.lines,
                "recall": round(one.recall, 4),
                "precision": round(one.precision, 4),
                "height-error": round(one.height_error, 4),
            }
            rows.append([self._epoch + 1, name, *self.figures[name].values()])
            score += Score(0.0, one.matched, one.lines + one.found - one.matched)
        if self.folder is not None and rows:
            append_validation(self.folder / VALIDATION_NAME, _VALIDATION_COLUMNS, rows)
        return score

    def _found(self, module: nn.Module, page: PageSample) -> tuple[list[Piece], float]:
        """The pieces on a page seen at the scale that suits its lines, and that scale."""
        grey = page.load()
        heights = [np.hypot(*(one[: len(one) // 2] - one[len(one) // 2 :][::-1]).T).mean() for one in page.outlines]
        scale = self.preprocess.text_height / float(np.median(heights)) if heights else 0.5
        scale = min(scale, _VALIDATION_SIDE / max(grey.shape), 2.0)
        small = self.preprocess.scaled(grey, scale)
        inputs = torch.from_numpy(self.preprocess.padded(small)).to(next(module.parameters()).device)
        maps = module(inputs).float().cpu().numpy()[0]
        return pieces_of_maps(maps, small.shape[1], small.shape[0]), scale


def _kept(page: PageSample) -> PageSample:
    """The page with its pixels at hand, for validation comes back to it."""
    grey = page.load()
    return PageSample(page.name, lambda: grey, page.outlines, page.ignored)


def page_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of maps: cores by cross entropy and overlap (Dice), distances by their logarithms, direction.

    Args:
        outputs: [N, 7, rows, columns], any float type; computed in float32.
        targets: [N, 8, rows, columns], see `typecase.training.page_windows`.

    Returns:
        A scalar.
    """
    outputs = outputs.float()
    logits, truth = outputs[:, CORES], targets[:, CORES]
    seen = (truth != IGNORED).float()
    truth = truth.clamp(min=0)
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    # The few places of text weigh as much as the many of paper; so do places that are hard to tell apart.
    hard = seen * (1 + 4 * truth + 4 * (entropy.detach() > 0.7))
    core = (entropy * hard).sum() / hard.sum().clamp(min=1)
    shares = torch.sigmoid(logits) * seen
    dice = 1 - (2 * (shares * truth).sum() + 1) / (shares.sum() + (truth * seen).sum() + 1)
    valid = targets[:, VALID]
    count = valid.sum().clamp(min=1)
    distances = functional.smooth_l1_loss(
        outputs[:, UP : DOWN + 1], targets[:, UP : DOWN + 1], beta=0.1, reduction="none"
    ).sum(dim=1)
    direction = functional.binary_cross_entropy_with_logits(outputs[:, ACROSS], targets[:, ACROSS], reduction="none")
    return 2 * core + dice + (valid * (distances + 0.5 * direction)).sum() / count


def train_detector(
    settings: TrainDetectorSettings, folder: Path, *, resume: bool = False, console: Console | None = None
) -> TrainedDetector:
    """Trains and saves a detector of lines.

    The folder gets `model.safetensors`, `checkpoint.safetensors`, `config.yaml`, `log.csv`, `validation.csv`,
    `curves.png` and TensorBoard's events.

    Args:
        settings: Everything that decides the outcome.
        folder: Where results go; created if missing.
        resume: Go on from the folder's checkpoint.
        console: Where to tell how it goes; None is silent.

    Returns:
        The model and the log; `fitted.finished` is False after Ctrl-C.

    Raises:
        UsageError: The settings do not fit each other, the folder holds a training already, there is nothing to
            resume, or the loss grew beyond numbers.
        DataError: The data cannot be used.
        ModelError: The weights to start from, or the checkpoint, cannot be used.
        OutputError: The folder cannot be written.
    """
    nets.check_task(settings.network.name, DETECTOR)
    settings = _with_kinds(settings)
    fabric, choice = make_fabric(settings.loop)
    if not resume and any((folder / name).exists() for name in (MODEL_NAME, CHECKPOINT_NAME)):
        raise UsageError(f"{folder} holds a training already; name another folder with --out, or use --resume.")
    preprocess = PagePreprocess()
    torch.manual_seed(settings.loop.seed)
    module = nets.build(
        settings.network.name, classes=1, channels=1, size=preprocess.multiple, options=settings.network.options
    )
    console = console or Console(quiet=True)
    with contextlib.ExitStack() as resources:
        processes = settings.drawing or max(1, usable_cores() // 2)
        sources = {
            name: PageSource(data, settings.loop.seed + number)
            for number, (name, data) in enumerate(settings.data.items())
        }
        blocks = resources.enter_context(PageBlocks(settings, processes=processes))
        task = PageTask(settings, blocks)
        fingerprint = _fingerprint(settings, sources)
        if resume:
            load_resumable(folder, fingerprint)
        elif settings.start_from is not None:
            load_matching(module, settings.start_from)
        fabric.launch()
        parameters = sum(parameter.numel() for parameter in module.parameters())
        for line in (
            choice,
            *(f"{name}: {source.size or 'drawn'} pages." for name, source in sources.items()),
            f"{parameters:,} parameters, {task.steps:,} steps an epoch.",
        ):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        task.folder = folder
        if not resume:
            config.save(settings, folder / CONFIG_NAME)
        log = resources.enter_context(RunLog(folder, settings.loop.epochs, console))
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
    module = module.to("cpu")
    module.load_state_dict(fitted.weights)
    save_model(module.state_dict(), _card(settings, task, sources, fitted), path)
    if fitted.history:
        plots.curves(folder / LOG_NAME, folder / "curves.png")
    return TrainedDetector(path, fitted, folder)


def _with_kinds(settings: TrainDetectorSettings) -> TrainDetectorSettings:
    """The settings with the kind of each source told."""
    import msgspec

    if not settings.data:
        raise UsageError("There is nothing to train on; name receipts of SROIE, or fonts, with --data.")
    data = {}
    for name, one in settings.data.items():
        kind = one.kind
        if kind == "auto":
            if (one.path / "annotations").is_dir():
                raise UsageError(
                    f"{one.path} holds the forms of FUNSD, which may be measured on but not trained on; leave them out."
                )
            if not one.path.exists():
                raise DataError(f"{one.path} does not exist; check the path.")
            kind = "sroie" if (one.path / "box").is_dir() else "drawn"
        data[name] = msgspec.structs.replace(one, kind=kind)
    return msgspec.structs.replace(settings, data=data)


def _fingerprint(settings: TrainDetectorSettings, sources: dict[str, PageSource]) -> str:
    plain = config.to_plain(settings)
    # How many processes draw changes no page.
    plain.pop("drawing", None)
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode())
    for name, source in sources.items():
        digest.update(f"\0{name}\0{source.identity}".encode())
    return digest.hexdigest()


def _card(settings: TrainDetectorSettings, task: PageTask, sources: dict[str, PageSource], fitted: Fitted) -> ModelCard:
    plain = config.to_plain(settings)
    # Weights go to strangers, whom nobody's folders concern.
    for one in plain["data"].values():
        for key in ("path", "texts"):
            one[key] = Path(one[key]).name if one.get(key) else one.get(key)
    start = plain.get("start-from")
    plain["start-from"] = Path(start).name if start else start
    licences = {
        "sroie": ("SROIE receipts, training part (ids not divisible by 10)", "CC BY 4.0, as stated by its mirror"),
        "drawn": (
            "pages drawn from fonts and texts",
            "fonts: OFL, Apache 2.0 or UFL for each family; sentences: as their files say",
        ),
    }
    data = tuple(
        {"name": name, "title": licences[one.kind][0], "licence": licences[one.kind][1], "weight": one.weight}
        | ({} if sources[name].size is None else {"pages": sources[name].size})
        for name, one in settings.data.items()
    )
    return ModelCard(
        task=DETECTOR,
        network_name=settings.network.name,
        network_options=settings.network.options,
        classes=ClassSet.of(["text"]),
        preprocess=task.preprocess,
        data=data,
        training=plain,
        figures={
            "epoch": fitted.best_epoch,
            "seconds": round(fitted.seconds),
            "windows-seen": fitted.best_epoch * task.steps * settings.loop.batch_size,
            "validation": task.figures,
        },
        licence=settings.licence,
        created=datetime.date.today().isoformat(),
        version=typecase.__version__,
    )
