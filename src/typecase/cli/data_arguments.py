"""What `--data` takes, the same for every verb: `[NAME=][KIND:]PATH`."""

from __future__ import annotations

from collections.abc import Iterable

from typecase.errors import UsageError


def data_overrides(arguments: Iterable[str], kind: str | None = None) -> dict[str, object]:
    """Turns the values of `--data` into overrides of settings, as `typecase.config.load` takes them.

    Args:
        arguments: Each a path, before it the kind of data that lies there and a colon (`fnt:EnglishFnt.tgz`), and
            before that a name and an equals sign; both may be left out. Without a name the path's own serves.
        kind: The kind of those that do not say it; None leaves it to the settings.

    Returns:
        `data.NAME.path` and `data.NAME.kind` for each argument, in their order.

    Raises:
        UsageError: Two arguments have the same name.
    """
    from typecase.datasets.layouts import split_kind

    overrides: dict[str, object] = {}
    for argument in arguments:
        name, equals, rest = argument.partition("=")
        # A path may hold an equals sign; a name is a plain word.
        named = bool(equals) and name.replace("-", "").replace("_", "").isalnum()
        own_kind, path = split_kind(rest if named else argument)
        if not named:
            name = path.name.partition(".")[0] or "data"
        if f"data.{name}.path" in overrides:
            raise UsageError(f"Two sources of data are called {name!r}; name them apart: --data NAME=PATH.")
        overrides[f"data.{name}.path"] = path
        overrides[f"data.{name}.kind"] = kind if own_kind == "auto" else own_kind
    return overrides
