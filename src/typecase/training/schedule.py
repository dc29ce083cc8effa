"""Step sizes as a function of the step alone, so that there is no state to save and resuming is exact."""

from __future__ import annotations

import math

from typecase.training.settings import ScheduleSettings


def learning_rate_factor(step: int, steps: int, settings: ScheduleSettings) -> float:
    """Gives the step size of one step over the largest one.

    `one-cycle` rises and falls along a cosine (Smith and Topin 2018, without its cycling of momentum); `cosine` rises
    in a straight line and falls along a cosine (Loshchilov and Hutter 2017); `constant` rises in a straight line
    and stays.

    Args:
        step: Number of steps done before this one, 0..steps-1.
        steps: Number of steps of the whole training, at least 1.
        settings: The shape.

    Returns:
        A factor in (0, 1].
    """
    rising = round(settings.warm_up * steps)
    if step < rising:
        share = (step + 1) / rising
        return _cosine(share, 0.04, 1.0) if settings.name == "one-cycle" else share
    if settings.name == "constant":
        return 1.0
    return _cosine((step - rising + 1) / max(1, steps - rising), 1.0, settings.last)


def _cosine(share: float, start: float, end: float) -> float:
    return max(1e-8, end + (start - end) * 0.5 * (1 + math.cos(math.pi * share)))
