"""Drawing text through the command: single lines, lines by the thousand, sheets, and what goes wrong."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import RunTypecase
from font_fixtures import family, font_bytes, without
from typecase.cli.main import main
from typecase.datasets.lines import LineList
from typecase.errors import DataError, ExitCode, OutputError, UsageError
from typecase.synthesis import render_set
from typecase.synthesis.fonts import Category, FontCollection, is_held_back
from typecase.synthesis.line_domains import LineWorkshop
from typecase.synthesis.render import RenderSettings, draw_text, label_row, pick_font, sheet_of_lines
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
    """Runs `typecase render` in this process, which is quicker than one of its own; gives code, output and errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["typecase", "render", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        done = capsys.readouterr()
        return int(left.value.code or 0), done.out, done.err

    return run


@pytest.fixture
def settings(fonts: Path, text_file: Path) -> RenderSettings:
    return RenderSettings(fonts=(str(fonts),), texts=(str(text_file),), kinds={"sentences": 1.0, "amount": 1.0}, seed=7)


def picture(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_text_becomes_a_picture_with_its_truth(run_typecase: RunTypecase, fonts: Path, tmp_path: Path) -> None:
    done = run_typecase(
        "render", "Total:  12.50", "--font", fonts / "plain" / "Plain-Regular.ttf", "--style", "thermal",
        "--height", "48", "--out", "x.png", "--labels", "x.jsonl", cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    [line] = LineList(tmp_path / "x.jsonl")
    image = line.load()
    assert (line.text, line.name, image.height, image.mode) == ("Total: 12.50", "x.png", 48, "RGB")
    assert [word.text for word in line.words] == ["Total:", "12.50"]
    assert "".join(character.text for character in line.characters) == "Total:12.50"
    lefts = [character.box[0] for character in line.characters]
    assert lefts == sorted(lefts)
    for _, (x, y, width, height) in (*line.words, *line.characters):
        assert -0.01 <= x <= x + width <= image.width + 0.01
        assert -0.01 <= y <= y + height <= image.height + 0.01
    row = json.loads((tmp_path / "x.jsonl").read_text(encoding="utf-8"))
    assert row["meta"]["look"] == "thermal"


def test_a_font_is_found_by_its_name(command: Command, fonts: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "x.png"
    assert command("Abc", "--font", "TYPED", "--fonts", fonts, "--grey", "--out", out)[0] == 0
    assert picture(out).mode == "L"
    code, _, error = command("Abc", "--font", "plane", "--fonts", fonts, "--out", out)
    assert code == ExitCode.DATA
    assert "no font called 'plane'" in error
    assert "did you mean plain" in error.lower()


def test_a_word_that_is_a_verb_is_drawn_when_it_is_said_to_be_text(
    command: Command, fonts: Path, tmp_path: Path
) -> None:
    where = ("--fonts", fonts, "--font", "plain", "--out", tmp_path / "x.png")
    assert command("text", "lines", *where)[0] == 0
    first = (tmp_path / "x.png").read_bytes()
    assert command(*where, "--", "line" + "s")[0] == 0
    assert (tmp_path / "x.png").read_bytes() == first
    code, _, error = command("lines", *where)
    assert code == ExitCode.USAGE
    assert "No such option: --font" in error


def test_style_options_reach_the_line(command: Command, fonts: Path, tmp_path: Path) -> None:
    where = (
        "H2O is",
        "--fonts",
        fonts,
        "--font",
        "plain",
        "--out",
        tmp_path / "x.png",
        "--labels",
        tmp_path / "l.jsonl",
    )
    drawn = {}
    for options in ((), ("--small-caps",), ("--subscript", "1-2"), ("--letter-spacing", "0.4"), ("--underline",)):
        assert command(*where, *options)[0] == 0, options
        row = json.loads((tmp_path / "l.jsonl").read_text(encoding="utf-8"))
        drawn[options] = row["text"], picture(tmp_path / "x.png").width
    assert drawn[()][0] == "H2O is"
    assert drawn[("--small-caps",)][0] == "H2O IS"
    assert drawn[("--subscript", "1-2")][0] == "H₂O is"
    assert drawn[("--letter-spacing", "0.4")][1] > 1.3 * drawn[()][1]
    code, _, error = command(*where, "--subscript", "two")
    assert (code, "--subscript two is no range" in error) == (ExitCode.USAGE, True)
    code, _, error = command(*where, "--superscript", "4-9")
    assert (code, "lies outside the text" in error) == (ExitCode.USAGE, True)


def test_characters_that_the_font_lacks_are_named_or_left_out(command: Command, tmp_path: Path) -> None:
    where = ("--font", family(tmp_path, "poor", change=without("xQ")), "--out", tmp_path / "x.png")
    code, _, error = command("Quick fox", *where)
    assert code == ExitCode.DATA
    assert "'Q' (U+0051), 'x' (U+0078)" in error
    assert not (tmp_path / "x.png").exists()
    labels = tmp_path / "l.jsonl"
    code, _, error = command("Quick fox", *where, "--missing", "skip", "--labels", labels)
    assert code == 0
    assert "has no Q x; left out" in error
    assert json.loads(labels.read_text(encoding="utf-8"))["text"] == "uick fo"
    code, _, error = command("QxQ", *where, "--missing", "skip")
    assert (code, "no text to set" in error) == (ExitCode.DATA, True)


@pytest.mark.parametrize("content", [b"", b"no font at all", font_bytes()[:3000]])
def test_a_damaged_font_is_one_clear_sentence(command: Command, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.ttf").write_bytes(content)
    code, output, error = command("Abc", "--font", tmp_path / "bad.ttf", "--out", tmp_path / "x.png")
    assert (code, output) == (ExitCode.DATA, "")
    assert error.startswith("Error: ")
    assert "bad.ttf" in error
    assert error.count("\n") == 1


def test_a_font_without_letters_is_one_clear_sentence(command: Command, tmp_path: Path) -> None:
    letters = "".join(map(chr, range(0x20, 0x10000)))
    path = family(tmp_path, "blank", change=without(letters))
    code, _, error = command("Abc", "--font", path, "--out", tmp_path / "x.png")
    assert code == ExitCode.DATA
    assert "draws no letter" in error


def test_labels_elsewhere_and_pictures_of_no_kind_are_refused(command: Command, fonts: Path, tmp_path: Path) -> None:
    where = ("--fonts", fonts, "--font", "plain")
    code, _, error = command("Abc", *where, "--out", tmp_path / "x.txt")
    assert (code, "what kind of picture" in error) == (ExitCode.USAGE, True)
    code, _, error = command("Abc", *where, "--out", tmp_path / "a/x.png", "--labels", tmp_path / "b/l.jsonl")
    assert (code, "does not lie below" in error) == (ExitCode.USAGE, True)


def test_the_same_seed_draws_the_same_picture(fonts: Path) -> None:
    font = pick_font("plain", [str(fonts)])
    first, again, other = (draw_text(font, "Some text", look="photo", seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.pixels, again.pixels)
    assert label_row(first, "") == label_row(again, "")
    assert label_row(first, "") != label_row(other, "")
    assert (first.pixels.shape[0], first.text) == (64, "Some text")


def test_many_lines_are_written_with_labels(
    run_typecase: RunTypecase, fonts: Path, text_file: Path, tmp_path: Path
) -> None:
    arguments = ("render", "lines", "--fonts", fonts, "--text", text_file, "--text", "amount=0.5", "--style", "scan")
    done = run_typecase(*arguments, "--count", "12", "--block", "5", "--out", "d", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "12 lines in d, 12 of them new" in done.stderr
    lines = list(LineList(tmp_path / "d"))
    assert [line.name for line in lines[:1]] == ["images/00000/00000000.png"]
    assert len(lines) == len({line.text for line in lines}) == 12
    for line in lines:
        image = line.load()
        assert image.mode == "L"
        assert np.ptp(np.asarray(image)) > 20
        assert " ".join(word.text for word in line.words) == line.text
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == ["images", "labels.jsonl", "render.json"]
    # Nothing of the machine lies in the result: it can be moved and passed on.
    together = (tmp_path / "d" / "labels.jsonl").read_text("utf-8") + (tmp_path / "d" / "render.json").read_text(
        "utf-8"
    )
    assert str(tmp_path) not in together
    assert str(fonts) not in together


@pytest.mark.parametrize("form", ["folder", "webdataset"])
def test_a_run_that_was_stopped_ends_with_the_same_files(
    settings: RenderSettings, tmp_path: Path, form: render_set.Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    whole = LineWorkshop.draw

    def draw(self: LineWorkshop, index: int) -> object:
        if index == 13 and 13 not in drawn:
            drawn.append(index)
            raise KeyboardInterrupt
        drawn.append(index)
        return whole(self, index)

    assert write_drawn(settings, 18, tmp_path / "whole", form=form, block=5) == Written(18, 18)
    monkeypatch.setattr(LineWorkshop, "draw", draw)
    with pytest.raises(KeyboardInterrupt):
        write_drawn(settings, 18, tmp_path / "stopped", form=form, block=5)
    assert contents(tmp_path / "stopped") != contents(tmp_path / "whole")
    drawn.clear()
    drawn.append(13)
    assert write_drawn(settings, 18, tmp_path / "stopped", form=form, block=5) == Written(18, 8)
    # The blocks that were there are not drawn again.
    assert drawn[1:] == list(range(10, 18))
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


@pytest.mark.parametrize("form", ["folder", "webdataset"])
def test_lines_can_be_added_later(settings: RenderSettings, tmp_path: Path, form: render_set.Form) -> None:
    told: list[int] = []
    write_drawn(settings, 12, tmp_path / "grown", form=form, block=5)
    done = write_drawn(settings, 17, tmp_path / "grown", form=form, block=5, progress=told.append)
    assert done == Written(17, 7)
    assert told == [10, 15, 17]
    write_drawn(settings, 17, tmp_path / "whole", form=form, block=5)
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")
    assert write_drawn(settings, 17, tmp_path / "grown", form=form, block=5) == Written(17, 0)
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")


def test_several_processes_draw_what_one_draws(
    settings: RenderSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RenderSettings, "worth_a_process", 1)
    write_drawn(settings, 12, tmp_path / "two", block=4, processes=2)
    write_drawn(settings, 12, tmp_path / "one", block=4, processes=1)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_tar_files_hold_picture_text_and_label_of_each_line(settings: RenderSettings, tmp_path: Path) -> None:
    write_drawn(settings, 5, tmp_path, form="webdataset", block=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lines-00000.tar", "lines-00001.tar", "render.json"]
    with tarfile.open(tmp_path / "lines-00001.tar") as tar:
        names = tar.getnames()
        files = {name: tar.extractfile(name) for name in names}
        content = {name: file.read() for name, file in files.items() if file is not None}
    assert names == [f"{index:08d}.{suffix}" for index in (3, 4) for suffix in ("png", "txt", "json")]
    row = json.loads(content["00000004.json"])
    assert (row["image"], row["text"]) == ("00000004.png", content["00000004.txt"].decode())
    expected = settings.open().draw(4)
    assert row["text"] == expected.text


def test_a_folder_with_something_else_in_it_is_left_alone(settings: RenderSettings, tmp_path: Path) -> None:
    write_drawn(settings, 4, tmp_path / "d")
    before = contents(tmp_path / "d")
    with pytest.raises(UsageError, match="drawn with other settings; choose another folder"):
        write_drawn(replace(settings, seed=8), 4, tmp_path / "d")
    with pytest.raises(UsageError, match="drawn with other settings"):
        write_drawn(settings, 4, tmp_path / "d", form="webdataset")
    with pytest.raises(UsageError, match="holds 4 lines already, more than 3"):
        write_drawn(settings, 3, tmp_path / "d")
    assert contents(tmp_path / "d") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        write_drawn(settings, 4, tmp_path / "mine")
    assert contents(tmp_path / "mine") == {"notes.txt": b"mine"}
    (tmp_path / "d" / "render.json").write_text("{broken")
    with pytest.raises(UsageError, match="does not say what is drawn there"):
        write_drawn(settings, 4, tmp_path / "d")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file cannot be written"):
        write_drawn(settings, 4, tmp_path / "file")


def test_a_sheet_shows_lines_and_their_boxes(command: Command, fonts: Path, text_file: Path, tmp_path: Path) -> None:
    where = ("sheet", "--fonts", fonts, "--text", text_file, "--count", "7", "--columns", "2", "--width", "600")
    assert command(*where, "--out", tmp_path / "a.png", "--grey")[0] == 0
    assert command(*where, "--out", tmp_path / "b.png", "--grey", "--boxes")[0] == 0
    plain, framed = (np.asarray(picture(tmp_path / name)).astype(int) for name in ("a.png", "b.png"))
    assert plain.shape[1:] == (600, 3)
    assert np.ptp(plain, axis=2).max() == 0
    assert np.ptp(framed, axis=2).max() > 100


def test_a_sheet_has_room_for_lines_of_any_size(settings: RenderSettings) -> None:
    workshop = settings.open()
    lines = [workshop.draw(index) for index in range(5)]
    sheets = [sheet_of_lines(lines, columns=columns, width=400, captions=columns > 1) for columns in (1, 2, 5)]
    assert [sheet.width for sheet in sheets] == [400, 400, 400]
    assert sheets[0].height > sheets[1].height > 20


def test_the_kinds_are_listed(command: Command) -> None:
    code, listed, _ = command("lines", "--kinds")
    assert code == 0
    assert {"mixture", "sentences", "amount", "thermal", "photo", "receipt"} <= set(listed.split())


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--text", "amuont"), ExitCode.USAGE, "amuont is neither a text file nor a kind of text"),
        (("--text", "amount=much"), ExitCode.USAGE, "no number from 0 up behind the equals sign"),
        (("--text", "amount=-1"), ExitCode.USAGE, "no number from 0 up"),
        (("--text", "mixture", "--text", "amount"), ExitCode.USAGE, "without other kinds"),
        (("--text", "sentences"), ExitCode.USAGE, "no text files are given"),
        (("--style", "termal"), ExitCode.USAGE, "no style 'termal'; choose from clean"),
        (("--domain", "recipt"), ExitCode.USAGE, "no domain 'recipt'; choose from document"),
        (("--domain", "receipt=0"), ExitCode.USAGE, "No domain has a weight above 0"),
        (("--category", "gothic"), ExitCode.USAGE, "no category 'gothic'"),
        (("--weight", "bold"), ExitCode.USAGE, "--weight bold is no range"),
        (("--weight", "800-900"), ExitCode.DATA, "None of the 3 fonts is of the families"),
        (("--family", "nosuch"), ExitCode.DATA, "no font called 'nosuch'"),
        (("--whole-lines",), ExitCode.USAGE, "Whole lines are asked for, but no text files"),
        (("--characters", "λ"), ExitCode.DATA, "None of the 3 fonts draws any of the characters"),
        (("--fonts", "nowhere"), ExitCode.DATA, "no fonts at nowhere"),
    ],
)
def test_wrong_settings_are_one_clear_sentence(
    command: Command, fonts: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    given = ("lines", "--count", "3", "--out", tmp_path / "d", *arguments)
    left, _, error = command(*given, *(() if "--fonts" in arguments else ("--fonts", fonts)))
    assert (left, sentence in error) == (code, True), error
    assert "Traceback" not in error


def test_an_empty_text_file_and_characters_that_no_font_has_are_said(
    command: Command, fonts: Path, tmp_path: Path
) -> None:
    where = ("lines", "--count", "3", "--fonts", fonts, "--out", tmp_path / "d")
    (tmp_path / "empty.txt").write_text("\n")
    code, _, error = command(*where, "--text", tmp_path / "empty.txt")
    assert (code, "empty.txt is empty" in error) == (ExitCode.DATA, True)
    (tmp_path / "greek.txt").write_text("one word λ\n" * 12, encoding="utf-8")
    code, _, error = command(*where, "--text", tmp_path / "greek.txt", "--missing", "refuse")
    assert (code, "No font draws λ, which the texts have" in error) == (ExitCode.DATA, True)
    assert not (tmp_path / "d").exists()
    code, _, error = command(*where, "--text", tmp_path / "greek.txt")
    assert (code, "left out, for they cannot be drawn: λ." in error) == (ExitCode.DATA, True)
    (tmp_path / "greek.txt").write_text("one word of seven words is λ here\n" * 12, encoding="utf-8")
    assert command(*where, "--text", tmp_path / "greek.txt")[0] == 0
    assert "λ" not in "".join(line.text for line in LineList(tmp_path / "d"))


def test_parts_keep_families_and_sentences_apart(tmp_path: Path, text_file: Path) -> None:
    held_back = next(name for name in map("family{}".format, range(100)) if is_held_back(name))
    for name in ("plain", held_back):
        family(tmp_path / "fonts", name)
    assert not is_held_back("plain")
    settings = RenderSettings(
        fonts=(str(tmp_path / "fonts"),), texts=(str(text_file),), kinds={"sentences": 1.0}, whole_lines=True
    )
    for part, families, remainder in (("train", {"plain"}, False), ("held-back", {held_back}, True)):
        workshop = replace(settings, part=part).open()  # type: ignore[arg-type]
        lines = [workshop.draw(index) for index in range(20)]
        assert set(workshop.fonts.families) == families
        assert all((int(line.text.split()[2]) % 10 == 0) is remainder for line in lines)


def test_whole_lines_are_drawn_as_they_stand(fonts: Path, tmp_path: Path) -> None:
    (tmp_path / "parts.txt").write_text("BX-1 / 7\nA very long name of a part, longer than most lines, with 3/4 inch\n")
    settings = RenderSettings(
        fonts=(str(fonts),), texts=(str(tmp_path / "parts.txt"),), kinds={"sentences": 1.0}, whole_lines=True
    )
    workshop = settings.open()
    texts = {workshop.draw(index).text.upper() for index in range(12)}
    assert texts == {"BX-1 / 7", "A VERY LONG NAME OF A PART, LONGER THAN MOST LINES, WITH 3/4 INCH"}


def test_a_style_brings_the_domains_that_have_it(settings: RenderSettings) -> None:
    workshop = replace(settings, looks={"photo": 1.0}, kinds={}).open()
    facts = [workshop.draw(index).meta for index in range(4)]
    assert {fact["domain"] for fact in facts} == {"scene"}
    assert {fact["look"] for fact in facts} == {"photo"}


def test_fonts_can_be_chosen_by_category_and_file(fonts: Path) -> None:
    settings = RenderSettings(fonts=(str(fonts),), categories=("monospace",))
    assert settings.open_fonts().families == ("typed",)
    one = replace(settings, fonts=(str(fonts / "noble" / "Noble-Regular.ttf"),), categories=())
    assert one.open_fonts().families == ("noble",)
    both = replace(settings, categories=(), families=("noble", "plain"))
    assert both.open_fonts().families == ("noble", "plain")
    with pytest.raises(DataError, match="no font file"):
        pick_font("missing.ttf", [str(fonts)])
    assert len(FontCollection.open(fonts)) == 3
