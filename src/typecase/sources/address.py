"""What is an address on the web; fetching what lies there needs more, see `download`."""

from __future__ import annotations

import urllib.parse

_SCHEMES = ("http", "https")


def is_address(source: object) -> bool:
    """Whether a source is an address on the web: a text that begins with http:// or https://, and no path."""
    return isinstance(source, str) and source.lower().startswith(tuple(f"{scheme}://" for scheme in _SCHEMES))


def shown_address(address: str) -> str:
    """An address as results and messages show it: without the password that it may carry."""
    try:
        parts = urllib.parse.urlsplit(address)
    except ValueError:
        # It is none, which fetching it will say.
        return address
    if "@" not in parts.netloc:
        return address
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
