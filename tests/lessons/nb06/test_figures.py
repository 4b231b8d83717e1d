"""Figures of notebook 06: what they draw is what their sentences say; the words for failures follow from the tile."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb06 import figures as plots


def test_a_line_has_an_arrow_to_the_nearest():
    figure, told = plots.plot_line(np.array([0.0, 2.0, 5.0]), {"p": 1.4, "q": 4.0}, note="So.")
    arrows = [text for text in figure.axes[0].texts if text.arrow_patch is not None]
    assert [arrow.xy[0] for arrow in arrows] == [2.0, 5.0]
    assert told == "3 vectors on a line, patches p at 1.4, q at 4, an arrow from each to its nearest. So."


def test_pairs_are_cells_and_their_share_is_the_auroc():
    normal, defective = np.array([3.0, 1.0, 2.0]), np.array([2.0, 4.0])
    figure, told = plots.plot_pairs(normal, defective)
    assert figure.axes[0].images[0].get_array().tolist() == [[1, 0, -1], [1, 1, 1]]
    assert [tick.get_text() for tick in figure.axes[1].get_yticklabels()] == ["wrong", "tie", "right"]
    assert told == "2 x 3 = 6 pairs of a defective and a normal tile: 66.7% are in the right order, 16.7% are ties."
    labels = np.array([0, 0, 0, 1, 1])
    assert metrics.auroc(labels, np.append(normal, defective)) == pytest.approx(4 / 6 + 0.5 / 6)


def test_shares_fall_to_the_right():
    figure, told = plots.plot_shares(np.array([0.1, 0.01]), {"AUROC": np.array([0.8, 0.8]), "AP": np.array([0.5, 0.1])})
    axis = figure.axes[0]
    assert axis.get_xscale() == "log" and axis.xaxis_inverted()
    assert [line.get_label() for line in axis.lines] == ["AUROC", "AP", "AP by chance"]
    assert told == "As the share of defects falls from 10% to 1.0%: AUROC from 0.800 to 0.800; AP from 0.500 to 0.100."


def test_an_overlap_is_told_at_its_limits():
    figure, told = plots.plot_overlap(np.array([0.0, 0.1, 1.0]), np.array([0.0, 0.5, 1.0]), (0.3, 0.05))
    assert [line.get_xdata()[0] for line in figure.axes[0].lines[1:]] == [0.05, 0.3]
    assert told == "Mean overlap of the defect regions: 0.25 at a rate of 0.05, 0.61 at a rate of 0.3."


def test_intervals_are_drawn_each_way():
    intervals = {"strip": {"AUROC": (0.6, 0.9)}, "tile": {"AUROC": (0.7, 0.85)}}
    figure, told = plots.plot_intervals({"AUROC": 0.8}, intervals, label="measure by tile")
    drawn = [bars.get_segments()[0][:, 0].tolist() for bars in figure.axes[0].collections]
    assert drawn == [[0.6, 0.9], [0.7, 0.85]]
    assert told.endswith("AUROC 0.800 (0.600 to 0.900 by strip, 0.700 to 0.850 by tile).")


def test_kept_words_are_drawn_beside_the_claim():
    figure, told = plots.plot_kept([0.0, 0.5], {"by strip": [0.9, 0.88], "by tile": [0.91, 0.6]}, claimed=0.95)
    assert figure.axes[0].lines[2].get_ydata()[0] == 0.95 and len(figure.axes[0].lines) == 3
    assert told.endswith("95% claimed: by strip 90%, 88%; by tile 91%, 60%.")


def test_a_promise_shows_each_try_and_the_mean():
    figure, told = plots.plot_promise({"fitted": np.array([0.5, 0.7]), "others": np.array([0.0, 0.2])}, 0.1)
    axis = figure.axes[0]
    assert sorted(axis.lines[0].get_xdata()) == [0.5, 0.7]
    assert [bar.get_segments()[0][0][0] for bar in axis.collections] == pytest.approx([0.6, 0.1])
    assert told.endswith("fitted 60.0% (50.0% to 70.0%); others 10.0% (0.0% to 20.0%).")


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    tiles, maps, masks = np.zeros((2, 64, 64), np.uint8), np.zeros((2, 64, 64)), np.zeros((2, 64, 64), bool)
    maps[1, 20:30, 20:30], masks[0, 40:50, 5:9] = 2, True
    return tiles, maps, masks


def test_a_gallery_has_one_scale_and_says_what_is_reached():
    figure, told = plots.plot_gallery(*pictures(), ["1.", "2."], threshold=1.5)
    below = [axis.images[0] for axis in figure.axes[2:4]]
    assert [drawn.get_clim() for drawn in below] == [(0, 2), (0, 2)]
    assert told.startswith("2 tiles above their maps, all on one scale; 1 of the maps reach 1.5,")
    assert told.endswith("1 have a marked defect, outlined in both pictures.")
    tiles, maps, masks = pictures()
    _, told = plots.plot_gallery(tiles, maps, np.zeros_like(masks), ["1.", "2."], threshold=3)
    assert told == "2 tiles above their maps, all on one scale; no map reaches 3."
    with pytest.raises(InputError, match="There are 2 tiles, 2 maps, 2 masks and 1 titles"):
        plots.plot_gallery(*pictures(), ["1."])
    with pytest.raises(InputError, match="at least one tile"):
        plots.plot_gallery(*(part[:0] for part in pictures()), [])


def test_an_operating_curve_names_the_price_of_a_half_and_where_it_is_blind():
    alarms, found = np.array([0.0, 40.0, 80.0]), np.array([0.2, 0.5, 0.9])
    figure, told = plots.plot_operating(alarms, found, blind=50, unit="in 100 m")
    assert figure.axes[0].lines[0].get_xdata().tolist() == [40, 80]
    assert figure.axes[0].patches[0].get_x() + figure.axes[0].patches[0].get_width() == pytest.approx(50)
    assert told == (
        "To find half of the defects costs 40 false alarms in 100 m; without any false alarm on the tiles tested, "
        "20% are found. Below 50 false alarms the test is blind."
    )


def test_contrast_is_in_spreads_of_the_surroundings():
    rng = np.random.default_rng(0)
    tile = rng.normal(100, 10, (256, 256))
    mask = np.zeros((256, 256), bool)
    mask[100:140, 60:100] = True
    assert plots.contrast(tile, mask) < 0.2
    tile[mask] -= 30
    assert plots.contrast(tile, mask) == pytest.approx(3, abs=0.2)
    tile[:50] = 255  # far from the defect
    assert plots.contrast(tile, mask) == pytest.approx(3, abs=0.2)
    assert plots.contrast(tile, np.ones_like(mask)) == pytest.approx(0)
    with pytest.raises(InputError, match="No pixel of the mask is marked"):
        plots.contrast(tile, np.zeros_like(mask))


def test_a_miss_is_put_into_words():
    rng = np.random.default_rng(1)
    tile, found = rng.normal(100, 10, (256, 256)), np.ones((256, 256))
    mask = np.zeros((256, 256), bool)
    mask[100:110, 60:70] = True
    found[105, 65], found[0, 0] = 3, 4
    told = plots.describe_miss("nep", tile, mask, found)
    assert told.startswith("nep, 100 px marked; faint, contrast 0.")
    assert told.endswith("on it the map reaches 75% of its maximum.") and "edge" not in told
    found[105, 65], mask[110:, 60:70] = 5, True
    tile[mask] += 25
    told = plots.describe_miss("nep", tile, mask, found)
    assert "clear, contrast 2." in told and "cut by the tile's edge; the map is highest on it." in told


def woven(rng: np.random.Generator, count: int, pitch: float = 8.0) -> np.ndarray:
    """Tiles with threads across every 8 px, down every `pitch`, of a spread of light."""
    down, across = np.mgrid[:128, :128]
    threads = np.cos(2 * np.pi * across / 8) + np.cos(2 * np.pi * down / pitch)
    noise = rng.uniform(4, 6, (count, 1, 1)) * rng.normal(size=(count, 128, 128))
    return 100 + 20 * threads + noise + rng.normal(0, 2, (count, 1, 1))


def test_a_false_alarm_is_put_into_words():
    rng = np.random.default_rng(2)
    usual, found = woven(rng, 20), np.zeros((128, 128))
    found[5, 60] = 1
    bright = 0.8 * (usual[0] - 100) + 140
    told = plots.describe_alarm(bright, found, usual, away=None, threshold=0.5)
    assert told.startswith(
        "less than 1% of its map is above the threshold, the highest point is row 5, column 60 at the "
    )
    assert "its mean grey lies " in told and "spreads above the usual; its sharpness lies" in told
    assert "spreads below the usual" in told and "threads" not in told and told.endswith("its strip is normal.")


def test_a_false_alarm_in_a_usual_tile_says_so():
    rng = np.random.default_rng(3)
    usual, found = woven(rng, 20), np.zeros((128, 128))
    one = woven(rng, 1)[0]
    one += usual.mean() - one.mean()
    found[60, 60:] = 1
    told = plots.describe_alarm(one, found, usual, away=40.2, threshold=0.5)
    assert told.startswith("less than 1% of its map is above the threshold, the highest point is row 60, column 60; ")
    told = plots.describe_alarm(one, found, usual, away=40.2, threshold=1.5)
    assert told.startswith("nothing of its smoothed map is above the threshold, the highest point is row 60, column 60")
    found[:30] = 1
    told = plots.describe_alarm(one, found, usual, away=40.2, threshold=0.5)
    assert told.startswith("24% of its map is above the threshold, ")
    assert told.endswith("light, sharpness and threads as usual; a marked defect only 40 px away.")
    told = plots.describe_alarm(one, found, usual, away=374.2, threshold=0.5)
    assert told.endswith("; a marked defect 374 px away.")
    told = plots.describe_alarm(one, found, usual, away=2040.2, threshold=0.5)
    assert told.endswith("; no marked defect near by.")


def test_other_threads_are_noticed_where_the_usual_ones_agree():
    rng = np.random.default_rng(4)
    found, denser = np.ones((128, 128)), woven(rng, 1, pitch=6.4)[0]
    told = plots.describe_alarm(denser, found, woven(rng, 20), away=None, threshold=0.5)
    assert told.startswith("100% of its map is above the threshold; ") and "highest" not in told
    assert "down, its threads repeat every 6.4 px, usual are 8.0" in told and "across" not in told
    twice = woven(rng, 1, pitch=4.0)[0]  # an overtone of the same weave
    assert "threads repeat" not in plots.describe_alarm(twice, found, woven(rng, 20), away=None, threshold=0.5)
    mixed = np.concatenate([woven(rng, 10), woven(rng, 10, pitch=6.4)])
    assert "threads repeat" not in plots.describe_alarm(denser, found, mixed, away=None, threshold=0.5)
