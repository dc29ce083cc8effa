"""The networks that typecase can train, and nothing about files or pictures.

This file is light: it tells what there is without importing PyTorch; `build` imports it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from typecase.errors import UsageError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class NetworkFacts:
    """What one can know of a network before building it.

    Attributes:
        name: The name by which configurations and weights call it.
        task: What it does: `classifier`, `recognizer` or `detector`.
        summary: One sentence for a list.
        channels: Channels of the picture it takes; 1 is grey, 3 is RGB.
        size: Side of the square picture it takes, height of the line, or what a page's sides are multiples of, in
            pixels.
        parameters: Number of parameters with 62 classes (a detector has one) and no options.
        target: `module:class` of its implementation.
    """

    name: str
    task: str
    summary: str
    channels: int
    size: int
    parameters: int
    target: str


NETWORKS: dict[str, NetworkFacts] = {
    facts.name: facts
    for facts in (
        NetworkFacts(
            name="charnet",
            task="classifier",
            summary="Ours: a small residual net for any alphabet, grey pictures, made for the CPU.",
            channels=1,
            size=48,
            parameters=1_728_062,
            target="typecase.nets.charnet:CharNet",
        ),
        NetworkFacts(
            name="ocrnet",
            task="classifier",
            summary="The founding journey's CNN: two convolutions and one linear layer on RGB pictures.",
            channels=3,
            size=48,
            parameters=4_576_286,
            target="typecase.nets.ocrnet:OcrNet",
        ),
        NetworkFacts(
            name="linenet",
            task="recognizer",
            summary="Ours: reads whole lines; convolutions and attention along the line (or an LSTM), grey pictures.",
            channels=1,
            size=32,
            parameters=3_024_478,
            target="typecase.nets.linenet:LineNet",
        ),
        NetworkFacts(
            name="pagenet",
            task="detector",
            summary="Ours: finds the lines of a page, upright or on their side, with their heights; grey pictures.",
            channels=1,
            size=32,
            parameters=1_626_887,
            target="typecase.nets.pagenet:PageNet",
        ),
    )
}


def facts_of(name: str) -> NetworkFacts:
    """Finds a network by name.

    Raises:
        UsageError: There is no such network.
    """
    try:
        return NETWORKS[name]
    except KeyError:
        raise UsageError(f"There is no network {name!r}; there are: {', '.join(NETWORKS)}.") from None


def check_task(name: str, task: str) -> None:
    """Checks that a network does what it is to be trained for.

    Raises:
        UsageError: There is no such network, or it does something else.
    """
    if facts_of(name).task != task:
        fitting = [facts.name for facts in NETWORKS.values() if facts.task == task]
        raise UsageError(f"The network {name!r} is no {task}; choose {' or '.join(fitting)}.")


def build(name: str, *, classes: int, channels: int, size: int, options: Mapping[str, Any] | None = None) -> nn.Module:
    """Builds a network with fresh weights.

    Args:
        name: A key of `NETWORKS`.
        classes: Number of classes, at least 1.
        channels: Channels of the pictures, 1 or 3.
        size: Side of the square pictures, or height of the lines, in pixels.
        options: The network's own options, such as `widths`.

    Returns:
        A module that takes float pictures [N, channels, size, size] and gives logits [N, classes]; one for lines
        takes [N, channels, size, width] and gives [N, frames, 1 + classes], the blank of CTC first; one for pages
        takes any height and width that are multiples of `size` and gives the maps of `typecase.nets.pagenet`.

    Raises:
        UsageError: There is no such network, or the options or the size do not suit it.
    """
    module_name, _, class_name = facts_of(name).target.partition(":")
    network = getattr(import_module(module_name), class_name)
    facts = {"classes": classes, "channels": channels, "size": size}
    known = [option for option in inspect.signature(network).parameters if option not in facts]
    unknown = sorted(set(options or {}) - set(known))
    if unknown:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise UsageError(f"The network {name!r} has no option {unknown[0]!r}; {has}.")
    try:
        built: nn.Module = network(**facts, **dict(options or {}))
    except (TypeError, ValueError) as error:
        raise UsageError(f"The network {name!r} cannot be built like this: {error}.") from error
    return built
