"""The step size over the steps."""

from __future__ import annotations

import pytest

from typecase.training.schedule import learning_rate_factor
from typecase.training.settings import ScheduleSettings

STEPS = 200


def factors(steps: int = STEPS, **settings: object) -> list[float]:
    schedule = ScheduleSettings(**settings)  # type: ignore[arg-type]
    return [learning_rate_factor(step, steps, schedule) for step in range(steps)]


@pytest.mark.parametrize("name", ["constant", "cosine", "one-cycle"])
@pytest.mark.parametrize("warm_up", [0.0, 0.15, 0.9])
@pytest.mark.parametrize("steps", [1, 2, 3, STEPS])
def test_factors_are_above_zero_and_at_most_one(name: str, warm_up: float, steps: int) -> None:
    values = factors(steps, name=name, warm_up=warm_up, last=0.0)
    assert all(0 < value <= 1 for value in values)


@pytest.mark.parametrize("name", ["cosine", "one-cycle"])
def test_it_rises_to_one_and_falls_to_the_last(name: str) -> None:
    values = factors(name=name, warm_up=0.25, last=0.01)
    top = values.index(max(values))
    assert top == 0.25 * STEPS - 1
    assert values[top] == pytest.approx(1)
    assert values[: top + 1] == sorted(values[: top + 1])
    assert values[top:] == sorted(values[top:], reverse=True)
    assert values[-1] == pytest.approx(0.01)


def test_one_cycle_starts_at_a_twenty_fifth() -> None:
    assert factors(name="one-cycle", warm_up=0.5)[0] == pytest.approx(0.04, abs=0.001)
    assert factors(name="cosine", warm_up=0.5)[0] == pytest.approx(0.01)


def test_constant_is_constant_after_its_warm_up() -> None:
    assert factors(name="constant", warm_up=0.0) == [1.0] * STEPS
    values = factors(name="constant", warm_up=0.1)
    assert values[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert values[20:] == [1.0] * (STEPS - 20)
