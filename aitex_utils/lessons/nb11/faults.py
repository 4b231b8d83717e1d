"""Faults on purpose: a worker is killed in the middle of a fit, and a byte of a block is changed."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aitex_utils.errors import InputError

LOOK, PATIENCE = 0.02, 120.0  # seconds


def worker_processes(client: Any) -> list[int]:
    """Return the number of the process of each worker.

    Parameters
    ----------
    client : distributed.Client or ProcessPool
        Workers on this machine.

    Returns
    -------
    list of int

    Examples
    --------
    >>> from aitex_utils.scale.pool import ProcessPool
    >>> with ProcessPool(1) as pool:
    ...     pool.submit(os.getpid).result() in worker_processes(pool)
    True
    """
    from aitex_utils.scale.pool import ProcessPool

    if isinstance(client, ProcessPool):
        return client.process_ids()
    return list(client.run(os.getpid).values())


@contextlib.contextmanager
def kill_one_worker(client: Any, folder: str | os.PathLike, after: int = 2) -> Iterator[list[int]]:
    """Kill a worker while the body runs, once some blocks are done.

    Parameters
    ----------
    client : distributed.Client or ProcessPool
        Workers on this machine, which have been started.
    folder : path
        Folder of the fit that the body runs.
    after : int
        Number of blocks that must be done before.

    Yields
    ------
    list of int
        The number of the killed process, once it was killed.

    Examples
    --------
    >>> from aitex_utils.scale.pool import ProcessPool
    >>> with ProcessPool(1) as pool, kill_one_worker(pool, "no/such/folder") as killed:
    ...     pool.submit(pow, 2, 10).result(), killed
    (1024, [])
    """
    import psutil

    from aitex_utils.scale.fitting import BLOCKS

    killed: list[int] = []
    ended = threading.Event()
    victim = worker_processes(client)[-1:]

    def wait_and_kill() -> None:
        deadline = time.monotonic() + PATIENCE
        while not ended.wait(LOOK) and time.monotonic() < deadline:
            if victim and len(list(Path(folder, BLOCKS).glob("block-*"))) >= after:
                with contextlib.suppress(psutil.Error):
                    psutil.Process(victim[0]).kill()
                    killed.append(victim[0])
                return

    thread = threading.Thread(target=wait_and_kill, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def damage_block(folder: str | os.PathLike, number: int) -> Path:
    """Change one byte in the vectors of a block.

    Parameters
    ----------
    folder : path
        Folder of a fit.
    number : int
        Number of the block.

    Returns
    -------
    Path
        The file that was changed.

    Raises
    ------
    InputError
        If there is no such block.

    Examples
    --------
    >>> damage_block("no/such/folder", 0)
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: no/such/folder has no block 0: give the folder of a fit that has ended.
    """
    from aitex_utils.scale.fitting import BLOCKS

    found = sorted(Path(folder, BLOCKS).glob(f"block-{number:06d}-*/vectors_0.npy"))
    if not found:
        raise InputError(f"{folder} has no block {number}: give the folder of a fit that has ended.")
    with open(found[0], "r+b") as file:
        file.seek(-1, os.SEEK_END)
        (last,) = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    return found[0]
