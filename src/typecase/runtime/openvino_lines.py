"""Runs a net that takes lines of any width, on the processor with OpenVINO."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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

SHAPES_KEPT = "4000"
"""As many operations as all these shapes have, and some to spare; see `openvino.SHAPES_KEPT`."""


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


class OpenVinoLineNet(LoadedNet):
    """A net that turns lines into logits for each of their frames.

    Safe to call from several threads: one caller's lines are computed at a time, with all the net's threads. Each
    thread computes a batch of its own, which was measured to be half as fast again as all of them on one.
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
        self._queue: Any = None
        self._check_ends((self.preprocess.channels, self.preprocess.height, None), (None, self.outputs))

    def __call__(self, canvases: Sequence[PixelArray]) -> list[FloatArray]:
        """Runs the net.

        Args:
            canvases: Lines as `LinePreprocess.canvas` gives them, each of shape [height, width].

        Returns:
            For each line logits of shape [frames, 1 + classes]. A frame is a fixed number of pixels wide, which
            `stride` tells; the last ones may lie on the paper that the line was padded with, where training asks
            nothing of them.

        Raises:
            ModelError: OpenVINO cannot run the net, or its answer has an impossible shape.
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
        logits: list[FloatArray] = [np.empty((0, self.outputs), np.float32)] * len(canvases)
        with self._lock:
            answers = self._run(
                [self._batch([canvases[one] for one in lines], size, width) for width, size, lines in batches]
            )
        for (width, size, lines), answer in zip(batches, answers, strict=True):
            if answer.ndim != 3 or answer.shape[0] != size or answer.shape[2] != self.outputs:
                raise ModelError(
                    f"{self._where} answers {size} lines with an array of {list(answer.shape)}; "
                    "export it again with a free batch size and width."
                )
            if not answer.shape[1] or width % answer.shape[1]:
                raise ModelError(
                    f"{self._where} gives {answer.shape[1]} frames for a line of {width} pixels, which is no whole "
                    "number of pixels each; export it again."
                )
            if not np.isfinite(answer).all():
                raise ModelError(
                    f"{self._where} gives answers that are not numbers; its weights are damaged: fetch it again."
                )
            for line, one in zip(lines, answer[: len(lines)], strict=True):
                logits[line] = one
        return logits

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

    def _run(self, inputs: Sequence[FloatArray]) -> list[FloatArray]:
        answers: list[FloatArray] = [np.empty(0, np.float32)] * len(inputs)

        def keep(request: Any, index: int) -> None:
            # The request's own memory is used again for the next batch.
            answers[index] = request.get_output_tensor().data.copy()

        queue = self._compile()
        with self._told():
            queue.set_callback(keep)
            for index, batch in enumerate(inputs):
                queue.start_async(batch, index)
            queue.wait_all()
        return answers

    def _compile(self) -> Any:
        """What answers; made at the first call."""
        if self._queue is None:
            with self._told():
                # One graph for every shape: it answers as fast as one compiled for a single shape, and a new shape
                # costs it a hundredth of a second.
                compiled = self._compiled_for(
                    "THROUGHPUT", kept=True, NUM_STREAMS=self.threads, CPU_RUNTIME_CACHE_CAPACITY=SHAPES_KEPT
                )
                self._queue = self._openvino.AsyncInferQueue(compiled, self.threads)
        return self._queue

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
