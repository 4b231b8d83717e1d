"""Kill a process at every step of its work on files, or at random moments, and go on in between."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from waiting import wait_until

LIMIT = 600  # seconds; a process that works longer hangs, and is ended with the signal at which it prints where it is
SLOW = 0.005  # seconds that each change of a file takes on the disk that `killed_at_random` pretends
SOON = 6 * SLOW  # seconds from a change to a kill
KILLED = 77  # exit code of a process that ends itself at a step
CHANGES = {"os.mkdir", "os.rename", "os.rmdir", "os.remove", "os.truncate"}  # audit events before a change
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, which this system cannot")


def start(action: Callable[[], object], before: Callable[[], None] = lambda: None) -> int:
    """Run `action` in a process of its own and return its number; it exits with 0, or with 1 after an error."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    _use_own_lock_of_bars()
    try:
        before()
        action()
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _use_own_lock_of_bars() -> None:
    """Let a forked process lock progress bars by itself.

    tqdm's lock is a semaphore that parent and child share, and a killed child that holds it never releases it.
    """
    from tqdm import auto, std

    for bar in (std.tqdm, auto.tqdm):
        bar.set_lock(threading.RLock())


def exit_code(pid: int) -> int:
    """Wait for a process and return its exit code, -6 if it hangs."""
    end = time.monotonic() + LIMIT
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        time.sleep(0.001)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGABRT)
            ended = os.waitpid(pid, 0)
            break
    return os.waitstatus_to_exitcode(ended[1])


def killed_at_each_step(action: Callable[[], object]) -> Iterator[int]:
    """Run `action` again and again, killed before its first, second, ... change of a file, until it ends.

    Yields the step after each kill. What a killed process left behind stays for the next one.
    """
    for step in itertools.count():
        changes = itertools.count()

        def hook(event: str, arguments: tuple, step: int = step, changes: Iterator[int] = changes) -> None:
            if _is_change(event, arguments) and next(changes) == step:
                os._exit(KILLED)

        code = exit_code(start(action, lambda hook=hook: sys.addaudithook(hook)))
        if code == 0:
            return
        assert code == KILLED
        yield step


def _is_change(event: str, arguments: tuple) -> bool:
    """Say whether an audit event comes before a change of a file."""
    is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    return event in CHANGES or bool(is_write)


def _use_slow_disk() -> None:
    """Let this process wait before each change of a file."""
    sys.addaudithook(lambda event, arguments: time.sleep(SLOW) if _is_change(event, arguments) else None)


def killed_at_random(
    action: Callable[[], object],
    kills: int,
    within: float,
    seed: int = 0,
    state: Callable[[], object] | None = None,
) -> Iterator[int]:
    """Run `action` over and over in a process and kill it within so many seconds; yield after each kill.

    Every second kill comes soon after `state` has changed. Files change slowly then, so kills meet that part of the
    work on any machine.
    """
    moments = random.Random(seed)

    def forever() -> None:
        while True:
            action()

    for number in range(kills):
        before = state() if state else None
        pid = start(forever, _use_slow_disk if state else lambda: None)
        if state and number % 2:
            wait_until(lambda before=before: state() != before, LIMIT, look=0.001)
            time.sleep(moments.uniform(0, SOON))
        else:
            time.sleep(moments.uniform(0, within))
        os.kill(pid, signal.SIGKILL)
        assert exit_code(pid) == -signal.SIGKILL
        yield number
