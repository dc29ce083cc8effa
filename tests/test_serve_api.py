from __future__ import annotations

import io
import json
import signal
import socket
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pikepdf
import pytest
from PIL import Image

from conftest import RunTypecase
from model_fixtures import bar
from serve_fixtures import GERMAN, GERMAN_TEXT, RECEIPT, RECEIPT_TEXT, Service, pages_of_lines, running
from typecase import __version__
from typecase.document import Document

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("jobs"), "--max-pages", "3", "--max-mib", "2") as service:
        yield service


@pytest.fixture
def client(service: Service) -> httpx.Client:
    return service.client


def read(client: httpx.Client, *paths: Path, **query: Any) -> httpx.Response:
    files = [("file", (path.name, path.read_bytes())) for path in paths]
    return client.post("/v1/read", files=files, params={"mode": "line", **query})


def problem_of(response: httpx.Response, status: int) -> dict[str, object]:
    """A problem as RFC 9457 wants it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    values: dict[str, object] = response.json()
    assert set(values) == {"type", "title", "status", "detail"}
    assert values["status"] == status
    assert str(values["type"]).startswith("urn:typecase:problem:")
    assert str(values["detail"]).endswith((".", ".)"))
    return values


def test_it_says_how_it_is(client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json()["status"] == "ready"
    assert client.get("/version").json() == {"version": __version__, "document_schema": 1}
    formats = {one["name"]: one for one in client.get("/v1/formats").json()}
    assert formats["text"]["suffix"] == ".txt"
    assert formats["json"]["media_type"] == "application/json"


def test_one_file_is_answered_by_its_document(client: httpx.Client) -> None:
    response = read(client, RECEIPT)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    document = Document.from_json(response.content)
    assert document.text == RECEIPT_TEXT
    assert document.source == "receipt.png"
    with Image.open(RECEIPT) as picture:
        assert (document.pages[0].width, document.pages[0].height) == picture.size
    word = next(iter(document.words))
    assert word.characters[0].text == "G"
    assert 0 < word.confidence <= 1


def large(path: Path) -> bytes:
    """A picture as a file that is not held in memory."""
    content = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").resize((4 * picture.width, 4 * picture.height)).save(content, "TIFF")
    assert 1 << 20 < content.tell() < 2 << 20
    return content.getvalue()


def test_a_large_file_is_read_as_a_small_one(client: httpx.Client) -> None:
    content = large(RECEIPT)
    as_form = client.post("/v1/read", files={"file": ("large.tif", content)}, params={"mode": "line"})
    as_body = client.post("/v1/read", content=content, params={"mode": "line"})
    in_pieces = client.post("/v1/read", content=(content[i : i + 999] for i in range(0, len(content), 999)))
    assert as_form.status_code == as_body.status_code == in_pieces.status_code == 200
    for response in (as_form, as_body):
        assert Document.from_json(response.content).text == RECEIPT_TEXT


def test_a_pattern_and_words_are_taken(client: httpx.Client) -> None:
    response = read(client, RECEIPT, pattern="[A-Za-z]+", words=["Grand", "total"])
    assert Document.from_json(response.content).text.startswith("Grand total")
    problem_of(read(client, RECEIPT, pattern="[A-Z"), 400)


def test_the_answer_takes_the_form_that_is_asked_for(client: httpx.Client) -> None:
    for response in (
        read(client, RECEIPT, format="text"),
        client.post("/v1/read?mode=line", content=RECEIPT.read_bytes(), headers={"Accept": "text/plain"}),
        # What curl --data-binary calls every body.
        client.post("/v1/read?mode=line", content=RECEIPT.read_bytes(), headers={"Accept": "text/plain", **FORM}),
    ):
        assert response.text == RECEIPT_TEXT + "\n"
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "receipt.txt" in read(client, RECEIPT, format="text").headers["content-disposition"]
    assert "docx" in str(problem_of(read(client, RECEIPT, format="docx"), 400)["detail"])
    response = client.post("/v1/read", content=b"x", headers={"Accept": "image/png"})
    assert "application/json" in str(problem_of(response, 406)["detail"])


def test_every_format_is_written(client: httpx.Client) -> None:
    for form in client.get("/v1/formats").json():
        response = read(client, RECEIPT, format=form["name"])
        assert response.status_code == 200, (form, response.text)
        assert response.headers["content-type"].startswith(form["media_type"])
        # There is no table in a line.
        assert bool(response.content) == (form["name"] != "csv")
    assert b">Grand<" in read(client, RECEIPT, format="hocr").content
    assert b">G<" in read(client, RECEIPT, format="hocr", characters=True).content
    words = read(client, RECEIPT, format="json", characters=False).json()["pages"][0]["blocks"][0]["lines"][0]["words"]
    assert not words[0].get("characters")


def test_several_files_are_answered_together(client: httpx.Client, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    answers = read(client, RECEIPT, broken, GERMAN).json()["documents"]
    assert [Document.from_dict(answers[place]).text for place in (0, 2)] == [RECEIPT_TEXT, GERMAN_TEXT]
    assert answers[1]["status"] == 422
    assert "broken.png" in answers[1]["detail"]
    response = read(client, RECEIPT, broken, RECEIPT, format="text")
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.namelist() == ["receipt.txt", "broken.problem.json", "receipt-3.txt"]
        assert archive.read("receipt.txt").decode() == RECEIPT_TEXT + "\n"


def test_options_change_what_is_read(client: httpx.Client) -> None:
    digits = Document.from_json(read(client, RECEIPT, allow="0123456789").content)
    assert set(digits.text) <= set("0123456789 ")
    assert digits.text
    whole = Document.from_json(read(client, RECEIPT).content)
    last = list(whole.words)[-1]
    region = ",".join(str(value) for value in (last.box.x - 8, 0, last.box.width + 16, whole.pages[0].height))
    assert Document.from_json(read(client, RECEIPT, region=region).content).text == last.text
    none = Document.from_json(read(client, RECEIPT, alternatives=0).content)
    assert not any(character.alternatives for word in none.words for character in word.characters)


def test_pages_are_chosen_and_counted(client: httpx.Client) -> None:
    tiff = pages_of_lines(RECEIPT, GERMAN, RECEIPT, GERMAN)
    response = client.post("/v1/read?mode=line&pages=2-3&format=text", content=tiff)
    assert response.text.split("\f") == [f"{GERMAN_TEXT}\n", f"\n{RECEIPT_TEXT}\n"]
    problem = problem_of(client.post("/v1/read?mode=line", content=tiff), 413)
    assert "4 pages" in str(problem["detail"])
    assert "job" in str(problem["detail"])


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"mode": "novel"}, "mode"),
        ({"alternatives": 99}, "alternatives"),
        ({"region": "1,2"}, "region"),
        ({"language": "klingon"}, "klingon"),
        ({"pages": "0"}, "0"),
        ({"dpi": -1}, "resolution"),
        ({"allow": " "}, "characters"),
        ({"pattern": "(["}, "pattern"),
        ({"decoder": "magic"}, "decoder"),
        ({"language_model": "/etc/passwd"}, "language_model"),
    ],
)
def test_an_impossible_option_is_named(client: httpx.Client, query: dict[str, Any], word: str) -> None:
    assert word in str(problem_of(read(client, RECEIPT, **query), 400)["detail"])


def test_what_brings_no_picture_is_refused(client: httpx.Client) -> None:
    assert problem_of(client.post("/v1/read"), 400)["type"] == "urn:typecase:problem:no-file"
    problem_of(client.post("/v1/read", files={"other": b"x"}), 400)
    problem_of(client.post("/v1/read", data={"file": "x"}), 422)
    problem_of(client.post("/v1/read", content=b"{}", headers={"Content-Type": "application/json"}), 400)
    bad = {"Content-Type": "multipart/form-data; boundary=x"}
    problem_of(client.post("/v1/read", content=b"--x\r\nnonsense", headers=bad), 400)
    problem_of(client.post("/v1/read", content=b"", headers={"Content-Type": "multipart/form-data"}), 400)
    assert "empty" in str(problem_of(client.post("/v1/read", files={"file": ("a.png", b"")}), 422)["detail"])


def test_unknown_places_and_methods_are_problems(client: httpx.Client) -> None:
    problem_of(client.get("/nothing"), 404)
    problem_of(client.get("/v1/read"), 405)
    problem_of(client.get("/v1/jobs/none"), 404)


def test_a_character_is_told_with_alternatives(client: httpx.Client) -> None:
    content = io.BytesIO()
    bar("I", size=64).save(content, "PNG")
    answer = client.post("/v1/classify?top=4", files={"file": ("i.png", content.getvalue())}).json()
    assert answer["path"] == "i.png"
    assert answer["class"] in "Il1"
    assert len(answer["alternatives"]) == 3
    confidences = [answer["confidence"], *(other["confidence"] for other in answer["alternatives"])]
    assert confidences == sorted(confidences, reverse=True)
    problem_of(client.post("/v1/classify", content=b"no picture"), 422)
    problem_of(client.post("/v1/classify?top=0", content=content.getvalue()), 400)


def test_an_encrypted_pdf_is_read_with_its_password(service: Service, client: httpx.Client) -> None:
    content = io.BytesIO()
    with Image.open(RECEIPT) as picture, pikepdf.new() as pdf:
        drawn = io.BytesIO()
        picture.convert("RGB").save(drawn, "PDF", resolution=200)
        with pikepdf.open(drawn) as plain:
            pdf.pages.extend(plain.pages)
            pdf.save(content, encryption=pikepdf.Encryption(owner="o", user="open sesame"))
    file = {"file": ("bill.pdf", content.getvalue())}
    assert "password" in str(problem_of(client.post("/v1/read?mode=line", files=file), 422)["detail"])
    answer = client.post("/v1/read?mode=line&format=text", files=file, data={"password": "open sesame"})
    assert answer.text == RECEIPT_TEXT + "\n"
    headers = {"X-Password": "open%20sesame"}
    answer = client.post("/v1/read?mode=line&format=text", content=content.getvalue(), headers=headers)
    assert answer.text == RECEIPT_TEXT + "\n"
    job = client.post("/v1/jobs?mode=line", files=file, data={"password": "open sesame"}).json()["id"]
    assert service.wait_for_job(job)["state"] == "done"
    assert client.get(f"/v1/jobs/{job}/pages/1/picture").status_code == 200
    assert client.get(f"/v1/jobs/{job}/result?format=text").text == RECEIPT_TEXT + "\n"
    assert client.get(f"/v1/jobs/{job}/result?format=pdf").content.startswith(b"%PDF")
    assert "sesame" not in client.get(f"/v1/jobs/{job}/result").text


def test_metrics_count_what_was_done(client: httpx.Client) -> None:
    read(client, RECEIPT)
    text = client.get("/metrics").text
    assert 'typecase_requests_total{method="POST",route="/v1/read",status="200"}' in text
    assert "typecase_pages_total" in text
    assert "typecase_queue_length 0.0" in text
    client.get("/v1/jobs/a-secret-name")
    assert "a-secret-name" not in client.get("/metrics").text


def test_the_description_is_valid_and_its_examples_fit(client: httpx.Client) -> None:
    description = client.get("/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    schemas = description["components"]["schemas"]
    assert {"Document", "Page", "Line", "Word", "Character", "ProblemBody", "JobAnswer"} <= set(schemas)
    assert "HTTPValidationError" not in json.dumps(description)
    resolved = {"components": {"schemas": schemas}}
    example = description["paths"]["/v1/read"]["post"]["responses"]["200"]["content"]["application/json"]["example"]
    jsonschema.validate(example, {"$ref": "#/components/schemas/Document", **resolved})
    assert Document.from_dict(example).text == "Total 12.50"
    for name, schema in schemas.items():
        for one in schema.get("examples", []):
            jsonschema.validate(one, {"$ref": f"#/components/schemas/{name}", **resolved})
    answer = read(client, RECEIPT).json()
    jsonschema.validate(answer, {"$ref": "#/components/schemas/Document", **resolved})
    for path in description["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            assert operation["tags"]


def test_nothing_of_an_upload_stays(service: Service, client: httpx.Client) -> None:
    before = set(Path(tempfile.gettempdir()).glob("typecase-*"))
    read(client, RECEIPT)
    client.post("/v1/read", content=b"no picture")
    client.post("/v1/read", content=large(RECEIPT))
    client.post("/v1/read", files={"file": ("large.tif", b"no picture".ljust(3 << 19))})
    assert set(Path(tempfile.gettempdir()).glob("typecase-*")) == before


def test_it_stops_in_good_order(tmp_path: Path) -> None:
    with running(tmp_path / "jobs", "--workers", "1") as service:
        assert service.stop(signal.SIGINT) in (0, 130, -2)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--model", "none.onnx"], 4, "none.onnx"),
        (["--language", "klingon"], 2, "klingon"),
        (["--keys", "none.txt"], 2, "none.txt"),
        (["--new-key", "alice"], 2, "--keys FILE --new-key"),
        (["--allow-origin", "example.org"], 2, "is no web site"),
        (["--jobs", "/dev/null/jobs"], 6, "Jobs cannot be kept"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_sentence(
    run_typecase: RunTypecase, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    done = run_typecase("serve", "--port", "0", "--jobs", tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("Error: ")


def test_a_port_that_is_taken_is_named(run_typecase: RunTypecase, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_typecase("serve", "--port", str(port), "--jobs", tmp_path)
    assert done.returncode == 2
    assert f"Nothing can listen on 127.0.0.1, port {port}" in done.stderr


def test_it_says_which_extra_is_missing(run_typecase: RunTypecase) -> None:
    done = run_typecase("serve", blocked=["fastapi", "uvicorn"])
    assert done.returncode == 7
    assert "pip install 'typecase[serve]'" in done.stderr
