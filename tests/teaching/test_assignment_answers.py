"""Answers that learners hand in: each fault is refused in one sentence, and a hostile file does no harm."""

from __future__ import annotations

import io
import json
import os
import pickle
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aitex_utils.errors import InputError
from aitex_utils.patchcore import StripResult
from aitex_utils.teaching import assignment_answers
from aitex_utils.teaching.assignment_answers import (
    LARGEST_FILE,
    MAP_SHAPE,
    read_answer,
    read_map,
    read_pack,
    read_promise,
    read_scores,
    shrink_map,
    write_answers,
)

FABRIC = {"0101_999_50": (2, slice(10, 138)), "0102_999_50": (1, slice(0, 64))}
COUNTS = {strip: count for strip, (count, _) in FABRIC.items()}
PROMISE = {"pack": "0a1b", "threshold": 1.5, "false_alarm_rate": 0.05}
SCORES = "strip,tile,score\n0101_999_50,0,1.0\n0101_999_50,1,2.0\n0102_999_50,0,0.5\n"


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def parts() -> dict[str, bytes]:
    """Return the files of a good answer."""
    files = {"answer.json": json.dumps(PROMISE).encode(), "scores.csv": SCORES.encode()}
    return files | {f"maps/{strip}.npy": npy(np.ones(MAP_SHAPE, np.float16)) for strip in FABRIC}


def as_folder(files: dict[str, bytes], folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def as_zip(files: dict[str, bytes], path: Path, top: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(top + name, data)
    return path


def read(path: Path):
    return read_answer(path, "0a1b", FABRIC)


@pytest.mark.parametrize("top", ["", "ann/", "my answer/"])
def test_a_good_answer_is_read_from_a_folder_and_from_a_zip(top: str, tmp_path: Path):
    beside = {"report.md": b"text", "code/run.py": b"print()", "__MACOSX/._x": b"", ".DS_Store": b""}
    packed = as_zip(parts() | beside, tmp_path / "ann.zip", top)
    if top:
        with zipfile.ZipFile(packed, "a") as archive:
            archive.writestr("__MACOSX/._ann", b"")
    for path in (as_folder(parts() | beside, tmp_path / "ann"), packed):
        answer = read(path)
        assert (answer.threshold, answer.false_alarm_rate) == (1.5, 0.05)
        assert answer.scores["0101_999_50"].tolist() == [1.0, 2.0]
        assert answer.maps["0102_999_50"].shape == MAP_SHAPE


def lines(*more: str, without: int | None = None) -> bytes:
    kept = [line for i, line in enumerate(SCORES.splitlines()) if i != without]
    return "\n".join([*kept, *more]).encode()


MAP = "maps/0101_999_50.npy"
FAULTS: dict[str, tuple[dict[str, bytes | None], str]] = {
    "no answer": ({"answer.json": None}, "answer.json is missing"),
    "no scores": ({"scores.csv": None}, "scores.csv is missing"),
    "no map": ({MAP: None}, "maps/0101_999_50.npy is missing, one of 1"),
    "extra map": ({"maps/0103_999_50.npy": npy(np.ones(MAP_SHAPE))}, "no map of a test strip"),
    "missing tile": ({"scores.csv": lines(without=2)}, "Tile 1 of strip 0101_999_50 has no score, one of 1"),
    "extra tile": ({"scores.csv": lines("0101_999_50,2,1.0")}, "delete extra tiles"),
    "extra strip": ({"scores.csv": lines("0107_999_50,0,1.0")}, "delete extra tiles"),
    "tile twice": ({"scores.csv": lines("0101_999_50,1,2.0")}, "scored twice"),
    "tile twice, padded": ({"scores.csv": lines("0101_999_50,01,2.0")}, "scored twice"),
    "negative tile": ({"scores.csv": lines("0101_999_50,-1,2.0")}, "delete extra tiles"),
    "NaN": ({"scores.csv": SCORES.replace("2.0", "nan").encode()}, "expected a finite number"),
    "infinite": ({"scores.csv": SCORES.replace("2.0", "1e999").encode()}, "expected a finite number"),
    "word": ({"scores.csv": SCORES.replace("2.0", "high").encode()}, "expected a finite number"),
    "no score": ({"scores.csv": SCORES.replace("2.0", "").encode()}, "expected a finite number"),
    "semicolons": ({"scores.csv": SCORES.replace(",", ";").encode()}, "expected the columns strip,tile,score"),
    "four fields": ({"scores.csv": lines("0101_999_50,1,2.0,3")}, "has 4 fields"),
    "empty": ({"scores.csv": b""}, "expected the columns"),
    "UTF-16": ({"scores.csv": SCORES.encode("utf-16")}, "no CSV file in UTF-8"),
    "no JSON": ({"answer.json": b"threshold: 1.5"}, "is not JSON"),
    "nested": ({"answer.json": b"[" * 100_000}, "is not JSON"),
    "list": ({"answer.json": b"[1]"}, "names no pack"),
    "another pack": ({"answer.json": json.dumps(PROMISE | {"pack": "ffff"}).encode()}, "names 'ffff'"),
    "template": ({"answer.json": json.dumps(PROMISE | {"threshold": None}).encode()}, "The threshold is None"),
    "infinite threshold": ({"answer.json": b'{"pack": "0a1b", "threshold": Infinity}'}, "The threshold is inf"),
    "huge threshold": ({"answer.json": b'{"pack": "0a1b", "threshold": 1' + b"0" * 400 + b"}"}, "The threshold is 1"),
    "true": ({"answer.json": json.dumps(PROMISE | {"threshold": True}).encode()}, "The threshold is True"),
    "rate of 5": ({"answer.json": json.dumps(PROMISE | {"false_alarm_rate": 5}).encode()}, "between 0 and 1"),
    "whole map": ({MAP: npy(np.ones((256, 4096), np.float16))}, r"has shape \(256, 4096\), expected \(64, 1024\)"),
    "flat map": ({MAP: npy(np.ones(64 * 1024, np.float32))}, "no NPY file of floats"),
    "integers": ({MAP: npy(np.ones(MAP_SHAPE, np.int64))}, "no NPY file of floats"),
    "NaN on the fabric": ({MAP: npy(np.full(MAP_SHAPE, np.nan))}, "not finite"),
    "cut off": ({MAP: npy(np.ones(MAP_SHAPE))[:-1]}, "cut off or damaged"),
    "no array": ({MAP: b""}, "no NPY file of floats"),
    "pickle": ({MAP: npy(np.array([[None]], object))}, "no NPY file of floats"),
    "pickle alone": ({MAP: pickle.dumps([1])}, "no NPY file of floats"),
    "too large": ({MAP: b"\0" * (LARGEST_FILE + 1)}, "are allowed"),
}


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_in_one_sentence(fault: str, form: str, tmp_path: Path):
    changes, says = FAULTS[fault]
    files = {name: data for name, data in (parts() | changes).items() if data is not None}
    path = as_folder(files, tmp_path / "ann") if form == "folder" else as_zip(files, tmp_path / "ann.zip")
    with pytest.raises(InputError, match=says) as error:
        read(path)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_values_off_the_fabric_are_ignored():
    values = np.full(MAP_SHAPE, np.nan, np.float32)
    values[:, 10:138] = 2
    assert np.isfinite(read_map(npy(values), "a", slice(10, 138))[:, 10:138]).all()
    values[3, 137] = np.inf
    with pytest.raises(InputError, match="not finite"):
        read_map(npy(values), "a", slice(10, 138))


def test_a_header_of_a_huge_array_is_refused_before_memory_is_taken():
    header = npy(np.ones(MAP_SHAPE)).replace(b"(64, 1024)", b"(99999999, 9)")
    with pytest.raises(InputError, match="99999999"):
        read_map(header, "a", slice(0, 1024))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../answer.json", "leads out of its folder"),
        ("/answer.json", "leads out of its folder"),
        ("maps/../../x.npy", "leads out of its folder"),
        ("C:/answer.json", "leads out of its folder"),
        ("..\\answer.json", "leads out of its folder"),
    ],
)
def test_a_zip_that_leads_out_of_its_folder_is_refused(name: str, says: str, tmp_path: Path):
    with pytest.raises(InputError, match=says):
        read(as_zip(parts() | {name: b"x"}, tmp_path / "ann.zip"))
    assert [path.name for path in tmp_path.iterdir()] == ["ann.zip"]


def with_member(change: Callable[[zipfile.ZipInfo], object], path: Path) -> Path:
    as_zip(parts(), path)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("maps/link.npy")
        change(info)
        archive.writestr(info, b"/etc/passwd")
    return path


def test_a_link_in_a_zip_or_a_folder_is_refused(tmp_path: Path):
    packed = with_member(lambda info: setattr(info, "external_attr", (stat.S_IFLNK | 0o777) << 16), tmp_path / "a.zip")
    with pytest.raises(InputError, match="has a link"):
        read(packed)
    for name in ("maps/0101_999_50.npy", "scores.csv", "maps"):
        folder = as_folder(parts(), tmp_path / name.replace("/", "-"))
        (folder / name).rename(tmp_path / f"moved {folder.name}")
        try:
            os.symlink(tmp_path / f"moved {folder.name}", folder / name)
        except OSError:
            pytest.skip("no right to make links")
        with pytest.raises(InputError, match="is a link"):
            read(folder)


def test_a_folder_that_cannot_be_entered_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.lstat

    def refuse(path: object, **options: object) -> os.stat_result:
        if "closed" in Path(path).parts:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)

    folder = as_folder(parts(), tmp_path / "closed")
    monkeypatch.setattr(os, "lstat", refuse)
    monkeypatch.setattr(Path, "lstat", refuse)
    with pytest.raises(InputError, match="The answer cannot be read .Permission denied.: copy it again"):
        read(folder)


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path):
    path = as_zip(parts(), tmp_path / "ann.zip")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("scores.csv", SCORES)
    with pytest.raises(InputError, match="twice"):
        read(path)


def test_a_bomb_is_refused_without_being_unpacked(tmp_path: Path):
    bomb = as_zip(parts() | {MAP: b"\0" * (64 * 2**20)}, tmp_path / "bomb.zip")
    assert bomb.stat().st_size < 2**20
    with pytest.raises(InputError, match="are allowed"):
        read(bomb)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path):
    path = as_zip(parts() | {MAP: b"\0" * (64 * 2**20)}, tmp_path / "bomb.zip")
    data = path.read_bytes().replace((64 * 2**20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(InputError):
        read(path)


def test_a_bomb_that_asks_for_more_memory_than_there_is_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A packed member states how much memory unpacking it takes, up to 4 GiB."""

    def refuse(*_: object, **options: object) -> None:
        raise MemoryError

    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("answer.json", json.dumps(PROMISE))
    monkeypatch.setattr(zipfile.lzma, "LZMADecompressor", refuse)
    with pytest.raises(InputError, match="The ZIP file is damaged"):
        read(tmp_path / "bomb.zip")


def test_many_small_files_are_refused_by_their_sum_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    many = {f"maps/{i}.npy": b"" for i in range(assignment_answers.MOST_FILES)}
    with pytest.raises(InputError, match="more than 2000 files"):
        read(as_zip(parts() | many, tmp_path / "many.zip"))
    monkeypatch.setattr(assignment_answers, "LARGEST_ANSWER", 2**17)
    for path in (as_zip(parts(), tmp_path / "ann.zip"), as_folder(parts(), tmp_path / "ann")):
        with pytest.raises(InputError, match="more than 0 MiB"):
            read(path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no archive"])
def test_a_file_that_is_no_zip_is_refused(data: bytes, tmp_path: Path):
    (tmp_path / "ann.zip").write_bytes(data)
    with pytest.raises(InputError, match="no ZIP file"):
        read(tmp_path / "ann.zip")


def test_an_encrypted_zip_is_refused(tmp_path: Path):
    path = as_zip({"answer.json": b"{}"}, tmp_path / "ann.zip")
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="encrypted"):
        read(path)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_zip_with_changed_bytes_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    path = as_zip(parts(), tmp_path_factory.mktemp("zip") / "ann.zip")
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    try:
        answer = read(path)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert set(answer.scores) == set(FABRIC)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_refused_in_a_sentence(data: bytes):
    head = npy(np.ones(MAP_SHAPE))[:128]
    for call in (
        lambda: read_promise(data, "0a1b"),
        lambda: read_scores(data, COUNTS),
        lambda: read_scores(b"strip,tile,score\n" + data, COUNTS),
        lambda: read_map(data, "a", slice(0, 9)),
        lambda: read_map(head + data, "a", slice(0, 9)),
        lambda: read_map(b"\x93NUMPY" + data, "a", slice(0, 9)),
    ):
        with pytest.raises(InputError):
            call()


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_value_of_a_promise_is_a_finite_number_or_refused(value: object):
    text = json.dumps(PROMISE | {"threshold": value, "false_alarm_rate": value}).encode()
    try:
        threshold, rate = read_promise(text, "0a1b")
    except InputError:
        return
    assert np.isfinite(threshold) and 0 < rate < 1


def test_a_map_shrinks_by_the_mean_and_keeps_nan_off_the_fabric():
    values = np.zeros((256, 4096), np.float32)
    values[:4, 4:8] = np.arange(16).reshape(4, 4)
    values[5, 9] = np.nan
    small = shrink_map(values)
    assert small[0, 1] == 7.5 and np.isnan(small[1, 2]) and np.isnan(small).sum() == 1
    with pytest.raises(InputError, match="whole strip"):
        shrink_map(values[:, :256])


# Writing


@pytest.fixture
def learner(tmp_path: Path) -> Path:
    """Return a learner's folder of a pack with one test strip of two tiles."""
    (tmp_path / "learner").mkdir()
    (tmp_path / "learner" / "pack.json").write_text('{"pack": "0a1b"}')
    (tmp_path / "learner" / "tiles.csv").write_text("strip,tile,row,column\na,0,0,0\na,1,0,256\n")
    return tmp_path / "learner"


def result(**changes: object) -> StripResult:
    values = {"map": np.ones((256, 4096), np.float32), "score": 1.0, "tile_scores": np.array([1.0, 2.0])}
    values |= {"corners": np.array([[0, 0], [0, 256]]), "region": (0, 512)}
    return StripResult(**{**values, **changes})


def write(learner: Path, results: object) -> Path:
    return write_answers(learner.parent / "ann", learner, results, threshold=1.5, false_alarm_rate=0.05)


def test_an_answer_that_is_written_is_taken(learner: Path):
    outside = np.ones((256, 4096), np.float32)
    outside[:, 512:] = np.nan
    answer = read_answer(write(learner, {"a": result(map=outside)}), "0a1b", {"a": (2, slice(0, 128))})
    assert answer.scores["a"].tolist() == [1.0, 2.0] and answer.threshold == 1.5


@pytest.mark.parametrize(
    ("results", "says"),
    [
        (None, "results is None: give a dict"),
        ([1], "results is .1.: give a dict"),
        ({"a": "x"}, "The result of strip a is 'x': give what predict_strip returns"),
        ({"a": result(tile_scores=np.array([1.0, np.nan]))}, "tile_scores of strip a .* expected 2 finite numbers"),
        ({"a": result(tile_scores=np.array([1.0]))}, "expected 2 finite numbers"),
        ({"a": result(tile_scores=None)}, "tile_scores"),
        ({"a": result(corners=[[0], [1, 2]])}, "corners"),
        (
            {"a": result(map=np.full((256, 4096), np.nan))},
            "map of strip a has values on the fabric that are not finite",
        ),
        ({"a": result(map="x")}, "anomaly_map"),
    ],
)
def test_an_answer_that_would_be_refused_is_not_written(learner: Path, results: object, says: str):
    with pytest.raises(InputError, match=says):
        write(learner, results)
    assert not (learner.parent / "ann").exists()


@pytest.mark.parametrize("text", ["", "strip,tile,row,column\n", "strip;tile;row;column\na;0;0;0\n", "\ufeff"])
def test_a_list_of_tiles_that_was_changed_is_refused(learner: Path, text: str):
    (learner / "tiles.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="tiles.csv in .* is damaged or was changed: copy the learner's folder again"):
        read_pack(learner)


def test_a_list_of_tiles_saved_by_a_spreadsheet_is_read(learner: Path):
    text = (learner / "tiles.csv").read_text()
    (learner / "tiles.csv").write_text(text.replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    assert read_pack(learner) == ("0a1b", {"a": [[0, 0], [0, 256]]})


def test_a_pack_that_is_too_deep_is_refused(learner: Path):
    (learner / "pack.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="pack.json or tiles.csv in .* is damaged"):
        read_pack(learner)
