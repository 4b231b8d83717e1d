"""The strips of notebook 00, and its slow steps: fitting and predicting are done once and then read from the cache."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from aitex_utils import calibration, coreset, features, memory_bank, patchcore, scoring
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.lessons.wording import count
from aitex_utils.patchcore import PatchCore, StripResult
from aitex_utils.strips import Strip, list_strips, split_strips
from aitex_utils.tiling import tile_fabric

TRAINING_SHARE, SEED, CORESET_RATIO = 0.7, 0, 0.05
MAX_NORMAL = 8  # normal strips, so fitting takes as long on AITEX as on the practice fabric
CODE = (patchcore, features, coreset, memory_bank, scoring, calibration)  # on which cached results depend


@dataclass(frozen=True)
class LessonStrips:
    """The strips of one fabric, by their purpose in the notebook.

    Parameters
    ----------
    fabric : str
        Number of the fabric, two digits.
    training : list of Strip
        Normal strips from which the detector learns.
    held_out : list of Strip
        Normal strips that the detector does not see before the test.
    defective : list of Strip
        Defective strips whose mask marks the defect.
    unmasked : list of Strip
        Defective strips in which the place of the defect is unknown.
    unused : int
        Number of further normal strips of the fabric.

    Examples
    --------
    >>> strip = Strip("0001_000_02", "02", "000", Path())
    >>> print(LessonStrips("02", [strip] * 3, [strip], [strip], [strip]).describe())
    Fabric 02 has 4 normal strips: 3 for training, 1 held out for the test.
    It has 2 defective strips: 1 with a mask for the test, 1 without a mask (not used here).
    """

    fabric: str
    training: list[Strip]
    held_out: list[Strip]
    defective: list[Strip]
    unmasked: list[Strip]
    unused: int = 0

    def describe(self) -> str:
        """Return the numbers of strips in two sentences.

        Returns
        -------
        str
        """
        normal = len(self.training) + len(self.held_out) + self.unused
        defective = len(self.defective) + len(self.unmasked)
        unused = f", {self.unused} not used here" if self.unused else ""
        return (
            f"Fabric {self.fabric} has {count(normal, 'normal strip')}: {len(self.training)} for training, "
            f"{len(self.held_out)} held out for the test{unused}.\n"
            f"It has {count(defective, 'defective strip')}: {len(self.defective)} with a mask for the test, "
            f"{len(self.unmasked)} without a mask (not used here)."
        )


def load_strips() -> LessonStrips:
    """Return the strips of the first fabric, and make the practice fabric first if it is missing.

    Returns
    -------
    LessonStrips

    Examples
    --------
    >>> strips = load_strips()  # doctest: +SKIP
    """
    return _load(profile())


@lru_cache(maxsize=1)
def _load(_profile: str) -> LessonStrips:
    return sort_strips(list_strips(lesson_strips()))


def sort_strips(strips: Sequence[Strip]) -> LessonStrips:
    """Return the strips of the first fabric, split into training and test set.

    Parameters
    ----------
    strips : sequence of Strip
        Strips of one or more fabrics.

    Returns
    -------
    LessonStrips

    Examples
    --------
    >>> strips = [Strip(f"000{i}_000_02", "02", "000", Path()) for i in range(4)]
    >>> sorted_strips = sort_strips(strips)
    >>> len(sorted_strips.training), len(sorted_strips.held_out), sorted_strips.defective
    (3, 1, [])
    """
    fabric = strips[0].fabric
    own = [strip for strip in strips if strip.fabric == fabric]
    normal = [strip for strip in own if strip.is_normal]
    training, held_out = split_strips(normal[:MAX_NORMAL], TRAINING_SHARE, SEED)
    with_defect = [strip for strip in own if not strip.is_normal]
    defective = [strip for strip in with_defect if strip.read_known_mask() is not None]
    unmasked = [strip for strip in with_defect if strip not in defective]
    return LessonStrips(fabric, training, held_out, defective, unmasked, len(normal[MAX_NORMAL:]))


def training_tiles(strips: LessonStrips) -> np.ndarray:
    """Return the tiles of the training strips.

    Parameters
    ----------
    strips : LessonStrips
        Strips of the notebook.

    Returns
    -------
    ndarray, shape (N, 256, 256)

    Examples
    --------
    >>> tiles = training_tiles(load_strips())  # doctest: +SKIP
    """
    return np.concatenate([tile_fabric(strip.read())[0] for strip in strips.training])


def fit_cached(detector: PatchCore, tiles: np.ndarray) -> PatchCore:
    """Fit a detector on tiles the first time, and read the fitted detector from the cache after that.

    Parameters
    ----------
    detector : PatchCore
        Detector that is not fitted.
    tiles : ndarray, shape (N, H, W)
        Normal tiles, uint8.

    Returns
    -------
    PatchCore
        A fitted detector with the same parameters.

    Examples
    --------
    >>> tiles = np.random.default_rng(0).integers(100, 120, (3, 64, 64), np.uint8)
    >>> fit_cached(PatchCore(size=64), tiles).tile_shape_
    Computing nb00-detector for the first time.
    (64, 64)
    """

    def fit() -> dict[str, np.ndarray]:
        with tempfile.TemporaryDirectory() as folder:
            saved = detector.fit(tiles).save(Path(folder) / "detector")
            return {path.name: np.frombuffer(path.read_bytes(), np.uint8) for path in saved.iterdir()}

    files = cached("nb00-detector", fit, code=CODE, tiles=tiles, **detector.parameters())
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content.tobytes())
        return PatchCore.load(folder)


def load_detector(strips: LessonStrips) -> PatchCore:
    """Return the detector of section 3, fitted on the training strips.

    Parameters
    ----------
    strips : LessonStrips
        Strips of the notebook.

    Returns
    -------
    PatchCore

    Examples
    --------
    >>> detector = load_detector(load_strips())  # doctest: +SKIP
    """
    detector = PatchCore(pooling=3, coreset_ratio=CORESET_RATIO, seed=SEED, progress=True)
    return fit_cached(detector, training_tiles(strips))


def predict_cached(detector: PatchCore, strips: Sequence[Strip]) -> dict[str, StripResult]:
    """Predict strips the first time, and read the results from the cache after that.

    Parameters
    ----------
    detector : PatchCore
        Fitted detector.
    strips : sequence of Strip
        Strips to predict.

    Returns
    -------
    dict of str to StripResult
        By the id of the strip.

    Examples
    --------
    >>> results = predict_cached(load_detector(load_strips()), load_strips().held_out)  # doctest: +SKIP
    """
    from tqdm.auto import tqdm

    images = {strip.id: strip.read() for strip in strips}

    def predict() -> dict[str, np.ndarray]:
        arrays = {}
        for name, image in tqdm(images.items(), desc="strips"):
            result = detector.predict_strip(image)
            parts = {"map": result.map, "scores": result.tile_scores, "corners": result.corners}
            arrays |= {f"{part}.{name}": array for part, array in (parts | {"region": result.region}).items()}
        return arrays

    learned = {"bank": detector.bank_.vectors_, "scale": detector.position_scale_, **detector.parameters()}
    arrays = cached("nb00-maps", predict, code=CODE, images=images, **learned)
    return {name: _result(*(arrays[f"{part}.{name}"] for part in ("map", "scores", "corners", "region")))
            for name in images}  # fmt: skip


def _result(anomaly_map: np.ndarray, scores: np.ndarray, corners: np.ndarray, region: np.ndarray) -> StripResult:
    start, stop = region.tolist()
    return StripResult(anomaly_map, float(scores.max()), scores, corners, (start, stop))
