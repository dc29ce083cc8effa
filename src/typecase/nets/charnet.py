"""Our classifier of single characters: a small residual net (after He et al. 2015) that suits an ordinary CPU.

Where it departs from a textbook residual net, and why:

- Each picture is first brought to mean 0 and deviation 1, within the net, so that faint photographs and black
  print look alike and no caller can forget it.
- The first step folds 2x2 pixels into channels instead of convolving at full resolution, where a CPU spends most
  of its time moving memory.
- The last 6x6 map is summed with one learned weight for each place and channel (as in MobileFaceNet, Chen et al.
  2018) instead of an average: where ink is on the canvas tells p from P and c from C.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional


class CharNet(nn.Module):
    """Residual classifier of square pictures.

    Args:
        classes: Number of classes, of any kind.
        channels: Channels of the picture, 1 or 3.
        size: Side of the picture in pixels, divisible by 8.
        widths: Channels of the three stages, at a half, a quarter and an eighth of the resolution, 1 to 4,096 each.
        depths: Residual blocks of each stage, 0 to 100 each.
        dropout: Share of features dropped before the last layer while training, 0 to below 1.
        head: `place` sums each channel of the last map with a learned weight for each place; `flat` gives each
            class a weight for each place and channel, many more of them, which learns a known set of typefaces better.
        shift: By how many pixels a picture is moved, either way and both ways at once, to be seen nine times when the
            net is not training; the logits are averaged. How tightly a photograph was cut out matters less then. 0
            sees it once.

    Raises:
        ValueError: A value is out of range.
    """

    def __init__(
        self,
        classes: int,
        channels: int = 1,
        size: int = 48,
        widths: Sequence[int] = (32, 96, 192),
        depths: Sequence[int] = (1, 1, 2),
        dropout: float = 0.1,
        head: Literal["place", "flat"] = "place",
        shift: int = 0,
    ) -> None:
        super().__init__()
        if size % 8:
            raise ValueError(f"the size of its pictures must be divisible by 8, not {size}")
        # Bounds, because the options of a file from elsewhere must not make this program eat all memory.
        check_stages("widths", widths, 1, 4096)
        check_stages("depths", depths, 0, 100)
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout < 1:
            raise ValueError(f"dropout must be a number from 0 to below 1, not {dropout!r}")
        if type(shift) is not int or not 0 <= shift < size // 4:
            raise ValueError(f"shift must be a whole number from 0 to below {size // 4}, not {shift!r}")
        self.shift = shift
        layers: list[nn.Module] = [nn.PixelUnshuffle(2), convolution(channels * 4, widths[0])]
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            if stage:
                layers.append(convolution(widths[stage - 1], width, stride=2))
            layers += [ResidualBlock(width) for _ in range(depth)]
        self.features = nn.Sequential(*layers)
        if head == "place":
            self.pool = nn.Sequential(
                nn.Conv2d(widths[2], widths[2], kernel_size=size // 8, groups=widths[2], bias=False),
                nn.BatchNorm2d(widths[2]),
                nn.Flatten(),
                nn.Dropout(dropout),
            )
            self.classifier = nn.Linear(widths[2], classes)
        elif head == "flat":
            self.pool = nn.Sequential(nn.Flatten(), nn.Dropout(dropout))
            self.classifier = nn.Linear(widths[2] * (size // 8) ** 2, classes)
        else:
            raise ValueError(f"head must be 'place' or 'flat', not {head!r}")

    def forward(self, pictures: Tensor) -> Tensor:
        """Gives logits [N, classes] for pictures [N, channels, size, size]."""
        if self.training or not self.shift:
            return self._seen(pictures)
        size = pictures.shape[-1]
        padded = functional.pad(pictures, (self.shift,) * 4, mode="replicate")
        starts = (0, self.shift, 2 * self.shift)
        views = [padded[..., top : top + size, left : left + size] for top in starts for left in starts]
        logits = self._seen(torch.cat(views))
        return logits.reshape(len(views), -1, logits.shape[-1]).mean(dim=0)

    def _seen(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.pool(self.features(standardised(pictures))))
        return logits


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut; the second starts at zero, so that a fresh block passes its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = convolution(width, width)
        self.second = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Keeps the shape [N, width, height, width]."""
        return functional.relu(features + self.norm(self.second(self.first(features))))


def standardised(pictures: Tensor) -> Tensor:
    """Brings each picture to mean 0 and deviation 1; an empty one stays flat instead of becoming noise."""
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    centred = pictures - mean
    variance = (centred * centred).mean(dim=(1, 2, 3), keepdim=True)
    return centred * torch.rsqrt(variance + 1e-3)


def check_stages(name: str, values: Sequence[int], low: int, high: int) -> None:
    """Checks the widths or depths of three stages.

    Raises:
        ValueError: They are not three whole numbers within the bounds.
    """
    whole = isinstance(values, (list, tuple)) and all(type(value) is int for value in values)
    if not whole or len(values) != 3 or not all(low <= value <= high for value in values):
        raise ValueError(f"{name} must be three whole numbers from {low} to {high:,}, not {values!r}")


def convolution(before: int, after: int, stride: int | tuple[int, int] = 1) -> nn.Sequential:
    """A 3x3 convolution, normalised over the batch and rectified."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )
