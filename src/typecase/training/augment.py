"""Variations of character pictures, computed for a whole batch at once so that the net never waits for them.

All random numbers come from the generator that is handed in: the same seed gives the same pictures.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from typecase.training.settings import AugmentationSettings

BLUR_DEVIATIONS = (0.3, 1.2)
"""Range of the Gaussian blur's standard deviation in pixels of the canvas."""

_WARP_CELLS = 5


def augment(pictures: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Varies each picture of a batch by its own random draw.

    Args:
        pictures: Floats in 0..1 of shape [N, C, S, S], 1 being white.
        settings: Largest changes and probabilities.
        generator: Source of all random numbers, on the CPU.

    Returns:
        New floats in 0..1 of the same shape.
    """
    pictures = flipped(pictures, settings.flip_left_right, generator)
    pictures = _moved(pictures, settings, generator)
    if settings.blur:
        pictures = _blurred(pictures, settings.blur, generator)
    if settings.contrast or settings.inversion or settings.noise:
        pictures = _toned(pictures, settings, generator)
    return pictures


def flipped(pictures: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Mirrors each picture left to right with the given probability."""
    if not probability:
        return pictures
    mirrored = torch.rand(len(pictures), 1, 1, 1, generator=generator) < probability
    return torch.where(mirrored.to(pictures.device), pictures.flip(-1), pictures)


def _uniform(count: int, largest: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(count, generator=generator) * 2 - 1) * largest


def _moved(pictures: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    if not any((settings.rotation, settings.shear, settings.scale, settings.shift, settings.warp)):
        return pictures
    count, _, height, width = pictures.shape
    angle = _uniform(count, math.radians(settings.rotation), generator)
    shear = _uniform(count, settings.shear, generator)
    # Scales are drawn in the logarithm, so that growing and shrinking are equally likely.
    scale = math.log1p(settings.scale)
    both = _uniform(count, scale, generator)
    aspect = _uniform(count, scale / 2, generator)
    across, down = torch.exp(both + aspect), torch.exp(both - aspect)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    # The rows map places of the new picture to places of the old one: a rotation after a shear after a scale.
    matrix = torch.stack(
        [
            torch.stack([cosine * across, (shear * cosine - sine) * down], dim=1),
            torch.stack([sine * across, (shear * sine + cosine) * down], dim=1),
        ],
        dim=1,
    )
    # Coordinates run from -1 to 1, so a share of the canvas counts double.
    shift = torch.stack([_uniform(count, 2 * settings.shift, generator) for _ in range(2)], dim=1).unsqueeze(2)
    grid = functional.affine_grid(torch.cat([matrix, shift], dim=2), [count, 1, height, width], align_corners=False)
    if settings.warp:
        coarse = (torch.rand(count, 2, _WARP_CELLS, _WARP_CELLS, generator=generator) * 2 - 1) * 2 * settings.warp
        smooth = functional.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)
        grid = grid + smooth.permute(0, 2, 3, 1)
    return functional.grid_sample(
        pictures, grid.to(pictures.device), mode="bilinear", padding_mode="border", align_corners=False
    )


def _blurred(pictures: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    count = len(pictures)
    chosen = (torch.rand(count, generator=generator) < probability).nonzero().squeeze(1)
    if not len(chosen):
        return pictures
    low, high = BLUR_DEVIATIONS
    deviations = low + (high - low) * torch.rand(len(chosen), generator=generator)
    places = torch.arange(-3, 4, dtype=torch.float32)
    kernels = torch.exp(-0.5 * (places / deviations.unsqueeze(1)) ** 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).to(pictures.device)
    some = pictures[chosen]
    channels, height, width = some.shape[1:]
    kernels = kernels.repeat_interleave(channels, dim=0)
    flat = functional.pad(some.reshape(1, -1, height, width), (3, 3, 3, 3), mode="replicate")
    flat = functional.conv2d(flat, kernels[:, None, None, :], groups=len(kernels))
    flat = functional.conv2d(flat, kernels[:, None, :, None], groups=len(kernels))
    blurred = pictures.clone()
    blurred[chosen] = flat.reshape(some.shape)
    return blurred


def _toned(pictures: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    count = len(pictures)
    device = pictures.device
    span = 1 - settings.contrast * torch.rand(count, 1, 1, 1, generator=generator)
    # The narrowed range may lie anywhere between black and white.
    floor = (1 - span) * torch.rand(count, 1, 1, 1, generator=generator)
    pictures = pictures * span.to(device) + floor.to(device)
    if settings.inversion:
        inverted = (torch.rand(count, 1, 1, 1, generator=generator) < settings.inversion).to(device)
        pictures = torch.where(inverted, 1 - pictures, pictures)
    if settings.noise:
        deviation = settings.noise * torch.rand(count, 1, 1, 1, generator=generator)
        noise = torch.randn(pictures.shape, generator=generator) * deviation
        pictures = pictures + noise.to(device)
    return pictures.clamp(0, 1)
