"""Seconds and peak memory of a computation, and the versions it ran with, for tables and benchmarks."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "timm", "faiss-cpu", "pillow")
OPENCV = ("opencv-python", "opencv-python-headless")  # two builds of the same version; one is installed


def peak_memory_mib() -> float:
    """Return the largest resident memory of this process so far.

    Returns
    -------
    float
        MiB.

    Examples
    --------
    >>> peak_memory_mib() > 1
    True
    """
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    if sys.platform == "linux":  # getrusage would include the memory of the process that started this one
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes on macOS, KiB on Linux


class Stopwatch:
    """Seconds by step, in the order of their first use.

    Attributes
    ----------
    seconds : dict of str to float
        Seconds of each step so far.

    Examples
    --------
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
        """Add the time of a `with` block to a step, also if the block raises an error.

        Parameters
        ----------
        name : str
            Name of the step.

        Yields
        ------
        None
        """
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def versions() -> dict[str, str]:
    """Return the versions that results depend on: Python and the packages that compute.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> versions()["numpy"] == importlib.metadata.version("numpy")
    True
    """
    installed = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **installed, "opencv": _opencv_version()}


def _opencv_version() -> str:
    for name in OPENCV:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"  # from another source, such as conda
