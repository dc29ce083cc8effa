"""OCR that you can train, read with and trust.

    import typecase

    answer = typecase.classify("letter.png")
    print(answer.label, answer.confidence)
    print(typecase.read("line.png", mode="line").text)

Importing this package loads nothing heavy; each name below is fetched from its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from typecase import errors as errors
    from typecase.classifier import Alternative as Alternative
    from typecase.classifier import Classification as Classification
    from typecase.classifier import Classifier as Classifier
    from typecase.classifier import classify as classify
    from typecase.document import Character as Character
    from typecase.document import Document as Document
    from typecase.document import Line as Line
    from typecase.document import Page as Page
    from typecase.document import Word as Word
    from typecase.errors import TypecaseError as TypecaseError
    from typecase.reader import Reader as Reader
    from typecase.reader import read as read

_HOME_OF = {
    "Alternative": "typecase.classifier",
    "Character": "typecase.document",
    "Classification": "typecase.classifier",
    "Classifier": "typecase.classifier",
    "Document": "typecase.document",
    "Line": "typecase.document",
    "Page": "typecase.document",
    "Reader": "typecase.reader",
    "TypecaseError": "typecase.errors",
    "Word": "typecase.document",
    "classify": "typecase.classifier",
    "read": "typecase.reader",
}

__all__ = [
    "Alternative",
    "Character",
    "Classification",
    "Classifier",
    "Document",
    "Line",
    "Page",
    "Reader",
    "TypecaseError",
    "Word",
    "__version__",
    "classify",
    "errors",
    "read",
]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return importlib.import_module("typecase.errors")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'typecase' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
