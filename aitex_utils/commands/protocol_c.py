"""Protocol C: fit on a share of a fabric's normal strips, test on its other normal strips and all defective ones.

The split is by strip, because tiles of one strip are near copies of each other. Defective tiles are compared with the
clean tiles of normal strips (C1), or with all clean tiles, including clean tiles of defective strips (C2). The demo and
the benchmarks use this module alike: `split_protocol_c`, `crop_fabrics`, `fit_fabrics`, `score_strips`, `evaluate`.
Strips that cannot be used are left out before the work, by `strips.read_strips` and `find_regions`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PatchCore, StripResult
from aitex_utils.region import Region, crop_to_fabric, fabric_region
from aitex_utils.strips import STRIP_SHAPE, Strip, distinct_strips, split_strips
from aitex_utils.tiling import crop_tiles, tile, tile_labels

if TYPE_CHECKING:
    from aitex_utils.baselines.autoencoder import Autoencoder

SHARE = 0.7  # of the normal strips in the training set


@dataclass(frozen=True)
class ScoredStrip:
    """A strip of the test set with its ground truth and the detector's prediction.

    Parameters
    ----------
    strip : Strip
        The strip.
    image : ndarray, shape (H, W)
        Grey values, uint8.
    mask : ndarray, shape (H, W), or None
        Ground-truth mask, bool; None if the place of the defect is unknown.
    result : StripResult
        Prediction.
    labels : ndarray, shape (N,), or None
        True for a defective tile, in the order of ``result.corners``; None if there is no mask.

    Examples
    --------
    >>> from pathlib import Path
    >>> result = StripResult(np.zeros((256, 256)), 0.5, np.array([0.5]), np.array([[0, 0]]), (0, 256))
    >>> strip = Strip("0001_002_00", "00", "002", Path("0001_002_00.png"))
    >>> ScoredStrip(strip, np.zeros((256, 256), np.uint8), None, result, None).result.score
    0.5
    """

    strip: Strip
    image: np.ndarray
    mask: np.ndarray | None
    result: StripResult
    labels: np.ndarray | None


@dataclass(frozen=True)
class TileScores:
    """The N tiles of a test set whose masks are known.

    Parameters
    ----------
    scores : ndarray, shape (N,)
        Anomaly scores.
    labels : ndarray, shape (N,)
        True for a defective tile.
    groups : ndarray, shape (N,)
        The strip of each tile, for a bootstrap by strip.
    in_c1 : ndarray, shape (N,)
        True for the tiles of C1: defective tiles, and all tiles of normal strips.

    Examples
    --------
    >>> tiles = TileScores(np.array([1.0, 2.0]), np.array([False, True]), np.array([0, 1]), np.array([True, True]))
    >>> tiles.labels[tiles.in_c1].tolist()
    [False, True]
    """

    scores: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    in_c1: np.ndarray


def split_protocol_c(strips: Sequence[Strip], share: float = SHARE, seed: int = 0) -> tuple[list[Strip], list[Strip]]:
    """Split the strips of a fabric into training set and test set.

    Parameters
    ----------
    strips : sequence of Strip
        Strips of one or more fabrics. Each picture counts once, see `strips.distinct_strips`.
    share : float
        Share of the normal strips in the training set, 0 to 1.
    seed : int
        The same seed gives the same split.

    Returns
    -------
    training : list of Strip
        Normal strips.
    test : list of Strip
        The other normal strips, then all defective ones.

    Raises
    ------
    InputError
        If a fabric has fewer than two normal strips, or the share is out of range.

    Examples
    --------
    >>> from pathlib import Path
    >>> strips = [Strip(f"000{i}_000_00", "00", "000", Path()) for i in range(4)]
    >>> strips.append(Strip("0009_002_00", "00", "002", Path()))
    >>> training, test = split_protocol_c(strips)
    >>> len(training), [strip.code for strip in test]
    (3, ['000', '002'])
    """
    strips = distinct_strips(strips)
    training, held_out = split_strips([strip for strip in strips if strip.is_normal], share, seed)
    return training, held_out + [strip for strip in strips if not strip.is_normal]


def find_regions(
    strips: Sequence[Strip], images: Sequence[np.ndarray]
) -> tuple[list[Strip], list[np.ndarray], list[Region]]:
    """Find the fabric of each strip, and leave out the strips that have none.

    Parameters
    ----------
    strips : sequence of Strip
        The strips.
    images : sequence of ndarray, each of shape (256, W)
        Their grey values, uint8.

    Returns
    -------
    strips : list of Strip
        Those with fabric for at least one tile. One warning counts and names the others, another one the strips whose
        fabric is uncertain.
    images : list of ndarray, each of shape (256, W)
        Their grey values.
    regions : list of Region
        Their fabric.

    Examples
    --------
    >>> from pathlib import Path
    >>> image = np.random.default_rng(0).integers(80, 160, (256, 1024), np.uint8)
    >>> find_regions([Strip("0001_000_00", "00", "000", Path())], [image])[2]
    [(0, 1024)]
    """
    usable, bad, uncertain = [], [], []
    for strip, image in zip(strips, images, strict=True):
        try:
            with _named(strip):
                start, stop = region = fabric_region(image)
                if stop - start < STRIP_SHAPE[0]:
                    raise InputError(f"only {stop - start} columns look like fabric, fewer than a tile has.")
        except InputError as error:
            bad.append(str(error))
            continue
        usable.append((strip, image, region))
        if not region.is_certain:
            uncertain.append(f"{strip.id} (columns {start} to {stop})")
    if bad:
        warnings.warn(f"{len(bad)} of {len(strips)} strips were skipped: {' | '.join(bad)}", stacklevel=2)
    if uncertain:
        warnings.warn(
            f"The fabric of {len(uncertain)} of {len(strips)} strips is uncertain, because a fold might hide it: "
            f"{', '.join(uncertain)}. Look at these strips, and leave out those that are cut wrongly.",
            stacklevel=2,
        )
    return [row[0] for row in usable], [row[1] for row in usable], [row[2] for row in usable]


def crop_fabrics(strips: Sequence[Strip], images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the fabric of each strip.

    Parameters
    ----------
    strips : sequence of Strip
        The strips, for the message of an error.
    images : sequence of ndarray, each of shape (H, W)
        Their grey values, uint8.

    Returns
    -------
    list of ndarray, each of shape (H, W')

    Raises
    ------
    InputError
        If no fabric is found in a strip; the message names it.

    Examples
    --------
    >>> from pathlib import Path
    >>> image = np.random.default_rng(0).integers(80, 160, (256, 1024), np.uint8)
    >>> [fabric.shape for fabric in crop_fabrics([Strip("0001_000_00", "00", "000", Path())], [image])]
    [(256, 1024)]
    """
    fabrics = []
    for strip, image in zip(strips, images, strict=True):
        with _named(strip):
            fabrics.append(crop_to_fabric(image)[0])
    return fabrics


def fit_fabrics(detector: PatchCore, fabrics: Sequence[np.ndarray], *, on_strips: bool = True) -> PatchCore:
    """Fit a detector on the fabric of normal strips.

    Parameters
    ----------
    detector : PatchCore
        Detector to fit.
    fabrics : sequence of ndarray, each of shape (256, W)
        Output of `crop_fabrics`.
    on_strips : bool
        Fit on whole strips; otherwise on their tiles.

    Returns
    -------
    PatchCore
        The detector itself.

    Examples
    --------
    >>> fabrics = [np.random.default_rng(0).integers(80, 160, (256, 512), np.uint8)]
    >>> detector = PatchCore(size=64, coreset_ratio=0.01)
    >>> fit_fabrics(detector, fabrics, on_strips=False).fitted_on_strips_
    False
    """
    if on_strips:
        return detector.fit_strips(fabrics)
    return detector.fit(np.concatenate([tile(fabric)[0] for fabric in fabrics]))


def score_strips(
    detector: PatchCore | Autoencoder,
    strips: Sequence[Strip],
    images: Sequence[np.ndarray] | None = None,
    regions: Sequence[tuple[int, int]] | None = None,
    *,
    skip_bad: bool = False,
) -> list[ScoredStrip]:
    """Predict strips, and put their ground truth beside the predictions.

    Parameters
    ----------
    detector : PatchCore or Autoencoder
        Fitted detector; any object with a method `predict_strip` that returns a `StripResult` will do.
    strips : sequence of Strip
        The test set.
    images : sequence of ndarray, each of shape (H, W), optional
        The strips' grey values if they have been read already.
    regions : sequence of tuple of int, optional
        The strips' fabric if it has been found already, see `find_regions`.
    skip_bad : bool
        Leave bad strips out, with one warning that counts and names them.

    Returns
    -------
    list of ScoredStrip

    Raises
    ------
    InputError
        If a strip cannot be read or predicted, and `skip_bad` is False; the message names it.

    Examples
    --------
    >>> score_strips(PatchCore(), [])
    []
    """
    scored, bad = [], []
    for i, strip in enumerate(strips):
        try:
            image = strip.read() if images is None else images[i]
            with _named(strip):
                region = {} if regions is None else {"region": regions[i]}
                result = detector.predict_strip(image, **region)
            mask = strip.read_known_mask()
        except InputError as error:
            if not skip_bad:
                raise
            bad.append(str(error))
            continue
        labels = None if mask is None else tile_labels(crop_tiles(mask, result.corners))
        scored.append(ScoredStrip(strip, image, mask, result, labels))
    if bad:
        warnings.warn(f"{len(bad)} of {len(strips)} strips were skipped: {' | '.join(bad)}", stacklevel=2)
    return scored


def collect_tiles(scored: Sequence[ScoredStrip]) -> TileScores:
    """Collect the tiles of all strips whose masks are known.

    Parameters
    ----------
    scored : sequence of ScoredStrip
        The test set.

    Returns
    -------
    TileScores

    Raises
    ------
    InputError
        If no strip has a known mask.

    Examples
    --------
    >>> from pathlib import Path
    >>> result = StripResult(np.zeros((256, 512)), 2.0, np.array([1.0, 2.0]), np.array([[0, 0], [0, 256]]), (0, 512))
    >>> strip = Strip("0001_002_00", "00", "002", Path())
    >>> mask = np.zeros((256, 512), bool)
    >>> tiles = collect_tiles([ScoredStrip(strip, mask, mask, result, np.array([False, True]))])
    >>> tiles.scores.tolist(), tiles.in_c1.tolist()
    ([1.0, 2.0], [False, True])
    """
    known = [item for item in scored if item.labels is not None]
    if not known:
        raise InputError("No strip of the test set has a known mask: add normal strips, or defective ones with masks.")
    labels = np.concatenate([item.labels for item in known])
    is_normal = np.concatenate([np.full(len(item.labels), item.strip.is_normal) for item in known])
    return TileScores(
        scores=np.concatenate([item.result.tile_scores for item in known]),
        labels=labels,
        groups=np.concatenate([np.full(len(item.labels), i) for i, item in enumerate(known)]),
        in_c1=is_normal | labels,
    )


def evaluate(scored: Sequence[ScoredStrip], *, n_resamples: int = 1000) -> dict[str, Any]:
    """Return the measures of protocol C.

    Parameters
    ----------
    scored : sequence of ScoredStrip
        The test set. Strips without a known mask count in the strip-level AUROC alone.
    n_resamples : int
        Number of resamples, by strip, for the 95 % intervals of the tile-level AUROC.

    Returns
    -------
    dict
        By name: tile-level AUROC (C1 and C2) with its intervals, and strip-level AUROC. Pixel-level AUROC and AP over
        the pixels of the fabric, and AUPRO up to a false-positive rate of 0.3. The numbers of strips and tiles.

    Raises
    ------
    InputError
        If no strip has a known mask.

    Examples
    --------
    >>> from pathlib import Path
    >>> corners, scored = np.array([[0, 0], [0, 256]]), []
    >>> for code in ("000", "002", "000", "002"):
    ...     mask = np.zeros((256, 512), bool)
    ...     mask[100:120, 300:320] = code != "000"
    ...     result = StripResult(mask + 0.0, mask.max() + 0.0, np.array([0.0, mask.max()]), corners, (0, 512))
    ...     strip = Strip(f"0001_{code}_00", "00", code, Path())
    ...     scored.append(ScoredStrip(strip, mask, mask, result, np.array([False, code != "000"])))
    >>> measures = evaluate(scored, n_resamples=10)
    >>> measures["tile_auroc_c1"], measures["tiles_tested"], measures["tiles_defective"]
    (1.0, 8, 2)
    """
    tiles = collect_tiles(scored)
    c1, c1_interval = _auroc_and_interval(tiles, tiles.in_c1, n_resamples)
    c2, c2_interval = _auroc_and_interval(tiles, np.ones(len(tiles.labels), bool), n_resamples)
    known = [item for item in scored if item.mask is not None]
    maps, masks = [item.result.map for item in known], [item.mask for item in known]
    pixel_labels, pixel_scores = _fabric_pixels(maps, masks)
    strip_labels = [not item.strip.is_normal for item in scored]
    return {
        "strips_without_known_mask": len(scored) - len(known),
        "tiles_tested": len(tiles.labels),
        "tiles_defective": int(tiles.labels.sum()),
        "tile_auroc_c1": c1,
        "tile_auroc_c1_interval": c1_interval,
        "tile_auroc_c2": c2,
        "tile_auroc_c2_interval": c2_interval,
        "strip_auroc": metrics.auroc(strip_labels, [item.result.score for item in scored]),
        "pixel_auroc": metrics.auroc(pixel_labels, pixel_scores),
        "pixel_ap": metrics.average_precision(pixel_labels, pixel_scores),
        "aupro_0.3": metrics.aupro(maps, masks, 0.3),
    }


def _auroc_and_interval(tiles: TileScores, rows: np.ndarray, n_resamples: int) -> tuple[float, tuple[float, float]]:
    """Return the AUROC of some of the tiles, and its 95 % interval under other strips."""
    labels, scores = tiles.labels[rows], tiles.scores[rows]
    interval = metrics.bootstrap_interval(
        metrics.auroc, labels, scores, tiles.groups[rows], confidence=0.95, n_resamples=n_resamples
    )
    return metrics.auroc(labels, scores), interval


def _fabric_pixels(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and scores of all pixels at which there is fabric."""
    labels = [mask[~np.isnan(anomaly_map)] for anomaly_map, mask in zip(maps, masks, strict=True)]
    scores = [anomaly_map[~np.isnan(anomaly_map)] for anomaly_map in maps]
    return np.concatenate(labels), np.concatenate(scores)


@contextmanager
def _named(strip: Strip) -> Iterator[None]:
    """Put the strip's name before the message of an error that states its pixels alone."""
    try:
        yield
    except InputError as error:
        raise InputError(f"Strip {strip.id}: {error}") from error
