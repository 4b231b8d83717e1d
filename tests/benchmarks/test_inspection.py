"""The benchmark of `inspect`: rates counted by hand, stains without a trace in grey, equal scores from the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import inspection
import numpy as np
import pytest
import tables_inspection
from inspection import PictureRule, realised_rates, same_scores, tinted, with_stain, write_pictures
from woven import woven

from aitex_utils.errors import InputError

pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = {"size": 96, "coreset_ratio": 0.02}


def pictures(count: int, side: int = 64) -> np.ndarray:
    return woven(count, 0, side, side)


def test_rates_are_counted_over_the_splits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inspection, "RULE", PictureRule(side=None, tile_size=64, overlap=0))
    tiles, flagged = pictures(16), iter([True] * 2 + [False] * 14)
    monkeypatch.setattr(
        inspection, "find_threshold", lambda scores, rate: (-np.inf if next(flagged) else np.inf, "", True)
    )
    measured = realised_rates(tiles, 16, **QUICK)
    assert measured["rates"] == [1.0, 1.0] + [0.0] * 14  # every new picture is flagged, or none
    assert measured["realised"] == 2 / 16
    assert (measured["fitted"], measured["held_out"], measured["new"]) == (4, 4, 8)
    assert measured["interval"][0] < 2 / 16 < measured["interval"][1]


def test_a_stain_differs_in_hue_only():
    cloth = tinted(pictures(1, 256))[0]
    stained = with_stain(cloth, np.random.default_rng(0))
    difference = stained.astype(int) - cloth
    assert difference[..., 0].max() == inspection.HUE and difference[..., 2].min() == -inspection.HUE
    grey, grey_stained = (cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(int) for one in (cloth, stained))
    assert np.abs(grey - grey_stained).max() <= 1  # rounding
    assert 0.01 < (difference != 0).any(axis=-1).mean() < 0.2


def test_pictures_come_back_from_their_files(tmp_path: Path):
    colours = tinted(pictures(2))
    folder = write_pictures(tmp_path / "colours", colours)
    read = [cv2.imread(str(path))[..., ::-1] for path in sorted(folder.iterdir())]
    np.testing.assert_array_equal(read, colours)


@pytest.mark.slow
def test_the_command_gives_the_scores_of_its_detector(tmp_path: Path):
    clean = pictures(12, 256)
    defective = clean[:2].copy()
    defective[:, 100:150, 60:120] = 10
    measured = same_scores(clean, defective, tmp_path)
    assert measured["pictures"] == 8 and measured["auroc"] == 1.0
    assert measured["largest_difference"] == pytest.approx(0, abs=1e-6)


def test_a_count_that_differs_from_anomalibs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class OnePicture:
        def run_script(self, *arguments: Any) -> dict[str, np.ndarray]:
            return {"scores": np.zeros(1)}

    monkeypatch.setattr(inspection, "AnomalibRunner", OnePicture)
    with pytest.raises(InputError, match="^anomalib judged 1 pictures, not 200"):
        inspection.anomalib_on_folders(tmp_path, 256, 0.1)


def test_the_tables_show_what_was_measured(monkeypatch: pytest.MonkeyPatch):
    promise = {"fabric": "00", "fitted": 5, "held_out": 6, "new": 10, "promised": 0.05, "realised": 0.05}
    promise |= {"interval": [0.01, 0.1], "rates": [0.0, 0.1]}
    size = {"seconds": {"check": 1.0, "fit": 20.0, "calibrate": 3.0, "judge": 40.0, "report": 6.0}, "peak_gib": 1.25}
    size |= {"good": 30, "judged": 90}
    size["anomalib"] = [{"size": 256, "coreset_ratio": 0.1, "seconds": {"fit": 7, "predict": 8}, "peak_gib": 2}]
    results = {"promise": promise, "size": size, "colour": {"colour": 1.0, "grey": 0.4}}
    monkeypatch.setattr(tables_inspection, "read_results", lambda name: results)
    rows = {name: table().splitlines()[2:] for name, table in tables_inspection.TABLES.items()}
    assert rows["inspection_promise"] == ["| 00 | 5 | 6 | 10 | 2 | 5 % | 5.0 % (1.0 to 10.0) | 0.0 % | 10.0 % |"]
    assert rows["inspection_colour"] == ["| colour | 1.000 |", "| grey | 0.400 |"]
    assert rows["inspection_size"] == [
        "| `inspect` | 30 | 90 | 20 s | 40 s | 10 s | 1.2 GiB |",
        "| anomalib, resized to 256 px, ratio 10 % | 30 | 90 | 7 s | 8 s |  | 2.0 GiB |",
    ]
