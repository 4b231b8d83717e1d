"""What `PatchCore` can be told: refused at once where it is wrong, and the choice of patches that it names."""

from __future__ import annotations

from typing import Any

import numpy as np

from .coreset import coreset_size, k_center_greedy, k_means, random_subset
from .errors import InputError, is_whole
from .memory_bank import KINDS
from .pooling import ways_of
from .scoring import IMAGE_SCORES

SAMPLERS = ("greedy", "random", "k_means")

# The recipe of the paper, for comparing with it: tiles as they are, in one size, with zeros around them.
PAPER: dict[str, Any] = {
    "size": None,
    "pooling": 3,
    "padding": "zeros",
    "level": False,
    "coreset": 0.10,
    "smoothing": 4.0,
    "baseline": None,
}


def check_options(
    coreset: Any,
    sampler: Any,
    index: Any,
    level: Any,
    baseline: Any,
    smoothing: Any,
    image_score: Any,
    seed: Any,
    pooling: Any,
) -> None:
    """Raise `InputError` for an option of `PatchCore` that can't be; those of `PatchFeatures` it checks itself."""
    for name, value, known in (
        ("sampler", sampler, SAMPLERS),
        ("index", index, KINDS),
        ("image_score", image_score, IMAGE_SCORES),
    ):
        if value not in known:
            raise InputError(f"{name} is {value!r}: choose one of {', '.join(known)}.")
    if not isinstance(coreset, (int, float, np.number)) or isinstance(coreset, bool):
        raise InputError(f"coreset is {coreset!r}, expected a share above 0 and up to 1, for example 0.10.")
    coreset_size(coreset, 1)
    if not isinstance(smoothing, (int, float, np.number)) or not 0 <= smoothing < np.inf:
        raise InputError(f"smoothing is {smoothing!r}, expected a number of px of at least 0 (0 = none).")
    if baseline is not None and (not isinstance(baseline, (int, float, np.number)) or not 0 <= baseline <= 1):
        raise InputError(f"baseline is {baseline!r}, expected a quantile from 0 to 1, for example 0.25, or None.")
    if level and sampler == "k_means":
        raise InputError(
            "level needs to know which tile a kept patch is of: take the sampler greedy or random, or level=False."
        )
    if image_score.startswith("reweighted") and ways_of(pooling) > 1:
        raise InputError(f"image_score {image_score} needs one way of pooling: give pooling=3, or take 'max'.")
    if not is_whole(seed) or not 0 <= seed < 2**32:
        raise InputError(f"seed is {seed!r}, expected a whole number from 0 to 4294967295.")


def sample(
    patches: np.ndarray, share: float, sampler: str, *, seed: int, progress: bool = False
) -> tuple[np.ndarray, np.ndarray | None, float | None]:
    """Return the patches to keep (k, C), their indices (k,) and the covering radius; None where there is none."""
    k = coreset_size(share, len(patches))
    if sampler == "k_means":
        return k_means(patches, k, seed=seed), None, None
    if sampler == "random":
        indices, radius = random_subset(patches, k, seed=seed), None
    else:
        indices, radii = k_center_greedy(patches, k, seed=seed, progress=progress)
        radius = float(radii[-1])
    return patches[indices], indices, radius
