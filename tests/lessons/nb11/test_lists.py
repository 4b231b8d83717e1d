"""Lists on the disk, and in memory where FAISS has none on the disk."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest

from aitex_utils.lessons.nb11.lists import make_lists
from aitex_utils.scale.disk_search import ListsInMemory

VECTORS = np.random.default_rng(0).standard_normal((600, 8), np.float32)


def test_without_lists_on_disk_the_search_is_the_same_and_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    made = {"nlist": 8, "training": VECTORS[::2]}
    pieces = np.array_split(VECTORS, 4)
    expected = make_lists(pieces, tmp_path / "lists", **made) if hasattr(faiss, "OnDiskInvertedLists") else None
    assert capsys.readouterr().out == "" or expected is None
    monkeypatch.delattr(faiss, "OnDiskInvertedLists", raising=False)
    found = make_lists(iter(pieces), tmp_path / "none", **made)
    assert isinstance(found, ListsInMemory) and "in memory" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()
    assert (found.search(VECTORS, nprobe=8)[1][:, 0] == np.arange(len(VECTORS))).all()
    for nprobe in (None, 1, 3) if expected is not None else ():
        distances, indices = found.search(VECTORS[:50] + 0.1, 2, nprobe=nprobe)
        on_disk, numbers = expected.search(VECTORS[:50] + 0.1, 2, nprobe=nprobe)
        np.testing.assert_array_equal(indices, numbers)
        np.testing.assert_allclose(distances, on_disk, rtol=1e-5)
