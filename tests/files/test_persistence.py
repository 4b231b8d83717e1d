"""Saved folders: content comes back, damaged and foreign folders are refused with the reason, nothing is unpickled."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files.persistence import HEADER, INDEX, read_folder, write_folder

VECTORS = "vectors.npy"
FIELDS = {"kind": "flat", "vectors": 2, "channels": 3, "metadata": {"backbone": "x"}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    return write_folder(tmp_path / "bank", FIELDS, b"index", {"vectors": vectors})


def read_header(folder: Path) -> dict:
    return json.loads((folder / HEADER).read_text(encoding="utf-8"))


def change_header(folder: Path, **fields: object) -> None:
    """Set fields of the header; None deletes a field."""
    header = {name: value for name, value in {**read_header(folder), **fields}.items() if value is not None}
    (folder / HEADER).write_text(json.dumps(header))


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Replace a file and put the right digest into the header, as an attacker would."""
    (folder / name).write_bytes(data)
    change_header(folder, sha256={**read_header(folder)["sha256"], name: hashlib.sha256(data).hexdigest()})


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- round trips ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
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
    write_folder(str(folder), {**FIELDS, "metadata": metadata}, index, arrays)
    header, read_index, read_arrays = read_folder(str(folder))
    assert header["metadata"] == metadata and read_index == index
    assert read_arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read_arrays[name].dtype == array.dtype and read_arrays[name].shape == array.shape
        assert read_arrays[name].tobytes() == array.tobytes()


def test_the_header_has_format_version_and_the_digest_of_every_file(saved: Path):
    header = read_header(saved)
    assert header.pop("sha256") == {
        name: hashlib.sha256((saved / name).read_bytes()).hexdigest() for name in (INDEX, VECTORS)
    }
    assert header == {"format": "aitex_utils memory bank", "version": 2, **FIELDS}
    assert sorted(os.listdir(saved)) == sorted([HEADER, INDEX, VECTORS])


def test_version_1_is_read_in_the_names_of_version_2(saved: Path):
    folder = saved.with_name("old")
    arrays = {"vectors": np.zeros((2, 3)), "usual": np.ones((4, 4)), "mean": np.zeros(3)}
    parameters = {"coreset": 0.1, "level": True, "baseline": 0.25, "size": 64}
    write_folder(folder, FIELDS, b"", arrays)
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
    for name in ("folder", "file"):
        with pytest.raises(InputError, match=f"{name} exists and is no memory bank: .*another name"):
            write_folder(tmp_path / name, FIELDS, b"", {})
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a b", "1"])
def test_names_that_are_no_identifiers_are_refused(tmp_path: Path, name: str):
    with pytest.raises(InputError, match=f"^arrays contains the name '{name}', .*another name"):
        write_folder(tmp_path / "bank", FIELDS, b"", {name: np.zeros(3)})
    assert contents(tmp_path) == {}


def test_content_that_cannot_be_written_leaves_the_previous_folder(saved: Path):
    before = contents(saved.parent)
    with pytest.raises(TypeError):
        write_folder(saved, {**FIELDS, "metadata": {"a": object()}}, b"", {"vectors": np.zeros((2, 3))})
    with pytest.raises(ValueError, match="[Oo]bject arrays"):
        write_folder(saved, FIELDS, b"", {"vectors": np.array([None])})
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


@pytest.mark.parametrize("version", [3, 0, "1", None])
def test_another_version_is_refused(saved: Path, version: object):
    change_header(saved, version=version)
    with pytest.raises(InputError, match=f"format version {version}, .* up to 2: update the course"):
        read_folder(saved)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"kind": None}, "kind"),
        ({"kind": 7}, "kind"),
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
