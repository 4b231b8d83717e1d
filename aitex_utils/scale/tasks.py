"""Run jobs on a pool of processes or on a Dask cluster, in any order, and go on when workers die.

Both take tasks with `submit` and return futures. They differ in how they say that a worker died or that the scheduler
has gone. Here both end in the same way: a job is given to another worker, or one sentence says what to do.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .pool import ProcessPool

DEATHS = 8  # workers that die in a row, with no job ended in between, before we give up
DEATHS_AT_ONE_JOB = 40  # likewise, while other jobs end: by chance, one job is interrupted several times
IN_FLIGHT = 2  # jobs per worker that are given out at once: the next one waits where the last one ends
PATIENCE = 60.0  # seconds for which a cluster can be without any worker
PAUSED = 600.0  # seconds for which all workers can be paused
LOOK, LOOK_AT_CLUSTER = 0.005, 2.0  # seconds between two looks at the jobs, and at the cluster


@dataclass(frozen=True)
class Job:
    """A call of a function on some worker. Running it twice does no harm.

    Parameters
    ----------
    name : str
        Name for messages and for the dashboard, such as "block 12".
    function : callable
        Function of a module.
    arguments : tuple
        Its arguments: names, numbers and small arrays.
    worker : int, optional
        Number of the worker that should run it, because it has its data; another does if that worker is gone.

    Examples
    --------
    >>> Job("square", pow, (3, 2)).name
    'square'
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    worker: int | None = None


class WorkersLost(InputError):
    """The workers died again and again, or the scheduler has gone. The results of the jobs that have ended remain.

    Attributes
    ----------
    lacks_memory : bool
        Workers died at their jobs, as happens where memory is too small.

    Examples
    --------
    >>> WorkersLost("The scheduler has gone.").lacks_memory
    False
    """

    lacks_memory = False


def run_jobs(client: Any, jobs: Iterable[Job]) -> Iterator[tuple[Job, Any]]:
    """Run jobs on workers, and yield each job with its result, in the order in which the jobs end.

    Parameters
    ----------
    client : distributed.Client, ProcessPool, concurrent.futures.Executor or None
        Workers; None runs the jobs in this process, one by one.
    jobs : iterable of Job
        They are drawn as workers become free, `IN_FLIGHT` per worker at a time.

    Yields
    ------
    job : Job
    result : object

    Raises
    ------
    WorkersLost
        If `DEATHS` workers die with no job ended in between, or `DEATHS_AT_ONE_JOB` at one job. Also if the cluster has
        no worker for `PATIENCE` seconds, or if its scheduler has gone.
    InputError
        If `client` is something else. An error of a job is raised as it is.

    Notes
    -----
    After an error or an interruption, no further job is given out. Jobs that workers have already been given can end.

    Examples
    --------
    >>> [result for _, result in run_jobs(None, [Job("square", pow, (3, 2))])]
    [9]
    """
    jobs = iter(jobs)
    if client is None:
        for job in jobs:
            yield job, job.function(*job.arguments)
        return
    workers = _workers_of(client)
    running: dict[Any, Job] = {}
    deaths, deaths_at = 0, Counter()
    try:
        while True:
            for job in itertools.islice(jobs, max(0, IN_FLIGHT * workers.count() - len(running))):
                running[workers.submit(job)] = job
            if not running:
                return
            interrupted: list[tuple[Job, _WorkerDied]] = []
            for future in workers.wait(list(running)):
                job = running.pop(future)
                try:
                    result = workers.result(future)
                except _WorkerDied as death:
                    interrupted.append((job, death))
                else:
                    deaths = 0
                    yield job, result
            if interrupted:
                # A dying worker also loses the job that waits behind its own, so several jobs can have one death.
                deaths += max(death.deaths for _, death in interrupted)
                for job, death in interrupted:
                    deaths_at[job.name] += death.deaths
                _refuse_many_deaths(interrupted, deaths, deaths_at)
            running.update({workers.submit(job): job for job, _ in interrupted})
    finally:
        workers.cancel(list(running))


def count_workers(client: Any) -> int:
    """Return the number of workers of a client.

    Parameters
    ----------
    client : distributed.Client, ProcessPool, concurrent.futures.Executor or None
        As in `run_jobs`.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    InputError
        If `client` is something else, or the scheduler has gone.

    Examples
    --------
    >>> count_workers(None)
    1
    """
    return 1 if client is None else _workers_of(client).count()


def _refuse_many_deaths(interrupted: Sequence[tuple[Job, _WorkerDied]], deaths: int, deaths_at: Counter[str]) -> None:
    """Raise an error if too many workers died in a row, or at one of the interrupted jobs."""
    (last, reason) = interrupted[-1]
    too_many = sorted({job.name for job, _ in interrupted if deaths_at[job.name] >= DEATHS_AT_ONE_JOB})
    if deaths >= DEATHS:
        died = f"{deaths} workers died in a row, the last at {last.name}"
    elif too_many:  # more than one where a job waits behind the other whenever that begins
        died = f"{DEATHS_AT_ONE_JOB} workers died at {' or '.join(too_many)}"
    else:
        return
    error = WorkersLost(f"{died} ({reason}), {reason.advice}")
    error.lacks_memory = type(reason) is _WorkerDied
    raise error from reason


class _WorkerDied(Exception):  # noqa: N818 - ends a job, which begins anew
    """Workers died at a job, `deaths` of them one after the other."""

    advice = "as happens where memory is too small: allow more memory and repeat the call."

    def __init__(self, reason: str, deaths: int = 1) -> None:
        super().__init__(reason)
        self.deaths = deaths


class _WorkerNotStarted(_WorkerDied):
    """A worker died before it could begin any job."""

    advice = 'as happens in a script without `if __name__ == "__main__":`: put the calls below that line.'


class _Executor:
    """A `ProcessPool`, or any executor of `concurrent.futures`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def count(self) -> int:
        return getattr(self._client, "n_workers", None) or getattr(self._client, "_max_workers", 1)

    def submit(self, job: Job) -> Any:
        try:
            to_worker = (
                {"worker": job.worker} if job.worker is not None and isinstance(self._client, ProcessPool) else {}
            )
            return self._client.submit(job.function, *job.arguments, **to_worker)
        except BrokenProcessPool as error:  # an executor of the user's own, which is not started again
            raise WorkersLost(
                "A worker of the executor died, and an executor cannot start another: take a ProcessPool and repeat "
                "the call."
            ) from error
        except RuntimeError as error:
            if "shutdown" not in str(error):
                raise
            raise InputError("The executor is shut down: start another.") from error

    def wait(self, futures: list[Any]) -> list[Any]:
        return list(concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_COMPLETED).done)

    def result(self, future: Any) -> Any:
        try:
            return future.result()
        except BrokenProcessPool as error:
            if isinstance(self._client, ProcessPool) and not self._client.process_ids():
                raise _WorkerNotStarted("its process did not start") from error
            raise _WorkerDied("its process ended") from error

    def cancel(self, futures: list[Any]) -> None:
        if not isinstance(self._client, ProcessPool):  # which has few, and fails on cancelled jobs of a dead worker
            for future in futures:
                future.cancel()


class _Dask:
    """A client of a Dask cluster."""

    def __init__(self, client: Any) -> None:
        self._client, self._addresses, self._looked = client, [], -LOOK_AT_CLUSTER
        self._seen = self._ran = time.monotonic()  # when there were workers, and when one was not paused
        self._address_of: dict[Any, str] = {}  # of the jobs for a certain worker, by their futures

    def count(self) -> int:
        """Return the number of workers, at least 1, and raise an error if there has been none for too long."""
        now = time.monotonic()
        if now - self._looked >= LOOK_AT_CLUSTER:
            self._looked, self._addresses = now, self._ask_for_workers()
            self._replace_lost_workers()
            if self._addresses:
                self._seen = now
                self._take_back_lost_jobs()
                self._refuse_paused_workers(now)
            elif now - self._seen > PATIENCE:
                raise WorkersLost(
                    f"The cluster has had no worker for {PATIENCE:.0f} seconds: start workers, and repeat the call."
                )
        return max(1, len(self._addresses))

    def submit(self, job: Job) -> Any:
        self._refuse_lost_scheduler()
        name = f"{job.name.replace(' ', '-')}-{secrets.token_hex(4)}"  # the dashboard groups tasks by the first part
        options: dict[str, Any] = {"key": name, "pure": False}
        if job.worker is not None and self.count() and self._addresses:
            address = self._addresses[job.worker % len(self._addresses)]
            options |= {"workers": [address], "allow_other_workers": True}
        future = self._client.submit(job.function, *job.arguments, **options)
        if "workers" in options:
            self._address_of[future] = address
        return future

    def wait(self, futures: list[Any]) -> list[Any]:
        while not (done := [future for future in futures if future.done()]):
            self._refuse_lost_scheduler()
            self.count()
            time.sleep(LOOK)
        return done

    def result(self, future: Any) -> Any:
        from distributed import KilledWorker

        try:
            return self._fetch(future)
        except KilledWorker as error:  # on a user's own cluster, Dask itself retries a job
            raise _WorkerDied("its process ended", 1 + error.allowed_failures) from error
        except (concurrent.futures.CancelledError, OSError) as error:
            if isinstance(error, InputError):
                raise
            self._refuse_lost_scheduler(error)
            if isinstance(error, OSError) and future.status == "error":  # of the job itself
                raise
            raise _WorkerDied("it was cancelled") from error
        finally:
            self._address_of.pop(future, None)

    def cancel(self, futures: list[Any]) -> None:
        if futures and self._client.status == "running":
            self._client.cancel(futures)

    def _fetch(self, future: Any) -> Any:
        """Return the result of a job that has ended, and look at the cluster if it died with its worker."""
        from distributed import TimeoutError as NotYet

        seconds = LOOK_AT_CLUSTER
        while True:
            try:
                return future.result(timeout=seconds)
            except NotYet:
                if future.status == "error":  # of the job itself
                    raise
                self._refuse_lost_scheduler()
                self.count()
                seconds *= 2  # a slow network has its time

    def _ask_for_workers(self) -> list[str]:
        return self._ask(lambda: sorted(self._client.nthreads()))

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Return the answer of the scheduler, or raise an error if it has gone."""
        try:
            return question()
        except (OSError, concurrent.futures.CancelledError, RuntimeError) as error:
            self._refuse_lost_scheduler(error)
            raise

    def _take_back_lost_jobs(self) -> None:
        """Cancel the jobs of workers that have gone, so that they are given out again.

        If all workers die at once, Dask keeps such jobs for the address of a worker that never comes back, even with
        `allow_other_workers`.
        """
        for future, address in self._address_of.items():
            if address not in self._addresses and not future.done():
                self._client.cancel([future])

    def _replace_lost_workers(self) -> None:
        """Start the workers of this machine's cluster anew that died while they started: Dask restarts all others."""
        cluster = getattr(self._client, "cluster", None)
        if type(cluster).__name__ == "LocalCluster" and len(self._addresses) < len(cluster.worker_spec):
            cluster.scale(len(cluster.worker_spec))

    def _refuse_paused_workers(self, now: float) -> None:
        """Raise an error if all workers have been paused for long, as Dask does near a memory limit.

        The clusters of `start_cluster` pause no worker. Other clusters do so by default.
        """

        def count_running(dask_scheduler: Any) -> int:
            return len(dask_scheduler.running)

        if self._ask(lambda: self._client.run_on_scheduler(count_running)):
            self._ran = now
        elif now - self._ran > PAUSED:
            raise WorkersLost(
                "All workers of the cluster are paused, because their memory is almost full: allow more memory and "
                "repeat the call."
            )

    def _refuse_lost_scheduler(self, error: BaseException | None = None) -> None:
        if self._client.status != "running":
            raise WorkersLost(
                "The scheduler of the Dask cluster has gone: start the cluster again, and repeat the call."
            ) from error


def _workers_of(client: Any) -> _Executor | _Dask:
    """Return the workers of a client, without an import of Dask where there is none."""
    if isinstance(client, (ProcessPool, concurrent.futures.Executor)):
        return _Executor(client)
    if type(client).__module__.split(".")[0] == "distributed" and hasattr(client, "submit"):
        if getattr(client, "asynchronous", False):
            raise InputError("client is an asynchronous Dask client: give one that was made without asynchronous=True.")
        return _Dask(client)
    raise InputError(
        f"client is of type {type(client).__name__}: give the result of start_cluster() or start_pool() of "
        "aitex_utils.scale.cluster, a Dask client, or an executor of concurrent.futures."
    )
