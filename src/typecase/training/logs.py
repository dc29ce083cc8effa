"""What a training tells while it runs: a live bar for people, a CSV file for tables, TensorBoard for plots."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter

from typecase.files import atomic_write


@dataclass(frozen=True)
class Record:
    """One row of the log: an epoch's figures on one part of the data.

    Attributes:
        epoch: Counted from 1.
        split: `train` or `validation`.
        loss: Mean cross entropy in nats.
        accuracy: Share of right answers, 0..1.
        learning_rate: Step size at the end of the epoch.
        seconds: Time of the epoch.
    """

    epoch: int
    split: str
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float


LOG_NAME = "log.csv"
COLUMNS = tuple(field.name for field in fields(Record))


class Listener(Protocol):
    """Hears how a training goes."""

    def started(self, steps: int, done: int, history: list[Record]) -> None:
        """Is called once, with the number of all steps, and the steps and the log of an earlier run."""

    def stepped(self, epoch: int, loss: float, accuracy: float) -> None:
        """Is called after each step with the epoch's figures so far."""

    def ended_epoch(self, history: list[Record]) -> None:
        """Is called after each epoch with the whole log."""


class Silence:
    """A listener that says nothing; of several processes only the first speaks."""

    def started(self, steps: int, done: int, history: list[Record]) -> None:
        """Nothing."""

    def stepped(self, epoch: int, loss: float, accuracy: float) -> None:
        """Nothing."""

    def ended_epoch(self, history: list[Record]) -> None:
        """Nothing."""


class RunLog:
    """Writes `log.csv` and TensorBoard events into a folder and shows a bar on the standard error stream.

    Without a terminal the bar gives way to one line an epoch.
    """

    def __init__(self, folder: Path, epochs: int, console: Console) -> None:
        self.folder = folder
        self.epochs = epochs
        self.console = console
        self._writer = SummaryWriter(str(folder / "tensorboard"))
        self._written = 0
        self._started = time.monotonic()
        self._steps_here = 0
        self._steps_left = 0
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}  accuracy {task.fields[accuracy]:.2%}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
            refresh_per_second=4,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> RunLog:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()
        self._writer.close()

    def started(self, steps: int, done: int, history: list[Record]) -> None:
        """Shows the bar; what an earlier run has logged is logged already."""
        epoch = history[-1].epoch if history else 0
        if history:
            # That run may have been killed between its checkpoint and its log.
            self._write_table(history)
        self._written = len(history)
        self._steps_left = steps - done
        self._started = time.monotonic()
        self._task = self._progress.add_task(
            "train",
            total=steps,
            completed=done,
            epoch=min(epoch + 1, self.epochs),
            epochs=self.epochs,
            loss=0.0,
            accuracy=0.0,
        )

    def stepped(self, epoch: int, loss: float, accuracy: float) -> None:
        """Moves the bar."""
        self._steps_here += 1
        self._steps_left -= 1
        if self._task is not None:
            self._progress.update(self._task, advance=1, epoch=epoch, loss=loss, accuracy=accuracy)

    def ended_epoch(self, history: list[Record]) -> None:
        """Writes the log anew and tells the epoch's figures."""
        self._write_table(history)
        for record in history[self._written :]:
            self._writer.add_scalar(f"loss/{record.split}", record.loss, record.epoch)
            self._writer.add_scalar(f"accuracy/{record.split}", record.accuracy, record.epoch)
            self._writer.add_scalar("learning-rate", record.learning_rate, record.epoch)
        self._writer.flush()
        self._written = len(history)
        last = [record for record in history if record.epoch == history[-1].epoch]
        figures = "  ".join(f"{r.split}: loss {r.loss:.4f}, accuracy {r.accuracy:.2%}" for r in last)
        left = (time.monotonic() - self._started) / max(1, self._steps_here) * self._steps_left
        remaining = "" if self.console.is_terminal or not self._steps_left else f"  about {left / 60:.0f} min left"
        self.console.print(
            f"epoch {last[0].epoch}/{self.epochs}  {figures}{remaining}", highlight=False, soft_wrap=True
        )

    def _write_table(self, history: list[Record]) -> None:
        with atomic_write(self.folder / LOG_NAME) as temporary, temporary.open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows(astuple(record) for record in history)


def append_validation(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Adds an epoch's figures by source to the table of all epochs.

    Args:
        path: The table, as CSV.
        columns: What stands in each column; the first is the epoch.
        rows: The rows of one epoch.
    """
    old: list[list[str]] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            old = list(csv.reader(file))[1:]
    # A run that was resumed may validate an epoch a second time.
    old = [row for row in old if row and row[0].isdecimal() and int(row[0]) < rows[0][0]]
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *old, *rows])
