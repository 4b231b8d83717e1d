"""The protocols on small weaves: who is fitted and who tested, figures against plain ones, redrawn by strip."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import accuracy  # noqa: E402
import numpy as np
import pooled  # noqa: E402
import protocols  # noqa: E402
import pytest
import whole_strips  # noqa: E402

from aitex_utils import metrics
from aitex_utils.patchcore import PAPER, StripFound
from aitex_utils.scoring import above_usual
from aitex_utils.strips import Strip, list_strips
from aitex_utils.tiling import fabric_region

pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = {**PAPER, "coreset": 0.01, "layers": ("blocks.1",), "size": 128}


@pytest.fixture(scope="module")
def tiles(small_practice: Path) -> protocols.FabricTiles:
    return protocols.fabric_tiles(small_practice, list_strips(small_practice)[0].fabric)


def some(scores: np.ndarray, labels: np.ndarray, of_strip: np.ndarray, codes: list[str]) -> protocols.Judged:
    """Return a judgement of tiles of 8 x 8 px whose maps are their score all over, and whose masks their label."""
    strips = [Strip(f"{i:04d}_{code}_00", "00", code, Path("none")) for i, code in enumerate(codes)]
    maps = [np.full((8, 8), s, np.float32) for s in scores]
    masks = [np.full((8, 8), y) for y in labels]
    return protocols.Judged(strips, scores, labels, of_strip, maps, masks, list(of_strip))


def test_b_fits_on_thirty_clean_tiles_and_tests_on_others(tiles: protocols.FabricTiles):
    fit, test = protocols.split_b(200, 3)
    assert len(fit) == 30 and len(test) == 120 and not set(fit) & set(test)
    assert not np.array_equal(fit, protocols.split_b(200, 4)[0])
    assert all(tiles.strips[i].is_normal for i in tiles.clean_strips)
    assert not any(tiles.strips[i].is_normal for i in tiles.defective_strips)
    assert len(tiles.clean) == len(tiles.clean_strips) and len(tiles.masks) == len(tiles.defective_strips)
    assert (tiles.masks > 0).any(axis=(1, 2)).all()


def test_figures_by_hand():
    # Four clean tiles of a normal strip, one clean of a defective one, three with defects of two kinds.
    scores = np.array([1.0, 2, 3, 4, 9, 5, 3.5, 8])
    labels = np.array([False] * 5 + [True] * 3)
    found = protocols.figures(some(scores, labels, np.array([0, 0, 0, 0, 1, 1, 2, 2]), ["000", "002", "010"]))
    assert found["tile_auroc"] == pytest.approx(11 / 12)  # 4 > 3.5 is the only wrong pair
    assert found["tile_auroc_c2"] == pytest.approx(11 / 15)
    assert found["pixel_auroc"] == found["tile_auroc_c2"]  # every pixel of a tile is as its tile
    assert found["codes"]["002"]["tiles"] == 1 and found["codes"]["002"]["tile_auroc"] == 1
    assert found["codes"]["010"]["tile_auroc"] == pytest.approx(7 / 8)
    assert math.isnan(found["recall_at_1_percent"])  # four normals can't promise 1 %
    assert "strip_auroc" not in found


def test_recall_is_counted_at_a_threshold_from_normals_alone():
    scores = np.concatenate([np.arange(100.0), [98.5, 99.5, 150]])
    labels = np.arange(103) >= 100
    judged = some(scores, labels, np.repeat([0, 1], [100, 3]), ["000", "002"])
    recall, found = protocols.recall_at(judged)
    assert recall == pytest.approx(2 / 3) and found[-2:].all() and not found[:100].any()


def test_redrawn_figures_of_every_strip_once_are_the_figures():
    random = np.random.default_rng(1)
    labels = np.arange(60) >= 40
    judged = some(random.normal(size=60) + labels, labels, np.arange(60) // 5, ["000"] * 7 + ["002"] * 5)
    figures, drawn = protocols.figures(judged), accuracy.redrawn_figures(judged, np.ones((1, 12)))
    for name in ("tile_auroc", "tile_ap", "tile_auroc_c2", "pixel_auroc", "pixel_ap"):
        assert drawn[name][0] == pytest.approx(figures[name]), name


def test_means_leave_out_what_is_not_there():
    parts = [{"a": 1.0, "n": 3, "codes": {"x": 1.0}}, {"a": math.nan, "n": 4, "codes": {"x": 0.0}}]
    assert accuracy.mean_of(parts) == {"a": 1.0, "n": 3, "codes": {"x": 0.5}}
    assert accuracy.mean_of([math.nan, math.nan]) is None


def test_ours_is_compared_in_pairs():
    def kept(figures: list[float], *drawn: list[float]) -> tuple[dict, dict]:
        return {"by_seed": [{"x": of} for of in figures]}, {"x": np.array(drawn)}

    both = {
        "ours": {"00": kept([0.5, 9.0], [0.3, 0.4, 0.5], [7, 7, 7]), "02": kept([0.7, 9.0], [0.6] * 3, [7, 7, 7])},
        "other": {"00": kept([0.2], [0.2, 0.3, 0.4]), "02": kept([0.6], [0.3] * 3)},  # one seed: the first of ours
    }
    assert accuracy.compared(both) == {"other": {"x": pytest.approx([0.2, 0.2, 0.2])}}


def test_a_peer_with_other_seeds_is_compared_on_those_of_both():
    random = np.random.default_rng(2)
    labels = np.arange(60) >= 40
    strips = np.arange(60) // 5
    codes = ["000"] * 8 + ["002"] * 4
    tests = [some(random.normal(size=60) + labels, labels, strips, codes) for _ in range(3)]
    ours, drawn = accuracy.judge(iter(enumerate(tests)))
    assert drawn["tile_auroc"].shape == (3, 1000) and len(ours["by_seed"]) == 3
    assert ours["tile_auroc"] == pytest.approx(np.mean([of["tile_auroc"] for of in ours["by_seed"]]))
    kept = {"ours": {"00": (ours, drawn)}, "same": {"00": accuracy.judge(iter(enumerate(tests[:2])))}}
    gap = accuracy.compared(kept)["same"]  # the very same on two of three seeds: no difference at all
    assert gap["tile_auroc"] == [0, 0, 0] and gap["pixel_ap"] == [0, 0, 0]


def test_b_by_kept_patches_is_b_tile_by_tile(tiles: protocols.FabricTiles):
    (_, judged), *_ = accuracy.by_tile(tiles, [0], QUICK)
    plain = protocols.protocol_b(tiles, 1, **QUICK)
    assert metrics.auroc(judged.labels, judged.scores) == pytest.approx(plain["tile_auroc"], abs=1e-6)
    assert protocols.figures(judged)["pixel_auroc"] == pytest.approx(plain["pixel_auroc"], abs=1e-6)


def test_c_splits_by_strip_and_judges_strips_by_known_masks(small_practice: Path):
    fabric = list_strips(small_practice)[0].fabric
    fit, test = whole_strips.split_c(small_practice, fabric, 0)
    assert all(s.is_normal for s in fit) and not {s.id for s in fit} & {s.id for s in test}
    strips = list_strips(small_practice, fabric)
    assert {s.id for s in fit} | {s.id for s in test} == {s.id for s in strips}

    def find(image: np.ndarray) -> StripFound:
        corners = np.array([[0, 1000], [0, 1256]])
        found = np.full(image.shape, np.nan, np.float32)
        found[:, 1000:1512] = image[:, 1000:1512]
        return StripFound(found, 7.0, np.array([1.0, 2.0]), corners, (1000, 1512))

    judged = whole_strips.judged(strips, test, find)
    assert set(judged.strip_scores) == {strips.index(s) for s in test}
    assert [m.shape for m in judged.maps] == [(256, 512)] * len(judged.map_strips)
    for place, mask in zip(judged.map_strips, judged.masks, strict=True):
        np.testing.assert_array_equal(mask, strips[place].read_mask()[:, 1000:1512])
        rows = judged.of_strip == place
        assert judged.labels[rows].tolist() == [mask[:, :256].any(), mask[:, 256:].any()]


def test_a_pools_fabrics_and_holds_a_quarter_out(small_practice: Path):
    fabric = list_strips(small_practice)[0].fabric
    (_, judged), *_ = pooled.judged_a(small_practice, [fabric], [0], QUICK)
    tiles = protocols.fabric_tiles(small_practice, fabric, whole=True)
    assert (~judged.labels).sum() == round(0.25 * len(tiles.clean))
    assert judged.labels.sum() == len(tiles.defective)
    assert not any(judged.strips[i].is_normal for i in judged.of_strip[judged.labels])
    (_, everywhere), *_ = pooled.judged_a(small_practice, [fabric], [0], QUICK, find_fabric=False)
    np.testing.assert_array_equal(everywhere.labels, judged.labels)
    begin = {i: fabric_region(strip.read())[0] for i, strip in enumerate(judged.strips)}
    edges = 0
    for found, plain, place in zip(judged.maps, everywhere.maps, judged.of_strip, strict=True):
        off = (found == 0).all(axis=0)
        np.testing.assert_array_equal(found[:, ~off], plain[:, ~off])
        edges += 0 < off.sum() < 256
        assert off.sum() in (0, 256) or off.sum() == begin[place] % 256 or off[-1]
    assert edges > 0 and (everywhere.scores >= judged.scores).all() and (everywhere.scores > judged.scores).any()


def test_spans_say_where_there_is_fabric(small_practice: Path):
    fabric = list_strips(small_practice)[0].fabric
    cropped, whole = (protocols.fabric_tiles(small_practice, fabric, whole=of) for of in (False, True))
    assert (cropped.clean_spans == [0, 256]).all()
    first = whole.clean_spans[whole.clean_strips == whole.clean_strips[0]]
    begin, end = fabric_region(whole.strips[whole.clean_strips[0]].read())
    width = whole.strips[whole.clean_strips[0]].read().shape[1]
    corners = sorted({*range(0, width - 255, 256), width - 256})
    assert first.tolist() == [[min(max(begin - c, 0), 256), min(max(end - c, 0), 256)] for c in corners]


def test_a_fabric_that_is_not_there_is_named(
    small_practice: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    fabric, ran = list_strips(small_practice)[0].fabric, []
    monkeypatch.setattr(accuracy, "run", lambda protocol, root, fabrics, *rest: ran.append(fabrics) or {})
    monkeypatch.setattr(accuracy, "write_results", lambda *_: None)
    monkeypatch.setattr(accuracy, "write_tables", lambda: None)
    monkeypatch.setattr(
        "sys.argv", ["accuracy", "--protocol", "B", "--data", str(small_practice), "--fabrics", fabric, "77"]
    )
    assert accuracy.main() == 0 and ran == [[fabric]]
    assert "Fabric 77 isn't in" in capsys.readouterr().err
    called = []
    done = type("Done", (), {"returncode": 3})
    monkeypatch.setattr(accuracy.subprocess, "run", lambda command: called.append(command) or done)
    monkeypatch.setattr("sys.argv", [*sys.argv, "--ablation"])
    assert accuracy.main() == 3 and [str(part) for part in called[0][2:]] == ["--data", str(small_practice)]
    assert called[0][1].name == "ablation.py" and called[0][1].is_file()
    capsys.readouterr()
    monkeypatch.setattr("sys.argv", ["accuracy", "--data", str(small_practice), "--fabrics", "77"])
    assert accuracy.main() == 1
    assert "has none of the fabrics 77: give --data or --fabrics" in capsys.readouterr().err


def test_a_strip_s_own_usual_can_be_taken_off_afterwards():
    import ablation

    random = np.random.default_rng(0)
    maps = [random.normal(size=(256, 512)).astype(np.float32) for _ in range(2)]
    masks = [np.zeros((256, 512), bool) for _ in maps]
    strips = [Strip(f"{i:04d}_000_00", "00", "000", Path("none")) for i in range(3)]
    tops = {i: float(found.max()) for i, found in enumerate(maps)} | {2: 9.0}  # the last one's mask isn't known
    judged = protocols.Judged(strips, np.zeros(4), np.zeros(4, bool), np.array([0, 0, 1, 1]), maps, masks, [0, 1], tops)
    own = ablation.own_usual(judged, 0.25)
    expected = [above_usual(found, 0.25) for found in maps]
    for found, of in zip(own.maps, expected, strict=True):
        np.testing.assert_allclose(found, of, atol=1e-5)
    np.testing.assert_allclose(own.scores, [of[:, c : c + 256].max() for of in expected for c in (0, 256)], rtol=1e-5)
    assert own.strip_scores == pytest.approx({i: of.max() for i, of in enumerate(expected)}, rel=1e-5)
    by_row = ablation.own_usual(judged, 0.25, rows_alone=True)
    np.testing.assert_allclose(by_row.maps[1], maps[1] - np.quantile(maps[1], 0.25, axis=1)[:, None], atol=1e-5)


def test_each_choice_of_the_ablation_is_one_that_a_detector_takes():
    import ablation

    for change in ablation.BY_TILE.values():
        known = {k: v for k, v in change.items() if k not in ("uncropped", "neighbours", "normals", "zeros_pooled")}
        assert set(known) <= set(accuracy.PatchCore().parameters())
    assert list(ablation.BY_TILE)[0] == list(ablation.BY_STRIP)[0] == "our defaults"


def test_each_way_of_judging_strips_changes_one_thing_or_says_so(monkeypatch: pytest.MonkeyPatch):
    import ablation

    asked = []
    monkeypatch.setattr(ablation, "absolute", lambda root, fabric, *how: asked.append(how) or [(0, "left in")])
    monkeypatch.setattr(ablation, "own_usual", lambda found, baseline, rows: "rows" if rows else "around")
    found = {}
    for name in ablation.BY_STRIP:
        ((_, usual),) = ablation.by_strip(Path("none"), "00", name)
        found[name] = (*asked.pop(), usual)
    assert found == {
        "our defaults": (True, None, "around"),
        "strip's own usual left in": (True, None, "left in"),
        "own usual row by row alone": (True, None, "rows"),
        "pooled alone": (True, 3, "around"),
        "no pooling alone": (True, 1, "around"),
        "blocks.4 not pooled alone": (True, (3, 1), "around"),
        "tile by tile": (False, ((3,), (1,)), "around"),
        "tile by tile, own usual left in": (False, ((3,), (1,)), "left in"),
    }


def test_choices_of_the_ablation_are_compared_in_pairs():
    import ablation

    def both(plain: float, *drawn: list[float]) -> tuple[dict, dict]:
        return {"x": plain, "defective_tiles": 3, "by_seed": [{"x": plain}] * 2}, {"x": np.array(drawn)}

    kept = {"our defaults": both(0.9, [0.8, 0.9], [0.6, 0.7]), "less": both(0.7, [0.7, 0.8], [0.5, 0.6])}
    found = ablation.compared({name: {"00": of} for name, of in kept.items()})
    assert found["less"]["minus_ours"]["x"] == pytest.approx([-0.2, -0.1, -0.1])
    assert found["less"]["mean"] == {"x": 0.7} and found["our defaults"]["minus_ours"]["x"] == [0, 0, 0]


def test_zeros_pooled_in_damp_the_border_and_nothing_else(tiles: protocols.FabricTiles):
    import ablation

    features = accuracy.PatchCore(**QUICK).features
    plain = features.transform(tiles.clean[:1])[0]
    with ablation.pooling_zeros():
        damped = features.transform(tiles.clean[:1])[0]
    there = np.pad(np.full(np.array(plain.shape[:2]) - 2, 9), 1, constant_values=6)
    there[[0, 0, -1, -1], [0, -1, 0, -1]] = 4  # of the nine positions, at corners
    np.testing.assert_allclose(damped, plain * there[..., None] / 9, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(features.transform(tiles.clean[:1])[0], plain)
