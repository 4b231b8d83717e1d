"""The contest of notebook 09: tiles to learn from, tiles to test on, trained networks and maps, all cached."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.baselines.ssim import ERRORS, error_maps
from aitex_utils.baselines.variational import VariationalAutoencoder
from aitex_utils.calibration import position_scale
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_root, profile
from aitex_utils.lessons.tile_sampling import tiles_and_masks
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.strips import Strip, list_strips, split_strips
from aitex_utils.tiling import tile_labels

STEPS, SMOOTHING, BORDER = 100, 4.0, 16
LEARN_TILES, FEW_TILES = 20, 4
LEARN_STRIPS, NORMAL_STRIPS, DEFECTIVE_STRIPS = 8, 6, 12
PER_NORMAL, PER_DEFECTIVE = 8, 3  # test tiles per strip

# The networks of the notebook by name: their parameters, and how many tiles they learn from.
NETWORKS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "mirrored": {"border": BORDER},
    "few tiles": {"border": BORDER, "tiles": FEW_TILES},
    "seed 1": {"border": BORDER, "seed": 1},
    "narrow code": {"border": BORDER, "latent_channels": 1},
    "wide code": {"border": BORDER, "latent_channels": 16, "depth": 2},
    "wide code as it comes": {"latent_channels": 16, "depth": 2},
    "variational": {"border": BORDER, "kind": VariationalAutoencoder},
}
REMEDIES = {"padding": "reflect", "normalize_positions": True}
PATCHCORES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "mirrored": REMEDIES,
    "few tiles": {**REMEDIES, "tiles": FEW_TILES},
    "seed 1": {**REMEDIES, "seed": 1},
    "first layer": {**REMEDIES, "layers": ("blocks.0",), "coreset_ratio": 0.1 / 16},  # 16 times as many patches
    "late layer": {**REMEDIES, "layers": ("blocks.4",)},
}


class Contest(NamedTuple):
    """Tiles of one fabric.

    Parameters
    ----------
    fabric : str
        Number of the fabric.
    training : ndarray, shape (20, 256, 256)
        Normal tiles to learn from.
    tiles : ndarray, shape (T, 256, 256)
        Test tiles, from other strips.
    masks : ndarray, shape (T, 256, 256)
        Their ground-truth masks, bool.
    labels : ndarray, shape (T,)
        True for defective tiles.
    groups : ndarray, shape (T,)
        Name of each tile's strip.
    defects : ndarray, shape (T,)
        Name of the defect of each tile's strip.
    shown : ndarray, shape (4,)
        Positions of four defective tiles that stand for all in figures.

    Examples
    --------
    >>> tiles = np.zeros((1, 4, 4), np.uint8)
    >>> contest = Contest("00", tiles, tiles, tiles > 0, *np.zeros((4, 1), int))
    >>> contest.titles
    ['0']
    """

    fabric: str
    training: np.ndarray
    tiles: np.ndarray
    masks: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    defects: np.ndarray
    shown: np.ndarray

    @property
    def titles(self) -> list[str]:
        """Names of the defects of the four tiles."""
        return [str(self.defects[i]) for i in self.shown]


class Reconstruction(NamedTuple):
    """The output of a trained network for the test tiles.

    Parameters
    ----------
    reconstructed : ndarray, shape (T, 256, 256)
        Reconstructions of the test tiles, grey levels.
    scales : dict of str to ndarray, each of shape (256, 256)
        Typical smoothed error of the training tiles at each position, by kind of error.
    codes, training_codes : ndarray, shape (T, H', W', C)
        Codes of the test tiles and of the training tiles.
    nbytes : int
        Bytes of the weights.
    loss : float
        Mean training loss of the last 20 steps.

    Examples
    --------
    >>> Reconstruction(np.zeros((1, 4, 4)), {}, np.zeros(1), np.zeros(1), 8, 0.5).nbytes
    8
    """

    reconstructed: np.ndarray
    scales: dict[str, np.ndarray]
    codes: np.ndarray
    training_codes: np.ndarray
    nbytes: int
    loss: float


@lru_cache(maxsize=2)
def _contest(of_profile: str) -> Contest:
    root = lesson_root()
    sizes = [LEARN_TILES, LEARN_STRIPS, NORMAL_STRIPS, DEFECTIVE_STRIPS, PER_NORMAL, PER_DEFECTIVE]
    code = (_draw_contest, _test_tiles, tiles_and_masks, split_strips)
    arrays = cached(f"09_{of_profile}_contest", lambda: _draw_contest(root), data=root, code=code, sizes=sizes)
    for array in arrays.values():
        array.setflags(write=False)
    defective = np.flatnonzero(arrays["labels"])
    shown = defective[np.linspace(0, len(defective) - 1, 4).round().astype(int)]
    fabric = str(arrays.pop("fabric"))
    return Contest(fabric, **arrays, shown=shown)


def _draw_contest(root: Path) -> dict[str, np.ndarray]:
    """Return the fields of `Contest` as arrays, without the shown tiles."""
    strips = list_strips(root)
    known = [strip for strip in strips if not strip.is_normal and strip.read_known_mask() is not None]
    names = {strip.fabric for strip in strips if strip.is_normal} & {strip.fabric for strip in known}
    fabric = max(sorted(names), key=lambda name: sum(strip.fabric == name for strip in known))
    normal = [strip for strip in strips if strip.is_normal and strip.fabric == fabric]
    training, held_out = split_strips(normal, share=0.5, seed=0)
    learn = tiles_and_masks(training[:LEARN_STRIPS]).tiles
    learn = learn[np.random.default_rng(0).permutation(len(learn))[:LEARN_TILES]]
    test = held_out[:NORMAL_STRIPS] + [strip for strip in known if strip.fabric == fabric][:DEFECTIVE_STRIPS]
    parts = [_test_tiles(strip) for strip in test]
    tiles, masks = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    counts = [len(part[0]) for part in parts]
    groups, defects = (np.repeat(names, counts) for names in ([s.id for s in test], [s.defect for s in test]))
    arrays = {"training": learn, "tiles": tiles, "masks": masks, "labels": tile_labels(masks)}
    return {**arrays, "groups": groups, "defects": defects, "fabric": np.array(fabric)}


def load_contest() -> Contest:
    """Return the tiles of the contest: of the fabric with the most defective strips.

    Returns
    -------
    Contest
        Half of the normal strips are for learning. Each other normal strip gives up to eight test tiles, each defective
        strip up to three, those with the most marked pixels. The arrays cannot be written to.

    Examples
    --------
    >>> contest = load_contest()  # doctest: +SKIP
    """
    return _contest(profile())


def _test_tiles(strip: Strip) -> tuple[np.ndarray, np.ndarray]:
    """Return tiles of a strip to test on, and their masks."""
    tiles, masks, _ = tiles_and_masks([strip])
    if strip.is_normal:
        return tiles[:PER_NORMAL], masks[:PER_NORMAL]
    marked = masks.sum(axis=(1, 2))
    order = [i for i in np.argsort(-marked, kind="stable")[:PER_DEFECTIVE] if marked[i]]
    return tiles[order], masks[order]


def load_network(name: str) -> Reconstruction:
    """Return the output of one of `NETWORKS` for the test tiles. It is trained at the first call, then cached.

    Parameters
    ----------
    name : str
        Name of the network.

    Returns
    -------
    Reconstruction

    Examples
    --------
    >>> network = load_network("mirrored")  # doctest: +SKIP
    """
    contest, options = load_contest(), dict(NETWORKS[name])
    training = contest.training[: options.pop("tiles", LEARN_TILES)]
    kind = options.pop("kind", Autoencoder)

    def train() -> dict[str, np.ndarray]:
        network = kind(steps=STEPS, smoothing=SMOOTHING, **options).fit(training)
        network.learn_positions(training)
        return {
            "reconstructed": network.reconstruct(contest.tiles),
            "codes": network.encode(contest.tiles),
            "training_codes": network.encode(contest.training),
            "numbers": np.array([network.nbytes, np.mean(network.losses_[-20:])]),
            **{f"scale.{error}": scale for error, scale in network.position_scales_.items()},
        }

    ingredients = {"tiles": contest.tiles, "training": training, "options": options, "sizes": [STEPS, SMOOTHING]}
    arrays = cached(_key("network", name), train, code=(kind, Autoencoder, error_maps), **ingredients)
    scales = {error: arrays[f"scale.{error}"] for error in ERRORS}
    nbytes, loss = arrays["numbers"]
    codes = arrays["codes"], arrays["training_codes"]
    return Reconstruction(arrays["reconstructed"], scales, *codes, int(nbytes), float(loss))


def network_maps(network: Reconstruction, error: str, *, normalize: bool) -> np.ndarray:
    """Return the anomaly maps of the test tiles.

    Parameters
    ----------
    network : Reconstruction
        Output of `load_network`.
    error : {"SSIM", "pixel"}
        Kind of error.
    normalize : bool
        Divide by the typical error at each position.

    Returns
    -------
    ndarray, shape (T, 256, 256)
        Smoothed by 4 px.

    Examples
    --------
    >>> maps = network_maps(load_network("mirrored"), "pixel", normalize=True)  # doctest: +SKIP
    """
    kind = error.lower()
    maps = error_maps(load_contest().tiles, network.reconstructed, kind, SMOOTHING)
    return maps / network.scales[kind] if normalize else maps


def patchcore_maps(name: str) -> np.ndarray:
    """Return the maps of the test tiles by one of `PATCHCORES`, fitted at the first call, then cached.

    Parameters
    ----------
    name : str
        Name of the detector.

    Returns
    -------
    ndarray, shape (T, 256, 256)

    Examples
    --------
    >>> maps = patchcore_maps("as it comes")  # doctest: +SKIP
    """
    contest, options = load_contest(), {**PAPER, "smoothing": SMOOTHING, "seed": 0, **PATCHCORES[name]}
    training = contest.training[: options.pop("tiles", LEARN_TILES)]

    def fit() -> dict[str, np.ndarray]:
        return {"maps": PatchCore(**options).fit(training).predict(contest.tiles).maps}

    ingredients = {"tiles": contest.tiles, "training": training, "options": options}
    return cached(_key("patchcore", name), fit, code=(PatchCore,), **ingredients)["maps"]


def load_patches() -> tuple[np.ndarray, np.ndarray]:
    """Return the patches of the training tiles and of the test tiles, with mirrored borders.

    Returns
    -------
    training : ndarray, shape (20, 32, 32, C)
        float32.
    test : ndarray, shape (T, 32, 32, C)
        float32.

    Examples
    --------
    >>> training, test = load_patches()  # doctest: +SKIP
    """
    contest = load_contest()

    def extract() -> dict[str, np.ndarray]:
        features = PatchFeatures(padding="reflect")
        return {"training": features.transform(contest.training), "test": features.transform(contest.tiles)}

    ingredients = {"tiles": contest.tiles, "learned": contest.training}
    arrays = cached(_key("patches", "mirrored"), extract, code=(PatchFeatures,), **ingredients)
    return arrays["training"], arrays["test"]


def normalized_maps(training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Turn the distances of patches or codes into smoothed maps, with position-wise normalisation.

    Parameters
    ----------
    training : ndarray, shape (N, H', W')
        Distances of normal tiles, which give the typical distance at each position.
    test : ndarray, shape (T, H', W')
        Distances of test tiles.

    Returns
    -------
    ndarray, shape (T, 256, 256)

    Examples
    --------
    >>> normalized_maps(np.ones((4, 8, 8)), np.ones((2, 8, 8))).shape
    (2, 256, 256)
    """
    from aitex_utils.scoring import anomaly_maps

    return anomaly_maps((test / position_scale(training)).astype(np.float32), (256, 256), SMOOTHING)


def crop_defects(images: np.ndarray, masks: np.ndarray, side: int = 80) -> np.ndarray:
    """Return square crops around the middle of each mask.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images.
    masks : ndarray, shape (N, H, W)
        Masks with at least one marked pixel each.
    side : int
        Side of the crops in px.

    Returns
    -------
    ndarray, shape (N, side, side)

    Examples
    --------
    >>> masks = np.zeros((1, 9, 9), bool)
    >>> masks[0, 8, 4] = True
    >>> crop_defects(masks, masks, 3)[0].astype(int).tolist()
    [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    """
    crops = []
    for image, mask in zip(images, masks, strict=True):
        middle = [int(np.median(indices)) for indices in np.nonzero(mask)]
        corner = [min(max(i - side // 2, 0), n - side) for i, n in zip(middle, image.shape, strict=True)]
        crops.append(image[corner[0] : corner[0] + side, corner[1] : corner[1] + side])
    return np.stack(crops)


def error_ratio(reconstructed: np.ndarray) -> float:
    """Return how many times as large the pixel error is on a defect as elsewhere in the tile, in the median.

    Parameters
    ----------
    reconstructed : ndarray, shape (T, 256, 256)
        Reconstructions of the test tiles of `load_contest`.

    Returns
    -------
    float

    Examples
    --------
    >>> ratio = error_ratio(load_network("mirrored").reconstructed)  # doctest: +SKIP
    """
    contest = load_contest()
    errors = error_maps(contest.tiles, reconstructed, "pixel")
    ratios = [
        error[mask].mean() / error[~mask].mean()
        for error, mask in zip(errors, contest.masks, strict=True)
        if mask.any() and not mask.all()
    ]
    return float(np.median(ratios))


def _key(kind: str, name: str) -> str:
    return f"09_{profile()}_{kind}_{name.replace(' ', '_')}"


def tile_scores(maps: np.ndarray, frame: int = 0) -> np.ndarray:
    """Return the largest value of each map, without a frame of some px.

    Parameters
    ----------
    maps : ndarray, shape (N, H, W)
        Anomaly maps.
    frame : int
        Width of the frame that does not count.

    Returns
    -------
    ndarray, shape (N,)

    Examples
    --------
    >>> maps = np.zeros((1, 5, 5))
    >>> maps[0, 0, 0], maps[0, 2, 2] = 9, 1
    >>> tile_scores(maps).tolist(), tile_scores(maps, frame=2).tolist()
    ([9.0], [1.0])
    """
    inner = slice(frame, maps.shape[-1] - frame)
    return maps[:, inner, inner].max(axis=(1, 2))


def bootstrap_differences(
    contest: Contest, scores: np.ndarray, others: np.ndarray, n_resamples: int = 200
) -> np.ndarray:
    """Return differences in tile AUROC (scores - others) under other strips.

    Parameters
    ----------
    contest : Contest
        Output of `load_contest`.
    scores, others : ndarray, shape (T,)
        Scores of two detectors.
    n_resamples : int
        Number of resamples.

    Returns
    -------
    ndarray, shape (n_resamples,)

    Examples
    --------
    >>> tiles = np.zeros((4, 4, 4), np.uint8)
    >>> labels, groups = np.array([True, True, False, False]), np.array(["a", "b", "c", "d"])
    >>> contest = Contest("00", tiles, tiles, tiles > 0, labels, groups, groups, np.arange(4))
    >>> bootstrap_differences(contest, labels + 0.0, labels + 0.0, 3).tolist()
    [0.0, 0.0, 0.0]
    """
    from aitex_utils.metrics import auroc, paired_bootstrap

    data: Sequence[np.ndarray] = (contest.labels, scores, others, contest.groups)
    return paired_bootstrap(auroc, *data, n_resamples=n_resamples)
