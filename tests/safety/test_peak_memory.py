"""Peak memory: of one process alone, in MiB on each system."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from project_root import ROOT

from aitex_utils.safety import peak_memory
from aitex_utils.safety.peak_memory import peak_memory_mib


@pytest.mark.slow
def test_peak_memory_is_that_of_this_process_alone():
    """A small process does not count the memory of the larger process that started it."""
    code = """
import numpy as np
from aitex_utils.safety.peak_memory import peak_memory_mib
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

    without_peak = "Name: python\n"  # a Linux that does not state the peak
    monkeypatch.setattr(peak_memory.Path, "read_text", lambda _: without_peak)
    monkeypatch.setattr(resource, "getrusage", lambda _: Usage)
    monkeypatch.setattr(sys, "platform", platform)
    assert peak_memory_mib() == 512


def test_linux_states_the_peak_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        peak_memory.Path, "read_text", lambda _: "VmPeak:\t 9999 kB\nVmHWM:\t  3072 kB\nVmRSS:\t 1024 kB\n"
    )
    monkeypatch.setattr(sys, "platform", "linux")
    assert peak_memory_mib() == 3
