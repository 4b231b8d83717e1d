"""The contest of notebook 09: tiles of other strips, cached networks, and maps that are normalised as they say."""

from __future__ import annotations

import re

import lesson_cells as lessons
import numpy as np
import pytest

from aitex_utils import list_strips, split_strips, tile_fabric, tile_labels
from aitex_utils.baselines.ssim import error_maps
from aitex_utils.lessons.data import lesson_root
from aitex_utils.lessons.nb09 import setup


@pytest.fixture(scope="module")
def contest() -> setup.Contest:
    return setup.load_contest()


def test_no_strip_is_learned_and_tested(contest: setup.Contest):
    normal = [s for s in list_strips(lesson_root(), contest.fabric) if s.is_normal]
    training, held_out = split_strips(normal, share=0.5, seed=0)
    learned = np.concatenate([tile_fabric(strip.read())[0] for strip in training[: setup.LEARN_STRIPS]])
    assert len(contest.training) == setup.LEARN_TILES
    assert all((learned == tile).all(axis=(1, 2)).any() for tile in contest.training)
    assert not set(contest.groups) & {strip.id for strip in training}
    assert {strip.id for strip in held_out} & set(contest.groups)


def test_labels_are_those_of_the_masks_and_normal_strips_are_clean(contest: setup.Contest):
    np.testing.assert_array_equal(contest.labels, tile_labels(contest.masks))
    normal = {s.id for s in list_strips(lesson_root(), contest.fabric) if s.is_normal}
    assert (np.isin(contest.groups, list(normal)) == ~contest.labels).all()
    counts = [(contest.groups == group).sum() for group in set(contest.groups) - normal]
    assert max(counts) <= setup.PER_DEFECTIVE and contest.labels[contest.shown].all() and len(contest.titles) == 4


def test_the_contest_cannot_be_spoiled(contest: setup.Contest):
    with pytest.raises(ValueError, match="read-only"):
        contest.tiles[0] = 0
    assert setup.load_contest() is contest


@pytest.mark.slow
def test_a_network_is_trained_once_and_its_maps_are_divided(
    contest: setup.Contest, tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(setup, "STEPS", 2)
    small = contest._replace(
        training=contest.training[:2], tiles=contest.tiles[:3], masks=contest.masks[:3], labels=contest.labels[:3]
    )
    monkeypatch.setattr(setup, "load_contest", lambda: small)
    for name in ("mirrored", "variational"):
        first = setup.load_network(name)
        capsys.readouterr()
        second = setup.load_network(name)
        assert "computing" not in capsys.readouterr().out
        np.testing.assert_array_equal(first.reconstructed, second.reconstructed)
        assert first.codes.shape == (3, 32, 32, 4) and first.nbytes > 1000 and first.loss > 0
        plain, normalized = (setup.network_maps(first, "pixel", normalize=value) for value in (False, True))
        np.testing.assert_allclose(plain, error_maps(small.tiles, first.reconstructed, "pixel", setup.SMOOTHING))
        np.testing.assert_allclose(normalized, plain / first.scales["pixel"])
    monkeypatch.setattr(setup, "PATCHCORES", {"few tiles": {**setup.REMEDIES, "tiles": 2, "coreset_ratio": 0.01}})
    assert setup.patchcore_maps("few tiles").shape == (3, 256, 256)
    training, test = setup.load_patches()
    assert training.shape[:3] == (2, 32, 32) and test.shape[:3] == (3, 32, 32)


def test_normalized_maps_divide_by_the_position():
    training = np.ones((6, 8, 8))
    training[:, 0] = 4
    maps = setup.normalized_maps(training, training[:1])
    assert maps.shape == (1, 256, 256) and np.ptp(maps) < 1e-3


def test_crops_stay_inside_and_contain_the_defect():
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = np.zeros((1, 60, 60), bool)
        row, column = rng.integers(0, 60, 2)
        mask[0, row, column] = True
        crop = setup.crop_defects(mask, mask, 21)
        assert crop.shape == (1, 21, 21) and crop.sum() == 1


def test_bootstrap_differences_are_paired(contest: setup.Contest):
    scores = contest.labels + np.random.default_rng(0).normal(size=len(contest.labels))
    assert (setup.bootstrap_differences(contest, scores, scores, 20) == 0).all()
    assert setup.bootstrap_differences(contest, contest.labels + 0.0, scores, 20).min() > 0


@pytest.mark.slow
def test_the_worked_answer_of_the_open_task_runs_and_reports_its_output(capsys: pytest.CaptureFixture):
    cells = [cell.source for cell in lessons.builder.solved(lessons.source_of("09")).cells]
    (number,) = (i for i, text in enumerate(cells) if "<summary>Worked answer" in text)
    names: dict = {}
    for code in (cells[number - 1], re.search(r"```python\n(.*?)```", cells[number], re.DOTALL)[1]):
        exec(compile(code, "<worked answer>", "exec"), names)
    pixel, ssim, interval = capsys.readouterr().out.splitlines()[-3:]
    report = " ".join(cells[number].split("*Report*")[1].split())
    for line in (pixel, ssim):
        ratio, share = re.search(r"ratio ([\d.]+),.* (\d+) %", line).groups()
        assert f"{ratio} times" in report and f"{share} %" in report
    low, high = map(float, re.search(r"\[(.*)\]", interval)[1].split())
    assert f"{low:+.3f} to {high:+.3f}" in report
