"""Devices for PyTorch: which one to use, and smaller batches where the memory of one is too small."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ..errors import InputError, shown
from .out_of_memory import OutOfMemoryError, first_line

DEVICE = re.compile("auto|cpu(:0)?|mps|cuda(:[0-9]{1,3})?")


def check_device(device: str) -> str:
    """Return the name of a device on which PyTorch computes.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        "cuda" is a GPU of NVIDIA or AMD, "cuda:1" the second one, and "mps" the GPU of an Apple computer. "auto" takes
        "cuda" if PyTorch can use it, else "cpu". It leaves out "mps", which was not tested on such a computer.

    Returns
    -------
    str
        Never "auto".

    Raises
    ------
    InputError
        If there is no such device, or PyTorch cannot compute on it.

    Notes
    -----
    The device is tried with one addition, because PyTorch also lists GPUs that are too old for it. "cpu:0" is PyTorch's
    other name for the CPU. It runs what is written for other devices on the CPU, so tests can compare both.

    Examples
    --------
    >>> check_device("cpu")
    'cpu'
    """
    if not isinstance(device, str) or not DEVICE.fullmatch(device):
        raise InputError(f"device is {shown(device)}: choose auto, cpu, cuda, cuda:1 for a second GPU, or mps.")
    if device == "cpu":  # always there: a memory bank need not wait for PyTorch
        return device
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() and not why_unusable("cuda") else "cpu"
    if reason := why_unusable(device):
        raise InputError(
            f"device is {device!r}, but PyTorch cannot compute there ({reason}): take device='auto', which uses a GPU "
            "only where that works."
        )
    return device


def why_unusable(device: str) -> str:
    """Return why PyTorch cannot compute on a device, or an empty text if it can.

    Parameters
    ----------
    device : str
        Name of a device, as PyTorch knows it.

    Returns
    -------
    str
        The first sentence of PyTorch's error.

    Examples
    --------
    >>> why_unusable("cpu")
    ''
    """
    import torch

    try:
        (torch.ones(1, device=device) + 1).item()
    except (RuntimeError, AssertionError) as error:
        return first_line(error).split(". ")[0].rstrip(".")
    return ""


def halve_where_full(
    work: Callable[[np.ndarray], np.ndarray], batches: Iterable[np.ndarray], device: str
) -> Iterator[np.ndarray]:
    """Yield the results of batches, and of smaller batches from the first one that does not fit into the memory.

    Parameters
    ----------
    work : callable
        Function of a batch (B, ...).
    batches : iterable of ndarray, each of shape (B, ...)
        Tiles.
    device : str
        Name of the device, for the messages.

    Yields
    ------
    ndarray
        Result of `work` for a batch or a part of it.

    Raises
    ------
    OutOfMemoryError
        If a single tile does not fit.

    Notes
    -----
    A batch is halved until it fits. Further batches begin with the size that fitted. One warning names this size.

    Examples
    --------
    >>> [part.tolist() for part in halve_where_full(np.negative, [np.arange(2), np.arange(1)], "cpu")]
    [[0, -1], [0]]
    """
    limit = None
    for batch in batches:
        begin, size = 0, min(len(batch), limit or len(batch))
        while begin < len(batch):
            part = batch[begin : begin + size]
            result = _result_if_it_fits(work, part)
            if result is not None:
                if size < min(len(batch), limit or len(batch)):
                    limit = size
                    warnings.warn(
                        f"The memory of {device} was too small for a batch of {len(batch)} tiles, and {size} fitted: "
                        f"set batch_size={size} to save time.",
                        stacklevel=2,
                    )
                yield result
                begin += len(part)
            elif len(part) > 1:
                size = len(part) // 2
            else:
                raise OutOfMemoryError(
                    f"The memory of {device} is too small for a single tile of {' x '.join(map(str, part.shape[1:]))} "
                    "px: take a smaller `size`, smaller tiles, or device='cpu'."
                )


def _result_if_it_fits(work: Callable[[np.ndarray], np.ndarray], part: np.ndarray) -> np.ndarray | None:
    """Return a result, or None if memory ran out. On return the error, and with it its tensors, is gone."""
    try:
        return work(part)
    except OutOfMemoryError:
        return None
