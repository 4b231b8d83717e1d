"""The detector's outputs on a fixed input, compared with outputs recorded from an earlier version of the code.

The input is four crops of practice fabric and their masks (`recorded/*.png`), so it does not change when the generator
does. `recorded/outputs.npz` was written by the version before the detector was reorganised. A few outputs on strips
were recorded again when the background got a limit. Defaults of that version which have changed since are arguments
here. Tolerances allow for other processors and library versions, not for other methods.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from aitex_utils import metrics
from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.baselines.ssim import ssim_maps
from aitex_utils.coreset import k_center_greedy, random_subset
from aitex_utils.features import PatchFeatures
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.streaming_coreset import composable_coreset
from aitex_utils.strips import read_grey
from aitex_utils.tiling import tile, tile_labels

FOLDER = Path(__file__).resolve().parent / "recorded"
NORMAL = [read_grey(FOLDER / f"normal_{i}.png") for i in range(3)]
DEFECTIVE = [read_grey(FOLDER / f"defective_{i}.png") for i in range(2)]
MASKS = [read_grey(FOLDER / f"defective_{i}_mask.png") > 0 for i in range(2)]
TRAINING = np.concatenate([tile(strip)[0] for strip in NORMAL])[:6]
TEST = np.concatenate([tile(strip)[0] for strip in (*DEFECTIVE, NORMAL[2])])
LABELS = np.concatenate([tile_labels(tile(mask)[0]) for mask in (*MASKS, np.zeros_like(MASKS[0]))])
with np.load(FOLDER / "outputs.npz") as recorded:
    RECORDED = dict(recorded)

ON_TILES = {
    "defaults_tiles": {"size": 256, "pooling": 3},
    "paper": PAPER,
    "reweighted": {**PAPER, "coreset_ratio": 0.05, "image_score": "reweighted"},
    "whitened": {"size": 128, "pooling": 3, "whiten": True},
    "random": {"size": 128, "pooling": 3, "sampler": "random", "image_score": "top", "seed": 3},
    "k_means": {
        "size": 128,
        "pooling": 3,
        "sampler": "k_means",
        "normalize_positions": False,
        "coreset_ratio": 0.02,
        "image_score": "mean",
        "seed": 3,
    },
    "two_branches_tiles": {"size": 128, "pooling": ((3,), (1,))},
}
ON_STRIPS = {"defaults_strips": {"size": 256}, "whitened_strips": {"size": 128, "whiten": True}}


def assert_agrees(name: str, value: object, rtol: float = 1e-3, atol: float = 1e-4) -> None:
    np.testing.assert_allclose(np.asarray(value), RECORDED[name], rtol=rtol, atol=atol, err_msg=name)


def assert_detector_agrees(name: str, detector: PatchCore) -> None:
    """Compare what a detector learned and what it predicts."""
    assert_agrees(f"{name}.bank_size", len(detector.bank_))
    assert_agrees(f"{name}.radius", np.nan if detector.radius_ is None else detector.radius_)
    assert_agrees(f"{name}.bank_head", detector.bank_.vectors_[:64, ::16], atol=1e-3)
    scale = detector.position_scale_
    assert (scale is not None) == (f"{name}.position_scale" in RECORDED)
    if scale is not None:
        assert_agrees(f"{name}.position_scale", scale[::4, ::4] if scale.shape[1] > 1 else scale)
    if not detector.fitted_on_strips_:
        result = detector.predict(TEST)
        assert_agrees(f"{name}.maps", result.maps[:, ::16, ::16])
        assert_agrees(f"{name}.scores", result.scores)
    for i, strip in enumerate(DEFECTIVE):
        result = detector.predict_strip(strip, region=(0, strip.shape[1]))
        assert_agrees(f"{name}.strip{i}.map", result.map[::16, ::16], atol=1e-3)
        assert_agrees(f"{name}.strip{i}.tile_scores", result.tile_scores)
        assert_agrees(f"{name}.strip{i}.score", result.score)


@pytest.mark.parametrize("name", ON_TILES)
def test_detectors_fitted_on_tiles_predict_as_recorded(name: str):
    assert_detector_agrees(name, PatchCore(**ON_TILES[name]).fit(TRAINING))


@pytest.mark.parametrize("name", ON_STRIPS)
def test_detectors_fitted_on_strips_predict_as_recorded(name: str):
    assert_detector_agrees(name, PatchCore(**ON_STRIPS[name]).fit_strips(NORMAL[:2]))


def test_a_detector_fitted_on_a_stream_of_tiles_predicts_as_recorded():
    """The strips' record is not compared: their position scale is learned from eight times as many columns now."""
    recipe = {"size": 256, "pooling": 3, "coreset_ratio": 0.02}
    assert_detector_agrees("streaming_tiles", PatchCore(**recipe).fit(iter([TRAINING[:3], TRAINING[3:]]), memory=1e-4))


@pytest.mark.slow
def test_memory_changes_nothing_until_its_limit_is_reached():
    recipe = {"size": 256, "coreset_ratio": 0.02}
    pairs = (
        (lambda **memory: PatchCore(**recipe).fit_strips(iter(NORMAL[:2]), **memory)),
        (lambda **memory: PatchCore(**recipe).fit_strips(iter(NORMAL[:1]), **memory)),
        (lambda **memory: PatchCore(**recipe).fit(iter([TRAINING[:3], TRAINING[3:]]), **memory)),
    )
    for fit in pairs:
        plain, limited = fit(), fit(memory=4.0)
        assert plain.radius_ == limited.radius_
        for a, b in zip(plain.banks_, limited.banks_, strict=True):
            np.testing.assert_array_equal(a.vectors_, b.vectors_)
        np.testing.assert_array_equal(plain.position_scale_, limited.position_scale_)


def test_features_coresets_and_banks_are_as_recorded():
    patches = PatchFeatures(size=256, padding="reflect").transform(TRAINING).reshape(-1, 152)
    assert_agrees("features.sample", patches[::97, ::8])
    indices, radii = k_center_greedy(patches, 300, seed=0)
    assert np.mean(indices == RECORDED["coreset.indices"]) > 0.95
    assert_agrees("coreset.radii", radii)
    indices, radii = k_center_greedy(patches, 300, seed=1, projection=None, start=5)
    assert np.mean(indices == RECORDED["coreset_full.indices"]) > 0.95
    assert_agrees("coreset_full.radii", radii)
    np.testing.assert_array_equal(random_subset(patches, 50, seed=4), RECORDED["coreset_random"])
    vectors = patches[RECORDED["coreset_full.indices"]]
    for kind in ("flat", "ivf", "hnsw", "pq"):
        distances, neighbours = MemoryBank(kind).add(vectors).search(patches[::23], 3)
        same = neighbours == RECORDED[f"bank.{kind}.indices"]
        assert same.mean() > (0.999 if kind == "flat" else 0.98), kind
        np.testing.assert_allclose(distances[same], RECORDED[f"bank.{kind}.distances"][same], rtol=1e-3)


def test_the_composable_coreset_is_as_recorded():
    patches = PatchFeatures(size=128).transform(np.concatenate([tile(strip)[0] for strip in NORMAL]))
    result = composable_coreset(patches, 0.05, seed=0, memory=1e-6)
    assert_agrees("streaming.radius", result.radius)
    assert np.mean(result.groups[0] == RECORDED["streaming.owner"]) > 0.95
    assert_agrees("streaming.kept", result.vectors[0][:, ::16], atol=1e-3)


def test_measures_of_tiles_are_as_recorded():
    np.testing.assert_array_equal(LABELS, RECORDED["labels"])
    scores, groups = RECORDED["defaults_tiles.scores"], np.repeat(np.arange(3), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # one normal strip only
        interval = metrics.bootstrap_interval(metrics.auroc, LABELS, scores, groups, n_resamples=200)
    values = [metrics.auroc(LABELS, scores), metrics.average_precision(LABELS, scores), *metrics.f1_max(LABELS, scores)]
    assert_agrees("metrics", [*values, *interval, metrics.conformal_threshold(np.arange(40) / 7, 0.1)], rtol=1e-6)


def test_measures_of_maps_are_as_recorded():
    detector = PatchCore(size=256, pooling=3).fit(TRAINING)
    maps = [detector.predict_strip(strip, region=(0, strip.shape[1])).map for strip in DEFECTIVE]
    assert_agrees("aupro", metrics.aupro(maps, MASKS, (0.3, 0.05)))
    labels, scores = np.stack(MASKS), np.stack(maps)
    assert_agrees("pixel", [metrics.auroc(labels, scores), metrics.average_precision(labels, scores)])


def test_autoencoder_and_ssim_are_as_recorded():
    assert_agrees("ssim", ssim_maps(TEST[:2], TEST[1:3])[:, ::16, ::16])
    autoencoder = Autoencoder(steps=12, batch_size=4, crop_size=64, width=8).fit(TRAINING)
    assert_agrees("autoencoder.losses", autoencoder.losses_, rtol=0.01)
    assert_agrees("autoencoder.scores", autoencoder.predict(TEST).scores, rtol=0.01)


def test_a_detector_saved_in_format_version_1_predicts_as_recorded(tmp_path: Path):
    detector = PatchCore.load(FOLDER / "detector_v1")
    expected = np.load(FOLDER / "detector_v1_map.npy")
    for loaded in (detector, PatchCore.load(detector.save(tmp_path / "again"))):
        result = loaded.predict_strip(DEFECTIVE[0], region=(0, 768))
        np.testing.assert_allclose(result.map[::16, ::16], expected, rtol=1e-3, atol=1e-3)
