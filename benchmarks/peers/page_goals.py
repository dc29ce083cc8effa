"""The figures that reading pages is to reach."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from _common import Goal
from peers.page_scores import Result

OURS = "typecase"
READERS = (OURS, "rapidocr", "tesseract")

LEAST_F1 = {"sroie": 0.93, "funsd": 0.82}
MOST_TURNING = 0.01
MOST_SECONDS_A4 = 0.5
MOST_SECONDS_START = 1.0
FASTER = {"tesseract": 3.0, "rapidocr": 10.0}
MOST_MEMORY = 600_000_000
MOST_WEIGHTS = 15_000_000
MOST_GROWTH = 1.05


def goals(measured: Mapping[str, Any]) -> list[Goal]:
    """Compares what was measured with what was asked; figures that were not measured are left out.

    Args:
        measured: `scores` (set > reader > `Result`), `turned` (degrees > lost F1), `speed` and `dense` (reader >
            seconds), `start` (seconds), `memory` (reader > bytes), `growth` (a ratio), `weights` (bytes).
    """
    found = []
    scores: Mapping[str, Mapping[str, Result]] = measured["scores"]
    for name, results in scores.items():
        if OURS not in results:
            continue
        value = results[OURS].f1
        if name in LEAST_F1:
            asked = LEAST_F1[name]
            found.append(Goal(f"word F1, {name}", f"{value:.4f}", f"at least {asked}", value >= asked))
        peers = [result for reader, result in results.items() if reader != OURS]
        if len(peers) == len(READERS) - 1 and name not in LEAST_F1:
            best = max(result.f1 for result in peers)
            found.append(Goal(f"word F1, {name}", f"{value:.4f}", f"above both peers ({best:.4f})", value > best))
            rates = [result.characters.value for result in peers if result.characters]
            ours = results[OURS].characters
            if rates and ours:
                reached = f"{ours.value:.4f}"
                asked_text = f"below both peers ({min(rates):.4f})"
                found.append(Goal(f"CER of pages, {name}", reached, asked_text, ours.value < min(rates)))
    if measured["turned"]:
        value = max(measured["turned"].values())
        reached = f"{100 * value:.2f} points"
        found.append(Goal("word F1 lost by turning", reached, "at most 1 point", value <= MOST_TURNING))
    seconds = {name: statistics.median(values) for name, values in measured["speed"].items()}
    for name, least in FASTER.items():
        if OURS in seconds and name in seconds:
            value = seconds[name] / seconds[OURS]
            asked_text = f"at least {least:g} times as fast as {name}"
            found.append(Goal("receipts", f"{value:.1f} times", asked_text, value >= least))
    if OURS in measured["dense"]:
        value = statistics.median(measured["dense"][OURS])
        found.append(Goal("dense A4 page", f"{value:.2f} s", "at most 0.5 s", value <= MOST_SECONDS_A4))
    if measured["start"]:
        value = statistics.median(measured["start"])
        found.append(Goal("whole process, cold", f"{value:.2f} s", "at most 1.0 s", value <= MOST_SECONDS_START))
    if OURS in measured["memory"]:
        value = measured["memory"][OURS]
        found.append(Goal("peak memory, A4", f"{value / 1e6:.0f} MB", "at most 600 MB", value <= MOST_MEMORY))
    if measured["growth"]:
        value = measured["growth"]
        found.append(Goal("memory, last over 100th page", f"{value:.3f}", "at most 1.05", value <= MOST_GROWTH))
    if measured["weights"]:
        value = measured["weights"]
        found.append(Goal("weights", f"{value / 1e6:.2f} MB", "at most 15 MB", value <= MOST_WEIGHTS))
    return found
