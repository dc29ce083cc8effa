"""Tasks for the tests of workers; in a module of their own, for another process imports it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from typecase.errors import InputError
from typecase.serve.worker import Models


def add(models: Models, one: int, other: int) -> int:
    return one + other


def refuse(models: Models) -> None:
    raise InputError("This cannot be read; send another one.")


def fail(models: Models) -> None:
    raise ZeroDivisionError("a bug")


def die(models: Models) -> None:
    os._exit(3)


def sleep(models: Models, seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def note(models: Models, path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def threads(models: Models) -> tuple[int, int]:
    return models.reader.recognizer._net.threads, models.classifier._net.threads
