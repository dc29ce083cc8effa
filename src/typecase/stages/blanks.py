"""Rules that are read: that of a blank to write on as a full stop, an upright one as a box to tick, a dash as a 1.

A blank's rule begins where a word ends, and is partly cut out with the word.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from typecase.document import Box, Line, Word, union
from typecase.preprocess import PixelArray
from typecase.stages.crop import Strip
from typecase.stages.usual import median

# What the beginning of a rule is taken for.
_LIKE_RULES = frozenset(".,-_–—")
# A rule goes on for so many heights of its line; a dash is shorter, and behind a full stop is paper.
_LONG = 1.6
# Of those, so much is ink: scans have holes.
_INKED = 0.95
# Where so much beside a rule is ink, it is the edge of a panel.
_PANEL = 0.5
# A rule of which so much runs on under the word, over one height, was there before: what stands on it is a full stop,
# unless it is thinner than so much of the line's height, as rules are. Between them are the feet of letters, which
# stand on a baseline as the rule does.
_UNDER = 0.85
_THIN = 0.17
# So many pixels such a rule may stray on its way under the word.
_STRAYS = 2
# What differs from the paper by less than so much of what the mark does is paper.
_DARK = 0.5
# Grey levels that paper itself varies by.
_LEAST_CONTRAST = 30

# By how many times their height what is read as a word by itself is wide, at least and at most: an upright rule is
# narrower than a box to tick, and a rule or a speck wider than what stands upright.
_PROPORTIONS = {**dict.fromkeys("☐☑☒□■", (0.5, 2.0)), **dict.fromkeys("1Il|!", (0.0, 1.0))}


def without_rules(line: Line, strip: Strip, grey: PixelArray) -> Line:
    """Takes out of a line what has not the shape of what it was read as, and at its end the beginning of a rule.

    Args:
        line: What was read in the strip, in its pixels.
        strip: What was cut out.
        grey: The page that it was cut out of.
    """
    words = [word for word in line.words if _has_its_shape(word)]
    while words and words[-1].characters:
        *rest, mark = words[-1].characters
        if mark.text not in _LIKE_RULES or not _goes_on(mark.box, strip, grey):
            break
        word = words.pop()
        if rest:
            text = "".join(one.text for one in rest)
            words.append(Word(text, union(one.box for one in rest), word.confidence, tuple(rest)))
    return line if words == list(line.words) else msgspec.structs.replace(line, words=tuple(words))


def _has_its_shape(word: Word) -> bool:
    least, most = _PROPORTIONS.get(word.text, (0.0, np.inf))
    return least * word.box.height <= word.box.width <= most * word.box.height


def _goes_on(mark: Box, strip: Strip, grey: PixelArray) -> bool:
    """Whether a rule begins at a mark, and goes on beyond the strip for longer than any mark is."""
    rows, columns = strip.pixels.shape
    paper = median(strip.pixels)
    inside = strip.pixels[_span(mark.y, mark.bottom, rows), _span(mark.x, mark.right, columns)].astype(np.float64)
    contrast = np.abs(inside - paper).max(initial=0.0)
    if contrast < _LEAST_CONTRAST:
        return False
    # Where little of a rule is cut out, its box is as high as the line.
    dark = np.flatnonzero((np.abs(inside - paper) > _DARK * contrast).any(axis=1))
    thick = float(dark[-1] + 1 - dark[0])
    middle = _span(mark.y, mark.bottom, rows).start + float(dark[0]) + thick / 2
    begin, first, last, top, bottom = strip.places(
        [mark.x, 0.0, columns, mark.x, mark.x], [middle, middle, middle, 0.0, rows]
    )
    along = (last - first) / max(float(np.hypot(*(last - first))), 1e-6)
    height = float(np.hypot(*(bottom - top)))
    reach = max(1, round(0.5 * thick * height / rows))
    offsets = np.arange(-reach - _STRAYS, reach + _STRAYS + 1)

    def ink(steps: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Where there is ink, [steps, offsets]: some pixels along the line, and above and below the mark's middle."""
        across = offsets[:, np.newaxis] * np.array([-along[1], along[0]])
        places = begin + steps[:, np.newaxis, np.newaxis] * along + across
        return np.asarray(np.abs(_sampled(grey, places, paper) - paper) > _DARK * contrast)

    around = ink(np.arange(0.0, _LONG * height))
    ahead = around[:, _STRAYS:-_STRAYS]
    # A rule that slopes a little against its line goes from one row of pixels to the next. A panel has no paper above
    # and below.
    if (ahead[:, 1:] | ahead[:, :-1]).mean(axis=0).max() < _INKED or around[:, [0, -1]].mean(axis=0).max() > _PANEL:
        return False
    under = ink(-np.arange(1.0, height))
    strays = np.lib.stride_tricks.sliding_window_view(under, 2 * _STRAYS + 1, axis=1).any(axis=-1)
    return bool(strays.mean(axis=0).max(initial=0.0) < _UNDER) or thick < _THIN * rows


def _span(start: float, end: float, most: int) -> slice:
    first = min(max(0, int(start)), most - 1)
    return slice(first, max(first + 1, min(most, round(end))))


def _sampled(grey: PixelArray, places: npt.NDArray[np.float64], outside: float) -> npt.NDArray[np.float64]:
    """The grey levels at places, [..., 2]; beside the page there is paper."""
    height, width = grey.shape
    x, y = (np.floor(places[..., axis]).astype(np.intp) for axis in (0, 1))
    within = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    levels = grey[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].astype(np.float64)
    return np.where(within, levels, outside)
