"""A write is whole or does not happen: after any failure the previous content stays, and no temporary file."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files import atomic_write as atomic_write_module
from aitex_utils.files import system_errors
from aitex_utils.files.atomic_write import (
    atomic_write,
    check_writable,
    remove_folder,
    remove_leftovers,
    scratch_folder,
    settle,
    sha256,
)
from aitex_utils.files.ownership import Manifest

MANIFEST = Manifest("list.json", "a test's folder", dict.fromkeys)


def write_folder(target: Path, text: str, name: str = "a.txt") -> None:
    with atomic_write(target, folder=True, manifest=MANIFEST) as inside:
        (inside / name).write_text(text)
        (inside / MANIFEST.file).write_text(json.dumps([name]))


def contents(folder: Path) -> dict[str, str]:
    """Return the text of every file below `folder`, hidden ones included, but for the manifests."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST.file]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for two seconds where a test simulates a file in use."""
    monkeypatch.setattr(system_errors, "PATIENCE", 0.1)


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
    write_folder(tmp_path / "bank", "two", name="b.txt")
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
        with atomic_write(target, folder=folder, manifest=MANIFEST) as path:
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
    with pytest.raises(InputError if isinstance(error, OSError) else type(error)):
        write_folder(tmp_path / "bank", "new")
    assert contents(tmp_path) == {"bank/a.txt": "previous"}
    assert os.listdir(tmp_path) == ["bank"]


def test_a_previous_folder_that_cannot_be_restored_is_kept_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_folder(tmp_path / "bank", "previous")
    replace = os.replace

    def fail(source, target):
        if Path(target) == tmp_path / "bank":
            raise OSError(errno.EIO, "input/output error")
        replace(source, target)

    monkeypatch.setattr(atomic_write_module.os, "replace", fail)
    with pytest.raises(InputError, match="bank was neither replaced nor restored.*rename") as caught:
        write_folder(tmp_path / "bank", "new")
    [(name, text)] = contents(tmp_path).items()
    assert text == "previous"
    assert str((tmp_path / name).parent) in str(caught.value)


def test_a_full_disk_is_reported_with_the_free_space(tmp_path: Path):
    (tmp_path / "a.csv").write_text("previous")
    expected = r"^The disk is full \(\d+ MiB free\).*a\.csv was not written.*free some space"
    with pytest.raises(InputError, match=expected) as caught:
        with atomic_write(tmp_path / "a.csv"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
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

    (tmp_path / "bank").mkdir()
    monkeypatch.setattr(atomic_write_module.os, "mkdir", refuse)
    expected = rf"a\.csv cannot be written: the folder {re.escape(str(tmp_path))} is read-only.*another (folder|disk)"
    with pytest.raises(InputError, match=expected):
        with atomic_write(tmp_path / "a.csv"):
            pass
    with pytest.raises(InputError, match=rf"the folder {re.escape(str(tmp_path))} is read-only"):  # the parent
        write_folder(tmp_path / "bank", "")


def test_a_missing_parent_in_a_read_only_folder_names_that_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(system_errors.tempfile, "mkdtemp", refuse)
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


def test_other_errors_of_the_system_keep_their_words(tmp_path: Path):
    with pytest.raises(InputError, match=r'a\.csv was not written: the system says "input/output error"') as caught:
        with atomic_write(tmp_path / "a.csv"):
            raise OSError(errno.EIO, "input/output error")
    assert isinstance(caught.value.__cause__, OSError)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", os.path.abspath("elsewhere.png")),
        ConnectionResetError(errno.ECONNRESET, "Connection reset"),
        TimeoutError("slow"),
        OSError("a library's own words"),
    ],
)
def test_errors_about_something_else_are_not_blamed_on_the_target(tmp_path: Path, error: OSError):
    with pytest.raises(type(error)) as caught:
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


# Names, links and obstacles


@pytest.mark.parametrize("target", ["", " ", None, 7, b"x", "a\0b", "\ud800", ["a"]])
@pytest.mark.parametrize("folder", [False, True])
def test_a_target_that_is_no_path_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: object, folder: bool
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is no path: give the name of a file or folder"):
        with atomic_write(target, folder=folder):
            pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("target", [".", "..", "../here", "/"])
def test_the_folder_in_which_the_program_works_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match="is the folder in which this program works"):
        write_folder(Path(target), "new")
    assert os.listdir(tmp_path) == ["here"]


@pytest.mark.parametrize("name", ["new", "previous", "deleted", "a" * 200, "ü" * 90, "a.b-c_1", "...x"])
def test_every_name_can_be_written_twice(tmp_path: Path, name: str):
    for text in ("one", "two"):
        write_folder(tmp_path / name, text)
        with atomic_write(tmp_path / f"{name}.csv") as path:
            path.write_text(text)
    assert contents(tmp_path) == {f"{name}/a.txt": "two", f"{name}.csv": "two"}


def test_a_name_that_is_too_long_gives_one_sentence(tmp_path: Path):
    with pytest.raises(InputError, match="too long"):
        write_folder(tmp_path / ("a" * 300), "one")
    assert os.listdir(tmp_path) == []


def test_links_are_followed_and_stay_links(tmp_path: Path):
    write_folder(tmp_path / "far" / "bank", "one")
    (tmp_path / "far" / "a.csv").write_text("one")
    (tmp_path / "near").mkdir()
    for name in ("bank", "a.csv", "dangling"):
        (tmp_path / "near" / name).symlink_to(tmp_path / "far" / name)
    write_folder(tmp_path / "near" / "bank", "two")
    for name in ("a.csv", "dangling"):
        with atomic_write(tmp_path / "near" / name) as path:
            path.write_text("two")
    assert all(path.is_symlink() for path in (tmp_path / "near").iterdir())
    assert contents(tmp_path / "far") == {"bank/a.txt": "two", "a.csv": "two", "dangling": "two"}
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(InputError, match="circle was not written|circle cannot be written"):
        write_folder(tmp_path / "circle", "one")


# Content of others


def test_a_folder_with_a_foreign_file_is_refused_before_the_work(tmp_path: Path):
    write_folder(tmp_path / "bank", "one")
    (tmp_path / "bank" / "thesis.txt").write_text("years of work")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="bank contains thesis.txt"):
        with atomic_write(tmp_path / "bank", folder=True, manifest=MANIFEST):
            raise AssertionError("the block is not reached")
    with pytest.raises(InputError, match="bank contains thesis.txt"):
        remove_folder(tmp_path / "bank", MANIFEST)
    assert contents(tmp_path) == before


def test_a_foreign_file_that_appears_during_the_work_is_kept(tmp_path: Path):
    write_folder(tmp_path / "bank", "one")
    with pytest.raises(InputError, match="bank contains thesis.txt"):
        with atomic_write(tmp_path / "bank", folder=True, manifest=MANIFEST) as inside:
            (inside / "a.txt").write_text("two")
            (tmp_path / "bank" / "thesis.txt").write_text("years of work")
    assert contents(tmp_path) == {"bank/a.txt": "one", "bank/thesis.txt": "years of work"}
    assert os.listdir(tmp_path) == ["bank"]


def test_without_a_manifest_only_an_empty_folder_is_replaced(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with atomic_write(tmp_path / "empty", folder=True) as inside:
        (inside / "a.txt").write_text("one")
    with pytest.raises(InputError, match="empty contains a.txt"):
        with atomic_write(tmp_path / "empty", folder=True):
            pass
    assert contents(tmp_path) == {"empty/a.txt": "one"}


def test_a_folder_is_removed_and_a_missing_one_is_no_error(tmp_path: Path):
    write_folder(tmp_path / "bank", "one")
    for _ in range(2):
        remove_folder(tmp_path / "bank", MANIFEST)
        assert os.listdir(tmp_path) == []


# Files in use, and leftovers


@pytest.mark.parametrize("failures", [3, 10**9])
def test_a_folder_in_use_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int):
    write_folder(tmp_path / "bank", "one")
    replace, calls = os.replace, []

    def held(source, target):
        calls.append(source)
        if len(calls) <= failures:
            raise PermissionError(errno.EACCES, "Access is denied", str(source))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write_module.os, "replace", held)
        if failures == 3:
            write_folder(tmp_path / "bank", "two")
        else:
            with pytest.raises(InputError, match="bank cannot be replaced, .*a program uses it or a file in it"):
                write_folder(tmp_path / "bank", "two")
    assert contents(tmp_path) == {"bank/a.txt": "two" if failures == 3 else "one"}


def leftover(folder: Path, name: str, process: int, machine: str | None = None) -> Path:
    """Make the temporary folder that a killed process leaves behind, with the previous version in it."""
    machine = machine or atomic_write_module._machine()
    path = folder / f".{name}.{machine}-{process}-abcd1234"
    for part in ("new", "previous"):
        (path / part / name).mkdir(parents=True)
        (path / part / name / "a.txt").write_text(part)
    return path


ENDED = 2**22 + 1  # no system gives such a number to a process


def test_the_previous_folder_of_a_killed_process_is_put_back_before_a_read(tmp_path: Path):
    leftover(tmp_path, "bank", ENDED)
    assert settle(tmp_path / "bank") and not settle(tmp_path / "bank")
    assert contents(tmp_path) == {"bank/a.txt": "previous"}
    assert os.listdir(tmp_path) == ["bank"]


def test_leftovers_are_removed_by_the_next_write_to_the_same_place(tmp_path: Path):
    write_folder(tmp_path / "bank", "one")
    leftover(tmp_path, "bank", ENDED)
    other = leftover(tmp_path, "other", ENDED)
    write_folder(tmp_path / "bank", "two")
    assert contents(tmp_path / "bank") == {"a.txt": "two"} and other.is_dir()
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["bank", "other"]


def test_a_scratch_folder_is_deleted_and_removes_those_of_killed_processes(tmp_path: Path):
    leftover(tmp_path, "bank", ENDED, None)
    (tmp_path / "bank").mkdir()
    other = leftover(tmp_path, "bank", os.getpid())
    with pytest.raises(KeyboardInterrupt), scratch_folder(tmp_path / "bank") as scratch:
        (scratch / "queries.npy").touch()
        assert scratch.parent.parent == tmp_path and len(os.listdir(tmp_path)) == 3
        raise KeyboardInterrupt
    assert sorted(os.listdir(tmp_path)) == sorted(["bank", other.name])


def test_what_is_not_provably_a_leftover_stays(tmp_path: Path):
    """A process that runs, another machine, and folders that only look alike."""
    kept = [
        leftover(tmp_path, "bank", os.getpid()),
        leftover(tmp_path, "bank", os.getppid()),
        leftover(tmp_path, "bank", ENDED, machine="0" * 8),
        tmp_path / ".bank.abcd1234",
        tmp_path / ".bank.older",
    ]
    foreign = leftover(tmp_path, "bank", ENDED + 1)
    (foreign / "thesis.txt").write_text("years of work")
    for path in kept[3:]:
        path.mkdir()
        (path / "thesis.txt").write_text("years of work")
    before = contents(tmp_path)
    write_folder(tmp_path / "bank", "one")
    remove_leftovers(tmp_path)
    assert contents(tmp_path) == before | {"bank/a.txt": "one"}


def test_a_process_number_that_was_given_again_does_not_protect_a_leftover(tmp_path: Path):
    path = leftover(tmp_path, "bank", os.getpid())
    os.utime(path, (1, 1))  # long before this process began
    remove_leftovers(tmp_path, "bank")
    assert contents(tmp_path) == {"bank/a.txt": "previous"}


def test_a_check_writes_nothing_and_finds_what_a_write_would_find(tmp_path: Path):
    write_folder(tmp_path / "bank", "one")
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    check_writable(tmp_path / "bank", folder=True, manifest=MANIFEST)
    check_writable(tmp_path / "file")
    check_writable(tmp_path / "new.csv")
    for target, manifest in ((tmp_path / "file", MANIFEST), (tmp_path / "bank", None), (tmp_path / "file" / "a", None)):
        with pytest.raises(InputError):
            check_writable(target, folder=True, manifest=manifest)
    with pytest.raises(InputError):
        check_writable(tmp_path / "bank")
    assert contents(tmp_path) == before and sorted(os.listdir(tmp_path)) == ["bank", "file"]
