"""Seconds and peak memory of a piece of work, for tables and benchmarks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def peak_memory_mib() -> float:
    """Return the most memory this process has held so far, in MiB."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    if sys.platform == "linux":  # getrusage would count what the process that started this one held
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes, Linux KiB


class Stopwatch:
    """Seconds by name of step, in the order in which the steps were first taken.

    >>> watch = Stopwatch()
    >>> with watch.step("fit"):
    ...     pass
    >>> list(watch.seconds)
    ['fit']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time of the block to the step `name`."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin


def versions() -> dict[str, str]:
    """Return the versions that figures depend on: Python and the packages that compute."""
    import platform
    from importlib.metadata import version

    names = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "timm", "faiss-cpu", "pillow")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
