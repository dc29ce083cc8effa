from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from typecase.document import Block, Box, Character, Document, Line, Page, Point, Word
from typecase.errors import InputError, NetworkError, TooLargeError, UsageError
from typecase.serve import fetching
from typecase.serve.corrections import Correction, corrected
from typecase.serve.formats import chosen_format
from typecase.serve.keys import Keys, add_key, hash_of
from typecase.serve.problems import Problem
from typecase.serve.query import read_query
from typecase.serve.uploads import clean_name
from typecase.writers import FORMATS

# Names of files.


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("receipt.png", "receipt.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\scan.tif", "scan.tif"),
        ("/", "picture"),
        ("", "picture"),
        (None, "picture"),
        ("..", "picture"),
        ("a\x00b\r\nc.png", "abc.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\ud800.png", ".png"),
        ("Straße <b>1</b>.png", "b>.png"),
    ],
)
def test_names_lose_folders_and_what_cannot_be_seen(given: str | None, kept: str) -> None:
    assert clean_name(given) == kept


@given(st.text(max_size=400))
def test_any_name_becomes_a_short_one_without_folders(name: str) -> None:
    kept = clean_name(name)
    assert 0 < len(kept) <= 120
    assert "/" not in kept
    assert "\\" not in kept
    assert kept.isprintable() or any(character.isspace() for character in kept)


# Corrections.


def page_of(*lines: str) -> Page:
    def word(text: str, place: int) -> Word:
        box = Box(place * 100.0, 0.0, 90.0, 20.0)
        step = 90.0 / len(text)
        characters = tuple(Character(one, Box(box.x + n * step, 0, step, 20), 0.5) for n, one in enumerate(text))
        return Word(text, box, 0.5, characters)

    rows = tuple(
        Line(Box(0, 0, 900, 20), 0.25, tuple(word(text, place) for place, text in enumerate(line.split())))
        for line in lines
    )
    return Page(1000, 100, (Block(Box(0, 0, 900, 20), rows),))


def correction(line: int, word: int, was: str, text: str) -> Correction:
    return Correction(block=0, line=line, word=word, was=was, text=text)


def test_a_corrected_word_is_certain_and_keeps_its_place() -> None:
    page = page_of("Tota1 12", "x")
    new, touched = corrected(page, [correction(0, 0, "Tota1", "Total")])
    word = new.blocks[0].lines[0].words[0]
    assert (word.text, word.confidence, word.box) == ("Total", 1.0, Box(0, 0, 90, 20))
    assert [(one.text, one.box, one.confidence) for one in word.characters] == [
        (text, old.box, 1.0) for text, old in zip("Total", page.blocks[0].lines[0].words[0].characters, strict=True)
    ]
    assert new.blocks[0].lines[0].confidence == 0.5
    assert touched == [(0, 0)]
    assert new.blocks[0].lines[1] == page.blocks[0].lines[1]


def test_spaces_divide_a_word_and_an_empty_text_removes_it() -> None:
    page = page_of("ab,cd e", "x")
    new, touched = corrected(page, [correction(0, 0, "ab,cd", "ab, cd"), correction(1, 0, "x", " ")])
    assert [word.text for word in new.blocks[0].lines[0].words] == ["ab,", "cd", "e"]
    first, second, _ = new.blocks[0].lines[0].words
    assert first.box.x == 0
    assert second.box.right == pytest.approx(90)
    assert first.box.right < second.box.x
    # The line stays, so that the others keep their numbers.
    assert [line.text for line in new.blocks[0].lines] == ["ab, cd e", ""]
    assert touched == [(0, 0), (0, 1)]


def test_a_divided_word_that_runs_up_is_divided_along_its_line() -> None:
    polygon = (Point(10, 100), Point(10, 0), Point(30, 0), Point(30, 100))
    line = Line(Box(10, 0, 20, 100), 0.5, (Word("abcd", Box(10, 0, 20, 100), 0.5, (), polygon),), polygon)
    page = Page(100, 100, (Block(line.box, (line,)),))
    new, _ = corrected(page, [correction(0, 0, "abcd", "ab cd")])
    first, second = new.blocks[0].lines[0].words
    assert first.polygon[0] == Point(10, 100)
    assert first.polygon[1] == Point(10, 60)
    assert second.polygon[0] == Point(10, 40)
    assert second.polygon[1] == Point(10, 0)


@pytest.mark.parametrize("wrong", [correction(0, 5, "a", "b"), correction(9, 0, "a", "b"), correction(0, 0, "no", "b")])
def test_what_is_no_longer_there_is_not_corrected(wrong: Correction) -> None:
    with pytest.raises(Problem) as problem:
        corrected(page_of("a b"), [wrong])
    assert problem.value.status == 409


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_any_correction_leaves_a_document_that_json_keeps(texts: list[str]) -> None:
    page = page_of("some words", "and more")
    for text in texts:
        words = page.blocks[0].lines[0].words
        if not words:
            break
        page, _ = corrected(page, [correction(0, 0, words[0].text, text)])
    document = Document((page,))
    assert Document.from_json(document.to_json()) == document
    assert all(word.text and not word.text.isspace() for word in page.words)


# Forms of answers.


@pytest.mark.parametrize(
    ("named", "accept", "format"),
    [
        (None, None, "json"),
        (None, "*/*", "json"),
        ("text", "application/json", "text"),
        ("TXT", None, "text"),
        (None, "text/plain", "text"),
        (None, "application/json;q=0.5, text/plain", "text"),
        (None, "text/html;q=0, application/*", "json"),
        (None, "image/png, text/plain;q=0.1", "text"),
    ],
)
def test_the_form_is_what_is_named_or_accepted(named: str | None, accept: str | None, format: str) -> None:
    assert chosen_format(named, Headers({} if accept is None else {"accept": accept})) == format


def test_a_form_that_is_not_known_is_refused() -> None:
    with pytest.raises(UsageError, match="docx"):
        chosen_format("docx", Headers({}))
    with pytest.raises(Problem) as problem:
        chosen_format(None, Headers({"accept": "image/png"}))
    assert problem.value.status == 406


@given(st.text(max_size=60))
def test_any_accept_gives_a_form_or_a_problem(accept: str) -> None:
    with contextlib.suppress(Problem):
        assert chosen_format(None, Headers(raw=[(b"accept", accept.encode("utf-8", "replace"))])) in FORMATS


# Options.


def test_options_are_checked_before_anything_is_read() -> None:
    query = read_query(mode="line", region="1,2,30,40", language="eng+de", words=["Straße", "Straße", " "])
    assert query.region == (1.0, 2.0, 30.0, 40.0)
    assert query.words == ("Straße",)
    assert type(query).from_dict(query.to_dict()) == query
    for impossible in (
        {"region": "1,2,3"},
        {"region": "nan,0,1,1"},
        {"language": "klingon"},
        {"pages": "0"},
        {"dpi": 1e9},
        {"words": ["x" * 101]},
        {"allow": " "},
    ):
        with pytest.raises(UsageError):
            read_query(**impossible)


# Keys.


def test_a_key_is_shown_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    key = add_key(file, "alice")
    assert file.stat().st_mode & 0o077 == 0
    file.write_text(f"# of the house\n{file.read_text().strip()}")
    other = add_key(file, "bob")
    text = file.read_text()
    assert key not in text
    assert text.startswith("# of the house\nalice sha256:")
    keys = Keys(file)
    assert (keys.owner_of(key), keys.owner_of(other)) == ("alice", "bob")
    assert keys.owner_of(key + "x") is None
    assert keys.owner_of("") is None
    assert keys.owner_of(hash_of(key)) is None


def test_a_withdrawn_key_lets_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    key, other = add_key(file, "alice"), add_key(file, "bob")
    keys = Keys(file)
    file.write_text("".join(line for line in file.read_text().splitlines(True) if "alice" not in line))
    assert keys.owner_of(key) is None
    assert keys.owner_of(other) == "bob"
    file.unlink()
    assert keys.owner_of(other) is None


@pytest.mark.parametrize("content", ["", "alice secret\n", "alice sha256:abc\n", b"\xff\xfe"])
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match="keys"):
        Keys(file)


def test_a_name_is_given_once(tmp_path: Path) -> None:
    add_key(tmp_path / "keys", "alice")
    with pytest.raises(UsageError, match="alice already"):
        add_key(tmp_path / "keys", "alice")
    with pytest.raises(UsageError, match="cannot be"):
        add_key(tmp_path / "keys", "a b\nroot sha256:")


# Addresses.


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 ::1 ::
    fe80::1 fc00::1 fd12:3456::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 2002:7f00:1:: 2002:c0a8:101::
    64:ff9b::7f00:1 64:ff9b::a00:1 2001:db8::1 192.0.2.1 198.18.0.1 240.0.0.1""".split(),
)
def test_private_addresses_are_not_public_however_written(address: str) -> None:
    assert not fetching.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are(address: str) -> None:
    assert fetching.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x.png",
        "http://localhost/x.png",
        "http://[::1]/x.png",
        "http://[::ffff:127.0.0.1]/x.png",
        "http://2130706433/x.png",
        "http://0x7f.1/x.png",
        "http://0/x.png",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1/",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1:22/",
        "http://127.0.0.1:99999/",
        "http:///x",
        "http://[",
        "x.png",
        "http://127.0.0.1/\r\nHost: x",
        "",
    ],
)
def test_addresses_of_no_public_place_are_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Numbers are spelt in many ways; the system's resolver knows them all, and so does this.
    resolved = fetching._resolved
    numbers = ("2130706433", "0x7f.1", "0")
    monkeypatch.setattr(
        fetching,
        "_resolved",
        lambda host, port: [socket.inet_ntoa(socket.inet_aton(host))] if host in numbers else resolved(host, port),
    )
    with pytest.raises(InputError):
        fetching.fetch(address, tmp_path / "file", 1000, 5)
    assert not (tmp_path / "file").exists()


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path == "/missing":
            self.send_error(404)
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 500 if self.path != "/empty" else b"")

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A web site on this machine that seems to be a public place, called example.test, on the usual port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    places = {"example.test": ["93.184.216.34"], "both.test": ["93.184.216.34", "10.0.0.1"], "in.test": ["10.0.0.1"]}
    dialled: list[str] = []

    def dial(place: str, _: int, seconds: float) -> socket.socket:
        dialled.append(place)
        return socket.create_connection(("127.0.0.1", port), timeout=seconds)

    monkeypatch.setattr(fetching, "_resolved", lambda host, _: places[host])
    monkeypatch.setattr(fetching, "_dialled", dial)
    yield
    server.shutdown()
    server.server_close()
    assert set(dialled) <= {"93.184.216.34"}


def test_what_lies_in_a_public_place_is_fetched(site: None, tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert fetching.fetch("http://example.test/a%20b.png?x=1", file, 1000, 5) == "a b.png"
    assert file.read_bytes() == b"x" * 500
    assert fetching.fetch("http://example.test/to//c.png", file, 1000, 5) == "c.png"


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("http://in.test/x", InputError),
        ("http://both.test/x", InputError),
        ("http://example.test/to/http://in.test/x", InputError),
        ("http://example.test/to/file:///etc/passwd", InputError),
        ("http://example.test/to/http://example.test:22/", InputError),
        ("http://example.test/empty", InputError),
        ("http://example.test/missing", NetworkError),
        ("http://example.test" + "/to/" * 5 + "x", NetworkError),
    ],
)
def test_a_redirection_is_followed_by_the_same_rules(
    site: None, tmp_path: Path, address: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        fetching.fetch(address, tmp_path / "file", 1000, 5)


def test_no_more_is_fetched_than_may_be(site: None, tmp_path: Path) -> None:
    with pytest.raises(TooLargeError):
        fetching.fetch("http://example.test/x", tmp_path / "file", 499, 5)
