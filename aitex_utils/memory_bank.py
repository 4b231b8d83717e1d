"""The memory bank: a coreset in a FAISS index, with exact Euclidean distances, growth, and safe saving and loading."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError, check_choice, check_integer, check_patches
from .fast.bf16_bound import has_fast_bf16
from .fast.pruned_search import MIN_SIZE, PrunedSearch
from .files.persistence import read_folder, write_folder

if TYPE_CHECKING:
    import faiss

INDEX_CLASSES = {"flat": "IndexFlatL2", "ivf": "IndexIVFFlat", "hnsw": "IndexHNSWFlat", "pq": "IndexPQ"}  # of FAISS
KINDS = (*INDEX_CLASSES, "auto")
EXACT_UP_TO, RECALL = 200_000, 0.99  # "auto": vectors up to which the search is exact; recall@1 beyond
BLOCK_SIZE = 16384  # pairs whose distances are computed at once: bounds memory to BLOCK_SIZE x C x 4 bytes


class MemoryBank:
    """Normal patches (N, C) float32 among which the nearest neighbours of other patches are found.

    Parameters
    ----------
    kind : {"flat", "ivf", "hnsw", "pq", "auto"}
        Index. "flat" is exact. "ivf" searches the nearest of `nlist` cells, "hnsw" walks a graph, "pq" compares
        compressed codes: faster or smaller, and now and then not the nearest neighbour. "auto" is "flat" for up to
        200,000 vectors, and above them "ivf" with `nprobe` large enough for a recall@1 of 0.99.
    nlist, nprobe : int, optional
        For "ivf": number of cells, and number of cells searched. None takes 4 sqrt(N), and an eighth of them.
    M, ef_search : int
        For "hnsw": links per vector, and candidates that a search keeps.
    code_size : int, optional
        For "pq": bytes per vector; must divide C. None takes the largest divisor up to C / 8.

    Attributes
    ----------
    vectors_ : ndarray, shape (N, C)
        The patches, float32.
    metadata : dict
        Further content of the header of a bank that was loaded.
    arrays : dict of str to ndarray
        Further arrays of a bank that was loaded.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    The first `add` trains "ivf" and "pq" on its patches, so give them a representative batch.

    FAISS returns squared distances, computed as |p|^2 - 2 p.m + |m|^2 or from codes. Their last digits depend on how
    many patches are searched at once. `search` therefore computes the distances of the neighbours found anew. Where
    the processor multiplies bfloat16 fast, the nearest neighbour is found by `fast.pruned_search`, exactly as well.

    Examples
    --------
    >>> bank = MemoryBank().add(np.array([[0.0, 0.0], [3.0, 4.0]]))
    >>> distances, indices = bank.search(np.array([[0.0, 1.0]]), k=2)
    >>> indices.tolist(), distances.round(2).tolist()
    ([[0, 1]], [[1.0, 4.239999771118164]])
    """

    def __init__(
        self,
        kind: str = "flat",
        *,
        nlist: int | None = None,
        nprobe: int | None = None,
        M: int = 32,  # noqa: N803 - FAISS's name
        ef_search: int = 64,
        code_size: int | None = None,
    ) -> None:
        self.kind = check_choice("kind", kind, KINDS)
        self.nlist = None if nlist is None else check_integer("nlist", nlist, 1)
        self.nprobe = None if nprobe is None else check_integer("nprobe", nprobe, 1)
        self.M, self.ef_search = check_integer("M", M, 1), check_integer("ef_search", ef_search, 1)
        self.code_size = None if code_size is None else check_integer("code_size", code_size, 1)
        self.metadata: dict[str, Any] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self._index: faiss.Index | None = None
        self._pruned: PrunedSearch | None = None  # made when first needed

    def __len__(self) -> int:
        """Return the number of vectors."""
        return 0 if self._index is None else self._index.ntotal

    @property
    def index(self) -> faiss.Index:
        """The FAISS index, with FAISS's own interface."""
        if self._index is None:
            raise InputError("The memory bank is empty and has no index yet: add normal patches first.")
        return self._index

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
        """Add patches, also to a bank that contains some.

        Parameters
        ----------
        patches : ndarray, shape (n, C)
            Normal patches; they get the indices that follow.

        Returns
        -------
        MemoryBank
            The bank itself.

        Raises
        ------
        InputError
            If the patches are not finite numbers, have another number of channels, or are too few to train the index.
        """
        patches = check_patches(patches)
        is_large = self.kind == "auto" and len(patches) > EXACT_UP_TO
        if self._index is None:
            self.kind = ("ivf" if is_large else "flat") if self.kind == "auto" else self.kind
            self._index = self._new_index(patches)
            self.vectors_ = np.empty((0, patches.shape[1]), np.float32)
        else:
            self._check_channels(patches)
        self._index.add(patches)
        self._pruned = None
        self.vectors_ = np.concatenate([self.vectors_, patches])
        if is_large:
            self._raise_nprobe()
        return self

    def search(self, patches: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Find the k nearest neighbours of each patch in the bank.

        Parameters
        ----------
        patches : ndarray, shape (n, C)
            Queries.
        k : int
            Number of neighbours, 1 to the number of vectors.

        Returns
        -------
        distances : ndarray, shape (n, k)
            Euclidean, not squared, float32, nearest first. Infinity where an approximate index finds fewer than k.
        indices : ndarray, shape (n, k)
            int64; -1 where an approximate index finds fewer than k.

        Raises
        ------
        InputError
            If the bank is empty, k is out of range, or the patches have another number of channels.
        """
        patches = check_patches(patches)
        if not len(self):
            raise InputError("The memory bank is empty: add normal patches (or call fit) before searching.")
        k = check_integer("k", k, 1, len(self), "the number of patches in the bank")
        self._check_channels(patches)
        distances = np.empty((len(patches), k), np.float32)
        indices = np.empty((len(patches), k), np.int64)
        step = max(1, BLOCK_SIZE // k)
        for begin in range(0, len(patches), step):
            rows = slice(begin, begin + step)
            distances[rows], indices[rows] = self._search_block(patches[rows], k)
        return distances, indices

    def save(
        self,
        folder: str | os.PathLike,
        *,
        metadata: Mapping[str, Any] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> Path:
        """Write the bank as a folder, whole or not at all; see `files.persistence`.

        Parameters
        ----------
        folder : path
            Folder to write; a bank saved there before is replaced.
        metadata : mapping, optional
            Goes into the header.
        arrays : mapping of str to ndarray, optional
            Further arrays to save beside the vectors.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If the bank is empty, something else is in the way, or the folder cannot be written.
        """
        import faiss

        if not len(self):
            raise InputError("The memory bank is empty: there is nothing to save, add patches first.")
        if "vectors" in (arrays or {}):
            raise InputError("arrays contains the name 'vectors', which is the bank's own: choose another name.")
        header = {
            "kind": self.kind,
            "vectors": len(self),
            "channels": int(self.vectors_.shape[1]),
            "metadata": dict(metadata or {}),
        }
        index = faiss.serialize_index(self._index).tobytes()
        return write_folder(folder, header, index, {"vectors": self.vectors_, **(arrays or {})})

    @classmethod
    def load(cls, folder: str | os.PathLike) -> MemoryBank:
        """Read a saved bank; nothing is unpickled.

        Parameters
        ----------
        folder : path
            Folder that `save` wrote.

        Returns
        -------
        MemoryBank
            With what was saved beside it in `metadata` and `arrays`.

        Raises
        ------
        InputError
            If the folder is missing, foreign, of a newer version, incomplete or damaged; the message says which.
        """
        import faiss

        header, index, arrays = read_folder(folder)
        if header["kind"] not in INDEX_CLASSES:
            raise InputError(f"{folder} names an unknown index {header['kind']!r}: save it again, or fit anew.")
        bank = cls(header["kind"])
        bank.metadata, bank.vectors_, bank.arrays = header["metadata"], arrays.pop("vectors"), arrays
        try:
            bank._index = faiss.deserialize_index(np.frombuffer(index, np.uint8).copy())
        except RuntimeError as error:
            raise InputError(f"{folder} contains no readable index ({error}): save it again, or fit anew.") from error
        shape = (header["vectors"], header["channels"])
        actual = (bank.vectors_.shape, (bank.index.ntotal, bank.index.d), type(bank.index).__name__)
        if actual != (shape, shape, INDEX_CLASSES[bank.kind]) or bank.vectors_.dtype != np.float32:
            raise InputError(
                f"{folder} contradicts itself: its header says {bank.kind} {shape} but the files differ; fit it anew."
            )
        return bank

    def _check_channels(self, patches: np.ndarray) -> None:
        if patches.shape[1] != self.vectors_.shape[1]:
            raise InputError(
                f"patches has {patches.shape[1]} channels but the bank has {self.vectors_.shape[1]}: "
                "take them from the same backbone and layers."
            )

    def _search_block(self, patches: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        is_large = min(len(self), len(patches)) >= MIN_SIZE
        if k == 1 and self.kind == "flat" and is_large and has_fast_bf16():
            self._pruned = self._pruned or PrunedSearch(self.vectors_)
            indices = self._pruned.search(patches)[:, None]
        else:
            _, indices = self._index.search(patches, k)
        differences = self.vectors_[indices] - patches[:, None, :]  # (n, k, C)
        distances = np.sqrt(np.einsum("nkc,nkc->nk", differences, differences))  # the one root: FAISS gives squares
        distances[indices < 0] = np.inf
        order = np.argsort(distances, axis=1, kind="stable")
        return np.take_along_axis(distances, order, 1), np.take_along_axis(indices, order, 1)

    def _raise_nprobe(self) -> None:
        """Double `nprobe` until the search finds the nearest other vector often enough."""
        queries = self.vectors_[:: max(1, len(self) // 1024)]
        exact = MemoryBank().add(self.vectors_).search(queries, 2)[0][:, 1]
        self._index.nprobe = max(1, self._index.nlist // 64)
        while np.mean(self.search(queries, 2)[0][:, 1] <= exact * 1.00001) < RECALL:
            if self._index.nprobe >= self._index.nlist:
                return
            self._index.nprobe *= 2

    def _new_index(self, patches: np.ndarray) -> faiss.Index:
        import faiss

        n, channels = patches.shape
        if self.kind == "flat":
            return faiss.IndexFlatL2(channels)
        if self.kind == "hnsw":
            index = faiss.IndexHNSWFlat(channels, self.M)
            index.hnsw.efSearch = self.ef_search
            return index
        if self.kind == "ivf":
            # With fewer than 39 training points per cell FAISS warns.
            nlist = self.nlist or max(1, min(round(4 * n**0.5), n // 39))
            if nlist > n:
                raise InputError(f"nlist is {nlist} but there are only {n} patches to train the cells: take fewer.")
            index = faiss.IndexIVFFlat(faiss.IndexFlatL2(channels), channels, nlist)
            index.nprobe = self.nprobe or max(1, nlist // 8)
        else:
            code_size = self.code_size or max(d for d in range(1, max(channels // 8, 1) + 1) if channels % d == 0)
            if channels % code_size:
                raise InputError(f"code_size is {code_size}, expected a divisor of the {channels} channels.")
            if n < 256:
                raise InputError(f"pq needs at least 256 patches to train its codes, these are {n}: use kind='flat'.")
            index = faiss.IndexPQ(channels, code_size, 8)
        index.train(patches)
        return index
