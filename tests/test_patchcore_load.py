"""Saved detectors whose parts do not fit together are refused in one sentence, although every digest is right."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from detectors import NORMAL, TEST, paper
from saved_headers import change_header, read_header

from aitex_utils import PatchCore
from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import sha256

pytestmark = pytest.mark.usefixtures("one_thread")


def replace_array(folder: Path, name: str, array: np.ndarray) -> None:
    """Replace an array of a saved detector, and the digests with it."""
    np.save(folder / f"{name}.npy", array)
    digests = {**read_header(folder)["sha256"], f"{name}.npy": sha256(folder / f"{name}.npy")}
    change_header(folder, sha256=digests)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved detector with every kind of learned array."""
    recipe = {"size": 32, "whiten": True, "pooling": ((3,), (1,)), "normalize_positions": True, "coreset_ratio": 0.2}
    return paper(**recipe).fit(NORMAL).save(tmp_path_factory.mktemp("saved") / "detector")


CHANGES = {
    "NaN": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 0, np.nan, a).astype(np.float32),
    "infinite": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 0, np.inf, a).astype(np.float32),
    "integers": lambda a: a.astype(np.int32),
    "complex": lambda a: a.astype(np.complex64),
    "flat": lambda a: a.ravel()[:, None, None],
    "texts": lambda a: a.astype("U4"),
    "scalar": lambda a: np.float32(1),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", [*CHANGES, "fewer channels"])
@pytest.mark.parametrize("name", ["mean", "whitening", "position_scale", "bank_2"])
def test_a_learned_array_that_does_not_fit_is_refused(name: str, change: str, saved: Path, tmp_path: Path):
    folder = Path(shutil.copytree(saved, tmp_path / "d"))
    array = np.load(folder / f"{name}.npy")
    changed = array[..., :-1] if change == "fewer channels" else CHANGES[change](array)
    if (name, change) == ("position_scale", "fewer channels"):  # a grid that only tiles can contradict
        replace_array(folder, name, changed)
        with pytest.raises(InputError, match="distances has the grid"):
            PatchCore.load(folder).predict(TEST)
        return
    replace_array(folder, name, changed)
    with pytest.raises(InputError, match=name):
        PatchCore.load(folder)


@pytest.mark.parametrize("factor", [0, -1])
def test_a_position_scale_that_is_not_positive_is_refused(factor: int, saved: Path, tmp_path: Path):
    folder = Path(shutil.copytree(saved, tmp_path / "d"))
    replace_array(folder, "position_scale", np.float32(factor) * np.load(folder / "position_scale.npy"))
    with pytest.raises(InputError, match="no usable detector, .*position_scale"):
        PatchCore.load(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("radius", "12"),
        ("radius", -1.0),
        ("radius", [1.0]),
        ("radius", True),
        ("tile_shape", [64]),
        ("tile_shape", [64, -1]),
        ("tile_shape", "64"),
        ("tile_shape", 64),
        ("tile_shape", [64.5, 64]),
        ("fitted_on_strips", "no"),
        ("fitted_on_strips", 1),
        ("layers", 4),
        ("layers", ["none"]),
        ("layers", [4, 5]),
        ("layers", []),
        ("weights_sha256", 7),
        ("parameters", []),
        ("parameters", {"pooling": 999}),
        ("parameters", {"seed": "0"}),
        ("parameters", {"backbone": "alexnet"}),
        ("parameters", {"backbone": ["a"]}),
        ("parameters", {"whiten": "no"}),
        ("parameters", {"new": 1}),
    ],
)
def test_metadata_that_does_not_fit_is_refused(entry: str, value: object, saved: Path, tmp_path: Path):
    folder = Path(shutil.copytree(saved, tmp_path / "d"))
    if entry == "parameters" and value:
        value = {**read_header(folder)["metadata"]["parameters"], **value}
    change_header(folder, metadata={**read_header(folder)["metadata"], entry: value})
    with pytest.raises(InputError) as caught:
        PatchCore.load(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
