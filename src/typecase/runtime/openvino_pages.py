"""Runs a net that finds lines on pages of any size, on the processor with OpenVINO."""

from __future__ import annotations

from typing import Any

import numpy as np

from typecase.errors import ModelError
from typecase.preprocess import FloatArray, PixelArray
from typecase.runtime.onnx_file import OnnxFile
from typecase.runtime.openvino import LoadedNet, reason
from typecase.stages.lines_of_maps import CELL, CHANNELS


class OpenVinoPageNet(LoadedNet):
    """A net that turns a page into maps of what stands where.

    Safe to call from several threads: one page is computed at a time, with all the net's threads.
    """

    def __init__(self, model: OnnxFile, threads: int | None = None, precision: str = "auto") -> None:
        """Loads a net; it is compiled when it is first called.

        Args:
            model: The checked file.
            threads: How many threads compute; None takes `default_threads`.
            precision: See `LoadedNet`.

        Raises:
            ModelError: The file is no detector, OpenVINO cannot run it, or the net's input or output is not what its
                card says.
            UsageError: The number of threads or the precision is impossible.
        """
        super().__init__(model, threads, precision)
        self.preprocess = model.card.page_preprocess
        self._request: Any = None
        self._check_ends((self.preprocess.channels, None, None), (CHANNELS, None, None))

    def __call__(self, grey: PixelArray) -> FloatArray:
        """Runs the net.

        Args:
            grey: A page at the scale at which it is to be looked at, [height, width].

        Returns:
            Maps of shape [7, rows, columns], padding included; see `typecase.stages.lines_of_maps`.

        Raises:
            ModelError: OpenVINO cannot run the net, or its answer has an impossible shape.
        """
        batch = self.preprocess.padded(grey)
        with self._lock:
            try:
                if self._request is None:
                    # One graph for every size, so that a new one costs no new compilation.
                    self._request = self._compiled_for("LATENCY", kept=True).create_infer_request()
                self._request.infer([batch], share_inputs=True)
                # The request's own memory is used again for the next page.
                answer = np.array(self._request.get_output_tensor().data, np.float32)
            except RuntimeError as error:
                raise ModelError(
                    f"{self._where} cannot be run by OpenVINO ({reason(error)}); export it again with free sides."
                ) from error
        if answer.shape != (1, CHANNELS, batch.shape[2] // CELL, batch.shape[3] // CELL):
            raise ModelError(f"{self._where} answers a page with an array of {list(answer.shape)}; export it again.")
        if not np.isfinite(answer).all():
            raise ModelError(
                f"{self._where} gives answers that are not numbers; its weights are damaged: fetch it again."
            )
        maps: FloatArray = answer[0]
        return maps
