"""`typecase train`: a network of one's own from pictures of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from typecase.cli import output
from typecase.cli.data_arguments import data_overrides
from typecase.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from typecase.training.classifier import TrainedClassifier
    from typecase.training.detector import TrainedDetector
    from typecase.training.recognizer import TrainedRecognizer
    from typecase.training.settings import TrainClassifierSettings, TrainDetectorSettings, TrainRecognizerSettings

app = typer.Typer(rich_markup_mode="rich", add_completion=False, no_args_is_help=True)


@app.callback()
def train() -> None:
    """Train a network of your own."""


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  typecase train classifier --data EnglishFnt.tgz --out runs/print\n\n"
        "  typecase train classifier --data runes/ --start-from models/characters.safetensors --out runs/runes\n\n"
        "  typecase train classifier --recipe replica --data EnglishFnt.tgz --out runs/replica\n\n"
        "  typecase train classifier --out runs/print --resume"
    ),
)
def classifier(
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="[NAME=][KIND:]PATH",
            help="Archive or folder of pictures; may be given several times.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where the model, its log and its curves go.")
    ] = Path("runs/classifier"),
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Settings that come with typecase, such as replica.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Your settings as YAML.", show_default=False)
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting, such as optimizer.learning-rate=0.001; --settings lists them.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in --out.")] = False,
    network: Annotated[
        str | None, typer.Option("--network", help="A network of `typecase models`.", show_default=False)
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option("--start-from", metavar="MODEL", help="Weights to fine-tune; the classes may differ."),
    ] = None,
    split_by: Annotated[
        str | None,
        typer.Option("--split-by", metavar="random|group|journey", help="How the data is divided.", show_default=False),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes over the data.", show_default=False)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Pictures a step.", show_default=False)] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Largest step size.", show_default=False)
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option("--patience", help="Stop after so many epochs that bring nothing.", show_default=False),
    ] = None,
    max_bad: Annotated[
        float | None,
        typer.Option("--max-bad", help="Share of pictures that may be unreadable.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of weights, order and variations.", show_default=False)
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", metavar="auto|float32|bfloat16", help="Of the arithmetic.")
    ] = None,
    accelerator: Annotated[
        str | None, typer.Option("--accelerator", metavar="auto|cpu|cuda|mps", help="What to compute on.")
    ] = None,
    devices: Annotated[
        int | None, typer.Option("--devices", help="Devices, or processes on a CPU.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", help="Threads on a CPU; 0 is one a core.", show_default=False)
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(
            "--data-root",
            metavar="DIR",
            envvar="TYPECASE_DATA",
            help="Where relative paths of data are looked for if they are not here.",
            show_default=False,
        ),
    ] = None,
    list_settings: Annotated[
        bool, typer.Option("--settings", help="List every setting with its default and leave.")
    ] = False,
) -> None:
    """Train a classifier of single characters.

    Settings are put together from the defaults, then --recipe or --config, then these options. What was in effect is
    saved as config.yaml beside the model. Ctrl-C leaves a checkpoint to --resume from.
    """
    from typecase import config
    from typecase.training.settings import TrainClassifierSettings

    if list_settings:
        _print_settings(TrainClassifierSettings)
        return
    config_file = _settings_file(recipe, config_file, out if resume else None)
    overrides: dict[str, object] = {
        "network.name": network,
        "start-from": start_from,
        "split.by": split_by,
        "loop.epochs": epochs,
        "loop.batch-size": batch_size,
        "optimizer.learning-rate": learning_rate,
        "loop.patience": patience,
        "max-bad": max_bad,
        "loop.seed": seed,
        "loop.precision": precision,
        "loop.accelerator": accelerator,
        "loop.devices": devices,
        "loop.threads": threads,
    }
    overrides |= data_overrides(data or [])
    overrides |= config.parse_assignments(assignments or [])
    settings = _with_root(config.load(TrainClassifierSettings, config_file, overrides), data_root)

    # Imported after the settings are known to be right: PyTorch takes seconds.
    from typecase.training.classifier import train_classifier

    _tell_end(train_classifier(settings, out, resume=resume, console=output.messages()), "classifier")


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  typecase train recognizer --data my=lines/labels.jsonl --out runs/mine\n\n"
        "  typecase train recognizer --data lines/ --start-from models/lines.safetensors --out runs/mine\n\n"
        "  typecase train recognizer --recipe lines --data-root data/ --out runs/lines\n\n"
        "  typecase train recognizer --out runs/lines --resume"
    ),
)
def recognizer(
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="[NAME=][KIND:]PATH",
            help="Lines (labels.jsonl or its folder), receipts (sroie), or fonts to draw with (drawn).",
            show_default=False,
        ),
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option("--texts", metavar="PATH", help="Sentences for drawn lines: a text file or a folder of them."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where the model, its log and its samples go.")
    ] = Path("runs/recognizer"),
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Settings that come with typecase, such as lines.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Your settings as YAML.", show_default=False)
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting, such as network.options.layers=2; --settings lists them.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in --out.")] = False,
    start_from: Annotated[
        Path | None,
        typer.Option("--start-from", metavar="MODEL", help="Weights to fine-tune; the characters may differ."),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="How many epochs.", show_default=False)] = None,
    epoch_lines: Annotated[
        int | None, typer.Option("--epoch-lines", help="Lines of an epoch, over all sources.", show_default=False)
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Lines a step.", show_default=False)] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Largest step size.", show_default=False)
    ] = None,
    max_bad: Annotated[
        float | None,
        typer.Option("--max-bad", help="Share of lines that may be unusable.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of weights, order, drawing and variations.", show_default=False)
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", metavar="auto|float32|bfloat16", help="Of the arithmetic.")
    ] = None,
    accelerator: Annotated[
        str | None, typer.Option("--accelerator", metavar="auto|cpu|cuda|mps", help="What to compute on.")
    ] = None,
    devices: Annotated[
        int | None, typer.Option("--devices", help="Devices, or processes on a CPU.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", help="Threads on a CPU; 0 is one a core.", show_default=False)
    ] = None,
    drawing: Annotated[
        int | None, typer.Option("--drawing", help="Processes that draw lines.", show_default=False)
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(
            "--data-root",
            metavar="DIR",
            envvar="TYPECASE_DATA",
            help="Where relative paths of data are looked for if they are not here.",
            show_default=False,
        ),
    ] = None,
    list_settings: Annotated[
        bool, typer.Option("--settings", help="List every setting with its default and leave.")
    ] = False,
) -> None:
    """Train a recogniser of whole lines.

    It learns from lines drawn on the fly, from real ones, or from both, each with its weight
    (--set data.NAME.weight=2). What was in effect is saved as config.yaml beside the model, and samples.png shows after
    each epoch what is still read wrongly. Ctrl-C leaves a checkpoint to --resume from.
    """
    from typecase import config
    from typecase.training.settings import TrainRecognizerSettings

    if list_settings:
        _print_settings(TrainRecognizerSettings)
        return
    config_file = _settings_file(recipe, config_file, out if resume else None)
    overrides: dict[str, object] = {
        "start-from": start_from,
        "epoch-lines": epoch_lines,
        "drawing": drawing,
        "max-bad": max_bad,
        "loop.epochs": epochs,
        "loop.batch-size": batch_size,
        "optimizer.learning-rate": learning_rate,
        "loop.seed": seed,
        "loop.precision": precision,
        "loop.accelerator": accelerator,
        "loop.devices": devices,
        "loop.threads": threads,
    }
    sources = _with_texts(data_overrides(data or []), texts)
    overrides |= sources | config.parse_assignments(assignments or [])
    settings = _with_root(config.load(TrainRecognizerSettings, config_file, overrides), data_root)

    # Imported after the settings are known to be right: PyTorch takes seconds.
    from typecase.training.recognizer import train_recognizer

    _tell_end(train_recognizer(settings, out, resume=resume, console=output.messages()), "recognizer")


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  typecase train detector --data pages=drawn:fonts/ --texts sentences/ --out runs/pages\n\n"
        "  typecase train detector --recipe pages --data-root data/ --out runs/pages\n\n"
        "  typecase train detector --out runs/pages --resume"
    ),
)
def detector(
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="[NAME=][KIND:]PATH",
            help="Receipts (sroie), or fonts to draw pages with (drawn).",
            show_default=False,
        ),
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option("--texts", metavar="PATH", help="Sentences for drawn pages: a text file or a folder of them."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the model and its log go.")] = Path(
        "runs/detector"
    ),
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Settings that come with typecase, such as pages.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Your settings as YAML.", show_default=False)
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting; --settings lists them.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in --out.")] = False,
    start_from: Annotated[
        Path | None, typer.Option("--start-from", metavar="MODEL", help="Weights to go on from.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="How many epochs.", show_default=False)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Windows a step.", show_default=False)] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Largest step size.", show_default=False)
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of weights, drawing and variations.", show_default=False)
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", metavar="auto|float32|bfloat16", help="Of the arithmetic.")
    ] = None,
    accelerator: Annotated[
        str | None, typer.Option("--accelerator", metavar="auto|cpu|cuda|mps", help="What to compute on.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", help="Threads on a CPU; 0 is one a core.", show_default=False)
    ] = None,
    drawing: Annotated[
        int | None, typer.Option("--drawing", help="Processes that draw and cut pages.", show_default=False)
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(
            "--data-root",
            metavar="DIR",
            envvar="TYPECASE_DATA",
            help="Where relative paths of data are looked for if they are not here.",
            show_default=False,
        ),
    ] = None,
    list_settings: Annotated[
        bool, typer.Option("--settings", help="List every setting with its default and leave.")
    ] = False,
) -> None:
    """Train a detector that finds the lines of pages.

    It learns from pages drawn while it trains, from real receipts, or from both, each with its weight. What was in
    effect is saved as config.yaml beside the model. Ctrl-C leaves a checkpoint to --resume from.
    """
    from typecase import config
    from typecase.training.settings import TrainDetectorSettings

    if list_settings:
        _print_settings(TrainDetectorSettings)
        return
    config_file = _settings_file(recipe, config_file, out if resume else None)
    overrides: dict[str, object] = {
        "start-from": start_from,
        "drawing": drawing,
        "loop.epochs": epochs,
        "loop.batch-size": batch_size,
        "optimizer.learning-rate": learning_rate,
        "loop.seed": seed,
        "loop.precision": precision,
        "loop.accelerator": accelerator,
        "loop.threads": threads,
    }
    sources = _with_texts(data_overrides(data or []), texts)
    overrides |= sources | config.parse_assignments(assignments or [])
    settings = _with_root(config.load(TrainDetectorSettings, config_file, overrides), data_root)

    # Imported after the settings are known to be right: PyTorch takes seconds.
    from typecase.training.detector import train_detector

    _tell_end(train_detector(settings, out, resume=resume, console=output.messages()), "detector")


@app.command(
    "language-model",
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  typecase train language-model --texts sentences/ --words en+de --out mine.npz\n\n"
        "  typecase train language-model --texts invoices.txt --strings 0 --model mine.onnx --out mine.npz"
    ),
)
def language_model(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.npz", help="Where the language model goes.")],
    texts: Annotated[
        list[Path] | None,
        typer.Option(
            "--texts",
            metavar="PATH",
            help="Text files, a sentence or line each, or folders of them.",
            show_default=False,
        ),
    ] = None,
    receipts: Annotated[
        Path | None, typer.Option("--receipts", metavar="DIR", help="Texts of SROIE's receipts.", show_default=False)
    ] = None,
    words: Annotated[
        str | None,
        typer.Option(
            "--words",
            metavar="LANGUAGES",
            help="Draw words of these by their frequency too, as in de+fr; all is 23 European ones.",
            show_default=False,
        ),
    ] = None,
    strings: Annotated[
        int | None,
        typer.Option("--strings", min=0, help="Strings of documents to draw; 0 is none.", show_default="300,000"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="FILE", help="The recogniser whose characters count; by default the shipped."),
    ] = None,
    order: Annotated[
        int | None, typer.Option("--order", min=1, max=12, help="Characters looked at together.", show_default="6")
    ] = None,
    least_gain: Annotated[
        float | None,
        typer.Option(
            "--least-gain", min=0, help="What a run of characters must tell; more is smaller.", show_default="7"
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of drawing, and of where lines end.")] = 0,
) -> None:
    """Make a language model: what is likely to be written, for `typecase read --language-model`.

    Every tenth line of the texts is left out, to measure with.
    """
    from typecase.decoding.language_model import LEAST_GAIN, ORDER
    from typecase.runtime.onnx_file import read_onnx
    from typecase.stages.recognize import SHIPPED_MODEL
    from typecase.training.language_texts import STRINGS, LanguageSources, train_language_model, words_of

    classes = read_onnx(SHIPPED_MODEL if model is None else model).card.classes
    sources = LanguageSources(
        texts=tuple(texts or ()),
        receipts=receipts,
        strings=STRINGS if strings is None else strings,
        words={} if words is None else words_of(words),
        seed=seed,
    )
    made = train_language_model(
        sources, classes, order=order or ORDER, least_gain=LEAST_GAIN if least_gain is None else least_gain
    )
    made.save(out)
    size = out.stat().st_size / 1e6
    output.messages().print(
        f"{len(made):,} runs of up to {made.order} characters, {len(made.dictionary):,} words, {size:.1f} MB",
        soft_wrap=True,
    )
    output.print_result(str(out))


def _with_texts(sources: dict[str, object], texts: Path | None) -> dict[str, object]:
    """Sources with the sentences that are drawn for each of them."""
    if texts is None:
        return sources
    return sources | {key.replace(".path", ".texts"): texts for key in sources if key.endswith(".path")}


def _settings_file(recipe: str | None, config_file: Path | None, resumed: Path | None) -> Path | None:
    """The file that settings begin with; `resumed` is the folder of a training to go on with."""
    if recipe is not None and config_file is not None:
        raise UsageError("Give either --recipe or --config; a recipe's file can be copied and changed.")
    if recipe is not None:
        from typecase.training.recipes import recipe_path

        return recipe_path(recipe)
    return _saved_settings(resumed) if resumed is not None and config_file is None else config_file


def _tell_end(trained: TrainedClassifier | TrainedDetector | TrainedRecognizer, task: str) -> None:
    console = output.messages()
    if not trained.fitted.finished:
        if trained.main:
            console.print(f"Stopped. Go on with: typecase train {task} --out {trained.folder} --resume", soft_wrap=True)
        raise typer.Exit(ExitCode.INTERRUPTED)
    if not trained.main:
        return
    if not trained.fitted.steps:
        folder = trained.folder
        console.print(f"The training in {folder} had come to its end; there is nothing left to do.", soft_wrap=True)
    output.print_result(str(trained.model))


def _saved_settings(folder: Path) -> Path:
    from typecase.training.settings import CONFIG_NAME

    path = folder / CONFIG_NAME
    if not path.exists():
        raise UsageError(f"There is no training to resume in {folder}; start one without --resume.")
    return path


_AnySettings = TypeVar("_AnySettings", "TrainClassifierSettings", "TrainDetectorSettings", "TrainRecognizerSettings")


def _with_root(settings: _AnySettings, root: Path | None) -> _AnySettings:
    """Looks for relative paths of data below a folder, if they are not here."""
    import msgspec

    if root is None:
        return settings
    data: dict[str, Any] = {}
    for name, source in settings.data.items():
        paths = {key: getattr(source, key, None) for key in ("path", "texts")}
        found = {
            key: root / path
            for key, path in paths.items()
            if path is not None and not path.is_absolute() and not path.exists() and (root / path).exists()
        }
        data[name] = msgspec.structs.replace(source, **found)
    return msgspec.structs.replace(settings, data=data)


def _print_settings(
    settings_type: type[TrainClassifierSettings] | type[TrainDetectorSettings] | type[TrainRecognizerSettings],
) -> None:
    from rich.table import Table

    from typecase import config

    table = Table("Setting", "Takes", "Default", "Meaning", box=None, pad_edge=False)
    for setting in config.describe(settings_type):
        default = "required" if setting.required else str(setting.default)
        table.add_row(setting.key, setting.allowed, default, setting.help)
    output.results().print(table)
