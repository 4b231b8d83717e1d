"""Folders of copies for a class: whole, the same bytes each time, and never over files of a teacher."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from aitex_utils.errors import InputError
from aitex_utils.teaching.copies import LIST_OF_FILES, changed_files, copied_files, write_copies, zipped


def test_the_files_and_their_list_are_written(tmp_path: Path):
    write_copies(tmp_path / "copy", {"learners/a.ipynb": b"{}", "solutions.zip": b"zip"})
    assert (tmp_path / "copy" / "learners" / "a.ipynb").read_bytes() == b"{}"
    listed = json.loads((tmp_path / "copy" / LIST_OF_FILES).read_text(encoding="utf-8"))
    assert listed["course copy"] == {"learners/a.ipynb": 2, "solutions.zip": 3}
    assert listed["sha256"]["solutions.zip"] == hashlib.sha256(b"zip").hexdigest()


def test_an_earlier_copy_is_replaced_and_its_old_files_go(tmp_path: Path):
    write_copies(tmp_path / "copy", {"old.ipynb": b"{}"})
    write_copies(tmp_path / "copy", {"new.ipynb": b"{}"})
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {"new.ipynb", LIST_OF_FILES}


def test_written_and_changed_files_are_listed(tmp_path: Path):
    folder = tmp_path / "copy"
    write_copies(folder, {"b.ipynb": b"{}", "a/c.ipynb": b"{}"})
    assert copied_files(folder) == ["a/c.ipynb", "b.ipynb"] and changed_files(folder) == []
    (folder / "b.ipynb").write_text("work", encoding="utf-8")
    (folder / "notes.txt").touch()
    assert copied_files(folder) == ["a/c.ipynb", "b.ipynb"] and changed_files(folder) == ["b.ipynb", "notes.txt"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"course copy": 1}', '{"course copy": {"a": "b"}}', "\xff"])
def test_a_list_of_another_program_names_no_file(tmp_path: Path, text: str):
    (tmp_path / LIST_OF_FILES).write_text(text, encoding="latin-1")
    assert copied_files(tmp_path) == []


@pytest.mark.parametrize("change", ["added", "changed", "foreign"])
def test_a_file_of_the_teacher_is_never_replaced(tmp_path: Path, change: str):
    folder = tmp_path / "copy"
    if change == "foreign":
        folder.mkdir()
    else:
        write_copies(folder, {"a.ipynb": b"{}"})
    name = "a.ipynb" if change == "changed" else "notes.txt"
    (folder / name).write_text("work of a term", encoding="utf-8")
    with pytest.raises(InputError, match=f"{name}.*choose another name"):
        write_copies(folder, {"a.ipynb": b"{}"})
    assert (folder / name).read_text(encoding="utf-8") == "work of a term"


def test_a_change_that_keeps_the_size_counts(tmp_path: Path):
    write_copies(tmp_path, {"a.ipynb": b"low=..., high=...", "b.ipynb": b"{}"})
    (tmp_path / "a.ipynb").write_bytes(b"low=3.5, high=7.2")
    assert changed_files(tmp_path) == ["a.ipynb"]
    with pytest.raises(InputError, match="contains a.ipynb, which was changed since it was written: choose another"):
        write_copies(tmp_path, {"a.ipynb": b"low=..., high=..."})
    assert (tmp_path / "a.ipynb").read_bytes() == b"low=3.5, high=7.2"


def test_a_change_that_keeps_the_size_counts_beside_a_deleted_file(tmp_path: Path):
    write_copies(tmp_path, {"a.ipynb": b"{}", "b.ipynb": b"low=..., high=...", "c.ipynb": b"{}"})
    (tmp_path / "a.ipynb").unlink()
    (tmp_path / "b.ipynb").write_bytes(b"low=3.5, high=7.2")
    (tmp_path / "c.ipynb").unlink()
    assert changed_files(tmp_path) == ["b.ipynb"]
    with pytest.raises(InputError, match="contains b.ipynb, which was changed"):
        write_copies(tmp_path, {"a.ipynb": b"{}"})
    assert (tmp_path / "b.ipynb").read_bytes() == b"low=3.5, high=7.2"
    (tmp_path / "b.ipynb").unlink()
    write_copies(tmp_path, {"a.ipynb": b"{}"})
    assert copied_files(tmp_path) == ["a.ipynb"]


def test_a_zip_file_has_the_files_and_depends_on_nothing_else():
    files = {"b.txt": b"two", "a.txt": b"one"}
    archive = zipped(files)
    assert archive == zipped(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == files
