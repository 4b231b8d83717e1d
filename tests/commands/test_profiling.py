"""Seconds by step with a clock set by hand, and versions."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from aitex_utils.commands import profiling
from aitex_utils.commands.profiling import Stopwatch, versions


def test_steps_are_added_up_in_order_of_first_use(monkeypatch: pytest.MonkeyPatch):
    clock = iter([10.0, 12.5, 20.0, 21.0, 30.0, 30.25])
    monkeypatch.setattr(profiling.time, "perf_counter", lambda: next(clock))
    watch = Stopwatch()
    for name in ("fit", "score", "fit"):
        with watch.step(name):
            pass
    assert list(watch.seconds.items()) == [("fit", 2.75), ("score", 1.0)]


def test_a_failing_step_is_timed_too(monkeypatch: pytest.MonkeyPatch):
    clock = iter([1.0, 4.0])
    monkeypatch.setattr(profiling.time, "perf_counter", lambda: next(clock))
    watch = Stopwatch()
    with pytest.raises(KeyError), watch.step("fit"):
        raise KeyError
    assert watch.seconds == {"fit": 3.0}


def test_versions():
    installed = versions()
    assert installed["numpy"] == np.__version__
    assert installed["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"torch", "faiss-cpu", "scikit-learn", "opencv"} <= installed.keys()
    assert all(version[0].isdigit() for version in installed.values())


@pytest.mark.parametrize("found", ["1.9.0", None])
def test_the_versions_of_other_builds(monkeypatch: pytest.MonkeyPatch, found: str | None):
    """As conda's, whose packages have other names."""
    monkeypatch.setattr(profiling, "installed_version", lambda name: ("another", found))
    assert versions()["opencv"] == versions()["faiss-cpu"] == (found or "unknown")
