"""Evaluating a classifier file on data sets: opens both, keeps to the recorded split, and says where it cannot.

A figure is worth something only when the model never saw the pictures. So the test part is by default the one that
the model's card records, and whatever part is measured, its pictures are compared by name with those trained on.
"""

from __future__ import annotations

import contextlib
import json
import platform
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typecase
from typecase import config
from typecase.config import Meta, Settings
from typecase.errors import DataError, ModelError, UsageError
from typecase.files import sha256_of
from typecase.modelcard import CLASSIFIER, ModelCard
from typecase.training.evaluation import ClassifierEvaluation, Predict, Progress, Transform, evaluate
from typecase.training.report import Provenance
from typecase.training.settings import CONFIG_NAME, Share, SplitSettings

if TYPE_CHECKING:
    from typecase.datasets import CharacterDataset, DrawnCharacters, SplitRecord

    Dataset = CharacterDataset | DrawnCharacters

LOG_NAME = "log.csv"

DRAWN_ANEW = "the defaults"
"""Who says how data is divided when neither the settings nor the model's card do."""

Decoding = Callable[[int], None]
"""Told how many pictures have been decoded."""


class EvaluationDataSettings(Settings, rename="kebab"):
    """One source of pictures to measure on."""

    path: Annotated[Path, Meta(description="Archive or folder.")]
    kind: Annotated[str, Meta(description="What lies there (typecase data list), or auto.")] = "auto"
    test_groups: Annotated[
        tuple[str, ...], Meta(description="Typefaces or writers that are the test part, by name.")
    ] = ()
    options: Annotated[dict[str, Any], Meta(description="Further arguments of the data set; none as recorded.")] = {}


class EvaluateClassifierSettings(Settings):
    """Everything that decides what `typecase evaluate classifier` measures."""

    model: Annotated[Path, Meta(description="The model: *.safetensors, or *.onnx from `typecase export`.")]
    data: Annotated[dict[str, EvaluationDataSettings], Meta(description="Sources of pictures, each under a name.")] = {}
    part: Annotated[
        Literal["test", "validation", "train", "all"], Meta(description="Which part of the data is measured.")
    ] = "test"
    split: Annotated[
        SplitSettings | None, Meta(description="How the data is divided; nothing takes what the model's card records.")
    ] = None
    batch_size: Annotated[int, Meta(ge=1, description="Pictures at a time.")] = 256
    temperature: Annotated[
        Annotated[float, Meta(gt=0)] | None, Meta(description="Of the softmax; nothing takes the model's own.")
    ] = None
    flip: Annotated[
        Literal["recorded", "never"],
        Meta(description="Whether pictures are mirrored in testing where the model's training did so."),
    ] = "recorded"
    max_bad: Annotated[Share, Meta(description="Share of pictures that may be unreadable.")] = 0.01
    threads: Annotated[int, Meta(ge=0, description="Threads that compute; 0 is the library's own choice.")] = 0
    log: Annotated[
        Path | None, Meta(description="The training's log.csv for its curves; nothing takes the one beside the model.")
    ] = None


@dataclass(frozen=True)
class Evaluated:
    """What `evaluate_classifier` found.

    Attributes:
        evaluation: The figures.
        provenance: Where they come from; its notes say what to beware of.
        title: A heading for them.
        log: The training's log, if there is one.
    """

    evaluation: ClassifierEvaluation
    provenance: Provenance
    title: str
    log: Path | None


@dataclass(frozen=True)
class _Source:
    """A data set that was opened, and what is to be said about it."""

    dataset: Dataset
    facts: dict[str, Any]
    notes: list[str]


@dataclass(frozen=True)
class _Trained:
    """What a card says about one data set that the model was trained on."""

    name: str
    parts: tuple[str, ...]
    record: SplitRecord
    division: Mapping[str, Any]
    options: Mapping[str, Any]


def evaluate_classifier(
    settings: EvaluateClassifierSettings,
    *,
    command: Sequence[str] = (),
    decoding: Decoding | None = None,
    progress: Progress | None = None,
) -> Evaluated:
    """Measures a model.

    Args:
        settings: What to measure and how.
        command: The command line, for the provenance.
        decoding: Hears how far the decoding of pictures is.
        progress: Hears how many pictures are done, and of how many.

    Raises:
        UsageError: The settings do not fit each other.
        ModelError: The model cannot be used.
        DataError: The data cannot be used, or do not fit the model.
    """
    if not settings.data:
        raise UsageError("There is nothing to measure on; name an archive or a folder with --data.")
    predict, card, runtime = _loaded(settings.model, settings.threads)
    sources = {name: _opened(name, one, settings, card, decoding) for name, one in settings.data.items()}
    notes = [note for source in sources.values() for note in source.notes]
    transform = _mirroring(card) if settings.flip == "recorded" else None
    if transform is not None:
        notes.append(
            "Pictures were mirrored at random, as this model's training does in testing too; "
            "--set flip=never measures without."
        )
    evaluation = evaluate(
        predict,
        {name: source.dataset for name, source in sources.items()},
        card.classes,
        card.character_preprocess,
        temperature=card.temperature if settings.temperature is None else settings.temperature,
        batch=settings.batch_size,
        transform=transform,
        progress=progress,
    )
    provenance = Provenance(
        command=shlex.join(command),
        version=typecase.__version__,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        model=str(settings.model),
        model_sha256=sha256_of(settings.model),
        runtime=runtime,
        card=json.loads(card.to_json()),
        data=[source.facts for source in sources.values()],
        settings=config.to_plain(settings),
        notes=notes,
    )
    part = "all pictures" if settings.part == "all" else f"{settings.part} part"
    log = settings.log
    if log is None and (settings.model.parent / LOG_NAME).is_file():
        log = settings.model.parent / LOG_NAME
    return Evaluated(evaluation, provenance, f"{card.network_name} on {', '.join(sources)}: {part}", log)


def write_evaluation(found: Evaluated, settings: EvaluateClassifierSettings, folder: Path) -> list[Path]:
    """Writes the settings, the figures, the pictures and the page into a folder.

    Raises:
        InputError: The training's log is not one.
        OutputError: A file cannot be written.
    """
    from typecase.training import report

    config.save(settings, folder / CONFIG_NAME)
    written = report.write(folder, found.evaluation, found.provenance, title=found.title, log=found.log)
    return [folder / CONFIG_NAME, *written]


def _loaded(path: Path, threads: int) -> tuple[Predict, ModelCard, str]:
    """The model as a function, its card, and what runs it."""
    if path.suffix.lower() == ".onnx":
        from typecase.runtime.onnx_file import read_onnx
        from typecase.runtime.openvino import OpenVinoNet, import_openvino

        exported = read_onnx(path)
        _check_task(exported.card, path)
        net = OpenVinoNet(exported, threads or None)
        version = str(import_openvino().__version__).partition("-")[0]
        return net, exported.card, f"OpenVINO {version}, float32"

    import torch

    from typecase.modelfile import load_model

    module, card = load_model(path)
    _check_task(card, path)
    if threads:
        torch.set_num_threads(threads)

    def predict(batch: Any) -> Any:
        with torch.inference_mode():
            return module(torch.from_numpy(batch)).numpy()

    return predict, card, f"PyTorch {torch.__version__}, float32"


def _check_task(card: ModelCard, path: Path) -> None:
    if card.task != CLASSIFIER:
        raise ModelError(f"{path} is a model for the task {card.task!r}; choose one of single characters.")


def _mirroring(card: ModelCard) -> Transform | None:
    """The journey's replica mirrors pictures in testing as well; the probability is its training's."""
    augmentation = card.training.get("augmentation")
    if not isinstance(augmentation, Mapping) or not augmentation.get("flip-in-testing"):
        return None
    probability = float(augmentation.get("flip-left-right") or 0.0)
    if not probability:
        return None

    import torch

    from typecase.training.augment import flipped

    generator = torch.Generator().manual_seed(42)

    def mirrored(batch: Any) -> Any:
        return flipped(torch.from_numpy(batch), probability, generator).numpy()

    return mirrored


def _opened(
    name: str,
    data: EvaluationDataSettings,
    settings: EvaluateClassifierSettings,
    card: ModelCard,
    decoding: Decoding | None,
) -> _Source:
    from typecase.datasets import detect, open_dataset
    from typecase.datasets.splits import names_sha256

    kind = detect(data.path) if data.kind == "auto" else data.kind
    trained = _trained_on(card, name, kind)
    options = data.options or (trained[0].options if len(trained) == 1 else {})
    division, origin = _division(name, data, settings, trained)

    def part(which: str, division: Mapping[str, Any]) -> Dataset:
        return open_dataset(
            kind,
            data.path,
            split=None if which == "all" else which,
            preprocess=card.character_preprocess,
            max_bad=settings.max_bad,
            progress=decoding,
            # What makes two pictures equal may be in both.
            **{**division, **options},
        )

    dataset = part(settings.part, division)
    notes = [note for one in trained for note in _overlap(name, dataset, one, part)]
    # Drawn characters have no split to record: their test part is drawn with families of fonts that never train.
    if origin == DRAWN_ANEW and dataset.split_record is not None:
        notes.append(
            f"The model's card records no split of {name}, so its {settings.part} part was drawn anew "
            f"({division['split_by']}, seed {division['seed']})."
        )
    facts = {
        "name": name,
        "kind": kind,
        "path": str(data.path),
        "part": settings.part,
        "pictures": len(dataset),
        "sha256_of_names": names_sha256(dataset.names),
        "skipped": [f"{one.name}: {one.reason}" for one in dataset.skipped],
        "split": None if dataset.split_record is None else dataset.split_record.to_dict(),
        "split_taken_from": None if dataset.split_record is None else origin,
    }
    return _Source(dataset, facts, notes)


def _division(
    name: str, data: EvaluationDataSettings, settings: EvaluateClassifierSettings, trained: Sequence[_Trained]
) -> tuple[Mapping[str, Any], str | None]:
    """How to divide a data set, as arguments of `open_dataset`, and who says so."""
    if settings.part == "all":
        return {}, None
    if settings.split is not None:
        return _arguments(settings.split, data.test_groups), "the settings"
    if data.test_groups:
        raise UsageError("Groups of the test part go with a split of your own; give split.by=group as well.")
    if len(trained) > 1:
        names = ", ".join(one.name for one in trained)
        raise UsageError(
            f"The model's card records several splits of such data ({names}); call {name} as one of them, as in "
            f"--data {trained[0].name}={data.path}."
        )
    if trained:
        return trained[0].division, "the model's card"
    return _arguments(SplitSettings(), ()), DRAWN_ANEW


def _arguments(split: SplitSettings, test_groups: Sequence[str]) -> dict[str, Any]:
    return {
        "split_by": split.by,
        "fractions": split.fractions,
        "seed": split.seed,
        "test_groups": tuple(test_groups) or None,
    }


def _overlap(
    name: str, dataset: Dataset, trained: _Trained, part: Callable[[str, Mapping[str, Any]], Dataset]
) -> Iterator[str]:
    """Says how many of the measured pictures the model was trained on, or that nobody can say."""
    seen: set[str] = set()
    for which in trained.parts:
        try:
            again = part(which, trained.division)
        except UsageError:
            # The recorded groups are not in this data, so it is other data.
            again = None
        if again is None or again.split_record is None or again.split_record.sha256 != trained.record.sha256:
            yield (
                f"The pictures of {name} are not those that the model's card records, or are divided otherwise, so "
                "some of the measured ones may have been trained on."
            )
            return
        seen.update(again.names)
    both = sum(one in seen for one in dataset.names)
    if both:
        yield (
            f"{both:,} of the {len(dataset):,} pictures of {name} were trained on, so their figures say how well the "
            "model remembers, not how well it reads."
        )


def _trained_on(card: ModelCard, name: str, kind: str) -> list[_Trained]:
    """What the card says of a data set: the entry of the same name and kind, else all of that kind."""
    from typecase.datasets.splits import SplitRecord

    setups = card.training.get("data")
    found = []
    for entry in card.data:
        # A card that was written by hand may say less; it then vouches for nothing.
        with contextlib.suppress(DataError):
            record = SplitRecord.from_json(json.dumps(entry.get("split")))
            if record.dataset != kind:
                continue
            setup = setups.get(entry.get("name")) if isinstance(setups, Mapping) else None
            setup = setup if isinstance(setup, Mapping) else {}
            found.append(
                _Trained(
                    name=str(entry.get("name", "")),
                    parts=tuple(entry.get("parts") or ("train",)),
                    record=record,
                    division={
                        "split_by": record.method,
                        "fractions": record.fractions,
                        "seed": record.seed,
                        "duplicates": record.duplicates,
                        "test_groups": tuple(setup.get("test-groups") or ()) or None,
                    },
                    options=dict(setup.get("options") or {}),
                )
            )
    return [one for one in found if one.name == name] or found
