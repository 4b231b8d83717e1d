"""Notebook 07: each typical wrong answer draws its own hint, right ones pass however they are written."""

from __future__ import annotations

import math
from collections.abc import Callable

import lesson_cells as lessons
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from aitex_utils import duel, metrics
from aitex_utils.autoencoder import KERNEL, PADDING, STRIDE, Autoencoder
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb07.exercises import EXERCISES
from aitex_utils.ssim import RADIUS, WINDOW, error_maps, ssim_maps

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "07.1": "code_size",
    "07.2": "ssim",
    "07.3": "smoothed_errors",
    "07.4": "differences",
    "07.5": "share_of_normal_below",
}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, written in two other ways each.


def size_by_sliding(side, layers, channels):
    end = side
    for kernel, stride, padding in layers:
        row = range(end + 2 * padding)
        end = len([at for at in row if at % stride == 0 and at + kernel <= len(row)])
    return [end, side * side / (end * end * channels)]


def size_by_torch(side, layers, channels):
    x = torch.zeros(1, 1, side, side)
    for kernel, stride, padding in layers:
        x = torch.nn.Conv2d(1, 1, kernel, stride, padding)(x)
    return x.shape[-1], side**2 / (x.numel() * channels)


def ssim_by_cov(one, other, value_range=255.0):
    (aa, ab), (_, bb) = np.cov(one.ravel().astype(float), other.ravel().astype(float), bias=True)
    ma, mb = one.mean(), other.mean()
    c1, c2 = (value_range / 100) ** 2, (3 * value_range / 100) ** 2
    return (2 * ma * mb + c1) * (2 * ab + c2) / ((ma**2 + mb**2 + c1) * (aa + bb + c2))


def ssim_in_python(one, other, value_range=255.0):
    a, b = (np.ravel(w).tolist() for w in (one, other))
    n = len(a)
    ma, mb = sum(a) / n, sum(b) / n
    va, vb = sum(x * x for x in a) / n - ma * ma, sum(x * x for x in b) / n - mb * mb
    c = sum(x * y for x, y in zip(a, b, strict=True)) / n - ma * mb
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    return (2 * ma * mb + c1) / (ma * ma + mb * mb + c1) * (2 * c + c2) / (va + vb + c2)


def errors_tile_by_tile(tiles, rebuilt, sigma):
    return [gaussian_filter(np.abs(t.astype(np.float32) - r), sigma) for t, r in zip(tiles, rebuilt, strict=True)]


def errors_by_larger(tiles, rebuilt, sigma):
    off = np.where(tiles > rebuilt, tiles - rebuilt, rebuilt - tiles).astype(float)
    return torch.from_numpy(gaussian_filter(off, [0, sigma, sigma]))


def differences_by_counts(labels, one, other, strips, drawn):
    found = []
    for row in drawn:
        at = np.repeat(np.arange(len(strips)), [(row == strip).sum() for strip in strips])
        found.append(metrics.auroc(labels[at], one[at]) - metrics.auroc(labels[at], other[at]))
    return found


def differences_by_pairs(labels, one, other, strips, drawn):
    def area(s, y):
        above = s[y][:, None] - s[~y][None]
        return (above > 0).mean() + (above == 0).mean() / 2

    out = np.zeros(len(drawn))
    for i, row in enumerate(drawn):
        at = [n for strip in row for n in range(len(strips)) if strips[n] == strip]
        y = np.asarray(labels)[at].astype(bool)
        out[i] = area(one[at], y) - area(other[at], y)
    return out


def share_by_comparing(values, normal):
    return (np.asarray(values)[..., None] > normal).mean(axis=-1)


def share_by_bisect(values, normal):
    from bisect import bisect_left

    ordered = sorted(normal.tolist())
    return np.vectorize(lambda v: bisect_left(ordered, v) / len(ordered))(values)


RIGHT = {
    "07.1": (size_by_sliding, size_by_torch),
    "07.2": (ssim_by_cov, ssim_in_python),
    "07.3": (errors_tile_by_tile, errors_by_larger),
    "07.4": (differences_by_counts, differences_by_pairs),
    "07.5": (share_by_comparing, share_by_bisect),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_a_right_answer_passes_however_it_is_written(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.told


# Wrong answers, as a learner would type them.


def size_with(update, ratio=lambda side, end, channels: side * side / (end * end * channels)):
    def answer(side, layers, channels):
        end = side
        for k, s, p in layers:
            end = update(end, k, s, p)
        return end, ratio(side, end, channels)

    return answer


def right_side(n, k, s, p):
    return math.floor((n + 2 * p - k) / s) + 1


def ssim_with(
    covariance=None,
    below=lambda a, b: a.var() + b.var(),
    c=lambda r: ((0.01 * r) ** 2, (0.03 * r) ** 2),
    parts="both",
    convert=True,
):
    covariance = covariance or (lambda a, b: np.mean((a - a.mean()) * (b - b.mean())))

    def answer(one, other, value_range=255.0):
        a, b = (one.astype(float), other.astype(float)) if convert else (one, other)
        c1, c2 = c(value_range)
        first = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
        second = (2 * covariance(a, b) + c2) / (below(a, b) + c2)
        return {"both": first * second, "first": first, "second": second}[parts]

    return answer


def numpy_cov(a, b):
    return np.cov(a.ravel(), b.ravel())[0, 1]


def filtered(make, sigma=lambda s: (0, s, s)):
    return lambda tiles, rebuilt, s: gaussian_filter(make(tiles, rebuilt), sigma(s))


def redrawn_with(pick, finish=lambda d: d):
    def answer(labels, one, other, strips, drawn):
        result = []
        for row in drawn:
            at = pick(strips, row)
            result.append(finish(metrics.auroc(labels[at], one[at]) - metrics.auroc(labels[at], other[at])))
        return np.array(result)

    return answer


def of_all(strips, row):
    return np.concatenate([np.where(strips == s)[0] for s in row])


def not_the_same_exam(labels, one, other, strips, drawn):
    result = []
    for i in range(len(drawn)):
        at, elsewhere = of_all(strips, drawn[i]), of_all(strips, drawn[(i + 1) % len(drawn)])
        result.append(metrics.auroc(labels[at], one[at]) - metrics.auroc(labels[elsewhere], other[elsewhere]))
    return np.array(result)


def averaged_over_strips(labels, one, other, strips, drawn):
    result = np.zeros(len(drawn))
    for i, row in enumerate(drawn):
        gaps = []
        for strip in row:
            mine = strips == strip
            if labels[mine].any() and not labels[mine].all():
                gaps.append(metrics.auroc(labels[mine], one[mine]) - metrics.auroc(labels[mine], other[mine]))
        result[i] = sum(gaps) / len(gaps)
    return result


WRONG = [
    ("07.1", "one side padded", size_with(lambda n, k, s, p: (n + p - k) // s + 1)),
    ("07.1", "padding forgotten", size_with(lambda n, k, s, p: (n - k) // s + 1)),
    ("07.1", "first place forgotten", size_with(lambda n, k, s, p: (n + 2 * p - k) // s)),
    ("07.1", "rounded up", size_with(lambda n, k, s, p: math.ceil((n + 2 * p - k) / s) + 1)),
    ("07.1", "strides only", size_with(lambda n, k, s, p: n // s)),
    ("07.1", "channels forgotten", size_with(right_side, lambda side, end, c: side**2 / end**2)),
    ("07.1", "sides not squared", size_with(right_side, lambda side, end, c: side / (end * c))),
    ("07.1", "upside down", size_with(right_side, lambda side, end, c: end * end * c / (side * side))),
    ("07.2", "wrapped around", ssim_with(lambda a, b: (a * b).mean() - a.mean() * b.mean(), convert=False)),
    ("07.2", "constants forgotten", ssim_with(c=lambda r: (0, 0))),
    ("07.2", "constants not squared", ssim_with(c=lambda r: (0.01 * r, 0.03 * r))),
    ("07.2", "range fixed", ssim_with(c=lambda r: (2.55**2, 7.65**2))),
    ("07.2", "spreads for the covariance", ssim_with(lambda a, b: a.std() * b.std())),
    ("07.2", "deviations below the line", ssim_with(below=lambda a, b: np.std(a) + np.std(b))),
    ("07.2", "divided by n - 1", ssim_with(numpy_cov, lambda a, b: a.var(ddof=1) + b.var(ddof=1))),
    ("07.2", "two kinds of mean", ssim_with(numpy_cov)),
    ("07.2", "means only", ssim_with(parts="first")),
    ("07.2", "structure only", ssim_with(parts="second")),
    ("07.3", "wrapped around", filtered(lambda t, r: np.abs(t - r))),
    ("07.3", "wrapped around", filtered(lambda t, r: abs(r - t) * 0 + np.abs(t - r))),
    ("07.3", "converted too late", filtered(lambda t, r: np.abs((t - r).astype(np.float32)))),
    ("07.3", "cut to whole numbers", filtered(lambda t, r: np.abs(t.astype(np.int16) - r))),
    ("07.3", "across tiles", filtered(lambda t, r: np.abs(t.astype(float) - r), lambda s: s)),
    ("07.3", "smoothed too soon", lambda t, r, s: np.abs(gaussian_filter(t.astype(float) - r, (0, s, s)))),
    ("07.3", "sign left", filtered(lambda t, r: t.astype(float) - r)),
    ("07.3", "squared", filtered(lambda t, r: (t.astype(float) - r) ** 2)),
    ("07.3", "not smoothed", lambda t, r, s: np.abs(t.astype(float) - r.astype(float))),
    ("07.4", "drawn twice, counted once", redrawn_with(lambda strips, row: np.isin(strips, row))),
    ("07.4", "tiles for strips", redrawn_with(lambda strips, row: row)),
    ("07.4", "other minus one", redrawn_with(of_all, lambda d: -d)),
    ("07.4", "sign lost", redrawn_with(of_all, abs)),
    ("07.4", "not redrawn", redrawn_with(lambda strips, row: slice(None))),
    ("07.4", "strip by strip", averaged_over_strips),
    ("07.4", "not paired", not_the_same_exam),
    ("07.5", "upside down", lambda v, n: np.array([(n > x).mean() for x in v.ravel()]).reshape(v.shape)),
    ("07.5", "at least as strange", lambda v, n: np.array([(n >= x).mean() for x in v.ravel()]).reshape(v.shape)),
    ("07.5", "equal counted", lambda v, n: np.array([(n <= x).mean() for x in v.ravel()]).reshape(v.shape)),
    ("07.5", "ranked among themselves", lambda v, n: np.searchsorted(np.sort(v.ravel()), v) / v.size),
    ("07.5", "stretched", lambda v, n: (v - n.min()) / np.ptp(n)),
    ("07.5", "counted, not shared", lambda v, n: (n < v[..., None]).sum(axis=-1)),
    ("07.5", "not sorted", lambda v, n: n.searchsorted(v, "left") / n.size),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_a_typical_wrong_answer_draws_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_made_by_hand_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


# What the notebook writes out is what the modules do.


def test_the_notebook_s_arithmetic_is_that_of_the_autoencoder(solutions: dict):
    net = Autoencoder(code=3, halvings=2, width=4)
    encoder, _ = net.network()
    code = encoder(torch.zeros(1, 1, 64, 64))
    side, ratio = solutions["07.1"](64, [(KERNEL, STRIDE, PADDING)] * 2, 3)
    assert (code.shape[1], code.shape[2]) == (3, side) and ratio == 64**2 / code.numel()


def test_the_notebook_s_ssim_with_a_gaussian_s_weights_is_the_module_s(solutions: dict):
    """The exercise weighs all pixels alike: on windows whose pixels are repeated by weight both agree."""
    one, other = np.random.default_rng(0).integers(0, 256, (2, 21, 21)).astype(float)
    spot = np.zeros((11, 11))
    spot[5, 5] = 1
    counts = np.round(1e4 * gaussian_filter(spot, WINDOW, radius=RADIUS, mode="constant")).astype(int)
    a, b = (np.repeat(image[5:16, 5:16].ravel(), counts.ravel())[None] for image in (one, other))
    expected = ssim_maps(one[None], other[None])[0, 10, 10]
    assert solutions["07.2"](a, b) == pytest.approx(expected, abs=2e-3)


def test_the_notebook_s_error_maps_are_the_module_s(solutions: dict):
    tiles, rebuilt = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 20), np.uint8)
    np.testing.assert_allclose(
        solutions["07.3"](tiles, rebuilt, 2.0), error_maps(tiles, rebuilt, "pixel", 2.0), rtol=1e-4
    )


def test_the_notebook_s_comparison_and_scale_are_the_module_s(solutions: dict):
    rng = np.random.default_rng(0)
    strips = np.repeat(np.arange(6), 5)
    labels, one, other = (strips < 3) & (np.arange(30) % 2 == 0), rng.random(30), rng.random(30)
    drawn = duel.draw_strips(labels, strips, 10)
    expected = duel.paired_differences(metrics.auroc, labels, one, other, strips, drawn)
    np.testing.assert_allclose(solutions["07.4"](labels, one, other, strips, drawn), expected)
    np.testing.assert_allclose(solutions["07.5"](one, other), duel.share_below(one, other), rtol=1e-6)


def test_the_examples_in_the_text_hold(solutions: dict):
    assert solutions["07.1"](8, [(4, 2, 1)], 2) == (4, 2.0)
    assert solutions["07.2"](np.full((2, 2), 100), np.full((2, 2), 150)) == pytest.approx(0.923, abs=5e-4)
    assert solutions["07.5"](np.array([1, 2, 7]), np.array([2, 1, 4, 3])).tolist() == [0, 0.25, 1]
