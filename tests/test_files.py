"""Files and folders appear whole or not at all, whatever goes wrong on the way."""

import errno
import hashlib
import os
import re
import stat
from pathlib import Path

import pytest

from models import tree
from skimrnn import files
from skimrnn.files import new_file, new_folder, sha256, write_atomically

FAILURES = [OSError(errno.ENOSPC, "disk full while saving"), KeyboardInterrupt()]


def fail_once(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, error: BaseException):
    """Let one call of a function fail, then work again, so that cleaning up can."""
    original, left = getattr(owner, name), [error]

    def fails(*args, **kwargs):
        if left:
            raise left.pop()
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, fails)
    return left


def test_write_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"")
    assert tree(tmp_path) == {"a": None, "a/b": None, "a/b/file": b""}
    write_atomically(path, b"two\r\n\x00")
    assert path.read_bytes() == b"two\r\n\x00"


@pytest.mark.parametrize("name", ["é" * 120, "x" * 255, "a b"])
def test_write_takes_any_name_the_disk_takes(name: str, tmp_path: Path) -> None:
    write_atomically(tmp_path / name, b"one")
    assert tree(tmp_path) == {name: b"one"}


def test_write_does_not_replace_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "folder", b"one")
    assert tree(tmp_path) == {"folder": None}


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_what_is_written_has_the_usual_mode(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file", b"one")
        with new_folder(tmp_path / "folder") as new:
            (new / "inside").write_bytes(b"two")
    finally:
        found = os.umask(before)
    assert found == umask
    modes = {
        name: stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ("file", "folder", "folder/inside")
    }
    assert modes == {
        "file": 0o666 & ~umask,
        "folder": 0o777 & ~umask,
        "folder/inside": 0o666 & ~umask,
    }


@pytest.mark.parametrize("error", FAILURES, ids=repr)
@pytest.mark.parametrize("place", [(os, "fsync"), (Path, "replace")], ids=lambda p: p[1])
def test_write_that_fails_changes_nothing(place, error, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_bytes(b"old")
    left = fail_once(monkeypatch, *place, error)
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "file", b"new")
    assert not left
    assert tree(tmp_path) == {"file": b"old"}


def test_new_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    with new_folder(tmp_path / "deep" / "folder") as new:
        (new / "sub").mkdir()
        (new / "sub" / "file").write_bytes(b"new")
        assert not (tmp_path / "deep" / "folder").exists()
    assert tree(tmp_path) == {
        "deep": None,
        "deep/folder": None,
        "deep/folder/sub": None,
        "deep/folder/sub/file": b"new",
    }


def test_new_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for number in range(3):
        with new_folder(folder) as new:
            (new / f"file{number}").write_bytes(b"%d" % number)
        assert tree(tmp_path) == {"folder": None, f"folder/file{number}": b"%d" % number}


def test_new_folder_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "version1").mkdir()
    (tmp_path / "current").symlink_to("version1")
    with new_folder(tmp_path / "current") as new:
        (new / "file").write_bytes(b"new")
    assert (tmp_path / "current").is_symlink()
    assert tree(tmp_path / "version1") == {"file": b"new"}


def test_new_folder_may_be_given_relative(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with new_folder(Path("folder")) as new:
        (new / "file").write_bytes(b"new")
    assert tree(tmp_path) == {"folder": None, "folder/file": b"new"}


@pytest.mark.parametrize("old", [True, False], ids=["old", "no old"])
@pytest.mark.parametrize("error", [*FAILURES, ValueError("wrong")], ids=repr)
def test_a_failed_block_changes_nothing(error, old: bool, tmp_path: Path) -> None:
    if old:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "file").write_bytes(b"old")
    before = tree(tmp_path)

    def fill() -> None:
        with new_folder(tmp_path / "folder") as new:
            (new / "file").write_bytes(b"half")
            raise error

    with pytest.raises(type(error)):
        fill()
    assert tree(tmp_path) == before


@pytest.mark.parametrize("error", FAILURES, ids=repr)
@pytest.mark.parametrize("call", range(3), ids=["set aside", "put in place", "no third"])
def test_a_failed_rename_changes_nothing(call: int, error, tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    original, calls = Path.rename, []

    def rename(path, target):
        calls.append(target)
        if len(calls) == call + 1:
            raise error
        return original(path, target)

    monkeypatch.setattr(Path, "rename", rename)

    def fill() -> None:
        with new_folder(folder) as new:
            (new / "file").write_bytes(b"new")

    if call == 2:
        fill()
        assert len(calls) == 2
    else:
        with pytest.raises(type(error)):
            fill()
    expected = b"new" if call == 2 else b"old"
    assert tree(tmp_path) == {"folder": None, "folder/file": expected}


def test_the_old_folder_is_kept_aside_if_it_cannot_be_put_back(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    original, calls = Path.rename, []

    def rename(path, target):
        calls.append(target)
        if len(calls) > 1:
            raise OSError(errno.EIO, "the disk is gone")
        return original(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="gone"), new_folder(folder) as new:
        (new / "file").write_bytes(b"new")
    (aside,) = tmp_path.iterdir()
    assert aside.name.startswith(".folder.")
    assert tree(aside) == {"file": b"old"}


def test_sha256(tmp_path: Path) -> None:
    for data in (b"", b"abc", bytes(range(256)) * 5000):
        (tmp_path / "file").write_bytes(data)
        assert sha256(tmp_path / "file") == hashlib.sha256(data).hexdigest()


def test_write_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_write_goes_into_a_pipe_and_leaves_it_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, b"into the pipe")
        assert os.read(reader, 100) == b"into the pipe"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="no names of open files on this system")
def test_write_goes_into_a_pipe_without_a_name() -> None:
    reader, writer = os.pipe()
    try:
        write_atomically(Path(f"/dev/fd/{writer}"), b"into the pipe")
        assert os.read(reader, 100) == b"into the pipe"
    finally:
        os.close(reader)
        os.close(writer)


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "folder", tmp_path / "file" / "page.html"):
        with pytest.raises(OSError, match=re.escape(str(path))) as caught:
            write_atomically(path, b"new")
        assert caught.value.filename == str(path)


def test_what_a_killed_process_left_is_cleared_up(tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    write_atomically(file, b"kept")
    with new_folder(folder) as new:
        (new / "inside").write_bytes(b"kept")
    for path in (file, folder):
        files._beside(path, "new").write_bytes(b"half")
    files._beside(folder, "new").mkdir()
    files._beside(folder, "old").mkdir()
    others = tmp_path / ".other.new-0"
    others.write_bytes(b"")
    for path in (file, folder, tmp_path / "absent"):
        files.clear_up(path)
    assert sorted(tmp_path.iterdir()) == [others, file, folder]
    assert file.read_bytes() == (folder / "inside").read_bytes() == b"kept"


def test_a_folder_set_aside_comes_back_if_nothing_took_its_place(tmp_path: Path) -> None:
    """A process killed between the two renames of a replacement."""
    folder = tmp_path / "folder"
    aside = files._beside(folder, "old")
    aside.mkdir()
    (aside / "inside").write_bytes(b"kept")
    files._beside(folder, "new").mkdir()
    files.clear_up(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (folder / "inside").read_bytes() == b"kept"


def test_a_file_that_is_filled_appears_at_the_end_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with new_file(path) as file:
        file.write(b"one")
        file.write(b" two")
        assert not path.exists()
    assert tree(tmp_path) == {"folder": None, "folder/file": b"one two"}
    with pytest.raises(ValueError, match="closed file"), new_file(path) as file:
        file.close()
    assert tree(tmp_path) == {"folder": None, "folder/file": b"one two"}
