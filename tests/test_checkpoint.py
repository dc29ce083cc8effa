"""The state of a stopped training: it comes back the same, and a full disk does not harm it."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from typecase.errors import ModelError, OutputError
from typecase.modelfile import read_tensors, write_tensors
from typecase.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint


def stepped(optimizer_type: type[torch.optim.Optimizer], **options: Any) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A net and its optimiser after two steps."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, 40), nn.BatchNorm1d(40), nn.Linear(40, 3))
    optimizer = optimizer_type(module.parameters(), lr=0.1, **options)  # type: ignore[call-arg]
    for _ in range(2):
        optimizer.zero_grad()
        module(torch.randn(5, 6)).square().mean().backward()
        optimizer.step()
    return module, optimizer


def checkpoint(module: nn.Module, optimizer: torch.optim.Optimizer, **changes: Any) -> Checkpoint:
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    values: dict[str, Any] = {
        "weights": state,
        "average": {name: tensor * 2 for name, tensor in state.items()},
        "best": {},
        "optimizer": optimizer.state_dict(),
        "progress": {"epoch": 3, "best_loss": 0.1 + 0.2, "history": [{"epoch": 1}]},
        "fingerprint": "abc",
    }
    return Checkpoint(**{**values, **changes})


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("optimizer_type", "options"),
    [(torch.optim.AdamW, {}), (torch.optim.SGD, {"momentum": 0.9}), (torch.optim.SGD, {})],
)
def test_what_is_saved_comes_back(
    tmp_path: Path, optimizer_type: type[torch.optim.Optimizer], options: dict[str, Any]
) -> None:
    module, optimizer = stepped(optimizer_type, **options)
    before = checkpoint(module, optimizer)
    save_checkpoint(before, tmp_path / "checkpoint")
    after = load_checkpoint(tmp_path / "checkpoint")
    assert same(after.weights, before.weights)
    assert same(after.average, before.average)
    assert after.best == {}
    assert after.progress == before.progress
    assert after.fingerprint == "abc"

    # The optimiser goes on as if nothing had happened.
    again, fresh = stepped(optimizer_type, **options)
    for tensor in again.parameters():
        tensor.data.zero_()
    fresh = optimizer_type(again.parameters(), lr=0.5)  # type: ignore[call-arg]
    again.load_state_dict(after.weights)
    fresh.load_state_dict(after.optimizer)
    inputs = torch.randn(5, 6)
    for network, stepping in ((module, optimizer), (again, fresh)):
        stepping.zero_grad()
        network(inputs).square().mean().backward()
        stepping.step()
    assert same(dict(module.state_dict()), dict(again.state_dict()))


def test_a_disk_that_fills_while_saving_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    module, optimizer = stepped(torch.optim.AdamW)
    save_checkpoint(checkpoint(module, optimizer), path)
    old = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The system refuses to let a file grow beyond this, in the middle of the writing, as a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, hard))
    try:
        with pytest.raises(OutputError, match="checkpoint cannot be written"):
            save_checkpoint(checkpoint(module, optimizer, fingerprint="new"), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == old
    assert load_checkpoint(path).fingerprint == "abc"
    assert list(tmp_path.iterdir()) == [path]


def test_foreign_newer_and_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    module, optimizer = stepped(torch.optim.AdamW)
    save_checkpoint(checkpoint(module, optimizer), path)
    tensors, metadata = read_tensors(path)
    ((key, text),) = metadata.items()
    facts = json.loads(text)

    def refused(metadata: dict[str, str], sentence: str) -> None:
        write_tensors(tensors, metadata, tmp_path / "other")
        with pytest.raises(ModelError, match=sentence):
            load_checkpoint(tmp_path / "other")

    refused({}, "is no checkpoint of a training")
    refused({key: json.dumps({**facts, "format": 99})}, "newer typecase")
    for broken in ("{", "[]", "{}", json.dumps({**facts, "optimizer-scalars": []}), json.dumps({"format": 1})):
        refused({key: broken}, "is a damaged checkpoint")
    (tmp_path / "other").write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ModelError, match="damaged"):
        load_checkpoint(tmp_path / "other")
