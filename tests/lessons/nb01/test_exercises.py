"""Notebook 01: wrong answers as a learner types them draw their own hint, and right answers pass."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from pathlib import Path

import lesson_cells as lessons
import numpy as np
import pytest

from aitex_utils import strips, tiling
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb01 import exercises as nb01
from aitex_utils.lessons.nb01 import reference

EXERCISES = {exercise.id: exercise for exercise in nb01.EXERCISES}
NAMES = {
    "01.1": "parse_name",
    "01.2": "union",
    "01.3": "tile_corners",
    "01.4": "label_tiles",
    "01.5": "split_by_strip",
    "01.6": "three_sets",
}


def parse(text: str) -> tuple:
    return tuple(text.split("."))


def loops(swap=False, by_column=False, more=True, step_from="size - overlap", limit="length - size + 1"):
    """Corners by plain loops, with one line changed."""

    def corners(height, width, size, overlap):
        def along(length):
            step = eval(step_from, {"size": size, "overlap": overlap})
            starts = list(range(0, eval(limit, {"length": length, "size": size}), step))
            if more is True and starts[-1] + size < length:
                starts.append(length - size)
            if more == "early" and starts[-1] + size < length:
                starts.append(length - size - 1)
            if more == "always":
                starts.append(length - size)
            return [min(start, length - size) for start in starts] if more == "push" else starts

        pairs = []
        if by_column:
            for column in along(width):
                for row in along(height):
                    pairs.append((row, column))
            return pairs
        for row in along(height):
            for column in along(width):
                pairs.append((column, row) if swap else (row, column))
        return np.array(pairs).reshape(-1, 2)

    return corners


def labels_by_loop(test: Callable) -> Callable:
    def label(mask_tiles, min_share=0.0):
        return [bool(test(m, min_share)) for m in mask_tiles]

    return label


def cut_shuffled_tiles(groups, share, seed):
    order = np.random.default_rng(seed).permutation(len(groups))
    cut = round(share * len(groups))
    return order[:cut], order[cut:]


def cut_tiles_in_order(groups, share, seed):
    cut = int(share * len(groups))
    return np.arange(cut), np.arange(cut, len(groups))


def chosen_strips(groups, share, seed, cut=round):
    names = sorted(set(groups))
    np.random.default_rng(seed).shuffle(names)
    return names[: cut(share * len(names))]


def by_strip(groups, share, seed, cut=round):
    chosen = chosen_strips(groups, share, seed, cut)
    return (
        [i for i, name in enumerate(groups) if name in chosen],
        [i for i, name in enumerate(groups) if name not in chosen],
    )


def everything_tested(groups, share, seed):
    return by_strip(groups, share, seed)[0], list(range(len(groups)))


def names_only(groups, share, seed):
    chosen = chosen_strips(groups, share, seed)
    return chosen, [name for name in sorted(set(groups)) if name not in chosen]


def truth_values(groups, share, seed):
    inside = np.isin(groups, chosen_strips(groups, share, seed))
    return inside, ~inside


def first_in_order(groups, share, seed):
    names = np.unique(groups)
    inside = np.isin(groups, names[: round(share * len(names))])
    return np.where(inside)[0], np.where(~inside)[0]


def one_test_tile(groups, share, seed):
    training, test = by_strip(groups, share, seed)
    return training, [test[0]]


def unseeded(groups, share, seed):
    names = list(set(groups))
    random.shuffle(names)
    chosen = names[: round(share * len(names))]
    return [i for i, n in enumerate(groups) if n in chosen], [i for i, n in enumerate(groups) if n not in chosen]


def old_generator(groups, share, seed):
    np.random.seed(seed)
    names = np.unique(groups)
    chosen = np.random.choice(names, round(share * len(names)), replace=False)
    inside = np.isin(groups, chosen)
    return np.flatnonzero(inside), np.flatnonzero(~inside)


def summed(masks):
    total = np.zeros_like(masks[0])
    for mask in masks:
        total += mask
    return total > 0


def joined_bits(masks):
    bits = np.zeros_like(masks[0])
    for mask in masks:
        bits = bits | mask
    return bits


def overlap_only(masks):
    marked = masks[0] > 0
    for mask in masks[1:]:
        marked = marked & (mask > 0)
    return marked


def last_wins(masks):
    for mask in masks:
        marked = mask > 0
    return marked


def in_place(groups, share, seed):
    """Shuffle as an own statement should, but use its result, which is None."""
    names = np.unique(groups)
    chosen = np.random.default_rng(seed).shuffle(names)
    inside = np.isin(groups, chosen)
    return np.flatnonzero(inside), np.flatnonzero(~inside)


def first_two(masks):
    marked = masks[0] > 0
    if len(masks) > 1:
        marked = marked | (masks[1] > 0)
    return marked


def off_by_one(masks):
    marked = masks[0] > 0
    for i in range(2, len(masks)):
        marked = marked | (masks[i] > 0)
    return marked


def without_the_last(masks):
    marked = np.zeros(masks[0].shape, bool)
    for mask in masks[:-1]:
        marked |= mask > 0
    return marked


def sets(groups, seed, *, order=(0, 1, 2), parts=("rest", "next", "first"), generator=None):
    """Split strips by name into a first quarter, the next quarter and the rest, in a given order."""
    rng = generator or np.random.default_rng(seed)
    names = rng.permutation(np.unique(groups))
    n = len(names) // 4
    chosen = {"first": names[:n], "next": names[n : 2 * n], "rest": names[2 * n :], "all but first": names[n:]}
    chosen |= {"last": names[-n:], "wide": names[n - 1 : 2 * n], "none": names[:0]}
    made = [np.flatnonzero(np.isin(groups, chosen[part])) for part in parts]
    return tuple(made[i] for i in order)


def leaky_test(groups, seed):
    training, calibration, test = reference.three_sets(groups, seed)
    tiles = np.random.default_rng(seed).permutation(np.concatenate([training, test]))
    return tiles[len(test) :], calibration, tiles[: len(test)]


WRONG = [
    ("01.1", "ending kept", lambda n: (n.split("_")[0], n.split("_")[1].zfill(3), n.split("_")[2])),
    ("01.1", "ending kept", lambda n: n.split("_")),
    ("01.1", "ending kept", lambda n: (n[:4], n[5:8], n[9:])),
    ("01.1", "fixed places", lambda n: (n[:4], n[5:8], n[9:11])),
    ("01.1", "fixed places", lambda n: [n[0:4], n[5:8].strip("_").zfill(3), n[9:11]]),
    ("01.1", "fixed places", lambda n: (n[:-11], n[-10:-7], n[-6:-4])),
    ("01.1", "only 00 filled up", lambda n: n[:-4].replace("_00_", "_000_").split("_")),
    ("01.1", "always a zero more", lambda n: [n[:4], "0" + n.split("_")[1], n[-6:-4]]),
    ("01.1", "not padded", lambda n: n[:-4].split("_")),
    ("01.1", "not padded", lambda n: tuple(Path(n).stem.split("_"))),
    ("01.1", "padded at the end", lambda n: [(p + "0" if i == 1 and len(p) == 2 else p) for i, p in
                                             enumerate(n[:-4].split("_"))]),
    ("01.1", "code and fabric swapped", lambda n: (n[:4], n[-6:-4], n[:-4].split("_")[1].zfill(3))),
    ("01.1", "another order", lambda n: reference.parse_name(n)[::-1]),
    ("01.1", "another order", lambda n: [n.split("_")[1].zfill(3), n[:4], n[-6:-4]]),
    ("01.1", "numbers", lambda n: [int(part) for part in n[:-4].split("_")]),
    ("01.2", "integers", lambda masks: (np.stack(masks).max(axis=0) > 0).astype(int)),
    ("01.2", "integers", lambda masks: np.clip(sum(m.astype(int) for m in masks), 0, 1)),
    ("01.2", "integers", lambda masks: np.where(np.stack(masks).any(axis=0), 1.0, 0.0)),
    ("01.2", "a mask missing", first_two),
    ("01.2", "a mask missing", off_by_one),
    ("01.2", "a mask missing", without_the_last),
    ("01.2", "only 255", lambda masks: sum(m == 255 for m in masks) > 0),
    ("01.2", "from half on", lambda masks: (np.stack(masks) >= 128).any(axis=0)),
    ("01.2", "first mask only", lambda masks: masks[0].astype(bool)),
    ("01.2", "last mask only", last_wins),
    ("01.2", "intersection", overlap_only),
    ("01.2", "overflow", summed),
    ("01.2", "grey values, largest", lambda masks: np.maximum.reduce(masks)),
    ("01.2", "grey values, sum", lambda masks: sum(m.astype(int) for m in masks)),
    ("01.2", "grey values, or", lambda masks: joined_bits(masks)),
    ("01.2", "grey values, overflow", lambda masks: sum(masks[1:], masks[0])),
    ("01.2", "clean marked", lambda masks: np.stack(masks).max(axis=0) == 0),
    ("01.3", "axes swapped", loops(swap=True)),
    ("01.3", "height and width swapped", lambda height, width, size, overlap: loops()(width, height, size, overlap)),
    ("01.3", "column by column", loops(by_column=True)),
    ("01.3", "last tile missing", loops(more=False)),
    ("01.3", "range ends too soon", loops(more=False, limit="length - size")),
    ("01.3", "last tile off by one", loops(more="early")),
    ("01.3", "hangs over the edge", loops(more=False, limit="length")),
    ("01.3", "last tile twice", loops(more="always")),
    ("01.3", "pushed back twice", loops(more="push", limit="length")),
    ("01.3", "overlap ignored", loops(step_from="size")),
    ("01.3", "overlap added", loops(step_from="size + overlap")),
    ("01.4", "integers", lambda tiles, s: tiling.tile_labels(tiles, s).astype(int)),
    ("01.4", "integers", lambda tiles, s: [int(m.any() and (m > 0).mean() >= s) for m in tiles]),
    ("01.4", "integers", lambda tiles, s: np.where(tiling.tile_labels(tiles, s), 1.0, 0.0)),
    ("01.4", "share without effect", lambda tiles, s: tiles.any(axis=(1, 2))),
    ("01.4", "everything at zero", labels_by_loop(lambda m, s: np.count_nonzero(m) / m.size >= s)),
    ("01.4", "more than the share", labels_by_loop(lambda m, s: np.count_nonzero(m) / m.size > s)),
    ("01.4", "share without effect", labels_by_loop(lambda m, s: m.max() > 0)),
    ("01.4", "share without effect", labels_by_loop(lambda m, s: np.count_nonzero(m) > s)),
    ("01.4", "grey counted", labels_by_loop(lambda m, s: m.any() and (m / 255).mean() >= s)),
    ("01.4", "grey counted", lambda tiles, s: tiles.mean(axis=(1, 2)) / 255 >= s),
    ("01.4", "grey counted", lambda tiles, s: (tiles / 255).mean(axis=(1, 2)) > s),
    ("01.4", "grey as share", lambda tiles, s: tiles.mean(axis=(1, 2)) >= s),
    ("01.4", "grey as share", lambda tiles, s: tiles.mean(axis=(1, 2)) > s),
    ("01.4", "grey as share", labels_by_loop(lambda m, s: m.any() and m.mean() >= s)),
    ("01.4", "only 255", labels_by_loop(lambda m, s: (m == 255).any() and (m == 255).mean() >= s)),
    ("01.4", "share of all tiles", lambda tiles, s: [m.any() and (m > 0).sum() / tiles.size >= s for m in tiles]),
    ("01.4", "fixed size", labels_by_loop(lambda m, s: m.any() and np.count_nonzero(m) / (256 * 256) >= s)),
    ("01.4", "share of marked pixels",
     lambda tiles, s: (n := np.count_nonzero(tiles, axis=(1, 2))) / n.sum() >= max(s, 1e-9)),
    ("01.4", "labels reversed", labels_by_loop(lambda m, s: not (m.any() and (m > 0).mean() >= s))),
    ("01.5", "strip on both sides", cut_shuffled_tiles),
    ("01.5", "strip on both sides", cut_tiles_in_order),
    ("01.5", "tile on both sides", everything_tested),
    ("01.5", "names of strips", names_only),
    ("01.5", "true and false", truth_values),
    ("01.5", "a level too deep", lambda *case: tuple(np.where(side) for side in truth_values(*case))),
    ("01.5", "a level too deep", lambda *case: [np.argwhere(side) for side in truth_values(*case)]),
    ("01.5", "a side is empty", in_place),
    ("01.5", "a side is empty", lambda groups, share, seed: ([], np.arange(len(groups)))),
    ("01.5", "sides swapped", lambda *case: by_strip(*case)[::-1]),
    ("01.5", "no draw", first_in_order),
    ("01.5", "tiles lost", one_test_tile),
    ("01.5", "number of strips", lambda *case: by_strip(*case, cut=lambda n: int(n) - 1)),
    ("01.5", "number of strips", lambda *case: by_strip(*case, cut=int)),
    ("01.5", "number of strips", lambda *case: by_strip(*case, cut=lambda n: int(np.ceil(n)))),
    ("01.5", "another draw", unseeded),
    ("01.5", "another draw", old_generator),
    ("01.6", "flaw still there", reference.three_sets_flawed),
    ("01.6", "leak into the test", leaky_test),
    ("01.6", "tile in two sets", lambda *case: sets(*case, parts=("all but first", "next", "first"))),
    ("01.6", "number of sets", lambda *case: sets(*case, order=(0, 2))),
    ("01.6", "names of strips", lambda groups, seed: [groups[part] for part in sets(groups, seed)]),
    ("01.6", "true and false", lambda groups, seed: [np.isin(np.arange(len(groups)), p) for p in sets(groups, seed)]),
    ("01.6", "a level too deep", lambda *case: [[part] for part in sets(*case)]),
    ("01.6", "an empty set", lambda *case: sets(*case, parts=("all but first", "none", "first"))),
    ("01.6", "tiles lost", lambda *case: tuple(part[:-1] for part in sets(*case))),
    ("01.6", "calibration and test swapped", lambda *case: sets(*case, order=(0, 2, 1))),
    ("01.6", "training and test swapped", lambda *case: sets(*case, order=(2, 1, 0))),
    ("01.6", "another draw", lambda *case: sets(*case, generator=np.random.default_rng(99))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "mistake", "wrong"), WRONG, ids=[f"{w[0]} {w[1]}" for w in WRONG])
def test_each_wrong_answer_draws_its_own_hint(name: str, mistake: str, wrong: Callable):
    verdict = judge(EXERCISES[name], wrong)
    assert verdict.mistake == mistake, verdict
    assert verdict.message == next(m.hint for m in EXERCISES[name].mistakes if m.name == mistake)


def test_every_mistake_is_tried():
    tried = {(name, mistake) for name, mistake, _ in WRONG}
    assert tried == {(e.id, m.name) for e in nb01.EXERCISES for m in e.mistakes}


def corners_with_numpy(height, width, size, overlap):
    step = size - overlap
    rows, columns = (
        np.append(np.arange(0, length - size, step), length - size).astype(int) for length in (height, width)
    )
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)


def union_by_loop(masks):
    marked = np.zeros(masks[0].shape, bool)
    for mask in masks:
        marked |= mask > 0
    return marked


def union_with_torch(masks):
    import torch

    return torch.stack([torch.from_numpy(m) for m in masks]).amax(0) > 0


def parse_with_module(name):
    parts = strips.NAME.match(Path(name).stem)
    return parts["number"], parts["code"].zfill(3), parts["fabric"]


def split_with_numpy(groups, share, seed):
    names, which = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    inside = np.isin(which, order[: round(share * len(names))])
    return np.where(inside)[0], np.where(~inside)[0]


RIGHT = [
    ("01.1", parse_with_module),
    ("01.1", lambda name: [name[:4], name[5:-7].rjust(3, "0"), name[-6:-4]]),
    ("01.2", union_by_loop),
    ("01.2", union_with_torch),
    ("01.2", lambda masks: (np.stack(masks).max(axis=0) > 0).tolist()),
    ("01.3", loops()),
    ("01.3", corners_with_numpy),
    ("01.3", lambda h, w, size, overlap: tiling.tile(np.zeros((h, w)), size, overlap)[1]),
    ("01.4", tiling.tile_labels),
    ("01.4", labels_by_loop(lambda m, s: m.any() and (m > 0).mean() >= s)),
    ("01.5", by_strip),
    ("01.5", split_with_numpy),
    ("01.5", lambda *case: [by_strip(*case)[0][::-1], by_strip(*case)[1]]),
    ("01.6", sets),
    ("01.6", lambda *case: [part.tolist() for part in sets(*case)]),
]


@pytest.mark.parametrize(("name", "right"), RIGHT, ids=[f"{name} {i}" for i, (name, _) in enumerate(RIGHT)])
def test_right_answers_pass_in_whatever_way_they_are_written(name: str, right: Callable):
    verdict = judge(EXERCISES[name], right)
    assert verdict.passed and verdict.message == EXERCISES[name].praise, verdict


def test_the_notebook_s_functions_agree_with_the_modules():
    """Compare them on many more cases than the check tries."""
    solutions = lessons.functions(lessons.builder.solved, NAMES)
    rng = np.random.default_rng(0)
    for _ in range(200):
        size = int(rng.integers(1, 9))
        height, width = (int(n) for n in rng.integers(size, 40, 2))
        overlap = int(rng.integers(0, size))
        corners = tiling.tile(np.zeros((height, width)), size, overlap)[1]
        assert np.array_equal(solutions["01.3"](height, width, size, overlap), corners)
        masks = (rng.random((6, 5, 4)) < rng.choice([0.05, 0.3])) * rng.integers(1, 256, (6, 5, 4))
        share = float(rng.choice([0, 0.05, 0.1, 0.35]))
        assert np.array_equal(solutions["01.4"](masks, share), tiling.tile_labels(masks, share))
    for name in ("0094_027_05", "0018_00_01", "0001_000_02"):
        parts = strips.NAME.match(name)
        assert solutions["01.1"](f"{name}.png") == (parts["number"], parts["code"].rjust(3, "0"), parts["fabric"])


def test_the_references_agree_with_the_notebook_and_have_the_same_arguments():
    solutions = lessons.functions(lessons.builder.solved, NAMES)
    for name, solution in solutions.items():
        course = getattr(reference, NAMES[name])
        assert list(inspect.signature(course).parameters) == list(inspect.signature(solution).parameters)
        assert EXERCISES[name].reference is course
        assert judge(EXERCISES[name], solution).passed and judge(EXERCISES[name], course).passed


def test_the_program_in_the_notebook_is_the_flawed_reference():
    cells = lessons.builder.solved(lessons.source_of("01")).cells
    (program,) = (c.source.split("```python\n")[1].split("```")[0] for c in cells if "```python\n" in c.source)
    shown = lessons.defined(program, "three_sets", {"np": np})
    groups = np.repeat(list("abcdefgh"), 9)
    for seed in range(5):
        pairs = zip(shown(groups, seed), reference.three_sets_flawed(groups, seed), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)
        training, calibration, test = shown(groups, seed)
        assert np.isin(groups[calibration], groups[training]).any()
        assert not np.isin(groups[test], groups[np.concatenate([training, calibration])]).any()


@pytest.mark.parametrize("exercise", nb01.EXERCISES, ids=lambda e: e.id)
def test_an_exercise_is_complete(exercise):
    assert len(exercise.mistakes) >= 3 and 2 <= len(exercise.hints) <= 3 and exercise.praise.endswith(".")
    hints = [m.hint for m in exercise.mistakes]
    assert len(set(hints)) == len(hints)
