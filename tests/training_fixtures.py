"""Small data and a tiny net for the tests of training: bars of noise, learnt in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import nn

from model_fixtures import CLASSES, bar
from typecase.training.settings import (
    DataSettings,
    LoopSettings,
    NetworkSettings,
    OptimizerSettings,
    PreprocessSettings,
    TrainClassifierSettings,
)

NAMES = ("upright", "lying", "rising", "falling")
TINY = {"widths": [4, 8, 8], "depths": [0, 0, 1]}
SIZE = 16


def write_classes(folder: Path, each: int = 20, names: tuple[str, ...] = NAMES, seed: int = 0) -> Path:
    """A class folder of bars, each picture with noise of its own."""
    random = np.random.default_rng(seed)
    for name, label in zip(names, CLASSES, strict=False):
        (folder / name).mkdir(parents=True, exist_ok=True)
        pixels = np.asarray(bar(label, size=SIZE)).astype(int)
        for number in range(each):
            noisy = np.clip(pixels + random.integers(-60, 61, pixels.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / name / f"{number:03d}.png")
    return folder


def tiny_settings(data: Path, *, source: dict[str, Any] | None = None, **changes: Any) -> TrainClassifierSettings:
    """Settings of a training that takes a second; `loop` adds to the loop's own."""
    loop = {"epochs": 3, "batch_size": 8, "precision": "float32", "accelerator": "cpu", "threads": 1}
    values: dict[str, Any] = {
        "data": {"bars": DataSettings(path=data, **(source or {}))},
        "network": NetworkSettings(options=TINY),
        "preprocess": PreprocessSettings(size=SIZE),
        "optimizer": OptimizerSettings(learning_rate=0.02),
        "loop": LoopSettings(**{**loop, **changes.pop("loop", {})}),
    }
    return TrainClassifierSettings(**{**values, **changes})


def as_trained(module: nn.Module) -> nn.Module:
    """Gives a fresh net running statistics and norms as a training leaves them, not as they begin."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.running_mean, -0.3, 0.3)  # type: ignore[arg-type]
    return module.eval()
