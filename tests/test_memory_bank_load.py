"""Folders that a bank can't be loaded from: each is refused with the reason, and nothing in them is run."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aitex_utils.errors import InputError, MissingError
from aitex_utils.memory_bank import HEADER, INDEX, VECTORS, MemoryBank


def normal_patches(n: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, channels)).astype(np.float32)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return MemoryBank().add(normal_patches(20, 4)).save(tmp_path / "bank", about={"backbone": "x"})


def change_header(folder: Path, **fields: object) -> None:
    header = json.loads((folder / HEADER).read_text())
    for name, value in fields.items():
        if value is None:
            del header[name]
        else:
            header[name] = value
    (folder / HEADER).write_text(json.dumps(header))


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Put other bytes under a name and their hash into the header, as somebody with bad intentions would."""
    (folder / name).write_bytes(data)
    hashes = json.loads((folder / HEADER).read_text())["sha256"]
    change_header(folder, sha256={**hashes, name: hashlib.sha256(data).hexdigest()})


def npy(folder: Path, array: np.ndarray, **options: bool) -> bytes:
    path = folder.parent / "scratch.npy"
    np.save(path, array, **options)
    return path.read_bytes()


def test_missing_and_foreign(tmp_path: Path, saved: Path):
    with pytest.raises(MissingError, match=r"nowhere isn't there: give the folder that save\(\) wrote"):
        MemoryBank.load(tmp_path / "nowhere")
    with pytest.raises(MissingError, match="isn't there: give the folder"):
        MemoryBank.load(saved / HEADER)
    with pytest.raises(InputError, match=r"is no memory bank, it has no header\.json: give the folder that save\(\)"):
        MemoryBank.load(tmp_path)
    for text in ('{"format": "another"}', "[]", "7", "{}"):
        (saved / HEADER).write_text(text)
        with pytest.raises(InputError, match="bank is no memory bank of aitex_utils: give the folder"):
            MemoryBank.load(saved)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"format": "aitex_utils memory bank"'])
def test_header_that_is_no_json(saved: Path, data: bytes):
    (saved / HEADER).write_bytes(data)
    with pytest.raises(InputError, match=r"header\.json is damaged \(.*\): save again, or fit anew"):
        MemoryBank.load(saved)


@pytest.mark.parametrize("version", [2, 0, "1", None])
def test_other_version(saved: Path, version: object):
    change_header(saved, version=version)
    with pytest.raises(InputError, match=rf"bank has format version {version}, this code reads 1: update the course"):
        MemoryBank.load(saved)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"kind": None}, "kind"),
        ({"kind": "exact"}, "kind or files"),
        ({"vectors": "20"}, "vectors"),
        ({"channels": None, "about": []}, "channels, about"),
        ({"sha256": []}, "sha256"),
        ({"sha256": {}}, "kind or files"),
        ({"sha256": {INDEX: "0"}}, "kind or files"),
    ],
)
def test_header_with_wrong_fields(saved: Path, fields: dict, named: str):
    change_header(saved, **fields)
    with pytest.raises(InputError, match=rf"header\.json is damaged \({named}\): save again, or fit anew"):
        MemoryBank.load(saved)


@pytest.mark.parametrize("name", [INDEX, VECTORS])
def test_incomplete_and_damaged(saved: Path, name: str):
    data = bytearray((saved / name).read_bytes())
    data[-1] ^= 1
    for damaged in (bytes(data), bytes(data[:-1]), b""):
        (saved / name).write_bytes(damaged)
        with pytest.raises(
            InputError, match=rf"{name} is damaged \(its SHA-256 isn't the header's\): save again, or fit"
        ):
            MemoryBank.load(saved)
    (saved / name).unlink()
    with pytest.raises(MissingError, match=f"bank is incomplete, {name} isn't there: save the detector again, or fit"):
        MemoryBank.load(saved)


@pytest.mark.parametrize("name", ["../x.npy", "..", "", ".", "a\0b", "n" * 300, "\ud800", "sub/x.npy", "{absolute}"])
def test_header_that_names_files_elsewhere(saved: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    """The file is there and its hash is right, but it isn't one of the folder's own."""
    (saved / "sub").mkdir()
    for outside in (saved.parent / "x.npy", saved / "sub" / "x.npy"):
        np.save(outside, np.zeros(3))
    name = name.replace("{absolute}", str(saved.parent / "x.npy"))
    digest = hashlib.sha256((saved.parent / "x.npy").read_bytes()).hexdigest()
    change_header(saved, sha256={**json.loads((saved / HEADER).read_text())["sha256"], name: digest})
    with pytest.raises(MissingError, match="bank is incomplete, .* isn't there"):
        MemoryBank.load(saved)


class Trap:
    """Unpickling one writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", [VECTORS, "mean.npy"])
def test_nothing_is_unpickled(saved: Path, name: str):
    sprung = saved.parent / "sprung"
    trap = np.array([Trap(sprung)], dtype=object)
    for data in (npy(saved, trap, allow_pickle=True), pickle.dumps(Trap(sprung))):
        replace_file(saved, name, data)
        with pytest.raises(InputError, match="bank holds no readable memory bank .*: save again, or fit anew"):
            MemoryBank.load(saved)
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))  # the trap itself works
    assert sprung.exists()


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"\x93NUMPY", b"text"])
def test_files_of_another_kind_with_the_right_hash(saved: Path, data: bytes):
    for name in (VECTORS, INDEX):
        good = (saved / name).read_bytes()
        replace_file(saved, name, data)
        with pytest.raises(InputError, match="bank holds no readable memory bank"):
            MemoryBank.load(saved)
        replace_file(saved, name, good)
    assert len(MemoryBank.load(saved)) == 20


def test_contradictions(saved: Path):
    good = (saved / VECTORS).read_bytes(), (saved / HEADER).read_bytes()
    other = MemoryBank("hnsw").add(normal_patches(20, 4)).save(saved.parent / "other")
    vectors = normal_patches(20, 4)
    changes: list[Callable[[], None]] = [
        lambda: change_header(saved, vectors=21),
        lambda: change_header(saved, channels=5),
        lambda: change_header(saved, kind="ivf"),
        lambda: replace_file(saved, INDEX, (other / INDEX).read_bytes()),
        *(
            lambda array=array: replace_file(saved, VECTORS, npy(saved, array))
            for array in (vectors[:19], vectors.T, vectors[0], vectors.astype(np.float64), vectors.astype("i4"))
        ),
    ]
    index = (saved / INDEX).read_bytes()
    for change in changes:
        change()
        with pytest.raises(
            InputError, match=r"bank contradicts itself: its header says (flat|ivf) \(\d+, \d\) but the f"
        ):
            MemoryBank.load(saved)
        (saved / VECTORS).write_bytes(good[0])
        (saved / HEADER).write_bytes(good[1])
        (saved / INDEX).write_bytes(index)
        assert len(MemoryBank.load(saved)) == 20
