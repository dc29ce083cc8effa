"""The founding journey's CNN, exactly: what a first course in PyTorch builds, kept to be measured against."""

from __future__ import annotations

from torch import Tensor, nn


class OcrNet(nn.Module):
    """Two 3x3 convolutions with ReLU, then one linear layer over all pixels.

    With the journey's 3 channels, 48 pixels and 62 classes the linear layer is 73,728 -> 62 and nearly all of the
    4,576,286 parameters are in it. There is no pooling and no normalisation.

    Args:
        classes: Number of classes.
        channels: Channels of the picture; the journey's is RGB.
        size: Side of the picture in pixels.
    """

    def __init__(self, classes: int, channels: int = 3, size: int = 48) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 16, kernel_size=3, stride=1, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, stride=1, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.classifier = nn.Linear(32 * size * size, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Gives logits [N, classes] for pictures [N, channels, size, size]."""
        logits: Tensor = self.classifier(self.features(pictures))
        return logits
