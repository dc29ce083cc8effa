"""Failures as `application/problem+json` (RFC 9457): one sentence for the person, a type and a status for programs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from typecase.errors import DataError, InputError, NetworkError, OutputError, TooLargeError, TypecaseError, UsageError

_LOGGER = logging.getLogger("typecase.serve")

MEDIA_TYPE = "application/problem+json"

_TYPE = "urn:typecase:problem:"

# In this order, for a class may derive from another.
_STATUS_OF: tuple[tuple[type[TypecaseError], int, str], ...] = (
    (UsageError, 400, "bad-option"),
    (TooLargeError, 413, "too-large"),
    (InputError, 422, "unreadable"),
    (DataError, 422, "unreadable"),
    (NetworkError, 502, "not-fetched"),
    (OutputError, 409, "not-writable"),
)


class Problem(Exception):
    """A request that is not answered as asked.

    Attributes:
        status: The HTTP status.
        kind: A short name with dashes; programs tell problems apart by it.
        detail: One sentence that says what to do.
        headers: Further headers of the answer.
    """

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, error: TypecaseError) -> Problem:
        """The problem that one of our errors means to a caller."""
        for kind, status, name in _STATUS_OF:
            if isinstance(error, kind):
                return cls(status, name, str(error))
        return cls(500, "internal", "The service cannot read at present; whoever runs it finds the reason in its log.")

    @classmethod
    def of_bug(cls) -> Problem:
        """The problem that a bug of ours is to a caller."""
        return cls(500, "internal", "This is a bug in typecase, not a mistake of yours; please report it.")

    def body(self) -> dict[str, Any]:
        """The members of the problem."""
        return {
            "type": _TYPE + self.kind,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }

    def response(self) -> JSONResponse:
        """The answer."""
        return JSONResponse(self.body(), self.status, self.headers, MEDIA_TYPE)


class ProblemBody(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(
        title="Problem",
        json_schema_extra={
            "examples": [Problem(422, "unreadable", "letter.doc is not a picture of a kind that is read.").body()]
        },
    )

    type: str = Field(description="Which kind of problem; programs tell them apart by it.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong and what to do, in one sentence.")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How an operation's problems stand in the OpenAPI description."""
    schema = {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({401, 403, 500, *statuses})
    }


def handle_problems(app: FastAPI) -> None:
    """Lets an app answer every failure as a problem."""

    @app.exception_handler(Problem)
    async def known(request: Request, error: Problem) -> JSONResponse:
        return error.response()

    @app.exception_handler(TypecaseError)
    async def ours(request: Request, error: TypecaseError) -> JSONResponse:
        problem = Problem.of(error)
        if problem.status >= 500:
            _LOGGER.error("%s %s: %s", request.method, request.url.path, error)
        return problem.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return Problem(400, "bad-option", _in_words(error)).response()

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        details = {
            404: "There is nothing at this address; /openapi.json lists what there is.",
            405: "This address does not know that method; /openapi.json lists what there is.",
        }
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        detail = details.get(error.status_code) or f"{str(error.detail).rstrip('.')}."
        return Problem(error.status_code, kind, detail, error.headers).response()

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        # Starlette raises it once more after the answer, and the server logs it with its traceback.
        return Problem.of_bug().response()


def _in_words(error: RequestValidationError) -> str:
    first = error.errors()[0]
    place = [str(part) for part in first.get("loc", ())]
    where = ".".join(place[1:]) or "The body"
    source = {"query": "query parameter", "path": "part of the address", "body": "field", "header": "header"}
    kind = source.get(place[0] if place else "", "value")
    message = str(first.get("msg", "is not valid")).rstrip(".")
    return f"The {kind} {where} is not usable ({message[:1].lower()}{message[1:]}); /openapi.json says what it takes."
