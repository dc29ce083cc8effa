"""Drawing pages through the command: pictures with their labels, sheets, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from font_fixtures import family
from typecase.cli.main import main
from typecase.errors import ExitCode
from typecase.synthesis.fonts import Category
from typecase.synthesis.page_render import PageSettings, page_row, sheet_of_pages
from typecase.synthesis.render_set import Written, write_drawn

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fonts")
    for name, category in (("plain", Category.SANS_SERIF), ("typed", Category.MONOSPACE), ("noble", Category.SERIF)):
        family(root, name, category=category)
    return root


@pytest.fixture(scope="module")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "en.txt"
    path.write_text("".join(f"Sentence number {number} has seven words.\n" for number in range(40)), encoding="utf-8")
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `typecase render` in this process; gives code, output and errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["typecase", "render", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        done = capsys.readouterr()
        return int(left.value.code or 0), done.out, done.err

    return run


@pytest.fixture
def settings(fonts: Path, text_file: Path) -> PageSettings:
    return PageSettings(
        fonts=(str(fonts),), texts=(str(text_file),), layouts={"sparse": 1}, looks={"digital": 1}, seed=7
    )


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(row) for row in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_pages_lie_in_a_folder_with_the_places_of_their_lines(
    command: Command, fonts: Path, text_file: Path, tmp_path: Path
) -> None:
    code, out, err = command(
        "pages", "--count", 3, "--fonts", fonts, "--text", text_file, "--layout", "letter", "--style", "scan",
        "--rotation", 90, "--colour", "--seed", 3, "-j", 1, "--out", tmp_path / "p",
    )  # fmt: skip
    assert code == 0, err
    assert out == ""
    assert "3 pages in" in err
    rows = rows_of(tmp_path / "p")
    assert len(rows) == 3
    for row in rows:
        with Image.open(tmp_path / "p" / row["image"]) as picture:
            assert picture.mode == "RGB"
            width, height = picture.size
        meta = row["meta"]
        assert (meta["layout"], meta["look"], meta["rotation"]) == ("letter", "scan", 90)
        assert meta["effects"]
        legible = [line for line in meta["lines"] if line["legible"]]
        assert [word["text"] for word in row["words"]] == [word["text"] for line in legible for word in line["words"]]
        assert row["text"].split() == [word["text"] for word in row["words"]]
        for line in legible:
            polygon = np.array(line["polygon"])
            assert polygon.shape[0] >= 4
            assert polygon.min() >= -1
            assert polygon[:, 0].max() <= width + 1
            assert polygon[:, 1].max() <= height + 1
            left, top, wide, high = line["box"]
            assert np.allclose([left, top], polygon.min(axis=0), atol=0.02)
            assert np.allclose([left + wide, top + high], polygon.max(axis=0), atol=0.02)
        # Text that must be turned clockwise runs up: its outlines are higher than wide.
        tall = [line for line in legible if len(line["text"]) > 20]
        assert tall
        assert all(line["box"][3] > line["box"][2] for line in tall)


def test_a_run_goes_on_where_it_stopped(settings: PageSettings, tmp_path: Path) -> None:
    assert write_drawn(settings, 3, tmp_path / "grown", block=2) == Written(3, 3)
    assert write_drawn(settings, 5, tmp_path / "grown", block=2) == Written(5, 3)
    write_drawn(settings, 5, tmp_path / "whole", block=2)
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")
    assert write_drawn(settings, 5, tmp_path / "whole", block=2) == Written(5, 0)


def test_several_processes_draw_what_one_draws(
    settings: PageSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PageSettings, "worth_a_process", 1)
    write_drawn(settings, 4, tmp_path / "two", block=2, processes=2)
    write_drawn(settings, 4, tmp_path / "one", block=2, processes=1)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_tar_files_are_called_after_what_they_hold(settings: PageSettings, tmp_path: Path) -> None:
    write_drawn(settings, 2, tmp_path, form="webdataset")
    assert (tmp_path / "pages-00000.tar").is_file()


@pytest.mark.parametrize(
    "change",
    [
        ["--layout", "typescript"],
        ["--style", "fax"],
        ["--rotation", "180"],
        ["--characters", "abcdefghijklmnopqrstuvwxyzS. "],
        ["--seed", "1"],
        ["--colour"],
    ],
)
def test_every_option_changes_the_pages(
    change: list[str], command: Command, fonts: Path, text_file: Path, tmp_path: Path
) -> None:
    common = ("pages", "--count", 1, "--fonts", fonts, "--text", text_file, "-j", 1)
    plain = ["--layout", "letter", "--style", "digital", "--rotation", "0"]
    given = [*plain, *change]
    for option in ("--layout", "--style", "--rotation"):
        if option in change:
            place = plain.index(option)
            given = [*plain[:place], *plain[place + 2 :], *change]
    pictures = []
    for name, options in (("plain", plain), ("other", given)):
        code, _, err = command(*common, *options, "--out", tmp_path / name)
        assert code == 0, err
        pictures.append((tmp_path / name / "images" / "00000" / "00000000.png").read_bytes())
    assert pictures[0] != pictures[1]


def test_a_sheet_shows_pages_and_their_outlines(command: Command, fonts: Path, text_file: Path, tmp_path: Path) -> None:
    sizes = set()
    pictures = []
    for name, more in (("plain.png", []), ("boxes.png", ["--boxes"])):
        code, _, err = command(
            "sheet", "--pages", "--fonts", fonts, "--text", text_file, "--layout", "letter", "--count", 2,
            "--columns", 2, "--width", 500, *more, "--out", tmp_path / name,
        )  # fmt: skip
        assert code == 0, err
        with Image.open(tmp_path / name) as picture:
            sizes.add(picture.size)
            pictures.append(np.array(picture.convert("RGB")))
    assert len(sizes) == 1
    assert sizes.pop()[0] == 500
    red = (pictures[1][..., 0] > 150) & (pictures[1][..., 1] < 100)
    assert red.sum() > 200
    assert (pictures[0] != pictures[1]).any()


def test_a_sheet_takes_pages_of_any_shape(settings: PageSettings) -> None:
    workshop = settings.open()
    pages = [workshop.draw(index) for index in range(3)]
    for columns in (1, 2, 5):
        assert sheet_of_pages(pages, columns=columns, width=300).width == 300


def test_a_row_can_be_read_again_as_it_was_written(settings: PageSettings) -> None:
    page = settings.open().draw(0)
    row = page_row(page, "x.png")
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["pages", "--layout", "novel"], "no layout 'novel'"),
        (["pages", "--style", "oil"], "no style 'oil'"),
        (["pages", "--rotation", "45"], "0, 90, 180, 270"),
        (["pages", "--rotation", "90=x"], "--rotation"),
        (["pages", "--layout", "book=0"], "above 0"),
        (["pages", "--text", "amount"], "layout says"),
        (["sheet", "--layout", "book"], "--layout is for pages"),
        (["sheet", "--pages", "--domain", "form"], "--domain is for lines"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    wrong: list[str], said: str, command: Command, fonts: Path, tmp_path: Path
) -> None:
    verb, *options = wrong
    out = tmp_path / ("s.png" if verb == "sheet" else "p")
    code, _, err = command(verb, "--count", 1, "--fonts", fonts, *options, "--out", out)
    assert code == ExitCode.USAGE
    assert said in " ".join(err.split())
    assert not out.exists() or not (out / "labels.jsonl").exists()


def test_fonts_that_are_not_there_are_missed(command: Command, fonts: Path, tmp_path: Path) -> None:
    code, _, err = command("pages", "--count", 1, "--fonts", fonts, "--category", "display", "--out", tmp_path / "p")
    assert code == ExitCode.DATA
    assert "None of the 3 fonts" in err


def test_pages_do_not_go_among_lines(command: Command, fonts: Path, tmp_path: Path) -> None:
    code, _, err = command("lines", "--count", 2, "--fonts", fonts, "-j", 1, "--out", tmp_path / "d")
    assert code == 0, err
    code, _, err = command("pages", "--count", 2, "--fonts", fonts, "-j", 1, "--out", tmp_path / "d")
    assert code == ExitCode.USAGE
    assert "other settings" in err
