"""What is usual among some measures: as NumPy says it, which takes longer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.stages.usual import median, quantile


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.floats(0, 1))
def test_it_is_that_of_numpy(values: list[float], share: float) -> None:
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)), abs=1e-6)
    assert median(values) == pytest.approx(float(np.median(values)), abs=1e-6)


def test_of_pixels_it_may_lie_between() -> None:
    assert median(np.array([[250, 255], [3, 255]], np.uint8)) == 252.5
    assert median([7.0]) == quantile([7.0], 0.3) == 7.0
