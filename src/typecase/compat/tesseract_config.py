"""What Tesseract's configuration strings mean to typecase."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any

from typecase.decoding.options import Mode, read_words

_MODES: dict[int, Mode] = {5: "block", 6: "block", 7: "line", 8: "word", 9: "word", 10: "char", 13: "line"}
"""What Tesseract's page segmentation modes show; the others are whole pages."""

_MOST_MODE = 13
_DIGITS = "0123456789-."

_IGNORED_FLAGS = frozenset({"--oem", "--tessdata-dir", "--user-patterns", "--loglevel"})
"""Options with a value that tell Tesseract what typecase has no use for: engines, data and files of its own."""

_WORDS = frozenset({"--user-words"})


@dataclass(frozen=True)
class TesseractConfig:
    """A configuration, taken apart.

    Attributes:
        psm: The page segmentation mode; None where it is not told.
        language: What `-l` names.
        dpi: Dots per inch of the picture, where they are told.
        words: The file of likely words.
        variables: What `-c` sets.
        files: Names of configuration files, such as `digits` or `hocr`.
    """

    psm: int | None = None
    language: str | None = None
    dpi: float | None = None
    words: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    @property
    def mode(self) -> Mode:
        """What the picture shows."""
        return _MODES.get(3 if self.psm is None else self.psm, "page")

    @property
    def layout(self) -> bool:
        """Whether spaces between words are kept."""
        return self.is_on("preserve_interword_spaces")

    def is_on(self, variable: str) -> bool:
        """Whether a variable is set to yes."""
        return self.variables.get(variable, "0").lower() in ("1", "true", "t")

    def options(self, known: str) -> dict[str, Any]:
        """The options of a `Reader` that mean the same.

        Args:
            known: All characters that the reader knows; others cannot be allowed.
        """
        options: dict[str, Any] = {}
        allowed = self.variables.get("tessedit_char_whitelist", "") or ("digits" in self.files and _DIGITS) or ""
        denied = self.variables.get("tessedit_char_blacklist", "")
        if allowed or denied:
            chosen = [one for one in (allowed or known) if one in known and one not in denied and not one.isspace()]
            if chosen:
                options["allow"] = "".join(dict.fromkeys(chosen))
        if self.words is not None:
            options["words"] = read_words(self.words)
        dpi = self.dpi if self.dpi is not None else _number(self.variables.get("user_defined_dpi", ""))
        if dpi:
            options["dpi"] = dpi
        return options


def parsed(config: str) -> TesseractConfig:
    """Takes a configuration string apart, as a shell would.

    Args:
        config: Such as `--psm 6 -c tessedit_char_whitelist=0123456789`.

    Raises:
        ValueError: An option lacks its value, or the mode is none.
    """
    parts = iter(shlex.split(config))
    values: dict[str, Any] = {"variables": {}, "files": []}
    for part in parts:
        flag, equals, inline = part.partition("=")
        if not part.startswith("-"):
            values["files"].append(part)
            continue
        value = inline if equals and flag.startswith("--") else next(parts, None)
        if value is None:
            raise ValueError(f"the option {part} lacks its value")
        if flag in ("--psm", "-psm"):
            values["psm"] = _mode(value)
        elif flag == "-l":
            values["language"] = value
        elif flag == "--dpi":
            values["dpi"] = _number(value)
        elif flag in _WORDS:
            values["words"] = value
        elif flag == "-c":
            name, _, setting = value.partition("=")
            values["variables"][name] = setting
            if name == "tessedit_pageseg_mode":
                values["psm"] = _mode(setting)
        elif flag not in _IGNORED_FLAGS:
            raise ValueError(f"the option {flag} is not known")
    return TesseractConfig(**{**values, "files": tuple(values["files"])})


def _mode(value: str) -> int:
    if not value.isdigit() or int(value) > _MOST_MODE:
        raise ValueError(f"the page segmentation mode {value!r} is none from 0 to {_MOST_MODE}")
    return int(value)


def _number(value: str) -> float | None:
    try:
        return float(value) if float(value) > 0 else None
    except ValueError:
        return None
