"""The bill of notebook 11: its formulas against counts by hand and against the engine's own tree."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.nb11 import costs
from aitex_utils.scale.tree import climb, node_limit
from aitex_utils.streaming_coreset import OVERSAMPLING, WORKING_COPIES, kept_patches

CONSTANTS = costs.Constants(16_384, 152, 0.5, 1e9, 1e10)


def test_whole_patches_are_counted_by_hand():
    bill = costs.fit_bill(100, CONSTANTS, "whole", ratio=0.01)
    n = 100 * 16_384
    assert bill.memory == WORKING_COPIES * n * 608
    assert bill.bank == 16_384 and bill.selection == pytest.approx(n * 16_384 / 1e9)
    assert bill.extraction == 50 and bill.search == pytest.approx(16_384**2 / 1e10)


def test_the_selection_of_whole_patches_grows_with_the_square_and_the_others_do_not():
    one, ten = (costs.fit_bill(n, CONSTANTS, "whole") for n in (1000, 10_000))
    assert ten.selection / one.selection == pytest.approx(100, rel=1e-3)
    assert ten.extraction / one.extraction == ten.memory / one.memory == 10
    one, ten = (costs.fit_bill(n, CONSTANTS, "tree") for n in (100_000, 1_000_000))
    assert ten.selection / one.selection == pytest.approx(10, rel=0.02) and ten.memory == one.memory


@pytest.mark.parametrize("method", costs.METHODS)
def test_one_block_costs_the_same_in_all_methods_up_to_the_join(method: str):
    bill = costs.fit_bill(4, CONSTANTS, method)
    whole = costs.fit_bill(4, CONSTANTS, "whole")
    assert bill.memory == whole.memory and bill.bank == whole.bank and bill.extraction == whole.extraction
    assert bill.selection <= 2 * OVERSAMPLING * whole.selection


def test_the_union_of_blocks_is_counted_by_hand():
    strips, block = 4000, 65_536
    bill = costs.fit_bill(strips, CONSTANTS, "blocks", block_size=block)
    n_blocks, kept = strips * 16_384 / block, OVERSAMPLING * 0.01 * block
    assert bill.memory == pytest.approx(WORKING_COPIES * 608 * max(block, n_blocks * kept))
    assert bill.selection == pytest.approx((n_blocks * block * kept + n_blocks * kept * bill.bank) / 1e9)


@pytest.mark.parametrize("n_blocks", [9, 64, 512, 4096])
@pytest.mark.parametrize("ratio", [0.01, 0.2])
def test_the_tree_is_the_engine_s(n_blocks: int, ratio: float):
    """Walk the engine's tree with counts of patches instead of patches."""
    block, fan_in = 65_536, 8
    limit, pairs = node_limit(block, fan_in), 0.0

    def reduce(size: float, represented: float) -> tuple[float, float]:
        nonlocal pairs
        kept = min(kept_patches(ratio, round(represented), limit), size)
        pairs += size * kept
        return kept, represented

    def merge_level(_: int, groups: list) -> list:
        return [reduce(*map(sum, zip(*group, strict=True))) for group in groups]

    leaves = [reduce(block, block) for _ in range(n_blocks)]
    top = climb(leaves, fan_in, merge_level)
    union, total = map(sum, zip(*top, strict=True))
    bank = min(round(ratio * total), union)
    bill = costs.fit_bill(4 * n_blocks, CONSTANTS, "tree", ratio=ratio, block_size=block, fan_in=fan_in)
    assert bill.bank == pytest.approx(bank, rel=0.02)
    assert bill.selection * 1e9 == pytest.approx(pairs + union * bank, rel=0.05)
    assert bill.memory == WORKING_COPIES * 608 * block and union <= block


LIMITS = {"memory_gib": 16, "hours": 24, "search_seconds": 15, "cores": 2}


@pytest.mark.parametrize("method", costs.METHODS)
def test_a_part_breaks_where_its_limit_is_exceeded(method: str):
    values = {
        "memory": (lambda bill: bill.memory / 2**30, 16),
        "extraction": (lambda bill: bill.extraction / 7200, 24),
        "greedy choices": (lambda bill: bill.selection / 7200, 24),
        "search": (lambda bill: bill.search, 15),
    }
    points = costs.breaking_points(CONSTANTS, method, **LIMITS)
    assert list(points.values()) == sorted(points.values())
    for name, (value, limit) in values.items():
        if name in points:
            before, at = (value(costs.fit_bill(points[name] - i, CONSTANTS, method)) for i in (1, 0))
            assert before <= limit < at
        else:
            assert value(costs.fit_bill(costs.MOST_STRIPS, CONSTANTS, method)) <= limit


@pytest.mark.parametrize("greedy_rate", [1e7, 1e8, 1e9])
def test_memory_breaks_first_in_one_memory_and_the_extraction_is_left_with_a_tree(greedy_rate: float):
    constants = CONSTANTS._replace(greedy_rate=greedy_rate)
    whole = costs.breaking_points(constants, "whole", **LIMITS)
    assert list(whole)[:2] == ["memory", "greedy choices"] and whole["memory"] > costs.DATA["AITEX"]
    assert whole["memory"] < costs.LOOM_STRIPS_PER_DAY
    tree = costs.breaking_points(constants, "tree", **LIMITS)
    assert "memory" not in tree and "search" not in tree
    blocks = costs.breaking_points(constants, "blocks", **LIMITS)
    assert blocks["memory"] > 30 * whole["memory"] and blocks["greedy choices"] > 3 * whole["greedy choices"]


def test_the_data_are_those_of_the_text():
    assert costs.LOOM_STRIPS_PER_DAY == 5760 and costs.DATA["100 looms, a day"] == 576_000
    gib = costs.LOOM_STRIPS_PER_DAY * CONSTANTS.strip_patches * CONSTANTS.patch_bytes / 2**30
    assert 50 < gib < 60


def test_constants_are_measured_on_pieces():
    pieces = [np.random.default_rng(i).integers(0, 255, (64, 256), np.uint8) for i in range(4)]
    constants = costs.measure_constants(pieces, PatchFeatures(size=64, device="cpu"), 64)
    assert constants.strip_patches == 8 * 8 * 4096 // 64 and constants.channels == 152
    assert min(constants.strip_seconds, constants.greedy_rate, constants.search_rate) > 0
