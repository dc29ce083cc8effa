from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from model_fixtures import card
from typecase.charset import ClassSet
from typecase.errors import ModelError
from typecase.modelcard import MAX_CARD_BYTES, parse_card
from typecase.preprocess import CharacterPreprocess


def full() -> dict[str, Any]:
    values = json.loads(card(training={"epochs": 3}, figures={"top1": 0.9}, network_options={"width": 32}).to_json())
    assert isinstance(values, dict)
    return values


def test_a_card_comes_back_as_it_was() -> None:
    written = card(
        classes=ClassSet.of(["é", "a b", "\\", "0"]),
        preprocess=CharacterPreprocess(size=32, channels=3, fit="stretch", polarity="keep", mean=0.1, deviation=0.3),
        network_options={"width": 32, "blocks": [1, 2]},
        training={"epochs": 3},
        figures={"top1": {"value": 0.9}},
    )
    read = parse_card(written.to_json(), "m.onnx")
    assert read == written
    assert pickle.loads(pickle.dumps(read)) == read


def test_the_json_has_the_agreed_keys() -> None:
    assert set(full()) == {
        *("format", "task", "network", "classes", "preprocess", "temperature"),
        *("typecase", "created", "data", "training", "figures", "licence"),
    }


def test_what_may_be_left_out() -> None:
    values = full()
    for key in ("temperature", "typecase", "created", "data", "training", "figures", "licence"):
        del values[key]
    del values["network"]["options"]
    assert parse_card(json.dumps(values), "m").temperature == 1.0


def test_keys_of_later_versions_are_passed_over() -> None:
    assert parse_card(json.dumps(full() | {"colour": "red"}), "m").task == "classifier"


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(ModelError, match=r"m\.onnx was written by a newer typecase \(format 2.*update typecase"):
        parse_card(json.dumps({"format": 2, "anything": "else"}), "m.onnx")


@pytest.mark.parametrize("number", [None, 0, -1, "1", 1.0, True])
def test_a_format_that_is_none(number: object) -> None:
    with pytest.raises(ModelError, match="its format is missing"):
        parse_card(json.dumps(full() | {"format": number}), "m")


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("task", "", "task is missing"),
        ("task", 5, "task is not text"),
        ("network", None, "network is missing"),
        ("network", "charnet", "network is not an object"),
        ("network.name", "", "network.name is missing"),
        ("network.options", [1], "network.options is not an object"),
        ("classes", None, "classes is missing"),
        ("classes", "abc", "classes is not a list of names"),
        ("classes", ["a", 1], "classes is not a list of names"),
        ("classes", [], "list of class names is empty"),
        ("classes", ["a", ""], "class name is empty"),
        ("classes", ["a", "a"], "must be unique, these stand twice: a"),
        ("preprocess", None, "preprocess is missing"),
        ("preprocess", [], "preprocess is not an object"),
        ("preprocess.size", 0, "preprocessing facts are impossible"),
        ("preprocess.size", "48", "preprocessing facts are impossible"),
        ("preprocess.channels", 2, "preprocessing facts are impossible"),
        ("preprocess.deviation", 0, "preprocessing facts are impossible"),
        ("preprocess.deviation", "0.5", "preprocess.deviation must be a number"),
        ("preprocess.mean", None, "preprocess.mean must be a number"),
        ("preprocess.rotate", 90, r"does not know \(rotate\)"),
        ("temperature", 0, "temperature must be a number above 0"),
        ("temperature", "1", "temperature must be a number above 0"),
        ("temperature", float("nan"), "temperature must be a number above 0"),
        ("temperature", float("inf"), "temperature must be a number above 0"),
        ("temperature", True, "temperature must be a number above 0"),
        ("data", {"name": "x"}, "data is not a list of objects"),
        ("data", ["x"], "data is not a list of objects"),
        ("training", "x", "training is not an object"),
        ("figures", 1, "figures is not an object"),
        ("licence", 1, "licence is not text"),
        ("created", [], "created is not text"),
        ("typecase", 0.1, "typecase is not text"),
    ],
)
def test_every_field_is_checked(path: str, value: object, reason: str) -> None:
    values = copy.deepcopy(full())
    *outer, key = path.split(".")
    place = values
    for name in outer:
        place = place[name]
    place[key] = value
    with pytest.raises(ModelError, match=reason):
        parse_card(json.dumps(values), "m")


def test_every_reason_is_named() -> None:
    values = full() | {"task": 1, "classes": ["a", "a"], "temperature": -1}
    with pytest.raises(ModelError) as caught:
        parse_card(json.dumps(values), "some/model.onnx")
    message = str(caught.value)
    assert message.startswith("some/model.onnx carries a damaged card: ")
    assert all(part in message for part in ("task is not text", "stand twice: a", "temperature must be"))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", '"text"', "[" * 100_000, "\x00"])
def test_what_is_no_json_object(text: str) -> None:
    with pytest.raises(ModelError, match="carries a damaged card"):
        parse_card(text, "m")


def test_an_endless_card_is_not_even_parsed() -> None:
    with pytest.raises(ModelError, match="more than 16 MiB"):
        parse_card(" " * (MAX_CARD_BYTES + 1), "m")
