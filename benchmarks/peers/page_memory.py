"""Reads a PDF into a searchable one and into text, and prints after each page how many bytes the process holds.

A process of its own, so that nothing else is counted. Run as `python page_memory.py PDF FOLDER`; Linux only.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(pdf: Path, folder: Path) -> None:
    """Reads the pages one by one, as `typecase read --format pdf,text` does."""
    from typecase.reader import Reader
    from typecase.writers import FORMATS

    with ExitStack() as stack:
        reading = stack.enter_context(Reader().open(pdf))
        kinds = [FORMATS[name] for name in ("pdf", "text")]
        files = [stack.enter_context((folder / f"read{kind.suffix}").open("wb")) for kind in kinds]
        opened = zip(kinds, files, strict=True)
        writers = [stack.enter_context(kind.open(file, reading.head)) for kind, file in opened]
        for page, origin in reading:
            for writer in writers:
                writer.page(page, origin)
            print(resident(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
