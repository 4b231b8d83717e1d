"""Notebook 02: each typical mistake draws its own hint, and right answers pass in whatever way they are written."""

from __future__ import annotations

import math
from collections.abc import Callable

import lesson_cells as lessons
import numpy as np
import pytest

from aitex_utils.lessons import judge
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.exercises import EXERCISES
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.scoring import max_score, mean_score, reweighted_by_patch_score, reweighted_score, top_fraction_score

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "02.1": "reconstruction_errors",
    "02.2": "unfold",
    "02.3": "nearest",
    "02.4": "image_scores",
    "02.5": "reweighted",
}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, written in two other ways each.


def error_by_loop(points, mean, directions):
    errors = []
    for x in points:
        reconstructed = mean + sum((direction @ (x - mean)) * direction for direction in directions)
        errors.append(math.dist(x, reconstructed))
    return errors


def error_by_projection(points, mean, directions):
    centred = points - mean
    rest = np.eye(len(mean)) - directions.T @ directions  # projects on all other directions
    return np.sqrt(((centred @ rest) ** 2).sum(1))


def unfold_by_loop(feature_map):
    _, height, width = feature_map.shape
    return [[float(v) for v in feature_map[:, h, w]] for h in range(height) for w in range(width)]


def unfold_by_torch(feature_map):
    import torch

    return torch.from_numpy(feature_map).permute(1, 2, 0).flatten(0, 1)


def nearest_by_loop(patches, bank):
    distances, indices = [], []
    for p in patches:
        to_bank = [math.dist(p, m) for m in bank]
        distances.append(min(to_bank))
        indices.append(to_bank.index(min(to_bank)))
    return distances, indices


def nearest_by_product(patches, bank):
    squared = (patches**2).sum(1)[:, None] - 2 * patches @ bank.T + (bank**2).sum(1)
    return np.sqrt(np.clip(squared, 0, None).min(1)), squared.argmin(1)


def scores_by_lists(distances, share):
    ordered = sorted((float(d) for row in distances for d in row), reverse=True)
    top = ordered[: max(1, round(share * len(ordered)))]
    return [ordered[0], sum(ordered) / len(ordered), sum(top) / len(top)]


def scores_by_torch(distances, share):
    import torch

    flat = torch.from_numpy(distances).flatten()
    return flat.max(), flat.mean(), flat.topk(max(1, round(share * len(flat)))).values.mean()


def equation_7_by_lists(patch, bank, b):
    m_star = min(bank, key=lambda m: math.dist(patch, m))
    around = sorted(bank, key=lambda m: math.dist(m_star, m))[:b]
    s = math.dist(patch, m_star)
    return (1 - 1 / sum(math.exp(math.dist(patch, m) - s) for m in around)) * s


def equation_7_by_softmax(patch, bank, b):
    import torch

    p, m = torch.from_numpy(patch), torch.from_numpy(bank)
    s, i = (m - p).norm(dim=1).min(0)
    around = (m - m[i]).norm(dim=1).topk(b, largest=False).indices
    return ((1 - torch.softmax((m[around] - p).norm(dim=1), 0)[0]) * s).item()


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("02.1", error_by_loop),
        ("02.1", error_by_projection),
        ("02.2", unfold_by_loop),
        ("02.2", unfold_by_torch),
        ("02.3", nearest_by_loop),
        ("02.3", nearest_by_product),
        ("02.4", scores_by_lists),
        ("02.4", scores_by_torch),
        ("02.5", equation_7_by_lists),
        ("02.5", equation_7_by_softmax),
    ],
)
def test_right_answers_pass(number: str, answer):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them. The body of a function with the exercise's arguments.

HEADS = {
    "02.1": "points, mean, directions",
    "02.2": "feature_map",
    "02.3": "patches, bank",
    "02.4": "distances, share",
    "02.5": "patch, bank, b",
}
WRONG = {
    "02.1": {
        "mean not subtracted": "return np.sqrt(((points - points @ directions.T @ directions) ** 2).sum(axis=1))",
        "mean not put back": (
            "z = (points - mean) @ directions.T\nreturn np.sqrt(((points - z @ directions) ** 2).sum(1))"
        ),
        "mean added only": (
            "z = points @ directions.T\nreturn np.linalg.norm(points - (z @ directions + mean), axis=1)"
        ),
        "own mean": (
            "mean = points.mean(axis=0)\nz = (points - mean) @ directions.T\n"
            "return np.linalg.norm(points - mean - z @ directions, axis=1)"
        ),
        "first direction only": (
            "d = directions[0]\nz = (points - mean) @ d\nreturn np.linalg.norm(points - mean - z[:, None] * d, axis=1)"
        ),
        "city blocks": (
            "r = (points - mean) @ directions.T @ directions + mean\nreturn np.abs(points - r).sum(axis=1)"
        ),
        "squares": "r = (points - mean) @ directions.T @ directions + mean\nreturn ((points - r) ** 2).sum(1)",
        "mean of squares": "r = (points - mean) @ directions.T @ directions + mean\nreturn ((points - r) ** 2).mean(1)",
        "what was kept": "return np.linalg.norm((points - mean) @ directions.T, axis=1)",
        "one number for all points": (
            "r = (points - mean) @ directions.T @ directions + mean\nreturn np.sqrt(((points - r) ** 2).sum())"
        ),
        "one number per channel": (
            "r = (points - mean) @ directions.T @ directions + mean\nreturn np.linalg.norm(points - r, axis=0)"
        ),
    },
    "02.2": {
        "reshape without transpose": (
            "c, h, w = feature_map.shape\nreturn np.array(feature_map.tolist()).reshape(h * w, c)"
        ),
        "columns first": "c = feature_map.shape[0]\nreturn feature_map.transpose(2, 1, 0).reshape(-1, c)",
        "channels in rows": "return np.stack([channel.ravel() for channel in feature_map])",
        "still a grid": "return np.moveaxis(feature_map, 0, 2)",
    },
    "02.3": {
        "squared distances": "t = ((patches[:, None] - bank[None]) ** 2).sum(-1)\nreturn t.min(1), t.argmin(1)",
        "wrong axis": (
            "t = np.sqrt(((patches[:, None] - bank[None]) ** 2).sum(-1))\nreturn t.min(axis=0), t.argmin(axis=0)"
        ),
        "city blocks": "t = np.linalg.norm(patches[:, None] - bank[None], ord=1, axis=2)\nreturn t.min(1), t.argmin(1)",
        "farthest": "t = np.linalg.norm(patches[:, None] - bank, axis=2)\nreturn t.max(1), t.argmax(1)",
        "the nearest left out": (
            "t = np.linalg.norm(patches[:, None] - bank, axis=2)\nreturn np.sort(t)[:, 1], np.argsort(t)[:, 1]"
        ),
        "one of two": "return np.sqrt(((patches[:, None] - bank[None]) ** 2).sum(axis=2)).min(axis=1)",
        "float indices": "t = np.linalg.norm(patches[:, None] - bank, axis=2)\nreturn t.min(1), t.argmin(1) * 1.0",
        "order of results": "t = np.linalg.norm(patches[:, None] - bank, axis=2)\nreturn t.argmin(1), t.min(1)",
    },
    "02.4": {
        "count of zero": (
            "n = int(share * distances.size)\n"
            "return distances.max(), distances.mean(), np.sort(distances.ravel())[-n:].mean()"
        ),
        "the smallest share": (
            "n = max(1, round(share * distances.size))\n"
            "return distances.max(), distances.mean(), np.mean(sorted(distances.ravel())[:n])"
        ),
        "not sorted": (
            "n = max(1, round(share * distances.size))\n"
            "return distances.max(), distances.mean(), distances.flatten()[-n:].mean()"
        ),
        "count cut off": (
            "n = distances.size * share // 1\nd = np.sort(distances.flatten())[::-1]\n"
            "return d[0], d.mean(), d[: max(int(n), 1)].mean()"
        ),
        "count rounded up": (
            "n = int(np.ceil(share * distances.size))\nd = sorted(distances.ravel(), reverse=True)\n"
            "return max(d), sum(d) / len(d), sum(d[:n]) / n"
        ),
        "above the quantile": (
            "limit = np.quantile(distances, 1 - share)\n"
            "return distances.max(), distances.mean(), np.mean([d for d in distances.ravel() if d >= limit])"
        ),
        "rows counted": (
            "n = max(1, round(len(distances) * share))\n"
            "return distances.max(), distances.mean(), np.sort(distances.ravel())[::-1][:n].mean()"
        ),
        "sorted by row": (
            "n = max(1, round(share * distances.size))\n"
            "return distances.max(), distances.mean(), np.mean(np.sort(distances)[-n:])"
        ),
        "the largest left out": (
            "n = max(1, round(share * distances.size))\nd = np.sort(distances, axis=None)\n"
            "return d[-1], d.mean(), d[-n - 1 : -1].mean()"
        ),
        "one too many": (
            "n = max(1, round(share * distances.size))\nd = np.sort(distances, axis=None)\n"
            "return d[-1], d.mean(), d[-n - 1 :].mean()"
        ),
        "order of scores": (
            "n = max(1, round(share * distances.size))\nd = np.sort(distances, axis=None)\n"
            "return d.mean(), d[-1], d[-n:].mean()"
        ),
        "the threshold": "return np.max(distances), np.mean(distances), np.quantile(distances, 1 - share)",
        "a sum": (
            "n = max(1, round(share * distances.size))\n"
            "return distances.max(), distances.mean(), sum(sorted(distances.ravel())[-n:])"
        ),
        "one score per row": (
            "n = max(1, round(share * distances.shape[1]))\n"
            "return [distances.max(1), distances.mean(1), np.sort(distances)[:, -n:].mean(1)]"
        ),
    },
    "02.5": {
        "overflow": (
            "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
            "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[:b]\n"
            "return (1 - np.exp(d[i]) / np.sum(np.exp(d[n]))) * d[i]"
        ),
        "overflow replaced": (
            "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
            "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[:b]\n"
            "return (1 - np.nan_to_num(np.exp(d[i]) / np.exp(d[n]).sum())) * d[i]"
        ),
        "minus in the exponent": (
            "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
            "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[:b]\n"
            "e = np.exp(-(d[n] - d[n].min()))\nreturn (1 - np.exp(d[n].min() - d[i]) / e.sum()) * d[i]"
        ),
        "neighbours of the patch": (
            "d = np.sort(np.linalg.norm(bank - patch, axis=1))[:b]\nreturn (1 - np.exp(d[0]) / np.exp(d).sum()) * d[0]"
        ),
        "m* left out": (
            "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
            "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[1 : b + 1]\n"
            "return (1 - np.exp(d[i]) / np.exp(d[n]).sum()) * d[i]"
        ),
        "one neighbour too many": (
            "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
            "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[: b + 1]\n"
            "return (1 - 1 / np.exp(d[n] - d[i]).sum()) * d[i]"
        ),
        "the whole bank": (
            "d = np.linalg.norm(bank - patch, axis=1)\ne = np.exp(d - d.max())\n"
            "return (1 - e[d.argmin()] / e.sum()) * d.min()"
        ),
        "squared distances": (
            "d = ((bank - patch) ** 2).sum(axis=1)\ni = d.argmin()\n"
            "n = np.argsort(((bank - bank[i]) ** 2).sum(axis=1))[:b]\n"
            "return (1 - np.exp(d[i]) / np.exp(d[n]).sum()) * d[i]"
        ),
        "not one minus": (
            "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
            "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[:b]\n"
            "return d[i] / np.exp(d[n] - d[i]).sum()"
        ),
        "the factor alone": (
            "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
            "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[:b]\n"
            "return 1 - 1 / np.exp(d[n] - d[i]).sum()"
        ),
        "divided by the factor": (
            "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
            "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[:b]\n"
            "return d[i] / (1 - 1 / np.exp(d[n] - d[i]).sum())"
        ),
        "distances from m*": (
            "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
            "f = np.sort(np.linalg.norm(bank - bank[i], axis=1))[:b]\n"
            "return (1 - np.exp(d[i]) / np.exp(f).sum()) * d[i]"
        ),
    },
}
NEIGHBOURS_OF_M_STAR = (
    "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
    "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[:b]\n"
)
TOP = "n = max(1, round(share * distances.size))\n"
MORE = [  # other ways into the same mistakes
    ("02.2", "columns first", "c, h, w = feature_map.shape\n"
     "return np.array([feature_map[:, i, j] for j in range(w) for i in range(h)])"),
    ("02.2", "columns first", "return np.moveaxis(feature_map.swapaxes(1, 2), 0, -1).reshape(-1, len(feature_map))"),
    ("02.3", "float indices", "t = np.linalg.norm(patches[:, None] - bank, axis=2)\n"
     "indices = np.zeros(len(patches))\nindices[:] = t.argmin(1)\nreturn t.min(1), indices"),
    ("02.4", "sorted by row", TOP + "return distances.max(), distances.mean(), np.sort(distances).ravel()[-n:].mean()"),
    ("02.4", "sorted by row", TOP + "return distances.max(), distances.mean(), np.sort(distances)[:, -n:].mean()"),
    ("02.4", "sorted by row", TOP + "d = distances.copy()\nd.sort(axis=0)\n"
     "return distances.max(), distances.mean(), d.flatten()[-n:].mean()"),
    ("02.4", "sorted by row", TOP + "d = sorted(distances.tolist())\n"
     "return distances.max(), distances.mean(), np.mean(d[-n:])"),
    ("02.4", "order of scores", TOP + "d = np.sort(distances, axis=None)\nreturn d[-n:].mean(), d.mean(), d[-1]"),
    ("02.1", "own mean", "m = points.mean()\nr = (points - m) @ directions.T @ directions + m\n"
     "return np.linalg.norm(points - r, axis=1)"),
    ("02.3", "one of two", "return np.argmin(np.linalg.norm(patches[:, None] - bank, axis=2), axis=1)"),
    ("02.4", "count of zero", "n = round(share * distances.size)\n"
     "return distances.max(), distances.mean(), np.sort(distances, axis=None)[-n:].mean()"),
    ("02.4", "count cut off", "n = max(1, int(share * distances.size))\n"
     "return distances.max(), distances.mean(), np.sort(distances, axis=None)[-n:].mean()"),
    ("02.4", "rows counted", "n = round(len(distances) * share)\n"
     "return distances.max(), distances.mean(), np.sort(distances.ravel())[-n:].mean()"),
    ("02.4", "rows counted", "n = int(len(distances) * share)\n"
     "return distances.max(), distances.mean(), np.sort(distances.ravel())[-n:].mean()"),
    ("02.5", "overflow replaced", NEIGHBOURS_OF_M_STAR +
     "return np.nan_to_num((1 - np.exp(d[i]) / np.exp(d[n]).sum()) * d[i])"),
    ("02.5", "overflow replaced", NEIGHBOURS_OF_M_STAR +
     "e = np.nan_to_num(np.exp(d))\nreturn (1 - e[i] / e[n].sum()) * d[i]"),
    ("02.5", "minus in the exponent", NEIGHBOURS_OF_M_STAR + "return (1 - np.exp(-d[i]) / np.exp(-d[n]).sum()) * d[i]"),
    ("02.5", "minus in the exponent", NEIGHBOURS_OF_M_STAR + "return (1 - np.exp(-d[i]) / np.exp(d[n]).sum()) * d[i]"),
    ("02.5", "minus in the exponent", NEIGHBOURS_OF_M_STAR + "return (1 - np.exp(d[i]) / np.exp(-d[n]).sum()) * d[i]"),
    ("02.4", "the threshold", "return distances.max(), distances.mean(), np.partition(distances.ravel(), -max(1, round("
     "share * distances.size)))[-max(1, round(share * distances.size))]"),
    ("02.5", "neighbours of the patch", "d = np.sort(np.linalg.norm(bank - patch, axis=1))[:b]\n"
     "return (1 - 1 / np.exp(d - d[0]).sum()) * d[0]"),
    ("02.5", "m* left out", "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
     "n = np.argsort(np.linalg.norm(bank - bank[i], axis=1))[1:b]\nreturn (1 - 1 / np.exp(d[n] - d[i]).sum()) * d[i]"),
    ("02.5", "squared distances", "d = ((bank - patch) ** 2).sum(axis=1)\ni = d.argmin()\n"
     "n = np.argsort(((bank - bank[i]) ** 2).sum(axis=1))[:b]\n"
     "return (1 - 1 / np.exp(d[n] - d[i]).sum()) * np.sqrt(d[i])"),
    ("02.5", "distances from m*", "d = np.linalg.norm(bank - patch, axis=1)\ni = d.argmin()\n"
     "f = np.sort(np.linalg.norm(bank - bank[i], axis=1))[:b]\nt = max(d[i], f.max())\n"
     "return (1 - np.exp(d[i] - t) / np.exp(f - t).sum()) * d[i]"),
]  # fmt: skip
CASES = [(number, name, body) for number, bodies in WRONG.items() for name, body in bodies.items()] + MORE


@pytest.mark.parametrize(("number", "name", "body"), CASES, ids=[f"{n} {name}" for n, name, _ in CASES])
def test_a_typical_mistake_draws_its_own_hint(number: str, name: str, body: str):
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    answer = lessons.defined(f"import numpy as np\n\n\ndef answer({HEADS[number]}):\n{lines}\n", "answer")
    verdict = judge(BY_ID[number], answer)
    assert verdict.mistake == name, verdict.message
    hints = {mistake.hint for mistake in BY_ID[number].mistakes if mistake.name == name}
    assert {verdict.message} == hints, "one mistake, one hint"


def test_every_mistake_is_tried_and_no_two_share_a_hint():
    for exercise in EXERCISES:
        assert {mistake.name for mistake in exercise.mistakes} == set(WRONG[exercise.id])
        hints = {mistake.hint for mistake in exercise.mistakes}
        assert len(hints) == len(WRONG[exercise.id]) >= 3
        assert len(exercise.hints) >= 2 and exercise.praise


def test_a_list_of_both_results_and_integer_types_of_any_size_pass():
    def as_list(patches, bank):
        return list(nearest_by_product(patches, bank))

    def as_int32(patches, bank):
        distances, indices = nearest_by_product(patches, bank)
        return distances, indices.astype(np.int32)

    for answer in (as_list, as_int32):
        assert judge(BY_ID["02.3"], answer).passed


# The notebook's definitions against the modules'.


def toy(seed: int, n: int = 30, channels: int = 5) -> tuple[np.ndarray, MemoryBank]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, channels)).astype(np.float32)
    return vectors, MemoryBank().add(vectors)


@pytest.mark.parametrize("seed", range(5))
def test_nearest_is_the_memory_bank_s(seed: int, solutions: dict):
    vectors, bank = toy(seed)
    patches = np.random.default_rng(seed + 100).normal(size=(7, 5)).astype(np.float32)
    distances, indices = solutions["02.3"](patches, vectors)
    expected, expected_indices = bank.search(patches, 1)
    np.testing.assert_allclose(distances, expected[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(indices, expected_indices[:, 0])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("b", [2, 9, 30])
def test_equation_7_is_the_module_s_and_not_its_variant(seed: int, b: int, solutions: dict):
    vectors, bank = toy(seed)
    patch = 3 * np.random.default_rng(seed + 100).normal(size=5).astype(np.float32)
    by_hand = solutions["02.5"](patch, vectors, b)
    assert by_hand == pytest.approx(reweighted_score(patch[None, None], bank, b)[0], rel=1e-4)
    if b == 9:
        assert by_hand != pytest.approx(reweighted_by_patch_score(patch[None, None], bank, b)[0], rel=1e-4)
    assert 1 - 1 / b - 1e-6 <= by_hand / bank.search(patch[None], 1)[0][0, 0] <= 1  # the bound of the notebook


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 1.0])
def test_image_scores_are_the_module_s(share: float, solutions: dict):
    distances = np.random.default_rng(0).gamma(2, size=(1, 12, 9)).astype(np.float32)
    expected = [
        score[0] for score in (max_score(distances), mean_score(distances), top_fraction_score(distances, share))
    ]
    np.testing.assert_allclose(solutions["02.4"](distances[0], share), expected, rtol=1e-5)


def test_unfolding_puts_each_position_in_its_row(solutions: dict):
    feature_map = np.random.default_rng(0).normal(size=(3, 4, 5))
    patches = solutions["02.2"](feature_map)
    assert all(np.array_equal(patches[h * 5 + w], feature_map[:, h, w]) for h in range(4) for w in range(5))


def test_the_course_s_functions_are_the_notebook_s(solutions: dict):
    toy_bank = np.random.default_rng(3).normal(size=(12, 3))
    arguments = {
        "02.1": (toy_bank, toy_bank.mean(axis=0), np.eye(3)[:2]),
        "02.2": (toy_bank.reshape(3, 4, 3),),
        "02.3": (toy_bank[:4] + 0.1, toy_bank),
        "02.4": (np.abs(toy_bank), 0.2),
        "02.5": (toy_bank[0] + 0.1, toy_bank, 5),
    }
    for number, given in arguments.items():
        course = getattr(reference, NAMES[number])(*given)
        for own, other in zip(np.atleast_1d(solutions[number](*given)), np.atleast_1d(course), strict=True):
            np.testing.assert_allclose(own, other)


def test_the_linear_autoencoder_is_scikit_learn_s(solutions: dict):
    from sklearn.decomposition import PCA

    points = np.random.default_rng(0).normal(size=(20, 4)) * [3, 2, 1, 0.5] + 1
    pca = PCA(2).fit(points)
    expected = np.linalg.norm(points - pca.inverse_transform(pca.transform(points)), axis=1)
    np.testing.assert_allclose(solutions["02.1"](points, pca.mean_, pca.components_), expected, rtol=1e-6)
