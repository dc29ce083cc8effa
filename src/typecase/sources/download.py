"""Fetches a document from an address on the web, within limits."""

from __future__ import annotations

import base64
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from typecase import __version__
from typecase.errors import NetworkError, TooLargeError
from typecase.sources.address import shown_address

MAX_BYTES = 256 << 20
"""The most that is fetched from an address: 256 MiB."""

TIMEOUT = 20.0
"""Seconds without a single byte after which an address is given up."""

MOST_SECONDS = 300.0
"""Seconds after which a download is given up, however steadily it drips."""

_BLOCK = 1 << 16


def fetch(
    address: str, *, max_bytes: int = MAX_BYTES, timeout: float = TIMEOUT, most_seconds: float = MOST_SECONDS
) -> bytes:
    """Fetches what lies at an address; redirections are followed, to the web only.

    Args:
        address: It begins with http:// or https://.
        max_bytes: The most bytes that are taken.
        timeout: Seconds without a byte after which it is given up.
        most_seconds: Seconds after which it is given up in any case.

    Raises:
        NetworkError: It cannot be reached, answers with an error, or breaks off.
        TooLargeError: It is larger than is taken.
    """
    shown = shown_address(address)
    end = time.monotonic() + most_seconds
    try:
        request = _request(address)
        with _opener().open(request, timeout=timeout) as answer:
            return _content(answer, shown, max_bytes, end)
    except urllib.error.HTTPError as error:
        with error:
            raise NetworkError(
                f"{shown} cannot be fetched: the server answers {error.code} ({error.reason}); check the address."
            ) from None
    except TimeoutError:
        raise NetworkError(f"{shown} does not answer; try later, or fetch it yourself and give the file.") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise NetworkError(f"{shown} does not answer; try later, or fetch it yourself and give the file.") from None
        raise NetworkError(f"{shown} cannot be reached ({_words(error.reason)}); check the address.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NetworkError(f"{shown} cannot be fetched ({_words(error)}); check the address.") from None


def _request(address: str) -> urllib.request.Request:
    parts = urllib.parse.urlsplit(address)
    request = urllib.request.Request(shown_address(address), headers={"User-Agent": f"typecase/{__version__}"})
    if parts.username is not None:
        name, password = urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        secret = base64.b64encode(f"{name}:{password}".encode()).decode()
        # Not for whomever a redirection leads to.
        request.add_unredirected_header("Authorization", f"Basic {secret}")
    return request


def _opener() -> urllib.request.OpenerDirector:
    # Python's usual one would also follow a redirection to an FTP server, and read local files.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _content(answer: Any, shown: str, max_bytes: int, end: float) -> bytes:
    said = answer.headers.get("Content-Length")
    expected = int(said) if said and said.isdecimal() else None
    if expected is not None and expected > max_bytes:
        raise _too_large(shown, max_bytes)
    blocks: list[bytes] = []
    size = 0
    while block := answer.read(_BLOCK):
        blocks.append(block)
        size += len(block)
        if size > max_bytes:
            raise _too_large(shown, max_bytes)
        if time.monotonic() > end:
            raise NetworkError(f"{shown} takes too long; fetch it yourself and give the file.")
    if expected is not None and size < expected:
        raise NetworkError(f"{shown} broke off after {size:,} of {expected:,} bytes; try again.")
    return b"".join(blocks)


def _too_large(shown: str, max_bytes: int) -> TooLargeError:
    return TooLargeError(f"{shown} is larger than {max_bytes >> 20} MiB; fetch it yourself and give the file.")


def _words(reason: object) -> str:
    text = (getattr(reason, "strerror", None) or str(reason)).strip().rstrip(".")
    return text or type(reason).__name__
