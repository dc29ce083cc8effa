"""The one training loop: it knows steps, epochs, devices and stopping, and nothing of what is learnt.

What is learnt is a `Task`: it gives batches, a loss and a validation. Devices, processes and precision are the
matter of Lightning Fabric over torch.distributed.

A run that was stopped goes on to the same numbers as one that was not: the batch of a step and its random numbers
are functions of (seed, epoch, step, process), the step size is one of the step, and all else lies in the checkpoint.
"""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from typecase.cores import usable_cores
from typecase.errors import UsageError
from typecase.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from typecase.training.logs import Listener, Record, Silence
from typecase.training.schedule import learning_rate_factor
from typecase.training.settings import LoopSettings, OptimizerSettings, ScheduleSettings

CHECKPOINT_NAME = "checkpoint.safetensors"


@dataclass(frozen=True)
class Score:
    """Sums over some pictures, so that those of several processes can be added.

    Attributes:
        loss: Summed loss in nats.
        correct: Number of right answers.
        count: Number of pictures.
    """

    loss: float = 0.0
    correct: int = 0
    count: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.loss + other.loss, self.correct + other.correct, self.count + other.count)

    @property
    def mean_loss(self) -> float:
        """Mean loss; 0 without pictures."""
        return self.loss / max(1, self.count)

    @property
    def accuracy(self) -> float:
        """Share of right answers in 0..1; 0 without pictures."""
        return self.correct / max(1, self.count)


class Task(Protocol):
    """What is learnt."""

    @property
    def steps(self) -> int:
        """Steps of an epoch."""

    def batch(self, epoch: int, step: int, rank: int, processes: int) -> tuple[Tensor, Tensor]:
        """Gives one process's inputs and targets of a step; the same arguments give the same numbers.

        All processes get equally many, for the mean of their gradients is taken.
        """

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Gives the scalar to make small."""

    def correct(self, outputs: Tensor, targets: Tensor) -> int:
        """Counts right answers."""

    def validate(self, module: nn.Module, rank: int, processes: int) -> Score:
        """Judges one process's share of the validation part; empty when there is none."""


@dataclass
class Fitted:
    """What a training leaves.

    Attributes:
        weights: The network's state by name, of the epoch that the settings ask to keep.
        history: The log so far.
        best_epoch: The epoch of these weights, counted from 1; 0 before the first epoch ended.
        finished: False when it was stopped before its time.
        seconds: Time spent, earlier runs included.
        steps: Steps that this run did; 0 when there was nothing left to do.
    """

    weights: dict[str, Tensor]
    history: list[Record]
    best_epoch: int
    finished: bool
    seconds: float
    steps: int


@dataclass
class _Progress:
    """Where a training stands; `best_epoch` is the last one while there is no validation to judge by."""

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_accuracy: float = -1.0
    best_loss: float = float("inf")
    seconds: float = 0.0
    averaged: int = 0
    running: dict[str, float] = field(default_factory=lambda: asdict(Score()))
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        return [Record(**row) for row in self.history]


def make_fabric(settings: LoopSettings) -> tuple[Fabric, str]:
    """Chooses device and precision.

    Returns:
        The engine, not yet launched, and a sentence that says what was chosen.

    Raises:
        UsageError: The device is not there.
    """
    accelerator = settings.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise UsageError("PyTorch finds no CUDA device here; choose --accelerator cpu or auto.")
    if accelerator == "mps" and not torch.backends.mps.is_available():
        raise UsageError("PyTorch finds no Apple GPU here; choose --accelerator cpu or auto.")
    present = {"cuda": torch.cuda.device_count(), "mps": 1}.get(accelerator, settings.devices)
    if settings.devices > present:
        raise UsageError(f"PyTorch finds {present} device(s) of kind {accelerator} here, not {settings.devices}.")
    precision = settings.precision
    if precision == "auto":
        precision = "bfloat16" if _computes_bfloat16(accelerator) else "float32"
    # It reports its choices on standard error; ours is the sentence that is returned.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    several = settings.devices * settings.nodes > 1
    fabric = Fabric(
        accelerator=accelerator,
        devices=settings.devices,
        num_nodes=settings.nodes,
        strategy="ddp" if several else "auto",
        precision="bf16-mixed" if precision == "bfloat16" else "32-true",
    )
    threads = f", threads each: {_threads(settings)}" if accelerator == "cpu" else ""
    return fabric, f"Training on {accelerator} x {settings.devices * settings.nodes} in {precision}{threads}."


def make_optimizer(module: nn.Module, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Makes the optimiser; weight decay holds for matrices and kernels only."""
    matrices = [parameter for parameter in module.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in module.parameters() if parameter.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    # One pass over the weights instead of several, which a net with a large last layer feels.
    fused = matrices[0].device.type in ("cpu", "cuda") if matrices else None
    if settings.name == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum, fused=fused)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=fused)


def fit(
    module: nn.Module,
    task: Task,
    *,
    fabric: Fabric,
    loop: LoopSettings,
    optimizer_settings: OptimizerSettings,
    schedule: ScheduleSettings,
    folder: Path,
    fingerprint: str,
    resume: bool = False,
    listener: Listener | None = None,
) -> Fitted:
    """Trains a network.

    Args:
        module: The network, changed in place.
        task: What is learnt.
        fabric: The engine, launched.
        loop: Length, seed, stopping.
        optimizer_settings: How weights move.
        schedule: How the step size changes.
        folder: Where the checkpoint lies; one is written after each epoch and at Ctrl-C.
        fingerprint: Digest of all that the numbers depend on; a checkpoint with another one is refused.
        resume: Go on from the folder's checkpoint.
        listener: Hears how it goes, in the first process only.

    Returns:
        The weights to keep and the log.

    Raises:
        UsageError: There is nothing to resume, or it belongs to other settings, or the loss grew beyond numbers.
        ModelError: The checkpoint is damaged.
        OutputError: The checkpoint cannot be written.
    """
    listener = listener if listener is not None and fabric.is_global_zero else Silence()
    path = folder / CHECKPOINT_NAME
    saved = load_resumable(folder, fingerprint) if resume else None
    progress = _Progress(**saved.progress) if saved else _Progress()
    if saved:
        module.load_state_dict(saved.weights)
    module = module.to(fabric.device)
    if fabric.device.type == "cpu":
        # A fixed number is also what makes sums, and so a resumed run, come out the same.
        torch.set_num_threads(_threads(loop))
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = _average(module, loop.average_decay)
    if saved and average is not None:
        average.module.load_state_dict(saved.average)
        average.n_averaged.fill_(progress.averaged)
    wrapped, optimizer = fabric.setup(module, make_optimizer(module, optimizer_settings))
    if saved:
        optimizer.load_state_dict(saved.optimizer)
        _lay_out_alike(optimizer)
    best = dict(saved.best) if saved else {}
    steps = task.steps
    done = progress.epoch * steps + progress.step
    listener.started(steps * loop.epochs, done, progress.records)
    started = time.monotonic() - progress.seconds

    def state_of(network: nn.Module) -> dict[str, Tensor]:
        return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}

    def save() -> None:
        progress.seconds = time.monotonic() - started
        progress.averaged = int(average.n_averaged) if average is not None else 0
        if fabric.is_global_zero:
            checkpoint = Checkpoint(
                weights=state_of(module),
                average=state_of(average.module) if average is not None else {},
                best=best,
                optimizer=optimizer.state_dict(),
                progress=asdict(progress),
                fingerprint=fingerprint,
            )
            save_checkpoint(checkpoint, path)
        fabric.barrier()

    def fitted(weights: dict[str, Tensor], finished: bool) -> Fitted:
        return Fitted(
            weights=weights,
            history=progress.records,
            best_epoch=progress.epoch if loop.keep == "last" else progress.best_epoch,
            finished=finished,
            seconds=progress.seconds,
            steps=progress.epoch * steps + progress.step - done,
        )

    with _stop_signals() as stopping:
        while progress.epoch < loop.epochs and not _exhausted(progress, loop):
            wrapped.train()
            epoch_started = time.monotonic()
            # What is saved is the sum over all processes, so one of them goes on from it.
            running = Score(**progress.running) if fabric.is_global_zero else Score()  # type: ignore[arg-type]
            while progress.step < steps:
                factor = learning_rate_factor(progress.epoch * steps + progress.step, steps * loop.epochs, schedule)
                for group in optimizer.param_groups:
                    group["lr"] = optimizer_settings.learning_rate * factor
                inputs, targets = task.batch(progress.epoch, progress.step, fabric.global_rank, fabric.world_size)
                inputs, targets = fabric.to_device((inputs, targets))
                torch.manual_seed(mixed_seed(loop.seed, progress.epoch, progress.step, fabric.global_rank, 1))
                outputs = wrapped(inputs)
                loss = task.loss(outputs, targets)
                optimizer.zero_grad()
                fabric.backward(loss)
                if optimizer_settings.gradient_clip:
                    fabric.clip_gradients(
                        wrapped, optimizer, max_norm=optimizer_settings.gradient_clip, error_if_nonfinite=False
                    )
                optimizer.step()
                if average is not None:
                    average.update_parameters(module)
                count = len(targets)
                running += Score(float(loss.detach()) * count, task.correct(outputs, targets), count)
                progress.step += 1
                listener.stepped(progress.epoch + 1, running.mean_loss, running.accuracy)
                stop, diverged = _any_process(fabric, stopping.is_set(), not math.isfinite(running.loss))
                if diverged:
                    raise UsageError(
                        f"The loss is no longer a finite number (epoch {progress.epoch + 1}, step {progress.step}); "
                        "train anew with a smaller --learning-rate, or with --precision float32."
                    )
                if stop:
                    progress.running = asdict(_summed(fabric, running))
                    save()
                    return fitted(best or state_of(average.module if average is not None else module), finished=False)
            judged = average.module if average is not None else module
            judged.eval()
            _share_buffers(fabric, judged)
            # Judged in the precision of the training: validation is there to compare epochs.
            with torch.inference_mode(), fabric.autocast():
                validation = _summed(fabric, task.validate(judged, fabric.global_rank, fabric.world_size))
            running = _summed(fabric, running)
            progress.epoch += 1
            progress.step = 0
            progress.running = asdict(Score())
            _note(progress, running, validation, optimizer.param_groups[0]["lr"], time.monotonic() - epoch_started)
            if progress.best_epoch == progress.epoch or loop.keep == "last":
                best = state_of(judged)
            save()
            listener.ended_epoch(progress.records)
    if not loop.epochs:
        # Nothing is learnt, but what the weights make of the validation part is told as ever.
        module.eval()
        with torch.inference_mode(), fabric.autocast():
            task.validate(module, fabric.global_rank, fabric.world_size)
        best = state_of(module)
    return fitted(best, finished=True)


def load_resumable(folder: Path, fingerprint: str) -> Checkpoint:
    """Reads the checkpoint of a training that is to go on.

    Args:
        folder: The training's folder.
        fingerprint: As `fit` takes it.

    Raises:
        UsageError: There is none, or it belongs to other settings or data.
        ModelError: It is damaged.
    """
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        raise UsageError(f"There is no training to resume in {folder}; start one without --resume.")
    saved = load_checkpoint(path)
    if saved.fingerprint != fingerprint:
        raise UsageError(
            f"The training in {folder} ran with other settings or data; resume it with --out and --resume alone, "
            "which takes those it saved there, or start anew in another folder."
        )
    return saved


def _lay_out_alike(optimizer: torch.optim.Optimizer) -> None:
    """Brings a loaded state into its weights' order in memory, which fused optimisers take for granted."""
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def mixed_seed(*numbers: int) -> int:
    """Makes one seed, below 2**63, out of several numbers; neighbouring numbers give unrelated streams."""
    return int(np.random.SeedSequence(numbers).generate_state(1, dtype=np.uint64)[0] >> np.uint64(1))


def _threads(settings: LoopSettings) -> int:
    return settings.threads or max(1, usable_cores() // settings.devices)


def _computes_bfloat16(accelerator: str) -> bool:
    if accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if accelerator == "cpu":
        # Without the instructions bfloat16 is emulated, and slower than float32.
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
        return bool(supported())
    return False


def _average(module: nn.Module, decay: float) -> AveragedModel | None:
    if not decay:
        return None

    def blend(averages: Sequence[Tensor], currents: Sequence[Tensor], count: Tensor | int) -> None:
        # In the first steps a long memory would hold little but the random start.
        share = 1 - min(decay, (1 + int(count)) / (10 + int(count)))
        for mean, current in zip(averages, currents, strict=True):
            if mean.is_floating_point():
                mean.lerp_(current, share)
            else:
                mean.copy_(current)

    return AveragedModel(module, multi_avg_fn=blend, use_buffers=True)


def _note(progress: _Progress, running: Score, validation: Score, rate: float, seconds: float) -> None:
    epoch = progress.epoch
    rows = [Record(epoch, "train", running.mean_loss, running.accuracy, rate, seconds)]
    if validation.count:
        rows.append(Record(epoch, "validation", validation.mean_loss, validation.accuracy, rate, seconds))
        better = (validation.accuracy, -validation.mean_loss) > (progress.best_accuracy, -progress.best_loss)
        if better:
            progress.best_epoch = epoch
            progress.best_accuracy, progress.best_loss = validation.accuracy, validation.mean_loss
    else:
        progress.best_epoch = epoch
    progress.history += [asdict(row) for row in rows]


def _exhausted(progress: _Progress, loop: LoopSettings) -> bool:
    return bool(loop.patience) and progress.epoch - progress.best_epoch >= loop.patience


def _summed(fabric: Fabric, score: Score) -> Score:
    if fabric.world_size == 1:
        return score
    sums = torch.tensor([score.loss, score.correct, score.count], dtype=torch.float64)
    total = fabric.all_reduce(sums, reduce_op="sum")
    assert isinstance(total, Tensor)
    return Score(float(total[0]), int(total[1]), int(total[2]))


def _any_process(fabric: Fabric, *flags: bool) -> list[bool]:
    """Whether each flag is up in any process: all must leave the loop at the same step, or some wait for ever."""
    if fabric.world_size == 1:
        return list(flags)
    total = fabric.all_reduce(torch.tensor(flags, dtype=torch.float32), reduce_op="sum")
    assert isinstance(total, Tensor)
    return [bool(count > 0) for count in total]


def _share_buffers(fabric: Fabric, module: nn.Module) -> None:
    """Gives every process the first one's running statistics, which the batches of each have moved apart."""
    if fabric.world_size > 1:
        for buffer in module.buffers():
            torch.distributed.broadcast(buffer, src=0)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Turns the first Ctrl-C (or a polite kill) into a flag; a second one interrupts at once."""
    stopping = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return

    def stop(number: int, frame: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
