"""Settings that come with the program, by name: `typecase train classifier --recipe replica`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from typecase.errors import UsageError


def recipe_names() -> list[str]:
    """Names of the recipes there are."""
    folder = resources.files(__name__)
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def recipe_path(name: str) -> Path:
    """Finds a recipe's file.

    Raises:
        UsageError: There is no such recipe.
    """
    if name not in recipe_names():
        raise UsageError(f"There is no recipe {name!r}; there are: {', '.join(recipe_names())}.")
    return Path(str(resources.files(__name__) / f"{name}.yaml"))
