"""The start script of a memory stick: what it refuses, what it copies, and the settings that it gives to pip."""

from __future__ import annotations

import ast
import errno
import json
import os
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from aitex_utils.teaching import start_from_stick
from aitex_utils.teaching.start_from_stick import complaint, damaged_files, unpack, variables

SOURCE = Path(start_from_stick.__file__).read_text(encoding="utf-8")
ECHO = "import json, os, sys\nprint(json.dumps([sys.argv[1:], {k: v for k, v in os.environ.items() if 'PIP' in k}]))\n"
HERE = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """Return a stick for this system with one wheel, and a course that prints what it was called with."""
    folder = tmp_path / "MY STICK"
    (folder / "wheels").mkdir(parents=True)
    with zipfile.ZipFile(folder / "course.zip", "w") as archive:
        archive.writestr("course.py", ECHO)
        archive.writestr("notebooks/00.ipynb", "{}")
    (folder / "wheels" / "tiny.whl").write_bytes(b"wheel")
    files = {name: sha256((folder / name).read_bytes()).hexdigest() for name in ("course.zip", "wheels/tiny.whl")}
    systems = {start_from_stick.SYSTEM: {"wheels": {HERE: ["tiny.whl"]}}}
    content = {"systems": systems, "pythons": [HERE], "files": files}
    (folder / "bundle.json").write_text(json.dumps(content))
    (folder / "start.py").write_text(SOURCE, encoding="utf-8")
    return folder


def start(stick: Path, *arguments: str) -> subprocess.CompletedProcess:
    home = {"HOME": str(stick.parent / "home"), "USERPROFILE": str(stick.parent / "home")}
    environment = os.environ | home | {"PIP_INDEX_URL": "https://example.org", "PIP_TARGET": "x"}
    command = [sys.executable, str(stick / "start.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", cwd=stick.parent)


def test_an_old_python_reads_the_script():
    ast.parse(SOURCE, feature_version=(3, 6))
    imported = {
        name.name for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Import) for name in node.names
    }
    assert imported <= sys.stdlib_module_names and "from __future__" not in SOURCE


def test_the_course_is_copied_and_started_with_packages_of_the_stick_alone(stick: Path):
    done = start(stick)
    assert done.returncode == 0, done.stderr
    home = stick.parent / "home" / "patchcore-course"
    first, place, last = done.stdout.splitlines()
    assert (first, place) == ("Checking the files of the stick.", f"The course is in {home}.")
    arguments, pip = json.loads(last)
    wheels = (stick / "wheels").as_uri()
    assert arguments == ["lab"] and " " not in wheels
    assert pip == {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "PIP_CONFIG_FILE": os.devnull}
    assert (home / "notebooks" / "00.ipynb").is_file()
    assert json.loads(start(stick, "lab", "--port", "1").stdout.splitlines()[-1])[0] == ["lab", "--port", "1"]


def test_a_path_of_letters_that_the_console_lacks_ends_nothing(stick: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = start(stick, "--to", "Łódź", "doctor")
    assert done.returncode == 0 and (stick.parent / "Łódź" / "course.py").is_file(), done.stderr
    assert r"\u0141\xf3d\u017a." in done.stdout


def test_a_learner_s_work_is_kept_and_the_stick_checked_only_before_setting_up(stick: Path):
    start(stick, "--to", "here", "doctor")
    notebook, environment = stick.parent / "here" / "notebooks" / "00.ipynb", stick.parent / "here" / ".venv"
    notebook.write_text("solved")
    environment.mkdir()
    (environment / "course-stamp").touch()
    done = start(stick, "--to", "here", "doctor")
    assert notebook.read_text() == "solved" and "Checking" not in done.stdout and '["doctor"]' in done.stdout


@pytest.mark.parametrize("name", ["wheels/tiny.whl", "course.zip"])
@pytest.mark.parametrize("content", [None, b"whee"])
def test_a_damaged_stick_is_noticed_before_anything_is_copied(stick: Path, name: str, content: bytes | None):
    (stick / name).unlink()
    if content is not None:
        (stick / name).write_bytes(content)
    done = start(stick)
    assert done.returncode == 1 and done.stderr == f"{name} on the stick is missing or damaged: copy the stick again.\n"
    assert not (stick.parent / "home").exists()


def test_only_the_wheels_of_this_computer_are_checked(stick: Path):
    bundle = json.loads((stick / "bundle.json").read_text())
    bundle["systems"]["other"] = {"wheels": {"3.99": ["not-here.whl"]}}
    assert damaged_files(bundle, stick) == []
    assert damaged_files(bundle, stick, "other", "3.99") == ["wheels/not-here.whl"]


@pytest.mark.parametrize(
    ("system", "version", "bits", "says"),
    [
        ("windows", "3.11", 64, "The stick is for linux and macos, and this is windows: make one with"),
        ("linux", "3.13", 64, "This is Python 3.13 in 64 bits, and the stick is for Python 3.11 or 3.12 in 64 bits"),
        ("linux", "3.11", 32, "This is Python 3.11 in 32 bits, and the stick is for Python 3.11 or 3.12 in 64 bits"),
        ("macos", "3.12", 64, ""),
    ],
)
def test_a_computer_that_the_stick_is_not_for(system: str, version: str, bits: int, says: str):
    said = complaint({"systems": {"linux": {}, "macos": {}}, "pythons": ["3.11", "3.12"]}, system, version, bits)
    assert said.startswith(says) and bool(said) == bool(says)


def test_a_folder_that_is_no_course_is_left_alone(stick: Path):
    folder = stick.parent / "thesis"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    done = start(stick, "--to", str(folder))
    assert done.returncode == 1 and "is there and is no course: name another folder with --to" in done.stderr
    assert os.listdir(folder) == ["thesis.txt"]


def test_a_copy_that_was_killed_is_no_obstacle_and_is_removed_after_a_day(stick: Path):
    (stick.parent / "course").mkdir()
    halves = [stick.parent / f"course.half-{digits}" for digits in ("0000000a", "0000000b", "0000000c")]
    for half in halves:
        half.mkdir()
        (half / "course.py").write_text("half of")
    (halves[2] / "thesis.txt").write_text("years of work")
    for half in halves[1:]:
        os.utime(half, (0, 0))
    unpack(stick.parent / "course", stick)
    assert (stick.parent / "course" / "course.py").read_text() == ECHO
    assert [half.exists() for half in halves] == [True, False, True]  # under way, left over, with a foreign file


def test_a_folder_of_another_name_is_left_alone(stick: Path):
    half = stick.parent / "course.half"
    half.mkdir()
    (half / "course.py").write_text("years of work")
    unpack(stick.parent / "course", stick)
    assert (half / "course.py").read_text() == "years of work"


def test_two_starts_at_once_make_one_course(stick: Path):
    starts = [
        subprocess.Popen(
            [sys.executable, str(stick / "start.py"), "--to", "here", "x"],
            cwd=stick.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    errors = [one.communicate()[1] for one in starts]
    assert [one.returncode for one in starts] == [0, 0, 0], errors
    assert sorted(path.name for path in stick.parent.glob("here*")) == ["here"]


def test_a_copy_that_fails_leaves_nothing(stick: Path, monkeypatch: pytest.MonkeyPatch):
    def full(self: zipfile.ZipFile, place: str) -> None:
        Path(place, "course.py").write_text("half of")
        raise OSError(errno.ENOSPC, "No space left on device")

    before = os.listdir(stick.parent)
    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    with pytest.raises(SystemExit, match="cannot be copied to .*No space left.*: free some space, or name another"):
        unpack(stick.parent / "course", stick)
    assert os.listdir(stick.parent) == before


@pytest.mark.parametrize("place", ["start.py/course", "link"])
def test_a_place_that_takes_no_folder_is_named(stick: Path, place: str):
    (stick / "link").symlink_to(stick / "no" / "where")
    with pytest.raises(SystemExit, match="cannot be copied to|is there and is no course"):
        unpack(stick / place, stick)


def test_a_damaged_archive_is_named(stick: Path):
    (stick / "course.zip").write_bytes(b"damaged")
    with pytest.raises(SystemExit, match="course.zip on the stick is missing or damaged: copy the stick again."):
        unpack(stick.parent / "course", stick)
    assert not (stick.parent / "course").exists()


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"systems": {"linux": {}}, "pythons": [], "files": {}}', "[" * 100_000]
    + ['{"systems": {"linux": {"wheels": {"3.11": [1]}}}, "pythons": ["3.11"], "files": {}}'],
)
def test_a_stick_without_its_list(stick: Path, text: str):
    (stick / "bundle.json").write_text(text)
    assert start(stick).stderr == "bundle.json on the stick cannot be read: copy the whole folder of the stick again.\n"


def test_other_variables_are_kept():
    assert variables(Path.cwd(), {"HOME": "x", "PIP_TARGET": "y"})["HOME"] == "x"
