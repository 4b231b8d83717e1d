"""The inspection of notebook 12, on tiny pictures and a tiny later set, with the real command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from lesson_cells import source_of

from aitex_utils.errors import InputError
from aitex_utils.inspection.judge import PictureRule
from aitex_utils.inspection.picture_list import list_pictures
from aitex_utils.inspection.pictures import check_pictures
from aitex_utils.lessons.nb12 import failures, faults, setup
from aitex_utils.lessons.nb12.report import report_summary
from aitex_utils.lessons.nb12.verdicts import faults_found
from aitex_utils.practice.photographs import METADATA_FILE, Plan, render_photograph

pytestmark = pytest.mark.usefixtures("few_resamples")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pictures of 256 px: four good, four to judge, and a later set of three."""
    rng, root = np.random.default_rng(0), tmp_path_factory.mktemp("small") / "photographs"
    names = [f"train/good/{i:03d}.jpg" for i in range(1, 5)] + ["test/good/001.jpg", "test/good/002.jpg"]
    names += ["test/knot/001.jpg", "test/knot/002.jpg"]
    names += [f"later/lamp/test/{kind}/{i:03d}.jpg" for kind, i in (("good", 2), ("knot", 10), ("good", 1))]
    for name in names:
        image = rng.normal(120, 12, (256, 256, 3)).clip(0, 255).astype(np.uint8)
        if "knot" in name:
            image[100:130, 60:90] = (250, 30, 30)
            mask = np.zeros((256, 256), np.uint8)
            mask[100:130, 60:90] = 255
            place = root / name.replace("test/", "ground_truth/").replace(".jpg", "_mask.png")
            place.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(place), mask)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), image)
    (root / METADATA_FILE).write_text("{}")
    return root


@pytest.fixture(scope="module")
def small_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _small_lesson(small: Path, small_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(setup, "photographs_are_there", lambda folder: True)
    monkeypatch.setattr(setup, "PHOTOGRAPHS", small)
    monkeypatch.setenv("COURSE_CACHE", str(small_cache))
    yield


def test_the_inspection_runs_once(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    inspection = setup.inspected()
    assert len(inspection.training) == len(inspection.calibration) == len(inspection.good_scores) == 2
    assert "course.py inspect --good photographs --out 12_inspection --side 256" in capsys.readouterr().out
    assert inspection.rule == PictureRule(side=256, colour=inspection.rule.colour)
    monkeypatch.setattr(setup, "run_inspect", None)  # nothing is inspected again
    assert setup.inspected().threshold == inspection.threshold
    setup.inspect("--good", setup.PHOTOGRAPHS, "--out", setup.results_folder())
    assert "The results are in the folder 12_inspection." in capsys.readouterr().out


def test_the_notebook_names_the_same_side():
    assert f'"--out", results, "--side", "{setup.SIDE}")' in source_of("12").read_text(encoding="utf-8")


def test_an_inspection_that_fails_says_so(capsys: pytest.CaptureFixture, tmp_path: Path):
    with pytest.raises(InputError, match="the error that is printed above"):
        setup.inspect("--good", tmp_path / "none", "--out", tmp_path / "out")
    assert "there is no folder" in capsys.readouterr().err


def test_judged_pictures_have_labels_and_scores():
    judged = setup.judged_pictures()
    assert judged.names == sorted(judged.names) and judged.is_good.tolist() == [True, True, False, False]
    assert judged.scores[~judged.is_good].min() > judged.scores[judged.is_good].max()
    assert judged.found_by_kind(setup.inspected().threshold)["knot"] == 1.0


def test_a_later_set_is_in_the_order_of_its_numbers_and_kept():
    later = setup.later_set("lamp")
    assert [picture.path.stem for picture in later.pictures] == ["001", "002", "010"]
    assert later.is_good.tolist() == [True, True, False] and later.scores.argmax() == 2
    again = setup.later_set("lamp")
    np.testing.assert_array_equal(again.scores, later.scores)


def test_a_learned_picture_scores_lower():
    before = setup.later_set("lamp").scores
    after = setup.judge_after_learning("lamp", [2], [2])
    assert after[0] < 0.9 * before[2]


def test_another_rule_judges_the_same_pictures():
    good_scores, judged = setup.judge_with_rule(PictureRule(side=256, colour=False))
    assert judged.names == setup.judged_pictures().names and len(good_scores) == 2
    assert not np.allclose(judged.scores, setup.judged_pictures().scores)


def test_the_weakest_pictures_are_shown_with_their_maps():
    judged = setup.judged_pictures()
    names = failures.weakest(judged, 1)
    assert [name.split("/")[1] for name in names] == ["good", "knot"]
    good, knot = failures.judge_names(names)
    assert good.title == f"good {int(Path(names[0]).stem)}" and not good.mask.any()
    assert knot.peak_is_on_mask and knot.anomaly_map.shape == knot.image.shape[:2] == (256, 256)


@pytest.mark.parametrize(
    ("places", "words"),
    [([], "No defective picture"), ([True], "holds"), ([False, False], "refuted"), ([True, False], "explains a part")],
)
def test_places_decide_the_hypothesis(places: list[bool], words: str):
    assert words in failures.describe_places(places)


def test_a_report_is_summarised_by_its_outcome_and_warnings(tmp_path: Path):
    setup.inspected()
    lines = report_summary(setup.results_folder() / "report.html")
    assert lines[0].startswith("2 of 4 pictures were flagged") and any("good pictures" in line for line in lines[1:])
    (tmp_path / "page.html").write_text("<p>news</p>")
    with pytest.raises(InputError, match="no report"):
        report_summary(tmp_path / "page.html")


def test_the_check_names_each_planted_fault(tmp_path: Path):
    for i in range(1, 19):
        image, _ = render_photograph(Plan("", "train", "good", i, 0.0))
        faults.write_jpeg(tmp_path / f"{i:03d}.jpg", image, orientation=1, date=faults.DATE)
    good = list_pictures(tmp_path, setup.PHOTOGRAPHS / "test").good
    image, _ = render_photograph(Plan("", "test", "good", 1, 0.0))
    (tmp_path / "new").mkdir()
    faults.write_jpeg(tmp_path / "new" / "001.jpg", image, orientation=1, date=faults.DATE)
    test = [one for one in list_pictures(None, tmp_path / "new").test]
    test = [type(one)(one.path, one.name, True, "good", None) for one in test]
    planted = faults.plant_faults(tmp_path / "planted", good[:18], test)
    found = faults_found(check_pictures(list_pictures(tmp_path / "planted")), list(planted))
    assert list(found.values()) == [
        "same picture twice",
        "blurred",
        "brightness differs from the good pictures",
        "size differs from most",
        "test picture nearly equal to a good one",
    ]


def test_a_path_below_the_course_is_shown_as_one_can_type_it(tmp_path: Path):
    assert setup._shown(str(setup.PROJECT / "data" / "photographs" / "later")) == "data/photographs/later"
    assert setup._shown("0.05") == "0.05" and setup._shown(str(tmp_path / "results")) == "results"
