"""A folder with any entry that the course did not write is refused, and the entry is named."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aitex_utils.errors import InputError
from aitex_utils.files import ownership
from aitex_utils.files.ownership import ENDS, Manifest, foreign_entries, refuse_foreign, refuse_foreign_file

MANIFEST = Manifest("list.json", "a test's folder", lambda listed: dict(listed["files"]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of the course: one file of any size, one of 3 bytes in a subfolder, and an empty subfolder."""
    folder = tmp_path / "own"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "a.txt").write_text("anything")
    (folder / "sub" / "deep" / "b.txt").write_text("abc")
    listed = {"a.txt": None, "sub/deep/b.txt": 3, "empty/": None}
    (folder / "list.json").write_text(json.dumps({"files": listed}))
    return folder


def test_own_files_are_not_foreign_even_if_some_are_missing(folder: Path):
    assert foreign_entries(folder, MANIFEST) == []
    (folder / "a.txt").write_text("damaged")
    (folder / "sub" / "deep" / "b.txt").unlink()
    refuse_foreign(folder, MANIFEST)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("thesis.txt", lambda path: path.write_text("")),
        (".hidden", lambda path: path.write_text("")),
        ("sub/thesis.txt", lambda path: path.write_text("")),
        ("sub/deep/deeper", Path.mkdir),
        ("empty/.ipynb_checkpoints", Path.mkdir),
        ("link", lambda path: path.symlink_to(path.parent / "a.txt")),
        ("sub/link", lambda path: path.symlink_to(path.parent.parent, target_is_directory=True)),
        ("dangling", lambda path: path.symlink_to("nowhere")),
        ("a.txt", lambda path: (path.unlink(), path.mkdir())),
        ("a.txt", lambda path: (path.unlink(), path.symlink_to(path.parent / "list.json"))),
        ("sub/deep/b.txt", lambda path: path.write_text("changed by hand")),
        ("._thesis.txt", lambda path: path.write_text("")),
        ("Thumbs.db", Path.mkdir),
        ("desktop.ini", lambda path: path.symlink_to("a.txt")),
    ],
)
def test_a_foreign_entry_is_named(folder: Path, name: str, make: Callable):
    make(folder / name)
    assert foreign_entries(folder, MANIFEST) == [name]
    with pytest.raises(InputError, match=rf"own contains {name}, not part of a test's folder .*Nothing was replaced"):
        refuse_foreign(folder, MANIFEST)


@pytest.mark.parametrize("name", [".DS_Store", "sub/Thumbs.db", "empty/desktop.ini", "._a.txt", "sub/deep/._b.txt"])
def test_files_that_the_system_drops_are_no_content(folder: Path, name: str):
    (folder / name).write_bytes(b"\0")
    refuse_foreign(folder, MANIFEST)


@pytest.mark.parametrize(
    "text", ["", "{", "{}", "[]", "7", '{"files": 7}', '{"files": [1]}', '{"files": [[7, 8]]}', "[" * 100_000]
)
def test_a_manifest_that_is_not_the_courses_makes_everything_foreign(folder: Path, text: str):
    (folder / "list.json").write_text(text)
    assert foreign_entries(folder, MANIFEST) == ["a.txt", "empty", "list.json", "sub"]
    with pytest.raises(InputError, match=r"contains a\.txt, empty, list\.json and 1 more, "):
        refuse_foreign(folder, MANIFEST)


def test_a_manifest_that_is_missing_or_a_link_or_not_asked_for(folder: Path):
    everything = ["a.txt", "empty", "list.json", "sub"]
    assert foreign_entries(folder, None) == everything
    (folder / "list.json").rename(folder.parent / "list.json")
    assert foreign_entries(folder, MANIFEST) == ["a.txt", "empty", "sub"]
    (folder / "list.json").symlink_to(folder.parent / "list.json")
    assert foreign_entries(folder, MANIFEST) == everything


def test_an_empty_and_a_missing_folder_contain_nothing_foreign(tmp_path: Path):
    refuse_foreign(tmp_path, None)
    refuse_foreign(tmp_path / "missing", None)


def test_a_folder_that_cannot_be_listed_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ownership, "foreign_entries", refuse)
    with pytest.raises(InputError, match="own cannot be listed .*Permission denied"):
        refuse_foreign(folder, MANIFEST)


def test_a_folder_of_an_earlier_version_has_a_way_out(folder: Path):
    (folder / MANIFEST.file).write_text('{"made before files were listed": 1}')
    with pytest.raises(InputError, match="Nothing was replaced"):
        refuse_foreign(folder, MANIFEST)
    broken = MANIFEST._replace(read=lambda content: content["files"])
    with pytest.raises(InputError, match="delete the folder if an earlier version of this course wrote it"):
        refuse_foreign(folder, broken)


@pytest.mark.parametrize("text", ["sign", "x" * 9000 + "sign", "sign" + "x" * 9000])
def test_a_file_with_the_sign_of_a_command_is_its_own(tmp_path: Path, text: str):
    (tmp_path / "a").write_text(text)
    refuse_foreign_file(tmp_path / "a", "sign", "name another")


@pytest.mark.parametrize("text", ["", "years of work", "x" * (2 * ENDS) + "sign" + "x" * (2 * ENDS)])
def test_a_file_without_the_sign_is_foreign(tmp_path: Path, text: str):
    (tmp_path / "a").write_text(text)
    with pytest.raises(InputError, match="a was not written by this command: name another, or move that one."):
        refuse_foreign_file(tmp_path / "a", "sign", "name another")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_unread(tmp_path: Path):
    os.mkfifo(tmp_path / "a")
    pipe = os.open(tmp_path / "a", os.O_RDWR)
    try:
        os.write(pipe, b"sign" * ENDS)
        with pytest.raises(InputError, match="a is no file: name another."):
            refuse_foreign_file(tmp_path / "a", "sign", "name another")
    finally:
        os.close(pipe)
