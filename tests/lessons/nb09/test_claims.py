"""The words of the claims table, and of the text around it, agree with the results file."""

from __future__ import annotations

import json
import re
from typing import Any

import jupytext
import lesson_cells as lessons
import pytest

RESULTS = json.loads((lessons.builder.BENCHMARKS / "results" / "notebook_09.json").read_text(encoding="utf-8"))
SOURCE = lessons.source_of("09")
# The sign that each claim predicts for its difference. Either sign will do where it is 0.
CLAIMED = {
    "few_ssim_fixed_minus_ssim_fixed": -1,
    "patchcore_few_fixed_minus_patchcore_fixed": -1,
    "seed1_ssim_fixed_minus_ssim_fixed": 0,
    "codes_bank_fixed_minus_features_bank_fixed": -1,
    "features_bank_fixed_minus_pca_fixed": 1,
    "codes_bank_fixed_minus_pixel_fixed": 1,
    "wide_pixel_fixed_minus_pixel_fixed": -1,
    "pixel_fixed_minus_patchcore_fixed": -1,
    "ssim_fixed_minus_patchcore_fixed": -1,
}


def difference(data: str, pair: str) -> dict[str, float]:
    return RESULTS[data]["differences"][f"{pair}_c1"]


def status(values: dict[str, float], claimed: int) -> str:
    """Return the word for an interval, as it is shown: with three digits."""
    low, high = round(values["low"], 3), round(values["high"], 3)
    side = (low > 0) - (high < 0)
    if not side:
        return "open"
    return "holds" if claimed in (0, side) else "fails"


def claim_rows() -> dict[str, str]:
    """Return the last cell of each row of the claims table, by the difference in it."""
    text = "\n".join(cell.source for cell in jupytext.read(SOURCE, fmt="py:percent").cells)
    rows = [line for line in text.splitlines() if line.startswith("|") and ".differences." in line]
    found = {}
    for row in rows:
        pairs = set(re.findall(r"\.differences\.(\w+)_c1\.", row))
        assert len(pairs) == 1, row
        found[pairs.pop()] = row.rstrip("| ").rsplit("|", 1)[1].strip()
    return found


def test_every_claim_is_in_the_table():
    assert set(claim_rows()) == set(CLAIMED)


@pytest.mark.parametrize("pair", CLAIMED)
def test_the_word_of_a_claim_follows_from_its_intervals(pair: str):
    practice, aitex = (status(difference(data, pair), CLAIMED[pair]) for data in ("practice", "aitex"))
    expected = f"{practice} on both" if practice == aitex else f"practice {practice}, AITEX {aitex}"
    assert claim_rows()[pair] == expected


def mean(data: str, name: str) -> dict[str, Any]:
    return RESULTS[data]["mean"][name]


def test_what_the_text_says_of_the_edges():
    for data in ("practice", "aitex"):
        for name in ("patchcore", "pixel", "ssim"):
            assert mean(data, name)["peaks_in_frame"] > 0.95
        gains = {
            name: mean(data, f"{name}_fixed")["tile_auroc_c1"] - mean(data, name)["tile_auroc_c1"]
            for name in ("pixel", "ssim", "pca", "patchcore")
        }
        assert 0 < gains.pop("patchcore") < 0.1 < min(gains.values()), data


def test_what_the_text_says_of_the_opponents():
    for data in ("practice", "aitex"):
        assert status(difference(data, "pca_fixed_minus_patchcore_fixed"), 1) == "open"
        assert 10 < mean(data, "pca_fixed")["kib_learnt"] < 20, "about 15"
        assert mean(data, "patchcore_fixed")["kib_learnt"] > 10_000
        for error in ("pixel", "ssim"):
            assert status(difference(data, f"vae_{error}_fixed_minus_{error}_fixed"), 1) == "open"
    assert status(difference("practice", "pixel_fixed_minus_patchcore_fixed"), -1) == "open"
    assert status(difference("aitex", "pixel_fixed_minus_patchcore_fixed"), -1) == "holds"


def test_the_words_of_intervals():
    assert status({"low": -0.2, "high": -0.1}, -1) == status({"low": 0.1, "high": 0.2}, 0) == "holds"
    assert status({"low": -0.2, "high": -0.1}, 1) == "fails"
    assert status({"low": -0.2, "high": 0.0}, -1) == "open"
