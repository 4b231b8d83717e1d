"""A small bench, on which a run takes about a second, and runs that are made once for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_bench import FABRICS, SMALL, small_part

from aitex_utils.lessons.nb10 import contest, measuring, neighbours, panel, patches, running, runs
from aitex_utils.lessons.nb10.bench import run
from aitex_utils.lessons.nb10.runs import Run

MODULES = (contest, measuring, neighbours, panel, running, runs)  # `split` itself stays as it is


@pytest.fixture(scope="module")
def bench_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the cache folder of a module's tests."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(autouse=True)
def _small_bench(bench_cache: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Iterator[None]:
    for module in MODULES:
        if hasattr(module, "load_part"):
            monkeypatch.setattr(module, "load_part", small_part)
        if hasattr(module, "bench_fabrics"):
            monkeypatch.setattr(module, "bench_fabrics", lambda: FABRICS)
    monkeypatch.setattr(measuring, "TIMED_TILES", 2)
    monkeypatch.setattr(contest, "REPEATS", 2)
    monkeypatch.delenv("AITEX_PROFILE", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(bench_cache))
    yield
    patches.CACHE.clear()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a cache folder without any run."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    return tmp_path / "10_bench_fast"


@pytest.fixture
def small_run() -> Run:
    """Return a run, made once for each module of tests."""
    return run(**SMALL)


@pytest.fixture
def other_run() -> Run:
    """Return a run that differs in two choices."""
    return run(**SMALL | {"coreset_ratio": 0.1, "pooling": ((3,), (1,))})
