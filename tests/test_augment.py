"""Variations of pictures: the same seed gives the same, every setting does something, none does nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from typecase.training.augment import augment, flipped
from typecase.training.settings import AugmentationSettings

NAMES = ["rotation", "shear", "scale", "shift", "warp", "blur", "noise", "contrast", "inversion", "flip_left_right"]
NOTHING: dict[str, Any] = dict.fromkeys(NAMES, 0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    coarse = torch.rand(12, 1, 4, 4, generator=generator(1))
    return torch.nn.functional.interpolate(coarse, size=(24, 24), mode="bilinear")


def test_the_same_seed_gives_the_same(pictures: Tensor) -> None:
    settings = AugmentationSettings(blur=0.5, inversion=0.5, flip_left_right=0.5)
    first = augment(pictures, settings, generator(3))
    assert torch.equal(first, augment(pictures, settings, generator(3)))
    assert not torch.equal(first, augment(pictures, settings, generator(4)))


def test_the_result_is_in_range_and_of_the_same_shape(pictures: Tensor) -> None:
    settings = AugmentationSettings(
        rotation=180, shear=1, scale=0.9, shift=0.5, warp=0.2, blur=1, noise=0.5, contrast=0.9, inversion=0.5
    )
    for some in (pictures, pictures.repeat(1, 3, 1, 1)):
        before = some.clone()
        varied = augment(some, settings, generator())
        assert varied.shape == some.shape
        assert float(varied.min()) >= 0
        assert float(varied.max()) <= 1
        assert torch.equal(some, before)


def test_no_variation_is_the_identity(pictures: Tensor) -> None:
    assert torch.equal(augment(pictures, AugmentationSettings(**NOTHING), generator()), pictures)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rotation", 20.0),
        ("shear", 0.3),
        ("scale", 0.3),
        ("shift", 0.1),
        ("warp", 0.05),
        ("blur", 1.0),
        ("noise", 0.1),
        ("contrast", 0.5),
        ("inversion", 1.0),
        ("flip_left_right", 1.0),
    ],
)
def test_each_setting_alone_changes_each_picture_its_own_way(pictures: Tensor, name: str, value: float) -> None:
    same = pictures[:1].expand(6, -1, -1, -1)
    varied = augment(same, AugmentationSettings(**{**NOTHING, name: value}), generator())
    assert all(not torch.equal(one, same[0]) for one in varied)
    if name not in ("inversion", "flip_left_right"):
        assert not torch.equal(varied[0], varied[1])


def test_inversion_and_mirroring_are_exact(pictures: Tensor) -> None:
    inverted = augment(pictures, AugmentationSettings(**{**NOTHING, "inversion": 1.0}), generator())
    assert torch.allclose(inverted, 1 - pictures)
    mirrored = augment(pictures, AugmentationSettings(**{**NOTHING, "flip_left_right": 1.0}), generator())
    assert torch.equal(mirrored, pictures.flip(-1))


def test_probabilities_are_shares_of_the_pictures() -> None:
    pictures = torch.linspace(0, 1, 4).expand(2000, 1, 4, 4)
    turned = (flipped(pictures, 0.3, generator()) != pictures).flatten(1).any(dim=1)
    assert float(turned.float().mean()) == pytest.approx(0.3, abs=0.04)


def test_a_shift_is_a_share_of_the_canvas() -> None:
    picture = torch.zeros(200, 1, 21, 21)
    picture[:, :, 10, 10] = 1
    moved = augment(picture, AugmentationSettings(**{**NOTHING, "shift": 0.2}), generator())
    across = (moved.sum(dim=(1, 2)) * torch.arange(21)).sum(dim=1) / moved.sum(dim=(1, 2, 3)) - 10
    largest = float(across.abs().max())
    assert 0.9 * 0.2 * 21 < largest <= 0.2 * 21 + 1e-3


def test_contrast_keeps_the_order_of_greys() -> None:
    ramp = torch.linspace(0, 1, 16).view(1, 1, 4, 4).expand(50, -1, -1, -1)
    varied = augment(ramp, AugmentationSettings(**{**NOTHING, "contrast": 0.5}), generator()).flatten(1)
    assert bool((varied.diff(dim=1) > 0).all())
    spans = varied[:, -1] - varied[:, 0]
    assert 0.5 <= float(spans.min()) < 0.6
    assert 0.9 < float(spans.max()) <= 1
