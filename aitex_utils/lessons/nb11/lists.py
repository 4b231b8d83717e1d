"""Inverted lists on the disk, or in memory where FAISS was built without lists on disk, as on Windows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from aitex_utils.scale.disk_search import DiskIndex, ListsInMemory


def make_lists(
    pieces: Iterable[np.ndarray], folder: str | os.PathLike, *, nlist: int, training: np.ndarray
) -> DiskIndex | ListsInMemory:
    """Write inverted lists to a folder and open them, or make them in memory if this FAISS has no lists on disk.

    Parameters
    ----------
    pieces : iterable of ndarray, each of shape (n, C)
        Vectors, float32.
    folder : path
        Folder to write.
    nlist : int
        Number of cells.
    training : ndarray, shape (m, C)
        Vectors on which the cells are trained.

    Returns
    -------
    DiskIndex or ListsInMemory

    Examples
    --------
    >>> import tempfile
    >>> vectors = np.random.default_rng(0).standard_normal((400, 8), np.float32)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     lists = make_lists([vectors], f"{place}/lists", nlist=2, training=vectors)
    ...     lists.search(vectors[7:8], nprobe=2)[1].tolist()
    [[7]]
    """
    import faiss

    from aitex_utils.scale.disk_search import DiskIndex, ListsInMemory, build_disk_index

    if hasattr(faiss, "OnDiskInvertedLists"):
        return DiskIndex(build_disk_index(pieces, folder, nlist=nlist, training=training))
    print("This build of FAISS has no lists on disk, as on Windows. These lists are in memory instead.")
    return ListsInMemory(pieces, nlist=nlist, training=training)
