"""Seconds by step with a clock set by hand, memory in MiB, and versions."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from project_root import ROOT

from aitex_utils.commands import profiling
from aitex_utils.commands.profiling import Stopwatch, peak_memory_mib, versions


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


@pytest.mark.slow
def test_peak_memory_is_that_of_this_process_alone():
    """A small process does not count the memory of the larger process that started it."""
    code = """
import numpy as np
from aitex_utils.commands.profiling import peak_memory_mib
print(peak_memory_mib())
array = np.ones(200 * 2**17)  # 200 MiB
print(peak_memory_mib())
del array
print(peak_memory_mib())
"""
    own = np.ones(150 * 2**17)
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    before, during, after = map(float, process.stdout.split())
    assert 5 < before < own.nbytes / 2**20
    assert 180 < during - before < 230
    assert after > during - 5  # a peak stays; the system counts whole groups of pages


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module")
@pytest.mark.parametrize(("platform", "unit"), [("linux", 2**10), ("darwin", 2**20)])
def test_units_of_each_system(monkeypatch: pytest.MonkeyPatch, platform: str, unit: int):
    import resource

    class Usage:
        ru_maxrss = 512 * unit

    monkeypatch.setattr(profiling.Path, "read_text", lambda _: "Name: python\n")  # a Linux that does not state the peak
    monkeypatch.setattr(resource, "getrusage", lambda _: Usage)
    monkeypatch.setattr(sys, "platform", platform)
    assert peak_memory_mib() == 512


def test_linux_states_the_peak_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        profiling.Path, "read_text", lambda _: "VmPeak:\t 9999 kB\nVmHWM:\t  3072 kB\nVmRSS:\t 1024 kB\n"
    )
    monkeypatch.setattr(sys, "platform", "linux")
    assert peak_memory_mib() == 3


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
