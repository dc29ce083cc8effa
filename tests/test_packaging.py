"""What is packed is what is needed: the wheel's data, the extras, and nothing that a light install lacks."""

from __future__ import annotations

import ast
import itertools
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import REPOSITORY
from typecase import __version__
from typecase.cli.main import _EXTRA_OF

SOURCE = REPOSITORY / "src" / "typecase"

# Where a library is imported by another name than it is installed by.
INSTALLED_AS = {
    "PIL": "pillow",
    "freetype": "freetype-py",
    "cv2": "opencv-python-headless",
    "yaml": "pyyaml",
    "fontTools": "fonttools",
}

# What others bring with them: FastAPI is made of these.
BROUGHT_ALONG = {"starlette", "pydantic"}

# Imported in a try that does without.
OPTIONAL = {"packaging"}

# Files that work with the light install; all others may need an extra.
LIGHT = [
    *("__init__.py", "__main__.py", "charset.py", "classifier.py", "config.py", "document.py", "errors.py", "files.py"),
    *("languages.py", "modelcard.py", "pictures.py", "preprocess.py", "reader.py", "reading.py", "runtime", "cli"),
    *("decoding", "stages", "writers", "sources", "parsers", "overlay.py", "cores.py", "nets/__init__.py"),
    *("tables.py", "rulings.py", "upright_words.py", "search.py", "frames.py", "notebook.py"),
]


def project() -> dict[str, Any]:
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        table: dict[str, Any] = tomllib.load(file)["project"]
    return table


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in requirements}


def third_party(path: Path) -> Iterator[tuple[str, bool]]:
    """Yields (distribution, whether it is imported when the file is) for every foreign import of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.If, ast.Try))
        for inner in ast.walk(node)
        if inner is not node
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module or ""]
        else:
            continue
        for module in modules:
            top = module.partition(".")[0]
            if top not in sys.stdlib_module_names and top != "typecase":
                yield INSTALLED_AS.get(top, top.replace("_", "-")).lower(), id(node) not in inside


def light_files() -> list[Path]:
    found = []
    for name in LIGHT:
        path = SOURCE / name
        assert path.exists(), f"{name} is listed as light, but is not there"
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found


def test_every_import_is_declared() -> None:
    extras = {key: value for key, value in project()["optional-dependencies"].items() if key != "dev"}
    declared = names([*project()["dependencies"], *itertools.chain(*extras.values())]) | BROUGHT_ALONG | OPTIONAL
    for path in sorted(SOURCE.rglob("*.py")):
        missing = {name for name, _ in third_party(path)} - declared
        assert not missing, f"{path.name} imports {missing}, which pyproject.toml does not name"


@pytest.mark.parametrize("path", light_files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_light_files_import_nothing_heavy(path: Path) -> None:
    heavy = {name for name, at_once in third_party(path) if at_once} - names(project()["dependencies"])
    assert not heavy, f"{path.name} imports {heavy} at once"


def test_missing_libraries_are_all_known_to_the_command() -> None:
    known: dict[str, set[str]] = {}
    for name, extra in _EXTRA_OF.items():
        known.setdefault(extra, set()).add(INSTALLED_AS.get(name, name.replace("_", "-")).lower())
    extras = project()["optional-dependencies"]
    assert known["train"] == names(extras["train"])
    assert known["serve"] - BROUGHT_ALONG - {"multipart"} == names(extras["serve"])
    assert not set().union(*known.values()) & names(project()["dependencies"])


def test_torch_is_asked_for_exactly_so() -> None:
    everything = [*project()["dependencies"], *itertools.chain(*project()["optional-dependencies"].values())]
    assert [one for one in everything if one.startswith("torch")] == ["torch>=2.6,<2.14"]
    assert not any("torchvision" in one for one in everything)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with what is installed: no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = folder.glob("*.whl")
    return path


def test_wheel_holds_all_that_the_source_does(wheel: Path) -> None:
    assert wheel.name == f"typecase-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    kept = {
        f"typecase/{path.relative_to(SOURCE).as_posix()}"
        for path in SOURCE.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert kept <= packed
    weights = {f"typecase/weights/{name}.onnx" for name in ("characters", "lines", "pages")}
    assert {"typecase/py.typed", "typecase/weights/language.npz", *weights} <= packed
    assert not [name for name in packed if not name.startswith(("typecase/", "typecase-"))]
    assert any(name.endswith("licenses/LICENSE") for name in packed)


def test_wheel_is_small(wheel: Path) -> None:
    # Weights for characters, lines and pages, and the language model, take most of it.
    assert wheel.stat().st_size < 16_000_000


def test_wheel_reads_a_picture_by_itself(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    picture = next(path for path in sorted((REPOSITORY / "examples" / "pictures").iterdir()) if path.suffix != ".json")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import typecase; print(typecase.__file__); print(typecase.classify(sys.argv[1]).label)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(picture)],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    where, label = done.stdout.splitlines()
    assert Path(where).is_relative_to(tmp_path)
    assert label


def test_command_is_declared() -> None:
    assert project()["scripts"] == {"typecase": "typecase.cli.main:main"}
