"""Saving and loading detectors: equal predictions afterwards, and a refusal for what is damaged or foreign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from detectors import NORMAL, SIZE, TEST, paper
from saved_headers import change_header, read_header
from woven import woven

from aitex_utils import PatchCore, backbones, features
from aitex_utils.errors import InputError, MissingError
from aitex_utils.memory_bank import MemoryBank

STRIPS = list(woven(3, 11, SIZE, 320))
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def detector() -> PatchCore:
    return paper().fit(NORMAL)


def change_metadata(folder: Path, **changes: object) -> None:
    """Change entries of the metadata in the header, and its digest; None removes one."""
    metadata = {**read_header(folder)["metadata"], **changes}
    change_header(folder, metadata={name: value for name, value in metadata.items() if value is not None})


# Equal after loading


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"normalize_positions": True, "padding": "reflect"},
        {"normalize_positions": True, "whiten": True},
        {"pooling": ((3,), (1,))},
        {"whiten": True, "sampler": "random", "index": "hnsw", "image_score": "reweighted"},
        {
            "sampler": "k_means",
            "index": "ivf",
            "coreset_ratio": 0.3,
            "smoothing": 0,
            "layers": "blocks.4",
            "pooling": 1,
        },
        {
            "whiten": True,
            "index": "pq",
            "coreset_ratio": 0.6,
            "size": 96,
            "seed": 9,
            "image_score": "reweighted_by_patch",
        },
    ],
)
def test_a_loaded_detector_predicts_the_same(parameters: dict, tmp_path: Path):
    detector = paper(**parameters).fit(NORMAL)
    assert detector.save(tmp_path / "saved") == tmp_path / "saved"
    loaded = PatchCore.load(tmp_path / "saved")
    before, after = detector.predict(TEST), loaded.predict(TEST)
    np.testing.assert_array_equal(after.scores, before.scores)
    np.testing.assert_array_equal(after.maps, before.maps)
    assert loaded.parameters() == detector.parameters()
    for name in ("radius_", "tile_shape_", "fitted_on_strips_"):
        assert getattr(loaded, name) == getattr(detector, name)
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]  # no temporary folder remains
    loaded.save(tmp_path / "again")
    assert read_header(tmp_path / "again") == read_header(tmp_path / "saved")


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters", [{}, {"whiten": True}, {"normalize_positions": False}, {"image_score": "top"}, {"pooling": (3, 1)}]
)
def test_a_loaded_detector_predicts_strips_the_same(parameters: dict, tmp_path: Path):
    detector = PatchCore(size=SIZE, **parameters).fit_strips(STRIPS, tile_size=SIZE)
    loaded = PatchCore.load(detector.save(tmp_path / "saved"))
    assert loaded.parameters() == detector.parameters() and loaded.fitted_on_strips_
    before, after = (each.predict_strip(STRIPS[0], region=(0, 320)) for each in (detector, loaded))
    np.testing.assert_array_equal(after.map, before.map)
    np.testing.assert_array_equal(after.tile_scores, before.tile_scores)
    with pytest.raises(InputError, match="fitted on strips: .*predict_strip"):
        loaded.predict(TEST)


@pytest.mark.parametrize("on_strips", [False, True])
def test_a_detector_saved_when_pooling_could_be_none_predicts_as_before(on_strips: bool, tmp_path: Path):
    detector = PatchCore(size=SIZE, pooling=((3,), (1,)) if on_strips else 3)
    detector = detector.fit_strips(STRIPS, tile_size=SIZE) if on_strips else detector.fit(NORMAL)
    expected = detector.predict_strip(STRIPS[0]).map
    detector.pooling = None  # what versions wrote in which tiles took 3, and strips both branches
    loaded = PatchCore.load(detector.save(tmp_path / "saved"))
    assert loaded.pooling == loaded.features.pooling == (((3,), (1,)) if on_strips else 3)
    np.testing.assert_array_equal(loaded.predict_strip(STRIPS[0]).map, expected)


def test_a_loaded_detector_can_be_fitted_again(detector: PatchCore, tmp_path: Path):
    loaded = PatchCore.load(paper().fit(NORMAL[:2]).save(tmp_path / "saved"))
    np.testing.assert_array_equal(loaded.fit(NORMAL).predict(TEST).scores, detector.predict(TEST).scores)


def test_saving_over_an_older_detector_replaces_it(detector: PatchCore, tmp_path: Path):
    folder = paper(whiten=True).fit(NORMAL[:2]).save(tmp_path / "saved")
    assert (folder / "whitening.npy").exists()
    detector.save(folder)
    assert not (folder / "whitening.npy").exists()
    np.testing.assert_array_equal(PatchCore.load(folder).predict(TEST).scores, detector.predict(TEST).scores)


def test_parameters_that_are_numpy_numbers_can_be_saved(tmp_path: Path):
    parameters = {
        "seed": np.int64(3),
        "coreset_ratio": np.float32(0.25),
        "smoothing": np.float64(2),
        "pooling": np.int32(3),
        "whiten": np.bool_(False),
        "background_quantile": np.float32(0.5),
    }
    folder = paper(**parameters).fit(NORMAL[:1]).save(tmp_path / "saved")
    assert parameters.items() <= PatchCore.load(folder).parameters().items()


# Refusals


@pytest.mark.parametrize("name", ["vectors.npy", "index.faiss", "whitening.npy", "mean.npy", "bank_2.npy"])
def test_a_damaged_or_incomplete_detector_is_refused(name: str, tmp_path: Path):
    folder = paper(whiten=True, pooling=((3,), (1,))).fit(NORMAL[:2]).save(tmp_path / "saved")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match=f"{name} is damaged"):
        PatchCore.load(folder)
    (folder / name).unlink()
    with pytest.raises(MissingError, match=f"incomplete, {name} is missing"):
        PatchCore.load(folder)
    (folder / name).write_bytes(content)
    assert PatchCore.load(folder).features.whiten


def test_foreign_folders_are_refused(tmp_path: Path, detector: PatchCore):
    with pytest.raises(MissingError, match="none is missing: give the folder that save"):
        PatchCore.load(tmp_path / "none")
    (tmp_path / "foreign").mkdir()
    with pytest.raises(InputError, match="foreign is no memory bank, .*header.json"):
        PatchCore.load(tmp_path / "foreign")
    bank = MemoryBank().add(np.eye(4, dtype=np.float32)).save(tmp_path / "bank")
    with pytest.raises(InputError, match="memory bank but no detector .*MemoryBank.load"):
        PatchCore.load(bank)
    (tmp_path / "foreign" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="foreign contains thesis.txt, .*another name"):
        detector.save(tmp_path / "foreign")
    assert [path.name for path in (tmp_path / "foreign").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"flavour": "sweet"}, "no detector .*flavour"),
        ({"whiten": True}, "incomplete, mean.npy is missing"),
        ({"normalize_positions": True}, "incomplete, position_scale.npy is missing"),
        ({"pooling": [[3], [1]]}, "incomplete, bank_2.npy is missing"),
        ({"sampler": "best"}, "no usable detector, .*sampler is 'best'"),
    ],
)
def test_a_header_that_contradicts_the_files_is_refused(
    parameters: dict, message: str, tmp_path: Path, detector: PatchCore
):
    folder = detector.save(tmp_path / "saved")
    change_metadata(folder, parameters={**detector.parameters(), **parameters})
    with pytest.raises(InputError, match=message):
        PatchCore.load(folder)


@pytest.mark.parametrize("name", ["layers", "weights_sha256", "tile_shape", "radius", "fitted_on_strips", "parameters"])
def test_a_header_without_one_of_its_entries_is_refused(name: str, tmp_path: Path, detector: PatchCore):
    folder = detector.save(tmp_path / "saved")
    change_metadata(folder, **{name: None})
    with pytest.raises(InputError, match=f"no detector .*{name}"):
        PatchCore.load(folder)


def test_other_weights_are_refused(tmp_path: Path, detector: PatchCore, monkeypatch: pytest.MonkeyPatch):
    folder = detector.save(tmp_path / "saved")

    def random_weights(name: str, *, pretrained: bool) -> backbones.Backbone:
        return backbones.load_backbone(name, pretrained=False)

    monkeypatch.setattr(features, "load_backbone", random_weights)
    with pytest.raises(InputError, match="other weights of efficientnet_lite0 .*57934424.*fit it anew"):
        PatchCore.load(folder)
