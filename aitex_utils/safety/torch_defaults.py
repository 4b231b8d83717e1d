"""PyTorch's own defaults, whatever another library of the same process has set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def torch_defaults() -> Iterator[None]:
    """Run a block in float32 on the CPU, without autocast and with full precision, and restore the settings after it.

    `torch.set_default_dtype`, `torch.set_default_device`, `torch.set_float32_matmul_precision` and `torch.autocast`
    hold for a whole process or thread. Without this function they would change the patches, or break the network.
    Works as a context manager and as a decorator.

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
        with on_cpu, torch.autocast("cpu", enabled=False), _full_float32():
            yield
    finally:
        torch.set_default_dtype(dtype)


@contextlib.contextmanager
def _full_float32() -> Iterator[None]:
    """Multiply and convolve float32 in float32, whatever precision was allowed before."""
    import torch

    mkldnn = torch.backends.mkldnn
    if not hasattr(mkldnn, "matmul"):  # before torch 2.9
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
        return
    # Not the older functions: they raise an error once a user has set a precision in the newer way.
    parts = (mkldnn.matmul, mkldnn.conv)
    precisions = [part.fp32_precision for part in parts]
    try:
        for part in parts:
            part.fp32_precision = "ieee"
        yield
    finally:
        for part, precision in zip(parts, precisions, strict=True):
            part.fp32_precision = precision
