"""The figures against scikit-learn's, against laws that hold for any input, and against cases done by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import optimize, stats  # type: ignore[import-untyped]
from sklearn.calibration import calibration_curve  # type: ignore[import-untyped]

from typecase.charset import CHARACTERS, ClassSet
from typecase.errors import DataError, ModelError
from typecase.training import metrics
from typecase.training.metrics import Proportion


def scores(seed: int = 0, count: int = 400, classes: int = 7, lift: float = 1.5) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    targets = random.integers(0, classes, count)
    logits = random.normal(size=(count, classes))
    logits[np.arange(count), targets] += lift
    return logits, targets


@st.composite
def answers(draw: st.DrawFn) -> tuple[Any, Any]:
    """Logits with many ties, and targets."""
    count, classes = draw(st.integers(1, 30)), draw(st.integers(2, 8))
    logits = draw(arrays.arrays(np.float64, (count, classes), elements=st.integers(-4, 4).map(float)))
    targets = draw(arrays.arrays(np.int64, count, elements=st.integers(0, classes - 1)))
    return logits, targets


def test_top_k_agrees_with_scikit_learn() -> None:
    logits, targets = scores()
    for k in range(1, 7):
        expected = reference.top_k_accuracy_score(targets, logits, k=k, labels=range(7), normalize=False)
        assert metrics.top_k(logits, targets, k) == Proportion(int(expected), 400)


@given(answers())
def test_top_k_grows_with_k_and_its_first_is_the_argmax(sample: tuple[Any, Any]) -> None:
    logits, targets = sample
    correct = [metrics.top_k(logits, targets, k).correct for k in range(1, logits.shape[1] + 1)]
    assert correct == sorted(correct)
    assert correct[-1] == len(targets)
    assert correct[0] == int((logits.argmax(axis=1) == targets).sum())


def test_merged_accuracy_maps_the_answer_and_does_not_add_probabilities() -> None:
    classes = ClassSet.of("aAb")
    # b is the surest answer, though a and A together would outweigh it.
    logits = np.log([[0.3, 0.3, 0.4], [0.2, 0.5, 0.3]])
    predicted = logits.argmax(axis=1)
    assert metrics.merged_accuracy(predicted, np.array([0, 0]), classes.case_merged[1]) == Proportion(1, 2)


@given(answers())
def test_merging_never_loses_accuracy(sample: tuple[Any, Any]) -> None:
    logits, targets = sample
    predicted = logits.argmax(axis=1)
    halves = np.arange(logits.shape[1]) // 2
    assert metrics.merged_accuracy(predicted, targets, halves).correct >= metrics.top_k(logits, targets, 1).correct


@given(st.integers(1, 100_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_interval_is_scipys(case: tuple[int, int]) -> None:
    correct, total = case
    expected = stats.binomtest(correct, total).proportion_ci(0.95, method="wilson")
    low, high = metrics.wilson_interval(correct, total)
    assert low == pytest.approx(expected.low, abs=1e-9)
    assert high == pytest.approx(expected.high, abs=1e-9)
    assert 0 <= low <= correct / total <= high <= 1


def test_a_proportion_of_nothing_says_so() -> None:
    nothing = Proportion(0, 0)
    assert math.isnan(nothing.value)
    assert nothing.to_dict() == {"value": None, "low": 0.0, "high": 1.0, "correct": 0, "total": 0}
    assert Proportion.from_dict(Proportion(3, 4).to_dict()) == Proportion(3, 4)
    with pytest.raises(ValueError, match="5 out of 4"):
        Proportion(5, 4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_loss_agrees_with_scikit_learn(temperature: float) -> None:
    logits, targets = scores()
    log_probabilities = metrics.log_softmax(logits, temperature)
    assert np.exp(log_probabilities).sum(axis=1) == pytest.approx(1)
    expected = reference.log_loss(targets, np.exp(log_probabilities), labels=range(7))
    assert metrics.negative_log_likelihood(log_probabilities, targets) == pytest.approx(expected)


def test_loss_of_huge_logits_is_finite() -> None:
    logits = np.array([[1e30, 0.0], [-1e30, 1e30]])
    assert metrics.negative_log_likelihood(metrics.log_softmax(logits), np.array([0, 1])) == 0.0


@given(answers())
def test_confusion_and_class_figures_agree_with_scikit_learn(sample: tuple[Any, Any]) -> None:
    logits, targets = sample
    predicted, classes = logits.argmax(axis=1), logits.shape[1]
    confusion = metrics.confusion_matrix(targets, predicted, classes)
    assert (confusion == reference.confusion_matrix(targets, predicted, labels=range(classes))).all()
    expected = reference.precision_recall_fscore_support(
        targets, predicted, labels=range(classes), zero_division=np.nan
    )
    figures = metrics.class_figures(confusion)
    for name, column in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        ours = [math.nan if getattr(row, name) is None else getattr(row, name) for row in figures]
        assert ours == pytest.approx(column.tolist(), nan_ok=True)


def test_macro_average_leaves_out_what_is_not_defined() -> None:
    assert metrics.macro_average([1.0, None, 0.5]) == 0.75
    assert math.isnan(metrics.macro_average([None]))


def test_confused_pairs_have_a_direction_and_an_order() -> None:
    confusion = np.array([[8, 2, 0], [2, 18, 0], [3, 0, 0]])
    pairs = metrics.confused_pairs(confusion, [(0, 1)])
    assert [(pair.truth, pair.predicted, pair.count, pair.share, pair.look_alike) for pair in pairs] == [
        (2, 0, 3, 1.0, False),
        (0, 1, 2, 0.2, True),
        (1, 0, 2, 0.1, True),
    ]


def test_look_alikes_are_told_from_other_errors() -> None:
    classes = ClassSet.of("cCab")
    confusion = np.array([[6, 3, 1, 0], [2, 8, 0, 0], [0, 0, 9, 1], [0, 1, 0, 4]])
    figures = metrics.look_alike_figures(confusion, classes.look_alikes())
    assert figures.errors == Proportion(5, 8)
    assert figures.merged == Proportion(32, 35)
    assert figures.others == Proportion(13, 15)
    assert [(group.members, group.exact, group.within) for group in figures.groups] == [
        ((0, 1), Proportion(14, 20), Proportion(19, 20))
    ]


def test_look_alikes_merged_is_the_accuracy_of_the_merged_classes() -> None:
    logits, targets = scores(classes=62, count=900, lift=1.0)
    predicted = logits.argmax(axis=1)
    merged = np.arange(62)
    for group in CHARACTERS.look_alikes():
        merged[list(group)] = min(group)
    confusion = metrics.confusion_matrix(targets, predicted, 62)
    figures = metrics.look_alike_figures(confusion, CHARACTERS.look_alikes())
    assert figures.merged == metrics.merged_accuracy(predicted, targets, merged)
    inside = sum(group.exact.total for group in figures.groups)
    assert inside + figures.others.total == 900


def test_without_look_alikes_no_error_is_theirs() -> None:
    figures = metrics.look_alike_figures(np.array([[1, 1], [0, 2]]), [])
    assert figures.errors == Proportion(0, 1)
    assert figures.merged == figures.others == Proportion(3, 4)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_calibration_bins_are_scikit_learns(seed: int, bins: int) -> None:
    random = np.random.default_rng(seed)
    confidences = random.choice([random.random(50), np.linspace(0, 1, 50)])
    right = random.random(50) < confidences
    ours = metrics.calibration(confidences, right, bins)
    accuracy, confidence = calibration_curve(right, confidences, n_bins=bins, strategy="uniform")
    filled = [row for row in ours.bins if row.count]
    assert [row.accuracy for row in filled] == pytest.approx(accuracy.tolist())
    assert [row.confidence for row in filled] == pytest.approx(confidence.tolist())
    assert sum(row.count for row in ours.bins) == 50
    gaps = np.abs(accuracy - confidence)
    assert ours.error == pytest.approx(sum(gaps * [row.count for row in filled]) / 50)
    assert ours.largest == pytest.approx(gaps.max())
    assert 0 <= ours.error <= ours.largest + 1e-12 <= 1 + 1e-12


def test_calibration_error_by_hand() -> None:
    confidences = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False, True, True])
    assert metrics.calibration(confidences, right, 10).error == pytest.approx((4 * 0.20 + 2 * 0.45) / 6)


def test_fitted_temperature_is_where_the_loss_is_least() -> None:
    logits, targets = scores(count=3000)

    def loss(temperature: float) -> float:
        return metrics.negative_log_likelihood(metrics.log_softmax(logits, temperature), targets)

    expected = optimize.minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-7}).x
    assert metrics.fit_temperature(logits, targets) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_fitted_temperature_undoes_a_scale(factor: float) -> None:
    logits, targets = scores(count=3000)
    scaled = metrics.fit_temperature(logits * factor, targets)
    assert scaled == pytest.approx(factor * metrics.fit_temperature(logits, targets), rel=1e-3)


def test_fitted_temperature_calibrates() -> None:
    # Targets drawn from the very probabilities that the logits state, then the logits made three times too sure.
    random = np.random.default_rng(1)
    logits = random.normal(scale=2, size=(6000, 5))
    chances = np.exp(metrics.log_softmax(logits))
    targets = np.array([random.choice(5, p=row) for row in chances])
    temperature = metrics.fit_temperature(3 * logits, targets)
    assert temperature == pytest.approx(3, rel=0.05)


def test_fitted_temperature_stays_within_limits_where_there_is_no_mistake() -> None:
    logits = np.eye(4)
    assert metrics.fit_temperature(logits, np.arange(4)) == pytest.approx(metrics.TEMPERATURE_LIMITS[0], rel=1e-3)
    assert metrics.fit_temperature(-logits, np.arange(4)) == pytest.approx(metrics.TEMPERATURE_LIMITS[1], rel=1e-3)


def test_surest_mistakes_come_first_and_right_answers_never() -> None:
    confidences = np.array([0.9, 0.5, 0.99, 0.7, 0.7])
    right = np.array([False, False, True, False, False])
    assert metrics.surest_mistakes(confidences, right, 3).tolist() == [0, 3, 4]
    assert metrics.surest_mistakes(confidences, np.ones(5, bool), 3).tolist() == []


def test_unusable_answers_are_refused_with_a_sentence() -> None:
    logits, targets = scores(count=5)
    with pytest.raises(DataError, match="no picture"):
        metrics.check_logits(logits[:0], targets[:0], 7)
    with pytest.raises(ModelError, match=r"shape \(5, 7\) where \(5, 8\)"):
        metrics.check_logits(logits, targets, 8)
    with pytest.raises(DataError, match="class index 9"):
        metrics.check_logits(logits, np.array([0, 1, 2, 9, 3]), 7)
    with pytest.raises(DataError, match="class index -1"):
        metrics.check_logits(logits, np.array([0, 1, 2, -1, 3]), 7)
    logits[2, 3] = np.nan
    with pytest.raises(ModelError, match="diverged"):
        metrics.check_logits(logits, targets, 7)
