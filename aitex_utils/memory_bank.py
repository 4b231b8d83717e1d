"""The kept patches in a FAISS index: nearest ones by true distance, more added later, saved whole and loaded safely."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .atomic_write import sha256, write_whole
from .errors import InputError, MissingError, check_patches, is_whole
from .fast.bf16_bound import bfloat16_is_quick
from .fast.pruned_search import FEWEST, RoundedSearch

CLASSES = {"flat": "IndexFlatL2", "ivf": "IndexIVFFlat", "hnsw": "IndexHNSWFlat", "pq": "IndexPQ"}  # of FAISS
KINDS = (*CLASSES, "auto")
EXACT_UP_TO, RECALL = 200_000, 0.99  # "auto": vectors up to which the search is exact; recall at 1 that it has beyond
FORMAT, VERSION = "aitex_utils memory bank", 1
HEADER, VECTORS, INDEX = "header.json", "vectors.npy", "index.faiss"
BLOCK = 16384  # pairs compared at once: bounds the memory of the exact distances to BLOCK x C x 4 bytes (or k x C x 4)


class MemoryBank:
    """Patches (N, C) float32 that can be asked for the nearest ones to others.

    Parameters
    ----------
    kind : "flat" is exact. "ivf" looks into the nearest of `cells` cells, "hnsw" walks a graph, "pq" compares
        compressed codes: sooner or smaller, and now and then not the nearest. "auto" is "flat" for up to 200,000
        vectors, and above them "ivf" with so many probes that 99 of 100 vectors find the nearest other one.
    cells, probes : for "ivf", how many cells, and into how many a search looks; None: 4 sqrt(N), and an eighth of them.
    links, breadth : for "hnsw", links per vector and how many candidates a search keeps.
    code_bytes : for "pq", bytes a vector; must divide C; None takes the largest divisor up to C / 8.

    The first `add` trains "ivf" and "pq" on its patches; give them a representative lot. Attributes: `vectors_` (N, C).

    Notes
    -----
    FAISS returns squared distances, computed as |p|^2 - 2 p.m + |m|^2 or from codes, whose last digits depend on how
    many patches are searched at once. `nearest` therefore computes the distances of the few found anew. Where the
    processor multiplies bfloat16 quickly, the one nearest of many is found by `RoundedSearch`, exactly as well.
    """

    def __init__(
        self,
        kind: str = "flat",
        *,
        cells: int | None = None,
        probes: int | None = None,
        links: int = 32,
        breadth: int = 64,
        code_bytes: int | None = None,
    ) -> None:
        if kind not in KINDS:
            raise InputError(f"There is no index of kind {kind!r}: choose one of {', '.join(KINDS)}.")
        self.kind = kind
        self.cells, self.probes = _whole("cells", cells), _whole("probes", probes)
        self.links, self.breadth = _whole("links", links), _whole("breadth", breadth)
        self.code_bytes = _whole("code_bytes", code_bytes)
        self.about: dict[str, Any] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self._index = None
        self._rounded: RoundedSearch | None = None  # made when first needed

    def __len__(self) -> int:
        return 0 if self._index is None else self._index.ntotal

    @property
    def nbytes(self) -> int:
        """Bytes of the index and the vectors together."""
        return 0 if self._index is None else self.index_nbytes + self.vectors_.nbytes

    @property
    def index_nbytes(self) -> int:
        """Bytes of the FAISS index alone, as it would be saved."""
        import faiss

        return 0 if self._index is None else faiss.serialize_index(self._index).nbytes

    def add(self, patches: np.ndarray) -> MemoryBank:
        """Add patches (n, C), also to a bank that holds some; the new ones get the indices that follow."""
        patches = check_patches(patches)
        large = self.kind == "auto" and len(patches) > EXACT_UP_TO
        if self._index is None:
            self.kind = ("ivf" if large else "flat") if self.kind == "auto" else self.kind
            self._index = self._new_index(patches)
            self.vectors_ = np.empty((0, patches.shape[1]), np.float32)
        elif patches.shape[1] != self.vectors_.shape[1]:
            raise InputError(
                f"patches has {patches.shape[1]} channels but the bank holds {self.vectors_.shape[1]}: "
                "take them from the same backbone and layers."
            )
        self._index.add(patches)
        self._rounded = None
        self.vectors_ = np.concatenate([self.vectors_, patches])
        if large:
            self._probe_enough()
        return self

    def nearest(self, patches: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return distances (n, k) float32, nearest first, and indices (n, k) int64 of the k nearest vectors.

        Distances are Euclidean, not squared. Where an approximate index finds fewer than k, the rest is infinity and
        -1.
        """
        patches = check_patches(patches)
        if not len(self):
            raise InputError("The memory bank is empty: add normal patches (or call fit) before searching.")
        if not is_whole(k) or not 1 <= k <= len(self):
            raise InputError(
                f"k is {k!r}, expected a whole number from 1 to the number of patches in the bank, {len(self)}."
            )
        if patches.shape[1] != self.vectors_.shape[1]:
            raise InputError(
                f"patches has {patches.shape[1]} channels but the bank holds {self.vectors_.shape[1]}: "
                "take them from the same backbone and layers."
            )
        distances = np.empty((len(patches), k), np.float32)
        indices = np.empty((len(patches), k), np.int64)
        step = max(1, BLOCK // k)
        for begin in range(0, len(patches), step):
            rows = slice(begin, begin + step)
            distances[rows], indices[rows] = self._nearest_block(patches[rows], k)
        return distances, indices

    def _probe_enough(self) -> None:
        """Double the cells that are looked into until enough vectors find the nearest other one."""
        asked = self.vectors_[:: max(1, len(self) // 1024)]
        exact = MemoryBank().add(self.vectors_).nearest(asked, 2)[0][:, 1]
        self._index.nprobe = max(1, self._index.nlist // 64)
        while np.mean(self.nearest(asked, 2)[0][:, 1] <= exact * 1.00001) < RECALL:
            if self._index.nprobe >= self._index.nlist:
                return
            self._index.nprobe *= 2

    def _nearest_block(self, patches: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        many = min(len(self), len(patches)) >= FEWEST
        if k == 1 and self.kind == "flat" and many and bfloat16_is_quick():
            self._rounded = self._rounded or RoundedSearch(self.vectors_)
            indices = self._rounded.nearest(patches)[:, None]
        else:
            _, indices = self._index.search(patches, int(k))  # FAISS refuses NumPy's integers
        differences = self.vectors_[indices] - patches[:, None, :]  # (n, k, C)
        distances = np.sqrt(np.einsum("nkc,nkc->nk", differences, differences))  # the one root: FAISS gives squares
        distances[indices < 0] = np.inf
        order = np.argsort(distances, axis=1, kind="stable")
        return np.take_along_axis(distances, order, 1), np.take_along_axis(indices, order, 1)

    def _new_index(self, patches: np.ndarray):
        import faiss

        n, channels = patches.shape
        if self.kind == "flat":
            return faiss.IndexFlatL2(channels)
        if self.kind == "hnsw":
            index = faiss.IndexHNSWFlat(channels, self.links)
            index.hnsw.efSearch = self.breadth
            return index
        if self.kind == "ivf":
            # FAISS wants 39 training points a cell; fewer and it warns.
            cells = self.cells or max(1, min(round(4 * n**0.5), n // 39))
            if cells > n:
                raise InputError(f"cells is {cells} but only {n} patches are there to train them: take fewer cells.")
            index = faiss.IndexIVFFlat(faiss.IndexFlatL2(channels), channels, cells)
            index.nprobe = self.probes or max(1, cells // 8)
        else:
            code_bytes = self.code_bytes or max(d for d in range(1, max(channels // 8, 1) + 1) if channels % d == 0)
            if channels % code_bytes:
                raise InputError(f"code_bytes is {code_bytes}, expected a divisor of the {channels} channels.")
            if n < 256:
                raise InputError(f"pq needs at least 256 patches to learn its codes, {n} are there: use kind='flat'.")
            index = faiss.IndexPQ(channels, code_bytes, 8)
        index.train(patches)
        return index

    def save(
        self,
        folder: str | os.PathLike,
        *,
        about: Mapping[str, Any] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> Path:
        """Write the bank as a folder: FAISS index, vectors, further `arrays` as `.npy`, and a JSON header.

        `about` goes into the header (backbone, layers, weights' SHA-256, ...). The folder is written whole or not at
        all.
        """
        import faiss

        if not len(self):
            raise InputError("The memory bank is empty: there is nothing to save, add patches first.")
        if Path(folder).exists() and not (Path(folder) / HEADER).is_file():
            raise InputError(
                f"{folder} is there already and is no memory bank: choose another name, nothing was replaced."
            )
        wrong = [name for name in arrays or {} if not name.isidentifier() or name == "vectors"]
        if wrong:
            raise InputError(f"arrays holds {wrong[0]!r}, expected plain names except 'vectors': choose another name.")
        arrays = {"vectors": self.vectors_, **(arrays or {})}
        with write_whole(folder, folder=True) as inside:
            # Written through Python: FAISS's own writer can't open paths with letters beyond ASCII on Windows.
            (inside / INDEX).write_bytes(faiss.serialize_index(self._index).tobytes())
            for name, array in arrays.items():
                np.save(inside / f"{name}.npy", array, allow_pickle=False)
            header = {
                "format": FORMAT,
                "version": VERSION,
                "kind": self.kind,
                "vectors": len(self),
                "channels": int(self.vectors_.shape[1]),
                "about": dict(about or {}),
                "sha256": {path.name: sha256(path) for path in sorted(inside.iterdir())},
            }
            (inside / HEADER).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")
        return Path(folder)

    @classmethod
    def load(cls, folder: str | os.PathLike) -> MemoryBank:
        """Read a saved bank; what was saved beside it is in `about` and `arrays`. Nothing is unpickled.

        A folder that is missing, foreign, of a newer format, incomplete or damaged raises `InputError` with the reason.
        """
        import faiss

        folder = Path(folder)
        header = _read_header(folder)
        there = {path.name for path in folder.iterdir() if path.is_file()}  # no name leads out of the folder
        for name, digest in header["sha256"].items():
            if name not in there:
                raise MissingError(
                    f"{folder} is incomplete, {name} isn't there: save the detector again, or fit it anew."
                )
            if sha256(folder / name) != digest:
                raise InputError(
                    f"{folder / name} is damaged (its SHA-256 isn't the header's): save again, or fit anew."
                )
        bank = cls(header["kind"])
        bank.about = header["about"]
        try:
            arrays = {n[:-4]: _load_array(folder / n) for n in header["sha256"] if n.endswith(".npy")}
            bank.vectors_ = arrays.pop("vectors")
            bank._index = faiss.deserialize_index(np.frombuffer((folder / INDEX).read_bytes(), np.uint8).copy())
        except (KeyError, ValueError, OSError, RuntimeError) as error:
            raise InputError(f"{folder} holds no readable memory bank ({error}): save again, or fit anew.") from error
        bank.arrays = arrays
        shape = (header["vectors"], header["channels"])
        index, vectors = bank._index, bank.vectors_
        files = (vectors.shape, (index.ntotal, index.d), vectors.dtype, type(index).__name__)
        if files != (shape, shape, np.float32, CLASSES[bank.kind]):
            raise InputError(
                f"{folder} contradicts itself: its header says {bank.kind} {shape} but the files don't; fit it anew."
            )
        return bank


def _whole(name: str, value: int | None) -> int | None:
    if value is None:
        return None
    if not is_whole(value) or value < 1:
        raise InputError(f"{name} is {value!r}, expected a whole number from 1 on.")
    return int(value)


def _load_array(path: Path) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(path.read_bytes()), allow_pickle=False)  # np.load takes more than .npy


def _read_header(folder: Path) -> dict[str, Any]:
    """Return a header whose fields are there and of the right type; raise `InputError` with the reason otherwise."""
    if not folder.is_dir():
        raise MissingError(f"{folder} isn't there: give the folder that save() wrote.")
    if not (folder / HEADER).is_file():
        raise InputError(f"{folder} is no memory bank, it has no {HEADER}: give the folder that save() wrote.")
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{folder / HEADER} is damaged ({error}): save again, or fit anew.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{folder} is no memory bank of aitex_utils: give the folder that save() wrote.")
    if header.get("version") != VERSION:
        raise InputError(
            f"{folder} has format version {header.get('version')}, this code reads {VERSION}: "
            "update the course, or fit anew."
        )
    kinds = {"kind": str, "vectors": int, "channels": int, "about": dict, "sha256": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(header.get(name), kind)]
    if wrong or header["kind"] not in CLASSES or not {VECTORS, INDEX} <= header["sha256"].keys():
        raise InputError(
            f"{folder / HEADER} is damaged ({', '.join(wrong) or 'kind or files'}): save again, or fit anew."
        )
    return header
