"""`typecase read` with documents: names of results, what is never overwritten, what goes on, what fails.

What finds lines on a page is replaced by `RowReader`; the shipped models are used in test_read_pages.py.
"""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from line_fixtures import line_picture, write_line_model
from pdf_fixtures import bomb, pdf_of
from row_fixtures import RowReader, divided_page, page_picture
from typecase.cli import main, read_job
from typecase.document import Document
from typecase.reader import Reader


class Done(NamedTuple):
    code: int
    out: str
    err: str


Cli = Callable[..., Done]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_line_model(tmp_path_factory.mktemp("model") / "lines.onnx")


@pytest.fixture
def cli(model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs the command in this process, with the tiny model."""
    monkeypatch.setattr(Reader, "page_reader", property(lambda self: RowReader(self.recognizer)))

    def run(*arguments: str | Path, stdin: bytes = b"") -> Done:
        words = ["typecase", "read", *(os.fspath(argument) for argument in arguments), "--model", str(model)]
        monkeypatch.setattr(sys, "argv", words)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as left:
            main.main()
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Done(int(left.value.code), said.out, said.err)

    return run


def save(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    page_picture(lines).save(path)
    return path


def scan(*lines: str) -> dict[str, Any]:
    image = page_picture(lines, height=400)
    return {"image": image, "size": image.size}


def pdf(path: Path, *pages: dict[str, Any], **options: Any) -> Path:
    path.write_bytes(pdf_of(pages, **options))
    return path


def loaded(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


BROKEN = {"image": b"no JPEG" * 99, "declared": (320, 400), "size": (320, 400)}


def test_the_text_of_a_page(cli: Cli, tmp_path: Path) -> None:
    assert cli(save(tmp_path / "page.png", "AB OE", "", "I")) == (0, "AB OE\n\nI\n", "")


def test_a_blank_page_has_empty_text(cli: Cli, tmp_path: Path) -> None:
    assert cli(save(tmp_path / "page.png", "")) == (0, "\n", "")


def test_results_follow_the_names_of_what_was_read(cli: Cli, tmp_path: Path) -> None:
    save(tmp_path / "in" / "a b é.png", "A")
    save(tmp_path / "in" / "2024" / "b.png", "B")
    save(tmp_path / "in" / "c.png", "O")
    save(tmp_path / "in" / "c.tiff", "E")
    pdf(tmp_path / "in" / "d.pdf", scan("A"), scan("B"))
    out = tmp_path / "out"
    assert cli(tmp_path / "in", "-o", out, "--format", "text,json", "--boxes") == (0, "", "")
    expected = [
        *("2024/b.txt", "2024/b.json", "2024/b.boxes.png", "a b é.txt", "a b é.json", "a b é.boxes.png"),
        *("c.png.txt", "c.png.json", "c.png.boxes.png", "c.tiff.txt", "c.tiff.json", "c.tiff.boxes.png"),
        *("d.txt", "d.json", "d.boxes.png", "d.boxes-2.png"),
    ]
    assert names(out) == sorted(expected)
    assert (out / "d.txt").read_text() == "A\n\f\nB\n"
    document = Document.from_json((out / "2024" / "b.json").read_bytes())
    assert (document.text, document.source) == ("B", str(tmp_path / "in" / "2024" / "b.png"))
    assert document.provenance["options"]["mode"] == "page"
    assert loaded(out / "d.boxes-2.png").size == (320, 400)


def test_every_format_at_once(cli: Cli, tmp_path: Path) -> None:
    from typecase.writers import FORMATS

    path = pdf(tmp_path / "x.pdf", scan("A"), scan("B"))
    out = tmp_path / "out"
    assert cli(path, "-o", out, "--format", ",".join(FORMATS)) == (0, "", "")
    found = names(out)
    for kind in FORMATS.values():
        assert f"x{kind.suffix}" in found
        assert (f"x{kind.suffix_of(2)}" in found) == kind.page_a_file or not kind.page_a_file
    assert not [name for name in found if "partial" in name]


def test_boxes_lie_beside_the_picture_without_a_folder(cli: Cli, tmp_path: Path) -> None:
    path = save(tmp_path / "page.png", "A")
    assert cli(path, "--boxes").out == "A\n"
    drawn, plain = loaded(tmp_path / "page.boxes.png"), loaded(path)
    assert drawn.size == plain.size
    assert drawn.getcolors(1 << 16) != plain.getcolors(1 << 16)
    again = cli(path, "--boxes")
    assert again.code == 6
    assert cli(path, "--boxes", "--overwrite").code == 0


def test_nothing_is_overwritten_unasked(cli: Cli, tmp_path: Path) -> None:
    for name in "ab":
        save(tmp_path / "in" / f"{name}.png", name.upper())
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_text("mine")
    refused = cli(tmp_path / "in", "-o", out)
    assert (refused.code, refused.out) == (6, "")
    assert refused.err.startswith(f"Error: {out / 'a.txt'} is there already; go on with what is missing (--resume), ")
    assert names(out) == ["a.txt"]
    assert cli(tmp_path / "in", "-o", out, "--resume").code == 0
    assert [(out / f"{name}.txt").read_text() for name in "ab"] == ["mine", "B\n"]
    assert cli(tmp_path / "in", "-o", out, "--overwrite").code == 0
    assert [(out / f"{name}.txt").read_text() for name in "ab"] == ["A\n", "B\n"]


def test_what_was_stopped_goes_on(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abe":
        save(tmp_path / "in" / f"{name}.png", name.upper())
    read: list[str] = []
    usual = Reader.open

    def interrupted(self: Reader, source: Any, *arguments: Any, **options: Any) -> Any:
        if len(read) == 1:
            raise KeyboardInterrupt
        read.append(Path(source).name)
        return usual(self, source, *arguments, **options)

    out = tmp_path / "out"
    monkeypatch.setattr(Reader, "open", interrupted)
    stopped = cli(tmp_path / "in", "-o", out, "-j", "1")
    assert (stopped.code, names(out)) == (130, ["a.txt"])
    assert "Interrupted; 1 of 3 documents are done. --resume goes on." in stopped.err
    monkeypatch.setattr(Reader, "open", usual)
    before = (out / "a.txt").stat().st_mtime_ns
    assert cli(tmp_path / "in", "-o", out, "--resume").code == 0
    assert names(out) == ["a.txt", "b.txt", "e.txt"]
    assert (out / "a.txt").stat().st_mtime_ns == before


def test_a_format_that_is_missing_is_added(cli: Cli, tmp_path: Path) -> None:
    path, out = save(tmp_path / "a.png", "A"), tmp_path / "out"
    assert cli(path, "-o", out).code == 0
    (out / "a.txt").write_text("mine")
    assert cli(path, "-o", out, "--resume", "--format", "text,json").code == 0
    assert (out / "a.txt").read_text() == "mine"
    assert names(out) == ["a.json", "a.txt"]


def test_another_process_that_was_faster(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = save(tmp_path / "a.png", "A"), tmp_path / "out"
    usual = RowReader.read

    def slow(self: RowReader, *arguments: Any, **options: Any) -> Any:
        out.mkdir(exist_ok=True)
        (out / "a.txt").write_text("of the other")
        return usual(self, *arguments, **options)

    monkeypatch.setattr(RowReader, "read", slow)
    late = cli(path, "-o", out)
    assert late.code == 6
    assert "is there already" in late.err
    assert cli(path, "-o", out, "--resume") == (0, "", "")
    (out / "a.txt").unlink()
    assert cli(path, "-o", out, "--resume") == (0, "", "")
    assert (out / "a.txt").read_text() == "of the other"
    assert names(out) == ["a.txt"]


def test_what_is_read_is_not_overwritten_by_its_result(cli: Cli, tmp_path: Path) -> None:
    path = pdf(tmp_path / "x.pdf", scan("A"))
    content = path.read_bytes()
    for more in ([], ["--overwrite"], ["--resume"]):
        refused = cli(path, "-o", tmp_path, "--format", "pdf", *more)
        assert (refused.code, refused.out) == (6, "")
        assert "is read, and would be overwritten by its own result; write into another folder" in refused.err
    assert path.read_bytes() == content


def test_some_fail_and_the_others_are_done(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    save(folder / "a.png", "A")
    (folder / "b.png").write_text("no picture")
    pdf(folder / "c.pdf", scan("A"), password="key")
    pdf(folder / "d.pdf")
    (folder / "e.pdf").write_bytes(b"%PDF-1.7 rubbish")
    pdf(folder / "f.pdf", scan("B"), BROKEN, scan("O"))
    save(folder / "g.png", "E")
    done = cli(folder, "-o", tmp_path / "out")
    assert done.code == 5
    assert names(tmp_path / "out") == ["a.txt", "f.txt", "g.txt"]
    lines = done.err.splitlines()
    assert len(lines) == 6
    for line, part in zip(
        lines,
        [
            "b.png is not a picture",
            "c.pdf is encrypted; give its password (--password).",
            "d.pdf is a PDF without pages",
            "e.pdf is a PDF that is damaged",
            "f.pdf, page 2, holds a picture that is damaged",
            f"Error: 4 of 7 documents could not be read ({folder / 'b.png'}, {folder / 'c.pdf'}, {folder / 'd.pdf'}, "
            f"{folder / 'e.pdf'}) and 1 of 3 pages could not be read ({folder / 'f.pdf'}); the others were done.",
        ],
        strict=True,
    ):
        assert part in line
    assert (tmp_path / "out" / "f.txt").read_text() == "B\n\f\n\n\f\nO\n"


@pytest.mark.parametrize(
    ("content", "code", "part"),
    [
        (pdf_of([scan("A")], password="key"), 10, "is encrypted"),
        (bomb(), 11, "= 1,600,000,000 pixels, and at most 200,000,000 are read; allow more (--max-pixels 1600000000"),
        (pdf_of([]), 3, "without pages"),
        (pdf_of([scan("A")])[:300], 3, "damaged or incomplete"),
        (pdf_of([BROKEN]), 3, "holds a picture that is damaged"),
        (b"", 3, "is empty"),
    ],
)
def test_a_failure_alone_has_its_own_code(cli: Cli, tmp_path: Path, content: bytes, code: int, part: str) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(content)
    done = cli(path)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert part in done.err


def test_when_all_fail_alike(cli: Cli, tmp_path: Path) -> None:
    for name in "ab":
        pdf(tmp_path / f"{name}.pdf", scan("A"), password="key")
    done = cli(tmp_path)
    assert done.code == 10
    assert "None of the 2 documents could be read" in done.err


def test_passwords(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pdf(tmp_path / "x.pdf", scan("A"), password="open it")
    assert cli(path, "--password", "open it").out == "A\n"
    wrong = cli(path, "--password", "shut it")
    assert wrong.code == 10
    assert "does not open" in wrong.err
    assert "shut it" not in wrong.err
    # Where others cannot see it in the list of processes.
    monkeypatch.setenv("TYPECASE_PASSWORD", "open it")
    done = cli(path, "--format", "json")
    assert done.code == 0
    assert "open it" not in done.out


def test_a_page_of_two_hundred_inches(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typecase.sources.pdf.MAX_DRAWN_PIXELS", 1_000_000)
    path = pdf(tmp_path / "map.pdf", {"size": (14400, 14400)})
    done = cli(path)
    assert (done.code, done.out) == (0, "\n")
    assert "measures 200 x 200 inches and is drawn at 5 dots per inch; --dpi draws it finer." in done.err
    assert cli(path, "--dpi", "200").code == 11


def test_names_with_line_breaks(cli: Cli, tmp_path: Path) -> None:
    save(tmp_path / "in" / "a\nb.png", "A")
    (tmp_path / "in" / "c\nd.png").write_text("no picture")
    done = cli(tmp_path / "in", "-o", tmp_path / "out", "--format", "json")
    assert done.code == 5
    assert names(tmp_path / "out") == ["a\nb.json"]
    assert done.err.count("\n") == 2
    assert "c\\nd.png is not a picture" in done.err
    source = json.loads((tmp_path / "out" / "a\nb.json").read_text())["source"]
    assert source.endswith("a\nb.png")


def test_names_that_are_no_text(cli: Cli, tmp_path: Path) -> None:
    save(tmp_path / "in" / "a\udcff.png", "A")
    done = cli(tmp_path / "in", "-o", tmp_path / "out", "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert names(tmp_path / "out") == ["a\udcff.json"]


def test_a_full_disk(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typecase.writers.text import TextWriter

    for name in "abe":
        save(tmp_path / "in" / f"{name}.png", name.upper())
    usual = TextWriter.page

    def page(self: TextWriter, read: Any, origin: Any = None) -> None:
        if read.text == "B":
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(self, read, origin)

    monkeypatch.setattr(TextWriter, "page", page)
    done = cli(tmp_path / "in", "-o", tmp_path / "out")
    assert done.code == 6
    assert "b.txt cannot be written: the disk is full; free some space or choose another folder." in done.err
    assert names(tmp_path / "out") == ["a.txt"]


def test_a_folder_that_may_not_be_written(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png", "A")
    usual = os.open

    def refused(name: Any, flags: int, *more: Any, **others: Any) -> int:
        if str(name).startswith(str(tmp_path / "out")) and flags & os.O_CREAT:
            # What a user without rights gets; tests may run as root, whom nothing stops.
            raise PermissionError(errno.EACCES, "Permission denied", str(name))
        return usual(name, flags, *more, **others)

    monkeypatch.setattr(os, "open", refused)
    done = cli(path, "-o", tmp_path / "out")
    assert done.code == 6
    assert "permission is denied" in done.err


def test_a_bug_in_one_document_does_not_lose_the_others(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abe":
        save(tmp_path / "in" / f"{name}.png", name.upper())
    usual = RowReader.read

    def read(self: RowReader, image: Any, *arguments: Any) -> Any:
        page = usual(self, image, *arguments)
        if page.text == "B":
            raise ZeroDivisionError
        return page

    monkeypatch.setattr(RowReader, "read", read)
    done = cli(tmp_path / "in", "-o", tmp_path / "out")
    assert done.code == 1
    assert names(tmp_path / "out") == ["a.txt", "e.txt"]
    assert "b.png" in done.err
    assert "This is a bug in typecase" in done.err


def test_standard_input_and_output(cli: Cli, tmp_path: Path) -> None:
    content = pdf_of([scan("A"), scan("B")])
    assert cli("-", stdin=content) == (0, "A\n\f\nB\n", "")
    assert cli("-", "-o", "-", stdin=content).out == "A\n\f\nB\n"
    assert cli("-", "-o", tmp_path / "out", stdin=content).code == 0
    assert names(tmp_path / "out") == ["stdin.txt"]
    values = json.loads(cli("-", "--format", "json", stdin=content).out)
    assert values["source"] == "-"


def test_a_list_of_files(cli: Cli, tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{name}.png", name.upper()) for name in "abo"]
    listing = tmp_path / "list.txt"
    listing.write_text(f"\ufeff{paths[2]}\n\n{paths[0]}\r\n", encoding="utf-8")
    assert cli("--from-file", listing).out == "O\nA\n"
    assert cli(paths[1], "--from-file", listing).out == "B\nO\nA\n"
    assert cli("--from-file", "-", stdin=b"\0".join(os.fsencode(path) for path in paths)).out == "A\nB\nO\n"
    assert cli("--from-file", "missing.txt").code == 2
    assert cli("-", "--from-file", "-").code == 2
    assert cli().code == 2


def test_patterns(cli: Cli, tmp_path: Path) -> None:
    for name in ("a.png", "b.tif", "old/o.png", "x.dat"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        page_picture([path.stem.upper() if path.stem != "x" else "E"]).save(path, "PNG")
    assert cli(tmp_path).out == "A\nB\nO\n"
    assert cli(tmp_path, "--include", "*.png").out == "A\nO\n"
    assert cli(tmp_path, "--include", "*.dat", "--include", "b.*").out == "B\nE\n"
    assert cli(tmp_path, "--exclude", "old").out == "A\nB\n"
    assert cli(tmp_path, "--exclude", "old/*", "--exclude", "a.*").out == "B\n"
    nothing = cli(tmp_path, "--include", "*.pdf")
    assert nothing.code == 3
    assert "in which there is no document that the patterns allow" in nothing.err


def test_results_are_not_read(cli: Cli, tmp_path: Path) -> None:
    pdf(tmp_path / "x.pdf", scan("A"))
    for _ in range(2):
        done = cli(tmp_path, "-o", tmp_path / "out", "--format", "pdf", "--boxes", "--overwrite")
        assert (done.code, names(tmp_path)) == (0, ["out/x.boxes.png", "out/x.pdf", "x.pdf"])
    assert cli(tmp_path / "x.pdf", "--boxes").code == 0
    assert cli(tmp_path, "--exclude", "out").out == "A\n"
    assert cli(tmp_path, "--include", "*.boxes.png").out.count("\f") == 0


def test_a_file_that_is_named_twice_is_read_once(cli: Cli, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", "A")
    assert cli(path, tmp_path, path).out == "A\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--pages", "2"], "AB\n\nOE\n"),
        (["--pages", "1,end"], "OI A\n\f\nE\n"),
        (["--region", "0,0,320,70"], "OI A\n\f\nAB\n\f\nE\n"),
        (["--region", "0,70,320,330"], "\n\f\nOE\n\f\n\n"),
        (["--mode", "block"], "OI A\n\f\nAB\nOE\n\f\nE\n"),
        (["--psm", "6"], "OI A\n\f\nAB\nOE\n\f\nE\n"),
        (["--allow", "01AE"], None),
        (["--pattern", r"\d\d"], None),
        (["--min-confidence", "1"], None),
        (["-l", "eng"], "OI A\n\f\nAB\n\nOE\n\f\nE\n"),
        ([], "OI A\n\f\nAB\n\nOE\n\f\nE\n"),
    ],
)
def test_options_change_what_is_read(cli: Cli, tmp_path: Path, options: list[str], expected: str | None) -> None:
    path = pdf(tmp_path / "x.pdf", scan("OI A"), scan("AB", "OE"), scan("E"))
    done = cli(path, *options)
    assert (done.code, done.err) == (0, "")
    if expected is None:
        assert done.out != "OI A\n\f\nAB\n\nOE\n\f\nE\n"
    else:
        assert done.out == expected


def test_options_that_show_in_json(cli: Cli, tmp_path: Path) -> None:
    path = pdf(tmp_path / "x.pdf", scan("OI"), {**scan("A"), "text": ["Own"], "invisible": True})

    def page(*options: str, number: int = 0) -> Any:
        values = json.loads(cli(path, "--format", "json", *options).out)
        return values["pages"][number], values["provenance"]["options"]

    def first_word(*options: str) -> Any:
        return page(*options)[0]["blocks"][0]["lines"][0]["words"][0]

    assert page()[0]["dpi"] == 72
    assert page("--dpi", "144")[0]["width"] == 640
    assert "characters" not in first_word()
    many = first_word("--characters")["characters"]
    few = first_word("--characters", "--alternatives", "0")["characters"]
    assert any(one["alternatives"] for one in many)
    assert not any(one["alternatives"] for one in few)
    text = [page("--existing-text", how, number=1)[0]["blocks"][0]["text"] for how in ("skip", "redo", "force")]
    assert text == ["Own", "A", "A"]
    assert page("-l", "deu")[1]["languages"] == ["de"]


def test_divided_words(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RowReader, "read", divided_page)
    path = save(tmp_path / "a.png", "A")
    assert cli(path).out.split() == ["A", "divi-", "ded", "word"]
    assert cli(path, "--join-hyphens").out.split() == ["A", "divided", "word"]


def test_layout(cli: Cli, tmp_path: Path) -> None:
    path = pdf(tmp_path / "x.pdf", {"text": [f"Left{' ' * 40}right"]})
    assert cli(path).out == "Left right\n"
    assert cli(path, "--layout").out.split("  ")[0] == "Left"


def test_other_files_of_the_reader(cli: Cli, tmp_path: Path, model: Path) -> None:
    path = save(tmp_path / "a.png", "A")
    assert cli(path, "--max-pixels", "100").code == 11
    listing = tmp_path / "words.txt"
    listing.write_text("01\n")
    other = save(tmp_path / "b.png", "OI A")
    assert cli(other, "--words", listing).out == "01 A\n"
    assert cli(other, "--language-model", listing).code == 4
    assert cli(other, "--decoder", "beam").out == "OI A\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--pages", "x"], "cannot be understood"),
        (["--region", "1,2"], "cannot be understood"),
        (["--dpi", "0"], "resolution must be from"),
        (["--format", "text,json"], "name a folder for them"),
        (["--resume"], "--resume is about files"),
        (["--overwrite"], "--overwrite is about files"),
        (["--min-confidence", "2"], "min-confidence"),
        (["--existing-text", "keep"], "existing-text"),
    ],
)
def test_wrong_usage(cli: Cli, tmp_path: Path, options: list[str], sentence: str) -> None:
    done = cli(save(tmp_path / "a.png", "A"), *options)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert sentence in done.err


def test_several_pdfs_do_not_go_to_one_stream(cli: Cli, tmp_path: Path) -> None:
    save(tmp_path / "a.png", "A")
    save(tmp_path / "b.png", "B")
    done = cli(tmp_path, "--format", "pdf")
    assert done.code == 2
    assert "name a folder (-o DIR)" in done.err


def test_a_damaged_picture_leaves_no_beginning_of_a_result(cli: Cli, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", "A" * 20)
    path.write_bytes(path.read_bytes()[:150])
    for form in ("json", "hocr", "alto", "tsv"):
        done = cli(path, "--format", form)
        assert (done.code, done.out) == (3, "")


def test_lines_are_read_together_and_written_apart(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_job, "LINES_TOGETHER", 3)
    folder = tmp_path / "in"
    folder.mkdir()
    for number, text in enumerate(["A", "B", "O", "I", "E"]):
        line_picture(text).save(folder / f"{number}.png")
    (folder / "2.png").write_text("no picture")
    done = cli(folder, "--mode", "line", "-o", tmp_path / "out", "--format", "text,json")
    assert done.code == 5
    texts = [(tmp_path / "out" / f"{number}.txt").read_text() for number in (0, 1, 3, 4)]
    assert texts == ["A\n", "B\n", "I\n", "E\n"]
    source = json.loads((tmp_path / "out" / "3.json").read_text())["source"]
    assert source == str(folder / "3.png")
