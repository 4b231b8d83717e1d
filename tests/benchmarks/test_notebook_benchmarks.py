"""The benchmarks of the notebooks: parts of them by hand, and each once with its smallest settings."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import contest
import notebook_01
import notebook_03
import notebook_04
import notebook_05
import notebook_06
import notebook_09
import numpy as np
import pytest
from results_files import read_results

from aitex_utils import metrics
from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.baselines.variational import VariationalAutoencoder
from aitex_utils.commands.protocol_c import TileScores
from aitex_utils.lessons.tile_sampling import draw_tiles, split_fabric
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import Strip

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:There is only one strip", "ignore:.*cannot promise a false-alarm rate"),
]


@pytest.mark.slow
def test_drawn_tiles_are_those_of_the_strips(small_practice: Path, small_fabric: str):
    training, held_out, defective = split_fabric(small_practice, small_fabric, 0)
    assert not {strip.id for strip in training} & {strip.id for strip in held_out}
    assert all(strip.masks and not strip.is_normal for strip in defective)
    few, _, groups = draw_tiles(training, 5, np.random.default_rng(0))
    assert few.shape == (5, 256, 256) and set(groups) <= {strip.id for strip in training}
    every, _, groups = draw_tiles(defective, 999, np.random.default_rng(0))
    masks = {strip.id: strip.read_mask() for strip in defective}
    assert set(groups) == {name for name, mask in masks.items() if mask.any()}
    assert len(every) == len(groups) < len(draw_tiles(training + held_out, 999, np.random.default_rng(0)).tiles)


def test_scores_by_size_are_those_of_banks_of_that_size():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 3)).astype(np.float32)
    test = rng.normal(size=(2, 2, 2, 3)).astype(np.float32)
    scores = notebook_04.scores_by_size(vectors, [30, 40], test)
    for size, of_size in zip((30, 40), scores, strict=True):
        distances = np.linalg.norm(test.reshape(2, 4, 1, 3) - vectors[:size], axis=-1).min(axis=-1)  # (2, 4)
        np.testing.assert_allclose(of_size, distances.max(axis=1), rtol=1e-5)


@pytest.fixture
def split_scores() -> notebook_04.SplitScores:
    """Return scores of 40 tiles of 20 strips, perfect with all patches and by greedy, else at random."""
    rng, labels = np.random.default_rng(0), np.repeat([False, True], 20)
    noise = rng.normal(size=(2, 3, 40))
    by_sampler = {"greedy": labels + 0 * noise, "random": noise, "k_means": noise[:1]}
    return notebook_04.SplitScores(labels, np.arange(40) // 2, labels + 0.0, by_sampler)


def test_samplers_are_compared_on_equal_resamples(
    split_scores: notebook_04.SplitScores, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(notebook_04, "FABRICS", ("00",))
    monkeypatch.setattr(notebook_04, "SPLITS", 1)
    monkeypatch.setattr(notebook_04, "N_RESAMPLES", 30)
    summary = notebook_04.summarize([split_scores])
    assert summary["tile_auroc"]["all"] == {"mean": 1, "low": 1, "high": 1}
    assert summary["differences"]["greedy_1_minus_all"] == {"mean": 0, "low": 0, "high": 0}
    difference, random = summary["differences"]["greedy_minus_random_10"], summary["tile_auroc"]["random_10"]
    assert difference["mean"] == pytest.approx(1 - random["mean"]) and difference["low"] < difference["high"]
    assert summary["by_fabric"]["00"]["random_10"] == random["mean"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("flat", {}), ("ivf_3", {"nprobe": 3, "nlist": 51}), ("hnsw_16", {"efSearch": 16}), ("pq_2", {"M": 2})],
)
def test_an_index_has_the_number_in_its_name(kind: str, expected: dict[str, int]):
    vectors = np.random.default_rng(0).normal(size=(2000, 4)).astype(np.float32)
    index = notebook_05.build_index(kind, vectors)
    assert index.ntotal == 2000
    for name, value in expected.items():
        part = index.hnsw if name == "efSearch" else index.pq if name == "M" else index
        assert getattr(part, name) == value


def test_equal_scores_differ_by_nothing_and_worse_ones_by_less(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notebook_05, "N_RESAMPLES", 50)
    labels = np.repeat([False, True], 10)
    rng = np.random.default_rng(0)
    scores = {"flat": labels + rng.normal(size=20) / 9, "same": None, "noise": rng.normal(size=20)}
    scores["same"] = scores["flat"]
    result = notebook_05.SplitResult(labels, np.arange(20) // 2, 5, scores, {})
    assert notebook_05.difference_interval([result], "same") == [0, 0]
    low, high = notebook_05.difference_interval([result], "noise")
    assert low < high < 0


@pytest.fixture
def fabric_scores() -> notebook_06.FabricScores:
    """Return 200 tiles of 10 normal and 10 defective strips whose scores rise from strip to strip."""
    groups = np.repeat(np.arange(20), 10)
    labels = (groups >= 10) & (np.arange(200) % 10 == 0)
    scores = {"max": groups + labels * 5.0, "mean": np.zeros(200)}
    low = np.zeros(40)  # of training tiles
    of_normal_strip = groups < 10
    return notebook_06.FabricScores(
        scores, labels, groups, of_normal_strip, np.zeros((200, 1, 1)), np.zeros((200, 2)), [], low, low
    )


def test_tiles_are_resampled_by_strip_or_alone(fabric_scores: notebook_06.FabricScores):
    rng = np.random.default_rng(0)
    counts = np.bincount(notebook_06.resample(fabric_scores, rng, "strip"), minlength=200).reshape(20, 10)
    assert (counts == counts[:, :1]).all() and counts[:10].sum() == counts[10:].sum() == 100
    rows = notebook_06.resample(fabric_scores, rng, "tile")
    counts = np.bincount(rows, minlength=200).reshape(20, 10)
    assert not (counts == counts[:, :1]).all() and fabric_scores.labels[rows].sum() == 10


def test_intervals_by_strip_are_wider_where_strips_differ(
    fabric_scores: notebook_06.FabricScores, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(notebook_06, "N_RESAMPLES", 100)
    widths = notebook_06.interval_widths({"00": fabric_scores}, notebook_06.false_alarm_rate)
    assert widths["times"] == widths["times_by_fabric"]["00"] > 1.2
    interval = notebook_06.mean_with_interval([fabric_scores], notebook_06.auroc_difference("mean"))
    assert interval["low"] < interval["mean"] < interval["high"] < 0


def test_measures_leave_out_what_their_names_say(fabric_scores: notebook_06.FabricScores):
    rows = np.arange(200)
    assert notebook_06.auroc_c1(fabric_scores, rows) == 1  # all defective tiles score higher than normal strips
    assert notebook_06.auroc_of("max")(fabric_scores, rows) < 1
    assert notebook_06.false_alarm_rate(fabric_scores, rows[fabric_scores.of_normal_strip]) == pytest.approx(0.1)


def test_thresholds_of_training_tiles_flag_new_strips(fabric_scores: notebook_06.FabricScores):
    rates = notebook_06.rates_on_new_strips(fabric_scores)
    assert set(rates) == {"at_05", "at_10"}
    at_10 = rates["at_10"]
    assert at_10["fit"] == at_10["same_strips"] > 0.8 > at_10["strips"]
    assert at_10["recall"] == at_10["clean_of_defective"] == 1  # of tiles that score higher than all normal strips
    assert at_10["strips_lowest"] <= at_10["strips"] <= at_10["strips_highest"]


def tile_scores(noise: float, seed: int) -> TileScores:
    """Return 40 tiles of 10 strips, every fourth tile defective, in the odd strips half of the clean ones left out."""
    labels, groups = np.arange(40) % 4 == 0, np.arange(40) // 4
    scores = labels + noise * np.random.default_rng(seed).normal(size=40)
    return TileScores(scores, labels, groups, labels | (groups % 2 == 0))


def test_resampled_aurocs_are_those_of_the_drawn_tiles(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notebook_09, "N_RESAMPLES", 4)
    tiles = tile_scores(1.0, 0)
    weights = notebook_09.resample_strips(10, 0, 4)
    for protocol in ("c1", "c2"):
        rows = notebook_09.rows_of(tiles, protocol)
        expected = []
        for drawn in weights:
            picked = np.concatenate(
                [np.flatnonzero(rows & (tiles.groups == g)) for g in np.repeat(np.arange(10), drawn)]
            )
            expected.append(metrics.auroc(tiles.labels[picked], tiles.scores[picked]))
        np.testing.assert_allclose(notebook_09.resample_auroc(tiles, protocol), expected)


def test_differences_of_detectors_are_paired(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notebook_09, "N_RESAMPLES", 100)
    monkeypatch.setattr(notebook_09, "PAIRS", (("a", "a"), ("a", "b")))
    scored = {"a": tile_scores(0.1, 0), "b": tile_scores(1.0, 0)}
    resampled = {n: {p: notebook_09.resample_auroc(tiles, p) for p in ("c1", "c2")} for n, tiles in scored.items()}
    measures = {n: notebook_09.measure_detector(contest.Scored(tiles=scored), n, resampled[n]) for n in scored}
    summary = notebook_09.summarize({"00": measures, "01": measures}, {"00": resampled, "01": resampled})
    assert summary["differences"]["a_minus_a_c1"] == {"low": 0, "median": 0, "high": 0}
    difference = summary["differences"]["a_minus_b_c2"]
    assert 0 < difference["low"] < difference["median"] < difference["high"]
    mean = summary["mean"]["b"]
    assert mean["tile_auroc_c1"] == measures["b"]["tile_auroc_c1"]
    assert mean["tile_auroc_c1_low"] < mean["tile_auroc_c1"] < mean["tile_auroc_c1_high"]


class EdgeScorer:
    """A detector "edge" with maps that are high in the outermost pixels, and in the middle where a tile is dark."""

    nbytes = {"edge": 2048}

    def maps(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        """Return the maps."""
        maps = np.where(tiles < 40, 5.0, 0.0).astype(np.float32)
        maps[:, 0, 0] = 3
        return {"edge": maps}


def test_a_frame_is_left_out_and_overlap_keeps_the_tiles(small_practice: Path, small_fabric: str):
    _, test = notebook_09.read_split(small_practice, small_fabric)
    plain = contest.score_detectors(EdgeScorer(), test, fixed=False)
    fixed = contest.score_detectors(EdgeScorer(), test, fixed=True)
    assert set(plain.tiles) == {"edge", "edge_without_frame"} and set(fixed.tiles) == {"edge_fixed"}
    assert plain.tiles["edge"].scores.min() == 3
    assert plain.tiles["edge_without_frame"].scores.min() == 0
    assert (fixed.tiles["edge_fixed"].labels == plain.tiles["edge"].labels).all()
    assert (plain.edge_distances["edge"] == 0).mean() > 0.5 and plain.nbytes == {"edge": 2048}
    assert not plain.strips


def keys(value: Any) -> Any:
    """Return the nested keys of a results file; what depends on the data, such as fabrics, counts as one key."""
    if not isinstance(value, dict):
        return None
    fabrics = [key for key in value if re.fullmatch(r"\d\d", key)]
    if fabrics:
        return {"fabric": keys(value[fabrics[0]])}
    return {key: keys(part) for key, part in value.items() if key not in ("versions", "issues")}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a function that runs a benchmark and returns what it would write."""

    def run(module: ModuleType, root: Path, arguments: list[str], **settings: Any) -> dict[str, Any]:
        results: dict[str, Any] = {}
        monkeypatch.setattr(module, "write_results", lambda name, content: results.update({name: content}))
        for name, value in settings.items():
            monkeypatch.setattr(module, name, value)
        assert module.main([*arguments, str(root)]) == 0
        return results[module.__name__]

    return run


@pytest.mark.slow
def test_notebook_01(written, small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    experiment = functools.partial(notebook_01.leakage_experiment, n_strips=1, n_tiles=5)
    settings = {"SEEDS": 2, "MAX_TILES": 3, "leakage_experiment": experiment, "read_results_if_any": lambda name: {}}
    results = written(notebook_01, small_practice, ["--data"], **settings)
    stored = read_results("notebook_01")
    assert keys(results) == keys({key: stored[key] for key in ("aitex", "split")})
    assert (results["aitex"]["normal"], results["aitex"]["defective"]) == (3, 4)


@pytest.mark.slow
def test_notebook_03(written, small_practice: Path, small_fabric: str):
    configurations = {name: {**changes, "size": 64} for name, changes in notebook_03.CONFIGURATIONS.items()}
    settings = {"FABRICS": (small_fabric,), "SEEDS": 1, "CONFIGURATIONS": configurations}
    results = written(notebook_03, small_practice, ["--aitex"], FIT_TILES=5, CLEAN_TILES=9, **settings)
    assert keys(results) == keys(read_results("notebook_03"))
    assert all(0 <= value <= 1 for value in results["tile_auroc"].values())


@pytest.mark.slow
def test_notebook_04(written, small_practice: Path, small_fabric: str):
    settings = {"FABRICS": (small_fabric,), "SPLITS": 1, "SEEDS": 1, "N_RESAMPLES": 5, "FIT_TILES": 4}
    results = written(notebook_04, small_practice, ["--aitex"], **settings)
    assert keys(results) == keys(read_results("notebook_04"))


@pytest.mark.slow
def test_notebook_05(written, small_practice: Path, small_fabric: str):
    settings = {"FABRICS": (small_fabric,), "SEEDS": 1, "N_RESAMPLES": 5, "FIT_TILES": 4, "TEST_TILES": 5}
    settings |= {"SIZES": (1000, 2000), "SIZE_TILES": 2, "QUERIES": 64, "REPEATS": 1}
    results = written(notebook_05, small_practice, ["--aitex"], **settings)
    assert keys(results) == keys(read_results("notebook_05"))
    assert results["kinds"]["flat"]["recall"] == results["sizes"]["recall"]["flat"][0] == 1
    assert results["kinds"]["flat"]["low"] == results["kinds"]["flat"]["high"] == 0


@pytest.mark.slow
def test_notebook_06(written, small_practice: Path, small_fabric: str):
    settings = {"FABRICS": {"aitex": (small_fabric,), "practice": ()}, "N_RESAMPLES": 3, "HALVES": 2, "FIT_TILES": 6}
    settings |= {"SMOOTHINGS": (0, 4), "SHARE": 0.4, "find_aitex": lambda folder: small_practice}
    evaluate = notebook_06.evaluate_fabrics
    settings["evaluate_fabrics"] = lambda root, names: evaluate(root, names) if names else {}
    results = written(notebook_06, small_practice, ["--aitex"], **settings)
    stored = read_results("notebook_06")["aitex"]
    for part in ("smoothing", "smoothing_by_fabric"):
        del results["aitex"][part], stored[part]
    assert keys(results["aitex"]) == keys(stored)


@pytest.fixture
def quick_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the detectors of notebook 09 learn for two steps."""
    monkeypatch.setattr(contest, "Autoencoder", functools.partial(Autoencoder, steps=2, width=4))
    monkeypatch.setattr(contest, "VariationalAutoencoder", functools.partial(VariationalAutoencoder, steps=2, width=4))
    monkeypatch.setattr(contest, "BANK_SIZE", 500)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_networks")
def test_notebook_09(written, small_practice: Path, small_fabric: str):
    settings = {"FABRICS": {"aitex": (small_fabric,)}, "N_RESAMPLES": 5, "read_results_if_any": lambda name: {}}
    results = written(notebook_09, small_practice, ["--only-data", "aitex", "--aitex"], **settings)
    stored = read_results("notebook_09")
    assert keys(results["aitex"]) == keys(stored["aitex"]) == keys(stored["practice"])
    assert set(results) == set(stored) - {"practice"}
    assert {name for pair in notebook_09.PAIRS for name in pair} <= set(results["aitex"]["mean"])


@pytest.mark.slow
@pytest.mark.usefixtures("quick_networks")
def test_all_variants_of_the_detectors_are_fitted_in_both_ways(small_tiles):
    tiles = small_tiles.clean.tiles[:8]
    by_way: dict[bool, set[str]] = {False: set(), True: set()}
    for scorer, fixed in contest.fit_scorers(tiles):
        maps = scorer.maps(tiles[:2])
        assert all(of_name.shape == (2, 256, 256) and np.isfinite(of_name).all() for of_name in maps.values())
        by_way[fixed] |= set(maps)
    assert by_way[False] == {"patchcore", "patchcore_few", "pca", "pixel", "ssim", "wide_pixel", "wide_ssim"}
    more = {f"{variant}_{error}" for variant in ("few", "seed1", "vae") for error in ("pixel", "ssim")}
    assert by_way[True] - by_way[False] == {"features_bank", "codes_bank"} | more and by_way[False] < by_way[True]


def test_only_strips_with_a_known_mask_are_tested(small_practice: Path, small_fabric: str):
    tiles, test = notebook_09.read_split(small_practice, small_fabric)
    assert tiles.shape[1:] == (256, 256)
    assert all(isinstance(strip, Strip) and strip.read_known_mask() is not None for strip in test)
    assert {strip.is_normal for strip in test} == {True, False}


def test_the_farthest_patch_has_the_largest_distance(small_tiles, quick: dict[str, Any]):
    detector = PatchCore(**quick).fit(small_tiles.clean.tiles[:3])
    distances, worst = notebook_06.distances_and_worst_patches(detector, small_tiles.clean.tiles[3:6])
    assert distances.shape == (3, 32, 32) and worst.shape[:2] == (3, 1)
    again = detector.patch_distances(worst[:, 0])
    np.testing.assert_allclose(again, distances.max(axis=(1, 2)), rtol=1e-5)
