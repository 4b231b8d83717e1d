"""Numbers in the text of notebook 11 are those that its code computes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from lesson_cells import builder, source_of

from aitex_utils.lessons.nb11 import costs, setup, toy
from aitex_utils.lessons.nb11.reference import largest_block
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.streaming_coreset import WORKING_COPIES, join_blocks, plan_blocks, reduce_block

CONSTANTS = costs.Constants(16_384, 152, 0.4, 1.4e8, 5e8)


@pytest.fixture(scope="module")
def text() -> str:
    cells = builder.solved(source_of("11")).cells
    return " ".join(" ".join(cell.source for cell in cells if cell.cell_type == "markdown").split())


def test_the_worked_answer_runs_and_reports_its_output(text: str, capsys: pytest.CaptureFixture):
    (cell,) = (c.source for c in builder.solved(source_of("11")).cells if "<summary>Worked answer" in c.source)
    names = {"constants": CONSTANTS, **{name: getattr(costs, name) for name in ("describe_bill", "fit_bill")}}
    exec(compile(re.search(r"```python\n(.*?)```", cell, re.DOTALL)[1], "<worked answer>", "exec"),
         names | {"largest_block": largest_block})  # fmt: skip
    printed = capsys.readouterr().out
    assert "3,456 strips, 56,623,104 patches" in printed and "3,456 strips per day, which are 56,623,104" in text
    whole, blocks, tree = (costs.fit_bill(3456, CONSTANTS, method) for method in costs.METHODS)
    assert whole.memory > 100 * 2**30 and blocks.memory < 4 * 2**30
    assert tree.selection < tree.extraction and tree.hours(6) < 6 and "the tree ends within 6 hours" in text
    assert blocks.memory < 24 * 2**30 and 34 < blocks.search / tree.search < 36
    assert f"{blocks.bank:,} vectors instead of {tree.bank:,}, so each search takes about 35 times as long" in text
    assert 12 * 4 == 48 and "The looms weave 48 strips per minute" in text
    assert tree.memory // 2**20 == 133 and "133 MiB for a block of 65,536 patches" in text
    assert largest_block(24 * 2**30, 600 * 2**20, 6, 16_384, int(WORKING_COPIES * 608)) > 10 * 65_536


def test_the_working_copies_in_the_text_are_the_engine_s(text: str):
    assert WORKING_COPIES == 3.5 and "`WORKING_COPIES` times the bytes of the patches (`3.5`)" in text


def test_the_fan_in_of_eight_has_the_stated_levels(text: str):
    assert 8**4 == 4096 and "with a fan-in of 8, four levels are enough for 4,096 blocks" in text


def test_the_bound_of_the_tree_grows_and_the_measured_radius_stays_near_one_choice():
    blocks = toy.toy_stream(32)
    tree = toy.build_tree(blocks, fan_in=2, k=20)
    single = toy.farthest_first(np.concatenate(blocks), 20)[1]
    assert tree.measured[-1] < 1.25 * single
    assert tree.radii[[np.flatnonzero(tree.levels == level)[-1] for level in range(6)]].sum() > 3 * single
    union = toy.join_two(toy.two_blocks())
    assert union.measured < 0.8 * union.bound


def test_patches_are_about_ten_times_as_large_as_pixels(text: str):
    assert 9 < 32 * 32 * 608 / (256 * 256) < 11 and "about 10 times as large as its pixels" in text


@pytest.mark.slow
def test_blocks_have_a_radius_close_to_one_choice():
    patches = setup.load_patches()
    everything = np.concatenate([one.reshape(-1, one.shape[-1]) for one in patches])

    def radius(block_size: int) -> float:
        plan = plan_blocks(patches, lambda one: one[..., 0].size, block_size, seed=0)
        blocks = [reduce_block(one.items, setup.RATIO, seed=0, first=one.first) for one in plan]
        chosen = join_blocks(blocks, setup.RATIO, seed=0).vectors[0]
        return float(MemoryBank(device="cpu").add(chosen).search(everything)[0].max())

    single = radius(len(everything))
    for size in (4096, 8192, 16_384, 32_768):
        assert radius(size) < 1.25 * single
