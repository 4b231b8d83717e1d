"""Strips predicted as tasks: the results of `predict_strip`, in the order of the strips."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scale_fits import fitted, small_strips

from aitex_utils import PatchCore, patchcore
from aitex_utils.errors import InputError
from aitex_utils.region import Region
from aitex_utils.scale.predicting import predict_strips

pytestmark = pytest.mark.usefixtures("one_thread")
REGIONS = [(0, 320), (32, 320), (0, 200)]


@pytest.fixture(scope="module")
def detector() -> PatchCore:
    return fitted(small_strips())


def assert_same(results: list, detector: PatchCore, strips: list) -> None:
    assert len(results) == len(strips)
    for result, strip, region in zip(results, strips, REGIONS, strict=True):
        expected = detector.predict_strip(strip, region=region)
        np.testing.assert_array_equal(result.map, expected.map)
        np.testing.assert_array_equal(result.tile_scores, expected.tile_scores)
        np.testing.assert_array_equal(result.corners, expected.corners)
        assert (result.score, result.region, result.background) == (
            expected.score,
            expected.region,
            expected.background,
        )


def test_in_this_process_the_results_are_the_same_and_no_file_is_left(detector: PatchCore, tmp_path: Path):
    saved, strips = detector.save(tmp_path / "detector"), small_strips(3, seed=5)
    assert_same(list(predict_strips(saved, iter(strips), regions=REGIONS, folder=tmp_path / "way")), detector, strips)
    assert os.listdir(tmp_path / "way") == []


def test_workers_change_nothing(workers: Any, detector: PatchCore, tmp_path: Path):
    saved, strips = detector.save(tmp_path / "detector"), small_strips(3, seed=5)
    assert_same(list(predict_strips(saved, strips, client=workers, regions=REGIONS)), detector, strips)


def test_a_worker_that_is_done_after_the_prediction_has_ended_leaves_no_map(
    detector: PatchCore, tmp_path: Path, monkeypatch
):
    saved, way, predict = detector.save(tmp_path / "detector"), tmp_path / "way", PatchCore.predict_strip

    def predict_too_late(*arguments: Any, **options: Any) -> Any:
        result = predict(*arguments, **options)
        shutil.rmtree(way)
        return result

    monkeypatch.setattr(PatchCore, "predict_strip", predict_too_late)
    with pytest.raises(InputError, match="A worker does not see .*: name a folder that all workers share"):
        list(predict_strips(saved, small_strips(1, seed=5), regions=REGIONS[:1], folder=way))
    assert os.listdir(tmp_path) == ["detector"]


def test_a_region_that_is_not_certain_is_warned_of(detector: PatchCore, tmp_path: Path, monkeypatch):
    found = Region(30, 170)
    found.is_certain = False
    monkeypatch.setattr(patchcore, "fabric_region", lambda image: found)
    with pytest.warns(UserWarning, match=r"not certain .* columns \(30, 170\): pass region"):
        (result,) = predict_strips(detector.save(tmp_path / "detector"), small_strips(1, seed=5))
    assert result.region == (30, 170)


def test_threads_that_predict_at_once_leave_the_filters_of_warnings_as_they_were(
    detector: PatchCore, tmp_path: Path, monkeypatch
):
    seconds, predict = iter((0.1, 0.3)), PatchCore.predict_strip

    def predict_for_some_time(*arguments: Any, **options: Any) -> Any:
        time.sleep(next(seconds))
        return predict(*arguments, **options)

    monkeypatch.setattr(PatchCore, "predict_strip", predict_for_some_time)
    saved, before = detector.save(tmp_path / "detector"), warnings.filters.copy()
    with ThreadPoolExecutor(2) as threads:
        list(predict_strips(saved, small_strips(2, seed=5), client=threads, regions=REGIONS[:2]))
    assert warnings.filters == before


def test_a_detector_that_was_replaced_is_loaded_again(detector: PatchCore, tmp_path: Path):
    strips = small_strips(1, seed=5)
    for one in (detector, fitted(small_strips(seed=3))):
        saved = one.save(tmp_path / "detector")
        (result,) = predict_strips(saved, strips, regions=REGIONS[:1])
        assert result.score == one.predict_strip(strips[0], region=REGIONS[0]).score


def test_wrong_arguments_are_refused(detector: PatchCore, tmp_path: Path):
    with pytest.raises(InputError, match="is missing: give the folder that save"):
        list(predict_strips(tmp_path / "no", small_strips(1)))
    saved = detector.save(tmp_path / "detector")
    with pytest.raises(InputError, match="dtype float64"):
        list(predict_strips(saved, [np.zeros((64, 320))]))
    with pytest.raises(InputError, match="^overlap is -1"):
        list(predict_strips(saved, small_strips(1), overlap=-1))
    with pytest.raises(InputError, match="^regions has 1 "):
        list(predict_strips(saved, small_strips(2), regions=REGIONS[:1]))
    with pytest.raises(InputError, match="^regions has 3 regions, but there are 2 strips"):
        list(predict_strips(saved, list(small_strips(2)), regions=REGIONS))
    with pytest.raises(InputError, match="^regions has 3 regions, but there are 2 strips"):
        list(predict_strips(saved, iter(small_strips(2)), regions=REGIONS))
    with pytest.raises(InputError, match="^regions is 5: give first and last column"):
        list(predict_strips(saved, small_strips(2), regions=5))
    for strips in (None, "strips"):
        with pytest.raises(InputError, match="^strips is .*: give grey images"):
            list(predict_strips(saved, strips))


def test_an_error_of_the_strips_is_raised_as_it_is(detector: PatchCore, tmp_path: Path):
    def strips() -> Iterator[np.ndarray]:
        yield from small_strips(1, seed=5)
        np.load(tmp_path / "way" / "strip.npy")

    saved, results = detector.save(tmp_path / "detector"), []
    with pytest.raises(FileNotFoundError) as raised:
        results += predict_strips(saved, strips(), regions=REGIONS[:2], folder=tmp_path / "way")
    assert not isinstance(raised.value, InputError) and len(results) == 1 and os.listdir(tmp_path / "way") == []


@pytest.mark.parametrize("place", ["file", "file/folder"])
def test_a_folder_for_pictures_that_cannot_be_made_is_explained(detector: PatchCore, tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    saved = detector.save(tmp_path / "detector")
    with pytest.raises(InputError, match="a file of .*is in the way, choose another name"):
        list(predict_strips(saved, small_strips(1), folder=tmp_path / place))
