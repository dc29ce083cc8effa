"""Targets as one-hot rows, and the cross entropy against them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def one_hot(targets: Tensor, classes: int, smoothing: float = 0.0) -> Tensor:
    """Turns class indices into rows of probabilities.

    Args:
        targets: Class indices, integers of shape [N] in 0..classes-1.
        classes: Number of classes.
        smoothing: Share of each row that is spread evenly over all classes (label smoothing, Szegedy et al. 2016),
            0 to below 1; 0 gives the plain encoding, a single 1 in each row.

    Returns:
        Float32 rows of shape [N, classes], each summing to 1.

    Raises:
        ValueError: An index is out of range, or the smoothing is.
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing must be in [0, 1), not {smoothing}")
    if targets.numel() and (int(targets.min()) < 0 or int(targets.max()) >= classes):
        raise ValueError(f"class indices must be in 0..{classes - 1}")
    rows = torch.full((len(targets), classes), smoothing / classes, device=targets.device)
    return rows.scatter_(1, targets.long().unsqueeze(1), 1.0 - smoothing + smoothing / classes)


def cross_entropy(logits: Tensor, rows: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Mean cross entropy of logits against rows of probabilities.

    Args:
        logits: Scores of shape [N, K], any float type; computed in float32.
        rows: Target probabilities of shape [N, K], as `one_hot` gives.
        class_weights: Weight of each class's term, shape [K]; the mean is over the weights of the rows, so that
            with plain one-hot rows it is the weighted mean of `torch.nn.CrossEntropyLoss`.

    Returns:
        A scalar in nats.
    """
    log_probabilities = functional.log_softmax(logits.float(), dim=1)
    if class_weights is None:
        return -(rows * log_probabilities).sum(dim=1).mean()
    weighted = rows * class_weights
    return -(weighted * log_probabilities).sum() / weighted.sum()


def balanced_weights(counts: Tensor) -> Tensor:
    """Gives each class the same total weight over a data set.

    Args:
        counts: How often pictures of each class are shown, shape [K], not all 0; one that never is gets weight 0.

    Returns:
        Float32 weights of shape [K] with mean 1 over the data set's pictures.
    """
    present = counts > 0
    weights = counts.sum() / (present.sum() * counts)
    return torch.where(present, weights, 0).float()
