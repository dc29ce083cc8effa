"""The mean of several trained weights, which often reads better than any of them (Wortsman et al. 2022, "Model soups").

It takes weights that lie near each other: those of trainings that went on from the same ones.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from typecase.errors import ModelError, UsageError
from typecase.files import sha256_of
from typecase.modelcard import ModelCard
from typecase.modelfile import load_model, save_model


def average_models(paths: Sequence[Path], out: Path, shares: Sequence[float] = ()) -> ModelCard:
    """Writes the mean of weights, with the card of the first and a note of what went into it.

    Confidences are averaged likewise, which is near enough until the mean is calibrated by itself (a training of no
    epochs that starts from it); figures are left out, for they are none of the mean's.

    Args:
        paths: The weights, of one network, one preprocessing and the same classes.
        out: The file to write, in 16 bits.
        shares: How much each counts; without any, all the same.

    Returns:
        The card of the mean.

    Raises:
        ModelError: One cannot be read, or does not fit the first.
        UsageError: There are fewer than two, or the shares are not as many numbers above 0.
        OutputError: The file cannot be written.
    """
    if len(paths) < 2:
        raise UsageError("A mean takes at least two files of weights; name more.")
    shares = list(shares) or [1.0] * len(paths)
    if len(shares) != len(paths) or not all(math.isfinite(share) and share > 0 for share in shares):
        raise UsageError(f"Each of the {len(paths)} files needs a share above 0; give as many, or none.")
    parts = [share / sum(shares) for share in shares]
    loaded = [load_model(path) for path in paths]
    first, card = loaded[0]
    for path, (_, other) in zip(paths[1:], loaded[1:], strict=True):
        _check_alike(paths[0], card, path, other)
    mean = {name: tensor.float() * parts[0] for name, tensor in first.state_dict().items()}
    for part, (module, _) in zip(parts[1:], loaded[1:], strict=True):
        for name, tensor in module.state_dict().items():
            mean[name] += tensor.float() * part
    state: dict[str, Tensor] = {
        # Counters of batches are whole numbers.
        name: (mean[name] if tensor.is_floating_point() else mean[name].round()).to(tensor.dtype)
        for name, tensor in first.state_dict().items()
    }
    levels = [level for level in card.confidence_maps if all(level in other.confidence_maps for _, other in loaded)]
    result = dataclasses.replace(
        card,
        temperature=math.exp(
            sum(part * math.log(other.temperature) for part, (_, other) in zip(parts, loaded, strict=True))
        ),
        confidence_maps={
            level: (
                round(sum(p * other.confidence_maps[level][0] for p, (_, other) in zip(parts, loaded, strict=True)), 4),
                round(sum(p * other.confidence_maps[level][1] for p, (_, other) in zip(parts, loaded, strict=True)), 4),
            )
            for level in levels
        },
        training={
            **card.training,
            "averaged": [
                {"sha256": sha256_of(path), "share": round(part, 4)} for path, part in zip(paths, parts, strict=True)
            ],
        },
        figures={},
        created=datetime.date.today().isoformat(),
    )
    with torch.inference_mode():
        save_model(state, result, out, half=True)
    return result


def _check_alike(first: Path, card: ModelCard, path: Path, other: ModelCard) -> None:
    for what, one, two in (
        ("network", (card.network_name, dict(card.network_options)), (other.network_name, dict(other.network_options))),
        ("task", card.task, other.task),
        ("characters", card.classes.names, other.classes.names),
        ("preprocessing", card.preprocess, other.preprocess),
    ):
        if one != two:
            raise ModelError(f"{path} has another {what} than {first}; only weights of the same kind have a mean.")
