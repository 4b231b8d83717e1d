"""Results are written where they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import results_files
from PIL import Image

from aitex_utils.plots import make_axes


def test_results_are_written_where_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    assert results_files.read_results_if_any("tried") == {}
    with pytest.raises(FileNotFoundError):
        results_files.read_results("tried")
    results_files.write_results("tried", {"b": [1, 2.5], "a": None})
    assert (
        results_files.read_results("tried") == results_files.read_results_if_any("tried") == {"b": [1, 2.5], "a": None}
    )
    assert (tmp_path / "tried.json").read_text(encoding="utf-8").endswith("}\n")


def test_all_floats_are_rounded():
    nested = {5: [0.123456, np.float32(0.5)], "n": 3, "name": ("a", None, True)}
    assert results_files.rounded(nested, 3) == {"5": [0.123, 0.5], "n": 3, "name": ["a", None, True]}


def test_a_figure_carries_its_caption(tmp_path: Path):
    results_files.write_figure(make_axes(1, 1, (2, 1))[0], "An empty axis.", tmp_path / "empty.png")
    with Image.open(tmp_path / "empty.png") as image:
        assert image.info["Description"] == "An empty axis." and "Software" not in image.info
