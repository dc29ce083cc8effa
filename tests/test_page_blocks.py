"""Blocks of windows: the same however they are cut, in other processes or in this one."""

from __future__ import annotations

import signal
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from detector_fixtures import write_receipts
from font_fixtures import family, one_case
from typecase.errors import DataError
from typecase.synthesis.fonts import is_held_back
from typecase.training import page_blocks
from typecase.training.page_blocks import BLOCK, PageBlocks, PageSource, validation_pages
from typecase.training.settings import LoopSettings, PageDataSettings, TrainDetectorSettings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TrainDetectorSettings:
    root = tmp_path_factory.mktemp("pages")
    names = [f"family{number}" for number in range(40)]
    family(root / "fonts", next(name for name in names if not is_held_back(name)))
    family(root / "fonts", next(name for name in names if is_held_back(name)), change=one_case)
    (root / "texts").mkdir()
    sentences = (f"The line with number {number} is a sentence." for number in range(60))
    (root / "texts" / "en.txt").write_text("\n".join(sentences))
    drawn = PageDataSettings(
        path=root / "fonts", kind="drawn", texts=root / "texts", layouts={"ticket": 1.0}, weight=0.3
    )
    receipts = PageDataSettings(path=write_receipts(root / "sroie"), kind="sroie")
    return TrainDetectorSettings(
        data={"receipts": receipts, "drawn": drawn}, window=64, loop=LoopSettings(seed=3, batch_size=8)
    )


def test_blocks_are_the_same_however_they_are_cut(settings: TrainDetectorSettings) -> None:
    with PageBlocks(settings, processes=0) as here:
        folder = Path(here._folder.name)
        first, second = here.block(0), here.block(1)
    assert not folder.exists()
    assert first.pixels.shape == (BLOCK, 64, 64)
    assert first.maps.shape == (BLOCK, 8, 16, 16)
    assert (first.maps[:, :4] > 0).any()
    assert not np.array_equal(first.pixels, second.pixels)
    with PageBlocks(settings, processes=1) as elsewhere:
        elsewhere.prepare([0, 1])
        again = elsewhere.block(1)
        assert elsewhere._pool is not None
        # Ctrl-C in a terminal goes to every process: those that cut leave it to the one that trains.
        assert elsewhere._pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
        also = elsewhere.block(0)
        assert list(Path(elsewhere._folder.name).iterdir()) == []
    assert np.array_equal(second.pixels, again.pixels)
    assert np.array_equal(second.maps, again.maps)
    assert np.array_equal(first.pixels, also.pixels)
    assert np.array_equal(first.maps, also.maps)


def test_a_source_keeps_pages_apart_to_validate_with(
    settings: TrainDetectorSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = settings.data["receipts"]
    trained, kept = PageSource(receipts, 0), PageSource(receipts, 0, held_back=True)
    assert (trained.size, kept.size) == (10, 2)
    names = [{source.page(index).name for index in range(source.size or 0)} for source in (trained, kept)]
    assert not names[0] & names[1]
    assert trained.page(0).name == trained.page(10).name
    monkeypatch.setattr(page_blocks, "VALIDATION_DRAWN", 2)
    pages = list(validation_pages(settings))
    assert [name for name, _ in pages] == ["receipts"] * 2 + ["drawn"] * 2
    assert all(page.load().ndim == 2 for _, page in pages)
    # What is drawn to validate with is no page of the training's.
    drawn = PageSource(settings.data["drawn"], settings.loop.seed + 1)
    assert drawn.size is None
    assert not np.array_equal(drawn.page(0).load(), pages[2][1].load())


def test_pages_cannot_be_drawn_without_sentences(settings: TrainDetectorSettings, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="name them"):
        PageSource(PageDataSettings(path=settings.data["drawn"].path, kind="drawn"), 0)


def test_a_process_that_ends_is_said_in_a_sentence(settings: TrainDetectorSettings) -> None:
    ended: Future[None] = Future()
    ended.set_exception(MemoryError("no room"))
    with PageBlocks(settings, processes=1) as blocks:
        blocks._coming[0] = ended
        with pytest.raises(DataError, match=r"ended \(MemoryError: no room\); give it more memory"):
            blocks.block(0)
        refused: Future[None] = Future()
        refused.set_exception(DataError("There is no such font; name another."))
        blocks._coming[1] = refused
        with pytest.raises(DataError, match="no such font"):
            blocks.block(1)
