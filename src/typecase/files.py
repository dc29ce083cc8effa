"""Files of our own: written whole or not at all, and found again.

Every result that the program writes goes through `atomic_write`, so that a full disk, a Ctrl-C or a power cut leaves
either the old file or the new one, never half of it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from typecase.errors import ExistsError, InputError, OutputError

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file is larger than the file system allows; choose another folder",
    errno.EIO: "the disk reports an error; check it, or choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "permission is denied; change the permissions or choose another folder",
    errno.EPERM: "permission is denied; change the permissions or choose another folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
    errno.EEXIST: "a part of the path is a file, not a folder; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ENOENT: "the folder is no longer there; create it again or choose another one",
}

# These speak of the disk that is written to, whichever call noticed them; the others only when they name our file.
_ALWAYS_OURS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}

# Libraries written in Rust (safetensors) report the system's error in words, in an exception class of their own.
_RUST_ERROR = re.compile(r"\(os error (\d+)\)")


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[Path]:
    """Writes a file whole or not at all.

    The body writes to the path that is given; when it ends well the file is flushed to the disk and takes the place
    of `path` in one step. When it does not, the old file is as it was and nothing is left behind. Missing
    folders are created, a symbolic link is followed, and the permissions of an old file are kept.

    Args:
        path: The file to write.
        overwrite: Whether a file that is there already, or is there by the time the body ends, may be replaced.

    Yields:
        A new, empty file in the same folder with the same suffix, for the body to write.

    Raises:
        ExistsError: The file is there already, and may not be replaced.
        OutputError: The file cannot be written: no space, no permission, a folder of that name.
    """
    shown = Path(path)
    target = shown.resolve() if shown.is_symlink() else shown
    mode = _mode_of_old(target, shown)
    if mode is not None and not overwrite:
        raise _exists(shown)
    temporary = target.with_name(f".{target.stem[:64]}.{secrets.token_hex(6)}.partial{target.suffix[:32]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Created now and not by the body, so that a folder without permission is noticed before the work is done.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise _output_error(shown, error.errno) from error
    try:
        yield temporary
        if mode is not None:
            os.chmod(temporary, mode)
        _flush(temporary)
        if overwrite:
            os.replace(temporary, target)
        else:
            _put_in_place(temporary, target, shown)
        _flush(target.parent)
    except Exception as error:
        number = _system_error(error, {temporary, target, target.parent})
        if number is None:
            raise
        raise _output_error(shown, number) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Gives the SHA-256 of a file's content as 64 hexadecimal digits.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{os.fspath(path)} cannot be read ({_words(error)}); check the path.") from error


def cache_folder() -> Path:
    """Gives the folder for things that can be made again, and creates it.

    The variable `TYPECASE_CACHE` names it; without that it is `typecase` in `XDG_CACHE_HOME`, or `~/.cache/typecase`.

    Raises:
        OutputError: The folder cannot be created.
    """
    named = os.environ.get("TYPECASE_CACHE")
    if named:
        folder = Path(named).expanduser()
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        # The XDG specification says that a relative path is to be ignored.
        folder = (base if base.is_absolute() else Path.home() / ".cache") / "typecase"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The cache folder {folder} cannot be created ({_words(error)}); set TYPECASE_CACHE to another one."
        ) from error
    return folder


def _mode_of_old(target: Path, shown: Path) -> int | None:
    try:
        old = target.stat()
    except OSError:
        return None
    if stat.S_ISDIR(old.st_mode):
        raise OutputError(f"{shown} is a folder; name a file to write.")
    if not stat.S_ISREG(old.st_mode):
        # Renaming over a device or a pipe would replace it by a file.
        raise OutputError(f"{shown} is not an ordinary file; name one to write.")
    return stat.S_IMODE(old.st_mode)


def _exists(path: Path) -> ExistsError:
    return ExistsError(f"{path} is there already; allow it to be overwritten (--overwrite), or choose another folder.")


def _put_in_place(temporary: Path, target: Path, shown: Path) -> None:
    """Gives a file its name unless that is taken, even by another process at this very moment."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise _exists(shown) from None
    except OSError:
        # Some file systems know no second name for a file; then a moment's gap is the best that there is.
        if target.exists():
            raise _exists(shown) from None
        os.replace(temporary, target)


def _flush(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        # A folder cannot be opened on Windows; the file itself was flushed by then.
        if path.is_dir():
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems know no flushing; a disk that is full or broken is another matter.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _system_error(error: Exception, ours: set[Path]) -> int | None:
    """The number of the system's error when it is about writing our file, else None."""
    if isinstance(error, OSError):
        number = error.errno
        names = {
            Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))
        }
        if number in _ALWAYS_OURS or (number in _REASONS and names & ours):
            return number
        return None
    found = _RUST_ERROR.search(str(error))
    return int(found.group(1)) if found and int(found.group(1)) in _REASONS else None


def _output_error(path: Path, number: int | None) -> OutputError:
    reason = _REASONS.get(number or 0) or f"{os.strerror(number or errno.EIO).lower()}; choose another folder"
    return OutputError(f"{path} cannot be written: {reason}.")


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
