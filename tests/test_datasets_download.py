"""Downloads from a server of our own on this machine: whole, broken off, gone on with, and not what was meant."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dataset_fixtures import fnt, write_tar
from typecase.datasets.chars74k import EnglishFnt
from typecase.datasets.download import ORIGINALS, Original, download
from typecase.errors import DataError, NetworkError, OutputError, UsageError
from typecase.preprocess import CharacterPreprocess


@dataclass
class Site:
    """What the server has and how it misbehaves."""

    data: bytes
    etag: str = '"one"'
    ranges: bool = True
    break_after: int | None = None
    state_length: bool = True
    status: int | None = None
    url: str = ""
    requests: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(write_tar(tmp_path / "made.tgz", fnt(count=10)).read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(dict(self.headers.items()))
            if site.status is not None:
                self.send_error(site.status)
                return
            data, start = site.data, 0
            wanted = self.headers.get("Range", "")
            if site.ranges and wanted and self.headers.get("If-Range") == site.etag:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(data):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            if site.state_length:
                self.send_header("Content-Length", str(len(data) - start))
            self.send_header("ETag", site.etag)
            self.end_headers()
            end = len(data) if site.break_after is None else min(len(data), start + site.break_after)
            self.wfile.write(data[start:end])

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/EnglishFnt.tgz"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


def test_whole_download_is_recorded_and_not_repeated(site: Site, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = download("fnt", tmp_path / "data", url=site.url, progress=lambda *now: told.append(now))
    assert path == tmp_path / "data" / "EnglishFnt.tgz"
    assert path.read_bytes() == site.data
    assert told[0] == (0, len(site.data))
    assert told[-1] == (len(site.data), len(site.data))
    digest = hashlib.sha256(site.data).hexdigest()
    assert path.with_name("EnglishFnt.tgz.sha256").read_text() == f"{digest}  EnglishFnt.tgz\n"
    assert sorted(one.name for one in path.parent.iterdir()) == ["EnglishFnt.tgz", "EnglishFnt.tgz.sha256"]
    assert download("fnt", tmp_path / "data", url=site.url) == path
    assert len(site.requests) == 1


def test_broken_download_goes_on(site: Site, tmp_path: Path) -> None:
    site.break_after = 5000
    with pytest.raises(NetworkError, match=r"broke off after 5,000 .*run again"):
        download("fnt", tmp_path, url=site.url)
    assert not (tmp_path / "EnglishFnt.tgz").exists()
    site.break_after = None
    assert download("fnt", tmp_path, url=site.url).read_bytes() == site.data
    assert site.requests[1]["Range"] == "bytes=5000-"


@pytest.mark.parametrize("change", ["other file", "no ranges"])
def test_rest_of_another_file_is_never_joined(site: Site, tmp_path: Path, change: str) -> None:
    site.break_after = 5000
    with pytest.raises(NetworkError):
        download("fnt", tmp_path, url=site.url)
    site.break_after = None
    if change == "other file":
        site.etag, site.data = '"two"', write_tar(tmp_path / "other.tgz", fnt(count=9)).read_bytes()
    else:
        site.ranges = False
    assert download("fnt", tmp_path, url=site.url).read_bytes() == site.data


def test_part_longer_than_the_file_is_fetched_anew(site: Site, tmp_path: Path) -> None:
    site.break_after = 5000
    with pytest.raises(NetworkError):
        download("fnt", tmp_path, url=site.url)
    site.break_after = None
    with open(tmp_path / "EnglishFnt.tgz.part", "ab") as file:
        file.write(bytes(len(site.data)))
    assert download("fnt", tmp_path, url=site.url).read_bytes() == site.data


def test_stated_sum(site: Site, tmp_path: Path) -> None:
    digest = hashlib.sha256(site.data).hexdigest()
    with pytest.raises(NetworkError, match="another file than the one that is meant"):
        download("fnt", tmp_path, url=site.url, sha256="0" * 64)
    assert not list(tmp_path.glob("EnglishFnt.tgz*"))
    path = download("fnt", tmp_path, url=site.url, sha256=digest.upper())
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        download("fnt", tmp_path, url=site.url, sha256="abc")
    path.write_bytes(site.data + b"more")
    with pytest.raises(DataError, match="delete it and download it again"):
        download("fnt", tmp_path, url=site.url)


def test_too_large_is_refused_with_and_without_a_stated_length(site: Site, tmp_path: Path) -> None:
    for site.state_length in (True, False):
        with pytest.raises(NetworkError, match="larger than the 1,000 bytes"):
            download("fnt", tmp_path, url=site.url, max_bytes=1000)
        assert not (tmp_path / "EnglishFnt.tgz").exists()


def test_web_page_instead_of_an_archive(site: Site, tmp_path: Path) -> None:
    site.data = b"<html>This page has moved</html>"
    with pytest.raises(NetworkError, match=r"no \.tgz archive"):
        download("fnt", tmp_path, url=site.url)
    assert not (tmp_path / "EnglishFnt.tgz").exists()
    assert not (tmp_path / "EnglishFnt.tgz.part").exists()


def test_gone_and_out_of_reach(site: Site, tmp_path: Path) -> None:
    site.status = 404
    with pytest.raises(NetworkError, match=r"answers 404 .* give its path with --data"):
        download("fnt", tmp_path, url=site.url)
    with pytest.raises(NetworkError, match="cannot be reached"):
        download("fnt", tmp_path, url="http://127.0.0.1:9/EnglishFnt.tgz")


def test_what_cannot_be_downloaded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'letters' cannot be downloaded"):
        download("letters", tmp_path)
    with pytest.raises(UsageError, match="no address on the web"):
        download("fnt", tmp_path, url="file:///etc/passwd")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose another folder"):
        download("fnt", tmp_path / "file" / "below", url="http://127.0.0.1:9/x")


def test_dataset_fetches_itself(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ORIGINALS, "fnt", Original("fnt", site.url, "test"))
    train = EnglishFnt(tmp_path / "data", download=True, preprocess=CharacterPreprocess(size=16))
    assert len(train) == 3 * 6
    assert train.root == tmp_path / "data" / "EnglishFnt.tgz"
    again = EnglishFnt(tmp_path / "data", download=True, preprocess=CharacterPreprocess(size=16))
    assert again.names == train.names
    assert len(site.requests) == 1


def test_addresses_are_the_makers() -> None:
    site = "http://www.ee.surrey.ac.uk/CVSSP/demos/chars74k/"
    assert {original.url for original in ORIGINALS.values()} == {
        f"{site}{name}.tgz" for name in ("EnglishFnt", "EnglishImg", "EnglishHnd", "Lists")
    }


def test_command(site: Site, tmp_path: Path, run_typecase) -> None:  # type: ignore[no-untyped-def]
    done = run_typecase("data", "download", "fnt", "--to", tmp_path / "data", "--url", site.url, blocked=["torch"])
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path / 'data' / 'EnglishFnt.tgz'}\n", "")
    site.status = 503
    done = run_typecase("data", "download", "img", "--to", tmp_path / "data", "--url", site.url)
    assert done.returncode == 9
    assert "answers 503" in done.stderr
    done = run_typecase("data", "download", "img", "fnt", "--url", site.url)
    assert done.returncode == 2
