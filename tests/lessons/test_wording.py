"""Counts and shares in words, and figures of empty, constant, infinite and single values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils.errors import InputError
from aitex_utils.lessons import figures
from aitex_utils.lessons.nb01 import figures as nb01
from aitex_utils.lessons.nb01.leakage import LeakageResult
from aitex_utils.lessons.nb02 import figures as nb02
from aitex_utils.lessons.nb03 import figures as nb03
from aitex_utils.lessons.nb04 import figures as nb04
from aitex_utils.lessons.nb05 import figures as nb05
from aitex_utils.lessons.nb06 import figures as nb06
from aitex_utils.lessons.nb07 import figures as nb07
from aitex_utils.lessons.nb08 import figures as nb08
from aitex_utils.lessons.nb08.descriptions import describe_alarm, describe_miss
from aitex_utils.lessons.nb09 import figures as nb09
from aitex_utils.lessons.nb10 import figures as nb10
from aitex_utils.lessons.nb11 import figures as nb11
from aitex_utils.lessons.nb12 import figures as nb12
from aitex_utils.lessons.sliders import show_with_sliders
from aitex_utils.lessons.wording import check_values, count, percent
from aitex_utils.plots import make_axes

Array = np.ndarray


@given(st.floats(0, 1), st.integers(0, 3))
def test_only_nothing_is_0_percent_and_only_all_is_100_percent(share: float, digits: int):
    text = percent(share, digits)
    if text.startswith(("less", "more")):
        assert 0 < share < 1
        return
    number = float(text.removesuffix(" %"))
    assert (number == 0) == (share == 0) and (number == 100) == (share == 1)
    assert abs(number - 100 * share) <= 0.5 * 10**-digits + 1e-9


def test_counts_have_the_noun_that_fits():
    assert [count(n, "patch", "patches") for n in (0, 1, 2)] == ["0 patches", "1 patch", "2 patches"]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ({}, {}, "nothing to draw"),
        ({"x": []}, {}, r"^x has shape \(0,\): it is empty"),
        ({"x": ["a"]}, {}, "^x has dtype .*real numbers"),
        ({"x": [1, np.nan]}, {}, "^x contains NaN or infinity"),
        ({"x": [1, -np.inf]}, {"nan": True}, "^x contains infinity"),
        ({"x": [np.nan]}, {"nan": True}, "^x contains nothing but NaN"),
        ({"x": [0, 1]}, {"positive": True}, "^x contains values that are not above 0"),
    ],
)
def test_values_that_cannot_be_drawn_are_named(values: dict, options: dict, message: str):
    with pytest.raises(InputError, match=message):
        check_values(values, **options)
    check_values({"x": [1, np.nan]}, nan=True)


OF_VALUES: list[Callable[[Array], Any]] = [
    lambda v: figures.plot_settings(["a"], v[None], list(map(str, v)), title="t"),
    lambda v: figures.plot_intervals(["a"], [v], label="l"),
    lambda v: nb01.plot_region(np.zeros((8, 8), np.uint8), v, 4, (0, 8)),
    lambda v: nb01.plot_starts(v, np.ones(len(v), bool), ["0"] * len(v)),
    lambda v: nb01.plot_rules(v, v, 9),
    lambda v: nb01.plot_leakage(LeakageResult(v[None], v[None], {"defective": v[None]})),
    lambda v: nb01.plot_gaps({"a": v}),
    lambda v: nb03.plot_spectrum(v, 0.5),
    lambda v: nb04.plot_lines({"a": (v, v)}, "c", xlabel="x", ylabel="y", xscale="log", yscale="log"),
    lambda v: nb04.plot_histograms({"a": v}, xlabel="x", title="t"),
    lambda v: nb04.plot_pool(v, 1),
    lambda v: nb04.plot_times(dict(enumerate(v))),
    lambda v: nb05.plot_bars(list(map(str, v)), v, "u", title="t"),
    lambda v: nb05.plot_lines(v, {"a": v}, xlabel="x", ylabel="y", title="t"),
    lambda v: nb05.plot_tradeoff(list(map(str, range(len(v)))), v, v),
    lambda v: nb05.plot_alarms(v, v, 0.5, np.zeros(len(v), bool)),
    lambda v: nb05.plot_alarms(v, v, 0.5, np.ones(len(v), bool)),
    lambda v: nb06.plot_bank_on_line(v, {"p": 1.0}, note="n"),
    lambda v: nb06.plot_pairs(v, v),
    lambda v: nb06.plot_prevalence(v, {"AP": v}),
    lambda v: nb07.plot_region_overlap(v, v, [0.3]),
    lambda v: nb07.plot_coverage(v, {"a": v}, confidence=0.95),
    lambda v: nb07.plot_false_alarm_rates({"a": v}, 0.1),
    lambda v: nb07.plot_rates_by_rule([1] * len(v), {"a": v}, 0.1),
    lambda v: nb07.plot_light({"00": dict(enumerate(v))}, 0.1),
    lambda v: nb07.plot_alarms(np.arange(len(v)) > 0, v, 1.0, lambda t: (1.0, 1.0, 1.0), 1.0),
    lambda v: nb09.plot_losses(v, 5),
    lambda v: nb09.plot_dots({"a": dict(enumerate(v))}, label="l"),
    lambda v: nb09.plot_agreement(v, v, np.ones(len(v), bool), (1, 1), ("A", "B")),
    lambda v: nb10.plot_ranks({"a": dict(zip("abc", v, strict=False))}, label="l"),
    lambda v: nb10.plot_misses(v, v, groups=1),
    lambda v: nb10.plot_front(list(map(str, v)), v, v, [0]),
    lambda v: nb10.plot_leaderboard(list(map(str, v)), v, v, np.stack([v, v], axis=1)),
    lambda v: nb10.plot_optimism(list(range(1, len(v) + 1)), list(v), list(v), 0.9),
    lambda v: nb10.plot_dashboard(*[np.zeros((4, 4))] * 3, np.arange(len(v)) > 0, v, 1.0, title="t"),
    lambda v: nb12.plot_found({"a": dict(zip("abc", v, strict=False))}),
    lambda v: nb12.plot_realised({19: v}, 0.05),
    lambda v: nb12.plot_timeline(v, np.ones(len(v), bool), {"fixed": 1.0}, title="t", sums=v),
    lambda v: nb11.plot_growth(range(1, len(v) + 1), {"u": {"a": v}}, {"u": ("limit", 9)}, {}),
    lambda v: nb11.plot_levels(v, v),
    lambda v: nb11.plot_sizes(v, v, 1.0),
    lambda v: nb11.plot_parts({"a": dict(zip("abc", v, strict=False))}),
    lambda v: nb11.plot_graph(list(map(str, v)), v, [[] for _ in v]),
    lambda v: nb11.plot_search(list(map(str, v)), v, v, exact=1),
]
VALUES = [[], [1.0], [1.0, 1.0, 1.0], [0.0, 0.0], [np.nan, 1.0], [np.nan, np.nan], [np.inf, 1.0], [-1.0, -2.0]]


@pytest.mark.filterwarnings("ignore:Data has no positive values")
@pytest.mark.parametrize("values", VALUES, ids=str)
@pytest.mark.parametrize("draw", OF_VALUES)
def test_values_of_any_kind_give_a_sentence_or_a_figure_without_nan(draw: Callable, values: list):
    try:
        _, caption = draw(np.array(values))
    except InputError as error:
        assert str(error).endswith(".")
    else:
        assert "nan" not in caption.lower() and "inf" not in caption and values and np.isfinite(values).all()


OF_IMAGES: list[Callable[[Array], Any]] = [
    lambda image: figures.plot_panels([image], ["a"], "c"),
    lambda image: nb01.plot_images({"a": image}),
    lambda image: nb01.plot_region(image, np.ones(1), 4, (0, 8)),
    lambda image: nb01.plot_grid(image, np.zeros((1, 2), int), 4),
    lambda image: nb02.plot_fields(np.zeros((1, 2)), {"a": image}, {"p": np.zeros(2)}),
    lambda image: nb02.plot_refolded({"a": np.stack([image] * 3)}),
    lambda image: nb02.plot_image_scores({"a": image}, {"max": {"a": 1.0}}),
    lambda image: nb03.plot_squares(image, {"a": 3}),
    lambda image: nb06.plot_smoothing(image, np.zeros((8, 8)), np.zeros((8, 8), bool), 1),
    lambda image: nb06.plot_crop(image, image, image > 0, width=4),
    lambda image: nb08.plot_gallery(image[None], image[None], image[None] > 0, ["a"]),
    lambda image: nb08.plot_gallery(image[None], image[None], image[None] > 0, ["a"], threshold=np.inf),
    lambda image: nb09.plot_rows({"a": image[None]}, ["a"], "c", masks=image[None] > 0),
    lambda image: nb10.plot_dashboard(image, image, image > 0, np.arange(2) > 0, np.arange(2), None, title="t"),
    lambda image: nb12.plot_regions(image, image > 0, title="t"),
    lambda image: nb12.plot_tiling(image, np.zeros((1, 2), int), 4),
    lambda image: nb12.plot_failures([image], [image], [image > 0], ["a"], 1.0),
    lambda image: (None, describe_miss("nep", image, np.ones(image.shape, bool), image)),
    lambda image: (None, describe_alarm(image, image, image[None], defect_distance=None, threshold=1.0)),
]
IMAGES = {
    "empty": np.zeros((0, 8)),
    "one pixel": np.zeros((1, 1)),
    "constant": np.zeros((8, 8)),
    "below 0": np.arange(64.0).reshape(8, 8) - 99,
    "NaN": np.full((8, 8), np.nan),
    "infinite": np.full((8, 8), np.inf),
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("draw", OF_IMAGES)
def test_images_of_any_kind_give_a_sentence_or_a_figure_without_nan(draw: Callable, name: str):
    try:
        _, caption = draw(IMAGES[name])
    except InputError as error:
        assert str(error).endswith(".")
    else:
        assert "nan" not in caption and name not in ("empty", "NaN", "infinite")


POINTS: list[Callable[[Array], Any]] = [
    lambda points: nb04.plot_chosen(points, {"a": points}),
    lambda points: nb04.plot_covering(points, {"a": points[:1]}),
    lambda points: nb05.plot_cells(points, points, np.zeros(2), 1, title="t"),
    lambda points: nb05.plot_walk(points, [[] for _ in points], [0] * (len(points) > 0), np.zeros(2)),
    lambda points: nb05.plot_codes(points, np.zeros((2, 1, 1))),
    lambda points: nb02.plot_patch(points, np.zeros(2), 0),
]


@pytest.mark.parametrize("draw", POINTS)
def test_points_of_any_number_give_a_sentence_or_a_figure(draw: Callable):
    for points in (np.zeros((0, 2)), np.full((2, 2), np.nan)):
        with pytest.raises(InputError):
            draw(points)
    for points in (np.zeros((1, 2)), np.ones((3, 2))):
        assert "nan" not in draw(points)[1]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: nb01.plot_images({}),
        lambda: nb01.plot_gaps({}),
        lambda: nb02.plot_refolded({}),
        lambda: nb02.plot_image_scores({}, {}),
        lambda: nb02.plot_steps({}),
        lambda: nb02.plot_image_scores(dict.fromkeys("abc", np.eye(2)), {"max": dict.fromkeys("abc", 1.0)}),
        lambda: nb03.plot_squares(np.zeros((8, 8)), {}),
        lambda: nb04.plot_histograms({}, xlabel="x", title="t"),
        lambda: nb04.plot_times({}),
        lambda: nb07.plot_false_alarm_rates({}, 0.1),
        lambda: nb07.plot_intervals_by_unit({}, {"strips": {}, "tiles": {}}, label="l"),
        lambda: nb09.plot_rows({}, [], "c"),
        lambda: nb10.plot_ranks({}, label="l"),
        lambda: nb12.plot_found({}),
        lambda: nb12.plot_realised({}, 0.05),
        lambda: nb12.plot_promises([], {}),
        lambda: nb12.plot_failures([], [], [], [], 1.0),
        lambda: nb11.plot_parts({}),
        lambda: nb11.plot_timeline([]),
        lambda: nb11.plot_cases({}, []),
        lambda: nb10.plot_neighbours(np.eye(4), [], [], [], query_square=(0, 0), side=2, branches=[], where="strip a"),
    ],
)
def test_nothing_to_draw_is_said(draw: Callable):
    with pytest.raises(InputError, match=r"\.$"):
        draw()


@pytest.mark.parametrize(
    "numbers",
    [5, None, "abcd", (0, 8, 1), (0, "8", 1, 4), (0, np.inf, 1, 4), (0, 8, np.nan, 4), (0, 8, 0, 4), (9, 8, 1, 9)],
)
def test_a_slider_without_four_numbers_is_refused(numbers: Any):
    with pytest.raises(InputError, match="^sigma is .*four finite numbers"):
        show_with_sliders(lambda sigma: (make_axes(1, 1, (2, 2))[0], "c"), sigma=numbers)


# Sentences that follow from the numbers


def test_captions_with_one_and_with_none():
    tile = np.zeros((1, 8, 8))
    one = nb08.plot_gallery(tile, tile + 2, tile == 0, ["a"])[1]
    assert one.startswith("1 tile of 8 x 8 px above its map")
    assert "1 map reaches 1," in one and "1 tile has a marked" in one
    assert "1 defective tile:" in nb09.plot_agreement(*np.ones((2, 1)), np.array([True]), (2, 2), ("A", "B"))[1]
    everything = np.ones(2, bool)
    assert "All tiles were added" in nb05.plot_alarms(np.ones(2), np.ones(2), 1.0, everything)[1]


def test_the_mean_of_losses_is_over_as_many_as_there_are():
    assert nb09.plot_losses([1.0, 0.5], 9)[1].endswith("0.750 as the mean of the last 2.")
    assert nb09.plot_losses([1.0] * 50, 50)[1].endswith("1.000 as the mean of the last 20.")


def test_a_region_in_the_middle_counts_neither_side_as_inside():
    caption = nb01.plot_region(np.zeros((4, 12), np.uint8), np.array([9.0, 1.0, 5.0]), 4, (4, 8))[1]
    assert caption.endswith("1.0 inside, 9.0 left of it, 5.0 right of it.")


def test_tiles_without_pairs_have_no_mean_distance():
    distances = np.array([[np.nan, 1.0], [1.0, np.nan]])
    assert nb01.plot_tile_distances(distances, np.array(["a", "a"]))[1].endswith("of 1 strip: 1.00 within a strip.")
    assert nb01.plot_tile_distances(distances, np.array(["a", "b"]))[1].endswith("of 2 strips: 1.00 between strips.")
    assert "no pair" in nb01.plot_tile_distances(distances[:1, :1], np.array(["a"]))[1]


def test_equal_distances_and_near_ones_are_distinguished():
    bank, centroids = np.array([[0.0, 1.0], [0.0, -1.0]]), np.array([[0.0, 1.0], [0.0, -1.0]])
    assert "the nearest vector, at" in nb05.plot_cells(bank, centroids, np.zeros(2), 1, title="t")[1]
    bank[1, 1] = -0.9999
    caption = nb05.plot_cells(bank, np.array([[0.0, 0.1], [0.0, -9.0]]), np.array([0.0, 0.01]), 1, title="t")[1]
    assert "nan" not in caption
    far = nb05.plot_cells(np.ones((1, 2)), np.array([[0.0, 0.0], [9.0, 9.0]]), np.full(2, 8.0), 1, title="t")[1]
    assert "finds nothing" in far


@pytest.mark.parametrize(
    ("inside", "outside", "words"),
    [
        (2.0, 1.0, "the map is highest on it"),
        (1.0, 1.0, "the map is as high elsewhere as on it"),
        (1.0, 2.0, "on it the map reaches 50 % of its maximum"),
        (1.999, 2.0, "on it the map reaches more than 99 % of its maximum"),
        (-2.0, -1.0, "on it the map reaches -2, elsewhere -1"),
        (0.0, 1.0, "on it the map reaches 0, elsewhere 1"),
    ],
)
def test_the_map_on_a_missed_defect_for_every_sign(inside: float, outside: float, words: str):
    mask = np.zeros((8, 8), bool)
    mask[3:5, 3:5] = True
    text = describe_miss("nep", np.arange(64.0).reshape(8, 8), mask, np.where(mask, inside, outside))
    assert words in text


def test_uniform_surroundings_give_no_astronomical_contrast():
    mask = np.zeros((8, 8), bool)
    mask[3:5, 3:5] = True
    assert "contrast more than 100 standard" in describe_miss("nep", mask * 9.0, mask, mask * 1.0)
