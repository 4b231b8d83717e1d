"""`~` is the home folder wherever a user gives a path, and a path that cannot be used is refused in one sentence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_aitex import make_small

from aitex_utils import MemoryBank, PatchCore
from aitex_utils.commands import data, demo
from aitex_utils.datasets.dataset_check import check_dataset
from aitex_utils.errors import InputError, MissingError
from aitex_utils.files.atomic_write import atomic_write, remove_folder, settle
from aitex_utils.files.images import find_files, read_grey, read_mask
from aitex_utils.files.ownership import Manifest
from aitex_utils.files.paths import full_path, given_path, working_folder
from aitex_utils.files.persistence import read_folder, write_folder
from aitex_utils.lessons.cache import cached, clear_cache
from aitex_utils.lessons.engine.progress import progress_file, read_progress, update_entry
from aitex_utils.practice.generate import make_practice_fabric, practice_is_there
from aitex_utils.strips import find_aitex, list_strips

SMALL = {"fabrics": 1, "normal": 1, "defective": 0}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder; the program works in another empty folder."""
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


@pytest.fixture
def deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Delete the working folder, and return the folder above it."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    try:
        os.rmdir(tmp_path / "gone")
    except OSError:
        pytest.skip("this system does not delete the working folder of a program")
    return tmp_path


def bank() -> MemoryBank:
    return MemoryBank().add(np.eye(4, dtype=np.float32))


def test_a_tilde_is_the_home_folder(home: Path):
    assert given_path("~/a") == full_path(Path("~/a")) == home / "a"
    assert given_path("~") == home
    assert given_path("a/~/b") == Path("a/~/b") and given_path("./~a").name == "~a"


def test_what_is_saved_in_the_home_folder_is_there_and_is_loaded(home: Path):
    assert bank().save("~/bank") == home / "bank" and len(MemoryBank.load("~/bank")) == 4
    write_folder("~/other", {}, b"", {"vectors": np.eye(2)})
    with pytest.raises(InputError, match="other"):
        read_folder("~/other")  # of another kind, but found
    with atomic_write("~/scores.csv") as path:
        path.write_text("1")
    assert (home / "scores.csv").read_text() == "1"
    assert not settle("~/bank")
    remove_folder("~/bank", Manifest("header.json", "a bank", lambda header: dict.fromkeys(header["sha256"])))
    assert sorted(os.listdir(home)) == ["other", "scores.csv"] and os.listdir() == []


def test_strips_in_the_home_folder_are_found(home: Path, monkeypatch: pytest.MonkeyPatch):
    assert make_practice_fabric("~/p", **SMALL) == home / "p" and practice_is_there("~/p", **SMALL)
    assert data.main(["--folder", "~/q", "--fabrics", "1", "--normal", "1", "--defective", "0"]) == 0
    make_small(home / "a", ("00",))
    assert find_aitex("~/a", quiet=True) == home / "a" and len(list_strips("~/a")) == 5
    assert {issue.file for issue in check_dataset("~/a")} == {issue.file for issue in check_dataset(home / "a")}
    mask = "~/a/Mask_images/0003_002_00_mask.png"
    assert read_grey(mask).max() == 255 and read_mask(mask).any() and len(find_files("~/a")) == 7
    monkeypatch.setenv("AITEX_ROOT", "~/a")
    assert find_aitex(quiet=True) == home / "a"
    assert sorted(os.listdir(home)) == ["a", "p", "q"] and os.listdir() == []


def test_cache_and_progress_in_the_home_folder(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COURSE_CACHE", "~/cache")
    monkeypatch.setenv("COURSE_PROGRESS", "~/mine.json")
    for _ in range(2):
        cached("a", lambda: {"a": np.ones(2)})
    update_entry("exercises", "02.1", tries=1)
    assert progress_file() == home / "mine.json" and read_progress()["exercises"]["02.1"]["tries"] == 1
    assert (home / "cache" / "a").is_dir() and clear_cache() > 0 and os.listdir() == []


def test_the_demo_takes_folders_in_the_home_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    make_small(home / "a", ("00",))
    monkeypatch.setattr(demo, "run_demo", lambda *_, **__: ({}, []))
    monkeypatch.setattr(demo, "result_table", lambda _: "")
    assert demo.main(["--data", "~/a", "--out", "~/out"]) == 0
    assert sorted(os.listdir(home / "out")) == ["figures.json", "scores.csv"] and os.listdir() == []
    assert str(home / "out") in capsys.readouterr().out


@pytest.mark.parametrize("name", ["~/bank", "~no_such_user_here/bank"])
def test_without_a_home_folder_one_sentence_says_so(home: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setenv("COURSE_CACHE", name)
    monkeypatch.setenv("COURSE_PROGRESS", name)
    monkeypatch.setenv("AITEX_ROOT", name)
    for named, use in {
        "": lambda: bank().save(name),
        " ": lambda: MemoryBank.load(name),
        "  ": lambda: PatchCore.load(name),
        "   ": lambda: make_practice_fabric(name, **SMALL),
        "    ": lambda: read_grey(name),
        "     ": lambda: list_strips(name),
        "COURSE_CACHE: ": lambda: cached("a", lambda: {"a": np.ones(2)}),
        "COURSE_PROGRESS: ": progress_file,
        "AITEX_ROOT: ": find_aitex,
    }.items():
        with pytest.raises(InputError) as caught:
            use()
        assert str(caught.value).startswith(f"{named.strip(' ') and named}{name} begins with the ~ of a home folder")
    make_small(home / "a", ("00",))
    assert demo.main(["--data", str(home / "a"), "--out", name]) == 1
    assert "--out: ~" in capsys.readouterr().err and os.listdir() == []


@pytest.mark.parametrize("name", ["", " ", "a\0b", 5, None, b"bytes", "\ud800"])
def test_what_is_no_path_is_refused(name: object):
    for function in (given_path, full_path):
        with pytest.raises(InputError, match="is no path: give the name"):
            function(name)


def test_a_whole_path_works_in_a_deleted_working_folder(deleted: Path, monkeypatch: pytest.MonkeyPatch):
    assert working_folder() is None
    bank().save(deleted / "bank")
    bank().save(deleted / "bank")
    assert len(MemoryBank.load(deleted / "bank")) == 4
    make_practice_fabric(deleted / "practice", **SMALL)
    assert practice_is_there(deleted / "practice", **SMALL) and find_aitex(deleted / "practice", quiet=True)
    monkeypatch.setenv("COURSE_CACHE", str(deleted / "cache"))
    assert cached("a", lambda: {"a": np.ones(2)})["a"].sum() == 2 and (deleted / "cache" / "a").is_dir()
    shutil.rmtree(deleted / "practice")


def test_a_relative_path_in_a_deleted_working_folder_is_refused_truly(deleted: Path):
    for use in (bank().save, MemoryBank.load, PatchCore.load, practice_is_there, make_practice_fabric):
        with pytest.raises(MissingError, match="x is relative to the working folder, which was deleted"):
            use("x")


def test_an_error_about_a_relative_file_passes_a_deleted_working_folder(deleted: Path):
    with pytest.raises(FileNotFoundError, match="elsewhere") as caught, atomic_write(deleted / "a.csv"):
        open("elsewhere.csv", encoding="utf-8")
    assert not isinstance(caught.value, InputError) and os.listdir(deleted) == []


@pytest.mark.parametrize("name", ["a" * 300, "b/" * 3000])
def test_a_name_that_is_too_long_for_the_system_is_refused(name: str, home: Path):
    for use in (bank().save, MemoryBank.load, PatchCore.load, make_practice_fabric, find_aitex, list_strips, read_grey):
        with pytest.raises(InputError):
            use(name)
    assert not practice_is_there(name) and os.listdir() == []
