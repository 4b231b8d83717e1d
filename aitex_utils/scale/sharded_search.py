"""A memory bank that exceeds one memory: shards on several workers, searched exactly, the nearest of all merged.

The k nearest neighbours in the whole bank are among the k nearest of each shard. Each worker returns its k nearest with
their squared distances in float64, which do not depend on the other vectors. They are merged, and ordered by distance
and then by index. The result equals the result of one exact index, to the last digit and in the order of equals.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, MissingError, check_integer, check_number
from ..fast.exact_distances import squared_distances_at
from ..files.atomic_write import atomic_write, scratch_folder
from ..files.ownership import Manifest
from ..files.paths import full_path, given_path
from ..files.persistence import header_digest, read_array, read_signed_header, write_array
from ..memory_bank import MemoryBank
from ..safety.arrays import check_patches
from .tasks import Job, count_workers, run_jobs

HEADER, FORMAT, VERSION = "header.json", "aitex_utils shards", 1
MOST_SHARDS = 10_000
COPIES = 4  # bytes of a searched shard in memory, divided by the bytes of its vectors: 3.6, rounded up
ONE_AT_A_TIME = threading.Lock()  # threads of one process share its shards, and its memory
_banks: OrderedDict[tuple[str, str], MemoryBank] = OrderedDict()  # of this process, the last used at the end


def _listed(header: dict[str, Any]) -> dict[str, None]:
    if header["format"] != FORMAT:
        raise ValueError(FORMAT)
    return dict.fromkeys(shard["file"] for shard in header["shards"])


SHARDS = Manifest(HEADER, "a sharded memory bank", _listed)


def write_shards(vectors: np.ndarray, folder: str | os.PathLike, n_shards: int) -> Path:
    """Write the vectors of a bank as shards of nearly equal size.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        Vectors, float32. A memory-mapped array is never read as a whole.
    folder : path
        Folder to write; shards written there before are replaced.
    n_shards : int
        Number of shards, up to N.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If an argument is out of range, the vectors are not finite numbers, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     sorted(path.name for path in write_shards(np.eye(4), f"{place}/shards", 2).iterdir())
    ['header.json', 'shard_00000.npy', 'shard_00001.npy']
    """
    if getattr(vectors, "ndim", 0) != 2 or not len(vectors):
        raise InputError("vectors is no array of shape (N, C) with at least one vector: give the vectors of a bank.")
    n_shards = check_integer("n_shards", n_shards, 1, min(len(vectors), MOST_SHARDS), "the number of vectors")
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION, "channels": int(vectors.shape[1]), "shards": []}
    with atomic_write(folder, folder=True, manifest=SHARDS) as inside:
        for number in range(n_shards):
            begin, end = len(vectors) * number // n_shards, len(vectors) * (number + 1) // n_shards
            part, name = np.ascontiguousarray(check_patches(vectors[begin:end])), f"shard_{number:05d}.npy"
            np.save(inside / name, part, allow_pickle=False)
            digest = hashlib.sha256((inside / name).read_bytes()).hexdigest()
            header["shards"].append({"file": name, "first": begin, "vectors": end - begin, "sha256": digest})
        header["header_sha256"] = header_digest(header)
        (inside / HEADER).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")
    return given_path(folder)


class ShardedBank:
    """A memory bank whose vectors are spread over workers.

    Parameters
    ----------
    folder : path
        Folder that `write_shards` wrote, where all workers can read it.
    client : distributed.Client, ProcessPool, concurrent.futures.Executor or None
        Workers, see `cluster`; None searches one shard after the other in this process.
    keep_gib : float
        GiB of shards that each worker keeps in memory for the next search.

    Attributes
    ----------
    n_shards : int
        Number of shards.

    Raises
    ------
    InputError
        If the folder is missing, foreign or damaged, or an argument is out of range.

    Notes
    -----
    A worker keeps shards that it searched, up to `keep_gib`, and the next search gives them to it again. It reads the
    other shards for each search. In memory a shard takes four times the bytes of its vectors, and one shard is always
    kept: choose `n_shards` so that one fits. Queries go to the workers as a file. The distances come back through the
    scheduler: 16 n k bytes per shard.

    Examples
    --------
    >>> import tempfile
    >>> vectors = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    >>> with tempfile.TemporaryDirectory() as place:
    ...     bank = ShardedBank(write_shards(vectors, f"{place}/shards", 2))
    ...     bank.search(np.array([[0.0, 1.0]]), k=2)[1].tolist()
    [[0, 1]]
    """

    def __init__(self, folder: str | os.PathLike, client: Any = None, *, keep_gib: float = 1.0) -> None:
        self._keep_bytes = check_number("keep_gib", keep_gib, "[0, inf)", example=1) * 2**30
        self._folder, self._client = full_path(folder), client
        self._header = _read_header(self._folder, folder)

    @property
    def n_shards(self) -> int:
        """Number of shards."""
        return len(self._header["shards"])

    def __len__(self) -> int:
        """Return the number of vectors."""
        return sum(shard["vectors"] for shard in self._header["shards"])

    def search(self, patches: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Find the k nearest neighbours of each patch in all shards.

        Parameters
        ----------
        patches : ndarray, shape (n, C)
            Queries.
        k : int
            Number of neighbours, 1 to the number of vectors.

        Returns
        -------
        distances : ndarray, shape (n, k)
            Euclidean, float32, nearest first, of equals the lowest index: as `MemoryBank.search` with "flat".
        indices : ndarray, shape (n, k)
            int64.

        Raises
        ------
        InputError
            If k is out of range, the patches have another number of channels, a shard is damaged, or the workers are
            lost.
        """
        patches = check_patches(patches)
        k = check_integer("k", k, 1, len(self), "the number of vectors")
        if patches.shape[1] != self._header["channels"]:
            raise InputError(
                f"patches has {patches.shape[1]} channels but the bank has {self._header['channels']}: take them from "
                "the same backbone and layers."
            )
        shards, workers = self._header["shards"], count_workers(self._client)
        bytes_of_one = COPIES * 4 * self._header["channels"] * max(one["vectors"] for one in shards)
        kept = max(1, min(-(-len(shards) // workers), int(self._keep_bytes // bytes_of_one)))
        with scratch_folder(self._folder) as scratch:
            path = scratch / "queries.npy"
            write_array(path, patches)
            jobs = [
                Job(f"shard {i}", search_shard, (str(self._folder / one["file"]), one, str(path), k, kept), i % workers)
                for i, one in enumerate(shards)
            ]
            answers = {job.name: answer for job, answer in run_jobs(self._client, jobs)}
        return merge_nearest([answers[job.name] for job in jobs], k)


def search_shard(path: str, shard: dict[str, Any], queries: str, k: int, kept: int) -> tuple[np.ndarray, np.ndarray]:
    """Search one shard: the task of a worker.

    Parameters
    ----------
    path : str
        File of the shard.
    shard : dict
        Its entry in the header.
    queries : str
        File of the queries, (n, C).
    k : int
        Number of neighbours.
    kept : int
        Number of shards that this process keeps for the next search.

    Returns
    -------
    squared_distances : ndarray, shape (n, min(k, vectors of the shard))
        float64.
    indices : ndarray, same shape
        int64, in the whole bank.

    Raises
    ------
    InputError
        If a file is missing or damaged.

    Examples
    --------
    >>> search_shard("no/such/shard.npy", {"sha256": ""}, "no/such/queries.npy", 1, 1)
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/queries.npy cannot be read by a worker: write the shards into a folder \
that all workers share.
    """
    patches = read_array(_read(queries))
    with ONE_AT_A_TIME:
        bank = _bank(path, shard["sha256"], kept)
        k = min(k, len(bank))
        _, indices = bank.search(patches, k)
        rows = np.repeat(np.arange(len(patches)), k)
        squares = squared_distances_at(patches, rows, bank.vectors_, indices.ravel()).reshape(indices.shape)
    return squares, indices + shard["first"]


def merge_nearest(answers: list[tuple[np.ndarray, np.ndarray]], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Merge the nearest neighbours of several shards.

    Parameters
    ----------
    answers : list of (ndarray, ndarray)
        Squared distances and indices of each shard, each (n, k') with k' up to k.
    k : int
        Number of neighbours to keep.

    Returns
    -------
    distances : ndarray, shape (n, k)
        Euclidean, float32, nearest first, of equals the lowest index.
    indices : ndarray, shape (n, k)
        int64.

    Examples
    --------
    >>> near, far = (np.array([[1.0, 4.0]]), np.array([[7, 2]])), (np.array([[4.0]]), np.array([[1]]))
    >>> merge_nearest([near, far], 2)[1].tolist()
    [[7, 1]]
    """
    squares = np.concatenate([squares for squares, _ in answers], axis=1)
    indices = np.concatenate([indices for _, indices in answers], axis=1)
    order = np.lexsort((indices, squares))[:, :k]
    nearest = np.sqrt(np.take_along_axis(squares, order, 1)).astype(np.float32)
    return nearest, np.take_along_axis(indices, order, 1)


def _bank(path: str, digest: str, kept: int) -> MemoryBank:
    """Return the bank of a shard, and keep it if there is room.

    Shards are searched in turn. So the one used last is needed again latest, and makes room for the next.
    """
    key = (path, digest)
    if key not in _banks:
        for other in [other for other in _banks if Path(other[0]).parent != Path(path).parent]:
            del _banks[other]
        while len(_banks) >= kept:  # before the next one is read, or both would be in memory
            _banks.popitem()
        data = _read(path)
        if hashlib.sha256(data).hexdigest() != digest:
            raise InputError(f"{path} is damaged (its SHA-256 differs): write the shards again.")
        _banks[key] = MemoryBank().add(read_array(data))
    _banks.move_to_end(key)
    return _banks[key]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise MissingError(
            f"{path} cannot be read by a worker: write the shards into a folder that all workers share."
        ) from error


def _read_header(folder: Path, shown: str | os.PathLike) -> dict[str, Any]:
    if not folder.is_dir():
        raise MissingError(f"{shown} is missing: give the folder that write_shards wrote.")
    header = read_signed_header(folder / HEADER, FORMAT, VERSION)
    if header is None:
        raise InputError(f"{shown} is no sharded bank, or its {HEADER} is damaged: give the folder of write_shards.")
    return header
