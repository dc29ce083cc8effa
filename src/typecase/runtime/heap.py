"""Has the C library give back the memory of large arrays, so that a process that reads many pages stays small.

Nets, pictures and their masks take and leave blocks of some hundred kilobytes to some megabytes, each page others. Left
to itself glibc comes to keep such blocks in its heap, for it takes the largest block that was ever freed as usual; what
is small and long-lived then lies between them, and the heap grows with the pages (mallopt(3), M_MMAP_THRESHOLD).
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

LARGE = 128 * 1024
"""Blocks from this many bytes are asked of the system one by one and go back to it when they are freed: so many as with
which glibc begins, before it has seen larger ones freed."""

_SLACK = 2 * LARGE
"""How many free bytes at the heap's end are kept."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_USER_SETTINGS = ("GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")


@cache
def return_large_blocks() -> bool:
    """Settles this for the process, once, where the C library is glibc and the user has not said otherwise.

    Returns:
        Whether it is settled so.
    """
    if sys.platform != "linux" or any(name in os.environ for name in _USER_SETTINGS):
        return False
    # Another C library, or another allocator in its place, may lack it.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(_MMAP_THRESHOLD, LARGE) and mallopt(_TRIM_THRESHOLD, _SLACK))
