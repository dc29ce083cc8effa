"""Evaluating a model: what is handed to it, what becomes of its answers, and the JSON there and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from typecase.charset import CHARACTERS, ClassSet
from typecase.errors import DataError, InputError, ModelError
from typecase.preprocess import CharacterPreprocess, FloatArray
from typecase.training import evaluation as module
from typecase.training.evaluation import ClassifierEvaluation, evaluate, percent
from typecase.training.metrics import Proportion

PREPROCESS = CharacterPreprocess(size=4)


@dataclass
class Pictures:
    """A data set whose pictures show their class: all their pixels have its index as their value."""

    classes: ClassSet
    targets: Any
    names: Sequence[str] = ()
    pictures: Any = field(init=False)

    def __post_init__(self) -> None:
        self.names = self.names or [f"picture-{number}.png" for number in range(len(self.targets))]
        self.pictures = np.broadcast_to(
            np.asarray(self.targets, np.uint8)[:, None, None, None], (len(self.targets), 1, 4, 4)
        )


def reader(classes: int) -> Any:
    """A model that reads the class off the pixels, sure of it."""

    def predict(batch: FloatArray) -> FloatArray:
        values = np.rint((batch[:, 0, 0, 0] * 0.5 + 0.5) * 255).astype(int)
        return np.asarray(5 * np.eye(classes)[values], np.float32)

    return predict


def example(seed: int = 3, count: int = 300) -> ClassifierEvaluation:
    random = np.random.default_rng(seed)
    targets = random.integers(0, 62, count)
    logits = random.normal(size=(count, 62))
    logits[np.arange(count), targets] += 2.5
    names = [f"Sample/{number:04d}.png" for number in range(count)]
    pictures = random.integers(0, 256, (count, 1, 6, 6), dtype=np.uint8)
    sources = [("printed", "written")[number % 2] for number in range(count)]
    return ClassifierEvaluation.of(logits, targets, CHARACTERS, names, pictures, 1.3, sources)


def test_figures_agree_with_one_another() -> None:
    result = example()
    assert result.count == result.confusion.sum() == 300
    assert result.top1.correct == result.confusion.trace()
    assert result.top1.correct < result.top3.correct
    assert result.top1.correct <= result.case_merged.correct <= result.count
    assert result.look_alikes.merged.correct >= result.top1.correct
    assert sum(pair.count for pair in result.pairs) == 300 - result.top1.correct == result.look_alikes.errors.total
    assert sum(row.count for row in result.calibration.bins) == 300
    assert 0 < result.macro_recall < 1
    assert [name for name, _ in result.headline][:2] == ["Top-1 accuracy", "Top-3 accuracy"]
    assert result.loss != result.loss_uncalibrated


def test_mistakes_carry_what_the_net_saw() -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (3, 1, 6, 6), dtype=np.uint8)
    logits = np.array([[3.0, 0.0], [0.0, 9.0], [0.0, 1.0]])
    result = ClassifierEvaluation.of(logits, np.array([1, 0, 1]), ClassSet.of("ab"), ["x", "y", "z"], pictures)
    assert [(one.name, one.truth, one.predicted) for one in result.mistakes] == [("y", 0, 1), ("x", 1, 0)]
    assert result.mistakes[0].picture is not None
    assert (result.mistakes[0].picture == pictures[1]).all()
    surest = result.mistakes[0]
    assert surest.confidence == pytest.approx(1 / (1 + np.exp(-9)))
    assert surest.confidence + surest.truth_confidence == pytest.approx(1)


def test_sources_add_up_to_the_whole() -> None:
    result = example()
    assert [source.name for source in result.sources] == ["printed", "written"]
    assert sum(source.top1.correct for source in result.sources) == result.top1.correct
    assert sum(source.loss * source.top1.total for source in result.sources) / 300 == pytest.approx(result.loss)


def test_json_there_and_back() -> None:
    result = example()
    text = result.to_json()
    again = ClassifierEvaluation.from_json(text)
    assert again == result
    assert again.to_json() == text
    assert (again.confusion == result.confusion).all()
    assert all(mistake.picture is None for mistake in again.mistakes)
    values = json.loads(text)
    assert values["top1"]["correct"] == result.top1.correct
    assert values["per_class"][10]["class"] == "A"
    assert all(pair["truth"].lower() != "q" or not pair["look_alike"] for pair in values["confused_pairs"])


def test_json_of_a_set_without_some_classes_is_valid() -> None:
    result = ClassifierEvaluation.of(np.array([[2.0, 1.0, 0.0]]), np.array([0]), ClassSet.of(["x", "y", "q"]), ["1"])
    values = json.loads(result.to_json())
    assert values["per_class"][1] == {"class": "y", "pictures": 0, "precision": None, "recall": None, "f1": None}
    assert values["look_alikes"]["share_of_errors"]["value"] is None
    assert ClassifierEvaluation.from_json(result.to_json()) == result


def _altered(**changes: Any) -> str:
    values = json.loads(example().to_json())
    values.update(changes)
    return json.dumps(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "not an evaluation"),
        ('{"schema": "other"}', "not an evaluation"),
        (_altered(version=2), "newer typecase .version 2.; update"),
        (_altered(classes=["a"]), "is damaged"),
        (_altered(classes=["a", "a"]), "is damaged"),
        (_altered(confusion=[[0, 99, 1]]), "is damaged"),
        (_altered(top1={"correct": 9, "total": 3}), "is damaged"),
        (_altered(calibration=None), "is damaged"),
    ],
)
def test_what_is_no_evaluation_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"result.json.*{message}"):
        ClassifierEvaluation.from_json(text, "result.json")


def test_evaluate_normalises_and_batches() -> None:
    seen: list[FloatArray] = []
    told: list[tuple[int, int]] = []
    data = Pictures(ClassSet.of("abc"), np.arange(7) % 3)

    def predict(batch: FloatArray) -> FloatArray:
        seen.append(batch)
        return np.asarray(reader(3)(batch))

    result = evaluate(
        predict, data, data.classes, PREPROCESS, batch=3, progress=lambda done, total: told.append((done, total))
    )
    assert result.top1 == Proportion(7, 7)
    assert result.mistakes == ()
    assert [len(batch) for batch in seen] == [3, 3, 1]
    assert seen[0].dtype == np.float32
    assert seen[0][0].max() == seen[0][0].min() == -1.0
    assert told == [(3, 7), (6, 7), (7, 7)]


def test_classes_are_matched_by_name() -> None:
    model, own = ClassSet.of("xyz"), ClassSet.of("zx")
    data = Pictures(own, np.array([0, 1, 0]))

    def predict(batch: FloatArray) -> FloatArray:
        # The pixels hold the data's index: 0 is z, the model's third class.
        values = np.rint((batch[:, 0, 0, 0] * 0.5 + 0.5) * 255).astype(int)
        return np.asarray(np.eye(3)[np.where(values == 0, 2, 0)], np.float32)

    result = evaluate(predict, data, model, PREPROCESS)
    assert result.top1 == Proportion(3, 3)
    assert [row.support for row in result.per_class] == [1, 0, 2]


def test_a_class_that_the_model_lacks_is_named() -> None:
    data = Pictures(ClassSet.of("abé"), np.array([0, 2]))
    with pytest.raises(DataError, match=r"does not know \(é\)"):
        evaluate(reader(2), data, ClassSet.of("ab"), PREPROCESS)


def test_a_class_without_pictures_may_be_unknown() -> None:
    data = Pictures(ClassSet.of("abé"), np.array([0, 1]))
    assert evaluate(reader(2), data, ClassSet.of("ab"), PREPROCESS).count == 2


def test_several_sets_are_compared() -> None:
    classes = ClassSet.of("ab")
    good = Pictures(classes, np.array([0, 1, 1]), ["g0", "g1", "g2"])
    bad = Pictures(classes, np.array([1, 1]), ["b0", "b1"])
    bad.pictures = np.zeros_like(bad.pictures)
    result = evaluate(reader(2), {"good": good, "bad": bad}, classes, PREPROCESS, batch=2)
    assert {source.name: source.top1 for source in result.sources} == {
        "good": Proportion(3, 3),
        "bad": Proportion(0, 2),
    }
    assert result.top1 == Proportion(3, 5)
    assert [mistake.name for mistake in result.mistakes] == ["b0", "b1"]
    assert all(mistake.picture is not None and not mistake.picture.any() for mistake in result.mistakes)


def test_a_transform_stands_between_normalising_and_the_model() -> None:
    data = Pictures(ClassSet.of("abc"), np.array([0, 0]))
    result = evaluate(reader(3), data, data.classes, PREPROCESS, transform=lambda batch: batch + np.float32(2 / 255))
    assert result.pairs[0].truth == 0
    assert result.pairs[0].predicted == 1


def test_temperature_changes_the_confidence_and_no_answer() -> None:
    data = Pictures(ClassSet.of("abc"), np.array([0, 1, 2]))
    cold = evaluate(reader(3), data, data.classes, PREPROCESS, temperature=0.5)
    warm = evaluate(reader(3), data, data.classes, PREPROCESS, temperature=5)
    assert cold.top1 == warm.top1
    assert cold.loss < warm.loss
    assert cold.loss_uncalibrated == warm.loss_uncalibrated


def test_pictures_of_another_shape_are_refused() -> None:
    data = Pictures(ClassSet.of("ab"), np.array([0, 1]))
    with pytest.raises(DataError, match="4x4 grey but the model wants 5x5 colour"):
        evaluate(reader(2), data, data.classes, CharacterPreprocess(size=5, channels=3))


def test_no_picture_is_refused() -> None:
    data = Pictures(ClassSet.of("ab"), np.zeros(0, np.int64))
    with pytest.raises(DataError, match="no picture"):
        evaluate(reader(2), data, data.classes, PREPROCESS)


def test_a_diverged_model_is_refused() -> None:
    data = Pictures(ClassSet.of("ab"), np.array([0, 1]))
    with pytest.raises(ModelError, match="diverged"):
        evaluate(lambda batch: np.full((len(batch), 2), np.nan), data, data.classes, PREPROCESS)


def test_only_so_many_mistakes_are_kept() -> None:
    count = module.MISTAKES_KEPT + 5
    logits = np.tile([1.0, 0.0], (count, 1))
    result = ClassifierEvaluation.of(logits, np.ones(count, int), ClassSet.of("ab"), ["n"] * count)
    assert len(result.mistakes) == module.MISTAKES_KEPT


def test_percent_is_readable() -> None:
    assert percent(0.97314) == "97.31 %"
    assert percent(1.0, 1) == "100.0 %"
    assert percent(None) == percent(float("nan")) == "–"
