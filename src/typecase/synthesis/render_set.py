"""Writes drawn lines and pages by the thousand: pictures with a list of labels, or tar files to train with at scale.

They are drawn in blocks, each by one process and written whole or not at all, so that a run that was stopped goes on
with the blocks that are lacking. Number 12 is the same whoever draws it, and so the files of a run that was stopped
are those of one that was not.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from PIL import Image

from typecase import __version__
from typecase.cores import usable_cores
from typecase.datasets.lines import LABELS_NAME
from typecase.errors import OutputError, UsageError
from typecase.files import atomic_write

Form = Literal["folder", "webdataset"]

STATE_NAME = "render.json"
"""Says in the folder what is drawn there, so that a rerun goes on with that and nothing else."""

BLOCK = 1000
"""Pictures in a block: a folder of them, or a tar file."""

_PARTS_NAME = ".parts"


class Drawn(Protocol):
    """A picture that was drawn, with its truth."""

    @property
    def image(self) -> Image.Image:
        """As Pillow holds it."""
        ...

    @property
    def text(self) -> str:
        """What it says."""
        ...


class Workshop(Protocol):
    """Draws by number."""

    def draw(self, index: int) -> Any:
        """Draws one."""
        ...


class DrawSettings(Protocol):
    """What is drawn: plain values, which another process can be given."""

    @property
    def what(self) -> str:
        """What comes of it, such as `lines`."""
        ...

    @property
    def worth_a_process(self) -> int:
        """Below so many pictures, starting processes takes longer than they save."""
        ...

    def open(self) -> Workshop:
        """Opens fonts and texts."""
        ...

    def facts(self) -> dict[str, Any]:
        """The settings as JSON values; the same facts draw the same."""
        ...

    def row(self, drawn: Any, image: str) -> dict[str, Any]:
        """The row of a `labels.jsonl` for a picture at a path."""
        ...


@dataclass(frozen=True)
class Written:
    """What `write_drawn` did.

    Attributes:
        count: Pictures that are there now.
        drawn: Of these, drawn by this call.
    """

    count: int
    drawn: int


def write_drawn(
    settings: DrawSettings,
    count: int,
    out: str | os.PathLike[str],
    *,
    form: Form = "folder",
    block: int = BLOCK,
    processes: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Written:
    """Draws and writes pictures; goes on where an earlier call of the same settings stopped.

    As `folder`: `images/00000/00000012.png` and so on, and `labels.jsonl` with a row for each, in order. As
    `webdataset`: `lines-00000.tar` (or `pages-00000.tar`) and so on, with `00000012.png`, `00000012.txt` and
    `00000012.json` for each.

    Args:
        settings: What to draw.
        count: How many there shall be; more than an earlier call's adds to these.
        out: The folder.
        form: `folder` or `webdataset`.
        block: Pictures in a folder or in a tar file.
        processes: How many draw; None takes one for each core that this process may use.
        progress: Is told how many there are.

    Raises:
        UsageError: The folder holds pictures of other settings, or more of them; or a setting is wrong.
        DataError: Fonts or texts cannot be used.
        OutputError: The folder cannot be written.
    """
    if form not in get_args(Form):
        raise UsageError(f"There is no form {form!r}; choose from {', '.join(get_args(Form))}.")
    if count < 1 or block < 1:
        raise UsageError(f"{count} {settings.what} in blocks of {block} cannot be drawn; give numbers from 1 up.")
    folder = Path(out)
    # Opened here although other processes may draw: what is wrong with the settings is said at once, and once.
    workshop = settings.open()
    state = {"typecase": __version__, "form": form, "block": block, "settings": settings.facts()}
    with _as_output_error(folder):
        store = _Store(folder, form, block, settings)
        before = store.begin(state, count)
        sizes = {number: min(block, count - number * block) for number in range(-(-count // block))}
        done = {number for number, size in sizes.items() if size == before.get(number)}
        waiting = [number for number in sizes if number not in done]
        written = sum(sizes[number] for number in done)
        progress(written)
        drawn = 0
        for number in _draw_all(settings, workshop, store, [(number, sizes[number]) for number in waiting], processes):
            drawn += sizes[number]
            progress(written + drawn)
        store.finish(state, count)
    return Written(count, drawn)


class _Store:
    """A folder of drawn pictures and what of them is there."""

    def __init__(self, folder: Path, form: str, block: int, settings: DrawSettings) -> None:
        self.folder = folder
        self.form = form
        self.block = block
        self.settings = settings
        self._parts = folder / _PARTS_NAME

    def begin(self, state: dict[str, Any], count: int) -> dict[int, int]:
        """Makes the folder ready; gives the number of pictures of each block that is there."""
        old = self._old_state()
        if old is not None:
            known = old.pop("count")
            if old != _as_json(state):
                raise UsageError(
                    f"{self.folder} holds {self.settings.what} that were drawn with other settings; choose another "
                    f"folder or remove this one."
                )
            if known > count:
                raise UsageError(
                    f"{self.folder} holds {known} {self.settings.what} already, more than {count}; ask for as many."
                )
        elif self.folder.is_dir() and any(self.folder.iterdir()):
            raise UsageError(f"{self.folder} holds other files; choose a new or empty folder.")
        self._parts.mkdir(parents=True, exist_ok=True)
        self._restore_parts()
        # Before the first picture, so that a run that is stopped is known for what it is.
        self._write_state(state, count)
        sizes = {}
        for part in self._parts.glob("*.jsonl"):
            with part.open("rb") as rows:
                sizes[int(part.stem)] = sum(1 for _ in rows)
        return sizes

    def write(self, number: int, pictures: Iterator[tuple[int, Drawn]]) -> None:
        """Writes a block: its pictures first, then the part of the labels that says that they are there."""
        write = self._write_tar if self.form == "webdataset" else self._write_pictures
        rows = write(number, pictures)
        with atomic_write(self._part(number)) as temporary:
            temporary.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")

    def _write_pictures(self, number: int, pictures: Iterator[tuple[int, Drawn]]) -> list[str]:
        target = self.folder / "images" / f"{number:05d}"
        temporary = target.with_name(f".{target.name}.partial")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        rows = []
        for index, drawn in pictures:
            name = f"{index:08d}.png"
            (temporary / name).write_bytes(_png(drawn))
            rows.append(self._row(drawn, f"images/{target.name}/{name}"))
        # A block that grows takes the place of the smaller one.
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
        return rows

    def _write_tar(self, number: int, pictures: Iterator[tuple[int, Drawn]]) -> list[str]:
        rows = []
        with (
            atomic_write(self.folder / f"{self.settings.what}-{number:05d}.tar") as temporary,
            tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for index, drawn in pictures:
                key = f"{index:08d}"
                row = self._row(drawn, f"{key}.png")
                for suffix, content in (("png", _png(drawn)), ("txt", drawn.text.encode()), ("json", row.encode())):
                    # Without times and owners, equal lines are equal files.
                    member = tarfile.TarInfo(f"{key}.{suffix}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
                rows.append("")
        return rows

    def finish(self, state: dict[str, Any], count: int) -> None:
        """Joins the parts to the list of labels; nothing is left of a run but its result."""
        if self.form == "folder":
            with atomic_write(self.folder / LABELS_NAME) as temporary, temporary.open("wb") as labels:
                for part in sorted(self._parts.glob("*.jsonl")):
                    with part.open("rb") as rows:
                        shutil.copyfileobj(rows, labels)
        self._write_state(state, count)
        shutil.rmtree(self._parts)

    def _restore_parts(self) -> None:
        """Takes a finished run apart again, so that more can be added to it."""
        if self.form == "folder":
            labels = self.folder / LABELS_NAME
            if labels.exists() and not any(self._parts.iterdir()):
                with labels.open("rb") as rows:
                    for number, some in enumerate(_chunks(rows, self.block)):
                        with atomic_write(self._part(number)) as temporary:
                            temporary.write_bytes(b"".join(some))
            return
        for tar in self.folder.glob(f"{self.settings.what}-*.tar"):
            number = int(tar.stem.partition("-")[2])
            if not self._part(number).exists():
                with tarfile.open(tar) as members:
                    size = sum(member.name.endswith(".png") for member in members)
                with atomic_write(self._part(number)) as temporary:
                    temporary.write_text("\n" * size, encoding="utf-8")

    def _row(self, drawn: Drawn, image: str) -> str:
        return json.dumps(self.settings.row(drawn, image), ensure_ascii=False, separators=(",", ":"))

    def _part(self, number: int) -> Path:
        return self._parts / f"{number:05d}.jsonl"

    def _old_state(self) -> dict[str, Any] | None:
        path = self.folder / STATE_NAME
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            state = None
        if not isinstance(state, dict) or not isinstance(state.get("count"), int):
            raise UsageError(f"{path} does not say what is drawn there; choose another folder or remove this one.")
        return state

    def _write_state(self, state: dict[str, Any], count: int) -> None:
        with atomic_write(self.folder / STATE_NAME) as temporary:
            text = json.dumps({**state, "count": count}, ensure_ascii=False, indent=2, sort_keys=True)
            temporary.write_text(text + "\n", encoding="utf-8")


def _draw_all(
    settings: DrawSettings,
    workshop: Workshop,
    store: _Store,
    blocks: Sequence[tuple[int, int]],
    processes: int | None,
) -> Iterator[int]:
    """Draws and writes blocks; gives the number of each when it is there."""
    workers = min(processes if processes is not None else usable_cores(), len(blocks))
    if workers > 1 and sum(size for _, size in blocks) >= settings.worth_a_process:
        # Not forked: OpenCV holds threads that a fork would leave hanging.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, initializer=_start, initargs=(settings, store)) as pool:
            futures = {pool.submit(_draw_task, number, size): number for number, size in blocks}
            try:
                for future in as_completed(futures):
                    future.result()
                    yield futures[future]
            except BrokenProcessPool as error:
                raise OutputError(
                    f"A process that draws {settings.what} was ended; give it more memory or draw with --processes 1."
                ) from error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        return
    for number, size in blocks:
        store.write(number, _pictures(workshop, store.block, number, size))
        yield number


_work: tuple[Workshop, _Store] | None = None


def _start(settings: DrawSettings, store: _Store) -> None:
    global _work
    import cv2

    # Ctrl-C reaches every process; these end with the block that they are at, and without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # One thread for each process, or they fight for the cores.
    cv2.setNumThreads(1)
    _work = settings.open(), store


def _draw_task(number: int, size: int) -> None:
    assert _work is not None, "the pool's initializer has run"
    workshop, store = _work
    store.write(number, _pictures(workshop, store.block, number, size))


def _pictures(workshop: Workshop, block: int, number: int, size: int) -> Iterator[tuple[int, Drawn]]:
    for index in range(number * block, number * block + size):
        yield index, workshop.draw(index)


def _png(drawn: Drawn) -> bytes:
    content = io.BytesIO()
    # Small pictures gain next to nothing from the slower levels.
    drawn.image.save(content, "PNG", compress_level=1)
    return content.getvalue()


def _chunks(rows: Iterator[bytes] | io.BufferedReader, size: int) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    for row in rows:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@contextlib.contextmanager
def _as_output_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"{folder} cannot be written ({reason}); free some space or choose another folder."
        ) from error
