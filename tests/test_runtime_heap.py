"""What large blocks do to the heap, seen in processes of their own: the settings of one last as long as it does."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from typecase.runtime.heap import LARGE

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")

# Frees a block of 16 MB, after which glibc left to itself keeps all smaller ones in its heap, and takes one of 1 MB.
_SCRIPT = """
import ctypes

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Info
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
{before}
library.free(library.malloc(16 << 20))
before = library.mallinfo2().hblks
kept = library.malloc({size})
print(library.mallinfo2().hblks - before)
"""
_SETTLE = "from typecase.runtime.heap import return_large_blocks; assert return_large_blocks() is {answer}"
_READ = "import numpy, typecase; typecase.read(numpy.full((64, 64), 255, numpy.uint8))"


def _blocks_of_their_own(before: str, size: int, **environment: str) -> int:
    """How many blocks outside the heap a block of some bytes takes."""
    script = _SCRIPT.format(before=before, size=size)
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_large_blocks_lie_outside_the_heap() -> None:
    settled = _SETTLE.format(answer=True)
    assert _blocks_of_their_own("", 1 << 20) == 0
    assert _blocks_of_their_own(settled, 1 << 20) == 1
    assert _blocks_of_their_own(settled, LARGE // 2) == 0


def test_reading_settles_it() -> None:
    assert _blocks_of_their_own(_READ, 1 << 20) == 1


def test_what_the_user_set_stays() -> None:
    left = _SETTLE.format(answer=False)
    assert _blocks_of_their_own(left, 1 << 20, MALLOC_MMAP_THRESHOLD_=str(8 << 20)) == 0
    assert _blocks_of_their_own(left, 16 << 20, MALLOC_MMAP_THRESHOLD_=str(8 << 20)) == 1
