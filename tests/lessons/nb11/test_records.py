"""Tasks of a fit in blocks are read from its folder, with the process of each and the graph of a tree."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from aitex_utils import PatchCore
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb11.cases import ONE_PROCESS, slow_programs
from aitex_utils.lessons.nb11.faults import damage_block
from aitex_utils.lessons.nb11.records import Task, group_by_worker, read_tasks, task_arrays, task_graph
from aitex_utils.lessons.nb11.reference import split_worker_time


@pytest.fixture(scope="module")
def strips() -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(80, 120, (6, 64, 128), np.uint8))


def fit(strips: list[np.ndarray], folder: Path) -> PatchCore:
    detector = PatchCore(size=64, pooling=3, coreset_ratio=0.05, device="cpu")
    return detector.fit_strips(strips, tile_size=64, block_size=128, fan_in=2, folder=folder)


def test_the_tasks_of_a_fit_are_read_from_its_folder(strips: list[np.ndarray], tmp_path: Path):
    began = time.time()
    fit(strips, tmp_path / "fit")
    ended = time.time()
    tasks = read_tasks(tmp_path / "fit")
    assert {task.name for task in tasks} >= {f"block {i}" for i in range(6)} and len({t.worker for t in tasks}) == 1
    begins, ends = task_arrays(tasks)
    assert (np.diff(ends) >= 0).all() and (ends > begins).all()
    assert began - 1 <= begins.min() and ends.max() <= ended + 1
    assert all(task.bytes > 0 for task in tasks)
    ordered, needs = task_graph(tasks, fan_in=2)
    assert len(ordered) == len(tasks) and [len(n) for n in needs[:6]] == [0] * 6
    for task, before in zip(ordered, needs, strict=True):
        assert all(ordered[other].end <= task.end for other in before)


def test_a_graph_with_a_missing_task_is_refused(strips: list[np.ndarray], tmp_path: Path):
    fit(strips, tmp_path / "fit")
    tasks = [task for task in read_tasks(tmp_path / "fit") if task.name != "merge 1.0"]
    with pytest.raises(InputError, match="lack merge 1.0"):
        task_graph(tasks, fan_in=2)
    with pytest.raises(InputError, match="lack blocks"):
        task_graph([], fan_in=2)


def test_a_damaged_block_is_made_again_with_the_same_result(strips: list[np.ndarray], tmp_path: Path):
    first = fit(strips, tmp_path / "fit")
    before = {task.name: task.end for task in read_tasks(tmp_path / "fit")}
    changed = damage_block(tmp_path / "fit", 2)
    for task in before:  # merges are kept, so the damage would not be read
        if task.startswith("merge"):
            kind, number = task.split()[1].split(".")
            (place,) = (tmp_path / "fit" / "blocks").glob(f"merge-{kind}-{int(number):06d}-*")
            for file in place.iterdir():
                file.unlink()
            place.rmdir()
    again = fit(strips, tmp_path / "fit")
    np.testing.assert_array_equal(first.bank_.vectors_, again.bank_.vectors_)
    after = {task.name: task.end for task in read_tasks(tmp_path / "fit")}
    made_again = {name for name in before if name.startswith("block") and before[name] != after[name]}
    assert made_again == {"block 2"} and changed.parent.name.startswith("block-000002-")


def test_workers_are_in_the_order_of_their_first_task():
    tasks = [Task("block 1", 9, 2.0, 3.0, 1), Task("block 0", 4, 1.0, 2.5, 1), Task("block 2", 9, 3.0, 4.0, 1)]
    groups = group_by_worker(tasks)
    assert list(groups) == [4, 9] and [task.name for task in groups[9]] == ["block 1", "block 2"]


def test_the_slow_programs_are_slow_for_the_stated_reasons():
    programs, walls = slow_programs()
    lost = {}
    for (name, tasks), wall in zip(programs.items(), walls, strict=True):
        begins, ends = task_arrays(tasks)
        moving = np.array([task.seconds * task.name.startswith("move") for task in tasks])
        computing, moved, waiting = split_worker_time(begins, ends, moving, 2, wall)
        assert wall > ONE_PROCESS
        lost[name] = {"before": begins.min(), "moved": moved, "waiting": waiting, "computing": computing}
    assert lost["A"]["before"] == 7 and lost["A"]["moved"] == 0
    assert lost["B"]["moved"] > lost["B"]["computing"] and lost["C"]["moved"] == 0
    longest = max(task.seconds for task in programs["C"])
    assert longest > 0.6 * walls[2] and longest >= 3 * max(task.seconds for task in programs["A"])
    assert {name: values["computing"] for name, values in lost.items()} == dict.fromkeys("ABC", ONE_PROCESS)
