"""What the arguments of `typecase read` stand for, and how far it has come."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from typecase.cli import output
from typecase.cli.picture_arguments import in_one_line
from typecase.cli.read import _Progress, _usual_jobs
from typecase.cli.read_inputs import check_names, find_inputs
from typecase.errors import UsageError
from typecase.sources import listed_files


def stems(*arguments: str | Path) -> list[str]:
    return [one.stem for one in find_inputs([str(argument) for argument in arguments], None, (), ())]


@pytest.mark.parametrize(
    ("address", "stem"),
    [
        ("https://example.org/a/scan.pdf?page=1#x", "scan"),
        ("https://example.org/a/b/", "b"),
        ("https://example.org", "example.org"),
        ("https://example.org/..", "example.org"),
        ("https://[::1/x", "address"),
        ("https://example.org/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "etcpasswd"),
        ("https://example.org/a%00b%0ac.png", "abc"),
        (f"https://example.org/{'x' * 500}.png", "x" * 100),
    ],
)
def test_results_of_an_address_have_a_harmless_name(address: str, stem: str) -> None:
    assert stems(address) == [stem]


def test_the_password_of_an_address_is_not_shown() -> None:
    [one] = find_inputs(["https://me:secret@example.org/a.pdf"], None, (), ())
    assert (one.name, one.source) == ("https://example.org/a.pdf", "https://me:secret@example.org/a.pdf")


def test_the_same_names_are_told_apart_where_they_can_be(tmp_path: Path) -> None:
    assert stems("a.png", "a.jpg", "b.png") == ["a.png", "a.jpg", "b"]
    same = find_inputs(["x/a.png", "y/a.png"], None, (), ())
    with pytest.raises(UsageError, match=r"Two documents are called a\.png"):
        check_names(same)
    check_names(find_inputs(["x/a.png", "x/./a.png", "y/b.png"], None, (), ()))


def test_files_without_a_name_or_an_ending() -> None:
    assert stems("scan", ".png", "a.b.pdf") == ["scan", ".png", "a.b"]


def test_lists() -> None:
    assert listed_files(b"a.png\r\n\n  \nb c.png\n", "list") == ["a.png", "b c.png"]
    assert listed_files(b"a\nb.png\0c.png\0", "list") == ["a\nb.png", "c.png"]
    with pytest.raises(UsageError, match="The list list names no file"):
        listed_files(b"\n \n", "list")


def test_messages_stay_on_one_line() -> None:
    assert in_one_line("a\nb\r\x1b[31m\u2028c é \u00a0d") == "a\\nb\\r\\x1b[31m\\u2028c é \u00a0d"
    assert in_one_line("a\udcff") == "a\ufffd"
    assert in_one_line("a\udcff\ud800") == "a??"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("documents", "word"), [(3, "Documents"), (1, "Pages")])
def test_a_bar_is_shown_to_who_looks(monkeypatch: pytest.MonkeyPatch, documents: int, word: str) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with _Progress(documents, hidden=False) as progress:
        if progress.page_done is not None:
            progress.page_done(1, 3)
            progress.page_done(2, 3)
        else:
            progress.document_done()
            progress.document_done()
    assert isinstance(sys.stderr, Terminal)
    shown = sys.stderr.getvalue()
    assert word in shown
    assert "2/3" in shown


def test_no_bar_where_nobody_looks_or_all_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with _Progress(3, hidden=False) as progress:
        progress.document_done()
    monkeypatch.setattr(sys, "stderr", Terminal())
    for count, hidden in ((3, True), (1, False)):
        with _Progress(count, hidden=hidden) as progress:
            if progress.page_done is not None:
                progress.page_done(1, 1)
            progress.document_done()
    assert isinstance(sys.stderr, Terminal)
    assert sys.stderr.getvalue() == ""
    assert output.verbosity() >= -1


def test_as_many_processes_as_are_worth_their_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typecase.cores.usable_cores", lambda: 4)
    monkeypatch.setattr("typecase.cli.read.MEMORY_A_PROCESS", 1)
    assert [_usual_jobs(count, None, "page") for count in (1, 7, 8, 12, 1000)] == [1, 1, 2, 3, 4]
    assert [_usual_jobs(1, pages, "page") for pages in (3, 16, 1000)] == [1, 2, 4]
    assert [_usual_jobs(count, None, "line") for count in (100, 2000)] == [1, 4]
    monkeypatch.setattr("typecase.cli.read.MEMORY_A_PROCESS", 1 << 60)
    assert _usual_jobs(1000, None, "page") == 1
