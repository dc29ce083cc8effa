"""Which pages are meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.errors import InputError, UsageError
from typecase.sources.page_numbers import PageSelection


@pytest.mark.parametrize(
    ("pages", "count", "expected"),
    [
        ("1", 5, [1]),
        ("1,3-5,end", 9, [1, 3, 4, 5, 9]),
        ("end", 3, [3]),
        ("2-", 4, [2, 3, 4]),
        ("2-end", 4, [2, 3, 4]),
        (" 3 - 4 , 1 ", 9, [1, 3, 4]),
        ("END", 2, [2]),
        ("3-99", 5, [3, 4, 5]),
        ("1,1,1-2", 5, [1, 2]),
        (2, 5, [2]),
        ([3, 1], 5, [1, 3]),
        (range(2, 4), 5, [2, 3]),
    ],
)
def test_what_is_meant(pages: Any, count: int, expected: list[int]) -> None:
    selection = PageSelection.of(pages)
    assert selection is not None
    assert selection.numbers(count, "x.pdf") == expected


def test_all_pages() -> None:
    assert PageSelection.of(None) is None


@pytest.mark.parametrize(
    "pages", ["", "0", "a", "1;2", "5-3", "-3", "1,,2", "0-4", "9" * 5000, [], ["1"], [0], 0, True, 1.5]
)
def test_what_means_nothing(pages: Any) -> None:
    with pytest.raises(UsageError, match=r"[Pp]ages"):
        PageSelection.of(pages)


def test_pages_that_a_document_has_not() -> None:
    selection = PageSelection.of("7-9")
    assert selection is not None
    with pytest.raises(InputError, match=r"x\.pdf has 3 pages, and none of those asked for \(7-9\)"):
        selection.numbers(3, "x.pdf")


@given(st.lists(st.integers(1, 30), min_size=1), st.integers(1, 30))
def test_numbers_are_ascending_and_there(numbers: list[int], count: int) -> None:
    selection = PageSelection.of(numbers)
    assert selection is not None
    wanted = sorted({number for number in numbers if number <= count})
    if wanted:
        assert selection.numbers(count, "x") == wanted
    else:
        with pytest.raises(InputError):
            selection.numbers(count, "x")
