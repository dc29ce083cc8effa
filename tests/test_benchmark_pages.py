"""The comparison of pages: its scoring, where words are lost, its sets, its peers, and the whole of it on tiny data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from conftest import REPOSITORY
from typecase.datasets.line_sample import Piece
from typecase.errors import DataError, InputError, UsageError
from typecase.text_score import word_counts, word_f1

with pytest.MonkeyPatch.context() as _patch:
    # The scripts lengthen the module path and the environment of what they start; this process keeps its own.
    _patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    _patch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    import pages as benchmark
    from peers import (
        environment,
        page_costs,
        page_goals,
        page_losses,
        page_readers,
        page_scores,
        page_sets,
        rapidocr_pages,
    )
    from peers.page_losses import Loss
    from peers.page_readers import KeptPages, PageAnswer, PagePicture, PageReader, TesseractPages
    from peers.page_sets import PageSet, TruePage


def page(text: str, pieces: Sequence[Piece] = (), path: str = "none.png") -> TruePage:
    return TruePage(PagePicture(Path(path)), text, tuple(pieces))


def line(text: str, y: float, x: float = 0.0) -> Piece:
    """A piece in which every character is ten pixels wide."""
    return Piece(text, (x, y, 10.0 * len(text), 20.0))


def kinds(losses: Sequence[Loss]) -> list[tuple[str, str, str]]:
    return [(loss.kind, loss.truth, loss.read) for loss in losses]


def test_scores_are_summed_over_pages() -> None:
    truths, read = ["one two two", "THREE"], ["two one extra", "three"]
    result = page_scores.scored([page(text) for text in truths], read, folded=True, ordered=True)
    counts = [word_counts(true, seen, True) for true, seen in zip(truths, read, strict=True)]
    assert (result.matched, result.true, result.read) == tuple(map(sum, zip(*counts, strict=True)))
    assert result.f1 == pytest.approx(word_f1(3, 4, 4)) == pytest.approx(1 - result.error.value)
    assert result.pages == pytest.approx((2 / 3, 1.0))
    low, high = result.interval
    assert low <= result.f1 <= high
    assert result.characters is not None
    assert result.characters.total == len("one two two") + len("THREE")
    assert page_scores.scored([page("a")], ["a"], folded=False, ordered=False).characters is None


def test_each_kind_of_loss_is_told() -> None:
    truth = page(
        "", [line("faint", 0), line("AB12", 40), line("run together", 80), line("apart", 120), line("fine", 160)]
    )
    answer = PageAnswer(
        "",
        (
            line("A812", 40),
            line("runtogether", 80),
            line("ap", 120),
            line("art", 120, 20),
            line("fine", 160),
            line("dust", 300),
        ),
    )
    assert kinds(page_losses.page_losses(truth, answer, folded=False)) == [
        ("undetected", "faint", ""),
        ("misread", "AB12", "A812"),
        ("joined", "run", "runtogether"),
        ("joined", "together", "runtogether"),
        ("split", "apart", "ap art"),
        ("superfluous", "", "dust"),
    ]


def test_losses_are_as_many_as_the_score_counts() -> None:
    truth = page("", [line("a b b c", 0), line("a d", 40)])
    answer = PageAnswer("", (line("a b x c", 0), line("a d d", 40)))
    losses = page_losses.page_losses(truth, answer, folded=False)
    matched, true, _ = word_counts("a b b c a d", "a b x c a d d")
    assert sum(loss.kind != "superfluous" for loss in losses) == true - matched
    # Of two equal words the one is lost beside which something else was read.
    assert kinds(losses) == [("misread", "b", "x"), ("superfluous", "", "d")]
    assert losses[0].box == (40.0, 0.0, 10.0, 20.0)


def test_case_is_folded_where_the_set_says_so() -> None:
    truth, answer = page("", [line("TOTAL", 0)]), PageAnswer("", (line("Total", 0),))
    assert page_losses.page_losses(truth, answer, folded=True) == []
    assert kinds(page_losses.page_losses(truth, answer, folded=False)) == [("misread", "TOTAL", "Total")]


def test_nothing_read_and_nothing_to_read() -> None:
    assert page_losses.page_losses(page(""), PageAnswer(""), folded=False) == []
    assert kinds(page_losses.page_losses(page("", [line("word", 0)]), PageAnswer(""), folded=False)) == [
        ("undetected", "word", "")
    ]
    assert kinds(page_losses.page_losses(page(""), PageAnswer("", (line("dust", 0),)), folded=False)) == [
        ("superfluous", "", "dust")
    ]


def test_frequent_confusions_count_characters_of_misread_words() -> None:
    losses = [
        Loss("misread", "10", "1O", (0, 0, 1, 1)),
        Loss("misread", "20", "2O", (0, 0, 1, 1)),
        Loss("joined", "0", "O", (0, 0, 1, 1)),
    ]
    assert page_losses.frequent_confusions(losses, folded=False) == [("0", "O", 2)]


def test_the_picture_of_losses_marks_them(tmp_path: Path) -> None:
    Image.new("L", (900, 600), 255).save(tmp_path / "page.png")
    lost = Loss("undetected", "word", "", (100.0, 50.0, 200.0, 40.0))
    picture = page_losses.losses_picture(page("", path=str(tmp_path / "page.png")), [lost], "a title")
    assert picture.width == 1800
    red = np.asarray(picture)[..., 0] > np.asarray(picture)[..., 1].astype(int) + 100
    rows, columns = np.nonzero(red[60:])
    assert 190 <= columns.min() <= 205
    assert 595 <= columns.max() <= 605
    assert rows.size > 500


def receipt_rows(*texts: str) -> str:
    return "".join(
        f"10,{40 * n},90,{40 * n},90,{40 * n + 20},10,{40 * n + 20},{text}\n" for n, text in enumerate(texts)
    )


def data_folder(root: Path) -> Path:
    """Receipts 009 and 010, and a form."""
    for folder in ("sroie/img", "sroie/box", "funsd/images", "funsd/annotations"):
        (root / folder).mkdir(parents=True)
    for name in ("009", "010"):
        Image.new("L", (100, 100), 255).save(root / "sroie" / "img" / f"{name}.jpg")
    (root / "sroie" / "box" / "009.csv").write_text(receipt_rows("TRAINED ON"), encoding="utf-8")
    (root / "sroie" / "box" / "010.csv").write_text(receipt_rows("A, B, C", "12.50"), encoding="utf-8")
    Image.new("L", (100, 100), 255).save(root / "funsd" / "images" / "x.png")
    words = [{"text": "Date:", "box": [5, 6, 45, 16]}, {"text": "", "box": [1, 1, 2, 2]}]
    form = {"form": [{"id": 0, "words": words}, {"id": 1, "words": [{"text": "May", "box": [50, 6, 80, 16]}]}]}
    (root / "funsd" / "annotations" / "x.json").write_text(json.dumps(form), encoding="utf-8")
    return root


def test_receipts_that_are_held_back_are_measured_with_all_their_text(tmp_path: Path) -> None:
    found = page_sets.open_set("sroie", data_folder(tmp_path))
    assert found.folded
    assert not found.ordered
    [one] = found.pages
    assert one.picture.path.name == "010.jpg"
    assert one.text == "A, B, C\n12.50"
    assert one.pieces[1] == Piece("12.50", (10.0, 40.0, 80.0, 20.0))


def test_forms_are_measured_word_by_word(tmp_path: Path) -> None:
    [one] = page_sets.open_set("funsd", data_folder(tmp_path)).pages
    assert one.text == "Date:\nMay"
    assert one.pieces[0] == Piece("Date:", (5.0, 6.0, 40.0, 10.0))


def test_a_set_without_its_pictures_is_a_sentence(tmp_path: Path) -> None:
    root = data_folder(tmp_path)
    (root / "sroie" / "img" / "010.jpg").unlink()
    with pytest.raises(DataError, match=r"010\.jpg"):
        page_sets.open_set("sroie", root)
    with pytest.raises(DataError, match=r"fonts\.tar\.xz"):
        page_sets.open_set("drawn", root)


def test_a_digest_tells_pages_apart(tmp_path: Path) -> None:
    root = data_folder(tmp_path)
    first = page_sets.open_set("sroie", root)
    (root / "sroie" / "box" / "010.csv").write_text(receipt_rows("A, B, C", "12.51"), encoding="utf-8")
    assert page_sets.open_set("sroie", root).digest != first.digest


@pytest.mark.parametrize(("degrees", "corner"), [(90, (0, 1)), (180, (1, 1)), (270, (1, 0))])
def test_pages_are_turned_clockwise(tmp_path: Path, degrees: int, corner: tuple[int, int]) -> None:
    pixels = np.zeros((4, 6), np.uint8)
    pixels[0, 0] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    [turned] = page_sets.turned([page("text", path=str(tmp_path / "a.png"))], degrees, tmp_path)
    with Image.open(turned.picture.path) as image:
        found = np.asarray(image)
    assert turned.text == "text"
    assert found[-corner[0] if corner[0] else 0, -corner[1] if corner[1] else 0] == 255


class Parrot(PageReader):
    """Answers with the name of each file, and counts."""

    name = "parrot"
    facts: dict[str, Any] = {"version": 1}
    weights: Sequence[Path] = ()

    def __init__(self, seconds: float = 0.5) -> None:
        self.asked = 0
        self._seconds = seconds

    def read(self, pages: Sequence[PagePicture]) -> list[PageAnswer]:
        self.asked += len(pages)
        return [PageAnswer(one.path.stem, (Piece(one.path.stem, (1.0, 2.0, 3.0, 4.0)),)) for one in pages]

    def seconds(self, pages: Sequence[PagePicture]) -> float:
        return self._seconds * len(pages)

    def command(self, page: PagePicture) -> tuple[list[str], str]:
        return [sys.executable, "-S", "-c", "kept = bytearray(int(input()))"], "80000000"


def test_peers_are_asked_once_for_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    files = [tmp_path / name for name in ("a.png", "b.png")]
    for number, path in enumerate(files):
        Image.new("L", (10 + number, 10)).save(path)
    pictures = [PagePicture(path) for path in files]
    parrot = Parrot()
    first = KeptPages(parrot).read(pictures, "pages")
    assert [answer.text for answer in first] == ["a", "b"]
    assert KeptPages(parrot).read(pictures, "pages") == first
    assert parrot.asked == 2
    # In another language it is another question.
    KeptPages(parrot).read([PagePicture(files[0], "fr")], "pages")
    assert parrot.asked == 3


def test_times_are_taken_by_turns() -> None:
    measured = page_costs.speeds({"fast": Parrot(0.25), "slow": Parrot(2.0)}, [page("a"), page("b")], 3)
    assert measured == {"fast": [0.25] * 3, "slow": [2.0] * 3}


def test_the_peak_of_a_process_is_its_own() -> None:
    # This process holds far more than a bare Python does.
    held = page_costs.peak_memory(Parrot(), page("a"))
    assert 80e6 < held < 140e6


def test_a_process_that_fails_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parrot, "command", lambda self, page: ([sys.executable, "-c", "exit('broken')"], ""))
    with pytest.raises(InputError, match="parrot failed: broken"):
        page_costs.peak_memory(Parrot(), page("a"))


FAKE_TESSERACT = """#!{python}
import sys
if "--version" in sys.argv:
    print("tesseract 9.8.7")
elif "--list-langs" in sys.argv:
    print('List of available languages in "{data}/" (1):')
    print("eng")
elif "tsv" in sys.argv:
    base = sys.argv[2]
    open(base + ".txt", "w").write("KEDAI KOPI\\n\\f")
    head = "level page_num block_num par_num line_num word_num left top width height conf text".replace(" ", "\\t")
    rows = ["5\\t1\\t1\\t1\\t1\\t1\\t7\\t8\\t30\\t12\\t90\\tKEDAI", "4\\t1\\t1\\t1\\t1\\t0\\t7\\t8\\t30\\t12\\t-1\\t"]
    open(base + ".tsv", "w").write("\\n".join([head, *rows]) + "\\n")
elif sys.argv[1].endswith("gone.png"):
    sys.exit("cannot open it")
"""


@pytest.fixture
def tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "tesseract"
    program.parent.mkdir()
    (tmp_path / "eng.traineddata").write_bytes(b"data")
    program.write_text(FAKE_TESSERACT.format(python=sys.executable, data=tmp_path), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


@pytest.mark.usefixtures("tesseract")
def test_tesseract_reads_words_with_their_boxes(tmp_path: Path) -> None:
    reader = TesseractPages(1)
    [answer] = reader.read([PagePicture(tmp_path / "a.png")])
    assert answer.text.split() == ["KEDAI", "KOPI"]
    assert answer.pieces == (Piece("KEDAI", (7.0, 8.0, 30.0, 12.0)),)
    assert reader.seconds([PagePicture(tmp_path / "a.png")] * 2) > 0
    with pytest.raises(InputError, match="no data for deu"):
        reader.read([PagePicture(tmp_path / "a.png", "de")])


FAKE_RAPIDOCR = """
import types

class RapidOCR:
    def __init__(self, params):
        assert params["EngineConfig.onnxruntime.intra_op_num_threads"] == 1

    def __call__(self, picture):
        if "empty" in picture:
            return types.SimpleNamespace(txts=None, boxes=None)
        return types.SimpleNamespace(txts=(picture,), boxes=[[[1, 2], [11, 2], [11, 9], [1, 9]]])
"""
FAKE_CV2 = """
IMREAD_COLOR = 1
setNumThreads = int
def imread(path, flags):
    return path
"""


def test_rapidocr_reads_whole_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("rapidocr.py", FAKE_RAPIDOCR), ("cv2.py", FAKE_CV2)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(environment, "set_up", lambda: Path(sys.executable))

    def run(python: Path, worker: Path, job: dict[str, Any]) -> dict[str, Any]:
        path = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            [python, worker], input=json.dumps(job), env=path, text=True, capture_output=True, check=True
        )
        answers: dict[str, Any] = json.loads(done.stdout)
        return answers

    monkeypatch.setattr(page_readers, "ask_worker", run)
    reader = page_readers.RapidOcrPages(1)
    first, second = reader.read([PagePicture(tmp_path / "a.png"), PagePicture(tmp_path / "empty.png")])
    assert first == PageAnswer(str(tmp_path / "a.png"), (Piece(str(tmp_path / "a.png"), (1.0, 2.0, 10.0, 7.0)),))
    assert second == PageAnswer("")
    assert reader.seconds([PagePicture(tmp_path / "a.png")]) >= 0
    assert Path(rapidocr_pages.__file__) == page_readers.WORKER


def measured(**changes: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"scores": {}, "turned": {}, "speed": {}, "dense": {}, "start": [], "memory": {}}
    return {**nothing, "growth": None, "weights": 0, **changes}


def test_goals_compare_what_was_measured() -> None:
    assert page_goals.goals(measured()) == []
    good = page_scores.scored([page("a b")], ["a b"], folded=False, ordered=True)
    poor = page_scores.scored([page("a b")], ["a x"], folded=False, ordered=True)
    scores = {"sroie": {"typecase": poor}, "drawn": {"typecase": good, "rapidocr": poor, "tesseract": poor}}
    speed = {"typecase": [0.1], "tesseract": [0.5], "rapidocr": [0.9]}
    found = page_goals.goals(
        measured(scores=scores, turned={90: 0.002, 180: 0.03}, speed=speed, memory={"typecase": 5e8}, growth=1.2)
    )
    assert [(goal.what, goal.reached, goal.met) for goal in found] == [
        ("word F1, sroie", "0.5000", False),
        ("word F1, drawn", "1.0000", True),
        ("CER of pages, drawn", "0.0000", True),
        ("word F1 lost by turning", "3.00 points", False),
        ("receipts", "5.0 times", True),
        ("receipts", "9.0 times", False),
        ("peak memory, A4", "500 MB", True),
        ("memory, last over 100th page", "1.200", False),
    ]


RECEIPT = (
    "CORNER BAKERY",
    "12 Market Street, Leeds",
    "2 Coffee 7.80",
    "1 Almond cake 3.25",
    "TOTAL 11.05",
    "27 Nov 2026",
)


@pytest.mark.usefixtures("tesseract")
def test_the_whole_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    root = data_folder(tmp_path / "data")
    image = Image.new("L", (480, 460), 250)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=26)
    rows = []
    for number, text in enumerate(RECEIPT):
        draw.text((40, 36 + 50 * number), text, 20, font)
        left, top, right, bottom = map(round, draw.textbbox((40, 36 + 50 * number), text, font))
        rows.append(f"{left},{top},{right},{top},{right},{bottom},{left},{bottom},{text}\n")
    image.save(root / "sroie" / "img" / "010.jpg", quality=95)
    (root / "sroie" / "box" / "010.csv").write_text("".join(rows), encoding="utf-8")
    benchmark.main(
        [
            *("--data", str(root), "--only", "sroie", "--readers", "typecase", "tesseract", "--parts", "quality"),
            *("--threads", "1", "--losses", "--sheets", str(tmp_path / "sheets"), "--json", str(tmp_path / "all.json")),
        ]
    )
    told = capsys.readouterr().out
    assert "SHA-256" in told
    assert "nothing was read there" in told
    results = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    readers = results["results"]["sroie"]["readers"]
    assert readers["tesseract"]["word_f1"] < 0.2
    assert readers["typecase"]["word_f1"] > 0.6
    assert {one["file"] for one in results["weights"]["typecase"]} == {"lines.onnx", "pages.onnx", "language.npz"}
    assert (tmp_path / "sheets" / "sroie-tesseract-01-010.png").exists()


def test_what_is_not_known_or_impossible_is_refused() -> None:
    with pytest.raises(UsageError, match="no set 'iris'"):
        benchmark.main(["--only", "iris"])
    with pytest.raises(UsageError, match="no part 'beauty'"):
        benchmark.main(["--parts", "beauty"])
    with pytest.raises(UsageError, match="at least 1"):
        benchmark.main(["--limit", "-1"])


def test_a_limit_takes_the_first_pages() -> None:
    pages = PageSet("pages", tuple(page(str(number)) for number in range(5)))
    assert [one.text for one in benchmark._limited(pages, 2).pages] == ["0", "1"]
    assert len(benchmark._limited(pages, None).pages) == 5
