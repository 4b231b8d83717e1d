"""Faults with real processes: the same result, or one sentence and a fit that goes on from the blocks that are done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from project_root import ROOT
from scale_fits import assert_equal, finished_blocks, fitted, small_strips, worker_processes
from waiting import wait_until

from aitex_utils import PatchCore
from aitex_utils.errors import InputError
from aitex_utils.scale import tasks
from aitex_utils.scale.cluster import has_dask, start_cluster, start_pool
from aitex_utils.scale.tasks import WorkersLost

pytestmark = pytest.mark.slow
needs_dask = pytest.mark.skipif(not has_dask(), reason="Dask is not installed: `python course.py scale` installs it")
STARTS = [pytest.param(start_pool, id="pool"), pytest.param(start_cluster, id="dask", marks=needs_dask)]
KILLS, BLOCKS, WIDE = 20, 16, 2400  # a block of one strip takes about half a second
LIMIT = 600  # seconds that any of these fits can take


def wide_strips() -> list:
    return small_strips(BLOCKS, WIDE)


def wide_fit(strips: Any = None, **options: Any) -> PatchCore:
    return fitted(wide_strips() if strips is None else strips, block_size=100, **options)


@pytest.fixture(scope="module")
def expected() -> PatchCore:
    return wide_fit()


@pytest.fixture(scope="module", params=STARTS)
def start(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return a function that starts workers."""
    return request.param


@pytest.fixture(scope="module")
def client(start: Callable[..., Any]) -> Iterator[Any]:
    """Yield two workers, started once for the tests of this module: one that a test kills is replaced."""
    with start(2) as client:
        yield client


@contextmanager
def killer(folder: Path, kills: list[int], seed: int) -> Iterator[None]:
    """Kill a random worker a random moment after each block that ends, until the `with` block is left."""
    moments, stop = random.Random(seed), threading.Event()

    def work() -> None:
        seen = -1
        while not stop.is_set() and len(kills) < KILLS:
            done = finished_blocks(folder)
            workers = worker_processes()
            if done == seen or not workers:
                time.sleep(0.02)
                continue
            seen = done
            stop.wait(moments.uniform(0, 0.5))
            with suppress(psutil.Error, IndexError):
                worker = moments.choice(workers)
                worker.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
                kills.append(worker.pid)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_twenty_killed_workers_leave_no_difference(client, expected: PatchCore, tmp_path: Path):
    kills: list[int] = []
    began, rounds = time.monotonic(), 0
    while len(kills) < KILLS:
        folder = tmp_path / f"fit{rounds}"
        with killer(folder, kills, seed=rounds):
            assert_equal(wide_fit(client=client, folder=folder), expected)
        assert finished_blocks(folder) == BLOCKS
        rounds += 1
        assert time.monotonic() - began < LIMIT
    assert len(set(kills)) == KILLS


def test_a_worker_out_of_memory_ends_in_one_sentence_and_a_larger_limit_goes_on(
    start, client, expected: PatchCore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch, start(2, memory_limit=0.2) as small:  # less than PyTorch alone takes
        patch.setattr(tasks, "DEATHS", 2)
        sentence = "2 workers died in a row, the last at block .* memory is too small: allow more memory and repeat "
        sentence += "the call, which goes on from the 0 blocks in .*, or take a smaller block_size and another folder"
        with pytest.raises(WorkersLost, match=sentence):
            wide_fit(client=small, folder=tmp_path / "fit")
    assert_equal(wide_fit(client=client, folder=tmp_path / "fit"), expected)


def test_a_block_whose_file_is_damaged_while_the_fit_runs_is_made_anew(client, expected: PatchCore, tmp_path: Path):
    folder = tmp_path / "fit"

    def strips() -> Iterator:
        for number, strip in enumerate(wide_strips()):
            if number == 12:
                wait_until(lambda: finished_blocks(folder) >= 3)
                place = sorted((folder / "blocks").glob("block-*"))[0]
                content = bytearray((place / "vectors_0.npy").read_bytes())
                content[200] ^= 1
                (place / "vectors_0.npy").write_bytes(content)
            yield strip

    with pytest.raises(InputError, match="is damaged .*: fit again with the same folder"):
        wide_fit(strips(), client=client, folder=folder)
    assert_equal(wide_fit(client=client, folder=folder), expected)


CLIENT = """
    import sys
    from scale_fits import fitted, small_strips
    from aitex_utils.scale.cluster import start_cluster, start_pool

    if __name__ == "__main__":
        with {start}(2) as client:
            print("started", flush=True)
            fitted(small_strips({blocks}, {wide}), block_size=100, client=client, folder=sys.argv[1])
"""


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_a_client_that_was_interrupted_is_resumed(start, client, how: str, expected: PatchCore, tmp_path: Path):
    import textwrap

    script, folder = tmp_path / "client.py", tmp_path / "fit"
    script.write_text(textwrap.dedent(CLIENT.format(start=start.__name__, blocks=BLOCKS, wide=WIDE)))
    paths = [str(ROOT), str(ROOT / "tests" / "helpers"), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    options = {"env": variables, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, str(script), str(folder)], **options) as process:
        wait_until(lambda: finished_blocks(folder) >= 2 or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()[-2000:]
        workers = worker_processes(process.pid)
        process.send_signal(getattr(signal, how))
        process.wait(120)
        assert process.returncode != 0
        wait_until(lambda: not any(worker.is_running() for worker in workers if _is_alive(worker)), 90)
        process.stderr.read()
    before = {path.name: os.stat(path).st_ino for path in (folder / "blocks").glob("block-*")}
    assert 2 <= len(before) < BLOCKS
    assert_equal(wide_fit(client=client, folder=folder), expected)
    after = {path.name: os.stat(path).st_ino for path in (folder / "blocks").glob("block-*")}
    assert before.items() <= after.items() and len(after) == BLOCKS


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def command_line_cluster(place: Path) -> Iterator[tuple[Any, subprocess.Popen, list[subprocess.Popen]]]:
    """Start a scheduler and two workers by Dask's commands, as on a cluster, and yield client, scheduler, workers."""
    from distributed import Client

    python, file = [sys.executable, "-m", "distributed.cli"], place / f"scheduler-{time.monotonic_ns()}.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
    quiet["env"] = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [f"{python[2]}.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([*python[:2], *command, "--scheduler-file", str(file)], **quiet)
    processes = [scheduler]
    try:
        wait_until(file.exists)
        command = [f"{python[2]}.dask_worker", "--scheduler-file", str(file), "--nthreads", "1"]
        command += ["--memory-limit", "2GiB", "--death-timeout", "60", "--local-directory", str(place)]
        workers = [subprocess.Popen([*python[:2], *command], **quiet) for _ in range(2)]
        processes += workers
        with Client(scheduler_file=str(file), timeout=120) as client:
            client.wait_for_workers(2, timeout=120)
            yield client, scheduler, workers
    finally:
        for process in processes:
            for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
                with suppress(psutil.Error):
                    child.kill()
            process.kill()
            process.wait()


@needs_dask
def test_a_cluster_started_by_commands_fits_and_a_scheduler_that_has_gone_ends_in_one_sentence(
    expected: PatchCore, tmp_path: Path
):
    folder = tmp_path / "fit"
    with command_line_cluster(tmp_path) as (client, scheduler, _):

        def strips() -> Iterator:
            for number, strip in enumerate(wide_strips()):
                if number == 12:
                    wait_until(lambda: finished_blocks(folder) >= 3)
                    scheduler.kill()
                yield strip

        began = time.monotonic()
        with pytest.raises(WorkersLost, match="^The scheduler .* has gone: .*goes on from the .* blocks in "):
            wide_fit(strips(), client=client, folder=folder)
        assert time.monotonic() - began < LIMIT
    before = {path.name: os.stat(path).st_ino for path in (folder / "blocks").glob("block-*")}
    assert 3 <= len(before) < BLOCKS
    with command_line_cluster(tmp_path) as (client, _, _):
        assert_equal(wide_fit(client=client, folder=folder), expected)
    after = {path.name: os.stat(path).st_ino for path in (folder / "blocks").glob("block-*")}
    assert before.items() <= after.items() and len(after) == BLOCKS


@needs_dask
def test_a_cluster_without_workers_ends_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "PATIENCE", 5.0)
    with command_line_cluster(tmp_path) as (client, _, workers):
        for worker in workers:
            for process in [*psutil.Process(worker.pid).children(recursive=True), psutil.Process(worker.pid)]:
                with suppress(psutil.Error):
                    process.kill()
        with pytest.raises(WorkersLost, match="has had no worker for 5 seconds: start workers"):
            wide_fit(client=client, folder=tmp_path / "fit")
