"""What made a document, in the words of the formats that can tell it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from typecase import __version__
from typecase.writers.base import Head

PROGRAM = "typecase"


def version(head: Head) -> str:
    """The version of typecase that read the document; without provenance, the one that writes it."""
    return str(head.provenance.get(PROGRAM, __version__))


def program(head: Head) -> str:
    """Name and version of the program, such as `typecase 0.1.0`."""
    return f"{PROGRAM} {version(head)}"


def settings(head: Head) -> str:
    """The whole provenance as JSON on one line: models with their hashes, and settings."""
    return json.dumps(dict(head.provenance), ensure_ascii=False, default=str, separators=(",", ":"))


def parsed_settings(text: str | None) -> dict[str, Any]:
    """Brings back what `settings` gave; nothing where it is something else."""
    try:
        values = json.loads(text or "")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def now() -> str:
    """The time of the day and the date in UTC, as XML writes them."""
    return datetime.now(UTC).isoformat(timespec="seconds")
