"""Progress files of learners are read whatever is in them, and files that cannot be used are named."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_class import empty, progress_files, write_class

from aitex_utils.errors import InputError
from aitex_utils.teaching import progress_files as module
from aitex_utils.teaching.progress_files import (
    Attempt,
    FolderReader,
    GuessedRange,
    LeftOut,
    ProgressFile,
    find_files,
    parse_file,
)

EMPTY = json.dumps(empty()).encode()


def content(**changes: Any) -> bytes:
    return json.dumps(empty() | changes).encode()


def test_a_file_of_version_2_is_read_in_full():
    entry = {"tries": 3, "hints": 1, "passed": False, "first": "2026-03-02T09:00:00.123+00:00", "mistake": "squared"}
    entry["last"] = "2026-03-02T10:30:00.000+01:00"
    guesses = {"01.a": {"low": 5, "high": 3, "truth": None}}
    found = parse_file("a.json", content(name=" Ada  B ", exercises={"01.1": entry}, predictions=guesses))
    first = datetime(2026, 3, 2, 9, 0, 0, 123000, tzinfo=timezone.utc)
    last = datetime(2026, 3, 2, 9, 30, tzinfo=timezone.utc)
    attempt = Attempt(False, 3, 1, first, last, "squared")
    assert found == ProgressFile("a.json", "Ada B", "1.0.0", {"01.1": attempt}, {"01.a": GuessedRange(3.0, 5.0, None)})
    assert found.last == last


def test_a_file_of_version_1_gets_the_names_of_today():
    old = {"version": 1, "exercises": {"07.1": {"tries": 2, "passed": True}}, "quiz": {}, "predictions": {}}
    assert parse_file("a.json", json.dumps(old).encode()) == ProgressFile(
        "a.json", "", "", {"09.1": Attempt(True, 2, 0)}
    )


def test_a_large_file_of_version_1_with_one_name_twice_is_read_at_once():
    """The time grows with the number of entries, not with its square, which would be many minutes here."""
    exercises = {str(number): 0 for number in range(150_000)} | {"07.1": {"tries": 1}, "09.1": {"tries": 2}}
    old = {"version": 1, "exercises": exercises, "quiz": {}, "predictions": {}}
    data = json.dumps(old, separators=(",", ":")).encode()
    begin = time.perf_counter()
    found = parse_file("a.json", data)
    assert time.perf_counter() - begin < 30 and len(data) < module.LARGEST
    assert found.attempts["09.1 (version 1)"].tries == 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (EMPTY[:-20], "is damaged or cut off"),
        (b"\xff\xfe", "is damaged or cut off"),
        (b"[" * 100_000, "is damaged or cut off"),
        (b'{"version": ' + b"9" * 5000 + b"}", "is damaged or cut off"),
        (b"[]", "is no progress file"),
        (b"3", "is no progress file"),
        (b'{"version": 1}', "is no progress file"),
        (b'{"version": true, "exercises": {}}', "is no progress file"),
        (b'{"version": 3, "exercises": {}}', "was written by a newer version"),
        (b'{"version": 2, "exercises": []}', "is a damaged progress file"),
    ],
)
def test_a_file_that_cannot_be_used_is_explained_in_a_sentence(data: bytes, reason: str):
    found = parse_file("a.json", data)
    assert isinstance(found, LeftOut) and found.reason.startswith(reason)
    assert found.reason.endswith(".") and ": " in found.reason


@pytest.mark.parametrize(
    ("entry", "attempt"),
    [
        ({"tries": "x", "hints": 2, "passed": "yes"}, Attempt(False, 0, 2)),
        ({"tries": 10**300}, Attempt(False, 9999, 0)),
        ({"tries": 1, "first": "soon", "last": 5, "mistake": ["a"]}, Attempt(False, 1, 0)),
        ({"tries": 1, "first": "0001-01-01T00:00:00+14:00", "last": "9999-12-31T23:59:59-12:00"}, Attempt(False, 1, 0)),
        ({"tries": 1, "mistake": "a" * 1000}, Attempt(False, 1, 0, mistake="a" * 60)),
    ],
)
def test_damaged_values_count_as_missing(entry: dict[str, Any], attempt: Attempt):
    found = parse_file("a.json", content(exercises={"01.1": entry, "01.2": 7, "01.3": {}}))
    assert found.attempts == {"01.1": attempt}


@pytest.mark.parametrize(
    "entry", [{"low": 1}, {"low": "1", "high": 2}, {"low": True, "high": 2}, {"low": 1, "high": 10**400}]
)
def test_a_damaged_guess_counts_as_missing(entry: dict[str, Any]):
    assert parse_file("a.json", content(predictions={"01.a": entry})).guesses == {}
    infinite = b'{"version": 2, "exercises": {}, "quiz": {}, "predictions": {"01.a": {"low": NaN, "high": Infinity}}}'
    assert parse_file("a.json", infinite).guesses == {}


def test_a_clock_that_was_set_back_gives_no_negative_time():
    entry = {"tries": 2, "first": "2026-03-02T09:00:00+00:00", "last": "2026-03-02T08:00:00+00:00"}
    attempt = parse_file("a.json", content(exercises={"01.1": entry})).attempts["01.1"]
    assert attempt.first == attempt.last


KEYS = st.sampled_from(["tries", "hints", "passed", "first", "last", "mistake", "low", "high", "truth", "01.1", "01.a"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["01.1", "passed", "2026-01-01"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | KEYS, inner, max_size=5),
    max_leaves=20,
)
ENTRIES = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=6), max_size=4)


@settings(max_examples=40)
@given(st.fixed_dictionaries({"version": st.sampled_from([1, 2]), "exercises": ENTRIES, "quiz": ENTRIES, "predictions": ENTRIES, "name": VALUES, "course": VALUES}))  # fmt: skip # noqa: E501
def test_any_content_gives_a_file_with_values_of_the_right_kind(value: dict[str, Any]):
    found = parse_file("a.json", json.dumps(value).encode())
    assert isinstance(found, ProgressFile) and len(found.name) <= 60
    for attempt in found.attempts.values():
        assert isinstance(attempt.passed, bool) and 0 <= attempt.tries <= 9999 and 0 <= attempt.hints <= 9999
        assert None in (attempt.first, attempt.last) or attempt.first <= attempt.last
    for guess in found.guesses.values():
        assert guess.low <= guess.high and guess.result != float("inf")


@settings(max_examples=40)
@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_a_file_or_a_reason(data: bytes):
    found = parse_file("a.json", data)
    assert isinstance(found, ProgressFile) or found.reason.endswith(".")


# Folders


def test_a_folder_is_read_with_its_subfolders_but_not_hidden_ones(tmp_path: Path):
    write_class(tmp_path, {"b.json": empty(), "x/a.JSON": empty(), ".b.json.12-3-x/new/b.json": empty()})
    (tmp_path / "b.txt").write_text("{}")
    files, left_out = FolderReader(tmp_path).read()
    assert [file.file for file in files] == ["b.json", "x/a.JSON"] and left_out == []


def test_what_is_no_readable_file_is_named_and_does_not_stop_the_rest(tmp_path: Path):
    write_class(tmp_path, {"good.json": empty()})
    (tmp_path / "link.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "large.json").write_bytes(b" " * (module.LARGEST + 1))
    expected = {"large.json": "is larger", "link.json": "cannot be read"}
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")  # reading it would wait for ever
        expected["pipe.json"] = "is not a file"
    files, left_out = FolderReader(tmp_path).read()
    assert [file.file for file in files] == ["good.json"]
    assert [out.file for out in left_out] == sorted(expected)
    assert all(out.reason.startswith(expected[out.file]) for out in left_out)


def test_what_can_contain_progress_and_is_not_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_class(tmp_path, {"good.json": empty(), "x/m.json": empty()})
    for name in ("x/ada.json.txt", "ben.ZIP", ".hidden.zip", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "carl").symlink_to(tmp_path / "x")
    files, left_out = FolderReader(tmp_path).read()
    assert [file.file for file in files] == ["good.json", "x/m.json"]
    reasons = {out.file: out.reason.split(":")[0] for out in left_out}
    assert reasons == {
        "ben.ZIP": "is an archive",
        "carl": "is a link to a folder",
        "x/ada.json.txt": "has an ending of another kind",
    }
    assert list(reasons) == sorted(reasons)


def test_what_macos_puts_beside_a_file_is_no_learner_s(tmp_path: Path):
    write_class(tmp_path, {"ada.json": empty(), "x/progress.json": empty()})
    for name in ("._ada.json", "x/._progress.json"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    files, left_out = FolderReader(tmp_path).read()
    assert [file.file for file in files] == ["ada.json", "x/progress.json"] and left_out == []


def test_a_folder_that_cannot_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def refuse(place: str) -> object:
        if Path(place).name == "closed":
            raise PermissionError(13, "Permission denied", str(place))
        return real(place)

    monkeypatch.setattr(os, "scandir", refuse)
    (out,) = FolderReader(tmp_path).read()[1]
    assert (out.file, out.reason) == ("closed", "cannot be read (Permission denied): get the right to read it.")


def test_a_folder_that_is_no_class_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("none", "n" * 300):  # the second is no name that a disk can have
        with pytest.raises(InputError, match="is no folder: name the folder"):
            find_files(tmp_path / name)
    monkeypatch.setattr(module, "MOST_FILES", 2)
    write_class(tmp_path, {f"{name}.json": empty() for name in "abc"})
    with pytest.raises(InputError, match="more than 2 JSON files: name the folder of one class"):
        find_files(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of a clock that stands still, to be changed."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_half_written_file_is_tried_again_and_its_content_before_stays(tmp_path: Path, clock: list[float]):
    path, reader = tmp_path / "ada.json", FolderReader(tmp_path, is_live=True)
    path.write_bytes(content(name="Ada")[:30])
    assert reader.read() == ([], [])  # it can be half written
    path.write_bytes(content(name="Ada"))
    assert [file.name for file in reader.read()[0]] == ["Ada"]
    path.write_bytes(content(name="Adam")[:30])
    clock[0] = 9.9
    assert [file.name for file in reader.read()[0]] == ["Ada"]
    clock[0] = 19.8
    assert [file.name for file in reader.read()[0]] == ["Ada"]
    clock[0] = 20.0  # 10 seconds after the change was seen
    files, left_out = reader.read()
    assert files == [] and left_out[0].reason.startswith("is damaged or cut off")
    path.write_bytes(content(name="Adam"))
    assert [file.name for file in reader.read()[0]] == ["Adam"]
    path.unlink()
    assert reader.read() == ([], [])


def test_a_single_look_names_a_half_written_file_at_once(tmp_path: Path):
    (tmp_path / "ada.json").write_bytes(EMPTY[:30])
    assert [out.file for out in FolderReader(tmp_path).read()[1]] == ["ada.json"]


def test_only_changed_files_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_class(tmp_path, progress_files(3))
    reader, read = FolderReader(tmp_path, is_live=True), []
    real = module.read_file
    monkeypatch.setattr(module, "read_file", lambda file, path: read.append(file) or real(file, path))
    first = reader.read()
    (tmp_path / "00.json").write_bytes(content(name="Somebody"))
    second = reader.read()
    assert sorted(read) == ["00.json", "00.json", "02.json", "learner 01/progress.json"]
    assert second[0][0].name == "Somebody" and second[0][1:] == first[0][1:]
