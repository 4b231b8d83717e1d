"""The traced detector equals PatchCore, and each bank vector is the patch that its origin names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from woven import woven

from aitex_utils import MemoryBank, PatchCore
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb10.choices import Choices
from aitex_utils.lessons.nb10.jobs import finish
from aitex_utils.lessons.nb10.tracing import TracedDetector, nearest_vectors

SETTINGS: list[dict[str, Any]] = [
    {},
    {"pooling": ((3,), (1,))},
    {"normalize_positions": False, "sampler": "random"},
    {"normalize_positions": False, "sampler": "k_means"},
    {"layers": ("blocks.2",), "image_score": "reweighted"},
]


def traced_and_plain(given: dict[str, Any]) -> tuple[TracedDetector, PatchCore, np.ndarray]:
    choices = Choices("00", **{"size": 64, "coreset_ratio": 0.1} | given)
    tiles = woven(6, seed=0, height=256, width=256)
    plain = PatchCore(**choices.detector_arguments()).fit(tiles)
    traced = TracedDetector(choices.detector_arguments(), choices.bank_arguments())
    finish(traced.fit_steps(traced.detector.features.transform(tiles), (256, 256)))
    return traced, plain, tiles


@pytest.mark.parametrize("given", SETTINGS, ids=str)
def test_it_equals_patchcore(given: dict[str, Any]):
    traced, plain, _ = traced_and_plain(given)
    tiles = woven(3, seed=1, height=256, width=256)
    one, other = traced.detector.predict(tiles), plain.predict(tiles)
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.maps, other.maps)
    assert traced.detector.radius_ == plain.radius_ and traced.seconds_ > 0


@pytest.mark.parametrize("given", [SETTINGS[0], SETTINGS[1], SETTINGS[2]], ids=str)
def test_each_vector_is_the_patch_of_its_origin(given: dict[str, Any]):
    traced, _, tiles = traced_and_plain(given)
    detector = traced.detector
    patches = detector.features.transform(tiles)
    for branch, (bank, origins) in enumerate(zip(detector.banks_, traced.origins_, strict=True)):
        channels = bank.vectors_.shape[1]
        own = patches[..., branch * channels : (branch + 1) * channels]
        np.testing.assert_array_equal(own[tuple(origins.T)], bank.vectors_)


def test_the_origin_of_a_mean_is_the_nearest_patch():
    traced, _, tiles = traced_and_plain(SETTINGS[3])
    patches = traced.detector.features.transform(tiles)
    flat = patches.reshape(-1, patches.shape[-1])
    for vector, origin in zip(traced.detector.bank_.vectors_, traced.origins_[0], strict=True):
        distance = np.linalg.norm(patches[tuple(origin)] - vector)
        assert distance == pytest.approx(np.linalg.norm(flat - vector, axis=1).min(), rel=1e-5)


def test_the_parameters_of_an_index_reach_the_bank():
    traced, _, _ = traced_and_plain({"index": "hnsw", "M": 8, "ef_search": 5})
    assert traced.detector.bank_.kind == "hnsw"
    assert (traced.detector.bank_.M, traced.detector.bank_.ef_search) == (8, 5)


def test_a_fit_in_steps_can_be_left_after_each_step():
    choices = Choices("00", size=64, coreset_ratio=0.1, pooling=((3,), (1,)))
    traced = TracedDetector(choices.detector_arguments(), choices.bank_arguments())
    patches = traced.detector.features.transform(woven(4, seed=0, height=256, width=256))
    steps = [step.text for step in traced.fit_steps(patches, (256, 256))]
    assert steps == ["coreset of branch 1", "coreset of branch 2", "position-wise normalisation", "index"]
    left = TracedDetector(choices.detector_arguments(), choices.bank_arguments())
    job = left.fit_steps(patches, (256, 256))
    next(job)
    job.close()
    assert not hasattr(left, "origins_") and not hasattr(left.detector, "banks_")


def test_impossible_parameters_are_refused_before_the_work():
    with pytest.raises(InputError, match="M is 1"):
        TracedDetector({"pooling": 3}, {"kind": "hnsw", "M": 1})
    with pytest.raises(InputError, match="patches has shape"):
        next(TracedDetector({"pooling": 3}, {"kind": "flat"}).fit_steps(np.zeros((3, 4)), (256, 256)))


def test_nearest_vectors_are_those_of_an_exact_search_in_each_branch():
    rng = np.random.default_rng(0)
    patch, banks = rng.random(8, np.float32), [rng.random((n, 4), np.float32) for n in (9, 2)]
    distances, indices = nearest_vectors(patch, banks, 3)
    assert [len(of_branch) for of_branch in indices] == [3, 2]
    for part, bank, found, at in zip((patch[:4], patch[4:]), banks, distances, indices, strict=True):
        expected = MemoryBank().add(bank).search(part[None], len(found))
        np.testing.assert_array_equal(found, expected[0][0])
        np.testing.assert_array_equal(at, expected[1][0])
