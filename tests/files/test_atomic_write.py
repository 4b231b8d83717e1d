"""A write is whole or does not happen: after any failure the previous content stays, and no temporary file."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files import atomic_write as atomic_write_module
from aitex_utils.files.atomic_write import atomic_write, sha256


def write_folder(target: Path, text: str) -> None:
    with atomic_write(target, folder=True) as inside:
        (inside / "a.txt").write_text(text)


def contents(folder: Path) -> dict[str, str]:
    """Return the text of every file below `folder`, hidden ones included."""
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_file_is_written_and_replaced(tmp_path: Path):
    target = tmp_path / "deep" / "er" / "scores.csv"
    for text in ("one", "two"):
        with atomic_write(target) as path:
            assert path.name == "scores.csv"  # writers take the format from the suffix
            path.write_text(text)
            assert not target.exists() or target.read_text() == "one"
    assert contents(tmp_path) == {"deep/er/scores.csv": "two"}
    assert os.listdir(target.parent) == ["scores.csv"]


@pytest.mark.parametrize("name", ["bank", "replaced", "bank.older", ".hidden", "Prüfung 1"])
def test_a_folder_is_written_and_replaced(tmp_path: Path, name: str):
    for text in ("one", "two", "three"):
        write_folder(tmp_path / name, text)
    assert contents(tmp_path) == {f"{name}/a.txt": "three"}
    assert os.listdir(tmp_path) == [name]


def test_a_replaced_folder_contains_no_file_of_the_previous_one(tmp_path: Path):
    write_folder(tmp_path / "bank", "one")
    with atomic_write(tmp_path / "bank", folder=True) as inside:
        (inside / "b.txt").write_text("two")
    assert contents(tmp_path) == {"bank/b.txt": "two"}


def test_a_target_that_ends_in_dots_is_resolved(tmp_path: Path):
    write_folder(tmp_path / "bank" / "sub" / "..", "one")
    assert contents(tmp_path) == {"bank/a.txt": "one"}


def test_relative_targets_are_written_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with atomic_write("scores.csv") as path:
        path.write_text("one")
    assert contents(tmp_path) == {"here/scores.csv": "one"}
    with atomic_write("../other.csv") as path:
        path.write_text("two")
    assert contents(tmp_path) == {"here/scores.csv": "one", "other.csv": "two"}


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt(), InputError("no"), MissingError("gone")])
@pytest.mark.parametrize("folder", [False, True])
def test_an_error_in_the_block_leaves_the_previous_content(tmp_path: Path, error: BaseException, folder: bool):
    target = tmp_path / "target"
    if folder:
        write_folder(target, "previous")
    else:
        target.write_text("previous")
    before = contents(tmp_path)
    with pytest.raises(type(error)) as caught:
        with atomic_write(target, folder=folder) as path:
            (path / "a.txt" if folder else path).write_text("half")
            raise error
    assert caught.value is error and caught.value.__cause__ is None  # not wrapped
    assert contents(tmp_path) == before
    assert os.listdir(tmp_path) == ["target"]


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "input/output error"), KeyboardInterrupt()])
def test_a_failed_rename_leaves_the_previous_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, error: BaseException
):
    """A folder is replaced by two renames; the previous one survives the failure of either."""
    write_folder(tmp_path / "bank", "previous")
    calls, replace = [], os.replace

    def fail(*names):
        calls.append(names)
        if len(calls) == failing:
            raise error
        replace(*names)

    monkeypatch.setattr(atomic_write_module.os, "replace", fail)
    with pytest.raises(type(error)):
        write_folder(tmp_path / "bank", "new")
    assert contents(tmp_path) == {"bank/a.txt": "previous"}
    assert os.listdir(tmp_path) == ["bank"]


def test_a_previous_folder_that_cannot_be_restored_is_kept_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_folder(tmp_path / "bank", "previous")
    replace = os.replace

    def fail(source, target):
        if Path(target).name == "bank":
            raise OSError(errno.EIO, "input/output error")
        replace(source, target)

    monkeypatch.setattr(atomic_write_module.os, "replace", fail)
    with pytest.raises(InputError, match="bank was neither replaced nor restored.*rename") as caught:
        write_folder(tmp_path / "bank", "new")
    [(name, text)] = contents(tmp_path).items()
    assert text == "previous"
    assert str((tmp_path / name).parent) in str(caught.value)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_reported_with_the_free_space(tmp_path: Path, code: int):
    (tmp_path / "a.csv").write_text("previous")
    expected = r"^The disk is full \(\d+ MiB free\).*a\.csv was not written.*free some space"
    with pytest.raises(InputError, match=expected) as caught:
        with atomic_write(tmp_path / "a.csv"):
            raise OSError(code, os.strerror(code))
    assert isinstance(caught.value.__cause__, OSError)
    assert contents(tmp_path) == {"a.csv": "previous"}


def test_numpys_error_of_a_full_disk_is_recognised(tmp_path: Path):
    """`ndarray.tofile`, which `np.save` calls, raises an OSError without errno."""
    with pytest.raises(InputError, match="The disk is full"):
        with atomic_write(tmp_path / "a.npy"):
            raise OSError("12800 requested and 12256 written")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_read_only_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int):
    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(atomic_write_module.tempfile, "mkdtemp", refuse)
    expected = rf"a\.csv cannot be written: the folder {re.escape(str(tmp_path))} is read-only.*another folder"
    with pytest.raises(InputError, match=expected):
        with atomic_write(tmp_path / "a.csv"):
            pass
    (tmp_path / "bank").mkdir()
    with pytest.raises(InputError, match=rf"the folder {re.escape(str(tmp_path))} is read-only"):  # the parent
        write_folder(tmp_path / "bank", "")


def test_a_missing_parent_in_a_read_only_folder_names_that_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match=rf"the folder {re.escape(str(tmp_path))} is read-only"):
        with atomic_write(tmp_path / "new" / "a.csv"):
            pass
    assert os.listdir(tmp_path) == []


def test_a_file_or_folder_in_the_way_is_not_overwritten(tmp_path: Path):
    (tmp_path / "file").write_text("previous")
    write_folder(tmp_path / "folder", "previous")
    before = contents(tmp_path)
    for attempt in (
        lambda: write_folder(tmp_path / "file", "new"),
        lambda: write_folder(tmp_path / "file" / "below", "new"),
    ):
        with pytest.raises(InputError, match="(file|below) cannot be written: .*in the way.*another name"):
            attempt()
    with pytest.raises(
        InputError, match="is in the way|is read-only"
    ):  # Windows reports a folder in the way as read-only
        with atomic_write(tmp_path / "folder") as path:
            path.write_text("new")
    assert contents(tmp_path) == before


def test_other_errors_are_not_wrapped(tmp_path: Path):
    error = OSError(errno.EIO, "input/output error")
    with pytest.raises(OSError) as caught:
        with atomic_write(tmp_path / "a.csv"):
            raise error
    assert caught.value is error and caught.value.__cause__ is None
    assert os.listdir(tmp_path) == []


def test_a_block_that_writes_nothing_raises_file_not_found_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        with atomic_write(tmp_path / "a.csv"):
            pass
    assert os.listdir(tmp_path) == []


@given(data=st.binary(max_size=50))
def test_sha256_equals_hashlib(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(data)
    assert sha256(path) == hashlib.sha256(data).hexdigest()


def test_sha256_of_a_file_larger_than_one_piece(tmp_path: Path):
    data = bytes(range(256)) * 4096 * 2 + b"end"  # 2 MiB and 3 bytes
    (tmp_path / "big").write_bytes(data)
    assert sha256(tmp_path / "big") == hashlib.sha256(data).hexdigest()
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc").startswith("ba7816bf")  # example of the standard, FIPS 180
