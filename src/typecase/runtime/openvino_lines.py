"""Runs a net that takes lines of any width, on the processor with OpenVINO."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from typecase.errors import ModelError
from typecase.preprocess import FloatArray, PixelArray
from typecase.runtime.onnx_file import OnnxFile
from typecase.runtime.openvino import LoadedNet, reason

SIZES = ((256, (4, 1)), (512, (2, 1)))
"""Up to which width how many lines go through the net at once; wider ones go alone.

More at once are no faster, and need memory for what the net computes in between.

OpenVINO prepares itself for every shape, which takes as long as a line or two, and keeps that: so shapes are few.
"""

SHAPES_KEPT = "1600"
"""Operations of about twenty shapes, which most lines have; see `openvino.SHAPES_KEPT`. Keeping all is no faster."""


def batch_sizes(lines: int, width: int) -> list[int]:
    """Into how many at once a number of lines of one width is divided.

    A batch may be larger than what is left for it: computing an empty line or two costs less than the same lines one
    by one.
    """
    sizes = next((sizes for most, sizes in SIZES if width <= most), (1,))
    batches: list[int] = []
    while lines > 0:
        size = next(size for size in sizes if 4 * lines >= 3 * size)
        batches.append(size)
        lines -= size
    return batches


@dataclass(frozen=True)
class _Batch:
    """Lines that go through the net at once: which of the caller's, as how many, and how wide, padding included."""

    request: Any
    lines: Sequence[int]
    size: int
    width: int


class Answers:
    """What a net is about to say to some lines."""

    def __init__(self, net: OpenVinoLineNet, count: int, batches: Sequence[_Batch]) -> None:
        """Holds what is under way for so many lines."""
        self._net, self._count, self._batches = net, count, batches

    def wait(self) -> list[FloatArray]:
        """Waits until the net is done; to be called once.

        Returns:
            For each line logits of shape [frames, 1 + classes]. A frame is a fixed number of pixels wide, which
            `OpenVinoLineNet.stride` tells; the last ones may lie on the paper that the line was padded with, where
            training asks nothing of them.

        Raises:
            ModelError: The net could not be run, or its answer has an impossible shape.
        """
        logits: list[FloatArray] = [np.empty((0, self._net.outputs), np.float32)] * self._count
        for batch in self._batches:
            answer = self._net.answer(batch)
            for line, one in zip(batch.lines, answer, strict=False):
                logits[line] = one
        return logits


class OpenVinoLineNet(LoadedNet):
    """A net that turns lines into logits for each of their frames.

    Safe to call from several threads, whose lines share the net's threads. Each of those computes a batch of its own,
    which was measured to be half as fast again as all of them on one.
    """

    def __init__(self, model: OnnxFile, threads: int | None = None, precision: str = "auto") -> None:
        """Loads a net; it is compiled when it is first called.

        Args:
            model: The checked file.
            threads: How many threads compute; None takes `default_threads`.
            precision: See `LoadedNet`.

        Raises:
            ModelError: The file is no recogniser of lines, OpenVINO cannot run it, or the net's input or output is
                not what its card says.
            UsageError: The number of threads or the precision is impossible.
        """
        super().__init__(model, threads, precision)
        self.preprocess = model.card.line_preprocess
        # One more than the classes: the blank of CTC comes first.
        self.outputs = len(model.card.classes) + 1
        self._compiled: Any = None
        # Requests that nobody waits for; each holds the memory of the largest answer that it gave.
        self._idle: list[Any] = []
        self._check_ends((self.preprocess.channels, self.preprocess.height, None), (None, self.outputs))

    def __call__(self, canvases: Sequence[PixelArray]) -> list[FloatArray]:
        """Runs the net.

        Args:
            canvases: Lines as `LinePreprocess.canvas` gives them, each of shape [height, width].

        Returns:
            For each line logits; see `Answers`.

        Raises:
            ModelError: OpenVINO cannot run the net, or its answer has an impossible shape.
        """
        return self.begin(canvases).wait()

    def begin(self, canvases: Sequence[PixelArray]) -> Answers:
        """Starts to run the net, and leaves the caller free until the answers are needed.

        Every batch is under way at once, with memory of its own: so not too many lines at a time.

        Args:
            canvases: See `__call__`.

        Raises:
            ModelError: OpenVINO cannot run the net.
        """
        buckets: dict[int, list[int]] = {}
        for index, canvas in enumerate(canvases):
            # The width depends on the line alone, so that its neighbours cannot change what is read in it.
            buckets.setdefault(self.preprocess.padded_width(canvas.shape[1]), []).append(index)
        batches: list[tuple[int, int, list[int]]] = []
        # The widest first, so that no thread is left alone with a long one at the end.
        for width in sorted(buckets, reverse=True):
            left = buckets[width]
            for size in batch_sizes(len(left), width):
                batches.append((width, size, left[:size]))
                left = left[size:]
        started = []
        for width, size, lines in batches:
            request = self._request()
            with self._told():
                request.start_async([self._batch([canvases[one] for one in lines], size, width)])
            started.append(_Batch(request, lines, size, width))
        return Answers(self, len(canvases), started)

    def answer(self, batch: _Batch) -> FloatArray:
        """Waits for a batch; its request is free for another then."""
        with self._told():
            batch.request.wait()
            # The request's own memory is used again.
            answer: FloatArray = batch.request.get_output_tensor().data.copy()
        with self._lock:
            self._idle.append(batch.request)
        if answer.ndim != 3 or answer.shape[0] != batch.size or answer.shape[2] != self.outputs:
            raise ModelError(
                f"{self._where} answers {batch.size} lines with an array of {list(answer.shape)}; "
                "export it again with a free batch size and width."
            )
        if not answer.shape[1] or batch.width % answer.shape[1]:
            raise ModelError(
                f"{self._where} gives {answer.shape[1]} frames for a line of {batch.width} pixels, which is no whole "
                "number of pixels each; export it again."
            )
        if not np.isfinite(answer).all():
            raise ModelError(
                f"{self._where} gives answers that are not numbers; its weights are damaged: fetch it again."
            )
        return answer

    def prepare(self) -> None:
        """Compiles the net, which its first call would do; for a thread that has nothing better to do.

        Raises:
            ModelError: OpenVINO cannot run the net.
        """
        with self._lock:
            self._compile()

    def stride(self, width: int, frames: int) -> int:
        """How many pixels each frame stands for, where a line of some width was answered with some frames."""
        return self.preprocess.padded_width(width) // frames

    def _batch(self, canvases: Sequence[PixelArray], size: int, width: int) -> FloatArray:
        empty = np.empty((self.preprocess.height, 0), np.uint8)
        return self.preprocess.padded([*canvases, *[empty] * (size - len(canvases))], width)

    def _request(self) -> Any:
        """What computes one batch at a time."""
        with self._lock:
            compiled = self._compile()
            return self._idle.pop() if self._idle else compiled.create_infer_request()

    def _compile(self) -> Any:
        """What answers; made at the first call."""
        if self._compiled is None:
            with self._told():
                # One graph for every shape: it answers as fast as one compiled for a single shape, and a new shape
                # costs it a hundredth of a second.
                self._compiled = self._compiled_for(
                    "THROUGHPUT", kept=True, NUM_STREAMS=self.threads, CPU_RUNTIME_CACHE_CAPACITY=SHAPES_KEPT
                )
        return self._compiled

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Says in the words of this program what OpenVINO cannot do."""
        try:
            yield
        except RuntimeError as error:
            raise ModelError(
                f"{self._where} cannot be run by OpenVINO ({reason(error)}); "
                "export it again with a free batch size and width."
            ) from error
