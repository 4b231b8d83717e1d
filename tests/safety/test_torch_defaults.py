"""Settings of PyTorch that another library made: they change no patches, and are found again afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from aitex_utils import PatchCore, PatchFeatures
from aitex_utils.safety.torch_defaults import torch_defaults

TILES = np.random.default_rng(0).integers(0, 256, (2, 64, 64), np.uint8)
pytestmark = pytest.mark.usefixtures("one_thread", "restored")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restore PyTorch's settings after a test."""
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(False)
    torch.set_grad_enabled(True)


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return PatchFeatures(size=96, pooling=((3,), (1,))).transform(TILES)


SETTINGS = [
    lambda: torch.set_default_dtype(torch.float64),
    lambda: torch.set_default_dtype(torch.bfloat16),
    lambda: torch.set_default_device("meta"),
    lambda: torch.set_float32_matmul_precision("medium"),
    lambda: torch.use_deterministic_algorithms(True),
    lambda: torch.set_grad_enabled(False),
]


@pytest.mark.slow
@pytest.mark.parametrize("change", SETTINGS)
def test_patches_do_not_depend_on_the_settings(change: Callable[[], None], expected: np.ndarray):
    before = PatchFeatures(size=96, pooling=((3,), (1,)))
    change()
    features = PatchFeatures(size=96, pooling=((3,), (1,)))
    assert features.weights_sha256 == before.weights_sha256
    for each in (before, features):
        np.testing.assert_array_equal(each.transform(TILES), expected)
        outputs = each.layer_outputs(each.preprocess(TILES))
        assert all(output.dtype == torch.float32 and output.device.type == "cpu" for output in outputs)
    np.testing.assert_array_equal(
        features.extract_strip(np.hstack(TILES), 64).dtype, before.extract_strip(np.hstack(TILES), 64).dtype
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["timm:resnet10t", "resnet18"])
@pytest.mark.parametrize("change", SETTINGS[:3])
def test_random_weights_do_not_depend_on_the_settings(change: Callable[[], None], name: str):
    before = PatchFeatures(name, pretrained=False).weights_sha256
    change()
    assert PatchFeatures(name, pretrained=False).weights_sha256 == before


def test_autocast_changes_no_patches(expected: np.ndarray):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_array_equal(PatchFeatures(size=96, pooling=((3,), (1,))).transform(TILES), expected)


@pytest.mark.skipif(not hasattr(torch.backends.mkldnn, "matmul"), reason="torch has no such setting before 2.9")
def test_a_precision_set_in_the_newer_way_is_put_aside_too(expected: np.ndarray):
    parts = (torch.backends.mkldnn.matmul, torch.backends.mkldnn.conv)
    before = [part.fp32_precision for part in parts]
    try:
        for part in parts:
            part.fp32_precision = "bf16"
        np.testing.assert_array_equal(PatchFeatures(size=96, pooling=((3,), (1,))).transform(TILES), expected)
        assert [part.fp32_precision for part in parts] == ["bf16", "bf16"]
    finally:
        for part, precision in zip(parts, before, strict=True):
            part.fp32_precision = precision


def precisions_on_cuda() -> tuple[str, str]:
    return torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision


def allow_in_the_newer_way() -> None:
    torch.backends.cuda.matmul.fp32_precision = torch.backends.cudnn.conv.fp32_precision = "tf32"


@pytest.mark.skipif(not hasattr(torch.backends.mkldnn, "matmul"), reason="torch has no such setting before 2.9")
@pytest.mark.parametrize(
    "allow", [lambda: None, lambda: torch.set_float32_matmul_precision("medium"), allow_in_the_newer_way]
)
def test_a_gpu_does_not_compute_in_tf32(allow: Callable[[], None]):
    """The settings exist without a GPU too. By default convolutions use TF32, and a user can allow it for products."""
    allow()
    try:
        before = precisions_on_cuda()
        assert before[1] == "tf32"
        with torch_defaults():
            assert "tf32" not in precisions_on_cuda()
        assert precisions_on_cuda() == before
    finally:
        torch.backends.cuda.matmul.fp32_precision = "none"


def test_tf32_that_was_allowed_in_the_older_way_is_put_aside_in_that_way():
    """PyTorch's own code asks in the older way too, and a mixture of both would be an error there."""
    torch.set_float32_matmul_precision("high")
    with torch_defaults():
        assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cuda.matmul.allow_tf32 and torch.get_float32_matmul_precision() == "high"


def test_autocast_of_a_gpu_is_put_aside():
    torch.set_autocast_enabled("cuda", True)
    try:
        with torch_defaults():
            assert not torch.is_autocast_enabled("cuda")
        assert torch.is_autocast_enabled("cuda")
    finally:
        torch.set_autocast_enabled("cuda", False)


def test_the_settings_are_restored_after_an_error_too():
    torch.set_default_dtype(torch.float64)
    torch.set_float32_matmul_precision("medium")
    with pytest.raises(KeyboardInterrupt), torch_defaults():
        assert torch.zeros(1).dtype == torch.float32
        raise KeyboardInterrupt
    assert torch.get_default_dtype() == torch.float64 and torch.get_float32_matmul_precision() == "medium"


def test_a_caller_of_iter_patches_keeps_its_settings():
    torch.set_default_dtype(torch.float64)
    for _ in PatchFeatures(size=64, batch_size=1).iter_patches(TILES):
        assert torch.zeros(1).dtype == torch.float64 and torch.is_grad_enabled()


@pytest.mark.slow
@pytest.mark.parametrize("change", SETTINGS[:3])
def test_a_detector_fitted_under_other_settings_predicts_alike(change: Callable[[], None]):
    recipe = {"size": 64, "coreset_ratio": 0.2, "normalize_positions": False}
    expected = PatchCore(**recipe).fit(TILES).predict(TILES).maps
    change()
    np.testing.assert_array_equal(PatchCore(**recipe).fit(TILES).predict(TILES).maps, expected)


@pytest.mark.skipif(not hasattr(torch.backends.mkldnn, "matmul"), reason="torch has no such setting before 2.9")
def test_threads_that_overlap_restore_the_settings():
    """The first thread to begin is the first to end, so the second must not restore what the first had set."""
    first_is_in, second_is_in = threading.Event(), threading.Event()
    dtypes = []

    def first() -> None:
        with torch_defaults():
            first_is_in.set()
            second_is_in.wait(60)

    def second() -> None:
        first_is_in.wait(60)
        with torch_defaults():
            second_is_in.set()
            threads[0].join(60)
            dtypes.append(torch.get_default_dtype())

    torch.set_default_dtype(torch.float64)
    before = torch.backends.cudnn.conv.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision
    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    after = torch.backends.cudnn.conv.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision
    assert dtypes == [torch.float32] and torch.get_default_dtype() == torch.float64 and after == before
