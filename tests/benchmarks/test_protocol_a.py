"""Protocol A: fabrics are pooled, a quarter of the normal tiles is held out, and only fabric raises an alarm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from protocol_a import protocol_a
from protocols import read_fabric_tiles

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
def test_a_quarter_of_the_normal_tiles_is_tested_and_the_bed_raises_no_alarm(
    small_practice: Path, small_fabric: str, quick: dict[str, Any]
):
    (result,) = protocol_a(small_practice, [small_fabric], [0], quick)
    tiles = read_fabric_tiles(small_practice, small_fabric, crop=False)
    assert (~result.labels).sum() == round(0.25 * len(tiles.clean))
    assert result.labels.sum() == len(tiles.defective)
    assert not any(result.strips[i].is_normal for i in result.tile_strips[result.labels])
    (everywhere,) = protocol_a(small_practice, [small_fabric], [0], quick, find_fabric=False)
    np.testing.assert_array_equal(everywhere.labels, result.labels)
    defective = slice(-len(tiles.defective), None)
    maps = zip(result.maps[defective], everywhere.maps[defective], tiles.defective.spans, strict=True)
    for masked, plain, (start, stop) in maps:
        np.testing.assert_array_equal(masked[:, start:stop], plain[:, start:stop])
        assert not masked[:, :start].any() and not masked[:, stop:].any()
    assert (tiles.defective.spans[:, 1] < 256).any() or (tiles.defective.spans[:, 0] > 0).any()
    clean = [values for values, label in zip(result.maps, result.labels, strict=True) if not label]
    assert sum(0 < (values == 0).all(axis=0).sum() < 256 for values in clean) > 0  # the edge of the fabric
    assert (everywhere.scores >= result.scores).all() and (everywhere.scores > result.scores).any()


@pytest.mark.slow
def test_strips_of_several_fabrics_are_numbered_through(small_practice: Path, small_fabric: str, quick: dict[str, Any]):
    (result,) = protocol_a(small_practice, [small_fabric, small_fabric], [0], quick)
    half = len(result.strips) // 2
    assert result.strips[:half] == result.strips[half:]
    assert (result.tile_strips[result.labels] < half).sum() * 2 == result.labels.sum()
