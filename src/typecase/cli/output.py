"""Where the command's words go: results to standard output, everything else to standard error.

Verbs print results through `print_result`, messages and progress through `messages()` and `progress()`, and log through
`logging.getLogger("typecase...")`. So `typecase predict ... --json | jq` never meets a stray line.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typecase.errors import OutputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_LOGGER = logging.getLogger("typecase")
_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}

_verbosity = 0


def set_verbosity(level: int) -> None:
    """Sets how much is said: -1 errors only, 0 warnings and progress, 1 what is being done, 2 and more everything."""
    global _verbosity
    _verbosity = max(-1, level)
    if not any(isinstance(handler, _StandardError) for handler in _LOGGER.handlers):
        _LOGGER.addHandler(_StandardError())
        _LOGGER.propagate = False
        logging.captureWarnings(True)
        logging.getLogger("py.warnings").addHandler(_StandardError())
    _LOGGER.setLevel(_LEVELS.get(_verbosity, logging.DEBUG))


def check_free(path: Path, overwrite: bool) -> None:
    """Refuses, before any work is done, to write a file that is there already.

    Args:
        path: The file that `--out` names.
        overwrite: Whether `--overwrite` was given.

    Raises:
        OutputError: It is there, and may not be replaced.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path} is there already; name another file with --out, or use --overwrite.")


def verbosity() -> int:
    """How much is said; see `set_verbosity`."""
    return _verbosity


def print_result(text: str) -> None:
    """Prints a result to standard output, as plain text whatever it holds."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def print_json(value: Any) -> None:
    """Prints a result to standard output as indented JSON."""
    print_result(json.dumps(value, ensure_ascii=False, indent=2))


def results() -> Console:
    """A console on standard output, for tables; without colour where that is no terminal or NO_COLOR is set."""
    from rich.console import Console

    return Console(highlight=False, markup=False)


def messages() -> Console:
    """A console on standard error; it says nothing with -q."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, quiet=_verbosity < 0)


def progress() -> Progress:
    """A progress bar on standard error with count and time left; none with -q or where that is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = messages()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or console.quiet,
    )


class _StandardError(logging.Handler):
    """Writes to the standard error of the moment, which tests and progress bars exchange."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except Exception:
            self.handleError(record)
