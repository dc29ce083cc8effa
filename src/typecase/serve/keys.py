"""API keys: random, shown once, kept as hashes only.

A key has 256 random bits, so that a plain SHA-256 keeps it secret: there is nothing to guess. The file has one line for
each, its owner's name and the hash.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from typecase.errors import UsageError
from typecase.files import atomic_write

_PREFIX = "typecase_"
_LINE = re.compile(r"(?P<name>[\w.@-]{1,64})\s+sha256:(?P<hash>[0-9a-f]{64})")


class Keys:
    """The keys of a file; the file is read anew when it changes, so that a key can be withdrawn while we serve."""

    def __init__(self, path: Path) -> None:
        """Reads the file.

        Raises:
            UsageError: It cannot be read, a line of it is none, or it holds no key.
        """
        self._path = path
        self._hashes = _read(path)
        if not self._hashes:
            raise UsageError(f"The file of API keys {path} holds none; make one with typecase serve --new-key NAME.")
        self._state = _state_of(path)

    def owner_of(self, key: str) -> str | None:
        """Whose key this is; None for one that is not known."""
        state = _state_of(self._path)
        if state != self._state:
            try:
                self._hashes = _read(self._path)
            except UsageError:
                # A file that is gone or damaged lets nobody in.
                self._hashes = {}
            self._state = state
        given = hash_of(key)
        # All are compared, so that the time tells nothing.
        found = [name for name, known in self._hashes.items() if hmac.compare_digest(known, given)]
        return found[0] if found else None


def hash_of(key: str) -> str:
    """SHA-256 of a key as 64 hexadecimal digits."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def add_key(path: Path, name: str) -> str:
    """Makes a new key and adds its hash to a file, which is made where it is missing.

    Args:
        path: The file.
        name: Whose key it is: letters, digits, dots, dashes; at most 64.

    Returns:
        The key, which is kept nowhere.

    Raises:
        UsageError: The name is impossible or taken, or the file is no file of keys.
        OutputError: The file cannot be written.
    """
    if not re.fullmatch(r"[\w.@-]{1,64}", name):
        raise UsageError(f"The name {name!r} cannot be a key's; use letters, digits, dots and dashes, at most 64.")
    known = _read(path) if path.exists() else {}
    if name in known:
        raise UsageError(f"There is a key for {name} already; delete its line in {path}, or choose another name.")
    key = _PREFIX + secrets.token_urlsafe(32)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    with atomic_write(path) as temporary:
        os.chmod(temporary, 0o600)
        separator = "" if old.endswith("\n") or not old else "\n"
        temporary.write_text(f"{old}{separator}{name} sha256:{hash_of(key)}\n", encoding="utf-8")
    return key


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or "no text in UTF-8").lower()
        raise UsageError(
            f"The file of API keys {path} cannot be read ({reason}); make one with typecase serve --new-key NAME."
        ) from None
    hashes: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise UsageError(f"{path}, line {number}, is no API key; a line is NAME sha256:HASH.")
        hashes[found["name"]] = found["hash"]
    return hashes
