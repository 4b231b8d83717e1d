"""The data and measurements of notebook 05, on a small data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb05 import setup
from aitex_utils.lessons.nb05.indexes import KINDS, build_index


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1200, 19)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_index_is_trained_filled_and_has_its_parameter(kind: str, vectors: np.ndarray):
    index = build_index(kind, vectors)
    assert index.is_trained and index.ntotal == 1200
    number = int((kind.split() + ["0"])[1])
    found = {"ivf": "nprobe", "hnsw": "hnsw.efSearch", "pq": "code_size"}.get(kind.split()[0])
    for name in (found or "").split("."):
        index = getattr(index, name) if name else number
    assert index == number


def test_an_unknown_kind_is_refused(vectors: np.ndarray):
    with pytest.raises(InputError, match="choose one of flat"):
        build_index("ivf 3", vectors)


def test_measured_kinds_agree_with_an_exact_search(vectors: np.ndarray):
    bank, patches = vectors[:1100], vectors[1100:]
    arrays = setup.measure_kinds([bank], [patches], grid=50)
    exact = np.linalg.norm(patches[:, None] - bank, axis=2).min(axis=1).reshape(2, 50).max(axis=1)
    np.testing.assert_allclose(arrays["flat.0"], exact, rtol=1e-4)
    for kind in KINDS:
        costs = arrays[f"{kind.replace(' ', '_')}.0.costs"]
        recall, worst, build, median, low, high, mib = costs
        assert 0 <= recall <= 1 <= worst * (1 + 1e-6) and build >= 0 and low <= median <= high and mib > 0
        assert (recall == 1) == (worst < 1 + 1e-5)
    assert arrays["flat.0.costs"][0] == 1 and arrays["coreset.0.costs"][0] < 0.5


def test_sizes_are_at_most_the_bank(vectors: np.ndarray):
    arrays = setup.measure_sizes([vectors], [vectors[:30]], sizes=(500, 5000), kinds=("flat", "ivf 8"))
    assert arrays["sizes"].tolist() == [500, 1200]
    assert (arrays["ivf_8"][:, 1] <= arrays["ivf_8"][:, 0]).all()


@pytest.mark.slow
def test_the_banks_of_the_notebook_are_cached_and_cannot_be_changed(
    small_practice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(setup, "lesson_root", lambda: small_practice)
    monkeypatch.setattr(setup, "FIT_TILES", 2)
    monkeypatch.setattr(setup, "TEST_TILES", 1)
    monkeypatch.setattr(setup, "N_FABRICS", 1)
    for function in (setup._banks, setup._growing):
        function.cache_clear()
    try:
        banks, strips = setup.lesson_banks(), setup.growing_strips()
        assert "Computing 05_banks_fast " in capsys.readouterr().out
        for function in (setup._banks, setup._growing):
            function.cache_clear()
        again = setup.lesson_banks()
        assert "computing" not in capsys.readouterr().out
    finally:
        for function in (setup._banks, setup._growing):
            function.cache_clear()
    assert len(banks.fabrics) == 1 and banks.banks[0].shape == (2048, 152)
    assert len(banks.tests[0]) == 1024 * len(banks.labels[0]) == 1024 * len(banks.tiles)
    assert np.array_equal(banks.banks[0], again.banks[0])
    assert metrics.auroc(banks.labels[0], banks.labels[0].astype(float)) == 1
    with pytest.raises(ValueError, match="read-only"):
        banks.banks[0][:] = 0
    assert len(strips.first) % 1024 == len(strips.odd) % 1024 == 0
    assert strips.odd_mean >= strips.nearest_mean
