"""The founding journey's training and what each of its habits is worth, by taking one away at a time.

    TYPECASE_DATA=../shared/data python benchmarks/replica.py

Expected output: a line for the machine, then a Markdown table with a line for each variant: test accuracy with its
95 % interval, and the difference to the replica in points. The first line is to lie within 0.7 points of the 94.51 %
that the journey reports. Seeds are fixed, but a processor with other instructions sums in another order, so that
figures differ in the second digit from machine to machine.

Time: six trainings of 20 epochs over 44,000 pictures, each a quarter of an hour on two cores of a server processor.
Finished variants stay in --out and are not trained again; a training that was stopped goes on where it was.
`--only NAME` does a single variant; `--epochs N` is for a quick look, whose figures are marked and kept apart.

Each variant is tested on its own test part. Those with another division of the data (duplicates, typefaces) therefore
measure on other pictures than the replica; the interval says how much that alone can matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import _common
from typecase.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from typecase.training.evaluation import ClassifierEvaluation
    from typecase.training.settings import TrainClassifierSettings

JOURNEY = 0.9451
"""What the founding journey reports on its test part."""

TOLERANCE = 0.007
SOURCE = "fnt"
DATA = "chars74k/EnglishFnt.tgz"

NO_MIRRORING = {"augmentation.flip-left-right": 0.0, "augmentation.flip-in-testing": False}


@dataclass(frozen=True)
class Variant:
    """The replica with one habit taken away.

    Attributes:
        title: What is different, in words.
        changes: Settings that differ from the recipe `replica`.
        weights: The variant whose weights are tested; None trains its own.
        flip: `never` tests without mirroring whatever the training did.
    """

    title: str
    changes: Mapping[str, Any]
    weights: str | None = None
    flip: Literal["recorded", "never"] = "recorded"


VARIANTS: dict[str, Variant] = {
    "replica": Variant("the replica", {}),
    "unmirrored-test": Variant("the same weights, tested without mirroring", {}, weights="replica", flip="never"),
    "no-mirroring": Variant("no mirroring in training or testing", NO_MIRRORING),
    "files-tied": Variant(
        "stratified split, equal files on one side",
        {"split.by": "random", f"data.{SOURCE}.options.duplicates": "files"},
    ),
    "pixels-tied": Variant(
        "stratified split, equal pictures on one side",
        {"split.by": "random", f"data.{SOURCE}.options.duplicates": "pixels"},
    ),
    "grey": Variant("grey instead of RGB", {"preprocess.channels": 1}),
    "by-typeface": Variant("split by typeface", {"split.by": "group"}),
}


def settings_of(
    variant: Variant, path: Path, epochs: int | None, more: Mapping[str, object]
) -> TrainClassifierSettings:
    """The recipe with a variant's changes.

    Args:
        variant: What to change.
        path: The data.
        epochs: Passes over the training part; None keeps the recipe's.
        more: Further settings by dotted key.
    """
    from typecase import config
    from typecase.training.recipes import recipe_path
    from typecase.training.settings import TrainClassifierSettings

    overrides: dict[str, object] = {f"data.{SOURCE}.path": path, f"data.{SOURCE}.kind": "fnt", "loop.epochs": epochs}
    overrides |= dict(more) | dict(variant.changes)
    return config.load(TrainClassifierSettings, recipe_path("replica"), overrides)


def trained(settings: TrainClassifierSettings, folder: Path) -> Path:
    """Trains, or goes on training, or finds that nothing is left to do.

    Returns:
        The weights.

    Raises:
        UsageError: The folder holds a run of other settings.
    """
    from rich.console import Console

    from typecase import config
    from typecase.training.classifier import MODEL_NAME, train_classifier
    from typecase.training.loop import CHECKPOINT_NAME
    from typecase.training.settings import CONFIG_NAME, TrainClassifierSettings

    saved = folder / CONFIG_NAME
    if saved.exists() and config.to_plain(config.load(TrainClassifierSettings, saved)) != config.to_plain(settings):
        raise UsageError(f"{folder} holds a training with other settings; name another --out or remove that folder.")
    model = folder / MODEL_NAME
    finished = model.exists() and (folder / FINISHED).exists()
    if finished:
        return model
    result = train_classifier(
        settings, folder, resume=(folder / CHECKPOINT_NAME).exists(), console=Console(stderr=True, highlight=False)
    )
    if not result.fitted.finished:
        print(f"Stopped; the same command goes on with {folder}.", flush=True)
        raise SystemExit(int(ExitCode.INTERRUPTED))
    # A training that was stopped leaves a model as well, so the model alone does not say that it ended.
    (folder / FINISHED).touch()
    return result.model


FINISHED = "finished"


def tested(model: Path, variant: Variant, path: Path, kept: Path) -> ClassifierEvaluation:
    """Measures weights on their recorded test part, or reads what was measured before."""
    import json

    from typecase.files import atomic_write, sha256_of
    from typecase.training.evaluate_classifier import (
        EvaluateClassifierSettings,
        EvaluationDataSettings,
        evaluate_classifier,
    )
    from typecase.training.evaluation import ClassifierEvaluation
    from typecase.training.report import to_json

    if kept.exists():
        text = kept.read_text(encoding="utf-8")
        evaluation = ClassifierEvaluation.from_json(text, str(kept))
        if json.loads(text)["provenance"]["model_sha256"] == sha256_of(model):
            return evaluation
    found = evaluate_classifier(
        EvaluateClassifierSettings(
            model=model, data={SOURCE: EvaluationDataSettings(path=path, kind="fnt")}, flip=variant.flip
        )
    )
    with atomic_write(kept) as temporary:
        temporary.write_text(to_json(found.evaluation, found.provenance), encoding="utf-8")
    return found.evaluation


def difference(evaluation: ClassifierEvaluation, replica: ClassifierEvaluation | None) -> str:
    """Points above the replica, with a sign."""
    if replica is None:
        return "–"
    points = 100 * (evaluation.top1.value - replica.top1.value)
    return "" if evaluation is replica else f"{points:+.2f}".replace("-", "−")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument(
        "--only", action="append", metavar="NAME", help=f"a single variant (repeatable): {', '.join(VARIANTS)}"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/replica"), metavar="DIR", help="where the runs stay")
    parser.add_argument("--epochs", type=int, metavar="N", help="fewer passes than the recipe's, for a quick look")
    parser.add_argument("--archive", type=Path, metavar="PATH", help=f"other data than {DATA}, of the same layout")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="threads that compute; 0 is all cores")
    options = parser.parse_args(arguments)
    names = _common.chosen(options.only, list(VARIANTS), "variant")
    path = options.archive or _common.data_file(DATA, options.data)

    from typecase.training.evaluation import percent

    more = {"loop.threads": options.threads}
    suffix = f"-{options.epochs}-epochs" if options.epochs else ""
    found: dict[str, ClassifierEvaluation] = {}
    models: dict[str, Path] = {}
    for name in names:
        variant = VARIANTS[name]
        owner = variant.weights or name
        folder = options.out / f"{owner}{suffix}"
        models[name] = trained(settings_of(VARIANTS[owner], path, options.epochs, more), folder)
        found[name] = tested(models[name], variant, path, options.out / f"{name}{suffix}.json")

    facts = _common.machine("float32 (PyTorch)")
    weights = _common.weights_facts(list(dict.fromkeys(models.values())))
    for one, model in zip(weights, dict.fromkeys(models.values()), strict=True):
        one["file"] = f"{model.parent.name}/{model.name}"
    _common.print_head(facts, weights)
    replica = found.get("replica") or _earlier(options.out / f"replica{suffix}.json")
    rows = []
    for name, evaluation in found.items():
        low, high = evaluation.top1.interval
        rows.append(
            (
                VARIANTS[name].title + (f" (epochs: only {options.epochs})" if options.epochs else ""),
                percent(evaluation.top1.value),
                f"{percent(low)} to {percent(high)}",
                f"{evaluation.count:,}",
                difference(evaluation, replica),
            )
        )
    _common.print_table(("variant", "test accuracy", "95 % interval", "pictures", "points to the replica"), rows)
    if "replica" in found and not options.epochs:
        gap = found["replica"].top1.value - JOURNEY
        verdict = "within" if abs(gap) <= TOLERANCE else "NOT within"
        print(
            f"\nThe journey reports {percent(JOURNEY)}; the replica is {100 * gap:+.2f} points from it, {verdict} "
            f"{100 * TOLERANCE:.1f}."
        )
    results = {
        name: {
            "title": VARIANTS[name].title,
            "changes": dict(VARIANTS[name].changes),
            "flip": VARIANTS[name].flip,
            "epochs": options.epochs,
            **evaluation.to_dict(),
        }
        for name, evaluation in found.items()
    }
    _common.write_json(options.json, "replica", facts, results, weights=weights)


def _earlier(path: Path) -> ClassifierEvaluation | None:
    """The replica's own evaluation of an earlier call, for the differences of `--only`."""
    from typecase.training.evaluation import ClassifierEvaluation

    return ClassifierEvaluation.from_json(path.read_text(encoding="utf-8"), str(path)) if path.exists() else None


if __name__ == "__main__":
    _common.run(main)
