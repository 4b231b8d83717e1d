"""Written whole or not at all: whatever goes wrong, the older file or folder stays and nothing is left over."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils import atomic_write as files
from aitex_utils.atomic_write import sha256, write_whole
from aitex_utils.errors import InputError, MissingError


def write_folder(target: Path, text: str) -> None:
    with write_whole(target, folder=True) as inside:
        (inside / "a.txt").write_text(text)


def contents(folder: Path) -> dict[str, str]:
    """Every file below `folder`, hidden ones included."""
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_file_is_written_and_replaced(tmp_path: Path):
    target = tmp_path / "deep" / "er" / "scores.csv"
    for text in ("one", "two"):
        with write_whole(target) as path:
            assert path.name == "scores.csv"  # its suffix tells a writer the format
            path.write_text(text)
            assert not target.exists() or target.read_text() == "one"
    assert contents(tmp_path) == {"deep/er/scores.csv": "two"}
    assert os.listdir(target.parent) == ["scores.csv"]


@pytest.mark.parametrize("name", ["bank", "replaced", "bank.older", ".hidden", "Prüfung 1"])
def test_folder_is_written_and_replaced(tmp_path: Path, name: str):
    for text in ("one", "two", "three"):
        write_folder(tmp_path / name, text)
    assert contents(tmp_path) == {f"{name}/a.txt": "three"}
    assert os.listdir(tmp_path) == [name]


def test_replacing_a_folder_leaves_no_older_file_in_it(tmp_path: Path):
    write_folder(tmp_path / "bank", "one")
    with write_whole(tmp_path / "bank", folder=True) as inside:
        (inside / "b.txt").write_text("two")
    assert contents(tmp_path) == {"bank/b.txt": "two"}


def test_target_that_ends_in_dots(tmp_path: Path):
    write_folder(tmp_path / "bank" / "sub" / "..", "one")
    assert contents(tmp_path) == {"bank/a.txt": "one"}


def test_relative_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with write_whole("scores.csv") as path:
        path.write_text("one")
    assert contents(tmp_path) == {"here/scores.csv": "one"}
    with write_whole("../other.csv") as path:
        path.write_text("two")
    assert contents(tmp_path) == {"here/scores.csv": "one", "other.csv": "two"}


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt(), InputError("no"), MissingError("gone")])
@pytest.mark.parametrize("folder", [False, True])
def test_error_in_the_block_leaves_the_older_one(tmp_path: Path, error: BaseException, folder: bool):
    target = tmp_path / "target"
    if folder:
        write_folder(target, "older")
    else:
        target.write_text("older")
    before = contents(tmp_path)
    with pytest.raises(type(error)) as caught:
        with write_whole(target, folder=folder) as path:
            (path / "a.txt" if folder else path).write_text("half")
            raise error
    assert caught.value is error and caught.value.__cause__ is None  # passed on as it was
    assert contents(tmp_path) == before
    assert os.listdir(tmp_path) == ["target"]


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "input/output error"), KeyboardInterrupt()])
def test_failing_rename_leaves_the_older_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, error: BaseException
):
    """A folder is replaced by two renames; the older one survives whichever of them fails."""
    write_folder(tmp_path / "bank", "older")
    calls, replace = [], os.replace

    def fail(*names):
        calls.append(names)
        if len(calls) == failing:
            raise error
        replace(*names)

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(type(error)):
        write_folder(tmp_path / "bank", "newer")
    assert contents(tmp_path) == {"bank/a.txt": "older"}
    assert os.listdir(tmp_path) == ["bank"]


def test_older_folder_that_cannot_be_put_back_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_folder(tmp_path / "bank", "older")
    replace = os.replace

    def fail(source, target):
        if Path(target).name == "bank":
            raise OSError(errno.EIO, "input/output error")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(
        InputError, match="bank was neither replaced nor put back: it is whole in .*, rename it"
    ) as caught:
        write_folder(tmp_path / "bank", "newer")
    [(name, text)] = contents(tmp_path).items()
    assert text == "older"
    assert str((tmp_path / name).parent) in str(caught.value)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk(tmp_path: Path, code: int):
    (tmp_path / "a.csv").write_text("older")
    expected = r"^The disk is full \(\d+ MiB free\), so .*a\.csv wasn't written: free some space"
    with pytest.raises(InputError, match=expected) as caught:
        with write_whole(tmp_path / "a.csv"):
            raise OSError(code, os.strerror(code))
    assert isinstance(caught.value.__cause__, OSError)
    assert contents(tmp_path) == {"a.csv": "older"}


def test_full_disk_as_numpy_tells_it(tmp_path: Path):
    """`ndarray.tofile`, which `np.save` calls, raises an OSError without errno."""
    with pytest.raises(InputError, match="The disk is full"):
        with write_whole(tmp_path / "a.npy"):
            raise OSError("12800 requested and 12256 written")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int):
    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files.tempfile, "mkdtemp", refuse)
    expected = rf"a\.csv can't be written: the folder {tmp_path} is read-only for you\. Choose another folder"
    with pytest.raises(InputError, match=expected):
        with write_whole(tmp_path / "a.csv"):
            pass
    (tmp_path / "bank").mkdir()
    with pytest.raises(InputError, match=rf"the folder {tmp_path} is read-only"):  # not the one to be replaced
        write_folder(tmp_path / "bank", "")


def test_read_only_folder_that_was_to_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match=rf"the folder {tmp_path} is read-only"):
        with write_whole(tmp_path / "new" / "a.csv"):
            pass
    assert os.listdir(tmp_path) == []


def test_something_in_the_way(tmp_path: Path):
    (tmp_path / "file").write_text("older")
    write_folder(tmp_path / "folder", "older")
    before = contents(tmp_path)
    for attempt in (
        lambda: write_folder(tmp_path / "file", "newer"),
        lambda: write_folder(tmp_path / "file" / "below", "newer"),
    ):
        with pytest.raises(InputError, match="can't be written: a file or folder of that name is in the way, choose"):
            attempt()
    with pytest.raises(InputError, match="is in the way|is read-only"):  # the second is Windows' word for it
        with write_whole(tmp_path / "folder") as path:
            path.write_text("newer")
    assert contents(tmp_path) == before


def test_other_errors_stay_what_they_are(tmp_path: Path):
    error = OSError(errno.EIO, "input/output error")
    with pytest.raises(OSError) as caught:
        with write_whole(tmp_path / "a.csv"):
            raise error
    assert caught.value is error and caught.value.__cause__ is None
    assert os.listdir(tmp_path) == []


def test_block_that_writes_nothing(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        with write_whole(tmp_path / "a.csv"):
            pass
    assert os.listdir(tmp_path) == []


@given(data=st.binary(max_size=50))
def test_sha256(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(data)
    assert sha256(path) == hashlib.sha256(data).hexdigest()


def test_sha256_of_more_than_one_piece(tmp_path: Path):
    data = bytes(range(256)) * 4096 * 2 + b"end"  # 2 MiB and 3 bytes
    (tmp_path / "big").write_bytes(data)
    assert sha256(tmp_path / "big") == hashlib.sha256(data).hexdigest()
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc").startswith("ba7816bf")  # the standard's own example
