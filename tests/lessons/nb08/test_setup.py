"""The strips of notebook 08 are apart, and its maps are in units of a threshold from the calibration strips."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils import calibration, metrics
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb08 import setup
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.strips import list_strips
from aitex_utils.tiling import crop_tiles


@pytest.fixture(scope="module")
def strips() -> setup.LessonStrips:
    return setup.load_strips()


def fake_maps(strips: setup.LessonStrips, recipe: str) -> dict[str, np.ndarray]:
    """Return made-up maps with the names of `predict_maps`."""
    images = {f"calibration{i}": one for i, one in enumerate(strips.calibration)} | {"case": strips.case}
    images |= {f"test{i}": one for i, one in enumerate(strips.test)}
    if recipe == "plain":
        images |= {f"drift_test{i}": one for i, one in enumerate(strips.test)}
        images |= {"drift_case": strips.case, "with_bed": strips.with_bed}
    if recipe == "two poolings":
        images["large"] = strips.large
    return {name: (image / 100).astype(np.float16) for name, image in images.items()}


def test_no_strip_has_two_roles(strips: setup.LessonStrips):
    arrays = [*strips.training, *strips.calibration, *strips.test]
    assert len({array.tobytes() for array in arrays}) == len(arrays) == 3 + 2 + len(strips.test)
    normal = [mask for mask in strips.masks if not mask.any()]
    assert len(normal) == 3 and not strips.masks[0].any()  # defects are planted into the first
    assert 4 <= len(strips.masks) - len(normal) <= 6
    assert [defect == "none" for defect in strips.defects] == [not mask.any() for mask in strips.masks]


def test_names_are_of_one_fabric_and_masks_fit_their_strips(strips: setup.LessonStrips):
    known = {strip.id: strip for strip in list_strips(setup.lesson_root(), strips.fabric)}
    assert set(strips.names) <= set(known)
    for name, fabric, mask in zip(strips.names, strips.test, strips.masks, strict=True):
        assert fabric.shape == mask.shape and mask.sum() == known[name].read_mask().sum()
    assert strips.with_bed.shape[1] >= strips.test[0].shape[1]


def test_planted_defects_are_on_a_normal_strip(strips: setup.LessonStrips):
    assert strips.case.shape == strips.test[0].shape
    differs = strips.case != strips.test[0]
    assert differs[strips.case_mask].mean() > 0.6 and not strips.case.flags.writeable
    assert list(strips.large_masks) == ["loose thread", "water stain"] and not strips.large.flags.writeable
    assert (strips.large != strips.test[0])[strips.large_masks["water stain"]].mean() > 0.2


def test_each_recipe_adds_one_fix():
    names = setup.CHAIN
    changed = []
    for first, second in zip(names, names[1:], strict=False):
        (before, whole_before), (after, whole_after) = setup.RECIPES[first], setup.RECIPES[second]
        one, other = PatchCore(**before).parameters(), PatchCore(**after).parameters()
        changed.append(
            {key for key in one if one[key] != other[key]} | ({"whole"} if whole_before != whole_after else set())
        )
    assert changed == [{"padding"}, {"normalize_positions"}, {"whole"}, {"size"}, {"pooling"}]
    assert (
        PatchCore(
            **setup.RECIPES["two poolings"][0],
        ).parameters()
        == PatchCore(background_quantile=None, coreset_ratio=setup.RATIO).parameters()
    )
    different = {key for key in PAPER if setup.PLAIN[key] != PAPER[key]}
    assert different == {"coreset_ratio", "smoothing"}


def test_maps_are_in_units_of_the_calibration_threshold(strips: setup.LessonStrips):
    raw = fake_maps(strips, "plain")
    for background in (None, 0.25):
        maps = setup.scale_maps("plain", raw, background)
        scores = np.concatenate([setup.tile_scores(one) for one in maps.calibration])
        assert metrics.conformal_threshold(scores, setup.FALSE_ALARM_RATE) == pytest.approx(1, rel=1e-5)
        by_hand = raw["case"].astype(np.float32)
        if background is not None:
            by_hand = calibration.subtract_background(by_hand, background)
        np.testing.assert_allclose(maps.case / np.abs(maps.case).max(), by_hand / np.abs(by_hand).max(), atol=1e-5)
    assert [len(part) for part in (maps.calibration, maps.test, maps.drift_test)] == [
        2,
        len(strips.test),
        len(strips.test),
    ]
    assert maps.with_bed.shape == strips.with_bed.shape


def test_the_map_with_the_bed_keeps_its_background(strips: setup.LessonStrips):
    raw = fake_maps(strips, "plain")
    flat, plain = (setup.scale_maps("plain", raw, background) for background in (0.25, None))
    ratio = flat.with_bed / plain.with_bed
    assert np.ptp(ratio[np.isfinite(ratio)]) < 1e-4


def test_a_second_call_reads_the_cache(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(setup, "predict_maps", fake_maps)
    first = setup.load_maps("448 px")
    assert "computing" in capsys.readouterr().out.lower()
    second = setup.load_maps("448 px")
    assert "computing" not in capsys.readouterr().out.lower()
    np.testing.assert_array_equal(first.case, second.case)
    assert first.drift_case is first.with_bed is first.large is None and first.drift_test == []


def test_an_unknown_recipe_is_refused():
    with pytest.raises(InputError, match="recipe"):
        setup.load_maps("448")


def test_the_table_has_each_tile_of_each_strip(strips: setup.LessonStrips):
    maps = [mask.astype(float) for mask in strips.masks]
    table = setup.tabulate_tiles(maps, strips)
    assert len(table.labels) == len(table.scores) == len(table.strips) == len(table.corners)
    np.testing.assert_array_equal(table.labels, table.scores > 0)
    for number, mask in enumerate(strips.masks):
        rows = table.strips == number
        np.testing.assert_array_equal(crop_tiles(mask, table.corners[rows]).any(axis=(1, 2)), table.labels[rows])


@pytest.mark.slow
def test_predicted_maps_cover_every_strip(monkeypatch: pytest.MonkeyPatch, strips: setup.LessonStrips):
    short = {part: [one[:, :768] for one in getattr(strips, part)][:2] for part in ("training", "calibration", "test")}
    single = {name: getattr(strips, name)[:, :768] for name in ("case", "large")}
    few = strips._replace(**short, **single, with_bed=strips.with_bed[:, :1024])
    plain, whole = (setup.predict_maps(few, recipe) for recipe in ("plain", "whole strips"))
    names = {"calibration0", "calibration1", "test0", "test1", "case"}
    assert set(whole) == names and set(plain) == names | {"drift_test0", "drift_test1", "drift_case", "with_bed"}
    assert all(one.dtype == np.float16 and np.isfinite(one).all() for one in [*plain.values(), *whole.values()])
    assert plain["case"].shape == (256, 768) and plain["with_bed"].shape == (256, 1024)
