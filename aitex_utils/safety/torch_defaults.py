"""PyTorch's own defaults, whatever another library of the same process has set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def torch_defaults() -> Iterator[None]:
    """Run a block in float32, without autocast and with full precision, and restore the settings after it.

    New tensors are made on the CPU unless they name a device. `torch.set_default_dtype`, `torch.set_default_device`,
    `torch.set_float32_matmul_precision` and `torch.autocast` hold for a whole process or thread. Without this function
    they would change the patches, or break the network. GPUs of NVIDIA convolve in TF32 by default, with 10 bits after
    the leading one instead of 23. Here they do not. Works as a context manager and as a decorator.

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

    dtype, device = torch.get_default_dtype(), torch.device("cpu")
    on_cpu = contextlib.nullcontext() if torch.get_default_device() == device else device  # a device slows each call
    try:
        torch.set_default_dtype(torch.float32)
        with on_cpu, torch.autocast("cpu", enabled=False), _no_autocast_on_gpu(), _full_float32():
            yield
    finally:
        torch.set_default_dtype(dtype)


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
