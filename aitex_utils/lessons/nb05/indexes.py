"""The kinds of FAISS index that notebook 05 compares, each built with the constructor that the notebook introduces."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import check_choice

if TYPE_CHECKING:
    import faiss

KINDS = ("flat", "ivf 1", "ivf 8", "hnsw 16", "hnsw 64", "pq 19", "coreset")
MIN_POINTS = 39  # vectors per centroid below which FAISS warns
M = 32  # links per vector of HNSW


def build_index(kind: str, vectors: np.ndarray) -> faiss.Index:
    """Return a FAISS index, trained on the vectors and filled with them.

    Parameters
    ----------
    kind : str
        One of `KINDS`: "ivf" with its `nprobe`, "hnsw" with its `efSearch`, "pq" with its `code_size`. "flat" and
        "coreset" are exact.
    vectors : ndarray, shape (N, C)
        float32.

    Returns
    -------
    faiss.Index

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    >>> index = build_index("ivf 8", vectors)
    >>> index.ntotal, index.nlist, index.nprobe
    (400, 10, 8)
    """
    import_module("torch")  # before FAISS, see section 2 of the notebook
    import faiss

    check_choice("kind", kind, KINDS)
    family, number = (*kind.split(), "0")[:2]
    channels = vectors.shape[1]
    if family == "ivf":
        nlist = min(round(4 * len(vectors) ** 0.5), len(vectors) // MIN_POINTS)
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(channels), channels, nlist)
        index.nprobe = int(number)
    elif family == "hnsw":
        index = faiss.IndexHNSWFlat(channels, M)
        index.hnsw.efSearch = int(number)
    elif family == "pq":
        index = faiss.IndexPQ(channels, int(number), 8)
    else:
        index = faiss.IndexFlatL2(channels)
    index.train(vectors)  # does nothing for flat and HNSW
    index.add(vectors)
    return index
