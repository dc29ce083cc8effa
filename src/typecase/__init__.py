"""OCR that you can train, read with and trust.

    import typecase

    answer = typecase.classify("letter.png")
    print(answer.label, answer.confidence)

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
    from typecase.errors import TypecaseError as TypecaseError

_HOME_OF = {
    "Alternative": "typecase.classifier",
    "Classification": "typecase.classifier",
    "Classifier": "typecase.classifier",
    "TypecaseError": "typecase.errors",
    "classify": "typecase.classifier",
}

__all__ = ["Alternative", "Classification", "Classifier", "TypecaseError", "__version__", "classify", "errors"]


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
