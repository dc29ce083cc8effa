"""Draws figures about a trained network as PNG.

The colours are told apart by people with any kind of colour vision: blue and vermillion of Okabe and Ito 2008, and
the map cividis (Nuñez et al. 2018), which is also even in lightness. Each figure exists for a light and a dark page.
No window system is touched: figures are made without pyplot and drawn by Agg.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, PercentFormatter

from typecase.errors import InputError
from typecase.files import atomic_write
from typecase.text_score import Rate
from typecase.training.evaluation import ClassifierEvaluation
from typecase.training.metrics import Calibration, ClassFigures

LABELS_SHOWN = 100
"""Above so many classes a matrix has no names along its sides: they could not be read."""

BARS_SHOWN = 100
"""So many classes have a bar of their own; of more, the worst."""

LOG_COLUMNS = ("epoch", "split", "loss", "accuracy", "learning_rate", "seconds")
"""The columns of a training log."""


@dataclass(frozen=True)
class Theme:
    """Colours of a figure: its ground, its writing, faint lines, two that are told apart, and a scale for amounts."""

    ground: str
    ink: str
    faint: str
    first: str
    second: str
    scale: str


LIGHT = Theme("#ffffff", "#1f2328", "#d0d7de", "#0072b2", "#d55e00", "cividis_r")
DARK = Theme("#161b22", "#e6edf3", "#3d444d", "#56b4e9", "#f0883e", "cividis")


def confusion_matrix(evaluation: ClassifierEvaluation, theme: Theme = LIGHT) -> bytes:
    """The confusion matrix, each row divided by its class's pictures, on a logarithmic scale of colour.

    Cells of look-alikes are outlined. Errors are written in their cells while they fit.
    """
    counts = evaluation.confusion
    classes = len(counts)
    support = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, support, out=np.zeros(counts.shape), where=support > 0)
    side = min(14.5, max(5.0, 1.8 + 0.205 * classes))
    figure, axes = _figure(theme, side, side * 0.94)
    # The smallest share that can occur sets the foot of the scale, so that a single error is never lost in the ground.
    least = 1.0 / max(10, int(support.max()))
    image = axes.imshow(
        np.ma.masked_equal(shares, 0.0),
        norm=LogNorm(vmin=least, vmax=1.0),
        cmap=mpl.colormaps[theme.scale].with_extremes(bad=theme.ground),
        interpolation="nearest",
    )
    if classes <= LABELS_SHOWN:
        # Lines between the cells lead the eye from a far cell to its two names.
        axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.grid(which="minor", color=theme.faint, linewidth=0.4)
        axes.tick_params(which="minor", length=0)
        names = [_shown(name) for name in evaluation.classes.names]
        size = 9 if max(map(len, names)) <= 2 else 7
        turned = 0 if max(map(len, names)) <= 2 else 90
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(range(classes), names, fontsize=size)
            _plain([*axis.get_ticklabels()])
        axes.tick_params(axis="x", labeltop=True, labelbottom=True, top=True, labelrotation=turned)
        axes.tick_params(axis="y", labelleft=True, labelright=True, right=True)
        for row, column, count in evaluation.cells:
            if row != column and count < 1000:
                red, green, blue, _ = image.cmap(image.norm(shares[row, column]))
                bright = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
                axes.text(
                    column,
                    row,
                    str(count),
                    ha="center",
                    va="center",
                    fontsize=6 if count < 100 else 5,
                    color="black" if bright else "white",
                )
    for group in evaluation.classes.look_alikes():
        for row in group:
            for column in group:
                if row != column:
                    axes.add_patch(
                        Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=theme.second, linewidth=1.4)
                    )
    axes.set_xlabel("read as")
    axes.set_ylabel("truth")
    bar = figure.colorbar(image, ax=axes, fraction=0.035, pad=0.05 if classes <= LABELS_SHOWN else 0.02)
    bar.ax.yaxis.set_major_formatter(_share)
    bar.set_label("share of the true class's pictures (logarithmic)", color=theme.ink)
    _colour_bar(bar.ax, theme)
    return _png(figure, theme)


def reliability(calibration: Calibration, theme: Theme = LIGHT) -> bytes:
    """Accuracy against confidence; below it, how many answers there are of each confidence."""
    figure, axes = _figure(theme, 6.4, 6.4, rows=2, ratios=(3, 1))
    above, below = axes
    rows = calibration.bins
    filled = [row for row in rows if row.count]
    width = 1 / len(rows)
    above.plot([0, 1], [0, 1], color=theme.ink, linewidth=1, linestyle=(0, (4, 3)), label="as sure as right")
    above.bar(
        [row.low for row in filled],
        [row.accuracy or 0.0 for row in filled],
        width=width,
        align="edge",
        color=theme.first,
        edgecolor=theme.ground,
        label="accuracy",
    )
    above.plot(
        [row.confidence or 0.0 for row in filled],
        [row.accuracy or 0.0 for row in filled],
        marker="D",
        markersize=5,
        linestyle="",
        color=theme.second,
        markeredgecolor=theme.ground,
        label="at the bin's mean confidence",
    )
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
    above.yaxis.set_major_formatter(_percents())
    _legend_above(above, theme)
    below.bar(
        [row.low for row in rows],
        [row.count for row in rows],
        width=width,
        align="edge",
        color=theme.first,
        edgecolor=theme.ground,
    )
    # Most answers are nearly sure; on a straight scale the others would not be seen.
    below.set_yscale("log")
    below.set(xlim=(0, 1), ylim=(0.7, None), xlabel="confidence", ylabel="answers")
    below.xaxis.set_major_formatter(_percents())
    return _png(figure, theme)


def recalls(evaluation: ClassifierEvaluation, theme: Theme = LIGHT) -> bytes:
    """The recall of each class as a bar, with its 95 % interval; look-alikes in another colour."""
    alike = {index for group in evaluation.classes.look_alikes() for index in group}
    chosen = [figures for figures in evaluation.per_class if figures.support]
    cut = len(chosen) > BARS_SHOWN
    if cut:
        chosen = sorted(chosen, key=_recall)[:BARS_SHOWN]
    figure, axes = _figure(theme, min(16.0, max(5.0, 1.2 + 0.2 * len(chosen))), 4.2)
    values = np.array([_recall(figures) for figures in chosen])
    ends = np.array([figures.recall_interval for figures in chosen])
    for colour, label, member in ((theme.first, "other classes", False), (theme.second, "look-alikes", True)):
        places = [place for place, figures in enumerate(chosen) if (figures.index in alike) == member]
        if places:
            axes.bar(places, values[places], color=colour, width=0.8, label=label)
    axes.errorbar(
        range(len(chosen)),
        values,
        yerr=np.abs(ends - values[:, np.newaxis]).T,
        fmt="none",
        ecolor=theme.ink,
        elinewidth=0.8,
        capsize=1.5,
    )
    names = [_shown(evaluation.classes.names[figures.index]) for figures in chosen]
    axes.set_xticks(range(len(chosen)), names, rotation=0 if max(map(len, names)) <= 2 else 90, fontsize=9)
    _plain(axes.get_xticklabels())
    # Where all bars are high their differences would not be seen, so the foot is cut, and the axis says so.
    foot = max(0.0, math.floor(10 * float(ends[:, 0].min())) / 10)
    axes.set(xlim=(-0.8, len(chosen) - 0.2), ylim=(foot, 1.0))
    axes.set_ylabel("recall" if foot == 0 else f"recall, from {100 * foot:.0f} % up")
    axes.yaxis.set_major_formatter(_percents())
    axes.set_xlabel(f"the {BARS_SHOWN} classes with the lowest recall" if cut else "class")
    _legend_above(axes, theme)
    return _png(figure, theme)


def error_rates(rows: Sequence[tuple[str, Rate]], theme: Theme = LIGHT) -> bytes:
    """Error rates as bars with their 95 % intervals.

    Args:
        rows: A name and a rate for each bar, at least one.
        theme: Colours.
    """
    figure, axes = _figure(theme, 6.4, 3.6)
    values = np.array([rate.value for _, rate in rows])
    ends = np.array([rate.interval for _, rate in rows])
    axes.bar(range(len(rows)), values, color=theme.first, width=0.7)
    axes.errorbar(
        range(len(rows)),
        values,
        # The interval of a rate of nothing may miss it by a rounding.
        yerr=np.maximum(np.stack([values - ends[:, 0], ends[:, 1] - values]), 0.0),
        fmt="none",
        ecolor=theme.ink,
        elinewidth=1,
        capsize=3,
    )
    axes.set_xticks(range(len(rows)), [name for name, _ in rows])
    axes.set(ylim=(0, None), ylabel="character error rate", xlabel="characters of the line")
    axes.yaxis.set_major_formatter(_share)
    return _png(figure, theme)


@dataclass(frozen=True)
class _Curve:
    """One column of a log for one split: epochs and values, without the empty ones."""

    epochs: list[float]
    values: list[float]


def curves_png(log: Path, theme: Theme = LIGHT) -> bytes:
    """Loss and accuracy over the epochs of a training.

    Args:
        log: CSV with the columns of `LOG_COLUMNS`: one line for each epoch and split (`train`, `validation`), loss in
            nats, accuracy in 0..1. An empty cell is left out.
        theme: Colours.

    Raises:
        InputError: The log is missing, empty, or not of that form.
    """
    rows = _read_log(log)
    figure, axes = _figure(theme, 10.5, 4.2, columns=2)
    for panel, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        for split, colour, line in (("train", theme.first, "--"), ("validation", theme.second, "-")):
            curve = _curve(rows, split, quantity)
            if curve.epochs:
                panel.plot(
                    curve.epochs, curve.values, line, color=colour, linewidth=1.8, marker="o", markersize=3, label=split
                )
        panel.set(xlabel="epoch", ylabel=quantity, title=quantity)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(color=theme.faint, linewidth=0.6)
    loss, accuracy = axes
    loss.set_ylabel("loss (nats)")
    loss.set_ylim(bottom=0)
    accuracy.yaxis.set_major_formatter(_percents())
    best = _curve(rows, "validation", "accuracy")
    if best.epochs:
        place = int(np.argmax(best.values))
        accuracy.annotate(
            f"{100 * best.values[place]:.2f} % in epoch {best.epochs[place]:g}",
            (best.epochs[place], best.values[place]),
            xytext=(0, -28),
            textcoords="offset points",
            ha="center" if 0.15 < (place + 1) / len(best.epochs) < 0.8 else "right" if place else "left",
            color=theme.ink,
            arrowprops={"arrowstyle": "-", "color": theme.ink, "linewidth": 0.8},
        )
    _legend(loss, theme, "upper right")
    _legend(accuracy, theme, "lower right")
    return _png(figure, theme)


def curves(log: str | os.PathLike[str], picture: str | os.PathLike[str]) -> None:
    """Draws a training log, as `curves_png` does, into a PNG file.

    Raises:
        InputError: The log is missing, empty, or not of the right form.
        OutputError: The picture cannot be written.
    """
    data = curves_png(Path(log))
    with atomic_write(picture) as temporary:
        temporary.write_bytes(data)


def _read_log(log: Path) -> list[dict[str, str]]:
    try:
        with log.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            columns = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not CSV text"
        raise InputError(f"The training log {log} cannot be read ({reason.lower()}); check its path.") from error
    missing = [column for column in LOG_COLUMNS[:4] if column not in columns]
    if missing:
        raise InputError(
            f"The training log {log} has no column {missing[0]!r}; give the log.csv that `typecase train` wrote."
        )
    if not rows:
        raise InputError(f"The training log {log} has no epoch in it yet; let the training finish one.")
    return rows


def _curve(rows: list[dict[str, str]], split: str, quantity: str) -> _Curve:
    points: dict[float, float] = {}
    for row in rows:
        if row["split"] != split or not row["epoch"] or not row[quantity]:
            continue
        try:
            epoch, value = float(row["epoch"]), float(row[quantity])
        except ValueError:
            raise InputError(
                f"The training log has {row[quantity]!r} for the {quantity} of epoch {row['epoch']!r}, which is not a "
                "number; give the log.csv that `typecase train` wrote."
            ) from None
        # A training that was resumed may have logged an epoch twice; the later line is the one that counts.
        points[epoch] = value if math.isfinite(value) else math.nan
    epochs = sorted(points)
    kept = [epoch for epoch in epochs if not math.isnan(points[epoch])]
    return _Curve(kept, [points[epoch] for epoch in kept])


def _recall(figures: ClassFigures) -> float:
    return figures.recall or 0.0


def _figure(
    theme: Theme, width: float, height: float, rows: int = 1, columns: int = 1, ratios: Sequence[float] | None = None
) -> tuple[Figure, Any]:
    """A figure in the theme's colours, and its axes: an array of them where there are several."""
    figure = Figure(figsize=(width, height), dpi=110, facecolor=theme.ground, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, sharex=rows > 1, height_ratios=ratios)
    for each in np.atleast_1d(axes):
        each.set_facecolor(theme.ground)
        each.tick_params(which="both", colors=theme.ink)
        each.xaxis.label.set_color(theme.ink)
        each.yaxis.label.set_color(theme.ink)
        each.title.set_color(theme.ink)
        each.set_axisbelow(True)
        for spine in each.spines.values():
            spine.set_color(theme.faint)
    return figure, axes


def _colour_bar(axes: Axes, theme: Theme) -> None:
    axes.tick_params(which="both", colors=theme.ink)
    for spine in axes.spines.values():
        spine.set_color(theme.faint)


def _legend(axes: Axes, theme: Theme, where: Literal["upper right", "lower right"]) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc=where, facecolor=theme.ground, edgecolor=theme.faint, labelcolor=theme.ink, framealpha=0.9)


def _legend_above(axes: Axes, theme: Theme) -> None:
    # Bars leave no corner of the plot free.
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, labelcolor=theme.ink)


def _percents() -> PercentFormatter:
    return PercentFormatter(1, symbol=" %")


def _share(value: float, _position: float) -> str:
    return f"{100 * value:g} %"


def _plain(texts: Sequence[Text]) -> None:
    # A class may be called "$", which would else begin a formula.
    for text in texts:
        text.set_parse_math(False)


@cache
def _drawable() -> frozenset[int]:
    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def _shown(name: str) -> str:
    """A class name as an axis can show it: in code points where matplotlib's own font lacks it, and never long."""
    if not all(ord(character) in _drawable() for character in name):
        name = " ".join(f"{ord(character):04X}" for character in name)
    return name if len(name) <= 14 else f"{name[:13]}…"


def _png(figure: Figure, theme: Theme) -> bytes:
    buffer = io.BytesIO()
    # Without the program's name and version in it, the same figures give the same bytes on the next release.
    figure.savefig(buffer, format="png", facecolor=theme.ground, bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()
