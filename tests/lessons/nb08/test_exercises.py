"""Exercises of notebook 08: right answers pass however they are written, typical mistakes get their own hints."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable

import cv2
import jupytext
import lesson_cells as lessons
import numpy as np
import pytest
from scipy import ndimage

from aitex_utils import calibration
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb08 import reference
from aitex_utils.lessons.nb08.exercises import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "08.1": "subtract_background",
    "08.2": "normalise_positions",
    "08.3": "cheapest_threshold",
    "08.4": "clean_mask",
    "08.5": "remove_background",
}
FALLBACKS = {
    "08.1": reference.subtract_background,
    "08.2": reference.normalise_positions,
    "08.3": reference.cheapest_threshold,
    "08.4": reference.clean_mask,
    "08.5": reference.repaired_background,
}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, written in other ways.


def running_median(values, width, mode):
    """Return a running median by padding and windows."""
    pad = {"nearest": "edge", "reflect": "symmetric"}[mode]
    padded = np.pad(values, width // 2, mode=pad)
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)


def background_by_windows(anomaly_map, quantile):
    height, width = anomaly_map.shape
    columns = np.array([np.quantile(anomaly_map[:, i], quantile) for i in range(width)])
    rest = anomaly_map - running_median(columns, 2 * height + 1, "nearest")
    rows = np.array([np.quantile(row, quantile) for row in rest])
    window = height // 4 + (1 if height // 4 % 2 == 0 else 0)
    return rest - running_median(rows, window, "reflect").reshape(-1, 1)


def background_by_module(anomaly_map, quantile):
    return calibration.subtract_background(anomaly_map, quantile)


def positions_by_loops(distances, normal, quantile):
    result = np.empty_like(distances)
    overall = np.quantile(normal, quantile)
    for i in range(normal.shape[1]):
        for j in range(normal.shape[2]):
            scale = np.quantile(normal[:, i, :], quantile) * np.quantile(normal[:, :, j], quantile) / overall
            result[:, i, j] = distances[:, i, j] / scale
    return result


def positions_by_module(distances, normal, quantile):
    return distances / calibration.position_scale(normal, quantile)


def threshold_by_loops(labels, scores, false_alarm_cost, miss_cost):
    best = None
    for threshold in sorted([float("inf"), *set(scores.tolist())], reverse=True):
        cost = 0
        for defective, score in zip(labels, scores, strict=True):
            if score >= threshold and not defective:
                cost += false_alarm_cost
            if score < threshold and defective:
                cost += miss_cost
        if best is None or cost < best[1]:
            best = threshold, cost
    return best


def threshold_by_table(labels, scores, false_alarm_cost, miss_cost):
    thresholds = np.append(np.unique(scores), np.inf)
    flagged = scores >= thresholds[:, None]
    costs = false_alarm_cost * (flagged & ~labels).sum(1) + miss_cost * (~flagged & labels).sum(1)
    best = len(costs) - 1 - np.argmin(costs[::-1])
    return [thresholds[best], costs[best]]


def clean_by_scipy(mask, closing, min_area):
    closed = ndimage.binary_closing(mask, np.ones((closing, closing)))
    filled = ndimage.binary_fill_holes(closed)
    components, _ = ndimage.label(filled, np.ones((3, 3)))
    areas = np.bincount(components.ravel())
    return np.isin(components, np.flatnonzero(areas >= min_area)) & filled


def clean_by_contours(mask, closing, min_area):
    kernel = np.ones((closing, closing), np.uint8)
    closed = cv2.erode(cv2.dilate(mask.astype(np.uint8), kernel), kernel)
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(closed), contours, -1, 1, cv2.FILLED)
    number, components = cv2.connectedComponents(filled, connectivity=8)
    result = np.zeros(mask.shape, bool)
    for i in range(1, number):
        if (components == i).sum() >= min_area:
            result |= components == i
    return result


def repaired_by_windows(anomaly_map, width):
    columns = np.quantile(anomaly_map, 0.25, axis=0)
    return anomaly_map - running_median(columns, width, "nearest")


RIGHT = {
    "08.1": (background_by_windows, background_by_module),
    "08.2": (positions_by_loops, positions_by_module),
    "08.3": (threshold_by_loops, threshold_by_table),
    "08.4": (clean_by_scipy, clean_by_contours),
    "08.5": (repaired_by_windows,),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, all_ in RIGHT.items() for f in all_])
def test_a_right_answer_passes_however_it_is_written(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def background(
    columns=lambda m, q: np.quantile(m, q, axis=0),
    rows=lambda rest, m, q: np.quantile(rest, q, axis=1),
    width=lambda height: 2 * height + 1,
    modes=("nearest", "reflect"),
):
    def answer(anomaly_map, quantile):
        height = anomaly_map.shape[0]
        level = ndimage.median_filter(columns(anomaly_map, quantile), size=width(height), mode=modes[0])
        rest = anomaly_map - level[None, :]
        level = ndimage.median_filter(rows(rest, anomaly_map, quantile), size=(height // 4) | 1, mode=modes[1])
        return rest - level[:, None]

    return answer


def background_without_windows(anomaly_map, quantile):
    rest = anomaly_map - np.quantile(anomaly_map, quantile, axis=0, keepdims=True)
    return rest - np.quantile(rest, quantile, axis=1, keepdims=True)


def background_of_columns(anomaly_map, quantile):
    columns = np.quantile(anomaly_map, quantile, axis=0)
    return anomaly_map - running_median(columns, 2 * len(anomaly_map) + 1, "nearest")


def background_of_rows(anomaly_map, quantile):
    rows = np.quantile(anomaly_map, quantile, axis=1)
    return anomaly_map - running_median(rows, len(anomaly_map) // 4 | 1, "reflect")[:, None]


def positions(
    of=np.quantile,
    scale=lambda rows, columns, overall: np.outer(rows, columns) / overall,
    result=lambda distances, scale: distances / scale,
):
    def answer(distances, normal, quantile):
        rows, columns = of(normal, quantile, axis=(0, 2)), of(normal, quantile, axis=(0, 1))
        return result(distances, scale(rows, columns, of(normal, quantile)))

    return answer


def threshold(
    is_flagged=lambda scores, t: scores >= t, cost=None, candidates=lambda s: [np.inf, *sorted(set(s), reverse=True)]
):
    def total(flagged, labels, a, b):
        return a * np.sum(flagged & ~labels) + b * np.sum(~flagged & labels)

    def answer(labels, scores, false_alarm_cost, miss_cost):
        best = None
        for one in candidates(scores):
            value = (cost or total)(is_flagged(scores, one), labels, false_alarm_cost, miss_cost)
            if best is None or value < best[1]:
                best = (one, value)
        return best

    return answer


def closed(mask, side, operation=cv2.MORPH_CLOSE):
    return cv2.morphologyEx(mask.astype(np.uint8), operation, np.ones((side, side), np.uint8)) > 0


def without_small(mask, keep, structure=None):
    components, number = ndimage.label(mask, np.ones((3, 3)) if structure is None else structure)
    areas = ndimage.sum(mask, components, np.arange(1, number + 1))
    return np.isin(components, 1 + np.flatnonzero(keep(areas)))


def cleaned(close=closed, fill=ndimage.binary_fill_holes, keep=lambda areas, least: areas >= least, structure=None):
    def answer(mask, closing, min_area):
        return without_small(fill(close(mask, closing)), lambda areas: keep(areas, min_area), structure)

    return answer


def largest(areas, least):
    return (areas == np.max(areas)) & (areas >= least)


def clean_filled_first(mask, closing, min_area):
    return without_small(closed(ndimage.binary_fill_holes(mask), closing), lambda areas: areas >= min_area)


def clean_dropped_first(mask, closing, min_area):
    return ndimage.binary_fill_holes(closed(without_small(mask, lambda areas: areas >= min_area), closing))


def removed(columns=lambda m: np.quantile(m, 0.25, axis=0), smooth=None):
    def answer(anomaly_map, width):
        level = columns(anomaly_map)
        return anomaly_map - (level if smooth is None else smooth(level, width))

    return answer


def mean_of(values, width):
    return ndimage.uniform_filter1d(values, width, mode="nearest")


WRONG = [
    (
        "08.1",
        "mean for quantile",
        background(lambda m, q: m.mean(0), lambda rest, m, q: rest.mean(1)),
    ),
    (
        "08.1",
        "median for quantile",
        background(lambda m, q: np.median(m, 0), lambda rest, m, q: np.median(rest, 1)),
    ),
    ("08.1", "quantile typed", lambda m, q: background_by_windows(m, 0.25)),
    ("08.1", "no window", background_without_windows),
    ("08.1", "narrow window", background(width=lambda height: height)),
    ("08.1", "rows of the map", background(rows=lambda rest, m, q: np.quantile(m, q, axis=1))),
    ("08.1", "columns only", background_of_columns),
    ("08.1", "rows only", background_of_rows),
    ("08.1", "rows first", lambda m, q: background_of_columns(background_of_rows(m, q), q)),
    ("08.1", "background returned", lambda m, q: m - background_by_windows(m, q)),
    ("08.1", "sign reversed", lambda m, q: -background_by_windows(m, q)),
    ("08.1", "negative values cut", lambda m, q: background_by_windows(m, q).clip(min=0)),
    ("08.1", "one value for all", lambda m, q: m - np.quantile(m, q)),
    ("08.1", "other border of the columns", background(modes=("reflect", "reflect"))),
    ("08.1", "other border of the rows", background(modes=("nearest", "nearest"))),
    ("08.2", "each position by itself", lambda d, n, q: d / np.quantile(n, q, axis=0)),
    ("08.2", "rows and columns exchanged", positions(scale=lambda r, c, o: np.outer(c, r) / o)),
    ("08.2", "scale of the tested tiles", lambda d, n, q: positions_by_loops(d, d, q)),
    ("08.2", "not divided by the overall quantile", positions(scale=lambda r, c, o: np.outer(r, c))),
    ("08.2", "mean for quantile", positions(of=lambda n, q, axis=None: np.mean(n, axis=axis))),
    ("08.2", "quantile typed", lambda d, n, q: positions_by_loops(d, n, 0.9)),
    ("08.2", "subtracted", positions(result=lambda d, scale: d - scale)),
    ("08.2", "multiplied", positions(result=lambda d, scale: d * scale)),
    ("08.2", "rows only", positions(scale=lambda r, c, o: r[:, None])),
    ("08.2", "columns only", positions(scale=lambda r, c, o: c)),
    ("08.2", "scale returned", positions(result=lambda d, scale: scale)),
    ("08.3", "above for at least", threshold(lambda scores, t: scores > t)),
    ("08.3", "no alarm left out", threshold(candidates=lambda s: sorted(set(s), reverse=True))),
    ("08.3", "costs exchanged", lambda labels, s, a, b: threshold_by_loops(labels, s, b, a)),
    ("08.3", "classes exchanged", lambda labels, s, a, b: threshold_by_loops(~labels, s, a, b)),
    (
        "08.3",
        "shares for counts",
        threshold(cost=lambda f, labels, a, b: a * np.mean(f[~labels]) + b * np.mean(~f[labels])),
    ),
    ("08.3", "false alarms free", threshold(cost=lambda f, labels, a, b: b * np.sum(~f & labels))),
    ("08.3", "misses free", threshold(cost=lambda f, labels, a, b: a * np.sum(f & ~labels))),
    ("08.3", "lowest of equals", threshold(candidates=lambda s: [*sorted(set(s)), np.inf])),
    ("08.3", "cost missing", lambda *case: threshold_by_loops(*case)[0]),
    ("08.3", "threshold missing", lambda *case: threshold_by_loops(*case)[1]),
    ("08.4", "opening for closing", cleaned(lambda m, side: closed(m, side, cv2.MORPH_OPEN))),
    ("08.4", "closing left out", cleaned(lambda m, side: m)),
    ("08.4", "dilated only", cleaned(lambda m, side: closed(m, side, cv2.MORPH_DILATE))),
    ("08.4", "radius for side", cleaned(lambda m, side: closed(m, 2 * side + 1))),
    ("08.4", "holes left", cleaned(fill=lambda m: m)),
    ("08.4", "holes filled first", clean_filled_first),
    ("08.4", "small components dropped first", clean_dropped_first),
    ("08.4", "small components kept", cleaned(keep=lambda areas, least: areas > 0)),
    ("08.4", "equal dropped", cleaned(keep=lambda areas, least: areas > least)),
    ("08.4", "large dropped", cleaned(keep=lambda areas, least: areas < least)),
    ("08.4", "largest only", cleaned(keep=largest)),
    ("08.4", "four neighbours", cleaned(structure=ndimage.generate_binary_structure(2, 1))),
    ("08.5", "unchanged", removed(smooth=mean_of)),
    ("08.5", "shadow hidden", lambda m, width: removed(smooth=mean_of)(m, width).clip(0)),
    ("08.5", "wider mean", removed(smooth=lambda values, width: mean_of(values, 3 * width))),
    ("08.5", "other line changed", removed(lambda m: np.median(m, axis=0), mean_of)),
    ("08.5", "no window", removed()),
    ("08.5", "one value for all", removed(smooth=lambda values, width: np.median(values))),
    ("08.5", "other border", removed(smooth=lambda values, width: ndimage.median_filter(values, width))),
    ("08.5", "background returned", lambda m, width: m - repaired_by_windows(m, width)),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_a_typical_wrong_answer_draws_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_made_by_hand_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


@pytest.mark.parametrize(
    ("number", "answer", "shown"),
    [
        ("08.1", lambda m, q: m * 0 + 3, "[[4, 4, 4, 4, 6, 6], [4, 9, 4, 4, 6, 6], [5, 5, 5, 5, 7, 7]]"),
        ("08.2", lambda d, n, q: d * 0, "[[[2, 4], [8, 6]]]"),
        ("08.3", lambda labels, scores, a, b: (0.5, 3.0), "[0.1, 0.6, 0.4, 0.9, 0.2]"),
        ("08.5", lambda m, width: m * 0 + 3, "[[1, 1, 1, 7, 1, 2, 2, 2, 2], [1, 1, 1, 7, 1, 2, 2, 2, 2]]"),
    ],
)
def test_a_small_input_is_shown_whole(number: str, answer: Callable, shown: str):
    assert shown in judge(BY_ID[number], answer).message.replace(".0", "")


def test_a_mask_of_numbers_is_refused_with_a_sentence():
    verdict = judge(BY_ID["08.4"], lambda *case: reference.clean_mask(*case).astype(np.uint8))
    assert not verdict.passed and "Booleans" in verdict.message


@pytest.mark.parametrize("number", FALLBACKS)
def test_exchanged_results_and_lists_are_recognised(number: str):
    as_list = judge(BY_ID[number], lambda *case: np.asarray(FALLBACKS[number](*case)).tolist())
    assert as_list.passed or number == "08.4"  # whose task asks for an array


def test_exchanged_results_of_the_threshold_are_named():
    verdict = judge(BY_ID["08.3"], lambda *case: threshold_by_loops(*case)[::-1])
    assert not verdict.passed and "order" in verdict.message


# The notebook's code agrees with the module and with the course's own functions.


def test_the_notebook_s_background_is_the_module_s(solutions: dict):
    rng = np.random.default_rng(4)
    one = rng.gamma(3, 0.3, (64, 500)).astype(np.float32) + np.linspace(0, 2, 500, dtype=np.float32)
    for quantile in (0.1, 0.25, 0.5):
        by_module = calibration.subtract_background(one, quantile)
        np.testing.assert_allclose(solutions["08.1"](one, quantile), by_module, atol=1e-5)


def test_the_notebook_s_normalisation_is_the_module_s(solutions: dict):
    rng = np.random.default_rng(4)
    normal, tested = rng.gamma(3, 0.3, (9, 16, 16)), rng.gamma(3, 0.3, (2, 16, 16))
    by_module = tested / calibration.position_scale(normal, 0.9)
    np.testing.assert_allclose(solutions["08.2"](tested, normal, 0.9), by_module, rtol=1e-5)


def test_the_colleague_s_function_in_the_text_is_the_flawed_one():
    cells = jupytext.read(lessons.source_of("08")).cells
    text = next(c.source for c in cells if "def remove_background(anomaly_map, width):" in c.source)
    code = text.split("```python\n")[1].split("```")[0]
    namespace: dict = {"np": np, "uniform_filter1d": ndimage.uniform_filter1d}
    exec(compile(code, "<text>", "exec"), namespace)
    for case in BY_ID["08.5"].cases():
        np.testing.assert_array_equal(namespace["remove_background"](*case), reference.background_of_colleague(*case))


def test_the_course_s_functions_are_the_notebook_s(solutions: dict):
    assert FALLBACKS.keys() == solutions.keys()
    for number, fallback in FALLBACKS.items():
        assert judge(BY_ID[number], fallback).passed
        assert inspect.signature(fallback).parameters.keys() == inspect.signature(solutions[number]).parameters.keys()


# The claims of the text agree with the results that it quotes.

ROWS = {
    "C": ("no background subtraction", "tile by tile", "pooled branch only"),
    "B": (
        "without position-wise normalisation",
        "strips not cropped to the fabric",
        "256 px, tiles not resized",
        "zero padding",
    ),
}


def changes() -> dict[str, list[float]]:
    """Return the change of the tile AUROC with its interval for each row of the notebook's table."""
    results = json.loads((lessons.builder.BENCHMARKS / "results" / "ablation.json").read_text(encoding="utf-8"))
    measures = {"B": "tile_auroc", "C": "tile_auroc_c2"}
    return {name: results[part][name]["minus_ours"][measures[part]] for part, names in ROWS.items() for name in names}


def accuracy() -> dict:
    results = json.loads((lessons.builder.BENCHMARKS / "results" / "accuracy_c.json").read_text(encoding="utf-8"))
    return results["detectors"]


CLAIMS = {
    "Background subtraction is worth most on AITEX": lambda: (
        min(changes(), key=lambda name: changes()[name][0]) == "no background subtraction"
    ),
    "Mirrored borders add little to normalisation there": lambda: changes()["zero padding"][2] > 0,
    "All intervals lie below 0, except for mirrored borders and the larger input": lambda: (
        [name for name, (_, _, high) in changes().items() if high >= 0] == ["256 px, tiles not resized", "zero padding"]
    ),
    "On a new fabric, expect a gain like the second": lambda: all(
        accuracy()["ours"][part]["tile_auroc_c2"] > accuracy()["paper"][part]["tile_auroc_c2"]
        for part in ("mean_chosen", "mean_confirming")
    ),
}


@pytest.mark.parametrize("words", CLAIMS)
def test_claims_about_aitex_agree_with_the_results(words: str):
    cells = jupytext.read(lessons.source_of("08")).cells
    text = " ".join(" ".join(cell.source for cell in cells if cell.cell_type == "markdown").split())
    assert words in text, "the text changed: check the new claim against the results, and test that one"
    assert CLAIMS[words]()


def test_the_table_shows_the_rows_whose_claims_are_tested():
    source = lessons.source_of("08").read_text(encoding="utf-8")
    for part, names in ROWS.items():
        for name in names:
            assert source.count(f'{part}."{name}".minus_ours') == 3, name
