"""Runs a net on the processor with OpenVINO.

Importing openvino as it is delivered sends a message to its makers and writes into the user's home folder: its
converter tells openvino-telemetry of every import. The converter is not needed to run a model, so it is kept out:
nothing is sent, nothing is written, and the import takes less than half the time.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from typecase.cores import usable_cores
from typecase.errors import ModelError, UsageError
from typecase.preprocess import FloatArray
from typecase.runtime.compiled import compiled_net, name_of
from typecase.runtime.onnx_file import OnnxFile

BATCHES = (1, 8, 64)
"""The numbers of pictures that a net is compiled for: OpenVINO compiles anew for every shape, so there are few."""

SHAPES_KEPT = "500"
"""How many prepared operations a net keeps for shapes that it has seen, of which each shape takes about fifty: two
megabytes and, for a page, a hundredth of a second.

Left to itself OpenVINO keeps 5,000, and memory grows with every page of a new size.
"""

_CONVERTER = "openvino.tools.ovc"
_IMPORTING = threading.Lock()


def default_threads() -> int:
    """How many threads a net runs with unless told: the processors this process may use, at most four."""
    return min(4, usable_cores())


def import_openvino() -> Any:
    """Imports openvino without its converter, hence without its telemetry.

    A program that also wants `openvino.convert_model` imports openvino itself, before this is called.
    """
    with _IMPORTING:
        loaded = sys.modules.get("openvino")
        if loaded is not None:
            return loaded
        # The package expects that its converter may be absent, and None there makes its import fail.
        absent = _CONVERTER not in sys.modules
        if absent:
            sys.modules[_CONVERTER] = None  # type: ignore[assignment]
        try:
            return importlib.import_module("openvino")
        finally:
            if absent:
                del sys.modules[_CONVERTER]


class _SignalStack(ctypes.Structure):
    """What sigaltstack(2) tells and takes on Linux."""

    _fields_ = (("place", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def own_signal_stack() -> Iterator[None]:
    """Leaves this thread the stack on which it handles signals.

    OpenVINO gives the thread that opens a net a stack of its own for that, and puts back the one before when the net
    is gone. Of two nets that go in the order in which they came, the second puts back the first one's stack, which is
    no more: the next Ctrl-C would end the process with a segmentation fault. Never keeping OpenVINO's stack leaves
    nothing to put back.
    """
    if sys.platform != "linux":
        yield
        return
    library = ctypes.CDLL(None)
    before = _SignalStack()
    library.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        library.sigaltstack(ctypes.byref(before), None)


class _OnePrimitive:
    """Has oneDNN, below OpenVINO, keep nothing of its own while nets are compiled: it would keep what OpenVINO lets go.

    oneDNN reads the variable once, when a process compiles its first net, and nobody else shall see it. Several threads
    may compile at once; the last one takes it away.
    """

    _VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiling = 0
        self._ours = False

    def __enter__(self) -> None:
        with self._lock:
            self._compiling += 1
            # What a user has set stays.
            if self._VARIABLE not in os.environ:
                os.environ[self._VARIABLE] = "1"
                self._ours = True

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._compiling -= 1
            if self._ours and not self._compiling:
                os.environ.pop(self._VARIABLE, None)
                self._ours = False


_ONE_PRIMITIVE = _OnePrimitive()


class LoadedNet:
    """A checked file as OpenVINO holds it; what kinds of net have in common.

    Attributes:
        threads: How many threads compute.
        precision: `f32` or `bf16`.
    """

    def __init__(self, model: OnnxFile, threads: int | None, precision: str) -> None:
        """Loads a net without compiling it.

        Args:
            model: The checked file.
            threads: How many threads compute; None takes `default_threads`.
            precision: `f32` gives the same answers on every processor; `bf16` is faster where the processor has
                bfloat16, and changes a confidence in its third digit; `auto` is `bf16` where the processor has it.

        Raises:
            ModelError: OpenVINO cannot run this file.
            UsageError: The number of threads or the precision is impossible.
        """
        if threads is not None and threads < 1:
            raise UsageError(f"A net needs at least one thread; {threads} is not possible.")
        if precision not in ("f32", "bf16", "auto"):
            raise UsageError(f"The precision {precision!r} is not known; choose f32, bf16 or auto.")
        self.threads = default_threads() if threads is None else threads
        self._where = model.where
        self._digest = model.sha256
        self._lock = threading.Lock()
        self._openvino = import_openvino()
        self._core = self._openvino.Core()
        # The first question opens what answers it.
        with own_signal_stack():
            capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "auto":
            precision = "bf16" if "BF16" in capabilities else "f32"
        self.precision = precision
        try:
            self._model = self._core.read_model(model.content, b"")
        except RuntimeError as error:
            raise ModelError(f"{model.where} cannot be run by OpenVINO ({reason(error)}); export it again.") from error

    def _compiled_for(self, hint: str, *, kept: bool = False, **settings: Any) -> Any:
        """The net as it stands, compiled for this processor; RuntimeError where that fails.

        Args:
            hint: What is to be short: `LATENCY`, or `THROUGHPUT` for many requests at once.
            kept: Whether to keep it for the next process, see `runtime.compiled`; not for one that is reshaped.
            **settings: Of OpenVINO's, besides the usual ones or in their place.
        """
        settings = {
            "PERFORMANCE_HINT": hint,
            "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": self.precision,
            "CPU_RUNTIME_CACHE_CAPACITY": SHAPES_KEPT,
        } | settings

        def compile_anew() -> Any:
            return self._core.compile_model(self._model, "CPU", settings)

        with own_signal_stack(), _ONE_PRIMITIVE:
            if not kept:
                return compile_anew()
            name = name_of(
                [
                    self._digest,
                    self._openvino.__version__,
                    self._core.get_property("CPU", "FULL_DEVICE_NAME"),
                    self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
                    sorted(settings.items()),
                ]
            )
            return compiled_net(name, lambda content: self._core.import_model(content, "CPU", settings), compile_anew)

    def _check_ends(self, input_shape: Sequence[int | None], output_shape: Sequence[int | None]) -> None:
        """Refuses a net whose sides, after the first (the batch), are not these; None stands for any length.

        Raises:
            ModelError: They are not.
        """
        inputs, outputs = self._model.inputs, self._model.outputs
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{self._where} has {len(inputs)} inputs and {len(outputs)} outputs instead of one each; "
                "export it again."
            )
        for port, end, shape in ((inputs[0], "input", input_shape), (outputs[0], "output", output_shape)):
            sides = [side.get_length() if side.is_static else None for side in port.get_partial_shape()][1:]
            if len(sides) != len(shape) or any(
                None not in (got, wanted) and got != wanted for got, wanted in zip(sides, shape, strict=True)
            ):
                raise ModelError(
                    f"{self._where} does not fit its own card: its {end} is {sides} where the card says {list(shape)}; "
                    "export it again."
                )


class OpenVinoNet(LoadedNet):
    """A net that turns arrays into arrays.

    Safe to call from several threads: one computes at a time, with all the net's threads.
    """

    def __init__(self, model: OnnxFile, threads: int | None = None, precision: str = "f32") -> None:
        """Loads a net; it is compiled when it is first called.

        Args:
            model: The checked file.
            threads: How many threads compute; None takes `default_threads`.
            precision: See `LoadedNet`.

        Raises:
            ModelError: OpenVINO cannot run this file, or the net's input or output is not what its card says.
            UsageError: The number of threads or the precision is impossible.
        """
        super().__init__(model, threads, precision)
        self._compiled: dict[int, Any] = {}
        preprocess = model.card.character_preprocess
        self.input_shape = (preprocess.channels, preprocess.size, preprocess.size)
        self.outputs = len(model.card.classes)
        self._check_ends(self.input_shape, (self.outputs,))

    def __call__(self, pictures: FloatArray) -> FloatArray:
        """Runs the net.

        Args:
            pictures: Prepared pictures of shape [N, channels, height, width]; N may be any number.

        Returns:
            Logits of shape [N, classes].
        """
        if pictures.ndim != 4 or pictures.shape[1:] != self.input_shape:
            raise ValueError(
                f"pictures of shape {pictures.shape} instead of [N, {', '.join(map(str, self.input_shape))}]"
            )
        logits = np.empty((len(pictures), self.outputs), np.float32)
        done = 0
        with self._lock:
            while done < len(pictures):
                left = len(pictures) - done
                batch = next((size for size in BATCHES if size >= left), BATCHES[-1])
                part = pictures[done : done + batch]
                # What fills up the last batch is computed in vain, which costs less than compiling for its shape.
                padded = np.zeros((batch, *self.input_shape), np.float32)
                padded[: len(part)] = part
                logits[done : done + len(part)] = self._run(batch, padded)[: len(part)]
                done += len(part)
        return logits

    def _run(self, batch: int, pictures: FloatArray) -> npt.NDArray[Any]:
        try:
            if batch not in self._compiled:
                self._model.reshape([batch, *self.input_shape])
                self._compiled[batch] = self._compiled_for("LATENCY")
            result: npt.NDArray[Any] = self._compiled[batch](pictures)[0]
        except RuntimeError as error:
            raise ModelError(
                f"{self._where} cannot be run by OpenVINO ({reason(error)}); export it again with a free batch size."
            ) from error
        if result.shape != (batch, self.outputs):
            raise ModelError(
                f"{self._where} answers {batch} pictures with an array of {list(result.shape)}; "
                "export it again with a free batch size."
            )
        return result


def reason(error: RuntimeError) -> str:
    """The last line of OpenVINO's message, which says what is wrong; those before say where in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".")[:200] if lines else "no reason given"
