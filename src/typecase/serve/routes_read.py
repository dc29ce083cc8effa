"""`POST /v1/read` and `/v1/classify`: answered while the caller waits."""

from __future__ import annotations

import asyncio
import io
import zipfile
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from typecase.errors import TypecaseError
from typecase.serve import work
from typecase.serve.formats import chosen_format
from typecase.serve.openapi import BODY, CHARACTER_BODY, document_answers
from typecase.serve.pool import Urgency
from typecase.serve.problems import Problem, problem_responses
from typecase.serve.query import ReadQuery, query_of
from typecase.serve.state import OwnerDep, ServiceDep
from typecase.serve.uploads import Upload, received
from typecase.writers import FORMATS

router = APIRouter(prefix="/v1", tags=["Read"])

FormatName = Annotated[
    str | None,
    Query(max_length=40, description="The form of the answer; left out, what `Accept` asks for, else JSON."),
]

CharactersToo = Annotated[
    bool | None,
    Query(description="List the characters of each word; left out, they are listed in JSON alone."),
]


class ClassAnswer(BaseModel):
    """A class with its probability."""

    model_config = ConfigDict(populate_by_name=True)

    label: str = Field(alias="class", description="The character.")
    confidence: float = Field(ge=0, le=1, description="Calibrated probability.")


class CharacterAnswer(ClassAnswer):
    """Which character a picture shows."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "path": "letter.png",
                    "class": "O",
                    "confidence": 0.62,
                    "alternatives": [{"class": "0", "confidence": 0.24}, {"class": "o", "confidence": 0.13}],
                }
            ]
        },
    )

    path: str = Field(description="What the caller called it.")
    alternatives: list[ClassAnswer] = Field(description="The next best classes.")


@router.post(
    "/read",
    summary="Read pictures and documents",
    openapi_extra={"requestBody": BODY},
    responses={**document_answers(), **problem_responses(400, 406, 408, 409, 413, 422, 429, 502, 503, 504)},
    response_class=Response,
)
async def read(
    request: Request,
    service: ServiceDep,
    owner: OwnerDep,
    query: Annotated[ReadQuery, Depends(query_of)],
    format: FormatName = None,
    characters: CharactersToo = None,
) -> Response:
    """Reads one file or several, sent as a form, as the body, or by address where that is allowed.

    One file is answered by its document. Several are answered by `{"documents": [...]}` in JSON, with a problem in the
    place of what cannot be read, and by a ZIP archive in other formats.
    """
    chosen = chosen_format(format, request.headers)
    service.pool.check_room()
    async with received(request, service.settings) as uploads:
        if len(uploads) == 1:
            content = await _read(service, uploads[0], query, chosen, characters)
            return written(content, chosen, uploads[0].name)
        answers: list[bytes | Problem] = []
        for upload in uploads:
            try:
                answers.append(await _read(service, upload, query, chosen, characters))
            except TypecaseError as error:
                answers.append(Problem.of(error))
            except Problem as problem:
                if problem.status in (429, 503):
                    raise
                answers.append(problem)
    if chosen == "json":
        values = [msgspec.Raw(answer) if isinstance(answer, bytes) else answer.body() for answer in answers]
        return Response(msgspec.json.encode({"documents": values}), media_type="application/json")
    archive = await asyncio.to_thread(_archive, uploads, answers, FORMATS[chosen].suffix)
    headers = {"Content-Disposition": 'attachment; filename="typecase.zip"'}
    return Response(archive, media_type="application/zip", headers=headers)


@router.post(
    "/classify",
    summary="Say which character a picture shows",
    openapi_extra={"requestBody": CHARACTER_BODY},
    response_model=CharacterAnswer,
    responses=problem_responses(400, 408, 413, 422, 429, 502, 503, 504),
)
async def classify(
    request: Request,
    service: ServiceDep,
    owner: OwnerDep,
    top: Annotated[int, Query(ge=1, le=62, description="How many classes to give, the answer among them.")] = 5,
) -> Response:
    """Says which of 62 characters a picture shows, with the next best ones."""
    service.pool.check_room()
    async with received(request, service.settings) as uploads:
        if len(uploads) != 1:
            raise Problem(400, "too-many-files", "Characters are told one at a time; send one picture.")
        answer = await service.pool.call(work.classify, uploads[0].source, uploads[0].name, top, urgency=Urgency.QUICK)
    return Response(answer, media_type="application/json")


async def _read(service: Any, upload: Upload, query: ReadQuery, format: str, characters: bool | None) -> bytes:
    content, pages = await service.pool.call(
        work.read_file,
        upload.source,
        upload.name,
        replace(query, password=upload.password),
        format,
        characters,
        service.settings.max_pages,
    )
    service.metrics.pages.inc(pages)
    assert isinstance(content, bytes)
    return content


def written(content: bytes, format: str, name: str) -> Response:
    """An answer in a format, with a name under which a browser may save it."""
    form = FORMATS[format]
    stem = PurePosixPath(name).stem or "document"
    plain = "".join(one if one.isascii() and one.isalnum() else "_" for one in stem)
    disposition = f"inline; filename=\"{plain}{form.suffix}\"; filename*=UTF-8''{quote(stem + form.suffix, safe='')}"
    return Response(content, media_type=form.media_type, headers={"Content-Disposition": disposition})


def _archive(uploads: list[Upload], answers: list[bytes | Problem], suffix: str) -> bytes:
    file = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (upload, answer) in enumerate(zip(uploads, answers, strict=True), start=1):
            stem = PurePosixPath(upload.name).stem
            if stem in taken:
                stem = f"{stem}-{number}"
            taken.add(stem)
            if isinstance(answer, bytes):
                archive.writestr(stem + suffix, answer)
            else:
                archive.writestr(f"{stem}.problem.json", msgspec.json.encode(answer.body()))
    return file.getvalue()
