"""Protocol C: split by strip, and evaluated by the masks that are known."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import protocol_c as protocol_c_module
import pytest
from protocol_c import evaluate_strips, protocol_c

from aitex_utils.commands.protocol_c import score_strips, split_protocol_c
from aitex_utils.errors import InputError
from aitex_utils.patchcore import StripResult
from aitex_utils.strips import list_strips

pytestmark = pytest.mark.usefixtures("one_thread")
CORNERS, REGION = np.array([[0, 1000], [0, 1256]]), (1000, 1512)


class Brightness:
    """A detector whose map is the strip's grey values in two tiles."""

    def predict_strip(self, strip: np.ndarray) -> StripResult:
        values = np.full(strip.shape, np.nan, np.float32)
        values[:, slice(*REGION)] = strip[:, slice(*REGION)]
        return StripResult(values, 7.0, np.array([1.0, 2.0]), CORNERS, REGION)


def test_maps_masks_and_labels_are_those_of_the_tested_strips(small_practice: Path):
    strips = list_strips(small_practice)
    _, test = split_protocol_c(strips)
    result = evaluate_strips(strips, score_strips(Brightness(), test))
    assert set(result.strip_scores) == {strips.index(strip) for strip in test}
    assert [values.shape for values in result.maps] == [(256, 512)] * len(result.map_strips)
    known = [strip for strip in test if strip.read_known_mask() is not None]
    assert result.map_strips == [strips.index(strip) for strip in known] and len(known) < len(test)
    for number, mask in zip(result.map_strips, result.masks, strict=True):
        np.testing.assert_array_equal(mask, strips[number].read_mask()[:, slice(*REGION)])
        rows = result.tile_strips == number
        assert result.labels[rows].tolist() == [mask[:, :256].any(), mask[:, 256:].any()]


@pytest.mark.slow
@pytest.mark.parametrize("on_strips", [True, False])
def test_training_strips_are_not_tested(
    small_practice: Path, small_fabric: str, quick: dict[str, Any], on_strips: bool
):
    (result,) = protocol_c(small_practice, small_fabric, [1], quick, on_strips=on_strips)
    training, test = split_protocol_c(list_strips(small_practice, small_fabric), seed=1)
    tested = {result.strips[number].id for number in result.strip_scores}
    assert tested == {strip.id for strip in test} and not tested & {strip.id for strip in training}
    assert len(result.scores) == len(result.labels) and result.labels.any() and not result.labels.all()


@pytest.mark.slow
def test_strips_are_seen_as_a_whole_or_tile_by_tile(small_practice: Path, small_fabric: str, quick: dict[str, Any]):
    results = [next(protocol_c(small_practice, small_fabric, [0], quick, on_strips=flag)) for flag in (True, False)]
    seams = [np.abs(np.diff(result.maps[0][:, 254:258], axis=1)).mean(axis=0) for result in results]
    assert seams[0][1] < 2 * seams[0][0] and seams[1][1] > 2 * seams[1][0]  # columns 255 and 256: two tiles meet


def test_the_small_fabric_has_a_strip_without_a_mask(small_practice: Path):
    """The tests above rely on it."""
    assert any(strip.read_known_mask() is None for strip in list_strips(small_practice))


@pytest.mark.slow
def test_a_strip_that_cannot_be_used_is_named_before_the_first_fit(small_practice: Path, tmp_path: Path, monkeypatch):
    shutil.copytree(small_practice, tmp_path / "data")
    *_, last = strips = list_strips(tmp_path / "data")
    monkeypatch.setattr(protocol_c_module, "fit_fabrics", lambda *_, **__: pytest.fail("the fit began"))
    cv2.imwrite(str(last.path), np.zeros((256, 4096), np.uint8))
    with pytest.raises(InputError, match=f"^Strip {last.id}: .*no texture"):
        next(protocol_c(tmp_path / "data", strips[0].fabric, [0], {}))
    last.path.write_bytes(b"x")
    with pytest.raises(InputError, match=f"{last.path.name} cannot be read"):
        next(protocol_c(tmp_path / "data", strips[0].fabric, [0], {}))
