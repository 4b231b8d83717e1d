"""One process at a time writes to a place: the second one is refused, and a killed one is no obstacle."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from aitex_utils.errors import InputError
from aitex_utils.files.locking import only_one

REFUSAL = "Another process writes here: wait until it has ended."
HOLD = """
import sys, time, filelock
lock = filelock.FileLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_process_is_refused_and_a_killed_one_is_no_obstacle(tmp_path: Path):
    file = tmp_path / "new" / ".lock"
    file.parent.mkdir()
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(InputError, match=REFUSAL), only_one(file, REFUSAL):
            raise AssertionError
    finally:
        other.kill()
        other.wait()
    with only_one(file, REFUSAL):
        pass
    assert os.listdir(file.parent) == []


@pytest.mark.parametrize("error", [InputError("x"), KeyboardInterrupt()])
def test_the_lock_ends_with_the_block(tmp_path: Path, error: BaseException):
    with pytest.raises(type(error)), only_one(tmp_path / ".lock", REFUSAL):
        raise error
    assert os.listdir(tmp_path) == []


def test_a_place_that_takes_no_lock_is_explained(tmp_path: Path):
    (tmp_path / "lock").mkdir()
    (tmp_path / "file").touch()
    for place in (tmp_path / "lock", tmp_path / "file" / "lock"):
        with pytest.raises(InputError, match="is in the way, choose another name"), only_one(place, REFUSAL):
            raise AssertionError


def test_a_disk_without_locks_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(self: filelock.FileLock) -> None:
        raise NotImplementedError

    monkeypatch.setattr(filelock.FileLock, "__enter__", refuse)
    with only_one(tmp_path / ".lock", REFUSAL):
        ran = True
    assert ran
