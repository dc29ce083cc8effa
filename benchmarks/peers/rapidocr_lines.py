"""Reads line pictures with RapidOCR's recogniser alone; runs in the peers' environment, started by `readers.py`.

Takes a job as JSON on standard input and writes one on standard output:

    {"pages": [["a.png", ...], ...], "batch": 1, "threads": 2}
    {"pages": [[["text", 0.98], ...], ...], "seconds": [0.41, ...]}

A batch of 1 goes through the whole of `RapidOCR.__call__` with detection and turning off, a line a call; larger ones
give a page's lines to the recogniser at once, which sorts them by width and cuts them into batches of that size.
Seconds are those of the calls alone: pictures are decoded before and the model is loaded and warm.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any


def main() -> None:
    job = json.load(sys.stdin)
    cv2: Any = importlib.import_module("cv2")
    engine = opened(int(job["threads"]), {"Global.use_det": False, "Global.use_cls": False})
    batch = int(job["batch"])
    pages, seconds = [], []
    for number, paths in enumerate(job["pages"]):
        pictures = [cv2.imread(path, cv2.IMREAD_COLOR) for path in paths]
        if number == 0:
            _read(engine, pictures[:8], batch)
        started = time.perf_counter()
        answers = _read(engine, pictures, batch)
        seconds.append(time.perf_counter() - started)
        pages.append(answers)
        print(f"{number + 1}/{len(job['pages'])}", file=sys.stderr, flush=True)
    json.dump({"pages": pages, "seconds": seconds}, sys.stdout)


def opened(threads: int, settings: dict[str, Any]) -> Any:
    """RapidOCR with a number of threads, and settings of its own."""
    importlib.import_module("cv2").setNumThreads(threads)
    return importlib.import_module("rapidocr").RapidOCR(
        params={
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            **settings,
        }
    )


def _read(engine: Any, pictures: list[Any], batch: int) -> list[tuple[str, float]]:
    if batch == 1:
        found = [engine(picture, use_det=False, use_cls=False, use_rec=True) for picture in pictures]
        return [(one.txts[0], float(one.scores[0])) if one.txts else ("", 0.0) for one in found]
    # The recogniser is made with the first call, so it is asked for before its batch is set.
    engine._load_rec_model().rec_batch_num = batch
    result = engine.recognize_txt(pictures)
    return [(text, float(score)) for text, score in zip(result.txts, result.scores, strict=True)]


if __name__ == "__main__":
    main()
