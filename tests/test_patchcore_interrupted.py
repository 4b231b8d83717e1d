"""A fit that fails or is interrupted at any point leaves the detector as it was before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from detectors import NORMAL, SIZE, TEST
from woven import woven

from aitex_utils import PatchCore, PatchFeatures, calibration, features, memory_bank, patchcore, streaming_coreset
from aitex_utils.errors import InputError

STRIPS = list(woven(3, 11, SIZE, 192))
SMALL = {"size": 32, "coreset_ratio": 0.1, "batch_size": 3}
pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]

# Functions and methods of all stages: extraction, whitening, selection, position scale, memory bank.
STAGES = [
    (PatchFeatures, "layer_outputs"),
    (PatchFeatures, "fit_whitening"),
    (PatchFeatures, "apply_whitening"),
    (features, "fuse_layers"),
    (np.linalg, "eigh"),
    (patchcore, "subsample"),
    (streaming_coreset, "k_center_greedy"),
    (patchcore, "leave_one_out_distances"),
    (patchcore, "position_scale"),
    (patchcore, "row_scale"),
    (calibration, "geometric_mean_distance"),
    (memory_bank.MemoryBank, "add"),
]


def state(detector: PatchCore) -> dict[str, object]:
    """Return what a detector has learned, with the identity of each part."""
    return {**vars(detector), "features": dict(vars(detector.features))}


def assert_unchanged(before: dict[str, object], after: dict[str, object]) -> None:
    assert before.keys() == after.keys()
    for name, value in before.items():
        if isinstance(value, dict):
            assert_unchanged(value, after[name])
        else:
            assert after[name] is value or after[name] == value, name


def fail_at(place: object, name: str, call: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the n-th call of a function raise; return a list that grows with each call."""
    original, calls = getattr(place, name), []

    def failing(*arguments, **options):
        calls.append(1)
        if len(calls) == call:
            raise error
        return original(*arguments, **options)

    monkeypatch.setattr(place, name, failing)
    return calls


REFITS: dict[str, Callable[[PatchCore], object]] = {
    "fit": lambda d: d.fit(TEST),
    "fit in blocks": lambda d: d.fit(iter(TEST), memory=1e-9),
    "fit_strips": lambda d: d.fit_strips(STRIPS, tile_size=SIZE),
    "fit_strips in blocks": lambda d: d.fit_strips(STRIPS, tile_size=SIZE, memory=1e-9),
    "fit_patches": lambda d: d.fit_patches(np.random.default_rng(0).random((4, 4, 4, 304), np.float32), (SIZE, SIZE)),
}


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("refit", REFITS)
@pytest.mark.parametrize("first", ["fit", "fit_strips"])
def test_an_error_at_any_call_of_any_stage_changes_nothing(
    first: str, refit: str, whiten: bool, monkeypatch: pytest.MonkeyPatch
):
    if whiten and "blocks" in refit:
        pytest.skip("refused")
    monkeypatch.setattr(streaming_coreset, "BLOCK_SIZE", 20)
    detector = PatchCore(whiten=whiten, **SMALL)
    detector.fit(NORMAL) if first == "fit" else detector.fit_strips(STRIPS[1:], tile_size=SIZE)
    strip = STRIPS[0]
    before, expected = state(detector), detector.predict_strip(strip, region=(0, 192)).map
    for place, name in STAGES:
        for call in (1, 2, 5, 14):
            with monkeypatch.context() as patch:
                error = KeyboardInterrupt() if call % 2 else MemoryError("injected")
                calls = fail_at(place, name, call, error, patch)
                try:
                    REFITS[refit](detector)
                except (KeyboardInterrupt, MemoryError):
                    assert_unchanged(before, state(detector))
                    continue
            assert len(calls) < call  # no such call any more: the refit succeeded, so start anew from what it learned
            before = state(detector)
            expected = detector.predict_strip(strip, region=(0, 192)).map
            break
        np.testing.assert_array_equal(detector.predict_strip(strip, region=(0, 192)).map, expected)


def test_a_refused_fit_leaves_the_detector_to_be_saved_as_it_was(tmp_path):
    strips = np.random.default_rng(0).integers(0, 256, (3, SIZE, 128), np.uint8)
    detector = PatchCore(size=None, coreset_ratio=0.02).fit_strips(list(strips[1:]), tile_size=SIZE)
    before = detector.predict_strip(strips[0], region=(0, 128)).map
    with pytest.raises(InputError):
        detector.fit(np.zeros((4, SIZE, SIZE), np.uint16))
    loaded = PatchCore.load(detector.save(tmp_path / "d"))
    np.testing.assert_array_equal(loaded.predict_strip(strips[0], region=(0, 128)).map, before)


@pytest.mark.parametrize("call", ["predict", "predict_strip", "predict_patches"])
def test_a_prediction_that_fails_changes_nothing(call: str, monkeypatch: pytest.MonkeyPatch):
    detector = PatchCore(whiten=True, **SMALL).fit(NORMAL)
    patches, expected = detector.features.transform(TEST), detector.predict(TEST).maps
    predict = {
        "predict": lambda: detector.predict(TEST),
        "predict_strip": lambda: detector.predict_strip(STRIPS[0], region=(0, 192)),
        "predict_patches": lambda: detector.predict_patches(patches),
    }[call]
    before = state(detector)
    for place, name in (
        (PatchFeatures, "layer_outputs"),
        (patchcore, "anomaly_maps"),
        (memory_bank.MemoryBank, "search"),
    ):
        with monkeypatch.context() as patch:
            fail_at(place, name, 1, KeyboardInterrupt(), patch)
            try:
                predict()
            except KeyboardInterrupt:
                pass
        assert_unchanged(before, state(detector))
    np.testing.assert_array_equal(detector.predict(TEST).maps, expected)


def test_a_whitening_that_fails_keeps_the_previous_one(monkeypatch: pytest.MonkeyPatch):
    extractor = PatchFeatures(size=32, whiten=True).fit(NORMAL)
    mean, whitening = extractor.mean_, extractor.whitening_
    fail_at(np.linalg, "eigh", 1, KeyboardInterrupt(), monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        extractor.fit(TEST)
    assert extractor.mean_ is mean and extractor.whitening_ is whitening


def test_the_pooling_does_not_depend_on_the_last_fit():
    detector = PatchCore(**SMALL)
    for refit in (
        lambda: detector.fit(NORMAL),
        lambda: detector.fit_strips(STRIPS, tile_size=SIZE),
        lambda: detector.fit(TEST),
    ):
        refit()
        assert detector.features.pooling == detector.pooling == ((3,), (1,))
