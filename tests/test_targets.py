"""One-hot rows and the loss against them, held against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from typecase.training.targets import balanced_weights, cross_entropy, one_hot

LABELS = torch.tensor([3, 0, 4, 4, 1])
LOGITS = torch.randn(5, 5, generator=torch.Generator().manual_seed(0)) * 3


def test_plain_rows_are_pytorchs() -> None:
    rows = one_hot(LABELS, 5)
    assert rows.dtype == torch.float32
    assert torch.equal(rows, functional.one_hot(LABELS, 5).float())


@pytest.mark.parametrize("smoothing", [0.0, 0.05, 0.5, 0.99])
def test_smoothing_spreads_its_share_evenly(smoothing: float) -> None:
    rows = one_hot(LABELS.int(), 7, smoothing)
    assert rows.shape == (5, 7)
    assert torch.allclose(rows.sum(dim=1), torch.ones(5))
    assert torch.equal(rows.argmax(dim=1), LABELS)
    others = rows[functional.one_hot(LABELS, 7) == 0]
    assert torch.allclose(others, torch.full_like(others, smoothing / 7))


def test_no_pictures_no_rows() -> None:
    assert one_hot(torch.empty(0, dtype=torch.long), 4).shape == (0, 4)


@pytest.mark.parametrize("labels", [[5], [-1], [0, 1, 99]])
def test_an_index_out_of_range_is_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match=r"in 0\.\.4"):
        one_hot(torch.tensor(labels), 5)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_an_impossible_smoothing_is_refused(smoothing: float) -> None:
    with pytest.raises(ValueError, match="smoothing"):
        one_hot(LABELS, 5, smoothing)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_the_loss_is_pytorchs_with_label_smoothing(smoothing: float) -> None:
    ours = cross_entropy(LOGITS, one_hot(LABELS, 5, smoothing))
    assert ours.item() == pytest.approx(nn.CrossEntropyLoss(label_smoothing=smoothing)(LOGITS, LABELS).item())


def test_the_loss_is_pytorchs_with_class_weights() -> None:
    weights = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.1])
    ours = cross_entropy(LOGITS, one_hot(LABELS, 5), weights)
    assert ours.item() == pytest.approx(nn.CrossEntropyLoss(weights)(LOGITS, LABELS).item())


def test_weights_and_smoothing_together_are_a_mean_over_weighted_rows() -> None:
    weights = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.1])
    rows = one_hot(LABELS, 5, 0.2)
    total, weight = 0.0, 0.0
    for row, logits in zip(rows, LOGITS, strict=True):
        for share, factor, log_probability in zip(row, weights, logits.log_softmax(0), strict=True):
            total -= float(share * factor * log_probability)
            weight += float(share * factor)
    assert cross_entropy(LOGITS, rows, weights).item() == pytest.approx(total / weight, rel=1e-5)
    assert cross_entropy(LOGITS, rows, torch.full((5,), 7.0)).item() == pytest.approx(
        cross_entropy(LOGITS, rows).item(), rel=1e-5
    )


def test_half_precision_logits_are_summed_in_full() -> None:
    loss = cross_entropy(LOGITS.bfloat16(), one_hot(LABELS, 5))
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("counts", [torch.tensor([10, 1, 4]), torch.tensor([0.3, 12.0, 0.7])])
def test_balanced_weights_give_each_class_the_same_say(counts: Tensor) -> None:
    weights = balanced_weights(counts)
    says = weights * counts
    assert torch.allclose(says, says[0].expand(3))
    assert float(says.sum() / counts.sum()) == pytest.approx(1)


def test_a_class_without_pictures_weighs_nothing() -> None:
    weights = balanced_weights(torch.tensor([3, 0, 3]))
    assert torch.equal(weights, torch.tensor([1.0, 0.0, 1.0]))
