from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageOps

import typecase
from model_fixtures import CLASSES, bar, card, onnx_model, write_bars, write_model
from typecase import classifier as module
from typecase.classifier import Alternative, Classification, Classifier, classify
from typecase.errors import InputError, ModelError, UsageError
from typecase.preprocess import LinePreprocess
from typecase.runtime.openvino import BATCHES


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "bars.onnx")


@pytest.fixture(scope="module")
def bars(model: Path) -> Classifier:
    return Classifier(model, threads=1)


@pytest.mark.parametrize("label", CLASSES)
def test_each_bar_is_known(bars: Classifier, label: str) -> None:
    answer = bars.classify(bar(label, size=90))
    assert answer.label == label
    assert answer.confidence is not None
    assert 0.5 < answer.confidence < 1
    assert {answer.label, *(other.label for other in answer.alternatives)} == set(CLASSES)


def test_white_on_black_is_the_same_character(bars: Classifier) -> None:
    assert bars.classify(ImageOps.invert(bar("/"))) == bars.classify(bar("/"))


def test_confidences_are_the_softmax_of_the_cooled_logits(bars: Classifier) -> None:
    picture = bar("-")
    weights = np.asarray(onnx_model().graph.initializer[0].raw_data)
    logits = bars.card.character_preprocess(picture).ravel() @ np.frombuffer(weights.tobytes(), np.float32).reshape(
        -1, 4
    )
    cooled = logits.astype(np.float64) / card().temperature
    expected = np.exp(cooled) / np.exp(cooled).sum()
    answer = bars.classify(picture)
    assert answer.confidence is not None
    assert answer.confidence == pytest.approx(expected[CLASSES.index("-")], abs=1e-5)
    assert answer.confidence + sum(one.confidence for one in answer.alternatives) == pytest.approx(1, abs=1e-5)


def test_top_counts_the_answer_and_orders_the_rest(bars: Classifier) -> None:
    assert [len(bars.classify(bar("I"), top=top).alternatives) for top in (1, 2, 4, 99)] == [0, 1, 3, 3]
    confidences = [one.confidence for one in bars.classify(bar("I")).alternatives]
    assert confidences == sorted(confidences, reverse=True)


def test_the_dictionary_is_the_agreed_json() -> None:
    answer = Classification("a.png", "A", 0.9, (Alternative("4", 0.1),))
    assert json.loads(json.dumps(answer.to_dict())) == {
        "path": "a.png",
        "class": "A",
        "confidence": 0.9,
        "alternatives": [{"class": "4", "confidence": 0.1}],
    }
    assert Classification("b.png", error="b.png is empty.").to_dict() == {"path": "b.png", "error": "b.png is empty."}


def test_many_are_answered_like_one_and_in_order(bars: Classifier) -> None:
    sources = [bar(label, size=20 + number) for number, label in zip(range(150), cycle(CLASSES), strict=False)]
    answers = list(bars.classify_many(sources))
    assert [answer.label for answer in answers] == list(islice(cycle(CLASSES), 150))
    for source, answer in zip(sources, answers, strict=True):
        alone = bars.classify(source)
        assert alone.label == answer.label
        assert alone.confidence == pytest.approx(answer.confidence, abs=1e-5)


def test_a_failed_picture_does_not_stop_the_others(bars: Classifier, tmp_path: Path) -> None:
    paths = write_bars(tmp_path)
    paths[1].write_bytes(b"")
    answers = list(bars.classify_many([*paths, b"rubbish", tmp_path / "missing.png"], batch=3))
    assert [answer.label for answer in answers] == ["I", None, "/", "\\", None, None]
    assert [answer.path for answer in answers][4:] == ["<bytes>", str(tmp_path / "missing.png")]
    assert answers[1].error == f"{paths[1]} is empty; it holds no picture."
    assert all(answer.confidence is None and not answer.alternatives for answer in answers if answer.error)
    assert [answer.error is None for answer in bars.classify_many([b"rubbish"])] == [False]


def test_an_endless_iterable_is_read_one_batch_at_a_time(bars: Classifier) -> None:
    taken = 0

    def endless() -> Iterator[Any]:
        nonlocal taken
        while True:
            taken += 1
            yield bar("I")

    answers = bars.classify_many(endless(), batch=8)
    assert taken == 0
    assert [next(answers).label for _ in range(9)] == ["I"] * 9
    assert taken == 16


def test_only_the_known_batches_are_compiled(bars: Classifier) -> None:
    for count in (1, 3, 70, 130, 5):
        assert len(list(bars.classify_many([bar("/")] * count, batch=count))) == count
    assert set(bars._net._compiled) <= set(BATCHES)


def test_the_limit_reaches_the_pictures(bars: Classifier) -> None:
    with pytest.raises(InputError, match="at most 1,000 are read"):
        bars.classify(bar("I"), max_pixels=1_000)
    [answer] = bars.classify_many([bar("I")], max_pixels=1_000)
    assert "at most 1,000 are read" in str(answer.error)


@pytest.mark.parametrize("top", [0, -1])
def test_impossible_numbers(bars: Classifier, top: int) -> None:
    with pytest.raises(UsageError, match="top must be at least 1"):
        bars.classify(bar("I"), top=top)
    with pytest.raises(UsageError, match="top must be at least 1"):
        bars.classify_many([], top=top)
    with pytest.raises(UsageError, match="batch must be at least 1"):
        bars.classify_many([], batch=top)


def test_threads_share_one(bars: Classifier) -> None:
    labels = list(islice(cycle(CLASSES), 80))
    with ThreadPoolExecutor(4) as pool:
        assert [answer.label for answer in pool.map(lambda label: bars.classify(bar(label)), labels)] == labels


def test_a_pickled_one_opens_the_file_again(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    kept = pickle.dumps(Classifier(model.name, threads=1))
    assert len(kept) < 500
    monkeypatch.chdir(tmp_path)
    copy = pickle.loads(kept)
    assert copy.classify(bar("-")).label == "-"
    assert copy.card == card()


def _label_in_another_process(one: Classifier, label: str) -> str | None:
    return one.classify(bar(label)).label


def test_another_process_can_be_handed_one(bars: Classifier) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.starmap(_label_in_another_process, [(bars, label) for label in CLASSES]) == list(CLASSES)


def test_a_model_for_something_else(tmp_path: Path) -> None:
    path = write_model(tmp_path / "lines.onnx", changes={"task": "recognizer", "preprocess": LinePreprocess()})
    with pytest.raises(ModelError, match="model for the task 'recognizer', not a classifier"):
        Classifier(path)


def test_weights_that_are_not_numbers(tmp_path: Path) -> None:
    path = write_model(tmp_path / "nan.onnx", weights=np.full((24 * 24, 4), np.nan, np.float32))
    with pytest.raises(ModelError, match="gives answers that are not numbers"):
        Classifier(path).classify(bar("I"))


def test_huge_logits_do_not_overflow(tmp_path: Path) -> None:
    patterns = np.zeros((24 * 24, 4), np.float32)
    patterns[:, 2] = 1e5
    path = write_model(tmp_path / "sure.onnx", weights=patterns)
    answer = Classifier(path).classify(np.full((30, 30), 255, np.uint8))
    assert (answer.label, answer.confidence) == (CLASSES[2], 1.0)


def test_no_shipped_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SHIPPED_MODEL", tmp_path / "characters.onnx")
    with pytest.raises(ModelError, match="carries no model; name one"):
        Classifier()


def test_classify_takes_one_or_a_list(model: Path, tmp_path: Path) -> None:
    paths = write_bars(tmp_path)
    one = classify(paths[1], top=2, model=model)
    assert (one.path, one.label, len(one.alternatives)) == (str(paths[1]), "-", 1)
    assert [answer.label for answer in classify(tuple(paths), model=model)] == list(CLASSES)
    assert classify([], model=model) == []
    assert [answer.label for answer in classify([paths[0], tmp_path / "missing"], model=model)] == ["I", None]
    with pytest.raises(InputError, match="does not exist"):
        classify(tmp_path / "missing", model=model)


def test_classify_is_there_at_the_top(model: Path) -> None:
    assert typecase.classify(bar("/"), model=model).label == "/"
    assert typecase.Classifier is Classifier


def test_the_shipped_model_is_the_default(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHIPPED_MODEL", model)
    assert classify(bar("I")).label == "I"
    assert Classifier().classes.names == CLASSES


def test_a_model_is_opened_once_until_it_is_replaced(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    class Counted(Classifier):
        def __init__(self, *arguments: Any) -> None:
            opened.append(arguments)
            super().__init__(*arguments)

    monkeypatch.setattr(module, "Classifier", Counted)
    path = tmp_path / "m.onnx"
    shutil.copy(model, path)
    with ThreadPoolExecutor(4) as pool:
        assert {one.label for one in pool.map(lambda _: classify(bar("I"), model=path), range(12))} == {"I"}
    assert len(opened) == 1
    write_model(path, changes={"classes": typecase_classes("ABCD")})
    os.utime(path, ns=(1, 1))
    assert classify(bar("I"), model=path).label == "A"
    assert len(opened) == 2
    assert sum(key[0] == path for key in module._kept) == 1


def typecase_classes(names: str) -> Any:
    return card().classes.of(names)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_can_go_on_asking(bars: Classifier) -> None:
    bars.classify(bar("I"))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if [bars.classify(bar(label)).label for label in CLASSES] == list(CLASSES) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
