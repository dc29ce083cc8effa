"""How many cores there are to compute with; asked by what reads, draws, decodes and trains."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """How many cores this process may use, which a scheduler may have made fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
