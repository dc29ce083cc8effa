"""The loss of reading lines: connectionist temporal classification (Graves et al. 2006), and what surrounds it.

Targets travel as one tensor of whole numbers, a row for each line: its length, whether its truth is upper case only,
the number of frames that show it, then its labels. Label 0 is the blank; class i is label i + 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from typecase.charset import ClassSet

BLANK = 0
"""The label that stands for no character."""

_LENGTH, _FOLDED, FRAMES, _LABELS = 0, 1, 2, 3
"""Columns of a target; that of the frames is of use to others."""


class LineCodec:
    """Texts to labels and back.

    Attributes:
        classes: What can be read, a character each.
    """

    def __init__(self, classes: ClassSet) -> None:
        self.classes = classes
        self._labels = {name: number for number, name in enumerate(classes.names, start=1)}
        lower, upper = [], []
        for name, label in self._labels.items():
            capital = name.upper()
            if capital != name and capital in self._labels:
                lower.append(label)
                upper.append(self._labels[capital])
        # Label by label: the lower-case letters, and the capital of each.
        self._lower, self._upper = torch.tensor(lower, dtype=torch.long), torch.tensor(upper, dtype=torch.long)

    def unknown(self, text: str) -> set[str]:
        """The characters of a text that cannot be read."""
        return {character for character in text if character not in self._labels}

    def encode(self, text: str) -> list[int]:
        """Labels of a text whose characters are all known."""
        return [self._labels[character] for character in text]

    def targets(self, texts: Sequence[str], folded: Sequence[bool], frames: Sequence[int]) -> Tensor:
        """Makes the rows that `loss` takes, of shape [len(texts), 3 + longest]."""
        rows = np.zeros((len(texts), _LABELS + max(map(len, texts), default=0)), np.int64)
        for row, text, fold, count in zip(rows, texts, folded, frames, strict=True):
            row[:_LABELS] = len(text), fold, count
            row[_LABELS : _LABELS + len(text)] = self.encode(text)
        return torch.from_numpy(rows)

    def loss(self, logits: Tensor, targets: Tensor, hopeless: float = 0.0) -> Tensor:
        """Mean over the lines of the loss of a line by its characters.

        What nobody can read, erased or blurred away, has the largest loss of all. To a net that reads nearly everything
        else such lines are most of the gradient and teach it to guess, so they can be left out.

        For a line whose truth is upper case only, the probabilities of a letter's two cases are added before the
        loss is taken: the net may go on to see either, and unlearns nothing.

        Args:
            logits: Of shape [N, T, 1 + classes], any float type; computed in float32.
            targets: Rows as `targets` makes them.
            hopeless: Lines with a greater loss a character are left out of the mean; 0 leaves none out.

        Returns:
            A scalar in nats a character.
        """
        probabilities = functional.log_softmax(logits.float(), dim=2)
        folded = targets[:, _FOLDED].bool()
        if bool(folded.any()) and len(self._lower):
            lower, upper = self._lower.to(logits.device), self._upper.to(logits.device)
            some = probabilities[folded]
            together = torch.logaddexp(some[..., lower], some[..., upper])
            # Far below every other, but finite, for a gradient must pass.
            some = some.index_fill(2, lower, -100.0).index_copy(2, upper, together)
            probabilities = probabilities.index_copy(0, folded.nonzero().squeeze(1), some)
        lengths = targets[:, _LENGTH]
        losses = functional.ctc_loss(
            probabilities.transpose(0, 1),
            targets[:, _LABELS:],
            targets[:, FRAMES],
            lengths,
            blank=BLANK,
            reduction="none",
            # A line with more letters than frames cannot be read, and must not end the training.
            zero_infinity=True,
        )
        losses = losses / lengths.clamp(min=1)
        if hopeless:
            kept = (losses.detach() <= hopeless).to(losses.dtype)
            return (losses * kept).sum() / kept.sum().clamp(min=1)
        return losses.mean()

    def greedy(self, logits: Tensor, frames: Sequence[int]) -> list[str]:
        """Reads lines by the best label of each frame, for looking on while training; reading proper is elsewhere."""
        names = ("", *self.classes.names)
        texts = []
        for best, count in zip(logits.argmax(dim=2).cpu().numpy(), frames, strict=True):
            line = best[:count]
            kept = line[(line != BLANK) & (np.concatenate([[True], line[1:] != line[:-1]]))]
            texts.append("".join(names[label] for label in kept))
        return texts

    def read(self, logits: Tensor, targets: Tensor) -> list[tuple[str, str]]:
        """What each line of a batch says, and what is read; both in upper case where the truth is."""
        pairs = []
        rows = targets.cpu().numpy()
        for row, text in zip(rows, self.greedy(logits, rows[:, FRAMES].tolist()), strict=True):
            labels = row[_LABELS : _LABELS + row[_LENGTH]]
            truth = "".join(self.classes.names[label - 1] for label in labels)
            pairs.append((truth.upper(), text.upper()) if row[_FOLDED] else (truth, text))
        return pairs
