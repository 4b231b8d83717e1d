"""Sentences of notebook 10 that depend on results are true on the practice fabric."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from lesson_cells import builder, source_of

from aitex_utils.lessons.nb10 import contest, measuring, neighbours, running, runs, split
from aitex_utils.lessons.nb10.bench import compare, nearest, run
from aitex_utils.lessons.nb10.choices import Choices
from aitex_utils.lessons.nb10.experiments import edge_share, paired_distances, share_of_frame
from aitex_utils.lessons.nb10.jobs import finish
from aitex_utils.lessons.nb10.neighbours import highest_place
from aitex_utils.lessons.nb10.reference import optimism, search_quality, simulate_contests
from aitex_utils.tiling import crop_tiles

# In one process with the notebook, whose cache it shares.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("10_bench")]


@pytest.fixture(scope="module")
def bench_cache(caches: Path) -> Path:
    """Return the cache folder of the notebook."""
    return caches / "10_bench"


@pytest.fixture(autouse=True)
def _practice_bench(_small_bench: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the strips of the practice fabric instead of the small bench of the other tests."""
    for module in (contest, measuring, neighbours, running, runs):
        monkeypatch.setattr(module, "load_part", split.load_part)
    for module in (contest, running):
        monkeypatch.setattr(module, "bench_fabrics", split.bench_fabrics)


def test_a_normal_place_is_nearer_to_the_bank_than_the_highest_place():
    first = run()
    highest = nearest(first, None, *highest_place(first))
    normal_strip = first.strips[0]
    normal = nearest(first, normal_strip.name, 128, normal_strip.image.shape[1] // 2)
    assert not normal_strip.mask.any() and normal.distances[0].max() < 0.7 * highest.distances[0].min()


def test_the_graph_misses_scores_more_often_than_patches():
    flat, graph = run(coreset_ratio=0.05), run(coreset_ratio=0.05, index="hnsw", M=8, ef_search=4)
    exact, approximate = paired_distances(flat, graph)
    recall, unchanged = search_quality(exact, approximate)
    assert unchanged < recall - 0.1
    order = np.argsort(exact.ravel())
    right = (approximate <= exact * (1 + 1e-6)).ravel()[order]
    assert right[-len(right) // 10 :].mean() < right.mean() - 0.02


def test_the_edges_decide_far_more_scores_than_their_share_of_the_pixels():
    plain, normalised = edge_share(run(normalize_positions=False)), edge_share(run())
    assert normalised < plain - 0.2  # "Normalisation reduces this share clearly"
    assert plain > 2 * share_of_frame() and abs(normalised - share_of_frame()) < abs(plain - share_of_frame())


def test_a_larger_bank_costs_memory():
    small, large = run(coreset_ratio=0.002), run(coreset_ratio=0.05)
    assert large.figures["bank_vectors"] == pytest.approx(25 * small.figures["bank_vectors"], rel=0.03)
    assert large.figures["bank_mib"] > 10 * small.figures["bank_mib"]


def test_the_submitted_recipes_stay_within_the_limit():
    for choices in ({}, {"coreset_ratio": 0.05}, {"backbone": "efficientnet_lite2"}):
        given = Choices("00", **choices)
        assert finish(contest.time_share_steps(given, contest.default_choices("00"))).median < 0.8 * contest.LIMIT


def test_the_lead_of_the_best_of_30_is_luck():
    shown, hidden = simulate_contests(30, 0.05)
    lead = optimism(shown, hidden)
    assert 0.08 < lead < 0.12 and shown.max(axis=1).mean() - lead == pytest.approx(0.85, abs=0.005)


def test_the_worked_answer_of_the_open_task_runs_and_reports_its_output(capsys: pytest.CaptureFixture):
    cells = [cell.source for cell in builder.solved(source_of("10")).cells]
    (number,) = (i for i, text in enumerate(cells) if "<summary>Worked answer" in text)
    names: dict = {}
    for code in (cells[number - 1], re.search(r"```python\n(.*?)```", cells[number], re.DOTALL)[1]):
        exec(compile(code, "<worked answer>", "exec"), names)
    report = " ".join(cells[number].split("*Report*")[1].split())
    printed = capsys.readouterr().out
    differences = [float(value) for value in re.findall(r": ([+-]\d\.\d+) \(95 %", printed)]
    upper_ends = [float(value) for value in re.findall(r" to ([+-]\d\.\d+)\), so", printed)]
    assert (
        len(differences) == 2
        and max(differences) < 0
        and "On both fabrics, the tile AUROC of the mean is lower" in report
    )
    assert "neither interval lies clearly below 0" in report and len(upper_ends) == 2 and min(upper_ends) > -0.02
    assert "each defect covers less than 5 % of its tile" in report
    for fabric in ("00", "02"):
        for strip in run(fabric=fabric).strips:
            assert crop_tiles(strip.mask, strip.corners).mean(axis=(1, 2)).max() < 0.05
        one, other = run(fabric=fabric), run(fabric=fabric, image_score="mean")
        np.testing.assert_array_equal(one.map(), other.map())
        assert list(compare(one, other).first.choices.changed(other.choices)) == ["image_score"]


def test_the_text_names_the_parts_of_the_bench():
    text = Path(source_of("10")).read_text(encoding="utf-8")
    for fabric in split.bench_fabrics():
        counts = {part: split.load_part(fabric, part) for part in split.PARTS}
        assert [len(counts[part]) for part in ("training", "calibration")] == [2, 2]
        for part in ("shown", "hidden"):
            kinds = [bool(strip.mask.any()) for strip in counts[part]]
            assert kinds.count(False) == 2 and kinds.count(True) <= 4
    assert "| shown | 2 normal, up to 4 defective |" in text and "there are only four defective strips" in text
    assert sum(strip.mask.any() for strip in split.load_part(split.bench_fabrics()[0], "shown")) == 4
