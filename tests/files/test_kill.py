"""Whatever moment a process is killed at: nothing is lost or half-written, and the next write removes what is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from killing import exit_code, killed_at_each_step, killed_at_random, needs_fork, start
from tqdm.auto import tqdm

from aitex_utils.commands import demo
from aitex_utils.commands.protocol_c import ScoredStrip
from aitex_utils.files.atomic_write import settle
from aitex_utils.files.persistence import read_folder, write_folder
from aitex_utils.lessons.cache import cached, clear_cache
from aitex_utils.patchcore import StripResult
from aitex_utils.practice import generate
from aitex_utils.practice.generate import make_practice_fabric, practice_is_there
from aitex_utils.strips import Strip

pytestmark = [needs_fork, pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")]
Killing = Callable[[Callable[[], object]], Iterator[int]]
KILLINGS = [
    pytest.param(killed_at_each_step, id="each step"),
    pytest.param(lambda action: killed_at_random(action, 50, 0.2, seed=1), id="50 times"),
]


def save(folder: Path, value: int) -> None:
    """Save a folder in which every array has this value, and as many arrays."""
    header = {"kind": "flat", "vectors": 2, "channels": 3, "metadata": {"value": value}}
    arrays = {"vectors": np.full((2, 3), value, np.float32)} | {f"a{i}": np.full(9, value) for i in range(value)}
    write_folder(folder, header, b"IxF2" + struct.pack("<iq", 3, 2), arrays)


def saved_value(folder: Path) -> int:
    """Return the value of a folder; fail if it is not whole."""
    header, _, arrays = read_folder(folder)
    value = header["metadata"]["value"]
    assert arrays.keys() == {"vectors", *(f"a{i}" for i in range(value))}
    assert all((array == value).all() for array in arrays.values())
    return value


@pytest.mark.parametrize("killing", KILLINGS)
def test_a_killed_save_loses_nothing(killing: Killing, tmp_path: Path):
    folder = tmp_path / "bank"
    save(folder, 1)
    values = iter(range(10**6))
    kills = sum(1 for _ in killing(lambda: save(folder, next(values) % 3 + 1)) if saved_value(folder) in (1, 2, 3))
    assert kills >= 12
    save(folder, 2)
    assert saved_value(folder) == 2 and os.listdir(tmp_path) == ["bank"]


def test_a_killed_first_save_leaves_no_folder_or_a_whole_one(tmp_path: Path):
    folder = tmp_path / "bank"
    for _ in killed_at_each_step(lambda: save(folder, 2)):
        if folder.exists():
            assert saved_value(folder) == 2
            break
    save(folder, 1)
    assert saved_value(folder) == 1 and os.listdir(tmp_path) == ["bank"]


def test_a_half_deleted_previous_version_never_comes_back(tmp_path: Path):
    """After a kill during the deletion of the previous version, the user deletes the new one by hand."""
    folder, copy = tmp_path / "bank", tmp_path / "copy"
    save(folder, 3)
    for step in killed_at_each_step(lambda: save(folder, 3)):
        shutil.copytree(tmp_path, copy / str(step), ignore=shutil.ignore_patterns("copy"))
        shutil.rmtree(copy / str(step) / "bank", ignore_errors=True)
        if settle(copy / str(step) / "bank"):
            assert saved_value(copy / str(step) / "bank") == 3


@pytest.mark.parametrize("killing", KILLINGS)
def test_a_killed_generation_leaves_the_fabric_before(
    killing: Killing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def grey(weave, bed, rng, code=None, count=1):
        image = np.full((4, 8), rng.integers(256), np.uint8)
        return image, [image | 1] * count if code else []

    monkeypatch.setattr(generate, "render_strip", grey)
    monkeypatch.setattr(generate.os, "cpu_count", lambda: 1)
    folder, size = tmp_path / "practice", {"fabrics": 1, "normal": 2, "defective": 1}
    make_practice_fabric(folder, seed=0, **size)
    for _ in killing(lambda: make_practice_fabric(folder, seed=1, **size)):
        assert practice_is_there(folder, seed=0, **size) or practice_is_there(folder, seed=1, **size)
    make_practice_fabric(folder, seed=2, **size)
    assert practice_is_there(folder, seed=2, **size) and os.listdir(tmp_path) == ["practice"]


@pytest.mark.parametrize("killing", KILLINGS)
def test_a_killed_notebook_leaves_a_cache_that_works(
    killing: Killing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))

    def use(size: int) -> None:
        arrays = cached("toy", lambda: {"a": np.full(1000, size), "b": np.array(size)}, size=size)
        assert (arrays["a"] == size).all() and arrays["b"] == size

    use(0)
    sizes = iter(range(10**6))
    for _ in killing(lambda: use(next(sizes) % 3 + 1)):
        use(0)
    use(4)
    printed = capsys.readouterr().out
    assert printed.count("for the first time") == 1 and "damaged" not in printed
    assert os.listdir(tmp_path / "cache") == ["toy"]
    for _ in killed_at_each_step(clear_cache):
        use(4)
    clear_cache()
    assert os.listdir(tmp_path / "cache") == []


@pytest.mark.parametrize("killing", KILLINGS)
def test_a_killed_demo_leaves_the_results_before(killing: Killing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Figure:
        def savefig(self, path: Path, **_: object) -> None:
            Path(path).write_bytes(b"a picture")

    monkeypatch.setattr(demo, "plot_strip", lambda *_, **__: (Figure(), "a caption"))
    folder, result = tmp_path / "out", StripResult(np.ones((4, 4)), 1.0, np.ones(1), np.zeros((1, 2), int), (0, 4))

    def run(count: int) -> None:
        strips = [Strip(f"000{i}_002_00", "00", "002", Path()) for i in range(count)]
        scored = [ScoredStrip(strip, np.zeros((4, 4)), None, result, None) for strip in strips]
        demo.write_results(folder, {"count": count}, scored)

    def check() -> None:
        settle(folder)
        results = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.name != "figures.json"}
        assert sizes == results["files"] and len(sizes) == 1 + results["count"]
        assert len((folder / "scores.csv").read_text(encoding="utf-8").splitlines()) == 1 + 2 * results["count"]

    run(1)
    counts = iter(range(10**6))
    for _ in killing(lambda: run(next(counts) % 3 + 1)):
        check()
    run(2)
    check()
    assert os.listdir(tmp_path) == ["out"] and len(os.listdir(folder)) == 4


def test_four_processes_replace_one_folder(tmp_path: Path):
    times = 300
    folder = tmp_path / "bank"
    save(folder, 1)

    def replace(value: int) -> None:
        for _ in range(times):
            save(folder, value)

    writers = [start(lambda value=value: replace(value)) for value in (1, 2, 3, 4)]
    for _ in range(times):
        assert saved_value(folder) in (1, 2, 3, 4)  # a reader is never in the way, and never sees a mixture
    assert [exit_code(pid) for pid in writers] == [0, 0, 0, 0]
    assert saved_value(folder) in (1, 2, 3, 4) and os.listdir(tmp_path) == ["bank"]


def test_a_process_that_is_killed_while_it_draws_a_bar_leaves_the_bars_of_others_alone(tmp_path: Path):
    def hold() -> None:
        tqdm.get_lock().acquire()
        (tmp_path / "held").touch()
        time.sleep(600)

    list(tqdm(range(2), disable=True))  # the lock that a process started now could share
    pid = start(hold)
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert exit_code(pid) == -signal.SIGKILL
    another = threading.Thread(target=lambda: list(tqdm(range(2), disable=True)), daemon=True)
    another.start()
    another.join(60)
    assert not another.is_alive()
