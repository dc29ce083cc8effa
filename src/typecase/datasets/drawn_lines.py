"""Lines that are drawn while a net trains on them, by processes of their own, block by block.

A block is a fixed run of a workshop's lines, decoded as real lines are and kept in the cache: the same settings give
the same blocks, so that a training that goes on sees what it would have seen.
"""

from __future__ import annotations

import functools
import hashlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from typecase.datasets.lines import LineSample
from typecase.datasets.packed import PackedLines
from typecase.errors import DataError, TypecaseError
from typecase.preprocess import LinePreprocess
from typecase.synthesis.fonts import FontCollection
from typecase.synthesis.line_domains import MIXTURE, LineWorkshop
from typecase.synthesis.text import open_texts

BLOCK = 1000
"""Lines of a block."""


# Part of every block's name; a change in how lines are drawn must not meet blocks from before it.
_VERSION = 1
_PATIENCE = 1800


@dataclass(frozen=True)
class LineOrder:
    """What decides every line of an endless row of them.

    Attributes:
        fonts: Folder or archive of font families.
        texts: Files or folders of sentences.
        characters: Which characters may be drawn.
        domains: Weight of each domain; empty is the usual mix.
        seed: Decides the rest.
        held_back: Draw with the families and sentences that no training sees.
    """

    fonts: Path
    texts: Path | None
    characters: str
    domains: Mapping[str, float]
    seed: int
    held_back: bool = False

    def workshop(self) -> LineWorkshop:
        """Opens fonts and texts.

        Raises:
            DataError: They cannot be used.
        """
        fonts = FontCollection.open(self.fonts)
        return LineWorkshop(
            fonts.held_back_families() if self.held_back else fonts.training_families(),
            open_texts(self.texts) if self.texts is not None else (),
            charset=self.characters,
            domains=self.domains or MIXTURE,
            seed=self.seed,
            part="held-back" if self.held_back else "train",
        )


class DrawnLines:
    """Blocks of drawn lines.

    Use it as a context: on leaving, the processes end.

    Attributes:
        order: What is drawn.
        identity: Hash of all that the lines follow from.
    """

    def __init__(self, order: LineOrder, preprocess: LinePreprocess, *, processes: int = 1) -> None:
        """Checks that the order can be carried out.

        Args:
            order: What to draw.
            preprocess: How a line is brought to the net's height.
            processes: How many draw; 0 draws in this process, when a block is asked for.

        Raises:
            DataError: Fonts or texts cannot be used.
        """
        self.order = order
        self._preprocess = preprocess
        # The one that `block` draws with: opening fonts and texts takes seconds.
        self.identity = _identity(order, _workshop(_Hashable(order)))
        self._key = f"drawn-{self.identity}"
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._coming: dict[int, Future[None]] = {}
        self._rank, self._sharers = 0, 1

    def share(self, rank: int, sharers: int) -> None:
        """Divides the drawing among processes that all want every block: this one draws every so many-th.

        Args:
            rank: Number of this process, from 0.
            sharers: How many there are.
        """
        self._rank, self._sharers = rank, sharers

    def __enter__(self) -> DrawnLines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes; what they have not begun is left."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._coming.clear()

    def prepare(self, blocks: Sequence[int]) -> None:
        """Has blocks drawn in the background."""
        if not self._processes:
            return
        if self._pool is None:
            # A fresh interpreter: one that was forked from a process with threads at work may hang.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self._processes, context, initializer=_open, initargs=(self.order, self._preprocess, self._key)
            )
        for block in blocks:
            if block not in self._coming and block % self._sharers == self._rank:
                self._coming[block] = self._pool.submit(_draw, block)

    def block(self, number: int) -> PackedLines:
        """Gives a block, waiting for it if need be.

        Raises:
            DataError: It cannot be drawn.
            OutputError: The cache cannot be written.
        """
        if number % self._sharers != self._rank:
            return self._awaited(number)
        coming = self._coming.pop(number, None)
        if coming is not None:
            try:
                coming.result()
            except TypecaseError:
                raise
            except Exception as error:
                raise DataError(
                    f"A process that draws lines ended ({type(error).__name__}: {error}); give it more memory, "
                    "or draw with fewer processes."
                ) from error
        return _packed(self.order, self._preprocess, self._key, number)

    def drop(self, blocks: Iterable[int]) -> None:
        """Removes blocks from the cache, which millions of lines would fill."""
        for number in blocks:
            if number % self._sharers == self._rank:
                PackedLines.drop(_block_key(self._key, number), self._preprocess)

    def _awaited(self, number: int) -> PackedLines:
        """A block that another process draws."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            found = PackedLines.cached(_block_key(self._key, number), self._preprocess)
            if found is not None:
                return found
            time.sleep(0.1)
        raise DataError(
            f"Another process of this training has not drawn its lines within {_PATIENCE // 60} minutes; see what it "
            "says, or train with one device."
        )


def _identity(order: LineOrder, workshop: LineWorkshop) -> str:
    texts = [] if order.texts is None else [[file.language, list(file.lines)] for file in open_texts(order.texts)]
    domains = sorted((order.domains or MIXTURE).items())
    facts = [_VERSION, workshop.fonts.identity, texts, order.characters, domains, order.seed, order.held_back, BLOCK]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=True).encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=2)
def _workshop(order: _Hashable) -> LineWorkshop:
    return order.order.workshop()


class _Hashable:
    """An order as a key: it holds a mapping, which has no hash."""

    def __init__(self, order: LineOrder) -> None:
        self.order = order
        self._facts = (
            order.fonts,
            order.texts,
            order.characters,
            tuple(sorted(order.domains.items())),
            order.seed,
            order.held_back,
        )

    def __hash__(self) -> int:
        return hash(self._facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashable) and self._facts == other._facts


def _samples(order: LineOrder, number: int) -> Iterator[LineSample]:
    workshop = _workshop(_Hashable(order))
    for index in range(number * BLOCK, (number + 1) * BLOCK):
        line = workshop.draw(index)
        yield LineSample(str(index), line.text, functools.partial(_same, line.image))


def _same(thing: Image.Image) -> Image.Image:
    return thing


def _block_key(key: str, number: int) -> str:
    # Each block is a source of its own, or the cache would take one for a newer state of another.
    return f"{key}-{number}:1"


def _packed(order: LineOrder, preprocess: LinePreprocess, key: str, number: int) -> PackedLines:
    return PackedLines.build(_block_key(key, number), _samples(order, number), preprocess)


_task: tuple[LineOrder, LinePreprocess, str] | None = None


def _open(order: LineOrder, preprocess: LinePreprocess, key: str) -> None:
    global _task
    _task = (order, preprocess, key)
    # Ctrl-C goes to every process of a terminal; the one that trains ends this one, after its checkpoint.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The net goes first.
    if hasattr(os, "nice"):
        os.nice(5)
    import cv2

    cv2.setNumThreads(1)


def _draw(number: int) -> None:
    assert _task is not None
    _packed(*_task, number)
