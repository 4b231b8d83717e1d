"""The greedy coreset with PyTorch on any device, here the CPU: the choices of the reference, ties included."""

from __future__ import annotations

import numpy as np
import pytest
from clouds import clouds
from gpu_path import ON_DEVICE
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils import coreset
from aitex_utils.coreset import k_center_greedy, k_center_greedy_reference, subsample
from aitex_utils.errors import InputError
from aitex_utils.fast import torch_greedy
from aitex_utils.fast.torch_greedy import k_center_greedy_torch
from aitex_utils.streaming_coreset import composable_coreset

pytestmark = pytest.mark.usefixtures("one_thread")


@st.composite
def ties_or_clouds(draw: st.DrawFn) -> np.ndarray:
    """Draw points on a small grid, with ties and duplicates, or clusters anywhere, also far from the origin."""
    if draw(st.booleans()):
        shape = draw(st.tuples(st.integers(1, 60), st.integers(1, 3)))
        return draw(hnp.arrays(np.float32, shape, elements=st.integers(-3, 3).map(float)))
    return draw(clouds(farthest=100.0))


def test_choices_on_a_line_by_hand():
    """From 0 the choices are 12 (12 away), 7 (5 from 12), 3 (3 from 0) and 1 (1 from 0)."""
    line = np.array([[0], [1], [3], [7], [12]], np.float32)
    indices, squared_radii = k_center_greedy_torch(line, 5, 0, ON_DEVICE)
    assert indices.tolist() == [0, 4, 3, 2, 1] and squared_radii.tolist() == [144, 25, 9, 1, 0]
    assert indices.dtype == np.int64 and squared_radii.dtype == np.float32


def test_of_equally_far_points_the_lowest_index_is_chosen_and_no_point_twice():
    square = np.array([[0, 0], [0, 2], [2, 0], [0, 2], [2, 0], [0, 0]], np.float32)
    indices, squared_radii = k_center_greedy_torch(square, 6, 0, ON_DEVICE)
    assert indices.tolist() == [0, 1, 2, 3, 4, 5] and squared_radii.tolist() == [4, 4, 0, 0, 0, 0]


@settings(max_examples=60)
@given(points=ties_or_clouds(), data=st.data())
def test_the_choices_equal_the_reference(points: np.ndarray, data: st.DataObject):
    """Bit for bit on the CPU, because distances are computed from differences in float64 by both."""
    k = data.draw(st.integers(1, len(points)))
    start = data.draw(st.one_of(st.none(), st.integers(0, len(points) - 1)))
    options = {"seed": data.draw(st.integers(0, 9)), "projection": data.draw(st.sampled_from([None, 1, 4]))}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch_greedy, "BLOCK", data.draw(st.sampled_from([1, 50, 2**20])))
        indices, radii = k_center_greedy(points, k, start=start, device=ON_DEVICE, **options)
    expected, expected_radii = k_center_greedy_reference(points, k, start=start, **options)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(radii, expected_radii, rtol=1e-6)


def test_other_callers_hand_the_device_on(monkeypatch: pytest.MonkeyPatch):
    devices = []

    def choose(points: np.ndarray, k: int, first: int, device: str, **options: bool) -> tuple[np.ndarray, np.ndarray]:
        devices.append(device)
        return k_center_greedy_torch(points, k, first, device, **options)

    monkeypatch.setattr(coreset, "k_center_greedy_torch", choose)
    patches = np.random.default_rng(0).normal(size=(4, 6, 6, 8)).astype(np.float32)
    for function, arguments in ((subsample, (patches.reshape(-1, 8), 0.2)), (composable_coreset, (patches, 0.2))):
        expected, actual = (function(*arguments, seed=0, device=device) for device in ("cpu", ON_DEVICE))
        np.testing.assert_array_equal(actual.vectors, expected.vectors)
        assert actual.radius == expected.radius
    assert devices == [ON_DEVICE] * 2


def test_blocks_are_reduced_on_the_device_as_on_the_cpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aitex_utils.streaming_coreset.BLOCK_SIZE", 64)
    patches = np.random.default_rng(0).normal(size=(9, 6, 6, 8)).astype(np.float32)
    options = {"seed": 0, "memory": 1e-6, "n_branches": 2}
    expected, actual = (composable_coreset(patches, 0.1, device=device, **options) for device in ("cpu", ON_DEVICE))
    for name in ("vectors", "groups"):
        for a, b in zip(getattr(actual, name), getattr(expected, name), strict=True):
            np.testing.assert_array_equal(a, b)
    assert actual.radius == expected.radius


def test_the_bar_counts_the_choices(capsys: pytest.CaptureFixture):
    k_center_greedy_torch(np.eye(4, dtype=np.float32), 3, 0, ON_DEVICE, progress=True)
    assert "3/3" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="^device is 'gpu'"):
        k_center_greedy(np.eye(3), 2, seed=0, device="gpu")
