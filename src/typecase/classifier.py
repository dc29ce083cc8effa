"""Says which character a picture shows, with the exported net and without PyTorch.

from typecase import Classifier

classifier = Classifier()
answer = classifier.classify("letter.png")
print(answer.label, answer.confidence, [other.label for other in answer.alternatives])
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from typecase.charset import ClassSet
from typecase.errors import InputError, ModelError, UsageError
from typecase.modelcard import CLASSIFIER, ModelCard
from typecase.preprocess import FloatArray
from typecase.runtime.onnx_file import read_model
from typecase.runtime.openvino import BATCHES, OpenVinoNet
from typecase.sources import MAX_PIXELS, PictureSource, open_picture, source_name

SHIPPED_MODEL = Path(__file__).parent / "weights" / "characters.onnx"
"""The model that is used unless another is named."""


@dataclass(frozen=True)
class Alternative:
    """What else a picture may show.

    Attributes:
        label: Name of the class.
        confidence: Calibrated probability, 0 to 1.
    """

    label: str
    confidence: float


@dataclass(frozen=True)
class Classification:
    """The answer for one picture.

    Attributes:
        path: What was asked about: a path, or a name such as `<array>` for what has none.
        label: Name of the class; None when the picture could not be read.
        confidence: Calibrated probability of the class, 0 to 1; None when the picture could not be read.
        alternatives: The next best classes, best first, without the answer itself.
        error: Why the picture could not be read, else None.
    """

    path: str
    label: str | None = None
    confidence: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The answer as `typecase predict --json` prints it."""
        if self.error is not None:
            return {"path": self.path, "error": self.error}
        return {
            "path": self.path,
            "class": self.label,
            "confidence": self.confidence,
            "alternatives": [{"class": other.label, "confidence": other.confidence} for other in self.alternatives],
        }


class Classifier:
    """A trained net that is opened once and asked many times.

    It may be shared between threads and pickled; an unpickled one opens the model's file again.

    Attributes:
        card: What the model says about itself.
        classes: Its classes.
    """

    def __init__(self, model: str | os.PathLike[str] | None = None, threads: int | None = None) -> None:
        """Opens a model.

        Args:
            model: An ONNX file that `typecase export` wrote; None opens the shipped one.
            threads: How many threads compute; None takes the processors there are, at most four.

        Raises:
            ModelError: The file is missing, damaged, unsafe, too new, or no classifier.
            UsageError: The number of threads is impossible.
        """
        lacking = "This installation carries no model; name one (--model FILE, in Python model=FILE)."
        self._path, content = read_model(CLASSIFIER, model, SHIPPED_MODEL, lacking)
        self._threads = threads
        self.card: ModelCard = content.card
        self.classes: ClassSet = content.card.classes
        self._net = OpenVinoNet(content, threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return Classifier, (self._path, self._threads)

    def classify(
        self, source: PictureSource, top: int = 5, *, max_pixels: int | None = MAX_PIXELS, name: str | None = None
    ) -> Classification:
        """Says which class one picture shows.

        Args:
            source: The picture: a path, the bytes of a file, an open binary file, a Pillow picture or an array.
            top: How many classes to give, the answer among them.
            max_pixels: The most pixels that are accepted, width times height; None accepts any number.
            name: What the answer and messages call the picture; left out, its path.

        Raises:
            InputError: The picture cannot be read.
            UsageError: `top` is below 1.
        """
        _check_at_least_one("top", top)
        name = source_name(source) if name is None else name
        prepared = self.card.character_preprocess(open_picture(source, max_pixels=max_pixels, name=name))
        return self._answer(name, self.probabilities(prepared[np.newaxis])[0], top)

    def classify_many(
        self,
        sources: Iterable[PictureSource],
        top: int = 5,
        batch: int = BATCHES[-1],
        *,
        max_pixels: int | None = MAX_PIXELS,
    ) -> Iterator[Classification]:
        """Says for many pictures which class each shows, in their order.

        One batch of them is held at a time, so that the sources may be endless.

        Args:
            sources: The pictures; see `classify`.
            top: How many classes to give for each, the answer among them.
            batch: How many pictures go through the net at once.
            max_pixels: The most pixels that are accepted of each; None accepts any number.

        Yields:
            An answer for each source; that of a picture that cannot be read carries the `error`.

        Raises:
            UsageError: `top` or `batch` is below 1.
        """
        _check_at_least_one("top", top)
        _check_at_least_one("batch", batch)
        return self._classify_batches(iter(sources), top, batch, max_pixels)

    def probabilities(self, prepared: FloatArray) -> npt.NDArray[np.float64]:
        """Runs the net on prepared pictures.

        Args:
            prepared: Pictures as `card.character_preprocess` gives them, of shape [N, channels, size, size].

        Returns:
            Calibrated probabilities of shape [N, classes]; each row sums to 1.

        Raises:
            ModelError: The net answers with something else than numbers, so its weights are damaged.
        """
        logits = self._net(prepared).astype(np.float64) / self.card.temperature
        if not np.isfinite(logits).all():
            raise ModelError(
                f"{self._path} gives answers that are not numbers; its weights are damaged: fetch it again."
            )
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return probabilities

    def _classify_batches(
        self, sources: Iterator[PictureSource], top: int, batch: int, max_pixels: int | None
    ) -> Iterator[Classification]:
        # Read by one thread: small pictures keep Python busier than the decoder, and two threads that wait for each
        # other were measured to read 1,700 of them a second where one reads 3,100.
        while part := list(islice(sources, batch)):
            yield from self._answers([self._read(source, max_pixels) for source in part], top)

    def _read(self, source: PictureSource, max_pixels: int | None) -> _Read:
        name = source_name(source)
        try:
            return name, self.card.character_preprocess(open_picture(source, max_pixels=max_pixels, name=name))
        except InputError as error:
            return name, str(error)

    def _answers(self, read: Sequence[_Read], top: int) -> Iterator[Classification]:
        prepared = [picture for _, picture in read if not isinstance(picture, str)]
        rows = iter(self.probabilities(np.stack(prepared)) if prepared else ())
        for name, picture in read:
            if isinstance(picture, str):
                yield Classification(name, error=picture)
            else:
                yield self._answer(name, next(rows), top)

    def _answer(self, name: str, probabilities: npt.NDArray[np.float64], top: int) -> Classification:
        # A stable sort, so that equals always come in the order of the classes.
        best = [
            Alternative(self.classes.names[index], round(float(probabilities[index]), 6))
            for index in np.argsort(-probabilities, kind="stable")[:top]
        ]
        return Classification(name, best[0].label, best[0].confidence, tuple(best[1:]))


_Read: TypeAlias = "tuple[str, FloatArray | str]"
# The name of a picture, and the picture prepared for the net or why it could not be read.


@overload
def classify(
    source: list[PictureSource] | tuple[PictureSource, ...], top: int = ..., model: str | os.PathLike[str] | None = ...
) -> list[Classification]: ...


@overload
def classify(source: PictureSource, top: int = ..., model: str | os.PathLike[str] | None = ...) -> Classification: ...


def classify(
    source: PictureSource | list[PictureSource] | tuple[PictureSource, ...],
    top: int = 5,
    model: str | os.PathLike[str] | None = None,
) -> Classification | list[Classification]:
    """Says which character a picture shows, or each of a list of pictures.

    The model is opened with the first call and kept for the next ones.

    Args:
        source: A picture (see `Classifier.classify`), or a list or tuple of them.
        top: How many classes to give, the answer among them.
        model: An ONNX file that `typecase export` wrote; None takes the shipped one.

    Returns:
        One answer for one picture. For a list a list, where the answer for a picture that cannot be read carries
        the `error`.

    Raises:
        InputError: The one picture cannot be read.
        ModelError: The model cannot be used.
        UsageError: `top` is below 1.
    """
    classifier = _kept_classifier(model)
    if isinstance(source, (list, tuple)):
        return list(classifier.classify_many(source, top))
    return classifier.classify(source, top)


_kept: dict[tuple[object, ...], Classifier] = {}
_keeping = threading.Lock()


def _kept_classifier(model: str | os.PathLike[str] | None) -> Classifier:
    path = Path(SHIPPED_MODEL if model is None else model).absolute()
    try:
        state = path.stat()
        key: tuple[object, ...] = (path, state.st_mtime_ns, state.st_size)
    except OSError:
        key = (path,)
    with _keeping:
        if key not in _kept:
            # A model that was replaced by a newer one under the same name is not asked again.
            for old in [old for old in _kept if old[0] == path]:
                del _kept[old]
            _kept[key] = Classifier(model)
        return _kept[key]


def _check_at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise UsageError(f"{name} must be at least 1, not {value}.")
