"""How long `typecase predict` takes: the whole process for one picture, and the pictures a second of a folder.

    python benchmarks/predict_time.py

Expected output: a line for the machine, the SHA-256 of the weights, then a Markdown table: median, least and most
seconds of one picture from the start of the process to its end, the same of a cold start, and a folder. The goal for
one picture is 0.6 s.

Time: about half a minute on two cores of a server processor. Nothing else should run on the machine.

A cold start is one after the files of the environment were thrown out of the system's cache, as far as it lets go of
them (files that another program has mapped stay); on systems without that call the line is left out. `--command`
measures another installation, such as `--command .venv-demo/bin/typecase` for the light one that users have.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import _common
from _common import REPOSITORY
from typecase.errors import InputError, ModelError, UsageError
from typecase.sources import find_pictures

GOAL = 0.6
DATA = "chars74k/EnglishFnt.tgz"
EXAMPLES = REPOSITORY / "examples" / "pictures"


def timed(command: Sequence[str]) -> tuple[float, str]:
    """Runs a command to its end.

    Returns:
        Seconds, and what it wrote to standard output.

    Raises:
        InputError: It failed.
    """
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise InputError(f"{shlex.join(command)} failed with code {done.returncode}: {done.stderr.strip()}")
    return seconds, done.stdout


def forget_files(folders: Sequence[Path]) -> bool:
    """Throws the files of these folders out of the system's cache; False where the system has no such call."""
    if not hasattr(os, "posix_fadvise"):
        return False
    for folder in folders:
        for root, _, names in os.walk(folder):
            for name in names:
                try:
                    file = os.open(os.path.join(root, name), os.O_RDONLY)
                except OSError:
                    continue
                try:
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(file)
    return True


def installation(command: Sequence[str]) -> list[Path]:
    """The folders that a run of the command reads: Python, its libraries, ours."""
    program = Path(command[0])
    libraries = sorted(program.parent.parent.glob("lib/python*/site-packages")) if program.parent.name == "bin" else []
    here = [Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib"))]
    return [*(libraries or here[:1]), here[1], REPOSITORY / "src"]


def folder_of_pictures(folder: Path, count: int, root: Path | None) -> str:
    """Fills a folder with pictures of characters: those of Fnt, or without the data characters drawn by Pillow.

    Returns:
        What they are, in words.
    """
    archive = (root or _common.data_root()) / DATA
    folder.mkdir(parents=True, exist_ok=True)
    if archive.exists():
        from typecase.datasets import archives

        pictures = archives.members(archive, lambda name: name.endswith(".png"))
        for number, (_, data) in enumerate(islice(pictures, count)):
            (folder / f"{number:06}.png").write_bytes(data)
        return "pictures of Fnt, 128 x 128"

    from PIL import Image, ImageDraw, ImageFont

    from typecase.charset import CHARACTERS_62

    for number in range(count):
        image = Image.new("L", (128, 128), 255)
        font = ImageFont.load_default(size=60 + number % 50)
        character = CHARACTERS_62[number % len(CHARACTERS_62)]
        ImageDraw.Draw(image).text((64, 64), character, fill=0, font=font, anchor="mm")
        image.save(folder / f"{number:06}.png")
    return "drawn pictures, 128 x 128"


def one_picture(named: Path | None, folder: Path) -> Path:
    """The picture to read: the one that was named, the first example of the repository, or the folder's first."""
    if named is not None:
        if not named.is_file():
            raise InputError(f"There is no picture {named}; check the path.")
        return named
    return find_pictures([EXAMPLES if EXAMPLES.is_dir() else folder])[0]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("--runs", type=int, default=15, metavar="N", help="runs on one picture after a first one")
    parser.add_argument("--cold", type=int, default=3, metavar="N", help="cold starts; 0 leaves them out")
    parser.add_argument(
        "--pictures", type=int, default=2000, metavar="N", help="pictures of the folder; 0 leaves it out"
    )
    parser.add_argument("--picture", type=Path, metavar="FILE", help="the one picture, by default an example")
    parser.add_argument("--model", type=Path, metavar="FILE", help="another model than the shipped one")
    parser.add_argument("--threads", type=int, metavar="N", help="threads that compute, by default the command's own")
    parser.add_argument("--command", metavar="COMMAND", help="another installed typecase than this environment's")
    options = parser.parse_args(arguments)
    if options.runs < 1 or options.cold < 0 or options.pictures < 0:
        raise UsageError("--runs is at least 1, --cold and --pictures at least 0.")

    from typecase.classifier import SHIPPED_MODEL

    model = options.model or SHIPPED_MODEL
    if not model.is_file():
        raise ModelError(f"There is no model {model}; export one with `typecase export` and name it with --model.")
    command = shlex.split(options.command) if options.command else [sys.executable, "-m", "typecase"]
    command += ["predict"]
    if options.model is not None:
        command += ["--model", str(options.model)]
    if options.threads is not None:
        command += ["--threads", str(options.threads)]
    with tempfile.TemporaryDirectory(prefix="typecase-predict-") as name:
        _measure(options, command, model, Path(name) / "pictures")


def _measure(options: argparse.Namespace, command: list[str], model: Path, folder: Path) -> None:
    what = folder_of_pictures(folder, max(1, options.pictures), options.data)
    picture = one_picture(options.picture, folder)
    cold: list[float] = []
    for _ in range(options.cold):
        if not forget_files([*installation(command), model.parent]):
            break
        cold.append(timed([*command, str(picture)])[0])
    first, answer = timed([*command, str(picture)])
    warm = [timed([*command, str(picture)])[0] for _ in range(options.runs)]
    facts = _common.machine("as OpenVINO chooses")
    weights = _common.weights_facts([model])
    _common.print_head(facts, weights)
    fields = answer.rstrip("\n").split("\t")
    print(f"{picture.name} is read as {fields[1]!r} with confidence {fields[2]}.\n")
    rows = [_row(f"one picture, {len(warm)} runs", warm, f"{GOAL:g} s")]
    if cold:
        rows.append(_row(f"one picture, cold start, {len(cold)} runs", cold, ""))
    rate = None
    if options.pictures:
        whole = [timed([*command, str(folder)])[0] for _ in range(3)]
        rows.append(_row(f"a folder of {options.pictures:,} {what}, 3 runs", whole, ""))
        rate = options.pictures / statistics.median(whole)
    _common.print_table(("whole process", "median", "least", "most", "goal"), rows)
    if rate is not None:
        print(f"\nThe folder is read at {rate:,.0f} pictures a second, the start of the process included.")
    results = {
        "one_picture_seconds": warm,
        "first_seconds": first,
        "cold_start_seconds": cold,
        "goal_seconds": GOAL,
        "folder_pictures": options.pictures,
        "folder_pictures_a_second": rate,
        "answer": fields[1:3],
    }
    _common.write_json(options.json, "predict_time", facts, results, weights=weights)


def _row(name: str, seconds: Sequence[float], goal: str) -> tuple[str, ...]:
    return (
        name,
        f"{statistics.median(seconds):.3f} s",
        f"{min(seconds):.3f} s",
        f"{max(seconds):.3f} s",
        goal,
    )


if __name__ == "__main__":
    _common.run(main)
