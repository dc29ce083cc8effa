"""What reading pages costs: seconds, memory, and how memory grows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from peers.page_readers import PageReader
from peers.page_sets import TruePage
from predict_time import forget_files, installation, timed
from typecase.errors import InputError, UsageError

_PEAK = Path(__file__).with_name("peak_memory.py")
_GROWTH = Path(__file__).with_name("ours_pages.py")
_EVERY = 100


def speeds(readers: Mapping[str, PageReader], pages: Sequence[TruePage], rounds: int) -> dict[str, list[float]]:
    """Seconds a page, each reader in turn, so that what else the machine does befalls all alike."""
    pictures = [page.picture for page in pages]
    found: dict[str, list[float]] = {name: [] for name in readers}
    for number in range(rounds):
        for name, reader in readers.items():
            print(f"speed, round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            found[name].append(reader.seconds(pictures) / len(pictures))
    return found


def whole_process(reader: PageReader, page: TruePage, rounds: int, *, cold: bool) -> list[float]:
    """Seconds of a process that reads one page, from its start to its end.

    Args:
        reader: Whose.
        page: The page.
        rounds: How often.
        cold: Whether its files are thrown out of the system's cache each time, as far as the system lets go of them.
    """
    command, given = reader.command(page.picture)
    if given:
        raise UsageError(f"{reader.name} has no command of its own whose time could be measured.")
    found = []
    for _ in range(rounds):
        if cold:
            forget_files(installation(command))
        found.append(timed(command)[0])
    return found


def peak_memory(reader: PageReader, page: TruePage) -> int:
    """The most memory that a process holds which reads one page and ends, in bytes."""
    command, given = reader.command(page.picture)
    done = subprocess.run(
        [sys.executable, str(_PEAK), *command], input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise InputError(f"{reader.name} failed: {told[-1] if told else f'exit code {done.returncode}'}.")
    return int(done.stdout.split()[-1])


def growth(pages: Sequence[TruePage], count: int, threads: int) -> list[tuple[int, int]]:
    """The memory of one process of ours that reads many pages: pairs of pages read and bytes held."""
    command = [sys.executable, str(_GROWTH), str(count), str(min(_EVERY, count)), str(threads)]
    command += [str(page.picture.path.resolve()) for page in pages]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise InputError(f"Reading {count} pages in one process failed with code {done.returncode}.")
    rows = [line.split() for line in done.stdout.splitlines()]
    return [(int(number), int(held)) for number, held in rows]
