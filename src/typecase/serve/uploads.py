"""Receives what a request brings: files of a form, a body as it is, or the address of a picture.

A small file is held in memory. A larger one is written under a name of our own in a folder of our own, which is gone
when the answer is given. What the caller calls a file is kept for messages only.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

import msgspec
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from typecase.serve.fetching import fetch
from typecase.serve.problems import Problem
from typecase.serve.settings import ServeSettings

FILE_FIELD = "file"
URL_FIELD = "url"
PASSWORD_FIELD = "password"
PASSWORD_HEADER = "x-password"

# Files below this size, in bytes, are held in memory. For the picture of a line it costs more to make a folder and a
# file, and to wait for another thread each time, than everything else that its request asks of the service. Starlette
# holds parts of a form up to the same size.
_SMALL = 1 << 20

_LONGEST_NAME = 120
_LONGEST_ADDRESS = 2000


@dataclass(frozen=True)
class Upload:
    """A file that came.

    Attributes:
        name: What the caller calls it, without folders; for messages and results only.
        source: Its bytes, or where it lies.
        password: What opens it, where it is encrypted.
    """

    name: str
    source: bytes | Path = field(repr=False)
    password: str | None = field(default=None, repr=False)


class _Folder:
    """A folder for the files of one request, made when the first of them needs it."""

    def __init__(self) -> None:
        self._path: Path | None = None

    async def file(self, number: int) -> Path:
        """Where a file of the request is to be written."""
        if self._path is None:
            self._path = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="typecase-"))
        return self._path / str(number)

    async def remove(self) -> None:
        """Deletes it with all that is in it."""
        if self._path is not None:
            await asyncio.to_thread(shutil.rmtree, self._path, ignore_errors=True)


@asynccontextmanager
async def received(request: Request, settings: ServeSettings, *, on_disk: bool = False) -> AsyncIterator[list[Upload]]:
    """The files that a request brings, as long as the body of the `async with` runs.

    Args:
        request: The request, its body not read yet.
        settings: The limits.
        on_disk: Whether small files are written to disk too, so that each has a path.

    Raises:
        Problem: It brings none, too many, or in a form that is not known.
    """
    folder = _Folder()
    most = 0 if on_disk else _SMALL
    try:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            uploads = await _from_form(request, folder, settings, most)
        elif kind == "application/json":
            uploads = [await _from_address(_address_of(await request.body()), folder, settings)]
        else:
            # Whatever it is called: curl and Python's urllib say that any body is a form of the old kind.
            uploads = [await _from_body(request, folder, most)]
        yield uploads
    finally:
        await folder.remove()


def clean_name(name: str | None) -> str:
    """A caller's name for a file as messages may show it: its last part, without control characters, not too long."""
    text = (name or "").replace("\\", "/").rpartition("/")[2]
    # Control characters, halves of surrogate pairs and marks that turn the direction of what follows.
    text = "".join(character for character in text if unicodedata.category(character)[0] != "C").strip()
    if len(text) > _LONGEST_NAME:
        stem, dot, suffix = text.rpartition(".")
        kept = dot + suffix if stem and len(suffix) <= 10 else ""
        text = text[: _LONGEST_NAME - 1 - len(kept)] + "…" + kept
    return text if text.strip(".") else "picture"


async def _from_form(request: Request, folder: _Folder, settings: ServeSettings, most: int) -> list[Upload]:
    try:
        form = await request.form(max_files=settings.max_files, max_fields=settings.max_files, max_part_size=1 << 16)
    except HTTPException as error:
        reason = str(error.detail).rstrip(".")
        raise Problem(400, "bad-form", f"The form cannot be understood ({reason}); send it again.") from None
    uploads: list[Upload] = []
    password = None
    try:
        for name, value in form.multi_items():
            if name == FILE_FIELD and isinstance(value, UploadFile):
                source: bytes | Path
                if value.size is not None and value.size < most:
                    source = await value.read()
                else:
                    source = await folder.file(len(uploads))
                    await asyncio.to_thread(_copy, value, source)
                uploads.append(Upload(clean_name(value.filename), source))
            elif name == URL_FIELD and isinstance(value, str):
                uploads.append(await _from_address(value, folder, settings, len(uploads)))
            elif name == PASSWORD_FIELD and isinstance(value, str):
                password = value or None
    finally:
        await form.close()
    if not uploads:
        raise Problem(400, "no-file", f"The form brings no file; put one into a field called {FILE_FIELD!r}.")
    return [replace(upload, password=password) for upload in uploads]


async def _from_body(request: Request, folder: _Folder, most: int) -> Upload:
    source: bytes | Path
    held = bytearray()
    chunks = request.stream()
    async for chunk in chunks:
        held += chunk
        if held and len(held) >= most:
            break
    if held and len(held) >= most:
        source = await folder.file(0)
        with source.open("wb") as file:
            file.write(held)
            async for chunk in chunks:
                file.write(chunk)
    elif held:
        source = bytes(held)
    else:
        raise Problem(
            400, "no-file", f"The request brings no file; send it as the body, or in a form's field {FILE_FIELD!r}."
        )
    password = unquote(request.headers.get(PASSWORD_HEADER, "")) or None
    return Upload(clean_name(unquote(request.headers.get("x-file-name", ""))), source, password)


async def _from_address(address: str, folder: _Folder, settings: ServeSettings, number: int = 0) -> Upload:
    if not settings.allow_urls:
        raise Problem(
            403, "no-addresses", "This service fetches nothing; send the file itself, or let whoever runs it allow it."
        )
    if len(address) > _LONGEST_ADDRESS:
        raise Problem(400, "bad-address", f"The address is longer than {_LONGEST_ADDRESS} characters; shorten it.")
    path = await folder.file(number)
    name = await asyncio.to_thread(fetch, address, path, settings.max_body, settings.upload_timeout)
    return Upload(clean_name(name), path)


class _Address(msgspec.Struct):
    url: str


def _address_of(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Address).url
    except (msgspec.MsgspecError, UnicodeError):
        raise Problem(
            400,
            "bad-address",
            'A body in JSON names an address, {"url": "https://..."}; a file comes as multipart/form-data.',
        ) from None


def _copy(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file, 1 << 20)
        file.flush()
    os.chmod(path, 0o600)
