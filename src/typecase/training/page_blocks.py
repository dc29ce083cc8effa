"""Windows of pages for training, cut by processes of their own, block by block.

A block is a fixed run of windows: the same settings give the same blocks, so that a training that goes on sees what it
would have seen. Drawing and decoding a page is dear, so several windows are cut out of each.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from typecase.charset import LATIN_CHARACTERS
from typecase.datasets.pages import PageSample, SroiePages, drawn_sample
from typecase.errors import DataError, TypecaseError
from typecase.preprocess import FloatArray, PixelArray
from typecase.synthesis.draws import Choice
from typecase.training.page_windows import window
from typecase.training.settings import PageDataSettings, TrainDetectorSettings

BLOCK = 48
"""Windows of a block."""

PER_PAGE = 6
"""Windows that are cut out of one page."""

VALIDATION_DRAWN = 24
"""Drawn pages, with typefaces and sentences that no training sees, that each source of them validates with."""

_VALIDATION_SHARE = 10


@dataclass(frozen=True)
class Windows:
    """Windows with what the net should answer.

    Attributes:
        pixels: Bytes, [n, side, side].
        maps: Target maps, [n, 8, side / 4, side / 4], in half precision.
    """

    pixels: PixelArray
    maps: FloatArray


class PageSource:
    """Pages of one source, by number."""

    def __init__(self, data: PageDataSettings, seed: int, *, held_back: bool = False) -> None:
        """Opens a source.

        Args:
            data: What it is.
            seed: Decides what is drawn.
            held_back: Take the pages that are kept apart to validate with.

        Raises:
            DataError: It cannot be used.
        """
        self._workshop = None
        self._pages: list[PageSample] = []
        self.identity = ""
        if data.kind == "sroie":
            source = SroiePages(data.path)
            self._pages = [page for number, page in enumerate(source) if (number % _VALIDATION_SHARE == 0) == held_back]
            self.identity = source.identity
            if not self._pages:
                raise DataError(f"{data.path} holds too few receipts; give ten at least.")
            return
        from typecase.synthesis.fonts import FontCollection
        from typecase.synthesis.page import PageWorkshop
        from typecase.synthesis.page_layouts import LAYOUT_MIXTURE
        from typecase.synthesis.text import open_texts

        if data.texts is None:
            raise DataError(f"Pages need sentences to be drawn; name them (--texts) for {data.path}.")
        fonts = FontCollection.open(data.path)
        self._workshop = PageWorkshop(
            fonts.held_back_families() if held_back else fonts.training_families(),
            open_texts(data.texts),
            charset=LATIN_CHARACTERS,
            seed=seed,
            part="held-back" if held_back else "train",
            layouts=data.layouts or LAYOUT_MIXTURE,
        )
        self.identity = f"drawn {fonts.identity}"

    def page(self, index: int) -> PageSample:
        """Gives a page; real ones come again and again."""
        if self._workshop is not None:
            return drawn_sample(self._workshop.draw(index), str(index))
        return self._pages[index % len(self._pages)]

    @property
    def size(self) -> int | None:
        """Number of pages; None when there is no end of them."""
        return None if self._workshop is not None else len(self._pages)


class PageBlocks:
    """Blocks of windows, cut by other processes. Use it as a context: on leaving, the processes end."""

    def __init__(self, settings: TrainDetectorSettings, *, processes: int = 1) -> None:
        """Says what is to be cut.

        Args:
            settings: Sources, windows and variations.
            processes: How many cut; 0 cuts in this process.
        """
        self._settings = settings
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._coming: dict[int, Future[None]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="typecase-pages-", ignore_cleanup_errors=True)

    def __enter__(self) -> PageBlocks:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._folder.cleanup()

    def prepare(self, blocks: Sequence[int]) -> None:
        """Has blocks cut in the background."""
        if not self._processes:
            return
        if self._pool is None:
            # A fresh interpreter: one that was forked from a process with threads at work may hang.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, context, initializer=_open, initargs=(self._settings,))
        for block in blocks:
            if block not in self._coming:
                self._coming[block] = self._pool.submit(_cut, block, self._path(block))

    def block(self, number: int) -> Windows:
        """Gives a block, waiting for it if need be; it is forgotten with that.

        Raises:
            DataError: It cannot be cut.
        """
        coming = self._coming.pop(number, None)
        path = self._path(number)
        if coming is None:
            return _windows(self._settings, _sources(self._settings), number)
        try:
            coming.result()
        except TypecaseError:
            raise
        except Exception as error:
            raise DataError(
                f"A process that draws pages ended ({type(error).__name__}: {error}); give it more memory, "
                "or draw with fewer processes."
            ) from error
        with np.load(path) as arrays:
            windows = Windows(arrays["pixels"], arrays["maps"])
        path.unlink()
        return windows

    def _path(self, block: int) -> Path:
        return Path(self._folder.name) / f"{block}.npz"


def _sources(settings: TrainDetectorSettings) -> dict[str, PageSource]:
    return {
        name: PageSource(data, settings.loop.seed + number) for number, (name, data) in enumerate(settings.data.items())
    }


def _windows(settings: TrainDetectorSettings, sources: dict[str, PageSource], number: int) -> Windows:
    generator = np.random.default_rng((settings.loop.seed, number, 11))
    choice = Choice({name: data.weight for name, data in settings.data.items()})
    pairs = []
    for place in range(BLOCK // PER_PAGE):
        name = choice.draw(generator)
        source = sources[name]
        # Real pages in an order by chance, drawn ones each once.
        index = int(generator.integers(1 << 30)) if source.size else number * (BLOCK // PER_PAGE) + place
        sample = source.page(index)
        grey = sample.load()
        pairs += [window(grey, sample, settings.window, settings.augmentation, generator) for _ in range(PER_PAGE)]
    order = generator.permutation(len(pairs))
    return Windows(
        np.stack([pairs[index][0] for index in order]),
        np.stack([pairs[index][1] for index in order]).astype(np.float16),
    )


def validation_pages(settings: TrainDetectorSettings) -> Iterable[tuple[str, PageSample]]:
    """The pages that each source keeps apart to validate with, with the source's name."""
    for number, (name, data) in enumerate(settings.data.items()):
        if not data.validate_with:
            continue
        source = PageSource(data, settings.loop.seed + number, held_back=True)
        for index in range(source.size if source.size is not None else VALIDATION_DRAWN):
            yield name, source.page(index)


_task: tuple[TrainDetectorSettings, dict[str, PageSource]] | None = None


def _open(settings: TrainDetectorSettings) -> None:
    global _task
    # Ctrl-C goes to every process of a terminal; the one that trains ends this one, after its checkpoint.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The net goes first.
    if hasattr(os, "nice"):
        os.nice(5)
    cv2.setNumThreads(1)
    _task = (settings, _sources(settings))


def _cut(number: int, path: Path) -> None:
    assert _task is not None
    windows = _windows(*_task, number)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, pixels=windows.pixels, maps=windows.maps)
    partial.replace(path)
