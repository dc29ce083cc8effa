"""The case of letters that look the same in both: what their size tells, beside the letters around them.

A net that sees an X by itself cannot know whether it is a small or a capital one, nor whether a letter begins `cc:` or
`CC:`; whoever sees the whole row can. So it is with the bullet of a list, which is smaller than the black circle.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

import msgspec

from typecase.document import Alternative, Block, Character, Line, Word
from typecase.stages.usual import median

# Letters of the same shape in both cases, and those whose shape tells the case, by which size is judged; figures are as
# high as capitals, or nearly.
_ALIKE = frozenset("cosvwxz")
_SMALL = frozenset("aemnru")
_HIGH = frozenset("ABDEFGHKLMNPRTUY0123456789")
# So many of them make a size: of a row, and of a page.
_ROW_NEEDS, _PAGE_NEEDS = 2, 10
# A small letter is at most so many times as high as others, and as capitals; a capital at least. In the types that
# documents are printed in, an x is 0.65 to 0.76 times as high as a capital, and heights are off by a pixel.
_SMALL_AT_MOST = (1.15, 0.82)
_CAPITAL_AT_LEAST = (1.25, 0.9)
# A bullet is 0.45 to 0.85 times as high as an x, the black circle half as high again as one, or more.
_CIRCLE, _BULLET, _BULLET_AT_MOST = "●", "•", 1.0
# An initial is a capital, however it is printed; what stands in a box is a mark.
_LEFT_ALONE = re.compile(r"\W*\w\.\W*|.*[\[\]☐☑].*")


def cased_by_size(blocks: Sequence[Block], characters: Collection[str]) -> tuple[Block, ...]:
    """Gives words of nothing but letters that look alike in both cases the case of their size.

    Args:
        blocks: What was read on a page, lines running level.
        characters: Those that may be read; a letter of which only one case is among them keeps it.

    Returns:
        The same blocks, with some words in the other case. Where sizes tell neither case, words stay as they are.
    """
    alike = frozenset(one for one in _ALIKE if one in characters and one.upper() in characters)
    lines = [line for block in blocks for line in block.lines]
    small, capital = (_usual(some, _PAGE_NEEDS) for some in _heights(word for line in lines for word in line.words))
    found = []
    for block in blocks:
        changed = tuple(_with_bullets(_cased(line, alike, small, capital), small, characters) for line in block.lines)
        same = all(new is old for new, old in zip(changed, block.lines, strict=True))
        found.append(block if same else msgspec.structs.replace(block, lines=changed))
    return tuple(found)


def _cased(line: Line, alike: frozenset[str], page_small: float, page_capital: float) -> Line:
    """A line whose page has letters of these usual heights, 0 where there are too few to tell."""
    if not any(_looks_alike(word, alike) for word in line.words):
        return line
    small, capital = (_usual(some, _ROW_NEEDS) for some in _heights(line.words))
    if page_small and page_capital:
        # What a row lacks follows from the type's proportions, which a page's types share.
        proportion = page_capital / page_small
        small = small or (capital / proportion if capital else page_small)
        capital = capital or small * proportion
    if not small or not capital:
        return line
    words = tuple(_in_case(word, small, capital) if _looks_alike(word, alike) else word for word in line.words)
    same = all(new is old for new, old in zip(words, line.words, strict=True))
    return line if same else msgspec.structs.replace(line, words=words)


def _with_bullets(line: Line, page_small: float, characters: Collection[str]) -> Line:
    """A line whose circles are bullets where they are as small."""
    if all(word.text != _CIRCLE for word in line.words) or _BULLET not in characters:
        return line
    small = _usual(_heights(line.words)[0], _ROW_NEEDS) or page_small
    words = tuple(
        msgspec.structs.replace(word, text=_BULLET, characters=tuple(_renamed(one, _BULLET) for one in word.characters))
        if word.text == _CIRCLE and word.characters and word.characters[0].box.height <= _BULLET_AT_MOST * small
        else word
        for word in line.words
    )
    return msgspec.structs.replace(line, words=words)


def _looks_alike(word: Word, alike: frozenset[str]) -> bool:
    letters = [character for character in word.text if character.isalpha()]
    return (
        bool(letters)
        and alike.issuperset(letter.lower() for letter in letters)
        and len({letter.islower() for letter in letters}) == 1
        and not any(character.isdigit() for character in word.text)
        and not _LEFT_ALONE.fullmatch(word.text)
    )


def _in_case(word: Word, small: float, capital: float) -> Word:
    """A word in the case of its height, beside the usual ones of small letters and of capitals."""
    height = median([one.box.height for one in word.characters if one.text.isalpha()])
    text = word.text
    if height <= _SMALL_AT_MOST[0] * small and height <= _SMALL_AT_MOST[1] * capital:
        text = text.lower()
    elif height >= _CAPITAL_AT_LEAST[0] * small and height >= _CAPITAL_AT_LEAST[1] * capital:
        text = text.upper()
    if text == word.text:
        return word
    characters = tuple(_renamed(one, one.text.swapcase()) if one.text.isalpha() else one for one in word.characters)
    return msgspec.structs.replace(word, text=text, characters=characters)


def _renamed(character: Character, other: str) -> Character:
    """As another one; the one that was read becomes an alternative in its place."""
    alternatives = tuple(
        Alternative(character.text, one.confidence) if one.text == other else one for one in character.alternatives
    )
    return Character(other, character.box, character.confidence, alternatives)


def _heights(words: Iterable[Word]) -> tuple[list[float], list[float]]:
    """Of small letters and of capitals and figures."""
    small: list[float] = []
    high: list[float] = []
    for word in words:
        for one in word.characters:
            if one.text in _SMALL:
                small.append(one.box.height)
            elif one.text in _HIGH:
                high.append(one.box.height)
    return small, high


def _usual(heights: Sequence[float], needed: int) -> float:
    return median(heights) if len(heights) >= needed else 0.0
