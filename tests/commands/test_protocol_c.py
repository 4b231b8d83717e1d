"""Protocol C on strips and predictions made by hand: the split, the labels of tiles, and each measure."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from small_aitex import fold, grey, make_small, write_png

from aitex_utils.commands.protocol_c import (
    ScoredStrip,
    collect_tiles,
    crop_fabrics,
    evaluate,
    find_regions,
    fit_fabrics,
    score_strips,
    split_protocol_c,
)
from aitex_utils.errors import InputError
from aitex_utils.metrics import auroc, bootstrap_interval
from aitex_utils.patchcore import StripResult
from aitex_utils.strips import Strip, list_strips

CORNERS = np.array([[0, 0], [0, 256]])
MEASURES = ("tile_auroc_c1", "tile_auroc_c2", "strip_auroc", "pixel_auroc", "pixel_ap", "aupro_0.3")


def strip(number: int, code: str = "000") -> Strip:
    return Strip(f"{number:04d}_{code}_00", "00", code, Path("none"))


def scored_strip(number: int, code: str, scores: Sequence[float], labels: Sequence[bool] | None) -> ScoredStrip:
    """Return a strip of two tiles of 256 px, with bed beside them; its map is everywhere the score of the tile.

    The left quarter of a defective tile is marked in the mask.
    """
    anomaly_map = np.full((256, 600), np.nan, np.float32)
    anomaly_map[:, :256], anomaly_map[:, 256:512] = scores
    mask = None
    if labels is not None:
        mask = np.zeros((256, 600), bool)
        for left, label in zip((0, 256), labels, strict=True):
            mask[:, left : left + 64] = label
        labels = np.array(labels)
    result = StripResult(anomaly_map, max(scores), np.array(scores, np.float32), CORNERS, (0, 512))
    return ScoredStrip(strip(number, code), grey(width=600), mask, result, labels)


# Two normal strips and two defective ones; one clean tile of a defective strip has a high score.
SCORED = [
    scored_strip(0, "000", (1, 2), (False, False)),
    scored_strip(1, "000", (3, 6), (False, False)),
    scored_strip(2, "002", (9, 5), (True, False)),
    scored_strip(3, "006", (8, 4), (False, True)),
]
UNKNOWN = scored_strip(4, "010", (0, 0), None)


class StubDetector:
    """A detector that records what it is fitted on, and predicts the grey values as the map of the right part."""

    def fit_strips(self, fabrics: Sequence[np.ndarray]) -> StubDetector:
        self.strips = fabrics
        return self

    def fit(self, tiles: np.ndarray) -> StubDetector:
        self.tiles = tiles
        return self

    def predict_strip(self, image: np.ndarray) -> StripResult:
        if image.max() == 0:
            raise InputError("no texture")
        corners = np.array([[0, 20], [0, image.shape[1] - 256]])
        anomaly_map = np.where(np.arange(image.shape[1]) < 20, np.nan, image.astype(np.float32))
        return StripResult(anomaly_map, 7.0, np.array([1.0, 7.0]), corners, (20, image.shape[1]))


# split and fit


def test_the_training_set_is_a_share_of_the_normal_strips():
    strips = [strip(i) for i in range(10)] + [strip(i, "002") for i in range(10, 14)]
    training, test = split_protocol_c(strips, seed=3)
    assert len(training) == 7 and all(item.is_normal for item in training)
    assert [item.is_normal for item in test] == [True] * 3 + [False] * 4
    assert {item.id for item in training + test} == {item.id for item in strips}
    assert len(split_protocol_c(strips, share=0.5)[0]) == 5
    assert split_protocol_c(strips, seed=4)[0] != training and split_protocol_c(strips, seed=3)[0] == training


def test_the_fabric_of_strips_is_cropped_and_a_bad_strip_is_named():
    image = np.random.default_rng(0).integers(80, 160, (256, 1024), np.uint8)
    image[:, :300] = 255
    with_bed, fabric = crop_fabrics([strip(1), strip(2)], [image, image[:, 300:]])
    assert with_bed.shape[1] in range(700, 725) and with_bed.max() < 255
    assert fabric.shape == (256, 724)
    with pytest.raises(InputError, match=r"^Strip 0002_000_00: .*no texture"):
        crop_fabrics([strip(1), strip(2)], [image, grey(9, 1024)])


def test_a_detector_is_fitted_on_strips_or_on_their_tiles():
    fabrics = [grey(1, 512), grey(2, 700)]
    assert fit_fabrics(StubDetector(), fabrics).strips is fabrics
    tiles = fit_fabrics(StubDetector(), fabrics, on_strips=False).tiles
    assert tiles.shape == (5, 256, 256) and tiles[:, 0, 0].tolist() == [1, 1, 2, 2, 2]


def test_strips_without_fabric_are_counted_and_skipped():
    image = np.random.default_rng(0).integers(80, 160, (256, 1024), np.uint8)
    folded = fold(np.random.default_rng(1).integers(80, 160, (256, 4096), np.uint8), 0, 180, 100, 600)
    images = [image, grey(0, 1024), image, grey(255, 1024), folded]
    with pytest.warns(UserWarning) as caught:
        kept, kept_images, regions = find_regions([strip(i) for i in range(5)], images)
    assert [item.id[:4] for item in kept] == ["0000", "0002", "0004"] and regions[:2] == [(0, 1024)] * 2
    assert kept_images[2] is folded and not regions[2].is_certain
    skipped, uncertain = (str(warning.message) for warning in caught)
    assert skipped.startswith("2 of 5 strips were skipped: Strip 0001_000_00: ") and "Strip 0003_000_00: " in skipped
    assert uncertain.startswith("The fabric of 1 of 5 strips is uncertain") and "0004_000_00 (columns " in uncertain


def test_a_picture_is_not_in_both_sets(tmp_path: Path):
    root = make_small(tmp_path, ("00",))
    shutil.copy(root / "NODefect_images" / "folder00" / "0001_000_00.png", root / "Defect_images" / "0008_002_00.png")
    with pytest.warns(UserWarning, match="1 of 6 strips were left out.*: 0008_002_00.png"):
        training, test = split_protocol_c(list_strips(root))
    assert {item.id for item in training + test} == {item.id for item in list_strips(root)} - {"0008_002_00"}


# predictions beside the ground truth


def test_strips_are_scored_with_their_masks_and_labels(tmp_path: Path):
    root = make_small(tmp_path, ("00",), width=600)
    (root / "Mask_images" / "0003_002_00_mask.png").unlink()
    mask = grey(0, 600)
    mask[:, 10:21] = 255  # reaches the first tile, which begins at column 20, but not the second
    write_png(root / "Mask_images" / "0004_002_00_mask.png", mask)
    strips = list_strips(root, "00")
    normal, _, _, unknown, defective = scored = score_strips(StubDetector(), strips)
    assert [item.strip for item in scored] == strips
    assert normal.labels.tolist() == [False, False] and not normal.mask.any()
    assert unknown.mask is None and unknown.labels is None
    assert defective.labels.tolist() == [True, False] and defective.mask.sum() == 256 * 11
    assert defective.result.score == 7 and (defective.image == 24).all()


def test_an_all_black_mask_of_a_defective_strip_is_unknown(tmp_path: Path):
    root = make_small(tmp_path, ("00",), width=600)
    write_png(root / "Mask_images" / "0003_002_00_mask.png", grey(0, 600))
    scored = score_strips(StubDetector(), [item for item in list_strips(root) if not item.is_normal])
    assert [item.labels is None for item in scored] == [True, False]


def test_images_that_are_given_are_not_read_again():
    scored = score_strips(StubDetector(), [strip(1, "002")], [grey(5, 600)])
    assert (scored[0].image == 5).all()


def test_a_strip_that_cannot_be_predicted_is_named():
    with pytest.raises(InputError, match="^Strip 0002_002_00: no texture"):
        score_strips(StubDetector(), [strip(1, "002"), strip(2, "002")], [grey(5, 600), grey(0, 600)])


def test_bad_strips_are_skipped_and_counted():
    strips = [strip(1, "002"), strip(2, "002"), strip(3, "002")]
    with pytest.warns(UserWarning, match="1 of 3 strips were skipped: Strip 0002_002_00: no texture"):
        scored = score_strips(StubDetector(), strips, [grey(5, 600), grey(0, 600), grey(6, 600)], skip_bad=True)
    assert [item.image[0, 0] for item in scored] == [5, 6]


# measures


def test_c1_has_all_defective_tiles_and_the_clean_tiles_of_normal_strips():
    tiles = collect_tiles([*SCORED, UNKNOWN])
    assert tiles.scores.tolist() == [1, 2, 3, 6, 9, 5, 8, 4]
    assert tiles.labels.tolist() == [False] * 4 + [True, False, False, True]
    assert tiles.in_c1.tolist() == [True] * 5 + [False, False, True]
    assert tiles.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_measures_by_hand():
    measures = evaluate([*SCORED, UNKNOWN], n_resamples=10)
    assert (measures["strips_without_known_mask"], measures["tiles_tested"], measures["tiles_defective"]) == (1, 8, 2)
    assert measures["tile_auroc_c1"] == pytest.approx(7 / 8)  # 4 < 6 is the only pair in the wrong order
    assert measures["tile_auroc_c2"] == pytest.approx(9 / 12)  # and 4 < 5, 4 < 8
    assert measures["strip_auroc"] == pytest.approx(4 / 6)  # the strip without a mask is below both normal strips
    # Of a defective tile 1/4 is defect; its other pixels tie with the defect. Pixels by score: 1, 2, 3, 6, 5, 8 normal,
    # and of 9 and 4 a quarter defective. A pair (defect, normal pixel) counts half if both have the same score.
    normal = {1: 4, 2: 4, 3: 4, 6: 4, 5: 4, 8: 4, 9: 3, 4: 3}
    pairs = [(n, 1.0 if d > s else 0.5 if d == s else 0.0) for d in (9, 4) for s, n in normal.items()]
    assert measures["pixel_auroc"] == pytest.approx(sum(n * order for n, order in pairs) / sum(n for n, _ in pairs))
    assert all(0 <= measures[name] <= 1 for name in MEASURES)


def test_intervals_come_from_resampled_strips():
    measures = evaluate(SCORED, n_resamples=20)
    tiles, strips = collect_tiles(SCORED), np.repeat([0, 1, 2, 3], 2)
    for name, rows in (("tile_auroc_c1", tiles.in_c1), ("tile_auroc_c2", np.ones(8, bool))):
        samples = tiles.labels[rows], tiles.scores[rows]
        by_strip, by_tile = (
            bootstrap_interval(auroc, *samples, groups[rows], n_resamples=20) for groups in (strips, np.arange(8))
        )
        assert measures[f"{name}_interval"] == by_strip != by_tile
        assert by_strip[0] <= measures[name] <= by_strip[1]


def test_a_clean_tile_of_a_defective_strip_changes_c2_alone():
    spoiled = [*SCORED[:3], scored_strip(3, "006", (1e6, 4), (False, True))]
    spoiled[2] = scored_strip(2, "002", (9, 1e6), (True, False))
    before, after = evaluate(SCORED, n_resamples=10), evaluate(spoiled, n_resamples=10)
    assert after["tile_auroc_c1"] == before["tile_auroc_c1"] and after["tile_auroc_c2"] < before["tile_auroc_c2"]


def test_a_strip_without_a_known_mask_changes_the_strip_auroc_alone():
    without, with_unknown = evaluate(SCORED, n_resamples=10), evaluate([*SCORED, UNKNOWN], n_resamples=10)
    changed = {name for name, value in without.items() if value != with_unknown[name]}
    assert changed == {"strip_auroc", "strips_without_known_mask"}


@pytest.mark.filterwarnings("ignore:1 defect regions lie outside the fabric")
def test_pixels_outside_the_fabric_do_not_count():
    marked = scored_strip(2, "002", (9, 5), (True, False))
    marked.mask[:, 512:] = True  # beside the fabric, where the map is NaN
    before, after = evaluate(SCORED, n_resamples=10), evaluate([*SCORED[:2], marked, SCORED[3]], n_resamples=10)
    assert {name: after[name] for name in MEASURES} == {name: before[name] for name in MEASURES}


def test_a_test_set_without_any_known_mask_is_refused():
    with pytest.raises(InputError, match="No strip of the test set has a known mask"):
        evaluate([UNKNOWN])
