"""Workers of this machine: the package does without Dask, and says in one sentence how to get it."""

from __future__ import annotations

import subprocess
import sys
import urllib.request

import pytest
from project_root import ROOT
from scale_fits import dask_setting, echo_variable, log_error
from waiting import wait_until

from aitex_utils.errors import InputError, MissingError
from aitex_utils.scale import cluster
from aitex_utils.scale.cluster import has_dask, start_cluster, start_pool, start_workers
from aitex_utils.scale.pool import ProcessPool
from aitex_utils.scale.tasks import count_workers

needs_dask = pytest.mark.skipif(not has_dask(), reason="Dask is not installed: `python course.py scale` installs it")


def test_without_dask_one_sentence_names_two_ways_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster, "has_dask", lambda: False)
    with pytest.raises(MissingError, match="^Dask is not installed: run `python course.py scale`, or take start_pool"):
        start_cluster(2)
    with start_workers(1) as client:
        assert isinstance(client, ProcessPool)


@needs_dask
def test_a_cluster_starts_after_the_main_module_lost_its_spec(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(sys.modules["__main__"], "__spec__")
    with start_cluster(1, dashboard=False) as client:
        assert client.submit(pow, 2, 3).result(60) == 8


def test_a_fit_in_blocks_imports_no_dask():
    code = (
        "import sys\nimport numpy as np\nfrom aitex_utils import PatchCore\n"
        "from aitex_utils.scale import cluster, disk_search, predicting, sharded_search\n"
        "tiles = np.random.default_rng(0).integers(0, 255, (3, 32, 32), np.uint8)\n"
        "PatchCore(size=32, device='cpu').fit(tiles, block_size=16, client=None)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('dask', 'distributed', 'tornado')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("start", [start_cluster, start_pool, start_workers])
def test_wrong_arguments_are_refused(start):
    with pytest.raises(InputError, match="^n_workers is 0"):
        start(0)
    with pytest.raises(InputError, match="^memory_limit is -1"):
        start(1, memory_limit=-1)


@needs_dask
def test_a_cluster_has_workers_of_one_thread_and_shows_its_dashboard(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with start_cluster(2, memory_limit=1.5) as client:
        assert client.submit(echo_variable, "OMP_NUM_THREADS").result() == "1"
        assert client.submit(echo_variable, "MALLOC_TRIM_THRESHOLD_").result() is None
        workers = client.scheduler_info()["workers"].values()
        assert [worker["nthreads"] for worker in workers] == [1, 1]
        assert {worker["memory_limit"] for worker in workers} == {round(1.5 * 2**30)}
        assert f"Dask's dashboard: {client.dashboard_link}" in capsys.readouterr().out
        if client.dashboard_link.startswith("http"):
            page = urllib.request.urlopen(client.dashboard_link, timeout=30).read().decode()
            assert "Dask" in page
        assert all("127.0.0.1" in address for address in client.nthreads())


@needs_dask
def test_no_worker_is_paused_or_given_a_killed_job_by_dask_and_a_replaced_worker_has_the_settings():
    name = "distributed.worker.memory.pause"
    with start_cluster(1, dashboard=False) as client:
        assert client.submit(dask_setting, name).result(60) is False
        assert client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.allowed_failures) == 0
        client.cluster.scale(0)
        wait_until(lambda: not client.nthreads())
        client.cluster.worker_spec.update(first=client.cluster.new_spec)  # lost, as a worker that dies while it starts
        wait_until(lambda: count_workers(client) and client.nthreads())
        assert client.submit(dask_setting, name).result(60) is False


@needs_dask
def test_a_second_dashboard_takes_a_free_port(capsys):
    with start_cluster(1) as first, start_cluster(1) as second:
        assert first.dashboard_link != second.dashboard_link
    with start_cluster(1, quiet=True):
        pass
    assert len(capsys.readouterr().out.splitlines()) == 2


@needs_dask
def test_workers_print_nothing_of_dask_s_own(capfd):
    """A heartbeat that meets the end of the cluster is logged as an error, and a learner would take it for one."""
    with start_cluster(1, quiet=True) as client:
        client.submit(log_error, "a heartbeat").result(60)
    assert "heartbeat" not in "".join(capfd.readouterr())
