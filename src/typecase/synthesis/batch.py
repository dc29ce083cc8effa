"""Draws many characters in several processes.

A module of its own and free of torch, so that a new process starts in a fraction of a second.
"""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import groupby

import cv2
import numpy as np
import numpy.typing as npt

from typecase.cores import usable_cores
from typecase.preprocess import CharacterPreprocess
from typecase.synthesis.fonts import Face, Font
from typecase.synthesis.looks import FACE_SIZE, DrawnCharacter, Look, draw_hand, draw_photo, draw_print
from typecase.synthesis.strokes import Handwriting

logger = logging.getLogger(__name__)

# Fewer pictures than this are drawn sooner than a second process has started.
_WORTH_A_PROCESS = 2000
_PICTURES_A_TASK = 1000


@dataclass(frozen=True, slots=True)
class Order:
    """One picture to draw.

    Attributes:
        index: Its number; with the seed it decides all chance in the picture, whoever draws it and when.
        character: What to draw.
        look: How.
        font: Number of the font, or -1 for handwriting.
        form: Number of the form of handwriting, or -1 for a font.
    """

    index: int
    character: str
    look: Look
    font: int = -1
    form: int = -1


@dataclass(frozen=True)
class Workshop:
    """What is needed to draw orders; sent once to each process.

    Attributes:
        fonts: What orders refer to by number.
        forms: What orders refer to by number.
        preprocess: The way from a picture to the net's canvas.
        seed: Decides everything, together with each order.
    """

    fonts: Sequence[Font]
    forms: Sequence[Handwriting]
    preprocess: CharacterPreprocess
    seed: int

    def draw(self, order: Order, face: Face | None) -> DrawnCharacter:
        """Draws one order; the face is that of its font."""
        generator = np.random.default_rng((self.seed, order.index))
        channels = self.preprocess.channels
        if face is None:
            return draw_hand(self.forms[order.form].strokes, order.character, generator, channels=channels)
        if order.look is Look.HAND:
            return draw_hand(face, order.character, generator, channels=channels)
        function = draw_print if order.look is Look.PRINT else draw_photo
        return function(face, order.character, generator, channels=channels)

    def draw_canvases(self, orders: Sequence[Order]) -> npt.NDArray[np.uint8]:
        """Draws orders, those of one font best side by side.

        Returns:
            Canvases of the preprocessing, uint8 of shape [orders, channels, size, size].
        """
        size, channels = self.preprocess.size, self.preprocess.channels
        canvases = np.empty((len(orders), channels, size, size), np.uint8)
        done = 0
        for number, group in groupby(orders, key=lambda order: order.font):
            face = Face(self.fonts[number], FACE_SIZE) if number >= 0 else None
            for order in group:
                canvases[done] = self.preprocess.canvas(self.draw(order, face).image)
                done += 1
        return canvases


def draw_orders(
    workshop: Workshop, orders: Sequence[Order], *, workers: int | None = None
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
    """Draws orders with several processes; the same pictures come whatever their number.

    Args:
        workshop: Fonts, forms, preprocessing and seed.
        orders: What to draw, in any order.
        workers: Processes; None takes one for each core that this process may use.

    Yields:
        Indices [n] and canvases [n, channels, size, size], in parts, in no fixed order.

    Raises:
        DataError: A font has been damaged or removed meanwhile.
    """
    ordered = sorted(orders, key=lambda order: (order.font, order.form, order.index))
    tasks = [ordered[start : start + _PICTURES_A_TASK] for start in range(0, len(ordered), _PICTURES_A_TASK)]
    count = min(workers if workers is not None else usable_cores(), len(tasks))
    if count > 1 and len(ordered) >= _WORTH_A_PROCESS:
        # Not forked: torch and OpenCV hold threads that a fork would leave hanging.
        context = multiprocessing.get_context("spawn")
        pending = dict(enumerate(tasks))
        try:
            with ProcessPoolExecutor(count, context, initializer=_start, initargs=(workshop,)) as pool:
                futures = {pool.submit(_draw_task, task): number for number, task in pending.items()}
                for future in as_completed(futures):
                    canvases = future.result()
                    yield _indices(pending.pop(futures.pop(future))), canvases
            return
        except BrokenProcessPool:
            # A script without the usual `if __name__ == "__main__"` cannot start processes; it need not fail for that.
            logger.warning("Processes to draw in could not be started or were ended; drawing in this one, more slowly.")
        tasks = list(pending.values())
    for task in tasks:
        yield _indices(task), workshop.draw_canvases(task)


def _indices(orders: Sequence[Order]) -> npt.NDArray[np.int64]:
    return np.array([order.index for order in orders], np.int64)


_workshop: Workshop | None = None


def _start(workshop: Workshop) -> None:
    global _workshop
    _workshop = workshop
    # One thread for each process, or they fight for the cores.
    cv2.setNumThreads(1)


def _draw_task(orders: Sequence[Order]) -> npt.NDArray[np.uint8]:
    assert _workshop is not None, "the pool's initializer has run"
    return _workshop.draw_canvases(orders)
