"""Judge pictures of any size: scale and tile them, fit on good ones, find a threshold, and mark what was found.

The rule, `PictureRule`: a picture whose shorter side exceeds a limit is scaled down to it. Then it is cut into tiles
that overlap a little. The anomaly maps of the tiles are blended into one map of the picture. The score of a picture is
the largest value of its map, so a picture is flagged exactly if a place on its map reaches the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from aitex_utils.calibration import leave_one_out_distances, position_scale
from aitex_utils.coreset import coreset_size, k_center_greedy
from aitex_utils.errors import InputError, check_flag, check_integer, check_number, check_seed, check_shape, shown
from aitex_utils.files.images import MAX_PIXELS
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.metrics import conformal_threshold
from aitex_utils.patchcore import PatchCore
from aitex_utils.safety.arrays import as_array
from aitex_utils.safety.scores import check_float32, check_scores
from aitex_utils.scoring import stitch_maps
from aitex_utils.streaming_coreset import composable_coreset
from aitex_utils.tiling import tile

from .embedding import largest_of_blocks
from .wording import as_count

SIDE, TILE, OVERLAP = 768, 256, 32  # px
MAX_BANK = 25_000  # patches per branch: a tile takes about twice as long with a bank of four times this size
CALIBRATION = 100  # held-out good pictures are enough for a threshold
MOST_PICTURES = 10**7  # a draw from so many takes a second, and no inspection has more
LEAST_AREA = 0.25  # of the area of a patch of the map, below which a region is noise unless it has the peak


@dataclass(frozen=True)
class PictureRule:
    """How a picture becomes tiles.

    Parameters
    ----------
    side : int or None
        A picture whose shorter side exceeds this is scaled down to it, in px. None keeps every picture's resolution,
        for defects of a few pixels. A picture smaller than a tile is scaled up to one.
    tile_size, overlap : int
        Side of a tile and width that neighbouring tiles share, in px.
    colour : bool
        Patches are computed from red, green and blue instead of grey values.

    Examples
    --------
    >>> PictureRule(side=None).tile_size
    256
    """

    side: int | None = SIDE
    tile_size: int = TILE
    overlap: int = OVERLAP
    colour: bool = False

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check_integer("tile_size", self.tile_size, 32)
        check_integer("overlap", self.overlap, 0, self.tile_size - 1, "one less than the side of a tile")
        check_flag("colour", self.colour)
        if self.side is not None:
            check_integer("side", self.side, self.tile_size)


@dataclass(frozen=True)
class PictureResult:
    """Prediction for a picture.

    Parameters
    ----------
    map : ndarray, shape (h, w)
        Anomaly map, float32, at the resolution at which the picture was analysed, see `PictureRule`.
    score : float
        Its largest value.
    shape : tuple of int
        Height and width of the picture in its own pixels.

    Examples
    --------
    >>> PictureResult(np.zeros((2, 2), np.float32), 0.0, (4, 4)).shape
    (4, 4)
    """

    map: np.ndarray
    score: float
    shape: tuple[int, int]


def scale_picture(image: np.ndarray, rule: PictureRule) -> np.ndarray:
    """Return a picture at the resolution at which it is analysed.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 3)
        Picture, uint8.
    rule : PictureRule
        Its limits.

    Returns
    -------
    ndarray, shape (h, w) or (h, w, 3)
        The picture itself if nothing is to be scaled. Both sides are at least as long as a tile.

    Raises
    ------
    InputError
        If `image` is no picture, or so narrow that it has too many pixels once it is as wide as a tile.

    Examples
    --------
    >>> scale_picture(np.zeros((2000, 3000), np.uint8), PictureRule()).shape
    (768, 1152)
    """
    image, rule = check_picture(image), _check_rule(rule)
    shape = scaled_shape(image.shape[:2], rule)
    if shape == image.shape[:2]:
        return image
    shrinks = min(shape) < min(image.shape[:2])
    return cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def cut_picture(image: np.ndarray, rule: PictureRule) -> tuple[np.ndarray, np.ndarray]:
    """Return the tiles of a picture that has been scaled.

    Parameters
    ----------
    image : ndarray, shape (h, w) or (h, w, 3)
        Output of `scale_picture`.
    rule : PictureRule
        Size and overlap of the tiles.

    Returns
    -------
    tiles : ndarray, shape (N, s, s) or (N, s, s, 3)
        uint8.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.

    Raises
    ------
    InputError
        If `image` is no picture, or smaller than a tile.

    Examples
    --------
    >>> tiles, corners = cut_picture(np.zeros((256, 480, 3), np.uint8), PictureRule())
    >>> tiles.shape, corners.tolist()
    ((2, 256, 256, 3), [[0, 0], [0, 224]])
    """
    image, rule = check_picture(image), _check_rule(rule)
    if image.ndim == 2:
        return tile(image, rule.tile_size, rule.overlap)
    channels, corners = zip(*(tile(image[..., i], rule.tile_size, rule.overlap) for i in range(3)), strict=True)
    return np.stack(channels, axis=-1), corners[0]


def tiles_of(images: Iterable[np.ndarray], rule: PictureRule) -> Iterator[np.ndarray]:
    """Yield the tiles of pictures, picture by picture.

    Parameters
    ----------
    images : iterable of ndarray, each of shape (H, W) or (H, W, 3)
        Pictures, uint8; they can be read one by one.
    rule : PictureRule
        How to cut them.

    Yields
    ------
    ndarray, shape (N, s, s) or (N, s, s, 3)

    Raises
    ------
    InputError
        If `images` cannot be iterated, or one of them is no picture.

    Examples
    --------
    >>> [tiles.shape for tiles in tiles_of([np.zeros((256, 256), np.uint8)], PictureRule())]
    [(1, 256, 256)]
    """
    if not np.iterable(images):
        raise InputError(f"images is {shown(images)}: give a list of pictures, or a generator that reads them.")
    for image in images:
        yield cut_picture(scale_picture(image, rule), rule)[0]


def check_picture(image: np.ndarray) -> np.ndarray:
    """Return a picture as an array if it is grey or has three colours.

    Parameters
    ----------
    image : array_like, shape (H, W) or (H, W, 3)
        Picture, uint8.

    Returns
    -------
    ndarray

    Raises
    ------
    InputError
        If the shape or the dtype is another one, or the picture is empty.

    Examples
    --------
    >>> check_picture(np.zeros((5, 5, 3), np.uint8)).shape
    (5, 5, 3)
    """
    image = as_array(image, "image")
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or 0 in image.shape:
        raise InputError(f"image has shape {image.shape}, expected (H, W) or (H, W, 3): read it with Picture.read.")
    if image.dtype != np.uint8:
        raise InputError(f"image has dtype {image.dtype}, expected uint8: read it with Picture.read.")
    return image


def fit_pictures(
    images: Iterable[np.ndarray],
    rule: PictureRule,
    *,
    n_tiles: int,
    memory: float = 1.0,
    **parameters: Any,
) -> PatchCore:
    """Fit a detector on good pictures that arrive one by one.

    Parameters
    ----------
    images : iterable of ndarray, each of shape (H, W) or (H, W, 3)
        Good pictures, uint8.
    rule : PictureRule
        How to cut them.
    n_tiles : int
        Number of tiles of all pictures, see `count_tiles`. The more, the smaller the coreset sampling ratio: a branch
        keeps at most about 25,000 patches.
    memory : float
        GiB that the patches can take, as in `PatchCore.fit`.
    **parameters
        Arguments of `PatchCore`.

    Returns
    -------
    PatchCore

    Raises
    ------
    InputError
        If there are no pictures, one of them cannot be used, or an argument is out of range.

    Examples
    --------
    >>> good = np.random.default_rng(0).integers(100, 120, (2, 64, 64), np.uint8)
    >>> rule = PictureRule(side=None, tile_size=64, overlap=0)
    >>> fit_pictures(good, rule, n_tiles=2, size=64).tile_shape_
    (64, 64)
    """
    rule, n_tiles = _check_rule(rule), check_integer("n_tiles", n_tiles, 1)
    detector = PatchCore(**{"colour": rule.colour, **parameters})
    detector.coreset_ratio = min(detector.coreset_ratio, MAX_BANK / (n_tiles * _patches_per_tile(detector, rule)))
    return detector.fit(tiles_of(images, rule), memory=memory)


def count_tiles(shape: tuple[int, ...], rule: PictureRule) -> int:
    """Return the number of tiles of a picture.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the picture in px.
    rule : PictureRule
        How to cut it.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If `shape` is no shape of a picture, or one that `scale_picture` refuses.

    Examples
    --------
    >>> count_tiles((2000, 3000), PictureRule())
    20
    """
    shape = shape[:2] if isinstance(shape, (tuple, list)) and len(shape) == 3 else shape
    scaled = scaled_shape(check_shape("shape", shape), _check_rule(rule))
    step = rule.tile_size - rule.overlap
    return math.prod(1 + math.ceil((length - rule.tile_size) / step) for length in scaled)


def predict_picture(detector: PatchCore, image: np.ndarray, rule: PictureRule) -> PictureResult:
    """Return the anomaly map and the score of a picture.

    Parameters
    ----------
    detector : PatchCore
        Fitted on tiles.
    image : ndarray, shape (H, W) or (H, W, 3)
        Picture, uint8.
    rule : PictureRule
        The rule of the fit.

    Returns
    -------
    PictureResult

    Raises
    ------
    InputError
        If the detector is not fitted, was fitted on tiles of another size, or `image` is no picture.

    Examples
    --------
    >>> good = np.random.default_rng(0).integers(100, 120, (2, 64, 64), np.uint8)
    >>> rule = PictureRule(side=None, tile_size=64, overlap=0)
    >>> predict_picture(fit_pictures(good, rule, n_tiles=2, size=64), good[0], rule).map.shape
    (64, 64)
    """
    detector, image, rule = _check_detector(detector), check_picture(image), _check_rule(rule)
    scaled = scale_picture(image, rule)
    tiles, corners = cut_picture(scaled, rule)
    step = max(detector.features.batch_size, 1)
    maps = [detector.predict(tiles[start : start + step]).maps for start in range(0, len(tiles), step)]
    anomaly_map = stitch_maps(np.concatenate(maps), corners, scaled.shape[:2])
    return PictureResult(anomaly_map, float(anomaly_map.max()), (image.shape[0], image.shape[1]))


def split_good(n_good: int, false_alarms: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw which good pictures are held out for the threshold.

    Parameters
    ----------
    n_good : int
        Number of good pictures, at least 2.
    false_alarms : float
        Promised false-alarm rate, above 0 and below 1.
    seed : int
        Seed of the draw.

    Returns
    -------
    training, calibration : ndarray
        Sorted indices. Half of the pictures are held out, but not more than four times as many as the promise needs,
        or 100 if that is more.

    Raises
    ------
    InputError
        If there are fewer than 2, or an argument is out of range.

    Examples
    --------
    >>> training, calibration = split_good(40, 0.05)
    >>> len(training), len(calibration)
    (20, 20)
    """
    n_good, seed = check_integer("n_good", n_good, 0, MOST_PICTURES), check_seed(seed)
    if n_good < 2:
        raise InputError(f"{as_count(n_good, 'good picture')} can be used: give at least 2, better 40 or more.")
    held_out = min(n_good // 2, max(CALIBRATION, 4 * pictures_needed(false_alarms)))
    order = np.random.default_rng(seed).permutation(n_good)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def pictures_needed(false_alarms: float) -> int:
    """Return how many held-out good pictures the promise of a false-alarm rate needs.

    Parameters
    ----------
    false_alarms : float
        Rate, above 0 and below 1.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If the rate is out of range.

    Examples
    --------
    >>> pictures_needed(0.05), pictures_needed(0.01)
    (19, 99)
    """
    check_number("false_alarms", false_alarms, "(0, 1)", example="0.05, 1 in 20")
    return math.ceil(1 / Fraction(str(float(false_alarms)))) - 1


def find_threshold(good_scores: Sequence[float], false_alarms: float) -> tuple[float, str, bool]:
    """Return the threshold that held-out good pictures promise, with the promise in words.

    Parameters
    ----------
    good_scores : sequence of float
        Scores of held-out good pictures, at least one.
    false_alarms : float
        Rate at which good pictures can be flagged, above 0 and below 1.

    Returns
    -------
    threshold : float
        A picture is flagged if its score is at least as high, see `metrics.conformal_threshold`.
    promise : str
        A sentence.
    is_kept : bool
        False if the pictures are too few for the rate. The threshold then lies above all their scores, which is the
        lowest rate that they can promise.

    Raises
    ------
    InputError
        If there is no score, one is not finite, or the rate is out of range.

    Examples
    --------
    >>> find_threshold([1.0, 2.0, 3.0], 0.25)[2]
    True
    >>> find_threshold([1.0, 2.0, 3.0], 0.05)[1][:62]
    '3 held-out good pictures promise that at most 1 in 4 good pict'
    """
    scores = check_scores(check_float32(good_scores, "good_scores"), "good_scores").ravel()
    needed, rate = pictures_needed(false_alarms), 100 * false_alarms
    begin = f"{as_count(len(scores), 'held-out good picture')} promise{'s' * (len(scores) == 1)} that at most"
    if len(scores) >= needed:
        return conformal_threshold(scores, false_alarms), f"{begin} {rate:g} % of good pictures {CONDITIONS}", True
    promise = (
        f"{begin} 1 in {len(scores) + 1} good pictures {CONDITIONS} The promise of {rate:g} % needs {needed} held-out "
        f"good pictures, so give {2 * needed} good pictures or more."
    )
    return float(np.nextafter(scores.max(), np.float32(np.inf))), promise, False


CONDITIONS = "are flagged, on average, if new good pictures are like them."


def mark_regions(anomaly_map: np.ndarray, threshold: float, patch: float = 8.0) -> np.ndarray:
    """Return the mask of the regions found on a map: the places that reach the threshold, without noise.

    Parameters
    ----------
    anomaly_map : ndarray, shape (h, w)
        Map of a picture.
    threshold : float
        Lowest value that counts as found.
    patch : float
        Distance of two patches on the map in px.

    Returns
    -------
    ndarray, shape (h, w)
        Bool. Gaps narrower than a patch are closed. Regions far smaller than a patch are dropped, except the region
        with the peak: a picture that is flagged has at least one region.

    Raises
    ------
    InputError
        If the map is not finite, or an argument is out of range.

    Examples
    --------
    >>> anomaly_map = np.zeros((32, 32), np.float32)
    >>> anomaly_map[4:20, 4:20] = 2
    >>> anomaly_map[30, 30] = 1
    >>> int(mark_regions(anomaly_map, 1.0).sum())
    256
    """
    anomaly_map = _check_plane(check_scores(anomaly_map, "anomaly_map"), "anomaly_map")
    if not (isinstance(threshold, (float, np.floating)) and threshold == np.inf):  # which flags nothing
        check_number("threshold", threshold, "(-inf, inf)", example=1.5)
    patch = min(check_number("patch", patch, "(0, inf)", example=8.0), max(anomaly_map.shape))
    with np.errstate(over="ignore"):  # a threshold that float32 cannot represent is infinite to a map of float32
        above = (anomaly_map >= anomaly_map.dtype.type(threshold)).astype(np.uint8)
    if not above.any():
        return above.astype(bool)
    side = max(1, int(patch) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    padded = cv2.copyMakeBorder(above, side, side, side, side, cv2.BORDER_CONSTANT)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[side:-side, side:-side]
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    keep = statistics[:, cv2.CC_STAT_AREA] >= LEAST_AREA * patch**2
    keep[0] = False  # the background
    keep[labels[np.unravel_index(int(np.argmax(anomaly_map)), anomaly_map.shape)]] = True
    return keep[labels]


def to_own_pixels(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return a map or a mask of a picture in the picture's own pixels.

    Parameters
    ----------
    values : ndarray, shape (h, w)
        Map, float32, or mask, bool.
    shape : tuple of int
        Height and width of the picture in px.

    Returns
    -------
    ndarray, shape (H, W)
        An enlarged map is interpolated bilinearly, and an enlarged mask takes the nearest value. A smaller copy has the
        largest value of each block, so a found region and the peak of a map remain.

    Raises
    ------
    InputError
        If `values` is no map or mask, or a picture of that shape could not be read.

    Examples
    --------
    >>> to_own_pixels(np.eye(2, dtype=bool), (4, 4)).sum()
    np.int64(8)
    """
    values, shape = _check_plane(as_array(values, "values"), "values"), check_shape("shape", shape)
    if math.prod(shape) > MAX_PIXELS:
        raise InputError(f"shape is {shape}, larger than a picture that can be read: give the picture's own shape.")
    if values.shape == shape:
        return values
    if shape[0] <= values.shape[0] and shape[1] <= values.shape[1]:
        return largest_of_blocks(values, shape)
    size = shape[::-1]
    if values.dtype == bool:
        return cv2.resize(values.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT).astype(bool)
    return cv2.resize(check_float32(values, "values"), size, interpolation=cv2.INTER_LINEAR)


def add_pictures(
    detector: PatchCore,
    images: Iterable[np.ndarray],
    rule: PictureRule,
    *,
    n_before: int,
    n_tiles: int,
    memory: float = 1.0,
) -> None:
    """Let a fitted detector learn from further good pictures, in bounded memory.

    The patches of the new pictures are reduced to a coreset and joined with the bank. The union is reduced once more,
    so the bank is a coreset of old and new pictures together (see `streaming_coreset`). The position scale becomes the
    mean of the scales of the fit and of the new tiles, weighted by their numbers of tiles. Scores change, so a
    threshold must be found anew.

    Parameters
    ----------
    detector : PatchCore
        Fitted on tiles; it is changed in one step at the end.
    images : iterable of ndarray, each of shape (H, W) or (H, W, 3)
        Further good pictures, uint8.
    rule : PictureRule
        The rule of the fit.
    n_before, n_tiles : int
        Numbers of tiles of the fit and of the further pictures.
    memory : float
        GiB that the patches can take.

    Raises
    ------
    InputError
        If there are no pictures, one of them cannot be used, or the detector is not fitted or whitens its patches.

    Examples
    --------
    >>> good = np.random.default_rng(0).integers(100, 120, (4, 64, 64), np.uint8)
    >>> rule = PictureRule(side=None, tile_size=64, overlap=0)
    >>> detector = fit_pictures(good[:2], rule, n_tiles=2, size=64)
    >>> add_pictures(detector, good[2:], rule, n_before=2, n_tiles=2)
    >>> len(detector.bank_)
    12
    """
    rule, features = _check_rule(rule), _check_detector(detector).features
    n_before, n_tiles = check_integer("n_before", n_before, 1), check_integer("n_tiles", n_tiles, 1)
    if not hasattr(detector, "banks_"):
        raise InputError("The detector has not learned from any picture: call fit_pictures first.")
    if features.whiten:
        raise InputError("A detector with whitening cannot learn from further pictures: fit it anew on all of them.")
    per_tile = _patches_per_tile(detector, rule)
    ratio = min(detector.coreset_ratio, MAX_BANK / ((n_before + n_tiles) * per_tile))

    def patches_of_tiles() -> Iterator[np.ndarray]:
        for tiles in tiles_of(images, rule):
            for patches in features.iter_patches(tiles):
                yield from patches

    options = {"n_branches": features.n_branches, "device": features.device}
    new = composable_coreset(patches_of_tiles(), ratio, seed=detector.seed, memory=memory, **options)
    unions = [
        np.concatenate([bank.vectors_, vectors]) for bank, vectors in zip(detector.banks_, new.vectors, strict=True)
    ]
    scale = detector.position_scale_
    if scale is not None:  # distances of new tiles to all patches but their own
        groups = [np.r_[np.full(len(bank), -1), own] for bank, own in zip(detector.banks_, new.groups, strict=True)]
        of_new = position_scale(leave_one_out_distances(new.samples, unions, groups, features.device))
        scale = ((n_before * scale + n_tiles * of_new) / (n_before + n_tiles)).astype(np.float32)
    kept, banks, radii = coreset_size(ratio, (n_before + n_tiles) * per_tile), [], []
    for union in unions:
        indices, radius = k_center_greedy(union, min(kept, len(union)), seed=detector.seed, device=features.device)
        banks.append(MemoryBank(detector.index, device=features.device).add(union[indices]))
        radii.append(float(radius[-1]))
    learned = {"banks_": banks, "position_scale_": scale, "coreset_ratio": ratio}
    vars(detector).update(learned, radius_=max(detector.radius_ or 0.0, new.radius or 0.0) + max(radii))


def scaled_shape(shape: tuple[int, int], rule: PictureRule) -> tuple[int, int]:
    """Return the height and width at which a picture is analysed.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the picture in px.
    rule : PictureRule
        Its limits.

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        If the picture is so narrow that it has too many pixels once it is as wide as a tile.

    Examples
    --------
    >>> scaled_shape((2000, 3000), PictureRule())
    (768, 1152)
    """
    shape, rule = check_shape("shape", shape), _check_rule(rule)
    scaled = _scaled_sides(shape, rule)
    if math.prod(scaled) > MAX_PIXELS:
        raise InputError(
            f"A picture of {shape[1]} x {shape[0]} px would be analysed at {scaled[1]} x {scaled[0]} px, more than "
            f"{MAX_PIXELS:,} px: cut it into shorter pieces."
        )
    return scaled


def _scaled_sides(shape: tuple[int, int], rule: PictureRule) -> tuple[int, int]:
    height, width = shape
    short = min(shape)
    target = max(short if rule.side is None else min(short, rule.side), rule.tile_size)
    if target == short:
        return height, width
    if width < height:
        return max(target, round(height * target / width)), target
    return target, max(target, round(width * target / height))


def _check_rule(rule: PictureRule) -> PictureRule:
    if not isinstance(rule, PictureRule):
        raise InputError(f"rule is {shown(rule)}, expected a PictureRule, for example PictureRule(side=768).")
    return rule


def _check_detector(detector: PatchCore) -> PatchCore:
    if not isinstance(detector, PatchCore):
        raise InputError(f"detector is {shown(detector)}, expected the PatchCore that fit_pictures returns.")
    return detector


def _check_plane(values: np.ndarray, name: str) -> np.ndarray:
    """Return a map or mask if it is one, and of real numbers."""
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind == "c":
        raise InputError(
            f"{name} has shape {values.shape} and dtype {values.dtype}, expected real numbers of shape (h, w)."
        )
    return values


def _patches_per_tile(detector: PatchCore, rule: PictureRule) -> int:
    """Return the number of patches of a tile."""
    shape = (1, rule.tile_size, rule.tile_size)
    _, height, width, _ = detector.features.transform(np.zeros(shape, np.uint8)).shape
    return height * width
