"""A window of weave and three copies with equal mean errors, for the comparison of pixel error and SSIM."""

from __future__ import annotations

import numpy as np


def spoiled_windows(side: int = 33) -> dict[str, np.ndarray]:
    """Return a window of an ideal weave, and three changed copies with about the same mean error in grey levels.

    Parameters
    ----------
    side : int
        Side of the windows in px.

    Returns
    -------
    dict of str to ndarray, each of shape (side, side)
        "original", "brighter", "grainy" and "threads faded", uint8.

    Examples
    --------
    >>> list(spoiled_windows())
    ['original', 'brighter', 'grainy', 'threads faded']
    """
    down, across = np.mgrid[:side, :side]
    weave = 127 + 30 * np.cos(across * np.pi / 4) + 30 * np.cos(down * np.pi / 3)
    signs = np.random.default_rng(0).choice([-1, 1], weave.shape)
    amount = 0.9 * np.abs(weave - 127).mean()
    windows = {
        "original": weave,
        "brighter": weave + amount,
        "grainy": weave + amount * signs,
        "threads faded": 127 + 0.1 * (weave - 127),
    }
    return {name: window.clip(0, 255).astype(np.uint8) for name, window in windows.items()}
