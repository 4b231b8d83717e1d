"""The data of notebook 02, and the claims of its text about them."""

from __future__ import annotations

import re

import lesson_cells as lessons
import numpy as np
import pytest

from aitex_utils.lessons.nb02.decision import (
    COSTS,
    TILES_PER_DAY,
    describe_costs,
    expected_costs,
    flagged_shares,
    simulate_distances,
)
from aitex_utils.lessons.nb02.reference import image_scores, nearest, reconstruction_errors, reweighted, unfold
from aitex_utils.lessons.nb02.setup import make_toy


@pytest.fixture(scope="module")
def shares() -> dict[int, dict]:
    """Return the shares of flagged tiles for knots of one and of two positions."""
    return {side: flagged_shares(image_scores, knot_side=side) for side in (1, 2)}


def test_the_toy_is_the_same_each_time_and_its_bank_is_made_of_its_maps():
    toy = make_toy()
    np.testing.assert_array_equal(toy.bank, make_toy().bank)
    np.testing.assert_array_equal(np.concatenate([unfold(f) for f in toy.feature_maps]), toy.bank)
    assert len(toy.grid) == np.prod(toy.shape)


def test_the_autoencoder_misses_two_defects_and_the_memory_none():
    toy = make_toy()
    mean = toy.bank.mean(axis=0)
    directions = np.linalg.svd(toy.bank - mean)[2][:1]
    tests = np.stack([toy.tests[name] for name in ("off", "between", "beyond", "rare, normal")])
    errors = reconstruction_errors(tests, mean, directions)
    typical = np.median(reconstruction_errors(toy.bank, mean, directions))
    assert (errors[1:3] < typical).all() and errors.argmax() == 3 and errors[0] > 5 * typical
    distances = nearest(tests, toy.bank)[0]
    assert distances[:3].min() > 3 * distances[3]


def test_the_isolated_patch_loses_little_by_equation_7_and_clusters_lose_most():
    toy = make_toy()
    loss = {name: 1 - reweighted(p, toy.bank, 9) / nearest(p[None], toy.bank)[0][0] for name, p in toy.tests.items()}
    assert loss["rare, normal"] < 0.03 and min(loss["off"], loss["between"], loss["beyond"]) > 0.07
    assert max(loss.values()) < 1 / 9


def test_kinds_of_tiles_differ_only_by_their_effect():
    plain = simulate_distances("plain", 2)
    assert plain.mean() == pytest.approx(1, abs=0.02)
    assert [int((simulate_distances(kind, 2)[0] != plain[0]).sum()) for kind in TILES_PER_DAY] == [0, 4, 1, 512]
    assert int((simulate_distances("knot", 1, knot_side=1)[0] != plain[0]).sum()) == 1


def test_the_decision_is_clear_and_changes_with_the_size_of_a_knot(shares: dict):
    costs = {side: expected_costs(by_score) for side, by_score in shares.items()}
    assert costs[2]["top 1 %"] < 0.75 * min(costs[2]["maximum"], costs[2]["mean"])
    assert costs[1]["maximum"] < 0.95 * min(costs[1]["top 1 %"], costs[1]["mean"])
    assert describe_costs(costs[2]).endswith("The cheapest score is top 1 %.")


def test_the_model_answer_is_right(shares: dict):
    flagged = shares[2]
    assert flagged["mean"]["knot"] < 0.2 and min(flagged[s]["knot"] for s in ("maximum", "top 1 %")) > 0.97
    assert flagged["maximum"]["dust"] > 2 * flagged["top 1 %"]["dust"]
    assert flagged["maximum"]["dust"] == pytest.approx(0.5, abs=0.08), "about half, as the quiz says"
    assert TILES_PER_DAY["uneven light"] * COSTS["false alarm"] == 100
    assert sum(TILES_PER_DAY.values()) == 10_000
    assert shares[1]["top 1 %"]["knot"] == pytest.approx(2 / 3, abs=0.06), "one third is missed"


def test_costs_count_missed_knots_and_flagged_tiles():
    by_kind = {"plain": 0.1, "knot": 0.75, "dust": 0.5}
    assert expected_costs({"s": by_kind}, {"plain": 100, "knot": 4, "dust": 10}) == {"s": 50 + 10 + 5}


def worked_answer() -> str:
    """Return the code of the open task's worked answer."""
    texts = [cell.source for cell in lessons.builder.solved(lessons.source_of("02")).cells]
    (text,) = [text for text in texts if "<summary>Worked answer" in text]
    return re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]


def test_the_worked_answer_of_the_open_task_runs_and_its_claims_hold(capsys: pytest.CaptureFixture):
    names: dict = {"np": np, "toy": make_toy(), "find_nearest": nearest}
    exec(compile(worked_answer(), "<worked answer>", "exec"), names)
    *lines, last = capsys.readouterr().out.splitlines()
    medians = {line.split(":")[0]: float(line.split(":")[1].split()[0]) for line in lines}
    single = [medians[f"{side} x {side}, noise {noise}, single"] for side in (16, 32) for noise in (0.1, 0.2)]
    means = [medians[f"{side} x {side}, noise {noise}, mean of 3 x 3"] for side in (16, 32) for noise in (0.1, 0.2)]
    assert all(1.6 < single[i + 1] / single[i] < 2.4 for i in (0, 2)), "noise doubles the maximum"
    assert single[2] > single[0] and single[3] > single[1], "a larger tile raises it"
    assert all(mean < 0.7 * one for mean, one in zip(means, single, strict=True))
    peak, filtered = map(float, last.split())
    assert filtered < 0.3 * peak


def test_a_decision_takes_a_learner_s_lists():
    as_lists = flagged_shares(lambda d, share: list(image_scores(d, share)), count=20)
    assert as_lists == flagged_shares(image_scores, count=20)
