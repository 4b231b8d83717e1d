"""Time anomalib's KCenterGreedy in its environment.

Arguments: IN.npz OUT.npz CHOICES CORESET_RATIO. Each choice costs the same, one pass over all patches, so the time of
all choices is extrapolated from `CHOICES`.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from anomalib.models.components import KCenterGreedy


def main() -> None:
    """Time two choices and `CHOICES` more, and write the seconds of the whole coreset."""
    given, output, choices, coreset_ratio = sys.argv[1:]
    with np.load(given) as arrays:
        patches = torch.from_numpy(arrays["patches"])
    torch.manual_seed(0)
    np.random.seed(0)  # anomalib draws its projection from NumPy's global generator
    n_coreset = int(len(patches) * float(coreset_ratio))
    seconds = []
    for count in (2, 2 + int(choices)):
        sampler = KCenterGreedy(patches, sampling_ratio=float(coreset_ratio))
        sampler.coreset_size = min(count, n_coreset)
        begin = time.perf_counter()
        sampler.select_coreset_idxs()
        seconds.append(time.perf_counter() - begin)
    per_choice = (seconds[1] - seconds[0]) / (min(2 + int(choices), n_coreset) - 2)
    np.savez(output, seconds=seconds[0] + per_choice * (n_coreset - 2))


if __name__ == "__main__":
    main()
