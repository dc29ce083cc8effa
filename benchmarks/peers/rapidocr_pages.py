"""Reads whole pages with RapidOCR; runs in the peers' environment, started by `page_readers.py`.

Takes a job as JSON on standard input and writes one on standard output:

    {"pages": ["a.jpg", ...], "threads": 2, "warm": true}
    {"pages": [[["text", [[x, y], ...]], ...], ...], "seconds": [0.41, ...]}

Everything is as RapidOCR does it by itself: detection, turning of lines, recognition, and its order of lines. Seconds
are those of the calls alone, pictures decoded before; warm says that the first page is read once without being counted.
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
    # Beside this file; as a program it is found by that name alone.
    engine = importlib.import_module("rapidocr_lines").opened(int(job["threads"]), {})
    pages, seconds = [], []
    for number, path in enumerate(job["pages"]):
        picture = cv2.imread(path, cv2.IMREAD_COLOR)
        if number == 0 and job["warm"]:
            engine(picture)
        started = time.perf_counter()
        found = engine(picture)
        seconds.append(time.perf_counter() - started)
        boxes = [] if found.boxes is None else [[[float(x), float(y)] for x, y in box] for box in found.boxes]
        pages.append([[text, box] for text, box in zip(found.txts or (), boxes, strict=True)])
        print(f"{number + 1}/{len(job['pages'])}", file=sys.stderr, flush=True)
    json.dump({"pages": pages, "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
