"""The page and the figures: complete, safe with strangers' names, readable without eyes, and never half written."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from typecase.charset import CHARACTERS, ClassSet
from typecase.errors import InputError, OutputError
from typecase.training import plots, report
from typecase.training.evaluation import ClassifierEvaluation
from typecase.training.report import Provenance

LOG = """epoch,split,loss,accuracy,learning_rate,seconds
1,train,2.0,0.5,0.001,3.5
1,validation,1.5,0.6,0.001,3.5
2,train,1.0,0.75,0.001,3.5
2,validation,0.9,0.8,0.001,3.5
3,train,0.8,0.85,0.001,3.5
3,validation,,,0.001,3.5
"""


SOME = ClassSet.of("0Oo1lIxq")
"""With look-alikes, with and without case, and quick to draw."""


def evaluation(
    classes: ClassSet = SOME, lift: float = 2.5, names: Sequence[str] | None = None, channels: int = 1
) -> ClassifierEvaluation:
    random = np.random.default_rng(5)
    count = 12 * len(classes)
    targets = np.arange(count) % len(classes)
    logits = random.normal(size=(count, len(classes)))
    logits[np.arange(count), targets] += lift
    pictures = random.integers(0, 256, (count, channels, 8, 8), dtype=np.uint8)
    named = names or [f"Fnt/Sample{target + 1:03d}/{number}.png" for number, target in enumerate(targets)]
    sources = [("printed", "written")[number % 2] for number in range(count)]
    return ClassifierEvaluation.of(logits, targets, classes, named, pictures, 1.1, sources)


def provenance(**changes: Any) -> Provenance:
    values: dict[str, Any] = {
        "command": "typecase evaluate classifier model.onnx --data 'a & b.tgz'",
        "version": "0.1.0",
        "created": "2026-11-22 10:00 UTC",
        "machine": "x86_64",
        "model": "model.onnx",
        "model_sha256": "0123abcd" * 8,
        "runtime": "OpenVINO",
        "card": {"licence": "research only", "classes": ["hidden"]},
        "data": [{"name": "letters", "path": "a & b.tgz", "part": "test", "split": {"method": "random", "seed": 42}}],
        "settings": {"batch-size": 256, "test-groups": [], "log": None},
    }
    return Provenance(**(values | changes))


class Page(HTMLParser):
    """What a browser would make of the page."""

    EMPTY = {"meta", "link", "img", "br", "source", "input"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == []
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def html_of(result: ClassifierEvaluation, origin: Provenance | None = None, log: Path | None = None) -> str:
    return report.render(result, origin or provenance(), report.draw(result, log), title="A model on letters")


def page(result: ClassifierEvaluation, origin: Provenance | None = None, log: Path | None = None) -> Page:
    return Page(html_of(result, origin, log))


def picture(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_page_holds_the_figures_and_their_origin(tmp_path: Path) -> None:
    result = evaluation()
    log = tmp_path / "log.csv"
    log.write_text(LOG)
    shown = page(result, log=log)
    for proportion in (result.top1, result.top3, result.case_merged, result.look_alikes.merged):
        assert f"{100 * proportion.value:.2f} %" in shown.text
        low, high = proportion.interval
        assert f"[{100 * low:.2f}–{100 * high:.2f} %]" in shown.text
    assert "Case-merged" in shown.text
    for text in (f"{result.loss:.4f}", "0123abcd" * 8, "a & b.tgz", "research only", "batch size", "seed: 42"):
        assert text in shown.text
    assert "hidden" not in shown.text
    for heading in (
        "Sources",
        "Confused pairs",
        "Confusion matrix",
        "Classes",
        "Calibration",
        "Training",
        "Provenance",
    ):
        assert heading in shown.text
    assert sum("Fnt/" in (one.get("title") or "") for one in shown.all("img")) == len(result.mistakes)


def test_page_asks_the_network_for_nothing() -> None:
    html = html_of(evaluation())
    shown = Page(html)
    for _, attributes in shown.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#"))
    policy = [one["content"] for one in shown.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0] is not None
    assert policy[0].startswith("default-src 'none'")
    assert not re.search(r"url\(|@import|fetch\(|https?:", html)


def test_page_is_accessible() -> None:
    shown = page(evaluation())
    assert shown.all("html") == [{"lang": "en"}]
    assert all(one.get("alt") for one in shown.all("img"))
    assert len(shown.all("caption")) == len(shown.all("table")) > 5
    assert all(one.get("scope") in ("row", "col") for one in shown.all("th"))
    levels = [int(tag[1]) for tag, _ in shown.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    identities = [str(attributes["id"]) for _, attributes in shown.tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    targets = [str(one["href"])[1:] for one in shown.all("a")]
    assert set(targets) <= set(identities)
    assert any(one.get("name") == "viewport" for one in shown.all("meta"))


def test_page_has_every_figure_for_light_and_dark() -> None:
    drawings = report.draw(evaluation())
    sources = Page(report.render(evaluation(), provenance(), drawings, title="x")).all("source")
    assert len(sources) == 3
    assert all(one["media"] == "(prefers-color-scheme: dark)" for one in sources)
    light, dark = drawings["recalls"]
    assert picture(light)[0, 0].mean() > 200 > 60 > picture(dark)[0, 0].mean()


def test_names_from_strangers_are_text_and_nothing_else() -> None:
    nasty = '<script>alert("1")</script>'
    classes = ClassSet.of([nasty, "b&b", " "])
    result = evaluation(classes, lift=-1, names=[f'"><img src=x onerror=alert({number})>' for number in range(36)])
    shown = page(result, provenance(model=nasty, notes=[nasty], card={nasty: nasty}))
    assert len(shown.all("script")) == 1
    assert nasty in shown.text
    assert "U+0020" in shown.text
    assert not any("onerror" in attributes for _, attributes in shown.tags)


def test_table_of_classes_begins_with_the_worst_and_can_be_sorted() -> None:
    html = html_of(evaluation(CHARACTERS, lift=2.0))
    table = html[html.index('aria-label="Figures of each class"') :]
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", table[: table.index("</table>")])
    assert len(rows) == 62
    keys = [[float(key) if key else None for key in re.findall(r'<td data-value="([^"]*)"', row)] for row in rows]
    assert all(len(row) == 4 for row in keys)
    f1 = [row[3] for row in keys]
    assert f1 == sorted(f1, key=lambda value: value or 0.0)


def test_page_of_a_flawless_model() -> None:
    shown = page(evaluation(ClassSet.of("xyq"), lift=50))
    assert "There is no mistake on this set." in shown.text
    assert "Case-merged" not in shown.text
    assert "Look-alike" not in shown.text
    assert not any(attributes.get("class") == "sheet" for _, attributes in shown.tags)


def test_page_warns() -> None:
    shown = page(evaluation(), provenance(notes=["30 pictures were trained on."]))
    assert "Note: 30 pictures were trained on." in shown.text


def test_everything_is_written(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(LOG)
    result = evaluation(channels=3)
    files = report.write(tmp_path / "deep" / "out", result, provenance(), title="A model", log=log)
    assert sorted(file.name for file in files) == [
        "confusion.png",
        "curves.png",
        "evaluation.json",
        "mistakes.png",
        "recalls.png",
        "reliability.png",
        "report.html",
    ]
    assert sorted(files) == sorted((tmp_path / "deep" / "out").iterdir())
    for file in files:
        if file.suffix == ".png":
            with Image.open(file) as image:
                image.load()
    text = (tmp_path / "deep" / "out" / "evaluation.json").read_text(encoding="utf-8")
    assert ClassifierEvaluation.from_json(text) == result
    assert json.loads(text)["provenance"]["model_sha256"] == "0123abcd" * 8


def test_the_same_evaluation_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        report.write(tmp_path / folder, evaluation(), provenance(), title="A model")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_an_unwritable_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        report.write(tmp_path / "file" / "out", evaluation(ClassSet.of("ab")), provenance(), title="A model")


def test_confusion_matrix_shows_each_error() -> None:
    classes = ClassSet.of("xqj")
    right = ClassifierEvaluation.of(np.eye(3), np.arange(3), classes, ["1", "2", "3"])
    wrong = ClassifierEvaluation.of(np.eye(3)[[0, 1, 1]], np.arange(3), classes, ["1", "2", "3"])
    assert plots.confusion_matrix(right) != plots.confusion_matrix(wrong)


def test_confusion_matrix_outlines_look_alikes() -> None:
    def orange(classes: str) -> int:
        result = ClassifierEvaluation.of(np.eye(3), np.arange(3), ClassSet.of(classes), ["1", "2", "3"])
        pixels = picture(plots.confusion_matrix(result))
        return int((np.abs(pixels - [0xD5, 0x5E, 0x00]).max(axis=2) < 12).sum())

    assert orange("xqj") == 0
    assert orange("xXj") > 100


def test_62_classes_have_cells_large_enough_to_read() -> None:
    height, width, _ = picture(plots.confusion_matrix(evaluation(CHARACTERS))).shape
    assert min(height, width) / 62 > 18


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "names", [["$a$", "字", "ع", "\N{GRINNING FACE}", " ", "a" * 40], ["only"], [f"c{n}" for n in range(130)]]
)
def test_figures_take_any_class_name(names: list[str]) -> None:
    result = evaluation(ClassSet.of(names), lift=0.5)
    for drawn in (
        plots.confusion_matrix(result),
        plots.recalls(result),
        plots.reliability(result.calibration),
    ):
        assert picture(drawn).std() > 1


def test_curves_follow_the_log(tmp_path: Path) -> None:
    log, png = tmp_path / "log.csv", tmp_path / "curves.png"
    log.write_text(LOG)
    plots.curves(log, png)
    first = png.read_bytes()
    assert picture(first).std() > 1
    # A resumed training logs an epoch again: the later line counts.
    log.write_text(LOG + "2,train,1.0,0.75,0.001,3.5\n")
    plots.curves(log, png)
    assert png.read_bytes() == first
    log.write_text(LOG + "2,train,1.9,0.15,0.001,3.5\n")
    plots.curves(log, png)
    assert png.read_bytes() != first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"epoch,loss\n1,2\n", "no column 'split'"),
        (LOG.splitlines()[0].encode(), "no epoch in it yet"),
        (LOG.replace("2.0", "two").encode(), "'two' for the loss of epoch '1'"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, text: bytes | None, message: str) -> None:
    log = tmp_path / "log.csv"
    if text is not None:
        log.write_bytes(text)
    with pytest.raises(InputError, match=message):
        plots.curves(log, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def test_a_diverged_training_can_still_be_drawn(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(LOG.replace("0.8,0.85", "nan,0.02"))
    plots.curves(log, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
