"""The picture of the front page, and the figure of the detectors on the practice fabric."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import picture
import pytest
import results_picture
from tables_practice import DETECTORS, FIXED, contest_caption

from aitex_utils.commands.protocol_c import ScoredStrip
from aitex_utils.patchcore import StripResult
from aitex_utils.strips import Strip


def test_the_results_have_a_marker_for_each_detector_and_fabric():
    def measures(auroc: float) -> dict:
        return {"tile_auroc_c1": auroc, "tile_auroc_c1_interval": [auroc - 0.1, auroc + 0.05]}

    aurocs = {"00": (0.9, 0.8, 0.7, 0.6), "01": (0.85, 0.75, 0.65, 0.55)}
    names = [name + FIXED for name in DETECTORS]
    contest = {"fabrics": {f: dict(zip(names, map(measures, values), strict=True)) for f, values in aurocs.items()}}
    axis = results_picture.draw(contest).axes[0]
    markers = [line for line in axis.lines if line.get_linestyle() == "None"]
    drawn = {(float(line.get_xdata()[0]), round(float(line.get_ydata()[0]))) for line in markers}
    assert drawn == {(auroc, row) for row, values in enumerate(aurocs.values()) for auroc in values}
    assert [text.get_text() for text in axis.get_legend().get_texts()] == list(DETECTORS.values())
    assert len({line.get_marker() for line in markers}) == len({line.get_color() for line in markers}) == 4
    assert "PatchCore 0.90, 0.85" in contest_caption(contest)


@pytest.mark.parametrize(
    ("code", "has_mask", "inside", "expected"),
    [("002", True, True, True), ("002", True, False, False), ("002", False, True, False), ("000", True, True, False)],
)
def test_a_defect_is_localised_if_the_map_is_highest_inside_its_mask(
    code: str, has_mask: bool, inside: bool, expected: bool
):
    values = np.full((4, 8), np.nan, np.float32)
    values[:, 2:] = 0.0
    values[1, 3] = 5.0
    mask = np.zeros((4, 8), bool)
    mask[1, 3 if inside else 5] = True
    result = StripResult(values, 5.0, np.array([5.0]), np.array([[0, 2]]), (2, 8))
    strip = Strip(f"0001_{code}_00", "00", code, Path("none"))
    assert picture.is_localised(ScoredStrip(strip, values, mask if has_mask else None, result, None)) == expected
