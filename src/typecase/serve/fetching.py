"""Fetches a picture from an address that a caller names, and from nowhere that only this machine can reach.

Every address that a name stands for is looked at, the connection goes to exactly the one that was looked at, and a
redirection is followed by the same rules: else a caller could make the service ask its neighbours, or itself.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from typecase.errors import InputError, NetworkError, TooLargeError

_PORTS = {"http": 80, "https": 443}
_MOST_REDIRECTIONS = 3
_STEP_SECONDS = 10.0
_CHUNK = 1 << 16


def fetch(address: str, path: Path, most: int, seconds: float) -> str:
    """Writes what lies at an address to a file.

    Args:
        address: `http` or `https`, on the usual port.
        path: The file to write.
        most: The most bytes.
        seconds: In which all must have come.

    Returns:
        The last part of the address, as a name.

    Raises:
        InputError: The address is none, leads to a private place, or there is too much.
        NetworkError: Nothing comes.
    """
    end = time.monotonic() + seconds
    for _ in range(_MOST_REDIRECTIONS + 1):
        parts = _checked(address)
        connection = _connected(parts, end)
        try:
            response = _asked(connection, parts)
            if response.status in (301, 302, 303, 307, 308):
                address = urljoin(address, response.headers.get("location", ""))
                continue
            if response.status != 200:
                raise NetworkError(f"{parts.hostname} answers with status {response.status}; check the address.")
            _save(response, path, most, end)
        except (OSError, http.client.HTTPException) as error:
            raise NetworkError(
                f"{parts.hostname} does not give the file ({_words(error)}); check the address, or send the file."
            ) from None
        finally:
            connection.close()
        return unquote(parts.path.rpartition("/")[2])
    raise NetworkError("The address leads from one to the next too often; name the last one.")


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the open internet, however it is written."""
    if isinstance(address, ipaddress.IPv6Address):
        within = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if within is not None:
            return is_public(within)
        # 64:ff9b::/96 carries an IPv4 address to a gateway.
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast and not address.is_reserved


def _checked(address: str) -> SplitResult:
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        raise InputError("The address is none; it begins with https:// or http://.") from None
    if parts.scheme not in _PORTS or not parts.hostname or any(ord(character) < 33 for character in address.strip()):
        raise InputError("The address is none; it begins with https:// or http://.")
    if parts.username is not None or parts.password is not None:
        raise InputError("The address carries a name or password; send the file itself.")
    if port not in (None, _PORTS[parts.scheme]):
        raise InputError("The address names a port, and only the usual ones are asked; send the file itself.")
    return parts


def _connected(parts: SplitResult, end: float) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", _PORTS[parts.scheme]
    places = _resolved(host, port)
    if not places or not all(is_public(ipaddress.ip_address(place)) for place in places):
        raise InputError(f"{host} is no place in the open internet, and only those are asked; send the file itself.")
    seconds = max(0.1, min(_STEP_SECONDS, end - time.monotonic()))
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.sock = _dialled(places[0], port, seconds)
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
    except OSError as error:
        connection.close()
        raise NetworkError(f"{host} cannot be reached ({_words(error)}); check the address.") from None
    return connection


def _resolved(host: str, port: int) -> list[str]:
    """Every address that a name stands for; numbers in any spelling stand for themselves."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NetworkError(f"{host} is not found ({_words(error)}); check the address.") from None
    return [str(place[4][0]).partition("%")[0] for place in found]


def _dialled(place: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((place, port), timeout=seconds)


def _asked(connection: http.client.HTTPConnection, parts: SplitResult) -> http.client.HTTPResponse:
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
    # Nothing packed is asked for, so that what comes is no larger than it says.
    headers = {"Host": parts.hostname or "", "User-Agent": "typecase", "Accept": "*/*", "Accept-Encoding": "identity"}
    connection.request("GET", target, headers=headers)
    return connection.getresponse()


def _save(response: http.client.HTTPResponse, path: Path, most: int, end: float) -> None:
    size = 0
    with path.open("wb") as file:
        while chunk := response.read1(_CHUNK):
            size += len(chunk)
            if size > most:
                raise TooLargeError(f"What lies at the address is larger than {most / (1 << 20):g} MiB; send less.")
            if time.monotonic() > end:
                raise TimeoutError("it comes too slowly")
            file.write(chunk)
    if not size:
        raise InputError("What lies at the address is empty; check it.")


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
