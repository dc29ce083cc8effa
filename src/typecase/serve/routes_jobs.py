"""`/v1/jobs`: documents that are read in the background, page by page; corrected and fetched when they are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from typecase.document import Document
from typecase.serve import work
from typecase.serve.corrections import Corrections, corrected
from typecase.serve.formats import chosen_format
from typecase.serve.jobs import Job, JobPage, JobStore
from typecase.serve.openapi import BODY, document_answers
from typecase.serve.problems import Problem, ProblemBody, problem_responses
from typecase.serve.query import ReadQuery, query_of
from typecase.serve.routes_read import CharactersToo, FormatName, written
from typecase.serve.state import OwnerDep, Service, ServiceDep
from typecase.serve.uploads import received

router = APIRouter(prefix="/v1/jobs", tags=["Jobs"])

_HEARTBEAT_SECONDS = 15.0

_EVENT_SCHEMA = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["page", "job", "gone"]},
        "id": {"type": "string", "description": "What `Last-Event-ID` names to go on after it."},
        "data": {"type": "string", "description": "JSON: a page, the job, or why it is gone."},
    },
}

JobId = Annotated[str, Path(max_length=64, description="The job's name, as its answer gave it.")]
PageNumber = Annotated[int, Path(ge=1, le=1_000_000, description="The page's number in the document, from 1.")]


class JobAnswer(BaseModel):
    """How far a job is."""

    model_config = ConfigDict(
        title="Job",
        json_schema_extra={
            "examples": [
                {
                    "id": "pX9l0nq1yZ0aTg5mRk2vWA",
                    "name": "report.pdf",
                    "state": "reading",
                    "pages": 12,
                    "done": 5,
                    "failed": 0,
                    "problem": None,
                    "created": "2026-11-27T09:30:00Z",
                    "expires": "2026-11-28T09:30:00Z",
                }
            ]
        },
    )

    id: str = Field(description="Its name; whoever knows it can see what was read.")
    name: str = Field(description="What the file is called.")
    state: Literal["waiting", "reading", "done", "failed", "cancelled"]
    pages: int | None = Field(description="How many pages are read; null while they are counted.")
    done: int = Field(description="How many were read.")
    failed: int = Field(description="How many cannot be read.")
    problem: ProblemBody | None = Field(default=None, description="Why the job failed, if it did.")
    created: datetime
    expires: datetime = Field(description="When it is forgotten.")


class JobPageAnswer(BaseModel):
    """A page of a job."""

    number: int = Field(description="Its number in the document, from 1.")
    state: Literal["waiting", "reading", "done", "failed"]
    corrected_lines: list[tuple[int, int]] = Field(description="Block and line of each line that was corrected.")
    problem: ProblemBody | None = Field(default=None, description="Why it cannot be read, if so.")


def _answer(job: Job) -> JobAnswer:
    return JobAnswer(
        id=job.id,
        name=job.name,
        state=job.state,
        pages=job.pages,
        done=job.done,
        failed=job.failed,
        problem=None if job.problem is None else ProblemBody(**job.problem),
        created=datetime.fromtimestamp(job.created, UTC),
        expires=datetime.fromtimestamp(job.expires, UTC),
    )


def _page_values(page: JobPage) -> dict[str, Any]:
    return {"number": page.number, "state": page.state, "corrected_lines": page.lines, "problem": page.problem}


async def job_of(job: JobId, service: ServiceDep, owner: OwnerDep) -> Job:
    """The job that an address names, if it is the caller's."""
    return await asyncio.to_thread(service.store.job, job, owner)


JobDep = Annotated[Job, Depends(job_of)]


@router.post(
    "",
    status_code=202,
    summary="Read a document in the background",
    openapi_extra={"requestBody": BODY},
    response_model=JobAnswer,
    responses=problem_responses(400, 408, 413, 429, 502),
)
async def create(
    request: Request,
    response: Response,
    service: ServiceDep,
    owner: OwnerDep,
    query: Annotated[ReadQuery, Depends(query_of)],
) -> JobAnswer:
    """Takes one file in and answers at once; `Location` is where to ask how far it is."""
    async with received(request, service.settings, on_disk=True) as uploads:
        if len(uploads) != 1:
            raise Problem(400, "too-many-files", "A job is one file; send each by itself.")
        [upload] = uploads
        assert not isinstance(upload.source, bytes)
        query = replace(query, password=upload.password)
        job = await asyncio.to_thread(service.store.add, owner, upload.name, upload.source, query)
    service.runner.wake()
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return _answer(job)


@router.get("/{job}", summary="How far a job is", response_model=JobAnswer, responses=problem_responses(404))
async def show(job: JobDep) -> JobAnswer:
    """Tells the state and how many pages are done."""
    return _answer(job)


@router.post(
    "/{job}/cancel", summary="Read no more of a job", response_model=JobAnswer, responses=problem_responses(404)
)
async def cancel(job: JobDep, service: ServiceDep) -> JobAnswer:
    """Stops a job; what was read of it can still be fetched."""
    await asyncio.to_thread(service.store.cancel, job.id)
    service.runner.changed(job.id)
    return _answer(await asyncio.to_thread(service.store.job, job.id))


@router.delete("/{job}", status_code=204, summary="Forget a job", responses=problem_responses(404))
async def delete(job: JobDep, service: ServiceDep) -> None:
    """Forgets the job, its file and everything that was read of it."""
    await asyncio.to_thread(service.store.delete, job.id)
    service.runner.changed(job.id)


@router.get(
    "/{job}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events: `page` for each page that is finished, `job` when anything changes.",
            "content": {"text/event-stream": {"schema": _EVENT_SCHEMA}},
        },
        **problem_responses(404),
    },
)
async def events(
    job: JobDep, service: ServiceDep, last_event_id: Annotated[str | None, Header(max_length=20)] = None
) -> StreamingResponse:
    """Tells page by page how far the job is, until it is finished; a reader that was cut off goes on where it was."""
    after = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(service, job.id, after), media_type="text/event-stream", headers=headers)


async def _events(service: Service, job: str, after: int) -> AsyncIterator[str]:
    store = service.store
    told: str | None = None
    async with service.runner.listening(job) as changed:
        while not service.runner.stopping.is_set():
            changed.clear()
            try:
                state = await asyncio.to_thread(store.job, job)
                for page in await asyncio.to_thread(_finished_after, store, job, after):
                    after = page.step or after
                    yield _event("page", msgspec.json.encode(_page_values(page)).decode(), after)
            except Problem as problem:
                yield _event("gone", msgspec.json.encode(problem.body()).decode())
                return
            values = _answer(state).model_dump_json()
            if values != told:
                yield _event("job", values)
                told = values
            if state.finished:
                return
            try:
                await asyncio.wait_for(changed.wait(), _HEARTBEAT_SECONDS)
            except TimeoutError:
                # Keeps the connection alive, and notices when nobody listens any more.
                yield ": still at work\n\n"


def _finished_after(store: JobStore, job: str, step: int) -> list[JobPage]:
    return list(store.pages(job, after=step))


def _event(kind: str, data: str, number: int | None = None) -> str:
    head = "" if number is None else f"id: {number}\n"
    return f"{head}event: {kind}\ndata: {data}\n\n"


@router.get(
    "/{job}/pages",
    summary="The pages of a job",
    response_model=list[JobPageAnswer],
    responses=problem_responses(404),
)
async def pages(job: JobDep, service: ServiceDep) -> Response:
    """Lists the pages and how far each is."""
    found = await asyncio.to_thread(lambda: [_page_values(page) for page in service.store.pages(job.id)])
    return Response(msgspec.json.encode(found), media_type="application/json")


@router.get(
    "/{job}/pages/{number}",
    summary="What was read of a page",
    responses={**document_answers("json"), **problem_responses(404, 409)},
    response_class=Response,
)
async def page(job: JobDep, number: PageNumber, service: ServiceDep) -> Response:
    """A document with this page alone, corrections included."""
    found = await asyncio.to_thread(service.store.page, job.id, number)
    return Response(_content(found), media_type="application/json")


def _content(page: JobPage) -> bytes:
    if page.content is None:
        reason = page.problem["detail"] if page.problem else "It is not read yet; ask again later."
        raise Problem(409, "page-not-read", str(reason))
    return page.content


@router.patch(
    "/{job}/pages/{number}",
    summary="Correct words of a page",
    responses={**document_answers("json"), **problem_responses(400, 404, 409, 413)},
    response_class=Response,
)
async def correct(job: JobDep, number: PageNumber, service: ServiceDep, body: Corrections) -> Response:
    """Corrects words by hand, and gives the page as it is then."""
    found = await asyncio.to_thread(service.store.page, job.id, number)
    document = Document.from_json(_content(found))
    new, lines = corrected(document.pages[0], body.corrections)
    content = Document((new,), document.source, document.provenance).to_json().encode()
    await asyncio.to_thread(service.store.correct, job.id, number, content, lines)
    return Response(content, media_type="application/json")


@router.delete(
    "/{job}/pages/{number}/corrections",
    summary="Forget the corrections of a page",
    responses={**document_answers("json"), **problem_responses(404, 409)},
    response_class=Response,
)
async def forget_corrections(job: JobDep, number: PageNumber, service: ServiceDep) -> Response:
    """Makes the page again what was read, and gives it."""
    await asyncio.to_thread(service.store.page, job.id, number)
    await asyncio.to_thread(service.store.forget_corrections, job.id, number)
    return await page(job, number, service)


@router.get(
    "/{job}/pages/{number}/picture",
    summary="The picture of a page",
    responses={
        200: {"description": "The picture, upright as it was read.", "content": {"image/jpeg": {}, "image/png": {}}},
        **problem_responses(404, 422, 429, 503, 504),
    },
    response_class=Response,
)
async def picture(
    job: JobDep,
    number: PageNumber,
    service: ServiceDep,
    width: Annotated[int | None, Query(ge=16, le=10_000, description="The most pixels across.")] = None,
) -> Response:
    """The picture in whose pixels the boxes of the page are, or a smaller one."""
    await asyncio.to_thread(service.store.page, job.id, number)
    content, media_type = await service.pool.call(
        work.picture, service.store.file_of(job.id), job.name, job.query, number, width
    )
    return Response(content, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})


@router.post(
    "/{job}/pages/{number}/read",
    summary="Read a part of a page",
    responses={**document_answers("json"), **problem_responses(400, 404, 422, 429, 503, 504)},
    response_class=Response,
)
async def read_part(
    job: JobDep, number: PageNumber, service: ServiceDep, query: Annotated[ReadQuery, Depends(query_of)]
) -> Response:
    """Reads a region of the page, or the page once more with other options; the job keeps what it has."""
    await asyncio.to_thread(service.store.page, job.id, number)
    service.pool.check_room()
    content, _ = await service.pool.call(
        work.read_page, service.store.file_of(job.id), job.name, replace(query, password=job.query.password), number
    )
    return Response(content, media_type="application/json")


@router.get(
    "/{job}/result",
    summary="The whole document",
    responses={**document_answers(), **problem_responses(400, 404, 406, 409, 429, 503, 504)},
    response_class=Response,
)
async def result(
    request: Request,
    job: JobDep,
    service: ServiceDep,
    format: FormatName = None,
    characters: CharactersToo = None,
) -> Response:
    """All pages that were read, corrections included, in any format."""
    chosen = chosen_format(format, request.headers)
    if not job.finished:
        raise Problem(409, "not-finished", f"{job.done} of {job.pages or '?'} pages are read; ask again later.")
    contents = await asyncio.to_thread(
        lambda: [one.content for one in service.store.pages(job.id) if one.content is not None]
    )
    if not contents:
        reason = job.problem["detail"] if job.problem else "No page of it was read; send the file again."
        raise Problem(409, "nothing-read", str(reason))
    content = await service.pool.call(
        work.write, service.store.file_of(job.id), job.name, job.query, contents, job.provenance, chosen, characters
    )
    return written(content, chosen, job.name)


@router.get(
    "/{job}/training-data",
    summary="Corrected lines to train on",
    responses={
        200: {
            "description": "A ZIP archive: labels.jsonl and pictures.",
            "content": {"application/zip": {}},
        },
        **problem_responses(404, 409, 422, 429, 503, 504),
    },
    response_class=Response,
)
async def training_data(job: JobDep, service: ServiceDep) -> Response:
    """The lines with corrected or confirmed words, as pictures with what they say."""
    found = await asyncio.to_thread(
        lambda: [
            (one.number, one.content, one.lines)
            for one in service.store.pages(job.id)
            if one.content is not None and one.lines
        ]
    )
    if not found:
        raise Problem(409, "nothing-corrected", "No word was corrected or confirmed yet; correct some first.")
    content = await service.pool.call(work.training_data, service.store.file_of(job.id), job.name, job.query, found)
    headers = {"Content-Disposition": 'attachment; filename="training-data.zip"'}
    return Response(content, media_type="application/zip", headers=headers)
