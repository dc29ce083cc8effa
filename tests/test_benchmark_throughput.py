"""The measurement of many pages: what it makes, and what it says."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from conftest import REPOSITORY

with pytest.MonkeyPatch.context() as _patch:
    # The scripts lengthen the environment of what they start; this process keeps its own.
    _patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    _patch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    import throughput as benchmark


def test_when_memory_is_looked_at() -> None:
    assert benchmark.looks(300, 10) == [10, 75, 150, 225, 300]
    assert benchmark.looks(12, 10) == [10, 12]
    assert benchmark.looks(3, 3) == [3]


def test_a_pdf_of_equal_pages(tmp_path: Path) -> None:
    from typecase.sources.pdf import PdfFile

    path = tmp_path / "x.pdf"
    benchmark.write_pdf(path, [benchmark.sheet_of(benchmark.drawn(seed), 1.0) for seed in range(2)])
    with PdfFile(path, "x.pdf") as file:
        assert file.count == 2
        page = file.page(2)
        page.set_resolution()
        assert (page.width, page.height) == (1240, 1754)
        page.close()


def test_the_pages_of_a_long_pdf_are_of_every_size() -> None:
    contents = []
    for grey in (50, 200):
        content = io.BytesIO()
        Image.new("L", (400, 300), grey).save(content, "PNG")
        contents.append(content.getvalue())
    sheets = [Image.open(io.BytesIO(sheet)).convert("L") for sheet in benchmark.on_paper(contents, 6)]
    assert len({sheet.size for sheet in sheets}) == 6
    greys = [min(sheet.tobytes()) for sheet in sheets]
    assert [grey > 100 for grey in greys] == [False, True] * 3


def test_receipts_are_those_held_back(tmp_path: Path) -> None:
    folder = tmp_path / benchmark.RECEIPTS
    folder.mkdir(parents=True)
    for name in ("009", "010", "020", "x"):
        Image.new("L", (20, 20), 255).save(folder / f"{name}.jpg")
    contents, what = benchmark.receipts(tmp_path)
    assert (len(contents), what) == (2, "2 receipts of SROIE, over and over")
    assert Image.open(io.BytesIO(contents[0])).size == (20, 20)
    drawn, what = benchmark.receipts(tmp_path / "nothing")
    assert (len(drawn), what) == (12, "12 pages drawn by Pillow, over and over")


def test_memory_and_goals(capsys: pytest.CaptureFixture[str]) -> None:
    grown = [benchmark.Memory(10, 100_000_000), benchmark.Memory(300, 120_000_000)]
    goal = benchmark._grown("page 300 over page 10", grown, 1.1)
    assert (goal.met, goal.reached, goal.asked) == (False, "1.200", "at most 1.1")
    assert "120.0 MB" in capsys.readouterr().out
    if sys.platform == "linux":
        assert 1_000_000 < benchmark.held() < 1 << 40


def test_all_of_it_on_a_few_pages(tmp_path: Path) -> None:
    script, results = str(REPOSITORY / "benchmarks" / "throughput.py"), tmp_path / "results.json"
    few = ("--pages", "2", "--pictures", "2", "--documents", "2", "--runs", "1")
    done = subprocess.run(
        [sys.executable, script, *few, "--data", str(tmp_path), "--json", str(results)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"},
        text=True,
        capture_output=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for words in ("| after pages |", "| processes |", "two processes against one", "page 2 of a PDF over page 2"):
        assert words in done.stdout
    assert '"folder_seconds"' in results.read_text()
