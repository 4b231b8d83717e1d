"""The memory bank: a coreset in a FAISS index, with exact Euclidean distances, growth, and safe saving and loading."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError, check_choice, check_integer, shown
from .fast.bf16_bound import has_fast_bf16
from .fast.exact_distances import brute_force_search, rounding_of_products, squared_distances_at
from .fast.pruned_search import MIN_SIZE, PrunedSearch
from .fast.torch_search import TorchSearch
from .files.persistence import read_folder, write_folder
from .safety.arrays import check_patches, check_trainable
from .safety.devices import check_device

if TYPE_CHECKING:
    import faiss

INDEX_CLASSES = {"flat": "IndexFlatL2", "ivf": "IndexIVFFlat", "hnsw": "IndexHNSWFlat", "pq": "IndexPQ"}  # of FAISS
KINDS = (*INDEX_CLASSES, "auto")
EXACT_UP_TO, RECALL = 200_000, 0.99  # "auto": vectors up to which the search is exact, and recall@1 beyond
FURTHER = (1, 16)  # further neighbours that FAISS is asked for, to see how far away the next ones are
LONGEST = 1e15  # vectors up to which no product overflows float32
BLOCK_SIZE = 16384  # pairs whose distances are computed at once: bounds memory to BLOCK_SIZE x C x 4 bytes


class MemoryBank:
    """Normal patches (N, C) float32 among which the nearest neighbours of other patches are found.

    Parameters
    ----------
    kind : {"flat", "ivf", "hnsw", "pq", "auto"}
        Index. "flat" is exact. "ivf" searches the nearest of `nlist` cells, "hnsw" walks a graph, and "pq" compares
        compressed codes. These three are faster or smaller, and sometimes miss the nearest neighbour. "auto" is "flat"
        for up to 200,000 vectors, and "ivf" above with `nprobe` large enough for a recall@1 of 0.99.
    nlist, nprobe : int, optional
        For "ivf": number of cells, and number of cells searched. None takes 4 sqrt(N), and an eighth of them.
    M, ef_search : int
        For "hnsw": links per vector, 2 to 256, and candidates that a search keeps, 1 to 65,536.
    code_size : int, optional
        For "pq": bytes per vector; must divide C. None takes the largest divisor up to C / 8.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where "flat" is searched, see `safety.devices.check_device`. The other kinds are searched on the CPU.

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
    many patches are searched at once, and far from the origin so do all. `search` therefore computes the distances of
    the neighbours found anew, from differences. With "flat" it also compares anew, in float64, where rounding leaves a
    doubt, so the result depends on the vectors alone. Among equally near vectors the lowest index comes first. Where
    the processor multiplies bfloat16 fast, the nearest neighbour is found by `fast.pruned_search`, with the same
    result. On a GPU, `fast.torch_search` takes the place of FAISS, also with the same result.

    "ivf" and "pq" are trained by FAISS's k-means, whose last digits depend on the number of threads, so a few of their
    neighbours do too. The graph of "hnsw" is the same with one thread and with several.

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
        device: str = "cpu",
    ) -> None:
        self.kind = check_choice("kind", kind, KINDS)
        # Beyond these limits FAISS ends the process, or asks for more memory than there is.
        self.nlist = None if nlist is None else check_integer("nlist", nlist, 1)
        self.nprobe = None if nprobe is None else check_integer("nprobe", nprobe, 1)
        self.M = check_integer("M", M, 2, 256)
        self.ef_search = check_integer("ef_search", ef_search, 1, 65_536)
        self.code_size = None if code_size is None else check_integer("code_size", code_size, 1)
        self.device = check_device(device)
        self.metadata: dict[str, Any] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self._index: faiss.Index | None = None
        self._pruned: PrunedSearch | None = None  # made when first needed
        self._on_device: TorchSearch | None = None  # likewise, instead of FAISS
        self._longest: float | None = None  # length of the longest vector, likewise

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
        import faiss

        patches = check_patches(patches)
        is_large = self.kind == "auto" and len(patches) > EXACT_UP_TO
        if self._index is None:
            kind = ("ivf" if is_large else "flat") if self.kind == "auto" else self.kind
            index, vectors = self._new_index(kind, patches), patches.copy()
        else:
            self._check_channels(patches)
            # Everything is made aside, so that an interruption leaves the bank as it is.
            kind, index = self.kind, faiss.clone_index(self._index)
            vectors = np.concatenate([self.vectors_, patches])
        index.add(patches)
        if is_large:
            self._raise_nprobe(index, vectors)
        self.kind, self._index, self.vectors_ = kind, index, vectors
        self._pruned = self._on_device = self._longest = None
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
            Euclidean, not squared, float32, nearest first, of equals the lowest index. Infinity where an approximate
            index finds fewer than k.
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
        step = max(1, BLOCK_SIZE // (k + 1))
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is compared anew, in float64
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
        """Write the bank as a folder, whole or not at all, see `files.persistence`.

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
        for name, value in (("metadata", metadata), ("arrays", arrays)):
            if not isinstance(value, (Mapping, type(None))):
                raise InputError(f"{name} is {shown(value)}, expected a dict of names and values.")
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
    def load(cls, folder: str | os.PathLike, *, device: str = "cpu") -> MemoryBank:
        """Read a saved bank. Nothing is unpickled.

        Parameters
        ----------
        folder : path
            Folder that `save` wrote.
        device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
            As in the constructor; a saved bank can be loaded on any device.

        Returns
        -------
        MemoryBank
            With the data saved beside it in `metadata` and `arrays`.

        Raises
        ------
        InputError
            If the folder is missing, foreign, of a newer version, incomplete or damaged, or the device is not there;
            the message says which.
        """
        import faiss

        device = check_device(device)
        header, index, arrays = read_folder(folder)
        if header["kind"] not in INDEX_CLASSES:
            raise InputError(f"{folder} names an unknown index {header['kind']!r}: save it again, or fit anew.")
        bank = cls(header["kind"], device=device)
        bank.metadata, bank.vectors_, bank.arrays = header["metadata"], arrays.pop("vectors"), arrays
        shape, fits = (header["vectors"], header["channels"]), bank.vectors_.dtype == np.float32
        try:
            if bank.kind == "flat" and fits and bank.vectors_.shape == shape:  # nothing but the vectors
                bank._index = bank._new_index("flat", bank.vectors_)
                bank._index.add(bank.vectors_)
            else:
                bank._index = faiss.deserialize_index(np.frombuffer(index, np.uint8).copy())
        except RuntimeError as error:
            raise InputError(f"{folder} contains no readable index ({error}): save it again, or fit anew.") from error
        actual = (
            bank.vectors_.shape,
            (bank.index.ntotal, bank.index.d),
            type(bank.index).__name__,
            bank.index.is_trained,
        )
        if not fits or actual != (shape, shape, INDEX_CLASSES[bank.kind], True):
            raise InputError(
                f"{folder} contradicts itself: its header says {bank.kind} {shape} but the files differ. Fit it anew."
            )
        return bank

    def _check_channels(self, patches: np.ndarray) -> None:
        if patches.shape[1] != self.vectors_.shape[1]:
            raise InputError(
                f"patches has {patches.shape[1]} channels but the bank has {self.vectors_.shape[1]}: "
                "take them from the same backbone and layers."
            )

    def _search_block(self, patches: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        if self.kind == "flat":
            squares, indices = self._search_flat(patches, k)
        else:
            squares, indices = self._nearest_candidates(patches, self._search_approximately(patches, k), k)
        return np.sqrt(squares), indices  # the one root: FAISS gives squares

    def _search_flat(self, patches: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return squared distances and indices (n, k), equal to the results of `brute_force_search`."""
        lengths = np.linalg.norm(patches, axis=1)
        if self._longest is None:
            self._longest = float(np.linalg.norm(self.vectors_, axis=1).max())
        longest = self._longest
        is_large = min(len(self), len(patches)) >= MIN_SIZE
        search = self._index.search
        if self.device != "cpu":
            self._on_device = self._on_device or TorchSearch(self.vectors_, self.device)
            search = self._on_device.search
        elif k == 1 and is_large and max(longest, lengths.max()) < LONGEST and has_fast_bf16():
            self._pruned = self._pruned or PrunedSearch(self.vectors_)
            squares, indices = self._pruned.search(patches)
            return squares[:, None], indices[:, None]
        squares, nearest = np.empty((len(patches), k)), np.empty((len(patches), k), np.int64)
        slack = rounding_of_products(lengths, longest, patches.shape[1])
        unsure = np.arange(len(patches))
        for further in FURTHER:  # is the last candidate certainly farther than the k-th?
            n_candidates = min(k + further, len(self))
            rounded, candidates = search(patches[unsure], n_candidates)
            squares[unsure], nearest[unsure] = self._nearest_candidates(patches[unsure], candidates, k)
            is_sure = rounded[:, -1] - rounded[:, k - 1] > 2 * slack[unsure]
            unsure = unsure[~is_sure & (n_candidates < len(self))]
            if not len(unsure):
                return squares, nearest
        squares[unsure], nearest[unsure] = brute_force_search(patches[unsure], self.vectors_, k)
        return squares, nearest

    def _search_approximately(self, patches: np.ndarray, k: int) -> np.ndarray:
        """Return indices (n, k) of about the nearest vectors, -1 where the cells searched have fewer."""
        import faiss

        _, indices = self._index.search(patches, k)
        is_lost = indices[:, 0] < 0
        if self.kind == "ivf" and is_lost.any():  # only empty cells were searched: many equal vectors leave some
            all_cells = faiss.SearchParametersIVF(nprobe=self._index.nlist)
            indices[is_lost] = self._index.search(patches[is_lost], k, params=all_cells)[1]
        return indices

    def _nearest_candidates(self, patches: np.ndarray, candidates: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return squared distances and indices (n, k) of the k nearest of the candidates (n, m), infinite for -1."""
        if self._on_device is not None:
            squares = self._on_device.squared_distances(patches, candidates)
        else:
            rows = np.repeat(np.arange(len(patches)), candidates.shape[1])
            squares = squared_distances_at(patches, rows, self.vectors_, candidates.ravel()).reshape(candidates.shape)
        squares[candidates < 0] = np.inf
        order = np.lexsort((candidates, squares))[:, :k]
        return np.take_along_axis(squares, order, 1), np.take_along_axis(candidates, order, 1)

    @staticmethod
    def _raise_nprobe(index: faiss.Index, vectors: np.ndarray) -> None:
        """Double `nprobe` until the search finds the nearest other vector often enough."""
        queries = vectors[:: max(1, len(vectors) // 1024)]
        exact = MemoryBank().add(vectors).search(queries, 2)[0][:, 1] ** 2
        index.nprobe = max(1, index.nlist // 64)
        while index.nprobe < index.nlist and np.mean(index.search(queries, 2)[0][:, 1] <= exact * 1.0001) < RECALL:
            index.nprobe *= 2

    def _new_index(self, kind: str, patches: np.ndarray) -> faiss.Index:
        import faiss

        n, channels = patches.shape
        if kind == "flat":
            return faiss.IndexFlatL2(channels)
        if kind == "hnsw":
            index = faiss.IndexHNSWFlat(channels, self.M)
            index.hnsw.efSearch = self.ef_search
            return index
        if kind == "ivf":
            # With fewer than 39 training points per cell FAISS warns.
            nlist = self.nlist or max(1, min(round(4 * n**0.5), n // 39))
            if nlist > n:
                raise InputError(f"nlist is {nlist} but there are only {n} patches to train the cells: take fewer.")
            index = faiss.IndexIVFFlat(faiss.IndexFlatL2(channels), channels, nlist)
            index.nprobe = min(self.nprobe or max(1, nlist // 8), nlist)
        else:
            code_size = self.code_size or max(d for d in range(1, max(channels // 8, 1) + 1) if channels % d == 0)
            if channels % code_size:
                raise InputError(f"code_size is {code_size}, expected a divisor of the {channels} channels.")
            if n < 256:
                raise InputError(f"pq needs at least 256 patches to train its codes, these are {n}: use kind='flat'.")
            index = faiss.IndexPQ(channels, code_size, 8)
        check_trainable(patches)
        index.train(patches)
        return index
