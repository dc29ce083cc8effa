"""Nets as OpenVINO has compiled them, kept in the cache folder, so that the next process need not do it again.

What is kept fits one version of OpenVINO, one processor and one set of settings; all of them are in its name. A file
that is missing, damaged or of no use costs nothing but compiling anew, and so does a folder that cannot be written to.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from typecase.errors import OutputError
from typecase.files import cache_folder

MOST_KEPT = 16
"""So many files lie in the folder at most; those that were not used for the longest time go first."""

_SUFFIX = ".net"
_DIGEST = hashlib.sha256().digest_size


def name_of(parts: Iterable[object]) -> str:
    """A file name that follows from all that a compiled net depends on."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest() + _SUFFIX


def compiled_net(name: str, load: Callable[[bytes], Any], compile_anew: Callable[[], Any]) -> Any:
    """Gives a compiled net, the kept one where there is one.

    Args:
        name: Of the file, from `name_of`.
        load: Makes a net of a file's content, or raises RuntimeError.
        compile_anew: Compiles it.
    """
    try:
        path = cache_folder() / "compiled" / name
    except OutputError:
        return compile_anew()
    content = _read(path)
    if content is not None:
        with contextlib.suppress(RuntimeError):
            return load(content)
    net = compile_anew()
    with contextlib.suppress(OSError, RuntimeError):
        _write(path, net.export_model())
    return net


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            digest, content = file.read(_DIGEST), file.read()
        # For `_write`, which looks what was used last.
        os.utime(path)
    except OSError:
        return None
    return content if hashlib.sha256(content).digest() == digest else None


def _write(path: Path, exported: io.BytesIO) -> None:
    content = exported.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{secrets.token_hex(6)}.partial")
    try:
        # Not flushed to the disk, which takes longer than compiling: the digest tells whether it is whole.
        temporary.write_bytes(hashlib.sha256(content).digest() + content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    kept = sorted(path.parent.glob(f"*{_SUFFIX}"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in kept[MOST_KEPT:]:
        old.unlink(missing_ok=True)
