"""Saved folders: content comes back, damaged and foreign folders are refused with the reason, nothing is unpickled."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from saved_headers import change_header, read_header, replace_file

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files import persistence
from aitex_utils.files.persistence import (
    HEADER,
    INDEX,
    METHOD,
    checked_array,
    header_digest,
    read_array,
    read_folder,
    write_folder,
)
from aitex_utils.memory_bank import MemoryBank

VECTORS = "vectors.npy"
FIELDS = {"kind": "flat", "vectors": 2, "channels": 3, "metadata": {"backbone": "x"}}
FLAT = b"IxF2" + struct.pack("<iq", 3, 2)  # how an index of 2 vectors with 3 channels begins


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    return write_folder(tmp_path / "bank", FIELDS, FLAT, {"vectors": vectors})


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- round trips ---

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.text(st.sampled_from("abcdefghij_"), min_size=1, max_size=6)
ARRAYS = hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, max_side=3))


@settings(max_examples=40)
@given(
    index=st.binary(max_size=20),
    metadata=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    arrays=st.dictionaries(NAMES, ARRAYS, max_size=3),
)
def test_header_index_and_arrays_come_back(tmp_path_factory: pytest.TempPathFactory, index, metadata, arrays):
    folder = tmp_path_factory.getbasetemp() / "round trip"  # each example replaces the previous one
    arrays = {"vectors": np.zeros((2, 3)), **arrays}
    write_folder(str(folder), {**FIELDS, "metadata": metadata}, FLAT + index, arrays)
    header, read_index, read_arrays = read_folder(str(folder))
    assert header["metadata"] == metadata and read_index == FLAT + index
    assert read_arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read_arrays[name].dtype == array.dtype and read_arrays[name].shape == array.shape
        assert read_arrays[name].tobytes() == array.tobytes()


def test_the_header_has_format_version_and_the_digest_of_every_file(saved: Path):
    header = read_header(saved)
    assert header.pop("sha256") == {
        name: hashlib.sha256((saved / name).read_bytes()).hexdigest() for name in (INDEX, VECTORS)
    }
    assert header.pop("header_sha256") == header_digest(header | {"sha256": read_header(saved)["sha256"]})
    assert header == {"format": "aitex_utils memory bank", "version": 2, "method": METHOD, **FIELDS}
    assert sorted(os.listdir(saved)) == sorted([HEADER, INDEX, VECTORS])


def test_version_1_is_read_in_the_names_of_version_2(saved: Path):
    folder = saved.with_name("old")
    arrays = {"vectors": np.zeros((2, 3)), "usual": np.ones((4, 4)), "mean": np.zeros(3)}
    parameters = {"coreset": 0.1, "level": True, "baseline": 0.25, "size": 64}
    write_folder(folder, FIELDS, FLAT, arrays)
    about = {"parameters": parameters, "whole": True, "backbone": "x"}
    change_header(folder, version=1, metadata=None, about=about)
    header, _, arrays = read_folder(folder)
    assert header["version"] == 2 and "about" not in header
    assert header["metadata"] == {
        "parameters": {"coreset_ratio": 0.1, "normalize_positions": True, "background_quantile": 0.25, "size": 64},
        "fitted_on_strips": True,
        "backbone": "x",
    }
    assert arrays.keys() == {"vectors", "position_scale", "mean"} and arrays["position_scale"].all()


# --- writing ---


def test_a_folder_that_is_no_bank_is_not_replaced(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("more")
    before = contents(tmp_path)
    for name, expected in (
        ("folder", "folder contains thesis.txt, .*Nothing was replaced"),
        ("file", "a file of that name is in the way"),
    ):
        with pytest.raises(InputError, match=expected):
            write_folder(tmp_path / name, FIELDS, b"", {})
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "text", ["{}", "", "[]", '{"format": "another", "sha256": {}}', '{"sha256": {"thesis.txt": ""}}']
)
def test_a_header_of_another_program_proves_nothing(tmp_path: Path, text: str):
    """The case of faults.md, kind 1."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / HEADER).write_text(text)
    (tmp_path / "site" / "thesis.txt").write_text("years of work")
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"site contains header\.json, thesis\.txt, "):
        MemoryBank().add(np.eye(4, dtype=np.float32)).save(tmp_path / "site")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["thesis.txt", "deep/thesis.txt", ".hidden", "another.npy"])
def test_a_saved_folder_with_a_foreign_file_is_not_replaced(saved: Path, name: str):
    (saved / name).parent.mkdir(exist_ok=True)
    (saved / name).write_text("years of work")
    before = contents(saved.parent)
    with pytest.raises(InputError, match=f"bank contains {name.split('/')[0]}, "):
        write_folder(saved, FIELDS, FLAT, {"vectors": np.zeros((2, 3), np.float32)})
    assert contents(saved.parent) == before


def test_a_damaged_saved_folder_can_be_saved_again(saved: Path):
    (saved / VECTORS).write_bytes(b"half")
    write_folder(saved, FIELDS, FLAT, {"vectors": np.zeros((2, 3), np.float32)})
    assert not read_folder(saved)[2]["vectors"].any()


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a b", "1"])
def test_names_that_are_no_identifiers_are_refused(tmp_path: Path, name: str):
    with pytest.raises(InputError, match=f"^arrays contains the name '{name}', .*another name"):
        write_folder(tmp_path / "bank", FIELDS, b"", {name: np.zeros(3)})
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("value", [object(), np.float32(1), float("nan"), float("inf"), {(1, 2): 3}, b"x", {1}])
def test_metadata_that_json_cannot_contain_is_refused(saved: Path, value: object):
    before = contents(saved.parent)
    with pytest.raises(InputError, match="^metadata cannot be saved .*finite numbers"):
        write_folder(saved, {**FIELDS, "metadata": {"a": value}}, FLAT, {"vectors": np.zeros((2, 3))})
    assert contents(saved.parent) == before


@pytest.mark.parametrize(
    ("arrays", "message"),
    [({"a": np.array([None])}, "a contains Python objects"), ({"a": [1], "A": [2]}, "differ in capitals only")],
)
def test_arrays_that_files_cannot_contain_are_refused(saved: Path, arrays: dict, message: str):
    before = contents(saved.parent)
    with pytest.raises(InputError, match=message):
        write_folder(saved, FIELDS, FLAT, arrays)
    assert contents(saved.parent) == before


# --- reading ---


def test_missing_and_foreign_folders_are_refused(tmp_path: Path, saved: Path):
    for missing in (tmp_path / "nowhere", saved / HEADER):
        with pytest.raises(MissingError, match=rf"{missing.name} is missing: .* save\(\)"):
            read_folder(missing)
    with pytest.raises(InputError, match=r"no memory bank, it has no header\.json"):
        read_folder(tmp_path)


@pytest.mark.parametrize("text", ['{"format": "another"}', "[]", "7", "{}", "null"])
def test_the_header_of_another_program_is_refused(saved: Path, text: str):
    (saved / HEADER).write_text(text)
    with pytest.raises(InputError, match="bank is no memory bank"):
        read_folder(saved)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"format": "aitex_utils memory bank"'])
def test_a_header_that_is_no_json_is_refused(saved: Path, data: bytes):
    (saved / HEADER).write_bytes(data)
    with pytest.raises(InputError, match=r"header\.json is damaged"):
        read_folder(saved)


@pytest.mark.parametrize("version", [3, 0, "1", None, True, 2.0, [], 10**30])
def test_another_version_is_refused(saved: Path, version: object):
    change_header(saved, version=version)
    with pytest.raises(InputError, match=r"format version .*, this code reads up to 2: update the course"):
        read_folder(saved)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"kind": None}, "kind"),
        ({"kind": 7}, "kind"),
        ({"vectors": True}, "vectors"),
        ({"channels": 3.0}, "channels"),
        ({"vectors": "20"}, "vectors"),
        ({"channels": None, "metadata": []}, "channels, metadata"),
        ({"sha256": []}, "sha256"),
        ({"sha256": {}}, "files"),
        ({"sha256": {INDEX: "0"}}, "files"),
    ],
)
def test_a_header_with_wrong_fields_is_refused_with_their_names(saved: Path, fields: dict, names: str):
    change_header(saved, **fields)
    with pytest.raises(InputError, match=rf"header\.json is damaged \({names}\)"):
        read_folder(saved)


@pytest.mark.parametrize("name", [INDEX, VECTORS])
def test_damaged_and_missing_files_are_refused_by_name(saved: Path, name: str):
    data = bytearray((saved / name).read_bytes())
    data[-1] ^= 1
    for damaged in (bytes(data), bytes(data[:-1]), b""):
        (saved / name).write_bytes(damaged)
        with pytest.raises(InputError, match=f"{name} is damaged .*SHA-256"):
            read_folder(saved)
    (saved / name).unlink()
    with pytest.raises(MissingError, match=f"bank is incomplete, {name} is missing"):
        read_folder(saved)


@pytest.mark.parametrize("name", ["../x.npy", "..", "", ".", "a\0b", "n" * 300, "\ud800", "sub/x.npy", "{absolute}"])
def test_a_header_cannot_name_files_outside_the_folder(saved: Path, name: str):
    """The file exists and its digest is right, but it does not lie directly in the folder."""
    (saved / "sub").mkdir()
    for outside in (saved.parent / "x.npy", saved / "sub" / "x.npy"):
        np.save(outside, np.zeros(3))
    name = name.replace("{absolute}", str(saved.parent / "x.npy"))
    digest = hashlib.sha256((saved.parent / "x.npy").read_bytes()).hexdigest()
    change_header(saved, sha256={**read_header(saved)["sha256"], name: digest})
    with pytest.raises(MissingError, match="bank is incomplete, .* is missing"):
        read_folder(saved)


class Trap:
    """An object whose unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", [VECTORS, "mean.npy"])
def test_nothing_is_unpickled(saved: Path, name: str):
    sprung = saved.parent / "sprung"
    np.save(saved.parent / "trap.npy", np.array([Trap(sprung)], dtype=object), allow_pickle=True)
    for data in ((saved.parent / "trap.npy").read_bytes(), pickle.dumps(Trap(sprung))):
        replace_file(saved, name, data)
        with pytest.raises(InputError, match="bank is not readable"):
            read_folder(saved)
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))  # the trap itself works
    assert sprung.exists()


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"\x93NUMPY", b"text"])
def test_an_array_in_another_format_is_refused_although_its_digest_is_right(saved: Path, data: bytes):
    replace_file(saved, VECTORS, data)
    with pytest.raises(InputError, match="bank is not readable"):
        read_folder(saved)


# --- digests, method, numbers ---


def test_any_change_of_the_header_is_noticed(saved: Path):
    text = (saved / HEADER).read_text(encoding="utf-8")
    for old, new in (('"x"', '"y"'), ('"channels": 3', '"channels": 2'), ('"flat"', '"ivf"')):
        (saved / HEADER).write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(InputError, match=r"header\.json is damaged \(its SHA-256 differs"):
            read_folder(saved)
    (saved / HEADER).write_text(json.dumps(json.loads(text)), encoding="utf-8")  # another layout of the same content
    read_folder(saved)
    header = json.loads(text)
    del header["header_sha256"]
    (saved / HEADER).write_text(json.dumps(header), encoding="utf-8")
    with pytest.raises(InputError, match=r"header\.json has no digest of its own.*fit it anew"):
        read_folder(saved)


@pytest.mark.parametrize("method", [METHOD + 1, METHOD - 1, "1", None])
def test_another_method_is_refused_with_the_way_out(saved: Path, method: object):
    change_header(saved, method=0 if method is None else method)
    with pytest.raises(
        InputError, match=f"of the method, this code has {METHOD} and would score otherwise: fit it anew"
    ):
        read_folder(saved)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("text", ['"a": NaN', '"a": -Infinity', '"a": 1e999', '"a": 1, "a": 2', '"a": ' + "9" * 5000])
def test_numbers_that_json_does_not_have_and_double_names_are_damage(saved: Path, text: str, version: int):
    """Version 1 has no digest of the header that would notice them."""
    content = (saved / HEADER).read_text(encoding="utf-8").replace('"version": 2', f'"version": {version}')
    content = content.replace("metadata", "about" if version == 1 else "metadata")
    (saved / HEADER).write_text(content.replace('"backbone": "x"', text), encoding="utf-8")
    with pytest.raises(InputError, match=r"header\.json is damaged"):
        read_folder(saved)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_refused(saved: Path, value: float):
    np.save(saved.parent / "new.npy", np.array([[1, 2, value], [0, 0, 0]], np.float32))
    replace_file(saved, VECTORS, (saved.parent / "new.npy").read_bytes())
    with pytest.raises(InputError, match="its vectors contain NaN or infinity"):
        read_folder(saved)


def test_an_array_that_claims_to_be_huge_takes_no_memory(saved: Path):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (10**7, 10**7)})
    replace_file(saved, VECTORS, file.getvalue())
    with pytest.raises(InputError, match="bank is not readable .*does not fit its file"):
        read_folder(saved)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"", "no readable index"),
        (b"IxF2", "no readable index"),
        (b"text" * 9, "no readable index"),
        (b"IxF2" + struct.pack("<iq", 3, 10**15), "contradicts itself"),
        (b"IxF2" + struct.pack("<iq", -3, 2), "contradicts itself"),
        (b"IwFl" + struct.pack("<iq", 3, 2), "contradicts itself"),
    ],
)
def test_an_index_that_faiss_should_not_see_is_refused(saved: Path, index: bytes, message: str):
    replace_file(saved, INDEX, index)
    with pytest.raises(InputError, match=message):
        read_folder(saved)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (None, "scale.npy is missing"),
        (np.zeros(4, np.float32), r"scale is float32 of shape \(4,\), expected float32 of shape \(2, any\)"),
        (np.zeros((3, 4), np.float32), r"of shape \(3, 4\)"),
        (np.zeros((2, 4), np.int64), "is int64"),
        (np.full((2, 4), np.nan, np.float32), "scale contains NaN or infinity"),
    ],
)
def test_checked_array(array: np.ndarray | None, message: str):
    good = np.ones((2, 4), np.float32)
    assert checked_array({"scale": good}, "scale", (2, None), "saved") is good
    with pytest.raises(InputError, match=message):
        checked_array({} if array is None else {"scale": array}, "scale", (2, None), "saved")


def test_a_link_to_a_folder_stays_a_link(saved: Path):
    link = saved.with_name("link")
    link.symlink_to(saved, target_is_directory=True)
    write_folder(link, FIELDS, FLAT, {"vectors": np.zeros((2, 3), np.float32)})
    assert link.is_symlink() and not read_folder(saved)[2]["vectors"].any()
    assert sorted(os.listdir(saved.parent)) == ["bank", "link"]


def test_a_folder_replaced_during_the_read_is_read_again(saved: Path, monkeypatch: pytest.MonkeyPatch):
    read, new = persistence._read_header, np.full((2, 3), 7, np.float32)

    def read_and_replace(folder: Path) -> dict:
        header = read(folder)
        if not contents_are_new:
            contents_are_new.append(True)
            write_folder(saved, FIELDS, FLAT, {"vectors": new})
        return header

    contents_are_new: list[bool] = []
    monkeypatch.setattr(persistence, "_read_header", read_and_replace)
    np.testing.assert_array_equal(read_folder(saved)[2]["vectors"], new)


def test_a_folder_that_comes_back_just_before_the_second_look_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another process replaces the folder: it is missing at the first look, and back when `settle` looks."""
    write_folder(
        tmp_path / "bank",
        {"kind": "flat", "vectors": 2, "channels": 3, "metadata": {}},
        b"IxF2" + struct.pack("<iq", 3, 2),
        {"vectors": np.ones((2, 3), np.float32)},
    )
    (tmp_path / "bank").rename(tmp_path / "away")
    looks = iter(range(9))

    def settle(place: Path) -> bool:
        if next(looks) == 1:
            (tmp_path / "away").rename(place)
        return False

    monkeypatch.setattr(persistence, "settle", settle)
    assert len(read_folder(tmp_path / "bank")[2]["vectors"]) == 2


def test_a_header_that_python_cannot_parse_is_no_array():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    damaged = file.getvalue().replace(b"{'descr'", b"[{('escr'").replace(b"}", b" ")
    with pytest.raises(ValueError):
        read_array(damaged)
    with pytest.raises(ValueError):
        read_array(b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_o\x07der': False, 'shape': " + b" " * 100)
