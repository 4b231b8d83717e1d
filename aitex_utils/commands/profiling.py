"""Seconds and peak memory of a computation, and the versions it ran with, for tables and benchmarks."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aitex_utils.commands.launching import installed_version

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "timm", "faiss-cpu", "pillow")


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
    >>> versions()["numpy"].count(".")
    2
    """
    names = {name: name for name in PACKAGES} | {"opencv": "opencv-python"}
    installed = {key: installed_version(name)[1] or "unknown" for key, name in names.items()}
    return {"python": platform.python_version(), **installed}
