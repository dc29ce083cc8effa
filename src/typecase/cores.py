"""How many cores there are to compute with; asked by what reads, draws, decodes and trains."""

from __future__ import annotations

import contextlib
import os


def usable_cores() -> int:
    """How many cores this process may use, which a scheduler may have made fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def stay_on_core(place: int) -> None:
    """Ties this process to one of the cores that it may use, where the system can.

    Where as many processes compute as there are cores, nothing is gained by moving them about, and some kernels put
    two that talk little onto one core while another rests.

    Args:
        place: Which of these cores, from 0; counted round where there are fewer.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {cores[place % len(cores)]})
