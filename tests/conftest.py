"""What all tests share: the real strips where they are, a small practice fabric, and quiet plots."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from project_root import ROOT

os.environ.setdefault("MPLBACKEND", "agg")
# A busy machine is slow, not wrong: no example has a deadline, and slow generation of examples is no failure. The
# examples are the same in every run: a fault that only some examples show is for a developer who looks for it, with
# `course.py test --hypothesis-profile=search`, not for the next reader who runs the tests.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("patient", derandomize=True, **PATIENT)
settings.register_profile("quick", derandomize=True, max_examples=15, **PATIENT)
settings.register_profile("search", max_examples=500, **PATIENT)

MOST_WORKERS, MEMORY_OF_A_WORKER = 4, 4 * 2**30  # bytes; a notebook takes up to 3 GiB
IS_LONG, LONG = pytest.StashKey[bool](), ("test_fuzz.py", "test_kill.py")


def pytest_configure(config: pytest.Config) -> None:
    """Take fewer random examples where the slow tests are left out; heed interrupts, also as a background job.

    GPUs are hidden, because the tests compare results of the CPU to the last digit, except from `test -m gpu`.
    """
    if config.getoption("-m") != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        if sys.platform == "darwin":
            import torch

            torch.backends.mps.is_available = lambda: False
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # which processes started by tests would inherit
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("quick" if config.getoption("-m") == "not slow" else "patient")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes `-n auto` starts: as many as cores and memory allow. Each gets its share of threads."""
    import psutil

    from aitex_utils.commands.launching import core_limits, memory_limit

    cores = max(1, int(core_limits()[1]))
    memory = min(psutil.virtual_memory().available, memory_limit())
    workers = int(max(1, min(cores, MOST_WORKERS, memory // MEMORY_OF_A_WORKER)))
    os.environ.setdefault("OMP_NUM_THREADS", str(cores // workers))  # more threads than cores wait for each other
    return workers


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of a notebook, which share a cache, run in one process, and those of a module with no other group.

    The longest come first: those that execute notebooks, kill processes and fuzz. So no process has much left to do
    when the others are done.
    """
    for item in items:
        source = getattr(item, "callspec", None) and item.callspec.params.get("source")
        is_executed = isinstance(source, Path) and item.get_closest_marker("slow") is not None
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(source.stem if is_executed else item.path.name))
        item.stash[IS_LONG] = is_executed or item.path.name in LONG
    items.sort(key=lambda item: not item.stash[IS_LONG])


@pytest.fixture(scope="session")
def aitex_root() -> Path:
    """Return the folder of real strips: `AITEX_ROOT`, or `../shared/aitex` beside the project; else skip the test."""
    for folder in (os.environ.get("AITEX_ROOT"), ROOT.parent / "shared" / "aitex"):
        if folder and (Path(folder) / "NODefect_images").is_dir():
            return Path(folder)
    pytest.skip("no real AITEX strips: set AITEX_ROOT to the folder that holds NODefect_images")


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of caches, one per notebook: its first run fills it, and later runs and its claims are quick."""
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(scope="session")
def gpu() -> str:
    """Return the name of the GPU's device, or skip the test."""
    from aitex_utils.safety.devices import check_device

    device = check_device("auto")
    if device == "cpu":
        pytest.skip("it needs a GPU: run `python course.py test -m gpu` on a machine that has one")
    return device


@pytest.fixture(scope="session")
def small_practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a practice fabric of one weave with three normal and four defective strips, made once for all tests."""
    from aitex_utils.practice.generate import make_practice_fabric

    folder = tmp_path_factory.mktemp("practice") / "practice"
    return make_practice_fabric(folder, seed=1, fabrics=1, normal=3, defective=4)


@pytest.fixture(scope="session")
def small_photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return eight practice photographs of each kind and twelve of each later set, made once for tests to copy."""
    from aitex_utils.practice.photographs import make_photographs

    folder = tmp_path_factory.mktemp("photographs") / "pictures"
    return make_photographs(folder, good=8, test_good=8, defective=8, later=12)


@pytest.fixture(scope="module")
def few_resamples() -> Iterator[None]:
    """Compute the intervals of the command `inspect`, which have their own tests, from few resamples."""
    from aitex_utils.commands import inspect

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "measure", functools.partial(inspect.measure, n_resamples=20))
        yield


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Use one thread, the fastest for small tiles: two would spend their time waiting for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
