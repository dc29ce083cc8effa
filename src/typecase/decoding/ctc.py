"""Greedy decoding of connectionist temporal classification (Graves et al. 2006), many lines at once.

The blank is class 0 of the net, character i of the model's classes is i + 1. Everything here is arithmetic on the
frames of all lines laid end to end, for a page of fifty lines must cost little beside its net.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from typecase.preprocess import FloatArray

Indices = npt.NDArray[np.intp]

BLANK = 0
"""The net's class for no character."""


SURE = 8.0
"""By how much the blank's logit must be the greatest for its frame to be surely blank: nothing else is seen there with
a probability above e ** -8, a third of a thousandth."""


@dataclass(frozen=True)
class Frames:
    """The frames of some lines, laid end to end; of sure blanks next to each other only the first.

    Those are most frames of a line, and more than one of them says nothing to any way of decoding.

    Attributes:
        probabilities: Calibrated probabilities, [frames of all lines, 1 + classes].
        times: The number of each frame in its line, [frames of all lines].
        offsets: Where each line's frames begin, and at last where they end, [lines + 1].
    """

    probabilities: FloatArray
    times: Indices
    offsets: Indices

    @classmethod
    def of(cls, logits: Sequence[FloatArray], temperature: float = 1.0) -> Frames:
        """Turns logits of each line, [frames, 1 + classes], into probabilities."""
        kept = [_kept(line, SURE * temperature) for line in logits]
        joined: FloatArray = np.concatenate([line[times] for line, times in zip(logits, kept, strict=True)])
        joined -= joined.max(axis=1, keepdims=True)
        if temperature != 1.0:
            joined *= np.float32(1.0 / temperature)
        np.exp(joined, out=joined)
        joined *= 1.0 / joined.sum(axis=1, keepdims=True)
        return cls(joined, np.concatenate(kept), np.cumsum([0, *map(len, kept)], dtype=np.intp))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def favour(self, places: Indices, labels: Indices, gains: FloatArray | np.float32) -> None:
        """Makes the odds of a class better in some frames, in their place.

        Args:
            places: Which frames, each once.
            labels: The class in each.
            gains: By how much, as logarithms: for each frame, or one for all.
        """
        part = self.probabilities[places]
        part[np.arange(len(places)), labels] *= np.exp(gains)
        self.probabilities[places] = part / part.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Runs:
    """What was read: runs of frames that each stand for one character, of all lines one after the other.

    Attributes:
        classes: The net's class of each run, never the blank, [runs].
        starts: First frame of each, counted over the frames of all lines, [runs].
        ends: The frame after its last, [runs].
        offsets: Where each line's runs begin, and at last where they end, [lines + 1].
    """

    classes: Indices
    starts: Indices
    ends: Indices
    offsets: Indices

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True)
class Parts:
    """Stretches of lines between characters that part them, such as words between spaces.

    Attributes:
        lines: The number of each one's line, [parts].
        firsts: Its first run, [parts].
        lasts: The run after its last, [parts].
        begin_lines: Whether it begins its line, [parts].
        end_lines: Whether it ends it, [parts].
        starts: Its first frame: the one after what parts it from what is before, or the line's first, [parts].
        ends: The frame after its last: that of what parts it from what follows, or the line's end, [parts].
    """

    lines: Indices
    firsts: Indices
    lasts: Indices
    begin_lines: npt.NDArray[np.bool_]
    end_lines: npt.NDArray[np.bool_]
    starts: Indices
    ends: Indices

    @classmethod
    def of(cls, frames: Frames, runs: Runs, parting: npt.NDArray[np.bool_]) -> Parts:
        """Parts lines.

        Args:
            frames: Their frames.
            runs: What was read in them.
            parting: Whether each run parts what is before it from what follows, [runs].
        """
        count = len(runs)
        lines = np.repeat(np.arange(len(frames)), np.diff(runs.offsets))
        new_line = np.append(True, lines[1:] != lines[:-1])[:count]
        last_of_line = np.append(new_line[1:], True)[:count]
        firsts = np.flatnonzero(~parting & (new_line | np.append(True, parting[:-1])[:count]))
        lasts = np.flatnonzero(~parting & (last_of_line | np.append(parting[1:], True)[:count])) + 1
        own, begin_lines, end_lines = lines[firsts], new_line[firsts], last_of_line[lasts - 1]
        return cls(
            lines=own,
            firsts=firsts,
            lasts=lasts,
            begin_lines=begin_lines,
            end_lines=end_lines,
            starts=np.where(begin_lines, frames.offsets[own], runs.ends[firsts - 1]),
            ends=np.where(end_lines, frames.offsets[own + 1], np.append(runs.starts, 0)[lasts]),
        )

    def __len__(self) -> int:
        return len(self.lines)


def greedy(frames: Frames) -> Runs:
    """Takes the likeliest class of each frame; equal neighbours are one character, blanks are none."""
    best = frames.probabilities.argmax(axis=1)
    return runs_of(best, frames.offsets)


def runs_of(path: Indices, offsets: Indices) -> Runs:
    """The characters of a path, which gives each frame of all lines a class of the net."""
    changes = np.ones(len(path), bool)
    changes[1:] = path[1:] != path[:-1]
    # A run never goes from one line into the next.
    changes[offsets[:-1][offsets[:-1] < len(path)]] = True
    starts = np.flatnonzero(changes)
    ends = np.append(starts[1:], len(path))
    inked = path[starts] != BLANK
    starts, ends = starts[inked], ends[inked]
    return Runs(path[starts], starts, ends, np.searchsorted(starts, offsets).astype(np.intp))


def _kept(logits: FloatArray, margin: float) -> Indices:
    """The numbers of a line's frames without those that repeat a sure blank."""
    repeated = logits[:, BLANK] - logits[:, BLANK + 1 :].max(axis=1) > margin
    repeated[1:] &= repeated[:-1].copy()
    repeated[:1] = False
    return np.flatnonzero(~repeated)
