from __future__ import annotations

import io
import json
import signal
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from serve_fixtures import GERMAN, GERMAN_TEXT, RECEIPT, RECEIPT_TEXT, Service, pages_of_lines, running
from typecase.datasets.lines import LineList
from typecase.document import Document
from typecase.errors import OutputError, UsageError
from typecase.serve.jobs import JobStore, Step
from typecase.serve.problems import Problem
from typecase.serve.query import ReadQuery

# The store.


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "jobs", 3600, 3)
    yield store
    store.close()


def add(store: JobStore, tmp_path: Path, owner: str = "") -> str:
    file = tmp_path / "upload"
    file.write_bytes(b"x")
    return store.add(owner, "x.tif", file, ReadQuery(mode="line")).id


def taken(store: JobStore) -> Step:
    step = store.take()
    assert step is not None
    return step


def test_jobs_take_turns_page_by_page(store: JobStore, tmp_path: Path) -> None:
    one, other = add(store, tmp_path), add(store, tmp_path)
    assert [store.take(), store.take(), store.take()] == [Step(one, None), Step(other, None), None]
    store.counted(one, [1, 2, 5])
    store.counted(other, [1])
    steps = [store.take() for _ in range(5)]
    assert steps == [Step(one, 1), Step(other, 1), Step(one, 2), Step(one, 5), None]
    assert store.job(one).state == "reading"
    for step in (Step(one, 2), Step(one, 1), Step(one, 5)):
        store.page_read(step, b"{}", {"typecase": "x"})
    job = store.job(one)
    assert (job.state, job.pages, job.done, job.failed, job.provenance) == ("done", 3, 3, 0, {"typecase": "x"})
    assert [page.number for page in store.pages(one)] == [1, 2, 5]
    # Those that follow are told in the order in which pages were finished.
    assert [(page.number, page.step) for page in store.pages(one, after=1)] == [(1, 2), (5, 3)]


def test_what_was_being_read_is_read_again_after_a_stop(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    store = JobStore(folder, 3600, 3)
    counting, reading = add(store, tmp_path), add(store, tmp_path)
    assert store.take() == Step(counting, None)
    assert store.take() == Step(reading, None)
    store.counted(reading, [1, 2])
    assert store.take() == Step(reading, 1)
    store.page_read(Step(reading, 1), b"{}", {})
    assert store.take() == Step(reading, 2)
    store.close()
    store = JobStore(folder, 3600, 3)
    assert [store.take(), store.take(), store.take()] == [Step(counting, None), Step(reading, 2), None]
    assert store.job(reading).done == 1
    assert store.job(reading).query == ReadQuery(mode="line")
    store.close()


def test_a_step_that_was_not_done_is_taken_again(store: JobStore, tmp_path: Path) -> None:
    job = add(store, tmp_path)
    step = taken(store)
    store.put_back(step)
    assert store.take() == step
    store.counted(job, [1])
    page = taken(store)
    store.put_back(page)
    assert store.take() == page


def test_a_page_that_ends_its_worker_is_tried_twice(store: JobStore, tmp_path: Path) -> None:
    job = add(store, tmp_path)
    store.take()
    store.counted(job, [1, 2])
    step = taken(store)
    store.page_failed(step, {"detail": "died"}, again=True)
    assert store.take() == step
    store.page_failed(step, {"detail": "died"}, again=True)
    assert store.take() == Step(job, 2)
    store.page_read(Step(job, 2), b"{}", {})
    assert (store.job(job).state, store.job(job).done, store.job(job).failed) == ("done", 1, 1)
    assert store.page(job, 1).problem == {"detail": "died"}


def test_a_job_without_a_single_page_fails_with_the_reason(store: JobStore, tmp_path: Path) -> None:
    job = add(store, tmp_path)
    store.take()
    store.counted(job, [1])
    store.page_failed(taken(store), {"detail": "damaged"}, again=False)
    assert (store.job(job).state, store.job(job).problem) == ("failed", {"detail": "damaged"})


def test_deleted_and_cancelled_jobs_are_not_read_on(store: JobStore, tmp_path: Path) -> None:
    deleted, cancelled = add(store, tmp_path), add(store, tmp_path)
    store.take()
    step = Step(deleted, None)
    store.delete(deleted)
    assert not store.file_of(deleted).exists()
    store.counted(deleted, [1, 2])
    store.put_back(step)
    store.take()
    store.counted(cancelled, [1])
    page = taken(store)
    store.cancel(cancelled)
    store.page_read(page, b"{}", {})
    assert store.take() is None
    assert (store.job(cancelled).state, store.job(cancelled).done) == ("cancelled", 1)
    with pytest.raises(Problem):
        store.job(deleted)


def test_jobs_are_forgotten_and_few(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs", 0.0, 2)
    job = add(store, tmp_path)
    add(store, tmp_path)
    with pytest.raises(Problem) as full:
        add(store, tmp_path)
    assert full.value.status == 429
    stray = store.file_of("stray")
    stray.write_bytes(b"")
    time.sleep(0.01)
    assert job in store.delete_expired()
    assert not stray.exists()
    assert not store.file_of(job).exists()
    store.close()


def test_a_job_belongs_to_the_key_it_came_with(store: JobStore, tmp_path: Path) -> None:
    job = add(store, tmp_path, "alice")
    assert store.job(job, "alice").owner == "alice"
    with pytest.raises(Problem) as problem:
        store.job(job, "bob")
    assert problem.value.status == 404


def test_jobs_are_nobody_elses_business(store: JobStore, tmp_path: Path) -> None:
    assert (tmp_path / "jobs").stat().st_mode & 0o077 == 0


def test_two_services_do_not_share_a_folder(store: JobStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--jobs"):
        JobStore(tmp_path / "jobs", 3600, 3)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="--jobs"):
        JobStore(tmp_path / "file", 3600, 3)


# Over HTTP.


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("jobs"), "--max-job-pages", "5") as service:
        yield service


@pytest.fixture
def client(service: Service) -> httpx.Client:
    return service.client


def create(client: httpx.Client, content: bytes, name: str = "lines.tif", **query: Any) -> str:
    response = client.post("/v1/jobs", files={"file": (name, content)}, params={"mode": "line", **query})
    assert response.status_code == 202, response.text
    assert response.headers["location"] == f"/v1/jobs/{response.json()['id']}"
    return str(response.json()["id"])


def events_of(client: httpx.Client, job: str, **headers: str) -> list[tuple[str, dict[str, Any]]]:
    events = []
    with client.stream("GET", f"/v1/jobs/{job}/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        kind = ""
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                events.append((kind, json.loads(value)))
    return events


def test_a_job_is_followed_page_by_page_and_fetched(service: Service, client: httpx.Client) -> None:
    job = create(client, pages_of_lines(RECEIPT, GERMAN, RECEIPT), pages="1-2")
    events = events_of(client, job)
    assert [data["number"] for kind, data in events if kind == "page"] in ([1, 2], [2, 1])
    assert events[-1][0] == "job"
    assert (events[-1][1]["state"], events[-1][1]["done"], events[-1][1]["pages"]) == ("done", 2, 2)
    # Who was cut off goes on where it was.
    again = events_of(client, job, **{"Last-Event-ID": "1"})
    assert len([kind for kind, _ in again if kind == "page"]) == 1
    assert client.get(f"/v1/jobs/{job}").json()["name"] == "lines.tif"
    assert [page["state"] for page in client.get(f"/v1/jobs/{job}/pages").json()] == ["done", "done"]
    page = Document.from_json(client.get(f"/v1/jobs/{job}/pages/2").content)
    assert (page.text, page.pages[0].number) == (GERMAN_TEXT, 2)
    text = client.get(f"/v1/jobs/{job}/result?format=text").text
    assert text == f"{RECEIPT_TEXT}\n\f\n{GERMAN_TEXT}\n"
    whole = Document.from_json(client.get(f"/v1/jobs/{job}/result").content)
    assert [one.number for one in whole.pages] == [1, 2]
    assert whole.provenance["recognizer"]["name"] == "lines"
    assert client.get(f"/v1/jobs/{job}/pages/3").status_code == 404


def test_pictures_of_pages_are_given_in_the_pixels_of_the_boxes(service: Service, client: httpx.Client) -> None:
    job = create(client, pages_of_lines(GERMAN, RECEIPT))
    service.wait_for_job(job)
    response = client.get(f"/v1/jobs/{job}/pages/2/picture")
    with Image.open(io.BytesIO(response.content)) as picture, Image.open(RECEIPT) as original:
        assert picture.size == original.size
        assert picture.convert("L").tobytes() == original.convert("L").tobytes()
    small = client.get(f"/v1/jobs/{job}/pages/2/picture?width=100")
    assert small.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(small.content)) as picture:
        assert picture.width == 100


def test_a_part_of_a_page_is_read_by_itself(service: Service, client: httpx.Client) -> None:
    job = create(client, RECEIPT.read_bytes(), "receipt.png")
    service.wait_for_job(job)
    whole = Document.from_json(client.get(f"/v1/jobs/{job}/pages/1").content)
    box = list(whole.words)[-1].box
    region = f"{box.x - 8},0,{box.width + 16},{whole.pages[0].height}"
    part = client.post(f"/v1/jobs/{job}/pages/1/read?mode=line&region={region}")
    assert Document.from_json(part.content).text == list(whole.words)[-1].text
    assert Document.from_json(client.get(f"/v1/jobs/{job}/pages/1").content) == whole


def test_corrections_are_kept_written_and_trained_on(service: Service, client: httpx.Client, tmp_path: Path) -> None:
    job = create(client, pages_of_lines(RECEIPT, GERMAN))
    service.wait_for_job(job)
    assert client.get(f"/v1/jobs/{job}/training-data").status_code == 409
    body = {"corrections": [{"block": 0, "line": 0, "word": 1, "was": "total:", "text": "Total :"}]}
    page = Document.from_json(client.patch(f"/v1/jobs/{job}/pages/1", json=body).raise_for_status().content)
    assert page.text == "Grand Total : € 1,284.50"
    assert client.patch(f"/v1/jobs/{job}/pages/1", json=body).status_code == 409
    assert client.patch(f"/v1/jobs/{job}/pages/1", json={"corrections": []}).status_code == 400
    # An unchanged text confirms a word.
    confirmed = {"corrections": [{"block": 0, "line": 0, "word": 0, "was": "Die", "text": "Die"}]}
    client.patch(f"/v1/jobs/{job}/pages/2", json=confirmed).raise_for_status()
    assert client.get(f"/v1/jobs/{job}/result?format=text").text == f"Grand Total : € 1,284.50\n\f\n{GERMAN_TEXT}\n"
    pages = client.get(f"/v1/jobs/{job}/pages").json()
    assert [one["corrected_lines"] for one in pages] == [[[0, 0]], [[0, 0]]]

    archive = client.get(f"/v1/jobs/{job}/training-data")
    assert archive.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as content:
        content.extractall(tmp_path)
    samples = list(LineList(tmp_path))
    assert [sample.text for sample in samples] == ["Grand Total : € 1,284.50", GERMAN_TEXT]
    for sample, original in zip(samples, (RECEIPT, GERMAN), strict=True):
        picture = sample.load()
        with Image.open(original) as whole:
            assert abs(picture.height - whole.height) <= 0.4 * whole.height
        assert [word.text for word in sample.words] == sample.text.split()
        edges = [(word.box[0], word.box[0] + word.box[2]) for word in sample.words]
        assert edges == sorted(edges)
        assert all(0 <= left < right <= picture.width for left, right in edges)

    undone = client.delete(f"/v1/jobs/{job}/pages/1/corrections").raise_for_status()
    assert Document.from_json(undone.content).text == RECEIPT_TEXT


def test_what_cannot_be_read_fails_with_the_reason(service: Service, client: httpx.Client) -> None:
    job = create(client, b"no picture", "letter.doc")
    assert service.wait_for_job(job)["state"] == "failed"
    problem = client.get(f"/v1/jobs/{job}").json()["problem"]
    assert (problem["status"], problem["detail"][:10]) == (422, "letter.doc")
    long = create(client, pages_of_lines(*[RECEIPT] * 6))
    assert service.wait_for_job(long)["state"] == "failed"
    assert "6 pages" in client.get(f"/v1/jobs/{long}").json()["problem"]["detail"]
    answer = client.get(f"/v1/jobs/{job}/result")
    assert (answer.status_code, answer.json()["detail"]) == (409, problem["detail"])
    two = [("file", ("a.png", RECEIPT.read_bytes())), ("file", ("b.png", RECEIPT.read_bytes()))]
    assert client.post("/v1/jobs", files=two).status_code == 400


def test_a_damaged_page_leaves_the_others(service: Service, client: httpx.Client) -> None:
    tiff = bytearray(pages_of_lines(RECEIPT, GERMAN))
    # The second page's strips are written last but its directory; what lies between is spoilt.
    place = tiff.rindex(b"\x80", 0, len(tiff) - 400)
    tiff[place - 2000 : place] = b"\xff" * 2000
    job = create(client, bytes(tiff))
    values = service.wait_for_job(job)
    assert (values["state"], values["done"], values["failed"]) == ("done", 1, 1)
    [failed] = [page for page in client.get(f"/v1/jobs/{job}/pages").json() if page["state"] == "failed"]
    assert failed["problem"]["status"] == 422
    assert client.get(f"/v1/jobs/{job}/pages/{failed['number']}").status_code == 409
    assert client.get(f"/v1/jobs/{job}/result?format=text").text in (f"{RECEIPT_TEXT}\n", f"{GERMAN_TEXT}\n")


def test_a_job_is_cancelled_and_deleted(service: Service, client: httpx.Client) -> None:
    job = create(client, pages_of_lines(*[RECEIPT] * 5))
    cancelled = client.post(f"/v1/jobs/{job}/cancel").raise_for_status().json()
    assert cancelled["state"] in ("cancelled", "done")
    assert events_of(client, job)[-1][1]["state"] == cancelled["state"]
    # Whatever was read until then can be fetched; where that is nothing, it is said.
    assert client.get(f"/v1/jobs/{job}/result?format=text").status_code in (200, 409)
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert client.get(f"/v1/jobs/{job}").status_code == 404
    assert client.delete(f"/v1/jobs/{job}").status_code == 404


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    with running(folder, "--workers", "1") as service:
        finished = create(service.client, RECEIPT.read_bytes(), "receipt.png")
        service.wait_for_job(finished)
        body = {"corrections": [{"block": 0, "line": 0, "word": 0, "was": "Grand", "text": "grand"}]}
        service.client.patch(f"/v1/jobs/{finished}/pages/1", json=body).raise_for_status()
        waiting = create(service.client, pages_of_lines(*[RECEIPT, GERMAN] * 10))
        # In good order: the page that is being read is finished, and a stream of events ends.
        with service.client.stream("GET", f"/v1/jobs/{waiting}/events") as response:
            lines = response.iter_lines()
            next(lines)
            service.process.send_signal(signal.SIGTERM)
            list(lines)
        assert service.process.wait(40) in (0, -signal.SIGTERM)
    with running(folder, "--workers", "1") as service:
        assert service.wait_for_job(waiting)["done"] == 20
        text = service.client.get(f"/v1/jobs/{waiting}/result?format=text").text
        assert text == "\n\f\n".join([RECEIPT_TEXT, GERMAN_TEXT] * 10) + "\n"
        assert service.client.get(f"/v1/jobs/{finished}/result?format=text").text.startswith("grand total")
        killed = create(service.client, pages_of_lines(*[RECEIPT] * 8))
        # And without any order at all.
        service.process.kill()
        service.process.wait()
    with running(folder, "--workers", "1") as service:
        assert service.wait_for_job(killed)["done"] == 8
