"""Fits in blocks for the tests of `aitex_utils.scale`: small strips, processes of workers, equality to the last bit."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from woven import woven

from aitex_utils import PatchCore

SIDE = 64


def small_strips(n: int = 6, width: int = 320, seed: int = 11) -> list[np.ndarray]:
    """Return n strips (64, width)."""
    return list(woven(n, seed, SIDE, width))


def fitted(strips, **options) -> PatchCore:
    """Return a detector that was fitted on strips, in blocks of about two strips of 320 px by default."""
    options = {"block_size": 600, **options}
    return PatchCore(size=SIDE, device="cpu").fit_strips(strips, tile_size=SIDE, **options)


def assert_equal(one: PatchCore, other: PatchCore) -> None:
    """Raise an error unless two detectors are equal bit for bit."""
    assert len(one.banks_) == len(other.banks_)
    for left, right in zip(one.banks_, other.banks_, strict=True):
        np.testing.assert_array_equal(left.vectors_, right.vectors_)
    np.testing.assert_array_equal(one.position_scale_, other.position_scale_)
    assert (one.radius_, one.tile_shape_, one.fitted_on_strips_) == (
        other.radius_,
        other.tile_shape_,
        other.fitted_on_strips_,
    )


def worker_processes(parent: int | None = None) -> list[psutil.Process]:
    """Return the spawned processes below a process, without the trackers of Python's multiprocessing."""
    found = []
    for process in psutil.Process(parent).children(recursive=True):
        try:
            if "spawn_main" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def finished_blocks(folder: Path) -> int:
    """Return the number of finished blocks in the folder of a fit."""
    return len(list((folder / "blocks").glob("block-*")))


def dask_client(n_workers: int = 2) -> Any:
    """Start a Dask cluster, or skip the test."""
    import pytest  # here alone, because workers import this module

    pytest.importorskip("distributed", reason="Dask is not installed: `python course.py scale` installs it")
    from aitex_utils.scale.cluster import start_cluster

    return start_cluster(n_workers, dashboard=False)


def log_error(words: str) -> None:
    """Let a worker log an error in the name of Dask."""
    import logging

    for name in ("distributed.worker", "distributed.nanny", "distributed.core"):
        logging.getLogger(name).error(words)


def dask_setting(name: str) -> Any:
    """Return a setting of Dask in the worker."""
    import dask

    return dask.config.get(name)


def echo_variable(name: str) -> str | None:
    """Return an environment variable of the worker."""
    return os.environ.get(name)


def die() -> None:
    """End the worker as a kill does."""
    os._exit(9)


def die_once(place: str) -> str:
    """End the worker at the first call, and return at the second."""
    path = Path(place)
    if not path.exists():
        path.touch()
        os._exit(9)
    return "done"


def die_while_answering(length: int) -> bytes:
    """End the worker when half of its answer of so many bytes is on its way."""
    from multiprocessing.connection import Connection

    def send_half(connection: Connection, data: bytes) -> None:
        if len(data) > length:
            os.write(connection.fileno(), bytes(data)[: length // 2])
            os._exit(9)
        os.write(connection.fileno(), data)

    Connection._send = send_half
    return bytes(length)


def fail(message: str) -> None:
    """Raise an error of the job itself."""
    raise ValueError(message)


def take_memory(gib: float, seconds: float) -> int:
    """Take memory for some time."""
    taken = np.ones(int(gib * 2**27))
    time.sleep(seconds)
    return len(taken)


def sleep(seconds: float) -> float:
    """Sleep, and return for how long."""
    time.sleep(seconds)
    return seconds
