"""Everything that can go wrong for a user, each kind with an exit code of its own.

A message is one sentence that names the thing and says what to do about it. The command line prints it
and leaves with the code; the Python API raises the class. Whatever is not a `TypecaseError` is a bug.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `typecase` command."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INPUT = 3
    MODEL = 4
    SOME_INPUTS = 5
    OUTPUT = 6
    MISSING_EXTRA = 7
    DATA = 8
    NETWORK = 9
    PASSWORD = 10
    TOO_LARGE = 11
    INTERRUPTED = 130


class TypecaseError(Exception):
    """Base of every error that is not a bug of ours."""

    exit_code: ExitCode = ExitCode.INTERNAL


class UsageError(TypecaseError):
    """An option or a setting is unknown, misspelt, out of range or at odds with another."""

    exit_code = ExitCode.USAGE


class InputError(TypecaseError):
    """A picture is missing, empty, damaged, too large, or no picture at all."""

    exit_code = ExitCode.INPUT


class PasswordError(InputError):
    """A document is encrypted, and its password is missing or wrong."""

    exit_code = ExitCode.PASSWORD


class TooLargeError(InputError):
    """A picture or page exceeds a limit, which an option raises."""

    exit_code = ExitCode.TOO_LARGE


class ModelError(TypecaseError):
    """A model file is missing, damaged, unsafe, made for something else, or newer than this program."""

    exit_code = ExitCode.MODEL


class SomeInputsError(TypecaseError):
    """Some inputs could not be read; the others were done."""

    exit_code = ExitCode.SOME_INPUTS


class OutputError(TypecaseError):
    """A result cannot be written: no space, no permission, or it would overwrite something."""

    exit_code = ExitCode.OUTPUT


class ExistsError(OutputError):
    """A result is there already, and may not be overwritten."""


class MissingExtraError(TypecaseError):
    """A library is needed that the light install does not bring."""

    exit_code = ExitCode.MISSING_EXTRA

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs libraries that are not installed; run: pip install 'typecase[{extra}]'")
        self.extra = extra


class DataError(TypecaseError):
    """A data set is missing, empty, unsafe to unpack, or too much of it is damaged."""

    exit_code = ExitCode.DATA


class NetworkError(TypecaseError):
    """A download failed or what came is not what was expected."""

    exit_code = ExitCode.NETWORK
