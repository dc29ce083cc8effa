"""Weights in a file: the same come back, and whatever is something else is refused with a sentence."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from training_fixtures import SIZE, TINY
from typecase import nets
from typecase.charset import ClassSet
from typecase.errors import ModelError
from typecase.modelcard import METADATA_KEY, ModelCard
from typecase.modelfile import load_matching, load_model, read_tensors, save_model
from typecase.preprocess import CharacterPreprocess

CLASSES = ClassSet.of(("a", "b", "Ωmega", "\n"))


def tiny(classes: int = len(CLASSES)) -> nn.Module:
    """A net whose every number is random, running statistics too."""
    module = nets.build("charnet", classes=classes, channels=1, size=SIZE, options=TINY)
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape) + 0.1)
    return module


def card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "network_name": "charnet",
        "network_options": TINY,
        "classes": CLASSES,
        "preprocess": CharacterPreprocess(size=SIZE),
        "temperature": 1.5,
        "figures": {"accuracy": 0.5},
    }
    return ModelCard(**{**values, **changes})


@pytest.fixture
def saved(tmp_path: Path) -> tuple[nn.Module, Path]:
    module = tiny()
    save_model(module.state_dict(), card(), tmp_path / "model.safetensors")
    return module, tmp_path / "model.safetensors"


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence) as caught:
        load_model(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    # One sentence: no full stop before the last, but those within numbers and names of files.
    assert not re.search(r"\.\s", text)


def test_what_is_saved_comes_back(saved: tuple[nn.Module, Path]) -> None:
    module, path = saved
    loaded, again = load_model(path)
    assert not loaded.training
    assert again == card()
    assert {name: tensor.dtype for name, tensor in loaded.state_dict().items()} == {
        name: tensor.dtype for name, tensor in module.state_dict().items()
    }
    for name, tensor in module.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    with torch.inference_mode():
        pictures = torch.randn(2, 1, SIZE, SIZE)
        assert torch.equal(loaded(pictures), module.eval()(pictures))


def test_loading_leaves_the_random_stream_alone(saved: tuple[nn.Module, Path]) -> None:
    before = torch.get_rng_state()
    load_model(saved[1])
    assert torch.equal(torch.get_rng_state(), before)


def test_half_the_bits_half_the_size(tmp_path: Path) -> None:
    module = nets.build("charnet", classes=4, channels=1, size=SIZE, options={**TINY, "widths": [16, 32, 64]})
    save_model(module.state_dict(), card(), tmp_path / "full")
    save_model(module.state_dict(), card(), tmp_path / "half", half=True)
    state, _ = read_tensors(tmp_path / "half")
    assert {tensor.dtype for tensor in state.values()} == {torch.float16, torch.int64}
    assert (tmp_path / "half").stat().st_size < 0.6 * (tmp_path / "full").stat().st_size


def test_half_precision_comes_back_as_float32_and_close(tmp_path: Path) -> None:
    module = tiny()
    with torch.no_grad():
        module.state_dict()["pool.1.running_var"][0] = 1e6
    save_model(module.state_dict(), card(), tmp_path / "half", half=True)
    loaded, _ = load_model(tmp_path / "half")
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == module.state_dict()[name].dtype
        # A number beyond what 16 bits hold keeps its 32.
        assert torch.allclose(tensor.double(), module.state_dict()[name].double(), rtol=1e-3)


def test_missing_empty_truncated_and_foreign_files(saved: tuple[nn.Module, Path], tmp_path: Path) -> None:
    _, path = saved
    refused(tmp_path / "nowhere", "There is no model file")
    refused(tmp_path, "cannot be read")
    other = tmp_path / "other"
    content = path.read_bytes()
    other.write_bytes(b"")
    refused(other, "is empty")
    for length in (1, 7, 8, 9, 200, len(content) // 2, len(content) - 1):
        other.write_bytes(content[:length])
        refused(other, "damaged or no safetensors file")
    for wrong in (b"\x80", b"\x80\x02", b"just some text that is no model"):
        other.write_bytes(wrong)
        with pytest.raises(ModelError):
            load_model(other)
    safetensors.torch.save_file({"weight": torch.ones(2)}, other)
    refused(other, "not the facts of a typecase model")


class Bomb:
    """Would write a file if it were unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.target, "boom"))


def test_no_pickle_is_ever_loaded(tmp_path: Path) -> None:
    bomb, path = tmp_path / "boom", tmp_path / "model.pt"
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps({"x": Bomb(bomb)}, protocol=protocol))
        refused(path, "holds a Python pickle")
    path.write_bytes(pickle.dumps({"x": Bomb(bomb)}, protocol=0))
    refused(path, "damaged or no safetensors file")
    for zipped in (True, False):
        torch.save({"x": Bomb(bomb)}, path, _use_new_zipfile_serialization=zipped)
        refused(path, "holds a Python pickle")
    assert not bomb.exists()


@pytest.mark.parametrize("low", [2, 3, 4, 5])
def test_a_header_whose_length_looks_like_a_pickle_is_read(tmp_path: Path, low: int) -> None:
    wanted, path = 0x80 + 256 * low, tmp_path / "model"
    for padding in range(wanted):
        data = safetensors.torch.save({"weight": torch.ones(2)}, {"x": " " * padding})
        if int.from_bytes(data[:8], "little") == wanted:
            break
    else:
        pytest.fail("no padding gave that length")
    path.write_bytes(data)
    assert torch.equal(read_tensors(path)[0]["weight"], torch.ones(2))


def rewritten(path: Path, tensors: dict[str, Tensor] | None = None, **changes: Any) -> Path:
    """The file with other tensors or other facts."""
    state, metadata = read_tensors(path)
    facts = {**json.loads(metadata[METADATA_KEY]), **changes}
    other = path.with_name("rewritten")
    safetensors.torch.save_file(state if tensors is None else tensors, other, {METADATA_KEY: json.dumps(facts)})
    return other


def test_a_newer_file_is_refused(saved: tuple[nn.Module, Path]) -> None:
    refused(rewritten(saved[1], format=2), "newer typecase")


def test_a_network_that_cannot_be_built_is_refused(saved: tuple[nn.Module, Path]) -> None:
    refused(rewritten(saved[1], network={"name": "hypernet", "options": {}}), "cannot be built here")
    refused(rewritten(saved[1], network={"name": "charnet", "options": {"heads": 3}}), "has no option 'heads'")
    huge = {"widths": [4096, 4096, 4096], "depths": [100, 100, 100]}
    refused(rewritten(saved[1], network={"name": "charnet", "options": huge}), "does not fit its own network")


def test_weights_that_do_not_fit_are_refused(saved: tuple[nn.Module, Path]) -> None:
    state, _ = read_tensors(saved[1])
    refused(rewritten(saved[1], classes=["a", "b"]), "does not fit its own network 'charnet' .*classifier.bias")
    refused(rewritten(saved[1], {**state, "extra": torch.ones(1)}), "extra")
    refused(rewritten(saved[1], {k: v for k, v in state.items() if k != "classifier.bias"}), "classifier.bias")


def test_fine_tuning_takes_all_but_the_last_layer(saved: tuple[nn.Module, Path]) -> None:
    module, path = saved
    other = tiny(classes=9)
    fresh = other.state_dict()["classifier.weight"].clone()
    assert load_matching(other, path) == ["classifier.bias", "classifier.weight"]
    assert torch.equal(other.state_dict()["classifier.weight"], fresh)
    for name, tensor in module.state_dict().items():
        assert name.startswith("classifier") or torch.equal(other.state_dict()[name], tensor)
    assert load_matching(tiny(), path) == []


def test_weights_of_another_network_are_no_start(saved: tuple[nn.Module, Path]) -> None:
    journey = nets.build("ocrnet", classes=4, channels=1, size=SIZE)
    with pytest.raises(ModelError, match="do not fit this network"):
        load_matching(journey, saved[1])
