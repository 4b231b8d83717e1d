"""Comparisons are paired, neighbours come from the training tiles, and the contest is fair and counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from small_bench import FABRICS, SMALL, small_part

from aitex_utils import PatchCore, metrics
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb10 import bench, contest, experiments, measuring, neighbours, patches
from aitex_utils.lessons.nb10.choices import Choices
from aitex_utils.lessons.nb10.jobs import finish
from aitex_utils.lessons.nb10.runs import FIGURES, Run


def made_up(number: int, scores: np.ndarray, labels: np.ndarray, groups: np.ndarray, fabric: str = "00") -> Run:
    arrays = {"labels": labels, "scores": scores, "groups": groups}
    figures = dict.fromkeys(FIGURES, 1.0)
    return Run(number, Choices(fabric), figures, {}, "2030-01-01", "a", arrays)


@pytest.fixture
def two_runs() -> tuple[Run, Run]:
    """Return a run without any information, and a perfect run."""
    labels, groups = np.arange(24) % 3 == 0, np.repeat([f"strip {i}" for i in range(6)], 4)
    return made_up(1, np.zeros(24), labels, groups), made_up(2, labels * 1.0, labels, groups)


# Comparison


def test_a_comparison_is_paired_and_signed(two_runs):
    one, other = two_runs
    compared = bench.compare(one, other)
    assert compared.difference() == 0.5 and compared.interval() == (0.5, 0.5)
    expected = metrics.paired_bootstrap(
        metrics.auroc, one.array("labels"), other.array("scores"), one.array("scores"), one.array("groups"),
        n_resamples=300,
    )  # fmt: skip
    np.testing.assert_allclose(compared.differences["tile AUROC"], expected)
    assert "run 2 - run 1: +0.500" in compared.verdict() and "run 2 is better" in compared.verdict()
    assert "run 2 is better" in bench.compare(other, one).verdict() and bench.compare(other, one).difference() == -0.5
    assert "cannot rank" in bench.compare(one, one).verdict()


def test_runs_on_different_tiles_are_not_compared(two_runs):
    one, other = two_runs
    elsewhere = made_up(3, one.array("scores"), one.array("labels"), one.array("groups"), fabric="01")
    fewer = made_up(4, *(one.array(name)[:12] for name in ("scores", "labels", "groups")))
    for wrong in (elsewhere, fewer):
        with pytest.raises(InputError, match="scored on different tiles"):
            bench.compare(one, wrong)


def test_runs_are_shown_side_by_side(small_run: Run, other_run: Run, capsys: pytest.CaptureFixture):
    compared = bench.compare(small_run.number, other_run.number)
    lines = f"{compared}".splitlines()
    assert lines[0].split() == ["run", str(small_run.number), "run", str(other_run.number)]
    assert ["coreset_ratio", "0.2", "0.1"] in [line.split() for line in lines]
    assert any(line.startswith("pooling") for line in lines) and not any(line.startswith("size") for line in lines)
    compared.show()
    assert "median and 95 % interval: tile AUROC" in capsys.readouterr().out


# Neighbours


@pytest.mark.parametrize("fixture", ["small_run", "other_run"])
def test_the_nearest_distance_is_the_distance_of_the_run(fixture: str, request: pytest.FixtureRequest):
    run = request.getfixturevalue(fixture)
    found = bench.nearest(run, "shown_00_2", 115, 300, count=3)
    place, grid = found.place, run.array("distances").shape[1:]
    assert place.grid == grid and [len(d) for d in found.distances] == [3] * len(run.vectors)
    product = np.prod([distances[0] for distances in found.distances]) ** (1 / len(run.vectors))
    expected = run.distances("shown_00_2")[place.tile, place.row, place.column]
    assert product == pytest.approx(expected, rel=1e-4)
    assert all(list(distances) == sorted(distances) for distances in found.distances)


def test_the_crops_are_of_the_training_tiles(small_run: Run):
    found = bench.nearest(small_run, None, *neighbours.highest_place(small_run))
    detector = PatchCore(**small_run.choices.detector_arguments())
    query = detector.features.transform(found.place.strip.tiles[found.place.tile][None])[
        0, found.place.row, found.place.column
    ]
    for place, distance in zip(found.places[0], found.distances[0], strict=True):
        assert place.strip.name.startswith("training")
        patch = detector.features.transform(place.strip.tiles[place.tile][None])[0, place.row, place.column]
        assert np.linalg.norm(patch - query) == pytest.approx(distance, rel=1e-4)
        crop, (row, column) = place.crop()
        top, left = place.corner
        np.testing.assert_array_equal(
            crop[row : row + 32, column : column + 32], place.strip.image[top : top + 32, left : left + 32]
        )
    assert "training strip training_00" in f"{found}"


def test_the_patches_in_memory_and_a_fresh_extraction_agree(small_run: Run):
    patches.CACHE.clear()
    fresh = bench.nearest(small_run, 2, 10, 20)
    bench.run(**SMALL | {"coreset_ratio": 0.15})  # fills the memory
    again = bench.nearest(small_run, 2, 10, 20)
    np.testing.assert_allclose(fresh.distances[0], again.distances[0], rtol=1e-5)


def test_the_highest_place_is_on_the_defect(small_run: Run):
    row, column = neighbours.highest_place(small_run, "shown_00_3")
    assert 80 <= row < 150 and 350 <= column < 420


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("x", 0, 0), "strip is 'x'"),
        ((0, 256, 0), "row is 256"),
        ((0, 0, 600), "column is 600"),
        ((0, 0, -1), "column is -1"),
        ((0, 0, 0, 13), "count is 13"),
    ],
)
def test_a_place_outside_is_refused(small_run: Run, given: tuple, message: str):
    with pytest.raises(InputError, match=message):
        bench.nearest(small_run, *given)


def test_each_place_belongs_to_the_tile_whose_border_is_farthest():
    strip = small_part("00", "shown")[0]
    assert [neighbours.locate(strip, 0, column, (8, 8)).tile for column in (0, 255, 256, 400, 500, 599)] == [
        *(0, 0, 1, 1, 2, 2)
    ]
    place = neighbours.locate(strip, 255, 599, (8, 8))
    assert place.corner == (224, 568) and place.stride == 32


def test_the_origin_of_a_mean_is_named_as_such():
    run = bench.run(**SMALL | {"sampler": "k_means", "normalize_positions": False})
    assert "centre near a patch of training strip" in f"{bench.nearest(run, 2, 100, 300)}"


# Contest


@pytest.fixture
def quick_times(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Let the contest find a made-up time share."""
    share = {"median": 0.3}

    def made_up_share(choices, reference):
        assert reference == contest.default_choices(choices.fabric)
        return contest.Timing(share["median"], 0.2, 0.9)
        yield

    monkeypatch.setattr(contest, "time_share_steps", made_up_share)
    return share


def test_a_submission_is_the_auroc_on_hidden_strips_of_all_fabrics(empty_cache: Path, quick_times: dict):
    run = bench.run(**SMALL)
    entry = bench.submit(run)
    assert list(entry.by_fabric) == list(FABRICS)
    for fabric, value in entry.by_fabric.items():
        detector = PatchCore(**run.choices.detector_arguments())
        detector.fit(np.concatenate([strip.tiles for strip in small_part(fabric, "training")]))
        hidden = small_part(fabric, "hidden")
        scores = [detector.predict_strip(s.image, region=(0, s.image.shape[1])).tile_scores for s in hidden]
        assert value == metrics.auroc(np.concatenate([s.labels for s in hidden]), np.concatenate(scores))
    assert entry.hidden == pytest.approx(np.mean(list(entry.by_fabric.values())))
    assert entry.low <= entry.hidden <= entry.high and entry.shown == run.figures["tile_auroc"]


def test_the_bench_never_reads_hidden_strips(empty_cache: Path, monkeypatch: pytest.MonkeyPatch):
    def without_hidden(fabric: str, part: str):
        assert part != "hidden"
        return small_part(fabric, part)

    for module in (measuring, neighbours):
        monkeypatch.setattr(module, "load_part", without_hidden)
    run = bench.run(**SMALL)
    bench.nearest(run, None, 100, 300)
    assert {strip.name for strip in run.strips} == {f"shown_00_{i}" for i in range(4)}


def test_equal_recipes_count_once(empty_cache: Path, quick_times: dict, monkeypatch: pytest.MonkeyPatch):
    first = bench.submit(bench.run(**SMALL))
    monkeypatch.setattr(contest, "score_steps", lambda *given: pytest.fail("scored again"))
    assert bench.submit(bench.run(**SMALL)) == first
    assert bench.submit(bench.run(**SMALL | {"fabric": "01", "false_alarm_rate": 0.3})) == first
    assert contest.read_leaderboard() == [first]


def test_a_slow_detector_is_not_scored_or_counted(empty_cache: Path, quick_times: dict):
    run = bench.run(**SMALL)
    quick_times["median"] = 0.51
    with pytest.raises(InputError, match=r"0.51 times as long per tile as PatchCore\(\), and the limit is 0.50"):
        bench.submit(run)
    assert contest.read_leaderboard() == []


def test_the_leaderboard_is_sorted_and_explains_the_danger(
    empty_cache: Path, quick_times: dict, capsys: pytest.CaptureFixture
):
    for ratio in (0.2, 0.1):
        bench.submit(bench.run(**SMALL | {"coreset_ratio": ratio}))
    entries = contest.read_leaderboard()
    assert len(entries) == 2 and entries[0].hidden >= entries[1].hidden
    capsys.readouterr()
    contest.show_leaderboard()
    printed = capsys.readouterr().out
    assert "2 recipes were submitted" in printed and "more optimistic" in printed and "Hidden strips" in printed


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2}', '{"version": 1, "submissions": [{"run": 1}]}'])
def test_a_damaged_leaderboard_is_skipped_and_put_away(
    empty_cache: Path, quick_times: dict, capsys: pytest.CaptureFixture, text: str
):
    run = bench.run(**SMALL)
    (empty_cache / "leaderboard.json").write_text(text)
    capsys.readouterr()
    assert contest.read_leaderboard() == []
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 and "is damaged" in printed and "is skipped" in printed
    bench.submit(run)
    assert len(contest.read_leaderboard()) == 1
    assert (empty_cache / "leaderboard_damaged.json").read_text() == text


def test_a_number_that_is_none_is_damage(empty_cache: Path, quick_times: dict, capsys: pytest.CaptureFixture):
    bench.submit(bench.run(**SMALL))
    file = empty_cache / "leaderboard.json"
    content = json.loads(file.read_text())
    content["submissions"][0]["hidden"] = None
    file.write_text(json.dumps(content))
    assert contest.read_leaderboard() == [] and "is damaged" in capsys.readouterr().out


def test_both_detectors_are_timed_in_turn(monkeypatch: pytest.MonkeyPatch):
    order: list[int] = []

    def seconds(detector: PatchCore, tiles: np.ndarray) -> float:
        order.append(detector.features.size)
        return {64: 1.0, 96: 4.0}[detector.features.size]

    monkeypatch.setattr(contest, "_seconds", seconds)
    first, second = (Choices("00", **SMALL | {"size": size}) for size in (64, 96))
    timing = finish(contest.time_share_steps(first, second, repeats=3))
    assert order == [64, 96] * 4 and timing.median == 0.25


def test_the_default_of_the_contest_is_the_default_of_the_package():
    own = PatchCore(**contest.default_choices("00").detector_arguments()).parameters()
    package = PatchCore().parameters()
    assert {name for name in package if own[name] != package[name]} == {"sampler", "index"}


def test_the_expected_maximum_is_that_of_many_draws():
    drawn = np.random.default_rng(0).normal(size=(200_000, 5)).max(axis=1).mean()
    assert contest.expected_maximum(5) == pytest.approx(drawn, abs=0.01)


# Experiments


def test_ranks_are_shares_of_all_clean_tiles(small_run: Run):
    ranks = experiments.defect_ranks({"a": small_run, "b": small_run})
    assert list(ranks) == ["nep (shown_00_2)", "nep (shown_00_3)"]
    labels, scores, groups = (small_run.array(name) for name in ("labels", "scores", "groups"))
    best = scores[labels & (groups == "shown_00_2")].max()
    assert ranks["nep (shown_00_2)"]["a"] == (scores[~labels] < best).sum() / (~labels).sum()
    assert experiments.count_wins(ranks, "a", "b") == 0


def test_the_share_of_the_frame_is_as_the_text_says():
    assert experiments.share_of_frame() == 1 - (224 / 256) ** 2
    text = Path(__file__).parents[3].joinpath("notebooks", "source", "10_bench.py").read_text(encoding="utf-8")
    assert f"It contains {100 * experiments.share_of_frame():.0f} % of the pixels" in text


def test_peaks_in_the_frame_are_counted_on_all_four_edges():
    maps = np.zeros((5, 9, 9))
    for i, place in enumerate([(0, 4), (8, 4), (4, 1), (4, 8), (2, 6)]):
        maps[(i, *place)] = 1
    assert experiments.peaks_in_frame(maps, 2) == 0.8


def test_edges_use_the_position_scale(small_run: Run):
    plain = bench.run(**SMALL | {"normalize_positions": False})
    assert "scale" in small_run.arrays and "scale" not in plain.arrays
    assert 0 <= experiments.edge_share(small_run) <= 1 and 0 <= experiments.edge_share(plain) <= 1


def test_only_runs_with_one_bank_are_compared_patch_by_patch(small_run: Run, other_run: Run):
    graph = bench.run(**SMALL | {"index": "hnsw", "M": 2, "ef_search": 1})
    exact, approximate = experiments.paired_distances(small_run, graph)
    assert (approximate >= exact * (1 - 1e-6)).all()
    with pytest.raises(InputError, match="different banks"):
        experiments.paired_distances(small_run, other_run)


def test_sentences_follow_from_the_numbers():
    assert "not nearer" in experiments.describe_edges(0.2, 0.6, 0.23)
    assert "AUROC is higher" in experiments.describe_price(1.2, (0.01, 0.1))
    assert "AUROC is lower" in experiments.describe_price(1.2, (-0.1, -0.01))


def test_time_ratio_times_the_choices_of_both_runs(small_run: Run, monkeypatch: pytest.MonkeyPatch):
    given: list[Choices] = []

    def made_up(first: Choices, second: Choices):
        given.extend([first, second])
        return contest.Timing(1.5, 1, 2)
        yield

    monkeypatch.setattr(contest, "time_share_steps", made_up)
    other = bench.run(**SMALL | {"coreset_ratio": 0.1})
    assert experiments.time_ratio(small_run, other) == 1.5 and given == [small_run.choices, other.choices]
