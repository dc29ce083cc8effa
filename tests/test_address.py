"""Documents from the web: a server on this machine gives them, and everything that a bad one gives."""

from __future__ import annotations

import http.server
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from typecase.errors import InputError, NetworkError, TooLargeError
from typecase.sources.address import is_address, shown_address
from typecase.sources.documents import open_document
from typecase.sources.download import fetch


class Answers(http.server.BaseHTTPRequestHandler):
    """What the address asks for."""

    def do_GET(self) -> None:
        what = self.path.strip("/").split("?")[0]
        if what == "moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
        elif what == "ftp":
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1/x")
            self.end_headers()
        elif what == "file":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        elif what == "missing":
            self.send_error(404)
        elif what == "short":
            self.answer(b"x" * 10, length=100)
        elif what == "liar":
            # Larger than it says nothing about.
            self.answer(b"x" * 5000, length=None)
        elif what == "slow":
            # Not a word until whoever asks has given up; who never does is told nothing.
            self.connection.settimeout(10)
            self.connection.recv(1)
        elif what == "dripping":
            self.send_response(200)
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.02)
        elif what == "who":
            self.answer(str(self.headers["Authorization"]).encode())
        elif what == "leave":
            self.send_response(302)
            self.send_header("Location", "/who")
            self.end_headers()
        elif what == "scan.png":
            buffer = io.BytesIO()
            Image.new("L", (40, 30), 99).save(buffer, "PNG")
            self.answer(buffer.getvalue())
        else:
            self.answer(f"content for {self.headers['User-Agent'].split('/')[0]}".encode())

    def answer(self, content: bytes, length: int | None = -1) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(len(content) if length < 0 else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_lies_there(site: str) -> None:
    assert fetch(f"{site}/good") == b"content for typecase"
    assert fetch(f"{site}/moved") == b"content for typecase"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("missing", r"/missing cannot be fetched: the server answers 404 \(Not Found\); check the address\."),
        ("short", r"/short (broke off after 10 of 100 bytes; try again|cannot be fetched)"),
        ("ftp", "cannot be"),
        ("file", "cannot be"),
    ],
)
def test_answers_that_are_none(site: str, path: str, sentence: str) -> None:
    with pytest.raises(NetworkError, match=sentence) as caught:
        fetch(f"{site}/{path}")
    assert "\n" not in str(caught.value)


def test_limits(site: str) -> None:
    with pytest.raises(TooLargeError, match="is larger than"):
        fetch(f"{site}/good", max_bytes=10)
    with pytest.raises(TooLargeError, match="is larger than"):
        fetch(f"{site}/liar", max_bytes=4000)
    with pytest.raises(NetworkError, match="does not answer"):
        fetch(f"{site}/slow", timeout=0.1)
    with pytest.raises(NetworkError, match="takes too long"):
        fetch(f"{site}/dripping", most_seconds=0.05)


def test_names_and_passwords_go_to_the_first_server_only(site: str) -> None:
    address = site.replace("http://", "http://me:se%20cret@")
    assert fetch(f"{address}/who") == b"Basic bWU6c2UgY3JldA=="
    assert fetch(f"{address}/leave") == b"None"


def test_a_document_from_an_address(site: str) -> None:
    address = site.replace("http://", "http://me:secret@")
    with open_document(f"{address}/scan.png") as document:
        [page] = document
        assert (document.name, page.picture().size) == (f"{site}/scan.png", (40, 30))
    # Only a text is an address; as a path it is a file that is not there.
    with pytest.raises(InputError, match="does not exist"):
        open_document(Path(f"{site}/scan.png"))


def test_nobody_there() -> None:
    # Port 9 discards what it is sent, where anything listens at all.
    with pytest.raises(NetworkError, match="cannot be reached"):
        fetch("http://127.0.0.1:9/x")
    with pytest.raises(NetworkError, match="cannot be"):
        fetch("http://127.0.0.1:port/x")
    with pytest.raises(NetworkError, match="cannot be"):
        fetch("http://[::1/x")


def test_what_an_address_is() -> None:
    assert is_address("https://example.org/a.pdf")
    assert is_address("HTTP://example.org")
    assert not any(map(is_address, ["ftp://example.org/a", "file:///etc/passwd", "httpx", "a/http://b", b"http://a"]))


def test_passwords_are_not_shown() -> None:
    assert shown_address("https://me:secret@example.org:81/a?b=c") == "https://example.org:81/a?b=c"
    assert shown_address("https://example.org/a@b") == "https://example.org/a@b"
