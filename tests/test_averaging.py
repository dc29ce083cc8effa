"""The mean of weights: what it is, what its card says, and what has none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from conftest import RunTypecase
from line_fixtures import line_card
from typecase import nets
from typecase.charset import ClassSet
from typecase.errors import ExitCode, ModelError, UsageError
from typecase.files import sha256_of
from typecase.modelcard import ModelCard
from typecase.modelfile import load_model, save_model
from typecase.training.averaging import average_models

OPTIONS = {"widths": [8, 8, 8], "features": 32, "layers": 1}
CARD = line_card(
    network_name="linenet",
    network_options=OPTIONS,
    classes=ClassSet.of("abc "),
    confidence_maps={"word": (1.0, 0.0)},
    figures={"best": 1},
)


def write(path: Path, seed: int, card: ModelCard = CARD) -> Path:
    torch.manual_seed(seed)
    module = nets.build("linenet", classes=len(card.classes), channels=1, size=32, options=card.network_options)
    save_model(module.state_dict(), card, path)
    return path


def test_the_mean(tmp_path: Path) -> None:
    other = dataclasses.replace(CARD, confidence_maps={"word": (2.0, 1.0), "line": (3.0, 1.0)})
    paths = [write(tmp_path / "a.safetensors", 1), write(tmp_path / "b.safetensors", 2, other)]
    card = average_models(paths, tmp_path / "mean.safetensors", [1, 3])
    states = [load_model(path)[0].state_dict() for path in (*paths, tmp_path / "mean.safetensors")]
    for name, mean in states[2].items():
        expected = states[0][name].float() * 0.25 + states[1][name].float() * 0.75
        assert torch.allclose(mean.float(), expected, atol=2e-3)
        assert mean.dtype == states[0][name].dtype
    assert load_model(tmp_path / "mean.safetensors")[1] == card
    assert card.confidence_maps == {"word": (1.75, 0.75)}
    assert card.figures == {}
    assert card.training["averaged"] == [
        {"sha256": sha256_of(paths[0]), "share": 0.25},
        {"sha256": sha256_of(paths[1]), "share": 0.75},
    ]


def test_what_has_no_mean(tmp_path: Path) -> None:
    first = write(tmp_path / "a.safetensors", 1)
    out = tmp_path / "mean.safetensors"
    with pytest.raises(UsageError, match="at least two"):
        average_models([first], out)
    for shares in ([1.0], [1.0, 0.0], [1.0, float("nan")]):
        with pytest.raises(UsageError, match="share above 0"):
            average_models([first, first], out, shares)
    wider = dataclasses.replace(CARD, network_options={**OPTIONS, "features": 64})
    letters = dataclasses.replace(CARD, classes=ClassSet.of("abd "))
    for card, what in ((wider, "network"), (letters, "characters")):
        with pytest.raises(ModelError, match=f"another {what} than"):
            average_models([first, write(tmp_path / "b.safetensors", 2, card)], out)
    assert not out.exists()


def test_from_the_command_line(run_typecase: RunTypecase, tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{seed}.safetensors", seed) for seed in (1, 2)]
    out = tmp_path / "mean.safetensors"
    done = run_typecase("average", *paths, "--share", "1", "--share", "2", "--out", out)
    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stdout.strip() == str(out)
    assert load_model(out)[1].training["averaged"][1]["share"] == pytest.approx(2 / 3, abs=1e-4)
    assert run_typecase("average", *paths, "--out", out).returncode == ExitCode.OUTPUT
