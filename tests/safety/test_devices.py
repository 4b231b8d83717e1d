"""Devices: names, refusals where there is no such device, and batches that are halved until they fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils.errors import InputError
from aitex_utils.safety import devices
from aitex_utils.safety.devices import check_device, halve_where_full, why_unusable
from aitex_utils.safety.out_of_memory import OutOfMemoryError, explain_memory

TILES = np.arange(20 * 6, dtype=np.uint8).reshape(20, 2, 3)


# Names


def give(monkeypatch: pytest.MonkeyPatch, *there: str, broken: tuple[str, ...] = ()) -> None:
    """Let PyTorch say that some devices are there, and that it cannot compute on some of them."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)
    usable = {"cpu", *there} - set(broken)
    monkeypatch.setattr(devices, "why_unusable", lambda name: "" if name in usable else "no kernel image")


@pytest.mark.parametrize(
    ("there", "broken", "expected"),
    [
        ((), (), "cpu"),
        (("cuda",), (), "cuda"),
        (("mps",), (), "cpu"),  # not tested on such a computer: only for those who ask for it
        (("cuda", "mps"), (), "cuda"),
        (("cuda",), ("cuda",), "cpu"),
    ],
)
def test_auto_takes_a_gpu_that_works(
    there: tuple[str, ...], broken: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
):
    give(monkeypatch, *there, broken=broken)
    assert check_device("auto") == expected


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_the_cpu_is_always_there(device: str):
    assert check_device(device) == device and why_unusable(device) == ""


def test_a_gpu_that_is_there_keeps_its_name(monkeypatch: pytest.MonkeyPatch):
    give(monkeypatch, "cuda", "cuda:1", "mps")
    assert [check_device(name) for name in ("cuda", "cuda:1", "mps")] == ["cuda", "cuda:1", "mps"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
def test_cuda_is_refused_where_there_is_none(device: str):
    with pytest.raises(InputError, match=f"^device is '{device}', but PyTorch cannot compute there .*device='auto'"):
        check_device(device)


def test_a_gpu_that_is_too_old_for_pytorch_is_refused(monkeypatch: pytest.MonkeyPatch):
    give(monkeypatch, "cuda", broken=("cuda",))
    with pytest.raises(InputError, match=r"cannot compute there \(no kernel image\): take device='auto'"):
        check_device("cuda")


@pytest.mark.parametrize(
    "device", ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:1 ", "cuda:٣", "cuda:1000", "cpu:1", "mps:0", 0, None, True]
)
def test_other_names_are_refused(device: object):
    with pytest.raises(InputError, match="^device is .*: choose auto, cpu, cuda, cuda:1 for a second GPU, or mps.$"):
        check_device(device)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            RuntimeError("Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU"),
            "Found no NVIDIA driver on your system",
        ),
        (
            RuntimeError("CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors"),
            "CUDA error: no kernel image is available for execution on the device",
        ),
        (AssertionError("Torch not compiled with CUDA enabled"), "Torch not compiled with CUDA enabled"),
    ],
)
def test_the_reason_is_the_first_sentence_of_pytorch_s_error(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch, "ones", fail)
    assert why_unusable("cuda") == reason


# Batches


def memory_for(most: int, error: Callable[[], Exception]) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that doubles up to `most` tiles, and raises an error for more."""

    @explain_memory()
    def double(batch: np.ndarray) -> np.ndarray:
        if len(batch) > most:
            raise error()
        return 2.0 * batch

    return double


ERRORS = [
    lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    lambda: RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
]


@pytest.mark.parametrize("error", ERRORS)
def test_a_batch_is_halved_until_it_fits_with_one_warning(error: Callable[[], Exception]):
    batches = [TILES[:8], TILES[8:16], TILES[16:]]
    with pytest.warns(UserWarning, match="memory of cuda .* batch of 8 tiles, and 2 fitted: set batch_size=2") as seen:
        parts = list(halve_where_full(memory_for(3, error), batches, "cuda"))
    assert len(seen) == 1 and [len(part) for part in parts] == [2] * 10
    np.testing.assert_array_equal(np.concatenate(parts), 2.0 * TILES)


def test_batches_that_fit_stay_whole_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts = list(halve_where_full(memory_for(8, ERRORS[0]), [TILES[:8], TILES[8:11]], "cuda"))
    assert [len(part) for part in parts] == [8, 3]


def test_a_single_tile_that_does_not_fit_is_refused():
    message = "^The memory of cuda:1 is too small for a single tile of 2 x 3 px: .*size.*device='cpu'"
    with pytest.raises(OutOfMemoryError, match=message):
        list(halve_where_full(memory_for(0, ERRORS[0]), [TILES], "cuda:1"))


def test_other_errors_pass_unchanged():
    error = RuntimeError("CUDA error: device-side assert triggered")
    with pytest.raises(RuntimeError) as caught:
        list(halve_where_full(memory_for(3, lambda: error), [TILES], "cuda"))
    assert caught.value is error


@given(most=st.integers(1, 9), sizes=st.lists(st.integers(1, 9), max_size=5))
def test_all_tiles_come_once_and_in_order_in_parts_that_fit(most: int, sizes: list[int]):
    ends = np.cumsum([0, *sizes])
    tiles = np.arange(ends[-1])
    batches = [tiles[begin:end] for begin, end in zip(ends, ends[1:], strict=False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = list(halve_where_full(memory_for(most, ERRORS[0]), batches, "cuda"))
    assert all(1 <= len(part) <= most for part in parts)
    np.testing.assert_array_equal(np.concatenate([[], *parts]), 2.0 * tiles)


def test_memory_of_a_gpu_that_ran_out_elsewhere_names_the_cpu():
    with pytest.raises(OutOfMemoryError, match="take device='cpu', give fewer"), explain_memory():
        raise torch.OutOfMemoryError("CUDA out of memory.")
    with pytest.raises(OutOfMemoryError, match=r"\): give fewer"), explain_memory():
        raise MemoryError("here")
