"""Files are written whole or not at all, whatever goes wrong on the way."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.errors import InputError, OutputError
from typecase.files import atomic_write, cache_folder, sha256_of


def test_new_file_is_written_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "result.txt"
    with atomic_write(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffix == ".txt"
        assert not target.exists()
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_old_file_survives_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    target.write_bytes(b"old")
    with atomic_write(target) as temporary:
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize(
    "error", [ValueError("ours"), KeyboardInterrupt(), OSError(errno.ENOENT, "gone", "/elsewhere")]
)
def test_failure_of_the_body_passes_through_and_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "model.bin"
    target.write_bytes(b"old")
    with pytest.raises(type(error)) as caught, atomic_write(target) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert caught.value is error
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "quota"),
        (OSError(errno.EROFS, "Read-only file system"), "read-only"),
        (RuntimeError("Error while serializing: No space left on device (os error 28)"), "disk is full"),
    ],
)
def test_full_disk_while_writing_is_one_sentence_and_the_old_file_survives(
    tmp_path: Path, error: Exception, words: str
) -> None:
    target = tmp_path / "checkpoint.safetensors"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match=words) as caught, atomic_write(target) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert str(target) in str(caught.value)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_full_disk_at_the_last_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "checkpoint.safetensors"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(OutputError, match="disk is full"), atomic_write(target) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_truly_full_device(tmp_path: Path) -> None:
    target = tmp_path / "result.bin"
    with pytest.raises(OutputError, match="disk is full"), atomic_write(target), Path("/dev/full").open("wb") as full:
        full.write(b"x" * 100_000)
    assert not target.exists()


def test_no_permission_is_noticed_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Any, *_: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OutputError, match="permission is denied"), atomic_write(tmp_path / "result"):
        pytest.fail("the body ran")


def test_folder_device_and_file_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"), atomic_write(tmp_path):
        pytest.fail("the body ran")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file, not a folder"), atomic_write(tmp_path / "file" / "result"):
        pytest.fail("the body ran")
    with pytest.raises(OutputError, match="not an ordinary file"), atomic_write(os.devnull):
        pytest.fail("the body ran")


def test_permissions_and_links_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_new_file_has_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic_write(tmp_path / "ours") as temporary:
        temporary.touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@given(st.binary(max_size=300_000))
def test_sha256_is_that_of_the_content(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("hash") / "file"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


def test_sha256_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        sha256_of(tmp_path / "missing")


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("TYPECASE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "typecase"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / "home" / ".cache" / "typecase"
    assert cache_folder().is_dir()


def test_cache_folder_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="set TYPECASE_CACHE"):
        cache_folder()
