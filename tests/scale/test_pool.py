"""The pool of processes: one thread each, bounded memory, a new worker for a dead one, and none left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool

import psutil
import pytest
from project_root import ROOT
from scale_fits import die, die_while_answering, echo_variable, sleep, take_memory
from waiting import wait_until

from aitex_utils.errors import InputError
from aitex_utils.scale.pool import ProcessPool, environment


def test_a_worker_has_one_thread_and_the_parent_s_variables_stay(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with ProcessPool(1) as pool:
        assert pool.submit(echo_variable, "OMP_NUM_THREADS").result(60) == "1"
        assert pool.submit(echo_variable, "MKL_NUM_THREADS").result(60) == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


def test_tasks_go_to_the_workers_with_the_fewest_or_to_the_named_worker():
    with ProcessPool(2) as pool:
        ids = {pool.submit(os.getpid, worker=number).result(60) for number in (0, 1)}
        assert len(ids) == 2 and os.getpid() not in ids
        assert sorted(ids) == sorted(pool.process_ids())
        busy = pool.submit(sleep, 1.0, worker=0)
        free = [pool.submit(os.getpid).result(60) for _ in range(3)]
        assert set(free) == {pool.submit(os.getpid, worker=1).result(60)} and not busy.done()
        with pytest.raises(InputError, match="^worker is 2, .* from 0 to 1"):
            pool.submit(pow, 2, 2, worker=2)


def test_a_dead_worker_is_replaced_and_takes_only_its_own_tasks_with_it():
    with ProcessPool(2) as pool:
        other = pool.submit(sleep, 0.5, worker=1)
        with pytest.raises(BrokenProcessPool):
            pool.submit(die, worker=0).result(60)
        assert other.result(60) == 0.5
        assert pool.submit(pow, 2, 5, worker=0).result(60) == 32


@pytest.mark.skipif(sys.platform == "win32", reason="the pipes of Windows are written in another way")
@pytest.mark.parametrize("length", [1000, 50_000])  # sent at once, and after a head
def test_a_worker_that_dies_while_it_sends_a_result_is_replaced(length: int):
    with ProcessPool(1) as pool:
        with pytest.raises(BrokenProcessPool):
            pool.submit(die_while_answering, length).result(60)
        assert pool.submit(pow, 2, 5).result(60) == 32


def test_a_worker_that_takes_too_much_memory_ends():
    with ProcessPool(1, memory_limit=0.5) as pool:
        assert pool.submit(take_memory, 0.1, 0.3).result(60)
        with pytest.raises(BrokenProcessPool):
            pool.submit(take_memory, 0.6, 30).result(60)


def test_a_worker_starts_after_the_main_module_lost_its_spec(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(sys.modules["__main__"], "__spec__")  # as IPython's %reset does
    with ProcessPool(1) as pool:
        assert pool.submit(pow, 2, 3).result(60) == 8


def test_a_pool_whose_worker_did_not_start_can_be_closed(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError("no processes left")

    monkeypatch.setattr("concurrent.futures.process.ProcessPoolExecutor.submit", fail)
    with pytest.raises(OSError, match="no processes left"), ProcessPool(1) as pool:
        pool.submit(pow, 2, 2)


def test_closing_ends_workers_that_are_at_work():
    began = time.monotonic()
    with ProcessPool(1) as pool:
        pool.submit(pow, 2, 2).result(60)
        pool.submit(sleep, 300)
        (worker,) = pool.process_ids()
    assert time.monotonic() - began < 100
    wait_until(lambda: not psutil.pid_exists(worker), 20)
    with pytest.raises(InputError, match="is closed: start another"):
        pool.submit(pow, 2, 2)


def test_closing_does_not_wait_for_the_first_task_of_a_worker_that_is_starting():
    began = time.monotonic()
    with ProcessPool(1) as pool:
        pool.submit(sleep, 300)
    assert time.monotonic() - began < 100


def test_workers_end_when_the_process_that_started_them_is_killed():
    code = (
        "import sys, time\nfrom aitex_utils.scale.pool import ProcessPool\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPool(2)\n"
        "    [pool.submit(pow, 2, 2, worker=i).result() for i in (0, 1)]\n"
        "    pool.submit(time.sleep, 300)\n"
        "    print(*pool.process_ids(), flush=True)\n    time.sleep(300)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        workers = [int(number) for number in parent.stdout.readline().split()]
        assert len(workers) == 2 and all(map(psutil.pid_exists, workers))
        parent.kill()
        wait_until(lambda: not any(map(_is_alive, workers)), 30)


def _is_alive(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("arguments", [(0,), (2.5,), ("2",), (10**6,)])
def test_a_wrong_number_of_workers_is_refused(arguments: tuple):
    with pytest.raises(InputError, match="^n_workers is "):
        ProcessPool(*arguments)


def test_a_wrong_memory_limit_is_refused():
    with pytest.raises(InputError, match="^memory_limit is 0, .* above 0"):
        ProcessPool(1, memory_limit=0)


def test_variables_are_restored_after_an_error():
    with pytest.raises(ValueError), environment({"AITEX_TEST": "1"}):
        assert os.environ["AITEX_TEST"] == "1"
        raise ValueError
    assert "AITEX_TEST" not in os.environ
