"""The ablation: what each choice changes, and how choices are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ablation
import numpy as np
import pytest
from comparison import Summary
from evaluation import EvalResult
from protocol_b import FabricPatches, protocol_b
from protocols import FabricTiles
from results_files import read_results

from aitex_utils.calibration import subtract_background
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import Strip

pytestmark = pytest.mark.usefixtures("one_thread")


def test_background_can_be_subtracted_afterwards():
    rng = np.random.default_rng(0)
    maps = [rng.normal(size=(256, 512)).astype(np.float32) for _ in range(2)]
    masks = [np.zeros((256, 512), bool) for _ in maps]
    strips = [Strip(f"{i:04d}_000_00", "00", "000", Path("none")) for i in range(3)]
    strip_scores = {i: float(values.max()) for i, values in enumerate(maps)} | {2: 9.0}  # strip 2 has no known mask
    tile_strips = np.array([0, 0, 1, 1])
    result = EvalResult(strips, np.zeros(4), np.zeros(4, bool), tile_strips, maps, masks, [0, 1], strip_scores)
    subtracted = ablation.with_background_subtracted(result, 0.25)
    expected = [subtract_background(values, 0.25) for values in maps]
    for values, of_strip in zip(subtracted.maps, expected, strict=True):
        np.testing.assert_allclose(values, of_strip, atol=1e-5)
    maxima = [of_strip[:, column : column + 256].max() for of_strip in expected for column in (0, 256)]
    np.testing.assert_allclose(subtracted.scores, maxima, rtol=1e-5)
    assert subtracted.strip_scores == pytest.approx({i: values.max() for i, values in enumerate(expected)}, rel=1e-5)
    by_row = ablation.with_background_subtracted(result, 0.25, "rows")
    np.testing.assert_allclose(by_row.maps[1], maps[1] - np.quantile(maps[1], 0.25, axis=1)[:, None], atol=1e-5)


def test_each_choice_changes_parameters_that_exist():
    known = {*PatchCore().parameters(), "crop", "n_neighbors", "n_training", "count_padding", "quantile"}
    assert [name for name, change in ablation.ON_TILES.items() if not set(change) <= known] == []
    assert list(ablation.ON_TILES)[0] == list(ablation.ON_STRIPS)[0] == ablation.DEFAULTS


def test_the_stored_results_are_of_the_choices_here():
    stored = read_results("ablation")
    assert set(stored["B"]) == set(ablation.ON_TILES) and set(stored["C"]) == set(ablation.ON_STRIPS)


@pytest.mark.slow
def test_each_choice_of_strips_changes_what_its_name_says(monkeypatch: pytest.MonkeyPatch):
    fitted: list[tuple] = []
    monkeypatch.setattr(
        ablation, "without_background_subtraction", lambda root, fabric, *how: fitted.append(how) or ["nothing"]
    )
    monkeypatch.setattr(ablation, "with_background_subtracted", lambda result, quantile, background: background)
    choices = {}
    for name in ablation.ON_STRIPS:
        (subtracted,) = ablation.evaluate_on_strips(Path("none"), "00", name)
        choices[name] = (*fitted.pop(), subtracted)
    assert choices == {
        "our defaults": (True, (), "surroundings"),
        "no background subtraction": (True, (), "nothing"),
        "background of each row only": (True, (), "rows"),
        "pooled branch only": (True, (("pooling", 3),), "surroundings"),
        "unpooled branch only": (True, (("pooling", 1),), "surroundings"),
        "one branch, no pooling of blocks.4": (True, (("pooling", (3, 1)),), "surroundings"),
        "tile by tile": (False, (), "surroundings"),
        "tile by tile, no background subtraction": (False, (), "nothing"),
    }


def test_choices_are_compared_with_the_defaults_in_pairs():
    def summary(value: float, *resamples: list[float]) -> Summary:
        measures = {"x": value, "defective_tiles": 3, "by_seed": [{"x": value}] * 2}
        return Summary(measures, {"x": np.array(resamples)})

    summaries = {
        ablation.DEFAULTS: {"00": summary(0.9, [0.8, 0.9], [0.6, 0.7])},
        "less": {"00": summary(0.7, [0.7, 0.8], [0.5, 0.6])},
    }
    results = ablation.compare_with_defaults(summaries)
    assert results["less"]["minus_ours"]["x"] == pytest.approx([-0.2, -0.1, -0.1])
    assert results["less"]["mean"] == {"x": 0.7}
    assert results[ablation.DEFAULTS]["minus_ours"]["x"] == [0, 0, 0]


@pytest.mark.slow
def test_counted_padding_damps_the_border_and_nothing_else(small_tiles: FabricTiles, quick: dict[str, Any]):
    features, tile = PatchCore(**quick).features, small_tiles.clean.tiles[:1]
    plain = features.transform(tile)[0]
    with ablation.count_padding():
        damped = features.transform(tile)[0]
    positions = np.pad(np.full(np.array(plain.shape[:2]) - 2, 9), 1, constant_values=6)  # of nine, inside the tile
    positions[[0, 0, -1, -1], [0, -1, 0, -1]] = 4
    np.testing.assert_allclose(damped, plain * positions[..., None] / 9, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(features.transform(tile)[0], plain)


@pytest.mark.slow
def test_changes_on_tiles_reach_the_protocol(
    small_practice: Path, small_fabric: str, small_tiles: FabricTiles, quick: dict[str, Any]
):
    patches = FabricPatches(small_tiles, [0])

    def scores(**change: Any) -> np.ndarray:
        (result,) = ablation.evaluate_on_tiles(small_practice, small_fabric, patches, {**quick, **change})
        return result.scores

    (plain,) = protocol_b(patches, quick)
    np.testing.assert_array_equal(scores(), plain.scores)
    (neighbours,) = protocol_b(patches, quick, n_neighbors=3)
    np.testing.assert_array_equal(scores(n_neighbors=3), neighbours.scores)
    (few,) = protocol_b(patches, quick, n_training=5)
    np.testing.assert_array_equal(scores(n_training=5), few.scores)
    assert not np.array_equal(scores(count_padding=True), plain.scores)
    assert len(scores(crop=False)) > len(plain.scores)


def test_the_figure_has_a_row_for_each_choice_from_the_worst_to_the_best():
    def choice(difference: float) -> dict[str, Any]:
        values = [difference, difference - 0.1, difference + 0.2]
        return {"minus_ours": {"tile_auroc": values, "tile_auroc_c2": values}}

    results = {
        "B": {"our defaults": choice(0), "320 px": choice(-0.1)},
        "C": {"our defaults": choice(0), "tile by tile": choice(-0.3)},
    }
    axis = ablation.draw(results).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["tile by tile (C2)", "320 px (B)"]
    np.testing.assert_allclose(axis.lines[0].get_xdata(), [-0.3, -0.1])
    spans = np.array(axis.collections[0].get_segments())
    np.testing.assert_allclose(spans[:, :, 0], [[-0.4, -0.1], [-0.2, 0.1]])
    assert "320 px (B) -0.100" in ablation.ablation_caption(results)
