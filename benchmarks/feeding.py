"""Feeding a net from Fnt: ours beside a plain folder + Pillow + DataLoader pipeline with the journey's settings.

    TYPECASE_DATA=../shared/data python benchmarks/feeding.py

Expected output: a line for the machine, then two Markdown tables. The first has the pictures a second of feeding
alone, the second the seconds of one epoch of the same training (ocrnet, SGD, batches of 36, float32) end to end; both
with the ratio to the plain pipeline, whose goals are 10 and 1.5. What is measured alternates, and medians are told.

Time: about 10 minutes on two cores of a server processor, and 200 MB in the temporary folder for the unpacked archive.
`--pictures 3600 --batches 50 --rounds 1` is a quick look. Nothing else should run on the machine.

Both read the same pictures of the same unpacked folder and give the net the same kind of batch: RGB, resized to
48 x 48, flipped at random, normalised by 0.5, in an order drawn anew for each epoch. The plain pipeline opens, resizes
and converts each picture whenever it is shown, with 0 and with 2 worker processes. Ours decodes a data set once and
keeps it; how long that takes is told apart, and the training that includes it is a line of its own.
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common
from typecase.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import DataLoader

    from typecase.training.classifier import CharacterTask
    from typecase.training.settings import TrainClassifierSettings

DATA = "chars74k/EnglishFnt.tgz"
BATCH = 36
SIZE = 48
GOALS = {"alone": 10.0, "end to end": 1.5}


def unpacked(archive: Path, folder: Path, pictures: int) -> list[Path]:
    """Unpacks an archive as `tar` would, or evenly spaced pictures of it.

    Args:
        archive: Chars74K's EnglishFnt.
        folder: Where to.
        pictures: How many; 0 is all.

    Returns:
        The files, sorted.
    """
    from typecase.datasets import archives

    names = sorted(name for name in archives.names(archive) if name.endswith(".png"))
    if not names:
        raise DataError(f"{archive} holds no .png; give Chars74K's EnglishFnt.")
    wanted = set(names[:: max(1, len(names) // pictures)][:pictures] if pictures else names)
    files = []
    for name, data in archives.members(archive, lambda name: name in wanted):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        files.append(path)
    return sorted(set(files))


class PlainFolder:
    """What a first course in PyTorch writes: a folder whose pictures are opened when they are asked for."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)
        folders = sorted({file.parent.name for file in files})
        self.classes = folders
        self.labels = [folders.index(file.parent.name) for file in files]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        import numpy as np
        import torch
        from PIL import Image

        with Image.open(self.files[index]) as opened:
            image = opened.convert("RGB")
        image = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float().div(255)
        return (tensor - 0.5) / 0.5, self.labels[index]


def plain_loader(files: Sequence[Path], workers: int) -> DataLoader[Any]:
    """The journey's loader over these files."""
    from torch.utils.data import DataLoader

    return DataLoader(PlainFolder(files), batch_size=BATCH, shuffle=True, num_workers=workers)  # type: ignore[arg-type]


def plain_training(files: Sequence[Path], workers: int, folder: Path) -> None:
    """One epoch as the journey writes it, the weights saved at its end."""
    import torch
    from safetensors.torch import save_file
    from torch import nn

    from typecase import nets

    torch.manual_seed(42)
    loader = plain_loader(files, workers)
    module = nets.build("ocrnet", classes=62, channels=3, size=SIZE)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.001, momentum=0.9)
    module.train()
    total, correct = 0.0, 0
    for pictures, labels in loader:
        optimizer.zero_grad()
        outputs = module(pictures)
        loss = loss_function(outputs, labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        correct += int((outputs.argmax(dim=1) == labels).sum())
    save_file(module.state_dict(), folder / "plain.safetensors")


def our_settings(folder: Path, threads: int) -> TrainClassifierSettings:
    """The recipe `replica` for one epoch over everything, without validation."""
    from typecase import config
    from typecase.training.recipes import recipe_path
    from typecase.training.settings import TrainClassifierSettings

    overrides: dict[str, object] = {
        "data.fnt.path": folder,
        "data.fnt.kind": "fnt",
        "data.fnt.validate": False,
        "split.by": "random",
        "split.fractions": (1.0, 0.0, 0.0),
        "loop.epochs": 1,
        "loop.batch-size": BATCH,
        "loop.threads": threads,
    }
    return config.load(TrainClassifierSettings, recipe_path("replica"), overrides)


def our_task(settings: TrainClassifierSettings) -> CharacterTask:
    """The trainer's own source of batches, made in the trainer's own way."""
    from typecase.training.classifier import CharacterTask, _opened

    sources, classes = _opened(settings, settings.preprocess.to_preprocess(), None)
    return CharacterTask(sources, classes, settings)


def plain_batches(files: Sequence[Path], workers: int, batches: int) -> tuple[int, float]:
    """Feeds without a net: pictures and seconds. Starting the workers is not counted."""
    loader = iter(plain_loader(files, workers))
    next(loader)
    started = time.perf_counter()
    count = 0
    for _ in range(batches):
        pictures, _ = next(loader, (None, None))
        if pictures is None:
            break
        count += len(pictures)
    seconds = time.perf_counter() - started
    # Workers are ended here and not while something else is timed.
    del loader
    return count, seconds


def our_batches(task: CharacterTask, batches: int, epoch: int) -> tuple[int, float]:
    """The same with ours; the order of the epoch is drawn within the measured time."""
    started = time.perf_counter()
    count = 0
    for step in range(min(batches, task.steps)):
        pictures, _ = task.batch(epoch, step, 0, 1)
        count += len(pictures)
    return count, time.perf_counter() - started


@contextlib.contextmanager
def own_cache(folder: Path) -> Iterator[None]:
    """Lets decoded pictures be kept in a folder of this measurement, so that the user's cache stays as it is."""
    before = os.environ.get("TYPECASE_CACHE")
    os.environ["TYPECASE_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TYPECASE_CACHE"]
        else:
            os.environ["TYPECASE_CACHE"] = before


def alternating(ways: Mapping[str, Callable[[int], float]], rounds: int) -> dict[str, list[float]]:
    """Measures all ways in turn, so that a slow minute of the machine meets each of them."""
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name, way in ways.items():
            measured[name].append(way(turn))
    return measured


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("--archive", type=Path, metavar="PATH", help=f"other data than {DATA}, of the same layout")
    parser.add_argument("--pictures", type=int, default=0, metavar="N", help="use so many pictures; 0 is all")
    parser.add_argument("--batches", type=int, default=400, metavar="N", help="batches of a round of feeding alone")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds of feeding alone")
    parser.add_argument("--trainings", type=int, default=3, metavar="N", help="rounds of training; 0 leaves it out")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="threads that compute; 0 is all cores")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.batches < 1 or options.pictures < 0 or options.trainings < 0:
        raise UsageError("--rounds and --batches are at least 1, --pictures and --trainings at least 0.")
    archive = options.archive or _common.data_file(DATA, options.data)
    with tempfile.TemporaryDirectory(prefix="typecase-feeding-") as name, own_cache(Path(name) / "cache"):
        _measure(options, archive, Path(name))


def _measure(options: Any, archive: Path, folder: Path) -> None:
    import io

    import torch
    from rich.console import Console

    from typecase.training.classifier import train_classifier

    # With its logs and curves, as the command trains; what it would say is thrown away.
    silent = Console(file=io.StringIO())
    threads = options.threads or _common.cores()
    torch.set_num_threads(threads)
    files = unpacked(archive, folder / "unpacked", options.pictures)
    if len(files) < 2 * BATCH:
        raise DataError(f"{len(files)} pictures are too few to measure with; give at least {2 * BATCH}.")
    settings = our_settings(folder / "unpacked", threads)
    started = time.perf_counter()
    task = our_task(settings)
    decoding = time.perf_counter() - started
    started = time.perf_counter()
    our_task(settings)
    opening = time.perf_counter() - started

    def plain_rate(workers: int) -> Callable[[int], float]:
        def rate(_turn: int) -> float:
            count, seconds = plain_batches(files, workers, options.batches)
            return count / seconds

        return rate

    def our_rate(turn: int) -> float:
        count, seconds = our_batches(task, options.batches, turn + 1)
        return count / seconds

    our_batches(task, 20, 0)
    rates = alternating(
        {
            "plain, 0 workers": plain_rate(0),
            "plain, 2 workers": plain_rate(2),
            "ours": our_rate,
        },
        options.rounds,
    )

    def plain_seconds(workers: int) -> Callable[[int], float]:
        def seconds(_turn: int) -> float:
            begun = time.perf_counter()
            plain_training(files, workers, folder)
            return time.perf_counter() - begun

        return seconds

    def our_seconds(turn: int) -> float:
        begun = time.perf_counter()
        train_classifier(settings, folder / f"run-{turn}", console=silent)
        return time.perf_counter() - begun

    def our_first_seconds(turn: int) -> float:
        with own_cache(folder / f"cache-{turn}"):
            begun = time.perf_counter()
            train_classifier(settings, folder / f"first-run-{turn}", console=silent)
            return time.perf_counter() - begun

    trainings = alternating(
        {
            "plain, 0 workers": plain_seconds(0),
            "plain, 2 workers": plain_seconds(2),
            "ours": our_seconds,
            "ours, the first time (decoding included)": our_first_seconds,
        },
        options.trainings,
    )
    _report(options, len(files), rates, trainings, decoding, opening, threads)


def _report(
    options: Any,
    count: int,
    rates: Mapping[str, list[float]],
    trainings: Mapping[str, list[float]],
    decoding: float,
    opening: float,
    threads: int,
) -> None:
    facts = _common.machine(f"float32 (PyTorch), {threads} threads")
    _common.print_head(facts)
    base = statistics.median(rates["plain, 0 workers"])
    print(f"Feeding alone: batches of {BATCH}, {count:,} pictures, median of {options.rounds} rounds.\n")
    _common.print_table(
        ("pipeline", "pictures/s", "lowest", "highest", "ratio", "goal"),
        [
            (
                name,
                f"{statistics.median(values):,.0f}",
                f"{min(values):,.0f}",
                f"{max(values):,.0f}",
                f"{statistics.median(values) / base:.2f}",
                f"{GOALS['alone']:g}" if name == "ours" else "",
            )
            for name, values in rates.items()
        ],
    )
    print(f"\nOurs decodes the {count:,} pictures once in {decoding:.1f} s and opens them again in {opening:.2f} s.")
    if options.trainings:
        slowest = statistics.median(trainings["plain, 0 workers"])
        print(
            f"\nThe same training end to end: ocrnet, SGD, batches of {BATCH}, float32, one epoch of {count:,} "
            f"pictures, median of {options.trainings} rounds.\n"
        )
        _common.print_table(
            ("pipeline", "seconds", "lowest", "highest", "times faster", "goal"),
            [
                (
                    name,
                    f"{statistics.median(values):.1f}",
                    f"{min(values):.1f}",
                    f"{max(values):.1f}",
                    f"{slowest / statistics.median(values):.2f}",
                    f"{GOALS['end to end']:g}" if name == "ours" else "",
                )
                for name, values in trainings.items()
            ],
        )
    results = {
        "pictures": count,
        "batch": BATCH,
        "pictures_a_second": {name: list(values) for name, values in rates.items()},
        "ratio_alone": statistics.median(rates["ours"]) / base,
        "seconds_of_an_epoch": {name: list(values) for name, values in trainings.items()},
        "ratio_end_to_end": (
            statistics.median(trainings["plain, 0 workers"]) / statistics.median(trainings["ours"])
            if options.trainings
            else None
        ),
        "seconds_to_decode": decoding,
        "seconds_to_open": opening,
    }
    _common.write_json(options.json, "feeding", facts, results)


if __name__ == "__main__":
    _common.run(main)
