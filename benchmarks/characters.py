"""The accuracy of the committed weights in models/, each on the part of the data that it never saw.

    TYPECASE_DATA=../shared/data python benchmarks/characters.py

Expected output: a line for the machine, one for each file of weights with its SHA-256, then a Markdown table with a
line for each figure (its 95 % interval, the goal, whether it is met), then for each row its expected calibration
error, its accuracy with look-alikes merged, and its five most confused pairs, and any warning of the evaluation. The
same weights and data give the same figures on every machine, to within a picture or two of rounding.

Time: 20 seconds on two cores of a server processor with the data decoded before, a minute more the first time.
`--sheets DIR` draws the surest mistakes, `--retrain ROW` says how a row's weights are trained (half an hour).

Nothing is chosen here: the test part of each row is the one that the card inside the weights records, and a model
whose card records none is refused. Weights that were trained on a part of it are reported by a note.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common
from _common import REPOSITORY
from typecase.errors import DataError, ModelError, TypecaseError, UsageError

if TYPE_CHECKING:
    from typecase.modelcard import ModelCard
    from typecase.training.evaluate_classifier import Evaluated
    from typecase.training.evaluation import ClassifierEvaluation
    from typecase.training.metrics import Proportion

MODELS = REPOSITORY / "models"
PAIRS = 5

FIGURES = {"top1": "top-1", "top3": "top-3", "case_merged": "case-merged (36)"}


@dataclass(frozen=True)
class Row:
    """One model on one test part.

    Attributes:
        title: What is measured, in words.
        weights: The file's name in models/, without its ending.
        kind: Kind of the data.
        data: Path below the folder of the data.
        goals: For each figure that is told the share to reach.
        known: What the founding journey or others reached.
        recipe: The recipe that trains such weights, with its further arguments, where `{data}` is the data's folder.
        optional: Whether the row is left out where its weights are missing and nobody asked for it.
    """

    title: str
    weights: str
    kind: str
    data: str
    goals: Mapping[str, float]
    known: str
    recipe: tuple[str, ...]
    optional: bool = False


_FNT = ("fnt", "--data", "fnt={data}/chars74k/EnglishFnt.tgz")
_HELD_BACK = ("held-back", "--data-root", "{data}")

ROWS: dict[str, Row] = {
    "fnt-random": Row(
        "Fnt, random stratified split",
        "fnt-random",
        "fnt",
        "chars74k/EnglishFnt.tgz",
        {"top1": 0.955},
        "94.51 % (journey), 91.33 % (ResNet-18)",
        (*_FNT, "--set", "data.fnt.options.duplicates=files"),
    ),
    "fnt-typeface": Row(
        "Fnt, split by typeface, trained on Fnt alone",
        "fnt-typeface",
        "fnt",
        "chars74k/EnglishFnt.tgz",
        {"top1": 0.925, "top3": 0.997, "case_merged": 0.983},
        "91.0 %, 99.7 %, 97.5 % (plain residual CNN)",
        (*_FNT, "--split-by", "group"),
        optional=True,
    ),
    "fnt": Row(
        "Fnt, split by typeface",
        "held-back",
        "fnt",
        "chars74k/EnglishFnt.tgz",
        {"top1": 0.925, "top3": 0.997, "case_merged": 0.983},
        "91.0 %, 99.7 %, 97.5 % (plain residual CNN)",
        _HELD_BACK,
    ),
    "img": Row(
        "Img, a stratified fifth",
        "held-back",
        "img",
        "chars74k/EnglishImg-labelled.tgz",
        {"top1": 0.84, "case_merged": 0.91},
        "86 % (best of a contest), 81.6 % (good ones)",
        _HELD_BACK,
    ),
    "hnd": Row(
        "Hnd, writers 32 to 39",
        "held-back",
        "hnd",
        "chars74k/EnglishHnd-strokes.json",
        {"top1": 0.78, "case_merged": 0.88},
        "60 %",
        _HELD_BACK,
    ),
}


def weights_path(row: Row, models: Path) -> Path:
    """Where a row's weights are looked for."""
    return models / f"{row.weights}.safetensors"


def measure(row: Row, models: Path, root: Path | None) -> Evaluated:
    """Evaluates a row's weights on the test part that their card records.

    Raises:
        ModelError: The weights are missing, or record no test part of this data.
        DataError: The data is missing.
    """
    from typecase.training.evaluate_classifier import (
        EvaluateClassifierSettings,
        EvaluationDataSettings,
        evaluate_classifier,
    )

    path = weights_path(row, models)
    if not path.exists():
        raise ModelError(
            f"There are no weights {path} for the row {row.title!r}; get them with the repository, or train them "
            "(--retrain names the command)."
        )
    data = EvaluationDataSettings(path=_common.data_file(row.data, root), kind=row.kind)
    found = evaluate_classifier(EvaluateClassifierSettings(model=path, data={row.kind: data}), command=sys.argv)
    origin = found.provenance.data[0]["split_taken_from"]
    if origin != "the model's card":
        raise ModelError(
            f"{path} records no test part of {row.kind}, so nobody can say what it has seen; train it with a split."
        )
    return found


def figures(evaluation: ClassifierEvaluation, row: Row) -> list[tuple[str, Proportion, float]]:
    """The figures of a row that have a goal: name, share, goal."""
    shares = {"top1": evaluation.top1, "top3": evaluation.top3, "case_merged": evaluation.case_merged}
    return [(FIGURES[name], shares[name], goal) for name, goal in row.goals.items()]


def details(evaluation: ClassifierEvaluation) -> list[str]:
    """What is told of a row below the table."""
    from typecase.training.evaluation import percent

    names = evaluation.classes.names
    alike = evaluation.look_alikes
    low, high = alike.merged.interval
    lines = [
        f"loss {evaluation.loss:.4f}, expected calibration error {percent(evaluation.calibration.error)} "
        f"(temperature {evaluation.temperature:.3f})"
    ]
    if alike.groups:
        lines.append(
            f"look-alikes merged {percent(alike.merged.value)} ({percent(low)} to {percent(high)}); "
            f"{percent(alike.errors.value, 1)} of the {alike.errors.total:,} errors are between look-alikes"
        )
    for title, look_alike in (("look-alikes", True), ("other pairs", False)):
        pairs = [pair for pair in evaluation.pairs if pair.look_alike == look_alike][:PAIRS]
        listed = ", ".join(f"{names[pair.truth]} → {names[pair.predicted]} {pair.count}" for pair in pairs)
        if pairs:
            lines.append(f"{title} most often confused: {listed}")
    return lines


def retraining(name: str, row: Row, models: Path, root: Path | None, folder: Path) -> list[str]:
    """The command that trains a row's weights anew.

    The settings are those that stand in the card of the weights, written to a file in `folder`, with the data looked
    for in the folder of the data. Where there are no weights it is the row's recipe.

    Raises:
        UsageError: There is neither a recipe nor a file of weights.
        DataError: Data that the weights were trained on is not there.
    """
    from typecase.training.recipes import recipe_names

    data = root or _common.data_root()
    out = str(folder / row.weights)
    start = [sys.executable, "-m", "typecase", "train", "classifier"]
    path = weights_path(row, models)
    if path.exists():
        settings = folder / f"{row.weights}.yaml"
        _write_settings(_card_of(path), settings, data)
        return [*start, "--config", str(settings), "--out", out]
    recipe, *more = row.recipe
    if recipe not in recipe_names():
        raise UsageError(f"There is neither a recipe {recipe!r} nor {path}, so nothing says how to train {name}.")
    return [*start, "--recipe", recipe, *(one.format(data=data) for one in more), "--out", out]


def _card_of(path: Path) -> ModelCard:
    from typecase.modelfile import load_model

    return load_model(path)[1]


def _write_settings(card: ModelCard, path: Path, root: Path) -> None:
    import yaml

    from typecase.files import atomic_write

    settings = {**card.training, "data": {}}
    for name, source in dict(card.training.get("data") or {}).items():
        # The card names a file of the machine that trained; here it lies where this machine's data is.
        file = Path(str(source["path"])).name
        here = sorted(root.rglob(file))
        if not here:
            raise DataError(f"There is no {file} below {root}, which {path.stem} was trained on; set TYPECASE_DATA.")
        settings["data"][name] = {**source, "path": str(here[0])}
    with atomic_write(path) as temporary:
        temporary.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"rows to measure, by default all: {', '.join(ROWS)}")
    parser.add_argument("--models", type=Path, default=MODELS, metavar="DIR", help="where the weights lie")
    parser.add_argument("--sheets", type=Path, metavar="DIR", help="write the surest mistakes of each row as a picture")
    parser.add_argument("--retrain", metavar="ROW", help="print the command that trains a row's weights, and leave")
    parser.add_argument("--run", action="store_true", help="with --retrain: run that command")
    parser.add_argument(
        "--out", type=Path, default=Path("runs"), metavar="DIR", help="with --retrain: where the training goes"
    )
    options = parser.parse_args(arguments)
    if options.run and options.retrain is None:
        raise UsageError("--run goes with --retrain ROW.")
    if options.retrain is not None:
        [name] = _common.chosen([options.retrain], list(ROWS), "row")
        command = retraining(name, ROWS[name], options.models, options.data, options.out)
        print(shlex.join(["typecase", *command[3:]]), flush=True)
        if options.run:
            raise SystemExit(subprocess.run(command, check=False).returncode)
        return
    names = _common.chosen(options.rows, list(ROWS), "row")
    if not options.rows:
        names = [name for name in names if not ROWS[name].optional or weights_path(ROWS[name], options.models).exists()]
    _measure_all(names, options.models, options.data, options.sheets, options.json)


def _measure_all(names: Sequence[str], models: Path, root: Path | None, sheets: Path | None, json: Path | None) -> None:
    from typecase.pictures import save_picture
    from typecase.training.evaluation import percent
    from typecase.training.report import mistakes_sheet

    facts = _common.machine("float32 (PyTorch)")
    files = dict.fromkeys(weights_path(ROWS[name], models) for name in names)
    weights = _common.weights_facts([path for path in files if path.exists()])
    _common.print_head(facts, weights)
    found: dict[str, Evaluated] = {}
    failed: list[TypecaseError] = []
    started = time.monotonic()
    for name in names:
        # One model that is missing must not keep the others from being measured.
        try:
            found[name] = measure(ROWS[name], models, root)
        except (ModelError, DataError) as error:
            failed.append(error)
            print(f"{name}: {error}\n", file=sys.stderr, flush=True)
    rows = []
    for name, one in found.items():
        for figure, share, goal in figures(one.evaluation, ROWS[name]):
            low, high = share.interval
            rows.append(
                (
                    ROWS[name].title,
                    figure,
                    ROWS[name].known if figure == FIGURES["top1"] else "",
                    percent(share.value),
                    f"{percent(low)} to {percent(high)}",
                    f"{share.total:,}",
                    percent(goal, 1),
                    "yes" if share.value >= goal else "no",
                )
            )
    if rows:
        _common.print_table(
            ("what", "figure", "journey or published", "ours", "95 % interval", "pictures", "goal", "met"), rows
        )
    for name, one in found.items():
        print(f"\n{ROWS[name].title}:")
        for line in (*details(one.evaluation), *(f"NOTE: {note}" for note in one.provenance.notes)):
            print(f"- {line}")
        sheet = mistakes_sheet(one.evaluation) if sheets is not None else None
        if sheets is not None and sheet is not None:
            save_picture(sheet, sheets / f"{name}.png")
            print(f"- the surest mistakes: {sheets / f'{name}.png'}")
    results: dict[str, Any] = {
        name: {
            "title": ROWS[name].title,
            "goals": dict(ROWS[name].goals),
            "notes": list(one.provenance.notes),
            "data": list(one.provenance.data),
            **one.evaluation.to_dict(),
        }
        for name, one in found.items()
    }
    _common.write_json(
        json, "characters", facts, results, weights=weights, seconds=round(time.monotonic() - started, 1)
    )
    if failed:
        raise SystemExit(int(failed[0].exit_code))


if __name__ == "__main__":
    _common.run(main)
