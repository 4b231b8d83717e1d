"""The whole detector on woven tiles made here: what it finds, that it is the same each time, saving, and refusals."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from woven import woven

from aitex_utils import PatchCore, backbones, features, patchcore
from aitex_utils.coreset import random_subset
from aitex_utils.errors import InputError, MissingError
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PAPER
from aitex_utils.scoring import anomaly_maps, reweighted_score
from aitex_utils.tiling import tile

SIDE = 64


def stained(tiles: np.ndarray, row: int = 24, column: int = 40, radius: int = 6) -> np.ndarray:
    y, x = np.mgrid[: tiles.shape[1], : tiles.shape[2]]
    spot = (y - row) ** 2 + (x - column) ** 2 < radius**2
    return np.where(spot, tiles // 3, tiles).astype(np.uint8)


def paper(**parameters: object) -> PatchCore:
    """The paper's recipe: tiles as they are, which keeps these tests quick."""
    return PatchCore(**{**PAPER, **parameters})


NORMAL, OTHERS = woven(8, seed=0), woven(6, seed=1)
DEFECTIVE = stained(OTHERS[:3])


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", autouse=True)
def loaded_once() -> Iterator[None]:
    """Load each network once: nothing changes it, so that detectors may share it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "load_backbone", cache(backbones.load_backbone))
        yield


@pytest.fixture(scope="module")
def detector() -> PatchCore:
    return paper(smoothing=2.0).fit(NORMAL)


# what it finds


def test_shapes_types_and_state(detector: PatchCore):
    found = detector.score(OTHERS)
    assert found.maps.shape == (6, SIDE, SIDE) and found.maps.dtype == np.float32
    assert found.scores.shape == (6,) and found.scores.dtype == np.float32
    assert np.isfinite(found.maps).all() and (found.scores > 0).all()
    assert len(detector.bank_) == round(0.10 * 8 * 8 * 8)  # 8 tiles of 8 x 8 patches
    assert detector.bank_.vectors_.shape[1] == 152
    assert detector.tile_shape_ == (SIDE, SIDE) and detector.radius_ > 0


def test_fit_returns_the_detector():
    new = paper(coreset=0.01)
    assert new.fit(NORMAL[:1]) is new
    assert len(new.bank_) == 1  # 0.64 of a patch: at least one is kept


def test_defects_score_higher_than_every_normal_tile_and_are_found_where_they_are(detector: PatchCore):
    normal, defective = detector.score(OTHERS), detector.score(DEFECTIVE)
    assert defective.scores.min() > 1.1 * normal.scores.max()
    for anomaly_map in defective.maps:
        row, column = np.unravel_index(anomaly_map.argmax(), anomaly_map.shape)
        assert abs(row - 24) <= 16 and abs(column - 40) <= 16  # two positions of 8 px


def test_patches_of_the_bank_are_at_distance_zero():
    everything = paper(coreset=1.0, smoothing=0.0).fit(NORMAL[:2])
    assert everything.radius_ == 0
    found = everything.score(NORMAL[:2])
    np.testing.assert_array_equal(found.scores, 0)
    np.testing.assert_array_equal(found.maps, 0)


def test_score_is_the_rooms_called_in_their_order(detector: PatchCore):
    patches = detector.features.transform(OTHERS)  # (6, 8, 8, 152)
    gaps = np.linalg.norm(patches.reshape(-1, 1, 152) - detector.bank_.vectors_[None], axis=2).min(axis=1)
    found = detector.score(OTHERS)
    np.testing.assert_allclose(found.scores, gaps.reshape(6, -1).max(axis=1), rtol=1e-4)
    np.testing.assert_allclose(found.maps, anomaly_maps(gaps.reshape(6, 8, 8), (SIDE, SIDE), 2.0), rtol=1e-3)


def test_the_bank_holds_patches_of_the_tiles():
    few = paper(sampler="random", coreset=0.25, seed=3).fit(NORMAL[:2])
    patches = few.features.transform(NORMAL[:2]).reshape(-1, 152)
    np.testing.assert_array_equal(few.bank_.vectors_, patches[random_subset(patches, 32, seed=3)])
    assert few.radius_ is None


@pytest.mark.parametrize("image_score", ["max", "mean", "top", "reweighted", "reweighted_by_patch"])
def test_each_image_score_tells_defects_apart(image_score: str, detector: PatchCore):
    other = paper(image_score=image_score)
    other.bank_, other.tile_shape_, other.radius_ = detector.bank_, detector.tile_shape_, detector.radius_
    normal, defective = other.score(OTHERS[3:]).scores, other.score(DEFECTIVE).scores
    assert defective.min() > normal.max()
    if image_score == "reweighted":
        patches = other.features.transform(DEFECTIVE).reshape(3, -1, 152)
        np.testing.assert_allclose(defective, reweighted_score(patches, detector.bank_), rtol=1e-5)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("sampler", ["greedy", "random", "k_means"])
def test_each_sampler_finds_defects_whitened_or_not(sampler: str, whiten: bool):
    found = paper(sampler=sampler, whiten=whiten, coreset=0.3, image_score="top").fit(NORMAL)
    assert found.score(DEFECTIVE).scores.min() > found.score(OTHERS).scores.max()


# the same each time


@pytest.mark.parametrize("sampler", ["greedy", "random", "k_means"])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(sampler: str, monkeypatch: pytest.MonkeyPatch):
    if sampler == "greedy":  # the default: networks loaded anew, and as many threads as a user has
        monkeypatch.setattr(features, "load_backbone", backbones.load_backbone)
        torch.set_num_threads(os.cpu_count() or 1)
    first, second, other = (paper(sampler=sampler, seed=seed).fit(NORMAL) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.bank_.vectors_, second.bank_.vectors_)
    a, b, c = (detector.score(OTHERS) for detector in (first, second, other))
    np.testing.assert_array_equal(a.scores, b.scores)
    np.testing.assert_array_equal(a.maps, b.maps)
    assert not np.array_equal(a.scores, c.scores)
    torch.set_num_threads(1)


def test_fitting_again_forgets_what_was_fitted():
    twice = paper(seed=2).fit(DEFECTIVE).fit(NORMAL)
    np.testing.assert_array_equal(twice.score(OTHERS).scores, paper(seed=2).fit(NORMAL).score(OTHERS).scores)


def test_fitting_leaves_numpys_dice_alone():
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)
    paper(sampler="k_means").fit(NORMAL[:1])
    assert np.random.random() == expected


def test_tiles_are_left_as_they_were():
    tiles = NORMAL.copy()
    paper().fit(tiles).score(tiles)
    np.testing.assert_array_equal(tiles, NORMAL)


# strips


def test_a_strip_is_its_tiles_stitched(detector: PatchCore):
    strip = stained(woven(1, 7, SIDE, 300), row=30, column=200)[0]
    found = detector.score_strip(strip, region=(20, 20 + 4 * SIDE))
    tiles = np.stack([strip[:, 20 + SIDE * i : 20 + SIDE * (i + 1)] for i in range(4)])
    alone = detector.score(tiles)
    np.testing.assert_array_equal(found.tile_scores, alone.scores)
    np.testing.assert_array_equal(found.map[:, 20 : 20 + 4 * SIDE], np.concatenate(list(alone.maps), axis=1))
    assert np.isnan(found.map[:, :20]).all() and np.isnan(found.map[:, 20 + 4 * SIDE :]).all()
    assert found.map.shape == strip.shape and found.map.dtype == np.float32
    assert found.score == alone.scores.max() and isinstance(found.score, float)
    assert found.corners.tolist() == [[0, 20 + SIDE * i] for i in range(4)]
    assert found.region == (20, 20 + 4 * SIDE)
    assert abs(np.nanargmax(found.map) % 300 - 200) <= 16


def test_a_strip_with_overlap_is_blended(detector: PatchCore):
    strip = woven(1, 8, SIDE, 200)[0]
    found = detector.score_strip(strip, region=(0, 200), overlap=32)
    tiles, corners = tile(strip, size=SIDE, overlap=32)
    np.testing.assert_array_equal(found.corners, corners)
    alone = detector.score(tiles).maps
    assert np.isfinite(found.map).all()
    here = slice(40, 50)  # covered by the first two tiles
    low, high = (f(alone[0][:, here], alone[1][:, 8:18]) for f in (np.minimum, np.maximum))
    assert ((found.map[:, here] >= low - 1e-5) & (found.map[:, here] <= high + 1e-5)).all()


def test_the_fabric_of_a_strip_is_found_where_no_region_is_given(detector: PatchCore, monkeypatch: pytest.MonkeyPatch):
    strip = woven(1, 9, SIDE, 200)[0]
    monkeypatch.setattr(patchcore, "fabric_region", lambda image: (30, 170))
    found, given = detector.score_strip(strip), detector.score_strip(strip, region=(30, 170))
    assert found.region == (30, 170)
    np.testing.assert_array_equal(found.map, given.map)
    assert np.isfinite(found.map[:, 30:170]).all() and np.isnan(found.map[:, :30]).all()


@pytest.mark.parametrize(
    ("strip", "region", "told"),
    [
        (
            np.zeros((SIDE, 200), np.float32),
            (0, 200),
            r"strip is float32 of shape \(64, 200\), expected \(H, W\) uint8",
        ),
        (np.zeros((1, SIDE, 200), np.uint8), (0, 200), r"shape \(1, 64, 200\)"),
        (np.zeros((SIDE, 200), np.uint8), (0, 201), r"region is \(0, 201\), expected .* within 0\.\.200"),
        (np.zeros((SIDE, 200), np.uint8), (-70, 200), r"region is \(-70, 200\)"),
        (np.zeros((SIDE, 200), np.uint8), (90, 90), r"region is \(90, 90\)"),
        (np.zeros((SIDE, 200), np.uint8), (0, 63), "smaller than a tile of 64 px"),
        (np.zeros((SIDE - 1, 200), np.uint8), (0, 200), "smaller than a tile of 64 px"),
    ],
)
def test_wrong_strips_are_refused(detector: PatchCore, strip: np.ndarray, region: tuple[int, int], told: str):
    with pytest.raises(InputError, match=told):
        detector.score_strip(strip, region=region)


# saving and loading


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"whiten": True, "sampler": "random", "index": "hnsw", "image_score": "reweighted"},
        {"sampler": "k_means", "index": "ivf", "coreset": 0.3, "smoothing": 0, "layers": ("blocks.4",), "pooling": 1},
        {"whiten": True, "index": "pq", "coreset": 0.6, "size": 96, "seed": 9, "image_score": "reweighted_by_patch"},
    ],
)
def test_a_saved_detector_scores_the_same(parameters: dict, tmp_path: Path):
    detector = paper(**parameters).fit(NORMAL)
    assert detector.save(tmp_path / "saved") == tmp_path / "saved"
    loaded = PatchCore.load(tmp_path / "saved")
    before, after = detector.score(OTHERS), loaded.score(OTHERS)
    np.testing.assert_array_equal(after.scores, before.scores)
    np.testing.assert_array_equal(after.maps, before.maps)
    assert loaded.parameters() == detector.parameters()
    assert (loaded.radius_, loaded.tile_shape_) == (detector.radius_, detector.tile_shape_)
    assert not list(tmp_path.glob(".saved*"))
    loaded.save(tmp_path / "again")
    assert json.loads((tmp_path / "again/header.json").read_text()) == json.loads(
        (tmp_path / "saved/header.json").read_text()
    )


def test_saving_over_an_older_detector_replaces_it(detector: PatchCore, tmp_path: Path):
    paper(whiten=True).fit(NORMAL[:2]).save(tmp_path / "saved")
    detector.save(tmp_path / "saved")
    assert not (tmp_path / "saved" / "whitening.npy").exists()
    np.testing.assert_array_equal(
        PatchCore.load(tmp_path / "saved").score(OTHERS).scores, detector.score(OTHERS).scores
    )


def test_numpy_numbers_as_parameters_can_be_saved(tmp_path: Path):
    parameters = {"seed": np.int64(3), "coreset": np.float32(0.25), "smoothing": np.float64(2), "pooling": np.int32(3)}
    paper(**parameters, whiten=np.bool_(False)).fit(NORMAL[:1]).save(tmp_path / "saved")
    assert PatchCore.load(tmp_path / "saved").parameters()["coreset"] == 0.25


def test_a_damaged_detector_is_refused(tmp_path: Path):
    folder = paper(whiten=True).fit(NORMAL[:2]).save(tmp_path / "saved")
    for name in ("vectors.npy", "index.faiss", "whitening.npy", "mean.npy"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(InputError, match=f"{name} is damaged"):
            PatchCore.load(folder)
        (folder / name).unlink()
        with pytest.raises(MissingError, match=f"incomplete, {name} isn't there"):
            PatchCore.load(folder)
        (folder / name).write_bytes(whole)
    assert PatchCore.load(folder).features.whiten


def changed_header(folder: Path, **changes: object) -> Path:
    header = json.loads((folder / "header.json").read_text())
    header["about"].update(changes)
    (folder / "header.json").write_text(json.dumps(header))
    return folder


def test_a_foreign_folder_is_refused(tmp_path: Path, detector: PatchCore):
    with pytest.raises(MissingError, match="isn't there: give the folder that save"):
        PatchCore.load(tmp_path / "none")
    (tmp_path / "foreign").mkdir()
    with pytest.raises(InputError, match="is no memory bank, it has no header.json"):
        PatchCore.load(tmp_path / "foreign")
    bank = MemoryBank().add(np.eye(4, dtype=np.float32)).save(tmp_path / "bank")
    with pytest.raises(InputError, match="holds a memory bank but no detector .*load it with MemoryBank.load"):
        PatchCore.load(bank)
    with pytest.raises(InputError, match="is there already and is no memory bank"):
        detector.save(tmp_path / "foreign")


def test_a_header_that_names_what_there_is_not_is_refused(tmp_path: Path, detector: PatchCore):
    folder = detector.save(tmp_path / "saved")
    changed_header(folder, parameters={**detector.parameters(), "colour": "red"})
    with pytest.raises(InputError, match="holds a memory bank but no detector .*colour"):
        PatchCore.load(folder)
    changed_header(folder, parameters={**detector.parameters(), "whiten": True})
    with pytest.raises(InputError, match="no detector .*mean"):
        PatchCore.load(folder)
    changed_header(folder, parameters={**detector.parameters(), "sampler": "best"})
    with pytest.raises(InputError, match="sampler is 'best'"):
        PatchCore.load(folder)


def test_other_weights_are_refused(tmp_path: Path, detector: PatchCore, monkeypatch: pytest.MonkeyPatch):
    folder = detector.save(tmp_path / "saved")

    def random_weights(name: str, *, pretrained: bool) -> backbones.Backbone:
        return backbones.load_backbone(name, pretrained=False)

    monkeypatch.setattr(features, "load_backbone", random_weights)
    with pytest.raises(InputError, match=r"fitted with other weights of efficientnet_lite0 \(SHA-256 57934424.*fit it"):
        PatchCore.load(folder)


# parameters


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {
            "layers": ["blocks.1"],
            "size": 128,
            "pooling": 5,
            "whiten": True,
            "batch_size": 3,
            "coreset": 0.5,
            "sampler": "k_means",
            "index": "hnsw",
            "smoothing": 0.0,
            "image_score": "top",
            "seed": 7,
        },
    ],
)
def test_parameters_go_through_the_constructor_and_json(parameters: dict):
    detector = paper(**parameters)
    told = detector.parameters()
    assert parameters.items() <= told.items()
    assert told["layers"] == list(detector.features.layers)
    assert paper(**json.loads(json.dumps(told))).parameters() == told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"coreset": 0}, r"coreset is 0\S*, expected a share above 0 and up to 1, for example 0.10"),
        ({"coreset": 1.5}, "coreset is 1.5"),
        ({"coreset": -0.1}, "coreset is -0.1"),
        ({"coreset": float("nan")}, "coreset is nan"),
        ({"coreset": "0.1"}, "coreset is '0.1'"),
        ({"coreset": True}, "coreset is True"),
        ({"sampler": "best"}, "sampler is 'best': choose one of greedy, random, k_means"),
        ({"index": "tree"}, "index is 'tree': choose one of flat, ivf, hnsw, pq, auto"),
        ({"image_score": "sum"}, "image_score is 'sum': choose one of max, mean, top, reweighted, reweighted_by_patch"),
        ({"smoothing": -1}, r"smoothing is -1, expected a number of px of at least 0 \(0 = none\)"),
        ({"smoothing": float("nan")}, "smoothing is nan"),
        ({"smoothing": None}, "smoothing is None"),
        ({"seed": -1}, "seed is -1, expected a whole number from 0"),
        ({"seed": 0.5}, "seed is 0.5"),
        ({"seed": None}, "seed is None"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"pooling": 2}, "pooling is 2"),
        ({"size": 8}, "size is 8"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"layers": ("blocks.99",)}, "has no layer 'blocks.99'"),
        ({"backbone": "lite0"}, "There is no backbone 'lite0'"),
    ],
)
def test_wrong_parameters_are_refused_at_once(wrong: dict, told: str):
    with pytest.raises(InputError, match=told):
        paper(**wrong)


def test_parameters_are_keyword_only():
    with pytest.raises(TypeError):
        PatchCore("efficientnet_lite0")


# refusals at work


def test_a_detector_that_was_not_fitted_is_refused(tmp_path: Path):
    new = paper()
    for act in (new.score, lambda t: new.score_strip(t[0], region=(0, SIDE)), lambda t: new.save(tmp_path / "saved")):
        with pytest.raises(
            InputError, match=r"The detector has learned nothing yet: call fit\(tiles\) with normal tiles"
        ):
            act(OTHERS)
    assert not (tmp_path / "saved").exists()


def test_tiles_of_another_size_are_refused(detector: PatchCore):
    with pytest.raises(
        InputError, match="tiles are 96 x 64 px but the detector was fitted on 64 x 64: tile them alike"
    ):
        detector.score(np.zeros((1, 96, 64), np.uint8))


@pytest.mark.parametrize("tiles", [np.full((1, SIDE, SIDE), np.nan), OTHERS[0], OTHERS[:0], OTHERS.astype(int)])
def test_nothing_but_grey_tiles_comes_in(tiles: np.ndarray, detector: PatchCore):
    for method in (detector.score, paper().fit):
        with pytest.raises(InputError, match="^tiles "):
            method(tiles)


@pytest.mark.parametrize("sampler", ["greedy", "random", "k_means"])
def test_nan_does_not_enter_the_bank(sampler: str):
    patches = np.ones((20, 152), np.float32)
    patches[7, 3] = np.nan
    with pytest.raises(InputError, match="patches holds NaN or infinity in 1 of 20 rows, first in row 7"):
        paper(sampler=sampler).fit_patches(patches)


def test_too_few_patches_for_the_reweighting_say_so():
    few = paper(coreset=0.05, image_score="reweighted").fit(NORMAL[:1])
    with pytest.raises(InputError, match="b is 9, expected a whole number from 1 to the 3 patches in the bank"):
        few.score(OTHERS)
