"""Cuts a Python process off from the network, for good; only this machine itself can still be reached.

Importing it does it. The interpreter's audit events see every connection, datagram and name lookup, whichever library
asks for it; Python offers no way to take such a hook out again, and no test needs one.
"""

from __future__ import annotations

import atexit
import os
import platform
import sys
from typing import Any

ATTEMPTS: list[str] = []
"""Every attempt, for the error that is raised may be swallowed: telemetry is written to fail in silence."""

EXIT_CODE = 99
"""What a process leaves with that called `fail_at_exit` and tried."""

_HERE = ("127.", "::1", "localhost", "0.0.0.0", "::")


class NetworkUsed(AssertionError):
    """Something reached for the network; nothing of ours may while it is tested."""


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        # Sockets of the file system have a text for an address, those of the network a tuple.
        host = address[0] if isinstance(address, tuple) else "localhost"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not name.startswith(_HERE) and name != platform.node():
        ATTEMPTS.append(f"{event} of {name!r}: the tests run without a network")
        raise NetworkUsed(ATTEMPTS[-1])


def fail_at_exit() -> None:
    """Lets this process fail when it ends, if anything in it reached for the network."""

    def check() -> None:
        if ATTEMPTS:
            sys.stderr.write("\n".join(["NetworkUsed", *ATTEMPTS, ""]))
            sys.stderr.flush()
            os._exit(EXIT_CODE)

    atexit.register(check)


sys.addaudithook(_refuse)
