"""The environment of the peers: RapidOCR in a virtual environment of its own, Tesseract as the system has it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

from typecase.errors import InputError
from typecase.files import cache_folder

REQUIREMENTS = Path(__file__).with_name("requirements.txt")

TESSERACT_LANGUAGES = {"en": "eng", "de": "deu", "fr": "fra", "es": "spa", "pt": "por", "nl": "nld"}
"""Tesseract's name of each language that is measured."""


def peers_python() -> Path:
    """The Python of the peers' environment; it may not be there yet.

    The folder's name holds what `requirements.txt` asks for, so that another version makes another environment.
    """
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.split(maxsplit=1)[0].encode()).hexdigest()[:8]
    folder = cache_folder() / "peers" / f"environment-{key}"
    return folder / ("Scripts" if os.name == "nt" else "bin") / ("python.exe" if os.name == "nt" else "python")


def set_up() -> Path:
    """Makes the peers' environment, if it is not there, and installs what `requirements.txt` names.

    Returns:
        Its Python.

    Raises:
        InputError: Something cannot be installed.
    """
    python = peers_python()
    folder = python.parents[1]
    done = folder / ".installed"
    if done.exists():
        return python
    print(f"making the peers' environment in {folder} ...", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)
    if installed.returncode:
        told = installed.stderr.strip().splitlines()
        raise InputError(
            f"The peers' packages cannot be installed ({told[-1] if told else 'pip says nothing'}); "
            "check the network, or leave RapidOCR out with --readers."
        )
    done.touch()
    return python


def print_set_up() -> None:
    """Makes what is missing of the peers and tells what there is.

    Raises:
        InputError: Something is missing that cannot be installed from here.
    """
    print(f"RapidOCR: {set_up()}")
    program = tesseract_program()
    check_tesseract_languages(program, set(TESSERACT_LANGUAGES.values()))
    print(f"Tesseract: {program}, {tesseract_version(program)}")


def tesseract_program() -> str:
    """Tesseract's program.

    Raises:
        InputError: It is not installed.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise InputError(f"Tesseract is not installed; {_how_to_install(TESSERACT_LANGUAGES.values())}.")
    return program


def tesseract_data(program: str) -> Path:
    """The folder of its trained data."""
    # "List of available languages in "/usr/share/tesseract-ocr/5/tessdata/" (7):"
    head = _listed(program).partition("\n")[0]
    return Path(head.split('"')[1] if head.count('"') == 2 else ".")


def check_tesseract_languages(program: str, names: set[str]) -> None:
    """Makes sure that Tesseract has the data of some languages.

    Args:
        program: Its program.
        names: Its names of the languages, such as "deu".

    Raises:
        InputError: One is missing.
    """
    missing = names - set(_listed(program).splitlines()[1:])
    if missing:
        raise InputError(f"Tesseract has no data for {', '.join(sorted(missing))}; {_how_to_install(missing)}.")


def tesseract_version(program: str) -> str:
    """Such as "5.3.0"."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (told.stdout or told.stderr).split()[1]


def _listed(program: str) -> str:
    return subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False).stdout


def _how_to_install(names: Iterable[str]) -> str:
    packages = " ".join(f"tesseract-ocr-{name}" for name in sorted(names))
    return f"on Debian run `apt-get install tesseract-ocr {packages}`, or leave it out with --readers"
