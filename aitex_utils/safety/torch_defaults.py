"""PyTorch's own defaults, whatever another library of the same process has set."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

_LOCK = threading.Lock()
_inside = 0  # blocks that run now, in all threads
_restore = contextlib.ExitStack()  # closed by the last of them


@contextlib.contextmanager
def torch_defaults() -> Iterator[None]:
    """Run a block in float32, without autocast and with full precision, and restore the settings after it.

    New tensors are made on the CPU unless they name a device. `torch.set_default_dtype`, `torch.set_default_device`,
    `torch.set_float32_matmul_precision` and `torch.autocast` hold for a whole process or thread. Without this function
    they would change the patches, or break the network. GPUs of NVIDIA convolve in TF32 by default, with 10 bits after
    the leading one instead of 23. Here they do not. Works as a context manager and as a decorator. Several threads can
    be in such a block at once: the last to leave restores the settings of the process.

    Yields
    ------
    None

    Examples
    --------
    >>> import torch
    >>> torch.set_default_dtype(torch.float64)
    >>> with torch_defaults():
    ...     torch.zeros(1).dtype
    torch.float32
    >>> torch.zeros(1).dtype
    torch.float64
    >>> torch.set_default_dtype(torch.float32)
    """
    import torch

    device = torch.device("cpu")
    on_cpu = contextlib.nullcontext() if torch.get_default_device() == device else device  # a device slows each call
    with _settings_of_the_process(), on_cpu, torch.autocast("cpu", enabled=False), _no_autocast_on_gpu():
        yield


@contextlib.contextmanager
def _settings_of_the_process() -> Iterator[None]:
    """Set what holds for all threads, and restore it when no thread needs it any more."""
    global _inside, _restore
    import torch

    with _LOCK:
        if _inside == 0:
            with contextlib.ExitStack() as stack:
                stack.callback(torch.set_default_dtype, torch.get_default_dtype())
                stack.enter_context(_full_float32())
                _restore = stack.pop_all()
        torch.set_default_dtype(torch.float32)
        _inside += 1
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if _inside == 0:
                _restore.close()


@contextlib.contextmanager
def _no_autocast_on_gpu() -> Iterator[None]:
    """Put autocast aside on the GPUs where a user has it on."""
    import torch

    kinds = [kind for kind in ("cuda", "mps") if torch.amp.is_autocast_available(kind)]
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextlib.contextmanager
def _full_float32() -> Iterator[None]:
    """Multiply and convolve float32 in float32, whatever precision was allowed before."""
    import torch

    mkldnn, cudnn = torch.backends.mkldnn, torch.backends.cudnn
    if not hasattr(mkldnn, "matmul"):  # before torch 2.9
        before = torch.get_float32_matmul_precision(), cudnn.allow_tf32
        torch.set_float32_matmul_precision("highest")
        cudnn.allow_tf32 = False
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before[0])
            cudnn.allow_tf32 = before[1]
        return
    # Not the older functions: they raise an error once a user has set a precision in the newer way.
    parts = (mkldnn.matmul, mkldnn.conv, cudnn.conv)
    with _full_float32_products_on_cuda():
        precisions = [part.fp32_precision for part in parts]
        try:
            for part in parts:
                part.fp32_precision = "ieee"
            yield
        finally:
            for part, precision in zip(parts, precisions, strict=True):
                part.fp32_precision = precision


@contextlib.contextmanager
def _full_float32_products_on_cuda() -> Iterator[None]:
    """Put TF32 aside in matrix products, in the way in which a user allowed it: PyTorch refuses a mixture of both."""
    import torch

    matmul = torch.backends.cuda.matmul
    if matmul.fp32_precision != "tf32":
        yield
        return
    try:
        is_older_way = matmul.allow_tf32
    except RuntimeError:
        is_older_way = False
    before = torch.get_float32_matmul_precision() if is_older_way else "tf32"
    try:
        if is_older_way:
            torch.set_float32_matmul_precision("highest")
        else:
            matmul.fp32_precision = "ieee"
        yield
    finally:
        if is_older_way:
            torch.set_float32_matmul_precision(before)
        else:
            matmul.fp32_precision = before
