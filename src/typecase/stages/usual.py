"""What is usual among some measures of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def quantile(values: npt.NDArray[Any] | Sequence[float], share: float) -> float:
    """The number below which a share of some numbers lie, between two of them where it falls there.

    NumPy's own takes ten times as long for the few that lines are measured by, and brings in masked arrays, for which a
    process that reads a single picture would wait.

    Args:
        values: At least one, and none of them NaN.
        share: 0 to 1.
    """
    ordered = np.sort(values, axis=None)
    place, part = divmod(share * (len(ordered) - 1), 1)
    low = float(ordered[int(place)])
    return low + part * (float(ordered[int(place) + 1]) - low) if part else low


def median(values: npt.NDArray[Any] | Sequence[float]) -> float:
    """The middle one of some numbers, or the mean of the middle two; see `quantile`."""
    return quantile(values, 0.5)
