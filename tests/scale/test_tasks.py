"""Jobs on any kind of worker: results as they come, dead workers replaced, one sentence where that does not help."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from project_root import ROOT
from scale_fits import dask_client, die, die_once, fail, sleep
from waiting import wait_until

from aitex_utils.errors import InputError
from aitex_utils.scale import tasks
from aitex_utils.scale.pool import ProcessPool
from aitex_utils.scale.tasks import Job, WorkersLost, count_workers, run_jobs


@pytest.fixture(scope="module", params=["here", "pool", "dask", "threads"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "here":
        yield None
    elif request.param == "threads":
        with ThreadPoolExecutor(2) as executor:
            yield executor
    elif request.param == "pool":
        with ProcessPool(2) as pool:
            yield pool
    else:
        with dask_client() as cluster:
            yield cluster


def squares(n: int) -> Iterator[Job]:
    return (Job(f"square {i}", pow, (i, 2)) for i in range(n))


def test_every_job_ends_once_with_its_result(client: Any):
    results = {job.name: result for job, result in run_jobs(client, squares(20))}
    assert results == {f"square {i}": i**2 for i in range(20)}


def test_no_jobs_no_results(client: Any):
    assert list(run_jobs(client, [])) == []


def test_an_error_of_a_job_is_raised_as_it_is_and_later_jobs_do_not_begin(client: Any):
    drawn = []

    def jobs() -> Iterator[Job]:
        yield Job("fail", fail, ("of its own",))
        for i in range(100):
            drawn.append(i)
            yield Job(f"wait {i}", sleep, (0.01,))

    with pytest.raises(ValueError, match="of its own"):
        list(run_jobs(client, jobs()))
    assert len(drawn) < 60


def test_jobs_are_drawn_as_workers_become_free(client: Any):
    drawn = []

    def jobs() -> Iterator[Job]:
        for i in range(50):
            drawn.append(i)
            yield Job(f"square {i}", pow, (i, 2))

    running = run_jobs(client, jobs())
    next(running)
    assert len(drawn) <= 2 * count_workers(client) + 2
    running.close()


def test_a_job_whose_worker_dies_runs_again(client: Any, tmp_path: Path):
    if client is None or isinstance(client, ThreadPoolExecutor):
        pytest.skip("its jobs run in this process")
    jobs = [Job("die", die_once, (str(tmp_path / "died"),)), *squares(3)]
    assert {job.name: result for job, result in run_jobs(client, jobs)}["die"] == "done"


@pytest.mark.parametrize("kind", ["pool", "dask"])
def test_jobs_for_the_only_worker_run_again_when_it_dies(kind: str, tmp_path: Path):
    jobs = [Job(f"square {i}", pow, (i, 2), worker=0) for i in range(3)]
    jobs.insert(1, Job("die", die_once, (str(tmp_path / "died"),), worker=0))
    with ProcessPool(1) if kind == "pool" else dask_client(1) as only:
        results = {job.name: result for job, result in run_jobs(only, jobs)}
    assert results == {"square 0": 0, "die": "done", "square 1": 1, "square 2": 4}


def test_workers_that_die_again_and_again_end_in_one_sentence(client: Any, monkeypatch: pytest.MonkeyPatch):
    if client is None or isinstance(client, ThreadPoolExecutor):
        pytest.skip("its jobs run in this process")
    monkeypatch.setattr(tasks, "DEATHS", 2)
    with pytest.raises(WorkersLost, match="^2 workers died in a row, the last at block 7 .*: allow more memory"):
        list(run_jobs(client, [Job("block 7", die)]))
    assert [result for _, result in run_jobs(client, squares(2))] in ([0, 1], [1, 0])  # the workers are usable again


def test_a_job_at_which_workers_die_again_and_again_ends_a_stream_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "DEATHS_AT_ONE_JOB", 2)
    jobs = (Job(f"wait {i}", sleep, (0.01,)) for i in count())
    with ProcessPool(2) as pool:
        assert [pool.submit(pow, number, 2, worker=number).result(60) for number in (0, 1)] == [0, 1]  # both are there
        with pytest.raises(WorkersLost, match="^2 workers died .* poison"):
            for job, _ in run_jobs(pool, chain([Job("poison", die)], jobs)):
                assert int(job.name.split()[1]) < 2000


@contextmanager
def own_cluster(**settings: Any) -> Iterator[Any]:
    """Start a cluster of one worker as a user would, with some settings of Dask."""
    pytest.importorskip("distributed", reason="Dask is not installed: `python course.py scale` installs it")
    import dask
    from distributed import Client

    changed = {f"distributed.{name.replace('__', '.').replace('_', '-')}": value for name, value in settings.items()}
    options = {"n_workers": 1, "threads_per_worker": 1, "memory_limit": "2GiB", "dashboard_address": "127.0.0.1:0"}
    with dask.config.set(changed), Client(**options, silence_logs=logging.CRITICAL) as client:
        yield client


def test_deaths_are_counted_that_a_user_s_own_cluster_has_retried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "DEATHS", 3)
    with own_cluster(scheduler__allowed_failures=1) as client, pytest.raises(WorkersLost, match="^4 workers died"):
        list(run_jobs(client, [Job("die", die)]))


def test_a_cluster_whose_workers_are_all_paused_ends_in_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "PAUSED", 3.0)
    memory = {"worker__memory__pause": 0.001, "worker__memory__monitor_interval": "50ms"}
    with own_cluster(**memory) as client:
        wait_until(lambda: not client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.running)))
        with pytest.raises(WorkersLost, match="^All workers of the cluster are paused"):
            list(run_jobs(client, [Job("square", pow, (3, 2))]))


def test_a_pause_that_ends_does_no_harm(monkeypatch: pytest.MonkeyPatch):
    clock = count(0, tasks.PAUSED / 2)  # seconds at each look
    running = chain([0, 0, 1] * 5, [0] * 9)  # workers that are not paused
    scheduler = SimpleNamespace(status="running", nthreads=lambda: {"a": 1}, run_on_scheduler=lambda _: next(running))
    monkeypatch.setattr(tasks.time, "monotonic", lambda: next(clock))
    workers = tasks._Dask(scheduler)
    assert [workers.count() for _ in range(15)] == [1] * 15
    with pytest.raises(WorkersLost, match="paused"):
        [workers.count() for _ in range(9)]


def test_a_script_whose_workers_start_workers_is_told_what_it_lacks(tmp_path: Path):
    code = (
        "from aitex_utils.scale import tasks\nfrom aitex_utils.scale.pool import ProcessPool\ntasks.DEATHS = 2\n"
        "with ProcessPool(1) as pool:\n    list(tasks.run_jobs(pool, [tasks.Job('square', pow, (2, 2))]))\n"
    )
    (tmp_path / "script.py").write_text(code)
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], env=variables, capture_output=True, text=True, check=False
    )
    last = done.stderr.strip().splitlines()[-1]
    assert "2 workers died in a row, the last at square (its process did not start), as happens in a script wi" in last
    assert last.endswith('`if __name__ == "__main__":`: put the calls below that line.')


def test_a_worker_of_a_plain_executor_that_dies_ends_in_one_sentence():
    with ProcessPoolExecutor(1) as executor, pytest.raises(WorkersLost, match="take a ProcessPool"):
        list(run_jobs(executor, [Job("die", die), Job("die again", die)]))


def test_an_executor_that_is_shut_down_is_refused():
    with ThreadPoolExecutor(1) as executor:
        pass
    with pytest.raises(InputError, match="^The executor is shut down: start another"):
        list(run_jobs(executor, squares(1)))


@pytest.mark.parametrize("client", [3, "tcp://127.0.0.1:8786", object()])
def test_what_is_no_client_is_refused(client: Any):
    with pytest.raises(InputError, match="^client is of type .* start_cluster"):
        list(run_jobs(client, squares(1)))
