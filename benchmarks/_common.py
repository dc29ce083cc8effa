"""What the measurements share: where data and weights lie, what the machine is, and how results are written."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
# The code of this checkout is measured, whichever is installed; processes started from here inherit it.
sys.path.insert(0, str(REPOSITORY / "src"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    part for part in (str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")) if part
)

import typecase  # noqa: E402
from typecase.errors import DataError, ExitCode, TypecaseError, UsageError  # noqa: E402
from typecase.files import atomic_write, sha256_of  # noqa: E402


def data_root() -> Path:
    """The folder of the data: `TYPECASE_DATA`, by default `../shared/data` beside the repository."""
    named = os.environ.get("TYPECASE_DATA")
    return Path(named) if named else Path(os.path.relpath(REPOSITORY.parent / "shared" / "data"))


def data_file(relative: str, root: Path | None = None) -> Path:
    """Gives the path of a data file.

    Args:
        relative: Path below the folder of the data, such as `chars74k/EnglishFnt.tgz`.
        root: That folder; None takes `data_root()`.

    Raises:
        DataError: It is not there.
    """
    path = (root or data_root()) / relative
    if not path.exists():
        raise DataError(
            f"There is no {path}; set TYPECASE_DATA (or --data) to the folder that holds {relative} "
            "(benchmarks/README.md says where the data comes from)."
        )
    return path


def parser_for(document: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the script's docstring, with the options that every measurement has."""
    parser = argparse.ArgumentParser(description=document, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results as JSON as well")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the folder of the data (default: the variable TYPECASE_DATA, else ../shared/data beside the repository)",
    )
    return parser


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine(precision: str) -> dict[str, Any]:
    """What a figure depends on besides the code.

    Args:
        precision: The numbers that are computed with, and by what, such as `float32 (PyTorch)`.
    """
    abilities = ""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
        abilities = ", ".join(name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags)
    except OSError:
        pass
    return {
        "processor": processor(),
        "abilities": abilities,
        "cores": cores(),
        "precision": precision,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load": [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else [],
        "typecase": typecase.__version__,
    }


def weights_facts(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Name, size in bytes and SHA-256 of each file of weights."""
    return [{"file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in paths]


def print_head(facts: dict[str, Any], weights: Sequence[dict[str, Any]] = ()) -> None:
    """Prints the machine, the version and the weights above a table."""
    abilities = f" ({facts['abilities']})" if facts["abilities"] else ""
    print(f"- machine: {facts['processor']}{abilities}, {facts['cores']} cores, {facts['precision']}")
    load = f", load {facts['load'][0]}" if facts["load"] else ""
    print(f"- typecase {facts['typecase']}, Python {facts['python']}, {facts['system']}{load}")
    for one in weights:
        print(f"- weights: {one['file']}, {one['bytes']:,} bytes, SHA-256 {one['sha256']}")
    print(flush=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a Markdown table; the first column is set left, the others right."""
    cells = [[_cell(value) for value in row] for row in (columns, *rows)]
    widths = [max(3, *(len(row[place]) for row in cells)) for place in range(len(columns))]
    for number, row in enumerate(cells):
        shown = [
            value.rjust(width) if place else value.ljust(width)
            for place, (value, width) in enumerate(zip(row, widths, strict=True))
        ]
        print(f"| {' | '.join(shown)} |")
        if not number:
            rules = ["-" * (width - 1) + (":" if place else "-") for place, width in enumerate(widths)]
            print(f"| {' | '.join(rules)} |")
    sys.stdout.flush()


def _cell(value: str) -> str:
    return value.replace("|", "\\|")


@dataclass(frozen=True)
class Goal:
    """A figure to reach.

    Attributes:
        what: The figure in words.
        reached: What was reached.
        asked: What was asked.
        met: Whether it is met.
    """

    what: str
    reached: str
    asked: str
    met: bool


def print_goals(goals: Sequence[Goal]) -> None:
    """Prints what was reached beside what was asked, if anything was asked."""
    if goals:
        print()
        rows = [(goal.what, goal.reached, goal.asked, "yes" if goal.met else "no") for goal in goals]
        print_table(("figure", "reached", "asked", "met"), rows)


def write_json(path: Path | None, name: str, facts: dict[str, Any], results: Any, **more: Any) -> None:
    """Writes results with what they depend on, if a file is named."""
    if path is None:
        return
    values = {
        "benchmark": name,
        "command": shlex.join(["python", os.path.relpath(sys.argv[0], REPOSITORY), *sys.argv[1:]]),
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": facts,
        **more,
        "results": results,
    }
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def chosen(names: Sequence[str] | None, known: Sequence[str], what: str) -> list[str]:
    """The names that were asked for, in the order in which they are known; all where none was.

    Raises:
        UsageError: A name is unknown.
    """
    for name in names or ():
        if name not in known:
            raise UsageError(f"There is no {what} {name!r}; there are: {', '.join(known)}.")
    return [name for name in known if not names or name in names]


def run(main: Callable[[Sequence[str] | None], None]) -> None:
    """Runs a script: a failure that is not a bug becomes one sentence and its exit code."""
    try:
        main(None)
    except TypecaseError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        raise SystemExit(int(error.exit_code)) from None
    except KeyboardInterrupt:
        raise SystemExit(int(ExitCode.INTERRUPTED)) from None
