"""Errors of the system are told apart, and each sentence is true and says what to do."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files import system_errors
from aitex_utils.files.system_errors import explain, is_in_use, is_writable, try_again


def system_error(code: int, winerror: int | None = None) -> OSError:
    error = OSError(code, os.strerror(code))
    if winerror is not None:
        error.winerror = winerror
    return error


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            system_error(errno.ENOSPC),
            r"The disk is full \(\d+ MiB free\), so .*a\.csv was not written: free some space",
        ),
        (system_error(errno.EINVAL, 112), "The disk is full"),
        (OSError("12800 requested and 12256 written"), "The disk is full"),
        (system_error(errno.EDQUOT), "your quota on this disk is used up"),
        (system_error(errno.EROFS), "is read-only, as its whole disk is"),
        (system_error(errno.ENAMETOOLONG), r"too long \(\d+ characters\), choose a shorter one"),
        (system_error(errno.ENOENT, 206), r"too long \(\d+ characters\)"),
        (system_error(errno.EILSEQ), "does not allow the name 'a.csv'"),
        (system_error(errno.EINVAL, 123), "does not allow the name 'a.csv'"),
        (system_error(errno.EIO), f'the system says "{os.strerror(errno.EIO)}"'),
        (OSError("words of a driver"), 'the system says "words of a driver"'),
    ],
)
def test_a_cause_that_can_be_told_apart_is_named(target: Path, error: OSError, expected: str):
    explained = explain(error, target)
    assert isinstance(explained, InputError)
    with pytest.raises(InputError, match=expected):
        raise explained


def test_an_input_error_stays_what_it_is(target: Path):
    error = MissingError("gone")
    assert explain(error, target) is error


def test_a_missing_folder_and_a_missing_file(target: Path):
    with pytest.raises(MissingError, match=r"the folder .*nowhere does not exist or disappeared"):
        raise explain(system_error(errno.ENOENT), target.parent / "nowhere" / "a.csv")
    with pytest.raises(MissingError, match='the system says "No such file'):
        raise explain(system_error(errno.ENOENT), target)


def test_what_is_in_the_way_is_named(target: Path):
    target.write_text("mine")
    for name, expected in (("a.csv", "a file of that name"), ("a.csv/b/c", r"a file of .*a\.csv is in the way")):
        with pytest.raises(InputError, match=expected):
            raise explain(system_error(errno.ENOTDIR), target.parent / name)
    with pytest.raises(InputError, match="a folder of that name is in the way"):
        raise explain(system_error(errno.EISDIR), target.parent)


@pytest.mark.parametrize("error", [system_error(errno.EACCES), system_error(errno.EBUSY), system_error(22, 32)])
def test_read_only_and_in_use_are_told_apart(target: Path, monkeypatch: pytest.MonkeyPatch, error: OSError):
    with pytest.raises(InputError, match="takes other files"):
        raise explain(error, target)
    target.write_text("x")
    with pytest.raises(InputError, match="another program uses it"):
        raise explain(error, target)
    with pytest.raises(InputError, match="a program uses it or a file in it"):
        raise explain(error, target.parent)
    with monkeypatch.context() as patch:
        patch.setattr(system_errors.os, "access", lambda *_: False)
        with pytest.raises(InputError, match=r"a\.csv cannot be replaced: it is read-only for you"):
            raise explain(error, target)
    monkeypatch.setattr(system_errors, "is_writable", lambda folder: False)
    with pytest.raises(InputError, match="the folder .* is read-only for you"):
        raise explain(error, target)


def test_is_writable_leaves_nothing(tmp_path: Path):
    assert is_writable(tmp_path) and not is_writable(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_use_is_tried_again_and_other_errors_are_not(monkeypatch: pytest.MonkeyPatch):
    calls: list[int] = []

    def fail(times: int, error: OSError) -> None:
        calls.append(1)
        if len(calls) <= times:
            raise error

    try_again(lambda: fail(3, system_error(errno.EACCES)))
    assert len(calls) == 4
    calls.clear()
    with pytest.raises(OSError, match="No space"):
        try_again(lambda: fail(1, system_error(errno.ENOSPC)))
    assert len(calls) == 1 and not is_in_use(system_error(errno.ENOSPC))
    with pytest.raises(PermissionError):
        try_again(lambda: fail(9, PermissionError(errno.EACCES, "held")), unless=lambda: True)
    monkeypatch.setattr(system_errors, "PATIENCE", 0.2)
    calls.clear()
    begin = time.monotonic()
    with pytest.raises(PermissionError):
        try_again(lambda: fail(10**9, PermissionError(errno.EACCES, "held")))
    assert 0.2 <= time.monotonic() - begin < 5 and len(calls) > 2
