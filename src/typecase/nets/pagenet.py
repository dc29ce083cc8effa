"""Finds the lines of a page: a small fully convolutional net with a pyramid of features (after Lin et al. 2017).

For every cell of 4x4 pixels it tells where the cores of lines are (four times, once for each quarter of the cell), how
far it is from there to the upper and the lower edge of the line, and whether the line runs up or down the page. The
core is the middle band of a line, so that the cores of lines that touch stay apart (after the shrunken regions of Wang
et al. 2019 and Liao et al. 2020); the two distances give the line its height back, to the pixel and for each side,
where those nets have to guess it from the core's area.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from typecase.nets.charnet import ResidualBlock, convolution
from typecase.stages.lines_of_maps import CELL, CHANNELS


class PageNet(nn.Module):
    """A detector of lines.

    Args:
        classes: Kinds of what is found; there is one, text.
        channels: Channels of the picture, 1 or 3.
        size: Both sides of the picture are multiples of it; 32.
        widths: Channels at a quarter, an eighth, a sixteenth and a thirty-second of the resolution.
        depths: Residual blocks at each of these.
        joined: Channels of the pyramid at these, finest first.

    Raises:
        ValueError: A value is out of range.
    """

    def __init__(
        self,
        classes: int = 1,
        channels: int = 1,
        size: int = 32,
        *,
        widths: Sequence[int] = (32, 64, 128, 160),
        depths: Sequence[int] = (1, 2, 2, 1),
        joined: Sequence[int] = (48, 48, 64, 64),
    ) -> None:
        super().__init__()
        if classes != 1 or size != 32:
            raise ValueError("it finds one kind of thing, in pictures whose sides are multiples of 32")
        for name, values, low, high in (
            ("widths", widths, 1, 1024),
            ("depths", depths, 0, 50),
            ("joined", joined, 1, 1024),
        ):
            if len(values) != 4 or not all(type(value) is int and low <= value <= high for value in values):
                raise ValueError(f"{name} must be four whole numbers from {low} to {high:,}, not {values!r}")
        self.stages = nn.ModuleList()
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            layers: list[nn.Module] = (
                [convolution(widths[stage - 1], width, stride=2)]
                if stage
                # Folding 4x4 pixels into channels loses nothing and costs a processor far less than fine layers.
                else [nn.PixelUnshuffle(CELL), convolution(channels * CELL * CELL, width)]
            )
            self.stages.append(nn.Sequential(*layers, *[ResidualBlock(width) for _ in range(depth)]))
        self.laterals = nn.ModuleList(nn.Conv2d(width, into, 1) for width, into in zip(widths, joined, strict=True))
        self.widenings = nn.ModuleList(
            nn.Conv2d(joined[stage + 1], joined[stage], 1) if joined[stage + 1] != joined[stage] else nn.Identity()
            for stage in range(3)
        )
        self.joints = nn.ModuleList(convolution(into, into) for into in joined[:3])
        self.head = nn.Sequential(convolution(joined[0], joined[0]), nn.Conv2d(joined[0], CHANNELS, 1))
        last = self.head[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        with torch.no_grad():
            # Most of a page is no core of a line: a net that starts from there does not have to learn it first.
            last.bias[:4].fill_(-2.0)

    def forward(self, pictures: Tensor) -> Tensor:
        """Gives [N, 7, height / 4, width / 4] for pictures [N, channels, height, width].

        Channels 0 to 3 are logits of the core in the cell's quarters, row by row; 4 and 5 are the distances from the
        cell's centre to the line's upper and lower edge (left and right, where it runs up or down) as logarithms to
        base 2, see `typecase.stages.lines_of_maps`; 6 is a logit of running up or down the page.
        """
        levels = []
        features = pictures
        for narrowing in self.stages:
            features = narrowing(features)
            levels.append(features)
        top = self.laterals[3](levels[3])
        for stage in (2, 1, 0):
            # Nearest, for it is exact in every runtime; the convolution after it smooths.
            higher = functional.interpolate(self.widenings[stage](top), scale_factor=2.0, mode="nearest")
            top = self.joints[stage](self.laterals[stage](levels[stage]) + higher)
        found: Tensor = self.head(top)
        return found
