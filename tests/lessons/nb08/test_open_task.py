"""The worked answer of the open task: what it predicts and reports is what its code measures."""

from __future__ import annotations

import re

import numpy as np
import pytest
from lesson_cells import source_of

from aitex_utils import calibration
from aitex_utils.lessons.nb08.setup import load_maps

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_limit_is_as_the_text_says():
    text = source_of("08").read_text(encoding="utf-8")
    assert text.count("2.5 times its median") + text.count("2.5\n# times its median") == 2
    assert calibration.BACKGROUND_LIMIT == 2.5


@pytest.mark.slow
def test_the_report_says_what_the_code_measures():
    text = source_of("08").read_text(encoding="utf-8")
    answer = text[text.index("*Prediction*: H is 256.") :]
    code = re.sub(r"^# ?", "", re.search(r"# ```python\n(.*?)# ```", answer, re.DOTALL)[1], flags=re.MULTILINE)
    normal_map = load_maps("two poolings", background=None).calibration[0]
    names = {"np": np, "normal_map": normal_map, "module_subtraction": calibration.subtract_background}
    exec(code.partition("strip_width =")[0], names)
    remaining, width = names["remaining"], normal_map.shape[1]
    background = normal_map - calibration.subtract_background(normal_map, 0.25)
    assert np.median(background) == pytest.approx(0.6, abs=0.05)
    assert 2.5 * np.median(background) == pytest.approx(1.5, abs=0.1)
    for score, beyond in ((0.5, 0.0), (3, 2 / 3)):
        for column in (600, 1200, 1800):
            assert remaining(score, 256, 256, column, row=0) > 0.9
            assert remaining(score, 256, 288, column, row=0) == pytest.approx(beyond, abs=0.06)
        for row in (50, 100, 150):
            assert remaining(score, 32, width, 0, row) > 0.9
            assert remaining(score, 40, width, 0, row) == pytest.approx(beyond, abs=0.06)
            assert remaining(score, 64, width // 2, 300, row) > 0.9
