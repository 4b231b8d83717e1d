"""Exercises of notebook 09: right answers pass in any form, and each typical wrong answer gets its own hint."""

from __future__ import annotations

import math
from collections.abc import Callable

import lesson_cells as lessons
import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion, gaussian_filter
from sklearn.decomposition import PCA

from aitex_utils import metrics
from aitex_utils.baselines.autoencoder import KERNEL, PADDING, STRIDE, Autoencoder
from aitex_utils.baselines.ssim import SIGMA, TAPS, error_maps, ssim_maps
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb09.edges import error_by_distance
from aitex_utils.lessons.nb09.exercises import EXERCISES
from aitex_utils.lessons.nb09.pca import pca_residuals
from aitex_utils.lessons.nb09.percentile_rank import percentile_rank
from aitex_utils.lessons.nb09.resampling import resample_strips
from aitex_utils.lessons.nb09.training import random_crops, reconstruct

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "09.1": "latent_size",
    "09.2": "ssim",
    "09.3": "smoothed_errors",
    "09.4": "paired_differences",
    "09.5": "share_of_normal_below",
    "09.6": "error_by_distance",
    "09.7": "train",
    "09.8": "pca_residuals",
}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, each written in two other ways.


def size_by_sliding(side, layers, latent_channels):
    end = side
    for kernel, stride, padding in layers:
        row = range(end + 2 * padding)
        end = len([start for start in row if start % stride == 0 and start + kernel <= len(row)])
    return [end, side * side / (end * end * latent_channels)]


def size_by_torch(side, layers, latent_channels):
    x = torch.zeros(1, 1, side, side)
    for kernel, stride, padding in layers:
        x = torch.nn.Conv2d(1, 1, kernel, stride, padding)(x)
    return x.shape[-1], side**2 / (x.numel() * latent_channels)


def ssim_by_cov(window_a, window_b, value_range=255.0):
    (aa, ab), (_, bb) = np.cov(window_a.ravel().astype(float), window_b.ravel().astype(float), bias=True)
    ma, mb = window_a.mean(), window_b.mean()
    c1, c2 = (value_range / 100) ** 2, (3 * value_range / 100) ** 2
    return (2 * ma * mb + c1) * (2 * ab + c2) / ((ma**2 + mb**2 + c1) * (aa + bb + c2))


def ssim_in_python(window_a, window_b, value_range=255.0):
    a, b = (np.ravel(window).tolist() for window in (window_a, window_b))
    n = len(a)
    ma, mb = sum(a) / n, sum(b) / n
    va, vb = sum(x * x for x in a) / n - ma * ma, sum(x * x for x in b) / n - mb * mb
    c = sum(x * y for x, y in zip(a, b, strict=True)) / n - ma * mb
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    return (2 * ma * mb + c1) / (ma * ma + mb * mb + c1) * (2 * c + c2) / (va + vb + c2)


def errors_tile_by_tile(tiles, reconstructed, sigma):
    pairs = zip(tiles, reconstructed, strict=True)
    return np.stack([gaussian_filter(np.abs(t.astype(np.float32) - r), sigma) for t, r in pairs])


def errors_by_larger(tiles, reconstructed, sigma):
    errors = np.where(tiles > reconstructed, tiles - reconstructed, reconstructed - tiles).astype(float)
    return gaussian_filter(errors, [0, sigma, sigma])


def differences_by_counts(labels, scores_a, scores_b, groups, resamples):
    values = []
    for strips in resamples:
        rows = np.repeat(np.arange(len(groups)), [(strips == group).sum() for group in groups])
        values.append(metrics.auroc(labels[rows], scores_a[rows]) - metrics.auroc(labels[rows], scores_b[rows]))
    return values


def differences_by_pairs(labels, scores_a, scores_b, groups, resamples):
    def area(s, y):
        difference = s[y][:, None] - s[~y][None]
        return (difference > 0).mean() + (difference == 0).mean() / 2

    values = np.zeros(len(resamples))
    for i, strips in enumerate(resamples):
        rows = [n for strip in strips for n in range(len(groups)) if groups[n] == strip]
        y = np.asarray(labels)[rows].astype(bool)
        values[i] = area(scores_a[rows], y) - area(scores_b[rows], y)
    return values


def share_by_comparing(values, normal):
    return (np.asarray(values)[..., None] > normal).mean(axis=-1)


def share_by_bisect(values, normal):
    from bisect import bisect_left

    ordered = sorted(normal.tolist())
    return np.vectorize(lambda v: bisect_left(ordered, v) / len(ordered))(values)


def profile_by_erosion(errors, width):
    values, ring = [], np.ones(errors.shape[-2:], bool)
    for _ in range(width):
        inner = binary_erosion(ring)
        values.append(errors[:, ring & ~inner].mean())
        ring = inner
    return np.array(values)


def profile_by_slices(errors, width):
    values = []
    for d in range(width):
        outer = errors[:, d : errors.shape[1] - d, d : errors.shape[2] - d]
        total, count = outer.sum(), outer.size
        inner = outer[:, 1:-1, 1:-1]
        values.append((total - inner.sum()) / (count - inner.size))
    return np.asarray(values)


def train_with_autograd(encoder, decoder, optimizer, batches, after_step):
    [network.train() for network in (encoder, decoder)]
    losses = []
    for x in batches:
        optimizer.zero_grad(set_to_none=False)
        loss = ((decoder(encoder(x)) - x) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
        after_step(losses)
    [network.eval() for network in (encoder, decoder)]
    return losses


def train_cleared_after_the_step(encoder, decoder, optimizer, batches, after_step):
    network, losses = torch.nn.Sequential(encoder, decoder).train(), []
    for x in batches:
        loss = torch.nn.functional.mse_loss(network(x), x)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses += [loss.detach().numpy().item()]
        after_step(losses)
    network.eval()
    return losses


def pca_by_sklearn(patches, normal, k):
    pca = PCA(k).fit(normal)
    return np.linalg.norm(patches - pca.inverse_transform(pca.transform(patches)), axis=-1)


def pca_by_the_rest(patches, normal, k):
    directions = np.linalg.eigh(np.cov((normal - normal.mean(0)).T))[1][:, : normal.shape[1] - k]
    return np.sqrt((((patches - normal.mean(0)) @ directions) ** 2).sum(1))


RIGHT = {
    "09.1": (size_by_sliding, size_by_torch),
    "09.2": (ssim_by_cov, ssim_in_python),
    "09.3": (errors_tile_by_tile, errors_by_larger),
    "09.4": (differences_by_counts, differences_by_pairs),
    "09.5": (share_by_comparing, share_by_bisect),
    "09.6": (profile_by_erosion, profile_by_slices),
    "09.7": (train_with_autograd, train_cleared_after_the_step),
    "09.8": (pca_by_sklearn, pca_by_the_rest),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_right_answer_passes_in_any_form(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def size_with(update, ratio=lambda side, end, channels: side * side / (end * end * channels)):
    def answer(side, layers, latent_channels):
        end = side
        for k, s, p in layers:
            end = update(end, k, s, p)
        return end, ratio(side, end, latent_channels)

    return answer


def right_side(n, k, s, p):
    return math.floor((n + 2 * p - k) / s) + 1


def ssim_with(
    covariance=None,
    variances=lambda a, b: a.var() + b.var(),
    c=lambda r: ((0.01 * r) ** 2, (0.03 * r) ** 2),
    parts="both",
    convert=True,
):
    covariance = covariance or (lambda a, b: np.mean((a - a.mean()) * (b - b.mean())))

    def answer(window_a, window_b, value_range=255.0):
        a, b = (window_a.astype(float), window_b.astype(float)) if convert else (window_a, window_b)
        c1, c2 = c(value_range)
        first = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
        second = (2 * covariance(a, b) + c2) / (variances(a, b) + c2)
        return {"both": first * second, "first": first, "second": second}[parts]

    return answer


def numpy_cov(a, b):
    return np.cov(a.ravel(), b.ravel())[0, 1]


def filtered(make_errors, sigma=lambda s: (0, s, s)):
    return lambda tiles, reconstructed, s: gaussian_filter(make_errors(tiles, reconstructed), sigma(s))


def differences_with(choose_rows, finish=lambda d: d):
    def answer(labels, scores_a, scores_b, groups, resamples):
        values = []
        for strips in resamples:
            rows = choose_rows(groups, strips)
            difference = metrics.auroc(labels[rows], scores_a[rows]) - metrics.auroc(labels[rows], scores_b[rows])
            values.append(finish(difference))
        return np.array(values)

    return answer


def all_rows(groups, strips):
    return np.concatenate([np.where(groups == s)[0] for s in strips])


def differences_unpaired(labels, scores_a, scores_b, groups, resamples):
    values = []
    for i in range(len(resamples)):
        a, b = all_rows(groups, resamples[i]), all_rows(groups, resamples[(i + 1) % len(resamples)])
        values.append(metrics.auroc(labels[a], scores_a[a]) - metrics.auroc(labels[b], scores_b[b]))
    return np.array(values)


def differences_averaged_over_strips(labels, scores_a, scores_b, groups, resamples):
    values = np.zeros(len(resamples))
    for i, strips in enumerate(resamples):
        by_strip = []
        for strip in strips:
            own = groups == strip
            if labels[own].any() and not labels[own].all():
                by_strip.append(metrics.auroc(labels[own], scores_a[own]) - metrics.auroc(labels[own], scores_b[own]))
        values[i] = sum(by_strip) / len(by_strip)
    return values


def profile_with(distances, finish=np.mean):
    def answer(errors, width):
        rows, columns = np.indices(errors.shape[1:])
        of_pixels = distances(rows, columns, errors.shape[1] - 1)
        return np.array([finish(errors[:, of_pixels == d]) for d in range(width)])

    return answer


def nearest(rows, columns, last):
    return np.minimum(np.minimum(rows, last - rows), np.minimum(columns, last - columns))


def profile_of_frames(errors, width):
    of_pixels = nearest(*np.indices(errors.shape[1:]), errors.shape[1] - 1)
    return np.array([errors[:, of_pixels <= d].mean() for d in range(width)])


def profile_of_insides(errors, width):
    return np.array([errors[:, d : errors.shape[1] - d, d : errors.shape[2] - d].mean() for d in range(width)])


def profile_per_tile(errors, width):
    of_pixels = nearest(*np.indices(errors.shape[1:]), errors.shape[1] - 1)
    return np.array([[tile[of_pixels == d].mean() for d in range(width)] for tile in errors])


def trained(
    lines, before="encoder.train(), decoder.train()", after="encoder.eval(), decoder.eval()", keep="loss.item()"
):
    """Return a loop that a learner might type: `lines` of a step, with what comes before and after the loop."""
    source = ["def train(encoder, decoder, optimizer, batches, after_step):", f"    {before}", "    losses = []"]
    source += ["    for crops in batches:", *(f"        {line}" for line in lines.replace("KEEP", keep).split(" | "))]
    source += [f"    {after}", "    return losses"]
    namespace = {"F": torch.nn.functional, "torch": torch}
    exec("\n".join(source), namespace)
    return namespace["train"]


LOSS = "loss = F.mse_loss(decoder(encoder(crops)), crops) | "
KEPT = " | losses.append(KEEP) | after_step(losses)"
STEP = f"{LOSS}optimizer.zero_grad() | loss.backward() | optimizer.step()"


def pca_with(
    mean=lambda p, n: n.mean(axis=0),
    data=lambda p, n: n,
    choose=lambda vectors, k: vectors[:, -k:].T,
    finish=lambda lost: np.linalg.norm(lost, axis=1),
):
    def answer(patches, normal, k):
        vectors = np.linalg.eigh(np.cov(data(patches, normal).T))[1]
        directions, centred = choose(vectors, k), patches - mean(patches, normal)
        return finish(centred - centred @ directions.T @ directions)

    return answer


def pca_without_mean(patches, normal, k):
    directions = np.linalg.svd(normal)[2][:k]
    return np.linalg.norm(patches - patches @ directions.T @ directions, axis=1)


def pca_code_length(patches, normal, k):
    return np.linalg.norm(PCA(k).fit(normal).transform(patches), axis=1)


WRONG = [
    ("09.1", "one side padded", size_with(lambda n, k, s, p: (n + p - k) // s + 1)),
    ("09.1", "padding forgotten", size_with(lambda n, k, s, p: (n - k) // s + 1)),
    ("09.1", "first place forgotten", size_with(lambda n, k, s, p: (n + 2 * p - k) // s)),
    ("09.1", "rounded up", size_with(lambda n, k, s, p: math.ceil((n + 2 * p - k) / s) + 1)),
    ("09.1", "strides only", size_with(lambda n, k, s, p: n // s)),
    ("09.1", "channels forgotten", size_with(right_side, lambda side, end, c: side**2 / end**2)),
    ("09.1", "sides not squared", size_with(right_side, lambda side, end, c: side / (end * c))),
    ("09.1", "upside down", size_with(right_side, lambda side, end, c: end * end * c / (side * side))),
    ("09.2", "wrapped around", ssim_with(lambda a, b: (a * b).mean() - a.mean() * b.mean(), convert=False)),
    ("09.2", "constants forgotten", ssim_with(c=lambda r: (0, 0))),
    ("09.2", "constants not squared", ssim_with(c=lambda r: (0.01 * r, 0.03 * r))),
    ("09.2", "range fixed", ssim_with(c=lambda r: (2.55**2, 7.65**2))),
    ("09.2", "spreads for the covariance", ssim_with(lambda a, b: a.std() * b.std())),
    ("09.2", "deviations below the line", ssim_with(variances=lambda a, b: np.std(a) + np.std(b))),
    ("09.2", "divided by n - 1", ssim_with(numpy_cov, lambda a, b: a.var(ddof=1) + b.var(ddof=1))),
    ("09.2", "two kinds of mean", ssim_with(numpy_cov)),
    ("09.2", "means only", ssim_with(parts="first")),
    ("09.2", "structure only", ssim_with(parts="second")),
    ("09.3", "wrapped around", filtered(lambda t, r: np.abs(t - r))),
    ("09.3", "wrapped around", filtered(lambda t, r: abs(r - t) * 0 + np.abs(t - r))),
    ("09.3", "converted too late", filtered(lambda t, r: np.abs((t - r).astype(np.float32)))),
    ("09.3", "cut to whole numbers", filtered(lambda t, r: np.abs(t.astype(np.int16) - r))),
    ("09.3", "across tiles", filtered(lambda t, r: np.abs(t.astype(float) - r), lambda s: s)),
    ("09.3", "smoothed too soon", lambda t, r, s: np.abs(gaussian_filter(t.astype(float) - r, (0, s, s)))),
    ("09.3", "sign left", filtered(lambda t, r: t.astype(float) - r)),
    ("09.3", "squared", filtered(lambda t, r: (t.astype(float) - r) ** 2)),
    ("09.3", "not smoothed", lambda t, r, s: np.abs(t.astype(float) - r.astype(float))),
    ("09.4", "drawn twice, counted once", differences_with(lambda groups, strips: np.isin(groups, strips))),
    ("09.4", "tiles for strips", differences_with(lambda groups, strips: strips)),
    ("09.4", "other minus one", differences_with(all_rows, lambda d: -d)),
    ("09.4", "sign lost", differences_with(all_rows, abs)),
    ("09.4", "not resampled", differences_with(lambda groups, strips: slice(None))),
    ("09.4", "strip by strip", differences_averaged_over_strips),
    ("09.4", "not paired", differences_unpaired),
    ("09.5", "upside down", lambda v, n: np.array([(n > x).mean() for x in v.ravel()]).reshape(v.shape)),
    ("09.5", "at least as anomalous", lambda v, n: np.array([(n >= x).mean() for x in v.ravel()]).reshape(v.shape)),
    ("09.5", "equal counted", lambda v, n: np.array([(n <= x).mean() for x in v.ravel()]).reshape(v.shape)),
    ("09.5", "ranked among themselves", lambda v, n: np.searchsorted(np.sort(v.ravel()), v) / v.size),
    ("09.5", "stretched", lambda v, n: (v - n.min()) / np.ptp(n)),
    ("09.5", "counted, not shared", lambda v, n: (n < v[..., None]).sum(axis=-1)),
    ("09.5", "not sorted", lambda v, n: n.searchsorted(v, "left") / n.size),
    ("09.6", "first edge only", profile_with(lambda r, c, last: np.minimum(r, c))),
    ("09.6", "left and right only", profile_with(lambda r, c, last: np.minimum(c, last - c))),
    ("09.6", "top and bottom only", profile_with(lambda r, c, last: np.minimum(r, last - r))),
    (
        "09.6",
        "distances added",
        profile_with(lambda r, c, last: np.minimum(r, last - r) + np.minimum(c, last - c)),
    ),
    ("09.6", "counted from the centre", profile_with(lambda r, c, last: last // 2 - nearest(r, c, last))),
    ("09.6", "counted from 1", profile_with(lambda r, c, last: nearest(r, c, last) - 1)),
    ("09.6", "whole frames", profile_of_frames),
    ("09.6", "all further inside", profile_of_insides),
    ("09.6", "sums", profile_with(nearest, np.sum)),
    ("09.6", "largest", profile_with(nearest, np.max)),
    ("09.6", "one row per tile", profile_per_tile),
    ("09.7", "gradients added up", trained(f"{LOSS}loss.backward() | optimizer.step(){KEPT}")),
    ("09.7", "weights never change", trained(f"{LOSS}loss.backward(){KEPT}")),
    (
        "09.7",
        "weights never change",
        trained(f"{LOSS}loss.backward() | optimizer.zero_grad() | optimizer.step(){KEPT}"),
    ),
    (
        "09.7",
        "weights never change",
        trained(f"{LOSS}optimizer.zero_grad() | optimizer.step() | loss.backward(){KEPT}"),
    ),
    ("09.7", "both left in training mode", trained(STEP + KEPT, after="pass")),
    ("09.7", "decoder left in training mode", trained(STEP + KEPT, after="encoder.eval()")),
    ("09.7", "encoder left in training mode", trained(STEP + KEPT, after="decoder.eval()")),
    ("09.7", "trained in evaluation mode", trained(STEP + KEPT, before="pass")),
    ("09.7", "errors added", trained(STEP.replace("crops) |", "crops, reduction='sum') |") + KEPT)),
    ("09.7", "absolute errors", trained(STEP.replace("mse_loss", "l1_loss") + KEPT)),
    (
        "09.7",
        "compared with a grey image",
        trained(STEP.replace("(crops)), crops)", "(crops)), torch.zeros_like(crops))") + KEPT),
    ),
    ("09.7", "tensors kept", trained(STEP + KEPT, keep="loss")),
    ("09.7", "tensors kept", trained(STEP + KEPT, keep="loss.detach()")),
    ("09.7", "no report", trained(STEP + " | losses.append(KEEP)")),
    (
        "09.7",
        "reported once",
        trained(STEP + " | losses.append(KEEP)", after="encoder.eval(), decoder.eval(), after_step(losses)"),
    ),
    ("09.7", "reported too early", trained(STEP + " | after_step(losses) | losses.append(KEEP)")),
    ("09.8", "mean not subtracted", pca_without_mean),
    ("09.8", "mean of the test", pca_with(mean=lambda p, n: p.mean(0))),
    ("09.8", "fitted on the test", pca_with(data=lambda p, n: p)),
    ("09.8", "smallest variance kept", pca_with(choose=lambda vectors, k: vectors[:, :k].T)),
    ("09.8", "rows for columns", pca_with(choose=lambda vectors, k: vectors[-k:])),
    ("09.8", "one direction too many", pca_with(choose=lambda vectors, k: vectors[:, -k - 1 :].T)),
    ("09.8", "squared", pca_with(finish=lambda lost: (lost**2).sum(axis=1))),
    ("09.8", "inside the subspace", pca_code_length),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_typical_wrong_answer_gets_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_tried_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


# The functions of the notebook agree with the package.


def test_latent_size_is_that_of_the_autoencoder(solutions: dict):
    encoder, _ = Autoencoder(latent_channels=3, depth=2, width=4).make_network()
    code = encoder(torch.zeros(1, 1, 64, 64))
    side, ratio = solutions["09.1"](64, [(KERNEL, STRIDE, PADDING)] * 2, 3)
    assert (code.shape[1], code.shape[2]) == (3, side) and ratio == 64**2 / code.numel()


def test_ssim_is_that_of_the_module_on_pixels_repeated_by_weight(solutions: dict):
    """The exercise weighs all pixels alike, the module by a Gaussian: repeating pixels by weight makes them equal."""
    image_a, image_b = np.random.default_rng(0).integers(0, 256, (2, 21, 21)).astype(float)
    radius = TAPS // 2
    impulse = np.zeros((TAPS, TAPS))
    impulse[radius, radius] = 1
    counts = np.round(1e4 * gaussian_filter(impulse, SIGMA, radius=radius, mode="constant")).astype(int)
    window = np.s_[10 - radius : 11 + radius, 10 - radius : 11 + radius]
    a, b = (np.repeat(image[window].ravel(), counts.ravel())[None] for image in (image_a, image_b))
    expected = ssim_maps(image_a[None], image_b[None])[0, 10, 10]
    assert solutions["09.2"](a, b) == pytest.approx(expected, abs=2e-3)


def test_error_maps_are_those_of_the_module(solutions: dict):
    tiles, reconstructed = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 20), np.uint8)
    expected = error_maps(tiles, reconstructed, "pixel", 2.0)
    np.testing.assert_allclose(solutions["09.3"](tiles, reconstructed, 2.0), expected, rtol=1e-4)


def test_paired_differences_are_those_of_the_module(solutions: dict):
    scores_a, scores_b = np.random.default_rng(0).random((2, 30))
    groups = np.repeat(np.arange(6), 5)
    labels = (groups < 3) & (np.arange(30) % 2 == 0)
    resamples = resample_strips(labels, groups, 10)
    expected = metrics.paired_bootstrap(metrics.auroc, labels, scores_a, scores_b, groups, n_resamples=10)
    np.testing.assert_allclose(solutions["09.4"](labels, scores_a, scores_b, groups, resamples), expected)


def test_percentile_rank_is_that_of_the_module(solutions: dict):
    values, normal = np.random.default_rng(0).integers(0, 20, (2, 5, 6)).astype(float)
    np.testing.assert_allclose(
        solutions["09.5"](values, normal.ravel()), percentile_rank(values, normal.ravel()), rtol=1e-6
    )


def test_error_by_distance_is_that_of_the_module(solutions: dict):
    errors = np.random.default_rng(0).random((3, 20, 20))
    np.testing.assert_allclose(solutions["09.6"](errors, 6), error_by_distance(errors, 6))


def test_the_loop_trains_the_autoencoder_of_the_module(solutions: dict):
    tiles = np.random.default_rng(0).integers(0, 256, (3, 40, 40), np.uint8)
    encoder, decoder = Autoencoder(width=4, depth=2).make_network()
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=5e-3)
    seen: list[int] = []
    batches = random_crops(tiles, 40, batch_size=4, size=16)
    losses = solutions["09.7"](encoder, decoder, adam, batches, lambda losses: seen.append(len(losses)))
    assert len(losses) == 40 and seen == list(range(1, 41)) and not encoder.training and not decoder.training
    assert np.mean(losses[-10:]) < 0.95 * np.mean(losses[:3])
    assert reconstruct(encoder, decoder, tiles, tiles).shape == tiles.shape


def test_pca_residuals_are_those_of_the_module(solutions: dict):
    normal, patches = np.random.default_rng(0).normal(size=(2, 30, 6)) * np.arange(1, 7)
    np.testing.assert_allclose(solutions["09.8"](patches, normal, 3), pca_residuals(patches, normal, 3))


@pytest.mark.parametrize(
    ("number", "answer", "part"),
    [
        ("09.1", lambda side, layers, c: tuple(map(float, size_by_torch(side, layers, c))), "integer"),
        ("09.3", lambda t, r, s: errors_tile_by_tile(t, r, s).tolist(), "array"),
        ("09.5", lambda v, n: share_by_comparing(v, n).tolist(), "array"),
        ("09.6", lambda e, w: profile_by_slices(e, w).tolist(), "array"),
        ("09.7", lambda *given: tuple(train_with_autograd(*given)), "list"),
        ("09.8", lambda p, n, k: pca_by_sklearn(p, n, k).tolist(), "array"),
    ],
)
def test_the_right_value_of_another_kind_is_refused(number: str, answer: Callable, part: str):
    verdict = judge(BY_ID[number], answer)
    assert not verdict.passed and part in verdict.message, verdict.message


def test_the_examples_in_the_text_hold(solutions: dict):
    assert solutions["09.6"](np.array([[[8, 8, 8], [8, 1, 8], [8, 8, 8]]]), 2).tolist() == [8, 1]
    np.testing.assert_allclose(
        solutions["09.8"](np.array([[9.0, 0], [1, 3]]), np.array([[0.0, 0], [1, 0], [2, 0]]), 1), [0, 3], atol=1e-9
    )
    assert solutions["09.1"](8, [(4, 2, 1)], 2) == (4, 2.0)
    assert solutions["09.2"](np.full((2, 2), 100), np.full((2, 2), 150)) == pytest.approx(0.923, abs=5e-4)
    assert solutions["09.5"](np.array([1, 2, 7]), np.array([2, 1, 4, 3])).tolist() == [0, 0.25, 1]
