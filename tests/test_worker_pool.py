"""Several processes at work: all is done once, in order where that is asked for, and one that dies is replaced."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from line_fixtures import line_picture, write_line_model
from pdf_fixtures import pdf_of
from typecase.cli.read_inputs import Input
from typecase.cli.read_job import Job, Outcome, ordered
from typecase.cli.read_results import Results
from typecase.cli.worker_pool import Part, WorkerPool, _Queue
from typecase.errors import TypecaseError

TEXTS = ["A", "B", "OE", "I A", "AB", "E"]


class Killer(io.BytesIO):
    """A document whose reading ends the process, as one does that makes a decoder crash."""

    def read(self, size: int | None = -1) -> bytes:
        os._exit(9)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerPool]:
    model = write_line_model(tmp_path_factory.mktemp("model") / "lines.onnx")
    with WorkerPool(Job(Results(), {"model": model, "threads": 1}, "line"), 2) as pool:
        yield pool


@pytest.fixture
def documents(tmp_path: Path) -> list[Input]:
    found = []
    for number, text in enumerate(TEXTS):
        path = tmp_path / f"{number}.png"
        line_picture(text).save(path)
        found.append(Input(path, path.name, path.stem, ".png"))
    return found


def line_page(text: str) -> dict[str, Any]:
    image = line_picture(text)
    return {"image": image, "size": image.size}


def test_documents_come_in_order_when_they_are_asked_to(pool: WorkerPool, documents: list[Input]) -> None:
    outcomes = list(ordered(pool.outcomes(documents)))
    assert [outcome.content.decode() for outcome in outcomes] == [f"{text}\n" for text in TEXTS]
    assert [outcome.document for outcome in outcomes] == documents


def test_a_process_that_dies_is_replaced(pool: WorkerPool, documents: list[Input]) -> None:
    documents[2] = Input(Killer(), "killer.png", "killer")
    outcomes = list(ordered(pool.outcomes(documents)))
    assert [outcome.content.decode() for outcome in outcomes if outcome.failure is None] == [
        f"{text}\n" for text in TEXTS if text != "OE"
    ]
    failure = outcomes[2].failure
    assert failure is not None
    assert failure.sentence == (
        "killer.png could not be read: the process that read it ended unexpectedly; the file may be damaged."
    )
    # And all of them go on.
    assert [outcome.failure for _, outcome in pool.outcomes(documents[3:])] == [None] * 3


def test_pages_of_one_document(pool: WorkerPool, tmp_path: Path) -> None:
    broken = {"image": b"no JPEG" * 99, "declared": (320, 400), "size": (320, 400)}
    path = tmp_path / "x.pdf"
    path.write_bytes(pdf_of([line_page(text) for text in TEXTS] + [broken]))
    document = Input(path, "x.pdf", "x", ".pdf")
    pages = sorted(pool.pages(document, range(1, 8)), key=lambda page: page.number)
    assert [page.text for page in pages] == [*TEXTS, ""]
    assert [page.number for page in pages] == list(range(1, 8))
    assert pages[-1].error.startswith("x.pdf, page 7, holds a picture that is damaged")
    assert [page.text for page in pool.pages(document, [3])] == ["OE"]


def test_what_is_wrong_with_all_of_a_document(pool: WorkerPool) -> None:
    missing = Input(Path("missing.pdf"), "missing.pdf", "missing", ".pdf")
    [page] = pool.pages(missing, [1])
    assert "missing.pdf does not exist" in page.error
    [(_, outcome)] = pool.outcomes([missing])
    assert outcome.failure is not None
    assert not outcome.failure.ends_all


def test_a_model_that_is_missing_is_said(documents: list[Input]) -> None:
    with WorkerPool(Job(Results(), {"model": "missing.onnx"}, "line"), 1) as pool:
        _, outcome = next(iter(pool.outcomes(documents)))
        assert outcome.failure is not None
        assert outcome.failure.ends_all
        with pytest.raises(TypecaseError, match=r"missing\.onnx"):
            raise outcome.failure.error


def test_parts_that_are_begun_are_near_the_first_unfinished() -> None:
    documents = tuple(Input(Path(str(number)), str(number), str(number)) for number in range(6))
    queue = _Queue.of(Part(place, (document,)) for place, document in enumerate(documents))
    begun = [queue.next(3), queue.next(3), queue.next(3)]
    assert [part.place for part in begun if part] == [0, 1, 2]
    assert queue.next(3) is None
    assert begun[1] is not None
    queue.finish(begun[1])
    assert queue.next(3) is None
    assert begun[0] is not None
    queue.put_back([Part(0, documents[:1]), Part(0, documents[1:2])])
    queue.finish(begun[0])
    halves = [queue.next(3), queue.next(3)]
    assert [part.place for part in halves if part] == [0, 0]
    assert queue.next(3) is None
    for part in halves:
        assert part is not None
        queue.finish(part)
    following = queue.next(3)
    assert following is not None
    assert following.place == 3


def test_order() -> None:
    outcomes = [Outcome(Input(b"", str(number), str(number))) for number in range(4)]
    mixed = [(number, outcomes[number]) for number in (2, 0, 1, 3)]
    assert list(ordered(mixed)) == outcomes


@pytest.mark.parametrize("cores", [2, 3])
def test_processes_keep_to_a_core_each_where_they_take_all(
    cores: int, tmp_path: Path, documents: list[Input], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typecase.cli.worker_pool.usable_cores", lambda: cores)
    model = write_line_model(tmp_path / "lines.onnx")
    documents[1] = Input(Killer(), "killer.png", "killer")
    usable = sorted(os.sched_getaffinity(0))
    with WorkerPool(Job(Results(), {"model": model, "threads": 1}, "line"), 2) as pool:
        assert len(list(pool.outcomes(documents))) == len(documents)
        # One that was started last may not have come to read yet.
        assert len(list(pool.outcomes(documents[2:] * 4))) == 4 * len(documents[2:])
        ties = [os.sched_getaffinity(worker.process.pid) for worker in pool._workers]
    if cores == 2:
        assert ties == [{usable[0]}, {usable[1 % len(usable)]}]
    else:
        assert ties == [set(usable)] * 2
