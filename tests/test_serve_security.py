from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from serve_fixtures import RECEIPT, RECEIPT_TEXT, REPOSITORY, Service, running
from typecase.serve.keys import add_key

_MIB = 1 << 20


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.txt"


@pytest.fixture(scope="module")
def open_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Lets everyone in, from this machine; small limits."""
    arguments = ("--workers", "1", "--max-mib", "2", "--max-pixels", "4000000", "--upload-timeout", "3")
    with running(tmp_path_factory.mktemp("jobs"), *arguments) as service:
        yield service


@pytest.fixture(scope="module")
def closed_service(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Iterator[tuple[Service, str, str]]:
    """Lets in who has a key, and pages of one other site; with the keys of alice and bob."""
    alice, bob = add_key(key_file, "alice"), add_key(key_file, "bob")
    arguments = ("--workers", "1", "--keys", str(key_file), "--allow-origin", "https://example.org", "--allow-urls")
    with running(tmp_path_factory.mktemp("jobs"), *arguments) as service:
        yield service, alice, bob


def lives(service: Service) -> bool:
    """Whether the service still reads, as if nothing had been."""
    response = service.client.post("/v1/read?mode=line&format=text", content=RECEIPT.read_bytes())
    return response.text == RECEIPT_TEXT + "\n"


# What is too much.


def test_a_body_that_is_announced_too_large_is_refused_unread(open_service: Service) -> None:
    with socket.create_connection(_place(open_service), timeout=20) as connection:
        head = f"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {3 * _MIB}\r\n\r\n"
        connection.sendall(head.encode())
        answer = _all_of(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 2 MiB" in answer


def test_a_body_that_grows_too_large_is_refused(open_service: Service) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(48):
            yield b"x" * (_MIB // 16)

    for content_type in ("application/octet-stream", "multipart/form-data; boundary=x"):
        try:
            response = httpx.post(
                open_service.url + "/v1/read", content=chunks(), headers={"Content-Type": content_type}, timeout=30
            )
        except httpx.TransportError:
            # The connection may be closed before all is sent.
            continue
        assert response.status_code in (400, 413)
    assert lives(open_service)


def test_an_upload_that_drips_is_given_up(open_service: Service) -> None:
    begun = time.monotonic()
    with socket.create_connection(_place(open_service), timeout=30) as connection:
        connection.sendall(b"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nx")
        answer = _all_of(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begun >= 2


def test_a_connection_without_a_request_is_closed(open_service: Service) -> None:
    with socket.create_connection(_place(open_service), timeout=60) as connection:
        connection.sendall(b"GET / HT")
        assert connection.recv(1000) == b""
    assert lives(open_service)


def _place(service: Service) -> tuple[str, int]:
    url = httpx.URL(service.url)
    assert url.port is not None
    return url.host, url.port


def _all_of(connection: socket.socket) -> bytes:
    content = b""
    while part := connection.recv(65536):
        content += part
        if b'"detail"' in content:
            break
    return content


# Bombs and wrong types.


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims to be large and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * min(1000, height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def pdf_of(side: int) -> bytes:
    return (
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]>>endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF" % (side, side)
    )


def deep_gif() -> bytes:
    image = Image.new("P", (3000, 3000))
    content = io.BytesIO()
    image.save(content, "GIF")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (png_of(50_000, 50_000), "bomb.png"),
        (png_of(2**31 - 1, 2**31 - 1), "huge.png"),
        (png_of(2000, 2000), "cut.png"),
        (deep_gif(), "large.gif"),
        (b"%PDF-1.7\n" + b"[" * 200_000, "deep.pdf"),
        (b"PK\x03\x04" + b"\0" * 100, "archive.zip"),
        (b"%!PS\nwhile true loop", "program.png"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "script.svg"),
        (b"\x7fELF" + os.urandom(2000), "program.jpg"),
        (b"\xff\xd8\xff" + os.urandom(5000), "noise.jpg"),
        (b"II*\0\x08\0\0\0" + b"\xff" * 500, "loop.tif"),
        (b"#!/bin/sh\n", "x.png"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bombs_and_wrong_kinds_are_refused_in_a_sentence(open_service: Service, content: bytes, name: str) -> None:
    response = open_service.client.post("/v1/read", files={"file": (name, content)})
    assert response.status_code in (413, 422), response.text
    detail = response.json()["detail"]
    assert name in detail
    assert "Traceback" not in detail


def test_a_page_as_large_as_a_house_is_not_drawn_whole(open_service: Service) -> None:
    job = open_service.client.post("/v1/jobs?mode=line", files={"file": ("big.pdf", pdf_of(1_000_000))}).json()["id"]
    open_service.wait_for_job(job)
    assert lives(open_service)
    usage = sum(_resident_mib(pid) for pid in _family(open_service.process.pid))
    assert usage < 4000


def _family(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [pid, *(int(child) for child in listing.stdout.split())]


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB


# Names and paths.


def test_names_lead_nowhere(open_service: Service, tmp_path: Path) -> None:
    target = tmp_path / "written.txt"
    for name in (f"../../../..{target}", str(target), "..\\..\\x.png", "a\x00.png", "CON", "%2e%2e%2fx"):
        answer = open_service.client.post(
            "/v1/read?mode=line", files={"file": (name, RECEIPT.read_bytes(), "image/png")}
        ).json()
        assert "/" not in answer["source"]
        assert "\\" not in answer["source"]
    assert not target.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2fapp.py",
        "/page//etc/passwd",
        "/page/%2fetc/passwd",
        "/page/..\\app.py",
        "/page/",
        "/page/none.js",
        "/../../etc/passwd",
    ],
)
def test_only_files_of_the_page_are_served(open_service: Service, path: str) -> None:
    with socket.create_connection(_place(open_service), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = _all_of(connection)
    assert answer.split()[1] in (b"400", b"404", b"405"), answer[:200]
    assert b"root:" not in answer
    assert b"create_app" not in answer


def test_a_name_cannot_forge_a_header(open_service: Service) -> None:
    forged = 'x"\r\nSet-Cookie: a=b\r\n.png'
    response = open_service.client.post(
        "/v1/read?mode=line&format=text",
        content=RECEIPT.read_bytes(),
        headers={"X-File-Name": "x%22%0D%0ASet-Cookie:a"},
    )
    assert "set-cookie" not in response.headers
    response = open_service.client.post("/v1/read?mode=line", files={"file": (forged, RECEIPT.read_bytes())})
    assert "set-cookie" not in response.headers


# Who may ask.


def test_every_answer_says_what_a_browser_may_do_with_it(open_service: Service) -> None:
    for path in ("/", "/page/main.js", "/health", "/nothing", "/openapi.json"):
        headers = open_service.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
    assert open_service.client.get("/version").headers["cache-control"] == "no-store"


def test_pages_of_other_sites_may_not_ask(open_service: Service) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    response = open_service.client.post("/v1/read", content=RECEIPT.read_bytes(), headers=headers)
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = open_service.client.options("/v1/read", headers=preflight)
    assert "access-control-allow-origin" not in response.headers
    # A name of theirs that was made to lead here.
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""):
        assert open_service.client.get("/v1/formats", headers={"Host": host}).status_code in (400, 403)
    for host in ("localhost", "127.0.0.1:1", "[::1]:8000", "LOCALHOST"):
        assert open_service.client.get("/v1/formats", headers={"Host": host}).status_code == 200


def test_a_site_that_is_allowed_may_ask(closed_service: tuple[Service, str, str]) -> None:
    service, key, _ = closed_service
    headers = {"Origin": "https://example.org", "Sec-Fetch-Site": "cross-site", "X-API-Key": key}
    response = service.client.post("/v1/read?mode=line", content=RECEIPT.read_bytes(), headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://example.org"
    other = {**headers, "Origin": "https://example.org.evil.example"}
    assert service.client.post("/v1/read", content=RECEIPT.read_bytes(), headers=other).status_code == 403


def test_a_key_is_needed_and_jobs_are_its_owners(closed_service: tuple[Service, str, str]) -> None:
    service, alice, bob = closed_service
    client = service.client
    for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
        for response in (
            client.post("/v1/read", content=RECEIPT.read_bytes(), headers=headers),
            client.post("/v1/classify", content=RECEIPT.read_bytes(), headers=headers),
            client.post("/v1/jobs", content=RECEIPT.read_bytes(), headers=headers),
            client.get("/v1/jobs/x/events", headers=headers),
            client.get("/metrics", headers=headers),
        ):
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.headers["content-type"] == "application/problem+json"
    for path in ("/health", "/ready", "/version", "/", "/page/main.js"):
        assert client.get(path).status_code == 200
    mine = {"Authorization": f"Bearer {alice}"}
    job = client.post("/v1/jobs?mode=line", content=RECEIPT.read_bytes(), headers=mine).json()["id"]
    assert client.get(f"/v1/jobs/{job}", headers={"X-API-Key": alice}).status_code == 200
    for path in ("", "/events", "/pages", "/pages/1", "/pages/1/picture", "/result", "/training-data"):
        assert client.get(f"/v1/jobs/{job}{path}", headers={"X-API-Key": bob}).status_code == 404
    assert client.delete(f"/v1/jobs/{job}", headers={"X-API-Key": bob}).status_code == 404
    assert client.delete(f"/v1/jobs/{job}", headers={"X-API-Key": alice}).status_code == 204


# Addresses.


def test_nothing_is_fetched_unless_it_is_allowed(open_service: Service) -> None:
    response = open_service.client.post("/v1/read", json={"url": "https://example.org/x.png"})
    assert response.status_code == 403
    assert "fetches nothing" in response.json()["detail"]


def test_private_addresses_are_never_fetched(closed_service: tuple[Service, str, str]) -> None:
    service, key, _ = closed_service
    headers = {"X-API-Key": key}
    for address in (
        f"{service.url}/health",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "file:///etc/passwd",
        "http://127.0.0.1:22/",
    ):
        response = service.client.post("/v1/read", json={"url": address}, headers=headers)
        assert response.status_code == 422, response.text
        response = service.client.post("/v1/jobs", data={"url": address}, files={"other": b""}, headers=headers)
        assert response.status_code == 422, response.text


# The page.


def test_the_page_never_makes_html_of_text_nor_asks_elsewhere() -> None:
    folder = REPOSITORY / "src" / "typecase" / "serve" / "page"
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert forbidden not in text, (file.name, forbidden)
        assert "https://" not in text, file.name
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", ""), file.name
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert " style=" not in page
    assert "onclick" not in page
