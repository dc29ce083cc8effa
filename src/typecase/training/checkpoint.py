"""The state of a training that stopped, so that it goes on as if it had not.

Numbers lie in a safetensors file and the rest in its metadata as JSON: no pickle, so a checkpoint from a stranger
cannot run code. The optimiser's state is spelt out tensor by tensor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from typecase.errors import ModelError
from typecase.modelfile import read_tensors, write_tensors

FORMAT = 1
_KEY = "typecase-checkpoint"


@dataclass
class Checkpoint:
    """Everything that decides how a training goes on.

    Attributes:
        weights: The network's state by name.
        average: The running average of the weights by name; empty when there is none.
        best: The weights of the best epoch by name; empty when there is none yet.
        optimizer: `optimizer.state_dict()`.
        progress: Where the training stands, as JSON values: epoch, step, history, best figure and the like.
        fingerprint: Digest of the settings and data that the numbers depend on.
    """

    weights: dict[str, Tensor]
    average: dict[str, Tensor]
    best: dict[str, Tensor]
    optimizer: dict[str, Any]
    progress: dict[str, Any]
    fingerprint: str


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes a checkpoint; the one before stays whole until the new one is.

    Raises:
        OutputError: The file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    for group in ("weights", "average", "best"):
        tensors |= {f"{group}.{name}": tensor for name, tensor in getattr(checkpoint, group).items()}
    scalars: dict[str, dict[str, Any]] = {}
    for index, state in checkpoint.optimizer["state"].items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                scalars.setdefault(str(index), {})[key] = value
    facts = {
        "format": FORMAT,
        "progress": checkpoint.progress,
        "fingerprint": checkpoint.fingerprint,
        "optimizer-scalars": scalars,
        "optimizer-groups": checkpoint.optimizer["param_groups"],
    }
    write_tensors(tensors, {_KEY: json.dumps(facts)}, path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint back.

    Raises:
        ModelError: The file is missing, damaged, not a checkpoint, or newer than this program.
    """
    tensors, metadata = read_tensors(path)
    if _KEY not in metadata:
        raise ModelError(f"{path} is no checkpoint of a training; name the folder that --out named.")
    try:
        facts = json.loads(metadata[_KEY])
        if facts["format"] > FORMAT:
            raise ModelError(f"{path} was written by a newer typecase; update this one to resume from it.")
        return _checkpoint(tensors, facts)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is a damaged checkpoint; start the training anew in another folder.") from error


def _checkpoint(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Checkpoint:
    state: dict[int, dict[str, Any]] = {}
    for index, values in facts["optimizer-scalars"].items():
        state.setdefault(int(index), {}).update(values)
    groups: dict[str, dict[str, Tensor]] = {"weights": {}, "average": {}, "best": {}}
    for name, tensor in tensors.items():
        group, _, rest = name.partition(".")
        if group == "optimizer":
            index, _, key = rest.partition(".")
            state.setdefault(int(index), {})[key] = tensor
        elif group in groups:
            groups[group][rest] = tensor
    return Checkpoint(
        weights=groups["weights"],
        average=groups["average"],
        best=groups["best"],
        optimizer={"state": state, "param_groups": facts["optimizer-groups"]},
        progress=facts["progress"],
        fingerprint=facts["fingerprint"],
    )
