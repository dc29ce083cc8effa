"""What the OpenAPI description says that FastAPI cannot tell from types: bodies read piece by piece, documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from typecase import __version__
from typecase.document import Document
from typecase.serve.problems import ProblemBody
from typecase.serve.uploads import FILE_FIELD, PASSWORD_FIELD, URL_FIELD
from typecase.writers import FORMATS

_DESCRIPTION = """
Text from pictures and documents, with boxes and calibrated confidences.

Every box is `[x, y, width, height]` in pixels of the page's picture, origin top left; every confidence is the
probability, 0 to 1, that the text is right. Failures are `application/problem+json` (RFC 9457). Where API keys are
needed, send one as `Authorization: Bearer KEY` or `X-API-Key: KEY`.
"""

_EXAMPLE_DOCUMENT = {
    "schema_version": 1,
    "source": "line.png",
    "provenance": {"typecase": __version__},
    "pages": [
        {
            "width": 240,
            "height": 48,
            "number": 1,
            "rotation": 0,
            "skew": 0.0,
            "dpi": None,
            "blocks": [
                {
                    "box": [8, 6, 180, 34],
                    "text": "Total 12.50",
                    "lines": [
                        {
                            "box": [8, 6, 180, 34],
                            "confidence": 0.97,
                            "text": "Total 12.50",
                            "words": [
                                {"text": "Total", "box": [8, 6, 80, 34], "confidence": 0.99, "characters": []},
                                {"text": "12.50", "box": [104, 8, 84, 30], "confidence": 0.98, "characters": []},
                            ],
                        }
                    ],
                }
            ],
        }
    ],
}


def _body(several: bool, what: str) -> dict[str, Any]:
    binary = {"type": "string", "format": "binary"}
    files: dict[str, Any] = {"type": "array", "items": binary, "minItems": 1} if several else binary
    return {
        "required": True,
        "description": what,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        FILE_FIELD: {**files, "description": "The file itself."},
                        URL_FIELD: {"type": "string", "description": "Its address, where the service may fetch it."},
                        PASSWORD_FIELD: {"type": "string", "description": "What opens an encrypted PDF."},
                    },
                }
            },
            "application/octet-stream": {"schema": binary},
            "image/*": {"schema": binary},
            "application/pdf": {"schema": binary},
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["url"],
                    "properties": {"url": {"type": "string", "description": "An address in the open internet."}},
                    "example": {"url": "https://example.org/receipt.png"},
                }
            },
        },
    }


BODY = _body(True, "A picture or a document, or several in one form.")
CHARACTER_BODY = _body(False, "The picture of one character.")


def document_answers(*names: str) -> dict[int | str, dict[str, Any]]:
    """How a document stands in the description as an answer.

    Args:
        *names: In which formats it comes; none for all of them.
    """
    content: dict[str, Any] = {}
    for name in names or FORMATS:
        media_type = FORMATS[name].media_type.partition(";")[0]
        if name == "json":
            schema = {"$ref": "#/components/schemas/Document"}
            content[media_type] = {"schema": schema, "example": _EXAMPLE_DOCUMENT}
        else:
            content.setdefault(media_type, {"schema": {"type": "string"}})
    return {200: {"description": "What was read.", "content": content}}


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Gives what makes the description of an app, once."""

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            values = get_openapi(
                title="typecase",
                version=__version__,
                summary="OCR that you can train, read with and trust.",
                description=_DESCRIPTION,
                routes=app.routes,
                license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            )
            _, parts = msgspec.json.schema_components([Document], ref_template="#/components/schemas/{name}")
            schemas = values.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(parts)
            schemas[ProblemBody.__name__] = ProblemBody.model_json_schema()
            # FastAPI's own shape of an invalid request is never sent here.
            for operation in (one for path in values["paths"].values() for one in path.values()):
                operation["responses"].pop("422", None) if _is_fastapis(operation["responses"].get("422")) else None
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            app.openapi_schema = values
        return app.openapi_schema

    return description


def _is_fastapis(response: dict[str, Any] | None) -> bool:
    return response is not None and "application/json" in response.get("content", {})
