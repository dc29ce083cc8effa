"""`/health`, `/ready`, `/metrics`, `/version`, `/v1/formats`: how the service is, and what it can do."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from typecase import __version__
from typecase.document import SCHEMA_VERSION
from typecase.serve.formats import format_in_words
from typecase.serve.metrics import CONTENT_TYPE
from typecase.serve.problems import Problem, problem_responses
from typecase.serve.state import OwnerDep, ServiceDep
from typecase.writers import FORMATS

router = APIRouter(tags=["Status"])


class Health(BaseModel):
    """That the service answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """That pictures can be read."""

    status: Literal["ready"] = "ready"
    workers: int = Field(description="How many workers have opened their models.")


class Version(BaseModel):
    """What runs here."""

    version: str = Field(examples=[__version__])
    document_schema: int = Field(description="The version of the documents in JSON.")


class FormatAnswer(BaseModel):
    """A form of answer."""

    name: str = Field(examples=["hocr"])
    label: str = Field(description="What a person calls it.", examples=["hOCR"])
    suffix: str = Field(examples=[".hocr"])
    media_type: str = Field(examples=["text/html"])


@router.get("/health", summary="Does the service answer?", response_model=Health)
async def health() -> Health:
    """Answers as long as the service runs."""
    return Health()


@router.get("/ready", summary="Can pictures be read?", response_model=Ready, responses=problem_responses(503))
async def ready(service: ServiceDep) -> Ready:
    """Answers well once a worker has opened its models; send requests here only then."""
    if not service.pool.ready:
        detail = "The models are being opened; ask again in a moment."
        if service.pool.failure is not None:
            detail = "The models cannot be opened; whoever runs the service finds the reason in its log."
        raise Problem(503, "not-ready", detail, {"Retry-After": "1"})
    return Ready(workers=service.pool.ready)


@router.get("/version", summary="What runs here?", response_model=Version)
async def version() -> Version:
    """Tells the versions."""
    return Version(version=__version__, document_schema=SCHEMA_VERSION)


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={
        200: {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **problem_responses(),
    },
)
async def metrics(service: ServiceDep, owner: OwnerDep) -> Response:
    """Requests, seconds, the queue, workers, pages and jobs."""
    return Response(service.metrics.exposition(), media_type=CONTENT_TYPE)


@router.get("/v1/formats", summary="In which forms are answers given?", response_model=list[FormatAnswer])
async def formats() -> list[FormatAnswer]:
    """Lists the formats."""
    return [
        FormatAnswer(
            name=name,
            label=format_in_words(name),
            suffix=form.suffix,
            media_type=form.media_type.partition(";")[0].strip(),
        )
        for name, form in FORMATS.items()
    ]
