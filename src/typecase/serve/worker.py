"""A process that reads: opens its models once, then does one task after another, in one thread.

The service talks to it over a pipe. A picture that makes a decoder crash, or that takes for ever, so takes down
nothing but this process, and another is started.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typecase import errors
from typecase.errors import InputError, TypecaseError

if TYPE_CHECKING:
    from typecase.classifier import Classifier
    from typecase.reader import Reader

_ERRORS: dict[str, type[TypecaseError]] = {
    kind.__name__: kind
    for kind in (
        errors.UsageError,
        errors.InputError,
        errors.PasswordError,
        errors.TooLargeError,
        errors.ModelError,
        errors.OutputError,
        errors.DataError,
        errors.NetworkError,
    )
}

# After SIGTERM a worker is given so long before it is killed; it keeps nothing that could be lost.
_PATIENCE = 2.0


@dataclass(frozen=True)
class Opening:
    """What a worker opens.

    Attributes:
        language: Codes of languages that must be readable; None asks for none.
        model: A recogniser of one's own; None takes the shipped one.
        max_pixels: The most pixels of a picture.
    """

    language: str | None = None
    model: Path | None = None
    max_pixels: int = 100_000_000


class Models:
    """What a worker's tasks work with.

    Attributes:
        reader: Reads text.
        classifier: Tells single characters.
        max_pixels: The most pixels of a picture.
    """

    def __init__(self, opening: Opening) -> None:
        from typecase.classifier import Classifier
        from typecase.cli.picture_arguments import pixel_limit
        from typecase.reader import Reader

        # Pillow's own limit is this process's too, and its warnings would be read by nobody.
        self.max_pixels = pixel_limit(opening.max_pixels)
        self.reader: Reader = Reader(opening.language, threads=1, model=opening.model)
        self.classifier: Classifier = Classifier(threads=1)
        # Now, so that the first page need not wait for it.
        _ = self.reader.page_reader


Task = Callable[..., Any]
"""A function of a module that takes `Models` and further arguments, all of which can be pickled, and so its answer."""


class WorkerDied(Exception):
    """The process ended while it was at work."""


class WorkerTooSlow(Exception):
    """The process had not finished in time, and was ended."""


class Worker:
    """A running process, as the service sees it; used by one thread at a time."""

    def __init__(self, opening: Opening) -> None:
        """Starts the process; it is ready some seconds later, see `wait_until_ready`."""
        # Forked processes would inherit the service's threads, locks and connections.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, opening), name="typecase-worker", daemon=True)
        self._ending = threading.Lock()
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return self._process.pid

    def wait_until_ready(self, seconds: float) -> None:
        """Waits until the models are open.

        Raises:
            TypecaseError: They cannot be opened.
            WorkerDied: The process ended.
            WorkerTooSlow: It takes too long.
        """
        self._answer(seconds)

    def do(self, task: Task, arguments: tuple[Any, ...], seconds: float) -> Any:
        """Lets the process do a task, and waits for its answer.

        Raises:
            TypecaseError: What the task raised.
            RuntimeError: The task failed by a bug; the text is its traceback.
            WorkerDied: The process ended.
            WorkerTooSlow: It took longer than `seconds`, and was ended.
        """
        try:
            self._connection.send((task, arguments))
        except OSError:
            self.end()
            raise WorkerDied from None
        return self._answer(seconds)

    def end(self) -> None:
        """Ends the process, whatever it is doing; a thread that waits for its answer is told that it died."""
        with self._ending:
            if self._process.is_alive():
                self._process.terminate()
                self._process.join(_PATIENCE)
            if self._process.is_alive():
                self._process.kill()
            self._process.join()

    def _answer(self, seconds: float) -> Any:
        try:
            if not self._connection.poll(seconds):
                self.end()
                raise WorkerTooSlow
            kind, value = self._connection.recv()
        except (EOFError, OSError):
            self.end()
            raise WorkerDied from None
        if kind == "answer":
            return value
        if kind == "bug":
            raise RuntimeError(value)
        raise _ERRORS.get(kind, TypecaseError)(value)


def _work(connection: Connection, opening: Opening) -> None:
    # Ctrl-C in a terminal reaches the whole group; the service decides what is finished before the end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ["OMP_NUM_THREADS"] = "1"
    with connection:
        models: Models | None = None

        def opened() -> None:
            nonlocal models
            models = Models(opening)

        if _said(connection, opened) and models is not None:
            _serve(connection, models)


def _serve(connection: Connection, models: Models) -> None:
    while True:
        try:
            task, arguments = connection.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            # The service has ended.
            return
        if not _said(connection, lambda: task(models, *arguments)):  # noqa: B023 (called at once)
            return


def _said(connection: Connection, action: Callable[[], Any]) -> bool:
    """Does something and tells how it went; whether it could be told."""
    try:
        answer: tuple[str, Any] = ("answer", action())
    except TypecaseError as error:
        kind = next((cls.__name__ for cls in type(error).__mro__ if cls.__name__ in _ERRORS), "TypecaseError")
        answer = (kind, str(error))
    except MemoryError:
        answer = (InputError.__name__, "This does not fit in memory; send a smaller picture.")
    except Exception:
        answer = ("bug", traceback.format_exc())
    try:
        connection.send(answer)
    except OSError:
        return False
    return True
