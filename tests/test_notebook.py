"""The notebook of the nine tasks runs, ends with an answer, and is stored as it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from conftest import REPOSITORY

NOTEBOOK = REPOSITORY / "examples" / "nine-tasks.ipynb"
LARGEST = 600_000
"""Bytes; a notebook is fetched with every copy of the repository."""


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shape(cell: Any) -> list[tuple[str, bool]]:
    """What kinds of output a cell has, and which of them are pictures."""
    return [(output.output_type, "image/png" in output.get("data", {})) for output in cell.outputs]


@pytest.fixture(scope="module")
def stored() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook as it runs here, on the small data that it draws itself."""
    folder = tmp_path_factory.mktemp("notebook")
    # In a process of its own: what the kernel's libraries warn about is not ours to mend. Its temporary files go with
    # the test's.
    program = (
        "import sys, nbformat; from nbclient import NotebookClient; "
        "notebook = nbformat.read(sys.argv[1], as_version=4); "
        "NotebookClient(notebook, timeout=120, kernel_name='python3', allow_errors=True,"
        " resources={'metadata': {'path': sys.argv[3]}}).execute(); "
        "nbformat.write(notebook, sys.argv[2])"
    )
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join(part for part in (str(REPOSITORY / "src"), os.environ.get("PYTHONPATH")) if part),
    }
    out = folder / "executed.ipynb"
    done = subprocess.run(
        [sys.executable, "-c", program, NOTEBOOK, out, folder],
        env=environment,
        text=True,
        capture_output=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return nbformat.read(out, as_version=4)  # type: ignore[no-untyped-call]


def test_every_cell_runs(executed: Any) -> None:
    for cell in code_cells(executed):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        assert not errors, f"{cell.source}\n{errors[0].ename}: {errors[0].evalue}"


def test_it_ends_with_a_predicted_character(executed: Any) -> None:
    last = code_cells(executed)[-1]
    text = "".join(output.text for output in last.outputs if output.output_type == "stream")
    answers = [line.removeprefix("predicted: ") for line in text.splitlines() if line.startswith("predicted: ")]
    assert len(answers) == 1
    assert answers[0][0] in "ABCDEGKMRS"
    assert answers[0].endswith("%)")
    assert shape(last)[-1] == ("execute_result", True)


def test_what_is_stored_is_not_stale(stored: Any, executed: Any) -> None:
    counts = [cell.execution_count for cell in code_cells(stored)]
    assert counts == list(range(1, len(counts) + 1))
    for old, new in zip(code_cells(stored), code_cells(executed), strict=True):
        assert old.source == new.source
        assert _merged(shape(old)) == _merged(shape(new)), old.source


def _merged(outputs: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Without repetitions: how many pieces a stream comes in is a matter of timing."""
    return [one for place, one in enumerate(outputs) if not place or outputs[place - 1] != one]


def test_it_is_small_and_tells_nothing_of_the_machine(stored: Any) -> None:
    assert NOTEBOOK.stat().st_size < LARGEST
    texts = [output.get("text", "") for cell in code_cells(stored) for output in cell.outputs]
    texts += [output.get("data", {}).get("text/plain", "") for cell in code_cells(stored) for output in cell.outputs]
    assert str(Path.home()) not in "".join(texts)
    assert "nine-tasks-" not in "".join(texts)


def test_all_nine_tasks_are_there(stored: Any) -> None:
    prose = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "markdown")
    headings = [line for line in prose.splitlines() if line.startswith("## ")]
    assert [heading.split()[1] for heading in headings] == [f"{number}." for number in range(1, 10)]
