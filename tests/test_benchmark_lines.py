"""The comparison of lines: its scoring, its sets, its peers' answers, and the whole of it on tiny data."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from conftest import REPOSITORY
from font_fixtures import family
from line_fixtures import line_picture, write_line_model
from typecase.datasets.lines import Piece
from typecase.document import Box, Character, Line, Word
from typecase.errors import DataError, ExitCode, InputError

with pytest.MonkeyPatch.context() as _patch:
    # The scripts lengthen the module path and the environment of what they start; this process keeps its own.
    _patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    _patch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    import lines as benchmark
    from peers import drawn_sets, environment, line_sets, readers
    from peers.line_sets import LineSet, NewLine, SetLine
    from peers.readers import Answer, KeptAnswers, LineReader, Picture, TesseractLines


class Parrot(LineReader):
    """Answers with the size of each picture, and counts."""

    name = "parrot"
    facts: dict[str, Any] = {"version": 1}
    weights: Sequence[Path] = ()

    def __init__(self) -> None:
        self.asked = 0

    def read(self, pictures: Sequence[Picture]) -> list[Answer]:
        self.asked += len(pictures)
        found = []
        for picture in pictures:
            with Image.open(picture.path) as image:
                found.append(Answer(f"{image.width}x{image.height}", 0.5))
        return found

    def seconds(self, pages: Sequence[Sequence[Picture]]) -> float:
        return 0.25 * sum(map(len, pages))


def set_of(texts: Sequence[str], *, pages: int = 1, folded: bool = False, words: bool = False) -> LineSet:
    return LineSet(
        tuple(SetLine(Picture(Path("none.png")), text, str(i % pages), ()) for i, text in enumerate(texts)),
        folded,
        words,
        "digest",
    )


def result(texts: Sequence[str], read: Sequence[str]) -> benchmark.Result:
    return benchmark.scored(set_of(texts), read)


def test_scores_fold_case_and_leave_out_spaces_where_the_set_says_so() -> None:
    read = ["total 9", "O PEN"]
    plain = benchmark.scored(set_of(["TOTAL 9", "OPEN"]), read)
    assert (plain.score.characters.errors, plain.score.lines.correct) == (6, 0)
    assert benchmark.scored(set_of(["TOTAL 9", "OPEN"], folded=True), read).score.lines.correct == 1
    sign = benchmark.scored(set_of(["open", "OPEN"], words=True), ["op en", "O PEN"])
    assert sign.score.lines.correct == 2
    assert sign.texts == ("open", "OPEN")


def test_interval_is_wider_when_errors_come_by_pages() -> None:
    texts = ["abcd"] * 60
    # A third of the lines is lost: whole pages in one case, one line of each page in the other.
    by_page = benchmark.scored(set_of(texts, pages=20), ["" if i % 20 < 7 else "abcd" for i in range(60)])
    spread = benchmark.scored(set_of(texts, pages=20), ["" if i < 20 else "abcd" for i in range(60)])

    def width(one: benchmark.Result) -> float:
        low, high = one.score.characters.interval
        return high - low

    assert width(by_page) > 3 * width(spread)


def test_worst_lines_come_by_share_of_errors_then_by_length() -> None:
    lines = set_of(["abcdef", "ab", "right", "abcd", "xy"])
    read = benchmark.scored(lines, ["abcdeX", "", "right", "", "xY"])
    assert benchmark.worst(lines, read) == [3, 1, 4, 0]
    assert benchmark.worst(lines, read, count=2) == [3, 1]


def read_line(words: Sequence[tuple[str, float]], left: float = 0.0) -> Line:
    """A line whose characters are 10 x 20 pixels, one beside the other."""
    found = []
    for text, confidence in words:
        letters = []
        for letter in text:
            letters.append(Character(letter, Box(left, 0.0, 10.0, 20.0), confidence))
            left += 10
        found.append(Word(text, Box(0.0, 0.0, left, 20.0), confidence, tuple(letters)))
        left += 10
    return Line(Box(0.0, 0.0, left, 20.0), 1.0, tuple(found))


def test_fit_compares_boxes_of_what_was_read_right_and_confidence_with_truth() -> None:
    boxes = tuple(Piece(letter, (10.0 * i, 0.0, 10.0, 20.0)) for i, letter in enumerate("AB C"))
    lines = LineSet((SetLine(Picture(Path("none.png")), "AB C", "0", boxes),), False, False, "digest")
    exact = benchmark.fit(lines, [read_line([("AB", 1.0), ("C", 1.0)])], result(["AB C"], ["AB C"]))
    assert exact.box_overlap == pytest.approx(1.0)
    assert (exact.boxes, exact.words, exact.calibration_error) == (3, 2, 0.0)
    assert (exact.line_calibration_error, exact.line_confidence) == (0.0, 1.0)
    half = benchmark.fit(lines, [read_line([("AB", 1.0), ("X", 0.9)], left=5.0)], result(["AB C"], ["AB X"]))
    assert half.box_overlap == pytest.approx(1 / 3)
    assert half.boxes == 2
    assert half.calibration_error == pytest.approx(0.45)
    assert (half.line_calibration_error, half.line_confidence) == (1.0, 1.0)


def test_goals_need_both_peers_to_be_better_than_both() -> None:
    texts = ["abcdefghij"] * 10
    perfect, one_wrong = result(texts, texts), result(texts, ["X" * 10, *texts[1:]])
    scores = {"funsd": {"typecase": perfect, "rapidocr": one_wrong}}
    assert benchmark.goals(scores, {}, {}, 0) == []
    scores["funsd"]["tesseract"] = one_wrong
    [goal] = benchmark.goals(scores, {}, {}, 0)
    assert goal.met
    assert "0.1000" in goal.asked
    scores["funsd"] = {"typecase": one_wrong, "rapidocr": perfect, "tesseract": one_wrong}
    [goal] = benchmark.goals(scores, {}, {}, 0)
    assert not goal.met


def test_speed_goal_is_held_against_the_best_batch() -> None:
    measured = {"typecase": [400.0, 420.0, 410.0], "RapidOCR": [60.0] * 3, "RapidOCR, batches of 6": [90.0] * 3}
    [goal] = benchmark.goals({}, {}, measured, 0)
    assert goal.reached == "4.6 times"
    assert not goal.met
    [speed, weights] = benchmark.goals({}, {}, {**measured, "typecase": [450.0]}, 9_000_001)
    assert speed.met
    assert not weights.met


def test_speeds_take_pages_evenly_and_readers_in_turn() -> None:
    lines = set_of(["a"] * 30, pages=10)
    found, count = benchmark.speeds([Parrot()], lines, 5, 2)
    assert count == 15
    assert found == {"parrot": [4.0, 4.0]}


def new_lines(count: int = 3) -> Iterator[NewLine]:
    for number in range(count):
        image = Image.fromarray(np.full((8, 10 + number), 40 * number, np.uint8))
        yield NewLine(image, f"text {number}", f"page {number % 2}", "de", (Piece("t", (1.0, 2.0, 3.0, 4.5)),))


def test_sets_are_read_as_they_were_written(tmp_path: Path) -> None:
    line_sets.write_set(tmp_path / "set", new_lines())
    read = line_sets.read_set(tmp_path / "set", words=True)
    assert [line.text for line in read.lines] == ["text 0", "text 1", "text 2"]
    assert [len(page) for page in read.pages] == [2, 1]
    assert read.lines[0].characters == (Piece("t", (1.0, 2.0, 3.0, 4.5)),)
    assert read.lines[0].picture.language == "de"
    assert read.lines[0].picture.word
    line_sets.write_set(tmp_path / "again", new_lines())
    assert line_sets.read_set(tmp_path / "again").digest == read.digest
    line_sets.write_set(tmp_path / "again", new_lines(2))
    assert line_sets.read_set(tmp_path / "again").digest != read.digest


def test_a_set_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    def failing() -> Iterator[NewLine]:
        yield from new_lines(1)
        raise DataError("The data is gone.")

    line_sets.write_set(tmp_path / "set", new_lines())
    with pytest.raises(DataError):
        line_sets.write_set(tmp_path / "set", failing())
    assert len(line_sets.read_set(tmp_path / "set").lines) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_peers_are_asked_once_for_each_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    line_sets.write_set(tmp_path / "set", new_lines())
    pictures = [line.picture for line in line_sets.read_set(tmp_path / "set").lines]
    parrot = Parrot()
    first = KeptAnswers(parrot).read([*pictures, pictures[0]], "lines")
    assert [answer.text for answer in first] == ["10x8", "11x8", "12x8", "10x8"]
    assert parrot.asked == 3
    kept = KeptAnswers(parrot)
    assert kept.read(pictures, "lines") == first[:3]
    assert parrot.asked == 3
    # In another language it is another question.
    kept.read([Picture(pictures[0].path, "fr")], "lines")
    assert parrot.asked == 4
    assert KeptAnswers(parrot, anew=True).read(pictures, "lines") == first[:3]
    assert parrot.asked == 7
    kept.path.write_text("[", encoding="utf-8")
    assert KeptAnswers(parrot).read(pictures[:1], "lines") == first[:1]
    assert "damaged" in capsys.readouterr().err


FAKE_TESSERACT = """#!{python}
import sys
if "--version" in sys.argv:
    print("tesseract 9.8.7")
elif "--list-langs" in sys.argv:
    print('List of available languages in "{data}/" (1):')
    print("eng")
else:
    from PIL import Image
    paths = open(sys.argv[1]).read().split()
    mode = sys.argv[sys.argv.index("--psm") + 1]
    texts = ["%s %dx%d" % (mode, *Image.open(path).size) for path in paths]
    sys.stdout.write("\\f".join(texts[: {limit}]))
"""


def fake_tesseract(folder: Path, monkeypatch: pytest.MonkeyPatch, limit: int = 1000) -> None:
    program = folder / "bin" / "tesseract"
    program.parent.mkdir()
    (folder / "eng.traineddata").write_bytes(b"data")
    program.write_text(FAKE_TESSERACT.format(python=sys.executable, data=folder, limit=limit), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


def test_tesseract_is_given_a_border_and_told_words_from_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tesseract(tmp_path, monkeypatch)
    line_sets.write_set(tmp_path / "set", new_lines())
    paths = [line.picture.path for line in line_sets.read_set(tmp_path / "set").lines]
    reader = TesseractLines()
    assert reader.facts["version"] == "9.8.7"
    assert reader.weights == [tmp_path / "eng.traineddata"]
    read = reader.read([Picture(paths[0]), Picture(paths[1], word=True), Picture(paths[2])])
    assert [answer.text for answer in read] == ["7 30x28", "8 31x28", "7 32x28"]
    assert reader.seconds([[Picture(paths[0])], [Picture(paths[1])]]) > 0
    with pytest.raises(InputError, match="no data for deu"):
        reader.read([Picture(paths[0], "de")])


def test_tesseract_that_answers_too_little_or_is_missing_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_tesseract(tmp_path, monkeypatch, limit=1)
    line_sets.write_set(tmp_path / "set", new_lines())
    pictures = [Picture(line.picture.path) for line in line_sets.read_set(tmp_path / "set").lines]
    with pytest.raises(InputError, match="1 answers to 3 pictures"):
        TesseractLines().read(pictures)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get install tesseract-ocr"):
        TesseractLines()


FAKE_RAPIDOCR = """
import types

class RapidOCR:
    def __init__(self, params):
        self.params = params
        self.recognizer = types.SimpleNamespace(rec_batch_num=6)

    def _load_rec_model(self):
        return self.recognizer

    def __call__(self, picture, use_det, use_cls, use_rec):
        assert (use_det, use_cls, use_rec) == (False, False, True)
        return types.SimpleNamespace(txts=(picture,) if "empty" not in picture else None, scores=(0.75,))

    def recognize_txt(self, pictures):
        batch = self.recognizer.rec_batch_num
        return types.SimpleNamespace(txts=[f"{one} by {batch}" for one in pictures], scores=[0.5] * len(pictures))
"""
FAKE_CV2 = """
IMREAD_COLOR = 1
setNumThreads = int
def imread(path, flags):
    return path
"""


@pytest.mark.parametrize(
    ("batch", "answers"),
    [
        (1, [[["a.png", 0.75], ["", 0.0]], [["b.png", 0.75]]]),
        (6, [[["a.png by 6", 0.5], ["empty.png by 6", 0.5]], [["b.png by 6", 0.5]]]),
    ],
)
def test_rapidocr_is_asked_line_by_line_or_by_pages(tmp_path: Path, batch: int, answers: list[Any]) -> None:
    for name, text in (("rapidocr.py", FAKE_RAPIDOCR), ("cv2.py", FAKE_CV2)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    job = {"pages": [["a.png", "empty.png"], ["b.png"]], "batch": batch, "threads": 1}
    done = subprocess.run(
        [sys.executable, readers.WORKER],
        input=json.dumps(job),
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["pages"] == answers
    assert len(told["seconds"]) == 2


def test_peers_environment_is_made_once_and_never_taken_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path))
    answers = ["echo no network >&2; exit 1", "exit 0"]
    made: list[dict[str, bool]] = []

    def create(folder: Path, **options: bool) -> None:
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(f"#!/bin/sh\n{answers[len(made)]}\n", encoding="utf-8")
        python.chmod(0o755)
        made.append(options)

    monkeypatch.setattr("venv.create", create)
    with pytest.raises(InputError, match="no network"):
        environment.set_up()
    python = environment.set_up()
    assert environment.set_up() == python
    assert made == [{"clear": True, "with_pip": True}] * 2
    # Other packages need another environment.
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("rapidocr==4.0.0\n", encoding="utf-8")
    monkeypatch.setattr(environment, "REQUIREMENTS", wanted)
    assert environment.peers_python() != python


words = st.lists(st.text("abc", min_size=1, max_size=30), min_size=1, max_size=40)


@given(words)
def test_lines_hold_all_words_and_are_no_longer_than_told(words: list[str]) -> None:
    lines = drawn_sets.in_lines(" ".join(words))
    assert " ".join(lines).split() == words
    assert all(len(line) <= 64 for line in lines)
    # No word of a line would have fitted on the one before.
    assert all(len(one) + 1 + len(other.split()[0]) > 64 for one, other in itertools.pairwise(lines))


def test_held_back_sentences_are_every_tenth_in_characters_that_print_tells(tmp_path: Path) -> None:
    file = tmp_path / "en.txt"
    rows = ["``Yes'' and ,,no", "Пример", "last"]
    file.write_text("".join(f"{row}\n" + "trained on\n" * 9 for row in rows), encoding="utf-8")
    assert drawn_sets.held_back_sentences(file) == ["“Yes” and „no", "last"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> list[NewLine]:
    """Words drawn with a family that is held back, twice as many as are compared."""
    from typecase.synthesis.fonts import FontCollection, is_held_back

    folder = tmp_path_factory.mktemp("scene")
    name = next(name for name in map("family{}".format, range(1000)) if is_held_back(name))
    family(folder / "fonts", name)
    (folder / "en.txt").write_text("Open house today, we sell bread and old maps of every land\n", encoding="utf-8")
    fonts = FontCollection.open(folder / "fonts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn_sets, "SCENE_WORDS", 40)
        return [*drawn_sets.scene_words(fonts, folder), *drawn_sets.scene_words(fonts, folder)]


def test_words_on_signs_are_the_same_for_a_seed(scene: list[NewLine]) -> None:
    first, second = scene[:40], scene[40:]
    for one, other in zip(first, second, strict=True):
        assert one.text == other.text
        assert np.array_equal(np.asarray(one.image), np.asarray(other.image))
    assert len({one.text for one in first}) > 10
    assert len({one.image.size for one in first}) > 20


def test_words_on_signs_can_be_seen(scene: list[NewLine]) -> None:
    for line in scene[:40]:
        pixels = np.asarray(line.image)
        assert pixels.ndim == 3
        assert pixels.std() > 5, line.text
        assert 8 <= pixels.shape[0] <= 400


def test_typefaces_of_one_width_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fonts-hack"):
        drawn_sets.monospace_fonts(tmp_path)


LINES = {"000": ["AB BE", "EABI B"], "010": ["BAE", "EE BB AA"], "011": ["AAAA"]}


@pytest.fixture(scope="module")
def receipts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three receipts of bars, two of them in the development part, where the data's folder has them."""
    root = tmp_path_factory.mktemp("data")
    for folder in ("img", "box"):
        (root / "sroie" / folder).mkdir(parents=True)
    for name, texts in LINES.items():
        page = Image.new("L", (400, 60 * len(texts)), 255)
        rows = []
        for number, text in enumerate(texts):
            picture = line_picture(text)
            page.paste(picture, (10, 60 * number + 10))
            left, top, right, bottom = 10, 60 * number + 10, 10 + picture.width, 60 * number + 10 + picture.height
            rows.append(f"{left},{top},{right},{top},{right},{bottom},{left},{bottom},{text.lower()}\n")
        page.save(root / "sroie" / "img" / f"{name}.png")
        (root / "sroie" / "box" / f"{name}.csv").write_text("".join(rows), encoding="utf-8")
    return root


def run_lines(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, REPOSITORY / "benchmarks" / "lines.py", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"},
        text=True,
        encoding="utf-8",
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_lines_measures_the_development_part(receipts: Path, tmp_path: Path) -> None:
    model = write_line_model(tmp_path / "bars.onnx")
    arguments = [
        "sroie",
        "--readers",
        "typecase",
        "--model",
        model,
        "--data",
        receipts,
        "--rounds",
        "2",
        "--threads",
        "1",
    ]
    done = run_lines(*arguments, "--speed", "ours", "--sheets", tmp_path / "sheets", "--json", tmp_path / "j")
    assert done.returncode == 0, done.stderr
    assert "4 lines, digest" in done.stdout
    written = json.loads((tmp_path / "j").read_text(encoding="utf-8"))
    weights, language_model = written["weights"]
    assert language_model["file"] == "language.npz"
    assert weights["file"] == "bars.onnx"
    assert weights["sha256"] in done.stdout
    figures = written["results"]["sroie"]["readers"]["typecase"]
    # The net takes the I for what it is, and the truth is compared case-folded.
    assert figures["line_accuracy"]["correct"] == 4, figures["worst"]
    assert figures["character_error_rate"]["value"] == 0
    assert len(written["lines_per_second"]["typecase"]) == 2
    met = {goal["what"]: goal["met"] for goal in written["goals"]}
    assert met["CER, sroie"]
    assert met["weights"]
    assert not list((tmp_path / "sheets").glob("*"))


def test_lines_draws_the_worst_and_tells_what_a_peer_read(
    receipts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    fake_tesseract(tmp_path, monkeypatch)
    arguments = ["sroie", "--readers", "tesseract", "--speed", "none", "--data", receipts, "--json", tmp_path / "j"]
    done = run_lines(*arguments, "--sheets", tmp_path / "sheets")
    assert done.returncode == 0, done.stderr
    assert "Tesseract reads sroie: 0 of 4" in done.stderr
    written = json.loads((tmp_path / "j").read_text(encoding="utf-8"))
    figures = written["results"]["sroie"]["readers"]["tesseract"]
    assert figures["line_accuracy"]["correct"] == 0
    assert {row["tesseract"].split()[0] for row in figures["worst"]} == {"7"}
    assert (tmp_path / "sheets" / "sroie-tesseract.png").is_file()
    again = run_lines(*arguments)
    assert "reads" not in again.stderr
    assert json.loads((tmp_path / "j").read_text(encoding="utf-8"))["results"] == written["results"]


def test_lines_without_data_or_model_or_with_unknown_names_is_a_sentence(receipts: Path, tmp_path: Path) -> None:
    model = write_line_model(tmp_path / "bars.onnx")
    for arguments, code, told in (
        (["sroie", "--readers", "typecase", "--model", tmp_path / "no.onnx"], ExitCode.MODEL, "no.onnx"),
        (["sroie", "--readers", "typecase", "--model", model, "--data", tmp_path], ExitCode.DATA, "There is no"),
        (["receipts"], ExitCode.USAGE, "'receipts'"),
        (["--readers", "abbyy"], ExitCode.USAGE, "'abbyy'"),
        (["--rounds", "0"], ExitCode.USAGE, "--rounds"),
    ):
        done = run_lines(*arguments)
        assert done.returncode == code, done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stderr
