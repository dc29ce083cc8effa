"""Archives of strangers: every way to do harm is refused with a sentence, and nothing is written outside."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from dataset_fixtures import write_folder, write_tar, write_zip
from typecase.datasets import archives
from typecase.datasets.archives import Limits, extract, identity, members, names
from typecase.errors import DataError, OutputError

FILES = {"a/1.txt": b"one", "b/2.txt": b"two", "a/3.bin": bytes(5000)}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_tar_of_every_packing_gives_its_files(tmp_path: Path, mode: str) -> None:
    # The name says nothing: the content does.
    path = write_tar(tmp_path / "data.bin", FILES, mode)
    assert dict(members(path)) == FILES
    assert list(names(path)) == list(FILES)


def test_zip_and_folder_give_the_same(tmp_path: Path) -> None:
    assert dict(members(write_zip(tmp_path / "data", FILES))) == FILES
    folder = write_folder(tmp_path / "folder", FILES)
    assert list(members(folder)) == [archives.Member(name, FILES[name]) for name in sorted(FILES)]


def test_only_wanted_files_are_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", FILES)
    assert [name for name, _ in members(path, lambda name: name.startswith("a/"))] == ["a/1.txt", "a/3.bin"]


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    files = {"./a.png": b"1", ".DS_Store": b"2", "__MACOSX/a.png": b"3", "b/.hidden/c.png": b"4", "b/._c.png": b"5"}
    assert list(names(write_tar(tmp_path / "data.tar", files, "w"))) == ["a.png"]
    assert list(names(write_folder(tmp_path / "folder", files))) == ["a.png"]


def test_extract_writes_the_files(tmp_path: Path) -> None:
    written = extract(write_tar(tmp_path / "data.tgz", FILES), tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == list(FILES)
    assert (tmp_path / "out/a/3.bin").read_bytes() == FILES["a/3.bin"]


@pytest.mark.parametrize(
    "name", ["../outside.txt", "a/../../outside.txt", "/outside.txt", "C:/outside.txt", "..\\outside.txt"]
)
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_path_out_of_the_folder_is_refused(tmp_path: Path, name: str, write) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "in").mkdir()
    path = write(tmp_path / "in" / "data", {"good.txt": b"1", name: b"2"})
    with pytest.raises(DataError, match="outside of the folder"):
        extract(path, tmp_path / "in" / "out")
    assert sorted(one.name for one in tmp_path.rglob("*.txt")) == ["good.txt"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "no ordinary file"),
        (tarfile.FIFOTYPE, "no ordinary file"),
    ],
)
def test_link_or_device_in_a_tar_is_refused(tmp_path: Path, kind: bytes, said: str) -> None:
    with tarfile.open(tmp_path / "data.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo("a/innocent.png")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(DataError, match=f"is {said}; pack it again"):
        list(members(tmp_path / "data.tgz"))


def test_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        entry = zipfile.ZipInfo("a/innocent.png")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"):
        list(members(tmp_path / "data.zip"))


def test_link_that_lay_in_the_folder_before_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="leads out of"):
        extract(write_tar(tmp_path / "data.tgz", FILES), tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "bomb", {f"{number}.png": bytes(1 << 20) for number in range(8)})
    assert path.stat().st_size < 20_000
    read = 0
    with pytest.raises(DataError, match="out of all proportion"):
        for _, data in members(path, limits=Limits(free=2 << 20)):
            read += len(data)
    assert read <= 2 << 20


@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_limits_of_size_and_number(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "data", FILES)
    with pytest.raises(DataError, match="5,000 bytes, more than the 4,999"):
        list(members(path, limits=Limits(each=4999)))
    with pytest.raises(DataError, match="more than 2 files"):
        list(members(path, limits=Limits(count=2)))
    with pytest.raises(DataError, match="or 5,005 bytes"):
        list(members(path, limits=Limits(total=5005)))
    assert len(list(members(path, limits=Limits(each=5000, count=3, total=5006)))) == 3


def test_zip_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"a.txt": bytes(3000)})
    data = path.read_bytes()
    # The size stands in the local header and in the directory at the end.
    path.write_bytes(data.replace((3000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(DataError, match="damaged"):
        list(members(path))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_truncated_tar_is_refused(tmp_path: Path, mode: str, share: float) -> None:
    noise = {f"{number}.bin": os.urandom(20_000) for number in range(10)}
    path = write_tar(tmp_path / "data.tgz", noise, mode)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match="truncated or damaged"):
        list(members(path))


def test_truncated_zip_and_flipped_bit_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", FILES)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(DataError, match="truncated or damaged"):
        list(members(path))
    path.write_bytes(whole.replace(b"\x2b\xcf\x4f\x05\x00", b"\x2b\xcf\x4e\x05\x00"))
    packed = write_tar(tmp_path / "data.tgz", {"a.bin": os.urandom(5000)})
    data = bytearray(packed.read_bytes())
    data[len(data) // 2] ^= 1
    packed.write_bytes(data)
    with pytest.raises(DataError, match="truncated or damaged"):
        list(members(packed))


def test_missing_empty_and_foreign(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list(members(tmp_path / "nothing.tgz"))
    (tmp_path / "empty.tgz").touch()
    with pytest.raises(DataError, match="is empty"):
        list(members(tmp_path / "empty.tgz"))
    (tmp_path / "text.tgz").write_text("not an archive at all\n" * 50)
    with pytest.raises(DataError, match="neither an archive"):
        list(members(tmp_path / "text.tgz"))


def test_of_a_doubled_file_the_later_stays(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "twice.tar", "w") as archive:
        for data in (b"1", b"2"):
            entry = tarfile.TarInfo("a.txt")
            entry.size = 1
            archive.addfile(entry, io.BytesIO(data))
    assert [data for _, data in members(tmp_path / "twice.tar")] == [b"1", b"2"]
    extract(tmp_path / "twice.tar", tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"2"


def test_locked_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"a.txt": b"secret"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="password"):
        list(members(path))


def test_folder_with_a_link_to_itself_ends(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", FILES)
    (folder / "a" / "again").symlink_to(folder)
    assert list(names(folder)) == sorted(FILES)


def test_identity_changes_with_the_files(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", FILES)
    before = identity(folder)
    assert identity(folder) == before
    (folder / "a/1.txt").write_bytes(b"another")
    assert identity(folder) != before
    with pytest.raises(DataError, match="does not exist"):
        identity(tmp_path / "nothing")
