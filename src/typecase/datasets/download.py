"""Fetches the original data sets, where the network allows.

A download that breaks off goes on where it stopped, when the server can do that and the file is still the same. The
makers publish no checksums; the sum of the first download is therefore kept beside the file (`EnglishFnt.tgz.sha256`,
as `sha256sum -c` reads it), and whoever knows the right sum may state it.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from typecase import __version__
from typecase.errors import DataError, NetworkError, OutputError, UsageError
from typecase.files import atomic_write, sha256_of

Progress: TypeAlias = Callable[[int, int | None], None]
"""Told how many bytes are there and how many there will be, None where the server does not say."""

MAX_BYTES = 2 << 30
"""A larger answer is not one of these data sets: 2 GiB."""

TIMEOUT = 60.0
"""Seconds without a single byte after which a download is given up."""

_BLOCK = 1 << 18


@dataclass(frozen=True)
class Original:
    """Where a data set is published.

    Attributes:
        kind: Key of `layouts.LAYOUTS`, or a name of its own for what belongs to several.
        url: Its address.
        holds: What it is.
    """

    kind: str
    url: str
    holds: str

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return self.url.rsplit("/", 1)[-1]


_SITE = "http://www.ee.surrey.ac.uk/CVSSP/demos/chars74k/"

ORIGINALS: dict[str, Original] = {
    original.kind: original
    for original in (
        Original("fnt", f"{_SITE}EnglishFnt.tgz", "characters of computer fonts"),
        Original("img", f"{_SITE}EnglishImg.tgz", "characters cut from photos, with masks"),
        Original("hnd", f"{_SITE}EnglishHnd.tgz", "handwritten characters, pictures and pen strokes"),
        Original("lists", f"{_SITE}Lists.tgz", "the divisions of the makers' own experiments"),
    )
}


def download(
    kind: str,
    folder: Path,
    *,
    url: str | None = None,
    sha256: str | None = None,
    progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
) -> Path:
    """Fetches a data set into a folder, unless it is there already.

    Args:
        kind: Key of `ORIGINALS`.
        folder: Where to; made when it is missing.
        url: Another address of the same file, such as a mirror's.
        sha256: What the file's SHA-256 must be, 64 hexadecimal digits; None accepts what the first download gave.
        progress: Told while bytes come.
        max_bytes: The most bytes that are taken.

    Returns:
        The file.

    Raises:
        UsageError: There is no such original, or an argument is impossible.
        NetworkError: The site cannot be reached, the file is not there, breaks off, is too large, or is another one.
        DataError: The file was there already and is not the one whose sum is known.
        OutputError: It cannot be written.
    """
    if kind not in ORIGINALS:
        raise UsageError(f"{kind!r} cannot be downloaded; there are {', '.join(ORIGINALS)}.")
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise UsageError(f"A SHA-256 has 64 hexadecimal digits, which {sha256!r} has not.")
    address = url or ORIGINALS[kind].url
    if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
        raise UsageError(f"{address} is no address on the web; it must begin with https:// or http://.")
    target = folder / ORIGINALS[kind].file_name
    record = target.with_name(target.name + ".sha256")
    expected = (sha256 or _recorded(record) or "").lower()
    if target.exists():
        found = sha256_of(target)
        if expected and found != expected:
            raise DataError(
                f"{target} is not the file that is meant: its SHA-256 is {found}, not {expected}; "
                "delete it and download it again."
            )
        _write_record(record, found, target.name)
        return target

    partial = target.with_name(target.name + ".part")
    with _writing(partial):
        folder.mkdir(parents=True, exist_ok=True)
    _fetch(address, partial, progress, max_bytes)
    found = sha256_of(partial)
    if expected and found != expected:
        _discard(partial)
        raise NetworkError(
            f"{address} gave another file than the one that is meant: its SHA-256 is {found}, not {expected}; "
            "it was deleted."
        )
    with open(partial, "rb") as file:
        is_archive = file.read(2) == b"\x1f\x8b"
    if not is_archive:
        _discard(partial)
        raise NetworkError(f"{address} gave no .tgz archive but something else, perhaps a web page; try later.")
    with _writing(target):
        os.replace(partial, target)
    _discard(partial)
    _write_record(record, found, target.name)
    return target


def _discard(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _validator_file(partial).unlink(missing_ok=True)


def _fetch(address: str, partial: Path, progress: Progress | None, max_bytes: int) -> None:
    """Brings `partial` to its full length."""
    have = partial.stat().st_size if partial.exists() else 0
    validator = _read_validator(partial) if have else None
    headers = {"User-Agent": f"typecase/{__version__}", "Accept-Encoding": "identity"}
    if have and validator:
        # With If-Range a server that has another file by now sends that one whole.
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    request = urllib.request.Request(address, headers=headers)
    try:
        with _opened(request) as answer:
            resumed = answer.status == 206 and _starts_at(answer, have)
            if answer.status == 206 and not resumed:
                raise NetworkError(f"{address} sent another part than was asked for; delete {partial} and run again.")
            if not resumed:
                have = 0
            total = _total(answer, have)
            if total is not None and total > max_bytes:
                raise _too_large(address, max_bytes)
            _keep_validator(partial, answer)
            with _writing(partial), open(partial, "ab" if resumed else "wb") as file:
                have = _copy(answer, file, address, have, total, progress, max_bytes)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            # What is here is longer than the file: it belongs to another one.
            _discard(partial)
            _fetch(address, partial, progress, max_bytes)
            return
        raise NetworkError(
            f"{address} answers {error.code} {error.reason}; get the file elsewhere and give its path with --data."
        ) from None
    if total is not None and have != total:
        raise NetworkError(f"{address} broke off after {have:,} of {total:,} bytes; run again to fetch the rest.")


@contextlib.contextmanager
def _opened(request: urllib.request.Request) -> Iterator[http.client.HTTPResponse]:
    address = request.full_url
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise NetworkError(
            f"{address} cannot be reached ({reason}); check the connection, or fetch the file with a browser and "
            "give its path with --data."
        ) from None
    with answer:
        yield answer


def _copy(
    answer: http.client.HTTPResponse,
    file: IO[bytes],
    address: str,
    have: int,
    total: int | None,
    progress: Progress | None,
    max_bytes: int,
) -> int:
    while True:
        if progress is not None:
            progress(have, total)
        try:
            block = answer.read(_BLOCK)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise NetworkError(
                f"{address} broke off after {have:,} bytes ({reason}); run again to fetch the rest."
            ) from None
        if not block:
            return have
        have += len(block)
        if have > max_bytes:
            raise _too_large(address, max_bytes)
        file.write(block)


def _too_large(address: str, max_bytes: int) -> NetworkError:
    return NetworkError(f"{address} is larger than the {max_bytes:,} bytes that are taken; it is not this data set.")


def _starts_at(answer: http.client.HTTPResponse, offset: int) -> bool:
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return found is not None and int(found[1]) == offset


def _total(answer: http.client.HTTPResponse, have: int) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return have + int(length) if length.isdecimal() else None


def _validator_file(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")


def _keep_validator(partial: Path, answer: http.client.HTTPResponse) -> None:
    """Notes what tells whether the server's file is still the same."""
    etag = answer.headers.get("ETag", "")
    # A weak mark promises the same meaning, not the same bytes.
    validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")
    with atomic_write(_validator_file(partial)) as temporary:
        temporary.write_text(json.dumps({"validator": validator}), encoding="utf-8")


def _read_validator(partial: Path) -> str | None:
    try:
        validator = json.loads(_validator_file(partial).read_text(encoding="utf-8"))["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return validator if isinstance(validator, str) and validator.isprintable() else None


def _recorded(record: Path) -> str | None:
    try:
        found = re.match(r"[0-9a-f]{64}\b", record.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return found[0] if found else None


def _write_record(record: Path, sha256: str, name: str) -> None:
    if _recorded(record) != sha256:
        with atomic_write(record) as temporary:
            temporary.write_text(f"{sha256}  {name}\n", encoding="utf-8")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error)).lower()
        raise OutputError(f"{path} cannot be written ({reason}); choose another folder.") from error
