"""The mean of several trained weights, which often reads better than any of them (Wortsman et al. 2022, "Model soups").

It takes weights that lie near each other: those of trainings that went on from the same ones.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from typecase.decoding.confidence import ConfidenceMap
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
    card = loaded[0][1]
    for path, (_, other) in zip(paths[1:], loaded[1:], strict=True):
        _check_alike(paths[0], card, path, other)
    cards = [one for _, one in loaded]
    states = [module.state_dict() for module, _ in loaded]

    def mean(numbers: Iterable[float]) -> float:
        return sum(part * number for part, number in zip(parts, numbers, strict=True))

    state: dict[str, Tensor] = {}
    for name, tensor in states[0].items():
        together = torch.zeros_like(tensor, dtype=torch.float32)
        for part, one in zip(parts, states, strict=True):
            together += one[name].float() * part
        # Counters of batches are whole numbers.
        state[name] = (together if tensor.is_floating_point() else together.round()).to(tensor.dtype)
    levels = [level for level in card.confidence_maps if all(level in one.confidence_maps for one in cards)]
    maps = {level: [ConfidenceMap(*one.confidence_maps[level]) for one in cards] for level in levels}
    result = dataclasses.replace(
        card,
        temperature=math.exp(mean(math.log(one.temperature) for one in cards)),
        confidence_maps={
            level: ConfidenceMap(*map(mean, zip(*map(dataclasses.astuple, found), strict=True))).numbers
            for level, found in maps.items()
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
