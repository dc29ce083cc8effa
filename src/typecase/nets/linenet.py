"""Reads a line: convolutions look at strokes, a mixer along the line looks at neighbours, CTC needs no letter boxes.

Both designs share everything but the mixer. The picture of a line, 32 pixels high, becomes one column of features
for every four pixels of width; each column gives two frames of logits, so that two narrow letters side by side (ill)
and the blank between equal ones still find their places.

The loss is that of connectionist temporal classification (Graves et al. 2006). Attention among convolved columns
follows the thought of SVTR (Du et al. 2022), the recurrent mixer that of CRNN (Shi et al. 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from typecase.nets.charnet import ResidualBlock, check_stages, convolution

_HEADS = 8

COLUMN = 4
"""Pixels of width that become one column of features."""


class LineNet(nn.Module):
    """A line recogniser.

    Args:
        classes: Number of characters; a frame's logits are the blank and these.
        channels: Channels of the picture, 1 or 3.
        size: Height of the picture in pixels, a multiple of 16.
        mixer: `attention` (convolution and self-attention along the line) or `recurrent` (a bidirectional LSTM).
        widths: Channels at a half, a quarter and an eighth of the height, 1 to 4,096 each.
        depths: Residual blocks at each of these, 0 to 100.
        features: Size of a column's features, a multiple of 8, up to 4,096.
        layers: Blocks of the mixer, 1 to 100.
        frames: Frames that each column gives, 1 to 4.
        dropout: Share of the features that training leaves out before the last layer, 0 to below 1.

    Raises:
        ValueError: A value is out of range.
    """

    def __init__(
        self,
        classes: int,
        channels: int = 1,
        size: int = 32,
        *,
        mixer: Literal["attention", "recurrent"] = "attention",
        widths: Sequence[int] = (48, 96, 192),
        depths: Sequence[int] = (0, 1, 1),
        features: int = 256,
        layers: int = 3,
        frames: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        # Bounds, because the options of a file from elsewhere must not make this program eat all memory.
        if size % 8 or not 8 <= size <= 256:
            raise ValueError(f"the height of its lines must be a multiple of 8 up to 256, not {size}")
        if mixer not in ("attention", "recurrent"):
            raise ValueError(f"mixer must be 'attention' or 'recurrent', not {mixer!r}")
        check_stages("widths", widths, 1, 4096)
        check_stages("depths", depths, 0, 100)
        for name, value, low, high in (
            ("features", features, 8, 4096),
            ("layers", layers, 1, 100),
            ("frames", frames, 1, 4),
        ):
            if type(value) is not int or not low <= value <= high or (name == "features" and value % _HEADS):
                raise ValueError(f"{name} must be a whole number from {low} to {high:,}, not {value!r}")
        half, quarter, eighth = widths
        # Folding 2x2 pixels into channels costs a processor far less than a layer at full resolution.
        stages: list[nn.Module] = [nn.PixelUnshuffle(2), convolution(4 * channels, half)]
        stages += [ResidualBlock(half) for _ in range(depths[0])]
        stages += [convolution(half, quarter, stride=2)]
        stages += [ResidualBlock(quarter) for _ in range(depths[1])]
        # From here on only the height shrinks: letters are narrow.
        stages += [convolution(quarter, eighth, stride=(2, 1))]
        stages += [ResidualBlock(eighth) for _ in range(depths[2])]
        stages += [
            nn.Conv2d(eighth, features, (size // 8, 1), bias=False),
            nn.BatchNorm2d(features),
            nn.ReLU(inplace=True),
        ]
        self.eyes = nn.Sequential(*stages)
        self.mixer = AttentionMixer(features, layers) if mixer == "attention" else RecurrentMixer(features, layers)
        self.dropout = nn.Dropout(dropout)
        self.outputs = classes + 1
        self.head = nn.Linear(features, self.outputs * frames)

    def forward(self, pictures: Tensor) -> Tensor:
        """Gives logits of shape [N, width / COLUMN * frames, 1 + classes] for pictures [N, channels, size, width].

        The width is a multiple of `COLUMN`.
        """
        columns = self.mixer(self.eyes(pictures).squeeze(2).transpose(1, 2))
        logits: Tensor = self.head(self.dropout(columns))
        return logits.reshape(logits.shape[0], -1, self.outputs)


class AttentionMixer(nn.Module):
    """Blocks that look at near columns by convolution, at all by attention, and at each by itself."""

    def __init__(self, features: int, layers: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*[AttentionBlock(features) for _ in range(layers)])
        self.norm = nn.LayerNorm(features)

    def forward(self, columns: Tensor) -> Tensor:
        """Keeps the shape [N, columns, features]."""
        mixed: Tensor = self.norm(self.blocks(columns))
        return mixed


class AttentionBlock(nn.Module):
    """Near columns, then all columns, then each column, each added to what was there."""

    def __init__(self, features: int, heads: int = _HEADS, reach: int = 7) -> None:
        super().__init__()
        self.heads = heads
        # Its groups are wide enough for the matrix units of a processor; it also tells the columns' order.
        self.near = nn.Conv1d(features, features, reach, padding=reach // 2, groups=8)
        self.norm_all = nn.LayerNorm(features)
        self.triple = nn.Linear(features, 3 * features)
        self.joined = nn.Linear(features, features)
        self.norm_each = nn.LayerNorm(features)
        self.each = nn.Sequential(
            nn.Linear(features, 2 * features), nn.ReLU(inplace=True), nn.Linear(2 * features, features)
        )

    def forward(self, columns: Tensor) -> Tensor:
        """Keeps the shape [N, columns, features]."""
        columns = columns + functional.relu(self.near(columns.transpose(1, 2)).transpose(1, 2))
        batch, length, features = columns.shape
        query, key, value = (
            self.triple(self.norm_all(columns))
            .reshape(batch, length, 3, self.heads, features // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        # Written out: for lines of a few hundred columns PyTorch's fused attention trains slower on a CPU.
        weights = (query @ key.transpose(2, 3) * (features // self.heads) ** -0.5).softmax(dim=3)
        seen = weights.to(value.dtype) @ value
        columns = columns + self.joined(seen.transpose(1, 2).reshape(batch, length, features))
        result: Tensor = columns + self.each(self.norm_each(columns))
        return result


class RecurrentMixer(nn.Module):
    """Layers of a bidirectional LSTM."""

    def __init__(self, features: int, layers: int) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(features, features // 2, layers, batch_first=True, bidirectional=True)

    def forward(self, columns: Tensor) -> Tensor:
        """Keeps the shape [N, columns, features]."""
        mixed: Tensor = self.recurrent(columns)[0]
        return mixed
