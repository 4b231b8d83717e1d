"""Run inside anomalib's environment: seconds of its KCenterGreedy. IN.npz OUT.npz CHOICES SHARE.

Each choice costs the same, one pass over all patches, so that the seconds of `CHOICES` choices tell those of all.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from anomalib.models.components import KCenterGreedy


def main() -> None:
    given, made, choices, share = sys.argv[1:]
    with np.load(given) as arrays:
        patches = torch.from_numpy(arrays["patches"])
    torch.manual_seed(0)
    np.random.seed(0)  # its projection is drawn by NumPy's one generator for all
    wanted = int(len(patches) * float(share))
    seconds = []
    for count in (2, 2 + int(choices)):
        sampler = KCenterGreedy(patches, sampling_ratio=float(share))
        sampler.coreset_size = min(count, wanted)
        begin = time.perf_counter()
        sampler.select_coreset_idxs()
        seconds.append(time.perf_counter() - begin)
    each = (seconds[1] - seconds[0]) / (min(2 + int(choices), wanted) - 2)
    np.savez(made, seconds=seconds[0] + each * (wanted - 2), choices=wanted)


if __name__ == "__main__":
    main()
